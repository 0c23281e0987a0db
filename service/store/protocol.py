"""The contract of every storage engine.

A dataflow is named by its URN without regard to versions of the store itself. All instants are UTC. One
contract test-suite runs over every engine (tests/service/store/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from codelists.urn import Urn
from dsd.dataset import Dataset
from service.query.source import Availability, Revision, Snapshot, Source

__all__ = [
    "Availability",
    "Change",
    "Collected",
    "Compacted",
    "Copied",
    "LedgerEntry",
    "Progress",
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

Progress = Callable[[int, int], None]
"""Told how much of a long piece of work is done, of how much."""

_Item = TypeVar("_Item")


def reporting(items: Sequence[_Item], progress: Progress | None) -> Iterator[_Item]:
    """Yield items, telling how many are done."""
    for number, item in enumerate(items, 1):
        yield item
        if progress is not None:
            progress(number, len(items))


COLLECT_GRACE = timedelta(hours=1)
"""Age at which leftovers go: longer than the longest read and the longest write."""


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


@dataclass(frozen=True)
class Collected:
    """What `collect` removed."""

    files: int
    bytes: int


@dataclass(frozen=True)
class Compacted:
    """What `compact` did: so many files became so many."""

    before: int
    after: int


@dataclass(frozen=True)
class Copied:
    """What a backup holds, or what was restored from one."""

    format: int
    transaction: int
    at: datetime | None
    """Instant of the transaction; None where there was none."""
    files: int
    bytes: int


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

    def check(self, progress: Progress | None = None) -> tuple[str, ...]:
        """Return what is wrong with the files of the store, one text a file; empty where all is well."""
        ...

    def compact(self, progress: Progress | None = None) -> Compacted:
        """Turn many small files into few; no answer changes, of whatever instant."""
        ...

    def collect(self, grace: timedelta = COLLECT_GRACE) -> Collected:
        """Remove files that nothing needs any more and that are older than the grace period."""
        ...

    def backup(self, target: Path, progress: Progress | None = None) -> Copied:
        """Write a consistent copy of the store to a new folder, while others read and write."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...
