"""The SDMX-JSON 2.1 structure codec: messages and artefact files.

sdmx-json 2.1.0, structure-message. `service.formats` registers this codec; it lives here because the
artefact files are such messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from codelists.base import Annotable, Maintainable, Part
from codelists.hierarchy import HierarchicalCodelist, Hierarchy, HierarchyAssociation
from codelists.item_scheme import (
    AgencyScheme,
    CategoryScheme,
    Codelist,
    ConceptScheme,
    Contact,
    DataConsumerScheme,
    DataProviderScheme,
    GeographicCodelist,
    GeoGridCodelist,
    MetadataProviderScheme,
    OrganisationUnitScheme,
    ReportingTaxonomy,
    ValueList,
)
from codelists.text import LocalisedText
from codelists.urn import TYPE_OF_NAME
from dsd.metadata_structure import Metadataflow, MetadataProvisionAgreement, MetadataStructure
from dsd.process import Process
from dsd.structure import (
    AttachmentConstraint,
    AvailabilityConstraint,
    Categorisation,
    DataConstraint,
    Dataflow,
    DataStructure,
    MetadataConstraint,
    ProvisionAgreement,
)
from dsd.structure_map import (
    CategorySchemeMap,
    ConceptSchemeMap,
    OrganisationSchemeMap,
    ReportingTaxonomyMap,
    RepresentationMap,
    StructureMap,
    StructureSet,
)
from dsd.transformation import (
    CustomTypeScheme,
    NamePersonalisationScheme,
    RulesetScheme,
    TransformationScheme,
    UserDefinedOperatorScheme,
    VtlMappingScheme,
)

SCHEMA_URL = "https://json.sdmx.org/2.1/sdmx-json-structure-schema.json"
SENDER = "ILMS"


class StructureMessageError(ValueError):
    """A text that is no SDMX-JSON 2.1 structure message of types that we know; says where."""


class Party(Part, frozen=True, kw_only=True):
    """Who sends or receives a message."""

    id: str
    name: str | None = None
    names: LocalisedText = {}
    contacts: tuple[Contact, ...] = ()


class Meta(Annotable, frozen=True, kw_only=True):
    """The header of a message."""

    id: str
    prepared: str
    sender: Party
    schema: str | None = None
    test: bool = False
    content_languages: tuple[str, ...] = ()
    name: str | None = None
    names: LocalisedText = {}
    receivers: tuple[Party, ...] = ()


class Artefacts(Part, frozen=True, kw_only=True):
    """The `data` of a structure message: one member a type of artefact, the types of SDMX 2.1 as extensions."""

    agency_schemes: tuple[AgencyScheme, ...] = ()
    data_provider_schemes: tuple[DataProviderScheme, ...] = ()
    data_consumer_schemes: tuple[DataConsumerScheme, ...] = ()
    metadata_provider_schemes: tuple[MetadataProviderScheme, ...] = ()
    organisation_unit_schemes: tuple[OrganisationUnitScheme, ...] = ()
    codelists: tuple[Codelist, ...] = ()
    geographic_codelists: tuple[GeographicCodelist, ...] = ()
    geo_grid_codelists: tuple[GeoGridCodelist, ...] = ()
    value_lists: tuple[ValueList, ...] = ()
    hierarchies: tuple[Hierarchy, ...] = ()
    hierarchical_codelists: tuple[HierarchicalCodelist, ...] = msgspec.field(
        default=(), name="x-hierarchicalCodelists"
    )
    hierarchy_associations: tuple[HierarchyAssociation, ...] = ()
    concept_schemes: tuple[ConceptScheme, ...] = ()
    category_schemes: tuple[CategoryScheme, ...] = ()
    reporting_taxonomies: tuple[ReportingTaxonomy, ...] = ()
    metadata_structures: tuple[MetadataStructure, ...] = ()
    data_structures: tuple[DataStructure, ...] = ()
    dataflows: tuple[Dataflow, ...] = ()
    metadataflows: tuple[Metadataflow, ...] = ()
    provision_agreements: tuple[ProvisionAgreement, ...] = ()
    metadata_provision_agreements: tuple[MetadataProvisionAgreement, ...] = ()
    data_constraints: tuple[DataConstraint, ...] = ()
    availability_constraints: tuple[AvailabilityConstraint, ...] = ()
    metadata_constraints: tuple[MetadataConstraint, ...] = ()
    attachment_constraints: tuple[AttachmentConstraint, ...] = msgspec.field(
        default=(), name="x-attachmentConstraints"
    )
    structure_maps: tuple[StructureMap, ...] = ()
    representation_maps: tuple[RepresentationMap, ...] = ()
    concept_scheme_maps: tuple[ConceptSchemeMap, ...] = ()
    category_scheme_maps: tuple[CategorySchemeMap, ...] = ()
    organisation_scheme_maps: tuple[OrganisationSchemeMap, ...] = ()
    reporting_taxonomy_maps: tuple[ReportingTaxonomyMap, ...] = ()
    structure_sets: tuple[StructureSet, ...] = msgspec.field(default=(), name="x-structureSets")
    processes: tuple[Process, ...] = ()
    transformation_schemes: tuple[TransformationScheme, ...] = ()
    ruleset_schemes: tuple[RulesetScheme, ...] = ()
    user_defined_operator_schemes: tuple[UserDefinedOperatorScheme, ...] = ()
    custom_type_schemes: tuple[CustomTypeScheme, ...] = ()
    name_personalisation_schemes: tuple[NamePersonalisationScheme, ...] = ()
    vtl_mapping_schemes: tuple[VtlMappingScheme, ...] = ()
    categorisations: tuple[Categorisation, ...] = ()

    def all(self) -> tuple[Maintainable, ...]:
        """Return every artefact, by type in the order of `ARTEFACT_TYPES`."""
        return tuple(artefact for name in _MEMBERS for artefact in getattr(self, name))


class StructureMessage(Part, frozen=True, kw_only=True):
    """A whole message."""

    meta: Meta
    data: Artefacts = Artefacts()
    errors: tuple[dict[str, Any], ...] = ()
    schema_url: str | None = msgspec.field(default=None, name="$schema")


_MEMBERS = tuple(field.name for field in msgspec.structs.fields(Artefacts))
_MEMBER_OF_COLLECTION = {
    field.encode_name: field.name for field in msgspec.structs.fields(Artefacts)
}
_PLACES = {name: place for place, name in enumerate(_MEMBER_OF_COLLECTION)}
_DECODER = msgspec.json.Decoder(StructureMessage)


def decode_structures(body: bytes) -> StructureMessage:
    """Return the message that `body` (UTF-8 SDMX-JSON 2.1) holds.

    Raises:
        StructureMessageError: it is no such message, or holds a member that the model does not know;
            the text names the place as a path (`$.data.codelists[0].codes[3]`).
    """
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StructureMessageError(f"no SDMX-JSON 2.1 structure message: {error}") from error


def collection_of(artefact: Maintainable) -> str:
    """Return the member of `data` that holds artefacts such as this one."""
    return type(artefact).collection or TYPE_OF_NAME[artefact.type_name].collection


def place_of(artefact: Maintainable) -> int:
    """Return the place of an artefact's type in the order of a message."""
    return _PLACES[collection_of(artefact)]


