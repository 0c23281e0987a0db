"""XML schemas of reference metadata for one metadata structure, in SDMX-ML 2.1, 3.0 and 3.1.

SDMX 2.1 has structure-specific metadata, whose schema restricts the types of SDMXMetadataStructureSpecific.xsd; the
names of its types are those of the sample ESMS of SDMX 2.1. SDMX 3.x has generic metadata alone: there the official types are
redefined, so that they take what the structure has. As every attribute has the element `Attribute` there, XML schemas know an
attribute by how deep it is nested and not by its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from codelists.representation import Representation, TextFormat
from codelists.urn import Urn, parse_urn
from dsd.metadata_structure import MetadataTarget, TargetObject
from dsd.resolved_metadata import Msd, ResolvedMetadataAttribute, ResolvedReport
from service.formats.class_names import class_in_21
from service.formats.contract import NotExpressibleError
from service.formats.metadata_target import XSD, target_pattern
from service.formats.schema import PERIOD_PATTERNS, TIME_TYPE
from service.formats.schema_types import (
    ANNOTATIONS,
    OFFICIAL_SCHEMAS,
    SCHEMA_NAMESPACE,
    XHTML_SCHEMA,
    complex_type,
    facets,
    restriction,
    union,
)
from service.formats.sdmx_ml21 import DECLARATION, tag
from service.formats.sdmx_ml_markup import XHTML
from service.formats.sdmx_ml_syntax import ML_VERSIONS
from service.formats.structure_mapping21 import ANY_TARGET

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_NOTHING = [("xs:pattern", r"[^\s\S]")]
"""Facets that no value satisfies: of an enumeration of which constraints leave nothing."""

_REFERENCES = {
    "Any": "Object",
    "DimensionDescriptor": "KeyDescriptor",
    "DimensionDescriptorValuesTarget": "KeyDescriptorValuesTarget",
    "GroupDimensionDescriptor": "GroupKeyDescriptor",
    **dict.fromkeys(
        (
            *("CodeMap", "ComponentMap", "ConceptMap", "DefinitionScheme", "HybridCodeMap"),
            *("HybridCodelistMap", "MetadataSet", "OrganisationMap", "ReportingCategoryMap"),
            *("ReportingTaxonomyMap", "ReportingYearStartDay"),
        ),
        "Object",
    ),
}
"""Classes of objects whose references have a type of another name; those without a type of their own are any object."""

_ITEMS = frozenset(("Category", "Code", "Concept", "ReportingCategory"))
"""Classes of items whose references may be limited to one scheme."""

_ANY_TARGET = MetadataTarget(
    id=ANY_TARGET,
    identifiable_object_targets=(
        TargetObject(
            id=ANY_TARGET,
            object_type="Any",
            local_representation=Representation(
                format=TextFormat(data_type="IdentifiableReference")
            ),
        ),
    ),
)


def make_metadata_schema(
    version: str,
    msd: Msd,
    *,
    deletion: bool = False,
    official_schemas: str | None = None,
    xhtml_schema: str = XHTML_SCHEMA,
) -> bytes:
    """Return the XML schema of whole messages with metadata of a structure, as seen through its flow or agreement.

    Args:
        version: of SDMX-ML: 2.1, 3.0 or 3.1.
        msd: with its constraints.
        deletion: for sets that delete: nothing must be there, and any value will do.
        official_schemas: folder or URL of the official schemas; None for https://xml.sdmx.org/.
        xhtml_schema: path or URL of the schema of XHTML, imported where there is marked-up text.

    Raises:
        NotExpressibleError: there is no such version, or an id of the structure can name no element or type.
    """
    ml = ML_VERSIONS.get(version)
    if ml is None:
        raise NotExpressibleError(
            f"there is no SDMX-ML {version} metadata; there is {', '.join(ML_VERSIONS)}"
        )
    official = official_schemas or f"{OFFICIAL_SCHEMAS}/{version}"
    imported = {f"{ml.base}/common": f"{official}/SDMXCommon.xsd"}
    spaces = {"xmlns:xs": SCHEMA_NAMESPACE, "xmlns:common": f"{ml.base}/common"}
    if ml.has_atts:
        namespace = f"{ml.base}/metadata/generic"
        place = f"{official}/SDMXMetadataGeneric.xsd"
        types, redefined = _GenericSchema(msd, deletion).types(place)
    else:
        namespace = str(msd.urn._replace(type=class_in_21(msd.urn.type)))
        specific = f"{ml.base}/metadata/structurespecific"
        imported[specific] = f"{official}/SDMXMetadataStructureSpecific.xsd"
        spaces["xmlns:msd"] = specific
        types, redefined = _SpecificSchema(msd, deletion).types(), ""
    messages = {f"{ml.base}/message": f"{official}/SDMXMessage.xsd"}
    if any(_kind(entry) == _MARKED_UP for entry in msd.components):
        imported[XHTML] = xhtml_schema
    root = {
        **spaces,
        "xmlns": namespace,
        "targetNamespace": namespace,
        "elementFormDefault": "qualified",
        "attributeFormDefault": "unqualified",
    }
    # What is redefined stands before the messages, which refer to it.
    content = _imports(imported) + redefined + _imports(messages) + "".join(types)
    return (DECLARATION + tag("xs:schema", root, content) + "\n").encode()


def _imports(places: Mapping[str, str]) -> str:
    return "".join(
        tag("xs:import", {"namespace": space, "schemaLocation": place})
        for space, place in places.items()
    )


# -- values --------------------------------------------------------------------------------------------

_VALUE, _TEXTS, _EITHER, _MARKED_UP, _NONE = "value", "texts", "either", "marked up", "none"


def _kind(attribute: ResolvedMetadataAttribute) -> str:
    """Return how values of an attribute are written: as one, as texts in languages, marked up, or not at all."""
    if not attribute.has_value:
        return _NONE
    format = attribute.text_format
    data_type = format.data_type or "String" if format else "String"
    if data_type == "XHTML":
        return _MARKED_UP
    if attribute.enumeration is not None or data_type != "String":
        return _VALUE
    # Where nothing is said, SDMX 2.1 means texts in languages and 3.x does not.
    stated = format.is_multi_lingual if format else None
    return _EITHER if stated is None else _TEXTS if stated else _VALUE


def _value_type(attribute: ResolvedMetadataAttribute) -> str:
    """Return the content of the type of single values."""
    values = attribute.enumeration
    if values is None:
        return restriction(*facets(attribute.text_format))
    listed = [("xs:enumeration", value) for value in values] or _NOTHING
    return restriction("xs:string" if attribute.codelist is None else "common:IDType", listed)


def _many(element: str, least: int, most: int | str) -> str:
    """Return a reference to a global element."""
    return tag("xs:element", {"ref": element, "minOccurs": str(least), "maxOccurs": str(most)})


def _named(id: str) -> str:
    """Return an id that names an element or a type of structure-specific metadata.

    Raises:
        NotExpressibleError: no XML name is so written.
    """
    if not _NAME.fullmatch(id):
        raise NotExpressibleError(
            f"SDMX-ML 2.1 names elements and types by the ids of a metadata structure, and {id!r} can name none; "
            "ask for the schema of another version"
        )
    return id


# -- SDMX 2.1 ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _SpecificSchema:
    """The types of structure-specific metadata."""

    msd: Msd
    deletion: bool

    def types(self) -> list[str]:
        """Return all types, those that others restrict first."""
        reports = self.msd.reports or (
            ResolvedReport(self.msd.structure.id, self.msd.attributes, (_ANY_TARGET,)),
        )
        targets = {target.id: target for report in reports for target in report.targets}
        return [
            _ids("Report.ID", [report.id for report in reports]),
            _ids("Target.ID", list(targets)),
            self._metadata_set_type(),
            self._report_base(),
            _target_base("TargetType", "msd:TargetType", "Target.ID"),
            *chain.from_iterable(map(_target_types, targets.values())),
            *chain.from_iterable(map(self._report_types, reports)),
        ]

    def _metadata_set_type(self) -> str:
        provider = {"name": "DataProvider", "type": "common:DataProviderReferenceType"}
        inside = (
            ANNOTATIONS
            + _many("common:Name", 0, "unbounded")
            + _local(provider, least=0)
            + _local({"name": "Report", "type": "ReportType"}, most="unbounded")
        )
        return complex_type("MetadataSetType", "msd:MetadataSetType", inside, "")

    def _report_base(self) -> str:
        inside = ANNOTATIONS + _local({"name": "Target", "type": "TargetType"})
        inside += _local({"name": "AttributeSet"})
        id = _id_attribute("Report.ID")
        return complex_type("ReportType", "msd:ReportType", inside, id, abstract=True)

    def _report_types(self, report: ResolvedReport) -> Iterator[str]:
        """Yield the types of a report: its own, those of its targets, and its attributes."""
        name = _named(report.id)
        ids = f"{name}.Target.ID"
        yield _ids(ids, [target.id for target in report.targets], "Target.ID")
        yield _target_base(f"{name}.TargetType", "TargetType", ids)
        for target in report.targets:
            group = tag("xs:group", {"ref": _named(target.id)})
            yield _restricted(
                f"{name}.{target.id}", f"{name}.TargetType", group, _id_attribute(ids, target.id)
            )
        unique = tag(
            "xs:unique",
            {"name": f"{name}.Target.ReferenceValue.Unique"},
            tag("xs:selector", {"xpath": "*"}) + tag("xs:field", {"xpath": "@id"}),
        )
        inside = (
            ANNOTATIONS
            + _local({"name": "Target", "type": f"{name}.TargetType"}, content=unique)
            + _local({"name": "AttributeSet", "type": f"{name}.AttributeSet"})
        )
        yield complex_type(name, "ReportType", inside, _id_attribute("Report.ID", report.id))
        yield tag(
            "xs:complexType", {"name": f"{name}.AttributeSet"}, self._sequence(report.attributes)
        )

    def _sequence(self, attributes: Iterable[ResolvedMetadataAttribute]) -> str:
        return tag("xs:sequence", {}, "".join(map(self._attribute, attributes)))

    def _attribute(self, attribute: ResolvedMetadataAttribute) -> str:
        """Return the element of an attribute, whose name is its id."""
        kind = _kind(attribute)
        inside = ANNOTATIONS + self._texts(attribute, kind)
        if attribute.attributes:
            nested = tag("xs:complexType", {}, self._sequence(attribute.attributes))
            needed = not self.deletion and any(entry.min_occurs for entry in attribute.attributes)
            inside += _local({"name": "AttributeSet"}, least=int(needed), content=nested)
        content = tag("xs:sequence", {}, inside)
        content += _id_attribute("common:IDType", attribute.id) + self._value(attribute, kind)
        base = tag("xs:restriction", {"base": "msd:ReportedAttributeType"}, content)
        return _local(
            {"name": _named(attribute.id)},
            least=0 if self.deletion else attribute.min_occurs,
            most=attribute.max_occurs,
            content=tag("xs:complexType", {}, tag("xs:complexContent", {}, base)),
        )

    def _texts(self, attribute: ResolvedMetadataAttribute, kind: str) -> str:
        least = int(not self.deletion)
        if kind in (_TEXTS, _EITHER):
            return _many("common:Text", least if kind == _TEXTS else 0, "unbounded")
        if kind == _MARKED_UP:
            format = attribute.text_format
            one = format is not None and format.is_multi_lingual is False
            return _many("common:StructuredText", least, 1 if one else "unbounded")
        return ""

    def _value(self, attribute: ResolvedMetadataAttribute, kind: str) -> str:
        if kind not in (_VALUE, _EITHER):
            return tag("xs:attribute", {"name": "value", "use": "prohibited"})
        use = "optional" if self.deletion or kind == _EITHER else "required"
        type = restriction("xs:string", []) if self.deletion else _value_type(attribute)
        return tag("xs:attribute", {"name": "value", "use": use}, tag("xs:simpleType", {}, type))


def _target_types(target: MetadataTarget) -> Iterator[str]:
    """Yield the group of a target's reference values, and the types of these."""
    name = _named(target.id)
    values = list(_reference_values(target))
    ids, base = f"{name}.TargetObject.ID", f"{name}.ReferenceValueType"
    yield _ids(ids, [id for _, id, _ in values])
    count = len(values)
    yield tag(
        "xs:group",
        {"name": name},
        tag(
            "xs:sequence",
            {},
            _local({"name": "ReferenceValue", "type": base}, least=count, most=count),
        ),
    )
    every = "".join(
        _local({"name": element, "type": type})
        for element, type in (
            ("ObjectReference", "common:ReferenceType"),
            ("DataKey", "common:DataKeyType"),
            ("DataSetReference", "common:SetReferenceType"),
            ("ConstraintContentReference", "common:AttachmentConstraintReferenceType"),
            ("ReportPeriod", TIME_TYPE),
        )
    )
    choice = tag("xs:choice", {}, every)
    yield _restricted(base, "msd:ReferenceValueType", choice, _id_attribute(ids), abstract=True)
    for entry in target.identifiable_object_targets:
        if (scheme := _scheme(entry)) is not None:
            yield from _scheme_reference(f"{name}.{_named(entry.id)}", entry, scheme)
    for suffix, id, element in values:
        only = tag("xs:choice", {}, element)
        yield _restricted(f"{name}.{suffix}", base, only, _id_attribute(ids, id))


