"""The turn of a writer: one at a time over all threads, processes and nodes, first come, first served.

Each writer takes a ticket in the catalog. The holder and those who wait show life by counting; a ticket whose
count stands still is passed, and at once where its process is seen to be gone. Whoever was passed cannot
commit: each writing transaction of the catalog first confirms the ticket.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from service.store.catalog import Catalog
from service.store.owner import Owner
from service.store.protocol import StoreError, StoreUnavailableError
from service.store.tickets import Ticket, Tickets

_LOG = logging.getLogger(__name__)


_IDLE_BEATS = 10
"""Beats without a turn after which the thread of the heartbeat ends."""


@dataclass(frozen=True)
class Pace:
    """Times of the queue in seconds."""

    beat: float = 0.5
    """Between two signs of life."""
    dead_after: float = 3.0
    """Without a sign of life a ticket is passed; the waiter's own absences count for two beats at most."""
    patience: float = 600.0
    """A waiter gives up where the queue ahead of it does not move for so long."""
    quick: float = 0.002
    """Least time between two looks at the queue."""
    slow: float = 0.25
    """Greatest time between two looks at the queue."""


class Watch:
    """What one waiter has seen of the tickets ahead of it."""

    def __init__(self, here: Owner, pace: Pace, now: float) -> None:
        self._here = here
        self._pace = pace
        self._looked = now
        self._still: dict[int, tuple[int, float]] = {}
        self._head: int | None = None
        self._head_since = now

    def dead(self, ahead: Sequence[Ticket], now: float) -> list[Ticket]:
        """Return the tickets that are to be passed, after one more look at `now` by the waiter's clock."""
        # Where the waiter itself was stopped, or the catalog away, the others may have been so too.
        step = min(now - self._looked, 2 * self._pace.beat)
        self._looked = now
        still: dict[int, tuple[int, float]] = {}
        found: list[Ticket] = []
        for ticket in ahead:
            beat, seconds = self._still.get(ticket.number, (None, 0.0))
            seconds = seconds + step if beat == ticket.beat else 0.0
            still[ticket.number] = ticket.beat, seconds
            if seconds >= self._pace.dead_after or ticket.owner.is_gone(self._here):
                found.append(ticket)
        self._still = still
        head = ahead[0].number if ahead else None
        if head != self._head:
            self._head, self._head_since = head, now
        return found

    @property
    def stands(self) -> float:
        """Seconds since the head of the queue changed, at the last look."""
        return self._looked - self._head_since

    def pause(self, place: int) -> float:
        """Return the seconds until the next look of whoever has so many living tickets ahead.

        A twentieth of the time that the queue stands: short turns follow each other closely, and waiting for
        a long one costs little. Those further back look less often.
        """
        usual = max(self._pace.quick, self.stands / 20)
        return min(self._pace.slow, usual * max(1, place))


class _Pulse:
    """Shows the life of the ticket that has the turn, from a thread that stays a while for the next one."""

    def __init__(self, tickets: Tickets, interval: float) -> None:
        self._tickets = tickets
        self._interval = interval
        self._guard = threading.Lock()
        self._ticket: Ticket | None = None
        self._is_running = False

    @contextmanager
    def of(self, ticket: Ticket) -> Iterator[None]:
        with self._guard:
            self._ticket = ticket
            if not self._is_running:
                threading.Thread(target=self._run, name="store-turn", daemon=True).start()
                self._is_running = True
        try:
            yield
        finally:
            with self._guard:  # A beat under way ends first: its connection may be closed next.
                if self._ticket is ticket:
                    self._ticket = None

    def _run(self) -> None:
        idle = 0
        try:
            while idle < _IDLE_BEATS:
                time.sleep(self._interval)
                with self._guard:
                    idle = 0 if self._beat() else idle + 1
                    # Said before the guard is free, so that the next turn starts another thread.
                    self._is_running = idle < _IDLE_BEATS
        finally:
            if idle < _IDLE_BEATS:
                self._is_running = False

    def _beat(self) -> bool:
        if self._ticket is None:
            return False
        try:
            self._tickets.beat(self._ticket)  # Where it was passed, the commit will say so.
        except StoreError as error:
            _LOG.warning("ticket=%s no sign of life: %s", self._ticket.number, error)
        return True


class WriterLock:
    """The turn to write to one store. It makes itself the fence of the catalog."""

    def __init__(
        self,
        catalog: Catalog,
        pace: Pace = Pace(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tickets = Tickets(catalog)
        self._pulse = _Pulse(self._tickets, pace.beat)
        self._pace = pace
        self._clock = clock
        self._mine = threading.local()
        self._given_back = threading.Condition()
        catalog.fence = self._confirm

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the turn and hold it.

        Raises:
            StoreUnavailableError: the catalog cannot be written, or the queue does not move.
        """
        if getattr(self._mine, "ticket", None) is not None:
            raise RuntimeError("this thread has the turn already: it would wait for itself")
        ticket = self._tickets.take()
        if not ticket.holds:
            ticket = self._wait(ticket)
        try:
            with self._pulse.of(ticket):
                self._mine.ticket = ticket
                yield
        finally:
            self._mine.ticket = None
            self._leave(ticket)

    def _wait(self, ticket: Ticket) -> Ticket:
        try:
            started = beaten = self._clock()
            watch = Watch(self._tickets.owner, self._pace, started)
            while True:
                ahead = self._tickets.up_to(ticket)
                now = self._clock()
                if not ahead or ahead[-1].token != ticket.token:
                    _LOG.warning("ticket=%s was passed; taking another", ticket.number)
                    ticket, ahead = self._tickets.take(), ()
                    if ticket.holds:
                        return ticket
                    continue
                ahead = ahead[:-1]
                dead = watch.dead(ahead, now)
                if len(dead) == len(ahead) and self._tickets.pass_over(ticket, dead):
                    for entry in dead:
                        _LOG.warning("ticket=%s of %s was passed", entry.number, entry.owner)
                    return ticket
                self._give_up(ahead, watch, now - started)
                if now - beaten >= self._pace.beat:
                    self._tickets.beat(ticket)
                    beaten = now
                with self._given_back:
                    self._given_back.wait(watch.pause(len(ahead) - len(dead)))
        except BaseException:
            self._leave(ticket)
            raise

    def _give_up(self, ahead: Sequence[Ticket], watch: Watch, waited: float) -> None:
        if not ahead or watch.stands < self._pace.patience:
            return
        first = ahead[0]
        doing = "has held it" if first.holds else "has been next for it"
        raise StoreUnavailableError(
            f"waited {waited:.0f} s for the turn to write, the last {watch.stands:.0f} s without the queue "
            f"moving: {first.owner} {doing} for {first.age} s; nothing was written: submit again when it is "
            "done, or end that process"
        )

    def _leave(self, ticket: Ticket) -> None:
        try:
            self._tickets.leave(ticket)
        except StoreError as error:
            # What was written stands; the others pass the ticket, as it shows no life any more.
            _LOG.warning("ticket=%s cannot be given back: %s", ticket.number, error)
        with self._given_back:
            self._given_back.notify_all()

    def _confirm(self, connection: sa.Connection) -> None:
        """Refuse a writing transaction of a thread that lost its turn."""
        ticket: Ticket | None = getattr(self._mine, "ticket", None)
        if ticket is not None and not self._tickets.confirm(connection, ticket):
            raise StoreUnavailableError(
                f"another writer took the turn, because {ticket.owner} showed no life for "
                f"{self._pace.dead_after:.0f} s; nothing was written: submit again"
            )
