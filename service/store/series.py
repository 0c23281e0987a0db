"""The index of the series of a leaf: one row a series, in a Parquet file of its own beside the leaf.

It is written, listed, superseded and checked as leaves are, in the same transaction. It describes the present
only: what held at an earlier instant is read from the versions.

| column | content |
|---|---|
| `_series_key`, dimensions | as in the leaf |
| `_first_period`, `_last_period` | TIME_PERIOD of its first and last observation, in the order of the leaf |
| `_periods` | all its TIME_PERIOD, joined by U+0001; series of one table mostly share them, so that this takes no room |
| `_count` | its observations |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from service.query.selection import Selection
from service.store.catalog import FlowState, Leaf
from service.store.leaf import KEY_SEPARATOR, SERIES_KEY, TIME

FIRST_PERIOD = "_first_period"
LAST_PERIOD = "_last_period"
PERIODS = "_periods"
COUNT = "_count"


def series_frame(frame: pl.DataFrame, series_ids: Sequence[str]) -> pl.DataFrame:
    """Return the index of the sorted rows of one leaf."""
    time = pl.col(TIME)
    periods = [
        time.first().alias(FIRST_PERIOD),
        time.last().alias(LAST_PERIOD),
        time.str.join(KEY_SEPARATOR).alias(PERIODS),
    ]
    return frame.group_by(SERIES_KEY, maintain_order=True).agg(
        *(pl.col(name).first() for name in series_ids),
        *(periods if TIME in frame.columns else ()),
        pl.len().cast(pl.Int64).alias(COUNT),
    )


def indexes_of(state: FlowState | None, leaves: Iterable[Leaf]) -> tuple[Leaf, ...] | None:
    """Return the indexes of current leaves, None where one of them has none."""
    found = [state.series.get(leaf.path) if state else None for leaf in leaves]
    known = tuple(index for index in found if index is not None)
    return known if len(known) == len(found) else None


def concerns_series(selection: Selection) -> bool:
    """Tell whether a selection takes whole series only, so that the index can tell what it holds."""
    asked = {entry.component for entry in selection.filters}.union(*selection.keys)
    return not selection.periods and asked <= set(selection.dsd.series_ids)


def asks_series(selection: Selection) -> bool:
    """Tell whether the rows of the index, without any observation, are what a selection asks for."""
    wanted = selection.component_ids
    return (
        wanted is not None
        and set(wanted) <= set(selection.dsd.series_ids)
        and selection.series_only
        and concerns_series(selection)
        and selection.first_n == 1
        and selection.last_n is None
        and not selection.order
    )


def without_window(selection: Selection) -> Selection:
    """Return a selection of all observations of the same series."""
    return replace(selection, first_n=None, last_n=None, offset=0, limit=None, order=(), layout=())


def periods_in(texts: Iterable[str]) -> set[str]:
    """Return the distinct periods of joined ones."""
    return {period for text in texts for period in text.split(KEY_SEPARATOR)}
