"""A batch under check: columns by component, verdicts on distinct values, rows only where they offend."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from dsd.batch import ACTION, LOCATOR, Batch
from dsd.dataset import Action
from dsd.resolved import Dsd

# pyarrow ships no types: an array is Any to the checker, a name here to the reader.
Array: TypeAlias = Any


class Row(NamedTuple):
    """One offending row, taken out of its batch."""

    number: int
    """From 0 over the whole dataset."""
    key: dict[str, str]
    """Dimension values that the row has."""
    locator: str | None
    values: dict[str, str | list[str]]
    """Everything that the row has, by column name."""

    def text(self, component_id: str) -> str | None:
        """Return a single value as text, several joined, None where absent."""
        value = self.values.get(component_id)
        return ", ".join(value) if isinstance(value, list) else value


def row_of(dsd: Dsd, batch: Batch, index: int, number: int) -> Row:
    """Return one row of a batch."""
    found = {name: batch.column(name)[index].as_py() for name in batch.schema.names}
    values = {name: value for name, value in found.items() if value is not None}
    key = {name: values[name] for name in dsd.key_ids if name in values}
    return Row(number, key, values.get(LOCATOR), values)


class Rows:
    """The rows of one batch. Nothing is computed that no rule asks for, and nothing twice."""

    def __init__(self, dsd: Dsd, batch: Batch, first_number: int) -> None:
        self.dsd = dsd
        self.batch = batch
        self.first_number = first_number
        self._columns: dict[str, Array | None] = {}

    def __len__(self) -> int:
        """Return the number of rows."""
        count: int = self.batch.num_rows
        return count

    def column(self, name: str) -> Array | None:
        """Return a column, dictionary-encoded where the component is coded; None where the batch has none."""
        if name not in self._columns:
            index = self.batch.schema.get_field_index(name)
            self._columns[name] = None if index < 0 else self.batch.column(index)
        return self._columns[name]

    def encoded(self, name: str) -> Array | None:
        """Return a column as a dictionary array; of a multi-valued one, of its flattened values."""
        found = self.column(name)
        if found is None or pa.types.is_dictionary(found.type):
            return found
        if pa.types.is_list(found.type):
            found = found.flatten()
        return found.dictionary_encode()

    def present(self, name: str) -> Array:
        """Return a mask of the rows that have a value."""
        found = self.column(name)
        if found is None:
            return pa.repeat(pa.scalar(False), len(self))
        return found.is_valid()

    @cached_property
    def live(self) -> Array | None:
        """Mask of the rows that bring data rather than delete it; None where all do."""
        actions = self.column(ACTION)
        if actions is None:
            return None
        is_delete = pc.equal(actions.cast(pa.string()), Action.DELETE.value)
        mask = pc.invert(pc.fill_null(is_delete, False))
        return None if pc.all(mask).as_py() else mask

    def only_live(self, mask: Array) -> Array:
        """Return a mask without the rows that delete."""
        return mask if self.live is None else pc.and_(mask, self.live)

    def where(self, mask: Array) -> Iterator[Row]:
        """Yield the rows that a mask picks (null picks none)."""
        for index in pc.indices_nonzero(mask).to_pylist():
            yield self.row(index)

    def row(self, index: int) -> Row:
        """Return one row."""
        return row_of(self.dsd, self.batch, index, self.first_number + index)

    def with_values(self, name: str, bad: Callable[[str], bool]) -> Iterator[tuple[str, Row]]:
        """Yield (value, row) for each value of a column of which `bad` holds.

        `bad` is asked once per distinct value of the batch, and no row is looked at where it never holds.
        """
        encoded = self.encoded(name)
        if encoded is None:
            return
        texts = encoded.dictionary.to_pylist()
        wrong = [position for position, text in enumerate(texts) if text is not None and bad(text)]
        if not wrong:
            return
        indices = encoded.indices
        picked = pc.indices_nonzero(pc.is_in(indices, value_set=pa.array(wrong, indices.type)))
        parents = self._parents(name)
        for place in picked.to_pylist():
            yield texts[indices[place].as_py()], self.row(parents(place))

    def _parents(self, name: str) -> Callable[[int], int]:
        """Return the function from a place among flattened values to its row."""
        found = self.column(name)
        if found is None or not pa.types.is_list(found.type):
            return lambda place: place
        owners: Sequence[int] = pc.list_parent_indices(found).to_pylist()
        return lambda place: owners[place]

    def pairs(self, first: str, second: str) -> Iterator[Pair]:
        """Yield each pair of values that two single-valued columns have together."""
        left, right = self.encoded(first), self.encoded(second)
        if left is None or right is None:
            return
        width = len(right.dictionary)
        code = pc.add(
            pc.multiply(left.indices.cast(pa.int64()), pa.scalar(width, pa.int64())),
            right.indices.cast(pa.int64()),
        )
        names = left.dictionary.to_pylist(), right.dictionary.to_pylist()
        for both in pc.drop_null(pc.unique(code)).to_pylist():
            # The rows are looked for only where a rule asks for them.
            rows = partial(self._where_equal, code, both)
            yield Pair(names[0][both // width], names[1][both % width], rows)

    def _where_equal(self, column: Array, value: int) -> Iterator[Row]:
        return self.where(pc.equal(column, value))


class Pair(NamedTuple):
    """Two values that occur together in some rows."""

    first: str
    second: str
    rows: Callable[[], Iterator[Row]]


def take_rows(dsd: Dsd, batches: Iterable[Batch], numbers: Iterable[int]) -> Iterator[Row]:
    """Yield the rows with these numbers, in order, reading no further than the last of them."""
    wanted = iter(sorted(set(numbers)))
    number = next(wanted, None)
    first = 0
    for batch in batches:
        while number is not None and number < first + batch.num_rows:
            yield row_of(dsd, batch, number - first, number)
            number = next(wanted, None)
        if number is None:
            return
        first += batch.num_rows


def locators_of(batches: Iterable[Batch], numbers: Iterable[int]) -> dict[int, str]:
    """Return the locators of the rows with these numbers; a row of which no place is known is left out."""
    wanted = sorted(set(numbers))
    found: dict[int, str] = {}
    first = start = 0
    for batch in batches:
        end = bisect_left(wanted, first + batch.num_rows, start)
        if end > start and LOCATOR in batch.schema.names:
            places = pa.array([number - first for number in wanted[start:end]], pa.int64())
            texts = batch.column(LOCATOR).take(places).to_pylist()
            pairs = zip(wanted[start:end], texts, strict=True)
            found |= {number: text for number, text in pairs if text is not None}
        if end == len(wanted):
            break
        start, first = end, first + batch.num_rows
    return found
