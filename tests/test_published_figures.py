"""Every bundled figure from its workbook to REST: converter, rules, store, answer, digit for digit.

The database is the one that `make run` builds. What comes back is read without code of the project: by the csv and json modules,
by lxml, and by sdmx1.
"""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
import sdmx
from click.testing import CliRunner
from flask.testing import FlaskClient
from lxml import etree

from converters.examples.build import figure_files, read_figures
from converters.table import find_flow
from dsd.structures import Structures
from service.app import create_app
from service.cli import main
from service.config import Settings
from service.store import open_store

TABLES = [(country, table) for country, files in figure_files().items() for table in files]
Row = frozenset[tuple[str, str]]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("bundled")
    began = time.monotonic()
    done = CliRunner().invoke(main, ["load", "--bundled", "--store", str(folder / "store")])
    assert done.exit_code == 0, done.output
    assert time.monotonic() - began < 60
    return Settings(store_folder=folder / "store", temporary_folder=folder / "temporary")


@pytest.fixture(scope="module")
def client(settings: Settings, structures: Structures):
    store = open_store(settings, create=False)
    yield create_app(settings, structures, store).test_client()
    store.close()


@pytest.fixture(scope="module")
def flows(structures: Structures) -> dict[str, str]:
    """The dataflow of each table."""
    return {table: find_flow(structures, table).id for _, table in TABLES}


def expected(country: str, table: str) -> set[Row]:
    return {
        frozenset((id, value) for id, value in row.items() if value is not None)
        for row in read_figures(figure_files()[country][table])
    }


def body(client: FlaskClient, path: str, accept: str) -> bytes:
    response = client.get(path, headers={"Accept": accept})
    assert response.status_code == 200, response.text
    return response.data


def components(country: str, table: str) -> list[str]:
    return list(read_figures(figure_files()[country][table])[0])


def test_all_figures_that_are_published_are_asked_for() -> None:
    assert sum(len(expected(country, table)) for country, table in TABLES) == 1752


@pytest.mark.parametrize(("country", "table"), TABLES)
def test_sdmx_csv_over_rest_2(
    country: str, table: str, client: FlaskClient, flows: dict[str, str]
) -> None:
    path = f"/sdmx/v2/data/dataflow/ILMS/{flows[table]}/1.0.0/{country}.*"
    text = body(client, path, "application/vnd.sdmx.data+csv;version=2.1.0").decode("utf-8-sig")
    found = [
        frozenset(
            (id, value) for id, value in row.items() if value and id in components(country, table)
        )
        for row in csv.DictReader(io.StringIO(text))
    ]
    assert len(found) == len(set(found))
    assert set(found) == expected(country, table)


@pytest.mark.parametrize(("country", "table"), TABLES)
def test_sdmx_json_over_rest_2(
    country: str, table: str, client: FlaskClient, flows: dict[str, str]
) -> None:
    path = f"/sdmx/v2/data/dataflow/ILMS/{flows[table]}/1.0.0/{country}.*"
    message = json.loads(body(client, path, "application/vnd.sdmx.data+json;version=2.1.0"))
    found = rows_of_json(message["data"])
    assert len(found) == len(expected(country, table))
    assert set(found) == expected(country, table)


def rows_of_json(data: dict[str, Any]) -> list[Row]:
    """Read a message of time series, by the field guide of SDMX-JSON 2.1."""
    (dataset,), (structure,) = data["dataSets"], data["structures"]
    dimensions, attributes = structure["dimensions"], structure["attributes"]
    (period,) = dimensions["observation"]
    whole = read_values(attributes.get("dataSet", []), dataset.get("attributes", []))
    found = []
    for key, series in dataset["series"].items():
        of_series = read_values(dimensions["series"], [int(part) for part in key.split(":")])
        of_series |= read_values(attributes.get("series", []), series.get("attributes", []))
        for place, (value, *rest) in series["observations"].items():
            row = whole | of_series | read_values(attributes["observation"], rest)
            row |= {"TIME_PERIOD": period["values"][int(place)]["id"], "OBS_VALUE": value}
            found.append(frozenset(row.items()))
    return found


def read_values(components: list[dict[str, Any]], places: list[Any]) -> dict[str, str]:
    return {
        component["id"]: component["values"][place]["id"]
        for component, place in zip(components, places, strict=False)
        if place is not None
    }


@pytest.mark.parametrize(("country", "table"), TABLES)
def test_sdmx_ml_over_rest_1(
    country: str, table: str, client: FlaskClient, flows: dict[str, str]
) -> None:
    ids = components(country, table)
    # All dimensions but the first and the period are left open.
    key = country + "." * (ids.index("TIME_PERIOD") - 1)
    data = body(
        client,
        f"/sdmx/v1/data/{flows[table]}/{key}",
        "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
    )
    found = []
    for series in etree.fromstring(data).iter("{*}Series", "Series"):
        found += [
            frozenset(
                (id, value)
                for id, value in (dict(series.attrib) | dict(obs.attrib)).items()
                if id in ids
            )
            for obs in series.iter("{*}Obs", "Obs")
        ]
    assert len(found) == len(expected(country, table))
    assert set(found) == expected(country, table)


@pytest.mark.parametrize(("country", "table"), TABLES)
def test_sdmx1_reads_what_rest_1_answers(
    country: str, table: str, client: FlaskClient, flows: dict[str, str]
) -> None:
    ids = components(country, table)
    key = country + "." * (ids.index("TIME_PERIOD") - 1)
    structure = sdmx.read_sdmx(
        io.BytesIO(
            body(
                client,
                f"/sdmx/v1/dataflow/ILMS/{flows[table]}/1.0.0?references=descendants",
                "application/vnd.sdmx.structure+xml;version=2.1",
            )
        )
    )
    (definition,) = structure.structure.values()
    message = sdmx.read_sdmx(
        io.BytesIO(
            body(
                client,
                f"/sdmx/v1/data/{flows[table]}/{key}",
                "application/vnd.sdmx.genericdata+xml;version=2.1",
            )
        ),
        structure=definition,
    )
    (dataset,) = message.data
    found = set()
    for observation in dataset.obs:
        row = {id: str(value.value) for id, value in observation.key.values.items()}
        row |= {id: str(value.value) for id, value in observation.attrib.items()}
        row["OBS_VALUE"] = str(observation.value)
        found.add(frozenset((id, value) for id, value in row.items() if id in ids))
    assert len(dataset.obs) == len(found)
    assert found == expected(country, table)


def test_the_flows_hold_nothing_else(
    client: FlaskClient, flows: dict[str, str], settings: Settings
) -> None:
    total = 0
    for flow in set(flows.values()):
        text = body(client, f"/sdmx/v2/data/dataflow/ILMS/{flow}", "text/csv").decode("utf-8-sig")
        total += len(list(csv.DictReader(io.StringIO(text))))
    assert total == 1752
    assert Path(settings.store_folder).is_dir()
