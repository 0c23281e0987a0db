"""Queries of one process: as many at a time as there are slots, none held longer than rows are read."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dsd.batch import BATCH_ROWS
from service.config import Settings
from service.query.selection import Selection
from service.store import reader
from service.store.engine import ParquetStore
from service.store.protocol import StoreUnavailableError, SubmissionRecord


@pytest.fixture
def make_store(tmp_path, monkeypatch):
    """An opener of stores in which answers of a few rows already stream."""
    monkeypatch.setattr(reader, "BUFFERED_ROWS", 1)
    monkeypatch.setattr(reader, "BATCH_ROWS", 2_048)
    opened = []

    def make(slots: int, wait: int = 30) -> ParquetStore:
        opened.append(
            ParquetStore(
                Settings(
                    store_folder=tmp_path / "store",
                    temporary_folder=tmp_path / "t",
                    duckdb_slots=slots,
                    duckdb_wait_seconds=wait,
                )
            )
        )
        return opened[-1]

    yield make
    for store in opened:
        store.close()


ROWS = 6_000


def filled(store, dsd, make_dataset) -> Selection:
    rows = [
        {"REF_AREA": "IDN", "FREQ": "A", "SEX": "SEX_T", "TOPIC": f"t{n:05}", "TIME_PERIOD": "2024",
         "OBS_VALUE": str(n)}
        for n in range(ROWS)
    ]  # fmt: skip
    store.write([make_dataset(dsd, rows)], SubmissionRecord("load"))
    return Selection(dsd)


def read_all(store, selection) -> int:
    with store.read(selection) as snapshot:
        return sum(batch.num_rows for batch in snapshot.batches)


def test_who_finds_no_slot_is_refused_after_its_wait(make_store, dsd, make_dataset):
    store = make_store(slots=1, wait=0)
    selection = filled(store, dsd, make_dataset)
    with store.read(selection) as snapshot:
        next(snapshot.batches)
        with pytest.raises(StoreUnavailableError, match="duckdb_slots"):
            read_all(store, selection)
        with pytest.raises(StoreUnavailableError, match="duckdb_slots"):
            store.availability(selection)
        assert store.revision(dsd.urn).number == 1
    assert read_all(store, selection) == ROWS


def test_a_slow_reader_holds_no_slot_once_its_rows_are_read(make_store, dsd, make_dataset):
    store = make_store(slots=1, wait=0)
    selection = filled(store, dsd, make_dataset)
    with store.read(selection) as snapshot:
        held = list(snapshot.batches)
        assert read_all(store, selection) == ROWS
        assert sum(batch.num_rows for batch in held) == ROWS


def test_a_small_answer_holds_no_slot_at_all(make_store, dsd, make_dataset):
    store = make_store(slots=1, wait=0)
    selection = filled(store, dsd, make_dataset)
    key = {"REF_AREA": "IDN", "FREQ": "A", "SEX": "SEX_T", "TOPIC": "t00003"}
    one = Selection(dsd, keys=({name: frozenset({code}) for name, code in key.items()},))
    reader.BUFFERED_ROWS = BATCH_ROWS
    with store.read(one) as snapshot:
        assert read_all(store, selection) == ROWS
        assert [batch.num_rows for batch in snapshot.batches] == [1]


def test_a_slot_comes_back_from_an_answer_that_is_broken_off(make_store, dsd, make_dataset):
    store = make_store(slots=1, wait=0)
    selection = filled(store, dsd, make_dataset)
    for _ in range(3):
        snapshots = store.read(selection)
        next(snapshots.__enter__().batches)
        assert not snapshots.__exit__(None, None, None)
    assert read_all(store, selection) == ROWS


def test_many_threads_share_few_slots(make_store, dsd, make_dataset):
    store = make_store(slots=2)
    selection = filled(store, dsd, make_dataset)
    store.count(selection)
    slots = store._readers()._slots
    most, running, lock = 0, 0, threading.Lock()
    take, put_back = slots.take, slots.put_back

    def counted_take():
        nonlocal most, running
        slot = take()
        with lock:
            running += 1
            most = max(most, running)
        return slot

    def counted_put_back(cursor, *, reusable):
        nonlocal running
        with lock:
            running -= 1
        put_back(cursor, reusable=reusable)

    slots.take, slots.put_back = counted_take, counted_put_back
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: read_all(store, selection), range(40))) == {ROWS}
    assert most == 2
    assert running == 0


def test_a_waiting_query_goes_on_when_a_slot_becomes_free(make_store, dsd, make_dataset):
    store = make_store(slots=1, wait=20)
    selection = filled(store, dsd, make_dataset)
    with ThreadPoolExecutor(1) as pool:
        with store.read(selection) as snapshot:
            next(snapshot.batches)
            waiting = pool.submit(read_all, store, selection)
            time.sleep(0.2)
            assert not waiting.done()
        assert waiting.result(20) == ROWS


def test_there_are_as_many_slots_as_cores_unless_told_otherwise():
    import os

    assert Settings().duckdb_slots == os.cpu_count()
