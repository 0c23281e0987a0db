"""Texts in languages as columns hold them (`dsd.localised`): those that are wanted, and the languages that there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pyarrow as pa
import pyarrow.compute as pc

from codelists.text import DEFAULT_LANGUAGE
from dsd.batch import Batch
from dsd.dataset import AttributeValues
from dsd.finding import Finding, Severity
from dsd.localised import TAG_MARK, TEXT_MARK, compose, has_marks, is_localised, parse
from dsd.resolved import Dsd
from service.formats.columns import present
from service.formats.names import wanted_texts

MARKS = f"[{TAG_MARK}{TEXT_MARK}]"
"""Matches what no text can hold."""


def in_languages(value: str, languages: tuple[str, ...]) -> str:
    """Return a value in the languages asked for, all where none is; the best match where it has none of them."""
    if not languages or not is_localised(value):
        return value
    return compose(wanted_texts(parse(value), languages))


def texts_of(column: pa.Array) -> list[str]:
    """Return the distinct texts of a column of texts or of lists of them."""
    flat = column.flatten() if pa.types.is_list(column.type) else column
    return [text for text in pc.unique(flat).to_pylist() if text is not None]


class LanguagesSeen:
    """The languages of the texts of components, as far as they were looked at."""

    def __init__(self, asked: tuple[str, ...]) -> None:
        self._asked = asked
        self._found: dict[str, set[str]] = {}

    def values(self, ids: Collection[str], entries: Iterable[AttributeValues]) -> None:
        """Look at values above the observation."""
        for entry in entries:
            for id in ids:
                value = entry.values.get(id, ())
                self._texts(id, (value,) if isinstance(value, str) else value)

    def batch(self, ids: Collection[str], batch: Batch) -> None:
        """Look at rows."""
        for id in ids:
            column = present(batch, id)
            if column is not None:
                self._texts(id, texts_of(column))

    def _texts(self, id: str, values: Iterable[str]) -> None:
        found = self._found.setdefault(id, set())
        found.update(tag for value in values for tag in parse(in_languages(value, self._asked)))

    def of(self, id: str) -> tuple[str, ...]:
        """Return the languages of a component; none where all its texts are plain, which are in English."""
        found = self._found.get(id, set())
        return tuple(sorted(found)) if found - {DEFAULT_LANGUAGE} else ()


def is_unmarked(column: pa.Array) -> bool:
    """Tell whether no text of a column holds a character that only texts in languages have."""
    return not any(map(has_marks, texts_of(column)))


def marked(dsd: Dsd, id: str, locator: str | None) -> Finding:
    """Return the finding of a text that no component with languages can have."""
    return Finding(
        rule="reserved-character",
        severity=Severity.ERROR,
        message=f"A text of {id} holds a control character (U+001E or U+001F), which no text can: it parts the languages "
        "of a value where it is kept. The text was left out; send it without.",
        dataflow=dsd.urn.short,
        component=id,
        locator=locator,
    )
