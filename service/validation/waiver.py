"""Waivers: errors that stand in the source itself and are allowed, with a recorded reason.

ILO's own questionnaire workflow has them ("error found but allowed by user"). A waived error stays in the
report with its reason. A fatal one cannot be waived: what it concerns cannot be stored.

    [[waiver]]
    rule = "partition-sum"
    dataflow = "DF_MNA_TPOP_SEX_CRS"            # optional
    component = "SEX"                           # optional: of several sums at one cell, that over the sexes
    keys = [{REF_AREA = "KHM", TIME_PERIOD = "2010"}]   # part of the key is enough
    cells = ["T13!F17"]                         # instead of keys, or beside them
    author = "Name of the office"
    reason = "As published by the source."
    expires = 2027-12-31                        # optional, the last day on which it holds
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from dsd.finding import Finding, Severity
from service.validation.rule import RuleInfo

UNUSED_WAIVER = RuleInfo(
    id="unused-waiver",
    severity=Severity.WARNING,
    title="A waiver allows nothing",
    reference="ILO questionnaire workflow, 'Allowance Granted to Error'",
    why="The error is gone, or the waiver names the wrong cell; left in place it may hide a later error.",
    mend="Remove the waiver, or correct its rule, key or cell.",
)
MALFORMED_WAIVER = RuleInfo(
    id="malformed-waiver",
    severity=Severity.ERROR,
    title="A waiver cannot be read",
    reference="ILO questionnaire workflow, 'Allowance Granted to Error'",
    why="It allows nothing, so the errors that it was written for still reject their tables.",
    mend="Give rule, keys or cells, author and reason, and none but the members that a waiver has.",
)
EXPIRED_WAIVER = RuleInfo(
    id="expired-waiver",
    severity=Severity.WARNING,
    title="A waiver has expired",
    reference="ILO questionnaire workflow, 'Allowance Granted to Error'",
    why="It allows nothing any more, so the errors that it was written for reject their tables again.",
    mend="Correct the data, or record anew why the error is allowed.",
)
WAIVER_OF_FATAL = RuleInfo(
    id="waiver-of-fatal",
    severity=Severity.WARNING,
    title="A waiver names a fatal finding",
    reference="ILO questionnaire workflow, severities fatal and error",
    why="What a fatal finding concerns cannot be stored, whatever the reason; the table stays rejected.",
    mend="Correct the data and remove the waiver.",
)
WAIVER_RULES = (UNUSED_WAIVER, MALFORMED_WAIVER, EXPIRED_WAIVER, WAIVER_OF_FATAL)


class WaiverFileError(ValueError):
    """A file of waivers that cannot be opened; names it."""


class Waiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Findings of one rule at some cells that are allowed, by whom and why."""

    rule: str
    author: str
    reason: str
    keys: tuple[dict[str, str], ...] = ()
    """Dimension values; a finding is meant where it has them all."""
    cells: tuple[str, ...] = ()
    """Places as a report names them: `T15!F17`, or any locator (`line:12`)."""
    dataflow: str | None = None
    """Id or `AGENCY:ID(VERSION)`; None for every table."""
    component: str | None = None
    """Id of the component that the finding concerns; None for any."""
    expires: date | None = None
    """The last day on which it holds."""

    @property
    def places(self) -> Iterator[_Place]:
        """Everything that it names, one by one."""
        for key in self.keys:
            yield _Place(self, key=key)
        for cell in self.cells:
            yield _Place(self, cell=cell)


@dataclass(frozen=True)
class _Place:
    """One key or cell of a waiver: each must be used."""

    waiver: Waiver
    key: Mapping[str, str] | None = None
    cell: str | None = None

    def means(self, finding: Finding) -> bool:
        """Tell whether a finding is the one meant."""
        waiver = self.waiver
        if finding.rule != waiver.rule or not _is_flow(waiver.dataflow, finding.dataflow):
            return False
        if waiver.component not in (None, finding.component):
            return False
        if self.key is not None:
            return all(finding.key.get(id) == value for id, value in self.key.items())
        return finding.locator in (self.cell, f"cell:{self.cell}")

    def __str__(self) -> str:
        """Return the place in words."""
        return self.cell or " ".join(f"{id}={value}" for id, value in (self.key or {}).items())


