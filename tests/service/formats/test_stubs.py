"""Stubs of every artefact type in every structure format (check-list 12)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from codelists.base import Link, Maintainable
from dsd.finding import Report, Severity
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.formats import STRUCTURE_FORMATS, find_structure_format
from service.formats.contract import EncodeOptions, Header
from service.registry.detail import stub

FOLDER = Path(__file__).parents[2] / "examples" / "structures"
# What is in data is no artefact that anyone maintains.
NAMES = sorted(
    path.parent.name
    for path in FOLDER.glob("*/source.json")
    if path.parent.name != "availabilityconstraint"
)
FORMATS = [entry.name for entry in STRUCTURE_FORMATS]
HEADER = Header(id="STUBS", prepared=datetime(2026, 11, 24, tzinfo=UTC), sender="TST")
URL = "https://example.org/sdmx/v2/structure/x/TST/X/1.2.0"
IDENTITY = ("id", "agency_id", "version", "names")

REQUIRED = {
    "DataConstraint": {"role"},
    "MetadataConstraint": {"role"},
    "Metadataflow": {"structure", "targets"},
    "ProvisionAgreement": {"dataflow", "data_provider"},
    "MetadataProvisionAgreement": {"metadataflow", "metadata_provider"},
    "HierarchyAssociation": {"linked_hierarchy", "linked_object"},
    "Hierarchy": {"hierarchical_codes"},
    "RepresentationMap": {"source", "target"},
    "GeoGridCodelist": {"grid_definition"},
    **{
        f"{name}Map": {"source", "target"}
        for name in (
            "CategoryScheme",
            "ConceptScheme",
            "OrganisationScheme",
            "ReportingTaxonomy",
            "Structure",
        )
    },
    **{
        f"{name}Scheme": {"vtl_version"}
        for name in (
            "CustomType",
            "NamePersonalisation",
            "Ruleset",
            "Transformation",
            "UserDefinedOperator",
        )
    },
}
"""What the schemas require of a stub beside its identity and name, or what kind of constraint it is."""
OTHERWISE_IN_3 = ("hierarchicalcodelist", "structureset")
"""Containers of which nobody can say what they become in 3.x without what is in them."""

Validate = Callable[[bytes, str], None]


def source(name: str) -> Maintainable:
    (artefact,) = decode_structures((FOLDER / name / "source.json").read_bytes()).data.all()
    return artefact


def written(artefact: Maintainable, name: str) -> tuple[bytes, Sequence[Maintainable], list[str]]:
    """Return the message, what reading it gives, and what the format could not express."""
    entry = find_structure_format(name)
    assert entry.encode
    assert entry.decode
    report = Report()
    options = EncodeOptions(report=report)
    body = b"".join(entry.encode(HEADER, [artefact], Structures([artefact]), options))
    lost = [f.message for f in report.findings if f.severity is Severity.WARNING]
    return body, entry.decode(body), lost


@cache
def in_full(name: str, format_name: str) -> tuple[Sequence[Maintainable], list[str]]:
    return written(source(name), format_name)[1:]


def content_of(artefact: Maintainable) -> dict[str, Any]:
    """Return the members that a stub leaves as they are in an artefact of which nothing is said."""
    empty = type(artefact)(agency_id="T", id="X")
    named = {*Maintainable.__struct_fields__}
    return {
        member: getattr(artefact, member)
        for member in artefact.__struct_fields__
        if member not in named and getattr(artefact, member) != getattr(empty, member)
    }


@pytest.mark.parametrize("complete", [False, True], ids=["stub", "complete"])
@pytest.mark.parametrize("name", NAMES)
def test_12_a_stub_has_no_content(name: str, complete: bool) -> None:
    artefact = source(name)
    made = stub(artefact, complete, lambda _: URL)
    assert content_of(made).keys() <= REQUIRED.get(type(artefact).__name__, set())
    assert made.is_external_reference
    assert all(getattr(made, member) == getattr(artefact, member) for member in IDENTITY)
    assert made.is_final == artefact.is_final
    assert made.annotations == (artefact.annotations if complete else ())
    assert made.descriptions == (artefact.descriptions if complete else {})
    if artefact.is_external_reference:
        assert made.links == artefact.links
    else:
        assert made.links == (Link(rel="self", href=URL),)


@pytest.mark.parametrize("complete", [False, True], ids=["stub", "complete"])
@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_12_a_stub_is_valid_and_read_back_as_one(
    name: str, format_name: str, complete: bool, validate_structures: Validate
) -> None:
    made = stub(source(name), complete, lambda _: URL)
    body, found, lost = written(made, format_name)
    if not found:
        # The format has no such artefact, and says so.
        assert lost
        assert not in_full(name, format_name)[0] or name in OTHERWISE_IN_3
        return
    # Of notes with several addresses SDMX-ML 2.1 has one, without its language.
    assert complete or not lost
    assert all("more than one of the links" in line or "hreflang" in line for line in lost)
    validate_structures(body, format_name)
    (read,) = found
    assert read.is_external_reference
    assert content_of(read).keys() <= REQUIRED.get(type(read).__name__, set())
    assert (read.id, read.agency_id, read.names) == (made.id, made.agency_id, made.names)
    assert read.descriptions == made.descriptions
    assert bool(read.annotations) == bool(made.annotations)
    addresses = [link.href for link in read.links if link.rel == "self" and link.href]
    assert addresses[:1] == [link.href for link in made.links if link.rel == "self"][:1]


@pytest.mark.parametrize("format_name", ["ml21", "ml30", "ml31"])
def test_12_a_stub_in_xml_says_where_the_artefact_is(format_name: str) -> None:
    body, _, _ = written(stub(source("codelist"), False, lambda _: URL), format_name)
    (element,) = etree.fromstring(body).iter("{*}Codelist")
    assert element.get("isExternalReference") == "true"
    assert element.get("structureURL") == URL
    assert [etree.QName(child).localname for child in element] == ["Name", "Name"]


@pytest.mark.parametrize("format_name", ["json", "json20", "json10"])
def test_12_a_stub_in_json_says_where_the_artefact_is(format_name: str) -> None:
    body, _, _ = written(stub(source("codelist"), False, lambda _: URL), format_name)
    (found,) = json.loads(body)["data"]["codelists"]
    assert found["isExternalReference"] is True
    assert URL in [link.get("href") for link in found["links"]]
    assert not {"codes", "annotations", "description", "descriptions"} & found.keys()
