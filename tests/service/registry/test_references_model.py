"""`references` against the words of the standard, taken literally, on any graph of artefacts (check-list 11)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from codelists.urn import Urn
from dsd.process import InputOutput, Process, ProcessStep
from dsd.structures import Structures
from service.query.structure_query import parse_structure_query_v1, parse_structure_query_v2
from service.registry.registry import Registry
from service.registry.search import search

Edges = frozenset[tuple[int, int]]
SIZE = 7
edges = st.frozensets(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=14)
words = st.sampled_from(
    ["none", "children", "descendants", "parents", "ancestors", "parentsandsiblings", "all"]
)


def processes(found: Edges) -> Structures:
    """Return processes, which may refer to anything, as many as there are; an edge is a reference."""

    def inputs(number: int) -> tuple[InputOutput, ...]:
        targets = sorted(target for source, target in found if source == number)
        return tuple(
            InputOutput(object_reference=str(Urn("Process", "T", f"P{target}", "1.0.0")))
            # Twice, as nothing may come twice.
            for target in (*targets, *targets)
        )

    return Structures(
        Process(
            agency_id="T",
            id=f"P{number}",
            version="1.0.0",
            process_steps=(ProcessStep(id="S", inputs=inputs(number)),),
        )
        for number in range(SIZE)
    )


def children(found: Edges, of: set[int]) -> set[int]:
    return {target for source, target in found if source in of}


def parents(found: Edges, of: set[int]) -> set[int]:
    return {source for source, target in found if target in of}


def expected(word: str, found: Edges, of: set[int]) -> set[int]:
    if word == "none":
        return set()
    if word == "children":
        return children(found, of)
    if word == "parents":
        return parents(found, of)
    if word in ("descendants", "ancestors"):
        step = children if word == "descendants" else parents
        reached: set[int] = set()
        while (more := step(found, of | reached)) - reached:
            reached |= more
        return reached
    siblings = parents(found, of) | children(found, parents(found, of))
    return (
        siblings if word == "parentsandsiblings" else siblings | expected("descendants", found, of)
    )


def ask(found: Edges, of: set[int], references: str, line: str) -> list[int]:
    parse = parse_structure_query_v1 if line == "v1" else parse_structure_query_v2
    resource = "process/T/" + ("+" if line == "v1" else ",").join(
        f"P{number}" for number in sorted(of)
    )
    query = parse(resource, f"references={references}")
    answer = search(Registry(processes(found)), query, lambda artefact: "")
    return [int(artefact.id[1:]) for artefact in answer]


@given(edges, st.sets(st.integers(0, SIZE - 1), min_size=1, max_size=3), words)
def test_11_one_word_brings_what_it_says_once(found: Edges, of: set[int], word: str) -> None:
    wanted = of | expected(word, found, of)
    assert ask(found, of, word, "v2") == sorted(wanted)
    if word != "ancestors":
        assert ask(found, of, word, "v1") == sorted(wanted)


@given(
    edges, st.integers(0, SIZE - 1), st.lists(words.filter("none".__ne__), min_size=2, max_size=3)
)
def test_11_several_words_bring_what_each_says(found: Edges, of: int, several: list[str]) -> None:
    wanted = {of}.union(*(expected(word, found, {of}) for word in several))
    assert ask(found, {of}, ",".join(several), "v2") == sorted(wanted)


@given(edges, st.integers(0, SIZE - 1))
def test_11_a_type_brings_what_is_reached_in_one_direction(found: Edges, of: int) -> None:
    wanted = {of} | expected("descendants", found, {of}) | expected("ancestors", found, {of})
    assert ask(found, {of}, "process", "v2") == sorted(wanted)
    assert ask(found, {of}, "codelist", "v2") == [of]
