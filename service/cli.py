"""The command `ilms`.

Exit status: 0 all well, 1 something was found that rejects, 2 the command cannot do what it was asked.
Imports are inside the commands: a laptop starts fast and needs only what it uses.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dsd.dataset import Dataset
    from dsd.structures import Structures
    from service.config import Settings
    from service.formats.contract import DataFormat
    from service.store.protocol import Copied, Store
    from service.submission.result import SubmissionResult

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_TARGET = click.Path(dir_okay=False, path_type=Path)
_REJECTED = 1


class Refusal(click.ClickException):
    """The command cannot do what it was asked; nothing was written."""

    exit_code = 2


@contextmanager
def _refusing(*errors: type[Exception]) -> Iterator[None]:
    """Turn exceptions of the rooms into one line for a person."""
    try:
        yield
    except errors as error:
        raise Refusal(str(error.args[0] if error.args else error)) from error


def _say(text: str) -> None:
    click.echo(text, err=True)


def _structures(folders: Sequence[Path] = ()) -> Structures:
    from dsd.sdmx_json import StructureMessageError
    from dsd.structures import load_structures

    with _refusing(StructureMessageError):
        built_in = load_structures()
        return built_in.joined(load_structures(folders)) if folders else built_in


def _settings(config: Path | None = None, **overrides: Any) -> Settings:
    from service.config import SettingError, load_settings

    with _refusing(SettingError):
        return load_settings(config, **overrides)


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Give a file to write that becomes `target` only when all went well."""
    with _refusing(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        os.close(handle)
    part = Path(name)
    try:
        with _refusing(OSError):
            yield part
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_structures_option = click.option(
    "--structures",
    "folders",
    multiple=True,
    type=_FOLDER,
    help="A folder of artefact files beside the built-in ones; may be repeated.",
)
_config_option = click.option("--config", type=_FILE, help="TOML file of settings.")
_store_option = click.option("--store", type=_FOLDER, help="Folder of the store.")
_provider_option = click.option(
    "--provider", help="Id of the data provider, as IDN_MOM; checks what its agreements allow."
)
_waivers_option = click.option(
    "--waivers", type=_FILE, help="TOML file of errors that are allowed, each with its reason."
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ilms-exchange", prog_name="ilms")
@click.option("-v", "--verbose", is_flag=True, help="Log what is being done.")
def main(verbose: bool) -> None:
    """Exchange labour migration statistics of ASEAN as SDMX.

    \b
    A first tour:
      ilms template --country IDN --years 2023-2024 --table T15 -o idn.xlsx
      ilms validate idn.xlsx
      ilms convert idn.xlsx -o idn.csv
      ilms load idn.xlsx --store var/store
      ilms serve --store var/store
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
        force=True,
    )


def _years(_context: click.Context, _option: click.Parameter, text: str) -> tuple[str, ...]:
    """Read `2015-2024`, `2020,2022` or both mixed."""
    years: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise click.BadParameter(f"{part!r} is no year; write 2024, 2015-2024 or 2020,2022")
        years += range(int(first), int(last or first) + 1)
    return tuple(str(year) for year in years)


@main.command()
@click.option("--country", required=True, help="ISO 3166 alpha-3 code of the reporting country.")
@click.option(
    "--years", required=True, callback=_years, help="Years asked for: 2015-2024 or 2020,2022."
)
@click.option(
    "--table", "tables", multiple=True, help="Table, as T15; all tables where none is named."
)
@click.option(
    "--language", "languages", multiple=True, help="Language of labels; two stand side by side."
)
@click.option("-o", "--output", "target", required=True, type=_TARGET, help="Workbook to write.")
@_structures_option
def template(
    country: str,
    years: tuple[str, ...],
    tables: tuple[str, ...],
    languages: tuple[str, ...],
    target: Path,
    folders: tuple[Path, ...],
) -> None:
    """Write a blank questionnaire workbook for a country.

    \b
    Example:
      ilms template --country KHM --years 2015-2024 --table T15 -o khm.xlsx
    """
    from converters.table import UnknownTableError
    from converters.template import template_bytes

    with _refusing(UnknownTableError):
        body = template_bytes(
            _structures(folders), country, years, tables or None, languages=languages or ("en",)
        )
    with _replacing(target) as part:
        part.write_bytes(body)
    _say(f"Wrote {target}.")


@main.command()
@click.argument("source", type=_FILE)
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    type=_TARGET,
    help="File to write: .csv, .json or .xml.",
)
@click.option(
    "--format", "format_name", help="Format, where the file ending does not say: csv, json, ml21."
)
@click.option(
    "--labels", type=click.Choice(["id", "name", "both"]), default="id", help="Names in SDMX-CSV."
)
@click.option(
    "--partial", is_flag=True, help="Write what could be read even where cells were in error."
)
@_structures_option
def convert(
    source: Path,
    target: Path,
    format_name: str | None,
    labels: str,
    partial: bool,
    folders: tuple[Path, ...],
) -> None:
    """Convert a filled questionnaire (or an SDMX data message) to SDMX.

    A file with several tables becomes one file a table, the table's id before the ending. Nothing is
    written where a cell could not be read, unless --partial is given.

    \b
    Example:
      ilms convert idn.xlsx -o idn.csv
    """
    from service.formats import UnknownFormatError, find_data_format
    from service.submission.convert import UnreadableSubmissionError, read_submission
    from service.submission.report import findings_as_text

    structures = _structures(folders)
    with _refusing(UnknownFormatError):
        data_format = find_data_format(format_name or target.suffix)
    with _refusing(UnreadableSubmissionError), read_submission(source, structures) as reading:
        datasets = list(reading.datasets)
        report = reading.report
    if report.findings:
        _say(findings_as_text(report.findings))
    if not report.is_accepted and not partial:
        _say("Nothing was written: mend the cells above, or ask for the rest with --partial.")
        sys.exit(_REJECTED)
    if not datasets:
        _say(f"{source} holds no observations; nothing was written.")
        sys.exit(_REJECTED)
    for dataset in datasets:
        _write_dataset(dataset, _target_of(dataset, target, len(datasets)), data_format, labels)
    sys.exit(0 if report.is_accepted else _REJECTED)


def _target_of(dataset: Dataset, target: Path, count: int) -> Path:
    return (
        target if count == 1 else target.with_suffix(f".{dataset.dsd.structure.id}{target.suffix}")
    )


def _write_dataset(dataset: Dataset, target: Path, data_format: DataFormat, labels: str) -> None:
    from service.config import utc_now
    from service.formats.contract import EncodeOptions, Header, NotExpressibleError
    from service.formats.preamble import in_key_order, make_preamble

    if data_format.encode is None:
        raise Refusal(f"{data_format.name} can be read only; write csv, json or ml21")
    batches = list(dataset.batches)
    preamble = make_preamble(dataset.dsd, batches, dataset.attributes)
    header = Header(id=dataset.dsd.structure.id, prepared=utc_now(), action=dataset.action)
    options = EncodeOptions(labels=labels)
    with _replacing(target) as part, part.open("wb") as stream, _refusing(NotExpressibleError):
        ordered = in_key_order(dataset.dsd, batches, preamble)
        for chunk in data_format.encode(header, dataset.dsd, preamble, ordered, options):
            stream.write(chunk)
    _say(f"Wrote {target}: {preamble.observations:,} observations of {dataset.dsd.urn.short}.")


@main.command()
@click.argument("source", type=_FILE)
@_options(_provider_option, _waivers_option, _json_option, _structures_option)
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
    result = _submit(source, _structures(folders), None, provider, waivers, settings=_settings())
    _print_result(result, as_json)
    sys.exit(0 if result.is_accepted else _REJECTED)


@main.command()
@click.argument("sources", nargs=-1, type=_FILE)
@click.option(
    "--bundled", is_flag=True, help="Load the example submissions that come with the program."
)
@click.option(
    "--all-or-nothing", is_flag=True, help="Reject a whole file where one table is rejected."
)
@_options(
    _store_option,
    _config_option,
    _provider_option,
    _waivers_option,
    _json_option,
    _structures_option,
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
    structures, settings = _structures(folders), _settings(config, store_folder=store)
    jobs = [(source, provider, waivers) for source in sources]
    for example in _bundled() if bundled else ():
        office = coordinating_provider(structures, example.name[:3])
        allowed = example.with_suffix(".waivers.toml")
        jobs.append(
            (example, str(office) if office else None, allowed if allowed.exists() else None)
        )
    accepted = True
    with _refusing(StoreError):
        opened = open_store(settings)
        try:
            for source, office_name, allowed_file in _progress(jobs, "Loading"):
                result = _submit(
                    source, structures, opened, office_name, allowed_file, settings, all_or_nothing
                )
                _print_result(result, as_json)
                accepted = accepted and result.is_accepted
        finally:
            opened.close()
    sys.exit(0 if accepted else _REJECTED)


def _bundled() -> list[Path]:
    """Return the example submissions, named by country; errors allowed in one stand beside it."""
    from dsd.structures import PACKAGE_ROOT

    return sorted((PACKAGE_ROOT / "converters" / "examples" / "submissions").glob("*.xlsx"))


def _progress(jobs: list[Any], what: str) -> Iterator[Any]:
    """Yield the jobs under a progress bar on a terminal, a log line each elsewhere."""
    if not sys.stderr.isatty():
        for number, job in enumerate(jobs, 1):
            logging.getLogger(__name__).info("%s %d of %d", what, number, len(jobs))
            yield job
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(jobs, description=what, console=Console(stderr=True), transient=True)


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

    with _refusing(UnreadableSubmissionError, UnknownProviderError, WaiverFileError):
        return submit(
            source,
            structures,
            store,
            provider=provider,
            waivers=read_waivers(waivers, rule_infos()) if waivers else None,
            all_or_nothing=all_or_nothing,
            settings=settings,
        )


def _print_result(result: SubmissionResult, as_json: bool) -> None:
    from service.submission.report import as_json as to_json
    from service.submission.report import as_text

    click.echo(to_json(result).decode("utf-8") if as_json else as_text(result), nl=False)


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--workers", type=int, help="Server processes.")
@_options(_store_option, _config_option, _structures_option)
def serve(
    host: str | None,
    port: int | None,
    workers: int | None,
    store: Path | None,
    config: Path | None,
    folders: tuple[Path, ...],
) -> None:
    """Serve SDMX REST and the pages until interrupted.

    \b
    Example:
      ilms serve --store var/store --port 8080
    """
    settings = _settings(config, host=host, port=port, workers=workers, store_folder=store)
    try:
        from service.server import ServerError
        from service.server import serve as run
    except ModuleNotFoundError as error:
        if error.name not in {"granian", "flask", "sqlalchemy", "polars"}:
            raise
        raise Refusal(
            f"the service needs {error.name}: pip install 'ilms-exchange[server]'"
        ) from error
    at = f"http://{settings.host}:{settings.port}"
    _say(f"Open {at} in a browser, or try:\n  curl -g '{at}/sdmx/v2/structure/dataflow/ILMS'")
    with _refusing(ServerError):
        run(settings, folders)


@main.group("store")
def store_group() -> None:
    """Look after a store.

    \b
    Example:
      ilms store check --store var/store
    """


_backup_source = click.argument(
    "source", type=click.Path(exists=True, file_okay=False, path_type=Path)
)


@contextmanager
def _opened(store: Path | None, config: Path | None) -> Iterator[Store]:
    """Open a store that is there; what goes wrong becomes one line for a person."""
    from service.store import open_store
    from service.store.protocol import StoreError

    with _refusing(StoreError):
        opened = open_store(_settings(config, store_folder=store), create=False)
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give what shows progress: a bar on a terminal, log lines elsewhere."""
    if not sys.stderr.isatty():
        log = logging.getLogger(__name__)
        yield lambda done, total: log.info("%s %d of %d", what, done, total)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@store_group.command("check")
@_options(_store_option, _config_option)
def check_store(store: Path | None, config: Path | None) -> None:
    """Read every file of a store again and compare it with the SHA-256 under which it was written.

    \b
    Example:
      ilms store check --store var/store
    """
    with _opened(store, config) as opened, _bar("Checking") as progress:
        problems = opened.check(progress)
    for problem in problems:
        click.echo(problem)
    if not problems:
        click.echo("the store is as it was written")
    sys.exit(_REJECTED if problems else 0)


@store_group.command("compact")
@_options(_store_option, _config_option)
def compact_store(store: Path | None, config: Path | None) -> None:
    """Turn many small files of a store into few, while it is in use; no answer changes.

    `ilms store collect` removes the old files later.

    \b
    Example:
      ilms store compact --store var/store
    """
    with _opened(store, config) as opened, _bar("Compacting") as progress:
        done = opened.compact(progress)
    click.echo(f"{done.before:,} files became {done.after:,}")


@store_group.command("collect")
@click.option(
    "--grace-minutes",
    type=click.IntRange(min=0),
    default=60,
    show_default=True,
    help="Age at which files go; it must be longer than the longest read and the longest load.",
)
@_options(_store_option, _config_option)
def collect_store(grace_minutes: int, store: Path | None, config: Path | None) -> None:
    """Remove files that nothing needs any more: superseded ones and what a crash left over.

    \b
    Example:
      ilms store collect --store var/store
    """
    from datetime import timedelta

    with _opened(store, config) as opened:
        done = opened.collect(timedelta(minutes=grace_minutes))
    click.echo(f"{done.files:,} files removed, {done.bytes:,} bytes")


@store_group.command("backup")
@click.argument("target", type=_FOLDER)
@_options(_store_option, _config_option)
def backup_store(target: Path, store: Path | None, config: Path | None) -> None:
    """Write a consistent copy of a store, while it is in use, to a new folder.

    \b
    Example:
      ilms store backup backups/2026-11-21 --store var/store
    """
    with _opened(store, config) as opened, _bar("Backing up") as progress:
        done = opened.backup(target, progress)
    click.echo(f"Wrote {target}: {_copied(done)}")


@store_group.command("restore")
@_backup_source
@_options(_store_option, _config_option)
def restore_store(source: Path, store: Path | None, config: Path | None) -> None:
    """Make an empty store what a backup holds, with every version and the ledger.

    The catalog may be in another database than it was in. What is interrupted goes on when it is run again.

    \b
    Example:
      ilms store restore backups/2026-11-21 --store var/restored
    """
    from service.store.backup import restore
    from service.store.protocol import StoreError

    with _refusing(StoreError), _bar("Restoring") as progress:
        done = restore(_settings(config, store_folder=store), source, progress=progress)
    click.echo(f"Restored {source}: {_copied(done)}")


def _copied(done: Copied) -> str:
    newest = (
        f"transaction {done.transaction} of {done.at:%Y-%m-%dT%H:%M:%SZ}" if done.at else "empty"
    )
    return f"{newest}, {done.files:,} files, {done.bytes:,} bytes"


@store_group.command("migrate")
@click.option(
    "--backup", "target", required=True, type=_FOLDER, help="New folder for the backup made first."
)
@_options(_store_option, _config_option)
def migrate_store(target: Path, store: Path | None, config: Path | None) -> None:
    """Bring a store that an older release wrote to the format of this release; stop the service first.

    The store is backed up before. What is interrupted goes on when it is run again.

    \b
    Example:
      ilms store migrate --backup backups/before-upgrade --store var/store
    """
    from service.store.migration import migrate
    from service.store.protocol import StoreError

    with _refusing(StoreError), _bar("Backing up") as progress:
        done = migrate(_settings(config, store_folder=store), target, progress=progress)
    if done.backup is None:
        click.echo(f"the store has format {done.target} already: nothing to do")
    else:
        click.echo(f"format {done.source} became {done.target}; the store as it was: {done.backup}")


@main.group()
def artefacts() -> None:
    """Look after the artefact files: structures, code lists, constraints.

    \b
    Example:
      ilms artefacts check
    """


@artefacts.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
def check(folders: tuple[Path, ...]) -> None:
    """Verify artefact files: paths, schema, references, hierarchies, and that final versions are unchanged.

    Looks at the built-in files, or at the folders named.

    \b
    Example:
      ilms artefacts check
    """
    from dsd.check import check_artefacts
    from service.submission.report import findings_as_text

    report = check_artefacts(folders or None)
    if report.findings:
        click.echo(findings_as_text(report.findings), nl=False)
    for rule in report.not_run:
        click.echo(f"not run: {rule} (its packages are not installed)")
    if report.is_accepted:
        click.echo(f"{len(_structures(folders))} artefacts: all well")
    sys.exit(0 if report.is_accepted else _REJECTED)


@artefacts.command("hash")
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
def record_hashes(folders: tuple[Path, ...]) -> None:
    """Record the hash of each new final version, which may not change from then on.

    \b
    Example:
      ilms artefacts hash
    """
    from dsd.final_version import write_hashes

    for path in write_hashes(folders or None):
        click.echo(f"Wrote {path}")
