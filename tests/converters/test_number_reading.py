"""The digits of a cell: what was typed comes back, without binary noise and without loss."""

from __future__ import annotations

import io
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.number import (
    decimals_of,
    lexical_number,
    padded,
    parse_number_format,
    read_text_number,
)
from converters.sheet_writer import UnwritableValueError, stored_number
from converters.workbook import read_workbook


@st.composite
def typed_numbers(draw):
    """Decimal texts of up to 15 significant digits, as a person types them."""
    digits = draw(st.integers(0, 10**15 - 1))
    places = draw(st.integers(0, 12))
    sign = draw(st.sampled_from(["", "-"])) if digits else ""
    number = Decimal(digits).scaleb(-places)
    return sign + format(number, "f")


def without_trailing_zeros(text):
    return text.rstrip("0").rstrip(".") if "." in text else text


@given(typed_numbers())
@settings(deadline=None)
def test_a_typed_number_comes_back_from_the_float_that_holds_it(text):
    assert lexical_number(repr(float(text))) == without_trailing_zeros(text)


@given(typed_numbers())
@settings(deadline=None)
def test_a_typed_number_comes_back_from_the_17_digits_that_excel_writes(text):
    assert lexical_number(f"{float(text):.17g}") == without_trailing_zeros(text)


@given(st.lists(typed_numbers(), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_numbers_that_openpyxl_writes_are_read_as_they_were_typed(texts):
    workbook = openpyxl.Workbook()
    for text in texts:
        workbook.active.append([float(text)])
    buffer = io.BytesIO()
    workbook.save(buffer)
    grid = read_workbook(buffer.getvalue()).sheets[0]
    assert [cell.text for cell in grid] == [without_trailing_zeros(text) for text in texts]


@given(typed_numbers())
@settings(deadline=None)
def test_a_value_goes_into_a_cell_and_back_with_its_zeros(text):
    stored = stored_number(text)
    assert padded(lexical_number(repr(stored)), decimals_of(text)) == text


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("99.478999999999999", "99.479"),
        ("0.30000000000000004", "0.3"),
        ("1E3", "1000"),
        ("1.5E-3", "0.0015"),
        ("-0", "0"),
        ("0.0", "0"),
        ("680.", "680"),
        (" 12 ", "12"),
    ],
)
def test_stored_numbers(stored, text):
    assert lexical_number(stored) == text


@pytest.mark.parametrize("stored", ["", "twelve", "NaN", "INF", "1E15", "123456789012345678"])
def test_what_is_no_number_of_a_cell_is_refused(stored):
    with pytest.raises(ValueError, match=r"."):
        lexical_number(stored)


@pytest.mark.parametrize("text", ["1234567890123456", "0.1234567890123456", "n/a", "NaN"])
def test_a_value_that_a_cell_would_change_is_not_written(text):
    with pytest.raises(UnwritableValueError):
        stored_number(text)


@pytest.mark.parametrize(
    ("code", "decimals"),
    [
        ("General", None),
        ("@", None),
        ("0", 0),
        ("#,##0", 0),
        ("0.0", 1),
        ("#,##0.000", 3),
        ("0.0##", None),
        ('#,##0.00" persons"', 2),
        ("[Red]-0.00;0.00", 2),
        ("[$-421]#,##0.0", 1),
        ("_-* #,##0.00_-;-* #,##0.00_-", 2),
        ("0.00E+00", None),
        ("# ?/?", None),
    ],
)
def test_decimals_of_a_number_format(code, decimals):
    shown = parse_number_format(code)
    assert (shown.decimals, shown.is_date, shown.is_percent, shown.is_scaled) == (
        decimals,
        False,
        False,
        False,
    )


@pytest.mark.parametrize(
    "code",
    ["mm:ss.0", "[$-D07041E]d mmm bbbb", "dd/mm/yyyy", "[$-F800]dddd, mmmm dd", "mmm-yy", "h:mm"],
)
def test_date_formats(code):
    assert parse_number_format(code).is_date


def test_percent_and_scaled_formats():
    assert parse_number_format("0.0%").is_percent
    assert parse_number_format("#,##0,").is_scaled
    assert parse_number_format("0.0,,").is_scaled


@pytest.mark.parametrize(
    ("text", "value", "suggestions"),
    [
        ("99.479", "99.479", ()),
        ("+12", "12", ()),
        ("-3.5", "-3.5", ()),
        ("1,234", None, ("1234", "1.234")),
        ("1.234.567", None, ("1234567",)),
        ("1 234 567", None, ("1234567",)),
        ("12,5", None, ("12.5",)),
        ("๑๒", None, ("12",)),
        ("5,676 (est.)", None, ("5676",)),
        ("(123.5)", None, ("-123.5",)),
        ("\u22125", None, ("-5",)),
        ("12-", None, ("-12",)),
        ("1.2E3", None, ()),
        ("12%", None, ("12",)),
        ("1 or 2", None, ()),
        ("none", None, ()),
    ],
)
def test_numbers_in_texts_are_taken_only_where_they_are_certain(text, value, suggestions):
    read = read_text_number(text)
    assert (read.value, read.suggestions) == (value, suggestions)
