"""One job of pysdmx, in its own interpreter: `python pysdmx_job.py read|write FORMAT FILE STRUCTURES`.

Prints its seconds and observations as JSON. Its pinned libraries differ from ours, hence an environment of its own.
"""

from __future__ import annotations

import json
import sys
import time

from pysdmx.io import read_sdmx, write_sdmx
from pysdmx.io.format import Format

# Format by our name, of pysdmx.
FORMATS = {
    "csv": Format.DATA_SDMX_CSV_2_1_0,
    "csv20": Format.DATA_SDMX_CSV_2_0_0,
    "csv10": Format.DATA_SDMX_CSV_1_0_0,
    "ml21": Format.DATA_SDMX_ML_2_1_STR,
    "ml21-generic": Format.DATA_SDMX_ML_2_1_GEN,
    "ml30": Format.DATA_SDMX_ML_3_0,
    "ml31": Format.DATA_SDMX_ML_3_1,
}


def main() -> None:
    """Do the job and print what it took."""
    job, name, file, structures = sys.argv[1:5]
    start = time.perf_counter()
    message = read_sdmx(file, validate=False)
    seconds = time.perf_counter() - start
    (dataset,) = message.data
    if job == "write":
        (definition,) = read_sdmx(structures, validate=False).get_data_structure_definitions()
        dataset.structure = definition.to_schema()
        start = time.perf_counter()
        write_sdmx(message.data, FORMATS[name], output_path=file + ".out")
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "rows": len(dataset.data)}))


if __name__ == "__main__":
    main()
