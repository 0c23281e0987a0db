"""The parameter `c` (check-list, point 20). SDMX-REST 2.2.2, doc/data.md."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.service.rest.sample_data import V1, V2, numbers_of


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
