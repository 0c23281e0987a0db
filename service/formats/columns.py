"""Text columns made in bulk: each distinct value is written once, rows take what is written.

An encoder turns every column of a batch into pieces of its format and joins them row by row; Arrow does
the joining, so that the work in Python grows with the distinct values and not with the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsd.batch import ACTION, LOCATOR, Batch
from dsd.resolved import Dsd
from service.formats.contract import EncodeOptions, NotExpressibleError

ROWS_A_CHUNK = 65_536

Write = Callable[[str], str]
WriteList = Callable[[list[str]], str]


def present(batch: Batch, name: str) -> pa.Array | None:
    """Return a column, None where the batch leaves it out."""
    index = batch.schema.get_field_index(name)
    return None if index < 0 else batch.column(index)


def dictionary_of(column: pa.Array) -> tuple[list[str], pa.Array]:
    """Return the distinct texts of a text column and, by row, the index of its text (null where absent)."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return column.dictionary.to_pylist(), column.indices


def pieces(column: pa.Array, write: Write, absent: str = "") -> pa.Array:
    """Return by row what `write` makes of the text, `absent` where there is none."""
    values, indices = dictionary_of(column)
    written = pa.array([*map(write, values), absent], pa.large_string())
    return written.take(pc.fill_null(indices, len(values)))


def list_pieces(column: pa.Array, write: WriteList, absent: str = "") -> pa.Array:
    """Return by row what `write` makes of a list of texts, `absent` where there is none."""
    known: dict[tuple[str, ...] | None, str] = {None: absent}
    written = []
    for values in column.to_pylist():
        key = None if values is None else tuple(values)
        piece = known.get(key)
        if piece is None:
            piece = known[key] = write(list(key or ()))
        written.append(piece)
    return pa.array(written, pa.large_string())


def text_pieces(column: pa.Array, plain: str, write: Write, absent: str = "") -> pa.Array:
    """Return by row the text itself where it matches the pattern `plain`, else what `write` makes of it.

    For columns of mostly distinct texts such as measures; `write` runs only for the odd ones.
    """
    column = column.cast(pa.large_string())
    odd = pc.invert(pc.match_substring_regex(column, plain))
    if pc.any(odd).as_py():
        rows = pc.indices_nonzero(odd)
        written = pa.array([write(text) for text in column.take(rows).to_pylist()], column.type)
        column = pc.replace_with_mask(column, pc.fill_null(odd, False), written)
    return pc.fill_null(column, absent)


def joined(parts: Iterable[pa.Array | str]) -> pa.Array:
    """Return the parts of each row as one text; a plain text is the same in every row."""
    row = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*row, pa.scalar("", pa.large_string()))


def content(texts: pa.Array) -> memoryview:
    """Return all texts of a large string array one after the other, without copying."""
    if not len(texts):
        return memoryview(b"")
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(data)[int(bounds[0]) : int(bounds[-1])] if data else memoryview(b"")


def starting_where(first: npt.NDArray[np.bool_], heads: pa.Array) -> pa.Array:
    """Return by row the next of `heads` where `first` is true and an empty text elsewhere."""
    index = np.full(len(first), len(heads), np.int64)
    index[first] = np.arange(len(heads))
    empty = pa.array([""], pa.large_string())
    return pa.concat_arrays([heads.cast(pa.large_string()), empty]).take(pa.array(index))


def written_ids(dsd: Dsd, options: EncodeOptions) -> list[str]:
    """Return the ids of the components to write, in DSD order; dimensions are always among them."""
    wanted = options.component_ids
    return [
        component.id
        for component in dsd.components
        if wanted is None or component.id in wanted or component.id in dsd.key_ids
    ]


def observation_ids(dsd: Dsd, options: EncodeOptions) -> list[str]:
    """Return the ids of the dimensions that stand at the observation: one, or all for a flat layout.

    Raises:
        NotExpressibleError: the dimension asked for is not in the DSD.
    """
    asked = options.dimension_at_observation
    if asked == "AllDimensions" or (asked == "TIME_PERIOD" and dsd.time_dimension is None):
        return list(dsd.key_ids)
    if asked not in dsd.key_ids:
        raise NotExpressibleError(
            f"{dsd.urn.short} has no dimension {asked} to stand at the observation; "
            f"ask for AllDimensions or one of {', '.join(dsd.key_ids)}"
        )
    return [asked]


def peeked(batches: Iterable[Batch], format_name: str, *, row_actions: bool) -> Iterator[Batch]:
    """Return the batches after a look at the first: what it shows that a format cannot write is refused.

    Raises:
        NotExpressibleError: rows carry actions of their own and the format has one action a dataset.
    """
    iterator = iter(batches)
    first = next(iterator, None)
    if first is None:
        return iter(())
    if not row_actions and ACTION in first.schema.names:
        raise NotExpressibleError(
            f"{format_name} has one action for a whole dataset, but the rows have actions of their own; "
            "write SDMX-CSV 2.1, or one dataset an action"
        )
    return chain([first], iterator)


def in_chunks(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield the batches without their locators, none with more rows than are worth joining at once."""
    for batch in batches:
        names = [name for name in batch.schema.names if name != LOCATOR]
        batch = batch.select(names)
        for start in range(0, batch.num_rows, ROWS_A_CHUNK):
            yield batch.slice(start, ROWS_A_CHUNK)
