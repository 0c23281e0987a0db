"""Rows come in key order for every query shape: dimensions in DSD order by code, then time."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from dsd.batch import BATCH_ROWS, batch_schema
from dsd.dataset import Action, Dataset
from service.query.selection import ComponentFilter, Condition, Operator, PeriodTerm, Selection
from service.store.leaf import KEY_SEPARATOR

AREAS = ["A", "A-B", "A0", "AB", "A_B", "IDN"]
TOPICS = ["", " ", "a", "a\t", "a b", "a.b", "a-b", "a|b", "ab", "Z", "é", "\uffff", "\U0001f6a2"]
TIMES = ["2021", "2022-Q1", "2022", "2022-Q4", "2023-01", "2023", "2023-12"]
"""In the order of their intervals."""


def order(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["REF_AREA"], row["FREQ"], row["SEX"], row["TOPIC"], TIMES.index(row["TIME_PERIOD"]))


def series(row: dict[str, Any]) -> tuple[Any, ...]:
    return order(row)[:4]


def everything() -> list[dict[str, Any]]:
    return [
        {"REF_AREA": area, "FREQ": "A", "SEX": sex, "TOPIC": topic, "TIME_PERIOD": time,
         "OBS_VALUE": str(number % 7)}
        for number, (area, sex, topic, time) in enumerate(
            (area, sex, topic, time)
            for area in AREAS for sex in ("SEX_M", "SEX_F") for topic in TOPICS for time in TIMES
        )
    ]  # fmt: skip


@pytest.fixture(scope="module", params=[1, 4], ids=["one thread", "four threads"])
def wild(request, tmp_path_factory, flock_dsds, make_dataset):
    """A store whose leaves differ in their columns, with history, and what it holds."""
    from service.config import Settings
    from service.store.engine import ParquetStore
    from service.store.protocol import SubmissionRecord

    folder = tmp_path_factory.mktemp("wild")
    settings = Settings(
        store_folder=folder / "store", temporary_folder=folder / "t", duckdb_threads=request.param
    )
    store = ParquetStore(settings, leaf_rows=90)
    dsd = flock_dsds["flock"]
    rows = everything()
    shuffled = random.Random(1).sample(rows, len(rows))  # noqa: S311
    first = store.write([make_dataset(dsd, shuffled)], SubmissionRecord("1"))
    noted = [{**row, "NOTE": "n"} for row in rows if row["REF_AREA"] in ("A-B", "A_B")]
    gone = [{"REF_AREA": "AB", "TOPIC": topic} for topic in ("a", "é")]
    store.write(
        [make_dataset(dsd, noted[::3]), make_dataset(dsd, gone, Action.DELETE)],
        SubmissionRecord("2"),
    )
    held = {order(row): row for row in rows}
    held.update({order(row): row for row in noted[::3]})
    held = {
        key: row for key, row in held.items()
        if not (row["REF_AREA"] == "AB" and row["TOPIC"] in ("a", "é"))
    }  # fmt: skip
    state = store._catalog.state(dsd.urn)
    assert len({tuple(leaf.columns) for leaf in state.leaves}) > 1
    assert state.history
    yield store, dsd, rows, list(held.values()), first.at
    store.close()


def read(store, selection: Selection) -> list[dict[str, Any]]:
    with store.read(selection) as snapshot:
        return [
            {name: value for name, value in row.items() if value is not None}
            for batch in snapshot.batches
            for row in batch.to_pylist()
        ]


def ends(rows: list[dict[str, Any]], first: int, last: int) -> list[dict[str, Any]]:
    grouped: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(series(row), []).append(row)
    return [
        row for group in grouped.values() for place, row in enumerate(group)
        if place < first or place >= len(group) - last
    ]  # fmt: skip


AREA_KEY = ({"REF_AREA": frozenset({"A-B", "IDN"})},)
NOT_LEADING = ({"TOPIC": frozenset({"a", "a b", "\U0001f6a2"})},)
SEVERAL = (
    {"REF_AREA": frozenset({"IDN"}), "SEX": frozenset({"SEX_F"})},
    {"REF_AREA": frozenset({"A"}), "FREQ": frozenset({"A"}), "SEX": frozenset({"SEX_M"}),
     "TOPIC": frozenset({"a\t"})},
)  # fmt: skip
FEW = tuple(
    {"REF_AREA": frozenset({area}), "FREQ": frozenset({"A"}), "SEX": frozenset({sex}),
     "TOPIC": frozenset({topic})}
    for area, sex, topic in (("IDN", "SEX_F", "é"), ("A", "SEX_M", ""), ("A-B", "SEX_F", "a|b"))
)  # fmt: skip
"""Each in full, so that they are taken as rows at once; not in their order."""
LOW = (ComponentFilter("OBS_VALUE", ((Condition(Operator.LT, "3"),),)),)
NOTED = (ComponentFilter("NOTE", ((Condition(Operator.EQ, "n"),),)),)
LATE = (PeriodTerm(starts_from=date(2022, 1, 1)),)


def matches(row: dict[str, Any], key: dict[str, frozenset[str]]) -> bool:
    return all(row[name] in codes for name, codes in key.items())


SHAPES: list[tuple[dict[str, Any], Any]] = [
    ({}, lambda row: True),
    ({"keys": AREA_KEY}, lambda row: matches(row, AREA_KEY[0])),
    ({"keys": NOT_LEADING}, lambda row: matches(row, NOT_LEADING[0])),
    ({"keys": SEVERAL}, lambda row: any(matches(row, key) for key in SEVERAL)),
    ({"keys": FEW}, lambda row: any(matches(row, key) for key in FEW)),
    ({"keys": FEW, "filters": LOW}, lambda row: any(matches(row, key) for key in FEW)
     and int(row["OBS_VALUE"]) < 3),
    ({"filters": LOW}, lambda row: int(row["OBS_VALUE"]) < 3),
    ({"filters": NOTED}, lambda row: row.get("NOTE") == "n"),
    ({"periods": LATE}, lambda row: row["TIME_PERIOD"] != "2021"),
    (
        {"keys": AREA_KEY, "filters": LOW, "periods": LATE},
        lambda row: matches(row, AREA_KEY[0]) and int(row["OBS_VALUE"]) < 3
        and row["TIME_PERIOD"] != "2021",
    ),
]  # fmt: skip


@pytest.mark.parametrize("window", [(None, None), (1, None), (None, 2), (2, 1)])
@pytest.mark.parametrize("cut", [(0, None), (5, 40), (17, None)])
@pytest.mark.parametrize("past", [False, True], ids=["now", "as of"])
@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_every_query_shape_comes_in_key_order(wild, shape, past, cut, window):
    store, dsd, before, now, instant = wild
    selection, predicate = SHAPES[shape]
    expected = sorted(filter(predicate, before if past else now), key=order)
    if window != (None, None):
        expected = ends(expected, window[0] or 0, window[1] or 0)
    offset, limit = cut
    expected = expected[offset : None if limit is None else offset + limit]
    asked = Selection(
        dsd, **selection, first_n=window[0], last_n=window[1], offset=offset, limit=limit,
        as_of=instant if past else None,
    )  # fmt: skip
    assert read(store, asked) == expected
    assert store.count(asked) == len(expected)


def test_a_large_answer_streams_in_order(tmp_path, flock_dsds, open_flock):
    dsd = flock_dsds["flock"]
    flock = open_flock(threads=4, leaf_rows=60_000)
    topics = [f"t{number:05}" for number in range(20_000)]
    years = [str(year) for year in range(2010, 2025)]
    numbers = list(range(len(topics) * len(years)))
    random.Random(2).shuffle(numbers)  # noqa: S311
    schema = batch_schema(dsd, ["REF_AREA", "FREQ", "SEX", "TOPIC", "TIME_PERIOD", "OBS_VALUE"])

    def coded(values: list[str]) -> pa.Array:
        return pa.array(values, pa.string()).dictionary_encode()

    batches = []
    for start in range(0, len(numbers), BATCH_ROWS):
        part = numbers[start : start + BATCH_ROWS]
        columns = [coded([text] * len(part)) for text in ("IDN", "A", "SEX_T")]
        columns += [coded([topics[n // len(years)] for n in part])]
        columns += [coded([years[n % len(years)] for n in part])]
        columns += [pa.array([str(n) for n in part], pa.string())]
        batches.append(pa.RecordBatch.from_arrays(columns, schema=schema))
    flock.write([Dataset(dsd, batches)])
    for selection, expected in (
        (Selection(dsd), list(range(len(numbers)))),
        (Selection(dsd, last_n=1), list(range(len(years) - 1, len(numbers), len(years)))),
        (Selection(dsd, offset=70_000, limit=100_000), list(range(70_000, 170_000))),
    ):
        with flock.store.read(selection) as snapshot:
            sizes, found = [], []
            for batch in snapshot.batches:
                assert batch.schema == batch_schema(dsd)
                sizes.append(batch.num_rows)
                found += batch.column("OBS_VALUE").to_pylist()
        assert max(sizes) <= BATCH_ROWS
        assert found == [str(number) for number in expected]
        assert snapshot.preamble.observations == len(expected)
        series_seen = {number // len(years) for number in expected}
        assert snapshot.preamble.codes["TOPIC"] == tuple(topics[n] for n in sorted(series_seen))
    assert len(flock.store._catalog.state(dsd.urn).leaves) == 5


def test_joined_keys_sort_as_their_parts_do():
    parts = [(area, topic) for area in AREAS for topic in TOPICS]
    joined = sorted(parts, key=lambda pair: KEY_SEPARATOR.join(pair).encode())
    assert joined == sorted(parts)
    with_a_dot = sorted(parts, key=lambda pair: ".".join(pair).encode())
    assert with_a_dot != sorted(parts)


@pytest.mark.parametrize("count", [10, 334])
def test_many_codes_of_a_dimension_keep_the_order(flock_dsds, make_dataset, tmp_path, count):
    """DuckDB may make a join of a long `in (...)`, whose rows come as its threads go."""
    from service.config import Settings
    from service.store.engine import ParquetStore
    from service.store.protocol import SubmissionRecord

    dsd = flock_dsds["flock"]
    settings = Settings(
        store_folder=tmp_path / "store", temporary_folder=tmp_path / "t", duckdb_threads=4
    )
    store = ParquetStore(settings, leaf_rows=20_000)
    topics = [f"{number:03}" for number in range(1000)]
    rows = [
        {"REF_AREA": area, "FREQ": "A", "SEX": sex, "TOPIC": topic, "TIME_PERIOD": f"{year}",
         "OBS_VALUE": "1"}
        for area in AREAS for sex in ("SEX_F", "SEX_M") for topic in topics
        for year in range(2000, 2010)
    ]  # fmt: skip
    store.write([make_dataset(dsd, rows)], SubmissionRecord("1"))
    asked = topics[::3][:count]
    expected = [row for row in rows if row["TOPIC"] in asked]
    assert read(store, Selection(dsd, keys=({"TOPIC": frozenset(asked)},))) == expected
    last = read(store, Selection(dsd, keys=({"TOPIC": frozenset(asked)},), last_n=1))
    assert last == expected[9::10]
    store.close()
