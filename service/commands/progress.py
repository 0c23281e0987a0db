"""Progress of long work: a bar on a terminal, log lines elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

Job = TypeVar("Job")


class Progress(Protocol):
    """What long work tells of its progress to; the total is None where nobody knows it yet."""

    def __call__(self, done: int, total: int | None, now: str = "") -> None: ...  # noqa: D102


def each(jobs: Sequence[Job], what: str, name: Callable[[Job], str]) -> Iterator[Job]:
    """Yield the jobs under a progress bar on a terminal, a log line each elsewhere.

    What is printed meanwhile would stand in the bar: see `is_shown`.
    """
    if len(jobs) == 1:
        yield from jobs
        return
    with bar(what) as progress:
        for number, job in enumerate(jobs):
            progress(number, len(jobs), name(job))
            yield job


def is_shown(jobs: int) -> bool:
    """Tell whether so many jobs have a bar, so that what they print has to wait for its end."""
    return jobs > 1 and sys.stderr.isatty()


@contextmanager
def bar(what: str) -> Iterator[Progress]:
    """Give what shows progress (done, of how many, with what): a bar on a terminal, log lines elsewhere."""
    if not sys.stderr.isatty():
        log = logging.getLogger(__name__)
        yield lambda done, total, now="": log.info(
            "%s %d%s %s", what, done, "" if total is None else f" of {total}", now
        )
        return
    from rich.console import Console
    from rich.progress import Progress as RichProgress

    with RichProgress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total, now="": shown.update(
            task, completed=done, total=total, description=f"{what} {now}".rstrip()
        )
