"""From the labels that people write to codes: exact and alias matches apply, near ones are only suggested."""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from codelists.item_scheme import Code
from converters.profile import BILINGUAL

ALIAS_FOLDER = Path(__file__).parent / "aliases"
_ANY_LIST = "any-list"
_BY_ANNOTATION = "@"
_APOSTROPHES = frozenset("'`\u2018\u2019\u02bc\u00b4")
_LATIN_MARKS = range(0x0300, 0x0370)
_BRACKETED_CODE = re.compile(r"(.*)\[([A-Za-z0-9_@$-]+)\]", re.DOTALL)
_LEADING_CODE = re.compile(r"([A-Za-z0-9_@$-]+) [-\u2013:] .*", re.DOTALL)


@lru_cache(maxsize=1 << 16)
def fold(text: str) -> str:
    """Return what of a label counts for matching: case, accents and punctuation do not.

    Accents are folded in Latin script only: in Thai, Lao, Khmer and Burmese the marks are the vowels.

    >>> fold("Lao P.D.R."), fold("VIỆT NAM"), fold("Côte d'Ivoire")
    ('lao p d r', 'viet nam', 'cote divoire')
    """
    kept = []
    # Folding case can undo a decomposition and the other way round (Unicode 16, 3.13, D146).
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    for character in unicodedata.normalize("NFKD", plain.casefold()):
        if character in _APOSTROPHES or ord(character) in _LATIN_MARKS:
            continue
        category = unicodedata.category(character)
        if category == "Cf":
            continue
        kept.append(_LETTERS.get(character, character) if category[0] in "LNM" else " ")
    return " ".join("".join(kept).split())


_LETTERS = {"đ": "d", "ø": "o", "ł": "l", "\u0131": "i", "æ": "ae", "œ": "oe"}
"""Latin letters that Unicode does not decompose."""


class Captions:
    """Texts by which a line or heading is known, in one language or in several side by side."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._known = frozenset(fold(text) for text in texts)

    def __contains__(self, text: str) -> bool:
        """Tell whether a text is one of these captions."""
        if not text:
            return False
        parts = text.split(BILINGUAL)
        return fold(text) in self._known or all(fold(part) in self._known for part in parts)


class Alias(NamedTuple):
    """A label that is no name of the code list."""

    code: str
    label: str
    language: str
    remark: str
    warning: str


def read_aliases(codelist_id: str, folder: Path = ALIAS_FOLDER) -> Iterator[Alias]:
    """Yield the aliases of a code list, and those of any list (code `@IS_TOTAL`: the codes so annotated).

    A file is named by its code list and has the columns label, code, language, remark, warning.
    """
    for stem in (codelist_id, _ANY_LIST):
        path = folder / f"{stem}.csv"
        if not path.exists():
            continue
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                yield Alias(
                    row["code"], row["label"], row["language"], row["remark"], row["warning"]
                )


@dataclass(frozen=True)
class Match:
    """What a label was found to be."""

    code: str | None
    """The code; None where the label is none, or could be several."""
    candidates: tuple[str, ...] = ()
    """The codes that it could be, where it could be several."""
    warning: str = ""
    """What is doubtful about a match that applies all the same."""

    @property
    def possible(self) -> set[str]:
        """The codes that the label is, or could be."""
        return {self.code} if self.code is not None else set(self.candidates)


class LabelIndex:
    """Labels of some codes in every language, with their aliases."""

    def __init__(
        self, codes: Iterable[Code], codelist_id: str = "", folder: Path = ALIAS_FOLDER
    ) -> None:
        self._codes = {code.id: code for code in codes}
        self._by_label: dict[str, dict[str, str]] = {}
        for code in self._codes.values():
            for text in {code.name or code.id, *code.names.values()}:
                self._add(text, code.id)
        for alias in read_aliases(codelist_id, folder):
            for id in self._targets(alias.code):
                self._add(alias.label, id, alias.warning)

    def _targets(self, code: str) -> list[str]:
        if code.startswith(_BY_ANNOTATION):
            annotation = code.removeprefix(_BY_ANNOTATION)
            return [c.id for c in self._codes.values() if c.annotation_value(annotation) == "Y"]
        return [code] if code in self._codes else []

    def _add(self, text: str, code: str, warning: str = "") -> None:
        self._by_label.setdefault(fold(text), {}).setdefault(code, warning)

    def match(self, text: str) -> Match:
        """Return the code of a label: its id, a name in any language, an alias, or `name [id]`."""
        stripped = text.strip()
        if stripped in self._codes:
            return Match(stripped)
        bracketed = _BRACKETED_CODE.fullmatch(stripped)
        if bracketed and bracketed[2] in self._codes:
            return Match(bracketed[2])
        found = self._by_label.get(fold(stripped), {})
        if len(found) == 1:
            code, warning = next(iter(found.items()))
            return Match(code, warning=warning)
        if found:
            return Match(None, candidates=tuple(sorted(found)))
        return self._match_parts(stripped)

    def _match_parts(self, text: str) -> Match:
        leading = _LEADING_CODE.fullmatch(text)
        if leading and leading[1] in self._codes:
            return Match(leading[1])
        parts = text.split(BILINGUAL)
        for cut in range(1, len(parts)):
            first = self.match(BILINGUAL.join(parts[:cut]))
            rest = self.match(BILINGUAL.join(parts[cut:]))
            shared = first.possible & rest.possible
            if len(shared) == 1:
                return Match(shared.pop(), warning=first.warning)
            if shared:
                return Match(None, candidates=tuple(sorted(shared)))
        return Match(None)

    def nearest(self, text: str) -> str | None:
        """Return the code whose label is most like this text; a suggestion, never a match."""
        close = difflib.get_close_matches(fold(text), self._by_label, n=1, cutoff=0.6)
        return next(iter(self._by_label[close[0]])) if close else None

    def name(self, code: str) -> str:
        """Return the English name of a code."""
        return self._codes[code].label()


class LabelIndexes:
    """Label indexes made once for the sheets of a workbook."""

    def __init__(self, folder: Path = ALIAS_FOLDER) -> None:
        self._folder = folder
        self._made: dict[tuple[str, tuple[str, ...]], LabelIndex] = {}

    def of(self, codes: Iterable[Code], codelist_id: str = "") -> LabelIndex:
        """Return the index of these codes, with the aliases of their list."""
        found = tuple(codes)
        key = (codelist_id, tuple(code.id for code in found))
        if key not in self._made:
            self._made[key] = LabelIndex(found, codelist_id, self._folder)
        return self._made[key]


def unique_labels(codes: Iterable[Code], labels: Mapping[str, str]) -> dict[str, str]:
    """Return code id to label, `label [id]` where two codes would look alike."""
    ids = [code.id for code in codes]
    folded = [fold(labels[id]) for id in ids]
    repeated = {text for text in folded if folded.count(text) > 1}
    return {
        id: f"{labels[id]} [{id}]" if text in repeated else labels[id]
        for id, text in zip(ids, folded, strict=True)
    }
