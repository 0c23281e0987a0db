"""In which languages the texts of artefacts are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from codelists.base import Maintainable, Part
from service.formats.names import NO_LANGUAGE, wanted_texts
from service.formats.structure_table import LAYOUTS
from service.formats.structure_table.reach import members_leading_to
from service.formats.structure_table.vocabulary import Links, Texts

Tags = frozenset[tuple[str, ...]]
"""The sets of languages in which texts are: of most artefacts one."""

_MEMBERS = members_leading_to((Texts, Links), LAYOUTS)


def tags_of(artefact: Maintainable) -> Tags:
    """Return the languages of each text in an artefact."""
    return frozenset(_tags(artefact))


def _tags(part: Any) -> Iterator[tuple[str, ...]]:
    for member in _MEMBERS.get(type(part), ()):
        value = getattr(part, member)
        if isinstance(value, dict):
            if value:
                yield tuple(value)
        elif isinstance(value, tuple):
            for entry in value:
                yield from _tags(entry)
        elif isinstance(value, Part):
            yield from _tags(value)


def answered(tags: Iterable[tuple[str, ...]], wished: tuple[str, ...]) -> tuple[str, ...]:
    """Return the languages that an answer has, those wished for first, in the order of the wishes.

    >>> answered([("en", "fr"), ("en",)], ("fr-CH", "fr"))
    ('fr', 'en')
    """
    found: set[str] = set()
    for entry in tags:
        found.update(wanted_texts(dict.fromkeys(entry, ""), wished) if wished else entry)
    found.discard(NO_LANGUAGE)

    def order(tag: str) -> tuple[int, str]:
        fitting = (place for place, asked in enumerate(wished) if _fits(tag, asked))
        return next(fitting, len(wished)), tag

    return tuple(sorted(found, key=order))


def _fits(tag: str, asked: str) -> bool:
    """Tell whether one of two tags is the other with more said (RFC 4647, 3.3 and 3.4)."""
    one, other = f"{tag.lower()}-", f"{asked.lower()}-"
    return one.startswith(other) or other.startswith(one)
