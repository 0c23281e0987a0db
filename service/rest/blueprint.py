"""The views of SDMX REST: one blueprint for each API line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from service.answers.answer import Answer, Page, Sources, Wanted, latest
from service.answers.availability import answer_availability
from service.answers.data import answer_data
from service.answers.metadata import answer_metadata
from service.answers.registrations import answer_registrations
from service.answers.schemas import answer_schema
from service.answers.spool import IDENTITY
from service.answers.structures import answer_structures
from service.formats import DATA_FORMATS, STRUCTURE_FORMATS
from service.formats.contract import SchemaFormat, StructureFormat
from service.formats.metadata_formats import METADATA_FORMATS
from service.formats.registry_formats import REGISTRY_FORMATS
from service.formats.schema_formats import SCHEMA_FORMATS
from service.query.availability_query import (
    AvailabilityQuery,
    parse_availability_query_v1,
    parse_availability_query_v2,
)
from service.query.data_query import (
    DataQuery,
    Presentation,
    parse_data_query_v1,
    parse_data_query_v2,
)
from service.query.grammar import Grammar
from service.query.metadata_query import (
    MetadataQuery,
    parse_metadata_query_v1,
    parse_metadata_query_v2,
)
from service.query.registration_query import parse_registration_query
from service.query.schema_query import (
    SchemaQuery,
    parse_schema_query_v1,
    parse_schema_query_v2,
)
from service.query.structure_query import (
    RESOURCES_V1,
    StructureQuery,
    parse_structure_query_v1,
    parse_structure_query_v2,
)
from service.rest.range_header import UNIT, asked_page
from service.rest.request import FORM, read_request, with_posted
from service.rest.response import VARY, AnyFormat, read_wanted, respond

MAX_FORM_BYTES = 1024 * 1024
"""Of a query in the body of a POST."""
READ_METHODS = ("GET",)

AvailabilityParser = Callable[[str, str], AvailabilityQuery]
DataParser = Callable[[str, str], DataQuery]
MetadataParser = Callable[[str, str], MetadataQuery]
SchemaParser = Callable[[str, str], SchemaQuery]
StructureParser = Callable[[str, str], StructureQuery]

_DATA_FORMATS = tuple(entry for entry in DATA_FORMATS if entry.encode)
_STRUCTURE_FORMATS = tuple(entry for entry in STRUCTURE_FORMATS if entry.encode)

_VALIDITY_FORMATS: tuple[SchemaFormat | StructureFormat, ...] = (
    *SCHEMA_FORMATS,
    *_STRUCTURE_FORMATS,
)


def v1_blueprint(sources: Sources) -> Blueprint:
    """Return the views of SDMX-REST 1.5 under `/sdmx/v1`."""
    views = _Views(sources, Grammar.V1)
    structures = views.structures("", parse_structure_query_v1)
    for resource in RESOURCES_V1:
        views.add(resource, structures)
    views.add("data", views.data("/data", parse_data_query_v1))
    # The dataflow cannot be left out.
    views.add("data", views.posted_data("/data", parse_data_query_v1, ("",)), ("POST",))
    availability = views.availability("/availableconstraint", parse_availability_query_v1)
    views.add("availableconstraint", availability)
    views.add("schema", views.schemas("/schema", parse_schema_query_v1))
    views.add("metadata", views.metadata("/metadata", parse_metadata_query_v1))
    return views.blueprint


def v2_blueprint(sources: Sources) -> Blueprint:
    """Return the views of SDMX-REST 2.2 under `/sdmx/v2`."""
    views = _Views(sources, Grammar.V2)
    views.add("structure", views.structures("/structure", parse_structure_query_v2))
    views.add("data", views.data("/data", parse_data_query_v2))
    views.add("data", views.posted_data("/data", parse_data_query_v2, ("*",) * 4), ("POST",))
    views.add("availability", views.availability("/availability", parse_availability_query_v2))
    views.add("schema", views.schemas("/schema", parse_schema_query_v2))
    views.add("metadata", views.metadata("/metadata", parse_metadata_query_v2))
    views.add("registration", views.registrations("/registration"))
    return views.blueprint


class _Views:
    """Makes the views of one API line and their routes."""

    def __init__(self, sources: Sources, grammar: Grammar) -> None:
        self._origin = sources
        self._grammar = grammar
        self._prefix = f"/sdmx/{grammar.value}"
        self.blueprint = Blueprint(grammar.value, __name__, url_prefix=self._prefix)

    @property
    def _sources(self) -> Sources:
        """Where the answer to this request comes from: one state of the structures for all of it."""
        if "sources" not in g:
            g.sources = self._origin.now()
        found: Sources = g.sources
        return found

    def add(
        self, resource: str, view: Callable[..., Response], methods: tuple[str, ...] = READ_METHODS
    ) -> None:
        """Route a resource and every path under it to a view, which parses the path itself."""
        for rule in (f"/{resource}", f"/{resource}/<path:_>"):
            self.blueprint.add_url_rule(
                rule,
                f"{resource}-{methods[0].lower()}",
                view,
                methods=methods,
                strict_slashes=False,
            )

    def data(self, resource: str, parse: DataParser) -> Callable[..., Response]:
        """Return the view that answers data queries."""

        def view(**_: str) -> Response:
            asked = read_request(request.environ, self._prefix + resource)
            return self._data(parse(asked.path, asked.query))

        return view

    def posted_data(
        self, resource: str, parse: DataParser, named: tuple[str, ...]
    ) -> Callable[..., Response]:
        """Return the view that answers data queries too long for a URL."""

        def view(**_: str) -> Response:
            if request.mimetype != FORM:
                raise UnsupportedMediaType(
                    f"a POST here is a query whose parameters are in its body, as {FORM}, and this body is "
                    f"{request.mimetype or 'of no type'}; data are sent to `ilms load`, as no released version of SDMX "
                    "REST takes them over HTTP"
                )
            if (request.content_length or 0) > MAX_FORM_BYTES:
                raise RequestEntityTooLarge(
                    f"a query in the body may have {MAX_FORM_BYTES} bytes; ask for less at once"
                )
            if request.headers.get("Content-Encoding", IDENTITY).lower() != IDENTITY:
                raise UnsupportedMediaType("a query in the body is taken as it is, not packed")
            form = request.get_data(cache=False).decode("ascii", "replace")
            asked = with_posted(read_request(request.environ, self._prefix + resource), form, named)
            return self._data(parse(asked.path, asked.query))

        return view

    def _data(self, query: DataQuery) -> Response:
        wanted = self._wanted(query.presentation, _DATA_FORMATS)
        page = asked_page(request, query)
        answer = answer_data(self._sources, query, wanted, page)
        response = self._respond(answer, page)
        response.headers["Accept-Ranges"] = UNIT
        # Caches know the headers of HTTP alone.
        response.headers["Vary"] = f"{VARY}, X-Range"
        return response

    def availability(self, resource: str, parse: AvailabilityParser) -> Callable[..., Response]:
        """Return the view that answers availability queries."""

        def view(**_: str) -> Response:
            asked = read_request(request.environ, self._prefix + resource)
            query = parse(asked.path, asked.query)
            wanted = self._wanted(query.data.presentation, _STRUCTURE_FORMATS)
            return self._respond(answer_availability(self._sources, query, wanted))

        return view

    def schemas(self, resource: str, parse: SchemaParser) -> Callable[..., Response]:
        """Return the view that answers schema queries."""

        def view(**_: str) -> Response:
            asked = read_request(request.environ, self._prefix + resource)
            query = parse(asked.path, asked.query)
            wanted = self._wanted(query.presentation, _VALIDITY_FORMATS)
            return self._respond(answer_schema(self._sources, query, wanted))

        return view

    def metadata(self, resource: str, parse: MetadataParser) -> Callable[..., Response]:
        """Return the view that answers metadata queries."""

        def view(**_: str) -> Response:
            asked = read_request(request.environ, self._prefix + resource)
            query = parse(asked.path, asked.query)
            self._wanted(query.presentation, METADATA_FORMATS)
            return self._respond(answer_metadata(self._sources, query))

        return view

    def structures(self, resource: str, parse: StructureParser) -> Callable[..., Response]:
        """Return the view that answers structure queries."""

        def view(**_: str) -> Response:
            asked = read_request(request.environ, self._prefix + resource)
            query = parse(asked.path, asked.query)
            wanted = self._wanted(query.presentation, _STRUCTURE_FORMATS)
            return self._respond(
                answer_structures(self._sources, query, wanted, self._entry_point())
            )

        return view

    def registrations(self, resource: str) -> Callable[..., Response]:
        """Return the view that answers registration queries, which SDMX-REST 2.2 alone has."""

        def view(**_: str) -> Response:
            asked = read_request(request.environ, self._prefix + resource)
            query = parse_registration_query(asked.path, asked.query)
            wanted = self._wanted(query.presentation, REGISTRY_FORMATS)
            entry_point = self._entry_point()
            answer = answer_registrations(self._sources, query, wanted, entry_point)
            # Of what has gone it knows no instant.
            return self._respond(answer, is_dated=False)

        return view

    def _entry_point(self) -> str:
        """Return where clients find this API line."""
        base = self._sources.settings.public_url.rstrip("/") or request.url_root.rstrip("/")
        return base + self._prefix

    def _wanted(
        self, presentation: Presentation, formats: Sequence[AnyFormat]
    ) -> Wanted[AnyFormat]:
        return read_wanted(
            request,
            self._grammar,
            presentation,
            formats,
            self._sources.registry.languages_for(presentation.language),
            self._sources.spool.codings,
        )

    def _respond(
        self, answer: Answer, page: Page | None = None, *, is_dated: bool = True
    ) -> Response:
        changed = latest(answer.last_modified, self._sources.changed) if is_dated else None
        return respond(answer, self._sources.registry.languages, changed, page)
