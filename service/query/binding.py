"""Queries bound to a DSD: what the store is asked.

SDMX-REST 2.2.2, doc/data.md.
"""

from __future__ import annotations

from dsd.resolved import ANNOTATIONS, Dsd, ResolvedComponent
from service.query.data_query import (
    ALL_DIMENSIONS,
    ATTRIBUTE_WORDS,
    MEASURE_WORDS,
    DataQuery,
    Detail,
    Key,
)
from service.query.errors import QuerySyntaxError, SemanticError, nearest
from service.query.expression import TIME_PERIOD
from service.query.grammar import Grammar
from service.query.limits import MOST_COMPARISONS
from service.query.periods import period_term
from service.query.selection import (
    ComponentFilter,
    Condition,
    Operator,
    Order,
    PeriodTerm,
    Selection,
    is_value,
)

SERIES_KEY = "series_key"
"""In `sort`: the dimensions that are not at the observation. SDMX-REST 2.2.2, doc/data.md."""


def bind(query: DataQuery, dsd: Dsd) -> Selection:
    """Return what a query asks of the data of one DSD.

    Codes that the DSD does not know are left out beside known ones; where only unknown ones are asked
    for, the selection is empty (SDMX-REST 2.2.2, doc/status.md: be liberal).

    Raises:
        QuerySyntaxError: a key has too many positions, or (1.5) another number than the DSD; a period does not exist.
        SemanticError: a component is not in the DSD.
        ValueError: it names providers, who are to be resolved to what they report before it is bound.
    """
    if query.providers:
        raise ValueError("providers are resolved before a query is bound")
    dimension_at_observation(query.dimension_at_observation, dsd)
    keys = _keys(query, dsd)
    periods = _periods(query, dsd)
    nothing = keys == [] or periods == []
    components = _component_ids(query, dsd)
    one_row_a_series = components is not None and not _needs_observations(components, dsd)
    return Selection(
        dsd,
        keys=selects_nothing(dsd) if nothing else tuple(keys or ()),
        filters=_filters(query, dsd),
        periods=() if nothing else tuple(periods or ()),
        component_ids=components,
        first_n=1 if one_row_a_series else query.first_n,
        last_n=None if one_row_a_series else query.last_n,
        offset=query.offset,
        limit=query.limit,
        as_of=query.as_of,
        since=query.updated_after,
        order=_order(query, dsd),
    )


def selects_nothing(dsd: Dsd) -> tuple[dict[str, frozenset[str]], ...]:
    """Return keys that match no observation."""
    return ({dsd.series_ids[0]: frozenset()},)


def dimension_at_observation(asked: str | None, dsd: Dsd) -> str:
    """Return the dimension that the observations of the answer vary in, or AllDimensions; None asks for the default.

    Raises:
        SemanticError: the DSD has no such dimension.
    """
    if asked is None:
        return dsd.time_dimension.id if dsd.time_dimension else ALL_DIMENSIONS
    known = (*dsd.key_ids, ALL_DIMENSIONS)
    if asked not in known:
        raise SemanticError(
            f"dimensionAtObservation={asked}: {dsd.urn.short} has no such dimension; "
            f"{nearest(asked, known)}"
        )
    return asked


def _order(query: DataQuery, dsd: Dsd) -> tuple[Order, ...]:
    """Return what to sort by, the words of the standard replaced by the dimensions that they stand for."""
    at_observation = dimension_at_observation(query.dimension_at_observation, dsd)
    series = [id for id in dsd.key_ids if at_observation not in (id, ALL_DIMENSIONS)]
    words = {"*": dsd.key_ids, SERIES_KEY: tuple(series)}
    found: dict[str, Order] = {}
    for entry in query.sort:
        for id in words.get(entry.component, (entry.component,)):
            _component(dsd, id, f"sort={id}")
            # What is sorted by already is so.
            found.setdefault(id, Order(id, entry.descending))
    return tuple(found.values())


# -- keys ------------------------------------------------------------------------------------------


def _keys(query: DataQuery, dsd: Dsd) -> list[dict[str, frozenset[str]]] | None:
    """Return the partial keys that can match, None where every key is asked for."""
    found = []
    for key in query.keys:
        _check_positions(key, query.grammar, dsd)
        partial = _partial_key(key, dsd)
        if partial == {}:
            return None
        if partial is not None:
            found.append(partial)
    return found if query.keys else None


def _check_positions(key: Key, grammar: Grammar, dsd: Dsd) -> None:
    expected = len(dsd.dimensions)
    exact = grammar is Grammar.V1
    if len(key) > expected or (exact and len(key) != expected):
        written = ".".join("+".join(position) or ("" if exact else "*") for position in key)
        raise QuerySyntaxError(
            f"key {written!r} has {len(key)} positions; {dsd.urn.short} has {expected}: "
            f"{'.'.join(dsd.series_ids)}"
        )


def _partial_key(key: Key, dsd: Dsd) -> dict[str, frozenset[str]] | None:
    """Return the codes asked for by dimension, None where none of them exists in some position."""
    partial = {}
    for component, asked in zip(dsd.dimensions, key, strict=False):
        if not asked:
            continue
        known = frozenset(
            code for code in asked if not component.codelist or code in component.codes
        )
        if not known:
            return None
        partial[component.id] = known
    return partial


