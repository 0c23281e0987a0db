"""SDMX-CSV from the service (check-list, point 35). sdmx-csv, field guides of 1.0, 2.0 and 2.1."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.service.rest.sample_data import V1, V2

NAMES = [
    "Frequency",
    "Reference area",
    "Sex",
    "Time period",
    "Observation value",
    "Status",
    "Note",
    "Method",
    "Minimum age",
    "Unit",
    "Coverage",
    "Title",
]
IDS = [
    "FREQ",
    "REF_AREA",
    "SEX",
    "TIME_PERIOD",
    "OBS_VALUE",
    "OBS_STATUS",
    "NOTE",
    "METHOD[]",
    "AGE_MIN",
    "UNIT_MEASURE",
    "COVERAGE",
    "TITLE",
]
AGREEMENT = "/sdmx/v2/data/provisionagreement/TST/PA_IDN/1.0.0"
STRUCTURE = "/sdmx/v2/data/datastructure/TST/DSD_T/1.0.0"


def text(
    client: Any, url: str, parameters: str = "", version: str = "2.1.0", **headers: str
) -> str:
    accept = f"application/vnd.sdmx.data+csv;version={version}{parameters}"
    response = client.get(url, headers={"Accept": accept, **headers})
    assert response.status_code == 200, response.text
    return str(response.data.decode())


def header(body: str) -> list[str]:
    return next(csv.reader(io.StringIO(body, newline="")))


@pytest.mark.parametrize("version", ["2.0.0", "2.1.0"])
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("", ["STRUCTURE[;]", "STRUCTURE_ID", "ACTION", *IDS]),
        (";labels=id;keys=none", ["STRUCTURE[;]", "STRUCTURE_ID", "ACTION", *IDS]),
        (";keys=series", ["STRUCTURE[;]", "STRUCTURE_ID", "ACTION", "SERIES_KEY", *IDS]),
        (";keys=obs", ["STRUCTURE[;]", "STRUCTURE_ID", "ACTION", "OBS_KEY", *IDS]),
        ("; keys=both", ["STRUCTURE[;]", "STRUCTURE_ID", "ACTION", "SERIES_KEY", "OBS_KEY", *IDS]),
        (
            ";labels=both",
            ["STRUCTURE[;]", "STRUCTURE_ID", "ACTION"]
            + [f"{id}: {name}" for id, name in zip(IDS, NAMES, strict=True)],
        ),
        (
            ";labels=name;keys=both",
            ["STRUCTURE[;]", "STRUCTURE_ID", "STRUCTURE_NAME", "ACTION", "SERIES_KEY", "OBS_KEY"]
            + [text for pair in zip(IDS, NAMES, strict=True) for text in pair],
        ),
    ],
)
def test_35_columns_in_their_order(sample_client, version, parameters, expected) -> None:
    assert header(text(sample_client, V2, parameters, version)) == expected


def test_35_columns_of_1_0(sample_client) -> None:
    ids = [id.removesuffix("[]") for id in IDS]
    assert header(text(sample_client, V1, version="1.0.0")) == ["DATAFLOW", *ids]
    both = header(text(sample_client, V1, ";labels=both", "1.0.0"))
    labelled = [f"{id}: {name}" for id, name in zip(ids, NAMES, strict=True)]
    labelled[4] = "OBS_VALUE"
    assert both == ["DATAFLOW", *labelled]
    nodata = header(text(sample_client, f"{V1}?detail=nodata", version="1.0.0"))
    assert nodata == ["DATAFLOW", "FREQ", "REF_AREA", "SEX", "UNIT_MEASURE", "COVERAGE", "TITLE"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (V2, ("dataflow", "TST:DF_T(1.0.0)")),
        (STRUCTURE, ("datastructure", "TST:DSD_T(1.0.0)")),
        (AGREEMENT, ("dataprovision", "TST:PA_IDN(1.0.0)")),
    ],
)
@pytest.mark.parametrize("version", ["2.0.0", "2.1.0"])
def test_35_the_words_for_structures(sample_client, url, expected, version) -> None:
    rows = csv.DictReader(io.StringIO(text(sample_client, url, version=version), newline=""))
    assert {(row["STRUCTURE[;]"], row["STRUCTURE_ID"]) for row in rows} == {expected}


def test_35_names_beside_or_in_the_cells(sample_client) -> None:
    body = text(sample_client, f"{V2}/A.IDN.SEX_M?c[TIME_PERIOD]=2020", ";labels=name;keys=both")
    *_, line = csv.reader(io.StringIO(body, newline=""))
    assert line == [
        "dataflow", "TST:DF_T(1.0.0)", "Test flow", "R", "A.IDN.SEX_M", "A.IDN.SEX_M.2020",
        "A", "Annual", "IDN", "Indonesia", "SEX_M", "Male", "2020", "", "1", "", "A", "Normal value", "", "",
        "M1;M2", 'Survey: labour force;"Register; permits"', "15", "", "", "", "", "", "", "",
    ]  # fmt: skip
    body = text(sample_client, f"{V2}/A.IDN.SEX_M?c[TIME_PERIOD]=2020", ";labels=both")
    *_, line = csv.reader(io.StringIO(body, newline=""))
    assert line[3:6] == ["A: Annual", "IDN: Indonesia", "SEX_M: Male"]
    # The first `: ` parts a code from its name.
    assert line[10].split(";")[0] == "M1: Survey: labour force"


def test_35_a_series_key_leaves_out_what_is_at_the_observation(sample_client) -> None:
    for asked, expected in (
        ("", {"A.IDN.SEX_F", "A.IDN.SEX_M", "A.LAO.SEX_M", "Q.LAO.SEX_M"}),
        (
            "SEX",
            {
                "A.IDN.2020",
                "A.IDN.2021",
                "A.IDN.2022",
                "A.LAO.2020",
                "Q.LAO.2020-Q1",
                "Q.LAO.2020-Q2",
            },
        ),
        ("AllDimensions", {""}),
    ):
        url = f"{V2}?dimensionAtObservation={asked}" if asked else V2
        rows = csv.DictReader(io.StringIO(text(sample_client, url, ";keys=both"), newline=""))
        observed = [row for row in rows if row["TIME_PERIOD"]]
        assert {row["SERIES_KEY"] for row in observed} == expected
        for row in observed:
            key = ".".join(row[id] for id in ("FREQ", "REF_AREA", "SEX", "TIME_PERIOD"))
            assert row["OBS_KEY"] == key


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0", "2.1.0"])
def test_35_lines_and_quotes_are_those_of_rfc_4180(sample_client, version) -> None:
    """Commas and points whatever the language: a decimal comma is for who separates by semicolons."""
    body = text(sample_client, V2, version=version, **{"Accept-Language": "fr"})
    assert body.endswith("\r\n")
    assert body.count("\n") == body.count("\r\n")
    assert '"a.b,c"' in body
    assert '"x;y ""q"""' in body
    assert ",2.50," in body
    rows = list(csv.DictReader(io.StringIO(body, newline="")))
    assert 'x;y "q"' in [row["NOTE"] for row in rows]
    assert all(None not in row and None not in row.values() for row in rows)


def test_35_sub_fields_are_announced_where_there_are_any(sample_client) -> None:
    plain = header(text(sample_client, f"{V2}?attributes=NOTE"))
    assert plain[0] == "STRUCTURE"
    assert header(text(sample_client, f"{V2}?attributes=METHOD"))[0] == "STRUCTURE[;]"


def test_35_nothing_found_is_told_by_the_status(sample_client) -> None:
    """A header alone is a message of no rows; REST has 204 and 404 for that."""
    response = sample_client.get(f"{V2}/A.TLS?format=csvdata")
    assert (response.status_code, response.data) == (204, b"")
    assert sample_client.get(f"{V1}/A.TLS.?format=csvdata").status_code == 404
