"""Item schemes: code lists, concepts, categories and organisations.

SDMX 3.1 Section 2, 3.5 "Item Scheme", 4 "Codelists and concepts".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import msgspec

from codelists.base import Maintainable, Nameable, Part
from codelists.representation import IsoConceptReference, Representation
from codelists.text import LocalisedText


class ItemScheme(Maintainable, frozen=True, kw_only=True):
    """A scheme of items; `items` is the same whatever the member is called in a message."""

    is_partial: bool = False

    items_member: ClassVar[str] = ""
    """Attribute that holds the items; each concrete class sets it."""

    @property
    def items(self) -> tuple[Nameable, ...]:
        """Return the items in their order (of a nested scheme: the top level)."""
        found: tuple[Nameable, ...] = getattr(self, type(self).items_member)
        return found


class Code(Nameable, frozen=True, kw_only=True):
    """One code. `parent` is the id of the code above it in a simple hierarchy."""

    parent: str | None = None


class MemberValue(Part, frozen=True, kw_only=True):
    """A code (or wildcarded id) that a code selection names."""

    value: str
    cascade_values: bool | Literal["excluderoot"] | None = None


class CodeSelection(Part, frozen=True, kw_only=True):
    """Which codes of an extended list are taken over; a wildcarded value ends in `%`."""

    member_values: tuple[str | MemberValue, ...] = ()
    wildcarded_member_values: tuple[str, ...] = ()


class CodelistExtension(Part, frozen=True, kw_only=True):
    """A code list whose codes are taken over into this one."""

    codelist: str
    prefix: str | None = None
    inclusive_code_selection: CodeSelection | None = None
    exclusive_code_selection: CodeSelection | None = None


class Codelist(ItemScheme, frozen=True, kw_only=True):
    """A list of codes."""

    type_name: ClassVar[str] = "Codelist"
    items_member: ClassVar[str] = "codes"

    codes: tuple[Code, ...] = ()
    codelist_extensions: tuple[CodelistExtension, ...] = ()


class Concept(Nameable, frozen=True, kw_only=True):
    """A concept: what a component means, and how it is written unless a component says otherwise."""

    core_representation: Representation | None = None
    iso_concept_reference: IsoConceptReference | None = None
    parent: str | None = None


class ConceptScheme(ItemScheme, frozen=True, kw_only=True):
    """A scheme of concepts."""

    type_name: ClassVar[str] = "ConceptScheme"
    items_member: ClassVar[str] = "concepts"

    concepts: tuple[Concept, ...] = ()


class Category(Nameable, frozen=True, kw_only=True):
    """A subject, with those under it nested inside."""

    categories: tuple[Category, ...] = ()


class CategoryScheme(ItemScheme, frozen=True, kw_only=True):
    """A scheme of subjects."""

    type_name: ClassVar[str] = "CategoryScheme"
    items_member: ClassVar[str] = "categories"

    categories: tuple[Category, ...] = ()

    def walk(self) -> Iterator[tuple[str, Category]]:
        """Yield (id path, category) depth first; a path is `MODULE.TABLE`, as in a URN."""
        stack = [(category.id, category) for category in reversed(self.categories)]
        while stack:
            path, category = stack.pop()
            yield path, category
            stack.extend((f"{path}.{child.id}", child) for child in reversed(category.categories))


class Contact(Part, frozen=True, kw_only=True):
    """How to reach an organisation. Built-in artefacts name offices only, never persons."""

    id: str | None = None
    name: str | None = None
    names: LocalisedText = {}
    department: str | None = None
    departments: LocalisedText = {}
    role: str | None = None
    roles: LocalisedText = {}
    telephones: tuple[str, ...] = ()
    faxes: tuple[str, ...] = ()
    x400s: tuple[str, ...] = msgspec.field(default=(), name="x400s")
    uris: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


class Organisation(Nameable, frozen=True, kw_only=True):
    """An agency, data provider or data consumer: which of them the scheme says."""

    contacts: tuple[Contact, ...] = ()


class AgencyScheme(ItemScheme, frozen=True, kw_only=True):
    """The agencies of an agency; id AGENCIES, version 1.0."""

    type_name: ClassVar[str] = "AgencyScheme"
    items_member: ClassVar[str] = "agencies"

    agencies: tuple[Organisation, ...] = ()


class DataProviderScheme(ItemScheme, frozen=True, kw_only=True):
    """The data providers that an agency knows; id DATA_PROVIDERS, version 1.0."""

    type_name: ClassVar[str] = "DataProviderScheme"
    items_member: ClassVar[str] = "data_providers"

    data_providers: tuple[Organisation, ...] = ()


class DataConsumerScheme(ItemScheme, frozen=True, kw_only=True):
    """The data consumers that an agency knows; id DATA_CONSUMERS, version 1.0."""

    type_name: ClassVar[str] = "DataConsumerScheme"
    items_member: ClassVar[str] = "data_consumers"

    data_consumers: tuple[Organisation, ...] = ()
