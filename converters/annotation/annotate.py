"""Write findings into the workbook in which they were found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lxml import etree

from converters.annotation.book import AnnotationError, Book, SheetEntry
from converters.annotation.findings_sheet import (
    Listing,
    findings_sheet,
    in_order,
)
from converters.annotation.mark import (
    BLOCK_HEAD,
    COLOURS,
    Before,
    Mark,
    block_tail,
    class_of,
    harmless,
    is_findings_sheet,
    marks_of,
)
from converters.annotation.note import Run
from converters.annotation.package import UNREADABLE, Element, Package, set_attribute, write_xml
from converters.annotation.place import Place, parse_place, place_of
from converters.annotation.sheet import Sheet
from converters.annotation.sheet_notes import Note, SheetNotes
from converters.annotation.style import StyleSheet
from converters.annotation.text import shortened
from converters.annotation.wording import Advice, Wording, load_wording
from converters.grid import Grid, cell_reference
from converters.workbook import read_workbook
from dsd.finding import Finding

SHOWN = 8
"""Findings that the comment of one cell tells; the sheet of findings has all."""
_LONGEST_MESSAGE = 800


@dataclass(frozen=True)
class Annotation:
    """An annotated workbook, and what was done to it."""

    data: bytes
    cells: int
    """Cells that are coloured and commented."""
    elsewhere: int
    """Findings that name no cell of a sheet; the sheet of findings has them with the others."""
    sheet: str
    """The name of the sheet of findings."""
    unknown_before: tuple[str, ...] = ()
    """Cells whose mark is gone, where no record tells the fill before it: they have none."""


def annotate_workbook(
    data: bytes,
    findings: Sequence[Finding],
    *,
    advice: Mapping[str, Advice] | None = None,
    heading: str = "",
    language: str = "en",
    at: datetime | None = None,
) -> Annotation:
    """Return a workbook with the cells of findings coloured and commented, and a sheet of all findings.

    What an earlier annotation wrote is renewed: cells without a finding look as they did before.

    Args:
        data: an .xlsx or .xlsm file.
        findings: what was found in it.
        advice: title and how to mend, by rule.
        heading: line above the list of findings: what came of the workbook.
        language: of the words around the findings.
        at: when the file was checked.

    Raises:
        WorkbookError: it is no workbook that can be read.
        AnnotationError: a mark would do it harm.
        UnknownLanguageError: there are no words in the language.
    """
    wording = load_wording(language)
    grids = read_workbook(data).sheets
    try:
        annotator = _Annotator(data, grids, wording, dict(advice or {}), at or datetime.now(UTC))
        return annotator.annotate(findings, heading)
    except AnnotationError:
        raise
    except (etree.XMLSyntaxError, ValueError, KeyError, *UNREADABLE) as error:
        # Numbers, references and parts that the sheets' values do not need, and marks or the copy do.
        raise AnnotationError(f"the workbook is damaged: {error}") from error


class _Annotator:
    """Annotates one workbook; lives for one call."""

    def __init__(
        self,
        data: bytes,
        grids: Sequence[Grid],
        wording: Wording,
        advice: dict[str, Advice],
        at: datetime,
    ) -> None:
        self._package = Package(data)
        self._book = Book(self._package)
        self._styles = StyleSheet(self._package, self._book.styles_part())
        self._grids = {grid.name: grid for grid in grids}
        self._earlier = marks_of(grids)
        self._wording = wording
        self._advice = advice
        self._at = at
        self._marks: list[Mark] = []
        self._unknown: list[str] = []
        ours = [e for e in self._book.sheets if is_findings_sheet(self._grids[e.name])]
        self._findings_sheet = ours[0] if ours else None
        self._sheets = [entry for entry in self._book.sheets if entry not in ours]

    def annotate(self, findings: Sequence[Finding], heading: str) -> Annotation:
        entry = self._findings_sheet or self._book.add_sheet(self._wording.texts["sheet"])
        marked_before = self._styles.marked_styles()
        places, elsewhere = self._places(findings)
        for sheet in self._sheets:
            self._annotate_sheet(sheet, places.get(sheet.name, {}), marked_before, entry.name)
        self._list(entry, findings, heading)
        return Annotation(
            self._package.save(),
            cells=len(self._marks),
            elsewhere=elsewhere,
            sheet=entry.name,
            unknown_before=tuple(self._unknown),
        )

    def _places(
        self, findings: Sequence[Finding]
    ) -> tuple[dict[str, dict[Place, list[Finding]]], int]:
        """Return the findings by sheet and shown cell, and how many name no cell."""
        known = {entry.name for entry in self._sheets}
        places: dict[str, dict[Place, list[Finding]]] = {}
        elsewhere = 0
        for finding in in_order(findings):
            name, cell = place_of(finding)
            place = parse_place(cell) if name in known else None
            if place is None:
                elsewhere += 1
                continue
            shown = _shown_cell(self._grids[name], place)
            places.setdefault(name, {}).setdefault(shown, []).append(finding)
        return places, elsewhere

    # -- one sheet -----------------------------------------------------------------------------------

    def _annotate_sheet(
        self,
        entry: SheetEntry,
        places: Mapping[Place, list[Finding]],
        marked_before: frozenset[int],
        list_name: str,
    ) -> None:
        if not places and not marked_before and not self._package.related(entry.part, "comments"):
            return
        sheet = Sheet(self._package.root(entry.part))
        notes = SheetNotes(self._book, entry.part, sheet)
        was_marked = self._strip(entry.name, sheet, notes, marked_before)
        stand = notes.anchors()
        texts = []
        for row, column in sorted(places):
            reference = cell_reference(row, column)
            found = places[row, column]
            element, made = sheet.cell(row, column)
            mark = self._mark(entry.name, reference, element, made, stand.get(reference), found)
            texts.append(Note(reference, self._runs(found, mark, list_name)))
        notes.add(texts, self._at)
        if was_marked and not texts:
            notes.remove_if_empty()
        if was_marked or texts:
            self._package.edit(entry.part)

    def _strip(
        self, name: str, sheet: Sheet, notes: SheetNotes, marked_before: frozenset[int]
    ) -> bool:
        """Take the marks of an earlier annotation off a sheet; return whether there were any."""
        numbers = notes.numbers()
        known: dict[str, Mark] = {}
        for cell_name in numbers:
            self._know(known, numbers, name, cell_name)
        restored = False
        for row, column, cell in list(sheet.cells()):
            if int(cell.get("s", "0")) not in marked_before:
                continue
            reference = cell_reference(row, column)
            # A program may colour all cells of a merged area like its first.
            shown = cell_reference(*_shown_cell(self._grids[name], (row, column)))
            mark = self._know(known, numbers, name, reference)
            before = mark or self._know(known, numbers, name, shown)
            if before is None and reference not in numbers:
                # The provider's own fill: it only happens to be the colour of a mark.
                continue
            if before is None:
                self._unknown.append(f"{name}!{reference}")
            restored = True
            _restore(self._styles, cell, before.before if before else None)
            if mark is not None:
                sheet.unmake(row, cell, mark.before.made)
        notes.strip(known)
        return restored or bool(numbers)

    def _know(
        self, known: dict[str, Mark], numbers: Mapping[str, int], name: str, cell: str
    ) -> Mark | None:
        mark = self._earlier.find(numbers.get(cell), name, cell)
        if mark is not None:
            known[cell] = mark
        return mark

    def _mark(
        self,
        name: str,
        reference: str,
        cell: Element,
        made: str,
        anchor: str | None,
        findings: Sequence[Finding],
    ) -> Mark:
        """Colour a cell and remember what it was."""
        style = int(cell.get("s", "0"))
        before = replace(self._styles.before(style), made=made, anchor=anchor)
        mark = Mark(len(self._marks) + 1, name, reference, before)
        self._marks.append(mark)
        classes = {class_of(finding) for finding in findings}
        worst = next(colour for name, colour in COLOURS.items() if name in classes)
        cell.set("s", str(self._styles.marked(style, worst)))
        return mark

    # -- words ---------------------------------------------------------------------------------------

    def _runs(self, findings: Sequence[Finding], mark: Mark, list_name: str) -> list[Run]:
        """Return the text of a comment."""
        texts = self._wording.texts
        noun = texts["finding"] if len(findings) == 1 else texts["findings"]
        runs = [Run(f"{BLOCK_HEAD}{len(findings)} {noun}\n", is_bold=True)]
        for finding in findings[:SHOWN]:
            runs += self._told(finding, mark.cell)
        hidden = len(findings) - SHOWN
        if hidden > 0:
            runs.append(Run(f"\n+ {hidden}. {texts['more']} {harmless(list_name)}\n"))
        runs.append(Run("\n" + block_tail(mark.number)))
        return runs

    def _told(self, finding: Finding, cell: str) -> Iterator[Run]:
        texts = self._wording.texts
        name = class_of(finding)
        severity = self._wording.severities[name].upper()
        own_cell = place_of(finding)[1]
        at = f" ({own_cell})" if own_cell != cell else ""
        yield Run(f"\n{severity} {finding.rule}{at}\n", is_bold=True)
        lines = [finding.message]
        if finding.suggestion is not None:
            lines.append(f"{texts['suggestion']}: {finding.suggestion}")
        if (advice := self._advice.get(finding.rule)) is not None:
            lines.append(f"{texts['mend']}: {advice.mend}")
        if finding.waiver is not None:
            lines.append(f"{texts['waiver']}: {finding.waiver}")
        yield Run("".join(f"{shortened(harmless(line), _LONGEST_MESSAGE)}\n" for line in lines))

    def _list(self, entry: SheetEntry, findings: Sequence[Finding], heading: str) -> None:
        """Write the sheet of findings."""
        checked = f"{self._wording.texts['checked']} {self._at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        listing = Listing(
            findings=findings,
            advice=self._advice,
            marks=self._marks,
            heading=(heading, checked),
            sheets=frozenset(sheet.name for sheet in self._sheets),
        )
        root = findings_sheet(self._book.namespace, self._styles, listing, self._wording)
        self._book.forget_relations(entry)
        filtered = root.find("{*}autoFilter")
        if filtered is not None:
            self._book.name_filter(entry, filtered.get("ref", ""))
        self._package.write(entry.part, write_xml(root))


def _restore(styles: StyleSheet, cell: Element, before: Before | None) -> None:
    style = styles.restored(int(cell.get("s", "0")), before)
    # A cell without a format of its own has the first one.
    set_attribute(cell, "s", str(style) if style else None)


def _shown_cell(grid: Grid, place: Place) -> Place:
    """Return the cell that is shown at a place: of a merged area, its first."""
    for area in grid.merged:
        if place in area:
            return area.first_row, area.first_column
    return place
