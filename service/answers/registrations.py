"""A registration query to its answer: which agreements have data here, where, and since when.

SDMX-REST 2.2.2, doc/registration.md. SDMX 3.1 Section 5: a registration says that data of a provision agreement have
been published and where they can be had. This service publishes what agreements report itself, so that its
registrations follow from its data: one for each agreement that has some.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from codelists.urn import Urn, parse_urn
from dsd.registration import Datasource, Registration
from dsd.structure import Dataflow, DataStructure, ProvisionAgreement, QueryableDataSource
from dsd.structures import UnknownArtefactError
from service.answers.answer import Answer, Sources, Wanted, answer_tag
from service.answers.errors import NoResultsError, UnknownResourceError
from service.answers.resolution import Target, agreement_target
from service.answers.unknown import unknown_artefact
from service.formats.contract import Header
from service.formats.registry_formats import RegistryFormat
from service.formats.registry_xml import encode_registrations
from service.query.registration_query import CONTEXTS, RegistrationBy, RegistrationQuery
from service.query.selection import Selection
from service.query.versions import ALL_VERSIONS
from service.registry.registry import Registry

_TYPES = {
    "datastructure": DataStructure.type_name,
    "dataflow": Dataflow.type_name,
    "provisionagreement": ProvisionAgreement.type_name,
}


def answer_registrations(
    sources: Sources, query: RegistrationQuery, wanted: Wanted[RegistryFormat], entry_point: str
) -> Answer:
    """Return the answer, complete; the sources of data are under the entry point.

    Raises:
        NoResultsError: nothing matches.
        UnknownResourceError: the query names one registration or artefact, which is not there.
        StoreError: the store cannot be read.
    """
    found = list(_registered(sources, query, entry_point))
    if not found:
        raise _nothing(sources.registry, query)
    registrations, instants = zip(*found, strict=True)
    newest = max(instants)
    tag = answer_tag((registrations, wanted.content_type), wanted.coding)
    body = None
    if not wanted.has(tag):
        # The instant of the data, not of the request: equal tags mean equal bytes (RFC 9110, 8.8.1).
        header = Header(id=f"ILMS{tag[:16].upper()}", prepared=newest)
        message = encode_registrations(
            wanted.format.form, header, registrations, sources.registry.structures
        )
        body = sources.spool.fill((message,), wanted.coding)
    return Answer(
        tag=tag,
        content_type=wanted.content_type,
        coding=wanted.coding,
        languages=wanted.options.languages,
        file_name=f"registrations{wanted.format.extension}",
        body=body,
        last_modified=newest,
    )


@dataclass(frozen=True)
class _Agreed:
    """An agreement with the data that it is on."""

    agreement: ProvisionAgreement
    target: Target

    @property
    def id(self) -> str:
        """Identity of its registration: that of the agreement, in the letters that an id may have.

        An agency has no `$`, a version no `_`, and neither has `@`.
        """
        agency = self.agreement.agency_id.replace(".", "$")
        return f"{agency}@{self.agreement.id}@{self.agreement.version.replace('.', '_')}"


def _registered(
    sources: Sources, query: RegistrationQuery, entry_point: str
) -> Iterator[tuple[Registration, datetime]]:
    """Yield the registrations that a query asks for, each with the instant of its last update."""
    after, before = query.updated_after, query.updated_before
    for agreed in _asked(sources.registry, query):
        try:
            selection = agreed.target.within_regions(Selection(agreed.target.read))
        except NoResultsError:
            # Its constraints leave it nothing to report.
            continue
        updated = sources.store.last_change(selection).at
        if updated is None or not sources.store.count(selection):
            continue
        if (after is None or updated > after) and (before is None or updated < before):
            yield _registration(agreed, updated, entry_point), updated


def _registration(agreed: _Agreed, updated: datetime, entry_point: str) -> Registration:
    agreement = agreed.agreement
    path = f"{agreement.agency_id}/{agreement.id}/{agreement.version}"
    has_time = agreed.target.read.time_dimension is not None
    return Registration(
        id=agreed.id,
        last_updated=updated.isoformat(),
        # What availability and data queries tell of: series, values of dimensions, periods; not values of attributes.
        index_time_series=has_time,
        index_data_set=True,
        index_reporting_period=has_time,
        provision_agreement=str(agreement.urn),
        datasource=Datasource(
            # "An SDMX-ML data message": in the format of that name, whatever a client prefers.
            simple_data_source=f"{entry_point}/data/provisionagreement/{path}?format=structurespecificdata",
            queryable_data_source=QueryableDataSource(
                data_url=entry_point, is_rest_datasource=True, is_web_service_datasource=False
            ),
        ),
    )


def _asked(registry: Registry, query: RegistrationQuery) -> Iterator[_Agreed]:
    """Yield the agreements whose registrations a query asks for, in the order of their identities."""
    named = _named(registry, query) if query.by is RegistrationBy.CONTEXT else frozenset()
    for artefact in registry.match(ProvisionAgreement.type_name, (), (), ALL_VERSIONS):
        if not isinstance(artefact, ProvisionAgreement):
            continue
        try:
            target = agreement_target(registry, artefact)
        except UnknownArtefactError:
            # What it refers to is not all there, so that nothing can have been stored under it.
            continue
        if target is None:
            continue
        agreed = _Agreed(artefact, target)
        if _is_asked(agreed, query, named):
            yield agreed


def _is_asked(agreed: _Agreed, query: RegistrationQuery, named: frozenset[Urn]) -> bool:
    if query.by is RegistrationBy.ID:
        return not query.ids or agreed.id in query.ids
    if query.by is RegistrationBy.CONTEXT:
        read = agreed.target.read
        return not named.isdisjoint((agreed.agreement.urn, read.urn, read.structure.urn))
    if agreed.agreement.data_provider is None:
        return False
    provider = parse_urn(agreed.agreement.data_provider)
    return (not query.agencies or provider.agency in query.agencies) and (
        not query.ids or provider.item in query.ids
    )


def _named(registry: Registry, query: RegistrationQuery) -> frozenset[Urn]:
    """Return the artefacts that a query names, of all its contexts."""
    return frozenset(
        artefact.urn
        for context in query.contexts or CONTEXTS
        for artefact in registry.match(_TYPES[context], query.agencies, query.ids, query.version)
    )


def _nothing(registry: Registry, query: RegistrationQuery) -> Exception:
    """Return why there is no registration: what is named is not there, or nothing of it is registered."""
    if len(query.ids) == 1:
        if query.by is RegistrationBy.ID:
            return UnknownResourceError(f"there is no registration {query.ids[0]}")
        if query.by is RegistrationBy.CONTEXT and not _named(registry, query):
            contexts = query.contexts or CONTEXTS
            of_types = [
                artefact
                for context in contexts
                for artefact in registry.match(_TYPES[context], (), (), ALL_VERSIONS)
            ]
            what, id = " or ".join(contexts), query.ids[0]
            return unknown_artefact(what, of_types, query.agencies, id, query.version)
    return NoResultsError("no registration matches the query")
