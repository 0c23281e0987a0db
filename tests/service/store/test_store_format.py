"""Stores of other formats: each released one opens as it was, an older one is migrated, a newer one refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dsd.structures import load_structures
from service.cli import main
from service.config import utc_now
from service.query.selection import Selection
from service.store import migration
from service.store.backup import restore
from service.store.catalog import FORMAT_VERSION
from service.store.fault import BACKUP_POINTS, MIGRATE_POINTS, RESTORE_POINTS
from service.store.migration import STEPS, migrate, oldest_format
from service.store.protocol import StoreError, StoreFormatError

FORMATS = sorted((Path(__file__).parents[2] / "examples" / "store").glob("format-*"))


@pytest.fixture(params=FORMATS, ids=lambda folder: folder.name)
def released(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the example store of a released format."""
    return shutil.copytree(request.param, tmp_path / "store")


def right_answers(store, examples: Path, answers: dict[str, Any]) -> bool:
    """Compare every state of a store with what its submissions amount to."""
    structures = load_structures([examples / "store" / "structures" / "first"])
    urn = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=EX:{}(1.0.0)"
    assert answers["observations"]
    for answer in answers["observations"]:
        dsd = structures.dsd(urn.format(answer["dataflow"]))
        at = datetime.fromisoformat(answer["as_of"])
        with store.read(Selection(dsd, as_of=at)) as snapshot:
            rows = [
                {name: value for name, value in row.items() if value is not None}
                for batch in snapshot.batches
                for row in batch.to_pylist()
            ]
        assert rows == answer["rows"]
    entries = [entry.submission.id for entry in store.ledger()]
    assert entries == answers["submissions"][::-1]
    _, states = store.artefacts.states()
    contents = store.artefacts.contents([state.key for state in states])
    assert {key.urn: content for key, content in contents} == answers.get("artefacts", {})
    assert [token.account for token in store.tokens.all()] == answers.get("accounts", [])
    with store.read(Selection(structures.dsd(urn.format("DF_FLOCK")))) as snapshot:
        above = {tuple(entry.key.items()): entry.values for entry in snapshot.preamble.attributes}
    assert above == {
        (): {"TITLE": "Flocks"},
        (("REF_AREA", "IDN"),): {"CONTACT_POINT": ("a", "b")},
    }
    return store.check() == ()


def test_every_released_format_has_an_example_and_a_way_to_this_one():
    assert [folder.name for folder in FORMATS] == [
        f"format-{number}" for number in range(1, FORMAT_VERSION + 1)
    ]
    assert [step.source for step in STEPS] == list(range(1, FORMAT_VERSION))


def test_a_released_format_answers_as_it_did(released, open_flock, examples, tmp_path):
    answers = json.loads((released / "answers.json").read_text(encoding="utf-8"))
    settings = open_flock("", tmp_path / "elsewhere").settings
    migrate(replace(settings, store_folder=released), tmp_path / "backup")
    flock = open_flock("", released, clock=utc_now)
    assert right_answers(flock.store, examples, answers)
    flock.store.compact()
    assert right_answers(flock.store, examples, answers)


@pytest.fixture
def old(
    open_flock: Callable[..., Any], store_url: str, examples: Path, load_test_module: Any
) -> Any:
    """A store of the made-up format 0; its URL, folder and right answers."""
    maker, format_0 = load_test_module("make_format_example"), load_test_module("format_0")
    flock = open_flock(store_url)
    flock.store.close()
    source = examples / "store" / "submissions.json"
    submissions = json.loads(source.read_text(encoding="utf-8"))
    instants = maker.write_store(examples, flock.store.folder, submissions, store_url)
    format_0.downgrade(flock.store._catalog.url)
    answers = {
        "submissions": [entry["id"] for entry in submissions],
        "observations": maker.expected(submissions, instants),
    }
    return flock.settings, answers, format_0.FORMAT_0_STEPS


def test_an_older_format_is_refused_and_migrated_with_a_backup(
    old, open_flock, examples, tmp_path, store_url
):
    settings, answers, steps = old
    with pytest.raises(StoreFormatError, match="ilms store migrate"):
        open_flock(store_url, steps=steps)
    with pytest.raises(StoreFormatError, match="no release writes"):
        open_flock(store_url)
    done = migrate(settings, tmp_path / "backup", steps=steps)
    assert (done.source, done.target, done.backup) == (
        0,
        FORMAT_VERSION,
        tmp_path / "backup",
    )
    assert right_answers(open_flock(store_url).store, examples, answers)
    assert migrate(settings, tmp_path / "again", steps=steps).backup is None
    assert not (tmp_path / "again").exists()
    # The backup is of the format that it was: it is restored, and migrated like any other.
    restored = replace(settings, store_folder=tmp_path / "restored", store_url="")
    assert restore(restored, tmp_path / "backup").format == 0
    with pytest.raises(StoreFormatError, match="ilms store migrate"):
        open_flock("", tmp_path / "restored", steps=steps)
    migrate(restored, tmp_path / "second", steps=steps)
    assert right_answers(open_flock("", tmp_path / "restored").store, examples, answers)


