"""What every answer consists of, and what every answer needs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from typing import Generic, TypeVar

from service.answers.spool import IDENTITY, Body, Spool
from service.config import Settings
from service.formats.contract import EncodeOptions
from service.query.source import Source
from service.registry.registries import Registries
from service.registry.registry import Registry

AnyFormat = TypeVar("AnyFormat")

SOFTWARE = version("ilms-exchange")


@dataclass(frozen=True)
class Sources:
    """Where answers come from; one for each application."""

    settings: Settings
    registry: Registry
    store: Source
    spool: Spool
    registries: Registries | None = None
    """Where the registry comes from where structures can change; None where they cannot."""
    changed: datetime | None = None
    """When a structure, or the program with those that it brings along, last changed."""

    def now(self) -> Sources:
        """Return the sources with the registry of now: one state of the structures for a whole answer."""
        if self.registries is None:
            return self
        registry, changed = self.registries.current_with_date()
        return replace(self, registry=registry, changed=latest(self.changed, changed))

    def at(self, instant: datetime) -> Sources:
        """Return the sources with the registry as it was at an instant."""
        return (
            self if self.registries is None else replace(self, registry=self.registries.at(instant))
        )


@dataclass(frozen=True)
class Wanted(Generic[AnyFormat]):
    """How the client wants its answer."""

    format: AnyFormat
    content_type: str
    options: EncodeOptions = field(default_factory=EncodeOptions)
    coding: str = IDENTITY
    known_tags: frozenset[str] = frozenset()
    """Opaque tags of the answers that the client has (RFC 9110, 13.1.2)."""

    def has(self, tag: str) -> bool:
        """Tell whether the client has the answer with this tag."""
        return tag in self.known_tags


@dataclass(frozen=True)
class Page:
    """Observations by their position in the whole answer, from 0, both ends included."""

    first: int
    last: int


@dataclass(frozen=True)
class Answer:
    """A complete answer, or (without a body) word that the client's copy is the current one."""

    tag: str
    """Opaque tag, without quotes; two answers with one tag hold the same content."""
    content_type: str
    coding: str
    languages: tuple[str, ...]
    """In which the texts of the answer are wished for; empty where there is no wish."""
    file_name: str
    body: Body | None
    content_languages: tuple[str, ...] = ()
    """In which its texts are, where that is known; else the best of `languages` that there is."""
    left_out: tuple[str, ...] = ()
    """Why parts of what was asked for are not in the body: the format cannot express them."""
    last_modified: datetime | None = None
    """When the data last changed of which it is; None where it is of structures alone."""
    total: int | None = None
    """Observations in the whole answer, where a page of it was asked for."""
    is_exact: bool = True
    """False where two answers with one tag say the same in bytes that may differ (RFC 9110, 8.8.1)."""


def latest(*instants: datetime | None) -> datetime | None:
    """Return the last of the instants that are known."""
    return max((instant for instant in instants if instant is not None), default=None)


def answer_tag(parts: Sequence[object], coding: str) -> str:
    """Return the tag of the answer that these parts decide, different for each content coding."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (SOFTWARE, *parts):
        digest.update(repr(part).encode())
        digest.update(b"\x00")
    return digest.hexdigest() if coding == IDENTITY else f"{digest.hexdigest()}-{coding}"
