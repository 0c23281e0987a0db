"""The annotations of SDMX-JSON data: a list in the structure, to which data sets, series, groups and observations refer.

Field guide, "annotation", "dimensionGroupAttributes", "observations": numbers stand in `annotations`, or in the array of a
group or observation after all of its attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from codelists.base import Annotation, Link
from codelists.text import best_match
from dsd.annotated import annotations_of, annotations_text
from service.formats.contract import NotExpressibleError
from service.formats.names import asked_languages, wanted_texts

_MEMBERS = frozenset(Annotation.__struct_encode_fields__)
_LINK_MEMBERS = frozenset(Link.__struct_encode_fields__)


class AnnotationTable:
    """The list of a structure while it is written."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        self._languages = languages
        self._numbers: dict[str, int] = {}
        self._known: dict[str, tuple[int, ...]] = {}
        self.entries: list[dict[str, Any]] = []

    def add(self, text: str) -> None:
        """Take in the annotations of one carrier, as a batch holds them."""
        if text in self._known:
            return
        numbers = []
        for annotation in annotations_of(text):
            alone = annotations_text([annotation])
            if alone not in self._numbers:
                self._numbers[alone] = len(self.entries)
                self.entries.append(self._entry(annotation))
            numbers.append(self._numbers[alone])
        self._known[text] = tuple(numbers)

    def numbers(self, text: str) -> tuple[int, ...]:
        """Return the numbers of the annotations of one carrier.

        Raises:
            NotExpressibleError: they were not taken in, so that the structure does not list them.
        """
        found = self._known.get(text)
        if found is None:
            raise NotExpressibleError(
                "rows have annotations of which the first ones and the preamble do not know: name them in the preamble"
            )
        return found

    def _entry(self, annotation: Annotation) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.to_builtins(annotation)
        texts = annotation.texts
        if texts:
            if self._languages:
                found["texts"] = wanted_texts(texts, self._languages)
            best = best_match(texts, asked_languages(self._languages))
            if annotation.text is None and best is not None:
                found["text"] = best[1]
        return found


class AnnotationList:
    """The list of a structure that is read."""

    def __init__(self, entries: Sequence[Any], tell: Callable[[str, str, str], None]) -> None:
        """Take the list, and what is told a rule, a message and a member of the structure."""
        self._tell = tell
        self._found = [self._annotation(entry, number) for number, entry in enumerate(entries)]
        self._known: dict[tuple[int, ...], str | None] = {}

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._found)

    def text_of(self, numbers: Sequence[Any]) -> str | None:
        """Return the annotations of these numbers as a batch holds them; None where there is none.

        Raises:
            IndexError: a number is none of the list.
        """
        if not all(type(number) is int and 0 <= number < len(self._found) for number in numbers):
            raise IndexError
        key = tuple(numbers)
        if key not in self._known:
            kept = [entry for number in key if (entry := self._found[number]) is not None]
            self._known[key] = annotations_text(kept) if kept else None
        return self._known[key]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._found)

    def _annotation(self, entry: Any, number: int) -> Annotation | None:
        """Return an annotation; what it has beside the members of the standard is told."""
        left_out: list[str] = []
        known = _known(entry, _MEMBERS, left_out) if isinstance(entry, dict) else {}
        links = known.get("links")
        if isinstance(links, list):
            known["links"] = [
                _known(link, _LINK_MEMBERS, left_out) for link in links if isinstance(link, dict)
            ]
        texts = known.get("texts")
        # What `text` says again of `texts` is the best match, which is made where it is written.
        if isinstance(texts, dict) and known.get("text") in texts.values():
            del known["text"]
        try:
            found = msgspec.convert(known, Annotation)
        except msgspec.ValidationError as error:
            self._told(number, f"is none of the standard ({error})")
            return None
        if left_out:
            self._told(number, f"has {', '.join(left_out)}, which the standard has not")
        return found

    def _told(self, number: int, what: str) -> None:
        text = f"Annotation {number} {what}; that is not kept."
        self._tell("annotations-not-kept", text, f"annotations/{number}")


def _known(
    entry: Mapping[str, Any], members: frozenset[str], left_out: list[str]
) -> dict[str, Any]:
    left_out += [name for name in entry if name not in members]
    return {
        name: value for name, value in entry.items() if name in members and value not in (None, "")
    }
