"""How fast the formats write and read, as ratios to limits and peers in the same run.

`python benchmarks/formats.py [--quick] [--rows N] [--only TEXT]`. Data: six dimensions, three attributes, one
measure, sorted by key. Each job runs in a process of its own, in turns with its limit, so that a busy machine
slows both; the best of the turns counts. One line a target: name, ratio (of speeds: the limit's time over
ours), target, PASS or FAIL, observations/s, MB/s, and the memory that the job added at its peak. Exits 1 on a
FAIL unless --quick.

The limits: DuckDB's COPY to CSV of the same table, a parse without handlers (expat), orjson, pyarrow's CSV
reader. The peers: sdmx1, and pysdmx in an environment of its own ($ILMS_PYSDMX_PYTHON, or .venv-pysdmx as
`make .venv-pysdmx/.installed` makes it), on at most 100 000 observations.

A new format needs a line in TARGETS, MEMORY or PEERS.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from codelists.item_scheme import Code, Codelist, Concept, ConceptScheme
from codelists.representation import Representation, TextFormat
from dsd.batch import BATCH_ROWS, CODED
from dsd.dataset import PreparedDataset
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structure import (
    AttributeList,
    AttributeRelationship,
    DataAttribute,
    Dataflow,
    DataStructure,
    DataStructureComponents,
    Dimension,
    DimensionList,
    Measure,
    MeasureList,
    TimeDimension,
)
from dsd.structures import Structures
from service.formats import DATA_FORMATS, STRUCTURE_FORMATS, find_data_format
from service.formats.contract import NO_OPTIONS, EncodeOptions, Header
from service.formats.preamble import make_preamble


@dataclass(frozen=True)
class Target:
    """What a job must reach: at least `target` times the speed of another job."""

    job: str
    """`write FORMAT` or `read FORMAT`."""
    limit: str
    """A job of LIMITS; `{}` stands for the format."""
    target: float


TARGETS = (
    Target("write csv", "DuckDB COPY", 0.8),
    Target("write csv20", "DuckDB COPY", 0.8),
    Target("write csv10", "DuckDB COPY", 0.8),
    Target("write json", "DuckDB COPY", 1.0),
    Target("write json20", "DuckDB COPY", 1.0),
    Target("write json10", "DuckDB COPY", 1.0),
    Target("write ml21", "DuckDB COPY", 1.0),
    Target("write ml21-timeseries", "DuckDB COPY", 1.0),
    Target("write ml21-generic", "DuckDB COPY", 0.6),
    Target("write ml21-generic-timeseries", "DuckDB COPY", 0.6),
    Target("write ml30", "DuckDB COPY", 1.0),
    Target("write ml31", "DuckDB COPY", 1.0),
    Target("read csv", "pyarrow read_csv {}", 1 / 2.5),
    Target("read csv20", "pyarrow read_csv {}", 1 / 2.5),
    Target("read csv10", "pyarrow read_csv {}", 1 / 2.5),
    Target("read json", "orjson.loads {}", 1 / 2.5),
    Target("read json20", "orjson.loads {}", 1 / 2.5),
    Target("read json10", "orjson.loads {}", 1 / 2.5),
    Target("read ml21", "expat {}", 1 / 1.5),
    Target("read ml21-timeseries", "expat {}", 1 / 1.5),
    Target("read ml21-generic", "expat {}", 1 / 2),
    Target("read ml21-generic-timeseries", "expat {}", 1 / 2),
    Target("read ml30", "expat {}", 1 / 1.5),
    Target("read ml31", "expat {}", 1 / 1.5),
)

PEERS = (
    Target("write csv", "pysdmx write csv", 3),
    Target("read csv", "pysdmx read csv", 3),
    Target("write ml21", "sdmx1 write ml21", 50),
    Target("read ml21", "sdmx1 read ml21", 50),
    Target("write ml21-generic", "sdmx1 write ml21-generic", 50),
    Target("read ml21-generic", "sdmx1 read ml21-generic", 50),
    Target("write ml21", "pysdmx write ml21", 10),
    Target("read ml21", "pysdmx read ml21", 10),
    Target("write ml21-generic", "pysdmx write ml21-generic", 10),
    Target("read ml21-generic", "pysdmx read ml21-generic", 10),
    Target("write ml30", "pysdmx write ml30", 10),
    Target("read ml30", "pysdmx read ml30", 10),
)

MEMORY = (
    Target("read json", "orjson.loads {}", 1.2),
    Target("read json20", "orjson.loads {}", 1.2),
    Target("read json10", "orjson.loads {}", 1.2),
)
"""Here the target is the most that the job's memory may be, in parts of the limit's."""

SMALL_MS = {
    ".csv": 2.0,
    ".json": 2.0,
    ".xml": 2.0,
    ".parquet": 5.0,
    ".arrow": 5.0,
    ".xlsx": 30.0,
}
"""Milliseconds in which 25 observations must be written, by the ending of the format's files."""

