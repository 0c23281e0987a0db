"""Data structure definitions and the artefacts that use them.

SDMX 3.1 Section 2, 5 "Data Structure Definition and Dataset"; the Structs mirror SDMX-JSON 2.1.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import msgspec

from codelists.base import Annotable, AnnotablePart, Identifiable, Maintainable, Part
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
    uri: str | None = msgspec.field(default=None, name="x-uri")
    position: int | None = msgspec.field(default=None, name="x-position")
    """Its place among all dimensions, counted from 0. SDMX 2.1 only."""


class DimensionList(Annotable, frozen=True, kw_only=True):
    """The key."""

    id: str | None = None
    dimensions: tuple[Dimension, ...] = ()
    time_dimension: TimeDimension | None = None


class Group(Identifiable, frozen=True, kw_only=True):
    """A set of dimensions that attributes may attach to."""

    group_dimensions: tuple[str, ...] = ()
    attachment_constraint: str | None = msgspec.field(default=None, name="x-attachmentConstraint")
    """URN of the constraint that stands for the dimensions. SDMX 2.1 only."""


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
    attachment_groups: tuple[str, ...] = msgspec.field(default=(), name="x-attachmentGroups")
    """Groups at which values may be reported, beside `dimensions`. SDMX 2.1 only."""


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


class CubeRegion(AnnotablePart, frozen=True, kw_only=True):
    """A region of the cube: key values for dimensions, component values for the rest."""

    include: bool | None = None
    key_values: tuple[ValueSet, ...] = ()
    components: tuple[ValueSet, ...] = ()


class DataKeyValue(Part, frozen=True, kw_only=True):
    """The value (or, in 3.1, the values) of one dimension in a key."""

    id: str
    include: bool | None = None
    remove_prefix: bool | None = None
    value: str | None = None
    values: tuple[str, ...] = ()


class DataKey(AnnotablePart, frozen=True, kw_only=True):
    """A full or partial key, with the components at it."""

    include: bool | None = None
    key_values: tuple[DataKeyValue, ...] = ()
    components: tuple[ValueSet, ...] = ()
    valid_from: str | None = None
    valid_to: str | None = None


class DataKeySet(Part, frozen=True, kw_only=True):
    """Keys that are included or excluded."""

    is_included: bool
    keys: tuple[DataKey, ...] = ()


class SetReference(Part, frozen=True, kw_only=True):
    """A dataset of a provider. SDMX 2.1 only."""

    data_provider: str
    id: str


class QueryableDataSource(Part, frozen=True, kw_only=True):
    """A service that answers queries. SDMX 2.1 and 3.0 only."""

    data_url: str = msgspec.field(name="dataURL")
    is_rest_datasource: bool = msgspec.field(name="isRESTDatasource")
    is_web_service_datasource: bool
    wadl_url: str | None = msgspec.field(default=None, name="wadlURL")
    wsdl_url: str | None = msgspec.field(default=None, name="wsdlURL")


class ReleaseCalendar(Part, frozen=True, kw_only=True):
    """When data are released. SDMX 2.1 and 3.0 only."""

    periodicity: str
    offset: str
    tolerance: str


class ReferencePeriod(Part, frozen=True, kw_only=True):
    """The time that data refer to. SDMX 2.1 only."""

    start_time: str
    end_time: str


class MetadataKeyValue(Part, frozen=True, kw_only=True):
    """What one target of a metadata key is: a value, dataset, data key or object. SDMX 2.1 only."""

    id: str
    include: bool | None = None
    values: tuple[str | ComponentValue, ...] = ()
    data_sets: tuple[SetReference, ...] = ()
    data_keys: tuple[DataKey, ...] = ()
    objects: tuple[str, ...] = ()
    time_range: TimeRange | None = None


class MetadataKey(Part, frozen=True, kw_only=True):
    """A target of metadata. SDMX 2.1 only."""

    metadata_target: str
    report: str
    key_values: tuple[MetadataKeyValue, ...] = ()


class MetadataKeySet(Part, frozen=True, kw_only=True):
    """Targets of metadata that are included or excluded. SDMX 2.1 only."""

    is_included: bool
    keys: tuple[MetadataKey, ...] = ()


class DataConstraintAttachment(Part, frozen=True, kw_only=True):
    """What a constraint restricts: exactly one of the members of SDMX 3.1 is set."""

    data_provider: str | None = None
    data_structures: tuple[str, ...] = ()
    dataflows: tuple[str, ...] = ()
    provision_agreements: tuple[str, ...] = ()
    data_sets: tuple[SetReference, ...] = msgspec.field(default=(), name="x-dataSets")
    simple_data_sources: tuple[str, ...] = msgspec.field(default=(), name="x-simpleDataSources")
    queryable_data_sources: tuple[QueryableDataSource, ...] = msgspec.field(
        default=(), name="x-queryableDataSources"
    )

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the URNs of everything the constraint is attached to."""
        provider = (self.data_provider,) if self.data_provider else ()
        return (*provider, *self.data_structures, *self.dataflows, *self.provision_agreements)


