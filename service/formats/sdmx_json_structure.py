"""SDMX-JSON 2.1 structure messages: what goes over the wire around the codec of `dsd.sdmx_json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from codelists.base import Link, Maintainable, replaced
from codelists.text import best_match
from dsd.sdmx_json import StructureMessage, decode_structures, make_message
from dsd.sdmx_json import encode_structures as encode_message
from dsd.structures import Structures
from service.formats.contract import EncodeOptions, Header
from service.formats.names import ALL_LANGUAGES, asked_languages, wanted_texts

# The member with texts by language, and the one with the best of them.
_TEXT_MEMBERS = {
    "names": "name",
    "descriptions": "description",
    "texts": "text",
    "titles": "title",
    "departments": "department",
    "roles": "role",
}


def encode_structures_json(
    header: Header,
    artefacts: Sequence[Maintainable],
    structures: Structures,
    options: EncodeOptions,
) -> Iterator[bytes]:
    """Yield an SDMX-JSON 2.1 structure message.

    Each artefact has a self link with its URN first (field guide, "links"). Names are in all languages, or
    in those asked for: then an artefact from which languages were left out says `isPartialLanguage`.
    """
    linked = [_linked(artefact) for artefact in artefacts]
    message = make_message(linked, header.prepared, header.id, asked_languages(options.languages))
    sender = replaced(message.meta.sender, id=header.sender)
    message = replaced(message, meta=replaced(message.meta, sender=sender, test=header.test))
    if options.languages and ALL_LANGUAGES not in options.languages:
        message = _in_languages(message, options.languages)
    yield encode_message(message)


def decode_structures_json(body: bytes) -> Sequence[Maintainable]:
    """Return the artefacts of an SDMX-JSON 2.1 structure message.

    Raises:
        StructureMessageError: `body` is no such message.
    """
    return decode_structures(body).data.all()


def _linked(artefact: Maintainable) -> Maintainable:
    others = tuple(link for link in artefact.links if not (link.rel == "self" and link.urn))
    return replaced(artefact, links=(Link(rel="self", urn=str(artefact.urn)), *others))


def _in_languages(message: StructureMessage, languages: tuple[str, ...]) -> StructureMessage:
    """Return the message with the texts of these languages only."""
    wire: dict[str, Any] = msgspec.to_builtins(message)
    for artefacts in wire["data"].values():
        for artefact in artefacts:
            if _filter(artefact, languages):
                artefact["isPartialLanguage"] = True
    return msgspec.convert(wire, StructureMessage)


def _filter(value: Any, languages: tuple[str, ...]) -> bool:
    """Keep the texts of these languages in a JSON tree; tell whether any was left out."""
    if isinstance(value, list | tuple):
        # Every entry is filtered, also after the first from which something was left out.
        return max((_filter(entry, languages) for entry in value), default=False)
    if not isinstance(value, dict):
        return False
    left_out = False
    for member, entry in list(value.items()):
        if member in _TEXT_MEMBERS and isinstance(entry, Mapping):
            kept = wanted_texts(entry, languages)
            left_out = left_out or len(kept) < len(entry)
            value[member] = kept
            found = best_match(entry, languages)
            if found:
                value[_TEXT_MEMBERS[member]] = found[1]
        else:
            left_out = _filter(entry, languages) or left_out
    return left_out
