"""Texts in several languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

DEFAULT_LANGUAGE = "en"
"""The language that every name of the built-in artefacts has, used where none of those asked for exists."""

LocalisedText = dict[str, str]
"""Texts by BCP 47 language tag. SDMX 3.1 Section 2, "InternationalString"."""


def best_match(texts: Mapping[str, str], languages: Iterable[str] = ()) -> tuple[str, str] | None:
    """Return (language, text) for the first language that can be served, None where there is no text.

    The lookup shortens each asked tag from the right until a text has it (RFC 4647, 3.4), then falls
    back to English, then to the first text.

    >>> best_match({"en": "Total", "fr": "Total"}, ["fr-CH"])
    ('fr', 'Total')
    """
    by_tag = {tag.lower(): tag for tag in texts}
    for asked in (*languages, DEFAULT_LANGUAGE):
        subtags = asked.lower().split("-")
        while subtags:
            tag = by_tag.get("-".join(subtags))
            if tag is not None:
                return tag, texts[tag]
            subtags.pop()
            if subtags and len(subtags[-1]) == 1:
                subtags.pop()
    return next(iter(texts.items()), None)
