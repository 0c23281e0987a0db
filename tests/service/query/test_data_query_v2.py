"""Data queries of SDMX-REST 2.2.2, doc/data.md."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.query.data_query import (
    DataQuery,
    Presentation,
    SortKey,
    parse_data_query_v1,
    parse_data_query_v2,
)
from service.query.errors import QuerySyntaxError
from service.query.grammar import Grammar
from service.query.selection import ComponentFilter, Condition, Operator
from service.query.versions import ALL_VERSIONS, parse_version_query


def read(path: str, query: str = "") -> DataQuery:
    return parse_data_query_v2(path, query)


@pytest.mark.parametrize(
    "path", ["", "/", "*", "*/*", "*/*/*/", "*/*/*/*", "*/*/*/*/*", "*/ALL/all/all/all"]
)
def test_everything_left_out_is_everything(path: str) -> None:
    assert read(path) == DataQuery(Grammar.V2)


def test_the_default_version_of_data_is_all() -> None:
    assert read("dataflow/A/F").version == ALL_VERSIONS


@pytest.mark.parametrize("context", ["datastructure", "dataflow", "provisionagreement"])
def test_each_context_is_read(context: str) -> None:
    assert read(f"{context}/A/F").context == context


def test_several_agencies_ids_and_versions_are_joined_by_comma() -> None:
    query = read("dataflow/A,B.C/F,G%2CF/1.0.0,+")
    assert (query.agencies, query.ids) == (("A", "B.C"), ("F", "G"))
    assert query.version == parse_version_query("1.0.0,+")


def test_19_a_key_may_leave_out_dimensions_at_the_end() -> None:
    assert read("dataflow/A/F/*/D.USD").keys == ((("D",), ("USD",)),)


def test_19_several_keys_are_alternatives() -> None:
    assert read("dataflow/A/F/*/A.*.C,B,A.*.C").keys == ((("A",), (), ("C",)), (("B",),))


def test_19_one_key_of_all_among_several_is_all() -> None:
    assert read("dataflow/A/F/*/A.B,*").keys == ()


def test_an_empty_position_of_1_5_is_any_value() -> None:
    assert read("dataflow/A/F/*/A..C").keys == read("dataflow/A/F/*/A.*.C").keys


def test_every_parameter_is_read() -> None:
    query = read(
        "dataflow/A/F/1.0.0/K",
        "c[X]=A&updatedAfter=2023-01-01T00:00:00Z&firstNObservations=1&lastNObservations=2"
        "&dimensionAtObservation=AllDimensions&attributes=dataset,STATUS&measures=none"
        "&includeHistory=1&offset=10&limit=20&sort=series_key+TIME_PERIOD:desc&asOf=2024-01-01T00:00:00Z"
        "&reportingYearStartDay=--07-01&format=jsondata&lang=fr-CH&keys=series",
    )
    assert query == DataQuery(
        Grammar.V2,
        "dataflow",
        ("A",),
        ("F",),
        parse_version_query("1.0.0"),
        keys=((("K",),),),
        filters=(ComponentFilter("X", ((Condition(Operator.EQ, "A"),),)),),
        updated_after=datetime(2023, 1, 1, tzinfo=UTC),
        as_of=datetime(2024, 1, 1, tzinfo=UTC),
        first_n=1,
        last_n=2,
        dimension_at_observation="AllDimensions",
        attributes=("dataset", "STATUS"),
        measures=("none",),
        include_history=True,
        offset=10,
        limit=20,
        sort=(SortKey("series_key"), SortKey("TIME_PERIOD", True)),
        reporting_year_start_day="--07-01",
        presentation=Presentation(format="jsondata", language="fr-CH", keys="series"),
    )


def test_brackets_may_be_percent_encoded() -> None:
    assert read("", "c%5BX%5D=A") == read("", "c[X]=A")


def test_20_plus_means_and_whether_encoded_or_not() -> None:
    assert read("", "c[X]=ge:A%2Ble:B") == read("", "c[X]=ge:A+le:B")


def test_20_each_component_is_filtered_once_but_several_may_be() -> None:
    assert [entry.component for entry in read("", "c[X]=A&c[Y]=B").filters] == ["X", "Y"]


@pytest.mark.parametrize(
    "value", ["2010", "ge:2010-Q1", "ge:2010-01-01T00:00:00Z", "ne:2010-01-01/P10M", "sw:20"]
)
def test_every_form_of_period_may_be_compared(value: str) -> None:
    (found,) = read("", f"c[TIME_PERIOD]={value}").filters
    assert found.terms[0][0].value == value.split(":", 1)[-1 if value[2] == ":" else 0]


@pytest.mark.parametrize("plus", ["+", "%2B"])
def test_a_time_zone_is_no_second_condition(plus: str) -> None:
    moment = f"2010-01-01T00:00:00{plus}07:00"
    (found,) = read("", f"c[TIME_PERIOD]=ge:{moment}+le:{moment},2011{plus}07:00").filters
    assert [[condition.value for condition in term] for term in found.terms] == [
        ["2010-01-01T00:00:00+07:00", "2010-01-01T00:00:00+07:00"],
        ["2011+07:00"],
    ]


def test_an_update_may_be_asked_as_of_the_same_moment() -> None:
    moment = "2024-01-01T00:00:00Z"
    query = read("", f"updatedAfter={moment}&asOf={moment}")
    assert query.updated_after == query.as_of


def test_sort_directions_may_follow_anything() -> None:
    assert read("", "sort=*:desc").sort == (SortKey("*", True),)
    assert read("", "sort=A:asc%2BB").sort == (SortKey("A"), SortKey("B"))


# -- whatever is written is read back ---------------------------------------------------------------

ids = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,6}", fullmatch=True).filter(
    lambda text: text.lower() not in ("all", "none", "latest")
)
id_sets = st.lists(ids, max_size=3, unique=True).map(tuple)
values = st.from_regex(r"[A-Za-z0-9_@$ é-]{1,8}", fullmatch=True)
instants = st.integers(-(10**9), 4 * 10**9).map(lambda second: datetime.fromtimestamp(second, UTC))
filters = st.lists(
    st.builds(
        ComponentFilter,
        ids,
        st.lists(
            st.lists(
                st.builds(Condition, st.sampled_from(Operator), values), min_size=1, max_size=3
            ).map(tuple),
            min_size=1,
            max_size=3,
        ).map(tuple),
    ),
    max_size=3,
    unique_by=lambda entry: entry.component,
).map(tuple)
presentations = st.builds(
    Presentation,
    format=st.none() | ids,
    format_version=st.none() | st.just("2.1.0"),
    language=st.none() | st.just("fr-CH"),
    compression=st.none() | st.just("gzip"),
    labels=st.none() | st.sampled_from(["id", "name", "both"]),
    time_format=st.none() | st.sampled_from(["original", "normalized"]),
    keys=st.none() | st.sampled_from(["none", "obs", "series", "both"]),
)
small = st.none() | st.integers(1, 10**12)


def positions(most: int) -> st.SearchStrategy[tuple[tuple[str, ...], ...]]:
    position = st.lists(values, max_size=most, unique=True).map(tuple)
    return st.lists(position, min_size=2, max_size=4).map(tuple)


v2_queries = st.builds(
    DataQuery,
    grammar=st.just(Grammar.V2),
    context=st.sampled_from(["*", "dataflow", "datastructure", "provisionagreement"]),
    agencies=id_sets,
    ids=id_sets,
    version=st.sampled_from(["*", "1.0.0", "+", "1.2.0", "1.0+.0,~", "2.0.0-rc.1"]).map(
        parse_version_query
    ),
    keys=st.lists(positions(1), max_size=3, unique=True).map(tuple),
    filters=filters,
    as_of=st.none() | instants,
    first_n=small,
    last_n=small,
    dimension_at_observation=st.none() | ids,
    attributes=st.just(("none",)) | st.lists(ids, min_size=1, max_size=3, unique=True).map(tuple),
    measures=st.just(("all",)) | st.lists(ids, min_size=1, max_size=3, unique=True).map(tuple),
    include_history=st.booleans(),
    offset=st.integers(0, 10**12),
    limit=small,
    sort=st.lists(st.builds(SortKey, ids, st.booleans()), max_size=3).map(tuple),
    reporting_year_start_day=st.sampled_from(["--01-01", "--07-01"]),
    presentation=presentations,
)
v1_queries = st.builds(
    DataQuery,
    grammar=st.just(Grammar.V1),
    context=st.just("dataflow"),
    agencies=st.lists(ids, max_size=1).map(tuple),
    ids=st.lists(ids, min_size=1, max_size=1).map(tuple),
    version=st.sampled_from(["latest", "all", "1.0", "2.1.0"]).map(
        lambda text: parse_version_query(text, Grammar.V1)
    ),
    keys=st.lists(positions(3), max_size=1).map(tuple),
    start_period=st.none() | st.sampled_from(["2010", "2010-Q1"]),
    end_period=st.none() | st.sampled_from(["2012", "2012-12-31"]),
    updated_after=st.none() | instants,
    first_n=small,
    last_n=small,
    dimension_at_observation=st.none() | ids,
    include_history=st.booleans(),
    presentation=presentations,
)


def escaped(text: str) -> str:
    """Percent-encode what no URL may hold, and the per cent sign."""
    return "".join(
        c if c.isascii() and c not in " %" else "".join(f"%{b:02X}" for b in c.encode())
        for c in text
    )


def joined(pairs: list[tuple[str, object]]) -> str:
    return "&".join(
        f"{name}={escaped(str(value))}" for name, value in pairs if value not in (None, "")
    )


def moment(value: datetime | None) -> str | None:
    return value and value.isoformat()


def presented(query: DataQuery) -> list[tuple[str, object]]:
    look = query.presentation
    return [
        ("format", look.format),
        ("formatVersion", look.format_version),
        ("lang", look.language),
        ("compression", look.compression),
        ("labels", look.labels),
        ("timeFormat", look.time_format),
        ("keys", look.keys),
    ]


def written_v2(query: DataQuery) -> tuple[str, str]:
    keys = ",".join(".".join("".join(position) or "*" for position in key) for key in query.keys)
    path = "/".join(
        (
            query.context,
            ",".join(query.agencies) or "*",
            ",".join(query.ids) or "*",
            query.version.canonical,
            escaped(keys) or "*",
        )
    )
    parameters: list[tuple[str, object]] = [
        (
            f"c[{entry.component}]",
            ",".join("+".join(f"{c.operator}:{c.value}" for c in term) for term in entry.terms),
        )
        for entry in query.filters
    ]
    parameters += [
        ("asOf", moment(query.as_of)),
        ("firstNObservations", query.first_n),
        ("lastNObservations", query.last_n),
        ("dimensionAtObservation", query.dimension_at_observation),
        ("attributes", ",".join(query.attributes)),
        ("measures", ",".join(query.measures)),
        ("includeHistory", str(query.include_history).lower()),
        ("offset", query.offset),
        ("limit", query.limit),
        (
            "sort",
            "+".join(
                f"{key.component}:{'desc' if key.descending else 'asc'}" for key in query.sort
            ),
        ),
        ("reportingYearStartDay", query.reporting_year_start_day),
    ]
    return path, joined([*parameters, *presented(query)])


def written_v1(query: DataQuery) -> tuple[str, str]:
    agency = query.agencies[0] if query.agencies else "all"
    keys = "".join(".".join("+".join(position) for position in key) for key in query.keys)
    version = query.version.canonical.replace("*", "all")
    parameters = [
        ("startPeriod", query.start_period),
        ("endPeriod", query.end_period),
        ("updatedAfter", moment(query.updated_after)),
        ("firstNObservations", query.first_n),
        ("lastNObservations", query.last_n),
        ("dimensionAtObservation", query.dimension_at_observation),
        ("includeHistory", str(query.include_history).lower()),
    ]
    path = f"{agency},{query.ids[0]},{version}/{escaped(keys) or 'all'}/all"
    return path, joined([*parameters, *presented(query)])


@given(v2_queries.filter(lambda query: all(any(key) for key in query.keys)))
def test_a_query_of_2_2_written_out_is_read_back(query: DataQuery) -> None:
    assert parse_data_query_v2(*written_v2(query)) == query


@given(v1_queries)
def test_a_query_of_1_5_written_out_is_read_back(query: DataQuery) -> None:
    assert parse_data_query_v1(*written_v1(query)) == query


@given(
    st.sampled_from([parse_data_query_v1, parse_data_query_v2]),
    st.text("AF1.,+*%/2Cal~", max_size=20),
    st.text("c[X]=A&%2B+,:gesortlimi1.", max_size=30),
)
def test_any_request_is_understood_or_refused(parse: object, path: str, query: str) -> None:
    try:
        found = parse(path, query)
    except QuerySyntaxError:
        return
    assert isinstance(found, DataQuery)