class DataConstraint(Maintainable, frozen=True, kw_only=True):
    """The content that is allowed, or (SDMX 2.1 and 3.0, `role` Actual) that is there."""

    type_name: ClassVar[str] = "DataConstraint"

    constraint_attachment: DataConstraintAttachment | None = None
    cube_regions: tuple[CubeRegion, ...] = ()
    data_key_sets: tuple[DataKeySet, ...] = ()
    role: Literal["Allowed", "Actual"] = msgspec.field(default="Allowed", name="x-role")
    release_calendar: ReleaseCalendar | None = msgspec.field(default=None, name="x-releaseCalendar")
    reference_period: ReferencePeriod | None = msgspec.field(default=None, name="x-referencePeriod")


class AvailabilityConstraintAttachment(Part, frozen=True, kw_only=True):
    """What an availability is about: exactly one member is set."""

    data_structure: str | None = None
    dataflow: str | None = None
    provision_agreement: str | None = None


class AvailabilityConstraint(Maintainable, frozen=True, kw_only=True):
    """The content that is there. In 3.1 it is no maintainable artefact: identity and names are not written."""

    type_name: ClassVar[str] = "AvailabilityConstraint"
    collection: ClassVar[str] = "availabilityConstraints"

    id: str = msgspec.field(default="AVAILABILITY", name="x-id")
    agency_id: str = msgspec.field(default="SDMX", name="x-agencyID")
    version: str = msgspec.field(default="1.0", name="x-version")
    constraint_attachment: AvailabilityConstraintAttachment | None = None
    cube_region: CubeRegion | None = None
    series_count: int | None = None
    obs_count: int | None = None


class MetadataConstraintAttachment(Part, frozen=True, kw_only=True):
    """What a metadata constraint restricts: exactly one of the members of SDMX 3.1 is set."""

    metadata_provider: str | None = None
    metadata_structures: tuple[str, ...] = ()
    metadataflows: tuple[str, ...] = ()
    metadata_provision_agreements: tuple[str, ...] = ()
    metadata_sets: tuple[str | SetReference, ...] = msgspec.field(default=(), name="x-metadataSets")
    simple_data_sources: tuple[str, ...] = msgspec.field(default=(), name="x-simpleDataSources")
    queryable_data_sources: tuple[QueryableDataSource, ...] = msgspec.field(
        default=(), name="x-queryableDataSources"
    )


class MetadataTargetRegion(AnnotablePart, frozen=True, kw_only=True):
    """A region of allowed metadata."""

    include: bool | None = None
    components: tuple[ValueSet, ...] = ()
    valid_from: str | None = None
    valid_to: str | None = None
    metadata_target: str | None = msgspec.field(default=None, name="x-metadataTarget")
    report: str | None = msgspec.field(default=None, name="x-report")
    key_values: tuple[MetadataKeyValue, ...] = msgspec.field(default=(), name="x-keyValues")


class MetadataConstraint(Maintainable, frozen=True, kw_only=True):
    """The metadata that are allowed."""

    type_name: ClassVar[str] = "MetadataConstraint"

    constraint_attachment: MetadataConstraintAttachment | None = None
    metadata_target_regions: tuple[MetadataTargetRegion, ...] = ()
    role: Literal["Allowed", "Actual"] = msgspec.field(default="Allowed", name="x-role")
    release_calendar: ReleaseCalendar | None = msgspec.field(default=None, name="x-releaseCalendar")
    reference_period: ReferencePeriod | None = msgspec.field(default=None, name="x-referencePeriod")
    metadata_key_sets: tuple[MetadataKeySet, ...] = msgspec.field(
        default=(), name="x-metadataKeySets"
    )


class AttachmentConstraintAttachment(Part, frozen=True, kw_only=True):
    """What an attachment constraint is attached to."""

    data_sets: tuple[SetReference, ...] = ()
    data_structures: tuple[str, ...] = ()
    dataflows: tuple[str, ...] = ()
    metadata_sets: tuple[SetReference, ...] = ()
    metadata_structures: tuple[str, ...] = ()
    metadataflows: tuple[str, ...] = ()
    provision_agreements: tuple[str, ...] = ()
    simple_data_sources: tuple[str, ...] = ()


class AttachmentConstraint(Maintainable, frozen=True, kw_only=True):
    """Keys at which attributes or metadata are reported. SDMX 2.1 only; 3.x has no such thing."""

    type_name: ClassVar[str] = "AttachmentConstraint"

    constraint_attachment: AttachmentConstraintAttachment | None = None
    data_key_sets: tuple[DataKeySet, ...] = ()
    metadata_key_sets: tuple[MetadataKeySet, ...] = ()
