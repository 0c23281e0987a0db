"""Which rows start a series, and that none comes back."""

from __future__ import annotations

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsd.batch import batches_from_rows
from dsd.resolved import Dsd
from service.formats.grouping import Grouper, UnorderedRowsError, positions_of
from service.formats.preamble import make_preamble

KEYS = [("A", "IDN", "SEX_T"), ("A", "IDN", "SEX_F"), ("A", "LAO", "SEX_T"), ("A", "TLS", "SEX_M")]


def first_rows(keys: list[tuple[int, int]]) -> list[bool] | None:
    """Return by row whether it starts a series; None where a series comes back or a row comes twice."""
    series = [key[0] for key in keys]
    first = [n == 0 or series[n - 1] != number for n, number in enumerate(series)]
    if sum(first) != len(set(series)) or len(set(keys)) != len(keys):
        return None
    return first


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(
    keys=st.lists(st.tuples(st.integers(0, 3), st.integers(2019, 2023)), max_size=14)
    | st.lists(st.tuples(st.integers(0, 3), st.integers(2019, 2023)), max_size=14, unique=True).map(
        sorted
    ),
    cuts=st.lists(st.integers(0, 14), max_size=4).map(sorted),
)
def test_series_are_told_apart_wherever_batches_end(
    dsd: Dsd, keys: list[tuple[int, int]], cuts: list[int]
) -> None:
    rows = [
        dict(zip(("FREQ", "REF_AREA", "SEX"), KEYS[number], strict=True))
        | {"TIME_PERIOD": str(year)}
        for number, year in keys
    ]
    bounds = [0, *cuts, len(rows)]
    parts = [rows[a:b] for a, b in itertools.pairwise(bounds) if a < b]
    batches = [batch for part in parts for batch in batches_from_rows(dsd, part)]
    grouper = Grouper(
        positions_of(make_preamble(dsd, batches), dsd),
        ("FREQ", "REF_AREA", "SEX"),
        ("TIME_PERIOD",),
    )
    found: list[bool] | None
    try:
        found = [bool(flag) for batch in batches for flag in grouper.starts(batch)]
    except UnorderedRowsError:
        found = None
    assert found == first_rows(keys)
