"""The service under its production server.

Worker processes are started afresh, not forked: the engine and Arrow hold threads and locks that do not
survive a fork. Each gets the settings and makes its own application.
"""

from __future__ import annotations

import logging
import multiprocessing
from functools import partial
from typing import TYPE_CHECKING, Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from service.config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_STOP_SECONDS = 30
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def make_application(settings: Settings, _target: str = "") -> WSGIApplication:
    """Return the application of one worker process, its logging set up."""
    # Imported here: the parent process only watches its workers and starts faster without.
    from service.app import create_app

    logging.basicConfig(level=settings.log_level, format=_LOG_FORMAT, force=True)
    application: WSGIApplication = create_app(settings)
    return application


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered before the processes end."""
    multiprocessing.set_start_method("spawn", force=True)
    server: Any = Server(
        "service.app:create_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads_per_worker,
        websockets=False,
        workers_kill_timeout=_STOP_SECONDS,
        respawn_failed_workers=True,
        log_access=False,
        # Requests are logged by the application; below this the server only tells its process ids.
        log_level=LogLevels.error,
    )
    server.serve(target_loader=partial(make_application, settings), wrap_loader=False)
