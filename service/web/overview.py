"""What the service holds, as a page tells it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from codelists.item_scheme import CategoryScheme
from codelists.urn import Urn, parse_urn
from dsd.resolved import Dsd
from dsd.structure import Categorisation, Dataflow
from service.answers.answer import Sources
from service.query.selection import Selection
from service.query.source import Availability, Revision

TABLE_NUMBER = "TABLE_NUMBER"
"""Annotation that holds the number of a table in the questionnaire."""

_WITHOUT_NUMBER = 10**6


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


class Overview:
    """Tells what there is. What a dataflow holds is asked again only when its data have changed."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._held: dict[Urn, tuple[Revision, Availability]] = {}

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
        revision, held = self._availability(flow.urn, dsd)
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
        )

    def _availability(self, dataflow: Urn, dsd: Dsd) -> tuple[Revision, Availability | None]:
        revision = self._sources.store.revision(dataflow)
        if revision.number == 0:
            return revision, None
        known = self._held.get(dataflow)
        if known is None or known[0] != revision:
            known = (revision, self._sources.store.availability(Selection(dsd)))
            self._held[dataflow] = known
        return known


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
