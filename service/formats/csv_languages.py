"""Texts in languages in a cell of SDMX-CSV 2.x. Data message field guide, "Non-coded multi-lingual components".

A cell under `ID[en;fr]` is `en:Value;fr:Valeur`. Of a component with several values each is a set in quotation marks:
`"en:V1;fr:W1";"en:V2"`. What holds the separator stands in quotation marks of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from codelists.text import DEFAULT_LANGUAGE
from dsd.localised import parse

_SEPARATOR = ";"
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


def written(value: str) -> str:
    r"""Return the texts of one value.

    >>> written("\x1een\x1fOne; two\x1efr\x1fUn")
    '"en:One; two";fr:Un'
    """
    pieces = (f"{tag}:{text}" for tag, text in parse(value).items())
    return _SEPARATOR.join(_marked(piece) if _SEPARATOR in piece else piece for piece in pieces)


def written_sets(values: Iterable[str]) -> str:
    r"""Return several values.

    >>> written_sets(["\x1een\x1fOne\x1efr\x1fUn", "plain"])
    '"en:One;fr:Un";"en:plain"'
    """
    return _SEPARATOR.join(_marked(written(value)) for value in values)


def _marked(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@dataclass
class LanguageCells:
    """Reads the cells of one column."""

    languages: tuple[str, ...]
    """Those of the header."""
    separator: str
    says: str = ""
    """What was not as the guide has it, of any cell up to now."""

    def one(self, cell: str) -> dict[str, str]:
        """Return the texts of a cell that holds one value."""
        pieces = [text for text, _ in self._pieces(cell)] or [f"{self.languages[0]}:"]
        texts = self._texts(pieces)
        if texts is None:
            self.says = "Of two texts in one language the first was read"
            return self._first(pieces)
        return texts

    def several(self, cell: str) -> list[dict[str, str]]:
        """Return the texts of a cell that holds several values; those without quotation marks are one."""
        found: list[dict[str, str]] = []
        loose: list[str] = []
        for text, is_quoted in self._pieces(cell):
            if is_quoted:
                found += self._loose(loose)
                loose = []
                found.append(self.one(text))
            else:
                loose.append(text)
        return found + self._loose(loose)

    def _loose(self, pieces: list[str]) -> list[dict[str, str]]:
        """Return the values of pieces without quotation marks: a language that comes again begins another."""
        if not pieces:
            return []
        texts = self._texts(pieces)
        if texts is not None:
            return [texts]
        return [self._first([piece]) for piece in pieces]

    def _texts(self, pieces: Sequence[str]) -> dict[str, str] | None:
        """Return texts by language; None where a language comes twice."""
        found: dict[str, str] = {}
        last: str | None = None
        for piece in pieces:
            tag = self._tag(piece)
            if tag is None:
                self.says = (
                    f"{piece!r} was read with the text before it, or as English where none is"
                )
                last = last or DEFAULT_LANGUAGE
                found[last] = f"{found[last]}{self.separator}{piece}" if last in found else piece
                continue
            if tag in found:
                return None
            last = tag
            found[tag] = piece[len(tag) + 1 :]
        return found

    def _first(self, pieces: Sequence[str]) -> dict[str, str]:
        """Return the first text of each language."""
        found: dict[str, str] = {}
        for piece in pieces:
            tag = self._tag(piece)
            text = piece if tag is None else piece[len(tag) + 1 :]
            found.setdefault(tag or DEFAULT_LANGUAGE, text)
        return found

    def _tag(self, piece: str) -> str | None:
        tag = piece.partition(":")[0]
        return tag if ":" in piece and tag in self.languages else None

    def _pieces(self, cell: str) -> list[tuple[str, bool]]:
        """Return what stands between separators, and whether it is in quotation marks."""
        found: list[tuple[str, bool]] = []
        position = 0
        while position <= len(cell):
            quoted = _QUOTED.match(cell, position)
            if quoted and cell[quoted.end() : quoted.end() + 1] in ("", self.separator):
                found.append((quoted[1].replace('""', '"'), True))
                position = quoted.end() + 1
                continue
            end = cell.find(self.separator, position)
            end = len(cell) if end < 0 else end
            if end > position:
                found.append((cell[position:end], False))
            position = end + 1
        return found
