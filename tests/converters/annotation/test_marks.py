"""What a person sees: colours, comments, and the sheet of findings; openpyxl reads them back."""

from __future__ import annotations

import io

import openpyxl
import pytest
from lxml import etree

from converters.annotation.annotate import annotate_workbook
from converters.annotation.mark import COLOURS
from converters.annotation.wording import Advice, UnknownLanguageError
from dsd.finding import Severity

# openpyxl says what it would lose.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")

FORM = "Form & Dewi's notes"


def opened(data):
    return openpyxl.load_workbook(io.BytesIO(data))


@pytest.mark.parametrize("severity", list(Severity))
def test_the_colour_tells_the_severity(severity, figures, found, at):
    data = annotate_workbook(figures, [found("Table", "A2", severity=severity)], at=at).data
    cell = opened(data)["Table"]["A2"]
    assert cell.fill.fgColor.rgb == COLOURS[severity.value]


def test_the_worst_finding_of_a_cell_gives_its_colour_and_all_are_told(figures, found, at):
    findings = [
        found("Table", "A2", severity=Severity.INFO, message="first"),
        found("Table", "A2", severity=Severity.FATAL, message="second", rule="no-table"),
        found("Table", "A2", message="third", waiver="as published (Statistics Office)"),
    ]
    cell = opened(annotate_workbook(figures, findings, at=at).data)["Table"]["A2"]
    assert cell.fill.fgColor.rgb == COLOURS["fatal"]
    assert cell.comment.text.index("second") < cell.comment.text.index("third")
    assert cell.comment.text.index("third") < cell.comment.text.index("first")
    assert cell.comment.text.startswith("ILMS Exchange: 3 findings")


def test_a_comment_says_severity_rule_message_suggestion_mending_and_waiver(figures, found, at):
    finding = found("Table", "B3", suggestion="HKG", waiver="as published (Statistics Office)")
    advice = {"bad-number": Advice("A figure cannot be read", "Write digits only.")}
    data = annotate_workbook(figures, [finding], advice=advice, at=at).data
    comment = opened(data)["Table"]["B3"].comment
    assert comment.author == "ILMS Exchange"
    assert comment.text == (
        "ILMS Exchange: 1 finding\n\nALLOWED bad-number\nthe figure cannot be read for certain\n"
        "Perhaps: HKG\nTo mend: Write digits only.\nAllowed: as published (Statistics Office)\n\n[ilms 1]"
    )


def test_words_are_in_the_language_asked_for(figures, found, at):
    data = annotate_workbook(figures, [found("Table", "B3")], language="fr", at=at).data
    book = opened(data)
    assert book.sheetnames[-1] == "Constatations"
    assert "ERREUR bad-number" in book["Table"]["B3"].comment.text
    with pytest.raises(UnknownLanguageError, match="en, es, fr"):
        annotate_workbook(figures, [], language="xx")


def test_a_cell_with_many_findings_says_where_the_rest_is(figures, found, at):
    findings = [found("Table", "B3", message=f"number {number}") for number in range(30)]
    book = opened(annotate_workbook(figures, findings, at=at).data)
    text = book["Table"]["B3"].comment.text
    assert "number 7" in text
    assert "number 8" not in text
    assert "+ 22. More on the sheet Findings" in text
    messages = [row[7].value for row in book["Findings"].iter_rows(min_row=6)]
    assert messages == [f"number {number}" for number in range(30)]


def test_comments_of_others_are_kept_and_extended(office, figures, found, at):
    data = annotate_workbook(office, [found(FORM, "A1"), found(FORM, "B1")], at=at).data
    sheet = opened(data)[FORM]
    assert sheet["A1"].comment.text.startswith(
        "Somchai:\nfrom the register & survey\n\nILMS Exchange: 1"
    )
    assert sheet["A1"].comment.author == "Somchai"
    assert sheet["A2"].comment.text.endswith("Is this final?")
    assert sheet["B1"].comment.author == "ILMS Exchange"
    data = annotate_workbook(figures, [found("Figures", "B3")], at=at).data
    assert opened(data)["Figures"]["B3"].comment.text.startswith("ours\n\nILMS Exchange: 1 finding")


def test_a_finding_in_a_thread_is_a_reply(office, found, at, parts):
    data = annotate_workbook(office, [found(FORM, "A2")], at=at).data
    threads = etree.fromstring(parts(data)["xl/threadedComments/threadedComment1.xml"])
    first, reply = threads
    assert reply.get("parentId") == first.get("id")
    assert reply.get("ref") == "A2"
    assert reply.get("dT") > first.get("dT")
    assert "bad-number" in reply[0].text
    persons = etree.fromstring(parts(data)["xl/persons/person.xml"])
    assert reply.get("personId") in [person.get("id") for person in persons]
    # Programs that know no threads find it in the comment.
    text = opened(data)[FORM]["A2"].comment.text
    assert text.startswith("[Threaded comment]")
    assert "bad-number" in text


def test_boxes_join_the_form_controls_and_are_numbered_apart(office, figures, found, at, parts):
    findings = [found(FORM, f"C{row}") for row in range(1, 40)] + [found("Data", "A2")]
    drawings = {
        name: part.decode()
        for name, part in parts(annotate_workbook(office, findings, at=at).data).items()
        if name.endswith(".vml")
    }
    own = drawings["xl/drawings/vmlDrawing1.vml"]
    assert parts(office)["xl/drawings/vmlDrawing1.vml"].decode()[:-8] in own
    assert own.count('ObjectType="Note"') == 2 + 39
    assert own.count('ObjectType="Checkbox"') == 1
    shapes = [
        word.split('"')[0] for text in drawings.values() for word in text.split('id="_x0000_s')[1:]
    ]
    assert len(shapes) == len(set(shapes)) == 1 + 2 + 39 + 1


