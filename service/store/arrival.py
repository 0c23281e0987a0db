"""The rows of a dataset as they arrive, brought into key order while their texts are still small numbers.

Batches come with dictionaries: a table of two million rows has a few thousand distinct texts. Ranks of those
give each row its place as one number, so that rows are compared and sorted as numbers and never as texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from dsd.batch import ACTION, ANNOTATIONS, CODED, LOCATOR, Batch, column_type
from dsd.resolved import Dsd, Role
from dsd.time_period import PeriodSyntaxError, parse_period
from service.store.protocol import StoreError

_PLACES = 2**62
"""Above so many possible places, those that occur are counted again."""


@dataclass(frozen=True)
class Arrived:
    """Rows of one dataset: its components as texts or lists of texts, and what each row asks for.

    Components outside the key that no row has are left out.
    """

    frame: pl.DataFrame
    in_order: bool
    """True where rows are in key order, and rows of one key in the order in which they came."""
    distinct: bool
    """True where it is known that no two rows have one key."""


def arrived(batches: Iterable[Batch], dsd: Dsd) -> Arrived:
    """Return the rows of a dataset, in key order where all of them have a full key.

    Raises:
        StoreError: a column that the DSD does not know, or texts that cannot be sorted.
    """
    fields = [pa.field(entry.id, column_type(entry)) for entry in dsd.components]
    schema = pa.schema([*fields, pa.field(ANNOTATIONS, CODED), pa.field(ACTION, CODED)])
    tables = [_plain(batch, schema, dsd) for batch in batches]
    table = pa.concat_tables(tables) if tables else schema.empty_table()
    table = _supplied(table, dsd).unify_dictionaries().combine_chunks()
    _check_texts(table, dsd)
    places = _places(table, dsd)
    if places is None:
        return Arrived(_frame(table), in_order=False, distinct=False)
    if bool((places[1:] > places[:-1]).all()):
        return Arrived(_frame(table), in_order=True, distinct=True)
    order = np.argsort(places, kind="stable")
    places = places[order]
    distinct = bool((places[1:] > places[:-1]).all())
    return Arrived(_frame(table.take(pa.array(order))), in_order=True, distinct=distinct)


def _supplied(table: pa.Table, dsd: Dsd) -> pa.Table:
    """Return a table without the columns that have no value at all, keys and actions aside."""
    return table.select(
        [
            name
            for name in table.schema.names
            if name in (*dsd.key_ids, ACTION) or table[name].null_count < table.num_rows
        ]
    )


def _plain(batch: Batch, schema: pa.Schema, dsd: Dsd) -> pa.Table:
    unknown = [name for name in batch.schema.names if name != LOCATOR and name not in schema.names]
    if unknown:
        raise StoreError(f"{dsd.urn.short} has no component {', '.join(unknown)}")
    columns = []
    for field in schema:
        position = batch.schema.get_field_index(field.name)
        if position < 0:
            columns.append(_absent(batch.num_rows, field.type))
        else:
            columns.append(_as(batch.column(position), field.type))
    return pa.table(columns, schema=schema)


def _absent(rows: int, kind: pa.DataType) -> pa.Array:
    if kind != CODED:
        return pa.nulls(rows, kind)
    return pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int32()), pa.array([], pa.string()))


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    has_gaps = kind == CODED and column.type == kind and column.dictionary.null_count
    if column.type == kind and not has_gaps:
        return column
    return column.cast(pa.string()).dictionary_encode() if kind == CODED else column.cast(kind)


def _frame(table: pa.Table) -> pl.DataFrame:
    """Return a table as a data frame of texts; texts of dictionaries are shared, not copied."""
    columns = []
    for name in table.schema.names:
        array = _array(table, name)
        if array.type == CODED:
            texts = pl.Series(name, array.dictionary.to_pylist(), pl.String)
            series = texts.gather(pl.Series(array.indices.cast(pa.uint32())))
        else:
            series = pl.Series(name, array)
        if isinstance(series.dtype, pl.List):
            # A list without values says no more than none.
            series = series.to_frame().select(pl.when(pl.col(name).list.len() > 0).then(name))[name]
        columns.append(series.alias(name))
    return pl.DataFrame(columns)


def _array(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _check_texts(table: pa.Table, dsd: Dsd) -> None:
    for name in dsd.series_ids:
        array = _array(table, name)
        odd = [text for text in array.dictionary.to_pylist() if "\x00" in text or "\x01" in text]
        # Sorting by the joined key relies on it; XML and SDMX identifiers cannot have these characters.
        if odd and pc.any(pc.is_in(array, pa.array(odd))).as_py():
            raise StoreError(f"{dsd.urn.short}: a value of {name} has control characters")


def _places(table: pa.Table, dsd: Dsd) -> npt.NDArray[np.int64] | None:
    """Return the place of each row among all possible keys; None where some row has no full key."""
    places = np.zeros(table.num_rows, np.int64)
    possible = 1
    for component in (*dsd.of_role(Role.DIMENSION), *dsd.of_role(Role.TIME)):
        array = _array(table, component.id)
        if array.null_count:
            return None
        texts = array.dictionary.to_pylist()
        if possible * max(1, len(texts)) > _PLACES:
            found, places = np.unique(places, return_inverse=True)
            possible = len(found)
        ranks = _ranks(texts, is_time=component.role is Role.TIME)
        if len(texts):
            places = places * len(texts) + ranks[array.indices.to_numpy(zero_copy_only=False)]
        possible *= max(1, len(texts))
    return places


def _ranks(texts: Sequence[str], *, is_time: bool) -> npt.NDArray[np.int64]:
    """Return the place of each text in the order of the leaves."""
    distinct = sorted(set(texts), key=_by_period) if is_time else sorted(set(texts))
    places = {text: place for place, text in enumerate(distinct)}
    return np.array([places[text] for text in texts], np.int64)


def _by_period(text: str) -> tuple[object, ...]:
    try:
        period = parse_period(text, strict=False)
        return (0, period.start, period.end, text)
    except PeriodSyntaxError:  # It is refused later, if a row has it.
        return (1, text)
