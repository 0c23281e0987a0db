"""Texts in languages as columns hold them (`dsd.localised`): those that are wanted, and the languages that there are."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from dsd.finding import Finding, Severity
from dsd.localised import TAG_MARK, TEXT_MARK, compose, has_marks, is_localised, parse
from dsd.resolved import Dsd
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


def languages_of(values: Iterable[str], languages: tuple[str, ...]) -> set[str]:
    """Return the languages of values as they are written; plain texts are English."""
    return {tag for value in values for tag in parse(in_languages(value, languages))}


def composed(texts: dict[str, str]) -> str | None:
    """Return texts by language as a value; None where a tag names no language, or a text holds a mark."""
    try:
        return compose(texts)
    except ValueError:
        return None


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
