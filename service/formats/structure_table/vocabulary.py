"""The words in which the table describes the types of the model: forms, kinds of values, fields, layouts.

A form is one version of SDMX-ML or SDMX-JSON. A field is one member of a type: the kind of its value and its
name in each form. The engines (`structure_xml_reader`, `structure_xml_writer`, `structure_json`) follow the
table; they know kinds, never types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from codelists.base import Part


class Form(Enum):
    """One version of a structure format."""

    ML21 = "SDMX-ML 2.1"
    ML30 = "SDMX-ML 3.0"
    ML31 = "SDMX-ML 3.1"
    JSON10 = "SDMX-JSON 1.0"
    JSON20 = "SDMX-JSON 2.0"
    JSON21 = "SDMX-JSON 2.1"

    @property
    def is_xml(self) -> bool:
        """True for SDMX-ML."""
        return self in (Form.ML21, Form.ML30, Form.ML31)

    @property
    def is_sdmx21(self) -> bool:
        """True for the forms of the information model 2.1."""
        return self in (Form.ML21, Form.JSON10)

    @property
    def is_sdmx31(self) -> bool:
        """True for the forms of the information model 3.1."""
        return self in (Form.ML31, Form.JSON21)


class Losing(Protocol):
    """What a function of the table needs to know of the message that is written."""

    def lose(self, what: str, where: str | None = None, advice: str = "") -> None:
        """Report that something is left out, or refuse it."""


# -- kinds of values -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """How a value is written; each subclass is one shape."""


@dataclass(frozen=True)
class Conversion:
    """How a scalar of the model becomes XML text and back. Reading raises ValueError for what is no such value."""

    read: Callable[[str], Any]
    write: Callable[[Any], str]


@dataclass(frozen=True)
class Scalar(Kind):
    """One text: an XML attribute (place `@name`), element (`str:Name`) or element content (`.`)."""

    conversion: Conversion
    in_json: bool = False
    """True where SDMX-JSON has the converted text as well."""
    default: Any = None
    """What its absence in XML means, where that is not the default of the model."""
    required: bool = False
    """True where XML has the attribute always, so that a value which is the model's default is written."""
    required_in_json: bool = False
    """The same for SDMX-JSON 1.0 and 2.0."""
    implied: Any = None
    """The value that its absence in XML means, so that it is neither written nor kept."""
    absent: str | None = None
    """What is written in XML where there is no value, for readers that do not know the schema's default."""


@dataclass(frozen=True)
class Scalars(Kind):
    """Several texts, each in an element. A place `Outer/Inner` is wrapped once, `Outer*/Inner` each."""

    conversion: Conversion


@dataclass(frozen=True)
class Texts(Kind):
    """A text by language, with the member that holds the best of them."""

    best: str
    required: bool = False
    """True where XML must have one: the id stands in for a name that is not there."""


@dataclass(frozen=True)
class Reference(Kind):
    """The URN of something. In SDMX-ML 2.1 a `Ref`, whose class may be left out where it is this one."""

    default_class: str | None = None
    is_exact: bool = True
    """False for a URN with wildcards in any part, which is kept as it is."""
    by_urn: bool = False
    """True where SDMX-ML 2.1 can say it by URN only: the type of its `Ref` is abstract."""


@dataclass(frozen=True)
class References(Kind):
    """Several of them, each in an element."""

    default_class: str | None = None
    is_exact: bool = True


@dataclass(frozen=True)
class LocalReference(Kind):
    """The id of something in the same artefact. In SDMX-ML 2.1 a `Ref`, in SDMX-JSON 1.0 possibly a URN."""

    json10_class: str | None = None
    """The class of that URN; None where it is the id there too."""
    is_name_in_30: bool = False
    """True where SDMX-ML 3.0 takes no id that starts with anything but a letter."""


@dataclass(frozen=True)
class LocalReferences(Kind):
    """Several of them."""

    json10_class: str | None = None


@dataclass(frozen=True)
class FlaggedReferences(Kind):
    """Several of them with a flag each, which is another member of the model and an attribute in SDMX-ML."""

    flags: str
    attribute: str


@dataclass(frozen=True)
class Marker(Kind):
    """`{}` in the model; in SDMX 2.1 a reference to the one thing that it can mean."""

    id: str


@dataclass(frozen=True)
class Empty(Kind):
    """The mere presence of an element; `{}` in SDMX-JSON."""


@dataclass(frozen=True)
class Constant(Kind):
    """An id that the schema fixes: always written, not kept."""

    value: str


@dataclass(frozen=True)
class OwnUrn(Kind):
    """The URN of the artefact itself, which is no member of the model: it follows from the others."""


@dataclass(frozen=True)
class Implied(Kind):
    """What the other members imply: read over, and not written."""


@dataclass(frozen=True)
class Address(Kind):
    """The address of the link of one relation, where the link says no more: an attribute in SDMX-ML."""

    relation: str


@dataclass(frozen=True)
class Links(Kind):
    """The links of something, without those that say its own URN, or are an `Address`."""

    with_addresses: bool = False


