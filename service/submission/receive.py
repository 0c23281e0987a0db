"""Take in a submission: read, check, write what is accepted, and say what came of it.

Each table is accepted or rejected by itself, unless all or nothing is asked for. What is accepted becomes
part of the store in one transaction together with its ledger entry; where everything is rejected, nothing
is written at all.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from codelists.urn import Urn
from dsd.dataset import Dataset
from dsd.finding import Finding, Severity
from dsd.resolved import Dsd
from dsd.spool import Spool
from dsd.structure import Dataflow
from dsd.structures import Structures
from service.config import Settings
from service.formats.reading_rule import MISSING_DIMENSION
from service.submission.agreement import country_of, find_agreement, find_provider
from service.submission.convert import read_submission
from service.submission.result import (
    Changes,
    State,
    StoreReceipt,
    SubmissionResult,
    TableResult,
    counts_of,
)
from service.validation.concepts import TABLE_NUMBER
from service.validation.engine import findings_in, not_run
from service.validation.rule import Rule, RuleInfo, StoredData
from service.validation.rules import RULES
from service.validation.rules.components import MissingComponent
from service.validation.waiver import WAIVER_RULES, Waivers

if TYPE_CHECKING:
    from service.store.protocol import Receipt, Store

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1024 * 1024

NO_AGREEMENT = RuleInfo(
    id="no-agreement",
    severity=Severity.FATAL,
    title="The provider has no agreement for the table",
    reference="SDMX 3.1 Section 2, 7 (provision agreement)",
    why="Nothing says that the provider may report the table, nor for which country.",
    mend="Report through the coordinating office of the country, or have an agreement made.",
)
NO_DATA = RuleInfo(
    id="no-data",
    severity=Severity.ERROR,
    title="The file holds no table",
    reference="SDMX 3.1 Section 2, 5.4 (data set)",
    why="There is nothing to check or to store: probably the wrong file was sent.",
    mend="Send the filled questionnaire, or a message with at least one data set.",
)
SUBMISSION_RULES = (NO_AGREEMENT, NO_DATA)


@dataclass
class _Table:
    """One table of a submission on its way."""

    dsd: Dsd
    datasets: list[Dataset] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    gap_reason: str | None = None

    @property
    def observations(self) -> int:
        return sum(spool.rows for spool in self._spools())

    def _spools(self) -> Iterator[Spool]:
        return (data.batches for data in self.datasets if isinstance(data.batches, Spool))

    @property
    def is_rejected(self) -> bool:
        return any(finding.rejects for finding in self.findings)


def submit(
    source: Path | bytes,
    structures: Structures,
    store: Store | None = None,
    *,
    id: str | None = None,
    name: str | None = None,
    provider: str | None = None,
    waivers: Waivers | None = None,
    rules: tuple[type[Rule], ...] = RULES,
    stored: StoredData | None = None,
    all_or_nothing: bool = False,
    settings: Settings | None = None,
) -> SubmissionResult:
    """Read a file, check it, and write the tables that are accepted.

    Args:
        source: a questionnaire workbook or data message, as a file or its bytes.
        structures: the artefacts.
        store: where to write; None to check only.
        id: identity of the submission, which the store applies once; a new one where None.
        name: what to call the source in the receipt; the file's name where None.
        provider: URN or id of the provider, which binds it to its agreements; None where not known.
        waivers: errors that are allowed.
        rules: which rules to run.
        stored: what was stored before, for rules that compare.
        all_or_nothing: reject every table where one is rejected.
        settings: the clock, limits and temporary folder.

    Raises:
        UnreadableSubmissionError: the file is of no kind that can be read.
        UnknownProviderError: there is no such provider.
        StoreError: the store cannot take it; nothing was written.
    """
    settings = settings or Settings()
    received = settings.clock()
    waivers = (waivers or Waivers()).on(received.date())
    office = find_provider(structures, provider) if provider else None
    digest, size = _digest(source)
    with ExitStack() as stack:
        country = country_of(structures, office) if office else None
        kind, tables, general = _read(source, structures, country, settings, stack)
        for table in tables:
            _check(table, structures, office, rules, stored, waivers, settings)
        general = [*waivers.apply(general), *waivers.leftovers()]
        accepted = _accepted(tables, general, all_or_nothing)
        result = SubmissionResult(
            id=id or str(uuid.uuid4()),
            received=received,
            source_name=name or (source.name if isinstance(source, Path) else None),
            source_sha256=digest,
            source_bytes=size,
            kind=kind,
            provider=str(office) if office else None,
            state=_state(len(accepted), len(tables)),
            counts={},
            tables=[_table_result(table, table in accepted) for table in tables],
            findings=general,
        )
        result.counts = counts_of(result.all_findings)
        if store is not None and any(table.observations for table in accepted):
            _write(store, accepted, result)
    logger.info(
        "submission=%s state=%s tables=%d rows=%d findings=%d",
        result.id,
        result.state,
        len(tables),
        sum(table.observations for table in tables),
        sum(result.counts.values()),
    )
    return result


def _digest(source: Path | bytes) -> tuple[str, int]:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest(), len(source)
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _read(
    source: Path | bytes,
    structures: Structures,
    country: str | None,
    settings: Settings,
    stack: ExitStack,
) -> tuple[str, list[_Table], list[Finding]]:
    """Read everything into spools; return the kind, the tables, and findings that concern no table."""
    tables: dict[str, _Table] = {}
    general: list[Finding] = []
    told = 0
    with read_submission(
        source, structures, country, temporary_folder=settings.temporary_folder
    ) as reading:
        findings = reading.report.findings
        for dataset in reading.datasets:
            own = tables.setdefault(dataset.dsd.urn.short, _Table(dataset.dsd))
            _share_out(findings[told:], tables, general, structures)
            told = len(findings)
            _spool_for(dataset, own, settings, stack).fill(dataset.batches)
            # What was said while the rows were read is about this table.
            _share_out(findings[told:], tables, own.findings, structures)
            told = len(findings)
        _share_out(findings[told:], tables, general, structures)
    for dataflow, reason in reading.gaps.items():
        if (table := _table_of(dataflow, tables, structures)) is not None:
            table.gap_reason = reason
    if not tables and not general:
        general.append(_finding(NO_DATA, "The file holds no data set and no filled table."))
    return reading.kind, list(tables.values()), general


def _share_out(
    findings: Sequence[Finding],
    tables: dict[str, _Table],
    otherwise: list[Finding],
    structures: Structures,
) -> None:
    """Give each finding to the table that it names; one that names none to `otherwise`."""
    for finding in findings:
        table = _table_of(finding.dataflow, tables, structures)
        (otherwise if table is None else table.findings).append(finding)


def _table_of(
    dataflow: str | None, tables: dict[str, _Table], structures: Structures
) -> _Table | None:
    """Return the table of a dataflow, None where it is none that is known here.

    One of which nothing could be read still has its place.
    """
    if dataflow is None or dataflow in tables:
        return tables.get(dataflow or "")
    flow = next((f for f in structures.of_type(Dataflow) if f.urn.short == dataflow), None)
    return tables.setdefault(dataflow, _Table(structures.dsd(flow.urn))) if flow else None


def _spool_for(dataset: Dataset, table: _Table, settings: Settings, stack: ExitStack) -> Spool:
    """Return the spool that takes the rows: that of the dataset before, where the two are of one piece."""
    if table.datasets:
        before = table.datasets[-1]
        is_one_piece = (
            # A list may still be filled; only an empty tuple stays empty.
            before.attributes == ()
            and dataset.attributes == ()
            and before.action is dataset.action
            and before.dsd.agreement == dataset.dsd.agreement
        )
        if is_one_piece and isinstance(before.batches, Spool):
            return before.batches
    spool = stack.enter_context(Spool(settings.temporary_folder))
    table.datasets.append(replace(dataset, batches=spool))
    return spool


def _check(
    table: _Table,
    structures: Structures,
    office: Urn | None,
    rules: tuple[type[Rule], ...],
    stored: StoredData | None,
    waivers: Waivers,
    settings: Settings,
) -> None:
    """Bind a table to its agreement, run the rules, and apply the waivers."""
    found = list(table.findings)
    unread = tuple(_unread(table))
    if office is not None:
        agreement = find_agreement(structures, table.dsd, office)
        if agreement is None:
            table.dsd = structures.dsd(table.dsd.urn)
            said = f"{office.item} has no agreement to report {table.dsd.urn.short}."
            found.append(_finding(NO_AGREEMENT, said, table.dsd.urn.short))
        else:
            table.dsd = structures.dsd(agreement.urn)
            table.datasets = [replace(dataset, dsd=table.dsd) for dataset in table.datasets]
    for dataset in table.datasets:
        table.not_run += (r for r in not_run(dataset, rules, stored) if r not in table.not_run)
        found += findings_in(
            dataset, structures, rules=rules, stored=stored, unread=unread, settings=settings
        )
    table.findings = list(waivers.apply(_once(found)))


def _once(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Leave out what a reader says of a dimension without a column where the rules say it too."""
    told = {finding.component for finding in findings if finding.rule == MissingComponent.info.id}
    for finding in findings:
        if finding.rule != MISSING_DIMENSION or finding.component not in told:
            yield finding


