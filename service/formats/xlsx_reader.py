"""Excel workbooks of data: the decoder. What `xlsx_data` writes, and any sheet with the columns of SDMX-CSV. Not in SDMX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from converters.grid import Cell, CellKind, cell_reference
from converters.number import NumberFormat, padded, parse_number_format
from converters.workbook import SheetRows, WorkbookError, open_workbook
from dsd.batch import BATCH_ROWS, LOCATOR, Batch
from dsd.dataset import Dataset, SetAttributes
from dsd.finding import Finding, Report, Severity, cell_locator
from dsd.structures import Structures
from service.formats.contract import NO_OPTIONS, DecodeOptions
from service.formats.csv_table import CsvTable
from service.formats.sdmx_csv import CSV_2_1
from service.formats.sdmx_csv_reader import decode_rows
from service.formats.xlsx_data import ABOUT, CAPTION_OF_SHEET, CAPTIONS

SEPARATOR = ","
_LINE = re.compile(r"line:(\d+)")
# What the first cell of a sheet of data says, as the first column of SDMX-CSV does.
_FIRST_CELL = re.compile(r"STRUCTURE(?:\[.\])?|DATAFLOW")


def is_data_workbook(stream: BinaryIO) -> bool:
    """Tell whether a workbook has a sheet of data; the stream is at its start again."""
    try:
        with open_workbook(stream) as sheets:
            return any(_FIRST_CELL.fullmatch(_first_text(sheet)) for sheet in sheets)
    except WorkbookError:
        # Left to the reader of questionnaires to name.
        return False
    finally:
        stream.seek(0)


def _first_text(sheet: SheetRows) -> str:
    _, cells = next(iter(sheet), (0, []))
    return cells[0].text if cells and cells[0].column == 1 else ""


def decode_xlsx(
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions = NO_OPTIONS,
) -> Iterator[Dataset]:
    """Yield the data sets of the sheets, in their order; rows carry the cell in which they start.

    A sheet whose first cell is not STRUCTURE holds no data, unless the caller names their structure.
    """
    try:
        with open_workbook(stream) as sheets:
            said = _said_of(sheets)
            found = [sheet for sheet in sheets if _holds_data(sheet, options)]
            if not found:
                report.add(_no_data())
            for sheet in found:
                own = _SheetReport(outer=report, sheet=sheet.name)
                for dataset in decode_rows(
                    CSV_2_1, _SheetText(sheet, own), structures, own, options
                ):
                    batches = _located(dataset.batches, sheet.name)
                    yield replace(dataset, batches=batches, said=said.get(sheet.name, dataset.said))
    except WorkbookError as error:
        report.add(Finding(rule="not-xlsx", severity=Severity.FATAL, message=f"{error}."))


def _holds_data(sheet: SheetRows, options: DecodeOptions) -> bool:
    text = _first_text(sheet)
    return bool(_FIRST_CELL.fullmatch(text)) or (
        options.structure is not None and bool(text) and sheet.name != ABOUT
    )


def _no_data() -> Finding:
    return Finding(
        rule="not-xlsx",
        severity=Severity.FATAL,
        message="No sheet holds data: the first row of one that does has the columns of SDMX-CSV 2.1, STRUCTURE and "
        "STRUCTURE_ID first. Give them, or say which structure the data are of.",
    )


def _said_of(sheets: Sequence[SheetRows]) -> dict[str, SetAttributes]:
    """Return what the sheet that tells about the others says of each, by their names."""
    fields = {caption: name for name, caption in CAPTIONS}
    found: dict[str, dict[str, str]] = {}
    sheet = ""
    for _, cells in chain.from_iterable(entry for entry in sheets if entry.name == ABOUT):
        if len(cells) < 2:
            continue
        caption, text = cells[0].text, cells[1].text
        if caption == CAPTION_OF_SHEET:
            sheet = text
        elif caption in fields:
            found.setdefault(sheet, {})[fields[caption]] = text
    return {name: SetAttributes(**values) for name, values in found.items()}


class _SheetReport(Report, kw_only=True):
    """Findings of a sheet: places in rows become places in cells."""

    outer: Report
    sheet: str

    def add(self, finding: Finding) -> None:
        """Keep a finding in the report of the whole file."""
        row = _LINE.fullmatch(finding.locator or "")
        if row is None:
            self.outer.add(finding)
            return
        place = cell_locator(self.sheet, f"A{row[1]}")
        kept = {name: getattr(finding, name) for name in Finding.__struct_fields__}
        self.outer.add(Finding(**(kept | {"locator": place})))


def _located(batches: Iterable[Batch], sheet: str) -> Iterator[Batch]:
    for batch in batches:
        place = batch.schema.get_field_index(LOCATOR)
        numbers = pc.utf8_slice_codeunits(batch.column(place), len("line:"))
        cells = pc.binary_join_element_wise(cell_locator(sheet, "A"), numbers, "")
        yield batch.set_column(place, LOCATOR, cells)


@lru_cache(maxsize=256)
def _format_of(code: str) -> NumberFormat:
    return parse_number_format(code)


class _SheetText:
    """A sheet as the rows of a CSV text."""

    def __init__(self, sheet: SheetRows, report: Report) -> None:
        self._sheet = sheet.name
        self._report = report
        self._rows = iter(sheet)
        self._header = self._next_header()

    def _next_header(self) -> tuple[str, ...]:
        _, cells = next(self._rows, (0, []))
        header = [""] * (cells[-1].column if cells else 0)
        for cell in cells:
            header[cell.column - 1] = cell.text
        return tuple(header)

    @property
    def is_unreadable(self) -> bool:
        """True where the sheet has no row."""
        return not self._header

    @property
    def head(self) -> str:
        """The header with separators that no cell changes."""
        return SEPARATOR.join(self._header) + SEPARATOR

    def header(self, separator: str) -> tuple[str, ...]:
        """Return the cells of the first row."""
        return self._header

    def tables(self, separator: str, columns: int) -> Iterator[CsvTable]:
        """Yield the rows under the header, blank ones left out."""
        texts: list[list[str | None]] = [[] for _ in range(columns)]
        lines: list[int] = []
        for number, cells in self._rows:
            row = self._row(cells, columns)
            if not any(text is not None for text in row):
                continue
            lines.append(number)
            for column, text in zip(texts, row, strict=True):
                column.append(text)
            if len(lines) == BATCH_ROWS:
                yield _table(texts, lines)
                texts, lines = [[] for _ in range(columns)], []
        if lines:
            yield _table(texts, lines)

    def _row(self, cells: Sequence[Cell], columns: int) -> list[str | None]:
        row: list[str | None] = [None] * columns
        for cell in cells:
            if cell.column <= columns:
                row[cell.column - 1] = self._text(cell)
            elif cell.text.strip():
                self.add(
                    "wrong-cell-count",
                    cell,
                    f"The cell stands beside the {columns} columns that have a heading; it was left out.",
                )
        return row

    def _text(self, cell: Cell) -> str | None:
        """Return a cell as the text that was reported, None where it cannot be told."""
        if cell.kind is CellKind.TEXT or cell.kind is CellKind.DATE:
            return cell.text
        if cell.kind is CellKind.BOOLEAN:
            return "true" if cell.text == "1" else "false"
        if cell.kind is CellKind.NUMBER:
            shown = _format_of(cell.number_format)
            if not (shown.is_date or shown.is_percent or shown.is_scaled):
                return padded(cell.text, shown.decimals)
            self.add(
                "unreadable-cell",
                cell,
                f"The number {cell.text} is shown as {cell.number_format}, which says something else; it was left "
                "out. Format the cell as a plain number, or write a text.",
            )
            return None
        what = "a formula without a stored value" if not cell.text else cell.text
        self.add(
            "unreadable-cell", cell, f"The cell holds {what}, which is no value; it was left out."
        )
        return None

    def add(self, rule: str, cell: Cell, message: str) -> None:
        """Report something about a cell."""
        place = cell_locator(self._sheet, cell_reference(cell.row, cell.column))
        self._report.add(
            Finding(
                rule=rule, severity=Severity.ERROR, message=message, value=cell.text, locator=place
            )
        )


def _table(texts: Sequence[Sequence[str | None]], lines: Sequence[int]) -> CsvTable:
    columns = tuple(pa.array(column, pa.string()) for column in texts)
    return CsvTable(columns, np.array(lines, np.int64))
