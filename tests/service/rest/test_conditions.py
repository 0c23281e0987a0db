"""The parameter `c` (check-list, point 20). SDMX-REST 2.2.2, doc/data.md."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from dsd.resolved import Role
from service.app import create_app
from service.config import Settings
from service.store import open_store
from service.store.protocol import SubmissionRecord
from tests.service.rest.sample_data import (
    DF_E,
    V1,
    V2,
    V2_E,
    measured_dataset,
    numbers_of,
    sample_structures,
)


def found(client: Any, query: str) -> str:
    response = client.get(f"{V2}?{query}&format=csvdata")
    assert response.status_code in (200, 204), response.text
    rows = csv.DictReader(io.StringIO(response.text, newline=""))
    return numbers_of([row for row in rows if row["TIME_PERIOD"]])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # The table of the standard, X = OBS_STATUS.
        ("c[OBS_STATUS]=A", "135678"),
        ("c[OBS_STATUS]=A,B", "1235678"),
        ("c[OBS_STATUS]=ge:B", "24"),
        ("c[OBS_STATUS]=ge:A+le:B", "1235678"),
        ("c[OBS_STATUS]=A,B+E", "135678"),
        ("c[OBS_STATUS]=ge:A+lt:B,gt:B+le:E", "1345678"),
        ("c[OBS_STATUS]=ne:A,B", "24"),
        ("c[OBS_STATUS]=ne:A+B", "2"),
        ("c[OBS_STATUS]=ne:A,ne:B", "12345678"),
        ("c[OBS_STATUS]=ne:A+ne:B", "4"),
        # Written otherwise.
        ("c%5BOBS_STATUS%5D=ne:A%2Bne:B", "4"),
        ("c[OBS_STATUS]=eq:A%2CB", "1235678"),
        # Dimensions.
        ("c[REF_AREA]=sw:L", "678"),
        ("c[SEX]=ew:_F", "12"),
        ("c[SEX]=nc:F&c[FREQ]=A", "3456"),
        # Measures compare as numbers.
        ("c[OBS_VALUE]=ge:10", "28"),
        ("c[OBS_VALUE]=10.0", "2"),
        ("c[OBS_VALUE]=2.5", "4"),
        ("c[OBS_VALUE]=100", "8"),
        ("c[OBS_VALUE]=lt:0", "6"),
        ("c[OBS_VALUE]=gt:-4+lt:3", "3467"),
        ("c[OBS_VALUE]=NaN", "1"),
        ("c[OBS_VALUE]=ne:1", "1245678"),
        ("c[OBS_VALUE]=sw:1", "238"),
        # Attributes of the observation; what is absent equals nothing and contains nothing.
        ("c[NOTE]=no%20value", "5"),
        ("c[NOTE]=nc:o", "1234678"),
        ("c[NOTE]=ne:%23N/A", "2345678"),
        ("c[AGE_MIN]=gt:9", "38"),
        ("c[AGE_MIN]=9.0", "7"),
        # Several values: any may satisfy, both have to be there.
        ("c[METHOD]=M2", "34"),
        ("c[METHOD]=M1+M2", "3"),
        ("c[METHOD]=M1,M2", "34"),
        ("c[METHOD]=ne:M1", "1245678"),
        ("c[METHOD]=ne:M1+M2", "4"),
        # Attributes of series, group and data set.
        ("c[UNIT_MEASURE]=PS", "34578"),
        ("c[UNIT_MEASURE]=ne:PS", "126"),
        ("c[COVERAGE]=co:of", "12345678"),
        ("c[COVERAGE]=sw:Part", "678"),
        ("c[TITLE]=co:euro", "12345678"),
        ("c[TITLE]=nc:euro", ""),
        ("c[TITLE]=co:euro&c[UNIT_MEASURE]=PC", "12"),
        ("c[UNIT_MEASURE]=PS&lastNObservations=1", "58"),
        # TIME_PERIOD.
        ("c[TIME_PERIOD]=2020", "13678"),
        ("c[TIME_PERIOD]=ge:2020-Q2+le:2021", "248"),
        ("c[TIME_PERIOD]=ge:2021,2020-Q1", "2457"),
    ],
)
def test_20_a_condition_means_what_the_standard_says(sample_client, query, expected) -> None:
    assert found(sample_client, query) == expected


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("c[OBS_STATUS]=A&c[OBS_STATUS]=B", 400),
        ("c[OBS_STATUS]=A&c%5BOBS_STATUS%5D=B", 400),
        ("c[OBS_STATUS]=", 400),
        ("c[OBS_STATUS]=A,", 400),
        ("c[OBS_STATUS]=A%2B", 400),
        ("c[OBS_STATUS]=ne:", 400),
        ("c=A", 400),
        ("c[]=A", 400),
        ("c[TIME_PERIOD]=ge:yesterday", 400),
        ("c[STATUS]=A", 422),
        ("c[obs_status]=A", 422),
    ],
)
def test_20_what_is_no_condition_is_refused(sample_client, query, status) -> None:
    assert sample_client.get(f"{V2}?{query}").status_code == status


def test_20_conditions_belong_to_2_2(sample_client) -> None:
    response = sample_client.get(f"{V1}?c[OBS_STATUS]=A")
    assert response.status_code == 400
    assert "2.x" in response.text


@pytest.fixture(scope="module")
def measured(examples, tmp_path_factory, client_of):
    """The client of a service with several measures, and the structure."""
    structures = sample_structures(examples, "several_measures")
    folder = tmp_path_factory.mktemp("measured")
    settings = Settings(store_folder=folder / "store", temporary_folder=folder / "temporary")
    store = open_store(settings)
    dsd = structures.dsd(DF_E)
    store.write([measured_dataset(dsd)], SubmissionRecord("measured"))
    yield client_of(create_app(settings, structures, store)), dsd
    store.close()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("c[PERSONS]=ge:10", ["IDN.M.2020"]),
        ("c[PERSONS]=lt:10,ge:10", ["IDN.M.2020", "IDN.M.2021"]),
        ("c[RATING]=HIGH", ["IDN.F.2020"]),
        ("c[RATING]=ne:HIGH&c[OBS_VALUE]=gt:1", ["IDN.M.2020"]),
        ("c[SOURCES]=x", ["IDN.M.2020", "LAO.F.2021"]),
        ("c[SOURCES]=x+y;z", ["IDN.M.2020"]),
        ("c[CHECKED]=true", ["IDN.M.2020"]),
        ("c[CONTACT]=p+q", ["IDN.M.2020", "IDN.M.2021"]),
        ("c[CONTACT]=ne:q", ["IDN.F.2020", "LAO.F.2021"]),
        ("c[ROUND]=first", ["IDN.F.2020", "IDN.M.2020"]),
        ("c[ROUND]=ne:first", ["IDN.M.2021", "LAO.F.2021"]),
        ("c[COVERAGE]=c2&c[SEX]=M", ["IDN.M.2020", "IDN.M.2021"]),
        ("c[BREAKDOWN]=b", ["IDN.F.2020"]),
        ("c[TOPIC]=M1+M2", ["IDN.F.2020", "IDN.M.2020", "IDN.M.2021", "LAO.F.2021"]),
        ("c[TOPIC]=M3", []),
        ("sort=ROUND+PERSONS:desc", ["IDN.M.2020", "IDN.F.2020", "IDN.M.2021", "LAO.F.2021"]),
        (
            "sort=CONTACT:desc+TIME_PERIOD:desc",
            ["IDN.M.2021", "IDN.M.2020", "LAO.F.2021", "IDN.F.2020"],
        ),
    ],
)
def test_20_conditions_on_any_measure_and_on_attributes_of_any_dimensions(
    measured, query, expected
) -> None:
    client, _ = measured
    response = client.get(f"{V2_E}?{query}&format=csvdata")
    rows = csv.DictReader(io.StringIO(response.text, newline=""))
    found = [[row["REF_AREA"], row["SEX"], row["TIME_PERIOD"]] for row in rows]
    assert [".".join(key) for key in found if all(key)] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("measures=PERSONS", ["PERSONS"]),
        ("measures=RATING,PERSONS", ["PERSONS", "RATING"]),
        ("measures=all", ["OBS_VALUE", "PERSONS", "RATING", "SOURCES"]),
        ("measures=none&attributes=obs", []),
    ],
)
def test_24_measures_by_name(measured, query, expected) -> None:
    client, dsd = measured
    header = client.get(f"{V2_E}?{query}&format=csvdata").text.splitlines()[0].split(",")
    ids = [name.removesuffix("[]") for name in header]
    assert [id for id in ids if id in dsd and dsd[id].role is Role.MEASURE] == expected
    structure = client.get(f"{V2_E}?{query}").json["data"]["structures"][0]
    assert [measure["id"] for measure in structure["measures"]["observation"]] == expected
