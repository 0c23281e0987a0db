"""Progress of long work: a bar on a terminal, log lines elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def each(jobs: list[Any], what: str) -> Iterator[Any]:
    """Yield the jobs under a progress bar on a terminal, a log line each elsewhere."""
    if not sys.stderr.isatty():
        for number, job in enumerate(jobs, 1):
            logging.getLogger(__name__).info("%s %d of %d", what, number, len(jobs))
            yield job
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(jobs, description=what, console=Console(stderr=True), transient=True)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give what shows progress: a bar on a terminal, log lines elsewhere."""
    if not sys.stderr.isatty():
        log = logging.getLogger(__name__)
        yield lambda done, total: log.info("%s %d of %d", what, done, total)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
