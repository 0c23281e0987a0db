"""Parts of item schemes: the items that a query names, with those above them.

SDMX-REST 1.5.0, 4_4_structure_queries.md, and 2.2.2, doc/structures.md, "Item scheme queries".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from codelists.base import replaced
from codelists.item_scheme import Category, CategoryScheme, ItemScheme


def item_ids(scheme: ItemScheme) -> frozenset[str]:
    """Return the ids of all items, of a nested scheme their id paths."""
    if isinstance(scheme, CategoryScheme):
        return frozenset(path for path, _ in scheme.walk())
    return frozenset(item.id for item in scheme.items)


def with_items(scheme: ItemScheme, ids: Iterable[str]) -> ItemScheme | None:
    """Return the scheme with the named items and those above them, partial; None where it has none.

    In a nested scheme an item is named by its path (`MODULE.TABLE`) and comes without the items under it;
    in a hierarchy by `parent` the path's last id counts.
    """
    if isinstance(scheme, CategoryScheme):
        categories = tuple(_branches(scheme.categories, "", frozenset(ids)))
        return replaced(scheme, categories=categories, is_partial=True) if categories else None
    wanted = frozenset(name.rpartition(".")[2] for name in ids)
    return with_flat_items(scheme, wanted)


def with_flat_items(scheme: ItemScheme, wanted: frozenset[str]) -> ItemScheme | None:
    """Return a scheme without nesting, reduced to some items and those above them; None where it has none."""
    by_id = {item.id: item for item in scheme.items}
    kept: set[str] = set()
    for name in wanted & by_id.keys():
        current: str | None = name
        while current is not None and current in by_id and current not in kept:
            kept.add(current)
            current = getattr(by_id[current], "parent", None)
    if not kept:
        return None
    changes: dict[str, Any] = {
        type(scheme).items_member: tuple(item for item in scheme.items if item.id in kept)
    }
    return replaced(scheme, **changes, is_partial=True)


def _branches(
    categories: Iterable[Category], prefix: str, wanted: frozenset[str]
) -> Iterator[Category]:
    for category in categories:
        path = f"{prefix}{category.id}"
        below = tuple(_branches(category.categories, f"{path}.", wanted))
        if below or path in wanted:
            yield replaced(category, categories=below)
