"""Item schemes: code lists, concepts, categories and organisations.

SDMX 3.1 Section 2, 3.5 "Item Scheme", 4 "Codelists and concepts".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import msgspec

from codelists.base import AnnotablePart, Maintainable, Nameable, Part, derive_names
from codelists.representation import IsoConceptReference, Representation
from codelists.text import LocalisedText

# Factories give these to the members, because a plain default is left out when writing, and schemas require it.
_GEOGRAPHIC_CODELIST: Literal["GeographicCodelist"] = "GeographicCodelist"
_GEO_GRID_CODELIST: Literal["GeoGridCodelist"] = "GeoGridCodelist"


class ItemScheme(Maintainable, frozen=True, kw_only=True):
    """A scheme of items; `items` is the same whatever the member is called in a message."""

    is_partial: bool = False

    items_member: ClassVar[str] = ""
    """Attribute that holds the items; each concrete class sets it."""

    @property
    def items(self) -> tuple[Nameable, ...]:
        """Return the items in their order (of a nested scheme: the top level)."""
        found: tuple[Nameable, ...] = getattr(self, type(self).items_member)
        return found


class Code(Nameable, frozen=True, kw_only=True):
    """One code. `parent` is the id of the code above it in a simple hierarchy."""

    parent: str | None = None


class MemberValue(Part, frozen=True, kw_only=True):
    """A code (or wildcarded id) that a code selection names."""

    value: str
    cascade_values: bool | Literal["excluderoot"] | None = None


class CodeSelection(Part, frozen=True, kw_only=True):
    """Which codes of an extended list are taken over; a wildcarded value ends in `%`."""

    member_values: tuple[str | MemberValue, ...] = ()
    wildcarded_member_values: tuple[str, ...] = ()


class CodelistExtension(Part, frozen=True, kw_only=True):
    """A code list whose codes are taken over into this one."""

    codelist: str
    prefix: str | None = None
    inclusive_code_selection: CodeSelection | None = None
    exclusive_code_selection: CodeSelection | None = None


class Codelist(ItemScheme, frozen=True, kw_only=True):
    """A list of codes."""

    type_name: ClassVar[str] = "Codelist"
    items_member: ClassVar[str] = "codes"

    codes: tuple[Code, ...] = ()
    codelist_extensions: tuple[CodelistExtension, ...] = ()


class GeoFeatureSetCode(Code, frozen=True, kw_only=True):
    """A code for a place, with the outline of it."""

    value: str


class GeographicCodelist(Codelist, frozen=True, kw_only=True):
    """A list of codes for places. Its URN is that of a code list."""

    collection: ClassVar[str] = "geographicCodelists"

    geo_type: Literal["GeographicCodelist"] = msgspec.field(
        default_factory=lambda: _GEOGRAPHIC_CODELIST
    )
    codes: tuple[GeoFeatureSetCode, ...] = msgspec.field(default=(), name="geoFeatureSetCodes")


class GeoGridCode(Code, frozen=True, kw_only=True):
    """A code for a cell of a grid."""

    geo_cell: str


class GeoGridCodelist(Codelist, frozen=True, kw_only=True):
    """A list of codes for the cells of a grid on the earth. Its URN is that of a code list."""

    collection: ClassVar[str] = "geoGridCodelists"

    geo_type: Literal["GeoGridCodelist"] = msgspec.field(default_factory=lambda: _GEO_GRID_CODELIST)
    codes: tuple[GeoGridCode, ...] = msgspec.field(default=(), name="geoGridCodes")
    grid_definition: str | None = None


class ValueItem(AnnotablePart, frozen=True, kw_only=True):
    """A value, whose id may hold any character, with its names."""

    id: str
    name: str | None = None
    names: LocalisedText = {}
    description: str | None = None
    descriptions: LocalisedText = {}

    def __post_init__(self) -> None:
        """Derive `name` and `description` from the texts where they are not given."""
        derive_names(self)


class ValueList(Maintainable, frozen=True, kw_only=True):
    """A list of values that are no codes: currency signs, texts."""

    type_name: ClassVar[str] = "ValueList"

    value_items: tuple[ValueItem, ...] = ()


class Concept(Nameable, frozen=True, kw_only=True):
    """A concept: what a component means, and how it is written unless a component says otherwise."""

    core_representation: Representation | None = None
    iso_concept_reference: IsoConceptReference | None = None
    parent: str | None = None


class ConceptScheme(ItemScheme, frozen=True, kw_only=True):
    """A scheme of concepts."""

    type_name: ClassVar[str] = "ConceptScheme"
    items_member: ClassVar[str] = "concepts"

    concepts: tuple[Concept, ...] = ()


class Category(Nameable, frozen=True, kw_only=True):
    """A subject, with those under it nested inside."""

    categories: tuple[Category, ...] = ()


class CategoryScheme(ItemScheme, frozen=True, kw_only=True):
    """A scheme of subjects."""

    type_name: ClassVar[str] = "CategoryScheme"
    items_member: ClassVar[str] = "categories"

    categories: tuple[Category, ...] = ()

    def walk(self) -> Iterator[tuple[str, Category]]:
        """Yield (id path, category) depth first; a path is `MODULE.TABLE`, as in a URN."""
        stack = [(category.id, category) for category in reversed(self.categories)]
        while stack:
            path, category = stack.pop()
            yield path, category
            stack.extend((f"{path}.{child.id}", child) for child in reversed(category.categories))


class Contact(Part, frozen=True, kw_only=True):
    """How to reach an organisation. Built-in artefacts name offices only, never persons."""

    id: str | None = None
    name: str | None = None
    names: LocalisedText = {}
    department: str | None = None
    departments: LocalisedText = {}
    role: str | None = None
    roles: LocalisedText = {}
    telephones: tuple[str, ...] = ()
    faxes: tuple[str, ...] = ()
    x400s: tuple[str, ...] = msgspec.field(default=(), name="x400s")
    uris: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


class Organisation(Nameable, frozen=True, kw_only=True):
    """An agency, data provider or data consumer: which of them the scheme says."""

    contacts: tuple[Contact, ...] = ()


class AgencyScheme(ItemScheme, frozen=True, kw_only=True):
    """The agencies of an agency; id AGENCIES, version 1.0."""

    type_name: ClassVar[str] = "AgencyScheme"
    items_member: ClassVar[str] = "agencies"

    agencies: tuple[Organisation, ...] = ()


class DataProviderScheme(ItemScheme, frozen=True, kw_only=True):
    """The data providers that an agency knows; id DATA_PROVIDERS, version 1.0."""

    type_name: ClassVar[str] = "DataProviderScheme"
    items_member: ClassVar[str] = "data_providers"

    data_providers: tuple[Organisation, ...] = ()


class DataConsumerScheme(ItemScheme, frozen=True, kw_only=True):
    """The data consumers that an agency knows; id DATA_CONSUMERS, version 1.0."""

    type_name: ClassVar[str] = "DataConsumerScheme"
    items_member: ClassVar[str] = "data_consumers"

    data_consumers: tuple[Organisation, ...] = ()


class MetadataProviderScheme(ItemScheme, frozen=True, kw_only=True):
    """The metadata providers that an agency knows; id METADATA_PROVIDERS, version 1.0."""

    type_name: ClassVar[str] = "MetadataProviderScheme"
    items_member: ClassVar[str] = "metadata_providers"

    metadata_providers: tuple[Organisation, ...] = ()


class OrganisationUnit(Organisation, frozen=True, kw_only=True):
    """A part of an organisation. `parent` is the id of the unit above it."""

    parent: str | None = None


class OrganisationUnitScheme(ItemScheme, frozen=True, kw_only=True):
    """The units of an organisation."""

    type_name: ClassVar[str] = "OrganisationUnitScheme"
    items_member: ClassVar[str] = "organisation_units"

    organisation_units: tuple[OrganisationUnit, ...] = ()


class ReportingCategory(Nameable, frozen=True, kw_only=True):
    """A heading of a report, with those under it, and either the structures or the flows that it shows."""

    reporting_categories: tuple[ReportingCategory, ...] = ()
    structural_metadata: tuple[str, ...] = ()
    provisioning_metadata: tuple[str, ...] = ()


class ReportingTaxonomy(ItemScheme, frozen=True, kw_only=True):
    """The headings of a report."""

    type_name: ClassVar[str] = "ReportingTaxonomy"
    items_member: ClassVar[str] = "reporting_categories"

    reporting_categories: tuple[ReportingCategory, ...] = ()