POINTS = [
    *((point, 1) for point in MIGRATE_POINTS),
    ("migrate-before-commit", 3),
    ("migrate-after-commit", 4),
    *(pytest.param(point, 1, marks=pytest.mark.long) for point in BACKUP_POINTS),
]


@pytest.mark.parametrize(("point", "times"), POINTS)
def test_a_migration_that_was_killed_goes_on(
    old, start_worker, open_flock, examples, tmp_path, store_url, point, times
):
    settings, answers, steps = old
    backup = tmp_path / "backup"
    worker = start_worker(store_url)
    assert worker.answer() == "ready"
    worker.send(die=(point, times), migrate=str(backup))
    assert json.loads(worker.answer()) == {"signal": 9}
    migrate(settings, backup, steps=steps)
    assert right_answers(open_flock(store_url).store, examples, answers)
    restored = replace(settings, store_folder=tmp_path / "restored", store_url="")
    restore(restored, backup)
    migrate(restored, tmp_path / "second", steps=steps)
    assert right_answers(open_flock("", tmp_path / "restored").store, examples, answers)


@pytest.mark.parametrize("point", RESTORE_POINTS)
def test_a_restoring_that_was_killed_goes_on(
    old, start_worker, open_flock, examples, tmp_path, store_url, point
):
    settings, answers, steps = old
    backup, target = tmp_path / "backup", tmp_path / "restored"
    migrate(settings, backup, steps=steps)
    whole = tmp_path / "whole"
    open_flock(store_url).store.backup(whole)
    worker = start_worker(store_url)
    assert worker.answer() == "ready"
    worker.send(die=(point, 1), restore=str(whole), into=str(target))
    assert json.loads(worker.answer()) == {"signal": 9}
    if point not in ("restore-after-commit", "restore-unmarked"):
        with pytest.raises(StoreError):
            open_flock("", target)
        restore(replace(settings, store_folder=target, store_url=""), whole)
    assert right_answers(open_flock("", target).store, examples, answers)


def test_a_store_that_is_not_there_is_not_migrated(
    open_flock, tmp_path, postgresql_server, new_database
):
    settings = open_flock("", tmp_path / "elsewhere").settings
    for other in (
        replace(settings, store_folder=tmp_path / "none"),
        replace(settings, store_url=new_database(postgresql_server)),
    ):
        with pytest.raises(StoreError, match="no store"):
            migrate(other, tmp_path / "backup")


def test_steps_say_which_formats_can_be_migrated(old):
    assert oldest_format() == 1
    assert oldest_format(old[2]) == 0


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["store", *map(str, arguments)])
    return result.exit_code, result.output


def test_the_commands(released, open_flock, examples, tmp_path, monkeypatch, load_test_module):
    answers = json.loads((released / "answers.json").read_text(encoding="utf-8"))
    here = ("--store", released)
    assert run("migrate", "--backup", tmp_path / "older", *here)[0] == 0
    newest = 8 if "artefacts" in answers else 6
    code, text = run("compact", *here)
    assert code == 0
    assert "files became" in text
    code, text = run("collect", *here, "--grace-minutes", 0)
    assert code == 0
    assert "files removed" in text
    code, text = run("backup", tmp_path / "backup", *here)
    assert code == 0
    assert f"transaction {newest} of 2026-01-0" in text
    assert run("backup", tmp_path / "backup", *here)[0] == 2
    assert run("restore", tmp_path / "backup", *here)[0] == 2
    target = tmp_path / "restored"
    code, text = run("restore", tmp_path / "backup", "--store", target)
    assert code == 0
    assert f"transaction {newest}" in text
    assert right_answers(open_flock("", target).store, examples, answers)
    code, text = run("migrate", "--backup", tmp_path / "none", "--store", target)
    assert (code, text) == (0, f"the store has format {FORMAT_VERSION} already: nothing to do\n")
    format_0 = load_test_module("format_0")
    format_0.downgrade(f"sqlite:///{(target / 'catalog.sqlite').as_posix()}")
    monkeypatch.setattr(migration, "STEPS", format_0.FORMAT_0_STEPS)
    code, text = run("migrate", "--backup", tmp_path / "before", "--store", target)
    assert code == 0
    assert f"format 0 became {FORMAT_VERSION}" in text
    # Format 0 had no structures and no tokens.
    older = answers | {"artefacts": {}, "accounts": []}
    assert right_answers(open_flock("", target).store, examples, older)


@pytest.mark.parametrize("command", [("check",), ("compact",), ("collect",), ("backup", "target")])
def test_a_store_that_is_not_there_is_not_made(tmp_path, command):
    words = [word if word != "target" else tmp_path / word for word in command]
    code, text = run(*words, "--store", tmp_path / "typo")
    assert code == 2
    assert "there is no store" in text
    assert not (tmp_path / "typo").exists()
