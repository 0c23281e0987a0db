"""The workbook part: which sheets there are, and one more. ECMA-376 Part 1, 18.2."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from converters.annotation.package import (
    Element,
    Package,
    local_name,
    namespace_of,
    new_root,
    relations_part,
)
from converters.annotation.sheet import relation_namespace

_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_STYLES_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
_LONGEST_NAME = 31


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
        last = self._entries[-1]
        ids = [int(entry.get("sheetId", "0")) for entry in self._entries]
        parent = last.getparent()
        assert parent is not None  # noqa: S101 - it was found under <sheets>
        etree.SubElement(
            parent,
            f"{{{self.namespace}}}sheet",
            {
                "name": name,
                "sheetId": str(max(ids) + 1),
                f"{{{self.relation_types}}}id": relation,
            },
            nsmap={"r": self.relation_types},
        )
        return SheetEntry(name, part)

    def renew_sheet(self, entry: SheetEntry, area: str) -> None:
        """Make a sheet of ours ready for new content.

        Args:
            entry: the sheet; where it stands among the others stays.
            area: what its filter covers from now on.
        """
        if relations_part(entry.part) in self.package:
            self.package.remove(relations_part(entry.part))
        index = [sheet.get("name") for sheet in self._entries].index(entry.name)
        for name in self._root.iterfind("{*}definedNames/{*}definedName"):
            is_filter = name.get("name") == "_xlnm._FilterDatabase"
            if is_filter and name.get("localSheetId") == str(index):
                self.package.edit(self.part)
                quoted = entry.name.replace("'", "''")
                name.text = f"'{quoted}'!{area}"


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
    names = [name.lower() for name in package.names()]
    if len(set(names)) < len(names) or package.has_doubles:
        raise AnnotationError("the workbook is damaged: it has two parts of one name")
    if local_name(package.root(main)) != "workbook":
        raise AnnotationError(f"the workbook is damaged: {main} is no workbook part")
