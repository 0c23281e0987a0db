"""Cells of a workbook with the values as they are stored: what every reader of sheets works with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from dsd.finding import cell_locator

LISTED_AREA = 10_000
"""Merged areas up to this many cells are looked up by position, larger ones searched."""


class CellKind(StrEnum):
    """What a cell holds."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    ERROR = "error"
    """An error of the spreadsheet (`#DIV/0!`)."""
    DATE = "date"
    """A date in ISO 8601, as some programs store it."""
    UNCOMPUTED = "uncomputed"
    """A formula whose value was never stored."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell that is not blank. Rows and columns count from 1, as people do."""

    row: int
    column: int
    kind: CellKind
    text: str
    """The value as stored; for a number its decimal text by 15 significant digits where it has one."""
    number_format: str = "General"
    is_formula: bool = False

    @property
    def reference(self) -> str:
        """A1 notation."""
        return cell_reference(self.row, self.column)


def column_letters(column: int) -> str:
    """Return the letters of a column.

    >>> column_letters(1), column_letters(27), column_letters(703)
    ('A', 'AA', 'AAA')
    """
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell_reference(row: int, column: int) -> str:
    """Return the A1 notation of a cell."""
    return f"{column_letters(column)}{row}"


def parse_reference(reference: str) -> tuple[int, int]:
    """Return (row, column) of an A1 notation.

    >>> parse_reference("F17")
    (17, 6)

    Raises:
        ValueError: `reference` is no cell.
    """
    letters = reference.rstrip("0123456789")
    digits = reference[len(letters) :]
    if not (letters.isascii() and letters.isalpha() and letters.isupper() and digits):
        raise ValueError(f"{reference!r} is no cell in A1 notation")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(digits), column


@dataclass(frozen=True)
class Area:
    """A rectangle of cells, bounds included."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int

    @property
    def size(self) -> int:
        """The number of its cells."""
        return (self.last_row - self.first_row + 1) * (self.last_column - self.first_column + 1)

    def __contains__(self, position: tuple[int, int]) -> bool:
        """Tell whether a (row, column) lies in it."""
        row, column = position
        return (
            self.first_row <= row <= self.last_row
            and self.first_column <= column <= self.last_column
        )

    def cells(self) -> Iterator[tuple[int, int]]:
        """Iterate over its (row, column) positions."""
        for row in range(self.first_row, self.last_row + 1):
            for column in range(self.first_column, self.last_column + 1):
                yield row, column


def parse_area(reference: str) -> Area:
    """Return the rectangle that `A1:C3` (or `A1`) names."""
    first, _, last = reference.partition(":")
    return Area(*parse_reference(first), *parse_reference(last or first))


class Grid:
    """The cells of one sheet."""

    def __init__(
        self,
        name: str,
        cells: Iterable[Cell] = (),
        merged: Iterable[Area] = (),
        *,
        is_hidden: bool = False,
        is_1904: bool = False,
        hidden_rows: Iterable[int] = (),
        hidden_columns: Iterable[range] = (),
    ) -> None:
        """Keep the cells.

        Args:
            name: of the sheet.
            cells: those that are not blank.
            merged: the areas that show their first cell.
            is_hidden: whether the sheet is out of sight.
            is_1904: whether days count from 1904, as the first Macintosh had it.
            hidden_rows: rows that are out of sight.
            hidden_columns: columns that are out of sight.
        """
        self.name = name
        self.is_hidden = is_hidden
        self.is_1904 = is_1904
        self._hidden_rows = frozenset(hidden_rows)
        self._hidden_columns = tuple(hidden_columns)
        self.merged = tuple(merged)
        self._cells = {(cell.row, cell.column): cell for cell in cells}

    def __iter__(self) -> Iterator[Cell]:
        """Iterate over the cells that are not blank, row by row."""
        return iter(self._rows)

    @cached_property
    def _rows(self) -> list[Cell]:
        return [self._cells[position] for position in sorted(self._cells)]

    @cached_property
    def _anchors(self) -> dict[tuple[int, int], tuple[int, int]]:
        return {
            position: (area.first_row, area.first_column)
            for area in self.merged
            if area.size <= LISTED_AREA
            for position in area.cells()
        }

    @cached_property
    def _wide(self) -> list[Area]:
        # A merge over whole columns has millions of cells: too many to list.
        return [area for area in self.merged if area.size > LISTED_AREA]

    def _anchor(self, row: int, column: int) -> tuple[int, int] | None:
        """Return the first cell of the merged area that covers a position, None outside of any."""
        found = self._anchors.get((row, column))
        if found is None:
            for area in self._wide:
                if (row, column) in area:
                    return area.first_row, area.first_column
        return found

    @cached_property
    def last_row(self) -> int:
        """The last row that has a cell, 0 in an empty sheet."""
        return max((row for row, _ in self._cells), default=0)

    @cached_property
    def last_column(self) -> int:
        """The last column that has a cell, 0 in an empty sheet."""
        return max((column for _, column in self._cells), default=0)

    def rows_with_cells(self, rows: range | None = None) -> list[int]:
        """Return the rows that have a cell, of these rows or of all: one stray cell may stand a million below."""
        found = self._by_row
        return [row for row in found if rows is None or row in rows]

    def is_out_of_sight(self, row: int, column: int) -> bool:
        """Tell whether a position lies in a hidden sheet, row or column."""
        return (
            self.is_hidden
            or row in self._hidden_rows
            or any(column in columns for columns in self._hidden_columns)
        )

    def at(self, row: int, column: int) -> Cell | None:
        """Return the cell stored at this position, None where it is blank."""
        return self._cells.get((row, column))

    def row(self, row: int) -> list[Cell]:
        """Return the cells of a row that are not blank, from left to right."""
        return self._by_row.get(row, [])

    @cached_property
    def _by_row(self) -> dict[int, list[Cell]]:
        rows: dict[int, list[Cell]] = {}
        for cell in self:
            rows.setdefault(cell.row, []).append(cell)
        return rows

    def covering(self, row: int, column: int) -> Cell | None:
        """Return the cell shown at this position: of a merged area, its first cell."""
        return self._cells.get(self._anchor(row, column) or (row, column))

    def is_merged(self, row: int, column: int) -> bool:
        """Tell whether the position lies in a merged area."""
        return self._anchor(row, column) is not None

    def locator(self, row: int, column: int) -> str:
        """Return the locator of a position of this sheet."""
        return cell_locator(self.name, cell_reference(row, column))
