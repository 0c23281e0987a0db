"""Media types, ranges and weights, as request headers write them.

RFC 9110, 8.3.1 "Media Type", 12.4.2 "Quality Values", 12.5.1 "Accept".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from codelists.version import VersionSyntaxError, matches_reference, parse_version

# A list entry ends at a comma, a parameter at a semicolon, neither of them inside a quoted string. One that is not closed
# goes to the end: whatever stands there is read once, as nothing that follows can make an expression try again.
_QUOTED = r'"(?:[^"\\]|\\.?)*(?:"|\Z)'
_ENTRY = re.compile(rf'(?:[^,"]|{_QUOTED})+', re.DOTALL)
_PARAMETER = re.compile(rf'(?:[^;"]|{_QUOTED})+', re.DOTALL)
_RANGE = re.compile(r"[\w!#$&^.+*-]+/[\w!#$&^.+*-]+", re.ASCII)
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True)
class Weighted:
    """One entry of a header list: a value, its parameters without `q`, its weight and place."""

    value: str
    """In lower case."""
    parameters: dict[str, str] = field(default_factory=dict)
    """By lower-case name; values as written, without quotes."""
    weight: float = 1.0
    position: int = 0


def parse_weighted(header: str) -> tuple[Weighted, ...]:
    """Return the entries of an Accept, Accept-Language or Accept-Encoding header in their order.

    >>> [(e.value, e.parameters, e.weight) for e in parse_weighted("text/CSV; Version=2.1 ;q=0.5,*/*;q=0")]
    [('text/csv', {'version': '2.1'}, 0.5), ('*/*', {}, 0.0)]
    """
    return tuple(
        _weighted(entry, position)
        for position, entry in enumerate(part.strip() for part in _ENTRY.findall(header))
        # `;` alone is no value.
        if _PARAMETER.search(entry)
    )


def parse_media_ranges(header: str) -> tuple[Weighted, ...]:
    """Return the media ranges of an Accept header; entries that are none are left out."""
    return tuple(entry for entry in parse_weighted(header) if _RANGE.fullmatch(entry.value))


def _weighted(entry: str, position: int) -> Weighted:
    first, *rest = _PARAMETER.findall(entry)
    parameters = dict(_parameters(rest))
    weight = _weight(parameters.pop("q", "1"))
    return Weighted(first.strip().lower(), parameters, weight, position)


def _parameters(parts: list[str]) -> Iterator[tuple[str, str]]:
    for part in parts:
        name, _, value = part.partition("=")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = _ESCAPE.sub(r"\1", value[1:-1])
        if name.strip():
            yield name.strip().lower(), value


def _weight(text: str) -> float:
    """Return a weight between 0 and 1; what cannot be read counts as 1."""
    try:
        weight = float(text)
    except ValueError:
        return 1.0
    return 1.0 if math.isnan(weight) else min(max(weight, 0.0), 1.0)


def version_fits(asked: str, offered: str) -> bool:
    """Tell whether the version of a format satisfies the `version` parameter of a media range.

    Two-part and three-part forms of one version are the same, and a range has one `+`
    (SDMX-REST 2.2.2, doc/representation, "version").

    >>> version_fits("2.1", "2.1.0"), version_fits("2.1.0", "2.1"), version_fits("2+.0.1", "2.1.0")
    (True, True, True)
    >>> version_fits("2.0.0", "2.1.0"), version_fits("3.0.0+", "2.1.0"), version_fits("x", "2.1.0")
    (False, False, False)
    """
    try:
        full = ".".join(map(str, _padded(offered)))
        if "+" in asked:
            return matches_reference(asked, full)
        return _padded(asked) == _padded(offered)
    except VersionSyntaxError:
        return False


def _padded(version: str) -> tuple[int, ...]:
    return (*parse_version(version).numbers, 0, 0)[:3]
