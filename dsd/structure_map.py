"""Maps between structures, codes and items. SDMX 3.1 Section 2, 9 "Structure Map".

The classes at the end are the maps of SDMX 2.1, which stand inside a structure set.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from codelists.base import AnnotablePart, Identifiable, Maintainable, Nameable, Part
from codelists.representation import TextFormat


class MappedComponent(Part, frozen=True, kw_only=True):
    """A component and the one that it becomes."""

    source: str
    target: str


class DateMap(Identifiable, frozen=True, kw_only=True):
    """How a date becomes a period."""

    id: str | None = None  # type: ignore[assignment]
    mapped_components: tuple[MappedComponent, ...] = ()
    frequency_dimension: str | None = None
    mapped_frequencies: tuple[str, ...] = ()
    target_frequency_id: str | None = msgspec.field(default=None, name="targetFrequencyID")
    resolve_period: Literal["startOfPeriod", "endOfPeriod", "midPeriod"] | None = None


class EpochMap(DateMap, frozen=True, kw_only=True):
    """A date given as a count since a day."""

    base_period: str
    epoch_period: Literal["nanosecond", "millisecond", "microsecond", "second", "day"]


class DatePatternMap(DateMap, frozen=True, kw_only=True):
    """A date given as text."""

    source_pattern: str
    locale: str


class FrequencyFormatMapping(Identifiable, frozen=True, kw_only=True):
    """How the dates of a frequency are written."""

    id: str | None = None  # type: ignore[assignment]
    frequency_id: str
    date_pattern: str


class ComponentMap(AnnotablePart, frozen=True, kw_only=True):
    """Components that become others, with the map of their values."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    representation_map: str | None = None


class FixedValueMap(AnnotablePart, frozen=True, kw_only=True):
    """A component (of the source or of the target) that has the same values always."""

    source: str | None = None
    target: str | None = None
    values: tuple[str, ...] = ()


class StructureMap(Maintainable, frozen=True, kw_only=True):
    """How data of one structure become data of another."""

    type_name: ClassVar[str] = "StructureMap"

    source: str | None = None
    target: str | None = None
    epoch_maps: tuple[EpochMap, ...] = ()
    date_pattern_maps: tuple[DatePatternMap, ...] = ()
    frequency_format_mappings: tuple[FrequencyFormatMapping, ...] = ()
    component_maps: tuple[ComponentMap, ...] = ()
    fixed_value_maps: tuple[FixedValueMap, ...] = ()


class MappedValue(Part, frozen=True, kw_only=True):
    """A value, or a part of one, or a pattern."""

    value: str
    is_reg_ex: bool | None = None
    start_index: int | None = None
    end_index: int | None = None


class ValueMapping(AnnotablePart, frozen=True, kw_only=True):
    """Values that become others."""

    source_values: tuple[MappedValue, ...] = ()
    target_values: tuple[str, ...] = ()
    valid_from: str | None = None
    valid_to: str | None = None


class RepresentationEnd(Part, frozen=True, kw_only=True):
    """The values on one side of a map: a code or value list, or a data type."""

    codelist: str | None = None
    data_type: str | None = None


class RepresentationMap(Maintainable, frozen=True, kw_only=True):
    """How values of some lists become values of others."""

    type_name: ClassVar[str] = "RepresentationMap"

    source: tuple[RepresentationEnd, ...] = ()
    target: tuple[RepresentationEnd, ...] = ()
    representation_mappings: tuple[ValueMapping, ...] = ()


class SingleValueMapping(AnnotablePart, frozen=True, kw_only=True):
    """An item that becomes another."""

    source_value: MappedValue
    target_value: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None


class ItemSchemeMap(Maintainable, frozen=True, kw_only=True):
    """How items of one scheme become items of another."""

    source: str | None = None
    target: str | None = None
    item_maps: tuple[SingleValueMapping, ...] = ()


class ConceptSchemeMap(ItemSchemeMap, frozen=True, kw_only=True):
    """A map of concepts."""

    type_name: ClassVar[str] = "ConceptSchemeMap"


class CategorySchemeMap(ItemSchemeMap, frozen=True, kw_only=True):
    """A map of categories."""

    type_name: ClassVar[str] = "CategorySchemeMap"


class OrganisationSchemeMap(ItemSchemeMap, frozen=True, kw_only=True):
    """A map of organisations."""

    type_name: ClassVar[str] = "OrganisationSchemeMap"


class ReportingTaxonomyMap(ItemSchemeMap, frozen=True, kw_only=True):
    """A map of reporting categories."""

    type_name: ClassVar[str] = "ReportingTaxonomyMap"


class ItemAssociation(AnnotablePart, frozen=True, kw_only=True):
    """Two items that mean the same: ids in their schemes."""

    source: str
    target: str


class NestedItemSchemeMap(Nameable, frozen=True, kw_only=True):
    """A map of items inside a structure set."""

    source: str
    target: str
    item_associations: tuple[ItemAssociation, ...] = ()


class ValuePair(Part, frozen=True, kw_only=True):
    """A value and the one that it becomes."""

    source: str
    target: str


class RepresentationMapping(Part, frozen=True, kw_only=True):
    """How the values of a component become others: one way is set."""

    codelist_map: str | None = None
    """Id of the code list map in the structure set."""
    to_text_format: TextFormat | None = None
    to_value_type: Literal["Value", "Name", "Description"] | None = None
    value_map: tuple[ValuePair, ...] = ()


class ComponentReference(Part, frozen=True, kw_only=True):
    """A component of the structure that a map is about."""

    id: str
    container_id: str | None = msgspec.field(default=None, name="containerID")
    component_class: str | None = msgspec.field(default=None, name="class")
    package: str | None = None


class NestedComponentMap(AnnotablePart, frozen=True, kw_only=True):
    """A component that becomes another."""

    source: ComponentReference
    target: ComponentReference
    representation_mapping: RepresentationMapping | None = None


class NestedStructureMap(Nameable, frozen=True, kw_only=True):
    """A structure map inside a structure set."""

    source: str
    target: str
    component_maps: tuple[NestedComponentMap, ...] = ()
    is_extension: bool = False


class StructureSet(Maintainable, frozen=True, kw_only=True):
    """Maps of all kinds. SDMX 2.1, 9; 3.x has each map as an artefact."""

    type_name: ClassVar[str] = "StructureSet"

    related_structures: tuple[str, ...] = ()
    organisation_scheme_maps: tuple[NestedItemSchemeMap, ...] = ()
    category_scheme_maps: tuple[NestedItemSchemeMap, ...] = ()
    codelist_maps: tuple[NestedItemSchemeMap, ...] = ()
    concept_scheme_maps: tuple[NestedItemSchemeMap, ...] = ()
    reporting_taxonomy_maps: tuple[NestedItemSchemeMap, ...] = ()
    hybrid_codelist_maps: tuple[NestedItemSchemeMap, ...] = ()
    structure_maps: tuple[NestedStructureMap, ...] = ()
