"""`detail=referencepartial`: referenced item schemes reduced to the items that the answer uses.

SDMX-REST 2.2.2, doc/structures.md, "referencepartial"; constraints on the DSD count for a dataflow as well
(sdmx-rest issue 162).
"""

from __future__ import annotations

from collections.abc import Sequence

from codelists.base import Maintainable
from codelists.item_scheme import (
    AgencyScheme,
    CategoryScheme,
    Codelist,
    ConceptScheme,
    DataProviderScheme,
    ItemScheme,
)
from dsd.structure import (
    Categorisation,
    DataConstraint,
    Dataflow,
    DataStructure,
    ProvisionAgreement,
)
from service.registry.item_query import item_ids, with_flat_items, with_items
from service.registry.references import identity, references_of
from service.registry.registry import Registry

_USERS: tuple[tuple[type[ItemScheme], tuple[type[Maintainable], ...]], ...] = (
    (ConceptScheme, (DataStructure,)),
    (CategoryScheme, (Categorisation,)),
    (DataProviderScheme, (ProvisionAgreement, DataConstraint)),
)
"""Which artefacts of an answer decide what stays of a referenced scheme."""

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
        if isinstance(scheme, CategoryScheme):
            return with_items(scheme, used) or scheme
        reduced = with_flat_items(scheme, used)
        # What is above the items used may be all the rest.
        return scheme if reduced is None or len(reduced.items) == len(scheme.items) else reduced

    def _used(self, scheme: ItemScheme) -> frozenset[str] | None:
        if isinstance(scheme, Codelist):
            return self._allowed_codes(scheme)
        if isinstance(scheme, AgencyScheme):
            prefix = "" if scheme.agency_id == "SDMX" else f"{scheme.agency_id}."
            agencies = {artefact.agency_id for artefact in self._answer}
            return frozenset(a.removeprefix(prefix) for a in agencies)
        for scheme_class, users in _USERS:
            if isinstance(scheme, scheme_class):
                return self._referenced_items(scheme, users)
        return None

    def _referenced_items(
        self, scheme: ItemScheme, users: tuple[type[Maintainable], ...]
    ) -> frozenset[str] | None:
        using = [artefact for artefact in self._answer if isinstance(artefact, users)]
        if not using:
            return None
        target = identity(scheme)
        return frozenset(
            urn.item
            for artefact in using
            for urn in references_of(artefact)
            if urn.item
            and (found := self._registry.structures.find(urn))
            and identity(found) == target
        )

    def _allowed_codes(self, codelist: Codelist) -> frozenset[str] | None:
        """Return the codes that the constraints leave in any component that has this list, None for all."""
        allowed: set[str] = set()
        is_used = False
        for flow in self._narrowest():
            for component in self._registry.dsd(flow.urn).components:
                if component.codelist is None or identity(component.codelist) != identity(codelist):
                    continue
                if component.allowed is None:
                    return None
                is_used = True
                allowed |= component.allowed
        return frozenset(allowed) if is_used else None

    def _narrowest(self) -> Sequence[Maintainable]:
        """Return the artefacts whose constraints count.

        Those that the query matches, if data are reported against them; else the dataflows of the answer,
        and each DSD that none of these uses.
        """
        matched = [found for found in self._matches if isinstance(found, _CONSTRAINABLE)]
        if matched:
            return matched
        flows = [found for found in self._answer if isinstance(found, Dataflow)]
        used = {identity(self._registry.dsd(flow.urn).structure) for flow in flows}
        return [
            *flows,
            *(
                found
                for found in self._answer
                if isinstance(found, DataStructure) and identity(found) not in used
            ),
        ]
