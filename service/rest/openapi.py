"""The description of the service for programs: OpenAPI 3.1, made from the parsers' own lists.

The official descriptions have defects (a dangling reference in 1.5.0, undeclared path parameters in 2.x, expressions for
versions and periods that refuse what the standard allows); this one is of what the service does. Parts at the end of a path
may be left out, which OpenAPI cannot say: each length of a path is a path here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from service.formats import DATA_FORMATS, STRUCTURE_FORMATS
from service.formats.contract import DataFormat, StructureFormat
from service.formats.metadata_formats import METADATA_FORMATS
from service.formats.registry_formats import REGISTRY_FORMATS
from service.formats.schema_formats import SCHEMA_FORMATS
from service.query.availability_query import (
    AVAILABILITY_PARAMETERS_V1,
    AVAILABILITY_PARAMETERS_V2,
    REFERENCES_V1,
    REFERENCES_V2,
    Mode,
)
from service.query.data_query import CONTEXTS, V1_PARAMETERS, V2_PARAMETERS, Detail
from service.query.grammar import Grammar
from service.query.metadata_query import (
    METADATA_PARAMETERS_V2,
    METADATA_PATHS,
    MetadataDetail,
)
from service.query.registration_query import CONTEXTS as REGISTRATION_CONTEXTS
from service.query.registration_query import (
    REGISTRATION_PARAMETERS,
    REGISTRATION_PATHS,
    RegistrationBy,
)
from service.query.schema_query import (
    CONTEXTS_V1,
    CONTEXTS_V2,
    SCHEMA_PARAMETERS_V1,
    SCHEMA_PARAMETERS_V2,
)
from service.query.structure_query import (
    RESOURCES_V1,
    RESOURCES_V2,
    STRUCTURE_PARAMETERS_V1,
    STRUCTURE_PARAMETERS_V2,
    References,
    StructureDetail,
)
from service.rest.errors import ERROR_ROWS, ERROR_TYPES
from service.rest.negotiation import full_type

Json = dict[str, Any]

_ID = r"^[A-Za-z0-9_@$\-]+$"
_AGENCY = r"^[A-Za-z][A-Za-z0-9_\-]*(\.[A-Za-z][A-Za-z0-9_\-]*)*$"
_VERSION_V1 = r"^(all|latest|\d+(\.\d+){0,2})$"
_VERSION_V2 = r"^(\*|~|\+|\d+\.\d+(\.\d+)?\+?)$"
_KEY_V1 = r"^(all|[A-Za-z0-9_\-]*(\+[A-Za-z0-9_\-]+)*(\.[A-Za-z0-9_\-]*)*)$"
_KEY_V2 = r"^(\*|[A-Za-z0-9_\-]+)(\.(\*|[A-Za-z0-9_\-]+))*$"
_PERIOD = r"^\d{4}(-(0[1-9]|1[0-2])|-Q[1-4]|-S[12])?$"


@dataclass(frozen=True)
class PathPart:
    """A part of a path."""

    name: str
    description: str
    schema: Json
    example: str


@dataclass(frozen=True)
class Resource:
    """What can be read at one place of the service."""

    grammar: Grammar
    base: str
    """Under the entry point: `data`."""
    summary: str
    parts: tuple[PathPart, ...]
    needed: int
    """How many parts cannot be left out."""
    parameters: tuple[str, ...]
    media_types: tuple[str, ...]
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The values of parameters that have a closed list here."""
    filters: bool = False
    """Whether it takes `c[COMPONENT]`."""
    tag: str = "Data"


def _text(pattern: str | None = None, **more: Any) -> Json:
    found: Json = {"type": "string"}
    return found | ({"pattern": pattern} if pattern else {}) | more


def _one_of(values: Sequence[str]) -> Json:
    return {"type": "string", "enum": list(values)}


_INSTANT: Json = {"type": "string", "format": "date-time"}

