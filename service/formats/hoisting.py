"""Attribute values that stand on rows but belong above the observation, taken out batch by batch.

The work in Python grows with the distinct values and keys, not with the rows: columns are compared as numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsd.batch import ANNOTATIONS
from dsd.dataset import Action, AttributeValues
from dsd.finding import Finding, Report, Severity
from dsd.resolved import Dsd, Role
from service.formats.columns import dictionary_of
from service.formats.levels import Level, Value

Numbers = npt.NDArray[np.int64]
_Key = tuple[tuple[str, str], ...]
_MOST = 2**62
_BETWEEN = "\x1f"


class Hoister:
    """Takes values above the observation out of rows, and knows which values there were before.

    A row that deletes stays a row with all its values. A row that had nothing but values above the
    observation is no observation.
    """

    def __init__(self, dsd: Dsd, report: Report) -> None:
        self._dsd = dsd
        self._report = report
        self._entries: dict[Action, dict[_Key, AttributeValues]] = {}
        self._lists: dict[Action, list[AttributeValues]] = {}
        self._seen: set[tuple[Action, str, _Key, Value]] = set()
        self._incomplete: set[tuple[str, _Key]] = set()

    def entries(self, action: Action) -> list[AttributeValues]:
        """Return the list of the values found in rows of one action; it grows with each batch."""
        return self._lists.setdefault(action, [])

    @property
    def actions(self) -> list[Action]:
        """The actions of which values were found."""
        return [action for action, entries in self._lists.items() if entries]

    def state(
        self, action: Action, id: str, key: dict[str, str], value: Value, locator: str | None
    ) -> None:
        """Keep a value above the observation; one that contradicts what was found before is reported."""
        full = tuple(key.items())
        entry = self._entries.setdefault(action, {}).get(full)
        if entry is None:
            entry = self._entries[action][full] = AttributeValues(dict(key), {})
            self.entries(action).append(entry)
        first = entry.values.setdefault(id, value)
        if first != value:
            self._report.add(_contradiction(self._dsd, id, key, first, value, locator))

    def hoist(self, level: Level) -> Numbers:
        """Return the rows that are observations; what belongs above them leaves `level.columns`."""
        rows = len(level.locators)
        above = level.above()
        if not above:
            return np.arange(rows)
        deletes = level.actions == Action.DELETE
        carries = np.zeros(rows, bool)
        for id in above:
            carries |= level.has_value(id)
        observed = self._observed(level, above)
        for id, dimensions in above.items():
            self._take(level, id, dimensions, ~deletes)
            if not deletes.any():
                del level.columns[id]
                continue
            index = pa.array(np.arange(rows), mask=~deletes)
            level.columns[id] = level.columns[id].take(index)
        return np.flatnonzero(deletes | observed | ~carries)

    def _observed(self, level: Level, above: dict[str, tuple[str, ...]]) -> npt.NDArray[np.bool_]:
        """Return by row whether it has a value of the observation itself."""
        observed = np.zeros(len(level.locators), bool)
        if ANNOTATIONS in level.columns:
            observed |= level.has_value(ANNOTATIONS)
        for component in self._dsd.components:
            measured = component.role in (Role.MEASURE, Role.ATTRIBUTE)
            if measured and component.id not in above and component.id in level.columns:
                observed |= level.has_value(component.id)
                if observed.all():
                    break
        return observed

    def _take(
        self,
        level: Level,
        id: str,
        dimensions: tuple[str, ...],
        where: npt.NDArray[np.bool_],
    ) -> None:
        """Keep the values of an attribute, each once a distinct key, value and action."""
        at = np.flatnonzero(where & level.has_value(id))
        if not len(at):
            return
        for row in _firsts(level, id, dimensions, at):
            value = _value(level.columns[id][row].as_py())
            key = {
                name: text for name in dimensions if (text := _text(level, name, row)) is not None
            }
            action = level.actions[row]
            mark = (action, id, tuple(key.items()), value)
            if mark in self._seen:
                continue
            self._seen.add(mark)
            locator: str = level.locators[row].as_py()
            if len(key) < len(dimensions):
                self.report_incomplete(id, key, dimensions, locator)
            else:
                self.state(action, id, key, value, locator)

    def report_incomplete(
        self, id: str, key: dict[str, str], dimensions: tuple[str, ...], locator: str
    ) -> None:
        """Report a value whose key is not complete, and which is left out."""
        lacking = [name for name in dimensions if name not in key]
        self._report.add(
            Finding(
                rule="incomplete-key",
                severity=Severity.ERROR,
                message=f"{id} depends on {', '.join(dimensions)}, but the row has no "
                f"{', '.join(lacking)}; its value was left out.",
                dataflow=self._dsd.urn.short,
                component=id,
                key=key,
                locator=locator,
            )
        )


def _value(value: str | list[str]) -> Value:
    return value if isinstance(value, str) else tuple(value)


def _text(level: Level, id: str, row: int) -> str | None:
    column = level.columns.get(id)
    text: str | None = None if column is None else column[row].as_py()
    return text


def _firsts(level: Level, id: str, dimensions: Sequence[str], at: Numbers) -> Iterator[int]:
    """Yield, in order, the first row of each distinct action, key and value among the rows `at`."""
    columns = [level.columns[name] for name in dimensions if name in level.columns]
    numbers = combined([*map(_numbers, [level.columns[id], *columns]), _action_numbers(level)], at)
    # Rows come mostly in key order: what the row before has too needs no sorting.
    changes = np.ones(len(at), bool)
    changes[1:] = numbers[1:] != numbers[:-1]
    starts = np.flatnonzero(changes)
    _, first = np.unique(numbers[starts], return_index=True)
    yield from at[starts[np.sort(first)]].tolist()


def _action_numbers(level: Level) -> Numbers:
    known: dict[Action, int] = {}
    if (level.actions == level.actions[0]).all():
        return np.zeros(len(level.actions), np.int64)
    return np.array([known.setdefault(action, len(known)) for action in level.actions], np.int64)


def _numbers(column: pa.Array) -> Numbers:
    """Return a number a row, the same where the value is; 0 where there is none."""
    if pa.types.is_list(column.type):
        joined = pc.binary_join(column, _BETWEEN)
        sizes = pc.cast(pc.list_value_length(column), pa.string())
        column = pc.binary_join_element_wise(sizes, joined, _BETWEEN)
    _, indices = dictionary_of(column)
    filled: Numbers = indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False) + 1
    return filled


def combined(parts: Sequence[Numbers], at: Numbers) -> Numbers:
    """Return by row of `at` one number for several, the same exactly where all are the same."""
    total = np.zeros(len(at), np.int64)
    most = 1
    for part in parts:
        own = part[at]
        size = int(own.max(initial=0)) + 1
        if most * size >= _MOST:
            _, total = np.unique(total, return_inverse=True)
            most = int(total.max(initial=0)) + 1
        total = total * size + own
        most *= size
    return total


def _contradiction(
    dsd: Dsd, id: str, key: dict[str, str], first: Value, second: Value, locator: str | None
) -> Finding:
    return Finding(
        rule="contradictory-attribute",
        severity=Severity.ERROR,
        message=f"{id} is {second!r} here and {first!r} before, but has one value for "
        f"{key or 'the whole dataset'}; the first was kept.",
        dataflow=dsd.urn.short,
        component=id,
        key=key,
        value=str(second),
        locator=locator,
    )
