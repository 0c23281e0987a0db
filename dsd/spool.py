"""Rows kept aside to be read again, or after others: by the rules and then by the store, by an answer of several datasets.

Small datasets stay in memory; past a limit the batches go to Arrow IPC streams in a folder of their own. A
stream (not a file) because its dictionaries may change from batch to batch; a new one starts where the
columns do.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from dsd.batch import Batch

MEMORY_BYTES = 32 * 1024 * 1024
"""Batches up to this size together are kept in memory."""


class Spool:
    """Batches of one dataset, readable any number of times. Close it, or use it in a `with`."""

    def __init__(self, folder: Path | None = None, memory_bytes: int = MEMORY_BYTES) -> None:
        self._parent = folder
        self._limit = memory_bytes
        self._in_memory: list[Batch] = []
        self._bytes = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._streams: list[Path] = []
        self._writer: Any = None
        self._schema: Any = None
        self.rows = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def fill(self, batches: Iterable[Batch]) -> Spool:
        """Take in all batches; the spool can be read once this returns."""
        for batch in batches:
            self.rows += batch.num_rows
            if self._folder is None and self._bytes + batch.nbytes <= self._limit:
                self._in_memory.append(batch)
                self._bytes += batch.nbytes
            else:
                self._write(batch)
        self._end_stream()
        return self

    def _write(self, batch: Batch) -> None:
        if self._folder is None:
            if self._parent is not None:
                self._parent.mkdir(parents=True, exist_ok=True)
            self._folder = tempfile.TemporaryDirectory(prefix="spool-", dir=self._parent)
        if self._writer is None or not batch.schema.equals(self._schema):
            self._end_stream()
            path = Path(self._folder.name) / f"{len(self._streams)}.arrows"
            self._streams.append(path)
            self._schema = batch.schema
            self._writer = pa.ipc.new_stream(path, batch.schema)
        self._writer.write_batch(batch)

    def _end_stream(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __iter__(self) -> Iterator[Batch]:
        """Iterate over the batches in the order in which they came."""
        yield from self._in_memory
        for path in self._streams:
            with pa.OSFile(str(path), "rb") as source, pa.ipc.open_stream(source) as reader:
                yield from reader

    def close(self) -> None:
        """Forget the batches and remove their files."""
        self._end_stream()
        self._in_memory.clear()
        self._streams.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
