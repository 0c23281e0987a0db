"""docs/conformance.md says of each point of the check-list what the service does and which tests show it."""

from __future__ import annotations

from tests.conformance import PAGE, POINTS, ROW, numbered, page


def test_each_point_has_a_row() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert [int(point) for point, *_ in rows] == list(POINTS)


def test_each_point_has_a_test_that_bears_its_number() -> None:
    assert [point for point, files in numbered().items() if not files] == []


def test_the_page_names_the_files_of_the_tests() -> None:
    """After a change: python tests/conformance.py."""
    assert page() == PAGE.read_text(encoding="utf-8")
