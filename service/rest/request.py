"""What a request asks, taken as it stands in the request line.

Frameworks decode the path and the query before anyone sees them; in SDMX-REST a `+` is an operator and a
percent-encoded slash belongs to a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from service.query.errors import QuerySyntaxError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Where servers put the target of the request line: uWSGI and werkzeug, gunicorn and waitress.
_RAW_TARGETS = ("REQUEST_URI", "RAW_URI")
# What may stand unencoded in a path (RFC 3986, 3.3), so that re-encoding changes as little as it can.
_PATH_SAFE = "/:@!$&'()*+,;=~"


def raw_path(environ: WSGIEnvironment) -> str:
    """Return the path as the client wrote it, percent-encoded; re-encoded where the server hides it.

    Re-encoding cannot tell `%2F` from a slash; everything else means the same.
    """
    for name in _RAW_TARGETS:
        target = environ.get(name)
        if target:
            return urlsplit(target).path if "://" in target[:8] else target.partition("?")[0]
    decoded = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    # WSGI hands bytes over as Latin-1 (PEP 3333).
    return quote(decoded.encode("latin-1"), safe=_PATH_SAFE)


@dataclass(frozen=True)
class Asked:
    """A request in the two parts that a query parser takes."""

    path: str
    """After the entry point and the resource, percent-encoded: `ILMS,DF,1.0.0/IDN..`."""
    query: str
    """After the `?`, not decoded."""


def read_request(environ: WSGIEnvironment, prefix: str) -> Asked:
    """Return the parts of a request whose path begins with `prefix` (`/sdmx/v1/data`)."""
    depth = environ.get("SCRIPT_NAME", "").count("/") + prefix.count("/")
    remainder = raw_path(environ).split("/")[depth + 1 :]
    return Asked("/".join(remainder), environ.get("QUERY_STRING", ""))


FORM = "application/x-www-form-urlencoded"


def with_posted(asked: Asked, form: str, named: tuple[str, ...]) -> Asked:
    """Return a data query whose parameters come in the body of a POST, as they would stand in the URL.

    Too long URLs are the reason: `key` takes the place of the key in the path, where `body` may stand for it (the way of
    NSI web services); all other parameters join those of the URL.

    Args:
        asked: what the URL says.
        form: the body, not decoded.
        named: what stands for each part of the path before the key where it is left out; empty where it cannot be.

    Raises:
        QuerySyntaxError: both the URL and the body have a key, or the key comes twice.
    """
    key_place = len(named)
    parts = [part for part in asked.path.split("/") if part]
    if parts[key_place : key_place + 1] == ["body"]:
        del parts[key_place]
    parameters = [entry for entry in form.strip().split("&") if entry]
    keys = [entry[len("key=") :] for entry in parameters if entry.startswith("key=")]
    if keys:
        if len(keys) > 1 or len(parts) > key_place:
            raise QuerySyntaxError(
                "the key comes once: in the URL, or as key= in the body of a request whose URL has none"
            )
        if "" in named[len(parts) :]:
            raise QuerySyntaxError("the URL does not say of which data the key in the body is")
        parts += named[len(parts) :]
        parts.append(keys[0])
    rest = [entry for entry in parameters if not entry.startswith("key=")]
    return Asked("/".join(parts), "&".join(filter(None, (asked.query, *rest))))
