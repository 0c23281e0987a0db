"""One answer for several dataflows: a dataset each (spec check-list, points 26 and 27)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree

from codelists.base import replaced
from dsd.batch import batches_from_rows
from dsd.dataset import Dataset
from dsd.structure import Dataflow
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.store import open_store
from service.store.protocol import Store, SubmissionRecord
from tests.service.rest.json_message import walked
from tests.service.rest.sample_data import DF_T, sample_structures

DATAFLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:{}(1.0.0)"
FLOWS = ("DF_MNA_OEMP_SEX_CDS", "DF_MST_EARN_SEX")
DATA = "/sdmx/v2/data/dataflow/ILMS"


def first_row(structures: Structures, id: str, area: str, year: str) -> dict[str, Any]:
    dsd = structures.dsd(DATAFLOW.format(id))
    row = {c.id: c.allowed_codes[0].id for c in dsd.dimensions}
    return row | {"REF_AREA": area, "TIME_PERIOD": year, "OBS_VALUE": year}


@pytest.fixture(scope="module")
def client(
    structures: Structures,
    tmp_path_factory: pytest.TempPathFactory,
    client_of: Callable[[Flask], FlaskClient],
) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("several")
    settings = Settings(
        store_folder=folder / "store", temporary_folder=folder / "temporary", duckdb_slots=1
    )
    store = open_store(settings)
    for id in FLOWS:
        rows = [
            first_row(structures, id, area, year)
            for area in ("IDN", "PHL")
            for year in ("2022", "2023", "2024")
        ]
        dsd = structures.dsd(DATAFLOW.format(id))
        store.write([Dataset(dsd, batches_from_rows(dsd, rows))], SubmissionRecord(id))
    yield client_of(create_app(settings, structures, store))
    store.close()


def datasets(response) -> list[tuple[str, int]]:
    """Return the dataflow of each dataset and how many observations it has."""
    assert response.status_code == 200, response.text
    message = response.json
    found = []
    for dataset in message["data"]["dataSets"]:
        structure = message["data"]["structures"][dataset["structure"]]
        (name,) = (link["urn"] for link in structure["links"] if "Dataflow=" in link["urn"])
        series = dataset["series"].values()
        count = sum(len(entry["observations"]) for entry in series)
        found.append((name.partition("=")[2], count))
    return found


def test_27_a_wildcard_gives_a_dataset_for_each_dataflow_that_has_data(client) -> None:
    assert datasets(client.get(DATA)) == [(f"ILMS:{id}(1.0.0)", 6) for id in FLOWS]
    named = client.get(f"{DATA}/{','.join(reversed(FLOWS))}/1.0.0/IDN")
    assert datasets(named) == [(f"ILMS:{id}(1.0.0)", 3) for id in FLOWS]
    one = client.get(f"{DATA}/{FLOWS[0]},DF_MFL_TEMP_SEX_ECO")
    assert datasets(one) == [(f"ILMS:{FLOWS[0]}(1.0.0)", 6)]


def test_27_a_condition_leaves_out_the_dataflows_to_which_it_does_not_apply(client) -> None:
    found = client.get(f"{DATA}?c[COUNTERPART_AREA]=ne:XXX")
    assert datasets(found) == [(f"ILMS:{FLOWS[0]}(1.0.0)", 6)]
    assert client.get(f"{DATA}?c[NIX]=1").status_code == 422
    assert client.get(f"{DATA}/*/*/XXX").status_code == 204


def test_27_each_agreement_has_its_dataset(client) -> None:
    found = client.get("/sdmx/v2/data/provisionagreement/ILMS/*/*/?c[TIME_PERIOD]=2024&format=csv")
    names = [line.split(",")[:2] for line in found.text.splitlines()[1:]]
    assert found.status_code == 200
    assert len(names) == 4
    assert all(kind == "dataprovision" for kind, _ in names)
    assert len({name for _, name in names}) == 4


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("limit=4", [4]),
        ("limit=8", [6, 2]),
        ("offset=4", [2, 6]),
        ("offset=5&limit=3", [1, 2]),
        ("offset=6", [6]),
        ("lastNObservations=1", [2, 2]),
    ],
)
def test_26_offset_and_limit_count_over_all_datasets(client, window, expected) -> None:
    assert [count for _, count in datasets(client.get(f"{DATA}?{window}"))] == expected


def test_26_nothing_after_the_last(client) -> None:
    assert client.get(f"{DATA}?offset=12").status_code == 204


@pytest.mark.parametrize(
    "accept",
    [
        "application/vnd.sdmx.data+csv;version=2.1.0",
        "application/vnd.sdmx.data+xml;version=3.1.0",
        "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
        "application/vnd.sdmx.genericdata+xml;version=2.1",
    ],
)
def test_27_other_formats(client, accept) -> None:
    found = client.get(DATA, headers={"Accept": accept})
    assert found.status_code == 200
    if "csv" in accept:
        assert len(found.text.splitlines()) == 13
        return
    tree = etree.fromstring(found.data)
    assert len(tree.findall("{*}DataSet")) == 2
    assert len(tree.findall(".//{*}Obs")) == 12


def test_27_a_format_of_one_dataset_says_so(client) -> None:
    found = client.get(f"{DATA}?format=parquet")
    assert found.status_code == 406
    assert "one" in found.text


def test_the_tag_follows_each_dataflow(client) -> None:
    first = client.get(DATA)
    again = client.get(DATA, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert first.headers["Content-Disposition"] == 'inline; filename="data.json"'


def submit_over_all(store: Store, structures: Structures, year: str) -> None:
    """Write one submission over all dataflows: it revises what the former said of Indonesia and adds a period."""
    given = []
    for id in FLOWS:
        rows = [first_row(structures, id, "IDN", entry) for entry in ("2021", year)]
        rows[0]["OBS_VALUE"] = year
        dsd = structures.dsd(DATAFLOW.format(id))
        given.append(Dataset(dsd, batches_from_rows(dsd, rows)))
    store.write(given, SubmissionRecord(year))


class Overtaken:
    """A store to which a submission over all dataflows comes after the first thing that is asked of it on data."""

    def __init__(self, store: Store, submit: Callable[[], None]) -> None:
        self.store = store
        self.submit: Callable[[], None] | None = submit

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self.store, name)
        if name not in ("revisions", "history", "count", "read", "availability"):
            return asked

        def answered(*arguments: Any) -> Any:
            result = asked(*arguments)
            if name == "read":
                return self._read(result)
            self._overtake()
            return result

        return answered

    @contextmanager
    def _read(self, opened: Any) -> Iterator[Any]:
        with opened as snapshot:
            yield snapshot
        self._overtake()

    def _overtake(self) -> None:
        if self.submit is not None:
            submit, self.submit = self.submit, None
            submit()


@pytest.mark.parametrize(
    ("query", "paged"),
    [
        ("", False),
        ("", True),
        ("?limit=100&offset=1", False),
        ("?updatedAfter=2020-01-01T00:00:00Z", False),
        ("?updatedAfter=2020-01-01T00:00:00Z", True),
        ("?includeHistory=true", False),
        ("?asOf=2100-01-01T00:00:00Z", False),
        ("?c[TIME_PERIOD]=ge:2022", True),
    ],
)
def test_27_a_submission_in_between_is_not_half_seen(
    structures: Structures,
    tmp_path: Path,
    client_of: Callable[[Flask], FlaskClient],
    query: str,
    paged: bool,
) -> None:
    """All datasets of an answer are of one instant, and its tag stands for that."""
    settings = Settings(
        store_folder=tmp_path / "store", temporary_folder=tmp_path / "temporary", duckdb_slots=1
    )
    store = open_store(settings)

    submit_over_all(store, structures, "2022")
    # SDMX-CSV has no words for validity.
    accept = "application/vnd.sdmx.data+xml" if "History" in query else "text/csv"
    headers = {"Accept": accept} | ({"Range": "values=0-99"} if paged else {})
    expected = client_of(create_app(settings, structures, store)).get(DATA + query, headers=headers)
    assert expected.status_code == (206 if paged else 200)
    overtaken = Overtaken(store, lambda: submit_over_all(store, structures, "2023"))
    client = client_of(create_app(settings, structures, cast(Store, overtaken)))
    found = client.get(DATA + query, headers=headers)
    assert overtaken.submit is None
    assert found.text == expected.text
    assert found.headers["ETag"] == expected.headers["ETag"]
    assert found.headers.get("Content-Range") == expected.headers.get("Content-Range")
    after = client.get(DATA + query, headers={**headers, "If-None-Match": found.headers["ETag"]})
    assert after.status_code == expected.status_code
    assert all(f"{id}(1.0.0)" in after.text for id in FLOWS)
    added = [line for line in after.text.splitlines() if len(re.findall(r"\b2023\b", line)) == 2]
    assert len(added) == len(FLOWS)
    store.close()


@pytest.mark.parametrize(
    "path",
    [
        "ILMS/*/*/*",
        "ILMS/*/*/IDN?mode=available&c[TIME_PERIOD]=ge:2022",
        f"ILMS/{FLOWS[0]}/*/IDN?mode=available&c[TIME_PERIOD]=ge:2022",
        f"ILMS/{FLOWS[0]}",
    ],
)
def test_31_availability_is_of_one_instant(
    structures: Structures,
    tmp_path: Path,
    client_of: Callable[[Flask], FlaskClient],
    path: str,
) -> None:
    settings = Settings(
        store_folder=tmp_path / "store",
        temporary_folder=tmp_path / "temporary",
        clock=lambda: datetime(2026, 11, 25, tzinfo=UTC),
    )
    store = open_store(settings)
    submit_over_all(store, structures, "2022")
    url = f"/sdmx/v2/availability/dataflow/{path}"
    expected = client_of(create_app(settings, structures, store)).get(url)
    assert expected.status_code == 200
    overtaken = Overtaken(store, lambda: submit_over_all(store, structures, "2023"))
    client = client_of(create_app(settings, structures, cast(Store, overtaken)))
    found = client.get(url)
    assert overtaken.submit is None
    assert found.json["data"] == expected.json["data"]
    assert found.headers["ETag"] == expected.headers["ETag"]
    assert '"2023"' in client.get(url, headers={"If-None-Match": found.headers["ETag"]}).text
    store.close()


@pytest.mark.parametrize(
    "accept",
    [
        "application/vnd.sdmx.data+xml;version=3.1.0",
        "application/vnd.sdmx.data+xml;version=3.0.0",
        "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
        "application/vnd.sdmx.genericdata+xml;version=2.1",
    ],
)
@pytest.mark.parametrize(
    "context", ["dataflow/ILMS", "provisionagreement/ILMS", "datastructure/ILMS"]
)
def test_28_each_data_set_refers_to_a_structure_of_its_own(client, accept, context) -> None:
    found = client.get(f"/sdmx/v2/data/{context}", headers={"Accept": accept})
    assert found.status_code == 200
    message = etree.fromstring(found.data)
    structures = message.findall("{*}Header/{*}Structure")
    ids = [structure.get("structureID") for structure in structures]
    datasets = message.findall("{*}DataSet")
    refs = [
        next(text for name, text in dataset.attrib.items() if name.endswith("structureRef"))
        for dataset in datasets
    ]
    assert len(datasets) == (4 if "provision" in context else 2)
    assert sorted(refs) == sorted(ids)
    assert len(set(ids)) == len(ids)
    named = [etree.tostring(structure[0]) for structure in structures]
    assert len(set(named)) == len(named)
    spaces = [structure.get("namespace") for structure in structures]
    if "generic" not in accept:
        assert len(set(spaces)) == len(spaces)
        for dataset in datasets:
            kind = next(text for name, text in dataset.attrib.items() if name.endswith("}type"))
            assert dataset.nsmap[kind.partition(":")[0]] in spaces


def test_28_json_data_sets_refer_to_structures_of_their_own(client) -> None:
    for version in ("2.0.0", "2.1.0"):
        accept = f"application/vnd.sdmx.data+json;version={version}"
        found = client.get("/sdmx/v2/data/provisionagreement/ILMS", headers={"Accept": accept})
        told = walked(found.json)
        assert len({own.urn for own in told}) == len(told) == 4
        assert all("ProvisionAgreement=" in own.urn for own in told)


def test_27_a_structure_has_a_data_set_for_each_of_its_dataflows(
    examples: Path, tmp_path: Path, client_of: Callable[[Flask], FlaskClient]
) -> None:
    """They are not put together: one key may have a value in each."""
    first = sample_structures(examples)
    (flow,) = first.of_type(Dataflow)
    structures = Structures([*first, replaced(flow, id="DF_U")])
    row = {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_M", "TIME_PERIOD": "2020"}
    settings = Settings(store_folder=tmp_path / "store", temporary_folder=tmp_path / "t")
    store = open_store(settings)
    given = []
    for name, value in (("DF_T", "1"), ("DF_U", "2")):
        dsd = structures.dsd(DF_T.replace("DF_T", name))
        given.append(Dataset(dsd, batches_from_rows(dsd, [row | {"OBS_VALUE": value}])))
    store.write(given, SubmissionRecord("both"))
    client = client_of(create_app(settings, structures, store))
    told = walked(client.get("/sdmx/v2/data/datastructure/TST/DSD_T").json)
    assert [own.rows for own in told] == [[row | {"OBS_VALUE": value}] for value in "12"]
    assert len({own.urn for own in told}) == 1
    accept = {"Accept": "application/vnd.sdmx.structurespecificdata+xml;version=2.1"}
    message = etree.fromstring(
        client.get("/sdmx/v2/data/datastructure/TST/DSD_T", headers=accept).data
    )
    (structure,) = message.findall("{*}Header/{*}Structure")
    refs = [set(dataset.attrib.values()) for dataset in message.findall("{*}DataSet")]
    assert len(refs) == 2
    assert all(structure.get("structureID") in texts for texts in refs)
    store.close()
