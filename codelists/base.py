"""The base classes of the information model: what every artefact has.

SDMX 3.1 Section 2, 3.2 "Base". The Structs have the shape of SDMX-JSON 2.1, so that decoding needs no
second set of classes; unknown members are refused, never dropped.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import msgspec

from codelists.text import LocalisedText, best_match
from codelists.urn import TYPE_OF_NAME, ArtefactType, Urn


class Part(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename="camel",
):
    """Base of every Struct of the model: immutable, absent members left out, unknown members refused."""


class Link(Part, frozen=True, kw_only=True):
    """A link of SDMX-JSON: to a page, or (rel=self) the URN of the thing itself."""

    rel: str
    href: str | None = None
    urn: str | None = None
    uri: str | None = None
    title: str | None = None
    titles: LocalisedText = {}
    type: str | None = None
    hreflang: str | None = None


class Annotation(Part, frozen=True, kw_only=True):
    """A note on an artefact, for machines by `id` and `type`."""

    id: str | None = None
    title: str | None = None
    type: str | None = None
    value: str | None = None
    text: str | None = None
    texts: LocalisedText = {}
    links: tuple[Link, ...] = ()


class Annotable(Part, frozen=True, kw_only=True):
    """A thing that may carry annotations."""

    annotations: tuple[Annotation, ...] = ()
    links: tuple[Link, ...] = ()

    def annotation(self, id: str) -> Annotation | None:
        """Return the first annotation with this id, None where there is none."""
        return next((entry for entry in self.annotations if entry.id == id), None)

    def annotation_value(self, id: str) -> str | None:
        """Return the value (or title) of the first annotation with this id."""
        found = self.annotation(id)
        return None if found is None else found.value or found.title


class AnnotablePart(Annotable, frozen=True, kw_only=True):
    """An annotable thing that nothing identifies, to which SDMX 3.1 gives no links: SDMX-JSON 2.0 takes some."""

    links: tuple[Link, ...] = msgspec.field(default=(), name="x-links")


class Identifiable(Annotable, frozen=True, kw_only=True):
    """A thing with an id. Members that SDMX-JSON 2.1 has no word for are its extension members, `x-`."""

    id: str
    uri: str | None = msgspec.field(default=None, name="x-uri")
    """Where more is said of it, beside its URN. SDMX-ML only."""


def derive_names(thing: Any) -> None:
    """Set the `name` and `description` of a thing that has texts only; for `__post_init__`."""
    if thing.name is None and thing.names and (found := best_match(thing.names)):
        msgspec.structs.force_setattr(thing, "name", found[1])
    if (
        thing.description is None
        and thing.descriptions
        and (found := best_match(thing.descriptions))
    ):
        msgspec.structs.force_setattr(thing, "description", found[1])


class Nameable(Identifiable, frozen=True, kw_only=True):
    """A thing with names; `name` is the one text that a reader without a language choice gets."""

    name: str | None = None
    names: LocalisedText = {}
    description: str | None = None
    descriptions: LocalisedText = {}

    def __post_init__(self) -> None:
        """Derive `name` and `description` from the texts where they are not given."""
        derive_names(self)

    def label(self, languages: tuple[str, ...] = ()) -> str:
        """Return the name in the first language that exists, the id where there is no name at all."""
        found = best_match(self.names, languages)
        return found[1] if found else self.name or self.id


class Maintainable(Nameable, frozen=True, kw_only=True):
    """An artefact that an agency maintains: the unit of files, versions and maintenance."""

    type_name: ClassVar[str] = ""
    """Class in the information model; each concrete class sets it."""
    collection: ClassVar[str] = ""
    """Member of `data` in SDMX-JSON, where it is not the one of `type_name`."""

    agency_id: str = msgspec.field(name="agencyID")
    # A factory, because a plain default is left out when writing, and clients look for the version.
    version: str = msgspec.field(default_factory=lambda: "1.0")
    is_external_reference: bool = False
    is_partial_language: bool = False
    valid_from: str | None = None
    valid_to: str | None = None
    is_final: bool | None = msgspec.field(default=None, name="x-isFinal")
    """Finality as SDMX 2.1 states it, where it is another than the version implies (X.Y.Z is final)."""

    @property
    def artefact_type(self) -> ArtefactType:
        """Return the row of `ARTEFACT_TYPES` for this artefact."""
        return TYPE_OF_NAME[type(self).type_name]

    @property
    def urn(self) -> Urn:
        """Return the identity of this artefact."""
        return Urn(type(self).type_name, self.agency_id, self.id, self.version)


AnyPart = TypeVar("AnyPart", bound=Part)


def replaced(part: AnyPart, **changes: Any) -> AnyPart:
    """Return a copy of `part` with some members changed."""
    return msgspec.structs.replace(part, **changes)
