"""SDMX-JSON 2.1 data: the encoder. sdmx-json 2.1.0, data-message."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from codelists.item_scheme import Code
from codelists.urn import TYPE_OF_NAME, Urn
from dsd.batch import Batch
from dsd.dataset import Action, AttributeValues, Preamble, PreparedDataset
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.time_period import PeriodSyntaxError, parse_period
from service.formats.columns import (
    Part,
    chosen,
    content,
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
from service.formats.contract import EncodeOptions, Header
from service.formats.grouping import Grouper, ordered, positions_of
from service.formats.levels import dimensions_of
from service.formats.names import ALL_LANGUAGES, asked_languages, languages_of, wanted_texts

FORMAT_NAME = "SDMX-JSON 2.1"
SCHEMA_URL = "https://json.sdmx.org/2.1/sdmx-json-data-schema.json"

# Data types whose values are JSON numbers (field guide, "Mapping of SDMX data types").
NUMBER_TYPES = frozenset(("Integer", "Count", "Numeric", "Long", "Short", "Float", "Double"))
# A number whose digits a reader gets back as they are; -0 is none, since readers make it 0.
JSON_NUMBER = r"^(?:0|-?[1-9][0-9]{0,17}|-?(?:0|[1-9][0-9]*)\.[0-9]+)$"
_NUMBER_PATTERN = re.compile(JSON_NUMBER)
_ID = re.compile(r"[A-Za-z0-9_@$-]+")


def dumps(value: object) -> str:
    """Return compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def inline_value(component: ResolvedComponent, text: str) -> str:
    """Return the JSON of an uncoded value: a number where the data type says so and no digit is lost."""
    data_type = component.text_format.data_type if component.text_format else None
    if data_type in NUMBER_TYPES and _NUMBER_PATTERN.fullmatch(text):
        return text
    return dumps(text)


