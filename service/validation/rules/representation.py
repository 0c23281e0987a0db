"""Uncoded values: of the data type, and within the facets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation

from codelists.representation import TextFormat
from dsd.finding import Finding, Severity
from dsd.localised import is_localised, parse, readable, takes_languages
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.time_period import PeriodSyntaxError, parse_period
from service.validation.rows import Rows
from service.validation.rule import Context, Rule, RuleInfo

_INTEGER = r"[+-]?\d+"
_DECIMAL = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
_DOUBLE = rf"{_DECIMAL}(?:[eE][+-]?\d+)?|NaN|[+-]?INF"
_PERIOD_TYPES = frozenset(
    {
        "ObservationalTimePeriod",
        "StandardTimePeriod",
        "BasicTimePeriod",
        "GregorianTimePeriod",
        "ReportingTimePeriod",
    }
)
# SDMX 3.1 Section 6, 4.1.1 "Data types"; a type that is not here takes any text.
_PATTERNS = {
    name: re.compile(pattern, re.ASCII)
    for names, pattern in (
        (("Integer", "BigInteger", "Long", "Short", "Count"), _INTEGER),
        (("Decimal", "InclusiveValueRange", "ExclusiveValueRange", "Incremental"), _DECIMAL),
        (("Float", "Double"), _DOUBLE),
        (("Boolean",), "true|false|0|1"),
        (("Numeric",), r"\d+"),
        (("Alpha",), "[A-Za-z]+"),
        (("AlphaNumeric",), "[A-Za-z0-9]+"),
    )
    for name in names
}
_LIMITS = {"Long": 63, "Short": 15}
_NUMERIC = frozenset(_PATTERNS) - {"Boolean", "Alpha", "AlphaNumeric"}
_IN_WORDS = {
    "Decimal": "a number such as 12.5",
    "Double": "a number such as 12.5",
    "Float": "a number such as 12.5",
    "Boolean": "true or false",
    "Alpha": "letters only",
    "AlphaNumeric": "letters and digits only",
    "Numeric": "digits only",
}


def _is_uncoded(component: ResolvedComponent) -> bool:
    return (
        component.codelist is None
        and component.role is not Role.TIME
        and component.text_format is not None
    )


class _TextRule(Rule):
    """What both rules share: a question on each distinct value of the uncoded components."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._questions = [
            (component, question)
            for component in context.dsd.components
            if _is_uncoded(component) and (question := self._question(component)) is not None
        ]

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether the structure has uncoded components."""
        return any(_is_uncoded(component) for component in dsd.components)

    @classmethod
    def question(cls, text_format: TextFormat) -> Callable[[str], str | None] | None:
        """Return the function that says what is wrong with a value; None where there is nothing to ask."""
        raise NotImplementedError

    @classmethod
    def _question(cls, component: ResolvedComponent) -> Callable[[str], str | None] | None:
        """Return the question on a value as the batch holds it: on the text in each language."""
        ask = cls.question(component.text_format or TextFormat())
        if ask is None or not takes_languages(component):
            return ask

        def wrong(value: str) -> str | None:
            if not is_localised(value):
                return ask(value)
            said = ((tag, ask(text)) for tag, text in parse(value).items())
            return next((f"in {tag} {found}" for tag, found in said if found), None)

        return wrong

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Look at the distinct values of a batch."""
        for component, question in self._questions:
            for value, row in rows.with_values(component.id, lambda v, q=question: bool(q(v))):  # type: ignore[misc]
                shown = readable(value) if takes_languages(component) else value
                yield self.finding(
                    f"{component.id} {shown!r} {question(value)}.",
                    row=row,
                    component=component.id,
                    value=shown,
                    suggestion=_as_number(value, component),
                )


