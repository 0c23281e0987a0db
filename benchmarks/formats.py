"""How fast the formats write and read, as ratios to limits in the same run.

`python benchmarks/formats.py [--quick] [--rows N]`. Data: six dimensions, three attributes, one measure,
sorted by key. One line a target: name, ratio (of speeds: the limit's time over ours), target, PASS or FAIL;
exits 1 on a FAIL unless --quick. The limits: DuckDB's COPY to CSV of the same table, a parse without handlers
(expat), msgspec, pyarrow's CSV reader; and sdmx1 writing and reading the same data (at most 20 000 rows).
"""

from __future__ import annotations

import argparse
import io
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from xml.parsers import expat

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.csv as pa_csv

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
from service.formats import STRUCTURE_FORMATS, find_data_format
from service.formats.contract import NO_OPTIONS, EncodeOptions, Header
from service.formats.preamble import make_preamble

AGENCY = {"agency_id": "BENCH", "version": "1.0.0"}
SIZES = {"FREQ": 1, "REF_AREA": 20, "SEX": 3, "AGE": 10, "ORIGIN": 70}
YEARS = [str(year) for year in range(1990, 2024)]
HEADER = Header("BENCH", datetime(2026, 1, 1, tzinfo=UTC), "BENCH")
SDMX1_ROWS = 20_000


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


def best_of(action: Callable[[], object], times: int) -> float:
    """Return the shortest of several durations, in seconds."""
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        durations.append(time.perf_counter() - start)
    return min(durations)