# -- filters and periods ---------------------------------------------------------------------------


def _component(dsd: Dsd, component_id: str, parameter: str) -> ResolvedComponent:
    if component_id not in dsd:
        raise SemanticError(
            f"{parameter}: {dsd.urn.short} has no component {component_id}; "
            f"{nearest(component_id, dsd.by_id)}"
        )
    return dsd[component_id]


def _filters(query: DataQuery, dsd: Dsd) -> tuple[ComponentFilter, ...]:
    conditions = 0
    for entry in query.filters:
        component = _component(dsd, entry.component, f"c[{entry.component}]")
        conditions += _conditions(entry, component)
    if conditions > MOST_COMPARISONS:
        raise QuerySyntaxError(
            f"c has {conditions} conditions beside lists of codes and one query may have {MOST_COMPARISONS}: ask in "
            "parts, or for all and choose"
        )
    return tuple(entry for entry in query.filters if entry.component != TIME_PERIOD)


def _conditions(entry: ComponentFilter, component: ResolvedComponent) -> int:
    """Return how many comparisons a filter is; codes that are wanted, or are all not wanted, are looked up at once."""
    return sum(
        len(term)
        for term in dict.fromkeys(entry.terms)
        if not (
            component.codelist
            and (is_value(term) or all(part.operator is Operator.NE for part in term))
        )
    )


def _periods(query: DataQuery, dsd: Dsd) -> list[PeriodTerm] | None:
    """Return the alternatives that can match, None where every period is asked for."""
    always = [
        Condition(operator, text)
        for operator, text in ((Operator.GE, query.start_period), (Operator.LE, query.end_period))
        if text is not None
    ]
    asked = [entry.terms for entry in query.filters if entry.component == TIME_PERIOD]
    if not always and not asked:
        return None
    if dsd.time_dimension is None:
        raise SemanticError(f"{dsd.urn.short} has no time dimension; leave out the periods")
    terms = [(*term, *always) for alternatives in asked for term in alternatives] or [tuple(always)]
    terms = list(dict.fromkeys(terms))
    found = [period_term(term, query.reporting_year_start_day, dsd) for term in terms]
    return [term for term in found if term is not None]


# -- components ------------------------------------------------------------------------------------

_BY_DETAIL = {
    # SDMX-REST 1.5.0, 4.4: the same answers as these attributes and measures of 2.2.
    Detail.DATA_ONLY: (("none",), ("all",)),
    Detail.SERIES_KEYS_ONLY: (("none",), ("none",)),
    Detail.NO_DATA: (("dataset", "series"), ("none",)),
}


def wanted(query: DataQuery) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the attributes and measures asked for, the `detail` of 1.5 in terms of those of 2.2."""
    return _BY_DETAIL.get(query.detail, (query.attributes, query.measures))


def _component_ids(query: DataQuery, dsd: Dsd) -> tuple[str, ...] | None:
    """Return the components to return in DSD order, None for all.

    Where no measure and no attribute of an observation is wanted, a series is one row and TIME_PERIOD is
    not among its components. What is noted on series and data set goes with `detail=nodata` (SDMX-REST 1.5.0, 4.4).
    """
    attributes, measures = wanted(query)
    chosen = {
        component.id
        for component in dsd.attributes
        if {"all", "dsd", component.id, _level(component)} & set(attributes)
    }
    chosen |= {component.id for component in dsd.measures if {"all", component.id} & set(measures)}
    _check_ids("attributes", attributes, ATTRIBUTE_WORDS, dsd.attributes, dsd)
    _check_ids("measures", measures, MEASURE_WORDS, dsd.measures, dsd)
    if len(chosen) == len(dsd.attributes) + len(dsd.measures):
        return None
    found = tuple(
        component.id
        for component in dsd.components
        if component.id in dsd.key_ids or component.id in chosen
    )
    if not _needs_observations(found, dsd):
        found = tuple(id for id in found if id != TIME_PERIOD)
    return (*found, ANNOTATIONS) if query.detail is Detail.NO_DATA else found


def _check_ids(
    parameter: str,
    asked: tuple[str, ...],
    keywords: tuple[str, ...],
    known: tuple[ResolvedComponent, ...],
    dsd: Dsd,
) -> None:
    ids = [component.id for component in known]
    for word in asked:
        if word not in keywords and word not in ids and not dsd.is_metadata(word):
            raise SemanticError(
                f"{parameter}={word}: {dsd.urn.short} has none of that id; "
                f"{nearest(word, [*ids, *keywords])}"
            )


def _level(attribute: ResolvedComponent) -> str:
    """Return the keyword of `attributes` that an attribute's relationship answers to."""
    relationship = attribute.relationship
    if relationship is None or relationship.observation is not None:
        return "obs"
    if TIME_PERIOD in relationship.dimensions:
        return "obs"
    return "series" if relationship.dimensions or relationship.group else "dataset"


def _needs_observations(component_ids: tuple[str, ...], dsd: Dsd) -> bool:
    """Tell whether some component has a value of its own at each observation."""
    return any(component.id in component_ids for component in dsd.measures) or any(
        component.id in component_ids and _level(component) == "obs" for component in dsd.attributes
    )
