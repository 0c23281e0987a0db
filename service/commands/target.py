"""Files that a command writes: whole, or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.commands.refusal import refusing


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a file to write that becomes `target` only when all went well."""
    with refusing(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        os.close(handle)
    part = Path(name)
    try:
        with refusing(OSError):
            yield part
            part.chmod(_mode_of(target))
            # The name may not outlive a power cut that the content does not.
            with part.open("rb+") as stream:
                os.fsync(stream.fileno())
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _mode_of(target: Path) -> int:
    """Return the permissions of the file that is replaced, or those that a new file gets."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
