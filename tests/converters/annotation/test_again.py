"""Annotating again renews: marks do not pile up, and a mended cell looks as it did."""

from __future__ import annotations

import io
import re
import shutil
import subprocess

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from converters.annotation.annotate import annotate_workbook
from converters.annotation.mark import COLOURS
from converters.grid import cell_reference
from converters.workbook import read_workbook

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
FORM = "Form & Dewi's notes"
SOURCES = ["office", "figures", "saved_by_libreoffice"]
SHEETS = {
    "office": "Data",
    "figures": "Figures",
    "strict": "By hand",
    "saved_by_libreoffice": "T15",
}


@pytest.fixture(params=SOURCES)
def name(request):
    return request.param


@pytest.fixture
def source(name, request):
    return request.getfixturevalue(name)


@pytest.fixture
def findings(name, found):
    cells = [(SHEETS[name], cell) for cell in ("A1", "C2", "D5", "AB90")]
    if name == "office":
        cells += [(FORM, "A1"), (FORM, "A2"), (FORM, "B5"), ("Findings", "A2")]
    if name == "figures":
        cells += [("Figures", "B3"), ("Table", "A2"), ("Empty", "B2")]
    return [found(sheet, cell) for sheet, cell in cells]


def look(data):
    """Return everything that a person sees of the cells and comments, sheet by sheet."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {
        sheet.title: {
            cell.coordinate: (
                cell.value, cell.number_format, repr(cell.fill), repr(cell.font), repr(cell.border),
                repr(cell.protection), repr(cell.alignment),
                cell.comment.text if cell.comment else None,
            )
            for cell in sheet._cells.values()
            if type(cell).__name__ != "MergedCell" and (cell.has_style or cell.value is not None)
        }
        for sheet in book.worksheets
    }  # fmt: skip


def test_the_same_findings_again_give_the_same_bytes_in_the_strict_form(strict, found, at):
    findings = [found("By hand", cell) for cell in ("A1", "C2", "D5", "AB90")]
    first = annotate_workbook(strict, findings, at=at)
    assert annotate_workbook(first.data, findings, at=at).data == first.data
    mended = annotate_workbook(first.data, [], at=at)
    cells = [list(grid) for grid in read_workbook(mended.data).sheets]
    assert cells[:-1] == [list(grid) for grid in read_workbook(strict).sheets]


def test_the_same_findings_again_give_the_same_bytes(source, findings, at):
    first = annotate_workbook(source, findings, at=at)
    again = annotate_workbook(first.data, findings, at=at)
    assert again.data == first.data
    assert again.cells == first.cells


def test_a_mended_workbook_looks_as_before_but_for_the_sheet_of_findings(source, findings, at):
    annotated = annotate_workbook(source, findings, at=at)
    mended = annotate_workbook(annotated.data, [], at=at)
    assert mended.unknown_before == ()
    seen = look(mended.data)
    seen.pop(mended.sheet)
    assert seen == look(source)
    assert not any(colour in repr(seen) for colour in COLOURS.values())


def test_a_mended_workbook_has_the_sheets_comments_and_drawings_of_the_first(
    source, findings, at, parts
):
    mended = parts(
        annotate_workbook(annotate_workbook(source, findings, at=at).data, [], at=at).data
    )
    before = parts(source)
    assert {name for name in mended if name not in before} == {
        name for name in mended if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name) and name not in before
    }  # fmt: skip
    for name, part in before.items():
        if "drawings/" in name or "threadedComments" in name:
            assert canonical(mended[name]) == canonical(part), name
        if name.startswith(("xl/worksheets/sheet", "xl/comments")):
            assert canonical(without_hints(mended[name])) == canonical(without_hints(part)), name


def canonical(part: bytes) -> bytes:
    try:
        return etree.tostring(etree.fromstring(part), method="c14n")
    except etree.XMLSyntaxError:
        return part


def without_hints(part: bytes) -> bytes:
    """Return a part without what only helps a program: dimension, spans, and the author no one refers to."""
    part = re.sub(rb'<dimension [^>]*/>| spans="[^"]*"| s="0"', b"", part)
    return part.replace(b"<author>ILMS Exchange</author>", b"")


def test_a_row_that_was_made_for_several_cells_is_unmade_with_the_last(office, found, at, parts):
    findings = [found("Data", cell) for cell in ("B30", "C30", "E30", "B31")]
    first = annotate_workbook(office, findings, at=at)
    assert annotate_workbook(first.data, findings, at=at).data == first.data
    rest = annotate_workbook(first.data, findings[1:2], at=at)
    assert b'<row r="31"' not in parts(rest.data)["xl/worksheets/sheet1.xml"]
    mended = annotate_workbook(rest.data, [], at=at)
    assert b'<row r="30"' not in parts(mended.data)["xl/worksheets/sheet1.xml"]


def test_one_mended_cell_is_restored_and_the_others_stay_marked(source, findings, at):
    first = annotate_workbook(source, findings, at=at)
    again = look(annotate_workbook(first.data, findings[1:], at=at).data)
    before = look(source)
    sheet, cell = SHEETS_OF(findings[0])
    assert again[sheet].get(cell) == before[sheet].get(cell)
    sheet, cell = SHEETS_OF(findings[1])
    assert COLOURS["error"] in again[sheet][cell][2]


def SHEETS_OF(finding):  # noqa: N802
    return finding.locator.removeprefix("cell:").rsplit("!", 1)


def test_marks_of_a_file_that_another_program_saved_are_known_again(source, findings, at, name):
    """openpyxl numbers formats anew, and drops what it does not know, but keeps cells and comments."""
    buffer = io.BytesIO()
    book = openpyxl.load_workbook(io.BytesIO(annotate_workbook(source, findings, at=at).data))
    book.save(buffer)
    again = annotate_workbook(buffer.getvalue(), [], at=at)
    assert again.unknown_before == ()
    seen, before = look(again.data), look(source)
    for sheet, cells in before.items():
        assert {c: seen[sheet][c][2] for c in cells} == {c: cells[c][2] for c in cells}
        assert {c: seen[sheet][c][7] for c in cells} == {c: cells[c][7] for c in cells}
    again = annotate_workbook(buffer.getvalue(), findings, at=at)
    assert (
        again.sheet in look(source)
        or len(read_workbook(again.data).sheets) == len(look(source)) + 1
    )


def test_a_mark_moves_with_its_cell(figures, found, at):
    book = openpyxl.load_workbook(
        io.BytesIO(
            annotate_workbook(figures, [found("Table", "A2"), found("Table", "B3")], at=at).data
        )
    )
    sheet = book["Table"]
    for source, target in (("A2", "D9"), ("B3", "A2")):
        sheet[target]._style = sheet[source]._style
        sheet[target].comment = openpyxl.comments.Comment(sheet[source].comment.text, "x")
        sheet[source].comment = None
    sheet["B3"].style = "Normal"
    buffer = io.BytesIO()
    book.save(buffer)
    again = annotate_workbook(buffer.getvalue(), [], at=at)
    assert again.unknown_before == ()
    cells = openpyxl.load_workbook(io.BytesIO(again.data))["Table"]
    assert all(
        cells[c].fill.fill_type is None and cells[c].comment is None for c in ("A2", "B3", "D9")
    )


def test_what_cannot_be_restored_is_told(figures, found, at, parts, package):
    data = annotate_workbook(figures, [found("Table", "A2")], at=at).data
    book = openpyxl.load_workbook(io.BytesIO(data))
    del book["Findings"]
    buffer = io.BytesIO()
    book.save(buffer)
    again = annotate_workbook(buffer.getvalue(), [], at=at)
    assert again.unknown_before == ("Table!A2",)
    cell = openpyxl.load_workbook(io.BytesIO(again.data))["Table"]["A2"]
    assert (cell.fill.fill_type, cell.comment) == (None, None)


def test_a_fill_of_the_provider_in_the_colour_of_a_mark_stays(figures, found, at):
    book = openpyxl.load_workbook(io.BytesIO(figures))
    fill = openpyxl.styles.PatternFill("solid", fgColor=COLOURS["warning"])
    book["Table"]["B2"].fill = fill
    buffer = io.BytesIO()
    book.save(buffer)
    data = buffer.getvalue()
    for findings in ([found("Table", "A2")], [found("Table", "B2")], []):
        annotation = annotate_workbook(data, findings, at=at)
        assert annotation.unknown_before == ()
        data = annotation.data
    cell = openpyxl.load_workbook(io.BytesIO(data))["Table"]["B2"]
    assert (cell.fill.fgColor.rgb, cell.comment) == (COLOURS["warning"], None)


def test_an_answer_written_into_a_comment_of_ours_is_kept(figures, found, at):
    data = annotate_workbook(figures, [found("Table", "A2")], at=at).data
    book = openpyxl.load_workbook(io.BytesIO(data))
    text = book["Table"]["A2"].comment.text
    book["Table"]["A2"].comment = openpyxl.comments.Comment(
        f"{text}\nMended on Monday. Dewi", "Dewi"
    )
    buffer = io.BytesIO()
    book.save(buffer)
    again = annotate_workbook(buffer.getvalue(), [], at=at)
    comment = openpyxl.load_workbook(io.BytesIO(again.data))["Table"]["A2"].comment
    assert comment.text.strip() == "Mended on Monday. Dewi"


def test_a_cell_filled_since_stays(office, found, at):
    book = openpyxl.load_workbook(
        io.BytesIO(
            annotate_workbook(office, [found("Data", "F7"), found("Data", "H30")], at=at).data
        )
    )
    book["Data"]["H30"] = 12.5
    buffer = io.BytesIO()
    book.save(buffer)
    again = annotate_workbook(buffer.getvalue(), [], at=at)
    sheet = openpyxl.load_workbook(io.BytesIO(again.data))["Data"]
    assert sheet["H30"].value == 12.5
    assert sheet["H30"].fill.fill_type is None


cells = st.builds(
    cell_reference,
    st.integers(1, 40) | st.sampled_from([1_048_576]),
    st.integers(1, 30) | st.sampled_from([16_384]),
)


@settings(max_examples=25, deadline=None)
@given(marked=st.sets(st.tuples(st.sampled_from(["Data", FORM, "Findings"]), cells), max_size=12),
       mended=st.sets(st.tuples(st.sampled_from(["Data", FORM, "Findings"]), cells), max_size=6))  # fmt: skip
def test_whatever_cells_are_marked_all_others_stay(office, found, at, marked, mended):
    source, before = office, {g.name: list(g) for g in read_workbook(office).sheets}
    first = annotate_workbook(source, [found(*place) for place in sorted(marked | mended)], at=at)
    again = annotate_workbook(first.data, [found(*place) for place in sorted(marked)], at=at)
    after = {grid.name: list(grid) for grid in read_workbook(again.data).sheets}
    assert {name: after[name] for name in before} == before
    assert again.unknown_before == ()
    shown = {(s, "A4" if s == FORM and c in ("A4", "B4", "A5", "B5") else c) for s, c in marked}
    assert again.cells == len(shown)
    seen = {
        (sheet, cell): (value[2], value[7])
        for sheet, found_cells in look(again.data).items()
        for cell, value in found_cells.items()
        if COLOURS["error"] in value[2] and sheet != again.sheet
    }
    assert set(seen) == shown
    assert all("ILMS Exchange" in comment for _, comment in seen.values())
    straight = annotate_workbook(source, [found(*place) for place in sorted(marked)], at=at)
    assert look_without_list(again) == look_without_list(straight)


def look_without_list(annotation):
    seen = look(annotation.data)
    seen.pop(annotation.sheet)
    return seen


@pytest.mark.skipif(not shutil.which("soffice"), reason="needs LibreOffice")
@pytest.mark.parametrize("name", ["office", "figures"], indirect=True)
def test_libreoffice_opens_it_shows_the_comments_and_saves_it_so_that_marks_are_known(
    name, source, findings, at, tmp_path
):
    path = tmp_path / ("a.xlsm" if name in ("office", "figures") else "a.xlsx")
    path.write_bytes(annotate_workbook(source, findings, at=at).data)
    run_libreoffice(path, "xlsx", tmp_path / "saved")
    saved = (tmp_path / "saved" / "a.xlsx").read_bytes()
    seen = look(saved)
    for finding in findings:
        sheet, cell = SHEETS_OF(finding)
        cell = "A4" if (sheet, cell) == (FORM, "B5") else cell
        assert "bad-number" in seen[sheet][cell][7]
        assert COLOURS["error"] in seen[sheet][cell][2]
    again = annotate_workbook(saved, [], at=at)
    assert again.unknown_before == ()
    mended = look(again.data)
    mended.pop(again.sheet)
    texts = repr(mended)
    assert "bad-number" not in texts
    assert not any(colour in texts for colour in COLOURS.values())
    if name == "office":
        assert mended[FORM]["A1"][7].strip() == look(source)[FORM]["A1"][7]


def run_libreoffice(path, kind, folder):
    subprocess.run(
        ["soffice", "--headless", f"-env:UserInstallation={(folder / 'profile').as_uri()}",
         "--convert-to", kind, "--outdir", str(folder), str(path)],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
