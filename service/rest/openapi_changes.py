"""The part of the OpenAPI description that tells how structures are changed, and who changed what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.formats import STRUCTURE_FORMATS
from service.query.structure_query import RESOURCES_V2
from service.rest.negotiation import full_type
from service.rest.openapi_components import Components

Json = dict[str, Any]

# SDMX-REST 2.2.2, doc/maintenance.md, "Responses".
_DONE = {
    "200": "Everything was replaced or deleted.",
    "201": "Everything was created.",
    "207": "Some artefacts were created, replaced or deleted, each as it says.",
}
_REFUSED = {
    "404": "What is to be replaced or deleted is not there.",
    "409": "A version that is final, something that is referred to and is not there, or refers to what would go.",
    "422": "The message does not fit the URL, or an artefact is not valid.",
}
_ERRORS = (400, 401, 403, 413, 414, 415, 500, 503)
_ANSWER_TYPES = (
    "application/vnd.sdmx.registry+xml;version=2.1",
    "application/vnd.sdmx.registry+xml;version=3.0.0",
    "application/vnd.sdmx.registry+xml;version=3.1.0",
    "application/xml",
)


@dataclass(frozen=True)
class _Change:
    """One way to change structures."""

    method: str
    path: str
    id: str
    summary: str
    has_body: bool = True


_ONE = "/sdmx/v2/structure/{artefactType}/{agencyID}/{resourceID}/{version}"
_CHANGES = (
    _Change(
        "post",
        "/sdmx/v2/structure",
        "create-structures",
        "Changes of structures: create or replace artefacts",
    ),
    _Change(
        "post",
        "/sdmx/v2/structure/{artefactType}",
        "create-structures-of-a-type",
        "Changes of structures: create or replace artefacts of one type",
    ),
    _Change("put", _ONE, "replace-structure", "Changes of structures: replace one artefact"),
    _Change(
        "delete",
        _ONE,
        "delete-structure",
        "Changes of structures: delete one artefact",
        has_body=False,
    ),
    _Change(
        "delete",
        f"{_ONE}/{{itemID}}",
        "delete-item",
        "Changes of structures: delete one item of a scheme",
        has_body=False,
    ),
)
_PARTS: dict[str, Json] = {
    "artefactType": {"type": "string", "enum": list(RESOURCES_V2)},
    "agencyID": {"type": "string"},
    "resourceID": {"type": "string"},
    "version": {"type": "string"},
    "itemID": {"type": "string"},
}


_ACTION: Json = {
    "name": "Action",
    "in": "header",
    "description": "What is done with all artefacts of the message (not in SDMX; as FMR has it).",
    "schema": {
        "type": "string",
        "enum": ["Append", "Merge", "Replace", "Delete", "Information"],
    },
}
_LIMIT: Json = {
    "name": "limit",
    "in": "query",
    "description": "Changes to return at most, the newest.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 1000},
}


def add_changes(paths: Json, components: Components) -> None:
    """Add the operations that change structures to the paths of a description."""
    components.refer(
        "securitySchemes",
        {"type": "http", "scheme": "bearer", "description": "A token of `ilms users add`."},
        "token",
    )
    components.refer(
        "securitySchemes",
        {"type": "http", "scheme": "basic", "description": "The token as the password."},
        "password",
    )
    for change in _CHANGES:
        paths.setdefault(change.path, {})[change.method] = _operation(change, components)
    paths["/sdmx/v2/structure-history"] = {"get": _history(components)}


def _operation(change: _Change, components: Components) -> Json:
    content: Json = {type_: {} for type_ in _ANSWER_TYPES}
    responses = {
        status: components.refer(
            "responses", {"description": text, "content": content}, f"change-{status}"
        )
        for status, text in (_DONE | _REFUSED).items()
    }
    responses |= {str(status): components.error(status) for status in _ERRORS}
    names = [part.strip("{}") for part in change.path.split("/") if part.startswith("{")]
    found: Json = {
        "operationId": change.id,
        "tags": ["Maintenance"],
        "summary": change.summary,
        "security": [{"token": []}, {"password": []}],
        "parameters": [
            *(_part(name, components) for name in names),
            components.refer("parameters", _ACTION, _ACTION["name"]),
        ],
        "responses": dict(sorted(responses.items())),
    }
    if change.has_body:
        found["requestBody"] = components.refer("requestBodies", _body(), "structures")
    return found


def _part(name: str, components: Components) -> Json:
    value = {
        "name": name,
        "in": "path",
        "required": True,
        "description": "Of the artefact that is changed.",
        "schema": _PARTS[name],
    }
    return components.refer("parameters", value, f"changed.{name}")


def _body() -> Json:
    types: Sequence[str] = [full_type(entry) for entry in STRUCTURE_FORMATS if entry.decode]
    return {
        "description": "A message of structures, packed or not; XML may be a SubmitStructureRequest.",
        "required": True,
        "content": {type_: {} for type_ in (*types, "application/xml", "application/json")},
    }


def _history(components: Components) -> Json:
    return {
        "operationId": "structure-history",
        "tags": ["Maintenance"],
        "summary": "Changes of structures: who made them, the newest first",
        # Who has a token learns which account it was.
        "security": [{}, {"token": []}, {"password": []}],
        "parameters": [components.refer("parameters", _LIMIT, "history.limit")],
        "responses": {
            "200": {
                "description": "The changes.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **{str(status): components.error(status) for status in (400, 414, 500, 503)},
        },
    }
