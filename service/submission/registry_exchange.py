"""Whole registries: what two of them differ in, and bringing one what another has.

A registry is read and written through `RegistryPlace`: a running service, a store, or files. What is sent goes in
slices, each a message of its own, in such an order that every reference resolves; sending again sends what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from codelists.base import Maintainable, Nameable
from codelists.item_scheme import ItemScheme
from codelists.urn import Urn
from dsd.sdmx_json import encode_structures, make_message
from dsd.structures import Structures
from service.config import utc_now
from service.registry.admission import walked
from service.registry.maintenance import same
from service.registry.references import references_of

Progress = Callable[[int, int], None]
"""Told how many artefacts are done, of how many."""

SLICE_ARTEFACTS = 200
"""The most artefacts that one message brings."""
SLICE_BYTES = 8_000_000
"""Size of a message from which on another one is begun."""
_MOST_NAMED = 5


class RegistryError(ValueError):
    """A registry that cannot be read, or does not take what it is sent; says why."""


class RegistryPlace(Protocol):
    """A registry that can be read."""

    name: str

    def read(self, progress: Progress) -> Structures:
        """Return all artefacts, of one moment.

        Raises:
            RegistryError: they cannot be read.
        """
        ...


class RegistryTarget(RegistryPlace, Protocol):
    """A registry that can be changed too."""

    def send(self, message: bytes) -> None:
        """Bring a message of structures, each to be there as it stands in it.

        Raises:
            RegistryError: it is not taken, and nothing of it is done.
        """
        ...


# -- differences ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """One artefact that two registries do not have alike."""

    urn: Urn
    kind: str
    """`+` only the second has it, `-` only the first has it, `~` both have it, with other content."""
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as a line for a person."""
        said = f": {'; '.join(self.details)}" if self.details else ""
        return f"{self.kind} {self.urn.type} {self.urn.short}{said}"


def differences(one: Structures, other: Structures) -> Iterator[Difference]:
    """Yield what two registries differ in, in the order of artefact types."""
    there = {artefact.urn: artefact for artefact in other}
    for artefact in one:
        found = there.pop(artefact.urn, None)
        if found is None:
            yield Difference(artefact.urn, "-")
        elif not same(artefact, found):
            yield Difference(artefact.urn, "~", tuple(_details(artefact, found)))
    for urn in there:
        yield Difference(urn, "+")


def _details(one: Maintainable, other: Maintainable) -> Iterator[str]:
    """Yield what two states of an artefact differ in: members by name, items by id."""
    items = type(one).items_member if isinstance(one, ItemScheme) else ""
    for field in msgspec.structs.fields(one):
        if field.name not in (items, "links") and getattr(one, field.name) != getattr(
            other, field.name, None
        ):
            yield field.encode_name
    if isinstance(one, ItemScheme) and isinstance(other, ItemScheme):
        yield from _item_details(dict(walked(one)), dict(walked(other)))


def _item_details(one: dict[str, Nameable], other: dict[str, Nameable]) -> Iterator[str]:
    for kind, ids in (
        ("only in the first", [id for id in one if id not in other]),
        ("only in the second", [id for id in other if id not in one]),
        ("changed", [id for id, item in one.items() if id in other and other[id] != item]),
    ):
        if ids:
            more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
            yield f"{kind}: {', '.join(ids[:_MOST_NAMED])}{more}"
    common = [id for id in one if id in other]
    if common != [id for id in other if id in one]:
        yield "items in another order"


# -- transfer ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Transferred:
    """What a transfer did."""

    sent: int
    unchanged: int
    """Artefacts that were there already, as they are."""
    others: int
    """Artefacts that only the target has; they stay."""


def transfer(
    source: Structures, target: RegistryTarget, known: Structures, progress: Progress
) -> Transferred:
    """Bring a registry what another has and it has not, or not like that.

    Args:
        source: what it is to have.
        target: the registry.
        known: what it has.
        progress: told of the artefacts sent.

    Raises:
        RegistryError: a message is not taken; what was sent before stays, and the same call goes on.
    """
    wanted = {difference.urn for difference in differences(source, known) if difference.kind != "+"}
    missing = [artefact for artefact in source if artefact.urn in wanted]
    done = 0
    for message, count in messages(in_order(missing)):
        target.send(message)
        done += count
        progress(done, len(missing))
    there = {artefact.urn for artefact in source}
    others = sum(artefact.urn not in there for artefact in known)
    return Transferred(len(missing), len(source) - len(missing), others)


def messages(groups: Iterable[Sequence[Maintainable]]) -> Iterator[tuple[bytes, int]]:
    """Yield SDMX-JSON 2.1 messages of whole groups, with the number of artefacts in each."""
    slice_: list[Maintainable] = []
    size = 0
    for group in groups:
        length = sum(len(_body([artefact])) for artefact in group)
        full = len(slice_) + len(group) > SLICE_ARTEFACTS or size + length > SLICE_BYTES
        if slice_ and full:
            yield _body(slice_), len(slice_)
            slice_, size = [], 0
        slice_ += group
        size += length
    if slice_:
        yield _body(slice_), len(slice_)


def _body(artefacts: Sequence[Maintainable]) -> bytes:
    """Return a message as artefact files are: what SDMX-JSON 2.1 has no word for stands in extension members."""
    return encode_structures(make_message(artefacts, utc_now(), "REGISTRY"))


def in_order(artefacts: Sequence[Maintainable]) -> list[list[Maintainable]]:
    """Return artefacts so that what one refers to comes before it; those that refer to each other are one group.

    Tarjan's algorithm, without recursion: its components come in this order.
    """
    among = Structures(artefacts)
    below: dict[Urn, list[Maintainable]] = {}
    for artefact in artefacts:
        found = (among.find(urn) for urn in references_of(artefact))
        below[artefact.urn] = [each for each in found if each is not None]
    walk = _Components(below)
    for artefact in artefacts:
        walk.visit(artefact)
    return walk.found


class _Components:
    """The strongly connected components of a graph of artefacts, what is referred to first."""

    def __init__(self, below: dict[Urn, list[Maintainable]]) -> None:
        self.found: list[list[Maintainable]] = []
        self._below = below
        self._number: dict[Urn, int] = {}
        self._low: dict[Urn, int] = {}
        self._open: list[Maintainable] = []
        self._is_open: set[Urn] = set()

    def visit(self, start: Maintainable) -> None:
        """Find the components that are reached from an artefact."""
        if start.urn in self._number:
            return
        path = [(start, self._enter(start))]
        while path:
            artefact, waiting = path[-1]
            child = next(waiting, None)
            if child is None:
                path.pop()
                self._leave(artefact, path[-1][0] if path else None)
            elif child.urn not in self._number:
                path.append((child, self._enter(child)))
            elif child.urn in self._is_open:
                self._low[artefact.urn] = min(self._low[artefact.urn], self._number[child.urn])

    def _enter(self, artefact: Maintainable) -> Iterator[Maintainable]:
        urn = artefact.urn
        self._number[urn] = self._low[urn] = len(self._number)
        self._open.append(artefact)
        self._is_open.add(urn)
        return iter(self._below[urn])

    def _leave(self, artefact: Maintainable, above: Maintainable | None) -> None:
        urn = artefact.urn
        if above is not None:
            self._low[above.urn] = min(self._low[above.urn], self._low[urn])
        if self._low[urn] != self._number[urn]:
            return
        component: list[Maintainable] = []
        while not component or component[-1].urn != urn:
            component.append(self._open.pop())
            self._is_open.discard(component[-1].urn)
        self.found.append(component)
