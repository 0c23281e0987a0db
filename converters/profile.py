"""The questionnaire's profile: where components stand on a sheet and the words around them, as a data file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from codelists.text import LocalisedText, best_match

PROFILE_FILE = Path(__file__).parent / "layouts" / "questionnaire.toml"


class Placement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where dimensions stand."""

    area: str
    header: tuple[str, ...]
    columns: tuple[str, ...]
    longest_printed_list: int
    selectable_rows: int


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A component that may take one of some values."""

    component: str
    values: tuple[str, ...]


class AttributePlacement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where attributes stand."""

    flags: tuple[str, ...]
    decimals: str
    notes: str
    required: tuple[str, ...]
    numbered_notes: int
    only_with: Mapping[str, Condition] = {}


class Marker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts that stand in a value cell instead of a number."""

    texts: tuple[str, ...]
    attributes: Mapping[str, str]
    ambiguous: bool = False


class Unselected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a row says that nobody chose it."""

    text: str
    also: tuple[str, ...] = ()


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the profile file."""

    layout: str
    placement: Placement
    attributes: AttributePlacement
    markers: tuple[Marker, ...]
    unselected: Unselected
    sheets: Mapping[str, LocalisedText]
    texts: Mapping[str, LocalisedText]
    instructions: tuple[LocalisedText, ...]
    gap_reasons: tuple[LocalisedText, ...]
    """Each with its `id` beside the languages."""
    captions: Mapping[str, LocalisedText]
    roles: Mapping[str, LocalisedText]

    def text(self, key: str, languages: tuple[str, ...]) -> str:
        """Return one of the texts in these languages."""
        return in_languages(self.texts[key], languages)

    def gap_texts(self, reason: LocalisedText) -> LocalisedText:
        """Return the texts of a gap reason without its id."""
        return {language: text for language, text in reason.items() if language != "id"}


def load_profile(path: Path = PROFILE_FILE) -> Profile:
    """Return the profile of the questionnaire.

    Raises:
        msgspec.ValidationError: the file is no profile; says where.
    """
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Profile)


BILINGUAL = " / "
"""Between the texts of two languages in one cell."""


def in_languages(texts: Mapping[str, str], languages: tuple[str, ...], otherwise: str = "") -> str:
    """Return the text in each language, joined; a language without a text of its own adds none."""
    found: list[str] = []
    for number, language in enumerate(languages or ("en",)):
        match = best_match(texts, (language,))
        if match is None:
            continue
        served = match[0].split("-")[0].lower() == language.split("-")[0].lower()
        if (served or number == 0) and match[1] not in found:
            found.append(match[1])
    return BILINGUAL.join(found) or otherwise
