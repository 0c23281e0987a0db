"""Whether changed structures still fit the data that are stored under them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from codelists.base import Maintainable
from codelists.urn import Urn
from codelists.version import VersionSyntaxError
from dsd.resolved import Dsd
from dsd.structures import Structures, UnknownArtefactError
from service.query.selection import Selection
from service.query.source import Source
from service.registry.references import closure, identity
from service.registry.registry import Registry

_SHAPING = frozenset(("Codelist", "ConceptScheme", "DataStructure", "Dataflow"))
_MOST_CODES = 5
_Step = TypeVar("_Step")


def orphaning_faults(
    registry: Registry,
    new: Structures,
    data: Source,
    displaced: Sequence[tuple[_Step, Maintainable]],
) -> Iterator[tuple[_Step, str]]:
    """Yield the changes after which stored observations could not be read, with how many these are.

    Args:
        registry: before the changes.
        new: the structures after them.
        data: the observations.
        displaced: each change with an artefact in whose place another may be found after it.
    """
    for step, before in displaced:
        if before.type_name not in _SHAPING:
            continue
        concerned = closure([before], registry.graph.parents) | {identity(before): before}
        for artefact in concerned.values():
            if artefact.type_name == "Dataflow" and data.revision(artefact.urn).number:
                text = _fault(registry, artefact.urn, new, data)
                if text is not None:
                    yield step, text


def _fault(registry: Registry, flow: Urn, new: Structures, data: Source) -> str | None:
    try:
        old = registry.dsd(flow)
    except UnknownArtefactError:
        return None  # They cannot be read as it is.
    count = data.count(Selection(old))
    if not count:
        return None
    held = f"{flow.short} holds {count:,} observations"
    try:
        dsd = new.dsd(flow)
    except (UnknownArtefactError, VersionSyntaxError):
        return f"{held}, which could not be read any more"
    if dsd.key_ids != old.key_ids:
        return (
            f"{held} with the dimensions {', '.join(old.key_ids)}: submit other dimensions as a new "
            "major version, with a dataflow of its own"
        )
    return _lost_codes(old, dsd, data, held)


def _lost_codes(old: Dsd, new: Dsd, data: Source, held: str) -> str | None:
    """Return which codes that are used the change takes away."""
    shrunk = [
        component.id
        for component in old.dimensions
        if component.codelist is not None
        and new[component.id].codelist is not None
        and component.codes.keys() - new[component.id].codes.keys()
    ]
    if not shrunk:
        return None
    values = data.availability(Selection(old)).values
    for id in shrunk:
        lost = [code for code in values.get(id, ()) if code not in new[id].codes]
        if lost:
            named = ", ".join(lost[:_MOST_CODES]) + (", ..." if len(lost) > _MOST_CODES else "")
            return f"{held}, some of them with {id} {named}: keep what is used"
    return None
