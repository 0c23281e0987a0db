"""What every artefact has: annotations, links, identity, names. SDMXCommon.xsd; SDMXStructureBase.xsd."""

from __future__ import annotations

from typing import Any

from codelists.base import Annotation, Link, replaced
from codelists.item_scheme import Contact
from codelists.representation import (
    IsoConceptReference,
    Representation,
    SentinelValue,
    TextFormat,
)
from service.formats.names import NO_LANGUAGE
from service.formats.structure_table.conversions import (
    BOOLEAN,
    DATA_TYPE_21,
    INTEGER,
    NUMBER,
    OCCURRENCE,
    TEXT,
    TIME,
    TOKEN,
    URN_21,
)
from service.formats.structure_table.vocabulary import (
    Adaptation,
    Address,
    Child,
    Children,
    Field,
    Layout,
    Links,
    Losing,
    OwnUrn,
    Reference,
    Scalar,
    Scalars,
    Texts,
)

ANNOTATION_LINK = "self"
"""Relation of the link that is an annotation's URL (sdmx-json, AnnotationType)."""


def _value_as_text(annotation: Annotation, writing: Losing) -> Annotation:
    if annotation.value is None:
        return annotation
    texts = {NO_LANGUAGE: annotation.value, **annotation.texts}
    return replaced(annotation, value=None, texts=texts, text=annotation.text or annotation.value)


def _text_as_value(annotation: Annotation) -> Annotation:
    if annotation.value is not None or NO_LANGUAGE not in annotation.texts:
        return annotation
    texts = dict(annotation.texts)
    value = texts.pop(NO_LANGUAGE)
    text = annotation.text
    if text == value and value not in texts.values():
        text = None
    return replaced(annotation, value=value, texts=texts, text=text)


def _without_value_list(representation: Representation, writing: Losing) -> Representation:
    """Return the representation as a text, where its values come from a value list."""
    listed = representation.enumeration
    if listed is None or ".ValueList=" not in listed:
        return representation
    writing.lose(f"the enumeration by {listed}, which is written as a text")
    return replaced(
        representation,
        enumeration=None,
        enumeration_format=None,
        format=representation.enumeration_format or TextFormat(data_type="String"),
    )


def _as_it_is(part: Any) -> Any:
    return part


def _urn_alone(values: dict[str, Any]) -> None:
    """Leave out the address of a link that has none: SDMX-ML requires one, and the URN stands in for it."""
    if values.get("urn") is not None and values.get("href") == values["urn"]:
        del values["href"]


def attribute_flag(member: str, name: str) -> Field:
    """Return the field of a boolean attribute whose name is the same in all forms."""
    return Field(member, Scalar(BOOLEAN), f"@{name}")


ANNOTATIONS = Field("annotations", Children("Annotation"), "com:Annotations/com:Annotation")
LINKS = Field("links", Links(), "com:Link", ml21=".")
JSON_LINKS = Field("links", Children("Link"), None, json20="links", json10="links")
"""Links of what nothing identifies, for which SDMX-JSON 2.1 and SDMX-ML have no word."""
ID = Field("id", Scalar(TOKEN), "@id")
URI = Field("uri", Scalar(TEXT), "@uri")
NAMES = Field("names", Texts("name", required=True), "com:Name")
DESCRIPTIONS = Field("descriptions", Texts("description"), "com:Description")

IDENTIFIABLE = (ANNOTATIONS, LINKS, ID, URI)
NAMEABLE = (*IDENTIFIABLE, NAMES, DESCRIPTIONS)
MAINTAINABLE = (
    ANNOTATIONS,
    Field("links", Links(with_addresses=True), "com:Link", ml21="."),
    Field("", OwnUrn(), "@urn"),
    NAMES,
    DESCRIPTIONS,
    ID,
    Field("agency_id", Scalar(TOKEN), "@agencyID"),
    Field("version", Scalar(TOKEN, required=True), "@version"),
    URI,
    Field("valid_from", Scalar(TIME), "@validFrom"),
    Field("valid_to", Scalar(TIME), "@validTo"),
    Field(
        "is_partial_language",
        Scalar(BOOLEAN),
        "@isPartialLanguage",
        ml30=None,
        json20=None,
    ),
    attribute_flag("is_external_reference", "isExternalReference"),
    # 3.x has no such attribute: there the version says it.
    Field(
        "is_final",
        Scalar(BOOLEAN),
        None,
        ml21="@isFinal",
        json20="isFinal",
    ),
    Field("", Address("self"), "@structureURL"),
    Field("", Address("service"), "@serviceURL"),
)
ITEM_SCHEME = (*MAINTAINABLE, attribute_flag("is_partial", "isPartial"))


def _texts(member: str, best: str, element: str) -> Field:
    return Field(member, Texts(best), element)


def _representation(text_format: str) -> Layout:
    return Layout(
        Representation,
        (
            Field("format", Child(text_format), "str:TextFormat", json10="textFormat"),
            Field("enumeration", Reference("Codelist"), "str:Enumeration"),
            Field("enumeration_format", Child(text_format), "str:EnumerationFormat"),
            Field(
                "min_occurs",
                Scalar(INTEGER),
                "@minOccurs",
                ml21=None,
                json10=None,
                harmless=(0, 1),
            ),
            Field(
                "max_occurs",
                Scalar(OCCURRENCE),
                "@maxOccurs",
                ml21=None,
                json10=None,
                harmless=(1,),
            ),
        ),
        adaptation=Adaptation(_without_value_list, _as_it_is, b".ValueList=", b"-"),
    )


