"""Requests as real clients send them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

CASES = [
    (case["client"], path, case["accept"], case.get("status", 200))
    for case in tomllib.loads(
        (Path(__file__).parents[2] / "examples/rest/clients/cases.toml").read_text(encoding="utf-8")
    )["case"]
    for path in case["paths"]
]


@pytest.mark.parametrize(
    ("path", "accept", "status"), [c[1:] for c in CASES], ids=[f"{c[0]} {c[1]}" for c in CASES]
)
def test_the_request_is_answered(client, path, accept, status) -> None:
    response = client.get(path, headers={"Accept": accept})
    assert response.status_code == status, response.text
    if status == 200:
        family = accept.split(";")[0]
        assert family == "*/*" or response.headers["Content-Type"].startswith(family)
