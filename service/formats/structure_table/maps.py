"""Maps of SDMX 3.x and the structure sets of 2.1. SDMXStructureStructureMappings.xsd; SDMXStructureStructureSet.xsd."""

from __future__ import annotations

from typing import Any

from codelists.urn import Urn, UrnSyntaxError, item_class_of, parse_urn
from dsd.structure_map import (
    CategorySchemeMap,
    ComponentMap,
    ComponentReference,
    ConceptSchemeMap,
    DatePatternMap,
    EpochMap,
    FixedValueMap,
    FrequencyFormatMapping,
    ItemAssociation,
    MappedComponent,
    MappedValue,
    NestedComponentMap,
    NestedItemSchemeMap,
    NestedStructureMap,
    OrganisationSchemeMap,
    ReportingTaxonomyMap,
    RepresentationEnd,
    RepresentationMap,
    RepresentationMapping,
    SingleValueMapping,
    StructureMap,
    StructureSet,
    ValueMapping,
    ValuePair,
)
from service.formats.structure_table.base import (
    ANNOTATIONS,
    IDENTIFIABLE,
    JSON_LINKS,
    MAINTAINABLE,
    NAMEABLE,
    attribute_flag,
)
from service.formats.structure_table.conversions import BOOLEAN, DATE, INTEGER, TEXT, TOKEN
from service.formats.structure_table.vocabulary import (
    Child,
    Children,
    Field,
    Layout,
    LocalReference,
    Losing,
    Pairs,
    Reference,
    References,
    Reshaping,
    Scalar,
    Scalars,
    Variant,
    Variants,
)

_CONTAINERS = {
    "Attribute": "AttributeDescriptor",
    "Dimension": "DimensionDescriptor",
    "MeasureDimension": "DimensionDescriptor",
    "PrimaryMeasure": "MeasureDescriptor",
    "ReportingYearStartDay": "AttributeDescriptor",
    "TimeDimension": "DimensionDescriptor",
}
"""The component list in which SDMX 2.1 has components of a class."""


def _urn(text: str) -> Urn | None:
    try:
        return parse_urn(text)
    except UrnSyntaxError:
        return None


def _items_as_urns(member: str) -> Reshaping:
    """Return the reshaping of the items that a map names: ids here, URNs in SDMX-JSON 1.0."""

    def read(thing: dict[str, Any]) -> None:
        for entry in thing.get(member, ()):
            for end in ("source", "target"):
                urn = _urn(entry[end])
                if urn is not None and urn.item is not None:
                    entry[end] = urn.item

    def write(thing: dict[str, Any], writing: Losing) -> None:
        for entry in thing.get(member, ()):
            for end in ("source", "target"):
                scheme = _urn(thing[end])
                if scheme is not None:
                    item = scheme._replace(type=item_class_of(scheme.type), item=entry[end])
                    entry[end] = str(item)

    return Reshaping(read, write)


def _read_components(thing: dict[str, Any]) -> None:
    for entry in thing.get("componentMaps", ()):
        for end in ("source", "target"):
            urn = _urn(entry[end])
            if urn is None or urn.item is None:
                entry[end] = {"id": entry[end]}
                continue
            package = entry[end].removeprefix("urn:sdmx:org.sdmx.infomodel.").partition(".")[0]
            reference = {"id": urn.item, "class": urn.type, "package": package}
            if urn.type in _CONTAINERS:
                reference["containerID"] = _CONTAINERS[urn.type]
            entry[end] = reference


def _write_components(thing: dict[str, Any], writing: Losing) -> None:
    for entry in thing.get("componentMaps", ()):
        for end in ("source", "target"):
            reference = entry[end]
            structure = _urn(thing[end])
            if structure is None or "class" not in reference:
                entry[end] = reference["id"]
                continue
            entry[end] = (
                f"urn:sdmx:org.sdmx.infomodel.{reference.get('package', 'datastructure')}."
                f"{reference['class']}={structure.short}.{reference['id']}"
            )


def _read_value_map(thing: dict[str, Any]) -> None:
    if "valueMap" in thing:
        thing["valueMap"] = thing["valueMap"]["valueMappings"]


def _write_value_map(thing: dict[str, Any], writing: Losing) -> None:
    if "valueMap" in thing:
        thing["valueMap"] = {"valueMappings": thing["valueMap"]}


_DATE_MAP = (
    *IDENTIFIABLE,
    Field("resolve_period", Scalar(TOKEN), "@resolvePeriod"),
    Field(
        "mapped_components",
        Pairs("MappedComponent", "source", "target"),
        "str:Source|str:Target",
    ),
    Field("frequency_dimension", Scalar(TOKEN), "str:FrequencyDimension"),
    Field("mapped_frequencies", Scalars(TOKEN), "str:MappedFrequencies"),
    Field("target_frequency_id", Scalar(TOKEN), "str:TargetFrequencyID"),
)
_VALIDITY = (
    Field("valid_from", Scalar(DATE), "@validFrom"),
    Field("valid_to", Scalar(DATE), "@validTo"),
)
_ENDS = (
    Field("source", Reference(), "str:Source"),
    Field("target", Reference(), "str:Target"),
)
_ITEM_SCHEME_MAP = (
    *MAINTAINABLE,
    *_ENDS,
    Field("item_maps", Children("SingleValueMapping"), "str:ItemMap"),
)


