"""A small registry in which each kind of reference occurs."""

from __future__ import annotations

import pytest

from codelists.base import Annotation
from codelists.item_scheme import (
    AgencyScheme,
    Category,
    CategoryScheme,
    Code,
    Codelist,
    Concept,
    ConceptScheme,
    DataProviderScheme,
    Organisation,
)
from codelists.representation import Representation
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
    ProvisionAgreement,
    ValueSet,
)
from dsd.structures import Structures
from service.registry.registry import Registry

BASE = "urn:sdmx:org.sdmx.infomodel."
CL_A = f"{BASE}codelist.Codelist=T:CL_A(1.0+.0)"
CL_B = f"{BASE}codelist.Codelist=T:CL_B(1.0.0)"
CONCEPT = f"{BASE}conceptscheme.Concept=T:CS(1.0.0)."
D = f"{BASE}datastructure.DataStructure=T:D(1.0.0)"
DF1 = f"{BASE}datastructure.Dataflow=T:DF1(1.0.0)"
PROVIDER = f"{BASE}base.DataProvider=T:DATA_PROVIDERS(1.0).P1"


def _constraint(id: str, values: tuple[str, ...], **attachment: tuple[str, ...]) -> DataConstraint:
    region = CubeRegion(include=True, key_values=(ValueSet(id="A", values=values),))
    return DataConstraint(
        agency_id="T",
        id=id,
        version="1.0.0",
        names={"en": id},
        constraint_attachment=DataConstraintAttachment(**attachment),
        cube_regions=(region,),
    )


def _flow(id: str) -> Dataflow:
    note = Annotation(id="NOTE", value="x")
    return Dataflow(
        agency_id="T",
        id=id,
        version="1.0.0",
        names={"en": f"Flow {id}", "fr": f"Flux {id}"},
        descriptions={"en": "What it holds"},
        annotations=(note,),
        structure=D,
    )


@pytest.fixture(scope="session")
def small() -> Structures:
    codes = (
        Code(id="T", names={"en": "Total"}),
        Code(id="A1", names={"en": "One"}, parent="T"),
        Code(id="A11", names={"en": "One one"}, parent="A1"),
        Code(id="A2", names={"en": "Two"}, parent="T"),
    )
    concepts = (
        Concept(id="A", names={"en": "A"}),
        Concept(id="B", names={"en": "B"}, core_representation=Representation(enumeration=CL_B)),
        Concept(id="Y", names={"en": "Y"}),
        Concept(id="UNUSED", names={"en": "Not used"}),
    )
    components = DataStructureComponents(
        dimension_list=DimensionList(
            dimensions=(
                Dimension(
                    id="A",
                    concept_identity=f"{CONCEPT}A",
                    local_representation=Representation(enumeration=CL_A),
                ),
                Dimension(id="B", concept_identity=f"{CONCEPT}B"),
            )
        ),
        measure_list=MeasureList(measures=(Measure(id="Y", concept_identity=f"{CONCEPT}Y"),)),
    )
    subject = Category(
        id="S",
        names={"en": "Subject"},
        categories=(Category(id="T", names={"en": "T"}), Category(id="U", names={"en": "U"})),
    )
    named = {"agency_id": "T", "version": "1.0.0"}
    return Structures(
        [
            AgencyScheme(
                agency_id="SDMX",
                id="AGENCIES",
                version="1.0",
                names={"en": "Agencies"},
                agencies=(
                    Organisation(id="T", names={"en": "Testers"}),
                    Organisation(id="Z", names={"en": "Others"}),
                ),
            ),
            DataProviderScheme(
                agency_id="T",
                id="DATA_PROVIDERS",
                version="1.0",
                names={"en": "Providers"},
                data_providers=(
                    Organisation(id="P1", names={"en": "P1"}),
                    Organisation(id="P2", names={"en": "P2"}),
                ),
            ),
            Codelist(**named, id="CL_A", names={"en": "A"}, codes=codes),
            Codelist(
                **{**named, "version": "0.9.0"}, id="CL_A", names={"en": "A"}, codes=codes[:1]
            ),
            Codelist(
                **named, id="CL_B", names={"en": "B"}, codes=(Code(id="B1", names={"en": "1"}),)
            ),
            ConceptScheme(**named, id="CS", names={"en": "Concepts"}, concepts=concepts),
            CategoryScheme(**named, id="CAS", names={"en": "Subjects"}, categories=(subject,)),
            DataStructure(**named, id="D", names={"en": "D"}, data_structure_components=components),
            _flow("DF1"),
            _flow("DF2"),
            ProvisionAgreement(
                **named, id="PA1", names={"en": "PA1"}, dataflow=DF1, data_provider=PROVIDER
            ),
            _constraint("CON_D", ("A11", "A2"), data_structures=(D,)),
            _constraint("CON_DF1", ("A11",), dataflows=(DF1,)),
            Categorisation(
                **named,
                id="CAT1",
                names={"en": "CAT1"},
                source=DF1,
                target=f"{BASE}categoryscheme.Category=T:CAS(1.0.0).S.T",
            ),
        ]
    )


@pytest.fixture(scope="session")
def registry(small: Structures) -> Registry:
    return Registry(small)
