"""What refers to what: every reference of every type, and the tables of the standard (check-list 11)."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codelists.base import Maintainable, replaced
from codelists.item_scheme import (
    AgencyScheme,
    Code,
    Codelist,
    Concept,
    ConceptScheme,
    Organisation,
    ValueList,
)
from codelists.representation import Representation
from codelists.urn import ARTEFACT_TYPES, LEGACY_TYPES, TYPE_OF_NAME, Urn
from dsd.metadata_structure import (
    MetadataAttribute,
    MetadataAttributeList,
    Metadataflow,
    MetadataStructure,
    MetadataStructureComponents,
)
from dsd.sdmx_json import decode_structures, encode_artefact_file
from dsd.structure import (
    DataConstraint,
    DataConstraintAttachment,
    Dataflow,
    DataStructure,
    MetadataConstraint,
    MetadataConstraintAttachment,
)
from dsd.structure_map import CategorySchemeMap, OrganisationSchemeMap
from dsd.structures import Structures
from service.query.structure_query import parse_structure_query_v1, parse_structure_query_v2
from service.registry.references import ReferenceGraph, identity, references_of
from service.registry.registry import Registry
from service.registry.search import search

EXAMPLES = Path(__file__).parents[2] / "examples"
SOURCES = sorted((EXAMPLES / "structures").glob("*/source.json"))
TABLE: dict[str, list[str]] = tomllib.loads(
    (EXAMPLES / "registry/references/tables.toml").read_text(encoding="utf-8")
)
BASE = "urn:sdmx:org.sdmx.infomodel."


def read(path: Path) -> Maintainable:
    (artefact,) = decode_structures(path.read_bytes()).data.all()
    return artefact


def urns_in(value: Any) -> Iterator[str]:
    """Yield every URN in plain JSON but those of links and notes, which are no references."""
    if isinstance(value, dict):
        for name, entry in value.items():
            if name not in ("links", "annotations"):
                yield from urns_in(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from urns_in(entry)
    elif isinstance(value, str) and value.startswith("urn:sdmx:"):
        yield value


def measures_in(value: Any) -> Iterator[str]:
    """Yield the schemes of the concepts that are measures in SDMX 2.1, which annotations hold."""
    if isinstance(value, dict):
        if value.get("id") == "MEASURE_DIMENSION" and "title" in value:
            yield value["title"]
        for entry in value.values():
            yield from measures_in(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from measures_in(entry)


# -- completeness ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.parent.name)
def test_every_urn_of_every_full_example_is_a_reference(path: Path) -> None:
    artefact = read(path)
    written = json.loads(encode_artefact_file(artefact))["data"]
    assert {str(urn) for urn in references_of(artefact)} == set(urns_in(written)) | set(
        measures_in(written)
    )


def test_the_examples_hold_every_type() -> None:
    types = {read(path).type_name for path in SOURCES} - {"AvailabilityConstraint"}
    assert types == {entry.name for entry in (*ARTEFACT_TYPES, *LEGACY_TYPES)}


def target_of(urn: Urn) -> Maintainable | None:
    """Return an artefact for a reference to find; None where the class is none of an artefact."""
    whole = urn.maintainable
    if whole.type not in TYPE_OF_NAME:
        return None
    model = next(type(read(path)) for path in SOURCES if read(path).type_name == whole.type)
    agency, id = (part.replace("*", "X") for part in (whole.agency, whole.id))
    version = whole.version.replace("+", "").replace("*", "1.0.0")
    return model(agency_id=agency, id=id, version=version)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.parent.name)
def test_11_every_reference_is_followed_in_both_directions(path: Path) -> None:
    artefact = read(path)
    wanted = {
        identity(target): target
        for urn in references_of(artefact)
        if (target := target_of(urn)) and identity(target) != identity(artefact)
    }
    graph = ReferenceGraph(Structures([artefact, *wanted.values()]))
    found = {identity(child) for child in graph.children(artefact)} - {identity(artefact)}
    assert found == wanted.keys()
    for target in wanted.values():
        assert artefact in list(graph.parents(target))


def test_the_concepts_that_are_measures_of_2_1_are_referred_to() -> None:
    structure = read(EXAMPLES / "structures/datastructure-21/source.json")
    notes = set(measures_in(json.loads(encode_artefact_file(structure))))
    assert notes
    assert notes <= {str(urn) for urn in references_of(structure)}


# -- the tables of the standard --------------------------------------------------------------------


def test_the_table_has_every_type() -> None:
    assert TABLE.keys() == {entry.name for entry in ARTEFACT_TYPES}


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if not path.parent.name.endswith("-21")],
    ids=lambda path: path.parent.name,
)
def test_no_type_refers_to_what_the_table_does_not_have(path: Path) -> None:
    artefact = read(path)
    allowed = TABLE.get(artefact.type_name, ["*"])
    if "*" not in allowed:
        assert {urn.maintainable.type for urn in references_of(artefact)} <= set(allowed)


def urn(type_name: str, item: str | None = None) -> str:
    return str(Urn(type_name, "T", "X", "1.0.0", item))


# What the table has and no example: an artefact is attached to one kind of thing at a time.
OTHER_WAYS: tuple[tuple[Maintainable, str], ...] = (
    (
        CategorySchemeMap(agency_id="T", id="M", source=urn("ReportingTaxonomy")),
        "ReportingTaxonomy",
    ),
    (
        DataConstraint(
            agency_id="T",
            id="M",
            constraint_attachment=DataConstraintAttachment(data_structures=(urn("DataStructure"),)),
        ),
        "DataStructure",
    ),
    (
        MetadataConstraint(
            agency_id="T",
            id="M",
            constraint_attachment=MetadataConstraintAttachment(
                metadata_provider=urn("MetadataProvider", "P")
            ),
        ),
        "MetadataProviderScheme",
    ),
    (
        MetadataConstraint(
            agency_id="T",
            id="M",
            constraint_attachment=MetadataConstraintAttachment(
                metadata_provision_agreements=(urn("MetadataProvisionAgreement"),)
            ),
        ),
        "MetadataProvisionAgreement",
    ),
    (
        MetadataStructure(
            agency_id="T",
            id="M",
            metadata_structure_components=MetadataStructureComponents(
                metadata_attribute_list=MetadataAttributeList(
                    metadata_attributes=(
                        MetadataAttribute(
                            id="A",
                            concept_identity=urn("Concept", "A"),
                            local_representation=Representation(enumeration=urn("ValueList")),
                        ),
                    )
                )
            ),
        ),
        "ValueList",
    ),
    *(
        (OrganisationSchemeMap(agency_id="T", id="M", target=urn(name)), name)
        for name in ("DataConsumerScheme", "MetadataProviderScheme", "DataProviderScheme")
    ),
)


@pytest.mark.parametrize(("artefact", "wanted"), OTHER_WAYS, ids=lambda value: str(value)[:30])
def test_every_reference_of_the_table_is_one(artefact: Maintainable, wanted: str) -> None:
    assert wanted in {urn.maintainable.type for urn in references_of(artefact)}


def test_11_examples_and_other_ways_are_the_whole_table() -> None:
    seen: dict[str, set[str]] = {}
    for artefact in (*map(read, SOURCES), *(made for made, _ in OTHER_WAYS)):
        types = {urn.maintainable.type for urn in references_of(artefact)}
        seen.setdefault(artefact.type_name, set()).update(types)
    for type_name, allowed in TABLE.items():
        assert "*" in allowed or set(allowed) <= seen[type_name]


def test_every_urn_of_every_built_in_artefact_is_a_reference(structures: Structures) -> None:
    for artefact in structures:
        written = json.loads(encode_artefact_file(artefact))["data"]
        assert {str(urn) for urn in references_of(artefact)} == set(urns_in(written))


# -- references with wildcards ---------------------------------------------------------------------


def flow(agency: str, id: str, version: str) -> Dataflow:
    return Dataflow(agency_id=agency, id=id, version=version, names={"en": id})


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("datastructure.Dataflow=T:*(*)", ["T:A(1.0.0)", "T:A(2.0.0)", "T:B(1.0.0)"]),
        ("datastructure.Dataflow=*:A(1.0.0)", ["T:A(1.0.0)", "Z:A(1.0.0)"]),
        ("datastructure.Dataflow=*:*(1+.0.0)", ["T:A(2.0.0)", "T:B(1.0.0)", "Z:A(1.0.0)"]),
        ("datastructure.Dataflow=T:A(*)", ["T:A(1.0.0)", "T:A(2.0.0)"]),
        ("datastructure.Dataflow=T:A(1.0+.0)", ["T:A(1.0.0)"]),
        ("datastructure.DataStructure=*:*(*)", []),
        ("no URN", []),
        ("datastructure.Dataflow=T:A(x.y)", []),
    ],
)
def test_a_target_with_wildcards_is_every_artefact_that_fits(
    target: str, expected: list[str]
) -> None:
    flows = [
        flow(*entry) for entry in (("T", "A", "1.0.0"), ("T", "A", "2.0.0"), ("T", "B", "1.0.0"))
    ]
    about = Metadataflow(agency_id="T", id="M", version="1.0.0", targets=(f"{BASE}{target}",))
    graph = ReferenceGraph(Structures([*flows, flow("Z", "A", "1.0.0"), about]))
    assert sorted(found.urn.short for found in graph.children(about)) == expected


# -- agencies, extensions, types of one line -------------------------------------------------------


def ask(structures: Structures, line: str, path: str, query: str = "") -> list[str]:
    parse = {"v1": parse_structure_query_v1, "v2": parse_structure_query_v2}[line]
    found = search(Registry(structures), parse(path, query), lambda artefact: "")
    assert len({identity(artefact) for artefact in found}) == len(found)
    return [f"{artefact.type_name} {artefact.id}" for artefact in found]


@pytest.fixture(scope="module")
def varied() -> Structures:
    code = Code(id="A", names={"en": "A"})
    named = {"agency_id": "T", "version": "1.0.0"}
    extended = read(EXAMPLES / "structures/codelist-extended/source.json")
    assert isinstance(extended, Codelist)
    base, *_ = extended.codelist_extensions
    return Structures(
        [
            AgencyScheme(
                agency_id="SDMX",
                id="AGENCIES",
                agencies=(Organisation(id="T"), Organisation(id="Z")),
            ),
            AgencyScheme(agency_id="T", id="AGENCIES", agencies=(Organisation(id="SUB"),)),
            Codelist(**named, id="CL_BASE", codes=(code,)),
            Codelist(
                **named,
                id="CL_EXTENDED",
                codelist_extensions=(
                    replaced(base, codelist=f"{BASE}codelist.Codelist=T:CL_BASE(1.0.0)"),
                ),
            ),
            ValueList(**named, id="VALUES"),
            ConceptScheme(
                **named,
                id="CS",
                concepts=(
                    Concept(
                        id="C",
                        core_representation=Representation(
                            enumeration=f"{BASE}codelist.Codelist=T:CL_EXTENDED(1.0.0)"
                        ),
                    ),
                    Concept(
                        id="V",
                        core_representation=Representation(
                            enumeration=f"{BASE}codelist.ValueList=T:VALUES(1.0.0)"
                        ),
                    ),
                ),
            ),
            DataStructure(agency_id="T.SUB", id="D", version="1.0.0"),
        ]
    )


def test_in_2_2_an_agency_scheme_is_referred_to_by_all_that_its_agencies_maintain(varied) -> None:
    found = ask(varied, "v2", "agencyscheme/SDMX/AGENCIES/~/T", "references=parents")
    assert "AgencyScheme AGENCIES" in found
    assert {"Codelist CL_BASE", "ConceptScheme CS", "ValueList VALUES"} <= set(found)
    assert "DataStructure D" not in found
    found = ask(varied, "v2", "agencyscheme/T/AGENCIES", "references=parents")
    assert set(found) == {"AgencyScheme AGENCIES", "DataStructure D"}
    assert ask(varied, "v2", "agencyscheme/SDMX/AGENCIES/~/Z", "references=all") == [
        "AgencyScheme AGENCIES"
    ]


def test_in_1_5_the_agency_refers_to_nothing(varied) -> None:
    assert ask(varied, "v1", "agencyscheme/SDMX/AGENCIES", "references=all") == [
        "AgencyScheme AGENCIES"
    ]
    assert ask(varied, "v1", "codelist/T/CL_BASE", "references=children") == ["Codelist CL_BASE"]


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("full", ["Codelist CL_EXTENDED"]),
        ("referencepartial", ["Codelist CL_EXTENDED"]),
        ("referencestubs", ["Codelist CL_EXTENDED"]),
        ("raw", ["Codelist CL_BASE", "Codelist CL_EXTENDED"]),
        ("allstubs", ["Codelist CL_BASE", "Codelist CL_EXTENDED"]),
    ],
)
def test_15_inherited_lists_are_returned_where_they_are_not_resolved(
    varied, detail, expected
) -> None:
    """Check-list 15."""
    found = ask(varied, "v2", "codelist/T/CL_EXTENDED", f"references=descendants&detail={detail}")
    assert [name for name in found if name.startswith("Codelist")] == expected


def test_15_an_extended_list_is_referred_to_by_what_extends_it(varied) -> None:
    found = ask(varied, "v2", "codelist/T/CL_BASE", "references=ancestors")
    assert found == ["Codelist CL_BASE", "Codelist CL_EXTENDED", "ConceptScheme CS"]


def test_a_line_returns_no_type_that_it_has_no_word_for(varied) -> None:
    assert "ValueList VALUES" in ask(varied, "v2", "conceptscheme/T/CS", "references=children")
    assert ask(varied, "v1", "conceptscheme/T/CS", "references=children") == [
        "Codelist CL_EXTENDED",
        "ConceptScheme CS",
    ]
    assert "ValueList VALUES" not in ask(varied, "v1", "structure/T")


def test_types_of_2_1_only_belong_to_1_5() -> None:
    everything = Structures(read(path) for path in SOURCES)
    for resource, name in (
        ("hierarchicalcodelist", "HierarchicalCodelist HCL"),
        ("structureset", "StructureSet SS"),
        ("attachmentconstraint", "AttachmentConstraint AC"),
    ):
        assert name in ask(everything, "v1", resource)
    legacy = {entry.name for entry in LEGACY_TYPES}
    assert not legacy & {name.split()[0] for name in ask(everything, "v2", "*", "references=all")}


@pytest.mark.parametrize(
    ("resource", "roles"),
    [
        ("contentconstraint", {"Allowed", "Actual"}),
        ("actualconstraint", {"Actual"}),
        ("allowedconstraint", {"Allowed"}),
    ],
)
def test_17_constraints_of_1_5_are_told_by_their_role(resource: str, roles: set[str]) -> None:
    """Check-list 17."""
    everything = Structures(read(path) for path in SOURCES)
    query = parse_structure_query_v1(f"{resource}/all/all/all", "")
    found = search(Registry(everything), query, lambda artefact: "")
    assert {artefact.role for artefact in found} == roles
    assert {artefact.type_name for artefact in found} <= {"DataConstraint", "MetadataConstraint"}
