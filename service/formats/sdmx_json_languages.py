"""The texts of an SDMX-JSON message in the languages asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codelists.text import best_match
from service.formats.names import wanted_texts

# The member with texts by language, and the one with the best of them.
_TEXT_MEMBERS = {
    "names": "name",
    "descriptions": "description",
    "texts": "text",
    "titles": "title",
    "departments": "department",
    "roles": "role",
    "conditions": "condition",
}


def filter_languages(value: Any, languages: tuple[str, ...]) -> bool:
    """Keep the texts of these languages in a JSON tree; tell whether any was left out."""
    if isinstance(value, list | tuple):
        # Every entry is filtered, also after the first from which something was left out.
        return max((filter_languages(entry, languages) for entry in value), default=False)
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
            left_out = filter_languages(entry, languages) or left_out
    return left_out
