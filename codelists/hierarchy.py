"""Hierarchies of codes and what they are associated with. SDMX 3.1 Section 2, 6 "Hierarchy"."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from codelists.base import Identifiable, Maintainable, Nameable, Part
from codelists.representation import TextFormat


class Level(Nameable, frozen=True, kw_only=True):
    """A level of a hierarchy, with the one below it nested inside."""

    coding_format: TextFormat | None = None
    level: Level | None = None


class HierarchicalCode(Identifiable, frozen=True, kw_only=True):
    """A code at its place in a hierarchy, with those under it nested inside."""

    code: str | None = None
    """URN of the code."""
    valid_from: str | None = None
    valid_to: str | None = None
    hierarchical_codes: tuple[HierarchicalCode, ...] = ()
    level: str | None = None
    """Id of the level, of nested levels the id path."""
    version: str | None = msgspec.field(default=None, name="x-version")
    """Version of the place in the hierarchy. SDMX 2.1 only."""
    code_id: str | None = msgspec.field(default=None, name="x-codeID")
    """Id of the code in the list that `codelist_alias` stands for. SDMX 2.1 only, instead of `code`."""
    codelist_alias: str | None = msgspec.field(default=None, name="x-codelistAliasRef")


class Hierarchy(Maintainable, frozen=True, kw_only=True):
    """A tree of codes, of one or several lists."""

    type_name: ClassVar[str] = "Hierarchy"

    level: Level | None = None
    hierarchical_codes: tuple[HierarchicalCode, ...] = ()
    # Required, so a plain default would leave it out when writing.
    has_formal_levels: bool = msgspec.field(default_factory=bool)


class HierarchyAssociation(Maintainable, frozen=True, kw_only=True):
    """A hierarchy that something uses, possibly in the context of something else."""

    type_name: ClassVar[str] = "HierarchyAssociation"

    linked_hierarchy: str | None = None
    linked_object: str | None = None
    context_object: str | None = None


class IncludedCodelist(Part, frozen=True, kw_only=True):
    """A code list under the name that a hierarchical code list gives it."""

    codelist: str
    alias: str | None = None


class NestedHierarchy(Nameable, frozen=True, kw_only=True):
    """A hierarchy inside a hierarchical code list."""

    hierarchical_codes: tuple[HierarchicalCode, ...] = ()
    level: Level | None = None
    leveled: bool = False


class HierarchicalCodelist(Maintainable, frozen=True, kw_only=True):
    """Several hierarchies and the lists that they take codes from. SDMX 2.1, 3.5.5; 3.x has `Hierarchy`."""

    type_name: ClassVar[str] = "HierarchicalCodelist"

    included_codelists: tuple[IncludedCodelist, ...] = ()
    hierarchies: tuple[NestedHierarchy, ...] = ()