@dataclass(frozen=True)
class _Writer:
    """What is fixed for one message."""

    header: Header
    action: Action
    dsd: Dsd
    preamble: Preamble
    options: EncodeOptions
    components: tuple[ResolvedComponent, ...]
    at_observation: tuple[str, ...]
    at_dataset: tuple[str, ...]
    """Dimensions with one value, stated once for the dataset."""
    at_series: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    """Values by component that observations refer to by number."""

    @property
    def is_flat(self) -> bool:
        """True where there is no series level."""
        return (
            not self.at_series
            and len(self.at_observation) + len(self.at_dataset) == len(self.dsd.key_ids)
            and self.options.dimension_at_observation == "AllDimensions"
        )

    @property
    def is_one_level(self) -> bool:
        """True where each row is an entry by itself: an observation without series, or the other way round."""
        return self.is_flat or self.options.series_only

    def attributes(self) -> list[ResolvedComponent]:
        """Return the attributes written."""
        return [c for c in self.components if c.role is Role.ATTRIBUTE]

    def measures(self) -> list[ResolvedComponent]:
        """Return the measures written."""
        return [c for c in self.components if c.role is Role.MEASURE]

    def level_of(self, component: ResolvedComponent) -> str:
        """Return the level at which an attribute is written: that of its values above, else observation."""
        above = [entry for entry in self.preamble.attributes if component.id in entry.values]
        if not above:
            return "observation"
        return "dimensionGroup" if any(entry.key for entry in above) else "dataSet"

    # -- before the rows ---------------------------------------------------------------------------

    def opening(self) -> str:
        """Return the message up to the first series or observation."""
        structure = self.structure()
        meta: dict[str, Any] = {
            "id": self.header.id,
            "test": self.header.test,
            "prepared": self.header.prepared.isoformat(timespec="seconds"),
            "contentLanguages": list(self.languages()),
            "sender": {"id": self.header.sender},
        }
        dataset: dict[str, Any] = {"structure": 0, "action": self.action.value}
        dataset |= self.dataset_attributes() | self.group_attributes()
        member = "observations" if self.is_flat else "series"
        data = (
            f'{{"structures":[{dumps(structure)}],"dataSets":[{dumps(dataset)[:-1]},"{member}":{{'
        )
        return f'{{"$schema":{dumps(SCHEMA_URL)},"meta":{dumps(meta)},"data":{data}'

    def languages(self) -> tuple[str, ...]:
        """Return the languages of the names in the message, the main one first."""
        flow = self.dsd.dataflow or self.dsd.structure
        texts = [flow.names, *(c.concept.names for c in self.components)]
        return languages_of([text for text in texts if text], self.languages_asked)

    @property
    def languages_asked(self) -> tuple[str, ...]:
        """Return the languages asked for, best first."""
        return self.options.languages

    def structure(self) -> dict[str, Any]:
        """Return the structure object: components with their values by level."""
        flow = self.dsd.dataflow or self.dsd.structure
        dimensions: dict[str, list[dict[str, Any]]] = {
            "dataSet": [],
            "series": [],
            "observation": [],
        }
        for position, id in enumerate(self.dsd.key_ids):
            level = (
                "observation"
                if id in self.at_observation
                else "dataSet"
                if id in self.at_dataset
                else "series"
            )
            dimensions[level].append(self.dimension(self.dsd[id], position))
        attributes: dict[str, list[dict[str, Any]]] = {
            "dataSet": [],
            "dimensionGroup": [],
            "series": [],
            "observation": [],
        }
        for component in self.attributes():
            attributes[self.level_of(component)].append(self.attribute(component))
        return {
            "links": self.links(),
            **self.names(flow.name or flow.id, flow.names),
            "dimensions": dimensions,
            "measures": {"observation": [self.component(c) for c in self.measures()]},
            "attributes": attributes,
            "dataSets": [0],
        }

    def links(self) -> list[dict[str, str]]:
        """Return the links, the URN of the requested context first (field guide, "structure")."""
        urns: list[Urn] = []
        if self.dsd.agreement:
            urns.append(self.dsd.agreement)
        if self.dsd.dataflow:
            urns.append(self.dsd.dataflow.urn)
        urns.append(self.dsd.structure.urn)
        return [{"rel": TYPE_OF_NAME[urn.type].resource, "urn": str(urn)} for urn in urns]

    def names(self, fallback: str, texts: Mapping[str, str]) -> dict[str, Any]:
        """Return `name` in the best language and, where several are asked for, `names`."""
        asked = asked_languages(self.languages_asked)
        wanted = wanted_texts(texts, (*asked, "en"))
        best = next(iter(wanted_texts(texts, (language,)) for language in asked), wanted)
        found: dict[str, Any] = {"name": next(iter(best.values()), fallback)}
        if texts and (len(self.languages_asked) > 1 or ALL_LANGUAGES in self.languages_asked):
            found["names"] = wanted_texts(texts, self.languages_asked)
        return found

    def component(self, component: ResolvedComponent) -> dict[str, Any]:
        """Return what dimensions, measures and attributes have in common."""
        found = {"id": component.id, **self.names(component.id, component.concept.names)}
        if component.role in (Role.MEASURE, Role.ATTRIBUTE):
            found["isMandatory"] = component.is_mandatory
            if component.text_format and component.text_format.data_type and not component.codelist:
                found["format"] = {"dataType": component.text_format.data_type}
        if component.role is Role.MEASURE and component.id in self.values:
            found["values"] = self.component_values(component)
        return found

    def dimension(self, component: ResolvedComponent, position: int) -> dict[str, Any]:
        """Return a dimension with its values."""
        found = self.component(component) | {"keyPosition": position}
        if component.role is Role.TIME:
            found["roles"] = ["TIME_PERIOD"]
        if self.values[component.id]:
            found["values"] = self.component_values(component)
        return found

    def attribute(self, component: ResolvedComponent) -> dict[str, Any]:
        """Return an attribute with its relationship and, where it is coded, its values."""
        found = self.component(component) | {"relationship": self.relationship(component)}
        if component.is_multiple:
            found["maxOccurs"] = "unbounded"
        if self.values.get(component.id):
            found["values"] = self.component_values(component)
        return found

    def relationship(self, component: ResolvedComponent) -> dict[str, Any]:
        """Return what the attribute's value depends on; a group becomes its dimensions."""
        dimensions = dimensions_of(self.dsd, component)
        if dimensions is None:
            return {"observation": {}}
        return {"dimensions": list(dimensions)} if dimensions else {"dataflow": {}}

    def component_values(self, component: ResolvedComponent) -> list[dict[str, Any]]:
        """Return the value objects that rows refer to by their number."""
        return [self.value_object(component, value) for value in self.values[component.id]]

    def value_object(self, component: ResolvedComponent, value: str) -> dict[str, Any]:
        """Return a code with its names, or an uncoded value as it is."""
        code: Code | None = component.codes.get(value)
        if code is not None:
            found = {"id": value, **self.names(value, code.names)}
            return found | ({"parent": code.parent} if code.parent else {})
        if not _ID.fullmatch(value):
            return {"value": value} | _interval(component, value)
        return {"id": value, "name": value} | _interval(component, value)

    # -- values above the observation ----------------------------------------------------------------

    def dataset_attributes(self) -> dict[str, Any]:
        """Return the values that hold for the whole dataset."""
        wanted = [c for c in self.attributes() if self.level_of(c) == "dataSet"]
        given: dict[str, str | tuple[str, ...]] = {}
        for entry in self.preamble.attributes:
            given |= entry.values
        return {"attributes": [self.given(c, given.get(c.id)) for c in wanted]} if wanted else {}

    def group_attributes(self) -> dict[str, Any]:
        """Return the values of partial keys; a key names all dimensions, empty where it does not depend."""
        wanted = [c for c in self.attributes() if self.level_of(c) == "dimensionGroup"]
        if not wanted:
            return {}
        merged: dict[str, dict[str, str | tuple[str, ...]]] = {}
        for entry in self.preamble.attributes:
            merged.setdefault(self.group_key(entry), {}).update(entry.values)
        return {
            "dimensionGroupAttributes": {
                key: [self.given(c, values.get(c.id)) for c in wanted]
                for key, values in merged.items()
                if any(c.id in values for c in wanted)
            }
        }

    def group_key(self, entry: AttributeValues) -> str:
        """Return the key of a group: numbers of values in the order of the DSD."""
        return ":".join(
            str(self.values[id].index(entry.key[id])) if id in entry.key else ""
            for id in self.dsd.key_ids
        )

    def given(self, component: ResolvedComponent, value: str | tuple[str, ...] | None) -> Any:
        """Return a value above the observation as a number of a code, or in place."""
        if value is None:
            return None
        if not isinstance(value, str):
            return [self.given(component, text) for text in value]
        if component.id in self.values:
            return self.values[component.id].index(value)
        return value

    # -- rows --------------------------------------------------------------------------------------

    def key_pieces(self, batch: Batch, ids: Iterable[str], rows: pa.Array | None) -> list[Part]:
        """Return the parts of a key `0:3:1`."""
        parts: list[Part] = []
        for id in ids:
            column = present(batch, id)
            if column is None:
                continue
            column = column if rows is None else column.take(rows)
            number = {value: str(n) for n, value in enumerate(self.values[id])}
            parts += [":"] if parts else []
            parts.append(pieces(column, number.__getitem__))
        return parts

    def observation_pieces(self, batch: Batch) -> list[Part]:
        """Return the parts of an observation's array: measures, then attributes of the observation."""
        wanted = [
            *self.measures(),
            *(c for c in self.attributes() if self.level_of(c) == "observation"),
        ]
        parts: list[Part] = []
        for component in wanted:
            parts += [","] if parts else []
            column = present(batch, component.id)
            parts.append("null" if column is None else self.cell_pieces(component, column))
        return parts

    def cell_pieces(self, component: ResolvedComponent, column: pa.Array) -> Part:
        """Return the JSON of each value of a column."""
        write = self.write_of(component)
        if pa.types.is_list(column.type):
            return list_pieces(column, lambda values: f"[{','.join(map(write, values))}]", "null")
        data_type = component.text_format.data_type if component.text_format else None
        if component.role is Role.MEASURE and data_type in NUMBER_TYPES and not component.codelist:
            return text_pieces(column, JSON_NUMBER, dumps, "null")
        return pieces(column, write, "null")

    def write_of(self, component: ResolvedComponent) -> Callable[[str], str]:
        """Return the function that writes one value."""
        if component.id in self.values:
            number = {value: str(n) for n, value in enumerate(self.values[component.id])}
            return number.__getitem__
        return lambda text: inline_value(component, text)

    def rows(self, batch: Batch, first: npt.NDArray[np.bool_], started: bool) -> pa.Array:
        """Return the JSON of each row, a new series before the rows that start one."""
        if self.is_one_level:
            comma = np.ones(batch.num_rows, bool)
            comma[:1] = started
            entry = self.observation(batch) if self.is_flat else self.series_alone(batch)
            return joined([chosen(comma, "", ","), *entry])
        rows = pa.array(np.flatnonzero(first))
        series = self.key_pieces(batch, self.at_series, rows)
        closing = np.ones(len(rows), bool)
        if len(rows) and first[0]:
            closing[0] = started
        heads = joined([chosen(closing, "", "}},"), '"', *(series or ["0"]), '":{"observations":{'])
        return joined(
            [starting_where(first, heads), chosen(~first, "", ","), *self.observation(batch)]
        )

    def observation(self, batch: Batch) -> list[Part]:
        """Return the parts of an observation with its key."""
        key = self.key_pieces(batch, self.at_observation, None)
        return ['"', *key, '":[', *self.observation_pieces(batch), "]"]

    def series_alone(self, batch: Batch) -> list[Part]:
        """Return the parts of a series without observations."""
        return ['"', *(self.key_pieces(batch, self.at_series, None) or ["0"]), '":{}']

    def closing(self, started: bool) -> str:
        """Return the message from the last row on."""
        return ("" if self.is_one_level or not started else "}}") + "}}]}}"