def _reference_values(target: MetadataTarget) -> Iterator[tuple[str, str, str]]:
    """Yield, for each object of a target, how its type is called, its id, and the element that refers to it."""
    for entry in target.key_descriptor_values_targets:
        key = _local({"name": "DataKey", "type": "common:DataKeyType"})
        yield "KeyDescriptorValuesTarget", entry.id, key
    for entry in target.data_set_targets:
        reference = _local({"name": "DataSetReference", "type": "common:SetReferenceType"})
        yield "DataSetTarget", entry.id, reference
    for entry in target.constraint_content_targets:
        type = "common:AttachmentConstraintReferenceType"
        reference = _local({"name": "ConstraintContentReference", "type": type})
        yield "ConstraintContentTarget", entry.id, reference
    for entry in target.report_period_targets:
        stated = entry.local_representation
        format = stated.format if stated else None
        patterns = PERIOD_PATTERNS.get(format.data_type or "", ()) if format else ()
        limited = restriction(TIME_TYPE, [("xs:pattern", pattern) for pattern in patterns])
        period = _local({"name": "ReportPeriod"}, content=tag("xs:simpleType", {}, limited))
        yield "ReportPeriodTarget", entry.id, period
    for entry in target.identifiable_object_targets:
        own = f"{_named(target.id)}.{_named(entry.id)}.Reference"
        type = f"common:{_reference(entry)}Type" if _scheme(entry) is None else own
        reference = _local({"name": "ObjectReference", "type": type})
        yield _named(entry.id), entry.id, reference


