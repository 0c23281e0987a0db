"""The hidden sheet that the drop-downs of a questionnaire point to."""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl.cell.cell import Cell
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet


def put_text(sheet: Worksheet, row: int, column: int, text: str) -> Cell:
    """Write a text as a text, also where it begins with an equals sign; returns its cell."""
    cell = cell_at(sheet, row, column)
    cell.value = text
    cell.data_type = "s"
    return cell


def cell_at(sheet: Worksheet, row: int, column: int) -> Cell:
    """Return the cell at a position.

    Raises:
        ValueError: it is covered by a merged area.
    """
    cell = sheet.cell(row, column)
    if not isinstance(cell, Cell):
        raise ValueError(f"{cell.coordinate} is covered by a merged area")
    return cell


_LONGEST = 255


class ChoiceLists:
    """Columns of choices; equal lists share a column."""

    def __init__(self, sheet: Worksheet) -> None:
        self._sheet = sheet
        self._columns: dict[tuple[str, ...], str] = {}

    def validation(self, choices: tuple[str, ...], *, strict: bool) -> DataValidation:
        """Return a drop-down of these texts; without `strict` other texts may be typed too."""
        validation = DataValidation(
            type="list",
            formula1=self._reference(choices),
            allow_blank=True,
            showErrorMessage=strict,
        )
        # openpyxl writes the flag as the standard names it: true hides the arrow.
        validation.showDropDown = False
        return validation

    def dependent(
        self, chooser: str, options: Sequence[tuple[str, tuple[str, ...]]], longest: int = _LONGEST
    ) -> str | None:
        """Return the formula of the list that the text of another cell chooses.

        Args:
            chooser: the other cell, absolute: `$B$7`.
            options: each text of that cell with the list that goes with it.
            longest: what a program takes as the formula of a drop-down, in characters.

        Returns:
            None where the formula would be longer.
        """
        keys = self._reference(tuple(key for key, _ in options))
        lists = ",".join(self._reference(choices) for _, choices in options)
        formula = f"CHOOSE(MATCH({chooser},{keys},0),{lists})"
        return formula if len(formula) <= longest else None

    def _reference(self, choices: tuple[str, ...]) -> str:
        if choices not in self._columns:
            column = len(self._columns) + 1
            for row, text in enumerate(choices, 1):
                put_text(self._sheet, row, column, text)
            letter = get_column_letter(column)
            self._columns[choices] = (
                f"{quote_sheetname(self._sheet.title)}!${letter}$1:${letter}${max(len(choices), 1)}"
            )
        return self._columns[choices]
