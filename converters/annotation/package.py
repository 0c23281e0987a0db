"""The parts of a workbook file, of which a few are changed and the rest is copied byte for byte.

ECMA-376 Part 2 (Open Packaging Conventions): parts, relationships, content types.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

Element = etree._Element
"""An element of a part."""

UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
"""What reading a damaged part raises."""
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
CONTENT_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_CONTENT_TYPES_PART = "[Content_Types].xml"
_NEW_PART_TIME = (1980, 1, 1, 0, 0, 0)
_RELATION_ID = re.compile(r"rId(\d+)")


@dataclass(frozen=True)
class Relation:
    """What one part says of its relation to another."""

    id: str
    type: str
    target: str
    """Name of the part, or an address where it is outside of the file."""
    is_external: bool = False

    @property
    def kind(self) -> str:
        """The last word of the type, which the strict and the transitional form share."""
        return self.type.rpartition("/")[2]


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace; empty for comments and instructions."""
    tag: object = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def namespace_of(element: Element) -> str:
    """Return the namespace of an element."""
    return etree.QName(element).namespace or ""


def attributes_of(element: Element) -> dict[str, str]:
    """Return the attributes of an element."""
    return {str(name): str(value) for name, value in element.attrib.items()}


def set_attribute(element: Element, name: str, value: str | None) -> None:
    """Give an element an attribute, or take it away."""
    if value is not None:
        element.set(name, value)
    elif name in element.attrib:
        del element.attrib[name]


def append_entry(parent: Element, name: str, /, **attributes: str) -> Element:
    """Add an element behind the others; an extension list stays the last."""
    entry = etree.SubElement(parent, f"{{{namespace_of(parent)}}}{name}", attributes)
    extension = parent.find("{*}extLst")
    if extension is not None:
        parent.append(extension)
    return entry


def new_root(namespace: str, name: str) -> Element:
    """Return the root of a new part, its namespace the default one."""
    return etree.fromstring(f'<{name} xmlns="{namespace}"/>')


