"""Benchmark of the turns of writers: what taking one costs, and how soon the next has it.

`python benchmarks/turns.py [--url URL]`. URL of the catalog: an empty PostgreSQL database; SQLite without it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from service.store.catalog import Catalog
from service.store.lock import WriterLock

TIMES = 500
HANDED_OVER = 100
LIMIT_MS = 2.0


def uncontended(lock: WriterLock) -> list[float]:
    """Return the milliseconds of taking the turn and giving it back, with nobody else there."""
    spent = []
    for _ in range(TIMES):
        started = time.perf_counter()
        with lock.held():
            pass
        spent.append(1000 * (time.perf_counter() - started))
    return spent


def handed_over(catalogs: list[Catalog], work: float) -> list[float]:
    """Return the milliseconds between the end of one writer's work and the start of the next one's."""
    ended = [0.0]
    spent: list[float] = []

    def write(lock: WriterLock) -> None:
        for _ in range(HANDED_OVER // len(catalogs)):
            with lock.held():
                if ended[0]:
                    spent.append(1000 * (time.perf_counter() - ended[0]))
                time.sleep(work)
                ended[0] = time.perf_counter()

    # Locks of their own know of each other by the catalog only, as processes do.
    threads = [threading.Thread(target=write, args=(WriterLock(c),)) for c in catalogs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return spent


def main() -> int:
    """Print the figures; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="")
    parser.add_argument("--quick", action="store_true", help="taken for all benchmarks alike")
    url = parser.parse_args().url
    with tempfile.TemporaryDirectory() as folder:
        catalogs = [Catalog(url, Path(folder)) for _ in range(4)]
        spent = uncontended(WriterLock(catalogs[0]))
        middle = statistics.median(spent)
        verdict = "PASS" if middle < LIMIT_MS else "FAIL"
        print(f"{verdict} uncontended turn: p50 {middle:.2f} ms (target < {LIMIT_MS:g} ms)")
        for work in (0.005, 0.05):
            between = statistics.median(handed_over(catalogs, work))
            print(f"     4 writers of {1000 * work:g} ms each, handed over: p50 {between:.1f} ms")
        for catalog in catalogs:
            catalog.dispose()
    return int(verdict == "FAIL")


if __name__ == "__main__":
    sys.exit(main())
