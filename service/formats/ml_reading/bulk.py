"""Reading series and observations in bulk, column by column.

Between the quotes of a chunk stand values and markup in turn, and the markup of a data set has few distinct pieces. A
record is a series or observation with all up to the next one; its shape is the run of its markup pieces. Each
distinct shape is read once by the exact handler, with the number of each value in the value's place: what the
handler makes of it holds for every record of that shape, and the values are then taken as columns.

That is done only where it is certain: anything that would need the parser for a value or a place (an unknown
element, a comment, a quote of the other kind, white space or `<` in a value, a byte that is no UTF-8, an entity that is
none of XML's own) leaves the chunk to the exact way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from service.formats.ml_reading.message import MessageHandler, RefusedError
from service.formats.ml_reading.segment import Elements, Numbers, Segment

_OPENING = re.compile(r"<((?:[\w.-]+:)?(Series|Obs))(?=[\s/>])", re.ASCII)
_NOT_PLAIN = re.compile("'|<[!?]|[\ue000\ue001]")
# The value behind these words is one of few and says what the next value is: it counts as markup.
_NAMING = re.compile(r"\s(?:id|concept|xml:lang|[\w.-]+:type)\s*=\s*\Z", re.ASCII)
_MARK, _MARK_END = "\ue000", "\ue001"
_MARKED = re.compile(f"{_MARK}([0-9]+){_MARK_END}", re.ASCII)
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ENTITY = re.compile(r"&(?:#x([0-9a-fA-F]+)|#([0-9]+)|(amp|lt|gt|quot|apos));", re.ASCII)
_NUMERIC = re.compile(rb"&#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));")

_SAMPLE = 1_024

MOST_LITERALS = 4_096
MOST_SHAPES = 512
MOST_CACHED = 20_000
MOST_COMBINATIONS = 1 << 20
"""Numbers for which a table is smaller than sorting is slow."""
MOST_NAMES = 16
"""Values in a row that name something."""
_BETWEEN, _IN_SERIES, _UNCHANGED = 0, 1, -1


class _UncertainError(Exception):
    """The chunk is one for the exact way."""


class _EndError(_UncertainError):
    """There is markup of data sets in the chunk."""


class Start(NamedTuple):
    """What a chunk starts with."""

    order: int
    """Number of the element before it."""
    line: int
    characters: int
    """Characters before it on its line."""
    record_line: int
    """Line of the element before it."""


@dataclass(frozen=True)
class _Literal:
    """A distinct piece of markup, from the end of a value to the start of the next."""

    text: str
    before: str
    """What belongs to the record before it: all of it where no record starts in it."""
    after: str
    """What belongs to the record that starts in it."""
    record: str | None
    """`Series` or `Obs` where a record starts in it."""
    name: str
    """The name of that element, with its prefix."""
    offset: int
    """Bytes before the record."""
    below: int
    """Bytes under a space in it: line ends and tabs."""
    angles: int


@dataclass(frozen=True)
class _Template:
    """What the exact handler makes of a shape."""

    is_series: bool
    values: dict[str, int | str]
    """By component the number of the value in the record, or the text that is always the same."""
    befores: tuple[int, ...]
    """Where such a record may stand."""
    state: int
    """Where the next record stands."""
    has_lists: bool


@dataclass
class _Pieces:
    """A chunk cut at its quotes."""

    chunk: bytes
    data: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int32]
    """Byte at which each piece starts: its quote, but for the first."""
    texts: pa.Array
    """The pieces, each with its quote."""
    codes: Numbers
    """By piece of markup the number of its literal."""
    literals: list[_Literal]
    at: Numbers
    """By piece of markup its number among all pieces; the value behind it is the next."""
    behind: Numbers
    """The number of the value behind it."""
    entities: Numbers
    """Bytes that start an entity."""


@dataclass
class _Records:
    """The records of a chunk."""

    first: Numbers
    """By record the piece of markup in which it starts."""
    lengths: Numbers
    """By record how many values it has."""
    shapes: Numbers
    """By record the number of its template."""
    templates: list[_Template]
    states: npt.NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    """By record where it stands."""


class BulkReader:
    """Reads chunks of whole records; `handler` is that of the message."""

    def __init__(self, handler: MessageHandler) -> None:
        self._handler = handler
        self._literals: dict[str, _Literal] = {}
        self._templates: dict[tuple[str, ...], _Template] = {}
        self._scope: tuple[object, ...] = ()
        self.lines = 0
        """Line ends in the chunk that was read last."""
        self.has_met_end = False
        """True where the chunk that was refused last has markup of data sets: one may end in it."""

    def read(self, chunk: bytes, start: Start) -> Segment | None:
        """Return the records of a chunk that starts and ends between records, None where that is not certain."""
        self._renew()
        self.has_met_end = False
        try:
            pieces = _join_names(_cut(chunk, self._literal), self._literal)
            self.lines = _check_bytes(pieces)
            records = self._records(pieces)
            return _segment(pieces, records, start)
        except _EndError:
            self.has_met_end = True
            return None
        except _UncertainError:
            return None

    def _renew(self) -> None:
        """Forget what was learnt where it may not hold: in another data set, or under other prefixes."""
        handler = self._handler
        bound = tuple((prefix, uris[-1]) for prefix, uris in handler.prefixes.items() if uris)
        scope = (handler.dataset, bound)
        if scope != self._scope or len(self._templates) > MOST_CACHED:
            self._templates = {}
            self._scope = scope
        if len(self._literals) > MOST_CACHED:
            self._literals = {}

    def _literal(self, text: str) -> _Literal:
        known = self._literals.get(text)
        if known is None:
            known = self._literals[text] = _read_literal(text)
        return known

    # -- records -----------------------------------------------------------------------------------

    def _records(self, pieces: _Pieces) -> _Records:
        literals, codes = pieces.literals, pieces.codes
        opens = np.array([literal.record is not None for literal in literals])[codes]
        first = np.flatnonzero(opens)
        if not len(first) or first[0] != 0 or opens[-1] or literals[codes[0]].before.strip():
            raise _UncertainError
        ends = np.append(first[1:], len(codes) - 1)
        lengths = ends - first
        series_name = next((entry.name for entry in literals if entry.record == "Series"), None)
        shapes = np.empty(len(first), np.int64)
        templates: list[_Template] = []
        numbers: dict[int, int] = {}
        afters, befores = _classes(literals)
        for length in np.unique(lengths).tolist():
            rows = np.flatnonzero(lengths == length)
            inner = codes[first[rows][:, None] + np.arange(1, length)]
            matrix = np.column_stack(
                [afters[codes[first[rows]]], inner, befores[codes[ends[rows]]]]
            )
            representatives, inverse = _distinct_rows(matrix)
            own = np.empty(len(representatives), np.int64)
            for number, row in enumerate(representatives.tolist()):
                template = self._template(pieces, first[rows[row]], ends[rows[row]], series_name)
                own[number] = numbers.setdefault(id(template), len(templates))
                if own[number] == len(templates):
                    templates.append(template)
            shapes[rows] = own[inverse]
            if len(templates) > MOST_SHAPES:
                raise _UncertainError
        records = _Records(first, lengths, shapes, templates)
        records.states = _states(records)
        return records

    def _template(
        self, pieces: _Pieces, first: int, end: int, series_name: str | None
    ) -> _Template:
        literals, codes = pieces.literals, pieces.codes
        texts = (
            literals[codes[first]].after,
            *(literals[code].text for code in codes[first + 1 : end].tolist()),
            literals[codes[end]].before,
        )
        key = (series_name or "", *texts)
        known = self._templates.get(key)
        if known is None:
            is_series = literals[codes[first]].record == "Series"
            known = self._templates[key] = self._learn(texts, is_series, series_name)
        return known

    def _learn(self, texts: tuple[str, ...], is_series: bool, series_name: str | None) -> _Template:
        """Let the exact handler read a record in which each value is its own number.

        Raises:
            _UncertainError: it is no whole record, or the handler has something to say about it.
        """
        parts = [texts[0]]
        for number, text in enumerate(texts[1:]):
            parts.append(f'"{_MARK}{number}{_MARK_END}"{text}')
        record = "".join(parts)
        found: dict[int, _Template] = {}
        for before in (_BETWEEN,) if is_series or series_name is None else (_BETWEEN, _IN_SERIES):
            try:
                outcome = self._outcome(record, is_series, series_name if before else None)
            except (_UncertainError, expat.ExpatError, RefusedError):
                continue
            found[before] = outcome
        if not found:
            raise _UncertainError
        distinct = list(found.values())
        # A record that leaves a series can only stand in one.
        if any(other.values != distinct[0].values for other in distinct):
            raise _UncertainError
        state = distinct[0].state if len(distinct) == 1 else _UNCHANGED
        if len(distinct) == 1 and not is_series and next(iter(found)) == state:
            state = _UNCHANGED
        template = distinct[0]
        if sorted(v for v in template.values.values() if isinstance(v, int)) != list(
            range(len(texts) - 1)
        ):
            raise _UncertainError
        return _Template(is_series, template.values, tuple(found), state, template.has_lists)

    def _outcome(self, record: str, is_series: bool, context: str | None) -> _Template:
        handler = self._handler
        parser = expat.ParserCreate(namespace_separator=" ")
        prelude = _prelude(handler.prefixes) + (f"<{context}>" if context else "").encode()
        parser.Parse(prelude, False)
        fork = handler.fork(parser, context)
        body = record.encode()
        parser.Parse(body, False)
        if fork.stand(len(prelude) + len(body)) is None:
            raise _UncertainError
        depth = len(fork.path) - 2
        if depth > 1 or fork.items:
            raise _UncertainError
        if is_series:
            fork.tell_series()
        segment = fork.builder.take_all()
        mine, others = segment.observations, segment.series
        if is_series:
            mine, others = others, mine
        if len(mine) != 1 or len(others) or segment.findings or segment.stated:
            raise _UncertainError
        values = {name: _slot(column[0].as_py()) for name, column in mine.columns.items()}
        state = _IN_SERIES if depth else _BETWEEN
        return _Template(is_series, values, (), state, segment.has_lists)


def _slot(text: str) -> int | str:
    marked = _MARKED.fullmatch(text)
    if marked is not None:
        return int(marked[1])
    if _MARK in text or _MARK_END in text:
        raise _UncertainError
    return text


def _prelude(prefixes: dict[str | None, list[str | None]]) -> bytes:
    """Return the start of an element that binds prefixes as they are bound in the data set."""
    parts = ["<x"]
    for prefix, uris in prefixes.items():
        if not uris or prefix == "xml":
            continue
        uri = uris[-1] or ""
        if re.search('[&<>"\\s]', uri):
            raise _UncertainError
        if uri or prefix is None:
            parts.append(f' xmlns:{prefix}="{uri}"' if prefix else f' xmlns="{uri}"')
    return ("".join(parts) + ">").encode()


def _read_literal(text: str) -> _Literal:
    if "DataSet" in text:
        raise _EndError
    openings = list(_OPENING.finditer(text))
    if len(openings) > 1 or _NOT_PLAIN.search(text) or len(text) > 10_000:
        raise _UncertainError
    encoded = text.encode()
    opening = openings[0] if openings else None
    at = opening.start() if opening else len(text)
    return _Literal(
        text=text,
        before=text[:at],
        after=text[at:],
        record=opening[2] if opening else None,
        name=opening[1] if opening else "",
        offset=len(text[:at].encode()),
        below=sum(byte < 32 for byte in encoded),
        angles=encoded.count(b"<"),
    )


def _cut(chunk: bytes, literal: Callable[[str], _Literal]) -> _Pieces:
    """Cut a chunk at its quotes."""
    data = np.frombuffer(chunk, np.uint8)
    quotes = np.flatnonzero(data == ord('"'))
    if not len(quotes) or len(quotes) % 2:
        raise _UncertainError
    count = len(quotes) + 1
    # A piece starts at its quote, so that the pieces stand side by side, as Arrow wants texts.
    offsets = np.empty(count + 1, np.int32)
    offsets[0], offsets[1:-1], offsets[-1] = 0, quotes, len(chunk)
    buffer = pa.py_buffer(chunk)
    if not chunk.isascii():
        whole = pa.array([0, len(chunk)], pa.int32()).buffers()[1]
        try:
            pa.BinaryArray.from_buffers(pa.binary(), 1, [None, whole, buffer]).cast(pa.string())
        except pa.ArrowInvalid as error:
            raise _UncertainError from error
    texts = pa.StringArray.from_buffers(count, pa.py_buffer(offsets), buffer)
    at = np.arange(0, count, 2)
    markup = texts.take(pa.array(at)).dictionary_encode()
    if len(markup.dictionary) > MOST_LITERALS:
        raise _UncertainError
    return _Pieces(
        chunk,
        data,
        offsets,
        texts,
        markup.indices.to_numpy().astype(np.int64),
        [literal(text) for text in _without_quotes(markup.dictionary)],
        at,
        at + 1,
        np.flatnonzero(data == ord("&")),
    )


def _without_quotes(pieces: pa.Array) -> list[str]:
    """Return the texts of pieces, which start with a quote but for the first of a chunk."""
    return [text.removeprefix('"') for text in pieces.to_pylist()]


def _join_names(pieces: _Pieces, literal: Callable[[str], _Literal]) -> _Pieces:
    """Return the pieces with each value that names something made a part of the markup around it."""
    for _ in range(MOST_NAMES):
        naming = np.array([_NAMING.search(entry.text) is not None for entry in pieces.literals])
        flagged = naming[pieces.codes]
        # Of names that follow each other the last comes first: then the markup behind each is no name.
        last = flagged.copy()
        last[:-1] &= ~flagged[1:]
        at = np.flatnonzero(last)
        if not len(at):
            return pieces
        if at[-1] == len(pieces.codes) - 1:
            raise _UncertainError
        pieces = _join_these(pieces, at, literal)
        if len(at) == np.count_nonzero(flagged):
            return pieces
    raise _UncertainError


def _join_these(pieces: _Pieces, at: Numbers, literal: Callable[[str], _Literal]) -> _Pieces:
    """Return the pieces with some pieces of markup, the value behind each and the next joined."""
    names = pieces.texts.take(pa.array(pieces.behind[at])).dictionary_encode()
    texts = _without_quotes(names.dictionary)
    size = len(pieces.literals)
    own = names.indices.to_numpy().astype(np.int64)
    mixed = (pieces.codes[at] * len(texts) + own) * size + pieces.codes[at + 1]
    distinct, numbers = _numbered(mixed, size * len(texts) * size)
    if len(distinct) > MOST_LITERALS:
        raise _UncertainError
    literals = list(pieces.literals)
    for number in distinct.tolist():
        rest, last = divmod(number, size)
        head, name = divmod(rest, len(texts))
        literals.append(literal(f'{literals[head].text}"{texts[name]}"{literals[last].text}'))
    codes = pieces.codes.copy()
    codes[at] = numbers + size
    behind = pieces.behind.copy()
    behind[at] = pieces.behind[at + 1]
    keep = np.ones(len(codes), bool)
    keep[at + 1] = False
    kept = np.flatnonzero(keep)
    return _Pieces(
        pieces.chunk,
        pieces.data,
        pieces.starts,
        pieces.texts,
        codes.take(kept),
        literals,
        pieces.at.take(kept),
        behind.take(kept),
        pieces.entities,
    )


def _numbered(values: Numbers, size: int) -> tuple[Numbers, Numbers]:
    """Return the distinct values, all under `size`, and by value its number among them."""
    if size > MOST_COMBINATIONS:
        distinct, numbers = np.unique(values, return_inverse=True)
        return distinct, numbers
    used = np.zeros(size, bool)
    used[values] = True
    distinct = np.flatnonzero(used)
    table = np.empty(size, np.int64)
    table[distinct] = np.arange(len(distinct))
    return distinct, table[values]


def _check_bytes(pieces: _Pieces) -> int:
    """Refuse a chunk whose values hold what only the parser can judge; return its number of line ends."""
    chunk, data = pieces.chunk, pieces.data
    counts = np.bincount(pieces.codes, minlength=len(pieces.literals))
    angles = int(counts @ np.array([entry.angles for entry in pieces.literals]))
    below = int(counts @ np.array([entry.below for entry in pieces.literals]))
    returns = _count(data, "\r")
    if _count(data, "<") != angles or int(np.count_nonzero(data < ord(" "))) != below:
        raise _UncertainError
    lines = _count(data, "\n")
    if below != lines + _count(data, "\t") + returns:
        raise _UncertainError
    if returns and returns != chunk.count(b"\r\n"):
        raise _UncertainError
    # Two characters that UTF-8 can write and XML cannot.
    if not chunk.isascii() and (b"\xef\xbf\xbe" in chunk or b"\xef\xbf\xbf" in chunk):
        raise _UncertainError
    entities = pieces.entities
    if len(entities) and _count_named(data, entities) != len(entities):
        known = _count_named(data, entities)
        known += sum(_is_character(found) for found in _NUMERIC.finditer(chunk))
        if known != len(entities):
            raise _UncertainError
    return lines


def _count(data: npt.NDArray[np.uint8], character: str) -> int:
    return int(np.count_nonzero(data == ord(character)))


def _count_named(data: npt.NDArray[np.uint8], at: Numbers) -> int:
    """Return how many of the ampersands start an entity of XML's own."""
    found = 0
    for name in _ENTITIES:
        matches = at[at + len(name) + 1 < len(data)]
        for offset, character in enumerate(f"{name};", 1):
            matches = matches[data[matches + offset] == ord(character)]
        found += len(matches)
    return found


