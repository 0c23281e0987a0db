"""The registry as it is now, and as it was: built-in artefacts with those that were pushed.

The built-in artefacts are the base. Of a pushed and a built-in artefact with one identity the built-in one counts
where its version is final, else the pushed one. Each state is an immutable `Registry`; another process' change is
seen by the next look-up of the revision.
"""

from __future__ import annotations

import atexit
import gc
import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime

from codelists.base import Maintainable
from dsd.final_version import is_final_artefact
from dsd.sdmx_json import decode_structures, encode_structures, make_message
from dsd.structures import Structures
from service.registry.registry import Registry
from service.store.protocol import ArtefactKey, Artefacts, ArtefactState

_LOG = logging.getLogger(__name__)
_EPOCH = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
_END = datetime.max.replace(tzinfo=UTC)
_FORMER_STATES = 4
"""Former states that are kept for the next question about them."""

_MANY = 50
"""Artefacts read at once from which on the collector of cycles is kept away from them."""

Held = dict[ArtefactKey, Maintainable]


def as_text(artefact: Maintainable) -> str:
    """Return an artefact as the store keeps it: an SDMX-JSON 2.1 structure message."""
    return encode_structures(make_message([artefact], _EPOCH, artefact.id)).decode()


def from_text(content: str) -> Maintainable:
    """Return the artefact that the store keeps as a text."""
    return decode_structures(content.encode()).data.all()[0]


class Registries:
    """Gives the registry of now or of an instant; safe to use from several threads."""

    def __init__(self, base: Structures, artefacts: Artefacts) -> None:
        self.base = base
        built_in = Registry(base)
        self._base_hash = built_in.content_hash
        self._artefacts = artefacts
        self._lock = threading.Lock()
        self._held: Held = {}
        # One value, so that a thread never sees the revision of one with the registry of another.
        self._known: tuple[int, Registry, datetime | None] = (0, built_in, None)
        self._former: OrderedDict[int, Registry] = OrderedDict()

    def current(self) -> Registry:
        """Return the registry of now."""
        return self.current_with_date()[0]

    def current_with_date(self) -> tuple[Registry, datetime | None]:
        """Return the registry of now, and when a pushed artefact last changed or went (None where none ever did).

        One look-up tells whether the registry that is known still holds.
        """
        known, registry, changed = self._known
        if known == self._artefacts.revision():
            return registry, changed
        with self._lock:
            # Again under the lock: another thread may have built it.
            if self._artefacts.revision() != self._known[0]:
                self._renew()
            return self._known[1:]

    def at(self, instant: datetime) -> Registry:
        """Return the registry as it was at an instant; the built-in artefacts are those of now."""
        wanted = self._artefacts.revision_at(instant).number
        current = self.current()
        if wanted >= self._known[0]:
            return current
        with self._lock:
            found = self._former.pop(wanted, None) or self._build(
                self._artefacts.states(wanted)[1], dict(self._held)
            )
            self._former[wanted] = found
            while len(self._former) > _FORMER_STATES:
                self._former.popitem(last=False)
        return found

    def _renew(self) -> None:
        # Asked before the states: the instant may be older than what it stands for, never newer.
        changed = self._artefacts.revision_at(_END).at
        revision, states = self._artefacts.states()
        keys = {state.key for state in states}
        held = {key: artefact for key, artefact in self._held.items() if key in keys}
        self._known = (revision, self._build(states, held), changed)
        self._held = held

    def _build(self, states: Sequence[ArtefactState], held: Held) -> Registry:
        """Return the registry of these states; `held` gets what had to be read."""
        missing = [state.key for state in states if state.key not in held]
        with _without_collecting() if len(missing) > _MANY else nullcontext():
            for key, content in self._artefacts.contents(missing):
                held[key] = from_text(content)
        pushed = [held[state.key] for state in states]
        return Registry(overlaid(self.base, pushed), self._stamp(states))

    def _stamp(self, states: Sequence[ArtefactState]) -> str:
        """Return what differs between two states exactly where an answer could."""
        digest = hashlib.blake2b(self._base_hash.encode(), digest_size=16)
        for urn, sha256 in sorted((state.key.urn, state.sha256) for state in states):
            digest.update(f"{urn} {sha256}\n".encode())
        return digest.hexdigest()


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Keep the collector of cycles from looking through artefacts, which have none, again and again.

    What is there at the end is never looked at again; it goes when nothing refers to it, like anything without cycles.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        # What other packages look for at the end must be found.
        atexit.unregister(gc.unfreeze)
        atexit.register(gc.unfreeze)
        if was_enabled:
            gc.enable()


def overlaid(base: Structures, pushed: Sequence[Maintainable]) -> Structures:
    """Return the built-in artefacts with pushed ones: those replace what is built in and no final version."""
    hidden, kept = [], []
    for artefact in pushed:
        built_in = base.versions(artefact.type_name, artefact.agency_id, artefact.id).get(
            artefact.version
        )
        if built_in is not None and is_final_artefact(built_in):
            hidden.append(artefact.urn.short)
        else:
            kept.append(artefact)
    if hidden:
        _LOG.warning(
            "pushed and now built in, so that the built-in ones count: %s",
            ", ".join(sorted(hidden)),
        )
    return Structures((*base, *kept))
