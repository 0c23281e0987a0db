"""Stubs as they stand in a message, kept from one message to the next.

A list of stubs is the same few hundred bytes for each of thousands of artefacts, which never change while the
structures are the same; writing them anew would be nearly all that such an answer costs.
"""

from __future__ import annotations

from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from codelists.base import Maintainable
from dsd.structures import Structures
from service.formats.structure_table.vocabulary import Form

AnyWritten = TypeVar("AnyWritten")
Kept = dict[int, tuple[Maintainable, AnyWritten]]
"""By the object itself, which is held, so that no other can take its place in memory."""

_MOST_WAYS = 8
_MOST_STUBS = 20_000


class Fragments(Generic[AnyWritten]):
    """What was written of stubs, for as long as the structures exist in which they stand."""

    def __init__(self) -> None:
        self._by_structures: WeakKeyDictionary[
            Structures, dict[tuple[Form, tuple[str, ...]], Kept[AnyWritten]]
        ] = WeakKeyDictionary()

    def kept(
        self, structures: Structures, form: Form, languages: tuple[str, ...]
    ) -> Kept[AnyWritten]:
        """Return what is kept of one form in these languages; a caller adds to it what it writes."""
        ways = self._by_structures.setdefault(structures, {})
        found = ways.get((form, languages))
        if found is None or len(found) >= _MOST_STUBS:
            if len(ways) >= _MOST_WAYS:
                ways.clear()
            found = ways[form, languages] = {}
        return found
