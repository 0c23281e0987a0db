"""SDMX-JSON structure messages of all versions, as the table of structures says.

The model has the shape of SDMX-JSON 2.1. What an older version has under the same names is decoded and encoded
by msgspec directly; only what differs passes through here as plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, get_type_hints

import msgspec

from codelists.base import Link, Maintainable, Part, replaced
from codelists.item_scheme import ValueList
from codelists.text import DEFAULT_LANGUAGE
from codelists.urn import Urn, UrnSyntaxError, parse_urn
from dsd.finding import Finding, Locator, Report, Severity
from dsd.sdmx_json import (
    SCHEMA_URL,
    Meta,
    Party,
    StructureMessageError,
    collection_of,
    decode_structures,
    place_of,
)
from dsd.structures import Structures
from service.formats.class_names import class_in_21, urn_from_21
from service.formats.contract import EncodeOptions, Header
from service.formats.names import asked_languages
from service.formats.sdmx_json_languages import filter_languages
from service.formats.structure_fragments import Fragments
from service.formats.structure_losses import Writing, name_of
from service.formats.structure_main_language import in_main_language
from service.formats.structure_mapping import down, up
from service.formats.structure_reference import urn_for
from service.formats.structure_rule import EXTENSION_NOT_KEPT, MESSAGE_HAS_ERRORS
from service.formats.structure_table import ARTEFACTS, LAYOUT_OF_CLASS, LAYOUTS, ArtefactPlace
from service.formats.structure_table.vocabulary import (
    Address,
    Child,
    Children,
    Field,
    Form,
    Implied,
    Layout,
    Links,
    LocalReference,
    LocalReferences,
    Marker,
    OwnUrn,
    Reference,
    References,
    Scalar,
    Texts,
    Variants,
)

SCHEMA_URLS = {
    Form.JSON10: "https://json.sdmx.org/1.0/sdmx-json-structure-schema.json",
    Form.JSON20: "https://json.sdmx.org/2.0.0/sdmx-json-structure-schema.json",
    Form.JSON21: SCHEMA_URL,
}
_EXTENSION = "x-"


@dataclass
class Reading:
    """One message while it is read."""

    form: Form
    report: Report | None

    def unknown(self, member: str, path: str) -> None:
        """Report an extension member, which the model does not keep; refuse any other unknown one.

        Raises:
            StructureMessageError: the standard has no such member, or there is no report.
        """
        place = f"{path}/{member}"
        if self.report is None or not member.startswith(_EXTENSION):
            raise StructureMessageError(f"{place}: {self.form.value} has no member {member!r} here")
        self.report.add(
            Finding(
                rule=EXTENSION_NOT_KEPT,
                severity=Severity.WARNING,
                message=f"{member} is an extension that this product does not know; it is not kept.",
                value=member,
                locator=str(Locator("pointer", place)),
            )
        )


ReadValue = Callable[[Any, Reading, str], Any]
WriteValue = Callable[[Any, Writing], Any]


def plain(value: Any) -> Any:
    """Return a value of the model as plain JSON values: dicts and lists."""
    return msgspec.json.decode(msgspec.json.encode(value))


# -- what needs no conversion ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Nativeness:
    """Whether the JSON of a layout is that of the model, unless it holds one of the marks."""

    is_native: bool
    down_marks: frozenset[bytes] = frozenset()
    up_marks: frozenset[bytes] = frozenset()


@cache
def nativeness(name: str, form: Form) -> _Nativeness:
    """Return whether a layout needs conversion in a form."""
    down_marks: set[bytes] = set()
    up_marks: set[bytes] = set()
    is_native, pending, seen = True, [name], {name}
    while pending and is_native:
        layout = LAYOUTS[pending.pop()]
        is_native = _collect(layout, form, down_marks, up_marks)
        inner = {child for field in layout.fields for child in _children_of(field, form)} - seen
        seen |= inner
        pending += inner
    return _Nativeness(is_native, frozenset(down_marks), frozenset(up_marks))


def _collect(layout: Layout, form: Form, down_marks: set[bytes], up_marks: set[bytes]) -> bool:
    if form is Form.JSON21:
        return True
    if layout.adaptation and form.is_sdmx21:
        down_marks.add(layout.adaptation.down_mark)
        up_marks.add(layout.adaptation.up_mark)
    if layout.shape10 and form is Form.JSON10:
        return False
    for field, model_name in _fields(layout):
        place = field.place(form, model_name)
        mark = f'"{model_name}":'.encode()
        if place is None:
            down_marks.add(mark)
        elif place == model_name and _has_other_words(field, form):
            down_marks.add(mark)
            up_marks.add(mark)
        elif place != model_name or _is_converted(field, form):
            return False
    return True


def _has_other_words(field: Field, form: Form) -> bool:
    """Tell whether only the text of a member is another in a form."""
    kind = field.kind_in(form)
    return isinstance(kind, Scalar) and kind.in_json


def _fields(layout: Layout) -> Iterator[tuple[Field, str]]:
    """Yield the fields that SDMX-JSON has, with their names in the model's JSON."""
    names = _json_names(layout.model)
    for field in layout.fields:
        if field.member and not isinstance(field.kind, OwnUrn | Address | Implied):
            yield field, names[field.member]


