"""Data structure definitions and the artefacts that use them.

SDMX 3.1 Section 2, 5 "Data Structure Definition and Dataset"; the Structs mirror SDMX-JSON 2.1.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from codelists.base import Annotable, Identifiable, Maintainable, Part
from codelists.representation import Representation

Usage = Literal["mandatory", "optional"]
_TIME_PERIOD: Literal["TIME_PERIOD"] = "TIME_PERIOD"


class Component(Identifiable, frozen=True, kw_only=True):
    """What dimensions, measures and attributes share: an id and a concept."""

    concept_identity: str
    concept_roles: tuple[str, ...] = ()
    local_representation: Representation | None = None


class Dimension(Component, frozen=True, kw_only=True):
    """A dimension of the key. `position` counts from 0."""

    position: int | None = None


class TimeDimension(Annotable, frozen=True, kw_only=True):
    """The dimension TIME_PERIOD."""

    concept_identity: str
    # A factory, because a plain default is left out when writing, and clients look for the id.
    id: Literal["TIME_PERIOD"] = msgspec.field(default_factory=lambda: _TIME_PERIOD)
    local_representation: Representation | None = None


class DimensionList(Annotable, frozen=True, kw_only=True):
    """The key."""

    id: str | None = None
    dimensions: tuple[Dimension, ...] = ()
    time_dimension: TimeDimension | None = None


class Group(Identifiable, frozen=True, kw_only=True):
    """A set of dimensions that attributes may attach to."""

    group_dimensions: tuple[str, ...] = ()


class Measure(Component, frozen=True, kw_only=True):
    """What is observed."""

    usage: Usage = "optional"


class MeasureList(Annotable, frozen=True, kw_only=True):
    """The measures."""

    id: str | None = None
    measures: tuple[Measure, ...] = ()


class AttributeRelationship(Part, frozen=True, kw_only=True):
    """What an attribute's value depends on: exactly one member is set."""

    dataflow: dict[str, Any] | None = None
    dimensions: tuple[str, ...] = ()
    are_dimensions_optional: tuple[bool, ...] = ()
    group: str | None = None
    observation: dict[str, Any] | None = None


class DataAttribute(Component, frozen=True, kw_only=True):
    """What qualifies the observed values."""

    attribute_relationship: AttributeRelationship
    usage: Usage = "optional"
    measure_relationship: tuple[str, ...] = ()


class MetadataAttributeUsage(Annotable, frozen=True, kw_only=True):
    """An attribute of the DSD's metadata structure (`DataStructure.metadata`), and what it depends on."""

    metadata_attribute_reference: str
    attribute_relationship: AttributeRelationship


class AttributeList(Annotable, frozen=True, kw_only=True):
    """The attributes."""

    id: str | None = None
    attributes: tuple[DataAttribute, ...] = ()
    metadata_attribute_usages: tuple[MetadataAttributeUsage, ...] = ()


class DataStructureComponents(Part, frozen=True, kw_only=True):
    """The descriptors of a DSD."""

    dimension_list: DimensionList
    groups: tuple[Group, ...] = ()
    measure_list: MeasureList | None = None
    attribute_list: AttributeList | None = None


class DataStructure(Maintainable, frozen=True, kw_only=True):
    """A data structure definition, as maintained. `dsd.resolved.Dsd` is the form to work with."""

    type_name: ClassVar[str] = "DataStructure"

    evolving_structure: bool = False
    data_structure_components: DataStructureComponents | None = None
    metadata: str | None = None


class Dataflow(Maintainable, frozen=True, kw_only=True):
    """A flow of data that uses a DSD."""

    type_name: ClassVar[str] = "Dataflow"

    structure: str | None = None
    dimension_constraint: tuple[str, ...] = ()


class ProvisionAgreement(Maintainable, frozen=True, kw_only=True):
    """The agreement that a provider reports for a dataflow."""

    type_name: ClassVar[str] = "ProvisionAgreement"

    dataflow: str | None = None
    data_provider: str | None = None


class Categorisation(Maintainable, frozen=True, kw_only=True):
    """An artefact filed under a category."""

    type_name: ClassVar[str] = "Categorisation"

    source: str | None = None
    target: str | None = None


class PeriodBound(Part, frozen=True, kw_only=True):
    """One end of a time range."""

    period: str
    is_inclusive: bool = True


class TimeRange(Part, frozen=True, kw_only=True):
    """A range of periods: before, after, or between two."""

    before_period: PeriodBound | None = None
    after_period: PeriodBound | None = None
    start_period: PeriodBound | None = None
    end_period: PeriodBound | None = None
    valid_from: str | None = None
    valid_to: str | None = None


class ComponentValue(Part, frozen=True, kw_only=True):
    """A value with its validity or with the codes under it."""

    value: str
    cascade_values: bool | Literal["excluderoot"] | None = None
    lang: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None


class ValueSet(Part, frozen=True, kw_only=True):
    """Values of one component that a region includes (or, with include=False, excludes)."""

    id: str
    include: bool | None = None
    remove_prefix: bool | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    time_range: TimeRange | None = None
    values: tuple[str | ComponentValue, ...] = ()


class CubeRegion(Annotable, frozen=True, kw_only=True):
    """A region of the cube: key values for dimensions, component values for the rest."""

    include: bool | None = None
    key_values: tuple[ValueSet, ...] = ()
    components: tuple[ValueSet, ...] = ()


class DataConstraintAttachment(Part, frozen=True, kw_only=True):
    """What a constraint restricts: exactly one member is set."""

    data_provider: str | None = None
    data_structures: tuple[str, ...] = ()
    dataflows: tuple[str, ...] = ()
    provision_agreements: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the URNs of everything the constraint is attached to."""
        provider = (self.data_provider,) if self.data_provider else ()
        return (*provider, *self.data_structures, *self.dataflows, *self.provision_agreements)


class DataConstraint(Maintainable, frozen=True, kw_only=True):
    """The content that is allowed. Key sets are kept as they are written."""

    type_name: ClassVar[str] = "DataConstraint"

    constraint_attachment: DataConstraintAttachment | None = None
    cube_regions: tuple[CubeRegion, ...] = ()
    data_key_sets: tuple[dict[str, Any], ...] = msgspec.field(default=())
