"""SDMX-ML structure messages of all versions: the message around the artefacts. SDMXMessage.xsd; SDMXStructure.xsd."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from lxml import etree

from codelists.base import Maintainable
from dsd.finding import Report
from dsd.sdmx_json import StructureMessageError
from dsd.structures import Structures
from service.formats.contract import EncodeOptions, Header
from service.formats.sdmx_ml21 import DECLARATION, element_text, tag
from service.formats.structure_fragments import Fragments
from service.formats.structure_losses import Writing
from service.formats.structure_mapping import down, up
from service.formats.structure_table import ARTEFACTS, LAYOUT_OF_CLASS, ArtefactPlace
from service.formats.structure_table.vocabulary import Form
from service.formats.structure_xml_reader import broken, clark, namespace, place_of, reader_of
from service.formats.structure_xml_writer import ENCODED, write_artefact

_FORMS = {
    clark("mes:" + root, form): form
    for form in (Form.ML21, Form.ML30, Form.ML31)
    for root in ("Structure", "RegistryInterface", "SubmitStructureRequest")
}
"""The form that a root element means."""


def encode_structures_xml(
    form: Form,
    header: Header,
    artefacts: Sequence[Maintainable],
    structures: Structures,
    options: EncodeOptions,
) -> Iterator[bytes]:
    """Yield a structure message, one artefact a chunk; names in all languages or those asked for.

    Raises:
        NotExpressibleError: something that the form cannot express, where the options have no report for it;
            raised before the first byte.
    """
    languages = () if "*" in options.languages else options.languages
    writing = Writing(form, structures, languages, options.report, takes_encoded=True)
    spaces = (("mes", "message"), ("com", "common"), ("str", "structure"))
    declared = "".join(f' xmlns:{prefix}="{namespace(form, part)}"' for prefix, part in spaces)
    chunks = [
        f"{DECLARATION}<mes:Structure{declared}>"
        f"<mes:Header>{message_header(header)}</mes:Header><mes:Structures>"
    ]
    chunks += _containers(artefacts, writing)
    chunks.append(f"</mes:Structures>{_footer(form, options.left_out)}</mes:Structure>\n")
    return _encoded(chunks, writing.encoded)


def _footer(form: Form, texts: Sequence[str]) -> str:
    """Return what is said of a message after it. SDMXMessageFooter.xsd."""
    if not texts:
        return ""
    # SDMX has no code for it, so that the status of HTTP stands, as in errors.
    messages = "".join(
        f'<foo:Message code="406" severity="Warning"><com:Text xml:lang="en">{element_text(text)}</com:Text>'
        "</foo:Message>"
        for text in texts
    )
    space = namespace(form, "message/footer")
    return f'<foo:Footer xmlns:foo="{space}">{messages}</foo:Footer>'


def _encoded(chunks: Iterable[str], encoded: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the chunks with what was encoded before in its places."""
    waiting = iter(encoded)
    for chunk in chunks:
        first, *others = chunk.split(ENCODED)
        yield first.encode()
        for rest in others:
            yield next(waiting)
            if rest:
                yield rest.encode()


def message_header(header: Header) -> str:
    """Return what the header of a message says of itself."""
    return (
        f"<mes:ID>{element_text(header.id)}</mes:ID>"
        f"<mes:Test>{'true' if header.test else 'false'}</mes:Test>"
        f"<mes:Prepared>{header.prepared.isoformat(timespec='seconds')}</mes:Prepared>"
        f"{tag('mes:Sender', {'id': header.sender})}"
    )


def _containers(artefacts: Sequence[Maintainable], writing: Writing) -> Iterator[str]:
    """Yield the artefacts by container, in the order of the schema."""
    by_container: dict[str, list[str]] = {}
    # Parts that are encoded already go out in the order of the message, not of the artefacts.
    encoded: dict[str, list[bytes]] = {}
    for entry in ARTEFACTS:
        place = entry.place(writing.form)
        if place:
            by_container.setdefault(place.partition("/")[0], [])
    kept = _STUBS.kept(writing.structures, writing.form, writing.languages)
    for artefact in artefacts:
        if artefact.is_external_reference and writing.report is None:
            known = kept.get(id(artefact))
            if known is None:
                alone = replace(writing, encoded=[], takes_encoded=False)
                known = kept[id(artefact)] = artefact, tuple(_elements(artefact, alone))
            elements: Iterable[tuple[str, str]] = known[1]
        else:
            elements = _elements(artefact, writing)
        for container, text in elements:
            by_container[container].append(text)
            if writing.encoded:
                encoded.setdefault(container, []).extend(writing.encoded)
                writing.encoded.clear()
    for container, found in by_container.items():
        if found:
            writing.encoded += encoded.get(container, ())
            yield f"<str:{container}>"
            yield "".join(found)
            yield f"</str:{container}>"


