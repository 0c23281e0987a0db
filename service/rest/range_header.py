"""Pages of observations by header, as the data explorer of the .Stat Suite asks for them.

`Range: values=0-99` (RFC 9110, 14.1.2, with a unit of its own; browsers that may not send it use `X-Range`) asks for
observations by their position in the answer; 206 and `Content-Range: values 0-99/1234` tell which came, of how many.
"""

from __future__ import annotations

import re

from flask import Request

from service.answers.answer import Page
from service.query.data_query import DataQuery

UNIT = "values"
_RANGE = re.compile(rf"\s*{UNIT}\s*=\s*(\d{{1,18}})\s*-\s*(\d{{1,18}})\s*", re.IGNORECASE)


def asked_page(request: Request, query: DataQuery) -> Page | None:
    """Return the page that a request asks for by header; None where it does not, or says it in its query.

    A range of another unit, or one that is not well written, is no range; HEAD has none (RFC 9110, 14.2). With
    If-Range a client would join the page to what it has, which has another tag: it gets the whole.
    """
    headers = request.headers
    if query.limit is not None or query.offset or request.method == "HEAD":
        return None
    if "If-Range" in headers:
        return None
    for name in ("Range", "X-Range"):
        match = _RANGE.fullmatch(headers.get(name, ""))
        if match and int(match[1]) <= int(match[2]):
            return Page(int(match[1]), int(match[2]))
    return None


def content_range(page: Page, total: int) -> str:
    """Return what `Content-Range` says of a page."""
    return f"{UNIT} {page.first}-{min(page.last, total - 1)}/{total}"


def unsatisfied_range(total: int) -> str:
    """Return what `Content-Range` says where the page is behind the end."""
    return f"{UNIT} */{total}"
