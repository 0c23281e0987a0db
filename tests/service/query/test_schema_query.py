"""Schema queries of SDMX-REST 1.5.0, 4.6.2, and 2.2.2, doc/schema.md."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from service.query.canonical import canonical
from service.query.errors import QuerySyntaxError
from service.query.grammar import Grammar
from service.query.schema_query import (
    CONTEXTS_V1,
    CONTEXTS_V2,
    SchemaQuery,
    parse_schema_query_v1,
    parse_schema_query_v2,
)
from service.query.versions import parse_version_query

Parse = Callable[[str, str], SchemaQuery]
BOTH = pytest.mark.parametrize("parse", [parse_schema_query_v1, parse_schema_query_v2])


@pytest.mark.parametrize("path", ["dataflow/A/F", "dataflow/A/F/", "dataflow/A/F/latest/"])
def test_the_version_of_1_5_is_the_latest_in_production(path: str) -> None:
    version = parse_version_query("latest", Grammar.V1)
    assert parse_schema_query_v1(path, "") == SchemaQuery(Grammar.V1, "dataflow", "A", "F", version)


@pytest.mark.parametrize("path", ["dataflow/A/F", "dataflow/A/F/", "dataflow/A/F/~"])
def test_the_version_of_2_2_is_the_latest_with_drafts(path: str) -> None:
    version = parse_version_query("~")
    assert parse_schema_query_v2(path, "") == SchemaQuery(Grammar.V2, "dataflow", "A", "F", version)


@pytest.mark.parametrize(
    ("parse", "contexts"),
    [(parse_schema_query_v1, CONTEXTS_V1), (parse_schema_query_v2, CONTEXTS_V2)],
)
def test_every_context_of_the_line_is_known(parse: Parse, contexts: tuple[str, ...]) -> None:
    assert [parse(f"{context}/A.B/F/1.0", "").context for context in contexts] == list(contexts)


@pytest.mark.parametrize("text", ["1.0.0", "+", "~", "1.2+.3", "2.~", "1.0.0-draft", "latest"])
def test_a_version_of_2_2_may_be_any_that_finds_one(text: str) -> None:
    found = parse_schema_query_v2(f"dataflow/A/F/{text}", "").version
    assert found == parse_version_query(text)


def test_the_parameters_are_read() -> None:
    one = parse_schema_query_v1("dataflow/A/F", "dimensionAtObservation=SEX&explicitMeasure=1")
    assert (one.dimension_at_observation, one.explicit_measure) == ("SEX", True)
    two = parse_schema_query_v2(
        "dataflow/A/F", "deletion=true&asOf=2024-05-15T14:15:00%2B07:00&format=schema&lang=fr"
    )
    assert two.deletion
    assert two.as_of == datetime(2024, 5, 15, 7, 15, tzinfo=UTC)
    assert (two.presentation.format, two.presentation.language) == ("schema", "fr")


@BOTH
@pytest.mark.parametrize(
    ("path", "query", "said"),
    [
        ("", "", "context"),
        ("*/A/F", "", "context '*'"),
        ("codelist/A/F", "", "context 'codelist'"),
        ("dataflow", "", "agencyID: a schema is that of one artefact"),
        ("dataflow/A", "", "resourceID: a schema is that of one artefact"),
        ("dataflow/all/F", "", "agencyID"),
        ("dataflow/*/F", "", "agencyID"),
        ("dataflow/A/all", "", "resourceID"),
        ("dataflow/A,B/F", "", "agencyID 'A,B'"),
        ("dataflow/A/F,G", "", "resourceID 'F,G'"),
        ("dataflow/A/F+G", "", "resourceID 'F"),
        ("dataflow/A/F/all", "", "a schema is that of one artefact"),
        ("dataflow/A/F/*", "", "a schema is that of one artefact"),
        ("dataflow/A/F/1.0,2.0", "", "version '1.0,2.0'"),
        ("dataflow/A/F/x", "", "version 'x'"),
        ("dataflow/A/F/1.0/X", "", "at most 4"),
        ("dataflow/A/F", "dimensionAtObservation=", "no value"),
        ("dataflow/A/F", "references=all", "there is no parameter references"),
        ("dataflow/A/F", "format=a&format=b", "given twice"),
    ],
)
def test_what_breaks_the_grammar_is_named(parse: Parse, path: str, query: str, said: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(path, query)
    assert said in str(caught.value)


def test_parameters_of_the_other_line_are_told() -> None:
    with pytest.raises(QuerySyntaxError, match=r"deletion here; it belongs to SDMX REST 2\.x"):
        parse_schema_query_v1("dataflow/A/F", "deletion=true")
    with pytest.raises(QuerySyntaxError, match=r"SDMX 3\.x has no explicit measures"):
        parse_schema_query_v2("dataflow/A/F", "explicitMeasure=true")
    with pytest.raises(QuerySyntaxError, match="metadataprovisionagreement"):
        parse_schema_query_v1("metadataprovisionagreement/A/F", "")
    with pytest.raises(QuerySyntaxError, match="deletion=yes"):
        parse_schema_query_v2("dataflow/A/F", "deletion=yes")


def test_equivalent_queries_are_one_and_others_differ() -> None:
    one = canonical(parse_schema_query_v2("dataflow/A/F", "deletion=0&lang=fr"))
    assert one == canonical(parse_schema_query_v2("dataflow/A/F/~/", "deletion=false"))
    assert one != canonical(parse_schema_query_v2("dataflow/A/F", "deletion=1"))
    queries = (
        "dimensionAtObservation=SEX",
        "asOf=2024-05-15T14:15:00Z",
        "dimensionAtObservation=SEX&deletion=true",
    )
    texts = {canonical(parse_schema_query_v2("dataflow/A/F", query)) for query in queries}
    assert len(texts | {one}) == 4
