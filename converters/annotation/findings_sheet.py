"""The sheet that lists every finding, grouped by rule, with links to the cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from lxml import etree

from converters.annotation.mark import COLOURS, FINDINGS_MARKER, Mark, class_of
from converters.annotation.package import Element, new_root
from converters.annotation.place import parse_place, place_of
from converters.annotation.sheet import LAST_ROW
from converters.annotation.style import StyleSheet
from converters.annotation.text import escaped, shortened
from converters.annotation.wording import Advice, Wording
from converters.grid import cell_reference, column_letters
from dsd.finding import Finding, Severity

MOST_LINKS = 65_000
"""A spreadsheet program takes 65,530 links a sheet."""

_COLUMNS: tuple[tuple[str, int], ...] = (
    ("severity", 11), ("rule", 24), ("count", 11), ("table", 31), ("place", 12), ("cell", 8),
    ("value", 15), ("message", 56), ("mend", 44), ("suggestion", 18), ("waiver", 30), ("key", 30),
)  # fmt: skip
"""The columns, each with its width in characters."""
_HEADER_ROW = 5
"""Above it stand title, two lines of heading, and a guide."""
_CELL = [name for name, _ in _COLUMNS].index("cell") + 1
_MARKS = len(_COLUMNS) + 1
_LINE_POINTS = 13.5
_MOST_POINTS = 405.0
_WRAPPED = frozenset(("value", "message", "mend", "suggestion", "waiver", "key"))
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_TAB_COLOUR = "FF1B4F72"
_WORST_FIRST = {severity: place for place, severity in enumerate(Severity)}

_TITLE = (
    '<font><b/><sz val="14"/><color rgb="FF1B4F72"/><name val="Calibri"/><family val="2"/></font>'
)
_BOLD = (
    '<font><b/><sz val="10"/><color rgb="FF1F2A37"/><name val="Calibri"/><family val="2"/></font>'
)
_NORMAL = '<font><sz val="10"/><color rgb="FF1F2A37"/><name val="Calibri"/><family val="2"/></font>'
_LINK = (
    '<font><u/><sz val="10"/><color rgb="FF1155AA"/><name val="Calibri"/><family val="2"/></font>'
)
_HEADING_COLOUR = "FFDCE6EF"


@dataclass(frozen=True)
class Listing:
    """What the sheet of findings says."""

    findings: Sequence[Finding]
    advice: Mapping[str, Advice]
    marks: Sequence[Mark]
    heading: tuple[str, str]
    """What came of the workbook, and when it was checked."""
    sheets: frozenset[str]
    """The sheets of the workbook, to which links lead."""


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by rule, worst first; those of one rule keep their order."""
    return sorted(findings, key=lambda finding: (_WORST_FIRST[finding.severity], finding.rule))


def findings_sheet(
    namespace: str, styles: StyleSheet, listing: Listing, wording: Wording
) -> Element:
    """Return the XML of the sheet."""
    return _FindingsSheet(namespace, styles, listing, wording).build()


