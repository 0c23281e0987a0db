"""The contract of every storage engine.

A dataflow is named by its URN without regard to versions of the store itself. All instants are UTC. One
contract test-suite runs over every engine (tests/service/store/).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from codelists.urn import Urn
from dsd.batch import Batch
from dsd.dataset import Dataset, Preamble
from service.query.selection import Selection


class StoreError(Exception):
    """Something is wrong with the store; nothing was written."""


class StoreUnavailableError(StoreError):
    """The store cannot be reached or read now; the same call may succeed later."""


class StoreFormatError(StoreError):
    """The store was written by a newer release, or is damaged; says what to do."""


@dataclass(frozen=True)
class Revision:
    """The state of a dataflow's data: it changes exactly when an answer could.

    `number` 0 means that nothing was ever written.
    """

    number: int
    at: datetime | None


@dataclass(frozen=True)
class Change:
    """What a transaction did to one dataflow."""

    dataflow: Urn
    inserted: int
    updated: int
    deleted: int
    unchanged: int


@dataclass(frozen=True)
class Receipt:
    """A committed transaction. `transaction` is 0 where nothing differed, so that none was made."""

    transaction: int
    at: datetime
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class SubmissionRecord:
    """The ledger entry that is committed together with the data."""

    id: str
    provider: str | None = None
    source_name: str | None = None
    source_sha256: str | None = None
    details: Mapping[str, object] | None = None
    """Anything else worth keeping, JSON-able: waivers, counts of findings, rule-set version."""


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


@dataclass(frozen=True)
class LedgerEntry:
    """A ledger row as read back."""

    transaction: int
    at: datetime
    submission: SubmissionRecord


class Store(Protocol):
    """A storage engine. Readers never wait for a writer and never see half a submission."""

    def revision(self, dataflow: Urn) -> Revision:
        """Return the revision of a dataflow: one catalog look-up, no data read."""
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

    def write(self, datasets: Sequence[Dataset], submission: SubmissionRecord) -> Receipt:
        """Apply the datasets, in order, and the ledger entry as one transaction: all or nothing.

        Raises:
            StoreError: nothing was written.
        """
        ...

    def dataflows(self) -> tuple[Urn, ...]:
        """Return the dataflows that hold, or ever held, data."""
        ...

    def ledger(self, dataflow: Urn | None = None) -> Iterable[LedgerEntry]:
        """Return the ledger, newest first, of one dataflow or of all."""
        ...

    def check(self) -> tuple[str, ...]:
        """Return what is wrong with the files of the store, one text a file; empty where all is well."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...
