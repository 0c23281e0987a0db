"""Text columns made in bulk: each distinct value is written once, rows take what is written.

An encoder turns every column of a batch into pieces of its format and joins them row by row; Arrow does
the joining, so that the work in Python grows with the distinct values and not with the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsd.batch import ACTION, LOCATOR, Batch
from dsd.dataset import Action, PreparedDataset
from dsd.resolved import Dsd
from service.formats.contract import EncodeOptions, NotExpressibleError

ROWS_A_CHUNK = 32_768
"""Twice as many are joined no faster, and the system gives out fresh memory for each chunk then, at the cost of page faults."""
MOST_TEXTS = 2_048
"""Texts that neighbouring columns may make together before they are joined row by row instead."""

Numbers = npt.NDArray[np.int64]

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


@dataclass(frozen=True)
class Pieces:
    """A text a row, kept as distinct texts and the number of each row's text."""

    texts: list[str]
    numbers: Numbers

    def column(self) -> pa.Array:
        """Return the texts by row."""
        return pa.array(self.texts, pa.large_string()).take(pa.array(self.numbers))

    def around(self, before: str, after: str) -> Pieces:
        """Return each text between two others."""
        return Pieces([f"{before}{text}{after}" for text in self.texts], self.numbers)

    def beside(self, other: Pieces) -> Pieces:
        """Return the texts of both, joined by row."""
        texts = [first + second for first in self.texts for second in other.texts]
        return Pieces(texts, self.numbers * len(other.texts) + other.numbers)


@dataclass(frozen=True)
class Picked:
    """A text a row, by its number among many."""

    source: pa.Array
    numbers: Numbers

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.numbers)

    @property
    def null_count(self) -> int:
        """The number of rows without a text, at most."""
        return int(self.source.null_count)

    def column(self) -> pa.Array:
        """Return the texts by row."""
        return self.source.take(pa.array(self.numbers))


Part: TypeAlias = "Pieces | Picked | pa.Array | str"


def pieces(column: pa.Array, write: Write, absent: str = "") -> Pieces:
    """Return by row what `write` makes of the text, `absent` where there is none.

    A dictionary may hold texts that no row has (a slice of a column does): those are not written.
    """
    values, indices = dictionary_of(column)
    numbers = indices.cast(pa.int64()).fill_null(len(values)).to_numpy(zero_copy_only=False)
    used = np.zeros(len(values) + 1, bool)
    used[numbers] = True
    places = np.cumsum(used) - 1
    texts = [write(values[number]) for number in np.flatnonzero(used[:-1]).tolist()]
    return Pieces([*texts, absent] if used[-1] else texts, places[numbers])


def folded(parts: Iterable[Part]) -> list[Pieces | Picked | pa.Array]:
    """Return fewer parts with the same texts by row: neighbours that are few texts become one."""
    found: list[Pieces | Picked | pa.Array] = []
    before = ""
    for part in parts:
        if isinstance(part, str):
            if found and isinstance(found[-1], Pieces):
                found[-1] = found[-1].around("", part)
            else:
                before += part
            continue
        if isinstance(part, Pieces):
            part = part.around(before, "") if before else part
        elif before:
            found.append(Pieces([before], np.zeros(len(part), np.int64)))
        before = ""
        last = found[-1] if found else None
        if isinstance(part, Pieces) and isinstance(last, Pieces) and _are_few(last, part):
            found[-1] = last.beside(part)
        else:
            found.append(part)
    if before and found:
        found.append(Pieces([before], np.zeros(_rows_of(found[0]), np.int64)))
    return found


def _rows_of(part: Pieces | Picked | pa.Array) -> int:
    return len(part.numbers if isinstance(part, Pieces) else part)


def _are_few(first: Pieces, second: Pieces) -> bool:
    """Tell whether two parts make fewer texts than would be worth joining by row."""
    return len(first.texts) * len(second.texts) <= max(MOST_TEXTS, 1)


def list_pieces(column: pa.Array, write: WriteList, absent: str = "") -> Pieces:
    """Return by row what `write` makes of a list of texts, `absent` where there is none."""
    if column.null_count == len(column):
        return Pieces([absent], np.zeros(len(column), np.int64))
    known: dict[tuple[str, ...] | None, int] = {}
    keys = [None if values is None else tuple(values) for values in column.to_pylist()]
    numbers = [known.setdefault(key, len(known)) for key in keys]
    texts = [absent if key is None else write(list(key)) for key in known]
    return Pieces(texts, np.array(numbers, np.int64))


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


def joined(parts: Iterable[Part]) -> pa.Array:
    """Return the parts of each row as one text; a plain text is the same in every row."""
    found = folded(parts)
    if len(found) == 1:
        return _column(found[0]).cast(pa.large_string())
    rows = _rows_of(found[0])
    if not rows or any(not isinstance(part, Pieces) and part.null_count for part in found):
        return pc.binary_join_element_wise(*map(_column, found), pa.scalar("", pa.large_string()))
    return _taken_in_turn(found, rows)


