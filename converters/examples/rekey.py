"""ILOSTAT's published figures of a collection, re-keyed to the structures of this project.

The rows are those of ILOSTAT's bulk files: `ref_area,indicator,sex,classif1,time,obs_value`. Which table an
indicator is, the dataflows say themselves, in their ILO_ID_2018 annotations; which dimension a code belongs to,
the code lists. Values stay as they are published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from dsd.resolved import Dsd, ResolvedComponent
from dsd.structure import Dataflow
from dsd.structures import Structures

PUBLISHED_COLUMNS = ("ref_area", "indicator", "sex", "classif1", "time", "obs_value")

# Tables on migrants have an indicator for each criterion by which a migrant is told.
_CRITERIA = {
    "ILO_ID_2018": None,
    "ILO_ID_2018_BIRTH": "CBR",
    "ILO_ID_2018_CITIZENSHIP": "CCT",
}
# The collection is annual and in thousands of persons; the bulk files name no source.
_OF_ALL = {"FREQ": "A", "SOURCE": "_U"}
_UNIT = {"UNIT_MEASURE": "PS", "UNIT_MULT": "3"}


class UnknownFigureError(ValueError):
    """A published row that has no place in the structures; names it."""


@dataclass(frozen=True)
class _Table:
    number: str
    dsd: Dsd
    criterion: str | None


def rekeyed(
    rows: Iterable[Mapping[str, str]], structures: Structures
) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Return the observations of each country and table number, in the order of the code lists.

    Args:
        rows: published rows, by column.
        structures: the artefacts.

    Raises:
        UnknownFigureError: a row is of no table, code or period that the structures have, or given twice.
    """
    table_of = cache(lambda indicator: _table(structures, indicator))
    found: dict[tuple[str, str], dict[tuple[object, ...], dict[str, str]]] = {}
    for row in rows:
        table = table_of(row["indicator"])
        if table is None:
            raise UnknownFigureError(f"no dataflow is published as {row['indicator']}")
        observation = _observation(table, row)
        group = found.setdefault((row["ref_area"], f"T{table.number}"), {})
        place = _place(table.dsd, observation)
        if place in group:
            raise UnknownFigureError(f"given twice: {dict(row)}")
        group[place] = observation
    return {
        key: [observation for _, observation in sorted(group.items())]
        for key, group in sorted(found.items())
    }


def _table(structures: Structures, indicator: str) -> _Table | None:
    for flow in structures.of_type(Dataflow):
        for id, criterion in _CRITERIA.items():
            if any(entry.id == id and entry.value == indicator for entry in flow.annotations):
                dsd = structures.dsd(flow.urn)
                return _Table(flow.annotation_value("TABLE_NUMBER") or flow.id, dsd, criterion)
    return None


def _observation(table: _Table, row: Mapping[str, str]) -> dict[str, str]:
    dsd = table.dsd
    if not (row["time"].isdecimal() and len(row["time"]) == 4):
        raise UnknownFigureError(f"{row['time']} is no year: {dict(row)}")
    values = _OF_ALL | {
        "REF_AREA": row["ref_area"],
        "SEX": row["sex"],
        "MEASURE": _only_code(dsd["MEASURE"]),
        "TIME_PERIOD": row["time"],
        "OBS_VALUE": row["obs_value"],
    }
    if table.criterion is not None:
        values["MIG_CRITERION"] = table.criterion
    for dimension in dsd.dimensions:
        if dimension.id not in values:
            values[dimension.id] = _code(dimension, row["classif1"])
    for dimension in dsd.dimensions:
        if not dimension.allows(values[dimension.id]):
            raise UnknownFigureError(f"{dimension.id} takes no {values[dimension.id]}: {dict(row)}")
    ordered = (*dsd.key_ids, dsd.measures[0].id)
    return {id: values[id] for id in ordered} | _UNIT


def _only_code(component: ResolvedComponent) -> str:
    (code,) = component.allowed_codes
    return code.id


def _code(component: ResolvedComponent, published: str) -> str:
    """Return our code: the same, or (of countries) what stands after the two words that ILO puts before it."""
    if component.allows(published):
        return published
    return published.split("_", 2)[-1]


def _place(dsd: Dsd, observation: Mapping[str, str]) -> tuple[object, ...]:
    """Return where an observation stands in the file: by the order of the codes, then of the periods."""
    orders = [
        list(dimension.codes).index(observation[dimension.id]) for dimension in dsd.dimensions
    ]
    return (*orders, observation["TIME_PERIOD"])
