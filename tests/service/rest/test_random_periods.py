"""Random periods of every form, asked for in every way, against a model written from the words of the standard.

The model has its own idea of what periods are: texts are written from numbers here and never read, moments are
fractions of seconds, months are added by dateutil. SDMX 3.1 Section 6, 4.2.3 to 4.2.14.
"""

from __future__ import annotations

import csv
import io
import random
from calendar import isleap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from dateutil.relativedelta import relativedelta
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsd.batch import batches_from_rows
from dsd.dataset import Action, AttributeValues, Dataset
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.store import open_store
from service.store.protocol import SubmissionRecord

STRUCTURES = Path(__file__).parents[2] / "examples" / "rest" / "periods" / "structures.json"
FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:{}(1.0.0)"
DAY = Fraction(86_400)

# -- the model -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Model:
    """A period: seconds from its first moment to the one at which it is over, by the clock of its place."""

    text: str
    first: Fraction
    stop: Fraction
    zone: int | None
    is_point: bool = False
    reporting: tuple[int, str, int] | None = None
    """Year, letter and number, which say where it lies as soon as the start of the year is known."""

    def in_year_from(self, start_day: str) -> Model:
        """Return where it lies in reporting years that start on a day, None in place of what does not exist."""
        if self.reporting is None:
            return self
        year, letter, number = self.reporting
        start = date(year, int(start_day[2:4]), int(start_day[5:7]))
        if letter in MONTHS:
            first = start + relativedelta(months=MONTHS[letter] * (number - 1))
            last = start + relativedelta(months=MONTHS[letter] * number, days=-1)
            return replace(self, first=seconds(first), stop=seconds(last) + DAY)
        base, following = (
            (monday_of(day) if letter == "W" else day)
            for day in (start, start.replace(year=year + 1))
        )
        length = 7 if letter == "W" else 1
        first = base + timedelta(days=(number - 1) * length)
        if first >= following:
            return replace(self, first=seconds(following), stop=seconds(following))
        return replace(self, first=seconds(first), stop=seconds(first) + DAY * length)

    @property
    def exists(self) -> bool:
        """False for a week or day that the year does not have."""
        return self.is_point or self.stop > self.first

    def at_utc(self) -> Model:
        shift = (self.zone or 0) * 60
        return replace(self, first=self.first - shift, stop=self.stop - shift)

    @property
    def order(self) -> tuple[Fraction, Fraction, str]:
        shifted = self.at_utc()
        return shifted.first, shifted.stop, self.text


MONTHS = {"A": 12, "S": 6, "T": 4, "Q": 3, "M": 1}
PER_YEAR = {"A": 1, "S": 2, "T": 3, "Q": 4, "M": 12, "W": 53, "D": 366}


def seconds(day: date) -> Fraction:
    return Fraction(day.toordinal()) * DAY


def monday_of(day: date) -> date:
    """Friday, Saturday and Sunday go on by three, two and one day, Monday to Thursday back by none to three."""
    move = {0: 0, 1: -1, 2: -2, 3: -3, 4: 3, 5: 2, 6: 1}[day.weekday()]
    return day + timedelta(days=move)


def matches(operator: str, asked: Model, seen: Model) -> bool:
    if asked.zone is not None:
        asked, seen = asked.at_utc(), seen.at_utc()
    last_of_seen = seen.first if seen.is_point else max(seen.first, seen.stop - 1)
    begins = seen.first >= asked.first
    if asked.is_point:
        ends, is_after = last_of_seen <= asked.first, seen.first > asked.first
    else:
        ends = seen.first < asked.stop if seen.is_point else seen.stop <= asked.stop
        is_after = seen.first >= asked.stop
    is_before = seen.first < asked.first if seen.is_point else seen.stop <= asked.first
    return {
        "ge": begins,
        "le": ends,
        "eq": begins and ends,
        "ne": not (begins and ends),
        "gt": is_after,
        "lt": is_before,
    }[operator]


# -- random periods --------------------------------------------------------------------------------

ZONES = {"": None, "Z": 0, "+07:00": 420, "-11:30": -690}
DAYS = [
    date.fromisoformat(text)
    for text in (
        *("2009-12-28", "2009-12-31", "2010-01-01", "2010-03-31", "2010-06-30", "2010-07-01"),
        *("2010-12-31", "2011-01-03", "2011-06-27", "2012-02-29"),
    )
]
CLOCKS = {
    "00:00:00": Fraction(0),
    "10:00:00": Fraction(36_000),
    "10:00:00.1": Fraction(360_001, 10),
    "10:00:00.100000000001": Fraction(36_000) + Fraction(100_000_000_001, 10**12),
    "14:59:59": Fraction(53_999),
    "23:59:59": Fraction(86_399),
    "23:59:59.5": Fraction(172_799, 2),
    "24:00:00": DAY,
}
DURATIONS = {
    "P1D": (0, DAY),
    "P1M": (1, Fraction(0)),
    "P1Y1D": (12, DAY),
    "PT5H": (0, Fraction(18_000)),
    "PT0.7S": (0, Fraction(7, 10)),
    "P1DT14H": (0, DAY + 50_400),
    "PT24H": (0, DAY),
    "P1MT1S": (1, Fraction(1)),
}


