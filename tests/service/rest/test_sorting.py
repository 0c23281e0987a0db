"""`sort` of SDMX-REST 2.2 (spec check-list, point 26)."""

from __future__ import annotations

import csv
import io

import pytest
from lxml import etree

DATA = "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0"


def rows(response) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.text, newline="")))


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("SEX", lambda row: row["SEX"]),
        ("TIME_PERIOD+REF_AREA", lambda row: (row["TIME_PERIOD"], row["REF_AREA"])),
        ("OBS_VALUE", lambda row: float(row["OBS_VALUE"])),
        (
            "series_key",
            lambda row: tuple(
                row[id] for id in ("REF_AREA", "FREQ", "MEASURE", "SEX", "COUNTERPART_AREA")
            ),
        ),
        ("*", lambda row: (row["REF_AREA"], row["FREQ"], row["MEASURE"], row["SEX"])),
    ],
)
def test_26_rows_are_sorted_by_ids_and_values(client, sort, key) -> None:
    found = [key(row) for row in rows(client.get(f"{DATA}?format=csv&sort={sort}"))]
    assert len(found) == 42
    assert found == sorted(found)


def test_26_descending_and_encoded(client) -> None:
    up = rows(client.get(f"{DATA}?format=csv&sort=OBS_VALUE:asc"))
    down = rows(client.get(f"{DATA}?format=csv&sort=OBS_VALUE:desc%2BREF_AREA"))
    assert [row["OBS_VALUE"] for row in up] == [row["OBS_VALUE"] for row in reversed(down)]


def test_26_pages_of_a_sorted_answer_join(client) -> None:
    url = f"{DATA}?format=csv&sort=TIME_PERIOD:desc+OBS_VALUE"
    pages = [rows(client.get(f"{url}&limit=10&offset={start}")) for start in range(0, 42, 10)]
    assert [row for page in pages for row in page] == rows(client.get(url))


def test_26_a_layout_by_series_keeps_series_together(client) -> None:
    accept = {"Accept": "application/vnd.sdmx.data+xml;version=3.1.0"}
    found = client.get(f"{DATA}?sort=TIME_PERIOD:desc+SEX:desc", headers=accept)
    series = etree.fromstring(found.data).findall(".//{*}Series")
    assert len(series) == 12
    sexes = [entry.get("SEX") for entry in series]
    assert sexes == sorted(sexes, reverse=True)
    for entry in series:
        periods = [obs.get("TIME_PERIOD") for obs in entry]
        assert periods == sorted(periods, reverse=True)
    flat = client.get(f"{DATA}?sort=OBS_VALUE&dimensionAtObservation=AllDimensions", headers=accept)
    numbers = [float(obs.get("OBS_VALUE")) for obs in etree.fromstring(flat.data).iter("{*}Obs")]
    assert len(numbers) == 42
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("at", ["TIME_PERIOD", "SEX", "AllDimensions"])
@pytest.mark.parametrize("sort", ["TIME_PERIOD:desc+OBS_VALUE", "OBS_VALUE:desc"])
@pytest.mark.parametrize("format_name", ["ml30", "ml31", "genericdata", "jsondata"])
def test_26_a_page_has_the_same_observations_in_every_layout(client, format_name, sort, at) -> None:
    query = f"{DATA}?sort={sort}&limit=7&offset=5&attributes=none"
    expected = sorted(row["OBS_VALUE"] for row in rows(client.get(f"{query}&format=csv")))
    assert len(expected) == 7
    response = client.get(f"{query}&dimensionAtObservation={at}&format={format_name}")
    if format_name == "jsondata":
        (dataset,) = response.json["data"]["dataSets"]
        holders = dataset["series"].values() if "series" in dataset else [dataset]
        found = [f"{o[0]}" for holder in holders for o in holder["observations"].values()]
    else:
        root = etree.fromstring(response.data)
        found = [obs.get("OBS_VALUE") for obs in root.iter("{*}Obs") if obs.get("OBS_VALUE")]
        found += [value.get("value") for value in root.iter("{*}ObsValue")]
    assert sorted(map(float, found)) == sorted(map(float, expected))


def test_26_what_cannot_be_sorted_by(client) -> None:
    assert client.get(f"{DATA}?sort=NIX").status_code == 422
    assert client.get(f"{DATA}?sort=SEX:up").status_code == 400
    assert client.get("/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS?sort=SEX").status_code == 400


def test_26_the_same_rows_in_another_order_have_another_tag(client) -> None:
    first, second = (client.get(f"{DATA}?sort={sort}") for sort in ("SEX", "SEX:desc"))
    assert first.headers["ETag"] != second.headers["ETag"]
