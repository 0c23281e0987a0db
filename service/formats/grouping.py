"""Rows in groups: which rows start a series, and rows brought into the order that a layout needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dsd.batch import Batch
from dsd.dataset import Preamble
from dsd.resolved import Dsd
from service.formats.columns import dictionary_of, in_chunks, present

Positions = Mapping[str, Mapping[str, int]]
Numbers = npt.NDArray[np.int64]


_TWICE = "two rows have one key, but a message holds an observation once: mend the duplicate"


class UnorderedRowsError(ValueError):
    """Rows that come in an order that a layout cannot be written from; says what to do."""


def positions_of(preamble: Preamble, dsd: Dsd) -> dict[str, dict[str, int]]:
    """Return, by dimension and value, the position of the value in the preamble."""
    return {
        id: {value: number for number, value in enumerate(preamble.codes.get(id, ()))}
        for id in dsd.key_ids
    }


def numbers_of(
    column: pa.Array | None, positions: Mapping[str, int], rows: int, id: str
) -> Numbers:
    """Return by row the position of the value of a dimension.

    Raises:
        UnorderedRowsError: a value is absent, or not among those that the preamble states.
    """
    if column is None:
        raise UnorderedRowsError(f"the rows have no column {id}, which is a dimension")
    values, indices = dictionary_of(column)
    if indices.null_count:
        raise UnorderedRowsError(
            f"a row has no value of the dimension {id}; its key is not complete"
        )
    known = np.array([positions.get(value, -1) for value in values] or [0], np.int64)
    numbers: Numbers = (
        known[indices.to_numpy(zero_copy_only=False)] if rows else np.empty(0, np.int64)
    )
    if rows and int(numbers.min()) < 0:
        unknown = values[int(indices[int(numbers.argmin())].as_py())]
        raise UnorderedRowsError(
            f"{id}={unknown} is in a row but not among the codes of the preamble"
        )
    return numbers


class _Seen:
    """Numbers that have come, in few bytes each: sorted runs, of which those that lie across each other become one."""

    def __init__(self) -> None:
        self._runs: list[Numbers] = []

    def add(self, numbers: Numbers) -> bool:
        """Take numbers; tell whether each of them is new."""
        if not len(numbers):
            return True
        run = np.unique(numbers)
        is_new = len(run) == len(numbers)
        across = [old for old in self._runs if old[0] <= run[-1] and run[0] <= old[-1]]
        if across:
            self._runs = [old for old in self._runs if old[0] > run[-1] or run[0] > old[-1]]
            whole = np.unique(np.concatenate([run, *across]))
            is_new = is_new and len(whole) == len(run) + sum(map(len, across))
            run = whole
        self._runs.append(run)
        return is_new


class Grouper:
    """Numbers the groups of rows, batch by batch, and sees to it that none comes back and no row twice."""

    def __init__(
        self, positions: Positions, group_ids: Sequence[str], inner_ids: Sequence[str]
    ) -> None:
        self._positions = positions
        self._group_ids = list(group_ids)
        self._inner_ids = list(inner_ids)
        self._seen = _Seen()
        self._open: int | None = None
        self._inside: set[int] = set()

    def starts(self, batch: Batch) -> npt.NDArray[np.bool_]:
        """Return by row whether it starts a group.

        Raises:
            UnorderedRowsError: a group comes back after another, or two rows have one key.
        """
        groups = self._key_numbers(batch, self._group_ids)
        inner = self._key_numbers(batch, self._inner_ids)
        first = np.ones(len(groups), bool)
        if not len(groups):
            return first
        first[1:] = groups[1:] != groups[:-1]
        first[0] = self._open is None or int(groups[0]) != self._open
        self._check_groups(groups[first])
        self._check_rows(groups, inner, first)
        return first

    def _key_numbers(self, batch: Batch, ids: Sequence[str]) -> Numbers:
        """Return by row one number for the values of these dimensions together."""
        sizes = [max(len(self._positions[id]), 1) for id in ids]
        # Very wide cubes have more cells than 64 bits can number; Python's integers have no end.
        total = np.zeros(batch.num_rows, np.int64 if prod(sizes) < 2**62 else object)
        for id, size in zip(ids, sizes, strict=True):
            numbers = numbers_of(present(batch, id), self._positions[id], batch.num_rows, id)
            total = total * size + numbers
        return total

    def _check_groups(self, starting: Numbers) -> None:
        if self._seen.add(starting):
            return
        if not self._inner_ids:
            raise UnorderedRowsError(_TWICE)
        raise UnorderedRowsError(
            "the rows of a series do not stand together; put them in key order before writing"
        )

    def _check_rows(self, groups: Numbers, inner: Numbers, first: npt.NDArray[np.bool_]) -> None:
        begins = np.flatnonzero(first)
        before = inner[: int(begins[0]) if len(begins) else len(inner)].tolist()
        rising = first[1:] | (inner[1:] > inner[:-1])
        repeated = not self._inside.isdisjoint(before) or (
            not bool(rising.all())
            and len(set(zip(groups.tolist(), inner.tolist(), strict=True))) < len(inner)
        )
        if repeated:
            raise UnorderedRowsError(_TWICE)
        self._inside = (
            set(inner[int(begins[-1]) :].tolist()) if len(begins) else self._inside | set(before)
        )
        self._open = int(groups[-1])


def ordered(
    batches: Iterable[Batch], positions: Positions, ids: Sequence[str], dsd: Dsd
) -> Iterator[Batch]:
    """Yield the rows in the order of the dimensions `ids`; as they come where that is key order already.

    Series without observations come in the order of the series key.

    Any other order needs all rows at once.
    """
    if tuple(ids) in (dsd.key_ids, dsd.series_ids):
        yield from in_chunks(batches)
        return
    chunks = list(in_chunks(batches))
    if not chunks:
        return
    table = pa.Table.from_batches(chunks).unify_dictionaries().combine_chunks()
    whole = table.to_batches()[0] if table.num_rows else chunks[0]
    keys = [
        numbers_of(present(whole, id), positions[id], whole.num_rows, id)
        for id in reversed(list(ids))
    ]
    yield from in_chunks([whole.take(pa.array(np.lexsort(keys)))])
