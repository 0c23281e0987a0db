"""The cells of a CSV text as Arrow columns, with the exact line on which each row starts. RFC 4180."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from dsd.finding import Finding, Report, Severity

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class CsvTable:
    """The rows under a header, blank lines left out; a cell is null where it is empty and not quoted."""

    header: tuple[str, ...]
    columns: tuple[pa.StringArray, ...]
    lines: npt.NDArray[np.int64]
    """Line, from 1, on which each row starts."""


def read_text(body: bytes, report: Report) -> bytes | None:
    """Return the text as UTF-8 without byte order mark, None (and a finding) where it is none."""
    encoding = "utf-8"
    for mark, name in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            body, encoding = body[len(mark) :], name
            break
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        report.add(
            Finding(
                rule="wrong-encoding",
                severity=Severity.FATAL,
                message=f"The text is not {encoding.upper()} (RFC 3629): byte {error.start + 1} is "
                f"0x{body[error.start]:02X}. Save the file as UTF-8.",
                locator=f"line:{line}",
            )
        )
        return None
    return body if encoding == "utf-8" else text.encode()


def read_table(body: bytes, separator: str, report: Report) -> CsvTable:
    """Return the cells of a UTF-8 text; a row with another number of cells than the header is a finding."""
    header, header_lines = _header(body, separator)
    wrong: list[pa_csv.InvalidRow] = []
    if body.count(b'"') % 2:
        last_mark = body.rindex(b'"')
        report.add(
            Finding(
                rule="unbalanced-quotes",
                severity=Severity.FATAL,
                message="The quotation marks of the file do not pair (RFC 4180, 2.5-2.7): a cell with a "
                'quotation mark is quoted as a whole, and the mark inside doubled: "5"" pipe". '
                "The place is that of the last mark.",
                locator=f"line:{_line_ends(body[:last_mark]) + 1}",
            )
        )
        return _empty(header)

    def note(row: pa_csv.InvalidRow) -> str:
        wrong.append(row)
        return "skip"

    try:
        # The parser needs an end to the last row, where the header is all that there is.
        ended = body if body.endswith((b"\n", b"\r")) else body + b"\n"
        table = _parse(ended, separator, len(header), note)
    except pa.ArrowInvalid as error:
        report.add(
            Finding(
                rule="not-sdmx-csv",
                severity=Severity.FATAL,
                message=f"The cells of the file cannot be told apart (RFC 4180): {error}.",
                locator=f"line:{header_lines}",
            )
        )
        return _empty(header)
    columns = tuple(_whole(column) for column in table.columns)
    lines = _lines(body, header_lines, columns, table.num_rows, wrong)
    return _without_blank(
        CsvTable(header, columns, _report_wrong(lines, wrong, len(header), report))
    )


def _without_blank(table: CsvTable) -> CsvTable:
    """Return the table without the rows that have no cell at all: blank lines."""
    if not table.columns or not table.columns[0].null_count:
        return table
    filled = np.zeros(len(table.lines), bool)
    for column in table.columns:
        filled |= column.is_valid().to_numpy(zero_copy_only=False)
    taken = pa.array(np.flatnonzero(filled))
    columns = tuple(column.take(taken) for column in table.columns)
    return CsvTable(table.header, columns, table.lines[filled])


def _empty(header: tuple[str, ...]) -> CsvTable:
    return CsvTable(header, tuple(pa.array([], pa.string()) for _ in header), np.empty(0, np.int64))


def _parse(
    body: bytes, separator: str, columns: int, note: Callable[[pa_csv.InvalidRow], str]
) -> pa.Table:
    """Return the cells of all rows but the first as texts, without those that `note` skips."""
    names = [str(number) for number in range(columns)]
    return pa_csv.read_csv(
        pa.py_buffer(body),
        # One block for the whole text, so that no quoted line end falls on the edge of a block.
        pa_csv.ReadOptions(
            use_threads=False,
            block_size=len(body) + 1,
            column_names=names,
            skip_rows_after_names=1,
        ),
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
        ),
    )


def _whole(column: pa.ChunkedArray) -> pa.StringArray:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined


def _header(body: bytes, separator: str) -> tuple[tuple[str, ...], int]:
    """Return the cells of the first row and the number of lines that it takes."""
    text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline="")
    reader = csv.reader(text, delimiter=separator)
    cells = next(reader, [])
    return tuple(cells), max(reader.line_num, 1)


def _line_ends(text: str | bytes) -> int:
    """Return the number of line ends: CRLF, LF or CR."""
    data = text.encode() if isinstance(text, str) else text
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def _lines(
    body: bytes,
    header_lines: int,
    columns: Sequence[pa.StringArray],
    kept: int,
    wrong: Sequence[pa_csv.InvalidRow],
) -> npt.NDArray[np.int64]:
    """Return the line of every record below the header, also of those with a wrong number of cells."""
    records = kept + len(wrong)
    is_wrong = np.zeros(records, bool)
    inside = np.zeros(records, np.int64)
    for row in wrong:
        is_wrong[row.number - 2] = True
        inside[row.number - 2] = _line_ends(row.text)
    if _line_ends(body) > header_lines + records:
        cells = np.zeros(kept, np.int64)
        for column in columns:
            ends = pc.count_substring_regex(column, r"\r\n|\n|\r").fill_null(0)
            cells += ends.to_numpy(zero_copy_only=False)
        inside[~is_wrong] = cells
    lines = np.arange(records, dtype=np.int64) + header_lines + 1
    lines[1:] += np.cumsum(inside)[:-1]
    return lines


def _report_wrong(
    lines: npt.NDArray[np.int64],
    wrong: Sequence[pa_csv.InvalidRow],
    expected: int,
    report: Report,
) -> npt.NDArray[np.int64]:
    """Report the rows with a wrong number of cells; return the lines of the others."""
    keep = np.ones(len(lines), bool)
    for row in wrong:
        keep[row.number - 2] = False
        if not row.text.strip():
            continue
        report.add(
            Finding(
                rule="wrong-cell-count",
                severity=Severity.ERROR,
                message=f"The row has {row.actual_columns} cells, the header {expected} (RFC 4180, 2.4); "
                "the row was left out. Quote cells that hold the separator or a line end.",
                locator=f"line:{lines[row.number - 2]}",
            )
        )
    return lines[keep]
