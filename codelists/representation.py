"""How the values of a concept or component are written. SDMX 3.1 Section 2, "Representation"."""

from __future__ import annotations

from typing import Literal

import msgspec

from codelists.base import Part, derive_names
from codelists.text import LocalisedText


class SentinelValue(Part, frozen=True, kw_only=True):
    """A value with a meaning of its own among the values of a component: -1 for "refused"."""

    value: str | int | float
    name: str | None = None
    names: LocalisedText = {}
    description: str | None = None
    descriptions: LocalisedText = {}

    def __post_init__(self) -> None:
        """Derive `name` and `description` from the texts where they are not given."""
        derive_names(self)


class TextFormat(Part, frozen=True, kw_only=True):
    """Data type and facets of an uncoded value."""

    data_type: str | None = None
    is_sequence: bool | None = None
    interval: int | float | None = None
    start_value: int | float | None = None
    end_value: int | float | None = None
    time_interval: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_value: int | float | None = None
    max_value: int | float | None = None
    decimals: int | None = None
    pattern: str | None = None
    is_multi_lingual: bool | None = None
    sentinel_values: tuple[SentinelValue, ...] = ()


class Representation(Part, frozen=True, kw_only=True):
    """Either an enumeration (URN of a code list) with an optional format of its codes, or a text format."""

    enumeration: str | None = None
    enumeration_format: TextFormat | None = None
    format: TextFormat | None = None
    min_occurs: int | None = None
    max_occurs: int | Literal["unbounded"] | None = None

    @property
    def is_multiple(self) -> bool:
        """True where an observation may carry several values of the component."""
        return self.max_occurs == "unbounded" or (
            isinstance(self.max_occurs, int) and self.max_occurs > 1
        )


class IsoConceptReference(Part, frozen=True, kw_only=True):
    """A concept of the ISO 11179 registry that a concept corresponds to."""

    concept_agency: str
    concept_scheme_id: str = msgspec.field(name="conceptSchemeID")
    concept_id: str = msgspec.field(name="conceptID")