def _column(part: Pieces | Picked | pa.Array) -> pa.Array:
    return part.column() if isinstance(part, Pieces | Picked) else part


def _taken_in_turn(parts: Sequence[Pieces | Picked | pa.Array], rows: int) -> pa.Array:
    """Return the parts of each row as one text, each copied once: all are taken one after the other, row by row."""
    texts = [text for part in parts if isinstance(part, Pieces) for text in part.texts]
    sources = [pa.array(texts, pa.large_string())]
    few, many = 0, len(texts)
    index = np.empty((rows, len(parts)), np.int64)
    for place, part in enumerate(parts):
        if isinstance(part, Pieces):
            index[:, place] = part.numbers + few
            few += len(part.texts)
            continue
        if isinstance(part, Picked):
            index[:, place] = part.numbers + many
            sources.append(part.source.cast(pa.large_string()))
        else:
            index[:, place] = np.arange(many, many + rows)
            sources.append(part.cast(pa.large_string()))
        many += len(sources[-1])
    taken = pc.take(pa.concat_arrays(sources), pa.array(index.ravel()), boundscheck=False)
    _, offsets, data = taken.buffers()
    ends = np.frombuffer(offsets, np.int64)[: index.size + 1 : len(parts)]
    return pa.LargeStringArray.from_buffers(
        rows, pa.py_buffer(np.ascontiguousarray(ends)), data or pa.py_buffer(b"")
    )


def content(texts: pa.Array) -> memoryview:
    """Return all texts of a large string array one after the other, without copying."""
    if not len(texts):
        return memoryview(b"")
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(data)[int(bounds[0]) : int(bounds[-1])] if data else memoryview(b"")


def starting_where(first: npt.NDArray[np.bool_], heads: pa.Array) -> Picked:
    """Return by row the next of `heads` where `first` is true and an empty text elsewhere."""
    numbers = np.full(len(first), len(heads), np.int64)
    numbers[first] = np.arange(len(heads))
    return Picked(pa.concat_arrays([heads, pa.array([""], pa.large_string())]), numbers)


def chosen(where: npt.NDArray[np.bool_], no: str, yes: str) -> Pieces:
    """Return by row one of two texts."""
    return Pieces([no, yes], where.astype(np.int64))


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
        NotExpressibleError: the dimension asked for is not in the DSD; series alone are asked for, and
            another dimension than TIME_PERIOD.
    """
    asked = options.dimension_at_observation
    if options.series_only and (dsd.time_dimension is None or asked != dsd.time_dimension.id):
        raise NotExpressibleError(
            f"series without observations are those over TIME_PERIOD, not over {asked}: ask for "
            "TIME_PERIOD at the observation, or for a measure too"
        )
    if asked == "AllDimensions" or (asked == "TIME_PERIOD" and dsd.time_dimension is None):
        return list(dsd.key_ids)
    if asked not in dsd.key_ids:
        raise NotExpressibleError(
            f"{dsd.urn.short} has no dimension {asked} to stand at the observation; "
            f"ask for AllDimensions or one of {', '.join(dsd.key_ids)}"
        )
    return [asked]


def only_one(datasets: Sequence[PreparedDataset], format_name: str) -> PreparedDataset:
    """Return the one data set of a message.

    Raises:
        NotExpressibleError: there is none, or there are several.
    """
    if len(datasets) != 1:
        raise NotExpressibleError(
            f"{format_name} writes one data set a message, not {len(datasets)}: write csv, json, ml31 or xlsx, "
            "or ask for one at a time"
        )
    return datasets[0]


def rows_written(dataset: PreparedDataset, ids: Collection[str]) -> Iterator[Batch]:
    """Yield the rows of a data set of which the components `ids` are written.

    A row that deletes values of others alone is none of them: without these values it would be its key, which says
    that all under it goes (SDMX 3.1 Section 3, "Delete Action").
    """
    written = [c.id for c in (*dataset.dsd.measures, *dataset.dsd.attributes) if c.id in ids]
    others = [c.id for c in (*dataset.dsd.measures, *dataset.dsd.attributes) if c.id not in ids]
    for batch in dataset.batches:
        dropped = _has_value(batch, others)
        if dropped.any():
            dropped &= _deletes(batch, dataset.action) & ~_has_value(batch, written)
        yield batch.filter(pa.array(~dropped)) if dropped.any() else batch


def _deletes(batch: Batch, action: Action) -> npt.NDArray[np.bool_]:
    """Return by row whether it deletes."""
    actions = present(batch, ACTION)
    if actions is None:
        return np.full(batch.num_rows, action is Action.DELETE)
    said = actions.cast(pa.string()).fill_null(action.value)
    found: npt.NDArray[np.bool_] = pc.equal(said, Action.DELETE.value).to_numpy(
        zero_copy_only=False
    )
    return found


def _has_value(batch: Batch, ids: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Return by row whether one of these components has a value."""
    found = np.zeros(batch.num_rows, bool)
    for id in ids:
        column = present(batch, id)
        if column is not None and column.null_count < len(column):
            found |= column.is_valid().to_numpy(zero_copy_only=False)
    return found


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
