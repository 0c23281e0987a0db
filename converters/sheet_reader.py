"""Read the sheet of one table by its layout: rows of an observation each, and what is wrong at which cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from codelists.item_scheme import Code
from converters.conversion import SEVERITY_OF_RULE
from converters.grid import Cell, CellKind, Grid
from converters.label import Captions, LabelIndex, LabelIndexes
from converters.layout import Axis, Field, FieldKind, TableLayout, version_of
from converters.value_cell import Reading, ValueReader
from dsd.batch import LOCATOR
from dsd.finding import Finding, Report
from dsd.resolved import ResolvedComponent
from dsd.time_period import PeriodSyntaxError, parse_period

_NUMBERED = re.compile(r"(.*?)\s*\((\d{1,3})\)", re.DOTALL)
_CONTACT = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|\+\d[\d\s().-]{7,}\d")
_FLAG_TOKENS = re.compile(r"\(\d+\)|[^\s;,]+")
_BUDDHIST_YEARS = range(2443, 2644)
_BUDDHIST_OFFSET = 543

ObservationRow = dict[str, str | list[str] | None]
Headings = tuple[str | None, ...]


@dataclass
class SheetResult:
    """What a sheet holds."""

    rows: list[ObservationRow] = field(default_factory=list)
    gap_reason: str | None = None


@dataclass(frozen=True)
class _Column:
    """A column of figures: its codes, and its flags where it has them."""

    headings: tuple[str, ...]
    flags: int | None


class SheetReader:
    """Reads one sheet; lives for one call of `read`."""

    def __init__(
        self, grid: Grid, layout: TableLayout, report: Report, indexes: LabelIndexes
    ) -> None:
        self._grid = grid
        self._layout = layout
        self._report = report
        self._dsd = layout.dsd
        self._shared_indexes = indexes
        self._indexes: dict[tuple[str, str | None], LabelIndex] = {}
        self._header: dict[str, str] = {}
        self._attributes: dict[str, str | list[str]] = {}
        self._notes: dict[int, str] = {}
        self._versions: dict[str, str] = {}
        self._bad_columns: set[int] = set()
        self._heading_codes: dict[tuple[int, int], str | None] = {}
        self._has_figures = False
        self._missing: list[tuple[Field, tuple[int, int]]] = []
        self._values = ValueReader(layout.profile, layout.dsd)

    def read(self) -> SheetResult:
        """Return the observations of the sheet; its findings go to the report."""
        result = SheetResult()
        caption_row = self._find_caption_row()
        axis_rows = self._find_axis_rows(caption_row)
        if caption_row is None or axis_rows is None:
            return result
        result.gap_reason = self._read_fields(min(axis_rows))
        columns = self._read_columns(axis_rows, caption_row)
        if not columns and not self._bad_columns and not result.gap_reason:
            self.find(
                "damaged-header",
                "no column has a complete heading; take the headings from a new template",
                min(axis_rows),
                1,
            )
        rows = list(self._read_rows(caption_row + 1, columns))
        if self._has_figures and result.gap_reason:
            self.find(
                "gap-with-values",
                "the sheet gives a reason for having no data and has figures; clear the one or the other",
                *self._field_position(FieldKind.GAP),
            )
        if not self._has_figures and not result.gap_reason:
            self.find(
                "empty-table",
                "the sheet has no figures; choose the reason why there are none",
                *self._field_position(FieldKind.GAP),
            )
        if self._has_figures:
            self._report_missing()
        # Without what the whole sheet says no observation has a key; the finding stands already.
        result.rows = rows if self._has_header() else []
        return result

    def find(
        self,
        rule: str,
        message: str,
        row: int,
        column: int,
        component: str | None = None,
        value: str | None = None,
        suggestion: str | None = None,
        key: Mapping[str, str] | None = None,
    ) -> None:
        """Add a finding at a cell of this sheet."""
        self._report.add(
            Finding(
                rule=rule,
                severity=SEVERITY_OF_RULE[rule],
                message=message,
                dataflow=self._dsd.urn.short,
                component=component,
                key=dict(key or {}),
                value=value,
                locator=self._grid.locator(row, column),
                suggestion=suggestion,
            )
        )

    # -- where things are ----------------------------------------------------------------------------

    def _text(self, row: int, column: int) -> str:
        cell = self._grid.covering(row, column)
        return "" if cell is None else cell.text.strip()

    def _find_caption_row(self) -> int | None:
        """Return the row whose first cells are the captions of the row headings."""
        for row in range(1, self._grid.last_row + 1):
            if all(
                self._text(row, number) in axis.captions
                for number, axis in enumerate(self._layout.rows, 1)
            ):
                return row
        captions = ", ".join(axis.caption for axis in self._layout.rows)
        self.find(
            "damaged-header",
            f"no row has the heading {captions}; take the headings from a new template",
            1,
            1,
        )
        return None

    def _find_axis_rows(self, caption_row: int | None) -> tuple[int, ...] | None:
        """Return the row of each column heading, in the order of the layout."""
        if caption_row is None:
            return None
        found = []
        for axis in self._layout.columns:
            row = next(
                (
                    row
                    for row in range(caption_row, 0, -1)
                    for column in range(1, self._layout.label_columns + 1)
                    if self._text(row, column) in axis.captions
                ),
                None,
            )
            if row is None:
                self.find(
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

    def _field_position(self, kind: FieldKind) -> tuple[int, int]:
        for row in range(1, self._grid.last_row + 1):
            for entry in self._layout.fields:
                if entry.kind is kind and self._text(row, 1) in entry.captions:
                    return row, self._layout.label_columns + 1
        return 1, 1

    # -- header block --------------------------------------------------------------------------------

    def _read_fields(self, end: int) -> str | None:
        """Read the lines above a row; returns the id of the gap reason."""
        seen: dict[str, tuple[int, int]] = {}
        gap_reason: str | None = None
        note_captions = Captions(self._layout.profile.texts["note"].values())
        for row in range(1, end):
            caption = self._text(row, 1)
            numbered = _NUMBERED.fullmatch(caption)
            if numbered and numbered[1] in note_captions:
                self._read_note(row, int(numbered[2]))
                continue
            entry = self._field_captioned(caption)
            if entry is None:
                self._unknown_line(row)
                continue
            seen[entry.key] = (row, self._layout.label_columns + 1)
            if entry.kind is FieldKind.GAP:
                gap_reason = next(iter(self._field_codes(entry, row)), None)
            elif entry.kind in (FieldKind.NOTES, FieldKind.NUMBERED_NOTE):
                self._read_note(row, 0)
            else:
                self._read_field(entry, row)
        self._complete_fields(seen)
        return gap_reason

    def _unknown_line(self, row: int) -> None:
        """Report a line that says nothing we know; its text stays out: it may be a person's."""
        title = next(iter(self._grid)).row
        cells = [cell for cell in self._grid.row(row) if row != title]
        if cells:
            self.find(
                "text-outside-table",
                "the line has no caption of the header block and was not read",
                row,
                cells[-1].column,
            )

    def _field_captioned(self, caption: str) -> Field | None:
        """Return the line that a caption names; `Classification version: Age` names that of a dimension."""
        version, _, heading = caption.partition(": ")
        is_version = version in Captions(self._layout.profile.texts["version"].values())
        for entry in self._layout.fields:
            text = heading if entry.kind is FieldKind.VERSION else caption
            if text in entry.captions and is_version is (entry.kind is FieldKind.VERSION):
                return entry
        return None

    def _read_field(self, entry: Field, row: int) -> None:
        if entry.kind is FieldKind.TABLE or entry.component is None:
            return
        found = self._field_codes(entry, row)
        if not found:
            return
        if entry.kind is FieldKind.VERSION:
            self._versions[entry.component.id] = found[0]
        elif entry.kind is FieldKind.DIMENSION:
            self._header[entry.component.id] = found[0]
        else:
            self._attributes[entry.component.id] = found if entry.is_multiple else found[0]

    def _field_codes(self, entry: Field, row: int) -> list[str]:
        """Return the codes (or the text) that a line of the header block gives."""
        texts: list[tuple[int, str]] = []
        for column in range(2, self._grid.last_column + 1):
            cell = self._grid.at(row, column)
            text = None if cell is None else self._label_text(cell)
            if text is None or text in self._unselected:
                continue
            if texts and not entry.is_multiple:
                self.find(
                    "text-outside-table",
                    "the line has its value already; this cell was not read",
                    row,
                    column,
                    value=text,
                )
                continue
            texts.append((column, text))
        return [
            code
            for column, text in texts
            for part in self._parts(entry, text)
            if (code := self._field_code(entry, part, row, column)) is not None
        ]

    def _parts(self, entry: Field, text: str) -> list[str]:
        """Return the labels of a line that may have several; one that holds a semicolon stays whole."""
        if not entry.is_multiple or self._field_index(entry).match(text).code is not None:
            return [text]
        return [part.strip() for part in re.split(r"[;\n]", text) if part.strip()]

    def _field_code(self, entry: Field, text: str, row: int, column: int) -> str | None:
        if not entry.codes:
            if _CONTACT.search(text):
                self._contact(row, column, entry.key)
                return None
            return text
        id = entry.component.id if entry.component else None
        own = entry.kind in (FieldKind.VERSION, FieldKind.GAP)
        component = None if own else entry.component
        return self._match(self._field_index(entry), text, row, column, id, component)

    def _field_index(self, entry: Field) -> LabelIndex:
        own = entry.kind in (FieldKind.VERSION, FieldKind.GAP)
        codelist = entry.component.codelist if entry.component and not own else None
        return self._index(entry.key, None, entry.codes, codelist.id if codelist else "")

    def _complete_fields(self, seen: Mapping[str, tuple[int, int]]) -> None:
        """Set what can only be one code, and report what is required and not given."""
        for entry in self._layout.fields:
            component = entry.component
            if component is None or not entry.is_required:
                continue
            given = (
                self._versions
                if entry.kind is FieldKind.VERSION
                else self._header
                if entry.kind is FieldKind.DIMENSION
                else self._attributes
            )
            if component.id in given:
                continue
            position = seen.get(entry.key, (1, 1))
            if entry.default is not None:
                if self._text(*position) == "" or entry.key not in seen:
                    given[component.id] = entry.default
                continue
            if entry.key in seen and self._text(*position) not in ("", *self._unselected):
                continue
            self._missing.append((entry, position))

    def _report_missing(self) -> None:
        """Report what a sheet with figures must say and does not; a blank sheet need not say anything."""
        for entry, position in self._missing:
            is_unit = entry.kind is FieldKind.ATTRIBUTE
            self.find(
                "undeclared-unit" if is_unit else "missing-header-value",
                f"the sheet does not say: {entry.caption}; choose it in the header block",
                *position,
                entry.component.id if entry.component else None,
            )

    def _has_header(self) -> bool:
        return all(
            entry.component is None or entry.component.id in self._header
            for entry in self._layout.fields
            if entry.kind is FieldKind.DIMENSION
        )

    def _read_note(self, row: int, number: int) -> None:
        """Keep a note; 0 is the one on all values. Who can be reached how is nobody else's business."""
        texts = [
            text
            for column in range(2, self._grid.last_column + 1)
            if (cell := self._grid.at(row, column)) is not None
            and (text := self._label_text(cell)) is not None
        ]
        note = "\n".join(texts)
        if note and _CONTACT.search(note):
            self._contact(
                row, self._layout.label_columns + 1, self._layout.profile.attributes.notes
            )
        elif note:
            self._notes[number] = note

    def _contact(self, row: int, column: int, component: str) -> None:
        self.find(
            "contact-in-notes",
            "the note holds an e-mail address or a telephone number and was not read; remove it, "
            "notes are published",
            row,
            column,
            component,
        )

    # -- labels --------------------------------------------------------------------------------------

    @property
    def _unselected(self) -> tuple[str, ...]:
        marks = self._layout.profile.unselected
        return (marks.text, *marks.also)

    def _label_text(self, cell: Cell) -> str | None:
        """Return the text of a label cell, None where it is blank or says nothing for certain."""
        if cell.kind is CellKind.UNCOMPUTED:
            self._uncomputed(cell)
            return None
        if cell.kind is CellKind.ERROR:
            self.find("error-cell", f"the formula fails with {cell.text}", cell.row, cell.column)
            return None
        return cell.text.strip() or None

    def _uncomputed(self, cell: Cell) -> None:
        self.find(
            "uncomputed-formula",
            "the cell holds a formula whose value was never stored; open the workbook in a spreadsheet "
            "program, let it compute, and save",
            cell.row,
            cell.column,
        )

    def _index(
        self, key: str, version: str | None, codes: Iterable[Code], codelist_id: str
    ) -> LabelIndex:
        index = self._indexes.get((key, version))
        if index is None:
            index = self._indexes[key, version] = self._shared_indexes.of(codes, codelist_id)
        return index

    def _match(
        self,
        index: LabelIndex,
        text: str,
        row: int,
        column: int,
        component_id: str | None,
        component: ResolvedComponent | None,
    ) -> str | None:
        """Return the code of a label; what is doubtful or wrong about it becomes a finding."""
        match = index.match(text)
        if match.code is not None:
            if match.warning:
                self.find(
                    "doubtful-label",
                    f"{text!r} was read as {index.name(match.code)}: {match.warning}",
                    row,
                    column,
                    component_id,
                    text,
                    match.code,
                )
            return match.code
        if match.candidates:
            names = " or ".join(f"{index.name(code)} [{code}]" for code in match.candidates)
            self.find(
                "ambiguous-label",
                f"{text!r} can be {names}; write the code in brackets behind it",
                row,
                column,
                component_id,
                text,
            )
            return None
        self._unknown(index, text, row, column, component_id, component)
        return None

    def _unknown(
        self,
        index: LabelIndex,
        text: str,
        row: int,
        column: int,
        component_id: str | None,
        component: ResolvedComponent | None,
    ) -> None:
        if component is not None and component.codelist is not None:
            codelist = component.codelist
            every = self._shared_indexes.of(codelist.codes, codelist.id)
            code = every.match(text).code
            if code is not None:
                self._not_allowed(index, text, code, row, column, component)
                return
        nearest = index.nearest(text)
        hint = f"; the nearest is {index.name(nearest)!r}" if nearest else ""
        self.find(
            "unknown-label",
            f"{text!r} is in no list of this table{hint}; choose from the drop-down",
            row,
            column,
            component_id,
            text,
            nearest,
        )

    def _not_allowed(
        self,
        index: LabelIndex,
        text: str,
        code: str,
        row: int,
        column: int,
        component: ResolvedComponent,
    ) -> None:
        declared = self._versions.get(component.id)
        version = version_of(component, component.codes[code])
        reason = "may not be reported on this sheet"
        if declared is not None and version not in (None, declared):
            reason = (
                f"belongs to {component.codes[version or ''].label()}, and the sheet declares "
                f"{component.codes[declared].label()}"
            )
        self.find(
            "code-not-allowed",
            f"{text!r} ({code}) {reason}",
            row,
            column,
            component.id,
            text,
            index.nearest(text),
        )

    def _axis_code(self, axis: Axis, text: str, row: int, column: int) -> str | None:
        if axis.component is None:
            return text
        version = self._versions.get(axis.id)
        codes = [
            code
            for code in axis.codes
            if version is None or version_of(axis.component, code) in (version, None)
        ]
        codelist = axis.component.codelist
        index = self._index(axis.id, version, codes, codelist.id if codelist else "")
        return self._match(index, text, row, column, axis.id, axis.component)

    # -- columns -------------------------------------------------------------------------------------

    def _read_columns(self, axis_rows: tuple[int, ...], caption_row: int) -> dict[int, _Column]:
        """Return the columns of figures by their number."""
        first = self._layout.label_columns + 1
        flags = self._flag_columns(first, caption_row)
        last_heading = max(
            (cell.column for cell in self._grid if cell.row in axis_rows), default=first
        )
        carried: dict[int, Cell] = {}
        columns: dict[int, _Column] = {}
        for column in range(first, last_heading + 1):
            if column in flags:
                continue
            cells = self._heading_cells(axis_rows, column, carried)
            if cells is None:
                continue
            headings = self._column_codes(cells)
            if headings is None:
                self._bad_columns |= {column, column + 1} if column + 1 in flags else {column}
                continue
            known = next((n for n, held in columns.items() if held.headings == headings), None)
            if known is not None:
                self._duplicate_column(cells[-1], column, known)
                self._bad_columns |= {column, column + 1} if column + 1 in flags else {column}
                continue
            columns[column] = _Column(headings, column + 1 if column + 1 in flags else None)
        return columns

    def _flag_columns(self, first: int, caption_row: int) -> set[int]:
        captions = Captions(self._layout.profile.texts["flag"].values())
        return {
            column
            for column in range(first, self._grid.last_column + 1)
            if self._text(caption_row, column) in captions
        }

    def _heading_cells(
        self, axis_rows: tuple[int, ...], column: int, carried: dict[int, Cell]
    ) -> list[Cell] | None:
        """Return the heading cells of a column; an outer heading goes on until the next one."""
        cells = []
        for level, row in enumerate(axis_rows):
            cell = self._grid.covering(row, column)
            if cell is not None and cell.column > self._layout.label_columns:
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
            for axis, cell in zip(self._layout.columns, cells, strict=True)
        ]
        found = [code for code in codes if code is not None]
        return tuple(found) if len(found) == len(codes) else None

    def _column_code(self, axis: Axis, cell: Cell) -> str | None:
        """Return the code of a heading; one that heads several columns is read, and faulted, once."""
        position = (cell.row, cell.column)
        if position not in self._heading_codes:
            text = self._label_text(cell)
            self._heading_codes[position] = (
                None
                if text is None
                else self._period(cell, text)
                if axis.is_time
                else self._axis_code(axis, text, cell.row, cell.column)
            )
        return self._heading_codes[position]

    def _period(self, cell: Cell, text: str) -> str | None:
        """Return the period of a heading; a Buddhist Era year is not converted in silence."""
        time = self._dsd.time_dimension
        suggestion = None
        if text.isascii() and text.isdecimal() and int(text) in _BUDDHIST_YEARS:
            suggestion = str(int(text) - _BUDDHIST_OFFSET)
        elif cell.kind is not CellKind.BOOLEAN:
            try:
                parse_period(text)
                return text
            except PeriodSyntaxError:
                pass
        years = re.findall(r"(?<!\d)\d{4}(?!\d)", text)
        self.find(
            "bad-period",
            f"{text!r} is no period; write the year as 2024",
            cell.row,
            cell.column,
            time.id if time else None,
            text,
            suggestion or (years[0] if len(years) == 1 else None),
        )
        return None

    def _duplicate_column(self, cell: Cell, column: int, known: int) -> None:
        first = self._grid.locator(cell.row, known).rpartition("!")[2]
        self.find(
            "duplicate-heading",
            f"the column has the same headings as the one at {first} and was not read",
            cell.row,
            column,
            value=cell.text,
        )

    # -- rows ----------------------------------------------------------------------------------------

    def _read_rows(self, first: int, columns: Mapping[int, _Column]) -> Iterator[ObservationRow]:
        seen: dict[Headings, int] = {}
        carried: dict[int, Cell] = {}
        for row in range(first, self._grid.last_row + 1):
            self._outside(row, columns)
            filled = self._is_filled(row, columns)
            self._has_figures = self._has_figures or filled
            headings = self._row_codes(row, carried, filled=filled)
            if headings is None or not filled:
                continue
            if headings in seen:
                self.find(
                    "duplicate-heading",
                    f"the row has the same heading as row {seen[headings]} and was not read",
                    row,
                    self._layout.label_columns,
                    self._layout.rows[-1].id or None,
                    self._text(row, self._layout.label_columns),
                )
                continue
            seen[headings] = row
            yield from self._read_figures(row, headings, columns)

    def _is_filled(self, row: int, columns: Mapping[int, _Column]) -> bool:
        """Tell whether a row has figures or flags, under a good heading or a bad one."""
        places = {*columns, *(column.flags for column in columns.values()), *self._bad_columns}
        return any(self._grid.at(row, place) is not None for place in places if place is not None)

    def _row_codes(self, row: int, carried: dict[int, Cell], *, filled: bool) -> Headings | None:
        """Return the codes of a row; None where it has none, which is a finding if it has figures."""
        cells: list[Cell] = []
        last = self._layout.label_columns
        for column in range(1, last + 1):
            cell = self._grid.covering(row, column)
            if cell is not None:
                carried[column] = cell
            elif column == last or column not in carried:
                if filled:
                    self.find(
                        "missing-label",
                        "the row has figures and no label; choose one from the drop-down",
                        row,
                        column,
                        self._layout.rows[column - 1].id or None,
                    )
                return None
            cells.append(carried[column])
        if any(cell.text.strip() in self._unselected for cell in cells):
            if filled:
                self._unselected_row(row)
            return None
        if not filled:
            self._unfilled(row, cells)
            return None
        return self._codes_of(row, cells)

    def _codes_of(self, row: int, cells: list[Cell]) -> Headings | None:
        codes = []
        for column, (axis, cell) in enumerate(zip(self._layout.rows, cells, strict=True), 1):
            text = self._label_text(cell)
            code = None if text is None else self._axis_code(axis, text, row, column)
            if code is None:
                return None
            codes.append(code)
        return tuple(codes)

    def _unselected_row(self, row: int) -> None:
        cell = next(
            cell for cell in self._grid.row(row) if cell.column > self._layout.label_columns
        )
        self.find(
            "value-in-unselected-row",
            f"figures stand in a row where {self._unselected[0]} says that nobody chose it; choose its "
            "label from the drop-down",
            row,
            cell.column,
            self._layout.rows[-1].id or None,
            cell.text,
        )

    def _unfilled(self, row: int, cells: list[Cell]) -> None:
        """Report a text under the table that is no label: it would be lost otherwise."""
        for axis, cell in zip(self._layout.rows, cells, strict=True):
            if axis.component is None or cell.row != row:
                continue
            codelist = axis.component.codelist
            index = self._index(axis.id, "*", axis.codes, codelist.id if codelist else "")
            match = index.match(cell.text)
            if match.code is None and not match.candidates:
                self.find(
                    "text-outside-table",
                    "the text stands in no place that is read; put notes into the notes area",
                    row,
                    cell.column,
                    value=cell.text,
                )
                return

    def _outside(self, row: int, columns: Mapping[int, _Column]) -> None:
        known = {*columns, *(c.flags for c in columns.values()), *self._bad_columns}
        for column in range(self._layout.label_columns + 1, self._grid.last_column + 1):
            cell = self._grid.at(row, column)
            if cell is None or column in known:
                continue
            is_text = cell.kind is CellKind.TEXT
            self.find(
                "text-outside-table" if is_text else "value-outside-table",
                "the cell stands in a column without a heading and was not read",
                row,
                column,
                value=cell.text,
            )

    # -- figures -------------------------------------------------------------------------------------

    def _read_figures(
        self, row: int, headings: Headings, columns: Mapping[int, _Column]
    ) -> Iterator[ObservationRow]:
        measure = self._dsd.measures[0].id
        for number, column in columns.items():
            key = self._key(headings, column.headings)
            flags = self._flags(row, column.flags)
            reading = self._figure(row, number, key)
            if reading is None or (not reading.is_given and not flags):
                continue
            yield {
                **key,
                **self._qualities(reading, flags),
                measure: reading.value,
                LOCATOR: self._grid.locator(row, number),
            }

    def _key(self, rows: Headings, columns: tuple[str, ...]) -> dict[str, str]:
        key = {**self._layout.fixed, **self._header}
        for axis, code in zip(
            (*self._layout.rows, *self._layout.columns), (*rows, *columns), strict=True
        ):
            if axis.component is not None and code is not None:
                key[axis.id] = code
        return key

    def _figure(self, row: int, column: int, key: Mapping[str, str]) -> Reading | None:
        """Return what a cell of figures says, None where that is a finding."""
        if self._grid.is_merged(row, column):
            if self._grid.covering(row, column) is not None:
                self.find(
                    "merged-value-cells",
                    "the cell is merged with its neighbours; split it, one figure a cell",
                    row,
                    column,
                )
            return None
        reading = self._values.read(self._grid.at(row, column))
        for rule, message, suggestion in reading.problems:
            cell = self._grid.at(row, column)
            self.find(
                rule,
                message,
                row,
                column,
                self._dsd.measures[0].id,
                cell.text if cell else None,
                suggestion,
                key,
            )
        return None if reading.is_refused else reading

    def _qualities(
        self, reading: Reading, flags: Mapping[str, list[str]]
    ) -> dict[str, str | list[str] | None]:
        """Return the attributes of an observation: those of its sheet, its cell and its flags."""
        found: dict[str, str | list[str] | None] = {**self._attributes, **reading.attributes}
        notes_id = self._layout.profile.attributes.notes
        if notes_id in self._dsd and 0 in self._notes:
            found[notes_id] = self._notes[0]
        for id, values in flags.items():
            if id == notes_id:
                texts = [*values, *([self._notes[0]] if 0 in self._notes else [])]
                found[id] = "\n".join(texts)
            elif not values:
                found[id] = None
            else:
                found[id] = values if self._dsd[id].is_multiple else values[-1]
        return found

    def _flags(self, row: int, column: int | None) -> dict[str, list[str]]:
        """Return the attributes that a flag cell gives; an id without a value takes the sheet's away."""
        cell = self._grid.at(row, column) if column is not None else None
        text = None if cell is None else self._label_text(cell)
        found: dict[str, list[str]] = {}
        for token in _FLAG_TOKENS.findall(text or ""):
            self._flag(token, row, column or 0, found)
        return found

    def _flag(self, token: str, row: int, column: int, found: dict[str, list[str]]) -> None:
        id, equals, value = token.partition("=")
        numbered = _NUMBERED.fullmatch(token)
        if numbered and not numbered[1]:
            note = self._notes.get(int(numbered[2]))
            if note is not None:
                found.setdefault(self._layout.profile.attributes.notes, []).append(note)
                return
        elif equals and id in {attribute.id for attribute in self._dsd.attributes}:
            values = found.setdefault(id, [])
            if not value:
                return
            if self._dsd[id].codelist is None and _CONTACT.search(value):
                self._contact(row, column, id)
                return
            if self._dsd[id].allows(value):
                values.append(value)
                return
        else:
            for id in self._layout.profile.attributes.flags:
                if id in self._dsd and self._dsd[id].allows(token) and id not in found:
                    found[id] = [token]
                    return
        self._unknown_flag(token, row, column)

    def _unknown_flag(self, token: str, row: int, column: int) -> None:
        codes = [
            code.id
            for id in self._layout.profile.attributes.flags
            if id in self._dsd
            for code in self._dsd[id].allowed_codes
        ]
        self.find(
            "unknown-flag",
            f"{token!r} is no flag; write a code ({' '.join(dict.fromkeys(codes))}), a note of this sheet "
            "as (1), or ATTRIBUTE=code",
            row,
            column,
            self._layout.profile.attributes.flags[0],
            token,
            token.upper() if token.upper() in codes else None,
        )
