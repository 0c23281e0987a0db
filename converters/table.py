"""The tables of the questionnaire: which flows they are, and what a country may report in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from codelists.item_scheme import Category, CategoryScheme
from codelists.urn import parse_urn
from codelists.version import parse_version
from dsd.resolved import Dsd
from dsd.structure import Categorisation, Dataflow, ProvisionAgreement
from dsd.structures import Structures, UnknownArtefactError


class UnknownTableError(LookupError):
    """A table, or a country of a table, that the artefacts do not know."""


def questionnaire_flows(structures: Structures) -> tuple[Dataflow, ...]:
    """Return the flows that have a sheet in the questionnaire: all, newest version each, by table number."""
    newest: dict[str, Dataflow] = {}
    for flow in structures.of_type(Dataflow):
        key = f"{flow.agency_id}:{flow.id}"
        held = newest.get(key)
        if held is None or parse_version(held.version) < parse_version(flow.version):
            newest[key] = flow
    return tuple(sorted(newest.values(), key=lambda flow: (*_rank(structures, flow), flow.id)))


def _rank(structures: Structures, flow: Dataflow) -> tuple[float, str]:
    number = flow_number(structures, flow)
    return (float(number), "") if number and number.isdecimal() else (float("inf"), number or "")


def flow_number(structures: Structures, flow: Dataflow) -> str | None:
    """Return the table number of a flow or of its DSD."""
    own = flow.annotation_value("TABLE_NUMBER")
    if own or flow.structure is None:
        return own
    structure = structures.find(flow.structure)
    return structure.annotation_value("TABLE_NUMBER") if structure else None


@dataclasses.dataclass(frozen=True)
class Module:
    """A group of tables."""

    rank: int
    """Its place among the modules, from 0."""
    category: Category


def module_of(structures: Structures, flow: Dataflow) -> Module | None:
    """Return the top category that a flow is filed under, None where it is under none."""
    for filing in structures.of_type(Categorisation):
        if filing.source is None or structures.find(filing.source) is not flow:
            continue
        target = parse_urn(filing.target or "")
        scheme = structures.find(target)
        if isinstance(scheme, CategoryScheme):
            root = (target.item or "").partition(".")[0]
            for rank, category in enumerate(scheme.categories):
                if category.id == root:
                    return Module(rank, category)
    return None


def find_flow(structures: Structures, table: str) -> Dataflow:
    """Return the flow of a table named `15`, `T15`, or by the id of its flow or DSD.

    Raises:
        UnknownTableError: no table is called so; names those that there are.
    """
    asked = table.strip()
    flows = questionnaire_flows(structures)
    for flow in flows:
        number = flow_number(structures, flow)
        names = {flow.id, flow.id.removeprefix("DF_"), flow.urn.short, number, f"T{number}"}
        if asked in names or asked.upper() in names:
            return flow
    known = ", ".join(
        f"T{number}" if (number := flow_number(structures, flow)) else flow.id for flow in flows
    )
    raise UnknownTableError(f"there is no table {table!r}; the tables are: {known}")


def bound_dsd(structures: Structures, flow: Dataflow, area_id: str, area: str) -> Dsd:
    """Return the DSD of a flow as a country may report it.

    That is through the country's provision agreement; a flow without one for the country is narrowed to
    the country, where its constraints allow it.

    Args:
        structures: the artefacts.
        flow: the table.
        area_id: the id of the dimension that says whose data they are.
        area: its code.

    Raises:
        UnknownTableError: the flow knows no such country.
    """
    for agreement in _agreements(structures, flow):
        dsd = structures.dsd(agreement.urn)
        if area_id in dsd and dsd[area_id].allowed == frozenset({area}):
            return dsd
    dsd = structures.dsd(flow.urn)
    if area_id not in dsd or not dsd[area_id].allows(area):
        raise UnknownTableError(f"table {flow.id} takes no data of {area!r}")
    return dataclasses.replace(
        dsd,
        components=tuple(
            dataclasses.replace(component, allowed=frozenset({area}))
            if component.id == area_id
            else component
            for component in dsd.components
        ),
    )


def _agreements(structures: Structures, flow: Dataflow) -> Iterable[ProvisionAgreement]:
    for agreement in structures.of_type(ProvisionAgreement):
        try:
            found = structures.get(agreement.dataflow or "", Dataflow)
        except UnknownArtefactError:
            continue
        if found.urn == flow.urn:
            yield agreement
