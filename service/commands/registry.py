"""`ilms registry`: whole registries of structures, moved, compared and looked back on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from service.commands.opened import opened_store
from service.commands.option import (
    config_option,
    folders_option,
    options,
    settings_of,
    store_option,
    structures_of,
)
from service.commands.progress import bar
from service.commands.refusal import REJECTED, Refusal, refusing, say
from service.commands.target import replacing

if TYPE_CHECKING:
    from dsd.structures import Structures
    from service.submission.registry_exchange import Progress, RegistryPlace, RegistryTarget

_STORE = "store"
_PLACE = "PLACE"
_LOSSLESS = "json"
"""The structure format that holds everything, written as artefact files are."""

as_of_option = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]),
    help="The registry of the store as it was at this instant, in UTC.",
)


@click.group()
def registry() -> None:
    """Move, compare and look back on whole registries of structures.

    A PLACE is the URL of a running service (https://example.org), `store` for the store of --store, a folder of
    artefact files, or a structure message in a file.

    \b
    Example:
      ilms registry export https://example.org -o registry.json
    """


@contextmanager
def _place(
    name: str,
    store: Path | None,
    config: Path | None,
    folders: tuple[Path, ...] = (),
    token: str | None = None,
    as_of: datetime | None = None,
) -> Iterator[RegistryPlace]:
    """Open a place for the time of a command."""
    from service.submission.local_registry import FiledRegistry, StoredRegistry
    from service.submission.remote_registry import RemoteRegistry

    if name == _STORE:
        settings = settings_of(config, store_folder=store)
        built_in = structures_of([str(folder) for folder in folders])
        instant = None if as_of is None else as_of.replace(tzinfo=UTC)
        with opened_store(settings, create=True) as opened:
            yield StoredRegistry(opened, built_in, settings, instant)
    elif as_of is not None:
        raise Refusal("--as-of is for a store: PLACE is then the word store")
    elif name.startswith(("http://", "https://")) and "/structure/" not in name:
        yield RemoteRegistry(name, token)
    else:
        yield FiledRegistry(name)


def _read(place: RegistryPlace, progress: Progress) -> Structures:
    from service.submission.registry_exchange import RegistryError

    with refusing(RegistryError):
        return place.read(progress)


@registry.command("export")
@click.argument("place", metavar=_PLACE, default=_STORE)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    required=True,
    help="A file, whose ending says the format, or a folder, which gets a file for each artefact.",
)
@click.option("--format", "format_name", help="Structure format of the file: json, ml30, ...")
@options(as_of_option, store_option, config_option, folders_option)
def export_registry(
    place: str,
    target: Path,
    format_name: str | None,
    as_of: datetime | None,
    store: Path | None,
    config: Path | None,
    folders: tuple[Path, ...],
) -> None:
    """Write all structures of a registry to one file, or to a folder with one file for each artefact.

    SDMX-JSON 2.1 and the folder hold everything; a format that cannot is refused.

    \b
    Example:
      ilms registry export store -o registry.json --store var/store
    """
    with _place(place, store, config, folders, as_of=as_of) as opened, bar("Reading") as progress:
        found = _read(opened, progress)
    if format_name is None and (target.is_dir() or not target.suffix):
        _to_folder(found, target)
    else:
        _to_file(found, target, format_name)
    say(f"Wrote {target}: {len(found):,} artefacts of {opened.name}.")


def _to_folder(structures: Structures, folder: Path) -> None:
    from service.submission.local_registry import write_artefact_files

    with refusing(OSError):
        written = write_artefact_files(folder, structures)
        others = sorted(set(folder.rglob("*.json")) - written)
    if others:
        say(
            f"{len(others)} files of {folder} hold artefacts that the registry has not, as {others[0]}: "
            "remove them if the folder is to be the registry."
        )


def _to_file(structures: Structures, target: Path, format_name: str | None) -> None:
    from dsd.sdmx_json import encode_structures, make_message
    from service.config import utc_now
    from service.formats import UnknownFormatError, find_structure_format
    from service.formats.contract import EncodeOptions, Header, NotExpressibleError

    with refusing(UnknownFormatError):
        chosen = find_structure_format(format_name or target.suffix)
    if chosen.encode is None:
        raise Refusal(f"{chosen.name} can be read only")
    header = Header(id="REGISTRY", prepared=utc_now())
    if chosen.name == _LOSSLESS:
        chunks = iter([encode_structures(make_message(structures, header.prepared, header.id))])
    else:
        with refusing(NotExpressibleError):
            chunks = chosen.encode(header, list(structures), structures, EncodeOptions())
    with replacing(target) as part, part.open("wb") as stream:
        stream.writelines(chunks)


@registry.command("import")
@click.argument("source", metavar="SOURCE")
@click.argument("place", metavar=_PLACE, default=_STORE)
@click.option(
    "--token",
    envvar="ILMS_TOKEN",
    help="API token of a running service; better in the variable ILMS_TOKEN, where no list of processes shows it.",
)
@click.option("--agency", help="Bring only what this agency, or one under it, maintains.")
@options(store_option, config_option, folders_option)
def import_registry(
    source: str,
    place: str,
    token: str | None,
    agency: str | None,
    store: Path | None,
    config: Path | None,
    folders: tuple[Path, ...],
) -> None:
    """Bring a registry the structures of another PLACE that it has not, or not like that.

    Goes in slices, each all or nothing; what only the target has stays. Interrupted, the same command goes on.

    \b
    Example:
      ilms registry import registry.json https://example.org
    """
    from service.submission.registry_exchange import RegistryError, transfer

    with _place(source, store, config, folders) as origin, bar("Reading") as progress:
        wanted = _of_agency(_read(origin, progress), agency)
    with _place(place, store, config, folders, token) as opened:
        if not hasattr(opened, "send"):
            raise Refusal(f"{place} is no registry that takes structures: name a URL, or `store`")
        with bar("Comparing") as progress:
            known = _read(opened, progress)
        with bar("Sending") as progress, refusing(RegistryError):
            done = transfer(wanted, cast("RegistryTarget", opened), known, progress)
    say(
        f"{done.sent:,} artefacts sent, {done.unchanged:,} were there already"
        + (f"; {done.others:,} others stay." if done.others else ".")
    )


def _of_agency(structures: Structures, agency: str | None) -> Structures:
    from dsd.structures import Structures

    if agency is None:
        return structures
    return Structures(
        artefact
        for artefact in structures
        if artefact.agency_id == agency or artefact.agency_id.startswith(f"{agency}.")
    )


@registry.command("diff")
@click.argument("one", metavar=_PLACE)
@click.argument("other", metavar=_PLACE)
@options(store_option, config_option, folders_option)
def diff_registries(
    one: str, other: str, store: Path | None, config: Path | None, folders: tuple[Path, ...]
) -> None:
    """List what two registries differ in; the exit status is 1 where they differ.

    `-` only the first has it, `+` only the second has it, `~` both have it, with other content.

    \b
    Example:
      ilms registry diff https://example.org store --store var/store
    """
    from service.submission.registry_exchange import differences

    found = []
    for name in (one, other):
        with _place(name, store, config, folders) as opened, bar("Reading") as progress:
            found.append(_read(opened, progress))
    lines = [str(difference) for difference in differences(*found)]
    for line in lines:
        click.echo(line)
    if not lines:
        say(f"no difference: {len(found[0]):,} artefacts")
    sys.exit(REJECTED if lines else 0)


@registry.command("history")
@click.argument("artefact", required=False)
@click.option("--limit", type=click.IntRange(min=1), help="Changes to list, the newest ones.")
@options(store_option, config_option)
def registry_history(
    artefact: str | None, limit: int | None, store: Path | None, config: Path | None
) -> None:
    """List who changed which structures when, and by which message, newest first.

    ARTEFACT is a URN; without it the changes of all are listed.

    \b
    Example:
      ilms registry history --limit 20 --store var/store
    """
    with opened_store(settings_of(config, store_folder=store)) as opened:
        entries = opened.artefacts.history(artefact, limit)
    for entry in entries:
        record = entry.record
        click.echo(
            f"{entry.at:%Y-%m-%dT%H:%M:%SZ}\t{entry.transaction}\t{entry.action}\t{entry.urn}\t"
            f"{record.account} ({record.agency})\t{record.request}\t{record.message or '-'}"
        )
