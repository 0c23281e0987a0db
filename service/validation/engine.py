"""One pass over the data for all rules."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack

import duckdb

from dsd.dataset import Dataset
from dsd.finding import Finding, Report
from dsd.spool import Spool
from dsd.structures import Structures
from service.config import Settings
from service.validation.facts import Facts
from service.validation.rows import Rows
from service.validation.rule import Context, Rule, StoredData
from service.validation.rules import RULES


def validate(
    datasets: Dataset | Iterable[Dataset],
    structures: Structures,
    *,
    rules: tuple[type[Rule], ...] = RULES,
    stored: StoredData | None = None,
    settings: Settings | None = None,
) -> Report:
    """Return everything that the rules find in some datasets, each looked at on its own.

    The batches of a dataset are read once, in a stream; those not in a `Spool` yet are spooled first. No
    finding is left out, however many there are.

    Args:
        datasets: what to check; their DSDs are bound to an agreement where the provider is known.
        structures: the artefacts among which references resolve.
        rules: which rules to run.
        stored: what was stored before; where None, the rules that compare with it report `not_run`.
        settings: the clock, memory limits and temporary folder.
    """
    settings = settings or Settings()
    report = Report()
    for dataset in (datasets,) if isinstance(datasets, Dataset) else datasets:
        for rule in not_run(dataset, rules, stored):
            if rule not in report.not_run:
                report.not_run.append(rule)
        report.findings.extend(
            findings_in(dataset, structures, rules=rules, stored=stored, settings=settings)
        )
    return report


def not_run(
    dataset: Dataset, rules: tuple[type[Rule], ...], stored: StoredData | None
) -> tuple[str, ...]:
    """Return the ids of the rules that would apply to a dataset but lack stored data to compare with."""
    return tuple(
        rule.info.id
        for rule in rules
        if rule.needs_stored and stored is None and rule.applies(dataset.dsd)
    )


def findings_in(
    dataset: Dataset,
    structures: Structures,
    *,
    rules: tuple[type[Rule], ...] = RULES,
    stored: StoredData | None = None,
    unread: Sequence[Mapping[str, str]] = (),
    settings: Settings | None = None,
) -> Iterator[Finding]:
    """Yield what the rules find in one dataset, as they find it: for reports too long to hold.

    Args:
        dataset: see `validate`, as are the rest.
        structures: the artefacts.
        rules: which rules to run.
        stored: what was stored before.
        unread: what is known of the keys of observations that stood in the file and could not be read; sums
            that they could belong to are left open.
        settings: the clock, limits and temporary folder.
    """
    settings = settings or Settings()
    chosen = [
        rule
        for rule in rules
        if rule.applies(dataset.dsd) and not (rule.needs_stored and stored is None)
    ]
    with ExitStack() as stack:
        spool = _spooled(dataset, settings, stack)
        # Whole once the rows are in the spool.
        attributes = tuple(dataset.attributes)
        facts = None
        if spool.rows and any(rule.needs_facts for rule in chosen):
            facts = Facts(dataset.dsd, _connect(settings, stack), attributes, unread)
        context = Context(
            dsd=dataset.dsd,
            structures=structures,
            action=dataset.action,
            attributes=attributes,
            now=settings.clock(),
            spool=spool,
            facts=facts,
            stored=stored,
        )
        running = [rule(context) for rule in chosen if facts or not rule.needs_facts]
        yield from _one_pass(context, running)


def _one_pass(context: Context, rules: list[Rule]) -> Iterator[Finding]:
    for rule in rules:
        yield from rule.start()
    first_number = 0
    for batch in context.spool:
        rows = Rows(context.dsd, batch, first_number)
        first_number += len(rows)
        if context.facts is not None:
            context.facts.feed(rows)
        for rule in rules:
            yield from rule.feed(rows)
    if context.facts is not None:
        context.facts.finish()
    for rule in rules:
        yield from rule.end()


def _spooled(dataset: Dataset, settings: Settings, stack: ExitStack) -> Spool:
    if isinstance(dataset.batches, Spool):
        return dataset.batches
    spool = stack.enter_context(Spool(settings.temporary_folder))
    return spool.fill(dataset.batches)


def _connect(settings: Settings, stack: ExitStack) -> duckdb.DuckDBPyConnection:
    """Return an engine of its own for one dataset; what outgrows its memory goes to a folder of its own."""
    settings.temporary_folder.mkdir(parents=True, exist_ok=True)
    folder = stack.enter_context(
        tempfile.TemporaryDirectory(prefix="rules-", dir=settings.temporary_folder)
    )
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": str(settings.duckdb_threads),
            "memory_limit": f"{settings.duckdb_memory_limit_mb}MB",
            "temp_directory": folder,
            # Every question says its own order; not keeping another saves memory.
            "preserve_insertion_order": "false",
        },
    )
    stack.callback(connection.close)
    return connection
