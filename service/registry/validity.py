"""The artefacts that say which data or reference metadata are valid in a context: for people and programs that report.

SDMX-REST 2.2.2, doc/schema.md, "Response types": data structures, code lists with the codes that the constraints
leave, concept schemes with the concepts in use, agency schemes with the agencies of all these; constraints
where several components have one code list and may not have the same codes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from codelists.base import Maintainable, Nameable, replaced
from codelists.item_scheme import AgencyScheme, Code, Codelist, Concept, ConceptScheme, ValueList
from dsd.metadata_structure import MetadataStructure
from dsd.resolved import Dsd
from dsd.resolved_metadata import Msd
from service.formats.structure_table.data import MEASURE_DIMENSION
from service.registry.partial import PartialSchemes
from service.registry.references import Identity, identity, references_of
from service.registry.registry import Registry


class Coded(Protocol):
    """A component, or a metadata attribute, with what may be reported of it."""

    @property
    def codelist(self) -> Codelist | None: ...  # noqa: D102
    @property
    def allowed_codes(self) -> tuple[Code, ...]: ...  # noqa: D102


def validity(registry: Registry, valid: Dsd | Msd) -> list[Maintainable]:
    """Return the artefacts, each once."""
    structures: list[Maintainable] = [valid.structure]
    if isinstance(valid, Dsd):
        structures += _metadata_structures(registry, valid)
    concepts = list(_concept_schemes(registry, structures))
    codelists = _codelists(valid.components)
    found: list[Maintainable] = [
        *structures,
        *concepts,
        *codelists.values(),
        *_other_enumerations(registry, [*structures, *concepts], codelists),
    ]
    if _shares_lists_unequally(valid.components):
        if isinstance(valid, Msd):
            found += valid.constraints
        else:
            found += registry.structures.constraints_of(valid)
    return [*_agency_schemes(registry, found), *found]


def _metadata_structures(registry: Registry, dsd: Dsd) -> Iterator[MetadataStructure]:
    for urn in references_of(dsd.structure):
        found = registry.structures.find(urn.maintainable)
        if isinstance(found, MetadataStructure):
            yield found


def _codelists(components: Sequence[Coded]) -> dict[Identity, Codelist]:
    """Return the code lists of the components, each with the codes that some component may have."""
    lists: dict[Identity, Codelist] = {}
    codes: dict[Identity, set[str]] = {}
    for component in components:
        if component.codelist is not None:
            name = identity(component.codelist)
            lists[name] = component.codelist
            codes.setdefault(name, set()).update(code.id for code in component.allowed_codes)
    return {name: _only(found, codes[name]) for name, found in lists.items()}


def _only(scheme: Any, ids: Iterable[str]) -> Any:
    """Return a scheme with some of its items alone: what stands above one of them is left out where it is none."""
    wanted = frozenset(ids) & {item.id for item in scheme.items}
    if len(scheme.items) == len(wanted):
        return scheme
    items: tuple[Nameable, ...] = tuple(
        _without_parent(item) if getattr(item, "parent", None) not in (None, *wanted) else item
        for item in scheme.items
        if item.id in wanted
    )
    changes: dict[str, Any] = {type(scheme).items_member: items}
    return replaced(scheme, **changes, is_partial=True)


def _without_parent(item: Nameable) -> Nameable:
    changes: dict[str, Any] = {"parent": None}
    return replaced(item, **changes)


def _concept_schemes(
    registry: Registry, structures: Sequence[Maintainable]
) -> Iterator[ConceptScheme]:
    """Yield the concept schemes of the structures, with the concepts that these use."""
    schemes: dict[Identity, ConceptScheme] = {}
    used: dict[Identity, set[str]] = {}
    for structure in structures:
        for urn in references_of(structure):
            found = registry.structures.find(urn.maintainable)
            if isinstance(found, ConceptScheme):
                schemes[identity(found)] = found
                # A measure dimension of SDMX 2.1 refers to all concepts of a scheme.
                ids = [urn.item] if urn.item else [concept.id for concept in found.concepts]
                used.setdefault(identity(found), set()).update(ids)
    for name, scheme in schemes.items():
        yield _only(scheme, used[name])


def _other_enumerations(
    registry: Registry, found: Sequence[Maintainable], known: dict[Identity, Codelist]
) -> Iterator[Maintainable]:
    """Yield what is enumerated beside the code lists of components: value lists, and what concepts have as core.

    A component may have another representation than its concept, but the concept still refers to its own.
    """
    seen = set(known)
    for artefact in found:
        for urn in references_of(artefact):
            other = registry.structures.find(urn.maintainable)
            if isinstance(other, Codelist | ValueList) and identity(other) not in seen:
                seen.add(identity(other))
                yield registry.with_inherited_codes(other)


def _shares_lists_unequally(components: Sequence[Coded]) -> bool:
    """Tell whether the code lists alone do not say which codes each component may have."""
    allowed: dict[Identity, set[frozenset[str]]] = {}
    for component in components:
        if component.codelist is not None:
            codes = frozenset(code.id for code in component.allowed_codes)
            allowed.setdefault(identity(component.codelist), set()).add(codes)
    return any(len(different) > 1 for different in allowed.values())


def _agency_schemes(registry: Registry, found: Sequence[Maintainable]) -> Iterator[Maintainable]:
    """Yield the agency schemes with the agencies that maintain what was found."""
    partial = PartialSchemes(registry, found, ())
    schemes: dict[Identity, AgencyScheme] = {}
    for artefact in found:
        for scheme in registry.graph.agency_schemes(artefact):
            if isinstance(scheme, AgencyScheme):
                schemes[identity(scheme)] = scheme
    yield from (partial.reduced(scheme) for scheme in schemes.values())


def measures_of(registry: Registry, dsd: Dsd) -> tuple[str | None, tuple[Concept, ...]]:
    """Return the measure dimension of SDMX 2.1 and the concepts that constraints leave of it; None without one."""
    for component in dsd.dimensions:
        note = component.definition.annotation(MEASURE_DIMENSION)
        if note is not None and note.title:
            scheme = registry.structures.get(note.title, ConceptScheme)
            return component.id, tuple(c for c in scheme.concepts if component.allows(c.id))
    return None, ()
