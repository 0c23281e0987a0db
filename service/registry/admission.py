"""Whether changed structures fit: each in itself, and all of the registry together.

A fault is a text; `Fault.conflict` tells whether other artefacts are the reason (409) or the artefact itself (422).
SDMX-REST 2.2.2, doc/maintenance.md, "Referential integrity"; SDMX 3.1 Section 6, "Versioning".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from codelists.base import Maintainable, Nameable
from codelists.code_annotation import is_cyclic
from codelists.item_scheme import CategoryScheme, Concept, ItemScheme, ReportingTaxonomy
from codelists.urn import Urn, UrnSyntaxError, parse_urn
from codelists.version import VersionSyntaxError, parse_version
from dsd.soundness import component_ids, constraint_faults, dataflow_faults, structure_faults
from dsd.structure import DataConstraint, Dataflow, DataStructure
from dsd.structures import Structures
from service.registry.item_query import item_ids
from service.registry.references import ANY, Identity, identity, references_of
from service.registry.registry import Registry

_AGENCY = re.compile(r"[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)*", re.ASCII)
_ID = re.compile(r"[\w@$-]+", re.ASCII)
_NCNAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_TEXTS = frozenset(("annotations", "links", "name", "names", "description", "descriptions"))
"""Members that may tell of artefacts elsewhere: what they say is no reference."""

_ENUMERATIONS = ("Codelist", "ValueList")
_WANTED: dict[tuple[str, str], tuple[str, ...]] = {
    ("Categorisation", "target"): ("Category",),
    ("Codelist", "codelist"): ("Codelist",),
    ("ConceptScheme", "enumeration"): _ENUMERATIONS,
    ("DataConstraint", "dataProvider"): ("DataProvider",),
    ("DataConstraint", "dataStructures"): ("DataStructure",),
    ("DataConstraint", "dataflows"): ("Dataflow",),
    ("DataConstraint", "provisionAgreements"): ("ProvisionAgreement",),
    ("DataStructure", "conceptIdentity"): ("Concept",),
    ("DataStructure", "conceptRoles"): ("Concept",),
    ("DataStructure", "enumeration"): _ENUMERATIONS,
    ("DataStructure", "metadata"): ("MetadataStructure",),
    ("Dataflow", "structure"): ("DataStructure",),
    ("Metadataflow", "structure"): ("MetadataStructure",),
    ("ProvisionAgreement", "dataProvider"): ("DataProvider",),
    ("ProvisionAgreement", "dataflow"): ("Dataflow",),
}
"""Class of artefact, member of it that holds references, and the classes that these must name (SDMX-JSON 2.1)."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a changed artefact."""

    text: str
    conflict: bool
    item: str | None = None
    """Id of the item, component or reference concerned, by which it is found in the message."""


# -- an artefact in itself ---------------------------------------------------------------------------


def identity_fault(artefact: Maintainable) -> str | None:
    """Return why what an artefact is called is no identity, None where it is one."""
    if not _AGENCY.fullmatch(artefact.agency_id):
        return f"{artefact.agency_id!r} is no id of an agency: letters, digits, _ and -, a letter first"
    if not _ID.fullmatch(artefact.id):
        return f"{artefact.id!r} is no SDMX id: letters, digits, _, -, @ and $"
    try:
        parse_version(artefact.version)
    except VersionSyntaxError as error:
        return str(error)
    return None


def faults_within(artefact: Maintainable) -> Iterator[Fault]:
    """Yield what is wrong with an artefact, whatever else there is."""
    if artefact.name is None:
        yield _fault("it has no name; give it one in some language", None)
    if isinstance(artefact, ItemScheme):
        yield from _item_faults(artefact)
    elif isinstance(artefact, DataStructure):
        for text in structure_faults(artefact):
            yield _fault(text, None)
        yield from _repeated(component_ids(artefact))


def _fault(text: str, item: str | None) -> Fault:
    return Fault(text, False, item)


def _item_faults(scheme: ItemScheme) -> Iterator[Fault]:
    pairs = list(walked(scheme))
    yield from _repeated(path for path, _ in pairs)
    for path, item in pairs:
        pattern = _NCNAME if isinstance(item, Concept) else _ID
        if not pattern.fullmatch(item.id):
            yield _fault(f"{item.id!r} is no SDMX id", item.id)
        if item.name is None:
            yield _fault(f"{path} has no name; give it one in some language", item.id)
    yield from _hierarchy_faults({item.id: getattr(item, "parent", None) for _, item in pairs})


