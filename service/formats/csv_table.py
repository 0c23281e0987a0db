"""The cells of a CSV text as Arrow columns, with the exact line on which each row starts. RFC 4180.

A text is read in blocks that end where a row ends, so that memory does not grow with it. Quotation marks are
found in bulk; a text that has them elsewhere than RFC 4180 allows is walked through mark by mark.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from dsd.finding import Finding, Report, Severity

READ_BYTES = 1 << 22
MOST_ROW_BYTES = 16 << 20
"""A row that is longer has a quotation mark too many: nobody writes such cells."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_QUOTE, _LF, _CR = b'"\n\r'
_QUOTED = re.compile(rb'"[^"]*(?:""[^"]*)*"(?!")')
_MARK = re.compile(rb'"')
_FEW_ROWS = 256
_LINE = b"line:"

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CsvTable:
    """Some rows, blank lines left out; a cell is null where it is empty and not quoted."""

    columns: tuple[pa.StringArray, ...]
    lines: Numbers
    """Line, from 1, on which each row starts."""


class CsvText:
    """A CSV text that is read once, from its start to its end."""

    def __init__(self, stream: BinaryIO, report: Report, read_bytes: int = READ_BYTES) -> None:
        self._report = report
        self._line = 1
        self._failed = False
        self._buffer = b""
        self._chunks = self._utf_8(stream, read_bytes)
        self._buffer = next(self._chunks, b"")

    @property
    def head(self) -> str:
        """The start of the text."""
        return self._buffer[:4096].decode("utf-8", "ignore")

    @property
    def is_unreadable(self) -> bool:
        """True once a fatal finding was reported: nothing comes any more."""
        return self._failed

    def _utf_8(self, stream: BinaryIO, read_bytes: int) -> Iterator[bytes]:
        """Yield the text as UTF-8 without byte order mark; it ends (with a finding) where it is none."""
        chunk = stream.read(read_bytes)
        encoding = "utf-8"
        for mark, name in _BYTE_ORDER_MARKS:
            if chunk.startswith(mark):
                chunk, encoding = chunk[len(mark) :], name
                break
        decoder = codecs.getincrementaldecoder(encoding)()
        while chunk:
            held = decoder.getstate()[0]
            following = stream.read(read_bytes)
            if encoding == "utf-8" and not held and chunk.isascii():
                yield chunk
            else:
                try:
                    text = decoder.decode(chunk, final=not following)
                except UnicodeDecodeError as error:
                    self._failed = True
                    line = self._line + _line_ends(self._buffer)
                    self._report.add(_wrong_encoding(error, line, held + chunk, encoding))
                    return
                yield text.encode()
            chunk = following

    def header(self, separator: str) -> tuple[str, ...]:
        """Return the cells of the next row and step over it."""
        block = self._next_block(separator, rows=1)
        return () if block is None else _cells(block.text, separator)

    def tables(self, separator: str, columns: int) -> Iterator[CsvTable]:
        """Yield the rows from here on; a row with another number of cells than `columns` is a finding."""
        while not self._failed:
            block = self._next_block(separator)
            if block is None:
                return
            table = self._parse(block, separator, columns)
            if table is not None and len(table.lines):
                yield table

    # -- blocks ------------------------------------------------------------------------------------

    def _next_block(self, separator: str, rows: int | None = None) -> _Block | None:
        """Return whole rows (`rows` of them, or as many as there are); None at the end."""
        final = False
        while True:
            if rows is None and (block := self._plain_block(separator)):
                return block
            found = _row_ends(self._buffer, separator, final=final)
            ends = found.ends[:rows]
            if len(ends):
                return self._cut(found, ends)
            if final:
                return self._last(found)
            if len(self._buffer) > MOST_ROW_BYTES:
                self._open_quote(found.open_at)
                return None
            chunk = next(self._chunks, None)
            if self._failed:
                return None
            final = chunk is None
            self._buffer += chunk or b""

    def _plain_block(self, separator: str) -> _Block | None:
        """Return whole rows where all marks stand as RFC 4180 has them and, it seems, no line end in a cell.

        The parser tells how many rows there are; only where they are fewer than the line ends are these
        looked at one by one.
        """
        cut = self._buffer.rfind(b"\n") + 1
        block = self._buffer[:cut]
        array = np.frombuffer(block, np.uint8)
        feeds = np.flatnonzero(array == _LF)
        returns = int(np.count_nonzero(array == _CR))
        # A CR alone ends a line too.
        if not cut or (returns and returns != int(np.count_nonzero(array[feeds - 1] == _CR))):
            return None
        if b'"' in block:
            quotes = np.flatnonzero(array == _QUOTE)
            if len(quotes) % 2 or not _are_clean(array, quotes, ord(separator)):
                return None
        self._buffer = self._buffer[cut:]
        line = self._line
        self._line += len(feeds)
        return _Block(block, line, len(feeds))

    def _cut(self, found: _RowEnds, ends: Numbers) -> _Block:
        cut = int(ends[-1])
        line = self._line
        block = _Block(self._buffer[:cut], line, len(ends), found.lines(ends) + line)
        self._report_strays(found, cut)
        breaks = found.ends if found.breaks is None else found.breaks
        self._line += int(np.searchsorted(breaks, cut, side="right"))
        self._buffer = self._buffer[cut:]
        return block

    def _last(self, found: _RowEnds) -> _Block | None:
        """Return the last row, which has no line end; nothing where a quotation mark is open in it."""
        if found.open_at is not None:
            self._open_quote(found.open_at)
            return None
        text = self._buffer
        if not text:
            return None
        self._report_strays(found, len(text))
        self._buffer = b""
        return _Block(text + b"\n", self._line, 1, np.array([self._line]))

    def _open_quote(self, open_at: int | None) -> None:
        self._failed = True
        line = self._line + _line_ends(self._buffer[: open_at or 0])
        self._buffer = b""
        self._report.add(
            Finding(
                rule="unbalanced-quotes",
                severity=Severity.FATAL,
                message="The quotation mark here has no end (RFC 4180, 2.5-2.7): a cell with a quotation mark is "
                'quoted as a whole, and the mark inside doubled: "5"" pipe". Nothing from here on was read.'
                if open_at is not None
                else f"The row has no end within {MOST_ROW_BYTES >> 20} MiB. Nothing from here on was read.",
                locator=f"line:{line}",
            )
        )

    def _report_strays(self, found: _RowEnds, end: int) -> None:
        strays = [place for place in found.strays if place < end]
        if not strays:
            return
        self._report.add(
            Finding(
                rule="stray-quote",
                severity=Severity.WARNING,
                message=f"A quotation mark stands where RFC 4180 (2.5) has none; {len(strays)} from here on. Each was "
                'read as it stands. Quote the cell as a whole, and double the mark inside: "5"" pipe".',
                locator=f"line:{self._line + _line_ends(found.text[: strays[0]])}",
            )
        )

    # -- cells -------------------------------------------------------------------------------------

    def _parse(self, block: _Block, separator: str, columns: int) -> CsvTable | None:
        wrong: list[pa_csv.InvalidRow] = []

        def note(row: pa_csv.InvalidRow) -> str:
            wrong.append(row)
            return "skip"

        try:
            table = _read(block.text, separator, columns, note)
        except pa.ArrowInvalid as error:
            self._not_csv(str(error), block.line)
            return None
        starts = block.starts(table.num_rows + len(wrong), separator)
        if starts is None:
            self._not_csv("rows were counted differently", block.line)
            return None
        lines = _report_wrong(starts, wrong, columns, self._report)
        return _without_blank(CsvTable(tuple(map(_whole, table.columns)), lines))

    def _not_csv(self, reason: str, line: int) -> None:
        self._failed = True
        self._report.add(
            Finding(
                rule="not-sdmx-csv",
                severity=Severity.FATAL,
                message=f"The cells from here on cannot be told apart (RFC 4180): {reason}.",
                locator=f"line:{line}",
            )
        )


