"""What refers to what.

SDMX-REST 1.5.0, 4_4_structure_queries.md, and 2.2.2, doc/structures.md, "References": the tables of the
artefacts that each type may refer to. Which members of the model are references says the table of structures,
so that a new member is followed here as soon as messages can hold it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from codelists.base import Maintainable, Part
from codelists.item_scheme import AgencyScheme
from codelists.urn import Urn, UrnSyntaxError, parse_urn
from codelists.version import VersionSyntaxError, latest
from dsd.structure import Dimension
from dsd.structures import Structures
from service.formats.structure_table import LAYOUTS
from service.formats.structure_table.data import MEASURE_DIMENSION
from service.formats.structure_table.reach import members_leading_to
from service.formats.structure_table.vocabulary import Reference, References

Identity = tuple[str, str, str, str]
"""Type, agency, id and version of an artefact."""

ANY = "*"
"""Stands in a reference for any agency, id, version or item (SDMXCommonReferences.xsd, WildcardUrnType)."""

_WILDCARD_URN = re.compile(
    r"urn:sdmx:org\.sdmx\.infomodel\.[a-z]+\.(?P<type>[A-Za-z]+)="
    r"(?P<agency>\*|[A-Za-z][\w.-]*):(?P<id>\*|[\w@$-]+)\((?P<version>[^()]+)\)"
    r"(?:\.(?P<item>[\w@$.*-]+))?",
    re.ASCII,
)


def identity(artefact: Maintainable) -> Identity:
    """Return what identifies an artefact."""
    return artefact.type_name, artefact.agency_id, artefact.id, artefact.version


# -- reading them ----------------------------------------------------------------------------------------


_MEMBERS = members_leading_to((Reference, References), LAYOUTS)


def _texts(part: Any) -> Iterator[str]:
    """Yield what stands where the model has references, in order of appearance."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple):
        for entry in part:
            yield from _texts(entry)
    elif isinstance(part, Part):
        for member in _MEMBERS.get(type(part), ()):
            yield from _texts(getattr(part, member))
        if isinstance(part, Dimension) and (listed := part.annotation(MEASURE_DIMENSION)):
            # The concepts that are the measures of SDMX 2.1, for which the model has no member.
            yield from filter(None, (listed.title,))


def references_of(artefact: Maintainable) -> tuple[Urn, ...]:
    """Return what an artefact refers to, items with their ids, each once, in order of appearance.

    Parts may be `*` for any. What is no URN is no reference that leads anywhere, and left out.
    """
    return tuple(filter(None, map(_read, dict.fromkeys(_texts(artefact)))))


def _read(text: str) -> Urn | None:
    if ANY not in text:
        try:
            return parse_urn(text)
        except UrnSyntaxError:
            return None
    match = _WILDCARD_URN.fullmatch(text)
    return Urn(*match.group("type", "agency", "id", "version", "item")) if match else None


# -- following them --------------------------------------------------------------------------------------