def _unread(table: _Table) -> Iterator[dict[str, str]]:
    """Yield what is known of the observations that reading the file left out, and told of."""
    for finding in table.findings:
        # A label that is no code leaves out observations of which not even the key is known.
        if finding.severity.rejects and (finding.key or finding.component in table.dsd.key_ids):
            yield finding.key


def _accepted(tables: list[_Table], general: list[Finding], all_or_nothing: bool) -> list[_Table]:
    """Return the tables that are accepted."""
    # What concerns the submission as a whole concerns every table of it.
    if any(finding.rejects for finding in general if finding.rule not in _OF_WAIVERS):
        return []
    accepted = [table for table in tables if not table.is_rejected]
    if all_or_nothing and (len(accepted) < len(tables) or any(f.rejects for f in general)):
        return []
    return accepted


# A waiver that cannot be read allows nothing, and does no other harm.
_OF_WAIVERS = frozenset(info.id for info in WAIVER_RULES)


def _state(accepted: int, tables: int) -> State:
    if accepted < tables or not tables:
        return State.PARTLY if accepted else State.REJECTED
    return State.ACCEPTED


def _table_result(table: _Table, is_accepted: bool) -> TableResult:
    dataflow = table.dsd.dataflow
    return TableResult(
        dataflow=table.dsd.urn.short,
        name=(dataflow or table.dsd.structure).label(),
        table_number=(dataflow.annotation_value(TABLE_NUMBER) if dataflow else None)
        or table.dsd.structure.annotation_value(TABLE_NUMBER),
        agreement=str(table.dsd.agreement) if table.dsd.agreement else None,
        state=State.ACCEPTED if is_accepted else State.REJECTED,
        observations=table.observations,
        counts=counts_of(table.findings),
        waived=sum(finding.waiver is not None for finding in table.findings),
        findings=table.findings,
        not_run=table.not_run,
        gap_reason=table.gap_reason,
    )


