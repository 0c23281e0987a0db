"""Who waits or writes: a process, and whether it is known to be gone.

Only a process of the same machine and process table can be looked up, and only Linux says which table that is.
Of all others the heartbeats of their tickets are the only sign.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_ENDED = ("Z", "X")
"""States of a process that ended and was not waited for yet."""


@dataclass(frozen=True)
class Owner:
    """A process that has a ticket."""

    host: str
    """For people: it may not be unique."""
    pid: int
    table: str
    """This run of the machine and its process table, empty where it cannot be told."""
    born: str
    """When the process started, so that another with its number is not taken for it."""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    def is_gone(self, here: Owner) -> bool:
        """Return True where it is certain, seen from a process, that this one no longer lives."""
        if sys.platform == "win32" or not self.table or self.table != here.table:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # It lives, for another user.
            pass
        found = _state(self.pid)
        return found is not None and (found[0] in _ENDED or found[1] != self.born)


def this_process() -> Owner:
    """Return the process that asks."""
    pid = os.getpid()
    found = _state(pid)
    table = _process_table() if found else ""
    return Owner(platform.node() or "an unnamed host", pid, table, found[1] if found else "")


def _process_table() -> str:
    # Containers of one machine share its boot id, and may share a name, but not their process numbers.
    try:
        return f"{_BOOT.read_text(encoding='ascii').strip()} {_NAMESPACE.readlink()}"
    except OSError:
        return ""


def _state(pid: int) -> tuple[str, str] | None:
    """Return state and start of a process, None where the system does not show them."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # The name before may hold anything.
    return (fields[0], fields[19]) if len(fields) > 19 else None
