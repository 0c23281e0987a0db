"""What can be wrong with a query. Nothing here knows HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class QuerySyntaxError(ValueError):
    """The query does not follow the grammar of its API line; says which part, what it holds, what is allowed."""


class SemanticError(Exception):
    """The query is well written but asks for something that the data structure does not have."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a half-sentence that names the known word most like `word`, or all of them.

    >>> nearest("startPerod", ("startPeriod", "detail"))
    'did you mean startPeriod?'
    >>> nearest("x", ("startPeriod", "detail"))
    'known are startPeriod, detail'
    """
    words = list(known)
    found = closest(word, words)
    return f"did you mean {found}?" if found else f"known are {', '.join(words)}"


def allowed(word: str, known: Iterable[str]) -> str:
    """Return a half-sentence that names all known words, the one most like `word` first.

    >>> allowed("ful", ("full", "raw"))
    'did you mean full? Allowed are full, raw'
    """
    words = list(known)
    found = closest(word, words)
    everything = f"llowed are {', '.join(words)}"
    return f"did you mean {found}? A{everything}" if found else f"a{everything}"


def closest(word: str, words: Iterable[str]) -> str | None:
    """Return the known word most like `word`, None where none is like it.

    >>> closest("startPerod", ("startPeriod", "detail"))
    'startPeriod'
    """
    by_folded = {candidate.casefold(): candidate for candidate in words}
    found = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.7)
    return by_folded[found[0]] if found else None
