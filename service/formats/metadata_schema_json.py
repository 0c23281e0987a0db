"""The JSON Schema of SDMX-JSON metadata for one metadata structure, in SDMX-JSON 2.0 and 2.1.

SDMX-REST 2.2.2, doc/schema.md. SDMX has no rules for such a schema: this one adds to the official one which metadata
attributes there are, in which others they stand, how often, and which values they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from dsd.resolved_metadata import Msd, ResolvedMetadataAttribute
from service.formats.contract import SchemaOptions
from service.formats.metadata_target import ECMA, target_pattern
from service.formats.schema_json import DIALECT, Schema, value_of

_OFFICIAL = {
    # The schema of 2.0 has an address as its `$id` under which it is not published.
    "2.0": "https://json.sdmx.org/2.0.0/sdmx-json-metadata-schema.json",
    "2.1": "https://json.sdmx.org/2.1/sdmx-json-metadata-schema.json",
}
_NOT_TEXTS = frozenset(
    {
        *("BigInteger", "Boolean", "Count", "Decimal", "Double", "ExclusiveValueRange", "Float"),
        *("InclusiveValueRange", "Incremental", "Integer", "Long", "Numeric", "Short"),
    }
)
_LANGUAGE = r"^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$"


def make_metadata_json_schema(version: str, msd: Msd, options: SchemaOptions) -> bytes:
    """Return the JSON Schema of metadata messages of a metadata structure, as seen through its flow or agreement.

    Args:
        version: of SDMX-JSON: 2.0 or 2.1.
        msd: with its constraints.
        options: which messages. In what deletes nothing must be there, and any value will do.
    """
    found = _JsonSchema(msd, options.deletion)
    own = {
        "properties": {"data": {"properties": {"metadataSets": {"items": found.metadata_set()}}}},
        "required": ["data"],
    }
    schema = {
        "$schema": DIALECT,
        "title": f"SDMX-JSON {version} metadata of {msd.urn}",
        "allOf": [{"$ref": _OFFICIAL[version]}, own],
        "definitions": {".".join(entry.path): found.attribute(entry) for entry in msd.components},
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=1) + b"\n"


@dataclass(frozen=True)
class _JsonSchema:
    msd: Msd
    deletion: bool

    def metadata_set(self) -> Schema:
        """Return the schema of a metadata set: what it is reported for, about what, and its attributes."""
        properties: Schema = {"attributes": self._listed(self.msd.attributes)}
        found: Schema = {"properties": properties}
        if self.msd.agreement is not None:
            properties["metadataProvisionAgreement"] = {"const": str(self.msd.agreement.urn)}
            found["required"] = ["metadataProvisionAgreement"]
        if self.msd.metadataflow is not None:
            properties["metadataflow"] = {"const": str(self.msd.metadataflow.urn)}
        if self.msd.targets:
            patterns = [{"pattern": f"^{target_pattern(urn, ECMA)}$"} for urn in self.msd.targets]
            properties["targets"] = {"items": {"anyOf": patterns}}
        return found

    def _listed(self, attributes: Sequence[ResolvedMetadataAttribute]) -> Schema:
        """Return the schema of a list of attributes: which there may be, and how many of each."""
        counts: list[Schema] = []
        for entry in attributes:
            named = {"properties": {"id": {"const": entry.id}}, "required": ["id"]}
            count: Schema = {"contains": named}
            count["minContains"] = 0 if self.deletion else entry.min_occurs
            if entry.max_occurs != "unbounded":
                count["maxContains"] = entry.max_occurs
            counts.append(count)
        known = [entry.id for entry in attributes]
        each = [
            {
                "if": {"properties": {"id": {"const": entry.id}}, "required": ["id"]},
                "then": {"$ref": f"#/definitions/{'.'.join(entry.path)}"},
            }
            for entry in attributes
        ]
        one = {"properties": {"id": {"enum": known}}, "required": ["id"], "allOf": each}
        return {"items": one, "allOf": counts}

    def attribute(self, attribute: ResolvedMetadataAttribute) -> Schema:
        """Return the schema of one reported attribute."""
        required = []
        value: Schema = {"type": "null"}
        if attribute.has_value:
            value = {} if self.deletion else _value(attribute)
            required.append("value")
        nested: Schema | bool = False
        if attribute.attributes:
            nested = self._listed(attribute.attributes)
            if any(entry.min_occurs for entry in attribute.attributes):
                required.append("attributes")
        found: Schema = {"properties": {"value": value, "attributes": nested}}
        return found if self.deletion or not required else {**found, "required": required}


def _value(attribute: ResolvedMetadataAttribute) -> Schema:
    if attribute.enumeration is not None:
        return {"enum": list(attribute.enumeration)}
    format = attribute.text_format
    if format is not None and format.data_type in _NOT_TEXTS:
        return value_of(format)
    text = {"type": "string", **value_of(format)}
    if format is not None and format.is_multi_lingual is False:
        return text
    # One text, or one a language.
    texts = {
        "type": "object",
        "propertyNames": {"pattern": _LANGUAGE},
        "additionalProperties": text,
    }
    return {"anyOf": [text, {**texts, "minProperties": 1}]}
