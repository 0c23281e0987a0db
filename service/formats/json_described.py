"""The components that an SDMX-JSON message describes, and the values that rows refer to by number or hold in place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from service.formats.columns import dictionary_of
from service.formats.json_observations import Keys, Observations
from service.formats.json_text import loads
from service.formats.json_window import QUOTE, Flags, Numbers, Window, cut, whole_numbers
from service.formats.levels import Value

_NESTED = frozenset(b"[{")


@dataclass(frozen=True)
class Described:
    """A component as the message describes it."""

    id: str
    values: tuple[Value | None, ...] | None
    """Values that rows refer to by number, None where they stand in place."""
    default: str | None

    def texts(self) -> pa.StringArray | None:
        """Return the values as a column to take from; None where one is not a text or stands twice."""
        if self.values is None or not all(isinstance(value, str) for value in self.values):
            return None
        return (
            pa.array(self.values, pa.string()) if len({*self.values}) == len(self.values) else None
        )


Localise = Callable[[str, Mapping[str, Any]], str | None]


def described(
    entries: Sequence[Mapping[str, Any]] | None, localise: Localise, speaking: Collection[str]
) -> list[Described]:
    """Return the components of one level.

    Args:
        entries: as the message has them.
        localise: makes a value of texts by language.
        speaking: ids of the components that take such values.
    """
    return [
        Described(
            entry["id"],
            tuple(
                _value_of(entry["id"], value, localise, entry["id"] in speaking)
                for value in entry["values"]
            )
            if entry.get("values")
            else None,
            entry.get("default"),
        )
        for entry in entries or ()
    ]


def _value_of(
    id: str, entry: Mapping[str, Any] | None, localise: Localise, speaks: bool
) -> Value | None:
    if entry is None:
        return None
    # Of a text 1.0 has no value, but a name, and names by language.
    for member in ("id", "value", "values", *(["names"] if speaks else []), "name"):
        raw = entry.get(member)
        if isinstance(raw, Mapping):
            return localise(id, raw)
        if isinstance(raw, list):
            texts = (
                localise(id, part) if isinstance(part, dict) else text_of(part) for part in raw
            )
            return tuple(text for text in texts if isinstance(text, str))
        if raw is not None:
            return text_of(raw)
    return None


def text_of(value: Any) -> Value | None:
    """Return a JSON value as text, digit for digit; a list as several texts."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return tuple(text for text in map(text_of, value) if isinstance(text, str))
    return str(value)


def key_numbers_of(dimensions: Sequence[Described], keys: Keys) -> Numbers:
    """Return one number a key, the same in every window."""
    total = np.zeros(len(keys.starts), np.int64)
    for component, numbers in zip(dimensions, keys.numbers, strict=True):
        total = total * max(len(component.values or ()), 1) + numbers
    return total


def numbered(
    found: Observations, component: Described, starts: Numbers, ends: Numbers, valid: Flags
) -> pa.Array | None:
    """Return the values that numbers stand for; None where one is no number in range."""
    texts = component.texts()
    own = whole_numbers(found.raw, starts[valid], ends[valid])
    if texts is None or own is None or int(own.max(initial=0)) >= len(texts):
        return None
    numbers = np.zeros(len(valid), np.int32)
    numbers[valid] = own
    return pa.DictionaryArray.from_arrays(pa.array(numbers, mask=~valid), texts)


def plain_texts(
    window: Window, starts: Numbers, ends: Numbers, valid: Flags
) -> pa.StringArray | None:
    """Return values in place: numbers as they stand, texts without marks; None where one is an object or list."""
    raw = window.raw
    quoted = valid & (raw[starts] == QUOTE) if len(raw) else valid
    if (valid & np.isin(raw[starts], list(_NESTED))).any():
        return None
    texts = cut(raw, starts + quoted, ends - quoted, valid)
    if not window.has_escapes or not pc.any(pc.match_substring(texts, "\\")).as_py():
        return texts
    return _unescaped(texts)


def certain(component: Described, raw: Any) -> tuple[str, ...] | None:
    """Return several values, None where one is not plainly right."""
    if not isinstance(raw, list):
        return None
    found: list[str] = []
    for part in raw:
        value: Any = part
        if component.values is None:
            value = text_of(part)
        elif type(part) is int and 0 <= part < len(component.values):
            value = component.values[part]
        if not isinstance(value, str):
            return None
        found.append(value)
    return tuple(found)


def _unescaped(texts: pa.StringArray) -> pa.StringArray:
    distinct, indices = dictionary_of(texts)
    read: Callable[[str], Any] = lambda text: loads(f'"{text}"'.encode())  # noqa: E731
    plain = [read(text) if "\\" in text else text for text in distinct]
    return pa.array(plain, pa.string()).take(indices)
