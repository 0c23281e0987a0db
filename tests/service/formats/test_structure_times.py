"""Times that SDMX-ML takes and SDMX-JSON does not: an instant without a time zone, a day with one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from codelists.base import Maintainable
from dsd.finding import Report
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.formats import find_structure_format
from service.formats.contract import EncodeOptions, Header, NotExpressibleError

EXAMPLES = Path(__file__).parents[2] / "examples" / "structures"
SOURCES = sorted(EXAMPLES.glob("*/ml*.xml"))
HEADER = Header(id="TIMES", prepared=datetime(2026, 11, 24, tzinfo=UTC), sender="TST")
# Maps have days in SDMX-ML, without a time: they stay.
TIME = re.compile(
    r'(?P<open>(?:startTime|endTime|validFrom|validTo)="|Period isInclusive="\w+">)(?!\d{4}-\d\d-\d\d[<"])'
    r'[^"<]+(?=["<])'
)
LOCAL = "2010-01-01T06:30:00"
ZONED_DAY = "2010-01-01+07:00"
IN_PERIODS = re.compile(r'((?:startTime|endTime)=")[^"]+')

Validate = Callable[[bytes, str], None]


@pytest.fixture(scope="module")
def known() -> Structures:
    """All examples, in which references resolve."""
    return Structures(
        artefact
        for path in EXAMPLES.glob("*/source.json")
        for artefact in decode_structures(path.read_bytes()).data.all()
    )


def read(body: str, name: str) -> Sequence[Maintainable]:
    decode = find_structure_format(name).decode
    assert decode
    return decode(body.encode())


def write(
    artefacts: Sequence[Maintainable], name: str, known: Structures, report: Report | None
) -> bytes:
    encode = find_structure_format(name).encode
    assert encode
    return b"".join(encode(HEADER, artefacts, known, EncodeOptions(report=report)))


def test_the_examples_have_times_of_every_kind() -> None:
    """So that what follows says something."""
    found = {
        (path.parent.name.partition("-")[0], match["open"].split("=")[0])
        for path in SOURCES
        for match in TIME.finditer(path.read_text(encoding="utf-8"))
    }
    assert {
        ("conceptscheme", "startTime"),
        ("datastructure", "endTime"),
        ("hierarchy", "validFrom"),
        ("dataconstraint", "validTo"),
        ("dataconstraint", "Period isInclusive"),
        ("codelist", "validFrom"),
    } <= found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_instant_without_a_zone_is_written_as_utc_and_said(
    path: Path, known: Structures, validate_structures: Validate
) -> None:
    body, count = TIME.subn(rf"\g<open>{LOCAL}", path.read_text(encoding="utf-8"))
    if not count:
        return
    validate_structures(body.encode(), path.stem)
    artefacts = read(body, path.stem)
    for name in ("json", "json20", "json10"):
        report = Report()
        written = write(artefacts, name, known, report)
        validate_structures(written, name)
        said = [entry.message for entry in report.findings if "time zone" in entry.message]
        assert len(said) >= written.count(f"{LOCAL}Z".encode())
        assert all(LOCAL in message for message in said)
        assert f'"{LOCAL}"'.encode() not in written


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_instant_without_a_zone_stays_as_it_is_in_xml(path: Path, known: Structures) -> None:
    body, count = TIME.subn(rf"\g<open>{LOCAL}", path.read_text(encoding="utf-8"))
    report = Report()
    written = write(read(body, path.stem), path.stem, known, report).decode()
    assert written.count(LOCAL) == count
    assert f"{LOCAL}Z" not in written
    assert not [entry for entry in report.findings if "time zone" in entry.message]


def test_the_zone_of_a_day_is_lost_and_said(
    known: Structures, validate_structures: Validate
) -> None:
    path = EXAMPLES / "datastructure-3" / "ml31.xml"
    body, count = IN_PERIODS.subn(rf"\g<1>{ZONED_DAY}", path.read_text(encoding="utf-8"))
    assert count
    validate_structures(body.encode(), "ml31")
    artefacts = read(body, "ml31")
    report = Report()
    written = write(artefacts, "json", known, report)
    validate_structures(written, "json")
    said = [entry for entry in report.findings if "the time zone of" in entry.message]
    assert len(said) == count
    with pytest.raises(NotExpressibleError, match="the time zone of start_time"):
        write(artefacts, "json", known, None)
