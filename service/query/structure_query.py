"""Structure queries of both grammars.

SDMX-REST 1.5.0, 4.3 "Structural metadata queries"; SDMX-REST 2.2.2, doc/structures.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from service.query.data_query import Presentation, presentation
from service.query.errors import QuerySyntaxError, nearest
from service.query.grammar import Grammar
from service.query.parameters import Parameters, identifiers, read_parameters, segments
from service.query.versions import (
    LATEST_IN_PRODUCTION,
    LATEST_VERSION,
    VersionQuery,
    parse_version_query,
)


class StructureDetail(StrEnum):
    """How much of an artefact is returned."""

    FULL = "full"
    ALL_STUBS = "allstubs"
    REFERENCE_STUBS = "referencestubs"
    ALL_COMPLETE_STUBS = "allcompletestubs"
    REFERENCE_COMPLETE_STUBS = "referencecompletestubs"
    REFERENCE_PARTIAL = "referencepartial"
    RAW = "raw"
    """Extensions of code lists unresolved. SDMX-REST 2.2 only."""


class References(StrEnum):
    """Which neighbours of the matching artefacts are returned with them."""

    NONE = "none"
    PARENTS = "parents"
    PARENTS_AND_SIBLINGS = "parentsandsiblings"
    ANCESTORS = "ancestors"
    """Parents up to any level. SDMX-REST 2.2 only."""
    CHILDREN = "children"
    DESCENDANTS = "descendants"
    ALL = "all"


ITEM_SCHEMES_V2 = (
    "categoryscheme",
    "conceptscheme",
    "codelist",
    "valuelist",
    "agencyscheme",
    "dataproviderscheme",
    "metadataproviderscheme",
    "dataconsumerscheme",
    "organisationunitscheme",
    "reportingtaxonomy",
    "transformationscheme",
    "rulesetscheme",
    "userdefinedoperatorscheme",
    "customtypescheme",
    "namepersonalisationscheme",
    "vtlmappingscheme",
)
"""The types whose items a query may name. SDMX-REST 2.2.2, doc/structures.md, "Item queries"."""

RESOURCES_V2 = (
    *ITEM_SCHEMES_V2,
    "datastructure",
    "metadatastructure",
    "hierarchy",
    "hierarchyassociation",
    "dataflow",
    "metadataflow",
    "provisionagreement",
    "metadataprovisionagreement",
    "structuremap",
    "representationmap",
    "conceptschememap",
    "categoryschememap",
    "organisationschememap",
    "reportingtaxonomymap",
    "process",
    "categorisation",
    "dataconstraint",
    "metadataconstraint",
)
"""The artefact types of SDMX-REST 2.2; `*` is any of them."""

_ORGANISATION_SCHEMES = (
    "agencyscheme",
    "dataproviderscheme",
    "dataconsumerscheme",
    "organisationunitscheme",
)
_CONSTRAINTS = ("dataconstraint", "metadataconstraint")
_TYPES_OF_V1_RESOURCE: dict[str, tuple[str, ...]] = {
    "structure": (),
    "organisationscheme": _ORGANISATION_SCHEMES,
    "hierarchicalcodelist": ("hierarchy", "hierarchicalcodelist"),
    "provisionagreement": ("provisionagreement", "metadataprovisionagreement"),
    "contentconstraint": _CONSTRAINTS,
    "actualconstraint": _CONSTRAINTS,
    "allowedconstraint": _CONSTRAINTS,
    "structureset": (
        "structureset",
        "structuremap",
        "representationmap",
        "conceptschememap",
        "categoryschememap",
        "organisationschememap",
        "reportingtaxonomymap",
    ),
}
"""Resources of SDMX-REST 1.5 that are other types in 2.2, or several; all others are the type of the same name.

