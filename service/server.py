"""The service under its production server.

Worker processes are started afresh, not forked: the engine and Arrow hold threads and locks that do not
survive a fork. Each gets the settings and makes its own application.
"""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from service.config import Settings

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

    from _typeshed.wsgi import WSGIApplication

_LOGGER = logging.getLogger(__name__)


class ServerError(Exception):
    """The server does not run; says why."""


class AddressInUseError(ServerError):
    """The address cannot be listened on; says why."""


class NotStartedError(ServerError):
    """No process could start."""


_STOP_SECONDS = 30
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def make_application(
    settings: Settings, artefact_folders: Sequence[Path], has_started: Event
) -> WSGIApplication:
    """Return the application of one worker process, its logging set up.

    A process that cannot start ends the server, unless another has started: then it is tried again.
    """
    # Imported here: the parent process only watches its workers and starts faster without.
    from dsd.structures import load_structures
    from service.app import create_app
    from service.store.protocol import StoreError

    logging.basicConfig(level=settings.log_level, format=_LOG_FORMAT, force=True)
    _leave_the_terminal()
    structures = load_structures()
    if artefact_folders:
        structures = structures.joined(load_structures(artefact_folders))
    try:
        application: WSGIApplication = create_app(settings, structures)
    except StoreError as error:
        # What the operator can mend needs no traceback.
        _LOGGER.critical("the service cannot start: %s", error)
        if not has_started.is_set():
            os.kill(os.getppid(), signal.SIGTERM)
        raise SystemExit(1) from error
    has_started.set()
    return application


def _leave_the_terminal() -> None:
    """Take a worker out of the terminal's process group, so that Ctrl-C reaches the parent alone.

    The parent ends its workers. Both signals at once would meet in the worker's own handler, which takes a
    lock and then waits for itself until the parent kills it.
    """
    if hasattr(os, "setpgrp"):
        os.setpgrp()
    if sys.platform == "linux":
        # A worker outside the group must not outlive a parent that was killed: PR_SET_PDEATHSIG.
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def serve(settings: Settings, artefact_folders: Sequence[Path] = ()) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered before the processes end.

    Args:
        settings: everything that can be set.
        artefact_folders: artefact files to serve beside the built-in ones.

    Raises:
        AddressInUseError: another program listens there.
        NotStartedError: the processes cannot start; their log says why.
    """
    _check_address(settings)
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
        # Requests are logged by the application; below errors the server only tells its process ids.
        log_level=LogLevels.error,
    )
    has_started = multiprocessing.Event()
    loader = partial(make_application, settings, tuple(artefact_folders), has_started)
    server.serve(target_loader=loader, wrap_loader=False)
    if not has_started.is_set():
        raise NotStartedError("the service could not start; its log says why")


def _check_address(settings: Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        # A port that a former server has just left is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise AddressInUseError(
                f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; "
                "end the program that does, or choose another port"
            ) from error
