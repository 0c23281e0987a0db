"""The words of the questionnaire: every language has every text, and no text stands for two things."""

from __future__ import annotations

import re

import openpyxl
import pytest

from converters.label import fold
from converters.layout import table_layout
from converters.profile import PROFILE_FILE, UnknownLanguageError, load_profile, read_texts
from converters.questionnaire import read_questionnaire
from converters.source_sheet import source_sheet_layout
from converters.table import bound_dsd, questionnaire_flows
from converters.template import filled_bytes, template_bytes
from dsd.batch import LOCATOR, rows_of

PROFILE = load_profile()
WORDS = read_texts(PROFILE_FILE.parent / "texts")
REGION = {"en", "id", "ms", "th", "vi", "km", "lo", "my", "fil", "pt", "tet"}
ROWS = [
    {
        "REF_AREA": "THA",
        "FREQ": "A",
        "MEASURE": "MST_TEMP",
        "SEX": sex,
        "ECO": eco,
        "MIG": mig,
        "MIG_CRITERION": "CCT",
        "SOURCE": "BA_741",
        "TIME_PERIOD": "2024",
        "OBS_VALUE": "12.5",
        "UNIT_MEASURE": "PS",
        "UNIT_MULT": "3",
        "AGE_MIN": "T2_84",
        "NOTE": "New sample.",
    }
    for sex in ("SEX_T", "SEX_F")
    for eco in ("ECO_SECTOR_TOTAL", "ECO_SECTOR_AGR")
    for mig in ("MIG_STATUS_TOTAL", "MIG_STATUS_MIGRANT")
]


@pytest.fixture(scope="module")
def tables(structures):
    return [
        bound_dsd(structures, flow, "REF_AREA", "THA") for flow in questionnaire_flows(structures)
    ]


def test_the_languages_of_the_region_are_there():
    assert set(WORDS) >= REGION
    assert PROFILE.drafts == set(WORDS) - {"en", "fr", "es"}


@pytest.mark.parametrize("language", sorted(WORDS))
def test_a_language_has_every_text(language):
    own, english = WORDS[language], WORDS["en"]
    for part in ("sheets", "texts", "roles", "gap_reasons"):
        assert list(getattr(own, part)) == list(getattr(english, part)), part
        assert all(text.strip() == text != "" for text in getattr(own, part).values())
    assert len(own.instructions) == len(english.instructions)
    assert own.captions.keys() >= english.captions.keys()


@pytest.mark.parametrize("language", sorted(WORDS))
def test_a_language_has_a_caption_for_every_component(language, tables):
    without = {
        component.id
        for dsd in tables
        for component in dsd.components
        if component.id not in (PROFILE.attributes.decimals, PROFILE.attributes.notes)
        and component not in dsd.measures
        and language not in {**component.concept.names, **PROFILE.captions.get(component.id, {})}
    }
    assert without == set()


@pytest.mark.parametrize("language", sorted(WORDS))
def test_names_of_sheets_are_what_a_spreadsheet_takes(language):
    names = list(WORDS[language].sheets.values())
    assert len(set(names)) == len(names)
    for name in names:
        assert len(name) <= 31
        assert not re.search(r"[\[\]:*?/\\]", name)


def test_no_caption_stands_for_two_lines_of_a_sheet(tables):
    for dsd in tables:
        layout = table_layout(dsd, PROFILE)
        # A numbered note is known by its number.
        fields = [f for f in layout.fields if f.kind not in ("version", "numbered-note")]
        for number, entry in enumerate(fields):
            for other in fields[number + 1 :]:
                assert not entry.captions._known & other.captions._known, (entry.key, other.key)


def test_no_caption_stands_for_two_columns_of_the_sources_sheet(structures, tables):
    layout = source_sheet_layout(tables, structures, PROFILE)
    fields = [entry for _, entry in layout.columns]
    for number, entry in enumerate(fields):
        for other in fields[number + 1 :]:
            assert not entry.captions._known & other.captions._known, (entry.key, other.key)


def test_what_heads_a_column_of_flags_heads_no_figures():
    flags, values = ({fold(t) for t in PROFILE.texts[key].values()} for key in ("flag", "value"))
    assert not flags & values


@pytest.mark.parametrize("language", sorted(WORDS))
@pytest.mark.parametrize("beside", [(), ("en",)])
def test_a_table_comes_back_from_any_language(structures, language, beside):
    languages = tuple(dict.fromkeys((language, *beside)))
    data = filled_bytes(
        structures,
        "THA",
        {"T5": ROWS, "T9": []},
        languages=languages,
        gap_reasons={"T9": "NOT_SHARED"},
    )
    conversion = read_questionnaire(data, structures)
    assert conversion.report.findings == []
    found = [
        {id: value for id, value in row.items() if id != LOCATOR}
        for dataset in conversion.datasets
        for row in rows_of(dataset.batches)
    ]
    assert sorted(found, key=str) == sorted(ROWS, key=str)
    assert [table.gap_reason for table in conversion.tables] == [None, "NOT_SHARED"]


@pytest.mark.parametrize("keep", [0, 1])
def test_a_cell_in_two_languages_is_read_in_either(structures, tmp_path, keep):
    path = tmp_path / "either.xlsx"
    path.write_bytes(filled_bytes(structures, "THA", {"T5": ROWS}, languages=("th", "en")))
    workbook = openpyxl.load_workbook(path)
    for name in ("T5", "Sources", "แหล่งข้อมูล"):
        for row in workbook[name].iter_rows() if name in workbook.sheetnames else ():
            for cell in row:
                parts = cell.value.split(" / ") if isinstance(cell.value, str) else []
                if len(parts) == 2:
                    cell.value = parts[keep]
    workbook.save(path)
    conversion = read_questionnaire(path, structures)
    assert conversion.report.findings == []
    assert sum(table.observations for table in conversion.tables) == len(ROWS)


def test_a_draft_says_so_on_the_cover(structures, tmp_path):
    path = tmp_path / "draft.xlsx"
    for language, is_draft in (("km", True), ("fr", False)):
        path.write_bytes(template_bytes(structures, "KHM", [2024], ["T15"], languages=(language,)))
        cover = openpyxl.load_workbook(path).worksheets[0]
        texts = [cell.value for row in cover.iter_rows() for cell in row]
        assert (PROFILE.texts["draft"][language] in texts) is is_draft


def test_a_language_without_words_is_refused(structures):
    with pytest.raises(UnknownLanguageError, match="en, es, fil, fr"):
        template_bytes(structures, "KHM", [2024], ["T15"], languages=("xx",))