def _reference(entry: TargetObject) -> str:
    named = entry.object_type or "Any"
    return f"{_REFERENCES.get(named, named)}Reference"


def _scheme(entry: TargetObject) -> Urn | None:
    """Return the scheme whose items alone an object may be; None where it may be any."""
    stated = entry.local_representation
    if stated is None or stated.enumeration is None or entry.object_type not in _ITEMS:
        return None
    return parse_urn(stated.enumeration)


def _scheme_reference(name: str, entry: TargetObject, scheme: Urn) -> Iterator[str]:
    """Yield the types of a reference to an item of one scheme, by its parts and by URN."""
    item = entry.object_type or ""
    any_item = scheme._replace(type=item, item="*")
    urn = [("xs:pattern", target_pattern(str(any_item), XSD))]
    yield tag("xs:simpleType", {"name": f"{name}.URN"}, restriction("xs:anyURI", urn))
    fixed = (
        ("agencyID", "common:NestedNCNameIDType", "required", scheme.agency),
        ("maintainableParentID", "common:IDType", "required", scheme.id),
        ("maintainableParentVersion", "common:VersionType", "optional", scheme.version),
    )
    parts = "".join(
        tag("xs:attribute", {"name": part, "type": type, "use": use, "fixed": value})
        for part, type, use, value in fixed
    )
    yield _restricted(f"{name}.Ref", f"common:{item}RefType", "", parts)
    by_urn = {"name": "URN", "type": f"{name}.URN"}
    both = tag(
        "xs:sequence", {}, _local({"name": "Ref", "type": f"{name}.Ref"}) + _local(by_urn, least=0)
    )
    choice = tag("xs:choice", {}, both + _local(by_urn))
    yield _restricted(f"{name}.Reference", f"common:{_reference(entry)}Type", choice, "")


