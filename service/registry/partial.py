"""`detail=referencepartial`: referenced item schemes reduced to the items that the answer uses.

SDMX-REST 2.2.2, doc/structures.md, "referencepartial"; constraints on the DSD count for a dataflow as well
(sdmx-rest issue 162).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from codelists.base import Maintainable
from codelists.hierarchy import HierarchicalCodelist, Hierarchy
from codelists.item_scheme import (
    AgencyScheme,
    CategoryScheme,
    Codelist,
    ConceptScheme,
    DataConsumerScheme,
    DataProviderScheme,
    ItemScheme,
    MetadataProviderScheme,
    OrganisationUnitScheme,
    ReportingTaxonomy,
)
from dsd.metadata_structure import MetadataProvisionAgreement, MetadataStructure
from dsd.structure import (
    Categorisation,
    DataConstraint,
    Dataflow,
    DataStructure,
    MetadataConstraint,
    ProvisionAgreement,
)
from dsd.structure_map import ItemSchemeMap, RepresentationMap, StructureSet
from dsd.structures import UnknownArtefactError
from service.registry.item_query import item_ids, with_scheme_items
from service.registry.references import (
    Identity,
    agencies_of,
    identity,
    references_of,
)
from service.registry.registry import Registry

_MAPS = (ItemSchemeMap, StructureSet)
_USERS: tuple[tuple[type[ItemScheme], tuple[type[Maintainable], ...]], ...] = (
    (Codelist, (Categorisation, Hierarchy, HierarchicalCodelist, RepresentationMap, StructureSet)),
    (ConceptScheme, (Categorisation, DataStructure, MetadataStructure, *_MAPS)),
    (CategoryScheme, (Categorisation, *_MAPS)),
    (ReportingTaxonomy, (Categorisation, *_MAPS)),
    (DataProviderScheme, (Categorisation, ProvisionAgreement, DataConstraint, *_MAPS)),
    (MetadataProviderScheme, (Categorisation, MetadataProvisionAgreement, MetadataConstraint, *_MAPS)),
    (DataConsumerScheme, (Categorisation, *_MAPS)),
    (OrganisationUnitScheme, (Categorisation, *_MAPS)),
)  # fmt: skip
"""Which artefacts of an answer decide what stays of a referenced scheme, beside constraints on code lists."""

_CONSTRAINABLE = (ProvisionAgreement, Dataflow, DataStructure)


class PartialSchemes:
    """Reduces the referenced item schemes of one answer; what uses them are all its artefacts."""

    def __init__(
        self,
        registry: Registry,
        matches: Sequence[Maintainable],
        neighbours: Sequence[Maintainable],
    ) -> None:
        self._registry = registry
        self._matches = matches
        self._answer = (*matches, *neighbours)

    def reduced(self, scheme: ItemScheme) -> ItemScheme:
        """Return what the answer uses of a scheme; the scheme itself where it uses all of it, or none is said."""
        used = self._used(scheme)
        if used is None or used >= item_ids(scheme):
            return scheme
        reduced = with_scheme_items(scheme, used)
        # What is above the items used may be all the rest.
        return scheme if reduced is None or item_ids(reduced) == item_ids(scheme) else reduced

    def _used(self, scheme: ItemScheme) -> frozenset[str] | None:
        if isinstance(scheme, AgencyScheme):
            maintaining = {artefact.agency_id for artefact in self._answer}
            named = zip(scheme.agencies, agencies_of(scheme), strict=True)
            return frozenset(agency.id for agency, name in named if name in maintaining)
        users = next((users for cls, users in _USERS if isinstance(scheme, cls)), ())
        using = [artefact for artefact in self._answer if isinstance(artefact, users)]
        found = [self._items_named(artefact, scheme) for artefact in using]
        if isinstance(scheme, Codelist):
            if identity(scheme) in self._in_full:
                return None
            found.append(self._allowed.get(identity(scheme)))
        said = [items for items in found if items is not None]
        return frozenset().union(*said) if said else None

    def _items_named(self, artefact: Maintainable, scheme: ItemScheme) -> frozenset[str] | None:
        """Return the items of a scheme that an artefact names, None where it has no use for them."""
        mapped = [
            ids for urn, ids in _mapped_items(artefact) if urn and self._is(urn, identity(scheme))
        ]
        named = [
            urn.item
            for urn in references_of(artefact)
            if urn.item and urn.item != "*" and self._is(str(urn.maintainable), identity(scheme))
        ]
        if not mapped and not named:
            return None
        if any(ids is None for ids in mapped):
            return item_ids(scheme)
        return frozenset(named).union(*(ids for ids in mapped if ids is not None))

    def _is(self, urn: str, wanted: Identity) -> bool:
        found = self._registry.structures.find(urn)
        return found is not None and identity(found) == wanted

    @cached_property
    def _allowed(self) -> dict[Identity, frozenset[str]]:
        """The codes that the constraints leave of each list, in any component that has it."""
        found: dict[Identity, frozenset[str]] = {}
        for codelist, allowed in self._enumerations():
            if allowed is not None:
                found[codelist] = found.get(codelist, frozenset()) | allowed
        return found

    @cached_property
    def _in_full(self) -> frozenset[Identity]:
        """The code lists of which some component or metadata attribute may have any code."""
        return frozenset(codelist for codelist, allowed in self._enumerations() if allowed is None)

    def _enumerations(self) -> Iterator[tuple[Identity, frozenset[str] | None]]:
        """Yield the code lists of components, with what constraints leave of them."""
        for flow in self._narrowest():
            try:
                components = self._registry.dsd(flow.urn).components
            except UnknownArtefactError:
                # Where a part of a structure is not there, nothing tells what constraints leave.
                yield from self._enumerated_by(DataStructure)
                continue
            for component in components:
                if component.codelist is not None:
                    yield identity(component.codelist), component.allowed
        yield from self._enumerated_by(MetadataStructure)

    def _enumerated_by(
        self, structure_class: type[Maintainable]
    ) -> Iterator[tuple[Identity, frozenset[str] | None]]:
        for artefact in self._answer:
            if isinstance(artefact, structure_class):
                for urn in references_of(artefact):
                    found = self._registry.structures.find(urn)
                    if isinstance(found, Codelist):
                        yield identity(found), None

    def _narrowest(self) -> Sequence[Maintainable]:
        """Return the artefacts whose constraints count.

        Those that the query matches, if data are reported against them; else the dataflows of the answer,
        and each DSD that none of these uses.
        """
        matched = [found for found in self._matches if isinstance(found, _CONSTRAINABLE)]
        if matched:
            return matched
        flows = [found for found in self._answer if isinstance(found, Dataflow)]
        used = {flow.structure for flow in flows if flow.structure}
        known = (self._registry.structures.find(urn) for urn in used)
        covered = {identity(found) for found in known if found is not None}
        return [
            *flows,
            *(
                found
                for found in self._answer
                if isinstance(found, DataStructure) and identity(found) not in covered
            ),
        ]


def _mapped_items(artefact: Maintainable) -> Iterator[tuple[str | None, frozenset[str] | None]]:
    """Yield the schemes that a map is about, with the ids that it names; None where it names them by patterns."""
    if isinstance(artefact, ItemSchemeMap):
        yield artefact.source, _plain(entry.source_value for entry in artefact.item_maps)
        targets = (entry.target_value for entry in artefact.item_maps)
        yield artefact.target, frozenset(filter(None, targets))
    elif isinstance(artefact, RepresentationMap):
        for place, end in enumerate(artefact.source):
            rows = (row.source_values for row in artefact.representation_mappings)
            yield end.codelist, _plain(row[place] for row in rows if place < len(row))
        for place, end in enumerate(artefact.target):
            values = (row.target_values for row in artefact.representation_mappings)
            yield end.codelist, frozenset(row[place] for row in values if place < len(row))
    elif isinstance(artefact, StructureSet):
        for nested in (
            *artefact.codelist_maps,
            *artefact.concept_scheme_maps,
            *artefact.category_scheme_maps,
            *artefact.organisation_scheme_maps,
            *artefact.reporting_taxonomy_maps,
        ):
            yield nested.source, frozenset(pair.source for pair in nested.item_associations)
            yield nested.target, frozenset(pair.target for pair in nested.item_associations)


def _plain(values: Iterable[object]) -> frozenset[str] | None:
    found: set[str] = set()
    for value in values:
        if getattr(value, "is_reg_ex", None) or getattr(value, "start_index", None) is not None:
            return None
        found.add(str(getattr(value, "value", value)))
    return frozenset(found)
