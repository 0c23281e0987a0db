"""What SDMX 2.1 has instead of what 3.x has. The annotations used are documented in docs/structures.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from codelists.base import Annotation, Maintainable, replaced
from codelists.hierarchy import HierarchicalCodelist, Hierarchy, NestedHierarchy
from codelists.item_scheme import Code, Codelist
from codelists.representation import Representation, TextFormat
from codelists.urn import parse_urn
from dsd.metadata_structure import (
    Metadataflow,
    MetadataProvisionAgreement,
    MetadataStructure,
    MetadataStructureComponents,
    MetadataTarget,
    ReportStructure,
    TargetObject,
)
from dsd.structure import (
    Component,
    DataStructure,
    DataStructureComponents,
    Dimension,
    DimensionList,
    MetadataConstraint,
    MetadataConstraintAttachment,
    ProvisionAgreement,
    TimeDimension,
)
from dsd.structure_map import (
    ComponentMap,
    ComponentReference,
    ItemAssociation,
    ItemSchemeMap,
    MappedValue,
    NestedComponentMap,
    NestedItemSchemeMap,
    NestedStructureMap,
    RepresentationMap,
    RepresentationMapping,
    SingleValueMapping,
    StructureMap,
    StructureSet,
    ValueMapping,
    ValuePair,
)
from dsd.structures import UnknownArtefactError
from service.formats.structure_losses import Writing
from service.formats.structure_mapping30 import maintainable_members, one_source
from service.formats.structure_table.data import MEASURE_DIMENSION, PRIMARY_MEASURE

MULTIPLE_VALUES = "MULTIPLE_VALUES"
"""Annotation on a component that has several values, which SDMX 2.1 knows only as one text joined by `;`."""
AnyComponent = TypeVar("AnyComponent", bound=Component)
_TIME_FORMAT = Representation(format=TextFormat(data_type="ObservationalTimePeriod"))
ANY_TARGET = "ANY"
"""The target of a metadata structure that comes from 3.x, which names targets in the metadataflow."""


# -- data structures -------------------------------------------------------------------------------------


def data_structure(artefact: DataStructure, writing: Writing) -> Iterable[Maintainable]:
    """Yield the structure with one measure, and with several values of a component as one text."""
    parts = artefact.data_structure_components
    if parts is None:
        yield artefact
        return
    measures = parts.measure_list.measures if parts.measure_list else ()
    if len(measures) != 1 or measures[0].id != PRIMARY_MEASURE:
        names = ", ".join(measure.id for measure in measures) or "no measure"
        writing.lose(
            f"a structure with {names}: it has exactly one measure, {PRIMARY_MEASURE}; the structure"
        )
        return
    dimensions = parts.dimension_list
    changed = replaced(
        parts,
        dimension_list=replaced(
            dimensions,
            dimensions=tuple(_dimension(entry, writing) for entry in dimensions.dimensions),
            time_dimension=_time(dimensions, dimensions.time_dimension),
        ),
        measure_list=parts.measure_list
        and replaced(
            parts.measure_list, measures=tuple(_several_values(m, writing) for m in measures)
        ),
        attribute_list=parts.attribute_list
        and replaced(
            parts.attribute_list,
            attributes=tuple(
                _several_values(entry, writing) for entry in parts.attribute_list.attributes
            ),
        ),
    )
    yield replaced(artefact, data_structure_components=changed)


def _time(dimensions: DimensionList, time: TimeDimension | None) -> TimeDimension | None:
    """Return the time dimension with its position and a format, which SDMX 2.1 requires."""
    if time is None:
        return None
    position = len(dimensions.dimensions) if time.position is None else time.position
    local = time.local_representation
    return replaced(
        time,
        position=position,
        local_representation=local if local and local.format else _TIME_FORMAT,
    )


def _dimension(dimension: Dimension, writing: Writing) -> Dimension:
    note = dimension.annotation(MEASURE_DIMENSION)
    if note is not None and note.title:
        changed = replaced(dimension, local_representation=Representation(enumeration=note.title))
        return replaced(
            changed,
            annotations=tuple(
                Annotation(id=MEASURE_DIMENSION) if entry is note else entry
                for entry in dimension.annotations
            ),
        )
    return _several_values(dimension, writing)


def _several_values(component: AnyComponent, writing: Writing) -> AnyComponent:
    """Return the component as SDMX 2.1 can have it: several values are one uncoded text, annotated so."""
    local = component.local_representation
    if local is None:
        try:
            concept = writing.structures.concept(component.concept_identity)
        except UnknownArtefactError:
            return component
        local = concept.core_representation
    if local is None or not local.is_multiple:
        return component
    bare = Representation(
        enumeration=local.enumeration,
        format=local.format and TextFormat(data_type=local.format.data_type),
        min_occurs=local.min_occurs,
        max_occurs="unbounded",
    )
    if bare != replaced(local, max_occurs="unbounded") or local.max_occurs != "unbounded":
        writing.remark(f"facets of {component.id}, which has several values, are left out")
    note = Annotation(
        id=MULTIPLE_VALUES,
        type=MULTIPLE_VALUES,
        title=local.enumeration or (local.format.data_type if local.format else None) or "String",
        texts={"en": "Several values, joined by a semicolon; the title says what they are."},
    )
    return replaced(
        component,
        local_representation=Representation(format=TextFormat(data_type="String")),
        annotations=(*component.annotations, note),
    )


def components_read(artefact: DataStructure) -> DataStructureComponents | None:
    """Return the components that were read with what the annotations say of them."""
    parts = artefact.data_structure_components
    if parts is None:
        return None
    dimensions = parts.dimension_list
    time = dimensions.time_dimension
    if time is not None and time.position == len(dimensions.dimensions):
        time = replaced(time, position=None)
    return replaced(
        parts,
        dimension_list=replaced(
            dimensions,
            dimensions=tuple(_dimension_read(entry) for entry in dimensions.dimensions),
            time_dimension=time,
        ),
        measure_list=parts.measure_list
        and replaced(
            parts.measure_list,
            measures=tuple(_several_values_read(m) for m in parts.measure_list.measures),
        ),
        attribute_list=parts.attribute_list
        and replaced(
            parts.attribute_list,
            attributes=tuple(
                _several_values_read(entry) for entry in parts.attribute_list.attributes
            ),
        ),
    )


def _dimension_read(dimension: Dimension) -> Dimension:
    note = dimension.annotation(MEASURE_DIMENSION)
    local = dimension.local_representation
    if note is None or local is None or note.title:
        return _several_values_read(dimension)
    full = replaced(note, title=local.enumeration)
    return replaced(
        dimension,
        local_representation=None,
        annotations=tuple(full if entry is note else entry for entry in dimension.annotations),
    )


def _several_values_read(component: AnyComponent) -> AnyComponent:
    note = component.annotation(MULTIPLE_VALUES)
    if note is None or note.title is None:
        return component
    if note.title.startswith("urn:"):
        local = Representation(enumeration=note.title, max_occurs="unbounded")
    else:
        local = Representation(format=TextFormat(data_type=note.title), max_occurs="unbounded")
    return replaced(
        component,
        local_representation=local,
        annotations=tuple(entry for entry in component.annotations if entry is not note),
    )


# -- agreements, constraints, lists ----------------------------------------------------------------------


def provision_agreement(artefact: ProvisionAgreement, writing: Writing) -> Iterable[Maintainable]:
    """Yield a stub of an agreement with its references, which SDMX 2.1 requires even there."""
    if artefact.dataflow is not None:
        yield artefact
        return
    found = writing.structures.find(artefact.urn)
    if isinstance(found, ProvisionAgreement) and found.dataflow is not None:
        yield replaced(artefact, dataflow=found.dataflow, data_provider=found.data_provider)
    else:
        writing.lose("an agreement without dataflow and provider")


def metadata_provision_agreement(
    artefact: MetadataProvisionAgreement, writing: Writing
) -> Iterable[Maintainable]:
    """Yield the agreement with a data provider, the only kind of provider in SDMX 2.1."""
    yield replaced(artefact, metadata_provider=_as_data_provider(artefact.metadata_provider))


def _as_data_provider(text: str | None) -> str | None:
    if text is None:
        return None
    urn = parse_urn(text)
    if urn.type != "MetadataProvider":
        return text
    return str(urn._replace(type="DataProvider", id="DATA_PROVIDERS"))


def as_metadata_provider(text: str | None) -> str | None:
    """Return a data provider of SDMX 2.1 as the metadata provider that 3.x tells apart."""
    if text is None:
        return None
    urn = parse_urn(text)
    if urn.type != "DataProvider" or urn.id != "DATA_PROVIDERS":
        return text
    return str(urn._replace(type="MetadataProvider", id="METADATA_PROVIDERS"))


def metadata_constraint(artefact: MetadataConstraint, writing: Writing) -> Iterable[Maintainable]:
    """Yield the constraint attached to a data provider, where it is attached to one."""
    artefact = _included_metadata_keys(one_source(artefact, writing), writing)
    attached = artefact.constraint_attachment
    if attached is None:
        yield artefact
        return
    changed = replaced(attached, metadata_provider=_as_data_provider(attached.metadata_provider))
    for region in artefact.metadata_target_regions:
        if region.metadata_target is None or region.report is None:
            writing.lose("a metadata target region without target and report: the constraint")
            return
    yield replaced(artefact, constraint_attachment=changed)


def _included_metadata_keys(artefact: MetadataConstraint, writing: Writing) -> MetadataConstraint:
    """Return the constraint without keys with a value that is not included: SDMX 2.1 has included ones only."""
    sets = []
    for keys in artefact.metadata_key_sets:
        kept = tuple(
            key for key in keys.keys if not any(value.include is False for value in key.key_values)
        )
        if len(kept) < len(keys.keys):
            writing.lose("a value in a metadata key that is not included: the key")
        if kept:
            sets.append(replaced(keys, keys=kept))
    return replaced(artefact, metadata_key_sets=tuple(sets))


def metadata_attachment_read(
    artefact: MetadataConstraint,
) -> MetadataConstraintAttachment | None:
    """Return the attachment with a metadata provider."""
    attached = artefact.constraint_attachment
    if attached is None:
        return None
    provider = as_metadata_provider(attached.metadata_provider)
    return replaced(attached, metadata_provider=provider)


def plain_codelist(artefact: Codelist, writing: Writing) -> Iterable[Maintainable]:
    """Yield a geographic list as a code list, without the geography."""
    if not artefact.is_external_reference:
        writing.lose("the geometry of a geographic code list")
    shared = {field.name for field in msgspec.structs.fields(Codelist)} - {"codes"}
    of_code = [field.name for field in msgspec.structs.fields(Code)]
    yield Codelist(
        **{member: getattr(artefact, member) for member in shared},
        codes=tuple(
            Code(**{member: getattr(code, member) for member in of_code}) for code in artefact.codes
        ),
    )


def _nameable(artefact: Maintainable) -> dict[str, object]:
    names = ("id", "name", "names", "description", "descriptions")
    return {member: getattr(artefact, member) for member in names}


def hierarchical_codelist(artefact: Hierarchy, writing: Writing) -> Iterable[Maintainable]:
    """Yield a hierarchical code list with this one hierarchy, of the same id; of a stub the list alone."""
    if artefact.is_external_reference:
        yield HierarchicalCodelist(**maintainable_members(artefact))  # type: ignore[arg-type]
        return
    nested = NestedHierarchy(
        **_nameable(artefact),  # type: ignore[arg-type]
        hierarchical_codes=artefact.hierarchical_codes,
        level=artefact.level,
        leveled=artefact.has_formal_levels,
    )
    writing.remark("a hierarchy is written as a hierarchical code list with this one hierarchy")
    yield HierarchicalCodelist(**maintainable_members(artefact), hierarchies=(nested,))  # type: ignore[arg-type]


def metadataflow(artefact: Metadataflow, writing: Writing) -> Iterable[Maintainable]:
    """Yield the flow; a stub without its targets, which only 3.x requires."""
    yield replaced(artefact, targets=()) if artefact.is_external_reference else artefact


def metadata_structure(artefact: MetadataStructure, writing: Writing) -> Iterable[Maintainable]:
    """Yield the structure with one report about any object, where it has none of SDMX 2.1."""
    parts = artefact.metadata_structure_components
    if parts is None or parts.report_structures or parts.metadata_attribute_list is None:
        yield artefact
        return
    listed = parts.metadata_attribute_list
    writing.remark(
        f"SDMX 2.1 names targets in the structure: {ANY_TARGET}, which is any object, is added"
    )
    target = MetadataTarget(
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
    reported = ReportStructure(
        id=artefact.id,
        annotations=listed.annotations,
        metadata_attributes=listed.metadata_attributes,
        metadata_targets=(ANY_TARGET,),
    )
    yield replaced(
        artefact,
        metadata_structure_components=MetadataStructureComponents(
            metadata_targets=(target,), report_structures=(reported,)
        ),
    )


# -- maps ------------------------------------------------------------------------------------------------

_MEMBERS = {
    "ConceptSchemeMap": "concept_scheme_maps",
    "CategorySchemeMap": "category_scheme_maps",
    "OrganisationSchemeMap": "organisation_scheme_maps",
    "ReportingTaxonomyMap": "reporting_taxonomy_maps",
}


def structure_set(
    artefact: StructureMap | RepresentationMap | ItemSchemeMap, writing: Writing
) -> Iterable[Maintainable]:
    """Yield a structure set with this one map, of the same id; of a stub the set alone."""
    if artefact.is_external_reference:
        yield StructureSet(**maintainable_members(artefact))  # type: ignore[arg-type]
        return
    made: dict[str, object] | None
    if isinstance(artefact, StructureMap):
        made = _structure_map(artefact, writing)
    elif isinstance(artefact, RepresentationMap):
        made = _codelist_map(artefact, writing)
    else:
        nested = _item_map(artefact, writing)
        made = {_MEMBERS[artefact.type_name]: (nested,)} if nested else None
    if made is not None:
        writing.remark("a map of SDMX 3.x is written as a structure set with this one map")
        yield StructureSet(**maintainable_members(artefact), **made)  # type: ignore[arg-type]


def _plain(value: MappedValue) -> bool:
    return not value.is_reg_ex and value.start_index is None and value.end_index is None


def _item_map(artefact: ItemSchemeMap, writing: Writing) -> NestedItemSchemeMap | None:
    pairs = [pair for entry in artefact.item_maps if (pair := _association(entry, writing))]
    if not pairs or artefact.source is None or artefact.target is None:
        writing.lose("a map without items")
        return None
    return NestedItemSchemeMap(
        **_nameable(artefact),  # type: ignore[arg-type]
        source=artefact.source,
        target=artefact.target,
        item_associations=tuple(pairs),
    )


def _association(entry: SingleValueMapping, writing: Writing) -> ItemAssociation | None:
    if entry.target_value is None or not _plain(entry.source_value):
        writing.lose(f"the mapping of {entry.source_value.value!r}, which is not of item to item")
        return None
    if entry.valid_from or entry.valid_to:
        writing.lose(f"the validity of the mapping of {entry.source_value.value!r}")
    return ItemAssociation(
        annotations=entry.annotations,
        source=entry.source_value.value,
        target=entry.target_value,
    )


def _pair(entry: ValueMapping, writing: Writing) -> tuple[str, str] | None:
    """Return the one value that becomes one other, None where more is said."""
    single = len(entry.source_values) == 1 == len(entry.target_values)
    if not single or not _plain(entry.source_values[0]):
        named = ", ".join(value.value for value in entry.source_values)
        writing.lose(f"the mapping of {named}, which is not of one value to one")
        return None
    if entry.valid_from or entry.valid_to:
        writing.lose(f"the validity of the mapping of {entry.source_values[0].value!r}")
    return entry.source_values[0].value, entry.target_values[0]


def _codelist_map(artefact: RepresentationMap, writing: Writing) -> dict[str, object] | None:
    ends = (*artefact.source, *artefact.target)
    if len(artefact.source) != 1 or len(artefact.target) != 1:
        writing.lose("a map of several lists at once")
        return None
    source, target = ends[0].codelist, ends[1].codelist
    if source is None or target is None:
        writing.lose("a map between data types")
        return None
    pairs = [
        ItemAssociation(annotations=entry.annotations, source=pair[0], target=pair[1])
        for entry in artefact.representation_mappings
        if (pair := _pair(entry, writing))
    ]
    if not pairs:
        writing.lose("a map without codes")
        return None
    nested = NestedItemSchemeMap(
        **_nameable(artefact),  # type: ignore[arg-type]
        source=source,
        target=target,
        item_associations=tuple(pairs),
    )
    return {"codelist_maps": (nested,)}


_COMPONENT_CLASSES = (
    ("dimension_list", "dimensions", "Dimension", "DimensionDescriptor"),
    ("attribute_list", "attributes", "Attribute", "AttributeDescriptor"),
    ("measure_list", "measures", "PrimaryMeasure", "MeasureDescriptor"),
)


def _component(id: str, structure: str, writing: Writing) -> ComponentReference:
    """Return the reference to a component with its class, as far as the structure is known here."""
    found = writing.structures.find(structure)
    reference = getattr(found, "structure", None)
    if reference:
        found = writing.structures.find(reference)
    parts = found.data_structure_components if isinstance(found, DataStructure) else None
    if id == "TIME_PERIOD":
        return _reference(id, "TimeDimension", "DimensionDescriptor")
    for group, member, name, container in _COMPONENT_CLASSES:
        listed = getattr(parts, group, None)
        if listed is not None and any(entry.id == id for entry in getattr(listed, member)):
            return _reference(id, name, container)
    writing.remark(f"{structure} is not known here: {id} is written as a dimension")
    return _reference(id, "Dimension", "DimensionDescriptor")


def _reference(id: str, name: str, container: str) -> ComponentReference:
    return ComponentReference(
        id=id, container_id=container, component_class=name, package="datastructure"
    )


def _structure_map(artefact: StructureMap, writing: Writing) -> dict[str, object] | None:
    for member in ("epoch_maps", "date_pattern_maps", "frequency_format_mappings"):
        if getattr(artefact, member):
            writing.lose(member.replace("_", " "))
    if artefact.fixed_value_maps:
        writing.lose("fixed value maps")
    source, target = artefact.source, artefact.target
    if source is None or target is None or not artefact.component_maps:
        writing.lose("a structure map without components")
        return None
    lists: dict[str, NestedItemSchemeMap] = {}
    maps = []
    for entry in artefact.component_maps:
        if len(entry.source) != 1 or len(entry.target) != 1:
            writing.lose(f"the map of {', '.join(entry.source)} together")
            continue
        maps.append(
            NestedComponentMap(
                annotations=entry.annotations,
                source=_component(entry.source[0], source, writing),
                target=_component(entry.target[0], target, writing),
                representation_mapping=_values_of(entry, lists, writing),
            )
        )
    if not maps:
        writing.lose("a structure map without components")
        return None
    nested = NestedStructureMap(
        **_nameable(artefact),  # type: ignore[arg-type]
        source=source,
        target=target,
        component_maps=tuple(maps),
    )
    return {"structure_maps": (nested,), "codelist_maps": tuple(lists.values())}


def _values_of(
    entry: ComponentMap, lists: dict[str, NestedItemSchemeMap], writing: Writing
) -> RepresentationMapping | None:
    """Return how the values are mapped: by a code list map, which joins those of the set, or by pairs."""
    if entry.representation_map is None:
        return None
    found = writing.structures.find(entry.representation_map)
    if not isinstance(found, RepresentationMap):
        writing.lose(
            f"a map of another artefact, which is not known here: {entry.representation_map}"
        )
        return None
    both = (*found.source, *found.target)
    if len(both) == 2 and all(end.codelist for end in both):
        made = _codelist_map(found, writing)
        for nested in made["codelist_maps"] if made else ():  # type: ignore[attr-defined]
            lists[nested.id] = nested
        return RepresentationMapping(codelist_map=found.id) if made else None
    pairs = [
        ValuePair(source=pair[0], target=pair[1])
        for mapping in found.representation_mappings
        if (pair := _pair(mapping, writing))
    ]
    return RepresentationMapping(value_map=tuple(pairs)) if pairs else None
