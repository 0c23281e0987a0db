"""What the service holds, as a page tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Protocol

from codelists.item_scheme import CategoryScheme, DataProviderScheme
from codelists.urn import Urn, parse_urn
from dsd.resolved import Dsd
from dsd.structure import Categorisation, Dataflow
from dsd.time_period import PeriodSyntaxError, parse_period
from service.answers.answer import Sources
from service.query.selection import Selection
from service.query.source import Availability, Revision

TABLE_NUMBER = "TABLE_NUMBER"
"""Annotation that holds the number of a table in the questionnaire."""

_WITHOUT_NUMBER = 10**6
_MOST_YEARS = 40
"""Years that the strip of a country shows, the newest ones."""


class Submitted(Protocol):
    """What the pages tell of an accepted submission: who and when, never the name of a file."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def provider(self) -> str | None: ...  # noqa: D102


class LedgerEntry(Protocol):
    """An entry of the ledger of submissions."""

    @property
    def transaction(self) -> int: ...  # noqa: D102
    @property
    def at(self) -> datetime: ...  # noqa: D102
    @property
    def submission(self) -> Submitted: ...  # noqa: D102


Ledger = Callable[[], Iterable[LedgerEntry]]


@dataclass(frozen=True)
class Held:
    """What a table holds of one area."""

    observations: int
    start_period: str | None
    end_period: str | None
    years: frozenset[int]
    """Years in which a period with a value begins."""


@dataclass(frozen=True)
class Table:
    """One dataflow and what it holds."""

    dataflow: Urn
    number: str
    name: str
    area_name: str
    """Name of the first dimension, by which reporting is divided."""
    areas: tuple[str, ...]
    observations: int
    start_period: str | None
    end_period: str | None
    updated: datetime | None
    key_length: int
    """Number of dimensions without time."""
    by_area: Mapping[str, Held] = field(default_factory=dict)
    area_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Return what the table is called in short: T15, or the id of a dataflow without a number."""
        return f"T{self.number}" if self.number.isdecimal() else self.dataflow.id or ""

    @property
    def path(self) -> str:
        """Return the path of the table's data under the entry point of REST 2.x."""
        flow = self.dataflow
        return f"data/dataflow/{flow.agency}/{flow.id}/{flow.version}"

    @property
    def structure_path(self) -> str:
        """Return the path of the table's structure under the entry point of REST 2.x."""
        flow = self.dataflow
        return f"structure/dataflow/{flow.agency}/{flow.id}/{flow.version}"


@dataclass(frozen=True)
class Group:
    """Tables filed under one top category; without a name those that are filed nowhere."""

    name: str | None
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Totals:
    """What all tables hold together."""

    observations: int
    tables: int
    areas: int
    start_period: str | None
    end_period: str | None
    updated: datetime | None


@dataclass(frozen=True)
class Country:
    """What all tables hold of one area."""

    code: str
    name: str
    tables: Mapping[Urn, Held]
    """By dataflow."""
    years: Mapping[int, tuple[str, ...]]
    """Labels of the tables with data, by year."""


