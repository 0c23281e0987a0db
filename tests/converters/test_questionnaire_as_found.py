"""The same questionnaire as other programs and people leave it: the same figures, or a finding at the cell."""

from __future__ import annotations

import io
import re
import time
import zipfile
from datetime import date

import openpyxl
import pytest
import xlsxwriter
from lxml import etree

from converters.grid import CellKind
from converters.questionnaire import read_questionnaire
from converters.template import filled_bytes
from converters.workbook import WorkbookError, read_workbook
from dsd.batch import LOCATOR, rows_of

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = {
    MAIN: "http://purl.oclc.org/ooxml/spreadsheetml/main",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships": "http://purl.oclc.org/ooxml/"
    "officeDocument/relationships",
}
ROWS = [
    {
        "REF_AREA": "KHM",
        "FREQ": "A",
        "MEASURE": "MNA_OEMP",
        "SEX": sex,
        "COUNTERPART_AREA": partner,
        "SOURCE": "FX_14128",
        "TIME_PERIOD": year,
        "OBS_VALUE": value,
        "UNIT_MEASURE": "PS",
        "UNIT_MULT": "3",
        "AGE_MIN": "T2_84",
        **({"OBS_STATUS": "E", "NOTE": "New\r\nregister"} if value == "0.300" else {}),
    }
    for sex, partner, year, value in [
        ("SEX_T", "TOTAL", "2023", "99.479"),
        ("SEX_M", "TOTAL", "2023", "0"),
        ("SEX_F", "THA", "2023", "0.300"),
        ("SEX_T", "KOR", "2024", "1234567"),
        ("SEX_F", "X", "2024", "12"),
    ]
]


@pytest.fixture(scope="module")
def filled(structures):
    return filled_bytes(structures, "KHM", {"T15": ROWS})


def parts_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}


