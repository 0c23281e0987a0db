"""What refers to what.

SDMX-REST 1.5.0, 4_4_structure_queries.md, and 2.2.2, doc/structures.md, "References": the tables of the
artefacts that each type may refer to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from codelists.base import Maintainable
from codelists.item_scheme import AgencyScheme, Codelist, ConceptScheme
from codelists.representation import Representation
from codelists.urn import Urn, parse_urn
from dsd.structure import (
    Categorisation,
    Component,
    DataConstraint,
    Dataflow,
    DataStructure,
    ProvisionAgreement,
    TimeDimension,
)
from dsd.structures import Structures

Identity = tuple[str, str, str, str]
"""Type, agency, id and version of an artefact."""


def identity(artefact: Maintainable) -> Identity:
    """Return what identifies an artefact."""
    return artefact.type_name, artefact.agency_id, artefact.id, artefact.version


def _enumeration(representation: Representation | None) -> Iterator[str]:
    if representation and representation.enumeration:
        yield representation.enumeration


def _of_codelist(artefact: Codelist) -> Iterator[str]:
    for extension in artefact.codelist_extensions:
        yield extension.codelist


def _of_concept_scheme(artefact: ConceptScheme) -> Iterator[str]:
    for concept in artefact.concepts:
        yield from _enumeration(concept.core_representation)


def _of_component(component: Component | TimeDimension) -> Iterator[str]:
    yield component.concept_identity
    yield from _enumeration(component.local_representation)
    if isinstance(component, Component):
        yield from component.concept_roles


def _of_data_structure(artefact: DataStructure) -> Iterator[str]:
    if artefact.metadata:
        yield artefact.metadata
    parts = artefact.data_structure_components
    if parts is None:
        return
    components: list[Component | TimeDimension] = [*parts.dimension_list.dimensions]
    if parts.dimension_list.time_dimension:
        components.append(parts.dimension_list.time_dimension)
    components += parts.measure_list.measures if parts.measure_list else ()
    components += parts.attribute_list.attributes if parts.attribute_list else ()
    for component in components:
        yield from _of_component(component)


def _of_dataflow(artefact: Dataflow) -> Iterator[str]:
    yield from filter(None, (artefact.structure,))


def _of_provision_agreement(artefact: ProvisionAgreement) -> Iterator[str]:
    yield from filter(None, (artefact.dataflow, artefact.data_provider))


def _of_data_constraint(artefact: DataConstraint) -> Iterator[str]:
    if artefact.constraint_attachment:
        yield from artefact.constraint_attachment.targets


def _of_categorisation(artefact: Categorisation) -> Iterator[str]:
    yield from filter(None, (artefact.source, artefact.target))


# Types that are not here refer to nothing.
_READERS: tuple[tuple[type[Maintainable], Callable[..., Iterator[str]]], ...] = (
    (Codelist, _of_codelist),
    (ConceptScheme, _of_concept_scheme),
    (DataStructure, _of_data_structure),
    (Dataflow, _of_dataflow),
    (ProvisionAgreement, _of_provision_agreement),
    (DataConstraint, _of_data_constraint),
    (Categorisation, _of_categorisation),
)


def references_of(artefact: Maintainable) -> tuple[Urn, ...]:
    """Return what an artefact refers to, items with their ids, each once, in order of appearance."""
    for artefact_class, reader in _READERS:
        if isinstance(artefact, artefact_class):
            return tuple(dict.fromkeys(parse_urn(text) for text in reader(artefact)))
    return ()


class ReferenceGraph:
    """The references of a set of artefacts in both directions, built once."""

    def __init__(self, structures: Structures) -> None:
        self._structures = structures

    @cached_property
    def _referrers(self) -> dict[Identity, list[tuple[Maintainable, str | None]]]:
        found: dict[Identity, list[tuple[Maintainable, str | None]]] = {}
        for artefact in self._structures:
            for urn in references_of(artefact):
                target = self._structures.find(urn)
                if target is not None:
                    found.setdefault(identity(target), []).append((artefact, urn.item))
        return found

    @cached_property
    def _schemes_of_agencies(self) -> dict[str, list[AgencyScheme]]:
        """Agency schemes by full agency id: an agency's own scheme holds those below it.

        The top agencies stand in the scheme of SDMX (SDMX 3.1 Section 2, "Agency Scheme"); an agency
        that lists itself is found as well.
        """
        found: dict[str, list[AgencyScheme]] = {}
        for scheme in self._structures.of_type(AgencyScheme):
            for agency in scheme.agencies:
                names = {f"{scheme.agency_id}.{agency.id}"}
                if scheme.agency_id in ("SDMX", agency.id):
                    names = {agency.id}
                for name in names:
                    found.setdefault(name, []).append(scheme)
        return found

    def children(self, artefact: Maintainable) -> Iterator[Maintainable]:
        """Yield what an artefact refers to and is there; of a wildcard version the newest."""
        seen = set()
        for urn in references_of(artefact):
            found = self._structures.find(urn)
            if found is not None and identity(found) not in seen:
                seen.add(identity(found))
                yield found

    def agency_schemes(self, artefact: Maintainable) -> Iterator[Maintainable]:
        """Yield the agency schemes that hold the agency which maintains an artefact."""
        for scheme in self._schemes_of_agencies.get(artefact.agency_id, ()):
            if identity(scheme) != identity(artefact):
                yield scheme

    def parents(
        self, artefact: Maintainable, items: frozenset[str] | None = None
    ) -> Iterator[Maintainable]:
        """Yield what refers to an artefact; with `items`, only what refers to it or one of those items."""
        seen = set()
        for referrer, item in self._referrers.get(identity(artefact), ()):
            wanted = items is None or item is None or item in items
            if wanted and identity(referrer) not in seen:
                seen.add(identity(referrer))
                yield referrer


def closure(
    start: Iterable[Maintainable], step: Callable[[Maintainable], Iterable[Maintainable]]
) -> dict[Identity, Maintainable]:
    """Return everything that repeated steps reach, without the start."""
    found: dict[Identity, Maintainable] = {}
    pending = [*start]
    begun = {identity(artefact) for artefact in pending}
    while pending:
        for artefact in step(pending.pop()):
            key = identity(artefact)
            if key not in found and key not in begun:
                found[key] = artefact
                pending.append(artefact)
    return found
