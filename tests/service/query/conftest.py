"""Data structures that the tests of the query room bind to."""

from __future__ import annotations

import pytest

from codelists.item_scheme import Code, Codelist, Concept, ConceptScheme
from codelists.representation import Representation
from dsd.resolved import Dsd
from dsd.structure import (
    AttributeList,
    AttributeRelationship,
    DataAttribute,
    DataStructure,
    DataStructureComponents,
    Dimension,
    DimensionList,
    Group,
    Measure,
    MeasureList,
    TimeDimension,
)
from dsd.structures import Structures

CONCEPTS = [
    "AREA",
    "FREQ",
    "ITEM",
    "TIME_PERIOD",
    "OBS_VALUE",
    "MARGIN",
    "TITLE",
    "UNIT",
    "COLLECTION",
    "DEFINITION",
    "STATUS",
]
CODES = {"CL_AREA": ("IDN", "MYS", "SGP"), "CL_FREQ": ("A", "Q", "M")}


def concept(concept_id: str) -> str:
    return f"urn:sdmx:org.sdmx.infomodel.conceptscheme.Concept=TST:CS(1.0.0).{concept_id}"


def coded(list_id: str) -> Representation:
    return Representation(
        enumeration=f"urn:sdmx:org.sdmx.infomodel.codelist.Codelist=TST:{list_id}(1.0.0)"
    )


def attribute(attribute_id: str, **relationship: object) -> DataAttribute:
    return DataAttribute(
        id=attribute_id,
        concept_identity=concept(attribute_id),
        attribute_relationship=AttributeRelationship(**relationship),
    )


def structure(structure_id: str, *, with_time: bool) -> DataStructure:
    dimensions = DimensionList(
        dimensions=(
            Dimension(
                id="AREA", concept_identity=concept("AREA"), local_representation=coded("CL_AREA")
            ),
            Dimension(
                id="FREQ", concept_identity=concept("FREQ"), local_representation=coded("CL_FREQ")
            ),
            Dimension(id="ITEM", concept_identity=concept("ITEM")),
        ),
        time_dimension=TimeDimension(concept_identity=concept("TIME_PERIOD"))
        if with_time
        else None,
    )
    measures = tuple(
        Measure(id=name, concept_identity=concept(name)) for name in ("OBS_VALUE", "MARGIN")
    )
    attributes = (
        attribute("TITLE", dataflow={}),
        attribute("UNIT", group="Areas"),
        attribute("COLLECTION", dimensions=("AREA", "FREQ", "ITEM")),
        attribute("DEFINITION", dimensions=("AREA", "TIME_PERIOD")),
        attribute("STATUS", observation={}),
    )
    return DataStructure(
        id=structure_id,
        agency_id="TST",
        version="1.0.0",
        data_structure_components=DataStructureComponents(
            dimension_list=dimensions,
            groups=(Group(id="Areas", group_dimensions=("AREA",)),),
            measure_list=MeasureList(measures=measures),
            attribute_list=AttributeList(attributes=attributes),
        ),
    )


@pytest.fixture(scope="session")
def small_structures() -> Structures:
    """A DSD with attributes at every level, and the same without time."""
    scheme = ConceptScheme(
        id="CS",
        agency_id="TST",
        version="1.0.0",
        concepts=tuple(Concept(id=name) for name in CONCEPTS),
    )
    lists = (
        Codelist(
            id=name, agency_id="TST", version="1.0.0", codes=tuple(Code(id=code) for code in codes)
        )
        for name, codes in CODES.items()
    )
    structures = (structure("TIMED", with_time=True), structure("TIMELESS", with_time=False))
    return Structures((scheme, *lists, *structures))


@pytest.fixture(scope="session")
def dsd(small_structures: Structures) -> Dsd:
    """AREA, FREQ (both coded), ITEM (uncoded) and TIME_PERIOD."""
    return small_structures.dsd(
        "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=TST:TIMED(1.0.0)"
    )


@pytest.fixture(scope="session")
def timeless_dsd(small_structures: Structures) -> Dsd:
    """AREA, FREQ and ITEM, no time."""
    return small_structures.dsd(
        "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=TST:TIMELESS(1.0.0)"
    )
