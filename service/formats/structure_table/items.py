"""Item schemes, hierarchies and what refers to them. SDMXStructure{Codelist,Concept,Category,Organisation,HierarchicalCodelist,ReportingTaxonomy}.xsd."""

from __future__ import annotations

from typing import Any

from codelists.hierarchy import (
    HierarchicalCode,
    HierarchicalCodelist,
    Hierarchy,
    HierarchyAssociation,
    IncludedCodelist,
    Level,
    NestedHierarchy,
)
from codelists.item_scheme import (
    AgencyScheme,
    Category,
    CategoryScheme,
    Code,
    Codelist,
    CodelistExtension,
    CodeSelection,
    Concept,
    ConceptScheme,
    DataConsumerScheme,
    DataProviderScheme,
    GeoFeatureSetCode,
    GeographicCodelist,
    GeoGridCode,
    GeoGridCodelist,
    MemberValue,
    MetadataProviderScheme,
    Organisation,
    OrganisationUnit,
    OrganisationUnitScheme,
    ReportingCategory,
    ReportingTaxonomy,
    ValueItem,
    ValueList,
)
from codelists.urn import Urn, UrnSyntaxError, parse_urn
from service.formats.class_names import urn_from_21
from service.formats.structure_table.base import (
    ANNOTATIONS,
    DESCRIPTIONS,
    IDENTIFIABLE,
    ITEM_SCHEME,
    JSON_LINKS,
    MAINTAINABLE,
    NAMEABLE,
    attribute_flag,
)
from service.formats.structure_table.conversions import BOOLEAN, CASCADE, TEXT, TIME, TOKEN
from service.formats.structure_table.vocabulary import (
    Child,
    Children,
    Field,
    Layout,
    LocalReference,
    Losing,
    Reference,
    References,
    Reshaping,
    Scalar,
    Texts,
    Variant,
    Variants,
)


def _is_wildcard(entry: Any) -> bool:
    return isinstance(entry, str) and "%" in entry


def _wildcards_apart(values: dict[str, Any]) -> None:
    """Move the values with a wildcard to their own member."""
    found = values.get("member_values", ())
    wildcarded = tuple(entry for entry in found if _is_wildcard(entry))
    if wildcarded:
        values["wildcarded_member_values"] = wildcarded
        values["member_values"] = tuple(entry for entry in found if not _is_wildcard(entry))


def _read_iso_concept(thing: dict[str, Any]) -> None:
    """Take apart the URN that SDMX-JSON 1.0 has; another text is the id of the concept."""
    text = thing.get("isoConceptReference")
    if not isinstance(text, str):
        return
    reference = {"conceptAgency": "", "conceptSchemeID": "", "conceptID": text}
    try:
        urn = parse_urn(text)
    except UrnSyntaxError:
        urn = None
    if urn is not None and urn.item is not None:
        reference = {
            "conceptAgency": urn.agency,
            "conceptSchemeID": urn.id,
            "conceptID": urn.item,
        }
    thing["isoConceptReference"] = reference


def _write_iso_concept(thing: dict[str, Any], writing: Losing) -> None:
    reference = thing.get("isoConceptReference")
    if reference is None:
        return
    agency, scheme = reference["conceptAgency"], reference["conceptSchemeID"]
    text = reference["conceptID"]
    thing["isoConceptReference"] = (
        str(Urn("Concept", agency, scheme, "1.0", text)) if agency and scheme else text
    )


def _read_included(thing: dict[str, Any]) -> None:
    """Make a list of the lists by alias that SDMX-JSON 1.0 has."""
    included = thing.get("includedCodelists")
    if isinstance(included, dict):
        thing["includedCodelists"] = [
            {"alias": alias, "codelist": urn_from_21(text)} for alias, text in included.items()
        ]


def _write_included(thing: dict[str, Any], writing: Losing) -> None:
    included = thing.get("includedCodelists")
    if included is not None:
        thing["includedCodelists"] = {
            entry.get("alias") or parse_urn(entry["codelist"]).id: entry["codelist"]
            for entry in included
        }


def _organisation_scheme(member: str, element: str) -> tuple[Field, ...]:
    return (*_UNVERSIONED_SCHEME, Field(member, Children("Organisation"), element))