def make_message(
    artefacts: Iterable[Maintainable],
    prepared: datetime,
    message_id: str = "STRUCTURES",
    languages: Sequence[str] = (),
) -> StructureMessage:
    """Return a message of these artefacts, kept in their order within each type."""
    members: dict[str, list[Maintainable]] = {}
    for artefact in artefacts:
        members.setdefault(_MEMBER_OF_COLLECTION[collection_of(artefact)], []).append(artefact)
    return StructureMessage(
        schema_url=SCHEMA_URL,
        meta=Meta(
            id=message_id,
            prepared=prepared.isoformat(timespec="seconds"),
            sender=Party(id=SENDER),
            content_languages=tuple(languages),
        ),
        data=Artefacts(**{name: tuple(found) for name, found in members.items()}),  # type: ignore[arg-type]
    )


def encode_structures(message: StructureMessage) -> bytes:
    """Return the compact message, as it goes over the wire."""
    return msgspec.json.encode(_wire(message))


def encode_artefact_file(artefact: Maintainable) -> bytes:
    """Return the deterministic text of an artefact file: a one-artefact message, one item a line.

    The header carries the same id and date in every file, so that a diff shows content only.
    """
    message = make_message(
        [artefact], datetime.fromisoformat("2026-11-21T00:00:00+00:00"), artefact.id
    )
    return (_layout(_wire(message), "") + "\n").encode()


def _wire(message: StructureMessage) -> dict[str, Any]:
    """Return plain JSON values, `$schema` first as readers expect."""
    built: dict[str, Any] = msgspec.to_builtins(message)
    return {"$schema": built.pop("$schema", SCHEMA_URL), **built}


# Lists of these members are written one entry a line; every other object is laid out member by member.
_ITEM_MEMBERS = frozenset(
    ("agencies", "annotations", "attributes", "codes", "components", "concepts", "dataConsumers",
     "dataProviders", "dimensions", "keyValues", "measures")
)  # fmt: skip


def _layout(value: Any, indent: str, member: str = "") -> str:
    """Write JSON so that a diff reads one code, component or value set a line."""
    inner = indent + " "
    if isinstance(value, dict) and value:
        lines = [
            f"{inner}{json.dumps(name)}: {_layout(entry, inner, name)}"
            for name, entry in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list | tuple) and value and not isinstance(value[0], str):
        one_line = member in _ITEM_MEMBERS
        entries = [
            inner + (json.dumps(entry, ensure_ascii=False) if one_line else _layout(entry, inner))
            for entry in value
        ]
        return "[\n" + ",\n".join(entries) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)