@dataclass(frozen=True)
class _Block:
    """Whole rows of a text."""

    text: bytes
    line: int
    """Line of the first row."""
    rows: int
    """Number of rows, where no cell has a line end."""
    known: Numbers | None = None
    """Line of each row, where they were counted."""

    def starts(self, rows: int, separator: str) -> Numbers | None:
        """Return the line of each of so many rows; None where there are not so many."""
        if self.known is not None:
            return self.known if len(self.known) == rows else None
        if rows == self.rows:
            return np.arange(self.line, self.line + rows)
        found = _row_ends(self.text, separator)
        return found.lines(found.ends) + self.line if len(found.ends) == rows else None


@dataclass(frozen=True)
class _RowEnds:
    """Where the rows of a text end."""

    text: bytes
    ends: Numbers
    """Place after the line end of each row."""
    breaks: Numbers | None = None
    """Place after each line end, also of those within cells; None where they are the same."""
    open_at: int | None = None
    """Place of a quotation mark that has no end."""
    strays: tuple[int, ...] = ()
    """Places of quotation marks where none may be."""

    def lines(self, ends: Numbers) -> Numbers:
        """Return the line, from 0, on which each row starts."""
        if self.breaks is None:
            return np.arange(len(ends))
        starts = np.zeros(len(ends), np.int64)
        starts[1:] = np.searchsorted(self.breaks, ends[:-1], side="right")
        return starts


