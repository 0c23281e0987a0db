"""The expressions of the `c` parameter. SDMX-REST 2.2.2, doc/data.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain

from dsd.time_period import DEFAULT_START_DAY, PeriodSyntaxError, parse_period
from service.query.errors import QuerySyntaxError
from service.query.limits import MOST_ALTERNATIVES, MOST_CONDITIONS, check_number
from service.query.selection import ComponentFilter, Condition, Operator

TIME_PERIOD = "TIME_PERIOD"

_OPERATORS = {operator.value: operator for operator in Operator}
_AND = {
    # No period begins like a clock, so a + before one belongs to a time zone: 2010-01-01T00:00:00+07:00.
    TIME_PERIOD: re.compile(r"\+(?!\d\d:\d\d(?:[,+/]|$))", re.ASCII),
}
_ANY_PLUS = re.compile(r"\+")
_COMPONENT_ID = re.compile(r"[A-Za-z\d_@$-]+", re.ASCII)
TEXT_OPERATORS = frozenset(
    {Operator.CONTAINS, Operator.NOT_CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH}
)
"""Operators that look at the text of a value."""


def parse_filters(filters: Mapping[str, str], start_day: str | None) -> tuple[ComponentFilter, ...]:
    """Return the filters by component, in the order in which the request has them.

    Raises:
        QuerySyntaxError: a component id or an expression is not well written.
    """
    return tuple(parse_filter(component, text, start_day) for component, text in filters.items())


def parse_filter(component: str, text: str, start_day: str | None) -> ComponentFilter:
    """Return one filter: `,` separates alternatives, `+` joins conditions and binds tighter.

    An operator applies to its own value only: `ne:A,B` is (not A) or B.

    Raises:
        QuerySyntaxError: a value is empty, or one of TIME_PERIOD is no period.

    >>> parse_filter("X", "ne:A,B+C", "--01-01").terms[1][0]
    Condition(operator=<Operator.EQ: 'eq'>, value='B')
    """
    if _COMPONENT_ID.fullmatch(component) is None:
        raise QuerySyntaxError(f"c[{component}]: {component!r} is no component id")
    both = _AND.get(component, _ANY_PLUS)
    name = f"c[{component}]"
    split = [both.split(term) for term in text.split(",")]
    check_number(name, "conditions", [*chain(*split)], MOST_ALTERNATIVES)
    check_number(name, "conditions joined by +", max(split, key=len), MOST_CONDITIONS)
    return ComponentFilter(
        component,
        tuple(tuple(_condition(component, part, start_day) for part in term) for term in split),
    )


def _condition(component: str, text: str, start_day: str | None) -> Condition:
    prefix, colon, rest = text.partition(":")
    prefixed = bool(colon) and prefix in _OPERATORS
    operator, value = (_OPERATORS[prefix], rest) if prefixed else (Operator.EQ, text)
    if not value:
        raise QuerySyntaxError(
            f"c[{component}]: a value is missing in {text!r}; write value,value for alternatives, "
            "condition+condition where both must hold"
        )
    if component == TIME_PERIOD and operator not in TEXT_OPERATORS:
        check_period(f"c[{TIME_PERIOD}]", value, start_day)
    return Condition(operator, value)


def check_period(name: str, value: str, start_day: str | None) -> None:
    """Check that a parameter's value is a period.

    Without a start day, a week 53 or day 366 may be one: that depends on the reporting year of the data.

    Raises:
        QuerySyntaxError: it is none; says how to write it.
    """
    try:
        parse_period(value, start_day or DEFAULT_START_DAY, strict=start_day is not None)
    except PeriodSyntaxError as error:
        raise QuerySyntaxError(f"{name}: {error}") from error
