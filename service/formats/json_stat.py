"""JSON-stat 2.0: the encoder. https://json-stat.org/full. Not in SDMX.

A dataset in the sparse form: values by their place in the cube. What JSON-stat has no member for stands in
`extension.sdmx`, so that our own reader gives back what was written: the structure, attributes, values that are no
JSON numbers (`texts`), values above the observation (`above`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from math import prod
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsd.batch import Batch
from dsd.dataset import PreparedDataset
from dsd.resolved import Dsd, ResolvedComponent, Role
from service.formats.columns import (
    content,
    in_chunks,
    observation_ids,
    only_one,
    peeked,
    present,
    rows_written,
    written_ids,
)
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.grouping import numbers_of, positions_of
from service.formats.names import name_of
from service.formats.sdmx_json import JSON_NUMBER, dumps
from service.formats.structure_name import structure_urn

FORMAT_NAME = "JSON-stat 2.0"
STATUS = "OBS_STATUS"
"""The attribute that the member `status` holds."""
_MEMORY_BYTES = 4 * 1024 * 1024

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Writer:
    """What is fixed for one message."""

    header: Header
    dataset: PreparedDataset
    options: EncodeOptions
    key_ids: tuple[str, ...]
    measure: ResolvedComponent | None
    attributes: tuple[ResolvedComponent, ...]
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def dsd(self) -> Dsd:
        """The structure."""
        return self.dataset.dsd

    # -- before the values -------------------------------------------------------------------------

    def opening(self) -> str:
        """Return the message up to its first value."""
        flow = self.dsd.dataflow or self.dsd.structure
        head: dict[str, Any] = {
            "version": "2.0",
            "class": "dataset",
            "label": name_of(flow, self.options.languages),
            "source": self.header.sender,
            "updated": self.header.prepared.isoformat(timespec="seconds"),
            "id": list(self.key_ids),
            "size": [self.sizes[id] for id in self.key_ids],
            "role": {"time": [id for id in self.key_ids if self.dsd[id].role is Role.TIME]},
            "dimension": {id: self.dimension(self.dsd[id]) for id in self.key_ids},
        }
        return f'{dumps(head)[:-1]},"value":{{'

    def dimension(self, component: ResolvedComponent) -> dict[str, Any]:
        """Return a dimension with the values that occur."""
        values = self.dataset.preamble.codes.get(component.id, ())
        category: dict[str, Any] = {"index": list(values)}
        labels = {
            value: name_of(component.codes[value], self.options.languages)
            for value in values
            if value in component.codes
        }
        if labels:
            category["label"] = labels
        return {"label": name_of(component.concept, self.options.languages), "category": category}

    # -- values ------------------------------------------------------------------------------------

    def places(self, batch: Batch, positions: Any) -> Places:
        """Return by row its place in the cube, row-major in the order of `id`."""
        total = np.zeros(batch.num_rows, np.int64)
        for id in self.key_ids:
            numbers = numbers_of(present(batch, id), positions[id], batch.num_rows, id)
            total = total * self.sizes[id] + numbers
        return total

    # -- after the values --------------------------------------------------------------------------

    def extension(self) -> dict[str, Any]:
        """Return the start of what JSON-stat has no member for."""
        dataset = self.dataset
        ids = {component.id for component in self.dsd.components}
        above = [
            {"key": entry.key, "values": {id: v for id, v in entry.values.items() if id in ids}}
            for entry in dataset.preamble.attributes
        ]
        said = {name: text for name, text in asdict(dataset.said).items() if text is not None}
        return {
            "structure": str(structure_urn(self.dsd)),
            "action": dataset.action.value,
            "id": self.header.id,
            "test": self.header.test,
            **({"set": said} if said else {}),
            **({"above": above} if above else {}),
        }


class _Aside:
    """Members of an object written beside another, kept until it is their turn."""

    def __init__(self, stack: ExitStack) -> None:
        spool = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - closed by the stack
        self._file: IO[bytes] = stack.enter_context(spool)
        self.is_empty = True

    def add(self, places: pa.Array, values: pa.Array) -> None:
        """Keep a member for each row that has a value: its place, and the JSON of the value."""
        rows = pc.indices_nonzero(values.is_valid())
        if not len(rows):
            return
        members = _members(places.take(rows), values.take(rows))
        self._file.write(b"" if self.is_empty else b",")
        self._file.write(members)
        self.is_empty = False

    def chunks(self) -> Iterator[bytes]:
        """Yield the object."""
        self._file.seek(0)
        yield b"{"
        while chunk := self._file.read(_MEMORY_BYTES):
            yield chunk
        yield b"}"


def _members(places: pa.Array, values: pa.Array) -> bytes:
    """Return `"place":value` of all rows, separated by commas."""
    start, middle, end, nothing = (
        pa.scalar(text, pa.large_string()) for text in ('"', '":', ",", "")
    )
    large = [column.cast(pa.large_string()) for column in (places, values)]
    texts = pc.binary_join_element_wise(start, large[0], middle, large[1], end, nothing)
    return bytes(content(texts)[:-1])


def _json_of(column: pa.Array) -> pa.Array:
    """Return values as JSON, null where there is none: each distinct value is written once."""
    if pa.types.is_list(column.type):
        texts = [None if values is None else dumps(values) for values in column.to_pylist()]
        return pa.array(texts, pa.large_string())
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    written = pa.array([dumps(text) for text in coded.dictionary.to_pylist()], pa.large_string())
    return written.take(coded.indices)


def _is_json_number(column: pa.Array) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(column, JSON_NUMBER), False)


def encode_json_stat(
    header: Header, datasets: Sequence[PreparedDataset], options: EncodeOptions
) -> Iterator[bytes]:
    """Yield a JSON-stat 2.0 dataset.

    Raises:
        NotExpressibleError: several data sets or measures, rows with actions of their own, an unknown dimension at
            the observation, a cube with more cells than can be numbered.
    """
    dataset = only_one(datasets, FORMAT_NAME)
    dsd = dataset.dsd
    observation_ids(dsd, options)
    ids = set(written_ids(dsd, options)) - ({"TIME_PERIOD"} if options.series_only else set())
    rows = peeked(rows_written(dataset, ids), FORMAT_NAME, row_actions=False)
    measures = [component for component in dsd.measures if component.id in ids]
    if len(measures) > 1:
        raise NotExpressibleError(
            f"{FORMAT_NAME} is written with one measure, and {dsd.urn.short} has "
            f"{', '.join(measure.id for measure in measures)}; ask for one of them, or write json"
        )
    key_ids = tuple(id for id in dsd.key_ids if id in ids)
    sizes = {id: len(dataset.preamble.codes.get(id, ())) for id in key_ids}
    if prod(sizes.values()) >= 2**53:
        raise NotExpressibleError(
            f"the cube has {prod(sizes.values())} cells, more than {FORMAT_NAME} can number; "
            "write csv or parquet, or narrow the query"
        )
    attributes = tuple(component for component in dsd.attributes if component.id in ids)
    measure = measures[0] if measures else None
    return _chunks(_Writer(header, dataset, options, key_ids, measure, attributes, sizes), rows)


def _chunks(writer: _Writer, batches: Iterable[Batch]) -> Iterator[bytes]:
    yield writer.opening().encode()
    positions = positions_of(writer.dataset.preamble, writer.dsd)
    with ExitStack() as stack:
        texts = _Aside(stack)
        asides = {component.id: _Aside(stack) for component in writer.attributes}
        first = True
        for batch in in_chunks(batches):
            if not batch.num_rows:
                continue
            places = pa.array(writer.places(batch, positions))
            values, odd = _values(writer, batch)
            texts.add(places, odd)
            yield (b"" if first else b",") + _members(places, values)
            first = False
            for component in writer.attributes:
                column = present(batch, component.id)
                if column is not None:
                    asides[component.id].add(places, _json_of(column))
        yield b"}"
        if STATUS in asides and not asides[STATUS].is_empty:
            yield b',"status":'
            yield from asides[STATUS].chunks()
        yield f',"extension":{{"sdmx":{dumps(writer.extension())[:-1]}'.encode()
        if not texts.is_empty:
            yield b',"texts":'
            yield from texts.chunks()
        others = {id: aside for id, aside in asides.items() if id != STATUS and not aside.is_empty}
        yield b',"attributes":{'
        for number, (id, aside) in enumerate(others.items()):
            yield f"{',' if number else ''}{dumps(id)}:".encode()
            yield from aside.chunks()
        yield b"}}}}"


def _values(writer: _Writer, batch: Batch) -> tuple[pa.Array, pa.Array]:
    """Return by row the JSON of the value (`null` where it is no JSON number), and the JSON of such texts."""
    column = None if writer.measure is None else present(batch, writer.measure.id)
    if column is None:
        nothing = pa.nulls(batch.num_rows, pa.large_string())
        return pc.fill_null(nothing, "null"), nothing
    column = column.cast(pa.large_string())
    is_number = _is_json_number(column)
    values = pc.if_else(is_number, column, pa.scalar("null", pa.large_string()))
    return values, _json_of(pc.if_else(is_number, None, column))
