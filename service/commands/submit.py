"""`ilms validate` and `ilms load`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.commands.opened import opened_store, with_pushed
from service.commands.option import (
    FILE,
    all_or_nothing_option,
    config_option,
    json_option,
    options,
    output_option,
    provider_option,
    report_option,
    settings_of,
    store_option,
    structures_of,
    structures_option,
    waivers_option,
)
from service.commands.progress import each
from service.commands.refusal import REJECTED, UNABLE, refusing
from service.commands.report import Report

if TYPE_CHECKING:
    from dsd.structures import Structures
    from service.config import Settings
    from service.submission.result import SubmissionResult


@dataclass(frozen=True)
class Job:
    """A file to check, by whom it is sent, and what is allowed in it."""

    source: Path
    provider: str | None
    waivers: Path | None


@click.command()
@click.argument("sources", nargs=-1, required=True, type=FILE)
@options(
    provider_option,
    waivers_option,
    all_or_nothing_option,
    report_option,
    json_option,
    output_option,
    structures_option,
)
def validate(
    sources: tuple[Path, ...],
    provider: str | None,
    waivers: Path | None,
    all_or_nothing: bool,
    report: str | None,
    target: Path | None,
    places: tuple[str, ...],
) -> None:
    """Say what is wrong with submissions, where, and how to mend it.

    Nothing is stored. The exit status is 1 where a table is rejected, 2 where a file cannot be read.

    \b
    Example:
      ilms validate idn.xlsx --provider IDN_MOM -o report.html
    """
    structures = structures_of(places)
    said = Report(structures, report, target, len(sources))
    jobs = [Job(source, provider, waivers) for source in sources]
    _submit(jobs, "Validating", structures, None, said, settings_of(), all_or_nothing)


@click.command()
@click.argument("sources", nargs=-1, type=FILE)
@click.option(
    "--bundled", is_flag=True, help="Load the example submissions that come with the program."
)
@options(
    store_option,
    config_option,
    provider_option,
    waivers_option,
    all_or_nothing_option,
    report_option,
    json_option,
    output_option,
    structures_option,
)
def load(
    sources: tuple[Path, ...],
    bundled: bool,
    store: Path | None,
    config: Path | None,
    provider: str | None,
    waivers: Path | None,
    all_or_nothing: bool,
    report: str | None,
    target: Path | None,
    places: tuple[str, ...],
) -> None:
    """Validate submissions and store what is accepted.

    Each file is one transaction: its accepted tables are stored together, or none.

    \b
    Example:
      ilms load idn.xlsx khm.xlsx --store var/store
    """
    if not sources and not bundled:
        raise click.UsageError("name a file, or give --bundled")
    built_in, settings = structures_of(places), settings_of(config, store_folder=store)
    with opened_store(settings, create=True) as opened:
        structures = with_pushed(built_in, opened)
        jobs = [Job(source, provider, waivers) for source in sources]
        jobs += _bundled(structures) if bundled else ()
        said = Report(structures, report, target, len(jobs))
        _submit(jobs, "Loading", structures, opened, said, settings, all_or_nothing)


def _bundled(structures: Structures) -> list[Job]:
    """Return the example submissions, named by country; errors allowed in one stand beside it."""
    from dsd.structures import PACKAGE_ROOT
    from service.submission.agreement import coordinating_provider

    folder = PACKAGE_ROOT / "converters" / "examples" / "submissions"
    jobs = []
    for path in sorted(folder.glob("*.xlsx")):
        office = coordinating_provider(structures, path.stem)
        jobs.append(Job(path, str(office) if office else None, folder))
    return jobs


def _submit(
    jobs: Sequence[Job],
    what: str,
    structures: Structures,
    store: Any,
    said: Report,
    settings: Settings,
    all_or_nothing: bool,
) -> None:
    """Check (and store) the files one after the other, report, and end with the exit status."""
    from service.submission.convert import UnreadableSubmissionError

    for job in each(jobs, what, lambda job: job.source.name):
        try:
            said.add(submit_file(job, structures, store, settings, all_or_nothing))
        except UnreadableSubmissionError as error:
            said.add_unreadable(job.source, str(error))
    said.finish()
    if said.has_unreadable:
        sys.exit(UNABLE)
    sys.exit(0 if said.is_accepted else REJECTED)


def submit_file(
    job: Job,
    structures: Structures,
    store: Any,
    settings: Settings,
    all_or_nothing: bool = False,
) -> SubmissionResult:
    """Check a file, and store it where a store is given.

    Raises:
        UnreadableSubmissionError: the file is of no kind that can be read.
        Refusal: there is no such provider, or the waivers cannot be opened.
    """
    from service.submission.agreement import UnknownProviderError
    from service.submission.receive import submit
    from service.submission.report import rule_infos
    from service.validation.waiver import WaiverFileError, read_waivers

    allowed = _waivers_of(job)
    with refusing(UnknownProviderError, WaiverFileError):
        return submit(
            job.source,
            structures,
            store,
            provider=job.provider,
            waivers=read_waivers(allowed, rule_infos()) if allowed else None,
            all_or_nothing=all_or_nothing,
            settings=settings,
        )


def _waivers_of(job: Job) -> Path | None:
    if job.waivers is None or not job.waivers.is_dir():
        return job.waivers
    named = job.waivers / f"{job.source.stem}.waivers.toml"
    return named if named.exists() else None
