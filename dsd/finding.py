"""What is wrong with data: findings and where they are. A vocabulary; the rules live elsewhere."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

import msgspec


class Severity(StrEnum):
    """How bad a finding is, in ILO's own workflow words; an error or worse rejects unless it is waived."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rejects(self) -> bool:
        """True for the severities that reject a table."""
        return self in (Severity.FATAL, Severity.ERROR)


class Locator(NamedTuple):
    """A place in an outside file, as one text: `cell:SHEET!F17`, `line:12`, `line:12:3`, `row:12`, `pointer:/data/0`.

    One text column of a batch carries it, so that every input kind serves the same rules.
    """

    kind: str
    place: str

    def __str__(self) -> str:
        """Return the column form."""
        return f"{self.kind}:{self.place}"

    @property
    def readable(self) -> str:
        """Return the place in words for a person.

        >>> parse_locator("cell:T15!F17").readable
        'sheet T15, cell F17'
        """
        if self.kind == "cell":
            sheet, _, cell = self.place.rpartition("!")
            return f"sheet {sheet}, cell {cell}"
        if self.kind == "line":
            line, _, column = self.place.partition(":")
            return f"line {line}, column {column}" if column else f"line {line}"
        if self.kind == "row":
            return f"row {self.place}"
        return self.place


_LOCATOR = re.compile(r"(cell|line|row|pointer):(.+)", re.DOTALL)


def parse_locator(text: str) -> Locator:
    """Return the locator that a column value writes.

    Raises:
        ValueError: `text` has no known kind.
    """
    match = _LOCATOR.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no locator; it starts with cell:, line:, row: or pointer:")
    return Locator(match[1], match[2])


def cell_locator(sheet: str, cell: str) -> str:
    """Return the locator text of a workbook cell (`cell` in A1 notation)."""
    return f"cell:{sheet}!{cell}"


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong, or worth saying, with what a person needs to mend it."""

    rule: str
    """Permanent kebab-case id: `unknown-code`."""
    severity: Severity
    message: str
    """What is wrong and how to mend it, in one or two sentences."""
    dataflow: str | None = None
    """`AGENCY:ID(VERSION)` of the flow concerned."""
    component: str | None = None
    """Id of the component concerned."""
    key: dict[str, str] = {}
    """Dimension values of the observation concerned, where it has them."""
    value: str | None = None
    locator: str | None = None
    """Where, in the column form of `Locator`."""
    related: tuple[str, ...] = ()
    """Where the other figures are that it was compared with, in the same form."""
    suggestion: str | None = None
    """A value that would be right, where one can be named."""
    waiver: str | None = None
    """The recorded reason for which an error is allowed; None where none is."""

    @property
    def rejects(self) -> bool:
        """True where this finding alone rejects its table."""
        return self.severity.rejects and self.waiver is None


class Report(msgspec.Struct, kw_only=True):
    """Findings gathered over one input, in the order in which they were met."""

    findings: list[Finding] = []
    not_run: list[str] = []
    """Ids of rules that could not run, for want of stored data or a component."""

    def add(self, finding: Finding) -> None:
        """Keep a finding."""
        self.findings.append(finding)

    @property
    def is_accepted(self) -> bool:
        """True where no finding rejects."""
        return not any(finding.rejects for finding in self.findings)

    def counts(self) -> dict[str, int]:
        """Return the number of findings by severity, worst first, without zeros."""
        numbers = {severity.value: 0 for severity in Severity}
        for finding in self.findings:
            numbers[finding.severity.value] += 1
        return {severity: number for severity, number in numbers.items() if number}
