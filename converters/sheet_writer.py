"""Write the sheet of one table from its layout, blank or with figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.worksheet import Worksheet

from converters import sheet_style as style
from converters.choice_list import ChoiceLists
from converters.field import Field, FieldKind
from converters.layout import (
    FIRST_FIELD_ROW,
    TIP_ROW,
    TITLE_ROW,
    VERSION_KEY,
    Axis,
    TableLayout,
)
from converters.number import decimals_of, lexical_number
from converters.sheet_pen import LEAST_SCALE, SheetPen, blocks_on_a_page, lines_of, set_page

LINES_ON_A_PAGE = 50
CAPTION_WIDTH = 44
"""Of a line of the header block, at most; a longer caption is printed smaller."""
LABEL_WIDTHS = range(24, 56)
"""Of a row heading, in characters: as wide as its texts, within bounds; longer ones wrap."""
VALUE_WIDTH = 11
FLAG_WIDTH = 5
PAIR_WIDTH = VALUE_WIDTH + FLAG_WIDTH
FIELD_SPAN = 8
"""Sheet columns that the value of a header line takes: figures' columns are too narrow for it."""
NOTE_HEIGHT = 45
TITLE_HEIGHT = 26
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


@dataclass(frozen=True)
class SheetFrame:
    """What the workbook gives each of its sheets."""

    cover: str
    """The name of the cover, to link back to."""
    colour: str
    """Of its module."""


