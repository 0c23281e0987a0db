"""The tests that show the points of the check-list of docs/conformance.md: those whose names bear their number.

`python tests/conformance.py` writes their files into the last column of the page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "conformance.md"
POINTS = range(1, 41)
ROW = re.compile(
    r"^\| (?P<point>\d+) \| (?P<said>[^|]+ \| [^|]+) \| (?P<tests>[^|]*) ?\|$", re.MULTILINE
)

_NUMBERED = re.compile(r"^ *def test_(\d\d)_\w+\(", re.MULTILINE)


def numbered() -> Mapping[int, Sequence[str]]:
    """Return by point the files that have tests of its number."""
    found: dict[int, list[str]] = {point: [] for point in POINTS}
    for path in sorted(TESTS.rglob("test_*.py")):
        for number in sorted(set(_NUMBERED.findall(path.read_text(encoding="utf-8")))):
            found[int(number)].append(path.relative_to(TESTS).as_posix())
    return found


def page() -> str:
    """Return the page with its last column as it is to be."""
    tests = numbered()

    def row(match: re.Match[str]) -> str:
        files = ", ".join(f"`{file}`" for file in tests[int(match["point"])])
        return f"| {match['point']} | {match['said']} | {files} |"

    return ROW.sub(row, PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
