"""The built-in artefacts are what the tables of the ILMS database need."""

from __future__ import annotations

import json
import timeit
from pathlib import Path

import pytest

import codelists
import dsd
from codelists.base import replaced
from codelists.item_scheme import (
    AgencyScheme,
    CategoryScheme,
    Code,
    Codelist,
    ConceptScheme,
    DataConsumerScheme,
    DataProviderScheme,
)
from codelists.urn import Urn, parse_urn
from dsd.check import check_artefacts
from dsd.resolved import Dsd
from dsd.structure import (
    Categorisation,
    DataConstraint,
    Dataflow,
    DataStructure,
    ProvisionAgreement,
)
from dsd.structures import Structures, load_structures

TABLES = {
    1: ("MST_TPOP_SEX_AGE_LMS", "REF_AREA FREQ MEASURE SEX AGE LMS MIG MIG_CRITERION SOURCE", "MST_TPOP MST_XWAP"),
    2: ("MST_XWAP_SEX_EDU", "REF_AREA FREQ MEASURE SEX EDU MIG MIG_CRITERION SOURCE", "MST_XWAP"),
    3: ("MST_TPOP_SEX_COU", "REF_AREA FREQ MEASURE SEX MIG_CRITERION COUNTERPART_AREA SOURCE", "MST_TPOP"),
    4: ("MST_MEMP_SEX_COU", "REF_AREA FREQ MEASURE SEX MIG_CRITERION COUNTERPART_AREA SOURCE", "MST_MEMP"),
    5: ("MST_TEMP_SEX_ECO", "REF_AREA FREQ MEASURE SEX ECO MIG MIG_CRITERION SOURCE", "MST_TEMP"),
    6: ("MST_TEMP_SEX_OCU", "REF_AREA FREQ MEASURE SEX OCU MIG MIG_CRITERION SOURCE", "MST_TEMP"),
    7: ("MST_TEMP_SEX_STE", "REF_AREA FREQ MEASURE SEX STE MIG MIG_CRITERION SOURCE", "MST_TEMP"),
    8: ("MST_EARN_SEX", "REF_AREA FREQ MEASURE SEX MIG MIG_CRITERION SOURCE", "MST_EARA MST_EARB"),
    9: ("MFL_TPOP_SEX_COU", "REF_AREA FREQ MEASURE SEX MIG_CRITERION COUNTERPART_AREA SOURCE", "MFL_TPOP"),
    10: ("MFL_XWAP_SEX_EDU", "REF_AREA FREQ MEASURE SEX EDU MIG_CRITERION SOURCE", "MFL_XWAP"),
    11: ("MFL_TEMP_SEX_ECO", "REF_AREA FREQ MEASURE SEX ECO MIG_CRITERION SOURCE", "MFL_TEMP"),
    12: ("MFL_TEMP_SEX_OCU", "REF_AREA FREQ MEASURE SEX OCU MIG_CRITERION SOURCE", "MFL_TEMP"),
    13: ("MNA_TPOP_SEX_CRS", "REF_AREA FREQ MEASURE SEX COUNTERPART_AREA SOURCE", "MNA_TPOP"),
    14: ("MNA_OPOP_SEX_CDS", "REF_AREA FREQ MEASURE SEX COUNTERPART_AREA SOURCE", "MNA_OPOP"),
    15: ("MNA_OEMP_SEX_CDS", "REF_AREA FREQ MEASURE SEX COUNTERPART_AREA SOURCE", "MNA_OEMP"),
    16: ("MNA_OEMP_SEX_ECO", "REF_AREA FREQ MEASURE SEX ECO SOURCE", "MNA_OEMP"),
    17: ("MNA_OEMP_SEX_OCU", "REF_AREA FREQ MEASURE SEX OCU SOURCE", "MNA_OEMP"),
    18: ("MNA_OEMP_SEX_EDU", "REF_AREA FREQ MEASURE SEX EDU SOURCE", "MNA_OEMP"),
    19: ("MNA_XRET_SEX_CPR", "REF_AREA FREQ MEASURE SEX COUNTERPART_AREA SOURCE", "MNA_XRET"),
}  # fmt: skip
ROLES = {
    3: "origin",
    4: "origin",
    9: "origin",
    13: "residence",
    14: "destination",
    15: "destination",
    19: "previous residence",
}
COMMON_ATTRIBUTES = (
    "OBS_STATUS CONF_STATUS UNIT_MEASURE UNIT_MULT DECIMALS CURRENCY MIG_DEFINITION REF_PERIOD_DETAIL "
    "COVERAGE_GEO COVERAGE_POP AGE_MIN AGE_MAX"
)
EARNINGS = " EARNINGS_GROSS_NET EARNINGS_NOMINAL_REAL JOB_COVERAGE TIME_UNIT"
MEMBERS = {"BRN", "IDN", "KHM", "LAO", "MMR", "MYS", "PHL", "SGP", "THA", "TLS", "VNM"}
MODULES = {number: "A" if number <= 8 else "B" if number <= 12 else "C" for number in TABLES}


