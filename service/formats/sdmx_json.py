"""SDMX-JSON data: the encoder of 1.0, 2.0 and 2.1. sdmx-json, data-message."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from codelists.item_scheme import Code
from codelists.text import DEFAULT_LANGUAGE
from codelists.urn import TYPE_OF_NAME, Urn
from dsd.batch import ANNOTATIONS, Batch
from dsd.dataset import Action, AttributeValues, Preamble, PreparedDataset, SetAttributes
from dsd.localised import is_localised, parse, takes_languages
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.time_period import (
    DEFAULT_START_DAY,
    REPORTING_YEAR_START_DAY,
    PeriodSyntaxError,
    parse_period,
)
from service.formats.attaching import Attacher
from service.formats.columns import (
    Part,
    chosen,
    content,
    joined,
    list_pieces,
    observation_ids,
    peeked,
    pieces,
    present,
    rows_written,
    starting_where,
    text_pieces,
    written_ids,
)
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.grouping import Grouper, ordered, positions_of
from service.formats.json_annotations import AnnotationTable
from service.formats.levels import dimensions_of
from service.formats.localised_texts import in_languages, texts_of
from service.formats.look_ahead import looked_at
from service.formats.names import ALL_LANGUAGES, asked_languages, languages_of, wanted_texts
from service.formats.preamble import joined_preamble
from service.formats.sdmx_csv import sub_fields


@dataclass(frozen=True)
class JsonVersion:
    """One version of SDMX-JSON."""

    number: str
    schema_url: str

    @property
    def name(self) -> str:
        """Name for people."""
        return f"SDMX-JSON {self.number}"

    def word_of(self, action: Action) -> str:
        """Return the word for an action; before 2.1 Append is what Merge means."""
        merged = action is Action.MERGE and self is not JSON_2_1
        return Action.APPEND.value if merged else action.value


JSON_1_0 = JsonVersion("1.0", "https://json.sdmx.org/1.0/sdmx-json-data-schema.json")
JSON_2_0 = JsonVersion("2.0", "https://json.sdmx.org/2.0.0/sdmx-json-data-schema.json")
JSON_2_1 = JsonVersion("2.1", "https://json.sdmx.org/2.1/sdmx-json-data-schema.json")

# What is said of a data set, by the names of the standard; SDMX-JSON has no set id.
_SAID = {
    "reporting_begin": "reportingBegin",
    "reporting_end": "reportingEnd",
    "valid_from": "validFrom",
    "valid_to": "validTo",
    "publication_year": "publicationYear",
    "publication_period": "publicationPeriod",
}

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
    """What is fixed for one data set of a message."""

    version: JsonVersion
    number: int
    """Place of the data set in the message."""
    action: Action
    said: SetAttributes
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
    shared: Preamble
    """What the structure describes: that of the data set, or of all that share the one structure of 1.0."""
    notes: AnnotationTable
    """The annotations that the structure lists."""
    is_shared: bool = False
    """True where dataflows share the structure, which then is that of their data structure."""

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

    @property
    def ids(self) -> set[str]:
        """Ids of the components written."""
        return {component.id for component in self.components}

    def attributes(self) -> list[ResolvedComponent]:
        """Return the attributes written."""
        return [c for c in self.components if c.role is Role.ATTRIBUTE]

    @property
    def is_1_0(self) -> bool:
        """True for SDMX-JSON 1.0, which has neither measures nor groups nor lists of values."""
        return self.version is JSON_1_0

    def measures(self) -> list[ResolvedComponent]:
        """Return the measures written; the first cell of 1.0 is that of the one measure."""
        if self.is_1_0:
            return list(self.dsd.measures)
        return [c for c in self.components if c.role is Role.MEASURE]

    def level_of(self, component: ResolvedComponent) -> str:
        """Return the level at which an attribute is written: that of its values above, else observation."""
        return self.levels[component.id]

    @cached_property
    def levels(self) -> dict[str, str]:
        """The levels at which attributes are written."""
        keys: dict[str, list[set[str]]] = {}
        for entry in self.shared.attributes:
            for id in entry.values:
                keys.setdefault(id, []).append(set(entry.key))
        return {c.id: self._level(keys.get(c.id, [])) for c in self.attributes()}

    def _level(self, keys: Sequence[set[str]]) -> str:
        """Return the level of values that depend on these dimensions.

        What depends on the whole key of a series is written with it, in 1.0, which has no groups, also what depends on a
        part of it.
        """
        if not any(keys):
            return "dataSet" if keys else "observation"
        outer = set() if self.is_flat else {*self.at_dataset, *self.at_series}
        if self.is_1_0:
            return "series" if outer and all(key <= outer for key in keys) else "observation"
        return "series" if outer and all(key == outer for key in keys) else "dimensionGroup"

    @property
    def at_series_level(self) -> list[ResolvedComponent]:
        """The attributes that are written with each series."""
        return [c for c in self.attributes() if self.level_of(c) == "series"]

    # -- before the rows ---------------------------------------------------------------------------

    def opening(self) -> str:
        """Return the data set up to the first series or observation."""
        dataset: dict[str, Any] = {} if self.is_1_0 else {"structure": self.number}
        if self.version is not JSON_2_1:
            dataset["links"] = self.links()
        dataset["action"] = self.version.word_of(self.action)
        for name, member in _SAID.items():
            text = getattr(self.said, name)
            if text is not None:
                dataset[member] = _instant(text) if member.startswith("valid") else text
        noted = self.noted.get("")
        if noted:
            dataset["annotations"] = list(noted)
        dataset |= self.dataset_attributes()
        if not self.noted_series:
            dataset |= self.group_attributes()
        member = "observations" if self.is_flat else "series"
        return f'{dumps(dataset)[:-1]},"{member}":{{'

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
        flow = (not self.is_shared and self.dsd.dataflow) or self.dsd.structure
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
        links = self.links()[-1:] if self.is_shared else self.links()
        common = {"links": links, **self.names(flow.name or flow.id, flow.names)}
        if self.notes.entries:
            common["annotations"] = self.notes.entries
        if self.is_1_0:
            del attributes["dimensionGroup"]
            return common | {"dimensions": dimensions, "attributes": attributes}
        return common | {
            "dimensions": dimensions,
            "measures": {"observation": [self.component(c) for c in self.measures()]},
            "attributes": attributes,
            "dataSets": [self.number],
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
        if component.role in (Role.MEASURE, Role.ATTRIBUTE) and not self.is_1_0:
            found["isMandatory"] = component.is_mandatory
            if component.text_format and component.text_format.data_type and not component.codelist:
                found["format"] = {"dataType": component.text_format.data_type}
            if takes_languages(component):
                found["format"] = {**found.get("format", {}), "isMultiLingual": True}
        if component.role is Role.MEASURE and self.values.get(component.id):
            found["values"] = self.component_values(component)
        return found

    def dimension(self, component: ResolvedComponent, position: int) -> dict[str, Any]:
        """Return a dimension with its values."""
        found = self.component(component) | {"keyPosition": position}
        if component.role is Role.TIME:
            found["roles"] = ["TIME_PERIOD"]
        if self.values[component.id] or self.version is not JSON_2_1:
            found["values"] = self.component_values(component)
        return found

    def attribute(self, component: ResolvedComponent) -> dict[str, Any]:
        """Return an attribute with its relationship and, where it is coded, its values."""
        found = self.component(component) | {"relationship": self.relationship(component)}
        if component.is_multiple and self.version is JSON_2_1:
            found["maxOccurs"] = "unbounded"
        elif component.is_multiple and not self.is_1_0:
            found["format"] = {**found.get("format", {}), "maxOccurs": "unbounded"}
        if self.values.get(component.id) or self.is_1_0:
            found["values"] = self.component_values(component)
        return found

    def relationship(self, component: ResolvedComponent) -> dict[str, Any]:
        """Return what the attribute's value depends on; a group becomes its dimensions."""
        dimensions = dimensions_of(self.dsd, component)
        if dimensions:
            return {"dimensions": list(dimensions)}
        if self.is_1_0:
            return (
                {"none": {}}
                if dimensions is not None
                else {"primaryMeasure": self.measures()[0].id}
            )
        return {"observation": {}} if dimensions is None else {"dataflow": {}}

    def component_values(self, component: ResolvedComponent) -> list[dict[str, Any]]:
        """Return the value objects that rows refer to by their number."""
        return [self.value_object(component, value) for value in self.values.get(component.id, ())]

    def value_object(self, component: ResolvedComponent, value: str) -> dict[str, Any]:
        """Return a code with its names, or an uncoded value as it is."""
        code: Code | None = component.codes.get(value)
        if code is not None:
            found = {"id": value, **self.names(value, code.names)}
            return found | ({"parent": code.parent} if code.parent else {})
        if self.is_1_0 and component.role is Role.ATTRIBUTE:
            return {"name": value}
        if not _ID.fullmatch(value):
            return {"value": value} | self.interval(component, value)
        return {"id": value, "name": value} | self.interval(component, value)

    def interval(self, component: ResolvedComponent, value: str) -> dict[str, str]:
        """Return first and last moment of a time value; nothing where it is no period (the rules say so).

        Nothing either for a reporting period where rows may differ in what starts the year.
        """
        if component.role is not Role.TIME:
            return {}
        try:
            period = parse_period(value, self.start_day or DEFAULT_START_DAY, strict=False)
            first, last = period.first_moment, period.last_moment
        except PeriodSyntaxError:
            return {}
        if period.is_reporting and self.start_day is None:
            return {}
        zone = period.zone_text or "Z"
        return {"start": f"{first.isoformat()}{zone}", "end": f"{last.isoformat()}{zone}"}

    @cached_property
    def start_day(self) -> str | None:
        """The day on which reporting years start, None where it may be another for another row."""
        if REPORTING_YEAR_START_DAY not in self.dsd:
            return DEFAULT_START_DAY
        if dimensions_of(self.dsd, self.dsd[REPORTING_YEAR_START_DAY]) != ():
            return None
        found = (
            entry.values.get(REPORTING_YEAR_START_DAY)
            for entry in self.preamble.attributes
            if not entry.key
        )
        return next((day for day in found if isinstance(day, str)), DEFAULT_START_DAY)

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
        noted = {key: numbers for key, numbers in self.noted.items() if key}
        if not wanted and not noted:
            return {}
        merged: dict[str, dict[str, str | tuple[str, ...]]] = {}
        for entry in self.preamble.attributes:
            merged.setdefault(self.group_key(entry.key), {}).update(entry.values)
        return {
            # 1.0 has no groups; what is noted on one stands where 2.x has it.
            "dimensionGroupAttributes": {
                key: [*(self.given(c, values.get(c.id)) for c in wanted), *noted.get(key, ())]
                for key, values in merged.items()
                if key in noted or any(c.id in values for c in wanted)
            }
        }

    @cached_property
    def positions(self) -> dict[str, dict[str, int]]:
        """The number of each value of a dimension."""
        return {
            id: {value: number for number, value in enumerate(self.values[id])}
            for id in self.dsd.key_ids
        }

    def group_key(self, key: Mapping[str, str]) -> str:
        """Return the key of a group: numbers of values in the order in which the structure describes dimensions."""
        return ":".join(
            str(self.positions[id][key[id]]) if id in key else ""
            for id in (*self.at_dataset, *self.at_series, *self.at_observation)
        )

    @cached_property
    def noted(self) -> dict[str, tuple[int, ...]]:
        """What is noted on the data set (under no key) and on groups and series; that of a series goes as it is written."""
        if not self.writes_annotations:
            return {}
        return {
            self.group_key(entry.key) if entry.key else "": self.notes.numbers(str(noted))
            for entry in self.preamble.attributes
            if (noted := entry.values.get(ANNOTATIONS)) is not None
        }

    @property
    def writes_annotations(self) -> bool:
        """True where annotations are asked for: with all, or by their name."""
        return self.options.component_ids is None or ANNOTATIONS in self.options.component_ids

    @cached_property
    def noted_series(self) -> dict[str, str]:
        """The groups that are series of the layout and have annotations, by the key of the series."""
        if self.is_flat:
            return {}
        outer = {*self.at_dataset, *self.at_series}
        return {
            self.series_key(entry.key): self.group_key(entry.key)
            for entry in self.preamble.attributes
            if ANNOTATIONS in entry.values and self.writes_annotations and entry.key.keys() == outer
        }

    def series_key(self, key: Mapping[str, str]) -> str:
        """Return the key of a series."""
        return ":".join(str(self.positions[id][key[id]]) for id in self.at_series) or "0"

    def series_notes(self, keys: Sequence[Part], end: str) -> list[Part]:
        """Return the member `annotations` of series; those that are not written by it stay those of groups."""
        if not self.noted_series:
            return []
        texts = []
        for key in joined(keys).to_pylist():
            numbers = self.noted.pop(self.noted_series.get(key, ":"), None)
            texts.append(f'"annotations":{dumps(numbers)}{end}' if numbers else "")
        return [pa.array(texts, pa.large_string())]

    def given(self, component: ResolvedComponent, value: str | tuple[str, ...] | None) -> Any:
        """Return a value above the observation as a number of a code, or in place."""
        if value is None:
            return None
        if self.is_1_0:
            text = value if isinstance(value, str) else sub_fields(value)
            return self.values[component.id].index(text)
        if not isinstance(value, str):
            return self.several(component, value)
        if takes_languages(component):
            return self.localised(value)
        if component.id in self.values:
            return self.values[component.id].index(value)
        return value

    def several(self, component: ResolvedComponent, values: Sequence[str]) -> list[Any]:
        """Return several values; of texts in languages all name theirs where one does."""
        found = [self.given(component, text) for text in values]
        if any(isinstance(entry, dict) for entry in found):
            return [{DEFAULT_LANGUAGE: e} if isinstance(e, str) else e for e in found]
        return found

    def localised(self, value: str) -> str | dict[str, str]:
        """Return a text in the languages asked for; one in English alone as it is."""
        wanted = in_languages(value, self.options.languages)
        return parse(wanted) if is_localised(wanted) else wanted

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
        self.check_above(batch, {c.id for c in (*wanted, *self.at_series_level)})
        parts: list[Part] = []
        for component in wanted:
            parts += [","] if parts else []
            column = present(batch, component.id) if component in self.components else None
            parts.append("null" if column is None else self.cell_pieces(component, column))
        noted = present(batch, ANNOTATIONS) if self.writes_annotations else None
        if noted is not None and noted.null_count < len(noted):
            comma = "," if parts else ""
            parts.append(pieces(noted, lambda text: comma + dumps(self.notes.numbers(text))[1:-1]))
        return parts

    def check_above(self, batch: Batch, written: set[str]) -> None:
        """See to it that rows have no values of attributes that the message describes above the observation."""
        for component in self.attributes():
            column = None if component.id in written else present(batch, component.id)
            if column is not None and column.null_count < len(column):
                raise NotExpressibleError(
                    f"{component.id} has values above the observation, but rows hold values of it too, which "
                    f"{self.version.name} has one place for; write SDMX-CSV 2.1"
                )

    def cell_pieces(self, component: ResolvedComponent, column: pa.Array) -> Part:
        """Return the JSON of each value of a column."""
        write = self.write_of(component)
        if pa.types.is_list(column.type) and self.is_1_0:
            return list_pieces(column, lambda values: dumps(sub_fields(values)), "null")
        if pa.types.is_list(column.type) and takes_languages(component):
            return list_pieces(
                column, lambda values: dumps(self.several(component, values)), "null"
            )
        if pa.types.is_list(column.type):
            own = dumps if self.version is JSON_2_0 else write
            return list_pieces(column, lambda values: f"[{','.join(map(own, values))}]", "null")
        data_type = component.text_format.data_type if component.text_format else None
        if component.role is Role.MEASURE and data_type in NUMBER_TYPES and not component.codelist:
            return text_pieces(column, JSON_NUMBER, dumps, "null")
        return pieces(column, write, "null")

    def write_of(self, component: ResolvedComponent) -> Callable[[str], str]:
        """Return the function that writes one value."""
        if takes_languages(component):
            return lambda text: dumps(self.localised(text))
        if component.id in self.values:
            number = {value: str(n) for n, value in enumerate(self.values[component.id])}
            return number.__getitem__
        return lambda text: inline_value(component, text)

    def series_attributes(self, batch: Batch, rows: pa.Array | None, end: str) -> list[Part]:
        """Return the member `attributes` of series, from the rows that start them."""
        wanted = self.at_series_level
        if not wanted:
            return []
        parts: list[Part] = []
        for component in wanted:
            column = present(batch, component.id)
            parts.append("," if parts else '"attributes":[')
            if column is None:
                parts.append("null")
                continue
            column = column if rows is None else column.take(rows)
            parts.append(self.series_cells(component, column))
        return [*parts, "]", end]

    def series_cells(self, component: ResolvedComponent, column: pa.Array) -> Part:
        """Return the JSON of the values of an attribute of series, in 1.0 always numbers."""
        if not self.is_1_0:
            return self.cell_pieces(component, column)
        number = {value: str(n) for n, value in enumerate(self.values[component.id])}
        if pa.types.is_list(column.type):
            return list_pieces(column, lambda values: number[sub_fields(values)], "null")
        return pieces(column, number.__getitem__, "null")

    def series_of(self, entry: AttributeValues) -> str:
        """Return a series that has attributes and no row."""
        given = [self.given(c, entry.values.get(c.id)) for c in self.at_series_level]
        return f'"{self.series_key(entry.key)}":{{"attributes":{dumps(given)}}}'

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
        keys = series or [chosen(closing, "0", "0")]
        heads = joined(
            [
                chosen(closing, "", "}},"),
                '"',
                *keys,
                '":{',
                *self.series_notes(keys, ","),
                *self.series_attributes(batch, rows, ","),
                '"observations":{',
            ]
        )
        return joined(
            [starting_where(first, heads), chosen(~first, "", ","), *self.observation(batch)]
        )

    def observation(self, batch: Batch) -> list[Part]:
        """Return the parts of an observation with its key."""
        key = self.key_pieces(batch, self.at_observation, None)
        return ['"', *key, '":[', *self.observation_pieces(batch), "]"]

    def series_alone(self, batch: Batch) -> list[Part]:
        """Return the parts of a series without observations."""
        key = self.key_pieces(batch, self.at_series, None)
        keys = key or [chosen(np.zeros(batch.num_rows, bool), "0", "0")]
        attributes = self.series_attributes(batch, None, "")
        notes = self.series_notes(keys, "," if attributes else "")
        return ['"', *keys, '":{', *notes, *attributes, "}"]

    def closing(self, started: bool, alone: Sequence[AttributeValues]) -> str:
        """Return the data set from the last row on, first the series that have attributes and no row."""
        groups = self.group_attributes() if self.noted_series else {}
        members = f",{dumps(groups)[1:-1]}" if groups else ""
        end = "" if self.is_one_level or not started else "}}"
        series = ",".join(
            ["", *map(self.series_of, alone)] if started else map(self.series_of, alone)
        )
        return f"{end}{series}}}{members}}}"


