"""API tokens as the catalog keeps them: never a secret, only what recognises one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from service.store.catalog import Catalog, from_microseconds, to_microseconds
from service.store.protocol import StoreError, TokenRecord
from service.store.tables import TOKEN

_FIND = sa.select(TOKEN).where(TOKEN.c.id == sa.bindparam("token"))


class TokenList:
    """The table `token` of one catalog; see `service.store.protocol.Tokens`."""

    def __init__(self, catalog: Callable[[], Catalog]) -> None:
        self._opened = catalog

    @property
    def _catalog(self) -> Catalog:
        return self._opened()

    def find(self, id: str) -> TokenRecord | None:
        """Return a token by its public id, revoked ones too: one look-up."""
        with self._catalog.looking() as connection:
            row = connection.execute(_FIND, {"token": id}).mappings().first()
        return None if row is None else _record(row)

    def all(self) -> list[TokenRecord]:
        """Return every token that was ever made, oldest first."""
        with self._catalog.reading() as connection:
            rows = connection.execute(
                sa.select(TOKEN).order_by(TOKEN.c.created_at, TOKEN.c.id)
            ).mappings()
            return [_record(row) for row in rows]

    def add(self, record: TokenRecord) -> None:
        """Keep a new token.

        Raises:
            StoreError: an account of this name has a token that holds.
        """
        held = sa.select(TOKEN.c.id).where(
            TOKEN.c.account == record.account, TOKEN.c.revoked_at.is_(None)
        )
        with self._catalog.writing() as connection:
            if connection.execute(held).first() is not None:
                raise StoreError(
                    f"{record.account} has a token already: revoke that first, or choose another name"
                )
            instants = {
                name: None if value is None else to_microseconds(value)
                for name in ("created_at", "expires_at", "revoked_at")
                for value in (getattr(record, name),)
            }
            connection.execute(TOKEN.insert(), asdict(record) | instants)

    def revoke(self, account: str, at: datetime) -> bool:
        """End the token of an account at once; False where it has none that holds."""
        ended = (
            TOKEN.update()
            .where(TOKEN.c.account == account, TOKEN.c.revoked_at.is_(None))
            .values(revoked_at=to_microseconds(at))
        )
        with self._catalog.writing() as connection:
            return bool(connection.execute(ended).rowcount)


def _record(row: sa.RowMapping) -> TokenRecord:
    instants = {
        name: None if row[name] is None else from_microseconds(row[name])
        for name in ("created_at", "expires_at", "revoked_at")
    }
    return TokenRecord(**{**row, **instants})
