"""The texts of the pages, one file a language."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from codelists.text import DEFAULT_LANGUAGE


class Texts:
    """The texts in one language; English where a language lacks one."""

    def __init__(self, language: str, texts: dict[str, str]) -> None:
        self.language = language
        self._texts = texts

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all texts."""
        return tuple(self._texts)

    def __getitem__(self, name: str) -> str:
        """Return a text by name; KeyError where there is none."""
        return self._texts[name]


def load_texts() -> dict[str, Texts]:
    """Return the texts by language tag."""
    found: dict[str, dict[str, str]] = {}
    for file in (files("service.web") / "texts").iterdir():
        if file.name.endswith(".toml"):
            found[file.name.removesuffix(".toml")] = tomllib.loads(file.read_text(encoding="utf-8"))
    english = found[DEFAULT_LANGUAGE]
    return {tag: Texts(tag, english | texts) for tag, texts in found.items()}
