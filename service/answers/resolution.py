"""Which data a query is about: the artefacts that it names, as structures to read and to write with.

SDMX-REST 1.5.0, 4.4 "flowRef", "providerRef"; SDMX-REST 2.2.2, doc/data.md, "context".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from codelists.base import Maintainable
from codelists.urn import Urn, parse_urn
from dsd.resolved import Dsd
from dsd.structure import Dataflow, DataStructure, ProvisionAgreement
from service.answers.errors import NoResultsError, UnknownResourceError
from service.answers.unknown import unknown_artefact
from service.query.data_query import DataQuery, ProviderReference
from service.query.selection import Selection
from service.query.versions import ALL_VERSIONS
from service.registry.registry import Registry

PartialKey = dict[str, frozenset[str]]

# A wildcarded context means the first of these that has a match, so that no data come twice.
_CONTEXTS = (
    ("dataflow", Dataflow.type_name),
    ("datastructure", DataStructure.type_name),
    ("provisionagreement", ProvisionAgreement.type_name),
)


@dataclass(frozen=True)
class Target:
    """One dataset of an answer."""

    read: Dsd
    """The structure through the dataflow under which the store keeps the data."""
    written: Dsd
    """The structure through the artefact that the query names."""
    regions: tuple[PartialKey, ...] = ()
    """Parts of the cube, any of which may match: what the agreements concerned cover; empty for everything."""

    @property
    def name(self) -> Urn:
        """Identity of the artefact that the query names."""
        return self.written.agreement or self.written.urn

    @property
    def dataflow(self) -> Urn:
        """Identity of the dataflow whose data are read."""
        return self.read.urn

    def within_regions(self, selection: Selection) -> Selection:
        """Return a selection narrowed to the regions."""
        if not self.regions:
            return selection
        keys = tuple(
            both
            for key in selection.keys or ({},)
            for region in self.regions
            if (both := _intersection(key, region)) is not None
        )
        if not keys:
            raise NoResultsError("the providers or agreements asked for do not report this key")
        return replace(selection, keys=keys)


def _intersection(key: PartialKey, region: PartialKey) -> PartialKey | None:
    both = dict(key)
    for dimension, codes in region.items():
        both[dimension] = both[dimension] & codes if dimension in both else codes
        if not both[dimension]:
            return None
    return both


def resolve(registry: Registry, query: DataQuery) -> list[Target]:
    """Return what the query names, in the order of identities.

    Raises:
        UnknownResourceError: it names one artefact, which is not there.
        NoResultsError: nothing matches its wildcards, or no agreement its providers.
    """
    for context, type_name in _CONTEXTS:
        if query.context in (context, "*"):
            found = registry.match(type_name, query.agencies, query.ids, query.version)
            targets = [target for artefact in found for target in _targets(registry, artefact)]
            if targets:
                return _of_providers(registry, targets, query.providers)
    if len(query.ids) == 1:
        raise _unknown(registry, query)
    raise NoResultsError("no dataflow matches the query")


def _unknown(registry: Registry, query: DataQuery) -> UnknownResourceError:
    what = "dataflow" if query.context == "*" else query.context
    of_type = registry.match(dict(_CONTEXTS)[what], (), (), ALL_VERSIONS)
    return unknown_artefact(what, of_type, query.agencies, query.ids[0], query.version)


def _targets(registry: Registry, artefact: Maintainable) -> Iterator[Target]:
    written = registry.dsd(artefact.urn)
    if isinstance(artefact, DataStructure):
        for flow in registry.dataflows_of(artefact):
            yield Target(registry.dsd(flow.urn), written)
    elif isinstance(artefact, ProvisionAgreement) and (
        found := agreement_target(registry, artefact)
    ):
        yield found
    else:
        yield Target(written, written)


def agreement_target(registry: Registry, agreement: ProvisionAgreement) -> Target | None:
    """Return the data that an agreement is on: the part of its dataflow that it covers; None where it names none.

    Raises:
        UnknownArtefactError: something that it refers to is not there.
    """
    written = registry.dsd(agreement.urn)
    if written.dataflow is None:
        return None
    read = registry.dsd(written.dataflow.urn)
    return Target(read, written, (_region(written, read),))


def _region(agreed: Dsd, flow: Dsd) -> PartialKey:
    """Return the part of the cube that an agreement covers, beyond what constrains the whole dataflow."""
    return {
        component.id: component.allowed
        for component in agreed.dimensions
        if component.allowed is not None and component.allowed != flow[component.id].allowed
    }


def _of_providers(
    registry: Registry, targets: list[Target], providers: Iterable[ProviderReference]
) -> list[Target]:
    """Return the targets narrowed to what these providers have agreed to report."""
    wanted = list(providers)
    if not wanted:
        return targets
    narrowed = []
    for target in targets:
        regions = tuple(
            _region(registry.dsd(agreement.urn), target.read)
            for agreement in registry.agreements_on(target.dataflow)
            if _is_of(agreement, wanted)
        )
        if regions:
            narrowed.append(replace(target, regions=regions))
    if not narrowed:
        raise NoResultsError("none of these providers has an agreement on this dataflow")
    return narrowed


def _is_of(agreement: ProvisionAgreement, providers: Iterable[ProviderReference]) -> bool:
    if not agreement.data_provider:
        return False
    provider = parse_urn(agreement.data_provider)
    return any(
        entry.id in (None, provider.item) and entry.agency in (None, provider.agency)
        for entry in providers
    )
