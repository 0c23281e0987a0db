"""SDMX-ML 2.1 structure messages: the writer. SDMX 2.1 Section 3A; SDMXStructure.xsd.

One table says how each type of the model is laid out in XML: attributes and, in the order of the schema, its
parts. What SDMX 2.1 has no word for is written as its nearest form with an annotation (several values), or
refused (`NotExpressibleError`); nothing is left out in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from codelists.base import (
    Annotable,
    Annotation,
    Identifiable,
    Maintainable,
    Nameable,
    replaced,
)
from codelists.item_scheme import (
    AgencyScheme,
    CategoryScheme,
    Codelist,
    ConceptScheme,
    Contact,
    DataConsumerScheme,
    DataProviderScheme,
)
from codelists.representation import IsoConceptReference, Representation, TextFormat
from codelists.text import LocalisedText
from codelists.urn import Urn, parse_urn
from codelists.version import parse_version
from dsd.structure import (
    AttributeRelationship,
    Categorisation,
    Component,
    ComponentValue,
    CubeRegion,
    DataAttribute,
    DataConstraint,
    DataConstraintAttachment,
    Dataflow,
    DataStructure,
    Measure,
    PeriodBound,
    ProvisionAgreement,
    TimeDimension,
    TimeRange,
    ValueSet,
)
from dsd.structures import Structures, UnknownArtefactError
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.names import wanted_texts
from service.formats.sdmx_ml21 import (
    DECLARATION,
    element_text,
    header_start,
    namespaces,
    reference,
    tag,
)

FORMAT_NAME = "SDMX-ML 2.1"
NO_LANGUAGE = "zxx"
"""ISO 639-2 code for "no linguistic content": the language of the text that holds an annotation's value."""
MULTIPLE_VALUES = "MULTIPLE_VALUES"
"""Annotation on a component that has several values, which SDMX 2.1 knows only as one text joined by `;`."""
PRIMARY_MEASURE = "OBS_VALUE"
DEFAULT_TIME_FORMAT = TextFormat(data_type="ObservationalTimePeriod")


@dataclass(frozen=True)
class Context:
    """What every writer of a part needs."""

    structures: Structures
    languages: tuple[str, ...]
    """Languages of the names; empty for all."""

    def texts(self, element: str, texts: LocalisedText, only: str | None) -> str:
        """Return one element a language; where there are no texts, the one without a language."""
        chosen = wanted_texts(texts, self.languages) if self.languages else texts
        if not chosen:
            return tag(element, {}, element_text(only)) if only else ""
        return "".join(
            tag(element, {"xml:lang": language}, element_text(text)) if text else ""
            for language, text in chosen.items()
        )

    def exact(self, text: str) -> Urn:
        """Return the reference with the version that it stands for now; SDMX 2.1 has no wildcards.

        Raises:
            NotExpressibleError: it has a wildcard and names nothing that is known here.
        """
        urn = parse_urn(text)
        found = self.structures.find(urn) if "+" in urn.version else None
        if found is not None:
            urn = urn._replace(version=found.version)
        if "+" in urn.version:
            raise NotExpressibleError(
                f"{FORMAT_NAME} has no version wildcards, and {text} names nothing that is known here; "
                "write SDMX-JSON 2.1"
            )
        return urn


Write = Callable[[Any, Context], str]


@dataclass(frozen=True)
class Part:
    """One member of a type: the element it becomes and how its value is written."""

    member: str
    write: Write


@dataclass(frozen=True)
class Layout:
    """How a type is laid out: its element, its XML attributes and its parts in the order of the schema."""

    element: str
    parts: tuple[Part, ...] = ()
    attributes: tuple[tuple[str, str, Callable[[Any], str]], ...] = ()
    """Member, XML attribute and how the value is written."""
    refused: tuple[str, ...] = ()
    """Members that SDMX 2.1 cannot express."""
    fixed_attributes: dict[str, str] = field(default_factory=dict)

    def write(self, thing: Any, context: Context, more: dict[str, str | None] | None = None) -> str:
        """Return the element of `thing`."""
        _refuse(thing, self.refused)
        attributes: dict[str, str | None] = {**self.fixed_attributes, **(more or {})}
        if isinstance(thing, Identifiable):
            attributes["id"] = thing.id
        for member, name, convert in self.attributes:
            value = getattr(thing, member)
            attributes[name] = None if value is None else convert(value)
        parts = "".join(part.write(getattr(thing, part.member), context) for part in self.parts)
        return tag(self.element, attributes, _described(thing, context) + parts)


