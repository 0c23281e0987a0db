"""The periods of a selection one by one, for data whose days alone do not tell what is asked for or what comes first.

Leaves are sorted by the first and last day of periods, which decide nearly everything: periods of whole days, in years
that are those of the calendar. For parts of a day, time zones and reporting years that start on another day, the distinct
periods of the leaves, which are few beside their rows, are put in order and judged here; rows are joined to them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import product
from typing import NamedTuple

from dsd.resolved import Dsd
from dsd.time_period import (
    DEFAULT_START_DAY,
    REPORTING_YEAR_START_DAY,
    Period,
    PeriodSyntaxError,
    check_start_day,
    parse_period,
)
from service.query.periods import takes
from service.query.selection import PeriodTerm
from service.store.above import Level, above_of
from service.store.catalog import AttributeStates, Leaf

KNOWN_TEXTS = 500_000
"""Distinct texts that are kept for all leaves together."""
KEPT_ENTRIES = 200_000
"""Entries of all timelines that are kept."""


def stored_period(text: str, start_day: str = DEFAULT_START_DAY) -> Period:
    """Return a period of the store, which may be a week 53 or day 366 of a reporting year not known here."""
    return parse_period(text, start_day, strict=False)


class Entry(NamedTuple):
    """A period with the day on which its reporting year starts."""

    period: Period
    start_day: str
    """As the data say it."""
    year_start: str
    """The same where years can start on it, else what was taken instead."""
    place: int
    """The same for all that cover the same interval."""


@dataclass(frozen=True)
class Timeline:
    """Periods in time order: their numbers are what rows are sorted by."""

    entries: tuple[Entry, ...]
    taken: Sequence[int]
    """The numbers of the entries that a selection takes."""
    start_days: tuple[Level, ...] | None = None
    """Starts of reporting years that stand above the observation; None where every year is that of the calendar."""

    def taking(self, terms: Sequence[PeriodTerm]) -> Timeline:
        """Return the same order with the periods that any of the terms takes."""
        if not terms:
            return self
        taken = tuple(
            number
            for number in self.taken
            if any(
                takes(term, self.entries[number].period, self.entries[number].year_start)
                for term in terms
            )
        )
        return Timeline(self.entries, taken, self.start_days)

    def periods(self, numbers: Iterable[int]) -> list[Period]:
        """Return the periods of some numbers."""
        return [self.entries[number].period for number in numbers]

    @cached_property
    def texts(self) -> list[str]:
        """The periods taken, as they are written."""
        return [self.entries[number].period.text for number in self.taken]

    @cached_property
    def days(self) -> list[str]:
        """The start days of their reporting years."""
        return [self.entries[number].start_day for number in self.taken]

    @cached_property
    def places(self) -> list[int]:
        """Their places in time."""
        return [self.entries[number].place for number in self.taken]

    @cached_property
    def span(self) -> tuple[date, date] | None:
        """First and last day as the leaves have them, so that what lies outside need not be read."""
        periods = [stored_period(text) for text in set(self.texts)]
        if not periods:
            return None
        return min(entry.start for entry in periods), max(entry.end for entry in periods)


@dataclass(frozen=True)
class _Known:
    """The distinct values that a leaf has of one component."""

    texts: tuple[str, ...]

    @cached_property
    def is_of_days(self) -> bool:
        """True where they are periods of whole days."""
        return all(stored_period(text).is_of_days for text in self.texts)


class Timelines:
    """The timelines of leaves. Leaves never change: what is known of one stays true."""

    def __init__(self, distinct: Callable[[Sequence[Leaf], str], Mapping[str, Sequence[str]]]):
        """Take the way to read the distinct values that each of some leaves, by its path, has of a component."""
        self._distinct = distinct
        self._known: dict[tuple[str, str], _Known] = {}
        self._kept: dict[tuple[frozenset[str], frozenset[str]], tuple[Entry, ...]] = {}

    def of(self, leaves: Sequence[Leaf], dsd: Dsd, attributes: AttributeStates) -> Timeline | None:
        """Return the timeline of some leaves, None where their days tell all."""
        time = dsd.time_dimension
        if time is None or not leaves:
            return None
        known = self._of_leaves(leaves, time.id)
        above = above_of(attributes, dsd, (REPORTING_YEAR_START_DAY,))
        levels = above.get(REPORTING_YEAR_START_DAY, ())
        days = self._days(leaves, levels) if REPORTING_YEAR_START_DAY in dsd else frozenset()
        if not days and all(entry.is_of_days for entry in known):
            return None
        key = frozenset(leaf.path for leaf in leaves), days
        entries = self._kept.get(key)
        if entries is None:
            texts = {text for entry in known for text in entry.texts}
            entries = _ordered(texts, days or {DEFAULT_START_DAY})
            if sum(map(len, list(self._kept.values()))) + len(entries) > KEPT_ENTRIES:
                self._kept = {}
            self._kept[key] = entries
        return Timeline(entries, range(len(entries)), levels if days else None)

    def _days(self, leaves: Sequence[Leaf], levels: Sequence[Level]) -> frozenset[str]:
        """Return the start days of reporting years, none where each is that of the calendar."""
        holding = [leaf for leaf in leaves if REPORTING_YEAR_START_DAY in leaf.columns]
        stored = self._of_leaves(holding, REPORTING_YEAR_START_DAY)
        above = {str(day) for level in levels for day in level.values.values()}
        found = above.union(*(entry.texts for entry in stored))
        return frozenset(found | {DEFAULT_START_DAY} if found - {DEFAULT_START_DAY} else ())

    def _of_leaves(self, leaves: Sequence[Leaf], component: str) -> list[_Known]:
        known = self._known
        missing = [leaf for leaf in leaves if (leaf.path, component) not in known]
        if missing:
            if sum(len(entry.texts) for entry in list(known.values())) > KNOWN_TEXTS:
                known = self._known = {}
                missing = list(leaves)
            for path, texts in self._distinct(missing, component).items():
                # Leaves of one dataflow mostly have the same periods.
                known[path, component] = _Known(tuple(map(sys.intern, texts)))
        return [known[leaf.path, component] for leaf in leaves]


def _ordered(texts: Iterable[str], days: Iterable[str]) -> tuple[Entry, ...]:
    """Return every period in every reporting year, in time order."""
    starts = [(day, _usable(day)) for day in days]
    periods = (
        (stored_period(text, start), day, start) for text, (day, start) in product(texts, starts)
    )
    in_order = sorted((period.place, day, start, period) for period, day, start in periods)
    found: list[Entry] = []
    interval, place = None, 0
    for key, day, start, period in in_order:
        if key[:2] != interval:
            interval, place = key[:2], len(found)
        found.append(Entry(period, day, start, place))
    return tuple(found)


def _usable(day: str) -> str:
    """Return a start day that years can start on; validation reports what is none."""
    try:
        check_start_day(day)
    except PeriodSyntaxError:
        return DEFAULT_START_DAY
    return day
