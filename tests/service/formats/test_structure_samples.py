"""The official samples of structure messages, and the ILO's own: each is read, written and read again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from codelists.base import Maintainable, replaced
from dsd.finding import Report
from dsd.sdmx_json import StructureMessageError
from dsd.structures import Structures
from service.formats import STRUCTURE_FORMATS, find_structure_format
from service.formats.contract import EncodeOptions, Header

HEADER = Header(id="SAMPLE", prepared=datetime(2026, 11, 24, tzinfo=UTC), sender="TST")
SAMPLES = "spec/samples"
ILO = "ilms/reference/ilo-structures-sdmx-ml-2.1.xml"
FORMATS = {"1.0": "json10", "2.0": "json20", "2.1": "json"}

# Files that no reader can take as what they say they are.
WRONG = {
    # Ids of components at random, where SDMX 2.1 fixes that of the time dimension.
    "json/1.0/structure/generated-sample.json": "timeDimension.id",
    # Members of no version (an id of a representation), beside many of 1.0.
    "json/2.0/structure/generated-sample.json": "coreRepresentation/id",
}
# Content at random: valid in the sample's own version only.
RANDOM = {"json/2.1/structure/generated-sample.json"}
# Not URNs where URNs are due (`Agency=SDMX`), which the schemas of 2.x check and that of 1.0 does not.
BROKEN_LINKS = {
    "json/1.0/structure/constructed-sample.json",
    "json/2.0/structure/constructed-sample.json",
}


def files(shared: Any) -> list[tuple[str, Path, str]]:
    root = shared / SAMPLES
    found = [
        (path, f"ml{path.relative_to(root).parts[1].replace('.', '')}")
        for path in sorted(root.glob("xml/*/samples/**/*.xml"))
        if b"Structures>" in path.read_bytes()
    ]
    found += [
        (path, FORMATS[path.relative_to(root).parts[1]])
        for path in sorted(root.glob("json/*/structure/*.json"))
    ]
    return [(str(path.relative_to(root)), path, name) for path, name in found]


def read(path: Path, name: str, report: Report | None) -> Sequence[Maintainable]:
    decode = find_structure_format(name).decode
    assert decode
    return in_order(decode(path.read_bytes(), report))


def in_order(artefacts: Sequence[Maintainable]) -> list[Maintainable]:
    return sorted(artefacts, key=lambda artefact: (type(artefact).__name__, artefact.urn))


def write(artefacts: Sequence[Maintainable], name: str, report: Report) -> bytes:
    encode = find_structure_format(name).encode
    assert encode
    return b"".join(encode(HEADER, artefacts, Structures(artefacts), EncodeOptions(report=report)))


def test_every_sample_is_read_or_says_why_not(shared: Any) -> None:
    counted = 0
    for sample, path, name in files(shared):
        if sample in WRONG:
            with pytest.raises(StructureMessageError, match=WRONG[sample]):
                read(path, name, Report())
            continue
        report = Report()
        artefacts = read(path, name, report)
        assert artefacts or sample.endswith("response_demo_stub.xml"), sample
        kept = {"extension-not-kept", "message-has-errors"}
        assert {finding.rule for finding in report.findings} <= kept, sample
        counted += 1
    assert counted >= 40


def test_40_every_sample_survives_its_own_format(
    shared: Any, validate_structures: Callable[[bytes, str], None]
) -> None:
    for sample, path, name in files(shared):
        if sample in WRONG:
            continue
        artefacts = read(path, name, Report())
        report = Report()
        body = write(artefacts, name, report)
        if sample not in BROKEN_LINKS:
            validate_structures(body, name)
        decode = find_structure_format(name).decode
        assert decode
        assert in_order(decode(body, Report())) == artefacts, sample
        assert not [f for f in report.findings if f.severity == "warning"], sample


@pytest.mark.parametrize("target", [entry.name for entry in STRUCTURE_FORMATS])
def test_16_every_sample_is_valid_in_every_format(
    shared: Any, validate_structures: Callable[[bytes, str], None], target: str
) -> None:
    for sample, path, name in files(shared):
        if sample in {*WRONG, *RANDOM, *BROKEN_LINKS}:
            continue
        artefacts = read(path, name, Report())
        body = write(artefacts, target, Report())
        validate_structures(body, target)
        decode = find_structure_format(target).decode
        assert decode
        assert write(decode(body), target, Report()) == body, sample


def test_the_message_of_the_ilo_survives_every_format(
    shared: Any, validate_structures: Callable[[bytes, str], None]
) -> None:
    artefacts = read(shared / ILO, "ml21", Report())
    assert len(artefacts) == 50
    for entry in STRUCTURE_FORMATS:
        report = Report()
        body = write(artefacts, entry.name, report)
        validate_structures(body, entry.name)
        assert entry.decode
        assert not [f for f in report.findings if f.severity == "warning"], entry.name
        # Their versions have two parts: only SDMX 2.1 (and extensions of SDMX-JSON) can call such ones final.
        keeps_finality = entry.name not in ("ml30", "ml31")
        sent = artefacts if keeps_finality else [replaced(a, is_final=None) for a in artefacts]
        back = write(in_order(entry.decode(body)), "ml21", Report())
        assert back == write(sent, "ml21", Report()), entry.name
