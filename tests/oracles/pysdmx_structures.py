"""What pysdmx reads from a structure message, as JSON: run by its own interpreter, `python pysdmx_structures.py FILE`.

One entry an artefact, by its URN without prefix and package: its name, and what it consists of or refers to.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any


def short(urn: str | None) -> str | None:
    """Return `Class=AGENCY:ID(version)` of a URN."""
    if urn is None:
        return None
    # SDMX 2.1 calls a data constraint a content constraint.
    return re.sub(r"^urn:sdmx:org\.sdmx\.infomodel\.\w+\.", "", urn).replace("Content", "Data")


def identity(artefact: Any) -> str | None:
    """Return the same of an artefact or a reference: it reads no URN of an artefact in SDMX-JSON."""
    if artefact is None or isinstance(artefact, str):
        return short(artefact)
    if artefact.urn:
        return short(artefact.urn)
    kind = type(artefact).__name__.removesuffix("Definition")
    agency = getattr(artefact.agency, "id", artefact.agency)
    return f"{kind}={agency}:{artefact.id}({artefact.version})"


def items(artefact: Any) -> Any:
    """Return the items of a scheme with their names, nested ones inside."""
    found = getattr(artefact, "items", None) or getattr(artefact, "categories", None) or ()
    return [[item.id, item.name, items(item)] for item in found]


def component(entry: Any) -> dict[str, Any]:
    """Return what is said of a component."""
    codes = entry.local_codes or entry.local_enum_ref or entry.enumeration
    return {
        "id": entry.id,
        "role": entry.role.name.lower(),
        "required": entry.required,
        "concept": entry.concept.id,
        "codes": identity(codes),
        "attached": entry.attachment_level,
    }


def region(found: Any) -> dict[str, Any]:
    """Return the values of a cube region."""
    return {entry.id: [value.value for value in entry.values] for entry in found.key_values}


def facts(artefact: Any) -> dict[str, Any]:
    """Return what is said of an artefact."""
    told: dict[str, Any] = {"name": artefact.name, "items": items(artefact)}
    for member in ("structure", "dataflow", "provider", "source", "target"):
        if (value := getattr(artefact, member, None)) is not None:
            told[member] = identity(value)
    if type(artefact).__name__ == "DataStructureDefinition":
        told["components"] = [component(entry) for entry in artefact.components]
    if (attached := getattr(artefact, "constraint_attachment", None)) is not None:
        lists = (attached.dataflows, attached.data_structures, attached.provision_agreements)
        told["attached"] = [short(urn) for found in lists for urn in found or ()]
        told["provider"] = short(attached.data_provider)
        told["regions"] = [region(found) for found in artefact.cube_regions or ()]
    return told


def main() -> None:
    """Print the facts."""
    # Imported here: only the interpreter that runs this has it.
    from pysdmx.io import read_sdmx

    message = read_sdmx(sys.argv[1], validate=False)
    told = {identity(artefact): facts(artefact) for artefact in message.structures}
    print(json.dumps(told))  # noqa: T201 - its output is what is asked for


if __name__ == "__main__":
    main()
