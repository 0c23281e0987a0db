"""A file in memory that is emptied as it is written: how a writer that wants a file becomes chunks."""

from __future__ import annotations

import io
from typing import Any


class Outbox(io.RawIOBase):
    """A file of which everything written can be taken away, so that nothing is held."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Keep what is written until it is taken."""
        part = bytes(data)
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        """Return what has been written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
