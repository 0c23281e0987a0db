"""The slots of the query engine: how many queries one process runs at a time.

A query uses a core fully, so that more at a time would only take turns and hold memory. Who finds no slot
waits, but not for ever. A slot is given back as soon as the rows are read, whatever becomes of them then.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from service.store.protocol import StoreUnavailableError


class Slot:
    """A cursor of DuckDB that one query has to itself until it gives it back."""

    def __init__(self, slots: Slots, cursor: Any) -> None:
        self.cursor = cursor
        self._slots = slots
        self._is_held = True

    def release(self, *, reusable: bool = True) -> None:
        """Give the slot back, once; a cursor whose query was broken off is not used again."""
        if self._is_held:
            self._is_held = False
            self._slots.put_back(self.cursor, reusable=reusable)


class Slots:
    """The cursors of one process."""

    def __init__(self, database: Any, number: int, wait_seconds: float) -> None:
        self.number = max(1, number)
        self._database = database
        self._wait_seconds = wait_seconds
        self._free = threading.BoundedSemaphore(self.number)
        self._idle: deque[Any] = deque()

    def take(self) -> Slot:
        """Return a free slot; wait for one if need be.

        Raises:
            StoreUnavailableError: none became free in time.
        """
        if not self._free.acquire(timeout=self._wait_seconds):
            raise StoreUnavailableError(
                f"all {self.number} queries that may run at a time have run for {self._wait_seconds:g} s: ask "
                "again later, or raise duckdb_slots or duckdb_wait_seconds"
            )
        try:
            cursor = self._idle.pop() if self._idle else self._database.cursor()
        except BaseException:
            self._free.release()
            raise
        return Slot(self, cursor)

    def put_back(self, cursor: Any, *, reusable: bool) -> None:
        """Take a cursor back and let the next query have the slot."""
        if reusable:
            self._idle.append(cursor)
        else:
            cursor.close()
        self._free.release()

    @contextmanager
    def held(self) -> Iterator[Any]:
        """Hold a slot for one query whose result is taken at once; gives its cursor."""
        slot = self.take()
        try:
            yield slot.cursor
        except BaseException:
            slot.release(reusable=False)
            raise
        slot.release()

    def close(self) -> None:
        """Close the cursors that no query has."""
        while self._idle:
            self._idle.pop().close()