def _facets(multi_lingual: Field) -> tuple[Field, ...]:
    numbers = (
        ("interval", "interval"),
        ("start_value", "startValue"),
        ("end_value", "endValue"),
    )
    return (
        Field(
            "data_type",
            Scalar(TOKEN),
            "@textType",
            json10="textType",
            kind21=Scalar(DATA_TYPE_21, in_json=True),
        ),
        attribute_flag("is_sequence", "isSequence"),
        *(Field(member, Scalar(NUMBER), f"@{name}") for member, name in numbers),
        Field("time_interval", Scalar(TOKEN), "@timeInterval"),
        Field("start_time", Scalar(TIME), "@startTime"),
        Field("end_time", Scalar(TIME), "@endTime"),
        Field("min_length", Scalar(INTEGER), "@minLength"),
        Field("max_length", Scalar(INTEGER), "@maxLength"),
        Field("min_value", Scalar(NUMBER), "@minValue"),
        Field("max_value", Scalar(NUMBER), "@maxValue"),
        Field("decimals", Scalar(INTEGER), "@decimals"),
        Field("pattern", Scalar(TEXT), "@pattern"),
        multi_lingual,
        Field(
            "sentinel_values",
            Children("SentinelValue"),
            "str:SentinelValue",
            ml21=None,
            json10=None,
        ),
    )


LAYOUTS: dict[str, Layout] = {
    "Annotation": Layout(
        Annotation,
        (
            Field("id", Scalar(TEXT), "@id"),
            Field("title", Scalar(TEXT), "com:AnnotationTitle"),
            Field("type", Scalar(TEXT), "com:AnnotationType"),
            Field("links", Children("AnnotationLink", one_in_ml21=True), "com:AnnotationURL"),
            _texts("texts", "text", "com:AnnotationText"),
            Field("value", Scalar(TEXT), "com:AnnotationValue", ml21=None, json10=None),
        ),
        adaptation=Adaptation(_value_as_text, _text_as_value, b'"value":', b'"zxx":'),
    ),
    "AnnotationLink": Layout(
        Link,
        (
            Field("href", Scalar(TEXT), "."),
            Field("hreflang", Scalar(TOKEN), "@xml:lang", ml21=None, json10="hreflang"),
            Field("rel", Scalar(TEXT, default=ANNOTATION_LINK), None),
            Field("urn", Scalar(TEXT), None),
            Field("uri", Scalar(TEXT), None),
            Field("title", Scalar(TEXT), None),
            Field("titles", Texts("title"), None),
            Field("type", Scalar(TEXT), None),
        ),
    ),
    "Link": Layout(
        Link,
        (
            Field("rel", Scalar(TEXT), "@rel"),
            Field("href", Scalar(TEXT), "@url"),
            Field("urn", Scalar(TOKEN), "@urn", kind21=Scalar(URN_21, in_json=True)),
            Field("type", Scalar(TEXT), "@type"),
            Field("uri", Scalar(TEXT), None),
            Field("title", Scalar(TEXT), None),
            Field("titles", Texts("title"), None),
            Field("hreflang", Scalar(TOKEN), None),
        ),
        complete=_urn_alone,
    ),
    "Contact": Layout(
        Contact,
        (
            Field("id", Scalar(TOKEN), "@id", json10=None),
            _texts("names", "name", "com:Name"),
            _texts("departments", "department", "str:Department"),
            _texts("roles", "role", "str:Role"),
            Field("telephones", Scalars(TEXT), "str:Telephone"),
            Field("faxes", Scalars(TEXT), "str:Fax"),
            Field("x400s", Scalars(TEXT), "str:X400"),
            Field("uris", Scalars(TEXT), "str:URI"),
            Field("emails", Scalars(TEXT), "str:Email"),
        ),
    ),
    "TextFormat": Layout(TextFormat, _facets(attribute_flag("is_multi_lingual", "isMultiLingual"))),
    "DataTextFormat": Layout(
        TextFormat,
        _facets(
            Field(
                "is_multi_lingual",
                Scalar(BOOLEAN),
                "@isMultiLingual",
                ml21=None,
                json10=None,
                harmless=(False,),
            )
        ),
    ),
    "SentinelValue": Layout(
        SentinelValue,
        (
            Field("value", Scalar(TEXT), "@value"),
            _texts("names", "name", "com:Name"),
            _texts("descriptions", "description", "com:Description"),
        ),
    ),
    "Representation": _representation("TextFormat"),
    # In SDMX 2.1 components of a data structure are never multilingual.
    "DataRepresentation": _representation("DataTextFormat"),
    "IsoConceptReference": Layout(
        IsoConceptReference,
        (
            Field("concept_agency", Scalar(TEXT), "str:ConceptAgency"),
            Field("concept_scheme_id", Scalar(TEXT), "str:ConceptSchemeID"),
            Field("concept_id", Scalar(TEXT), "str:ConceptID"),
        ),
    ),
}
