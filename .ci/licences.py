"""Refuse a product dependency under the GPL or AGPL (the LGPL is fine for a library used as it is).

The product is everything that `pip install 'ilms-exchange[server,postgres,s3]'` brings; what only the
tests use is not distributed and not looked at.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, distribution

from packaging.requirements import Requirement

EXTRAS = ("server", "postgres", "s3")
NOT_STATED = "none stated"
FORBIDDEN = re.compile(r"(?<![L])\bA?GPL|Affero|(?<!Lesser )GNU General Public", re.IGNORECASE)


def licence_of(dist: Distribution) -> str:
    """Return everything that a distribution says of its licence, one text."""
    meta = dist.metadata
    said = [meta.get("License-Expression") or "", (meta.get("License") or "").split("\n")[0]]
    said += [c for c in meta.get_all("Classifier") or [] if c.startswith("License ::")]
    return " | ".join(part for part in said if part) or NOT_STATED


def product(name: str, extras: tuple[str, ...]) -> dict[str, str]:
    """Return licence by distribution name over the closure of requirements of `name[extras]`."""
    found: dict[str, str] = {}
    queue: list[tuple[str, tuple[str, ...]]] = [(name, extras)]
    while queue:
        current, wanted = queue.pop()
        dist = distribution(current)
        key = dist.metadata["Name"].lower()
        if key in found and not wanted:
            continue
        found[key] = licence_of(dist)
        for text in dist.requires or []:
            requirement = Requirement(text)
            marker = requirement.marker
            applies = marker is None or any(marker.evaluate({"extra": e}) for e in (*wanted, ""))
            if applies and requirement.name.lower() not in found:
                queue.append((requirement.name, tuple(requirement.extras)))
    return found


def main() -> int:
    """Print the licences; return 1 where one is forbidden."""
    found = product("ilms-exchange", EXTRAS)
    bad = {
        name: text for name, text in found.items() if FORBIDDEN.search(text) or text == NOT_STATED
    }
    for name, text in sorted(found.items()):
        sys.stdout.write(f"{'FORBIDDEN ' if name in bad else ''}{name}: {text}\n")
    sys.stdout.write(f"{len(found)} distributions, {len(bad)} under a forbidden or no licence\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
