"""Time periods: well written, of the length that FREQ says, not in the future."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from codelists.item_scheme import Code
from dsd.finding import Finding, Severity
from dsd.resolved import Dsd, ResolvedComponent
from dsd.time_period import (
    DEFAULT_START_DAY,
    REPORTING_YEAR_START_DAY,
    AbsentPeriodError,
    Frequency,
    Period,
    PeriodSyntaxError,
    check_start_day,
    frequency_matches,
    parse_period,
)
from service.validation.concepts import FREQ, ORIGIN, VALID_FROM, VALID_TO, counterpart_role
from service.validation.rows import Rows
from service.validation.rule import Context, Rule, RuleInfo

_GREGORIAN = frozenset({Frequency.ANNUAL, Frequency.MONTHLY, Frequency.DAILY})
_BUDDHIST_YEARS = 543
# Any place on earth has at most this much of the day before UTC has it.
_AHEAD_OF_UTC = timedelta(hours=14)


def _period(text: str) -> Period | None:
    try:
        return parse_period(text)
    except PeriodSyntaxError:
        return None


def _no_start_day(text: str) -> str | None:
    try:
        check_start_day(text)
    except PeriodSyntaxError as error:
        return f"{error}."
    return None


def _absent(text: str, start_day: str) -> str | None:
    """Say that a reporting year lacks a week or day."""
    try:
        parse_period(text, start_day)
    except AbsentPeriodError as error:
        return f"{error}."
    except PeriodSyntaxError:
        pass
    return None


def _is_of_type(period: Period, data_type: str | None) -> bool:
    """Tell whether a period has the form that a time data type takes. SDMX 3.1 Section 6, 4.2.1."""
    frequency = period.frequency
    gregorian = not period.is_reporting and frequency in _GREGORIAN
    one_form = {
        "GregorianYear": gregorian and frequency is Frequency.ANNUAL,
        "GregorianYearMonth": gregorian and frequency is Frequency.MONTHLY,
        "GregorianDay": gregorian and frequency is Frequency.DAILY,
        "DateTime": frequency is Frequency.MOMENT,
        "TimeRange": frequency is Frequency.RANGE,
        "GregorianTimePeriod": gregorian,
        "ReportingTimePeriod": period.is_reporting,
        "BasicTimePeriod": gregorian or frequency is Frequency.MOMENT,
        "StandardTimePeriod": frequency is not Frequency.RANGE,
    }
    return one_form.get(data_type or "", True)


class _PeriodRule(Rule):
    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether the structure has a time dimension."""
        return dsd.time_dimension is not None

    @property
    def time(self) -> ResolvedComponent:
        """The time dimension."""
        found = self.context.dsd.time_dimension
        if found is None:
            raise TypeError(f"{self.info.id} applies to structures with a time dimension only")
        return found