def _is_character(found: re.Match[bytes]) -> bool:
    """Tell whether a numeric reference names a character that XML 1.0 allows."""
    number = int(found[1], 16) if found[1] else int(found[2])
    return (
        number in (9, 10, 13)
        or 0x20 <= number <= 0xD7FF
        or 0xE000 <= number <= 0xFFFD
        or 0x10000 <= number <= 0x10FFFF
    )


def _classes(literals: Iterable[_Literal]) -> tuple[Numbers, Numbers]:
    """Return by literal a number for its two sides; literals with the same side have the same."""
    befores: dict[str, int] = {}
    afters: dict[str, int] = {}
    pairs = [
        (
            afters.setdefault(entry.after, len(afters)),
            befores.setdefault(entry.before, len(befores)),
        )
        for entry in literals
    ]
    numbers = np.array(pairs, np.int64)
    return numbers[:, 0], numbers[:, 1]


def _distinct_rows(matrix: Numbers) -> tuple[Numbers, Numbers]:
    """Return the first row of each kind, and by row its kind."""
    chance = np.random.default_rng(matrix.shape[1])
    weights = chance.integers(1, 1 << 62, matrix.shape[1], dtype=np.int64).astype(np.uint64) | 1
    with np.errstate(over="ignore"):
        mixed = matrix.astype(np.uint64) @ weights
    _, first, inverse = np.unique(mixed, return_index=True, return_inverse=True)
    if len(first) > MOST_SHAPES or not np.array_equal(matrix[first][inverse], matrix):
        raise _UncertainError
    return first, inverse