PEER_ROWS = 100_000
AGENCY = {"agency_id": "BENCH", "version": "1.0.0"}
SIZES = {"FREQ": 2, "REF_AREA": 20, "SEX": 3, "AGE": 10, "ORIGIN": 30}
YEARS = [str(year) for year in range(1990, 2024)]
MOST_ROWS = 2 * 20 * 3 * 10 * 30 * len(YEARS)
HEADER = Header("BENCH", datetime(2026, 1, 1, tzinfo=UTC), "BENCH")


def urn(package: str, kind: str, id: str) -> str:
    """Return the URN of a benchmark artefact."""
    return f"urn:sdmx:org.sdmx.infomodel.{package}.{kind}=BENCH:{id}(1.0.0)"


def make_structures() -> Structures:
    """Return the artefacts of the benchmark's dataflow."""
    ids = [*SIZES, "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS", "UNIT_MULT", "NOTE_SOURCE"]
    concepts = ConceptScheme(
        id="CS",
        names={"en": "C"},
        concepts=tuple(Concept(id=i, names={"en": i}) for i in ids),
        **AGENCY,
    )
    codes = {id: [f"{id[:1]}{n}" for n in range(size)] for id, size in SIZES.items()}
    codes |= {"OBS_STATUS": ["A", "E", "P"], "UNIT_MULT": ["0", "3"]}
    lists = [
        Codelist(
            id=f"CL_{id}",
            names={"en": id},
            codes=tuple(Code(id=code, names={"en": code}) for code in values),
            **AGENCY,
        )
        for id, values in codes.items()
    ]

    def coded(id: str) -> Representation:
        return Representation(enumeration=urn("codelist", "Codelist", f"CL_{id}"))

    def concept(id: str) -> str:
        return f"{urn('conceptscheme', 'Concept', 'CS')}.{id}"

    def attribute(id: str, representation: Representation) -> DataAttribute:
        return DataAttribute(
            id=id,
            concept_identity=concept(id),
            local_representation=representation,
            attribute_relationship=AttributeRelationship(observation={}),
        )

    structure = DataStructure(
        id="DSD",
        names={"en": "Benchmark"},
        data_structure_components=DataStructureComponents(
            dimension_list=DimensionList(
                dimensions=tuple(
                    Dimension(id=id, concept_identity=concept(id), local_representation=coded(id))
                    for id in SIZES
                ),
                time_dimension=TimeDimension(concept_identity=concept("TIME_PERIOD")),
            ),
            measure_list=MeasureList(
                measures=(
                    Measure(
                        id="OBS_VALUE",
                        concept_identity=concept("OBS_VALUE"),
                        local_representation=Representation(format=TextFormat(data_type="Double")),
                    ),
                )
            ),
            attribute_list=AttributeList(
                attributes=(
                    attribute("OBS_STATUS", coded("OBS_STATUS")),
                    attribute("UNIT_MULT", coded("UNIT_MULT")),
                    attribute("NOTE_SOURCE", Representation(format=TextFormat(data_type="String"))),
                )
            ),
        ),
        **AGENCY,
    )
    flow = Dataflow(
        id="DF",
        names={"en": "Benchmark"},
        structure=urn("datastructure", "DataStructure", "DSD"),
        **AGENCY,
    )
    return Structures([concepts, *lists, structure, flow])


def make_table(dsd: Dsd, rows: int) -> pa.Table:
    """Return `rows` observations in key order."""
    chance = random.Random(1)
    values = [list(dsd[id].codes) for id in SIZES]
    keys = itertools.islice(itertools.product(*values, YEARS), rows)
    columns = dict(zip([*SIZES, "TIME_PERIOD"], zip(*keys, strict=True), strict=True))
    count = len(columns["FREQ"])
    notes = ["Labour force survey", 'Register & permits, "annual"', None]
    columns |= {
        "OBS_VALUE": [f"{chance.uniform(0, 9999):.3f}" for _ in range(count)],
        "OBS_STATUS": chance.choices(["A", "E", "P"], k=count),
        "UNIT_MULT": chance.choices(["0", "3"], k=count),
        "NOTE_SOURCE": chance.choices(notes, k=count),
    }
    return pa.table(
        {
            name: pa.array(values, pa.string())
            if name == "OBS_VALUE"
            else pa.array(values, pa.string()).dictionary_encode().cast(CODED)
            for name, values in columns.items()
        }
    )