# Parameters that several resources have: what they are, and how they are written.
_PARAMETERS: dict[str, tuple[str, Json]] = {
    "startPeriod": ("Periods from this one on; its whole length counts.", _text(_PERIOD)),
    "endPeriod": ("Periods up to this one; its whole length counts.", _text(_PERIOD)),
    "updatedAfter": ("Only what changed after this instant, with what was deleted.", _INSTANT),
    "updatedBefore": ("Only what changed before this instant.", _INSTANT),
    "asOf": ("The state at this instant.", _INSTANT),
    "firstNObservations": (
        "Observations of each series from its first period on.",
        {"type": "integer", "minimum": 1, "maximum": 1_000_000},
    ),
    "lastNObservations": (
        "Observations of each series up to its last period.",
        {"type": "integer", "minimum": 1, "maximum": 1_000_000},
    ),
    "dimensionAtObservation": (
        "The dimension that the observations of a series differ in, or AllDimensions.",
        _text(_ID, examples=["TIME_PERIOD", "AllDimensions"]),
    ),
    "detail": ("How much is returned.", _text()),
    "references": ("Which artefacts come along.", _text()),
    "attributes": (
        "Attributes to return: dsd, msd, dataset, series, obs, all, none, or ids joined by commas.",
        _one_of(("dsd", "dataset", "series", "obs", "all", "none")),
    ),
    "measures": (
        "Measures to return: all, none, or ids joined by commas.",
        _one_of(("all", "none")),
    ),
    "includeHistory": ("Each dissemination on its own.", {"type": "boolean"}),
    "offset": (
        "Observations to leave out at the start.",
        {"type": "integer", "minimum": 0, "maximum": 1_000_000},
    ),
    "limit": (
        "Observations to return at most.",
        {"type": "integer", "minimum": 1, "maximum": 1_000_000},
    ),
    "sort": (
        "Components to sort by, joined by +, each with :asc or :desc; * for all dimensions.",
        _one_of(("*", "series_key", "TIME_PERIOD", "TIME_PERIOD:desc")),
    ),
    "reportingYearStartDay": (
        "The day on which the reporting years of the query start; without it, those of the data as they are.",
        _text(r"^--(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$"),
    ),
    "explicitMeasure": ("Observations are typed by their measure.", {"type": "boolean"}),
    "deletion": ("The messages to validate delete.", {"type": "boolean"}),
    "mode": (
        "exact: what the answer would have; available: what could be added.",
        _one_of(tuple(Mode)),
    ),
    "format": ("A format by name; it wins over Accept.", _text()),
    "formatVersion": ("The version of the format.", _text()),
    "lang": ("The language of names; it wins over Accept-Language.", _text()),
    "compression": (
        "Content coding; it wins over Accept-Encoding.",
        _one_of(("identity", "gzip", "zstd", "br")),
    ),
    "labels": ("SDMX-CSV: ids, names or both.", _one_of(("id", "name", "both"))),
    "timeFormat": (
        "SDMX-CSV: periods as reported, or their first moment.",
        _one_of(("original", "normalized")),
    ),
    "keys": ("SDMX-CSV: columns with keys.", _one_of(("none", "obs", "series", "both"))),
}
_HEADERS: tuple[tuple[str, str, str], ...] = (
    ("Accept", "Media types with versions and weights.", "*/*"),
    ("Accept-Language", "Languages of names with weights.", "en"),
    ("Accept-Encoding", "Content codings with weights.", "gzip"),
)


def _part(name: str, description: str, schema: Json, example: str) -> PathPart:
    return PathPart(name, description, schema, example)


def _parts_v1(resource: str) -> tuple[PathPart, ...]:
    return (
        _part("agencyID", "Agency; all for any, + between several.", _text(_AGENCY), "ILMS"),
        _part("resourceID", f"Id of the {resource}; all for any.", _text(_ID), "all"),
        _part(
            "version", "Version; latest is the default, all for any.", _text(_VERSION_V1), "latest"
        ),
        _part("itemID", "Item; + between several.", _text(_ID), "all"),
    )


