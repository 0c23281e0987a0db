"""Pushed structures, and every change of them: what the catalog keeps beside the observations.

An artefact has one row for each of its states, valid from one transaction to another; nothing is overwritten.
What an artefact says is a text to the store: who pushes it decides what is written, and reads it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

import sqlalchemy as sa

from service.store.catalog import OPEN_END, Catalog, from_microseconds, to_microseconds
from service.store.fault import Fault
from service.store.protocol import (
    ArtefactChange,
    ArtefactKey,
    ArtefactState,
    HistoryEntry,
    Revision,
    StoreUnavailableError,
    StructureRecord,
)
from service.store.tables import ARTEFACT, STRUCTURE_MESSAGE

_PAIRS = 200
"""States that one statement asks for."""

_TRANSACTIONS = sa.table("transactions", sa.column("id"), sa.column("at"))
_REVISION = sa.select(sa.func.max(STRUCTURE_MESSAGE.c.transaction_id))
_STATES = sa.select(ARTEFACT.c.urn, ARTEFACT.c.tx_from, ARTEFACT.c.sha256).where(
    ARTEFACT.c.content.is_not(None)
)
_CURRENT = _STATES.where(ARTEFACT.c.tx_to == OPEN_END)
_FORMER = _STATES.where(
    ARTEFACT.c.tx_from <= sa.bindparam("at"), ARTEFACT.c.tx_to > sa.bindparam("at")
)
_REVISIONS = (
    sa.select(STRUCTURE_MESSAGE.c.transaction_id, _TRANSACTIONS.c.at)
    .join(_TRANSACTIONS, _TRANSACTIONS.c.id == STRUCTURE_MESSAGE.c.transaction_id)
    .order_by(STRUCTURE_MESSAGE.c.transaction_id.desc())
)
_CLOSE = (
    ARTEFACT.update()
    .where(ARTEFACT.c.urn == sa.bindparam("artefact"), ARTEFACT.c.tx_to == OPEN_END)
    .values(tx_to=sa.bindparam("closed_by"))
)


class ArtefactLog:
    """The tables `structure_message` and `artefact` of one catalog; see `service.store.protocol.Artefacts`."""

    def __init__(
        self,
        catalog: Callable[[], Catalog],
        turn: Callable[[], AbstractContextManager[None]],
        next_transaction: Callable[[], tuple[int, datetime]],
        fault: Fault,
    ) -> None:
        self._opened = catalog
        self._turn = turn
        self._next_transaction = next_transaction
        self._fault = fault

    @property
    def _catalog(self) -> Catalog:
        return self._opened()

    # -- reading -----------------------------------------------------------------------------------

    def revision(self) -> int:
        """Return the newest transaction that changed a structure, 0 where none did: one look-up."""
        with self._catalog.looking() as connection:
            return int(connection.execute(_REVISION).scalar() or 0)

    def revision_at(self, instant: datetime) -> Revision:
        """Return the newest transaction at or before an instant that changed a structure."""
        query = _REVISIONS.where(_TRANSACTIONS.c.at <= to_microseconds(instant)).limit(1)
        with self._catalog.reading() as connection:
            row = connection.execute(query).first()
        return Revision(0, None) if row is None else Revision(row[0], from_microseconds(row[1]))

    def states(self, at: int | None = None) -> tuple[int, list[ArtefactState]]:
        """Return the revision and the states of all artefacts, of now or as a transaction left them."""
        with self._catalog.reading() as connection:
            number = int(connection.execute(_REVISION).scalar() or 0)
            if at is None or at >= number:
                rows = connection.execute(_CURRENT).all()
            else:
                number, rows = at, connection.execute(_FORMER, {"at": at}).all()
        return number, [ArtefactState(ArtefactKey(row[0], row[1]), row[2]) for row in rows]

    def contents(self, keys: Sequence[ArtefactKey]) -> Iterator[tuple[ArtefactKey, str]]:
        """Yield what artefacts say in some of their states, in any order."""
        pair = sa.tuple_(ARTEFACT.c.urn, ARTEFACT.c.tx_from)
        columns = sa.select(ARTEFACT.c.urn, ARTEFACT.c.tx_from, ARTEFACT.c.content)
        for start in range(0, len(keys), _PAIRS):
            with self._catalog.reading() as connection:
                query = columns.where(
                    pair.in_([tuple(key) for key in keys[start : start + _PAIRS]])
                )
                rows = connection.execute(query).all()
            for urn, tx_from, content in rows:
                yield ArtefactKey(urn, tx_from), content

    def history(self, urn: str | None = None, limit: int | None = None) -> list[HistoryEntry]:
        """Return the changes of one artefact, or of all, newest first."""
        query = (
            sa.select(
                ARTEFACT.c.urn,
                ARTEFACT.c.action,
                ARTEFACT.c.sha256,
                ARTEFACT.c.tx_from,
                _TRANSACTIONS.c.at,
                STRUCTURE_MESSAGE.c.account,
                STRUCTURE_MESSAGE.c.agency,
                STRUCTURE_MESSAGE.c.request,
                STRUCTURE_MESSAGE.c.message,
                STRUCTURE_MESSAGE.c.sha256,
            )
            .join(STRUCTURE_MESSAGE, STRUCTURE_MESSAGE.c.transaction_id == ARTEFACT.c.tx_from)
            .join(_TRANSACTIONS, _TRANSACTIONS.c.id == ARTEFACT.c.tx_from)
            .order_by(ARTEFACT.c.tx_from.desc(), ARTEFACT.c.position)
        )
        if urn is not None:
            query = query.where(ARTEFACT.c.urn == urn)
        with self._catalog.reading() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [
            HistoryEntry(
                urn=row[0],
                action=row[1],
                sha256=row[2],
                transaction=row[3],
                at=from_microseconds(row[4]),
                record=StructureRecord(row[5], row[6], row[7], row[8], row[9]),
            )
            for row in rows
        ]

    # -- writing -----------------------------------------------------------------------------------

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Wait for the turn to write and hold it: what is read meanwhile is what `write` builds on.

        Raises:
            StoreUnavailableError: the turn does not come.
        """
        with self._turn():
            yield

    def write(self, changes: Sequence[ArtefactChange], record: StructureRecord) -> Revision:
        """Write the changes of one message as one transaction, all or nothing; only inside `changing`.

        Raises:
            StoreError: nothing was written.
        """
        transaction, at = self._next_transaction()
        try:
            with self._catalog.writing() as connection:
                connection.execute(
                    sa.insert(_TRANSACTIONS).values(id=transaction, at=to_microseconds(at))
                )
                connection.execute(
                    STRUCTURE_MESSAGE.insert(),
                    {
                        "transaction_id": transaction,
                        "account": record.account,
                        "agency": record.agency,
                        "request": record.request,
                        "message": record.message,
                        "sha256": record.sha256,
                    },
                )
                self._apply(connection, transaction, changes)
                self._fault("artefacts-before-commit")
        except sa.exc.IntegrityError as error:
            raise StoreUnavailableError(
                "another writer changed the store at the same time; nothing was written: submit again"
            ) from error
        self._fault("artefacts-after-commit")
        return Revision(transaction, at)

    def _apply(
        self, connection: sa.Connection, transaction: int, changes: Iterable[ArtefactChange]
    ) -> None:
        rows = [
            {
                "urn": change.urn,
                "tx_from": transaction,
                "tx_to": OPEN_END if change.content is not None else transaction,
                "position": position,
                "action": change.action,
                "content": change.content,
                "sha256": None if change.content is None else _digest(change.content),
            }
            for position, change in enumerate(changes)
        ]
        if rows:
            connection.execute(
                _CLOSE, [{"artefact": row["urn"], "closed_by": transaction} for row in rows]
            )
            connection.execute(ARTEFACT.insert(), rows)


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
