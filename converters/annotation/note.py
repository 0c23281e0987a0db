"""The comments of a sheet: texts of which a piece is ours. ECMA-376 Part 1, 18.7."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from converters.annotation.mark import blocks
from converters.annotation.package import Element, local_name, namespace_of, new_root
from converters.annotation.text import escaped, unescaped

AUTHOR = "ILMS Exchange"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


@dataclass(frozen=True)
class Run:
    """A piece of text in one type."""

    text: str
    is_bold: bool = False


class Comments:
    """The part of a sheet's comments while it is edited."""

    def __init__(self, root: Element) -> None:
        self._root = root
        self._namespace = namespace_of(root)
        self._by_cell = {
            comment.get("ref", "").replace("$", ""): comment
            for comment in root.iterfind("{*}commentList/{*}comment")
        }

    def _tag(self, name: str) -> str:
        return f"{{{self._namespace}}}{name}"

    @property
    def is_empty(self) -> bool:
        """True where no cell has a comment."""
        return not self._by_cell

    @property
    def cells(self) -> list[str]:
        """The cells that have one."""
        return list(self._by_cell)

    def text(self, cell: str) -> str | None:
        """Return the text of a cell's comment, None where it has none."""
        comment = self._by_cell.get(cell)
        if comment is None:
            return None
        return unescaped("".join(node.text or "" for node in _texts(comment)))

    def marks(self, cell: str) -> list[int]:
        """Return the numbers of the marks whose text a comment holds."""
        return [number for _, _, number in blocks(self.text(cell) or "")]

    def strip(self, cell: str) -> bool:
        """Take our text out of a comment; return whether nothing was left, and the comment removed."""
        comment = self._by_cell[cell]
        text = "".join(node.text or "" for node in _texts(comment))
        for start, end, _ in reversed(list(blocks(text))):
            _cut(comment, start, end)
        if not "".join(node.text or "" for node in _texts(comment)).strip():
            parent = comment.getparent()
            if parent is not None:
                parent.remove(comment)
            del self._by_cell[cell]
            return True
        _as_plain(comment)
        return False

    def add(self, cell: str, runs: Sequence[Run]) -> bool:
        """Add our text to a cell; return whether it had no comment before."""
        comment = self._by_cell.get(cell)
        is_new = comment is None
        if comment is None:
            comment = etree.SubElement(
                self._list(), self._tag("comment"), ref=cell, authorId=str(self._author())
            )
            etree.SubElement(comment, self._tag("text"))
            self._by_cell[cell] = comment
        body = comment.find("{*}text")
        if body is None:
            body = etree.SubElement(comment, self._tag("text"))
        _as_runs(body)
        place = sum(local_name(child) == "r" for child in body)
        for number, run in enumerate(() if is_new else (Run("\n\n"),)):
            body.insert(place + number, self._run(run))
            place += 1
        for number, run in enumerate(runs):
            body.insert(place + number, self._run(run))
        return is_new

    def _list(self) -> Element:
        found = self._root.find("{*}commentList")
        if found is None:
            found = etree.SubElement(self._root, self._tag("commentList"))
        return found

    def _author(self) -> int:
        authors = self._root.find("{*}authors")
        if authors is None:
            authors = etree.Element(self._tag("authors"))
            self._root.insert(0, authors)
        names = [entry.text or "" for entry in authors.iterfind("{*}author")]
        if AUTHOR not in names:
            etree.SubElement(authors, self._tag("author")).text = AUTHOR
            return len(names)
        return names.index(AUTHOR)

    def _run(self, run: Run) -> Element:
        entry = etree.Element(self._tag("r"))
        form = etree.SubElement(entry, self._tag("rPr"))
        if run.is_bold:
            etree.SubElement(form, self._tag("b"))
        etree.SubElement(form, self._tag("sz"), val="9")
        etree.SubElement(form, self._tag("color"), indexed="81")
        etree.SubElement(form, self._tag("rFont"), val="Tahoma")
        etree.SubElement(form, self._tag("family"), val="2")
        text = etree.SubElement(entry, self._tag("t"))
        text.set(_SPACE, "preserve")
        text.text = escaped(run.text)
        return entry


def new_comments(namespace: str) -> Element:
    """Return a part of comments without any."""
    root = new_root(namespace, "comments")
    etree.SubElement(root, f"{{{namespace}}}authors")
    etree.SubElement(root, f"{{{namespace}}}commentList")
    return root


def _texts(comment: Element) -> list[Element]:
    """Return the elements that hold the text, without phonetic hints."""
    return [
        node
        for node in comment.iterfind("{*}text//{*}t")
        if (parent := node.getparent()) is not None and local_name(parent) != "rPh"
    ]


def _cut(comment: Element, start: int, end: int) -> None:
    """Remove the characters from `start` to `end`; runs that hold no others go as a whole."""
    position = 0
    for node in _texts(comment):
        text = node.text or ""
        first, last = max(start - position, 0), min(end - position, len(text))
        position += len(text)
        if first >= last:
            continue
        rest = text[:first] + text[last:]
        node.text = rest
        run = node.getparent()
        if not rest and run is not None and local_name(run) == "r":
            parent = run.getparent()
            if parent is not None:
                parent.remove(run)


def _as_runs(body: Element) -> None:
    """Make a plain text a run: a text is either the one or runs, to most programs."""
    plain = body.find("{*}t")
    if plain is None:
        return
    run = etree.Element(f"{{{namespace_of(body)}}}r")
    body.replace(plain, run)
    run.append(plain)


def _as_plain(comment: Element) -> None:
    """Undo `_as_runs` where a single run without a type is left."""
    body = comment.find("{*}text")
    if body is None:
        return
    runs = list(body.iterfind("{*}r"))
    if len(runs) == 1 and len(runs[0]) == 1 and local_name(runs[0][0]) == "t":
        body.replace(runs[0], runs[0][0])
