"""Applying operations: the leaves of a dataflow and what is asked give new leaves and superseded versions.

Only leaves whose range of keys is concerned are read. What counts is the difference between the state before
and after the whole transaction: an observation that ends as it was keeps its version.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from dsd.batch import ANNOTATIONS
from dsd.dataset import AttributeValues
from service.store.catalog import (
    CURRENT,
    HISTORY,
    SERIES,
    AttributeKey,
    AttributeStates,
    FlowCommit,
    FlowState,
    Leaf,
)
from service.store.leaf import (
    SERIES_KEY,
    TX_FROM,
    TX_TO,
    LeafFolder,
    column_names,
    observation_key,
    order_columns,
)
from service.store.protocol import Change, StoreError
from service.store.series import series_frame
from service.store.staging import (
    CLEAR,
    RESET,
    AttributeChange,
    Deletion,
    Operation,
    Staged,
    Upsert,
)

_DIRTY = "_dirty"
_OLD = "_old"


@dataclass(frozen=True)
class _Shape:
    """The columns in play: those of the DSD and of the leaves together."""

    series_ids: tuple[str, ...]
    has_time: bool
    components: dict[str, bool]
    """Components outside the key, True where they hold lists."""

    @property
    def key(self) -> list[str]:
        return observation_key(self.has_time)

    @property
    def order(self) -> list[str]:
        return order_columns(self.has_time)

    @property
    def columns(self) -> list[str]:
        return column_names(self.series_ids, self.components, self.has_time)

    def complete(self, frame: pl.DataFrame, *others: str) -> pl.DataFrame:
        """Return a frame with all columns, those that it lacks filled with nothing."""
        missing = {
            name: many for name, many in self.components.items() if name not in frame.columns
        }
        frame = frame.with_columns(
            pl.lit(None, pl.List(pl.String) if many else pl.String).alias(name)
            for name, many in missing.items()
        )
        single = [
            name
            for name, many in self.components.items()
            if many and frame.schema[name] == pl.String
        ]
        # The DSD has come to allow several values of what had one.
        frame = frame.with_columns(
            pl.when(pl.col(name).is_not_null()).then(pl.concat_list(name)).alias(name)
            for name in single
        )
        return frame.select([*self.columns, *others])


class FlowWriter:
    """One transaction on one dataflow: writes leaves, changes nothing that can be seen."""

    def __init__(
        self, staged: Staged, state: FlowState | None, folder: LeafFolder, transaction: int
    ) -> None:
        self._staged = staged
        self._state = state
        self._folder = folder
        self._transaction = transaction
        dsd = staged.dsd
        self._check_dimensions()
        components = {entry.id: entry.is_multiple for entry in (*dsd.measures, *dsd.attributes)}
        if self._brings(ANNOTATIONS):
            components[ANNOTATIONS] = False
        for leaf in state.leaves if state else ():
            for name, many in leaf.columns.items():
                if name in dsd.key_ids:
                    continue
                if many and not components.get(name, True) and self._brings(name):
                    raise StoreError(
                        f"{staged.dataflow.short} holds several values of {name} for an observation, the "
                        "data come with a structure that allows one: load them with the newer structure"
                    )
                components[name] = components.get(name, False) or many
        self._shape = _Shape(dsd.series_ids, dsd.time_dimension is not None, components)
        self.commit = FlowCommit(staged.dataflow, dsd.key_ids, Change(staged.dataflow, 0, 0, 0, 0))

    def _brings(self, name: str) -> bool:
        """Tell whether some row of the submission has a value of a component."""
        frames = (entry.frame for entry in self._staged.operations if isinstance(entry, Upsert))
        return any(name in frame.columns and frame[name].count() for frame in frames)

    def _check_dimensions(self) -> None:
        stored = self._state.head.dimensions if self._state else self._staged.dsd.key_ids
        if stored != self._staged.dsd.key_ids:
            raise StoreError(
                f"{self._staged.dataflow.short} is stored with the dimensions {', '.join(stored)}, the data "
                f"come with {', '.join(self._staged.dsd.key_ids)}: other dimensions need another major version "
                "of the dataflow"
            )

    def write(self) -> FlowCommit:
        """Write the leaves and return what the catalog must be told."""
        superseded = []
        for leaf, low_key, end_key in self._ranges():
            operations = _within(self._staged.operations, low_key, end_key)
            if operations:
                superseded += self._write_range(leaf, low_key, operations)
        if superseded:
            frame = pl.concat(superseded).sort(self._shape.order)
            self.commit.new.append(
                self._folder.write(self._staged.dataflow, HISTORY, "", frame, self._transaction)
            )
        self._write_attributes()
        return self.commit

    def _ranges(self) -> Iterator[tuple[Leaf | None, str, str | None]]:
        """Yield each leaf with its range; the first is open to the left and the last to the right."""
        leaves = self._state.leaves if self._state else ()
        if not leaves:
            yield None, "", None
        for number, leaf in enumerate(leaves):
            end = leaves[number + 1].low_key if number + 1 < len(leaves) else None
            yield leaf, leaf.low_key if number else "", end

    def _write_range(
        self, leaf: Leaf | None, low_key: str, operations: Sequence[Upsert | Deletion]
    ) -> list[pl.DataFrame]:
        """Apply operations to one leaf and return the versions that they supersede."""
        shape = self._shape
        old = self._folder.read(leaf) if leaf else None
        apart = None
        if old is not None:
            apart, old = _apart(shape.complete(old), operations)
        work = old
        for operation in operations:
            if isinstance(operation, Upsert):
                work = _upserted(work, operation, shape)
            elif work is not None:
                work = _deleted(work, operation, shape)
        if work is None:
            return []
        kept, new, gone, counts = _difference(old, work, shape, self._transaction)
        self._count(*counts)
        if not new.height and not gone.height:
            return []
        if leaf:
            self._close(leaf)
        # What one operation brings where nothing was is sorted already.
        is_sorted = leaf is None and len(operations) == 1
        changed = new if is_sorted else pl.concat([kept, new]).sort(shape.order)
        if apart is not None:
            changed = _together(apart, changed)
        self._write_leaves(changed, low_key)
        if not gone.height:
            return []
        return [gone.with_columns(pl.lit(self._transaction, pl.Int64).alias(TX_TO))]

    def _count(self, inserted: int, updated: int, deleted: int, unchanged: int) -> None:
        change = self.commit.change
        self.commit.change = replace(
            change,
            inserted=change.inserted + inserted,
            updated=change.updated + updated,
            deleted=change.deleted + deleted,
            unchanged=change.unchanged + unchanged,
        )

    def _write_leaves(self, frame: pl.DataFrame, low_key: str) -> None:
        """Write sorted rows as leaves of about the same size, cut between series."""
        if not frame.height:
            return
        keys = frame[SERIES_KEY]
        starts = (keys != keys.shift()).fill_null(True).arg_true().to_list()
        bounds = _cuts(starts, frame.height, self._folder.leaf_rows)
        lows = [low_key, *(keys[place] for place in bounds[1:-1])]
        for low, first, last in zip(lows, bounds, bounds[1:], strict=False):
            part = frame[first:last]
            index = series_frame(part, self._shape.series_ids)
            for kind, rows in ((CURRENT, part), (SERIES, index)):
                self.commit.new.append(
                    self._folder.write(self._staged.dataflow, kind, low, rows, self._transaction)
                )

    def _close(self, leaf: Leaf) -> None:
        """Supersede a leaf together with its index."""
        self.commit.closed.append(leaf)
        index = self._state.series.get(leaf.path) if self._state else None
        if index is not None:
            self.commit.closed.append(index)

    def _write_attributes(self) -> None:
        before: AttributeStates = dict(self._state.attributes) if self._state else {}
        after = dict(before)
        for operation in self._staged.operations:
            if isinstance(operation, AttributeChange):
                _change_attributes(after, operation)
            elif isinstance(operation, Deletion):
                _delete_attributes(after, operation)
        self.commit.attributes_closed = [
            entry for entry, value in before.items() if after.get(entry) != value
        ]
        self.commit.attributes_new = {
            entry: value for entry, value in after.items() if before.get(entry) != value
        }


def _cuts(starts: Sequence[int], rows: int, limit: int) -> list[int]:
    """Return where to cut rows into parts of about the same size, none above the limit.

    Series are never cut (`starts` tells where they start): one that passes the limit is a part of its own.
    """
    bounds = [0]
    while rows - bounds[-1] > limit:
        left = rows - bounds[-1]
        target = bounds[-1] + -(-left // -(-left // limit))
        place = bisect_right(starts, target) - 1
        if starts[place] <= bounds[-1]:
            place += 1
        if place == len(starts):
            break
        bounds.append(starts[place])
    return [*bounds, rows]


def _within(
    operations: Sequence[Operation], low_key: str, end_key: str | None
) -> list[Upsert | Deletion]:
    found: list[Upsert | Deletion] = []
    for operation in operations:
        if isinstance(operation, Upsert):
            part = operation.within(low_key, end_key)
            if part.frame.height:
                found.append(part)
        elif isinstance(operation, Deletion):
            deletion = operation.within(low_key, end_key)
            if deletion is not None:
                found.append(deletion)
    return found


def _apart(
    old: pl.DataFrame, operations: Sequence[Upsert | Deletion]
) -> tuple[pl.DataFrame | None, pl.DataFrame]:
    """Return the rows of series that no operation names, and the others, in which all the work is done."""
    named = [entry.frame[SERIES_KEY] for entry in operations if isinstance(entry, Upsert)]
    if len(named) < len(operations):  # A deletion can concern any series.
        return None, old
    is_named = old[SERIES_KEY].is_in(pl.concat(named).unique().implode())
    return old.filter(~is_named), old.filter(is_named)


def _together(apart: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """Return two sorted frames, which have no series in common, as one sorted frame."""
    places = apart[SERIES_KEY].search_sorted(changed[SERIES_KEY]).to_numpy().astype(np.int64)
    order = np.concatenate([2 * np.arange(apart.height) + 1, 2 * places])
    # Two ascending runs, which this way of sorting merges in one pass.
    return pl.concat([apart, changed])[np.argsort(order, kind="stable")]


def _upserted(work: pl.DataFrame | None, operation: Upsert, shape: _Shape) -> pl.DataFrame:
    """Return a state with operations applied; what they touch is marked."""
    asked = _in_lists(operation.frame, shape)
    marks = {name for name in shape.components if CLEAR + name in asked.columns}
    if work is None:
        touched = asked.with_columns(pl.lit(None, pl.Int64).alias(TX_FROM))
        result = shape.complete(touched).with_columns(pl.lit(True).alias(_DIRTY))
        return _existing(result, shape)
    if _DIRTY not in work.columns:
        work = work.with_columns(pl.lit(False).alias(_DIRTY))
    columns = [*shape.key, *shape.components, TX_FROM]
    joined = asked.join(
        work.select(columns), on=shape.key, how="left", suffix=_OLD, maintain_order="left"
    )
    expressions = []
    for name in shape.components:
        if name not in asked.columns:  # A component of the leaves that this DSD does not have.
            expressions.append(pl.when(~pl.col(RESET)).then(pl.col(name)).alias(name))
            continue
        before = pl.when(~pl.col(RESET)).then(pl.col(name + _OLD))
        value = pl.coalesce(pl.col(name), before)
        if name in marks:
            value = pl.when(~pl.col(CLEAR + name)).then(value)
        expressions.append(value.alias(name))
    touched = joined.with_columns(expressions).with_columns(pl.lit(True).alias(_DIRTY))
    untouched = work.join(asked, on=shape.key, how="anti", maintain_order="left")
    return pl.concat([untouched, _existing(shape.complete(touched, _DIRTY), shape)])


def _in_lists(frame: pl.DataFrame, shape: _Shape) -> pl.DataFrame:
    """Give columns without any value the type of the lists that leaves hold."""
    return frame.with_columns(
        pl.lit(None, pl.List(pl.String)).alias(name)
        for name, many in shape.components.items()
        if many and frame.schema.get(name) == pl.String
    )


def _existing(frame: pl.DataFrame, shape: _Shape) -> pl.DataFrame:
    """Leave out observations without any value: those do not exist."""
    return frame.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in shape.components))


def _deleted(work: pl.DataFrame, deletion: Deletion, shape: _Shape) -> pl.DataFrame:
    if _DIRTY not in work.columns:
        work = work.with_columns(pl.lit(False).alias(_DIRTY))
    given = list(deletion.given)
    if not deletion.components:
        if not given:
            return work.clear()
        return work.join(deletion.patterns, on=given, how="anti", maintain_order="left")
    if given:
        hits = deletion.patterns.with_columns(pl.lit(True).alias("_hit"))
        work = work.join(hits, on=given, how="left", maintain_order="left")
    else:
        work = work.with_columns(pl.lit(True).alias("_hit"))
    hit = pl.col("_hit").fill_null(False)
    work = work.with_columns(
        *(pl.when(~hit).then(pl.col(name)).alias(name) for name in deletion.components),
        (pl.col(_DIRTY) | hit).alias(_DIRTY),
    ).drop("_hit")
    return _existing(work, shape)


def _difference(
    old: pl.DataFrame | None, work: pl.DataFrame, shape: _Shape, transaction: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, tuple[int, int, int, int]]:
    """Return rows that stay, new versions, superseded versions, and counts as in `Change`."""
    stamp = pl.lit(transaction, pl.Int64).alias(TX_FROM)
    if old is None:
        new = work.select(shape.columns).with_columns(stamp)
        return new.clear(), new, new.clear(), (new.height, 0, 0, 0)
    clean = work.filter(~pl.col(_DIRTY)).select(shape.columns)
    dirty = work.filter(pl.col(_DIRTY)).select(shape.columns)
    joined = dirty.drop(TX_FROM).join(
        old.select([*shape.key, *shape.components, TX_FROM]),
        on=shape.key,
        how="left",
        suffix=_OLD,
        maintain_order="left",
    )
    differs = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name + _OLD)) for name in shape.components
    )
    is_new = pl.col(TX_FROM).is_null()
    same = joined.filter(~is_new & ~differs).select(shape.columns)
    updated = joined.filter(~is_new & differs)
    inserted = joined.filter(is_new)
    new = pl.concat([inserted, updated]).select(shape.columns).with_columns(stamp)
    kept = pl.concat([clean, same])
    gone = old.join(kept, on=shape.key, how="anti", maintain_order="left")
    deleted = gone.height - updated.height
    return kept, new, gone, (inserted.height, updated.height, deleted, same.height)


def _attribute_key(values: AttributeValues) -> AttributeKey:
    return tuple(sorted(values.key.items()))


def _change_attributes(states: AttributeStates, change: AttributeChange) -> None:
    """Merge values above the observation; for Delete, remove those under the given key."""
    values = change.values
    key = _attribute_key(values)
    if not change.delete:
        for component, value in values.values.items():
            states[key, component] = value
        return
    given = set(key)
    for entry_key, component in list(states):
        if given <= set(entry_key) and (not values.values or component in values.values):
            del states[entry_key, component]


def _delete_attributes(states: AttributeStates, deletion: Deletion) -> None:
    """Remove the values that are attached to what a partial key deletes."""
    patterns = {tuple(row) for row in deletion.patterns.select(deletion.given).iter_rows()}
    for key, component in list(states):
        if deletion.components and component not in deletion.components:
            continue
        found = dict(key)
        if all(name in found for name in deletion.given) and (
            not deletion.given or tuple(found[name] for name in deletion.given) in patterns
        ):
            del states[key, component]
