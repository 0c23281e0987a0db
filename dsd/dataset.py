"""A dataset: observations of one dataflow with what stands above them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    or series. A value is a text, or a tuple of texts for a multi-valued attribute. What is noted on the data set, group
    or series stands among the values under `dsd.batch.ANNOTATIONS` (`dsd.annotated`).
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
    without observations. What is noted on observations stands under `dsd.batch.ANNOTATIONS`, where that is known."""
    attributes: tuple[AttributeValues, ...] = ()
    """Values above the observation."""


@dataclass(frozen=True)
class SetAttributes:
    """What a message says of a data set beside its contents, each as its text; None where it says nothing.

    SDMX 3.1 Section 3, Common namespace, `SetAttributeGroup`; without the action, which a data set has itself.
    """

    set_id: str | None = None
    valid_from: str | None = None
    """xs:dateTime."""
    valid_to: str | None = None
    """xs:dateTime."""
    reporting_begin: str | None = None
    reporting_end: str | None = None
    publication_year: str | None = None
    publication_period: str | None = None


NOTHING_SAID = SetAttributes()


@dataclass(frozen=True)
class Dataset:
    """Observations of one dataflow on their way in. `batches` may be a one-shot iterator."""

    dsd: Dsd
    batches: Iterable[Batch]
    action: Action = Action.MERGE
    attributes: Sequence[AttributeValues] = ()
    """Values above the observation. A decoder that holds only a part of a message may still be adding to a list of
    them while `batches` is consumed: it is whole when they are. An empty tuple stays empty."""
    said: SetAttributes = NOTHING_SAID


@dataclass(frozen=True)
class PreparedDataset:
    """Observations of one dataflow on their way out, with all that an encoder must know before the first row."""

    dsd: Dsd
    preamble: Preamble
    batches: Iterable[Batch]
    """In key order; may be a one-shot iterator."""
    action: Action = Action.REPLACE
    said: SetAttributes = NOTHING_SAID
