"""Versions of maintainable artefacts: order, and the forms that a reference may take.

SDMX 3.1 Section 6, "Versioning"; SDMX-REST 2.2.2, doc/querying_versions.md.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_VERSION = re.compile(
    r"(?P<numbers>\d+(?:\.\d+){0,2})(?:-(?P<extension>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
_REFERENCE = re.compile(
    r"(?P<major>\d+)(?P<major_up>\+)?\.(?P<minor>\d+)(?P<minor_up>\+)?\.(?P<patch>\d+)(?P<patch_up>\+)?"
)


class VersionSyntaxError(ValueError):
    """A text that is no SDMX version."""


class Version(NamedTuple):
    """A version that sorts as the standard says.

    Comparing two of them compares `numbers`, then whether there is no extension, then the extension's
    identifiers (numeric ones by number and before alphanumeric ones).
    """

    numbers: tuple[int, ...]
    release: bool
    extension: tuple[tuple[bool, int, str], ...]
    text: str

    @property
    def is_semantic(self) -> bool:
        """True for `X.Y.Z[-EXT]`, the form whose content may never change once it is stable."""
        return len(self.numbers) == 3

    @property
    def is_stable(self) -> bool:
        """True for a three-part version without extension: final, immutable."""
        return self.is_semantic and self.release


@lru_cache(maxsize=4096)
def parse_version(text: str) -> Version:
    """Return the version that `text` writes.

    Raises:
        VersionSyntaxError: `text` is not `X`, `X.Y`, `X.Y.Z` or `X.Y.Z-EXT`.

    >>> sorted(["1.0.0", "1.0.0-rc.1", "1.10.0", "1.2.0", "1.0.0-draft"], key=parse_version)
    ['1.0.0-draft', '1.0.0-rc.1', '1.0.0', '1.2.0', '1.10.0']
    """
    match = _VERSION.fullmatch(text)
    if match is None or (match["extension"] and match["numbers"].count(".") != 2):
        raise VersionSyntaxError(f"{text!r} is no version; write X.Y.Z or X.Y.Z-EXT, as in 1.0.0")
    identifiers = match["extension"].split(".") if match["extension"] else []
    return Version(
        tuple(int(number) for number in match["numbers"].split(".")),
        not identifiers,
        tuple(
            (False, int(word), "") if word.isdigit() else (True, 0, word) for word in identifiers
        ),
        text,
    )


def matches_reference(reference: str, version: str) -> bool:
    """Tell whether `version` satisfies the version part of a reference.

    A reference names a version exactly, or has one `+` after the part that may grow
    (`1.0+.0`: the latest stable 1.y.z with y >= 0). SDMX 3.1 Section 6, "Versioning".

    >>> matches_reference("1.0+.0", "1.3.2"), matches_reference("1.0+.0", "2.0.0")
    (True, False)
    """
    if reference == version:
        return True
    match = _REFERENCE.fullmatch(reference)
    candidate = parse_version(version)
    if match is None or "+" not in reference or not candidate.is_stable:
        return False
    major, minor, patch = (int(match[part]) for part in ("major", "minor", "patch"))
    if match["major_up"]:
        return candidate.numbers >= (major, minor, patch)
    if match["minor_up"]:
        return candidate.numbers[0] == major and candidate.numbers[1:] >= (minor, patch)
    return candidate.numbers[:2] == (major, minor) and candidate.numbers[2] >= patch


def latest(reference: str, versions: list[str]) -> str | None:
    """Return the newest of `versions` that satisfies `reference`, None where none does."""
    found = [text for text in versions if matches_reference(reference, text)]
    return max(found, key=parse_version, default=None)
