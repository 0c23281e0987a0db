"""Batches to bytes and back, one module a format family; structures likewise."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from typing import TypeVar

from dsd.dataset import Action, SetAttributes
from service.formats.contract import Capabilities, DataFormat, StructureFormat
from service.formats.error_message import encode_error
from service.formats.fitting import guarded
from service.formats.json_stat import encode_json_stat
from service.formats.json_stat_reader import decode_json_stat
from service.formats.ml_reading import decode_ml
from service.formats.parquet_data import decode_arrow, decode_parquet, encode_arrow, encode_parquet
from service.formats.sdmx_csv import encode_csv, encode_csv_1_0, encode_csv_2_0
from service.formats.sdmx_csv_reader import decode_csv, decode_csv_1_0, decode_csv_2_0
from service.formats.sdmx_json import encode_json, encode_json_1_0, encode_json_2_0
from service.formats.sdmx_json_reader import decode_json
from service.formats.sdmx_ml_data import (
    encode_generic_21,
    encode_generic_time_series_21,
    encode_structure_specific_21,
    encode_structure_specific_30,
    encode_structure_specific_31,
    encode_structure_specific_time_series_21,
)
from service.formats.structure_json import decode_structures_json, encode_structures_json
from service.formats.structure_table.vocabulary import Form
from service.formats.structure_xml import decode_structures_xml, encode_structures_xml
from service.formats.xlsx_data import encode_xlsx
from service.formats.xlsx_reader import decode_xlsx

__all__ = [
    "DATA_FORMATS",
    "STRUCTURE_FORMATS",
    "UnknownFormatError",
    "encode_error",
    "find_data_format",
    "find_structure_format",
]

_NO_MERGE = {Action.MERGE: Action.APPEND}
_SAID = frozenset(entry.name for entry in fields(SetAttributes))
_CSV = Capabilities(
    multiple_values=True,
    row_actions=True,
    cross_section=True,
    several_datasets=True,
    several_measures=True,
    free_rows=True,
)
_CSV_2 = replace(_CSV, languages=True)
_JSON = replace(
    _CSV_2, free_rows=False, row_actions=False, annotations=True, said=_SAID - {"set_id"}
)
_ML_31 = replace(_JSON, said=_SAID)
_ML_30 = replace(_ML_31, came_back=_NO_MERGE)
_ML = replace(_ML_30, several_measures=False, languages=False)
_ML_TIME_SERIES = replace(_ML, cross_section=False)
_ML_20 = replace(_ML_TIME_SERIES, several_datasets=False)
_TABLE = replace(_CSV_2, several_datasets=False, annotations=True, said=_SAID)

_DATA_FORMATS: tuple[DataFormat, ...] = (
    DataFormat(
        name="csv",
        media_type="application/vnd.sdmx.data+csv",
        version="2.1.0",
        extension=".csv",
        capabilities=_CSV_2,
        encode=encode_csv,
        decode=decode_csv,
        aliases=("text/csv",),
    ),
    DataFormat(
        name="csv20",
        media_type="application/vnd.sdmx.data+csv",
        version="2.0.0",
        extension=".csv",
        capabilities=replace(_CSV_2, came_back=_NO_MERGE),
        encode=encode_csv_2_0,
        decode=decode_csv_2_0,
    ),
    DataFormat(
        name="csv10",
        media_type="application/vnd.sdmx.data+csv",
        version="1.0.0",
        extension=".csv",
        capabilities=replace(
            _CSV,
            row_actions=False,
            came_back={action: Action.MERGE for action in Action if action is not Action.DELETE},
            refused_actions=frozenset({Action.DELETE}),
            labels=frozenset({"id", "both"}),
        ),
        encode=encode_csv_1_0,
        decode=decode_csv_1_0,
        aliases=("text/csv",),
    ),
    DataFormat(
        name="json",
        media_type="application/vnd.sdmx.data+json",
        version="2.1.0",
        extension=".json",
        capabilities=_JSON,
        encode=encode_json,
        decode=decode_json,
        aliases=("application/json",),
    ),
    DataFormat(
        name="json20",
        media_type="application/vnd.sdmx.data+json",
        version="2.0.0",
        extension=".json",
        capabilities=replace(_JSON, came_back=_NO_MERGE),
        encode=encode_json_2_0,
        decode=decode_json,
    ),
    DataFormat(
        name="json10",
        media_type="application/vnd.sdmx.data+json",
        version="1.0.0",
        extension=".json",
        capabilities=replace(
            _JSON,
            came_back=_NO_MERGE,
            several_structures=False,
            several_measures=False,
            languages=False,
        ),
        encode=encode_json_1_0,
        decode=decode_json,
        aliases=("application/json",),
    ),
    DataFormat(
        name="ml21",
        media_type="application/vnd.sdmx.structurespecificdata+xml",
        version="2.1",
        extension=".xml",
        capabilities=_ML,
        encode=encode_structure_specific_21,
        decode=decode_ml,
    ),
    DataFormat(
        name="ml21-generic",
        media_type="application/vnd.sdmx.genericdata+xml",
        version="2.1",
        extension=".xml",
        capabilities=_ML,
        encode=encode_generic_21,
        decode=decode_ml,
        # SDMX-REST 1.5, 4.6.2: what `application/xml` means for data.
        aliases=("application/xml", "text/xml"),
    ),
    DataFormat(
        name="ml21-timeseries",
        media_type="application/vnd.sdmx.structurespecifictimeseriesdata+xml",
        version="2.1",
        extension=".xml",
        capabilities=_ML_TIME_SERIES,
        encode=encode_structure_specific_time_series_21,
        decode=decode_ml,
    ),
    DataFormat(
        name="ml21-generic-timeseries",
        media_type="application/vnd.sdmx.generictimeseriesdata+xml",
        version="2.1",
        extension=".xml",
        capabilities=replace(_ML_TIME_SERIES, several_structures=False),
        encode=encode_generic_time_series_21,
        decode=decode_ml,
    ),
    DataFormat(
        name="ml31",
        media_type="application/vnd.sdmx.data+xml",
        version="3.1.0",
        extension=".xml",
        capabilities=_ML_31,
        encode=encode_structure_specific_31,
        decode=decode_ml,
        # What plain XML means where SDMX 3.1 is spoken; elsewhere generic data come first.
        aliases=("application/xml", "text/xml"),
    ),
    DataFormat(
        name="ml30",
        media_type="application/vnd.sdmx.data+xml",
        version="3.0.0",
        extension=".xml",
        capabilities=_ML_30,
        encode=encode_structure_specific_30,
        decode=decode_ml,
    ),
    DataFormat(
        name="ml20-generic",
        media_type="application/vnd.sdmx.genericdata+xml",
        version="2.0",
        extension=".xml",
        capabilities=_ML_20,
        encode=None,
        decode=decode_ml,
    ),
    DataFormat(
        name="ml20-compact",
        media_type="application/vnd.sdmx.compactdata+xml",
        version="2.0",
        extension=".xml",
        capabilities=_ML_20,
        encode=None,
        decode=decode_ml,
    ),
    DataFormat(
        name="parquet",
        media_type="application/vnd.apache.parquet",
        version="",
        extension=".parquet",
        capabilities=_TABLE,
        encode=encode_parquet,
        decode=decode_parquet,
    ),
    DataFormat(
        name="arrow",
        media_type="application/vnd.apache.arrow.stream",
        version="",
        extension=".arrow",
        capabilities=_TABLE,
        encode=encode_arrow,
        decode=decode_arrow,
        aliases=("application/vnd.apache.arrow.file",),
    ),
    DataFormat(
        name="jsonstat",
        media_type="application/vnd.json-stat+json",
        version="2.0",
        extension=".jsonstat",
        capabilities=replace(
            _TABLE,
            row_actions=False,
            several_measures=False,
            languages=False,
            annotations=False,
        ),
        encode=encode_json_stat,
        decode=decode_json_stat,
    ),
    DataFormat(
        name="xlsx",
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        version="",
        extension=".xlsx",
        capabilities=replace(_TABLE, several_datasets=True, annotations=False),
        encode=encode_xlsx,
        decode=decode_xlsx,
    ),
)

DATA_FORMATS: tuple[DataFormat, ...] = tuple(guarded(entry) for entry in _DATA_FORMATS)
"""Every data format. The order says which one a name or media type without version means: the first."""


def _json(name: str, version: str, form: Form, aliases: tuple[str, ...] = ()) -> StructureFormat:
    return StructureFormat(
        name=name,
        media_type="application/vnd.sdmx.structure+json",
        version=version,
        extension=".json",
        encode=partial(encode_structures_json, form),
        decode=partial(decode_structures_json, form),
        aliases=aliases,
    )


def _xml(name: str, version: str, form: Form, aliases: tuple[str, ...] = ()) -> StructureFormat:
    return StructureFormat(
        name=name,
        media_type="application/vnd.sdmx.structure+xml",
        version=version,
        extension=".xml",
        encode=partial(encode_structures_xml, form),
        decode=decode_structures_xml,
        aliases=aliases,
    )


STRUCTURE_FORMATS: tuple[StructureFormat, ...] = (
    _json("json", "2.1.0", Form.JSON21, ("application/json",)),
    _json("json20", "2.0.0", Form.JSON20),
    _json("json10", "1.0.0", Form.JSON10, ("application/json",)),
    _xml("ml21", "2.1", Form.ML21, ("application/xml", "text/xml")),
    _xml("ml30", "3.0.0", Form.ML30),
    _xml("ml31", "3.1.0", Form.ML31, ("application/xml", "text/xml")),
)
"""Every structure format, in the same order."""


class UnknownFormatError(LookupError):
    """A name or media type that no format has; lists those that there are."""


def find_data_format(name_or_media_type: str, version: str | None = None) -> DataFormat:
    """Return the data format of a short name (`csv`), media type, alias or file ending (`.csv`).

    A media type may carry parameters; its `version`, or the argument, chooses among versions.

    Raises:
        UnknownFormatError: there is no such format.

    >>> find_data_format("application/vnd.sdmx.data+csv; version=2.1.0").name
    'csv'
    """
    return _find(DATA_FORMATS, name_or_media_type, version)


def find_structure_format(name_or_media_type: str, version: str | None = None) -> StructureFormat:
    """Return the structure format of a short name, media type, alias or file ending.

    Raises:
        UnknownFormatError: there is no such format.
    """
    return _find(STRUCTURE_FORMATS, name_or_media_type, version)


AnyFormat = TypeVar("AnyFormat", bound=DataFormat | StructureFormat)


def _find(formats: tuple[AnyFormat, ...], text: str, version: str | None) -> AnyFormat:
    name, *parameters = (part.strip() for part in text.lower().split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "version":
            version = value.strip().strip('"')
    for entry in formats:
        names = (entry.name, entry.media_type, entry.extension, *entry.aliases)
        if name in names and (version is None or _same_version(version, entry.version)):
            return entry
    listed = ", ".join(f"{known.name} ({known.media_type})" for known in formats)
    raise UnknownFormatError(f"there is no format {text!r}; there are {listed}")


def _same_version(asked: str, version: str) -> bool:
    """Tell whether two versions are the same; missing parts at the end count as 0."""
    return _padded(asked) == _padded(version)


def _padded(version: str) -> list[str]:
    parts = version.split(".")
    return parts + ["0"] * (3 - len(parts))
