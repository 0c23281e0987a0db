"""Structure messages on the command line, and what a file is by its content."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from codelists.item_scheme import Code, Codelist
from dsd.finding import Report
from dsd.structures import Structures
from service.cli import main
from service.formats import STRUCTURE_FORMATS, find_structure_format
from service.formats.contract import EncodeOptions, Header
from service.formats.recognition import HEAD_BYTES, recognise_structures
from service.submission.artefacts import structures_from

EXAMPLES = Path(__file__).parents[2] / "examples" / "structures"
CELLS = [
    (path, name)
    for name in (entry.name for entry in STRUCTURE_FORMATS)
    for path in sorted(EXAMPLES.glob(f"*/{name}.*"))
]


def test_a_message_says_which_format_it_is() -> None:
    for path, name in CELLS:
        found = recognise_structures(path.read_bytes()[:HEAD_BYTES])
        assert found is not None, path
        assert found.name == name, path


@pytest.mark.parametrize("source", [entry.name for entry in STRUCTURE_FORMATS])
@pytest.mark.parametrize("target", [entry.name for entry in STRUCTURE_FORMATS])
def test_convert_writes_structures_in_any_format(
    tmp_path: Path, source: str, target: str, validate_structures: Callable[[bytes, str], None]
) -> None:
    (path,) = EXAMPLES.glob(f"datastructure/{source}.*")
    written = tmp_path / "structures.out"
    result = CliRunner().invoke(
        main, ["convert", str(path), "-o", str(written), "--format", target]
    )
    assert result.exit_code == 0, result.output
    assert f"1 artefact, from {source} to {target}" in result.output
    validate_structures(written.read_bytes(), target)
    (found,) = structures_from(str(written))
    assert found.urn.short == "TST:DSD(1.2.0)"


def test_convert_says_what_the_target_cannot_express(tmp_path: Path) -> None:
    source = EXAMPLES / "valuelist" / "ml31.xml"
    written = tmp_path / "values.xml"
    result = CliRunner().invoke(
        main, ["convert", str(source), "-o", str(written), "--format", "ml21"]
    )
    assert result.exit_code == 0
    assert "not-expressible" in result.output
    assert "SDMX-ML 2.1 cannot express a ValueList" in result.output


def test_convert_names_the_line_of_a_broken_message(tmp_path: Path) -> None:
    broken = tmp_path / "broken.xml"
    text = (EXAMPLES / "codelist" / "ml21.xml").read_text(encoding="utf-8")
    broken.write_text(
        text.replace("<str:Parent>", "<str:Paren>").replace("</str:Parent>", "</str:Paren>"),
        encoding="utf-8",
    )
    result = CliRunner().invoke(main, ["convert", str(broken), "-o", str(tmp_path / "x.json")])
    assert result.exit_code != 0
    assert "line " in result.output
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize("name", ["ml21", "ml30", "ml31"])
def test_a_text_without_a_language_is_english_to_readers_of_xml_and_said_once(name: str) -> None:
    """SDMXCommon.xsd, TextType: "If not supplied, the default language is assumed to be English"."""
    codes = tuple(Code(id=id, name=f"Name of {id}") for id in "AB")
    artefact = Codelist(agency_id="TST", id="CL", version="1.0", name="Liste", codes=codes)
    entry = find_structure_format(name)
    assert entry.encode
    assert entry.decode
    report = Report()
    header = Header(id="A", prepared=datetime(2026, 11, 24, tzinfo=UTC))
    options = EncodeOptions(report=report)
    body = b"".join(entry.encode(header, [artefact], Structures([artefact]), options))
    said = [finding.message for finding in report.findings]
    assert len(said) == 1
    assert "'Liste' has no language" in said[0]
    assert b"xml:lang" not in body
    (found,) = entry.decode(body)
    assert found.names == {"en": "Liste"}
    assert [code.names for code in found.codes] == [{"en": "Name of A"}, {"en": "Name of B"}]
