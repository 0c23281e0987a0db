"""Texts joined by row, whatever their parts are, are what joining them in Python gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from service.formats.columns import Part, Pieces, content, joined, starting_where

texts = st.text(max_size=4)


@st.composite
def parts_and_rows(draw: st.DrawFn) -> tuple[list[Part], list[list[str]], int]:
    """Return parts, by part the text of each row, and the number of rows."""
    rows = draw(st.integers(0, 6))
    parts: list[Part] = []
    expected: list[list[str]] = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["plain", "pieces", "many", "array", "sliced", "heads"]))
        if kind == "many":
            # Too many for their combinations to be written out.
            few = [str(number) for number in range(60)]
            parts.append(Pieces(few, np.arange(rows)))
            expected.append(few[:rows])
        elif kind == "plain":
            text = draw(texts)
            parts.append(text)
            expected.append([text] * rows)
        elif kind == "pieces":
            few = draw(st.lists(texts, min_size=1, max_size=3))
            numbers = draw(st.lists(st.integers(0, len(few) - 1), min_size=rows, max_size=rows))
            parts.append(Pieces(few, np.array(numbers, np.int64)))
            expected.append([few[number] for number in numbers])
        elif kind == "heads":
            first = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
            heads = iter(draw(st.lists(texts, min_size=sum(first), max_size=sum(first))))
            own = [next(heads) if starts else "" for starts in first]
            given_heads = [text for text, starts in zip(own, first, strict=True) if starts]
            parts.append(
                starting_where(np.array(first, bool), pa.array(given_heads, pa.large_string()))
            )
            expected.append(own)
        else:
            own = draw(st.lists(texts, min_size=rows, max_size=rows))
            array = pa.array(["cut", *own] if kind == "sliced" else own, pa.large_string())
            parts.append(array.slice(1) if kind == "sliced" else array)
            expected.append(own)
    if all(isinstance(part, str) for part in parts):
        parts.append(pa.array([""] * rows, pa.large_string()))
        expected.append([""] * rows)
    return parts, expected, rows


@given(made=parts_and_rows())
def test_joined_texts_are_those_of_each_row(made: tuple[list[Part], list[list[str]], int]) -> None:
    parts, expected, rows = made
    found = joined(parts)
    found.validate(full=True)
    wanted: list[Any] = ["".join(column[row] for column in expected) for row in range(rows)]
    assert found.to_pylist() == wanted
    assert bytes(content(found)) == "".join(wanted).encode()


def test_a_row_without_a_text_in_a_part_has_none() -> None:
    parts: list[Part] = ["<", pa.array(["a", None], pa.large_string()), ">"]
    assert joined(parts).to_pylist() == ["<a>", None]
