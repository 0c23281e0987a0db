"""The engine of Parquet leaves: a catalog in SQL, observations in immutable sorted files, DuckDB to read.

Reading takes no lock: a snapshot is a list of files that never change. Writing puts new files beside the old
ones, makes them durable and then commits one catalog transaction.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from codelists.urn import Urn
from dsd.dataset import Dataset
from service.config import Clock, Settings
from service.query.selection import Selection
from service.store.apply import FlowWriter
from service.store.artefact_log import ArtefactLog
from service.store.backup import refuse_interrupted_restore, write_backup
from service.store.catalog import AttributeStates, Catalog, FlowCommit, FlowState
from service.store.compaction import compact_flow
from service.store.fault import Fault, no_fault
from service.store.leaf import LEAF_ROWS, LeafFolder, disk_error
from service.store.lock import WriterLock
from service.store.migration import STEPS, Step, oldest_format
from service.store.protocol import (
    COLLECT_GRACE,
    Availability,
    Collected,
    Compacted,
    Copied,
    LedgerEntry,
    Progress,
    Receipt,
    Revision,
    Snapshot,
    StoreError,
    SubmissionRecord,
    reporting,
)
from service.store.reader import Reader, Slice
from service.store.staging import Staged, stage
from service.store.token_list import TokenList

_LOG = logging.getLogger(__name__)

CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far the clock may step back before writing is refused; less is made up for by a microsecond a step."""


