"""The schemas that validate messages of data and of reference metadata, one entry a version."""

from __future__ import annotations

from functools import partial

from dsd.resolved import Dsd
from dsd.resolved_metadata import Msd
from service.formats.contract import SchemaFormat, SchemaOptions
from service.formats.metadata_schema import make_metadata_schema
from service.formats.metadata_schema_json import make_metadata_json_schema
from service.formats.schema import make_schema
from service.formats.schema_json import make_json_schema

_XML = "application/vnd.sdmx.schema+xml"
_JSON = "application/vnd.sdmx.schema+json"
_PLAIN = ("application/xml", "text/xml")


def _xml_schema(
    version: str, dsd: Dsd, options: SchemaOptions, *, is_time_series: bool = False
) -> bytes:
    return make_schema(
        dsd,
        version,
        options.dimension_at_observation,
        is_time_series=is_time_series,
        deletion=options.deletion,
        explicit_measures=options.measures if options.explicit_measures else None,
        whole_messages=True,
    )


def _metadata_schema(version: str, msd: Msd, options: SchemaOptions) -> bytes:
    return make_metadata_schema(version, msd, deletion=options.deletion)


def _xml(name: str, media_version: str, version: str) -> SchemaFormat:
    return SchemaFormat(
        name,
        _XML,
        media_version,
        ".xsd",
        partial(_xml_schema, version),
        partial(_metadata_schema, version),
        _PLAIN,
    )


def _json(name: str, version: str, aliases: tuple[str, ...] = ()) -> SchemaFormat:
    return SchemaFormat(
        name,
        _JSON,
        f"{version}.0",
        ".json",
        partial(make_json_schema, version),
        partial(make_metadata_json_schema, version),
        aliases,
    )


SCHEMA_FORMATS: tuple[SchemaFormat, ...] = (
    _xml("xsd21", "2.1", "2.1"),
    # The types of time series have names of their own only in SDMX-ML 2.1; the media type does not tell them apart.
    SchemaFormat(
        "xsd21-timeseries",
        _XML,
        "2.1",
        ".xsd",
        partial(_xml_schema, "2.1", is_time_series=True),
        None,
    ),
    _xml("xsd30", "3.0.0", "3.0"),
    _json("jsonschema20", "2.0"),
    _json("jsonschema21", "2.1", ("application/schema+json",)),
    _xml("xsd31", "3.1.0", "3.1"),
)
