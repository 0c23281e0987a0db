"""What is asked for, bound to a DSD: the form in which the store and the encoders see a query."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from dsd.resolved import Dsd


class Operator(StrEnum):
    """Operators of the `c` parameter. SDMX-REST 2.2.2, doc/data.md."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    CONTAINS = "co"
    NOT_CONTAINS = "nc"
    STARTS_WITH = "sw"
    ENDS_WITH = "ew"


@dataclass(frozen=True)
class Condition:
    """One comparison: the operator applies to this value only."""

    operator: Operator
    value: str


def is_value(term: tuple[Condition, ...]) -> bool:
    """Tell whether a conjunction only names one value, as each of `A,B,C` does."""
    return len(term) == 1 and term[0].operator is Operator.EQ


@dataclass(frozen=True)
class ComponentFilter:
    """A disjunction of conjunctions over one component: `A,B+C` is A or (B and C).

    Of a component with several values, a condition holds where one of them satisfies it, `ne` and `nc`
    where none of them equals or contains the value; so these two hold where there is no value at all.
    Values of a numeric component compare as numbers, all others as text.
    """

    component: str
    terms: tuple[tuple[Condition, ...], ...]


@dataclass(frozen=True)
class PeriodTerm:
    """One conjunction over TIME_PERIOD as bounds on the interval that a period covers.

    A period passes where its first day is at or after `starts_from`, its last day at or before `ends_by`,
    and so on; None leaves a side open. `not_within` are intervals in which it must not lie (`ne`).

    That is all where `exact` is empty; else it is so for data of whole days whose reporting year is the calendar's,
    and `service.query.periods.takes` tells it for all data.
    """

    starts_from: date | None = None
    ends_by: date | None = None
    not_within: tuple[tuple[date, date], ...] = ()
    texts: tuple[Condition, ...] = ()
    """Conditions on the period as it is written: what it holds, begins or ends with."""
    exact: tuple[Condition, ...] = ()
    """All other conditions, where days alone do not decide them."""
    start_day: str | None = None
    """Start of the reporting year that they speak of; None for that of the data."""


@dataclass(frozen=True)
class Order:
    """One component that rows are sorted by: dimensions and codes by their text, periods in time, numbers as numbers."""

    component: str
    descending: bool = False


@dataclass(frozen=True)
class Selection:
    """A query bound to one DSD. Every part is a conjunct; empty parts select everything."""

    dsd: Dsd
    keys: tuple[dict[str, frozenset[str]], ...] = ()
    """Partial keys, any of which may match: dimension id to the codes asked for. No codes: matches nothing."""
    filters: tuple[ComponentFilter, ...] = ()
    """On any component but TIME_PERIOD."""
    periods: tuple[PeriodTerm, ...] = ()
    """Any of which may match."""
    component_ids: tuple[str, ...] | None = None
    """Components to return, in DSD order, last `ANNOTATIONS` where notes above the observation are among them; None for all. Dimensions are always among them, TIME_PERIOD only
    unless series alone are asked for (`series_only`)."""
    first_n: int | None = None
    """Observations per series from its first period on, counted after all filters."""
    last_n: int | None = None
    """Observations per series up to its last period, counted after all filters."""
    offset: int = 0
    limit: int | None = None
    as_of: datetime | None = None
    """The state at this instant (UTC); None for the present."""
    since: datetime | None = None
    """Only what was written after this instant (UTC) and is there in the state asked for; None for everything."""
    gone: bool = False
    """With `since`: instead what was there at that instant and is there no more."""
    order: tuple[Order, ...] = ()
    """What rows are sorted by, before offset and limit; then, and where it is empty, by their key."""
    layout: tuple[Order, ...] = ()
    """What rows are sorted by after offset and limit, where they are shown by series; empty for as they are."""

    @property
    def is_empty(self) -> bool:
        """True where no observation can match, whatever the data."""
        return bool(self.keys) and all(
            any(not codes for codes in key.values()) for key in self.keys
        )

    def restricts(self, component_id: str) -> bool:
        """Tell whether the selection leaves values of a dimension out."""
        if self.dsd.time_dimension is not None and component_id == self.dsd.time_dimension.id:
            return bool(self.periods)
        return any(component_id in key for key in self.keys) or any(
            entry.component == component_id for entry in self.filters
        )

    def without(self, component_id: str) -> Selection:
        """Return the selection without what it says of a dimension."""
        if self.dsd.time_dimension is not None and component_id == self.dsd.time_dimension.id:
            return replace(self, periods=())
        keys = [{id: codes for id, codes in key.items() if id != component_id} for key in self.keys]
        return replace(
            self,
            # One key that asks for nothing lets everything pass.
            keys=() if {} in keys else tuple(keys),
            filters=tuple(entry for entry in self.filters if entry.component != component_id),
        )

    @property
    def series_only(self) -> bool:
        """True where one row for each series is asked for, without period; `first_n` is 1 then."""
        time = self.dsd.time_dimension
        return (
            time is not None
            and self.component_ids is not None
            and time.id not in self.component_ids
        )
