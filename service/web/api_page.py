"""The description of the API as a page shows it: one section for each resource, not one for each length of its path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class ResourceSection:
    """What the page says of one resource."""

    id: str
    entry_point: str
    summary: str
    parameters: list[dict[str, Any]]
    answers: list[tuple[str, str]]
    media_types: list[str]
    paths: list[str] = field(default_factory=list)


def sections(document: Mapping[str, Any]) -> list[ResourceSection]:
    """Return the resources of an OpenAPI document; the longest path of each names all its parameters."""
    found: dict[str, ResourceSection] = {}
    for path, operations in document["paths"].items():
        operation = operations["get"]
        id = _section_of(operation)
        section = found.get(id)
        known = [] if section is None else section.paths
        found[id] = ResourceSection(
            id,
            "/".join(path.split("/")[:3]),
            operation["summary"].partition(":")[0],
            operation.get("parameters", []),
            [_told(document, *entry) for entry in operation["responses"].items()],
            list(operation["responses"]["200"]["content"]),
            _with(known, path),
        )
    return list(found.values())


def _with(paths: list[str], path: str) -> list[str]:
    """Return the paths to show: a longer one says that of which its start is."""
    return [*(known for known in paths if not path.startswith(f"{known}/")), path]


def _section_of(operation: Mapping[str, Any]) -> str:
    """Return the section in which a path stands; the many resources of structures of 1.5 differ in their name alone."""
    id: str = operation["operationId"]
    if operation["tags"] == ["Structures"]:
        return f"{id.partition('-')[0]}-structures"
    return id.rpartition("-")[0] or id


def _told(document: Mapping[str, Any], status: str, response: Mapping[str, Any]) -> tuple[str, str]:
    reference = response.get("$ref")
    if reference is not None:
        response = document["components"]["responses"][reference.rpartition("/")[2]]
    return status, response["description"]
