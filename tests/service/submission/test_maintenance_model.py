"""Random maintenance against a plain dictionary: what is answered, what is there, and what was there at each instant."""

from __future__ import annotations

import copy
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from codelists.item_scheme import Code, Codelist, Concept, ConceptScheme
from codelists.representation import Representation
from codelists.urn import Urn
from dsd.structures import Structures
from service.access.principal import Principal, Role
from service.config import Settings
from service.formats.contract import EncodeOptions, Header
from service.formats.structure_json import encode_structures_json
from service.formats.structure_table.vocabulary import Form
from service.registry.maintenance import StructureAction
from service.registry.registries import Registries
from service.store import open_store
from service.submission.structures import Asked, StructureDesk

START = datetime(2026, 1, 1, tzinfo=UTC)
LISTS = st.sampled_from(["L1", "L2"])
VERSIONS = st.sampled_from(["1.0", "1.0.0-draft", "1.0.0"])
CODES = st.lists(st.sampled_from("ABCDE"), unique=True, max_size=4)
PRINCIPAL = Principal("office", "TST", Role.AGENCY)
State = dict[tuple[str, str], list[str]]
"""Codes of each list by id and version; concept schemes hold the version of the list that they refer to."""


def codelist(id: str, version: str, codes: list[str], partial: bool = False) -> Codelist:
    return Codelist(
        id=id, agency_id="TST", version=version, names={"en": id}, is_partial=partial,
        codes=tuple(Code(id=code, names={"en": code}) for code in codes),
    )  # fmt: skip


def user_of(id: str, version: str) -> ConceptScheme:
    enumeration = str(Urn("Codelist", "TST", id, version))
    concept = Concept(
        id="C", names={"en": "C"}, core_representation=Representation(enumeration=enumeration)
    )
    return ConceptScheme(
        id=f"USER_{id}", agency_id="TST", version="1.0", names={"en": "u"}, concepts=(concept,)
    )


def merged(known: list[str], listed: list[str]) -> list[str]:
    """Put new codes after the known one that they follow, or before the first known one, else last."""
    result, before = list(known), None
    leading: list[str] = []
    for code in listed:
        if code in known:
            if before is None:
                place = result.index(code)
                result[place:place] = leading
                leading = []
            before = code
        elif before is None:
            leading.append(code)
        else:
            result.insert(result.index(before) + 1, code)
            before = code
    return result + leading


