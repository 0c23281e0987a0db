"""docs/rest.md is true."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from service.rest.errors import ERROR_ROWS

PAGE = (Path(__file__).parents[3] / "docs/rest.md").read_text(encoding="utf-8")


def test_its_requests_are_answered(client) -> None:
    urls = re.findall(r"curl -g '(http.*?)'", PAGE)
    assert len(urls) >= 9
    for url in urls:
        parts = urlsplit(url)
        response = client.get(f"{parts.path}?{parts.query}")
        assert response.status_code == 200, response.text
        assert response.data


def test_it_lists_every_status_of_the_table() -> None:
    told = {int(number) for number in re.findall(r"\b([2-5]\d\d)\b", PAGE.split("## Status")[1])}
    assert {row.v1 for row in ERROR_ROWS} | {row.v2 for row in ERROR_ROWS} <= told
