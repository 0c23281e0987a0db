"""Queries kept as files: what clients and the standard's own text send, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.query.availability_query import (
    parse_availability_query_v1,
    parse_availability_query_v2,
)
from service.query.data_query import parse_data_query_v1, parse_data_query_v2
from service.query.errors import QuerySyntaxError
from service.query.structure_query import parse_structure_query_v1, parse_structure_query_v2

FOLDER = Path(__file__).parents[2] / "examples" / "query"
PARSERS = {
    "data v1": parse_data_query_v1,
    "data v2": parse_data_query_v2,
    "structure v1": parse_structure_query_v1,
    "structure v2": parse_structure_query_v2,
    "availability v1": parse_availability_query_v1,
    "availability v2": parse_availability_query_v2,
}


def rows(name: str, columns: int) -> list[list[str]]:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [(line.split("\t") + [""] * columns)[:columns] for line in lines]


@pytest.mark.parametrize(("client", "parser", "path", "query"), rows("clients/requests.tsv", 4))
def test_requests_of_real_clients_are_understood(
    client: str, parser: str, path: str, query: str
) -> None:
    found = PARSERS[parser](path, query)
    asked = found.data if parser.startswith("availability") else found
    assert asked.ids in ((), *((name,) for name in re.findall(r"[\w]+", path.replace("%2C", ","))))
    assert "TST" in asked.agencies or "TST" not in path, client


@pytest.mark.parametrize(("parser", "path", "query"), rows("standard/requests.tsv", 3))
def test_examples_of_the_standard_are_understood(parser: str, path: str, query: str) -> None:
    assert PARSERS[parser](path, query) == PARSERS[parser](f"/{path}/", f"&{query}&")


@pytest.mark.parametrize(("parser", "path", "query", "words"), rows("refused/requests.tsv", 4))
def test_a_query_that_breaks_the_grammar_is_answered_with_what_to_write(
    parser: str, path: str, query: str, words: str
) -> None:
    assert words
    with pytest.raises(QuerySyntaxError, match=re.escape(words)):
        PARSERS[parser](path, query)


@pytest.mark.parametrize(("expression", "meaning"), rows("filters/cases.tsv", 2))
def test_20_an_expression_of_c_means_what_the_standard_says(expression: str, meaning: str) -> None:
    (found,) = parse_data_query_v2("", f"c[X]={expression}").filters
    read = " | ".join(
        " & ".join(f"{condition.operator} {condition.value}" for condition in term)
        for term in found.terms
    )
    assert (found.component, read) == ("X", meaning)