@cache
def _json_names(model: type[Part]) -> dict[str, str]:
    return {field.name: field.encode_name for field in msgspec.structs.fields(model)}


def _children_of(field: Field, form: Form) -> set[str]:
    kind = field.kind_in(form)
    if isinstance(kind, Child | Children):
        return {kind.layout}
    if isinstance(kind, Variants) and kind.json_layout:
        return {kind.json_layout}
    return {"Link"} if isinstance(kind, Links) else set()


def _is_converted(field: Field, form: Form) -> bool:
    """Tell whether a field's own value (not its parts) is another in a form."""
    kind = field.kind_in(form)
    if form is not Form.JSON10 or isinstance(kind, Scalar):
        return _has_other_words(field, form)
    if isinstance(kind, LocalReference | LocalReferences):
        return kind.json10_class is not None
    return isinstance(kind, Reference | References | Marker)


# -- reading ---------------------------------------------------------------------------------------------


@cache
def reader_of(name: str, form: Form) -> ReadValue:
    """Return the function that turns an object of a form into one of the model's JSON."""
    layout = LAYOUTS[name]
    members = {
        place: (model_name, _value_reader(field, form))
        for field, model_name in _fields(layout)
        if (place := field.place(form, model_name))
    }
    members |= {name: (name, None) for name in _best_members(layout)}
    older = _older_members(layout, members) if form is Form.JSON20 else {}
    adapt = layout.adaptation.up if layout.adaptation and form.is_sdmx21 else None

    def read(thing: Any, reading: Reading, path: str) -> Any:
        if not isinstance(thing, dict):
            raise StructureMessageError(f"{path}: an object is expected, not {thing!r:.40}")
        if layout.shape10 and form is not Form.JSON21:
            thing = dict(thing)
            layout.shape10.read(thing)
        found = {}
        for key, value in thing.items():
            entry = members.get(key) or older.get(key)
            if entry is None:
                if key not in _own_extensions(layout.model):
                    reading.unknown(key, path)
                    continue
                entry = (key, None)
            model_name, convert = entry
            found[model_name] = (
                value if convert is None else convert(value, reading, f"{path}/{key}")
            )
        if adapt is None:
            return found
        return plain(adapt(converted(found, layout.model, path)))

    return read


def _older_members(
    layout: Layout, known: Mapping[str, object]
) -> dict[str, tuple[str, ReadValue | None]]:
    """Return the members of SDMX-JSON 1.0 that messages of 2.0 have too, the official samples among them."""
    found = {}
    for field, model_name in _fields(layout):
        place = field.place(Form.JSON10, model_name)
        if place and place not in known:
            is_part = bool(_children_of(field, Form.JSON20))
            found[place] = (
                model_name,
                _value_reader(field, Form.JSON20 if is_part else Form.JSON10),
            )
    return found


def _best_members(layout: Layout) -> Iterator[str]:
    """Yield the members that hold the best of several texts; their names are the same in all forms."""
    names = _json_names(layout.model)
    for field in layout.fields:
        if isinstance(field.kind, Texts):
            yield names[field.kind.best]