Types that only SDMX 2.1 has (`hierarchicalcodelist`, `structureset`, `attachmentconstraint`) keep their names.
"""

RESOURCES_V1 = (
    "datastructure",
    "metadatastructure",
    "categoryscheme",
    "conceptscheme",
    "codelist",
    "hierarchicalcodelist",
    "organisationscheme",
    "agencyscheme",
    "dataproviderscheme",
    "dataconsumerscheme",
    "organisationunitscheme",
    "dataflow",
    "metadataflow",
    "reportingtaxonomy",
    "provisionagreement",
    "structureset",
    "process",
    "categorisation",
    "contentconstraint",
    "actualconstraint",
    "allowedconstraint",
    "attachmentconstraint",
    "transformationscheme",
    "rulesetscheme",
    "userdefinedoperatorscheme",
    "customtypescheme",
    "namepersonalisationscheme",
    "vtlmappingscheme",
    "structure",
)
"""The resources of SDMX-REST 1.5 that are structures; `structure` is any of them."""

ITEM_SCHEMES_V1 = (
    "organisationscheme",
    "hierarchicalcodelist",
    *(resource for resource in RESOURCES_V1 if resource in ITEM_SCHEMES_V2),
)


@dataclass(frozen=True)
class StructureQuery:
    """A structure query. Empty tuples ask for all."""

    grammar: Grammar
    resource: str
    """As the request names it: a REST resource, `structure` (1.5) or `*` (2.2)."""
    types: tuple[str, ...] = ()
    """Names of the types that `resource` stands for, as SDMX-REST 2.2 has them; empty for any type."""
    agencies: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    version: VersionQuery = LATEST_VERSION
    items: tuple[str, ...] = ()
    """Items to return instead of whole schemes; a nested one is written with those above it."""
    detail: StructureDetail = StructureDetail.FULL
    references: tuple[str, ...] = (References.NONE.value,)
    """Values of `References`, or resource names of SDMX-REST 2.2."""
    as_of: datetime | None = None
    presentation: Presentation = field(default_factory=Presentation)


STRUCTURE_PARAMETERS_V1 = ("detail", "references", "format", "formatVersion", "lang", "compression")
STRUCTURE_PARAMETERS_V2 = (*STRUCTURE_PARAMETERS_V1, "asOf")


def parse_structure_query_v1(path: str, raw_query: str) -> StructureQuery:
    """Return a structure query of SDMX-REST 1.5.

    Args:
        path: what stands after `/sdmx/v1/`, still percent-encoded:
            `{resource}/{agencyID}/{resourceID}/{version}/{itemID}`.
        raw_query: what stands after the `?`, not decoded.

    Raises:
        QuerySyntaxError: it breaks the grammar.

    >>> parse_structure_query_v1("codelist/SDMX+ILMS/all/latest/", "detail=allstubs").agencies
    ('SDMX', 'ILMS')
    """
    parts = segments(path, ("resource", "agencyID", "resourceID", "version", "itemID"))
    resource = parts.get("resource", "structure")
    _check_resource(resource, RESOURCES_V1)
    parameters = read_parameters(
        raw_query,
        STRUCTURE_PARAMETERS_V1,
        {"asOf": "it belongs to SDMX REST 2.x"},
        components=False,
    )
    details = [entry.value for entry in StructureDetail if entry is not StructureDetail.RAW]
    keywords = [entry.value for entry in References if entry is not References.ANCESTORS]
    references = parameters.choices("references", (*keywords, *RESOURCES_V1), many=False)
    version = parts.get("version")
    return StructureQuery(
        Grammar.V1,
        resource,
        types_of_v1(resource),
        identifiers(parts.get("agencyID", "all"), "agency", "+", "agencyID"),
        identifiers(parts.get("resourceID", "all"), "id", "+", "resourceID"),
        parse_version_query(version, Grammar.V1) if version else LATEST_IN_PRODUCTION,
        _items(parts.get("itemID", "all"), "+", resource, ITEM_SCHEMES_V1),
        detail=StructureDetail(parameters.choice("detail", details) or StructureDetail.FULL),
        references=_references_v1(references),
        presentation=presentation(parameters),
    )


def parse_structure_query_v2(path: str, raw_query: str) -> StructureQuery:
    """Return a structure query of SDMX-REST 2.2.

    Args:
        path: what stands after `/structure/`, still percent-encoded:
            `{artefactType}/{agencyID}/{resourceID}/{version}/{itemID}`.
        raw_query: what stands after the `?`, not decoded.

    Raises:
        QuerySyntaxError: it breaks the grammar.

    >>> parse_structure_query_v2("codelist/ILMS/CL_SEX/~/SEX_F,SEX_M", "").items
    ('SEX_F', 'SEX_M')
    """
    parts = segments(path, ("artefactType", "agencyID", "resourceID", "version", "itemID"))
    # Non-standard, though an example of doc/structures.md has it: `all` for `*`.
    resource = "*" if (named := parts.get("artefactType", "*")) == "all" else named
    _check_resource(resource, (*RESOURCES_V2, "*"))
    parameters = read_parameters(raw_query, STRUCTURE_PARAMETERS_V2, {}, components=False)
    return StructureQuery(
        Grammar.V2,
        resource,
        () if resource == "*" else (resource,),
        identifiers(parts.get("agencyID", "*"), "agency", ",", "agencyID"),
        identifiers(parts.get("resourceID", "*"), "id", ",", "resourceID"),
        parse_version_query(parts.get("version", "~")),
        _items(parts.get("itemID", "*"), ",", resource, ITEM_SCHEMES_V2),
        detail=StructureDetail(
            parameters.choice("detail", StructureDetail) or StructureDetail.FULL
        ),
        references=_references_v2(parameters),
        as_of=parameters.instant("asOf"),
        presentation=presentation(parameters),
    )


def types_of_v1(resource: str) -> tuple[str, ...]:
    """Return the names of the types that a resource of SDMX-REST 1.5 stands for; empty for any.

    >>> types_of_v1("actualconstraint"), types_of_v1("codelist")
    (('dataconstraint', 'metadataconstraint'), ('codelist',))
    """
    return _TYPES_OF_V1_RESOURCE.get(resource, (resource,))


def resource_of_v1(type_name: str) -> str:
    """Return the resource of SDMX-REST 1.5 under which artefacts of a type are found.

    >>> resource_of_v1("hierarchy"), resource_of_v1("agencyscheme")
    ('hierarchicalcodelist', 'agencyscheme')
    """
    if type_name in RESOURCES_V1:
        return type_name
    return next(entry for entry in RESOURCES_V1 if type_name in types_of_v1(entry))


def types_of_line(grammar: Grammar) -> tuple[str, ...]:
    """Return the names of all types that an API line knows, each once.

    1.5 has no word for value lists, hierarchy associations and metadata providers, 2.2 none for what SDMX 3.0
    gave up.
    """
    if grammar is Grammar.V2:
        return RESOURCES_V2
    return tuple(dict.fromkeys(name for entry in RESOURCES_V1 for name in types_of_v1(entry)))


def _check_resource(resource: str, known: tuple[str, ...]) -> None:
    if resource not in known:
        raise QuerySyntaxError(
            f"there is no resource {resource!r}; {nearest(resource, known)} "
            f"(all: {', '.join(sorted(known))})"
        )


def _items(text: str, separator: str, resource: str, schemes: tuple[str, ...]) -> tuple[str, ...]:
    form = "value" if resource == "valuelist" else "item"
    found = identifiers(text, form, separator, "itemID")
    if found and resource not in schemes:
        raise QuerySyntaxError(
            f"itemID {text!r}: {resource} has no items; items may follow {', '.join(sorted(schemes))}"
        )
    return found


def _references_v1(found: tuple[str, ...]) -> tuple[str, ...]:
    if not found:
        return (References.NONE.value,)
    if found[0] in list(References):
        return found
    # Any type of artefact that is a neighbour at all.
    return types_of_v1(found[0]) or (References.ALL.value,)


def _references_v2(parameters: Parameters) -> tuple[str, ...]:
    found = parameters.choices("references", (*References, *RESOURCES_V2), many=True)
    if References.NONE in found and len(found) > 1:
        raise QuerySyntaxError(f"references={parameters.text('references')}: none stands alone")
    return found or (References.NONE.value,)
