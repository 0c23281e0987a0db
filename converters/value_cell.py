"""What a cell of figures says: a number, a sign for a missing one, or nothing that is certain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from converters.grid import Cell, CellKind
from converters.number import (
    decimals_of,
    lexical_number,
    padded,
    parse_number_format,
    read_text_number,
)
from converters.profile import Marker, Profile
from dsd.resolved import Dsd


class Problem(NamedTuple):
    """What is wrong or doubtful about a cell."""

    rule: str
    message: str
    suggestion: str | None = None


@dataclass(frozen=True)
class Reading:
    """What a cell says."""

    value: str | None = None
    """The decimal text; None where the cell is blank or says that there is none."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    is_given: bool = False
    """True where the cell is not blank."""
    is_refused: bool = False
    """True where a problem leaves nothing that could be taken over."""


def _refused(rule: str, message: str, suggestion: str | None = None) -> Reading:
    return Reading(problems=(Problem(rule, message, suggestion),), is_given=True, is_refused=True)


class ValueReader:
    """Reads the cells of figures of one sheet."""

    def __init__(self, profile: Profile, dsd: Dsd) -> None:
        self._dsd = dsd
        self._decimals_id = profile.attributes.decimals
        self._markers = {
            self._marker_key(text): marker for marker in profile.markers for text in marker.texts
        }

    @staticmethod
    def _marker_key(text: str) -> str:
        return text.strip().casefold()

    def read(self, cell: Cell | None) -> Reading:
        """Return what a cell says; None (a blank cell) says nothing, which is not zero."""
        if cell is None or (cell.kind is CellKind.TEXT and not cell.text.strip()):
            return Reading()
        if cell.kind is CellKind.NUMBER:
            return self._number(cell)
        if cell.kind is CellKind.TEXT:
            return self._text(cell)
        if cell.kind is CellKind.UNCOMPUTED:
            return _refused(
                "uncomputed-formula",
                "the cell holds a formula whose value was never stored; open the workbook in a "
                "spreadsheet program, let it compute, and save",
            )
        if cell.kind is CellKind.ERROR:
            return _refused(
                "error-cell", f"the formula fails with {cell.text}; mend it or clear the cell"
            )
        if cell.kind is CellKind.DATE:
            return _refused(
                "date-in-value-cell", "the cell holds a date; write the figure and format it so"
            )
        return _refused("bad-number", "the cell holds TRUE or FALSE; write a figure")

    def _number(self, cell: Cell) -> Reading:
        try:
            value = lexical_number(cell.text)
        except ValueError as error:
            return _refused("bad-number", f"{error}; write the figure again")
        shown = parse_number_format(cell.number_format)
        if shown.is_date:
            return _refused(
                "date-in-value-cell",
                "the cell is formatted as a date; a spreadsheet may have taken a figure such as 1/2 for one",
            )
        if shown.is_percent:
            return _refused(
                "percent-format",
                f"the cell is formatted as a percentage and holds {value}; report the number itself",
            )
        problems: tuple[Problem, ...] = ()
        if shown.is_scaled:
            problems = (
                Problem(
                    "scaled-format",
                    f"the number format hides thousands; {value} is stored and was read",
                    value,
                ),
            )
        attributes: dict[str, str] = {}
        if shown.decimals is not None and shown.decimals < decimals_of(value):
            # The text of the value cannot tell that the office shows it with fewer decimals.
            attributes = self._decimals(shown.decimals)
        return Reading(padded(value, shown.decimals), attributes, problems, is_given=True)

    def _decimals(self, decimals: int) -> dict[str, str]:
        id = self._decimals_id
        return (
            {id: str(decimals)} if id in self._dsd and self._dsd[id].allows(str(decimals)) else {}
        )

    def _text(self, cell: Cell) -> Reading:
        marker = self._markers.get(self._marker_key(cell.text))
        if marker is not None:
            return self._marked(cell, marker)
        number = read_text_number(cell.text)
        if number.value is not None:
            try:
                lexical_number(number.value)
            except ValueError as error:
                return _refused("bad-number", f"{error}; write the figure again")
            return Reading(
                number.value,
                problems=(
                    Problem(
                        "number-as-text",
                        f"the figure is stored as a text and was read as {number.value} with a decimal point; "
                        "store it as a number",
                        number.value,
                    ),
                ),
                is_given=True,
            )
        suggestion = " or ".join(number.suggestions) or None
        if suggestion and not any(character.isalpha() for character in cell.text):
            return _refused(
                "bad-number",
                f"{cell.text!r} can be read in more than one way; write {suggestion} as a number",
                suggestion,
            )
        return _refused(
            "text-in-value-cell",
            f"{cell.text!r} is no figure; write the number alone, flags beside it and words into the notes",
            suggestion,
        )

    def _marked(self, cell: Cell, marker: Marker) -> Reading:
        attributes = {
            id: code
            for id, code in marker.attributes.items()
            if id in self._dsd and self._dsd[id].allows(code)
        }
        problems: tuple[Problem, ...] = ()
        if marker.ambiguous:
            problems = (
                Problem(
                    "ambiguous-marker",
                    f"{cell.text!r} was read as not available; write 0 if it means none, .. if not available",
                    "..",
                ),
            )
        return Reading(None, attributes, problems, is_given=True)
