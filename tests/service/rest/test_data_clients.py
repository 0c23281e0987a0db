"""Dataflows, a DSD, data and availability, fetched from the running service by each client's own idioms, unpatched."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sdmx
import sdmx.reader.xml.v30  # Read before any data of 2.1, after which it reads no 3.0.

from dsd.structures import Structures

ORACLES = Path(__file__).parents[2] / "oracles"
DSD = "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=ILMS:MNA_OEMP_SEX_CDS(1.0.0)"
Rows = list[dict[str, str]]


@pytest.fixture(scope="session")
def flows(structures: Structures) -> set[str]:
    found = {artefact.id for artefact in structures if artefact.type_name == "Dataflow"}
    assert len(found) == 19
    return found


def figures(rows: Rows) -> Counter[tuple[str, float]]:
    """Return the observations as what a client may give of them: the key, and the figure as a number."""
    keys = ("REF_AREA", "FREQ", "MEASURE", "SEX", "COUNTERPART_AREA", "SOURCE", "TIME_PERIOD")
    value = "OBS_VALUE" if rows and "OBS_VALUE" in rows[0] else "obsValue"
    period = {"TIME_PERIOD": "obsTime"} if rows and "TIME_PERIOD" not in rows[0] else {}
    return Counter(
        (".".join(row[period.get(name, name)] for name in keys), float(row[value])) for row in rows
    )


def of(stored: Rows, area: str) -> Rows:
    found = [row for row in stored if row["REF_AREA"] == area]
    assert found
    return found


def values_of(rows: Rows, component: str) -> set[str]:
    return {row[component] for row in rows}


# -- curl ------------------------------------------------------------------------------------------


def curl(url: str, *arguments: str) -> str:
    done = subprocess.run(
        ["curl", "-g", "-sS", "--fail", *arguments, url],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return done.stdout.decode()


def test_curl(running: str, stored: Rows, structures: Structures, flows: set[str]) -> None:
    v1, v2 = f"{running}/sdmx/v1", f"{running}/sdmx/v2"
    told = json.loads(curl(f"{v2}/structure/dataflow/ILMS"))
    assert {flow["id"] for flow in told["data"]["dataflows"]} == flows
    (dsd,) = json.loads(curl(f"{v2}/structure/datastructure/ILMS/MNA_OEMP_SEX_CDS/"))["data"][
        "dataStructures"
    ]
    listed = dsd["dataStructureComponents"]["dimensionList"]["dimensions"]
    assert [entry["id"] for entry in listed] == list(structures.dsd(DSD).series_ids)
    flow = "DF_MNA_OEMP_SEX_CDS"
    for url in (
        f"{v1}/data/{flow}/IDN.....",
        f"{v2}/data/dataflow/ILMS/{flow}/1.0.0/IDN.*",
        f"{v2}/data/dataflow/ILMS/{flow}?c[REF_AREA]=IDN",
    ):
        for options in (["-H", "Accept: text/csv"], ["-H", "Accept: text/csv", "--compressed"]):
            rows = list(csv.DictReader(curl(url, *options).splitlines()))
            assert figures(rows) == figures(of(stored, "IDN"))
    (told,) = json.loads(curl(f"{v2}/availability/dataflow/ILMS/{flow}/1.0.0/IDN.*"))["data"][
        "availabilityConstraints"
    ]
    assert told["obsCount"] == len(of(stored, "IDN"))
    region = {entry["id"]: entry for entry in told["cubeRegion"]["keyValues"]}
    assert set(region["SEX"]["values"]) == values_of(of(stored, "IDN"), "SEX")


def test_curl_fetches_a_file_again_only_where_it_has_changed(running: str, tmp_path: Path) -> None:
    url = f"{running}/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS?format=csvdata"
    file, tag, head = (str(tmp_path / name) for name in ("data.csv", "tag", "head"))
    curl(url, "-R", "-o", file, "--etag-save", tag)
    by_tag = curl(url, "-o", f"{file}.again", "--etag-compare", tag, "-w", "%{http_code}")
    by_time = curl(url, "-o", f"{file}.again", "-z", file, "-w", "%{http_code}")
    assert (by_tag, by_time) == ("304", "304")
    assert not Path(f"{file}.again").exists() or not Path(f"{file}.again").read_bytes()
    curl(url, "-I", "-o", head)
    told = dict(line.split(": ", 1) for line in Path(head).read_text().splitlines()[1:] if line)
    assert int({name.lower(): text for name, text in told.items()}["content-length"]) == len(
        Path(file).read_bytes()
    )


# -- sdmx1 -----------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
class TestSdmx1OfRest1:
    """Its client as its own documentation uses it, with a source of SDMX REST 1.5."""

    @pytest.fixture
    def client(self, running: str) -> Any:
        source = {
            "id": "ILMS_V1",
            "name": "ILMS Exchange",
            "url": f"{running}/sdmx/v1",
            "supports": {"preview": True, "availableconstraint": True},
        }
        sdmx.add_source(source, override=True)
        return sdmx.Client("ILMS_V1")

    def test_it_reads_the_dataflows(self, client: Any, flows: set[str]) -> None:
        assert set(client.dataflow(agency_id="ILMS").dataflow) == flows

    def test_it_reads_the_structure_with_its_code_lists(
        self, client: Any, structures: Structures
    ) -> None:
        message = client.dataflow(
            "DF_MNA_OEMP_SEX_CDS", agency_id="ILMS", params={"references": "all"}
        )
        ours = structures.dsd(DSD)
        theirs = message.structure["MNA_OEMP_SEX_CDS"]
        assert [d.id for d in theirs.dimensions.components] == list(ours.key_ids)
        assert [a.id for a in theirs.attributes.components] == [a.id for a in ours.attributes]
        for component in ours.dimensions:
            codes = theirs.dimensions.get(component.id).local_representation.enumerated
            assert list(codes.items) == list(component.codes), component.id
            assert str(codes[next(iter(component.codes))].name) != ""

    def test_it_reads_the_data_that_were_stored(self, client: Any, stored: Rows) -> None:
        message = client.data("DF_MNA_OEMP_SEX_CDS", key="IDN.....", params={"startPeriod": "2023"})
        frame = sdmx.to_pandas(message.data[0]).astype(float)
        expected = {
            tuple(row[name] for name in frame.index.names): float(row["OBS_VALUE"])
            for row in stored
            if row["REF_AREA"] == "IDN" and row["TIME_PERIOD"] >= "2023"
        }
        assert frame.to_dict() == expected

    def test_it_reads_structure_specific_data_with_the_structure(
        self, client: Any, stored: Rows
    ) -> None:
        dsd = client.datastructure(
            "MNA_OEMP_SEX_CDS", agency_id="ILMS", params={"references": "all"}
        ).structure[0]
        message = client.data(
            "DF_MNA_OEMP_SEX_CDS", key={"REF_AREA": "PHL", "SEX": "SEX_F+SEX_T"}, dsd=dsd
        )
        frame = sdmx.to_pandas(message.data[0]).astype(float)
        assert len(frame) == len([r for r in of(stored, "PHL") if r["SEX"] != "SEX_M"])

    def test_it_previews_the_series(self, client: Any, stored: Rows) -> None:
        keys = client.preview_data("DF_MNA_OEMP_SEX_CDS", {"REF_AREA": "IDN"})
        found = Counter((str(k["SEX"].value), str(k["COUNTERPART_AREA"].value)) for k in keys)
        assert found == Counter(
            {(row["SEX"], row["COUNTERPART_AREA"]) for row in of(stored, "IDN")}
        )

    def test_it_reads_what_is_available(self, client: Any, stored: Rows) -> None:
        message = client.availableconstraint("DF_MNA_OEMP_SEX_CDS", key="IDN.....")
        (constraint,) = message.constraint.values()
        (region,) = constraint.data_content_region
        found = {
            dimension.id: {str(value.value) for value in selected.values}
            for dimension, selected in region.member.items()
            if dimension.id != "TIME_PERIOD"
        }
        for component in ("REF_AREA", "SEX", "COUNTERPART_AREA"):
            assert found[component] == values_of(of(stored, "IDN"), component)


@pytest.mark.filterwarnings("ignore")
class TestSdmx1OfRest2:
    """The same with a source of SDMX REST 2; it has no word for availability there."""

    @pytest.fixture
    def client(self, running: str) -> Any:
        # It reads no SDMX-JSON of 2.x; which format it gets, a source says by its own setting.
        structure = {"Accept": "application/vnd.sdmx.structure+xml;version=3.0.0"}
        source = {
            "id": "ILMS_V2",
            "name": "ILMS Exchange",
            "url": f"{running}/sdmx/v2",
            "versions": ["3.0.0"],
            "headers": {
                "dataflow": structure,
                "datastructure": structure,
                "data": {"Accept": "application/vnd.sdmx.data+xml;version=3.0.0"},
            },
        }
        sdmx.add_source(source, override=True)
        return sdmx.Client("ILMS_V2")

    def test_it_reads_the_dataflows(self, client: Any, flows: set[str]) -> None:
        assert set(client.dataflow(agency_id="ILMS").dataflow) == flows

    def test_it_reads_the_structure_and_the_data(self, client: Any, stored: Rows) -> None:
        message = client.datastructure(
            "MNA_OEMP_SEX_CDS", agency_id="ILMS", params={"references": "descendants"}
        )
        dsd = message.structure["MNA_OEMP_SEX_CDS"]
        message = client.data("DF_MNA_OEMP_SEX_CDS", agency_id="ILMS", dsd=dsd)
        frame = sdmx.to_pandas(message.data[0]).astype(float)
        expected = {
            tuple(row[name] for name in frame.index.names): float(row["OBS_VALUE"])
            for row in stored
        }
        assert frame.to_dict() == expected


# -- pysdmx ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_pysdmx(running: str) -> dict[str, Any]:
    """What pysdmx gives of the service."""
    python = os.environ.get("ILMS_PYSDMX_PYTHON")
    if python is None:
        pytest.skip("needs pysdmx: make .venv-pysdmx/.installed, and name it in ILMS_PYSDMX_PYTHON")
    done = subprocess.run(
        [python, str(ORACLES / "pysdmx_data.py"), running],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.pysdmx
@pytest.mark.xdist_group("pysdmx")
class TestPysdmx:
    """Its query builder, its registry client and its reader."""

    @pytest.mark.parametrize("entry", ["generic", "csv 1.0", "ml21", "ml30", "ml31", "csv 2.1"])
    def test_it_reads_data(self, by_pysdmx: dict[str, Any], stored: Rows, entry: str) -> None:
        rows = by_pysdmx["rows"][entry]
        assert figures(rows) == figures(of(stored, "IDN"))
        assert values_of(rows, "UNIT_MEASURE") == values_of(of(stored, "IDN"), "UNIT_MEASURE")

    def test_it_reads_what_is_available(self, by_pysdmx: dict[str, Any], stored: Rows) -> None:
        rows = of(stored, "IDN")
        available = by_pysdmx["available"]
        for component in ("REF_AREA", "SEX", "COUNTERPART_AREA"):
            assert set(available[component]) == values_of(rows, component)
        assert by_pysdmx["counts"][1] == len(rows)

    def test_its_registry_client_lists_the_dataflows(
        self, by_pysdmx: dict[str, Any], flows: set[str]
    ) -> None:
        assert set(by_pysdmx["flows"]) == flows

    @pytest.mark.parametrize("version", ["V1_5_0", "V2_0_0", "V2_1_0", "V2_2_0", "V2_2_2"])
    def test_its_query_builder_is_answered(
        self, by_pysdmx: dict[str, Any], stored: Rows, flows: set[str], version: str
    ) -> None:
        told = by_pysdmx[version]
        assert {flow["id"] for flow in told["flows"]["data"]["dataflows"]} == flows
        (dsd,) = told["dsd"]["data"]["dataStructures"]
        assert dsd["id"] == "MNA_OEMP_SEX_CDS"
        assert {entry["id"] for entry in told["dsd"]["data"]["codelists"]} >= {"CL_SEX", "CL_AREA"}
        (dataset,) = told["data"]["data"]["dataSets"]
        series = Counter((row["SEX"], row["COUNTERPART_AREA"]) for row in of(stored, "IDN"))
        assert [len(entry["observations"]) for entry in dataset["series"].values()].count(2) == len(
            [count for count in series.values() if count > 1]
        )
        assert len(dataset["series"]) == len(series)
        (constraint,) = told["availability"]["data"]["dataConstraints"]
        (region,) = constraint["cubeRegions"]
        areas = next(entry for entry in region["keyValues"] if entry["id"] == "REF_AREA")
        assert {
            value["value"] if isinstance(value, dict) else value for value in areas["values"]
        } == (values_of(stored, "REF_AREA"))
        assert told["schema"]["data"]["dataStructures"][0]["id"] == "MNA_OEMP_SEX_CDS"


# -- rsdmx -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_rsdmx(running: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """What rsdmx gives of the service: the rows of each data frame."""
    if not shutil.which("Rscript"):
        pytest.skip("needs R with its package rsdmx: apt-get install r-cran-rsdmx")
    probe = subprocess.run(["Rscript", "-e", "library(rsdmx)"], capture_output=True, timeout=60)
    if probe.returncode:
        pytest.skip("needs rsdmx beside R: apt-get install r-cran-rsdmx")
    folder = tmp_path_factory.mktemp("rsdmx")
    done = subprocess.run(
        ["Rscript", str(ORACLES / "rsdmx_read.R"), running, str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        file.stem: list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
        for file in folder.glob("*.csv")
    }


@pytest.mark.rsdmx
@pytest.mark.xdist_group("rsdmx")
class TestRsdmx:
    """`readSDMX` by provider and by URL, and `as.data.frame` of what it gives."""

    def test_dataflows(self, by_rsdmx: dict[str, Rows], structures: Structures) -> None:
        found = {row["id"]: (row["Name.en"], row["dsdRef"]) for row in by_rsdmx["dataflows"]}
        assert found == {
            artefact.id: (artefact.name, artefact.id.removeprefix("DF_"))
            for artefact in structures
            if artefact.type_name == "Dataflow"
        }

    def test_a_dsd_with_its_code_lists(
        self, by_rsdmx: dict[str, Rows], structures: Structures
    ) -> None:
        dsd = structures.dsd(DSD)
        found = {row["conceptRef"]: row["codelist"] for row in by_rsdmx["components"]}
        assert set(found) == {component.id for component in dsd.components}
        for component in dsd.dimensions:
            codes = [
                row["code"] for row in by_rsdmx["codes"] if row["codelist"] == found[component.id]
            ]
            assert codes == list(component.codes)

    def test_data_with_the_labels_of_their_dsd(
        self, by_rsdmx: dict[str, Rows], stored: Rows
    ) -> None:
        rows = by_rsdmx["data"]
        expected = [
            row
            for row in of(stored, "IDN")
            if row["SEX"] != "SEX_T" and "2022" <= row["TIME_PERIOD"] <= "2024"
        ]
        assert figures(rows) == figures(expected)
        assert {(row["SEX"], row["SEX_label.en"]) for row in rows} == {
            ("SEX_F", "Female"),
            ("SEX_M", "Male"),
        }
        assert values_of(rows, "UNIT_MULT") == {"3"}
        assert values_of(rows, "REF_AREA_label.en") == {"Indonesia"}

    @pytest.mark.parametrize("name", ["specific", "newer"])
    def test_data_by_url_in_another_format_and_line(
        self, by_rsdmx: dict[str, Rows], stored: Rows, name: str
    ) -> None:
        assert figures(by_rsdmx[name]) == figures(of(stored, "PHL"))

    def test_what_is_available_comes_as_the_codes_that_are(
        self, by_rsdmx: dict[str, Rows], stored: Rows
    ) -> None:
        rows = of(stored, "IDN")
        for codelist, component in (("CL_SEX", "SEX"), ("CL_COUNTERPART", "COUNTERPART_AREA")):
            codes = {row["code"] for row in by_rsdmx["available"] if row["codelist"] == codelist}
            assert codes == values_of(rows, component)

    def test_it_tells_the_status_of_an_error(self, by_rsdmx: dict[str, Rows]) -> None:
        assert "404" in by_rsdmx["refused"][0]["told"]
