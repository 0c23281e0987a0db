"""Batches to bytes and back, one module a format family; structures likewise."""

from __future__ import annotations

from service.formats.contract import Capabilities, DataFormat
from service.formats.sdmx_csv import encode_csv
from service.formats.sdmx_json import encode_json

DATA_FORMATS: tuple[DataFormat, ...] = (
    DataFormat(
        name="csv",
        media_type="application/vnd.sdmx.data+csv",
        version="2.1.0",
        extension=".csv",
        capabilities=Capabilities(multiple_values=True, row_actions=True, cross_section=True),
        encode=encode_csv,
        decode=None,
        aliases=("text/csv",),
    ),
    DataFormat(
        name="json",
        media_type="application/vnd.sdmx.data+json",
        version="2.1.0",
        extension=".json",
        capabilities=Capabilities(multiple_values=True, row_actions=False, cross_section=True),
        encode=encode_json,
        decode=None,
        aliases=("application/json",),
    ),
)
"""Every data format, the first of a family the newest."""
