"""SDMX-JSON 2.1 data: valid, with the names, links and indexes that the field guide asks for."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from dsd.batch import Batch, batches_from_rows, rows_of
from dsd.dataset import AttributeValues, Preamble, PreparedDataset
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats.contract import EncodeOptions, Header
from service.formats.preamble import make_preamble
from service.formats.sdmx_json import encode_json
from service.formats.sdmx_json_reader import decode_json

Check = Callable[[bytes, str], Any]


def write(
    header: Header, dsd: Dsd, preamble: Preamble, batches: list[Batch], **options: Any
) -> bytes:
    return b"".join(
        encode_json(header, [PreparedDataset(dsd, preamble, batches)], EncodeOptions(**options))
    )


def read(message: Any, structures: Structures) -> tuple[list[dict[str, Any]], Report]:
    report = Report()
    datasets = decode_json(io.BytesIO(json.dumps(message).encode()), structures, report)
    return [row for dataset in datasets for row in rows_of(dataset.batches)], report


@pytest.fixture
def message(
    header: Header, dsd: Dsd, preamble: Preamble, batches: list[Batch], check_json: Check
) -> Any:
    return check_json(write(header, dsd, preamble, batches), "data")


@pytest.mark.parametrize("dimension", ["TIME_PERIOD", "AllDimensions", "SEX"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("languages", [(), ("fr",), ("fr", "en"), ("*",)])
def test_33_every_layout_is_valid(
    header: Header,
    dsd: Dsd,
    preamble: Preamble,
    batches: list[Batch],
    check_json: Check,
    dimension: str,
    packed: bool,
    languages: tuple[str, ...],
) -> None:
    body = write(
        header,
        dsd,
        preamble,
        batches,
        dimension_at_observation=dimension,
        pack_single_values=packed,
        languages=languages,
    )
    check_json(body, "data")


def test_33_an_empty_answer_is_valid(header: Header, dsd: Dsd, check_json: Check) -> None:
    for dimension in ("TIME_PERIOD", "AllDimensions"):
        body = write(header, dsd, make_preamble(dsd, []), [], dimension_at_observation=dimension)
        check_json(body, "data")


def test_32_the_first_link_is_what_was_asked_for(
    message: Any,
    header: Header,
    test_structures: Structures,
    preamble: Preamble,
    batches: list[Batch],
) -> None:
    links = message["data"]["structures"][0]["links"]
    assert [link["rel"] for link in links] == ["dataflow", "datastructure"]
    urn = "urn:sdmx:org.sdmx.infomodel.registry.ProvisionAgreement=TST:PA_IDN(1.0.0)"
    body = write(header, test_structures.dsd(urn), preamble, batches)
    assert json.loads(body)["data"]["structures"][0]["links"][0]["urn"] == urn


def test_32_key_positions_and_time_intervals(message: Any) -> None:
    dimensions = message["data"]["structures"][0]["dimensions"]
    stated = [*dimensions["series"], *dimensions["observation"]]
    assert [(d["id"], d["keyPosition"]) for d in stated] == [
        ("FREQ", 0),
        ("REF_AREA", 1),
        ("SEX", 2),
        ("TIME_PERIOD", 3),
    ]
    assert dimensions["observation"][0]["values"][0] == {
        "id": "2022",
        "name": "2022",
        "start": "2022-01-01T00:00:00Z",
        "end": "2022-12-31T23:59:59Z",
    }


def test_32_relationships_are_those_of_the_structure(message: Any) -> None:
    attributes = message["data"]["structures"][0]["attributes"]
    found = {a["id"]: a["relationship"] for level in attributes.values() for a in level}
    assert found["OBS_STATUS"] == {"observation": {}}
    assert found["UNIT_MEASURE"] == {"dimensions": ["FREQ", "REF_AREA", "SEX"]}
    assert found["COVERAGE"] == {"dimensions": ["REF_AREA"]}
    assert found["TITLE"] == {"dataflow": {}}


def test_32_names_follow_the_languages(
    header: Header, dsd: Dsd, preamble: Preamble, batches: list[Batch]
) -> None:
    def area(*languages: str) -> tuple[Any, Any]:
        found = json.loads(write(header, dsd, preamble, batches, languages=languages))
        values = found["data"]["structures"][0]["dimensions"]["series"][1]["values"]
        return found["meta"]["contentLanguages"][0], values[0]

    assert area() == ("en", {"id": "IDN", "name": "Indonesia", "parent": "ASEAN"})
    assert area("fr-CH")[0] == "fr"
    assert area("fr-CH")[1]["name"] == "Indonésie"
    assert "names" not in area("fr-CH")[1]
    assert area("fr", "en")[1]["names"] == {"en": "Indonesia", "fr": "Indonésie"}
    assert area("*")[1]["names"].keys() == {"en", "fr", "th"}


def test_digits_are_kept(message: Any, rows: list[dict[str, Any]]) -> None:
    body = json.dumps(message)
    assert "12.0" in body
    assert '"NaN"' in body


def test_a_coded_measure_is_written_by_number(
    header: Header, dsd: Dsd, rows: list[dict[str, Any]], test_structures: Structures
) -> None:
    batches = list(batches_from_rows(dsd, rows))
    found, report = read(
        json.loads(write(header, dsd, make_preamble(dsd, batches), batches)), test_structures
    )
    assert report.findings == []
    assert [row.get("METHOD") for row in found] == [row.get("METHOD") for row in rows]


def test_an_index_out_of_range_is_a_finding_with_its_place(
    message: Any, test_structures: Structures
) -> None:
    series = message["data"]["dataSets"][0]["series"]["0:0:0"]
    series["observations"]["1"][1] = 99
    found, report = read(message, test_structures)
    assert len(found) == 5
    (finding,) = report.findings
    assert finding.rule == "index-out-of-range"
    assert finding.component == "OBS_STATUS"
    assert finding.locator == "pointer:/data/dataSets/0/series/0:0:0/observations/1"


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b"[" * 100_000, "not-json"),
        (b"[]", "not-sdmx-json"),
        (b'{"data": {"dataSets": []}}', "not-sdmx-json"),
        (b'{"data": {"structures": [], "dataSets": [{"structure": 3}]}}', "not-sdmx-json"),
        (b'{"data": {"structures": [{}], "dataSets": [{}]}}', "unknown-structure"),
    ],
)
def test_what_is_no_message_is_a_finding(
    body: bytes, rule: str, test_structures: Structures
) -> None:
    report = Report()
    assert list(decode_json(io.BytesIO(body), test_structures, report)) == []
    assert [finding.rule for finding in report.findings] == [rule]


def test_29_attributes_are_written_where_the_structure_attaches_them(message: Any) -> None:
    structure, dataset = message["data"]["structures"][0], message["data"]["dataSets"][0]
    listed = {level: [a["id"] for a in found] for level, found in structure["attributes"].items()}
    assert listed == {
        "dataSet": ["TITLE"],
        "dimensionGroup": ["COVERAGE"],
        "series": ["UNIT_MEASURE"],
        "observation": ["OBS_STATUS", "NOTE", "METHOD", "AGE_MIN"],
    }
    assert dataset["attributes"] == ["All & sundry"]
    assert dataset["dimensionGroupAttributes"] == {":0::": ['whole, "national" <area>']}
    codes = [value["id"] for value in structure["attributes"]["series"][0]["values"]]
    units = [series.get("attributes", [None])[0] for series in dataset["series"].values()]
    assert [None if unit is None else codes[unit] for unit in units] == ["PS", None, "PC"]


def test_29_a_series_with_attributes_and_no_observation_is_kept(
    header: Header, dsd: Dsd, batches: list[Batch], check_json: Check, test_structures: Structures
) -> None:
    alone = AttributeValues(
        {"FREQ": "A", "REF_AREA": "TLS", "SEX": "SEX_M"}, {"UNIT_MEASURE": "PC"}
    )
    above = make_preamble(dsd, batches, [alone])
    for rows in (batches, []):
        message = check_json(write(header, dsd, above, rows), "data")
        series = message["data"]["dataSets"][0]["series"]
        assert len(series) == (4 if rows else 1)
        assert list(series.values())[-1] == {"attributes": [0]}
        report = Report()
        (found,) = decode_json(io.BytesIO(json.dumps(message).encode()), test_structures, report)
        assert len(list(rows_of(found.batches))) == (5 if rows else 0)
        assert list(found.attributes) == [alone]
        assert report.findings == []


def test_series_attributes_go_where_the_structure_has_them(
    message: Any, test_structures: Structures
) -> None:
    """An attribute of the observation may be packed with its series, one of the series with the observation."""
    structure, dataset = message["data"]["structures"][0], message["data"]["dataSets"][0]
    attributes = structure["attributes"]
    status = attributes["observation"].pop(0)
    (unit,) = attributes["series"]
    attributes["series"] = [status]
    attributes["observation"].append(unit)
    for series in dataset["series"].values():
        series["attributes"] = [1]
        for values in series["observations"].values():
            del values[1]
    for values in dataset["series"]["0:1:0"]["observations"].values():
        values += [None] * (4 - len(values)) + [1]
    report = Report()
    body = io.BytesIO(json.dumps(message).encode())
    (found,) = decode_json(body, test_structures, report)
    assert report.findings == []
    assert {row["OBS_STATUS"] for row in rows_of(found.batches)} == {"E"}
    key = {"FREQ": "A", "REF_AREA": "LAO", "SEX": "SEX_T"}
    assert [entry.values for entry in found.attributes if entry.key == key] == [
        {"UNIT_MEASURE": "PC"}
    ]