def _flow(structures: Structures, number: int) -> Dsd:
    return structures.dsd(Urn("Dataflow", "ILMS", f"DF_{TABLES[number][0]}", "1.0.0"))


def test_the_built_in_artefacts_have_no_fault() -> None:
    report = check_artefacts()
    assert [(f.rule, f.locator, f.message) for f in report.findings] == []
    assert report.not_run == []


def test_loading_all_artefacts_is_fast() -> None:
    """Near what the standard library needs to parse the same files, whatever the machine does meanwhile."""
    files = [
        path for module in (codelists, dsd) for path in Path(module.__path__[0]).rglob("*.json")
    ]
    assert len(files) > 300

    def parsed() -> None:
        for path in files:
            json.loads(path.read_bytes())

    least_of_parsing, least_of_loading = (
        min(timeit.repeat(action, number=1, repeat=5)) for action in (parsed, load_structures)
    )
    assert least_of_loading < 5 * least_of_parsing


def test_there_is_one_dsd_and_one_dataflow_a_table(structures: Structures) -> None:
    ids = {row[0] for row in TABLES.values()}
    assert {dsd.id for dsd in structures.of_type(DataStructure)} == ids
    assert {flow.id for flow in structures.of_type(Dataflow)} == {f"DF_{id}" for id in ids}


@pytest.mark.parametrize("number", TABLES)
def test_the_components_of_a_table(structures: Structures, number: int) -> None:
    _, dimensions, measures = TABLES[number]
    dsd = _flow(structures, number)
    attributes = COMMON_ATTRIBUTES + (EARNINGS if number == 8 else "") + " NOTE"
    assert dsd.series_ids == tuple(dimensions.split())
    assert dsd.key_ids[-1] == "TIME_PERIOD"
    assert [(m.id, m.is_mandatory) for m in dsd.measures] == [("OBS_VALUE", False)]
    assert [attribute.id for attribute in dsd.attributes] == attributes.split()
    assert all(a.relationship and a.relationship.observation == {} for a in dsd.attributes)
    assert dsd["MEASURE"].allowed == frozenset(measures.split())
    assert dsd["FREQ"].allowed == {"A"}
    assert dsd["REF_AREA"].allowed == MEMBERS
    assert set(dsd["SEX"].codes) == {"SEX_T", "SEX_M", "SEX_F", "SEX_O"}


@pytest.mark.parametrize("number", TABLES)
def test_the_annotations_of_a_table(structures: Structures, number: int) -> None:
    dsd = _flow(structures, number)
    assert dsd.dataflow is not None
    for artefact in (dsd.structure, dsd.dataflow):
        assert artefact.annotation_value("TABLE_NUMBER") == str(number)
        assert artefact.annotation_value("MODULE") == MODULES[number]
        assert artefact.annotation_value("COUNTERPART_ROLE") == ROLES.get(number)
        assert {"en", "fr", "es"} <= artefact.names.keys()
    assert ("COUNTERPART_AREA" in dsd) == (number in ROLES)
    told = {annotation.id for annotation in dsd.dataflow.annotations}
    assert any(id and id.startswith("ILO_ID_2018") for id in told)
    inferred = [
        a for a in dsd.dataflow.annotations if a.id and a.id.startswith("ILO_DATAFLOW_2026")
    ]
    assert inferred
    assert {a.type for a in inferred} == {"INFERRED"}


def test_multi_valued_attributes(structures: Structures) -> None:
    multiple = {c.id for c in _flow(structures, 8).components if c.is_multiple}
    assert multiple == {"MIG_DEFINITION", "REF_PERIOD_DETAIL", "COVERAGE_GEO", "COVERAGE_POP", "JOB_COVERAGE"}  # fmt: skip


