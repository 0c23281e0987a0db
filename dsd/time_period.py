"""Time periods as SDMX writes them, and the interval that each of them covers.

SDMX 3.1 Section 6 (Technical Notes), 4.2 "Time and Time Format".

Moments are whole numbers of picoseconds, so that no fraction of a second that SDMX can write here is rounded and
none is lost; they count from the start of the year 0001 on the clock of the period's own place.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import MINYEAR, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

DEFAULT_START_DAY = "--01-01"
"""Start of the reporting year where nothing else is said."""

REPORTING_YEAR_START_DAY = "REPORTING_YEAR_START_DAY"
"""Id of the attribute that says when the reporting year starts. Section 6, 4.2.8: it is fixed."""

SECOND = 10**12
DAY = 86_400 * SECOND

_FRACTION_DIGITS = 12
_CALENDAR_END = date.max.toordinal() * DAY
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097
"""The calendar repeats itself after so many years, which are so many days."""


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


class AbsentPeriodError(PeriodSyntaxError):
    """A week 53 or day 366 of a reporting year that has none; one with another start day may."""


class Period(NamedTuple):
    """A period and the interval that it covers.

    Days and datetimes of one that ends beyond the calendar are a PeriodSyntaxError.
    """

    text: str
    frequency: Frequency
    first: int
    """Its first moment."""
    stop: int
    """The moment at which it has ended; of a dateTime, which is a point, the same as its first."""
    zone: int | None = None
    """Minutes by which its clock is ahead of UTC, None where the text does not say."""
    is_reporting: bool = False
    """True for the forms `2010-A1` to `2010-D001`, whose interval depends on the reporting year."""

    @property
    def is_moment(self) -> bool:
        """True for a dateTime."""
        return self.frequency is Frequency.MOMENT

    @property
    def last(self) -> int:
        """The last moment that it covers."""
        return self.first if self.is_moment else self.stop - 1

    @property
    def start(self) -> date:
        """The day on which it begins, in its own place."""
        return self._datetime(self.first).date()

    @property
    def end(self) -> date:
        """The day on which it ends, in its own place."""
        return self._datetime(self.last).date()

    @property
    def first_moment(self) -> datetime:
        """The first moment as a datetime, which knows microseconds."""
        return self._datetime(self.first)

    @property
    def last_second(self) -> int:
        """The moment at which it ends, as SDMX says it: a day at 23:59:59."""
        return self.first if self.is_moment else max(self.first, self.stop - SECOND)

    @property
    def last_moment(self) -> datetime:
        """The same as a datetime."""
        return self._datetime(self.last_second)

    def _datetime(self, moment: int) -> datetime:
        if moment >= _CALENDAR_END:
            raise _beyond(self.text)
        return datetime(1, 1, 1) + timedelta(microseconds=moment // 1_000_000)  # noqa: DTZ001

    @property
    def ahead(self) -> int:
        """How far its clock is ahead of UTC; not at all where nothing is said (Section 6, 4.2.10)."""
        return (self.zone or 0) * 60 * SECOND

    @property
    def place(self) -> tuple[int, int, str]:
        """What periods are sorted by: chronological, of those that begin together the shorter first."""
        return self.first - self.ahead, self.last - self.ahead, self.text

    @property
    def end_place(self) -> tuple[int, int, str]:
        """What periods are sorted by to find the one that lasts longest into the present."""
        return self.last - self.ahead, self.first - self.ahead, self.text

    @property
    def is_of_days(self) -> bool:
        """True where it covers whole days and says nothing of a time zone: its days are all there is to know."""
        return (
            not self.is_moment
            and self.zone is None
            and self.first % DAY == 0
            and self.stop % DAY == 0
        )

    @property
    def zone_text(self) -> str:
        """The time zone as it is written, nothing where there is none."""
        if self.zone is None:
            return ""
        hours, minutes = divmod(abs(self.zone), 60)
        return f"{'-' if self.zone < 0 else '+'}{hours:02}:{minutes:02}" if self.zone else "Z"


_ZONE = r"(?P<zone>Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?"
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
    r"(?:T(?=.)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?"
    r"(?:(?P<seconds>\d{1,9})(?:\.(?P<fraction>\d{1,12}))?S)?)?",
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
def parse_period(
    text: str, reporting_year_start_day: str = DEFAULT_START_DAY, *, strict: bool = True
) -> Period:
    """Return the period that `text` writes.

    Args:
        text: a reporting period, Gregorian period, dateTime or range, each with an optional time zone.
        reporting_year_start_day: `--MM-DD`, the day on which the year of reporting periods starts; it
            does not touch the other forms. SDMX 3.1 Section 6, 4.2.8.
        strict: False counts a week 53 or day 366 that the reporting year lacks on into the next, and lets a
            reporting period end beyond the calendar: what starts the year may not be known.

    Raises:
        AbsentPeriodError: a week or day that the reporting year lacks.
        PeriodSyntaxError: it is none of these, or a day or year that the calendar lacks.

    >>> parse_period("2012-Q4").end
    datetime.date(2012, 12, 31)
    >>> parse_period("2011-W36", "--07-01").start
    datetime.date(2012, 3, 5)
    """
    for form, read in _READERS:
        if (match := form.fullmatch(text)) is not None:
            return _within_calendar(read(match))
    if (match := _REPORTING.fullmatch(text)) is not None:
        found = _reporting(match, reporting_year_start_day, strict=strict)
        return _within_calendar(found) if strict else found
    if "/" in text:
        return _within_calendar(_range(text))
    raise PeriodSyntaxError(f"{text!r} is no time period; {_hint(text)}")


def _within_calendar(period: Period) -> Period:
    if period.last >= _CALENDAR_END:
        raise _beyond(period.text)
    return period


def _beyond(text: str) -> PeriodSyntaxError:
    return PeriodSyntaxError(
        f"{text!r} reaches beyond the years 0001 to 9999, which are all the calendar has"
    )


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
    month, day, _ = _start_day(text)
    return month, day


@lru_cache(maxsize=64)
def _start_day(text: str) -> tuple[int, int, int | None]:
    """Return month, day and time zone of a reporting year start day."""
    match = _START_DAY.fullmatch(text)
    if match is not None:
        month, day = int(match["month"]), int(match["day"])
        # 2001 is no leap year: 29 February would leave most reporting years without a start.
        if 1 <= month <= 12 and 1 <= day <= monthrange(2001, month)[1]:
            return month, day, _zone(match)
    raise PeriodSyntaxError(
        f"{text!r} is no day on which every year can start; write --MM-DD, as in --07-01"
    )


def _zone(match: re.Match[str]) -> int | None:
    text = match["zone"]
    if text is None or text == "Z":
        return 0 if text else None
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return -minutes if text[0] == "-" else minutes


def _days(year: int, month: int, day: int) -> int:
    """Return the days from the start of the year 0001 to a day of any later year."""
    cycles = max(0, (year - 9600) // _CYCLE_YEARS)
    return date(year - cycles * _CYCLE_YEARS, month, day).toordinal() - 1 + cycles * _CYCLE_DAYS


def _days_after_months(year: int, month: int, day: int, months: int) -> int:
    """Return the days to the day that is `months` later; the 31st becomes the last day of a shorter month."""
    years, month = divmod(month - 1 + months, 12)
    year, month = year + years, month + 1
    alike = year % _CYCLE_YEARS + _CYCLE_YEARS
    return _days(year, month, min(day, monthrange(alike, month)[1]))


def _reporting(match: re.Match[str], start_day: str, *, strict: bool) -> Period:
    letter, number = match["indicator"][0], int(match["indicator"][1:])
    year = _year(match)
    month, day, zone = _start_day(start_day)
    if letter in _MONTHS:
        length = _MONTHS[letter]
        start = _days_after_months(year, month, day, (number - 1) * length)
        stop = _days_after_months(year, month, day, number * length)
    else:
        length = 7 if letter == "W" else 1
        base, following = (_base(letter, _days(each, month, day)) for each in (year, year + 1))
        start = base + (number - 1) * length
        stop = start + length
        if number < 1:
            raise PeriodSyntaxError(f"{match.string!r}: there is no day {number}")
        if strict and start >= following:
            unit = "week" if letter == "W" else "day"
            raise AbsentPeriodError(
                f"{match.string!r}: the reporting year from {year:04}-{month:02}-{day:02} has no "
                f"{unit} {number}"
            )
    own = _zone(match)
    # The zone of the period is the one that counts (Section 6, 4.2.10).
    return Period(
        match.string,
        Frequency(letter),
        start * DAY,
        stop * DAY,
        zone if own is None else own,
        is_reporting=True,
    )


def _base(letter: str, days: int) -> int:
    """Return where the weeks or days of a year are counted from.

    The first week is the one that holds most of its days in the year: Friday to Sunday move on to the next Monday,
    the other days back to theirs (Section 6, 4.2.8).
    """
    # The year 0001 began on a Monday.
    weekday = days % 7 if letter == "W" else 0
    return days + (7 - weekday if weekday > 3 else -weekday)


def _gregorian_year(match: re.Match[str]) -> Period:
    year = _year(match)
    start, stop = _days(year, 1, 1), _days(year + 1, 1, 1)
    return Period(match.string, Frequency.ANNUAL, start * DAY, stop * DAY, _zone(match))


def _gregorian_month(match: re.Match[str]) -> Period:
    year, month = _year(match), int(match["month"])
    if not 1 <= month <= 12:
        raise PeriodSyntaxError(f"{match.string!r}: there is no month {match['month']}")
    start, stop = _days(year, month, 1), _days_after_months(year, month, 1, 1)
    return Period(match.string, Frequency.MONTHLY, start * DAY, stop * DAY, _zone(match))


def _gregorian_day(match: re.Match[str]) -> Period:
    start = _date(match)
    return Period(match.string, Frequency.DAILY, start, start + DAY, _zone(match))


def _moment(match: re.Match[str]) -> Period:
    moment = _date_time(match)
    return Period(match.string, Frequency.MOMENT, moment, moment, _zone(match))


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
        start = _date(match)
    else:
        raise PeriodSyntaxError(
            f"{text!r}: a range starts with a day or a dateTime, as in 2010-01-01/P10M"
        )
    if start >= _CALENDAR_END:
        raise _beyond(text)
    stop = _stop(text, start, duration)
    return Period(text, Frequency.RANGE, start, stop, _zone(match))


def _stop(text: str, start: int, duration: re.Match[str]) -> int:
    """Return when a range has ended. XML Schema 1.1 Part 2, E.3.3: months first, then the rest."""
    part = {name: int(number or 0) for name, number in duration.groupdict().items()}
    months = part["years"] * 12 + part["months"]
    hours = part["days"] * 24 + part["hours"]
    seconds = (hours * 60 + part["minutes"]) * 60 + part["seconds"]
    rest = seconds * SECOND + _fraction(duration)
    if not months and not rest:
        raise PeriodSyntaxError(f"{text!r}: a range lasts for some time")
    days, clock = divmod(start, DAY)
    day = date.fromordinal(days + 1)
    return _days_after_months(day.year, day.month, day.day, months) * DAY + clock + rest


def _fraction(match: re.Match[str]) -> int:
    """Return the fraction of a second."""
    return int((match["fraction"] or "").ljust(_FRACTION_DIGITS, "0"))


def _year(match: re.Match[str]) -> int:
    year = int(match["year"])
    if year < MINYEAR:
        raise PeriodSyntaxError(f"{match.string!r}: years run from 0001 to 9999")
    return year


def _date(match: re.Match[str]) -> int:
    """Return the first moment of a day."""
    try:
        return _days(_year(match), int(match["month"]), int(match["day"])) * DAY
    except ValueError as error:
        raise PeriodSyntaxError(f"{match.string!r} is no day of the calendar: {error}") from error


def _date_time(match: re.Match[str]) -> int:
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    of_day = ((hour * 60 + minute) * 60 + second) * SECOND + _fraction(match)
    if of_day != DAY and (hour > 23 or minute > 59 or second > 59):
        raise PeriodSyntaxError(
            f"{match.string!r} is no time of the day, which has 00:00:00 to 23:59:59 and, for its end, 24:00:00"
        )
    return _date(match) + of_day


def _hint(text: str) -> str:
    match = _NEARLY.fullmatch(text.strip())
    if match is not None:
        letter = match["letter"].upper()
        right = f"{match['year']}-{letter}{match['number'].zfill(_DIGITS.get(letter, 1))}"
        if _REPORTING.fullmatch(right):
            return f"write {right}"
    return f"write it as {_FORMS}"


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Period]], ...] = (
    (_YEAR, _gregorian_year),
    (_YEAR_MONTH, _gregorian_month),
    (_DATE, _gregorian_day),
    (_DATE_TIME, _moment),
)
