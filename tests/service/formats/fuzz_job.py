"""Feed one decoder with what atheris makes of a message, in a process of its own: nothing may escape but findings.

Arguments: name of the format, folder of the corpus, seconds. Ends with 0 where nothing escaped.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["service.formats", "dsd", "codelists"]):
    from dsd.finding import Report
    from dsd.sdmx_json import decode_structures
    from dsd.structures import Structures
    from service.formats import find_data_format
    from service.formats.contract import DecodeOptions

EXAMPLES = Path(__file__).parents[2] / "examples" / "formats" / "structures" / "structures.json"
MOST_BYTES = 4096


def main(name: str, corpus: str, seconds: str) -> None:
    """Fuzz until the time is over."""
    structures = Structures(decode_structures(EXAMPLES.read_bytes()).data.all())
    flow = structures.dsd("urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_T(1.0.0)").urn
    decode = find_data_format(name).decode
    assert decode

    def one(data: bytes) -> None:
        report = Report()
        hint = DecodeOptions(flow if len(data) % 2 else None)
        for dataset in decode(io.BytesIO(data), structures, report, hint):
            for batch in dataset.batches:
                batch.validate(full=True)

    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MOST_BYTES}",
        "-timeout=20",
        "-rss_limit_mb=1500",
    ]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={corpus}/crash-", corpus], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
