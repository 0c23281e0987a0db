"""The boxes in which comments are shown: shapes of the legacy drawing of a sheet.

ECMA-376 Part 4, 19 (VML). Programs write markup into these parts that is no XML (an open `<br>` in the text
of a form control), so shapes are cut out and put in as text, and all else stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass

from converters.annotation.sheet import LAST_COLUMN, LAST_ROW, PIXELS_PER_POINT, Sheet

_SHAPE = re.compile(r"<((?:\w+:)?)shape\b(?:[^>]*/>|.*?</\1shape>)", re.DOTALL)
_NOTE = re.compile(r"ObjectType\s*=\s*[\"']Note[\"']")
_ROW = re.compile(r"<(?:\w+:)?Row>\s*(\d+)\s*</")
_COLUMN = re.compile(r"<(?:\w+:)?Column>\s*(\d+)\s*</")
_ANCHOR = re.compile(r"(<(?:\w+:)?Anchor>)([^<]*)(</)")
_SHAPE_NUMBER = re.compile(r"_x0000_s(\d+)")
_BLOCKS = re.compile(r"(<(?:\w+:)?idmap\b[^>]*?\bdata\s*=\s*[\"'])([\d,\s]*)([\"'])")
_END = re.compile(r"</(?:\w+:)?xml>\s*\Z")
_SHAPES_IN_BLOCK = 1024
_PREFIXES = {
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
    "x": "urn:schemas-microsoft-com:office:excel",
}

_EMPTY = (
    '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit">'
    '<o:idmap v:ext="edit" data="{block}"/></o:shapelayout></xml>'
)
_TYPE = (
    '<v:shapetype{names} id="_x0000_t202" coordsize="21600,21600" o:spt="202" '
    'path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>'
    '<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_BOX = (
    '<v:shape{names} id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;'
    'width:{width:g}pt;height:{height:g}pt;z-index:1;visibility:hidden" fillcolor="#ffffe1" '
    'o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/>'
    '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto">'
    '<div style="text-align:left"></div></v:textbox><x:ClientData ObjectType="Note">'
    "<x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor><x:AutoFill>False</x:AutoFill>"
    "<x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
)

_NARROW, _WIDE = 330, 520
_TALL = 420
_LINE_PIXELS = 16
_CHARACTER_PIXELS = 6.2
_MARGIN = 15


class DrawingError(ValueError):
    """A drawing to which no box can be added."""


@dataclass(frozen=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int


def size_of(text: str) -> Size:
    """Return the size of a box in which a text can be read, up to what fits a screen."""
    narrow = _height(text, _NARROW)
    if narrow <= _TALL:
        return Size(_NARROW, narrow)
    return Size(_WIDE, min(_height(text, _WIDE), 2 * _TALL))


def _height(text: str, width: int) -> int:
    in_line = int((width - 2 * _MARGIN) / _CHARACTER_PIXELS)
    lines = sum(1 + len(line) // in_line for line in text.split("\n"))
    return (lines + 1) * _LINE_PIXELS


def anchor_of(sheet: Sheet, row: int, column: int, size: Size) -> str:
    """Return where a box beside a cell stands: column, offset, row, offset of two corners.

    ECMA-376 Part 4, 19.4 (Anchor): counted from 0, offsets in pixels.
    """
    left = min(column + 1, LAST_COLUMN)
    top = max(row - 1, 1)
    right, right_offset = _far_end(left, _MARGIN + size.width, sheet.column_pixels, LAST_COLUMN)
    bottom, bottom_offset = _far_end(top, 2 + size.height, sheet.row_pixels, LAST_ROW)
    corners = (left - 1, _MARGIN, top - 1, 2, right - 1, right_offset, bottom - 1, bottom_offset)
    return ", ".join(str(number) for number in corners)


def _far_end(start: int, pixels: int, size: Callable[[int], int], last: int) -> tuple[int, int]:
    """Return the row or column in which so many pixels from a start end, and how many reach into it."""
    place = start
    while place < last and pixels > size(place):
        pixels -= size(place)
        place += 1
    return place, min(pixels, max(size(place), 1))


class Boxes:
    """A legacy drawing while boxes of comments are put in and taken out."""

    def __init__(self, text: str) -> None:
        if _END.search(text) is None:
            raise DrawingError("damaged: the drawing has no end")
        self._text = text

    @classmethod
    def empty(cls, block: int) -> Boxes:
        """Return a drawing without shapes, whose shapes are numbered in a block of their own."""
        return cls(_EMPTY.format(block=block))

    def __str__(self) -> str:
        """Return the part."""
        return self._text

    @property
    def has_shapes(self) -> bool:
        """True where there is any shape, of a comment or of a control."""
        return _SHAPE.search(self._text) is not None

    def _notes(self) -> Iterator[tuple[int, int, re.Match[str]]]:
        for shape in _SHAPE.finditer(self._text):
            row, column = _ROW.search(shape[0]), _COLUMN.search(shape[0])
            if _NOTE.search(shape[0]) and row and column:
                yield int(row[1]) + 1, int(column[1]) + 1, shape

    def remove(self, cells: Container[tuple[int, int]]) -> None:
        """Take the boxes of cells, given by (row, column), out."""
        for row, column, shape in reversed(list(self._notes())):
            if (row, column) in cells:
                self._text = self._text[: shape.start()] + self._text[shape.end() :]

    def anchors(self) -> dict[tuple[int, int], str]:
        """Return where the box of each cell, by (row, column), stands."""
        return {
            (row, column): found[2]
            for row, column, shape in self._notes()
            if (found := _ANCHOR.search(shape[0]))
        }

    def move(self, anchors: Mapping[tuple[int, int], str]) -> None:
        """Let the boxes of cells, given by (row, column), stand elsewhere."""
        for row, column, shape in reversed(list(self._notes())):
            anchor = anchors.get((row, column))
            if anchor is not None:
                moved = _ANCHOR.sub(rf"\g<1>{anchor}\g<3>", shape[0], count=1)
                self._text = self._text[: shape.start()] + moved + self._text[shape.end() :]

    def add(self, boxes: list[tuple[int, int, str, Size]], other_blocks: set[int]) -> None:
        """Put boxes in: (row, column, anchor, size) each.

        Args:
            boxes: of cells without one.
            other_blocks: blocks of shape numbers that other drawings of the workbook use.
        """
        head = self._text[: self._text.find(">", self._text.find("xmlns")) + 1]
        names = "".join(
            f' xmlns:{prefix}="{address}"'
            for prefix, address in _PREFIXES.items()
            if f'xmlns:{prefix}="{address}"' not in head
        )
        shapes = [] if 'id="_x0000_t202"' in self._text else [_TYPE.format(names=names)]
        numbers = self._free_numbers(len(boxes), other_blocks)
        for number, (row, column, anchor, size) in zip(numbers, boxes, strict=True):
            shapes.append(
                _BOX.format(
                    names=names,
                    number=number,
                    width=size.width / PIXELS_PER_POINT,
                    height=size.height / PIXELS_PER_POINT,
                    anchor=anchor,
                    row=row - 1,
                    column=column - 1,
                )
            )
        end = _END.search(self._text)
        place = end.start() if end else len(self._text)
        self._text = self._text[:place] + "".join(shapes) + self._text[place:]

    def _free_numbers(self, count: int, other_blocks: set[int]) -> list[int]:
        """Return numbers that no shape has, from the blocks of this drawing and, if need be, new ones."""
        blocks = sorted(blocks_of(self._text))
        taken = {int(number) for number in _SHAPE_NUMBER.findall(self._text)}
        free: list[int] = []
        position = 0
        while len(free) < count:
            if position == len(blocks):
                blocks.append(1 + max((*blocks, *other_blocks), default=0))
            first = blocks[position] * _SHAPES_IN_BLOCK + 1
            block = range(first, first + _SHAPES_IN_BLOCK - 1)
            free += [number for number in block if number not in taken][: count - len(free)]
            position += 1
        listed = ",".join(str(block) for block in blocks)
        if set(blocks) != blocks_of(self._text):
            self._text = _BLOCKS.sub(lambda match: match[1] + listed + match[3], self._text, 1)
        return free


def blocks_of(text: str) -> set[int]:
    """Return the blocks of shape numbers that a drawing uses (idmap)."""
    found = _BLOCKS.search(text)
    return {int(word) for word in re.findall(r"\d+", found[2])} if found else set()
