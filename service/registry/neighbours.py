"""Which artefacts come along with those that a query matches.

SDMX-REST 1.5.0, 4_4_structure_queries.md, and 2.2.2, doc/structures.md, "references".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from codelists.base import Maintainable
from codelists.item_scheme import AgencyScheme, ItemScheme
from service.registry.item_query import item_ids
from service.registry.references import Identity, ReferenceGraph, closure, identity

Found = dict[Identity, Maintainable]
View = Callable[[Maintainable], Maintainable]
"""An artefact -> the artefact as it stands in the answer, which may refer to less."""


class Neighbours:
    """Answers `references` for a set of matches.

    Only artefacts of `types` are there. With `agency_schemes`, the scheme of its maintenance agency counts
    among what each artefact refers to, as in the tables of REST 2.x.
    """

    def __init__(
        self, graph: ReferenceGraph, types: frozenset[str], agency_schemes: bool, view: View
    ) -> None:
        self._graph = graph
        self._types = types
        self._agency_schemes = agency_schemes
        self._view = view
        self._steps: dict[str, Callable[[Sequence[Maintainable]], Found]] = {
            "none": lambda _: {},
            "children": self._children_of_all,
            "descendants": lambda matches: closure(matches, self._children),
            "parents": self._parents_of_all,
            "ancestors": self._ancestors,
            "parentsandsiblings": self._parents_and_siblings,
            "all": lambda matches: {
                **self._parents_and_siblings(matches),
                **closure(matches, self._children),
            },
        }

    def of(self, matches: Sequence[Maintainable], references: Iterable[str]) -> list[Maintainable]:
        """Return the neighbours, each once, without the matches themselves.

        A reference is one of the words of the standard or a type of artefact (`Codelist`): artefacts of
        that type which a match refers to or which refer to a match, at any distance.
        """
        found: Found = {}
        for reference in references:
            step = self._steps.get(reference)
            found |= step(matches) if step else self._of_type(matches, reference)
        for match in matches if found else ():
            found.pop(identity(match), None)
        return list(found.values())

    def _children(self, artefact: Maintainable) -> Iterator[Maintainable]:
        return (child for child in self._referred_to(artefact) if child.type_name in self._types)

    def _parents(self, artefact: Maintainable) -> Iterator[Maintainable]:
        return (parent for parent in self._referring(artefact) if parent.type_name in self._types)

    def _referred_to(self, artefact: Maintainable) -> Iterator[Maintainable]:
        yield from self._graph.children(self._view(artefact))
        if self._agency_schemes:
            yield from self._graph.agency_schemes(artefact)

    def _referring(self, artefact: Maintainable) -> Iterator[Maintainable]:
        # What an item query left of a scheme is referred to by what refers to the items left.
        partial = isinstance(artefact, ItemScheme) and artefact.is_partial
        yield from self._graph.parents(
            artefact, item_ids(artefact) if partial and isinstance(artefact, ItemScheme) else None
        )
        if self._agency_schemes and isinstance(artefact, AgencyScheme):
            yield from self._graph.maintained(artefact)

    def _children_of_all(self, artefacts: Iterable[Maintainable]) -> Found:
        return {identity(child): child for each in artefacts for child in self._children(each)}

    def _parents_of_all(self, artefacts: Iterable[Maintainable]) -> Found:
        return {identity(parent): parent for each in artefacts for parent in self._parents(each)}

    def _ancestors(self, matches: Sequence[Maintainable]) -> Found:
        return closure(matches, self._parents)

    def _parents_and_siblings(self, matches: Sequence[Maintainable]) -> Found:
        parents = self._parents_of_all(matches)
        return parents | self._children_of_all(parents.values())

    def _of_type(self, matches: Sequence[Maintainable], type_name: str) -> Found:
        reached = closure(matches, self._children) | self._ancestors(matches)
        return {key: found for key, found in reached.items() if found.type_name == type_name}