@cache
def _own_extensions(model: type[Part]) -> frozenset[str]:
    return frozenset(name for name in _json_names(model).values() if name.startswith(_EXTENSION))


def converted(value: Any, wanted: Any, path: str) -> Any:
    """Return plain values as those of the model.

    Raises:
        StructureMessageError: they are not; the text names the place.
    """
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        raise StructureMessageError(f"{path}: {error}") from error


def _value_reader(field: Field, form: Form) -> ReadValue | None:
    kind = field.kind_in(form)
    inner = _children_of(field, form)
    if inner:
        return _part_reader(next(iter(inner)), isinstance(kind, Child), form)
    if not _is_converted(field, form):
        return None
    if isinstance(kind, Scalar):
        convert = kind.conversion.read
        return lambda value, reading, path: _checked(convert, value, path)
    if isinstance(kind, Marker):
        return lambda value, reading, path: {}
    if isinstance(kind, LocalReference | LocalReferences):
        return lambda value, reading, path: _each(_item_of, value)
    return lambda value, reading, path: _each(urn_from_21, value)


def _checked(convert: Callable[[str], Any], value: Any, path: str) -> Any:
    try:
        return convert(value)
    except (ValueError, AttributeError) as error:
        raise StructureMessageError(f"{path}: {error}") from error


def _part_reader(layout: str, is_single: bool, form: Form) -> ReadValue:
    def read(value: Any, reading: Reading, path: str) -> Any:
        read_one = reader_of(layout, form)
        if is_single:
            return read_one(value, reading, path)
        if not isinstance(value, list):
            raise StructureMessageError(f"{path}: a list is expected, not {value!r:.40}")
        return [
            read_one(entry, reading, f"{path}/{number}") if isinstance(entry, dict) else entry
            for number, entry in enumerate(value)
        ]

    return read


def _each(convert: Callable[[str], str], value: Any) -> Any:
    return [convert(entry) for entry in value] if isinstance(value, list) else convert(value)


def _item_of(text: str) -> str:
    """Return the id path that a URN names inside its artefact; other texts as they are."""
    try:
        return parse_urn(text).item or text
    except UrnSyntaxError:
        return text


class _Envelope(msgspec.Struct):
    """A message of any version, its artefacts undecoded."""

    meta: dict[str, Any] = {}
    data: dict[str, msgspec.Raw] = {}
    errors: list[Any] = []


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def decode_structures_json(
    form: Form, body: bytes, report: Report | None = None
) -> Sequence[Maintainable]:
    """Return the artefacts of an SDMX-JSON structure message of a version.

    Raises:
        StructureMessageError: `body` is no such message; the text names the place.
    """
    if form is Form.JSON21:
        try:
            message = decode_structures(body)
            if message.errors and report is not None:
                report.add(_errors_finding(message.errors))
            return up(_spoken(message.data.all(), message.meta.content_languages), form, report)
        except StructureMessageError:
            if report is None or b'"x-' not in body:
                raise
    return up(_decoded(body, Reading(form, report)), form, report)


def _spoken(found: Sequence[Maintainable], languages: Sequence[str]) -> Sequence[Maintainable]:
    """Return artefacts of which texts without a language are in the main one of the message."""
    main = next(iter(languages), DEFAULT_LANGUAGE)
    if main == DEFAULT_LANGUAGE:
        return found
    return [in_main_language(artefact, main) for artefact in found]


def _errors_finding(errors: Sequence[Any]) -> Finding:
    return Finding(
        rule=MESSAGE_HAS_ERRORS,
        severity=Severity.WARNING,
        message=f"The sender reports errors beside the structures: {msgspec.json.encode(errors).decode()}",
    )


