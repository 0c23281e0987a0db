"""The words of an annotated workbook in one language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).with_name("texts.toml")


class UnknownLanguageError(LookupError):
    """A language without words of its own; names those that have."""


@dataclass(frozen=True)
class Wording:
    """Words by key."""

    texts: Mapping[str, str]
    severities: Mapping[str, str]


@dataclass(frozen=True)
class Advice:
    """What a rule says of itself."""

    title: str
    mend: str


def load_wording(language: str = "en", path: Path = _FILE) -> Wording:
    """Return the words of a language.

    Raises:
        UnknownLanguageError: the file has no words of it.
    """
    groups = tomllib.loads(path.read_text(encoding="utf-8"))
    known = sorted(groups["texts"]["sheet"])
    if language not in known:
        raise UnknownLanguageError(
            f"there are no words in {language!r}; there are {', '.join(known)}"
        )
    texts, severities = (
        {key: words[language] for key, words in groups[group].items()}
        for group in ("texts", "severities")
    )
    return Wording(texts, severities)
