"""The first sheet of a questionnaire: whose it is, how to fill it, what is in it."""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import quote_sheetname
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from converters import sheet_style as style
from converters.choice_list import put_text
from converters.layout import TableLayout
from converters.profile import Profile, in_languages

LAST_COLUMN = 3
WRAPPED_LINE = 105
"""Characters that fit the width of the cover."""


def write_cover(
    sheet: Worksheet,
    layouts: Sequence[TableLayout],
    names: Sequence[str],
    profile: Profile,
    languages: tuple[str, ...],
) -> None:
    """Write the cover of a workbook with these tables on sheets of these names."""
    _Cover(sheet, profile, languages).write(layouts, names)


class _Cover:
    def __init__(self, sheet: Worksheet, profile: Profile, languages: tuple[str, ...]) -> None:
        self._sheet = sheet
        self._profile = profile
        self._languages = languages
        self._row = 1

    def write(self, layouts: Sequence[TableLayout], names: Sequence[str]) -> None:
        for column in range(1, LAST_COLUMN + 1):
            self._sheet.cell(1, column).fill = style.BAND
        self._line(1, self._profile.text("title", self._languages), style.BANNER, style.BAND)
        self._sheet.row_dimensions[1].height = 34
        self._row = 3
        self._country(layouts)
        self._instructions()
        self._contents(layouts, names)
        self._flags(layouts)
        self._line(1, self._profile.text("attribution", self._languages), style.SMALL)
        self._finish()

    def _line(
        self,
        column: int,
        text: str,
        font: Font = style.NORMAL,
        fill: PatternFill | None = None,
        alignment: Alignment = style.LEFT,
    ) -> None:
        cell = put_text(self._sheet, self._row, column, text)
        cell.font = font
        cell.alignment = alignment
        if fill is not None:
            cell.fill = fill

    def _heading(self, key: str) -> None:
        for column in range(1, LAST_COLUMN + 1):
            self._sheet.cell(self._row, column).fill = style.HEADING
        self._line(1, self._profile.text(key, self._languages), style.BOLD, style.HEADING)
        self._row += 1

    def _country(self, layouts: Sequence[TableLayout]) -> None:
        area = self._profile.placement.area
        entry = next((found for layout in layouts if (found := layout.field(area))), None)
        if entry is not None and entry.default is not None:
            self._line(1, entry.caption, style.BOLD)
            self._line(2, entry.labels[entry.default], style.TITLE)
            self._row += 1
        periods = [
            period
            for layout in layouts
            for axis in layout.columns
            if axis.is_time
            for period in axis.printed
        ]
        if periods:
            first, last = min(filter(None, periods)), max(filter(None, periods))
            self._line(1, self._profile.text("years", self._languages), style.BOLD)
            self._line(2, first if first == last else f"{first} – {last}")  # noqa: RUF001
            self._row += 1
        self._row += 1

    def _instructions(self) -> None:
        self._heading("how_to_fill")
        for number, texts in enumerate(self._profile.instructions, 1):
            text = in_languages(texts, self._languages)
            self._line(1, f"{number}.", alignment=Alignment(horizontal="right", vertical="top"))
            self._line(2, text, alignment=Alignment(vertical="top", wrap_text=True))
            self._sheet.merge_cells(
                start_row=self._row, end_row=self._row, start_column=2, end_column=LAST_COLUMN
            )
            self._sheet.row_dimensions[self._row].height = 14 * (1 + len(text) // WRAPPED_LINE)
            self._row += 1
        self._row += 1

    def _contents(self, layouts: Sequence[TableLayout], names: Sequence[str]) -> None:
        self._heading("contents")
        for layout, name in zip(layouts, names, strict=True):
            self._line(1, name, style.LINK)
            cell = self._sheet.cell(self._row, 1)
            cell.hyperlink = Hyperlink(
                ref=cell.coordinate, location=f"{quote_sheetname(name)}!A1", display=name
            )
            cell.font = style.LINK
            self._line(2, layout.title)
            self._row += 1
        self._row += 1

    def _flags(self, layouts: Sequence[TableLayout]) -> None:
        self._heading("signs")
        for id in self._profile.attributes.flags:
            component = next((layout.dsd[id] for layout in layouts if id in layout.dsd), None)
            if component is None:
                continue
            self._line(
                2,
                in_languages(component.concept.names, self._languages, component.name),
                style.BOLD,
            )
            self._row += 1
            first = id == self._profile.attributes.flags[0]
            for code in component.allowed_codes:
                self._line(1, code.id if first else f"{id}={code.id}")
                text = in_languages(code.names, self._languages, code.label())
                self._line(2, text, alignment=style.LEFT_WRAPPED)
                if len(text) > WRAPPED_LINE:
                    self._sheet.row_dimensions[self._row].height = 28
                self._row += 1
        self._row += 1

    def _finish(self) -> None:
        sheet = self._sheet
        sheet.column_dimensions["A"].width = 22
        sheet.column_dimensions["B"].width = 90
        sheet.column_dimensions["C"].width = 24
        sheet.sheet_view.showGridLines = False
        sheet.page_setup.orientation = "portrait"
        sheet.page_setup.paperSize = 9
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        sheet.protection.sheet = True