def test_unit_and_multiplier_must_be_told(structures: Structures) -> None:
    mandatory = {a.id for a in _flow(structures, 15).attributes if a.is_mandatory}
    assert mandatory == {"UNIT_MEASURE", "UNIT_MULT"}


def test_a_concept_has_the_id_of_its_component(structures: Structures) -> None:
    (scheme,) = structures.of_type(ConceptScheme)
    used = set()
    for number in TABLES:
        for component in _flow(structures, number).components:
            reference = parse_urn(component.definition.concept_identity)
            assert (reference.id, reference.item) == ("CS_ILMS", component.id)
            used.add(component.id)
    assert used == {concept.id for concept in scheme.concepts}


def test_no_table_names_a_contact(structures: Structures) -> None:
    (scheme,) = structures.of_type(ConceptScheme)
    assert [c.id for c in scheme.concepts if "CONTACT" in c.id] == []
    for scheme_class in (AgencyScheme, DataProviderScheme, DataConsumerScheme):
        for organisations in structures.of_type(scheme_class):
            assert [o.id for o in organisations.items if getattr(o, "contacts", ())] == []


def test_a_new_survey_needs_no_new_dsd(structures: Structures) -> None:
    for number in TABLES:
        representation = _flow(structures, number)["SOURCE"].definition.local_representation
        assert representation is not None
        assert representation.enumeration is not None
        assert parse_urn(representation.enumeration).version == "1.0+.0"


def test_a_new_version_of_the_source_list_and_of_a_provider_suffices(
    structures: Structures,
) -> None:
    sources = structures.get(Urn("Codelist", "ILMS", "CL_SOURCE", "1.0.0"), Codelist)
    codes = (*sources.codes, Code(id="FB_99999", names={"en": "New register"}))
    own = structures.get(Urn("DataConstraint", "ILMS", "CON_IDN_MOM", "1.0.0"), DataConstraint)
    (region,) = own.cube_regions
    widened = tuple(
        replaced(entry, values=(*entry.values, "FB_99999")) if entry.id == "SOURCE" else entry
        for entry in region.key_values
    )
    new = structures.joined(
        [
            replaced(sources, version="1.1.0", codes=codes),
            replaced(own, version="1.1.0", cube_regions=(replaced(region, key_values=widened),)),
        ]
    )
    for id, _, _ in TABLES.values():
        for country, allowed in (("IDN", True), ("THA", False)):
            agreement = Urn("ProvisionAgreement", "ILMS", f"PA_{country}_{id}", "1.0.0")
            assert new.dsd(agreement)["SOURCE"].allows("FB_99999") is allowed
            assert not structures.dsd(agreement)["SOURCE"].allows("FB_99999")


def test_every_table_is_filed_under_its_module(structures: Structures) -> None:
    (scheme,) = structures.of_type(CategoryScheme)
    assert [category.id for category in scheme.categories] == ["MODULE_A", "MODULE_B", "MODULE_C"]
    filed = {
        parse_urn(entry.source or "").id: parse_urn(entry.target or "").item
        for entry in structures.of_type(Categorisation)
    }
    assert filed == {
        f"DF_{id}": f"MODULE_{MODULES[number]}.T{number}" for number, (id, _, _) in TABLES.items()
    }


def test_each_country_has_one_coordinating_office_that_holds_its_agreements(
    structures: Structures,
) -> None:
    (scheme,) = structures.of_type(DataProviderScheme)
    offices: dict[str, list[str]] = {}
    coordinating = {}
    for office in scheme.data_providers:
        country = office.annotation_value("COUNTRY") or ""
        offices.setdefault(country, []).append(office.id)
        if office.annotation_value("COORDINATING") == "Y":
            assert country not in coordinating
            coordinating[country] = office.id
    assert offices.keys() == MEMBERS == coordinating.keys()
    assert all(len(found) >= 2 for found in offices.values())
    held = {
        (entry.id, parse_urn(entry.data_provider or "").item)
        for entry in structures.of_type(ProvisionAgreement)
    }
    assert held == {
        (f"PA_{country}_{id}", coordinating[country])
        for country in MEMBERS
        for id, _, _ in TABLES.values()
    }