def _row_ends(text: bytes, separator: str, *, final: bool = False) -> _RowEnds:
    """Return the ends of the rows of a text that starts with a row."""
    array = np.frombuffer(text, np.uint8)
    breaks = _breaks(text, array, final=final)
    if b'"' not in text:
        return _RowEnds(text, breaks)
    quotes = np.flatnonzero(array == _QUOTE)
    if not _are_clean(array, quotes, ord(separator)):
        return _walked(text, separator, breaks)
    outside = np.searchsorted(quotes, breaks) % 2 == 0
    open_at = _open_cell(array, quotes[0::2]) if len(quotes) % 2 else None
    return _RowEnds(text, breaks[outside], None if outside.all() else breaks, open_at)


def _open_cell(array: npt.NDArray[np.uint8], opening: Numbers) -> int:
    """Return the place of the mark that starts the last quoted cell; a doubled mark starts none."""
    return int(opening[(opening == 0) | (array[opening - 1] != _QUOTE)][-1])


def _breaks(text: bytes, array: npt.NDArray[np.uint8], *, final: bool) -> Numbers:
    """Return the place after each line end: LF, CRLF, or a CR alone."""
    found = np.flatnonzero(array == _LF) + 1
    returns = text.count(b"\r")
    if not returns or returns == text.count(b"\r\n"):
        return found
    alone = np.flatnonzero(array == _CR)
    # A CR at the end may be the first half of a CRLF.
    following = np.append(array[1:], 0 if final else _LF)[alone]
    return np.sort(np.concatenate([found, alone[following != _LF] + 1]))


def _are_clean(array: npt.NDArray[np.uint8], quotes: Numbers, separator: int) -> bool:
    """Tell whether each quotation mark starts, ends or stands doubled in a quoted cell."""
    allowed = np.zeros(256, bool)
    allowed[[separator, _LF, _CR, _QUOTE]] = True
    opening, closing = quotes[0::2], quotes[1::2]
    before = array[opening[opening > 0] - 1]
    after = array[closing[closing < len(array) - 1] + 1]
    return bool(allowed[before].all() and allowed[after].all())


def _walked(text: bytes, separator: str, breaks: Numbers) -> _RowEnds:
    """Return the same for any text, cell by cell, as the parser of the cells understands them.

    A cell is quoted where it starts with a quotation mark; what follows the end of the quoted part belongs
    to the cell as it stands, marks too.
    """
    plain = re.compile(rb"[^\r\n" + re.escape(separator.encode()) + rb"]*")
    known = set(breaks.tolist())
    ends: list[int] = []
    strays: list[int] = []
    place = 0
    while place < len(text):
        quoted = _QUOTED.match(text, place)
        if quoted is None and text[place] == _QUOTE:
            return _RowEnds(text, np.array(ends, np.int64), breaks, place, tuple(strays))
        start = quoted.end() if quoted else place
        rest = plain.match(text, start)
        end = rest.end() if rest else start
        if quoted and end > start:
            strays.append(start - 1)
        strays += [start + mark.start() for mark in _MARK.finditer(text[start:end])]
        place = end + (2 if text[end : end + 2] == b"\r\n" else 1)
        if place in known:
            ends.append(place)
    return _RowEnds(text, np.array(ends, np.int64), breaks, None, tuple(strays))


def _wrong_encoding(error: UnicodeDecodeError, line: int, chunk: bytes, encoding: str) -> Finding:
    return Finding(
        rule="wrong-encoding",
        severity=Severity.FATAL,
        message=f"The text is not {encoding.upper()} (RFC 3629): a byte of the line is "
        f"0x{chunk[error.start]:02X}. Save the file as UTF-8. Nothing from here on was read.",
        locator=f"line:{line + chunk.count(10, 0, error.start)}",
    )


def _cells(row: bytes, separator: str) -> tuple[str, ...]:
    text = io.StringIO(row.decode("utf-8", "replace"), newline="")
    return tuple(next(csv.reader(text, delimiter=separator), []))


