"""The texts of an SDMX-JSON message in the languages asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    filtering = _Filtering(languages)
    filtering.apply(value)
    return filtering.left_out


@dataclass
class _Filtering:
    """One tree while it is filtered."""

    languages: tuple[str, ...]
    left_out: bool = False
    choices: dict[tuple[str, ...], tuple[tuple[str, ...], str | None]] = field(default_factory=dict)
    """Languages of a text -> those that stay, and the best of them: most texts have the same languages."""

    def apply(self, value: Any) -> None:
        if isinstance(value, list | tuple):
            for entry in value:
                self.apply(entry)
        elif isinstance(value, dict):
            for member, entry in list(value.items()):
                if isinstance(entry, str):
                    continue
                if member in _TEXT_MEMBERS and isinstance(entry, Mapping):
                    self._filter(value, member, entry)
                else:
                    self.apply(entry)

    def _filter(self, owner: dict[str, Any], member: str, texts: Mapping[str, str]) -> None:
        tags = tuple(texts)
        choice = self.choices.get(tags)
        if choice is None:
            found = best_match(texts, self.languages)
            kept = tuple(wanted_texts(texts, self.languages))
            choice = self.choices[tags] = kept, found[0] if found else None
        kept, best = choice
        if len(kept) < len(tags):
            self.left_out = True
            owner[member] = {tag: texts[tag] for tag in kept}
        if best is not None:
            owner[_TEXT_MEMBERS[member]] = texts[best]
