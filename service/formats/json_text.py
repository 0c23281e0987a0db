"""A JSON text checked as a whole, and read in parts. RFC 8259.

Numbers keep their digits; a member that an object has twice is known.
"""

from __future__ import annotations

import io
import json
import mmap
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

Body = bytes | memoryview


class Repeating(dict[str, Any]):
    """An object that has members of one name; as a mapping it has the last of each."""

    pairs: Sequence[tuple[str, Any]] = ()
    """All members."""


def read_body(stream: BinaryIO) -> Body:
    """Return the whole text; that of a file is mapped, so that it need not be in memory at once."""
    try:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError, AttributeError, io.UnsupportedOperation):
        return stream.read().removeprefix(BOM_UTF8)
    body = memoryview(mapped)[stream.tell() :]
    return body[len(BOM_UTF8) :] if bytes(body[: len(BOM_UTF8)]) == BOM_UTF8 else body


def loads(text: bytes) -> Any:
    """Return the value of a JSON text; numbers with a fraction or exponent, and odd ones, are texts.

    Raises:
        ValueError: it is no JSON, or no UTF-8.
        RecursionError: it is nested too deep.
    """
    return json.loads(
        text.decode("utf-8"),
        object_pairs_hook=_object,
        parse_float=str,
        parse_int=_whole,
        parse_constant=_constant,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeating = Repeating(found)
    repeating.pairs = tuple(pairs)
    return repeating


def _whole(text: str) -> int | str:
    # -0 is not 0, and Python refuses very long numbers.
    return text if text == "-0" or len(text) > 18 else int(text)


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def members(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the members of an object, those of one name too."""
    yield from value.pairs if isinstance(value, Repeating) else value.items()


def repeated(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield (JSON pointer of the object, name) of each member that stands twice or more."""
    if isinstance(value, Repeating):
        seen: set[str] = set()
        told: set[str] = set()
        for name, _ in value.pairs:
            if name in seen and name not in told:
                told.add(name)
                yield pointer, name
            seen.add(name)
    if isinstance(value, dict):
        for name, entry in members(value):
            yield from repeated(entry, f"{pointer}/{escaped(name)}")
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            if isinstance(entry, dict | list):
                yield from repeated(entry, f"{pointer}/{number}")


def escaped(name: str) -> str:
    """Return a name as it stands in a JSON pointer (RFC 6901, 3)."""
    return name.replace("~", "~0").replace("/", "~1")
