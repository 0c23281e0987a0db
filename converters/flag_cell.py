"""Read the flags beside a figure: codes of its status, other attributes, numbered notes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from converters.header_block import NUMBERED
from converters.sheet_scan import CONTACT, SheetScan

_FLAG_TOKENS = re.compile(r"\(\d+\)|[^\s;,]+")


class FlagReader:
    """Reads the flag cells of one sheet."""

    def __init__(self, scan: SheetScan, notes: Mapping[int, str]) -> None:
        self._scan = scan
        self._notes = notes

    def read(self, row: int, column: int | None) -> dict[str, list[str]]:
        """Return the attributes that a flag cell gives; an id without a value takes the sheet's away."""
        cell = self._scan.grid.at(row, column) if column is not None else None
        text = None if cell is None else self._scan.label_text(cell)
        found: dict[str, list[str]] = {}
        for token in _FLAG_TOKENS.findall(text or ""):
            self._flag(token, row, column or 0, found)
        return found

    def _flag(self, token: str, row: int, column: int, found: dict[str, list[str]]) -> None:
        id, equals, value = token.partition("=")
        numbered = NUMBERED.fullmatch(token)
        if numbered and not numbered[1]:
            note = self._notes.get(int(numbered[2]))
            if note is not None:
                found.setdefault(self._scan.profile.attributes.notes, []).append(note)
                return
        elif equals and id in {attribute.id for attribute in self._scan.dsd.attributes}:
            values = found.setdefault(id, [])
            if not value:
                return
            if self._scan.dsd[id].codelist is None and CONTACT.search(value):
                self._scan.contact(row, column, id)
                return
            if self._scan.dsd[id].allows(value):
                values.append(value)
                return
        else:
            for id in self._scan.profile.attributes.flags:
                if id in self._scan.dsd and self._scan.dsd[id].allows(token) and id not in found:
                    found[id] = [token]
                    return
        self._unknown_flag(token, row, column)

    def _unknown_flag(self, token: str, row: int, column: int) -> None:
        codes = [
            code.id
            for id in self._scan.profile.attributes.flags
            if id in self._scan.dsd
            for code in self._scan.dsd[id].allowed_codes
        ]
        self._scan.find(
            "unknown-flag",
            f"{token!r} is no flag; write a code ({' '.join(dict.fromkeys(codes))}), a note of this sheet "
            "as (1), or ATTRIBUTE=code",
            row,
            column,
            self._scan.profile.attributes.flags[0],
            token,
            token.upper() if token.upper() in codes else None,
        )