# -- jobs: each runs in a process of its own --------------------------------------------------------


class Bench:
    """The files of one run, and what jobs do with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.structures = make_structures()
        self.dsd = self.structures.dsd(urn("datastructure", "Dataflow", "DF"))

    @property
    def table_file(self) -> Path:
        """The observations as Arrow IPC."""
        return self.folder / "observations.arrows"

    def file(self, name: str) -> Path:
        """Return where the message in a format stands."""
        return self.folder / f"{name}{find_data_format(name).extension}"

    def table(self) -> pa.Table:
        """Return the observations."""
        with pa.OSFile(str(self.table_file)) as source:
            return pa.ipc.open_stream(source).read_all()

    def encode(
        self, name: str, batches: list[pa.RecordBatch], file: Path | None = None
    ) -> Callable[[], int]:
        """Return the job of writing rows in a format; it returns the number of bytes."""
        encode = find_data_format(name).encode
        assert encode
        preamble = make_preamble(self.dsd, batches)
        target = file or self.file(name)

        def write() -> int:
            dataset = PreparedDataset(self.dsd, preamble, iter(batches))
            with target.open("wb") as stream:
                return sum(map(stream.write, encode(HEADER, [dataset], EncodeOptions())))

        return write

    def warm(self, name: str) -> None:
        """Write and read a few rows, so that no job pays for what is loaded once a process."""
        file = self.folder / f"warm{os.getpid()}"
        self.encode(name, [self.table().to_batches()[0].slice(0, 25)], file)()
        decode = find_data_format(name).decode
        if decode is not None:
            with file.open("rb") as stream:
                for dataset in decode(stream, self.structures, Report(), NO_OPTIONS):
                    list(dataset.batches)
        file.unlink()

    def prepare(self, rows: int) -> None:
        """Make the table; the messages are made by the jobs that write them."""
        table = make_table(self.dsd, rows)
        with (
            pa.OSFile(str(self.table_file), "wb") as sink,
            pa.ipc.new_stream(sink, table.schema) as writer,
        ):
            writer.write_table(table.combine_chunks(), max_chunksize=BATCH_ROWS)
        encode = next(entry.encode for entry in STRUCTURE_FORMATS if entry.name == "ml21")
        assert encode
        body = b"".join(encode(HEADER, list(self.structures), self.structures, EncodeOptions()))
        (self.folder / "structures.xml").write_bytes(body)

    # -- ours --

    def write(self, name: str) -> Callable[[], int]:
        """Write the table in a format."""
        self.warm(name)
        batches = [batch for batch in self.table().to_batches() if batch.num_rows]
        return self.encode(name, batches)

    def read(self, name: str) -> Callable[[], int]:
        """Read the message of a format; return its number of bytes."""
        decode = find_data_format(name).decode
        assert decode
        self.warm(name)
        rows = self.rows()

        def job() -> int:
            report = Report()
            with self.file(name).open("rb") as stream:
                found = decode(stream, self.structures, report, NO_OPTIONS)
                count = sum(batch.num_rows for dataset in found for batch in dataset.batches)
            assert count == rows, f"{count} rows read, {rows} written"
            assert not report.findings, report.findings[:3]
            return self.file(name).stat().st_size

        return job

    def rows(self) -> int:
        """Return the number of observations."""
        with pa.OSFile(str(self.table_file)) as source:
            return sum(batch.num_rows for batch in pa.ipc.open_stream(source))

    def small(self, name: str) -> Callable[[], int]:
        """Write 25 observations."""
        return self.encode(name, [self.table().to_batches()[0].slice(0, 25)], self.folder / "small")

    # -- limits --

    def copy(self) -> Callable[[], int]:
        """Let DuckDB copy the table to a CSV file."""
        import duckdb

        connection = duckdb.connect()
        connection.execute("SET threads = 1")
        connection.register("observations", self.table())
        target = self.folder / "copy.csv"

        def job() -> int:
            connection.execute(f"COPY observations TO '{target.as_posix()}'")
            return target.stat().st_size

        return job

    def orjson(self, name: str) -> Callable[[], int]:
        """Parse a JSON file."""
        import orjson

        def job() -> int:
            body = self.file(name).read_bytes()
            assert orjson.loads(body)
            return len(body)

        return job

    def read_csv(self, name: str) -> Callable[[], int]:
        """Let pyarrow read a CSV file."""
        import pyarrow.csv as pa_csv

        file = self.file(name)
        options = pa_csv.ReadOptions(use_threads=False)
        columns = pa_csv.ParseOptions(newlines_in_values=True)

        def job() -> int:
            assert pa_csv.read_csv(str(file), options, columns).num_rows
            return file.stat().st_size

        return job

    def expat(self, name: str) -> Callable[[], int]:
        """Parse an XML file without handlers."""
        from xml.parsers import expat

        def job() -> int:
            with self.file(name).open("rb") as stream:
                expat.ParserCreate().ParseFile(stream)
            return self.file(name).stat().st_size

        return job

    # -- peers --

    def sdmx1(self, job: str, name: str) -> Callable[[], int]:
        """Let sdmx1 read the message, or write what it read."""
        import sdmx

        structure = sdmx.read_sdmx(self.folder / "structures.xml").structure["DSD"]
        file = self.file(name)

        def read() -> int:
            sdmx.read_sdmx(file, structure=structure)
            return file.stat().st_size

        if job == "read":
            return read
        message = sdmx.read_sdmx(file, structure=structure)
        return lambda: len(sdmx.to_xml(message))


def job_of(bench: Bench, text: str) -> Callable[[], int]:
    """Return the job that a line of the tables names."""
    words = text.split()
    if words[0] == "sdmx1":
        return bench.sdmx1(words[1], words[2])
    if text == "DuckDB COPY":
        return bench.copy()
    kinds = {
        "write": bench.write,
        "read": bench.read,
        "small": bench.small,
        "orjson.loads": bench.orjson,
        "pyarrow": bench.read_csv,
        "expat": bench.expat,
    }
    return kinds[words[0]](words[-1])


def run_job(folder: Path, text: str) -> None:
    """Do a job in this process; print seconds, bytes and memory added at the peak."""
    pa.set_cpu_count(1)
    job = job_of(Bench(folder), text)
    if text.startswith("small"):
        job()
    before = _reset_peak()
    best = float("inf")
    size = 0
    for _ in range(20 if text.startswith("small") else 1):
        start = time.perf_counter()
        size = job()
        best = min(best, time.perf_counter() - start)
    print(json.dumps({"seconds": best, "bytes": size, "peak": max(_peak() - before, 0)}))


def _reset_peak() -> int:
    """Start to measure the peak from here, where the system can; return the memory in use."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _peak()
    return _peak()


