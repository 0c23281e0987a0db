"""The formats of what a registry answers, one entry a version."""

from __future__ import annotations

from typing import NamedTuple

from service.formats.structure_table.vocabulary import Form


class RegistryFormat(NamedTuple):
    """A version in which the answer of a registry can be written."""

    name: str
    version: str
    form: Form
    media_type: str = "application/vnd.sdmx.registry+xml"
    extension: str = ".xml"
    aliases: tuple[str, ...] = ()


REGISTRY_FORMATS: tuple[RegistryFormat, ...] = (
    RegistryFormat("registry31", "3.1.0", Form.ML31, aliases=("application/xml", "text/xml")),
    RegistryFormat("registry30", "3.0.0", Form.ML30),
    RegistryFormat("registry21", "2.1", Form.ML21),
)
"""Every version, the default first."""
