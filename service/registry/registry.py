"""The registry: structures as REST asks for them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from operator import itemgetter

import msgspec

from codelists.base import Maintainable
from codelists.item_scheme import Codelist
from codelists.urn import TYPE_OF_NAME, Urn
from dsd.resolved import Dsd
from dsd.structure import Dataflow, DataStructure, ProvisionAgreement
from dsd.structures import Structures
from service.formats.names import NO_LANGUAGE
from service.query.versions import LATEST_STABLE_VERSION, VersionQuery
from service.registry.content_languages import Tags, answered, tags_of
from service.registry.detail import Address, stub
from service.registry.references import ReferenceGraph

FIXED_VERSION = "1.0"
_MOST_SELECTIONS = 256
_MOST_ADDRESSES = 4
_MOST_TAGGED = 100_000


class Registry:
    """Answers questions about a set of structures, which does not change."""

    def __init__(self, structures: Structures, content_hash: str | None = None) -> None:
        self.structures = structures
        self._known_hash = content_hash
        self.graph = ReferenceGraph(structures)
        self._dsds: dict[Urn, Dsd] = {}
        self._extended: dict[Urn, Codelist] = {}
        self._selections: dict[tuple[str, VersionQuery], tuple[Maintainable, ...]] = {}
        # By the artefact itself, which is held, so that no other takes its place in memory.
        self._tags: dict[int, tuple[Maintainable, Tags]] = {}
        self._stubs: dict[tuple[bool, Address], dict[int, Maintainable]] = {}

    @cached_property
    def content_hash(self) -> str:
        """What differs between two registries exactly where an answer could."""
        if self._known_hash is not None:
            return self._known_hash
        digest = hashlib.blake2b(digest_size=16)
        encoder = msgspec.json.Encoder()
        for artefact in self.structures:
            digest.update(encoder.encode((artefact.type_name, artefact)))
        return digest.hexdigest()

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages in which some artefact has its name, sorted."""
        return tuple(sorted({tag for artefact in self.structures for tag in artefact.names}))

    @cached_property
    def _languages_of_texts(self) -> tuple[str, ...]:
        """The languages in which there is any text, sorted."""
        found = {tag for artefact in self.structures for tags in tags_of(artefact) for tag in tags}
        return tuple(sorted(found - {NO_LANGUAGE} | set(self.languages)))

    def languages_for(self, asked: str | None) -> tuple[str, ...]:
        """Return the languages that there are, where one is asked for that no artefact has its name in: of all texts."""
        if asked is None or asked.lower() in map(str.lower, self.languages):
            return self.languages
        return self._languages_of_texts

    @cached_property
    def _by_type(self) -> dict[str, dict[tuple[str, str], dict[str, Maintainable]]]:
        """Versions of artefacts by agency and id, in the order of these, by type."""
        found: dict[str, dict[tuple[str, str], dict[str, Maintainable]]] = {}
        for artefact in sorted(self.structures, key=lambda a: (a.agency_id, a.id)):
            names = found.setdefault(artefact.type_name, {})
            names.setdefault((artefact.agency_id, artefact.id), {})[artefact.version] = artefact
        return found

    def content_languages(
        self, artefacts: Sequence[Maintainable], wished: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Return the languages of the texts of artefacts, of which an answer has what is wished for."""
        if len(self._tags) > _MOST_TAGGED:
            self._tags = {}
        kept = self._tags
        others: set[Tags] = set()
        for artefact in [entry for entry in artefacts if id(entry) not in kept]:
            found = tags_of(artefact)
            if artefact.is_external_reference or id(artefact) in self._own:
                kept[id(artefact)] = artefact, found
            else:
                others.add(found)
        known = set(map(itemgetter(1), filter(None, map(kept.get, map(id, artefacts)))))
        return answered(frozenset().union(*known, *others), wished)

    @cached_property
    def _own(self) -> set[int]:
        """The artefacts that stay, by the object itself."""
        return {id(artefact) for artefact in self.structures}

    def match(
        self,
        type_name: str,
        agencies: Collection[str],
        ids: Collection[str],
        versions: VersionQuery,
    ) -> list[Maintainable]:
        """Return the artefacts of a type that a query names, by agency, id and version.

        Args:
            type_name: class in the information model: `Codelist`.
            agencies: empty for all.
            ids: empty for all.
            versions: which versions of each.
        """
        if agencies and ids:
            names = sorted({(agency, id) for agency in agencies for id in ids})
            of_type = self._by_type.get(type_name, {})
            return [
                known[version]
                for name in names
                if (known := of_type.get(name)) is not None
                for version in _versions(type_name, known, versions)
            ]
        return [
            artefact
            for artefact in self._selected(type_name, versions)
            if (not agencies or artefact.agency_id in agencies) and (not ids or artefact.id in ids)
        ]

    def _selected(self, type_name: str, versions: VersionQuery) -> tuple[Maintainable, ...]:
        """Return the artefacts of a type in the versions of a query; of the last queries they are kept."""
        found = self._selections.get((type_name, versions))
        if found is None:
            if len(self._selections) >= _MOST_SELECTIONS:
                self._selections.clear()
            found = self._selections[type_name, versions] = tuple(
                known[version]
                for known in self._by_type.get(type_name, {}).values()
                for version in _versions(type_name, known, versions)
            )
        return found

    def stubs(
        self, artefacts: Sequence[Maintainable], complete: bool, address: Address
    ) -> list[Maintainable]:
        """Return stubs of artefacts of this registry, each made once for an address."""
        kept = self._stubs.get((complete, address))
        if kept is None:
            if len(self._stubs) >= _MOST_ADDRESSES:
                self._stubs.clear()
            kept = self._stubs[complete, address] = {}
        for artefact in artefacts:
            if id(artefact) not in kept:
                kept[id(artefact)] = stub(artefact, complete, address)
        return [kept[id(artefact)] for artefact in artefacts]

    def dsd(self, urn: Urn) -> Dsd:
        """Return the resolved DSD of a dataflow, provision agreement or DSD, each resolved once.

        Raises:
            UnknownArtefactError: something that it refers to is not there.
        """
        found = self._dsds.get(urn)
        if found is None:
            found = self._dsds[urn] = self.structures.dsd(urn)
        return found

    def with_inherited_codes(self, artefact: Maintainable) -> Maintainable:
        """Return a code list with the codes of those that it extends, each made once; anything else as it is."""
        if not isinstance(artefact, Codelist) or not artefact.codelist_extensions:
            return artefact
        found = self._extended.get(artefact.urn)
        if found is None:
            made = self.structures.with_inherited_codes(artefact)
            found = self._extended.setdefault(artefact.urn, made)
            self._own.add(id(found))
        return found

    def dataflows_of(self, structure: DataStructure) -> Iterator[Dataflow]:
        """Yield the dataflows that use a DSD."""
        for parent in self.graph.parents(structure):
            if isinstance(parent, Dataflow):
                yield parent

    def agreements_on(self, dataflow: Urn) -> Iterator[ProvisionAgreement]:
        """Yield the provision agreements on a dataflow."""
        for parent in self.graph.parents(self.structures.get(dataflow, Dataflow)):
            if isinstance(parent, ProvisionAgreement):
                yield parent


def _versions(type_name: str, known: Collection[str], wanted: VersionQuery) -> list[str]:
    """Return the versions of an artefact that a query takes.

    Organisation schemes have no versions in SDMX 3.x: what is kept as 1.0 is the stable one, which `+` asks for.
    """
    found = wanted.select(known)
    if not found and TYPE_OF_NAME[type_name].fixed_version and wanted == LATEST_STABLE_VERSION:
        return [version for version in known if version == FIXED_VERSION]
    return found
