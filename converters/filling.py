"""Lay observations out over the sheets of a table: the inverse of reading them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from converters.conversion import SourceDescription
from converters.field import FieldKind
from converters.layout import (
    NOTE_KEY,
    VERSION_KEY,
    LayoutOptions,
    TableLayout,
    table_layout,
)
from converters.profile import Profile
from converters.reportable import code_order, version_of
from converters.sheet_writer import CellContent, SheetContent, UnwritableValueError
from dsd.resolved import Dsd, ResolvedComponent

Observation: TypeAlias = Mapping[str, str | Sequence[str] | None]
Values: TypeAlias = tuple[str, ...]

_PLAIN_TOKEN = re.compile(r"[^\s;,()=]+")


def fill_sheets(
    dsd: Dsd,
    profile: Profile,
    rows: Iterable[Observation],
    periods: Sequence[str] | None = None,
    languages: tuple[str, ...] = ("en",),
    gap_reason: str | None = None,
    sources: Sequence[SourceDescription] = (),
) -> Iterator[tuple[TableLayout, SheetContent]]:
    """Yield layout and content of each sheet that the observations of a table need.

    Raises:
        UnwritableValueError: an observation has no place in the questionnaire, or two have the same.
    """
    groups: dict[tuple[tuple[str, str], ...], list[Observation]] = defaultdict(list)
    blank = table_layout(dsd, profile, languages)
    for row in rows:
        groups[tuple(_sheet_values(blank, row).items())].append(row)
    if not groups:
        fields = {"gap": (gap_reason,)} if gap_reason else {}
        options = LayoutOptions(periods=tuple(periods or ()))
        yield table_layout(dsd, profile, languages, options), SheetContent(fields=fields)
        return
    settled = {entry.source: entry.values for entry in sources}
    for number, (group_values, group) in enumerate(sorted(groups.items()), 1):
        name = blank.sheet if number == 1 else f"{blank.sheet} ({number})"
        values = dict(group_values)
        known = settled.get(values.get(profile.sources.id, ""), {})
        yield _Filling(dsd, profile, languages, group, values, periods, known).sheet(name)


def _sheet_values(layout: TableLayout, row: Observation) -> dict[str, str]:
    """Return what an observation says of its whole sheet, by key of the header line."""
    values: dict[str, str] = {}
    for entry in layout.fields:
        if entry.component is None:
            continue
        code = _single(row, entry.component.id)
        if entry.kind is FieldKind.DIMENSION and code is not None:
            values[entry.key] = code
        if entry.kind is FieldKind.VERSION:
            known = entry.component.codes.get(code or "")
            version = version_of(entry.component, known) if known else None
            if version is not None:
                values[entry.key] = version
    return values


def _single(row: Observation, id: str) -> str | None:
    value = row.get(id)
    return value if value is None or isinstance(value, str) else "; ".join(value)


def _values(row: Observation, id: str) -> Values:
    value = row.get(id)
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


class _Filling:
    """Fills one sheet; lives for one call."""

    def __init__(
        self,
        dsd: Dsd,
        profile: Profile,
        languages: tuple[str, ...],
        rows: Sequence[Observation],
        sheet_values: Mapping[str, str],
        periods: Sequence[str] | None,
        settled: Mapping[str, Values],
    ) -> None:
        self._dsd = dsd
        self._profile = profile
        self._rows = rows
        self._sheet_values = sheet_values
        self._settled = settled
        self._notes_id = profile.attributes.notes
        self._general_note, self._numbered = self._notes()
        options = LayoutOptions(
            periods=tuple(periods) if periods is not None else self._periods(),
            versions={
                key.removeprefix(VERSION_KEY): code
                for key, code in sheet_values.items()
                if key.startswith(VERSION_KEY)
            },
            selected=self._selected(),
            numbered_notes=max(len(self._numbered), profile.attributes.numbered_notes),
        )
        self._layout = table_layout(dsd, profile, languages, options)
        self._common = self._common_attributes()

    def sheet(self, name: str) -> tuple[TableLayout, SheetContent]:
        """Return layout and content."""
        fields: dict[str, Values] = {key: (code,) for key, code in self._sheet_values.items()}
        fields.update(
            (key, values)
            for key, values in self._common.items()
            if values != self._settled.get(key)
        )
        if self._general_note:
            fields["notes"] = (self._general_note,)
        for number, note in enumerate(self._numbered, 1):
            fields[f"{NOTE_KEY}{number}"] = (note,)
        return self._layout, SheetContent(name, fields, dict(self._cells()))

    def _periods(self) -> tuple[str, ...]:
        time = self._dsd.time_dimension
        return tuple(sorted({_single(row, time.id) or "" for row in self._rows})) if time else ()

    def _selected(self) -> dict[str, tuple[str, ...]]:
        """Return the codes that occur, by dimension, in the order of the code list."""
        found: dict[str, tuple[str, ...]] = {}
        for component in self._dsd.dimensions:
            present = {_single(row, component.id) for row in self._rows}
            codes = sorted(
                (code for code in component.allowed_codes if code.id in present), key=code_order
            )
            found[component.id] = tuple(code.id for code in codes)
        return found

    def _notes(self) -> tuple[str | None, tuple[str, ...]]:
        """Return the note that every observation has, or else the notes that only some have."""
        notes = Counter(_single(row, self._notes_id) for row in self._rows)
        if len(notes) == 1:
            return next(iter(notes)), ()
        return None, tuple(sorted(note for note in notes if note is not None))

    def _common_attributes(self) -> dict[str, Values]:
        """Return what holds for the sheet: the commonest value of what every observation has.

        What the sources sheet says holds too, where the sheet does not say otherwise.
        """
        common: dict[str, Values] = {}
        for entry in self._layout.fields:
            if entry.kind is not FieldKind.ATTRIBUTE or entry.component is None:
                continue
            settled = self._settled.get(entry.key, ())
            counts = Counter(_values(row, entry.component.id) for row in self._rows)
            if settled:
                counts[settled] += 0
                # A blank line would be filled, so that having none must be said beside each figure.
                del counts[()]
            elif () in counts:
                continue
            common[entry.key] = min(
                counts, key=lambda values: (-counts[values], values != settled, values)
            )
        return common

    # -- figures -------------------------------------------------------------------------------------

    def _cells(
        self,
    ) -> Iterator[tuple[tuple[tuple[str | None, ...], tuple[str | None, ...]], CellContent]]:
        rows = set(self._layout.row_headings())
        columns = set(self._layout.column_headings())
        seen = set()
        for row in self._rows:
            row_heading = tuple(
                _single(row, axis.id) if axis.component else axis.printed[0]
                for axis in self._layout.rows
            )
            column_heading = tuple(_single(row, axis.id) or "" for axis in self._layout.columns)
            self._check(row)
            if row_heading not in rows or column_heading not in columns:
                raise UnwritableValueError(
                    f"{_key(self._dsd, row)} has no cell on {self._layout.sheet}"
                )
            if (row_heading, column_heading) in seen:
                raise UnwritableValueError(
                    f"{_key(self._dsd, row)} stands twice in the observations"
                )
            seen.add((row_heading, column_heading))
            value = _single(row, self._dsd.measures[0].id)
            yield (row_heading, column_heading), CellContent(value, self._flag(row) or None)

    def _check(self, row: Observation) -> None:
        for id, code in self._layout.fixed.items():
            if _single(row, id) != code:
                raise UnwritableValueError(f"{_key(self._dsd, row)}: {id} can only be {code}")

    def _flag(self, row: Observation) -> str:
        """Return the text of the flag cell: what this observation says otherwise than its sheet."""
        value = _single(row, self._dsd.measures[0].id)
        tokens: list[str] = []
        flags = self._profile.attributes.flags
        taken: set[str] = set()
        for component in self._dsd.attributes:
            own = _values(row, component.id)
            if component.id == self._notes_id:
                tokens += [
                    f"({self._numbered.index(note) + 1})" for note in own if note in self._numbered
                ]
            elif component.id in flags:
                tokens += self._flag_tokens(component, own, taken)
            elif own != self._common.get(component.id, ()):
                tokens += _tokens(component.id, own)
        # Without a value only the flag says that there is an observation.
        if value is None and not tokens:
            raise UnwritableValueError(f"{_key(self._dsd, row)} has neither a value nor a flag")
        return " ".join(tokens)

    def _flag_tokens(self, component: ResolvedComponent, own: Values, taken: set[str]) -> list[str]:
        """Return bare codes where a reader would give them to this component, else `ID=code`."""
        bare = [code for code in own if code not in taken and component.allows(code)]
        taken |= {code.id for code in component.allowed_codes}
        return [code if code in bare else _tokens(component.id, (code,))[0] for code in own]


def _tokens(id: str, values: Values) -> list[str]:
    """Return `ID=value` for each value, `ID=` where the observation has none."""
    for value in values:
        if not _PLAIN_TOKEN.fullmatch(value):
            raise UnwritableValueError(f"{id}={value!r} cannot be written beside a figure")
    return [f"{id}={value}" for value in values] or [f"{id}="]


def _key(dsd: Dsd, row: Observation) -> str:
    return ".".join(_single(row, id) or "" for id in dsd.key_ids)
