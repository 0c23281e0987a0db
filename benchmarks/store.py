"""Benchmark of the store against DuckDB over one hand-made sorted Parquet file.

`python benchmarks/store.py [--quick|--full|--huge] [--folder FOLDER]`, 80 thousand, 10 million (if not given) or
100 million observations. Prints ratios, which mean something on any machine;
one DuckDB thread throughout. The targets are those of the store's design; they are reported, not enforced.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import duckdb
import pyarrow as pa

from codelists.base import replaced
from dsd.batch import BATCH_ROWS, Batch, batch_schema
from dsd.dataset import Dataset
from dsd.resolved import Dsd
from dsd.structures import load_structures
from service.config import Settings
from service.query.selection import Selection
from service.store import open_store
from service.store.protocol import Store, SubmissionRecord

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"
YEARS = [str(year) for year in range(2000, 2025)]
SEXES = ["SEX_T", "SEX_M", "SEX_F", "SEX_O"]


def made_batches(dsd: Dsd, observations: int) -> Iterator[Batch]:
    """Yield sorted observations of 25 years each, all attributes of a usual questionnaire filled."""
    places = [code.id for code in dsd["COUNTERPART_AREA"].codes.values()]
    areas = [code.id for code in dsd["REF_AREA"].codes.values()]
    sources = [f"S_{number:05}" for number in range(observations // (len(YEARS) * 40) + 2)]
    ids = [*dsd.key_ids, "OBS_VALUE", "OBS_STATUS", "UNIT_MEASURE", "UNIT_MULT", "SOURCE"]
    schema = batch_schema(dsd, ids)
    pools = {
        "REF_AREA": areas, "FREQ": ["A"], "MEASURE": ["MNA_OEMP"], "SEX": SEXES,
        "COUNTERPART_AREA": places, "SOURCE": sources, "TIME_PERIOD": YEARS,
        "OBS_STATUS": ["A", "E", "P"], "UNIT_MEASURE": ["PS"], "UNIT_MULT": ["3"],
    }  # fmt: skip
    for start in range(0, observations, BATCH_ROWS):
        numbers = range(start, min(start + BATCH_ROWS, observations))
        columns = []
        for field in schema:
            if field.name == "OBS_VALUE":
                columns.append(pa.array([f"{n * 7919 % 100_003 / 1000:.3f}" for n in numbers]))
                continue
            pool = pools[field.name]
            divisor = {"TIME_PERIOD": 1, "SEX": 25, "COUNTERPART_AREA": 100, "SOURCE": 1000,
                       "OBS_STATUS": 3}.get(field.name, 10**9)  # fmt: skip
            size = {"COUNTERPART_AREA": 10}.get(field.name, len(pool))
            indices = pa.array([n // divisor % size for n in numbers], pa.int32())
            columns.append(pa.DictionaryArray.from_arrays(indices, pa.array(pool)))
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def timed(times: int, *actions: Callable[[], object]) -> list[float]:
    """Return the medians of several runs in seconds, the actions taking turns, after one to warm up."""
    taken: list[list[float]] = [[] for _ in actions]
    for run in range(times + 1):
        for place, action in enumerate(actions):
            started = time.perf_counter()
            action()
            if run:
                taken[place].append(time.perf_counter() - started)
    return [statistics.median(each) for each in taken]


def report(name: str, ours: float, other: float, target: float, unit: str = "ms") -> None:
    """Print one comparison."""
    scale = 1000 if unit == "ms" else 1
    verdict = "PASS" if ours <= other * target else "FAIL"
    print(
        f"{verdict} {name}: {ours * scale:.2f} {unit}, reference {other * scale:.2f} {unit}, "
        f"ratio {ours / other:.2f} (target {target})"
    )


def drain(store: Store, selection: Selection) -> int:
    """Read everything that a selection selects."""
    with store.read(selection) as snapshot:
        return sum(batch.num_rows for batch in snapshot.batches)


class Bench:
    """A store, one hand-made sorted Parquet file as large as its largest dataflow, and DuckDB over that."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.dsd = load_structures().dsd(FLOW)
        self.settings = Settings(
            store_folder=folder / "store",
            temporary_folder=folder / "t",
            duckdb_threads=1,
            duckdb_memory_limit_mb=4096,
        )
        self.store = open_store(self.settings)
        self.bare = duckdb.connect(config={"threads": 1})
        self.bare.execute("set parquet_metadata_cache = true")

    def flow(self, number: int) -> Dsd:
        """Return the DSD as that of another dataflow."""
        dataflow = self.dsd.dataflow
        return replace(self.dsd, dataflow=replaced(dataflow, id=f"{dataflow.id}_{number:03}"))

    def load(self, number: int, batches: Sequence[Batch]) -> float:
        """Load one dataflow and return the seconds."""
        data = Dataset(self.flow(number), batches)
        started = time.perf_counter()
        self.store.write([data], SubmissionRecord(f"load-{number}"))
        return time.perf_counter() - started

    def copy(self, name: str, batches: Sequence[Batch]) -> tuple[Path, float]:
        """Write the reference file and return it with the seconds."""
        file = self.folder / f"{name}.parquet"
        table = pa.Table.from_batches(batches).unify_dictionaries()
        self.bare.register("given", table)
        key = ", ".join(self.dsd.series_ids)
        statement = (
            f"copy (select concat_ws('\x01', {key}) as _series_key, * from given order by all) "
            f"to '{file}' (format parquet, compression zstd, row_group_size 20000)"
        )
        started = time.perf_counter()
        self.bare.execute(statement)
        taken = time.perf_counter() - started
        self.bare.unregister("given")
        return file, taken

    def series(self, number: int, batches: Sequence[Batch], file: Path, times: int) -> None:
        """Compare series chosen at random (the same for both) with the reference."""
        chooser = random.Random(1)
        rows = []
        for _ in range(64):
            batch = chooser.choice(batches)
            rows += batch.slice(chooser.randrange(batch.num_rows), 1).to_pylist()
        names = self.dsd.series_ids
        dsd = self.flow(number)
        ours = cycle(
            [Selection(dsd, keys=({n: frozenset({row[n]}) for n in names},)) for row in rows]
        )
        keys = cycle(["\x01".join(row[name] for name in names) for row in rows])
        query = f"select * from read_parquet('{file}') where _series_key = $key"

        def read() -> None:
            assert drain(self.store, next(ours)) == len(YEARS)

        def reference() -> None:
            found = self.bare.sql(query, params={"key": next(keys)}).to_arrow_table()
            assert found.num_rows == len(YEARS)

        report("one series", *timed(times, read, reference), 1.5)

    def answers(self, number: int, file: Path) -> None:
        """Compare large answers with reading the whole reference."""
        dsd = self.flow(number)

        def whole() -> None:
            self.bare.sql(f"select * from read_parquet('{file}')").to_arrow_table()

        for name, selection, target in (
            ("the whole dataflow", Selection(dsd), 2.0),
            ("last observation of each series", Selection(dsd, last_n=1), 2.0),
        ):
            report(
                name, *timed(5, lambda chosen=selection: drain(self.store, chosen), whole), target
            )
        report("availability", *timed(5, lambda: self.store.availability(Selection(dsd)), whole), 1)

    def merge(self, number: int, batches: Sequence[Batch]) -> None:
        """Merge one changed observation, five times another one; the median counts."""
        taken = []
        for turn in range(1, 6):
            changed = batches[len(batches) * turn // 6].slice(77, 1)
            columns = [changed.column(name) for name in changed.schema.names]
            columns[changed.schema.get_field_index("OBS_VALUE")] = pa.array(["1.5"])
            one = pa.RecordBatch.from_arrays(columns, schema=changed.schema)
            data = Dataset(self.flow(number), [one])
            started = time.perf_counter()
            self.store.write([data], SubmissionRecord(f"merge-{number}-{turn}"))
            taken.append(time.perf_counter() - started)
        report("merge of one observation", statistics.median(taken), 1.0, 1.0, "s")

    def size(self, observations: int) -> None:
        """Report the size of all files of the store, catalog included."""
        self.store.close()
        files = (path for path in self.settings.store_folder.rglob("*") if path.is_file())
        report(
            "bytes an observation on disk",
            sum(f.stat().st_size for f in files) / observations,
            1,
            6,
            "B",
        )


def measure(folder: Path, small: int, flows: int, large: int, times: int) -> None:
    """Load `flows` dataflows of one size and one large one; read and merge both kinds."""
    bench = Bench(folder)
    parts = list(made_batches(bench.dsd, small))
    taken: list[float] = []
    copied: list[float] = []
    for number in range(1, flows + 1):
        if number > 20:
            bench.load(number, parts)
            continue
        # In turns: other work on the machine slows both.
        file, seconds = bench.copy("small", parts)
        copied.append(seconds)
        taken.append(bench.load(number, parts))
    print(f"-- {flows} dataflows of {small:,} observations")
    report("load against COPY", statistics.median(taken), statistics.median(copied), 2.0)
    middle = (flows + 1) // 2
    bench.series(middle, parts, file, times)
    bench.answers(middle, file)
    bench.merge(middle, parts)
    if large:
        parts = list(made_batches(bench.dsd, large))
        file, copied = bench.copy("large", parts)
        print(f"-- one dataflow of {large:,} observations")
        report("load against COPY", bench.load(0, parts), copied, 2.0)
        bench.series(0, parts, file, times)
        bench.answers(0, file)
        bench.merge(0, parts)
    total = flows * small + large
    print(f"-- all {total:,} observations")
    bench.size(total)


SIZES: dict[str, tuple[int, int, int, int]] = {
    "quick": (80_000, 9, 0, 100),
    "full": (80_000, 100, 2_000_000, 300),
    "huge": (1_000_000, 98, 2_000_000, 300),
}
"""Observations of a small dataflow, number of those, observations of the large one, reads of one series."""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = parser.add_mutually_exclusive_group()
    for name, (small, flows, large, _) in SIZES.items():
        words = f"{flows} x {small:,} + {large:,} observations"
        sizes.add_argument(f"--{name}", dest="size", action="store_const", const=name, help=words)
    parser.set_defaults(size="full")
    parser.add_argument(
        "--folder", type=Path, help="where to work; a temporary folder if not given"
    )
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ilms-benchmark-", dir=options.folder))
    try:
        measure(folder / "work", *SIZES[options.size])
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
