"""The one table of errors: exception, SDMX code, HTTP status on each API line.

SDMX-REST 1.5.0, 4_7_errors.md; SDMX-REST 2.2.2, doc/status.md, which has dropped the SDMX codes.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from flask import Request, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed, UnsupportedMediaType

from codelists.urn import UrnSyntaxError
from codelists.version import VersionSyntaxError
from dsd.sdmx_json import StructureMessageError
from dsd.structures import UnknownArtefactError
from dsd.time_period import PeriodSyntaxError
from service.access.accounts import AccountError, ForbiddenError, UnauthorizedError
from service.answers.errors import (
    NoResultsError,
    PageBehindEndError,
    ResponseTooLargeError,
    UnknownResourceError,
)
from service.config import SettingError
from service.formats import UnknownFormatError, encode_error
from service.formats.contract import Header, NotExpressibleError
from service.formats.error_message import JSON_VERSIONS, Family, Kind
from service.formats.grouping import UnorderedRowsError
from service.formats.sdmx_ml_markup import MarkupError
from service.query.errors import QuerySyntaxError, SemanticError
from service.query.grammar import Grammar
from service.rest.credential import CHALLENGES
from service.rest.media_type import Weighted, parse_media_ranges, version_fits
from service.rest.negotiation import NotAcceptableError, family_of
from service.rest.range_header import unsatisfied_range
from service.rest.request import FORM
from service.rest.response import VARY
from service.store.protocol import StoreError, StoreUnavailableError
from service.submission.body import BodyError
from service.submission.structures import (
    SubmissionTooLargeError,
    UnreadableMessageError,
    UnsupportedBodyError,
)

_LOGGER = logging.getLogger(__name__)


class UriTooLongError(Exception):
    """The request line is longer than the service reads; says how long it may be."""


class ErrorRow(NamedTuple):
    """How one kind of failure is told."""

    exception: type[Exception]
    code: int | None
    """SDMX code; None where SDMX has none, so that messages say the HTTP status."""
    v1: int
    v2: int
    is_public: bool = True
    """False where the text may tell outsiders too much: it is logged and not sent."""


ERROR_ROWS: tuple[ErrorRow, ...] = (
    ErrorRow(NoResultsError, 100, 404, 204),
    ErrorRow(UnknownResourceError, 100, 404, 404),
    ErrorRow(UnauthorizedError, 110, 401, 401),
    ErrorRow(ForbiddenError, 110, 401, 403),
    ErrorRow(QuerySyntaxError, 140, 400, 400),
    ErrorRow(UnreadableMessageError, 140, 400, 400),
    ErrorRow(SemanticError, 150, 403, 422),
    ErrorRow(SubmissionTooLargeError, 130, 413, 413),
    ErrorRow(UnsupportedBodyError, None, 415, 415),
    ErrorRow(ResponseTooLargeError, 510, 413, 413),
    ErrorRow(PageBehindEndError, None, 416, 416),
    ErrorRow(NotAcceptableError, None, 406, 406),
    ErrorRow(NotExpressibleError, None, 406, 406),
    ErrorRow(UriTooLongError, None, 414, 414),
    ErrorRow(StoreUnavailableError, 503, 503, 503, is_public=False),
    # What should have been caught further down, or never happen: faults of the service.
    *(
        ErrorRow(fault, 500, 500, 500, is_public=False)
        for fault in (
            AccountError,
            BodyError,
            MarkupError,
            PeriodSyntaxError,
            SettingError,
            StoreError,
            StructureMessageError,
            UnknownArtefactError,
            UnknownFormatError,
            UnorderedRowsError,
            UrnSyntaxError,
            VersionSyntaxError,
            Exception,
        )
    ),
)

_HIDDEN_TEXTS = {
    503: "the data cannot be read now; try again later",
    500: "the service failed; the request id finds the reason in its log",
}
_HTTP_TEXTS = {
    404: "there is no such resource; /sdmx/v1/dataflow and /sdmx/v2/structure/dataflow list the data",
}


class ErrorFormat(NamedTuple):
    """A representation of errors.

    SDMX has no media type for them: SDMX-ML has a root element, SDMX-JSON messages without what they are for.
    """

    family: Family
    content_type: str
    version: str = ""
    """Of SDMX-JSON."""
    kind: Kind = "data"
    """Of SDMX-JSON."""


_XML = ErrorFormat("xml", "application/xml")
_KINDS: tuple[Kind, ...] = ("data", "structure", "metadata")
_JSON: dict[Kind, tuple[ErrorFormat, ...]] = {
    kind: tuple(
        ErrorFormat("json", f"application/vnd.sdmx.{kind}+json;version={version}", version, kind)
        for version in reversed(JSON_VERSIONS)
        if (kind, version) != ("metadata", "1.0.0")
    )
    for kind in _KINDS
}
_KIND_OF_RESOURCE: dict[str, Kind] = {"data": "data", "metadata": "metadata"}
"""Of the messages that answer a resource; those of all others are about structures."""
_DEFAULT_VERSIONS = {Grammar.V1: "1.0.0", Grammar.V2: "2.1.0"}
"""Of SDMX-JSON, on each API line, where a client names no version."""
ERROR_TYPES = (
    _XML.content_type,
    "application/json",
    *(entry.content_type for kind in _KINDS for entry in _JSON[kind]),
)
"""The types that the body of an error can have."""


def error_row(exception_class: type[BaseException]) -> ErrorRow:
    """Return the row of an exception: that of its class, or of the nearest class above it."""
    rows = {row.exception: row for row in ERROR_ROWS}
    return next(rows[c] for c in exception_class.__mro__ if c in rows)


def respond_error(error: Exception, request: Request, grammar: Grammar, header: Header) -> Response:
    """Return the response that tells of an error in the family of formats that the client accepts."""
    status, code, text = _told(error, grammar)
    if status >= 500:
        _LOGGER.error("request %s failed", header.id, exc_info=error)
    if status == 204:
        response = Response(status=204)
        response.headers.remove("Content-Type")
    else:
        chosen = _error_format(request, grammar)
        body = encode_error(chosen.family, code, status, text, header, chosen.version, chosen.kind)
        response = Response(body, status, content_type=chosen.content_type)
        response.headers["Content-Language"] = "en"
    if status == 401:
        for challenge in CHALLENGES:
            response.headers.add("WWW-Authenticate", challenge)
    if isinstance(error, PageBehindEndError):
        response.headers["Content-Range"] = unsatisfied_range(error.total)
    response.headers["Vary"] = VARY
    response.headers["Cache-Control"] = "no-store" if status >= 500 else "no-cache"
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = _allowed(error)
    if isinstance(error, UnsupportedMediaType):
        response.headers["Accept-Post"] = FORM
    return response


def _allowed(error: MethodNotAllowed) -> str:
    return ", ".join(sorted(error.valid_methods or ()))


def _told(error: Exception, grammar: Grammar) -> tuple[int, int, str]:
    """Return HTTP status, code and text of an error."""
    if isinstance(error, MethodNotAllowed):
        return 405, 405, f"this resource does not take this method; it takes {_allowed(error)}"
    if isinstance(error, HTTPException) and error.code is not None:
        text = _HTTP_TEXTS.get(error.code, error.description or error.name)
        return error.code, error.code, text
    row = error_row(type(error))
    status = row.v1 if grammar is Grammar.V1 else row.v2
    text = str(error) if row.is_public else _HIDDEN_TEXTS[status]
    return status, status if row.code is None else row.code, text


def _error_format(request: Request, grammar: Grammar) -> ErrorFormat:
    """Return how an error is told: in the family that the query or Accept asks for, as the answer would have been."""
    default = _DEFAULT_VERSIONS[grammar]
    kind = _kind_of_path(request.path)
    if name := request.args.get("format"):
        version = request.args.get("formatVersion", default)
        wished = [Weighted(f"/{family_of(name)}", {"version": version})]
    else:
        ranges = parse_media_ranges(request.headers.get("Accept", ""))
        wished = sorted(
            (entry for entry in ranges if entry.weight), key=lambda entry: -entry.weight
        )
    for entry in wished:
        suffix = entry.value.rpartition("/")[2].rpartition("+")[2]
        if suffix == "json":
            return _json_of(entry, kind, default)
        if suffix == "xml":
            return _XML
    return _XML if grammar is Grammar.V1 else _json(kind, default)


def _kind_of_path(path: str) -> Kind:
    """Return the kind of message that answers a path (`/sdmx/v2/data/...`)."""
    parts = path.split("/")
    return _KIND_OF_RESOURCE.get(parts[3], "structure") if len(parts) > 3 else "structure"


def _json_of(entry: Weighted, kind: Kind, default: str) -> ErrorFormat:
    named = entry.value.removeprefix("application/vnd.sdmx.").removesuffix("+json")
    # The client can read what it names, whatever the resource.
    kind = next((known for known in _KINDS if known == named), kind)
    found = _json(kind, entry.parameters.get("version", default), default)
    is_plain = entry.value == "application/json"
    return found._replace(content_type=entry.value) if is_plain else found


def _json(kind: Kind, asked: str, default: str = "") -> ErrorFormat:
    """Return the first that fits of the version asked for, the default one, and the newest."""
    known = _JSON[kind]
    fitting = (e for text in (asked, default) for e in known if version_fits(text, e.version))
    return next(fitting, known[0])
