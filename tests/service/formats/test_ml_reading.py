"""SDMX-ML data as senders write them: examples as files, structures by every way of naming them, bad input."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codelists.urn import parse_urn
from dsd.batch import rows_of
from dsd.dataset import Action, Dataset
from dsd.finding import Report
from dsd.structures import Structures
from service.formats.contract import DecodeOptions
from service.formats.ml_reading import Ways, decode_ml

CASES = Path(__file__).parents[2] / "examples" / "formats" / "ml_reading"
SDMX = "http://www.sdmx.org/resources/sdmxml/schemas"
FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_T(1.0.0)"
ROW = 'FREQ="A" REF_AREA="IDN" SEX="SEX_T" TIME_PERIOD="2024"'


def outcome(body: bytes, structures: Structures, ways: Ways) -> dict[str, Any]:
    report = Report()
    datasets = [
        {
            "structure": dataset.dsd.urn.short,
            "agreement": dataset.dsd.agreement.short if dataset.dsd.agreement else None,
            "action": dataset.action.value,
            "said": {id: text for id, text in vars(dataset.said).items() if text is not None},
            "rows": list(rows_of(dataset.batches)),
            "attributes": [[entry.key, entry.values] for entry in dataset.attributes],
        }
        for dataset in decode_ml(io.BytesIO(body), structures, report, ways=ways)
    ]
    findings = [
        [f.rule, f.severity.value, f.locator, f.component, f.value] for f in report.findings
    ]
    return {"datasets": datasets, "findings": findings}


@pytest.fixture(scope="module")
def every_structure(
    test_structures: Structures, localised: Structures, marked_up: Structures
) -> Structures:
    """Those of all examples; the lists that they share once."""
    found = [*test_structures, *localised, *marked_up]
    return Structures({artefact.urn: artefact for artefact in found}.values())


@pytest.mark.parametrize("ways", [Ways(), Ways(100, 0)], ids=["exact", "bulk"])
@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_a_file_gives_what_its_example_says(
    case: str, ways: Ways, every_structure: Structures, request: pytest.FixtureRequest
) -> None:
    found = outcome((CASES / case / "input.xml").read_bytes(), every_structure, ways)
    expected = CASES / case / "expected.json"
    if request.config.getoption("--update-examples"):
        text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
        expected.write_text(text, encoding="utf-8")
    assert found == json.loads(expected.read_text(encoding="utf-8"))


def message(
    header: str, dataset: str = 'ss:structureRef="S"', rows: str = "", version: str = "v2_1"
) -> bytes:
    return (
        f'<m:StructureSpecificData xmlns:m="{SDMX}/{version}/message" xmlns:c="{SDMX}/{version}/common" '
        f'xmlns:ss="{SDMX}/{version}/data/structurespecific">{header}\n'
        f"<m:DataSet {dataset}>{rows or f'<Obs {ROW}/>'}</m:DataSet></m:StructureSpecificData>"
    ).encode()


def decode(
    body: bytes, structures: Structures, options: DecodeOptions | None = None
) -> tuple[list[Dataset], Report]:
    report = Report()
    found = decode_ml(io.BytesIO(body), structures, report, options or DecodeOptions())
    return list(found), report


# -- which structure -------------------------------------------------------------------------------


def test_data_without_a_header_have_the_structure_that_the_caller_names(
    test_structures: Structures,
) -> None:
    body = message("", "")
    (dataset,), report = decode(body, test_structures, DecodeOptions(parse_urn(FLOW)))
    assert dataset.dsd.urn.short == "TST:DF_T(1.0.0)"
    assert report.findings == []
    found, report = decode(body, test_structures)
    assert found == []
    assert [finding.rule for finding in report.findings] == ["unknown-structure"]


def test_what_a_message_names_wins_over_the_caller(test_structures: Structures) -> None:
    header = f'<m:Header><m:Structure structureID="S"><c:StructureUsage><URN>{FLOW}</URN></c:StructureUsage></m:Structure></m:Header>'
    dsd = "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=TST:DSD_T(1.0.0)"
    (dataset,), _ = decode(message(header), test_structures, DecodeOptions(parse_urn(dsd)))
    assert dataset.dsd.urn.type == "Dataflow"


def test_each_data_set_has_the_structure_that_it_refers_to(test_structures: Structures) -> None:
    header = (
        '<m:Header><m:Structure structureID="A"><c:StructureUsage><Ref agencyID="TST" id="DF_T" version="1.0.0"/>'
        '</c:StructureUsage></m:Structure><m:Structure structureID="B"><c:Structure><Ref agencyID="TST" id="DSD_T" '
        'version="1.0.0"/></c:Structure></m:Structure></m:Header>'
    )
    rows = (
        f'<Obs {ROW}/></m:DataSet><m:DataSet ss:structureRef="A" ss:action="Delete"><Obs {ROW}/></m:DataSet>'
        f'<m:DataSet ss:structureRef="C"><Obs {ROW}/></m:DataSet><m:DataSet ss:structureRef="B">'
    )
    found, report = decode(message(header, 'ss:structureRef="B"', rows), test_structures)
    assert [dataset.dsd.urn.type for dataset in found] == [
        "DataStructure",
        "Dataflow",
        "DataStructure",
    ]
    assert [dataset.action for dataset in found] == [Action.MERGE, Action.DELETE, Action.MERGE]
    assert [sum(b.num_rows for b in dataset.batches) for dataset in found] == [1, 1, 0]
    (finding,) = report.findings
    assert (finding.rule, "'C'" in finding.message) == ("unknown-structure", True)


def test_rows_that_were_not_read_in_time_are_kept(test_structures: Structures) -> None:
    header = f'<m:Header><m:Structure structureID="S"><c:StructureUsage><URN>{FLOW}</URN></c:StructureUsage></m:Structure></m:Header>'
    second = f'<Obs {ROW}/></m:DataSet><m:DataSet ss:structureRef="S"><Obs {ROW}/><Obs {ROW}/>'
    found = decode_ml(io.BytesIO(message(header, rows=second)), test_structures, Report())
    first, last = list(found)
    assert [row["TIME_PERIOD"] for row in rows_of(last.batches)] == ["2024", "2024"]
    assert [row["TIME_PERIOD"] for row in rows_of(first.batches)] == ["2024"]
    assert list(first.batches) == []


# -- bad input -------------------------------------------------------------------------------------

HEADER = f'<m:Header><m:Structure structureID="S"><c:StructureUsage><URN>{FLOW}</URN></c:StructureUsage></m:Structure></m:Header>'


class Endless(io.RawIOBase):
    """A file that starts with one text and repeats another for many bytes, made as it is read."""

    def __init__(self, start: bytes, repeated: bytes, size: int) -> None:
        super().__init__()
        self.start, self.unit = start, repeated * (65_536 // len(repeated))
        self.left = size
        self.read_bytes = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        if self.start:
            part, self.start = self.start, b""
        else:
            part = self.unit if self.left > 0 else b""
            self.left -= len(part)
        self.read_bytes += len(part)
        return part


OPEN = message(HEADER).partition(b"<Obs")[0]


@pytest.mark.parametrize(
    ("start", "repeated", "said"),
    [
        (OPEN, b"<a>", "nested more than"),
        (b"<m>", b"<a>", "the root is m"),
        (OPEN + b'<Series FREQ="', b"aaaaaaaa", "longer than"),
        (OPEN + b"<!-- ", b"comment ", "longer than"),
        (OPEN + b"<Obs ", b" ", "longer than"),
        (OPEN + b'<Obs><Comp id="NOTE"><Value>', b"text text ", "a text is longer"),
        (OPEN[: OPEN.index(b"</m:Header")], b"<x>", "nested more than"),
        (b"", b" ", "longer than"),
        (b'<!DOCTYPE x [<!ENTITY a "', b"aaaaaa", "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x>&x;</x>', b" ", "document type"),
    ],
)  # fmt: skip
def test_an_endless_file_ends_early_with_its_line(
    start: bytes, repeated: bytes, said: str, test_structures: Structures
) -> None:
    stream = Endless(start, repeated, 200 << 20)
    report = Report()
    for dataset in decode_ml(stream, test_structures, report):  # type: ignore[arg-type]
        list(dataset.batches)
    finding = report.findings[-1]
    assert finding.rule == "not-sdmx-ml"
    assert said in finding.message
    assert finding.locator == "line:2" if start.startswith(OPEN) else finding.locator
    assert stream.read_bytes < 40 << 20


def test_a_bomb_of_entities_is_refused_at_its_document_type(test_structures: Structures) -> None:
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(30))
    body = (
        f'<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY e0 "x">{entities}]>\n<x>&e30;</x>'.encode()
    )
    found, report = decode(body, test_structures)
    assert found == []
    (finding,) = report.findings
    assert "document type" in finding.message
    assert finding.locator == "line:2"


def test_what_breaks_off_keeps_the_rows_before_it_and_says_so(test_structures: Structures) -> None:
    body = message(HEADER, rows=f"\n<Obs {ROW}/>\n<Obs {ROW}/>\n<Obs FREQ=")
    report = Report()
    rows = []
    for dataset in decode_ml(io.BytesIO(body.partition(b"</m:Data")[0]), test_structures, report):
        rows += list(rows_of(dataset.batches))
    assert [row["$locator"] for row in rows] == ["line:3", "line:4"]
    (finding,) = report.findings
    assert (finding.rule, finding.locator) == ("not-sdmx-ml", "line:5")
    assert not report.is_accepted


@pytest.mark.parametrize("root", ["CrossSectionalData", "UtilityData", "MessageGroup", "Structure"])
def test_other_messages_are_refused_by_name(root: str, test_structures: Structures) -> None:
    body = f'<{root} xmlns="http://www.SDMX.org/resources/SDMXML/schemas/v2_0/message"/>'
    found, report = decode(body.encode(), test_structures)
    assert found == []
    (finding,) = report.findings
    assert root in finding.message
    assert "CompactData" in finding.message


# -- memory ----------------------------------------------------------------------------------------

_MEASURE = """
import re, sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_ml_reading import measured
print(measured({kind!r}, {observations}))
# The peak of this program alone; getrusage begins with that of the process that started it.
print(re.search("VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def series(kind: str) -> bytes:
    """Return a series of a hundred observations."""
    if kind == "generic":
        values = "".join(
            f'<g:Value id="{id}" value="{code}"/>'
            for id, code in (("FREQ", "A"), ("REF_AREA", "IDN"), ("SEX", "SEX_T"))
        )
        rows = "".join(
            f'<g:Obs><g:ObsDimension value="{year}"/><g:ObsValue value="{year}.5"/><g:Attributes>'
            f'<g:Value id="OBS_STATUS" value="A"/></g:Attributes></g:Obs>\n'
            for year in range(1900, 2000)
        )
        return f"<g:Series><g:SeriesKey>{values}</g:SeriesKey>\n{rows}</g:Series>\n".encode()
    odd = "<!-- x -->" if kind == "exact" else ""
    rows = "".join(
        f'<Obs TIME_PERIOD="{year}" OBS_VALUE="{year}.5" OBS_STATUS="A"/>{odd}\n'
        for year in range(1900, 2000)
    )
    return f'<Series FREQ="A" REF_AREA="IDN" SEX="SEX_T">\n{rows}</Series>\n'.encode()


class Many(io.RawIOBase):
    """A whole message of many observations, made as it is read."""

    def __init__(self, kind: str, observations: int) -> None:
        super().__init__()
        self.parts = self._parts(kind, observations)

    def _parts(self, kind: str, observations: int) -> Iterator[bytes]:
        start = OPEN
        if kind == "generic":
            start = start.replace(b"StructureSpecificData", b"GenericData").replace(
                b"ss:structureRef", b"structureRef"
            )
            start = start.replace(
                b"xmlns:ss", b'xmlns:g="%s/v2_1/data/generic" xmlns:ss' % SDMX.encode()
            )
        yield start
        block = series(kind) * 100
        for _ in range(observations // 10_000):
            yield block
        root = b"GenericData" if kind == "generic" else b"StructureSpecificData"
        yield b"</m:DataSet></m:%s>" % root

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        return next(self.parts, b"")


def measured(kind: str, observations: int) -> int:
    """Read many observations; return how many there were."""
    from dsd.sdmx_json import decode_structures

    body = (CASES.parent / "structures" / "structures.json").read_bytes()
    report = Report()
    count = 0
    stream: Any = Many(kind, observations)
    for dataset in decode_ml(stream, Structures(decode_structures(body).data.all()), report):
        count += sum(batch.num_rows for batch in dataset.batches)
    assert report.findings == []
    return count


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(
    ("kind", "observations"),
    [
        ("specific", 1_000_000),
        ("exact", 100_000),
        pytest.param("specific", 10_000_000, marks=pytest.mark.long),
        pytest.param("generic", 10_000_000, marks=pytest.mark.long),
        pytest.param("exact", 10_000_000, marks=pytest.mark.long),
    ],
)
def test_memory_does_not_grow_with_the_observations(kind: str, observations: int) -> None:
    code = _MEASURE.format(folder=str(Path(__file__).parent), kind=kind, observations=observations)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, kilobytes = done.stdout.strip().splitlines()
    assert int(count) == observations
    assert int(kilobytes) < 400 << 10
