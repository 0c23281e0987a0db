"""docs/structures.md says what the artefacts say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codelists.item_scheme import Codelist
from dsd.structure import Dataflow
from dsd.structures import PACKAGE_ROOT, Structures

DOCUMENT = Path(__file__).parents[2] / "docs" / "structures.md"


@pytest.fixture(scope="module")
def document() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


def test_every_table_is_documented_as_it_is(document: str, structures: Structures) -> None:
    for flow in structures.of_type(Dataflow):
        dsd = structures.dsd(flow.urn)
        row = next(line for line in document.splitlines() if f"| `{dsd.structure.id}` |" in line)
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        number, module, _, name, dimensions, measures, role = cells
        everywhere = {"REF_AREA", "FREQ", "MEASURE", "SEX", "SOURCE"}
        own = [id for id in dsd.series_ids if id not in everywhere]
        assert number == flow.annotation_value("TABLE_NUMBER")
        assert module == flow.annotation_value("MODULE")
        assert name == flow.label()
        assert dimensions == (", ".join(own) or "-")
        assert measures == ", ".join(code.id for code in dsd["MEASURE"].allowed_codes)
        assert role == (flow.annotation_value("COUNTERPART_ROLE") or "-")


def test_every_code_list_and_attribute_is_documented(document: str, structures: Structures) -> None:
    for codelist in structures.of_type(Codelist):
        assert f"| `{codelist.id}` | {len(codelist.codes)} |" in document
    for flow in structures.of_type(Dataflow):
        for attribute in structures.dsd(flow.urn).attributes:
            assert f"| `{attribute.id}` |" in document


def test_every_annotation_in_use_is_documented(document: str, structures: Structures) -> None:
    used = set()
    for artefact in structures:
        used |= {entry.id for entry in artefact.annotations}
        for item in getattr(artefact, "items", ()):
            used |= {entry.id for entry in item.annotations}
    assert [id for id in sorted(used - {None}, key=str) if f"`{id}" not in document] == []


def test_every_rule_of_the_check_is_documented(document: str) -> None:
    source = (PACKAGE_ROOT / "dsd" / "check.py").read_text(encoding="utf-8")
    rules = set(re.findall(r'"(artefact-[a-z-]+)"', source))
    assert len(rules) == 16
    assert [rule for rule in sorted(rules) if f"| `{rule}` |" not in document] == []
