"""Data queries of both grammars: what was asked for, before any DSD is looked at.

SDMX-REST 1.5.0, 4.4 "Data and metadata queries"; SDMX-REST 2.2.2, doc/data.md. `service.query.binding`
turns a query into a `Selection`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dsd.time_period import PeriodSyntaxError, check_start_day
from service.query.errors import QuerySyntaxError
from service.query.expression import check_period, parse_filters
from service.query.grammar import Grammar
from service.query.limits import MOST_ALTERNATIVES, check_number
from service.query.parameters import (
    EVERYTHING,
    Parameters,
    component_ids,
    identifiers,
    read_parameters,
    segments,
)
from service.query.selection import ComponentFilter
from service.query.versions import (
    ALL_VERSIONS,
    LATEST_IN_PRODUCTION,
    VersionQuery,
    parse_version_query,
)

Key = tuple[tuple[str, ...], ...]
"""A partial key: at each position the values asked for, none for any."""

CONTEXTS = ("datastructure", "dataflow", "provisionagreement", "*")
ALL_DIMENSIONS = "AllDimensions"
ATTRIBUTE_WORDS = ("dsd", "msd", "dataset", "series", "obs", "all", "none")
MEASURE_WORDS = ("all", "none")


class Detail(StrEnum):
    """How much of the data SDMX-REST 1.5 returns."""

    FULL = "full"
    DATA_ONLY = "dataonly"
    SERIES_KEYS_ONLY = "serieskeysonly"
    NO_DATA = "nodata"


@dataclass(frozen=True)
class ProviderReference:
    """A data provider; None for any agency, or any provider of the agency."""

    agency: str | None
    id: str | None


@dataclass(frozen=True)
class SortKey:
    """One component (or `*`, or `series_key`) to sort by."""

    component: str
    descending: bool = False


@dataclass(frozen=True)
class Presentation:
    """How the answer is to look. Not in SDMX-REST itself: its doc/extend.md and the media type parameters.

    None where the request leaves it to its headers. A format, language or compression that the service
    does not have is no fault of the query, so these are kept as they are written.
    """

    format: str | None = None
    format_version: str | None = None
    language: str | None = None
    compression: str | None = None
    labels: str | None = None
    time_format: str | None = None
    keys: str | None = None


@dataclass(frozen=True)
class DataQuery:
    """A data query. Empty tuples of identifiers, keys and providers ask for all."""

    grammar: Grammar
    context: str = "*"
    agencies: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    version: VersionQuery = ALL_VERSIONS
    keys: tuple[Key, ...] = ()
    providers: tuple[ProviderReference, ...] = ()
    filters: tuple[ComponentFilter, ...] = ()
    """Of the `c` parameter, TIME_PERIOD among them."""
    start_period: str | None = None
    end_period: str | None = None
    updated_after: datetime | None = None
    as_of: datetime | None = None
    first_n: int | None = None
    last_n: int | None = None
    dimension_at_observation: str | None = None
    """None for the default, which depends on the DSD."""
    detail: Detail = Detail.FULL
    attributes: tuple[str, ...] = ("dsd",)
    measures: tuple[str, ...] = ("all",)
    include_history: bool = False
    offset: int = 0
    limit: int | None = None
    sort: tuple[SortKey, ...] = ()
    reporting_year_start_day: str | None = None
    """None where the query does not say: that of the data."""
    presentation: Presentation = field(default_factory=Presentation)


PRESENTATION_PARAMETERS = (
    "format",
    "formatVersion",
    "lang",
    "compression",
    "labels",
    "timeFormat",
    "keys",
)
V1_PARAMETERS = (
    "startPeriod",
    "endPeriod",
    "updatedAfter",
    "firstNObservations",
    "lastNObservations",
    "dimensionAtObservation",
    "detail",
    "includeHistory",
    *PRESENTATION_PARAMETERS,
)
V2_PARAMETERS = (
    "updatedAfter",
    "firstNObservations",
    "lastNObservations",
    "dimensionAtObservation",
    "attributes",
    "measures",
    "includeHistory",
    "offset",
    "limit",
    "sort",
    "asOf",
    "reportingYearStartDay",
    *PRESENTATION_PARAMETERS,
)
ONLY_IN_V1 = {
    "startPeriod": "SDMX REST 2.x has c[TIME_PERIOD]=ge:2020",
    "endPeriod": "SDMX REST 2.x has c[TIME_PERIOD]=le:2024",
    "detail": "SDMX REST 2.x has attributes=none and measures=none",
}
ONLY_IN_V2 = dict.fromkeys(
    ("c", *(name for name in V2_PARAMETERS if name not in V1_PARAMETERS)),
    "it belongs to SDMX REST 2.x",
)


def parse_data_query_v1(path: str, raw_query: str) -> DataQuery:
    """Return a data query of SDMX-REST 1.5.

    Args:
        path: what stands after `/data/`, still percent-encoded: `{flowRef}/{key}/{providerRef}`.
        raw_query: what stands after the `?`, not decoded.

    Raises:
        QuerySyntaxError: it breaks the grammar.

    >>> parse_data_query_v1("ILMS,DF_X,1.0/A.B+C./all", "startPeriod=2010").keys
    ((('A',), ('B', 'C'), ()),)
    """
    parts = segments(path, ("flowRef", "key", "providerRef"))
    parameters = read_parameters(raw_query, V1_PARAMETERS, ONLY_IN_V2, components=False)
    agencies, ids, version = flow_reference(parts.get("flowRef"))
    start, end = v1_periods(parameters)
    return DataQuery(
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
        first_n=parameters.integer("firstNObservations", 1),
        last_n=parameters.integer("lastNObservations", 1),
        dimension_at_observation=parameters.text("dimensionAtObservation"),
        detail=Detail(parameters.choice("detail", Detail) or Detail.FULL),
        include_history=parameters.boolean("includeHistory"),
        presentation=presentation(parameters),
    )


def parse_data_query_v2(path: str, raw_query: str) -> DataQuery:
    """Return a data query of SDMX-REST 2.2.

    Args:
        path: what stands after `/data/`, still percent-encoded: `{context}/{agencyID}/{resourceID}/{version}/{key}`.
        raw_query: what stands after the `?`, not decoded.

    Raises:
        QuerySyntaxError: it breaks the grammar.

    >>> parse_data_query_v2("dataflow/ILMS/DF_X/1.0.0/IDN.*", "limit=10").limit
    10
    """
    parts = segments(path, ("context", "agencyID", "resourceID", "version", "key"))
    parameters = read_parameters(raw_query, V2_PARAMETERS, ONLY_IN_V1, components=True)
    start_day = reporting_year_start_day(parameters)
    updated_after, as_of = parameters.instant("updatedAfter"), parameters.instant("asOf")
    if updated_after and as_of and updated_after > as_of:
        raise QuerySyntaxError(
            f"updatedAfter={parameters.text('updatedAfter')} is later than "
            f"asOf={parameters.text('asOf')}; it must not be"
        )
    return DataQuery(
        Grammar.V2,
        context(parts.get("context", "*"), CONTEXTS),
        identifiers(parts.get("agencyID", "*"), "agency", ",", "agencyID"),
        identifiers(parts.get("resourceID", "*"), "id", ",", "resourceID"),
        parse_version_query(parts.get("version", "*")),
        keys=v2_keys(parts.get("key", "*")),
        filters=parse_filters(parameters.filters, start_day),
        updated_after=updated_after,
        as_of=as_of,
        first_n=parameters.integer("firstNObservations", 1),
        last_n=parameters.integer("lastNObservations", 1),
        dimension_at_observation=parameters.text("dimensionAtObservation"),
        attributes=_ids(parameters, "attributes", "dsd"),
        measures=_ids(parameters, "measures", "all"),
        include_history=parameters.boolean("includeHistory"),
        offset=parameters.integer("offset", 0) or 0,
        limit=parameters.integer("limit", 1),
        sort=_sort(parameters.text("sort")),
        reporting_year_start_day=start_day,
        presentation=presentation(parameters),
    )


def flow_reference(
    text: str | None,
) -> tuple[tuple[str, ...], tuple[str, ...], VersionQuery]:
    """Return agencies, ids and versions of a `[AGENCY,]FLOW[,VERSION]`. SDMX-REST 1.5.0, 4.4.

    Raises:
        QuerySyntaxError: it is absent, or has more than three parts.
    """
    parts = text.split(",") if text else []
    if not 1 <= len(parts) <= 3:
        raise QuerySyntaxError(
            f"flowRef {text or ''!r}: write FLOW, AGENCY,FLOW or AGENCY,FLOW,VERSION"
        )
    agency, flow, *version = ["all", *parts] if len(parts) == 1 else parts
    return (
        identifiers(agency, "agency", "+", "the agency of flowRef"),
        identifiers(flow, "id", "+", "the dataflow of flowRef"),
        parse_version_query(version[0], Grammar.V1) if version else LATEST_IN_PRODUCTION,
    )


def v1_keys(text: str) -> tuple[Key, ...]:
    """Return the key of SDMX-REST 1.5: an empty position is any, `+` joins alternatives.

    `*` is an empty position: non-standard, seen at pysdmx.

    Raises:
        QuerySyntaxError: an alternative is empty.
    """
    if text in EVERYTHING:
        return ()
    return (tuple(_position(part, text) for part in text.split(".")),)


def _position(text: str, key: str) -> tuple[str, ...]:
    if text in ("", "*"):
        return ()
    values = text.split("+")
    if "" in values:
        raise QuerySyntaxError(f"key {key!r}: a value is missing in {text!r}")
    check_number("a position of the key", "values", values, MOST_ALTERNATIVES)
    return tuple(dict.fromkeys(values))


def v2_keys(text: str) -> tuple[Key, ...]:
    """Return the keys of SDMX-REST 2.2: `*` is any, `,` joins partial keys.

    `all` and empty positions are any too: non-standard, seen at sdmxlib and sdmx1.

    Raises:
        QuerySyntaxError: a key is empty, or a position holds the `+` of SDMX-REST 1.5.
    """
    keys = text.split(",")
    if "+" in text:
        raise QuerySyntaxError(
            f"key {text!r}: SDMX REST 2.x has no + in keys; write several keys as A.B,A.C "
            "or c[COMPONENT]=B,C"
        )
    if "" in keys:
        raise QuerySyntaxError(f"key {text!r}: a key is missing beside a comma")
    if not set(keys).isdisjoint(EVERYTHING):
        return ()
    check_number("the query", "keys", keys, MOST_ALTERNATIVES)
    return tuple(
        dict.fromkeys(
            tuple(() if part in ("", "*") else (part,) for part in key.split(".")) for key in keys
        )
    )


def providers(text: str) -> tuple[ProviderReference, ...]:
    """Return the providers of a providerRef: `[AGENCY,]PROVIDER`, `+` between several.

    Raises:
        QuerySyntaxError: one is not so written.
    """
    found = []
    where = f"providerRef {text!r}:"
    for part in text.split("+"):
        *agency, provider = part.split(",")
        if len(agency) > 1:
            raise QuerySyntaxError(f"{where} write PROVIDER or AGENCY,PROVIDER")
        agencies = identifiers(agency[0], "agency", "+", f"{where} agency") if agency else ()
        ids = identifiers(provider, "id", "+", f"{where} provider")
        if not agencies and not ids:
            return ()
        found.append(ProviderReference(agencies[0] if agencies else None, ids[0] if ids else None))
    return tuple(dict.fromkeys(found))


def context(text: str, allowed: tuple[str, ...]) -> str:
    """Return the context of a query of SDMX-REST 2.2.

    Raises:
        QuerySyntaxError: there is no such context.
    """
    if text not in allowed:
        raise QuerySyntaxError(f"context {text!r}: write one of {', '.join(allowed)}")
    return text


def v1_periods(parameters: Parameters) -> tuple[str | None, str | None]:
    """Return startPeriod and endPeriod, checked.

    Raises:
        QuerySyntaxError: one of them is no period.
    """
    for name in ("startPeriod", "endPeriod"):
        value = parameters.text(name)
        if value is not None:
            check_period(f"{name}={value}", value, None)
    return parameters.text("startPeriod"), parameters.text("endPeriod")


def reporting_year_start_day(parameters: Parameters) -> str | None:
    """Return the day on which reporting years start, None where the request does not say.

    Raises:
        QuerySyntaxError: it is no such day.
    """
    value = parameters.text("reportingYearStartDay")
    if value is None:
        return None
    try:
        check_start_day(value)
    except PeriodSyntaxError as error:
        raise QuerySyntaxError(f"reportingYearStartDay: {error}") from error
    return value


def presentation(parameters: Parameters) -> Presentation:
    """Return how the answer is to look.

    Raises:
        QuerySyntaxError: a parameter with a closed list has another value.
    """
    return Presentation(
        format=parameters.text("format"),
        format_version=parameters.text("formatVersion"),
        language=parameters.text("lang"),
        compression=parameters.text("compression"),
        labels=parameters.choice("labels", ("id", "name", "both")),
        time_format=parameters.choice("timeFormat", ("original", "normalized")),
        keys=parameters.choice("keys", ("none", "obs", "series", "both")),
    )


def _ids(parameters: Parameters, name: str, default: str) -> tuple[str, ...]:
    """Return component ids and keywords of `attributes` or `measures`."""
    text = parameters.text(name)
    if text is None:
        return (default,)
    found = component_ids(text, ",", f"{name}={text}")
    if "none" in found and len(found) > 1:
        raise QuerySyntaxError(f"{name}={text}: none stands alone")
    return tuple(dict.fromkeys(found))


def _sort(text: str | None) -> tuple[SortKey, ...]:
    if text is None:
        return ()
    found = []
    for part in text.split("+"):
        component, colon, direction = part.partition(":")
        if colon and direction not in ("asc", "desc"):
            raise QuerySyntaxError(
                f"sort={text}: {direction!r} is no direction; write {component}:asc or {component}:desc"
            )
        component_ids(component, "+", f"sort={text}")
        found.append(SortKey(component, direction == "desc"))
    return tuple(found)
