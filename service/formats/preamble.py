"""The preamble of rows that come from a file rather than from the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from dsd.batch import Batch
from dsd.dataset import AttributeValues, Preamble
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.time_period import PeriodSyntaxError, parse_period
from service.formats.columns import dictionary_of, in_chunks, present
from service.formats.grouping import numbers_of, positions_of


def make_preamble(
    dsd: Dsd, batches: Sequence[Batch], attributes: Iterable[AttributeValues] = ()
) -> Preamble:
    """Return the preamble of rows: values by component, codes in the order of their list, times in order."""
    codes = {
        component.id: _ordered(component, _distinct(component.id, batches))
        for component in dsd.components
        if component.id in dsd.key_ids or component.codelist is not None
    }
    return Preamble(sum(batch.num_rows for batch in batches), codes, tuple(attributes))


def in_key_order(dsd: Dsd, batches: Sequence[Batch], preamble: Preamble) -> list[Batch]:
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


def _distinct(id: str, batches: Iterable[Batch]) -> set[str]:
    found: set[str] = set()
    for batch in batches:
        column = present(batch, id)
        if column is None:
            continue
        if pa.types.is_list(column.type):
            column = column.flatten()
        values, indices = dictionary_of(column)
        used = indices.unique().drop_null().to_pylist()
        found.update(values[index] for index in used)
    return found


def _ordered(component: ResolvedComponent, values: set[str]) -> tuple[str, ...]:
    if component.role is Role.TIME:
        return tuple(sorted(values, key=_time_key))
    order = {code: number for number, code in enumerate(component.codes)}
    return tuple(sorted(values, key=lambda value: (order.get(value, len(order)), value)))


def _time_key(text: str) -> tuple[bool, str, str, str]:
    """Return what sorts periods by their interval; what is no period comes last."""
    try:
        period = parse_period(text)
    except PeriodSyntaxError:
        return True, "", "", text
    return False, period.first_moment.isoformat(), period.last_moment.isoformat(), text
