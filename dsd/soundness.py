"""Whether artefacts fit together: references, DSDs in themselves, constraints with what they restrict.

Every function yields or returns texts that say what is wrong; `dsd.check` makes findings of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codelists.base import Nameable
from codelists.item_scheme import CategoryScheme, Codelist, ItemScheme
from codelists.urn import UrnSyntaxError, parse_urn
from codelists.version import VersionSyntaxError
from dsd.code_extension import codes_meant
from dsd.structure import DataConstraint, Dataflow, DataStructure, ProvisionAgreement
from dsd.structures import Structures, UnknownArtefactError

REFERENCE_CLASS = {
    "codelist": "Codelist",
    "conceptIdentity": "Concept",
    "conceptRoles": "Concept",
    "dataProvider": "DataProvider",
    "dataStructures": "DataStructure",
    "dataflow": "Dataflow",
    "dataflows": "Dataflow",
    "enumeration": "Codelist",
    "provisionAgreements": "ProvisionAgreement",
    "structure": "DataStructure",
    "target": "Category",
}
"""Member of a message that holds references, and the class that they must name (SDMX-JSON 2.1 schema)."""


def items(scheme: ItemScheme) -> Iterator[tuple[str, Nameable]]:
    """Yield (id, item) of a scheme; of categories every level, by id path."""
    if isinstance(scheme, CategoryScheme):
        yield from scheme.walk()
    else:
        for item in scheme.items:
            yield item.id, item


def component_ids(structure: DataStructure) -> Iterator[str]:
    """Yield the ids of all components in DSD order."""
    parts = structure.data_structure_components
    if parts is None:
        return
    yield from (entry.id for entry in parts.dimension_list.dimensions)
    if parts.dimension_list.time_dimension:
        yield parts.dimension_list.time_dimension.id
    yield from (entry.id for entry in (parts.measure_list.measures if parts.measure_list else ()))
    if parts.attribute_list:
        yield from (entry.id for entry in parts.attribute_list.attributes)


def references(value: Any, member: str = "") -> Iterator[tuple[str, str]]:
    """Yield (member, text) for every text that stands where a reference belongs.

    Annotations are left out: one may tell of an artefact elsewhere, from which a list was restated.
    """
    if isinstance(value, dict):
        for name, entry in value.items():
            if name not in ("annotations", "links"):
                yield from references(entry, name)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from references(entry, member)
    elif isinstance(value, str) and (member in REFERENCE_CLASS or value.startswith("urn:sdmx:")):
        yield member, value


def reference_fault(text: str, wanted: str | None, structures: Structures) -> str | None:
    """Return why a text does not name a thing of class `wanted` (any where None), None where it does."""
    try:
        urn = parse_urn(text)
    except UrnSyntaxError as error:
        return str(error)
    if wanted is not None and urn.type != wanted:
        return f"{text} names a {urn.type}, a {wanted} belongs here."
    try:
        artefact = structures.find(urn)
    except VersionSyntaxError as error:
        return str(error)
    if artefact is None:
        return f"{text} names no artefact of these folders."
    if urn.item is None:
        return None
    if isinstance(artefact, Codelist):
        artefact = structures.with_inherited_codes(artefact)
    if not isinstance(artefact, ItemScheme) or urn.item not in dict(items(artefact)):
        return f"{artefact.urn.short} has no item {urn.item}."
    return None


def structure_faults(structure: DataStructure) -> Iterator[str]:
    """Yield how a DSD contradicts itself."""
    parts = structure.data_structure_components
    if parts is None:
        yield "The DSD has no components."
        return
    dimensions = [entry.id for entry in parts.dimension_list.dimensions]
    # The schemas count from 0, samples and services from 1.
    first = 1 if [d.position for d in parts.dimension_list.dimensions[:1]] == [1] else 0
    for position, entry in enumerate(parts.dimension_list.dimensions, first):
        if entry.position not in (None, position):
            yield f"{entry.id} stands at position {position} and says {entry.position}."
    for attribute in parts.attribute_list.attributes if parts.attribute_list else ():
        for id in attribute.attribute_relationship.dimensions:
            if id not in dimensions:
                yield f"{attribute.id} depends on {id}, which is no dimension."


def constraint_faults(constraint: DataConstraint, structures: Structures) -> Iterator[str]:
    """Yield components and codes that a constraint names and the structures it restricts do not have."""
    attachment = constraint.constraint_attachment
    told = set()
    for target in _targets_with_structure(attachment.targets if attachment else (), structures):
        try:
            dsd = structures.dsd(target)
        except (UnknownArtefactError, UrnSyntaxError, VersionSyntaxError):
            continue  # told as a reference that does not resolve
        for region in constraint.cube_regions:
            for entry in (*region.key_values, *region.components):
                values = {v if isinstance(v, str) else v.value for v in entry.values}
                if entry.id not in dsd:
                    told.add(f"{dsd.structure.id} has no component {entry.id}.")
                elif (codelist := dsd[entry.id].codelist) is not None:
                    codes = dsd[entry.id].codes.keys()
                    # A value with wildcards means no code of its own name.
                    unknown = (v for v in values if not codes_meant(codelist, v, None) & codes)
                    told |= {f"{entry.id} has no code {value}." for value in unknown}
    yield from sorted(told)


def _targets_with_structure(targets: tuple[str, ...], structures: Structures) -> Iterator[str]:
    """Yield the targets; for a data provider, the agreements that it holds."""
    for target in targets:
        held = [
            str(agreement.urn)
            for agreement in structures.of_type(ProvisionAgreement)
            if agreement.data_provider == target
        ]
        yield from held or [target]


def dataflow_faults(dataflow: Dataflow, structures: Structures) -> Iterator[str]:
    """Yield what the constraints make impossible for a dataflow."""
    try:
        dsd = structures.dsd(dataflow.urn)
    except (UnknownArtefactError, UrnSyntaxError, VersionSyntaxError):
        return  # told as a reference that does not resolve
    for component in dsd.components:
        left = [code.id for code in component.allowed_codes if code.annotation("NOT_REPORTABLE")]
        if left:
            yield (
                f"{component.id}: {left[0]} is NOT_REPORTABLE and allowed; "
                "leave it out of the constraint."
            )
        codes = component.codelist.codes if component.codelist is not None else ()
        if codes and not component.allowed_codes:
            yield f"{component.id}: the constraints leave no code."