class WrongType(_TextRule):
    """A text where a number belongs, and the like."""

    info = RuleInfo(
        id="wrong-type",
        severity=Severity.FATAL,
        title="A value is not of the data type of its component",
        reference="SDMX 3.1 Section 6, 4.1.1 (data types); ILMS R-04",
        why="It cannot be read: a figure with a thousands separator or a footnote mark is no number.",
        mend="Write numbers with digits and a point only; put marks and words into the notes.",
    )

    @classmethod
    def question(cls, text_format: TextFormat) -> Callable[[str], str | None] | None:
        """Return the question on the data type."""
        name = text_format.data_type or "String"
        pattern = _PATTERNS.get(name)
        if pattern is None:
            return _period_question if name in _PERIOD_TYPES else None
        bits = _LIMITS.get(name)
        words = _IN_WORDS.get(name, "a whole number")

        def wrong(value: str) -> str | None:
            if not pattern.fullmatch(value):
                return f"is not {words} ({name})"
            if bits is not None and not -(2**bits) <= int(value) < 2**bits:
                return f"is too large for {name}"
            return None

        return wrong


class FacetViolated(_TextRule):
    """A value of the right type that is too long, too small, too precise or of the wrong pattern."""

    info = RuleInfo(
        id="facet-violated",
        severity=Severity.ERROR,
        title="A value is outside what its component allows",
        reference="SDMX 3.1 Section 6, 4.1.2 (facets: length, value, decimals, pattern)",
        why="Receivers that check the structure refuse the whole message.",
        mend="Bring the value within the bounds that the message names.",
    )

    @classmethod
    def question(cls, text_format: TextFormat) -> Callable[[str], str | None] | None:
        """Return the question on all facets that are set."""
        questions = [*_length_questions(text_format), *_number_questions(text_format)]
        if text_format.pattern is not None:
            questions.append(_pattern_question(text_format.pattern))
        if not questions:
            return None
        return lambda value: next((said for ask in questions if (said := ask(value))), None)


def _period_question(value: str) -> str | None:
    try:
        parse_period(value)
    except PeriodSyntaxError:
        return "is no time period"
    return None


def _length_questions(facets: TextFormat) -> Iterator[Callable[[str], str | None]]:
    least, most = facets.min_length, facets.max_length
    if least is not None:
        yield lambda v: f"has less than {least} characters" if len(v) < least else None
    if most is not None:
        yield lambda v: f"has more than {most} characters" if len(v) > most else None


def _number_questions(facets: TextFormat) -> Iterator[Callable[[str], str | None]]:
    least, most, places = facets.min_value, facets.max_value, facets.decimals
    if least is not None:
        bound = Decimal(repr(least))
        yield (
            lambda v: (
                f"is less than {bound}" if (n := _number(v)) is not None and n < bound else None
            )
        )
    if most is not None:
        top = Decimal(repr(most))
        yield lambda v: f"is more than {top}" if (n := _number(v)) is not None and n > top else None
    if places is not None:
        yield lambda v: f"has more decimals than {places}" if _places(v) > places else None


def _pattern_question(pattern: str) -> Callable[[str], str | None]:
    # XML Schema's \i and \c are the only escapes that Python's expressions lack.
    compiled = re.compile(pattern.replace(r"\i", "[A-Za-z_:]").replace(r"\c", r"[\w.:-]"))
    return lambda v: None if compiled.fullmatch(v) else f"does not match the pattern {pattern}"


def _number(text: str) -> Decimal | None:
    """Return a finite number, None for a text that is none."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _places(text: str) -> int:
    number = _number(text)
    exponent = number.as_tuple().exponent if number is not None else 0
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _as_number(value: str, component: ResolvedComponent) -> str | None:
    """Return the number that a text means, where only blanks or commas between digits are in the way."""
    name = component.text_format.data_type if component.text_format else None
    if name not in _NUMERIC or not re.fullmatch(
        r"[+-]?\d{1,3}(?:[ ,\u00a0\u202f]\d{3})+(?:\.\d+)?", value
    ):
        return None
    return re.sub("[ ,\u00a0\u202f]", "", value)
