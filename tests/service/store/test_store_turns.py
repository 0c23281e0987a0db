"""Writers take turns: first come, first served; whoever is gone is passed and can never commit."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.config import utc_now
from service.store.catalog import Catalog
from service.store.lock import Pace, Watch, WriterLock
from service.store.owner import Owner, this_process
from service.store.protocol import StoreError, StoreUnavailableError
from service.store.tickets import Ticket, Tickets

ELSEWHERE = Owner("node-b", 7, "another machine", "1")
PACE = Pace(beat=0.5, dead_after=3)


def ticket(number: int, beat: int, owner: Owner = ELSEWHERE) -> Ticket:
    return Ticket(number, f"token {number}", owner, True, beat, 0)


def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


@pytest.fixture
def catalog(tmp_path, store_url):
    catalog = Catalog(store_url, tmp_path)
    yield catalog
    catalog.dispose()


def waiting(catalog: Catalog) -> int:
    with catalog.engine.connect() as connection:
        return connection.execute(sa.text("select count(*) from ticket")).scalar_one()


def move_elsewhere(catalog: Catalog) -> None:
    """Make every ticket one of another node, of which only the heartbeats tell."""
    with catalog.engine.begin() as connection:
        connection.execute(sa.text("update ticket set process_table = 'another machine'"))


# -- what a waiter sees ----------------------------------------------------------------------------


def test_a_ticket_is_dead_when_its_count_stands_still():
    watch = Watch(this_process(), PACE, 100.0)
    beats = [(100.0, 5), (100.5, 5), (101.0, 6), (103.0, 6), (103.9, 6), (104.5, 6), (104.9, 6)]
    # From 101.0 on it stands still; the gap up to 103.0 counts for a second.
    assert [watch.dead([ticket(1, beat)], now) for now, beat in beats] == [[]] * 7
    assert watch.dead([ticket(1, 6)], 105.5) == [ticket(1, 6)]
    assert watch.dead([ticket(1, 7)], 105.6) == []


def test_time_in_which_the_waiter_itself_was_stopped_hardly_counts():
    watch = Watch(this_process(), PACE, 0.0)
    assert watch.dead([ticket(1, 1)], 0.1) == []
    assert watch.dead([ticket(1, 1)], 3_600.0) == []
    assert watch.dead([ticket(1, 2)], 3_600.5) == []


def test_every_ticket_ahead_is_watched_at_once():
    watch = Watch(this_process(), PACE, 0.0)
    looks = [
        watch.dead([ticket(1, look), ticket(2, 0), ticket(3, 0)], look / 2) for look in range(8)
    ]
    assert looks[:6] == [[]] * 6
    assert [entry.number for entry in looks[7]] == [2, 3]


def test_a_process_of_this_machine_that_ended_is_gone_at_once():
    watch = Watch(this_process(), PACE, 0.0)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    here = this_process()
    born = (
        Path(f"/proc/{child.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    )
    owner = dataclasses.replace(here, pid=child.pid, born=born)
    assert watch.dead([ticket(1, 1, owner)], 0.0) == []
    assert dataclasses.replace(owner, born="1").is_gone(here)  # Another has its number now.
    child.kill()
    until(lambda: watch.dead([ticket(1, 1, owner)], 0.0))  # Though nobody waited for it yet.
    child.communicate()
    assert watch.dead([ticket(1, 1, owner)], 0.0) == [ticket(1, 1, owner)]
    assert not dataclasses.replace(owner, table="another machine").is_gone(here)
    assert not dataclasses.replace(owner, table="").is_gone(dataclasses.replace(here, table=""))


def test_the_next_looks_often_and_those_behind_less():
    watch = Watch(this_process(), PACE, 0.0)
    watch.dead([ticket(1, 0)], 0.0)
    assert watch.pause(1) == PACE.quick
    watch.dead([ticket(1, 0)], 1.0)
    assert (watch.pause(1), watch.pause(3)) == pytest.approx((0.05, 0.15))
    watch.dead([ticket(1, 0)], 60.0)
    assert watch.pause(1) == watch.pause(7) == PACE.slow
    watch.dead([ticket(2, 0)], 60.1)
    assert watch.stands == 0


# -- the table -------------------------------------------------------------------------------------


def test_tickets_are_a_queue(catalog):
    tickets = Tickets(catalog)
    first, second, third = tickets.take(), tickets.take(), tickets.take()
    assert [entry.holds for entry in (first, second, third)] == [True, False, False]
    assert first.number < second.number < third.number
    assert [entry.token for entry in tickets.up_to(second)] == [first.token, second.token]
    assert tickets.up_to(first)[0].holds
    assert not tickets.pass_over(third, [])
    tickets.leave(second)
    assert tickets.up_to(second) == tickets.up_to(first)
    assert not tickets.pass_over(third, [])
    tickets.leave(first)
    assert tickets.pass_over(third, [])
    tickets.leave(third)
    last = tickets.take()
    assert last.holds
    assert last.number > third.number  # Though the table was empty.


def test_a_ticket_that_shows_life_is_not_passed(catalog):
    tickets = Tickets(catalog)
    first, second = tickets.take(), tickets.take()
    (seen, _) = tickets.up_to(second)
    assert tickets.beat(first)
    assert not tickets.pass_over(second, [seen])
    (seen, _) = tickets.up_to(second)
    assert tickets.pass_over(second, [seen])
    assert not tickets.beat(first)
    assert [entry.token for entry in tickets.up_to(second)] == [second.token]


def test_a_ticket_that_is_committing_is_not_passed(store_url, catalog):
    tickets = Tickets(catalog)
    first, second = tickets.take(), tickets.take()
    (seen, _) = tickets.up_to(second)
    with catalog._writing() as connection:
        assert tickets.confirm(connection, first)
        with ThreadPoolExecutor(1) as pool:
            passed = pool.submit(tickets.pass_over, second, [seen])
            if store_url:  # SQLite lets nobody write meanwhile.
                assert passed.result(10) is False
            connection.commit()
            assert passed.result(10) is False
    assert tickets.beat(first)


# -- the lock --------------------------------------------------------------------------------------


def test_threads_have_their_turns_in_the_order_in_which_they_came(catalog):
    lock = WriterLock(catalog)
    order: list[int] = []

    def take(number: int) -> None:
        with lock.held():
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(6)]
    with lock.held():
        for number, thread in enumerate(threads):
            thread.start()
            until(lambda n=number: waiting(catalog) == n + 2)
    for thread in threads:
        thread.join(20)
    assert order == list(range(6))
    assert waiting(catalog) == 0


def test_a_thread_does_not_wait_for_itself(catalog):
    lock = WriterLock(catalog)
    with lock.held(), pytest.raises(RuntimeError, match="already"), lock.held():
        pass


def test_a_waiter_gives_up_where_the_queue_does_not_move(catalog):
    first = WriterLock(catalog)
    now = [1000.0]

    def clock() -> float:
        now[0] += 200
        return now[0]

    second = WriterLock(catalog, clock=clock)
    with first.held(), ThreadPoolExecutor(1) as pool:
        raised = pool.submit(second.held().__enter__).exception(20)
    assert isinstance(raised, StoreUnavailableError)
    here = this_process()
    assert f"process {here.pid} on {here.host} has held it for" in str(raised)
    assert "waited 800 s" in str(raised)
    assert "the last 600 s without the queue moving" in str(raised)
    assert waiting(catalog) == 0


def test_a_waiter_that_was_passed_by_mistake_queues_again(catalog):
    lock, tickets = WriterLock(catalog), Tickets(catalog)
    first = tickets.take()
    had = threading.Event()

    def take() -> None:
        with lock.held():
            had.set()

    thread = threading.Thread(target=take)
    thread.start()
    until(lambda: waiting(catalog) == 2)
    with catalog.engine.begin() as connection:
        connection.execute(
            sa.text("delete from ticket where number > :number"), {"number": first.number}
        )
    until(lambda: waiting(catalog) == 2)
    assert not had.is_set()
    tickets.leave(first)
    assert had.wait(20)
    thread.join(20)


def test_a_holder_shows_life_however_long_it_takes(catalog):
    pace = Pace(beat=0.05, dead_after=0.5)
    first, second = WriterLock(catalog, pace), WriterLock(catalog, pace)
    order = []

    def take() -> None:
        with second.held():
            order.append("second")

    with first.held():
        move_elsewhere(catalog)
        thread = threading.Thread(target=take)
        thread.start()
        time.sleep(1.5)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]


def test_the_thread_that_shows_life_ends_and_starts_again(catalog):
    lock = WriterLock(catalog, Pace(beat=0.02))

    def beats() -> int:
        with catalog.engine.connect() as connection:
            return connection.execute(sa.text("select beat from ticket")).scalar_one()

    for _ in range(2):
        with lock.held():
            first = beats()
            until(lambda seen=first: beats() > seen + 2)
        until(lambda: all(thread.name != "store-turn" for thread in threading.enumerate()))


def test_whatever_was_passed_can_write_nothing_to_the_catalog(flock, dsd):
    flock.load(dsd, [row()])
    store = flock.store
    others = Tickets(store._catalog)
    with store._lock.held():
        mine = others.take()
        (seen, _) = others.up_to(mine)
        assert others.pass_over(mine, [seen])
        with pytest.raises(StoreUnavailableError, match="another writer took the turn"):
            store._catalog.forget_closed(flock.clock())
    others.leave(mine)
    flock.load(dsd, [row("2")])
    assert flock.rows(dsd) == [row("2")]


def row(value: str = "1") -> dict[str, str]:
    key = {"REF_AREA": "IDN", "FREQ": "A", "SEX": "SEX_T", "TOPIC": "x", "TIME_PERIOD": "2024"}
    return {**key, "OBS_VALUE": value}


def test_only_tickets_do_without_waiting_for_the_disk(catalog):
    """A ticket need not outlive the machine; what is committed must."""
    if not catalog.is_sqlite:
        setting = sa.text("show synchronous_commit")
        relaxed, durable = "off", "on"
    else:
        setting = sa.text("pragma synchronous")
        relaxed, durable = 1, 2
    tickets = Tickets(catalog)
    for _ in range(2):  # The pool gives the same connection again and again.
        with tickets._writing() as connection:
            assert connection.execute(setting).scalar_one() == relaxed
        with catalog._reading() as connection:
            assert connection.execute(setting).scalar_one() == durable
        with tickets._writing():
            pass
        with catalog._writing() as connection:
            assert connection.execute(setting).scalar_one() == durable


# -- processes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "many_readers"), [(6, 0), pytest.param(60, 16, marks=pytest.mark.long)]
)
def test_eight_writers_get_about_as_many_turns_each(
    start_worker, store_url, open_flock, dsd, seconds, many_readers
):
    flock = open_flock(store_url)
    writers = [start_worker(store_url) for _ in range(8)]
    readers = [start_worker(store_url) for _ in range(many_readers)]
    assert {worker.answer() for worker in (*writers, *readers)} == {"ready"}
    for number, worker in enumerate(writers):
        worker.send(do="write", seconds=seconds, first=1_000_000 * number)
    for worker in readers:
        worker.send(do="read", seconds=seconds)
    written = [json.loads(worker.answer())["transactions"] for worker in writers]
    read = [json.loads(worker.answer()) for worker in readers]
    counts = [len(numbers) for numbers in written]
    transactions = sorted(number for numbers in written for number in numbers)
    assert transactions == list(range(1, len(transactions) + 1))
    assert min(counts) >= 1
    assert max(counts) <= 2 * min(counts), counts
    # Every snapshot was whole, and none older than the one before.
    assert [answer["errors"] for answer in read] == [[]] * many_readers
    assert all(answer["reads"] > 1 for answer in read)
    assert flock.store.revision(dsd.urn).number == len(transactions)
    assert flock.store.check() == ()


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_killed_holder_is_passed_within_five_seconds(
    start_worker, store_url, open_flock, dsd, where
):
    flock = open_flock(store_url)
    holder = start_worker(store_url)
    assert holder.answer() == "ready"
    holder.send(do="hold", seconds=600)
    pid = json.loads(holder.answer())["pid"]
    if where == "elsewhere":
        move_elsewhere(flock.store._catalog)
    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(flock.load, dsd, [row()])
        until(lambda: waiting(flock.store._catalog) == 2)
        time.sleep(1)
        assert not writer.done()
        os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        assert writer.result(20).transaction == 1
    passed = time.monotonic() - killed
    assert passed < 5
    assert where == "here" or passed > 1


def test_waiters_that_were_killed_are_skipped(start_worker, store_url, open_flock, dsd):
    flock = open_flock(store_url)
    catalog = flock.store._catalog
    workers = [start_worker(store_url) for _ in range(3)]
    assert {worker.answer() for worker in workers} == {"ready"}
    with ThreadPoolExecutor(1) as pool:
        with flock.store._lock.held():
            for number, worker in enumerate(workers):
                worker.send(do="hold", seconds=600)
                until(lambda n=number: waiting(catalog) == n + 2)
            writer = pool.submit(flock.load, dsd, [row()])
            until(lambda: waiting(catalog) == 5)
            move_elsewhere(catalog)
            for worker in workers:
                worker.process.kill()
            killed = time.monotonic()
        assert writer.result(20).transaction == 1
    assert time.monotonic() - killed < 5  # Not so long for each of them.
    assert waiting(catalog) == 0


def stop_and_pass(start_worker, flock, url, dsd, point, pause=0.0) -> dict[str, Any]:
    """Let a writer stop at a point and another pass it; return what the first says when it goes on."""
    flock.load(dsd, [row()])
    stopped = start_worker(url)
    assert stopped.answer() == "ready"
    stopped.send(do="stop", point=point, number=1, pause=pause)
    try:
        until(lambda: _is_stopped(stopped.process.pid))
        flock.load(dsd, [row("2")])
    finally:
        stopped.process.send_signal(signal.SIGCONT)
    return json.loads(stopped.answer())


def _is_stopped(pid: int) -> bool:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return text.rpartition(")")[2].split()[0] == "T"


def test_a_holder_that_was_stopped_and_passed_cannot_commit(
    start_worker, store_url, open_flock, dsd
):
    flock = open_flock(store_url)
    answer = stop_and_pass(start_worker, flock, store_url, dsd, "folder-synced")
    assert answer["error"] == "StoreUnavailableError"
    assert "another writer took the turn" in answer["text"]
    assert "nothing was written: submit again" in answer["text"]
    assert flock.rows(dsd) == [row("2")]
    assert len(flock.store.ledger()) == 2
    assert flock.store.check() == ()
    flock.load(dsd, [row("3")])
    assert flock.store.revision(dsd.urn).number == 3


@pytest.mark.long
def test_a_holder_that_stops_in_its_commit_is_ended_by_the_database_server(
    start_worker, postgresql_server, new_database, open_flock, dsd
):
    url = new_database(postgresql_server)
    flock = open_flock(url)
    answer = stop_and_pass(start_worker, flock, url, dsd, "before-commit", pause=1.5)
    assert answer["error"] == "StoreUnavailableError"
    assert flock.rows(dsd) == [row("2")]


@pytest.fixture
def stopped_in_its_commit(start_worker, open_flock, dsd):
    """A SQLite store, and a writer of it that stopped between writing the catalog and its commit."""
    flock = open_flock(clock=utc_now)
    flock.load(dsd, [row()])
    writer = start_worker()
    assert writer.answer() == "ready"
    writer.send(do="stop", point="before-commit", number=1, pause=0)
    until(lambda: _is_stopped(writer.process.pid))
    yield flock, writer
    writer.process.send_signal(signal.SIGCONT)


def test_a_holder_that_stops_in_its_commit_on_sqlite_is_waited_for(stopped_in_its_commit, dsd):
    """Nobody can write meanwhile, everybody reads the state before it; then each has its turn."""
    flock, writer = stopped_in_its_commit
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(flock.load, dsd, [row("2")])
        for _ in range(20):
            assert flock.rows(dsd) == [row()]
            time.sleep(0.05)
        assert flock.store.check() == ()
        assert not waiter.done()
        writer.process.send_signal(signal.SIGCONT)
        assert json.loads(writer.answer()) == {"transaction": 2}
        assert waiter.result(40).transaction == 3
    assert row("2") in flock.rows(dsd)
    assert len(flock.store.ledger()) == 3


def test_a_holder_that_is_killed_where_it_stopped_in_its_commit_on_sqlite_wrote_nothing(
    stopped_in_its_commit, dsd
):
    flock, writer = stopped_in_its_commit
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(flock.load, dsd, [row("2")])
        time.sleep(1)
        assert not waiter.done()
        writer.process.kill()
        assert waiter.result(20).transaction == 2
    assert flock.rows(dsd) == [row("2")]
    assert len(flock.store.ledger()) == 2
    assert flock.store.check() == ()


@pytest.mark.long
def test_a_writer_does_not_wait_for_ever_for_a_commit_on_sqlite(stopped_in_its_commit, dsd):
    flock, writer = stopped_in_its_commit
    before = time.monotonic()
    with pytest.raises(StoreUnavailableError, match=r"another process .* stands still"):
        flock.load(dsd, [row("2")])
    assert 25 < time.monotonic() - before < 90
    assert flock.rows(dsd) == [row()]
    writer.process.send_signal(signal.SIGCONT)
    assert json.loads(writer.answer()) == {"transaction": 2}
    flock.load(dsd, [row("3")])
    assert len(flock.store.ledger()) == 3


def test_writing_again_after_the_table_was_lost(flock, dsd):
    """A restored catalog may be older than the table."""
    flock.load(dsd, [row()])
    with flock.store._catalog.engine.begin() as connection:
        connection.execute(sa.text("drop table ticket"))
    with pytest.raises(StoreError, match="ticket"):
        flock.load(dsd, [row("2")])
    flock.load(dsd, [row("2")])
    assert flock.rows(dsd) == [row("2")]
