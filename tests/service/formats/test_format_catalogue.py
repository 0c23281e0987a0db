"""The formats as `ilms formats` and the documentation list them."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from service.cli import main
from service.formats import DATA_FORMATS, STRUCTURE_FORMATS
from service.formats.catalogue import content_type, formats_table

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"


def test_the_page_holds_the_table() -> None:
    """After a change: python -c "from service.formats.catalogue import formats_table; print(formats_table())"."""
    assert formats_table() in PAGE.read_text(encoding="utf-8")


def test_the_command_lists_every_format() -> None:
    output = CliRunner().invoke(main, ["formats"]).output
    for entry in (*DATA_FORMATS, *STRUCTURE_FORMATS):
        assert f"{entry.name} " in output
        assert content_type(entry) in output
    listed = json.loads(CliRunner().invoke(main, ["formats", "--json"]).output)
    assert [row["name"] for row in listed["data"]] == [entry.name for entry in DATA_FORMATS]
    assert [row["name"] for row in listed["structures"]] == [e.name for e in STRUCTURE_FORMATS]


def test_names_are_one_each() -> None:
    for formats in (DATA_FORMATS, STRUCTURE_FORMATS):
        assert len({entry.name for entry in formats}) == len(formats)
        assert len({content_type(entry) for entry in formats}) == len(formats)