_STUBS: Fragments[tuple[tuple[str, str], ...]] = Fragments()


def _elements(artefact: Maintainable, writing: Writing) -> Iterator[tuple[str, str]]:
    """Yield the elements that an artefact becomes, each with its container."""
    for made in down((artefact,), writing):
        entry = LAYOUT_OF_CLASS[type(made)]
        place = entry.place(writing.form)
        if place is None:
            writing.artefact = made
            writing.lose(f"a {type(made).__name__}")
            continue
        container, _, element = place.partition("/")
        yield container, write_artefact(made, entry.layout, f"str:{element}", writing) + "\n"


def decode_structures_xml(body: bytes, report: Report | None = None) -> Sequence[Maintainable]:
    """Return the artefacts of an SDMX-ML structure message of any version.

    Raises:
        StructureMessageError: `body` is no such message, or holds something that the standard does not know;
            the text names the line.
    """
    root = parsed(body)
    form = form_of(root)
    found: list[Maintainable] = []
    for structures in _structures(root, form):
        for container in structures:
            found += _artefacts(container, form)
    return up(found, form, report)


def form_of(root: etree._Element) -> Form:
    """Return the version of the message with this root.

    Raises:
        StructureMessageError: it is no message about structures.
    """
    form = _FORMS.get(root.tag)
    if form is None:
        name = etree.QName(root)
        raise StructureMessageError(
            f"line {root.sourceline}: {name.localname} in the namespace {name.namespace} is no structure "
            "message of SDMX-ML 2.1, 3.0 or 3.1"
        )
    return form


def parsed(body: bytes) -> etree._Element:
    """Return the root element; entities, external files and document types are refused.

    Raises:
        StructureMessageError: it is no XML, or declares a document type.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        huge_tree=False,
    )
    try:
        tree = etree.parse(io.BytesIO(body), parser)
    except etree.XMLSyntaxError as error:
        raise StructureMessageError(f"no XML: {error}") from error
    if tree.docinfo.internalDTD is not None or tree.docinfo.externalDTD is not None:
        raise StructureMessageError("the message declares a document type, which SDMX-ML never has")
    return tree.getroot()


def _structures(root: etree._Element, form: Form) -> Iterator[etree._Element]:
    """Yield the elements that hold containers: one, or in a registry message those of the request."""
    inside = clark("mes:Structures", form)
    for child in root:
        if child.tag == inside:
            yield child
    if not root.tag.endswith("}Structure"):
        yield from root.iter(clark("str:Structures", form))


def _by_place(form: Form) -> dict[str, dict[str, list[ArtefactPlace]]]:
    found: dict[str, dict[str, list[ArtefactPlace]]] = {}
    for entry in ARTEFACTS:
        place = entry.place(form)
        if place:
            container, _, element = place.partition("/")
            elements = found.setdefault(clark(f"str:{container}", form), {})
            elements.setdefault(clark(f"str:{element}", form), []).append(entry)
    return found


_PLACES = {form: _by_place(form) for form in (Form.ML21, Form.ML30, Form.ML31)}


def _artefacts(container: etree._Element, form: Form) -> Iterator[Maintainable]:
    known = _PLACES[form].get(container.tag)
    if known is None:
        raise broken(container, "SDMX has no such container of artefacts")
    for element in container:
        entries = known.get(element.tag)
        if entries is None:
            raise broken(element, f"it is no artefact that {place_of(container)} holds")
        entry = entries[0] if len(entries) == 1 else _fitting(element, entries)
        found: Maintainable = reader_of(entry.layout, form)(element)
        yield found
        # What was read is not needed any more; the tree of a large message would be.
        element.clear()


def _fitting(element: etree._Element, entries: Sequence[ArtefactPlace]) -> ArtefactPlace:
    """Return the first type that fits what an element holds: names of elements, classes of references."""
    names = frozenset(
        name
        for child in element.iter()
        for name in (etree.QName(child).localname, child.get("class"), _class_in(child.text))
        if name
    )
    return next(entry for entry in entries if entry.fits(names))


def _class_in(text: str | None) -> str | None:
    """Return the class that a URN says, None for other texts."""
    if not text or not text.lstrip().startswith("urn:sdmx:"):
        return None
    return text.partition("=")[0].rpartition(".")[2]
