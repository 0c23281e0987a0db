"""Write styled cells, lines and drop-downs on one sheet."""

from __future__ import annotations

from copy import copy

from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.page import PageMargins
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from converters import sheet_style as style
from converters.choice_list import ChoiceLists, cell_at, put_text
from converters.field import Field

_PROMPT_TITLE = 32
_PROMPT = 255
"""What a spreadsheet program shows of the title and text of a hint."""
_FIRST_WIDE = 0x0E00
"""From Thai on, letters are wider than a digit at the same size."""
_A4 = 9
LEAST_SCALE = 55
"""The smallest scale of a printed page, in percent: a table that is wider takes more pages."""
_PAGE_WIDTH = 140
"""Characters across an A4 page in landscape, within its margins."""


class SheetPen:
    """Writes on one sheet of a workbook."""

    def __init__(self, sheet: Worksheet, lists: ChoiceLists) -> None:
        self.sheet = sheet
        self._lists = lists
        self._styled: dict[tuple[int, int, int, int, bool], Cell] = {}
        """A cell of each look, by the identities of its parts."""
        self._parts: tuple[object, ...] = ()
        """Kept, so that an identity stays theirs."""

    def put(
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
        """Write a cell; `is_open` leaves it for the office to fill."""
        cell = cell_at(self.sheet, row, column)
        if isinstance(value, str):
            put_text(self.sheet, row, column, value)
        else:
            cell.value = value
        # Styling a cell from its parts is what takes the time of a large sheet: once a look.
        look = (id(font), id(fill), id(border), id(alignment), is_open)
        styled = self._styled.get(look)
        if styled is not None:
            cell._style = copy(styled._style)  # type: ignore[attr-defined]
            return cell
        cell.font = font
        cell.alignment = alignment
        cell.protection = style.OPEN if is_open else style.LOCKED
        if fill is not None:
            cell.fill = fill
        if border is not None:
            cell.border = border
        self._styled[look] = cell
        self._parts += (font, fill, border, alignment)
        return cell

    def merge(self, row: int, first: int, last: int) -> None:
        """Merge cells of one row; each keeps its own look, so that a border goes all round."""
        if last > first:
            # Worksheet.merge_cells would derive the borders anew, which takes longer than all the rest.
            self.sheet.merged_cells.add(
                f"{get_column_letter(first)}{row}:{get_column_letter(last)}{row}"
            )

    def band(self, row: int, last_column: int, text: str, colour: str, height: float) -> None:
        """Write a title on a coloured band."""
        for column in range(1, last_column + 1):
            self.put(row, column, None, fill=style.solid(colour))
        self.put(row, 1, text, style.BANNER, style.solid(colour))
        self.sheet.row_dimensions[row].height = height

    def link(self, row: int, column: int, text: str, sheet: str) -> None:
        """Write a link to another sheet."""
        cell = self.put(row, column, text, style.LINK)
        cell.hyperlink = Hyperlink(
            ref=cell.coordinate, location=f"{quote_sheetname(sheet)}!A1", display=text
        )
        cell.font = style.LINK

    def offer(self, entry: Field, area: str, prompt: str, *, strict: bool) -> None:
        """Put the list of a field on cells."""
        labels = tuple(entry.labels[code.id] for code in entry.codes)
        validation = self._lists.validation(labels, strict=strict)
        self.hint(validation, entry.caption, prompt)
        validation.add(area)
        self.sheet.add_data_validation(validation)

    def say(self, entry: Field, area: str, prompt: str) -> None:
        """Put a hint on cells that take any text."""
        validation = DataValidation(allow_blank=True)
        self.hint(validation, entry.caption, prompt)
        validation.add(area)
        self.sheet.add_data_validation(validation)

    @staticmethod
    def hint(validation: DataValidation, title: str, text: str) -> None:
        """Show a hint when a cell is chosen."""
        validation.promptTitle = title[:_PROMPT_TITLE]
        validation.prompt = text[:_PROMPT]
        validation.showInputMessage = True

    def width(self, column: int, width: float) -> None:
        """Set the width of a column, in characters."""
        self.sheet.column_dimensions[get_column_letter(column)].width = width

    def protect(self) -> None:
        """Protect the sheet against slips: without a password, not against the office that fills it."""
        protection = self.sheet.protection
        protection.sheet = True
        protection.formatColumns = False
        protection.formatRows = False


def set_page(sheet: Worksheet, name: str) -> None:
    """Set a sheet up for landscape pages as wide as it is, its name and the page number at their foot."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = _A4
    sheet.page_setup.fitToHeight = 0
    sheet.page_setup.fitToWidth = 1
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_margins = PageMargins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.print_options.horizontalCentered = True
    footer = sheet.HeaderFooter.oddFooter
    if footer is not None:
        footer.left.text = name
        footer.right.text = "&P / &N"


def blocks_on_a_page(labels: float, block: float) -> int:
    """Return how many blocks of columns stand beside their labels on a landscape page, at the least scale.

    Args:
        labels: the width of the row headings, in characters.
        block: that of a block.
    """
    return max(1, int((_PAGE_WIDTH * 100 / LEAST_SCALE - labels) // block))


def lines_of(text: str, width: float) -> int:
    """Return how many lines a text takes in a column of a width; wide letters of some scripts count double."""
    length = sum(1 if ord(character) < _FIRST_WIDE else 1.25 for character in text)
    return max(1, -(-int(length) // max(int(width), 1)))