_AGENCY_V2 = _part("agencyID", "Agency; * for any, commas between several.", _text(_AGENCY), "ILMS")
_ID_V2 = _part(
    "resourceID", "Id; * for any, commas between several.", _text(_ID), "DF_MNA_OEMP_SEX_CDS"
)
_VERSION = _part(
    "version", "Version, or a query for versions (1.0+.0, ~, *).", _text(_VERSION_V2), "1.0.0"
)
_KEY = _part(
    "key",
    "Values of the dimensions joined by dots, * for any; what is left out at the end is any; commas between keys.",
    _text(_KEY_V2),
    "IDN.*",
)
_FLOW = _part(
    "flowRef",
    "Dataflow as ID, AGENCY,ID or AGENCY,ID,VERSION.",
    _text(r"^[A-Za-z][A-Za-z0-9_\-]*(,[A-Za-z][A-Za-z0-9_\-]*)?$"),
    "ILMS,DF_MNA_OEMP_SEX_CDS",
)
_KEY_1 = _part(
    "key",
    "Values of the dimensions joined by dots, + between values, empty for any; all for everything.",
    _text(_KEY_V1),
    "all",
)
_PROVIDER = _part(
    "providerRef",
    "Provider as ID or AGENCY,ID; all for any.",
    _text(r"^[A-Za-z][A-Za-z0-9_\-]*$"),
    "all",
)
_COMPONENT = _part("componentID", "Dimension to tell of.", _text(_ID), "SEX")
_FILTERS: Json = {
    "name": "c",
    "in": "query",
    "style": "deepObject",
    "explode": True,
    "description": "Conditions by component: c[SEX]=SEX_F,SEX_M or c[TIME_PERIOD]=ge:2020+le:2024. A comma is or, + is and; "
    "operators are eq, ne, lt, le, gt, ge, co, nc, sw and ew.",
    "schema": {
        "type": "object",
        "properties": {"TIME_PERIOD": _text(r"^((eq|ne|lt|le|gt|ge):)?\d{4}(-(0[1-9]|1[0-2]))?$")},
        "additionalProperties": False,
    },
}


def _types(formats: Sequence[DataFormat] | Sequence[StructureFormat]) -> tuple[str, ...]:
    return tuple(full_type(entry) for entry in formats if entry.encode)


_DATA_TYPES = _types(DATA_FORMATS)
_STRUCTURE_TYPES = _types(STRUCTURE_FORMATS)
_SCHEMA_TYPES = (
    *dict.fromkeys(full_type(entry) for entry in SCHEMA_FORMATS),
    *_STRUCTURE_TYPES,
)


def _context(names: Sequence[str]) -> PathPart:
    return _part(
        "context",
        "Kind of the artefact in whose name data are asked for.",
        _one_of(names),
        "dataflow",
    )


def _resources() -> Iterator[Resource]:
    v1, v2 = Grammar.V1, Grammar.V2
    choices: dict[str, tuple[str, ...]] = {
        "detail": tuple(StructureDetail),
        "references": tuple(References),
    }
    for resource in RESOURCES_V1:
        yield Resource(
            v1,
            resource,
            f"Structures: {resource}",
            _parts_v1(resource),
            0,
            STRUCTURE_PARAMETERS_V1,
            _STRUCTURE_TYPES,
            {
                "detail": tuple(d for d in StructureDetail if d is not StructureDetail.RAW),
                "references": tuple(r for r in References if r is not References.ANCESTORS),
            },
            tag="Structures",
        )
    yield Resource(
        v1,
        "data",
        "Data",
        (_FLOW, _KEY_1, _PROVIDER),
        1,
        V1_PARAMETERS,
        _DATA_TYPES,
        {"detail": tuple(Detail)},
    )
    yield Resource(
        v1,
        "availableconstraint",
        "What is available of the data",
        (_FLOW, _KEY_1, _PROVIDER, _COMPONENT),
        1,
        AVAILABILITY_PARAMETERS_V1,
        _STRUCTURE_TYPES,
        {"references": REFERENCES_V1},
    )
    artefact_type = _part(
        "artefactType", "Kind of artefact; * for any.", _one_of((*RESOURCES_V2, "*")), "codelist"
    )
    yield Resource(
        v2,
        "structure",
        "Structures",
        (
            artefact_type,
            _AGENCY_V2,
            _ID_V2,
            _VERSION,
            _part("itemID", "Item.", _text(_ID), "SEX_F"),
        ),
        0,
        STRUCTURE_PARAMETERS_V2,
        _STRUCTURE_TYPES,
        choices,
        tag="Structures",
    )
    yield Resource(
        v2,
        "data",
        "Data",
        (_context(CONTEXTS), _AGENCY_V2, _ID_V2, _VERSION, _KEY),
        0,
        V2_PARAMETERS,
        _DATA_TYPES,
        filters=True,
    )
    yield Resource(
        v2,
        "availability",
        "What is available of the data",
        (
            _context([c for c in CONTEXTS if c != "*"]),
            _AGENCY_V2,
            _ID_V2,
            _VERSION,
            _KEY,
            _COMPONENT,
        ),
        1,
        AVAILABILITY_PARAMETERS_V2,
        _STRUCTURE_TYPES,
        {"references": REFERENCES_V2},
        filters=True,
    )
    for grammar, contexts, parameters in (
        (v1, CONTEXTS_V1, SCHEMA_PARAMETERS_V1),
        (v2, CONTEXTS_V2, SCHEMA_PARAMETERS_V2),
    ):
        versions = _VERSION if grammar is v2 else _parts_v1("artefact")[2]
        yield Resource(
            grammar,
            "schema",
            "Schemas of messages of data and of reference metadata",
            (_context(contexts), _AGENCY_V2, _ID_V2, versions),
            3,
            parameters,
            _SCHEMA_TYPES,
            tag="Schemas",
        )
    yield from _metadata()
    yield from _registrations()