def _interval(component: ResolvedComponent, value: str) -> dict[str, str]:
    """Return first and last moment of a time value; nothing where it is no period (the rules say so)."""
    if component.role is not Role.TIME:
        return {}
    try:
        period = parse_period(value)
    except PeriodSyntaxError:
        return {}
    return {
        "start": f"{period.first_moment.isoformat()}Z",
        "end": f"{period.last_moment.isoformat()}Z",
    }


def _values(
    dsd: Dsd, preamble: Preamble, components: tuple[ResolvedComponent, ...]
) -> dict[str, tuple[str, ...]]:
    """Return the values of all dimensions and coded components, those above the observation included."""
    found: dict[str, dict[str, None]] = {}
    for component in components:
        if component.id in dsd.key_ids or component.codelist is not None:
            stated = preamble.codes.get(component.id)
            # A preamble that does not speak of a coded component leaves its whole code list.
            found[component.id] = dict.fromkeys(stated if stated is not None else component.codes)
    for entry in preamble.attributes:
        for id, value in (*entry.key.items(), *entry.values.items()):
            if id in found:
                found[id] |= dict.fromkeys((value,) if isinstance(value, str) else value)
    return {id: tuple(values) for id, values in found.items()}


def _writer(header: Header, dataset: PreparedDataset, options: EncodeOptions) -> _Writer:
    dsd, preamble = dataset.dsd, dataset.preamble
    ids = set(written_ids(dsd, options))
    components = tuple(c for c in dsd.components if c.id in ids)
    values = _values(dsd, preamble, components)
    at_observation = observation_ids(dsd, options)
    packed = [
        id
        for id in dsd.key_ids
        if options.pack_single_values
        and len(values[id]) == 1
        and (id not in at_observation or len(at_observation) > 1)
    ]
    return _Writer(
        header,
        dataset.action,
        dsd,
        preamble,
        options,
        components,
        tuple(id for id in at_observation if id not in packed),
        tuple(packed),
        tuple(id for id in dsd.key_ids if id not in at_observation and id not in packed),
        values,
    )


