"""What pysdmx's registry client makes of the answer to a schema query, as JSON: `python pysdmx_schema.py FILE`.

The codes that each component may have, after code lists and constraints.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """Print the codes by component."""
    # Imported here: only the interpreter that runs this has it.
    import msgspec
    from pysdmx.io.json.sdmxjson2.messages import JsonSchemaMessage

    message = msgspec.json.Decoder(JsonSchemaMessage).decode(Path(sys.argv[1]).read_bytes())
    schema = message.to_model("dataflow", "TST", "DF_SHARED", "1.0.0", [])
    told = {
        component.id: [code.id for code in component.enumeration or ()]
        for component in schema.components
    }
    print(json.dumps(told))  # noqa: T201 - its output is what is asked for


if __name__ == "__main__":
    main()