class TimeFormat(_PeriodRule):
    """A text that is no period, or one in a form that the structure does not take."""

    info = RuleInfo(
        id="time-format",
        severity=Severity.FATAL,
        title="A time period is not written as SDMX has it",
        reference="SDMX 3.1 Section 6, 4.2 (time formats)",
        why="The figure has no place in time, so it cannot be stored.",
        mend="Write 2023, 2023-Q1, 2023-M01, or a range such as 2023-01-01/P10M.",
    )

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Look at the distinct periods of a batch, and at the starts of their reporting years."""
        for text, row in rows.with_values(self.time.id, lambda v: self._wrong(v) is not None):
            yield self.finding(self._wrong(text) or "", row=row, component=self.time.id, value=text)
        if REPORTING_YEAR_START_DAY in self.context.dsd:
            yield from self._reporting_years(rows)

    def _reporting_years(self, rows: Rows) -> Iterator[Finding]:
        """Find starts of reporting years that are none, and weeks and days that a reporting year does not have."""
        attribute = REPORTING_YEAR_START_DAY
        for text, row in rows.with_values(attribute, lambda v: _no_start_day(v) is not None):
            yield self.finding(_no_start_day(text) or "", row=row, component=attribute, value=text)
        relationship = self.context.dsd[attribute].relationship
        is_of_rows = relationship is not None and relationship.observation is not None
        for text, row in rows.with_values(self.time.id, lambda v: "W53" in v or "D366" in v):
            # A start day above the observation is not known here.
            day = row.text(attribute) or (DEFAULT_START_DAY if is_of_rows else None)
            if day and _no_start_day(day) is None and (said := _absent(text, day)):
                yield self.finding(said, row=row, component=self.time.id, value=text)

    def _wrong(self, text: str) -> str | None:
        try:
            # The reporting year of a row may be another than the calendar's.
            period = parse_period(text, strict=REPORTING_YEAR_START_DAY not in self.context.dsd)
        except PeriodSyntaxError as error:
            return f"{error}."
        data_type = self.time.text_format.data_type if self.time.text_format else None
        if not _is_of_type(period, data_type):
            return (
                f"{text!r} is a period, but not of the type {data_type} that {self.time.id} takes."
            )
        return None


class PeriodFrequency(_PeriodRule):
    """A quarter in an annual series, and the like."""

    info = RuleInfo(
        id="period-frequency",
        severity=Severity.ERROR,
        title="A time period does not fit the frequency",
        reference="SDMX 3.1 Section 6, 4.2.14 (FREQ and TIME_PERIOD); SDMX CL_FREQ 2.1",
        why="Part of a year under the key of the whole year would pass for the annual figure.",
        mend="Correct FREQ or TIME_PERIOD; a part of a year is a range: 2023-01-01/P10M.",
    )

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether the structure has both."""
        return dsd.time_dimension is not None and FREQ in dsd

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Look at the pairs that occur in a batch."""
        for frequency, text, found in rows.pairs(FREQ, self.time.id):
            period = _period(text)
            if period is None or frequency_matches(frequency, period):
                continue
            code = self.context.dsd[FREQ].codes.get(frequency)
            name = f"{frequency} ({code.label()})" if code else frequency
            for row in found():
                yield self.finding(
                    f"{text} is no period of frequency {name}.",
                    row=row,
                    component=self.time.id,
                    value=text,
                )


class PeriodInFuture(_PeriodRule):
    """A period that has not begun."""

    info = RuleInfo(
        id="period-in-future",
        severity=Severity.ERROR,
        title="A time period lies in the future",
        reference="ILMS R-23",
        why="Nothing can have been counted yet: a typing error, or a year of the Buddhist Era.",
        mend="Correct the period; a Buddhist Era year is 543 more than the year meant.",
    )

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Look at the distinct periods of a batch."""
        for text, row in rows.with_values(self.time.id, self._is_future):
            meant = self._gregorian(text)
            hint = f" If it is a year of the Buddhist Era, write {meant}." if meant else ""
            yield self.finding(
                f"{text} has not begun yet.{hint}",
                row=row,
                component=self.time.id,
                value=text,
                suggestion=meant,
            )

    def _is_future(self, text: str) -> bool:
        period = _period(text)
        latest = self.context.now.replace(tzinfo=None) + _AHEAD_OF_UTC
        return period is not None and period.first_moment > latest

    def _gregorian(self, text: str) -> str | None:
        year = text[:4]
        if not year.isdigit() or not 2443 <= int(year) <= self.context.now.year + _BUDDHIST_YEARS:
            return None
        meant = f"{int(year) - _BUDDHIST_YEARS}{text[4:]}"
        return meant if _period(meant) else None


class CodeOutsideValidity(_PeriodRule):
    """A country that had ended, or not begun, in the period."""

    info = RuleInfo(
        id="code-outside-validity",
        severity=Severity.ERROR,
        title="A code did not exist in the period",
        reference="ILMS R-18 (historical codes only for their period); annotations VALID_FROM, VALID_TO",
        why="Nobody can go to a country that no longer is, or not yet.",
        mend="Use the code of the country that exists in the period.",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._lives = _lived(context.dsd)

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether some code has a life, and the table speaks of the period itself."""
        return dsd.time_dimension is not None and bool(_lived(dsd))

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Look at the pairs of code and period that occur."""
        for component, lives in self._lives.items():
            present = rows.encoded(component)
            if present is None or not lives.keys() & set(present.dictionary.to_pylist()):
                continue
            for code, text, found in rows.pairs(component, self.time.id):
                if code in lives and (said := _outlived(_period(text), *lives[code])):
                    name = self.context.dsd[component].codes[code].label()
                    for row in found():
                        yield self.finding(
                            f"{code} ({name}) {said}, so not in {text}.",
                            row=row,
                            component=component,
                            value=code,
                        )


def _lived(dsd: Dsd) -> dict[str, dict[str, tuple[str, str]]]:
    """Return the first and last day of the codes that have one, by component.

    A country of origin may be one of birth or citizenship, which outlive the country itself.
    """
    if counterpart_role(dsd) == ORIGIN:
        return {}
    found = {
        component.id: {
            code.id: (
                code.annotation_value(VALID_FROM) or "",
                code.annotation_value(VALID_TO) or "",
            )
            for code in component.codes.values()
            if code.annotation(VALID_FROM) or code.annotation(VALID_TO)
        }
        for component in dsd.dimensions
    }
    return {id: lives for id, lives in found.items() if lives}


def _day(code: Code, mark: str) -> str:
    return code.annotation_value(mark) or ""


def _outlived(period: Period | None, first: str, last: str) -> str | None:
    """Say when a code began or ended, where the whole period lies outside."""
    if period is None:
        return None
    if last and period.start.isoformat() > last:
        return f"ended on {last}"
    if first and period.end.isoformat() < first:
        return f"began on {first}"
    return None
