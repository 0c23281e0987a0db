"""Data structures made up for the official samples, whose own are not published with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from codelists.item_scheme import Code, Codelist, Concept, ConceptScheme
from codelists.representation import Representation, TextFormat
from codelists.urn import Urn
from dsd.structure import (
    AttributeList,
    AttributeRelationship,
    DataAttribute,
    Dataflow,
    DataStructure,
    DataStructureComponents,
    Dimension,
    DimensionList,
    Measure,
    MeasureList,
    TimeDimension,
)
from dsd.structures import Structures


def urn(kind: str, package: str, name: str) -> str:
    return f"urn:sdmx:org.sdmx.infomodel.{package}.{kind}={name}"


def make_structure(
    named: Urn,
    dimensions: Sequence[str],
    measures: Sequence[str],
    attributes: Mapping[str, Sequence[str] | None],
    multiple: Iterable[str] = (),
    texts: Iterable[str] = (),
    codes: Mapping[str, Sequence[str]] | None = None,
    localised: Iterable[str] = (),
) -> Structures:
    """Return a structure as the dataflow or DSD of a name; components are uncoded but those in `codes`.

    `attributes` gives the dimensions on which each depends, None for the observation. TIME_PERIOD among the
    dimensions is the time dimension. Those in `localised` take texts in languages.
    """
    agency, version = named.agency, named.version
    own: dict[str, Any] = {"agency_id": agency, "version": version}
    ids = [*dimensions, *measures, *attributes]
    scheme = ConceptScheme(
        id=f"CS_{named.id}",
        names={"en": "C"},
        concepts=tuple(Concept(id=id, names={"en": id}) for id in ids),
        **own,
    )
    several = Representation(max_occurs="unbounded")
    lists = [
        Codelist(
            id=f"CL_{named.id}_{id}",
            names={"en": id},
            codes=tuple(Code(id=code, names={"en": code}) for code in values),
            **own,
        )
        for id, values in (codes or {}).items()
    ]

    def represented(id: str) -> Representation | None:
        if id in (codes or {}):
            name = f"{agency}:CL_{named.id}_{id}({version})"
            return Representation(enumeration=urn("Codelist", "codelist", name))
        if id in set(localised):
            text = TextFormat(data_type="String", is_multi_lingual=True)
            return Representation(
                format=text, max_occurs="unbounded" if id in set(multiple) else None
            )
        return several if id in set(multiple) else None

    def concept(id: str) -> str:
        return f"{urn('Concept', 'conceptscheme', f'{agency}:CS_{named.id}({version})')}.{id}"

    def relationship(depends: Sequence[str] | None) -> AttributeRelationship:
        if depends is None:
            return AttributeRelationship(observation={})
        return (
            AttributeRelationship(dimensions=tuple(depends))
            if depends
            else AttributeRelationship(dataflow={})
        )

    plain = [id for id in dimensions if id != "TIME_PERIOD"]
    components = DataStructureComponents(
        dimension_list=DimensionList(
            dimensions=tuple(
                Dimension(id=id, concept_identity=concept(id), local_representation=represented(id))
                for id in plain
            ),
            time_dimension=TimeDimension(concept_identity=concept("TIME_PERIOD"))
            if "TIME_PERIOD" in dimensions
            else None,
        ),
        measure_list=MeasureList(
            measures=tuple(
                Measure(
                    id=id,
                    concept_identity=concept(id),
                    local_representation=Representation(
                        format=TextFormat(data_type="String" if id in set(texts) else "Double")
                    ),
                )
                for id in measures
            )
        ),
        attribute_list=AttributeList(
            attributes=tuple(
                DataAttribute(
                    id=id,
                    concept_identity=concept(id),
                    attribute_relationship=relationship(depends),
                    local_representation=represented(id),
                )
                for id, depends in attributes.items()
            )
        ),
    )
    is_flow = named.type == "Dataflow"
    id = f"DSD_{named.id}" if is_flow else named.id
    structure = DataStructure(
        id=id, names={"en": named.id}, data_structure_components=components, **own
    )
    found: list[Any] = [scheme, *lists, structure]
    if is_flow:
        flow = Dataflow(
            id=named.id,
            names={"en": named.id},
            structure=urn("DataStructure", "datastructure", f"{agency}:{id}({version})"),
            **own,
        )
        found.append(flow)
    return Structures(found)