def _states(records: _Records) -> npt.NDArray[np.int8]:
    """Return by record where it stands; checks that it may stand there and that the chunk ends between records."""
    own = np.array([template.state for template in records.templates], np.int8)[records.shapes]
    numbers = np.where(own == _UNCHANGED, 0, np.arange(1, len(own) + 1))
    latest = np.maximum.accumulate(numbers)
    after = np.append(np.int8(_BETWEEN), own)[latest]
    before = np.append(np.int8(_BETWEEN), after[:-1])
    allowed = np.zeros((len(records.templates), 2), bool)
    for number, template in enumerate(records.templates):
        allowed[number, list(template.befores)] = True
    if after[-1] != _BETWEEN or not allowed[records.shapes, before].all():
        raise _UncertainError
    states: npt.NDArray[np.int8] = before
    return states


def _segment(pieces: _Pieces, records: _Records, start: Start) -> Segment:
    is_series = np.array([template.is_series for template in records.templates])[records.shapes]
    orders = start.order + 1 + np.arange(len(is_series))
    lines, places = _places(pieces, records, start)
    marked = _with_entities(pieces)
    found: list[Elements] = []
    for wanted in (False, True):
        at = np.flatnonzero(is_series == wanted)
        columns = _columns(pieces, records, at, marked)
        found.append(Elements(columns, orders[at], lines[at], places[at]))
    observations, series = found
    owners = np.where(
        records.states[~is_series] == _IN_SERIES, (np.cumsum(is_series) - 1)[~is_series], -1
    )
    counted = np.bincount(owners[owners >= 0], minlength=len(series))
    return Segment(
        observations,
        owners,
        series,
        lonely=counted == 0,
        has_lists=any(template.has_lists for template in records.templates),
    )