def _instant(text: str) -> str:
    """Return a moment as RFC 3339 has it, which asks for a time and its zone; UTC where there is none."""
    moment = text if "T" in text else f"{text}T00:00:00"
    return moment if _ZONE.search(moment) else f"{moment}Z"


_ZONE = re.compile(r"(Z|[+-][0-9]{2}:[0-9]{2})$")


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


def _values_1_0(
    dsd: Dsd,
    preamble: Preamble,
    components: tuple[ResolvedComponent, ...],
    outer: AbstractSet[str],
) -> dict[str, tuple[str, ...]]:
    """Return the same for 1.0: several values are one text, and all values of data set and series stand in a list.

    Raises:
        NotExpressibleError: a value of a dimension is no id.
    """
    found = {
        id: values
        for id, values in _values(dsd, preamble, components).items()
        if id in dsd.key_ids or (dsd[id].role is Role.ATTRIBUTE and not dsd[id].is_multiple)
    }
    for id in dsd.key_ids:
        wrong = next((value for value in found[id] if not _ID.fullmatch(value)), None)
        if wrong is not None:
            raise NotExpressibleError(
                f"{id}={wrong!r} is no id, which SDMX-JSON 1.0 wants of a dimension; write SDMX-JSON 2.1"
            )
    for entry in preamble.attributes:
        for id, value in entry.values.items() if entry.key.keys() <= outer else ():
            text = value if isinstance(value, str) else sub_fields(value)
            found[id] = tuple(dict.fromkeys([*found.get(id, ()), text]))
    return found


