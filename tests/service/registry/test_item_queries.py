"""Item queries on every kind of item scheme (check-list 13)."""

from __future__ import annotations

from pathlib import Path

import pytest

from codelists.base import Maintainable
from codelists.hierarchy import HierarchicalCodelist, Hierarchy
from codelists.item_scheme import Concept, ConceptScheme, ItemScheme, ValueList
from codelists.urn import TYPE_OF_RESOURCE
from dsd.sdmx_json import decode_structures
from dsd.structure import Dataflow, DataStructure
from dsd.structures import Structures
from service.query.structure_query import (
    ITEM_SCHEMES_V1,
    ITEM_SCHEMES_V2,
    parse_structure_query_v1,
    parse_structure_query_v2,
)
from service.registry.item_query import item_ids, with_items
from service.registry.registry import Registry
from service.registry.search import search

EXAMPLES = Path(__file__).parents[2] / "examples" / "structures"


def source(name: str) -> Maintainable:
    (found,) = decode_structures((EXAMPLES / name / "source.json").read_bytes()).data.all()
    return found


def ask(artefact: Maintainable, line: str, path: str, query: str = "") -> list[Maintainable]:
    parse = {"v1": parse_structure_query_v1, "v2": parse_structure_query_v2}[line]
    registry = Registry(Structures([artefact]))
    return search(registry, parse(path, query), lambda artefact: "")


def ids_of(scheme: ItemScheme) -> set[str]:
    return set(item_ids(scheme))


def lineage(scheme: ItemScheme, id: str) -> set[str]:
    """Return an item and those above it: the beginnings of a path, or the chain of parents."""
    if "." in id:
        parts = id.split(".")
        return {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
    parents = {item.id: getattr(item, "parent", None) for item in scheme.items}
    return {id} | (lineage(scheme, parents[id]) if parents.get(id) in parents else set())


@pytest.mark.parametrize("resource", sorted(set(ITEM_SCHEMES_V2) - {"valuelist"}))
def test_13_the_items_of_every_scheme_can_be_asked_for(resource: str) -> None:
    scheme = source(resource)
    assert isinstance(scheme, ItemScheme)
    path = f"{resource}/{scheme.agency_id}/{scheme.id}/*"
    for wanted in item_ids(scheme):
        (found,) = ask(scheme, "v2", f"{path}/{wanted}")
        assert isinstance(found, ItemScheme)
        assert found.is_partial
        assert ids_of(found) == lineage(scheme, wanted)
    assert ask(scheme, "v2", f"{path}/NOT_THERE") == []
    (found,) = ask(scheme, "v2", f"{path}/{','.join(item_ids(scheme))},NOT_THERE")
    assert ids_of(found) == ids_of(scheme)


@pytest.mark.parametrize(
    "resource", sorted(set(ITEM_SCHEMES_V1) & set(TYPE_OF_RESOURCE) - {"valuelist"})
)
def test_in_1_5_items_are_joined_by_plus(resource: str) -> None:
    scheme = source(resource)
    assert isinstance(scheme, ItemScheme)
    items = "+".join(sorted(item_ids(scheme)))
    (found,) = ask(scheme, "v1", f"{resource}/{scheme.agency_id}/{scheme.id}/all/{items}")
    assert ids_of(found) == ids_of(scheme)


@pytest.mark.parametrize(
    ("name", "item", "expected"),
    [
        ("categoryscheme", "A", {"A"}),
        ("categoryscheme", "A.A1.A11", {"A", "A.A1", "A.A1.A11"}),
        ("reportingtaxonomy", "R1", {"R1"}),
        ("reportingtaxonomy", "R1.R11", {"R1", "R1.R11"}),
    ],
)
def test_13_a_nested_item_comes_with_those_above_and_without_those_under_it(
    name: str, item: str, expected: set[str]
) -> None:
    (found,) = ask(source(name), "v2", f"{name}/*/*/*/{item}")
    assert isinstance(found, ItemScheme)
    assert ids_of(found) == expected


CONCEPTS = ConceptScheme(
    agency_id="T",
    id="CS",
    version="1.0.0",
    concepts=(
        Concept(id="A"),
        Concept(id="B", parent="A"),
        Concept(id="C", parent="B"),
        Concept(id="D", parent="GONE"),
        Concept(id="E", parent="F"),
        Concept(id="F", parent="E"),
    ),
)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("C", {"A", "B", "C"}),
        ("A.B.C", {"A", "B", "C"}),
        ("B.C", {"A", "B", "C"}),
        ("A", {"A"}),
        ("D", {"D"}),
        ("E", {"E", "F"}),
        ("A.C", None),
        ("X.C", None),
        ("C.B.A", None),
        ("A.B.C.X", None),
    ],
)
def test_13_a_nested_id_names_the_item_that_is_under_the_others(item, expected) -> None:
    found = with_items(CONCEPTS, [item])
    assert (found and ids_of(found)) == expected


def test_the_values_of_a_list_can_be_asked_for_whatever_characters_they_have() -> None:
    values = source("valuelist")
    assert isinstance(values, ValueList)
    for value in values.value_items:
        encoded = "".join(f"%{byte:02X}" for byte in value.id.encode())
        if "," in value.id:
            continue
        (found,) = ask(values, "v2", f"valuelist/*/*/*/{encoded}")
        assert [entry.id for entry in found.value_items] == [value.id]
    assert ask(values, "v2", "valuelist/*/*/*/%20none") == []


def test_a_hierarchy_of_2_1_is_an_item_of_its_list() -> None:
    lists = source("hierarchicalcodelist")
    (found,) = ask(lists, "v1", "hierarchicalcodelist/all/all/all/H2")
    assert isinstance(found, HierarchicalCodelist)
    assert [entry.id for entry in found.hierarchies] == ["H2"]
    assert ask(lists, "v1", "hierarchicalcodelist/all/all/all/H3") == []
    hierarchy = source("hierarchy")
    (found,) = ask(hierarchy, "v1", f"hierarchicalcodelist/all/all/all/{hierarchy.id}")
    assert isinstance(found, Hierarchy)


@pytest.mark.parametrize(("item", "expected"), [("R1", set()), ("R1.R11", {"DF"}), ("R2", {"DSD"})])
def test_only_what_the_items_left_refer_to_comes_along(item: str, expected: set[str]) -> None:
    taxonomy = source("reportingtaxonomy")
    named = {"agency_id": "TST", "version": "1.0.0"}
    registry = Registry(
        Structures([taxonomy, Dataflow(**named, id="DF"), DataStructure(**named, id="DSD")])
    )
    query = parse_structure_query_v2(f"reportingtaxonomy/*/*/*/{item}", "references=children")
    found = {artefact.id for artefact in search(registry, query, lambda artefact: "")}
    assert found == {taxonomy.id, *expected}
