"""Periods of a query as bounds. SDMX 3.1 Section 6, 4.2.14: how periods compare."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsd.resolved import Dsd
from dsd.time_period import parse_period
from service.query.binding import bind
from service.query.data_query import parse_data_query_v1, parse_data_query_v2
from service.query.errors import QuerySyntaxError, SemanticError
from service.query.periods import takes
from service.query.selection import Condition, Operator, PeriodTerm, Selection


def v1(dsd: Dsd, query: str) -> Selection:
    return bind(parse_data_query_v1("F", query), dsd)


def v2(dsd: Dsd, expression: str, more: str = "") -> Selection:
    return bind(parse_data_query_v2("", f"c[TIME_PERIOD]={expression}{more}"), dsd)


def passes(selection: Selection, text: str) -> bool:
    """Tell whether an observation's period is selected, as a store is to decide it by days.

    Where it covers whole days, the exact way comes to the same.
    """
    if selection.is_empty:
        return False
    period = parse_period(text)
    by_days = not selection.periods or any(
        takes(replace(term, exact=()), period) for term in selection.periods
    )
    if period.is_of_days:
        assert by_days is (
            not selection.periods or any(takes(t, period) for t in selection.periods)
        )
    return by_days


def test_the_end_period_takes_in_all_finer_periods_of_its_year(dsd: Dsd) -> None:
    selection = v1(dsd, "endPeriod=2012")
    for text in ("2012", "2012-12", "2012-Q4", "2012-12-31", "2012-S2", "2012-M12", "2012-D366"):
        assert passes(selection, text), text
    for text in ("2013", "2013-01", "2013-W01"):
        assert not passes(selection, text), text


def test_the_start_period_takes_in_all_finer_periods_of_its_year(dsd: Dsd) -> None:
    selection = v1(dsd, "startPeriod=2012")
    for text in ("2012", "2012-01", "2012-Q1", "2012-01-01", "2013"):
        assert passes(selection, text), text
    for text in ("2011", "2011-12", "2011-12-31"):
        assert not passes(selection, text), text


def test_a_coarser_period_must_fit_in_whole(dsd: Dsd) -> None:
    selection = v1(dsd, "startPeriod=2012-Q2&endPeriod=2012-Q4")
    assert not passes(selection, "2012")
    assert passes(selection, "2012-S2")


def test_start_and_end_are_one_conjunction(dsd: Dsd) -> None:
    assert v1(dsd, "startPeriod=2010&endPeriod=2012-06").periods == (
        PeriodTerm(date(2010, 1, 1), date(2012, 6, 30)),
    )


def test_start_and_end_narrow_every_alternative(dsd: Dsd) -> None:
    query = parse_data_query_v2("", "c[TIME_PERIOD]=ge:2005,lt:2003")
    both = replace(query, start_period="2002", end_period="2010")
    assert bind(both, dsd).periods == (
        PeriodTerm(date(2005, 1, 1), date(2010, 12, 31)),
        PeriodTerm(date(2002, 1, 1), date(2002, 12, 31)),
    )


@pytest.mark.parametrize(
    ("expression", "term"),
    [
        ("2010", PeriodTerm(date(2010, 1, 1), date(2010, 12, 31))),
        ("eq:2010", PeriodTerm(date(2010, 1, 1), date(2010, 12, 31))),
        ("ne:2010", PeriodTerm(None, None, ((date(2010, 1, 1), date(2010, 12, 31)),))),
        ("ge:2010", PeriodTerm(date(2010, 1, 1))),
        ("gt:2010", PeriodTerm(date(2011, 1, 1))),
        ("le:2010", PeriodTerm(None, date(2010, 12, 31))),
        ("lt:2010", PeriodTerm(None, date(2009, 12, 31))),
        ("ge:2010+le:2012", PeriodTerm(date(2010, 1, 1), date(2012, 12, 31))),
        ("ge:2010+ge:2011+gt:2009", PeriodTerm(date(2011, 1, 1))),
        (
            "ge:2010+ne:2011+ne:2011",
            PeriodTerm(date(2010, 1, 1), None, ((date(2011, 1, 1), date(2011, 12, 31)),)),
        ),
        ("ge:2010-01-01T00:00:00", PeriodTerm(date(2010, 1, 1))),
        ("ge:2010-01-01T00:00:01", PeriodTerm(date(2010, 1, 2))),
        ("le:2010-12-31T23:59:59", PeriodTerm(None, date(2010, 12, 31))),
        ("le:2010-12-31T23:59:58", PeriodTerm(None, date(2010, 12, 30))),
        ("gt:2010-01-01T12:00:00", PeriodTerm(date(2010, 1, 2))),
        ("lt:2010-01-01T12:00:00", PeriodTerm(None, date(2009, 12, 31))),
        ("2010-01-01/P10M", PeriodTerm(date(2010, 1, 1), date(2010, 10, 31))),
    ],
)
def test_each_operator_sets_its_bounds(dsd: Dsd, expression: str, term: PeriodTerm) -> None:
    (found,) = v2(dsd, expression).periods
    assert replace(found, exact=()) == term
    # Whole days are decided by days alone.
    assert bool(found.exact) is ("T" in expression)


def test_alternatives_stay_apart(dsd: Dsd) -> None:
    assert v2(dsd, "2010,ge:2015").periods == (
        PeriodTerm(date(2010, 1, 1), date(2010, 12, 31)),
        PeriodTerm(date(2015, 1, 1)),
    )


def test_the_start_of_the_reporting_year_moves_the_bounds(dsd: Dsd) -> None:
    start_day = "&reportingYearStartDay=--07-01"
    assert v2(dsd, "ge:2010-Q3", start_day).periods == (PeriodTerm(date(2011, 1, 1)),)
    assert v2(dsd, "ge:2010", start_day).periods == (PeriodTerm(date(2010, 1, 1)),)


@pytest.mark.parametrize(
    "expression",
    ["ge:2012+le:2010", "lt:0001", "gt:9999", "lt:0001,gt:9999"],
)
def test_bounds_that_nothing_can_meet_select_nothing(dsd: Dsd, expression: str) -> None:
    assert v2(dsd, expression).is_empty


def test_an_alternative_that_nothing_can_meet_is_left_out(dsd: Dsd) -> None:
    assert v2(dsd, "lt:0001,ge:2010").periods == (PeriodTerm(date(2010, 1, 1)),)


def test_bounds_at_the_ends_of_the_calendar_are_open(dsd: Dsd) -> None:
    assert v2(dsd, "ge:0001+le:9999").periods == (PeriodTerm(),)


@pytest.mark.parametrize(
    ("expression", "operator", "text"),
    [
        ("co:Q", Operator.CONTAINS, "Q"),
        ("nc:Q", Operator.NOT_CONTAINS, "Q"),
        ("sw:20", Operator.STARTS_WITH, "20"),
        ("ew:Q1", Operator.ENDS_WITH, "Q1"),
    ],
)
def test_some_conditions_are_on_the_text(
    dsd: Dsd, expression: str, operator: Operator, text: str
) -> None:
    assert v2(dsd, expression).periods == (PeriodTerm(texts=(Condition(operator, text),)),)


@pytest.mark.parametrize(
    "expression",
    [
        "ge:9999-12-31T12:00:00",
        "eq:2010-01-01T12:00:00",
        "ge:2010-01-01T10:00:00+le:2010-01-01T11:00:00",
    ],
)
def test_parts_of_a_day_have_room_for_no_whole_day(dsd: Dsd, expression: str) -> None:
    (term,) = v2(dsd, expression).periods
    assert not takes(replace(term, exact=()), parse_period("9999-12-31"))
    assert not takes(replace(term, exact=()), parse_period("2010-01-01"))
    inside = "9999-12-31T23:00:00" if "9999" in expression else "2010-01-01T12:00:00"
    assert takes(term, parse_period(inside)) is ("le" not in expression)


def test_a_week_that_the_year_lacks_is_refused_where_years_are_those_of_the_calendar(
    dsd: Dsd,
) -> None:
    with pytest.raises(QuerySyntaxError, match="no week 53"):
        v2(dsd, "ge:2010-W53")


def test_conditions_on_time_and_text_stand_together(dsd: Dsd) -> None:
    assert v2(dsd, "ge:2010+ew:Q1,2005").periods == (
        PeriodTerm(date(2010, 1, 1), texts=(Condition(Operator.ENDS_WITH, "Q1"),)),
        PeriodTerm(date(2005, 1, 1), date(2005, 12, 31)),
    )


@pytest.mark.parametrize("query", ["c[TIME_PERIOD]=2010"])
def test_a_dsd_without_time_has_no_periods(timeless_dsd: Dsd, query: str) -> None:
    with pytest.raises(SemanticError, match="no time dimension"):
        bind(parse_data_query_v2("", query), timeless_dsd)


def test_a_dsd_without_time_has_no_start_period(timeless_dsd: Dsd) -> None:
    with pytest.raises(SemanticError, match="no time dimension"):
        v1(timeless_dsd, "startPeriod=2010")


# -- against the calendar of pandas ----------------------------------------------------------------


def label(period: pd.Period) -> str:
    return {
        "Y-DEC": f"{period.year}",
        "Q-DEC": f"{period.year}-Q{period.quarter}",
        "M": f"{period.year}-{period.month:02}",
        "D": str(period),
        "W-SUN": "{}-W{:02}".format(*period.start_time.isocalendar()[:2]),
    }[period.freqstr]


pandas_periods = st.builds(
    lambda day, freq: pd.Period(day.isoformat(), freq=freq),
    st.dates(date(2009, 12, 20), date(2012, 1, 10)),
    st.sampled_from(["Y", "Q", "M", "W", "D"]),
)


def moments(period: pd.Period) -> tuple[datetime, datetime]:
    return period.start_time, period.end_time


MEANING = {
    # The observation's first and last moment against those asked for, as Section 6 words it.
    "gt": lambda seen, asked: seen[0] > asked[1],
    "lt": lambda seen, asked: seen[1] < asked[0],
    "ge": lambda seen, asked: seen[0] >= asked[0],
    "le": lambda seen, asked: seen[1] <= asked[1],
    "eq": lambda seen, asked: asked[0] <= seen[0] and seen[1] <= asked[1],
    "ne": lambda seen, asked: not (asked[0] <= seen[0] and seen[1] <= asked[1]),
}
terms = st.lists(
    st.tuples(st.sampled_from(sorted(MEANING)), pandas_periods), min_size=1, max_size=3
)


@given(st.lists(terms, min_size=1, max_size=3), pandas_periods)
def test_any_expression_passes_what_the_words_of_the_standard_pass(
    dsd: Dsd, alternatives: list[list[tuple[str, pd.Period]]], seen: pd.Period
) -> None:
    expression = ",".join(
        "+".join(f"{operator}:{label(asked)}" for operator, asked in term) for term in alternatives
    )
    expected = any(
        all(MEANING[operator](moments(seen), moments(asked)) for operator, asked in term)
        for term in alternatives
    )
    assert passes(v2(dsd, expression), label(seen)) is expected


@given(pandas_periods, pandas_periods, pandas_periods)
def test_start_and_end_period_pass_what_lies_between(
    dsd: Dsd, start: pd.Period, end: pd.Period, seen: pd.Period
) -> None:
    selection = v1(dsd, f"startPeriod={label(start)}&endPeriod={label(end)}")
    expected = start.start_time <= seen.start_time and seen.end_time <= end.end_time
    assert passes(selection, label(seen)) is expected


@given(
    st.dates(date(2009, 1, 1), date(2012, 1, 1)),
    st.integers(0, 86399),
    st.sampled_from(["lt", "le", "gt", "ge"]),
)
def test_a_moment_parts_the_days(dsd: Dsd, day: date, second: int, operator: str) -> None:
    moment = pd.Timestamp(day) + timedelta(seconds=second)
    selection = v2(dsd, f"{operator}:{moment.isoformat()}")
    for offset in (-1, 0, 1):
        seen = pd.Period(day + timedelta(days=offset), freq="D")
        first, last = seen.start_time, seen.end_time.floor("s")
        expected = MEANING[operator]((first, last), (moment, moment))
        assert passes(selection, label(seen)) is expected


PAGE = Path(__file__).parents[3] / "docs" / "rest.md"
OPERATORS_ON_PAGE = re.findall(
    r"^\| `c\[TIME_PERIOD\]=((?:\w\w:)?)P`.*\| ([^|]+) \|$",
    PAGE.read_text(encoding="utf-8"),
    re.MULTILINE,
)


@pytest.mark.parametrize(("prefix", "examples"), OPERATORS_ON_PAGE)
def test_the_page_says_what_each_operator_takes(dsd: Dsd, prefix: str, examples: str) -> None:
    assert len(OPERATORS_ON_PAGE) == 6
    (term,) = v2(dsd, f"{prefix}2012").periods
    texts = re.findall(r"`([^`]+)`", examples)
    assert len(texts) > 1
    for text in texts:
        assert takes(term, parse_period(text)), text
