"""How data are packaged and which components come (check-list, points 23 and 24)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree

from codelists.base import Annotation
from codelists.urn import parse_urn
from dsd.annotated import annotations_text
from dsd.batch import ANNOTATIONS, batch_schema, batches_from_rows
from dsd.dataset import AttributeValues, Dataset
from service.app import create_app
from service.config import Settings
from service.store import open_store
from service.store.protocol import SubmissionRecord
from tests.service.formats.sample_structure import make_structure
from tests.service.rest.json_message import walked
from tests.service.rest.sample_data import V1, V2, sample_structures

ML_30 = {"Accept": "application/vnd.sdmx.data+xml;version=3.0.0"}


def answer(client: Any, url: str, **more: Any) -> Any:
    response = client.get(url, **more)
    assert response.status_code == 200, response.text
    return response


# -- dimensionAtObservation ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "series", "observation"),
    [
        ("", ["FREQ", "REF_AREA", "SEX"], ["TIME_PERIOD"]),
        ("TIME_PERIOD", ["FREQ", "REF_AREA", "SEX"], ["TIME_PERIOD"]),
        ("SEX", ["FREQ", "REF_AREA", "TIME_PERIOD"], ["SEX"]),
        ("FREQ", ["REF_AREA", "SEX", "TIME_PERIOD"], ["FREQ"]),
        ("AllDimensions", [], ["FREQ", "REF_AREA", "SEX", "TIME_PERIOD"]),
    ],
)
def test_23_each_layout_in_each_format(sample_client, asked, series, observation) -> None:
    parameter = f"&dimensionAtObservation={asked}" if asked else ""
    for line in (V1, V2):
        message = answer(sample_client, f"{line}?format=jsondata{parameter}").json
        data = message["data"]
        levels = (data.get("structure") or data["structures"][0])["dimensions"]
        assert [d["id"] for d in levels["series"]] == series
        assert [d["id"] for d in levels["observation"]] == observation
        assert ("observations" in data["dataSets"][0]) is (not series)
        assert sum(len(told.rows) for told in walked(message)) == 8
        body = answer(sample_client, f"{line}?format=structurespecificdata{parameter}").data
        tree = etree.fromstring(body)
        (structure,) = tree.iter("{*}Structure")
        assert structure.get("dimensionAtObservation") == (asked or "TIME_PERIOD")
        assert len(list(tree.iter("{*}Obs"))) == 8
        for own in tree.iter("{*}Series"):
            assert set(series) <= set(own.attrib)
            assert all(set(observation) <= set(obs.attrib) for obs in own)
        assert bool(tree.findall(".//{*}Series")) is bool(series)


def test_23_the_keyword_of_1_4_is_refused_with_the_nearest_name(sample_client) -> None:
    for line, status in ((V1, 403), (V2, 422)):
        response = sample_client.get(f"{line}?dimensionAtObservation=TimeDimension")
        assert response.status_code == status
        assert "TIME_PERIOD" in response.text or "AllDimensions" in response.text


def test_23_without_a_time_dimension_the_default_is_flat(
    tmp_path: Path, client_of: Callable[[Flask], FlaskClient]
) -> None:
    named = parse_urn("urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_F(1.0.0)")
    structures = make_structure(named, ["AREA", "SEX"], ["OBS_VALUE"], {"NOTE": ["AREA"]})
    dsd = structures.dsd(str(named))
    assert dsd.time_dimension is None
    settings = Settings(
        store_folder=tmp_path / "store",
        temporary_folder=tmp_path / "temporary",
        clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
    )
    store = open_store(settings)
    rows = [{"AREA": a, "SEX": s, "OBS_VALUE": "1"} for a in ("X", "Y") for s in ("F", "M")]
    above = [AttributeValues({"AREA": "X"}, {"NOTE": "noted"})]
    store.write(
        [Dataset(dsd, batches_from_rows(dsd, rows), attributes=above)], SubmissionRecord("one")
    )
    client = client_of(create_app(settings, structures, store))
    url = "/sdmx/v2/data/dataflow/TST/DF_F/1.0.0"
    (told,) = walked(answer(client, url).json)
    assert told.rows == rows
    assert told.above == [({"AREA": "X"}, {"NOTE": "noted"})]
    tree = etree.fromstring(answer(client, f"{url}?format=structurespecificdata").data)
    assert next(tree.iter("{*}Structure")).get("dimensionAtObservation") == "AllDimensions"
    assert len(tree.findall(".//{*}Obs")) == 4
    assert not tree.findall(".//{*}Series")
    section = answer(client, f"{url}?dimensionAtObservation=SEX&format=structurespecificdata").data
    assert len(etree.fromstring(section).findall(".//{*}Series")) == 2
    # There is no time that could be at the observation, or be asked for.
    assert client.get(f"{url}?dimensionAtObservation=TIME_PERIOD").status_code == 422
    assert client.get(f"{url}?c[TIME_PERIOD]=2020").status_code == 422
    v1 = "/sdmx/v1/data/TST,DF_F,1.0.0"
    assert client.get(f"{v1}?startPeriod=2020").status_code == 403
    generic = etree.fromstring(answer(client, v1).data)
    assert len(generic.findall(".//{*}ObsKey")) == 4
    keys = answer(client, f"{url}?attributes=none&measures=none&format=csvdata").text
    assert len(keys.splitlines()) == 5
    store.close()


# -- components ------------------------------------------------------------------------------------

OBS = ["OBS_STATUS", "NOTE", "METHOD", "AGE_MIN"]
SERIES = ["UNIT_MEASURE", "COVERAGE"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["OBS_VALUE", *OBS, *SERIES, "TITLE"]),
        ("attributes=dsd", ["OBS_VALUE", *OBS, *SERIES, "TITLE"]),
        ("attributes=all", ["OBS_VALUE", *OBS, *SERIES, "TITLE"]),
        ("attributes=dataset", ["OBS_VALUE", "TITLE"]),
        ("attributes=series", ["OBS_VALUE", *SERIES]),
        ("attributes=obs", ["OBS_VALUE", *OBS]),
        ("attributes=dataset,obs", ["OBS_VALUE", *OBS, "TITLE"]),
        ("attributes=dataset%2Cobs", ["OBS_VALUE", *OBS, "TITLE"]),
        ("attributes=none", ["OBS_VALUE"]),
        ("attributes=NOTE,COVERAGE", ["OBS_VALUE", "NOTE", "COVERAGE"]),
        ("attributes=NOTE,series", ["OBS_VALUE", "NOTE", *SERIES]),
        ("attributes=none&measures=all", ["OBS_VALUE"]),
        ("attributes=none&measures=OBS_VALUE", ["OBS_VALUE"]),
        ("attributes=obs&measures=none", OBS),
        ("attributes=all&measures=none", [*OBS, *SERIES, "TITLE"]),
        ("attributes=TITLE,NOTE&measures=none", ["NOTE", "TITLE"]),
        ("attributes=series&measures=none", SERIES),
        ("attributes=dataset&measures=none", ["TITLE"]),
        ("attributes=none&measures=none", []),
    ],
)
def test_24_attributes_and_measures(sample_client, query, expected) -> None:
    text = answer(sample_client, f"{V2}?{query}&format=csvdata".replace("?&", "?")).text
    header = [name.removesuffix("[]") for name in text.splitlines()[0].split(",")]
    assert header[3:6] == ["FREQ", "REF_AREA", "SEX"]
    on_observations = {"OBS_VALUE", *OBS} & set(expected)
    assert header[6:] == [*(["TIME_PERIOD"] if on_observations else []), *expected]
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if on_observations:
        assert sum(bool(row["TIME_PERIOD"]) for row in rows) == 8
    else:
        assert len({(r["FREQ"], r["REF_AREA"], r["SEX"]) for r in rows if r["SEX"]}) == 4


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("attributes=none,obs", 400),
        ("attributes=NIX", 422),
        ("attributes=OBS_VALUE", 422),
        ("attributes=SEX", 422),
        ("measures=NIX", 422),
        ("measures=NOTE", 422),
        ("attributes=", 400),
        ("detail=dataonly", 400),
    ],
)
def test_24_what_is_no_attribute_or_measure_is_refused(sample_client, query, status) -> None:
    assert sample_client.get(f"{V2}?{query}").status_code == status


@pytest.mark.parametrize("query", ["attributes=msd", "attributes=msd,obs", "attributes=all"])
def test_24_where_no_metadata_are_linked_there_are_none_to_tell(sample_client, query) -> None:
    (told,) = walked(answer(sample_client, f"{V2}?{query}").json)
    assert len(told.rows) == 8
    assert all("OBS_VALUE" in row for row in told.rows if row["TIME_PERIOD"] == "2021")


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("full", ["OBS_VALUE", *OBS, *SERIES, "TITLE"]),
        ("dataonly", ["OBS_VALUE"]),
        ("serieskeysonly", []),
        ("nodata", [*SERIES, "TITLE"]),
    ],
)
def test_24_each_detail_of_1_5(sample_client, detail, expected) -> None:
    text = answer(sample_client, f"{V1}?detail={detail}&format=csvdata").text
    header = text.splitlines()[0].split(",")
    time = ["TIME_PERIOD"] if "OBS_VALUE" in expected else []
    assert header == ["DATAFLOW", "FREQ", "REF_AREA", "SEX", *time, *expected]
    tree = etree.fromstring(answer(sample_client, f"{V1}?detail={detail}").data)
    assert len(tree.findall(".//{*}Obs")) == (8 if time else 0)
    assert len(tree.findall(".//{*}Series")) == 4
    # `dataonly` has no attributes and hence no groups.
    assert len(tree.findall(".//{*}Group")) == (2 if "COVERAGE" in expected else 0)
    units = tree.findall(".//{*}Series/{*}Attributes/{*}Value[@id='UNIT_MEASURE']")
    assert len(units) == (3 if "UNIT_MEASURE" in expected else 0)
    (told,) = walked(answer(sample_client, f"{V1}?detail={detail}&format=jsondata").json)
    written = {id for _, values in told.above for id in values}
    assert written == set(expected) & {*SERIES, "TITLE"}


@pytest.mark.parametrize(
    ("query", "titles", "areas", "units"),
    [
        ("c[OBS_STATUS]=B", 1, {"IDN"}, {("A", "SEX_F")}),
        ("c[TIME_PERIOD]=ge:2022", 1, {"IDN"}, {("A", "SEX_M")}),
        ("limit=1&offset=6", 1, {"LAO"}, {("Q", "SEX_M")}),
        ("c[FREQ]=Q", 1, {"LAO"}, {("Q", "SEX_M")}),
        (
            "lastNObservations=1",
            1,
            {"IDN", "LAO"},
            {("A", "SEX_F"), ("A", "SEX_M"), ("Q", "SEX_M")},
        ),
    ],
)
def test_24_attributes_are_those_of_what_matches(
    sample_client, query, titles, areas, units
) -> None:
    """SDMX-REST 2.2.2, doc/data.md: all attributes that apply to the matching rows, whatever their level; no others."""
    (told,) = walked(answer(sample_client, f"{V2}?{query}").json)
    assert sum("TITLE" in values for _, values in told.above) == titles
    assert {key["REF_AREA"] for key, values in told.above if "COVERAGE" in values} == areas
    found = {(key["FREQ"], key["SEX"]) for key, values in told.above if "UNIT_MEASURE" in values}
    assert found == units
    tree = etree.fromstring(answer(sample_client, f"{V2}?{query}", headers=ML_30).data)
    assert all(len(series) for series in tree.iter("{*}Series", "Series"))
    assert len(tree.findall("{*}DataSet/Atts")) == 1


@pytest.mark.parametrize(
    "accept",
    [
        "application/vnd.sdmx.genericdata+xml;version=2.1",
        "application/vnd.sdmx.structurespecificdata+xml;version=2.1",
        "application/vnd.sdmx.data+json;version=1.0.0",
    ],
)
def test_24_no_data_with_all_that_is_noted_on_series_and_data_set(
    examples: Path, tmp_path: Path, client_of: Callable[[Flask], FlaskClient], accept: str
) -> None:
    """SDMX-REST 1.5.0, 4.4, "detail": nodata returns groups and series with attributes and annotations."""
    structures = sample_structures(examples, "localised")
    dsd = structures.dsd("urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_L(1.0.0)")
    settings = Settings(store_folder=tmp_path / "store", temporary_folder=tmp_path / "temporary")
    store = open_store(settings)

    def noted(title: str) -> str:
        return annotations_text([Annotation(id="NOTED", title=title)])

    rows = [
        {
            "REF_AREA": "LAO",
            "SEX": sex,
            "TIME_PERIOD": "2023",
            "OBS_VALUE": "1",
            ANNOTATIONS: noted("below"),
        }
        for sex in ("F", "M")
    ]
    above = [
        AttributeValues({}, {"TITLE": "Title", ANNOTATIONS: noted("of all")}),
        AttributeValues({"REF_AREA": "LAO", "SEX": "M"}, {ANNOTATIONS: noted("of a series")}),
    ]
    batches = batches_from_rows(dsd, rows, batch_schema(dsd, annotations=True))
    store.write([Dataset(dsd, batches, attributes=above)], SubmissionRecord("one"))
    client = client_of(create_app(settings, structures, store))
    url = "/sdmx/v1/data/TST,DF_L,1.0.0"
    for detail, titles in (
        ("full", {"of all", "of a series", "below"}),
        ("nodata", {"of all", "of a series"}),
        ("dataonly", set()),
        ("serieskeysonly", set()),
    ):
        response = answer(client, f"{url}?detail={detail}", headers={"Accept": accept})
        found = {title for title in ("of all", "of a series", "below") if title in response.text}
        assert found == titles, detail
        if "json" in accept:
            (told,) = walked(response.json)
            assert told.annotations == {"full": 4, "nodata": 2}.get(detail, 0)
    store.close()
