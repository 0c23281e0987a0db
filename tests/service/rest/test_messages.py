"""Headers, attachment levels and missing values of data messages (check-list, points 28, 29 and 30)."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from lxml import etree

from tests.service.rest.json_message import walked
from tests.service.rest.sample_data import V1, V2

ML = {
    "ml21": "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
    "ml21-series": "application/vnd.sdmx.structurespecifictimeseriesdata+xml;version=2.1",
    "generic": "application/vnd.sdmx.genericdata+xml;version=2.1",
    "generic-series": "application/vnd.sdmx.generictimeseriesdata+xml;version=2.1",
    "ml30": "application/vnd.sdmx.data+xml;version=3.0.0",
    "ml31": "application/vnd.sdmx.data+xml;version=3.1.0",
}
JSON = {
    "json10": "application/vnd.sdmx.data+json;version=1.0.0",
    "json20": "application/vnd.sdmx.data+json;version=2.0.0",
    "json21": "application/vnd.sdmx.data+json;version=2.1.0",
}
CSV = {
    "csv10": "application/vnd.sdmx.data+csv;version=1.0.0",
    "csv20": "application/vnd.sdmx.data+csv;version=2.0.0",
    "csv21": "application/vnd.sdmx.data+csv;version=2.1.0",
}
ZONE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
CONTEXTS = {
    V2: "Dataflow=TST:DF_T(1.0.0)",
    "/sdmx/v2/data/datastructure/TST/DSD_T/1.0.0": "DataStructure=TST:DSD_T(1.0.0)",
    "/sdmx/v2/data/provisionagreement/TST/PA_IDN/1.0.0": "ProvisionAgreement=TST:PA_IDN(1.0.0)",
}


def answer(client: Any, url: str, accept: str) -> Any:
    response = client.get(url, headers={"Accept": accept})
    assert response.status_code == 200, response.text
    return response


def tree(client: Any, url: str, accept: str) -> Any:
    return etree.fromstring(answer(client, url, accept).data)


def local(element: Any) -> dict[str, str]:
    """Return the attributes of an element, those of a namespace by their local name too."""
    return {name.rpartition("}")[2]: text for name, text in element.attrib.items()}


# -- 28: the header --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ML)
@pytest.mark.parametrize("url", CONTEXTS)
def test_28_the_header_of_sdmx_ml(sample_client, name, url) -> None:
    message = tree(sample_client, url, ML[name])
    header = message.find("{*}Header")
    assert header.findtext("{*}Test") == "false"
    assert ZONE.fullmatch(header.findtext("{*}Prepared"))
    assert header.find("{*}Sender").get("id") == "ILMS"
    structures = {own.get("structureID"): own for own in header.findall("{*}Structure")}
    (dataset,) = message.findall("{*}DataSet")
    structure = structures[local(dataset)["structureRef"]]
    assert structure.get("dimensionAtObservation") == "TIME_PERIOD"
    assert local(dataset)["action"] == "Replace"
    (named,) = structure
    reference = named.find("Ref")
    if reference is None:
        assert named.text.endswith(CONTEXTS[url])
    else:
        kind, identity = CONTEXTS[url].split("=")
        assert reference.get("class") == kind
        assert (
            f"{reference.get('agencyID')}:{reference.get('id')}({reference.get('version')})"
            == identity
        )
    if "namespace" in structure.attrib:
        # Types of the data set are those of the structure that the header names.
        assert structure.get("namespace") in message.nsmap.values()
        prefix = local(dataset)["type"].partition(":")[0]
        assert dataset.nsmap[prefix] == structure.get("namespace")


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("url", CONTEXTS)
def test_28_the_header_of_sdmx_json(sample_client, name, url) -> None:
    message = answer(sample_client, url, JSON[name]).json
    assert message["meta"]["test"] is False
    assert message["meta"]["sender"]["id"] == "ILMS"
    assert ZONE.fullmatch(message["meta"]["prepared"])
    (told,) = walked(message)
    assert told.urn.endswith(CONTEXTS[url])
    assert told.action == "Replace"


def test_28_each_answer_has_an_id_of_its_own(sample_client) -> None:
    ids = []
    for url in (V2, f"{V2}/A", f"{V2}?limit=3", f"{V2}?attributes=none", *list(CONTEXTS)[1:]):
        ids += [answer(sample_client, url, accept).json["meta"]["id"] for accept in JSON.values()]
        ids += [tree(sample_client, url, accept).findtext(".//{*}ID") for accept in ML.values()]
    assert len(set(ids)) == len(ids)
    # The same bytes have the same id.
    assert answer(sample_client, V2, JSON["json21"]).json["meta"]["id"] in ids
    # IDType, and in SDMX-ML a name.
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", id) for id in ids)


@pytest.mark.parametrize(
    ("url", "action"),
    [
        (V2, "Replace"),
        (f"{V2}?c[FREQ]=A&limit=2", "Replace"),
        (f"{V2}?asOf=2026-01-02T00:00:00Z", "Replace"),
        (f"{V2}?attributes=none", "Merge"),
        (f"{V2}?measures=none&attributes=all", "Merge"),
        (f"{V2}?updatedAfter=2025-01-01T00:00:00Z", "Replace"),
        (f"{V1}?detail=dataonly", "Merge"),
        (f"{V1}?detail=nodata", "Merge"),
    ],
)
def test_28_the_action_says_whether_an_observation_is_whole(sample_client, url, action) -> None:
    """What is told of a part of the components must not delete the others of who loads it."""
    for accept in (*JSON.values(), *ML.values(), CSV["csv20"], CSV["csv21"]):
        response = answer(sample_client, url, accept)
        version = accept.partition("version=")[2]
        is_old = version in ("1.0.0", "2.0.0", "2.1", "3.0.0")
        word = "Append" if action == "Merge" and is_old else action
        if "csv" in accept:
            (letters,) = {row["ACTION"] for row in csv.DictReader(io.StringIO(response.text))}
            assert letters == word[0]
        elif "json" in accept:
            assert [told.action for told in walked(response.json)] == [word]
        else:
            (dataset,) = etree.fromstring(response.data).findall("{*}DataSet")
            assert local(dataset)["action"] == word


# -- 29: attributes where the structure attaches them ----------------------------------------------


@pytest.mark.parametrize("name", ["ml21", "ml21-series", "ml30", "ml31"])
def test_29_structure_specific_data(sample_client, name) -> None:
    (dataset,) = tree(sample_client, V2, ML[name]).findall("{*}DataSet")
    at_dataset = dataset if name.startswith("ml21") else dataset.find("Atts")
    assert at_dataset.get("TITLE") == "The euro <title> & more"
    groups = {own.get("REF_AREA"): own.get("COVERAGE") for own in dataset.findall("Group")}
    assert groups == {"IDN": "All of IDN", "LAO": "Part of LAO"}
    series = [(own.get("SEX"), own.get("UNIT_MEASURE")) for own in dataset.findall("Series")]
    assert series == [("SEX_F", "PC"), ("SEX_M", "PS"), ("SEX_M", None), ("SEX_M", "PS")]
    statuses = [obs.get("OBS_STATUS") for obs in dataset.iter("Obs")]
    assert statuses == list("ABAEAAAA")
    assert not any(
        {"UNIT_MEASURE", "COVERAGE", "TITLE"} & set(obs.attrib) for obs in dataset.iter("Obs")
    )


@pytest.mark.parametrize("name", ["generic", "generic-series"])
def test_29_generic_data(sample_client, name) -> None:
    (dataset,) = tree(sample_client, V2, ML[name]).findall("{*}DataSet")

    def values(path: str) -> list[tuple[str, str]]:
        return [(own.get("id"), own.get("value")) for own in dataset.findall(path)]

    assert values("{*}Attributes/{*}Value") == [("TITLE", "The euro <title> & more")]
    assert [text for _, text in values("{*}Group/{*}Attributes/{*}Value")] == [
        "All of IDN",
        "Part of LAO",
    ]
    assert [text for _, text in values("{*}Series/{*}Attributes/{*}Value")] == ["PC", "PS", "PS"]
    ids = {id for id, _ in values("{*}Series/{*}Obs/{*}Attributes/{*}Value")}
    assert ids == {"OBS_STATUS", "NOTE", "METHOD", "AGE_MIN"}


def test_29_csv_has_a_row_for_each_level_or_in_1_0_the_values_on_each(sample_client) -> None:
    for name in ("csv20", "csv21"):
        rows = list(csv.DictReader(io.StringIO(answer(sample_client, V2, CSV[name]).text)))
        assert [row["TITLE"] for row in rows if row["TITLE"]] == ["The euro <title> & more"]
        covered = [row for row in rows if row["COVERAGE"]]
        assert [(row["REF_AREA"], row["FREQ"]) for row in covered] == [("IDN", ""), ("LAO", "")]
        assert all(row["SEX"] and not row["TIME_PERIOD"] for row in rows if row["UNIT_MEASURE"])
    rows = list(csv.DictReader(io.StringIO(answer(sample_client, V1, CSV["csv10"]).text)))
    assert [row["UNIT_MEASURE"] for row in rows] == ["PC", "PC", "PS", "PS", "PS", "", "PS", "PS"]
    assert {row["TITLE"] for row in rows} == {"The euro <title> & more"}


# -- 30: missing values ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*ML, *JSON, *CSV])
def test_30_absent_nan_and_texts_stay_apart(sample_client, name) -> None:
    """Observation 1 has NaN and the text `#N/A`, 5 has no value: neither becomes the other, nothing an empty text."""
    response = answer(sample_client, V2, (ML | JSON | CSV)[name])
    found = {
        tuple(row[id] for id in ("FREQ", "REF_AREA", "SEX", "TIME_PERIOD")): row
        for row in observed(name, response)
    }
    assert len(found) == 8
    nan, absent = found["A", "IDN", "SEX_F", "2020"], found["A", "IDN", "SEX_M", "2022"]
    assert (nan["OBS_VALUE"], nan["NOTE"]) == ("NaN", "#N/A")
    assert "OBS_VALUE" not in absent
    assert absent["NOTE"] == "no value"
    assert sum("OBS_VALUE" not in row for row in found.values()) == 1
    assert sum("NOTE" in row for row in found.values()) == 4
    if name in ML:
        assert not re.search(r'(OBS_VALUE|NOTE|value)=""', response.text)
    if name in JSON:
        assert not re.search(r'[\[,:]""', response.text)
        assert "NaN" not in response.text.replace('"NaN"', "")


def observed(name: str, response: Any) -> list[dict[str, str]]:
    if name in JSON:
        (told,) = walked(response.json)
        return told.rows
    if name in CSV:
        lines = csv.reader(io.StringIO(response.text, newline=""))
        header = next(lines)
        rows = [{id: text for id, text in zip(header, line, strict=True) if text} for line in lines]
        return [row for row in rows if "TIME_PERIOD" in row]
    found = []
    for series in etree.fromstring(response.data).iter("{*}Series"):
        for obs in series.findall("{*}Obs"):
            if name.startswith("generic"):
                values = [
                    *series.iterfind("{*}SeriesKey/{*}Value"),
                    *obs.iterfind("{*}ObsDimension"),
                ]
                values += obs.iterfind("{*}Attributes/{*}Value")
                row = {own.get("id", "TIME_PERIOD"): own.get("value") for own in values}
                for own in obs.iterfind("{*}ObsValue"):
                    row["OBS_VALUE"] = own.get("value")
            else:
                row = {**series.attrib, **obs.attrib}
            found.append(row)
    return found
