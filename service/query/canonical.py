"""One text for all spellings of a query, so that equivalent queries share an entity tag."""

from __future__ import annotations

from collections.abc import Iterator

from service.query.availability_query import AvailabilityQuery
from service.query.binding import wanted
from service.query.data_query import DataQuery, Key
from service.query.expression import TIME_PERIOD
from service.query.schema_query import SchemaQuery
from service.query.selection import ComponentFilter, Condition, Operator
from service.query.structure_query import StructureQuery

AnyQuery = DataQuery | StructureQuery | AvailabilityQuery | SchemaQuery
Parts = tuple[tuple[str, str], ...]


def canonical(query: AnyQuery) -> str:
    """Return a text that is equal for equivalent queries, whichever grammar they are written in.

    Order and repetition of identifiers, versions, keys, values and parameters do not matter, nor whether
    a default is spelled out. Alternatives at a position of a key and several keys stay what they are. How the answer is to look (`presentation`) is not part of it: that is decided
    together with the headers.

    >>> from service.query.data_query import parse_data_query_v1, parse_data_query_v2
    >>> one = parse_data_query_v1("ILMS,F,1.0.0/A..", "endPeriod=2012&startPeriod=2010")
    >>> two = parse_data_query_v2("dataflow/ILMS/F/1.0.0/A.*", "c[TIME_PERIOD]=le:2012%2Bge:2010")
    >>> canonical(one) == canonical(two)
    True
    """
    if isinstance(query, StructureQuery):
        return "&".join(("structure", *_present(_structure(query))))
    if isinstance(query, AvailabilityQuery):
        return "&".join(("availability", *_present(_availability(query))))
    if isinstance(query, SchemaQuery):
        return "&".join(("schema", *_present(_schema(query))))
    return "&".join(("data", *_present(_data(query))))


def _availability(query: AvailabilityQuery) -> Parts:
    return (
        *_data(query.data),
        ("components", _set(query.component_ids)),
        ("mode", query.mode.value),
        ("references", _set(query.references)),
    )


def _schema(query: SchemaQuery) -> Parts:
    return (
        ("context", query.context),
        ("agency", query.agency),
        ("id", query.id),
        ("version", query.version.canonical),
        ("dimensionAtObservation", query.dimension_at_observation or ""),
        ("explicitMeasure", "true" if query.explicit_measure else ""),
        ("deletion", "true" if query.deletion else ""),
        ("asOf", query.as_of.isoformat() if query.as_of else ""),
    )


def _structure(query: StructureQuery) -> Parts:
    # `organisationscheme` and its like stand for other types; what they are is in `types`, but the two
    # kinds of constraint of SDMX-REST 1.5 are one type of 2.2.
    differs = query.types and query.resource not in query.types
    return (
        ("types", _set(query.types)),
        ("resource", query.resource if differs else ""),
        ("agencies", _set(query.agencies)),
        ("ids", _set(query.ids)),
        ("version", query.version.canonical),
        ("items", _set(query.items)),
        ("detail", query.detail.value),
        ("references", _set(query.references)),
        ("asOf", query.as_of.isoformat() if query.as_of else ""),
    )


def _present(parts: Parts) -> Iterator[str]:
    return (f"{name}={_quoted(text)}" for name, text in parts if text)


def _quoted(text: str) -> str:
    """Escape what separates parameters, so that no value can pass for another parameter."""
    return text.replace("%", "%25").replace("&", "%26")


def _set(values: tuple[str, ...]) -> str:
    return ",".join(sorted(set(values)))


def _data(query: DataQuery) -> Parts:
    attributes, measures = wanted(query)
    return (
        ("context", query.context),
        ("agencies", _set(query.agencies)),
        ("ids", _set(query.ids)),
        ("version", query.version.canonical),
        ("keys", _keys(query.keys)),
        ("providers", ",".join(sorted(f"{p.agency}:{p.id}" for p in query.providers))),
        *_filters(query),
        ("updatedAfter", query.updated_after.isoformat() if query.updated_after else ""),
        ("asOf", query.as_of.isoformat() if query.as_of else ""),
        ("first", str(query.first_n or "")),
        ("last", str(query.last_n or "")),
        ("dimensionAtObservation", query.dimension_at_observation or ""),
        ("attributes", _set(attributes)),
        ("measures", _set(measures)),
        ("includeHistory", "true" if query.include_history else ""),
        ("offset", str(query.offset or "")),
        ("limit", str(query.limit or "")),
        ("sort", "+".join(f"{'-' if s.descending else ''}{s.component}" for s in query.sort)),
        ("reportingYearStartDay", query.reporting_year_start_day or ""),
    )


def _keys(keys: tuple[Key, ...]) -> str:
    """Return the keys sorted, wildcards at the end left out; nothing where one of them matches all."""
    found = {_key(key) for key in keys}
    return "" if "" in found else ",".join(sorted(found))


def _key(key: Key) -> str:
    positions = ["+".join(sorted(set(values))) or "*" for values in key]
    while positions and positions[-1] == "*":
        positions.pop()
    return ".".join(positions)


def _filters(query: DataQuery) -> Iterator[tuple[str, str]]:
    """Yield the filters by component; startPeriod and endPeriod are conditions on TIME_PERIOD."""
    period = tuple(
        Condition(operator, text)
        for operator, text in ((Operator.GE, query.start_period), (Operator.LE, query.end_period))
        if text is not None
    )
    by_component = {entry.component: entry for entry in query.filters}
    if period:
        terms = by_component[TIME_PERIOD].terms if TIME_PERIOD in by_component else ((),)
        by_component[TIME_PERIOD] = ComponentFilter(
            TIME_PERIOD, tuple((*term, *period) for term in terms)
        )
    for component in sorted(by_component):
        alternatives = {_term(term) for term in by_component[component].terms}
        yield f"c[{component}]", ",".join(sorted(alternatives))


def _term(conditions: tuple[Condition, ...]) -> str:
    return "+".join(sorted({f"{entry.operator}:{entry.value}" for entry in conditions}))
