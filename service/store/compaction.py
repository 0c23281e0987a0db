"""Compaction: many small leaves become few. No version and no answer changes, of whatever instant.

Adjacent current leaves are joined while they fit into one, and so are history leaves in the order of the
transactions that wrote them: a read as of an instant leaves out history that was superseded before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from codelists.urn import Urn
from service.store.catalog import CURRENT, HISTORY, SERIES, Catalog, FlowState, Leaf
from service.store.fault import Fault
from service.store.leaf import TIME, TX_FROM, TX_TO, LeafFolder, order_columns
from service.store.protocol import Compacted, StoreError
from service.store.series import series_frame


def compact_flow(
    catalog: Catalog, folder: LeafFolder, dataflow: Urn, at: datetime, fault: Fault
) -> Compacted:
    """Join the small leaves of one dataflow; the caller holds the writer's turn.

    Raises:
        StoreError: nothing was changed.
    """
    state = catalog.state(dataflow)
    if state is None:
        return Compacted(0, 0)
    before = len(state.leaves) + len(state.series) + len(state.history)
    runs = [*joinable(state.leaves, folder.leaf_rows), *joinable(state.history, folder.leaf_rows)]
    if not runs:
        return Compacted(before, before)
    new: list[Leaf] = []
    try:
        for run in runs:
            new += _joined(folder, dataflow, state, run)
            fault("compact-leaf")
        folder.sync(new)
    except StoreError:
        folder.remove(new)
        raise
    fault("compact-synced")
    closed = [leaf for run in runs for leaf in run]
    closed += [state.series[leaf.path] for leaf in closed if leaf.path in state.series]
    # From here on files stay, whatever happens: a commit that fails may yet have been made.
    with catalog.replace_leaves(dataflow, closed, new, at):
        fault("compact-before-commit")
    fault("compact-after-commit")
    return Compacted(before, before - len(closed) + len(new))


def joinable(leaves: Sequence[Leaf], limit: int) -> list[list[Leaf]]:
    """Return the runs of leaves, in their order, that can each become one leaf of at most `limit` rows."""
    runs: list[list[Leaf]] = []
    rows, columns = 0, dict[str, bool]()
    for leaf in leaves:
        if not runs or rows + leaf.rows > limit or not _fit(columns, leaf.columns):
            runs.append([])
            rows, columns = 0, {}
        runs[-1].append(leaf)
        rows += leaf.rows
        columns.update(leaf.columns)
    return [run for run in runs if len(run) > 1]


def _fit(columns: Mapping[str, bool], others: Mapping[str, bool]) -> bool:
    # A component may have come to allow several values: the older DSD can read the older leaves only.
    return all(others.get(name, many) == many for name, many in columns.items())


def _joined(folder: LeafFolder, dataflow: Urn, state: FlowState, run: Sequence[Leaf]) -> list[Leaf]:
    """Write the leaf that takes the place of a run and, of a current one, the index of its series."""
    frame = pl.concat([folder.read(leaf) for leaf in run], how="diagonal")
    last = [name for name in (TX_FROM, TX_TO) if name in frame.columns]
    frame = frame.select(pl.exclude(last), *last)
    newest, low_key = max(leaf.tx_from for leaf in run), run[0].low_key
    if run[0].kind == HISTORY:
        frame = frame.sort([*order_columns(TIME in state.head.dimensions), TX_FROM])
        return [folder.write(dataflow, HISTORY, low_key, frame, newest)]
    # Current leaves follow each other by key, so that their rows are sorted already.
    index = series_frame(frame, [name for name in state.head.dimensions if name != TIME])
    return [
        folder.write(dataflow, CURRENT, low_key, frame, newest),
        folder.write(dataflow, SERIES, low_key, index, newest),
    ]
