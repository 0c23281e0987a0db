"""The two grammars in which queries are written."""

from __future__ import annotations

from enum import StrEnum


class Grammar(StrEnum):
    """Which SDMX REST a query is written in."""

    V1 = "v1"
    """SDMX-REST 1.5.0, for SDMX 2.1."""
    V2 = "v2"
    """SDMX-REST 2.2.2, for SDMX 3.x."""
