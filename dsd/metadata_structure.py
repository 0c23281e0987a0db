"""Metadata structure definitions and the artefacts that use them.

SDMX 3.1 Section 2, 7 "Metadata Structure Definition and Metadata Set".
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from codelists.base import Annotable, Identifiable, Maintainable, Part
from codelists.representation import Representation


class MetadataAttribute(Identifiable, frozen=True, kw_only=True):
    """An attribute of a metadata report, with those under it nested inside."""

    concept_identity: str
    local_representation: Representation | None = None
    is_presentational: bool = False
    min_occurs: int | None = None
    max_occurs: int | Literal["unbounded"] | None = None
    metadata_attributes: tuple[MetadataAttribute, ...] = ()


class MetadataAttributeList(Annotable, frozen=True, kw_only=True):
    """The attributes."""

    id: str | None = None
    uri: str | None = msgspec.field(default=None, name="x-uri")
    metadata_attributes: tuple[MetadataAttribute, ...] = ()


class TargetObject(Identifiable, frozen=True, kw_only=True):
    """A kind of object that a report of SDMX 2.1 is about."""

    local_representation: Representation | None = None
    object_type: str | None = None
    """Class of an identifiable object."""


class MetadataTarget(Identifiable, frozen=True, kw_only=True):
    """What a report of SDMX 2.1 is about; 3.x says it in the metadataflow."""

    key_descriptor_values_targets: tuple[TargetObject, ...] = ()
    data_set_targets: tuple[TargetObject, ...] = ()
    constraint_content_targets: tuple[TargetObject, ...] = ()
    report_period_targets: tuple[TargetObject, ...] = ()
    identifiable_object_targets: tuple[TargetObject, ...] = ()


class ReportStructure(Identifiable, frozen=True, kw_only=True):
    """A report of SDMX 2.1; 3.x has one a metadata structure."""

    metadata_attributes: tuple[MetadataAttribute, ...] = ()
    metadata_targets: tuple[str, ...] = ()


class MetadataStructureComponents(Part, frozen=True, kw_only=True):
    """The descriptors of a metadata structure."""

    metadata_attribute_list: MetadataAttributeList | None = None
    metadata_targets: tuple[MetadataTarget, ...] = msgspec.field(
        default=(), name="x-metadataTargets"
    )
    report_structures: tuple[ReportStructure, ...] = msgspec.field(
        default=(), name="x-reportStructures"
    )


class MetadataStructure(Maintainable, frozen=True, kw_only=True):
    """A metadata structure definition."""

    type_name: ClassVar[str] = "MetadataStructure"

    metadata_structure_components: MetadataStructureComponents | None = None


class Metadataflow(Maintainable, frozen=True, kw_only=True):
    """A flow of reference metadata about the objects that its targets name."""

    type_name: ClassVar[str] = "Metadataflow"

    structure: str | None = None
    targets: tuple[str, ...] = ()
    """URNs, possibly with wildcards."""


class MetadataProvisionAgreement(Maintainable, frozen=True, kw_only=True):
    """The agreement that a provider reports for a metadataflow."""

    type_name: ClassVar[str] = "MetadataProvisionAgreement"

    metadataflow: str | None = None
    metadata_provider: str | None = None
    targets: tuple[str, ...] = ()
