"""Writes the parts of an artefact as SDMX-ML, as the table of structures says.

For each layout and form the table is compiled once into a function; a scheme of many items costs little more
than the texts that it consists of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec

from codelists.base import Link, Maintainable, replaced
from dsd.structure import Categorisation
from service.formats.class_names import class_in_21, urn_in_21
from service.formats.names import wanted_texts
from service.formats.sdmx_ml21 import attribute_text, element_text
from service.formats.structure_losses import Writing, name_of
from service.formats.structure_reference import ref_element, reference_21
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
from service.formats.structure_xml_columns import Column, Piece, column_of, joined, merged

WritePart = Callable[[Any, Writing], str]
"""(value of the part that has the member, context) -> XML; for an attribute, with the space before it."""
WriteThing = Callable[[Any, Writing, str], str]
"""(part, context, element name) -> its element."""


def qualified(place: str, form: Form) -> str:
    """Return the name that a place means in a form: `com21:` is a matter of the form."""
    return place.replace("com21:", "com:" if form is Form.ML21 else "str:")


@dataclass(frozen=True)
class _Compiled:
    """What the table says of the parts of a layout in a form, as functions."""

    attributes: tuple[tuple[WritePart, Column | None], ...]
    elements: tuple[tuple[WritePart, Column | None], ...]
    lost: tuple[tuple[str, tuple[Any, ...]], ...]
    """Members without a place, each with the values that are no loss."""
    adapt: Callable[[Any, Writing], Any] | None


@cache
def _compiled(name: str, form: Form) -> _Compiled:
    layout = LAYOUTS[name]
    places = {field.name: field for field in msgspec.structs.fields(layout.model)}
    attributes, elements, lost = [], [], []
    for field in _in_order(layout, form):
        place = field.place(form, "")
        if place == "+" or isinstance(field.kind, Implied):
            continue
        if place is None and field.member:
            lost.append(
                (field.member, (None, _default(field, places[field.member]), *field.harmless))
            )
        elif place is not None and place.startswith("@"):
            one = _attribute(field, place[1:], form, places.get(field.member))
            attributes.append((one, column_of(field, place, form)))
        elif place is not None:
            place = qualified(place, form)
            elements.append((_element(field, place, form), column_of(field, place, form)))
    adapt = layout.adaptation.down if layout.adaptation and form.is_sdmx21 else None
    return _Compiled(tuple(attributes), tuple(elements), tuple(lost), adapt)


@cache
def writer_of(name: str, form: Form) -> WriteThing:
    """Return the function that writes parts of a layout."""
    compiled = _compiled(name, form)
    attributes = [one for one, _ in compiled.attributes]
    elements = [one for one, _ in compiled.elements]
    lost, adapt = compiled.lost, compiled.adapt

    def write(thing: Any, writing: Writing, tag: str) -> str:
        if adapt is not None:
            thing = adapt(thing, writing)
        for member, harmless in lost:
            value = getattr(thing, member)
            if value not in harmless:
                _lose(thing, member, value, writing)
        content = "".join([part(thing, writing) for part in elements])
        inside = "".join([part(thing, writing) for part in attributes])
        return f"<{tag}{inside}>{content}</{tag}>" if content else f"<{tag}{inside}/>"

    return write


@cache
def writer_of_many(name: str, form: Form) -> Callable[[Sequence[Any], Writing, str], str]:
    """Return the function that writes many parts of a layout, one after the other."""
    compiled = _compiled(name, form)
    write_one = writer_of(name, form)

    def one_by_one(things: Sequence[Any], writing: Writing, tag: str) -> str:
        return "".join([write_one(thing, writing, tag) for thing in things])

    def in_columns(things: Sequence[Any], writing: Writing, tag: str) -> str:
        if any(
            value not in harmless
            for member, harmless in compiled.lost
            for value in map(attrgetter(member), things)
        ):
            return one_by_one(things, writing, tag)
        content = _pieces(compiled.elements, things, writing)
        if not any(isinstance(piece, str) or all(piece) for piece in content):
            # Some part may be empty, and is written without an end tag then.
            return one_by_one(things, writing, tag)
        inside = _pieces(compiled.attributes, things, writing)
        whole = merged([f"<{tag}", *inside, ">", *content, f"</{tag}>"])
        return joined(whole, len(things))

    def write(things: Sequence[Any], writing: Writing, tag: str) -> str:
        if len(things) < _MANY or compiled.adapt is not None:
            return one_by_one(things, writing, tag)
        # A block at a time stays in the cache of the processor.
        blocks = (
            in_columns(things[at : at + _BLOCK], writing, tag)
            for at in range(0, len(things), _BLOCK)
        )
        if not writing.takes_encoded:
            return "".join(blocks)
        # It is not copied with what stands around it either.
        before = len(writing.encoded)
        writing.encoded += [block.encode() for block in blocks]
        return ENCODED * (len(writing.encoded) - before)

    return write


_MANY = 16
"""From how many parts on a member of all of them is written at once."""
_BLOCK = 512
ENCODED = "\x00"
"""Stands for what is encoded already (`Writing.encoded`); XML itself never holds it."""


def _pieces(
    fields: Sequence[tuple[WritePart, Column | None]], things: Sequence[Any], writing: Writing
) -> list[Piece]:
    found: list[Piece] = []
    for one, column in fields:
        pieces = None if column is None else column(things, writing)
        found += [[one(thing, writing) for thing in things]] if pieces is None else pieces
    return found


def _in_order(layout: Layout, form: Form) -> list[Field]:
    """Return the fields in the order in which the form has them."""
    if form is not Form.ML21 or not layout.order21:
        return list(layout.fields)
    return sorted(
        layout.fields,
        key=lambda field: (
            layout.order21.index(field.member) + 1 if field.member in layout.order21 else 0
        ),
    )


def _default(field: Field, info: msgspec.structs.FieldInfo) -> Any:
    """Return the value that a member has where nothing is said of it."""
    if isinstance(field.kind, Scalar) and field.kind.default is not None:
        return field.kind.default
    if info.default_factory is not msgspec.NODEFAULT:
        return info.default_factory()
    return None if info.default is msgspec.NODEFAULT else info.default


def _lose(thing: Any, member: str, value: Any, writing: Writing) -> None:
    if member == "is_final":
        writing.remark(
            "SDMX 3.x has no isFinal: it takes an artefact as final by its version (X.Y.Z) only"
        )
    elif member == "version" and isinstance(thing, Categorisation):
        # A reader finds it by its id all the same.
        writing.remark("SDMX 3.1 has no versions of categorisations: it is written without")
    elif (member == "links" and is_self_link_only(value)) or (
        member == "version" and value == "1.0"
    ):
        return
    else:
        writing.lose(member.replace("_", " "), name_of(thing))


def is_self_link_only(links: Any) -> bool:
    """Tell whether links say no more than the URN of what has them."""
    return all(link.rel == "self" and link.href is None and link.uri is None for link in links)


# -- attributes ------------------------------------------------------------------------------------------


def _attribute(
    field: Field, name: str, form: Form, info: msgspec.structs.FieldInfo | None
) -> WritePart:
    kind, member = field.kind_in(form), field.member
    if isinstance(kind, Constant):
        text = f' {name}="{kind.value}"'
        return lambda thing, writing: text
    if isinstance(kind, OwnUrn):
        return lambda thing, writing: f' {name}="{own_urn(thing, form)}"'
    if isinstance(kind, Address):
        return _address(name, kind.relation)
    assert isinstance(kind, Scalar) and info is not None  # noqa: S101, PT018 (no other kind at an attribute)
    if member == "is_partial_language":
        return _partial_language(name)
    convert = kind.conversion.write
    default = None if kind.required else _default(field, info)
    if info.required or info.default_factory is not msgspec.NODEFAULT:
        default = None

    implied = kind.implied
    absent = "" if kind.absent is None else f' {name}="{kind.absent}"'

    def write(thing: Any, writing: Writing) -> str:
        value = getattr(thing, member)
        if value is None or value in (default, implied):
            return absent
        text = _converted(convert, value, thing, member, writing)
        return "" if text is None else f' {name}="{attribute_text(text)}"'

    return write


def _partial_language(name: str) -> WritePart:
    """Return the writer of `isPartialLanguage`, which is true also where this message leaves languages out."""

    def write(thing: Any, writing: Writing) -> str:
        return f' {name}="true"' if thing.is_partial_language or writing.left_out else ""

    return write


def _converted(
    convert: Callable[[Any], str], value: Any, thing: Any, member: str, writing: Writing
) -> str | None:
    try:
        return convert(value)
    except (ValueError, KeyError, TypeError):
        writing.lose(f"{member.replace('_', ' ')} {value!r}", name_of(thing))
        return None


def own_urn(artefact: Maintainable, form: Form) -> str:
    """Return the URN of an artefact as the form has it."""
    urn = artefact.urn
    if form is Form.ML31 and isinstance(artefact, Categorisation):
        # In 3.1 a categorisation has no version (SDMXStructureCategorisation.xsd).
        urn = urn._replace(version="1.0")
    return str(urn._replace(type=class_in_21(urn.type)) if form.is_sdmx21 else urn)


def _is_address(link: Link, relation: str) -> bool:
    """Tell whether a link says no more than where something of this relation is."""
    return (
        link.rel == relation
        and link.href is not None
        and link == Link(rel=relation, href=link.href, urn=link.urn)
    )


def _addressed(artefact: Maintainable) -> dict[str, Link]:
    """Return the links that become attributes, by relation: of several the first."""
    found: dict[str, Link] = {}
    for relation in ("self", "service"):
        for link in artefact.links:
            own = relation == "self" or link.urn is None
            if own and relation not in found and _is_address(link, relation):
                found[relation] = link
    return found


def _address(name: str, relation: str) -> WritePart:
    def write(thing: Any, writing: Writing) -> str:
        link = _addressed(thing).get(relation) if thing.links else None
        return "" if link is None else f' {name}="{attribute_text(link.href or "")}"'

    return write


def _with_address(link: Link) -> Link:
    """Return a link with an address, which SDMX-ML requires: its URN where it has none."""
    return link if link.href is not None else replaced(link, href=link.urn or link.uri)


def _links(field: Field, place: str, form: Form) -> WritePart:
    assert isinstance(field.kind, Links)  # noqa: S101
    with_addresses = field.kind.with_addresses

    def write(thing: Any, writing: Writing) -> str:
        if not thing.links:
            return ""
        addressed = list(_addressed(thing).values()) if with_addresses else []
        others = [
            link for link in thing.links if link not in addressed and not is_self_link_only((link,))
        ]
        if place == ".":
            for link in others:
                writing.lose(f"a link ({link.rel})", name_of(thing))
            return ""
        write_one = writer_of("Link", form)
        return "".join([write_one(_with_address(link), writing, place) for link in others])

    return write


# -- elements --------------------------------------------------------------------------------------------


def _element(field: Field, place: str, form: Form) -> WritePart:
    return _ELEMENT_WRITERS[type(field.kind_in(form))](field, place, form)


def _wrapped(place: str, entries: list[str]) -> str:
    """Return the entries inside what the place says is around all (`Outer/`) or each (`Outer*/`) of them."""
    outer, slash, _ = place.rpartition("/")
    if not slash or not entries:
        return "".join(entries)
    if outer.endswith("*"):
        outer = outer[:-1]
        return "".join(f"<{outer}>{entry}</{outer}>" for entry in entries)
    return f"<{outer}>{''.join(entries)}</{outer}>"


def _inner(place: str) -> str:
    return place.rpartition("/")[2]


def _scalar(field: Field, place: str, form: Form) -> WritePart:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, Scalar)  # noqa: S101
    convert = kind.conversion.write

    def content(thing: Any, writing: Writing) -> str:
        value = getattr(thing, member)
        return "" if value is None else element_text(convert(value))

    def element(thing: Any, writing: Writing) -> str:
        value = getattr(thing, member)
        return "" if value is None else f"<{place}>{element_text(convert(value))}</{place}>"

    return content if place == "." else element


def _scalars(field: Field, place: str, form: Form) -> WritePart:
    kind, member, tag = field.kind_in(form), field.member, _inner(place)
    assert isinstance(kind, Scalars)  # noqa: S101
    convert = kind.conversion.write

    def write(thing: Any, writing: Writing) -> str:
        values = getattr(thing, member)
        if not values:
            return ""
        return _wrapped(
            place, [f"<{tag}>{element_text(convert(value))}</{tag}>" for value in values]
        )

    return write


def _texts(field: Field, place: str, form: Form) -> WritePart:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, Texts)  # noqa: S101
    best, required = kind.best, kind.required

    def write(thing: Any, writing: Writing) -> str:
        texts = getattr(thing, member)
        if not texts:
            return single(thing, writing)
        chosen = texts
        if writing.languages:
            chosen = wanted_texts(texts, writing.languages)
            writing.left_out = writing.left_out or len(chosen) < len(texts)
        elif (only := getattr(thing, best)) is not None and only not in texts.values():
            writing.lose(f"the {best} {only!r} without a language", name_of(thing))
        return "".join(
            [
                f'<{place} xml:lang="{language}">{element_text(text)}</{place}>'
                for language, text in chosen.items()
            ]
        )

    def single(thing: Any, writing: Writing) -> str:
        only = getattr(thing, best)
        if only is None and required:
            only = thing.id
            writing.remark(f"{only} has no name, and {form.value} requires one: its id is written")
        elif only is not None:
            writing.suppose_english(only)
        return "" if only is None else f"<{place}>{element_text(only)}</{place}>"

    return write


def _one_reference(text: str, exact: bool, tag: str, writing: Writing) -> str:
    if writing.form is not Form.ML21 or not exact:
        return f"<{tag}>{element_text(text)}</{tag}>"
    urn = reference_21(text, writing)
    return "" if urn is None else f"<{tag}>{ref_element(urn)}</{tag}>"


def _reference(field: Field, place: str, form: Form) -> WritePart:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, Reference)  # noqa: S101
    exact = kind.is_exact

    def content(thing: Any, writing: Writing) -> str:
        value = getattr(thing, member)
        if value is None:
            return ""
        if form is not Form.ML21:
            return element_text(value)
        urn = reference_21(value, writing)
        return "" if urn is None else ref_element(urn)

    by_urn = kind.by_urn and form is Form.ML21

    def write(thing: Any, writing: Writing) -> str:
        value = getattr(thing, member)
        if value is not None and by_urn:
            return f"<{place}><URN>{element_text(urn_in_21(value))}</URN></{place}>"
        return "" if value is None else _one_reference(value, exact, place, writing)

    return content if place == "." else write


def _references(field: Field, place: str, form: Form) -> WritePart:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, References)  # noqa: S101
    exact = kind.is_exact
    return lambda thing, writing: "".join(
        [_one_reference(value, exact, place, writing) for value in getattr(thing, member)]
    )


def _local(text: str, tag: str, form: Form) -> str:
    if form is not Form.ML21:
        return f"<{tag}>{element_text(text)}</{tag}>"
    return f'<{tag}><Ref id="{attribute_text(text)}"/></{tag}>'


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)


def _local_reference(field: Field, place: str, form: Form) -> WritePart:
    member, kind = field.member, field.kind_in(form)
    only_names = isinstance(kind, LocalReference) and kind.is_name_in_30 and form is Form.ML30

    def write(thing: Any, writing: Writing) -> str:
        value = getattr(thing, member)
        if value is None:
            return ""
        if only_names and not _NAME.fullmatch(value):
            writing.lose(f"the reference {value!r}, as it starts with no letter,", name_of(thing))
            return ""
        return _local(value, place, form)

    return write


def _local_references(field: Field, place: str, form: Form) -> WritePart:
    member, tag = field.member, _inner(place)
    return lambda thing, writing: _wrapped(
        place, [_local(value, tag, form) for value in getattr(thing, member)]
    )


def _flagged_references(field: Field, place: str, form: Form) -> WritePart:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, FlaggedReferences)  # noqa: S101
    flags, attribute = kind.flags, kind.attribute

    def write(thing: Any, writing: Writing) -> str:
        values, flagged = getattr(thing, member), getattr(thing, flags)
        if not flagged:
            return "".join([_local(value, place, form) for value in values])
        return "".join(
            [
                f'<{place} {attribute}="{"true" if flag else "false"}">{element_text(value)}</{place}>'
                for value, flag in zip(values, flagged, strict=True)
            ]
        )

    return write


def _marker(field: Field, place: str, form: Form) -> WritePart:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, Marker)  # noqa: S101
    text = _local(kind.id, place, form)
    return lambda thing, writing: "" if getattr(thing, member) is None else text


def _empty(field: Field, place: str, form: Form) -> WritePart:
    member = field.member
    return lambda thing, writing: "" if getattr(thing, member) is None else f"<{place}/>"


def _child(field: Field, place: str, form: Form) -> WritePart:
    kind, member, tag = field.kind_in(form), field.member, _inner(place)
    assert isinstance(kind, Child)  # noqa: S101
    layout = kind.layout

    def write(thing: Any, writing: Writing) -> str:
        value = getattr(thing, member)
        if value is None:
            return ""
        return _wrapped(place, [writer_of(layout, form)(value, writing, tag)])

    return write


def _children(field: Field, place: str, form: Form) -> WritePart:
    kind, member, tag = field.kind_in(form), field.member, _inner(place)
    assert isinstance(kind, Children)  # noqa: S101
    layout = kind.layout
    is_single = kind.one_in_ml21 and form is Form.ML21

    def write(thing: Any, writing: Writing) -> str:
        values = getattr(thing, member)
        if not values:
            return ""
        if is_single and len(values) > 1:
            writing.lose(f"more than one of the {member}", name_of(thing))
            values = values[:1]
        if "*" in place:
            write_one = writer_of(layout, form)
            return _wrapped(place, [write_one(value, writing, tag) for value in values])
        return _wrapped(place, [writer_of_many(layout, form)(values, writing, tag)])

    return write


def _variants(field: Field, place: str, form: Form) -> WritePart:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, Variants)  # noqa: S101
    variants = [
        (variant.fits, qualified(variant.place, form), variant.layout) for variant in kind.variants
    ]

    def write(thing: Any, writing: Writing) -> str:
        written = []
        for entry in getattr(thing, member):
            for fits, tag, layout in variants:
                if not fits(entry):
                    continue
                if layout is None:
                    written.append(f"<{tag}>{element_text(entry)}</{tag}>")
                else:
                    written.append(writer_of(layout, form)(entry, writing, tag))
                break
        return "".join(written)

    return write


def _pairs(field: Field, place: str, form: Form) -> WritePart:
    kind, member = field.kind_in(form), field.member
    assert isinstance(kind, Pairs)  # noqa: S101
    first, second = kind.first, kind.second
    one, _, other = place.partition("|")

    def write(thing: Any, writing: Writing) -> str:
        return "".join(
            [
                f"<{one}>{element_text(getattr(entry, first))}</{one}>"
                f"<{other}>{element_text(getattr(entry, second))}</{other}>"
                for entry in getattr(thing, member)
            ]
        )

    return write


_ELEMENT_WRITERS: dict[type[Kind], Callable[[Field, str, Form], WritePart]] = {
    Links: _links,
    Scalar: _scalar,
    Scalars: _scalars,
    Texts: _texts,
    Reference: _reference,
    References: _references,
    LocalReference: _local_reference,
    LocalReferences: _local_references,
    FlaggedReferences: _flagged_references,
    Marker: _marker,
    Empty: _empty,
    Child: _child,
    Children: _children,
    Variants: _variants,
    Pairs: _pairs,
}


# -- artefacts -------------------------------------------------------------------------------------------


def write_artefact(artefact: Maintainable, layout: str, tag: str, writing: Writing) -> str:
    """Return the element of an artefact.

    Raises:
        NotExpressibleError: something in it has no form here, and there is no report.
    """
    writing.artefact = artefact
    writing.left_out = False
    return writer_of(layout, writing.form)(artefact, writing, tag)
