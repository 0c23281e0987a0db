"""What the operations of the OpenAPI description have in common: each thing once, referred to by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.rest.errors import ERROR_ROWS, ERROR_TYPES

Json = dict[str, Any]

_KINDS = ("parameters", "headers", "requestBodies", "responses", "schemas", "securitySchemes")


class Components:
    """Collects the components of a description while its operations are made."""

    def __init__(self) -> None:
        self._held: dict[str, Json] = {kind: {} for kind in _KINDS}

    def refer(self, kind: str, value: Json, *names: str) -> Json:
        """Return a reference to a component, which stands under the first of the names that has nothing else.

        Raises:
            ValueError: each of the names has something else already.
        """
        held = self._held[kind]
        for name in names:
            key = name.replace("/", "-")
            if held.setdefault(key, value) == value:
                return {"$ref": f"#/components/{kind}/{key}"}
        raise ValueError(f"{kind}: every name of {names} is taken")

    def document(self) -> Json:
        """Return the components by kind."""
        return {kind: held for kind, held in self._held.items() if held}

    def headers(self, *names: str) -> Json:
        """Return the headers of a response by name."""
        return {
            name: self.refer(
                "headers", {"description": _HEADERS[name], "schema": {"type": "string"}}, name
            )
            for name in names
        }

    def error(self, status: int) -> Json:
        """Return a reference to the response that tells of an error."""
        schema = self.refer("schemas", _ERROR, "Error")
        content = {type_: {"schema": schema} if "json" in type_ else {} for type_ in ERROR_TYPES}
        headers = self.headers("X-Request-ID", *_HEADERS_OF.get(status, ()))
        told = {"description": _TOLD[status], "headers": headers, "content": content}
        return self.refer("responses", told, str(status))


def error_statuses(line: str, leave_out: Iterable[int] = ()) -> list[int]:
    """Return the statuses of errors on an API line (`v1` or `v2`), but for some."""
    found = {row.v1 if line == "v1" else row.v2 for row in ERROR_ROWS}
    return sorted(status for status in found - set(leave_out) if status >= 400)


_HEADERS = {
    "Accept-Post": "The type that a POST may have here.",
    "Accept-Ranges": "The unit of pages: values.",
    "Content-Disposition": "A file name for the answer.",
    "Content-Language": "The languages of the texts, those asked for first.",
    "Content-Range": "The observations of the page and how many there are: values 0-99/1234; values */1234 behind the end.",
    "ETag": "Changes exactly where the answer would; another for each content coding.",
    "Last-Modified": "When the data, a structure or the program last changed.",
    "Vary": "The headers of the request that choose the answer.",
    "Warning": "What the format cannot express and was left out.",
    "WWW-Authenticate": "How a credential is sent.",
    "X-Request-ID": "By which the log of the service finds the request.",
}
_HEADERS_OF = {
    401: ("WWW-Authenticate",),
    415: ("Accept-Post",),
    416: ("Content-Range",),
}

_TOLD = {
    400: "The query, or the message in the body, is not well written.",
    401: "Who asks is not known.",
    403: "A component that the data structure does not have (SDMX REST 1.5); a change that is not allowed.",
    404: "The artefact that the query names is not there; nothing matches (SDMX REST 1.5).",
    406: "Nothing offered will do, or the format cannot express the answer; the text lists what is offered.",
    413: "More observations match than one answer may hold: the text says how many, and how to ask for less. Or the body is too large.",
    414: "The URL is too long.",
    415: "The body is of a type that is not read.",
    416: "The page is behind the end.",
    422: "A component that the data structure does not have.",
    500: "The service failed.",
    503: "The data cannot be read now.",
}

_ERROR: Json = {
    "title": "A message of SDMX-JSON that tells of an error",
    "type": "object",
    "required": ["meta", "errors"],
    "properties": {
        "meta": {"type": "object", "required": ["id", "prepared", "sender"]},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["code", "title"],
                "properties": {"code": {"type": "integer"}, "title": {"type": "string"}},
            },
        },
    },
}
