"""Migration: a store of an older format becomes one of this release's, step by step.

The store is backed up first. A step works piece by piece, each piece one transaction of the catalog; the last
piece of a step records the new format with it. After a crash the same command goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from service.config import Settings
from service.store.backup import read_manifest, write_backup
from service.store.catalog import FORMAT_VERSION, Catalog
from service.store.catalog_copy import identity, note, set_note
from service.store.fault import Fault, no_fault
from service.store.leaf import LeafFolder
from service.store.lock import WriterLock
from service.store.protocol import Progress, StoreError
from service.store.tables import ADDED_IN_FORMAT_2, METADATA

_BACKUP = "migration_backup"
"""What the catalog calls the backup that was made before the first step."""


@dataclass(frozen=True)
class Step:
    """What leads from one format to the next."""

    source: int
    """The format that it starts from; it leads to the one after."""
    summary: str
    work: Callable[[sa.Connection, LeafFolder], bool]
    """Does one piece of the work inside a transaction and tells whether that was the last."""
    tables: tuple[str, ...] = ()
    """Tables that format `source` has and this release has not: the backup must hold them too."""


def _add_structures_and_tokens(connection: sa.Connection, _leaves: LeafFolder) -> bool:
    METADATA.create_all(connection, tables=list(ADDED_IN_FORMAT_2))
    return True


STEPS: tuple[Step, ...] = (
    Step(1, "tables of pushed structures and of API tokens", _add_structures_and_tokens),
)
"""One step for each format that was ever released, oldest first; format 1 is the first."""


@dataclass(frozen=True)
class Migrated:
    """What `migrate` did."""

    source: int
    target: int
    backup: Path | None
    """None where there was nothing to do."""


def oldest_format(steps: tuple[Step, ...] = STEPS) -> int:
    """Return the oldest format from which steps lead to this release's."""
    return FORMAT_VERSION - len(steps)


def migrate(
    settings: Settings,
    backup: Path,
    *,
    steps: tuple[Step, ...] | None = None,
    fault: Fault = no_fault,
    progress: Progress | None = None,
) -> Migrated:
    """Bring the store that the settings name to this release's format; backs it up to `backup` first.

    Raises:
        StoreError: what was done stays done; the same call goes on.
    """
    steps = STEPS if steps is None else steps
    folder = Path(settings.store_folder).resolve()
    if not settings.store_url and not (folder / "catalog.sqlite").exists():
        raise StoreError(f"there is no store in {folder}")
    catalog = Catalog(settings.store_url, folder)
    try:
        version = catalog.format_version()
        if version is None:
            raise StoreError("there is no store in this database: nothing to migrate")
        if version == FORMAT_VERSION:
            return Migrated(version, version, None)
        if not oldest_format(steps) <= version < FORMAT_VERSION:
            catalog.check_format(version)
        with WriterLock(catalog).held():
            return _migrate(catalog, LeafFolder(folder, fault), backup, steps, fault, progress)
    finally:
        catalog.dispose()


def _migrate(
    catalog: Catalog,
    leaves: LeafFolder,
    backup: Path,
    steps: tuple[Step, ...],
    fault: Fault,
    progress: Progress | None,
) -> Migrated:
    with catalog.reading() as connection:
        source = identity(connection).format
    remaining = [step for step in steps if step.source >= source]
    kept = _backed_up(catalog, leaves, backup, remaining, fault, progress)
    fault("migrate-backed-up")
    for step in remaining:
        done = False
        while not done:
            with catalog.writing() as connection:
                done = step.work(connection, leaves)
                if done:
                    set_note(connection, "format", str(step.source + 1))
                    if step is remaining[-1]:
                        set_note(connection, _BACKUP, None)
                fault("migrate-before-commit")
            fault("migrate-after-commit")
    return Migrated(source, FORMAT_VERSION, kept)


def _backed_up(
    catalog: Catalog,
    leaves: LeafFolder,
    backup: Path,
    steps: list[Step],
    fault: Fault,
    progress: Progress | None,
) -> Path:
    """Return the folder of the backup; one that was made before an interruption is not made again."""
    with catalog.reading() as connection:
        recorded, present = note(connection, _BACKUP), identity(connection)
    if recorded is not None:
        return Path(recorded)
    backup = backup.resolve()
    # A crash may have come after the backup and before it was recorded.
    if not backup.exists() or read_manifest(backup).identity != present:
        tables = {name for step in steps for name in step.tables}
        write_backup(catalog, leaves, backup, fault, progress, tables)
    fault("migrate-backup-made")
    with catalog.writing() as connection:
        set_note(connection, _BACKUP, str(backup))
    return backup
