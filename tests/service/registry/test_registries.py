"""The registry follows what is pushed, and remembers what it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from codelists.base import replaced
from codelists.item_scheme import Code, Codelist
from dsd.structures import Structures
from service.config import Settings
from service.registry.registries import Registries, as_text, from_text
from service.store import open_store
from service.store.protocol import ArtefactChange, StructureRecord

RECORD = StructureRecord("office", "EX", "POST /structure")


class Clock:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def codelist(id: str = "CL", version: str = "1.0", codes: str = "AB") -> Codelist:
    return Codelist(
        id=id, agency_id="EX", version=version, names={"en": id, "km": "ភេទ"},
        codes=tuple(Code(id=code, names={"en": code}) for code in codes),
    )  # fmt: skip


BASE = Structures([codelist("CL_FINAL", "1.0.0"), codelist("CL_OPEN", "1.0")])


@pytest.fixture
def open_registries(tmp_path):
    stores = []

    def open_():
        stores.append(open_store(Settings(store_folder=tmp_path / "store", clock=Clock())))
        return Registries(BASE, stores[-1].artefacts), stores[-1].artefacts

    yield open_
    for store in stores:
        store.close()


def push(artefacts, *pushed, delete=()):
    with artefacts.changing():
        return artefacts.write(
            [
                *(ArtefactChange(str(entry.urn), "Replace", as_text(entry)) for entry in pushed),
                *(ArtefactChange(str(entry.urn), "Delete", None) for entry in delete),
            ],
            RECORD,
        )


def names(registry) -> list[str]:
    return [artefact.urn.short for artefact in registry.structures]


def test_an_artefact_comes_back_from_the_store_as_it_was():
    assert from_text(as_text(codelist())) == codelist()


def test_nothing_pushed_is_the_built_in_artefacts(open_registries):
    registries, _ = open_registries()
    assert names(registries.current()) == ["EX:CL_FINAL(1.0.0)", "EX:CL_OPEN(1.0)"]
    assert registries.current() is registries.current()


def test_another_process_sees_a_change_with_its_next_look(open_registries):
    registries, artefacts = open_registries()
    elsewhere, _ = open_registries()
    before = elsewhere.current()
    push(artefacts, codelist())
    after = elsewhere.current()
    assert "EX:CL(1.0)" in names(after)
    assert "EX:CL(1.0)" not in names(before)
    assert after.content_hash != before.content_hash
    assert registries.current().content_hash == after.content_hash


def test_what_did_not_change_is_not_read_again(open_registries):
    registries, artefacts = open_registries()
    push(artefacts, codelist("CL_A"), codelist("CL_B"))
    first = registries.current().structures
    push(artefacts, codelist("CL_B", codes="XYZ"))
    second = registries.current().structures
    of = "urn:sdmx:org.sdmx.infomodel.codelist.Codelist=EX:{}(1.0)"
    assert second.find(of.format("CL_A")) is first.find(of.format("CL_A"))
    assert second.find(of.format("CL_B")) == codelist("CL_B", codes="XYZ")


def test_a_pushed_artefact_counts_before_a_built_in_one_that_is_no_final_version(open_registries):
    registries, artefacts = open_registries()
    push(artefacts, codelist("CL_OPEN", codes="Z"), codelist("CL_FINAL", "1.0.0", "Z"))
    found = {
        artefact.id: [c.id for c in artefact.codes] for artefact in registries.current().structures
    }
    assert found == {"CL_FINAL": ["A", "B"], "CL_OPEN": ["Z"]}


def test_every_instant_is_as_it_was(open_registries):
    registries, artefacts = open_registries()
    instants = [
        push(artefacts, codelist(codes=codes)).at
        for codes in ("A", "AB", "ABC", "ABCD", "ABCDE", "ABCDEF")
    ]
    gone = push(artefacts, delete=[codelist()]).at
    urn = codelist().urn
    for number, instant in [*enumerate(instants, 1)] * 2:
        assert len(registries.at(instant).structures.find(urn).codes) == number
    assert registries.at(instants[0] - timedelta(days=1)).structures.find(urn) is None
    assert registries.at(gone).structures.find(urn) is None
    assert registries.at(gone) is registries.current()
    assert registries.at(instants[2]).content_hash != registries.at(instants[3]).content_hash


def test_a_state_that_comes_back_has_the_hash_that_it_had(open_registries):
    registries, artefacts = open_registries()
    push(artefacts, codelist())
    first = registries.current().content_hash
    push(artefacts, replaced(codelist(), codes=()))
    push(artefacts, codelist())
    assert registries.current().content_hash == first