@dataclass
class Waivers:
    """The waivers of one submission, and what came of each."""

    entries: tuple[Waiver, ...] = ()
    findings: tuple[Finding, ...] = ()
    """What is wrong with the waivers themselves."""
    today: date = date.max
    """The day on which they are judged."""
    _used: set[int] = field(default_factory=set)
    _fatal: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        """List the places that hold today."""
        self._places = [
            place
            for waiver in self.entries
            if waiver.expires is None or self.today == date.max or self.today <= waiver.expires
            for place in waiver.places
        ]

    def on(self, today: date) -> Waivers:
        """Return these waivers as they are judged on a day, none of them used yet."""
        return Waivers(self.entries, self.findings, today)

    def apply(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Yield the findings, those that are allowed with their reason."""
        for finding in findings:
            yield self._applied(finding)

    def _applied(self, finding: Finding) -> Finding:
        reason = None
        for number, place in enumerate(self._places):
            if not place.means(finding):
                continue
            self._used.add(number)
            reason = reason or f"{place.waiver.reason} ({place.waiver.author})"
        if reason is None:
            return finding
        if finding.severity is Severity.FATAL:
            self._fatal.append(finding)
            return finding
        return msgspec.structs.replace(finding, waiver=reason)

    def leftovers(self) -> Iterator[Finding]:
        """Yield what is to be said of the waivers, once all findings went through `apply`."""
        yield from self.findings
        for waiver in self.entries:
            if (
                waiver.expires is not None
                and self.today != date.max
                and self.today > waiver.expires
            ):
                yield _finding(
                    EXPIRED_WAIVER, f"The waiver for {_named(waiver)} expired on {waiver.expires}."
                )
        for number, place in enumerate(self._places):
            if number not in self._used:
                yield _finding(
                    UNUSED_WAIVER,
                    f"The waiver for {place.waiver.rule} at {place} allows nothing: there is no such finding.",
                )
        for finding in self._fatal:
            yield _finding(
                WAIVER_OF_FATAL,
                f"{finding.rule} is fatal and cannot be allowed: {finding.message}",
                finding,
            )


def _finding(info: RuleInfo, message: str, at: Finding | None = None) -> Finding:
    return Finding(
        rule=info.id,
        severity=info.severity,
        message=message,
        dataflow=at.dataflow if at else None,
        key=at.key if at else {},
        locator=at.locator if at else None,
    )


def _named(waiver: Waiver) -> str:
    return f"{waiver.rule} at {', '.join(str(place) for place in waiver.places)}"


def _is_flow(named: str | None, dataflow: str | None) -> bool:
    if named is None or named == dataflow:
        return True
    return dataflow is not None and named == dataflow.partition(":")[2].partition("(")[0]


def read_waivers(path: Path, known_rules: Iterable[str] = ()) -> Waivers:
    """Return the waivers of a TOML or JSON file; what cannot be read of it are findings.

    Args:
        path: the file.
        known_rules: ids that a waiver may name; any where empty.

    Raises:
        WaiverFileError: the file cannot be opened.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WaiverFileError(f"{path}: {error.strerror}") from error
    return decode_waivers(data, path.name, known_rules)


def decode_waivers(data: bytes, name: str = "waivers", known_rules: Iterable[str] = ()) -> Waivers:
    """Return the waivers that a TOML or JSON document holds; see `read_waivers`."""
    try:
        text = data.decode("utf-8-sig")
        document = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        return Waivers(findings=(_finding(MALFORMED_WAIVER, f"{name}: {error}"),))
    listed = document.pop("waiver", None)
    if document or not isinstance(listed, list):
        members = ", ".join(sorted(document)) or "no list 'waiver'"
        said = f"{name} has {members}; it holds waivers, each under [[waiver]]"
        return Waivers(findings=(_finding(MALFORMED_WAIVER, said),))
    rules = frozenset(known_rules)
    entries: list[Waiver] = []
    findings: list[Finding] = []
    for number, raw in enumerate(listed, 1):
        try:
            entries.append(_waiver(raw, rules))
        except (msgspec.ValidationError, ValueError) as error:
            findings.append(_finding(MALFORMED_WAIVER, f"{name}, waiver {number}: {error}"))
    return Waivers(tuple(entries), tuple(findings))


def _waiver(raw: Any, rules: frozenset[str]) -> Waiver:
    waiver = msgspec.convert(raw, Waiver)
    if rules and waiver.rule not in rules:
        raise ValueError(f"there is no rule {waiver.rule!r}")
    if not waiver.author.strip() or not waiver.reason.strip():
        raise ValueError("author and reason must say something")
    if not all(waiver.keys) or not (waiver.cells or waiver.keys):
        raise ValueError("it names neither keys nor cells, so it would allow everything")
    return waiver
