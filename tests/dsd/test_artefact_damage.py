"""`check_artefacts` finds every kind of damage, and nothing in a clean set."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dsd.check import check_artefacts
from dsd.final_version import HASHES, write_hashes
from dsd.finding import Finding

KIND = "codelists/artefacts/codelist/TEST/CL_KIND/1.0.0.json"
CONCEPTS = "codelists/artefacts/conceptscheme/TEST/CS/1.0.0.json"
STRUCTURE = "dsd/artefacts/datastructure/TEST/D/1.0.0.json"
FLOW = "dsd/artefacts/dataflow/TEST/DF_D/1.0.0.json"
CODES = "dsd/artefacts/dataconstraint/TEST/CON_D/1.0.0.json"
OWN_AREA = "dsd/artefacts/dataconstraint/TEST/CON_P_A/1.0.0.json"
FILED = "dsd/artefacts/categorisation/TEST/CAT_D/1.0.0.json"
AGREEMENT = "dsd/artefacts/provisionagreement/TEST/PA_D/1.0.0.json"
PROVIDERS = "codelists/artefacts/dataproviderscheme/TEST/DATA_PROVIDERS/1.0.json"


@pytest.fixture
def small_set(tmp_path: Path, examples: Path) -> Path:
    """A copy of the clean example that a test may damage."""
    return Path(shutil.copytree(examples / "dsd" / "small-set", tmp_path / "set"))


def _roots(small_set: Path) -> list[Path]:
    return [small_set / room / "artefacts" for room in ("codelists", "dsd")]


def _check(small_set: Path) -> list[Finding]:
    report = check_artefacts(_roots(small_set))
    assert report.not_run == []
    return report.findings


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_bytes().decode()
    assert old in text, f"{path.name} has no {old}"
    path.write_bytes(text.replace(old, new, 1).encode())


def _rehash(small_set: Path) -> None:
    """Forget what was final, so that a test sees its own damage only."""
    for root in _roots(small_set):
        (root / HASHES).unlink(missing_ok=True)
    write_hashes(_roots(small_set))


def test_the_clean_set_has_no_finding(small_set: Path) -> None:
    assert _check(small_set) == []


DAMAGE = [
    ("no JSON", KIND, '"codes": [', '"codes": [[', "artefact-unreadable", "JSON"),
    ("unknown member", KIND, '"codes": [', '"kodes": [', "artefact-unreadable", "kodes"),
    ("parent not there", KIND, '"parent": "K"', '"parent": "Q"', "artefact-hierarchy", "parent Q of K_T"),
    ("parent in a circle", KIND, '"id": "K", "name": "Kinds"', '"id": "K", "parent": "K_1", "name": "Kinds"', "artefact-hierarchy", "above itself"),
    ("code twice", KIND, '"id": "K_2"', '"id": "K_1"', "artefact-duplicate-id", "K_1 stands 2 times"),
    ("no English name", KIND, '"names": {"en": "One"}', '"names": {"fr": "Un"}', "artefact-name", "K_1"),
    ("broken text", KIND, '"names": {"en": "One"}', '"names": {"en": "One", "fr": "Pi\ufffdce"}', "artefact-name", "fr"),
    ("order twice", KIND, '"id": "ORDER", "value": "3"', '"id": "ORDER", "value": "4"', "artefact-annotation", "ORDER 4"),
    ("order no number", KIND, '"id": "ORDER", "value": "3"', '"id": "ORDER", "value": "third"', "artefact-annotation", "ORDER third"),
    ("flag no Y", KIND, '"id": "IS_TOTAL", "value": "Y"', '"id": "IS_TOTAL", "value": "N"', "artefact-annotation", "IS_TOTAL"),
    ("total not there", KIND, '"value": "K_T"', '"value": "K_S"', "artefact-annotation", "K_S"),
    ("total cannot be reported", KIND, '"value": "K_T"', '"value": "K"', "artefact-annotation", "NOT_REPORTABLE"),
    ("part of itself", KIND, '"id": "PARTITION", "title": "KIND", "value": "K_T"', '"id": "PARTITION", "title": "KIND", "value": "K_1"', "artefact-annotation", "part of itself"),
    ("partition without title", KIND, '"id": "PARTITION", "title": "KIND", "value": "K_T"', '"id": "PARTITION", "value": "K_T"', "artefact-annotation", "needs a title"),
    ("partition of another type", KIND, '"type": "OPTIONAL"', '"type": "MAYBE"', "artefact-annotation", "OPTIONAL"),
    ("equivalent not there", KIND, "(1.0.0).AAA", "(1.0.0).CCC", "artefact-reference", "CCC"),
    ("list not there", CONCEPTS, "TEST:CL_KIND(1.0.0)", "TEST:CL_KINDS(1.0.0)", "artefact-reference", "CL_KINDS"),
    ("version not there", CONCEPTS, "TEST:CL_KIND(1.0.0)", "TEST:CL_KIND(1.1+.0)", "artefact-reference", "1.1+.0"),
    ("no URN", FLOW, "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=TEST:D(1.0.0)", "TEST:D(1.0.0)", "artefact-reference", "no SDMX URN"),
    ("concept not there", STRUCTURE, "(1.0.0).KIND", "(1.0.0).KINDS", "artefact-reference", "KINDS"),
    ("reference to another class", FLOW, "datastructure.DataStructure=TEST:D(1.0.0)", "datastructure.Dataflow=TEST:DF_D(1.0.0)", "artefact-reference", "DataStructure belongs here"),
    ("category not there", FILED, "(1.0.0).S.T1", "(1.0.0).S.T2", "artefact-reference", "S.T2"),
    ("provider not there", AGREEMENT, "(1.0).P_A", "(1.0).P_B", "artefact-reference", "P_B"),
    ("wrong position", STRUCTURE, '"position": 1', '"position": 2', "artefact-structure", "position 1"),
    ("attribute of no dimension", STRUCTURE, '["AREA", "KIND"]', '["AREA", "SEX"]', "artefact-structure", "SEX"),
    ("component twice", STRUCTURE, '"id": "NOTE", "conceptIdentity"', '"id": "AREA", "conceptIdentity"', "artefact-duplicate-id", "AREA stands 2 times"),
    ("constraint on no component", CODES, '"id": "KIND"', '"id": "SORT"', "artefact-constraint", "no component SORT"),
    ("constraint with no code", CODES, '"K_2"', '"K_9"', "artefact-constraint", "no code K_9"),
    ("provider's code not there", OWN_AREA, '"AAA"', '"ZZZ"', "artefact-constraint", "no code ZZZ"),
    ("no component id", STRUCTURE, '"id": "AREA"', '"id": "1AREA"', "artefact-id", "1AREA"),
    ("no code id", KIND, '"id": "K_2"', '"id": "K.2"', "artefact-id", "K.2"),
    ("member of another type", STRUCTURE, '"id": "DimensionDescriptor"', '"id": "Dimensions"', "artefact-schema", "DimensionDescriptor"),
    ("version of no form", PROVIDERS, '"version": "1.0"', '"version": "2.0"', "artefact-id", "organisation schemes have 1.0"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "rule", "words"),
    [row[1:] for row in DAMAGE],
    ids=[row[0] for row in DAMAGE],
)
def test_damage_is_found_in_its_file(
    small_set: Path, file: str, old: str, new: str, rule: str, words: str
) -> None:
    _edit(small_set / file, old, new)
    _rehash(small_set)
    found = [finding for finding in _check(small_set) if finding.rule == rule]
    assert any(words in finding.message for finding in found), found
    assert any((finding.locator or "").startswith(f"pointer:{file}") for finding in found)
    assert all(finding.severity.rejects for finding in found)


def test_a_constraint_that_leaves_no_code_is_found(small_set: Path) -> None:
    _edit(
        small_set / CODES,
        '"values": ["K_T", "K_1", "K_2", "K_X"]',
        '"include": false, "values": ["K", "K_T", "K_1", "K_2", "K_X"]',
    )
    messages = [finding.message for finding in _check(small_set)]
    assert any("leave no code" in message for message in messages), messages


def test_a_node_that_may_be_reported_is_found_at_the_dataflow(small_set: Path) -> None:
    _edit(small_set / CODES, '"K_2"', '"K_2", "K"')
    found = [f for f in _check(small_set) if "NOT_REPORTABLE" in f.message]
    assert [(f.rule, f.locator) for f in found] == [("artefact-constraint", f"pointer:{FLOW}")]


def test_a_partition_of_one_part_is_found(small_set: Path) -> None:
    _edit(
        small_set / KIND,
        '{"id": "PARTITION", "title": "KIND", "value": "K_T"}, {"id": "EQ',
        '{"id": "PARTITION", "title": "SOLE", "value": "K_T"}, {"id": "EQ',
    )
    assert any("SOLE of K_T: needs two parts" in f.message for f in _check(small_set))


def test_a_file_at_another_path_is_found(small_set: Path) -> None:
    (small_set / KIND).rename((small_set / KIND).with_name("1.0.1.json"))
    rules = {finding.rule for finding in _check(small_set)}
    assert {"artefact-path", "artefact-removed", "artefact-unrecorded"} == rules


def test_a_file_in_the_other_room_is_found(small_set: Path) -> None:
    moved = small_set / KIND.replace("codelists/artefacts", "dsd/artefacts")
    moved.parent.mkdir(parents=True)
    (small_set / KIND).rename(moved)
    _rehash(small_set)
    assert [(f.rule, f.message) for f in _check(small_set)] == [
        ("artefact-path", "A Codelist belongs into codelists/artefacts.")
    ]


def test_one_artefact_in_two_files_is_found(small_set: Path) -> None:
    copy = small_set / KIND.replace("CL_KIND", "CL_COPY")
    copy.parent.mkdir()
    shutil.copy(small_set / KIND, copy)
    _rehash(small_set)
    assert {f.rule for f in _check(small_set)} == {"artefact-path", "artefact-duplicate-id"}


def test_two_artefacts_in_one_file_are_found(small_set: Path) -> None:
    text = (small_set / KIND).read_text(encoding="utf-8")
    inner = text[text.index('"codelists": [') + len('"codelists": [') : text.rindex("]")]
    _edit(small_set / KIND, '"codelists": [', '"codelists": [' + inner + ",")
    found = _check(small_set)
    assert any("holds one artefact, this one 2" in finding.message for finding in found)


def test_another_layout_is_found(small_set: Path) -> None:
    _edit(small_set / KIND, "\n   {\n", "\n    {\n")
    _rehash(small_set)
    assert [finding.rule for finding in _check(small_set)] == ["artefact-layout"]


# -- final versions ------------------------------------------------------------------------------------


def test_a_changed_final_version_is_found_and_told_to_raise_its_version(small_set: Path) -> None:
    _edit(small_set / KIND, '"en": "One"', '"en": "Won"')
    _edit(small_set / KIND, '"name": "One"', '"name": "Won"')
    assert [finding.rule for finding in _check(small_set)] == ["artefact-changed"]
    assert write_hashes(_roots(small_set)) == []
    (changed,) = _check(small_set)
    assert "new version" in changed.message


def test_a_new_final_version_is_recorded_beside_the_old_ones(small_set: Path) -> None:
    raised = (small_set / KIND).with_name("1.1.0.json")
    raised.write_bytes((small_set / KIND).read_bytes().replace(b'"1.0.0"', b'"1.1.0"', 1))
    assert [finding.rule for finding in _check(small_set)] == ["artefact-unrecorded"]
    before = (small_set / "codelists" / "artefacts" / HASHES).read_text(encoding="utf-8")
    assert write_hashes(_roots(small_set)) == [raised]
    after = (small_set / "codelists" / "artefacts" / HASHES).read_text(encoding="utf-8")
    assert set(before.splitlines()) < set(after.splitlines())
    assert _check(small_set) == []


def test_a_draft_may_change(small_set: Path) -> None:
    draft = (small_set / KIND).with_name("1.1.0-draft.json")
    draft.write_bytes((small_set / KIND).read_bytes().replace(b'"1.0.0"', b'"1.1.0-draft"', 1))
    assert write_hashes(_roots(small_set)) == []
    assert _check(small_set) == []


def test_a_removed_final_version_is_found(small_set: Path) -> None:
    (small_set / FILED).unlink()
    (finding,) = _check(small_set)
    assert finding.rule == "artefact-removed"
    assert "CAT_D" in finding.message


def test_a_line_of_hashes_that_cannot_be_read_is_found(small_set: Path) -> None:
    with (small_set / "dsd" / "artefacts" / HASHES).open("a", encoding="utf-8") as file:
        file.write("not a hash\n")
    assert [finding.rule for finding in _check(small_set)] == ["artefact-hashes"]
