"""Read the sheet of one table by its layout: rows of an observation each, and what is wrong at which cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from converters.column_heading import Column, ColumnHeadings
from converters.flag_cell import FlagReader
from converters.grid import Cell, CellKind, Grid
from converters.header_block import HeaderBlock
from converters.label import Captions, LabelIndexes
from converters.layout import TableLayout
from converters.sheet_scan import SheetScan
from converters.source_reader import Sources, settle_by_source
from converters.value_cell import Reading, ValueReader
from dsd.batch import LOCATOR
from dsd.finding import Report

ObservationRow = dict[str, str | list[str] | None]
Headings = tuple[str | None, ...]


@dataclass
class SheetResult:
    """What a sheet holds."""

    rows: list[ObservationRow] = field(default_factory=list)
    gap_reason: str | None = None
    periods: tuple[str, ...] = ()
    """Those that columns are headed by, filled or not."""
    origins: dict[str, str] = field(default_factory=dict)
    """The cell that says what holds for the whole sheet, by component id."""


class SheetReader:
    """Reads one sheet; lives for one call of `read`."""

    def __init__(
        self,
        grid: Grid,
        layout: TableLayout,
        report: Report,
        indexes: LabelIndexes,
        sources: Sources | None = None,
    ) -> None:
        self._sources = sources
        self._scan = SheetScan(grid, layout, report, indexes)
        self._header = HeaderBlock(self._scan)
        self._headings = ColumnHeadings(self._scan)
        self._flags = FlagReader(self._scan, self._header.notes)
        self._values = ValueReader(layout.profile, layout.dsd)
        self._has_figures = False
        self._out_of_sight: list[tuple[int, int]] = []
        """The figures that were read from hidden rows, columns or sheets."""

    def read(self) -> SheetResult:
        """Return the observations of the sheet; its findings go to the report."""
        result = SheetResult()
        caption_row = self._find_caption_row()
        axis_rows = self._headings.find_rows(caption_row)
        if caption_row is None or axis_rows is None:
            return result
        foot_row = self._find_foot_row(caption_row)
        result.gap_reason = self._header.read(
            self._scan.grid.rows_with_cells(range(1, min(axis_rows))),
            self._scan.grid.rows_with_cells(range(foot_row, self._scan.grid.last_row + 1)),
        )
        columns = self._headings.read(axis_rows, caption_row)
        if not columns and not self._headings.faulty and not result.gap_reason:
            self._scan.find(
                "damaged-header",
                "no column has a complete heading; take the headings from a new template",
                min(axis_rows),
                1,
            )
        if self._sources is not None:
            settle_by_source(self._scan, self._header, self._sources)
        places = self._scan.grid.rows_with_cells(range(caption_row + 1, foot_row))
        rows = list(self._read_rows(places, columns))
        self._check_sight()
        self._check_content(result.gap_reason)
        result.origins = dict(self._header.origins)
        result.periods = self._periods(columns)
        # Without what the whole sheet says no observation has a key; the finding stands already.
        result.rows = rows if self._header.is_complete() else []
        return result

    def _periods(self, columns: Mapping[int, Column]) -> tuple[str, ...]:
        levels = [level for level, axis in enumerate(self._scan.layout.columns) if axis.is_time]
        return tuple(
            dict.fromkeys(column.headings[level] for column in columns.values() for level in levels)
        )

    def _check_content(self, gap_reason: str | None) -> None:
        """Report figures beside a reason for none, neither of them, and figures without their header."""
        if self._has_figures:
            self._header.report_missing()
        if self._has_figures and gap_reason:
            self._scan.find(
                "gap-with-values",
                "the sheet gives a reason for having no data and has figures; clear the one or the other",
                *self._header.position("gap"),
            )
        if not self._has_figures and not gap_reason:
            self._scan.find(
                "empty-table",
                "the sheet has no figures; choose the reason why there are none",
                *self._header.position("gap"),
            )

    def _check_sight(self) -> None:
        """Report figures that nobody sees: they may be what somebody meant to leave out."""
        if self._out_of_sight:
            self._scan.find(
                "hidden-figures",
                f"{len(self._out_of_sight)} figures were read from hidden rows, columns or sheets, this one first; "
                "show them and check that they shall be reported",
                *self._out_of_sight[0],
            )

    def _find_caption_row(self) -> int | None:
        """Return the row whose first cells are the captions of the row headings."""
        for row in self._scan.grid.rows_with_cells():
            if all(
                self._scan.text(row, number) in axis.captions
                for number, axis in enumerate(self._scan.layout.rows, 1)
            ):
                return row
        captions = ", ".join(axis.caption for axis in self._scan.layout.rows)
        self._scan.find(
            "damaged-header",
            f"no row has the heading {captions}; take the headings from a new template",
            1,
            1,
        )
        return None

    def _find_foot_row(self, caption_row: int) -> int:
        """Return the first row under the figures: their heading, or a line that stands there without it."""
        heading = Captions(self._scan.profile.texts["coverage_and_notes"].values())
        end = self._scan.grid.last_row + 1
        for row in self._scan.grid.rows_with_cells(range(caption_row + 1, end)):
            text = self._scan.text(row, 1)
            if text in heading or self._header.is_line_below(text):
                return row
        return end

    def _read_rows(
        self, rows: Iterable[int], columns: Mapping[int, Column]
    ) -> Iterator[ObservationRow]:
        seen: dict[Headings, int] = {}
        carried: dict[int, Cell] = {}
        for row in rows:
            self._outside(row, columns)
            filled = self._is_filled(row, columns)
            self._has_figures = self._has_figures or filled
            headings = self._row_codes(row, carried, filled=filled)
            if headings is None or not filled:
                continue
            if headings in seen:
                self._scan.find(
                    "duplicate-heading",
                    f"the row has the same heading as row {seen[headings]} and was not read",
                    row,
                    self._scan.layout.label_columns,
                    self._scan.layout.rows[-1].id or None,
                    self._scan.text(row, self._scan.layout.label_columns),
                )
                continue
            seen[headings] = row
            yield from self._read_figures(row, headings, columns)

    def _is_filled(self, row: int, columns: Mapping[int, Column]) -> bool:
        """Tell whether a row has figures or flags, under a good heading or a bad one."""
        places = {*columns, *(column.flags for column in columns.values()), *self._headings.faulty}
        return any(
            self._scan.grid.at(row, place) is not None for place in places if place is not None
        )

    def _row_codes(self, row: int, carried: dict[int, Cell], *, filled: bool) -> Headings | None:
        """Return the codes of a row; None where it has none, which is a finding if it has figures."""
        cells: list[Cell] = []
        last = self._scan.layout.label_columns
        for column in range(1, last + 1):
            cell = self._scan.grid.covering(row, column)
            if cell is not None:
                carried[column] = cell
            elif column == last or column not in carried:
                if filled:
                    self._scan.find(
                        "missing-label",
                        "the row has figures and no label; choose one from the drop-down",
                        row,
                        column,
                        self._scan.layout.rows[column - 1].id or None,
                    )
                return None
            cells.append(carried[column])
        if any(cell.text.strip() in self._scan.unselected for cell in cells):
            if filled:
                self._unselected_row(row)
            return None
        if not filled:
            self._unfilled(row, cells)
            return None
        return self._codes_of(row, cells)

    def _codes_of(self, row: int, cells: list[Cell]) -> Headings | None:
        codes = []
        for column, (axis, cell) in enumerate(zip(self._scan.layout.rows, cells, strict=True), 1):
            text = self._scan.label_text(cell)
            code = None if text is None else self._scan.axis_code(axis, text, row, column)
            if code is None:
                return None
            codes.append(code)
        return tuple(codes)

    def _unselected_row(self, row: int) -> None:
        cell = next(
            cell
            for cell in self._scan.grid.row(row)
            if cell.column > self._scan.layout.label_columns
        )
        self._scan.find(
            "value-in-unselected-row",
            f"figures stand in a row where {self._scan.unselected[0]} says that nobody chose it; choose its "
            "label from the drop-down",
            row,
            cell.column,
            self._scan.layout.rows[-1].id or None,
            cell.text,
        )

    def _unfilled(self, row: int, cells: list[Cell]) -> None:
        """Report a text under the table that is no label: it would be lost otherwise."""
        for axis, cell in zip(self._scan.layout.rows, cells, strict=True):
            if axis.component is None or cell.row != row:
                continue
            codelist = axis.component.codelist
            index = self._scan.index(axis.id, "*", axis.codes, codelist.id if codelist else "")
            match = index.match(cell.text)
            if match.code is None and not match.candidates:
                self._scan.find(
                    "text-outside-table",
                    "the text stands in no place that is read; put notes into the notes area",
                    row,
                    cell.column,
                    value=cell.text,
                )
                return

    def _outside(self, row: int, columns: Mapping[int, Column]) -> None:
        known = {*columns, *(c.flags for c in columns.values()), *self._headings.faulty}
        for cell in self._scan.grid.row(row):
            if cell.column <= self._scan.layout.label_columns or cell.column in known:
                continue
            is_text = cell.kind is CellKind.TEXT
            self._scan.find(
                "text-outside-table" if is_text else "value-outside-table",
                "the cell stands in a column without a heading and was not read",
                row,
                cell.column,
                value=cell.text,
            )

    def _read_figures(
        self, row: int, headings: Headings, columns: Mapping[int, Column]
    ) -> Iterator[ObservationRow]:
        measure = self._scan.dsd.measures[0].id
        for number, column in columns.items():
            key = self._key(headings, column.headings)
            flags = self._flags.read(row, column.flags)
            reading = self._figure(row, number, key)
            if reading is None or (not reading.is_given and not flags):
                continue
            if self._scan.grid.is_out_of_sight(row, number):
                self._out_of_sight.append((row, number))
            yield {
                **key,
                **self._qualities(reading, flags),
                measure: reading.value,
                LOCATOR: self._scan.grid.locator(row, number),
            }

    def _key(self, rows: Headings, columns: tuple[str, ...]) -> dict[str, str]:
        key = {**self._scan.layout.fixed, **self._header.dimensions}
        for axis, code in zip(
            (*self._scan.layout.rows, *self._scan.layout.columns), (*rows, *columns), strict=True
        ):
            if axis.component is not None and code is not None:
                key[axis.id] = code
        return key

    def _figure(self, row: int, column: int, key: Mapping[str, str]) -> Reading | None:
        """Return what a cell of figures says, None where that is a finding."""
        if self._scan.grid.is_merged(row, column):
            if self._scan.grid.covering(row, column) is not None:
                self._scan.find(
                    "merged-value-cells",
                    "the cell is merged with its neighbours; split it, one figure a cell",
                    row,
                    column,
                )
            return None
        reading = self._values.read(self._scan.grid.at(row, column))
        for rule, message, suggestion in reading.problems:
            cell = self._scan.grid.at(row, column)
            self._scan.find(
                rule,
                message,
                row,
                column,
                self._scan.dsd.measures[0].id,
                cell.text if cell else None,
                suggestion,
                key,
            )
        return None if reading.is_refused else reading

    def _qualities(
        self, reading: Reading, flags: Mapping[str, list[str]]
    ) -> dict[str, str | list[str] | None]:
        """Return the attributes of an observation: those of its sheet, its cell and its flags."""
        found: dict[str, str | list[str] | None] = {**self._header.attributes, **reading.attributes}
        notes_id = self._scan.profile.attributes.notes
        if notes_id in self._scan.dsd and 0 in self._header.notes:
            found[notes_id] = self._header.notes[0]
        for id, values in flags.items():
            if id == notes_id:
                texts = [*values, *([self._header.notes[0]] if 0 in self._header.notes else [])]
                found[id] = "\n".join(texts)
            elif not values:
                found[id] = None
            else:
                found[id] = values if self._scan.dsd[id].is_multiple else values[-1]
        return found
