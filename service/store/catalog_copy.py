"""The tables of a catalog copied as they are, of any format, between SQLite and PostgreSQL.

The tables are read from the database and not from this release's definitions, so that a store of an older
format can be backed up and restored too. What every format has in common, and what this rests on: table
`store` (name, value) with the row `format`, `transactions` (id, at), and `leaf` with path, sha256 and tx_to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.store.catalog import OPEN_END
from service.store.protocol import StoreFormatError

_ROWS = 1000
"""Rows that are held at a time."""

_STORE = sa.table("store", sa.column("name"), sa.column("value"))
_TRANSACTIONS = sa.table("transactions", sa.column("id"), sa.column("at"))
_LEAF = sa.table("leaf", sa.column("path"), sa.column("sha256"), sa.column("tx_to"))


class ListedFile(NamedTuple):
    """A leaf as a backup needs it: where it lies, and its hash."""

    path: str
    sha256: str


class Identity(NamedTuple):
    """What tells a state of a store from others: its format and its newest transaction."""

    format: int
    transaction: int
    at: int | None


@contextmanager
def opened_copy(file: Path) -> Iterator[sa.Connection]:
    """Open the SQLite file of a copied catalog in one transaction."""
    # No journal beside the file, so that it can be copied as it is.
    engine = sa.create_engine(f"sqlite:///{file.as_posix()}", poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.DatabaseError as error:
        raise StoreFormatError(f"{file} cannot be used: {error.orig}") from error
    finally:
        engine.dispose()


def copy_tables(
    source: sa.Connection, target: sa.Connection, names: Collection[str] | None = None
) -> None:
    """Make the tables of one catalog, or those named, in an empty other one, with all their rows."""
    metadata = sa.MetaData()
    sa.event.listen(metadata, "column_reflect", _portable)
    there = set(sa.inspect(source).get_table_names())
    metadata.reflect(source, only=sorted(there if names is None else there & set(names)))
    metadata.create_all(target)
    for table in metadata.sorted_tables:
        rows = source.execute(sa.select(table), execution_options={"yield_per": _ROWS}).mappings()
        for part in rows.partitions(_ROWS):
            target.execute(table.insert(), [dict(row) for row in part])


def _portable(_inspector: object, _table: object, column: dict[str, Any]) -> None:
    if isinstance(column["type"], sa.Integer):
        # SQLite has one kind of integer; on PostgreSQL it must hold 64 bits.
        column["type"] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    column["autoincrement"] = False
    column["default"] = None


def forget_superseded(connection: sa.Connection) -> None:
    """Drop the entries of leaves that are listed no more."""
    connection.execute(sa.delete(_LEAF).where(_LEAF.c.tx_to != OPEN_END))


def listed_files(connection: sa.Connection) -> list[ListedFile]:
    """Return the leaves of the present state."""
    query = sa.select(_LEAF.c.path, _LEAF.c.sha256).where(_LEAF.c.tx_to == OPEN_END)
    return sorted(ListedFile(*row) for row in connection.execute(query))


def identity(connection: sa.Connection) -> Identity:
    """Return the format and the newest transaction of a catalog."""
    found = note(connection, "format")
    if found is None or not found.isdecimal():
        raise StoreFormatError("the catalog records no format version: it is damaged")
    newest = sa.select(_TRANSACTIONS.c.id, _TRANSACTIONS.c.at).order_by(_TRANSACTIONS.c.id.desc())
    row = connection.execute(newest.limit(1)).first()
    return Identity(int(found), row[0] if row else 0, row[1] if row else None)


def note(connection: sa.Connection, name: str) -> str | None:
    """Return what the table `store` says under a name."""
    query = sa.select(_STORE.c.value).where(_STORE.c.name == name)
    found: str | None = connection.execute(query).scalar()
    return found


def set_note(connection: sa.Connection, name: str, value: str | None) -> None:
    """Set, or with None remove, what the table `store` says under a name."""
    connection.execute(sa.delete(_STORE).where(_STORE.c.name == name))
    if value is not None:
        connection.execute(sa.insert(_STORE).values(name=name, value=value))
