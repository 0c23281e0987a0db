"""`detail=referencepartial` at any depth, as doc/structures.md and Section 6 say (check-list 11, 15)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from codelists.base import Maintainable
from codelists.hierarchy import HierarchicalCode, Hierarchy
from codelists.item_scheme import (
    AgencyScheme,
    Category,
    CategoryScheme,
    Code,
    Codelist,
    CodelistExtension,
    Concept,
    ConceptScheme,
    Organisation,
    OrganisationUnit,
    OrganisationUnitScheme,
    ReportingCategory,
    ReportingTaxonomy,
)
from codelists.representation import Representation
from codelists.urn import Urn
from dsd.process import InputOutput, Process, ProcessStep
from dsd.structure import (
    Categorisation,
    CubeRegion,
    DataConstraint,
    DataConstraintAttachment,
    Dataflow,
    DataStructure,
    DataStructureComponents,
    Dimension,
    DimensionList,
    Measure,
    MeasureList,
    ValueSet,
)
from dsd.structure_map import (
    ConceptSchemeMap,
    MappedValue,
    ReportingTaxonomyMap,
    RepresentationEnd,
    RepresentationMap,
    SingleValueMapping,
    ValueMapping,
)
from dsd.structures import Structures
from service.query.structure_query import parse_structure_query_v2
from service.registry.item_query import item_ids
from service.registry.registry import Registry
from service.registry.search import search

NAMED = {"agency_id": "T", "version": "1.0.0"}


def urn(type_name: str, id: str, item: str | None = None) -> str:
    return str(Urn(type_name, "T", id, "1.0.0", item))


def codelist(id: str, *codes: str, extends: Iterable[str] = ()) -> Codelist:
    return Codelist(
        **NAMED,
        id=id,
        codes=tuple(Code(id=code) for code in codes),
        codelist_extensions=tuple(
            CodelistExtension(codelist=urn("Codelist", name), prefix=f"{name[3:]}_")
            for name in extends
        ),
    )


def structure(id: str, concept: str, enumeration: str | None = None) -> DataStructure:
    local = Representation(enumeration=urn("Codelist", enumeration)) if enumeration else None
    return DataStructure(
        **NAMED,
        id=id,
        data_structure_components=DataStructureComponents(
            dimension_list=DimensionList(
                dimensions=(
                    Dimension(
                        id="ACTIVITY",
                        concept_identity=urn("Concept", "CS", concept),
                        local_representation=local,
                    ),
                )
            ),
            measure_list=MeasureList(
                measures=(Measure(id="OBS_VALUE", concept_identity=urn("Concept", "CS", "VALUE")),)
            ),
        ),
    )


def constraint(id: str, *values: str, **attachment: tuple[str, ...]) -> DataConstraint:
    region = CubeRegion(include=True, key_values=(ValueSet(id="ACTIVITY", values=values),))
    return DataConstraint(
        **NAMED,
        id=id,
        constraint_attachment=DataConstraintAttachment(**attachment),
        cube_regions=(region,),
    )


def ask(artefacts: Iterable[Maintainable], path: str, query: str) -> dict[str, Maintainable]:
    registry = Registry(Structures(artefacts))
    parsed = parse_structure_query_v2(path, f"{query}&detail=referencepartial")
    return {found.id: found for found in search(registry, parsed, lambda artefact: "")}


def left(found: dict[str, Maintainable], id: str) -> set[str] | None:
    """Return the items left of a scheme, None where it is whole."""
    scheme = found[id]
    return set(item_ids(scheme)) if scheme.is_partial else None


# -- Section 6, 6.1 "Discriminated Unions" ---------------------------------------------------------

UNION: tuple[Maintainable, ...] = (
    codelist("CL_ISIC4", "A", "B"),
    codelist("CL_ISIC3", "A", "B", "C"),
    codelist("CL_AGGR", "TOTAL", "Z", "Y"),
    codelist("CL_ACTIVITY", extends=("CL_ISIC4", "CL_ISIC3", "CL_AGGR")),
    ConceptScheme(**NAMED, id="CS", concepts=(Concept(id="ACTIVITY"), Concept(id="VALUE"))),
    structure("DSD_EXDU", "ACTIVITY", "CL_ACTIVITY"),
    *(Dataflow(**NAMED, id=id, structure=urn("DataStructure", "DSD_EXDU")) for id in ("F3", "F4")),
    constraint("CC_ISIC3", "ISIC3_%", dataflows=(urn("Dataflow", "F3"),)),
    constraint("CC_ISIC4", "ISIC4_%", "AGGR_TOTAL", "AGGR_Z", dataflows=(urn("Dataflow", "F4"),)),
)


@pytest.mark.parametrize(
    ("flow", "codes"),
    [
        ("F3", {"ISIC3_A", "ISIC3_B", "ISIC3_C"}),
        ("F4", {"ISIC4_A", "ISIC4_B", "AGGR_TOTAL", "AGGR_Z"}),
    ],
)
def test_discriminated_unions_come_resolved_and_reduced(flow: str, codes: set[str]) -> None:
    found = ask(UNION, f"dataflow/T/{flow}", "references=all")
    assert left(found, "CL_ACTIVITY") == codes
    assert found["CL_ACTIVITY"].codelist_extensions == ()
    assert not {"CL_ISIC4", "CL_ISIC3", "CL_AGGR"} & found.keys()


# -- what nobody uses any more ---------------------------------------------------------------------


def test_11_what_only_items_left_out_refer_to_is_left_out() -> None:
    concepts = ConceptScheme(
        **NAMED,
        id="CS",
        concepts=(
            Concept(
                id="USED", core_representation=Representation(enumeration=urn("Codelist", "CL_1"))
            ),
            Concept(
                id="UNUSED", core_representation=Representation(enumeration=urn("Codelist", "CL_2"))
            ),
            Concept(id="VALUE"),
        ),
    )
    artefacts = (codelist("CL_1", "A"), codelist("CL_2", "B"), concepts, structure("D", "USED"))
    found = ask(artefacts, "datastructure/T/D", "references=descendants")
    assert left(found, "CS") == {"USED", "VALUE"}
    assert found.keys() == {"D", "CS", "CL_1"}
    # Asked for itself, the scheme is whole, and so is what it refers to.
    assert ask(artefacts, "conceptscheme/T/CS", "references=children").keys() == {
        "CS",
        "CL_1",
        "CL_2",
    }


# -- the table of doc/structures.md, scheme by scheme ----------------------------------------------

LISTS = (codelist("CL_1", "A", "B", "C"), codelist("CL_2", "X", "Y", "Z"))


def test_11_codes_in_hierarchies() -> None:
    codes = tuple(
        HierarchicalCode(id=id, code=urn("Code", name, id))
        for name, id in (("CL_1", "A"), ("CL_1", "C"), ("CL_2", "Y"))
    )
    hierarchy = Hierarchy(**NAMED, id="H", hierarchical_codes=codes)
    found = ask((*LISTS, hierarchy), "hierarchy/T/H", "references=codelist")
    assert left(found, "CL_1") == {"A", "C"}
    assert left(found, "CL_2") == {"Y"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(MappedValue(value="B"), {"A", "B"}), (MappedValue(value="B.*", is_reg_ex=True), None)],
)
def test_11_codes_in_maps(value: MappedValue, expected: set[str] | None) -> None:
    codes = RepresentationMap(
        **NAMED,
        id="M",
        source=(RepresentationEnd(codelist=urn("Codelist", "CL_1")),),
        target=(RepresentationEnd(codelist=urn("Codelist", "CL_2")),),
        representation_mappings=(
            ValueMapping(source_values=(MappedValue(value="A"),), target_values=("X",)),
            ValueMapping(source_values=(value,), target_values=("Y",)),
        ),
    )
    found = ask((*LISTS, codes), "representationmap/T/M", "references=children")
    assert left(found, "CL_1") == expected
    assert left(found, "CL_2") == {"X", "Y"}


def test_a_list_that_a_component_may_use_in_full_is_whole() -> None:
    hierarchy = Hierarchy(
        **NAMED,
        id="H",
        hierarchical_codes=(HierarchicalCode(id="A", code=urn("Code", "CL_1", "A")),),
    )
    filed = Categorisation(
        **NAMED, id="CAT", source=urn("DataStructure", "D"), target=urn("Code", "CL_1", "A")
    )
    concepts = ConceptScheme(**NAMED, id="CS", concepts=(Concept(id="S"), Concept(id="VALUE")))
    artefacts = (*LISTS, hierarchy, filed, concepts, structure("D", "S", "CL_1"))
    found = ask(artefacts, "datastructure/T/D", "references=all")
    assert "CAT" in found
    assert left(found, "CL_1") is None


def test_11_concepts_in_maps_and_units_in_categorisations() -> None:
    concepts = ConceptScheme(**NAMED, id="CS", concepts=tuple(Concept(id=id) for id in "ABC"))
    mapped = ConceptSchemeMap(
        **NAMED,
        id="M",
        source=urn("ConceptScheme", "CS"),
        item_maps=(SingleValueMapping(source_value=MappedValue(value="B"), target_value="Q"),),
    )
    assert left(ask((concepts, mapped), "conceptschememap", "references=all"), "CS") == {"B"}
    units = OrganisationUnitScheme(
        **NAMED,
        id="UNITS",
        organisation_units=(
            OrganisationUnit(id="HEAD"),
            OrganisationUnit(id="DESK", parent="HEAD"),
            OrganisationUnit(id="OTHER"),
        ),
    )
    subjects = CategoryScheme(**NAMED, id="CAS", categories=(Category(id="S"), Category(id="T")))
    filed = Categorisation(
        **NAMED,
        id="CAT",
        source=urn("OrganisationUnit", "UNITS", "DESK"),
        target=urn("Category", "CAS", "T"),
    )
    found = ask((units, subjects, filed), "categorisation", "references=all")
    assert left(found, "UNITS") == {"HEAD", "DESK"}
    assert left(found, "CAS") == {"T"}


def test_11_agencies_are_those_that_maintain_what_is_returned() -> None:
    schemes = (
        AgencyScheme(
            agency_id="SDMX",
            id="AGENCIES",
            agencies=tuple(Organisation(id=id) for id in ("T", "Z", "Y")),
        ),
        AgencyScheme(
            agency_id="T", id="AGENCIES", agencies=(Organisation(id="SUB"), Organisation(id="NO"))
        ),
    )
    flow = Dataflow(agency_id="T.SUB", id="F", version="1.0.0", structure=urn("DataStructure", "D"))
    registry = Registry(Structures([*schemes, flow, DataStructure(**NAMED, id="D")]))
    query = parse_structure_query_v2(
        "dataflow/*/F", "references=descendants&detail=referencepartial"
    )
    found = {
        artefact.agency_id: set(item_ids(artefact))
        for artefact in search(registry, query, lambda artefact: "")
        if isinstance(artefact, AgencyScheme)
    }
    assert found == {"SDMX": {"T"}, "T": {"SUB"}}


def test_a_structure_with_a_part_that_is_not_there_leaves_its_lists_whole() -> None:
    broken = structure("D", "ACTIVITY", "CL_1")
    flow = Dataflow(**NAMED, id="F", structure=urn("DataStructure", "D"))
    limited = constraint("CC", "A", dataflows=(urn("Dataflow", "F"),))
    found = ask((*LISTS, broken, flow, limited), "dataflow/T/F", "references=all")
    assert left(found, "CL_1") is None


def test_a_scheme_that_decides_over_itself_is_whole() -> None:
    """A map leaves of a taxonomy what does not refer to the map, and without the map nothing is left out."""
    taxonomy = ReportingTaxonomy(
        **NAMED,
        id="R",
        reporting_categories=(
            ReportingCategory(id="A"),
            ReportingCategory(id="B", structural_metadata=(urn("ReportingTaxonomyMap", "M"),)),
        ),
    )
    mapped = ReportingTaxonomyMap(
        **NAMED,
        id="M",
        source=urn("ReportingTaxonomy", "R"),
        item_maps=(SingleValueMapping(source_value=MappedValue(value="A")),),
    )
    step = ProcessStep(
        id="S", inputs=(InputOutput(object_reference=urn("ReportingTaxonomy", "R")),)
    )
    process = Process(**NAMED, id="P", process_steps=(step,))
    found = ask((taxonomy, mapped, process), "process", "references=descendants")
    assert found.keys() == {"P", "R", "M"}
    assert left(found, "R") is None