_METADATA_PARTS = {
    part.name: part
    for part in (
        _part(
            "providerID", "Who maintains the metadata sets; * for any.", _text(_AGENCY), "IDN_MOM"
        ),
        _part("metadatasetID", "Id of the metadata set; * for any.", _text(_ID), "*"),
        _part("providerRef", "Provider as ID or AGENCY.ID; * for any.", _text(_AGENCY), "*"),
        _part(
            "artefactType",
            "Kind of artefact; * for any.",
            _one_of((*RESOURCES_V2, "*")),
            "dataflow",
        ),
        _AGENCY_V2,
        _ID_V2,
        _VERSION,
    )
}


def _metadata() -> Iterator[Resource]:
    """Yield the queries for reference metadata."""
    media_types = tuple(full_type(entry) for entry in METADATA_FORMATS)
    yield Resource(
        Grammar.V1,
        "metadata",
        "Reference metadata",
        (_FLOW, _KEY_1, _PROVIDER),
        1,
        V1_PARAMETERS,
        media_types,
        {"detail": tuple(Detail)},
        tag="Metadata",
    )
    for by, names in METADATA_PATHS.items():
        yield Resource(
            Grammar.V2,
            f"metadata/{by}",
            f"Reference metadata by {by}",
            tuple(_METADATA_PARTS[name] for name in names),
            0,
            METADATA_PARAMETERS_V2,
            media_types,
            {"detail": tuple(MetadataDetail)},
            tag="Metadata",
        )


_REGISTRATION_PARTS = {
    part.name: part
    for part in (
        _part(
            "registrationID",
            "Id of the registration.",
            _text(_ID),
            "ILMS@PA_IDN_MNA_OEMP_SEX_CDS@1_0_0",
        ),
        _part("providerID", "Data provider; * for any.", _text(_ID), "IDN_MOM"),
        _part(
            "context",
            "Kind of the artefact; * for any.",
            _one_of((*REGISTRATION_CONTEXTS, "*")),
            "dataflow",
        ),
        _AGENCY_V2,
        _ID_V2,
        _VERSION,
    )
}


def _registrations() -> Iterator[Resource]:
    """Yield the queries for registrations, which SDMX-REST 2.2 alone has."""
    for by, names in REGISTRATION_PATHS.items():
        is_word = by is not RegistrationBy.CONTEXT
        yield Resource(
            Grammar.V2,
            f"registration/{by}" if is_word else "registration",
            f"Registrations by {by}",
            tuple(_REGISTRATION_PARTS[name] for name in names),
            1 if by is RegistrationBy.ID else 0,
            REGISTRATION_PARAMETERS[by],
            tuple(full_type(entry) for entry in REGISTRY_FORMATS),
            tag="Registrations",
        )


RESOURCES: tuple[Resource, ...] = tuple(_resources())
"""Everything that is read by the two grammars."""


