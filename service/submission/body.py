"""The bytes of a submission as a decoder needs them: unpacked, and text as UTF-8.

A file may come packed (gzip, deflate, zstd, bzip2, or one file in a zip archive) and its text in UTF-16 or UTF-32.
What is unpacked goes to a temporary file past a limit in memory, up to a limit in all, so that a small file cannot
unpack to more than the machine holds.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

import pyarrow as pa

MAX_UNPACKED_BYTES = 16 * 1024**3
"""The most that a file may unpack to: ten million observations in the wordiest format, with room."""
_MEMORY_BYTES = 16 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_HEAD_BYTES = 64
_MOST_LAYERS = 3
_ZIP = b"PK\x03\x04"
# What an old .xls workbook and one protected by a password begin with: [MS-CFB] 2.2.
_COMPOUND = b"\xd0\xcf\x11\xe0"
# The part by which archives are known as workbooks: of Excel, and of OpenDocument.
_OF_WORKBOOKS = frozenset(("[content_types].xml", "content.xml"))
# Parts of archives that some programs add beside the file.
_NO_DATA = ("__MACOSX/", ".DS_Store", "Thumbs.db")
# The longer marks first: that of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class BodyError(ValueError):
    """A body that cannot be unpacked, or unpacks to too much; says what it is and how to send it."""


class BodyTooLargeError(BodyError):
    """A body that unpacks to more than is taken; says how much that is."""


@dataclass(frozen=True)
class Body:
    """A submission unpacked."""

    stream: BinaryIO
    """At its start; can be rewound."""
    is_workbook: bool
    """True for a workbook, also one of another kind than .xlsx: its reader refuses that by name."""
    packed_as: tuple[str, ...] = ()
    """How it came, outermost first: `zip`, `gzip`."""


@contextmanager
def opened(
    source: Path | bytes,
    temporary_folder: Path | None = None,
    max_unpacked_bytes: int = MAX_UNPACKED_BYTES,
) -> Iterator[Body]:
    """Open a file, or its bytes, and give it unpacked.

    Raises:
        BodyError: it is packed and damaged, holds several files, or unpacks to more than the limit.
    """
    with ExitStack() as stack:
        stream: BinaryIO = (
            io.BytesIO(source)
            if isinstance(source, bytes)
            else stack.enter_context(source.open("rb"))
        )
        if temporary_folder is not None:
            temporary_folder.mkdir(parents=True, exist_ok=True)
        unpacking = _Unpacking(stack, temporary_folder, max_unpacked_bytes)
        layers: list[str] = []
        while True:
            head = _head(stream)
            if head.startswith(_COMPOUND) or (head.startswith(_ZIP) and _is_workbook(stream)):
                yield Body(stream, True, tuple(layers))
                return
            name = _packing(head)
            if name is None:
                break
            if len(layers) == _MOST_LAYERS:
                raise BodyError(
                    f"the file is packed {_MOST_LAYERS} times and more; send it unpacked"
                )
            stream = unpacking.unpack(name, stream)
            layers.append(name)
        yield Body(unpacking.as_utf8(stream), False, tuple(layers))


def _head(stream: BinaryIO) -> bytes:
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    return head


def _packing(head: bytes) -> str | None:
    """Return the name of a packing by the first bytes, None where there is none."""
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd"
    if head.startswith(b"BZh") and head[4:10] == b"1AY&SY":
        return "bzip2"
    # RFC 1950, 2.2: method 8, and the two bytes a multiple of 31. `x` starts no message.
    if len(head) > 2 and head[0] == 0x78 and (head[0] * 256 + head[1]) % 31 == 0:
        return "deflate"
    return None


def _is_workbook(stream: BinaryIO) -> bool:
    """Tell whether a zip archive is a workbook; one that cannot be opened is left to its reader."""
    try:
        with zipfile.ZipFile(stream) as archive:
            return any(name.lower() in _OF_WORKBOOKS for name in archive.namelist())
    except zipfile.BadZipFile:
        return True
    finally:
        stream.seek(0)


@dataclass(frozen=True)
class _Unpacking:
    """Where unpacked bytes go."""

    stack: ExitStack
    folder: Path | None
    limit: int

    def unpack(self, name: str, stream: BinaryIO) -> BinaryIO:
        """Return one layer unpacked.

        Raises:
            BodyError: it is damaged, or more than the limit.
        """
        try:
            return self.spooled(_OPENERS[name](stream, self.stack))
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
            raise BodyError(f"the file is packed with {name} and damaged: {error}") from error
        except RuntimeError as error:
            # What zipfile says of a password.
            raise BodyError(
                f"the archive cannot be opened: {error}; send it without a password"
            ) from error

    def spool(self) -> BinaryIO:
        """Return a file of our own, in memory while it is small."""
        folder = None if self.folder is None else str(self.folder)
        spool = tempfile.SpooledTemporaryFile(_MEMORY_BYTES, dir=folder)  # noqa: SIM115 - closed by the stack
        return cast(BinaryIO, self.stack.enter_context(spool))

    def spooled(self, source: IO[bytes]) -> BinaryIO:
        """Return the bytes of a source in a file of our own."""
        spool = self.spool()
        size = 0
        while chunk := source.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > self.limit:
                raise BodyTooLargeError(
                    f"the file unpacks to more than {self.limit:,} bytes; send it in parts"
                )
            spool.write(chunk)
        spool.seek(0)
        return spool

    def as_utf8(self, stream: BinaryIO) -> BinaryIO:
        """Return a text in UTF-16 or UTF-32 as UTF-8; XML in UTF-16 as it is, since it says its encoding itself.

        Raises:
            BodyError: it is no such text.
        """
        head = _head(stream)
        encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
        if encoding is None or (
            encoding.startswith("utf-16")
            and head.decode(encoding, "ignore").lstrip("\ufeff \t\r\n").startswith("<")
        ):
            return stream
        reader = codecs.getreader(encoding)(stream)
        spool = self.spool()
        try:
            while text := reader.read(_CHUNK_BYTES):
                spool.write(text.removeprefix("\ufeff").encode())
        except UnicodeDecodeError as error:
            raise BodyError(
                f"the file begins as {encoding.upper()} and is none: {error.reason}. Save it as UTF-8."
            ) from error
        spool.seek(0)
        return spool


def _open_gzip(stream: BinaryIO, stack: ExitStack) -> IO[bytes]:
    return cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=stream, mode="rb")))


def _open_bzip2(stream: BinaryIO, stack: ExitStack) -> IO[bytes]:
    return cast(IO[bytes], stack.enter_context(bz2.BZ2File(stream)))


def _open_zstd(stream: BinaryIO, stack: ExitStack) -> IO[bytes]:
    # Arrow brings zstd along, so that a laptop needs no further package.
    return cast(
        IO[bytes],
        stack.enter_context(pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")),
    )


class _Inflated(io.RawIOBase):
    """A zlib stream as a file."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._inflate = zlib.decompressobj()

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, none at the end.

        Raises:
            EOFError: the stream ends early.
        """
        size = _CHUNK_BYTES if size < 0 else size
        while not self._inflate.eof:
            waiting = self._inflate.unconsumed_tail or self._stream.read(_CHUNK_BYTES)
            if not waiting:
                raise EOFError("it ends early")
            if found := self._inflate.decompress(waiting, size):
                return found
        return b""


def _open_deflate(stream: BinaryIO, stack: ExitStack) -> IO[bytes]:
    return cast(IO[bytes], stack.enter_context(_Inflated(stream)))


def _open_zip(stream: BinaryIO, stack: ExitStack) -> IO[bytes]:
    archive = stack.enter_context(zipfile.ZipFile(stream))
    names = [
        name
        for name in archive.namelist()
        if not name.endswith("/")
        and not name.startswith(_NO_DATA[0])
        and PurePosixPath(name).name not in _NO_DATA
    ]
    if len(names) != 1:
        listed = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        raise BodyError(
            f"the archive holds {len(names)} files{f' ({listed})' if names else ''}: send one at a time"
        )
    return stack.enter_context(archive.open(names[0]))


_OPENERS: dict[str, Callable[[BinaryIO, ExitStack], IO[bytes]]] = {
    "zip": _open_zip,
    "gzip": _open_gzip,
    "zstd": _open_zstd,
    "bzip2": _open_bzip2,
    "deflate": _open_deflate,
}
