"""Cells of .xlsx files by whoever wrote them, with other readers as oracles."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from converters.examples.build import SUBMISSIONS
from converters.grid import Area, Cell, CellKind, Grid, cell_reference, parse_area, parse_reference
from converters.workbook import WorkbookError, read_workbook

EXAMPLES = Path(__file__).parent.parent / "examples" / "converters"
WORKBOOKS = [EXAMPLES / "saved_by_libreoffice" / "T15.xlsx", *sorted(SUBMISSIONS.glob("*.xlsx"))]


def zipped(folder: Path) -> bytes:
    """Return the parts of a folder as a package."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for path in sorted(path for path in (folder / "parts").rglob("*") if path.is_file()):
            package.write(path, path.relative_to(folder / "parts").as_posix())
    return buffer.getvalue()


@pytest.mark.parametrize("path", WORKBOOKS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_cell_agrees_with_calamine(path):
    oracle = CalamineWorkbook.from_path(str(path))
    workbook = read_workbook(path)
    assert [grid.name for grid in workbook.sheets] == oracle.sheet_names
    for grid in workbook.sheets:
        rows = oracle.get_sheet_by_name(grid.name).to_python(skip_empty_area=False)
        theirs = {
            (row, column): value
            for row, values in enumerate(rows, 1)
            for column, value in enumerate(values, 1)
            if value != ""
        }
        ours = {
            (cell.row, cell.column): float(cell.text) if cell.kind is CellKind.NUMBER else cell.text
            for cell in grid
        }
        assert ours == theirs


def test_a_table_that_pandas_wrote_comes_back_digit_for_digit(tmp_path):
    path = tmp_path / "pandas.xlsx"
    frame = pd.DataFrame({"label": ["a", "b"], "value": [99.479, 0.1 + 0.2]})
    frame.to_excel(path, index=False)
    grid = read_workbook(path).sheets[0]
    assert [cell.text for cell in grid] == ["label", "value", "a", "99.479", "b", "0.3"]


def test_kinds_formats_and_merged_areas_that_openpyxl_wrote():
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet["A1"] = "text"
    sheet["B1"] = 12
    sheet["B1"].number_format = "0.0"
    sheet["C1"] = True
    sheet["D1"] = "=1+1"
    sheet["E1"] = "#N/A"
    sheet["E1"].data_type = "e"
    sheet["F1"] = datetime(2024, 1, 2)  # noqa: DTZ001
    sheet["A3"] = "wide"
    sheet.merge_cells("A3:C4")
    sheet["A9"] = "   "
    hidden = workbook.create_sheet("second")
    hidden.sheet_state = "hidden"
    buffer = io.BytesIO()
    workbook.save(buffer)
    grid, second = read_workbook(buffer.getvalue()).sheets
    assert [(cell.reference, cell.kind.value, cell.text) for cell in grid] == [
        ("A1", "text", "text"),
        ("B1", "number", "12"),
        ("C1", "boolean", "1"),
        ("D1", "uncomputed", ""),
        ("E1", "error", "#N/A"),
        ("F1", "number", "45293"),
        ("A3", "text", "wide"),
    ]
    assert grid.at(1, 2).number_format == "0.0"
    assert grid.merged == (Area(3, 1, 4, 3),)
    assert grid.covering(4, 3).text == "wide"
    assert grid.at(4, 3) is None
    assert (grid.is_hidden, second.is_hidden) == (False, True)
    assert grid.locator(1, 6) == "cell:Sheet!F1"


def test_a_hand_made_workbook_in_strict_form():
    grid = read_workbook(zipped(EXAMPLES / "hand_made")).sheets[0]
    assert [(cell.reference, cell.kind.value, cell.text, cell.is_formula) for cell in grid] == [
        ("A1", "text", "rich text", False),
        ("B1", "text", "inline", False),
        ("C1", "number", "99.479", False),
        ("A2", "number", "3", True),
        ("D2", "number", "1.5", False),
        ("A7", "date", "2024-01-02", False),
        ("B7", "number", "1E400", False),
    ]
    assert grid.name == "By hand"
    assert grid.at(1, 3).number_format == '#,##0.0" k"'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no .xlsx workbook"),
        (b"a,b\n1,2\n", "no .xlsx workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), r"old \.xls workbook"),
        (b"PK\x03\x04 cut off", "damaged"),
    ],
)
def test_a_file_that_is_no_workbook_is_refused_by_name(data, words):
    with pytest.raises(WorkbookError, match=words):
        read_workbook(data)


def test_a_zip_that_is_no_workbook_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("readme.txt", "hello")
    with pytest.raises(WorkbookError, match=r"zip archive but no \.xlsx"):
        read_workbook(buffer.getvalue())


def test_a_damaged_sheet_is_refused():
    source = WORKBOOKS[0].read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, part[:200] if name.endswith("sheet1.xml") else part)
    with pytest.raises(WorkbookError, match="XML that cannot be read"):
        read_workbook(buffer.getvalue())


def repacked(change):
    """Return the base workbook with its first sheet's XML changed."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(WORKBOOKS[0].read_bytes())) as old,
        zipfile.ZipFile(buffer, "w") as new,
    ):
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, change(part) if name.endswith("sheet2.xml") else part)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'r="A1"', b'r="1A"'),
        (b'<row r="1"', b'<row r="one"'),
        (b't="s"><v>', b't="s"><v>99999'),
        (b'<mergeCell ref="', b'<mergeCell ref="?'),
    ],
)
def test_a_forged_sheet_is_refused(old, new):
    def change(part):
        assert old in part
        return part.replace(old, new, 1)

    with pytest.raises(WorkbookError, match=r"damaged|refers to a text"):
        read_workbook(repacked(change))


def test_a_workbook_that_unpacks_to_too_much_is_refused():
    with pytest.raises(WorkbookError, match="unpacks to"):
        read_workbook(WORKBOOKS[0], max_unpacked_bytes=10_000)


def test_an_external_entity_is_not_read(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    source = WORKBOOKS[0].read_bytes()
    entity = f'<!DOCTYPE s [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name.endswith("sharedStrings.xml"):
                part = part.replace(b"<sst", entity + b"<sst", 1).replace(b"Indonesia", b"&e;", 1)
            new.writestr(name, part)
    texts = [cell.text for grid in read_workbook(buffer.getvalue()).sheets for cell in grid]
    assert not any("secret" in text for text in texts)


@pytest.mark.parametrize(
    ("reference", "position"), [("A1", (1, 1)), ("AA10", (10, 27)), ("XFD7", (7, 16384))]
)
def test_references_both_ways(reference, position):
    assert parse_reference(reference) == position
    assert cell_reference(*position) == reference


@pytest.mark.parametrize("reference", ["", "1", "A", "a1", "A1B", "$A$1"])
def test_what_is_no_reference(reference):
    with pytest.raises(ValueError, match="no cell"):
        parse_reference(reference)


def test_a_merge_over_whole_columns_is_looked_up_too():
    grid = Grid("wide", [Cell(1, 1, CellKind.TEXT, "all")], [parse_area("A1:C1048576")])
    assert grid.covering(500_000, 3).text == "all"
    assert not grid.is_merged(5, 4)


def test_areas():
    assert list(parse_area("B2:C3").cells()) == [(2, 2), (2, 3), (3, 2), (3, 3)]
    assert parse_area("B2") == Area(2, 2, 2, 2)
