"""Names in the languages asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from codelists.base import Nameable
from codelists.text import DEFAULT_LANGUAGE, best_match

ALL_LANGUAGES = "*"
NO_LANGUAGE = "zxx"
"""ISO 639-2 code for "no linguistic content": in SDMX 2.1 the language of the text that holds an annotation's value."""


def asked_languages(languages: tuple[str, ...]) -> tuple[str, ...]:
    """Return the languages for a best match, without the wildcard."""
    return tuple(language for language in languages if language != ALL_LANGUAGES)


def name_of(thing: Nameable, languages: tuple[str, ...]) -> str:
    """Return the name in the best language, the id where there is no name."""
    return thing.label(asked_languages(languages))


def wanted_texts(texts: Mapping[str, str], languages: tuple[str, ...]) -> dict[str, str]:
    """Return the texts in the languages asked for; the best match alone where none of them exists.

    Several languages filter (RFC 4647, 3.3), `*` keeps all. A language that nothing fits is looked up with less
    said (3.4), so that the text which is the best match is always among those kept.

    >>> wanted_texts({"en": "Sex", "fr": "Sexe", "es": "Sexo"}, ("fr-CH", "es"))
    {'fr': 'Sexe', 'es': 'Sexo'}
    """
    if ALL_LANGUAGES in languages:
        return dict(texts)
    always = {tag: text for tag, text in texts.items() if tag == NO_LANGUAGE}
    if always:
        texts = {tag: text for tag, text in texts.items() if tag != NO_LANGUAGE}
    fitting = {tag for asked in languages for tag in _fitting(asked, texts)}
    kept = {tag: text for tag, text in texts.items() if tag in fitting}
    if kept or not texts:
        return always | kept
    found = best_match(texts, languages)
    return always | (dict([found]) if found else {})


def _fitting(asked: str, tags: Iterable[str]) -> Iterator[str]:
    """Yield the tags that a language takes: those it is a range of, else the longest that begins it."""
    known = list(tags)
    found = [tag for tag in known if _matches(tag, (asked,))]
    if found:
        yield from found
        return
    shorter = [tag for tag in known if f"{asked.lower()}-".startswith(f"{tag.lower()}-")]
    if shorter:
        yield max(shorter, key=len)


def languages_of(texts: Iterable[Mapping[str, str]], languages: tuple[str, ...]) -> tuple[str, ...]:
    """Return the languages in which names are written, the main one first."""
    first = asked_languages(languages)[:1]
    found: dict[str, None] = {}
    for entry in texts:
        match = best_match(entry, asked_languages(languages))
        for tag in [*(match[:1] if match else ()), *wanted_texts(entry, languages)]:
            found[tag] = None
    ordered = sorted(found, key=lambda tag: not _matches(tag, first))
    return tuple(ordered) or (DEFAULT_LANGUAGE,)


def _matches(tag: str, languages: tuple[str, ...]) -> bool:
    lowered = tag.lower()
    return any(
        lowered == asked.lower() or lowered.startswith(f"{asked.lower()}-") for asked in languages
    )
