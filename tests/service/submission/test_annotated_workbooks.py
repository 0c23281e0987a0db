"""Annotated submissions are checked like the ones that were annotated, with what is allowed in them."""

from __future__ import annotations

import io

import openpyxl
import pytest

from converters.annotation.mark import COLOURS
from dsd.structures import PACKAGE_ROOT
from service.submission.annotate import annotate_submission
from service.submission.receive import submit
from service.submission.report import rule_infos
from service.validation.waiver import read_waivers

SUBMISSIONS = PACKAGE_ROOT / "converters" / "examples" / "submissions"


@pytest.mark.parametrize("name", ["KHM", "LAO"])
def test_a_bundled_workbook_is_annotated_and_checked_again(name, structures, tmp_path):
    path = SUBMISSIONS / f"{name}.xlsx"
    waivers = read_waivers(path.with_suffix(".waivers.toml"), rule_infos())
    result = submit(path, structures, waivers=waivers)
    annotation = annotate_submission(path.read_bytes(), result)
    copy = tmp_path / path.name
    copy.write_bytes(annotation.data)
    again = submit(copy, structures, waivers=waivers)
    assert again.all_findings == result.all_findings
    assert [t.observations for t in again.tables] == [t.observations for t in result.tables]
    assert annotate_submission(annotation.data, result).data == annotation.data
    allowed = [finding for finding in result.all_findings if finding.waiver and finding.locator]
    assert allowed
    workbook = openpyxl.load_workbook(io.BytesIO(annotation.data))
    for finding in allowed:
        sheet, _, cell = finding.locator.removeprefix("cell:").rpartition("!")
        text = workbook[sheet][cell].comment.text
        assert f"ALLOWED {finding.rule}" in text
        assert finding.waiver[:60] in text
        assert workbook[sheet][cell].fill.fgColor.rgb in COLOURS.values()


def test_a_rule_on_content_says_how_to_mend(structures):
    path = SUBMISSIONS / "LAO.xlsx"
    result = submit(path, structures)
    rule = next(finding for finding in result.all_findings if finding.rejects)
    annotation = annotate_submission(path.read_bytes(), result)
    sheet = openpyxl.load_workbook(io.BytesIO(annotation.data))[annotation.sheet]
    row = next(row for row in sheet.iter_rows(min_row=6) if row[1].value == rule.rule)
    assert row[8].value == rule_infos()[rule.rule].mend
    assert sheet["A2"].value.startswith("LAO.xlsx: ")
