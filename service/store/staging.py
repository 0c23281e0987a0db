"""From datasets to operations: what a submission asks for, as columns, before any leaf is touched.

Rows of one dataset follow each other. Those with a full key (Merge, Replace, Delete) are folded to one
operation a key; a Delete with a partial key is a barrier between them, as it concerns what was there before it.
SDMX 3.1 Section 5, "Actions"; SDMX-CSV 2.1, "Actions at observation level".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from codelists.urn import Urn
from dsd.batch import ACTION, ANNOTATIONS
from dsd.dataset import Action, AttributeValues, Dataset
from dsd.resolved import Dsd, Role
from dsd.time_period import REPORTING_YEAR_START_DAY, PeriodSyntaxError, parse_period
from service.store.arrival import Arrived, arrived
from service.store.leaf import (
    AFTER_SEPARATOR,
    KEY_SEPARATOR,
    PERIOD_END,
    PERIOD_START,
    SERIES_KEY,
    TIME,
    observation_key,
)
from service.store.protocol import StoreError

RESET = "_reset"
CLEAR = "_clear_"
"""Prefix of the marks of values that are to be deleted."""
_ORDER = "_order"
_DELETE = "_delete"
_REPLACE = "_replace"
_MARKED_ACTIONS = {_DELETE: Action.DELETE, _REPLACE: Action.REPLACE}

_ACTION_WORDS = {
    **{action.value.lower(): action for action in Action},
    **{action.value[0].lower(): action for action in Action},
}
"""Actions as words and as the letters of SDMX-CSV."""


@dataclass(frozen=True)
class Upsert:
    """At most one operation for each observation, sorted by series key.

    Columns: `_series_key`, dimensions, TIME_PERIOD and its interval, `_reset` (what is not supplied goes), the
    components, and `_clear_<id>` where values are to be deleted.
    """

    frame: pl.DataFrame

    def within(self, low_key: str, end_key: str | None) -> Upsert:
        """Return the operations on series from one key up to, but not including, another."""
        keys = self.frame[SERIES_KEY]
        first = int(keys.search_sorted(low_key, side="left")) if low_key else 0
        last = self.frame.height if end_key is None else int(keys.search_sorted(end_key, "left"))
        return Upsert(self.frame[first:last])


@dataclass(frozen=True)
class Deletion:
    """Deletes with partial keys that give the same dimensions and list the same components."""

    patterns: pl.DataFrame
    """The given dimension values, one column a dimension given; one row, no column, for all."""
    given: tuple[str, ...]
    components: tuple[str, ...]
    """Components to delete; empty for whole observations and all that is attached to the key."""
    series_ids: tuple[str, ...]

    def within(self, low_key: str, end_key: str | None) -> Deletion | None:
        """Return the same deletion where it can concern series of a range, else None."""
        prefix = []
        for dimension in self.series_ids:
            if dimension not in self.given:
                break
            prefix.append(dimension)
        if not prefix:
            return self
        lowest = KEY_SEPARATOR.join(str(self.patterns[name].min()) for name in prefix)
        highest = KEY_SEPARATOR.join(str(self.patterns[name].max()) for name in prefix)
        if highest + AFTER_SEPARATOR <= low_key or (end_key is not None and lowest >= end_key):
            return None
        return self


@dataclass(frozen=True)
class AttributeChange:
    """Values above the observation to set, or, for Delete, to remove."""

    values: AttributeValues
    delete: bool


Operation = Upsert | Deletion | AttributeChange


@dataclass(frozen=True)
class Staged:
    """What one call asks of one dataflow, in order."""

    dataflow: Urn
    dsd: Dsd
    operations: tuple[Operation, ...]


def stage(datasets: Iterable[Dataset]) -> tuple[Staged, ...]:
    """Return what the datasets ask for, by dataflow in the order in which they first occur.

    Raises:
        StoreError: something that a store cannot keep; validation would have found it.
    """
    found: dict[Urn, list[tuple[Dsd, list[Operation]]]] = {}
    for dataset in datasets:
        operations = list(_operations(dataset))
        found.setdefault(dataset.dsd.urn, []).append((dataset.dsd, operations))
    staged = []
    for urn, parts in found.items():
        dsds = [dsd for dsd, _ in parts]
        if len({dsd.key_ids for dsd in dsds}) > 1:
            raise StoreError(f"{urn.short}: its datasets have different dimensions; use one DSD")
        widest = max(dsds, key=lambda dsd: len(dsd.components))
        staged.append(Staged(urn, widest, tuple(entry for _, part in parts for entry in part)))
    return tuple(staged)


def _value_ids(frame: pl.DataFrame, dsd: Dsd) -> list[str]:
    """Return the components outside the key, and the annotations, that any row supplies."""
    values = [entry.id for entry in dsd.of_role(Role.MEASURE, Role.ATTRIBUTE)]
    return [id for id in (*values, ANNOTATIONS) if id in frame.columns]


def _operations(dataset: Dataset) -> Iterator[Operation]:
    dsd = dataset.dsd
    lowered = [component.id.lower() for component in dsd.components]
    if len(set(lowered)) < len(lowered):
        raise StoreError(
            f"{dsd.urn.short}: component ids that differ only in upper and lower case cannot be stored"
        )
    rows = arrived(dataset.batches, dsd)
    if rows.frame.height:
        frame = rows.frame.pipe(_with_actions, dataset.action, dsd).with_row_index(_ORDER)
        yield from _runs(replace(rows, frame=frame), dsd)
    for values in dataset.attributes:
        yield AttributeChange(values, dataset.action is Action.DELETE)


def _with_actions(frame: pl.DataFrame, default: Action, dsd: Dsd) -> pl.DataFrame:
    """Turn the actions of rows into marks; what has none has the action of the dataset."""
    if frame[ACTION].null_count() == frame.height:
        marks = [pl.lit(default is action).alias(name) for name, action in _MARKED_ACTIONS.items()]
    else:
        words = pl.col(ACTION).fill_null(default.value).str.to_lowercase()
        unknown = set(frame.select(words.unique())[ACTION]) - _ACTION_WORDS.keys()
        if unknown:
            raise StoreError(f"{dsd.urn.short}: no action {', '.join(sorted(unknown))}")
        marks = [
            words.is_in(_words(action)).alias(name) for name, action in _MARKED_ACTIONS.items()
        ]
    frame = frame.with_columns(marks).drop(ACTION)
    if _has_partial_keys(frame, dsd):
        incomplete = frame.filter(_is_partial(dsd) & ~pl.col(_DELETE))
        if incomplete.height:
            key = {name: incomplete[name][0] for name in dsd.key_ids}
            raise StoreError(
                f"{dsd.urn.short}: {incomplete.height} rows to load have no full key, the first is {key}; only "
                "Delete may leave dimensions out"
            )
    return frame


def _has_partial_keys(frame: pl.DataFrame, dsd: Dsd) -> bool:
    return any(frame[name].null_count() for name in dsd.key_ids)


def _is_partial(dsd: Dsd) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).is_null() for name in dsd.key_ids)


def _words(action: Action) -> list[str]:
    return [word for word, entry in _ACTION_WORDS.items() if entry is action]


def _runs(rows: Arrived, dsd: Dsd) -> Iterator[Operation]:
    """Split at the deletes with partial keys."""
    if not _has_partial_keys(rows.frame, dsd):
        yield _upsert(rows, dsd)
        return
    frame = rows.frame
    is_partial = frame.select(_is_partial(dsd).alias("p"))["p"]
    run = is_partial.rle_id()
    for part in frame.with_columns(run.alias("_run")).partition_by("_run", maintain_order=True):
        part = part.drop("_run")
        if is_partial[int(part[_ORDER][0])]:
            yield from _deletions(part, dsd)
        else:
            yield _upsert(replace(rows, frame=part), dsd)


def _deletions(frame: pl.DataFrame, dsd: Dsd) -> Iterator[Deletion]:
    values = _value_ids(frame, dsd)
    names = [*dsd.key_ids, *values]
    shapes = frame.select(pl.col(name).is_not_null() for name in names)
    for shape in shapes.unique(maintain_order=True).rows():
        given = tuple(name for name, there in zip(dsd.key_ids, shape, strict=False) if there)
        listed = tuple(
            name for name, there in zip(values, shape[len(dsd.key_ids) :], strict=True) if there
        )
        alike = pl.all_horizontal(
            pl.col(name).is_not_null() == pl.lit(there)
            for name, there in zip(names, shape, strict=True)
        )
        patterns = frame.filter(alike).select(given).unique(maintain_order=True)
        yield Deletion(patterns, given, listed, dsd.series_ids)


def _upsert(rows: Arrived, dsd: Dsd) -> Upsert:
    values = _value_ids(rows.frame, dsd)
    has_time = dsd.time_dimension is not None
    supplies = pl.any_horizontal(pl.lit(False), *(pl.col(name).is_not_null() for name in values))
    frame = rows.frame.with_columns(
        pl.concat_str(list(dsd.series_ids), separator=KEY_SEPARATOR).alias(SERIES_KEY)
        if dsd.series_ids
        else pl.lit("").alias(SERIES_KEY),
        (pl.col(_REPLACE) | (pl.col(_DELETE) & ~supplies)).alias(RESET),
    )
    key = observation_key(has_time)
    if not rows.distinct and frame.select(pl.struct(key).is_duplicated().any()).item():
        frame = _fold(frame, key, dsd)
    if has_time:
        frame = _with_intervals(frame, dsd)
    deletes = bool(frame[_DELETE].any())
    if deletes:
        frame = _marked(frame, values)
    marks = [CLEAR + name for name in values] if deletes else []
    time = [TIME, PERIOD_START, PERIOD_END] if has_time else []
    frame = frame.select([SERIES_KEY, *dsd.series_ids, *time, RESET, *values, *marks])
    return Upsert(frame if rows.in_order else frame.sort([SERIES_KEY, *time[1:], *time[:1]]))


def _marked(frame: pl.DataFrame, values: Sequence[str]) -> pl.DataFrame:
    """Turn the values of Delete rows into marks; rows that were folded have theirs."""
    if not values or CLEAR + values[0] in frame.columns:
        return frame
    return frame.with_columns(
        (pl.col(_DELETE) & pl.col(name).is_not_null()).alias(CLEAR + name) for name in values
    ).with_columns(
        pl.when(pl.col(_DELETE)).then(None).otherwise(pl.col(name)).alias(name) for name in values
    )


def _fold(frame: pl.DataFrame, key: list[str], dsd: Dsd) -> pl.DataFrame:
    """Apply the operations on one key one after the other, to one."""
    values = _value_ids(frame, dsd)
    last_reset = pl.col(_ORDER).filter(pl.col(RESET)).max().over(key)
    frame = frame.filter(last_reset.is_null() | (pl.col(_ORDER) >= last_reset))
    rest = [name for name in dsd.series_ids if name not in key]
    supplied = [pl.col(name).filter(pl.col(name).is_not_null()).last() for name in values]
    marks = [
        pl.col(_DELETE)
        .filter(pl.col(name).is_not_null())
        .last()
        .fill_null(False)
        .alias(CLEAR + name)
        for name in values
    ]
    folded = frame.group_by(key, maintain_order=True).agg(
        *(pl.col(name).first() for name in rest),
        pl.col(RESET).any(),
        pl.col(_DELETE).any(),
        *supplied,
        *marks,
    )
    return folded.with_columns(
        pl.when(pl.col(CLEAR + name)).then(None).otherwise(pl.col(name)).alias(name)
        for name in values
    )


def _with_intervals(frame: pl.DataFrame, dsd: Dsd) -> pl.DataFrame:
    texts = frame[TIME].unique().to_list()
    # A reporting year that starts on another day may have a week or day that the calendar's lacks.
    strict = REPORTING_YEAR_START_DAY not in dsd
    try:
        periods = [parse_period(text, strict=strict) for text in texts]
        days = [(period.start, period.end) for period in periods]
    except PeriodSyntaxError as error:
        raise StoreError(f"{dsd.urn.short}: {error}") from error
    intervals = pl.DataFrame(
        {
            TIME: texts,
            PERIOD_START: [start for start, _ in days],
            PERIOD_END: [end for _, end in days],
        },
        schema={TIME: pl.String, PERIOD_START: pl.Date, PERIOD_END: pl.Date},
    )
    return frame.join(intervals, on=TIME, how="left", maintain_order="left")
