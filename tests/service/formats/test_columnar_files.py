"""Parquet and Arrow files: ours as other programs see them, and theirs as we read them."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dsd.batch import Batch, batches_from_rows, rows_of
from dsd.dataset import AttributeValues, Dataset, PreparedDataset, SetAttributes
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats import find_data_format
from service.formats.contract import DecodeOptions, EncodeOptions, Header
from service.formats.preamble import make_preamble

NAMES = ("parquet", "arrow")
every_file = pytest.mark.parametrize("name", NAMES)
SAID = SetAttributes(set_id="S1", valid_from="2026-01-01T00:00:00Z", publication_year="2026")


def encode(name: str, header: Header, dataset: PreparedDataset, **options: Any) -> bytes:
    entry = find_data_format(name)
    assert entry.encode
    return b"".join(entry.encode(header, [dataset], EncodeOptions(**options)))


def decode(
    name: str, body: bytes, structures: Structures, options: DecodeOptions | None = None
) -> tuple[list[dict[str, Any]], list[Dataset], Report]:
    entry, report = find_data_format(name), Report()
    assert entry.decode
    datasets = []
    rows: list[dict[str, Any]] = []
    for dataset in entry.decode(io.BytesIO(body), structures, report, options or DecodeOptions()):
        rows += rows_of(dataset.batches)
        datasets.append(dataset)
    return rows, datasets, report


def table_of(name: str, body: bytes) -> pa.Table:
    if name == "parquet":
        return pq.read_table(io.BytesIO(body))
    return pa.ipc.open_stream(body).read_all()


@every_file
def test_the_schema_says_what_the_columns_are(
    name: str,
    header: Header,
    dsd: Dsd,
    batches: list[Batch],
    above: tuple[AttributeValues, ...],
    test_structures: Structures,
) -> None:
    dataset = PreparedDataset(dsd, make_preamble(dsd, batches, above), batches, said=SAID)
    body = encode(name, header, dataset)
    schema = table_of(name, body).schema
    assert schema.metadata[b"sdmx.structure"].decode() == str(dsd.urn)
    assert schema.metadata[b"sdmx.datastructure"].decode() == str(dsd.structure.urn)
    assert (
        schema.field("REF_AREA").metadata[b"sdmx.codelist"].decode().endswith("TST:CL_AREA(1.0.0)")
    )
    assert schema.field("OBS_VALUE").metadata[b"sdmx.role"] == b"measure"
    _, (found,), report = decode(name, body, test_structures)
    assert found.said == SAID
    assert report.findings == []


@every_file
def test_figures_come_as_reported_and_as_numbers(
    name: str, header: Header, dsd: Dsd, batches: list[Batch]
) -> None:
    table = table_of(
        name, encode(name, header, PreparedDataset(dsd, make_preamble(dsd, batches), batches))
    )
    texts = table["OBS_VALUE"].to_pylist()
    for text, number in zip(texts, table["$OBS_VALUE"].to_pylist(), strict=True):
        try:
            assert number == float(text) or number != number
        except (TypeError, ValueError):
            assert number is None


def test_pandas_and_duckdb_read_parquet_to_the_same(
    header: Header, dsd: Dsd, batches: list[Batch], rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    file = tmp_path / "data.parquet"
    file.write_bytes(
        encode("parquet", header, PreparedDataset(dsd, make_preamble(dsd, batches), batches))
    )
    frame = pd.read_parquet(file)
    found = duckdb.connect().read_parquet(str(file)).fetchall()
    assert [None if text != text else text for text in frame["OBS_VALUE"].tolist()] == [
        row.get("OBS_VALUE") for row in rows
    ]
    place = list(frame.columns).index("REF_AREA")
    assert [row[place] for row in found] == [row["REF_AREA"] for row in rows]


def foreign(name: str, columns: dict[str, Any]) -> bytes:
    table = pa.table(columns)
    sink = io.BytesIO()
    if name == "parquet":
        pq.write_table(table, sink)
    else:
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue()


KEY = {"FREQ": ["A", "A"], "REF_AREA": ["IDN", "LAO"], "SEX": ["SEX_T", "SEX_T"]}


@every_file
def test_a_file_of_another_program_is_read_by_the_structure_that_the_caller_names(
    name: str, dsd: Dsd, test_structures: Structures
) -> None:
    columns = KEY | {
        "TIME_PERIOD": pa.array([2023, 2024], pa.int16()),
        "OBS_VALUE": pa.array([12.5, float("nan")]),
        "OBS_STATUS": pa.array(["A", None]).dictionary_encode(),
        "METHOD": pa.array([["M1", "M2"], []], pa.large_list(pa.string())),
        "mine": [1, 2],
    }
    rows, (found,), report = decode(
        name, foreign(name, columns), test_structures, DecodeOptions(dsd.urn)
    )
    assert found.dsd.urn == dsd.urn
    assert [row["OBS_VALUE"] for row in rows] == ["12.5", "NaN"]
    assert [row["TIME_PERIOD"] for row in rows] == ["2023", "2024"]
    assert rows[0]["METHOD"] == ["M1", "M2"]
    assert [row["$locator"] for row in rows] == ["row:1", "row:2"]
    assert sorted(finding.rule for finding in report.findings) == ["binary-number", "custom-column"]


@every_file
def test_a_file_without_a_structure_needs_one_named(name: str, test_structures: Structures) -> None:
    rows, datasets, report = decode(name, foreign(name, KEY), test_structures)
    assert (rows, datasets) == ([], [])
    assert [finding.rule for finding in report.findings] == ["unknown-structure"]


@every_file
@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([Decimal("12.50"), Decimal("7.00")]), ["12.50", "7.00"]),
        (pa.array([2**60, -1], pa.int64()), [str(2**60), "-1"]),
        (pa.array([1e22, 1.5], pa.float64()), ["1e+22", "1.5"]),
        (pa.array([0.1, 3.0], pa.float32()), ["0.1", "3"]),
        (pa.array([date(2024, 1, 1), None]), ["2024-01-01", None]),
        (
            pa.array(
                [datetime(2024, 1, 1, 9, tzinfo=UTC).replace(tzinfo=None), None], pa.timestamp("s")
            ),
            ["2024-01-01T09:00:00", None],
        ),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array(["12.0", ""]), ["12.0", ""]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_values_of_any_type_become_texts(
    name: str, column: pa.Array, expected: list[str | None], dsd: Dsd, test_structures: Structures
) -> None:
    body = foreign(name, KEY | {"TIME_PERIOD": ["2023", "2024"], "OBS_VALUE": column})
    rows, _, _ = decode(name, body, test_structures, DecodeOptions(dsd.urn))
    assert [row.get("OBS_VALUE") for row in rows] == expected


@every_file
def test_what_is_wrong_with_columns_is_said(
    name: str, dsd: Dsd, test_structures: Structures
) -> None:
    columns = {
        "FREQ": ["A"],
        "REF_AREAS": ["IDN"],
        "SEX": ["SEX_T"],
        "TIME_PERIOD": ["2024"],
        "OBS_VALUE": pa.array([b"\x00"], pa.binary()),
        "$action": ["Upsert"],
    }
    rows, _, report = decode(name, foreign(name, columns), test_structures, DecodeOptions(dsd.urn))
    found = {finding.rule: finding for finding in report.findings}
    assert set(found) == {
        "unknown-column",
        "missing-dimension",
        "unreadable-column",
        "unknown-action",
    }
    assert found["unknown-column"].suggestion == "REF_AREA"
    assert len(rows) == 1


@every_file
def test_rows_that_disagree_above_the_observation_are_told_across_batches(
    name: str, dsd: Dsd, test_structures: Structures
) -> None:
    count = 70_000
    columns = {
        "FREQ": ["A"] * count,
        "REF_AREA": ["IDN"] * count,
        "SEX": ["SEX_T"] * count,
        "TIME_PERIOD": ["2024"] * count,
        "OBS_VALUE": ["1"] * count,
        "TITLE": ["one"] * (count - 1) + ["two"],
    }
    _, (found,), report = decode(
        name, foreign(name, columns), test_structures, DecodeOptions(dsd.urn)
    )
    assert [(entry.key, entry.values) for entry in found.attributes] == [({}, {"TITLE": "one"})]
    (finding,) = report.findings
    assert (finding.rule, finding.locator) == ("contradictory-attribute", f"row:{count}")


@every_file
def test_series_alone_have_no_column_of_periods(name: str, header: Header, dsd: Dsd) -> None:
    series = [{"FREQ": "A", "REF_AREA": area, "SEX": "SEX_T"} for area in ("IDN", "LAO")]
    batches = list(batches_from_rows(dsd, series))
    dataset = PreparedDataset(dsd, make_preamble(dsd, batches), batches)
    ids = ("FREQ", "REF_AREA", "SEX")
    body = encode(name, header, dataset, series_only=True, component_ids=ids)
    assert table_of(name, body).schema.names == list(ids)
