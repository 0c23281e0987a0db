"""Data structures, constraints and what uses them. SDMXStructure{DataStructure,Dataflow,Constraint,ProvisionAgreement}.xsd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from codelists.base import Annotation, replaced
from codelists.urn import parse_urn
from dsd.structure import (
    AttachmentConstraint,
    AttachmentConstraintAttachment,
    AttributeList,
    AttributeRelationship,
    AvailabilityConstraint,
    AvailabilityConstraintAttachment,
    Categorisation,
    ComponentValue,
    CubeRegion,
    DataAttribute,
    DataConstraint,
    DataConstraintAttachment,
    Dataflow,
    DataKey,
    DataKeySet,
    DataKeyValue,
    DataStructure,
    DataStructureComponents,
    Dimension,
    DimensionList,
    Group,
    Measure,
    MeasureList,
    MetadataAttributeUsage,
    MetadataConstraint,
    MetadataConstraintAttachment,
    MetadataKey,
    MetadataKeySet,
    MetadataKeyValue,
    MetadataTargetRegion,
    PeriodBound,
    ProvisionAgreement,
    QueryableDataSource,
    ReferencePeriod,
    ReleaseCalendar,
    SetReference,
    TimeDimension,
    TimeRange,
    ValueSet,
)
from service.formats.structure_table.base import (
    ANNOTATIONS,
    IDENTIFIABLE,
    JSON_LINKS,
    LINKS,
    MAINTAINABLE,
    URI,
    attribute_flag,
)
from service.formats.structure_table.conversions import (
    BOOLEAN,
    CASCADE,
    CASCADE_21,
    INTEGER,
    POSITION_21,
    TEXT,
    TIME,
    TOKEN,
    USAGE,
    USAGE_21,
)
from service.formats.structure_table.vocabulary import (
    Adaptation,
    Child,
    Children,
    Constant,
    Empty,
    Field,
    FlaggedReferences,
    Implied,
    Layout,
    Links,
    LocalReference,
    LocalReferences,
    Losing,
    Marker,
    Reference,
    References,
    Reshaping,
    Scalar,
    Scalars,
    Variant,
    Variants,
)

REPORTING_YEAR_START_DAY = "REPORTING_YEAR_START_DAY"
MEASURE_DIMENSION = "MEASURE_DIMENSION"
"""Annotation on a dimension that is the measure dimension of SDMX 2.1; its title is the URN of the concept scheme."""
PRIMARY_MEASURE = "OBS_VALUE"


def inherit_id(values: dict[str, Any]) -> None:
    """Give a component the id of its concept, which SDMX-ML lets it inherit."""
    if "id" not in values and "concept_identity" in values:
        values["id"] = parse_urn(values["concept_identity"]).item


def _count_from_zero(values: dict[str, Any]) -> None:
    """Move the positions up where the message counts them from 0."""
    dimensions: tuple[Dimension, ...] = values.get("dimensions", ())
    if any(dimension.position == -1 for dimension in dimensions):
        values["dimensions"] = tuple(
            replaced(
                dimension,
                position=None if dimension.position is None else dimension.position + 1,
            )
            for dimension in dimensions
        )


def _one_or_several(values: dict[str, Any]) -> None:
    """Make a single value of a key the `value`; `values` are several."""
    if len(values.get("values", ())) == 1:
        values["value"] = values.pop("values")[0]


def _marked(dimension: Dimension) -> Dimension:
    """Note that the dimension was the measure dimension, which 3.x does not tell from others."""
    note = Annotation(id=MEASURE_DIMENSION)
    return replaced(dimension, annotations=(*dimension.annotations, note))


def _unmarked(dimension: Dimension, writing: Losing) -> Dimension:
    notes = tuple(note for note in dimension.annotations if note.id != MEASURE_DIMENSION)
    return replaced(dimension, annotations=notes)


def _is_measure_dimension(dimension: Dimension) -> bool:
    return dimension.annotation(MEASURE_DIMENSION) is not None


def _moved_lists(member: str, moved: dict[str, Callable[[dict[str, Any]], bool]]) -> Reshaping:
    """Return the reshaping that moves some entries of a list to lists of their own."""

    def read(thing: dict[str, Any]) -> None:
        found = [entry for name in moved for entry in thing.pop(name, ())]
        if found or member in thing:
            thing[member] = _by_position([*thing.get(member, ()), *found])

    def write(thing: dict[str, Any], writing: Losing) -> None:
        for name, belongs in moved.items():
            there = [entry for entry in thing.get(member, ()) if belongs(entry)]
            if there:
                thing[name] = there
                thing[member] = [entry for entry in thing[member] if not belongs(entry)]
        if not thing.get(member, True):
            del thing[member]

    return Reshaping(read, write)


def _by_position(entries: list[Any]) -> list[Any]:
    """Return the entries in the order of their positions, where each states one."""
    if all(isinstance(entry, dict) and "position" in entry for entry in entries):
        return sorted(entries, key=lambda entry: entry["position"])
    return entries


def _only(*members: str) -> Reshaping:
    """Return the reshaping of members that SDMX-JSON 1.0 has once, not in a list."""

    def read(thing: dict[str, Any]) -> None:
        for member in members:
            if member in thing:
                thing[member] = [thing[member]]

    def write(thing: dict[str, Any], writing: Losing) -> None:
        for member in members:
            if len(thing.get(member, ())) == 1:
                thing[member] = thing[member][0]

    return Reshaping(read, write)


def _measure_dimensions() -> Reshaping:
    moved = _moved_lists("dimensions", {"measureDimensions": _is_annotated_measure})

    def read(thing: dict[str, Any]) -> None:
        for entry in thing.get("measureDimensions", ()):
            entry["annotations"] = [*entry.get("annotations", ()), {"id": MEASURE_DIMENSION}]
        moved.read(thing)
        for entry in thing.get("dimensions", ()):
            entry.pop("type", None)
        times = thing.pop("timeDimensions", ())
        if times:
            thing["timeDimension"] = times[0]
            times[0].pop("type", None)

    def write(thing: dict[str, Any], writing: Losing) -> None:
        moved.write(thing, writing)
        for entry in thing.get("measureDimensions", ()):
            entry["annotations"] = [
                note for note in entry["annotations"] if note.get("id") != MEASURE_DIMENSION
            ]
            if not entry["annotations"]:
                del entry["annotations"]
        if "timeDimension" in thing:
            thing["timeDimensions"] = [thing.pop("timeDimension")]

    return Reshaping(read, write)


def _is_annotated_measure(entry: dict[str, Any]) -> bool:
    return any(note.get("id") == MEASURE_DIMENSION for note in entry.get("annotations", ()))


def _read_cascading(thing: dict[str, Any]) -> None:
    cascading = [{"value": text, "cascadeValues": True} for text in thing.pop("cascadeValues", ())]
    if cascading:
        thing["values"] = [*thing.get("values", ()), *cascading]


def _write_cascading(thing: dict[str, Any], writing: Losing) -> None:
    values = thing.get("values", ())
    for value in values:
        if isinstance(value, dict) and value.get("cascadeValues") == "excluderoot":
            writing.lose(f"that {value['value']} cascades without itself", thing["id"])
            del value["cascadeValues"]
    plain = [
        value["value"] if isinstance(value, dict) else value
        for value in values
        if not isinstance(value, dict) or not value.get("cascadeValues")
    ]
    cascading = [
        value["value"] for value in values if isinstance(value, dict) and value.get("cascadeValues")
    ]
    for name, found in (("values", plain), ("cascadeValues", cascading)):
        thing.pop(name, None)
        if found:
            thing[name] = found


def _is_text(entry: Any) -> bool:
    return isinstance(entry, str)


# SDMX 2.1 may say the kind of a dimension, which its element says as well.
_TYPE = Field("", Implied(), None, ml21="@type")
_CONCEPT = Field("concept_identity", Reference("Concept"), "str:ConceptIdentity")
_LOCAL = Field("local_representation", Child("DataRepresentation"), "str:LocalRepresentation")
_ROLES = Field("concept_roles", References("Concept"), "str:ConceptRole")
_DIMENSION = (
    *IDENTIFIABLE,
    Field("position", Scalar(POSITION_21), "@position"),
    _TYPE,
    _CONCEPT,
    _LOCAL,
    _ROLES,
)
_RELATIONSHIP = Field(
    "attribute_relationship", Child("AttributeRelationship"), "str:AttributeRelationship"
)
_INCLUDE = Field("include", Scalar(BOOLEAN), "@include")
_VALIDITY = (
    Field("valid_from", Scalar(TIME), "@validFrom", ml21=None, json10=None),
    Field("valid_to", Scalar(TIME), "@validTo", ml21=None, json10=None),
)


def _values(layout: str = "ComponentValue") -> Field:
    return Field(
        "values",
        Variants(
            (
                Variant("com21:Value", None, _is_text),
                Variant("com21:Value", layout, lambda _: True),
            ),
            layout,
        ),
        "com21:Value",
    )


# Groups have no links in SDMX-ML.
_WITHOUT_LINKS = tuple(
    Field("links", Links(), ".") if field is LINKS else field for field in IDENTIFIABLE
)


def _list(id: str) -> tuple[Field, ...]:
    return (ANNOTATIONS, LINKS, Field("id", Constant(id), "@id"))


_CALENDAR = Field(
    "release_calendar",
    Child("ReleaseCalendar"),
    None,
    ml30="str:ReleaseCalendar",
    json20="releaseCalendar",
)
_REFERENCE_PERIOD = Field(
    "reference_period",
    Child("ReferencePeriod"),
    None,
    ml21="str:ReferencePeriod",
    json10="referencePeriod",
)
_ROLE = Field(
    "role",
    Scalar(TOKEN, required=True, required_in_json=True),
    None,
    ml30="@role",
    ml21="@type",
    json20="role",
    json10="type",
    kind21=Scalar(TOKEN, default="Actual", required=True, required_in_json=True),
)
_SIMPLE_SOURCES = Field(
    "simple_data_sources",
    Scalars(TEXT),
    None,
    ml30="str:SimpleDataSource",
    json20="simpleDataSources",
    json10="simpleDataSource",
)
_QUERYABLE_SOURCES = Field(
    "queryable_data_sources",
    Children("QueryableDataSource"),
    None,
    ml30="str:QueryableDataSource",
    json20="queryableDataSources",
)
_KEY_SETS = Field("data_key_sets", Children("DataKeySet"), "str:DataKeySet")
_METADATA_KEY_SETS = Field(
    "metadata_key_sets",
    Children("MetadataKeySet"),
    None,
    ml21="str:MetadataKeySet",
    json10="metadataKeySets",
)
_REGIONS = Field("cube_regions", Children("CubeRegion"), "str:CubeRegion")


def _reporting_year_start_day(values: dict[str, Any]) -> None:
    """Give the attribute the id that the schema fixes."""
    values.setdefault("id", REPORTING_YEAR_START_DAY)


def _data_attribute(complete: Callable[[dict[str, Any]], None]) -> Layout:
    return Layout(
        DataAttribute,
        (
            *IDENTIFIABLE,
            Field(
                "usage",
                Scalar(USAGE, required=True),
                "@usage",
                ml21="@assignmentStatus",
                json10="assignmentStatus",
                kind21=Scalar(USAGE_21, in_json=True, required=True, required_in_json=True),
            ),
            _CONCEPT,
            _LOCAL,
            _ROLES,
            _RELATIONSHIP,
            Field(
                "measure_relationship",
                LocalReferences(),
                "str:MeasureRelationship/str:Measure",
                ml21=None,
                json10=None,
            ),
        ),
        complete=complete,
    )


LAYOUTS: dict[str, Layout] = {
    "Dimension": Layout(
        Dimension,
        _DIMENSION,
        complete=inherit_id,
    ),
    "MeasureDimension": Layout(
        Dimension,
        _DIMENSION,
        complete=inherit_id,
        adaptation=Adaptation(_unmarked, _marked, b"", b""),
    ),
    "TimeDimension": Layout(
        TimeDimension,
        (
            ANNOTATIONS,
            LINKS,
            Field("id", Constant("TIME_PERIOD"), "@id"),
            URI,
            Field(
                "position",
                Scalar(POSITION_21),
                None,
                ml21="@position",
                json10="position",
            ),
            _TYPE,
            _CONCEPT,
            _LOCAL,
        ),
    ),
    "DimensionList": Layout(
        DimensionList,
        (
            *_list("DimensionDescriptor"),
            Field(
                "dimensions",
                Children("Dimension"),
                "str:Dimension",
                kind21=Variants(
                    (
                        Variant("str:MeasureDimension", "MeasureDimension", _is_measure_dimension),
                        Variant("str:Dimension", "Dimension", lambda _: True),
                    ),
                    "Dimension",
                ),
            ),
            Field("time_dimension", Child("TimeDimension"), "str:TimeDimension"),
        ),
        complete=_count_from_zero,
        shape10=_measure_dimensions(),
    ),
    "Group": Layout(
        Group,
        (
            *_WITHOUT_LINKS,
            Field(
                "group_dimensions",
                LocalReferences(),
                "str:GroupDimension*/str:DimensionReference",
            ),
            Field(
                "attachment_constraint",
                Reference("AttachmentConstraint"),
                None,
                ml21="str:AttachmentConstraint",
                json10="attachmentConstraint",
            ),
        ),
    ),
    "Measure": Layout(
        Measure,
        (
            *IDENTIFIABLE,
            Field("usage", Scalar(USAGE, required=True), "@usage", ml21=None, json10=None),
            _CONCEPT,
            _LOCAL,
            Field(
                "concept_roles", References("Concept"), "str:ConceptRole", ml21=None, json10=None
            ),
        ),
        complete=inherit_id,
    ),
    "MeasureList": Layout(
        MeasureList,
        (
            *_list("MeasureDescriptor"),
            Field(
                "measures",
                Children("Measure"),
                "str:Measure",
                ml21="str:PrimaryMeasure",
                json10="primaryMeasure",
            ),
        ),
        shape10=_only("primaryMeasure"),
    ),
    "AttributeRelationship": Layout(
        AttributeRelationship,
        (
            Field("dataflow", Empty(), "str:Dataflow", ml21="str:None", json10="none"),
            Field(
                "dimensions",
                FlaggedReferences("are_dimensions_optional", "optional"),
                "str:Dimension",
                kind21=LocalReferences(),
            ),
            Field(
                "attachment_groups",
                LocalReferences(),
                None,
                ml21="str:AttachmentGroup",
                json10="attachmentGroups",
            ),
            Field("group", LocalReference(), "str:Group"),
            Field(
                "observation",
                Empty(),
                "str:Observation",
                ml21="str:PrimaryMeasure",
                json10="primaryMeasure",
                kind21=Marker(PRIMARY_MEASURE),
            ),
            Field("are_dimensions_optional", Scalars(BOOLEAN), "+", ml21=None, json10=None),
        ),
    ),
    "DataAttribute": _data_attribute(inherit_id),
    "ReportingYearStartDay": _data_attribute(_reporting_year_start_day),
    "MetadataAttributeUsage": Layout(
        MetadataAttributeUsage,
        (
            ANNOTATIONS,
            LINKS,
            Field(
                "metadata_attribute_reference", LocalReference(), "str:MetadataAttributeReference"
            ),
            _RELATIONSHIP,
        ),
    ),
    "AttributeList": Layout(
        AttributeList,
        (
            *_list("AttributeDescriptor"),
            Field(
                "attributes",
                Children("DataAttribute"),
                "str:Attribute",
                kind21=Variants(
                    (
                        Variant(
                            "str:ReportingYearStartDay",
                            "ReportingYearStartDay",
                            lambda entry: entry.id == REPORTING_YEAR_START_DAY,
                        ),
                        Variant("str:Attribute", "DataAttribute", lambda _: True),
                    ),
                    "DataAttribute",
                ),
            ),
            Field(
                "metadata_attribute_usages",
                Children("MetadataAttributeUsage"),
                "str:MetadataAttributeUsage",
                ml21=None,
                json10=None,
            ),
        ),
        shape10=_moved_lists(
            "attributes",
            {"reportingYearStartDays": lambda entry: entry["id"] == REPORTING_YEAR_START_DAY},
        ),
    ),
    "DataStructureComponents": Layout(
        DataStructureComponents,
        (
            Field("dimension_list", Child("DimensionList"), "str:DimensionList"),
            Field("groups", Children("Group"), "str:Group"),
            Field("attribute_list", Child("AttributeList"), "str:AttributeList"),
            Field("measure_list", Child("MeasureList"), "str:MeasureList"),
        ),
    ),
    "DataStructure": Layout(
        DataStructure,
        (
            *MAINTAINABLE,
            Field(
                "data_structure_components",
                Child("DataStructureComponents"),
                "str:DataStructureComponents",
            ),
            Field(
                "metadata", Reference("MetadataStructure"), "str:Metadata", ml21=None, json10=None
            ),
            Field(
                "evolving_structure",
                Scalar(BOOLEAN),
                "@evolvingStructure",
                ml30=None,
                json20=None,
            ),
        ),
    ),
    "Dataflow": Layout(
        Dataflow,
        (
            *MAINTAINABLE,
            Field("structure", Reference("DataStructure"), "str:Structure"),
            Field(
                "dimension_constraint",
                LocalReferences(),
                "str:DimensionConstraint/str:Dimension",
                ml30=None,
                json20=None,
            ),
        ),
    ),
    "ProvisionAgreement": Layout(
        ProvisionAgreement,
        (
            *MAINTAINABLE,
            Field(
                "dataflow",
                Reference("Dataflow"),
                "str:Dataflow",
                ml21="str:StructureUsage",
                json10="structureUsage",
            ),
            Field("data_provider", Reference("DataProvider"), "str:DataProvider"),
        ),
    ),
    "Categorisation": Layout(
        Categorisation,
        (
            *(
                Field("version", Scalar(TOKEN, required=True), None, ml30="@version")
                if field.member == "version"
                else field
                for field in MAINTAINABLE
            ),
            Field("source", Reference(), "str:Source"),
            Field("target", Reference("Category"), "str:Target"),
        ),
    ),
    # -- constraints ----------------------------------------------------------------------------------
    "PeriodBound": Layout(
        PeriodBound,
        (
            Field("is_inclusive", Scalar(BOOLEAN, required=True), "@isInclusive"),
            Field("period", Scalar(TIME), "."),
        ),
    ),
    "TimeRange": Layout(
        TimeRange,
        (
            Field("before_period", Child("PeriodBound"), "com21:BeforePeriod"),
            Field("after_period", Child("PeriodBound"), "com21:AfterPeriod"),
            Field("start_period", Child("PeriodBound"), "com21:StartPeriod"),
            Field("end_period", Child("PeriodBound"), "com21:EndPeriod"),
            Field("valid_from", Scalar(TIME), "@validFrom", ml21=None, json20=None),
            Field("valid_to", Scalar(TIME), "@validTo", ml21=None, json20=None),
        ),
    ),
    "ComponentValue": Layout(
        ComponentValue,
        (
            Field("value", Scalar(TEXT), "."),
            Field(
                "cascade_values",
                Scalar(CASCADE),
                "@cascadeValues",
                kind21=Scalar(CASCADE_21),
            ),
            Field("lang", Scalar(TOKEN), "@xml:lang", ml21=None, json10=None),
            *_VALIDITY,
        ),
    ),
    "ValueSet": Layout(
        ValueSet,
        (
            Field("id", Scalar(TOKEN), "@id"),
            Field("include", Scalar(BOOLEAN), "@include", json10=None),
            Field("remove_prefix", Scalar(BOOLEAN), "@removePrefix", ml21=None, json10=None),
            *_VALIDITY,
            Field("time_range", Child("TimeRange"), "com21:TimeRange"),
            _values(),
        ),
        shape10=Reshaping(_read_cascading, _write_cascading),
    ),
    "CubeRegion": Layout(
        CubeRegion,
        (
            Field("annotations", ANNOTATIONS.kind, ANNOTATIONS.xml, ml21=None, json10=None),
            JSON_LINKS,
            Field(
                "include",
                Scalar(BOOLEAN, implied=True),
                "@include",
                json10="isIncluded",
                kind21=Scalar(BOOLEAN, implied=True, absent="true"),
            ),
            Field("key_values", Children("ValueSet"), "com21:KeyValue"),
            Field(
                "components",
                Children("ValueSet"),
                "str:Component",
                ml21="com:Attribute",
                json10="attributes",
            ),
        ),
    ),
    "DataKeyValue": Layout(
        DataKeyValue,
        (
            Field("id", Scalar(TOKEN), "@id"),
            Field("include", Scalar(BOOLEAN), "@include", json10=None),
            Field("remove_prefix", Scalar(BOOLEAN), "@removePrefix", ml21=None, json10=None),
            # SDMX-ML has one element for both, read as the list.
            Field("value", Scalar(TEXT), "com21:Value"),
            Field("values", Scalars(TEXT), "com21:Value", ml30=None, json20=None),
        ),
        complete=_one_or_several,
    ),
    "DataKey": Layout(
        DataKey,
        (
            Field("annotations", ANNOTATIONS.kind, ANNOTATIONS.xml, ml21=None, json10=None),
            JSON_LINKS,
            Field("include", Scalar(BOOLEAN), "@include", json10=None),
            *_VALIDITY,
            Field("key_values", Children("DataKeyValue"), "com21:KeyValue"),
            Field("components", Children("ValueSet"), "str:Component", ml21=None, json10=None),
        ),
    ),
    "DataKeySet": Layout(
        DataKeySet,
        (
            attribute_flag("is_included", "isIncluded"),
            Field("keys", Children("DataKey"), "str:Key"),
        ),
    ),
    "SetReference": Layout(
        SetReference,
        (
            Field("data_provider", Reference("DataProvider"), "com:DataProvider"),
            Field("id", Scalar(TOKEN), "com:ID", json10="id"),
        ),
    ),
    "QueryableDataSource": Layout(
        QueryableDataSource,
        (
            # Registrations say the kind of the source, which its element says as well.
            Field("", Implied(), "@TYPE"),
            Field("is_rest_datasource", Scalar(BOOLEAN), "@isRESTDatasource"),
            Field("is_web_service_datasource", Scalar(BOOLEAN), "@isWebServiceDatasource"),
            Field("data_url", Scalar(TEXT), "com:DataURL"),
            Field("wsdl_url", Scalar(TEXT), "com:WSDLURL"),
            Field("wadl_url", Scalar(TEXT), "com:WADLURL"),
        ),
    ),
    "ReleaseCalendar": Layout(
        ReleaseCalendar,
        (
            Field("periodicity", Scalar(TEXT), "str:Periodicity"),
            Field("offset", Scalar(TEXT), "str:Offset"),
            Field("tolerance", Scalar(TEXT), "str:Tolerance"),
        ),
    ),
    "ReferencePeriod": Layout(
        ReferencePeriod,
        (
            Field("start_time", Scalar(TIME), "@startTime"),
            Field("end_time", Scalar(TIME), "@endTime"),
        ),
    ),
    "DataConstraintAttachment": Layout(
        DataConstraintAttachment,
        (
            Field("data_provider", Reference("DataProvider"), "str:DataProvider"),
            Field(
                "data_sets",
                Children("SetReference"),
                None,
                ml21="str:DataSet",
                json10="dataSet",
            ),
            _SIMPLE_SOURCES,
            Field("data_structures", References("DataStructure"), "str:DataStructure"),
            Field("dataflows", References("Dataflow"), "str:Dataflow"),
            Field(
                "provision_agreements", References("ProvisionAgreement"), "str:ProvisionAgreement"
            ),
            _QUERYABLE_SOURCES,
        ),
        shape10=_only("dataSet", "simpleDataSource"),
    ),
    "DataConstraint": Layout(
        DataConstraint,
        (
            *MAINTAINABLE,
            _ROLE,
            Field(
                "constraint_attachment",
                Child("DataConstraintAttachment"),
                "str:ConstraintAttachment",
            ),
            _CALENDAR,
            _KEY_SETS,
            _REGIONS,
            _REFERENCE_PERIOD,
        ),
        order21=("release_calendar", "reference_period"),
    ),
    "AvailabilityConstraintAttachment": Layout(
        AvailabilityConstraintAttachment,
        (
            Field("data_structure", Reference("DataStructure"), "str:DataStructure"),
            Field("dataflow", Reference("Dataflow"), "str:Dataflow"),
            Field("provision_agreement", Reference("ProvisionAgreement"), "str:ProvisionAgreement"),
        ),
    ),
    "AvailabilityConstraint": Layout(
        AvailabilityConstraint,
        (
            ANNOTATIONS,
            Field("series_count", Scalar(INTEGER), "@seriesCount"),
            Field("obs_count", Scalar(INTEGER), "@obsCount"),
            Field(
                "constraint_attachment",
                Child("AvailabilityConstraintAttachment"),
                "str:ConstraintAttachment",
            ),
            Field("cube_region", Child("CubeRegion"), "str:CubeRegion"),
        ),
    ),
    "MetadataKeyValue": Layout(
        MetadataKeyValue,
        (
            Field("id", Scalar(TOKEN), "@id"),
            Field("include", Scalar(BOOLEAN), "@include", json10=None),
            _values(),
            Field("data_sets", Children("SetReference"), "com:DataSet"),
            Field("data_keys", Children("DataKey"), "com:DataKey"),
            Field("objects", References(), "com:Object"),
            Field("time_range", Child("TimeRange"), "com21:TimeRange"),
        ),
    ),
    "MetadataKey": Layout(
        MetadataKey,
        (
            Field("report", Scalar(TOKEN), "@report"),
            Field("metadata_target", Scalar(TOKEN), "@metadataTarget"),
            Field("key_values", Children("MetadataKeyValue"), "com:KeyValue"),
        ),
    ),
    "MetadataKeySet": Layout(
        MetadataKeySet,
        (
            attribute_flag("is_included", "isIncluded"),
            Field("keys", Children("MetadataKey"), "str:Key"),
        ),
    ),
    "MetadataTargetRegion": Layout(
        MetadataTargetRegion,
        (
            Field("annotations", ANNOTATIONS.kind, None, json10=None),
            JSON_LINKS,
            _INCLUDE,
            *_VALIDITY,
            Field("report", Scalar(TOKEN), None, ml21="@report", json10="report"),
            Field(
                "metadata_target",
                Scalar(TOKEN),
                None,
                ml21="@metadataTarget",
                json10="metadataTarget",
            ),
            Field(
                "key_values",
                Children("MetadataKeyValue"),
                None,
                ml21="com:KeyValue",
                json10="keyValues",
            ),
            Field(
                "components",
                Children("ValueSet"),
                "str:Component",
                ml21="com:Attribute",
                json10="attributes",
            ),
        ),
    ),
    "MetadataConstraintAttachment": Layout(
        MetadataConstraintAttachment,
        (
            Field(
                "metadata_provider",
                Reference("MetadataProvider"),
                "str:MetadataProvider",
                ml21="str:DataProvider",
                json10="dataProvider",
            ),
            Field(
                "metadata_sets",
                References("MetadataSet"),
                None,
                ml30="str:MetadataSet",
                json20="metadataSets",
                json10="metadataSet",
                kind21=Children("SetReference"),
            ),
            _SIMPLE_SOURCES,
            Field("metadata_structures", References("MetadataStructure"), "str:MetadataStructure"),
            Field("metadataflows", References("Metadataflow"), "str:Metadataflow"),
            Field(
                "metadata_provision_agreements",
                References("MetadataProvisionAgreement"),
                "str:MetadataProvisionAgreement",
                ml21="str:ProvisionAgreement",
                json10="provisionAgreements",
                kind21=References("ProvisionAgreement"),
            ),
            _QUERYABLE_SOURCES,
        ),
        shape10=_only("metadataSet", "simpleDataSource"),
    ),
    "MetadataConstraint": Layout(
        MetadataConstraint,
        (
            *MAINTAINABLE,
            _ROLE,
            Field(
                "constraint_attachment",
                Child("MetadataConstraintAttachment"),
                "str:ConstraintAttachment",
            ),
            _CALENDAR,
            _METADATA_KEY_SETS,
            Field(
                "metadata_target_regions",
                Children("MetadataTargetRegion"),
                "str:MetadataTargetRegion",
            ),
            _REFERENCE_PERIOD,
        ),
        order21=("release_calendar", "reference_period"),
    ),
    "AttachmentConstraintAttachment": Layout(
        AttachmentConstraintAttachment,
        (
            Field("data_sets", Children("SetReference"), "str:DataSet"),
            Field("metadata_sets", Children("SetReference"), "str:MetadataSet"),
            Field("simple_data_sources", Scalars(TEXT), "str:SimpleDataSource"),
            Field("data_structures", References("DataStructure"), "str:DataStructure"),
            Field("metadata_structures", References("MetadataStructure"), "str:MetadataStructure"),
            Field("dataflows", References("Dataflow"), "str:Dataflow"),
            Field("metadataflows", References("Metadataflow"), "str:Metadataflow"),
            Field(
                "provision_agreements", References("ProvisionAgreement"), "str:ProvisionAgreement"
            ),
        ),
    ),
    "AttachmentConstraint": Layout(
        AttachmentConstraint,
        (
            *MAINTAINABLE,
            Field(
                "constraint_attachment",
                Child("AttachmentConstraintAttachment"),
                "str:ConstraintAttachment",
            ),
            _KEY_SETS,
            Field("metadata_key_sets", Children("MetadataKeySet"), "str:MetadataKeySet"),
        ),
    ),
}
