"""SDMX-ML 2.1 data: structure-specific and generic messages, each also in its time-series variant.

SDMX 2.1 Section 3A, "Generic Data", "Structure Specific Data". The two syntaxes share the layout: dataset
attributes, groups, then series with observations, or (AllDimensions) observations alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from codelists.urn import Urn
from dsd.batch import Batch
from dsd.dataset import Action, AttributeValues, Preamble, PreparedDataset
from dsd.resolved import Dsd, ResolvedComponent, Role
from service.formats.columns import (
    Part,
    Pieces,
    chosen,
    content,
    dictionary_of,
    folded,
    joined,
    list_pieces,
    observation_ids,
    only_one,
    peeked,
    pieces,
    present,
    starting_where,
    text_pieces,
    written_ids,
)
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.grouping import Grouper, ordered, positions_of
from service.formats.levels import Value, dimensions_of
from service.formats.sdmx_ml21 import (
    ACTION_WORDS,
    DECLARATION,
    attribute_text,
    header_start,
    namespaces,
    reference,
    tag,
)

FORMAT_NAME = "SDMX-ML 2.1"
MEASURE = "OBS_VALUE"
STRUCTURE_ID = "STR1"
VALUE_SEPARATOR = ";"
# Numbers and codes: a text of which no character needs an entity.
_PLAIN = r"^[A-Za-z0-9_.+:-]+$"


@dataclass(frozen=True)
class Syntax:
    """How one of the two syntaxes writes the parts of a dataset."""

    root: str
    is_generic: bool
    is_time_series: bool = False

    @property
    def prefix(self) -> str:
        """Return the prefix of the elements inside a dataset."""
        return "gen:" if self.is_generic else ""

    def value(self, id: str, text: str) -> str:
        """Return one component value: an element, or an XML attribute with the space before it."""
        if self.is_generic:
            return f'<gen:Value id="{id}" value="{attribute_text(text)}"/>'
        return f' {id}="{attribute_text(text)}"'

    def around(self, element: str) -> tuple[str, str]:
        """Return what stands around values of a kind (`SeriesKey`): nothing in XML attributes."""
        return (f"<gen:{element}>", f"</gen:{element}>") if self.is_generic else ("", "")


STRUCTURE_SPECIFIC = Syntax("StructureSpecificData", is_generic=False)
GENERIC = Syntax("GenericData", is_generic=True)
STRUCTURE_SPECIFIC_TIME_SERIES = Syntax("StructureSpecificTimeSeriesData", False, True)
GENERIC_TIME_SERIES = Syntax("GenericTimeSeriesData", True, True)


def structure_urn(dsd: Dsd) -> Urn:
    """Return the identity of what a message says its data are structured by."""
    return dsd.agreement or dsd.urn


def target_namespace(dsd: Dsd, dimension_at_observation: str) -> str:
    """Return the namespace of the structure-specific schema (SDMX 2.1 Section 3A, 3.3.2.1)."""
    return f"{structure_urn(dsd)}:ObsLevelDim:{dimension_at_observation}"


def attachment(dsd: Dsd, component: ResolvedComponent) -> tuple[str, tuple[str, ...]]:
    """Return where SDMX 2.1 attaches an attribute: `none`, `group`, `dimensions` or `observation`; and to what."""
    dimensions = dimensions_of(dsd, component)
    if dimensions is None:
        return "observation", ()
    if component.relationship is not None and component.relationship.group is not None:
        return "group", dimensions
    return ("dimensions", dimensions) if dimensions else ("none", ())


def level_of(dsd: Dsd, component: ResolvedComponent, at_observation: Sequence[str]) -> str:
    """Return where an attribute stands in a layout: `dataset`, `group`, `series` or `observation`."""
    kind, dimensions = attachment(dsd, component)
    if kind == "dimensions":
        return "series" if set(dimensions).isdisjoint(at_observation) else "observation"
    return {"none": "dataset", "group": "group"}.get(kind, "observation")


def text_of(value: Value) -> str:
    """Return a value as the one text that SDMX-ML 2.1 has room for: several are joined by `;`.

    Raises:
        NotExpressibleError: one of several values holds the separator itself, or is empty.
    """
    if isinstance(value, str):
        return value
    if any(VALUE_SEPARATOR in text or not text for text in value) or not value:
        raise NotExpressibleError(
            f"{FORMAT_NAME} joins several values by {VALUE_SEPARATOR!r}, which {value!r} do not allow; "
            "write SDMX-CSV 2.1 or SDMX-JSON 2.1"
        )
    return VALUE_SEPARATOR.join(value)


@dataclass(frozen=True)
class _Writer:
    """What is fixed for one message."""

    syntax: Syntax
    header: Header
    action: Action
    dsd: Dsd
    preamble: Preamble
    components: tuple[ResolvedComponent, ...]
    at_observation: tuple[str, ...]
    dimension_at_observation: str
    series_only: bool
    """True where each row is a series without observations."""
    used: dict[str, set[tuple[str | None, ...]]] = field(default_factory=dict)
    """Partial keys by attribute whose value above the observation has been written."""

    # -- layout ------------------------------------------------------------------------------------

    @property
    def is_flat(self) -> bool:
        """True where there is no series level."""
        return self.dimension_at_observation == "AllDimensions"

    @property
    def at_series(self) -> tuple[str, ...]:
        """Return the dimensions of the series key."""
        return tuple(id for id in self.dsd.key_ids if id not in self.at_observation)

    def attributes(self, *levels: str) -> list[ResolvedComponent]:
        """Return the attributes of these levels: dataset, group, series or observation."""
        found = [c for c in self.components if c.role is Role.ATTRIBUTE]
        return [c for c in found if level_of(self.dsd, c, self.at_observation) in levels]

    # -- before the rows ---------------------------------------------------------------------------

    def opening(self) -> str:
        """Return the message up to the first series or observation."""
        urn = structure_urn(self.dsd)
        element = {
            "ProvisionAgreement": "com:ProvisionAgrement",  # misspelt in the schema
            "Dataflow": "com:StructureUsage",
        }.get(urn.type, "com:Structure")
        namespace = target_namespace(self.dsd, self.dimension_at_observation)
        structure = {
            "structureID": STRUCTURE_ID,
            "dimensionAtObservation": self.dimension_at_observation,
            "namespace": None if self.syntax.is_generic else namespace,
        }
        action = ACTION_WORDS[self.action]
        head = (
            header_start(self.header)
            + tag("mes:Structure", structure, reference(element, urn))
            + f"<mes:DataSetAction>{action}</mes:DataSetAction>"
        )
        declared = namespaces("mes", "com", "gen" if self.syntax.is_generic else "ss", "xsi")
        if not self.syntax.is_generic:
            declared += f' xmlns:ns1="{attribute_text(namespace)}"'
        return (
            f"{DECLARATION}<mes:{self.syntax.root}{declared}>\n<mes:Header>{head}</mes:Header>\n"
            f"{self.dataset_opening(action)}\n" + "".join(self.groups())
        )

    def dataset_opening(self, action: str) -> str:
        """Return the start of the dataset with the attributes of the whole dataset."""
        known = {c.id for c in self.attributes("dataset")}
        values = "".join(
            self.syntax.value(id, text_of(value))
            for entry in self.preamble.attributes
            for id, value in entry.values.items()
            if id in known
        )
        if self.syntax.is_generic:
            before, after = self.syntax.around("Attributes")
            attributes = before + values + after if values else ""
            return f'<mes:DataSet structureRef="{STRUCTURE_ID}" action="{action}">{attributes}'
        scope = {"ProvisionAgreement": "ProvisionAgreement", "Dataflow": "Dataflow"}.get(
            structure_urn(self.dsd).type, "DataStructure"
        )
        return (
            f'<mes:DataSet ss:structureRef="{STRUCTURE_ID}" xsi:type="ns1:DataSetType"'
            f' ss:dataScope="{scope}" ss:action="{action}"{values}>'
        )

    def groups(self) -> Iterator[str]:
        """Yield the groups with their attribute values."""
        for group, key, values in self.group_values():
            written_key = "".join(self.syntax.value(id, key[id]) for id in key)
            written = "".join(self.syntax.value(id, text_of(v)) for id, v in values.items())
            if self.syntax.is_generic:
                yield (
                    f'<gen:Group type="{group}"><gen:GroupKey>{written_key}</gen:GroupKey>'
                    f"<gen:Attributes>{written}</gen:Attributes></gen:Group>\n"
                )
            else:
                yield f'<Group xsi:type="ns1:{group}"{written_key}{written}/>\n'

    def group_values(self) -> Iterator[tuple[str, dict[str, str], dict[str, Value]]]:
        """Yield (group, key, values) once a group and key, in the order in which they first come."""
        merged: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, Value]] = {}
        for component in self.attributes("group"):
            _, dimensions = attachment(self.dsd, component)
            group = component.relationship.group if component.relationship else None
            for entry in self.preamble.attributes:
                if component.id in entry.values:
                    key = tuple((id, entry.key[id]) for id in dimensions)
                    values = merged.setdefault((group or "", key), {})
                    values[component.id] = entry.values[component.id]
        for (group, key), values in merged.items():
            yield group, dict(key), values

    # -- rows --------------------------------------------------------------------------------------

    def rows(self, batch: Batch, first: npt.NDArray[np.bool_], started: bool) -> pa.Array:
        """Return the XML of each row, the start of a series before the rows that start one."""
        self.check(batch)
        if self.series_only:
            return self.series_alone(batch)
        name = f"{self.syntax.prefix}Obs"
        key = self.key_pieces(batch, self.at_observation, at_observation=True)
        parts = [f"<{name}>" if self.syntax.is_generic else f"<{name}", *key]
        parts += [self.measure_pieces(batch), *self.attribute_pieces(batch, "observation")]
        parts.append(f"</{name}>\n" if self.syntax.is_generic else "/>\n")
        if self.is_flat:
            return joined(parts)
        heads = self.series_heads(
            batch.take(pa.array(np.flatnonzero(first))), started, bool(first[:1].any())
        )
        return joined([starting_where(first, heads), *parts])

    def series_alone(self, batch: Batch) -> pa.Array:
        """Return each row as a series without observations."""
        name = f"{self.syntax.prefix}Series"
        parts: list[Part] = [
            f"<{name}>" if self.syntax.is_generic else f"<{name}",
            *self.key_pieces(batch, self.at_series, at_observation=False),
            *self.attribute_pieces(batch, "series"),
            f"</{name}>\n" if self.syntax.is_generic else "/>\n",
        ]
        return joined(parts)

    def check(self, batch: Batch) -> None:
        """See to it that rows hold values of the observation only.

        Raises:
            NotExpressibleError: a row holds a value that SDMX-ML 2.1 attaches above it.
        """
        for component in self.attributes("dataset", "group", "series", "observation"):
            column = present(batch, component.id)
            above = attachment(self.dsd, component)[0] != "observation"
            if above and column is not None and column.null_count < len(column):
                raise NotExpressibleError(
                    f"{FORMAT_NAME} has {component.id} above the observation, but rows hold values of it; "
                    "put them in the attributes of the dataset, or write SDMX-CSV 2.1"
                )

    def series_heads(self, batch: Batch, started: bool, is_first: bool) -> pa.Array:
        """Return the start of each series, with the end of the one before."""
        name = f"{self.syntax.prefix}Series"
        close = np.ones(batch.num_rows, bool)
        close[:1] = started or not is_first
        parts: list[Part] = [
            chosen(close, "", f"</{name}>\n"),
            f"<{name}>" if self.syntax.is_generic else f"<{name}",
            *self.key_pieces(batch, self.at_series, at_observation=False),
            *self.attribute_pieces(batch, "series"),
            "\n" if self.syntax.is_generic else ">\n",
        ]
        return joined(parts)

    def key_pieces(self, batch: Batch, ids: Sequence[str], *, at_observation: bool) -> list[Part]:
        """Return the values of dimensions: of a series or of an observation."""
        columns = [(id, present(batch, id)) for id in ids]
        if self.syntax.is_generic and at_observation and not self.is_flat:
            return [
                pieces(column, partial(_observation_dimension, id))
                for id, column in columns
                if column is not None
            ]
        before, after = self.syntax.around("ObsKey" if at_observation else "SeriesKey")
        values = [
            pieces(column, partial(self.syntax.value, id))
            for id, column in columns
            if column is not None
        ]
        return [before, *values, after]

    def measure_pieces(self, batch: Batch) -> Part:
        """Return the observed value, nothing where it is absent."""
        column = present(batch, MEASURE)
        if column is None or MEASURE not in {c.id for c in self.components}:
            return ""
        before, after = (
            ('<gen:ObsValue value="', '"/>') if self.syntax.is_generic else (f' {MEASURE}="', '"')
        )
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        texts = text_pieces(column, _PLAIN, attribute_text)
        written = joined([before, texts, after])
        return pc.if_else(pc.is_null(column), pa.scalar("", pa.large_string()), written)

    def attribute_pieces(self, batch: Batch, level: str) -> list[Part]:
        """Return the attribute values of a level, wrapped where there are any."""
        found: list[Part] = []
        for component in self.attributes(level):
            column = present(batch, component.id)
            if attachment(self.dsd, component)[0] == "dimensions":
                column = self.values_above(component, batch)
            if column is not None:
                found.append(self.value_pieces(component, column))
        if not self.syntax.is_generic or not found:
            return found
        before, after = self.syntax.around("Attributes")
        parts = folded(found)
        if len(parts) == 1 and isinstance(parts[0], Pieces):
            few = parts[0]
            texts = [f"{before}{text}{after}" if text else "" for text in few.texts]
            return [Pieces(texts, few.numbers)]
        inside = joined(parts)
        empty = pc.equal(pc.binary_length(inside), 0)
        return [
            pc.if_else(empty, pa.scalar("", pa.large_string()), joined([before, inside, after]))
        ]

    def value_pieces(self, component: ResolvedComponent, column: pa.Array) -> Pieces:
        """Return the values of an attribute."""
        write: Callable[[str], str] = partial(self.syntax.value, component.id)
        if pa.types.is_list(column.type):
            return list_pieces(column, lambda values: write(text_of(tuple(values))))
        return pieces(column, write)

    def values_above(self, component: ResolvedComponent, batch: Batch) -> pa.Array | None:
        """Return by row the value that holds for its partial key, None where no value is given at all."""
        _, dimensions = attachment(self.dsd, component)
        given = {
            tuple(entry.key[id] for id in dimensions): text_of(entry.values[component.id])
            for entry in self.preamble.attributes
            if component.id in entry.values
        }
        if not given:
            return None
        keys = list(zip(*(_texts(batch, id) for id in dimensions), strict=True))
        self.used.setdefault(component.id, set()).update(keys)
        return pa.array([given.get(key) for key in keys], pa.string())

    def series_without_rows(self) -> Iterator[str]:
        """Yield a series for the values above the observation that no row stands under.

        Raises:
            NotExpressibleError: the values depend on other dimensions than the series.
        """
        merged: dict[tuple[str, ...], dict[str, str]] = {}
        for component in self.attributes("series", "observation"):
            kind, dimensions = attachment(self.dsd, component)
            for entry in self.preamble.attributes if kind == "dimensions" else ():
                if component.id not in entry.values:
                    continue
                key = tuple(entry.key[id] for id in dimensions)
                if key in self.used.get(component.id, ()):
                    continue
                if self.is_flat or set(dimensions) != set(self.at_series):
                    raise NotExpressibleError(
                        f"{FORMAT_NAME} has no place for {component.id} of {dict(entry.key)}, under which "
                        "there is no observation; write SDMX-CSV 2.1 or SDMX-JSON 2.1"
                    )
                values = merged.setdefault(tuple(entry.key[id] for id in self.at_series), {})
                values[component.id] = text_of(entry.values[component.id])
        for whole_key, values in merged.items():
            named = zip(self.at_series, whole_key, strict=True)
            written_key = "".join(self.syntax.value(id, text) for id, text in named)
            written = "".join(self.syntax.value(id, text) for id, text in values.items())
            yield (
                f"<gen:Series><gen:SeriesKey>{written_key}</gen:SeriesKey>"
                f"<gen:Attributes>{written}</gen:Attributes></gen:Series>\n"
                if self.syntax.is_generic
                else f"<Series{written_key}{written}/>\n"
            )

    def closing(self, started: bool) -> str:
        """Return the message from the last row on."""
        is_open = started and not (self.is_flat or self.series_only)
        series = f"</{self.syntax.prefix}Series>\n" if is_open else ""
        series += "".join(self.series_without_rows())
        return f"{series}</mes:DataSet>\n</mes:{self.syntax.root}>\n"


def _observation_dimension(id: str, text: str) -> str:
    return f'<gen:ObsDimension id="{id}" value="{attribute_text(text)}"/>'


def _texts(batch: Batch, id: str) -> list[str | None]:
    column = present(batch, id)
    if column is None:
        return [None] * batch.num_rows
    values, indices = dictionary_of(column)
    return [None if index is None else values[index] for index in indices.to_pylist()]


def _check_structure(syntax: Syntax, dsd: Dsd, options: EncodeOptions) -> None:
    measures = [measure.id for measure in dsd.measures]
    if measures != [MEASURE]:
        raise NotExpressibleError(
            f"{FORMAT_NAME} has exactly one measure, {MEASURE}; {dsd.urn.short} has "
            f"{', '.join(measures) or 'none'}"
        )
    if syntax.is_time_series and observation_ids(dsd, options) != ["TIME_PERIOD"]:
        raise NotExpressibleError(
            f"{syntax.root} has TIME_PERIOD at the observation; ask for it, or for the format without time series"
        )


def _check_above(dsd: Dsd, attributes: Iterable[AttributeValues]) -> None:
    """See to it that values above the observation hold the key that their attribute depends on."""
    for entry in attributes:
        for id in entry.values:
            kind, dimensions = attachment(dsd, dsd[id])
            if kind == "observation" or not set(dimensions) <= set(entry.key):
                raise NotExpressibleError(
                    f"{FORMAT_NAME} cannot attach {id} to the key {dict(entry.key)}: "
                    f"it depends on {', '.join(dimensions) or 'the observation'}"
                )


def encode_ml21(
    syntax: Syntax,
    header: Header,
    datasets: Sequence[PreparedDataset],
    options: EncodeOptions,
) -> Iterator[bytes]:
    """Yield an SDMX-ML 2.1 data message in one of its syntaxes.

    Raises:
        NotExpressibleError: rows with actions of their own, another measure than OBS_VALUE, values attached
            where SDMX 2.1 has no place for them.
    """
    dataset = only_one(datasets, FORMAT_NAME)
    dsd, preamble = dataset.dsd, dataset.preamble
    _check_structure(syntax, dsd, options)
    _check_above(dsd, preamble.attributes)
    rows = peeked(dataset.batches, FORMAT_NAME, row_actions=False)
    ids = set(written_ids(dsd, options))
    at_observation = observation_ids(dsd, options)
    flat = len(at_observation) == len(dsd.key_ids) and len(dsd.key_ids) > 1
    writer = _Writer(
        syntax,
        header,
        dataset.action,
        dsd,
        preamble,
        tuple(c for c in dsd.components if c.id in ids),
        tuple(at_observation),
        "AllDimensions" if flat else at_observation[0],
        options.series_only,
    )
    return _chunks(writer, rows)


def _chunks(writer: _Writer, batches: Iterable[Batch]) -> Iterator[bytes]:
    yield writer.opening().encode()
    positions: Mapping[str, Mapping[str, int]] = positions_of(writer.preamble, writer.dsd)
    at_observation = () if writer.series_only else writer.at_observation
    order = [*writer.at_series, *at_observation]
    outer, inner = (
        (order[:-1], order[-1:]) if writer.is_flat else (writer.at_series, at_observation)
    )
    grouper = Grouper(positions, outer, inner)
    started = False
    for batch in ordered(batches, positions, order, writer.dsd):
        first = grouper.starts(batch)
        yield bytes(content(writer.rows(batch, first, started)))
        started = started or batch.num_rows > 0
    yield writer.closing(started).encode()


encode_structure_specific = partial(encode_ml21, STRUCTURE_SPECIFIC)
encode_generic = partial(encode_ml21, GENERIC)
encode_structure_specific_time_series = partial(encode_ml21, STRUCTURE_SPECIFIC_TIME_SERIES)
encode_generic_time_series = partial(encode_ml21, GENERIC_TIME_SERIES)
