"""Time periods as SDMX writes them, and the interval of days that each of them covers.

SDMX 3.1 Section 6 (Technical Notes), 4.2 "Time and Time Format".
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import MINYEAR, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

DEFAULT_START_DAY = "--01-01"
"""Start of the reporting year where nothing else is said."""

LAST_SECOND = time(23, 59, 59)


class Frequency(StrEnum):
    """How long a period is. The letters are those of reporting periods; Gregorian ones share them."""

    ANNUAL = "A"
    HALF_YEARLY = "S"
    TRIMESTERLY = "T"
    QUARTERLY = "Q"
    MONTHLY = "M"
    WEEKLY = "W"
    DAILY = "D"
    MOMENT = "dateTime"
    """A dateTime: a point in time."""
    RANGE = "range"
    """`start/duration`: of any length."""


class PeriodSyntaxError(ValueError):
    """A text that is no time period of SDMX, or one that the calendar does not have."""


class Period(NamedTuple):
    """A period and the interval that it covers, both ends inclusive.

    A time zone in the text is checked and otherwise left alone: the days are those of the place
    where the figure was observed. Moments are known to the second.
    """

    text: str
    frequency: Frequency
    start: date
    end: date
    start_time: time = time.min
    end_time: time = LAST_SECOND
    is_reporting: bool = False
    """True for the forms `2010-A1` to `2010-D001`, whose interval depends on the reporting year."""

    @property
    def first_moment(self) -> datetime:
        """The first second that the period covers."""
        return datetime.combine(self.start, self.start_time)

    @property
    def last_moment(self) -> datetime:
        """The last second that the period covers."""
        return datetime.combine(self.end, self.end_time)


_ZONE = r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?"
_DAY = r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"
_TIME = r"T(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:\.(?P<fraction>\d{1,12}))?"
_REPORTING = re.compile(
    r"(?P<year>\d{4})-(?P<indicator>A1|S[12]|T[1-3]|Q[1-4]|M(?:0[1-9]|1[0-2])"
    rf"|W(?:0[1-9]|[1-4]\d|5[0-3])|D(?:[0-2]\d\d|3[0-5]\d|36[0-6])){_ZONE}",
    re.ASCII,
)
_YEAR = re.compile(rf"(?P<year>\d{{4}}){_ZONE}", re.ASCII)
_YEAR_MONTH = re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d{{2}}){_ZONE}", re.ASCII)
_DATE = re.compile(_DAY + _ZONE, re.ASCII)
_DATE_TIME = re.compile(_DAY + _TIME + _ZONE, re.ASCII)
_START_DAY = re.compile(rf"--(?P<month>\d{{2}})-(?P<day>\d{{2}}){_ZONE}", re.ASCII)
_DURATION = re.compile(
    r"P(?=.)(?:(?P<years>\d{1,9})Y)?(?:(?P<months>\d{1,9})M)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})(?:\.\d{1,9})?S)?)?",
    re.ASCII,
)
# What people write instead, to be answered with the right form.
_NEARLY = re.compile(
    r"(?P<year>\d{4})[-\s/_]?(?P<letter>[ASTQMWD])[-\s]?0*(?P<number>\d{1,3})",
    re.IGNORECASE | re.ASCII,
)

_MONTHS = {"A": 12, "S": 6, "T": 4, "Q": 3, "M": 1}
_DIGITS = {"M": 2, "W": 2, "D": 3}
_FORMS = "2010, 2010-03, 2010-03-31, 2010-Q1, 2010-M03, 2010-W12, 2010-D090 or 2010-01-01/P10M"


@lru_cache(maxsize=4096)
def parse_period(text: str, reporting_year_start_day: str = DEFAULT_START_DAY) -> Period:
    """Return the period that `text` writes.

    Args:
        text: a reporting period, Gregorian period, dateTime or range, each with an optional time zone.
        reporting_year_start_day: `--MM-DD`, the day on which the year of reporting periods starts; it
            does not touch the other forms. SDMX 3.1 Section 6, 4.2.8.

    Raises:
        PeriodSyntaxError: it is none of these, or a day, week or year that the calendar lacks.

    >>> parse_period("2012-Q4").end
    datetime.date(2012, 12, 31)
    >>> parse_period("2011-W36", "--07-01").start
    datetime.date(2012, 3, 5)
    """
    for form, read in _READERS:
        if (match := form.fullmatch(text)) is not None:
            try:
                return read(match, reporting_year_start_day)
            except OverflowError as error:
                raise PeriodSyntaxError(
                    f"{text!r} reaches beyond the years 0001 to 9999, which are all the calendar has"
                ) from error
    if "/" in text:
        return _range(text)
    raise PeriodSyntaxError(f"{text!r} is no time period; {_hint(text)}")


def frequency_matches(frequency_code: str, period: Period) -> bool:
    """Tell whether a period is of the length that a code of CL_FREQ names.

    True as well where there is nothing to contradict: for a range, which exists for periods that no
    frequency fits, and for a code that names no regular frequency (`_Z`, `_O`, `N`).
    A multiple (`A2`, every two years) matches the label of its unit.

    >>> frequency_matches("A", parse_period("2010")), frequency_matches("A", parse_period("2010-Q1"))
    (True, False)
    """
    expected = _FREQUENCY_OF_CODE.get(frequency_code.rstrip("0123456789"))
    return expected is None or period.frequency in (expected, Frequency.RANGE)


_FREQUENCY_OF_CODE = {
    **{frequency.value: frequency for frequency in Frequency if len(frequency.value) == 1},
    "B": Frequency.DAILY,
    "H": Frequency.MOMENT,
    "I": Frequency.MOMENT,
}


def check_start_day(text: str) -> tuple[int, int]:
    """Return (month, day) of a reporting year start day `--MM-DD`.

    Raises:
        PeriodSyntaxError: it is no such day, or one that not every year has.
    """
    match = _START_DAY.fullmatch(text)
    if match is not None:
        month, day = int(match["month"]), int(match["day"])
        # 2001 is no leap year: 29 February would leave most reporting years without a start.
        if 1 <= month <= 12 and 1 <= day <= monthrange(2001, month)[1]:
            return month, day
    raise PeriodSyntaxError(
        f"{text!r} is no day on which every year can start; write --MM-DD, as in --07-01"
    )


def add_months(day: date, months: int) -> date:
    """Return the day `months` later; the 31st becomes the last day of a shorter month.

    Raises:
        OverflowError: the calendar ends before that.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not MINYEAR <= year <= 9999:
        raise OverflowError(f"year {year}")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _reporting(match: re.Match[str], start_day: str) -> Period:
    letter, number = match["indicator"][0], int(match["indicator"][1:])
    year = _year(match)
    month, day = check_start_day(start_day)
    base = date(year, month, day)
    if letter in _MONTHS:
        length = _MONTHS[letter]
        start = add_months(base, (number - 1) * length)
        end = _day_before_months(base, number * length)
    else:
        start, end = _counted(match.string, letter, number, base)
    return Period(match.string, Frequency(letter), start, end, is_reporting=True)