def _columns(
    pieces: _Pieces, records: _Records, at: Numbers, marked: npt.NDArray[np.bool_] | None
) -> dict[str, pa.Array]:
    """Return the columns of some records."""
    shapes = records.shapes[at]
    where: dict[str, Numbers] = {}
    constants: dict[str, list[str]] = {}
    count = len(pieces.texts)
    for shape in np.unique(shapes).tolist():
        rows = np.flatnonzero(shapes == shape)
        first = records.first[at[rows]]
        for name, value in records.templates[shape].values.items():
            column = where.get(name)
            if column is None:
                column = where[name] = np.full(len(at), -1, np.int64)
            if isinstance(value, int):
                column[rows] = pieces.behind[first + value]
            else:
                texts = constants.setdefault(name, [])
                if value not in texts:
                    texts.append(value)
                column[rows] = count + texts.index(value)
    return {
        name: _column(pieces, column, constants.get(name), marked) for name, column in where.items()
    }


def _column(
    pieces: _Pieces,
    where: Numbers,
    constants: list[str] | None,
    marked: npt.NDArray[np.bool_] | None,
) -> pa.Array:
    """Return texts by their numbers among the pieces, and behind these among the constants."""
    absent = where < 0
    mask = absent if absent.any() else None
    count = len(pieces.texts)
    own = where[~absent] if mask is not None else where
    if constants is not None:
        if not (own >= count).all():
            # Rare: one record says in an element what another says in an XML attribute.
            raise _UncertainError
        return pa.array(constants, pa.string()).take(pa.array(where - count, mask=mask))
    column = pieces.texts.take(pa.array(where, mask=mask))
    has_entities = marked is not None and bool(marked[own].any())
    first = column[:_SAMPLE]
    if not has_entities and len(first.unique()) > len(first) // 2:
        return pc.utf8_slice_codeunits(column, 1)
    coded = column.dictionary_encode()
    texts = _without_quotes(coded.dictionary)
    if has_entities:
        texts = [_unescaped(text) for text in texts]
    # Two ways to write a text may be one text.
    distinct = pa.array(texts, pa.string()).dictionary_encode()
    return pa.DictionaryArray.from_arrays(distinct.indices.take(coded.indices), distinct.dictionary)


