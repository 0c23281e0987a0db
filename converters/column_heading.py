"""Read the column headings of a table's sheet: several rows of them, merged or carried on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from converters.grid import Cell, CellKind
from converters.label import Captions
from converters.layout import Axis
from converters.number import day_of, parse_number_format
from converters.sheet_scan import SheetScan
from dsd.time_period import PeriodSyntaxError, parse_period

_BUDDHIST_YEARS = range(2443, 2644)
_BUDDHIST_OFFSET = 543


@dataclass(frozen=True)
class Column:
    """A column of figures: its codes, and the column of its flags where it has them."""

    headings: tuple[str, ...]
    flags: int | None


class ColumnHeadings:
    """The column headings of one sheet."""

    def __init__(self, scan: SheetScan) -> None:
        self._scan = scan
        self.faulty: set[int] = set()
        """Columns whose headings are a finding; what stands under them is not read."""
        self._heading_codes: dict[tuple[int, int], str | None] = {}

    def find_rows(self, caption_row: int | None) -> tuple[int, ...] | None:
        """Return the row of each column heading, in the order of the layout."""
        if caption_row is None:
            return None
        found = []
        for axis in self._scan.layout.columns:
            row = next(
                (
                    row
                    for row in range(caption_row, 0, -1)
                    for column in range(1, self._scan.layout.label_columns + 1)
                    if self._scan.text(row, column) in axis.captions
                ),
                None,
            )
            if row is None:
                self._scan.find(
                    "damaged-header",
                    f"no row above the figures has the heading {axis.caption}; take the headings "
                    "from a new template",
                    caption_row,
                    1,
                    axis.id,
                )
                return None
            found.append(row)
        return tuple(found)

    def read(self, axis_rows: tuple[int, ...], caption_row: int) -> dict[int, Column]:
        """Return the columns of figures by their number."""
        first = self._scan.layout.label_columns + 1
        flags = self._flag_columns(first, caption_row)
        last_heading = max(
            (cell.column for cell in self._scan.grid if cell.row in axis_rows), default=first
        )
        carried: dict[int, Cell] = {}
        columns: dict[int, Column] = {}
        known_headings: dict[tuple[str, ...], int] = {}
        for column in range(first, last_heading + 1):
            if column in flags:
                continue
            cells = self._heading_cells(axis_rows, column, carried)
            if cells is None:
                continue
            headings = self._column_codes(cells)
            if headings is None:
                self.faulty |= {column, column + 1} if column + 1 in flags else {column}
                continue
            known = known_headings.setdefault(headings, column)
            if known != column:
                self._duplicate_column(cells[-1], column, known)
                self.faulty |= {column, column + 1} if column + 1 in flags else {column}
                continue
            columns[column] = Column(headings, column + 1 if column + 1 in flags else None)
        return columns

    def _flag_columns(self, first: int, caption_row: int) -> set[int]:
        captions = Captions(self._scan.profile.texts["flag"].values())
        return {
            column
            for column in range(first, self._scan.grid.last_column + 1)
            if self._scan.text(caption_row, column) in captions
        }

    def _heading_cells(
        self, axis_rows: tuple[int, ...], column: int, carried: dict[int, Cell]
    ) -> list[Cell] | None:
        """Return the heading cells of a column; an outer heading goes on until the next one."""
        cells = []
        for level, row in enumerate(axis_rows):
            cell = self._scan.grid.covering(row, column)
            if cell is not None and cell.column > self._scan.layout.label_columns:
                carried[level] = cell
            if level == len(axis_rows) - 1 and cell is None:
                return None
            if level not in carried:
                return None
            cells.append(carried[level])
        return cells

    def _column_codes(self, cells: list[Cell]) -> tuple[str, ...] | None:
        codes = [
            self._column_code(axis, cell)
            for axis, cell in zip(self._scan.layout.columns, cells, strict=True)
        ]
        found = [code for code in codes if code is not None]
        return tuple(found) if len(found) == len(codes) else None

    def _column_code(self, axis: Axis, cell: Cell) -> str | None:
        """Return the code of a heading; one that heads several columns is read, and faulted, once."""
        position = (cell.row, cell.column)
        if position not in self._heading_codes:
            text = self._scan.label_text(cell)
            self._heading_codes[position] = (
                None
                if text is None
                else self._period(cell, text)
                if axis.is_time
                else self._scan.axis_code(axis, text, cell.row, cell.column)
            )
        return self._heading_codes[position]

    def _period(self, cell: Cell, text: str) -> str | None:
        """Return the period of a heading; a Buddhist Era year is not converted in silence."""
        time = self._scan.dsd.time_dimension
        suggestion = None
        if cell.kind is CellKind.NUMBER and parse_number_format(cell.number_format).is_date:
            self._dated(cell, text)
            return None
        if text.isascii() and text.isdecimal() and int(text) in _BUDDHIST_YEARS:
            suggestion = str(int(text) - _BUDDHIST_OFFSET)
        elif cell.kind is not CellKind.BOOLEAN:
            try:
                parse_period(text)
                return text
            except PeriodSyntaxError:
                pass
        years = re.findall(r"(?<!\d)\d{4}(?!\d)", text)
        self._scan.find(
            "bad-period",
            f"{text!r} is no period; write the year as 2024",
            cell.row,
            cell.column,
            time.id if time else None,
            text,
            suggestion or (years[0] if len(years) == 1 else None),
        )
        return None

    def _dated(self, cell: Cell, text: str) -> None:
        """Report a heading that a spreadsheet took for a date."""
        time = self._scan.dsd.time_dimension
        day = day_of(text, is_1904=self._scan.grid.is_1904)
        self._scan.find(
            "bad-period",
            f"the heading is a date{f' ({day:%Y-%m-%d})' if day else ''}; write the year as 2024, as a number",
            cell.row,
            cell.column,
            time.id if time else None,
            text,
            str(day.year) if day else None,
        )

    def _duplicate_column(self, cell: Cell, column: int, known: int) -> None:
        first = self._scan.grid.locator(cell.row, known).rpartition("!")[2]
        self._scan.find(
            "duplicate-heading",
            f"the column has the same headings as the one at {first} and was not read",
            cell.row,
            column,
            value=cell.text,
        )
