"""Marked-up text (XHTML) inside a data set: its elements as one text, and back.

SDMX 3.1 Section 3, "XHTMLType": `StructuredText` holds text and elements of XHTML. A batch holds the same as a text: the
elements under their local names, their namespace understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.parsers import expat

from service.formats.sdmx_ml21 import attribute_text, element_text

XHTML = "http://www.w3.org/1999/xhtml"
_XML = "http://www.w3.org/XML/1998/namespace"
_MOST_DEPTH = 50


class Markup:
    """Marked-up text that is being read."""

    def __init__(self) -> None:
        self.foreign: list[str] = []
        """Names of elements and XML attributes that are none of XHTML."""
        self._parts: list[str] = []
        self._open: list[str] = []
        self._is_in_tag = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        self._end_tag()
        space, _, local = name.rpartition(" ")
        if space != XHTML:
            self.foreign.append(local)
        self._open.append(local)
        self._parts.append(f"<{local}")
        for key, value in attributes.items():
            space, _, word = key.rpartition(" ")
            if space == _XML:
                word = f"xml:{word}"
            elif space:
                self.foreign.append(word)
                continue
            self._parts.append(f' {word}="{attribute_text(value)}"')
        self._is_in_tag = True

    def end(self) -> None:
        """Take the end of an element."""
        name = self._open.pop()
        self._parts.append("/>" if self._is_in_tag else f"</{name}>")
        self._is_in_tag = False

    def characters(self, text: str) -> None:
        """Take text."""
        self._end_tag()
        self._parts.append(element_text(text))

    def _end_tag(self) -> None:
        if self._is_in_tag:
            self._parts.append(">")
            self._is_in_tag = False

    def text(self) -> str:
        """Return all of it."""
        return "".join(self._parts)


class MarkupError(ValueError):
    """A text is no marked-up text that XHTML knows; says why."""


def canonical(markup: str) -> str:
    """Return a marked-up text as reading gives it.

    >>> canonical("Employed <em class='a'>abroad</em><br></br>")
    'Employed <em class="a">abroad</em><br/>'

    Raises:
        MarkupError: it is not well-formed, or holds what is none of XHTML.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    read = Markup()
    depth = 0

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MOST_DEPTH:
            raise MarkupError(f"its elements are nested more than {_MOST_DEPTH} deep")
        if depth > 1:
            read.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        if depth:
            read.end()

    def refuse(*_: object) -> None:
        raise MarkupError("a comment or an instruction has no place in it")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = read.characters
    parser.CommentHandler = parser.ProcessingInstructionHandler = refuse
    # The parser would make a line end of it.
    body = markup.replace("\r", "&#13;")
    try:
        parser.Parse(f'<x xmlns="{XHTML}">{body}</x>'.encode(), True)
    except expat.ExpatError as error:
        raise MarkupError(expat.ErrorString(error.code)) from error
    except UnicodeEncodeError as error:
        raise MarkupError("it holds half a character") from error
    if read.foreign:
        raise MarkupError(f"{read.foreign[0]} is none of XHTML")
    return read.text()
