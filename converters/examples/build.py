"""Make the example submissions from the published figures: `python -m converters.examples.build`."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from converters.template import filled_bytes
from dsd.structures import Structures, load_structures

FOLDER = Path(__file__).parent
FIGURES = FOLDER / "figures"
SUBMISSIONS = FOLDER / "submissions"


def read_figures(path: Path) -> list[Mapping[str, str | None]]:
    """Return the observations of a file of figures: component id to value, None where blank."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [{id: value or None for id, value in row.items()} for row in csv.DictReader(lines)]


def build_submissions(structures: Structures) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each example workbook: one a file of figures, named `IDN_T15.csv`."""
    for path in sorted(FIGURES.glob("*.csv")):
        country, _, table = path.stem.partition("_")
        tables = {table: read_figures(path)}
        yield f"{path.stem}.xlsx", filled_bytes(structures, country, tables)


def main() -> None:
    """Write the example workbooks beside the figures."""
    SUBMISSIONS.mkdir(exist_ok=True)
    for name, data in build_submissions(load_structures()):
        (SUBMISSIONS / name).write_bytes(data)


if __name__ == "__main__":
    main()
