"""The names of countries in the files agree with Babel and the reviewed table."""

from __future__ import annotations

import pytest

from codelists.country_names import REGION_LANGUAGES, overrides, region_names
from codelists.item_scheme import Code, Codelist
from codelists.urn import Urn
from dsd.structures import Structures

REVIEWED = {"TWN", "HKG", "MAC", "MMR", "PSE", "VNM", "LAO", "BRN", "KOR"}


def _codes(structures: Structures, id: str) -> dict[str, Code]:
    codelist = structures.get(Urn("Codelist", "ILMS", id, "1.0.0"), Codelist)
    return {code.id: code for code in codelist.codes}


def _region(code: Code) -> dict[str, str]:
    return {tag: text for tag, text in code.names.items() if tag in REGION_LANGUAGES}


def test_every_country_has_the_names_of_babel_and_the_reviewed_table(
    structures: Structures,
) -> None:
    areas = _codes(structures, "CL_AREA")
    countries = {id: iso2 for id, code in areas.items() if (iso2 := code.annotation_value("ISO2"))}
    assert len(countries) > 225
    for id, iso2 in countries.items():
        assert _region(areas[id]) == region_names(id, iso2), id


def test_a_country_has_the_same_names_as_reference_area_and_as_counterpart(
    structures: Structures,
) -> None:
    areas, counterparts = _codes(structures, "CL_AREA"), _codes(structures, "CL_COUNTERPART")
    both = areas.keys() & counterparts.keys()
    assert len(both) > 230
    assert [id for id in both if areas[id].names != counterparts[id].names] == []


def test_the_reviewed_table_is_complete() -> None:
    table = overrides()
    assert set(table) == REVIEWED
    for id, names in table.items():
        # Filipino may be left out; every other language is decided here, not by CLDR.
        assert set(REGION_LANGUAGES) - names.keys() <= {"fil"}, id


@pytest.mark.parametrize(
    ("id", "name"),
    [
        ("TWN", "Taiwan, China"),
        ("HKG", "Hong Kong, China"),
        ("MAC", "Macau, China"),
        ("MMR", "Myanmar"),
        ("PSE", "Occupied Palestinian Territory"),
        ("VNM", "Viet Nam"),
        ("LAO", "Lao People's Democratic Republic"),
        ("BRN", "Brunei Darussalam"),
        ("KOR", "Korea, Republic of"),
    ],
)
def test_the_english_name_is_the_one_that_ilo_uses(
    structures: Structures, id: str, name: str
) -> None:
    assert _codes(structures, "CL_AREA")[id].names["en"] == name


def test_no_name_keeps_what_the_reviewed_table_replaces(structures: Structures) -> None:
    names = overrides()
    for id in ("TWN", "HKG", "MAC"):
        china = {"th": "จีน", "vi": "Trung Quốc", "km": "ចិន", "lo": "ຈີນ", "my": "တရုတ်", "zh": "中国"}
        assert [tag for tag, word in china.items() if word not in names[id][tag]] == [], id
    for code in _codes(structures, "CL_COUNTERPART").values():
        assert [
            text for text in code.names.values() if "Burma" in text or "SAR China" in text
        ] == []
    assert [tag for tag, text in names["MMR"].items() if "(" in text] == []


def test_filipino_is_left_out_where_it_would_repeat_english(structures: Structures) -> None:
    areas = _codes(structures, "CL_AREA")
    assert "fil" not in areas["JPN"].names
    assert areas["KOR"].names["fil"] == "Republika ng Korea"


def test_a_name_has_no_hidden_characters(structures: Structures) -> None:
    for id in ("CL_AREA", "CL_COUNTERPART"):
        for code in _codes(structures, id).values():
            assert [text for text in code.names.values() if "\u200b" in text] == []
