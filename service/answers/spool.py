"""Whole bodies before the first byte goes out.

A server that has begun a chunked body cannot tell a client that it failed: some end the body as if it were
whole. So each body is made into a temporary file first and sent with its length.
"""

from __future__ import annotations

import importlib.util
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol

IDENTITY = "identity"
_MEMORY_BYTES = 1024 * 1024
_CHUNK_BYTES = 256 * 1024


class Compressor(Protocol):
    """What `zlib.compressobj` and its like have in common."""

    def compress(self, data: bytes, /) -> bytes: ...  # noqa: D102
    def flush(self) -> bytes: ...  # noqa: D102


def _zstd() -> Compressor:
    import zstandard

    compressor: Compressor = zstandard.ZstdCompressor(level=1).compressobj()
    return compressor


def _isal_gzip() -> Compressor:
    from isal import isal_zlib

    # 16 + window bits writes a gzip frame without time stamp: equal content gives equal bytes.
    compressor: Compressor = isal_zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return compressor


def _gzip() -> Compressor:
    return zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)


class _Brotli:
    """Brotli with the methods of the others."""

    def __init__(self) -> None:
        import brotli

        # At 4 it is about as fast as gzip and smaller; at its default of 11 a hundred times slower.
        self._compressor: Any = brotli.Compressor(quality=4)

    def compress(self, data: bytes, /) -> bytes:
        """Return what is ready."""
        found: bytes = self._compressor.process(data)
        return found

    def flush(self) -> bytes:
        """Return the rest."""
        found: bytes = self._compressor.finish()
        return found


# Content coding, package that it needs, maker; of two for one coding the first that is installed is used.
_COMPRESSORS: tuple[tuple[str, str, Callable[[], Compressor]], ...] = (
    ("zstd", "zstandard", _zstd),
    ("gzip", "isal", _isal_gzip),
    ("gzip", "zlib", _gzip),
    ("br", "brotli", _Brotli),
)


class Body:
    """A complete body: its length is known, and it may be read once."""

    def __init__(self, file: IO[bytes]) -> None:
        self.length = file.tell()
        self._file = file
        file.seek(0)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body in chunks, and give its memory or file back."""
        with self._file:
            while chunk := self._file.read(_CHUNK_BYTES):
                yield chunk

    def close(self) -> None:
        """Give the memory or file back unread."""
        self._file.close()


class Spool:
    """Makes bodies: small ones in memory, larger ones in a folder of temporary files.

    The operating system removes a temporary file with the process that made it, however that ends.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._compressors: dict[str, Callable[[], Compressor]] = {}
        for coding, package, maker in _COMPRESSORS:
            if importlib.util.find_spec(package) is not None:
                self._compressors.setdefault(coding, maker)

    @property
    def codings(self) -> tuple[str, ...]:
        """The content codings that can be sent, the cheapest first (RFC 9110, 8.4.1; RFC 8878)."""
        return tuple(self._compressors)

    def fill(self, chunks: Iterable[bytes], coding: str = IDENTITY) -> Body:
        """Return the body that the chunks make; whatever they raise is raised, and nothing is left over."""
        file = tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES, dir=str(self._folder))  # noqa: SIM115
        try:
            for chunk in self._coded(chunks, coding):
                file.write(chunk)
            return Body(file)
        except BaseException:
            file.close()
            raise

    def _coded(self, chunks: Iterable[bytes], coding: str) -> Iterator[bytes]:
        if coding == IDENTITY:
            yield from chunks
            return
        compressor = self._compressors[coding]()
        for chunk in chunks:
            yield compressor.compress(chunk)
        yield compressor.flush()
