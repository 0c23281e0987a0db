"""The README is true: its commands run, in order, and print what it says.

`pytest --update-examples tests/test_readme.py` writes the real output into it; review the diff.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from dsd.structures import PACKAGE_ROOT

README = Path(__file__).parents[1] / "README.md"
PORT = "8080"
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
# What differs from run to run.
_VARIABLE = [
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b"), "0f8c2a4e-3f0b-4d5c-9a67-2f6f1f3a9b10"),
    (re.compile(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00"), "2026-11-21T21:00:00+00:00"),
]  # fmt: skip


def environment() -> dict[str, str]:
    folder = str(Path(sys.executable).parent)
    return os.environ | {"PATH": folder + os.pathsep + os.environ["PATH"], "COLUMNS": "100"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("readme")
    (root / "converters").symlink_to(PACKAGE_ROOT / "converters")
    return root


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[str]:
    """The port of a service started as `make run` starts it, on a store of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = str(probe.getsockname()[1])
    store = ["--store", str(folder / "served")]
    subprocess.run(
        ["ilms", "load", "--bundled", *store], env=environment(), check=True, capture_output=True
    )
    server = subprocess.Popen(
        ["ilms", "serve", "--port", number, "--workers", "1", *store],
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                requests.get(f"http://127.0.0.1:{number}/health", timeout=5).raise_for_status()
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield number
    finally:
        server.terminate()
        server.wait(60)


def run(command: str, folder: Path, port: str) -> str:
    done = subprocess.run(
        ["bash", "-c", command.replace(f":{PORT}", f":{port}")],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    text = done.stdout.decode("utf-8").replace(f":{port}", f":{PORT}").replace("\r\n", "\n")
    for pattern, fixed in _VARIABLE:
        text = pattern.sub(fixed, text)
    assert done.returncode == 0, f"{command}\n{text}"
    return text if text.endswith("\n") or not text else text + "\n"


def test_its_commands_print_what_it_says(
    folder: Path, port: str, request: pytest.FixtureRequest
) -> None:
    text = README.read_text(encoding="utf-8")
    blocks = _BLOCK.findall(text)
    assert len(blocks) >= 4
    for block in blocks:
        commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        real = "".join(f"$ {command}\n{run(command, folder, port)}" for command in commands)
        if request.config.getoption("--update-examples"):
            text = text.replace(block, real)
        else:
            assert real == block
    if request.config.getoption("--update-examples"):
        README.write_text(text, encoding="utf-8")


def test_its_python_runs_against_the_service(folder: Path, port: str) -> None:
    [code] = _PYTHON.findall(README.read_text(encoding="utf-8"))
    done = subprocess.run(
        [sys.executable, "-c", code.replace(f":{PORT}", f":{port}")],
        cwd=folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode("utf-8")
    assert "99.479" in done.stdout.decode("utf-8")


@pytest.mark.parametrize(
    "target", re.findall(r"\]\(((?!http)[^)#]+)\)", README.read_text(encoding="utf-8"))
)
def test_its_links_lead_somewhere(target: str) -> None:
    places = (README.parent / target, PACKAGE_ROOT / target)
    assert any(place.exists() for place in places), target
