"""Values above the observation as SQL: what they say of rows, and rows in their order.

Attributes of the dataset, of groups and of series have their values in the catalog, not in the leaves. A condition on such a
value is one on the dimensions that it depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

from dsd.resolved import Dsd, ResolvedComponent
from service.query.selection import ComponentFilter
from service.store.catalog import AttributeStates, Value
from service.store.conditions import satisfies
from service.store.leaf import KEY_SEPARATOR, SERIES_KEY


def quoted(name: str) -> str:
    """Return an identifier as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


Bind = Callable[[object], str]
"""Binds a value to a query and returns its placeholder."""


@dataclass(frozen=True)
class Level:
    """The values of one attribute that depend on the same dimensions."""

    dimensions: tuple[str, ...]
    """In DSD order; none for the whole dataset."""
    values: Mapping[str, Value]
    """By the values of the dimensions, joined as series keys are."""

    def key(self, dsd: Dsd) -> str:
        """Return SQL for the key of a row."""
        return joined_key(self.dimensions, dsd)


def joined_key(dimensions: tuple[str, ...], dsd: Dsd) -> str:
    """Return SQL for what a row has in some dimensions, joined as series keys are."""
    if dimensions == dsd.series_ids:
        return SERIES_KEY
    return f" || chr({ord(KEY_SEPARATOR)}) || ".join(map(quoted, dimensions))


Above = Mapping[str, tuple[Level, ...]]
"""The values of attributes by id, those that depend on the most dimensions first: they count before the others."""


def above_of(states: AttributeStates, dsd: Dsd, ids: Iterable[str]) -> Above:
    """Return the values of some attributes."""
    wanted = {id for id in ids if id in dsd}
    places = {id: place for place, id in enumerate(dsd.key_ids)}
    found: dict[str, dict[tuple[str, ...], dict[str, Value]]] = {}
    for (key, id), value in states.items() if wanted else ():
        if id in wanted:
            pairs = sorted(key, key=lambda pair: places.get(pair[0], len(places)))
            levels = found.setdefault(id, {})
            joined = KEY_SEPARATOR.join(text for _, text in pairs)
            levels.setdefault(tuple(name for name, _ in pairs), {})[joined] = value
    return {
        id: tuple(
            Level(dimensions, levels[dimensions])
            for dimensions in sorted(levels, key=len, reverse=True)
        )
        for id, levels in found.items()
    }


def condition(
    entry: ComponentFilter,
    levels: tuple[Level, ...],
    dsd: Dsd,
    bind: Bind,
) -> str:
    """Return the cases of SQL that tell whether the value above a row passes a filter."""
    component = dsd[entry.component]
    # Many keys have few different values.
    passes = cache(partial(satisfies, component, entry))
    absent = passes(None)
    cases: list[str] = []
    for level in levels:
        verdicts: dict[bool, list[str]] = {True: [], False: []}
        for key, value in level.values.items():
            verdicts[passes(value)].append(key)
        if not level.dimensions:
            return " ".join((*cases, f"else {bool(verdicts[True])}"))
        if level is levels[-1]:
            # Keys that are not there pass or fail in the same way.
            del verdicts[absent]
        cases += [
            f"when {level.key(dsd)} in (select unnest({bind(keys)}::varchar[])) then {verdict}"
            for verdict, keys in verdicts.items()
            if keys
        ]
    return " ".join((*cases, f"else {absent}"))


def joined_values(
    id: str, levels: Iterable[Level], dsd: Dsd, bind: Bind
) -> Iterator[tuple[str, str]]:
    """Yield for each level a join that gives rows the value above them, and the name of its column.

    What holds for the whole dataset puts nothing in order, so that it counts as absent.
    """
    component = dsd[id]
    kind = "varchar[][]" if component.is_multiple else "varchar[]"
    for number, level in enumerate(levels):
        if not level.dimensions:
            continue
        key, value = quoted(f"_key {number} {id}"), quoted(f"_value {number} {id}")
        values = [_as_stored(component, entry) for entry in level.values.values()]
        table = (
            f"select unnest({bind(list(level.values))}::varchar[]) as {key}, "
            f"unnest({bind(values)}::{kind}, max_depth := 1) as {value}"
        )
        yield f"left join ({table}) on {level.key(dsd)} = {key}", value


def _as_stored(component: ResolvedComponent, value: Value) -> str | list[str]:
    if component.is_multiple:
        return [value] if isinstance(value, str) else list(value)
    return value if isinstance(value, str) else ";".join(value)
