"""Labels: names in every language and aliases match, near ones are only suggested."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codelists.item_scheme import Code, Codelist
from converters.label import ALIAS_FOLDER, LabelIndex, fold, read_aliases, unique_labels


def codelist(structures, id):
    return structures.get(
        f"urn:sdmx:org.sdmx.infomodel.codelist.Codelist=ILMS:{id}(1.0.0)", Codelist
    )


@pytest.fixture(scope="module")
def counterparts(structures):
    found = codelist(structures, "CL_COUNTERPART")
    return LabelIndex(found.codes, found.id)


@given(st.text())
@settings(deadline=None)
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(max_codepoint=0x24F)))
@settings(deadline=None)
def test_case_and_spaces_do_not_count(text):
    assert fold(f"  {text.upper()} ") == fold(text.upper().lower())


@given(st.text())
@settings(deadline=None)
def test_composed_and_decomposed_texts_are_one(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    "words", [("ลาว", "ลิว"), ("ខ្មែរ", "ខមរ"), ("မြန်မာ", "မန်မာ"), ("ລາວ", "ລິວ")]
)
def test_vowel_signs_count_in_scripts_where_they_are_vowels(words):
    first, second = words
    assert fold(first) != fold(second)


def test_every_name_of_every_code_is_its_code_or_could_be_several(structures):
    wrong = []
    for found in structures.of_type(Codelist):
        index = LabelIndex(found.codes, found.id)
        for code in found.codes:
            for text in {code.name, *code.names.values()} - {None}:
                match = index.match(text)
                if match.code != code.id and code.id not in match.candidates and match.code is None:
                    wrong.append((found.id, code.id, text))
    assert wrong == []


@pytest.mark.parametrize("stem", sorted(p.stem for p in ALIAS_FOLDER.glob("CL_*.csv")))
def test_aliases_name_codes_that_there_are_and_no_other_codes_name(structures, stem):
    found = codelist(structures, stem)
    codes = {code.id: code for code in found.codes}
    names = {}
    for code in found.codes:
        for text in {code.name, *code.names.values()} - {None}:
            names.setdefault(fold(text), set()).add(code.id)
    for alias in read_aliases(stem):
        if alias.code.startswith("@"):
            continue
        assert alias.code in codes, alias
        assert names.get(fold(alias.label), {alias.code}) == {alias.code}, alias
        assert alias.language, alias


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("VIET NAM", "VNM"),
        ("Lao People's Dem. Rep.", "LAO"),
        ("ພະມ້າ", None),
        ("Taiwan (China)", "TWN"),
        ("China", "CHN"),
        ("Hong Kong SAR, China", "HKG"),
        ("Rep. of Korea", "KOR"),
        ("Korea, Dem. People's Rep. of", None),
        ("Türkiye", "TUR"),
        ("U.A.E.", "ARE"),
        ("kapal pesiar", "SEA"),
        ("Tổng số", "TOTAL"),
        ("Total / Jumlah", "TOTAL"),
        ("Japan / Jepang", "JPN"),
        ("Japan / Malaysia", None),
        ("Japan [MYS]", "MYS"),
        ("MYS - Malaysia", "MYS"),
        ("Tawian", None),
    ],
)
def test_labels_of_countries(counterparts, label, code):
    assert counterparts.match(label).code == code


def test_bare_korea_is_the_republic_with_a_warning(counterparts):
    match = counterparts.match("Korea")
    assert match.code == "KOR"
    assert match.warning


def test_the_nearest_label_is_suggested(counterparts):
    assert counterparts.nearest("Tawian, China") == "TWN"
    assert counterparts.nearest("Philipines") == "PHL"
    assert counterparts.nearest("zzzzzz") is None


def test_a_label_of_two_codes_is_neither():
    codes = (Code(id="A", names={"en": "Other"}), Code(id="B", names={"en": "other!"}))
    match = LabelIndex(codes).match("OTHER")
    assert match.code is None
    assert match.candidates == ("A", "B")
    assert unique_labels(codes, {"A": "Other", "B": "other!"}) == {
        "A": "Other [A]",
        "B": "other! [B]",
    }
