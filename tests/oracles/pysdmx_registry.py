"""Fetches structures with pysdmx: run by its own interpreter, `python pysdmx_registry.py URL AGENCY`.

The artefacts to fetch come on standard input, a line each: class, id and version. What the client gives for each
is printed as JSON: its id and name, and the ids that it consists of. Its registry client reads SDMX-JSON, and in
that no `unbounded` and no constraint whose values are texts: structures and constraints are read by `read_sdmx`.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def ids(found: Any) -> list[str]:
    """Return the ids of the items of a scheme, nested ones after those above them."""
    listed: list[str] = []
    for item in getattr(found, "items", None) or getattr(found, "categories", None) or ():
        listed += [item.id, *ids(item)]
    return listed


def main() -> None:
    """Fetch each artefact by the method that the client has for it."""
    # Imported here: only the interpreter that runs this has it.
    from pysdmx.api import fmr
    from pysdmx.io import read_sdmx

    url, agency = sys.argv[1:3]
    client = fmr.RegistryClient(f"{url}/sdmx/v2")
    one = {
        "Codelist": client.get_codes,
        "ConceptScheme": client.get_concepts,
        "CategoryScheme": client.get_categories,
        "Categorisation": client.get_categorisation,
        "ProvisionAgreement": client.get_provision_agreement,
    }
    told: dict[str, Any] = {
        "AgencyScheme": sorted(entry.id for entry in client.get_agencies("SDMX")),
        "DataProviderScheme": {
            entry.id: sorted(flow.id for flow in entry.dataflows)
            for entry in client.get_providers(agency, with_flows=True)
        },
        "Dataflow": {entry.id: entry.name for entry in client.get_dataflows(agency)},
    }
    for line in sys.stdin:
        kind, id, version = line.split()
        if kind in one:
            found = one[kind](agency, id, version)
            told[f"{kind} {id}"] = [found.id, found.name, ids(found)]
            continue
        resource = {"DataStructure": "datastructure", "DataConstraint": "contentconstraint"}[kind]
        message = read_sdmx(f"{url}/sdmx/v1/{resource}/{agency}/{id}/{version}")
        (found,) = message.structures
        components = [entry.id for entry in getattr(found, "components", ())]
        told[f"{kind} {id}"] = [found.id, found.name, components]
    print(json.dumps(told))  # noqa: T201 - its output is what is asked for


if __name__ == "__main__":
    main()
