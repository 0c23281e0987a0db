"""Availability queries of both grammars: which data a data query would find.

SDMX-REST 1.5.0, 4.6.1 "Other queries"; SDMX-REST 2.2.2, doc/availability.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from service.query.data_query import (
    CONTEXTS,
    ONLY_IN_V1,
    DataQuery,
    context,
    flow_reference,
    presentation,
    providers,
    reporting_year_start_day,
    v1_keys,
    v1_periods,
    v2_keys,
)
from service.query.errors import QuerySyntaxError
from service.query.expression import parse_filters
from service.query.grammar import Grammar
from service.query.parameters import Parameters, identifiers, read_parameters, segments
from service.query.versions import parse_version_query


class Mode(StrEnum):
    """Which values an availability query returns."""

    EXACT = "exact"
    """Those that the data query's answer would have."""
    AVAILABLE = "available"
    """Those that could be added to the query and find more."""


REFERENCES_V1 = (
    "none",
    "all",
    "codelist",
    "datastructure",
    "conceptscheme",
    "dataflow",
    "dataproviderscheme",
)
REFERENCES_V2 = (*REFERENCES_V1, "valuelist")
_SHARED = ("updatedAfter", "references", "mode", "format", "formatVersion", "lang", "compression")
AVAILABILITY_PARAMETERS_V1 = ("startPeriod", "endPeriod", *_SHARED)
AVAILABILITY_PARAMETERS_V2 = (*_SHARED, "reportingYearStartDay")


@dataclass(frozen=True)
class AvailabilityQuery:
    """An availability query."""

    data: DataQuery
    """The data whose availability is asked for."""
    component_ids: tuple[str, ...] = ()
    """Dimensions to tell of; empty for all."""
    mode: Mode = Mode.EXACT
    references: tuple[str, ...] = ("none",)


def parse_availability_query_v1(path: str, raw_query: str) -> AvailabilityQuery:
    """Return an availability query of SDMX-REST 1.5.

    Args:
        path: what stands after `/availableconstraint/`, still percent-encoded:
            `{flowRef}/{key}/{providerRef}/{componentID}`.
        raw_query: what stands after the `?`, not decoded.

    Raises:
        QuerySyntaxError: it breaks the grammar.
    """
    parts = segments(path, ("flowRef", "key", "providerRef", "componentID"))
    parameters = read_parameters(
        raw_query,
        AVAILABILITY_PARAMETERS_V1,
        dict.fromkeys(("c", "reportingYearStartDay"), "it belongs to SDMX REST 2.x"),
        components=False,
    )
    agencies, ids, version = flow_reference(parts.get("flowRef"))
    start, end = v1_periods(parameters)
    data = DataQuery(
        Grammar.V1,
        "dataflow",
        agencies,
        ids,
        version,
        keys=v1_keys(parts.get("key", "all")),
        providers=providers(parts.get("providerRef", "all")),
        start_period=start,
        end_period=end,
        updated_after=parameters.instant("updatedAfter"),
        presentation=presentation(parameters),
    )
    components = identifiers(parts.get("componentID", "all"), "id", "+", "componentID")
    return AvailabilityQuery(
        data, components, _mode(parameters), _references(parameters, REFERENCES_V1, many=False)
    )


def parse_availability_query_v2(path: str, raw_query: str) -> AvailabilityQuery:
    """Return an availability query of SDMX-REST 2.2.

    Args:
        path: what stands after `/availability/`, still percent-encoded:
            `{context}/{agencyID}/{resourceID}/{version}/{key}/{componentID}`; the context is needed.
        raw_query: what stands after the `?`, not decoded.

    Raises:
        QuerySyntaxError: it breaks the grammar.
    """
    parts = segments(path, ("context", "agencyID", "resourceID", "version", "key", "componentID"))
    parameters = read_parameters(raw_query, AVAILABILITY_PARAMETERS_V2, ONLY_IN_V1, components=True)
    start_day = reporting_year_start_day(parameters)
    data = DataQuery(
        Grammar.V2,
        context(parts.get("context", ""), tuple(name for name in CONTEXTS if name != "*")),
        identifiers(parts.get("agencyID", "*"), "agency", ",", "agencyID"),
        identifiers(parts.get("resourceID", "*"), "id", ",", "resourceID"),
        parse_version_query(parts.get("version", "*")),
        keys=v2_keys(parts.get("key", "*")),
        filters=parse_filters(parameters.filters, start_day),
        updated_after=parameters.instant("updatedAfter"),
        reporting_year_start_day=start_day,
        presentation=presentation(parameters),
    )
    components = identifiers(parts.get("componentID", "*"), "id", ",", "componentID")
    return AvailabilityQuery(
        data, components, _mode(parameters), _references(parameters, REFERENCES_V2, many=True)
    )


def _mode(parameters: Parameters) -> Mode:
    return Mode(parameters.choice("mode", Mode) or Mode.EXACT)


def _references(parameters: Parameters, allowed: tuple[str, ...], *, many: bool) -> tuple[str, ...]:
    found = parameters.choices("references", allowed, many=many) or ("none",)
    if "none" in found and len(found) > 1:
        raise QuerySyntaxError(f"references={parameters.text('references')}: none stands alone")
    return found
