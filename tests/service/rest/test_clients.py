"""Requests as real clients send them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

CASES = [
    (case, path)
    for case in tomllib.loads(
        (Path(__file__).parents[2] / "examples/rest/clients/cases.toml").read_text(encoding="utf-8")
    )["case"]
    for path in case["paths"]
]


@pytest.mark.parametrize(
    ("case", "path"), CASES, ids=[f"{case['client']} {path}" for case, path in CASES]
)
def test_the_request_is_answered(client, case, path) -> None:
    accept = case["accept"]
    response = client.get(path, headers={"Accept": accept, **case.get("headers", {})})
    assert response.status_code == case.get("status", 200), response.text
    if "type" in case:
        assert response.headers["Content-Type"] == case["type"]
    elif response.status_code == 200:
        family = accept.split(";")[0]
        assert family == "*/*" or response.headers["Content-Type"].startswith(family)