def _hierarchy_faults(parents: Mapping[str, str | None]) -> Iterator[Fault]:
    above = {id: [parent] if parent else [] for id, parent in parents.items()}
    for id, parent in parents.items():
        if parent is None:
            continue
        if parent not in parents:
            yield _fault(f"the parent {parent} of {id} is not in the scheme", id)
        elif is_cyclic(above, id):
            yield _fault(f"{id} is above itself", id)


def _repeated(ids: Iterable[str]) -> Iterator[Fault]:
    for id, number in Counter(ids).items():
        if number > 1:
            yield _fault(f"{id} stands {number} times; leave one", id.rpartition(".")[2])


def walked(scheme: ItemScheme) -> Iterator[tuple[str, Nameable]]:
    """Yield (id path, item) of a scheme, of nested ones every level."""
    stack = [("", item) for item in reversed(scheme.items)]
    while stack:
        prefix, item = stack.pop()
        path = f"{prefix}{item.id}"
        yield path, item
        below: Sequence[Nameable] = getattr(item, "categories", ())
        below = below or getattr(item, "reporting_categories", ())
        stack.extend((f"{path}.", child) for child in reversed(below))


# -- references --------------------------------------------------------------------------------------


class References:
    """Tells whether references resolve in a set of structures; what a scheme holds is looked at once."""

    def __init__(self, structures: Structures) -> None:
        self._structures = structures
        self._registry = Registry(structures)
        self._items: dict[Identity, frozenset[str] | None] = {}

    def faults(self, artefact: Maintainable) -> Iterator[Fault]:
        """Yield the references of an artefact that name nothing, or a thing of another class."""
        told = set()
        for member, text in _references(msgspec.to_builtins(artefact)):
            fault = self._fault(text, _WANTED.get((artefact.type_name, member)))
            if fault and (member, text) not in told:
                told.add((member, text))
                yield Fault(f"{member}: {fault}", True, text)
        for type_name, member in _REQUIRED:
            if type_name == artefact.type_name and getattr(artefact, member) is None:
                yield _fault(f"it names no {member}", None)

    def broken(self, artefact: Maintainable) -> Iterator[str]:
        """Yield the references of a stored artefact that name nothing."""
        for urn in references_of(artefact):
            if (fault := self.missing(urn)) is not None:
                yield fault

    def _fault(self, text: str, wanted: tuple[str, ...] | None) -> str | None:
        if ANY in text:
            return None  # It names whatever there is.
        try:
            urn = parse_urn(text)
        except UrnSyntaxError as error:
            return str(error)
        if wanted is not None and urn.type not in wanted:
            return f"{text} names a {urn.type}, a {' or '.join(wanted)} belongs here"
        return self.missing(urn)

    def missing(self, urn: Urn) -> str | None:
        """Return what a reference names that is not there, None where all of it is."""
        if ANY in urn:
            return None
        try:
            found = self._structures.find(urn)
        except VersionSyntaxError as error:
            return str(error)
        if found is None:
            return (
                f"{urn.maintainable.type} {urn.maintainable.short} is neither in the registry nor in the "
                "message; submit it first, or with it"
            )
        if urn.item is None:
            return None
        held = self._held(found)
        if held is None or urn.item in held:
            return None
        return f"{found.urn.type} {found.urn.short} has no item {urn.item}"

    def _held(self, artefact: Maintainable) -> frozenset[str] | None:
        """Return the ids of what an artefact holds, None where that is not known."""
        key = identity(artefact)
        if key not in self._items:
            self._items[key] = _held_ids(self._registry.with_inherited_codes(artefact))
        return self._items[key]


_REQUIRED = (
    ("Categorisation", "target"),
    ("Dataflow", "structure"),
    ("ProvisionAgreement", "dataflow"),
)
"""References without which an artefact means nothing; the schemas leave them out in stubs only."""


def _held_ids(artefact: Maintainable) -> frozenset[str] | None:
    if isinstance(artefact, CategoryScheme | ReportingTaxonomy):
        return frozenset(path for path, _ in walked(artefact))
    if isinstance(artefact, ItemScheme):
        return item_ids(artefact)
    return None


def _references(value: Any, member: str = "") -> Iterator[tuple[str, str]]:
    """Yield (member, text) of everything that is a reference."""
    if isinstance(value, dict):
        for name, entry in value.items():
            if name not in _TEXTS:
                yield from _references(entry, name)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from _references(entry, member)
    elif isinstance(value, str) and value.startswith("urn:sdmx:"):
        yield member, value


# -- what restricts what -----------------------------------------------------------------------------


def restriction_faults(artefact: Maintainable, structures: Structures) -> list[str]:
    """Return what constraints and what they restrict make impossible for each other."""
    if isinstance(artefact, DataConstraint):
        return list(constraint_faults(artefact, structures))
    if isinstance(artefact, Dataflow):
        return list(dataflow_faults(artefact, structures))
    return []
