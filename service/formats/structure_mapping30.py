"""What SDMX 3.x has instead of what 2.1 has, and 3.1 instead of 3.0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any, TypeVar

import msgspec

from codelists.base import Annotation, Maintainable, replaced
from codelists.hierarchy import (
    HierarchicalCode,
    HierarchicalCodelist,
    Hierarchy,
    NestedHierarchy,
)
from codelists.urn import Urn, parse_urn
from dsd.metadata_structure import (
    MetadataAttribute,
    MetadataAttributeList,
    Metadataflow,
    MetadataStructure,
    MetadataStructureComponents,
)
from dsd.structure import (
    AvailabilityConstraint,
    AvailabilityConstraintAttachment,
    DataConstraint,
    DataConstraintAttachment,
    DataKey,
    DataStructure,
    MetadataConstraint,
    SetReference,
)
from dsd.structure_map import (
    CategorySchemeMap,
    ComponentMap,
    ConceptSchemeMap,
    ItemSchemeMap,
    MappedValue,
    NestedComponentMap,
    NestedItemSchemeMap,
    NestedStructureMap,
    OrganisationSchemeMap,
    ReportingTaxonomyMap,
    RepresentationEnd,
    RepresentationMap,
    SingleValueMapping,
    StructureMap,
    StructureSet,
    ValueMapping,
)
from dsd.transformation import VtlMappingScheme
from service.formats.structure_losses import Writing
from service.formats.structure_table.vocabulary import Form

AnyConstraint = TypeVar("AnyConstraint", DataConstraint, MetadataConstraint)
METRICS = "sdmx_metrics"
"""Type of the annotations that hold the counts of an availability before 3.1 (SDMX-REST 1.5.0, 4.6.4)."""
_COUNTS = (("series_count", "series_count"), ("obs_count", "obs_count"))
ANY_OBJECT = "urn:sdmx:org.sdmx.infomodel.base.Any=*:*(*)"
"""The target of a metadataflow that names none, which 3.x requires."""


# -- constraints -----------------------------------------------------------------------------------------


def actual_constraint(artefact: AvailabilityConstraint, writing: Writing) -> Iterable[Maintainable]:
    """Yield an availability as the constraint on actual content that SDMX 2.1 and 3.0 have."""
    attached = artefact.constraint_attachment
    attachment = None
    if attached is not None:
        attachment = DataConstraintAttachment(
            data_structures=_one(attached.data_structure),
            dataflows=_one(attached.dataflow),
            provision_agreements=_one(attached.provision_agreement),
        )
    counts = tuple(
        Annotation(id=name, type=METRICS, title=str(getattr(artefact, member)))
        for member, name in _COUNTS
        if getattr(artefact, member) is not None
    )
    writing.remark("an availability is written as a constraint on actual content")
    names = artefact.names or {"en": "Availability"}
    yield DataConstraint(
        **{
            **maintainable_members(artefact),
            "names": names,
            "annotations": (*artefact.annotations, *counts),
        },  # type: ignore[arg-type]
        role="Actual",
        constraint_attachment=attachment,
        cube_regions=() if artefact.cube_region is None else (artefact.cube_region,),
    )


def availability(artefact: AvailabilityConstraint, writing: Writing) -> Iterable[Maintainable]:
    """Yield an availability, in 3.0 as the constraint on actual content."""
    if not writing.form.is_sdmx31:
        yield from actual_constraint(artefact, writing)
        return
    bare = AvailabilityConstraint(
        annotations=artefact.annotations,
        constraint_attachment=artefact.constraint_attachment,
        cube_region=artefact.cube_region,
        series_count=artefact.series_count,
        obs_count=artefact.obs_count,
    )
    if bare != artefact:
        writing.lose("identity and names of an availability")
    yield bare


def data_constraint(artefact: DataConstraint, writing: Writing) -> Iterable[Maintainable]:
    """Yield the constraint; one on actual content is an availability in 3.1."""
    artefact = replaced(
        _included_keys(artefact, writing),
        constraint_attachment=_attachment(artefact.constraint_attachment, writing),
    )
    if not writing.form.is_sdmx31:
        yield from single_keys(artefact, writing)
        return
    if artefact.role == "Allowed":
        yield artefact
        return
    if artefact.is_external_reference:
        # An availability has no identity, and a stub nothing else; what it is shows the artefact itself.
        yield replaced(artefact, role="Allowed")
        return
    made = _availability_of(artefact)
    if made is None:
        writing.lose(
            "a constraint on actual content with other than one region and one attachment: the constraint"
        )
        return
    if artefact.id != made.id:
        writing.lose("identity and names of a constraint on actual content, now an availability")
    if artefact.release_calendar is not None:
        writing.lose("a release calendar")
    if _has_sources(artefact):
        writing.lose("the attachment of a constraint to data sources")
    yield made


def _attachment(
    attached: DataConstraintAttachment | None, writing: Writing
) -> DataConstraintAttachment | None:
    """Return the attachment as 3.x can have it, None where nothing of it is left."""
    if attached is None:
        return None
    if attached.data_sets:
        writing.lose("the attachment of a constraint to datasets")
        attached = replaced(attached, data_sets=())
    if attached.simple_data_sources and writing.form.is_sdmx31:
        writing.lose("the attachment of a constraint to data sources")
        attached = replaced(attached, simple_data_sources=())
    if attached.targets or attached.simple_data_sources:
        return attached
    if attached.queryable_data_sources:
        writing.lose("the attachment of a constraint to data sources")
    return None


def metadata_constraint(artefact: MetadataConstraint, writing: Writing) -> Iterable[Maintainable]:
    """Yield a constraint on allowed metadata; 3.x has none on actual ones."""
    if artefact.role == "Actual":
        writing.lose("a constraint on actual metadata")
        return
    attached = artefact.constraint_attachment
    if attached is not None and any(isinstance(s, SetReference) for s in attached.metadata_sets):
        writing.lose("the attachment of a constraint to metadata sets by their provider")
        attached = replaced(attached, metadata_sets=())
    if attached is not None and attached == type(attached)():
        attached = None
    yield replaced(artefact, constraint_attachment=attached)


def data_structure(artefact: DataStructure, writing: Writing) -> Iterable[Maintainable]:
    """Yield the structure without groups that have no dimensions, which SDMX-ML 3.x cannot have."""
    parts = artefact.data_structure_components
    if parts is None or not writing.form.is_xml:
        yield artefact
        return
    groups = tuple(group for group in parts.groups if group.group_dimensions)
    if len(groups) < len(parts.groups):
        writing.lose("groups without dimensions")
        parts = replaced(parts, groups=groups)
    yield replaced(artefact, data_structure_components=parts)


def _included_keys(artefact: DataConstraint, writing: Writing) -> DataConstraint:
    """Return the constraint without keys that say of themselves, or of a value, that they are not included.

    The schemas fix `include` to true there (SDMX 3.1 ML "DataKeyType"), but for a value in SDMX-JSON 2.0.
    """
    sets = []
    for keys in artefact.data_key_sets:
        kept = tuple(key for key in keys.keys if not _excludes(key, writing.form))
        if len(kept) < len(keys.keys):
            advice = "a key set that is not included says it of all its keys"
            writing.lose("a key, or a value in one, that is not included: the key", advice=advice)
        if kept:
            sets.append(replaced(keys, keys=kept))
    return replaced(artefact, data_key_sets=tuple(sets))


def _excludes(key: DataKey, form: Form) -> bool:
    of_values = form is not Form.JSON20 and any(value.include is False for value in key.key_values)
    return key.include is False or of_values


def vtl_mappings(artefact: VtlMappingScheme, writing: Writing) -> Iterable[Maintainable]:
    """Yield the scheme without mappings of whole concept schemes, which SDMX 2.1 alone has."""
    kept = tuple(mapping for mapping in artefact.vtl_mappings if mapping.concept_scheme is None)
    if len(kept) < len(artefact.vtl_mappings):
        writing.lose("the mapping of a concept scheme as a whole: the mapping")
    yield replaced(artefact, vtl_mappings=kept)


def one_source(artefact: AnyConstraint, writing: Writing) -> AnyConstraint:
    """Return a constraint on content attached to one set or one source, as SDMX 2.1 has it."""
    attached = artefact.constraint_attachment
    changes: dict[str, Any] = {}
    for member in ("data_sets", "metadata_sets", "simple_data_sources"):
        found = getattr(attached, member, ())
        if len(found) > 1:
            writing.lose(f"more than one of the {member.replace('_', ' ')}")
            changes[member] = found[:1]
    if attached is None or not changes:
        return artefact
    return msgspec.structs.replace(
        artefact, constraint_attachment=msgspec.structs.replace(attached, **changes)
    )


def content_constraint(artefact: DataConstraint, writing: Writing) -> Iterable[Maintainable]:
    """Yield the constraint as SDMX 2.1 has it."""
    yield from single_keys(_included_keys(one_source(artefact, writing), writing), writing)


def single_keys(artefact: DataConstraint, writing: Writing) -> Iterable[Maintainable]:
    """Yield the constraint with one value a dimension in each key: keys with several become several keys."""
    sets = tuple(
        replaced(keys, keys=tuple(single for key in keys.keys for single in _expanded(key)))
        for keys in artefact.data_key_sets
    )
    if sets != artefact.data_key_sets:
        writing.remark("a key with several values of a dimension is written as several keys")
    yield replaced(artefact, data_key_sets=sets)


def _expanded(key: DataKey) -> Iterator[DataKey]:
    choices = [entry.values or (entry.value,) for entry in key.key_values]
    for values in product(*choices):
        yield replaced(
            key,
            key_values=tuple(
                replaced(entry, value=value, values=())
                for entry, value in zip(key.key_values, values, strict=True)
            ),
        )


def _has_sources(artefact: DataConstraint) -> bool:
    """Tell whether a constraint is attached to sources of data."""
    attached = artefact.constraint_attachment
    return attached is not None and bool(attached.queryable_data_sources)


def _availability_of(artefact: DataConstraint) -> AvailabilityConstraint | None:
    attached = artefact.constraint_attachment
    fits = len(artefact.cube_regions) == 1 and not artefact.data_key_sets and attached
    if not fits or attached is None:
        return None
    lists = (attached.data_structures, attached.dataflows, attached.provision_agreements)
    if [len(found) for found in lists if found] != [1] or attached.data_provider:
        return None
    counts = {
        member: int(note.title)
        for member, name in _COUNTS
        for note in artefact.annotations
        if note.id == name
        and note.type == METRICS
        and (note.title or "").isdecimal()
        and note.title
    }
    return AvailabilityConstraint(
        annotations=tuple(note for note in artefact.annotations if note.type != METRICS),
        constraint_attachment=AvailabilityConstraintAttachment(
            data_structure=next(iter(attached.data_structures), None),
            dataflow=next(iter(attached.dataflows), None),
            provision_agreement=next(iter(attached.provision_agreements), None),
        ),
        cube_region=artefact.cube_regions[0],
        series_count=counts.get("series_count"),
        obs_count=counts.get("obs_count"),
    )


def _one(text: str | None) -> tuple[str, ...]:
    return () if text is None else (text,)


def maintainable_members(artefact: Maintainable) -> dict[str, object]:
    """Return the members that every artefact has."""
    return {
        field.name: getattr(artefact, field.name) for field in msgspec.structs.fields(Maintainable)
    }


# -- metadata --------------------------------------------------------------------------------------------


def metadata_structure(artefact: MetadataStructure, writing: Writing) -> Iterable[Maintainable]:
    """Yield the structure with one list of attributes in place of the reports of SDMX 2.1."""
    parts = artefact.metadata_structure_components
    if parts is None or not (parts.report_structures or parts.metadata_targets):
        yield artefact
        return
    if parts.metadata_targets:
        writing.lose("the targets of a metadata structure, which 3.x has in the metadataflow")
    attributes: dict[str, MetadataAttribute] = {}
    for report in parts.report_structures:
        for attribute in report.metadata_attributes:
            if attributes.setdefault(attribute.id, attribute) != attribute:
                writing.lose(f"a second attribute {attribute.id}, of the report {report.id}")
    if len(parts.report_structures) > 1:
        writing.remark("the attributes of all reports stand in one list")
    yield replaced(
        artefact,
        metadata_structure_components=MetadataStructureComponents(
            metadata_attribute_list=MetadataAttributeList(
                metadata_attributes=tuple(attributes.values())
            )
        ),
    )


def metadataflow(artefact: Metadataflow, writing: Writing) -> Iterable[Maintainable]:
    """Yield the flow with a target, which SDMX-ML 3.x requires: any object where it names none."""
    if artefact.targets or artefact.is_external_reference or not writing.form.is_xml:
        yield artefact
        return
    writing.remark(f"a metadataflow needs a target: {ANY_OBJECT} is written")
    yield replaced(artefact, targets=(ANY_OBJECT,))


# -- hierarchies -----------------------------------------------------------------------------------------


def hierarchies(artefact: HierarchicalCodelist, writing: Writing) -> Iterable[Maintainable]:
    """Yield each hierarchy of a hierarchical code list."""
    if not artefact.hierarchies:
        writing.lose("a hierarchical code list of which no hierarchy is given")
    aliases = {entry.alias: entry.codelist for entry in artefact.included_codelists if entry.alias}
    single = len(artefact.hierarchies) == 1
    for nested in artefact.hierarchies:
        same = single and nested.id == artefact.id
        if not same:
            writing.remark(
                f"the hierarchy {nested.id} becomes an artefact of its own, {artefact.id}_{nested.id}"
            )
            if artefact.annotations or artefact.descriptions or artefact.names != nested.names:
                writing.lose("names and annotations of a hierarchical code list", artefact.id)
        yield Hierarchy(
            **{  # type: ignore[arg-type]
                **maintainable_members(artefact),
                **_named(nested),
                "id": artefact.id if same else f"{artefact.id}_{nested.id}",
                "annotations": artefact.annotations if same else nested.annotations,
                "links": artefact.links if same else nested.links,
            },
            level=nested.level,
            hierarchical_codes=tuple(
                _code(code, aliases, writing) for code in nested.hierarchical_codes
            ),
            has_formal_levels=nested.leveled,
        )


def _named(nested: NestedHierarchy | NestedItemSchemeMap | NestedStructureMap) -> dict[str, object]:
    members = ("name", "names", "description", "descriptions", "annotations", "links")
    return {member: getattr(nested, member) for member in members}


def _code(code: HierarchicalCode, aliases: dict[str, str], writing: Writing) -> HierarchicalCode:
    target = code.code
    if target is None and code.code_id and code.codelist_alias in aliases:
        codelist = parse_urn(aliases[code.codelist_alias])
        target = str(codelist._replace(type="Code", item=code.code_id))
    elif target is None:
        writing.lose(
            f"the code {code.id}, whose list {code.codelist_alias} is not among the included"
        )
    if code.version is not None:
        writing.lose("the version of a hierarchical code", code.id)
    return replaced(
        code,
        code=target,
        code_id=None,
        codelist_alias=None,
        version=None,
        hierarchical_codes=tuple(_code(c, aliases, writing) for c in code.hierarchical_codes),
    )


# -- maps ------------------------------------------------------------------------------------------------

_ITEM_MAPS: tuple[tuple[str, type[ItemSchemeMap]], ...] = (
    ("organisation_scheme_maps", OrganisationSchemeMap),
    ("category_scheme_maps", CategorySchemeMap),
    ("concept_scheme_maps", ConceptSchemeMap),
    ("reporting_taxonomy_maps", ReportingTaxonomyMap),
)


def maps(artefact: StructureSet, writing: Writing) -> Iterable[Maintainable]:
    """Yield each map of a structure set as an artefact, code list maps as representation maps."""
    if artefact.related_structures:
        writing.lose("the related structures of a structure set", artefact.id)
    made = [*_all_maps(artefact, writing)]
    if not made:
        writing.lose("a structure set of which no map is given", artefact.id)
    same = len(made) == 1 and made[0].id.endswith(f"_{artefact.id}")
    if same:
        yield replaced(
            made[0], id=artefact.id, annotations=artefact.annotations, links=artefact.links
        )
        return
    if artefact.annotations or artefact.descriptions:
        writing.lose("description and annotations of a structure set", artefact.id)
    for entry in made:
        writing.remark(f"a map of the set becomes an artefact of its own, {entry.id}")
        yield entry


def _all_maps(artefact: StructureSet, writing: Writing) -> Iterator[Maintainable]:
    for member, map_class in _ITEM_MAPS:
        for nested in getattr(artefact, member):
            yield map_class(
                **_identity(artefact, nested),  # type: ignore[arg-type]
                source=nested.source,
                target=nested.target,
                item_maps=tuple(
                    SingleValueMapping(
                        annotations=pair.annotations,
                        source_value=MappedValue(value=pair.source),
                        target_value=pair.target,
                    )
                    for pair in nested.item_associations
                ),
            )
    for nested in (*artefact.codelist_maps, *artefact.hybrid_codelist_maps):
        if {parse_urn(nested.source).type, parse_urn(nested.target).type} != {"Codelist"}:
            writing.lose(f"the map {nested.id} of a hierarchical code list", artefact.id)
            continue
        yield _representation_map(artefact, nested)
    for structure_map in artefact.structure_maps:
        yield from _structure_map(artefact, structure_map, writing)


def _identity(
    artefact: StructureSet, nested: NestedItemSchemeMap | NestedStructureMap
) -> dict[str, object]:
    return {
        **maintainable_members(artefact),
        **_named(nested),
        "id": f"{artefact.id}_{nested.id}",
    }


def _representation_map(artefact: StructureSet, nested: NestedItemSchemeMap) -> RepresentationMap:
    return RepresentationMap(
        **_identity(artefact, nested),  # type: ignore[arg-type]
        source=(RepresentationEnd(codelist=nested.source),),
        target=(RepresentationEnd(codelist=nested.target),),
        representation_mappings=tuple(
            ValueMapping(
                annotations=pair.annotations,
                source_values=(MappedValue(value=pair.source),),
                target_values=(pair.target,),
            )
            for pair in nested.item_associations
        ),
    )


def _structure_map(
    artefact: StructureSet, nested: NestedStructureMap, writing: Writing
) -> Iterator[Maintainable]:
    if nested.is_extension:
        writing.lose("that a structure map is an extension", nested.id)
    components = []
    for entry in nested.component_maps:
        made = _values_map(artefact, nested, entry, writing)
        if isinstance(made, RepresentationMap):
            yield made
            made = str(made.urn)
        components.append(
            ComponentMap(
                annotations=entry.annotations,
                source=(entry.source.id,),
                target=(entry.target.id,),
                representation_map=made,
            )
        )
    yield StructureMap(
        **_identity(artefact, nested),  # type: ignore[arg-type]
        source=nested.source,
        target=nested.target,
        component_maps=tuple(components),
    )


def _values_map(
    artefact: StructureSet,
    nested: NestedStructureMap,
    entry: NestedComponentMap,
    writing: Writing,
) -> str | RepresentationMap | None:
    """Return the map of a component's values: a URN of one that the set has, or one made of pairs."""
    mapping = entry.representation_mapping
    if mapping is None:
        return None
    if mapping.codelist_map is not None:
        id = f"{artefact.id}_{mapping.codelist_map}"
        return str(Urn("RepresentationMap", artefact.agency_id, id, artefact.version))
    if mapping.to_text_format is not None or mapping.to_value_type is not None:
        writing.lose(f"that {entry.source.id} becomes a text", nested.id)
    if not mapping.value_map:
        return None
    text = RepresentationEnd(data_type="String")
    return RepresentationMap(
        **{  # type: ignore[arg-type]
            **_identity(artefact, nested),
            "id": f"{artefact.id}_{nested.id}_{entry.source.id}",
        },
        source=(text,),
        target=(text,),
        representation_mappings=tuple(
            ValueMapping(
                source_values=(MappedValue(value=pair.source),), target_values=(pair.target,)
            )
            for pair in mapping.value_map
        ),
    )
