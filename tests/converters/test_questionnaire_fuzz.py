"""Whatever stands in the cells, reading ends with rows and findings, and no figure is lost in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.grid import Cell, CellKind, Grid, parse_reference
from converters.label import LabelIndexes
from converters.layout import table_layout
from converters.profile import load_profile
from converters.sheet_reader import SheetReader
from converters.table import bound_dsd, find_flow
from converters.workbook import read_workbook
from dsd.batch import LOCATOR
from dsd.finding import Report

SAVED = Path(__file__).parent.parent / "examples" / "converters" / "saved_by_libreoffice"
TEXTS = st.sampled_from(
    [
        "...",
        "Total",
        "Japan",
        "2024",
        "2566",
        "Female",
        "Flag",
        "-",
        "1,5",
        "E (1)",
        "Sex",
        "Year",
        "T15",
        "Coverage and notes",
        "Source",
        "Minimum age",
        "Note (1)",
    ]
) | st.text(min_size=1, max_size=12).filter(str.strip)


@st.composite
def cells(draw):
    kind = draw(st.sampled_from(list(CellKind)))
    text = draw(TEXTS)
    if kind is CellKind.NUMBER:
        text = draw(st.sampled_from(["0", "99.479", "-1", "1E400", "2023", "12345678901234567890"]))
    return Cell(
        draw(st.integers(1, 42)),
        draw(st.integers(1, 15)),
        kind,
        text,
        draw(st.sampled_from(["General", "0.0", "0%", "yyyy", "#,##0,", "[Red]", ""])),
    )


class Sheet:
    """What every example starts from, with a short repr."""

    def __init__(self, layout, grid):
        self.layout = layout
        self.grid = grid
        self.indexes = LabelIndexes()
        (axis,) = layout.rows
        self.first = 1 + next(
            row for row in grid.rows_with_cells() if grid.at(row, 1).text in axis.captions
        )

    def __repr__(self):
        return "sheet"


@pytest.fixture(scope="module", params=[("T15.xlsx", "IDN"), ("KHM.xlsx", "KHM")], ids=str)
def sheet(structures, request):
    """Table 15 with notes above the figures, and with notes under them."""
    name, country = request.param
    dsd = bound_dsd(structures, find_flow(structures, "T15"), "REF_AREA", country)
    grid = next(grid for grid in read_workbook(SAVED / name).sheets if grid.name == "T15")
    return Sheet(table_layout(dsd, load_profile()), grid)


@given(st.lists(cells(), min_size=1, max_size=8), st.sets(st.integers(1, 30), max_size=3))
@settings(max_examples=150, deadline=None)
def test_no_figure_is_lost_in_silence(sheet, edits, removed_rows):
    edited = [cell for cell in sheet.grid if cell.row not in removed_rows] + edits
    grid = Grid("T15", edited, sheet.grid.merged)
    report = Report()
    reader = SheetReader(grid, sheet.layout, report, sheet.indexes)
    result = reader.read()
    findings = [finding.locator.rpartition("!")[2] for finding in report.findings]
    taken = {str(row[LOCATOR]).rpartition("!")[2] for row in result.rows}
    assert len(taken) == len(result.rows)
    # An error above the figures stands for all that it heads.
    if any(
        finding.severity.rejects and parse_reference(place)[0] < sheet.first
        for finding, place in zip(report.findings, findings, strict=True)
    ):
        return
    for cell in grid:
        if cell.row < sheet.first or cell.column == 1 or cell.kind is not CellKind.NUMBER:
            continue
        label = grid.at(cell.row, 1)
        if label is not None and reader._header.is_line_below(label.text):
            # What a line under the figures says: coverage, ages, notes.
            continue
        assert (
            cell.reference in taken
            or any(place.endswith(str(cell.row)) for place in findings)
            # Flags stand in every second column.
            or cell.column % 2 == 1
        ), (cell, report.findings)
