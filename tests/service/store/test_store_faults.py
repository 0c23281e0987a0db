"""What is wrong with a store is said clearly, nothing is half written, and readers go on."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import sqlalchemy as sa

from dsd.dataset import AttributeValues
from service.config import utc_now
from service.query.selection import Selection
from service.store.backup import restore
from service.store.catalog import FORMAT_VERSION, FlowCommit
from service.store.protocol import (
    Change,
    StoreError,
    StoreFormatError,
    StoreUnavailableError,
    SubmissionRecord,
)


def row(area: str = "IDN", value: str = "1", **more: Any) -> dict[str, Any]:
    key = {"REF_AREA": area, "FREQ": "A", "SEX": "SEX_T", "TOPIC": "x", "TIME_PERIOD": "2024"}
    return {**key, "OBS_VALUE": value, **more}


def leaf_files(flock):
    return sorted((flock.store.folder / "leaves").rglob("*.parquet"))


class FailingDisk:
    """Fails like a disk at one point, when it is told to."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.failing = False

    def __call__(self, point: str) -> None:
        if self.failing and point == "leaf-written":
            raise OSError(self.number, "as a disk would say it")


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "disk is read-only")]
)
def test_a_disk_that_fails_leaves_everything_as_it_was(open_flock, dsd, number, words):
    disk = FailingDisk(number)
    flock = open_flock(fault=disk)
    flock.load(dsd, [row()])
    before, files = flock.store.revision(dsd.urn), leaf_files(flock)
    disk.failing = True
    with pytest.raises(StoreUnavailableError, match=words):
        flock.load(dsd, [row(value="2"), row("PHL")])
    assert flock.rows(dsd) == [row()]
    assert (flock.store.revision(dsd.urn), leaf_files(flock)) == (before, files)
    assert len(list(flock.store.ledger())) == 1
    disk.failing = False
    flock.load(dsd, [row(value="2")])
    assert flock.rows(dsd) == [row(value="2")]