@dataclass(frozen=True)
class Child(Kind):
    """A part that has members of its own."""

    layout: str


@dataclass(frozen=True)
class Children(Kind):
    """Several of them; the place may be wrapped, as that of `Scalars`."""

    layout: str
    one_in_ml21: bool = False
    """True where SDMX-ML 2.1 has one only."""


@dataclass(frozen=True)
class Variant:
    """One of the elements that the entries of a list become in XML."""

    place: str
    layout: str | None
    """None where the entry is the element's text."""
    fits: Callable[[Any], bool]
    """Tells which entries become this element; the first variant that fits is taken."""


@dataclass(frozen=True)
class Variants(Kind):
    """A list whose entries become different elements. All of them stand where the field does."""

    variants: tuple[Variant, ...]
    json_layout: str | None = None
    """Layout of the entries that are objects in SDMX-JSON."""


@dataclass(frozen=True)
class Pairs(Kind):
    """Entries with two texts, written as two elements one after the other; the place is `First|Second`."""

    layout: str
    first: str
    second: str


# -- fields and layouts ----------------------------------------------------------------------------------


class _Same:
    """Says that a form names a field as the next newer form does."""


SAME = _Same()
Place = str | None | _Same


@dataclass(frozen=True)
class Field:
    """One member of a type: the kind of its value and its place in each form, None where it has none.

    `xml` is the place in SDMX-ML 3.1 (`com21:` is the common namespace in 2.1 and that of structures later;
    `+` says that another field writes the member too); 3.0 is the same unless `ml30` says otherwise, and 2.1 the same as 3.0
    unless `ml21` does. The name in SDMX-JSON 2.1 is that of the Struct; 2.0 and 1.0 follow likewise.
    """

    member: str
    kind: Kind
    xml: str | None
    ml30: Place = SAME
    ml21: Place = SAME
    json20: Place = SAME
    json10: Place = SAME
    kind21: Kind | None = None
    """Its kind in SDMX-ML 2.1 and SDMX-JSON 1.0, where it is another."""
    harmless: tuple[Any, ...] = ()
    """Values that are no loss where a form has no place for the member: they say what that form implies."""

    def kind_in(self, form: Form) -> Kind:
        """Return the kind of the value in a form."""
        return self.kind21 if self.kind21 is not None and form.is_sdmx21 else self.kind

    def place(self, form: Form, json_name: str) -> str | None:
        """Return the place in a form, given the name in SDMX-JSON 2.1."""
        places: tuple[Place, ...] = (
            (self.xml, self.ml30, self.ml21)
            if form.is_xml
            else (json_name, self.json20, self.json10)
        )
        steps = {Form.ML31: 1, Form.ML30: 2, Form.ML21: 3, Form.JSON21: 1, Form.JSON20: 2}
        found: str | None = None
        for place in places[: steps.get(form, 3)]:
            if not isinstance(place, _Same):
                found = place
        return found


@dataclass(frozen=True)
class Adaptation:
    """How a part of the model becomes one that SDMX 2.1 can hold, and back."""

    down: Callable[[Any, Losing], Any]
    """(part, context of writing) -> part."""
    up: Callable[[Any], Any]
    down_mark: bytes
    """Occurs in the SDMX-JSON of every part that `down` changes."""
    up_mark: bytes
    """Occurs in the SDMX-JSON of every part that `up` changes."""


@dataclass(frozen=True)
class Reshaping:
    """Turns an object of SDMX-JSON 1.0 into one with the members of the table, and back, in place."""

    read: Callable[[dict[str, Any]], None]
    write: Callable[[dict[str, Any], Losing], None]
    """(object, context of writing)."""


@dataclass(frozen=True)
class Layout:
    """How one type is laid out: its fields in the order of the SDMX-ML schemas."""

    model: type[Part]
    fields: tuple[Field, ...]
    complete: Callable[[dict[str, Any]], None] | None = None
    """Adds what XML leaves to be inferred to the members read, before the part is made of them."""
    adaptation: Adaptation | None = None
    order21: tuple[str, ...] = ()
    """Members that stand last in SDMX-ML 2.1, where its order is another."""
    shape10: Reshaping | None = None
    """How an object of SDMX-JSON 1.0 differs beyond names."""


@dataclass(frozen=True)
class ArtefactPlace:
    """Where the artefacts of a type stand in a message of each form; None where the form has no such type."""

    layout: str
    xml: str | None
    """`Container/Element`."""
    ml30: Place = SAME
    ml21: Place = SAME
    json21: str | None = None
    json20: Place = SAME
    json10: Place = SAME
    versioned: bool = True
    fits: Callable[[frozenset[str]], bool] = field(default=lambda _: True)
    """Tells, by the names of the elements or members in it, an artefact of this type from others in one place."""

    def place(self, form: Form) -> str | None:
        """Return the place in a form."""
        as_field = Field("", Empty(), self.xml, self.ml30, self.ml21, self.json20, self.json10)
        name = as_field.place(form, self.json21 or "")
        return name or None
