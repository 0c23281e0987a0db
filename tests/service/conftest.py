"""The service as a process of its own, started as an operator starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

_ILMS = "from service.cli import main; main()"


@contextmanager
def _serving(
    folder: Path, running: list[subprocess.Popen[bytes]]
) -> Iterator[Callable[[Path], str]]:
    """Yield what starts `ilms serve` over a store and gives its URL; all are ended at the end."""
    open_logs = ExitStack()

    def start(store: Path, workers: int = 1) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = ["--port", str(port), "--workers", str(workers), "--store", str(store)]
        environment = os.environ | {"ILMS_TEMPORARY_FOLDER": str(folder / f"spill-{port}")}
        log = open_logs.enter_context((folder / f"{port}.log").open("wb"))
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", _ILMS, "serve", *options],
                stdout=log,
                stderr=log,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        )
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and running[-1].poll() is None:
            try:
                if requests.get(f"{url}/health", timeout=2).ok:
                    return url
            except requests.ConnectionError:
                time.sleep(0.05)
        pytest.fail((folder / f"{port}.log").read_text(encoding="utf-8"))

    try:
        yield start
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)
        open_logs.close()


@pytest.fixture
def served() -> list[subprocess.Popen[bytes]]:
    """The processes that `serve` started, each of a group of its own."""
    return []


@pytest.fixture
def serve(tmp_path: Path, served: list[subprocess.Popen[bytes]]) -> Iterator[Callable[[Path], str]]:
    """Return what starts `ilms serve` over a store and gives its URL; all are ended with the test."""
    with _serving(tmp_path, served) as start:
        yield start


@pytest.fixture(scope="session")
def serve_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], str]]:
    """The same for all tests of a process, which leave the store as it is."""
    with _serving(tmp_path_factory.mktemp("served"), []) as start:
        yield start
