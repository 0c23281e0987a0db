"""A table that is added by artefact files alone is served like every other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dsd.batch import batches_from_rows
from dsd.dataset import Dataset
from dsd.structures import PACKAGE_ROOT, load_structures
from service.app import create_app
from service.store import open_store
from service.store.protocol import SubmissionRecord

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_TREM_SEX(1.0.0)"
BUILT_IN = PACKAGE_ROOT / "dsd/artefacts"


@pytest.fixture
def artefacts(tmp_path: Path) -> Path:
    """A DSD of remittances without counterpart, and its dataflow, as files."""
    folder = tmp_path / "artefacts"
    for kind, id in (("datastructure", "MNA_OEMP_SEX_CDS"), ("dataflow", "DF_MNA_OEMP_SEX_CDS")):
        text = (BUILT_IN / kind / "ILMS" / id / "1.0.0.json").read_text(encoding="utf-8")
        message = json.loads(text.replace("MNA_OEMP_SEX_CDS", "MNA_TREM_SEX"))
        (artefact,) = next(iter(message["data"].values()))
        artefact["names"] = {"en": "Remittances by sex"}
        artefact["annotations"] = [{"id": "TABLE_NUMBER", "value": "20"}]
        if kind == "datastructure":
            dimensions = artefact["dataStructureComponents"]["dimensionList"]["dimensions"]
            dimensions[:] = [d for d in dimensions if d["id"] != "COUNTERPART_AREA"]
            for position, dimension in enumerate(dimensions):
                if "position" in dimension:
                    dimension["position"] = position
        path = (
            folder / kind / "ILMS" / id.replace("MNA_OEMP_SEX_CDS", "MNA_TREM_SEX") / "1.0.0.json"
        )
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(message), encoding="utf-8")
    return folder


def test_artefact_files_alone_make_a_table(
    artefacts, filled, structures, client_of, tmp_path
) -> None:
    everything = structures.joined(load_structures([artefacts]))
    settings = replace(filled, store_folder=tmp_path / "store")
    store = open_store(settings)
    dsd = everything.dsd(FLOW)
    row = {
        "REF_AREA": "PHL", "FREQ": "A", "MEASURE": "MNA_OEMP", "SEX": "SEX_T", "SOURCE": "_U",
        "TIME_PERIOD": "2024", "OBS_VALUE": "38.34", "UNIT_MEASURE": "PS", "UNIT_MULT": "3",
    }  # fmt: skip
    store.write([Dataset(dsd, batches_from_rows(dsd, [row]))], SubmissionRecord("first"))
    client = client_of(create_app(settings, everything, store))

    found = client.get("/sdmx/v2/data/dataflow/ILMS/DF_MNA_TREM_SEX/1.0.0/PHL?format=csv")
    assert "PHL,A,MNA_OEMP,SEX_T,_U,2024,38.34" in found.text
    assert client.get("/sdmx/v1/data/DF_MNA_TREM_SEX/PHL....").status_code == 200
    listed = client.get("/sdmx/v2/structure/dataflow?detail=allstubs").json["data"]["dataflows"]
    assert len(listed) == 20
    page = client.get("/").text
    assert "Remittances by sex" in page
    assert "Other tables" in page
    store.close()