def _refuse(thing: Any, members: Iterable[str]) -> None:
    for member in members:
        if getattr(thing, member):
            named = thing.id if isinstance(thing, Identifiable) else type(thing).__name__
            raise NotExpressibleError(
                f"{FORMAT_NAME} cannot express {member} of {named}; write SDMX-JSON 2.1"
            )


def _described(thing: Any, context: Context) -> str:
    """Return annotations, names and descriptions: what stands first in every type."""
    found = ""
    if isinstance(thing, Annotable):
        found += _annotations(thing.annotations, context)
    if isinstance(thing, Nameable):
        found += context.texts("com:Name", thing.names, thing.name or thing.id)
        found += context.texts("com:Description", thing.descriptions, thing.description)
    return found


def _annotations(annotations: Sequence[Annotation], context: Context) -> str:
    return (
        tag("com:Annotations", {}, "".join(_annotation(a, context) for a in annotations))
        if (annotations)
        else ""
    )


def _annotation(annotation: Annotation, context: Context) -> str:
    """Return an annotation; its value, unknown to SDMX 2.1, is a text without a language."""
    url = next((link.href or link.uri for link in annotation.links if link.href or link.uri), None)
    if len([link for link in annotation.links if link.href or link.uri]) > 1:
        raise NotExpressibleError(
            f"{FORMAT_NAME} has one link an annotation, {annotation.id or annotation.title} has several"
        )
    value = {} if annotation.value is None else {"xml:lang": NO_LANGUAGE}
    content = (
        _plain("com:AnnotationTitle", annotation.title)
        + _plain("com:AnnotationType", annotation.type)
        + _plain("com:AnnotationURL", url)
        + (tag("com:AnnotationText", value, element_text(annotation.value or "")) if value else "")
        + context.texts("com:AnnotationText", annotation.texts, annotation.text)
    )
    return tag("com:Annotation", {"id": annotation.id}, content)


def _plain(element: str, text: str | None) -> str:
    return "" if text is None else tag(element, {}, element_text(text))


# -- kinds of parts ------------------------------------------------------------------------------------


def urn_reference(element: str) -> Write:
    """Return the writer of a reference to an artefact or item."""

    def write(value: str | None, context: Context) -> str:
        return "" if value is None else reference(element, context.exact(value))

    return write


def urn_references(element: str) -> Write:
    """Return the writer of several references."""
    one = urn_reference(element)
    return lambda values, context: "".join(one(value, context) for value in values)


def local_reference(element: str) -> Write:
    """Return the writer of a reference to something in the same artefact."""
    return lambda id, _: "" if id is None else tag(element, {}, tag("Ref", {"id": id}))


def each(layout: Layout) -> Write:
    """Return the writer of several things of one type."""
    return lambda things, context: "".join(layout.write(thing, context) for thing in things)


def one(layout: Layout) -> Write:
    """Return the writer of a thing that may be absent."""
    return lambda thing, context: "" if thing is None else layout.write(thing, context)


# -- representation ------------------------------------------------------------------------------------


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)


def _boolean(value: bool) -> str:
    return "true" if value else "false"


_FACETS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("data_type", "textType", str),
    ("is_sequence", "isSequence", _boolean),
    ("interval", "interval", _number),
    ("start_value", "startValue", _number),
    ("end_value", "endValue", _number),
    ("time_interval", "timeInterval", str),
    ("start_time", "startTime", str),
    ("end_time", "endTime", str),
    ("min_length", "minLength", str),
    ("max_length", "maxLength", str),
    ("min_value", "minValue", _number),
    ("max_value", "maxValue", _number),
    ("decimals", "decimals", str),
    ("pattern", "pattern", str),
)
_TEXT_FORMAT = Layout(
    "str:TextFormat", attributes=_FACETS, refused=("is_multi_lingual", "sentinel_values")
)
_CODE_FORMAT = Layout(
    "str:EnumerationFormat", attributes=_FACETS, refused=("is_multi_lingual", "sentinel_values")
)


