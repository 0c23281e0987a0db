"""The schemas that validate data messages, one entry a version."""

from __future__ import annotations

from functools import partial

from dsd.resolved import Dsd
from service.formats.contract import SchemaFormat, SchemaOptions
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


SCHEMA_FORMATS: tuple[SchemaFormat, ...] = (
    SchemaFormat("xsd21", _XML, "2.1", ".xsd", partial(_xml_schema, "2.1"), _PLAIN),
    # The types of time series have names of their own only in SDMX-ML 2.1; the media type does not tell them apart.
    SchemaFormat(
        "xsd21-timeseries", _XML, "2.1", ".xsd", partial(_xml_schema, "2.1", is_time_series=True)
    ),
    SchemaFormat("xsd30", _XML, "3.0.0", ".xsd", partial(_xml_schema, "3.0"), _PLAIN),
    SchemaFormat("jsonschema20", _JSON, "2.0.0", ".json", partial(make_json_schema, "2.0")),
    SchemaFormat(
        "jsonschema21",
        _JSON,
        "2.1.0",
        ".json",
        partial(make_json_schema, "2.1"),
        ("application/schema+json",),
    ),
    SchemaFormat("xsd31", _XML, "3.1.0", ".xsd", partial(_xml_schema, "3.1"), _PLAIN),
)
