"""Metadata structures and flows, processes. SDMXStructure{MetadataStructure,Metadataflow,ProvisionAgreement,Process}.xsd."""

from __future__ import annotations

from typing import Any

from dsd.metadata_structure import (
    MetadataAttribute,
    MetadataAttributeList,
    Metadataflow,
    MetadataProvisionAgreement,
    MetadataStructure,
    MetadataStructureComponents,
    MetadataTarget,
    ReportStructure,
    TargetObject,
)
from dsd.process import Computation, InputOutput, Process, ProcessStep, Transition
from service.formats.structure_table.base import (
    ANNOTATIONS,
    IDENTIFIABLE,
    JSON_LINKS,
    LINKS,
    MAINTAINABLE,
    NAMEABLE,
    URI,
    attribute_flag,
)
from service.formats.structure_table.conversions import INTEGER, OCCURRENCE, TEXT, TOKEN
from service.formats.structure_table.data import inherit_id
from service.formats.structure_table.vocabulary import (
    Child,
    Children,
    Constant,
    Field,
    Layout,
    LocalReference,
    LocalReferences,
    Reference,
    References,
    Scalar,
    Texts,
)

_REPRESENTATION = Field("local_representation", Child("Representation"), "str:LocalRepresentation")
_ATTRIBUTES = Field("metadata_attributes", Children("MetadataAttribute"), "str:MetadataAttribute")
_LOCAL_ID = Field("local_id", Scalar(TOKEN), "@localID")


def _target_object(id: str | None = None) -> Layout:
    """Return the layout of a target, whose id the schema fixes for all kinds but one."""

    def complete(values: dict[str, Any]) -> None:
        if id is not None:
            values.setdefault("id", id)

    return Layout(
        TargetObject,
        (
            *IDENTIFIABLE,
            Field("object_type", Scalar(TOKEN), "@objectType"),
            _REPRESENTATION,
        ),
        complete=complete,
    )


def _targets(member: str, element: str) -> Field:
    return Field(member, Children(element.removeprefix("str:")), element)


LAYOUTS: dict[str, Layout] = {
    "MetadataAttribute": Layout(
        MetadataAttribute,
        (
            *IDENTIFIABLE,
            Field("min_occurs", Scalar(INTEGER), "@minOccurs"),
            Field("max_occurs", Scalar(OCCURRENCE), "@maxOccurs"),
            attribute_flag("is_presentational", "isPresentational"),
            Field("concept_identity", Reference("Concept"), "str:ConceptIdentity"),
            _REPRESENTATION,
            _ATTRIBUTES,
        ),
        complete=inherit_id,
    ),
    "MetadataAttributeList": Layout(
        MetadataAttributeList,
        (
            ANNOTATIONS,
            LINKS,
            Field("id", Constant("MetadataAttributeDescriptor"), "@id"),
            URI,
            _ATTRIBUTES,
        ),
    ),
    "KeyDescriptorValuesTarget": _target_object("DIMENSION_DESCRIPTOR_VALUES_TARGET"),
    "DataSetTarget": _target_object("DATA_SET_TARGET"),
    "ConstraintContentTarget": _target_object("CONSTRAINT_CONTENT_TARGET"),
    "ReportPeriodTarget": _target_object("REPORT_PERIOD_TARGET"),
    "IdentifiableObjectTarget": _target_object(),
    "MetadataTarget": Layout(
        MetadataTarget,
        (
            *IDENTIFIABLE,
            _targets("key_descriptor_values_targets", "str:KeyDescriptorValuesTarget"),
            _targets("data_set_targets", "str:DataSetTarget"),
            _targets("constraint_content_targets", "str:ConstraintContentTarget"),
            _targets("report_period_targets", "str:ReportPeriodTarget"),
            _targets("identifiable_object_targets", "str:IdentifiableObjectTarget"),
        ),
    ),
    "ReportStructure": Layout(
        ReportStructure,
        (
            *IDENTIFIABLE,
            _ATTRIBUTES,
            Field("metadata_targets", LocalReferences("MetadataTarget"), "str:MetadataTarget"),
        ),
    ),
    "MetadataStructureComponents": Layout(
        MetadataStructureComponents,
        (
            Field(
                "metadata_attribute_list",
                Child("MetadataAttributeList"),
                "str:MetadataAttributeList",
                ml21=None,
                json10=None,
            ),
            Field(
                "metadata_targets",
                Children("MetadataTarget"),
                None,
                ml21="str:MetadataTarget",
                json10="metadataTargets",
            ),
            Field(
                "report_structures",
                Children("ReportStructure"),
                None,
                ml21="str:ReportStructure",
                json10="reportStructures",
            ),
        ),
    ),
    "MetadataStructure": Layout(
        MetadataStructure,
        (
            *MAINTAINABLE,
            Field(
                "metadata_structure_components",
                Child("MetadataStructureComponents"),
                "str:MetadataStructureComponents",
            ),
        ),
    ),
    "Metadataflow": Layout(
        Metadataflow,
        (
            *MAINTAINABLE,
            Field("structure", Reference("MetadataStructure"), "str:Structure"),
            Field("targets", References(is_exact=False), "str:Target", ml21=None, json10=None),
        ),
    ),
    # SDMX 2.1 has one agreement for data and metadata.
    "MetadataProvisionAgreement": Layout(
        MetadataProvisionAgreement,
        (
            *MAINTAINABLE,
            Field(
                "metadataflow",
                Reference("Metadataflow"),
                "str:Metadataflow",
                ml21="str:StructureUsage",
                json10="structureUsage",
            ),
            Field(
                "metadata_provider",
                Reference("MetadataProvider"),
                "str:MetadataProvider",
                ml21="str:DataProvider",
                json10="dataProvider",
            ),
            Field("targets", References(is_exact=False), "str:Target", ml21=None, json10=None),
        ),
    ),
    "InputOutput": Layout(
        InputOutput,
        (
            ANNOTATIONS,
            JSON_LINKS,
            _LOCAL_ID,
            Field("object_reference", Reference(), "str:ObjectReference"),
        ),
    ),
    "Computation": Layout(
        Computation,
        (
            ANNOTATIONS,
            JSON_LINKS,
            _LOCAL_ID,
            Field("software_package", Scalar(TEXT), "@softwarePackage"),
            Field("software_language", Scalar(TEXT), "@softwareLanguage"),
            Field("software_version", Scalar(TEXT), "@softwareVersion"),
            Field("descriptions", Texts("description"), "com:Description"),
        ),
    ),
    "Transition": Layout(
        Transition,
        (
            *IDENTIFIABLE,
            _LOCAL_ID,
            Field("target_step", LocalReference("ProcessStep"), "str:TargetStep"),
            Field("conditions", Texts("condition"), "str:Condition"),
        ),
    ),
    "ProcessStep": Layout(
        ProcessStep,
        (
            *NAMEABLE,
            Field("inputs", Children("InputOutput"), "str:Input"),
            Field("outputs", Children("InputOutput"), "str:Output"),
            Field("computation", Child("Computation"), "str:Computation"),
            Field("transitions", Children("Transition"), "str:Transition"),
            Field("process_steps", Children("ProcessStep"), "str:ProcessStep"),
        ),
    ),
    "Process": Layout(
        Process,
        (*MAINTAINABLE, Field("process_steps", Children("ProcessStep"), "str:ProcessStep")),
    ),
}