def _counted(text: str, letter: str, number: int, base: date) -> tuple[date, date]:
    """Return the interval of a week or day, which are counted from the base rather than by months."""
    length = 7 if letter == "W" else 1
    first = _week_base(base) if letter == "W" else base
    start = first + timedelta(days=(number - 1) * length)
    if number < 1 or (number > 52 and not _exists(letter, start, base)):
        unit = "week" if letter == "W" else "day"
        raise PeriodSyntaxError(f"{text!r}: the reporting year from {base} has no {unit} {number}")
    return start, start + timedelta(days=length - 1)


def _exists(letter: str, start: date, base: date) -> bool:
    """Tell whether a late week or day begins before the next reporting year does."""
    if base.year == 9999:
        return letter == "D"
    following = base.replace(year=base.year + 1)
    return start < (_week_base(following) if letter == "W" else following)


def _week_base(base: date) -> date:
    """Return the Monday on which the first week starts: the week that holds most of its days in the year.

    Friday to Sunday move on to the next Monday, the other days back to theirs (Section 6, 4.2.8).
    """
    weekday = base.weekday()
    return base + timedelta(days=7 - weekday if weekday > 3 else -weekday)


def _day_before_months(base: date, months: int) -> date:
    """Return the day before base + months, which may itself lie beyond the calendar."""
    if base.day == 1 and base.year * 12 + base.month - 1 + months == 10000 * 12:
        return date.max
    return add_months(base, months) - timedelta(days=1)