def _writer(
    version: JsonVersion,
    number: int,
    dataset: PreparedDataset,
    options: EncodeOptions,
    shared: Preamble | None = None,
    notes: AnnotationTable | None = None,
    *,
    is_shared: bool = False,
) -> _Writer:
    dsd, preamble = dataset.dsd, dataset.preamble
    shared = shared or preamble
    ids = set(written_ids(dsd, options))
    components = tuple(c for c in dsd.components if c.id in ids)
    at_observation = observation_ids(dsd, options)
    if version is JSON_1_0:
        outer = {id for id in dsd.key_ids if id not in at_observation}
        values = _values_1_0(dsd, shared, components, outer)
    else:
        values = _values(dsd, shared, components)
    if version is JSON_2_0:
        # Its schema takes no list of whole numbers for valid (they are numbers too, in a `oneOf`): lists hold texts.
        values = {id: own for id, own in values.items() if not dsd[id].is_multiple}
    packed = [
        id
        for id in dsd.key_ids
        if options.pack_single_values
        and len(values[id]) == 1
        and (id not in at_observation or len(at_observation) > 1)
    ]
    if len(packed) == len(dsd.key_ids):
        # An observation has a key of one number at least.
        packed.remove(at_observation[-1])
    if dataset.said.set_id is not None:
        raise NotExpressibleError(f"{version.name} has no id of a data set; write SDMX-ML")
    return _Writer(
        version,
        number,
        dataset.action,
        dataset.said,
        dsd,
        preamble,
        options,
        components,
        tuple(id for id in at_observation if id not in packed),
        tuple(packed),
        tuple(id for id in dsd.key_ids if id not in at_observation and id not in packed),
        values,
        shared,
        notes or AnnotationTable(options.languages),
        is_shared,
    )


