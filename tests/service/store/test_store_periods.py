"""Periods whose days do not tell all: parts of a day, and reporting years that start on another day. Section 6, 4.2."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsd.dataset import Action, AttributeValues
from dsd.resolved import Dsd
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.query.binding import bind
from service.query.data_query import parse_data_query_v2
from service.query.selection import Selection
from service.store.protocol import StoreError

STRUCTURES = Path(__file__).parents[2] / "examples" / "rest" / "periods" / "structures.json"
FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:{}(1.0.0)"


@pytest.fixture(scope="module")
def periods() -> Structures:
    return Structures(decode_structures(STRUCTURES.read_bytes()).data.all())


@pytest.fixture(scope="module")
def fiscal(periods: Structures) -> Dsd:
    """REPORTING_YEAR_START_DAY stands at a part of the key."""
    return periods.dsd(FLOW.format("DF_FISCAL_PLACES"))


@pytest.fixture(scope="module")
def moments(periods: Structures) -> Dsd:
    return periods.dsd(FLOW.format("DF_MOMENTS"))


def rows(*times: str, place: str = "A", **more: str) -> list[dict[str, str]]:
    return [{"PLACE": place, "ITEM": "X", "TIME_PERIOD": t, "OBS_VALUE": "1"} | more for t in times]


def started(day: str, place: str = "A") -> list[AttributeValues]:
    return [AttributeValues({"PLACE": place}, {"REPORTING_YEAR_START_DAY": day})]


def told(flock, dsd: Dsd, query: str, **more) -> list[str]:
    bound = bind(parse_data_query_v2("", query), dsd)
    selection = {"periods": bound.periods, "first_n": bound.first_n, "last_n": bound.last_n}
    return [row["TIME_PERIOD"] for row in flock.rows(dsd, **selection, **more)]


def test_a_start_of_the_year_that_comes_later_moves_what_was_there_before(flock, fiscal):
    flock.load(fiscal, rows("2010-Q2", "2010-Q3", "2010-11", "2011"))
    before = flock.clock.now
    query = "c[TIME_PERIOD]=2010&lastNObservations=2"
    assert told(flock, fiscal, query) == ["2010-Q3", "2010-11"]
    flock.load(fiscal, [], attributes=started("--07-01"))
    assert told(flock, fiscal, query) == ["2010-Q2", "2010-11"]
    assert told(flock, fiscal, "") == ["2010-Q2", "2010-11", "2010-Q3", "2011"]
    assert told(flock, fiscal, query, as_of=before) == ["2010-Q3", "2010-11"]
    assert flock.store.availability(Selection(fiscal)).start_period == "2010-Q2"
    flock.load(fiscal, [], Action.DELETE, attributes=started("--07-01"))
    assert told(flock, fiscal, query) == ["2010-Q3", "2010-11"]


def test_the_start_of_a_row_counts_before_that_above_it(flock, periods):
    dsd = periods.dsd(FLOW.format("DF_FISCAL_ROWS"))
    own = rows("2010-Q4", REPORTING_YEAR_START_DAY="--04-01")
    flock.load(dsd, rows("2010-Q3") + own, attributes=started("--07-01"))
    # From 1 April: January to March 2011. From 1 July: the same.
    assert told(flock, dsd, "c[TIME_PERIOD]=2011-01-01/P3M") == ["2010-Q3", "2010-Q4"]


@pytest.mark.parametrize("day", ["07-01", "--02-29", "July"])
def test_a_start_that_is_no_day_leaves_the_year_of_the_calendar(flock, fiscal, day):
    flock.load(fiscal, rows("2010-Q2", "2010-W27"), attributes=started(day))
    assert told(flock, fiscal, "c[TIME_PERIOD]=2010-04-01/P3M") == ["2010-Q2"]
    assert told(flock, fiscal, "lastNObservations=1") == ["2010-W27"]


def test_a_late_week_is_kept_where_its_year_may_have_it(flock, fiscal, moments):
    flock.load(fiscal, rows("2010-W53", "2010-W52", "2011-D366"), attributes=started("--07-01"))
    assert told(flock, fiscal, "") == ["2010-W52", "2010-W53", "2011-D366"]
    assert told(flock, fiscal, "c[TIME_PERIOD]=2010-W53") == ["2010-W53"]
    with pytest.raises(StoreError, match="no week 53"):
        flock.load(moments, rows("2010-W53"))
    with pytest.raises(StoreError, match="9999-W52"):
        flock.load(fiscal, rows("9999-W52"))


def test_moments_stay_in_order_when_written_one_by_one_and_when_files_are_joined(flock, moments):
    times = [
        *("2010-03-31T10:00:00.1", "2010-03-31T10:00:00Z", "2010-03", "2010-03-31T10:00:00.5Z"),
        *("2010-03-31T10:00:00/PT5H", "2010-03-31T23:00:00-02:00"),
    ]
    for time in times:
        flock.load(moments, rows(time, place=f"P{len(time) % 2}"))
        flock.load(moments, rows(time))
    in_order = [
        *("2010-03", "2010-03-31T10:00:00Z", "2010-03-31T10:00:00/PT5H", "2010-03-31T10:00:00.1"),
        *("2010-03-31T10:00:00.5Z", "2010-03-31T23:00:00-02:00"),
    ]
    only = ({"PLACE": frozenset("A")},)
    assert told(flock, moments, "", keys=only) == in_order
    assert told(flock, moments, "lastNObservations=2", keys=only) == in_order[-2:]
    at = flock.clock.now
    flock.load(moments, rows("2010-03-31T10:00:00.1"), Action.DELETE)
    flock.store.compact()
    assert told(flock, moments, "", keys=only) == [t for t in in_order if not t.endswith("0.1")]
    assert told(flock, moments, "", keys=only, as_of=at) == in_order
    gone = {"since": at, "gone": True}
    assert told(flock, moments, "c[TIME_PERIOD]=ge:2010-03-31T10:00:00.1", keys=only, **gone) == [
        "2010-03-31T10:00:00.1"
    ]
    assert told(flock, moments, "c[TIME_PERIOD]=gt:2010-03-31T10:00:00.1", keys=only, **gone) == []
