"""Final versions of artefact files never change: the HASHES file of a room remembers what they were.

SDMX 3.1 Section 6, "Versioning": a version X.Y.Z without extension is stable. The organisation schemes,
whose version is always 1.0, and versions with an extension (1.1.0-draft) may change.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from codelists.base import Maintainable
from codelists.version import VersionSyntaxError, parse_version
from dsd.structures import ARTEFACT_FOLDERS

HASHES = "HASHES"
"""Name of the file in a folder of artefacts: a line is `SHA-256`, two spaces, path from that folder."""

_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<path>\S+)")


class HashLine(NamedTuple):
    """One line of a HASHES file; `path` is None where the line cannot be read."""

    number: int
    digest: str
    path: str | None


def digest(body: bytes) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def is_final(path: Path) -> bool:
    """Tell whether an artefact file holds a final version, by its name `X.Y.Z.json`."""
    try:
        return parse_version(path.stem).is_stable
    except VersionSyntaxError:
        return False


def is_final_artefact(artefact: Maintainable) -> bool:
    """Tell whether an artefact may never change: by its version, or as SDMX 2.1 says it of other versions."""
    if artefact.is_final is not None:
        return artefact.is_final
    try:
        return parse_version(artefact.version).is_stable
    except VersionSyntaxError:
        return False


def read_hashes(root: Path) -> Iterator[HashLine]:
    """Yield the lines of the HASHES file of a folder of artefacts, none where it has no such file."""
    file = root / HASHES
    if not file.exists():
        return
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        match = _LINE.fullmatch(line)
        yield HashLine(number, match["digest"] if match else "", match["path"] if match else None)


def write_hashes(roots: Iterable[Path] | None = None) -> list[Path]:
    """Add the final versions that HASHES files do not name yet; return the files added.

    An entry that is there is never changed: to change a final version, raise its version.

    Args:
        roots: Folders of artefact files, the built-in ones where None.
    """
    added = []
    for root in ARTEFACT_FOLDERS if roots is None else roots:
        known = {line.path: line.digest for line in read_hashes(root) if line.path}
        for path in sorted(root.rglob("*.json")):
            name = path.relative_to(root).as_posix()
            if is_final(path) and name not in known:
                known[name] = digest(path.read_bytes())
                added.append(path)
        text = "".join(f"{known[name]}  {name}\n" for name in sorted(known))
        (root / HASHES).write_bytes(text.encode())
    return added
