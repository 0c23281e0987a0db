"""Where in a structure message an artefact or a part of it stands: looked for only when something is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from lxml import etree

from codelists.urn import Urn, UrnSyntaxError, parse_urn

_CLASSES_IN_21 = frozenset(("contentconstraint", "hierarchicalcodelist"))
_Key = tuple[str, str, str]


class Places:
    """The places of the artefacts of one message, which could be read."""

    def __init__(self, body: bytes, is_xml: bool) -> None:
        self._body = body
        self._is_xml = is_xml

    def of(self, urn: Urn, part: str | None) -> str | None:
        """Return `line 12` or a JSON pointer: of the part where it is found, else of the artefact; None for neither.

        Args:
            urn: the artefact.
            part: id of an item or component in it, or a reference that it makes.
        """
        if self._is_xml:
            return _line(self._elements.get((urn.agency, urn.id, urn.version), ()), urn, part)
        return _pointer(self._members.get((urn.agency, urn.id, urn.version), ()), urn, part)

    @cached_property
    def _elements(self) -> dict[_Key, list[etree._Element]]:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        found: dict[_Key, list[etree._Element]] = {}
        for element in etree.fromstring(self._body, parser).iter(etree.Element):
            agency, id = element.get("agencyID"), element.get("id")
            if agency is not None and id is not None:
                found.setdefault((agency, id, element.get("version") or "1.0"), []).append(element)
        return found

    @cached_property
    def _members(self) -> dict[_Key, list[tuple[str, Any]]]:
        found: dict[_Key, list[tuple[str, Any]]] = {}
        for member, artefacts in json.loads(self._body).get("data", {}).items():
            for number, artefact in enumerate(artefacts):
                key = (artefact.get("agencyID"), artefact.get("id"), artefact.get("version", "1.0"))
                found.setdefault(key, []).append((f"/data/{member}/{number}", artefact))
        return found


def _line(elements: Iterable[etree._Element], urn: Urn, part: str | None) -> str | None:
    for artefact in elements:
        name = etree.QName(artefact).localname.lower()
        if name == urn.type.lower() or name in _CLASSES_IN_21:
            inside = next(_elements_of(artefact, part), None) if part else None
            return f"line {(artefact if inside is None else inside).sourceline}"
    return None


def _elements_of(artefact: etree._Element, part: str) -> Iterator[etree._Element]:
    id = _last_id(part)
    for element in artefact.iter(etree.Element):
        stands = element.get("id") == id or (element.text and element.text.strip() == part)
        if stands and element is not artefact:
            yield element


def _last_id(part: str) -> str:
    """Return the id that a `Ref` has in the place of a URN; other parts are ids."""
    try:
        urn = parse_urn(part)
    except UrnSyntaxError:
        return part
    return urn.item or urn.id


def _pointer(members: Iterable[tuple[str, Any]], urn: Urn, part: str | None) -> str | None:
    for pointer, artefact in members:
        collection = pointer.split("/")[2].lower().removeprefix("x-")
        if collection[:8] in urn.type.lower() or urn.type.lower()[:8] in collection:
            return next(_pointers_of(artefact, part, pointer), pointer) if part else pointer
    return None


def _pointers_of(value: Any, part: str, pointer: str) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("id") == part and pointer.count("/") > 3:
            yield pointer
        for name, entry in value.items():
            yield from _pointers_of(entry, part, f"{pointer}/{name}")
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _pointers_of(entry, part, f"{pointer}/{number}")
    elif value == part and part.startswith("urn:"):
        yield pointer
