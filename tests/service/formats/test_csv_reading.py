"""Each folder of examples/formats/csv_reading: a file, and the datasets and findings that it gives."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsd.batch import rows_of
from dsd.finding import Report
from dsd.structures import Structures
from service.formats.csv_cells import split_sub_fields
from service.formats.csv_table import CsvText
from service.formats.sdmx_csv import quoted, sub_fields
from service.formats.sdmx_csv_reader import decode_csv

CASES = Path(__file__).parents[2] / "examples" / "formats" / "csv_reading"


def outcome(body: bytes, structures: Structures) -> dict[str, Any]:
    report = Report()
    datasets = [
        {
            "structure": dataset.dsd.urn.short,
            "agreement": dataset.dsd.agreement.short if dataset.dsd.agreement else None,
            "action": dataset.action.value,
            "rows": list(rows_of(dataset.batches)),
            "attributes": [[entry.key, entry.values] for entry in dataset.attributes],
        }
        for dataset in decode_csv(io.BytesIO(body), structures, report)
    ]
    findings = [
        [f.rule, f.severity.value, f.locator, f.component, f.value, f.suggestion]
        for f in report.findings
    ]
    return {"datasets": datasets, "findings": findings}


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_a_file_gives_what_its_example_says(case: str, test_structures: Structures) -> None:
    body = (CASES / case / "input.csv").read_bytes()
    expected = json.loads((CASES / case / "expected.json").read_text(encoding="utf-8"))
    assert outcome(body, test_structures) == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_makes_no_difference(encoding: str, test_structures: Structures) -> None:
    body = (CASES / "ordinary" / "input.csv").read_bytes()
    assert outcome(body.decode().encode(encoding), test_structures) == outcome(
        body, test_structures
    )


def test_windows_line_ends_make_no_difference(test_structures: Structures) -> None:
    body = (CASES / "row_actions" / "input.csv").read_bytes()
    assert outcome(body.replace(b"\n", b"\r\n"), test_structures) == outcome(body, test_structures)


def test_a_text_that_is_no_utf_8_is_a_finding_with_its_line(test_structures: Structures) -> None:
    body = (CASES / "ordinary" / "input.csv").read_bytes().replace(b"special", b"sp\xe9cial")
    found = outcome(body, test_structures)
    assert found == {
        "datasets": [],
        "findings": [["wrong-encoding", "fatal", "line:2", None, None, None]],
    }


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        (b"", ["not-sdmx-csv"]),
        (b"STRUCTURE", ["not-sdmx-csv"]),
        (b"STRUCTURE,STRUCTURE_ID", []),
        (b"STRUCTURE,STRUCTURE_ID\n\n\n", []),
        (b'"STRUCTURE";"STRUCTURE_ID"\r\n', []),
    ],
)
def test_files_without_rows(body: bytes, rules: list[str], test_structures: Structures) -> None:
    found = outcome(body, test_structures)
    assert found["datasets"] == []
    assert [finding[0] for finding in found["findings"]] == rules


cells = st.text(st.sampled_from('ab ,;"\n\r\té:'), max_size=5)


@given(
    rows=st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=6),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
)
def test_cells_are_read_as_the_csv_module_reads_them(rows: list[list[str]], end: str) -> None:
    text = "".join(",".join(map(quoted, row)) + end for row in [["x", "y", "z"], *rows])
    report = Report()
    body = CsvText(io.BytesIO(text.encode()), report, read_bytes=7)
    assert list(body.header(",")) == ["x", "y", "z"]
    tables = list(body.tables(",", 3))
    reader = csv.reader(io.StringIO(text, newline=""))
    next(reader)
    expected, lines, line = [], [], reader.line_num + 1
    for row in reader:
        if row:
            expected.append(row)
            lines.append(line)
        line = reader.line_num + 1
    found = [
        list(row)
        for table in tables
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True)
    ]
    assert found == expected
    assert [line for table in tables for line in table.lines.tolist()] == lines
    assert report.findings == []


@given(values=st.lists(cells, max_size=4))
def test_sub_fields_come_back(values: list[str]) -> None:
    assert split_sub_fields(sub_fields(values), ";") == values
