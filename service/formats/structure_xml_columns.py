"""Writes a member of many parts at once, for schemes of thousands of items.

What a part-by-part writer does for each text (is it XML at all, what must be escaped) is done here once for all
texts of a member. A column writes exactly what the writer of that member writes, or says that it cannot: then
the parts are written one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain, repeat
from operator import attrgetter, contains
from typing import Any

from service.formats.names import wanted_texts
from service.formats.sdmx_ml21 import attribute_text, element_text
from service.formats.structure_losses import Writing
from service.formats.structure_table.conversions import TEXT, TOKEN
from service.formats.structure_table.vocabulary import (
    Child,
    Children,
    Field,
    Form,
    Links,
    LocalReference,
    Reference,
    Scalar,
    Texts,
)

Piece = str | Sequence[str]
"""What stands in every part, or what stands in each."""
Column = Callable[[Sequence[Any], Writing], list[Piece] | None]
"""(parts, context) -> what the member is in them, in order; None where it has to be written part by part."""

# Bytes that no XML document holds: controls other than tab and line ends.
_CONTROLS = bytes({*range(32)} - {9, 10, 13})
_NONCHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_SEPARATOR = "\x00"


def joined(pieces: Iterable[Piece], count: int) -> str:
    """Return the parts, each made of its pieces, one after the other.

    >>> joined(["<a>", ["1", "2"], "</a>"], 2)
    '<a>1</a><a>2</a>'
    """
    columns = (repeat(piece, count) if isinstance(piece, str) else piece for piece in pieces)
    return "".join(chain.from_iterable(zip(*columns, strict=True)))


def merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces with neighbours that stand in every part made one."""
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def escaped(texts: Sequence[str], one: Callable[[str], str]) -> Sequence[str]:
    """Return the texts as XML; `one` writes a single one, and is asked for where all at once cannot be.

    >>> escaped(["a & b", "c"], element_text)
    ['a &amp; b', 'c']
    """
    whole = _SEPARATOR.join(texts)
    if not _is_plain(whole, len(texts)):
        return [one(text) for text in texts]
    special = [mark for mark in '&<>"\r\n\t' if mark in whole and one(mark) != mark]
    if not special:
        return texts
    # The ampersand comes first, as the others are written with one.
    for mark in special:
        whole = whole.replace(mark, one(mark))
    return whole.split(_SEPARATOR)


def _is_plain(whole: str, count: int) -> bool:
    """Tell whether joined texts hold nothing that XML cannot, and the separator between them only."""
    if whole.count(_SEPARATOR) != count - 1:
        return False
    try:
        encoded = whole.encode()
    except UnicodeEncodeError:
        return False
    return len(encoded) - len(encoded.translate(None, _CONTROLS)) == count - 1 and not any(
        mark in encoded for mark in _NONCHARACTERS
    )


def column_of(field: Field, place: str, form: Form) -> Column | None:
    """Return the writer of a member in many parts; None for a kind that is written part by part."""
    kind, member = field.kind_in(form), field.member
    if not member:
        return None
    if isinstance(kind, Scalar) and place.startswith("@"):
        return _attribute(kind, member, place[1:])
    if isinstance(kind, Texts):
        return _texts(kind, member, place)
    if isinstance(kind, LocalReference) and not (kind.is_name_in_30 and form is Form.ML30):
        return _local_reference(member, place, form)
    if isinstance(kind, Children | Links):
        return _nothing(member, bool)
    return _nothing(member, _is_said) if isinstance(kind, Child | Reference) else None


def _nothing(member: str, is_said: Callable[[object], bool]) -> Column:
    """Return the column of a member that most parts do not have: nothing, where none has it."""
    get = attrgetter(member)

    def column(things: Sequence[Any], writing: Writing) -> list[Piece] | None:
        return None if any(map(is_said, map(get, things))) else []

    return column


def _attribute(kind: Scalar, member: str, name: str) -> Column:
    get = attrgetter(member)
    is_text = kind.conversion in (TEXT, TOKEN) and kind.absent is None and kind.implied is None

    def column(things: Sequence[Any], writing: Writing) -> list[Piece] | None:
        values = list(map(get, things))
        if not is_text or not all(map(_is_text, values)):
            return [] if kind.absent is None and not any(map(_is_said, values)) else None
        return [f' {name}="', escaped(values, attribute_text), '"']

    return column


def _is_said(value: object) -> bool:
    return value is not None


def _is_text(value: object) -> bool:
    return type(value) is str


def _local_reference(member: str, place: str, form: Form) -> Column:
    get = attrgetter(member)
    before, after, one = f"<{place}>", f"</{place}>", element_text
    if form is Form.ML21:
        before, after, one = f'<{place}><Ref id="', f'"/></{place}>', attribute_text

    def column(things: Sequence[Any], writing: Writing) -> list[Piece] | None:
        values = list(map(get, things))
        said = [value for value in values if value is not None]
        if not said:
            return []
        written = iter(escaped(said, one))
        return [["" if value is None else f"{before}{next(written)}{after}" for value in values]]

    return column


def _texts(kind: Texts, member: str, place: str) -> Column:
    get, best = attrgetter(member), attrgetter(kind.best)

    def column(things: Sequence[Any], writing: Writing) -> list[Piece] | None:
        texts: list[Mapping[str, str]] = list(map(get, things))
        if not any(texts):
            return None if kind.required or any(map(best, things)) else []
        tags = tuple(texts[0])
        if any(tuple(entry) != tags for entry in texts):
            return None
        chosen = tags
        if writing.languages:
            chosen = tuple(wanted_texts(dict.fromkeys(tags, ""), writing.languages))
            writing.left_out = writing.left_out or len(chosen) < len(tags)
        elif not all(map(contains, map(_values, texts), map(best, things))):
            return None
        pieces: list[Piece] = []
        for tag in chosen:
            of_tag = escaped([entry[tag] for entry in texts], element_text)
            pieces += [f'<{place} xml:lang="{tag}">', of_tag, f"</{place}>"]
        return pieces

    return column


def _values(texts: Mapping[str, str]) -> Collection[str]:
    return texts.values()
