"""Whether a new version keeps what its number promises. SDMX 3.1 Section 6, "Versioning": semantic versions.

Within a major version nothing is taken away that others may use: a code, a concept, a component.
"""

from __future__ import annotations

from codelists.base import Maintainable
from codelists.item_scheme import ItemScheme
from codelists.version import Version, VersionSyntaxError, parse_version
from dsd.soundness import component_ids
from dsd.structure import DataStructure
from dsd.structures import Structures
from service.registry.admission import walked

_MOST_NAMED = 5


def broken_promise(artefact: Maintainable, structures: Structures) -> str | None:
    """Return what a new version takes away of the stable one before it in its major version, None for nothing."""
    version = _semantic(artefact.version)
    if version is None:
        return None
    known = structures.versions(artefact.type_name, artefact.agency_id, artefact.id)
    earlier = [
        (found, known[text])
        for text in known
        if (found := _semantic(text))
        and found.is_stable
        and found < version
        and found.numbers[0] == version.numbers[0]
    ]
    if not earlier:
        return None
    _, before = max(earlier, key=lambda entry: entry[0])
    kept = set(_parts(artefact))
    lost = [id for id in _parts(before) if id not in kept]
    if not lost:
        return None
    named = ", ".join(lost[:_MOST_NAMED]) + (", ..." if len(lost) > _MOST_NAMED else "")
    return (
        f"it takes away {named} of version {before.version}: whoever refers to {version.numbers[0]}.x counts on "
        f"these; submit it as {version.numbers[0] + 1}.0.0 (SDMX 3.1 Section 6, Versioning)"
    )


def _semantic(text: str) -> Version | None:
    try:
        version = parse_version(text)
    except VersionSyntaxError:
        return None
    return version if version.is_semantic else None


def _parts(artefact: Maintainable) -> list[str]:
    """Return the ids of what others may refer to inside an artefact."""
    if isinstance(artefact, ItemScheme):
        return [path for path, _ in walked(artefact)]
    if isinstance(artefact, DataStructure):
        return list(component_ids(artefact))
    return []
