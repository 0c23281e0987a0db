"""The styles part: formats of cells with another fill. ECMA-376 Part 1, 18.8."""

from __future__ import annotations

from copy import deepcopy

from lxml import etree

from converters.annotation.mark import COLOURS, Before
from converters.annotation.package import (
    Element,
    Package,
    attributes_of,
    local_name,
    namespace_of,
    set_attribute,
)

_ORDER = (
    "numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs",
    "tableStyles", "colors", "extLst",
)  # fmt: skip
"""CT_Stylesheet, 18.8.39."""

_NUMBERS = ("numFmtId", "fontId", "fillId", "borderId")
"""Of a format; 0 where left out."""

_NO_FILL = '<fill><patternFill patternType="none"/></fill>'
_GREY_FILL = '<fill><patternFill patternType="gray125"/></fill>'
_FONT = '<font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
_BORDER = "<border><left/><right/><top/><bottom/><diagonal/></border>"
_XF = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'


class StyleSheet:
    """The formats of a workbook, to look up and to add to."""

    def __init__(self, package: Package, part: str) -> None:
        self._package = package
        self._part = part
        self._root = package.root(part)
        self._namespace = namespace_of(self._root)
        self._numbers: dict[str, dict[str, int]] = {}
        self._marked: dict[tuple[int, str], int] = {}
        # Every workbook must have them (18.8.20 to 18.8.22); one written by a small program may not.
        for group, entries in (
            ("fonts", (_FONT,)),
            ("fills", (_NO_FILL, _GREY_FILL)),
            ("borders", (_BORDER,)),
            ("cellXfs", (_XF,)),
        ):
            if not self._entries(group):
                for entry in entries:
                    self._append(group, self._element(entry))

    # -- entries of the groups -----------------------------------------------------------------------

    def _group(self, name: str) -> Element | None:
        return next((child for child in self._root if local_name(child) == name), None)

    def _entries(self, name: str) -> list[Element]:
        group = self._group(name)
        return [] if group is None else [child for child in group if local_name(child)]

    def _element(self, text: str | Element) -> Element:
        """Return an element given without a namespace in that of the part."""
        source = etree.fromstring(text) if isinstance(text, str) else text
        target = etree.Element(f"{{{self._namespace}}}{local_name(source)}", attributes_of(source))
        for child in source:
            target.append(self._element(child))
        return target

    def _append(self, name: str, entry: Element) -> int:
        self._package.edit(self._part)
        group = self._group(name)
        if group is None:
            group = etree.Element(f"{{{self._namespace}}}{name}")
            before = [
                child for child in self._root if local_name(child) in _ORDER[: _ORDER.index(name)]
            ]
            self._root.insert(self._root.index(before[-1]) + 1 if before else 0, group)
        group.append(entry)
        count = len(self._entries(name))
        group.set("count", str(count))
        self._index(name)[_canonical(entry)] = count - 1
        return count - 1

    def _index(self, name: str) -> dict[str, int]:
        """Return the number of each different entry of a group, the first of equal ones."""
        if name not in self._numbers:
            index: dict[str, int] = {}
            for number, entry in enumerate(self._entries(name)):
                index.setdefault(_canonical(entry), number)
            self._numbers[name] = index
        return self._numbers[name]

    def _number(self, name: str, entry: Element) -> int:
        """Return the number of an entry, added where there is none like it."""
        found = self._index(name).get(_canonical(entry))
        return self._append(name, entry) if found is None else found

    # -- formats of cells ----------------------------------------------------------------------------

    def _format(self, style: int) -> Element:
        formats = self._entries("cellXfs")
        return formats[style] if 0 <= style < len(formats) else formats[0]

    def _with_fill(self, style: int, fill: int, applies: str | None, hint: int | None) -> int:
        """Return the number of a format that differs from another in its fill alone."""
        entry = deepcopy(self._format(style))
        entry.tail = None
        entry.set("fillId", str(fill))
        set_attribute(entry, "applyFill", applies)
        formats = self._entries("cellXfs")
        if (
            hint is not None
            and 0 <= hint < len(formats)
            and _canonical(formats[hint]) == _canonical(entry)
        ):
            return hint
        return self._number("cellXfs", entry)

    def before(self, style: int) -> Before:
        """Return what is to be remembered of a format before its fill is replaced."""
        entry = self._format(style)
        fills = self._entries("fills")
        number = int(entry.get("fillId", "0"))
        fill = _bare(fills[number]) if 0 < number < len(fills) else None
        return Before(fill=fill, applies_fill=entry.get("applyFill"), style=style)

    def marked(self, style: int, colour: str) -> int:
        """Return the number of the format that is another one in a colour."""
        if (style, colour) not in self._marked:
            self._marked[style, colour] = self._with_fill(style, self.fill(colour), "1", None)
        return self._marked[style, colour]

    def fill(self, colour: str) -> int:
        """Return the number of a solid fill."""
        text = (
            f'<fill><patternFill patternType="solid"><fgColor rgb="{colour}"/>'
            '<bgColor indexed="64"/></patternFill></fill>'
        )
        return self._number("fills", self._element(text))

    def restored(self, style: int, before: Before | None) -> int:
        """Return the number of the format that a marked cell had; without a fill where that is not known."""
        if before is None or before.fill is None:
            fill = 0
        else:
            fill = self._number("fills", self._element(before.fill))
        applies = None if before is None else before.applies_fill
        return self._with_fill(style, fill, applies, None if before is None else before.style)

    def marked_styles(self) -> frozenset[int]:
        """Return the numbers of the formats whose fill is a mark."""
        fills = {
            number
            for number, entry in enumerate(self._entries("fills"))
            if any(_is_mark(colour) for colour in entry.iterfind("{*}patternFill/{*}fgColor"))
        }
        return frozenset(
            number
            for number, entry in enumerate(self._entries("cellXfs"))
            if int(entry.get("fillId", "0")) in fills
        )

    def style(self, *, font: str = _FONT, colour: str | None = None, wraps: bool = False) -> int:
        """Return the number of a format of our own."""
        entry = self._element(_XF)
        entry.set("fontId", str(self._number("fonts", self._element(font))))
        entry.set("applyFont", "1")
        if self._entries("cellStyleXfs"):
            entry.set("xfId", "0")
        if colour is not None:
            entry.set("fillId", str(self.fill(colour)))
            entry.set("applyFill", "1")
        entry.set("applyAlignment", "1")
        alignment = etree.SubElement(entry, f"{{{self._namespace}}}alignment", vertical="top")
        if wraps:
            alignment.set("wrapText", "1")
        return self._number("cellXfs", entry)


def _is_mark(colour: Element) -> bool:
    return colour.get("rgb", "").upper() in COLOURS.values()


def _canonical(entry: Element) -> str:
    """Return a text that is equal for entries that say the same."""
    children = "".join(_canonical(child) for child in entry if local_name(child))
    said = attributes_of(entry)
    if local_name(entry) == "xf":
        said = dict.fromkeys(_NUMBERS, "0") | said
    attributes = " ".join(f"{name}={value!r}" for name, value in sorted(said.items()))
    return f"<{local_name(entry)} {attributes}>{(entry.text or '').strip()}{children}</>"


def _bare(entry: Element) -> Element:
    """Return a copy without namespaces."""
    copy = etree.Element(local_name(entry), attributes_of(entry))
    for child in entry:
        if local_name(child):
            copy.append(_bare(child))
    return copy