def encode_json(
    header: Header, datasets: Sequence[PreparedDataset], options: EncodeOptions
) -> Iterator[bytes]:
    """Yield an SDMX-JSON 2.1 data message, grouped by series or (AllDimensions) flat.

    Each data set has a structure of its own. Values above the observation go to the dataset, to its series or to
    `dimensionGroupAttributes`; a series may have attributes and no observations. Beside series without observations TIME_PERIOD is described, since keys of groups
    have its place, but has no values.

    Raises:
        NotExpressibleError: rows with actions of their own; an unknown dimension at the observation; a set id.
    """
    return _encode_2(JSON_2_1, header, datasets, options)


def encode_json_2_0(
    header: Header, datasets: Sequence[PreparedDataset], options: EncodeOptions
) -> Iterator[bytes]:
    """Yield the same as SDMX-JSON 2.0, where Merge is written as Append, which means the same."""
    return _encode_2(JSON_2_0, header, datasets, options)


def encode_json_1_0(
    header: Header, datasets: Sequence[PreparedDataset], options: EncodeOptions
) -> Iterator[bytes]:
    """Yield an SDMX-JSON 1.0 data message: data sets of one data structure, which has one measure.

    SDMX 2.1, of which it is, has one primary measure a structure: `structure` describes none, and an observation starts
    with its value. All data sets refer to the one structure; each names its own dataflow in its links. Values above the
    observation stand at the data set, at each series, or where they depend on more than that, on each observation;
    several values of an attribute are one text, joined by `;`.

    Raises:
        NotExpressibleError: also data sets of several structures, several measures, values of dimensions that are no
            ids, deletions above the observation, and a value above the observation that holds for none (which shows at
            the end).
    """
    structures = {dataset.dsd.structure.urn: dataset.dsd for dataset in datasets}
    if len(structures) != 1:
        raise NotExpressibleError(
            f"SDMX-JSON 1.0 holds data of one data structure, not of {len(structures)}; write SDMX-JSON 2.1"
        )
    (dsd,) = structures.values()
    if len(dsd.measures) != 1:
        raise NotExpressibleError(
            f"SDMX-JSON 1.0 has one measure, {dsd.urn.short} {len(dsd.measures)}; write SDMX-JSON 2.1"
        )
    for dataset in datasets:
        above = [e for e in dataset.preamble.attributes if e.key and {*e.values} - {ANNOTATIONS}]
        if dataset.action is Action.DELETE and above:
            raise NotExpressibleError(
                f"SDMX-JSON 1.0 cannot delete {', '.join(above[0].values)} of {above[0].key}, above the observation; "
                "write SDMX-JSON 2.1"
            )
    shared = datasets[0].preamble
    if len(datasets) > 1:
        shared = joined_preamble(dsd, [dataset.preamble for dataset in datasets])
    is_shared = len({(dataset.dsd.urn, dataset.dsd.agreement) for dataset in datasets}) > 1
    notes = AnnotationTable(options.languages)
    writers = [
        _writer(JSON_1_0, number, dataset, options, shared, notes, is_shared=is_shared)
        for number, dataset in enumerate(datasets)
    ]
    return _encode(JSON_1_0, header, datasets, writers)


