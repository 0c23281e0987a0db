"""Several processes on one store, and processes that are killed on the way."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from service.config import utc_now
from service.query.selection import Selection

POINTS = (
    "leaf-written", "leaf-synced", "folder-synced", "before-commit", "after-commit",
    "collect-forgotten", "collect-removed",
)  # fmt: skip


@pytest.mark.parametrize("seconds", [1.5, pytest.param(60, marks=pytest.mark.long)])
def test_readers_and_writers_in_processes_of_their_own(
    start_worker, store_url, open_flock, dsd, seconds
):
    readers = [start_worker(store_url) for _ in range(3)]
    writers = [start_worker(store_url) for _ in range(2)]
    assert {worker.answer() for worker in readers + writers} == {"ready"}
    for number, worker in enumerate(writers):
        worker.send(do="write", seconds=seconds, first=1_000_000 * number)
    for worker in readers:
        worker.send(do="read", seconds=seconds)
    written = [json.loads(worker.answer())["transactions"] for worker in writers]
    read = [json.loads(worker.answer()) for worker in readers]
    assert all(written)
    transactions = sorted(number for numbers in written for number in numbers)
    assert transactions == list(range(1, len(transactions) + 1))
    assert [answer["errors"] for answer in read] == [[], [], []]
    assert all(answer["reads"] > 1 for answer in read)
    flock = open_flock(store_url)
    assert flock.store.revision(dsd.urn).number == len(transactions)
    assert flock.store.check() == ()


def test_threads_of_one_process_read_while_one_writes(open_flock, dsd):
    flock = open_flock()
    key = {"REF_AREA": "IDN", "FREQ": "A", "SEX": "SEX_T", "TIME_PERIOD": "2024"}

    def rows(value: int) -> list[dict[str, str]]:
        return [{**key, "TOPIC": f"t{n}", "OBS_VALUE": str(value)} for n in range(50)]

    def look(_: int) -> list[set[str]]:
        return [{row["OBS_VALUE"] for row in flock.rows(dsd)} for _ in range(10)]

    flock.load(dsd, rows(0))
    with ThreadPoolExecutor(6) as pool:
        seen = pool.map(look, range(6))
        for value in range(1, 15):
            flock.load(dsd, rows(value))
        assert all(len(values) == 1 for answers in seen for values in answers)


def submissions_in(store, dsds, first: int) -> set[int]:
    """Return the submissions from a number on that are there: each whole, and once, in both dataflows."""
    found = []
    for name in ("flock", "herd"):
        with store.read(Selection(dsds[name])) as snapshot:
            rows = [row for batch in snapshot.batches for row in batch.to_pylist()]
        topics = [row["TOPIC"] for row in rows]
        assert len(topics) == len({(row["REF_AREA"], row["TOPIC"]) for row in rows})
        own = {int(topic.split()[1]) for topic in topics if topic.startswith("own")}
        same = {row["OBS_VALUE"] for row in rows if row["TOPIC"] == "same"}
        assert same <= {str(max(own, default=0))}
        found.append({number for number in own if number >= first})
    assert found[0] == found[1]
    entries = [int(entry.submission.id[1:]) for entry in store.ledger()]
    assert sorted(number for number in entries if number >= first) == sorted(found[0])
    return found[0]


def crash_and_look(worker, acknowledged, open_flock, url, dsds, die, first) -> None:
    """Let a loader die, then look: what was acknowledged is there once, the rest whole or not at all."""
    acknowledged.write_text("", encoding="utf-8")
    command = {"acknowledged": str(acknowledged), "first": first, "count": 2}
    worker.send(die=die, **command)
    assert json.loads(worker.answer()) == {"signal": 9}
    done = {int(line) for line in acknowledged.read_text(encoding="utf-8").split()}
    flock = open_flock(url, clock=utc_now)
    store = flock.store
    assert store.check() == ()
    found = submissions_in(store, dsds, first)
    assert done <= found <= done | {max(done, default=first - 1) + 1}
    store.collect(timedelta(0))
    listed = {leaf.path for leaf in store._catalog.leaves()}
    assert {name for name, _ in store._leaves.files()} == listed
    # Whoever got no answer sends again.
    worker.send(die=("nowhere", 1), **command)
    assert json.loads(worker.answer()) == {"signal": 0}
    assert submissions_in(store, dsds, first) == {first, first + 1}
    store.close()


def test_a_kill_at_any_point_loses_and_doubles_nothing(
    start_worker, store_url, open_flock, flock_dsds, tmp_path
):
    worker = start_worker(store_url)
    assert worker.answer() == "ready"
    first = 1
    for point in POINTS if store_url == "" else POINTS[2:5]:
        for times in (1, 2):
            crash_and_look(
                worker, tmp_path / "done", open_flock, store_url, flock_dsds, (point, times), first
            )
            first += 10


@pytest.mark.long
def test_three_hundred_kills(start_worker, store_url, open_flock, flock_dsds, tmp_path):
    worker = start_worker(store_url)
    assert worker.answer() == "ready"
    chance = random.Random(3)  # noqa: S311
    for number in range(300):
        die = (chance.choice(POINTS), chance.randint(1, 2))
        crash_and_look(
            worker, tmp_path / "done", open_flock, store_url, flock_dsds, die, 1 + 10 * number
        )
