"""Write the sources sheet, blank or with what is known of each source."""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from converters import sheet_style as style
from converters.choice_list import ChoiceLists
from converters.conversion import SourceDescription
from converters.field import Field
from converters.profile import SourceColumn
from converters.sheet_pen import SheetPen, lines_of, set_page
from converters.sheet_writer import SheetFrame
from converters.source_sheet import AREA_ROW, CAPTION_ROW, TIP_ROW, TITLE_ROW, SourceSheetLayout

TITLE_HEIGHT = 30
LINE_HEIGHT = 13.5
LEAST_LINES = 3
"""Height of a row, blank or not: codes have long texts."""


def write_sources(
    sheet: Worksheet,
    layout: SourceSheetLayout,
    descriptions: Sequence[SourceDescription],
    lists: ChoiceLists,
    frame: SheetFrame,
) -> None:
    """Write the sources sheet with these rows, and blank ones below."""
    pen = SheetPen(sheet, lists)
    profile, languages = layout.profile, layout.languages
    last = len(layout.columns)
    pen.band(TITLE_ROW, last, profile.text("sources_title", languages), frame.colour, TITLE_HEIGHT)
    pen.link(TIP_ROW, 1, frame.cover, frame.cover)
    tip = profile.text("sources_tip", languages)
    pen.put(TIP_ROW, 2, tip, style.SMALL, alignment=style.LEFT_WRAPPED)
    pen.merge(TIP_ROW, 2, last)
    sheet.row_dimensions[TIP_ROW].height = 2 * LINE_HEIGHT * len(languages)
    if layout.area is not None and layout.area.default is not None:
        pen.put(AREA_ROW, 1, layout.area.caption, style.BOLD, style.GREY, style.BORDER)
        country = layout.area.labels[layout.area.default]
        pen.put(AREA_ROW, 2, country, style.BOLD, style.GREY, style.BORDER)
    count = max(profile.sources.printed_rows, len(descriptions) + 2)
    for number, (column, entry) in enumerate(layout.columns, 1):
        pen.width(number, column.width)
        pen.put(
            CAPTION_ROW,
            number,
            entry.caption,
            style.BOLD,
            style.HEADING,
            style.HEAVY,
            style.CENTRE,
        )
        letter = get_column_letter(number)
        area = f"{letter}{CAPTION_ROW + 1}:{letter}{CAPTION_ROW + count}"
        _offer(pen, layout, column, entry, area)
    sheet.row_dimensions[CAPTION_ROW].height = 2 * LINE_HEIGHT * len(languages)
    for number in range(count):
        described = descriptions[number] if number < len(descriptions) else None
        _row(pen, layout, CAPTION_ROW + 1 + number, described)
    sheet.freeze_panes = f"B{CAPTION_ROW + 1}"
    sheet.sheet_view.showGridLines = False
    sheet.sheet_view.zoomScale = 90
    set_page(sheet, sheet.title)
    sheet.print_title_rows = f"{CAPTION_ROW}:{CAPTION_ROW}"
    sheet.sheet_properties.tabColor = frame.colour
    pen.protect()


def _offer(
    pen: SheetPen, layout: SourceSheetLayout, column: SourceColumn, entry: Field, area: str
) -> None:
    profile, languages = layout.profile, layout.languages
    if entry.codes:
        key = "choose_several" if entry.is_multiple else "choose"
        pen.offer(entry, area, profile.text(key, languages), strict=not entry.is_multiple)
    elif column.is_private:
        pen.say(entry, area, profile.text("private", languages))


def _row(
    pen: SheetPen, layout: SourceSheetLayout, row: int, described: SourceDescription | None
) -> None:
    lines = LEAST_LINES
    for number, (column, entry) in enumerate(layout.columns, 1):
        text = _text(layout, column, entry, described)
        pen.put(
            row,
            number,
            text,
            fill=style.YELLOW if entry.codes else style.WHITE,
            border=style.BORDER,
            alignment=style.TOP_WRAPPED,
            is_open=True,
        )
        lines = max(lines, lines_of(text or "", column.width))
    pen.sheet.row_dimensions[row].height = LINE_HEIGHT * lines


def _text(
    layout: SourceSheetLayout,
    column: SourceColumn,
    entry: Field,
    described: SourceDescription | None,
) -> str | None:
    if described is None or column.is_private:
        return None
    if entry is layout.columns[0][1]:
        return entry.text((described.source,))
    values = described.values.get(column.id)
    return entry.text(values) if values else None
