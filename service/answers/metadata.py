"""A metadata query to its answer.

SDMX-REST 1.5.0, 4.4 "Data and metadata queries"; SDMX-REST 2.2.2, doc/metadata.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from codelists.base import Maintainable
from codelists.urn import ARTEFACT_TYPES
from dsd.metadata_structure import Metadataflow
from service.answers.answer import Answer, Sources
from service.answers.errors import NoResultsError, UnknownResourceError
from service.answers.unknown import unknown_artefact
from service.query.metadata_query import MetadataBy, MetadataQuery
from service.query.versions import ALL_VERSIONS, VersionQuery
from service.registry.registry import Registry

_MOST_NAMED = 3


def answer_metadata(sources: Sources, query: MetadataQuery) -> Answer:
    """Return the answer, complete.

    No metadata sets are stored, so that there is none to any query that is right.

    Raises:
        NoResultsError: nothing matches.
        UnknownResourceError: the query names one artefact, or one metadata set, which is not there.
    """
    if query.by is MetadataBy.METADATA_SET:
        raise _no_metadata_set(query)
    registry = sources.registry if query.as_of is None else sources.at(query.as_of).registry
    about = concerned(registry, query)
    told = ", ".join(artefact.urn.short for artefact in about[:_MOST_NAMED])
    more = f" and {len(about) - _MOST_NAMED} others" if len(about) > _MOST_NAMED else ""
    raise NoResultsError(f"no metadata set is stored for {told}{more}")


def concerned(registry: Registry, query: MetadataQuery) -> list[Maintainable]:
    """Return the metadataflows in which the metadata sets are reported, or the artefacts that they are about.

    Raises:
        NoResultsError: nothing matches its wildcards.
        UnknownResourceError: it names one artefact, which is not there.
    """
    types, what = [Metadataflow.type_name], query.by.value
    if query.by is MetadataBy.STRUCTURE:
        types = [e.name for e in ARTEFACT_TYPES if query.artefact_type in ("*", e.resource)]
        what = "artefact" if query.artefact_type == "*" else query.artefact_type
    found = _matches(registry, types, query.agencies, query.ids, query.version)
    if found:
        return found
    if len(query.ids) != 1:
        raise NoResultsError(f"no {what} matches the query, of which there could be metadata")
    of_type = _matches(registry, types, (), (), ALL_VERSIONS)
    raise unknown_artefact(what, of_type, query.agencies, query.ids[0], query.version)


def _matches(
    registry: Registry,
    types: Sequence[str],
    agencies: Sequence[str],
    ids: Sequence[str],
    version: VersionQuery,
) -> list[Maintainable]:
    return [found for name in types for found in registry.match(name, agencies, ids, version)]


def _no_metadata_set(query: MetadataQuery) -> Exception:
    if len(query.ids) != 1:
        return NoResultsError("no metadata set is stored")
    providers = ", ".join(query.agencies) or "any provider"
    return UnknownResourceError(
        f"there is no metadata set {query.ids[0]} of {providers} in version {query.version.canonical}; "
        "none is stored"
    )
