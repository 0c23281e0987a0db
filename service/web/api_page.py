"""The description of the API as a page shows it: one section for each resource, not one for each length of its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class ResourceSection:
    """What the page says of one resource."""

    id: str
    entry_point: str
    summary: str
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By place and name, each once."""
    answers: dict[str, str] = field(default_factory=dict)
    """What each status tells."""
    media_types: list[str] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Method and path; a longer path says those of which its start is."""

    def add(self, method: str, path: str, operation: Mapping[str, Any]) -> None:
        """Add an operation, in which every reference is resolved."""
        self.requests = [
            *(
                known
                for known in self.requests
                if known[0] != method or not path.startswith(f"{known[1]}/")
            ),
            (method, path),
        ]
        found = {f"{p['in']} {p['name']}": p for p in operation.get("parameters", ())}
        # Those of the longest path are all, in its order.
        self.parameters = (
            found | self.parameters
            if len(found) < len(self.parameters)
            else (found | {key: p for key, p in self.parameters.items() if key not in found})
        )
        responses = operation["responses"]
        self.answers |= {status: response["description"] for status, response in responses.items()}
        self.media_types = list(
            dict.fromkeys((*self.media_types, *responses["200"].get("content", ())))
        )


def sections(document: Mapping[str, Any]) -> list[ResourceSection]:
    """Return the resources of an OpenAPI document."""
    found: dict[str, ResourceSection] = {}
    for path, method, operation in _operations(document):
        id = _section_of(operation)
        section = found.get(id)
        if section is None:
            entry_point = "/".join(path.split("/")[:3])
            section = ResourceSection(id, entry_point, operation["summary"].partition(":")[0])
            found[id] = section
        section.add(method.upper(), path, operation)
    for section in found.values():
        section.answers = dict(sorted(section.answers.items()))
    return list(found.values())


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation with its references resolved."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield (
                path,
                method,
                {
                    **operation,
                    "parameters": [
                        resolved(document, entry) for entry in operation.get("parameters", ())
                    ],
                    "responses": {
                        status: resolved(document, entry)
                        for status, entry in operation["responses"].items()
                    },
                },
            )


def _section_of(operation: Mapping[str, Any]) -> str:
    """Return the section in which an operation stands; the many resources of structures of 1.5 differ in their name alone."""
    id: str = operation["operationId"]
    if operation["tags"] == ["Structures"]:
        return f"{id.partition('-')[0]}-structures"
    if operation["tags"] == ["Maintenance"]:
        return "maintenance"
    return id.replace("-posted-", "-").rpartition("-")[0] or id


def resolved(document: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of a description, that to which it refers where it is a reference."""
    reference = entry.get("$ref")
    if reference is None:
        return dict(entry)
    _, _, kind, name = reference.split("/")
    found: dict[str, Any] = document["components"][kind][name]
    return found
