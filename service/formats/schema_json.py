"""The JSON Schema of SDMX-JSON data for one DSD, in SDMX-JSON 2.0 and 2.1.

SDMX-REST 2.2.2, doc/schema.md: schema formats "are meant to be used for validation purposes". SDMX has no rules for
such a schema as it has for XML: this one adds to the official schema which components there are, where each may stand
and which values it may have. A message writes its keys and values as places in lists of codes, which the lists check.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from codelists.representation import TextFormat
from dsd.resolved import Dsd, ResolvedComponent, Role
from service.formats.columns import observation_ids
from service.formats.contract import EncodeOptions, NotExpressibleError, SchemaOptions
from service.formats.sdmx_ml_layout import structure_urn

Schema = dict[str, Any]

_OFFICIAL = {
    "2.0": "https://json.sdmx.org/2.0.0/sdmx-json-data-schema.json",
    "2.1": "https://json.sdmx.org/2.1/sdmx-json-data-schema.json",
}
DIALECT = "https://json-schema.org/draft/2019-09/schema"
_LEVELS = ("dataSet", "dimensionGroup", "series", "observation")
_WHOLE = frozenset(("BigInteger", "Count", "Integer", "Long", "Short"))
_NUMBERS = _WHOLE | {
    *("Decimal", "Double", "ExclusiveValueRange", "Float", "InclusiveValueRange", "Incremental")
}
_WHOLE_TEXT = r"^[+-]?[0-9]+$"
_ZONE = r"(Z|[+-][0-9]{2}:[0-9]{2})?"
_PERIOD = (
    r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01])(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?)?)?"
    rf"|-A1|-S[12]|-T[1-3]|-Q[1-4]|-M(0[1-9]|1[0-2])|-W[0-5][0-9]|-D[0-3][0-9]{{2}})?{_ZONE}(/P.+)?$"
)
"""A period as SDMX writes it (SDMX 3.1 Section 6, 4.2 "Time and time format")."""
_NUMBER_TEXT = r"^([+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|[+-]?INF)$"


def make_json_schema(version: str, dsd: Dsd, options: SchemaOptions) -> bytes:
    """Return the JSON Schema of data messages of a DSD, as seen through its dataflow or agreement.

    Args:
        version: of SDMX-JSON: 2.0 or 2.1.
        dsd: with its constraints.
        options: which messages. What deletes may leave out dimensions, and have any value.

    Raises:
        NotExpressibleError: the dimension at the observation is not in the DSD, or measures are to be explicit.
    """
    if options.explicit_measures:
        raise NotExpressibleError("explicit measures are SDMX-ML 2.1 alone: ask for its XML schema")
    ids = observation_ids(dsd, EncodeOptions(options.dimension_at_observation))
    found = _JsonSchema(dsd, tuple(ids), options.deletion)
    own = {"properties": {"data": found.data()}, "required": ["data"]}
    schema = {
        "$schema": DIALECT,
        "title": f"SDMX-JSON {version} data of {structure_urn(dsd)}, {options.dimension_at_observation} at the observation",
        "allOf": [{"$ref": _OFFICIAL[version]}, own],
        "definitions": found.definitions(),
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=1) + b"\n"


@dataclass(frozen=True)
class _JsonSchema:
    dsd: Dsd
    at_observation: tuple[str, ...]
    deletion: bool

    def definitions(self) -> Schema:
        """Return what the description of each component may hold."""
        return {component.id: self._component(component) for component in self.dsd.components}

    def data(self) -> Schema:
        """Return the schema of `data`."""
        found: Schema = {
            "properties": {"structures": {"items": self._structure()}},
            "required": ["structures"],
        }
        if len(self.dsd.measures) == 1 and not self.deletion:
            measured = {"properties": {"observation": {"minItems": 1}}, "required": ["observation"]}
            described = {"properties": {"measures": measured}, "required": ["measures"]}
            found["if"] = {"properties": {"structures": {"items": described}}}
            data_set = self._data_set(self.dsd.measures[0])
            found["then"] = {"properties": {"dataSets": {"items": data_set}}}
        return found

    def _structure(self) -> Schema:
        urn = {"properties": {"urn": {"const": str(structure_urn(self.dsd))}}, "required": ["urn"]}
        measures = [component.id for component in self.dsd.measures]
        attributes = [component.id for component in self.dsd.attributes]
        return {
            "properties": {
                "links": {"contains": urn},
                "dimensions": self._dimensions(),
                "measures": _levels(measures),
                "attributes": _levels(attributes),
            },
            "required": ["dimensions"],
        }

    def _dimensions(self) -> Schema:
        keys = self.dsd.key_ids
        above = [id for id in keys if id not in self.at_observation]
        # A dimension that has one value may stand once for the whole data set.
        places = {"dataSet": list(keys), "series": above, "observation": list(self.at_observation)}
        found: Schema = {
            "properties": {level: {"items": _one_of(ids)} for level, ids in places.items()}
        }
        if not self.deletion:
            found["allOf"] = [_stands_somewhere(id, places) for id in keys]
        return found

    def _component(self, component: ResolvedComponent) -> Schema:
        free = self.deletion and component.role in (Role.MEASURE, Role.ATTRIBUTE)
        if free:
            return {}
        if component.role is Role.TIME:
            period = {"pattern": _PERIOD}
            return {
                "properties": {"values": {"items": {"properties": {"id": period, "value": period}}}}
            }
        if component.codelist is not None:
            codes = [code.id for code in component.allowed_codes]
            coded = {"properties": {"id": {"enum": codes}}, "required": ["id"]}
            return {"properties": {"values": {"items": {"if": {"type": "object"}, "then": coded}}}}
        value = _value(component)
        inside = {
            "if": {"type": "object"},
            "then": {"properties": {"id": value, "value": value}},
            "else": value,
        }
        return {"properties": {"values": {"items": inside}}}

    def _data_set(self, measure: ResolvedComponent) -> Schema:
        """Return what observations hold that have the one measure: its value comes first."""
        if measure.codelist is not None or measure.is_multiple:
            return {}
        first = {"items": [{"anyOf": [{"type": "null"}, _value(measure)]}]}
        observations = {"additionalProperties": first}
        series = {"additionalProperties": {"properties": {"observations": observations}}}
        return {"properties": {"observations": observations, "series": series}}


def _levels(ids: list[str]) -> Schema:
    return {"properties": {level: {"items": _one_of(ids)} for level in _LEVELS}}


def _one_of(ids: Iterable[str]) -> Schema:
    """Return the schema of the description of one of some components."""
    known = list(ids)
    if not known:
        return {"not": {}}
    return {
        "properties": {"id": {"enum": known}},
        "required": ["id"],
        "allOf": [
            {
                "if": {"properties": {"id": {"const": id}}, "required": ["id"]},
                "then": {"$ref": f"#/definitions/{id}"},
            }
            for id in known
        ],
    }


def _stands_somewhere(id: str, places: dict[str, list[str]]) -> Schema:
    named = {"contains": {"properties": {"id": {"const": id}}, "required": ["id"]}}
    return {
        "anyOf": [
            {"properties": {level: named}, "required": [level]}
            for level, ids in places.items()
            if id in ids
        ]
    }


def _value(component: ResolvedComponent) -> Schema:
    """Return the schema of one value of a component without code list."""
    if component.allowed:
        return {"enum": sorted(component.allowed - component.excluded)}
    return value_of(component.text_format)


def value_of(format: TextFormat | None) -> Schema:
    """Return the schema of one value that is written in a format."""
    if format is None:
        return {}
    if format.data_type in _NUMBERS:
        is_whole = format.data_type in _WHOLE
        low, high = (
            ("exclusiveMinimum", "exclusiveMaximum")
            if format.data_type == "ExclusiveValueRange"
            else ("minimum", "maximum")
        )
        return _stated(
            {
                "type": ["integer" if is_whole else "number", "string"],
                "pattern": _WHOLE_TEXT if is_whole else _NUMBER_TEXT,
                low: format.min_value,
                high: format.max_value,
            }
        )
    if format.data_type == "Boolean":
        return {"enum": [True, False, "true", "false", "1", "0"]}
    return _stated(
        {
            "minLength": format.min_length,
            "maxLength": format.max_length,
            "pattern": f"^(?:{format.pattern})$" if format.pattern else None,
        }
    )


def _stated(facets: Schema) -> Schema:
    return {name: value for name, value in facets.items() if value is not None}