@dataclass(frozen=True)
class Coverage:
    """Who has reported what, and for when."""

    tables: tuple[Table, ...]
    """Those that hold data."""
    countries: tuple[Country, ...]
    years: tuple[int, ...]
    """Without a gap, the newest `_MOST_YEARS` at most."""
    has_earlier: bool
    """True where some data are of earlier years."""
    most: int
    """The greatest number of tables that a country has for one year."""

    def level(self, country: Country, year: int) -> int:
        """Return how many tables a country has for a year, from 0 for none to 4 for the most of all."""
        return -(-4 * len(country.years.get(year, ())) // self.most)


@dataclass(frozen=True)
class Submission:
    """An accepted submission."""

    at: datetime
    provider: str | None
    """Name of the office."""
    tables: tuple[Table, ...]
    """Those that it changed."""


class Overview:
    """Tells what there is. What a dataflow holds is asked again only when its data have changed."""

    def __init__(self, sources: Sources, ledger: Ledger) -> None:
        self._sources = sources
        self._ledger = ledger
        self._held: dict[Urn, tuple[Revision, Availability, Mapping[str, Held]]] = {}
        self._latest: dict[tuple[str, ...], tuple[object, list[Submission]]] = {}

    def now(self) -> Overview:
        """Return the overview of the structures of now, for one page; what is known of the data is shared."""
        found = copy(self)
        found._sources = self._sources.now()
        return found

    def submissions(
        self, groups: Iterable[Group], languages: tuple[str, ...], limit: int
    ) -> list[Submission]:
        """Return the newest submissions that changed something; they are asked for again after new ones only."""
        tables = [table for group in groups for table in group.tables if table.updated is not None]
        changed = [(table.dataflow, table.updated) for table in tables]
        state = (limit, self._sources.registry.content_hash, changed)
        known = self._latest.get(languages)
        if known is None or known[0] != state:
            known = (state, self._submissions(tables, languages, limit))
            self._latest[languages] = known
        return known[1]

    def _submissions(
        self, tables: Iterable[Table], languages: tuple[str, ...], limit: int
    ) -> list[Submission]:
        changed: dict[int, list[Table]] = {}
        for table in tables:
            for revision in self._sources.store.history(table.dataflow):
                changed.setdefault(revision.number, []).append(table)
        return [
            Submission(
                at=entry.at,
                provider=self._provider_name(entry.submission.provider, languages),
                tables=tuple(changed.get(entry.transaction, ())),
            )
            for entry in islice(self._ledger(), limit)
        ]

    def _provider_name(self, provider: str | None, languages: tuple[str, ...]) -> str | None:
        if provider is None:
            return None
        urn = parse_urn(provider)
        scheme = self._sources.registry.structures.find(urn.maintainable)
        offices = scheme.data_providers if isinstance(scheme, DataProviderScheme) else ()
        office = next((entry for entry in offices if entry.id == urn.item), None)
        return office.label(languages) if office else urn.item

    def groups(self, languages: tuple[str, ...]) -> list[Group]:
        """Return the tables by top category, in the order of the category schemes."""
        structures = self._sources.registry.structures
        tables = [self._table(flow, languages) for flow in structures.of_type(Dataflow)]
        tables.sort(key=lambda table: (_sort_number(table.number), table.dataflow))
        filed = dict(self._categories(languages))
        names = list(dict.fromkeys(self._category_names(languages)))
        return [
            Group(name, members)
            for name in (*names, None)
            if (members := tuple(t for t in tables if filed.get(t.dataflow) == name))
        ]

    def _category_names(self, languages: tuple[str, ...]) -> Iterator[str]:
        for scheme in self._sources.registry.structures.of_type(CategoryScheme):
            for category in scheme.categories:
                yield category.label(languages)

    def _categories(self, languages: tuple[str, ...]) -> Iterator[tuple[Urn, str]]:
        """Yield each categorised artefact with the name of the top category above it."""
        structures = self._sources.registry.structures
        for filing in structures.of_type(Categorisation):
            target = parse_urn(filing.target or "")
            source = structures.find(filing.source or "")
            scheme = structures.find(target)
            if source is None or not isinstance(scheme, CategoryScheme):
                continue
            root = (target.item or "").partition(".")[0]
            for category in scheme.categories:
                if category.id == root:
                    yield source.urn, category.label(languages)

    def _table(self, flow: Dataflow, languages: tuple[str, ...]) -> Table:
        dsd = self._sources.registry.dsd(flow.urn)
        revision, held, by_area = self._availability(flow.urn, dsd)
        area = dsd.dimensions[0]
        return Table(
            dataflow=flow.urn,
            number=flow.annotation_value(TABLE_NUMBER)
            or dsd.structure.annotation_value(TABLE_NUMBER)
            or "",
            name=flow.label(languages),
            area_name=area.concept.label(languages),
            areas=held.values.get(area.id, ()) if held else (),
            observations=held.observations if held else 0,
            start_period=held.start_period if held else None,
            end_period=held.end_period if held else None,
            updated=revision.at,
            key_length=len(dsd.dimensions),
            by_area=by_area,
            area_names={
                code: area.codes[code].label(languages) for code in by_area if code in area.codes
            },
        )

    def _availability(
        self, dataflow: Urn, dsd: Dsd
    ) -> tuple[Revision, Availability | None, Mapping[str, Held]]:
        revision = self._sources.store.revision(dataflow)
        if revision.number == 0:
            return revision, None, {}
        known = self._held.get(dataflow)
        if known is None or known[0] != revision:
            whole = self._sources.store.availability(Selection(dsd))
            area = dsd.dimensions[0].id
            by_area = {code: self._held_of(dsd, area, code) for code in whole.values.get(area, ())}
            known = (revision, whole, by_area)
            self._held[dataflow] = known
        return known

    def _held_of(self, dsd: Dsd, area: str, code: str) -> Held:
        found = self._sources.store.availability(Selection(dsd, ({area: frozenset({code})},)))
        time = dsd.time_dimension
        periods = found.values.get(time.id, ()) if time else ()
        return Held(
            found.observations,
            found.start_period,
            found.end_period,
            frozenset(year for period in periods for year in _years(period)),
        )


def _years(period: str) -> Iterator[int]:
    """Yield the year in which a period begins; a value that is no period has none."""
    try:
        yield parse_period(period).first_moment.year
    except PeriodSyntaxError:
        return


def coverage(groups: Iterable[Group]) -> Coverage:
    """Return who has reported what, the countries in the order of their names."""
    tables = tuple(table for group in groups for table in group.tables if table.observations)
    names = {code: name for table in tables for code, name in table.area_names.items()}
    countries = []
    for code, name in sorted(names.items(), key=lambda entry: entry[1]):
        held = {table.dataflow: table.by_area[code] for table in tables if code in table.by_area}
        years: dict[int, tuple[str, ...]] = {}
        for table in tables:
            if table.dataflow in held:
                for year in held[table.dataflow].years:
                    years[year] = (*years.get(year, ()), table.label)
        countries.append(Country(code, name, held, years))
    known = {year for country in countries for year in country.years}
    span = tuple(range(min(known), max(known) + 1)) if known else ()
    most = max((len(labels) for c in countries for labels in c.years.values()), default=1)
    return Coverage(tables, tuple(countries), span[-_MOST_YEARS:], len(span) > _MOST_YEARS, most)


def _sort_number(text: str) -> int:
    return int(text) if text.isdecimal() else _WITHOUT_NUMBER


def totals(groups: list[Group]) -> Totals:
    """Return the sums over all tables."""
    tables = [table for group in groups for table in group.tables if table.observations]
    return Totals(
        observations=sum(table.observations for table in tables),
        tables=len(tables),
        areas=len({area for table in tables for area in table.areas}),
        start_period=min((t.start_period for t in tables if t.start_period), default=None),
        end_period=max((t.end_period for t in tables if t.end_period), default=None),
        updated=max((t.updated for t in tables if t.updated), default=None),
    )
