"""Availability queries of SDMX-REST 1.5.0, 4.6.1, and 2.2.2, doc/availability.md."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.query.availability_query import (
    AvailabilityQuery,
    Mode,
    parse_availability_query_v1,
    parse_availability_query_v2,
)
from service.query.data_query import parse_data_query_v1, parse_data_query_v2


def v1(path: str, query: str = "") -> AvailabilityQuery:
    return parse_availability_query_v1(path, query)


def v2(path: str, query: str = "") -> AvailabilityQuery:
    return parse_availability_query_v2(path, query)


@pytest.mark.parametrize("path", ["F", "F/", "F/all", "F/all/all/all/"])
def test_a_flow_of_1_5_alone_asks_for_all_of_it(path: str) -> None:
    assert v1(path) == AvailabilityQuery(parse_data_query_v1("F", ""))


@pytest.mark.parametrize("path", ["dataflow", "dataflow/", "dataflow/*/*/*/*/*/"])
def test_a_context_of_2_2_alone_asks_for_all_of_it(path: str) -> None:
    assert v2(path) == AvailabilityQuery(parse_data_query_v2("dataflow", ""))


def test_the_data_are_those_of_a_data_query_of_1_5() -> None:
    path, query = (
        "A,F,1.0/X..Y/P",
        "startPeriod=2010&endPeriod=2011&updatedAfter=2020-01-01T00:00:00Z",
    )
    assert v1(path, query).data == parse_data_query_v1(path, query)


def test_the_data_are_those_of_a_data_query_of_2_2() -> None:
    path = "datastructure/A/F/1.0.0/X.*.Y,Z"
    query = (
        "c[TIME_PERIOD]=ge:2010-Q1&reportingYearStartDay=--07-01&updatedAfter=2020-01-01T00:00:00Z"
    )
    found = v2(path, query).data
    assert found == parse_data_query_v2(path, query)
    assert found.updated_after == datetime(2020, 1, 1, tzinfo=UTC)


def test_components_are_the_last_part() -> None:
    assert v1("F/all/all/SEX+AGE").component_ids == ("SEX", "AGE")
    assert v2("dataflow/A/F/*/*/SEX,AGE").component_ids == ("SEX", "AGE")


@pytest.mark.parametrize("mode", Mode)
def test_each_mode_is_read(mode: Mode) -> None:
    assert v1("F", f"mode={mode}").mode is v2("dataflow", f"mode={mode}").mode is mode


def test_references_are_one_in_1_5_and_several_in_2_2() -> None:
    assert v1("F", "references=codelist").references == ("codelist",)
    assert v2("dataflow", "references=codelist,valuelist").references == ("codelist", "valuelist")


def test_the_look_of_the_answer_is_read() -> None:
    plain = v1("F")
    assert v1("F", "lang=fr") != plain
    assert replace(v1("F", "lang=fr"), data=plain.data) == plain
