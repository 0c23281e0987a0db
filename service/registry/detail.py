"""Artefacts without their content.

SDMX-REST 1.5.0, 4_4_structure_queries.md, and 2.2.2, doc/structures.md, "detail".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from codelists.base import Link, Maintainable
from codelists.hierarchy import HierarchicalCode, Hierarchy, HierarchyAssociation
from codelists.item_scheme import GeoGridCodelist
from dsd.metadata_structure import Metadataflow, MetadataProvisionAgreement
from dsd.structure import DataConstraint, MetadataConstraint, ProvisionAgreement
from dsd.structure_map import ItemSchemeMap, RepresentationMap, StructureMap
from dsd.transformation import VtlScheme

Address = Callable[[Maintainable], str]
"""An artefact -> where it is to be had in full. Two that say the same are equal, and have one hash."""

_STUB_MEMBERS = (
    "id", "uri", "agency_id", "version", "is_final", "name", "names", "valid_from", "valid_to"
)  # fmt: skip
_COMPLETE_MEMBERS = ("annotations", "description", "descriptions")

_NEEDED: tuple[tuple[type[Maintainable], tuple[str, ...]], ...] = (
    (DataConstraint, ("role",)),
    (MetadataConstraint, ("role",)),
    (Metadataflow, ("structure", "targets")),
    (ProvisionAgreement, ("dataflow", "data_provider")),
    (MetadataProvisionAgreement, ("metadataflow", "metadata_provider")),
    (HierarchyAssociation, ("linked_hierarchy", "linked_object")),
    (ItemSchemeMap, ("source", "target")),
    (RepresentationMap, ("source", "target")),
    (StructureMap, ("source", "target")),
    (GeoGridCodelist, ("grid_definition",)),
    (VtlScheme, ("vtl_version",)),
)
"""What the schemas require of an artefact even where it is a stub, and the kind of a constraint."""


@cache
def _kept(artefact_class: type[Maintainable], complete: bool) -> tuple[str, ...]:
    needed = next((members for cls, members in _NEEDED if issubclass(artefact_class, cls)), ())
    return (*_STUB_MEMBERS, *(_COMPLETE_MEMBERS if complete else ()), *needed)


def stub(artefact: Maintainable, complete: bool, address: Address) -> Maintainable:
    """Return an artefact without its content: identity and names; `complete` keeps notes and descriptions.

    It is marked as an external reference, so that nobody takes it for an artefact that has no content, and
    says where that is; an artefact that is itself kept as a reference says where it came from. What the schemas
    require is there: the ends of a map, the parties of an agreement.
    """
    members: dict[str, Any] = {
        name: getattr(artefact, name) for name in _kept(type(artefact), complete)
    }
    members["links"] = (Link(rel="self", href=address(artefact)),)
    if artefact.is_external_reference and artefact.links:
        members["links"] = artefact.links
    if isinstance(artefact, Hierarchy):
        # One code at least, and none of those under it.
        members["hierarchical_codes"] = tuple(
            HierarchicalCode(id=first.id, code=first.code)
            for first in artefact.hierarchical_codes[:1]
        )
    return type(artefact)(**members, is_external_reference=True)
