"""The pages."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from codelists.text import DEFAULT_LANGUAGE
from service.answers.answer import Sources
from service.formats import DATA_FORMATS, STRUCTURE_FORMATS
from service.web.overview import Group, Overview, Table, totals
from service.web.wording import Texts, load_texts

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
)


def web_blueprint(sources: Sources) -> Blueprint:
    """Return the pages: the start page and what it needs."""
    blueprint = Blueprint("web", __name__, template_folder="templates", static_folder="static")
    overview = Overview(sources)
    texts = load_texts()

    @blueprint.get("/")
    def index() -> Response:
        words = _words(texts)
        groups = overview.groups((words.language,))
        return _page(
            "index.html",
            words,
            groups=groups,
            totals=totals(groups),
            example=_example(groups),
            base=sources.settings.public_url.rstrip("/") or request.host_url.rstrip("/"),
            data_formats=DATA_FORMATS,
            structure_formats=STRUCTURE_FORMATS,
        )

    return blueprint


def _words(texts: dict[str, Texts]) -> Texts:
    return texts[request.accept_languages.best_match(texts, DEFAULT_LANGUAGE)]


def _page(template: str, words: Texts, **values: object) -> Response:
    body = render_template(template, words=words, **values)
    response = Response(body, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Content-Language"] = words.language
    response.headers["Vary"] = "Accept-Language"
    response.headers["Cache-Control"] = "no-cache"
    return response


def _example(groups: list[Group]) -> Table | None:
    """Return the table that the examples show: the first that holds data, else the first of all."""
    tables = [table for group in groups for table in group.tables]
    return next((table for table in tables if table.observations), next(iter(tables), None))
