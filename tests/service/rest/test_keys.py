"""Keys of data queries in both grammars (check-list, point 19)."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.service.rest.sample_data import V1, V2, numbers_of


def found(client: Any, url: str) -> str:
    response = client.get(f"{url}{'&' if '?' in url else '?'}format=csvdata")
    assert response.status_code == 200, response.text
    rows = csv.DictReader(io.StringIO(response.text, newline=""))
    return numbers_of([row for row in rows if row["TIME_PERIOD"]])


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("A.IDN.SEX_M", "345"),
        ("..SEX_M", "345678"),
        ("A..", "123456"),
        ("Q+A.LAO.", "678"),
        (".IDN+LAO.SEX_F+SEX_M", "12345678"),
        ("A.IDN+XXX.SEX_M", "345"),
        ("..", "12345678"),
        ("all", "12345678"),
        ("", "12345678"),
        ("A.IDN.SEX_M/all", "345"),
        ("all/all", "12345678"),
        ("A.IDN%2BLAO.SEX_M", "3456"),
    ],
)
def test_19_keys_of_1_5(sample_client, key, expected) -> None:
    """SDMX-REST 1.5.0, 4.4: an empty position is any, `+` joins, `all` or nothing asks for everything."""
    assert found(sample_client, f"{V1}/{key}") == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("A.IDN.SEX_M", "345"),
        ("*.*.SEX_M", "345678"),
        ("A", "123456"),
        ("A.IDN", "12345"),
        ("A.*", "123456"),
        ("*", "12345678"),
        ("", "12345678"),
        # Several keys are no product: A.LAO.SEX_M and Q.IDN.SEX_F are not asked for.
        ("A.IDN.SEX_F,Q.LAO.SEX_M", "1278"),
        ("A.IDN.SEX_F,Q", "1278"),
        ("A.IDN,A.IDN.SEX_F", "12345"),
        ("A.XXX.SEX_M,A.LAO.SEX_M", "6"),
        ("*,A.IDN.SEX_M", "12345678"),
        ("A.IDN.SEX_F%2CQ.LAO", "1278"),
        ("A.IDN?c[SEX]=SEX_M", "345"),
        ("A.IDN,Q?c[REF_AREA]=LAO,XXX", "78"),
    ],
)
def test_19_keys_of_2_2(sample_client, key, expected) -> None:
    """SDMX-REST 2.2.2, doc/data.md: `*` is any, dimensions at the end may lack, `,` joins keys; `c` narrows them."""
    assert found(sample_client, f"{V2}/{key}") == expected


@pytest.mark.parametrize(
    "url",
    [
        f"{V1}/A.IDN",
        f"{V1}/A.IDN.SEX_M.",
        f"{V1}/A.IDN.SEX_M.2020",
        f"{V1}/A",
        f"{V2}/A.IDN.SEX_M.2020",
        f"{V2}/A.IDN.SEX_M.*",
        f"{V2}/A,A.IDN.SEX_M.2020",
    ],
)
def test_19_a_key_with_another_number_of_positions_is_not_well_written(sample_client, url) -> None:
    response = sample_client.get(url)
    assert response.status_code == 400
    assert "FREQ.REF_AREA.SEX" in response.text


@pytest.mark.parametrize("url", [f"{V2}/A.IDN+LAO", f"{V2}/A.IDN,,Q", f"{V1}/A.IDN+.SEX_M"])
def test_19_a_key_with_nothing_where_a_value_is_to_be_is_not_well_written(
    sample_client, url
) -> None:
    assert sample_client.get(url).status_code == 400


@pytest.mark.parametrize("key", ["A.XXX.SEX_M", "XXX.IDN.SEX_M", "A.TLS.SEX_M"])
def test_19_only_unknown_codes_find_nothing(sample_client, key) -> None:
    """doc/status.md: be liberal; nothing found is 204 in 2.2 and 404 with 100 in 1.5."""
    assert sample_client.get(f"{V2}/{key}").status_code == 204
    response = sample_client.get(f"{V1}/{key}")
    assert response.status_code == 404
    assert 'code="100"' in response.text


def test_19_unknown_codes_by_condition_are_as_unknown_codes_in_keys(sample_client) -> None:
    assert found(sample_client, f"{V2}?c[REF_AREA]=XXX,LAO") == "678"
    assert sample_client.get(f"{V2}?c[REF_AREA]=XXX").status_code == 204