def _target_base(name: str, base: str, ids: str) -> str:
    value = {"name": "ReferenceValue", "type": "msd:ReferenceValueType"}
    inside = _local(value, most="unbounded")
    return complex_type(name, base, inside, _id_attribute(ids), abstract=True)


def _ids(name: str, ids: Sequence[str], base: str = "common:IDType") -> str:
    listed = [("xs:enumeration", id) for id in ids] or _NOTHING
    return tag("xs:simpleType", {"name": name}, restriction(base, listed))


def _id_attribute(type: str, fixed: str | None = None) -> str:
    return tag("xs:attribute", {"name": "id", "type": type, "use": "optional", "fixed": fixed})


def _restricted(
    name: str, base: str, particle: str, attributes: str, *, abstract: bool = False
) -> str:
    """Return a complex type that restricts another to one particle."""
    content = tag("xs:restriction", {"base": base}, particle + attributes)
    return tag(
        "xs:complexType",
        {"name": name, "abstract": "true" if abstract else None},
        tag("xs:complexContent", {}, content),
    )


def _local(
    names: dict[str, str],
    *,
    least: int = 1,
    most: int | str = 1,
    content: str = "",
    form: str = "unqualified",
) -> str:
    """Return a local element."""
    occurrence = {"form": form, "minOccurs": str(least), "maxOccurs": str(most)}
    return tag("xs:element", {**names, **occurrence}, content)