def _gregorian_year(match: re.Match[str], _: str) -> Period:
    year = _year(match)
    return Period(match.string, Frequency.ANNUAL, date(year, 1, 1), date(year, 12, 31))


def _gregorian_month(match: re.Match[str], _: str) -> Period:
    year, month = _year(match), int(match["month"])
    if not 1 <= month <= 12:
        raise PeriodSyntaxError(f"{match.string!r}: there is no month {match['month']}")
    last = monthrange(year, month)[1]
    return Period(match.string, Frequency.MONTHLY, date(year, month, 1), date(year, month, last))


def _gregorian_day(match: re.Match[str], _: str) -> Period:
    day = _date(match)
    return Period(match.string, Frequency.DAILY, day, day)


def _moment(match: re.Match[str], _: str) -> Period:
    moment = _date_time(match)
    day, at = moment.date(), moment.time()
    return Period(match.string, Frequency.MOMENT, day, day, at, at)


def _range(text: str) -> Period:
    start_text, _, duration_text = text.partition("/")
    duration = _DURATION.fullmatch(duration_text)
    if duration is None:
        raise PeriodSyntaxError(
            f"{text!r}: {duration_text!r} is no duration; write one as P10M, P1Y or P14D"
        )
    if (match := _DATE_TIME.fullmatch(start_text)) is not None:
        start = _date_time(match)
    elif (match := _DATE.fullmatch(start_text)) is not None:
        start = datetime.combine(_date(match), time.min)
    else:
        raise PeriodSyntaxError(
            f"{text!r}: a range starts with a day or a dateTime, as in 2010-01-01/P10M"
        )
    last = _last_second(text, start, duration)
    return Period(text, Frequency.RANGE, start.date(), last.date(), start.time(), last.time())


def _last_second(text: str, start: datetime, duration: re.Match[str]) -> datetime:
    """Return the last second of the range. XML Schema 1.1 Part 2, E.3.3: months first, then the rest."""
    part = {name: int(number or 0) for name, number in duration.groupdict().items()}
    months = part["years"] * 12 + part["months"]
    try:
        rest = timedelta(
            days=part["days"],
            hours=part["hours"],
            minutes=part["minutes"],
            seconds=part["seconds"],
        )
        if not months and not rest:
            raise PeriodSyntaxError(f"{text!r}: a range lasts a second or longer")
        # One second is taken off before the days are added, so that a range may end with 9999.
        last = rest - timedelta(seconds=1)
        day = _day_before_months(start.date(), months) if months else start.date()
        if months:
            last += timedelta(days=1)
        return datetime.combine(day, start.time()) + last
    except OverflowError as error:
        raise PeriodSyntaxError(
            f"{text!r} reaches beyond the years 0001 to 9999, which are all the calendar has"
        ) from error


def _year(match: re.Match[str]) -> int:
    year = int(match["year"])
    if year < MINYEAR:
        raise PeriodSyntaxError(f"{match.string!r}: years run from 0001 to 9999")
    return year


def _date(match: re.Match[str]) -> date:
    try:
        return date(_year(match), int(match["month"]), int(match["day"]))
    except ValueError as error:
        raise PeriodSyntaxError(f"{match.string!r} is no day of the calendar: {error}") from error


def _date_time(match: re.Match[str]) -> datetime:
    day = _date(match)
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    try:
        if (hour, minute, second, int(match["fraction"] or 0)) == (24, 0, 0, 0):
            return datetime.combine(day + timedelta(days=1), time.min)
        return datetime.combine(day, time(hour, minute, second))
    except ValueError as error:
        raise PeriodSyntaxError(f"{match.string!r} is no time of the day: {error}") from error


def _hint(text: str) -> str:
    match = _NEARLY.fullmatch(text.strip())
    if match is not None:
        letter = match["letter"].upper()
        right = f"{match['year']}-{letter}{match['number'].zfill(_DIGITS.get(letter, 1))}"
        if _REPORTING.fullmatch(right):
            return f"write {right}"
    return f"write it as {_FORMS}"


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], Period]], ...] = (
    (_YEAR, _gregorian_year),
    (_REPORTING, _reporting),
    (_YEAR_MONTH, _gregorian_month),
    (_DATE, _gregorian_day),
    (_DATE_TIME, _moment),
)
