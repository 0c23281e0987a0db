"""Where findings are in a workbook."""

from __future__ import annotations

from converters.annotation.sheet import LAST_COLUMN, LAST_ROW
from converters.grid import parse_reference
from dsd.finding import Finding, parse_locator

Place = tuple[int, int]
"""Row and column of a cell."""


def place_of(finding: Finding) -> tuple[str, str]:
    """Return the sheet and the cell of a finding; what is no cell as a person reads it, without a sheet."""
    if finding.locator is None:
        return "", ""
    locator = parse_locator(finding.locator)
    if locator.kind != "cell":
        return "", locator.readable
    sheet, _, cell = locator.place.rpartition("!")
    return sheet, cell


def parse_place(reference: str) -> Place | None:
    """Return the place of a cell, None where the text names none that a sheet can have."""
    try:
        row, column = parse_reference(reference)
    except ValueError:
        return None
    return (row, column) if 1 <= row <= LAST_ROW and 1 <= column <= LAST_COLUMN else None