def zipped(parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, part in parts.items():
            package.writestr(name, part)
    return buffer.getvalue()


def prefixed(parts):
    """As the Open XML SDK writes: every element with a prefix."""
    found = {}
    for name, part in parts.items():
        if name.startswith("xl/") and name.endswith(".xml") and MAIN.encode() in part:
            old = etree.fromstring(part)
            root = etree.Element(
                old.tag, old.attrib, nsmap={"x": MAIN, "r": next(iter(list(STRICT)[1:]))}
            )
            root.extend(list(old))
            etree.cleanup_namespaces(root, top_nsmap={"x": MAIN})
            part = etree.tostring(root)
            assert b"<x:" in part
        found[name] = part
    return found


def strict(parts):
    """In the strict form of the standard."""
    for old, new in STRICT.items():
        parts = {name: part.replace(old.encode(), new.encode()) for name, part in parts.items()}
    return parts


def inline(parts):
    """As many reporting tools write: texts in the cells, no shared table."""
    texts = ["".join(item.itertext()) for item in etree.fromstring(parts["xl/sharedStrings.xml"])]
    found = {}
    for name, part in parts.items():
        if name.startswith("xl/worksheets/sheet"):
            root = etree.fromstring(part)
            for cell in root.iter(f"{{{MAIN}}}c"):
                if cell.get("t") == "s":
                    text = texts[int(cell[0].text)]
                    cell.set("t", "inlineStr")
                    cell.remove(cell[0])
                    etree.SubElement(
                        etree.SubElement(cell, f"{{{MAIN}}}is"), f"{{{MAIN}}}t"
                    ).text = text
            part = etree.tostring(root)
        found[name] = part
    return found


def rich(parts):
    """With runs of formatting in every text, and hints how to say it."""
    root = etree.fromstring(parts["xl/sharedStrings.xml"])
    for item in root:
        text = "".join(item.itertext())
        for child in list(item):
            item.remove(child)
        for half in (text[: len(text) // 2], text[len(text) // 2 :]):
            run = etree.SubElement(item, f"{{{MAIN}}}r")
            etree.SubElement(etree.SubElement(run, f"{{{MAIN}}}rPr"), f"{{{MAIN}}}b")
            etree.SubElement(run, f"{{{MAIN}}}t").text = half
        hint = etree.SubElement(item, f"{{{MAIN}}}rPh", sb="0", eb="1")
        etree.SubElement(hint, f"{{{MAIN}}}t").text = "hint"
    return {**parts, "xl/sharedStrings.xml": etree.tostring(root)}


def elsewhere(parts):
    """With absolute targets, a folder and a name that must be quoted, other letters in the names."""
    found = {}
    for name, part in parts.items():
        if name == "xl/_rels/workbook.xml.rels":
            part = part.replace(b'Target="/xl/', b'Target="').replace(b'Target="', b'Target="/xl/')
            part = part.replace(b"worksheets/sheet3.xml", b"work%20sheets/One.xml")
        name = name.replace("xl/worksheets/sheet3.xml", "xl/work sheets/ONE.xml")
        found[name.replace("sharedStrings", "SharedStrings")] = part
    assert "xl/work sheets/ONE.xml" in found
    return found


def backslashes(parts):
    """As some programs on Windows pack it."""
    return {name.replace("/", "\\"): part for name, part in parts.items()}


def noisy(parts):
    """As Excel stores binary fractions: 17 digits."""

    def digits(match):
        return b"<v>%.17g</v>" % float(match[1])

    return {
        name: re.sub(rb"<v>(\d+\.\d+)</v>", digits, part) if "worksheets/" in name else part
        for name, part in parts.items()
    }


def read(data, structures):
    conversion = read_questionnaire(data, structures)
    rows = [row for dataset in conversion.datasets for row in rows_of(dataset.batches)]
    for row in rows:
        del row[LOCATOR]
    return conversion, sorted(rows, key=str)


def given(rows=ROWS):
    return sorted(rows, key=str)


@pytest.mark.parametrize(
    "change",
    [prefixed, strict, inline, rich, elsewhere, backslashes, noisy],
    ids=lambda f: f.__name__,
)
def test_another_way_to_write_the_same_workbook(structures, filled, change):
    # What openpyxl wrote has its texts in the cells, what XlsxWriter writes in a shared table.
    data = rewritten(filled) if change in (inline, rich) else filled
    conversion, rows = read(zipped(change(parts_of(data))), structures)
    assert conversion.report.findings == []
    assert rows == given()


def rewritten(data, row_at=lambda row: row, column_at=lambda column: column, **options):
    """Return the cells of a workbook at other places, written by XlsxWriter."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **options}) as workbook:
        for grid in read_workbook(data).sheets:
            sheet = workbook.add_worksheet(grid.name)
            own = grid.name.startswith("T")
            row_of, column_of = (row_at, column_at) if own else (int, int)
            for area in grid.merged:
                first = (row_of(area.first_row) - 1, column_of(area.first_column) - 1)
                last = (row_of(area.last_row) - 1, column_of(area.last_column) - 1)
                sheet.merge_range(*first, *last, "")
            for cell in grid:
                place = (row_of(cell.row) - 1, column_of(cell.column) - 1)
                look = workbook.add_format({"num_format": cell.number_format})
                if cell.kind is CellKind.NUMBER:
                    sheet.write_number(*place, float(cell.text), look)
                else:
                    sheet.write_string(*place, cell.text, look)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "places",
    [
        {},
        {"row_at": lambda row: row + 4},
        {"row_at": lambda row: row + (row > 3) + (row > 12) + (row > 15) + 2 * (row > 20)},
        {"column_at": lambda column: column + (column > 3) + 2 * (column > 7)},
        {"constant_memory": True, "in_memory": False},
    ],
    ids=["as it is", "lower", "rows between", "columns between", "row by row"],
)
def test_rows_and_columns_that_were_inserted_change_nothing(structures, filled, places):
    conversion, rows = read(rewritten(filled, **places), structures)
    assert conversion.report.findings == []
    assert rows == given()


def test_a_table_that_moved_to_the_right_is_refused_at_the_sheet(structures, filled):
    conversion, rows = read(rewritten(filled, column_at=lambda column: column + 1), structures)
    assert rows == []
    assert not conversion.report.is_accepted
    assert {finding.locator.partition("!")[0] for finding in conversion.report.findings} == {
        "cell:T15"
    }


def changed(data, change):
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    change(workbook)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def hide_a_row(workbook):
    sheet = workbook["T15"]
    row = next(r for r in range(1, 60) if sheet.cell(r, 1).value == "Thailand")
    sheet.row_dimensions[row].hidden = True


def hide_columns(workbook):
    workbook["T15"].column_dimensions["F"].hidden = True


def hide_the_sheet(workbook):
    workbook["T15"].sheet_state = "veryHidden"


@pytest.mark.parametrize(
    ("change", "count"),
    [(hide_a_row, 1), (hide_columns, 1), (hide_the_sheet, 5)],
    ids=["row", "column", "sheet"],
)
def test_figures_that_nobody_sees_are_read_and_told(structures, filled, change, count):
    conversion, rows = read(changed(filled, change), structures)
    assert rows == given()
    (finding,) = conversion.report.findings
    assert (finding.rule, finding.severity) == ("hidden-figures", "warning")
    assert finding.message.startswith(f"{count} figures")
    assert finding.locator.startswith("cell:T15!")


@pytest.mark.parametrize("is_1904", [False, True])
def test_a_year_that_became_a_date_is_refused_with_the_year(structures, filled, is_1904):
    def change(workbook):
        if is_1904:
            workbook.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        sheet = workbook["T15"]
        cell = next(cell for row in sheet.iter_rows() for cell in row if cell.value == 2024)
        cell.value = date(2024, 1, 1)

    conversion, rows = read(changed(filled, change), structures)
    (finding,) = conversion.report.findings
    assert (finding.rule, finding.suggestion) == ("bad-period", "2024")
    assert "2024-01-01" in finding.message
    assert {row["TIME_PERIOD"] for row in rows} == {"2023"}


def test_stray_cells_far_away_take_no_time_and_are_told(structures, filled):
    def change(workbook):
        workbook["T15"]["XFD1048576"] = 5
        workbook["T15"]["A1000000"] = "see below"
        workbook["Sources"]["XFD1048576"] = "x"

    data = changed(filled, change)
    began = time.process_time()
    conversion, rows = read(data, structures)
    assert time.process_time() - began < 10
    assert rows == given()
    assert [(f.rule, f.locator) for f in conversion.report.findings] == [
        ("unread-source", "cell:Sources!A1048576"),
        ("unread-source", "cell:Sources!XFD1048576"),
        ("text-outside-table", "cell:T15!A1000000"),
        ("value-outside-table", "cell:T15!XFD1048576"),
    ]


def test_figures_in_a_row_under_the_notes_are_an_error(structures, filled):
    def change(workbook):
        sheet = workbook["T15"]
        sheet.cell(sheet.max_row + 1, 1).value = "Japan"
        sheet.cell(sheet.max_row, 2).value = 7

    conversion, rows = read(changed(filled, change), structures)
    assert rows == given()
    (finding,) = conversion.report.findings
    assert (finding.rule, finding.severity) == ("value-outside-table", "error")


def test_a_line_that_stands_twice_is_an_error_at_the_second(structures, filled):
    def change(workbook):
        sheet = workbook["T15"]
        sheet.cell(sheet.max_row + 1, 1).value = "Source"
        sheet.cell(sheet.max_row, 2).value = "BA_1321"

    conversion, rows = read(changed(filled, change), structures)
    assert rows == given()
    (finding,) = conversion.report.findings
    assert (finding.rule, finding.component) == ("duplicate-heading", "SOURCE")


def test_coverage_and_notes_above_the_figures_are_read_too(structures):
    """As workbooks of the former layout have it."""
    data = filled_bytes(structures, "KHM", {"T15": ROWS})
    grid = next(grid for grid in read_workbook(data).sheets if grid.name == "T15")
    texts = {cell.row: cell.text for cell in grid if cell.column == 1}
    heading = next(row for row, text in texts.items() if text == "Coverage and notes")
    figures = next(row for row, text in texts.items() if text == "Year")
    below = grid.last_row - heading

    def moved(row):
        if row > heading:
            return row - heading + figures - 1
        return row + below if row >= figures else row

    conversion, rows = read(rewritten(data, moved), structures)
    assert conversion.report.findings == []
    assert rows == given()


def test_an_open_document_spreadsheet_is_refused_by_name():
    with pytest.raises(WorkbookError, match=r"\.ods"):
        read_workbook(zipped({"mimetype": b"x", "content.xml": b"<x/>"}))