class SheetWriter:
    """Writes one sheet; lives for one call of `write`."""

    def __init__(
        self,
        sheet: Worksheet,
        layout: TableLayout,
        content: SheetContent,
        lists: ChoiceLists,
        frame: SheetFrame,
    ) -> None:
        self._pen = SheetPen(sheet, lists)
        self._sheet = sheet
        self._layout = layout
        self._content = content
        self._lists = lists
        self._frame = frame
        self._columns = layout.column_headings()
        self._label_widths = _label_widths(layout)
        self._row_lists: dict[str, DataValidation] = {}
        self._field_columns = range(layout.label_columns + 1, layout.label_columns + 1 + FIELD_SPAN)
        self._last_column = max(
            layout.value_column(len(self._columns)) - 1, self._field_columns.stop - 1
        )

    def write(self) -> None:
        """Write title, header block, headings and figures, and protect what is not to be changed."""
        self._title()
        for number, entry in enumerate(self._layout.head):
            self._field(FIRST_FIELD_ROW + number, entry)
        self._column_headings()
        self._row_headings()
        self._figures()
        self._foot()
        self._sizes()
        self._page()

    def _title(self) -> None:
        self._pen.band(
            TITLE_ROW, self._last_column, self._layout.title, self._frame.colour, TITLE_HEIGHT
        )
        self._pen.link(TIP_ROW, 1, self._frame.cover, self._frame.cover)
        first = self._field_columns.start
        last = min(self._last_column, first + 2 * FIELD_SPAN - 1)
        tip = " ".join(self._tips())
        self._pen.put(TIP_ROW, first, tip or None, style.SMALL, alignment=style.LEFT_WRAPPED)
        self._pen.merge(TIP_ROW, first, last)
        width = (VALUE_WIDTH + FLAG_WIDTH) / 2 * (last - first + 1)
        self._sheet.row_dimensions[TIP_ROW].height = LINE_HEIGHT * lines_of(tip, width) + 2

    def _tips(self) -> Iterator[str]:
        """Yield what the shape of the table asks of a person."""
        layout = self._layout
        conditions = {
            "tip_choose": any(axis.is_selectable for axis in layout.rows),
            "tip_version": any(axis.versions for axis in layout.rows),
            "tip_blocks": sum(not axis.is_time for axis in layout.columns) > 1,
        }
        for key, holds in conditions.items():
            if holds:
                yield layout.profile.text(key, layout.languages)

    def _foot(self) -> None:
        """Write the lines under the figures."""
        row = self._layout.foot_row
        if not self._layout.foot:
            return
        text = self._layout.profile.text("coverage_and_notes", self._layout.languages)
        for column in range(1, self._field_columns.stop):
            self._pen.put(row, column, None, fill=style.HEADING, border=style.HEAVY)
        self._pen.put(row, 1, text, style.BOLD, style.HEADING, style.HEAVY)
        self._pen.merge(row, 1, self._field_columns.stop - 1)
        for number, entry in enumerate(self._layout.foot, 1):
            self._field(row + number, entry)

    # -- header block --------------------------------------------------------------------------------

    def _field(self, row: int, entry: Field) -> None:
        pen, first = self._pen, self._field_columns.start
        pen.put(row, 1, entry.caption, style.BOLD, style.GREY, style.BORDER, style.FITTED)
        for column in range(2, first):
            pen.put(row, column, None, fill=style.GREY, border=style.BORDER)
        pen.merge(row, 1, first - 1)
        locked = entry.default is not None
        fill = style.GREY if locked else style.YELLOW if entry.codes else style.WHITE
        is_note = entry.kind is FieldKind.NOTES
        text = self._field_text(entry)
        for column in self._field_columns:
            pen.put(
                row,
                column,
                text if column == first else None,
                fill=fill,
                border=style.BORDER,
                alignment=style.LEFT_WRAPPED if is_note else style.FITTED,
                is_open=not locked,
            )
        pen.merge(row, first, self._field_columns.stop - 1)
        if is_note:
            self._sheet.row_dimensions[row].height = NOTE_HEIGHT
        if entry.codes and not locked:
            self._offer(entry, row, first)

    def _field_text(self, entry: Field) -> str | None:
        given = self._content.fields.get(entry.key)
        if given is not None:
            return entry.text(given)
        if entry.default is not None:
            return entry.labels.get(entry.default, entry.default)
        if entry.kind is FieldKind.VERSION:
            axis = next(axis for axis in self._layout.rows if entry.key.endswith(f":{axis.id}"))
            return entry.labels[axis.version or ""]
        return None

    def _offer(self, entry: Field, row: int, column: int) -> None:
        profile, languages = self._layout.profile, self._layout.languages
        prompts = [profile.text("choose_several" if entry.is_multiple else "choose", languages)]
        if any(entry.key == asked.id for asked in profile.sources.columns[1:]):
            prompts.append(profile.text("settled", languages))
        strict = not entry.is_multiple and entry.component is not None
        area = f"{get_column_letter(column)}{row}"
        self._pen.offer(entry, area, "; ".join(prompts), strict=strict)

    # -- headings ------------------------------------------------------------------------------------

    def _column_headings(self) -> None:
        layout = self._layout
        for level, axis in enumerate(layout.columns):
            row = layout.first_header_row + level
            for column in range(1, layout.label_columns + 1):
                last = column == layout.label_columns
                self._pen.put(
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
            self._pen.put(row, number + 1, axis.caption, style.BOLD, style.HEADING, style.HEAVY)
        for number in range(len(self._columns)):
            for offset, key in enumerate(("value", "flag")):
                self._pen.put(
                    row,
                    layout.value_column(number) + offset,
                    # Two languages would not fit over a narrow column.
                    layout.profile.text(key, layout.languages[:1]),
                    style.SMALL,
                    style.HEADING,
                    style.HEAVY,
                    style.FITTED_CENTRE,
                )

    def _column_level(self, row: int, level: int, axis: Axis) -> None:
        """Write one level of column headings; those of one block share a merged cell.

        An outer heading is repeated above each block: over all of them it would be out of sight.
        """
        position = 0
        inner = level == len(self._layout.columns) - 1
        for heading, group in groupby(self._columns, key=lambda c: c if inner else c[:-1]):
            span = 2 * len(list(group))
            first = self._layout.label_columns + 1 + position
            code = heading[level]
            # A year is a number to a person's eye and to every other program.
            text = int(code) if axis.is_time and code.isdecimal() else axis.label(code)
            for column in range(first, first + span):
                self._pen.put(
                    row,
                    column,
                    text if column == first else None,
                    style.BOLD,
                    style.HEADING,
                    style.BORDER,
                    style.CENTRE,
                )
            self._pen.merge(row, first, first + span - 1)
            position += span

    def _row_headings(self) -> None:
        layout = self._layout
        for number, heading in enumerate(layout.row_headings()):
            row = layout.first_data_row + number
            lines = 1
            for column, (axis, code) in enumerate(zip(layout.rows, heading, strict=True), 1):
                self._row_heading(row, column, axis, code)
                text = "" if code is None else axis.label(code)
                lines = max(lines, lines_of(f"{text}  ", self._label_widths[column - 1]))
            if lines > 1:
                self._sheet.row_dimensions[row].height = LINE_HEIGHT * lines
        for column, axis in enumerate(layout.rows, 1):
            if axis.versions:
                self._mark_other_versions(column, axis)

    def _row_heading(self, row: int, column: int, axis: Axis, code: str | None) -> None:
        chosen = axis.is_selectable and code not in axis.pinned
        is_open = chosen or bool(axis.versions)
        text = self._layout.profile.unselected.text if code is None else axis.label(code)
        depth = axis.depth(code) if code is not None else 0
        self._pen.put(
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
        blank = (self._layout.profile.unselected.text,)
        if axis.is_selectable:
            return self._lists.validation(
                (*blank, *(axis.label(code) for code in axis.choices())), strict=True
            )
        labels = dict.fromkeys(axis.label(code.id) for code in axis.codes)
        validation = self._lists.validation((*blank, *labels), strict=True)
        formula = self._labels_of_version(axis, blank)
        if formula is not None:
            validation.formula1 = formula
        return validation

    def _labels_of_version(self, axis: Axis, blank: tuple[str, ...] = ()) -> str | None:
        """Return the formula of the labels that belong to the version chosen in the header block."""
        key = f"{VERSION_KEY}{axis.id}"
        number = next((n for n, entry in enumerate(self._layout.head) if entry.key == key), None)
        if number is None:
            return None
        entry = self._layout.head[number]
        chooser = f"${get_column_letter(self._field_columns.start)}${FIRST_FIELD_ROW + number}"
        options = [
            (
                entry.labels[version.id],
                (*blank, *(axis.label(code) for code in axis.of_version[version.id])),
            )
            for version in axis.versions
        ]
        return self._lists.dependent(chooser, options)

    def _mark_other_versions(self, column: int, axis: Axis) -> None:
        """Let labels that belong to another version than the chosen one turn red."""
        formula = self._labels_of_version(axis, (self._layout.profile.unselected.text,))
        rows = len(self._layout.row_headings())
        if formula is None or not rows:
            return
        letter, first = get_column_letter(column), self._layout.first_data_row
        rule = FormulaRule(  # type: ignore[no-untyped-call]
            formula=[f'AND(${letter}{first}<>"",ISNA(MATCH(${letter}{first},{formula},0)))'],
            font=Font(color=style.WRONG, bold=True),
        )
        area = f"{letter}{first}:{letter}{first + rows - 1}"
        self._sheet.conditional_formatting.add(area, rule)

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
                self._pen.put(
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
        cell = self._pen.put(
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
        for number, width in enumerate(self._label_widths, 1):
            self._pen.width(number, width)
        for number in range(max(len(self._columns), FIELD_SPAN // 2)):
            self._pen.width(layout.value_column(number), VALUE_WIDTH)
            self._pen.width(layout.value_column(number) + 1, FLAG_WIDTH)
        corner = f"{get_column_letter(layout.label_columns + 1)}{layout.first_data_row}"
        self._sheet.freeze_panes = corner
        self._sheet.sheet_view.showGridLines = False
        self._sheet.sheet_view.zoomScale = 90

    def _page(self) -> None:
        layout = self._layout
        blocks = self._blocks()
        set_page(self._sheet, layout.sheet)
        # Whole blocks (a year each) on a page, at a size that can still be read.
        labels = sum(self._label_widths)
        fitting = blocks_on_a_page(labels, len(blocks[0]) * PAIR_WIDTH) if blocks else 1
        if len(blocks) <= fitting:
            # A few lines more than a page make the page a little smaller, not a second one.
            last_row = layout.foot_row + len(layout.foot)
            self._sheet.page_setup.fitToHeight = 1 if last_row <= LINES_ON_A_PAGE else 0
        else:
            self._sheet.sheet_properties.pageSetUpPr = None
            self._sheet.page_setup.scale = LEAST_SCALE
            for block in blocks[fitting::fitting]:
                self._sheet.col_breaks.append(Break(layout.value_column(block[0]) - 1))
        self._sheet.print_title_cols = f"A:{get_column_letter(layout.label_columns)}"
        self._sheet.print_title_rows = f"{layout.first_header_row}:{layout.caption_row}"
        self._sheet.sheet_properties.tabColor = self._frame.colour
        self._pen.protect()

    def _blocks(self) -> list[list[int]]:
        """Return the numbers of the columns of figures that stand under one heading, all but the last level."""
        numbered = enumerate(self._columns)
        return [
            [number for number, _ in group]
            for _, group in groupby(numbered, key=lambda column: column[1][:-1])
        ]


def _label_widths(layout: TableLayout) -> list[float]:
    """Return the widths of the row headings: as wide as their texts, and together as the captions of the lines."""
    widths = [_label_width(axis) for axis in layout.rows]
    longest = max((len(entry.caption) for entry in layout.fields), default=0) + 2
    missing = min(longest, CAPTION_WIDTH) - sum(widths)
    if missing > 0:
        widths[-1] += missing
    return widths


def _label_width(axis: Axis) -> float:
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
