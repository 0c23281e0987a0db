"""The workbook part: which sheets there are, and one more. ECMA-376 Part 1, 18.2."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from converters.annotation.package import (
    Element,
    Package,
    append_entry,
    local_name,
    namespace_of,
    new_root,
    relations_part,
)
from converters.annotation.sheet import relation_namespace

_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_STYLES_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
_LONGEST_NAME = 31
_FILTER = "_xlnm._FilterDatabase"
_ORDER = (
    "fileVersion", "fileSharing", "workbookPr", "workbookProtection", "bookViews", "sheets",
    "functionGroups", "externalReferences", "definedNames",
)  # fmt: skip
"""The first elements of CT_Workbook, 18.2.27."""


class AnnotationError(ValueError):
    """A workbook into which no findings can be written without harm; says why, and what helps."""


@dataclass(frozen=True)
class SheetEntry:
    """A sheet of cells."""

    name: str
    part: str


class Book:
    """The workbook part of a package.

    Raises:
        AnnotationError: marks would do harm to the workbook.
    """

    def __init__(self, package: Package) -> None:
        self.package = package
        self.part = package.related("", "officeDocument") or ""
        _refuse(package, self.part)
        self._root = package.root(self.part)
        self.namespace = namespace_of(self._root)
        self.relation_types = relation_namespace(self._root)
        targets = {r.id: r for r in package.relations(self.part)}
        self._entries = list(self._root.iterfind("{*}sheets/{*}sheet"))
        self.sheets = tuple(
            SheetEntry(entry.get("name", ""), relation.target)
            for entry in self._entries
            if (relation := targets.get(_relation_of(entry))) is not None
            and relation.kind == "worksheet"
        )

    def styles_part(self) -> str:
        """Return the name of the styles part, made where there is none."""
        found = self.package.related(self.part, "styles")
        if found is not None:
            return found
        part = self.package.free_name("xl/styles{}.xml")
        root = new_root(self.namespace, "styleSheet")
        self.package.write(part, etree.tostring(root))
        self.package.declare(part, _STYLES_TYPE)
        self.package.relate(self.part, f"{self.relation_types}/styles", part)
        return part

    def add_sheet(self, wanted: str) -> SheetEntry:
        """Add a sheet behind the others, under this name or one like it, without content yet."""
        taken = {entry.get("name", "").lower() for entry in self._entries}
        name, number = wanted[:_LONGEST_NAME], 2
        while name.lower() in taken:
            ending = f" ({number})"
            name, number = wanted[: _LONGEST_NAME - len(ending)] + ending, number + 1
        part = self.package.free_name("xl/worksheets/sheet{}.xml")
        self.package.write(part, b"")
        self.package.declare(part, _SHEET_TYPE)
        relation = self.package.relate(self.part, f"{self.relation_types}/worksheet", part)
        self.package.edit(self.part)
        ids = [int(entry.get("sheetId", "0")) for entry in self._entries]
        sheet = etree.SubElement(
            self._child("sheets"),
            f"{{{self.namespace}}}sheet",
            {
                "name": name,
                "sheetId": str(max(ids) + 1),
                f"{{{self.relation_types}}}id": relation,
            },
            nsmap={"r": self.relation_types},
        )
        self._entries.append(sheet)
        return SheetEntry(name, part)

    def forget_relations(self, entry: SheetEntry) -> None:
        """Make a sheet of ours ready for new content; where it stands among the others stays."""
        if relations_part(entry.part) in self.package:
            self.package.remove(relations_part(entry.part))

    def name_filter(self, entry: SheetEntry, area: str) -> None:
        """Tell what the filter of a sheet covers, in the hidden name that programs keep for it."""
        index = str([sheet.get("name") for sheet in self._entries].index(entry.name))
        names = self._child("definedNames")
        found = [
            name
            for name in names
            if name.get("name") == _FILTER and name.get("localSheetId") == index
        ]
        name = found[0] if found else append_entry(names, "definedName", name=_FILTER, localSheetId=index, hidden="1")  # fmt: skip
        letters = re.sub(r"([A-Z]+)(\d+)", r"$\1$\2", area)
        quoted = entry.name.replace("'", "''")
        name.text = f"'{quoted}'!{letters}"
        self.package.edit(self.part)

    def _child(self, wanted: str) -> Element:
        """Return an element of the workbook, made in its place where there is none."""
        found = next((child for child in self._root if local_name(child) == wanted), None)
        if found is None:
            found = etree.Element(f"{{{self.namespace}}}{wanted}")
            before = _ORDER[: _ORDER.index(wanted)]
            earlier = [child for child in self._root if local_name(child) in before]
            self._root.insert(self._root.index(earlier[-1]) + 1 if earlier else 0, found)
        return found


def _relation_of(entry: Element) -> str:
    for name, value in entry.attrib.items():
        if str(name).startswith("{") and str(name).endswith("}id"):
            return str(value)
    return ""


def _refuse(package: Package, main: str) -> None:
    """Refuse what would be harmed by any change.

    Raises:
        AnnotationError: names it.
    """
    if any("digital-signature" in relation.type for relation in package.relations("")):
        raise AnnotationError(
            "the workbook is digitally signed, and any mark in it would break the signature; "
            "annotate a copy saved without the signature"
        )
    if package.related(main, "revisionHeaders") is not None:
        raise AnnotationError(
            "the workbook is shared with a log of changes, into which no sheet can be added; "
            "end the sharing and save it again"
        )
    if package.is_encrypted:
        raise AnnotationError("the workbook is packed with a password; save it without one")
    names = [name.lower() for name in package.names()]
    if len(set(names)) < len(names) or package.has_doubles:
        raise AnnotationError("the workbook is damaged: it has two parts of one name")
    if local_name(package.root(main)) != "workbook":
        raise AnnotationError(f"the workbook is damaged: {main} is no workbook part")
