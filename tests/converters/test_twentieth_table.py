"""A new table is a matter of artefact files: its template and its reading need no code."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from converters.questionnaire import read_questionnaire
from converters.table import UnknownTableError
from converters.template import filled_bytes, template_bytes
from dsd.batch import LOCATOR, rows_of
from dsd.structures import load_structures

FOLDER = Path(__file__).parent.parent / "examples" / "converters" / "twentieth_table"
ROWS = [
    {
        "REF_AREA": "PHL",
        "FREQ": "A",
        "MEASURE": "MNA_OPOP",
        "SEX": sex,
        "COUNTERPART_AREA": area,
        "CONTRACT": contract,
        "SOURCE": "_U",
        "TIME_PERIOD": "2024",
        "OBS_VALUE": value,
        "UNIT_MEASURE": "PS",
        "UNIT_MULT": "0",
        "RECRUITER": "Licensed agencies; government",
    }
    for sex, area, contract, value in [
        ("SEX_T", "TOTAL", "CONTRACT_T", "120"),
        ("SEX_F", "SAU", "CONTRACT_SHORT", "30.5"),
        ("SEX_M", "X", "CONTRACT_LONG", "0"),
    ]
]


@pytest.fixture(scope="module")
def with_table_20(structures):
    return structures.joined(load_structures([FOLDER]))


def test_its_sheet_follows_from_its_artefacts(with_table_20):
    data = template_bytes(with_table_20, "PHL", [2023, 2024], ["T20"])
    sheet = openpyxl.load_workbook(io.BytesIO(data))["T20"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(max_col=3)]
    assert rows[0][0] == "Table 20: Outflow of nationals by sex, destination and length of contract"
    captions = [row[0] for row in rows]
    assert "Recruited by" in captions
    first = captions.index("Country of destination") + 1
    assert rows[first - 1][:2] == ["Country of destination", "Length of contract"]
    assert rows[first : first + 4] == [
        ["Total", "Total", None],
        ["Total", "Up to two years", None],
        ["Total", "Over two years", None],
        ["...", "Total", None],
    ]


def test_its_figures_come_back(with_table_20):
    conversion = read_questionnaire(filled_bytes(with_table_20, "PHL", {"20": ROWS}), with_table_20)
    assert conversion.report.findings == []
    rows = list(rows_of(conversion.datasets[0].batches))
    assert all(row.pop(LOCATOR).startswith("cell:T20!") for row in rows)
    assert sorted(rows, key=str) == sorted(ROWS, key=str)


def test_its_constraints_say_who_may_report(with_table_20):
    with pytest.raises(UnknownTableError, match="takes no data"):
        template_bytes(with_table_20, "THA", [2024], ["T20"])
