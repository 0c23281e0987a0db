"""Schema queries of both grammars: what data, or reference metadata, are valid in a context.

SDMX-REST 1.5.0, 4.6.2 "Schema queries"; SDMX-REST 2.2.2, doc/schema.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from service.query.data_query import Presentation, context, presentation
from service.query.errors import QuerySyntaxError
from service.query.grammar import Grammar
from service.query.parameters import EVERYTHING, ID_FORMS, Parameters, read_parameters, segments
from service.query.versions import Choice, VersionQuery, parse_version_query

CONTEXTS_V1 = (
    "datastructure",
    "metadatastructure",
    "dataflow",
    "metadataflow",
    "provisionagreement",
)
CONTEXTS_V2 = (*CONTEXTS_V1, "metadataprovisionagreement")
_SHARED = ("dimensionAtObservation", "format", "formatVersion", "lang", "compression")
SCHEMA_PARAMETERS_V1 = (*_SHARED, "explicitMeasure")
SCHEMA_PARAMETERS_V2 = (*_SHARED, "deletion", "asOf")
_PARTS = ("context", "agencyID", "resourceID", "version")


@dataclass(frozen=True)
class SchemaQuery:
    """A schema query. It is about one artefact."""

    grammar: Grammar
    context: str
    """Kind of the artefact, with whose constraints those of all that it refers to count."""
    agency: str
    id: str
    version: VersionQuery
    dimension_at_observation: str | None = None
    """None for the default, which depends on the DSD."""
    explicit_measure: bool = False
    """Observations are typed by their measure. SDMX-REST 1.5 only."""
    deletion: bool = False
    """The messages to validate delete. SDMX-REST 2.2 only."""
    as_of: datetime | None = None
    presentation: Presentation = field(default_factory=Presentation)


def parse_schema_query_v1(path: str, raw_query: str) -> SchemaQuery:
    """Return a schema query of SDMX-REST 1.5.

    Args:
        path: what stands after `/schema/`, still percent-encoded: `{context}/{agencyID}/{resourceID}/{version}`.
        raw_query: what stands after the `?`, not decoded.

    Raises:
        QuerySyntaxError: it breaks the grammar, or is about several artefacts.

    >>> parse_schema_query_v1("dataflow/ILMS/DF_X", "explicitMeasure=true").explicit_measure
    True
    """
    parameters = read_parameters(
        raw_query,
        SCHEMA_PARAMETERS_V1,
        dict.fromkeys(("deletion", "asOf"), "it belongs to SDMX REST 2.x"),
        components=False,
    )
    return _query(Grammar.V1, path, parameters, CONTEXTS_V1, "latest")


def parse_schema_query_v2(path: str, raw_query: str) -> SchemaQuery:
    """Return a schema query of SDMX-REST 2.2.

    Args:
        path: what stands after `/schema/`, still percent-encoded: `{context}/{agencyID}/{resourceID}/{version}`.
        raw_query: what stands after the `?`, not decoded.

    Raises:
        QuerySyntaxError: it breaks the grammar, or is about several artefacts.

    >>> parse_schema_query_v2("dataflow/ILMS/DF_X/1.0+.0", "deletion=true").deletion
    True
    """
    parameters = read_parameters(
        raw_query,
        SCHEMA_PARAMETERS_V2,
        {"explicitMeasure": "SDMX 3.x has no explicit measures"},
        components=False,
    )
    return _query(Grammar.V2, path, parameters, CONTEXTS_V2, "~")


def _query(
    grammar: Grammar,
    path: str,
    parameters: Parameters,
    contexts: tuple[str, ...],
    default_version: str,
) -> SchemaQuery:
    parts = segments(path, _PARTS)
    return SchemaQuery(
        grammar,
        context(parts.get("context", ""), contexts),
        _one(parts, "agencyID", "agency"),
        _one(parts, "resourceID", "id"),
        _version(parts.get("version", default_version), grammar),
        parameters.text("dimensionAtObservation"),
        parameters.boolean("explicitMeasure"),
        parameters.boolean("deletion"),
        parameters.instant("asOf"),
        presentation(parameters),
    )


def _one(parts: dict[str, str], name: str, form: str) -> str:
    """Return the one identifier of a path part."""
    text = parts.get(name, "")
    if not text or text in EVERYTHING:
        form_of_path = "/".join(f"{{{part}}}" for part in _PARTS)
        raise QuerySyntaxError(
            f"{name}: a schema is that of one artefact; name it in the path: {form_of_path}"
        )
    pattern, how = ID_FORMS[form]
    if pattern.fullmatch(text) is None:
        raise QuerySyntaxError(f"{name} {text!r} is not {how}; a schema is that of one artefact")
    return text


def _version(text: str, grammar: Grammar) -> VersionQuery:
    found = parse_version_query(text, grammar)
    if len(found.patterns) > 1 or found.patterns[0].choice is Choice.ALL:
        latest = "latest" if grammar is Grammar.V1 else "+ or ~"
        raise QuerySyntaxError(
            f"version {text!r}: a schema is that of one artefact; write one version, or {latest}"
        )
    return found
