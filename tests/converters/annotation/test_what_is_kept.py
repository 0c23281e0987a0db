"""Whatever is no mark of ours stays in the workbook, byte for byte."""

from __future__ import annotations

import io
import re

import openpyxl
import pytest
from lxml import etree

from converters.annotation.annotate import annotate_workbook
from converters.workbook import read_workbook

# openpyxl says what it would lose.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")

FORM = "Form & Dewi's notes"
# What may change where cells of these sheets are marked; new parts are of the kinds below.
MAY_CHANGE = {
    "office": {
        "[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml",
        "xl/worksheets/sheet1.xml", "xl/worksheets/_rels/sheet1.xml.rels",
        "xl/worksheets/sheet2.xml", "xl/comments1.xml", "xl/drawings/vmlDrawing1.vml",
        "xl/threadedComments/threadedComment1.xml", "xl/persons/person.xml",
    },
    "figures": {
        "[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml",
        "xl/worksheets/sheet1.xml", "xl/comments1.xml", "xl/drawings/vmlDrawing1.vml",
        "xl/worksheets/sheet2.xml", "xl/worksheets/_rels/sheet2.xml.rels",
    },
}  # fmt: skip
NEW = re.compile(
    r"xl/(comments\d+\.xml|drawings/vmlDrawing\d+\.vml|worksheets/(_rels/)?sheet\d+\.xml(\.rels)?)"
)
CELLS = {
    "office": [("Data", "C2"), ("Data", "F7"), (FORM, "A1"), (FORM, "A2"), (FORM, "B5")],
    "figures": [("Figures", "B3"), ("Figures", "B4"), ("Figures", "C20"), ("Table", "A2")],
}
SEQUENCE = [
    "sheetPr",
    "dimension",
    "sheetViews",
    "sheetFormatPr",
    "cols",
    "sheetData",
    "sheetCalcPr",
    "sheetProtection",
    "protectedRanges",
    "scenarios",
    "autoFilter",
    "sortState",
    "dataConsolidate",
    "customSheetViews",
    "mergeCells",
    "phoneticPr",
    "conditionalFormatting",
    "dataValidations",
    "hyperlinks",
    "printOptions",
    "pageMargins",
    "pageSetup",
    "headerFooter",
    "rowBreaks",
    "colBreaks",
    "customProperties",
    "cellWatches",
    "ignoredErrors",
    "smartTags",
    "drawing",
    "legacyDrawing",
    "legacyDrawingHF",
    "drawingHF",
    "picture",
    "oleObjects",
    "controls",
    "webPublishItems",
    "tableParts",
    "extLst",
]
"""CT_Worksheet, ECMA-376 Part 1, 18.3.1.99."""


@pytest.fixture(params=["office", "figures"])
def name(request):
    return request.param


@pytest.fixture
def source(name, request):
    return request.getfixturevalue(name)


@pytest.fixture
def annotated(name, source, found, at):
    findings = [found(sheet, cell) for sheet, cell in CELLS[name]]
    return annotate_workbook(source, findings, at=at).data


def test_every_other_part_is_byte_for_byte_what_it_was(name, source, annotated, parts):
    before, after = parts(source), parts(annotated)
    changed = {part for part in before if after.get(part) != before[part]}
    assert changed <= MAY_CHANGE[name]
    assert all(NEW.fullmatch(part) for part in set(after) - set(before))
    assert list(after)[: len(before)] == list(before)


def test_parts_are_well_formed_and_elements_in_the_order_of_the_schema(annotated, parts):
    for part, data in parts(annotated).items():
        if not part.endswith((".xml", ".rels")):
            continue
        root = etree.fromstring(data)
        if part.startswith("xl/worksheets/") and part.endswith(".xml"):
            names = [etree.QName(child).localname for child in root if isinstance(child.tag, str)]
            places = [SEQUENCE.index(name) for name in names if name in SEQUENCE]
            assert places == sorted(places), part
            assert names.count("legacyDrawing") <= 1
            rows = [int(row.get("r")) for row in root.iter("{*}row") if row.get("r")]
            assert rows == sorted(set(rows))