def encode_json(
    header: Header, datasets: Sequence[PreparedDataset], options: EncodeOptions
) -> Iterator[bytes]:
    """Yield an SDMX-JSON 2.1 data message, grouped by series or (AllDimensions) flat.

    Values above the observation go to the dataset or to `dimensionGroupAttributes`. Beside series without
    observations TIME_PERIOD is described, since keys of groups have its place, but has no values.

    Raises:
        NotExpressibleError: rows with actions of their own; an unknown dimension at the observation.
    """
    dataset = only_one(datasets, FORMAT_NAME)
    rows = peeked(dataset.batches, FORMAT_NAME, row_actions=False)
    return _chunks(_writer(header, dataset, options), rows)


def _chunks(writer: _Writer, batches: Iterable[Batch]) -> Iterator[bytes]:
    yield writer.opening().encode()
    positions = positions_of(writer.preamble, writer.dsd)
    outer = [id for id in writer.dsd.key_ids if id not in writer.at_observation]
    inner = [] if writer.options.series_only else list(writer.at_observation)
    order = list(writer.dsd.key_ids) if writer.is_flat else [*outer, *inner]
    grouper = Grouper(positions, order, ()) if writer.is_flat else Grouper(positions, outer, inner)
    started = False
    for batch in ordered(batches, positions, order, writer.dsd):
        first = grouper.starts(batch)
        yield bytes(content(writer.rows(batch, first, started)))
        started = started or batch.num_rows > 0
    yield writer.closing(started).encode()
