"""The contract of a format: one signature for all, so that nothing else ever asks which format it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

from codelists.base import Maintainable
from codelists.item_scheme import Concept
from codelists.urn import Urn
from dsd.dataset import Action, Dataset, PreparedDataset
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.resolved_metadata import Msd
from dsd.structures import Structures


class NotExpressibleError(Exception):
    """Something that the format cannot write; raised before the first byte, says what and which format can."""


@dataclass(frozen=True)
class Header:
    """What a message says of itself."""

    id: str
    prepared: datetime
    """UTC."""
    sender: str = "ILMS"
    test: bool = False


@dataclass(frozen=True)
class EncodeOptions:
    """What a caller may choose, over all formats; a format ignores what it has no use for."""

    dimension_at_observation: str = "TIME_PERIOD"
    """TIME_PERIOD, another dimension id, or AllDimensions."""
    languages: tuple[str, ...] = ()
    """Preferred languages of names, best first; empty for English in data and for all in structures; `*` for all.

    Texts of data and of their annotations that are in several come in these; in all of theirs where it is empty."""
    labels: str = "id"
    """SDMX-CSV: id, name or both."""
    time_format: str = "original"
    """SDMX-CSV: original or normalized."""
    keys: str = "none"
    """SDMX-CSV 2.x: none, obs, series or both."""
    component_ids: tuple[str, ...] | None = None
    """Components to write; None for all of the DSD."""
    series_only: bool = False
    """Each row is a series without observations: it has no TIME_PERIOD, `component_ids` nothing of an observation."""
    pack_single_values: bool = False
    """SDMX-JSON: state a dimension that has one value once for the dataset."""
    explicit_measures: bool = False
    """SDMX-ML 2.1 structure-specific: the measure dimension at the observation is the type of the observation."""
    report: Report | None = None
    """Structures: takes what the format cannot express; where there is none, that is refused."""
    content_languages: tuple[str, ...] | None = None
    """SDMX-JSON structures: the languages of the message, as its header says; None for `languages`."""
    left_out: tuple[str, ...] = ()
    """SDMX-ML structures: why what else was asked for is not in the message, for its footer."""


@dataclass(frozen=True)
class DecodeOptions:
    """What a caller may tell a decoder."""

    structure: Urn | None = None
    """Dataflow, provision agreement or DSD of data that name no structure; what a message names itself wins."""


NO_OPTIONS = DecodeOptions()

# Data sets are written in their order, each read once and to its end before the next. Rows come in key order, their
# values in `Preamble.codes`; values that the DSD attaches above the observation come in `Preamble.attributes`
# (SDMX-CSV and SDMX-JSON also write them from columns, SDMX-ML 2.1 cannot).
# Data with texts in languages or annotations reach an encoder only where its capabilities say so
# (`service.formats.fitting`). What is noted on rows is named in `Preamble.codes`, or the first batch has the column.
# What a format cannot write raises at the call, before the first chunk is made, wherever the DSD, the preamble or the
# first batch show it.
EncodeData = Callable[[Header, Sequence[PreparedDataset], EncodeOptions], Iterator[bytes]]
# Datasets come in the order of the message. Rows carry `$locator`; `$action` only where the rows of a dataset
# differ in it, `$annotations` where there are any. Attributes above the observation become `Dataset.attributes`, except in rows that delete.
DecodeData = Callable[[BinaryIO, Structures, Report, DecodeOptions], Iterator[Dataset]]
EncodeStructures = Callable[
    [Header, Sequence[Maintainable], Structures, EncodeOptions], Iterator[bytes]
]


class DecodeStructures(Protocol):
    """How a message becomes artefacts; the report takes what it says that the model does not keep."""

    def __call__(self, body: bytes, report: Report | None = None) -> Sequence[Maintainable]: ...  # noqa: D102


@dataclass(frozen=True)
class Capabilities:
    """What a data format can express; what it cannot is reported before the first byte."""

    multiple_values: bool
    """Several values of one attribute on one observation (SDMX-ML 2.1: joined by `;`, as its DSD says)."""
    row_actions: bool
    """An action per row rather than per dataset."""
    cross_section: bool
    """Any dimension at the observation level."""
    several_datasets: bool = False
    """Several data sets in one message."""
    several_structures: bool = True
    """These may be of several structures."""
    came_back: Mapping[Action, Action] = field(default_factory=dict)
    """What readers get for an action that the format has no word for: another that means the same to them."""
    refused_actions: frozenset[Action] = frozenset()
    """Actions of a data set that cannot be written."""
    labels: frozenset[str] = frozenset({"id", "name", "both"})
    """What `EncodeOptions.labels` may be; formats without labels take any."""
    several_measures: bool = False
    """More than one measure."""
    empty_texts: bool = True
    """An empty text is told from an absent one."""
    said: frozenset[str] = frozenset()
    """What a message can say of a data set beside its contents: names of the fields of `dsd.dataset.SetAttributes`."""
    free_rows: bool = False
    """Rows stand by themselves in any order; elsewhere those of a series follow each other."""
    languages: bool = False
    """Texts in several languages, of components that take them (`dsd.localised`)."""
    annotations: bool = False
    """Notes on the data set, on groups, series and observations (`dsd.annotated`)."""


@dataclass(frozen=True)
class DataFormat:
    """One version and variant of a data format."""

    name: str
    """Short name for people and `--format`: `csv`, `json`, `ml21`."""
    media_type: str
    """Type without parameters: `application/vnd.sdmx.data+csv`."""
    version: str
    """As the media type's `version` parameter has it; empty where the type has none."""
    extension: str
    """File name ending: `.csv`."""
    capabilities: Capabilities
    encode: EncodeData | None
    decode: DecodeData | None
    aliases: tuple[str, ...] = field(default=())
    """Plain media types that mean this format: `text/csv`."""


@dataclass(frozen=True)
class StructureFormat:
    """One version of a structure format."""

    name: str
    media_type: str
    version: str
    extension: str
    encode: EncodeStructures | None
    decode: DecodeStructures | None
    aliases: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class SchemaOptions:
    """Which messages a schema is for."""

    dimension_at_observation: str = "TIME_PERIOD"
    deletion: bool = False
    """Those that delete."""
    explicit_measures: bool = False
    """SDMX-ML 2.1: those whose observations are typed by their measure."""
    measures: tuple[Concept, ...] = ()
    """The measures of such messages."""


@dataclass(frozen=True)
class SchemaFormat:
    """One version of the schemas that validate data messages, and messages of reference metadata."""

    name: str
    media_type: str
    version: str
    extension: str
    make: Callable[[Dsd, SchemaOptions], bytes]
    make_metadata: Callable[[Msd, SchemaOptions], bytes] | None
    aliases: tuple[str, ...] = field(default=())
