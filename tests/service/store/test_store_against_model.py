"""The store against a plain-Python model, at every instant: any submissions in any order."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsd.dataset import Action, AttributeValues
from service.query.selection import Selection
from service.store.protocol import Compacted

TIMES = ["2022", "2023-Q1", "2023", "2024"]
"""In the order of their intervals."""
KEY = ["REF_AREA", "FREQ", "SEX", "TOPIC", "TIME_PERIOD"]
LISTS = {"METHOD", "CONTACT_POINT"}

Key = tuple[str, ...]


class Model:
    """What a dataflow holds, row by row."""

    def __init__(self) -> None:
        self.observations: dict[Key, dict[str, Any]] = {}
        self.attributes: dict[tuple[tuple[tuple[str, str], ...], str], Any] = {}

    def apply(self, action: str, row: dict[str, Any]) -> None:
        action = row.get("$action", action)[0]
        given_ = {name: row[name] for name in KEY if name in row}
        supplied = {n: v for n, v in row.items() if n not in KEY and n != "$action"}
        if action == "D":
            self._delete(given_, supplied)
            return
        key = tuple(given_[name] for name in KEY)
        before = {} if action == "R" else self.observations.get(key, {})
        self._set(key, {**before, **supplied})

    def _set(self, key: Key, values: dict[str, Any]) -> None:
        if values:
            self.observations[key] = values
        else:
            self.observations.pop(key, None)

    def _delete(self, pattern: dict[str, str], listed: dict[str, Any]) -> None:
        for key, values in list(self.observations.items()):
            if pattern.items() <= dict(zip(KEY, key, strict=True)).items():
                left = {n: v for n, v in values.items() if n not in listed} if listed else {}
                self._set(key, left)
        for key, component in list(self.attributes):
            if pattern.items() <= dict(key).items() and (not listed or component in listed):
                del self.attributes[key, component]

    def attach(self, action: Action, values: AttributeValues) -> None:
        key = tuple(sorted(values.key.items()))
        if action is Action.DELETE:
            for found, component in list(self.attributes):
                if values.key.items() <= dict(found).items() and component in values.values:
                    del self.attributes[found, component]
        else:
            for component, value in values.values.items():
                self.attributes[key, component] = value

    def rows(self) -> list[dict[str, Any]]:
        def order(key: Key) -> tuple[Any, ...]:
            return (*key[:4], TIMES.index(key[4]))

        return [
            dict(zip(KEY, key, strict=True)) | self.observations[key]
            for key in sorted(self.observations, key=order)
        ]


full_key = st.fixed_dictionaries(
    {
        "REF_AREA": st.sampled_from(["A", "A-B", "IDN"]),
        "FREQ": st.just("A"),
        "SEX": st.sampled_from(["SEX_F", "SEX_M"]),
        "TOPIC": st.sampled_from(["x", "x y"]),
        "TIME_PERIOD": st.sampled_from(TIMES),
    }
)
supplied = st.fixed_dictionaries(
    {},
    optional={
        "OBS_VALUE": st.sampled_from(["1", "1.0", "NaN", ""]),
        "NOTE": st.sampled_from(["n", ""]),
        "METHOD": st.sampled_from([["SURVEY"], ["CENSUS", "SURVEY"]]),
    },
)
upsert = st.builds(lambda key, values: {**key, **values}, full_key, supplied)
partial_key = st.builds(
    lambda key, kept: {name: value for name, value in key.items() if name in kept},
    full_key,
    st.sets(st.sampled_from(KEY)),
)
marks = st.builds(
    lambda names: {name: ["-"] if name in LISTS else "-" for name in names},
    st.sets(st.sampled_from(["OBS_VALUE", "NOTE", "METHOD"]), max_size=2),
)
deletion = st.builds(lambda key, listed: {**key, **listed}, partial_key, marks)
mixed = st.one_of(
    upsert.flatmap(
        lambda row: st.sampled_from("AMRI").map(lambda letter: {**row, "$action": letter})
    ),
    deletion.map(lambda row: {**row, "$action": "D"}),
)
attributes = st.lists(
    st.sampled_from(
        [
            AttributeValues({}, {"TITLE": "t"}),
            AttributeValues({}, {"TITLE": "u"}),
            AttributeValues({"REF_AREA": "IDN"}, {"CONTACT_POINT": ("a", "b")}),
            AttributeValues({"REF_AREA": "A"}, {"CONTACT_POINT": ("c",)}),
        ]
    ),
    max_size=2,
)
one_dataset = st.one_of(
    st.tuples(st.just(Action.MERGE), st.lists(upsert, max_size=8), attributes),
    st.tuples(st.just(Action.REPLACE), st.lists(upsert, max_size=8), attributes),
    st.tuples(st.just(Action.DELETE), st.lists(deletion, max_size=3), attributes),
    st.tuples(st.just(Action.MERGE), st.lists(mixed, max_size=10), attributes),
)
submissions = st.lists(
    st.lists(st.tuples(st.sampled_from(["flock", "herd"]), one_dataset), min_size=1, max_size=3),
    min_size=1,
    max_size=5,
)


compactions = st.sets(st.integers(0, 4))
"""After which submissions the store is compacted."""


@dataclass(frozen=True)
class Instant:
    """What held after a submission."""

    at: datetime
    transaction: int
    models: dict[str, Model]
    versions: dict[str, dict[Key, int]]


def replay(flock, dsds, make_dataset, history, compacted=frozenset()) -> None:
    """Write submissions and compare every state, and the version of every observation, with the model."""
    models = {name: Model() for name in ("flock", "herd")}
    versions: dict[str, dict[Key, int]] = {name: {} for name in models}
    instants: list[Instant] = []
    last = 0
    for number, submission in enumerate(history):
        before = copy.deepcopy(models)
        datasets = []
        for name, (action, rows, above) in submission:
            datasets.append(make_dataset(dsds[name], rows, action, attributes=tuple(above)))
            for entry in rows:
                models[name].apply(action.value, entry)
            for values in above:
                models[name].attach(action, values)
        receipt = flock.write(datasets)
        changed = {
            name
            for name in models
            if (models[name].observations, models[name].attributes)
            != (before[name].observations, before[name].attributes)
        }
        assert bool(receipt.transaction) == bool(changed)
        _compact(flock, number in compacted)
        _check_counts(receipt, dsds, before, models)
        for name in models:
            was, now = before[name].observations, models[name].observations
            for key in now:
                if was.get(key) != now[key]:
                    versions[name][key] = receipt.transaction
            _check_leaves(flock, dsds[name], models[name], versions[name])
            _check_index(flock, dsds[name])
            _check_what_is_available(flock, dsds[name], models[name])
        last = receipt.transaction or last
        instants.append(Instant(receipt.at, last, copy.deepcopy(models), copy.deepcopy(versions)))
    _check_instants(flock, dsds, instants)


def _check_instants(flock, dsds, instants: list[Instant]) -> None:
    for instant in instants:
        for name, model in instant.models.items():
            _check_state(flock, dsds[name], model, instant.at)
            _check_what_is_available(flock, dsds[name], model, instant.at)
    # Those side by side, and the first with the last.
    for earlier, later in [*pairwise(instants), (instants[0], instants[-1])]:
        for name in earlier.models:
            _check_changes(flock, dsds[name], name, earlier, later)


def _compact(flock, wanted: bool) -> None:
    if wanted:
        done = flock.store.compact()
        assert flock.store.compact() == Compacted(done.after, done.after)


def _check_counts(receipt, dsds, before, after) -> None:
    for change in receipt.changes:
        name = next(name for name in after if dsds[name].urn == change.dataflow)
        was, now = before[name].observations, after[name].observations
        assert change.inserted == len(now.keys() - was.keys())
        assert change.deleted == len(was.keys() - now.keys())
        assert change.updated == sum(was[key] != now[key] for key in was.keys() & now.keys())


def _check_state(flock, dsd, model, at) -> None:
    assert flock.rows(dsd, as_of=at) == model.rows()
    with flock.store.read(Selection(dsd, as_of=at)) as snapshot:
        found = {
            (tuple(sorted(entry.key.items())), component): value
            for entry in snapshot.preamble.attributes
            for component, value in entry.values.items()
        }
    assert found == model.attributes


def _check_changes(flock, dsd, name, earlier: Instant, later: Instant) -> None:
    """What was written since an instant and is there, and what was there and is no more."""
    was, now = earlier.models[name], later.models[name]
    span = {"since": earlier.at, "as_of": later.at}
    versions = later.versions[name]
    assert flock.rows(dsd, **span) == [
        row for row in now.rows() if versions[tuple(row[id] for id in KEY)] > earlier.transaction
    ]
    gone = [
        {id: row[id] for id in KEY}
        for row in was.rows()
        if tuple(row[id] for id in KEY) not in now.observations
    ]
    assert flock.rows(dsd, component_ids=tuple(KEY), gone=True, **span) == gone
    for is_gone, expected in (
        (False, {k: v for k, v in now.attributes.items() if was.attributes.get(k) != v}),
        (True, {k: v for k, v in was.attributes.items() if k not in now.attributes}),
    ):
        with flock.store.read(Selection(dsd, gone=is_gone, **span)) as snapshot:
            found = {
                (tuple(sorted(entry.key.items())), component): value
                for entry in snapshot.preamble.attributes
                for component, value in entry.values.items()
            }
        assert found == expected


def _check_leaves(flock, dsd, model, versions) -> None:
    """Read the files with pandas: disjoint, sorted, and unchanged observations keep their version."""
    state = flock.store._catalog.state(dsd.urn)
    frames = [
        pd.read_parquet(flock.store.folder / leaf.path) for leaf in (state.leaves if state else ())
    ]
    keys = [key for frame in frames for key in frame["_series_key"]]
    assert keys == sorted(keys)
    assert all(len(frame) <= 3 or frame["_series_key"].nunique() == 1 for frame in frames)
    assert all(set(a["_series_key"]).isdisjoint(b["_series_key"]) for a, b in pairwise(frames))
    stored = {
        tuple(entry[name] for name in KEY): entry["_tx_from"]
        for frame in frames
        for entry in frame.to_dict("records")
    }
    assert stored == {key: versions[key] for key in model.observations}


def _check_index(flock, dsd) -> None:
    """Each leaf has the index that pandas makes of its rows, and constants that are no more than true."""
    state = flock.store._catalog.state(dsd.urn)
    leaves = state.leaves if state else ()
    assert len(state.series if state else ()) == len(leaves)
    for leaf in leaves:
        frame = pd.read_parquet(flock.store.folder / leaf.path)
        index = pd.read_parquet(flock.store.folder / state.series[leaf.path].path)
        expected = [
            {
                "_series_key": key,
                **{name: group[name].iloc[0] for name in KEY[:4]},
                "_first_period": group["TIME_PERIOD"].iloc[0],
                "_last_period": group["TIME_PERIOD"].iloc[-1],
                "_periods": "\x01".join(group["TIME_PERIOD"]),
                "_count": len(group),
            }
            for key, group in frame.groupby("_series_key", sort=True)
        ]
        assert index.to_dict("records") == expected
        for name in leaf.columns:
            # Not through pandas: what is absent would be NaN there.
            column = pq.read_table(flock.store.folder / leaf.path, columns=[name])[name]
            cells = [tuple(cell) if isinstance(cell, list) else cell for cell in column.to_pylist()]
            is_constant = len(set(cells)) == 1 and cells[0] is not None
            assert leaf.constants.get(name) == (cells[0] if is_constant else None)


IDN = ({"REF_AREA": frozenset({"IDN"})}, {"TOPIC": frozenset({"x y"})})


def _check_what_is_available(flock, dsd, model, at=None) -> None:
    for keys, rows in (
        ((), model.rows()),
        (IDN, [r for r in model.rows() if r["REF_AREA"] == "IDN" or r["TOPIC"] == "x y"]),
    ):
        series: dict[Key, int] = {}
        for entry in rows:
            key = tuple(entry[name] for name in KEY[:4])
            series[key] = series.get(key, 0) + 1
        found = flock.store.availability(Selection(dsd, keys=keys, as_of=at))
        assert (found.series, found.observations) == (len(series), len(rows))
        assert {name: set(values) for name, values in found.values.items()} == {
            name: {entry[name] for entry in rows} for name in KEY
        }
        periods = sorted({entry["TIME_PERIOD"] for entry in rows}, key=TIMES.index)
        assert found.values["TIME_PERIOD"] == tuple(periods)
        assert found.start_period == (periods[0] if periods else None)
        assert found.end_period == max(
            periods, key=lambda text: (text[:4], text != "2023-Q1"), default=None
        )
        count = flock.store.count
        assert count(Selection(dsd, keys=keys, as_of=at)) == len(rows)
        assert count(Selection(dsd, keys=keys, last_n=2, as_of=at)) == sum(
            min(2, size) for size in series.values()
        )
        alone = Selection(dsd, keys=keys, component_ids=tuple(KEY[:4]), first_n=1, as_of=at)
        assert flock.rows(
            dsd, keys=keys, component_ids=alone.component_ids, first_n=1, as_of=at
        ) == [dict(zip(KEY, key, strict=False)) for key in series]
        assert count(replace(alone, offset=1, limit=2)) == len(list(series)[1:3])


@given(history=submissions, compacted=compactions)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_36_every_instant_is_as_the_model_has_it(
    tmp_path_factory, open_flock, flock_dsds, make_dataset, history, compacted
):
    flock = open_flock("", tmp_path_factory.mktemp("store"), leaf_rows=3)
    replay(flock, flock_dsds, make_dataset, history, compacted)
    flock.store.close()


@given(history=submissions, compacted=compactions)
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_instant_is_as_the_model_has_it_on_postgresql(
    tmp_path_factory,
    open_flock,
    postgresql_server,
    new_database,
    flock_dsds,
    make_dataset,
    history,
    compacted,
):
    flock = open_flock(
        new_database(postgresql_server), tmp_path_factory.mktemp("store"), leaf_rows=3
    )
    replay(flock, flock_dsds, make_dataset, history, compacted)
    flock.store.close()


@pytest.mark.long
@pytest.mark.parametrize("_part", range(4), ids="part {}".format)  # For as many processes.
@given(history=submissions, compacted=compactions)
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_instant_is_as_the_model_has_it_at_length(
    tmp_path_factory, open_flock, flock_dsds, make_dataset, history, compacted, _part
):
    flock = open_flock("", tmp_path_factory.mktemp("store"), leaf_rows=3)
    replay(flock, flock_dsds, make_dataset, history, compacted)
    flock.store.close()
