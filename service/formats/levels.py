"""Attribute values that stand on rows but belong above the observation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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


@dataclass(frozen=True)
class Level:
    """Rows as they are read, by component."""

    dsd: Dsd
    columns: dict[str, pa.Array]
    actions: npt.NDArray[np.object_]
    lines: npt.NDArray[np.int64]

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


def hoisted(
    level: Level, report: Report
) -> tuple[npt.NDArray[np.int64], dict[Action, list[AttributeValues]]]:
    """Return the rows that are observations and, by action, the values that stand above them.

    A row that deletes stays a row with all its values. From other rows the values above the observation are
    taken out of `level.columns`; a row that had nothing else is no observation.
    """
    rows = len(level.lines)
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
                report.add(_contradiction(level, id, dict(key), values[id], value, row))
            values.setdefault(id, value)
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
            report.add(_incomplete(level, id, dict(named), dimensions, row))
            continue
        yield row, tuple(named), value


def _texts(level: Level, id: str, rows: npt.NDArray[np.int64]) -> list[str | None]:
    column = level.columns.get(id)
    if column is None:
        return [None] * len(rows)
    values, indices = dictionary_of(column.take(pa.array(rows)))
    return [None if index is None else values[index] for index in indices.to_pylist()]


def _incomplete(
    level: Level, id: str, key: dict[str, str], dimensions: tuple[str, ...], row: int
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
        locator=f"line:{level.lines[row]}",
    )


def _contradiction(
    level: Level, id: str, key: dict[str, str], first: Value, second: Value, row: int
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
        locator=f"line:{level.lines[row]}",
    )
