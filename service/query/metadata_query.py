"""Metadata queries of both grammars: which sets of reference metadata are wanted.

SDMX-REST 1.5.0, 4.4 "Data and metadata queries"; SDMX-REST 2.2.2, doc/metadata.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from service.query.data_query import (
    ONLY_IN_V1,
    DataQuery,
    Presentation,
    ProviderReference,
    parse_data_query_v1,
    presentation,
)
from service.query.errors import QuerySyntaxError, allowed
from service.query.grammar import Grammar
from service.query.parameters import identifiers, read_parameters, segments
from service.query.structure_query import RESOURCES_V2
from service.query.versions import LATEST_VERSION, VersionQuery, parse_version_query


class MetadataBy(StrEnum):
    """What names the metadata sets. SDMX-REST 2.2.2, doc/metadata.md."""

    METADATA_SET = "metadataset"
    METADATAFLOW = "metadataflow"
    """The collection in which they are reported."""
    STRUCTURE = "structure"
    """The artefacts that they are about."""


class MetadataDetail(StrEnum):
    """How much of a metadata set is returned."""

    FULL = "full"
    ALL_STUBS = "allstubs"


@dataclass(frozen=True)
class MetadataQuery:
    """A metadata query. Empty tuples ask for all."""

    grammar: Grammar
    by: MetadataBy
    artefact_type: str = "*"
    """Of the structures, as SDMX-REST 2.2 names it."""
    agencies: tuple[str, ...] = ()
    """Of the structures or metadataflows; of metadata sets their providers, who maintain them."""
    ids: tuple[str, ...] = ()
    version: VersionQuery = LATEST_VERSION
    providers: tuple[ProviderReference, ...] = ()
    """Who reported them, in a query by metadataflow."""
    detail: MetadataDetail = MetadataDetail.FULL
    as_of: datetime | None = None
    as_data: DataQuery | None = None
    """A query of SDMX-REST 1.5, which is written as one of data with all its parameters."""
    presentation: Presentation = field(default_factory=Presentation)


_SHARED = ("detail", "format", "formatVersion", "lang", "compression")
METADATA_PARAMETERS_V2 = (*_SHARED, "asOf", "labels")
_ELSEWHERE = {name: how for name, how in ONLY_IN_V1.items() if name != "detail"} | {
    "references": "metadata come without artefacts: ask /structure for those",
    "c": "conditions are for data",
}
METADATA_PATHS = {
    MetadataBy.METADATA_SET: ("providerID", "metadatasetID", "version"),
    MetadataBy.METADATAFLOW: ("agencyID", "resourceID", "version", "providerRef"),
    MetadataBy.STRUCTURE: ("artefactType", "agencyID", "resourceID", "version"),
}
"""The parts of each path after the word that says what names the metadata sets; all may be left out from the end on."""


def parse_metadata_query_v1(path: str, raw_query: str) -> MetadataQuery:
    """Return a metadata query of SDMX-REST 1.5.

    Args:
        path: what stands after `/metadata/`, still percent-encoded: `{flowRef}/{key}/{providerRef}`.
        raw_query: what stands after the `?`, not decoded.

    Raises:
        QuerySyntaxError: it breaks the grammar.

    >>> parse_metadata_query_v1("ILMS,MDF_SOURCES/all/IDN_MOM", "").providers
    (ProviderReference(agency=None, id='IDN_MOM'),)
    """
    asked = parse_data_query_v1(path, raw_query)
    return MetadataQuery(
        Grammar.V1,
        MetadataBy.METADATAFLOW,
        agencies=asked.agencies,
        ids=asked.ids,
        version=asked.version,
        providers=asked.providers,
        as_data=replace(asked, context=MetadataBy.METADATAFLOW.value),
        presentation=asked.presentation,
    )


def parse_metadata_query_v2(path: str, raw_query: str) -> MetadataQuery:
    """Return a metadata query of SDMX-REST 2.2.

    Args:
        path: what stands after `/metadata/`, still percent-encoded: `metadataset/{providerID}/{metadatasetID}/{version}`,
            `metadataflow/{agencyID}/{resourceID}/{version}/{providerRef}` or
            `structure/{artefactType}/{agencyID}/{resourceID}/{version}`.
        raw_query: what stands after the `?`, not decoded.

    Raises:
        QuerySyntaxError: it breaks the grammar.

    >>> parse_metadata_query_v2("structure/dataflow/TST/DF/", "detail=allstubs").artefact_type
    'dataflow'
    """
    by, names = _by(path.partition("/")[0])
    parts = segments(path, names)
    parameters = read_parameters(raw_query, METADATA_PARAMETERS_V2, _ELSEWHERE, components=False)
    artefact_type = parts.get("artefactType", "*")
    if artefact_type not in (*RESOURCES_V2, "*"):
        raise QuerySyntaxError(
            f"artefactType {artefact_type!r}: {allowed(artefact_type, (*RESOURCES_V2, '*'))}"
        )
    agency, id = [name for name in names if name in _AGENCY_PARTS + _ID_PARTS]
    return MetadataQuery(
        Grammar.V2,
        by,
        artefact_type,
        identifiers(parts.get(agency, "*"), "agency", ",", agency),
        identifiers(parts.get(id, "*"), "id", ",", id),
        parse_version_query(parts.get("version", "~")),
        _providers(parts.get("providerRef", "*")),
        MetadataDetail(parameters.choice("detail", MetadataDetail) or MetadataDetail.FULL),
        parameters.instant("asOf"),
        presentation=presentation(parameters),
    )


_AGENCY_PARTS = ("providerID", "agencyID")
_ID_PARTS = ("metadatasetID", "resourceID")


def _by(word: str) -> tuple[MetadataBy, tuple[str, ...]]:
    """Return what names the metadata sets, and the parts of the path.

    Non-standard, though the examples of doc/metadata.md have it: a type of artefact right after `/metadata/`.
    """
    known = list(MetadataBy)
    if word in known:
        return MetadataBy(word), (word, *METADATA_PATHS[MetadataBy(word)])
    if word in RESOURCES_V2:
        return MetadataBy.STRUCTURE, METADATA_PATHS[MetadataBy.STRUCTURE]
    raise QuerySyntaxError(
        f"/metadata/{word}: metadata are asked for by what names them; {allowed(word, known)}"
    )


def _providers(text: str) -> tuple[ProviderReference, ...]:
    """Return the providers of a providerRef: `[AGENCY.]PROVIDER`, `,` between several.

    Raises:
        QuerySyntaxError: one is not so written.
    """
    found = []
    where = f"providerRef {text!r}:"
    for part in text.split(","):
        agency, _, provider = part.rpartition(".")
        agencies = identifiers(agency, "agency", ",", f"{where} agency") if agency else ()
        ids = identifiers(provider, "id", ",", f"{where} provider")
        if not agencies and not ids:
            return ()
        found.append(ProviderReference(next(iter(agencies), None), next(iter(ids), None)))
    return tuple(dict.fromkeys(found))
