"""Conditions on TIME_PERIOD: what they take, exactly, and as bounds on whole days.

SDMX 3.1 Section 6, 4.2.14 "Time in Query Messages": every period is a distinct range of time, and so is what an operator
makes of the period asked for; data match where their period lies within.

- Reporting periods asked for are those of the reporting year of the data, "regardless of the actual start day of the
  reporting year"; Gregorian data are matched as if it started on 1 January. Where a query says when its reporting year
  starts (`reportingYearStartDay`, SDMX-REST 2.2.2), all data are matched by the days that this makes. From `--07-01` on,
  2010-Q3 begins on 2011-01-01, as Section 6 has it (footnote 6); doc/data.md of SDMX-REST says 2010-01-01 in its example.
- A period asked for without a time zone is one on the clock of the place that the data come from: "an indeterminate local
  time" (SDMXMessage.xsd, Timezone). One with a time zone is one of moments; data without one are at UTC then, which
  Section 6, 4.2.10 presumes.
- A period ends a second before the next begins (23:59:59, Section 6, 4.2.3), where it is compared with a moment; a moment
  within that last second belongs to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from dsd.resolved import Dsd
from dsd.time_period import (
    DAY,
    DEFAULT_START_DAY,
    REPORTING_YEAR_START_DAY,
    SECOND,
    AbsentPeriodError,
    Period,
    PeriodSyntaxError,
    parse_period,
)
from service.query.errors import QuerySyntaxError
from service.query.expression import TEXT_OPERATORS
from service.query.selection import Condition, Operator, PeriodTerm

_LAST_DAY = date.max.toordinal() - 1


@lru_cache(maxsize=1024)
def asked_period(text: str, start_day: str) -> Period:
    """Return the period that a query asks for, in reporting years that start on a day.

    A week 53 or day 366 that the year lacks covers nothing, at the end of that year: what lies before or after it still
    has a meaning. It may end beyond the calendar.

    Raises:
        PeriodSyntaxError: it is no period.
    """
    found = parse_period(text, start_day, strict=False)
    try:
        parse_period(text, start_day)
    except AbsentPeriodError:
        return found._replace(stop=found.first)
    except PeriodSyntaxError:
        pass
    return found


# -- exactly ---------------------------------------------------------------------------------------


def takes(term: PeriodTerm, seen: Period, start_day: str = DEFAULT_START_DAY) -> bool:
    """Tell whether a term takes the period of an observation, whose reporting year starts on a day."""
    if not all(_has_text(condition, seen.text) for condition in term.texts):
        return False
    if not term.exact:
        return _within_days(term, seen)
    own = term.start_day or (start_day if seen.is_reporting else DEFAULT_START_DAY)
    return all(
        passes(condition.operator, asked_period(condition.value, own), seen)
        for condition in term.exact
    )


def passes(operator: Operator, asked: Period, seen: Period) -> bool:
    """Tell whether data of one period are what an operator makes of another."""
    if asked.zone is not None:
        asked, seen = _at_utc(asked), _at_utc(seen)
    return _MEANING[operator](asked, seen)


def _at_utc(period: Period) -> Period:
    return period._replace(first=period.first - period.ahead, stop=period.stop - period.ahead)


def _ge(asked: Period, seen: Period) -> bool:
    return seen.first >= asked.first


def _gt(asked: Period, seen: Period) -> bool:
    return seen.first > asked.first if asked.is_moment else seen.first >= asked.stop


def _le(asked: Period, seen: Period) -> bool:
    if asked.is_moment:
        return seen.last_second <= asked.first
    return seen.first < asked.stop if seen.is_moment else seen.stop <= asked.stop


def _lt(asked: Period, seen: Period) -> bool:
    return seen.first < asked.first if seen.is_moment else seen.stop <= asked.first


def _eq(asked: Period, seen: Period) -> bool:
    return _ge(asked, seen) and _le(asked, seen)


def _ne(asked: Period, seen: Period) -> bool:
    return not _eq(asked, seen)


_MEANING: dict[Operator, Callable[[Period, Period], bool]] = {
    Operator.EQ: _eq,
    Operator.NE: _ne,
    Operator.LT: _lt,
    Operator.LE: _le,
    Operator.GT: _gt,
    Operator.GE: _ge,
}


def _has_text(condition: Condition, text: str) -> bool:
    value = condition.value
    return {
        Operator.CONTAINS: value in text,
        Operator.NOT_CONTAINS: value not in text,
        Operator.STARTS_WITH: text.startswith(value),
        Operator.ENDS_WITH: text.endswith(value),
    }[condition.operator]


def _within_days(term: PeriodTerm, seen: Period) -> bool:
    return (
        (term.starts_from is None or seen.start >= term.starts_from)
        and (term.ends_by is None or seen.end <= term.ends_by)
        and not any(first <= seen.start and seen.end <= last for first, last in term.not_within)
    )


# -- as bounds on whole days -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Bounds:
    """The first and last day that one condition allows, counted from the year 0001."""

    first: int = 0
    last: int = _LAST_DAY

    @property
    def is_empty(self) -> bool:
        """True where no day is left."""
        return self.first > self.last


def period_term(
    conditions: Sequence[Condition], start_day: str | None, dsd: Dsd
) -> PeriodTerm | None:
    """Return the conjunction of conditions, None where no period can satisfy it.

    Args:
        conditions: on TIME_PERIOD.
        start_day: of the reporting year, as the query has it; None where it does not say.
        dsd: the structure of the data.

    Raises:
        QuerySyntaxError: a period that does not exist, as the reporting year starts with the calendar's.
    """
    texts = tuple(entry for entry in conditions if entry.operator in TEXT_OPERATORS)
    intervals = tuple(entry for entry in conditions if entry.operator not in TEXT_OPERATORS)
    has_start_days = REPORTING_YEAR_START_DAY in dsd
    asked = [(entry.operator, _asked(entry, start_day, has_start_days)) for entry in intervals]
    exact = has_start_days or not all(period.is_of_days for _, period in asked)
    limits = [_bounds(operator, period) for operator, period in asked if operator != Operator.NE]
    first = max((entry.first for entry in limits), default=0)
    last = min((entry.last for entry in limits), default=_LAST_DAY)
    if first > last:
        if not exact:
            return None
        first, last = _LAST_DAY, 0
    without = [
        _bounds(Operator.EQ, period) for operator, period in asked if operator == Operator.NE
    ]
    return PeriodTerm(
        None if first <= 0 else _day(first),
        None if last >= _LAST_DAY else _day(last),
        tuple(
            dict.fromkeys(
                (_day(entry.first), _day(entry.last)) for entry in without if not entry.is_empty
            )
        ),
        texts,
        intervals if exact else (),
        start_day if exact else None,
    )


def _asked(condition: Condition, start_day: str | None, has_start_days: bool) -> Period:
    if has_start_days and start_day is None:
        return asked_period(condition.value, DEFAULT_START_DAY)
    try:
        return parse_period(condition.value, start_day or DEFAULT_START_DAY)
    except PeriodSyntaxError as error:
        raise QuerySyntaxError(f"TIME_PERIOD: {error}") from error


def _day(number: int) -> date:
    return date.fromordinal(min(max(number, 0), _LAST_DAY) + 1)


def _bounds(operator: Operator, asked: Period) -> _Bounds:
    """Return the days that data of whole days, without a time zone, may begin and end on."""
    return _DAYS[operator](_at_utc(asked))


def _upwards(moment: int) -> int:
    return -(-moment // DAY)


def _ge_days(asked: Period) -> _Bounds:
    return _Bounds(first=_upwards(asked.first))


def _gt_days(asked: Period) -> _Bounds:
    return _Bounds(first=asked.first // DAY + 1 if asked.is_moment else _upwards(asked.stop))


def _le_days(asked: Period) -> _Bounds:
    return _Bounds(last=(asked.first + SECOND if asked.is_moment else asked.stop) // DAY - 1)


def _lt_days(asked: Period) -> _Bounds:
    return _Bounds(last=asked.first // DAY - 1)


def _eq_days(asked: Period) -> _Bounds:
    return _Bounds(_ge_days(asked).first, _le_days(asked).last)


_DAYS: dict[Operator, Callable[[Period], _Bounds]] = {
    Operator.EQ: _eq_days,
    Operator.LT: _lt_days,
    Operator.LE: _le_days,
    Operator.GT: _gt_days,
    Operator.GE: _ge_days,
}
