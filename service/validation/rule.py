"""The contract of a rule on content: what it says of itself, and how it takes part in the one pass.

A rule is made for one dataset and is asked three times: `start` before the first row, `feed` for every
batch, `end` after the last; each yields findings. Rules never read a file: those that must see more than
one row at a time ask the `Facts` that the same pass has gathered, and fetch the few rows that offend from
the spool.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from dsd.batch import Batch
from dsd.dataset import Action, AttributeValues
from dsd.finding import Finding, Severity
from dsd.resolved import Dsd
from dsd.spool import Spool
from dsd.structures import Structures
from service.validation.facts import Facts
from service.validation.rows import Row, Rows


@dataclass(frozen=True, kw_only=True)
class RuleInfo:
    """What a rule says of itself; docs/rules.md is made from it."""

    id: str
    """Permanent kebab-case id: `unknown-code`."""
    severity: Severity
    title: str
    """What is wrong, in a few words."""
    reference: str
    """Where the rule comes from: a section of SDMX, or the number of a rule of the ILMS collection."""
    why: str
    """What goes wrong where nobody mends it."""
    mend: str
    """How to mend it."""


class StoredData(Protocol):
    """What was stored before, as far as the caller may read it. Handed in from above."""

    def batches(self, dsd: Dsd, key: Mapping[str, frozenset[str]]) -> Iterator[Batch]:
        """Yield the present observations of a dataflow under a partial key, in key order."""
        ...


@dataclass(frozen=True)
class Context:
    """What a rule may know of the dataset under check."""

    dsd: Dsd
    """Bound to a provision agreement where the provider is known."""
    structures: Structures
    action: Action
    attributes: tuple[AttributeValues, ...]
    """Attribute values above the observation."""
    now: datetime
    """UTC."""
    spool: Spool
    """The rows themselves, to fetch those that offend."""
    facts: Facts | None
    """Keys and amounts of all rows, for rules that set `needs_facts`."""
    stored: StoredData | None = None


class Rule:
    """Base of all rules; a concrete one sets `info` and overrides what it needs."""

    info: ClassVar[RuleInfo]
    needs_facts: ClassVar[bool] = False
    needs_stored: ClassVar[bool] = False
    """Without a view of stored data such a rule does not run, and the report says so."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether the rule has anything to look at in this structure."""
        return True

    def start(self) -> Iterable[Finding]:
        """Yield what is wrong before the first row is seen."""
        return ()

    def feed(self, rows: Rows) -> Iterable[Finding]:
        """Yield what is wrong in these rows."""
        return ()

    def end(self) -> Iterable[Finding]:
        """Yield what is wrong in the dataset as a whole."""
        return ()

    @property
    def facts(self) -> Facts:
        """The facts, for a rule that sets `needs_facts`."""
        if self.context.facts is None:
            raise TypeError(f"{type(self).__name__} uses facts without needs_facts = True")
        return self.context.facts

    def finding(
        self,
        message: str,
        *,
        row: Row | None = None,
        component: str | None = None,
        value: str | None = None,
        suggestion: str | None = None,
        related: tuple[str, ...] = (),
    ) -> Finding:
        """Return a finding of this rule, at a row or (None) at the dataset as a whole."""
        return Finding(
            rule=self.info.id,
            severity=self.info.severity,
            message=message,
            dataflow=self.context.dsd.urn.short,
            component=component,
            key=row.key if row else {},
            value=value,
            locator=row.locator if row else None,
            related=related,
            suggestion=suggestion,
        )