def representation(element: str) -> Write:
    """Return the writer of a representation."""

    def write(value: Representation | None, context: Context) -> str:
        if value is None:
            return ""
        if value.is_multiple:
            content = _TEXT_FORMAT.write(TextFormat(data_type="String"), context)
        elif value.enumeration:
            content = reference("str:Enumeration", context.exact(value.enumeration))
            if value.enumeration_format:
                content += _CODE_FORMAT.write(value.enumeration_format, context)
        else:
            content = _TEXT_FORMAT.write(value.format or TextFormat(), context)
        return tag(element, {}, content)

    return write


_core_representation = representation("str:CoreRepresentation")
_local_representation = representation("str:LocalRepresentation")


def _time_representation(value: Representation | None, context: Context) -> str:
    """Return the representation of TIME_PERIOD, which SDMX 2.1 requires to be a text format."""
    format = (value.format if value else None) or DEFAULT_TIME_FORMAT
    return tag("str:LocalRepresentation", {}, _TEXT_FORMAT.write(format, context))


def _several_values(component: Component, context: Context) -> Component:
    """Return the component as SDMX 2.1 can have it: several values are one uncoded text, annotated so."""
    local = component.local_representation
    if local is None:
        try:
            local = context.structures.concept(component.concept_identity).core_representation
        except UnknownArtefactError:
            return component
    if local is None or not local.is_multiple:
        return component
    note = Annotation(
        id=MULTIPLE_VALUES,
        type=MULTIPLE_VALUES,
        title=local.enumeration or (local.format.data_type if local.format else None) or "String",
        texts={"en": "Several values, joined by a semicolon; the title says what they are."},
    )
    annotations = (*component.annotations, note)
    return replaced(component, local_representation=local, annotations=annotations)


# -- item schemes --------------------------------------------------------------------------------------


def _contact(contact: Contact, context: Context) -> str:
    reached = (
        ("str:Telephone", contact.telephones),
        ("str:Fax", contact.faxes),
        ("str:X400", contact.x400s),
        ("str:URI", contact.uris),
        ("str:Email", contact.emails),
    )
    content = (
        context.texts("com:Name", contact.names, contact.name)
        + context.texts("str:Department", contact.departments, contact.department)
        + context.texts("str:Role", contact.roles, contact.role)
        + "".join(_plain(element, text) for element, texts in reached for text in texts)
    )
    return tag("str:Contact", {"id": contact.id}, content)


def _contacts(contacts: tuple[Contact, ...], context: Context) -> str:
    return "".join(_contact(contact, context) for contact in contacts)


def _iso_reference(value: IsoConceptReference | None, _: Context) -> str:
    if value is None:
        return ""
    content = (
        _plain("str:ConceptAgency", value.concept_agency)
        + _plain("str:ConceptSchemeID", value.concept_scheme_id)
        + _plain("str:ConceptID", value.concept_id)
    )
    return tag("str:ISOConceptReference", {}, content)


def _organisation(element: str) -> Layout:
    return Layout(element, (Part("contacts", _contacts),))


_CODE = Layout("str:Code", (Part("parent", local_reference("str:Parent")),))
_CONCEPT = Layout(
    "str:Concept",
    (
        Part("parent", local_reference("str:Parent")),
        Part("core_representation", _core_representation),
        Part("iso_concept_reference", _iso_reference),
    ),
)


def _categories(categories: Any, context: Context) -> str:
    return "".join(_CATEGORY.write(category, context) for category in categories)


_CATEGORY = Layout("str:Category", (Part("categories", _categories),))


# -- data structures -----------------------------------------------------------------------------------


def _position(position: int) -> str:
    """Return a position as SDMX 2.1 counts, from 1."""
    return str(position + 1)


def _usage(usage: str) -> str:
    return "Mandatory" if usage == "mandatory" else "Conditional"


