"""What stands in a cell of SDMX-CSV: several values, names beside codes. sdmx-csv, data message field guides."""

from __future__ import annotations

import re
from collections.abc import Callable

from dsd.resolved import ResolvedComponent, Role

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


def split_sub_fields(text: str, separator: str) -> list[str]:
    """Return the values in a cell `A;B`; a value may be quoted once more.

    >>> split_sub_fields('A;"B;C";""', ";")
    ['A', 'B;C', '']
    """
    found = []
    position = 0
    while position <= len(text):
        quoted = _QUOTED.match(text, position)
        if quoted and text[quoted.end() : quoted.end() + 1] in ("", separator):
            found.append(quoted[1].replace('""', '"'))
            position = quoted.end() + 1
            continue
        end = text.find(separator, position)
        end = len(text) if end < 0 else end
        if end > position:
            found.append(text[position:end])
        position = end + 1
    return found


def key_part(text: str) -> str:
    """Return a value as it stands in a key: quoted where it has the separator of keys in it (sdmx-csv#28).

    >>> ".".join(map(key_part, ("M", "v1.2", "2020")))
    'M."v1.2".2020'
    """
    if "." not in text and '"' not in text:
        return text
    return '"' + text.replace('"', '""') + '"'


def only_sub_field(text: str, separator: str) -> str:
    """Return the value of a cell of sub-fields that has one; several stay one text, for the rules to refuse."""
    found = split_sub_fields(text, separator)
    return found[0] if len(found) == 1 else text


def stripper(component: ResolvedComponent) -> Callable[[str], str] | None:
    """Return what takes the name off a cell `ID: Name`; None where labels=both writes none."""
    if component.codelist is not None:
        return _strip_label
    return _strip_repeated if component.role in (Role.DIMENSION, Role.TIME) else None


def _strip_label(text: str) -> str:
    """Return the code of a cell `CODE: Name`."""
    repeated = _strip_repeated(text)
    return text.partition(": ")[0] if repeated == text else repeated


def _strip_repeated(text: str) -> str:
    """Return the value of a cell `VALUE: VALUE`, which uncoded dimensions have; any other text as it is."""
    half = (len(text) - 2) // 2
    return text[:half] if text == f"{text[:half]}: {text[:half]}" else text