def openapi_document(base_url: str) -> Json:
    """Return the OpenAPI 3.1 description of the service.

    Args:
        base_url: where it stands, without a slash at the end.
    """
    paths: Json = {}
    for resource in RESOURCES:
        for length in range(resource.needed, len(resource.parts) + 1):
            paths[_path(resource, length)] = {"get": _operation(resource, length)}
    paths["/health"] = {
        "get": {
            "operationId": "health",
            "tags": ["Service"],
            "summary": "Tell that the process answers",
            "responses": {
                "200": {
                    "description": "It answers.",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                }
            },
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ILMS Exchange",
            "version": version("ilms-exchange"),
            "summary": "SDMX REST 1.5 (/sdmx/v1) and 2.2 (/sdmx/v2)",
            "license": {"name": "See the project's LICENSE"},
        },
        "servers": [{"url": base_url}],
        "tags": [
            {"name": name}
            for name in ("Structures", "Data", "Schemas", "Metadata", "Registrations", "Service")
        ],
        "paths": paths,
        "components": {"responses": _errors()},
    }


def _path(resource: Resource, length: int) -> str:
    parts = "".join(f"/{{{part.name}}}" for part in resource.parts[:length])
    return f"/sdmx/{resource.grammar.value}/{resource.base}{parts}"


def _operation(resource: Resource, length: int) -> Json:
    parts = resource.parts[:length]
    parameters: list[Json] = [
        {
            "name": part.name,
            "in": "path",
            "required": True,
            "description": part.description,
            "schema": part.schema,
            "example": part.example,
        }
        for part in parts
    ]
    parameters += [
        _parameter(resource, name) for name in resource.parameters if name in _PARAMETERS
    ]
    if resource.filters:
        parameters.append(_FILTERS)
    parameters += [
        {"name": name, "in": "header", "description": text, "schema": _text(), "example": example}
        for name, text, example in _HEADERS
    ]
    return {
        "operationId": f"{resource.grammar.value}-{resource.base}-{length}",
        "tags": [resource.tag],
        "summary": resource.summary,
        "parameters": parameters,
        "responses": _responses(resource),
    }


def _parameter(resource: Resource, name: str) -> Json:
    description, schema = _PARAMETERS[name]
    if name in resource.values:
        schema = _one_of(resource.values[name])
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _responses(resource: Resource) -> Json:
    content: Json = {media_type: {} for media_type in _content_types(resource)}
    found: Json = {
        "200": {
            "description": "The answer.",
            "headers": {
                "ETag": {"description": "Changes where the answer would.", "schema": _text()},
                "Content-Language": {"description": "Language of names.", "schema": _text()},
            },
            "content": content,
        },
        "304": {"description": "The client has the answer."},
    }
    if resource.base == "data":
        found["206"] = {"description": "A page of the answer, by Range.", "content": content}
    statuses = {(row.v1 if resource.grammar is Grammar.V1 else row.v2) for row in ERROR_ROWS}
    if resource.grammar is Grammar.V2:
        found["204"] = {"description": "The query is right and nothing matches."}
    for status in sorted(statuses - {204}):
        found[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return found


def _content_types(resource: Resource) -> Iterator[str]:
    """Yield the types that an answer can have: those offered, and the plain ones that clients know."""
    yield from resource.media_types
    if resource.tag in ("Metadata", "Registrations"):
        return
    formats = DATA_FORMATS if resource.base == "data" else STRUCTURE_FORMATS
    yield from dict.fromkeys(alias for entry in formats if entry.encode for alias in entry.aliases)


_TOLD = {
    400: "The query is not well written.",
    401: "Who asks is not known.",
    403: "A component that the data structure does not have (1.5); not allowed.",
    404: "The artefact that the query names is not there; nothing matches (1.5).",
    406: "Nothing offered will do, or the format cannot express the answer.",
    413: "More observations than one answer may hold.",
    414: "The URL is too long.",
    415: "The body is of a type that is not read.",
    416: "The page is behind the end.",
    422: "A component that the data structure does not have.",
    500: "The service failed.",
    503: "The data cannot be read now.",
}


def _errors() -> Json:
    statuses = sorted({status for row in ERROR_ROWS for status in (row.v1, row.v2)} - {204})
    message: Json = {
        "type": "object",
        "required": ["errors"],
        "properties": {
            "errors": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["code", "title"],
                    "properties": {"code": {"type": "integer"}, "title": {"type": "string"}},
                },
            }
        },
    }
    content: Json = {type_: {"schema": message} if "json" in type_ else {} for type_ in ERROR_TYPES}
    return {
        str(status): {"description": _TOLD.get(status, "An error."), "content": content}
        for status in statuses
    }
