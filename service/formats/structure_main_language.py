"""Texts that an SDMX-JSON structure message has without their language: they are in its main one.

SDMX-JSON 2.1, "meta": the first of `contentLanguages` is "the main language used in the message for localized elements";
`name` and its like are texts in the language that fits best.
"""

from __future__ import annotations

from typing import Any

from codelists.base import Part, replaced
from service.formats.structure_table import LAYOUTS
from service.formats.structure_table.reach import members_leading_to
from service.formats.structure_table.vocabulary import Texts

_MEMBERS = members_leading_to((Texts,), LAYOUTS)
_BEST: dict[tuple[type[Part], str], str] = {
    (layout.model, field.member): field.kind.best
    for layout in LAYOUTS.values()
    for field in layout.fields
    if isinstance(field.kind, Texts)
}


def in_main_language(part: Any, language: str) -> Any:
    """Return a part of the model in which texts without a language are in this one."""
    changes: dict[str, Any] = {}
    for member in _MEMBERS.get(type(part), ()):
        value = getattr(part, member)
        if isinstance(value, dict):
            best = getattr(part, _BEST.get((type(part), member), ""), None)
            if best is not None and language not in value and best not in value.values():
                changes[member] = {language: best, **value}
        elif isinstance(value, tuple):
            inner = tuple(in_main_language(entry, language) for entry in value)
            if any(new is not old for new, old in zip(inner, value, strict=True)):
                changes[member] = inner
        elif isinstance(value, Part):
            new = in_main_language(value, language)
            if new is not value:
                changes[member] = new
    return replaced(part, **changes) if changes else part
