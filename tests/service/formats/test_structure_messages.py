"""Structure messages are valid, and an independent reader finds in them what was written."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import sdmx
from lxml import etree

from codelists.base import Link, replaced
from codelists.item_scheme import CategoryScheme, Code, Codelist
from dsd.finding import Report
from dsd.structure import DataConstraint, Dataflow, DataStructure, ProvisionAgreement
from dsd.structures import Structures
from service.formats import find_structure_format
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.sdmx_ml21 import NAMESPACES

EVERYTHING = EncodeOptions()


def ml(header: Header, artefacts: Any, structures: Structures, **options: Any) -> bytes:
    encode = find_structure_format("ml21").encode
    assert encode
    return b"".join(encode(header, list(artefacts), structures, EncodeOptions(**options)))


def js(header: Header, artefacts: Any, structures: Structures, **options: Any) -> bytes:
    encode = find_structure_format("json").encode
    assert encode
    return b"".join(encode(header, list(artefacts), structures, EncodeOptions(**options)))


def valid(body: bytes, schema: etree.XMLSchema) -> etree._Element:
    document = etree.fromstring(body)
    schema.assertValid(document)
    return document


def find(document: etree._Element, path: str) -> list[Any]:
    return document.xpath(path, namespaces=NAMESPACES)


@pytest.mark.parametrize("languages", [(), ("fr",), ("th", "fr"), ("*",)])
def test_16_every_type_is_valid_ml21(
    test_structures: Structures,
    header: Header,
    message_schema: etree.XMLSchema,
    languages: tuple[str, ...],
) -> None:
    body = ml(header, test_structures, test_structures, languages=languages)
    document = valid(body, message_schema)
    assert len(find(document, "//mes:Structures/*/*")) == len(test_structures)


def test_16_every_built_in_artefact_is_valid_ml21(
    structures: Structures, header: Header, message_schema: etree.XMLSchema
) -> None:
    document = valid(ml(header, structures, structures), message_schema)
    assert len(find(document, "//mes:Structures/*/*")) == len(structures)


@pytest.mark.parametrize("languages", [(), ("fr",), ("*",)])
def test_every_type_is_valid_json(
    test_structures: Structures,
    header: Header,
    check_json: Callable[[bytes, str], Any],
    languages: tuple[str, ...],
) -> None:
    body = js(header, test_structures, test_structures, languages=languages)
    message = check_json(body, "structure")
    assert sum(map(len, message["data"].values())) == len(test_structures)
    assert message["data"]["dataflows"][0]["links"][0] == {
        "rel": "self",
        "urn": "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_T(1.0.0)",
    }


def test_json_round_trip_keeps_every_artefact(test_structures: Structures, header: Header) -> None:
    decode = find_structure_format("json").decode
    assert decode
    found = decode(js(header, test_structures, test_structures))
    assert [replaced(artefact, links=()) for artefact in found] == list(test_structures)


def test_json_names_are_filtered_by_language(test_structures: Structures, header: Header) -> None:
    decode = find_structure_format("json").decode
    assert decode
    areas = next(a for a in test_structures.of_type(Codelist) if a.id == "CL_AREA")
    (found,) = decode(js(header, [areas], test_structures, languages=("fr",)))
    assert isinstance(found, Codelist)
    names = {code.id: (code.name, code.names) for code in found.codes}
    assert names["IDN"] == ("Indonésie", {"fr": "Indonésie"})
    assert names["TLS"] == ("Timor-Leste", {"en": "Timor-Leste"})
    assert found.is_partial_language


def test_sdmx1_reads_the_same_items(test_structures: Structures, header: Header) -> None:
    message = sdmx.read_sdmx(io.BytesIO(ml(header, test_structures, test_structures)))
    for codelist in test_structures.of_type(Codelist):
        items = message.codelist[codelist.id].items
        assert list(items) == [code.id for code in codelist.codes]
        for code in codelist.codes:
            assert items[code.id].name.localizations == code.names
            parent = items[code.id].parent
            assert (parent.id if isinstance(parent, type(items[code.id])) else None) == code.parent


def test_sdmx1_reads_the_same_structure(test_structures: Structures, header: Header) -> None:
    message = sdmx.read_sdmx(io.BytesIO(ml(header, test_structures, test_structures)))
    dsd = message.structure["DSD_T"]
    assert [d.id for d in dsd.dimensions] == ["FREQ", "REF_AREA", "SEX", "TIME_PERIOD"]
    assert [m.id for m in dsd.measures] == ["OBS_VALUE"]
    relations = {a.id: type(a.related_to).__name__ for a in dsd.attributes}
    assert relations["UNIT_MEASURE"] == "DimensionRelationship"
    assert relations["COVERAGE"] == "GroupRelationship"
    assert relations["OBS_STATUS"] == "PrimaryMeasureRelationship"
    assert dsd.dimensions.get("REF_AREA").local_representation.enumerated.id == "CL_AREA"
    assert message.dataflow["DF_T"].structure.id == "DSD_T"


def test_sdmx1_reads_the_built_in_structures(structures: Structures, header: Header) -> None:
    wanted = [a for a in structures if not isinstance(a, DataConstraint)]
    message = sdmx.read_sdmx(io.BytesIO(ml(header, wanted, structures)))
    flows = list(structures.of_type(Dataflow))
    assert sorted(message.dataflow) == sorted(flow.id for flow in flows)
    for codelist in structures.of_type(Codelist):
        # sdmx1 keeps the items of a hierarchy in an order of its own.
        assert set(message.codelist[codelist.id].items) == {code.id for code in codelist.codes}
    for structure in structures.of_type(DataStructure):
        parts = structure.data_structure_components
        assert parts
        found = [d.id for d in message.structure[structure.id].dimensions]
        assert found == [*(d.id for d in parts.dimension_list.dimensions), "TIME_PERIOD"]


def test_a_version_wildcard_becomes_the_version_it_stands_for(
    test_structures: Structures, header: Header
) -> None:
    structure = next(test_structures.of_type(DataStructure))
    document = etree.fromstring(ml(header, [structure], test_structures))
    path = "//str:Dimension[@id='REF_AREA']//str:Enumeration/Ref/@version"
    assert find(document, path) == ["1.0.0"]


def test_a_wildcard_that_stands_for_nothing_is_refused(
    test_structures: Structures, header: Header
) -> None:
    structure = next(test_structures.of_type(DataStructure))
    with pytest.raises(NotExpressibleError, match=r"CL_AREA\(1.0\+.0\)"):
        ml(header, [structure], Structures([]))


def test_several_values_become_an_annotated_text(
    test_structures: Structures, header: Header
) -> None:
    structure = next(test_structures.of_type(DataStructure))
    document = etree.fromstring(ml(header, [structure], test_structures))
    attribute = "//str:Attribute[@id='METHOD']"
    assert find(document, f"{attribute}//str:TextFormat/@textType") == ["String"]
    titles = find(
        document, f"{attribute}//com:Annotation[@id='MULTIPLE_VALUES']/com:AnnotationTitle/text()"
    )
    assert titles == ["urn:sdmx:org.sdmx.infomodel.codelist.Codelist=TST:CL_METHOD(1.0.0)"]


def test_16_stable_versions_are_final_and_organisation_schemes_never(
    test_structures: Structures, header: Header
) -> None:
    document = etree.fromstring(ml(header, test_structures, test_structures))
    assert find(document, "//str:Codelist[@id='CL_SEX']/@isFinal") == ["true"]
    assert find(document, "//str:DataProviderScheme/@isFinal") == []


def test_annotations_keep_their_value(test_structures: Structures, header: Header) -> None:
    document = etree.fromstring(ml(header, test_structures, test_structures))
    path = "//str:Code[@id='IDN']//com:Annotation[@id='ORDER']/com:AnnotationText[@xml:lang='zxx']"
    assert find(document, f"{path}/text()") == ["2"]


def test_stubs_are_external_references(
    test_structures: Structures, header: Header, message_schema: etree.XMLSchema
) -> None:
    link = Link(rel="self", href="https://example.org/x")
    empty = {Dataflow: "structure", ProvisionAgreement: "dataflow", Codelist: "codes"}
    stubs = [
        replaced(
            artefact,
            is_external_reference=True,
            links=(link,),
            **{member: () if member == "codes" else None},
        )
        for artefact_class, member in empty.items()
        for artefact in list(test_structures.of_type(artefact_class))[:1]
    ]
    document = valid(ml(header, stubs, test_structures), message_schema)
    assert find(document, "//mes:Structures/*/*/@isExternalReference") == ["true"] * 3
    assert find(document, "//str:Dataflow/@structureURL") == ["https://example.org/x"]
    assert find(document, "//str:Code") == []


def test_nested_categories_stay_nested(test_structures: Structures, header: Header) -> None:
    scheme = next(test_structures.of_type(CategoryScheme))
    document = etree.fromstring(ml(header, [scheme], test_structures))
    assert find(document, "//str:Category[@id='A']/str:Category/@id") == ["A1"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"version": "1.0.0-draft"}, "version extensions"),
        ({"codes": (Code(id="A", names={"en": "A"}),), "version": "2.0.0-rc.1"}, "extensions"),
    ],
)
def test_what_ml21_has_no_form_for_is_refused_at_once(
    test_structures: Structures, header: Header, change: dict[str, Any], word: str
) -> None:
    codelist = replaced(next(test_structures.of_type(Codelist)), **change)
    encode = find_structure_format("ml21").encode
    assert encode
    with pytest.raises(NotExpressibleError, match=word):
        encode(header, [codelist], test_structures, EVERYTHING)


def test_texts_survive_xml(test_structures: Structures, header: Header) -> None:
    name = "a & b < c > \"d\" 'e'\r\n\t😀  double  "
    codelist = replaced(next(test_structures.of_type(Codelist)), names={"en": name}, name=name)
    document = etree.fromstring(ml(header, [codelist], test_structures))
    assert find(document, "//str:Codelist/com:Name/text()") == [name]


@pytest.mark.parametrize("name", ["json", "json20", "json10", "ml21", "ml30"])
def test_every_part_stands_in_its_artefact_whatever_the_order(
    name: str, structures: Structures, header: Header
) -> None:
    """Long parts are written beside the message and put into it: each type of artefact has its place there."""
    chosen = find_structure_format(name)
    assert chosen.encode
    assert chosen.decode

    def read(artefacts: list[Any]) -> dict[str, Any]:
        body = b"".join(chosen.encode(header, artefacts, structures, EVERYTHING))
        return {str(artefact.urn): artefact for artefact in chosen.decode(body)}

    there = list(structures)
    assert read(there[::-1]) == read(there) == {k: v for a in there for k, v in read([a]).items()}


@pytest.mark.parametrize("role", ["Allowed", "Actual"])
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ml21", "//*[local-name()='ContentConstraint']/@type"),
        ("ml30", "//*[local-name()='DataConstraint']/@role"),
    ],
)
def test_17_a_constraint_says_whether_its_content_is_allowed_or_actual(
    test_structures: Structures, header: Header, role: str, name: str, path: str
) -> None:
    (constraint, *_) = (c for c in test_structures.of_type(DataConstraint) if c.id == "CON_DSD")
    entry = find_structure_format(name)
    assert entry.encode
    assert entry.decode
    written = [replaced(constraint, role=role)]
    body = b"".join(entry.encode(header, written, test_structures, EVERYTHING))
    document = etree.fromstring(body)
    assert document.xpath(path) == [role]
    (found,) = entry.decode(body)
    assert isinstance(found, DataConstraint)
    assert found.role == role
    if name == "ml21":
        # SDMX-ML 2.1, ContentConstraintType: the default is Actual.
        del document.xpath(path)[0].getparent().attrib["type"]
        (found,) = entry.decode(etree.tostring(document))
        assert isinstance(found, DataConstraint)
        assert found.role == "Actual"


@pytest.mark.parametrize("name", ["ml31", "json"])
def test_17_actual_content_is_an_availability_in_3_1(
    test_structures: Structures, header: Header, name: str
) -> None:
    """It has no identity there: what would lose that is refused or said, and never written as what is allowed."""
    (constraint, *_) = (c for c in test_structures.of_type(DataConstraint) if c.id == "CON_DSD")
    actual = [replaced(constraint, role="Actual")]
    entry = find_structure_format(name)
    assert entry.encode
    with pytest.raises(NotExpressibleError, match="availability"):
        b"".join(entry.encode(header, actual, test_structures, EVERYTHING))
    losses = Report()
    body = b"".join(entry.encode(header, actual, test_structures, EncodeOptions(report=losses)))
    assert losses.findings
    assert b"vailabilityConstraint" in body
    assert b"ataConstraint" not in body
