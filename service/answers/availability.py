"""An availability query to its answer: which values, series and observations a data query would find.

SDMX-REST 1.5.0, 4.6.1 "Other queries"; SDMX-REST 2.2.2, doc/availability.md. Values and counts are read when they are
asked for: nothing of them is kept, so that they are never out of date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from codelists.base import Maintainable
from codelists.item_scheme import Codelist, ConceptScheme, DataProviderScheme, ItemScheme
from codelists.urn import Urn, parse_urn
from dsd.finding import Report
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.structure import (
    AvailabilityConstraint,
    AvailabilityConstraintAttachment,
    CubeRegion,
    Dataflow,
    DataStructure,
    PeriodBound,
    ProvisionAgreement,
    TimeRange,
    ValueSet,
)
from dsd.time_period import parse_period
from service.answers.answer import Answer, Sources, Wanted, answer_tag
from service.answers.errors import NoResultsError
from service.answers.resolution import Target, resolve
from service.answers.spool import Body
from service.formats.contract import Header, NotExpressibleError, StructureFormat
from service.query.availability_query import AvailabilityQuery, Mode
from service.query.binding import bind
from service.query.canonical import canonical
from service.query.errors import SemanticError, nearest
from service.query.source import Availability
from service.registry.item_query import with_scheme_items
from service.registry.registry import Registry

_ALL_REFERENCES = ("codelist", "datastructure", "conceptscheme", "dataflow", "dataproviderscheme")


def answer_availability(
    sources: Sources, query: AvailabilityQuery, wanted: Wanted[StructureFormat]
) -> Answer:
    """Return the answer, complete: a constraint for each artefact that the query names and that has data.

    Raises:
        NoResultsError: no data match.
        UnknownResourceError: the query names one artefact, which is not there.
        SemanticError: it asks for something that the structure does not have.
        NotExpressibleError: the format cannot write the answer.
        StoreError: the store cannot be read.
    """
    targets = resolve(sources.registry, query.data)
    revisions = sources.store.revisions([target.dataflow for target in targets])
    tag = answer_tag(
        (
            [(target.name, revision) for target, revision in zip(targets, revisions, strict=True)],
            sources.registry.content_hash,
            query.data.grammar,
            canonical(query),
            wanted.content_type,
            wanted.options,
        ),
        wanted.coding,
    )
    body = None
    if not wanted.has(tag):
        # Beside others, a dataflow that never had data says nothing.
        filled = [t for t, revision in zip(targets, revisions, strict=True) if revision.number]
        moment = max((revision.at for revision in revisions if revision.at), default=None)
        found = list(_constraints(sources, query, filled or targets[:1], moment))
        if not found:
            raise NoResultsError("no data match the query")
        body = _body(sources, query, found, wanted, tag)
    return Answer(
        tag=tag,
        content_type=wanted.content_type,
        coding=wanted.coding,
        languages=wanted.options.languages,
        file_name=f"availability{wanted.format.extension}",
        body=body,
        last_modified=max((r.at for r in revisions if r.at is not None), default=None),
        # The header holds the instant at which a message is made, so equal answers differ in bytes.
        is_exact=False,
    )


@dataclass(frozen=True)
class _Found:
    """What is available of one artefact."""

    name: Urn
    dsd: Dsd
    dataflow: Urn
    values: dict[str, tuple[str, ...]]
    """By dimension asked for, in the order of the DSD; periods in time order."""
    series: int
    observations: int

    def constraint(self) -> AvailabilityConstraint:
        """Return it as an artefact; the identity is for the versions of SDMX in which it has one."""
        key_values = tuple(
            _period_value(id, values)
            if self.dsd[id].role is Role.TIME
            else ValueSet(id=id, include=True, values=values)
            for id, values in self.values.items()
            if values
        )
        return AvailabilityConstraint(
            id=f"{self.name.id}_AVAILABILITY",
            agency_id=self.name.agency,
            version="1.0",
            constraint_attachment=_attachment(self.name),
            cube_region=CubeRegion(include=True, key_values=key_values),
            series_count=self.series,
            obs_count=self.observations,
        )


def _period_value(id: str, periods: Sequence[str]) -> ValueSet:
    bounds = TimeRange(
        start_period=PeriodBound(period=periods[0]), end_period=PeriodBound(period=periods[-1])
    )
    return ValueSet(id=id, include=True, time_range=bounds)


def _attachment(name: Urn) -> AvailabilityConstraintAttachment:
    member = {
        Dataflow.type_name: "dataflow",
        DataStructure.type_name: "data_structure",
        ProvisionAgreement.type_name: "provision_agreement",
    }[name.type]
    return AvailabilityConstraintAttachment(**{member: str(name)})


def _constraints(
    sources: Sources, query: AvailabilityQuery, targets: Sequence[Target], moment: datetime | None
) -> Iterator[_Found]:
    by_name: dict[Urn, list[_Found]] = {}
    for target in targets:
        found = _available(sources, query, target, moment)
        if any(found.values.values()):
            by_name.setdefault(target.name, []).append(found)
    for parts in by_name.values():
        yield parts[0] if len(parts) == 1 else _together(parts)


def _together(parts: Sequence[_Found]) -> _Found:
    """Return the availability of a DSD, whose data stand under several dataflows, as one."""
    first = parts[0]
    values = {id: _union(first.dsd[id], (part.values[id] for part in parts)) for id in first.values}
    return replace(
        first,
        values=values,
        series=sum(part.series for part in parts),
        observations=sum(part.observations for part in parts),
    )


def _union(component: ResolvedComponent, values: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    found = dict.fromkeys(value for part in values for value in part)
    if component.role is Role.TIME:
        periods = [parse_period(text, strict=False) for text in found]
        first = min(periods, key=lambda period: period.place)
        last = max(periods, key=lambda period: period.end_place)
        return first.text, last.text
    if component.codelist is None:
        return tuple(sorted(found))
    places = {code: place for place, code in enumerate(component.codes)}
    return tuple(sorted(found, key=lambda value: places.get(value, len(places))))


def _available(
    sources: Sources, query: AvailabilityQuery, target: Target, moment: datetime | None
) -> _Found:
    """Return what is available of one dataflow at a moment, None where nothing was ever there."""
    dsd = target.read
    asked = _dimensions(query, dsd)
    selection = replace(bind(replace(query.data, providers=()), dsd), as_of=moment)
    exact = sources.store.availability(target.within_regions(selection))
    values = {}
    for id in asked:
        found = exact
        if query.mode is Mode.AVAILABLE and selection.restricts(id):
            # What could be chosen instead at one dimension is what there is with the choices at all others.
            found = sources.store.availability(target.within_regions(selection.without(id)))
        values[id] = _values(found, dsd, id)
    return _Found(
        target.name, target.written, target.dataflow, values, exact.series, exact.observations
    )


def _dimensions(query: AvailabilityQuery, dsd: Dsd) -> tuple[str, ...]:
    for id in query.component_ids:
        if id not in dsd.key_ids:
            raise SemanticError(
                f"componentID={id}: {dsd.urn.short} has no such dimension; {nearest(id, dsd.key_ids)}"
            )
    return tuple(id for id in dsd.key_ids if not query.component_ids or id in query.component_ids)


def _values(found: Availability, dsd: Dsd, id: str) -> tuple[str, ...]:
    if dsd[id].role is not Role.TIME:
        return tuple(found.values.get(id, ()))
    if found.start_period is None or found.end_period is None:
        return ()
    return found.start_period, found.end_period


def _body(
    sources: Sources,
    query: AvailabilityQuery,
    found: Sequence[_Found],
    wanted: Wanted[StructureFormat],
    tag: str,
) -> Body:
    encode = wanted.format.encode
    if encode is None:
        raise NotExpressibleError(f"{wanted.format.media_type} can only be read")
    header = Header(id=f"ILMS{tag[:16].upper()}", prepared=sources.settings.clock())
    artefacts = (
        *_neighbours(sources.registry, query.references, found),
        *(entry.constraint() for entry in found),
    )
    # In 3.1 an availability has no identity, before it has one: neither is a loss to tell of.
    options = replace(wanted.options, report=Report())
    chunks = encode(header, artefacts, sources.registry.structures, options)
    return sources.spool.fill(chunks, wanted.coding)


# -- references ------------------------------------------------------------------------------------


def _neighbours(
    registry: Registry, references: Sequence[str], found: Sequence[_Found]
) -> list[Maintainable]:
    """Return what comes along: item schemes with what is available of them and what is above that."""
    asked = _ALL_REFERENCES if "all" in references else references
    schemes: dict[Urn, tuple[ItemScheme, set[str]]] = {}
    whole: dict[Urn, Maintainable] = {}
    for entry in found:
        if "codelist" in asked or "valuelist" in asked:
            _add_lists(schemes, entry, asked)
        if "conceptscheme" in asked:
            _add_concepts(registry, schemes, entry)
        if "dataproviderscheme" in asked:
            _add_providers(registry, schemes, entry)
        if "datastructure" in asked:
            whole[entry.dsd.structure.urn] = entry.dsd.structure
        if "dataflow" in asked:
            whole[entry.dataflow] = registry.structures.get(entry.dataflow, Dataflow)
    partial = (with_scheme_items(scheme, frozenset(ids)) for scheme, ids in schemes.values())
    return [
        *(_marked(scheme, schemes) for scheme in partial if scheme is not None),
        *whole.values(),
    ]


def _marked(scheme: ItemScheme, schemes: dict[Urn, tuple[ItemScheme, set[str]]]) -> ItemScheme:
    """Return a scheme that has all its items as it is: it is not partial."""
    original = schemes[scheme.urn][0]
    return original if len(scheme.items) == len(original.items) else scheme


def _add(
    schemes: dict[Urn, tuple[ItemScheme, set[str]]], scheme: ItemScheme, ids: Iterable[str]
) -> None:
    schemes.setdefault(scheme.urn, (scheme, set()))[1].update(ids)


def _add_lists(
    schemes: dict[Urn, tuple[ItemScheme, set[str]]], entry: _Found, asked: Sequence[str]
) -> None:
    for id, values in entry.values.items():
        codelist = entry.dsd[id].codelist
        if codelist is None:
            continue
        kind = "codelist" if codelist.type_name == Codelist.type_name else "valuelist"
        if kind in asked or "codelist" in asked:
            _add(schemes, codelist, values)


def _add_concepts(
    registry: Registry, schemes: dict[Urn, tuple[ItemScheme, set[str]]], entry: _Found
) -> None:
    for id in entry.values:
        reference = parse_urn(entry.dsd[id].definition.concept_identity)
        scheme = registry.structures.get(reference, ConceptScheme)
        _add(schemes, scheme, filter(None, (reference.item,)))


def _add_providers(
    registry: Registry, schemes: dict[Urn, tuple[ItemScheme, set[str]]], entry: _Found
) -> None:
    for agreement in registry.agreements_on(entry.dataflow):
        if agreement.data_provider and entry.name in (entry.dataflow, agreement.urn):
            provider = parse_urn(agreement.data_provider)
            scheme = registry.structures.get(provider, DataProviderScheme)
            _add(schemes, scheme, filter(None, (provider.item,)))
