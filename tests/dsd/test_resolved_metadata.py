"""Metadata structures resolve through flow and agreement, with the constraints on each (SDMX 3.1 Section 6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from codelists.base import replaced
from codelists.item_scheme import ValueItem, ValueList
from codelists.representation import Representation
from dsd.metadata_structure import (
    MetadataAttributeList,
    MetadataStructure,
    MetadataStructureComponents,
)
from dsd.resolved_metadata import Msd, ResolvedMetadataAttribute, resolve_metadata_structure
from dsd.sdmx_json import decode_structures
from dsd.structure import (
    ComponentValue,
    MetadataConstraint,
    MetadataConstraintAttachment,
    MetadataTargetRegion,
    ValueSet,
)
from dsd.structures import Structures, UnknownArtefactError

URN = "urn:sdmx:org.sdmx.infomodel."
MSD = f"{URN}metadatastructure.MetadataStructure=TST:MSD_SOURCES(1.0.0)"
FLOW = f"{URN}metadatastructure.Metadataflow=TST:MDF_SOURCES(1.0.0)"
AGREEMENT = f"{URN}registry.MetadataProvisionAgreement=TST:MPA_OFFICE(1.0.0)"
PROVIDER = f"{URN}base.MetadataProvider=TST:METADATA_PROVIDERS(1.0).OFFICE"


@pytest.fixture(scope="module")
def given(examples: Path) -> Structures:
    message = (examples / "rest/metadata/structures.json").read_bytes()
    return Structures(decode_structures(message).data.all())


def by_path(msd: Msd) -> dict[str, ResolvedMetadataAttribute]:
    return {".".join(entry.path): entry for entry in msd.components}


def constraint(
    id: str, *values: ValueSet, include: bool | None = None, version: str = "1.0.0", **on: object
) -> MetadataConstraint:
    return MetadataConstraint(
        agency_id="TST",
        id=id,
        version=version,
        names={"en": id},
        constraint_attachment=MetadataConstraintAttachment(**on),  # type: ignore[arg-type]
        metadata_target_regions=(MetadataTargetRegion(include=include, components=values),),
    )


def types(structures: Structures, reference: str = AGREEMENT) -> tuple[str, ...] | None:
    return by_path(resolve_metadata_structure(structures, reference))["SOURCE_TYPE"].enumeration


def test_attributes_are_resolved_with_those_in_them(given: Structures) -> None:
    msd = resolve_metadata_structure(given, MSD)
    found = by_path(msd)
    assert list(found)[:4] == ["SOURCE_TYPE", "OFFICE", "OFFICE.NAME", "OFFICE.EMAIL"]
    assert found["SOURCE_TYPE"].enumeration == ("CENSUS", "SURVEY", "REGISTER", "BORDER")
    assert not found["OFFICE"].has_value
    assert (found["OFFICE"].min_occurs, found["OFFICE"].max_occurs) == (1, "unbounded")
    assert found["OFFICE.NAME"].concept.id == "NAME"
    assert found["OFFICE.NAME"].enumeration is None
    assert (msd.urn.id, msd.targets, msd.reports) == ("MSD_SOURCES", (), ())


def test_constraints_and_targets_cascade(given: Structures) -> None:
    assert types(given, FLOW) == ("SURVEY", "REGISTER", "BORDER")
    assert types(given) == ("REGISTER", "BORDER")
    flow, agreed = (resolve_metadata_structure(given, urn) for urn in (FLOW, AGREEMENT))
    assert [entry.id for entry in agreed.constraints] == ["MC_FLOW", "MC_OFFICE"]
    assert flow.targets[0].endswith("Dataflow=ILMS:*(*)")
    assert agreed.targets[0].endswith("DF_MNA_OEMP_SEX_CDS(1.0.0)")


def test_a_constraint_on_the_provider_counts(given: Structures) -> None:
    only = ValueSet(id="SOURCE_TYPE", values=(ComponentValue(value="BORDER"),))
    more = constraint("MC_PROVIDER", only, metadata_provider=PROVIDER)
    assert types(given.joined([more])) == ("BORDER",)
    assert types(given.joined([more]), FLOW) == ("SURVEY", "REGISTER", "BORDER")


def test_the_newest_version_of_a_constraint_counts_and_no_draft(given: Structures) -> None:
    def version(text: str, code: str) -> MetadataConstraint:
        stated = ValueSet(id="SOURCE_TYPE", values=(code,))
        return constraint("MC_FLOW", stated, version=text, metadataflows=(FLOW,))

    newer = given.joined([version("1.1.0", "SURVEY"), version("1.2.0-draft", "BORDER")])
    assert types(newer, FLOW) == ("SURVEY",)
    # What the flow leaves, the agreement does not.
    assert types(newer) == ()


@pytest.mark.parametrize(
    ("region", "of_set", "expected"),
    [
        (None, None, ("BORDER",)),
        (True, False, ("REGISTER",)),
        (False, None, ("REGISTER",)),
        (False, False, ("BORDER",)),
    ],
)
def test_what_is_excluded_is_left_out(
    given: Structures, region: bool | None, of_set: bool | None, expected: tuple[str, ...]
) -> None:
    stated = ValueSet(id="SOURCE_TYPE", include=of_set, values=("BORDER",))
    more = constraint("MC_X", stated, include=region, metadata_structures=(MSD,))
    assert types(given.joined([more])) == expected


def test_an_excluded_combination_excludes_no_value_alone(given: Structures) -> None:
    both = (
        ValueSet(id="SOURCE_TYPE", values=("BORDER",)),
        ValueSet(id="STARTED", values=("1986",)),
    )
    more = constraint("MC_X", *both, include=False, metadataflows=(FLOW,))
    assert types(given.joined([more])) == ("REGISTER", "BORDER")


def test_nested_attributes_are_named_by_path_or_id(given: Structures) -> None:
    for id in ("OFFICE.NAME", "NAME"):
        more = constraint("MC_X", ValueSet(id=id, values=("B", "A")), metadataflows=(FLOW,))
        found = by_path(resolve_metadata_structure(given.joined([more]), FLOW))
        assert found["OFFICE.NAME"].enumeration == ("A", "B")
        assert found["OFFICE.EMAIL"].enumeration is None


def test_a_value_list_lists_the_values(given: Structures) -> None:
    listed = ValueList(
        agency_id="TST",
        id="VL",
        version="1.0.0",
        names={"en": "Values"},
        value_items=tuple(ValueItem(id=text, names={"en": text}) for text in ("yes", "in part")),
    )
    structure = given.get(MSD, MetadataStructure)
    parts = structure.metadata_structure_components
    assert parts
    assert parts.metadata_attribute_list
    changed = tuple(
        replaced(entry, local_representation=Representation(enumeration=str(listed.urn)))
        if entry.id == "OFFICIAL"
        else entry
        for entry in parts.metadata_attribute_list.metadata_attributes
    )
    components = MetadataStructureComponents(
        metadata_attribute_list=MetadataAttributeList(metadata_attributes=changed)
    )
    other = replaced(structure, id="MSD_OTHER", metadata_structure_components=components)
    found = resolve_metadata_structure(given.joined([listed, other]), other.urn)
    assert by_path(found)["OFFICIAL"].enumeration == ("yes", "in part")
    assert by_path(found)["OFFICIAL"].codelist is None


def test_what_is_not_there_is_said(given: Structures) -> None:
    with pytest.raises(UnknownArtefactError, match="NIX"):
        resolve_metadata_structure(given, FLOW.replace("MDF_SOURCES", "NIX"))
    lost = Structures(entry for entry in given if entry.type_name != "ConceptScheme")
    with pytest.raises(UnknownArtefactError, match="CS_SOURCES"):
        resolve_metadata_structure(lost, FLOW)
