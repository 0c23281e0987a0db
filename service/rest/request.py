"""What a request asks, taken as it stands in the request line.

Frameworks decode the path and the query before anyone sees them; in SDMX-REST a `+` is an operator and a
percent-encoded slash belongs to a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

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
