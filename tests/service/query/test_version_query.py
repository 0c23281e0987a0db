"""The version syntax of SDMX-REST 2.2.2 (doc/querying_versions.md) and of 1.5.0."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.query.errors import QuerySyntaxError
from service.query.grammar import Grammar
from service.query.versions import parse_version_query

FOLDER = Path(__file__).parents[2] / "examples" / "query" / "versions"
AVAILABLE = (FOLDER / "available.txt").read_text(encoding="utf-8").split()
CASES = [
    line.split("\t") for line in (FOLDER / "cases.tsv").read_text(encoding="utf-8").splitlines()
]
REFUSED = (FOLDER / "refused.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(("query", "expected"), CASES)
def test_14_a_version_query_selects_what_the_standard_says(query: str, expected: str) -> None:
    found = parse_version_query(query).select(AVAILABLE)
    assert found == ([] if expected == "-" else expected.split())


@pytest.mark.parametrize("query", REFUSED)
def test_14_a_version_query_outside_the_table_is_refused(query: str) -> None:
    with pytest.raises(QuerySyntaxError, match=re.escape(f"version {query!r}")):
        parse_version_query(query)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("latest", ["2.0.0"]),
        ("all", AVAILABLE),
        ("*", AVAILABLE),
        ("1.0", ["1.0"]),
        ("1.0+2.0", ["1.0", "2.0"]),
        ("1.0.0+latest", ["1.0.0", "2.0.0"]),
        ("1.0.0-draft", ["1.0.0-draft"]),
        ("7.0", []),
    ],
)
def test_14_version_queries_of_1_5_join_with_plus(query: str, expected: list[str]) -> None:
    assert set(parse_version_query(query, Grammar.V1).select(AVAILABLE)) == set(expected)


@pytest.mark.parametrize("query", ["", "1.0+", "+", "~", "1.0,2.0", "1.+.0", "1.2.3.4", "new"])
def test_14_version_queries_of_1_5_have_no_wildcards(query: str) -> None:
    with pytest.raises(QuerySyntaxError, match=r"several as 1\.0\+2\.0"):
        parse_version_query(query, Grammar.V1)


@pytest.mark.parametrize("word", ["latest", "LATEST"])
def test_14_the_latest_of_1_5_is_no_draft(word: str) -> None:
    query = parse_version_query(word, Grammar.V1)
    assert query.select(["1.0", "2.0.0-draft"]) == ["1.0"]
    assert query.select(["2.0.0-draft"]) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+", "1+.0.0"),
        ("+.0.0", "1+.0.0"),
        ("2.+.0", "2.0+.0"),
        ("2.1.+", "2.1.0+"),
        ("~.0", "0~.0"),
        ("*.0.0", "0*.0.0"),
        ("2.*", "2.0*"),
        ("2.~.0", "2.0~.0"),
        ("2.1.~", "2.1.0~"),
        ("1.0.0,2.0.0", "2.0.0,1.0.0,1.0.0"),
        ("*", "all"),
        ("01.0", "1.0"),
    ],
)
def test_equivalent_version_queries_have_one_canonical_text(one: str, other: str) -> None:
    assert parse_version_query(one).canonical == parse_version_query(other).canonical


# -- against a model that tries every version ------------------------------------------------------

numbers = st.integers(0, 3)
extensions = st.sampled_from(["", "", "", "-a", "-a.1", "-b"])
versions = st.one_of(
    st.builds("{}".format, numbers),
    st.builds("{}.{}".format, numbers, numbers),
    st.builds("{}.{}.{}{}".format, numbers, numbers, numbers, extensions),
)


def split(version: str) -> tuple[tuple[int, ...], str]:
    text, _, extension = version.partition("-")
    return tuple(int(part) for part in text.split(".")), extension


def rank(version: str) -> tuple[object, ...]:
    # Of the extensions here, the order of texts is that of semantic versioning.
    parts, extension = split(version)
    return (parts, extension == "", extension)


def holds(version: str, minimum: tuple[int, ...], at: int, *, stable: bool) -> bool:
    parts, extension = split(version)
    if len(parts) != len(minimum) or (stable and extension):
        return False
    return parts[:at] == minimum[:at] and parts[at:] >= minimum[at:]


@given(
    st.lists(versions, max_size=12, unique=True),
    st.lists(numbers, min_size=2, max_size=3),
    st.integers(0, 2),
    st.sampled_from("+~*"),
)
def test_14_wildcards_with_a_minimum_select_as_the_model(
    available: list[str], minimum: list[int], at: int, symbol: str
) -> None:
    at = min(at, len(minimum) - 1)
    query = ".".join(f"{n}{symbol if place == at else ''}" for place, n in enumerate(minimum))
    if symbol == "+" and (len(minimum) == 2 or minimum[0] == 0):
        with pytest.raises(QuerySyntaxError):
            parse_version_query(query)
        return
    candidates = sorted(
        (v for v in available if holds(v, tuple(minimum), at, stable=symbol == "+")), key=rank
    )
    expected = candidates if symbol == "*" else candidates[-1:]
    assert parse_version_query(query).select(available) == expected


@given(st.lists(versions, max_size=12, unique=True))
def test_14_the_bare_wildcards_select_as_the_model(available: list[str]) -> None:
    ordered = sorted(available, key=rank)
    stable = [v for v in ordered if len(split(v)[0]) == 3 and not split(v)[1] and split(v)[0][0]]
    assert parse_version_query("*").select(available) == ordered
    assert parse_version_query("~").select(available) == ordered[-1:]
    assert parse_version_query("+").select(available) == stable[-1:]


@given(st.text("0123.+~*,-ax", max_size=12), st.sampled_from(Grammar))
def test_any_text_is_a_version_query_or_refused(text: str, grammar: Grammar) -> None:
    try:
        query = parse_version_query(text, grammar)
    except QuerySyntaxError:
        return
    again = parse_version_query(query.canonical)
    assert again.select(AVAILABLE) == query.select(AVAILABLE)
