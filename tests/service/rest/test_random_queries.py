"""Random queries through the service and through plain Python over the same rows: the same observations.

The other side shares nothing with the service: what a period covers stands in a table here, conditions are a few lines.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from dsd.batch import batches_from_rows
from dsd.dataset import Dataset
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.store import open_store
from service.store.protocol import SubmissionRecord

DF_T = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_T(1.0.0)"
SERIES = ("FREQ", "REF_AREA", "SEX")
SPANS = {
    "2021": (date(2021, 1, 1), date(2021, 12, 31)),
    "2022": (date(2022, 1, 1), date(2022, 12, 31)),
    "2022-Q1": (date(2022, 1, 1), date(2022, 3, 31)),
    "2022-Q4": (date(2022, 10, 1), date(2022, 12, 31)),
    "2022-S2": (date(2022, 7, 1), date(2022, 12, 31)),
    "2022-12": (date(2022, 12, 1), date(2022, 12, 31)),
    "2022-W52": (date(2022, 12, 26), date(2023, 1, 1)),
    "2023-01-15": (date(2023, 1, 15), date(2023, 1, 15)),
    "2023": (date(2023, 1, 1), date(2023, 12, 31)),
    "2023-M06": (date(2023, 6, 1), date(2023, 6, 30)),
}
AREAS, SEXES, FREQS = ("IDN", "LAO", "TLS"), ("SEX_T", "SEX_M", "SEX_F"), ("A", "Q")
NUMBERS = ("1", "2.50", "10", "-3", "0", "1e2", None)
STATUSES = ("A", "E", "B")
NOTES = ("first", "second note", "x;y", None)


def observations() -> list[dict[str, str]]:
    """Return some of all possible rows, by a fixed pattern."""
    found = []
    number = 0
    for freq in FREQS:
        for area in AREAS:
            for sex in SEXES:
                for time in SPANS:
                    number += 1
                    if number % 7 in (2, 5) or (area == "TLS" and sex == "SEX_F"):
                        continue
                    row = {
                        "FREQ": freq,
                        "REF_AREA": area,
                        "SEX": sex,
                        "TIME_PERIOD": time,
                        "OBS_VALUE": NUMBERS[number % len(NUMBERS)],
                        "OBS_STATUS": STATUSES[number % len(STATUSES)],
                        "NOTE": NOTES[number % len(NOTES)],
                    }
                    found.append({id: text for id, text in row.items() if text})
    return found


ROWS = observations()


@pytest.fixture(scope="module")
def random_client(
    examples: Path,
    tmp_path_factory: pytest.TempPathFactory,
    client_of: Callable[[Flask], FlaskClient],
) -> Iterator[FlaskClient]:
    body = (examples / "formats" / "structures" / "structures.json").read_bytes()
    structures = Structures(decode_structures(body).data.all())
    folder = tmp_path_factory.mktemp("random")
    own = Settings(store_folder=folder / "store", temporary_folder=folder / "temporary")
    store = open_store(own)
    dsd = structures.dsd(DF_T)
    store.write([Dataset(dsd, batches_from_rows(dsd, ROWS))], SubmissionRecord("all"))
    yield client_of(create_app(own, structures, store))
    store.close()


# -- queries ---------------------------------------------------------------------------------------

Condition = tuple[str, str]
Terms = list[list[Condition]]

position = st.lists(st.sampled_from([*AREAS, "XXX"]), max_size=2, unique=True)


def of(*codes: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(codes), max_size=2, unique=True)


keys_v1 = st.tuples(of(*FREQS), of(*AREAS, "XXX"), of(*SEXES))
keys_v2 = st.lists(
    st.tuples(*(st.sampled_from([None, *codes]) for codes in (FREQS, (*AREAS, "XXX"), SEXES))),
    max_size=3,
)


def terms(operators: list[str], values: list[str]) -> st.SearchStrategy[Terms]:
    condition = st.tuples(st.sampled_from(operators), st.sampled_from(values))
    return st.lists(st.lists(condition, min_size=1, max_size=2), min_size=1, max_size=2)


IN_ORDER = ["eq", "ne", "lt", "le", "gt", "ge"]
filters = st.fixed_dictionaries(
    {},
    optional={
        "SEX": terms(["eq", "ne", "sw", "ew", "co", "nc"], ["SEX_M", "SEX_F", "F", "SEX"]),
        "OBS_VALUE": terms(IN_ORDER, ["1", "2.5", "10", "100", "-3"]),
        "OBS_STATUS": terms(["eq", "ne"], ["A", "E", "B"]),
        "NOTE": terms(["eq", "ne", "sw", "co", "nc"], ["first", "note", "s"]),
        "TIME_PERIOD": terms(IN_ORDER, list(SPANS)),
    },
)
few = st.one_of(st.none(), st.integers(1, 3))
windows = st.tuples(few, few)


def holds(row: dict[str, str], component: str, condition: Condition) -> bool:
    operator, value = condition
    found = row.get(component)
    if component == "TIME_PERIOD":
        (start, end), (low, high) = SPANS[row[component]], SPANS[value]
        within = low <= start and end <= high
        return {
            "eq": within,
            "ne": not within,
            "lt": end < low,
            "le": end <= high,
            "gt": start > high,
            "ge": start >= low,
        }[operator]
    if found is None:
        return operator in ("ne", "nc")
    if component == "OBS_VALUE":
        left, right = float(found), float(value)
        return {
            "eq": left == right,
            "ne": left != right,
            "lt": left < right,
            "le": left <= right,
            "gt": left > right,
            "ge": left >= right,
        }[operator]
    return {
        "eq": found == value,
        "ne": found != value,
        "co": value in found,
        "nc": value not in found,
        "sw": found.startswith(value),
        "ew": found.endswith(value),
    }[operator]


def passes(row: dict[str, str], asked: dict[str, Terms]) -> bool:
    return all(
        any(all(holds(row, component, c) for c in term) for term in alternatives)
        for component, alternatives in asked.items()
    )


def windowed(
    rows: list[dict[str, str]], first: int | None, last: int | None
) -> list[dict[str, str]]:
    """Return the ends of each series, in the order of the key."""
    series: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in sorted(rows, key=lambda r: (*(r[id] for id in SERIES), SPANS[r["TIME_PERIOD"]])):
        series.setdefault(tuple(row[id] for id in SERIES), []).append(row)
    found = []
    for entries in series.values():
        count = len(entries)
        found += [
            row
            for place, row in enumerate(entries)
            if (first is None and last is None)
            or (first is not None and place < first)
            or (last is not None and place >= count - last)
        ]
    return found


# -- answers ---------------------------------------------------------------------------------------

SHOWN = (*SERIES, "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS", "NOTE")


def from_csv(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.text, newline="")))


def from_xml(response: Any) -> list[dict[str, str]]:
    tree = etree.fromstring(response.data)
    return [
        {**series.attrib, **obs.attrib}
        for series in tree.iter("{*}Series", "Series")
        for obs in series
    ]


def from_json(response: Any) -> list[dict[str, str]]:
    """SDMX-JSON 1.0 and 2.x, by series: indexes into the values of the structure, or the values themselves."""
    data = response.json["data"]
    structure = data["structure"] if "structure" in data else data["structures"][0]
    dimensions = structure["dimensions"]
    measures = structure.get("measures", {}).get("observation") or [{"id": "OBS_VALUE"}]
    found = []

    def text(component: dict[str, Any], value: Any) -> str | None:
        if value is None:
            return None
        if component.get("values") and isinstance(value, int) and component["id"] != "OBS_VALUE":
            entry = component["values"][value]
            entry = entry.get("id", entry.get("value", entry.get("name")))
            return str(entry)
        return str(value)

    for key, series in data["dataSets"][0]["series"].items():
        names = {
            d["id"]: d["values"][int(place)]["id"]
            for d, place in zip(dimensions["series"], key.split(":"), strict=True)
        }
        (time,) = dimensions["observation"]
        for place, cells in series["observations"].items():
            entry = time["values"][int(place)]
            row = names | {time["id"]: entry.get("id") or entry.get("value")}
            components = [*measures, *structure["attributes"]["observation"]]
            for component, cell in zip(components, cells, strict=False):
                if (value := text(component, cell)) is not None:
                    row[component["id"]] = value
            found.append(row)
    return found


FORMATS: dict[str, Callable[[Any], list[dict[str, str]]]] = {
    "csvdata": from_csv,
    "jsondata": from_json,
    "structurespecificdata": from_xml,
}


def shown(rows: list[dict[str, str]]) -> list[tuple[Any, ...]]:
    """Return what is compared; a number by its value, since JSON has `2.5` for `2.50`."""
    return sorted(
        tuple(
            float(row[id]) if id == "OBS_VALUE" and row.get(id) else row.get(id) or ""
            for id in SHOWN
        )
        for row in rows
    )


def written(asked: dict[str, Terms]) -> list[str]:
    return [
        f"c[{component}]="
        + ",".join("+".join(f"{o}:{v}" for o, v in term) for term in alternatives)
        for component, alternatives in asked.items()
    ]


def check(client: FlaskClient, url: str, expected: list[dict[str, str]], empty: int) -> None:
    for name, read in FORMATS.items():
        response = client.get(f"{url}&format={name}")
        if not expected:
            assert response.status_code == empty, url
        else:
            assert response.status_code == 200, f"{url}: {response.text}"
            assert shown(read(response)) == shown(expected), url


def try_v2(client: FlaskClient, keys: Any, asked: Any, ends: Any, page: Any) -> None:
    first, last = ends
    offset, limit = page
    rows = [
        row
        for row in ROWS
        if passes(row, asked)
        and (
            not keys
            or any(
                all(code is None or row[id] == code for id, code in zip(SERIES, key, strict=True))
                for key in keys
            )
        )
    ]
    expected = windowed(rows, first, last)[offset or 0 :]
    expected = expected if limit is None else expected[:limit]
    key = ",".join(".".join(code or "*" for code in key) for key in keys) or "*"
    numbers = {
        "firstNObservations": first,
        "lastNObservations": last,
        "offset": offset,
        "limit": limit,
    }
    parameters = [f"{name}={value}" for name, value in numbers.items() if value is not None]
    query = "&".join([*written(asked), *parameters])
    check(client, f"/sdmx/v2/data/dataflow/TST/DF_T/1.0.0/{key}?{query}", expected, 204)


def try_v1(client: FlaskClient, key: Any, start: Any, end: Any, ends: Any) -> None:
    first, last = ends
    asked = {}
    bounds = [("ge", start)] if start else []
    bounds += [("le", end)] if end else []
    if bounds:
        asked["TIME_PERIOD"] = [bounds]
    rows = [
        row
        for row in ROWS
        if passes(row, asked)
        and all(not codes or row[id] in codes for id, codes in zip(SERIES, key, strict=True))
    ]
    numbers = {
        "startPeriod": start,
        "endPeriod": end,
        "firstNObservations": first,
        "lastNObservations": last,
    }
    query = "&".join(f"{name}={value}" for name, value in numbers.items() if value is not None)
    text = ".".join("+".join(codes) for codes in key)
    check(client, f"/sdmx/v1/data/TST,DF_T,1.0.0/{text}?{query}", windowed(rows, *ends), 404)
    assert first is None or first > 0
    assert last is None or last > 0


pages = st.tuples(
    st.one_of(st.none(), st.integers(0, 60)), st.one_of(st.none(), st.integers(1, 40))
)
period = st.one_of(st.none(), st.sampled_from(list(SPANS)))
relaxed = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@given(keys=keys_v2, asked=filters, ends=windows, page=pages)
@settings(max_examples=60, **relaxed)
def test_queries_of_2_2_find_what_plain_python_finds(random_client, keys, asked, ends, page):
    try_v2(random_client, keys, asked, ends, page)


@given(key=keys_v1, start=period, end=period, ends=windows)
@settings(max_examples=60, **relaxed)
def test_queries_of_1_5_find_what_plain_python_finds(random_client, key, start, end, ends):
    try_v1(random_client, key, start, end, ends)


@pytest.mark.long
@given(keys=keys_v2, asked=filters, ends=windows, page=pages)
@settings(max_examples=2000, **relaxed)
def test_thousands_of_queries_of_2_2(random_client, keys, asked, ends, page):
    try_v2(random_client, keys, asked, ends, page)


@pytest.mark.long
@given(key=keys_v1, start=period, end=period, ends=windows)
@settings(max_examples=2000, **relaxed)
def test_thousands_of_queries_of_1_5(random_client, key, start, end, ends):
    try_v1(random_client, key, start, end, ends)
