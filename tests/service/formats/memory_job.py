"""One job of `test_memory` in a process of its own: write or read many observations, print the peak memory in MB.

A format's name may have `+languages` after it: then every third observation has a text in two languages.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from dsd.batch import Batch
from dsd.dataset import Preamble, PreparedDataset
from dsd.finding import Report
from dsd.localised import compose
from dsd.resolved import Dsd
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.formats import find_data_format
from service.formats.contract import NO_OPTIONS, EncodeOptions, Header

EXAMPLES = Path(__file__).parents[2] / "examples" / "formats" / "structures"
REMARKS = [compose({"en": "One", "fr": "Un; deux"}), "plain"]
YEARS = [str(year) for year in range(1990, 2024)]
SEXES = [f"SEX_{number:02}" for number in range(30)]
ROWS_AN_AREA = len(YEARS) * len(SEXES)


def batches_of(dsd: Dsd, areas: int) -> Iterator[Batch]:
    """Yield the observations of one area after the other, in key order."""
    rows = np.arange(ROWS_AN_AREA)
    coded = pa.DictionaryArray.from_arrays
    for area in range(areas):
        values = (rows * 7919 + area * 104729) % 10_000_000
        columns = {
            "FREQ": coded(pa.array(np.zeros(len(rows), np.int32)), ["A"]),
            "REF_AREA": coded(pa.array(np.zeros(len(rows), np.int32)), [f"A{area:05}"]),
            "SEX": coded(pa.array((rows // len(YEARS)).astype(np.int32)), SEXES),
            "TIME_PERIOD": coded(pa.array((rows % len(YEARS)).astype(np.int32)), YEARS),
            "OBS_VALUE": pa.array(values / 1000).cast(pa.string()),
            "OBS_STATUS": coded(pa.array((values % 3).astype(np.int32)), ["A", "E", "P"]),
            "REMARK": coded(pa.array((rows % 3 > 0).astype(np.int32)), REMARKS),
        }
        yield pa.RecordBatch.from_pydict(
            {
                component.id: columns[component.id]
                for component in dsd.components
                if component.id in columns
            }
        )


def write(name: str, dsd: Dsd, areas: int, target: Path) -> None:
    """Write a message."""
    codes = {
        "FREQ": ("A",),
        "REF_AREA": tuple(f"A{area:05}" for area in range(areas)),
        "SEX": tuple(SEXES),
        "TIME_PERIOD": tuple(YEARS),
        "OBS_STATUS": ("A", "E", "P"),
    }
    encode = find_data_format(name).encode
    assert encode
    dataset = PreparedDataset(dsd, Preamble(areas * ROWS_AN_AREA, codes), batches_of(dsd, areas))
    header = Header("MEMORY", datetime(2026, 1, 1, tzinfo=UTC))
    with target.open("wb") as stream:
        for chunk in encode(header, [dataset], EncodeOptions()):
            stream.write(chunk)


def read(name: str, structures: Structures, areas: int, source: Path) -> None:
    """Read it again, and count."""
    decode, report = find_data_format(name).decode, Report()
    assert decode
    with source.open("rb") as stream:
        found = decode(stream, structures, report, NO_OPTIONS)
        rows = sum(batch.num_rows for dataset in found for batch in dataset.batches)
    assert rows == areas * ROWS_AN_AREA, rows
    assert report.findings == []


def main(job: str, name: str, areas: str, file: str) -> None:
    """Do one job."""
    name, _, languages = name.partition("+")
    source = "localised.json" if languages else "structures.json"
    structures = Structures(decode_structures((EXAMPLES / source).read_bytes()).data.all())
    flow = "DF_L" if languages else "DF_T"
    dsd = structures.dsd(f"urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:{flow}(1.0.0)")
    if job == "write":
        write(name, dsd, int(areas), Path(file))
    else:
        read(name, structures, int(areas), Path(file))
    # The peak of this program alone; getrusage begins with that of the process that started it.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = re.search(r"VmHWM:\s+(\d+)", status)
    assert peak
    sys.stdout.write(f"{int(peak[1]) // 1024}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
