"""The pages."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from codelists.text import DEFAULT_LANGUAGE
from service.answers.answer import Sources
from service.formats import DATA_FORMATS, STRUCTURE_FORMATS
from service.web.api_page import sections
from service.web.overview import Group, Ledger, Overview, Table, coverage, totals
from service.web.wording import Texts, load_texts

_LATEST = 8
"""Submissions that the start page shows."""


ENTRY_POINTS = ("/sdmx/v1", "/sdmx/v2")

Describe = Callable[[str], dict[str, Any]]
"""Makes the OpenAPI description of the service at a base URL."""


class Pages:
    """The pages: the start page, and what a person sees where there is none."""

    def __init__(self, sources: Sources, ledger: Ledger, describe: Describe) -> None:
        self._describe = describe
        self._overview = Overview(sources, ledger)
        self._public_url = sources.settings.public_url.rstrip("/")
        self._texts = load_texts()
        self._look = _Look()

    def blueprint(self) -> Blueprint:
        """Return the views."""
        blueprint = Blueprint("web", __name__, template_folder="templates")
        blueprint.add_url_rule("/", "index", self.index)
        blueprint.add_url_rule("/docs", "docs", self.docs)
        blueprint.add_url_rule("/openapi.json", "openapi", self.openapi)
        for entry_point in ENTRY_POINTS:
            for rule in (entry_point, f"{entry_point}/"):
                blueprint.add_url_rule(rule, f"entry {rule}", self.entry_point)
        return blueprint

    def entry_point(self) -> Response:
        """Return where it says what can be asked: an entry point of the API is no resource itself."""
        response = Response(status=302)
        response.headers["Location"] = url_for(".docs")
        response.headers.remove("Content-Type")
        return response

    def openapi(self) -> Response:
        """Return the OpenAPI description."""
        text = json.dumps(self._describe(self._base()), separators=(",", ":"))
        response = Response(f"{text}\n", content_type="application/json")
        response.headers["Vary"] = "Accept-Encoding"
        return _finished(response)

    def docs(self) -> Response:
        """Return the page that describes the API."""
        resources = sections(self._describe(self._base()))
        return self._page("docs.html", self._words(), resources=resources)

    def _base(self) -> str:
        return self._public_url or request.host_url.rstrip("/")

    def index(self) -> Response:
        """Return the start page."""
        words = self._words()
        languages = (words.language,)
        overview = self._overview.now()
        groups = overview.groups(languages)
        return self._page(
            "index.html",
            words,
            groups=groups,
            totals=totals(groups),
            coverage=coverage(groups),
            submissions=overview.submissions(groups, languages, _LATEST),
            example=_example(groups),
            base=self._base(),
            data_formats=DATA_FORMATS,
            structure_formats=STRUCTURE_FORMATS,
        )

    def failure(self, status: int) -> Response:
        """Return the page that tells of an error, with its status."""
        return self._page("failure.html", self._words(), status, status=status)

    def _words(self) -> Texts:
        return self._texts[request.accept_languages.best_match(self._texts, DEFAULT_LANGUAGE)]

    def _page(
        self, template: str, words: Texts, status_code: int = 200, **values: object
    ) -> Response:
        text = render_template(template, words=words, look=self._look, **values)
        response = Response(text, status_code, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = self._look.policy
        response.headers["Content-Language"] = words.language
        response.headers["Vary"] = "Accept-Encoding, Accept-Language"
        return _finished(response)


def _finished(response: Response) -> Response:
    """Return a response packed where the client takes it, and with a tag: on a slow line each byte counts."""
    response.headers["Cache-Control"] = "no-cache"
    if request.accept_encodings["gzip"]:
        response.data = gzip.compress(response.data, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    if response.status_code == 200:
        response.add_etag()
        response.make_conditional(request)
    return response


class _Look:
    """Style and icon, which stand in each page: on a slow line every further request is a wait."""

    def __init__(self) -> None:
        folder = files("service.web") / "assets"
        self.style = (folder / "style.css").read_text(encoding="utf-8")
        icon = base64.b64encode((folder / "icon.svg").read_bytes()).decode("ascii")
        self.icon = f"data:image/svg+xml;base64,{icon}"
        digest = base64.b64encode(hashlib.sha256(self.style.encode()).digest()).decode("ascii")
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
            "base-uri 'none'; form-action 'none'"
        )
        """Nothing but this style and the icon is let in."""


@dataclass(frozen=True)
class _Example:
    """What the examples ask for."""

    table: Table
    area: str | None
    """None where the table holds nothing."""
    period: str | None
    """The last one of the area."""

    @property
    def key_v2(self) -> str:
        return f"{self.area or '*'}.*"

    @property
    def key_v1(self) -> str:
        return (self.area or "") + "." * (self.table.key_length - 1)


def _example(groups: list[Group]) -> _Example | None:
    """Return the table and area that hold most data, else the first table of all."""
    tables = [table for group in groups for table in group.tables]
    if not tables:
        return None
    table = max(tables, key=lambda table: table.observations)
    if not table.by_area:
        return _Example(table, None, None)
    area, held = max(table.by_area.items(), key=lambda entry: entry[1].observations)
    return _Example(table, area, held.end_period)
