"""The turn of a writer: one at a time over all threads, processes and, on PostgreSQL, nodes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from service.store.protocol import StoreUnavailableError

if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        while True:
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            except OSError:  # It gives up after ten tries of a second each.
                continue
            return

    def _unlock(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
else:
    import fcntl  # noqa: TID251 - the one place that is meant by the ban

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)

    def _unlock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


_ADVISORY_KEY = 0x494C4D53
"""Key of the advisory lock on PostgreSQL: the letters ILMS."""


class WriterLock:
    """The lock of one store. The operating system or the database frees it when its holder dies."""

    def __init__(self, folder: Path, engine: sa.Engine) -> None:
        self._file = folder / "writer.lock"
        self._engine = engine
        self._threads = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the turn and hold it.

        Raises:
            StoreUnavailableError: the lock cannot be taken.
        """
        if self._engine.dialect.name == "postgresql":
            with self._held_in_database():
                yield
            return
        with self._threads:
            try:
                file = self._file.open("ab")
            except OSError as error:
                raise StoreUnavailableError(
                    f"{self._file}: {os.strerror(error.errno or 0)}; the store folder must be writable to "
                    "load data"
                ) from error
            with file:
                _lock(file)
                try:
                    yield
                finally:
                    _unlock(file)

    @contextmanager
    def _held_in_database(self) -> Iterator[None]:
        try:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except sa.exc.OperationalError as error:
            raise StoreUnavailableError(f"the catalog cannot be reached: {error.orig}") from error
        with connection:
            key = {"key": _ADVISORY_KEY}
            connection.execute(sa.text("select pg_advisory_lock(:key)"), key)
            try:
                yield
            finally:
                connection.execute(sa.text("select pg_advisory_unlock(:key)"), key)
