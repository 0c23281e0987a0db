"""Parquet and Arrow IPC: data sets as tables for programs that calculate. Not in SDMX; see `columnar`."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, BinaryIO

import pyarrow as pa

from dsd.dataset import Dataset, PreparedDataset
from dsd.finding import Finding, Report, Severity
from dsd.structures import Structures
from service.formats.columnar import Table, component_ids, make_table, read_dataset
from service.formats.columns import only_one, peeked, rows_written
from service.formats.contract import NO_OPTIONS, DecodeOptions, EncodeOptions, Header
from service.formats.outbox import Outbox

ROWS_A_GROUP = 65_536
_FILE_MAGIC = b"ARROW1"


def _encode(
    name: str,
    open_writer: Callable[[Any, pa.Schema], Any],
    header: Header,
    datasets: Sequence[PreparedDataset],
    options: EncodeOptions,
) -> Iterator[bytes]:
    dataset = only_one(datasets, name)
    rows = rows_written(dataset, component_ids(dataset, options))
    batches = peeked(rows, name, row_actions=True)
    first = next(batches, None)
    table = make_table(header, dataset, options, pa.schema([]) if first is None else first.schema)
    return _chunks(table, chain(() if first is None else (first,), batches), open_writer)


def _chunks(
    table: Table, batches: Iterator[Any], open_writer: Callable[[Any, pa.Schema], Any]
) -> Iterator[bytes]:
    outbox = Outbox()
    with open_writer(pa.PythonFile(outbox, mode="w"), table.schema) as writer:
        for batch in _regrouped(table.batches(batches)):
            writer.write_batch(batch)
            if chunk := outbox.take():
                yield chunk
    yield outbox.take()


def _regrouped(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield batches of about `ROWS_A_GROUP` rows: each becomes a row group, and many small ones cost space and memory."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= ROWS_A_GROUP:
            yield _joined(waiting)
            waiting, rows = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    whole = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()
    # A table without rows has no batches.
    return whole[0] if whole else batches[0]


def _parquet_writer(sink: Any, schema: pa.Schema) -> Any:
    # Imported here: it takes a while, and most answers are text.
    import pyarrow.parquet as pq

    return pq.ParquetWriter(sink, schema, compression="zstd", version="2.6")


def _arrow_writer(sink: Any, schema: pa.Schema) -> Any:
    return pa.ipc.new_stream(sink, schema)


encode_parquet = partial(_encode, "Parquet", _parquet_writer)
encode_arrow = partial(_encode, "Arrow IPC", _arrow_writer)


def decode_parquet(
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions = NO_OPTIONS,
) -> Iterator[Dataset]:
    """Yield the data set of a Parquet file, row group by row group."""
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.PythonFile(stream, mode="r"), pre_buffer=False)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        report.add(_fatal("not-parquet", f"The file is no Parquet file that is whole: {error}."))
        return
    rows = _checked(
        file.iter_batches(batch_size=ROWS_A_GROUP),
        lambda said, place: report.add(_fatal("not-parquet", said, place)),
    )
    yield from read_dataset(file.schema_arrow, rows, structures, report, options)


def decode_arrow(
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions = NO_OPTIONS,
) -> Iterator[Dataset]:
    """Yield the data set of an Arrow IPC stream or file, batch by batch."""
    source = pa.PythonFile(stream, mode="r")
    try:
        if _is_file(stream):
            file = pa.ipc.open_file(source)
            schema = file.schema
            batches = (file.get_batch(number) for number in range(file.num_record_batches))
        else:
            reader = pa.ipc.open_stream(source)
            schema, batches = reader.schema, iter(reader)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        report.add(_fatal("not-arrow", f"The file is no Arrow IPC stream or file: {error}."))
        return
    rows = _checked(batches, lambda said, place: report.add(_fatal("not-arrow", said, place)))
    yield from read_dataset(schema, rows, structures, report, options)


def _is_file(stream: BinaryIO) -> bool:
    magic = stream.read(len(_FILE_MAGIC))
    stream.seek(-len(magic), io.SEEK_CUR)
    return magic == _FILE_MAGIC


def _checked(
    batches: Iterator[pa.RecordBatch], tell: Callable[[str, str], None]
) -> Iterator[pa.RecordBatch]:
    """Yield batches; where the file ends early or is damaged, tell it after those that could be read."""
    count = 0
    try:
        for batch in batches:
            # Arrow trusts what it reads: texts that are no UTF-8 and indices outside their dictionary are damage.
            batch.validate(full=True)
            yield batch
            count += batch.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = f"The file is damaged after row {count}, and the rest was not read: {error}."
        tell(said, f"row:{count + 1}")


def _fatal(rule: str, message: str, locator: str | None = None) -> Finding:
    return Finding(rule=rule, severity=Severity.FATAL, message=message, locator=locator)
