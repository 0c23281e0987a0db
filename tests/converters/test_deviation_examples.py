"""Each case edits a workbook saved by LibreOffice; what the reader says of it is in expected.json."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path

import openpyxl
import pytest

from converters.questionnaire import read_questionnaire
from dsd.batch import LOCATOR, rows_of

EXAMPLES = Path(__file__).parent.parent / "examples" / "converters"
BASE = EXAMPLES / "saved_by_libreoffice" / "T15.xlsx"
CASES = sorted(path.parent.name for path in EXAMPLES.glob("deviations/*/edits.toml"))


def edited(case: Path) -> bytes:
    """Return the base workbook with the edits of a case, made by openpyxl."""
    changes = tomllib.loads((case / "edits.toml").read_text(encoding="utf-8"))
    workbook = openpyxl.load_workbook(BASE)
    for edit in changes.get("edit", ()):
        name = edit.get("sheet", "T15")
        sheet = workbook[name] if name in workbook.sheetnames else workbook.create_sheet(name)
        cell = sheet[edit["cell"]]
        cell.value = None if edit.get("clear") else edit["value"]
        if "format" in edit:
            cell.number_format = edit["format"]
        if "type" in edit:
            cell.data_type = edit["type"]
    for area in changes.get("merge", ()):
        workbook["T15"].merge_cells(area)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("name", CASES)
def test_a_deviation_is_found_at_its_cell(name, structures):
    case = EXAMPLES / "deviations" / name
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    conversion = read_questionnaire(edited(case), structures)
    found = [
        {
            "rule": finding.rule,
            "locator": finding.locator,
            "value": finding.value,
            "suggestion": finding.suggestion,
        }
        for finding in conversion.report.findings
    ]
    assert found == expected["findings"]
    rows = {
        str(row[LOCATOR]).rpartition("!")[2]: row
        for dataset in conversion.datasets
        for row in rows_of(dataset.batches)
    }
    assert len(rows) == expected["observations"]
    for cell, values in expected.get("rows", {}).items():
        if values is None:
            assert cell not in rows
            continue
        for id, value in values.items():
            if isinstance(value, int):
                assert len(rows[cell][id]) == value
            else:
                assert rows[cell].get(id) == value, (cell, id)


def test_the_base_workbook_has_no_findings(structures):
    conversion = read_questionnaire(BASE, structures)
    assert conversion.report.findings == []
    assert [table.observations for table in conversion.tables] == [42]
