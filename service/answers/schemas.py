"""A schema query to its answer: a schema that validates messages, or the artefacts that say what is valid.

SDMX-REST 1.5.0, 4.6.2 "Schema queries"; SDMX-REST 2.2.2, doc/schema.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from codelists.base import Maintainable
from dsd.metadata_structure import (
    Metadataflow,
    MetadataProvisionAgreement,
    MetadataStructure,
)
from dsd.resolved import Dsd
from dsd.resolved_metadata import Msd, resolve_metadata_structure
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
from service.query.errors import SemanticError
from service.query.grammar import Grammar
from service.query.schema_query import SchemaQuery
from service.query.versions import ALL_VERSIONS
from service.registry.registry import Registry
from service.registry.validity import measures_of, validity

_TYPES: dict[str, type[Maintainable]] = {
    "datastructure": DataStructure,
    "dataflow": Dataflow,
    "provisionagreement": ProvisionAgreement,
    "metadatastructure": MetadataStructure,
    "metadataflow": Metadataflow,
    "metadataprovisionagreement": MetadataProvisionAgreement,
}


def answer_schema(
    sources: Sources, query: SchemaQuery, wanted: Wanted[SchemaFormat | StructureFormat]
) -> Answer:
    """Return the answer, complete.

    Raises:
        UnknownResourceError: the artefact, or something that it refers to, is not there.
        SemanticError: the structure has no such dimension; metadata have none at all, and no measures.
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
        found = _resolved(sources.registry, query)
        options = _options(sources.registry, query, found)
        body = sources.spool.fill(_chunks(sources, found, options, wanted, tag), wanted.coding)
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


def _resolved(registry: Registry, query: SchemaQuery) -> Dsd | Msd:
    """Return the structure through the artefact that the query names, with all constraints up to it."""
    artefact = _named(registry, query)
    try:
        if isinstance(artefact, MetadataStructure | Metadataflow | MetadataProvisionAgreement):
            return resolve_metadata_structure(registry.structures, artefact.urn)
        return registry.dsd(artefact.urn)
    except UnknownArtefactError as error:
        raise UnknownResourceError(
            f"{artefact.urn.short} has no schema: what it refers to is not all there: {error}"
        ) from error


def _named(registry: Registry, query: SchemaQuery) -> Maintainable:
    types = [_TYPES[query.context]]
    if query.grammar is Grammar.V1 and query.context == "provisionagreement":
        # SDMX 2.1 has one kind of agreement, on data or on metadata.
        types.append(MetadataProvisionAgreement)
    for type in types:
        found = registry.match(type.type_name, (query.agency,), (query.id,), query.version)
        if found:
            return found[0]
    of_type = [
        artefact
        for type in types
        for artefact in registry.match(type.type_name, (), (), ALL_VERSIONS)
    ]
    raise unknown_artefact(query.context, of_type, (query.agency,), query.id, query.version)


def _options(registry: Registry, query: SchemaQuery, found: Dsd | Msd) -> SchemaOptions:
    asked = query.dimension_at_observation
    if isinstance(found, Msd):
        if asked is not None or query.explicit_measure:
            name = "explicitMeasure" if asked is None else "dimensionAtObservation"
            raise SemanticError(f"{name}: metadata of {found.urn.short} have no observations")
        return SchemaOptions(deletion=query.deletion)
    if not query.explicit_measure:
        return SchemaOptions(dimension_at_observation(asked, found), query.deletion)
    at_measures, concepts = measures_of(registry, found)
    dimension = dimension_at_observation(asked or at_measures, found)
    return SchemaOptions(dimension, query.deletion, True, concepts)


def _chunks(
    sources: Sources,
    found: Dsd | Msd,
    options: SchemaOptions,
    wanted: Wanted[SchemaFormat | StructureFormat],
    tag: str,
) -> Iterable[bytes]:
    chosen = wanted.format
    if isinstance(chosen, SchemaFormat):
        return (_schema(chosen, found, options),)
    if chosen.encode is None:
        raise NotExpressibleError(f"{chosen.media_type} can only be read")
    header = Header(id=f"ILMS{tag[:16].upper()}", prepared=sources.settings.clock())
    artefacts: list[Maintainable] = validity(sources.registry, found)
    return chosen.encode(header, artefacts, sources.registry.structures, wanted.options)


def _schema(chosen: SchemaFormat, found: Dsd | Msd, options: SchemaOptions) -> bytes:
    if isinstance(found, Dsd):
        return chosen.make(found, options)
    if chosen.make_metadata is None:
        raise NotExpressibleError(f"{chosen.name} is a schema of data alone")
    return chosen.make_metadata(found, options)