class Maintenance(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.moment = START
        chosen = Settings(store_folder=Path(self.folder.name), clock=self.tick)
        self.store = open_store(chosen)
        self.registries = Registries(Structures([]), self.store.artefacts)
        self.elsewhere = Registries(Structures([]), self.store.artefacts)
        self.desk = StructureDesk(self.registries, self.store.artefacts, self.store, chosen)
        self.lists: State = {}
        self.users: dict[str, str] = {}
        self.past: list[tuple[datetime, State, dict[str, str]]] = []

    def tick(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def push(self, *artefacts, action: StructureAction | None = None) -> int:
        body = b"".join(
            encode_structures_json(
                Form.JSON21, Header("M", START), artefacts, Structures(artefacts), EncodeOptions()
            )
        )
        return self.desk.submit(body, None, Asked("POST", PRINCIPAL, action)).plan.status

    def note(self) -> None:
        """Remember the state of this instant."""
        self.past.append((self.moment, copy.deepcopy(self.lists), dict(self.users)))

    def may_become(self, key: tuple[str, str], codes: list[str]) -> bool:
        return key[1] != "1.0.0" or key not in self.lists or self.lists[key] == codes

    @rule(id=LISTS, version=VERSIONS, codes=CODES)
    def submit(self, id: str, version: str, codes: list[str]) -> None:
        key, known = (id, version), self.lists.get((id, version))
        status = self.push(codelist(id, version, codes))
        if not self.may_become(key, codes):
            assert status == 409
            return
        assert status == (201 if known is None else 200)
        self.lists[key] = codes
        self.note()

    @rule(id=LISTS, version=VERSIONS, codes=CODES)
    def submit_in_part(self, id: str, version: str, codes: list[str]) -> None:
        key = (id, version)
        status = self.push(codelist(id, version, codes, partial=True))
        if key not in self.lists:
            assert status == 404
            return
        result = merged(self.lists[key], codes)
        if not self.may_become(key, result):
            assert status == 409
            return
        assert status == 200
        self.lists[key] = result
        self.note()

    @rule(id=LISTS, version=VERSIONS, codes=CODES)
    def append(self, id: str, version: str, codes: list[str]) -> None:
        key, known = (id, version), self.lists.get((id, version))
        status = self.push(codelist(id, version, codes), action=StructureAction.APPEND)
        assert status == (201 if known is None else 200 if known == codes else 409)
        if known is None:
            self.lists[key] = codes
            self.note()

    @rule(id=LISTS, version=VERSIONS)
    def refer(self, id: str, version: str) -> None:
        known = f"USER_{id}" in self.users
        status = self.push(user_of(id, version))
        if (id, version) not in self.lists:
            assert status == 409
            return
        assert status == (200 if known else 201)
        self.users[f"USER_{id}"] = version
        self.note()

    @rule(id=LISTS, version=VERSIONS)
    def delete(self, id: str, version: str) -> None:
        urn = Urn("Codelist", "TST", id, version)
        status = self.desk.delete(urn, None, Asked("DELETE", PRINCIPAL)).plan.status
        if (id, version) not in self.lists:
            assert status == 404
        elif version == "1.0.0" or self.users.get(f"USER_{id}") == version:
            assert status == 409
        else:
            assert status == 200
            del self.lists[id, version]
            self.note()

    @rule(id=LISTS)
    def refer_no_more(self, id: str) -> None:
        urn = Urn("ConceptScheme", "TST", f"USER_{id}", "1.0")
        status = self.desk.delete(urn, None, Asked("DELETE", PRINCIPAL)).plan.status
        assert status == (200 if self.users.pop(f"USER_{id}", None) else 404)
        self.note()

    @rule(id=LISTS, version=VERSIONS, code=st.sampled_from("ABCDE"))
    def delete_code(self, id: str, version: str, code: str) -> None:
        urn = Urn("Codelist", "TST", id, version)
        status = self.desk.delete(urn, code, Asked("DELETE", PRINCIPAL)).plan.status
        codes = self.lists.get((id, version), [])
        if code not in codes:
            assert status == 404
        elif version == "1.0.0":
            assert status == 409
        else:
            assert status == 200
            codes.remove(code)
            self.note()

    @rule(codes=CODES)
    def submit_with_what_fails(self, codes: list[str]) -> None:
        missing = user_of("L9", "1.0")
        assert self.push(codelist("L1", "1.0", codes), missing) == 409

    @invariant()
    def the_registry_is_as_the_model(self) -> None:
        if hasattr(self, "store"):
            for registries in (self.registries, self.elsewhere):
                assert self.state_of(registries.current()) == (self.lists, self.users)

    @precondition(lambda self: getattr(self, "past", None))
    @rule(data=st.data())
    def a_former_instant_is_as_it_was(self, data: st.DataObject) -> None:
        instant, lists, users = data.draw(st.sampled_from(self.past))
        assert self.state_of(self.elsewhere.at(instant)) == (lists, users)

    @staticmethod
    def state_of(registry) -> tuple[State, dict[str, str]]:
        lists: State = {}
        users: dict[str, str] = {}
        for artefact in registry.structures:
            if isinstance(artefact, Codelist):
                lists[artefact.id, artefact.version] = [code.id for code in artefact.codes]
            else:
                reference = artefact.concepts[0].core_representation.enumeration
                users[artefact.id] = reference.rpartition("(")[2].rstrip(")")
        return lists, users


class TestMaintenance(Maintenance.TestCase):
    settings = settings(
        max_examples=12,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.long
class TestMaintenanceAtLength(Maintenance.TestCase):
    settings = settings(
        max_examples=300,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
