"""Times that SDMX-ML takes and SDMX-JSON does not, wherever they stand in an artefact.

The date-time and date of JSON Schema are those of RFC 3339: an instant has a time zone, a day has none. In XML
Schema either may have one (Part 2, 3.2.7 "dateTime", 3.2.9 "date").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from codelists.base import AnyPart, Part, replaced
from service.formats.structure_losses import Writing, name_of
from service.formats.structure_table import LAYOUTS
from service.formats.structure_table.conversions import DATE, TIME
from service.formats.structure_table.vocabulary import Child, Children, Field, Scalar, Variants

_LOCAL_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")
_ZONED_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(Z|[+-]\d\d:\d\d)")


def in_rfc_3339(part: AnyPart, writing: Writing) -> AnyPart:
    """Return a part whose times, and those of the parts in it, SDMX-JSON can hold; itself where they all are so.

    Raises:
        NotExpressibleError: a day with a time zone, and there is no report.
    """
    changes: dict[str, Any] = {}
    for member in _times(type(part)):
        text = getattr(part, member)
        if text and (written := _written(text, member, part, writing)) != text:
            changes[member] = written
    for member in _ways(type(part)):
        value = getattr(part, member)
        if isinstance(value, Part):
            if (changed := in_rfc_3339(value, writing)) is not value:
                changes[member] = changed
        elif value:
            entries = tuple(
                in_rfc_3339(entry, writing) if isinstance(entry, Part) else entry for entry in value
            )
            if any(map(_is_not, entries, value)):
                changes[member] = entries
    return replaced(part, **changes) if changes else part


def _is_not(one: object, other: object) -> bool:
    return one is not other


def _written(text: str, member: str, part: Part, writing: Writing) -> str:
    if _LOCAL_INSTANT.fullmatch(text):
        writing.remark(f"{member} {text} of {name_of(part)} has no time zone: it is written as UTC")
        return f"{text}Z"
    if zoned := _ZONED_DAY.fullmatch(text):
        writing.lose(f"the time zone of {member} {text}", name_of(part))
        return zoned[1]
    return text


def _fields(model: type[Part]) -> Iterator[Field]:
    for layout in LAYOUTS.values():
        if layout.model is model:
            yield from layout.fields


@cache
def _times(model: type[Part]) -> tuple[str, ...]:
    """Return the members that are times."""
    return tuple(
        dict.fromkeys(
            field.member
            for field in _fields(model)
            if isinstance(field.kind, Scalar) and field.kind.conversion in (TIME, DATE)
        )
    )


@cache
def _ways(model: type[Part]) -> tuple[str, ...]:
    """Return the members whose parts are times or hold some at any depth: no other is looked into."""
    return tuple(
        dict.fromkeys(
            field.member
            for field in _fields(model)
            if any(_times(found) for inner in _models(field) for found in _reached(inner))
        )
    )


def _reached(model: type[Part]) -> set[type[Part]]:
    """Return a model with all that it holds at any depth."""
    seen, pending = {model}, [model]
    while pending:
        inner = {found for field in _fields(pending.pop()) for found in _models(field)} - seen
        seen |= inner
        pending += inner
    return seen


def _models(field: Field) -> set[type[Part]]:
    kind = field.kind
    if isinstance(kind, Child | Children):
        return {LAYOUTS[kind.layout].model}
    if isinstance(kind, Variants):
        return {LAYOUTS[entry.layout].model for entry in kind.variants if entry.layout}
    return set()
