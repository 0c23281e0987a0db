"""Where answers read observations: a stored dataflow, or one that is made from others.

What answers know of the store is this; the store's way to write is no part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from codelists.urn import Urn
from dsd.batch import Batch
from dsd.dataset import Preamble
from service.query.selection import Selection


@dataclass(frozen=True)
class Revision:
    """The state of a dataflow's data: it changes exactly when an answer could.

    `number` 0 means that nothing was ever written.
    """

    number: int
    at: datetime | None


@dataclass(frozen=True)
class Availability:
    """What a selection holds: distinct values by dimension in code order, and counts."""

    series: int
    observations: int
    values: Mapping[str, tuple[str, ...]]
    start_period: str | None
    end_period: str | None


@dataclass(frozen=True)
class Snapshot:
    """One consistent answer. `batches` streams rows in key order and may be consumed once."""

    preamble: Preamble
    batches: Iterator[Batch]
    revision: Revision


class Source(Protocol):
    """Observations to read. Readers never wait for a writer and never see half a submission."""

    def revision(self, dataflow: Urn) -> Revision:
        """Return the revision of a dataflow: one look-up, no data read."""
        ...

    def revisions(self, dataflows: Sequence[Urn]) -> tuple[Revision, ...]:
        """Return the revisions of dataflows as they were at one instant, in the order asked for."""
        ...

    def last_change(self, selection: Selection) -> Revision:
        """Return the newest revision that wrote or removed anything under the keys of a selection; nothing else of it counts."""
        ...

    def history(self, dataflow: Urn) -> tuple[Revision, ...]:
        """Return every revision that a dataflow has had, newest first; `Selection.as_of` reads each again."""
        ...

    def count(self, selection: Selection) -> int:
        """Return the number of observations that a selection holds, first/last/offset/limit applied."""
        ...

    def read(self, selection: Selection) -> AbstractContextManager[Snapshot]:
        """Open one snapshot; rows come in key order: dimensions in DSD order, then time."""
        ...

    def availability(self, selection: Selection) -> Availability:
        """Return what a selection holds."""
        ...
