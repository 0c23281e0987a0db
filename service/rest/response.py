"""Answers as HTTP responses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TypeVar

from flask import Request, Response, request

from codelists.text import DEFAULT_LANGUAGE
from service.answers.answer import Answer, Page, Wanted
from service.answers.spool import IDENTITY, Body
from service.formats.contract import EncodeOptions
from service.query.data_query import Presentation
from service.query.grammar import Grammar
from service.rest.negotiation import (
    Offered,
    choose_coding,
    choose_format,
    choose_languages,
    lookup_language,
)
from service.rest.range_header import content_range

AnyFormat = TypeVar("AnyFormat", bound=Offered)

VARY = "Accept, Accept-Encoding, Accept-Language"
"""The headers that choose a representation (RFC 9110, 12.5.5)."""

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def read_wanted(
    request: Request,
    grammar: Grammar,
    presentation: Presentation,
    formats: Sequence[AnyFormat],
    languages: Sequence[str],
    codings: Sequence[str],
) -> Wanted[AnyFormat]:
    """Return how a request wants its answer; what the query says of it wins over the headers.

    Raises:
        NotAcceptableError: nothing that is offered will do.
    """
    choice = choose_format(
        formats,
        grammar,
        request.headers.get("Accept", ""),
        presentation.format,
        presentation.format_version,
    )
    defaults = EncodeOptions()
    options = EncodeOptions(
        languages=choose_languages(
            request.headers.get("Accept-Language", ""), presentation.language, languages
        ),
        labels=presentation.labels or choice.options.get("labels", defaults.labels),
        time_format=presentation.time_format
        or choice.options.get("timeFormat", defaults.time_format),
        keys=presentation.keys or choice.options.get("keys", defaults.keys),
    )
    coding = choose_coding(
        request.headers.get("Accept-Encoding", ""), presentation.compression, codings
    )
    return Wanted(choice.format, choice.content_type, options, coding, _known_tags(request))


def _known_tags(request: Request) -> frozenset[str]:
    return frozenset(_TAG.findall(request.headers.get("If-None-Match", "")))


def client_has(request: Request, modified: datetime | None) -> bool:
    """Tell whether the client has a copy as new as an answer of this instant, or any at all (RFC 9110, 13.1).

    A tag counts alone where there is one. What has tags that are known is found out before anything is read.
    """
    if request.method not in ("GET", "HEAD"):
        return False
    tags = request.headers.get("If-None-Match")
    if tags is not None:
        return tags.strip() == "*"
    since = _instant(request.headers.get("If-Modified-Since", ""))
    # Last-Modified has seconds: what changes twice in one is told apart by tags alone (RFC 9110, 8.8.2.2).
    return since is not None and modified is not None and modified.replace(microsecond=0) <= since


def _instant(text: str) -> datetime | None:
    """Return the instant of a header: as HTTP writes it, or as the OpenAPI description of SDMX REST says (ISO 8601)."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = parse(text.strip())
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def respond(
    answer: Answer,
    available: Sequence[str],
    modified: datetime | None = None,
    page: Page | None = None,
) -> Response:
    """Return the response of an answer: 200 with its body, 206 with a page of it, or 304 where the client has it.

    `available` are the languages of the service: where an answer does not know its own, Content-Language names
    the one that a lookup finds. `modified` is when the answer last changed, where that is known.
    """
    if answer.body is not None and client_has(request, modified):
        answer.body.close()
        answer = replace(answer, body=None)
    response = Response(status=304) if answer.body is None else _with_body(answer, answer.body)
    if page is not None and answer.total and answer.body is not None:
        response.status_code = 206
        response.headers["Content-Range"] = content_range(page, answer.total)
    response.headers["ETag"] = f'"{answer.tag}"' if answer.is_exact else f'W/"{answer.tag}"'
    response.headers["Vary"] = VARY
    # Anyone may keep a copy, and asks each time whether it still holds (RFC 9111, 5.2.2.4).
    response.headers["Cache-Control"] = "no-cache"
    if answer.body is not None:
        response.headers["Content-Language"] = ", ".join(
            answer.content_languages or (_language(answer.languages, available),)
        )
    if answer.left_out:
        # RFC 7234, 5.5.7; RFC 9111 does not renew it, and there is nothing in its place. A few are examples enough.
        told = "; ".join((*answer.left_out[:3], *(("...",) if len(answer.left_out) > 3 else ())))
        response.headers["Warning"] = (
            f'299 ilms "{len(answer.left_out)} left out: {_quotable(told)}"'
        )
    if modified is not None:
        response.headers["Last-Modified"] = format_datetime(modified, usegmt=True)
    return response


def _quotable(text: str) -> str:
    """Return a text as a quoted string of a header holds it (RFC 9110, 5.6.4)."""
    plain = text.encode("ascii", "replace").decode().replace("\\", "/").replace('"', "'")
    return " ".join(plain.split())


def _with_body(answer: Answer, body: Body) -> Response:
    # The type goes out as it is: `mimetype` would add a charset, which SDMX types do not have.
    response = Response(body, status=200, content_type=answer.content_type)
    response.headers["Content-Length"] = str(body.length)
    response.headers["Content-Disposition"] = f'inline; filename="{answer.file_name}"'
    if answer.coding != IDENTITY:
        response.headers["Content-Encoding"] = answer.coding
    return response


def _language(wished: Sequence[str], available: Sequence[str]) -> str:
    found = (lookup_language(tag, available) for tag in wished)
    return next(filter(None, found), DEFAULT_LANGUAGE)
