"""Clients push to the running service unchanged, and every worker process sees it at once."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from codelists.item_scheme import Code, Codelist
from dsd.sdmx_json import encode_structures, make_message
from dsd.structures import load_structures
from service.access.accounts import Accounts
from service.access.principal import Role
from service.config import Settings, utc_now
from service.registry.registries import Registries
from service.store import open_store

SCRIPT = Path(__file__).parents[2] / "oracles" / "pysdmx_push.py"
PUSHED = "/sdmx/v2/structure/codelist/TST/CL_PY/1.0"


@pytest.fixture
def token(tmp_path: Path) -> str:
    store = open_store(Settings(store_folder=tmp_path / "store"))
    made = Accounts(store.tokens, utc_now).add("office", "TST", Role.AGENCY)
    store.close()
    return made.text


@pytest.fixture
def url(serve: Callable[..., str], token: str, tmp_path: Path) -> str:
    return serve(tmp_path / "store")


def message(codes: str, action: str = "Replace") -> tuple[bytes, dict[str, str]]:
    """Return the body and headers that pysdmx 1.21 sends to `/ws/secure/sdmxapi/rest`."""
    listed = ",".join(f'{{"id":"{code}","name":"Code {code}"}}' for code in codes)
    body = (
        '{"meta":{"id":"a0d2","test":false,"schema":"https://raw.githubusercontent.com/sdmx-twg/sdmx-json/develop/'
        'structure-message/tools/schemas/2.0.0/sdmx-json-structure-schema.json","prepared":"2026-11-24T10:00:00Z",'
        '"sender":{"id":"ZZZ"}},"data":{"codelists":[{"id":"CL_PY","name":"From pysdmx","agencyID":"TST",'
        f'"version":"1.0","codes":[{listed}]}}]}}}}'
    )
    return body.encode(), {"Content-Type": "application/text", "Action": action}


def codes_at(url: str) -> list[str]:
    answer = requests.get(url + PUSHED, timeout=10)
    return [code["id"] for code in answer.json()["data"]["codelists"][0]["codes"]]


def test_the_exact_request_of_pysdmx_is_taken(url, token):
    for codes, action, status in (
        ("AB", "Append", 201),
        ("BX", "Merge", 200),
        ("C", "Append", 409),
        ("Q", "Replace", 200),
    ):
        body, headers = message(codes, action)
        answer = requests.post(
            f"{url}/ws/secure/sdmxapi/rest",
            data=body,
            headers=headers,
            auth=("any", token),
            timeout=10,
        )
        assert answer.status_code == status, answer.text
    assert codes_at(url) == ["Q"]


@pytest.mark.pysdmx
def test_pysdmx_pushes(url, token):
    python = os.environ.get("ILMS_PYSDMX_PYTHON")
    if python is None:
        pytest.skip("needs pysdmx: make .venv-pysdmx/.installed, and name it in ILMS_PYSDMX_PYTHON")

    def push(action: str, codes: str, secret: str = token) -> str:
        command = [python, str(SCRIPT), url, action, codes]
        return subprocess.run(
            command, input=secret, capture_output=True, text=True, check=True, timeout=120
        ).stdout.strip()

    assert push("Append", "AB", "wrong") == "Invalid"  # How it tells 401.
    assert push("Append", "AB") == ""
    assert push("Merge", "BX") == ""
    assert codes_at(url) == ["A", "B", "X"]
    assert push("Append", "C") != ""
    assert push("Replace", "Q") == ""
    assert codes_at(url) == ["Q"]


def test_every_worker_sees_a_change_with_its_next_request(serve, token, tmp_path):
    url = serve(tmp_path / "store", workers=2)
    for codes in ("A", "AB", "ABC"):
        body, headers = message(codes)
        answer = requests.post(
            f"{url}/sdmx/v2/structure",
            data=body,
            headers=headers | {"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        assert answer.ok, answer.text
        # Connections of their own, which the processes share out among them.
        with ThreadPoolExecutor(8) as pool:
            assert set(map(len, pool.map(lambda _: codes_at(url), range(24)))) == {len(codes)}


def test_pushes_at_once_all_count(url, token):
    body, headers = message("-")
    requests.post(f"{url}/sdmx/v2", data=body, headers=headers, auth=("", token), timeout=30)

    def add(code: str) -> int:
        body, headers = message(code, "Merge")
        return requests.post(
            f"{url}/sdmx/v2", data=body, headers=headers, auth=("", token), timeout=60
        ).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(add, "ABCDEFGHIJKL")) == {200}
    assert sorted(codes_at(url)) == ["-", *"ABCDEFGHIJKL"]


def test_a_body_in_chunks_is_taken_and_one_that_is_too_large_is_not(url, token):
    body, headers = message("AB")
    parts = iter([body[:100], body[100:]])
    answer = requests.post(
        f"{url}/sdmx/v2", data=parts, headers=headers, auth=("", token), timeout=30
    )
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "rounds", [2, pytest.param(40, marks=pytest.mark.long)], ids=["short", "long"]
)
def test_what_was_acknowledged_survives_kill_9_whole(serve, served, token, tmp_path, rounds):
    """Each message sets two lists to the same codes; the server is killed in the middle of them."""
    acknowledged = 0
    choice = random.Random(7)  # noqa: S311 - moments to kill at
    for _ in range(rounds):
        url = serve(tmp_path / "store")
        stop = threading.Timer(choice.uniform(0.2, 1.0), kill_all, [served[-1]])
        stop.start()
        with contextlib.suppress(requests.RequestException):
            while True:
                answer = requests.post(
                    f"{url}/sdmx/v2", data=twin(acknowledged + 1), auth=("", token), timeout=10
                )
                assert answer.ok, answer.text
                acknowledged += 1
        stop.join()
        served[-1].wait(30)
        store = open_store(Settings(store_folder=tmp_path / "store"))
        found = Registries(load_structures(), store.artefacts).current().structures
        store.close()
        numbers = {
            int(artefact.codes[0].id[1:])
            for artefact in found.of_type(Codelist)
            if artefact.agency_id == "TST"
        }
        assert len(numbers) == 1
        assert numbers <= {acknowledged, acknowledged + 1}
        (acknowledged,) = numbers
    assert acknowledged > rounds


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill the worker in the middle of its work, and its parent before that starts another."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
    process.send_signal(signal.SIGSTOP)
    for pid in children.split():
        os.kill(int(pid), signal.SIGKILL)
    process.send_signal(signal.SIGKILL)


def twin(number: int) -> bytes:
    lists = [
        Codelist(id=id, agency_id="TST", version="1.0", names={"en": id},
                 codes=(Code(id=f"N{number}", names={"en": "n"}),))
        for id in ("ONE", "OTHER")
    ]  # fmt: skip
    return encode_structures(make_message(lists, utc_now()))
