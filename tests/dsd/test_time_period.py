"""Time periods: SDMX 3.1 Section 6, 4.2."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pandas as pd
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from dsd.time_period import (
    DAY,
    SECOND,
    Frequency,
    PeriodSyntaxError,
    check_start_day,
    frequency_matches,
    parse_period,
)

years = st.integers(2, 9998)
start_days = st.dates(date(2001, 1, 1), date(2001, 12, 31)).map(lambda day: f"--{day:%m-%d}")


def interval(text: str, start_day: str = "--01-01") -> tuple[str, str]:
    period = parse_period(text, start_day)
    return period.start.isoformat(), period.end.isoformat()


@pytest.mark.parametrize(
    ("text", "start", "end", "frequency"),
    [
        ("2010", "2010-01-01", "2010-12-31", "A"),
        ("2010-A1", "2010-01-01", "2010-12-31", "A"),
        ("2010-S1", "2010-01-01", "2010-06-30", "S"),
        ("2010-S2", "2010-07-01", "2010-12-31", "S"),
        ("2010-T3", "2010-09-01", "2010-12-31", "T"),
        ("2012-Q4", "2012-10-01", "2012-12-31", "Q"),
        ("2012-M02", "2012-02-01", "2012-02-29", "M"),
        ("2012-02", "2012-02-01", "2012-02-29", "M"),
        ("2012-W01", "2012-01-02", "2012-01-08", "W"),
        ("2010-D001", "2010-01-01", "2010-01-01", "D"),
        ("2012-D366", "2012-12-31", "2012-12-31", "D"),
        ("2010-02-28", "2010-02-28", "2010-02-28", "D"),
        ("2010-02-28T12:30:00", "2010-02-28", "2010-02-28", "dateTime"),
        ("2023-01-01/P10M", "2023-01-01", "2023-10-31", "range"),
        ("2023-01-15/P1Y2M3D", "2023-01-15", "2024-03-17", "range"),
        ("2023-01-31/P1M", "2023-01-31", "2023-02-27", "range"),
        ("2023-01-01T12:00:00/PT36H", "2023-01-01", "2023-01-02", "range"),
        ("9999", "9999-01-01", "9999-12-31", "A"),
        ("9999-Q4", "9999-10-01", "9999-12-31", "Q"),
        ("9999-D365", "9999-12-31", "9999-12-31", "D"),
        ("9999-12-01/P1M", "9999-12-01", "9999-12-31", "range"),
        ("9999-12-31/P1D", "9999-12-31", "9999-12-31", "range"),
        ("0001", "0001-01-01", "0001-12-31", "A"),
    ],
)
def test_each_form_covers_its_interval(text: str, start: str, end: str, frequency: str) -> None:
    assert interval(text) == (start, end)
    assert parse_period(text).frequency == frequency
    assert parse_period(text).text == text


@pytest.mark.parametrize(
    ("text", "start_day", "start", "end"),
    [
        # The two test vectors of Section 6, 4.2.8.
        ("2010-Q2", "--07-01", "2010-10-01", "2010-12-31"),
        ("2011-W36", "--07-01", "2012-03-05", "2012-03-11"),
        ("2010-A1", "--07-01", "2010-07-01", "2011-06-30"),
        ("2010-D001", "--04-06", "2010-04-06", "2010-04-06"),
        ("2010-M06", "--08-31", "2011-01-31", "2011-02-27"),
        # A Gregorian period and a range do not know of reporting years.
        ("2010", "--07-01", "2010-01-01", "2010-12-31"),
        ("2010-03", "--07-01", "2010-03-01", "2010-03-31"),
        ("2010-01-01/P1Y", "--07-01", "2010-01-01", "2010-12-31"),
        ("9999-S1", "--07-01", "9999-07-01", "9999-12-31"),
    ],
)
def test_reporting_periods_follow_the_start_of_the_reporting_year(
    text: str, start_day: str, start: str, end: str
) -> None:
    assert interval(text, start_day) == (start, end)


@pytest.mark.parametrize("zone", ["Z", "+07:00", "-03:30", "+14:00"])
@pytest.mark.parametrize(
    "text", ["2010", "2010-01", "2010-01-31", "2010-Q1", "2010-01-01T00:00:00"]
)
def test_a_period_keeps_its_days_and_knows_its_time_zone(text: str, zone: str) -> None:
    period, bare = parse_period(text + zone), parse_period(text)
    assert interval(text + zone) == interval(text)
    assert (period.first, period.stop, period.zone_text) == (bare.first, bare.stop, zone)
    assert (
        period.ahead == {"Z": 0, "+07:00": 420, "-03:30": -210, "+14:00": 840}[zone] * 60 * SECOND
    )
    assert (bare.zone, bare.ahead, bare.zone_text) == (None, 0, "")


def test_the_zone_of_the_period_precedes_that_of_the_start_of_the_year() -> None:
    assert parse_period("2010-Q1", "--07-01+07:00").zone_text == "+07:00"
    assert parse_period("2010-Q1Z", "--07-01+07:00").zone_text == "Z"
    assert parse_period("2010", "--07-01+07:00").zone is None


def test_a_date_time_is_one_moment() -> None:
    moment = parse_period("2010-02-28T12:30:05.25")
    assert moment.first_moment == moment.last_moment
    assert moment.last_moment.isoformat() == "2010-02-28T12:30:05.250000"


def test_no_fraction_of_a_second_is_lost() -> None:
    texts = [f"2010-02-28T12:30:05.{digits}" for digits in ("0", "000000000001", "1", "10", "2")]
    first = [parse_period(text).first for text in texts]
    assert first == sorted(first)
    assert len(set(first)) == len(texts) - 1
    assert first[2] - first[0] == SECOND // 10
    short = parse_period("2010-02-28T23:59:59.5/PT0.7S")
    assert short.stop - short.first == 7 * SECOND // 10
    assert (short.start, short.end) == (date(2010, 2, 28), date(2010, 3, 1))
    assert short.first_moment == short.last_moment


def test_the_end_of_a_day_is_the_start_of_the_next() -> None:
    assert parse_period("2010-12-31T24:00:00").first_moment.isoformat() == "2011-01-01T00:00:00"


def test_a_day_covers_its_first_and_last_second() -> None:
    day = parse_period("2010-02-28")
    assert day.first_moment.isoformat() == "2010-02-28T00:00:00"
    assert day.last_moment.isoformat() == "2010-02-28T23:59:59"
    assert day.stop - day.first == DAY


def test_periods_of_whole_days_say_so() -> None:
    for text in ("2010", "2010-Q1", "2010-02-28", "2010-01-01/P10M", "2010-01-01T00:00:00/PT24H"):
        assert parse_period(text).is_of_days, text
    for text in ("2010Z", "2010-01-01T00:00:00", "2010-01-01/PT1H", "2010-01-01T10:00:00/P1D"):
        assert not parse_period(text).is_of_days, text


def test_periods_are_sorted_by_moments_on_the_clock_of_utc() -> None:
    texts = [
        "2010-03-31T06:59:59.9+07:00",
        "2010-03-31T00:00:00",
        "2010-03-31",
        "2010",
        "2010-04-01T00:00:00-00:01",
    ]
    found = sorted(texts, key=lambda text: parse_period(text).place)
    assert found == [texts[3], *texts[:3], texts[4]]
    assert max(texts, key=lambda text: parse_period(text).end_place) == "2010"


def test_a_week_that_a_year_lacks_counts_on_where_that_is_asked_for() -> None:
    week = parse_period("2010-W53", strict=False)
    assert week[2:4] == parse_period("2011-W01")[2:4]
    assert parse_period("2010-D366", strict=False).start == date(2011, 1, 1)
    assert parse_period("9999-Q4", "--07-15", strict=False).stop > parse_period("9999").stop
    with pytest.raises(PeriodSyntaxError, match="beyond the years"):
        _ = parse_period("9999-Q4", "--07-15", strict=False).end
    with pytest.raises(PeriodSyntaxError, match="no day 0"):
        parse_period("2010-D000", strict=False)


def test_a_range_ends_a_second_before_the_next_begins() -> None:
    hour = parse_period("2010-01-01T12:00:00/PT1H")
    assert hour.last_moment.isoformat() == "2010-01-01T12:59:59"


def test_only_reporting_periods_say_so() -> None:
    assert parse_period("2010-A1").is_reporting
    assert not parse_period("2010").is_reporting


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "write it as 2010"),
        ("soon", "write it as 2010"),
        ("2010Q1", "write 2010-Q1"),
        ("2010-q01", "write 2010-Q1"),
        ("2010-M3", "write 2010-M03"),
        ("2010 W7", "write 2010-W07"),
        ("2010-D90", "write 2010-D090"),
        ("2010-Q5", "write it as 2010"),
        ("2010-Q1 ", "write 2010-Q1"),
        ("2010-13", "no month 13"),
        ("2010-00", "no month 00"),
        ("2010-02-29", "no day of the calendar"),
        ("2010-01-01T24:00:01", "no time of the day"),
        ("2010-01-01T12:60:00", "no time of the day"),
        ("2010+15:00", "no time period"),
        ("2014-W53", "no week 53"),
        ("2010-D366", "no day 366"),
        ("2010-D000", "no day 0"),
        ("0000", "years run from 0001"),
        ("9999-W52", "beyond the years 0001 to 9999"),
        ("9999-D366", "no day 366"),
        ("9999-12-31T24:00:00/P1D", "beyond the years 0001 to 9999"),
        ("9999-12-31T24:00:00", "beyond the years 0001 to 9999"),
        ("9999-12-01/P5M", "beyond the years 0001 to 9999"),
        ("9999-12-31/P2D", "beyond the years 0001 to 9999"),
        ("2010-01-01/P999999999D", "beyond the years 0001 to 9999"),
        ("2010-01-01/P0D", "lasts for some time"),
        ("2010-01-01/P", "no duration"),
        ("2010-01-01/P1YT", "no duration"),
        ("2010-01-01/-P1Y", "no duration"),
        ("2010-01/P1Y", "starts with a day"),
        ("\uff12\uff10\uff11\uff10", "no time period"),
    ],
)
def test_what_is_no_period_says_how_to_write_one(text: str, why: str) -> None:
    with pytest.raises(PeriodSyntaxError, match=why):
        parse_period(text)


def test_a_reporting_period_past_the_calendar_is_refused() -> None:
    with pytest.raises(PeriodSyntaxError, match="beyond the years 0001 to 9999"):
        parse_period("9999-Q4", "--07-15")


@pytest.mark.parametrize("text", ["--13-01", "--04-31", "--02-29", "07-01", "--7-1", "--00-10"])
def test_a_reporting_year_starts_on_a_day_that_each_year_has(text: str) -> None:
    with pytest.raises(PeriodSyntaxError, match="--MM-DD"):
        check_start_day(text)


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("A", "2010", True),
        ("A", "2010-A1", True),
        ("A", "2010-Q1", False),
        ("Q", "2010-Q1", True),
        ("M", "2010-01", True),
        ("W", "2010-W01", True),
        ("D", "2010-01-01", True),
        ("B", "2010-01-01", True),
        ("H", "2010-01-01T10:00:00", True),
        ("A2", "2010", True),
        ("A2", "2010-01", False),
        ("A", "2010-01-01/P10M", True),
        ("_Z", "2010-Q1", True),
    ],
)
def test_a_frequency_fits_the_periods_of_its_length(code: str, text: str, expected: bool) -> None:
    assert frequency_matches(code, parse_period(text)) is expected


# -- against the calendars of others ---------------------------------------------------------------


@given(st.dates(date(1, 1, 8), date(9998, 12, 20)))
def test_weeks_are_those_of_iso_8601(day: date) -> None:
    year, week, weekday = day.isocalendar()
    period = parse_period(f"{year:04}-W{week:02}")
    assert period.start == day - timedelta(days=weekday - 1)
    assert period.end == period.start + timedelta(days=6)


@given(years)
def test_week_53_is_where_iso_8601_has_it(year: int) -> None:
    try:
        date.fromisocalendar(year, 53, 1)
    except ValueError:
        with pytest.raises(PeriodSyntaxError, match="no week 53"):
            parse_period(f"{year:04}-W53")
    else:
        assert parse_period(f"{year:04}-W53").start == date.fromisocalendar(year, 53, 1)


@given(st.dates(date(1700, 1, 1), date(2250, 1, 1)), st.sampled_from("AQMD"))
def test_periods_are_those_of_pandas(day: date, letter: str) -> None:
    theirs = pd.Period(day.isoformat(), freq={"A": "Y"}.get(letter, letter))
    number = {
        "A": "A1",
        "Q": f"Q{theirs.quarter}",
        "M": f"M{theirs.month:02}",
        "D": f"D{theirs.day_of_year:03}",
    }[letter]
    ours = parse_period(f"{day.year}-{number}")
    assert (ours.start, ours.end) == (theirs.start_time.date(), theirs.end_time.date())


@given(years, start_days, st.sampled_from([("A", 1), ("S", 2), ("T", 3), ("Q", 4), ("M", 12)]))
def test_the_parts_of_a_reporting_year_fill_it(
    year: int, start_day: str, division: tuple[str, int]
) -> None:
    letter, count = division
    width = 2 if letter == "M" else 1
    parts = [
        parse_period(f"{year:04}-{letter}{number:0{width}}", start_day)
        for number in range(1, count + 1)
    ]
    base = date(year, int(start_day[2:4]), int(start_day[5:]))
    assert parts[0].start == base
    assert parts[-1].end == base + relativedelta(years=1, days=-1)
    for earlier, later in pairwise(parts):
        assert later.start == earlier.end + timedelta(days=1)


@given(years, start_days)
def test_the_weeks_of_a_reporting_year_lead_to_the_next(year: int, start_day: str) -> None:
    def exists(number: int) -> bool:
        try:
            parse_period(f"{year:04}-W{number:02}", start_day)
        except PeriodSyntaxError:
            return False
        return True

    last = 53 if exists(53) else 52
    following = parse_period(f"{year + 1:04}-W01", start_day) if year < 9998 else None
    assert parse_period(f"{year:04}-W01", start_day).start.weekday() == 0
    if following:
        assert (
            parse_period(f"{year:04}-W{last}", start_day).end + timedelta(days=1) == following.start
        )


@given(st.dates(date(1, 1, 1), date(9000, 1, 1)), st.integers(0, 900), st.integers(1, 9999))
def test_ranges_end_where_dateutil_says(day: date, months: int, days: int) -> None:
    period = parse_period(f"{day.isoformat()}/P{months}M{days}D")
    assert period.end == day + relativedelta(months=months) + timedelta(days=days - 1)


@given(st.text(max_size=20))
def test_any_text_is_a_period_or_a_period_syntax_error(text: str) -> None:
    try:
        period = parse_period(text)
    except PeriodSyntaxError:
        return
    assert period.first_moment <= period.last_moment


@given(
    st.from_regex(
        r"\d{4}(-([ASTQMWD]?\d{1,3}|\d\d-\d\d(T\d\d:\d\d:\d\d)?))?(/P\d{1,12}[YMD])?",
        fullmatch=True,
    )
)
def test_what_looks_like_a_period_is_one_or_a_period_syntax_error(text: str) -> None:
    try:
        period = parse_period(text)
    except PeriodSyntaxError:
        return
    assert period.first_moment <= period.last_moment


def test_frequencies_of_reporting_periods_are_their_letters() -> None:
    assert [entry.value for entry in Frequency if len(entry.value) == 1] == list("ASTQMWD")
