"""Item schemes changed in part: items replaced, added or taken out, texts in some languages.

SDMX-REST 2.2.2, doc/maintenance.md, "Partially update Item Schemes", "DELETE" and "Nested Items".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from codelists.base import Maintainable, Nameable, replaced
from codelists.item_scheme import ItemScheme, ValueItem, ValueList
from codelists.text import DEFAULT_LANGUAGE, LocalisedText, best_match

_NESTED_MEMBERS = ("categories", "reporting_categories")
"""Members in which items hold the items under them."""

AnyNameable = TypeVar("AnyNameable", bound=Nameable)
_Item = TypeVar("_Item", bound=Nameable | ValueItem)


def merged(stored: ItemScheme, submitted: ItemScheme) -> ItemScheme:
    """Return a stored scheme with what a partial one says of it.

    Items replace those of the same id where these stand; new ones come where they stand beside known ones, else
    at the end. Texts of the scheme are merged by language, everything else that it says of itself is replaced.
    """
    languages_only = submitted.is_partial_language
    known = {item.id: item for item in stored.items}
    listed = [
        with_other_languages(known[item.id], item) if languages_only and item.id in known else item
        for item in submitted.items
    ]
    changes: dict[str, Any] = {
        type(stored).items_member: placed(stored.items, listed),
        "is_partial": stored.is_partial,
        "is_partial_language": stored.is_partial_language,
    }
    return with_other_languages(stored, replaced(submitted, **changes))


def placed(known: Sequence[_Item], listed: Sequence[_Item]) -> tuple[_Item, ...]:
    """Return the known items with the listed ones in their places.

    >>> [item.id for item in placed(_items("A", "B", "C"), _items("X", "B", "Y", "Z"))]
    ['A', 'X', 'B', 'Y', 'Z', 'C']
    """
    ids = {item.id for item in known}
    before: dict[str, list[_Item]] = {}
    after: dict[str | None, list[_Item]] = {}
    replacing = {item.id: item for item in listed if item.id in ids}
    anchor: str | None = None
    waiting: list[_Item] = []
    for item in listed:
        if item.id in ids:
            if anchor is None:
                before[item.id], waiting = waiting, []
            anchor = item.id
        elif anchor is None:
            waiting.append(item)
        else:
            after.setdefault(anchor, []).append(item)
    found: list[_Item] = []
    for item in known:
        found += [*before.get(item.id, ()), replacing.get(item.id, item), *after.get(item.id, ())]
    return (*found, *waiting)


def with_other_languages(stored: AnyNameable, submitted: AnyNameable) -> AnyNameable:
    """Return what was submitted, with the texts that are stored in languages that it has not.

    Items under an item are taken as they are.
    """
    names = {**stored.names, **_texts(submitted.names, submitted.name)}
    descriptions = {
        **stored.descriptions,
        **_texts(submitted.descriptions, submitted.description),
    }
    return replaced(
        submitted,
        names=names,
        name=_first(names) or submitted.name or stored.name,
        descriptions=descriptions,
        description=_first(descriptions) or submitted.description or stored.description,
    )


def _texts(texts: LocalisedText, plain: str | None) -> LocalisedText:
    return texts or ({DEFAULT_LANGUAGE: plain} if plain else {})


def _first(texts: LocalisedText) -> str | None:
    found = best_match(texts)
    return found[1] if found else None


def without_item(scheme: Maintainable, path: str) -> Maintainable | None:
    """Return a scheme without one item, None where it has no such item.

    In a flat scheme the items under it lose their parent; in a nested one, where the path leads to the item, they
    go with it.
    """
    if isinstance(scheme, ValueList):
        values = tuple(value for value in scheme.value_items if value.id != path)
        return (
            None if len(values) == len(scheme.value_items) else replaced(scheme, value_items=values)
        )
    if not isinstance(scheme, ItemScheme):
        return None
    member = type(scheme).items_member
    steps = path.split(".")
    nested = next((name for name in _NESTED_MEMBERS if name == member), None)
    if nested is None:
        items = _flat_without(scheme.items, path)
    else:
        items = _nested_without(scheme.items, steps, nested)
    return None if items is None else replaced(scheme, **cast("dict[str, Any]", {member: items}))


def _flat_without(items: Sequence[Nameable], id: str) -> tuple[Nameable, ...] | None:
    if all(item.id != id for item in items):
        return None
    return tuple(
        replaced(item, parent=None) if getattr(item, "parent", None) == id else item
        for item in items
        if item.id != id
    )


def _nested_without(
    items: Sequence[Nameable], steps: Sequence[str], member: str
) -> tuple[Nameable, ...] | None:
    first, *rest = steps
    found = next((item for item in items if item.id == first), None)
    if found is None:
        return None
    if not rest:
        return tuple(item for item in items if item is not found)
    below = _nested_without(getattr(found, member), rest, member)
    if below is None:
        return None
    changed = replaced(found, **cast("dict[str, Any]", {member: below}))
    return tuple(changed if item is found else item for item in items)


def _items(*ids: str) -> list[Nameable]:
    return [Nameable(id=id) for id in ids]