def drawn(number: random.Random, *, fine: bool = True) -> Model:
    """Return any period; without `fine`, one of whole days without a time zone."""
    zone_text = number.choice([*ZONES, *[""] * 6]) if fine else ""
    zone = ZONES[zone_text]
    day = number.choice(DAYS)
    kind = number.choice(["year", "month", "day", *PER_YEAR, "range", *["moment"] * 4 * fine])
    if kind in PER_YEAR:
        count = number.choice([1, PER_YEAR[kind], number.randint(1, PER_YEAR[kind])])
        year = number.choice([2009, 2010, 2011])
        width = {"M": 2, "W": 2, "D": 3}.get(kind, 1)
        text = f"{year}-{kind}{count:0{width}}{zone_text}"
        return Model(text, Fraction(0), Fraction(0), zone, reporting=(year, kind, count))
    if kind in ("year", "month"):
        first = day.replace(day=1) if kind == "month" else date(day.year, 1, 1)
        stop = first + relativedelta(months=1 if kind == "month" else 12)
        text = f"{first:%Y-%m}" if kind == "month" else f"{first:%Y}"
        return Model(text + zone_text, seconds(first), seconds(stop), zone)
    if kind == "day":
        return Model(f"{day}{zone_text}", seconds(day), seconds(day) + DAY, zone)
    clock = number.choice(list(CLOCKS))
    moment = seconds(day) + CLOCKS[clock]
    if kind == "moment":
        return Model(f"{day}T{clock}{zone_text}", moment, moment, zone, is_point=True)
    return drawn_range(number, day, clock if fine and number.random() < 0.6 else "", zone_text)


def drawn_range(number: random.Random, day: date, clock: str, zone_text: str) -> Model:
    coarse = ("P1D", "P1M", "P1Y1D", "PT24H")
    duration = number.choice(list(DURATIONS) if clock else coarse)
    months, rest = DURATIONS[duration]
    start = seconds(day) + CLOCKS[clock or "00:00:00"]
    whole, of_day = divmod(start, DAY)
    later = date.fromordinal(int(whole)) + relativedelta(months=months)
    text = f"{day}{'T' + clock if clock else ''}{zone_text}/{duration}"
    return Model(text, start, seconds(later) + of_day + rest, ZONES[zone_text])


# -- data ------------------------------------------------------------------------------------------

START_DAYS = {"A": "--01-01", "B": "--07-01", "C": "--04-06"}
"""By PLACE."""


@dataclass(frozen=True)
class Row:
    """An observation of a place."""

    place: str
    period: Model

    @property
    def key(self) -> dict[str, str]:
        return {"PLACE": self.place, "ITEM": "X", "TIME_PERIOD": self.period.text}


def some_rows(
    seed: int, count: int, *, fine: bool, start_days: dict[str, str]
) -> dict[tuple[str, str], Row]:
    number = random.Random(seed)  # noqa: S311
    nothing = Fraction(0)
    last = [
        (place, Model(f"{year}-{letter}{n}", nothing, nothing, None, reporting=(year, letter, n)))
        for year in (2009, 2010, 2011)
        for letter, n in (("W", 53), ("D", 366))
        for place in START_DAYS
    ]
    found: dict[tuple[str, str], Row] = {}
    while len(found) < count:
        place, period = (
            last.pop() if last else (number.choice(list(START_DAYS)), drawn(number, fine=fine))
        )
        period = period.in_year_from(start_days.get(place, "--01-01"))
        if period.exists:
            found[place, period.text] = Row(place, period)
    return found


FLOWS: dict[str, tuple[dict[str, str], bool]] = {
    "DF_DAYS": ({}, False),
    "DF_MOMENTS": ({}, True),
    "DF_FISCAL_PLACES": (START_DAYS, True),
}
"""By dataflow: its start days, and whether it has parts of days."""
BEFORE = {
    flow: some_rows(number, 130, fine=fine, start_days=days)
    for number, (flow, (days, fine)) in enumerate(FLOWS.items())
}
GONE = {flow: list(rows)[::7] for flow, rows in BEFORE.items()}
"""Rows that a second submission deletes."""
NOW = {
    flow: {key: row for key, row in BEFORE[flow].items() if key not in GONE[flow]}
    | some_rows(100 + number, 30, fine=fine, start_days=days)
    for number, (flow, (days, fine)) in enumerate(FLOWS.items())
}
BETWEEN = "2026-01-01T12:00:00Z"