def _relationship(value: AttributeRelationship, context: Context) -> str:
    if any(value.are_dimensions_optional):
        raise NotExpressibleError(
            f"{FORMAT_NAME} has no optional dimensions in an attribute relationship; write SDMX-JSON 2.1"
        )
    if value.dataflow is not None:
        content = tag("str:None", {})
    elif value.group is not None:
        content = local_reference("str:Group")(value.group, context)
    elif value.dimensions:
        one_dimension = local_reference("str:Dimension")
        content = "".join(one_dimension(id, context) for id in value.dimensions)
    else:
        content = local_reference("str:PrimaryMeasure")(PRIMARY_MEASURE, context)
    return tag("str:AttributeRelationship", {}, content)


_COMPONENT_PARTS = (
    Part("concept_identity", urn_reference("str:ConceptIdentity")),
    Part("local_representation", _local_representation),
)
_ROLES = Part("concept_roles", urn_references("str:ConceptRole"))
_DIMENSION = Layout(
    "str:Dimension", (*_COMPONENT_PARTS, _ROLES), (("position", "position", _position),)
)
_TIME_DIMENSION = Layout(
    "str:TimeDimension",
    (
        Part("concept_identity", urn_reference("str:ConceptIdentity")),
        Part("local_representation", _time_representation),
    ),
)
_MEASURE = Layout("str:PrimaryMeasure", _COMPONENT_PARTS, refused=("concept_roles",))
_ATTRIBUTE = Layout(
    "str:Attribute",
    (*_COMPONENT_PARTS, _ROLES, Part("attribute_relationship", _relationship)),
    (("usage", "assignmentStatus", _usage),),
)


def _dimensions(value: Any, context: Context) -> str:
    """Return the key; SDMX 2.1 has the position of the time dimension too."""
    content = _annotations(value.annotations, context)
    content += "".join(_DIMENSION.write(entry, context) for entry in value.dimensions)
    time: TimeDimension | None = value.time_dimension
    if time is not None:
        place: dict[str, str | None] = {
            "id": time.id,
            "position": _position(len(value.dimensions)),
        }
        content += _TIME_DIMENSION.write(time, context, place)
    return tag("str:DimensionList", {"id": "DimensionDescriptor"}, content)


def _groups(groups: Any, context: Context) -> str:
    found = ""
    for group in groups:
        inside = "".join(
            tag("str:GroupDimension", {}, local_reference("str:DimensionReference")(id, context))
            for id in group.group_dimensions
        )
        found += tag(
            "str:Group", {"id": group.id}, _annotations(group.annotations, context) + inside
        )
    return found


def _attributes(value: Any, context: Context) -> str:
    if value is None or not value.attributes:
        return ""
    content = _annotations(value.annotations, context)
    entries: tuple[DataAttribute, ...] = value.attributes
    content += "".join(
        _ATTRIBUTE.write(_several_values(entry, context), context) for entry in entries
    )
    return tag("str:AttributeList", {"id": "AttributeDescriptor"}, content)


def _measures(value: Any, context: Context) -> str:
    measures: tuple[Measure, ...] = value.measures if value else ()
    if len(measures) != 1 or measures[0].id != PRIMARY_MEASURE:
        names = ", ".join(measure.id for measure in measures) or "no measure"
        raise NotExpressibleError(
            f"{FORMAT_NAME} has exactly one measure, {PRIMARY_MEASURE}; this structure has {names}"
        )
    content = _annotations(value.annotations, context) + _MEASURE.write(measures[0], context)
    return tag("str:MeasureList", {"id": "MeasureDescriptor"}, content)


def _components(value: Any, context: Context) -> str:
    if value is None:
        return ""
    content = (
        _dimensions(value.dimension_list, context)
        + _groups(value.groups, context)
        + _attributes(value.attribute_list, context)
        + _measures(value.measure_list, context)
    )
    return tag("str:DataStructureComponents", {}, content)


# -- constraints ---------------------------------------------------------------------------------------


def _attachment(value: DataConstraintAttachment | None, context: Context) -> str:
    if value is None:
        return ""
    content = (
        urn_reference("str:DataProvider")(value.data_provider, context)
        + urn_references("str:DataStructure")(value.data_structures, context)
        + urn_references("str:Dataflow")(value.dataflows, context)
        + urn_references("str:ProvisionAgreement")(value.provision_agreements, context)
    )
    return tag("str:ConstraintAttachment", {}, content)


