"""Data queries bound to a DSD: AREA, FREQ (coded), ITEM (uncoded), TIME_PERIOD."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from dsd.resolved import ANNOTATIONS, Dsd
from dsd.structures import Structures
from service.query.binding import bind, dimension_at_observation
from service.query.data_query import parse_data_query_v1, parse_data_query_v2
from service.query.errors import QuerySyntaxError, SemanticError
from service.query.selection import (
    ComponentFilter,
    Condition,
    Operator,
    Order,
    PeriodTerm,
    Selection,
)

DIMENSIONS = ("AREA", "FREQ", "ITEM", "TIME_PERIOD")


def v1(dsd: Dsd, key: str = "all", query: str = "") -> Selection:
    return bind(parse_data_query_v1(f"TST,F,1.0.0/{key}", query), dsd)


def v2(dsd: Dsd, key: str = "*", query: str = "") -> Selection:
    return bind(parse_data_query_v2(f"dataflow/TST/F/1.0.0/{key}", query), dsd)


def test_a_query_of_everything_selects_everything(dsd: Dsd) -> None:
    assert v1(dsd) == v2(dsd) == Selection(dsd)


# -- keys ------------------------------------------------------------------------------------------


def test_a_key_is_a_set_of_codes_by_dimension(dsd: Dsd) -> None:
    assert v1(dsd, "IDN+MYS..x").keys == (
        {"AREA": frozenset({"IDN", "MYS"}), "ITEM": frozenset({"x"})},
    )


def test_a_key_of_wildcards_selects_everything(dsd: Dsd) -> None:
    assert v1(dsd, "..") == v2(dsd, "*.*") == v2(dsd, "IDN,*.*.*") == Selection(dsd)


def test_19_several_keys_are_alternatives(dsd: Dsd) -> None:
    assert v2(dsd, "IDN.A,MYS").keys == (
        {"AREA": frozenset({"IDN"}), "FREQ": frozenset({"A"})},
        {"AREA": frozenset({"MYS"})},
    )


@pytest.mark.parametrize("key", ["IDN", "IDN.A", "IDN.A.x.2010", "."])
def test_19_a_key_of_1_5_has_a_position_for_each_dimension(dsd: Dsd, key: str) -> None:
    with pytest.raises(QuerySyntaxError, match=r"TST:TIMED\(1\.0\.0\) has 3: AREA\.FREQ\.ITEM"):
        v1(dsd, key)


def test_19_a_key_of_2_2_may_be_shorter_but_not_longer(dsd: Dsd) -> None:
    assert v2(dsd, "IDN").keys == ({"AREA": frozenset({"IDN"})},)
    with pytest.raises(QuerySyntaxError, match=r"key 'IDN.\*.x.y' has 4 positions"):
        v2(dsd, "IDN.*.x.y")


def test_19_unknown_codes_beside_known_ones_are_left_out(dsd: Dsd) -> None:
    assert v1(dsd, "IDN+XXX..").keys == ({"AREA": frozenset({"IDN"})},)


def test_19_an_unknown_key_beside_a_known_one_is_left_out(dsd: Dsd) -> None:
    assert v2(dsd, "XXX.A,MYS.A,MYS.Z").keys == (
        {"AREA": frozenset({"MYS"}), "FREQ": frozenset({"A"})},
    )


@pytest.mark.parametrize("key", ["XXX..", "IDN.Z.", "XXX+YYY.A.x"])
def test_19_only_unknown_codes_select_nothing(dsd: Dsd, key: str) -> None:
    assert v1(dsd, key).is_empty
    assert not v1(dsd, "IDN..").is_empty
    assert not v1(dsd).is_empty


def test_values_of_an_uncoded_dimension_are_not_checked(dsd: Dsd) -> None:
    assert v1(dsd, "..anything").keys == ({"ITEM": frozenset({"anything"})},)


# -- filters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("component", ["AREA", "ITEM", "OBS_VALUE", "TITLE", "STATUS"])
def test_20_any_component_may_be_filtered(dsd: Dsd, component: str) -> None:
    assert v2(dsd, query=f"c[{component}]=ge:A").filters == (
        ComponentFilter(component, ((Condition(Operator.GE, "A"),),)),
    )


def test_a_filter_on_time_is_among_the_periods_only(dsd: Dsd) -> None:
    selection = v2(dsd, query="c[TIME_PERIOD]=2010&c[AREA]=IDN")
    assert [entry.component for entry in selection.filters] == ["AREA"]
    assert len(selection.periods) == 1


def test_20_a_filter_on_an_unknown_component_names_the_nearest(dsd: Dsd) -> None:
    with pytest.raises(SemanticError, match=r"c\[STATSU\].* did you mean STATUS\?"):
        v2(dsd, query="c[STATSU]=A")


# -- what passes through ---------------------------------------------------------------------------


def test_counts_and_the_moment_pass_through(dsd: Dsd) -> None:
    selection = v2(
        dsd,
        query="firstNObservations=1&lastNObservations=2&offset=3&limit=4&asOf=2024-01-01T00:00:00Z",
    )
    assert selection == Selection(
        dsd, first_n=1, last_n=2, offset=3, limit=4, as_of=datetime(2024, 1, 1, tzinfo=UTC)
    )


def test_changes_and_order(dsd: Dsd) -> None:
    selection = v2(dsd, query="updatedAfter=2024-01-01T00:00:00Z&sort=OBS_VALUE:desc+series_key")
    series = (Order(id) for id in dsd.series_ids)
    assert selection == Selection(
        dsd,
        since=datetime(2024, 1, 1, tzinfo=UTC),
        order=(Order("OBS_VALUE", descending=True), *series),
    )
    everything = tuple(Order(id) for id in dsd.key_ids)
    assert v2(dsd, query="sort=*").order == everything
    assert v2(dsd, query="sort=*+TIME_PERIOD:desc").order == everything
    flat = "sort=series_key&dimensionAtObservation=AllDimensions"
    assert v2(dsd, query=flat).order == ()
    with pytest.raises(SemanticError, match="NIX"):
        v2(dsd, query="sort=NIX")


def test_providers_are_not_left_out_in_silence(dsd: Dsd) -> None:
    with pytest.raises(ValueError, match=r"^providers "):
        v1(dsd, "all/ECB")


def test_history_declined_is_not_refused(dsd: Dsd) -> None:
    assert v1(dsd, query="includeHistory=false") == Selection(dsd)


# -- the dimension at the observation --------------------------------------------------------------


def test_23_the_default_dimension_at_the_observation_is_time(dsd: Dsd, timeless_dsd: Dsd) -> None:
    query = parse_data_query_v2("", "")
    assert dimension_at_observation(query.dimension_at_observation, dsd) == "TIME_PERIOD"
    assert dimension_at_observation(query.dimension_at_observation, timeless_dsd) == "AllDimensions"


@pytest.mark.parametrize("asked", [*DIMENSIONS, "AllDimensions"])
def test_23_each_dimension_may_be_at_the_observation(dsd: Dsd, asked: str) -> None:
    query = parse_data_query_v2("", f"dimensionAtObservation={asked}")
    assert dimension_at_observation(query.dimension_at_observation, dsd) == asked
    assert bind(query, dsd) == Selection(dsd)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [("TimePeriod", "TIME_PERIOD"), ("alldimensions", "AllDimensions"), ("STATUS", "known are")],
)
def test_23_another_dimension_at_the_observation_is_refused(
    dsd: Dsd, asked: str, hint: str
) -> None:
    with pytest.raises(SemanticError, match=hint):
        v2(dsd, query=f"dimensionAtObservation={asked}")


# -- components ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "extra"),
    [
        ("attributes=none", "OBS_VALUE MARGIN"),
        ("attributes=msd", "OBS_VALUE MARGIN"),
        ("attributes=dataset", "OBS_VALUE MARGIN TITLE"),
        ("attributes=series", "OBS_VALUE MARGIN UNIT COLLECTION"),
        ("attributes=obs", "OBS_VALUE MARGIN DEFINITION STATUS"),
        ("attributes=STATUS,UNIT", "OBS_VALUE MARGIN UNIT STATUS"),
        ("attributes=dataset,STATUS", "OBS_VALUE MARGIN TITLE STATUS"),
        ("measures=none", "TITLE UNIT COLLECTION DEFINITION STATUS"),
        ("attributes=all&measures=none", "TITLE UNIT COLLECTION DEFINITION STATUS"),
        ("measures=MARGIN", "MARGIN TITLE UNIT COLLECTION DEFINITION STATUS"),
        ("attributes=none&measures=OBS_VALUE", "OBS_VALUE"),
    ],
)
def test_24_attributes_and_measures_choose_components_in_dsd_order(
    dsd: Dsd, query: str, extra: str
) -> None:
    assert v2(dsd, query=query).component_ids == (*DIMENSIONS, *extra.split())


@pytest.mark.parametrize(
    "query",
    [
        "attributes=dsd",
        "attributes=all",
        "attributes=dataset,series,obs",
        "measures=OBS_VALUE,MARGIN",
    ],
)
def test_all_components_are_none_in_particular(dsd: Dsd, query: str) -> None:
    assert v2(dsd, query=query).component_ids is None


@pytest.mark.parametrize(
    ("query", "extra"),
    [
        ("attributes=none&measures=none", ""),
        ("attributes=msd&measures=none", ""),
        ("attributes=series&measures=none", "UNIT COLLECTION"),
        ("attributes=dataset,series&measures=none", "TITLE UNIT COLLECTION"),
    ],
)
def test_24_without_observations_a_series_is_one_row(dsd: Dsd, query: str, extra: str) -> None:
    selection = v2(dsd, query=f"{query}&firstNObservations=5&lastNObservations=5")
    assert selection.component_ids == (*DIMENSIONS[:3], *extra.split())
    assert (selection.first_n, selection.last_n) == (1, None)
    assert selection.series_only


@pytest.mark.parametrize(
    ("detail", "same"),
    [
        ("full", ""),
        ("dataonly", "attributes=none"),
        ("serieskeysonly", "attributes=none&measures=none"),
        ("nodata", "attributes=dataset,series&measures=none"),
    ],
)
def test_24_each_detail_of_1_5_is_a_choice_of_2_2(dsd: Dsd, detail: str, same: str) -> None:
    found, expected = v1(dsd, query=f"detail={detail}"), v2(dsd, query=same)
    if detail == "nodata":
        # With all that is noted on series and data set.
        expected = replace(expected, component_ids=(*(expected.component_ids or ()), ANNOTATIONS))
    assert found == expected


def test_observations_are_wanted_unless_series_alone_are(dsd: Dsd, timeless_dsd: Dsd) -> None:
    assert not v2(dsd).series_only
    assert not v2(dsd, query="attributes=none").series_only
    assert not v2(timeless_dsd, query="attributes=none&measures=none").series_only


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("attributes=STATSU", "did you mean STATUS"),
        ("attributes=OBS_VALUE", "attributes=OBS_VALUE"),
        ("measures=STATUS", "measures=STATUS"),
        ("measures=OBS_VALEU", "did you mean OBS_VALUE"),
    ],
)
def test_24_an_unknown_component_to_return_is_refused(dsd: Dsd, query: str, hint: str) -> None:
    with pytest.raises(SemanticError, match=hint):
        v2(dsd, query=query)


def test_a_query_is_bound_to_one_dsd_after_another(dsd: Dsd, timeless_dsd: Dsd) -> None:
    query = parse_data_query_v2("dataflow/TST/F/1.0.0/IDN", "attributes=STATUS")
    assert bind(query, timeless_dsd).component_ids == (
        "AREA",
        "FREQ",
        "ITEM",
        "OBS_VALUE",
        "MARGIN",
        "STATUS",
    )
    assert replace(bind(query, dsd), dsd=timeless_dsd).keys == bind(query, timeless_dsd).keys


def test_the_published_table_is_asked_by_its_own_key(structures: Structures) -> None:
    table = structures.dsd(
        "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"
    )
    query = parse_data_query_v2(
        "dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0/IDN.*", "c[TIME_PERIOD]=ge:2023"
    )
    assert bind(query, table) == Selection(
        table, keys=({"REF_AREA": frozenset({"IDN"})},), periods=(PeriodTerm(date(2023, 1, 1)),)
    )