def _read(
    block: bytes,
    separator: str,
    columns: int,
    note: Callable[[pa_csv.InvalidRow], str],
) -> pa.Table:
    """Return the cells of all rows, without the rows that `note` skips."""
    names = [str(number) for number in range(columns)]
    return pa_csv.read_csv(
        pa.py_buffer(block),
        # One block for all, so that rows are numbered and no quoted line end falls on an edge.
        pa_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names),
        pa_csv.ParseOptions(
            delimiter=separator,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=note,
        ),
        pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
            check_utf8=False,
        ),
    )


def coded(column: pa.StringArray) -> pa.DictionaryArray:
    """Return a column as numbers into its distinct texts; fast where the same text stands in many rows together."""
    starts = _run_starts(column)
    if starts is None:
        return column.dictionary_encode()
    few = column.take(pa.array(starts)).dictionary_encode()
    lengths = np.diff(starts, append=len(column))
    indices = np.repeat(few.indices.to_numpy(), lengths)
    return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), few.dictionary)


def _run_starts(column: pa.StringArray) -> Numbers | None:
    """Return where runs of one text start, None where that is not seen at once: texts differ in length, or often."""
    rows = len(column)
    if rows < _FEW_ROWS or column.null_count:
        return None
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, np.int32)[column.offset : column.offset + rows + 1]
    width = int(bounds[1] - bounds[0])
    if not width or int(bounds[-1] - bounds[0]) != width * rows or (np.diff(bounds) != width).any():
        return None
    cells = np.frombuffer(data, f"V{width}", count=rows, offset=int(bounds[0]))
    # Bytes compare at once only as a kind that numpy knows.
    cells = cells.view({1: "u1", 2: "u2", 4: "u4", 8: "u8"}.get(width, f"S{width}"))
    changes = np.flatnonzero(cells[1:] != cells[:-1]) + 1
    return None if len(changes) > rows // 8 else np.concatenate([[0], changes])


def line_locators(lines: Numbers) -> pa.StringArray:
    """Return `line:N` for each line; lines of the same number of digits are written together."""
    found = []
    first = 0
    while first < len(lines):
        digits = len(str(int(lines[first])))
        end = int(np.searchsorted(lines, 10**digits))
        found.append(_locators(lines[first:end], digits))
        first = end
    return pa.concat_arrays(found) if found else pa.array([], pa.string())


def _locators(lines: Numbers, digits: int) -> pa.StringArray:
    width = len(_LINE) + digits
    texts = np.empty((len(lines), width), np.uint8)
    texts[:, : len(_LINE)] = np.frombuffer(_LINE, np.uint8)
    rest: npt.NDArray[np.unsignedinteger] = lines.astype(np.uint32 if digits < 10 else np.uint64)
    for place in range(width - 1, len(_LINE) - 1, -1):
        following = rest // 10
        texts[:, place] = rest - following * 10 + ord("0")
        rest = following
    offsets = np.arange(len(lines) + 1, dtype=np.int32) * width
    buffers = pa.py_buffer(offsets), pa.py_buffer(texts)
    return pa.StringArray.from_buffers(len(lines), *buffers)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _line_ends(text: bytes) -> int:
    """Return the number of line ends: CRLF, LF or CR."""
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")


def _report_wrong(
    lines: Numbers, wrong: list[pa_csv.InvalidRow], expected: int, report: Report
) -> Numbers:
    """Report the rows with a wrong number of cells; return the lines of the others."""
    keep = np.ones(len(lines), bool)
    for row in wrong:
        keep[row.number - 1] = False
        if not row.text.strip():
            continue
        report.add(
            Finding(
                rule="wrong-cell-count",
                severity=Severity.ERROR,
                message=f"The row has {row.actual_columns} cells, the header {expected} (RFC 4180, 2.4); "
                "the row was left out. Quote cells that hold the separator or a line end.",
                locator=f"line:{lines[row.number - 1]}",
            )
        )
    return lines[keep]


def _without_blank(table: CsvTable) -> CsvTable:
    """Return the table without the rows that have no cell at all: blank lines."""
    if not table.columns or not table.columns[0].null_count:
        return table
    filled = np.zeros(len(table.lines), bool)
    for column in table.columns:
        filled |= column.is_valid().to_numpy(zero_copy_only=False)
    if filled.all():
        return table
    taken = pa.array(np.flatnonzero(filled))
    return CsvTable(tuple(column.take(taken) for column in table.columns), table.lines[filled])
