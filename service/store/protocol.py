"""The contract of every storage engine.

A dataflow is named by its URN without regard to versions of the store itself. All instants are UTC. One
contract test-suite runs over every engine (tests/service/store/).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from codelists.urn import Urn
from dsd.dataset import Dataset
from service.query.source import Availability, Revision, Snapshot, Source

__all__ = [
    "Availability",
    "Change",
    "LedgerEntry",
    "Receipt",
    "Revision",
    "Snapshot",
    "Source",
    "Store",
    "StoreError",
    "StoreFormatError",
    "StoreUnavailableError",
    "SubmissionRecord",
]


class StoreError(Exception):
    """Something is wrong with the store; nothing was written."""


class StoreUnavailableError(StoreError):
    """The store cannot be reached or read now; the same call may succeed later."""


class StoreFormatError(StoreError):
    """The store was written by a newer release, or is damaged; says what to do."""


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
class LedgerEntry:
    """A ledger row as read back."""

    transaction: int
    at: datetime
    submission: SubmissionRecord


class Store(Source, Protocol):
    """A storage engine: a source of answers that can be written."""

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