def _end(member: str, prefix: str) -> Field:
    return Field(
        member,
        Variants(
            (
                Variant(
                    f"str:{prefix}Codelist", "CodelistEnd", lambda end: end.codelist is not None
                ),
                Variant(f"str:{prefix}DataType", "DataTypeEnd", lambda _: True),
            ),
            "RepresentationEnd",
        ),
        f"str:{prefix}Codelist",
    )


def _nested(element: str, member: str) -> Layout:
    """Return the layout of a map of items inside a structure set."""
    return Layout(
        NestedItemSchemeMap,
        (
            *NAMEABLE,
            *_ENDS,
            Field(
                "item_associations", Children("ItemAssociation"), f"str:{element}", json10=member
            ),
        ),
        shape10=_items_as_urns(member),
    )


LAYOUTS: dict[str, Layout] = {
    "MappedComponent": Layout(
        MappedComponent,
        (
            Field("source", Scalar(TOKEN), "str:Source"),
            Field("target", Scalar(TOKEN), "str:Target"),
        ),
    ),
    "EpochMap": Layout(
        EpochMap,
        (
            *_DATE_MAP,
            Field("base_period", Scalar(TEXT), "@basePeriod"),
            Field("epoch_period", Scalar(TOKEN), "@epochPeriod"),
        ),
    ),
    "DatePatternMap": Layout(
        DatePatternMap,
        (
            *_DATE_MAP,
            Field("source_pattern", Scalar(TEXT), "@sourcePattern"),
            Field("locale", Scalar(TEXT), "@locale"),
        ),
    ),
    "FrequencyFormatMapping": Layout(
        FrequencyFormatMapping,
        (
            *IDENTIFIABLE,
            Field("frequency_id", Scalar(TOKEN), "str:FrequencyId"),
            Field("date_pattern", Scalar(TEXT), "str:DatePattern"),
        ),
    ),
    "ComponentMap": Layout(
        ComponentMap,
        (
            ANNOTATIONS,
            JSON_LINKS,
            Field("source", Scalars(TOKEN), "str:Source"),
            Field("target", Scalars(TOKEN), "str:Target"),
            Field("representation_map", Reference("RepresentationMap"), "str:RepresentationMap"),
        ),
    ),
    "FixedValueMap": Layout(
        FixedValueMap,
        (
            ANNOTATIONS,
            JSON_LINKS,
            Field("source", Scalar(TOKEN), "str:Source"),
            Field("target", Scalar(TOKEN), "str:Target"),
            Field("values", Scalars(TEXT), "str:Value"),
        ),
    ),
    "StructureMap": Layout(
        StructureMap,
        (
            *MAINTAINABLE,
            *_ENDS,
            Field("epoch_maps", Children("EpochMap"), "str:EpochMap"),
            Field("date_pattern_maps", Children("DatePatternMap"), "str:DatePatternMap"),
            Field(
                "frequency_format_mappings",
                Children("FrequencyFormatMapping"),
                "str:FrequencyFormatMapping",
            ),
            Field("component_maps", Children("ComponentMap"), "str:ComponentMap"),
            Field("fixed_value_maps", Children("FixedValueMap"), "str:FixedValueMap"),
        ),
    ),
    "MappedValue": Layout(
        MappedValue,
        (
            Field("is_reg_ex", Scalar(BOOLEAN), "@isRegEx"),
            Field("start_index", Scalar(INTEGER), "@startIndex"),
            Field("end_index", Scalar(INTEGER), "@endIndex"),
            Field("value", Scalar(TEXT), "."),
        ),
    ),
    "ValueMapping": Layout(
        ValueMapping,
        (
            ANNOTATIONS,
            JSON_LINKS,
            *_VALIDITY,
            Field("source_values", Children("MappedValue"), "str:SourceValue"),
            Field("target_values", Scalars(TEXT), "str:TargetValue"),
        ),
    ),
    "CodelistEnd": Layout(
        RepresentationEnd,
        (
            Field("codelist", Reference("Codelist"), "."),
            Field("data_type", Scalar(TOKEN), None),
        ),
    ),
    "DataTypeEnd": Layout(
        RepresentationEnd,
        (Field("codelist", Reference(), None), Field("data_type", Scalar(TOKEN), ".")),
    ),
    "RepresentationEnd": Layout(
        RepresentationEnd,
        (Field("codelist", Reference(), "+"), Field("data_type", Scalar(TOKEN), "+")),
    ),
    "RepresentationMap": Layout(
        RepresentationMap,
        (
            *MAINTAINABLE,
            _end("source", "Source"),
            _end("target", "Target"),
            Field(
                "representation_mappings",
                Children("ValueMapping"),
                "str:RepresentationMapping",
            ),
        ),
    ),
    "SingleValueMapping": Layout(
        SingleValueMapping,
        (
            ANNOTATIONS,
            JSON_LINKS,
            *_VALIDITY,
            Field("source_value", Child("MappedValue"), "str:SourceValue"),
            Field("target_value", Scalar(TEXT), "str:TargetValue"),
        ),
    ),
    "ConceptSchemeMap": Layout(ConceptSchemeMap, _ITEM_SCHEME_MAP),
    "CategorySchemeMap": Layout(CategorySchemeMap, _ITEM_SCHEME_MAP),
    "OrganisationSchemeMap": Layout(OrganisationSchemeMap, _ITEM_SCHEME_MAP),
    "ReportingTaxonomyMap": Layout(ReportingTaxonomyMap, _ITEM_SCHEME_MAP),
    # -- SDMX 2.1 -------------------------------------------------------------------------------------
    "ItemAssociation": Layout(
        ItemAssociation,
        (
            ANNOTATIONS,
            JSON_LINKS,
            Field("source", LocalReference(), "str:Source"),
            Field("target", LocalReference(), "str:Target"),
        ),
    ),
    "NestedOrganisationSchemeMap": _nested("OrganisationMap", "organisationMaps"),
    "NestedCategorySchemeMap": _nested("CategoryMap", "categoryMaps"),
    "NestedCodelistMap": _nested("CodeMap", "codeMaps"),
    "NestedConceptSchemeMap": _nested("ConceptMap", "conceptMaps"),
    "NestedReportingTaxonomyMap": _nested("ReportingCategoryMap", "reportingCategoryMaps"),
    "NestedHybridCodelistMap": _nested("HybridCodeMap", "hybridCodeMaps"),
    "ValuePair": Layout(
        ValuePair,
        (
            Field("source", Scalar(TEXT), "@source"),
            Field("target", Scalar(TEXT), "@target"),
        ),
    ),
    "RepresentationMapping": Layout(
        RepresentationMapping,
        (
            Field("codelist_map", LocalReference("CodelistMap"), "str:CodelistMap"),
            Field("to_text_format", Child("TextFormat"), "str:ToTextFormat"),
            Field("to_value_type", Scalar(TOKEN), "str:ToValueType"),
            Field("value_map", Children("ValuePair"), "str:ValueMap/str:ValueMapping"),
        ),
        shape10=Reshaping(_read_value_map, _write_value_map),
    ),
    "ComponentReference": Layout(
        ComponentReference,
        (
            Field("id", Scalar(TOKEN), "@id"),
            Field("container_id", Scalar(TOKEN), "@containerID"),
            Field("component_class", Scalar(TOKEN), "@class"),
            Field("package", Scalar(TOKEN), "@package"),
        ),
    ),
    "NestedComponentMap": Layout(
        NestedComponentMap,
        (
            ANNOTATIONS,
            JSON_LINKS,
            Field("source", Child("ComponentReference"), "str:Source/Ref"),
            Field("target", Child("ComponentReference"), "str:Target/Ref"),
            Field(
                "representation_mapping",
                Child("RepresentationMapping"),
                "str:RepresentationMapping",
            ),
        ),
    ),
    "NestedStructureMap": Layout(
        NestedStructureMap,
        (
            *NAMEABLE,
            attribute_flag("is_extension", "isExtension"),
            *_ENDS,
            Field("component_maps", Children("NestedComponentMap"), "str:ComponentMap"),
        ),
        shape10=Reshaping(_read_components, _write_components),
    ),
    "StructureSet": Layout(
        StructureSet,
        (
            *MAINTAINABLE,
            Field("related_structures", References(), "str:RelatedStructure"),
            Field(
                "organisation_scheme_maps",
                Children("NestedOrganisationSchemeMap"),
                "str:OrganisationSchemeMap",
            ),
            Field(
                "category_scheme_maps",
                Children("NestedCategorySchemeMap"),
                "str:CategorySchemeMap",
            ),
            Field("codelist_maps", Children("NestedCodelistMap"), "str:CodelistMap"),
            Field(
                "concept_scheme_maps", Children("NestedConceptSchemeMap"), "str:ConceptSchemeMap"
            ),
            Field(
                "reporting_taxonomy_maps",
                Children("NestedReportingTaxonomyMap"),
                "str:ReportingTaxonomyMap",
            ),
            Field(
                "hybrid_codelist_maps",
                Children("NestedHybridCodelistMap"),
                "str:HybridCodelistMap",
            ),
            Field("structure_maps", Children("NestedStructureMap"), "str:StructureMap"),
        ),
    ),
}
