"""Read the header block of a table's sheet: what holds for every figure of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from converters.label import Captions, LabelIndex
from converters.layout import Field, FieldKind
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
        self.notes: dict[int, str] = {}
        """Notes by their number; 0 is the one on all values."""
        self._missing: list[tuple[Field, tuple[int, int]]] = []

    def read(self, end: int) -> str | None:
        """Read the lines above a row; returns the id of the gap reason."""
        seen: dict[str, tuple[int, int]] = {}
        gap_reason: str | None = None
        note_captions = Captions(self._scan.layout.profile.texts["note"].values())
        for row in range(1, end):
            caption = self._scan.text(row, 1)
            numbered = NUMBERED.fullmatch(caption)
            if numbered and numbered[1] in note_captions:
                self._read_note(row, int(numbered[2]))
                continue
            entry = self._field_captioned(caption)
            if entry is None:
                self._unknown_line(row)
                continue
            seen[entry.key] = (row, self._scan.layout.label_columns + 1)
            if entry.kind is FieldKind.GAP:
                gap_reason = next(iter(self._field_codes(entry, row)), None)
            elif entry.kind in (FieldKind.NOTES, FieldKind.NUMBERED_NOTE):
                self._read_note(row, 0)
            else:
                self._read_field(entry, row)
        self._complete_fields(seen)
        return gap_reason

    def _unknown_line(self, row: int) -> None:
        """Report a line that says nothing we know; its text stays out: it may be a person's."""
        title = next(iter(self._scan.grid)).row
        cells = [cell for cell in self._scan.grid.row(row) if row != title]
        if cells:
            self._scan.find(
                "text-outside-table",
                "the line has no caption of the header block and was not read",
                row,
                cells[-1].column,
            )

    def _field_captioned(self, caption: str) -> Field | None:
        """Return the line that a caption names; `Classification version: Age` names that of a dimension."""
        version, _, heading = caption.partition(": ")
        is_version = version in Captions(self._scan.layout.profile.texts["version"].values())
        for entry in self._scan.layout.fields:
            text = heading if entry.kind is FieldKind.VERSION else caption
            if text in entry.captions and is_version is (entry.kind is FieldKind.VERSION):
                return entry
        return None

    def _read_field(self, entry: Field, row: int) -> None:
        if entry.kind is FieldKind.TABLE or entry.component is None:
            return
        found = self._field_codes(entry, row)
        if not found:
            return
        if entry.kind is FieldKind.VERSION:
            self._scan.versions[entry.component.id] = found[0]
        elif entry.kind is FieldKind.DIMENSION:
            self.dimensions[entry.component.id] = found[0]
        else:
            self.attributes[entry.component.id] = found if entry.is_multiple else found[0]

    def _field_codes(self, entry: Field, row: int) -> list[str]:
        """Return the codes (or the text) that a line of the header block gives."""
        texts: list[tuple[int, str]] = []
        for column in range(2, self._scan.grid.last_column + 1):
            cell = self._scan.grid.at(row, column)
            text = None if cell is None else self._scan.label_text(cell)
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
            code
            for column, text in texts
            for part in self._parts(entry, text)
            if (code := self._field_code(entry, part, row, column)) is not None
        ]

    def _parts(self, entry: Field, text: str) -> list[str]:
        """Return the labels of a line that may have several; one that holds a semicolon stays whole."""
        if not entry.is_multiple or self._field_index(entry).match(text).code is not None:
            return [text]
        return [part.strip() for part in re.split(r"[;\n]", text) if part.strip()]

    def _field_code(self, entry: Field, text: str, row: int, column: int) -> str | None:
        if not entry.codes:
            if CONTACT.search(text):
                self._scan.contact(row, column, entry.key)
                return None
            return text
        id = entry.component.id if entry.component else None
        own = entry.kind in (FieldKind.VERSION, FieldKind.GAP)
        component = None if own else entry.component
        return self._scan.match(self._field_index(entry), text, row, column, id, component)

    def _field_index(self, entry: Field) -> LabelIndex:
        own = entry.kind in (FieldKind.VERSION, FieldKind.GAP)
        codelist = entry.component.codelist if entry.component and not own else None
        return self._scan.index(entry.key, None, entry.codes, codelist.id if codelist else "")

    def _complete_fields(self, seen: Mapping[str, tuple[int, int]]) -> None:
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
            position = seen.get(entry.key, (1, 1))
            blank = ("", *self._scan.unselected)
            if entry.key in seen and self._scan.text(*position) not in blank:
                # It says something that could not be read: a finding stands there already.
                continue
            if entry.default is not None:
                given[component.id] = entry.default
                continue
            self._missing.append((entry, position))

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
            for column in range(2, self._scan.grid.last_column + 1)
            if (cell := self._scan.grid.at(row, column)) is not None
            and (text := self._scan.label_text(cell)) is not None
        ]
        note = "\n".join(texts)
        if note and CONTACT.search(note):
            self._scan.contact(
                row, self._scan.layout.label_columns + 1, self._scan.layout.profile.attributes.notes
            )
        elif note:
            self.notes[number] = note

    def position(self, kind: FieldKind) -> tuple[int, int]:
        """Return the row and column of the value of a line; those of the title where it is not there."""
        for row in range(1, self._scan.grid.last_row + 1):
            for entry in self._scan.layout.fields:
                if entry.kind is kind and self._scan.text(row, 1) in entry.captions:
                    return row, self._scan.layout.label_columns + 1
        return 1, 1
