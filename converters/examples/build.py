"""Make the example submissions: one workbook a country, from the figures beside this module.

    python -m converters.examples.build [--published FOLDER]

With a folder of ILOSTAT's published files the figures are re-keyed from these first; without one, the workbooks
are made from the figures as they are. The same figures and structures give the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from converters.examples.rekey import rekeyed
from converters.template import filled_bytes
from dsd.structures import Structures, load_structures

FOLDER = Path(__file__).parent
FIGURES = FOLDER / "figures"
SUBMISSIONS = FOLDER / "submissions"


def read_figures(path: Path) -> list[Mapping[str, str | None]]:
    """Return the observations of a file of figures: component id to value, None where blank."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [{id: value or None for id, value in row.items()} for row in csv.DictReader(lines)]


def figure_files(folder: Path = FIGURES) -> dict[str, dict[str, Path]]:
    """Return the files of figures by country and table: `IDN_T15.csv` holds table 15 of Indonesia."""
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in folder.glob("*.csv"):
        country, _, table = path.stem.partition("_")
        found[country][table] = path
    return {
        country: dict(sorted(tables.items(), key=lambda entry: int(entry[0].removeprefix("T"))))
        for country, tables in sorted(found.items())
    }


def build_figures(published: Path, structures: Structures) -> Iterator[tuple[str, str]]:
    """Yield name and text of each file of figures that a folder of published files makes."""
    rows: list[Mapping[str, str]] = []
    for path in sorted(published.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file)
    for (country, table), observations in rekeyed(rows, structures).items():
        lines = [",".join(observations[0])]
        lines += [",".join(observation.values()) for observation in observations]
        yield f"{country}_{table}.csv", "\n".join(lines) + "\n"


def build_submissions(
    structures: Structures, folder: Path = FIGURES
) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each example workbook: all tables of a country for which there are figures."""
    for country, files in figure_files(folder).items():
        tables = {table: read_figures(path) for table, path in files.items()}
        yield f"{country}.xlsx", filled_bytes(structures, country, tables)


def main(arguments: list[str] | None = None) -> None:
    """Write the figures, where they are to be made anew, and the workbooks."""
    parser = argparse.ArgumentParser(prog="python -m converters.examples.build")
    parser.add_argument(
        "--published", type=Path, metavar="FOLDER", help="re-key the figures from ILOSTAT's files"
    )
    parser.add_argument(
        "--into", type=Path, default=FOLDER, metavar="FOLDER", help="write there, not in place"
    )
    options = parser.parse_args(arguments)
    structures = load_structures()
    figures, submissions = options.into / "figures", options.into / "submissions"
    if options.published is not None:
        figures.mkdir(parents=True, exist_ok=True)
        for name, text in build_figures(options.published, structures):
            (figures / name).write_text(text, encoding="utf-8", newline="")
            sys.stderr.write(f"{name}: {text.count(chr(10)) - 1} observations\n")
    submissions.mkdir(parents=True, exist_ok=True)
    for name, data in build_submissions(structures, figures if options.published else FIGURES):
        (submissions / name).write_bytes(data)
        sys.stderr.write(f"{name}: {len(data):,} bytes\n")


if __name__ == "__main__":
    main()
