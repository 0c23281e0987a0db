"""The application: made from settings, with nothing kept outside it."""

from __future__ import annotations

from flask import Flask, Response, request

from dsd.structures import Structures, load_structures
from service.access.accounts import Accounts
from service.answers.answer import Sources
from service.answers.spool import Spool
from service.config import Settings
from service.formats.contract import Header
from service.query.grammar import Grammar
from service.registry.registries import Registries
from service.rest.access_log import REQUEST_ID, access_logged
from service.rest.blueprint import v1_blueprint, v2_blueprint
from service.rest.errors import UriTooLongError, respond_error
from service.rest.maintenance import FMR_PATH, Maintained, maintenance_blueprint
from service.rest.openapi import openapi_document
from service.store import open_store
from service.store.protocol import Store
from service.submission.structures import StructureDesk
from service.web.blueprint import Pages

_EXPOSED = (
    "Accept-Post, Accept-Ranges, Allow, Content-Disposition, Content-Encoding, Content-Language, Content-Range, ETag, "
    "Last-Modified, Location, Vary, Warning, WWW-Authenticate, X-Request-ID"
)
"""Headers of answers that scripts of other origins may read."""
# A wildcard means any but Authorization; older browsers do not know it.
_TAKEN = (
    "Accept, Accept-Language, Action, Authorization, Cache-Control, Content-Type, If-Modified-Since, If-None-Match, "
    "If-Range, Range, X-Range, X-Request-ID, X-Requested-With, *"
)
"""Headers of requests that they may send."""
_API = ("/sdmx/", f"{FMR_PATH}/")


def create_app(
    settings: Settings, structures: Structures | None = None, store: Store | None = None
) -> Flask:
    """Return the WSGI application.

    Args:
        settings: everything that can be set.
        structures: the built-in artefacts where None.
        store: the store that the settings name, where None.
    """
    opened = open_store(settings) if store is None else store
    registries = Registries(
        load_structures() if structures is None else structures, opened.artefacts
    )
    sources = Sources(
        settings,
        registries.current(),
        opened,
        Spool(settings.temporary_folder),
        registries,
        # What the program answers of the same data and structures may change with it.
        changed=settings.clock(),
    )
    app = Flask("service.web", static_folder=None)
    # Paths are the clients' own: `//` and a slash at the end mean something in a key.
    app.url_map.merge_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(v1_blueprint(sources))
    app.register_blueprint(v2_blueprint(sources))
    app.register_blueprint(
        maintenance_blueprint(
            Maintained(
                StructureDesk(registries, opened.artefacts, opened, settings),
                Accounts(opened.tokens, settings.clock),
                opened.artefacts,
                settings.max_submission_bytes,
                settings.clock,
            )
        )
    )
    pages = Pages(sources, lambda: opened.ledger(), openapi_document)
    app.register_blueprint(pages.blueprint())
    app.add_url_rule("/health", "health", _health)
    app.before_request(lambda: _check_length(settings))
    app.before_request(_preflight)
    app.after_request(_open_to_all_origins)
    app.register_error_handler(Exception, lambda error: _failed(error, settings, pages))
    app.wsgi_app = access_logged(app.wsgi_app)  # type: ignore[assignment, method-assign]
    return app


def _health() -> Response:
    """Tell that the process answers."""
    return Response('{"status": "ok"}\n', content_type="application/json")


def _check_length(settings: Settings) -> None:
    length = len(request.full_path.encode())
    if length > settings.max_url_bytes:
        raise UriTooLongError(
            f"the URL has {length} bytes and the service reads {settings.max_url_bytes}; "
            "ask for less at once, or send a data query as POST, its parameters in the body"
        )


def _preflight() -> Response | None:
    """Let scripts of other origins learn that a path is not there: a refused preflight would hide the status."""
    is_preflight = "Access-Control-Request-Method" in request.headers
    if request.method == "OPTIONS" and is_preflight and request.url_rule is None:
        response = Response(status=204)
        response.headers.remove("Content-Type")
        response.headers["Allow"] = "GET, HEAD, OPTIONS, POST, PUT, DELETE"
        return response
    return None


def _open_to_all_origins(response: Response) -> Response:
    """Let scripts of any origin read every answer, errors too (Fetch standard, CORS protocol)."""
    headers = response.headers
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Expose-Headers"] = _EXPOSED
    if request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = headers.get("Allow", "GET, HEAD, OPTIONS")
        headers["Access-Control-Allow-Headers"] = _TAKEN
        headers["Access-Control-Max-Age"] = "86400"
    headers["X-Content-Type-Options"] = "nosniff"
    return response


def _failed(error: Exception, settings: Settings, pages: Pages) -> Response:
    grammar = Grammar.V1 if request.path.startswith(f"/sdmx/{Grammar.V1.value}/") else Grammar.V2
    header = Header(id=request.environ[REQUEST_ID], prepared=settings.clock())
    response = respond_error(error, request, grammar, header)
    # What is asked of the API is told as an SDMX message, what is asked of the pages as a page.
    return response if f"{request.path}/".startswith(_API) else pages.failure(response.status_code)
