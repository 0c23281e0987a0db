"""The formats of reference metadata, one entry a version."""

from __future__ import annotations

from typing import NamedTuple


class MetadataFormat(NamedTuple):
    """One version of a metadata format."""

    name: str
    media_type: str
    version: str
    aliases: tuple[str, ...] = ()


_XML = ("application/xml", "text/xml")

METADATA_FORMATS: tuple[MetadataFormat, ...] = (
    MetadataFormat(
        "metadata-json", "application/vnd.sdmx.metadata+json", "2.1.0", ("application/json",)
    ),
    MetadataFormat("metadata-json20", "application/vnd.sdmx.metadata+json", "2.0.0"),
    MetadataFormat("metadata-ml31", "application/vnd.sdmx.metadata+xml", "3.1.0", _XML),
    MetadataFormat("metadata-ml30", "application/vnd.sdmx.metadata+xml", "3.0.0"),
    MetadataFormat("metadata-csv", "application/vnd.sdmx.metadata+csv", "2.1.0", ("text/csv",)),
    MetadataFormat("metadata-csv20", "application/vnd.sdmx.metadata+csv", "2.0.0"),
    MetadataFormat("metadata-ml21", "application/vnd.sdmx.genericmetadata+xml", "2.1", _XML),
    MetadataFormat(
        "metadata-ml21-specific", "application/vnd.sdmx.structurespecificmetadata+xml", "2.1"
    ),
)
"""Every metadata format that an answer may be asked for in. SDMX-REST 1.5.0, 4.9; SDMX-REST 2.2.2, doc/metadata.md."""
