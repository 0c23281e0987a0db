"""Each folder of tests/examples/validation shows one rule: faulty data, its clean twin, and what is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codelists.urn import Urn
from dsd.dataset import Dataset
from dsd.finding import Finding
from dsd.resolved import Dsd
from dsd.spool import Spool
from dsd.structures import Structures
from service.validation.engine import validate
from service.validation.rules import RULES

FOLDER = Path(__file__).parents[2] / "examples" / "validation"
CASES = sorted(path.parent.name for path in FOLDER.glob("*/expected.json"))


def expected_of(case: str) -> dict:
    return json.loads((FOLDER / case / "expected.json").read_text(encoding="utf-8"))


def dsd_of(case: str, structures: Structures) -> Dsd:
    expected = expected_of(case)
    kind, named = (
        ("ProvisionAgreement", expected["agreement"])
        if "agreement" in expected
        else ("Dataflow", expected["dataflow"])
    )
    agency, _, rest = named.partition(":")
    id, _, version = rest.rstrip(")").partition("(")
    return structures.dsd(Urn(kind, agency, id, version))


def projected(finding: Finding, expected: dict) -> dict:
    """Return the members of a finding that an example tells; nothing that it leaves out may be there."""
    found = {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "line": int(finding.locator.removeprefix("line:")) if finding.locator else None,
        "component": finding.component,
        "value": finding.value,
        "suggestion": finding.suggestion,
    }
    found = {name: value for name, value in found.items() if value is not None}
    if "says" in expected:
        found["says"] = expected["says"] if expected["says"] in finding.message else finding.message
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_found_where_it_is_and_nothing_else(
    case, with_test_structures, dataset_of_csv, settings
):
    dataset = dataset_of_csv(dsd_of(case, with_test_structures), FOLDER / case / "data.csv")
    findings = validate(dataset, with_test_structures, settings=settings).findings
    expected = expected_of(case)["findings"]
    assert len(findings) == len(expected), [f.message for f in findings]
    ordered = sorted(findings, key=lambda f: (int((f.locator or "line:0")[5:]), f.rule))
    assert [projected(f, e) for f, e in zip(ordered, expected, strict=True)] == expected
    assert {f.dataflow for f in findings} == {expected_of(case)["dataflow"]}


@pytest.mark.parametrize("case", CASES)
def test_the_clean_twin_has_no_finding(case, with_test_structures, dataset_of_csv, settings):
    dataset = dataset_of_csv(dsd_of(case, with_test_structures), FOLDER / case / "clean.csv")
    report = validate(dataset, with_test_structures, settings=settings)
    assert report.findings == []
    assert report.is_accepted


@pytest.mark.parametrize("case", CASES)
def test_findings_depend_neither_on_batches_nor_on_where_they_are_kept(
    case, with_test_structures, dataset_of_csv, settings, tmp_path
):
    whole = dataset_of_csv(dsd_of(case, with_test_structures), FOLDER / case / "data.csv")
    (batch,) = whole.batches
    with Spool(tmp_path, memory_bytes=0) as spool:
        spool.fill(batch.slice(place, 1) for place in range(batch.num_rows))
        cut = Dataset(whole.dsd, spool)
        findings = validate(cut, with_test_structures, settings=settings).findings
    expected = validate(whole, with_test_structures, settings=settings).findings
    assert by_place(findings) == by_place(expected)
    assert list(tmp_path.iterdir()) == []


def by_place(findings: list[Finding]) -> list[tuple]:
    return sorted((f.locator or "", f.rule, f.message, f.value or "") for f in findings)


def test_every_rule_has_an_example_of_its_own_and_every_example_a_known_rule():
    ids = {rule.info.id for rule in RULES}
    assert ids <= set(CASES)
    assert {f["rule"] for case in CASES for f in expected_of(case)["findings"]} == ids
