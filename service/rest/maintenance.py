"""The views that change structures, and the one that tells what changed.

SDMX-REST 2.2.2, doc/maintenance.md; a RegistryInterface message at the entry point (Annex I of it); the path of
Fusion Metadata Registry, for its clients. Not in SDMX-REST: `/structure-history`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

from flask import Blueprint, Request, Response, request
from werkzeug.exceptions import MethodNotAllowed

from codelists.urn import LEGACY_TYPES, TYPE_OF_NAME, Urn
from service.access.accounts import Accounts, UnauthorizedError
from service.access.principal import Principal
from service.config import Clock
from service.formats import STRUCTURE_FORMATS
from service.formats.contract import Header, StructureFormat
from service.formats.registry_formats import REGISTRY_FORMATS, RegistryFormat
from service.formats.registry_xml import SubmissionResult, encode_structure_response
from service.query.errors import QuerySyntaxError
from service.query.grammar import Grammar
from service.query.parameters import read_parameters
from service.registry.maintenance import Outcome, StructureAction
from service.rest.access_log import REQUEST_ID
from service.rest.credential import principal_of
from service.rest.media_type import parse_media_ranges
from service.rest.negotiation import NotAcceptableError, choose_format
from service.rest.request import raw_path, read_request
from service.rest.response import VARY
from service.store.protocol import Artefacts, HistoryEntry
from service.submission.structures import (
    Asked,
    Done,
    StructureDesk,
    SubmissionTooLargeError,
    UnsupportedBodyError,
)

FMR_PATH = "/ws/secure/sdmxapi/rest"
"""Where Fusion Metadata Registry takes structures, and its clients send them."""

_ENTRY = f"/sdmx/{Grammar.V2.value}"
_ANY_BODY = frozenset(
    ("", "application/text", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded",
     "application/xml", "text/xml", "application/json", "application/gzip", "application/zip", "application/zstd",
     "application/vnd.sdmx.registry+xml")
)  # fmt: skip
"""Content types that leave the format to the body: curl, pysdmx and scripts of FMR send these."""
_TYPES = {entry.resource: entry for entry in TYPE_OF_NAME.values()}
_LEGACY = frozenset(entry.name for entry in LEGACY_TYPES)
"""Types that SDMX-REST 2.2 has no address for."""
_WARNING = 299
"""Code of a warning beside what was done, as HTTP once had it (RFC 7234, 5.5.7)."""
_MOST_CHANGES = 1000
"""Changes that one answer about the history holds, the newest ones."""


@dataclass(frozen=True)
class Maintained:
    """What the views work on."""

    desk: StructureDesk
    accounts: Accounts
    artefacts: Artefacts
    max_bytes: int
    clock: Clock


def maintenance_blueprint(maintained: Maintained) -> Blueprint:
    """Return the views under `/sdmx/v2` and under the path of FMR."""
    views = _Views(maintained)
    blueprint = Blueprint("maintenance", __name__)
    routes: tuple[tuple[str, Callable[..., Response], tuple[str, ...]], ...] = (
        (_ENTRY, views.message, ("POST",)),
        (f"{_ENTRY}/structure", views.message, ("POST",)),
        (f"{_ENTRY}/structure", views.change_without_name, ("PUT", "DELETE")),
        (f"{_ENTRY}/structure/<path:_>", views.structure, ("POST", "PUT", "DELETE")),
        (f"{_ENTRY}/structure-history", views.history, ("GET",)),
        (f"{_ENTRY}/structure-history/<path:_>", views.history, ("GET",)),
        (FMR_PATH, views.message, ("POST",)),
        (f"{FMR_PATH}/<path:_>", views.fmr, ("POST", "PUT", "DELETE")),
    )
    for number, (rule, view, methods) in enumerate(routes):
        blueprint.add_url_rule(
            rule, f"change-{number}", view, methods=methods, strict_slashes=False
        )
        if not rule.endswith("<path:_>"):
            blueprint.add_url_rule(f"{rule}/", f"change-{number}/", view, methods=methods)
    return blueprint


class _Views:
    """The views; each authenticates before it looks at anything else."""

    def __init__(self, maintained: Maintained) -> None:
        self._on = maintained

    def message(self) -> Response:
        """Take a message of any structures: a SubmitStructureRequest, or a structure message."""
        return self._submit(self._principal(), None, None)

    def change_without_name(self) -> Response:
        """Refuse to change or delete what is not named."""
        self._principal()
        raise QuerySyntaxError(
            "PUT and DELETE name one artefact: /structure/TYPE/AGENCY/ID/VERSION"
        )

    def structure(self, **_: str) -> Response:
        """Create, replace or delete what the path names."""
        principal = self._principal()
        return self._named(principal, _parsed(f"{_ENTRY}/structure"))

    def fmr(self, **_: str) -> Response:
        """Do the same under FMR's path, which is that of SDMX-REST 1.5 without `structure`."""
        principal = self._principal()
        return self._named(principal, _parsed(FMR_PATH))

    def _named(self, principal: Principal, path: _Path) -> Response:
        if request.method == "DELETE":
            if path.urn is None:
                raise QuerySyntaxError(
                    "DELETE names one artefact, /structure/TYPE/AGENCY/ID/VERSION, or one item of it"
                )
            done = self._on.desk.delete(path.urn, path.item, self._asked(principal))
            return self._respond(done)
        if request.method == "POST" and path.urn is not None:
            raise MethodNotAllowed(["DELETE", "GET", "HEAD", "OPTIONS", "PUT"])
        if request.method == "PUT" and (path.urn is None or path.item is not None):
            raise QuerySyntaxError("PUT names one artefact: /structure/TYPE/AGENCY/ID/VERSION")
        return self._submit(principal, path.type_name, path.urn)

    def _principal(self) -> Principal:
        return principal_of(request, self._on.accounts)

    def _asked(
        self, principal: Principal, type_name: str | None = None, target: Urn | None = None
    ) -> Asked:
        return Asked(
            f"{request.method} {raw_path(request.environ)}",
            principal,
            _action(request),
            type_name,
            target,
        )

    def _submit(self, principal: Principal, type_name: str | None, target: Urn | None) -> Response:
        asked = self._asked(principal, type_name, target)
        declared = _declared(request)
        done = self._on.desk.submit(_body(request, self._on.max_bytes), declared, asked)
        return self._respond(done)

    def _respond(self, done: Done) -> Response:
        chosen, content_type = _response_format(request)
        header = Header(id=request.environ[REQUEST_ID], prepared=self._on.clock())
        results = [_result(outcome) for outcome in done.plan.outcomes]
        if done.warnings and not done.plan.is_refused:
            results[0] = results[0]._replace(
                status="Warning",
                messages=(*results[0].messages, *((_WARNING, text) for text in done.warnings)),
            )
        body = encode_structure_response(chosen.form, header, results)
        response = Response(body, done.plan.status, content_type=content_type)
        response.headers["Vary"] = VARY
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Language"] = "en"
        created = [outcome for outcome in done.plan.outcomes if outcome.code == 201]
        if len(created) == 1 == len(results) and created[0].urn.type not in _LEGACY:
            response.headers["Location"] = _location(created[0].urn)
        return response

    def history(self, **_: str) -> Response:
        """Tell which changes structures had, newest first: who, when, by which message."""
        path = _parsed(f"{_ENTRY}/structure-history")
        if path.item is not None or (path.type_name is not None and path.urn is None):
            raise QuerySyntaxError(
                "the history is asked for by /structure-history/TYPE/AGENCY/ID/VERSION, or of all without"
            )
        urn = None if path.urn is None else str(path.urn)
        entries = self._on.artefacts.history(urn, _limit(request))
        is_known = self._is_known()
        changes = [_change(entry, is_known) for entry in entries]
        text = json.dumps({"changes": changes}, ensure_ascii=False, indent=1)
        response = Response(f"{text}\n", content_type="application/json")
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Vary"] = "Authorization"
        return response

    def _is_known(self) -> bool:
        try:
            self._principal()
        except UnauthorizedError:
            return False
        return True