@pytest.fixture(scope="module")
def many_periods(
    tmp_path_factory: pytest.TempPathFactory, client_of: Callable[[Flask], FlaskClient]
) -> Iterator[FlaskClient]:
    folder = tmp_path_factory.mktemp("many-periods")
    at = [datetime(2026, 1, 1, tzinfo=UTC)]
    own = Settings(
        store_folder=folder / "store",
        temporary_folder=folder / "temporary",
        clock=lambda: at[-1],
    )
    structures = Structures(decode_structures(STRUCTURES.read_bytes()).data.all())
    store = open_store(own)

    def dataset(flow: str, keys: list[dict[str, str]], *above: Any, **more: Any) -> Dataset:
        dsd = structures.dsd(FLOW.format(flow))
        return Dataset(dsd, list(batches_from_rows(dsd, keys)), attributes=above, **more)

    first, second = [], []
    for flow, (days, _) in FLOWS.items():
        above = [
            AttributeValues({"PLACE": place}, {"REPORTING_YEAR_START_DAY": day})
            for place, day in days.items()
        ]
        first.append(
            dataset(flow, [row.key | {"OBS_VALUE": "1"} for row in BEFORE[flow].values()], *above)
        )
        gone = [BEFORE[flow][key].key for key in GONE[flow]]
        second.append(dataset(flow, gone, action=Action.DELETE))
        second.append(dataset(flow, [row.key | {"OBS_VALUE": "2"} for row in NOW[flow].values()]))
    store.write(first, SubmissionRecord("first"))
    at.append(datetime(2026, 1, 2, tzinfo=UTC))
    store.write(second, SubmissionRecord("second"))
    yield client_of(create_app(own, structures, store))
    store.close()


# -- queries ---------------------------------------------------------------------------------------

OPERATORS = ("eq", "ne", "lt", "le", "gt", "ge")
Term = list[tuple[str, Model]]


@dataclass(frozen=True)
class Asked:
    """A query."""

    flow: str
    terms: list[Term]
    start_day: str | None = None
    first: int | None = None
    last: int | None = None
    is_sorted: bool = False
    past: bool = False

    def is_refused(self) -> bool:
        """True where a week or day is asked for that no reporting year of the data can have."""
        if self.start_day is None and FLOWS[self.flow][0]:
            return False
        day = self.start_day or "--01-01"
        return not all(period.in_year_from(day).exists for term in self.terms for _, period in term)

    def takes(self, row: Row) -> bool:
        own = FLOWS[self.flow][0].get(row.place, "--01-01")
        # Regardless of the actual start day for reporting periods, as of 1 January for all others.
        day = self.start_day or (own if row.period.reporting else "--01-01")
        return not self.terms or any(
            all(matches(o, period.in_year_from(day), row.period) for o, period in term)
            for term in self.terms
        )

    def rows(self) -> list[tuple[str, str]]:
        """Return what the model finds, in order."""
        series: dict[str, list[Row]] = {}
        for row in (BEFORE if self.past else NOW)[self.flow].values():
            if self.takes(row):
                series.setdefault(row.place, []).append(row)
        found = []
        for place in sorted(series):
            rows = sorted(series[place], key=lambda row: row.period.order)
            found += [
                row
                for number, row in enumerate(rows)
                if (self.first is None and self.last is None)
                or number < (self.first or 0)
                or number >= len(rows) - (self.last or 0)
            ]
        if self.is_sorted:
            # Periods of the same interval are equal: the order of the key is what is left.
            found.sort(key=lambda row: (row.period.order[:2], row.place, row.period.text))
        return [(row.place, row.period.text) for row in found]


def found_by(response: Any) -> list[tuple[str, str]]:
    if response.status_code in (204, 404):
        return []
    assert response.status_code == 200, response.text
    rows = csv.DictReader(io.StringIO(response.text, newline=""))
    return [(row["PLACE"], row["TIME_PERIOD"]) for row in rows if row["OBS_VALUE"]]


def parameters(pairs: Iterable[tuple[str, object]]) -> str:
    return "&".join(f"{name}={quote(str(value))}" for name, value in pairs if value is not None)


