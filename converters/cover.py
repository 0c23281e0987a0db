"""The first sheet of a questionnaire: whose it is, how to fill it, what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from converters import sheet_style as style
from converters.choice_list import ChoiceLists
from converters.layout import TableLayout
from converters.profile import Profile, in_languages
from converters.sheet_pen import SheetPen, lines_of, set_page

WIDTHS = (22, 90, 24)
LAST_COLUMN = len(WIDTHS)
WRAPPED_LINE = 130
"""Characters that fit beside the first column."""
TITLE_HEIGHT = 34
LINE_HEIGHT = 14


@dataclass(frozen=True)
class Group:
    """The sheets of one module, as the cover lists them."""

    name: str | None
    colour: str
    sheets: tuple[tuple[str, str], ...]
    """Name and title of each."""


def write_cover(
    sheet: Worksheet,
    layouts: Sequence[TableLayout],
    groups: Sequence[Group],
    lists: ChoiceLists,
    profile: Profile,
    languages: tuple[str, ...],
) -> None:
    """Write the cover of a workbook with these tables, its sheets listed by group."""
    _Cover(sheet, lists, profile, languages).write(layouts, groups)


class _Cover:
    def __init__(
        self, sheet: Worksheet, lists: ChoiceLists, profile: Profile, languages: tuple[str, ...]
    ) -> None:
        self._sheet = sheet
        self._pen = SheetPen(sheet, lists)
        self._profile = profile
        self._languages = languages
        self._row = 1

    def write(self, layouts: Sequence[TableLayout], groups: Sequence[Group]) -> None:
        title = self._profile.text("title", self._languages)
        self._pen.band(1, LAST_COLUMN, title, style.ACCENT, TITLE_HEIGHT)
        self._row = 3
        self._country(layouts)
        self._drafts()
        self._instructions()
        self._contents(groups)
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
        self._pen.put(self._row, column, text, font, fill, alignment=alignment)

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

    def _drafts(self) -> None:
        """Say so where no native reader has reviewed the words of a language."""
        drafts = [language for language in self._languages if language in self._profile.drafts]
        for language in drafts:
            self._line(2, self._profile.text("draft", (language,)), style.SMALL)
            self._row += 1
        self._row += bool(drafts)

    def _instructions(self) -> None:
        self._heading("how_to_fill")
        for number, texts in enumerate(self._profile.instructions, 1):
            text = in_languages(texts, self._languages)
            self._line(1, f"{number}.", alignment=Alignment(horizontal="right", vertical="top"))
            self._line(2, text, alignment=Alignment(vertical="top", wrap_text=True))
            self._pen.merge(self._row, 2, LAST_COLUMN)
            self._row_height(text)
            self._row += 1
        self._row += 1

    def _contents(self, groups: Sequence[Group]) -> None:
        self._heading("contents")
        for group in groups:
            if group.name is not None:
                fill = style.solid(group.colour)
                for column in range(1, LAST_COLUMN + 1):
                    self._sheet.cell(self._row, column).fill = fill
                self._line(1, group.name, style.WHITE_BOLD, fill)
                self._row += 1
            for name, title in group.sheets:
                self._pen.link(self._row, 1, name, name)
                self._line(2, title, alignment=style.LEFT_WRAPPED)
                self._pen.merge(self._row, 2, LAST_COLUMN)
                self._row_height(title)
                self._row += 1
        self._row += 1

    def _row_height(self, text: str) -> None:
        lines = lines_of(text, WRAPPED_LINE)
        if lines > 1:
            self._sheet.row_dimensions[self._row].height = LINE_HEIGHT * lines

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
                self._row_height(text)
                self._row += 1
        self._row += 1

    def _finish(self) -> None:
        for column, width in enumerate(WIDTHS, 1):
            self._pen.width(column, width)
        self._sheet.sheet_view.showGridLines = False
        set_page(self._sheet, self._sheet.title)
        self._sheet.page_setup.orientation = "portrait"
        self._sheet.sheet_properties.tabColor = style.INK
        self._pen.protect()
