"""Backup and restore: a consistent copy of a store in a folder, whatever database its catalog is in.

```
backup.json                what this is, with the SHA-256 of the catalog: written last
catalog.sqlite             the tables of the catalog, also where the store has them in PostgreSQL
leaves/...                 the leaves that it lists, with the names and hashes that it gives
```

A backup is made in `NAME.part-...` and gets its name when all of it is on the disk; a restored store is there
when its catalog is, which takes one transaction at the end.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from service.config import Settings
from service.store.catalog import FORMAT_VERSION, Catalog, from_microseconds
from service.store.catalog_copy import (
    Identity,
    ListedFile,
    copy_tables,
    forget_superseded,
    identity,
    listed_files,
    opened_copy,
)
from service.store.fault import Fault, no_fault
from service.store.leaf import FOLDER, LeafFolder, disk_error, sync_folder
from service.store.lock import WriterLock
from service.store.protocol import (
    Copied,
    Progress,
    StoreError,
    StoreFormatError,
    StoreUnavailableError,
    reporting,
)

MANIFEST = "backup.json"
_CATALOG = "catalog.sqlite"
_KIND = "ilms-store-backup"
_RESTORING = "restore.part"
"""In the store folder while a restore is under way."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """What `backup.json` says."""

    kind: str
    format: int
    transaction: int
    at: int | None
    """Instant of the transaction, in microseconds of UTC."""
    files: int
    bytes: int
    catalog_sha256: str

    @property
    def identity(self) -> Identity:
        """The state of the store that was backed up."""
        return Identity(self.format, self.transaction, self.at)

    def copied(self) -> Copied:
        """Return it as the commands report it."""
        at = None if self.at is None else from_microseconds(self.at)
        return Copied(self.format, self.transaction, at, self.files, self.bytes)


# -- backup ----------------------------------------------------------------------------------------


def write_backup(
    catalog: Catalog,
    leaves: LeafFolder,
    target: Path,
    fault: Fault = no_fault,
    progress: Progress | None = None,
    tables: Collection[str] = (),
) -> Copied:
    """Write a backup to a new folder; takes no lock, and nobody waits for it.

    Args:
        catalog: of the store, of this release's format or an older one.
        leaves: of the store.
        target: folder to make.
        fault: called at points at which a crash must do no harm.
        progress: told of leaves copied.
        tables: tables that an older format has beside those of this release.

    Raises:
        StoreError: nothing is left behind.
    """
    target = target.resolve()
    if target.exists():
        raise StoreError(f"{target} is there already; name a folder that is not")
    if target.is_relative_to(leaves.root):
        raise StoreError(
            f"{target} is inside the store; name a folder outside, best on another disk"
        )
    part = target.with_name(f"{target.name}.part-{secrets.token_hex(4)}")
    try:
        part.mkdir(parents=True)
        manifest = _fill(catalog, leaves, part, {*catalog.table_names, *tables}, fault, progress)
        fault("backup-synced")
        part.rename(target)
        fault("backup-renamed")
        sync_folder(target.parent)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise disk_error(error, target, "back up") from error
    except StoreError:
        shutil.rmtree(part, ignore_errors=True)
        raise
    fault("backup-parent-synced")
    return manifest.copied()


def _fill(
    catalog: Catalog,
    leaves: LeafFolder,
    part: Path,
    tables: Collection[str],
    fault: Fault,
    progress: Progress | None,
) -> Manifest:
    """Copy the catalog and then its leaves; again, if leaves were collected meanwhile."""
    while True:
        state, files = _copy_catalog(catalog, part / _CATALOG, tables)
        fault("backup-catalog-copied")
        if _copy_leaves(catalog, leaves, part, files, fault, progress):
            break
    wanted = {file.path for file in files}
    size = 0
    for name, path in LeafFolder(part, fault).files():
        if name in wanted:
            size += path.stat().st_size
        else:  # Copied for a catalog that has been superseded.
            path.unlink()
    manifest = Manifest(_KIND, *state, len(files), size, _sha256(part / _CATALOG))
    _write_durably(part / MANIFEST, json.dumps(asdict(manifest), indent=2).encode("utf-8"))
    fault("backup-manifest-synced")
    for folder in (part, *(path for path in part.rglob("*") if path.is_dir())):
        sync_folder(folder)
        fault("backup-folder-synced")
    return manifest


def _copy_catalog(
    catalog: Catalog, file: Path, tables: Collection[str]
) -> tuple[Identity, list[ListedFile]]:
    file.unlink(missing_ok=True)
    with opened_copy(file) as target:
        with catalog.reading() as source:
            copy_tables(source, target, tables)
        forget_superseded(target)
        return identity(target), listed_files(target)


def _copy_leaves(
    catalog: Catalog,
    leaves: LeafFolder,
    part: Path,
    files: list[ListedFile],
    fault: Fault,
    progress: Progress | None,
) -> bool:
    """Copy leaves that are not there yet; False where one was superseded and collected meanwhile."""
    for file in reporting(files, progress):
        if (part / file.path).exists():
            continue
        problem = _copy(leaves.root / file.path, part / file.path, file.sha256)
        if problem is not None:
            with catalog.reading() as connection:
                if file not in listed_files(connection):
                    return False
            raise StoreUnavailableError(
                f"{leaves.root / file.path} {problem}: the backup would be damaged. Restore the file from an "
                "older backup, then back up again; `ilms store check` names all that are damaged"
            )
        fault("backup-copied")
    return True


# -- restore ---------------------------------------------------------------------------------------


def restore(
    settings: Settings, source: Path, fault: Fault = no_fault, progress: Progress | None = None
) -> Copied:
    """Make the store that the settings name from a backup; answers, ledger and instants are as they were.

    One that was interrupted goes on when it is called again.

    Raises:
        StoreError: the store is not empty, or the backup is incomplete or damaged.
    """
    source = source.resolve()
    manifest = read_manifest(source)
    folder = Path(settings.store_folder).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder, "restore") from error
    catalog = Catalog(settings.store_url, folder)
    try:
        with WriterLock(catalog).held():
            _refuse_unless_empty(catalog, folder)
            try:
                _restore(catalog, folder, source, fault, progress)
            except OSError as error:
                raise disk_error(error, folder, "restore") from error
    finally:
        catalog.dispose()
    return manifest.copied()


def _restore(
    catalog: Catalog, folder: Path, source: Path, fault: Fault, progress: Progress | None
) -> None:
    marker = folder / _RESTORING
    _write_durably(marker, source.name.encode("utf-8"))
    sync_folder(folder)
    fault("restore-marked")
    with opened_copy(source / _CATALOG) as copy:
        files = listed_files(copy)
        for file in reporting(files, progress):
            problem = _copy(source / file.path, folder / file.path, file.sha256)
            if problem is not None:
                raise StoreFormatError(
                    f"{source / file.path} {problem}: the backup is damaged; use another one"
                )
            fault("restore-copied")
        for path in (folder / FOLDER, *(folder / FOLDER).rglob("*")):
            if path.is_dir():
                sync_folder(path)
                fault("restore-folder-synced")
        sync_folder(folder)
        with catalog.writing() as target:
            copy_tables(copy, target)
            fault("restore-before-commit")
    fault("restore-after-commit")
    marker.unlink()
    fault("restore-unmarked")


def _refuse_unless_empty(catalog: Catalog, folder: Path) -> None:
    if catalog.format_version() is not None:
        raise StoreError(
            f"the store in {folder} is there already; a backup is restored into an empty one: name another "
            "folder (and database), or move this one away"
        )
    if (folder / FOLDER).exists() and not (folder / _RESTORING).exists():
        raise StoreError(
            f"{folder / FOLDER} holds files of another store; name another folder, or move it away"
        )


def refuse_interrupted_restore(folder: Path) -> None:
    """Refuse to make a new store where one was being restored.

    Raises:
        StoreFormatError: says what to do.
    """
    if (folder / _RESTORING).exists():
        raise StoreFormatError(
            f"the store in {folder} was being restored and is not complete: run `ilms store restore` again"
        )


def read_manifest(source: Path) -> Manifest:
    """Return what a backup says of itself, its catalog verified.

    Raises:
        StoreError: it is no backup, incomplete, damaged, or of a newer release.
    """
    try:
        manifest = Manifest(**_members((source / MANIFEST).read_bytes()))
        digest = _sha256(source / _CATALOG)
    except FileNotFoundError as error:
        raise StoreError(
            f"{source} is no complete backup: it has no {Path(error.filename or '').name}; one that was "
            "interrupted is called NAME.part-... and can be deleted"
        ) from error
    except OSError as error:
        raise StoreUnavailableError(
            f"{source} cannot be read: {error.strerror or error}"
        ) from error
    except (ValueError, TypeError) as error:
        raise StoreFormatError(f"{source / MANIFEST} is damaged: use another backup") from error
    if manifest.format > FORMAT_VERSION:
        raise StoreFormatError(
            f"{source} has store format {manifest.format}, written by a newer release; this one reads up to "
            f"format {FORMAT_VERSION}: install the newer release of ilms-exchange"
        )
    if digest != manifest.catalog_sha256:
        raise StoreFormatError(f"{source / _CATALOG} is damaged: use another backup")
    return manifest


def _members(content: bytes) -> dict[str, Any]:
    members = json.loads(content)
    if not isinstance(members, dict) or members.get("kind") != _KIND:
        raise ValueError
    return members


# -- files -----------------------------------------------------------------------------------------


def _copy(source: Path, target: Path, sha256: str) -> str | None:
    """Copy a file through to the disk; return what is wrong with its content, None where nothing is."""
    digest = hashlib.sha256()
    try:
        reading = source.open("rb")
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    target.parent.mkdir(parents=True, exist_ok=True)
    with reading, target.open("wb") as writing:
        while chunk := reading.read(_CHUNK):
            digest.update(chunk)
            writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())
    if digest.hexdigest() == sha256:
        return None
    target.unlink()
    return "is not as it was written (its SHA-256 is another)"


def _write_durably(target: Path, content: bytes) -> None:
    with target.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
