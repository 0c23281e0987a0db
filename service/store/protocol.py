"""The contract of every storage engine.

A dataflow is named by its URN without regard to versions of the store itself. All instants are UTC. One
contract test-suite runs over every engine (tests/service/store/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from codelists.urn import Urn
from dsd.dataset import Dataset
from service.query.source import Availability, Revision, Snapshot, Source

__all__ = [
    "ArtefactChange",
    "ArtefactKey",
    "ArtefactState",
    "Artefacts",
    "Availability",
    "Change",
    "Collected",
    "Compacted",
    "Copied",
    "HistoryEntry",
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
    "StructureRecord",
    "SubmissionRecord",
    "TokenRecord",
    "Tokens",
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


class ArtefactKey(NamedTuple):
    """One state of a pushed artefact."""

    urn: str
    transaction: int
    """That which brought it about."""


class ArtefactState(NamedTuple):
    """A state with the hash of what the artefact says in it."""

    key: ArtefactKey
    sha256: str


@dataclass(frozen=True)
class ArtefactChange:
    """What a message does to one artefact."""

    urn: str
    action: str
    content: str | None
    """What it says from then on; None where it is deleted."""


@dataclass(frozen=True)
class StructureRecord:
    """Who changed structures, and by which message."""

    account: str
    agency: str
    request: str
    """Method and path, or command."""
    message: str | None = None
    """Id of the message, where it has one."""
    sha256: str | None = None
    """Of the message as it came."""


@dataclass(frozen=True)
class HistoryEntry:
    """One change of one artefact, as read back."""

    urn: str
    action: str
    sha256: str | None
    transaction: int
    at: datetime
    record: StructureRecord


@dataclass(frozen=True)
class TokenRecord:
    """An API token: whose it is, and what recognises its secret."""

    id: str
    """Public part of the token, by which it is found."""
    account: str
    agency: str
    role: str
    digest: str
    """SHA-256 of the secret part, in hexadecimal."""
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class Artefacts(Protocol):
    """Pushed structures in all the states that they ever had."""

    def revision(self) -> int:
        """Return the newest transaction that changed a structure, 0 where none did: one look-up."""
        ...

    def revision_at(self, instant: datetime) -> Revision:
        """Return the newest transaction at or before an instant that changed a structure."""
        ...

    def states(self, at: int | None = None) -> tuple[int, Sequence[ArtefactState]]:
        """Return the revision and the states of all artefacts, of now or as a transaction left them."""
        ...

    def contents(self, keys: Sequence[ArtefactKey]) -> Iterator[tuple[ArtefactKey, str]]:
        """Yield what artefacts say in some of their states, in any order."""
        ...

    def history(self, urn: str | None = None, limit: int | None = None) -> Sequence[HistoryEntry]:
        """Return the changes of one artefact, or of all, newest first."""
        ...

    def changing(self) -> AbstractContextManager[None]:
        """Wait for the turn to write and hold it."""
        ...

    def write(self, changes: Sequence[ArtefactChange], record: StructureRecord) -> Revision:
        """Write the changes of one message as one transaction, all or nothing; only inside `changing`."""
        ...


class Tokens(Protocol):
    """API tokens."""

    def find(self, id: str) -> TokenRecord | None:
        """Return a token by its public id, revoked ones too: one look-up."""
        ...

    def all(self) -> Sequence[TokenRecord]:
        """Return every token that was ever made, oldest first."""
        ...

    def add(self, record: TokenRecord) -> None:
        """Keep a new token."""
        ...

    def revoke(self, account: str, at: datetime) -> bool:
        """End the token of an account at once; False where it has none that holds."""
        ...


class Store(Source, Protocol):
    """A storage engine: a source of answers that can be written."""

    @property
    def artefacts(self) -> Artefacts:
        """The pushed structures."""
        ...

    @property
    def tokens(self) -> Tokens:
        """The API tokens."""
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