class ParquetStore:
    """A store in a folder and a SQL catalog; see `service.store.protocol.Store`."""

    def __init__(
        self,
        settings: Settings,
        *,
        fault: Fault = no_fault,
        leaf_rows: int = LEAF_ROWS,
        steps: tuple[Step, ...] = STEPS,
        create: bool = True,
    ) -> None:
        self._settings = settings
        self._clock: Clock = settings.clock
        self._fault = fault
        self.folder = Path(settings.store_folder).resolve()
        if not create and not settings.store_url and not (self.folder / "catalog.sqlite").exists():
            raise StoreError(f"there is no store in {self.folder}; name another with --store")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error, self.folder) from error
        self._leaves = LeafFolder(self.folder, fault, leaf_rows)
        self._catalog = Catalog(settings.store_url, self.folder)
        self._lock = WriterLock(self._catalog)
        self.artefacts = ArtefactLog(
            self._live_catalog, lambda: self._lock.held(), self._next_transaction, fault
        )
        self.tokens = TokenList(self._live_catalog)
        self._states: dict[Urn, FlowState] = {}
        self._process = os.getpid()
        self._reader: Reader | None = None
        self._reader_lock = threading.Lock()
        try:
            self._open_format(oldest_format(steps), create)
        except StoreError:
            self.close()
            raise

    def _open_format(self, oldest: int, create: bool) -> None:
        version = self._catalog.format_version()
        if version is None and not create:
            raise StoreError("there is no store in the database that store_url names")
        if version is None:
            with self._lock.held():
                version = self._catalog.format_version()  # Another process may have been first.
                if version is None:
                    refuse_interrupted_restore(self.folder)
                    self._catalog.create()
                    version = self._catalog.format_version()
        if version is not None:
            self._catalog.check_format(version, oldest)

    def _readers(self) -> Reader:
        """Return the query engine of this process, made when it is first needed."""
        with self._reader_lock:
            if self._reader is None:
                self._reader = Reader(self._settings, self._leaves)
            return self._reader

    def close(self) -> None:
        """Release files and connections."""
        with self._reader_lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
        self._catalog.dispose()

    def _live_catalog(self) -> Catalog:
        """Return the catalog with connections of this process."""
        self._after_fork()
        return self._catalog

    # -- reading -----------------------------------------------------------------------------------

    def revision(self, dataflow: Urn) -> Revision:
        """Return the revision of a dataflow: one catalog look-up, no data read."""
        self._after_fork()
        head = self._catalog.head(dataflow)
        return head.revision if head else Revision(0, None)

    def revisions(self, dataflows: Sequence[Urn]) -> tuple[Revision, ...]:
        """Return the revisions of dataflows as they were at one instant: one catalog look-up for all."""
        if len(dataflows) == 1:
            return (self.revision(dataflows[0]),)
        self._after_fork()
        return self._catalog.heads(dataflows)

    def last_change(self, selection: Selection) -> Revision:
        """Return the newest revision that wrote or removed anything under the keys of a selection."""
        part = self._slice(Selection(selection.dsd, keys=selection.keys))
        dataflow = selection.dsd.urn
        above = self._catalog.attribute_changes(dataflow) if part.state else {}
        number = self._readers().last_change(part, above)
        # A commit in between changes none of what is looked for.
        revisions = self._catalog.revisions(dataflow) if number else ()
        return next((found for found in revisions if found.number == number), Revision(0, None))

    def history(self, dataflow: Urn) -> tuple[Revision, ...]:
        """Return every revision that a dataflow has had, newest first."""
        self._after_fork()
        return self._catalog.revisions(dataflow)

    def count(self, selection: Selection) -> int:
        """Return the number of observations that a selection holds."""
        return self._readers().count(self._slice(selection))

    @contextmanager
    def read(self, selection: Selection) -> Iterator[Snapshot]:
        """Open one snapshot; rows come in key order: dimensions in DSD order, then time."""
        with self._readers().read(self._slice(selection)) as snapshot:
            yield snapshot

    def availability(self, selection: Selection) -> Availability:
        """Return what a selection holds."""
        return self._readers().availability(self._slice(selection))

    def dataflows(self) -> tuple[Urn, ...]:
        """Return the dataflows that hold, or ever held, data."""
        self._after_fork()
        return self._catalog.dataflows()

    def ledger(self, dataflow: Urn | None = None) -> list[LedgerEntry]:
        """Return the ledger, newest first, of one dataflow or of all."""
        self._after_fork()
        return self._catalog.ledger(dataflow)

    def _slice(self, selection: Selection) -> Slice:
        """Return a selection with the state of its dataflow that it is about."""
        self._after_fork()
        dataflow = selection.dsd.urn
        state = self._state(dataflow)
        if state is None:
            return Slice(selection, None, Revision(0, None), {}, None)
        if state.head.dimensions != selection.dsd.key_ids:
            raise StoreError(
                f"{dataflow.short} is stored with the dimensions {', '.join(state.head.dimensions)}, the DSD "
                f"has {', '.join(selection.dsd.key_ids)}: read it with the version under which it was stored"
            )
        found = self._at(selection, state)
        if selection.since is None:
            return found
        after = self._catalog.revision_at(dataflow, selection.since).number
        before = self._catalog.attributes_at(dataflow, after)
        changed = (
            _gone(before, found.attributes) if selection.gone else _new(before, found.attributes)
        )
        states = before if selection.gone else found.attributes
        return replace(found, attributes=changed, after=after, state_attributes=states)

    def _at(self, selection: Selection, state: FlowState) -> Slice:
        """Return a selection with the state at its instant."""
        if selection.as_of is None:
            return Slice(selection, state, state.head.revision, state.attributes, None)
        dataflow = selection.dsd.urn
        revision = self._catalog.revision_at(dataflow, selection.as_of)
        if revision.number >= state.head.revision.number:
            # Greater where a commit came in between: this snapshot is the state before it, and says so.
            return Slice(selection, state, state.head.revision, state.attributes, None)
        attributes = self._catalog.attributes_at(dataflow, revision.number)
        return Slice(selection, state, revision, attributes, revision.number)

    def _state(self, dataflow: Urn) -> FlowState | None:
        """Return the present state; one look-up tells whether the one that is known still holds."""
        head = self._catalog.head(dataflow)
        known = self._states.get(dataflow)
        if head is None or (known is not None and known.head.layout == head.layout):
            return known if head else None
        state = self._catalog.state(dataflow)
        if state is not None:
            self._states[dataflow] = state
        return state

    def _after_fork(self) -> None:
        # Connections and engines do not survive a fork; the parent goes on using its own.
        if self._process != os.getpid():
            self._process = os.getpid()
            self._catalog.dispose(close=False)
            self._lock = WriterLock(self._catalog)
            self._reader = None

    # -- writing -----------------------------------------------------------------------------------

    def write(self, datasets: Sequence[Dataset], submission: SubmissionRecord) -> Receipt:
        """Apply the datasets, in order, and the ledger entry as one transaction: all or nothing.

        A submission is applied once: where its id is in the ledger with the same SHA-256 of its source, the
        receipt of that time is returned and nothing is written.

        Raises:
            StoreError: nothing was written.
        """
        self._after_fork()
        started = time.perf_counter()
        staged = stage(datasets)
        with self._lock.held():
            recorded = self._recorded(submission)
            if recorded is not None:
                return recorded
            receipt = self._write(staged, submission)
        _LOG.info(
            "submission=%s transaction=%s dataflows=%s ms=%.0f",
            submission.id,
            receipt.transaction,
            len(receipt.changes),
            1000 * (time.perf_counter() - started),
        )
        return receipt

    def _recorded(self, submission: SubmissionRecord) -> Receipt | None:
        found = self._catalog.receipt(submission.id)
        if found is None:
            return None
        entry, changes = found
        digest = submission.source_sha256
        if digest is None or digest != entry.submission.source_sha256:
            raise StoreError(
                f"submission {submission.id} is in the ledger already, with another source; give each "
                "submission its own id"
            )
        return Receipt(entry.transaction, entry.at, changes)

    def _write(self, staged: Sequence[Staged], submission: SubmissionRecord) -> Receipt:
        transaction, at = self._next_transaction()
        flows = self._write_leaves(staged, transaction)
        transaction = transaction if any(not flow.is_empty for flow in flows) else 0
        # From here on files stay, whatever happens: a commit that fails may yet have been made.
        with self._catalog.commit(transaction, at, flows, submission):
            self._fault("before-commit")
        self._fault("after-commit")
        return Receipt(transaction, at, tuple(flow.change for flow in flows))

    def _write_leaves(self, staged: Sequence[Staged], transaction: int) -> list[FlowCommit]:
        flows: list[FlowCommit] = []
        try:
            for entry in staged:
                state = self._catalog.state(entry.dataflow)
                writer = FlowWriter(entry, state, self._leaves, transaction)
                flows.append(writer.commit)
                writer.write()
            self._leaves.sync(leaf for flow in flows for leaf in flow.new)
        except StoreError:
            self._leaves.remove(leaf for flow in flows for leaf in flow.new)
            raise
        return flows

    def _next_transaction(self) -> tuple[int, datetime]:
        last, last_at = self._catalog.last_transaction()
        now = self._clock()
        if last_at is None or now > last_at:
            return last + 1, now
        if last_at - now > CLOCK_TOLERANCE:
            raise StoreError(
                f"the clock says {now:%Y-%m-%dT%H:%M:%SZ}, the newest transaction is of "
                f"{last_at:%Y-%m-%dT%H:%M:%SZ}: set the clock right; nothing was written"
            )
        return last + 1, last_at + timedelta(microseconds=1)

    # -- upkeep ------------------------------------------------------------------------------------

    def collect(self, grace: timedelta = COLLECT_GRACE) -> Collected:
        """Remove superseded leaves and leftovers of crashes that are older than the grace period.

        The versions in superseded leaves are in leaves that stay; no answer changes.
        """
        self._after_fork()
        with self._lock.held():
            self._catalog.forget_closed(self._clock() - grace)
            self._fault("collect-forgotten")
            known = self._catalog.known_paths()
            oldest = time.time() - grace.total_seconds()
            files = size = 0
            for name, path in self._leaves.files():
                status = path.stat()
                if name not in known and status.st_mtime <= oldest:
                    path.unlink()
                    self._fault("collect-removed")
                    files, size = files + 1, size + status.st_size
        return Collected(files, size)

    def check(self, progress: Progress | None = None) -> tuple[str, ...]:
        """Return what is wrong with the files of the store: each is read again and compared with its hash."""
        self._after_fork()
        problems = []
        for leaf in reporting(self._catalog.leaves(), progress):
            problem = self._leaves.problem(leaf)
            # What was superseded meanwhile may have been collected.
            if problem is not None and self._catalog.lists(leaf):
                problems.append(problem)
        return tuple(problems)

    def compact(self, progress: Progress | None = None) -> Compacted:
        """Turn many small leaves into few, a dataflow at a time; no answer changes, of whatever instant.

        Writers take turns with it between two dataflows. `collect` removes the old leaves later.

        Raises:
            StoreError: the dataflows done so far are compacted, the others are as they were.
        """
        self._after_fork()
        before = after = 0
        for dataflow in reporting(self._catalog.dataflows(), progress):
            with self._lock.held():
                _, at = self._next_transaction()
                done = compact_flow(self._catalog, self._leaves, dataflow, at, self._fault)
            before, after = before + done.before, after + done.after
        return Compacted(before, after)

    def backup(self, target: Path, progress: Progress | None = None) -> Copied:
        """Write a consistent copy of the store to a new folder, while others read and write.

        Raises:
            StoreError: the folder is there already, or a leaf is damaged; nothing is left behind.
        """
        self._after_fork()
        return write_backup(self._catalog, self._leaves, target, self._fault, progress)


def _new(before: AttributeStates, now: AttributeStates) -> AttributeStates:
    """Return the values above the observation that were not, or were others, before."""
    return {key: value for key, value in now.items() if before.get(key) != value}


def _gone(before: AttributeStates, now: AttributeStates) -> AttributeStates:
    """Return the values above the observation that are there no more."""
    return {key: value for key, value in before.items() if key not in now}
