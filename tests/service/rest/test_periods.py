"""Periods in data queries (spec check-list, points 21 and 22). SDMX 3.1 Section 6, 4.2; SDMX-REST 2.2.2, doc/data.md."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree

from dsd.batch import batches_from_rows
from dsd.dataset import AttributeValues, Dataset
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.store import open_store
from service.store.protocol import SubmissionRecord

FOLDER = Path(__file__).parents[2] / "examples" / "rest" / "periods"
CASES = tomllib.loads((FOLDER / "cases.toml").read_text(encoding="utf-8"))["case"]
START_DAY = "REPORTING_YEAR_START_DAY"
KEY = ("PLACE", "ITEM", "TIME_PERIOD")
FISCAL = ("DF_FISCAL_ROWS", "DF_FISCAL_SERIES", "DF_FISCAL_PLACES")
Found = dict[str, list[str]]


@pytest.fixture(scope="module")
def period_structures() -> Structures:
    return Structures(decode_structures((FOLDER / "structures.json").read_bytes()).data.all())


def rows_of(flow: str) -> list[dict[str, str]]:
    with (FOLDER / "observations.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.pop("FLOW") == flow]
    return [{id: text for id, text in row.items() if text} for row in rows]


def datasets(structures: Structures) -> Iterator[Dataset]:
    """Yield the observations; start days stand where the attribute of each structure is attached."""

    def dataset(flow: str, rows: list[dict[str, str]], *above: AttributeValues) -> Dataset:
        dsd = structures.dsd(
            f"urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:{flow}(1.0.0)"
        )
        return Dataset(dsd, list(batches_from_rows(dsd, rows)), attributes=above)

    yield dataset("DF_MOMENTS", rows_of("DF_MOMENTS"))
    fiscal = rows_of("DF_FISCAL")
    bare = [{id: text for id, text in row.items() if id != START_DAY} for row in fiscal]
    july = {START_DAY: "--07-01"}
    yield dataset("DF_FISCAL_ROWS", fiscal)
    yield dataset("DF_FISCAL_SERIES", bare, AttributeValues({"PLACE": "JUL", "ITEM": "X"}, july))
    yield dataset("DF_FISCAL_PLACES", bare, AttributeValues({"PLACE": "JUL"}, july))
    yield dataset(
        "DF_FISCAL_FLOW", [r for r in bare if r["PLACE"] == "JUL"], AttributeValues({}, july)
    )
    timeless = [{"PLACE": place, "ITEM": item, "OBS_VALUE": "1"} for place in "AB" for item in "XY"]
    yield dataset("DF_TIMELESS", timeless)


@pytest.fixture(scope="module")
def period_client(
    period_structures: Structures,
    tmp_path_factory: pytest.TempPathFactory,
    client_of: Callable[[Flask], FlaskClient],
) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("periods")
    own = Settings(store_folder=folder / "store", temporary_folder=folder / "temporary")
    store = open_store(own)
    store.write(list(datasets(period_structures)), SubmissionRecord("all"))
    yield client_of(create_app(own, period_structures, store))
    store.close()


def url(flow: str, line: str, query: str) -> str:
    path = f"v2/data/dataflow/TST/{flow}/1.0.0" if line == "v2" else f"v1/data/TST,{flow},1.0.0"
    return f"/sdmx/{path}?{query}&format=csvdata".replace("?&", "?")


def table(response: Any) -> list[dict[str, str]]:
    if response.status_code in (204, 404):
        return []
    assert response.status_code == 200, response.text
    rows = csv.DictReader(io.StringIO(response.text, newline=""))
    # Values above the observation have rows of their own.
    return [row for row in rows if row["OBS_VALUE"]]


def by_place(rows: list[dict[str, str]]) -> Found:
    found: Found = {}
    for row in rows:
        found.setdefault(row["PLACE"], []).append(row["TIME_PERIOD"])
    return found


def asked() -> Iterator[Any]:
    for case in CASES:
        flows = FISCAL if case["flow"] == "DF_FISCAL" else (case["flow"],)
        for flow in flows:
            for line in ("v1", "v2"):
                if line in case:
                    name = f"{line} {flow}: {case['name']}"
                    yield pytest.param(flow, line, case[line], case["found"], id=name)


@pytest.mark.parametrize(("flow", "line", "query", "expected"), list(asked()))
def test_21_periods_are_matched_to_the_moment_and_told_in_time_order(
    period_client: FlaskClient, flow: str, line: str, query: str, expected: Found
) -> None:
    assert by_place(table(period_client.get(url(flow, line, query)))) == expected


def available(client: FlaskClient, flow: str, query: str = "") -> tuple[int, int, str, str]:
    """Return numbers of series and observations, and the first and last period, which XML writes as they are."""
    accept = {"Accept": "application/vnd.sdmx.structure+xml;version=3.1.0"}
    path = f"/sdmx/v2/availability/dataflow/TST/{flow}/1.0.0?{query}"
    tree = etree.fromstring(client.get(path, headers=accept).data)
    (found,) = tree.iter("{*}AvailabilityConstraint")
    first, last = (found.findtext(f".//{{*}}{name}Period") for name in ("Start", "End"))
    return int(found.get("seriesCount")), int(found.get("obsCount")), first, last


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if "v2" in case and "Observations" not in case["v2"]],
    ids=lambda case: case["name"],
)
def test_21_availability_counts_what_the_data_query_finds(
    period_client: FlaskClient, case: dict[str, Any]
) -> None:
    for flow in FISCAL if case["flow"] == "DF_FISCAL" else (case["flow"],):
        in_order = table(period_client.get(url(flow, "v2", f"{case['v2']}&sort=TIME_PERIOD")))
        series, observations, first, _ = available(period_client, flow, case["v2"])
        assert observations == len(in_order) == sum(map(len, case["found"].values()))
        assert (series, first) == (len(case["found"]), in_order[0]["TIME_PERIOD"])


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.get("v1") and "Observations" not in case["v1"]],
    ids=lambda case: case["name"],
)
def test_21_availability_of_1_5_counts_the_same(
    period_client: FlaskClient, case: dict[str, Any]
) -> None:
    for flow in FISCAL if case["flow"] == "DF_FISCAL" else (case["flow"],):
        path = f"/sdmx/v1/availableconstraint/TST,{flow},1.0.0?{case['v1']}"
        tree = etree.fromstring(period_client.get(path).data)
        counts = {
            entry.get("id"): int(entry.findtext("{*}AnnotationTitle"))
            for entry in tree.iter("{*}Annotation")
        }
        assert counts == {
            "series_count": len(case["found"]),
            "obs_count": sum(map(len, case["found"].values())),
        }


def test_21_a_start_day_of_the_whole_dataflow(period_client: FlaskClient) -> None:
    (case,) = (case for case in CASES if case.get("section") == "Gregorian Period")
    found = table(period_client.get(url("DF_FISCAL_FLOW", "v2", case["v2"])))
    assert by_place(found) == {"JUL": case["found"]["JUL"]}


@pytest.mark.parametrize(
    ("flow", "query", "expected"),
    [
        ("DF_MOMENTS", "", ("2010-03", "2010-Q2")),
        (
            "DF_MOMENTS",
            "c[TIME_PERIOD]=ge:2010-03-31T10:00:00%2Ble:2010-03-31T23:59:59.9",
            ("2010-03-31T10:00:00+07:00", "2010-03-31T23:59:59.5"),
        ),
        ("DF_FISCAL_FLOW", "", ("2010", "2011")),
        ("DF_FISCAL_FLOW", "c[TIME_PERIOD]=lt:2010-Q3", ("2010-S1", "2010-D184")),
    ],
)
def test_21_the_range_of_time_is_that_of_moments(
    period_client: FlaskClient, flow: str, query: str, expected: tuple[str, str]
) -> None:
    assert available(period_client, flow, query)[2:] == expected


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_21_rows_are_sorted_by_moments(period_client: FlaskClient, direction: str) -> None:
    expected = [
        *("2010-03", "2010-03-31+07:00", "2010-03-31T00:00:00", "2010-03-31"),
        *("2010-03-31T02:00:00", "2010-03-31T10:00:00+07:00", "2010-03-31T04:00:00Z"),
        *("2010-03-31T10:00:00", "2010-03-31T10:00:00/PT5H", "2010-03-31T10:00:00.1"),
        *("2010-03-31T10:00:00.2", "2010-04-01T00:30:00+07:00", "2010-03-31T23:59:59.5"),
        *("2010-03-31T24:00:00", "2010-04-01", "2010-Q2"),
    ]
    query = f"sort=TIME_PERIOD:{direction}"
    rows = table(period_client.get(url("DF_MOMENTS", "v2", query)))
    found = [row["TIME_PERIOD"] for row in rows]
    assert found == (expected if direction == "asc" else expected[::-1])
    pages = [
        table(period_client.get(url("DF_MOMENTS", "v2", f"{query}&limit=5&offset={start}")))
        for start in range(0, 20, 5)
    ]
    assert [row for page in pages for row in page] == rows


def test_21_a_moment_keeps_its_text_in_every_format(period_client: FlaskClient) -> None:
    query = "c[TIME_PERIOD]=2010-03-31T10:00:00.1"
    for name in ("jsondata", "structurespecificdata", "genericdata"):
        found = period_client.get(url("DF_MOMENTS", "v2", query).replace("csvdata", name))
        assert "2010-03-31T10:00:00.1" in found.text
        assert "10:00:00.2" not in found.text
    path = url("DF_MOMENTS", "v2", "c[PLACE]=ZONES").replace("csvdata", "jsondata")
    values = period_client.get(path)
    dimensions = values.json["data"]["structures"][0]["dimensions"]["observation"]
    spans = {value["value"]: (value["start"], value["end"]) for value in dimensions[0]["values"]}
    assert spans["2010-03-31T10:00:00+07:00"] == ("2010-03-31T10:00:00+07:00",) * 2
    assert spans["2010-03-31T02:00:00"] == ("2010-03-31T02:00:00Z",) * 2


@pytest.mark.parametrize(
    ("line", "query", "why"),
    [
        ("v2", "c[TIME_PERIOD]=2010-W53", "no week 53"),
        ("v1", "startPeriod=2010-W53", "no week 53"),
        ("v2", "c[TIME_PERIOD]=2010-D366&reportingYearStartDay=--01-01", "no day 366"),
        ("v2", "c[TIME_PERIOD]=2010-03-31T25:00:00", "no time of the day"),
        ("v2", "c[TIME_PERIOD]=9999-12-31T24:00:00", "beyond the years 0001 to 9999"),
        ("v1", "endPeriod=9999-12-31/P2D", "beyond the years 0001 to 9999"),
        ("v1", "endPeriod=0000", "years run from 0001"),
    ],
)
def test_21_a_period_that_does_not_exist_is_answered_with_why(
    period_client: FlaskClient, line: str, query: str, why: str
) -> None:
    response = period_client.get(url("DF_MOMENTS", line, query))
    assert response.status_code == 400
    assert why in response.text


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("c[TIME_PERIOD]=ge:0001%2Ble:9999", 16),
        ("c[TIME_PERIOD]=gt:9999", 0),
        ("c[TIME_PERIOD]=lt:0001", 0),
        ("c[TIME_PERIOD]=ge:9999-12-31T23:59:59.9", 0),
        ("c[TIME_PERIOD]=ge:0001-01-01T00:00:00%2B14:00", 16),
        ("c[TIME_PERIOD]=ne:9999-12-31T23:59:59-14:00", 16),
        ("c[TIME_PERIOD]=le:9999-12-31T23:59:59.999999999999", 16),
    ],
)
def test_21_the_ends_of_the_calendar(period_client: FlaskClient, query: str, rows: int) -> None:
    assert len(table(period_client.get(url("DF_MOMENTS", "v2", query)))) == rows


# -- first and last --------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", ["TIME_PERIOD", "ITEM", "PLACE", "AllDimensions"])
@pytest.mark.parametrize("line", ["v1", "v2"])
def test_22_first_and_last_are_of_time_series_however_they_are_packed(
    period_client: FlaskClient, line: str, dimension: str
) -> None:
    ends = "firstNObservations=1&lastNObservations=1"
    query = f"{ends}&dimensionAtObservation={dimension}"
    found = by_place(table(period_client.get(url("DF_MOMENTS", line, query))))
    assert {place: sorted(times) for place, times in found.items()} == {
        "HOURS": ["2010-03", "2010-Q2"],
        "ZONES": ["2010-03-31+07:00", "2010-04-01T00:30:00+07:00"],
    }


@pytest.mark.parametrize("ends", ["firstNObservations=1", "lastNObservations=3"])
@pytest.mark.parametrize("line", ["v1", "v2"])
def test_22_without_time_every_observation_is_first_and_last(
    period_client: FlaskClient, line: str, ends: str
) -> None:
    assert len(table(period_client.get(url("DF_TIMELESS", line, ends)))) == 4
    both = f"{ends}&dimensionAtObservation=ITEM"
    assert len(table(period_client.get(url("DF_TIMELESS", line, both)))) == 4


def test_22_ends_that_meet_are_told_once(period_client: FlaskClient) -> None:
    everything = table(period_client.get(url("DF_MOMENTS", "v2", "")))
    for first, last in ((11, 11), (6, 6), (20, 1)):
        query = f"firstNObservations={first}&lastNObservations={last}"
        assert table(period_client.get(url("DF_MOMENTS", "v2", query))) == everything


def test_22_ends_are_taken_before_sorting_and_paging(period_client: FlaskClient) -> None:
    ends = "firstNObservations=1&lastNObservations=2"
    rows = table(period_client.get(url("DF_MOMENTS", "v2", f"{ends}&sort=TIME_PERIOD:desc")))
    assert [row["TIME_PERIOD"] for row in rows] == [
        *("2010-Q2", "2010-04-01", "2010-04-01T00:30:00+07:00", "2010-03-31T04:00:00Z"),
        *("2010-03-31+07:00", "2010-03"),
    ]
    page = f"{ends}&sort=TIME_PERIOD:desc&offset=1&limit=3"
    assert table(period_client.get(url("DF_MOMENTS", "v2", page))) == rows[1:4]


def test_22_filters_on_other_components_come_first(period_client: FlaskClient) -> None:
    query = "c[OBS_VALUE]=ge:4%2Ble:9&lastNObservations=1&firstNObservations=1"
    assert by_place(table(period_client.get(url("DF_MOMENTS", "v2", query)))) == {
        "HOURS": ["2010-03-31T10:00:00", "2010-03-31T24:00:00"],
        "ZONES": ["2010-03-31+07:00", "2010-04-01T00:30:00+07:00"],
    }


@pytest.mark.parametrize("form", ["structurespecificdata", "genericdata"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_21_observations_of_a_series_are_in_time_order_in_messages(
    period_client: FlaskClient, form: str, direction: str
) -> None:
    (case,) = (case for case in CASES if case["name"].startswith("everything, in time order"))
    path = f"/sdmx/v2/data/dataflow/TST/DF_MOMENTS/1.0.0?sort=TIME_PERIOD:{direction}&format={form}"
    tree = etree.fromstring(period_client.get(path).data)
    found = [
        [obs.get("TIME_PERIOD") or obs[0].get("value") for obs in series.iter("{*}Obs", "Obs")]
        for series in tree.iter("{*}Series", "Series")
    ]
    step = 1 if direction == "asc" else -1
    assert found == [case["found"][place][::step] for place in ("HOURS", "ZONES")]


def spans(client: FlaskClient, flow: str) -> dict[str, tuple[str | None, str | None]]:
    """Return what SDMX-JSON says of each period: when it begins and ends."""
    message = client.get(url(flow, "v2", "").replace("csvdata", "jsondata")).json
    (time,) = message["data"]["structures"][0]["dimensions"]["observation"]
    return {v.get("id") or v["value"]: (v.get("start"), v.get("end")) for v in time["values"]}


def test_21_json_says_where_reporting_periods_lie_where_all_rows_agree(
    period_client: FlaskClient,
) -> None:
    whole = spans(period_client, "DF_FISCAL_FLOW")
    assert whole["2010-Q3"] == ("2011-01-01T00:00:00Z", "2011-03-31T23:59:59Z")
    assert whole["2010-W28"] == ("2011-01-03T00:00:00Z", "2011-01-09T23:59:59Z")
    assert whole["2011"] == ("2011-01-01T00:00:00Z", "2011-12-31T23:59:59Z")
    mixed = spans(period_client, "DF_FISCAL_SERIES")
    assert mixed["2010-Q3"] == (None, None)
    assert mixed["2011"] == whole["2011"]


def test_21_normalized_periods_keep_moments_zones_and_what_is_not_known(
    period_client: FlaskClient,
) -> None:
    def normalized(flow: str, query: str) -> list[str]:
        accept = {"Accept": "application/vnd.sdmx.data+csv;version=2.1.0;timeFormat=normalized"}
        path = f"/sdmx/v2/data/dataflow/TST/{flow}/1.0.0?{query}"
        return [row["TIME_PERIOD"] for row in table(period_client.get(path, headers=accept))]

    assert normalized("DF_MOMENTS", "c[PLACE]=ZONES&firstNObservations=3") == [
        *("2010-03-31+07:00", "2010-03-31T02:00:00", "2010-03-31T10:00:00+07:00"),
    ]
    assert normalized("DF_MOMENTS", "c[TIME_PERIOD]=2010-03-31T10:00:00.1") == [
        "2010-03-31T10:00:00.100000"
    ]
    assert normalized("DF_FISCAL_ROWS", "c[TIME_PERIOD]=2010-Q3&c[PLACE]=JUL") == [
        *("2010-07-01", "2010-D185", "2010-M07", "2010-Q3", "2010-W28"),
    ]