def test_more_boxes_than_a_block_of_numbers_take_another(office, found, at, parts):
    findings = [found(FORM, f"C{row}") for row in range(1, 1500)] + [found("Data", "A2")]
    after = parts(annotate_workbook(office, findings, at=at).data)
    own = after["xl/drawings/vmlDrawing1.vml"].decode()
    assert 'data="2,4"' in own
    assert 'data="3"' in after["xl/drawings/vmlDrawing2.vml"].decode()
    shapes = [word.split('"')[0] for word in own.split('id="_x0000_s')[1:]]
    assert len(shapes) == len(set(shapes)) == 3 + 1499


def test_a_box_is_as_large_as_its_text_needs_in_columns_and_rows_of_any_size(
    office, found, at, parts
):
    def size(anchor):
        left, dx, top, dy, right, dx2, bottom, dy2 = (int(part) for part in anchor.split(","))
        # All columns right of F and rows here have the default size, but F and G are hidden.
        columns = [0 if c in (5, 6) else 64 for c in range(left, right)]
        rows = [round(14.5 * 4 / 3)] * (bottom - top)
        return sum(columns) - dx + dx2, sum(rows) - dy + dy2

    message = "a long message that says much. " * 20
    findings = [found("Data", "D20", message="short"), found("Data", "D30", message=message)]
    data = annotate_workbook(office, findings, at=at).data
    drawing = parts(data)["xl/drawings/vmlDrawing2.vml"].decode()
    short, long = (size(text.split("</")[0]) for text in drawing.split("<x:Anchor>")[1:])
    assert abs(short[0] - 330) <= 5
    assert short[1] < 150
    assert long[1] > 220


def test_a_blank_cell_takes_the_format_of_its_row_or_column(office, found, at):
    findings = [found("Data", cell) for cell in ("B5", "C7", "F7", "H30")]
    sheet = opened(annotate_workbook(office, findings, at=at).data)["Data"]
    assert sheet["B5"].number_format == "0.00%"
    assert sheet["B5"].border.bottom.style == "double"
    assert sheet["C7"].quotePrefix
    assert not sheet["F7"].protection.locked
    assert sheet["H30"].number_format == "General"
    assert sheet.dimensions == "A1:H30"


def test_a_cell_hidden_by_a_merged_area_is_marked_where_it_shows(office, found, at):
    book = opened(annotate_workbook(office, [found(FORM, "B5")], at=at).data)
    assert "bad-number (B5)" in book[FORM]["A4"].comment.text
    assert book["Findings (2)"]["F6"].value == "B5"


def test_the_sheet_of_findings_lists_all_by_rule_with_counts_and_links(office, found, at):
    findings = [
        found(FORM, "A1", value="x"),
        found(None, rule="no-data", message="nothing here"),
        found("Data", "C2", rule="unknown-label", suggestion="JPN", key={"SEX": "SEX_T"}),
        found("Gone", "C2", severity=Severity.WARNING, rule="number-as-text"),
        found("Data", "C9"),
        found("Data", "no cell", rule="unknown-flag"),
    ]
    annotation = annotate_workbook(office, findings, heading="office.xlsm: rejected", at=at)
    sheet = opened(annotation.data)[annotation.sheet]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=6, max_col=12)]
    assert [(row[0], row[1], row[2], row[4], row[5]) for row in rows] == [
        ("error", "bad-number", 2, FORM, "A1"),
        ("error", "bad-number", 2, "Data", "C9"),
        ("error", "no-data", 1, None, None),
        ("error", "unknown-flag", 1, "Data", "no cell"),
        ("error", "unknown-label", 1, "Data", "C2"),
        ("warning", "number-as-text", 1, "Gone", "C2"),
    ]
    assert sheet["A2"].value == "office.xlsm: rejected"
    assert sheet["A3"].value == "Checked 2026-11-24 20:00 UTC"
    assert sheet["F6"].hyperlink.location == "'Form & Dewi''s notes'!A1"
    assert sheet["F10"].hyperlink.location == "'Data'!C2"
    assert (sheet["F9"].hyperlink, sheet["F11"].hyperlink) == (None, None)
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A6", "A5:L11")
    assert (annotation.cells, annotation.elsewhere) == (3, 3)


def test_texts_that_look_like_markup_escapes_or_marks_come_out_as_they_are(office, found, at):
    message = "a_x0041_ <b> & \x07 ]]> =1+1 ILMS Exchange: x [ilms 9]"
    first = annotate_workbook(office, [found("Data", "C2", message=message)], at=at)
    assert (
        annotate_workbook(first.data, [found("Data", "C2", message=message)], at=at).data
        == first.data
    )
    book = opened(first.data)
    assert "a_x0041_ <b> & \ufffd ]]> =1+1" in book["Data"]["C2"].comment.text.replace(
        "_x005F_", "_"
    )
    assert book["Findings (2)"]["H6"].value.endswith("[ilms 9]")
    assert book["Findings (2)"]["H6"].data_type in ("s", "inlineStr")
