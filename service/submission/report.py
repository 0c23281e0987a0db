"""A receipt for people: as text for a terminal, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import wrap

import msgspec

from converters.conversion import CONVERSION_RULES
from dsd.finding import Finding, Severity, parse_locator
from service.formats.reading_rule import READING_RULES
from service.submission.receive import SUBMISSION_RULES
from service.submission.result import State, SubmissionResult, TableResult
from service.validation.rule import RuleInfo
from service.validation.rules import RULES
from service.validation.waiver import WAIVER_RULES

SHOWN = 20
"""Different findings of one rule that a text report shows unless asked otherwise; it tells how many more there are."""

_WORST_FIRST = {severity: place for place, severity in enumerate(Severity)}
_INDENT = 4


def rule_infos() -> dict[str, RuleInfo]:
    """Return what is known of each rule by id: on content, on a submission, on reading it."""
    infos = (*(rule.info for rule in RULES), *SUBMISSION_RULES, *WAIVER_RULES)
    read = (
        RuleInfo(
            id=rule.id,
            severity=rule.severity,
            title=rule.title,
            reference=reference,
            why="What cannot be read for certain is not read: nothing is guessed.",
            mend="Correct the place that the message names.",
        )
        for rules, reference in (
            (CONVERSION_RULES, "ILMS questionnaire"),
            (READING_RULES, "SDMX-CSV, SDMX-JSON and SDMX-ML"),
        )
        for rule in rules
    )
    return {info.id: info for info in read} | {info.id: info for info in infos}


def as_json(result: SubmissionResult) -> bytes:
    """Return the receipt as JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def as_text(result: SubmissionResult, *, width: int = 100, shown: int | None = SHOWN) -> str:
    """Return the receipt in words.

    Args:
        result: the receipt.
        width: characters in a line.
        shown: findings of one rule to show; None for all.
    """
    lines = [*_summary(result)]
    if result.findings:
        lines += ["", "On the submission as a whole", *_groups(result.findings, width, shown)]
    for table in result.tables:
        lines += ["", *_table(table, width, shown)]
    return "\n".join(lines) + "\n"


def findings_as_text(
    findings: Iterable[Finding], *, width: int = 100, shown: int | None = SHOWN
) -> str:
    """Return findings in words, grouped by rule, worst first."""
    return "\n".join(_groups(findings, width, shown)) + "\n"


def as_summary(result: SubmissionResult) -> str:
    """Return the receipt in a line a table, without the findings."""
    lines = [outcome(result)]
    lines += [f"{' ' * _INDENT}{_title(table)}: {_counts(table)}" for table in result.tables]
    return "\n".join(lines) + "\n"


def outcome(result: SubmissionResult) -> str:
    """Return in one line what came of a submission."""
    tables = len(result.tables)
    accepted = sum(table.state is State.ACCEPTED for table in result.tables)
    observations = sum(table.observations for table in result.tables)
    return (
        f"{result.source_name or 'submission'}: {result.state.value.replace('-', ' ')}, "
        f"{accepted} of {number(tables, 'table')} ({number(observations, 'observation')})"
    )


def _summary(result: SubmissionResult) -> Iterator[str]:
    yield outcome(result)
    yield f"sha256 {result.source_sha256}, submission {result.id}"
    if result.receipt is not None:
        yield (
            f"written as transaction {result.receipt.transaction} at {result.receipt.at.isoformat()}"
            if result.receipt.transaction
            else "nothing differs from what is stored"
        )


def _table(table: TableResult, width: int, shown: int | None) -> Iterator[str]:
    yield _title(table)
    yield f"{' ' * _INDENT}{_counts(table)}"
    if table.changes is not None:
        change = msgspec.structs.asdict(table.changes)
        told = ", ".join(f"{count} {name}" for name, count in change.items() if count)
        yield f"{' ' * _INDENT}stored: {told or 'nothing differs'}"
    if table.gap_reason:
        yield f"{' ' * _INDENT}no data because: {table.gap_reason}"
    if table.not_run:
        yield f"{' ' * _INDENT}not run, for want of stored data: {', '.join(table.not_run)}"
    yield from _groups(table.findings, width, shown)


def _title(table: TableResult) -> str:
    return f"T{table.table_number}  {table.name}" if table.table_number else table.name


def _counts(table: TableResult) -> str:
    said = [table.state.value, number(table.observations, "observation")]
    said += [number(count, severity) for severity, count in table.counts.items()]
    if table.waived:
        said.append(f"{table.waived} of them allowed")
    return ", ".join(said)


def _groups(findings: Iterable[Finding], width: int, shown: int | None) -> Iterator[str]:
    """Group by rule, worst first; inside a group keep the order of the file."""
    infos = rule_infos()
    for (severity, rule), group in groupby(worst_first(findings), lambda f: (f.severity, f.rule)):
        found = list(group)
        title = f" - {infos[rule].title}" if rule in infos else ""
        yield f"{' ' * _INDENT}{severity.value} {rule} ({len(found)}){title}"
        for same in by_message(found)[:shown]:
            yield from _finding(same, width)
        hidden = 0 if shown is None else sum(len(same) for same in by_message(found)[shown:])
        if hidden:
            yield f"{' ' * _INDENT * 2}... and {hidden:,} more"
        if rule in infos:
            yield from _wrapped(f"To mend: {infos[rule].mend}", width, _INDENT * 2)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by severity and rule, those of one rule in the order of the file."""
    return sorted(findings, key=lambda f: (_WORST_FIRST[f.severity], f.rule))


def by_message(findings: list[Finding]) -> list[list[Finding]]:
    """Gather findings that say the same: one wrong column is one mistake at many places."""
    found: dict[tuple[str, str | None, str | None], list[Finding]] = {}
    for finding in findings:
        same = (finding.message, finding.suggestion, finding.waiver)
        found.setdefault(same, []).append(finding)
    return list(found.values())


def _finding(same: list[Finding], width: int) -> Iterator[str]:
    finding, more = same[0], len(same) - 1
    place = _place(finding)
    if more:
        place = f"{place or 'here'}, and {number(more, 'other place')}"
    yield from _wrapped(f"- {place}: {finding.message}" if place else f"- {finding.message}", width)
    if finding.related and not more:
        yield from _wrapped(f"Compare with: {compared_with(finding)}", width, _INDENT * 3)
    if finding.suggestion is not None:
        yield from _wrapped(f"Perhaps: {finding.suggestion}", width, _INDENT * 3)
    if finding.waiver is not None:
        yield from _wrapped(f"Allowed: {finding.waiver}", width, _INDENT * 3)


def _place(finding: Finding) -> str:
    places = [parse_locator(finding.locator).readable] if finding.locator else []
    if finding.key:
        places.append(" ".join(finding.key.values()))
    return ", ".join(places)


def compared_with(finding: Finding) -> str:
    """Return the places of the figures that a finding compares, the sheet of its own left out."""
    own = parse_locator(finding.locator).place.rpartition("!")[0] if finding.locator else ""
    places = [parse_locator(text) for text in finding.related]
    return ", ".join(
        place.place.removeprefix(f"{own}!") if place.kind == "cell" else place.readable
        for place in places
    )


def _wrapped(text: str, width: int, indent: int = _INDENT * 2) -> Iterator[str]:
    later = " " * (indent + (2 if text.startswith("- ") else 0))
    yield from wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def number(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural where it is one.

    >>> number(2, "error")
    '2 errors'
    """
    plural = noun if noun in ("fatal", "info") or count == 1 else f"{noun}s"
    return f"{count:,} {plural}"
