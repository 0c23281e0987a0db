"""Write the sheet of one table from its layout, blank or with figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby

from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from converters import sheet_style as style
from converters.choice_list import ChoiceLists, cell_at, put_text
from converters.layout import (
    FIRST_FIELD_ROW,
    TITLE_ROW,
    Axis,
    Field,
    FieldKind,
    TableLayout,
)
from converters.number import decimals_of, lexical_number

GENERAL = "General"
LABEL_WIDTHS = range(24, 56)
"""Of a row heading, in characters: as wide as its texts, within bounds; longer ones wrap."""
VALUE_WIDTH = 11
FLAG_WIDTH = 5
FIELD_SPAN = 8
"""Sheet columns that the value of a header line takes: figures' columns are too narrow for it."""
NOTE_HEIGHT = 45
LINE_HEIGHT = 13.5

Heading = tuple[str | None, ...]


class UnwritableValueError(ValueError):
    """A value that a workbook cell cannot hold without loss."""


@dataclass(frozen=True)
class CellContent:
    """What stands in a cell of figures and in the flag beside it."""

    value: str | None = None
    """A decimal text; None leaves the cell blank."""
    flag: str | None = None


@dataclass(frozen=True)
class SheetContent:
    """What is filled into a sheet. Nothing makes a blank template."""

    name: str | None = None
    """The name of the sheet; that of the layout where None."""
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Codes, or one text, by key of the header line."""
    cells: Mapping[tuple[Heading, Heading], CellContent] = field(default_factory=dict)
    """By row heading and column heading."""


class SheetWriter:
    """Writes one sheet; lives for one call of `write_sheet`."""

    def __init__(
        self, sheet: Worksheet, layout: TableLayout, content: SheetContent, lists: ChoiceLists
    ) -> None:
        self._sheet = sheet
        self._layout = layout
        self._content = content
        self._lists = lists
        self._columns = layout.column_headings()
        self._row_lists: dict[str, DataValidation] = {}
        self._last_column = layout.value_column(max(len(self._columns), 1)) - 1

    def write(self) -> None:
        """Write title, header block, headings and figures, and protect what is not to be changed."""
        self._put(TITLE_ROW, 1, self._layout.title, style.TITLE)
        self._sheet.row_dimensions[TITLE_ROW].height = 24
        for number, entry in enumerate(self._layout.fields):
            self._field(FIRST_FIELD_ROW + number, entry)
        self._column_headings()
        self._row_headings()
        self._figures()
        self._sizes()
        self._page()

    def _put(
        self,
        row: int,
        column: int,
        value: str | int | float | None,
        font: Font = style.NORMAL,
        fill: PatternFill | None = None,
        border: Border | None = None,
        alignment: Alignment = style.LEFT,
        *,
        is_open: bool = False,
    ) -> Cell:
        cell = cell_at(self._sheet, row, column)
        if isinstance(value, str):
            put_text(self._sheet, row, column, value)
        else:
            cell.value = value
        cell.font = font
        cell.alignment = alignment
        cell.protection = style.OPEN if is_open else style.LOCKED
        if fill is not None:
            cell.fill = fill
        if border is not None:
            cell.border = border
        return cell

    # -- header block --------------------------------------------------------------------------------

    def _field(self, row: int, entry: Field) -> None:
        layout = self._layout
        self._put(row, 1, entry.caption, style.BOLD, style.GREY, style.BORDER)
        first = layout.label_columns + 1
        for column in range(2, first):
            self._put(row, column, None, fill=style.GREY, border=style.BORDER)
        if first > 2:
            self._sheet.merge_cells(
                start_row=row, end_row=row, start_column=1, end_column=first - 1
            )
        locked = entry.default is not None
        fill = style.GREY if locked else style.YELLOW if entry.codes else style.WHITE
        for column in range(first, first + FIELD_SPAN):
            self._put(row, column, None, fill=fill, border=style.BORDER, is_open=not locked)
        self._sheet.merge_cells(
            start_row=row, end_row=row, start_column=first, end_column=first + FIELD_SPAN - 1
        )
        is_note = entry.kind is FieldKind.NOTES
        self._put(
            row,
            first,
            self._field_text(entry),
            fill=fill,
            border=style.BORDER,
            alignment=style.LEFT_WRAPPED if is_note else style.FITTED,
            is_open=not locked,
        )
        if is_note:
            self._sheet.row_dimensions[row].height = NOTE_HEIGHT
        if entry.codes and not locked:
            self._offer(entry, row, first)

    def _field_text(self, entry: Field) -> str | None:
        given = self._content.fields.get(entry.key)
        if given is not None:
            labels = [entry.labels.get(code, code) for code in given]
            if entry.is_multiple:
                # A label that holds a semicolon could not be told from two.
                labels = [
                    code if ";" in text else text for code, text in zip(given, labels, strict=True)
                ]
            return "; ".join(labels)
        if entry.default is not None:
            return entry.labels.get(entry.default, entry.default)
        if entry.kind is FieldKind.VERSION:
            axis = next(axis for axis in self._layout.rows if entry.key.endswith(f":{axis.id}"))
            return entry.labels[axis.version or ""]
        return None

    def _offer(self, entry: Field, row: int, column: int) -> None:
        labels = tuple(entry.labels[code.id] for code in entry.codes)
        key = "choose_several" if entry.is_multiple else "choose"
        validation = self._lists.validation(
            labels, strict=not entry.is_multiple and entry.component is not None
        )
        validation.promptTitle = entry.caption[:32]
        validation.prompt = self._layout.profile.text(key, self._layout.languages)
        validation.showInputMessage = True
        self._validate(validation, row, column)

    def _validate(self, validation: DataValidation, row: int, column: int) -> None:
        validation.add(f"{get_column_letter(column)}{row}")
        self._sheet.add_data_validation(validation)

    # -- headings ------------------------------------------------------------------------------------

    def _column_headings(self) -> None:
        layout = self._layout
        for level, axis in enumerate(layout.columns):
            row = layout.first_header_row + level
            for column in range(1, layout.label_columns + 1):
                last = column == layout.label_columns
                self._put(
                    row,
                    column,
                    axis.caption if last else None,
                    style.BOLD,
                    style.HEADING,
                    style.BORDER,
                    style.RIGHT,
                )
            self._column_level(row, level, axis)
        row = layout.caption_row
        for number, axis in enumerate(layout.rows):
            self._put(row, number + 1, axis.caption, style.BOLD, style.HEADING, style.HEAVY)
        for number in range(len(self._columns)):
            for offset, key in enumerate(("value", "flag")):
                self._put(
                    row,
                    layout.value_column(number) + offset,
                    layout.profile.text(key, layout.languages),
                    style.SMALL,
                    style.HEADING,
                    style.HEAVY,
                    style.CENTRE,
                )

    def _column_level(self, row: int, level: int, axis: Axis) -> None:
        """Write one level of column headings; equal neighbours share a merged cell."""
        position = 0
        for heading, group in groupby(self._columns, key=lambda column: column[: level + 1]):
            span = 2 * len(list(group))
            first = self._layout.label_columns + 1 + position
            code = heading[level]
            # A year is a number to a person's eye and to every other program.
            text = int(code) if axis.is_time and code.isdecimal() else axis.label(code)
            for column in range(first, first + span):
                self._put(row, column, None, fill=style.HEADING, border=style.BORDER)
            self._put(row, first, text, style.BOLD, style.HEADING, style.BORDER, style.CENTRE)
            self._sheet.merge_cells(
                start_row=row, end_row=row, start_column=first, end_column=first + span - 1
            )
            position += span

    def _row_headings(self) -> None:
        layout = self._layout
        for number, heading in enumerate(layout.row_headings()):
            row = layout.first_data_row + number
            lines = 1
            for column, (axis, code) in enumerate(zip(layout.rows, heading, strict=True), 1):
                self._row_heading(row, column, axis, code)
                text = "" if code is None else axis.label(code)
                lines = max(lines, -(-(len(text) + 2) // _label_width(axis)))
            if lines > 1:
                self._sheet.row_dimensions[row].height = LINE_HEIGHT * lines

    def _row_heading(self, row: int, column: int, axis: Axis, code: str | None) -> None:
        chosen = axis.is_selectable and code not in axis.pinned
        is_open = chosen or bool(axis.versions)
        text = self._layout.profile.unselected.text if code is None else axis.label(code)
        depth = axis.depth(code) if code is not None else 0
        self._put(
            row,
            column,
            text,
            style.NORMAL if depth or is_open else style.BOLD,
            style.YELLOW if is_open else style.GREY,
            style.BORDER,
            Alignment(horizontal="left", vertical="center", indent=depth, wrap_text=True),
            is_open=is_open,
        )
        if is_open:
            if axis.id not in self._row_lists:
                self._row_lists[axis.id] = self._row_choices(axis)
                self._sheet.add_data_validation(self._row_lists[axis.id])
            self._row_lists[axis.id].add(f"{get_column_letter(column)}{row}")

    def _row_choices(self, axis: Axis) -> DataValidation:
        if axis.is_selectable:
            blank = (self._layout.profile.unselected.text,)
            return self._lists.validation(
                (*blank, *(axis.label(code) for code in axis.choices())), strict=True
            )
        labels = dict.fromkeys(axis.label(code.id) for code in axis.codes)
        return self._lists.validation(tuple(labels), strict=True)

    # -- figures -------------------------------------------------------------------------------------

    def _figures(self) -> None:
        layout = self._layout
        flags = self._flag_choices()
        rows = layout.row_headings()
        for row_number, row_heading in enumerate(rows):
            row = layout.first_data_row + row_number
            for number, column_heading in enumerate(self._columns):
                content = self._content.cells.get((row_heading, column_heading), CellContent())
                column = layout.value_column(number)
                self._figure(row, column, content.value)
                self._put(
                    row,
                    column + 1,
                    content.flag,
                    style.SMALL,
                    style.WHITE,
                    style.BORDER,
                    style.CENTRE,
                    is_open=True,
                )
        if flags is not None and rows:
            last = layout.first_data_row + len(rows) - 1
            for number in range(len(self._columns)):
                letter = get_column_letter(layout.value_column(number) + 1)
                flags.add(f"{letter}{layout.first_data_row}:{letter}{last}")
            if self._columns:
                self._sheet.add_data_validation(flags)

    def _flag_choices(self) -> DataValidation | None:
        for id in self._layout.profile.attributes.flags:
            if id in self._layout.dsd:
                codes = tuple(code.id for code in self._layout.dsd[id].allowed_codes)
                return self._lists.validation(codes, strict=False)
        return None

    def _figure(self, row: int, column: int, value: str | None) -> None:
        cell = self._put(
            row,
            column,
            None if value is None else stored_number(value),
            style.NORMAL,
            style.WHITE,
            style.BORDER,
            style.RIGHT,
            is_open=True,
        )
        if value is not None:
            decimals = decimals_of(value)
            cell.number_format = "#,##0." + "0" * decimals if decimals else "#,##0"

    # -- sheet ---------------------------------------------------------------------------------------

    def _sizes(self) -> None:
        layout = self._layout
        for number, axis in enumerate(layout.rows, 1):
            self._width(number, _label_width(axis))
        for number in range(len(self._columns)):
            self._width(layout.value_column(number), VALUE_WIDTH)
            self._width(layout.value_column(number) + 1, FLAG_WIDTH)
        corner = f"{get_column_letter(layout.label_columns + 1)}{layout.first_data_row}"
        self._sheet.freeze_panes = corner
        self._sheet.sheet_view.showGridLines = False
        self._sheet.sheet_view.zoomScale = 90

    def _width(self, column: int, width: float) -> None:
        self._sheet.column_dimensions[get_column_letter(column)].width = width

    def _page(self) -> None:
        layout = self._layout
        sheet = self._sheet
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.paperSize = 9
        sheet.page_setup.fitToHeight = 0
        sheet.page_setup.fitToWidth = 1 + (self._last_column - 1) // 24
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        sheet.print_title_cols = f"A:{get_column_letter(layout.label_columns)}"
        sheet.print_title_rows = f"{layout.first_header_row}:{layout.caption_row}"
        footer = sheet.HeaderFooter.oddFooter
        if footer is not None:
            footer.left.text = layout.sheet
            footer.right.text = "&P / &N"
        # No password: the protection guards against slips, not against the office that fills it.
        sheet.protection.sheet = True
        sheet.protection.formatColumns = False
        sheet.protection.formatRows = False


def _label_width(axis: Axis) -> int:
    texts = [axis.caption, *(axis.label(code) for code in axis.printed if code is not None)]
    if axis.is_selectable:
        texts += [axis.label(code) for code in axis.choices()]
    longest = max(len(text) for text in texts) + 2
    return min(max(longest, LABEL_WIDTHS.start), LABEL_WIDTHS.stop)


def stored_number(value: str) -> int | float:
    """Return the number that a cell stores for a decimal text.

    Raises:
        UnwritableValueError: no cell holds this number digit for digit.
    """
    try:
        lexical = lexical_number(value)
    except ValueError as error:
        raise UnwritableValueError(str(error)) from error
    number = int(lexical) if "." not in lexical else float(lexical)
    shown = value.strip().removeprefix("+")
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    if shown != lexical:
        raise UnwritableValueError(f"{value!r} would be stored as {lexical}")
    return number
