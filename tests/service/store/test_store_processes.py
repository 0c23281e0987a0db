"""Several processes on one store, and processes that are killed on the way."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.config import utc_now
from service.query.selection import Selection
from service.store.backup import MANIFEST, restore
from service.store.fault import BACKUP_POINTS, COLLECT_POINTS, COMPACT_POINTS, WRITE_POINTS
from service.store.protocol import StoreError

FIRST_POINT = "folder-made"
"""Only the first load of a dataflow comes there."""
LOAD_POINTS = tuple(point for point in WRITE_POINTS if point != FIRST_POINT)
POINTS = (*LOAD_POINTS, *COMPACT_POINTS, *COLLECT_POINTS, *BACKUP_POINTS)


@pytest.mark.parametrize("seconds", [1.5, pytest.param(60, marks=pytest.mark.long)])
def test_readers_and_writers_in_processes_of_their_own(
    start_worker, store_url, open_flock, dsd, seconds, tmp_path, flock_dsds
):
    readers = [start_worker(store_url) for _ in range(3)]
    writers = [start_worker(store_url) for _ in range(2)]
    keeper = start_worker(store_url)
    assert {worker.answer() for worker in (*readers, *writers, keeper)} == {"ready"}
    for number, worker in enumerate(writers):
        worker.send(do="write", seconds=seconds, first=1_000_000 * number)
    for worker in readers:
        worker.send(do="read", seconds=seconds)
    keeper.send(do="look after", seconds=seconds, first=9_000_000, backup=str(tmp_path / "backup"))
    written = [json.loads(worker.answer())["transactions"] for worker in writers]
    read = [json.loads(worker.answer()) for worker in readers]
    kept = json.loads(keeper.answer())
    assert kept["problems"] == []
    assert kept["rounds"] > 0
    assert kept["compacted"] > 0
    assert all(written)
    transactions = sorted(
        number for numbers in (*written, kept["transactions"]) for number in numbers
    )
    assert transactions == list(range(1, len(transactions) + 1))
    assert [answer["errors"] for answer in read] == [[], [], []]
    assert all(answer["reads"] > 1 for answer in read)
    flock = open_flock(store_url)
    assert flock.store.revision(dsd.urn).number == len(transactions)
    assert flock.store.check() == ()
    made = sorted(tmp_path.glob("backup-*"))
    assert len(made) == kept["rounds"]
    settings = replace(flock.settings, store_folder=tmp_path / "restored", store_url="")
    copied = restore(settings, made[-1])
    restored = open_flock("", tmp_path / "restored")
    assert len(submissions_in(restored.store, flock_dsds, 0)) == copied.transaction


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
    entries = [int(entry.submission.id[1:]) for entry in store.ledger()]
    found = []
    for name in ("flock", "herd"):
        with store.read(Selection(dsds[name])) as snapshot:
            rows = [row for batch in snapshot.batches for row in batch.to_pylist()]
        topics = [row["TOPIC"] for row in rows]
        assert len(topics) == len({(row["REF_AREA"], row["TOPIC"]) for row in rows})
        own = {int(topic.split()[1]) for topic in topics if topic.startswith("own")}
        same = {row["OBS_VALUE"] for row in rows if row["TOPIC"] == "same"}
        assert same == {str(number) for number in entries[:1]}  # That of the newest submission.
        found.append({number for number in own if number >= first})
    assert found[0] == found[1]
    assert sorted(number for number in entries if number >= first) == sorted(found[0])
    return found[0]


class Crashes:
    """Lets a loader die, then looks: what was acknowledged is there once, the rest whole or not at all."""

    def __init__(self, worker: Any, folder: Path, open_flock: Any, url: str, dsds: Any) -> None:
        self.worker = worker
        self.folder = folder
        self.open_flock = open_flock
        self.url = url
        self.dsds = dsds
        self.first = 1
        self.kills: Counter[str] = Counter()

    def crash(
        self,
        point: str,
        times: int = 1,
        after: float | None = None,
        store_folder: Path | None = None,
    ) -> None:
        """Die at a point when it is reached for the n-th time, or after some seconds."""
        acknowledged = self.folder / "done"
        acknowledged.write_text("", encoding="utf-8")
        command: dict[str, Any] = {
            "acknowledged": str(acknowledged),
            "first": self.first,
            "count": 2,
        }
        backups = self.folder / f"backup-{self.first}"
        more: dict[str, Any] = {}
        if point in BACKUP_POINTS or after:
            more["backup"] = str(backups)
        if store_folder is not None:
            command["folder"] = str(store_folder)
        if after is not None:
            more["after"] = after
        self.worker.send(die=(point, times), **command, **more)
        answer = json.loads(self.worker.answer())
        assert answer == {"signal": 9} or (after is not None and answer == {"signal": 0})
        self.kills[point] += answer["signal"] == 9
        done = {int(line) for line in acknowledged.read_text(encoding="utf-8").split()}
        flock = self.open_flock(self.url, store_folder, clock=utc_now)
        store = flock.store
        assert store.check() == ()
        found = submissions_in(store, self.dsds, self.first)
        assert done <= found <= done | {max(done, default=self.first - 1) + 1}
        store.collect(timedelta(0))
        listed = {leaf.path for leaf in store._catalog.leaves()}
        assert {name for name, _ in store._leaves.files()} == listed
        for backup in self.folder.glob(f"{backups.name}-*"):
            self.look_at(backup, flock, found)
        # Whoever got no answer sends again.
        self.worker.send(die=("nowhere", 1), **command)
        assert json.loads(self.worker.answer()) == {"signal": 0}
        assert submissions_in(store, self.dsds, self.first) == {self.first, self.first + 1}
        store.close()
        self.first += 10

    def crash_a_new_store(self, times: int) -> None:
        """Die in the first load of a store, when its folders are made."""
        new = self.folder / f"store-{self.first}"
        self.crash(FIRST_POINT, times, store_folder=new)
        shutil.rmtree(new)

    def look_at(self, backup: Path, flock: Any, found: set[int]) -> None:
        """A backup that has its name is whole; one without its manifest is refused."""
        target = self.folder / "restored"
        settings = replace(flock.settings, store_folder=target, store_url="")
        assert ".part-" in backup.name or (backup / MANIFEST).exists()
        if not (backup / MANIFEST).exists():
            with pytest.raises(StoreError, match="no complete backup"):
                restore(settings, backup)
        else:
            restore(settings, backup)
            restored = self.open_flock("", target)
            assert submissions_in(restored.store, self.dsds, self.first) <= found
            assert restored.store.check() == ()
            restored.store.close()
        shutil.rmtree(target, ignore_errors=True)
        shutil.rmtree(backup)


@pytest.fixture
def crashes(start_worker, store_url, open_flock, flock_dsds, tmp_path) -> Crashes:
    worker = start_worker(store_url)
    assert worker.answer() == "ready"
    return Crashes(worker, tmp_path, open_flock, store_url, flock_dsds)


def test_a_kill_at_any_point_loses_and_doubles_nothing(crashes, store_url):
    if store_url:  # What concerns files alone is the same.
        for point in (*LOAD_POINTS[1:], *COMPACT_POINTS[2:], "backup-synced"):
            crashes.crash(point)
        return
    for number, point in enumerate((*POINTS, *LOAD_POINTS, *COMPACT_POINTS, *COLLECT_POINTS)):
        crashes.crash(point, 1 + number // len(POINTS))
    for times in (1, 5):
        crashes.crash_a_new_store(times)
    assert crashes.kills.total() >= 30
    assert set(crashes.kills) == {*POINTS, FIRST_POINT}
    for after in (0.05, 0.1, 0.2):
        crashes.crash("at random", after=after)


@pytest.mark.long
def test_three_hundred_kills(crashes, store_url):
    """Two thirds of them on SQLite, where a kill can leave more behind."""
    chance = random.Random(3)  # noqa: S311
    rounds, least = (6, 100) if store_url else (11, 200)
    points = [*POINTS, *["at random"] * 5] * rounds
    chance.shuffle(points)
    for point in points:
        if point in POINTS:
            crashes.crash(point, chance.randint(1, 2))
        else:
            crashes.crash(point, after=chance.uniform(0.01, 0.4))
    for times in range(1, 7) if not store_url else ():
        crashes.crash_a_new_store(times)
    assert crashes.kills.total() >= least
    assert all(crashes.kills[point] == rounds for point in POINTS)