def _write(store: Store, accepted: list[_Table], result: SubmissionResult) -> None:
    """Write the accepted tables and the ledger entry, and enter the receipt."""
    # Imported here: checking a file needs no store.
    from service.store.protocol import SubmissionRecord

    record = SubmissionRecord(
        id=result.id,
        provider=result.provider,
        source_name=result.source_name,
        source_sha256=result.source_sha256,
        details={
            "kind": result.kind,
            "counts": result.counts,
            "waived": [
                {"rule": f.rule, "key": f.key, "locator": f.locator, "reason": f.waiver}
                for f in result.all_findings
                if f.waiver is not None
            ],
        },
    )
    datasets = [dataset for table in accepted for dataset in table.datasets]
    receipt = store.write(datasets, record)
    result.receipt = StoreReceipt(transaction=receipt.transaction, at=receipt.at)
    _enter_changes(receipt, result)


def _enter_changes(receipt: Receipt, result: SubmissionResult) -> None:
    changed = {change.dataflow.short: change for change in receipt.changes}
    for table in result.tables:
        change = changed.get(table.dataflow)
        if table.state is State.ACCEPTED and change is not None:
            table.changes = Changes(
                inserted=change.inserted,
                updated=change.updated,
                deleted=change.deleted,
                unchanged=change.unchanged,
            )


def _finding(info: RuleInfo, message: str, dataflow: str | None = None) -> Finding:
    return Finding(rule=info.id, severity=info.severity, message=message, dataflow=dataflow)
