"""A structure query to the artefacts that answer it.

SDMX-REST 1.5.0, 4.3; SDMX-REST 2.2.2, doc/structures.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from codelists.base import Maintainable
from codelists.item_scheme import ItemScheme
from codelists.urn import ARTEFACT_TYPES, LEGACY_TYPES, ArtefactType
from dsd.structure import DataConstraint, MetadataConstraint
from service.query.grammar import Grammar
from service.query.structure_query import StructureDetail, StructureQuery, types_of_line
from service.registry.detail import Address, stub
from service.registry.item_query import with_items
from service.registry.neighbours import Neighbours, View
from service.registry.partial import PartialSchemes
from service.registry.references import identity
from service.registry.registry import Registry

_STUBS = {
    StructureDetail.ALL_STUBS: (True, False),
    StructureDetail.REFERENCE_STUBS: (False, False),
    StructureDetail.ALL_COMPLETE_STUBS: (True, True),
    StructureDetail.REFERENCE_COMPLETE_STUBS: (False, True),
}
"""Details that ask for stubs: whether the matches are stubs too, and whether stubs are complete."""

_AS_MAINTAINED = (
    StructureDetail.RAW,
    StructureDetail.ALL_STUBS,
    StructureDetail.ALL_COMPLETE_STUBS,
)
"""Details that show no code list with the codes that it inherits, so that those lists are its references."""

_ROLES = {"actualconstraint": "Actual", "allowedconstraint": "Allowed"}
"""Resources of SDMX-REST 1.5 that are constraints of one role."""

_TYPES = (*ARTEFACT_TYPES, *LEGACY_TYPES)
_TYPE_OF_RESOURCE = {entry.resource: entry for entry in _TYPES}
_ORDER = {entry.name: place for place, entry in enumerate(_TYPES)}


def search(registry: Registry, query: StructureQuery, address: Address) -> list[Maintainable]:
    """Return the artefacts that a query asks for with their neighbours, each once, in message order.

    Empty where nothing matches. `address` says where stubs are to be had in full. With `asOf` the registry is that
    of the instant.
    """
    view: View = registry.with_inherited_codes
    if query.detail in _AS_MAINTAINED:
        view = _as_it_is
    matches = _matches(registry, query, view)
    neighbours = _neighbours(registry, query, matches, view)
    if query.detail in _STUBS:
        match_stubs, complete = _STUBS[query.detail]
        neighbours = registry.stubs(neighbours, complete, address)
        if match_stubs and query.items:
            # What items are left of is no artefact of the registry.
            matches = [stub(artefact, complete, address) for artefact in matches]
        elif match_stubs:
            matches = registry.stubs(matches, complete, address)
    if not neighbours and len(query.types) == 1:
        return matches
    return _in_message_order([*matches, *neighbours])


def _as_it_is(artefact: Maintainable) -> Maintainable:
    return artefact


def _matches(registry: Registry, query: StructureQuery, view: View) -> list[Maintainable]:
    found: list[Maintainable] = []
    for name in query.types or types_of_line(query.grammar):
        type_name = _TYPE_OF_RESOURCE[name].name
        found += registry.match(type_name, query.agencies, query.ids, query.version)
    if role := _ROLES.get(query.resource):
        found = [artefact for artefact in found if _role(artefact) == role]
    seen = [view(artefact) for artefact in found]
    if not query.items:
        return seen
    partial = (with_items(artefact, query.items) for artefact in seen)
    return [artefact for artefact in partial if artefact is not None]


def _role(artefact: Maintainable) -> str | None:
    return artefact.role if isinstance(artefact, DataConstraint | MetadataConstraint) else None


def _neighbours(
    registry: Registry, query: StructureQuery, matches: Sequence[Maintainable], view: View
) -> list[Maintainable]:
    """Return the neighbours as they stand in the answer."""
    types = frozenset(_TYPE_OF_RESOURCE[name].name for name in types_of_line(query.grammar))
    references = [_reference(name) for name in query.references]

    def found(seen_as: View) -> list[Maintainable]:
        graph = Neighbours(registry.graph, types, query.grammar is Grammar.V2, seen_as)
        return [seen_as(artefact) for artefact in graph.of(matches, references)]

    neighbours = found(view)
    if query.detail is not StructureDetail.REFERENCE_PARTIAL:
        return neighbours
    while True:
        partial = PartialSchemes(registry, matches, neighbours)

        def reduced(artefact: Maintainable, partial: PartialSchemes = partial) -> Maintainable:
            seen = view(artefact)
            return partial.reduced(seen) if isinstance(seen, ItemScheme) else seen

        # What only items refer to that are left out now is not referred to any more.
        fewer = found(reduced)
        if len(fewer) >= len(neighbours):
            return fewer
        neighbours = fewer


def _reference(name: str) -> str:
    """Return the type that a resource name stands for; the words of the standard stay as they are."""
    known: ArtefactType | None = _TYPE_OF_RESOURCE.get(name)
    return known.name if known else name


def _in_message_order(artefacts: Sequence[Maintainable]) -> list[Maintainable]:
    return sorted(artefacts, key=lambda a: (_ORDER.get(a.type_name, len(_ORDER)), identity(a)))
