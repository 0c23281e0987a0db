"""Read what a field says: codes of its list, several where it may have several, or a text."""

from __future__ import annotations

import re

from converters.field import Field, FieldKind
from converters.label import LabelIndex
from converters.sheet_scan import CONTACT, GridScan

_BETWEEN_VALUES = re.compile(r"[;\n]")


class FieldReader:
    """Reads the fields of one sheet."""

    def __init__(self, scan: GridScan) -> None:
        self._scan = scan

    def values(self, entry: Field, text: str, row: int, column: int) -> list[str]:
        """Return the codes, or the text, that a cell gives; what is no code is a finding there."""
        return [
            value
            for part in self._parts(entry, text)
            if (value := self._value(entry, part, row, column)) is not None
        ]

    def _parts(self, entry: Field, text: str) -> list[str]:
        """Return the labels of a field that may have several; one that holds a semicolon stays whole."""
        if not entry.is_multiple or self._index(entry).match(text).code is not None:
            return [text]
        return [part.strip() for part in _BETWEEN_VALUES.split(text) if part.strip()]

    def _value(self, entry: Field, text: str, row: int, column: int) -> str | None:
        if not entry.codes:
            if CONTACT.search(text):
                self._scan.contact(row, column, entry.key)
                return None
            return text
        id = entry.component.id if entry.component else None
        component = None if _has_own_list(entry) else entry.component
        return self._scan.match(self._index(entry), text, row, column, id, component)

    def _index(self, entry: Field) -> LabelIndex:
        named = entry.component if not _has_own_list(entry) else None
        codelist = named.codelist if named else None
        return self._scan.index(entry.key, None, entry.codes, codelist.id if codelist else "")


def _has_own_list(entry: Field) -> bool:
    """Tell whether a field chooses from a list that is not that of its component."""
    return entry.kind in (FieldKind.VERSION, FieldKind.GAP)
