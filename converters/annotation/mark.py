"""How a mark of ours is known again, and what the cell was before it.

Everything is kept where any spreadsheet program keeps it when it saves the file: the colour of a mark is
that of no one else, a comment ends with the number of its mark, and a hidden column of the sheet of findings
says of each mark what its cell was. Style numbers and part names, which change with every saving, decide
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lxml import etree

from converters.annotation.package import Element, local_name
from converters.annotation.text import escaped, unescaped
from converters.grid import Grid
from dsd.finding import Finding, Severity

FINDINGS_MARKER = "ilms-annotation 1"
"""The first cell of the hidden column: by it the sheet of findings is known, whatever its name."""

ALLOWED = "allowed"
COLOURS = {
    Severity.FATAL.value: "FFE8685F",
    Severity.ERROR.value: "FFF4938B",
    Severity.WARNING.value: "FFFFBD59",
    Severity.INFO.value: "FF9BCBEB",
    ALLOWED: "FFC9BBE4",
}
"""ARGB of the fills by severity; black and white letters can be read on them."""

BLOCK_HEAD = "ILMS Exchange: "
_BLOCK = re.compile(
    r"\n{0,2}(?:Reply:\s+)?ILMS Exchange: (?:(?!ILMS Exchange: ).)*?\[ilms (\d+)\]", re.DOTALL
)
_CORNERS = re.compile(r"\s*\d+(?:\s*,\s*\d+){7}\s*")
_TAIL_SHAPE = re.compile(r"\[ilms (?=\d)")


def is_findings_sheet(grid: Grid) -> bool:
    """Tell whether a sheet is the list of findings that annotation has added."""
    return any(cell.text == FINDINGS_MARKER for cell in grid.row(1))


def class_of(finding: Finding) -> str:
    """Return what decides the colour: the severity, or that it is allowed."""
    return ALLOWED if finding.waiver is not None else finding.severity.value


def block_tail(number: int) -> str:
    """Return the end of a comment by which it is known again."""
    return f"[ilms {number}]"


def harmless(text: str) -> str:
    """Return a text of data that cannot be taken for a head or tail of ours."""
    return _TAIL_SHAPE.sub("[ ilms ", text.replace(BLOCK_HEAD, BLOCK_HEAD.strip()))


def blocks(text: str) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, number of the mark) of each block of ours in the text of a comment."""
    for match in _BLOCK.finditer(text):
        yield match.start(), match.end(), int(match[1])


@dataclass(frozen=True)
class Before:
    """What a marked cell was before."""

    fill: Element | None = None
    """Its fill, without a namespace; None for none."""
    applies_fill: str | None = None
    """The attribute `applyFill` of its format."""
    style: int | None = None
    """The number of its format; a hint only, since a program that saves the file numbers anew."""
    made: str = ""
    """`cell` or `row` where the sheet had none."""
    anchor: str | None = None
    """Where the box of its comment stood, if there was one."""


@dataclass(frozen=True)
class Mark:
    """A marked cell."""

    number: int
    sheet: str
    cell: str
    before: Before = field(default_factory=Before)

    def as_text(self) -> str:
        """Return the mark as one text."""
        root = etree.Element("mark", n=str(self.number), sheet=escaped(self.sheet), cell=self.cell)
        before = self.before
        for name, value in (
            ("applyFill", before.applies_fill),
            ("style", None if before.style is None else str(before.style)),
            ("made", before.made or None),
            ("anchor", before.anchor),
        ):
            if value is not None:
                root.set(name, value)
        if before.fill is not None:
            root.append(before.fill)
        return etree.tostring(root, encoding="unicode")


def parse_mark(text: str) -> Mark | None:
    """Return the mark that a text holds, None where it is none: people may write anywhere."""
    try:
        root = etree.fromstring(text, etree.XMLParser(resolve_entities=False, no_network=True))
        style, anchor = root.get("style"), root.get("anchor")
        before = Before(
            fill=next((child for child in root if local_name(child) == "fill"), None),
            applies_fill=root.get("applyFill"),
            style=None if style is None else int(style),
            made=root.get("made", ""),
            anchor=anchor if anchor and _CORNERS.fullmatch(anchor) else None,
        )
        return Mark(int(root.attrib["n"]), unescaped(root.get("sheet", "")), root.get("cell", ""), before)  # fmt: skip
    except (etree.XMLSyntaxError, KeyError, ValueError):
        return None


class Marks:
    """The marks that a workbook carries."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        self._by_number: dict[int, Mark] = {}
        self._by_place: dict[tuple[str, str], Mark] = {}
        for mark in marks:
            self._by_number[mark.number] = mark
            self._by_place[mark.sheet, mark.cell] = mark

    def find(self, number: int | None, sheet: str, cell: str) -> Mark | None:
        """Return the mark that a comment names; it moves with its cell. Else that of the place."""
        if number in self._by_number:
            return self._by_number[number]
        return self._by_place.get((sheet, cell))


def marks_of(grids: Iterable[Grid]) -> Marks:
    """Return the marks that the sheets of findings among some sheets remember."""
    found = [
        mark
        for grid in grids
        if is_findings_sheet(grid)
        for cell in grid
        if cell.text.startswith("<mark ") and (mark := parse_mark(unescaped(cell.text)))
    ]
    return Marks(found)