class _FindingsSheet:
    def __init__(
        self, namespace: str, styles: StyleSheet, listing: Listing, wording: Wording
    ) -> None:
        self._namespace = namespace
        self._listing = listing
        self._wording = wording
        self._root = new_root(namespace, "worksheet")
        self._links: list[tuple[str, str]] = []
        self._title = styles.style(font=_TITLE)
        self._plain = styles.style(font=_NORMAL)
        self._bold = styles.style(font=_BOLD, colour=_HEADING_COLOUR, wraps=True)
        self._wrapped = styles.style(font=_NORMAL, wraps=True)
        self._link = styles.style(font=_LINK)
        self._coloured = {
            name: styles.style(font=_BOLD, colour=colour) for name, colour in COLOURS.items()
        }

    def _tag(self, name: str) -> str:
        return f"{{{self._namespace}}}{name}"

    def _add(self, parent: Element, name: str, **attributes: str) -> Element:
        return etree.SubElement(parent, self._tag(name), attributes)

    def build(self) -> Element:
        findings = in_order(self._listing.findings)
        # One row less than there is room for says how many there are more.
        shown = findings[: LAST_ROW - _HEADER_ROW - 1]
        last = _HEADER_ROW + max(len(shown), 1)
        area = f"A{_HEADER_ROW}:{column_letters(len(_COLUMNS))}{last}"
        self._properties()
        self._add(self._root, "dimension", ref=f"A1:{column_letters(_MARKS)}{last}")
        self._view()
        self._add(self._root, "sheetFormatPr", defaultRowHeight="15")
        self._widths()
        data = self._add(self._root, "sheetData")
        for number, cells in enumerate(self._rows(shown, len(findings)), 1):
            self._row(data, number, cells)
        self._add(self._root, "autoFilter", ref=area)
        if self._links:
            links = self._add(self._root, "hyperlinks")
            for reference, location in self._links[:MOST_LINKS]:
                self._add(links, "hyperlink", ref=reference, location=escaped(location))
        self._add(self._root, "pageMargins", left="0.5", right="0.5", top="0.6", bottom="0.6", header="0.3", footer="0.3")  # fmt: skip
        self._add(self._root, "pageSetup", orientation="landscape", fitToHeight="0")
        return self._root

    def _properties(self) -> None:
        properties = self._add(self._root, "sheetPr")
        self._add(properties, "tabColor", rgb=_TAB_COLOUR)
        self._add(properties, "pageSetUpPr", fitToPage="1")

    def _view(self) -> None:
        view = self._add(
            self._add(self._root, "sheetViews"), "sheetView", showGridLines="0", workbookViewId="0"
        )
        top = f"A{_HEADER_ROW + 1}"
        self._add(view, "pane", ySplit=str(_HEADER_ROW), topLeftCell=top, activePane="bottomLeft", state="frozen")  # fmt: skip
        self._add(view, "selection", pane="bottomLeft", activeCell=top, sqref=top)

    def _widths(self) -> None:
        columns = self._add(self._root, "cols")
        for number, (_, width) in enumerate(_COLUMNS, 1):
            self._add(columns, "col", min=str(number), max=str(number), width=str(width), customWidth="1")  # fmt: skip
        self._add(columns, "col", min=str(_MARKS), max=str(_MARKS), width="9", hidden="1")

    # -- content -------------------------------------------------------------------------------------

    def _rows(self, shown: list[Finding], count: int) -> Iterator[dict[int, tuple[object, int]]]:
        """Yield the cells of each row by column: value and format."""
        texts = self._wording.texts
        marks: Iterator[str] = chain((FINDINGS_MARKER,), (m.as_text() for m in self._listing.marks))
        heading = (texts["title"], *self._listing.heading, texts["guide"])
        lines: list[dict[int, tuple[object, int]]] = [
            {1: (text, self._plain if number else self._title)}
            for number, text in enumerate(heading)
        ]
        names = [texts[name] for name, _ in _COLUMNS]
        lines.append({number: (name, self._bold) for number, name in enumerate(names, 1)})
        for line in chain(lines, self._finding_rows(shown, count)):
            mark = next(marks, None)
            yield line if mark is None else {**line, _MARKS: (mark, self._plain)}
        for mark in marks:
            yield {_MARKS: (mark, self._plain)}

    def _finding_rows(
        self, shown: list[Finding], count: int
    ) -> Iterator[dict[int, tuple[object, int]]]:
        counts = Counter(finding.rule for finding in self._listing.findings)
        row = _HEADER_ROW
        for row, finding in enumerate(shown, _HEADER_ROW + 1):
            yield self._finding(finding, counts[finding.rule], row)
        if not shown:
            yield {1: (self._wording.texts["none"], self._plain)}
        elif count > len(shown):
            yield {1: (f"+ {count - len(shown)}", self._plain)}

    def _finding(self, finding: Finding, count: int, row: int) -> dict[int, tuple[object, int]]:
        sheet, cell = place_of(finding)
        advice = self._listing.advice.get(finding.rule)
        name = class_of(finding)
        is_linked = sheet in self._listing.sheets and parse_place(cell) is not None
        values: dict[str, tuple[object, int]] = {
            "severity": (self._wording.severities[name], self._coloured[name]),
            "rule": (finding.rule, self._plain),
            "count": (count, self._plain),
            "table": (finding.dataflow, self._plain),
            "place": (sheet, self._plain),
            "cell": (cell, self._link if is_linked else self._plain),
            "value": (finding.value, self._wrapped),
            "message": (finding.message, self._wrapped),
            "mend": (advice.mend if advice else None, self._wrapped),
            "suggestion": (finding.suggestion, self._wrapped),
            "waiver": (finding.waiver, self._wrapped),
            "key": (" ".join(finding.key.values()), self._wrapped),
        }
        if is_linked:
            quoted = sheet.replace("'", "''")
            self._links.append((cell_reference(row, _CELL), f"'{quoted}'!{cell}"))
        return {number: values[key] for number, (key, _) in enumerate(_COLUMNS, 1)}

    def _row(self, data: Element, number: int, cells: Mapping[int, tuple[object, int]]) -> None:
        row = self._add(data, "row", r=str(number))
        if number > _HEADER_ROW:
            # Some programs do not fit rows to wrapped text when they open a file.
            points = _LINE_POINTS * max(_lines(cells), 1)
            row.set("ht", f"{min(points, _MOST_POINTS):g}")
            row.set("customHeight", "1")
        for column, (value, style) in sorted(cells.items()):
            cell = self._add(row, "c", r=cell_reference(number, column), s=str(style))
            if isinstance(value, int):
                self._add(cell, "v").text = str(value)
            elif value:
                cell.set("t", "inlineStr")
                text = self._add(self._add(cell, "is"), "t")
                text.set(_SPACE, "preserve")
                text.text = escaped(shortened(str(value), 32_000))


def _lines(cells: Mapping[int, tuple[object, int]]) -> int:
    """Return how many lines the fullest cell of a row takes."""
    return max(
        (
            sum(1 + len(line) // (width - 2) for line in str(value).split("\n"))
            for number, (name, width) in enumerate(_COLUMNS, 1)
            if name in _WRAPPED and (value := cells.get(number, (None, 0))[0])
        ),
        default=1,
    )
