"""Stores to test: one contract, run on every catalog."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dsd.batch import ANNOTATIONS, batch_schema, batches_from_rows
from dsd.dataset import Action, Dataset
from dsd.resolved import Dsd
from dsd.structures import load_structures
from service.config import Settings
from service.query.selection import Selection
from service.store.engine import ParquetStore
from service.store.protocol import SubmissionRecord

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=EX:{}(1.0.0)"


class Dsds(dict[str, Dsd]):
    """DSDs by name, short in what a failing property test prints."""

    def __repr__(self) -> str:
        return f"Dsds({', '.join(self)})"


class SteppingClock:
    """A clock that goes on by a second each time it is asked."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


class Flock:
    """A store with what makes tests on it short."""

    def __init__(self, store: ParquetStore, clock: SteppingClock, settings: Settings) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self.number = 0

    def load(
        self, dsd: Dsd, rows: list[dict[str, Any]], action: Action = Action.MERGE, **more: Any
    ) -> Any:
        """Write rows as one submission."""
        return self.write([dataset(dsd, rows, action, **more)])

    def write(self, datasets: list[Dataset], id: str | None = None) -> Any:
        """Write datasets as one submission with an id of its own."""
        self.number += 1
        return self.store.write(datasets, SubmissionRecord(id or f"submission-{self.number}"))

    def rows(self, dsd: Dsd, **selection: Any) -> list[dict[str, Any]]:
        """Read the rows of a selection, absent values left out."""
        with self.store.read(Selection(dsd, **selection)) as snapshot:
            found = [
                {name: value for name, value in row.items() if value is not None}
                for batch in snapshot.batches
                for row in batch.to_pylist()
            ]
            assert snapshot.preamble.observations == len(found)
        assert self.store.count(Selection(dsd, **selection)) == len(found)
        return found


def dataset(
    dsd: Dsd, rows: list[dict[str, Any]], action: Action = Action.MERGE, **more: Any
) -> Dataset:
    """Return a dataset of rows."""
    noted = any(ANNOTATIONS in row for row in rows)
    schema = batch_schema(dsd, locators=True, actions=True, annotations=noted)
    return Dataset(dsd, list(batches_from_rows(dsd, rows, schema)), action, **more)


@pytest.fixture(scope="session")
def make_dataset() -> Callable[..., Dataset]:
    """The maker of datasets from rows."""
    return dataset


@pytest.fixture(scope="session")
def load_test_module() -> Callable[[str], Any]:
    """The importer of a module beside the tests, which also runs as a script."""

    def load(name: str) -> Any:
        spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def flock_dsds(examples: Path) -> Dsds:
    """The DSDs of the examples by name."""
    root = examples / "store" / "structures"
    first = load_structures([root / "first"])
    widened = load_structures([root / "first", root / "widened"])
    return Dsds(
        {
            "flock": first.dsd(FLOW.format("DF_FLOCK")),
            "herd": first.dsd(FLOW.format("DF_HERD")),
            "timeless": first.dsd(FLOW.format("DF_TIMELESS")),
            "wide": widened.dsd(FLOW.format("DF_FLOCK")),
        }
    )


@pytest.fixture(scope="session")
def dsd(flock_dsds: dict[str, Dsd]) -> Dsd:
    """The DSD of the first dataflow."""
    return flock_dsds["flock"]


def _binary(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A PostgreSQL server of this session, reached through a socket only; its URL without a database."""
    initdb, server = _binary("initdb"), _binary("postgres")
    if initdb is None or server is None:
        pytest.skip("needs the PostgreSQL server: install the package postgresql")
    # Not below pytest's own folder, which other users cannot enter.
    root = Path(tempfile.mkdtemp(prefix="ilms-postgresql-"))
    root.chmod(0o755)
    data = root / "data"
    data.mkdir()
    prefix: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses root.
        prefix = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        shutil.chown(root, "nobody", "nogroup")
        shutil.chown(data, "nobody", "nogroup")
    subprocess.run(
        [*prefix, initdb, "-D", data, "-U", "ilms", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        check=True, capture_output=True, cwd=root,
    )  # fmt: skip
    process = subprocess.Popen(
        [*prefix, server, "-D", data, "-k", root, "-c", "listen_addresses=", "-c", "fsync=off"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=root,
    )  # fmt: skip
    try:
        url = f"postgresql+psycopg://ilms@/{{}}?host={root}"
        _await(url.format("postgres"), process)
        yield url
    finally:
        process.send_signal(signal.SIGINT)  # At once, whoever is connected.
        process.wait(30)
        shutil.rmtree(root, ignore_errors=True)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    engine = sa.create_engine(url)
    deadline = datetime.now(UTC) + timedelta(seconds=30)
    while True:
        assert process.poll() is None, "the PostgreSQL server ended"
        try:
            engine.connect().close()
        except sa.exc.OperationalError:
            assert datetime.now(UTC) < deadline, "the PostgreSQL server does not answer"
        else:
            engine.dispose()
            return


def _database(server: str) -> str:
    """Create a database of its own and return its URL."""
    name = f"store_{os.urandom(6).hex()}"
    engine = sa.create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"create database {name}"))
    engine.dispose()
    return server.format(name)


@pytest.fixture(scope="session")
def new_database() -> Callable[[str], str]:
    """The maker of empty databases on a server."""
    return _database


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty catalog of each kind."""
    if request.param == "sqlite":
        return ""
    return _database(request.getfixturevalue("postgresql_server"))


@pytest.fixture
def open_flock(tmp_path: Path) -> Iterator[Callable[..., Flock]]:
    """An opener of stores; those that it opened are closed at the end."""
    opened: list[Flock] = []

    def open_(url: str = "", folder: Path | None = None, **options: Any) -> Flock:
        clock = options.pop("clock", None) or SteppingClock()
        settings = Settings(
            store_folder=folder or tmp_path / "store",
            store_url=url,
            temporary_folder=tmp_path / "spill",
            duckdb_threads=options.pop("threads", 1),
            clock=clock,
        )
        opened.append(Flock(ParquetStore(settings, **options), clock, settings))
        return opened[-1]

    yield open_
    for flock in opened:
        flock.store.close()


@pytest.fixture
def flock(open_flock: Callable[..., Flock], store_url: str) -> Flock:
    """An empty store on each catalog."""
    return open_flock(store_url)


class Worker:
    """A process of store_worker.py, which lies beside this file."""

    def __init__(self, examples: Path, folder: Path, url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", Path(__file__).with_name("store_worker.py"), examples, folder, url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip

    def send(self, **command: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        self.process.communicate(timeout=30)


@pytest.fixture
def start_worker(examples: Path, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """A starter of processes on the store of this test."""
    workers: list[Worker] = []

    def start(url: str = "") -> Worker:
        workers.append(Worker(examples, tmp_path / "store", url))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()
