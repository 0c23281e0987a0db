"""The preamble of rows that come from a file rather than from the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsd.batch import ANNOTATIONS, Batch
from dsd.dataset import AttributeValues, Preamble
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.time_period import PeriodSyntaxError, parse_period
from service.formats.columns import dictionary_of, in_chunks, present
from service.formats.grouping import numbers_of, positions_of


def make_preamble(
    dsd: Dsd, batches: Iterable[Batch], attributes: Iterable[AttributeValues] = ()
) -> Preamble:
    """Return the preamble of rows, read once: values by component, codes in the order of their list, times in order."""
    wanted = [c for c in dsd.components if c.id in dsd.key_ids or c.codelist is not None]
    found: dict[str, set[str]] = {component.id: set() for component in wanted}
    noted: set[str] = set()
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        for id, values in found.items():
            values |= _distinct(present(batch, id))
        noted |= _distinct(present(batch, ANNOTATIONS))
    codes = {component.id: _ordered(component, found[component.id]) for component in wanted}
    if noted:
        codes[ANNOTATIONS] = tuple(sorted(noted))
    return Preamble(rows, codes, tuple(attributes))


def joined_preamble(dsd: Dsd, preambles: Sequence[Preamble]) -> Preamble:
    """Return what several data sets of one structure hold together."""
    # What one of them does not speak of stands for the whole code list.
    ids = [
        id for id in preambles[0].codes if id in dsd and all(id in own.codes for own in preambles)
    ]
    codes = {
        id: _ordered(dsd[id], {value for own in preambles for value in own.codes[id]}) for id in ids
    }
    attributes = tuple(entry for preamble in preambles for entry in preamble.attributes)
    return Preamble(sum(own.observations for own in preambles), codes, attributes)


def in_key_order(dsd: Dsd, batches: Iterable[Batch], preamble: Preamble) -> list[Batch]:
    """Return the rows sorted by their key, as encoders need them.

    Raises:
        UnorderedRowsError: a row has no complete key.
    """
    chunks = [batch for batch in batches if batch.num_rows]
    if not chunks:
        return []
    table = pa.concat_tables(
        [pa.Table.from_batches([batch]) for batch in chunks], promote_options="default"
    )
    whole = table.unify_dictionaries().combine_chunks().to_batches()[0]
    positions = positions_of(preamble, dsd)
    keys = {
        id: numbers_of(present(whole, id), positions[id], whole.num_rows, id) for id in dsd.key_ids
    }
    order = pc.sort_indices(pa.table(keys), sort_keys=[(id, "ascending") for id in dsd.key_ids])
    return list(in_chunks([whole.take(order)]))


def are_in_key_order(dsd: Dsd, batches: Iterable[Batch], preamble: Preamble) -> bool:
    """Tell whether rows come in the order of their key already; read once, and held in no part.

    Raises:
        UnorderedRowsError: a row has no complete key.
    """
    positions = positions_of(preamble, dsd)
    sizes = [max(len(positions[id]), 1) for id in dsd.key_ids]
    if prod(sizes) >= 2**62:
        return False
    last = -1
    for batch in batches:
        total = np.zeros(batch.num_rows, np.int64)
        for id, size in zip(dsd.key_ids, sizes, strict=True):
            total = total * size + numbers_of(present(batch, id), positions[id], batch.num_rows, id)
        if batch.num_rows and (int(total[0]) < last or bool((total[1:] < total[:-1]).any())):
            return False
        last = int(total[-1]) if batch.num_rows else last
    return True


def _distinct(column: pa.Array | None) -> set[str]:
    if column is None:
        return set()
    if pa.types.is_list(column.type):
        column = column.flatten()
    values, indices = dictionary_of(column)
    return {values[index] for index in indices.unique().drop_null().to_pylist()}


def _ordered(component: ResolvedComponent, values: set[str]) -> tuple[str, ...]:
    if component.role is Role.TIME:
        return tuple(sorted(values, key=_time_key))
    order = {code: number for number, code in enumerate(component.codes)}
    return tuple(sorted(values, key=lambda value: (order.get(value, len(order)), value)))


def _time_key(text: str) -> tuple[bool, int, int, str]:
    """Return what sorts periods by their interval; what is no period comes last."""
    try:
        return False, *parse_period(text, strict=False).place
    except PeriodSyntaxError:
        return True, 0, 0, text
