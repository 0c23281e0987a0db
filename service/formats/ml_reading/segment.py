"""What both ways of reading make: a run of observations as text columns, with all that was said around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from codelists.urn import Urn
from dsd.dataset import SetAttributes
from dsd.finding import Finding
from service.formats.ml_reading.vocabulary import Vocabulary

Values = dict[str, str]
Numbers = npt.NDArray[np.int64]

# Several values of a component stand in one text: first the mark, then each value and its end. None of these
# characters can occur in XML 1.0, so that such a text is never one that was reported.
LIST_MARK, LIST_END = "\x1c", "\x1d"
MARKUP_MARK = "\x1a"
"""Before a value that came as marked-up text."""


OF_SERIES = "$series"
"""Beside annotations among stated values: they are of the series whose values the others are, and were told before."""


def as_list_text(values: Sequence[str]) -> str:
    """Return several values as one text.

    >>> list_of(as_list_text(["A", ""]))
    ('A', '')
    """
    return LIST_MARK + "".join(f"{value}{LIST_END}" for value in values)


def list_of(text: str) -> tuple[str, ...]:
    """Return the values of a text that `as_list_text` made."""
    return tuple(text[1:].split(LIST_END)[:-1])


class Position(NamedTuple):
    """Where an element starts."""

    order: int
    """Number of the element among the series, groups and observations of the message."""
    line: int
    """From 1."""
    column: int
    """In characters from 1; 0 where the element is the first of its kind on its line."""

    @property
    def locator(self) -> str:
        """Return the column form of a locator."""
        return f"line:{self.line}:{self.column}" if self.column else f"line:{self.line}"


@dataclass(frozen=True)
class StructureReference:
    """What the header says of a structure."""

    urn: Urn | None
    dimension: str
    """The dimension at the observation."""
    is_explicit: bool
    """The measure dimension stands in `xsi:type` (SDMX 2.1, explicit measures)."""


@dataclass(frozen=True)
class DatasetHead:
    """How a data set starts."""

    vocabulary: Vocabulary
    reference: StructureReference | None
    """None where neither the header nor the data set names a structure."""
    problem: str
    """Why there is no reference."""
    action: str | None
    said: SetAttributes
    line: int
    is_to_the_letter: bool = True
    """False where XML attributes of it are of no namespace that its schema has in one: some programs write so."""


@dataclass(frozen=True)
class DatasetEnd:
    """The end of a data set."""


@dataclass(frozen=True)
class Elements:
    """Elements of one kind: their values by component, and where they start."""

    columns: dict[str, pa.Array]
    """Texts; null where an element has no such value."""
    orders: Numbers
    lines: Numbers
    places: Numbers
    """Columns in the line, see `Position.column`."""

    def __len__(self) -> int:
        """Return the number of elements."""
        return len(self.orders)

    def position(self, number: int) -> Position:
        """Return where an element starts."""
        return Position(int(self.orders[number]), int(self.lines[number]), int(self.places[number]))


@dataclass(frozen=True)
class Segment:
    """A run of a data set in the order of the message."""

    observations: Elements
    owners: Numbers
    """By observation the number of its series, -1 where it stands alone."""
    series: Elements
    is_continued: bool = False
    """The first series started in the segment before, which has told its values."""
    lonely: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    """By series whether it has no observation at all."""
    stated: tuple[tuple[Values, Position], ...] = ()
    """Values of the data set, of groups and of `Atts`, each with its key."""
    findings: tuple[tuple[Position, Finding], ...] = ()
    has_lists: bool = False
    """Some texts are made by `as_list_text`."""


class SegmentBuilder:
    """Gathers a segment element by element."""

    def __init__(self) -> None:
        self._series: Values | None = None
        self._series_position = Position(0, 0, 0)
        self._clear()

    def _clear(self) -> None:
        self._observations: list[Values] = []
        self._positions: list[Position] = []
        self._owners: list[int] = []
        self._all_series: list[Values] = []
        self._all_positions: list[Position] = []
        self._lonely: list[bool] = []
        self._stated: list[tuple[Values, Position]] = []
        self._findings: list[tuple[Position, Finding]] = []
        self._is_continued = False
        self._has_lists = False

    @property
    def size(self) -> int:
        """The number of elements gathered."""
        return len(self._observations) + len(self._all_series) + len(self._stated)

    def series(self, values: Values, position: Position) -> None:
        """Take a series."""
        self._series, self._series_position = values, position
        self._all_series.append(values)
        self._all_positions.append(position)
        self._lonely.append(True)

    def series_end(self) -> None:
        """Take the end of a series."""
        self._series = None

    def observation(self, values: Values, position: Position) -> None:
        """Take an observation of the series that is open, or one that stands alone."""
        if self._series is not None:
            if not self._all_series:
                self.series(self._series, self._series_position)
                self._is_continued = True
            self._lonely[-1] = False
        self._owners.append(-1 if self._series is None else len(self._all_series) - 1)
        self._observations.append(values)
        self._positions.append(position)

    def stated(self, values: Values, position: Position) -> None:
        """Take values that stand above the observation, with their key."""
        self._stated.append((values, position))

    def finding(self, position: Position, finding: Finding) -> None:
        """Take a finding."""
        self._findings.append((position, finding))

    def list_seen(self) -> None:
        """Remember that a text is made by `as_list_text`."""
        self._has_lists = True

    def take(self) -> Segment | None:
        """Return what was gathered and start anew; None where there is nothing."""
        # A series that is open without an observation may still have one: it goes with the next segment.
        waiting = self._series if self._series is not None and self._lonely[-1:] == [True] else None
        if waiting is not None:
            self._all_series.pop()
            self._all_positions.pop()
            self._lonely.pop()
        segment = self._segment() if self.size or self._findings else None
        # An open series is stated again with its values, which may be lists.
        had_lists = self._has_lists and self._series is not None
        self._clear()
        self._has_lists = had_lists
        if waiting is not None:
            self.series(waiting, self._series_position)
        return segment

    def take_all(self) -> Segment:
        """Return what was gathered, an open series too."""
        return self._segment()

    def _segment(self) -> Segment:
        return Segment(
            observations=_elements(self._observations, self._positions),
            owners=np.array(self._owners, np.int64),
            series=_elements(self._all_series, self._all_positions),
            is_continued=self._is_continued,
            lonely=np.array(self._lonely, bool),
            stated=tuple(self._stated),
            findings=tuple(self._findings),
            has_lists=self._has_lists,
        )


def _elements(values: list[Values], positions: list[Position]) -> Elements:
    names = dict.fromkeys(name for shape in dict.fromkeys(map(tuple, values)) for name in shape)
    numbers = np.array(positions, np.int64).reshape(-1, 3)
    return Elements(
        {name: pa.array([row.get(name) for row in values], pa.string()) for name in names},
        np.ascontiguousarray(numbers[:, 0]),
        np.ascontiguousarray(numbers[:, 1]),
        np.ascontiguousarray(numbers[:, 2]),
    )
