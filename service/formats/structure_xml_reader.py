"""Reads the parts of an artefact from SDMX-ML, as the table of structures says.

For each layout and form the table is compiled once into a function. What the table does not know is refused
with its line: nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from lxml import etree

from codelists.base import Link
from dsd.sdmx_json import StructureMessageError
from service.formats.class_names import urn_from_21
from service.formats.structure_reference import read_ref
from service.formats.structure_table import LAYOUTS
from service.formats.structure_table.vocabulary import (
    Address,
    Child,
    Children,
    Constant,
    Empty,
    Field,
    FlaggedReferences,
    Form,
    Implied,
    Kind,
    Layout,
    Links,
    LocalReference,
    LocalReferences,
    Marker,
    OwnUrn,
    Pairs,
    Reference,
    References,
    Scalar,
    Scalars,
    Texts,
    Variants,
)

_ROOT = "http://www.sdmx.org/resources/sdmxml/schemas"
_VERSIONS = {Form.ML21: "v2_1", Form.ML30: "v3_0", Form.ML31: "v3_1"}
_PARTS = {"com": "common", "str": "structure", "mes": "message", "reg": "registry"}
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_DEFAULT_LANGUAGE = "en"
"""The language of a text without one. SDMXCommon.xsd, TextType."""


def namespace(form: Form, part: str) -> str:
    """Return the namespace of a part (message, structure, common) of a version."""
    return f"{_ROOT}/{_VERSIONS[form]}/{part}"


def clark(name: str, form: Form) -> str:
    """Return the name of an element (`str:Code`) as lxml has it."""
    prefix, colon, local = name.rpartition(":")
    if not colon:
        return local
    if prefix == "com21":
        prefix = "com" if form is Form.ML21 else "str"
    return f"{{{namespace(form, _PARTS[prefix])}}}{local}"


def attributes_of(element: etree._Element) -> Iterable[tuple[str, str]]:
    """Return names and texts of attributes."""
    return element.items()  # type: ignore[return-value]  # the stubs think of bytes


def place_of(element: etree._Element) -> str:
    """Return the line and the name of an element, for a message to a person."""
    name = etree.QName(element).localname
    id = element.get("id")
    return f"line {element.sourceline}, {name}{f' {id}' if id else ''}"


def broken(element: etree._Element, what: object) -> StructureMessageError:
    """Return the error that says what is wrong at an element."""
    return StructureMessageError(f"{place_of(element)}: {what}")


Values = dict[str, Any]
ReadElement = Callable[[Values, etree._Element], None]
ReadAttribute = Callable[[Values, str], None]
ReadThing = Callable[[etree._Element], Any]


@dataclass
class _Readers:
    """What a layout is compiled to."""

    attributes: dict[str, ReadAttribute]
    elements: dict[str, ReadElement]
    content: ReadElement | None = None
    lists: tuple[str, ...] = ()
    absent: tuple[tuple[str, Any], ...] = ()
    """Members with the value that their absence means."""
    complete: Callable[[Values], None] | None = None

    def read_into(self, values: Values, element: etree._Element) -> None:
        """Add the members that an element holds.

        Raises:
            ValueError: it holds something that the table does not know, or in another form.
        """
        self._read_attributes(values, element)
        elements = self.elements
        for child in element:
            read_element = elements.get(child.tag)
            if read_element is None:
                raise broken(child, f"it is not known here, in {place_of(element)}")
            read_element(values, child)
            if (tail := child.tail) and not tail.isspace():
                raise broken(child, f"the text {tail.strip()!r} after it is not known here")
        if self.content is not None:
            self.content(values, element)
        elif (text := element.text) and not text.isspace():
            raise ValueError(f"the text {text.strip()!r} is not known here")
        for member in self.lists:
            if member in values:
                values[member] = tuple(values[member])
        if self.complete is not None:
            self.complete(values)

    def _read_attributes(self, values: Values, element: etree._Element) -> None:
        attributes = self.attributes
        for name, text in attributes_of(element):
            read = attributes.get(name)
            if read is not None:
                read(values, text)
            elif not name.startswith(_XSI):
                raise ValueError(f"the attribute {name} is not known here")


@cache
def reader_of(name: str, form: Form) -> ReadThing:
    """Return the function that reads parts of a layout."""
    layout = LAYOUTS[name]
    readers = _compile(layout, form)
    model, absent = layout.model, readers.absent
    adapt = layout.adaptation.up if layout.adaptation and form.is_sdmx21 else None

    def read(element: etree._Element) -> Any:
        values: Values = dict(absent)
        try:
            readers.read_into(values, element)
            thing = model(**values)
        except StructureMessageError:
            raise
        except (ValueError, TypeError) as error:
            raise broken(element, error) from error
        return thing if adapt is None else adapt(thing)

    return read


def _compile(layout: Layout, form: Form) -> _Readers:
    readers = _Readers({"urn": _ignored}, {}, complete=layout.complete)
    lists, absent = set(), {}
    for field in layout.fields:
        kind, place = field.kind_in(form), field.place(form, "")
        if isinstance(kind, Scalar) and kind.default is not None:
            absent[field.member] = kind.default
        if place is None or place == "+":
            continue
        if place.startswith("@"):
            name = _XML_LANG if place == "@xml:lang" else place[1:]
            readers.attributes[name] = _attribute(field, form)
            continue
        if isinstance(kind, _LISTS):
            lists.add(field.member)
            if isinstance(kind, FlaggedReferences):
                lists.add(kind.flags)
        if place == ".":
            readers.content = _content(field, form)
        if place != "." or isinstance(kind, Reference):
            _add_elements(readers.elements, field, place, form)
    if any(isinstance(field.kind, Links) for field in layout.fields):
        lists.add("links")
    readers.lists = tuple(sorted(lists))
    readers.absent = tuple(absent.items())
    return readers


_LISTS = (
    Scalars,
    References,
    LocalReferences,
    FlaggedReferences,
    Children,
    Variants,
    Pairs,
    Links,
)


def _ignored(values: Values, text: str) -> None:
    """Read what follows from other members."""


def _attribute(field: Field, form: Form) -> ReadAttribute:
    kind, member = field.kind_in(form), field.member
    if isinstance(kind, Constant | OwnUrn | Implied):
        return _ignored
    if isinstance(kind, Address):
        relation = kind.relation
        return lambda values, text: values.setdefault("links", []).append(
            Link(rel=relation, href=text)
        )
    assert isinstance(kind, Scalar)  # noqa: S101 (the table has no other kind at an attribute)
    convert = kind.conversion.read

    def read(values: Values, text: str) -> None:
        values[member] = convert(text)

    def read_unless_implied(values: Values, text: str) -> None:
        value = convert(text)
        if value != kind.implied:
            values[member] = value

    return read if kind.implied is None else read_unless_implied


def _content(field: Field, form: Form) -> ReadElement | None:
    kind, member = field.kind_in(form), field.member
    if isinstance(kind, Reference):
        if form is Form.ML21:
            return None
        return lambda values, element: values.__setitem__(member, (element.text or "").strip())
    if not isinstance(kind, Scalar):
        return None
    convert = kind.conversion.read
    return lambda values, element: values.__setitem__(member, convert(element.text or ""))


def _add_elements(elements: dict[str, ReadElement], field: Field, place: str, form: Form) -> None:
    kind = field.kind_in(form)
    if isinstance(kind, Variants):
        for variant in kind.variants:
            _add_variant(elements, field.member, variant.place, variant.layout, form)
        return
    if isinstance(kind, Pairs):
        one, _, other = place.partition("|")
        elements[clark(one, form)] = _pair_start(field.member, kind.first)
        elements[clark(other, form)] = _pair_end(field.member, kind, form)
        return
    if isinstance(kind, Reference) and place == ".":
        read = _reference_part(field.member, kind.default_class)
        elements["Ref"] = elements["URN"] = read
        return
    outer, slash, inner = place.rpartition("/")
    handler = _ELEMENT_READERS[type(kind)](field, form)
    if not slash:
        elements[clark(place, form)] = handler
        return
    inner_tag = clark(inner, form)
    elements[clark(outer.rstrip("*"), form)] = _unwrapped(inner_tag, handler)


def _unwrapped(inner: str, handler: ReadElement) -> ReadElement:
    def read(values: Values, element: etree._Element) -> None:
        for child in element:
            if child.tag != inner:
                raise broken(child, f"it is not known here, in {place_of(element)}")
            handler(values, child)

    return read


def _once(values: Values, member: str, value: Any, element: etree._Element) -> None:
    if member in values:
        raise broken(element, "it stands here twice")
    values[member] = value


def _scalar(field: Field, form: Form) -> ReadElement:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, Scalar)  # noqa: S101
    convert = kind.conversion.read
    return lambda values, element: _once(values, member, convert(element.text or ""), element)


def _scalars(field: Field, form: Form) -> ReadElement:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, Scalars)  # noqa: S101
    convert = kind.conversion.read
    return lambda values, element: values.setdefault(member, []).append(convert(element.text or ""))


def _texts(field: Field, form: Form) -> ReadElement:
    member = field.member

    def read(values: Values, element: etree._Element) -> None:
        texts = values.setdefault(member, {})
        language = element.get(_XML_LANG, _DEFAULT_LANGUAGE)
        if language in texts:
            raise broken(element, f"there are two texts in the language {language}")
        texts[language] = element.text or ""

    return read


def _urn(element: etree._Element, default_class: str | None, form: Form) -> str:
    if form is not Form.ML21:
        return (element.text or "").strip()
    for child in element:
        if child.tag in ("Ref", "URN"):
            return _urn_of_part(child, default_class)
    raise broken(element, "a reference has a Ref or a URN")


def _urn_of_part(part: etree._Element, default_class: str | None) -> str:
    if part.tag == "URN":
        return urn_from_21(part.text or "")
    try:
        return read_ref(dict(attributes_of(part)), default_class)
    except ValueError as error:
        raise broken(part, error) from error


def _reference_part(member: str, default_class: str | None) -> ReadElement:
    """Return the reader of the `Ref` or `URN` of an element that is a reference itself."""
    return lambda values, element: values.setdefault(member, _urn_of_part(element, default_class))


def _reference(field: Field, form: Form) -> ReadElement:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, Reference)  # noqa: S101
    default_class = kind.default_class
    return lambda values, element: _once(
        values, member, _urn(element, default_class, form), element
    )


def _references(field: Field, form: Form) -> ReadElement:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, References)  # noqa: S101
    default_class = kind.default_class
    return lambda values, element: values.setdefault(member, []).append(
        _urn(element, default_class, form)
    )


def _local_id(element: etree._Element, form: Form) -> str:
    if form is not Form.ML21:
        return (element.text or "").strip()
    for child in element:
        if child.tag == "Ref" and child.get("id"):
            container = child.get("containerID")
            return f"{container}.{child.get('id')}" if container else child.get("id", "")
    raise broken(element, "a reference inside an artefact has a Ref with an id")


def _local_reference(field: Field, form: Form) -> ReadElement:
    member = field.member
    return lambda values, element: _once(values, member, _local_id(element, form), element)


def _local_references(field: Field, form: Form) -> ReadElement:
    member = field.member
    return lambda values, element: values.setdefault(member, []).append(_local_id(element, form))


def _flagged_references(field: Field, form: Form) -> ReadElement:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, FlaggedReferences)  # noqa: S101
    flags, attribute = kind.flags, kind.attribute

    def read(values: Values, element: etree._Element) -> None:
        values.setdefault(member, []).append(_local_id(element, form))
        flag = element.get(attribute)
        if flag is not None or flags in values:
            known = values.setdefault(flags, [])
            known += [False] * (len(values[member]) - 1 - len(known))
            known.append(flag in ("true", "1"))

    return read


def _mark(field: Field, form: Form) -> ReadElement:
    member = field.member

    def read(values: Values, element: etree._Element) -> None:
        values[member] = {}

    return read


def _child(field: Field, form: Form) -> ReadElement:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, Child)  # noqa: S101
    layout = kind.layout

    def read(values: Values, element: etree._Element) -> None:
        _once(values, member, reader_of(layout, form)(element), element)

    return read


def _children(field: Field, form: Form) -> ReadElement:
    kind, member = field.kind_in(form), field.member
    layout = kind.layout if isinstance(kind, Children) else "Link"
    read_one: ReadThing | None = None

    def read(values: Values, element: etree._Element) -> None:
        nonlocal read_one
        if read_one is None:
            read_one = reader_of(layout, form)
        entries = values.get(member)
        if entries is None:
            values[member] = [read_one(element)]
        else:
            entries.append(read_one(element))

    return read


def _add_variant(
    elements: dict[str, ReadElement], member: str, place: str, layout: str | None, form: Form
) -> None:
    tag = clark(place, form)
    before = elements.get(tag)

    def text(values: Values, element: etree._Element) -> None:
        values.setdefault(member, []).append(element.text or "")

    def part(values: Values, element: etree._Element) -> None:
        # What an element without attributes says is its text.
        if before is not None and not element.attrib:
            before(values, element)
        else:
            values.setdefault(member, []).append(reader_of(layout or "", form)(element))

    if layout is None:
        if before is None:
            elements[tag] = text
        return
    elements[tag] = part


def _pair_start(member: str, first: str) -> ReadElement:
    def read(values: Values, element: etree._Element) -> None:
        entries = values.setdefault(member, [])
        if entries and isinstance(entries[-1], dict):
            raise broken(element, "it has no partner")
        entries.append({first: (element.text or "").strip()})

    return read


def _pair_end(member: str, kind: Pairs, form: Form) -> ReadElement:
    model, second = LAYOUTS[kind.layout].model, kind.second

    def read(values: Values, element: etree._Element) -> None:
        entries = values.get(member)
        if not entries or not isinstance(entries[-1], dict):
            raise broken(element, "it has no partner")
        entries[-1] = model(**entries[-1], **{second: (element.text or "").strip()})

    return read


_ELEMENT_READERS: dict[type[Kind], Callable[[Field, Form], ReadElement]] = {
    Scalar: _scalar,
    Scalars: _scalars,
    Texts: _texts,
    Reference: _reference,
    References: _references,
    LocalReference: _local_reference,
    LocalReferences: _local_references,
    FlaggedReferences: _flagged_references,
    Marker: _mark,
    Empty: _mark,
    Child: _child,
    Children: _children,
    Links: _children,
}