def test_the_system_refusing_to_write_leaves_everything_as_it_was(flock, dsd):
    flock.load(dsd, [row()])
    files = leaf_files(flock)
    # Room for the catalog to grow a little, and less than a leaf of these rows takes.
    room = 200_000 + max(path.stat().st_size for path in flock.store.folder.iterdir())
    rows = [row(f"X{number}", NOTE=os.urandom(room // 250).hex()) for number in range(500)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(StoreUnavailableError, match="limit of file size"):
            flock.load(dsd, rows)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert flock.rows(dsd) == [row()]
    assert leaf_files(flock) == files


def test_a_catalog_that_cannot_grow_leaves_everything_as_it_was(open_flock, dsd):
    """The leaves are on the disk already when the catalog finds it full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    failing = False

    def full(point: str) -> None:
        if failing and point == "folder-synced":
            size = (flock.store.folder / "catalog.sqlite-wal").stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))

    flock = open_flock(fault=full, clock=utc_now)
    flock.load(dsd, [row()])
    before = flock.store.revision(dsd.urn)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    failing = True
    try:
        with pytest.raises(StoreUnavailableError, match="check that its disk has room"):
            flock.load(dsd, [row(value="2")])
        assert flock.rows(dsd) == [row()]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert flock.store.revision(dsd.urn) == before
    assert len(flock.store.ledger()) == 1
    failing = False
    flock.load(dsd, [row(value="3")])
    assert flock.rows(dsd) == [row(value="3")]
    flock.store.collect(timedelta(0))
    assert {name for name, _ in flock.store._leaves.files()} == {
        leaf.path for leaf in flock.store._catalog.leaves()
    }


class Syncs:
    """What is made durable, and the points passed, in their order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        fsync = os.fsync

        def noted(descriptor: int) -> None:
            self.seen.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", noted)

    def __call__(self, point: str) -> None:
        self.seen.append(point)

    def before(self, point: str) -> set[str]:
        """Return what was made durable before a point was passed for the first time."""
        found = set(self.seen[: self.seen.index(point)])
        self.seen.clear()
        return found


def with_folders(files: list[Any], top: Any) -> set[str]:
    """Return files with the folders that hold their names, up to one that was there."""
    folders = {folder for file in files for folder in file.parents if folder.is_relative_to(top)}
    return {str(path) for path in (*files, *folders)}


def test_all_files_and_folders_are_durable_before_what_refers_to_them(
    open_flock, flock_dsds, tmp_path, monkeypatch
):
    syncs = Syncs(monkeypatch)
    flock = open_flock(fault=syncs, leaf_rows=1)
    store, dsd = flock.store, flock_dsds["flock"]
    flock.load(dsd, [row("IDN"), row("PHL")])
    files = leaf_files(flock)
    assert len(files) == 4
    assert with_folders(files, store.folder) <= syncs.before("before-commit")
    flock.load(dsd, [row("IDN", "2")])
    new = [path for path in leaf_files(flock) if path not in files]
    assert len(new) == 3
    assert with_folders(new, new[0].parent) <= syncs.before("before-commit")
    roomy = open_flock(fault=syncs, clock=flock.clock).store
    files = leaf_files(flock)
    roomy.compact()
    new = [path for path in leaf_files(flock) if path not in files]
    assert len(new) == 2
    assert with_folders(new, new[0].parent) <= syncs.before("compact-before-commit")
    backup = tmp_path / "backup"
    roomy.backup(backup)
    part = syncs.before("backup-synced")
    copied = [backup / "backup.json", *backup.rglob("*.parquet")]
    assert len(copied) == 4
    made = {path.replace(str(backup), "", 1).partition("/")[2] for path in part if "part-" in path}
    wanted = with_folders(copied, backup)
    assert {path.replace(str(backup), "", 1).removeprefix("/") for path in wanted} <= made
    target = tmp_path / "restored"
    restore(replace(flock.settings, store_folder=target), backup, syncs)
    files = list(target.rglob("*.parquet"))
    assert len(files) == 3
    assert with_folders(files, target) <= syncs.before("restore-before-commit")


@pytest.mark.parametrize("damage", ["cut off", "gone", "garbled"])
def test_an_unreadable_leaf_is_named_with_the_command_that_checks(
    flock, flock_dsds, make_dataset, damage
):
    first, second = flock_dsds["flock"], flock_dsds["herd"]
    flock.write([make_dataset(first, [row()]), make_dataset(second, [row()])])
    (bad,) = (path for path in leaf_files(flock) if "DF_FLOCK" in str(path) and "-C-" in path.name)
    content = bad.read_bytes()
    if damage == "gone":
        bad.unlink()
    else:
        bad.write_bytes(content[:50] if damage == "cut off" else b"x" * len(content))
    for attempt in (
        lambda: flock.rows(first),
        lambda: flock.store.availability(Selection(first, last_n=1)),
        lambda: flock.load(first, [row(value="2")]),
    ):
        with pytest.raises(StoreUnavailableError, match="ilms store check") as raised:
            attempt()
        assert bad.name in str(raised.value)
    (problem,) = flock.store.check()
    assert bad.name in problem
    assert flock.rows(second) == [row()]
    flock.load(second, [row("PHL")])
    bad.write_bytes(content)
    assert flock.store.check() == ()
    assert flock.rows(first) == [row()]


@pytest.mark.parametrize("damage", ["cut off", "gone"])
def test_an_unreadable_index_is_named_and_observations_are_read(flock, dsd, damage):
    flock.load(dsd, [row()])
    (bad,) = (path for path in leaf_files(flock) if "-S-" in path.name)
    if damage == "gone":
        bad.unlink()
    else:
        bad.write_bytes(bad.read_bytes()[:50])
    with pytest.raises(StoreUnavailableError, match="ilms store check") as raised:
        flock.store.availability(Selection(dsd))
    assert bad.name in str(raised.value)
    (problem,) = flock.store.check()
    assert bad.name in problem
    with flock.store.read(Selection(dsd)) as snapshot:
        assert sum(batch.num_rows for batch in snapshot.batches) == 1
    flock.load(dsd, [row(value="2")])
    assert flock.store.availability(Selection(dsd)).observations == 1


def test_a_store_of_a_newer_release_is_refused(open_flock, dsd):
    flock = open_flock()
    flock.load(dsd, [row()])
    flock.store.close()
    database = sqlite3.connect(flock.store.folder / "catalog.sqlite")
    for version, words in (
        (str(FORMAT_VERSION + 1), "install the newer release"),
        ("0", "no release writes"),
        ("x", "damaged"),
    ):
        database.execute("update store set value = ? where name = 'format'", (version,))
        database.commit()
        with pytest.raises(StoreFormatError, match=words):
            open_flock()
    database.execute("update store set value = ? where name = 'format'", (str(FORMAT_VERSION),))
    database.commit()
    database.close()
    assert open_flock().rows(dsd) == [row()]


def test_a_file_that_is_no_catalog_is_refused(open_flock, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "catalog.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreFormatError, match="restore it from a backup"):
        open_flock()


def test_a_folder_that_cannot_be_made_is_refused(open_flock, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="file"):
        open_flock(folder=tmp_path / "file" / "store")


def test_a_database_server_that_is_not_there(open_flock, tmp_path):
    with pytest.raises(StoreUnavailableError, match="database server"):
        open_flock(f"postgresql+psycopg://ilms@/none?host={tmp_path}")


def test_a_writer_that_lost_its_turn_cannot_commit(flock, dsd):
    """Whatever becomes of the lock, the catalog lets one of two writers through."""
    receipt = flock.load(dsd, [row()])
    catalog = flock.store._catalog
    state = catalog.state(dsd.urn)
    late = FlowCommit(dsd.urn, dsd.key_ids, Change(dsd.urn, 0, 0, 1, 0), closed=list(state.leaves))
    with (
        pytest.raises(StoreUnavailableError, match="another writer"),
        catalog.commit(1, receipt.at + timedelta(1), [late], SubmissionRecord("late")),
    ):
        pass
    flock.load(dsd, [row(value="2")])
    with (
        pytest.raises(StoreUnavailableError, match="another writer"),
        catalog.commit(3, utc_now(), [late], SubmissionRecord("late")),
    ):
        pass
    assert flock.rows(dsd) == [row(value="2")]
    assert flock.store.revision(dsd.urn).number == 2


def test_leftovers_go_after_the_grace_period_and_no_answer_changes(flock, dsd):
    flock.clock.now = utc_now()
    first = flock.load(dsd, [row(), row("PHL")])
    flock.load(dsd, [row(value="2")])
    stray = leaf_files(flock)[0].with_name("000000000099-C-0123456789abcdef.parquet")
    shutil.copy(leaf_files(flock)[0], stray)
    assert flock.store.collect().files == 0
    flock.clock.now += timedelta(minutes=1)
    collected = flock.store.collect(timedelta(0))
    assert collected.files == 3  # The stray one, and the leaf that was superseded with its index.
    assert collected.bytes > 0
    assert flock.rows(dsd) == [row(value="2"), row("PHL")]
    assert flock.rows(dsd, as_of=first.at) == [row(), row("PHL")]
    assert flock.store.collect(timedelta(0)).files == 0
    assert flock.store.check() == ()


def test_a_snapshot_stays_as_it_was_while_others_write(flock, dsd):
    flock.load(dsd, [row(), row("PHL")])
    with flock.store.read(Selection(dsd)) as snapshot:
        flock.load(dsd, [row(value="2")])
        rows = [entry["OBS_VALUE"] for batch in snapshot.batches for entry in batch.to_pylist()]
    assert rows == ["1", "1"]
    assert snapshot.revision.number == 1


def test_duckdb_and_pandas_read_the_leaves_without_us(flock, dsd):
    given = [
        row("IDN", "12.0", METHOD=["SURVEY", "CENSUS"]),
        row("PHL", "NaN"),
        row("THA", "1e400"),
    ]
    flock.load(dsd, given)
    (file,) = (path for path in leaf_files(flock) if "-C-" in path.name)
    frame = pd.read_parquet(file)
    assert frame["OBS_VALUE"].tolist() == ["12.0", "NaN", "1e400"]
    assert frame["_tx_from"].tolist() == [1, 1, 1]
    assert frame["METHOD"][0].tolist() == ["SURVEY", "CENSUS"]
    assert str(frame["_period_end"][0]) == "2024-12-31"
    with duckdb.connect() as connection:
        found = connection.execute(
            "select REF_AREA, OBS_VALUE, _period_start::varchar from read_parquet($file)",
            {"file": str(file)},
        ).fetchall()
        columns = connection.execute(
            "select distinct name, compression from parquet_schema($file) join "
            "(select path_in_schema, compression from parquet_metadata($file)) "
            "on path_in_schema = name where name = '_series_key'",
            {"file": str(file)},
        ).fetchall()
    assert found == [(r["REF_AREA"], r["OBS_VALUE"], "2024-01-01") for r in given]
    assert columns == [("_series_key", "ZSTD")]


def test_a_merge_of_one_observation_touches_one_leaf_however_many_there_are(open_flock, dsd):
    flock = open_flock(leaf_rows=2)
    flock.load(
        dsd,
        [
            row(f"A{number:02}", TIME_PERIOD=time)
            for number in range(20)
            for time in ("2023", "2024")
        ],
    )
    before = flock.store._catalog.leaves()
    (own,) = (leaf for leaf in before if leaf.kind == "C" and "A07" in leaf.low_key)
    others = [leaf for leaf in before if leaf.low_key != own.low_key]
    assert len(others) == 38
    away = flock.store.folder / "away"
    away.mkdir()
    for leaf in others:
        flock.store._leaves.path(leaf).rename(away / Path(leaf.path).name)
    flock.load(dsd, [row("A07", "2", TIME_PERIOD="2024")])
    key = {name: frozenset({row("A07")[name]}) for name in dsd.series_ids}
    found = flock.rows(dsd, keys=(key,))
    assert [entry["OBS_VALUE"] for entry in found] == ["1", "2"]
    for leaf in others:
        (away / Path(leaf.path).name).rename(flock.store._leaves.path(leaf))
    new = [leaf for leaf in flock.store._catalog.leaves() if leaf not in before]
    assert sorted(leaf.kind for leaf in new) == ["C", "H", "S"]
    assert flock.store.check() == ()


def test_what_writing_and_reading_ask_of_the_catalog_does_not_grow_with_it(open_flock, dsd):
    """Each statement finds its rows by an index: none goes through a table."""
    flock = open_flock()
    flock.load(dsd, [row()], attributes=(AttributeValues({}, {"TITLE": "t"}),))
    asked: list[tuple[str, Any]] = []
    engine = flock.store._catalog.engine

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.lower().startswith(("select", "update", "delete")):
            asked.append((statement, values))

    sa.event.listen(engine, "before_cursor_execute", note)
    flock.load(dsd, [row(value="2")], attributes=(AttributeValues({}, {"TITLE": "u"}),))
    flock.rows(dsd)
    flock.rows(dsd, as_of=flock.clock.now - timedelta(days=1))
    flock.store.revision(dsd.urn)
    sa.event.remove(engine, "before_cursor_execute", note)
    assert len(asked) > 10
    with sqlite3.connect(flock.store.folder / "catalog.sqlite") as database:
        for statement, values in asked:
            plan = database.execute(f"explain query plan {statement}", values).fetchall()
            steps = [step[3] for step in plan]
            # The first row of a table in the order of its key is found at once; tickets are few.
            is_first = "LIMIT" in statement and not any("TEMP B-TREE" in step for step in steps)
            scanned = {step.split()[1] for step in steps if step.startswith("SCAN")}
            assert is_first or scanned <= {"ticket", "ahead"}, (statement, plan)
    database.close()