def read_xml(data: bytes) -> Element:
    """Return the root of an XML part; nothing outside of it is read."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(data, parser)


def write_xml(root: Element) -> bytes:
    """Return an XML part."""
    return etree.tostring(
        root.getroottree(), xml_declaration=True, encoding="UTF-8", standalone=True
    )


class Package:
    """A file of parts while it is edited. Part names have no leading slash; letter case does not count."""

    def __init__(self, data: bytes) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(data))
        self._entries = {info.filename: info for info in self._archive.infolist()}
        self.is_encrypted = any(info.flag_bits & 0x1 for info in self._entries.values())
        self.has_doubles = len(self._entries) < len(self._archive.infolist())
        self._stored = {name.lstrip("/").lower(): name for name in self._entries}
        self._written: dict[str, bytes] = {}
        self._roots: dict[str, Element] = {}
        self._edited: set[str] = set()
        self._removed: set[str] = set()

    # -- parts ---------------------------------------------------------------------------------------

    def _key(self, name: str) -> str:
        """Return the name under which a part is stored, or is to be stored."""
        return self._stored.get(name.lstrip("/").lower(), name.lstrip("/"))

    def __contains__(self, name: str) -> bool:
        """Tell whether there is such a part."""
        key = self._key(name)
        return key not in self._removed and (key in self._entries or key in self._written)

    def names(self) -> Iterator[str]:
        """Iterate over the names of all parts, in the order of the file."""
        every = dict.fromkeys((*self._entries, *self._written))
        yield from (name for name in every if name in self)

    def read(self, name: str) -> bytes:
        """Return the bytes of a part as they will be written.

        Raises:
            KeyError: there is no such part.
        """
        key = self._key(name)
        if name not in self:
            raise KeyError(name)
        if key in self._edited:
            return write_xml(self._roots[key])
        return self._written[key] if key in self._written else self._archive.read(key)

    def write(self, name: str, data: bytes) -> None:
        """Make `data` the content of a part, new or not."""
        key = self._key(name)
        self._roots.pop(key, None)
        self._edited.discard(key)
        self._removed.discard(key)
        self._written[key] = data
        self._stored.setdefault(key.lower(), key)

    def remove(self, name: str) -> None:
        """Remove a part, its relations and its content type."""
        for part in (name, relations_part(name)):
            key = self._key(part)
            self._removed.add(key)
            self._written.pop(key, None)
            self._roots.pop(key, None)
            self._edited.discard(key)
        types = self.root(_CONTENT_TYPES_PART)
        for entry in list(types.iterfind("{*}Override")):
            if entry.get("PartName", "").lstrip("/").lower() == name.lower():
                self.edit(_CONTENT_TYPES_PART).remove(entry)

    def free_name(self, pattern: str) -> str:
        """Return the first name without a part, of a pattern with `{}` for a number."""
        number = 1
        while pattern.format(number) in self:
            number += 1
        return pattern.format(number)

    def root(self, name: str) -> Element:
        """Return the root of an XML part, to read."""
        key = self._key(name)
        if key not in self._roots:
            self._roots[key] = read_xml(self.read(name))
        return self._roots[key]

    def edit(self, name: str) -> Element:
        """Return the root of an XML part that will be written as it then is."""
        root = self.root(name)
        self._edited.add(self._key(name))
        return root

    # -- relations and content types -----------------------------------------------------------------

    def relations(self, part: str) -> list[Relation]:
        """Return the relations of a part, of the file itself where it is empty."""
        name = relations_part(part)
        if name not in self:
            return []
        folder = posixpath.dirname(part)
        found = []
        for entry in self.root(name).iterfind("{*}Relationship"):
            outside = entry.get("TargetMode") == "External"
            target = entry.get("Target", "")
            if not outside:
                target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            found.append(Relation(entry.get("Id", ""), entry.get("Type", ""), target, outside))
        return found

    def related(self, part: str, kind: str) -> str | None:
        """Return the first part inside the file to which a part has a relation of a kind."""
        return next(
            (r.target for r in self.relations(part) if r.kind == kind and not r.is_external), None
        )

    def relate(self, part: str, type: str, target: str) -> str:
        """Add a relation to another part and return its id."""
        name = relations_part(part)
        if name not in self:
            self.write(name, write_xml(new_root(RELATIONSHIPS, "Relationships")))  # fmt: skip
        root = self.edit(name)
        taken = [_RELATION_ID.fullmatch(entry.get("Id", "")) for entry in root]
        id = f"rId{1 + max((int(match[1]) for match in taken if match), default=0)}"
        path = posixpath.relpath("/" + target, "/" + posixpath.dirname(part))
        etree.SubElement(
            root, f"{{{namespace_of(root)}}}Relationship", Id=id, Type=type, Target=path
        )
        return id

    def unrelate(self, part: str, target: str) -> None:
        """Remove every relation of a part to another; the list too where it was the last."""
        ids = {r.id for r in self.relations(part) if r.target == target and not r.is_external}
        root = self.edit(relations_part(part))
        for entry in list(root):
            if entry.get("Id") in ids:
                root.remove(entry)
        if not len(root):
            self.remove(relations_part(part))

    def content_type(self, part: str) -> str:
        """Return the content type of a part, empty where none is declared."""
        types = self.root(_CONTENT_TYPES_PART)
        for entry in types.iterfind("{*}Override"):
            if entry.get("PartName", "").lstrip("/").lower() == part.lower():
                return entry.get("ContentType", "")
        ending = part.rpartition(".")[2].lower()
        return next(
            (
                entry.get("ContentType", "")
                for entry in types.iterfind("{*}Default")
                if entry.get("Extension", "").lower() == ending
            ),
            "",
        )

    def declare(self, part: str, content_type: str) -> None:
        """Declare the content type of a part by its name."""
        if self.content_type(part) != content_type:
            etree.SubElement(
                self.edit(_CONTENT_TYPES_PART),
                f"{{{CONTENT_TYPES}}}Override",
                PartName="/" + part,
                ContentType=content_type,
            )

    def declare_ending(self, ending: str, content_type: str) -> None:
        """Declare the content type of every part with an ending, where none is declared."""
        types = self.root(_CONTENT_TYPES_PART)
        known = {entry.get("Extension", "").lower() for entry in types.iterfind("{*}Default")}
        if ending not in known:
            entry = etree.Element(
                f"{{{CONTENT_TYPES}}}Default", Extension=ending, ContentType=content_type
            )
            self.edit(_CONTENT_TYPES_PART).insert(0, entry)

    # -- the file ------------------------------------------------------------------------------------

    def save(self) -> bytes:
        """Return the file; parts keep their order, new ones follow."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in self.names():
                archive.writestr(self._entry(name), self.read(name))
        return target.getvalue()

    def _entry(self, name: str) -> zipfile.ZipInfo:
        old = self._entries.get(name)
        entry = zipfile.ZipInfo(name, old.date_time if old else _NEW_PART_TIME)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = old.external_attr if old else 0o600 << 16
        entry.create_system = old.create_system if old else 3
        if old is not None and old.compress_type == zipfile.ZIP_STORED:
            entry.compress_type = zipfile.ZIP_STORED
        return entry


def relations_part(part: str) -> str:
    """Return the name of the part that lists the relations of a part."""
    folder, file = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{file}.rels")