def _value(value: str | ComponentValue) -> str:
    if isinstance(value, str):
        return tag("com:Value", {}, element_text(value))
    _refuse(value, ("lang", "valid_from", "valid_to"))
    if value.cascade_values == "excluderoot":
        raise NotExpressibleError(
            f"{FORMAT_NAME} cannot say that {value.value} cascades without itself"
        )
    cascade = None if value.cascade_values is None else _boolean(value.cascade_values)
    return tag("com:Value", {"cascadeValues": cascade}, element_text(value.value))


def _time_range(value: TimeRange | None) -> str:
    if value is None:
        return ""
    _refuse(value, ("valid_from", "valid_to"))
    bounds: tuple[tuple[str, PeriodBound | None], ...] = (
        ("com:BeforePeriod", value.before_period),
        ("com:AfterPeriod", value.after_period),
        ("com:StartPeriod", value.start_period),
        ("com:EndPeriod", value.end_period),
    )
    content = "".join(
        tag(element, {"isInclusive": _boolean(bound.is_inclusive)}, element_text(bound.period))
        for element, bound in bounds
        if bound is not None
    )
    return tag("com:TimeRange", {}, content)


def _value_set(element: str, values: ValueSet) -> str:
    _refuse(values, ("remove_prefix", "valid_from", "valid_to"))
    include = None if values.include is None else _boolean(values.include)
    content = _time_range(values.time_range) or "".join(map(_value, values.values))
    return tag(element, {"id": values.id, "include": include}, content)


def _regions(regions: tuple[CubeRegion, ...], _: Context) -> str:
    found = ""
    for region in regions:
        _refuse(region, ("annotations",))
        content = "".join(_value_set("com:KeyValue", values) for values in region.key_values)
        content += "".join(_value_set("com:Attribute", values) for values in region.components)
        # The schema has true as default, but sdmx1 needs it said.
        include = _boolean(region.include is not False)
        found += tag("str:CubeRegion", {"include": include}, content)
    return found


# -- maintainable artefacts ----------------------------------------------------------------------------


@dataclass(frozen=True)
class ArtefactLayout:
    """Where artefacts of a class stand in a message, and how they are laid out."""

    artefact_class: type[Maintainable]
    container: str
    layout: Layout
    is_versioned: bool = True
    """False for organisation schemes, which are never final."""
    type_name: str | None = None
    """Class in a 2.1 URN, where it is another than in 3.x."""


_CONSTRAINT = Layout(
    "str:ContentConstraint",
    (Part("constraint_attachment", _attachment), Part("cube_regions", _regions)),
    refused=("data_key_sets",),
    fixed_attributes={"type": "Allowed"},
)

# In the order of StructuresType in SDMXStructure.xsd.
LAYOUTS: tuple[ArtefactLayout, ...] = (
    ArtefactLayout(
        AgencyScheme,
        "str:OrganisationSchemes",
        Layout("str:AgencyScheme", (Part("agencies", each(_organisation("str:Agency"))),)),
        is_versioned=False,
    ),
    ArtefactLayout(
        DataConsumerScheme,
        "str:OrganisationSchemes",
        Layout(
            "str:DataConsumerScheme",
            (Part("data_consumers", each(_organisation("str:DataConsumer"))),),
        ),
        is_versioned=False,
    ),
    ArtefactLayout(
        DataProviderScheme,
        "str:OrganisationSchemes",
        Layout(
            "str:DataProviderScheme",
            (Part("data_providers", each(_organisation("str:DataProvider"))),),
        ),
        is_versioned=False,
    ),
    ArtefactLayout(
        Dataflow,
        "str:Dataflows",
        Layout(
            "str:Dataflow",
            (Part("structure", urn_reference("str:Structure")),),
            refused=("dimension_constraint",),
        ),
    ),
    ArtefactLayout(
        CategoryScheme,
        "str:CategorySchemes",
        Layout("str:CategoryScheme", (Part("categories", _categories),)),
    ),
    ArtefactLayout(
        Categorisation,
        "str:Categorisations",
        Layout(
            "str:Categorisation",
            (
                Part("source", urn_reference("str:Source")),
                Part("target", urn_reference("str:Target")),
            ),
        ),
    ),
    ArtefactLayout(
        Codelist,
        "str:Codelists",
        Layout("str:Codelist", (Part("codes", each(_CODE)),), refused=("codelist_extensions",)),
    ),
    ArtefactLayout(
        ConceptScheme,
        "str:Concepts",
        Layout("str:ConceptScheme", (Part("concepts", each(_CONCEPT)),)),
    ),
    ArtefactLayout(
        DataStructure,
        "str:DataStructures",
        Layout(
            "str:DataStructure",
            (Part("data_structure_components", _components),),
            refused=("evolving_structure", "metadata"),
        ),
    ),
    ArtefactLayout(
        DataConstraint, "str:Constraints", _CONSTRAINT, type_name="ContentConstraint"
    ),
    ArtefactLayout(
        ProvisionAgreement,
        "str:ProvisionAgreements",
        Layout(
            "str:ProvisionAgreement",
            (
                Part("dataflow", urn_reference("str:StructureUsage")),
                Part("data_provider", urn_reference("str:DataProvider")),
            ),
        ),
    ),
)  # fmt: skip


