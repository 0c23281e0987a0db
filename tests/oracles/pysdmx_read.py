"""What pysdmx reads from a data message, as JSON: run by its own interpreter, `python pysdmx_read.py FILE`."""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Print the rows of each data set."""
    # Imported here: only the interpreter that runs this has it.
    from pysdmx.io import read_sdmx

    message = read_sdmx(sys.argv[1], validate=False)
    rows = [
        {name: str(value) for name, value in row.items() if value is not None and value == value}
        for dataset in message.data
        for row in dataset.data.to_dict("records")
    ]
    print(json.dumps(rows))  # noqa: T201 - its output is what is asked for


if __name__ == "__main__":
    main()