class Bench:
    """One run: data, limits, and the lines printed."""

    def __init__(self, rows: int, times: int) -> None:
        self.structures = make_structures()
        self.dsd = self.structures.dsd(urn("datastructure", "Dataflow", "DF"))
        self.table = make_table(self.dsd, rows)
        self.rows = self.table.num_rows
        self.times = times
        self.batches = [
            batch
            for batch in self.table.combine_chunks().to_batches(max_chunksize=BATCH_ROWS)
            if batch.num_rows
        ]
        self.preamble = make_preamble(self.dsd, self.batches)
        self.failed = False
        self.bodies: dict[str, bytes] = {}

    def encode(self, name: str, rows: int | None = None) -> bytes:
        """Return the message of the first `rows` observations."""
        encode = find_data_format(name).encode
        assert encode
        batches = self.batches if rows is None else [self.batches[0].slice(0, rows)]
        preamble = self.preamble if rows is None else make_preamble(self.dsd, batches)
        return b"".join(
            encode(HEADER, [PreparedDataset(self.dsd, preamble, batches)], EncodeOptions())
        )

    def decode(self, name: str) -> int:
        """Read the message of a format; return its number of rows."""
        decode = find_data_format(name).decode
        assert decode
        report = Report()
        found = decode(io.BytesIO(self.bodies[name]), self.structures, report, NO_OPTIONS)
        count = sum(batch.num_rows for dataset in found for batch in dataset.batches)
        assert count == self.rows
        assert not report.findings
        return count

    def line(self, name: str, seconds: float, limit: float, target: float) -> None:
        """Print how many times as fast as a limit something is."""
        ratio = limit / seconds
        self.failed |= ratio < target
        verdict = "PASS" if ratio >= target else "FAIL"
        speed = self.rows / seconds / 1000
        print(f"{name:<44}{ratio:>8.2f}{target:>8.2f}  {verdict}  {speed:>8.0f} k obs/s")

    def writers(self) -> None:
        """Compare the encoders with DuckDB's COPY of the same table to a CSV file."""
        connection = duckdb.connect()
        connection.execute("SET threads = 1")
        connection.register("observations", self.table)
        with tempfile.TemporaryDirectory() as folder:
            copy = f"COPY observations TO '{Path(folder, 'x.csv').as_posix()}'"
            limit = best_of(lambda: connection.execute(copy), self.times)
        print(f"limit: DuckDB COPY to CSV {limit:.3f} s")
        for name, target in (("csv", 0.8), ("json", 1.0), ("ml21", 1.0), ("ml21-generic", 0.6)):
            self.bodies[name] = self.encode(name)
            seconds = best_of(lambda name=name: self.encode(name), self.times)  # type: ignore[misc]
            self.line(f"write {name} / DuckDB COPY", seconds, limit, target)
        decoded = msgspec.json.decode(self.bodies["json"])
        limit = best_of(lambda: msgspec.json.encode(decoded), self.times)
        seconds = best_of(lambda: self.encode("json"), self.times)
        self.line("write json / msgspec of the built tree", seconds, limit, 0.1)

    def readers(self) -> None:
        """Compare the decoders with parsers that build nothing of ours."""
        csv = pa.py_buffer(self.bodies["csv"])
        options = pa_csv.ReadOptions(use_threads=False)
        limits = {
            "csv": best_of(lambda: pa_csv.read_csv(csv, options), self.times),
            "json": best_of(lambda: msgspec.json.decode(self.bodies["json"]), self.times),
        }
        for name in ("ml21", "ml21-generic"):
            body = self.bodies[name]
            limits[name] = best_of(
                lambda body=body: expat.ParserCreate().Parse(body, True), self.times
            )  # type: ignore[misc]
        for name, of, target in (
            ("csv", "pyarrow read_csv", 0.4),
            ("json", "msgspec decode", 0.4),
            ("ml21", "expat without handlers", 0.67),
            ("ml21-generic", "expat without handlers", 0.5),
        ):
            seconds = best_of(lambda name=name: self.decode(name), self.times)  # type: ignore[misc]
            self.line(f"read {name} / {of}", seconds, limits[name], target)

    def peers(self) -> None:
        """Compare with sdmx1 on the first rows."""
        import sdmx

        rows = min(SDMX1_ROWS, self.rows)
        encode = next(entry.encode for entry in STRUCTURE_FORMATS if entry.name == "ml21")
        assert encode
        body = b"".join(encode(HEADER, list(self.structures), self.structures, EncodeOptions()))
        structure = sdmx.read_sdmx(io.BytesIO(body)).structure["DSD"]
        scale = self.rows / rows
        for name, written, target in (("ml21", 50.0, 50.0), ("ml21-generic", 50.0, 50.0)):
            message = self.encode(name, rows)
            start = time.perf_counter()
            found = sdmx.read_sdmx(io.BytesIO(message), structure=structure)
            reading = (time.perf_counter() - start) * scale
            start = time.perf_counter()
            sdmx.to_xml(found)
            writing = (time.perf_counter() - start) * scale
            ours = best_of(lambda name=name: self.encode(name), 1)  # type: ignore[misc]
            self.line(f"write {name} / sdmx1", ours, writing, written)
            ours = best_of(lambda name=name: self.decode(name), 1)  # type: ignore[misc]
            self.line(f"read {name} / sdmx1", ours, reading, target)

    def small(self) -> None:
        """Time an answer of 25 observations: the target is in milliseconds."""
        for name in ("csv", "json", "ml21", "ml21-generic"):
            seconds = best_of(lambda name=name: self.encode(name, 25), 20)  # type: ignore[misc]
            self.line_small(name, seconds)

    def line_small(self, name: str, seconds: float) -> None:
        """Print a duration against its limit of 2 ms."""
        verdict = "PASS" if seconds <= 0.002 else "FAIL"
        self.failed |= seconds > 0.002
        print(
            f"{f'write {name}, 25 observations, ms':<44}{seconds * 1000:>8.2f}{2:>8.2f}  {verdict}"
        )


def main() -> int:
    """Run the benchmark; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5 000 rows, no thresholds")
    parser.add_argument("--rows", type=int, default=100_000)
    arguments = parser.parse_args()
    pa.set_cpu_count(1)
    bench = Bench(5_000 if arguments.quick else arguments.rows, 1 if arguments.quick else 3)
    print(f"{bench.rows} observations; speeds relative to the limit, target, verdict")
    bench.writers()
    bench.readers()
    bench.small()
    bench.peers()
    return 1 if bench.failed and not arguments.quick else 0


if __name__ == "__main__":
    sys.exit(main())
