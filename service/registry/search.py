"""A structure query to the artefacts that answer it.

SDMX-REST 1.5.0, 4.3; SDMX-REST 2.2.2, doc/structures.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from codelists.base import Maintainable
from codelists.item_scheme import ItemScheme
from codelists.urn import ARTEFACT_TYPES, TYPE_OF_RESOURCE
from service.query.errors import NotSupportedError
from service.query.grammar import Grammar
from service.query.structure_query import StructureDetail, StructureQuery
from service.registry.detail import stub
from service.registry.item_query import with_items
from service.registry.neighbours import Neighbours
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

# Our constraints say what is allowed; what there actually is, availability queries tell.
_WITHOUT_MATCH = ("actualconstraint",)


def search(registry: Registry, query: StructureQuery) -> list[Maintainable]:
    """Return the artefacts that a query asks for with their neighbours, each once, in message order.

    Empty where nothing matches.

    Raises:
        NotSupportedError: the query asks for a former state of the structures.
    """
    if query.as_of is not None:
        raise NotSupportedError(
            "asOf is not supported for structures by this service; ask again without it"
        )
    matches = _matches(registry, query)
    graph = Neighbours(registry.graph, agency_schemes=query.grammar is Grammar.V2)
    neighbours = graph.of(matches, (_reference(name) for name in query.references))
    if query.detail in _STUBS:
        match_stubs, complete = _STUBS[query.detail]
        neighbours = [stub(artefact, complete) for artefact in neighbours]
        matches = [stub(artefact, complete) for artefact in matches] if match_stubs else matches
    elif query.detail is StructureDetail.REFERENCE_PARTIAL:
        partial = PartialSchemes(registry, matches, neighbours)
        neighbours = [
            partial.reduced(artefact) if isinstance(artefact, ItemScheme) else artefact
            for artefact in neighbours
        ]
    return _in_message_order([*matches, *neighbours])


def _matches(registry: Registry, query: StructureQuery) -> list[Maintainable]:
    if query.resource in _WITHOUT_MATCH:
        return []
    types = [TYPE_OF_RESOURCE[name] for name in query.types if name in TYPE_OF_RESOURCE]
    found: list[Maintainable] = []
    for artefact_type in types if query.types else ARTEFACT_TYPES:
        found += registry.match(artefact_type.name, query.agencies, query.ids, query.version)
    return _reduced_to_items(found, query.items) if query.items else found


def _reduced_to_items(found: Sequence[Maintainable], items: Sequence[str]) -> list[Maintainable]:
    partial = (with_items(scheme, items) for scheme in found if isinstance(scheme, ItemScheme))
    return [scheme for scheme in partial if scheme is not None]


def _reference(name: str) -> str:
    """Return the type that a resource name stands for; the words of the standard stay as they are."""
    known = TYPE_OF_RESOURCE.get(name)
    return known.name if known else name


def _in_message_order(artefacts: Sequence[Maintainable]) -> list[Maintainable]:
    order = {entry.name: place for place, entry in enumerate(ARTEFACT_TYPES)}
    return sorted(artefacts, key=lambda a: (order.get(a.type_name, len(order)), identity(a)))