def _encode_2(
    version: JsonVersion,
    header: Header,
    datasets: Sequence[PreparedDataset],
    options: EncodeOptions,
) -> Iterator[bytes]:
    writers = [
        _writer(version, number, dataset, options) for number, dataset in enumerate(datasets)
    ]
    return _encode(version, header, datasets, writers)


def _encode(
    version: JsonVersion,
    header: Header,
    datasets: Sequence[PreparedDataset],
    writers: Sequence[_Writer],
) -> Iterator[bytes]:
    rows = [
        peeked(rows_written(dataset, writer.ids), version.name, row_actions=False)
        for writer, dataset in zip(writers, datasets, strict=True)
    ]
    return _chunks(version, header, writers, rows)


def _message_opening(version: JsonVersion, header: Header, writers: Sequence[_Writer]) -> str:
    """Return the message up to its first data set."""
    languages = dict.fromkeys(tag for writer in writers for tag in writer.languages())
    meta: dict[str, Any] = {} if version is JSON_2_1 else {"schema": version.schema_url}
    meta |= {
        "id": header.id,
        "test": header.test,
        "prepared": header.prepared.isoformat(timespec="seconds"),
        "contentLanguages": list(languages) or [DEFAULT_LANGUAGE],
        "sender": {"id": header.sender},
    }
    described = writers[:1] if version is JSON_1_0 else writers
    structures = [writer.structure() for writer in described]
    start = f'"$schema":{dumps(version.schema_url)},' if version is JSON_2_1 else ""
    stated = (
        f'"structure":{dumps(structures[0])}'
        if version is JSON_1_0
        else f'"structures":{dumps(structures)}'
    )
    return f'{{{start}"meta":{dumps(meta)},"data":{{{stated},"dataSets":['


