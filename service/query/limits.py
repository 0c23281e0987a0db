"""How much one query may ask: what a query in a body could hold would keep the store busy for minutes, or end its process."""

from __future__ import annotations

from collections.abc import Sized

from service.query.errors import QuerySyntaxError

MOST_ALTERNATIVES = 10_000
"""Keys, values of one position of a key, or conditions on one component."""
MOST_CONDITIONS = 100
"""Conditions that must hold together: they become an expression that is as deep."""
MOST_COMPARISONS = 500
"""Conditions of one query beside lists of codes, which are looked up: each of these is made at every observation."""


def check_number(name: str, what: str, found: Sized, most: int) -> None:
    """Check that a part of a query has no more entries than one query may have.

    Raises:
        QuerySyntaxError: it has more; says how many, and how many it may have.
    """
    if len(found) > most:
        raise QuerySyntaxError(
            f"{name} has {len(found)} {what} and one query may have {most}: ask in parts, or for all and choose"
        )
