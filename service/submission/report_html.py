"""The report on submissions as one HTML page: nothing to load with it, for the screen and for paper."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import groupby
from typing import TypeAlias

import msgspec
from lxml import etree

from codelists.urn import parse_urn
from dsd.finding import Finding, Severity, parse_locator
from dsd.resolved import Dsd
from dsd.structure import Dataflow
from dsd.structures import Structures
from service.submission.report import by_message, compared_with, number, rule_infos, worst_first
from service.submission.report_document import ReportDocument, UnreadableFile
from service.submission.result import (
    Changes,
    State,
    StoreReceipt,
    SubmissionResult,
    TableResult,
)
from service.validation.rule import RuleInfo

SHOWN_MESSAGES = 500
"""Different findings of one rule that the page shows; it tells how many more there are."""
SHOWN_PLACES = 50
"""Places of one message that the page shows, likewise."""

Node: TypeAlias = "etree._Element | str | None"

_CONTROL = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), *range(127, 160), 0xFFFE, 0xFFFF], "\ufffd"
)
_NUMBER = re.compile(r"([0-9]+)")
_CELL = re.compile(r"([A-Z]+)([0-9]+)")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def as_html(document: ReportDocument, structures: Structures) -> str:
    """Return the page.

    Args:
        document: what came of the files.
        structures: the artefacts, for the names of codes.
    """
    page = _Page(structures)
    names = [entry.source_name or "submission" for entry in document.submissions]
    names += [entry.source_name for entry in document.unreadable]
    title = f"Validation report: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
    style = (files("service.submission") / "report.css").read_text(encoding="utf-8")
    html = _e(
        "html",
        {"lang": "en"},
        _e(
            "head",
            {},
            _e("meta", {"charset": "utf-8"}),
            _e("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
            _e("meta", {"name": "color-scheme", "content": "light dark"}),
            _e("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
            _e("title", {}, title),
            _e("style", {}, style),
        ),
        _e("body", {}, *page.content(document)),
    )
    text: str = etree.tostring(html, method="html", doctype="<!doctype html>", encoding="unicode")
    return text + "\n"


def _e(tag: str, attributes: Mapping[str, str], *children: Node) -> etree._Element:
    """Return an element; texts and elements follow each other in it, None is nothing."""
    element = etree.Element(tag, {name: _clean(value) for name, value in attributes.items()})
    last: etree._Element | None = None
    for child in children:
        if isinstance(child, str):
            if last is None:
                element.text = (element.text or "") + _clean(child)
            else:
                last.tail = (last.tail or "") + _clean(child)
        elif child is not None:
            element.append(child)
            last = child
    return element


def _clean(text: str) -> str:
    """Return a text that a page can hold: what a file had of control characters shows as such."""
    return text.encode("utf-8", "replace").decode("utf-8").translate(_CONTROL)


def _badge(state: State) -> etree._Element:
    return _e("span", {"class": f"badge {state.value}"}, state.value.replace("-", " "))


def _severity(severity: Severity) -> etree._Element:
    return _e("span", {"class": f"badge {severity.value}"}, severity.value)


def _facts(facts: Sequence[tuple[str, Node]]) -> etree._Element:
    told = [(name, value) for name, value in facts if value is not None and value != ""]
    pairs = [_e("div", {}, _e("dt", {}, name), _e("dd", {}, value)) for name, value in told]
    return _e("dl", {"class": "facts"}, *pairs)


class _Page:
    """Makes the page of one document."""

    def __init__(self, structures: Structures) -> None:
        self._infos = rule_infos()
        self._structures = structures
        self._dsds: dict[str, Dsd] = {}

    def content(self, document: ReportDocument) -> Iterator[Node]:
        """Yield the head of the page, and a section for each file."""
        files_read = len(document.submissions) + len(document.unreadable)
        yield _e(
            "header",
            {},
            _e("h1", {}, "Validation report ", _badge(document.state)),
            _e(
                "p",
                {},
                f"{number(files_read, 'file')}, {self._tables(document.submissions)}. ",
                self._counts(document.counts, sum(_waived(s) for s in document.submissions)),
                f" ILMS Exchange {document.software}.",
            ),
        )
        yield _e("main", {}, *self._files(document))

    def _files(self, document: ReportDocument) -> Iterator[Node]:
        if len(document.submissions) + len(document.unreadable) > 1:
            yield self._overview(document)
        yield from map(self._unreadable, document.unreadable)
        for place, entry in enumerate(document.submissions, 1):
            anchor = f"file-{place}"
            yield _e("article", {"id": anchor}, *self._submission(entry, anchor))

    def _tables(self, submissions: Sequence[SubmissionResult]) -> str:
        tables = [table for submission in submissions for table in submission.tables]
        accepted = sum(table.state is State.ACCEPTED for table in tables)
        return f"{accepted} of {number(len(tables), 'table')} accepted"

    def _counts(self, counts: Mapping[str, int], waived: int) -> str:
        if not counts:
            return "Nothing was found."
        said = ", ".join(number(count, severity) for severity, count in counts.items())
        return f"{said}{f', {waived} of them allowed' if waived else ''}."

    def _overview(self, document: ReportDocument) -> etree._Element:
        rows = [
            _e(
                "tr",
                {},
                _e(
                    "th",
                    {"scope": "row"},
                    _e("a", {"href": f"#file-{place}"}, entry.source_name or "submission"),
                ),
                _e("td", {}, _badge(entry.state)),
                _e("td", {}, self._tables([entry])),
                _e("td", {}, self._counts(entry.counts, _waived(entry))),
            )
            for place, entry in enumerate(document.submissions, 1)
        ]
        return _table("Files", ("File", "State", "Tables", "Findings"), rows)

    def _unreadable(self, entry: UnreadableFile) -> etree._Element:
        return _e(
            "section",
            {"class": "table"},
            _e("h2", {}, f"{entry.source_name} ", _badge(State.REJECTED)),
            _e("p", {}, entry.message),
        )

    # -- one file ------------------------------------------------------------------------------------

    def _submission(self, result: SubmissionResult, anchor: str) -> Iterator[Node]:
        yield _e(
            "h2", {"class": "file"}, f"{result.source_name or 'submission'} ", _badge(result.state)
        )
        yield _facts(
            (
                ("Received", result.received.isoformat(" ", "seconds")),
                ("Kind", f"{result.kind}, {result.source_bytes:,} bytes"),
                ("Provider", result.provider and result.provider.rpartition("=")[2]),
                ("SHA-256", _e("code", {}, result.source_sha256)),
                ("Submission", _e("code", {}, result.id)),
                ("Stored", _stored(result.receipt)),
            )
        )
        self._dsds = {table.dataflow: self._dsd(table) for table in result.tables}
        yield self._summary(result, anchor)
        yield self._allowed(result)
        yield self._sheets(result)
        if result.findings:
            yield _e(
                "section",
                {"class": "table"},
                _e("h3", {}, "On the submission as a whole"),
                *self._rules(result.findings, None),
            )
        for place, table in enumerate(result.tables, 1):
            yield _e("section", {"class": "table", "id": f"{anchor}-{place}"}, *self._table(table))

    def _summary(self, result: SubmissionResult, anchor: str) -> etree._Element:
        rows = []
        for place, table in enumerate(result.tables, 1):
            counts = [table.counts.get(severity.value, 0) for severity in Severity]
            cells = [_e("td", {"class": "num"}, f"{count:,}" if count else "·") for count in counts]
            rows.append(
                _e(
                    "tr",
                    {},
                    _e(
                        "th",
                        {"scope": "row"},
                        _e("a", {"href": f"#{anchor}-{place}"}, _title(table)),
                    ),
                    _e("td", {}, _badge(table.state)),
                    _e("td", {"class": "num"}, f"{table.observations:,}"),
                    *cells,
                    _e("td", {"class": "num"}, f"{table.waived:,}" if table.waived else "·"),
                )
            )
        heads = ("Table", "State", "Observations", *(s.value.title() for s in Severity), "Allowed")
        return _table("Tables", heads, rows, numbers_from=2)

    def _allowed(self, result: SubmissionResult) -> Node:
        """Every error that is allowed, with the recorded reason: never to be overlooked."""
        rows = [
            _e(
                "tr",
                {},
                _e("td", {}, _place(finding)),
                _e("td", {}, _e("code", {}, finding.rule)),
                _e("td", {}, self._about(finding)),
                _e("td", {}, finding.waiver),
            )
            for finding in result.all_findings
            if finding.waiver is not None
        ]
        heads = ("Where", "Rule", "Figure of", "Reason and author")
        return _table("Errors that are allowed", heads, rows) if rows else None

    def _sheets(self, result: SubmissionResult) -> Node:
        """The same findings by sheet: the list that one goes through with the workbook open."""
        cells: dict[str, list[tuple[str, Finding]]] = {}
        for finding in result.all_findings:
            locator = parse_locator(finding.locator) if finding.locator else None
            if locator is not None and locator.kind == "cell":
                sheet, _, cell = locator.place.rpartition("!")
                cells.setdefault(sheet, []).append((cell, finding))
        rows = [
            _e(
                "tr",
                {},
                _e("th", {"scope": "row", "class": "where"}, f"{sheet} ({len(found):,})"),
                _e("td", {}, *_cells(found)),
            )
            for sheet, found in sorted(cells.items(), key=lambda entry: _by_sheet(entry[0]))
        ]
        return _table("Findings by sheet", ("Sheet", "Cells"), rows) if rows else None

    def _table(self, table: TableResult) -> Iterator[Node]:
        yield _e("h3", {}, f"{_title(table)} ", _badge(table.state))
        yield _facts(
            (
                ("Dataflow", _e("code", {}, table.dataflow)),
                ("Observations", f"{table.observations:,}"),
                ("Agreement", table.agreement and table.agreement.rpartition("=")[2]),
                ("Stored", _changed(table.changes)),
                ("No data because", table.gap_reason),
                ("Not run, for want of stored data", ", ".join(table.not_run)),
            )
        )
        if not table.findings:
            yield _e("p", {"class": "well"}, "Nothing was found.")
        yield from self._rules(table.findings, table.dataflow)

    # -- findings ------------------------------------------------------------------------------------

    def _rules(self, findings: Sequence[Finding], dataflow: str | None) -> Iterator[Node]:
        for (severity, rule), group in groupby(
            worst_first(findings), lambda f: (f.severity, f.rule)
        ):
            yield self._rule(severity, rule, list(group), dataflow)

    def _rule(
        self, severity: Severity, rule: str, findings: list[Finding], dataflow: str | None
    ) -> etree._Element:
        info = self._infos.get(rule)
        same = by_message(findings)
        rows = [self._finding(entry, dataflow) for entry in same[:SHOWN_MESSAGES]]
        hidden = sum(len(entry) for entry in same[SHOWN_MESSAGES:])
        return _e(
            "section",
            {"class": "rule"},
            _e(
                "h4",
                {},
                _severity(severity),
                f" {info.title if info else rule} ",
                _e("small", {}, _e("code", {}, rule), f" · {number(len(findings), 'place')}"),
            ),
            *_explained(info),
            _e(
                "table",
                {},
                _head(("Where", "Figure of", "What is wrong")),
                _e("tbody", {}, *rows),
            ),
            _e("p", {"class": "soft"}, f"… and {hidden:,} more, which the JSON report lists.")
            if hidden
            else None,
        )

    def _finding(self, same: list[Finding], dataflow: str | None) -> etree._Element:
        finding = same[0]
        places = [_place(entry) for entry in same if entry.locator][:SHOWN_PLACES]
        hidden = len(same) - max(len(places), 1)
        said = ", ".join(places) + (f" and {number(hidden, 'other place')}" if hidden else "")
        what: list[Node] = [finding.message]
        if finding.related and len(same) == 1:
            what.append(_e("p", {"class": "soft"}, f"Compare with: {compared_with(finding)}"))
        if finding.suggestion is not None:
            what.append(_e("p", {"class": "soft"}, f"Perhaps: {finding.suggestion}"))
        if finding.waiver is not None:
            what.append(_e("p", {"class": "waiver"}, _e("b", {}, "Allowed: "), finding.waiver))
        return _e(
            "tr",
            {"class": "is-waived"} if finding.waiver is not None else {},
            _e("td", {"class": "where"}, said or "the whole table" if dataflow else said),
            _e("td", {}, self._about(finding) if len(same) == 1 else None),
            _e("td", {}, *what),
        )

    def _about(self, finding: Finding) -> str:
        """Return what the observation is about, in the names of its codes; what all have in common is left out."""
        dsd = self._dsds.get(finding.dataflow or "")
        said = []
        for id, code in finding.key.items():
            if dsd is None or id not in dsd:
                said.append(code)
                continue
            component = dsd[id]
            if component.allowed is None or len(component.allowed) > 1:
                known = component.codes.get(code)
                said.append(known.label() if known else code)
        return " · ".join(said)

    def _dsd(self, table: TableResult) -> Dsd:
        """Return the structure of a table as its provider may report it."""
        if table.agreement is not None:
            return self._structures.dsd(parse_urn(table.agreement))
        flows = self._structures.of_type(Dataflow)
        return self._structures.dsd(next(f.urn for f in flows if f.urn.short == table.dataflow))


def _stored(receipt: StoreReceipt | None) -> str | None:
    if receipt is None:
        return None
    if not receipt.transaction:
        return "nothing differs from what is stored"
    return f"transaction {receipt.transaction}, {receipt.at.isoformat(' ', 'seconds')}"


def _changed(changes: Changes | None) -> str | None:
    if changes is None:
        return None
    counts = msgspec.structs.asdict(changes)
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _title(table: TableResult) -> str:
    return f"T{table.table_number} {table.name}" if table.table_number else table.name


def _waived(result: SubmissionResult) -> int:
    return sum(finding.waiver is not None for finding in result.all_findings)


def _place(finding: Finding) -> str:
    return parse_locator(finding.locator).readable if finding.locator else ""


def _explained(info: RuleInfo | None) -> Iterator[Node]:
    if info is not None:
        yield _e("p", {}, f"{info.why} ", _e("b", {}, "To mend: "), info.mend)
        yield _e("p", {"class": "soft"}, info.reference)


def _by_sheet(sheet: str) -> list[tuple[int, str]]:
    """Return by what sheets are ordered: T4 before T13, T17 before T17 (2)."""
    return [(int(n), "") if n.isdecimal() else (-1, n) for n in _NUMBER.split(sheet)]


def _by_cell(cell: str) -> tuple[int, int, str]:
    """Return by what cells are ordered: line by line, column Z before AA."""
    match = _CELL.match(cell)
    return (int(match[2]), len(match[1]), match[1]) if match else (0, 0, cell)


def _cells(found: Sequence[tuple[str, Finding]]) -> Iterator[Node]:
    ordered = sorted(found, key=lambda entry: _by_cell(entry[0]))
    for place, (cell, finding) in enumerate(ordered[:SHOWN_PLACES]):
        mark = "allowed" if finding.waiver is not None else finding.severity.value
        yield ", " if place else None
        yield _e("span", {"class": f"cell {mark}", "title": f"{mark}: {finding.rule}"}, cell)
    if len(found) > SHOWN_PLACES:
        yield f" and {len(found) - SHOWN_PLACES:,} more"


def _table(
    caption: str,
    heads: Sequence[str],
    rows: Sequence[etree._Element],
    numbers_from: int | None = None,
) -> etree._Element:
    return _e(
        "div",
        {"class": "wide"},
        _e(
            "table",
            {},
            _e("caption", {}, caption),
            _head(heads, numbers_from),
            _e("tbody", {}, *rows),
        ),
    )


def _head(heads: Sequence[str], numbers_from: int | None = None) -> etree._Element:
    cells = [
        _e(
            "th",
            {"scope": "col"}
            | ({"class": "num"} if numbers_from is not None and place >= numbers_from else {}),
            head,
        )
        for place, head in enumerate(heads)
    ]
    return _e("thead", {}, _e("tr", {}, *cells))
