"""The queue of writers: one row of the catalog's table `ticket` for each that waits or writes.

Numbers only grow, and the least one has the turn. Taking a ticket and taking the turn exclude each other, so
that no lower number appears later. A ticket shows life by its counter `beat`; no clock of any host is compared
with another. The rows need not outlive a failure of the machine: whoever had them does not either.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from service.store.catalog import Catalog
from service.store.owner import Owner, this_process

_WAITS = "W"
_HOLDS = "H"
_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_METADATA = sa.MetaData()
_TICKET = sa.Table(
    "ticket",
    _METADATA,
    sa.Column("number", _BIG, primary_key=True, autoincrement=True),
    sa.Column("token", sa.String(32), nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", _BIG, nullable=False),
    sa.Column("process_table", sa.Text, nullable=False),
    sa.Column("born", sa.Text, nullable=False),
    sa.Column("state", sa.String(1), nullable=False),
    sa.Column("beat", _BIG, nullable=False),
    sa.Column("since", _BIG, nullable=False),
    sqlite_autoincrement=True,
)
_T = _TICKET.c
_AHEAD = _TICKET.alias("ahead")
# Built once: to build them takes longer than to run them.
_THIS = sa.and_(_T.number == sa.bindparam("n"), _T.token == sa.bindparam("t"))
_BEAT = _TICKET.update().where(_THIS).values(beat=_T.beat + 1)
_CONFIRM = _BEAT.where(_T.state == _HOLDS)
_LEAVE = _TICKET.delete().where(_THIS)
_PASS = _TICKET.delete().where(
    _T.number.in_(
        sa.select(_T.number)
        .where(_THIS, _T.beat == sa.bindparam("b"))
        # A row that a commit has locked is of a writer that lives: it is skipped, not waited for.
        .with_for_update(skip_locked=True)
    )
)

_ADVISORY_KEY = 0x494C4D53
"""Key of the advisory lock on PostgreSQL: the letters ILMS."""
_ALONE_POSTGRESQL = sa.text("select pg_advisory_xact_lock(:key)").bindparams(key=_ADVISORY_KEY)
_LIMIT = "set_config('idle_in_transaction_session_timeout', '30s', true)"
_LIMIT_POSTGRESQL = sa.text(f"select {_LIMIT}")
"""Whoever stops in the middle of a transaction is ended by the server, so that others can pass it.

That includes signs of life: one that waits for the commit of its own process has the ticket when that is ended.
"""
_QUICK_POSTGRESQL = sa.text(f"select set_config('synchronous_commit', 'off', true), {_LIMIT}")
_END_POSTGRESQL = sa.text(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
    "and usename = current_user and backend_xid is not null and state = 'idle in transaction' "
    "and state_change < clock_timestamp() - interval '30 seconds'"
)
"""What the limit says, by whoever waits: not every server keeps to the limit by itself."""


@dataclass(frozen=True)
class Ticket:
    """A place in the queue as it was last seen."""

    number: int
    token: str
    """Tells it from any other that ever had, or will have, its number: a catalog may be restored."""
    owner: Owner
    holds: bool
    beat: int
    age: int
    """Seconds by the clock of the database that it has waited or, where it holds the turn, held it."""


class Tickets:
    """The table of tickets of one catalog, as one process uses it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._is_made = False
        is_sqlite = catalog.is_sqlite
        seconds = "strftime('%s', 'now')" if is_sqlite else "extract(epoch from clock_timestamp())"
        now = sa.literal_column(f"cast({seconds} as bigint)", sa.BigInteger())
        self.owner = this_process()
        self._take = (
            _TICKET.insert()
            .values(
                token=sa.bindparam("t"),
                host=self.owner.host,
                pid=self.owner.pid,
                process_table=self.owner.table,
                born=self.owner.born,
                state=_WAITS,
                beat=0,
                since=now,
            )
            .returning(_T.number)
        )
        self._up_to = (
            sa.select(*(column for column in _T if column is not _T.since), now - _T.since)
            .where(_T.number <= sa.bindparam("n"))
            .order_by(_T.number)
        )
        self._turn = (
            _TICKET.update()
            .where(_THIS, ~sa.exists().where(_AHEAD.c.number < sa.bindparam("n")))
            .values(state=_HOLDS, since=now, beat=_T.beat + 1)
        )

    def take(self) -> Ticket:
        """Take the next ticket; it holds the turn at once where nobody is ahead.

        Raises:
            StoreUnavailableError: the catalog cannot be written.
        """
        token = uuid.uuid4().hex
        made, self._is_made = self._is_made, False  # Until it is seen to be there.
        with self._alone() as connection:
            if not made:
                _METADATA.create_all(connection)
            number = connection.execute(self._take, {"t": token}).scalar_one()
            holds = _does(connection, self._turn, {"n": number, "t": token})
        self._is_made = True
        return Ticket(number, token, self.owner, holds, 0, 0)

    def up_to(self, ticket: Ticket) -> tuple[Ticket, ...]:
        """Return the tickets ahead of one and, last, itself; without itself where it was passed."""
        with self._catalog.ticketing(write=False) as connection:
            rows = connection.execute(self._up_to, {"n": ticket.number}).all()
        return tuple(
            Ticket(row[0], row[1], Owner(*row[2:6]), row[6] == _HOLDS, row[7], max(0, row[8]))
            for row in rows
        )

    def pass_over(self, ticket: Ticket, dead: Sequence[Ticket]) -> bool:
        """Remove dead tickets ahead, unless they showed life since, and take the turn if nobody is left."""
        with self._alone() as connection:
            for entry in dead:
                passed = _does(connection, _PASS, {**_key(entry), "b": entry.beat})
                if not passed and not self._catalog.is_sqlite:
                    connection.execute(_END_POSTGRESQL)
            return _does(connection, self._turn, _key(ticket))

    def beat(self, ticket: Ticket) -> bool:
        """Show life; return False where the ticket was passed."""
        with self._writing() as connection:
            return _does(connection, _BEAT, _key(ticket))

    def leave(self, ticket: Ticket) -> None:
        """Give the turn, or the place in the queue, back."""
        with self._writing() as connection:
            connection.execute(_LEAVE, _key(ticket))

    def confirm(self, connection: sa.Connection, ticket: Ticket) -> bool:
        """Return whether a ticket holds the turn, which nobody can then take before the transaction ends."""
        if not self._catalog.is_sqlite:
            connection.execute(_LIMIT_POSTGRESQL)
        return _does(connection, _CONFIRM, _key(ticket))

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._catalog.ticketing(write=True) as connection:
            if not self._catalog.is_sqlite:
                connection.execute(_QUICK_POSTGRESQL)
            yield connection

    @contextmanager
    def _alone(self) -> Iterator[sa.Connection]:
        with self._writing() as connection:
            if not self._catalog.is_sqlite:
                connection.execute(_ALONE_POSTGRESQL)
            yield connection


def _key(ticket: Ticket) -> dict[str, object]:
    return {"n": ticket.number, "t": ticket.token}


def _does(connection: sa.Connection, change: sa.Update | sa.Delete, key: dict[str, object]) -> bool:
    """Make a change; return whether its row was there."""
    return connection.execute(change, key).rowcount == 1
