"""Which versions of an artefact a query asks for.

SDMX-REST 2.2.2, doc/querying_versions.md; SDMX-REST 1.5.0, 4.3 "Structural metadata queries".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from codelists.version import Version, VersionSyntaxError, parse_version
from service.query.errors import QuerySyntaxError
from service.query.grammar import Grammar


class Choice(StrEnum):
    """What is taken of the versions that a pattern matches."""

    EXACT = "="
    LATEST_STABLE = "+"
    LATEST = "~"
    ALL = "*"
    IN_PRODUCTION = "latest"
    """The latest that is no draft, two-part versions too. The `latest` of SDMX-REST 1.5."""


@dataclass(frozen=True)
class VersionPattern:
    """One alternative of a version query.

    A version matches where it has `parts` parts (None: any number), its first `fixed` numbers equal those
    of `minimum`, and its numbers are not below `minimum`.
    """

    choice: Choice
    text: str
    """In the shortest of its equivalent spellings."""
    parts: int | None = None
    fixed: int = 0
    minimum: tuple[int, ...] = ()

    def select(self, versions: Iterable[Version]) -> list[Version]:
        """Return the versions that match, ascending; at most one unless all are asked for."""
        found = sorted(version for version in versions if self.matches(version))
        return found if self.choice in (Choice.ALL, Choice.EXACT) else found[-1:]

    def matches(self, version: Version) -> bool:
        """Tell whether a version is a candidate, leaving aside which of several is the latest."""
        if self.choice is Choice.EXACT:
            return version[:3] == parse_version(self.text)[:3]
        if self.choice is Choice.IN_PRODUCTION:
            return version.release
        if self.choice is Choice.LATEST_STABLE and not version.is_stable:
            return False
        return (
            self.parts in (None, len(version.numbers))
            and version.numbers[: self.fixed] == self.minimum[: self.fixed]
            and version.numbers >= self.minimum
        )


@dataclass(frozen=True)
class VersionQuery:
    """Alternatives, any of which may match."""

    patterns: tuple[VersionPattern, ...]

    def select(self, versions: Iterable[str]) -> list[str]:
        """Return the versions asked for, ascending and each once.

        >>> parse_version_query("~").select(["1.0.0", "2.0.0-draft"])
        ['2.0.0-draft']
        >>> parse_version_query("+,1.2.1*").select(["1.2.1-rc", "1.2.3", "3.0.0", "4.0.0-x"])
        ['1.2.1-rc', '1.2.3', '3.0.0']
        """
        known = [parse_version(text) for text in versions]
        found = {entry for pattern in self.patterns for entry in pattern.select(known)}
        return [version.text for version in sorted(found)]

    @property
    def canonical(self) -> str:
        """The alternatives in the shortest spelling, sorted; equal for equivalent queries."""
        return ",".join(sorted({pattern.text for pattern in self.patterns}))


ALL_VERSIONS = VersionQuery((VersionPattern(Choice.ALL, "*"),))
LATEST_VERSION = VersionQuery((VersionPattern(Choice.LATEST, "~"),))
LATEST_STABLE_VERSION = VersionQuery((VersionPattern(Choice.LATEST_STABLE, "+", 3, 0, (1, 0, 0)),))
LATEST_IN_PRODUCTION = VersionQuery((VersionPattern(Choice.IN_PRODUCTION, "latest"),))

_WILDCARDS = {"+": Choice.LATEST_STABLE, "~": Choice.LATEST, "*": Choice.ALL}
_PART = re.compile(r"(?P<number>\d{1,9})?(?P<wildcard>[+~*])?", re.ASCII)
_EXACT = re.compile(r"\d{1,9}(\.\d{1,9}){0,2}(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?", re.ASCII)
_HOW = "write a version (1.0.0), + (latest stable), ~ (latest), * (all) or one with a wildcard, as in 1.0+.0"


def parse_version_query(text: str, grammar: Grammar = Grammar.V2) -> VersionQuery:
    """Return the version query that `text` writes, already percent-decoded.

    Both lines know `latest` and `all`, and 1.5 knows `*`: clients mix them up, and neither can be a version. The text of
    1.5 writes them in capitals too (4.4, "flowRef" and examples).

    Raises:
        QuerySyntaxError: a pattern that the standard does not have; names it.
    """
    if grammar is Grammar.V1:
        return VersionQuery(tuple(_v1_pattern(part, text) for part in text.split("+")))
    return VersionQuery(tuple(_pattern(part, text) for part in text.split(",")))


def _v1_pattern(text: str, whole: str) -> VersionPattern:
    known = _keyword(text)
    if known is not None:
        return known
    if _EXACT.fullmatch(text) is None:
        raise QuerySyntaxError(
            f"version {whole!r}: {text!r} is none; write 1.0, latest or all, several as 1.0+2.0"
        )
    return _exact(text, whole)


def _keyword(text: str) -> VersionPattern | None:
    if text in ("latest", "LATEST"):
        return LATEST_IN_PRODUCTION.patterns[0]
    return ALL_VERSIONS.patterns[0] if text in ("all", "ALL", "*") else None


def _exact(text: str, whole: str) -> VersionPattern:
    try:
        version = parse_version(text)
    except VersionSyntaxError as error:
        raise QuerySyntaxError(f"version {whole!r}: {error}") from error
    numbers = ".".join(str(number) for number in version.numbers)
    _, dash, extension = text.partition("-")
    return VersionPattern(Choice.EXACT, f"{numbers}{dash}{extension}")


def _pattern(text: str, whole: str) -> VersionPattern:
    known = _keyword(text)
    if known is not None:
        return known
    if _EXACT.fullmatch(text) is not None:
        return _exact(text, whole)
    parts = [match for part in text.split(".") if (match := _PART.fullmatch(part)) and match[0]]
    wild = [place for place, part in enumerate(parts) if part["wildcard"]]
    if len(parts) != text.count(".") + 1 or len(parts) > 3 or not wild:
        raise QuerySyntaxError(f"version {whole!r}: {text!r} is none; {_HOW}")
    if len(wild) > 1:
        raise QuerySyntaxError(f"version {whole!r}: {text!r} has more than one wildcard; {_HOW}")
    numbers = [part["number"] for part in parts]
    return _wildcard(text, whole, parts[wild[0]]["wildcard"], wild[0], numbers)


def _wildcard(
    text: str, whole: str, symbol: str, at: int, numbers: list[str | None]
) -> VersionPattern:
    """Return the pattern of a version with one wildcard, in part number `at`."""
    choice = _WILDCARDS[symbol]
    if len(numbers) == 1:
        if numbers[0] is not None:
            raise QuerySyntaxError(
                f"version {whole!r}: {text!r} has a wildcard on a version of one part; {_HOW}"
            )
        if choice is Choice.LATEST:
            return LATEST_VERSION.patterns[0]
        return LATEST_STABLE_VERSION.patterns[0]
    if numbers[at] is None and any(int(number or 0) for number in numbers[at + 1 :]):
        raise QuerySyntaxError(
            f"version {whole!r}: {text!r} has a number after a wildcard that takes any; only 0 may follow"
        )
    minimum = tuple(int(number or 0) for number in numbers)
    if choice is Choice.LATEST_STABLE:
        minimum = _stable_minimum(text, whole, at, numbers, minimum)
        if at == 0 and minimum == (1, 0, 0):
            return LATEST_STABLE_VERSION.patterns[0]
    spelled = ".".join(
        f"{number}{symbol if position == at else ''}" for position, number in enumerate(minimum)
    )
    return VersionPattern(choice, spelled, len(minimum), at, minimum)


def _stable_minimum(
    text: str, whole: str, at: int, numbers: list[str | None], minimum: tuple[int, ...]
) -> tuple[int, ...]:
    if len(minimum) != 3:
        raise QuerySyntaxError(
            f"version {whole!r}: {text!r}: + finds stable versions, which have three parts, as in 1+.0.0"
        )
    if at == 0 and numbers[0] is None:
        return (1, 0, 0)
    if minimum[0] == 0:
        raise QuerySyntaxError(
            f"version {whole!r}: {text!r}: + finds stable versions, which begin with 1.0.0; "
            "for drafts write ~"
        )
    return minimum
