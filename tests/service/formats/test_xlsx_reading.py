"""Workbooks of data, ours and those that other programs saved."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from dsd.batch import Batch, rows_of
from dsd.dataset import AttributeValues, PreparedDataset, SetAttributes
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats.contract import DecodeOptions, EncodeOptions, Header
from service.formats.preamble import in_key_order, make_preamble
from service.formats.xlsx_data import encode_xlsx
from service.formats.xlsx_reader import decode_xlsx, is_data_workbook

HEADER = [
    "STRUCTURE",
    "STRUCTURE_ID",
    "ACTION",
    "FREQ",
    "REF_AREA",
    "SEX",
    "TIME_PERIOD",
    "OBS_VALUE",
]
ROW = ["dataflow", "TST:DF_T(1.0.0)", "R", "A", "IDN", "SEX_T", 2024, 12.5]


def read(
    body: bytes, structures: Structures, options: DecodeOptions | None = None
) -> tuple[list[dict[str, Any]], Report, list[Any]]:
    report, rows, datasets = Report(), [], []
    for dataset in decode_xlsx(io.BytesIO(body), structures, report, options or DecodeOptions()):
        rows += list(rows_of(dataset.batches))
        datasets.append(dataset)
    return rows, report, datasets


def saved(*sheets: list[list[Any]], formats: dict[str, str] | None = None) -> bytes:
    """A workbook as openpyxl saves it, with number formats by cell of the first sheet."""
    book = openpyxl.Workbook()
    for number, cells in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet()
        sheet.title = f"S{number + 1}"
        for row in cells:
            sheet.append(row)
    for cell, code in (formats or {}).items():
        book.worksheets[0][cell].number_format = code
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def test_figures_typed_by_a_person_are_read_as_they_are_shown(test_structures: Structures) -> None:
    rows, report, _ = read(saved([HEADER, ROW], formats={"H2": "0.000"}), test_structures)
    assert report.findings == []
    assert [(row["TIME_PERIOD"], row["OBS_VALUE"]) for row in rows] == [("2024", "12.500")]
    assert rows[0]["$locator"] == "cell:S1!A2"


def test_what_pandas_saves_of_sdmx_csv_is_read(
    header: Header,
    dsd: Dsd,
    batches: list[Batch],
    rows: list[dict[str, Any]],
    test_structures: Structures,
) -> None:
    from service.formats.sdmx_csv import encode_csv

    preamble = make_preamble(dsd, batches)
    part = PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble))
    text = b"".join(encode_csv(header, [part], EncodeOptions()))
    sink = io.BytesIO()
    pd.read_csv(io.BytesIO(text), dtype=str, keep_default_na=False, na_values=[""]).to_excel(
        sink, index=False
    )
    found, report, _ = read(sink.getvalue(), test_structures)
    assert report.findings == []
    plain = [{k: v for k, v in row.items() if k != "$locator"} for row in found]
    assert sorted(plain, key=str) == sorted(rows, key=str)


def test_ours_after_openpyxl_saved_it_again(
    header: Header,
    dsd: Dsd,
    batches: list[Batch],
    rows: list[dict[str, Any]],
    above: tuple[AttributeValues, ...],
    test_structures: Structures,
) -> None:
    preamble = make_preamble(dsd, batches, above)
    said = SetAttributes(set_id="S1", valid_to="2026-12-31T00:00:00")
    part = PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble), said=said)
    book = openpyxl.load_workbook(
        io.BytesIO(b"".join(encode_xlsx(header, [part], EncodeOptions())))
    )
    sink = io.BytesIO()
    book.save(sink)
    found, report, (dataset,) = read(sink.getvalue(), test_structures)
    assert report.findings == []
    assert dataset.said == said
    assert len(dataset.attributes) == len(above)
    values = {(row["REF_AREA"], row["TIME_PERIOD"]): row.get("OBS_VALUE") for row in found}
    assert values == {(row["REF_AREA"], row["TIME_PERIOD"]): row.get("OBS_VALUE") for row in rows}


def test_sheets_without_data_are_left_alone(test_structures: Structures) -> None:
    notes = [["Read me"], ["about the figures"]]
    rows, report, _ = read(saved(notes, [HEADER, ROW], [["x"]]), test_structures)
    assert [row["$locator"] for row in rows] == ["cell:S2!A2"]
    assert report.findings == []


def test_plain_columns_are_read_by_the_structure_that_the_caller_names(
    dsd: Dsd, test_structures: Structures
) -> None:
    body = saved([HEADER[3:], [], ROW[3:]])
    rows, _, _ = read(body, test_structures, DecodeOptions(dsd.urn))
    assert [(row["OBS_VALUE"], row["$locator"]) for row in rows] == [("12.5", "cell:S1!A3")]
    assert not is_data_workbook(io.BytesIO(body))
    rows, report, _ = read(body, test_structures)
    assert (rows, [finding.rule for finding in report.findings]) == ([], ["not-xlsx"])


@pytest.mark.parametrize(
    ("value", "code", "rule"),
    [
        (0.5, "0%", "unreadable-cell"),
        (1250, "#,##0,", "unreadable-cell"),
        (date(2024, 1, 1), "yyyy-mm-dd", "unreadable-cell"),
        ("=1/0", "General", "unreadable-cell"),
        ("#DIV/0!", "General", "unreadable-cell"),
    ],
)
def test_a_cell_that_may_mean_something_else_is_a_finding_at_its_place(
    value: Any, code: str, rule: str, test_structures: Structures
) -> None:
    body = saved([HEADER, [*ROW[:-1], value]], formats={"H2": code})
    rows, report, _ = read(body, test_structures)
    assert [(finding.rule, finding.locator) for finding in report.findings] == [
        (rule, "cell:S1!H2")
    ]
    assert "OBS_VALUE" not in rows[0]


def test_findings_of_rows_name_cells(test_structures: Structures) -> None:
    body = saved([[*HEADER, "REF_AREAS"], [*ROW, "x"], [*ROW[:6], None, 1, None, "beside"]])
    _, report, _ = read(body, test_structures)
    assert {finding.locator for finding in report.findings} >= {"cell:S1!J3"}
    assert all((finding.locator or "").startswith("cell:S1!") for finding in report.findings)


@pytest.mark.parametrize("body", [b"PK\x03\x04", b"nothing", saved([[]])])
def test_no_workbook_of_data_is_said(body: bytes, test_structures: Structures) -> None:
    rows, report, _ = read(body, test_structures)
    assert rows == []
    assert [finding.rule for finding in report.findings] == ["not-xlsx"]


def test_a_questionnaire_is_none() -> None:
    import converters.examples

    folder = Path(converters.examples.__file__).parent / "submissions"
    for file in sorted(folder.glob("*.xlsx")):
        with file.open("rb") as stream:
            assert not is_data_workbook(stream)
