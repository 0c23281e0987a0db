"""Benchmark of the store against DuckDB over one hand-made sorted Parquet file.

`python benchmarks/store.py [--quick] [--folder FOLDER]`. Prints ratios, which mean something on any machine;
one DuckDB thread throughout. The targets are those of the store's design; they are reported, not enforced.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

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


def measure(folder: Path, observations: int, times: int) -> None:
    """Load, read and merge one dataflow of this size and compare."""
    dsd = load_structures().dsd(FLOW)
    folder.mkdir()
    batches = list(made_batches(dsd, observations))
    settings = Settings(store_folder=folder / "store", temporary_folder=folder / "t")
    store = open_store(settings)
    started = time.perf_counter()
    store.write([Dataset(dsd, batches)], SubmissionRecord("load"))
    load = time.perf_counter() - started

    bare = duckdb.connect(config={"threads": 1})
    bare.execute("set parquet_metadata_cache = true")
    table = pa.Table.from_batches(batches).unify_dictionaries()
    bare.register("given", table)
    key = ", ".join(dsd.series_ids)
    file = folder / "reference.parquet"
    started = time.perf_counter()
    bare.execute(
        f"copy (select concat_ws('\x01', {key}) as _series_key, * from given order by all) "
        f"to '{file}' (format parquet, compression zstd, row_group_size 20000)"
    )
    copy = time.perf_counter() - started
    print(f"-- {observations:,} observations")
    report("load against COPY", load, copy, 2.0)
    leaves = list((folder / "store" / "leaves").rglob("*.parquet"))
    size = sum(path.stat().st_size for path in leaves) / observations
    report("bytes an observation", size, file.stat().st_size / observations, 6, "B")

    row = batches[len(batches) // 2].slice(77, 1).to_pylist()[0]
    one = Selection(dsd, keys=({name: frozenset({row[name]}) for name in dsd.series_ids},))
    text = "\x01".join(row[name] for name in dsd.series_ids)
    query = f"select * from read_parquet('{file}') where _series_key = $key"

    def reference() -> None:
        bare.sql(query, params={"key": text}).to_arrow_table()

    assert drain(store, one) == len(YEARS)
    report("one series", *timed(times, lambda: drain(store, one), reference), 1.5)

    def whole() -> None:
        bare.sql(f"select * from read_parquet('{file}')").to_arrow_table()

    for name, selection, target in (
        ("the whole dataflow", Selection(dsd), 2.0),
        ("last observation of each series", Selection(dsd, last_n=1), 2.0),
    ):
        report(name, *timed(5, lambda chosen=selection: drain(store, chosen), whole), target)
    report("availability", *timed(5, lambda: store.availability(Selection(dsd)), whole), 1.0)

    changed = batches[len(batches) // 2].slice(77, 1)
    columns = [changed.column(name) for name in changed.schema.names]
    columns[changed.schema.get_field_index("OBS_VALUE")] = pa.array(["1.5"])
    merge = Dataset(dsd, [pa.RecordBatch.from_arrays(columns, schema=changed.schema)])
    started = time.perf_counter()
    store.write([merge], SubmissionRecord("merge"))
    report("merge of one observation", time.perf_counter() - started, 1.0, 1.0)
    store.close()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="80,000 observations only")
    parser.add_argument(
        "--folder", type=Path, help="where to work; a temporary folder if not given"
    )
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="ilms-benchmark-", dir=options.folder))
    try:
        measure(folder / "small", 80_000, 50 if options.quick else 300)
        if not options.quick:
            measure(folder / "large", 2_000_000, 300)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