def test_the_consumers_and_the_agency(structures: Structures) -> None:
    (consumers,) = structures.of_type(DataConsumerScheme)
    (agencies,) = structures.of_type(AgencyScheme)
    assert {c.id for c in consumers.data_consumers} == {
        "ILOSTAT", "ASEANSTATS", "APMIGRATION", "ASEAN_SECRETARIAT", "IOM", "UN_WOMEN"
    }  # fmt: skip
    assert (agencies.agency_id, [a.id for a in agencies.agencies]) == ("SDMX", ["ILMS"])


def test_classification_versions_of_a_table(structures: Structures) -> None:
    def versions(number: int, component: str) -> set[str | None]:
        return {code.parent for code in _flow(structures, number)[component].allowed_codes}

    assert versions(1, "AGE") == {"AGE_AGGREGATE", "AGE_10YRBANDS", "AGE_YTHADULT", "AGE_5YRBANDS"}
    assert versions(18, "EDU") == {"EDU_AGGREGATE", "EDU_ISCED11", "EDU_ISCED97"}
    assert versions(16, "ECO") == {"ECO_SECTOR", "ECO_AGGREGATE", "ECO_ISIC4", "ECO_ISIC3", "ECO_ISIC2"}  # fmt: skip
    assert versions(6, "OCU") == {"OCU_SKILL", "OCU_ISCO08", "OCU_ISCO88", "OCU_ISCO68"}
    assert versions(17, "OCU") == {"OCU_SKILL", "OCU_ISCO08", "OCU_ISCO88"}
    assert versions(7, "STE") == {"STE_AGGREGATE", "STE_ICSE93"}


def test_what_tables_leave_out(structures: Structures) -> None:
    for number in TABLES:
        dsd = _flow(structures, number)
        for component in dsd.components:
            reported = {code.id for code in component.allowed_codes}
            nodes = {
                id for id, code in component.codes.items() if code.annotation("NOT_REPORTABLE")
            }
            assert not reported & nodes, component.id
        if "MIG" in dsd:
            assert not dsd["MIG"].allows("MIG_STATUS_MIGRANTEU")
            assert not dsd["MIG"].allows("MIG_STATUS_MIGRANTNOTEU")
        if "COUNTERPART_AREA" in dsd:
            assert dsd["COUNTERPART_AREA"].allows("STL") == (ROLES[number] == "origin")
            assert dsd["COUNTERPART_AREA"].allows("SEA") == (ROLES[number] in ("destination", "residence"))  # fmt: skip


# -- the cascade ---------------------------------------------------------------------------------------


def test_a_provider_reports_its_own_country_and_sources_only(structures: Structures) -> None:
    for country in MEMBERS:
        for id, _, _ in TABLES.values():
            dsd = structures.dsd(Urn("ProvisionAgreement", "ILMS", f"PA_{country}_{id}", "1.0.0"))
            assert dsd["REF_AREA"].allowed == {country}
            countries = {c.annotation_value("COUNTRY") for c in dsd["SOURCE"].allowed_codes}
            assert countries == {country, None}
            assert dsd["SOURCE"].allows("_U")


def test_an_agreement_still_has_the_limits_of_its_table(structures: Structures) -> None:
    dsd = structures.dsd(Urn("ProvisionAgreement", "ILMS", "PA_IDN_MNA_OEMP_SEX_ECO", "1.0.0"))
    assert not dsd["REF_AREA"].allows("THA")
    assert not dsd["ECO"].allows("ECO_SECTOR")
    assert dsd["ECO"].allows("ECO_SECTOR_AGR")
    assert not dsd["MEASURE"].allows("MST_TEMP")
    assert dsd["SOURCE"].allows("FB_6665")
    assert not dsd["SOURCE"].allows("FB_6666")


def test_the_dsd_itself_is_bound_by_its_own_constraint_only(structures: Structures) -> None:
    dsd = structures.dsd(Urn("DataStructure", "ILMS", "MNA_OEMP_SEX_CDS", "1.0.0"))
    assert dsd["REF_AREA"].allowed is None
    assert dsd["FREQ"].allowed == {"A"}


def test_the_artefacts_say_where_their_facts_come_from(structures: Structures) -> None:
    for artefact in structures:
        for entry in artefact.annotations:
            if entry.id == "ATTRIBUTION":
                assert entry.text
                assert entry.texts.get("en") == entry.text
    named = {a.id for a in structures if a.annotation("ATTRIBUTION")}
    assert {"CL_AREA", "CL_COUNTERPART", "CL_SOURCE", "CL_ECO", "CL_OBS_STATUS"} <= named
