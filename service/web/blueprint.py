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


class Pages:
    """The pages: the start page, and what a person sees where there is none."""

    def __init__(self, sources: Sources) -> None:
        self._overview = Overview(sources)
        self._public_url = sources.settings.public_url.rstrip("/")
        self._texts = load_texts()

    def blueprint(self) -> Blueprint:
        """Return the views."""
        blueprint = Blueprint("web", __name__, template_folder="templates", static_folder="static")
        blueprint.add_url_rule("/", "index", self.index)
        return blueprint

    def index(self) -> Response:
        """Return the start page."""
        words = self._words()
        groups = self._overview.groups((words.language,))
        return _page(
            "index.html",
            words,
            groups=groups,
            totals=totals(groups),
            example=_example(groups),
            base=self._public_url or request.host_url.rstrip("/"),
            data_formats=DATA_FORMATS,
            structure_formats=STRUCTURE_FORMATS,
        )

    def failure(self, status: int) -> Response:
        """Return the page that tells of an error, with its status."""
        response = _page("failure.html", self._words(), status=status)
        response.status_code = status
        return response

    def _words(self) -> Texts:
        return self._texts[request.accept_languages.best_match(self._texts, DEFAULT_LANGUAGE)]


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