def _with_entities(pieces: _Pieces) -> npt.NDArray[np.bool_] | None:
    """Return by piece whether it holds an entity, None where none does."""
    if not len(pieces.entities):
        return None
    marked = np.zeros(len(pieces.texts), bool)
    marked[np.searchsorted(pieces.starts, pieces.entities, side="right") - 1] = True
    return marked


def _unescaped(text: str) -> str:
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    if found[3]:
        return _ENTITIES[found[3]]
    return chr(int(found[1], 16) if found[1] else int(found[2]))


def _places(pieces: _Pieces, records: _Records, start: Start) -> tuple[Numbers, Numbers]:
    """Return by record its line, and its column where another stands before it on the line."""
    ends = np.array([entry.text.count("\n") for entry in pieces.literals], np.int64)
    before = np.array([entry.before.count("\n") for entry in pieces.literals], np.int64)
    codes = pieces.codes
    passed = np.cumsum(ends[codes]) - ends[codes]
    lines = start.line + passed[records.first] + before[codes[records.first]]
    places = np.zeros(len(lines), np.int64)
    same = np.flatnonzero(np.diff(lines, prepend=start.record_line) == 0)
    if len(same):
        places[same] = _columns_in_lines(pieces, records, start, same)
    return lines, places


def _columns_in_lines(pieces: _Pieces, records: _Records, start: Start, which: Numbers) -> Numbers:
    """Return the columns of some records, in characters from 1."""
    offsets = np.array([entry.offset for entry in pieces.literals], np.int64)
    first = records.first[which]
    # Behind the quote with which the piece starts; the first piece has none.
    at = pieces.starts[pieces.at[first]] + (first > 0) + offsets[pieces.codes[first]]
    ends = np.flatnonzero(pieces.data == ord("\n"))
    numbers = np.searchsorted(ends, at)
    begins = np.append(-1, ends)[numbers] + 1
    width = at - begins
    if not pieces.chunk.isascii():
        continued = np.append(0, np.cumsum((pieces.data & 0xC0) == 0x80))
        width -= continued[at] - continued[begins]
    columns: Numbers = width + np.where(numbers == 0, start.characters, 0) + 1
    return columns