def test_every_relation_leads_to_a_part_with_a_content_type(annotated, parts):
    found = parts(annotated)
    types = etree.fromstring(found["[Content_Types].xml"])
    named = [entry.get("PartName") for entry in types.iter("{*}Override")]
    endings = {entry.get("Extension") for entry in types.iter("{*}Default")}
    assert len(named) == len(set(named))
    assert {part.lstrip("/") for part in named} <= set(found)
    for part in found:
        assert (
            f"/{part}" in named
            or part.rpartition(".")[2] in endings
            or part == "[Content_Types].xml"
        )
    for part in [part for part in found if part.endswith(".rels")]:
        entries = list(etree.fromstring(found[part]))
        assert len({entry.get("Id") for entry in entries}) == len(entries)
        folder = part.replace("_rels/", "").rpartition("/")[0]
        for entry in entries:
            if entry.get("TargetMode") == "External":
                continue
            target = entry.get("Target")
            path = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
            assert re.sub(r"[^/]+/\.\./", "", re.sub(r"[^/]+/\.\./", "", path)).lstrip("/") in found


def test_values_and_formats_of_all_cells_are_what_they_were(source, annotated):
    before = {grid.name: list(grid) for grid in read_workbook(source).sheets}
    after = {grid.name: list(grid) for grid in read_workbook(annotated).sheets}
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 1


def test_a_marked_cell_differs_in_its_fill_alone(name, source, annotated):
    old, new = (openpyxl.load_workbook(io.BytesIO(data)) for data in (source, annotated))
    marked = set(CELLS[name]) | {(FORM, "A4")}
    for sheet in old.worksheets:
        for row in new[sheet.title].iter_rows():
            for cell in row:
                was = old[sheet.title][cell.coordinate]
                if type(was).__name__ == "MergedCell":
                    continue
                for aspect in (
                    "value",
                    "number_format",
                    "border",
                    "protection",
                    "font",
                    "alignment",
                ):
                    told = (sheet.title, cell.coordinate, aspect)
                    if (sheet.title, cell.coordinate) not in marked or was.has_style:
                        assert repr(getattr(cell, aspect)) == repr(getattr(was, aspect)), told
                if (sheet.title, cell.coordinate) not in marked:
                    assert repr(cell.fill) == repr(was.fill)


def test_other_formats_of_the_workbook_stay(source, annotated, parts):
    before, after = (etree.fromstring(parts(d)["xl/styles.xml"]) for d in (source, annotated))
    for group in before:
        new = after.find(group.tag)
        kept = [etree.tostring(entry) for entry in group]
        assert [etree.tostring(entry) for entry in new][: len(kept)] == kept
        if new.get("count") is not None:
            assert int(new.get("count")) == len(new)


def test_names_active_sheet_and_links_of_the_workbook_stay(office, found, at, parts):
    data = annotate_workbook(office, [found("Data", "C2")], at=at).data
    before, after = (etree.fromstring(parts(d)["xl/workbook.xml"]) for d in (office, data))
    for old, new in zip(before, after, strict=True):
        if etree.QName(old).localname == "definedNames":
            *new_names, own = new
            assert [etree.tostring(name) for name in new_names] == [etree.tostring(n) for n in old]
            assert dict(own.attrib) == {
                "name": "_xlnm._FilterDatabase", "localSheetId": "3", "hidden": "1"
            }  # fmt: skip
            assert own.text == "'Findings (2)'!$A$5:$L$6"
        elif etree.QName(old).localname != "sheets":
            assert etree.tostring(old) == etree.tostring(new)
    names = [sheet.get("name") for sheet in after.iter("{*}sheet")]
    # The office has a sheet of that name itself.
    assert names == ["Data", FORM, "Findings", "Findings (2)"]
    assert [sheet.get("sheetId") for sheet in after.iter("{*}sheet")] == ["4", "7", "9", "10"]


def test_a_workbook_without_findings_keeps_all_its_sheets_byte_for_byte(office, at, parts):
    annotation = annotate_workbook(office, [], at=at)
    before, after = parts(office), parts(annotation.data)
    changed = {part for part in before if after[part] != before[part]}
    assert changed <= {
        "[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"
    }  # fmt: skip
    assert annotation.cells == 0
    cells = [cell.text for cell in read_workbook(annotation.data).sheets[-1]]
    assert "Nothing was found." in cells


def test_a_workbook_in_the_strict_form_stays_strict(strict, found, at, parts):
    data = annotate_workbook(strict, [found("By hand", "C1"), found("By hand", "F40")], at=at).data
    after = parts(data)
    assert {part for part in parts(strict) if after[part] == parts(strict)[part]} >= {
        "xl/texts.xml"
    }
    text = b"".join(part for name, part in after.items() if name != "[Content_Types].xml")
    text = text.replace(b"http://schemas.openxmlformats.org/package/2006/relationships", b"")
    assert b"schemas.openxmlformats.org" not in text
    before = [list(grid) for grid in read_workbook(strict).sheets]
    assert [list(grid) for grid in read_workbook(data).sheets][:-1] == before
