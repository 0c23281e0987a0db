"""Files that a command writes: whole, or not at all."""

from __future__ import annotations

import os
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
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)
