"""The description of the service for programs: OpenAPI 3.1, made from the parsers' own lists.

The official descriptions have defects (a dangling reference in 1.5.0, undeclared path parameters in 2.x, expressions for
versions and periods that refuse what the standard allows); this one is of what the service does. Parts at the end of a path
may be left out, which OpenAPI cannot say: each length of a path is a path here, and what paths have in common a component.
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
from service.rest.negotiation import full_type
from service.rest.openapi_changes import add_changes
from service.rest.openapi_components import Components, Json, error_statuses
from service.rest.openapi_patterns import (
    AGENCIES_V1,
    AGENCIES_V2,
    CHOSEN,
    COMPONENTS,
    FLOW,
    ID,
    IDS_V1,
    IDS_V2,
    ITEMS_V1,
    ITEMS_V2,
    KEY_V1,
    KEYS_V2,
    MOST,
    PERIOD,
    PROVIDERS_V1,
    PROVIDERS_V2,
    SORT,
    START_DAY,
    VERSIONS_V1,
    VERSIONS_V2,
)
from service.rest.request import FORM


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
    "startPeriod": ("Periods from this one on; its whole length counts.", _text(PERIOD)),
    "endPeriod": ("Periods up to this one; its whole length counts.", _text(PERIOD)),
    "updatedAfter": ("Only what changed after this instant, with what was deleted.", _INSTANT),
    "updatedBefore": ("Only what changed before this instant.", _INSTANT),
    "asOf": ("The state at this instant.", _INSTANT),
    "firstNObservations": (
        "Observations of each series from its first period on.",
        {"type": "integer", "minimum": 1, "maximum": MOST},
    ),
    "lastNObservations": (
        "Observations of each series up to its last period.",
        {"type": "integer", "minimum": 1, "maximum": MOST},
    ),
    "dimensionAtObservation": (
        "The dimension that the observations of a series differ in, or AllDimensions.",
        _text(ID, examples=["TIME_PERIOD", "AllDimensions"]),
    ),
    "detail": ("How much is returned.", _text()),
    "references": ("Which artefacts come along.", _text()),
    "attributes": (
        "Attributes to return: dsd, msd, dataset, series, obs, all, none, or ids joined by commas.",
        _text(CHOSEN, examples=["dsd", "all", "none", "UNIT_MEASURE,UNIT_MULT"]),
    ),
    "measures": (
        "Measures to return: all, none, or ids joined by commas.",
        _text(CHOSEN, examples=["all", "none", "OBS_VALUE"]),
    ),
    "includeHistory": ("Each dissemination on its own.", {"type": "boolean"}),
    "offset": (
        "Observations to leave out at the start.",
        {"type": "integer", "minimum": 0, "maximum": MOST},
    ),
    "limit": (
        "Observations to return at most.",
        {"type": "integer", "minimum": 1, "maximum": MOST},
    ),
    "sort": (
        "Components to sort by, joined by +, each with :asc or :desc; * for all dimensions, series_key for those of series.",
        _text(SORT, examples=["*", "series_key", "TIME_PERIOD:desc+REF_AREA"]),
    ),
    "reportingYearStartDay": (
        "The day on which the reporting years of the query start; without it, those of the data as they are.",
        _text(START_DAY),
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
    ("If-None-Match", "Tags of answers that the client has; * for any.", '"0222d5f67b7bace8"'),
    (
        "If-Modified-Since",
        "The instant of the answer that the client has, as HTTP or ISO 8601 write it.",
        "Sat, 21 Nov 2026 12:00:00 GMT",
    ),
)
_PAGE_HEADERS: tuple[tuple[str, str, str], ...] = (
    ("Range", "A page of the answer by the positions of its observations.", "values=0-999"),
    ("X-Range", "The same, where scripts may not send Range.", "values=0-999"),
)


def _part(name: str, description: str, schema: Json, example: str) -> PathPart:
    return PathPart(name, description, schema, example)


_PARTS_V1 = (
    _part("agencyID", "Agency; all for any, + between several.", _text(AGENCIES_V1), "ILMS"),
    _part("resourceID", "Id; all for any, + between several.", _text(IDS_V1), "all"),
    _part("version", "Version; latest is the default, all for any.", _text(VERSIONS_V1), "latest"),
    _part("itemID", "Item; + between several.", _text(ITEMS_V1), "all"),
)


_AGENCY_V2 = _part(
    "agencyID", "Agency; * for any, commas between several.", _text(AGENCIES_V2), "ILMS"
)
_ID_V2 = _part(
    "resourceID", "Id; * for any, commas between several.", _text(IDS_V2), "DF_MNA_OEMP_SEX_CDS"
)
_VERSION = _part(
    "version", "Version, or a query for versions (1.0+.0, ~, *).", _text(VERSIONS_V2), "1.0.0"
)
_KEY = _part(
    "key",
    "Values of the dimensions joined by dots, * for any; what is left out at the end is any; commas between keys.",
    _text(KEYS_V2),
    "IDN.*",
)
_FLOW = _part(
    "flowRef",
    "Dataflow as ID, AGENCY,ID or AGENCY,ID,VERSION.",
    _text(FLOW),
    "ILMS,DF_MNA_OEMP_SEX_CDS",
)
_KEY_1 = _part(
    "key",
    "Values of the dimensions joined by dots, + between values, empty for any; all for everything.",
    _text(KEY_V1),
    "all",
)
_PROVIDER = _part(
    "providerRef",
    "Provider as ID or AGENCY,ID; all for any, + between several.",
    _text(PROVIDERS_V1),
    "all",
)
_COMPONENT = _part(
    "componentID",
    "Dimension to tell of; commas (1.5: +) between several.",
    _text(COMPONENTS),
    "SEX",
)
_FILTERS: Json = {
    "name": "c",
    "in": "query",
    "style": "deepObject",
    "explode": True,
    "description": "Conditions by component: c[SEX]=SEX_F,SEX_M or c[TIME_PERIOD]=ge:2020+le:2024. A comma is or, + is and; "
    "operators are eq, ne, lt, le, gt, ge, co, nc, sw and ew.",
    "schema": {
        "type": "object",
        "properties": {"TIME_PERIOD": _text(minLength=1, examples=["ge:2020+le:2024"])},
        "additionalProperties": _text(minLength=1),
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
            _PARTS_V1,
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
            _part("itemID", "Item; commas between several.", _text(ITEMS_V2), "SEX_F"),
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
        versions = _VERSION if grammar is v2 else _PARTS_V1[2]
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
            "providerID",
            "Who maintains the metadata sets; * for any.",
            _text(AGENCIES_V2),
            "IDN_MOM",
        ),
        _part("metadatasetID", "Id of the metadata set; * for any.", _text(IDS_V2), "*"),
        _part("providerRef", "Provider as ID or AGENCY.ID; * for any.", _text(PROVIDERS_V2), "*"),
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
            _text(ID),
            "ILMS@PA_IDN_MNA_OEMP_SEX_CDS@1_0_0",
        ),
        _part("providerID", "Data provider; * for any.", _text(IDS_V2), "IDN_MOM"),
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
    components = Components()
    paths: Json = {}
    for resource in RESOURCES:
        for length in range(resource.needed, len(resource.parts) + 1):
            operations = {"get": _query(resource, length, components)}
            if resource.base == "data" and length < _KEY_PLACE[resource.grammar] + 1:
                operations["post"] = _posted_query(resource, length, components)
            paths[_path(resource, length)] = operations
    add_changes(paths, components)
    paths["/health"] = {"get": _HEALTH}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ILMS Exchange",
            "version": version("ilms-exchange"),
            "summary": "SDMX REST 1.5 (/sdmx/v1) and 2.2 (/sdmx/v2)",
            "license": {"name": "See the project's LICENSE"},
        },
        "servers": [{"url": base_url}],
        "tags": [{"name": name} for name in _TAGS],
        "paths": paths,
        "components": components.document(),
    }


_TAGS = ("Structures", "Data", "Schemas", "Metadata", "Registrations", "Maintenance", "Service")
_KEY_PLACE = {
    grammar: [part.name for part in resource.parts].index("key")
    for grammar in Grammar
    for resource in RESOURCES
    if resource.grammar is grammar and resource.base == "data"
}
"""How many parts stand before the key in the path of data."""
_HEALTH: Json = {
    "operationId": "health",
    "tags": ["Service"],
    "summary": "Tell that the process answers",
    "security": [],
    "responses": {
        "200": {
            "description": "It answers.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
}


def _path(resource: Resource, length: int) -> str:
    parts = "".join(f"/{{{part.name}}}" for part in resource.parts[:length])
    return f"/sdmx/{resource.grammar.value}/{resource.base}{parts}"


def _query(resource: Resource, length: int, components: Components) -> Json:
    """Return the operation that asks for a resource by a path of so many parts."""
    return {
        "operationId": f"{resource.grammar.value}-{resource.base}-{length}",
        "tags": [resource.tag],
        "summary": resource.summary,
        "security": [],
        "parameters": _parameters(resource, length, components),
        "responses": _responses(resource, components),
    }


def _posted_query(resource: Resource, length: int, components: Components) -> Json:
    """Return the operation that asks for data by parameters in the body (not in SDMX: for what is too long for a URL)."""
    form: Json = {
        "description": "The key, and parameters as they would stand in the URL.",
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "key": {"type": "string", "description": "In place of that in the path."}
                    },
                    "additionalProperties": {"type": "string"},
                }
            }
        },
    }
    responses = _responses(resource, components) | {"415": components.error(415)}
    return {
        "operationId": f"{resource.grammar.value}-posted-{resource.base}-{length}",
        "tags": [resource.tag],
        "summary": f"{resource.summary}, by a query in the body",
        "security": [],
        "parameters": _parameters(resource, length, components),
        "requestBody": components.refer("requestBodies", form, "query"),
        "responses": dict(sorted(responses.items())),
    }


def _parameters(resource: Resource, length: int, components: Components) -> list[Json]:
    found = [_path_parameter(part) for part in resource.parts[:length]]
    found += [_parameter(resource, name) for name in resource.parameters if name in _PARAMETERS]
    if resource.filters:
        found.append(_FILTERS)
    headers = (*_HEADERS, *(_PAGE_HEADERS if resource.base == "data" else ()))
    found += [
        {"name": name, "in": "header", "description": text, "schema": _text(), "example": example}
        for name, text, example in headers
    ]
    line, base = resource.grammar.value, resource.base
    return [
        components.refer(
            "parameters",
            entry,
            entry["name"],
            f"{line}.{entry['name']}",
            f"{line}.{resource.tag}.{entry['name']}",
            f"{line}.{base}.{entry['name']}",
        )
        for entry in found
    ]


def _path_parameter(part: PathPart) -> Json:
    return {
        "name": part.name,
        "in": "path",
        "required": True,
        "description": part.description,
        "schema": part.schema,
        "example": part.example,
    }


def _parameter(resource: Resource, name: str) -> Json:
    description, schema = _PARAMETERS[name]
    if name in resource.values:
        schema = _one_of(resource.values[name])
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _responses(resource: Resource, components: Components) -> Json:
    line, is_data = resource.grammar.value, resource.base == "data"
    content: Json = {media_type: {} for media_type in _content_types(resource)}
    page = ("Accept-Ranges",) if is_data else ()
    answer: Json = {
        "description": "The answer.",
        "headers": components.headers(*_ANSWER_HEADERS, *page),
        "content": content,
    }
    names = ("200", f"200.{resource.tag}", f"200.{line}.{resource.tag}")
    found = {
        "200": components.refer("responses", answer, *names),
        "304": components.refer("responses", _unchanged(components), "304"),
    }
    if is_data:
        part = {
            "description": "The page of the answer that Range or X-Range asks for.",
            "headers": components.headers(*_ANSWER_HEADERS, *page, "Content-Range"),
            "content": content,
        }
        found["206"] = components.refer("responses", part, "206")
    if resource.grammar is Grammar.V2:
        nothing = {
            "description": "The query is right and nothing matches.",
            "headers": components.headers("Vary", "X-Request-ID"),
        }
        found["204"] = components.refer("responses", nothing, "204")
    for status in error_statuses(line, _NOT_OF_QUERIES[is_data, resource.grammar]):
        found[str(status)] = components.error(status)
    return dict(sorted(found.items()))


_ANSWER_HEADERS = (
    "Content-Disposition",
    "Content-Language",
    "ETag",
    "Last-Modified",
    "Vary",
    "Warning",
    "X-Request-ID",
)
_OF_CHANGES, _OF_DATA = {401, 415}, {413, 416}
_NOT_OF_QUERIES = {
    # In 2.x a query for what there is not is 422, and 403 refuses a change.
    (is_data, grammar): _OF_CHANGES
    | (set() if is_data else _OF_DATA)
    | ({403} if grammar is Grammar.V2 else set())
    for is_data in (True, False)
    for grammar in Grammar
}
"""Statuses that queries do not have, of data and of all else."""


def _unchanged(components: Components) -> Json:
    return {
        "description": "The client has the answer, as If-None-Match or If-Modified-Since says.",
        "headers": components.headers("ETag", "Vary", "X-Request-ID"),
    }


def _content_types(resource: Resource) -> Iterator[str]:
    """Yield the types that an answer can have: those offered, and the plain ones that clients know."""
    yield from resource.media_types
    if resource.tag in ("Metadata", "Registrations"):
        return
    formats = DATA_FORMATS if resource.base == "data" else STRUCTURE_FORMATS
    yield from dict.fromkeys(alias for entry in formats if entry.encode for alias in entry.aliases)