def _identification(artefact: Maintainable, entry: ArtefactLayout) -> dict[str, str | None]:
    version = parse_version(artefact.version)
    if version.extension:
        raise NotExpressibleError(
            f"{FORMAT_NAME} has no version extensions, as in {artefact.urn.short}; write SDMX-JSON 2.1"
        )
    urn = artefact.urn._replace(type=entry.type_name or artefact.type_name)
    text = str(urn).replace(".base.ContentConstraint", ".registry.ContentConstraint")
    found: dict[str, str | None] = {
        "urn": text,
        "agencyID": artefact.agency_id,
        "version": artefact.version,
        "isFinal": _boolean(version.is_stable) if entry.is_versioned else None,
        "validFrom": artefact.valid_from,
        "validTo": artefact.valid_to,
    }
    if artefact.is_external_reference:
        found["isExternalReference"] = "true"
        found["structureURL"] = next((link.href for link in artefact.links if link.href), None)
    if getattr(artefact, "is_partial", False):
        found["isPartial"] = "true"
    return found


def _whole(artefact: Maintainable, context: Context) -> Maintainable:
    """Return a stub of an agreement with its references, which SDMX 2.1 requires even there."""
    if isinstance(artefact, ProvisionAgreement) and artefact.dataflow is None:
        found = context.structures.find(artefact.urn)
        if not isinstance(found, ProvisionAgreement):
            raise NotExpressibleError(
                f"{FORMAT_NAME} has no agreement without dataflow and provider"
            )
        return replaced(artefact, dataflow=found.dataflow, data_provider=found.data_provider)
    return artefact


def encode_structures_ml21(
    header: Header,
    artefacts: Sequence[Maintainable],
    structures: Structures,
    options: EncodeOptions,
) -> Iterator[bytes]:
    """Yield an SDMX-ML 2.1 structure message, one artefact a chunk; names in all languages or those asked for.

    Raises:
        NotExpressibleError: something that SDMX 2.1 has no form for; raised before the first byte.
    """
    languages = () if "*" in options.languages else options.languages
    context = Context(structures, languages)
    chunks = [
        f"{DECLARATION}<mes:Structure{namespaces('mes', 'com', 'str', 'xsi')}>"
        f"<mes:Header>{header_start(header)}</mes:Header><mes:Structures>"
    ]
    chunks += _containers(artefacts, context)
    chunks.append("</mes:Structures></mes:Structure>\n")
    return (chunk.encode() for chunk in chunks)


def _containers(artefacts: Sequence[Maintainable], context: Context) -> Iterator[str]:
    known = {entry.artefact_class for entry in LAYOUTS}
    for artefact in artefacts:
        if type(artefact) not in known:
            raise NotExpressibleError(f"{FORMAT_NAME} has no {artefact.type_name}")
    open_container = None
    for entry in LAYOUTS:
        for artefact in artefacts:
            if type(artefact) is not entry.artefact_class:
                continue
            if open_container != entry.container:
                yield (f"</{open_container}>" if open_container else "") + f"<{entry.container}>"
                open_container = entry.container
            whole = _whole(artefact, context)
            yield entry.layout.write(whole, context, _identification(whole, entry)) + "\n"
    if open_container:
        yield f"</{open_container}>"
