"""Upkeep while the store is in use: what compacts, backs up, restores and collects changes no answer."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dsd.dataset import Action, AttributeValues
from service.config import utc_now
from service.query.selection import ComponentFilter, Condition, Operator, PeriodTerm, Selection
from service.store.backup import restore
from service.store.catalog import FORMAT_VERSION
from service.store.protocol import StoreError, StoreFormatError, StoreUnavailableError

KEY = {"FREQ": "A", "SEX": "SEX_T", "TOPIC": "x"}
SELECTIONS: list[dict[str, Any]] = [
    {},
    {"keys": ({"REF_AREA": frozenset({"A003", "A017"})},)},
    {"keys": ({"TOPIC": frozenset({"x"})},), "limit": 7, "offset": 3},
    {"filters": (ComponentFilter("OBS_VALUE", ((Condition(Operator.GT, "5"),),)),)},
    {"filters": (ComponentFilter("METHOD", ((Condition(Operator.EQ, "CENSUS"),),)),)},
    {"periods": (PeriodTerm(starts_from=utc_now().date().replace(2024, 1, 1)),)},
    {"first_n": 1, "last_n": 1},
    {"component_ids": ("OBS_VALUE",)},
]


def rows(numbers: range, value: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {"REF_AREA": f"A{number:03}", **KEY, "TIME_PERIOD": time, "OBS_VALUE": value, **more}
        for number in numbers
        for time in ("2023", "2024")
    ]


def fill(flock, dsds, make_dataset) -> list[Any]:
    """Write what makes many small leaves, with different columns, and much history; return the instants."""
    first, second = dsds["flock"], dsds["herd"]
    above = (
        AttributeValues({}, {"TITLE": "t"}),
        AttributeValues({"REF_AREA": "A001"}, {"CONTACT_POINT": ("c",)}),
    )
    receipts = [flock.write([make_dataset(first, rows(range(20), "1"), attributes=above)])]
    for number in range(1, 7):
        some = rows(range(number, 20, 6), f"{number}.0", METHOD=["SURVEY", "CENSUS"][: number % 3])
        receipts.append(flock.write([make_dataset(first, some), make_dataset(second, some)]))
    gone = [{"REF_AREA": f"A{number:03}"} for number in range(0, 20, 4)]
    receipts.append(flock.load(first, gone, Action.DELETE))
    receipts.append(flock.load(dsds["wide"], rows(range(3), "9", NOTE=["n", "m"])))
    return [receipts[0].at - timedelta(days=1), *(receipt.at for receipt in receipts)]


def answers(store, dsds, instants) -> list[Any]:
    """Return every answer of a store: selections at each instant, counts, availability, ledger, revisions."""
    found: list[Any] = [list(store.ledger()), store.dataflows()]
    for name in ("herd", "wide"):
        dsd = dsds[name]
        found += [store.revision(dsd.urn), list(store.ledger(dsd.urn))]
        for number, at in enumerate((None, *instants)):
            # Every instant as a whole; each kind of selection at some of them.
            for entry in SELECTIONS if (name, number) == ("wide", 4) else SELECTIONS[:1]:
                selection = Selection(dsd, **entry, as_of=at)
                with store.read(selection) as snapshot:
                    batches = [row for batch in snapshot.batches for row in batch.to_pylist()]
                found.append((snapshot.preamble, snapshot.revision, batches))
            found.append(store.availability(Selection(dsd, as_of=at)))
    return found


def files(store) -> list[str]:
    return [name for name, _ in store._leaves.files()]


def test_compaction_changes_no_answer_of_any_instant(
    open_flock, store_url, flock_dsds, make_dataset
):
    flock = open_flock(store_url, leaf_rows=8)
    instants = fill(flock, flock_dsds, make_dataset)
    before = answers(flock.store, flock_dsds, instants)
    roomy = open_flock(store_url, leaf_rows=64, clock=flock.clock)
    seen = []
    done = roomy.store.compact(lambda *state: seen.append(state))
    assert done.after < done.before / 3
    assert seen == [(1, 2), (2, 2)]
    assert len(list(roomy.store._catalog.leaves())) == done.after
    # By who was there before, by who compacted, and without the old files.
    assert answers(flock.store, flock_dsds, instants) == before
    assert answers(roomy.store, flock_dsds, instants) == before
    flock.clock.now = utc_now() + timedelta(hours=1)
    assert roomy.store.collect(timedelta(0)).files > done.after
    assert len(files(roomy.store)) == done.after
    assert answers(open_flock(store_url).store, flock_dsds, instants) == before
    assert roomy.store.check() == ()
    assert roomy.store.compact().before == done.after
    flock.load(flock_dsds["wide"], rows(range(5), "10"))
    assert answers(flock.store, flock_dsds, instants)[-1] == before[-1]


def test_leaves_that_the_older_dsd_can_read_stay_so(open_flock, flock_dsds):
    flock = open_flock(leaf_rows=8)
    flock.load(flock_dsds["flock"], rows(range(8), "1", NOTE="n"))
    flock.load(flock_dsds["wide"], rows(range(8, 12), "1", NOTE=["n", "m"]))
    roomy = open_flock(leaf_rows=1000, clock=flock.clock)
    roomy.store.compact()
    keys = ({"REF_AREA": frozenset({"A001"})},)
    assert len(roomy.rows(flock_dsds["flock"], keys=keys)) == 2


def test_compaction_does_not_pass_damage_on(open_flock, flock_dsds):
    flock = open_flock(leaf_rows=4)
    flock.load(flock_dsds["herd"], rows(range(8), "1"))
    before = files(flock.store)
    bad = flock.store.folder / [name for name in before if "-C-" in name][2]
    content = bad.read_bytes()
    bad.write_bytes(content.replace(b"OBS_VALUE", b"OBS_VALVE"))
    roomy = open_flock(leaf_rows=1000, clock=flock.clock)
    with pytest.raises(StoreUnavailableError, match="SHA-256") as raised:
        roomy.store.compact()
    assert bad.name in str(raised.value)
    bad.write_bytes(content)
    assert files(roomy.store) == before
    assert len(roomy.rows(flock_dsds["herd"])) == 16


def test_compaction_on_a_full_disk_leaves_everything_as_it_was(open_flock, flock_dsds):
    flock = open_flock(leaf_rows=4)
    flock.load(flock_dsds["herd"], rows(range(8), "1"))

    def full(point: str) -> None:
        if point == "leaf-written":
            raise OSError(28, "as a disk would say it")

    before = files(flock.store)
    with pytest.raises(StoreUnavailableError, match="disk is full"):
        open_flock(leaf_rows=1000, clock=flock.clock, fault=full).store.compact()
    assert files(flock.store) == before
    assert len(flock.rows(flock_dsds["herd"])) == 16


def test_compaction_with_a_clock_that_went_back_is_refused(open_flock, flock_dsds):
    flock = open_flock(leaf_rows=4)
    flock.load(flock_dsds["herd"], rows(range(8), "1"))
    flock.clock.now -= timedelta(days=1)
    with pytest.raises(StoreError, match="set the clock right"):
        flock.store.compact()


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest, new_database: Callable[[str], str]) -> str:
    """URL of an empty catalog to restore into."""
    if request.param == "sqlite":
        return ""
    return new_database(request.getfixturevalue("postgresql_server"))


def test_a_restored_backup_answers_identically(
    open_flock, store_url, other_url, tmp_path, flock_dsds, make_dataset
):
    flock = open_flock(store_url, leaf_rows=8)
    instants = fill(flock, flock_dsds, make_dataset)
    before = answers(flock.store, flock_dsds, instants)
    seen: list[Any] = []
    made = flock.store.backup(tmp_path / "backup", lambda *state: seen.append(state))
    assert (made.transaction, made.at) == (9, instants[-1])
    assert (made.files, made.files) == seen[-1]
    flock.load(flock_dsds["wide"], rows(range(20), "after the backup"))
    folder = tmp_path / "restored"
    settings = replace(flock.settings, store_folder=folder, store_url=other_url)
    assert restore(settings, tmp_path / "backup") == made
    again = open_flock(other_url, folder, leaf_rows=8, clock=flock.clock)
    assert answers(again.store, flock_dsds, instants) == before
    assert again.store.check() == ()
    again.number = 100
    again.load(flock_dsds["wide"], rows(range(20), "2"))
    assert {row["OBS_VALUE"] for row in again.rows(flock_dsds["wide"])} == {"2"}
    assert again.store.backup(tmp_path / "second").transaction == 10
    with pytest.raises(StoreError, match="into an empty one"):
        restore(settings, tmp_path / "backup")


def test_a_backup_holds_what_the_present_needs_and_nothing_else(open_flock, tmp_path, flock_dsds):
    flock = open_flock()
    for value in "123":
        flock.load(flock_dsds["herd"], rows(range(2), value))
    flock.store.backup(tmp_path / "backup")
    found = {path.name for path in (tmp_path / "backup").rglob("*.parquet")}
    assert found == {Path(leaf.path).name for leaf in flock.store._catalog.leaves()}
    assert len(files(flock.store)) > len(found)
    with sqlite3.connect(tmp_path / "backup" / "catalog.sqlite") as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        listed = database.execute("select path from leaf").fetchall()
    database.close()
    assert {Path(path).name for (path,) in listed} == found


def test_a_backup_of_an_empty_store(open_flock, store_url, tmp_path):
    flock = open_flock(store_url)
    assert flock.store.backup(tmp_path / "backup").files == 0
    restore(replace(flock.settings, store_folder=tmp_path / "r", store_url=""), tmp_path / "backup")
    assert open_flock("", tmp_path / "r").store.dataflows() == ()


def test_a_backup_goes_on_while_leaves_are_superseded_and_collected(
    open_flock, tmp_path, flock_dsds
):
    dsd = flock_dsds["herd"]
    flock = open_flock(clock=utc_now, leaf_rows=4)
    flock.load(dsd, rows(range(8), "1"))

    class Busy:
        """Loads and collects when the first file has been copied."""

        done = False

        def __call__(self, point: str) -> None:
            if point == "backup-copied" and not self.done:
                self.done = True
                flock.load(dsd, rows(range(8), "2"))
                flock.store.collect(timedelta(0))

    settings = replace(flock.settings, store_folder=tmp_path / "restored")
    made = open_flock(fault=Busy(), clock=utc_now).store.backup(tmp_path / "backup")
    assert made.transaction == 2
    restore(settings, tmp_path / "backup")
    restored = open_flock("", tmp_path / "restored")
    assert {row["OBS_VALUE"] for row in restored.rows(dsd)} == {"2"}
    assert restored.store.check() == ()
    assert len(files(restored.store)) == made.files


@pytest.mark.parametrize(
    "damage", ["leaf", "catalog", "manifest", "no manifest", "lost leaf", "newer"]
)
def test_a_damaged_backup_is_not_restored(open_flock, tmp_path, flock_dsds, damage):
    flock = open_flock()
    flock.load(flock_dsds["herd"], rows(range(2), "1"))
    backup = tmp_path / "backup"
    flock.store.backup(backup)
    shutil.copytree(backup, tmp_path / "good")
    leaf = next(backup.rglob("*-C-*.parquet"))
    manifest = backup / "backup.json"
    if damage == "leaf":
        leaf.write_bytes(leaf.read_bytes()[:-1] + b"x")
    elif damage == "lost leaf":
        leaf.unlink()
    elif damage == "catalog":
        (backup / "catalog.sqlite").write_bytes(b"SQLite format 3\x00")
    elif damage == "manifest":
        manifest.write_bytes(b"[]")
    elif damage == "no manifest":
        manifest.unlink()
    else:
        members = json.loads(manifest.read_bytes())
        manifest.write_text(json.dumps(members | {"format": FORMAT_VERSION + 1}), encoding="utf-8")
    settings = replace(flock.settings, store_folder=tmp_path / "restored")
    words = {"no manifest": "no complete backup", "newer": "install the newer release"}
    with pytest.raises(StoreError, match=words.get(damage, "use another")):
        restore(settings, backup)
    if damage in ("leaf", "lost leaf"):
        with pytest.raises(StoreFormatError, match="ilms store restore"):
            open_flock("", tmp_path / "restored")
    # A good one is restored over what is left.
    restore(settings, tmp_path / "good")
    assert len(open_flock("", tmp_path / "restored").rows(flock_dsds["herd"])) == 4


def test_a_damaged_store_is_not_backed_up(open_flock, tmp_path, flock_dsds):
    flock = open_flock()
    flock.load(flock_dsds["herd"], rows(range(2), "1"))
    name = files(flock.store)[0]
    (flock.store.folder / name).write_bytes(b"damaged")
    with pytest.raises(StoreUnavailableError, match="the backup would be damaged"):
        flock.store.backup(tmp_path / "backup")
    (flock.store.folder / name).unlink()
    with pytest.raises(StoreUnavailableError, match="the backup would be damaged"):
        flock.store.backup(tmp_path / "backup")
    assert not list(tmp_path.glob("backup*"))


def test_a_backup_never_overwrites(open_flock, tmp_path):
    flock = open_flock()
    (tmp_path / "backup").mkdir()
    with pytest.raises(StoreError, match="there already"):
        flock.store.backup(tmp_path / "backup")
    with pytest.raises(StoreError, match="inside the store"):
        flock.store.backup(flock.store.folder / "leaves" / "backup")


def test_a_backup_on_a_full_disk_leaves_nothing_behind(open_flock, tmp_path, flock_dsds):
    def full(point: str) -> None:
        if point == "backup-copied":
            raise OSError(28, "as a disk would say it")

    flock = open_flock(fault=full)
    flock.load(flock_dsds["herd"], rows(range(2), "1"))
    with pytest.raises(StoreUnavailableError, match=r"disk is full.*back up again"):
        flock.store.backup(tmp_path / "backup")
    assert not list(tmp_path.glob("backup*"))


def test_files_of_another_store_are_not_taken_for_an_empty_one(
    open_flock, tmp_path, flock_dsds, postgresql_server, new_database
):
    flock = open_flock()
    flock.load(flock_dsds["herd"], rows(range(2), "1"))
    flock.store.backup(tmp_path / "backup")
    settings = replace(flock.settings, store_url=new_database(postgresql_server))
    with pytest.raises(StoreError, match="another store"):
        restore(settings, tmp_path / "backup")
