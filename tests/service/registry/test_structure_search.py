"""Structure queries answered from a registry."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from codelists.base import Maintainable
from codelists.urn import ARTEFACT_TYPES
from dsd.structures import Structures
from service.query.structure_query import parse_structure_query_v1, parse_structure_query_v2
from service.registry.registry import Registry
from service.registry.search import search

CASES = tomllib.loads(
    (Path(__file__).parents[2] / "examples/registry/references/cases.toml").read_text(
        encoding="utf-8"
    )
)["case"]
DF2 = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=T:DF2(1.0.0)"
PARSERS = {"v1": parse_structure_query_v1, "v2": parse_structure_query_v2}


def ask(registry: Registry, line: str, path: str, query: str = "") -> list[Maintainable]:
    if line == "v2":
        path = path.replace("/all", "/*")
    return search(registry, PARSERS[line](path, query), address)


def address(artefact: Maintainable) -> str:
    return f"https://example.org/{artefact.id}"


@pytest.mark.parametrize(
    ("line", "case"),
    [(line, case) for case in CASES for line in ("v1", "v2") if line in case],
    ids=lambda value: (
        value if isinstance(value, str) else f"{value['query']}-{value['references']}"
    ),
)
def test_11_references_bring_exactly_the_neighbours(registry, line, case) -> None:
    matches = [a.id for a in ask(registry, line, case["query"])]
    found = [a.id for a in ask(registry, line, case["query"], f"references={case['references']}")]
    assert matches
    assert len(found) == len(set(found))
    assert set(found) - set(matches) == set(case[line])


@pytest.mark.parametrize(
    ("line", "path", "expected"),
    [
        ("v1", "codelist/T/CL_A", ["1.0.0"]),
        ("v1", "codelist/T/CL_A/all", ["0.9.0", "1.0.0"]),
        ("v1", "codelist/T/CL_A/0.9.0+1.0.0", ["0.9.0", "1.0.0"]),
        ("v2", "codelist/T/CL_A/*", ["0.9.0", "1.0.0"]),
        ("v2", "codelist/T/CL_A/+", ["1.0.0"]),
        ("v2", "codelist/T/CL_A/0.9.0", ["0.9.0"]),
        ("v2", "codelist/T/CL_A/2.0.0", []),
        ("v2", "codelist/Z,T/CL_A,CL_Z", ["1.0.0"]),
        ("v2", "codelist/Z/CL_A", []),
        # Organisation schemes have no versions, so theirs is the stable one.
        ("v2", "agencyscheme/SDMX/AGENCIES/+", ["1.0"]),
        ("v2", "dataproviderscheme/T/*/+", ["1.0"]),
        ("v2", "agencyscheme/SDMX/AGENCIES/1.0+.0", []),
    ],
)
def test_14_versions_and_several_names(registry, line, path, expected) -> None:
    assert [artefact.version for artefact in ask(registry, line, path)] == expected


def test_artefacts_come_in_the_order_of_messages(registry) -> None:
    types = [artefact.type_name for artefact in ask(registry, "v2", "*")]
    order = [entry.name for entry in ARTEFACT_TYPES]
    assert types == sorted(types, key=order.index)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("codelist/T/CL_A/~/A11", ["T", "A1", "A11"]),
        ("codelist/T/CL_A/~/T.A1.A11", ["T", "A1", "A11"]),
        ("codelist/T/CL_A/~/A2,NIX", ["T", "A2"]),
        ("conceptscheme/T/CS/~/Y", ["Y"]),
        ("dataproviderscheme/T/DATA_PROVIDERS/~/P2", ["P2"]),
    ],
)
def test_13_items_come_with_those_above_them(registry, path, expected) -> None:
    (scheme,) = ask(registry, "v2", path)
    assert [item.id for item in scheme.items] == expected
    assert scheme.is_partial


def test_13_a_category_comes_without_those_under_it(registry) -> None:
    (scheme,) = ask(registry, "v2", "categoryscheme/T/CAS/~/S")
    assert [path for path, _ in scheme.walk()] == ["S"]
    (scheme,) = ask(registry, "v2", "categoryscheme/T/CAS/~/S.U")
    assert [path for path, _ in scheme.walk()] == ["S", "S.U"]


def test_a_scheme_without_the_item_does_not_match(registry) -> None:
    assert ask(registry, "v2", "codelist/T/CL_A/~/NIX") == []
    assert ask(registry, "v2", "categoryscheme/T/CAS/~/U") == []


# -- detail ----------------------------------------------------------------------------------------


def by_id(found: list[Maintainable]) -> dict[str, Maintainable]:
    return {artefact.id: artefact for artefact in found}


def test_12_stubs_have_names_and_no_content(registry) -> None:
    found = by_id(ask(registry, "v2", "dataflow/T/DF1", "detail=allstubs&references=all"))
    assert all(artefact.is_external_reference for artefact in found.values())
    flow = found["DF1"]
    assert flow.names == {"en": "Flow DF1", "fr": "Flux DF1"}
    assert (flow.structure, flow.annotations, flow.descriptions) == (None, (), {})
    assert found["CL_A"].items == ()
    assert found["D"].data_structure_components is None


def test_12_complete_stubs_keep_notes_and_descriptions(registry) -> None:
    (flow,) = ask(registry, "v2", "dataflow/T/DF1", "detail=allcompletestubs")
    assert flow.is_external_reference
    assert flow.structure is None
    assert flow.descriptions == {"en": "What it holds"}
    assert flow.annotation_value("NOTE") == "x"


@pytest.mark.parametrize("detail", ["referencestubs", "referencecompletestubs"])
def test_12_only_what_is_referenced_becomes_a_stub(registry, detail) -> None:
    found = by_id(ask(registry, "v2", "dataflow/T/DF1", f"detail={detail}&references=all"))
    assert found["DF1"].structure is not None
    assert not found["DF1"].is_external_reference
    assert found["D"].is_external_reference


def partial_ids(found: list[Maintainable], id: str) -> list[str] | None:
    """Return the items left of a scheme; None where the whole scheme is there."""
    scheme = by_id(found)[id]
    return [item.id for item in scheme.items] if scheme.is_partial else None


def test_11_referencepartial_keeps_what_the_answer_uses(registry) -> None:
    found = ask(registry, "v2", "dataflow/T/DF1", "detail=referencepartial&references=all")
    # DF1 and its DSD leave A11; what is above it stays.
    assert partial_ids(found, "CL_A") == ["T", "A1", "A11"]
    assert partial_ids(found, "CL_B") is None
    assert partial_ids(found, "CS") == ["A", "B", "Y"]
    assert partial_ids(found, "DATA_PROVIDERS") == ["P1"]
    assert partial_ids(found, "AGENCIES") == ["T"]
    assert [path for path, _ in by_id(found)["CAS"].walk()] == ["S", "S.T"]


def test_11_constraints_on_the_dsd_count_for_a_dataflow(registry) -> None:
    found = ask(registry, "v2", "dataflow/T/DF2", "detail=referencepartial&references=descendants")
    assert registry.structures.dsd(DF2)["A"].allowed == {"A11", "A2"}
    # With those above them that is all there are.
    assert {item.id for item in by_id(found)["CL_A"].items} == {"T", "A1", "A11", "A2"}


def test_the_matches_themselves_stay_whole(registry) -> None:
    found = ask(registry, "v2", "codelist/T/CL_A", "detail=referencepartial&references=parents")
    assert partial_ids(found, "CL_A") is None


def test_11_an_agreement_narrows_as_its_dataflow_does(registry) -> None:
    found = ask(
        registry, "v2", "provisionagreement/T/PA1", "detail=referencepartial&references=descendants"
    )
    assert partial_ids(found, "CL_A") == ["T", "A1", "A11"]


def test_what_is_not_changed_is_the_artefact_itself(registry, small) -> None:
    (flow,) = ask(registry, "v2", "dataflow/T/DF1")
    assert flow is small.find(flow.urn)


def test_the_content_hash_tells_registries_apart(registry, small) -> None:
    again = Registry(Structures(list(small)))
    fewer = Registry(Structures([a for a in small if a.id != "DF2"]))
    assert again.content_hash == registry.content_hash
    assert fewer.content_hash != registry.content_hash
