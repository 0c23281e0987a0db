"""What the SDMX-ML 2.1 messages have in common: namespaces, header, references.

SDMX 2.1 Section 3A, SDMX-ML; the schemas at https://xml.sdmx.org/2.1/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

from codelists.urn import Urn
from dsd.dataset import Action
from service.formats.contract import Header, NotExpressibleError

BASE = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1"
NAMESPACES = {
    "mes": f"{BASE}/message",
    "com": f"{BASE}/common",
    "str": f"{BASE}/structure",
    "gen": f"{BASE}/data/generic",
    "ss": f"{BASE}/data/structurespecific",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

# XML attributes lose line ends and tabs unless they are written as references (XML 1.0, 3.3.3).
_ATTRIBUTE_ENTITIES = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_TEXT_ENTITIES = {"\r": "&#13;"}

ACTION_WORDS = {
    Action.MERGE: "Append",
    Action.APPEND: "Append",
    Action.REPLACE: "Replace",
    Action.DELETE: "Delete",
    Action.INFORMATION: "Information",
}
"""Action words of SDMX 2.1, which has no Merge: its Append inserts and updates, as Merge does."""

VALUE_SEPARATOR = ";"
"""Between several values, for which SDMX-ML 2.1 has one XML attribute."""

# Classes that SDMX 2.1 calls otherwise than 3.x.
_CLASSES = {"DataConstraint": "ContentConstraint"}


# XML 1.0, 2.2: characters that no document can hold, not even as references.
_FORBIDDEN = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")


def attribute_text(text: str) -> str:
    """Return a text as the value of an XML attribute.

    Raises:
        NotExpressibleError: it holds a character that XML cannot.
    """
    return escape(_checked(text), _ATTRIBUTE_ENTITIES)


def element_text(text: str) -> str:
    """Return a text as the content of an XML element.

    Raises:
        NotExpressibleError: it holds a character that XML cannot.
    """
    return escape(_checked(text), _TEXT_ENTITIES)


def _checked(text: str) -> str:
    found = _FORBIDDEN.search(text)
    if found:
        raise NotExpressibleError(
            f"XML cannot hold the character U+{ord(found[0]):04X}, which is in {text!r}; "
            "write SDMX-CSV or SDMX-JSON"
        )
    return text


def tag(name: str, attributes: Mapping[str, str | None], content: str = "") -> str:
    """Return an element; attributes that are None are left out."""
    written = "".join(
        f' {key}="{attribute_text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def namespaces(*prefixes: str) -> str:
    """Return the declarations of these prefixes."""
    return "".join(f' xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in prefixes)


def header_start(header: Header) -> str:
    """Return the header's elements up to the sender; what a message kind adds follows them."""
    return (
        f"<mes:ID>{element_text(header.id)}</mes:ID>"
        f"<mes:Test>{'true' if header.test else 'false'}</mes:Test>"
        f"<mes:Prepared>{header.prepared.isoformat(timespec='seconds')}</mes:Prepared>"
        f"{tag('mes:Sender', {'id': header.sender})}"
    )


def reference(element: str, urn: Urn) -> str:
    """Return an element with a `Ref` to an artefact or item, whose version is an exact one."""
    maintainable = urn.maintainable
    names: dict[str, str | None] = {"agencyID": urn.agency}
    if urn.item is not None:
        names |= {
            "maintainableParentID": maintainable.id,
            "maintainableParentVersion": urn.version,
            "id": urn.item,
        }
    else:
        names |= {"id": urn.id, "version": urn.version}
    package = str(urn).removeprefix("urn:sdmx:org.sdmx.infomodel.").partition(".")[0]
    names |= {"package": package, "class": _CLASSES.get(urn.type, urn.type)}
    return tag(element, {}, tag("Ref", names))
