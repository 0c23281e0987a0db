"""Which formats come first on each API line.

SDMX-REST 1.5.0, 4_9_representations.md; SDMX-REST 2.2.2, doc/representation.md, "Media types".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from service.query.grammar import Grammar


class Typed(Protocol):
    """Anything with a media type and its version."""

    @property
    def media_type(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102


AnyTyped = TypeVar("AnyTyped", bound=Typed)

PREFERRED: dict[Grammar, tuple[tuple[str, str], ...]] = {
    # While no generic data format is offered, structure-specific data are the default of 1.5.
    Grammar.V1: (
        ("application/vnd.sdmx.schema+xml", "2.1"),
        ("application/vnd.sdmx.structure+xml", "2.1"),
        ("application/vnd.sdmx.genericdata+xml", "2.1"),
        ("application/vnd.sdmx.structurespecificdata+xml", "2.1"),
        ("application/vnd.sdmx.structure+json", "1.0.0"),
        ("application/vnd.sdmx.data+json", "1.0.0"),
        ("application/vnd.sdmx.data+csv", "1.0.0"),
        ("application/vnd.sdmx.genericmetadata+xml", "2.1"),
        ("application/vnd.sdmx.structurespecificmetadata+xml", "2.1"),
    ),
    Grammar.V2: (
        ("application/vnd.sdmx.schema+json", "2.1.0"),
        ("application/vnd.sdmx.schema+xml", "3.1.0"),
        ("application/vnd.sdmx.structure+json", "2.1.0"),
        ("application/vnd.sdmx.data+json", "2.1.0"),
        ("application/vnd.sdmx.structure+xml", "3.1.0"),
        ("application/vnd.sdmx.data+xml", "3.1.0"),
        ("application/vnd.sdmx.data+csv", "2.1.0"),
        ("application/vnd.sdmx.metadata+json", "2.1.0"),
        ("application/vnd.sdmx.metadata+xml", "3.1.0"),
        ("application/vnd.sdmx.metadata+csv", "2.1.0"),
    ),
}
"""Media types with versions, the default first; every other format is offered after these."""


def preferred_first(formats: Sequence[AnyTyped], grammar: Grammar) -> list[AnyTyped]:
    """Return the formats in the order in which they answer where a client has no wish."""
    places = {entry: place for place, entry in enumerate(PREFERRED[grammar])}
    return sorted(
        formats, key=lambda entry: places.get((entry.media_type, entry.version), len(places))
    )
