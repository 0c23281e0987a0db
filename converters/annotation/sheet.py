"""The XML of one sheet: its cells, the size of its rows and columns, and where a new element belongs.

ECMA-376 Part 1, 18.3.1.99 (worksheet).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from lxml import etree

from converters.annotation.package import Element, local_name, namespace_of
from converters.grid import cell_reference, parse_area, parse_reference

TRANSITIONAL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_STRICT_SHEET = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_IGNORED = "http://schemas.openxmlformats.org/markup-compatibility/2006"

_BEFORE_LEGACY_DRAWING = frozenset((
    "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr",
    "sheetProtection", "protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate",
    "customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting", "dataValidations",
    "hyperlinks", "printOptions", "pageMargins", "pageSetup", "headerFooter", "rowBreaks",
    "colBreaks", "customProperties", "cellWatches", "ignoredErrors", "smartTags", "drawing",
))  # fmt: skip
"""What comes before `legacyDrawing` in CT_Worksheet."""

LAST_ROW = 1_048_576
LAST_COLUMN = 16_384

DEFAULT_ROW_POINTS = 15.0
DEFAULT_COLUMN_CHARACTERS = 8.43
PIXELS_PER_POINT = 4 / 3
_DIGIT_PIXELS = 7
_PADDING_PIXELS = 5


def relation_namespace(root: Element) -> str:
    """Return the namespace of relation ids, and the start of relation types, in the form of a part."""
    return STRICT if namespace_of(root).startswith("http://purl.oclc.org/") else TRANSITIONAL


class Sheet:
    """A sheet while its cells are marked."""

    def __init__(self, root: Element) -> None:
        self.root = root
        self._namespace = namespace_of(root)
        self._rows: dict[int, Element] = {}
        number = 0
        for row in self._children("sheetData", "row"):
            # Rows may leave out where they are: they then follow the one before.
            number = int(row.get("r") or number + 1)
            self._rows[number] = row
        self._numbers = sorted(self._rows)
        self._columns = [
            (int(entry.get("min", "1")), int(entry.get("max", "1")), entry)
            for entry in self._children("cols", "col")
        ]
        self._widths: dict[int, int] = {}
        self._form = root.find("{*}sheetFormatPr")
        self._made: set[int] = set()

    def _children(self, group: str, name: str) -> Iterator[Element]:
        return self.root.iterfind(f"{{*}}{group}/{{*}}{name}")

    def _tag(self, name: str) -> str:
        return f"{{{self._namespace}}}{name}"

    # -- cells ---------------------------------------------------------------------------------------

    def cells(self) -> Iterator[tuple[int, int, Element]]:
        """Iterate over (row, column, element) of the cells that the XML has."""
        for number, row in self._rows.items():
            for column, cell in _cells_of(row):
                yield number, column, cell

    def cell(self, row: int, column: int) -> tuple[Element, str]:
        """Return a cell, made where there is none, and what had to be made: nothing, `cell` or `row`."""
        line = self._rows.get(row)
        made = "row" if line is None else ""
        if line is None:
            line = self._make_row(row)
        after = None
        for number, cell in _cells_of(line):
            if number == column:
                return cell, made
            if number > column:
                after = cell
                break
        cell = etree.Element(self._tag("c"), r=cell_reference(row, column))
        style = self._style_of_blank(line, column)
        if style:
            cell.set("s", style)
        if after is None:
            line.append(cell)
            _keep_extension_last(line)
        else:
            after.addprevious(cell)
        _widen_spans(line, column)
        self._widen_dimension(row, column)
        return cell, made or "cell"

    def _make_row(self, row: int) -> Element:
        line = etree.Element(self._tag("row"), r=str(row))
        place = bisect_left(self._numbers, row)
        if place < len(self._numbers):
            self._rows[self._numbers[place]].addprevious(line)
        else:
            data = next((child for child in self.root if local_name(child) == "sheetData"), None)
            if data is None:
                raise ValueError("a sheet without sheetData")
            data.append(line)
        self._numbers.insert(place, row)
        self._rows[row] = line
        return line

    def _style_of_blank(self, line: Element, column: int) -> str | None:
        """Return the format that shows where there is no cell: that of the row, else of the column."""
        if line.get("customFormat") in ("1", "true"):
            return line.get("s")
        entry = self._column(column)
        return None if entry is None else entry.get("style")

    def _column(self, column: int) -> Element | None:
        """Return what is said of a column."""
        return next((entry for min, max, entry in self._columns if min <= column <= max), None)

    def _widen_dimension(self, row: int, column: int) -> None:
        entry = self.root.find("{*}dimension")
        if entry is None or not entry.get("ref"):
            return
        area = parse_area(entry.get("ref", "").replace("$", ""))
        if (row, column) not in area:
            first = cell_reference(min(area.first_row, row), min(area.first_column, column))
            last = cell_reference(max(area.last_row, row), max(area.last_column, column))
            entry.set("ref", f"{first}:{last}")

    def unmake(self, row: int, cell: Element, made: str) -> None:
        """Remove a cell that was made to be marked, where nothing has been written into it since."""
        line = self._rows[row]
        following = cell.getnext()
        is_needed = len(cell) or (following is not None and following.get("r") is None)
        if not made or is_needed:
            return
        line.remove(cell)
        if made == "row":
            self._made.add(row)
        if row in self._made and not len(line) and set(line.attrib) <= {"r", "spans"}:
            parent = line.getparent()
            if parent is not None:
                parent.remove(line)
            del self._rows[row]
            self._numbers.remove(row)

    # -- the drawing of comments -----------------------------------------------------------------------

    @property
    def _relation_id(self) -> str:
        return f"{{{relation_namespace(self.root)}}}id"

    @property
    def legacy_drawing(self) -> str | None:
        """The relation id of the drawing with the boxes of comments, None where there is none."""
        entry = self.root.find("{*}legacyDrawing")
        return None if entry is None else entry.get(self._relation_id)

    def set_legacy_drawing(self, relation: str | None) -> None:
        """Name the drawing with the boxes of comments in its place, or none."""
        old = self.root.find("{*}legacyDrawing")
        if old is not None:
            self.root.remove(old)
        if relation is None:
            return
        entry = etree.Element(
            self._tag("legacyDrawing"),
            {self._relation_id: relation},
            nsmap={"r": relation_namespace(self.root)},
        )
        place = 0
        for number, child in enumerate(self.root, 1):
            if _plain_name(child) in _BEFORE_LEGACY_DRAWING:
                place = number
        self.root.insert(place, entry)

    # -- sizes ---------------------------------------------------------------------------------------

    def column_pixels(self, column: int) -> int:
        """Return the width of a column."""
        if column not in self._widths:
            self._widths[column] = self._measured(column)
        return self._widths[column]

    def _measured(self, column: int) -> int:
        entry = self._column(column)
        if entry is not None and entry.get("hidden") in ("1", "true"):
            return 0
        width = None if entry is None else entry.get("width")
        if width is None and self._form is not None:
            width = self._form.get("defaultColWidth")
        if width is not None:
            return round(float(width) * _DIGIT_PIXELS)
        return round(DEFAULT_COLUMN_CHARACTERS * _DIGIT_PIXELS) + _PADDING_PIXELS

    def row_pixels(self, row: int) -> int:
        """Return the height of a row."""
        line, form = self._rows.get(row), self._form
        points = None
        if line is not None:
            if line.get("hidden") in ("1", "true"):
                return 0
            points = line.get("ht")
        elif form is not None and form.get("zeroHeight") in ("1", "true"):
            return 0
        if points is None and form is not None:
            points = form.get("defaultRowHeight")
        return round(float(points or DEFAULT_ROW_POINTS) * PIXELS_PER_POINT)


def _cells_of(row: Element) -> Iterator[tuple[int, Element]]:
    column = 0
    for cell in row.iterfind("{*}c"):
        reference = cell.get("r")
        column = parse_reference(reference)[1] if reference else column + 1
        yield column, cell


def _keep_extension_last(row: Element) -> None:
    extension = row.find("{*}extLst")
    if extension is not None:
        row.append(extension)


def _widen_spans(row: Element, column: int) -> None:
    """Keep the hint of which columns a row uses true."""
    spans = row.get("spans")
    if spans is None:
        return
    first, _, last = spans.split(" ")[0].partition(":")
    if " " in spans or not (first.isdecimal() and last.isdecimal()):
        del row.attrib["spans"]
    elif not int(first) <= column <= int(last):
        row.set("spans", f"{min(int(first), column)}:{max(int(last), column)}")


def _plain_name(element: Element) -> str:
    """Return the name of an element; of alternatives (Part 3, 7.5), that of the first one's content."""
    if local_name(element) == "AlternateContent" and namespace_of(element) == _IGNORED:
        inner = next((entry for choice in element for entry in choice), None)
        return "" if inner is None else local_name(inner)
    return local_name(element)