class _Path(NamedTuple):
    """What a path names."""

    type_name: str | None
    urn: Urn | None
    item: str | None


def _parsed(prefix: str) -> _Path:
    """Return what the path of the request names after a prefix.

    Raises:
        QuerySyntaxError: it names no type of artefact, or an artefact in part.
    """
    asked = read_request(request.environ, prefix).path
    parts = [unquote(part) for part in asked.split("/") if part]
    if not parts:
        return _Path(None, None, None)
    known = _TYPES.get(parts[0])
    if known is None:
        listed = ", ".join(sorted(_TYPES))
        raise QuerySyntaxError(f"there is no type of artefact {parts[0]!r}; there are {listed}")
    if len(parts) == 1:
        return _Path(known.name, None, None)
    if len(parts) not in (4, 5):
        raise QuerySyntaxError(f"write /{parts[0]}/AGENCY/ID/VERSION, exactly one of each")
    urn = Urn(known.name, parts[1], parts[2], parts[3])
    return _Path(known.name, urn, parts[4] if len(parts) == 5 else None)


def _action(request: Request) -> StructureAction | None:
    """Return what FMR's header `Action` asks for all artefacts of a message.

    Raises:
        QuerySyntaxError: it is no action.
    """
    name = request.headers.get("Action")
    if name is None:
        return None
    known = {action.value.lower(): action for action in StructureAction if action.value != "Submit"}
    found = known.get(name.strip().lower())
    if found is None:
        listed = ", ".join(action.value for action in known.values())
        raise QuerySyntaxError(f"the header Action says {name!r}; there are {listed}")
    return found


