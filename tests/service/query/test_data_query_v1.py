"""Data queries of SDMX-REST 1.5.0, 4.4."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.query.data_query import (
    DataQuery,
    Detail,
    Presentation,
    ProviderReference,
    parse_data_query_v1,
)
from service.query.grammar import Grammar
from service.query.versions import LATEST_IN_PRODUCTION, parse_version_query


def read(path: str, query: str = "") -> DataQuery:
    return parse_data_query_v1(path, query)


def test_a_flow_alone_is_of_any_agency_and_the_latest_in_production() -> None:
    assert read("F") == DataQuery(Grammar.V1, "dataflow", (), ("F",), LATEST_IN_PRODUCTION)


def test_two_parts_are_agency_and_flow() -> None:
    query = read("A.B,F")
    assert (query.agencies, query.ids, query.version) == (("A.B",), ("F",), LATEST_IN_PRODUCTION)


def test_three_parts_are_agency_flow_and_version() -> None:
    query = read("A,F,1.0")
    assert (query.agencies, query.ids) == (("A",), ("F",))
    assert query.version == parse_version_query("1.0", Grammar.V1)


@pytest.mark.parametrize("everything", ["all", "ALL", "*", "%2A"])
def test_all_stands_for_any_agency(everything: str) -> None:
    assert read(f"{everything},F").agencies == ()


@pytest.mark.parametrize("path", ["F", "F/", "F/all", "F/all/", "F/all/all", "F/*/*/"])
def test_parts_at_the_end_may_be_left_out(path: str) -> None:
    assert read(path) == read("F")


def test_19_an_empty_position_is_any_value() -> None:
    assert read("F/A..C").keys == ((("A",), (), ("C",)),)


def test_19_plus_joins_values_of_a_position() -> None:
    assert read("F/A.B+C+B.").keys == ((("A",), ("B", "C"), ()),)


def test_a_star_of_2_x_is_an_empty_position() -> None:
    assert read("F/A.%2A.*").keys == read("F/A..").keys


def test_percent_encoded_separators_are_separators() -> None:
    assert read("A%2CF%2C1.0/X%2BY.Z") == read("A,F,1.0/X+Y.Z")


def test_a_provider_is_of_any_agency_or_of_one() -> None:
    assert read("F/all/P+A,Q+A,all").providers == (
        ProviderReference(None, "P"),
        ProviderReference("A", "Q"),
        ProviderReference("A", None),
    )


def test_all_among_the_providers_is_any_provider() -> None:
    assert read("F/all/P+all").providers == ()


def test_every_parameter_is_read() -> None:
    query = read(
        "F",
        "startPeriod=2010&endPeriod=2012-Q4&updatedAfter=2009-05-15T14%3A15%3A00%2B01%3A00"
        "&firstNObservations=2&lastNObservations=3&dimensionAtObservation=SEX&detail=dataonly"
        "&includeHistory=true&format=csvdata&formatVersion=1.0.0&lang=fr&compression=br"
        "&labels=both&timeFormat=normalized&keys=both",
    )
    assert query == DataQuery(
        Grammar.V1,
        "dataflow",
        (),
        ("F",),
        LATEST_IN_PRODUCTION,
        start_period="2010",
        end_period="2012-Q4",
        updated_after=datetime(2009, 5, 15, 13, 15, tzinfo=UTC),
        first_n=2,
        last_n=3,
        dimension_at_observation="SEX",
        detail=Detail.DATA_ONLY,
        include_history=True,
        presentation=Presentation("csvdata", "1.0.0", "fr", "br", "both", "normalized", "both"),
    )


def test_a_plus_in_a_date_time_is_no_space() -> None:
    with_plus = read("F", "updatedAfter=2009-05-15T14:15:00+01:00")
    assert with_plus.updated_after == datetime(2009, 5, 15, 13, 15, tzinfo=UTC)


def test_a_date_time_without_offset_is_utc() -> None:
    assert read("F", "updatedAfter=2009-05-15T14:15:00.5").updated_after == datetime(
        2009, 5, 15, 14, 15, 0, 500000, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("false", False), ("0", False)]
)
def test_a_boolean_is_one_of_xml_schema(text: str, value: bool) -> None:
    assert read("F", f"includeHistory={text}").include_history is value


@pytest.mark.parametrize("detail", Detail)
def test_each_detail_is_read(detail: Detail) -> None:
    assert read("F", f"detail={detail}").detail is detail
