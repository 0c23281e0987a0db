"""A twentieth table, added as artefact files alone, is served by template, converter, store and REST."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from codelists.base import Annotation, replaced
from converters.questionnaire import read_questionnaire
from converters.template import filled_bytes, template_bytes
from dsd.sdmx_json import encode_artefact_file
from dsd.structure import (
    DataConstraint,
    DataConstraintAttachment,
    Dataflow,
    DataStructure,
    Dimension,
    DimensionList,
    ProvisionAgreement,
)
from dsd.structures import Structures, load_structures
from service.app import create_app
from service.config import Settings
from service.store import open_store
from service.submission.receive import submit

# Returned nationals by status in employment before departure and country of previous residence: a mix of
# dimensions that no built-in table has.
NEW = "MNA_XRET_SEX_STE_CPR"


def write_artefacts(structures: Structures, folder: Path) -> None:
    """Write the files of the new table, made from those of tables 19 and 7."""
    urn = "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=ILMS:{}(1.0.0)"
    old = structures.get(urn.format("MNA_XRET_SEX_CPR"), DataStructure)
    parts = old.data_structure_components
    status = structures.get(urn.format("MST_TEMP_SEX_STE"), DataStructure).data_structure_components
    assert parts is not None
    assert status is not None
    extra = next(entry for entry in status.dimension_list.dimensions if entry.id == "STE")
    dimensions: list[Dimension] = []
    for entry in parts.dimension_list.dimensions:
        dimensions += [entry, extra] if entry.id == "SEX" else [entry]
    ordered = tuple(replaced(entry, position=place) for place, entry in enumerate(dimensions))
    annotations = tuple(
        Annotation(id="TABLE_NUMBER", value="20") if entry.id == "TABLE_NUMBER" else entry
        for entry in old.annotations
    )
    names = {"en": "Returned nationals by sex, status in employment and country"}
    changes = {"id": NEW, "annotations": annotations, "names": names, "name": names["en"]}
    list_ = DimensionList(
        id="DimensionDescriptor",
        dimensions=ordered,
        time_dimension=parts.dimension_list.time_dimension,
    )
    new = replaced(old, data_structure_components=replaced(parts, dimension_list=list_), **changes)
    flow_urn = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_{}(1.0.0)"
    old_flow = structures.get(flow_urn.format("MNA_XRET_SEX_CPR"), Dataflow)
    flow = replaced(old_flow, **(changes | {"id": f"DF_{NEW}", "structure": str(new.urn)}))
    agreement_urn = "urn:sdmx:org.sdmx.infomodel.registry.ProvisionAgreement=ILMS:PA_IDN_{}(1.0.0)"
    old_agreement = structures.get(agreement_urn.format("MNA_XRET_SEX_CPR"), ProvisionAgreement)
    agreement = replaced(old_agreement, id=f"PA_IDN_{NEW}", dataflow=str(flow.urn))
    limits = []
    for target, attachment in (
        (old, DataConstraintAttachment(data_structures=(str(new.urn),))),
        (old_flow, DataConstraintAttachment(dataflows=(str(flow.urn),))),
    ):
        for constraint in structures.constraints_on(target.urn):
            limits.append(  # noqa: PERF401 - a comprehension over two nested loops reads worse
                replaced(constraint, id=f"{constraint.id}_20", constraint_attachment=attachment)
            )
    # The country's own constraint names its agreements one by one.
    for constraint in structures.of_type(DataConstraint):
        given = constraint.constraint_attachment
        if given and str(old_agreement.urn) in given.provision_agreements:
            attached = DataConstraintAttachment(provision_agreements=(str(agreement.urn),))
            limits.append(
                replaced(constraint, id=f"{constraint.id}_20", constraint_attachment=attached)
            )
    for artefact in (new, flow, agreement, *limits):
        path = folder / artefact.artefact_type.resource / artefact.agency_id / artefact.id
        path.mkdir(parents=True)
        (path / "1.0.0.json").write_bytes(encode_artefact_file(artefact))


@pytest.fixture
def twenty(structures: Structures, tmp_path: Path) -> Structures:
    folder = tmp_path / "artefacts"
    write_artefacts(structures, folder)
    return structures.joined(load_structures([folder]))


def test_it_goes_from_a_workbook_through_the_rules_and_the_store_to_rest(
    twenty: Structures, tmp_path: Path
) -> None:
    blank = read_questionnaire(template_bytes(twenty, "IDN", ["2024"], ["T20"]), twenty)
    assert [table.table for table in blank.tables] == ["T20"]
    key = {"REF_AREA": "IDN", "FREQ": "A", "MEASURE": "MNA_XRET", "SOURCE": "_U"}
    unit = {"UNIT_MEASURE": "PS", "UNIT_MULT": "3", "TIME_PERIOD": "2024"}
    figures = {
        ("SEX_T", "STE_AGGREGATE_TOTAL", "MYS"): "12.345",
        ("SEX_T", "STE_AGGREGATE_EES", "MYS"): "10.045",
        ("SEX_T", "STE_AGGREGATE_SLF", "MYS"): "2.300",
    }
    rows = [
        key | unit | {"SEX": sex, "STE": ste, "COUNTERPART_AREA": area, "OBS_VALUE": value}
        for (sex, ste, area), value in figures.items()
    ]
    workbook = filled_bytes(twenty, "IDN", {"T20": rows})

    settings = Settings(store_folder=tmp_path / "store", temporary_folder=tmp_path / "tmp")
    store = open_store(settings)
    try:
        result = submit(workbook, twenty, store, name="t20.xlsx", settings=settings)
        assert result.is_accepted, result.all_findings
        client = create_app(settings, twenty, store).test_client()
        answer = client.get(
            f"/sdmx/v2/data/dataflow/ILMS/DF_{NEW}/1.0.0/IDN.A",
            headers={"Accept": "application/vnd.sdmx.data+csv;version=2.1.0"},
        )
        assert answer.status_code == 200, answer.text
        got = {
            (row["SEX"], row["STE"], row["COUNTERPART_AREA"]): row["OBS_VALUE"]
            for row in csv.DictReader(io.StringIO(answer.text))
        }
        assert got == figures
        structure = client.get(f"/sdmx/v2/structure/dataflow/ILMS/DF_{NEW}/1.0.0")
        assert structure.get_json()["data"]["dataflows"][0]["id"] == f"DF_{NEW}"
        assert NEW in client.get("/").text
    finally:
        store.close()


def test_a_wrong_sum_in_it_is_found_at_its_cell(twenty: Structures) -> None:
    key = {"REF_AREA": "IDN", "FREQ": "A", "MEASURE": "MNA_XRET", "SOURCE": "_U", "SEX": "SEX_T"}
    unit = {
        "UNIT_MEASURE": "PS",
        "UNIT_MULT": "3",
        "TIME_PERIOD": "2024",
        "COUNTERPART_AREA": "MYS",
    }
    figures = {"TOTAL": "99.999", "EES": "10.045", "SLF": "2.300"}
    rows = [
        key | unit | {"STE": f"STE_AGGREGATE_{ste}", "OBS_VALUE": value}
        for ste, value in figures.items()
    ]
    result = submit(filled_bytes(twenty, "IDN", {"T20": rows}), twenty, name="t20.xlsx")
    sums = [
        finding for finding in result.all_findings if finding.component == "STE" and finding.rejects
    ]
    assert len(sums) == 1, result.all_findings
    assert sums[0].locator is not None
    assert sums[0].locator.startswith("cell:T20!")
