"""Numbers of workbook cells as texts: the digits that a person typed, without binary noise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache

SIGNIFICANT_DIGITS = 15
"""What a cell can hold: spreadsheets compute and show 15 significant decimal digits."""

_CONTEXT = Context(prec=SIGNIFICANT_DIGITS, Emax=400, Emin=-400)
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.')
_BRACKETED = re.compile(r"\[[^\]]*\]")
_SECOND_PARTS = re.compile(r"s[.,]?0+", re.IGNORECASE)
_PLACEHOLDERS = re.compile(r"[0#?][0#?,]*(?:\.([0#?]*))?(,*)")


def lexical_number(stored: str) -> str:
    """Return the decimal text of a stored number, by its 15 significant digits, without an exponent.

    Workbooks hold binary floats written with up to 17 digits; the first 15 are what was typed.

    >>> lexical_number("99.478999999999999"), lexical_number("1.2E-2"), lexical_number("680")
    ('99.479', '0.012', '680')

    Raises:
        ValueError: `stored` is no finite number, or has more integer digits than a cell can hold.
    """
    try:
        number = Decimal(stored.strip())
    except InvalidOperation as error:
        raise ValueError(f"{stored!r} is no number") from error
    if not number.is_finite():
        raise ValueError(f"{stored!r} is no finite number")
    if number.adjusted() >= SIGNIFICANT_DIGITS or number.adjusted() < -2 * SIGNIFICANT_DIGITS:
        if not number:
            return "0"
        raise ValueError(f"{stored!r} has more digits than a workbook cell can hold")
    text = format(_CONTEXT.plus(number), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


@dataclass(frozen=True)
class NumberFormat:
    """What a number format says of the values under it."""

    decimals: int | None = None
    """Decimals that are always shown; None where the format fixes none (`General`, `0.0##`)."""
    is_date: bool = False
    is_percent: bool = False
    is_scaled: bool = False
    """True where a trailing comma hides thousands."""


@lru_cache(maxsize=1024)
def parse_number_format(code: str) -> NumberFormat:
    """Return what a number format code (ECMA-376 Part 1, 18.8.31) says.

    >>> parse_number_format("#,##0.000").decimals, parse_number_format("General").decimals
    (3, None)
    """
    section = _QUOTED.sub("", code).split(";")[0]
    plain = _BRACKETED.sub("", section)
    if plain.strip().lower() in {"general", "@", ""}:
        return NumberFormat()
    # Parts of a second are the only digits that a date may show: `mm:ss.0`.
    dated = _SECOND_PARTS.sub("s", plain)
    if re.search(r"[ymdhs]", dated, re.IGNORECASE) and not re.search(r"[0#?]", dated):
        return NumberFormat(is_date=True)
    placeholders = _PLACEHOLDERS.search(plain)
    if placeholders is None or "E+" in plain.upper() or "E-" in plain.upper() or "/" in plain:
        return NumberFormat()
    fraction = placeholders[1] or ""
    return NumberFormat(
        decimals=len(fraction) if set(fraction) <= {"0"} else None,
        is_percent="%" in plain,
        is_scaled=bool(placeholders[2]) or placeholders[0].endswith(","),
    )


def day_of(stored: str, *, is_1904: bool = False) -> date | None:
    """Return the day that a stored number stands for under a date format, None where it is none.

    ECMA-376 Part 1, 18.17.4.1: days count from the last of 1899, with a 29 February 1900 that never was; from
    1904 in workbooks that say so.

    >>> day_of("45292"), day_of("43830", is_1904=True)
    (datetime.date(2024, 1, 1), datetime.date(2024, 1, 1))
    """
    try:
        days = int(Decimal(stored))
        epoch = date(1904, 1, 1) if is_1904 else date(1899, 12, 31 if days < _LEAP_DAY else 30)
        return epoch + timedelta(days=days)
    except (ArithmeticError, ValueError):
        return None


_LEAP_DAY = 60
"""The number of 29 February 1900."""


def decimals_of(value: str) -> int:
    """Return the number of decimals that a decimal text shows."""
    return len(value.partition(".")[2])


def padded(value: str, decimals: int | None) -> str:
    """Return the value with at least this many decimals; nothing is ever rounded.

    >>> padded("12", 1), padded("99.479", 1), padded("12", None)
    ('12.0', '99.479', '12')
    """
    missing = (decimals or 0) - decimals_of(value)
    if missing <= 0:
        return value
    return value + ("" if "." in value else ".") + "0" * missing


_PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([ ,.\u00a0\u202f'])\d{3})(?:\1\d{3})*")


@dataclass(frozen=True)
class TextNumber:
    """A text in a value cell, read as a number as far as that is certain."""

    value: str | None
    """The number where the text is one, None where it is not or can be read in two ways."""
    suggestions: tuple[str, ...] = ()


def read_text_number(text: str) -> TextNumber:
    """Return the number that a text writes, or what it may have meant.

    Only ASCII digits with a decimal point are certain: `1,234` is 1234 in one country and 1.234 in another.

    >>> read_text_number("99.479").value, read_text_number("1,234").suggestions
    ('99.479', ('1234', '1.234'))
    """
    stripped = "".join(_ascii_digit(c) for c in text.strip())
    negative = _negative(stripped)
    if negative is not None:
        # Brackets mean a negative figure to an accountant, and a footnote to others.
        return TextNumber(None, (negative,))
    if _PLAIN.fullmatch(stripped):
        value = stripped.removeprefix("+")
        # Digits of another script are rarely what the number format of the sheet expects.
        return TextNumber(value) if stripped == text.strip() else TextNumber(None, (value,))
    grouped = _GROUPED.fullmatch(stripped)
    if grouped:
        mark = grouped[1]
        joined = stripped.replace(mark, "")
        if mark == "," and stripped.count(mark) == 1:
            return TextNumber(None, (joined, stripped.replace(",", ".")))
        return TextNumber(None, (joined,))
    if re.fullmatch(r"[+-]?\d+,\d+", stripped):
        return TextNumber(None, (stripped.replace(",", "."),))
    inside = re.findall(r"\d[\d,]*(?:\.\d+)?", stripped)
    return TextNumber(None, (inside[0].replace(",", ""),) if len(inside) == 1 else ())


_NEGATIVE = re.compile(
    r"\((\d+(?:\.\d+)?)\)|[\u2212\u2013](\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)[-\u2212]"
)


def _negative(text: str) -> str | None:
    """Return the negative number that a text shows otherwise than with a hyphen in front."""
    found = _NEGATIVE.fullmatch(text)
    return None if found is None else "-" + next(part for part in found.groups() if part)


def _ascii_digit(character: str) -> str:
    return str(int(character)) if character.isdecimal() else character
