"""One structured line per request, written in the WSGI layer, so that nothing escapes it.

A line holds what an operator needs to count and to trace: never a query string, a header, a body or a data
value, since these can hold secrets.
"""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REQUEST_ID = "ilms.request_id"
"""Key of the environment under which the id of the request stands."""

_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_LOGGER = logging.getLogger("ilms.access")


class _Line:
    """What is known of a request when its answer has ended."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.started = time.perf_counter()
        self.bytes = 0
        self.status = "-"
        given = environ.get("HTTP_X_REQUEST_ID", "")
        self.request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        self.method = environ.get("REQUEST_METHOD", "-")
        self.path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")

    def write(self, complete: bool) -> None:
        _LOGGER.info(
            "%s",
            json.dumps(
                {
                    "request": self.request_id,
                    "method": self.method,
                    "path": self.path[:512],
                    "status": self.status,
                    "bytes": self.bytes,
                    "ms": round((time.perf_counter() - self.started) * 1000, 1),
                    **({} if complete else {"complete": False}),
                }
            ),
        )


class _Body:
    """An answer's body that counts what it hands on and logs when it is closed."""

    def __init__(self, inner: Iterable[bytes], line: _Line) -> None:
        self._inner = inner
        self._line = line
        self._complete = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            self._line.bytes += len(chunk)
            yield chunk
        self._complete = True

    def close(self) -> None:
        try:
            close: Callable[[], None] | None = getattr(self._inner, "close", None)
            if close is not None:
                close()
        finally:
            self._line.write(self._complete)


def access_logged(app: WSGIApplication) -> WSGIApplication:
    """Return `app` with a line logged per request and the request's id in the answer (`X-Request-ID`)."""

    def logged(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        line = _Line(environ)
        environ[REQUEST_ID] = line.request_id

        def start(status, headers, exc_info=None):  # type: ignore[no-untyped-def]
            line.status = status[:3]
            headers = [*headers, ("X-Request-ID", line.request_id)]
            return start_response(status, headers, exc_info)

        return _Body(app(environ, start), line)

    return logged
