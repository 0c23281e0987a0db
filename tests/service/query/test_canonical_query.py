"""Equivalent queries have one text, others have another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.query.availability_query import (
    parse_availability_query_v1,
    parse_availability_query_v2,
)
from service.query.canonical import canonical
from service.query.data_query import parse_data_query_v1, parse_data_query_v2
from service.query.structure_query import parse_structure_query_v1, parse_structure_query_v2

PARSERS = {
    "d1": parse_data_query_v1,
    "d2": parse_data_query_v2,
    "s1": parse_structure_query_v1,
    "s2": parse_structure_query_v2,
    "a1": parse_availability_query_v1,
    "a2": parse_availability_query_v2,
}


def text(request: str) -> str:
    """Return the canonical text of `PARSER PATH?QUERY`."""
    parser, _, rest = request.partition(" ")
    path, _, query = rest.partition("?")
    return canonical(PARSERS[parser](path, query))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("d2 dataflow/A,B/F,G/1.0.0,2.0.0", "d2 dataflow/B,A,B/G,F/2.0.0,1.0.0/*"),
        ("d2 dataflow/A/F/+", "d2 dataflow/A/F/1+.0.0/"),
        ("d2 dataflow/A/F/*/X,Y.*.Z", "d2 dataflow/A/F/*/Y.*.Z.*,X.*.*,X"),
        ("d2 dataflow/A/F/*/X,*.*", "d2 dataflow/A/F"),
        ("d2 dataflow/A/F?c[X]=A,B&limit=5", "d2 dataflow/A/F?limit=5&c[X]=eq:B,A,A"),
        ("d2 dataflow/A/F?c[X]=ge:A+le:B&c[Y]=A", "d2 dataflow/A/F?c[Y]=A&c[X]=le:B%2Bge:A"),
        ("d2 dataflow/A/F?attributes=A,B", "d2 dataflow/A/F?attributes=B,A,B&offset=0"),
        ("d2 dataflow/A/F?sort=A:asc+B:desc", "d2 dataflow/A/F?sort=A+B:desc"),
        ("d2 */A/F?asOf=2024-01-01T07:00:00%2B07:00", "d2 */A/F?asOf=2024-01-01T00:00:00Z"),
        ("d2 dataflow/A/F?lang=fr&format=csvdata", "d2 dataflow/A/F"),
        ("d1 A,F,1.0/X+Y..", "d1 A,F,1.0/Y+X+Y../all?detail=full"),
        ("d1 A,F,1.0/X..", "d2 dataflow/A/F/1.0/X"),
        ("d1 A,F,all", "d2 dataflow/A/F"),
        ("d1 A,F?detail=dataonly", "d2 dataflow/A/F/latest?attributes=none"),
        ("d1 A,F,1.0?detail=serieskeysonly", "d2 dataflow/A/F/1.0?attributes=none&measures=none"),
        ("d1 A,F,1.0?startPeriod=2010", "d2 dataflow/A/F/1.0?c[TIME_PERIOD]=ge:2010"),
        ("d1 F/all/P+Q", "d1 F/all/Q+P"),
        ("s1 codelist/A+B/X/1.0", "s2 codelist/B,A/X/1.0"),
        ("s1 codelist/A/X/1.0/I+J?references=all", "s2 codelist/A/X/1.0/J,I?references=all"),
        ("s2 codelist?references=dataflow,children", "s2 codelist/*?references=children,dataflow"),
        ("a1 A,F,1.0/X../all/S+T", "a2 dataflow/A/F/1.0/X/T,S?mode=exact"),
        ("a2 dataflow?references=codelist,dataflow", "a2 dataflow?references=dataflow,codelist"),
    ],
)
def test_equivalent_queries_have_one_text(one: str, other: str) -> None:
    assert text(one) == text(other)


DIFFERENT = [
    "d2 dataflow/A/F",
    "d2 datastructure/A/F",
    "d2 */A/F",
    "d2 dataflow/*/F",
    "d2 dataflow/A/*",
    "d2 dataflow/A/F/1.0.0",
    "d2 dataflow/A/F/1.0",
    "d2 dataflow/A/F/+",
    "d2 dataflow/A/F/~",
    "d2 dataflow/A/F/latest",
    "d2 dataflow/A/F/*/X",
    "d2 dataflow/A/F/*/*.X",
    "d2 dataflow/A/F/*/X,Y",
    "d2 dataflow/A/F/*/X.Y",
    "d1 A,F,all/X+Y.",
    "d1 A,F,all/all/P",
    "d1 A,F,all/all/A,P",
    "d2 dataflow/A/F?c[X]=A",
    "d2 dataflow/A/F?c[X]=ne:A",
    "d2 dataflow/A/F?c[X]=A+B",
    "d2 dataflow/A/F?c[X]=A,B",
    "d2 dataflow/A/F?c[X]=A%26c[Y]=B",
    "d2 dataflow/A/F?c[X]=A&c[Y]=B",
    "d2 dataflow/A/F?c[X]=A%2526c[Y]=B",
    "d2 dataflow/A/F?c[TIME_PERIOD]=ge:2010",
    "d2 dataflow/A/F?c[TIME_PERIOD]=le:2010",
    "d1 A,F,all?startPeriod=2010&endPeriod=2011",
    "d2 dataflow/A/F?reportingYearStartDay=--07-01",
    "d2 dataflow/A/F?updatedAfter=2024-01-01T00:00:00Z",
    "d2 dataflow/A/F?asOf=2024-01-01T00:00:00Z",
    "d2 dataflow/A/F?firstNObservations=1",
    "d2 dataflow/A/F?lastNObservations=1",
    "d2 dataflow/A/F?offset=1",
    "d2 dataflow/A/F?limit=1",
    "d2 dataflow/A/F?dimensionAtObservation=AllDimensions",
    "d2 dataflow/A/F?attributes=all",
    "d2 dataflow/A/F?attributes=none",
    "d2 dataflow/A/F?measures=none",
    "d2 dataflow/A/F?includeHistory=true",
    "d2 dataflow/A/F?sort=A",
    "d2 dataflow/A/F?sort=A:desc",
    "d2 dataflow/A/F?sort=A+B",
    "d2 dataflow/A/F?sort=B+A",
    "d1 A,F,all?detail=nodata",
    "a2 dataflow/A/F",
    "a2 dataflow/A/F?mode=available",
    "a2 dataflow/A/F?references=all",
    "a2 dataflow/A/F/*/*/X",
    "s2 *",
    "s2 dataflow",
    "s2 dataflow/A",
    "s2 dataflow/A/F",
    "s2 dataflow/*/F",
    "s2 dataflow/A/F/1.0.0",
    "s2 codelist/A/F/1.0.0/I",
    "s2 dataflow?detail=allstubs",
    "s2 dataflow?references=children",
    "s2 dataflow?references=children,parents",
    "s2 dataflow?asOf=2024-01-01T00:00:00Z",
    "s1 dataflow",
    "s1 contentconstraint/A/F/1.0",
    "s1 actualconstraint/A/F/1.0",
    "s2 dataconstraint/A/F/1.0",
]


def test_different_queries_have_different_texts() -> None:
    texts = [text(request) for request in DIFFERENT]
    assert len(set(texts)) == len(DIFFERENT)


def test_start_and_end_are_conditions_on_every_alternative() -> None:
    query = parse_data_query_v2("dataflow/A/F", "c[TIME_PERIOD]=ge:2005,lt:2003")
    spelled = parse_data_query_v2("dataflow/A/F", "c[TIME_PERIOD]=lt:2003+ge:2002,ge:2002+ge:2005")
    assert canonical(replace(query, start_period="2002")) == canonical(spelled)
