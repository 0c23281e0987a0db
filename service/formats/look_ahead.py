"""Rows looked at before any is written, where what stands before them in a message tells what they hold.

They are kept aside meanwhile: in memory as long as they are few, in a temporary file where they are more.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import IO

import pyarrow as pa

from dsd.batch import Batch

_MEMORY_BYTES = 16 * 1024 * 1024
_LENGTH_BYTES = 8


def looked_at(
    batches: Iterable[Batch], look: Callable[[Batch], None], stack: ExitStack
) -> Iterator[Batch]:
    """Return the batches after `look` has seen each of them; what is kept aside lasts as long as the stack."""
    held: list[Batch] = []
    size = 0
    file: IO[bytes] | None = None
    for batch in batches:
        look(batch)
        size += batch.nbytes
        if size <= _MEMORY_BYTES:
            held.append(batch)
            continue
        if file is None:
            file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        kept = _stream(batch)
        file.write(kept.size.to_bytes(_LENGTH_BYTES, "big"))
        file.write(kept)
    return _again(held, file)


def _stream(batch: Batch) -> pa.Buffer:
    # One stream a batch: columns and dictionaries may differ from batch to batch.
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _again(held: list[Batch], file: IO[bytes] | None) -> Iterator[Batch]:
    yield from held
    if file is None:
        return
    file.seek(0)
    while length := file.read(_LENGTH_BYTES):
        with pa.ipc.open_stream(file.read(int.from_bytes(length, "big"))) as reader:
            yield from reader
