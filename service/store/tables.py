"""The tables of the catalog that hold pushed structures and API tokens; docs/store.md describes all tables."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()
"""Every table of this release's format."""

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

STRUCTURE_MESSAGE = sa.Table(
    "structure_message",
    METADATA,
    sa.Column("transaction_id", BIG, primary_key=True, autoincrement=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("message", sa.Text),
    sa.Column("sha256", sa.Text),
)
ARTEFACT = sa.Table(
    "artefact",
    METADATA,
    sa.Column("urn", sa.Text, primary_key=True),
    sa.Column("tx_from", BIG, primary_key=True, autoincrement=False),
    sa.Column("tx_to", BIG, nullable=False),
    sa.Column("position", BIG, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("content", sa.Text),
    sa.Column("sha256", sa.Text),
    sa.Index("artefact_by_end", "tx_to"),
    sa.Index("artefact_by_start", "tx_from"),
)
TOKEN = sa.Table(
    "token",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("created_at", BIG, nullable=False),
    sa.Column("expires_at", BIG),
    sa.Column("revoked_at", BIG),
)
ADDED_IN_FORMAT_2 = (STRUCTURE_MESSAGE, ARTEFACT, TOKEN)
"""What a catalog of format 1 has not."""