def _decoded(body: bytes, reading: Reading) -> list[Maintainable]:
    form = reading.form
    try:
        envelope = _ENVELOPE.decode(body)
        if envelope.errors and reading.report is not None:
            reading.report.add(_errors_finding(envelope.errors))
        found: list[Maintainable] = []
        for collection, raw in envelope.data.items():
            places = _places(form).get(collection)
            if places is None:
                reading.unknown(collection, "/data")
                continue
            for number, thing in enumerate(_OBJECTS.decode(raw)):
                found.append(_artefact(thing, places, reading, f"/data/{collection}/{number}"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StructureMessageError(f"no {form.value} structure message: {error}") from error
    return list(_spoken(found, _languages(envelope.meta)))


def _languages(meta: Mapping[str, Any]) -> list[str]:
    stated = meta.get("contentLanguages")
    return [tag for tag in stated if isinstance(tag, str)] if isinstance(stated, list) else []


@cache
def _places(form: Form) -> dict[str, list[ArtefactPlace]]:
    found: dict[str, list[ArtefactPlace]] = {}
    for entry in ARTEFACTS:
        if name := entry.place(form):
            found.setdefault(name, []).append(entry)
    return _places(Form.JSON10) | found if form is Form.JSON20 else found


def _artefact(
    thing: dict[str, msgspec.Raw], places: list[ArtefactPlace], reading: Reading, path: str
) -> Maintainable:
    entry = places[0]
    if len(places) > 1:
        text = b"".join(bytes(raw) for raw in thing.values())
        names = {
            word
            for word in _TELLING
            if f'"{word}"'.encode() in text or f".{word}=".encode() in text
        }
        names |= set(thing)
        entry = next(place for place in places if place.fits(frozenset(names)))
    layout = LAYOUTS[entry.layout]
    if layout.shape10 and reading.form is Form.JSON10:
        values = {name: msgspec.json.decode(raw) for name, raw in thing.items()}
        found = reader_of(entry.layout, reading.form)(values, reading, path)
        made: Maintainable = converted(found, layout.model, path)
        return made
    values = _absent(layout, reading.form)
    fields = _artefact_fields(entry.layout, reading.form)
    for name, raw in thing.items():
        known = fields.get(name)
        if known is None:
            reading.unknown(name, path)
            continue
        values[known.member] = _member(known, raw, reading, f"{path}/{name}")
    try:
        made = layout.model(**values)  # type: ignore[assignment]
    except TypeError as error:
        raise StructureMessageError(f"{path}: {error}") from error
    return made


def _absent(layout: Layout, form: Form) -> dict[str, Any]:
    """Return the members whose absence in a form means another value than in the model."""
    return {
        field.member: kind.default
        for field, _ in _fields(layout)
        if isinstance(kind := field.kind_in(form), Scalar)
        and kind.required_in_json
        and kind.default is not None
    }


# What tells the types apart that SDMX 2.1 has in one list.
_TELLING = (
    "Metadataflow",
    "metadataKeySets",
    "metadataTargetRegions",
    "metadataSet",
    "metadataStructures",
    "metadataflows",
)


@dataclass(frozen=True)
class _ArtefactField:
    member: str
    decoder: msgspec.json.Decoder[Any]
    type: Any
    read: ReadValue | None
    is_native: bool
    up_marks: frozenset[bytes]


def _is_same(field: Field, inner: str | None) -> bool:
    """Tell whether the value of a member is read in SDMX-JSON 1.0 as in 2.0."""
    return inner is not None or not _is_converted(field, Form.JSON10)


@cache
def _artefact_fields(name: str, form: Form) -> dict[str, _ArtefactField]:
    layout = LAYOUTS[name]
    types = get_type_hints(layout.model)
    found = {}
    for field, model_name in _fields(layout):
        place = field.place(form, model_name)
        inner = next(iter(_children_of(field, form)), None)
        native = nativeness(inner, form) if inner else _Nativeness(True)
        wanted = types[field.member]
        entry = _ArtefactField(
            field.member,
            msgspec.json.Decoder(wanted),
            wanted,
            _value_reader(field, form),
            native.is_native and not _is_converted(field, form),
            native.up_marks,
        )
        if place is not None:
            found[place] = entry
        older = field.place(Form.JSON10, model_name)
        if form is Form.JSON20 and older and _is_same(field, inner):
            found.setdefault(older, entry)
        # Extension members of the model may stand in older versions too.
        found.setdefault(model_name, entry)
    # Members that hold the best text of others.
    for member, model_name in _json_names(layout.model).items():
        found.setdefault(
            model_name,
            _ArtefactField(
                member,
                msgspec.json.Decoder(types[member]),
                types[member],
                None,
                True,
                frozenset(),
            ),
        )
    return found


def _member(known: _ArtefactField, raw: msgspec.Raw, reading: Reading, path: str) -> Any:
    if known.is_native and not (
        known.up_marks and any(mark in bytes(raw) for mark in known.up_marks)
    ):
        try:
            return known.decoder.decode(raw)
        except msgspec.ValidationError as error:
            if known.read is None or "unknown field" not in str(error):
                raise StructureMessageError(f"{path}: {error}") from error
    value = msgspec.json.decode(raw)
    return converted(
        value if known.read is None else known.read(value, reading, path), known.type, path
    )


# -- writing ---------------------------------------------------------------------------------------------


@cache
def writer_of(name: str, form: Form) -> WriteValue:
    """Return the function that turns an object of the model's JSON into one of a form."""
    layout = LAYOUTS[name]
    members = {
        model_name: (field.place(form, model_name), _value_writer(field, form))
        for field, model_name in _fields(layout)
    }
    harmless = {
        model_name: field.harmless for field, model_name in _fields(layout) if field.harmless
    }
    required = _required(layout, form)
    adapt = layout.adaptation.down if layout.adaptation and form.is_sdmx21 else None

    def write(thing: Any, writing: Writing) -> Any:
        if not isinstance(thing, dict):
            return thing
        if adapt is not None:
            thing = plain(adapt(msgspec.convert(thing, layout.model), writing))
        found = {}
        for key, value in {**required, **thing}.items():
            place, convert = members.get(key, (key, None))
            if place is None:
                if key != "links" and value not in harmless.get(key, ()):
                    writing.lose(_words(key), thing.get("id") or layout.model.__name__)
                continue
            written = value if convert is None else convert(value, writing)
            if written is not None:
                found[place] = written
        if layout.shape10 and form is Form.JSON10:
            layout.shape10.write(found, writing)
        return found

    return write


def _words(member: str) -> str:
    """Return the name of a member in words: `minOccurs` as `min occurs`."""
    member = member.removeprefix(_EXTENSION)
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in member)


def _required(layout: Layout, form: Form) -> dict[str, Any]:
    """Return the members that a form requires although the model leaves out their default."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(layout.model)}
    return {
        model_name: defaults[field.member]
        for field, model_name in _fields(layout)
        if isinstance(kind := field.kind_in(form), Scalar)
        and kind.required_in_json
        and form is not Form.JSON21
    }


def _value_writer(field: Field, form: Form) -> WriteValue | None:
    kind = field.kind_in(form)
    inner = _children_of(field, form)
    if inner:
        layout = next(iter(inner))
        if isinstance(kind, Child):
            return lambda value, writing: writer_of(layout, form)(value, writing)
        return lambda value, writing: [writer_of(layout, form)(entry, writing) for entry in value]
    if not _is_converted(field, form):
        return None
    if isinstance(kind, Scalar):
        return _scalar_writer(field.member, kind)
    if isinstance(kind, Marker):
        return lambda value, writing: kind.id
    if isinstance(kind, LocalReference | LocalReferences):
        name = kind.json10_class or ""
        return lambda value, writing: _each(lambda id: _item_urn(name, id, writing), value)
    if isinstance(kind, References):
        # A list of which nothing is left is left out.
        return lambda value, writing: (
            [urn for text in value if (urn := urn_for(text, writing)) is not None] or None
        )
    return lambda value, writing: urn_for(value, writing)


def _scalar_writer(member: str, kind: Scalar) -> WriteValue:
    convert = kind.conversion.write

    def write(value: Any, writing: Writing) -> Any:
        try:
            return convert(value)
        except (ValueError, KeyError):
            writing.lose(f"{member.replace('_', ' ')} {value!r}")
            return None

    return write


def _item_urn(name: str, id: str, writing: Writing) -> str:
    if id.startswith("urn:"):
        return id
    urn = writing.urn
    return str(Urn(name, urn.agency, urn.id, urn.version, id))


def encode_structures_json(
    form: Form,
    header: Header,
    artefacts: Sequence[Maintainable],
    structures: Structures,
    options: EncodeOptions,
) -> Iterator[bytes]:
    """Yield an SDMX-JSON structure message of a version.

    Each artefact has a self link with its URN first (field guide, "links"). Names are in all languages, or
    in those asked for: then an artefact from which languages were left out says `isPartialLanguage` (2.1).

    Raises:
        NotExpressibleError: something that the form cannot express, where the options have no report for it.
    """
    writing = Writing(form, structures, (), options.report)
    # Without a wish, the name that stands alone is the artefact's own.
    languages = options.languages if asked_languages(options.languages) else ()
    data: dict[str, list[Any]] = {}
    placed = sorted(_placed(artefacts, writing, languages), key=itemgetter(0))
    for place, entries in groupby(placed, key=itemgetter(1)):
        data.setdefault(place, []).extend(
            made if isinstance(made, msgspec.Raw) else _object(made, writing, languages)
            for _, _, made in entries
        )
    meta = Meta(
        id=header.id,
        prepared=header.prepared.isoformat(timespec="seconds"),
        sender=Party(id=header.sender),
        test=header.test,
        content_languages=asked_languages(options.languages)
        if options.content_languages is None
        else options.content_languages,
        schema=None if form is Form.JSON21 else SCHEMA_URLS[form],
    )
    message: dict[str, Any] = {"$schema": SCHEMA_URL} if form is Form.JSON21 else {}
    body = msgspec.json.encode({**message, "meta": meta, "data": data})
    return _with_encoded(body, writing.encoded)


Placed = tuple[int, str, Maintainable | msgspec.Raw]
"""Place among the types of a message, member of `data`, and what stands there, written already or not."""

_STUBS: Fragments[tuple[Placed, ...]] = Fragments()


def _placed(
    artefacts: Iterable[Maintainable], writing: Writing, languages: tuple[str, ...]
) -> Iterator[Placed]:
    """Yield what the artefacts become in the form, stubs as they were written before."""
    kept = _STUBS.kept(writing.structures, writing.form, languages)
    for artefact in artefacts:
        if not artefact.is_external_reference or writing.report is not None:
            yield from _made(artefact, writing)
            continue
        known = kept.get(id(artefact))
        if known is None:
            made = _made(artefact, replace(writing, encoded=[]))
            stubs = tuple(
                (order, place, _alone(entry, writing, languages)) for order, place, entry in made
            )
            known = kept[id(artefact)] = artefact, stubs
        yield from known[1]


def _made(artefact: Maintainable, writing: Writing) -> Iterator[tuple[int, str, Maintainable]]:
    for made in down((artefact,), writing):
        form = writing.form
        place = LAYOUT_OF_CLASS[type(made)].place(form) or _extension_place(made, form)
        if place is None:
            writing.artefact = made
            writing.lose(f"a {type(made).__name__}")
        else:
            yield place_of(made), place, made


def _object(artefact: Maintainable, writing: Writing, languages: tuple[str, ...]) -> Any:
    writing.artefact = artefact
    return _written(_linked(artefact, writing.form), writing, languages)


def _alone(artefact: Maintainable, writing: Writing, languages: tuple[str, ...]) -> msgspec.Raw:
    """Return an artefact written by itself, complete."""
    alone = replace(writing, encoded=[])
    body = msgspec.json.encode(_object(artefact, alone, languages))
    return msgspec.Raw(b"".join(_with_encoded(body, alone.encoded)))


_ENCODED = b"\x00"
"""Stands in a message for what is encoded already; JSON itself never holds it."""


def _with_encoded(body: bytes, encoded: Sequence[bytes]) -> Iterator[bytes]:
    """Yield a message with what was encoded before in its places, without copying it."""
    first, *others = body.split(_ENCODED)
    yield first
    for inserted, rest in zip(encoded, others, strict=True):
        yield inserted
        yield rest


def _extension_place(artefact: Maintainable, form: Form) -> str | None:
    """Return the extension member for a type that the form does not have, None where it has no extensions."""
    if form is not Form.JSON21:
        return None
    collection = collection_of(artefact)
    return collection if collection.startswith(_EXTENSION) else None


def _linked(artefact: Maintainable, form: Form) -> Maintainable:
    if LAYOUT_OF_CLASS[type(artefact)].layout == "AvailabilityConstraint":
        return artefact
    urn = artefact.urn
    text = str(urn._replace(type=class_in_21(urn.type)) if form.is_sdmx21 else urn)
    others = tuple(link for link in artefact.links if link != Link(rel="self", urn=link.urn))
    if form is Form.JSON20 and isinstance(artefact, ValueList):
        # The schema of 2.0 misspells the class, so that no URN of a value list is valid.
        return replaced(artefact, links=others)
    return replaced(artefact, links=(Link(rel="self", urn=text), *others))


def _written(artefact: Maintainable, writing: Writing, languages: tuple[str, ...]) -> Any:
    """Return the artefact as JSON values, undecoded parts among them where nothing needs conversion."""
    form, name = writing.form, LAYOUT_OF_CLASS[type(artefact)].layout
    if languages:
        found = plain(artefact)
        if form is not Form.JSON21:
            found = writer_of(name, form)(found, writing)
        if filter_languages(found, languages) and form is Form.JSON21:
            found["isPartialLanguage"] = True
        return found
    if form is Form.JSON21:
        return artefact
    layout = LAYOUTS[name]
    if layout.shape10 and form is Form.JSON10:
        return writer_of(name, form)(plain(artefact), writing)
    large = {
        field.member: (model_name, field)
        for field, model_name in _fields(layout)
        if isinstance(field.kind, Children) and len(getattr(artefact, field.member)) > 1
    }
    small = replaced(artefact, **dict.fromkeys(large, ()))
    found = writer_of(name, form)(plain(small), writing)
    for member, (model_name, field) in large.items():
        place = field.place(form, model_name)
        if place is None:
            writing.lose(_words(model_name), name_of(artefact))
        else:
            found[place] = _entries(getattr(artefact, member), field, writing)
    return found


def _entries(entries: Sequence[Any], field: Field, writing: Writing) -> Any:
    (layout,) = _children_of(field, writing.form)
    encoded = msgspec.json.encode(entries)
    if _is_native(entries, layout, writing.form):
        writing.encoded.append(encoded)
        return msgspec.Raw(_ENCODED)
    write_one = writer_of(layout, writing.form)
    return [write_one(entry, writing) for entry in msgspec.json.decode(encoded)]


_NOTES = ("annotations", "links")
"""The first members of every annotable part."""


def _is_native(entries: Sequence[Any], layout: str, form: Form) -> bool:
    """Tell whether the form has these parts exactly as the model's JSON has them.

    Only the members that could need conversion are looked at: of most parts they are empty.
    """
    known = nativeness(layout, form)
    if not known.is_native:
        return False
    if LAYOUTS[layout].adaptation is not None:
        encoded = msgspec.json.encode(entries)
        return not any(mark in encoded for mark in known.down_marks)
    certain, doubtful = _convertible(layout, form)
    if any(any(map(attrgetter(member), entries)) for member in certain):
        return False
    values: list[Any] = []
    if doubtful[:2] == _NOTES:
        # A member named in the code is found in a quarter of the time that `attrgetter` needs.
        values += [part.annotations for part in entries if part.annotations]
        values += [part.links for part in entries if part.links]
        doubtful = doubtful[2:]
    for member in doubtful:
        values += filter(None, map(attrgetter(member), entries))
    encoded = msgspec.json.encode(values)
    return not any(mark in encoded for mark in known.down_marks)


@cache
def _convertible(layout: str, form: Form) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the members whose values need conversion, and those that may: lists of parts with marks."""
    certain, doubtful = [], []
    for field, model_name in _fields(LAYOUTS[layout]):
        inner = next(iter(_children_of(field, form)), None)
        if field.place(form, model_name) is None or _has_other_words(field, form):
            certain.append(field.member)
        elif inner and nativeness(inner, form).down_marks:
            doubtful.append(field.member)
    return tuple(certain), tuple(doubtful)
