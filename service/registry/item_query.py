"""Parts of item schemes: the items that a query names, with those above them.

SDMX-REST 1.5.0, 4_4_structure_queries.md, and 2.2.2, doc/structures.md, "Item scheme queries".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from codelists.base import Maintainable, Nameable, replaced
from codelists.hierarchy import HierarchicalCodelist, Hierarchy
from codelists.item_scheme import CategoryScheme, ItemScheme, ReportingTaxonomy, ValueList

_NESTED = (CategoryScheme, ReportingTaxonomy)
"""Schemes whose items hold those under them; an item of theirs is named by its path."""


def item_ids(scheme: ItemScheme) -> frozenset[str]:
    """Return the ids of all items, of a nested scheme their id paths."""
    if isinstance(scheme, _NESTED):
        return frozenset(_paths(scheme.items, scheme.items_member, ""))
    return frozenset(item.id for item in scheme.items)


def ids_within(artefact: Maintainable) -> frozenset[str]:
    """Return the ids by which a query can name parts of an artefact; empty where it has none."""
    if isinstance(artefact, ItemScheme):
        return item_ids(artefact)
    if isinstance(artefact, ValueList):
        return frozenset(entry.id for entry in artefact.value_items)
    if isinstance(artefact, HierarchicalCodelist):
        return frozenset(entry.id for entry in artefact.hierarchies)
    return frozenset()


def with_items(artefact: Maintainable, ids: Iterable[str]) -> Maintainable | None:
    """Return what is left of an artefact when only the named items are wanted; None where it has none of them.

    Of a scheme they come with those above them. In a nested scheme an item is named by its path
    (`MODULE.TABLE`) and comes without the items under it; in a hierarchy by `parent` a path names an item that
    is under the others. The values of a list, and the hierarchies of SDMX 2.1, are items as well.
    """
    wanted = frozenset(ids)
    if isinstance(artefact, ItemScheme):
        return with_scheme_items(artefact, wanted)
    if isinstance(artefact, ValueList):
        values = tuple(entry for entry in artefact.value_items if entry.id in wanted)
        return replaced(artefact, value_items=values) if values else None
    if isinstance(artefact, HierarchicalCodelist):
        hierarchies = tuple(entry for entry in artefact.hierarchies if entry.id in wanted)
        return replaced(artefact, hierarchies=hierarchies) if hierarchies else None
    # SDMX 2.1 has a hierarchy inside a list that has the same id.
    return artefact if isinstance(artefact, Hierarchy) and artefact.id in wanted else None


def with_scheme_items(scheme: ItemScheme, ids: frozenset[str]) -> ItemScheme | None:
    """Return a scheme reduced to some items and those above them, partial; None where it has none of them."""
    member = type(scheme).items_member
    if isinstance(scheme, _NESTED):
        kept = tuple(_branches(scheme.items, member, "", ids))
    else:
        kept = _with_parents(scheme.items, ids)
    changes: dict[str, Any] = {member: kept}
    return replaced(scheme, **changes, is_partial=True) if kept else None


def _with_parents(items: tuple[Nameable, ...], ids: frozenset[str]) -> tuple[Nameable, ...]:
    by_id = {item.id: item for item in items}
    kept: set[str] = set()
    for name in ids:
        *above, last = name.split(".")
        lineage = list(_lineage(by_id, last))
        if lineage and lineage[1 : len(above) + 1] == above[::-1]:
            kept.update(lineage)
    return tuple(item for item in items if item.id in kept)


def _lineage(by_id: dict[str, Nameable], id: str) -> Iterator[str]:
    """Yield an item and those above it, upwards, as far as they are there."""
    seen: set[str] = set()
    current: str | None = id
    while current is not None and current in by_id and current not in seen:
        seen.add(current)
        yield current
        current = getattr(by_id[current], "parent", None)


def _paths(items: Iterable[Nameable], member: str, prefix: str) -> Iterator[str]:
    for item in items:
        path = f"{prefix}{item.id}"
        yield path
        yield from _paths(getattr(item, member), member, f"{path}.")


def _branches(
    items: Iterable[Nameable], member: str, prefix: str, wanted: frozenset[str]
) -> Iterator[Nameable]:
    for item in items:
        path = f"{prefix}{item.id}"
        below = tuple(_branches(getattr(item, member), member, f"{path}.", wanted))
        if below or path in wanted:
            changes: dict[str, Any] = {member: below}
            yield replaced(item, **changes)
