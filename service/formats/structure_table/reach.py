"""Which members of the model lead to values of a kind."""

from __future__ import annotations

from collections.abc import Iterator

from codelists.base import Part
from service.formats.structure_table.vocabulary import (
    Child,
    Children,
    Field,
    Kind,
    Layout,
    Pairs,
    Variants,
)


def members_leading_to(
    kinds: tuple[type[Kind], ...], layouts: dict[str, Layout]
) -> dict[type[Part], tuple[str, ...]]:
    """Return the members of each class in which a value of one of the kinds stands at any depth."""
    found: dict[type[Part], dict[str, None]] = {}
    inner: list[tuple[type[Part], str, type[Part]]] = []
    for layout in layouts.values():
        for field in layout.fields:
            for kind in _kinds(field):
                if isinstance(kind, kinds) and field.member:
                    found.setdefault(layout.model, {})[field.member] = None
                inner += [
                    (layout.model, field.member, layouts[name].model)
                    for name in _inner_layouts(kind)
                ]
    is_growing = True
    while is_growing:
        before = sum(map(len, found.values()))
        for model, member, part in inner:
            if part in found:
                found.setdefault(model, {})[member] = None
        is_growing = sum(map(len, found.values())) > before
    return {model: tuple(members) for model, members in found.items()}


def _kinds(field: Field) -> Iterator[Kind]:
    yield field.kind
    if field.kind21 is not None:
        yield field.kind21


def _inner_layouts(kind: Kind) -> Iterator[str]:
    """Yield the layouts of the parts that a member of this kind holds."""
    if isinstance(kind, Child | Children | Pairs):
        yield kind.layout
    elif isinstance(kind, Variants):
        yield from (variant.layout for variant in kind.variants if variant.layout)
        if kind.json_layout:
            yield kind.json_layout