_VERSION = next(field for field in MAINTAINABLE if field.member == "version")
_UNVERSIONED_SCHEME = tuple(
    Field("version", Scalar(TOKEN), None, ml21="@version") if field is _VERSION else field
    for field in ITEM_SCHEME
)
_EXTENSIONS = Field(
    "codelist_extensions",
    Children("CodelistExtension"),
    "str:CodelistExtension",
    ml21=None,
    json10=None,
)
_CODE = (*NAMEABLE, Field("parent", LocalReference(is_name_in_30=True), "str:Parent"))
_CONTACTS = Field("contacts", Children("Contact"), "str:Contact")
_HIERARCHICAL_CODE_21 = (
    Field("version", Scalar(TOKEN), None, ml21="@version", json10="version"),
    Field(
        "codelist_alias",
        Scalar(TOKEN),
        None,
        ml21="str:CodelistAliasRef",
        json10="codelistAliasRef",
    ),
    Field("code_id", LocalReference(), None, ml21="str:CodeID", json10="codeID"),
)

LAYOUTS: dict[str, Layout] = {
    "Code": Layout(Code, _CODE),
    "Codelist": Layout(
        Codelist, (*ITEM_SCHEME, Field("codes", Children("Code"), "str:Code"), _EXTENSIONS)
    ),
    "CodelistExtension": Layout(
        CodelistExtension,
        (
            Field("codelist", Reference("Codelist"), "str:Codelist"),
            Field("prefix", Scalar(TEXT), "@prefix"),
            Field("inclusive_code_selection", Child("CodeSelection"), "str:InclusiveCodeSelection"),
            Field("exclusive_code_selection", Child("CodeSelection"), "str:ExclusiveCodeSelection"),
        ),
    ),
    # SDMX-ML has one element for both lists, read as the first.
    "CodeSelection": Layout(
        CodeSelection,
        (
            Field(
                "member_values",
                Variants(
                    (
                        Variant("str:MemberValue", None, lambda entry: isinstance(entry, str)),
                        Variant("str:MemberValue", "MemberValue", lambda _: True),
                    ),
                    "MemberValue",
                ),
                "str:MemberValue",
            ),
            Field(
                "wildcarded_member_values",
                Variants((Variant("str:MemberValue", None, _is_wildcard),)),
                "str:MemberValue",
            ),
        ),
        complete=_wildcards_apart,
    ),
    "MemberValue": Layout(
        MemberValue,
        (
            Field("value", Scalar(TOKEN), "."),
            Field("cascade_values", Scalar(CASCADE), "@cascadeValues"),
        ),
    ),
    "GeoFeatureSetCode": Layout(
        GeoFeatureSetCode, (*_CODE, Field("value", Scalar(TEXT), "@value"))
    ),
    "GeographicCodelist": Layout(
        GeographicCodelist,
        (
            *ITEM_SCHEME,
            Field("geo_type", Scalar(TOKEN), "@geoType"),
            Field("codes", Children("GeoFeatureSetCode"), "str:GeoFeatureSetCode"),
            _EXTENSIONS,
        ),
    ),
    "GeoGridCode": Layout(GeoGridCode, (*_CODE, Field("geo_cell", Scalar(TEXT), "str:GeoCell"))),
    "GeoGridCodelist": Layout(
        GeoGridCodelist,
        (
            *ITEM_SCHEME,
            Field("geo_type", Scalar(TOKEN), "@geoType"),
            Field("codes", Children("GeoGridCode"), "str:GeoGridCode"),
            _EXTENSIONS,
            Field("grid_definition", Scalar(TEXT), "str:GridDefinition"),
        ),
    ),
    "ValueItem": Layout(
        ValueItem,
        (
            ANNOTATIONS,
            Field("id", Scalar(TEXT), "@id"),
            JSON_LINKS,
            Field("names", Texts("name"), "com:Name"),
            DESCRIPTIONS,
        ),
    ),
    "ValueList": Layout(
        ValueList, (*MAINTAINABLE, Field("value_items", Children("ValueItem"), "str:ValueItem"))
    ),
    "Concept": Layout(
        Concept,
        (
            *NAMEABLE,
            Field("parent", LocalReference("Concept", is_name_in_30=True), "str:Parent"),
            Field("core_representation", Child("Representation"), "str:CoreRepresentation"),
            Field("iso_concept_reference", Child("IsoConceptReference"), "str:ISOConceptReference"),
        ),
        shape10=Reshaping(_read_iso_concept, _write_iso_concept),
    ),
    "ConceptScheme": Layout(
        ConceptScheme, (*ITEM_SCHEME, Field("concepts", Children("Concept"), "str:Concept"))
    ),
    "Category": Layout(
        Category, (*NAMEABLE, Field("categories", Children("Category"), "str:Category"))
    ),
    "CategoryScheme": Layout(
        CategoryScheme, (*ITEM_SCHEME, Field("categories", Children("Category"), "str:Category"))
    ),
    "ReportingCategory": Layout(
        ReportingCategory,
        (
            *NAMEABLE,
            Field("reporting_categories", Children("ReportingCategory"), "str:ReportingCategory"),
            Field("structural_metadata", References(), "str:StructuralMetadata"),
            Field("provisioning_metadata", References(), "str:ProvisioningMetadata"),
        ),
    ),
    "ReportingTaxonomy": Layout(
        ReportingTaxonomy,
        (
            *ITEM_SCHEME,
            Field("reporting_categories", Children("ReportingCategory"), "str:ReportingCategory"),
        ),
    ),
    "Organisation": Layout(Organisation, (*NAMEABLE, _CONTACTS)),
    "AgencyScheme": Layout(AgencyScheme, _organisation_scheme("agencies", "str:Agency")),
    "DataProviderScheme": Layout(
        DataProviderScheme, _organisation_scheme("data_providers", "str:DataProvider")
    ),
    "DataConsumerScheme": Layout(
        DataConsumerScheme, _organisation_scheme("data_consumers", "str:DataConsumer")
    ),
    "MetadataProviderScheme": Layout(
        MetadataProviderScheme, _organisation_scheme("metadata_providers", "str:MetadataProvider")
    ),
    "OrganisationUnit": Layout(
        OrganisationUnit,
        (*NAMEABLE, Field("parent", LocalReference("OrganisationUnit"), "str:Parent"), _CONTACTS),
    ),
    "OrganisationUnitScheme": Layout(
        OrganisationUnitScheme,
        (
            *_UNVERSIONED_SCHEME,
            Field("organisation_units", Children("OrganisationUnit"), "str:OrganisationUnit"),
        ),
    ),
    "Level": Layout(
        Level,
        (
            *NAMEABLE,
            Field("coding_format", Child("TextFormat"), "str:CodingFormat"),
            Field("level", Child("Level"), "str:Level"),
        ),
    ),
    "HierarchicalCode": Layout(
        HierarchicalCode,
        (
            *IDENTIFIABLE,
            *_HIERARCHICAL_CODE_21,
            Field("code", Reference("Code"), "str:Code"),
            Field("valid_from", Scalar(TIME), "@validFrom"),
            Field("valid_to", Scalar(TIME), "@validTo"),
            Field("hierarchical_codes", Children("HierarchicalCode"), "str:HierarchicalCode"),
            Field("level", LocalReference("Level"), "str:Level"),
        ),
    ),
    "Hierarchy": Layout(
        Hierarchy,
        (
            *MAINTAINABLE,
            Field("level", Child("Level"), "str:Level"),
            Field("hierarchical_codes", Children("HierarchicalCode"), "str:HierarchicalCode"),
            attribute_flag("has_formal_levels", "hasFormalLevels"),
        ),
    ),
    "HierarchyAssociation": Layout(
        HierarchyAssociation,
        (
            *MAINTAINABLE,
            Field("linked_hierarchy", Reference("Hierarchy"), "str:LinkedHierarchy"),
            Field("linked_object", Reference(), "str:LinkedObject"),
            Field("context_object", Reference(), "str:ContextObject"),
        ),
    ),
    "IncludedCodelist": Layout(
        IncludedCodelist,
        (
            Field("alias", Scalar(TOKEN), "@alias"),
            Field("codelist", Reference("Codelist"), "."),
        ),
    ),
    "NestedHierarchy": Layout(
        NestedHierarchy,
        (
            *NAMEABLE,
            Field("hierarchical_codes", Children("HierarchicalCode"), "str:HierarchicalCode"),
            Field("level", Child("Level"), "str:Level"),
            Field("leveled", Scalar(BOOLEAN), "@leveled"),
        ),
    ),
    "HierarchicalCodelist": Layout(
        HierarchicalCodelist,
        (
            *MAINTAINABLE,
            Field("included_codelists", Children("IncludedCodelist"), "str:IncludedCodelist"),
            Field("hierarchies", Children("NestedHierarchy"), "str:Hierarchy"),
        ),
        shape10=Reshaping(_read_included, _write_included),
    ),
}
