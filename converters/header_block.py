"""Read the header block of a table's sheet: what holds for every figure of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from converters.field import Field, FieldKind
from converters.field_reader import FieldReader
from converters.grid import CellKind
from converters.label import Captions
from converters.sheet_scan import CONTACT, SheetScan

NUMBERED = re.compile(r"(.*?)\s*\((\d{1,3})\)", re.DOTALL)
"""`Note (1)`: a text with a number in brackets."""


class HeaderBlock:
    """The header block of one sheet."""

    def __init__(self, scan: SheetScan) -> None:
        self._scan = scan
        self.dimensions: dict[str, str] = {}
        """Codes of the dimensions that the sheet says once."""
        self.attributes: dict[str, str | list[str]] = {}
        self.origins: dict[str, str] = {}
        """The cell that says it, by component id."""
        self.notes: dict[int, str] = {}
        """Notes by their number; 0 is the one on all values."""
        self._missing: list[tuple[Field, tuple[int, int]]] = []
        self._seen: dict[str, tuple[int, int]] = {}
        """The position of the value of each line that is there, by its key."""
        self._fields = FieldReader(scan)
        words = scan.profile
        self._note_captions = Captions(words.texts["note"].values())
        # What the template itself writes between the lines.
        self._own_captions = Captions(
            (*words.sheets["cover"].values(), *words.texts["coverage_and_notes"].values())
        )

    def read(self, head: Iterable[int], foot: Iterable[int] = ()) -> str | None:
        """Read the lines above the figures and those under them; returns the id of the gap reason."""
        lines = [*((row, False) for row in head), *((row, True) for row in foot)]
        gap_reasons = [self._line(row, is_below) for row, is_below in lines]
        self._complete_fields()
        return next((reason for reason in gap_reasons if reason is not None), None)

    def _line(self, row: int, is_below: bool) -> str | None:
        caption = self._scan.text(row, 1)
        numbered = NUMBERED.fullmatch(caption)
        if numbered and numbered[1] in self._note_captions:
            self._read_note(row, int(numbered[2]))
            return None
        entry = self._field_captioned(caption)
        if entry is None:
            self._unknown_line(row, caption, is_below)
        elif not self.is_blank(entry):
            self._repeated(entry, row)
        else:
            self._seen[entry.key] = (row, self._scan.layout.label_columns + 1)
            if entry.kind is FieldKind.GAP:
                return next(iter(self._field_values(entry, row)), None)
            if entry.kind in (FieldKind.NOTES, FieldKind.NUMBERED_NOTE):
                self._read_note(row, 0)
            else:
                self._read_field(entry, row)
        return None

    def _repeated(self, entry: Field, row: int) -> None:
        """Report a second line of one caption, if it says anything."""
        column = self._scan.layout.label_columns + 1
        if self._scan.text(row, column) not in ("", *self._scan.unselected):
            self._scan.find(
                "duplicate-heading",
                f"the line {entry.caption} has its value in row {self._seen[entry.key][0]} already; "
                "this one was not read",
                row,
                column,
                entry.component.id if entry.component else None,
            )

    def _unknown_line(self, row: int, caption: str, is_below: bool) -> None:
        """Report a line that says nothing we know; its text stays out: it may be a person's."""
        title = next(iter(self._scan.grid)).row
        cells = [cell for cell in self._scan.grid.row(row) if cell.row != title]
        if caption in self._own_captions:
            # The template writes no figures there, but a person may.
            cells = [cell for cell in cells if cell.kind is CellKind.NUMBER]
        if not cells:
            return
        # Figures in a row that somebody added under the notes would be lost.
        figure = next((c for c in cells if is_below and c.kind is CellKind.NUMBER), None)
        self._scan.find(
            "text-outside-table" if figure is None else "value-outside-table",
            "the line has no caption of the header block and was not read; rows of figures are inserted "
            "within the table",
            row,
            (figure or cells[-1]).column,
        )

    def _field_captioned(self, caption: str) -> Field | None:
        """Return the line that a caption names; `Classification version: Age` names that of a dimension."""
        version, _, heading = caption.partition(": ")
        is_version = version in Captions(self._scan.profile.texts["version"].values())
        for entry in self._scan.layout.fields:
            text = heading if entry.kind is FieldKind.VERSION else caption
            if text in entry.captions and is_version is (entry.kind is FieldKind.VERSION):
                return entry
        return None

    def _read_field(self, entry: Field, row: int) -> None:
        if entry.kind is FieldKind.TABLE or entry.component is None:
            return
        found = self._field_values(entry, row)
        if not found:
            return
        self.origins[entry.component.id] = self._scan.grid.locator(*self._seen[entry.key])
        if entry.kind is FieldKind.VERSION:
            self._scan.versions[entry.component.id] = found[0]
        elif entry.kind is FieldKind.DIMENSION:
            self.dimensions[entry.component.id] = found[0]
        else:
            self.attributes[entry.component.id] = found if entry.is_multiple else found[0]

    def _field_values(self, entry: Field, row: int) -> list[str]:
        """Return the codes (or the text) that a line of the header block gives."""
        texts: list[tuple[int, str]] = []
        for cell in self._scan.grid.row(row):
            column = cell.column
            text = self._scan.label_text(cell) if column > 1 else None
            if text is None or text in self._scan.unselected:
                continue
            if texts and not entry.is_multiple:
                self._scan.find(
                    "text-outside-table",
                    "the line has its value already; this cell was not read",
                    row,
                    column,
                    value=text,
                )
                continue
            texts.append((column, text))
        return [
            value
            for column, text in texts
            for value in self._fields.values(entry, text, row, column)
        ]

    def _complete_fields(self) -> None:
        """Set what can only be one code, and report what is required and not given."""
        for entry in self._scan.layout.fields:
            component = entry.component
            if component is None or not entry.is_required:
                continue
            given = (
                self._scan.versions
                if entry.kind is FieldKind.VERSION
                else self.dimensions
                if entry.kind is FieldKind.DIMENSION
                else self.attributes
            )
            if component.id in given:
                continue
            position = self._seen.get(entry.key, (1, 1))
            if not self.is_blank(entry):
                # It says something that could not be read: a finding stands there already.
                continue
            if entry.default is not None:
                given[component.id] = entry.default
                continue
            self._missing.append((entry, position))

    def is_blank(self, entry: Field) -> bool:
        """Tell whether a line is not there or says nothing, not even what could not be read."""
        position = self._seen.get(entry.key)
        return position is None or self._scan.text(*position) in ("", *self._scan.unselected)

    def report_missing(self) -> None:
        """Report what a sheet with figures must say and does not; a blank sheet need not say anything."""
        for entry, position in self._missing:
            is_unit = entry.kind is FieldKind.ATTRIBUTE
            self._scan.find(
                "undeclared-unit" if is_unit else "missing-header-value",
                f"the sheet does not say: {entry.caption}; choose it in the header block",
                *position,
                entry.component.id if entry.component else None,
            )

    def is_complete(self) -> bool:
        """Tell whether every dimension that the sheet says once is said."""
        return all(
            entry.component is None or entry.component.id in self.dimensions
            for entry in self._scan.layout.fields
            if entry.kind is FieldKind.DIMENSION
        )

    def _read_note(self, row: int, number: int) -> None:
        """Keep a note; 0 is the one on all values. Who can be reached how is nobody else's business."""
        texts = [
            text
            for cell in self._scan.grid.row(row)
            if cell.column > 1 and (text := self._scan.label_text(cell)) is not None
        ]
        note = "\n".join(texts)
        if note and CONTACT.search(note):
            self._scan.contact(
                row, self._scan.layout.label_columns + 1, self._scan.profile.attributes.notes
            )
        elif note:
            self.notes[number] = note

    def is_line_below(self, caption: str) -> bool:
        """Tell whether a caption is that of a line under the figures."""
        numbered = NUMBERED.fullmatch(caption)
        if numbered and numbered[1] in self._note_captions:
            return True
        entry = self._field_captioned(caption)
        return entry is not None and entry.is_below

    def settle(self, entry: Field, values: list[str], locator: str) -> None:
        """Take over what another sheet says for a line that this one leaves blank."""
        self.attributes[entry.key] = values if entry.is_multiple else values[0]
        self.origins[entry.key] = locator

    def position(self, key: str) -> tuple[int, int]:
        """Return the row and column of the value of a line; those of the title where it is not there."""
        return self._seen.get(key, (1, 1))