def _limit(request: Request) -> int:
    """Return how many changes are asked for at most.

    Raises:
        QuerySyntaxError: it is no such number.
    """
    raw = request.query_string.decode("latin-1")
    limit = read_parameters(raw, ("limit",), {}, components=False).integer("limit", 1)
    if limit is not None and limit > _MOST_CHANGES:
        raise QuerySyntaxError(f"limit={limit}: write a number from 1 to {_MOST_CHANGES}")
    return _MOST_CHANGES if limit is None else limit


def _declared(request: Request) -> StructureFormat | None:
    """Return the format that Content-Type names, None where it leaves that to the body.

    Raises:
        UnsupportedBodyError: it names something that is no structure format.
    """
    ranges = parse_media_ranges(request.headers.get("Content-Type", ""))
    if not ranges or ranges[0].value in _ANY_BODY:
        return None
    try:
        return choose_format(STRUCTURE_FORMATS, Grammar.V2, request.headers["Content-Type"]).format
    except NotAcceptableError as error:
        listed = ", ".join(f"{f.media_type};version={f.version}" for f in STRUCTURE_FORMATS)
        raise UnsupportedBodyError(
            f"Content-Type says {request.headers['Content-Type']!r}; structures are taken as {listed}"
        ) from error


def _body(request: Request, limit: int) -> bytes:
    """Return the body.

    Raises:
        SubmissionTooLargeError: it is larger than the service takes.
    """
    if request.content_length is None or request.content_length <= limit:
        body = request.stream.read(limit + 1)
        if len(body) <= limit:
            return body
    raise SubmissionTooLargeError(f"the body has more than {limit:,} bytes; send it in parts")


def _response_format(request: Request) -> tuple[RegistryFormat, str]:
    """Return the version of the response that is asked for, the newest where none of them is.

    The default where Accept names nothing that there is: doc/maintenance.md, "Server".
    """
    try:
        chosen = choose_format(REGISTRY_FORMATS, Grammar.V2, request.headers.get("Accept", ""))
    except NotAcceptableError:
        offered = REGISTRY_FORMATS[0]
        return offered, f"{offered.media_type};version={offered.version}"
    return chosen.format, chosen.content_type


def _result(outcome: Outcome) -> SubmissionResult:
    status = "Failure" if outcome.is_failure else "Warning" if outcome.warning else "Success"
    messages = [(outcome.code, outcome.text)]
    if outcome.warning:
        messages.append((_WARNING, outcome.warning))
    return SubmissionResult(outcome.urn, outcome.action, status, messages)


def _location(urn: Urn) -> str:
    resource = TYPE_OF_NAME[urn.type].resource
    return f"{_ENTRY}/structure/{resource}/{urn.agency}/{urn.id}/{urn.version}"


def _change(entry: HistoryEntry, is_known: bool) -> dict[str, object]:
    """Return a change as JSON; which account made it is told to those only who have one."""
    record = entry.record
    found: dict[str, object] = {
        "urn": entry.urn,
        "action": entry.action,
        "at": entry.at.isoformat(),
        "transaction": entry.transaction,
        "agency": record.agency,
        "message": record.message,
        "messageSha256": record.sha256,
        "contentSha256": entry.sha256,
    }
    return {**found, "account": record.account, "request": record.request} if is_known else found
