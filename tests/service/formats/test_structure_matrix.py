"""Every artefact type in every structure format: valid, lossless, and what a format cannot express is said.

`tests/examples/structures/TYPE/source.json` is the artefact in full; beside it stand the messages that each
format makes of it, and `findings.json` with what each format cannot express or says otherwise. After a change:
`pytest tests/service/formats/test_structure_matrix.py --update-examples`, and review the diff.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from codelists.base import Maintainable
from dsd.finding import Report, Severity
from dsd.sdmx_json import collection_of, decode_structures
from dsd.structures import Structures
from service.formats import STRUCTURE_FORMATS, find_structure_format
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.structure_table import ARTEFACTS, LAYOUTS

FOLDER = Path(__file__).parents[2] / "examples" / "structures"
TYPES = sorted(path.parent.name for path in FOLDER.glob("*/source.json"))
FORMATS = [entry.name for entry in STRUCTURE_FORMATS]
HEADER = Header(id="MATRIX", prepared=datetime(2026, 11, 24, tzinfo=UTC), sender="TST")
CELLS = [(type_name, name) for type_name in TYPES for name in FORMATS]

Validate = Callable[[bytes, str], None]


def source(type_name: str) -> Maintainable:
    (artefact,) = decode_structures((FOLDER / type_name / "source.json").read_bytes()).data.all()
    return artefact


@pytest.fixture(scope="module")
def known() -> Structures:
    """All sources: references with a version wildcard resolve in them."""
    return Structures(source(type_name) for type_name in TYPES)


def write(
    artefacts: Sequence[Maintainable], name: str, known: Structures
) -> tuple[bytes, list[str]]:
    encode = find_structure_format(name).encode
    assert encode
    report = Report()
    body = b"".join(encode(HEADER, artefacts, known, EncodeOptions(report=report)))
    return body, [f"{finding.severity.value}: {finding.message}" for finding in report.findings]


def read(body: bytes, name: str) -> Sequence[Maintainable]:
    decode = find_structure_format(name).decode
    assert decode
    return decode(body)


def cell(type_name: str, name: str) -> Path:
    return FOLDER / type_name / f"{name}{find_structure_format(name).extension}"


def findings(type_name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(
        (FOLDER / type_name / "findings.json").read_text(encoding="utf-8")
    )
    return found


def test_every_artefact_type_has_an_example() -> None:
    models = {type(source(type_name)) for type_name in TYPES}
    assert models == {LAYOUTS[entry.layout].model for entry in ARTEFACTS}
    assert all(collection_of(source(type_name)) for type_name in TYPES)


@pytest.mark.parametrize("type_name", TYPES)
def test_each_format_writes_the_example(
    type_name: str, known: Structures, request: pytest.FixtureRequest
) -> None:
    made = {name: write([source(type_name)], name, known) for name in FORMATS}
    if request.config.getoption("--update-examples"):
        for name, (body, _) in made.items():
            cell(type_name, name).unlink(missing_ok=True)
            if read(body, name):
                cell(type_name, name).write_bytes(body)
        said = {name: messages for name, (_, messages) in made.items() if messages}
        text = json.dumps(said, indent=1, ensure_ascii=False) + "\n"
        (FOLDER / type_name / "findings.json").write_text(text, encoding="utf-8")
    expected = findings(type_name)
    for name, (body, messages) in made.items():
        assert messages == expected.get(name, []), name
        path = cell(type_name, name)
        assert path.exists() == bool(read(body, name)), name
        if path.exists():
            assert body == path.read_bytes(), name


@pytest.mark.parametrize(("type_name", "name"), CELLS)
def test_16_what_is_written_is_valid(
    type_name: str, name: str, validate_structures: Validate
) -> None:
    path = cell(type_name, name)
    if path.exists():
        validate_structures(path.read_bytes(), name)
    else:
        assert any(line.startswith("warning") for line in findings(type_name)[name])


@pytest.mark.parametrize(("type_name", "name"), CELLS)
def test_40_read_write_read_is_the_same(type_name: str, name: str, known: Structures) -> None:
    path = cell(type_name, name)
    if not path.exists():
        return
    body = path.read_bytes()
    artefacts = read(body, name)
    again, messages = write(artefacts, name, known)
    assert again == body
    assert not [line for line in messages if line.startswith("warning")]
    assert read(again, name) == artefacts
    if name not in findings(type_name):
        assert list(artefacts) == [source(type_name)]


@pytest.mark.parametrize("type_name", TYPES)
def test_40_nothing_is_lost_on_the_way_through_another_format(
    type_name: str, known: Structures
) -> None:
    """What a format keeps whole reaches every other as if it came from the source."""
    expected = findings(type_name)
    for first in FORMATS:
        if first in expected:
            continue
        artefacts = read(cell(type_name, first).read_bytes(), first)
        for second in FORMATS:
            body, messages = write(artefacts, second, known)
            assert messages == expected.get(second, []), (first, second)
            if cell(type_name, second).exists():
                assert body == cell(type_name, second).read_bytes(), (first, second)


@pytest.mark.parametrize("type_name", TYPES)
def test_what_is_not_reported_as_lost_is_there(type_name: str, known: Structures) -> None:
    """From any cell to any format and back: no finding, no difference."""
    for first in FORMATS:
        if not cell(type_name, first).exists():
            continue
        artefacts = read(cell(type_name, first).read_bytes(), first)
        for second in FORMATS:
            body, messages = write(artefacts, second, known)
            back, losses = write(read(body, second), first, known)
            if not messages and not losses:
                assert back == cell(type_name, first).read_bytes(), (first, second)


@pytest.mark.parametrize("type_name", TYPES)
def test_without_a_report_a_loss_is_refused(type_name: str, known: Structures) -> None:
    for name, messages in findings(type_name).items():
        encode = find_structure_format(name).encode
        assert encode
        if any(line.startswith(Severity.WARNING) for line in messages):
            with pytest.raises(NotExpressibleError):
                encode(HEADER, [source(type_name)], known, EncodeOptions())
        else:
            assert b"".join(encode(HEADER, [source(type_name)], known, EncodeOptions()))