def _peak() -> int:
    """Return the most memory that was in use, in bytes; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return _peak_of_resource()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _peak_of_resource() -> int:
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


# -- the run ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """What a job took."""

    seconds: float
    bytes: int
    peak: int


class Run:
    """Runs jobs in turns, and prints the lines."""

    def __init__(self, folder: Path, rows: int, turns: int) -> None:
        self.folder = folder
        self.rows = rows
        self.turns = turns
        self.failed = False
        self.known: dict[str, Measured] = {}

    def take(self, *jobs: str) -> None:
        """Run jobs in turns; the best of each counts, the least memory too."""
        for _ in range(self.turns):
            for job in jobs:
                found = self.start(job)
                best = self.known.get(job, found)
                self.known[job] = Measured(
                    min(best.seconds, found.seconds), found.bytes, min(best.peak, found.peak)
                )

    def start(self, job: str) -> Measured:
        """Run a job in a process of its own."""
        if job.startswith("pysdmx"):
            return self.pysdmx(job)
        command = [sys.executable, __file__, "--job", job, "--folder", str(self.folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return Measured(**json.loads(done.stdout))

    def pysdmx(self, job: str) -> Measured:
        """Run a job of pysdmx with its own interpreter."""
        _, kind, name = job.split()
        script = Path(__file__).parent / "peers" / "pysdmx_job.py"
        file = Bench(self.folder).file(name)
        command = [str(pysdmx_python()), str(script), kind, name, str(file)]
        command.append(str(self.folder / "structures.xml"))
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return Measured(json.loads(done.stdout)["seconds"], file.stat().st_size, 0)

    def line(
        self, name: str, ratio: float, target: float, passed: bool, measured: Measured
    ) -> None:
        """Print one line."""
        self.failed |= not passed
        print(
            f"{name:<62}{ratio:>9.2f}{target:>8.2f}  {'PASS' if passed else 'FAIL'}"
            f"{self.rows / measured.seconds / 1000:>8.0f} k obs/s"
            f"{measured.bytes / measured.seconds / 1e6:>7.0f} MB/s{measured.peak / 1e6:>7.0f} MB peak",
            flush=True,
        )

    def speed(self, target: Target) -> None:
        """Compare the speed of a job with that of its limit."""
        limit = target.limit.format(target.job.split()[1])
        self.take(target.job, limit)
        ours, theirs = self.known[target.job], self.known[limit]
        ratio = theirs.seconds / ours.seconds
        self.line(f"{target.job} / {limit}", ratio, target.target, ratio >= target.target, ours)

    def memory(self, target: Target) -> None:
        """Compare the memory of a job with that of its limit."""
        limit = target.limit.format(target.job.split()[1])
        ours, theirs = self.known[target.job], self.known[limit]
        ratio = ours.peak / max(theirs.peak, 1)
        name = f"memory of {target.job} / {limit} (at most)"
        self.line(name, ratio, target.target, ratio <= target.target, ours)

    def small(self, name: str, most: float) -> None:
        """Time an answer of 25 observations: the target is in milliseconds."""
        found = self.start(f"small {name}")
        spent = found.seconds * 1000
        self.failed |= spent > most
        verdict = "PASS" if spent <= most else "FAIL"
        print(
            f"{f'write {name}, 25 observations, ms (at most)':<62}{spent:>9.2f}{most:>8.2f}  {verdict}"
        )


def pysdmx_python() -> Path | None:
    """Return the interpreter that has pysdmx, None where there is none."""
    root = Path(__file__).parents[1] / ".venv-pysdmx"
    for python in (
        os.environ.get("ILMS_PYSDMX_PYTHON"),
        root / "bin" / "python",
        root / "Scripts" / "python.exe",
    ):
        if python and Path(python).exists():
            return Path(python)
    return None


def chosen(targets: tuple[Target, ...], only: str) -> list[Target]:
    """Return the targets of formats that there are, both ways where a message is needed, and asked for."""
    names = {entry.name for entry in DATA_FORMATS if entry.encode and entry.decode}
    return [t for t in targets if t.job.split()[1] in names and only in f"{t.job} / {t.limit}"]


def run_all(run: Run, only: str) -> None:
    """Print the lines of limits, memory and small answers."""
    targets = chosen(TARGETS, only)
    for target in targets:
        if target.job.startswith("read") and not Bench(run.folder).file(target.job[5:]).exists():
            run.start(f"write {target.job[5:]}")
        run.speed(target)
    for target in chosen(MEMORY, only):
        if target.job in run.known:
            run.memory(target)
    for entry in DATA_FORMATS:
        if entry.encode and only in f"small {entry.name}":
            run.small(entry.name, SMALL_MS.get(entry.extension, 2.0))


def run_peers(run: Run, only: str) -> None:
    """Print the lines of peers, each job once."""
    for target in chosen(PEERS, only):
        if target.limit.startswith("pysdmx") and pysdmx_python() is None:
            print(f"{f'{target.job} / {target.limit}':<62}  skipped: no environment with pysdmx")
            continue
        if not Bench(run.folder).file(target.job.split()[1]).exists():
            run.start(f"write {target.job.split()[1]}")
        run.speed(target)


def main() -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5 000 rows, once, no thresholds")
    parser.add_argument("--rows", type=int, default=1_000_000, help=f"at most {MOST_ROWS}")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", default="", help="lines whose name has this text")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        run_job(arguments.folder, arguments.job)
        return 0
    rows = 5_000 if arguments.quick else arguments.rows
    turns = 1 if arguments.quick else arguments.turns
    print(
        f"{rows} observations: ratio, target, verdict, speed, memory added at the peak", flush=True
    )
    failed = False
    for count, part, times in ((rows, run_all, turns), (min(rows, PEER_ROWS), run_peers, 1)):
        with tempfile.TemporaryDirectory() as folder:
            run = Run(Path(folder), count, times)
            Bench(run.folder).prepare(count)
            part(run, arguments.only)
            failed |= run.failed
    return 1 if failed and not arguments.quick else 0


if __name__ == "__main__":
    sys.exit(main())
