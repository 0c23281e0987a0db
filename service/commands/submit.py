"""`ilms validate` and `ilms load`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.commands.option import (
    FILE,
    config_option,
    json_option,
    options,
    provider_option,
    settings_of,
    store_option,
    structures_of,
    structures_option,
    waivers_option,
)
from service.commands.progress import each
from service.commands.refusal import REJECTED, refusing

if TYPE_CHECKING:
    from dsd.structures import Structures
    from service.config import Settings
    from service.submission.result import SubmissionResult


@click.command()
@click.argument("source", type=FILE)
@options(provider_option, waivers_option, json_option, structures_option)
def validate(
    source: Path,
    provider: str | None,
    waivers: Path | None,
    as_json: bool,
    folders: tuple[Path, ...],
) -> None:
    """Say what is wrong with a submission, where, and how to mend it; store nothing.

    \b
    Example:
      ilms validate idn.xlsx --provider IDN_MOM
    """
    result = _submit(
        source, structures_of(folders), None, provider, waivers, settings=settings_of()
    )
    _print(result, as_json)
    sys.exit(0 if result.is_accepted else REJECTED)


@click.command()
@click.argument("sources", nargs=-1, type=FILE)
@click.option(
    "--bundled", is_flag=True, help="Load the example submissions that come with the program."
)
@click.option(
    "--all-or-nothing", is_flag=True, help="Reject a whole file where one table is rejected."
)
@options(
    store_option,
    config_option,
    provider_option,
    waivers_option,
    json_option,
    structures_option,
)
def load(
    sources: tuple[Path, ...],
    bundled: bool,
    all_or_nothing: bool,
    store: Path | None,
    config: Path | None,
    provider: str | None,
    waivers: Path | None,
    as_json: bool,
    folders: tuple[Path, ...],
) -> None:
    """Validate submissions and store what is accepted, each file in one transaction.

    \b
    Example:
      ilms load idn.xlsx --store var/store --provider IDN_MOM
    """
    from service.store import open_store
    from service.store.protocol import StoreError
    from service.submission.agreement import coordinating_provider

    if not sources and not bundled:
        raise click.UsageError("name a file, or give --bundled")
    structures, settings = structures_of(folders), settings_of(config, store_folder=store)
    jobs = [(source, provider, waivers) for source in sources]
    for example in _bundled() if bundled else ():
        office = coordinating_provider(structures, example.name[:3])
        allowed = example.with_suffix(".waivers.toml")
        jobs.append(
            (example, str(office) if office else None, allowed if allowed.exists() else None)
        )
    accepted = True
    with refusing(StoreError):
        opened = open_store(settings)
        try:
            for source, office_name, allowed_file in each(jobs, "Loading"):
                result = _submit(
                    source, structures, opened, office_name, allowed_file, settings, all_or_nothing
                )
                _print(result, as_json)
                accepted = accepted and result.is_accepted
        finally:
            opened.close()
    sys.exit(0 if accepted else REJECTED)


def _bundled() -> list[Path]:
    """Return the example submissions, named by country; errors allowed in one stand beside it."""
    from dsd.structures import PACKAGE_ROOT

    return sorted((PACKAGE_ROOT / "converters" / "examples" / "submissions").glob("*.xlsx"))


def _submit(
    source: Path,
    structures: Structures,
    store: Any,
    provider: str | None,
    waivers: Path | None,
    settings: Settings,
    all_or_nothing: bool = False,
) -> SubmissionResult:
    from service.submission.agreement import UnknownProviderError
    from service.submission.convert import UnreadableSubmissionError
    from service.submission.receive import submit
    from service.submission.report import rule_infos
    from service.validation.waiver import WaiverFileError, read_waivers

    with refusing(UnreadableSubmissionError, UnknownProviderError, WaiverFileError):
        return submit(
            source,
            structures,
            store,
            provider=provider,
            waivers=read_waivers(waivers, rule_infos()) if waivers else None,
            all_or_nothing=all_or_nothing,
            settings=settings,
        )


def _print(result: SubmissionResult, as_json: bool) -> None:
    from service.submission.report import as_json as to_json
    from service.submission.report import as_text

    click.echo(to_json(result).decode("utf-8") if as_json else as_text(result), nl=False)