def _chunks(
    version: JsonVersion,
    header: Header,
    writers: Sequence[_Writer],
    rows: Sequence[Iterator[Batch]],
) -> Iterator[bytes]:
    with ExitStack() as stack:
        known = [
            _with_notes(writer, batches, stack)
            for writer, batches in zip(writers, rows, strict=True)
        ]
        yield _message_opening(version, header, writers).encode()
        for number, (writer, batches) in enumerate(zip(writers, known, strict=True)):
            yield b"," if number else b""
            yield from _data_set(writer, _Attached(writer, batches))
        yield b"]}}"


def _with_notes(writer: _Writer, batches: Iterator[Batch], stack: ExitStack) -> Iterator[Batch]:
    """Return the rows after the structure knows what is noted on them.

    Where the preamble does not say it and the first rows have annotations, all are looked at.
    """
    if not writer.writes_annotations:
        return batches
    for entry in writer.preamble.attributes:
        if (noted := entry.values.get(ANNOTATIONS)) is not None:
            writer.notes.add(str(noted))
    told = writer.preamble.codes.get(ANNOTATIONS)
    for text in told or ():
        writer.notes.add(text)
    first = next(batches, None)
    if first is None:
        return batches
    whole = chain([first], batches)
    if told is not None or ANNOTATIONS not in first.schema.names:
        return whole

    def look(batch: Batch) -> None:
        column = present(batch, ANNOTATIONS)
        for text in () if column is None else texts_of(column):
            writer.notes.add(text)

    return looked_at(whole, look, stack)


