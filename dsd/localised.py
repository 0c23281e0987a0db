"""Texts in several languages as values of a component (SDMX 3.1 Section 3, `Comp` with `com:Text`; 3.x `isMultiLingual`).

A batch holds such a value as one text, so that all rooms treat it as they treat any other: for each language, in the
order of the tags, U+001E, the tag, U+001F and the text. No XML document can hold these characters, so that no text that a
component takes can be mistaken for it; readers of other formats refuse them. A text in English alone is the plain text:
the language of a text that names none is English (`xml:lang`, SDMX 3.1 Section 3, `TextType`).

Only components whose text format says `isMultiLingual` have such values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from codelists.text import DEFAULT_LANGUAGE
from dsd.resolved import Dsd, ResolvedComponent

TAG_MARK = "\x1e"
TEXT_MARK = "\x1f"

_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")


def is_language_tag(text: str) -> bool:
    """Tell whether a text can name a language (xs:language)."""
    return _TAG.fullmatch(text) is not None


def compose(texts: Mapping[str, str]) -> str:
    """Return texts by language as the value of a batch.

    Raises:
        ValueError: there is no text, a tag names no language, or a text holds one of the marks.

    >>> compose({"en": "Total"})
    'Total'
    """
    if not texts:
        raise ValueError("a text in languages has at least one language")
    for tag, text in texts.items():
        if not is_language_tag(tag):
            raise ValueError(f"{tag!r} names no language")
        if has_marks(text):
            raise ValueError(f"the text in {tag} holds a control character (U+001E or U+001F)")
    if texts.keys() == {DEFAULT_LANGUAGE}:
        return texts[DEFAULT_LANGUAGE]
    return "".join(f"{TAG_MARK}{tag}{TEXT_MARK}{texts[tag]}" for tag in sorted(texts))


def has_marks(text: str) -> bool:
    """Tell whether a text holds a character that only texts in languages have."""
    return TAG_MARK in text or TEXT_MARK in text


def is_localised(value: str) -> bool:
    """Tell whether the value of a component that takes languages says them: it is not in English alone."""
    return value.startswith(TAG_MARK)


def parse(value: str) -> dict[str, str]:
    """Return the texts of a value by language; that of a plain text is English.

    >>> parse(compose({"fr": "Total", "en": "All"}))
    {'en': 'All', 'fr': 'Total'}
    """
    if not is_localised(value):
        return {DEFAULT_LANGUAGE: value}
    parts = (part.partition(TEXT_MARK) for part in value[1:].split(TAG_MARK))
    return {tag: text for tag, _, text in parts}


def readable(value: str) -> str:
    """Return a value as a person reads it, the way of SDMX-CSV 2.1.

    >>> readable(compose({"fr": "Total", "en": "All"}))
    'en:All;fr:Total'
    """
    if not is_localised(value):
        return value
    return ";".join(f"{tag}:{text}" for tag, text in parse(value).items())


def takes_languages(component: ResolvedComponent) -> bool:
    """Tell whether the values of a component may be texts in languages."""
    return bool(component.text_format and component.text_format.is_multi_lingual)


def components_with_languages(dsd: Dsd) -> tuple[ResolvedComponent, ...]:
    """Return the components whose values may be texts in languages."""
    return tuple(component for component in dsd.components if takes_languages(component))
