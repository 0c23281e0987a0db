"""The nearest right value for a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from dsd.resolved import ResolvedComponent

LISTED = 8
"""Allowed values are listed up to this many; of more, the number and the nearest are told."""


def nearest(wrong: str, right: Iterable[str]) -> str | None:
    """Return the value that was probably meant, None where none comes near.

    >>> nearest("OBS_VAL", ["OBS_VALUE", "OBS_STATUS"])
    'OBS_VALUE'
    """
    folded = {value.casefold(): value for value in right}
    close = get_close_matches(wrong.strip().casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def nearest_code(wrong: str, component: ResolvedComponent) -> str | None:
    """Return the allowed code that was probably meant: by its name in any language, then by its id."""
    folded = wrong.strip().casefold()
    for code in component.allowed_codes:
        if code.id.casefold() == folded or any(
            name.casefold() == folded for name in code.names.values()
        ):
            return code.id
    return nearest(wrong, (code.id for code in component.allowed_codes))


def allowed_in_words(component: ResolvedComponent, suggestion: str | None = None) -> str:
    """Say which codes are allowed: all of a few, of many their number and the nearest.

    The sentence stands on its own after what is wrong.
    """
    codes = component.allowed_codes
    if component.codelist is None:
        named = component.allowed or component.excluded
        listed = ", ".join(sorted(named)[:LISTED]) + (" ..." if len(named) > LISTED else "")
        return f"Allowed: {listed}." if component.allowed else f"Not allowed: {listed}."
    if not codes:
        return "No code is allowed here."
    if len(codes) <= LISTED:
        return f"Allowed: {', '.join(code.id for code in codes)}."
    near = (
        f"; the nearest is {suggestion} ({component.codes[suggestion].label()})"
        if suggestion in component.codes
        else ""
    )
    return f"{len(codes)} codes are allowed{near}."
