"""Values above the observation put on the rows that they hold for: for formats with one level only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsd.batch import Batch
from dsd.dataset import AttributeValues
from dsd.resolved import Dsd
from service.formats.columns import dictionary_of, present
from service.formats.levels import Value, column_of

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Values:
    """Values of one attribute that depend on the same dimensions."""

    id: str
    positions: Mapping[str, Mapping[str, int]]
    """Position of each value, by dimension."""
    keys: Numbers
    """A number for each key, ascending."""
    values: tuple[Value, ...]
    used: npt.NDArray[np.bool_]


class Attacher:
    """Puts values on rows, batch by batch, and knows which held for none."""

    def __init__(self, dsd: Dsd, entries: Iterable[AttributeValues], ids: Collection[str]) -> None:
        self._dsd = dsd
        grouped: dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], Value]] = {}
        for entry in entries:
            names = tuple(id for id in dsd.key_ids if id in entry.key)
            for id, value in entry.values.items():
                if id in ids:
                    own = grouped.setdefault((id, names), {})
                    own[tuple(entry.key[name] for name in names)] = value
        self._values = [_values(id, names, own) for (id, names), own in grouped.items()]

    def attach(self, batch: Batch) -> Batch:
        """Return the rows with the values; what a row has itself stays."""
        if not self._values or not batch.num_rows:
            return batch
        columns = {name: batch.column(name) for name in batch.schema.names}
        for values in self._values:
            places = _places(values, batch)
            given = [*values.values, None]
            column = column_of(self._dsd[values.id], given).take(pa.array(places))
            own = columns.get(values.id)
            if own is not None and own.null_count < len(own):
                column = _first_of(own, column)
            columns[values.id] = column
        return pa.RecordBatch.from_pydict(columns)

    def unused(self) -> list[AttributeValues]:
        """Return the values that held for no row, one entry a key."""
        found: dict[tuple[tuple[str, str], ...], AttributeValues] = {}
        for values in self._values:
            for place in np.flatnonzero(~values.used).tolist():
                key = _key(values, int(values.keys[place]))
                entry = found.setdefault(tuple(key.items()), AttributeValues(key, {}))
                entry.values[values.id] = values.values[place]
        return list(found.values())


def _values(id: str, names: tuple[str, ...], given: Mapping[tuple[str, ...], Value]) -> _Values:
    positions: dict[str, dict[str, int]] = {name: {} for name in names}
    numbers: dict[int, Value] = {}
    for key in given:
        for name, text in zip(names, key, strict=True):
            positions[name].setdefault(text, len(positions[name]))
    for key, value in given.items():
        number = 0
        for name, text in zip(names, key, strict=True):
            number = number * len(positions[name]) + positions[name][text]
        numbers[number] = value
    keys = sorted(numbers)
    # Keys of very wide cubes outgrow 64 bits; Python's integers have no end.
    kind = np.int64 if not keys or keys[-1] < 2**62 else object
    return _Values(
        id,
        positions,
        np.array(keys, kind),
        tuple(numbers[key] for key in keys),
        np.zeros(len(keys), bool),
    )


def _places(values: _Values, batch: Batch) -> Numbers:
    """Return by row the place of its value, the number of values where it has none."""
    rows = batch.num_rows
    total = np.zeros(rows, values.keys.dtype)
    known = np.ones(rows, bool)
    for name, positions in values.positions.items():
        column = present(batch, name)
        if column is None:
            return np.full(rows, len(values.values))
        texts, indices = dictionary_of(column)
        mapped = np.array([*(positions.get(text, -1) for text in texts), -1], np.int64)
        numbers = mapped[indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)]
        known &= numbers >= 0
        total = total * len(positions) + numbers
    places = np.searchsorted(values.keys, total)
    places[places == len(values.keys)] = 0
    found = known & (values.keys[places] == total)
    values.used[places[found]] = True
    return np.where(found, places, len(values.values))


def _key(values: _Values, number: int) -> dict[str, str]:
    key: dict[str, str] = {}
    for name in reversed(list(values.positions)):
        number, place = divmod(number, len(values.positions[name]))
        key[name] = list(values.positions[name])[place]
    return {name: key[name] for name in values.positions}


def _first_of(own: pa.Array, given: pa.Array) -> pa.Array:
    """Return by row its own value, else the given one."""
    both = pa.chunked_array([own, given.cast(own.type)]).unify_dictionaries().combine_chunks()
    whole = both.chunk(0) if isinstance(both, pa.ChunkedArray) else both
    valid = own.is_valid().to_numpy(zero_copy_only=False)
    rows = np.arange(len(own))
    return whole.take(pa.array(np.where(valid, rows, rows + len(own))))
