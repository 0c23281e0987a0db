"""Fetches data and what goes with them with pysdmx: run by its own interpreter, `python pysdmx_data.py URL`.

What its query builder, its registry client and its reader give is printed as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

FLOW = ("ILMS", "DF_MNA_OEMP_SEX_CDS", "1.0.0")


def rows(message: Any) -> list[dict[str, str]]:
    """Return the observations of a message, of each the cells that have a value."""
    frame = message.data[0].data.astype(str)
    return [
        {name: value for name, value in row.items() if value not in ("nan", "", "None")}
        for row in frame.to_dict("records")
    ]


def built(url: str, version: Any) -> dict[str, Any]:
    """Return what the query builder gets on one API line."""
    from pysdmx.api import qb

    line = "v1" if version is qb.ApiVersion.V1_5_0 else "v2"
    service = qb.RestService(f"{url}/sdmx/{line}", version, timeout=30.0)
    context = qb.DataContext.DATAFLOW
    parts = {
        "flows": service.structure(qb.StructureQuery(qb.StructureType.DATAFLOW, "ILMS")),
        "dsd": service.structure(
            qb.StructureQuery(
                qb.StructureType.DATA_STRUCTURE,
                "ILMS",
                "MNA_OEMP_SEX_CDS",
                references=qb.StructureReference.DESCENDANTS,
            )
        ),
        "data": service.data(qb.DataQuery(context, *FLOW, "IDN.A.*.*.*.*", last_n_obs=2)),
        "availability": service.availability(qb.AvailabilityQuery(context, *FLOW)),
        "schema": service.schema(qb.SchemaQuery(qb.SchemaContext.DATAFLOW, *FLOW)),
    }
    return {name: json.loads(body) for name, body in parts.items()}


def main() -> None:
    """Fetch everything."""
    # Imported here: only the interpreter that runs this has it.
    from pysdmx.api import fmr, qb
    from pysdmx.io import read_sdmx

    url = sys.argv[1]
    data_1 = f"{url}/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS/IDN....."
    data_2 = f"{url}/sdmx/v2/data/dataflow/{'/'.join(FLOW)}/IDN"
    (available,) = read_sdmx(
        f"{url}/sdmx/v1/availableconstraint/DF_MNA_OEMP_SEX_CDS/IDN....."
    ).structures
    region = available.cube_region
    client = fmr.RegistryClient(f"{url}/sdmx/v2")
    told = {
        # Data by the reader, in each of the formats that it knows.
        "rows": {
            "generic": rows(read_sdmx(data_1)),
            "csv 1.0": rows(read_sdmx(f"{data_1}?format=csvdata")),
            "ml21": rows(read_sdmx(f"{data_1}?format=structurespecificdata")),
            "ml30": rows(read_sdmx(f"{data_2}?format=structurespecificdata&formatVersion=3.0.0")),
            "ml31": rows(read_sdmx(f"{data_2}?format=structurespecificdata")),
            # It knows no column with several values: without attributes that have them.
            "csv 2.1": rows(
                read_sdmx(f"{data_2}?format=csvdata&attributes=UNIT_MEASURE,UNIT_MULT")
            ),
        },
        "available": {
            entry.id: [value.value for value in entry.values] for entry in region.key_values
        },
        "counts": [available.series_count, available.obs_count],
        "flows": sorted(flow.id for flow in client.get_dataflows("ILMS")),
        **{version.name: built(url, version) for version in qb.ApiVersion if version.value >= 7},
    }
    print(json.dumps(told))  # noqa: T201 - its output is what is asked for


if __name__ == "__main__":
    main()
