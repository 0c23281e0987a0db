"""An application over a real store with a part of Table 15."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dsd.batch import batches_from_rows
from dsd.dataset import Dataset
from dsd.structures import Structures
from service.access.accounts import Accounts
from service.access.principal import Role
from service.app import create_app
from service.config import Settings
from service.store import open_store
from service.store.protocol import Store, SubmissionRecord
from tests.service.rest.sample_data import DF_T, sample_dataset, sample_structures

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"


@pytest.fixture(scope="session")
def stored(examples: Path) -> list[dict[str, str]]:
    """The observations in the store, a row each."""
    path = examples / "rest" / "thread" / "observations.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("service")
    return Settings(
        store_folder=folder / "store",
        temporary_folder=folder / "temporary",
        workers=1,
        threads_per_worker=4,
        clock=lambda: datetime(2026, 11, 21, 12, tzinfo=UTC),
    )


@pytest.fixture(scope="session")
def filled(settings: Settings, structures: Structures, stored: list[dict[str, str]]) -> Settings:
    """Settings whose store holds the observations."""
    dsd = structures.dsd(FLOW)
    store = open_store(settings)
    store.write([Dataset(dsd, batches_from_rows(dsd, stored))], SubmissionRecord("first"))
    store.close()
    return settings


@pytest.fixture(scope="session")
def store(filled: Settings) -> Iterator[Store]:
    opened = open_store(filled)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def app(filled: Settings, structures: Structures, store: Store) -> Flask:
    return create_app(filled, structures, store)


class BufferedClient(FlaskClient):
    """Reads and closes each response, as a server does."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, buffered=True, **kwargs)


@pytest.fixture(scope="session")
def client_of() -> Callable[[Flask], FlaskClient]:
    """Return the client of an application."""
    return lambda app: BufferedClient(app, app.response_class)


@pytest.fixture
def client(app: Flask, client_of: Callable[[Flask], FlaskClient]) -> FlaskClient:
    return client_of(app)


@pytest.fixture(scope="session")
def running(serve_all: Callable[[Path], str], filled: Settings) -> str:
    """The URL of the service as a process of its own, over the same observations."""
    return serve_all(filled.store_folder)


@pytest.fixture(scope="session")
def sample_client(
    examples: Path,
    tmp_path_factory: pytest.TempPathFactory,
    client_of: Callable[[Flask], FlaskClient],
) -> Iterator[FlaskClient]:
    """The client of a service with the observations of `sample_data`."""
    structures = sample_structures(examples)
    folder = tmp_path_factory.mktemp("sample")
    settings = Settings(
        store_folder=folder / "store",
        temporary_folder=folder / "temporary",
        clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
    )
    store = open_store(settings)
    store.write([sample_dataset(structures.dsd(DF_T))], SubmissionRecord("sample"))
    yield client_of(create_app(settings, structures, store))
    store.close()


@pytest.fixture(scope="session")
def with_metadata(
    tmp_path_factory: pytest.TempPathFactory,
    structures: Structures,
    examples: Path,
    client_of: Callable[[Flask], FlaskClient],
) -> Iterator[FlaskClient]:
    """A client of a service to which a metadata structure, a flow and an agreement were pushed in November 2026."""
    folder = tmp_path_factory.mktemp("metadata")
    settings = Settings(
        store_folder=folder / "store",
        temporary_folder=folder / "temporary",
        clock=lambda: datetime(2026, 11, 21, 12, tzinfo=UTC),
    )
    store = open_store(settings)
    token = Accounts(store.tokens, settings.clock).add("example", "TST", Role.AGENCY)
    client = client_of(create_app(settings, structures, store))
    pushed = client.post(
        "/sdmx/v2/structure",
        data=(examples / "rest/metadata/structures.json").read_bytes(),
        headers={"Authorization": f"Bearer {token.text}"},
    )
    assert pushed.status_code == 201, pushed.text
    yield client
    store.close()
