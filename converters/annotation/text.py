"""Texts as spreadsheet XML holds them. ECMA-376 Part 1, 22.9.2.19 (ST_Xstring)."""

from __future__ import annotations

import re

LONGEST_TEXT = 32_767
"""Characters that a cell or a comment holds."""
CUT = " [...]"

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def escaped(text: str) -> str:
    """Return a text for a cell or a comment; what would be taken for an escape stays what it is.

    >>> escaped("a_x0041_")
    'a_x005F_x0041_'
    """
    return _LOOKS_ESCAPED.sub("_x005F_", _FORBIDDEN.sub("\ufffd", text))


def unescaped(text: str) -> str:
    """Return the text that `escaped` was given.

    >>> unescaped("a_x005F_x0041_")
    'a_x0041_'
    """
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def shortened(text: str, length: int = LONGEST_TEXT) -> str:
    """Return a text that fits, and says so where it was cut.

    >>> shortened("abcdefghij", 8)
    'ab [...]'
    """
    return text if len(text) <= length else text[: length - len(CUT)] + CUT
