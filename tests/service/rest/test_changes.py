"""What changed since an instant, and the history of disseminations (spec check-list, point 25)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree

from dsd.batch import batches_from_rows
from dsd.dataset import Action, AttributeValues, Dataset
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.store import open_store
from service.store.protocol import SubmissionRecord
from tests.service.rest.json_message import walked
from tests.service.rest.sample_data import DF_T, V1, V2, sample_dataset, sample_structures

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"
DATA = "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0"
DATA_V1 = "/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS"
ML = {"Accept": "application/vnd.sdmx.structurespecificdata+xml;version=2.1"}
FEBRUARY, MARCH, APRIL = (datetime(2012, month, 10, 12, tzinfo=UTC) for month in (2, 3, 4))


@pytest.fixture(scope="module")
def client(
    structures: Structures,
    tmp_path_factory: pytest.TempPathFactory,
    client_of: Callable[[Flask], FlaskClient],
) -> Iterator[FlaskClient]:
    """The example of SDMX-REST, "includeHistory": three disseminations in February, March and April."""
    folder = tmp_path_factory.mktemp("changes")
    now = [FEBRUARY]
    settings = Settings(
        store_folder=folder / "store",
        temporary_folder=folder / "temporary",
        clock=lambda: now[0],
    )
    store = open_store(settings)
    dsd = structures.dsd(FLOW)
    key = {c.id: c.allowed_codes[0].id for c in dsd.dimensions}

    def load(at: datetime, action: Action, *rows: dict[str, Any]) -> None:
        now[0] = at
        batches = batches_from_rows(dsd, [key | row for row in rows])
        store.write([Dataset(dsd, batches, action)], SubmissionRecord(f"{at}-{action}"))

    def row(period: str, value: str | None) -> dict[str, Any]:
        return {"TIME_PERIOD": period} | ({} if value is None else {"OBS_VALUE": value})

    load(FEBRUARY, Action.MERGE, row("2011-12", "1"), row("2012-01", "2"))
    now[0] = MARCH
    store.write(
        [
            Dataset(dsd, batches_from_rows(dsd, [key | row("2011-12", None)]), Action.DELETE),
            Dataset(dsd, batches_from_rows(dsd, [key | row("2012-02", "3")]), Action.MERGE),
        ],
        SubmissionRecord("march"),
    )
    load(APRIL, Action.MERGE, row("2012-02", "3.5"), row("2012-03", "4"))
    yield client_of(create_app(settings, structures, store))
    store.close()


Told = list[tuple[str, dict[str, str | None], str | None, str | None]]


def told(response) -> Told:
    """Return of each dataset its action, values by period, and validity."""
    assert response.status_code == 200, response.text
    found: Told = []
    for dataset in etree.fromstring(response.data).findall("{*}DataSet"):
        names = {name.rpartition("}")[2]: value for name, value in dataset.attrib.items()}
        values = {obs.get("TIME_PERIOD"): obs.get("OBS_VALUE") for obs in dataset.findall(".//Obs")}
        found.append(
            (names["action"], values, names.get("validFromDate"), names.get("validToDate"))
        )
    return found


def moment(instant: datetime) -> str:
    return instant.isoformat()


def test_25_the_history_of_the_standard(client) -> None:
    """SDMX-REST 1.5.0, 4.4: the worked example of includeHistory."""
    expected = [
        ("Replace", {"2011-12": "1", "2012-01": "2"}, moment(FEBRUARY), None),
        ("Replace", {"2012-02": "3"}, moment(MARCH), None),
        ("Delete", {"2011-12": None}, None, moment(MARCH)),
        ("Replace", {"2012-02": "3.5", "2012-03": "4"}, moment(APRIL), None),
    ]
    assert told(client.get(f"{DATA_V1}?includeHistory=true", headers=ML)) == expected
    assert told(client.get(f"{DATA}?includeHistory=true", headers=ML)) == expected
    since = f"{DATA}?includeHistory=true&updatedAfter=2012-02-20T00:00:00Z"
    assert told(client.get(since, headers=ML)) == expected[1:]
    until = f"{DATA}?includeHistory=true&asOf=2012-03-20T00:00:00Z"
    assert told(client.get(until, headers=ML)) == expected[:3]


@pytest.mark.parametrize("url", [DATA, DATA_V1])
def test_25_updated_after_tells_deletions_too(client, url) -> None:
    found = told(client.get(f"{url}?updatedAfter=2012-02-20T00:00:00Z", headers=ML))
    assert found == [
        ("Replace", {"2012-02": "3.5", "2012-03": "4"}, None, None),
        ("Delete", {"2011-12": None}, None, None),
    ]
    april = told(client.get(f"{url}?updatedAfter=2012-03-20T00:00:00Z", headers=ML))
    assert april == [("Replace", {"2012-02": "3.5", "2012-03": "4"}, None, None)]


def test_25_updated_after_with_the_state_of_an_instant(client) -> None:
    url = f"{DATA}?updatedAfter=2012-02-20T00:00:00Z&asOf=2012-03-20T00:00:00Z"
    assert told(client.get(url, headers=ML)) == [
        ("Replace", {"2012-02": "3"}, None, None),
        ("Delete", {"2011-12": None}, None, None),
    ]
    later = "updatedAfter=2012-03-20T00:00:00Z&asOf=2012-02-20T00:00:00Z"
    assert client.get(f"{DATA}?{later}").status_code == 400


def test_25_nothing_new_is_no_result(client) -> None:
    assert client.get(f"{DATA}?updatedAfter=2012-05-01T00:00:00Z").status_code == 204
    assert client.get(f"{DATA_V1}?updatedAfter=2012-05-01T00:00:00Z").status_code == 404


def test_25_actions_a_row_in_csv(client) -> None:
    found = client.get(f"{DATA}?updatedAfter=2012-02-20T00:00:00Z&format=csv")
    lines = [line.split(",") for line in found.text.splitlines()]
    action, period = lines[0].index("ACTION"), lines[0].index("TIME_PERIOD")
    assert [(line[action], line[period]) for line in lines[1:]] == [
        ("R", "2012-02"),
        ("R", "2012-03"),
        ("D", "2011-12"),
    ]


def test_25_windows_apply_after_it(client) -> None:
    url = f"{DATA}?updatedAfter=2012-02-20T00:00:00Z"
    assert told(client.get(f"{url}&limit=1", headers=ML)) == [
        ("Replace", {"2012-02": "3.5"}, None, None)
    ]
    assert told(client.get(f"{url}&offset=1", headers=ML)) == [
        ("Replace", {"2012-03": "4"}, None, None),
        ("Delete", {"2011-12": None}, None, None),
    ]
    assert told(client.get(f"{url}&firstNObservations=1", headers=ML))[0] == (
        "Replace",
        {"2012-02": "3.5"},
        None,
        None,
    )


def test_25_availability_of_what_changed(client) -> None:
    url = "/sdmx/v2/availability/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0"
    found = client.get(f"{url}?updatedAfter=2012-02-20T00:00:00Z")
    (constraint,) = found.json["data"]["availabilityConstraints"]
    assert constraint["obsCount"] == 2


def test_the_state_of_an_instant_has_a_tag_that_holds(client) -> None:
    url = f"{DATA}?asOf=2012-03-20T00:00:00Z"
    first = client.get(url)
    assert client.get(url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_25_a_changed_attribute_above_the_observation_is_a_change(
    examples: Path, tmp_path: Path, client_of: Callable[[Flask], FlaskClient]
) -> None:
    body = (examples / "formats" / "structures" / "localised.json").read_bytes()
    structures = Structures(decode_structures(body).data.all())
    dsd = structures.dsd("urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_L(1.0.0)")
    now = [FEBRUARY]
    settings = Settings(
        store_folder=tmp_path / "store", temporary_folder=tmp_path / "t", clock=lambda: now[0]
    )
    store = open_store(settings)
    row = {"REF_AREA": "LAO", "SEX": "M", "TIME_PERIOD": "2012", "OBS_VALUE": "1"}
    store.write([Dataset(dsd, batches_from_rows(dsd, [row]))], SubmissionRecord("one"))
    now[0] = MARCH
    values = AttributeValues({}, {"TITLE": "Changed"})
    store.write([Dataset(dsd, [], attributes=[values])], SubmissionRecord("two"))
    client = client_of(create_app(settings, structures, store))
    url = "/sdmx/v2/data/dataflow/TST/DF_L/1.0.0"
    for accept in (
        "application/vnd.sdmx.data+json;version=2.1.0",
        "application/vnd.sdmx.data+csv;version=2.1.0",
        "application/vnd.sdmx.data+xml;version=3.1.0",
    ):
        found = client.get(f"{url}?updatedAfter=2012-03-01T00:00:00Z", headers={"Accept": accept})
        assert found.status_code == 200
        assert "Changed" in found.text
        assert "2012" not in found.text.partition("Changed")[2]
    assert client.get(f"{url}?updatedAfter=2012-04-01T00:00:00Z").status_code == 204
    store.close()


def test_25_a_deleted_attribute_above_the_observation_is_a_deletion(
    examples: Path, tmp_path: Path, client_of: Callable[[Flask], FlaskClient]
) -> None:
    """Who follows the changes would keep it for ever otherwise."""
    structures = sample_structures(examples)
    dsd = structures.dsd(DF_T)
    now = [FEBRUARY]
    settings = Settings(
        store_folder=tmp_path / "store", temporary_folder=tmp_path / "t", clock=lambda: now[0]
    )
    store = open_store(settings)
    store.write([sample_dataset(dsd)], SubmissionRecord("one"))
    now[0] = MARCH
    key = {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_M"}
    gone = [
        AttributeValues({}, {"TITLE": "-"}),
        AttributeValues({"REF_AREA": "IDN"}, {"COVERAGE": "-"}),
        AttributeValues(key, {"UNIT_MEASURE": "-"}),
    ]
    store.write([Dataset(dsd, [], Action.DELETE, attributes=gone)], SubmissionRecord("two"))
    client = client_of(create_app(settings, structures, store))
    since = "updatedAfter=2012-03-01T00:00:00Z"
    (told,) = walked(client.get(f"{V2}?{since}").json)
    assert (told.action, told.rows) == ("Delete", [key])
    assert [(where, list(values)) for where, values in told.above] == [
        ({}, ["TITLE"]),
        ({"REF_AREA": "IDN"}, ["COVERAGE"]),
        (key, ["UNIT_MEASURE"]),
    ]
    rows = csv.DictReader(io.StringIO(client.get(f"{V2}?{since}&format=csv").text))
    assert [
        {id for id, text in row.items() if text} - {"STRUCTURE", "STRUCTURE_ID"} for row in rows
    ] == [
        {"ACTION", "TITLE"},
        {"ACTION", "REF_AREA", "COVERAGE"},
        {"ACTION", *key, "UNIT_MEASURE"},
    ]
    tree = etree.fromstring(client.get(f"{V1}?{since}", headers=ML).data)
    (dataset,) = tree.findall("{*}DataSet")
    assert dataset.get("TITLE")
    assert dataset.find("Group").get("COVERAGE")
    assert dataset.find("Series").get("UNIT_MEASURE")
    (one,) = walked(client.get(f"{V2}?{since}&attributes=TITLE").json)
    assert [list(values) for _, values in one.above] == [["TITLE"]]
    assert client.get(f"{V2}?{since}&attributes=none").status_code == 204
    history = walked(client.get(f"{V2}?includeHistory=true").json)
    assert [told.action for told in history] == ["Replace", "Delete"]
    # What a format cannot say is not left out in silence.
    assert client.get(f"{V1}?{since}&format=jsondata").status_code == 406
    store.close()
