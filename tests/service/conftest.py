"""The service as a process of its own, started as an operator starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

_ILMS = "from service.cli import main; main()"


@pytest.fixture
def served() -> list[subprocess.Popen[bytes]]:
    """The processes that `serve` started, each of a group of its own."""
    return []


@pytest.fixture
def serve(tmp_path: Path, served: list[subprocess.Popen[bytes]]) -> Iterator[Callable[[Path], str]]:
    """Return what starts `ilms serve` over a store and gives its URL; all are ended with the test."""
    running = served
    open_logs = ExitStack()

    def start(store: Path, workers: int = 1) -> str:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = ["--port", str(port), "--workers", str(workers), "--store", str(store)]
        environment = os.environ | {"ILMS_TEMPORARY_FOLDER": str(tmp_path / f"spill-{port}")}
        log = open_logs.enter_context((tmp_path / f"{port}.log").open("wb"))
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", _ILMS, "serve", *options],
                stdout=log,
                stderr=log,
                cwd=tmp_path,
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
        pytest.fail((tmp_path / f"{port}.log").read_text(encoding="utf-8"))

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.wait(30)
    open_logs.close()