# -- SDMX 3.x ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _GenericSchema:
    """The types of generic metadata, restricted level by level."""

    msd: Msd
    deletion: bool

    def types(self, place: str) -> tuple[list[str], str]:
        """Return the types of the levels, and the redefinition of the metadata set at the place of the official schema."""
        levels = list(self._levels())
        least, most = self._counts([self.msd.attributes])
        redefined = tag(
            "xs:redefine", {"schemaLocation": place}, self._metadata_set_type(least, most)
        )
        return [self._level_type(depth, level) for depth, level in enumerate(levels, 1)], redefined

    def _levels(self) -> Iterator[Sequence[ResolvedMetadataAttribute]]:
        """Yield the attributes that stand equally deep, those on top first."""
        level: Sequence[ResolvedMetadataAttribute] = self.msd.attributes
        while level:
            yield level
            level = [nested for attribute in level for nested in attribute.attributes]

    def _counts(
        self, lists: Iterable[Sequence[ResolvedMetadataAttribute]]
    ) -> tuple[int, int | str]:
        """Return how many attributes stand at least and at most where any of these lists of them may."""
        least: list[int] = []
        most: list[int | str] = []
        for attributes in lists:
            least.append(sum(entry.min_occurs for entry in attributes))
            counts = [entry.max_occurs for entry in attributes]
            numbers = [count for count in counts if isinstance(count, int)]
            most.append(sum(numbers) if len(numbers) == len(counts) else "unbounded")
        limits = [count for count in most if isinstance(count, int)]
        return (
            0 if self.deletion else min(least, default=0),
            max(limits, default=0) if len(limits) == len(most) else "unbounded",
        )

    def _metadata_set_type(self, least: int, most: int | str) -> str:
        """Return the type of the metadata set: what it is reported for, about what, and its attributes."""
        named = "".join(
            _many(f"common:{name}", least_name, most_name)
            for name, least_name, most_name in (
                ("Annotations", 0, 1),
                ("Link", 0, "unbounded"),
                ("Name", 1, "unbounded"),
                ("Description", 0, "unbounded"),
            )
        )
        targets = [("xs:pattern", target_pattern(urn, XSD)) for urn in self.msd.targets]
        about = _simple("Target", restriction("common:WildcardUrnType", targets), "unbounded")
        attribute = {"name": "Attribute", "type": "Level1.AttributeType"}
        attributes = _local(attribute, least=max(least, 1), most=most, form="qualified")
        reported = self._reported_for() + about + (attributes if self.msd.attributes else "")
        inside = tag("xs:sequence", {}, named)
        inside += tag("xs:sequence", {"minOccurs": "0"}, reported)
        content = tag("xs:restriction", {"base": "MetadataSetType"}, tag("xs:sequence", {}, inside))
        return tag(
            "xs:complexType", {"name": "MetadataSetType"}, tag("xs:complexContent", {}, content)
        )

    def _reported_for(self) -> str:
        """Return the choice of metadataflow or agreement: the ones that the schema is of, where it is of some."""
        stated = (
            ("MetadataProvisionAgreement", self.msd.agreement),
            ("Metadataflow", self.msd.metadataflow),
        )
        elements = [
            _simple(
                name,
                restriction(
                    f"common:{name}ReferenceType",
                    [("xs:enumeration", str(artefact.urn))] if artefact else [],
                ),
            )
            for name, artefact in stated
        ]
        # What is reported for an agreement names it.
        return tag("xs:choice", {}, "".join(elements[:1] if self.msd.agreement else elements))

    def _level_type(self, depth: int, level: Sequence[ResolvedMetadataAttribute]) -> str:
        ids = [("xs:enumeration", id) for id in dict.fromkeys(entry.id for entry in level)]
        id = tag(
            "xs:attribute",
            {"name": "id", "use": "required"},
            tag("xs:simpleType", {}, restriction("common:IDType", ids)),
        )
        inside = self._contents(level)
        nested = [entry.attributes for entry in level]
        if any(nested):
            least, most = self._counts(nested)
            named = {"name": "Attribute", "type": f"Level{depth + 1}.AttributeType"}
            inside += _local(named, least=least, most=most, form="qualified")
        sequences = tag("xs:sequence", {}, ANNOTATIONS) + tag("xs:sequence", {}, inside)
        return complex_type(f"Level{depth}.AttributeType", "AttributeType", sequences, id)

    def _contents(self, level: Sequence[ResolvedMetadataAttribute]) -> str:
        """Return the choice of how values of a level are written; nothing where none has any."""
        kinds = {_kind(entry) for entry in level}
        choices = []
        if kinds & {_VALUE, _EITHER}:
            types = dict.fromkeys(
                _value_type(entry) for entry in level if _kind(entry) in (_VALUE, _EITHER)
            )
            # What is any text anyway tells nothing of the others.
            free = restriction("xs:string", [])
            is_free = self.deletion or free in types
            choices.append(_simple("Value", free if is_free else union(list(types))))
        if kinds & {_TEXTS, _EITHER}:
            choices.append(_many("common:Text", 1, "unbounded"))
        if _MARKED_UP in kinds:
            choices.append(_many("common:StructuredText", 1, "unbounded"))
        if not choices:
            return ""
        optional = self.deletion or _NONE in kinds
        return tag("xs:choice", {"minOccurs": "0" if optional else "1"}, "".join(choices))


def _simple(name: str, content: str, most: int | str = 1) -> str:
    """Return a local element with a simple type."""
    type = tag("xs:simpleType", {}, content)
    return _local({"name": name}, most=most, content=type, form="qualified")
