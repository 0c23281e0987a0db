"""Attribute values that stand on rows but belong above the observation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsd.batch import ACTION, ANNOTATIONS, BATCH_ROWS, CODED, LOCATOR, Batch
from dsd.dataset import Action
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
    """Rows as they are read: values by component, what each row asks for and where it stands.

    What is noted on them is among the columns under `ANNOTATIONS`.
    """

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
        if ANNOTATIONS in self.columns:
            arrays.append((ANNOTATIONS, own(self.columns[ANNOTATIONS])))
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
        if entry.id == ANNOTATIONS:
            continue
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


def same_action(action: Action, rows: int) -> npt.NDArray[np.object_]:
    """Return the actions of rows that all ask for the same."""
    found = np.empty(rows, object)
    # `np.full` would make plain texts of them.
    found.fill(action)
    return found


def _texts(level: Level, id: str, rows: npt.NDArray[np.int64]) -> list[str | None]:
    column = level.columns.get(id)
    if column is None:
        return [None] * len(rows)
    values, indices = dictionary_of(column.take(pa.array(rows)))
    return [None if index is None else values[index] for index in indices.to_pylist()]
