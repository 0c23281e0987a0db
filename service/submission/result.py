"""What came of a submission: one object, the same over HTTP and on the command line."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from dsd.finding import Finding, Report


class State(StrEnum):
    """What came of a table, or of a submission with all its tables."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PARTLY = "partly-accepted"
    """Some tables of a submission were accepted, others rejected."""


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What a table's observations did to the store."""

    inserted: int
    updated: int
    deleted: int
    unchanged: int


class TableResult(msgspec.Struct, kw_only=True):
    """What came of one table."""

    dataflow: str
    """`AGENCY:ID(VERSION)`."""
    name: str
    table_number: str | None = None
    agreement: str | None = None
    """The agreement under which it was checked; None where the provider is not known."""
    state: State
    observations: int
    counts: dict[str, int]
    """Findings by severity, worst first; waived ones among them."""
    waived: int
    """Findings that are allowed for a recorded reason."""
    findings: list[Finding]
    not_run: list[str]
    """Rules that could not run, for want of stored data."""
    gap_reason: str | None = None
    """Why there are no data, where the questionnaire says so."""
    changes: Changes | None = None
    """None where nothing was written."""


class StoreReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The transaction that made the accepted tables part of the store."""

    transaction: int
    """0 where nothing differed from what was stored, so that none was made."""
    at: datetime


class SubmissionResult(msgspec.Struct, kw_only=True):
    """The receipt."""

    id: str
    received: datetime
    source_name: str | None
    source_sha256: str
    source_bytes: int
    kind: str
    """`questionnaire`, or the name of a data format."""
    provider: str | None
    """URN of the provider, where known."""
    state: State
    counts: dict[str, int]
    tables: list[TableResult]
    findings: list[Finding]
    """On the submission as a whole: they concern no single table."""
    receipt: StoreReceipt | None = None
    """None where nothing was written."""

    @property
    def all_findings(self) -> list[Finding]:
        """Every finding: those on the whole first, then table by table."""
        return [*self.findings, *(f for table in self.tables for f in table.findings)]

    @property
    def is_accepted(self) -> bool:
        """True where every table was accepted."""
        return self.state is State.ACCEPTED


def counts_of(findings: list[Finding]) -> dict[str, int]:
    """Return the number of findings by severity, worst first, without zeros."""
    return Report(findings=findings).counts()
