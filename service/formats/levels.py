"""Attribute values that stand on rows but belong above the observation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsd.batch import ACTION, BATCH_ROWS, CODED, LOCATOR, Batch
from dsd.dataset import Action, AttributeValues
from dsd.finding import Finding, Report, Severity
from dsd.resolved import Dsd, ResolvedComponent, Role
from service.formats.columns import dictionary_of

Value = str | tuple[str, ...]


def dimensions_of(dsd: Dsd, component: ResolvedComponent) -> tuple[str, ...] | None:
    """Return the dimensions that an attribute's value depends on, None for the whole observation.

    A group stands for its dimensions; the dataset for none.
    """
    stated = component.relationship
    if stated is None or stated.observation is not None:
        return None
    if stated.group is None:
        return tuple(stated.dimensions)
    parts = dsd.structure.data_structure_components
    groups = {group.id: group.group_dimensions for group in (parts.groups if parts else ())}
    return groups.get(stated.group, ())


class Stated(NamedTuple):
    """A value that a message states above the observation, wherever the DSD attaches it."""

    id: str
    key: Mapping[str, str]
    value: Value
    locator: str


@dataclass(frozen=True)
class Level:
    """Rows as they are read: values by component, what each row asks for and where it stands."""

    dsd: Dsd
    columns: dict[str, pa.Array]
    actions: npt.NDArray[np.object_]
    locators: pa.StringArray

    def above(self) -> dict[str, tuple[str, ...]]:
        """Return the attributes above the observation that have a column, with their dimensions."""
        found = {}
        for component in self.dsd.attributes:
            dimensions = dimensions_of(self.dsd, component)
            if dimensions is not None and component.id in self.columns:
                found[component.id] = dimensions
        return found

    def has_value(self, id: str) -> npt.NDArray[np.bool_]:
        """Return by row whether there is a value."""
        valid: npt.NDArray[np.bool_] = self.columns[id].is_valid().to_numpy(zero_copy_only=False)
        return valid

    def attribute_values(
        self, stated: Iterable[Stated], lifted: Iterable[AttributeValues], report: Report
    ) -> tuple[AttributeValues, ...]:
        """Return values stated above the observation and those lifted from rows, one entry a key."""
        merged: dict[tuple[tuple[str, str], ...], dict[str, Value]] = {}
        for entry in stated:
            dimensions = dimensions_of(self.dsd, self.dsd[entry.id]) or ()
            key = {id: entry.key[id] for id in dimensions if id in entry.key}
            if len(key) < len(dimensions):
                report.add(_incomplete(self, entry.id, key, dimensions, entry.locator))
                continue
            values = merged.setdefault(tuple(key.items()), {})
            if values.get(entry.id, entry.value) != entry.value:
                first = values[entry.id]
                report.add(_contradiction(self, entry.id, key, first, entry.value, entry.locator))
            values.setdefault(entry.id, entry.value)
        for above in lifted:
            values = merged.setdefault(tuple(above.key.items()), {})
            for id, value in above.values.items():
                if values.setdefault(id, value) != value:
                    report.add(_contradiction(self, id, above.key, values[id], value, None))
        return tuple(AttributeValues(dict(key), values) for key, values in merged.items())

    def batches(self, rows: npt.NDArray[np.int64], *, own_actions: bool) -> list[Batch]:
        """Return these rows as batches; columns without any value are left out."""
        taken = None if len(rows) == len(self.locators) else pa.array(rows)

        def own(column: pa.Array) -> pa.Array:
            return column if taken is None else column.take(taken)

        arrays = [
            (component.id, own(self.columns[component.id]))
            for component in self.dsd.components
            if component.id in self.columns
        ]
        arrays = [(id, column) for id, column in arrays if column.null_count < len(column)]
        arrays.append((LOCATOR, own(self.locators)))
        if own_actions:
            words = pa.array([action.value for action in self.actions[rows].tolist()], pa.string())
            arrays.append((ACTION, words.dictionary_encode()))
        batch = pa.RecordBatch.from_arrays(
            [
                column.cast(CODED) if pa.types.is_dictionary(column.type) else column
                for _, column in arrays
            ],
            names=[name for name, _ in arrays],
        )
        return [batch.slice(start, BATCH_ROWS) for start in range(0, batch.num_rows, BATCH_ROWS)]


def spread(level: Level, stated: Iterable[Stated]) -> None:
    """Put values that a message states above the observation on the rows, where the DSD has them there."""
    wanted: dict[str, dict[tuple[str, ...], dict[tuple[str, ...], Value]]] = {}
    for entry in stated:
        if dimensions_of(level.dsd, level.dsd[entry.id]) is None:
            names = tuple(entry.key)
            by_key = wanted.setdefault(entry.id, {}).setdefault(names, {})
            by_key[tuple(entry.key.values())] = entry.value
    rows = np.arange(len(level.locators))
    for id, by_names in wanted.items():
        column = level.columns.get(id)
        values: list[Any] = [None] * len(rows) if column is None else column.to_pylist()
        for names, given in by_names.items():
            keys = zip(*(_texts(level, name, rows) for name in names), strict=True) if names else ()
            found = [given.get(key) for key in keys] if names else [given[()]] * len(rows)
            values = [
                old if old is not None else new for old, new in zip(values, found, strict=True)
            ]
        level.columns[id] = column_of(level.dsd[id], values)


def column_of(component: ResolvedComponent, values: Sequence[Any]) -> pa.Array:
    """Return the values of a component as its column of a batch has them."""
    if component.is_multiple:
        lists = [None if v is None else [v] if isinstance(v, str) else list(v) for v in values]
        return pa.array(lists, pa.list_(pa.string()))
    try:
        column = pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # Several values of a component that takes one stay visible as one text, for the rules to refuse.
        texts = [v if v is None or isinstance(v, str) else ";".join(v) for v in values]
        column = pa.array(texts, pa.string())
    return column if component.role is Role.MEASURE else column.dictionary_encode()


Place = tuple[Action, tuple[tuple[str, str], ...], str]
"""Where a value above the observation belongs: action, key and component."""


def hoisted(
    level: Level, report: Report, rows_by_place: dict[Place, int] | None = None
) -> tuple[npt.NDArray[np.int64], dict[Action, list[AttributeValues]]]:
    """Return the rows that are observations and, by action, the values that stand above them.

    A row that deletes stays a row with all its values. From other rows the values above the observation are
    taken out of `level.columns`; a row that had nothing else is no observation. `rows_by_place` takes the row in which
    each value was met first.
    """
    rows = len(level.locators)
    above = level.above()
    if not above:
        return np.arange(rows), {}
    deletes = level.actions == Action.DELETE
    observed = np.zeros(rows, bool)
    for component in level.dsd.components:
        measured = component.role in (Role.MEASURE, Role.ATTRIBUTE) and component.id not in above
        if measured and component.id in level.columns:
            observed |= level.has_value(component.id)
    carries = np.zeros(rows, bool)
    for id in above:
        carries |= level.has_value(id)
    found: dict[Action, dict[tuple[tuple[str, str], ...], dict[str, Value]]] = {}
    for id, dimensions in above.items():
        for row, key, value in _values(level, id, dimensions, ~deletes, report):
            values = found.setdefault(level.actions[row], {}).setdefault(key, {})
            if id in values and values[id] != value:
                report.add(
                    _contradiction(level, id, dict(key), values[id], value, _place(level, row))
                )
            values.setdefault(id, value)
            if rows_by_place is not None:
                rows_by_place.setdefault((level.actions[row], key, id), row)
        kept = pa.array(deletes)
        column = level.columns[id]
        nothing = pa.nulls(rows, column.type)
        index = np.where(kept, np.arange(rows), rows)
        level.columns[id] = pa.concat_arrays([column, nothing.slice(0, 1)]).take(pa.array(index))
    entries = {
        action: [AttributeValues(dict(key), values) for key, values in keys.items()]
        for action, keys in found.items()
    }
    return np.flatnonzero(deletes | observed | ~carries), entries


def same_action(action: Action, rows: int) -> npt.NDArray[np.object_]:
    """Return the actions of rows that all ask for the same."""
    found = np.empty(rows, object)
    # `np.full` would make plain texts of them.
    found.fill(action)
    return found


class Gathered:
    """Values above the observation, gathered while the rows of one data set stream by.

    `values` is the list that the `Dataset` of the rows carries, filled as they are read; values of rows that ask for
    something else than the data set come in `elsewhere`, to follow as data sets of their own.
    """

    def __init__(
        self, action: Action, report: Report, stated: Iterable[AttributeValues] = ()
    ) -> None:
        self.action = action
        self.values: list[AttributeValues] = list(stated)
        self.elsewhere: dict[Action, list[AttributeValues]] = {}
        self._report = report
        self._known: dict[Place, Value] = {}
        for entry in self.values:
            for id, value in entry.values.items():
                self._known[action, tuple(sorted(entry.key.items())), id] = value

    def take(self, level: Level) -> npt.NDArray[np.int64]:
        """Return the rows of `level` that are observations, and keep what they say above them, each value once.

        What contradicts an earlier row is a finding; the first value is kept.
        """
        places: dict[Place, int] = {}
        rows, above = hoisted(level, self._report, places)
        for action, entries in above.items():
            found = [self._fresh(level, action, entry, places) for entry in entries]
            fresh = [entry for entry in found if entry.values]
            if fresh and action is self.action:
                self.values.extend(fresh)
            elif fresh:
                self.elsewhere.setdefault(action, []).extend(fresh)
        return rows

    def _fresh(
        self, level: Level, action: Action, entry: AttributeValues, places: dict[Place, int]
    ) -> AttributeValues:
        """Return what of an entry no earlier rows have said."""
        key = tuple(sorted(entry.key.items()))
        values: dict[str, Value] = {}
        for id, value in entry.values.items():
            if (action, key, id) not in self._known:
                self._known[action, key, id] = values[id] = value
            elif self._known[action, key, id] != value:
                before = self._known[action, key, id]
                place = _place(level, places[action, tuple(entry.key.items()), id])
                self._report.add(_contradiction(level, id, entry.key, before, value, place))
        return AttributeValues(entry.key, values)


def _values(
    level: Level, id: str, dimensions: tuple[str, ...], where: npt.NDArray[np.bool_], report: Report
) -> Iterator[tuple[int, tuple[tuple[str, str], ...], Value]]:
    """Yield (row, key, value) once a distinct key, value and action."""
    at = np.flatnonzero(where & level.has_value(id))
    column = level.columns[id].take(pa.array(at))
    texts = [_texts(level, name, at) for name in dimensions]
    seen = set()
    for number, value in enumerate(column.to_pylist()):
        row = int(at[number])
        value = tuple(value) if isinstance(value, list) else value
        key = tuple(parts[number] for parts in texts)
        mark = (key, value, level.actions[row])
        if mark in seen:
            continue
        seen.add(mark)
        named = [
            (name, text) for name, text in zip(dimensions, key, strict=True) if text is not None
        ]
        if len(named) < len(dimensions):
            report.add(_incomplete(level, id, dict(named), dimensions, _place(level, row)))
            continue
        yield row, tuple(named), value


def _texts(level: Level, id: str, rows: npt.NDArray[np.int64]) -> list[str | None]:
    column = level.columns.get(id)
    if column is None:
        return [None] * len(rows)
    values, indices = dictionary_of(column.take(pa.array(rows)))
    return [None if index is None else values[index] for index in indices.to_pylist()]


def _place(level: Level, row: int) -> str:
    locator: str = level.locators[row].as_py()
    return locator


def _incomplete(
    level: Level, id: str, key: dict[str, str], dimensions: tuple[str, ...], locator: str
) -> Finding:
    lacking = [name for name in dimensions if name not in key]
    return Finding(
        rule="incomplete-key",
        severity=Severity.ERROR,
        message=f"{id} depends on {', '.join(dimensions)}, but the row has no {', '.join(lacking)}; "
        "its value was left out.",
        dataflow=level.dsd.urn.short,
        component=id,
        key=key,
        locator=locator,
    )


def _contradiction(
    level: Level, id: str, key: dict[str, str], first: Value, second: Value, locator: str | None
) -> Finding:
    return Finding(
        rule="contradictory-attribute",
        severity=Severity.ERROR,
        message=f"{id} is {second!r} here and {first!r} before, but has one value for "
        f"{key or 'the whole dataset'}; the first was kept.",
        dataflow=level.dsd.urn.short,
        component=id,
        key=key,
        value=str(second),
        locator=locator,
    )
