"""A dataset: observations of one dataflow with what stands above them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from dsd.batch import Batch
from dsd.resolved import Dsd


class Action(StrEnum):
    """What a dataset or row asks for. SDMX 3.1 Section 5; Append and Information load as Merge."""

    MERGE = "Merge"
    APPEND = "Append"
    REPLACE = "Replace"
    DELETE = "Delete"
    INFORMATION = "Information"


@dataclass(frozen=True)
class AttributeValues:
    """Attribute values attached above the observation.

    `key` holds the dimension values that they depend on: empty for the dataset, some dimensions for a group
    or series. A value is a text, or a tuple of texts for a multi-valued attribute.
    """

    key: dict[str, str]
    values: dict[str, str | tuple[str, ...]]


@dataclass(frozen=True)
class Preamble:
    """What an encoder must know before the first row; taken from the same snapshot as the batches."""

    observations: int
    """Rows: series, where these alone are asked for."""
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Distinct values by component id, for every dimension and coded attribute; periods in time order, none beside series
    without observations."""
    attributes: tuple[AttributeValues, ...] = ()
    """Values above the observation."""


@dataclass(frozen=True)
class Dataset:
    """Observations of one dataflow on their way in or out. `batches` may be a one-shot iterator."""

    dsd: Dsd
    batches: Iterable[Batch]
    action: Action = Action.MERGE
    attributes: tuple[AttributeValues, ...] = ()
