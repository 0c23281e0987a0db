"""An annotated questionnaire is read like the one that was annotated: same observations, same findings."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path

import openpyxl
import pytest

from converters.annotation.annotate import annotate_workbook
from converters.annotation.mark import COLOURS
from converters.questionnaire import read_questionnaire
from dsd.batch import rows_of

EXAMPLES = Path(__file__).parents[2] / "examples" / "converters"
CASES = sorted(path.parent.name for path in EXAMPLES.glob("deviations/*/edits.toml"))


def edited(case: str) -> bytes:
    """Return the workbook that LibreOffice saved with the edits of a case."""
    changes = tomllib.loads((EXAMPLES / "deviations" / case / "edits.toml").read_text("utf-8"))
    workbook = openpyxl.load_workbook(EXAMPLES / "saved_by_libreoffice" / "T15.xlsx")
    for edit in changes.get("edit", ()):
        name = edit.get("sheet", "T15")
        sheet = workbook[name] if name in workbook.sheetnames else workbook.create_sheet(name)
        sheet[edit["cell"]].value = None if edit.get("clear") else edit["value"]
        if "format" in edit:
            sheet[edit["cell"]].number_format = edit["format"]
        if "type" in edit:
            sheet[edit["cell"]].data_type = edit["type"]
    for area in changes.get("merge", ()):
        workbook["T15"].merge_cells(area)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def read(data: bytes, structures) -> tuple[object, ...]:
    conversion = read_questionnaire(data, structures)
    rows = [list(rows_of(dataset.batches)) for dataset in conversion.datasets]
    return rows, conversion.report.findings, conversion.tables


@pytest.mark.parametrize("case", CASES)
def test_it_reads_as_before_and_its_cells_say_what_was_found(case, structures):
    data = edited(case)
    before = read(data, structures)
    findings = before[1]
    annotation = annotate_workbook(data, findings)
    assert read(annotation.data, structures) == before
    assert annotation.elsewhere == sum(
        not (finding.locator or "").startswith("cell:") for finding in findings
    )
    workbook = openpyxl.load_workbook(io.BytesIO(annotation.data))
    listed = [row[7].value for row in workbook[annotation.sheet].iter_rows(min_row=6)]
    assert sorted(filter(None, listed)) == sorted(f.message for f in findings) or not listed
    comments = {
        (sheet.title, cell.coordinate): cell
        for sheet in workbook.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.comment
    }
    assert len(comments) == annotation.cells
    assert all(cell.fill.fgColor.rgb in COLOURS.values() for cell in comments.values())
    told = {finding.rule for finding in findings if finding.locator}
    assert all(any(rule in cell.comment.text for cell in comments.values()) for rule in told)
