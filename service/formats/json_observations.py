"""The observations in a window of an SDMX-JSON data set: where each key and cell stands, found in bulk.

Only what is laid out as SDMX-JSON has it is found here; anything else is left to be read member by member.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from service.formats.json_window import (
    CLOSE_LIST,
    COLON,
    COMMA,
    OPEN,
    OPEN_LIST,
    QUOTE,
    Bytes,
    Flags,
    Numbers,
    Window,
    cut,
    whole_numbers,
)

_OBSERVATIONS = b'"observations":'
_ATTRIBUTES = b'"attributes":'
_ANNOTATIONS = b'"annotations":'


@dataclass(frozen=True)
class Keys:
    """Keys `0:3:1`, each at its place."""

    raw: Bytes
    starts: Numbers
    ends: Numbers
    numbers: tuple[Numbers, ...]
    """The numbers of values, by dimension."""

    def texts(self) -> pa.StringArray:
        """Return the keys as they stand."""
        return cut(self.raw, self.starts, self.ends)


@dataclass(frozen=True)
class Listed:
    """Lists that series have under one name: start, end, and the number of the series."""

    starts: Numbers
    ends: Numbers
    owners: Numbers


@dataclass(frozen=True)
class Observations:
    """The observations of a window."""

    raw: Bytes
    series: Keys | None
    """None for a flat data set."""
    attributes: Listed
    annotations: Listed
    owners: Numbers
    """By observation, the number of its series."""
    keys: Keys
    counts: Numbers
    """By observation, the number of its cells."""
    starts: Numbers
    ends: Numbers

    @cached_property
    def firsts(self) -> Numbers:
        """By observation, the number of its first cell."""
        firsts: Numbers = np.cumsum(self.counts) - self.counts
        return firsts

    def beyond(self, width: int) -> tuple[Numbers, Numbers, Flags]:
        """Return start and end of all cells after so many by observation, and whether it has any."""
        has = self.counts > width
        if not len(self.starts):
            return np.zeros(len(has), np.int64), np.zeros(len(has), np.int64), has
        first = np.where(has, self.firsts + width, 0)
        last = np.where(has, self.firsts + self.counts - 1, 0)
        return self.starts[first], self.ends[last], has

    def cells(self, place: int) -> tuple[Numbers, Numbers, Flags]:
        """Return start and end of the cell at a place by observation, and whether it has one that is not null."""
        has = self.counts > place
        index = np.where(has, self.firsts + place, 0)
        if not len(self.starts):
            return np.zeros(len(has), np.int64), np.zeros(len(has), np.int64), has
        starts, ends = self.starts[index], self.ends[index]
        return starts, ends, has & ~((ends - starts == 4) & (self.raw[starts] == ord("n")))


def find_observations(
    window: Window, series_parts: int, key_parts: int, *, is_flat: bool
) -> Observations | None:
    """Return the observations of a window; None where it is laid out in any other way, or has a key twice.

    Args:
        window: members of `observations` of a flat data set, else of `series`.
        series_parts: number of dimensions of the series.
        key_parts: number of dimensions of the observation.
        is_flat: whether the members are observations.
    """
    if not key_parts or not (is_flat or series_parts):
        return None
    finder = _Finder(window, is_flat)
    if not finder.is_regular:
        return None
    keys = finder.keys(finder.rows, key_parts)
    series = None if is_flat else finder.keys(finder.series, series_parts)
    if keys is None or (series is None and not is_flat):
        return None
    counts, starts, ends = finder.cells()
    owners = finder.owners()
    if _is_repeated(keys, owners) or _repeats(series):
        return None
    lists = finder.listed(_ATTRIBUTES), finder.listed(_ANNOTATIONS)
    return Observations(window.raw, series, *lists, owners, keys, counts, starts, ends)


def key_numbers(keys: Keys) -> Numbers:
    """Return one number a key, the same only where the keys are; they rise as keys in their order do."""
    total = np.zeros(len(keys.starts), np.int64)
    for numbers in keys.numbers:
        # Nine digits a part at the most, and few windows with several such parts: those wrap, and are looked at again.
        total = total * (int(numbers.max(initial=0)) + 1) + numbers
    return total


def _repeats(series: Keys | None) -> bool:
    return series is not None and len(np.unique(key_numbers(series))) < len(series.starts)


def _is_repeated(keys: Keys, owners: Numbers) -> bool:
    """Tell whether two observations of a series may have one key."""
    numbers = key_numbers(keys)
    if bool(((numbers[1:] > numbers[:-1]) | (owners[1:] > owners[:-1])).all()):
        return False
    both = owners * (int(numbers.max(initial=0)) + 1) + numbers
    return len(np.unique(both)) < len(both)


class _Finder:
    """The marks of one window by what they mean."""

    def __init__(self, window: Window, is_flat: bool) -> None:
        self._window = window
        self._is_flat = is_flat
        kinds, depth, structural = window.kinds, window.depth, window.structural
        self._lists = structural & (kinds == OPEN_LIST)
        self._objects = structural & (kinds == OPEN)
        self._colons = structural & (kinds == COLON)
        self._count = np.arange(len(kinds))
        level = 1 if is_flat else 3
        self._series_opened = self._objects & (depth == 1)
        self._groups = self._objects & (depth == 2)
        self._listed = self._lists & (depth == 2) if not is_flat else np.zeros_like(self._lists)
        inside = np.ones(len(kinds), bool)
        if not is_flat:
            opened = self._groups | self._listed
            last = np.maximum.accumulate(np.where(opened, self._count, -1))
            inside = (last >= 0) & self._groups[last]
        self._rows_opened = self._lists & (depth == level) & inside
        self._ends = structural & inside
        self._ends &= ((kinds == COMMA) & (depth == level)) | (
            (kinds == CLOSE_LIST) & (depth == level - 1)
        )
        self._inside = inside
        self.rows = np.flatnonzero(self._rows_opened)
        self.series = np.flatnonzero(self._series_opened)

    @property
    def is_regular(self) -> bool:
        """True where every member is what SDMX-JSON has at its place."""
        depth = self._window.depth
        if self._is_flat:
            members = int(np.count_nonzero(self._colons & (depth == 0)))
            return not self._objects.any() and members == len(self.rows) == self._colons.sum()
        colons = [int(np.count_nonzero(self._colons & (depth == level))) for level in range(3)]
        groups, listed = np.flatnonzero(self._groups), np.flatnonzero(self._listed)
        attributes = self._are_named(listed, _ATTRIBUTES)
        annotations = self._are_named(listed, _ANNOTATIONS)
        return (
            colons == [len(self.series), len(groups) + len(listed), len(self.rows)]
            and int(self._objects.sum()) == len(self.series) + len(groups)
            and int(self._colons.sum()) == sum(colons)
            and bool(self._are_named(groups, _OBSERVATIONS).all())
            and bool((attributes | annotations).all())
            and self._are_single(groups)
            and self._are_single(listed[attributes])
            and self._are_single(listed[annotations])
        )

    def _are_named(self, places: Numbers, name: bytes) -> Flags:
        """Return which of the values that open at these marks have this name."""
        ends = self._window.marks[places]
        named: Flags = ends >= len(name)
        starts = np.where(named, ends - len(name), 0)
        for number, letter in enumerate(name):
            named &= self._window.raw[starts + number] == letter
        return named

    def _are_single(self, places: Numbers) -> bool:
        """Tell whether no series has two values of a name."""
        owners = np.cumsum(self._series_opened)[places]
        return bool((owners[1:] > owners[:-1]).all())

    def owners(self) -> Numbers:
        """Return by observation the number of its series."""
        if self._is_flat:
            return np.zeros(len(self.rows), np.int64)
        owners: Numbers = np.cumsum(self._series_opened)[self.rows] - 1
        return owners

    def keys(self, opened: Numbers, parts: int) -> Keys | None:
        """Return the keys of what opens at these marks; None where one has not so many numbers."""
        window = self._window
        quotes = np.where((window.kinds == QUOTE) & window.in_text, self._count, -1)
        last = np.maximum.accumulate(quotes) if len(quotes) else quotes
        if len(opened) and int(opened.min()) < 3:
            return None
        first, end = last[opened - 2], opened - 2
        starts, ends = window.marks[first] + 1, window.marks[end]
        bounds = np.empty((len(opened), parts + 1), np.int64)
        bounds[:, 0], bounds[:, parts] = starts - 1, ends
        if parts > 1:
            is_key = np.zeros(len(quotes), bool)
            is_key[first] = True
            colons = np.flatnonzero((window.kinds == COLON) & window.in_text & is_key[last])
            if len(colons) != len(opened) * (parts - 1):
                return None
            by_key = colons.reshape(len(opened), parts - 1)
            if not ((by_key[:, 0] > first) & (by_key[:, -1] < end)).all():
                return None
            bounds[:, 1:parts] = window.marks[by_key]
        numbers = []
        for part in range(parts):
            found = whole_numbers(window.raw, bounds[:, part] + 1, bounds[:, part + 1])
            if found is None:
                return None
            numbers.append(found)
        return Keys(window.raw, starts, ends, tuple(numbers))

    def cells(self) -> tuple[Numbers, Numbers, Numbers]:
        """Return the number of cells by observation, and where each starts and ends."""
        marks = self._window.marks
        sequence = np.flatnonzero(self._rows_opened | self._ends)
        is_end = self._ends[sequence]
        rows = np.cumsum(~is_end) - 1
        starts = np.zeros(len(sequence), np.int64)
        starts[1:] = marks[sequence[:-1]] + 1
        ends = marks[sequence]
        # An empty list has an end and no cell.
        kept = is_end & (ends > starts)
        counts = np.bincount(rows[kept], minlength=len(self.rows)).astype(np.int64)
        return counts, starts[kept], ends[kept]

    def listed(self, name: bytes) -> Listed:
        """Return the lists of series that have this name."""
        window = self._window
        opened = np.flatnonzero(self._listed)
        if not len(opened):
            nothing = np.zeros(0, np.int64)
            return Listed(nothing, nothing, nothing)
        closed = np.flatnonzero(
            window.structural & (window.kinds == CLOSE_LIST) & (window.depth == 1)
        )
        named = self._are_named(opened, name)
        opened, closed = opened[named], closed[named]
        owners = np.cumsum(self._series_opened)[opened] - 1
        return Listed(window.marks[opened], window.marks[closed] + 1, owners)
