"""The conditions of a filter on a value in hand; `service.store.sql` says the same of columns.

SDMX-REST 2.2.2, doc/data.md, "c".
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from operator import ge, gt, le, lt
from typing import Any

from dsd.resolved import ResolvedComponent, Role
from service.query.selection import ComponentFilter, Condition, Operator
from service.store.catalog import Value

_NUMERIC_TYPES = frozenset(
    {
        "BigInteger",
        "Integer",
        "Long",
        "Short",
        "Decimal",
        "Float",
        "Double",
        "Count",
        "InclusiveValueRange",
        "ExclusiveValueRange",
        "Incremental",
    }
)
NEGATED = {Operator.NE: Operator.EQ, Operator.NOT_CONTAINS: Operator.CONTAINS}
"""Operators that hold exactly where another does not: where there is no value, too."""

_ORDERED: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.LT: lt,
    Operator.LE: le,
    Operator.GT: gt,
    Operator.GE: ge,
}
_TEXTUAL: dict[Operator, Callable[[str, str], bool]] = {
    Operator.CONTAINS: lambda text, part: part in text,
    Operator.STARTS_WITH: str.startswith,
    Operator.ENDS_WITH: str.endswith,
}


def is_numeric(component: ResolvedComponent) -> bool:
    """Tell whether values of a component compare as numbers."""
    if component.codelist is not None:
        return False
    text_format = component.text_format
    kind = text_format.data_type if text_format else None
    return kind in _NUMERIC_TYPES or (component.role is Role.MEASURE and kind is None)


def satisfies(component: ResolvedComponent, entry: ComponentFilter, value: Value | None) -> bool:
    """Tell whether a value of a component, None where it has none, passes a filter."""
    texts = () if value is None else (value,) if isinstance(value, str) else value
    return any(all(_holds(component, part, texts) for part in term) for term in entry.terms)


def _holds(component: ResolvedComponent, condition: Condition, texts: tuple[str, ...]) -> bool:
    positive = NEGATED.get(condition.operator)
    if positive is not None:
        return not _holds(component, Condition(positive, condition.value), texts)
    return any(_compares(component, text, condition) for text in texts)


def _compares(component: ResolvedComponent, text: str, condition: Condition) -> bool:
    textual = _TEXTUAL.get(condition.operator)
    if textual is not None:
        return textual(text, condition.value)
    if condition.operator is Operator.EQ and text == condition.value:
        return True
    if not is_numeric(component):
        ordered = _ORDERED.get(condition.operator)
        return ordered is not None and ordered(text, condition.value)
    left, right = _number(text), _number(condition.value)
    if left is None or right is None:
        return False
    if condition.operator is Operator.EQ:
        return left == right
    return _ORDERED[condition.operator](left, right)


def _number(text: str) -> Decimal | None:
    """Return a number; None for NaN and what is none, which compare with nothing."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return None if found.is_nan() else found
