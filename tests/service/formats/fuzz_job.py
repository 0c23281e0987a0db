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

EXAMPLES = Path(__file__).parents[2] / "examples" / "formats" / "structures"
FILES = ("structures.json", "localised.json")
MOST_BYTES = 4096


def main(name: str, corpus: str, seconds: str) -> None:
    """Fuzz until the time is over."""
    bodies = [(EXAMPLES / file).read_bytes() for file in FILES]
    structures = Structures(part for body in bodies for part in decode_structures(body).data.all())
    flow = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:"
    flows = [structures.dsd(f"{flow}{id}(1.0.0)").urn for id in ("DF_T", "DF_L")]
    decode = find_data_format(name).decode
    assert decode

    def one(data: bytes) -> None:
        report = Report()
        hint = DecodeOptions((*flows, None)[len(data) % 3])
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
