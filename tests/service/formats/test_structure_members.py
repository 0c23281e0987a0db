"""Every member of every type, in every format: what the examples of the matrix leave out is set in them one by one.

Each addition is written in each format. The message is valid; and either nothing is said and the artefact is read as
it was, or what is lost is said (what the example alone loses stands in its `findings.json`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from codelists.base import Maintainable, Part
from dsd.finding import Report
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.formats import STRUCTURE_FORMATS, find_structure_format
from service.formats.contract import EncodeOptions, Header
from service.formats.structure_table import LAYOUTS, registration, subscription
from service.formats.structure_table.vocabulary import Constant, Field, Implied, OwnUrn, Texts

FOLDER = Path(__file__).parents[2] / "examples" / "structures"
HEADER = Header(id="MEMBERS", prepared=datetime(2026, 11, 24, tzinfo=UTC), sender="TST")
FORMATS = [entry.name for entry in STRUCTURE_FORMATS]
URN = "urn:sdmx:org.sdmx.infomodel.{}=TST:{}".format
LINK = [{"rel": "related", "href": "https://example.org/related", "type": "text/html"}]
FULL_LINK = [
    {
        "rel": "related",
        "href": "https://example.org/related",
        "uri": "https://example.org/uri",
        "urn": URN("codelist.Codelist", "CL_AREA(1.0.0)"),
        "title": "Related",
        "titles": {"en": "Related", "fr": "Lié"},
        "type": "text/html",
        "hreflang": "en",
    }
]
NOTE = [{"id": "N1", "type": "NOTE", "texts": {"en": "A note", "fr": "Une note"}}]
SET = [{"dataProvider": URN("base.DataProvider", "DATA_PROVIDERS(1.0).A1"), "id": "SET1"}]
SOURCES = ["https://example.org/data.xml", "https://example.org/more.xml"]
FLOWS = [URN("datastructure.Dataflow", "DF(1.0.0)"), URN("datastructure.Dataflow", "DF2(1.0.0)")]
STRUCTURES = [URN("datastructure.DataStructure", "DSD(1.0.0)")]
AGREEMENTS = [URN("registry.ProvisionAgreement", "PA(1.0.0)")]
META_FLOWS = [URN("metadatastructure.Metadataflow", "MDF(1.2.0)")]
META_STRUCTURES = [URN("metadatastructure.MetadataStructure", "MSD(1.2.0)")]
META_AGREEMENTS = [URN("registry.MetadataProvisionAgreement", "MPA(1.0.0)")]

KEYS = "constraintAttachment"
META_KEY = "x-metadataKeySets/0/keys/0"
ADDITIONS: list[tuple[str, str, Any]] = [
    ("codelist", "links", FULL_LINK),
    ("codelist", "codes/0/links", FULL_LINK),
    ("codelist", "codes/0/annotations/0/links", FULL_LINK),
    ("codelist", "isPartialLanguage", True),
    ("conceptscheme", "concepts/0/annotations", NOTE),
    ("conceptscheme", "concepts/2/coreRepresentation", {"format": {"dataType": "Incremental", "isSequence": True, "startValue": 1, "endValue": 9, "interval": 2}}),
    ("geogridcodelist", "geoGridCodes/1", {"id": "SUB", "names": {"en": "Sub"}, "geoCell": "2:2", "parent": "A"}),
    ("geogridcodelist", "isPartial", True),
    ("organisationunitscheme", "isPartial", True),
    ("rulesetscheme", "isPartial", True),
    ("userdefinedoperatorscheme", "isPartial", True),
    ("customtypescheme", "isPartial", True),
    ("namepersonalisationscheme", "isPartial", True),
    ("valuelist", "valueItems/0/x-links", LINK),
    ("hierarchicalcodelist", "hierarchies/0/links", LINK),
    ("datastructure", "dataStructureComponents/groups/0/links", LINK),
    ("datastructure-3", "dataStructureComponents/attributeList/metadataAttributeUsages/0/links", LINK),
    ("dataconstraint", "cubeRegions/0/x-links", LINK),
    ("dataconstraint-3", "dataKeySets/0/keys/0/x-links", LINK),
    ("dataconstraint-3", "dataKeySets/0/keys/0/include", True),
    ("dataconstraint-3", "dataKeySets/0/keys/0/include", False),
    ("dataconstraint-3", "dataKeySets/0/keys/0/keyValues/0/include", False),
    ("dataconstraint", KEYS, {"dataStructures": STRUCTURES}),
    ("dataconstraint", KEYS, {"dataflows": FLOWS}),
    ("dataconstraint", KEYS, {"provisionAgreements": AGREEMENTS}),
    ("dataconstraint-21", KEYS, {"x-simpleDataSources": SOURCES}),
    ("dataconstraint-21", KEYS, {"x-dataSets": SET * 2}),
    ("availabilityconstraint", KEYS, {"dataStructure": STRUCTURES[0]}),
    ("availabilityconstraint", KEYS, {"provisionAgreement": AGREEMENTS[0]}),
    ("metadataconstraint", "metadataTargetRegions/0/annotations", NOTE),
    ("metadataconstraint", "metadataTargetRegions/0/x-links", LINK),
    ("metadataconstraint", KEYS, {"metadataProvider": URN("base.MetadataProvider", "METADATA_PROVIDERS(1.0).A1")}),
    ("metadataconstraint", KEYS, {"metadataStructures": META_STRUCTURES}),
    ("metadataconstraint", KEYS, {"metadataProvisionAgreements": META_AGREEMENTS}),
    ("metadataconstraint-21", KEYS, {"x-metadataSets": SET}),
    ("metadataconstraint-21", KEYS, {"x-simpleDataSources": SOURCES}),
    ("metadataconstraint-21", f"{META_KEY}/keyValues/0/include", False),
    ("attachmentconstraint", KEYS, {"dataSets": SET}),
    ("attachmentconstraint", KEYS, {"metadataSets": SET}),
    ("attachmentconstraint", KEYS, {"simpleDataSources": SOURCES}),
    ("attachmentconstraint", KEYS, {"metadataStructures": META_STRUCTURES}),
    ("attachmentconstraint", KEYS, {"dataflows": FLOWS}),
    ("attachmentconstraint", KEYS, {"metadataflows": META_FLOWS}),
    ("attachmentconstraint", KEYS, {"provisionAgreements": AGREEMENTS}),
    ("metadatastructure-21", "metadataStructureComponents/x-metadataTargets/0/links", LINK),
    ("metadatastructure-21", "metadataStructureComponents/x-metadataTargets/0/identifiableObjectTargets/0/links", LINK),
    ("metadatastructure-21", "metadataStructureComponents/x-metadataTargets/0/identifiableObjectTargets/0/x-uri", "https://example.org/about"),
    ("metadatastructure-21", "metadataStructureComponents/x-reportStructures/0/links", LINK),
    ("vtlmappingscheme", "vtlMappings/2", {"id": "V3", "names": {"en": "Concept"}, "alias": "C", "x-conceptScheme": URN("conceptscheme.ConceptScheme", "CS(1.0.0)")}),
    ("process", "processSteps/0/inputs/0/x-links", LINK),
    ("process", "processSteps/0/computation/x-links", LINK),
    ("structuremap", "epochMaps/0", {"id": "E", "mappedComponents": [{"source": "DATE", "target": "TIME_PERIOD"}], "targetFrequencyID": "M", "basePeriod": "1970-01-01", "epochPeriod": "day"}),
    ("structuremap", "datePatternMaps/0/annotations", NOTE),
    ("structuremap", "datePatternMaps/0/links", LINK),
    ("structuremap", "datePatternMaps/0/x-uri", "https://example.org/about"),
    ("structuremap", "datePatternMaps/0", {"id": "D", "mappedComponents": [{"source": "DATE", "target": "TIME_PERIOD"}], "frequencyDimension": "FREQ", "mappedFrequencies": ["A", "M"], "sourcePattern": "yyyy", "locale": "en"}),
    ("structuremap", "frequencyFormatMappings/0/x-uri", "https://example.org/about"),
    ("structuremap", "componentMaps/0/x-links", LINK),
    ("structuremap", "fixedValueMaps/0/x-links", LINK),
    ("representationmap", "representationMappings/0/x-links", LINK),
    ("conceptschememap", "itemMaps/0/x-links", LINK),
    ("structureset", "codelistMaps/0/links", LINK),
    ("structureset", "codelistMaps/0/itemAssociations/0/x-links", LINK),
    ("structureset", "structureMaps/0/links", LINK),
    ("structureset", "structureMaps/0/componentMaps/0/x-links", LINK),
]  # fmt: skip
"""Example, place in its SDMX-JSON 2.1, value."""

Validate = Callable[[bytes, str], None]


def source(type_name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((FOLDER / type_name / "source.json").read_text("utf-8"))
    return body


def changed(type_name: str, place: str, value: Any) -> Maintainable:
    """Return an example with a member set; None to leave it out."""
    body = source(type_name)
    ((_, (found,)),) = body["data"].items()
    *path, last = place.split("/")
    for step in path:
        found = found[int(step)] if step.isdecimal() else found.setdefault(step, {})
    key = int(last) if last.isdecimal() else last
    if value is not None:
        if isinstance(found, list) and key == len(found):
            found.append(value)
        found[key] = value
    elif isinstance(found, dict):
        found.pop(key, None)
    (artefact,) = decode_structures(json.dumps(body).encode()).data.all()
    return artefact


@pytest.fixture(scope="module")
def known() -> Structures:
    """All examples, in which references resolve."""
    return Structures(
        artefact
        for path in FOLDER.glob("*/source.json")
        for artefact in decode_structures(path.read_bytes()).data.all()
    )


def write(artefact: Maintainable, name: str, known: Structures) -> tuple[bytes, list[str]]:
    encode = find_structure_format(name).encode
    assert encode
    report = Report()
    body = b"".join(encode(HEADER, [artefact], known, EncodeOptions(report=report)))
    return body, [f"{finding.severity.value}: {finding.message}" for finding in report.findings]


def read(body: bytes, name: str) -> Sequence[Maintainable]:
    decode = find_structure_format(name).decode
    assert decode
    return decode(body)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("type_name", "place", "value"),
    ADDITIONS,
    ids=[f"{type_name}-{place}" for type_name, place, _ in ADDITIONS],
)
def test_a_member_is_kept_or_said_to_be_lost(
    type_name: str,
    place: str,
    value: Any,
    name: str,
    known: Structures,
    validate_structures: Validate,
) -> None:
    artefact, without = changed(type_name, place, value), changed(type_name, place, None)
    body, said = write(artefact, name, known)
    other, said_without = write(without, name, known)
    back = read(body, name)
    if back:
        validate_structures(body, name)
    if len(back) == 1:
        assert write(back[0], name, known)[0] == body
    if not said:
        assert list(back) == [artefact]
    elif sorted(said) == sorted(said_without) and body == other:
        # Nothing is said of the addition alone, so that what holds it must be lost, and said.
        *above, _ = place.split("/")
        wholes = ["/".join(above[:depth]) for depth in range(1, len(above) + 1)]
        assert not back or any(
            write(changed(type_name, whole, None), name, known)[0] == body for whole in wholes
        )


def parts(part: Part) -> Iterator[Part]:
    yield part
    for field in msgspec.structs.fields(type(part)):
        value = getattr(part, field.name)
        for entry in value if isinstance(value, tuple) else (value,):
            if isinstance(entry, Part):
                yield from parts(entry)


def test_the_examples_with_their_additions_have_every_member() -> None:
    artefacts = [
        *(
            artefact
            for path in FOLDER.glob("*/source.json")
            for artefact in decode_structures(path.read_bytes()).data.all()
        ),
        *(changed(*addition) for addition in ADDITIONS),
    ]
    seen: set[tuple[type, str]] = set()
    languages: set[tuple[type, str]] = set()
    for artefact in artefacts:
        for part in parts(artefact):
            for field in msgspec.structs.fields(type(part)):
                value = getattr(part, field.name)
                if value != _default(field) and value != ():
                    seen.add((type(part), field.name))
                if isinstance(value, dict) and len(value) > 1:
                    languages.add((type(part), field.name))
    missing = {
        f"{model.__name__}.{field.member}"
        for model, field in _members()
        if (model, field.member) not in seen
        and not (issubclass(model, Maintainable) and field.member in _OF_ANY_ARTEFACT)
    }
    assert not missing
    alone = {
        f"{model.__name__}.{field.member}"
        for model, field in _members()
        if isinstance(field.kind, Texts) and (model, field.member) not in languages
    }
    assert not alone
    assert {member for model, member in seen if issubclass(model, Maintainable)} >= set(
        _OF_ANY_ARTEFACT
    )


_OF_ANY_ARTEFACT = ("is_partial_language", "is_external_reference", "is_final")
"""Members that are the same in every artefact type; some example has each."""


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return None if field.default is msgspec.NODEFAULT else field.default


def _members() -> Iterator[tuple[type[Part], Field]]:
    for name, layout in LAYOUTS.items():
        if name in registration.LAYOUTS or name in subscription.LAYOUTS:
            # Of registry messages, which have tests of their own.
            continue
        for field in layout.fields:
            if field.member and not isinstance(field.kind, OwnUrn | Implied | Constant):
                yield layout.model, field