def try_v2(client: FlaskClient, asked: Asked) -> None:
    expression = ",".join("+".join(f"{o}:{p.text}" for o, p in term) for term in asked.terms)
    shared = [
        ("c[TIME_PERIOD]", expression or None),
        ("reportingYearStartDay", asked.start_day),
    ]
    query = parameters(
        [
            *shared,
            ("firstNObservations", asked.first),
            ("lastNObservations", asked.last),
            ("sort", "TIME_PERIOD" if asked.is_sorted else None),
            ("asOf", BETWEEN if asked.past else None),
        ]
    )
    url = f"/sdmx/v2/data/dataflow/TST/{asked.flow}/1.0.0?{query}&format=csvdata"
    response = client.get(url)
    if asked.is_refused():
        assert response.status_code == 400, url
        return
    assert found_by(response) == asked.rows(), url
    if not asked.past:
        whole = replace(asked, first=None, last=None).rows()
        path = f"/sdmx/v2/availability/dataflow/TST/{asked.flow}/1.0.0?{parameters(shared)}"
        response = client.get(path)
        if not whole:
            assert response.status_code == 204, path
        else:
            (found,) = response.json["data"]["availabilityConstraints"]
            assert found["obsCount"] == len(whole), path
            assert found["seriesCount"] == len({place for place, _ in whole}), path


def try_v1(client: FlaskClient, asked: Asked) -> None:
    (term,) = asked.terms
    by_operator = {operator: period.text for operator, period in term}
    query = parameters(
        [
            ("startPeriod", by_operator.get("ge")),
            ("endPeriod", by_operator.get("le")),
            ("firstNObservations", asked.first),
            ("lastNObservations", asked.last),
        ]
    )
    url = f"/sdmx/v1/data/TST,{asked.flow},1.0.0?{query}&format=csvdata"
    response = client.get(url)
    if asked.is_refused():
        assert response.status_code == 400, url
    else:
        assert found_by(response) == asked.rows(), url


few = st.one_of(st.none(), st.none(), st.integers(1, 3))


@st.composite
def periods(draw: st.DrawFn) -> Model:
    return drawn(random.Random(draw(st.integers(0, 5_000))))  # noqa: S311


conditions = st.tuples(st.sampled_from(OPERATORS), periods())
asked_v2 = st.builds(
    Asked,
    flow=st.sampled_from(list(FLOWS)),
    terms=st.lists(st.lists(conditions, min_size=1, max_size=2), max_size=2),
    start_day=st.sampled_from([None, None, "--07-01", "--01-01"]),
    first=few,
    last=few,
    is_sorted=st.booleans(),
    past=st.booleans(),
)
asked_v1 = st.builds(
    Asked,
    flow=st.sampled_from(list(FLOWS)),
    terms=st.tuples(st.none() | periods(), st.none() | periods()).map(
        lambda ends: [[(o, p) for o, p in zip(("ge", "le"), ends, strict=True) if p is not None]]
    ),
    first=few,
    last=few,
)
relaxed = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def test_21_the_model_has_the_examples_of_the_standard() -> None:
    quarter = Model("", Fraction(0), Fraction(0), None, reporting=(2010, "Q", 2))
    week = Model("", Fraction(0), Fraction(0), None, reporting=(2011, "W", 36))
    found = [period.in_year_from("--07-01") for period in (quarter, week)]
    assert [(p.first, p.stop) for p in found] == [
        (seconds(date(2010, 10, 1)), seconds(date(2011, 1, 1))),
        (seconds(date(2012, 3, 5)), seconds(date(2012, 3, 12))),
    ]
    assert isleap(2012)
    assert any(row.period.text.endswith("D366") for row in NOW["DF_FISCAL_PLACES"].values())
    assert any("W53" in row.period.text for row in NOW["DF_FISCAL_PLACES"].values())


@given(asked=asked_v2)
@settings(max_examples=150, **relaxed)
def test_21_22_random_periods_of_2_2(many_periods: FlaskClient, asked: Asked) -> None:
    try_v2(many_periods, asked)


@given(asked=asked_v1)
@settings(max_examples=100, **relaxed)
def test_21_22_random_periods_of_1_5(many_periods: FlaskClient, asked: Asked) -> None:
    try_v1(many_periods, asked)


@pytest.mark.long
@given(asked=asked_v2)
@settings(max_examples=4000, **relaxed)
def test_21_22_thousands_of_random_periods_of_2_2(many_periods: FlaskClient, asked: Asked) -> None:
    try_v2(many_periods, asked)


@pytest.mark.long
@given(asked=asked_v1)
@settings(max_examples=2000, **relaxed)
def test_21_22_thousands_of_random_periods_of_1_5(many_periods: FlaskClient, asked: Asked) -> None:
    try_v1(many_periods, asked)
