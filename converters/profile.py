"""The questionnaire's profile: where components stand on a sheet and the words around them, as a data file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from codelists.text import DEFAULT_LANGUAGE, LocalisedText, best_match

PROFILE_FILE = Path(__file__).parent / "layouts" / "questionnaire.toml"


class UnknownLanguageError(LookupError):
    """A language that the questionnaire has no words in."""


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
    below: tuple[str, ...] = ()
    """Their lines stand under the figures, with the notes."""


class Marker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts that stand in a value cell instead of a number."""

    texts: tuple[str, ...]
    attributes: Mapping[str, str]
    ambiguous: bool = False


class Unselected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a row says that nobody chose it."""

    text: str
    also: tuple[str, ...] = ()


class SourceColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column of the sources sheet."""

    id: str
    """Of a component of the tables; of anything else that is asked of a source where no table has it."""
    codelist: str | None = None
    """URN of the list to choose from, where no component says it."""
    annotation: str | None = None
    """Annotation of the source's code that the column must agree with."""
    is_private: bool = False
    """True for what is never read: it stays in the file of the office."""
    width: int = 20
    """In characters."""


class SourceSheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the sources sheet asks: one row a source."""

    columns: tuple[SourceColumn, ...]
    """The first names the source."""
    printed_rows: int

    @property
    def id(self) -> str:
        """The id of the dimension whose codes are described."""
        return self.columns[0].id


class Modules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the tables are grouped."""

    colours: tuple[str, ...]
    """Of the tabs and title bands, module after module."""


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one language: the content of a file of `layouts/texts`."""

    is_reviewed: bool
    """False while no native reader has reviewed what a machine drafted."""
    instructions: tuple[str, ...]
    sheets: Mapping[str, str]
    texts: Mapping[str, str]
    captions: Mapping[str, str]
    roles: Mapping[str, str]
    gap_reasons: Mapping[str, str]


class _Placements(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the profile file: where things stand, without words."""

    layout: str
    placement: Placement
    attributes: AttributePlacement
    sources: SourceSheet
    modules: Modules
    markers: tuple[Marker, ...]
    unselected: Unselected


@dataclass(frozen=True)
class Profile:
    """Where everything stands on the sheets of a questionnaire, and the words around it in each language."""

    placement: Placement
    attributes: AttributePlacement
    sources: SourceSheet
    modules: Modules
    markers: tuple[Marker, ...]
    unselected: Unselected
    sheets: Mapping[str, LocalisedText]
    texts: Mapping[str, LocalisedText]
    instructions: tuple[LocalisedText, ...]
    gap_reasons: Mapping[str, LocalisedText]
    captions: Mapping[str, LocalisedText]
    roles: Mapping[str, LocalisedText]
    drafts: frozenset[str]
    """The languages whose words no native reader has reviewed."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have words, English first."""
        return tuple(self.texts["title"])

    def text(self, key: str, languages: tuple[str, ...]) -> str:
        """Return one of the texts in these languages."""
        return in_languages(self.texts[key], languages)


def check_languages(profile: Profile, languages: tuple[str, ...]) -> None:
    """Raise UnknownLanguageError where the questionnaire has no words in one of these languages."""
    for language in languages:
        if language.split("-")[0].lower() not in profile.languages:
            known = ", ".join(profile.languages)
            raise UnknownLanguageError(
                f"the questionnaire has no words in {language!r}; it has: {known}"
            )


def load_profile(path: Path = PROFILE_FILE) -> Profile:
    """Return the profile of the questionnaire; the words stand beside the file, in `texts`.

    Raises:
        msgspec.ValidationError: a file is not what it must be; says where.
    """
    placed = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Placements)
    words = read_texts(path.parent / "texts")
    return Profile(
        placement=placed.placement,
        attributes=placed.attributes,
        sources=placed.sources,
        modules=placed.modules,
        markers=placed.markers,
        unselected=placed.unselected,
        sheets=_by_key(words, "sheets"),
        texts=_by_key(words, "texts"),
        instructions=tuple(
            {language: own.instructions[number] for language, own in words.items()}
            for number in range(len(words[DEFAULT_LANGUAGE].instructions))
        ),
        gap_reasons=_by_key(words, "gap_reasons"),
        captions=_by_key(words, "captions"),
        roles=_by_key(words, "roles"),
        drafts=frozenset(language for language, own in words.items() if not own.is_reviewed),
    )


def read_texts(folder: Path) -> dict[str, Texts]:
    """Return the words of each language by its tag, English first; a file is named by its tag."""
    found = {
        path.stem: msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Texts)
        for path in sorted(folder.glob("*.toml"))
    }
    return {DEFAULT_LANGUAGE: found.pop(DEFAULT_LANGUAGE), **found}


def _by_key(words: Mapping[str, Texts], part: str) -> dict[str, LocalisedText]:
    """Return the texts of one part of the files by key and language."""
    found: dict[str, LocalisedText] = {}
    for language, own in words.items():
        for key, text in getattr(own, part).items():
            found.setdefault(key, {})[language] = text
    return found


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
