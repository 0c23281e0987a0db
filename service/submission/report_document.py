"""The report on several submissions as one document for programs.

`docs/validation-report.schema.json` is its JSON Schema. Members may be added within a version 1.x; whoever reads
it ignores those that it does not know. What is taken away or changes its meaning makes version 2.0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import msgspec

from dsd.finding import Severity
from service.submission.report import rule_infos
from service.submission.result import State, SubmissionResult
from service.validation.rule import RuleInfo

REPORT_FORMAT = "ilms-validation-report"
REPORT_VERSION = "1.0"


class UnreadableFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is of no kind that can be read, so that there is no receipt of it."""

    source_name: str
    message: str


class ReportDocument(msgspec.Struct, kw_only=True):
    """What came of some files."""

    format: str = REPORT_FORMAT
    version: str = REPORT_VERSION
    software: str
    """Version of the program."""
    state: State
    """`accepted` where every table of every file is, `rejected` where none is."""
    counts: dict[str, int]
    """Findings by severity over all files, worst first; waived ones among them."""
    submissions: list[SubmissionResult]
    unreadable: list[UnreadableFile] = []
    rules: dict[str, RuleInfo]
    """What there is to know of each rule that has a finding, by id."""


def report_document(
    results: Sequence[SubmissionResult], unreadable: Sequence[UnreadableFile] = ()
) -> ReportDocument:
    """Return the document of some receipts."""
    counts: Counter[str] = Counter()
    for result in results:
        counts.update(result.counts)
    found = {finding.rule for result in results for finding in result.all_findings}
    return ReportDocument(
        software=version("ilms-exchange"),
        state=_state(results, unreadable),
        counts={severity.value: counts[severity] for severity in Severity if counts[severity]},
        submissions=list(results),
        unreadable=list(unreadable),
        rules={id: info for id, info in rule_infos().items() if id in found},
    )


def _state(results: Sequence[SubmissionResult], unreadable: Sequence[UnreadableFile]) -> State:
    states = {result.state for result in results} | {State.REJECTED for _ in unreadable}
    return states.pop() if len(states) == 1 else State.PARTLY if states else State.REJECTED


def document_as_json(document: ReportDocument) -> bytes:
    """Return the document as JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def document_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document: what docs/validation-report.schema.json holds."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{REPORT_FORMAT}:{REPORT_VERSION}",
        "title": "Report on submissions to ILMS Exchange",
    } | msgspec.json.schema(ReportDocument)