class ReferenceGraph:
    """The references of a set of artefacts in both directions, built once."""

    def __init__(self, structures: Structures) -> None:
        self._structures = structures

    @cached_property
    def _targets(self) -> dict[int, tuple[tuple[Maintainable, str | None], ...]]:
        """What each artefact of the set refers to, by the object itself."""
        return {id(artefact): tuple(self._followed(artefact)) for artefact in self._structures}

    @cached_property
    def _referrers(self) -> dict[Identity, list[tuple[Maintainable, str | None]]]:
        found: dict[Identity, list[tuple[Maintainable, str | None]]] = {}
        for artefact in self._structures:
            for target, item in self._targets[id(artefact)]:
                found.setdefault(identity(target), []).append((artefact, item))
        return found

    @cached_property
    def _by_type(self) -> dict[str, list[Maintainable]]:
        found: dict[str, list[Maintainable]] = {}
        for artefact in self._structures:
            found.setdefault(artefact.type_name, []).append(artefact)
        return found

    @cached_property
    def _schemes_of_agencies(self) -> dict[str, list[AgencyScheme]]:
        """Agency schemes by full agency id: an agency's own scheme holds those below it."""
        found: dict[str, list[AgencyScheme]] = {}
        for scheme in self._structures.of_type(AgencyScheme):
            for agency in agencies_of(scheme):
                found.setdefault(agency, []).append(scheme)
        return found

    @cached_property
    def _maintained(self) -> dict[str, list[Maintainable]]:
        found: dict[str, list[Maintainable]] = {}
        for artefact in self._structures:
            found.setdefault(artefact.agency_id, []).append(artefact)
        return found

    def _followed(self, artefact: Maintainable) -> Iterator[tuple[Maintainable, str | None]]:
        """Yield what an artefact refers to and is there, with the item named, if any."""
        for urn in references_of(artefact):
            for found in self.find(urn):
                yield found, None if urn.item == ANY else urn.item

    def find(self, urn: Urn) -> Iterator[Maintainable]:
        """Yield what a reference names: at most one artefact, unless parts of it are `*`."""
        whole = urn.maintainable
        try:
            if ANY not in (whole.agency, whole.id, whole.version):
                found = self._structures.find(whole)
                yield from () if found is None else (found,)
                return
            yield from self._matching(whole)
        except VersionSyntaxError:
            return

    def _matching(self, whole: Urn) -> Iterator[Maintainable]:
        versions: dict[tuple[str, str], dict[str, Maintainable]] = {}
        for artefact in self._by_type.get(whole.type, ()):
            if whole.agency in (ANY, artefact.agency_id) and whole.id in (ANY, artefact.id):
                key = artefact.agency_id, artefact.id
                versions.setdefault(key, {})[artefact.version] = artefact
        for known in versions.values():
            if whole.version == ANY:
                yield from known.values()
            elif (newest := latest(whole.version, list(known))) is not None:
                yield known[newest]

    def children(self, artefact: Maintainable) -> Iterator[Maintainable]:
        """Yield what an artefact refers to and is there; of a wildcard version the newest.

        The artefact may be a part of one of the set: then only what that part refers to.
        """
        targets = self._targets.get(id(artefact))
        if targets is None:
            targets = tuple(self._followed(artefact))
        yield from {identity(found): found for found, _ in targets}.values()

    def agency_schemes(self, artefact: Maintainable) -> Iterator[Maintainable]:
        """Yield the agency schemes that hold the agency which maintains an artefact."""
        for scheme in self._schemes_of_agencies.get(artefact.agency_id, ()):
            if identity(scheme) != identity(artefact):
                yield scheme

    def maintained(self, scheme: AgencyScheme) -> Iterator[Maintainable]:
        """Yield what the agencies of a scheme maintain, without the scheme itself."""
        for agency in dict.fromkeys(agencies_of(scheme)):
            for artefact in self._maintained.get(agency, ()):
                if identity(artefact) != identity(scheme):
                    yield artefact

    def parents(
        self, artefact: Maintainable, items: frozenset[str] | None = None
    ) -> Iterator[Maintainable]:
        """Yield what refers to an artefact; with `items`, only what refers to it or one of those items."""
        seen = set()
        for referrer, item in self._referrers.get(identity(artefact), ()):
            wanted = items is None or item is None or item in items
            if wanted and identity(referrer) not in seen:
                seen.add(identity(referrer))
                yield referrer


def agencies_of(scheme: AgencyScheme) -> Iterator[str]:
    """Yield the full ids of the agencies in a scheme.

    The top agencies stand in the scheme of SDMX (SDMX 3.1 Section 2, "Agency Scheme"); an agency that lists
    itself is found as well.
    """
    for agency in scheme.agencies:
        is_top = scheme.agency_id in ("SDMX", agency.id)
        yield agency.id if is_top else f"{scheme.agency_id}.{agency.id}"


def closure(
    start: Iterable[Maintainable], step: Callable[[Maintainable], Iterable[Maintainable]]
) -> dict[Identity, Maintainable]:
    """Return everything that repeated steps reach, without the start."""
    found: dict[Identity, Maintainable] = {}
    pending = [*start]
    begun = {identity(artefact) for artefact in pending}
    while pending:
        for artefact in step(pending.pop()):
            key = identity(artefact)
            if key not in found and key not in begun:
                found[key] = artefact
                pending.append(artefact)
    return found
