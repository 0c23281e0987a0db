"""Texts in languages as one text of a batch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelists.base import Annotation, Link
from dsd.annotated import annotations_of, annotations_text
from dsd.localised import compose, is_localised, parse, readable

TAGS = st.from_regex(r"[a-z]{2,3}(-[A-Z]{2})?", fullmatch=True)
TEXTS = st.text().filter(lambda text: not {"\x1e", "\x1f"} & set(text))


@given(st.dictionaries(TAGS, TEXTS, min_size=1))
def test_what_is_composed_is_parsed(texts: dict[str, str]) -> None:
    value = compose(texts)
    assert parse(value) == texts
    assert list(parse(value)) == sorted(texts)
    assert is_localised(value) is (set(texts) != {"en"})
    assert compose(dict(reversed(texts.items()))) == value


@pytest.mark.parametrize("texts", [{}, {"": "x"}, {"e n": "x"}, {"en": "a\x1eb"}, {"fr": "\x1f"}])
def test_what_cannot_be_told_apart_is_refused(texts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"language|control"):
        compose(texts)


def test_a_plain_text_is_english() -> None:
    assert parse("Total") == {"en": "Total"}
    assert compose({"en": "Total"}) == "Total"
    assert readable("Total") == "Total"
    assert readable(compose({"en": "a", "fr": "b"})) == "en:a;fr:b"


def test_equal_annotations_give_equal_texts() -> None:
    first = Annotation(id="A", texts={"fr": "b", "en": "a"}, links=(Link(rel="x", href="u"),))
    second = Annotation(id="A", texts={"en": "a", "fr": "b"}, links=(Link(rel="x", href="u"),))
    assert annotations_text([first]) == annotations_text([second])
    assert annotations_of(annotations_text([first])) == (first,)
