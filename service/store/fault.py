"""The points at which a crash must do no harm: after each fsync, and before and after each commit.

Production passes through them and does nothing; tests crash there, at every one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

WritePoint = Literal[
    "folder-made",
    "leaf-written",
    "leaf-synced",
    "folder-synced",
    "before-commit",
    "after-commit",
]
ArtefactPoint = Literal["artefacts-before-commit", "artefacts-after-commit"]
CompactPoint = Literal[
    "compact-leaf", "compact-synced", "compact-before-commit", "compact-after-commit"
]
CollectPoint = Literal["collect-forgotten", "collect-removed"]
BackupPoint = Literal[
    "backup-catalog-copied",
    "backup-copied",
    "backup-manifest-synced",
    "backup-folder-synced",
    "backup-synced",
    "backup-renamed",
    "backup-parent-synced",
]
RestorePoint = Literal[
    "restore-marked",
    "restore-copied",
    "restore-folder-synced",
    "restore-before-commit",
    "restore-after-commit",
    "restore-unmarked",
]
MigratePoint = Literal[
    "migrate-backup-made", "migrate-backed-up", "migrate-before-commit", "migrate-after-commit"
]
Point = (
    WritePoint
    | ArtefactPoint
    | CompactPoint
    | CollectPoint
    | BackupPoint
    | RestorePoint
    | MigratePoint
)

WRITE_POINTS: tuple[WritePoint, ...] = get_args(WritePoint)
ARTEFACT_POINTS: tuple[ArtefactPoint, ...] = get_args(ArtefactPoint)
COMPACT_POINTS: tuple[CompactPoint, ...] = get_args(CompactPoint)
COLLECT_POINTS: tuple[CollectPoint, ...] = get_args(CollectPoint)
BACKUP_POINTS: tuple[BackupPoint, ...] = get_args(BackupPoint)
RESTORE_POINTS: tuple[RestorePoint, ...] = get_args(RestorePoint)
MIGRATE_POINTS: tuple[MigratePoint, ...] = get_args(MigratePoint)

Fault = Callable[[Point], None]


def no_fault(point: Point) -> None:
    """Do nothing: production crashes by itself."""
