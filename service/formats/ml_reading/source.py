"""The bytes of a message, read in bulk where that is certain and by the parser where it is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from xml.parsers import expat

from dsd.finding import Finding, Severity
from service.formats.ml_reading.bulk import BulkReader, Start
from service.formats.ml_reading.message import Item, MessageHandler, RefusedError
from service.formats.ml_reading.segment import Position, Segment

_START = re.compile(rb"<(?:[\w.-]+:)?(?:Series|Obs)(?=[\s/>])")
_SERIES = re.compile(rb"<(?:[\w.-]+:)?Series(?=[\s/>])")
_SERIES_END = re.compile(rb"</(?:[\w.-]+:)?Series\s*>")
_DATASET_END = re.compile(rb"</(?:[\w.-]+:)?DataSet\s*>")
_FEED = 256 << 10
_MOST_SILENT = 16 << 20
"""Bytes without any event: a tag, comment or name that does not end."""
_LOOK = 4096
_SEGMENT_SIZE = 32_768
_INVALID_TOKEN = expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]


@dataclass(frozen=True)
class Ways:
    """How a message is read; the outcome is the same."""

    chunk_bytes: int = 4 << 20
    """Read in bulk at once; 0 for the exact way alone."""
    least_bytes: int = 64 << 10
    """Less than that is not worth reading in bulk."""


class MessageSource:
    """A message as a run of items."""

    def __init__(self, stream: BinaryIO, ways: Ways) -> None:
        self._stream = stream
        self._ways = ways
        self.bulk_bytes = 0
        """How much of the message was read in bulk."""
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._handler = MessageHandler(self._parser)
        self._bulk = BulkReader(self._handler)
        self._buffer = b""
        self._offset = 0
        self._is_at_end = False
        self._here: tuple[int, int] | None = None
        """Where the parser says it is, when that is known to be between elements."""
        self._fed = 0
        self._silent = 0
        self._events = 0
        self._is_utf8: bool | None = None
        self._seeks_end = False
        """A data set ends in what comes next."""

    def items(self) -> Iterator[Item]:
        """Yield heads, segments and ends.

        Raises:
            UnreadableError: the document is none that can be read, or not to its end.
        """
        try:
            while self._fill():
                yield from self._step()
            self._parser.Parse(b"", True)
            yield from self._taken()
            rest = self._handler.builder.take()
            if rest is not None:
                yield rest
        # The parser raises LookupError or ValueError for an encoding that it does not know.
        except (expat.ExpatError, LookupError, ValueError, RefusedError) as error:
            yield from self._taken()
            rest = self._handler.builder.take()
            if rest is not None:
                yield rest
            raise UnreadableError(self._failure(error)) from error

    def _failure(self, error: Exception) -> Finding:
        line = self._handler.place.line
        reason = str(error)
        if isinstance(error, expat.ExpatError):
            reason = expat.ErrorString(error.code)
            if error.code == _INVALID_TOKEN:
                reason += " (inside a value, quotation marks, & and < are written as &quot;, &amp; and &lt;)"
            line = error.lineno + self._handler.place.skipped_lines
        return Finding(
            rule="not-sdmx-ml",
            severity=Severity.FATAL,
            message=f"The file cannot be read as SDMX-ML data: {reason}.",
            locator=f"line:{line}",
        )

    # -- bytes -------------------------------------------------------------------------------------

    def _fill(self) -> bool:
        """Read on; tell whether there is anything left."""
        # Twice of what a step takes at most: what is left is copied once for as much that was read.
        wanted = 2 * max(self._ways.chunk_bytes, _FEED)
        if not self._is_at_end and len(self._buffer) - self._offset < wanted // 2:
            parts = [self._buffer[self._offset :]]
            size = len(parts[0])
            while size < wanted:
                part = self._stream.read(wanted)
                if not part:
                    self._is_at_end = True
                    break
                parts.append(part)
                size += len(part)
            self._buffer, self._offset = b"".join(parts), 0
        return len(self._buffer) > self._offset

    def _take(self, end: int) -> bytes:
        part = self._buffer[self._offset : end]
        self._offset = end
        return part

    # -- steps -------------------------------------------------------------------------------------

    def _step(self) -> Iterator[Item]:
        """Read the next part, one way or the other."""
        here = self._here
        if here is not None:
            start, end = self._offset, self._chunk_end()
            if end - start >= max(self._ways.least_bytes, 1):
                chunk = self._take(end)
                segment = self._bulk.read(chunk, self._chunk_start(*here))
                if segment is None and self._bulk.has_met_end and not self._seeks_end:
                    self._offset, self._seeks_end = start, True
                    return
                self._seeks_end = False
                if segment is not None:
                    yield from self._taken()
                    pending = self._handler.builder.take()
                    if pending is not None:
                        yield pending
                    yield segment
                    self._skip(chunk, segment, *here)
                    return
                yield from self._feed(chunk)
                self._look()
                return
        end = self._certain_end()
        yield from self._feed(self._take(end))
        self._look()

    def _chunk_end(self) -> int:
        """Return where the records end that can be read at once from here, the offset where there are none."""
        buffer, start = self._buffer, self._offset
        end = min(len(buffer), start + self._ways.chunk_bytes)
        # Looking through all bytes takes a good part of the time of reading them in bulk, which sees an end too.
        if self._seeks_end or (self._is_at_end and end == len(buffer)):
            at = self._dataset_end(start, end)
            if at is not None:
                return at
        # A record is whole where the next one starts, or a series where it ends.
        last = buffer.rfind(b"Series", start, end)
        while last > start:
            opening = max(buffer.rfind(b"<", start, last), start)
            if opening > start and _SERIES.match(buffer, opening):
                return opening
            last = buffer.rfind(b"Series", start, opening)
        if _SERIES.search(buffer, start, min(end, start + _LOOK)):
            return start
        last = buffer.rfind(b"Obs", start, end)
        while last > start:
            opening = max(buffer.rfind(b"<", start, last), start)
            if opening > start and _START.match(buffer, opening):
                return opening
            last = buffer.rfind(b"Obs", start, opening)
        return start

    def _dataset_end(self, start: int, end: int) -> int | None:
        """Return where the first data set ends."""
        buffer = self._buffer
        word = buffer.find(b"DataSet", start, end)
        while word >= 0:
            opening = max(buffer.rfind(b"<", start, word), start)
            if _DATASET_END.match(buffer, opening):
                return opening
            word = buffer.find(b"DataSet", word + 1, end)
        return None

    def _certain_end(self) -> int:
        """Return how far to feed the parser before it is worth looking where it is."""
        if not self._ways.chunk_bytes:
            return len(self._buffer)
        # Feeding a little at least keeps looking cheap where every look fails.
        start = min(self._offset + 1, len(self._buffer))
        handler = self._handler
        if handler.is_inside_a_series:
            found = _SERIES_END.search(self._buffer, start)
            return found.end() if found else len(self._buffer)
        start = (
            start
            if handler.dataset is None
            else min(start + min(_LOOK, self._ways.chunk_bytes), len(self._buffer))
        )
        found = _START.search(self._buffer, start)
        return found.start() if found else len(self._buffer)

    def _feed(self, data: bytes) -> Iterator[Item]:
        """Give bytes to the parser; yield what it makes of them."""
        self._here = None
        handler = self._handler
        if self._is_utf8 is None:
            self._is_utf8 = (
                not data.startswith((b"\xfe\xff", b"\xff\xfe")) and b"\0" not in data[:4]
            )
        for start in range(0, len(data), _FEED):
            part = data[start : start + _FEED]
            self._parser.Parse(part, False)
            self._fed += len(part)
            self._silent = self._silent + len(part) if handler.events == self._events else 0
            self._events = handler.events
            if self._silent > _MOST_SILENT:
                raise RefusedError(f"a tag or comment is longer than {_MOST_SILENT >> 20} MiB")
            yield from self._taken()
            if handler.dataset is not None and handler.builder.size >= _SEGMENT_SIZE:
                segment = handler.builder.take()
                if segment is not None:
                    yield segment

    def _taken(self) -> Iterator[Item]:
        while self._handler.items:
            yield self._handler.items.popleft()

    def _look(self) -> None:
        """Find out whether the parser stands between two records of a data set."""
        handler = self._handler
        encoding = (handler.encoding or "utf-8").lower()
        can = self._ways.chunk_bytes and self._is_utf8 and encoding in ("utf-8", "utf8")
        self._here = handler.stand(self._fed) if can and handler.is_between_records else None

    def _chunk_start(self, line: int, column: int) -> Start:
        """Return what is known of the start of a chunk, given where the parser says it is."""
        place, handler = self._handler.place, self._handler
        shift = place.shift if line == place.shifted_line else 0
        return Start(handler.order, line + place.skipped_lines, column + shift, handler.record_line)

    def _skip(self, chunk: bytes, segment: Segment, line: int, column: int) -> None:
        """Count what the parser was not given; it stays where it is."""
        self.bulk_bytes += len(chunk)
        handler = self._handler
        lines = self._bulk.lines
        last = chunk[chunk.rfind(b"\n") + 1 :]
        handler.place.move(lines, len(last.decode()), (line, column))
        last_position = _last(segment)
        handler.order = last_position.order
        handler.record_line = last_position.line


def _last(segment: Segment) -> Position:
    """Return the position of the last element."""
    return max(
        elements.position(len(elements) - 1)
        for elements in (segment.observations, segment.series)
        if len(elements)
    )


class UnreadableError(Exception):
    """The message ends before its end; carries the finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding
