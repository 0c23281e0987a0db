"""Data of a structure that names a metadata structure: its attributes may be asked for and sent, and none is kept yet.

SDMX-REST 2.2.2, doc/data.md, "attributes"; SDMX 3.1 Section 2, "MetadataAttributeUsage".
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from codelists.base import replaced
from dsd.batch import batches_from_rows
from dsd.dataset import Dataset
from dsd.finding import Report
from dsd.sdmx_json import decode_structures
from dsd.structure import AttributeRelationship, Dataflow, MetadataAttributeUsage
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.formats import find_data_format
from service.formats.contract import NO_OPTIONS
from service.store import open_store
from service.store.protocol import SubmissionRecord

MODEL = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"
FLOW = MODEL.replace("ILMS:DF_MNA_OEMP_SEX_CDS", "TST:DF_M")
MSD = "urn:sdmx:org.sdmx.infomodel.metadatastructure.MetadataStructure=TST:MSD_SOURCES(1.0.0)"


@pytest.fixture(scope="module")
def known(structures: Structures, examples: Path) -> Structures:
    """The artefacts with a dataflow whose structure names a metadata structure, and says where two of its attributes stand."""
    given = decode_structures((examples / "rest/metadata/structures.json").read_bytes()).data.all()
    model = structures.dsd(MODEL).structure
    parts = model.data_structure_components
    assert parts
    usages = (
        MetadataAttributeUsage(
            metadata_attribute_reference="OFFICE",
            attribute_relationship=AttributeRelationship(dimensions=("REF_AREA",)),
        ),
        MetadataAttributeUsage(
            metadata_attribute_reference="STARTED",
            attribute_relationship=AttributeRelationship(observation={}),
        ),
    )
    attributes = replaced(parts.attribute_list, metadata_attribute_usages=usages)
    structure = replaced(
        model,
        agency_id="TST",
        id="DSD_M",
        metadata=MSD,
        data_structure_components=replaced(parts, attribute_list=attributes),
    )
    flow = Dataflow(
        agency_id="TST",
        id="DF_M",
        version="1.0.0",
        names={"en": "With metadata"},
        structure=str(structure.urn),
    )
    return structures.joined([*given, structure, flow])


@pytest.mark.parametrize(
    ("attributes", "columns"),
    [
        ("msd", False),
        ("STARTED", False),
        ("OFFICE,msd", False),
        ("all", True),
        ("dsd", True),
        ("msd,UNIT_MULT", True),
    ],
)
def test_24_metadata_attributes_may_be_asked_for(
    known: Structures,
    stored: list[dict[str, str]],
    tmp_path: Path,
    client_of: Callable[[Flask], FlaskClient],
    attributes: str,
    columns: bool,
) -> None:
    settings = Settings(store_folder=tmp_path / "store", temporary_folder=tmp_path / "temporary")
    store = open_store(settings)
    dsd = known.dsd(FLOW)
    store.write([Dataset(dsd, batches_from_rows(dsd, stored))], SubmissionRecord("first"))
    client = client_of(create_app(settings, known, store))
    for type in ("data+csv", "data+json", "data+xml"):
        response = client.get(
            f"/sdmx/v2/data/dataflow/TST/DF_M?attributes={attributes}",
            headers={"Accept": f"application/vnd.sdmx.{type}"},
        )
        assert response.status_code == 200, response.text
        assert "59.886" in response.text
        # What the data have of them: nothing.
        assert ("UNIT_MULT" in response.text) is columns
        assert "STARTED" not in response.text
    refused = client.get("/sdmx/v2/data/dataflow/TST/DF_M?attributes=BEGUN")
    assert refused.status_code == 422
    store.close()


CSV = (
    "STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA,FREQ,MEASURE,SEX,COUNTERPART_AREA,SOURCE,TIME_PERIOD,OBS_VALUE,"
    "STARTED,OFFICE[].NAME,BEGUN\r\n"
    "dataflow,TST:DF_M(1.0.0),M,IDN,A,MNA_OEMP,SEX_F,HKG,_U,2022,5,1986,BPS,1\r\n"
)
ML = """<mes:StructureSpecificData xmlns:mes="http://www.sdmx.org/resources/sdmxml/schemas/v3_1/message"
  xmlns:com="http://www.sdmx.org/resources/sdmxml/schemas/v3_1/common"
  xmlns:ss="http://www.sdmx.org/resources/sdmxml/schemas/v3_1/data/structurespecific"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:n="urn:x">
 <mes:Header><mes:ID>X</mes:ID><mes:Test>false</mes:Test><mes:Prepared>2026-11-25T00:00:00Z</mes:Prepared>
  <mes:Sender id="T"/><mes:Structure structureID="S" namespace="urn:x" dimensionAtObservation="AllDimensions">
  <com:StructureUsage>urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_M(1.0.0)</com:StructureUsage>
  </mes:Structure></mes:Header>
 <mes:DataSet ss:structureRef="S" ss:action="Merge" xsi:type="n:DataSetType">
  <Obs REF_AREA="IDN" FREQ="A" MEASURE="MNA_OEMP" SEX="SEX_F" COUNTERPART_AREA="HKG" SOURCE="_U" TIME_PERIOD="2022"
   OBS_VALUE="5" STARTED="1986" BEGUN="1"/>
 </mes:DataSet></mes:StructureSpecificData>"""
JSON = """{"meta": {"id": "X", "prepared": "2026-11-25T00:00:00Z", "sender": {"id": "T"}}, "data": {
 "structures": [{"links": [{"rel": "dataflow", "urn": "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_M(1.0.0)"}],
  "dimensions": {"observation": [
   {"id": "REF_AREA", "keyPosition": 0, "values": [{"id": "IDN"}]}, {"id": "FREQ", "keyPosition": 1, "values": [{"id": "A"}]},
   {"id": "MEASURE", "keyPosition": 2, "values": [{"id": "MNA_OEMP"}]}, {"id": "SEX", "keyPosition": 3, "values": [{"id": "SEX_F"}]},
   {"id": "COUNTERPART_AREA", "keyPosition": 4, "values": [{"id": "HKG"}]}, {"id": "SOURCE", "keyPosition": 5, "values": [{"id": "_U"}]},
   {"id": "TIME_PERIOD", "keyPosition": 6, "values": [{"value": "2022"}]}]},
  "measures": {"observation": [{"id": "OBS_VALUE"}]},
  "attributes": {"observation": [{"id": "STARTED", "relationship": {"observation": {}}},
                                 {"id": "BEGUN", "relationship": {"observation": {}}}]}}],
 "dataSets": [{"structure": 0, "action": "Merge", "observations": {"0:0:0:0:0:0:0": [5, "1986", "1"]}}]}}"""


@pytest.mark.parametrize(
    ("format", "message", "told", "unknown"),
    [
        ("csv", CSV, ["STARTED", "OFFICE[].NAME"], "custom-column"),
        ("json", JSON, ["STARTED"], "unknown-component"),
        ("ml31", ML, ["STARTED"], "unknown-component"),
    ],
)
def test_metadata_in_data_messages_are_told_from_what_nobody_knows(
    known: Structures, format: str, message: str, told: list[str], unknown: str
) -> None:
    report = Report()
    decode = find_data_format(format).decode
    assert decode is not None
    datasets = decode(io.BytesIO(message.encode()), known, report, NO_OPTIONS)
    rows = [row for dataset in datasets for batch in dataset.batches for row in batch.to_pylist()]
    assert [row["OBS_VALUE"] for row in rows] == ["5"]
    found = [(entry.rule, entry.component) for entry in report.findings]
    assert found == [*(("metadata-not-kept", id) for id in told), (unknown, "BEGUN")]


def test_a_metadata_structure_that_is_not_there_is_no_fault_of_data(known: Structures) -> None:
    lost = Structures(entry for entry in known if entry.type_name != "MetadataStructure")
    assert known.dsd(FLOW).is_metadata("OFFICE[].NAME")
    assert not known.dsd(FLOW).is_metadata("NAME")
    assert not lost.dsd(FLOW).is_metadata("OFFICE")
