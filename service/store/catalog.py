"""The catalog: which leaves, attribute values and ledger entries make up the store at each transaction.

One row of `transactions` is the point at which a submission becomes visible. The tables are plain SQL and
work on SQLite and PostgreSQL; docs/store.md describes them. Instants are whole microseconds of UTC.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from codelists.urn import Urn, parse_urn
from service.store.protocol import (
    Change,
    LedgerEntry,
    Revision,
    StoreError,
    StoreFormatError,
    StoreUnavailableError,
    SubmissionRecord,
)
from service.store.tables import BIG as _BIG
from service.store.tables import METADATA as _METADATA

FORMAT_VERSION = 2
"""Version of the catalog's tables and of the leaves' columns together."""

OPEN_END = 2**63 - 1
"""`tx_to` of what is current."""

CURRENT = "C"
HISTORY = "H"
SERIES = "S"
"""Kind of the index of the series of a current leaf; it has the least key of that leaf."""

_BUSY_SECONDS = 30
"""How long one waits for another process to end its transaction of a SQLite catalog."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_STORE = sa.Table(
    "store",
    _METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
_TRANSACTIONS = sa.Table(
    "transactions",
    _METADATA,
    sa.Column("id", _BIG, primary_key=True, autoincrement=False),
    sa.Column("at", _BIG, nullable=False, unique=True),
)
_DATAFLOW = sa.Table(
    "dataflow",
    _METADATA,
    sa.Column("urn", sa.Text, primary_key=True),
    sa.Column("dimensions", sa.Text, nullable=False),
    sa.Column("revision", _BIG, nullable=False),
    sa.Column("revised_at", _BIG, nullable=False),
    sa.Column("layout", _BIG, nullable=False),
)
_LEAF = sa.Table(
    "leaf",
    _METADATA,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("dataflow", sa.Text, nullable=False),
    sa.Column("kind", sa.String(1), nullable=False),
    sa.Column("low_key", sa.Text, nullable=False),
    sa.Column("row_count", _BIG, nullable=False),
    sa.Column("columns", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("constants", sa.Text, nullable=False, default="{}"),
    sa.Column("tx_from", _BIG, nullable=False),
    sa.Column("tx_to", _BIG, nullable=False),
    sa.Column("closed_at", _BIG),
    sa.Index("leaf_by_dataflow", "dataflow", "tx_to"),
)
_ATTRIBUTE = sa.Table(
    "attribute",
    _METADATA,
    sa.Column("dataflow", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("component", sa.Text, primary_key=True),
    sa.Column("tx_from", _BIG, primary_key=True, autoincrement=False),
    sa.Column("tx_to", _BIG, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Index("attribute_by_dataflow", "dataflow", "tx_to"),
)
_LEDGER = sa.Table(
    "ledger",
    _METADATA,
    sa.Column("number", _BIG, primary_key=True, autoincrement=False),
    sa.Column("submission", sa.Text, nullable=False, unique=True),
    sa.Column("transaction_id", _BIG, nullable=False),
    sa.Column("at", _BIG, nullable=False),
    sa.Column("provider", sa.Text),
    sa.Column("source_name", sa.Text),
    sa.Column("source_sha256", sa.Text),
    sa.Column("details", sa.Text),
)
_CHANGE = sa.Table(
    "change",
    _METADATA,
    sa.Column("ledger_number", _BIG, primary_key=True, autoincrement=False),
    sa.Column("dataflow", sa.Text, primary_key=True),
    sa.Column("position", _BIG, nullable=False),
    sa.Column("transaction_id", _BIG, nullable=False),
    sa.Column("inserted", _BIG, nullable=False),
    sa.Column("updated", _BIG, nullable=False),
    sa.Column("deleted", _BIG, nullable=False),
    sa.Column("unchanged", _BIG, nullable=False),
    sa.Index("change_by_dataflow", "dataflow", "transaction_id"),
)

_HEAD = sa.select(
    _DATAFLOW.c.revision, _DATAFLOW.c.revised_at, _DATAFLOW.c.layout, _DATAFLOW.c.dimensions
).where(_DATAFLOW.c.urn == sa.bindparam("dataflow"))
_REVISIONS = sa.select(_DATAFLOW.c.urn, _DATAFLOW.c.revision, _DATAFLOW.c.revised_at)
_CURRENT_LEAVES = sa.select(
    _LEAF.c.path,
    _LEAF.c.kind,
    _LEAF.c.low_key,
    _LEAF.c.row_count,
    _LEAF.c.columns,
    _LEAF.c.sha256,
    _LEAF.c.tx_from,
    _LEAF.c.constants,
).where(_LEAF.c.dataflow == sa.bindparam("dataflow"), _LEAF.c.tx_to == OPEN_END)
_ATTRIBUTES_AT = sa.select(_ATTRIBUTE.c.key, _ATTRIBUTE.c.component, _ATTRIBUTE.c.value).where(
    _ATTRIBUTE.c.dataflow == sa.bindparam("dataflow"),
    _ATTRIBUTE.c.tx_from <= sa.bindparam("at"),
    _ATTRIBUTE.c.tx_to > sa.bindparam("at"),
)

Value = str | tuple[str, ...]
"""A value of a component, a tuple where it holds several."""
AttributeKey = tuple[tuple[str, str], ...]
"""Dimension id and value, sorted by id: what an attribute value above the observation depends on."""
AttributeStates = dict[tuple[AttributeKey, str], Value]
"""Values above the observation by key and component."""


@dataclass(frozen=True)
class Leaf:
    """One immutable Parquet file, as the catalog lists it."""

    path: str
    """Relative to the store folder, with forward slashes."""
    kind: str
    low_key: str
    """Least series key that may be in it; the range ends before that of the next leaf."""
    rows: int
    columns: Mapping[str, bool]
    """The components that it has columns for, True where they hold lists."""
    sha256: str
    tx_from: int
    """Transaction that wrote it; after compaction the newest of those that wrote its rows."""
    constants: Mapping[str, Value] = field(default_factory=dict)
    """Components that have one and the same value in every row: they need not be read."""


@dataclass(frozen=True)
class Head:
    """What one look-up tells of a dataflow."""

    revision: Revision
    layout: int
    """Changes whenever the list of leaves does, even where no answer could."""
    dimensions: tuple[str, ...]


@dataclass(frozen=True)
class FlowState:
    """The leaves and attribute values of a dataflow in one state, consistent with each other."""

    head: Head
    leaves: tuple[Leaf, ...]
    """In order of their key ranges."""
    history: tuple[Leaf, ...]
    """Superseded versions, by the transaction that superseded them."""
    attributes: AttributeStates
    series: Mapping[str, Leaf] = field(default_factory=dict)
    """The index of the series of each leaf, by the path of the leaf."""


@dataclass
class FlowCommit:
    """What a transaction does to the catalog of one dataflow."""

    dataflow: Urn
    dimensions: tuple[str, ...]
    change: Change
    closed: list[Leaf] = field(default_factory=list)
    new: list[Leaf] = field(default_factory=list)
    attributes_closed: list[tuple[AttributeKey, str]] = field(default_factory=list)
    attributes_new: AttributeStates = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True where nothing differs."""
        return not (self.closed or self.new or self.attributes_closed or self.attributes_new)


def to_microseconds(instant: datetime) -> int:
    """Return an instant as the catalog keeps it; one without a time zone is UTC."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(number: int) -> datetime:
    """Return the instant that the catalog keeps as `number`."""
    return _EPOCH + timedelta(microseconds=number)


class Catalog:
    """The tables, in SQLite or PostgreSQL."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url or f"sqlite:///{(folder / 'catalog.sqlite').as_posix()}"
        self.engine = _engine(self.url)
        self._unbegun = self.engine.execution_options(
            **({"ilms_begin": None} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"})
        )
        self.fence: Callable[[sa.Connection], None] | None = None
        """Called first in each writing transaction; it raises where the writer has lost its turn."""

    @property
    def is_sqlite(self) -> bool:
        """True where the catalog is a SQLite file."""
        return self.engine.dialect.name == "sqlite"

    def dispose(self, *, close: bool = True) -> None:
        """Let go of the connections; `close=False` in a forked child, which must not close its parent's."""
        self.engine.dispose(close=close)

    # -- format ------------------------------------------------------------------------------------

    def format_version(self) -> int | None:
        """Return the recorded format version, None where the catalog has no tables yet."""
        with self._reading() as connection:
            if not sa.inspect(connection).has_table(_STORE.name):
                return None
            text = connection.execute(
                sa.select(_STORE.c.value).where(_STORE.c.name == "format")
            ).scalar()
        if text is None or not text.isdecimal():
            raise StoreFormatError(
                f"{self._place} records no format version, so it is no catalog of this store or it is "
                "damaged; restore it from a backup, or name another store folder"
            )
        return int(text)

    def create(self) -> None:
        """Create the tables and record the format version."""
        with self._writing() as connection:
            _METADATA.create_all(connection)
            connection.execute(_STORE.insert(), {"name": "format", "value": str(FORMAT_VERSION)})

    def check_format(self, version: int, oldest: int = FORMAT_VERSION) -> None:
        """Refuse a format version other than this release's; from `oldest` on a store can be migrated.

        Raises:
            StoreFormatError: says what to do.
        """
        if version > FORMAT_VERSION:
            raise StoreFormatError(
                f"{self._place} has store format {version}, written by a newer release; this one reads up to "
                f"format {FORMAT_VERSION}: install the newer release of ilms-exchange"
            )
        if oldest <= version < FORMAT_VERSION:
            raise StoreFormatError(
                f"{self._place} has store format {version}, this release has format {FORMAT_VERSION}: stop the "
                "service and run `ilms store migrate --backup FOLDER`"
            )
        if version < FORMAT_VERSION:
            raise StoreFormatError(
                f"{self._place} has store format {version}, which no release writes: it is damaged; restore it "
                "from a backup"
            )

    # -- reading -----------------------------------------------------------------------------------

    def head(self, dataflow: Urn) -> Head | None:
        """Return what one look-up tells of a dataflow, None where it was never written."""
        with self._looking() as connection:
            return self._head(connection, dataflow)

    def heads(self, dataflows: Sequence[Urn]) -> tuple[Revision, ...]:
        """Return the present revisions of dataflows, all read at once."""
        with self._reading() as connection:
            rows = connection.execute(_REVISIONS).all()
        known = {row[0]: Revision(row[1], from_microseconds(row[2])) for row in rows}
        return tuple(known.get(str(dataflow), Revision(0, None)) for dataflow in dataflows)

    def state(self, dataflow: Urn) -> FlowState | None:
        """Return the present state of a dataflow, None where it was never written."""
        with self._reading() as connection:
            head = self._head(connection, dataflow)
            if head is None:
                return None
            leaves = [
                _leaf(row)
                for row in connection.execute(_CURRENT_LEAVES, {"dataflow": str(dataflow)})
            ]
            attributes = self._attributes(connection, dataflow, head.revision.number)
        # Sorted here and not in SQL: code point order, whatever the collation of the database.
        current = sorted((e for e in leaves if e.kind == CURRENT), key=lambda entry: entry.low_key)
        return FlowState(
            head,
            tuple(current),
            tuple(
                sorted((e for e in leaves if e.kind == HISTORY), key=lambda entry: entry.tx_from)
            ),
            attributes,
            _indexes(current, leaves),
        )

    def attributes_at(self, dataflow: Urn, transaction: int) -> AttributeStates:
        """Return the values above the observation as a transaction left them."""
        with self._reading() as connection:
            return self._attributes(connection, dataflow, transaction)

    def attribute_changes(self, dataflow: Urn) -> dict[AttributeKey, int]:
        """Return the last transaction that wrote or removed a value above the observation, by what it depends on."""
        query = sa.select(_ATTRIBUTE.c.key, _ATTRIBUTE.c.tx_from, _ATTRIBUTE.c.tx_to).where(
            _ATTRIBUTE.c.dataflow == str(dataflow)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        found: dict[AttributeKey, int] = {}
        for text, first, last in rows:
            key = _attribute_key(text)
            found[key] = max(found.get(key, 0), first if last == OPEN_END else last)
        return found

    def revision_at(self, dataflow: Urn, instant: datetime) -> Revision:
        """Return the revision that a dataflow had at an instant."""
        query = (
            sa.select(_TRANSACTIONS.c.id, _TRANSACTIONS.c.at)
            .join(_CHANGE, _CHANGE.c.transaction_id == _TRANSACTIONS.c.id)
            .where(
                _CHANGE.c.dataflow == str(dataflow),
                _TRANSACTIONS.c.at <= to_microseconds(instant),
            )
            .order_by(_TRANSACTIONS.c.id.desc())
            .limit(1)
        )
        with self._reading() as connection:
            row = connection.execute(query).first()
        return Revision(0, None) if row is None else Revision(row[0], from_microseconds(row[1]))

    def revisions(self, dataflow: Urn) -> tuple[Revision, ...]:
        """Return every revision that a dataflow has had, newest first."""
        query = (
            sa.select(_TRANSACTIONS.c.id, _TRANSACTIONS.c.at)
            .join(_CHANGE, _CHANGE.c.transaction_id == _TRANSACTIONS.c.id)
            .where(_CHANGE.c.dataflow == str(dataflow))
            .order_by(_TRANSACTIONS.c.id.desc())
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return tuple(Revision(row[0], from_microseconds(row[1])) for row in rows)

    def dataflows(self) -> tuple[Urn, ...]:
        """Return the dataflows that hold, or ever held, data."""
        with self._reading() as connection:
            urns = [row[0] for row in connection.execute(sa.select(_DATAFLOW.c.urn))]
        return tuple(parse_urn(urn) for urn in sorted(urns))

    def leaves(self) -> tuple[Leaf, ...]:
        """Return every current and history leaf of the store."""
        query = (
            sa.select(*_CURRENT_LEAVES.selected_columns)
            .where(_LEAF.c.tx_to == OPEN_END)
            .order_by(_LEAF.c.path)
        )
        with self._reading() as connection:
            return tuple(_leaf(row) for row in connection.execute(query))

    def ledger(self, dataflow: Urn | None = None) -> list[LedgerEntry]:
        """Return the ledger, newest first, of one dataflow or of all."""
        query = sa.select(_LEDGER).order_by(_LEDGER.c.number.desc())
        if dataflow is not None:
            query = query.join(_CHANGE, _CHANGE.c.ledger_number == _LEDGER.c.number).where(
                _CHANGE.c.dataflow == str(dataflow)
            )
        with self._reading() as connection:
            return [_ledger_entry(row) for row in connection.execute(query).mappings()]

    def receipt(self, submission: str) -> tuple[LedgerEntry, tuple[Change, ...]] | None:
        """Return the ledger entry of a submission and what it did, None where it is not recorded."""
        with self._reading() as connection:
            row = (
                connection.execute(sa.select(_LEDGER).where(_LEDGER.c.submission == submission))
                .mappings()
                .first()
            )
            if row is None:
                return None
            changes = connection.execute(
                sa.select(
                    _CHANGE.c.dataflow,
                    _CHANGE.c.inserted,
                    _CHANGE.c.updated,
                    _CHANGE.c.deleted,
                    _CHANGE.c.unchanged,
                )
                .where(_CHANGE.c.ledger_number == row["number"])
                .order_by(_CHANGE.c.position)
            ).all()
        return _ledger_entry(row), tuple(Change(parse_urn(c[0]), *c[1:]) for c in changes)

    def last_transaction(self) -> tuple[int, datetime | None]:
        """Return the id and instant of the newest transaction; 0 and None where there is none."""
        query = sa.select(_TRANSACTIONS).order_by(_TRANSACTIONS.c.id.desc()).limit(1)
        with self._reading() as connection:
            row = connection.execute(query).first()
        return (0, None) if row is None else (row[0], from_microseconds(row[1]))

    # -- writing -----------------------------------------------------------------------------------

    @contextmanager
    def commit(
        self,
        transaction: int,
        at: datetime,
        flows: Sequence[FlowCommit],
        submission: SubmissionRecord,
    ) -> Iterator[None]:
        """Write one transaction and its ledger entry; it is committed when the context is left well.

        `transaction` 0 writes the ledger entry alone. Besides the ticket, the primary keys and the count of
        closed leaves are a fence: a writer that lost its turn cannot commit over another.

        Raises:
            StoreUnavailableError: another writer was first; nothing was written.
        """
        moment = to_microseconds(at)
        try:
            with self._writing() as connection:
                if transaction:
                    connection.execute(_TRANSACTIONS.insert(), {"id": transaction, "at": moment})
                number = self._enter(connection, transaction, moment, submission)
                for position, flow in enumerate(flows):
                    self._write_flow(connection, flow, (number, position, transaction, moment))
                yield
        except sa.exc.IntegrityError as error:
            raise StoreUnavailableError(
                "another writer changed the store at the same time; nothing was written: submit again"
            ) from error

    def _enter(
        self,
        connection: sa.Connection,
        transaction: int,
        moment: int,
        submission: SubmissionRecord,
    ) -> int:
        last = connection.execute(sa.select(sa.func.max(_LEDGER.c.number))).scalar()
        number = int(last or 0) + 1
        details = submission.details
        connection.execute(
            _LEDGER.insert(),
            {
                "number": number,
                "submission": submission.id,
                "transaction_id": transaction,
                "at": moment,
                "provider": submission.provider,
                "source_name": submission.source_name,
                "source_sha256": submission.source_sha256,
                "details": None if details is None else json.dumps(dict(details), sort_keys=True),
            },
        )
        return number

    def _write_flow(
        self, connection: sa.Connection, flow: FlowCommit, stamp: tuple[int, int, int, int]
    ) -> None:
        number, position, transaction, moment = stamp
        urn = str(flow.dataflow)
        change = flow.change
        connection.execute(
            _CHANGE.insert(),
            {
                "ledger_number": number,
                "dataflow": urn,
                "position": position,
                "transaction_id": 0 if flow.is_empty else transaction,
                "inserted": change.inserted,
                "updated": change.updated,
                "deleted": change.deleted,
                "unchanged": change.unchanged,
            },
        )
        if flow.is_empty:
            return
        self._set_head(connection, flow, transaction, moment)
        self._close_leaves(connection, flow.closed, transaction, moment)
        self._write_attributes(connection, flow, transaction)
        if flow.new:
            connection.execute(_LEAF.insert(), [_leaf_row(urn, leaf) for leaf in flow.new])

    def _set_head(
        self, connection: sa.Connection, flow: FlowCommit, transaction: int, moment: int
    ) -> None:
        urn = str(flow.dataflow)
        values: dict[str, Any] = {"revision": transaction, "revised_at": moment}
        done = connection.execute(
            _DATAFLOW.update()
            .where(_DATAFLOW.c.urn == urn)
            .values(**values, layout=_DATAFLOW.c.layout + 1)
        )
        if done.rowcount == 0:
            dimensions = json.dumps(list(flow.dimensions))
            connection.execute(
                _DATAFLOW.insert(), {"urn": urn, "dimensions": dimensions, "layout": 1, **values}
            )

    def _close_leaves(
        self, connection: sa.Connection, closed: Sequence[Leaf], transaction: int, moment: int
    ) -> None:
        for leaf in closed:
            done = connection.execute(
                _LEAF.update()
                .where(_LEAF.c.path == leaf.path, _LEAF.c.tx_to == OPEN_END)
                .values(tx_to=transaction, closed_at=moment)
            )
            if done.rowcount != 1:
                raise StoreUnavailableError(
                    "another writer changed the store at the same time; nothing was written: submit again"
                )

    def _write_attributes(
        self, connection: sa.Connection, flow: FlowCommit, transaction: int
    ) -> None:
        urn = str(flow.dataflow)
        for key, component in flow.attributes_closed:
            connection.execute(
                _ATTRIBUTE.update()
                .where(
                    _ATTRIBUTE.c.dataflow == urn,
                    _ATTRIBUTE.c.key == json.dumps(key),
                    _ATTRIBUTE.c.component == component,
                    _ATTRIBUTE.c.tx_to == OPEN_END,
                )
                .values(tx_to=transaction)
            )
        if flow.attributes_new:
            connection.execute(
                _ATTRIBUTE.insert(),
                [
                    {
                        "dataflow": urn,
                        "key": json.dumps(key),
                        "component": component,
                        "tx_from": transaction,
                        "tx_to": OPEN_END,
                        "value": json.dumps(value),
                    }
                    for (key, component), value in flow.attributes_new.items()
                ],
            )

    # -- upkeep -----------------------------------------------------------------------------------

    @contextmanager
    def replace_leaves(
        self, dataflow: Urn, closed: Sequence[Leaf], new: Sequence[Leaf], at: datetime
    ) -> Iterator[None]:
        """List other leaves that hold the same versions; committed when the context is left well.

        Raises:
            StoreUnavailableError: another writer was first; nothing was changed.
        """
        urn = str(dataflow)
        with self._writing() as connection:
            last = connection.execute(sa.select(sa.func.max(_TRANSACTIONS.c.id))).scalar()
            self._close_leaves(connection, closed, int(last or 0), to_microseconds(at))
            connection.execute(_LEAF.insert(), [_leaf_row(urn, leaf) for leaf in new])
            connection.execute(
                _DATAFLOW.update()
                .where(_DATAFLOW.c.urn == urn)
                .values(layout=_DATAFLOW.c.layout + 1)
            )
            yield

    def lists(self, leaf: Leaf) -> bool:
        """Tell whether a leaf is still part of the present state."""
        query = sa.select(_LEAF.c.path).where(_LEAF.c.path == leaf.path, _LEAF.c.tx_to == OPEN_END)
        with self._reading() as connection:
            return connection.execute(query).first() is not None

    @property
    def table_names(self) -> tuple[str, ...]:
        """The tables of this release's format."""
        return tuple(_METADATA.tables)

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """Return one consistent view of all tables, for what copies them as they are."""
        return self._reading()

    def looking(self) -> AbstractContextManager[sa.Connection]:
        """Return a connection for one statement, which is consistent by itself."""
        return self._looking()

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """Return one transaction over all tables, for what writes them as they are."""
        return self._writing()

    # -- leftovers ---------------------------------------------------------------------------------

    def forget_closed(self, before: datetime) -> None:
        """Drop the entries of leaves that were superseded before an instant."""
        with self._writing() as connection:
            connection.execute(
                _LEAF.delete().where(
                    _LEAF.c.tx_to != OPEN_END, _LEAF.c.closed_at < to_microseconds(before)
                )
            )

    def known_paths(self) -> set[str]:
        """Return the paths of all leaves that the catalog lists, superseded ones included."""
        with self._reading() as connection:
            return set(connection.execute(sa.select(_LEAF.c.path)).scalars())

    # -- connections -------------------------------------------------------------------------------

    @property
    def _place(self) -> str:
        return f"the catalog {self.engine.url.render_as_string(hide_password=True)}"

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """One consistent view of all tables."""
        with self._translated("read"), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _looking(self) -> Iterator[sa.Connection]:
        """A connection for one statement, which is consistent by itself and so begins no transaction."""
        with self._translated("read"), self._unbegun.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._translated("written"), self.engine.connect() as connection:
            if self.is_sqlite:
                # Taken at once, so that a reader's lock is never upgraded: that fails without waiting.
                connection.execution_options(ilms_begin="IMMEDIATE")
            else:
                # A sign of life that the fence meets must not fail the transaction: it is alone anyhow.
                connection.execution_options(isolation_level="READ COMMITTED")
            with connection.begin():
                if self.fence is not None:
                    self.fence(connection)
                yield connection

    @contextmanager
    def ticketing(self, *, write: bool) -> Iterator[sa.Connection]:
        """A short transaction of the queue of writers, which need not survive a failure of the machine."""
        with (
            self._translated("written" if write else "read"),
            self.engine.connect() as connection,
        ):
            if not self.is_sqlite:
                connection.execution_options(isolation_level="READ COMMITTED")
            elif write:
                connection.execution_options(ilms_begin="IMMEDIATE", ilms_synchronous="normal")
            with connection.begin():
                yield connection

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        try:
            yield
        except sa.exc.IntegrityError:
            raise
        except (sa.exc.OperationalError, sa.exc.InternalError) as error:
            # PostgreSQL says by the second that it ended a transaction that stood still.
            raise StoreUnavailableError(
                f"{self._place} cannot be {verb} now: {error.orig}; {_what_to_check(error)}"
            ) from error
        except sa.exc.DataError as error:
            raise StoreError(f"{self._place} cannot hold a text: {error.orig}") from error
        except sa.exc.DatabaseError as error:
            raise StoreFormatError(
                f"{self._place} cannot be {verb}: {error.orig}; it is damaged or is no catalog of this "
                "store: restore it from a backup, or name another store folder"
            ) from error
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(f"{self._place} cannot be {verb}: {error}") from error

    def _head(self, connection: sa.Connection, dataflow: Urn) -> Head | None:
        row = connection.execute(_HEAD, {"dataflow": str(dataflow)}).first()
        if row is None:
            return None
        revision = Revision(row[0], from_microseconds(row[1]))
        return Head(revision, row[2], tuple(json.loads(row[3])))

    def _attributes(
        self, connection: sa.Connection, dataflow: Urn, transaction: int
    ) -> AttributeStates:
        rows = connection.execute(_ATTRIBUTES_AT, {"dataflow": str(dataflow), "at": transaction})
        found: AttributeStates = {}
        for row in rows:
            value = json.loads(row[2])
            found[_attribute_key(row[0]), row[1]] = (
                tuple(value) if isinstance(value, list) else value
            )
        return found


def _attribute_key(text: str) -> AttributeKey:
    return tuple((str(dimension), str(code)) for dimension, code in json.loads(text))


def _what_to_check(error: sa.exc.DBAPIError) -> str:
    if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return (
            f"another process has been writing it for {_BUSY_SECONDS} s: see whether one that uses this store "
            "stands still, and let it go on or end it"
        )
    return "check that its disk has room and is writable, or that the database server runs"


def _leaf_row(dataflow: str, leaf: Leaf) -> dict[str, Any]:
    return {
        "path": leaf.path,
        "dataflow": dataflow,
        "kind": leaf.kind,
        "low_key": leaf.low_key,
        "row_count": leaf.rows,
        "columns": json.dumps(dict(leaf.columns)),
        "sha256": leaf.sha256,
        "constants": json.dumps(dict(leaf.constants)),
        "tx_from": leaf.tx_from,
        "tx_to": OPEN_END,
        "closed_at": None,
    }


def _leaf(row: Sequence[Any]) -> Leaf:
    constants = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in json.loads(row[7]).items()
    }
    return Leaf(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5], row[6], constants)


def _indexes(current: Sequence[Leaf], leaves: Sequence[Leaf]) -> dict[str, Leaf]:
    """Return the index of each current leaf: both begin at one key, as ranges are disjoint."""
    found = {leaf.low_key: leaf for leaf in leaves if leaf.kind == SERIES}
    return {leaf.path: found[leaf.low_key] for leaf in current if leaf.low_key in found}


def _ledger_entry(row: sa.RowMapping) -> LedgerEntry:
    details = row["details"]
    return LedgerEntry(
        row["transaction_id"],
        from_microseconds(row["at"]),
        SubmissionRecord(
            row["submission"],
            row["provider"],
            row["source_name"],
            row["source_sha256"],
            None if details is None else json.loads(details),
        ),
    )


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() != "sqlite":
            # A snapshot takes several statements; each must see the same state.
            return sa.create_engine(parsed, isolation_level="REPEATABLE READ", pool_pre_ping=True)
        engine = sa.create_engine(parsed)
    except (sa.exc.ArgumentError, ImportError) as error:
        raise StoreError(f"store_url cannot be used: {error}") from error
    sa.event.listen(engine, "connect", _set_up_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun by _begin_sqlite, not by the driver at the first change.
    connection.isolation_level = None
    for pragma in ("journal_mode=wal", "synchronous=full", f"busy_timeout={_BUSY_SECONDS * 1000}"):
        connection.execute(f"pragma {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    kind = options.get("ilms_begin", "DEFERRED")
    wanted, info = options.get("ilms_synchronous", "full"), connection.info
    if info.get("ilms_synchronous", "full") != wanted:  # It stays with the pooled connection.
        connection.exec_driver_sql(f"pragma synchronous={wanted}")
        info["ilms_synchronous"] = wanted
    if kind is not None:
        connection.exec_driver_sql(f"BEGIN {kind}")
