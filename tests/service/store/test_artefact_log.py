"""Pushed structures in the catalog: every state stays, a message is there whole or not at all."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from service.store.backup import restore
from service.store.engine import ParquetStore
from service.store.fault import ARTEFACT_POINTS
from service.store.protocol import ArtefactChange, StoreError, StructureRecord, TokenRecord

URN = "urn:sdmx:org.sdmx.infomodel.codelist.Codelist=EX:CL_{}(1.0)"
A, B = URN.format("A"), URN.format("B")
RECORD = StructureRecord("office", "EX", "POST /sdmx/v2/structure", "M1", "f" * 64)


def push(store, *changes: tuple[str, str | None], record: StructureRecord = RECORD):
    with store.artefacts.changing():
        return store.artefacts.write(
            [ArtefactChange(urn, "Replace" if said else "Delete", said) for urn, said in changes],
            record,
        )


def said(store, at: int | None = None) -> dict[str, str]:
    _, states = store.artefacts.states(at)
    return {
        key.urn: content
        for key, content in store.artefacts.contents([state.key for state in states])
    }


def test_every_state_can_be_read_again(flock):
    store = flock.store
    assert store.artefacts.revision() == 0
    first = push(store, (A, "a1"), (B, "b1"))
    second = push(store, (A, "a2"))
    third = push(store, (A, None))
    fourth = push(store, (A, "a3"))
    assert store.artefacts.revision() == fourth.number
    assert said(store) == {A: "a3", B: "b1"}
    assert said(store, 0) == {}
    assert said(store, first.number) == {A: "a1", B: "b1"}
    assert said(store, second.number) == {A: "a2", B: "b1"}
    assert said(store, third.number) == {B: "b1"}
    just_before = fourth.at - timedelta(microseconds=1)
    assert store.artefacts.revision_at(just_before) == third
    assert store.artefacts.revision_at(first.at - timedelta(days=1)).number == 0


def test_the_history_tells_who_and_by_what(flock):
    push(flock.store, (A, "a1"), (B, "b1"))
    other = StructureRecord("else", "EX", "DELETE /sdmx/v2/structure/codelist/EX/CL_A/1.0")
    done = push(flock.store, (A, None), record=other)
    latest, first = flock.store.artefacts.history(A)
    assert (latest.action, latest.sha256, latest.at, latest.record) == (
        "Delete",
        None,
        done.at,
        other,
    )
    assert (first.action, first.record) == ("Replace", RECORD)
    assert [entry.urn for entry in flock.store.artefacts.history()] == [A, A, B]
    assert len(flock.store.artefacts.history(limit=1)) == 1


def test_data_and_structures_share_one_line_of_transactions(flock, dsd):
    pushed = push(flock.store, (A, "a1"))
    loaded = flock.load(dsd, [{"REF_AREA": "IDN", "FREQ": "A", "SEX": "SEX_T", "TOPIC": "x",
                               "TIME_PERIOD": "2024", "OBS_VALUE": "1"}])  # fmt: skip
    assert loaded.transaction == pushed.number + 1
    assert flock.store.artefacts.revision() == pushed.number
    assert flock.store.revision(dsd.urn).number == loaded.transaction


def test_a_backup_holds_structures_and_tokens(flock, tmp_path, open_flock):
    push(flock.store, (A, "a1"))
    push(flock.store, (A, "a2"))
    token = TokenRecord("id", "office", "EX", "agency", "0" * 64, flock.clock())
    flock.store.tokens.add(token)
    flock.store.backup(tmp_path / "backup")
    restore(
        replace(flock.settings, store_folder=tmp_path / "other", store_url=""), tmp_path / "backup"
    )
    again = open_flock("", tmp_path / "other").store
    assert said(again) == {A: "a2"}
    assert said(again, 1) == {A: "a1"}
    assert list(again.tokens.all()) == [token]


def test_an_account_has_one_token_that_holds(flock):
    token = TokenRecord("one", "office", "EX", "agency", "0" * 64, flock.clock())
    flock.store.tokens.add(token)
    with pytest.raises(StoreError, match="revoke that first"):
        flock.store.tokens.add(replace(token, id="two"))
    assert flock.store.tokens.revoke("office", flock.clock())
    assert not flock.store.tokens.revoke("office", flock.clock())
    flock.store.tokens.add(replace(token, id="two"))
    assert flock.store.tokens.find("one").revoked_at is not None
    assert flock.store.tokens.find("two").revoked_at is None
    assert flock.store.tokens.find("three") is None


@pytest.mark.parametrize("point", ARTEFACT_POINTS)
def test_a_message_of_a_writer_that_is_killed_is_there_whole_or_not_at_all(
    flock, open_flock, point
):
    push(flock.store, (A, "a1"))
    flock.store.close()

    def die(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()  # noqa: TID251 - tests of crashes run where there is fork
    if child == 0:  # The child must not come back into the tests, whatever happens.
        try:
            push(ParquetStore(flock.settings, fault=die), (A, "a2"), (B, "b2"))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    store = open_flock(flock.settings.store_url).store
    committed = point == "artefacts-after-commit"
    assert said(store) == ({A: "a2", B: "b2"} if committed else {A: "a1"})
    push(store, (B, "b3"))
    assert said(store)[B] == "b3"


def test_writers_take_turns(flock, open_flock):
    """Each adds one to what it reads: a turn that is not held loses some."""
    url = flock.settings.store_url
    push(flock.store, (A, "0"))

    def count_up() -> None:
        store = open_flock(url).store
        for _ in range(5):
            with store.artefacts.changing():
                number = int(said(store)[A])
                store.artefacts.write([ArtefactChange(A, "Replace", str(number + 1))], RECORD)

    threads = [threading.Thread(target=count_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert said(flock.store) == {A: "15"}
