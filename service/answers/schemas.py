"""A schema query to its answer: a schema that validates messages, or the artefacts that say what is valid.

SDMX-REST 1.5.0, 4.6.2 "Schema queries"; SDMX-REST 2.2.2, doc/schema.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from codelists.base import Maintainable
from dsd.resolved import Dsd
from dsd.structure import Dataflow, DataStructure, ProvisionAgreement
from dsd.structures import UnknownArtefactError
from service.answers.answer import Answer, Sources, Wanted, answer_tag
from service.answers.errors import UnknownResourceError
from service.answers.unknown import unknown_artefact
from service.formats.contract import (
    Header,
    NotExpressibleError,
    SchemaFormat,
    SchemaOptions,
    StructureFormat,
)
from service.query.binding import dimension_at_observation
from service.query.canonical import canonical
from service.query.errors import NotSupportedError
from service.query.schema_query import SchemaQuery
from service.query.versions import ALL_VERSIONS
from service.registry.registry import Registry
from service.registry.validity import measures_of, validity

_TYPES = {
    "datastructure": DataStructure.type_name,
    "dataflow": Dataflow.type_name,
    "provisionagreement": ProvisionAgreement.type_name,
}


def answer_schema(
    sources: Sources, query: SchemaQuery, wanted: Wanted[SchemaFormat | StructureFormat]
) -> Answer:
    """Return the answer, complete.

    Raises:
        UnknownResourceError: the artefact, or something that it refers to, is not there.
        SemanticError: the structure has no such dimension.
        NotExpressibleError: the format cannot write the answer.
    """
    if query.as_of is not None:
        sources = sources.at(query.as_of)
    tag = answer_tag(
        (
            sources.registry.content_hash,
            query.grammar,
            canonical(query),
            wanted.format.name,
            wanted.content_type,
            wanted.options,
        ),
        wanted.coding,
    )
    is_schema = isinstance(wanted.format, SchemaFormat)
    body = None
    if not wanted.has(tag):
        dsd = _resolved(sources.registry, query)
        options = _options(sources.registry, query, dsd)
        body = sources.spool.fill(_chunks(sources, dsd, options, wanted, tag), wanted.coding)
    return Answer(
        tag=tag,
        content_type=wanted.content_type,
        coding=wanted.coding,
        languages=() if is_schema else wanted.options.languages,
        file_name=f"{query.id}{wanted.format.extension}",
        body=body,
        # The header of a structure message holds the instant at which it is made.
        is_exact=is_schema,
    )


def _resolved(registry: Registry, query: SchemaQuery) -> Dsd:
    """Return the structure through the artefact that the query names, with all constraints up to it."""
    type_name = _TYPES.get(query.context)
    if type_name is None:
        raise NotSupportedError(
            f"this service has no schemas for reference metadata, so none of a {query.context}"
        )
    found = registry.match(type_name, (query.agency,), (query.id,), query.version)
    if not found:
        of_type = registry.match(type_name, (), (), ALL_VERSIONS)
        raise unknown_artefact(query.context, of_type, (query.agency,), query.id, query.version)
    try:
        return registry.dsd(found[0].urn)
    except UnknownArtefactError as error:
        raise UnknownResourceError(
            f"{found[0].urn.short} has no schema: what it refers to is not all there: {error}"
        ) from error


def _options(registry: Registry, query: SchemaQuery, dsd: Dsd) -> SchemaOptions:
    if not query.explicit_measure:
        dimension = dimension_at_observation(query.dimension_at_observation, dsd)
        return SchemaOptions(dimension, query.deletion)
    at_measures, concepts = measures_of(registry, dsd)
    asked = query.dimension_at_observation or at_measures
    return SchemaOptions(dimension_at_observation(asked, dsd), query.deletion, True, concepts)


def _chunks(
    sources: Sources,
    dsd: Dsd,
    options: SchemaOptions,
    wanted: Wanted[SchemaFormat | StructureFormat],
    tag: str,
) -> Iterable[bytes]:
    chosen = wanted.format
    if isinstance(chosen, SchemaFormat):
        return (chosen.make(dsd, options),)
    if chosen.encode is None:
        raise NotExpressibleError(f"{chosen.media_type} can only be read")
    header = Header(id=f"ILMS{tag[:16].upper()}", prepared=sources.settings.clock())
    found: list[Maintainable] = validity(sources.registry, dsd)
    return chosen.encode(header, found, sources.registry.structures, wanted.options)
