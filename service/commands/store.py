"""`ilms store`: look after a store."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.commands.opened import opened_store
from service.commands.option import FOLDER, config_option, options, settings_of, store_option
from service.commands.progress import bar
from service.commands.refusal import REJECTED, refusing

if TYPE_CHECKING:
    from service.store.protocol import Copied, Store


@click.group("store")
def store_group() -> None:
    """Look after a store: check, compact, back up, restore.

    \b
    Example:
      ilms store check --store var/store
    """


_backup_source = click.argument(
    "source", type=click.Path(exists=True, file_okay=False, path_type=Path)
)


def _opened(store: Path | None, config: Path | None) -> AbstractContextManager[Store]:
    return opened_store(settings_of(config, store_folder=store))


@store_group.command("check")
@options(store_option, config_option)
def check_store(store: Path | None, config: Path | None) -> None:
    """Read every file of a store again and compare it with the SHA-256 under which it was written.

    \b
    Example:
      ilms store check --store var/store
    """
    with _opened(store, config) as opened, bar("Checking") as progress:
        problems = opened.check(progress)
    for problem in problems:
        click.echo(problem)
    if not problems:
        click.echo("the store is as it was written")
    sys.exit(REJECTED if problems else 0)


@store_group.command("compact")
@options(store_option, config_option)
def compact_store(store: Path | None, config: Path | None) -> None:
    """Turn many small files of a store into few, while it is in use; no answer changes.

    `ilms store collect` removes the old files later.

    \b
    Example:
      ilms store compact --store var/store
    """
    with _opened(store, config) as opened, bar("Compacting") as progress:
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
@options(store_option, config_option)
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
@click.argument("target", type=FOLDER)
@options(store_option, config_option)
def backup_store(target: Path, store: Path | None, config: Path | None) -> None:
    """Write a consistent copy of a store, while it is in use, to a new folder.

    \b
    Example:
      ilms store backup backups/2026-11-21 --store var/store
    """
    with _opened(store, config) as opened, bar("Backing up") as progress:
        done = opened.backup(target, progress)
    click.echo(f"Wrote {target}: {_copied(done)}")


@store_group.command("restore")
@_backup_source
@options(store_option, config_option)
def restore_store(source: Path, store: Path | None, config: Path | None) -> None:
    """Make an empty store what a backup holds, with every version and the ledger.

    The catalog may be in another database than it was in. What is interrupted goes on when it is run again.

    \b
    Example:
      ilms store restore backups/2026-11-21 --store var/restored
    """
    from service.store.backup import restore
    from service.store.protocol import StoreError

    with refusing(StoreError), bar("Restoring") as progress:
        done = restore(settings_of(config, store_folder=store), source, progress=progress)
    click.echo(f"Restored {source}: {_copied(done)}")


def _copied(done: Copied) -> str:
    newest = (
        f"transaction {done.transaction} of {done.at:%Y-%m-%dT%H:%M:%SZ}" if done.at else "empty"
    )
    return f"{newest}, {done.files:,} files, {done.bytes:,} bytes"


@store_group.command("migrate")
@click.option(
    "--backup", "target", required=True, type=FOLDER, help="New folder for the backup made first."
)
@options(store_option, config_option)
def migrate_store(target: Path, store: Path | None, config: Path | None) -> None:
    """Bring a store that an older release wrote to the format of this release; stop the service first.

    The store is backed up before. What is interrupted goes on when it is run again.

    \b
    Example:
      ilms store migrate --backup backups/before-upgrade --store var/store
    """
    from service.store.migration import migrate
    from service.store.protocol import StoreError

    with refusing(StoreError), bar("Backing up") as progress:
        done = migrate(settings_of(config, store_folder=store), target, progress=progress)
    if done.backup is None:
        click.echo(f"the store has format {done.target} already: nothing to do")
    else:
        click.echo(f"format {done.source} became {done.target}; the store as it was: {done.backup}")