class _Attached:
    """Rows with the values above them that their layout writes on observations or series.

    After the last row, `alone` are the values of series that have no row.
    """

    def __init__(self, writer: _Writer, batches: Iterable[Batch]) -> None:
        self._writer = writer
        self._batches = batches
        self._at_series = {c.id for c in writer.at_series_level}
        ids = set(self._at_series)
        if writer.is_1_0:
            ids |= {c.id for c in writer.attributes() if writer.level_of(c) == "observation"}
        entries = writer.preamble.attributes if ids else ()
        self._attacher = Attacher(writer.dsd, entries, ids)
        self.alone: list[AttributeValues] = []

    def __iter__(self) -> Iterator[Batch]:
        described = {c.id for c in self._writer.attributes()} - self._at_series
        for batch in self._batches:
            self._writer.check_above(batch, described)
            yield self._attacher.attach(batch)
        outer = {*self._writer.at_dataset, *self._writer.at_series}
        for entry in self._attacher.unused():
            if entry.key.keys() != outer or not entry.values.keys() <= self._at_series:
                raise NotExpressibleError(
                    f"{', '.join(entry.values)} for {entry.key} holds for no observation, and SDMX-JSON 1.0 has no other "
                    "place; write SDMX-JSON 2.1"
                )
            self.alone.append(entry)


def _data_set(writer: _Writer, attached: _Attached) -> Iterator[bytes]:
    yield writer.opening().encode()
    positions = positions_of(writer.preamble, writer.dsd)
    outer = [id for id in writer.dsd.key_ids if id not in writer.at_observation]
    inner = [] if writer.options.series_only else list(writer.at_observation)
    order = list(writer.dsd.key_ids) if writer.is_flat else [*outer, *inner]
    grouper = Grouper(positions, order, ()) if writer.is_flat else Grouper(positions, outer, inner)
    started = False
    for batch in ordered(attached, positions, order, writer.dsd):
        first = grouper.starts(batch)
        yield bytes(content(writer.rows(batch, first, started)))
        started = started or batch.num_rows > 0
    yield writer.closing(started, attached.alone).encode()
