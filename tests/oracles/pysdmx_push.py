"""Pushes structures with pysdmx's maintenance client: run by its own interpreter, `python pysdmx_push.py URL ACTION CODES`.

The token comes on standard input; prints the error that the client raises, or nothing.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Push a code list of codes of one letter each, and a concept scheme."""
    # Imported here: only the interpreter that runs this has it.
    from pysdmx.api.fmr.maintenance import RegistryMaintenanceClient, StructureAction
    from pysdmx.errors import PysdmxError
    from pysdmx.model import Agency, Code, Codelist, Concept, ConceptScheme

    url, action, codes = sys.argv[1:4]
    client = RegistryMaintenanceClient(url, user="office", password=sys.stdin.read().strip())
    agency = Agency("TST")
    codelist = Codelist(
        id="CL_PY",
        name="From pysdmx",
        agency=agency,
        version="1.0",
        items=[Code(id=code, name=f"Code {code}") for code in codes],
    )
    concepts = ConceptScheme(
        id="CS_PY",
        name="Concepts",
        agency=agency,
        version="1.0",
        items=[Concept(id="FREQ", name="Frequency")],
    )
    try:
        client.put_structures([codelist, concepts], action=StructureAction(action))
    except PysdmxError as error:
        print(type(error).__name__)  # noqa: T201 - its output is what is asked for


if __name__ == "__main__":
    main()
