"""Annotations of data in SDMX-ML: the elements of `com:Annotations`, as structures have them.

SDMX 3.1 Section 3, "AnnotableType"; the forms of all versions are those of `structure_table`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lxml import etree

from codelists.base import Annotation
from dsd.sdmx_json import StructureMessageError
from dsd.structures import Structures
from service.formats.structure_losses import Writing
from service.formats.structure_table.vocabulary import Form
from service.formats.structure_xml_reader import namespace, reader_of
from service.formats.structure_xml_writer import writer_of

_NOTHING = Structures(())
_OWN_NAMESPACES = ("http://www.w3.org/XML/1998/namespace",)


def annotations_element(
    annotations: Sequence[Annotation], form: Form, languages: tuple[str, ...]
) -> str:
    """Return `com:Annotations`, nothing where there is none.

    Raises:
        NotExpressibleError: an annotation holds what the version has no place for.
    """
    if not annotations:
        return ""
    write = writer_of("Annotation", form)
    writing = Writing(form, _NOTHING, languages)
    written = "".join([write(entry, writing, "com:Annotation") for entry in annotations])
    return f"<com:Annotations>{written}</com:Annotations>"


class AnnotationsReader:
    """The element `Annotations` on its way to annotations, event by event.

    Elements are known by their local names: senders put them into the namespaces of other versions.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._namespace = namespace(form, "common")
        self._tree = etree.TreeBuilder()
        self._open: list[str] = []
        self.start(" Annotations", {})

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        tag = f"{{{self._namespace}}}{name.rpartition(' ')[2]}"
        self._open.append(tag)
        self._tree.start(tag, {_clark(key): value for key, value in attributes.items()})

    def end(self) -> None:
        """Take the end of an element."""
        self._tree.end(self._open.pop())

    def characters(self, text: str) -> None:
        """Take text."""
        self._tree.data(text)

    def read(self) -> tuple[list[Annotation], list[str]]:
        """Return the annotations, and why others could not be read."""
        self.end()
        found, problems = [], []
        for element in self._tree.close():
            try:
                if element.tag != f"{{{self._namespace}}}Annotation":
                    raise StructureMessageError(f"{etree.QName(element).localname} is none")
                found.append(reader_of("Annotation", self._form)(element))
            except StructureMessageError as error:
                problems.append(str(error).partition(", ")[2] or str(error))
        return found, problems


def _clark(name: str) -> str:
    space, _, local = name.rpartition(" ")
    return f"{{{space}}}{local}" if space else local
