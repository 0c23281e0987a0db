"""The members of a large JSON object, some at a time, with the places of their marks found in bulk. RFC 8259.

The text must have been checked to be JSON. Escapes and white space are taken out of the way first, so that marks
stand next to what they belong to; texts are cut from the original.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

WINDOW_BYTES = 1 << 20
Numbers: TypeAlias = npt.NDArray[np.int64]
Bytes: TypeAlias = npt.NDArray[np.uint8]
Flags: TypeAlias = npt.NDArray[np.bool_]

QUOTE, COMMA, COLON, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST = b'",:{}[]'
_IS_MARK = np.zeros(256, bool)
_IS_MARK[list(b'",:{}[]')] = True
_STEP = np.zeros(256, np.int64)
_STEP[[OPEN, OPEN_LIST]] = 1
_STEP[[CLOSE, CLOSE_LIST]] = -1
_DIGITS = 9


@dataclass(frozen=True)
class Window:
    """Whole members of an object, from the first's key to the last's value."""

    text: bytes
    """As written."""
    raw: Bytes
    """The same without white space between marks."""
    marks: Numbers
    """Places in `raw` of quotation marks, and of all marks, also those in texts."""
    kinds: Bytes
    """Which mark stands at each place."""
    in_text: Flags
    """True for marks within a text, and for the quotation mark that opens it."""
    depth: Numbers
    """By mark, how many lists and objects are open after it; texts count for nothing."""
    has_escapes: bool

    @cached_property
    def structural(self) -> Flags:
        """True for marks outside texts that are no quotation marks."""
        flags: Flags = ~self.in_text & (self.kinds != QUOTE)
        return flags


def windows(text: bytes | memoryview, size: int = WINDOW_BYTES) -> Iterator[Window]:
    """Yield the members of an object `{...}`, at least one at a time."""
    start, end = 1, len(text) - 1
    while start < end:
        window, taken = _window(text, start, end, size)
        if window is None:
            size *= 2
            continue
        start += taken
        if len(window.raw):
            yield window


def _window(text: bytes | memoryview, start: int, end: int, size: int) -> tuple[Window | None, int]:
    """Return the members that end within so many bytes and the bytes taken; None where not one does."""
    part = bytes(text[start : min(start + size, end)])
    is_last = start + size >= end
    hidden = _without_escapes(part)
    seen = np.frombuffer(hidden, np.uint8)
    raw = np.frombuffer(part, np.uint8)
    kept = _kept(seen)
    if kept is not None:
        seen, raw = seen[kept], raw[kept]
    marks = np.flatnonzero(_IS_MARK[seen])
    kinds = seen[marks]
    quotes = kinds == QUOTE
    in_text = (np.cumsum(quotes) & 1).astype(bool)
    steps = _STEP[kinds]
    steps[in_text] = 0
    depth = np.cumsum(steps)
    taken, count = len(part), len(marks)
    if not is_last:
        between = np.flatnonzero((kinds == COMMA) & ~in_text & (depth == 0))
        if not len(between):
            return None, 0
        count = int(between[-1])
        cut = int(marks[count])
        raw = raw[:cut]
        taken = (cut if kept is None else int(np.flatnonzero(kept)[cut])) + 1
    return Window(
        part[: taken if is_last else taken - 1],
        raw,
        marks[:count],
        kinds[:count],
        in_text[:count],
        depth[:count],
        b"\\" in part,
    ), taken


def _without_escapes(part: bytes) -> bytes:
    """Return the text with characters that no JSON text has in place of escaped ones."""
    if b"\\" not in part:
        return part
    return part.replace(b"\\\\", b"\x01\x01").replace(b'\\"', b"\x01\x01")


def _kept(seen: Bytes) -> Flags | None:
    """Return which bytes are no white space between marks; None where all are kept."""
    blank = seen <= ord(" ")
    # An escape that was hidden is no blank.
    blank &= seen != 1
    if not blank.any():
        return None
    in_text = (np.cumsum(seen == QUOTE, dtype=np.uint8) & 1).astype(bool)
    blank &= ~in_text
    return ~blank if blank.any() else None


# -- texts and numbers cut out -------------------------------------------------------------------------


def cut(raw: Bytes, starts: Numbers, ends: Numbers, valid: Flags | None = None) -> pa.StringArray:
    """Return the texts between places, which do not overlap and rise; null where not valid."""
    lengths = ends - starts
    if valid is not None:
        lengths = np.where(valid, lengths, 0)
    offsets = np.zeros(len(starts) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    full = lengths > 0
    step = np.zeros(len(raw) + 1, np.int8)
    step[starts[full]] += 1
    step[ends[full]] -= 1
    data = raw[np.cumsum(step[:-1], dtype=np.int8).astype(bool)]
    nulls = None if valid is None or valid.all() else pa.array(valid).buffers()[1]
    return pa.StringArray.from_buffers(
        len(starts), pa.py_buffer(offsets), pa.py_buffer(data), nulls
    )


def whole_numbers(raw: Bytes, starts: Numbers, ends: Numbers) -> Numbers | None:
    """Return the whole numbers between places; None where one is something else, or very long."""
    lengths = ends - starts
    most = int(lengths.max(initial=0))
    if most > _DIGITS or int(lengths.min(initial=1)) < 1:
        return None
    found = np.zeros(len(starts), np.int64)
    for place in range(most):
        more = lengths > place
        digits = raw[np.where(more, starts + place, starts)] - ord("0")
        if (digits[more] > 9).any():
            return None
        found = np.where(more, found * 10 + digits, found)
    return found
