"""What the built-in code lists hold, beyond being sound artefacts."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from codelists.item_scheme import Code, Codelist
from codelists.urn import Urn
from dsd.structures import Structures

# Prefix under which each of ILO's six lists of counterpart countries keeps them.
COUNTERPART_PREFIXES = {
    "CBR": "CBR_BRT_",
    "CCT": "CCT_CTZ_",
    "CDS": "CDS_DES_",
    "COU": "COU_DES_",
    "CPR": "CPR_PRV_",
    "CRS": "CRS_RES_",
}
CLASSIFICATIONS = ("CL_SEX", "CL_AGE", "CL_LMS", "CL_EDU", "CL_ECO", "CL_OCU", "CL_STE", "CL_MIG")


@pytest.fixture(scope="session")
def lists(structures: Structures) -> dict[str, Codelist]:
    return {codelist.id: codelist for codelist in structures.of_type(Codelist)}


def _codes(codelist: Codelist) -> dict[str, Code]:
    return {code.id: code for code in codelist.codes}


def _flagged(codelist: Codelist, flag: str) -> set[str]:
    return {code.id for code in codelist.codes if code.annotation(flag)}


def test_the_sums_are_the_reviewed_ones(lists: dict[str, Codelist], examples: Path) -> None:
    found: dict[tuple[str, str, str], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for codelist in lists.values():
        for code in codelist.codes:
            for entry in code.annotations:
                if entry.id == "PARTITION":
                    place = (codelist.id, entry.value or "", entry.title or "")
                    found[place][entry.type == "OPTIONAL"].append(code.id)
    expected = {}
    with (examples / "codelists" / "sums" / "expected.csv").open(
        encoding="utf-8", newline=""
    ) as table:
        for row in csv.DictReader(table):
            place = (row["list"], row["total"], row["partition"])
            expected[place] = (row["parts"].split(), row["optional"].split())
    countries = ("CL_COUNTERPART", "TOTAL", "COUNTRIES")
    number = len(found[countries][1])
    assert expected[countries] == (["X"], [str(number), "codes"])
    found[countries] = expected[countries]
    assert found == expected


def test_the_countries_of_a_sum_are_every_country_and_no_group(lists: dict[str, Codelist]) -> None:
    counterpart = lists["CL_COUNTERPART"]
    parts = {
        code.id
        for code in counterpart.codes
        if any(a.id == "PARTITION" and a.title == "COUNTRIES" for a in code.annotations)
    }
    groups = _flagged(counterpart, "GROUP")
    regions = {code.id for code in counterpart.codes if code.parent}
    assert parts == set(_codes(counterpart)) - groups - regions - {"TOTAL"}
    assert {"SEA", "STL", "_U", "X", "HKG", "TWN", "KOS", "URS"} <= parts
    assert {"ASEAN", "ASIA", "XASIA", "EUREU", "MEAST"} <= groups
    assert regions == {"MY1", "MY2", "MY3", "TZ1", "TZ2", "CAON", "CAQC", "DE3"}


def test_unknown_is_unknown_and_nothing_else(lists: dict[str, Codelist]) -> None:
    unknown = set().union(*(_flagged(lists[id], "IS_UNKNOWN") for id in CLASSIFICATIONS))
    assert unknown == {
        "EDU_AGGREGATE_X", "EDU_ISCED11_9", "EDU_ISCED97_UNK",
        "ECO_SECTOR_X", "ECO_AGGREGATE_X", "ECO_ISIC4_X", "ECO_ISIC3_X", "ECO_ISIC2_0",
        "OCU_SKILL_X", "OCU_ISCO08_X", "OCU_ISCO88_X", "OCU_ISCO68_X",
        "STE_AGGREGATE_X", "STE_ICSE93_6", "MIG_STATUS_X",
    }  # fmt: skip
    assert _flagged(lists["CL_COUNTERPART"], "IS_UNKNOWN") == {"_U"}


def test_version_nodes_are_not_reportable_and_everything_else_is(
    lists: dict[str, Codelist],
) -> None:
    for id in ("CL_AGE", "CL_EDU", "CL_ECO", "CL_OCU", "CL_STE"):
        nodes = {code.id for code in lists[id].codes if code.parent is None}
        assert nodes == _flagged(lists[id], "NOT_REPORTABLE"), id
        assert nodes == {code.parent for code in lists[id].codes if code.parent}
        for code in lists[id].codes:
            assert code.parent is None or code.id.startswith(f"{code.parent}_")


def test_the_labour_force_stands_above_employed_and_unemployed(lists: dict[str, Codelist]) -> None:
    codes = _codes(lists["CL_LMS"])
    assert {id for id, code in codes.items() if code.parent == "LMS_STATUS_LF"} == {
        "LMS_STATUS_EMP",
        "LMS_STATUS_UNE",
    }


def test_names_are_in_the_three_languages_of_ilo_without_mangled_letters(
    lists: dict[str, Codelist],
) -> None:
    assert len(lists) == 31
    for codelist in lists.values():
        for code in (codelist, *codelist.codes):
            # ILO gives many sources in English alone.
            if codelist.id != "CL_SOURCE":
                assert {"en", "fr", "es"} <= code.names.keys(), code.id
            for tag, text in code.names.items():
                assert not re.search(r"[?\ufffd]|\.\.\.|  |^ | $", text), (code.id, tag, text)


def test_no_two_codes_beside_each_other_have_one_name(lists: dict[str, Codelist]) -> None:
    for codelist in lists.values():
        if codelist.id == "CL_SOURCE":
            continue
        names: dict[tuple[str, str, str | None], str] = {}
        for code in codelist.codes:
            for tag, text in code.names.items():
                other = names.setdefault((tag, text, code.parent), code.id)
                assert other == code.id, (codelist.id, tag, text)


def test_codes_that_are_the_same_in_two_lists_say_so(structures: Structures) -> None:
    for one, other in (
        (("CL_AREA", "X84"), ("CL_COUNTERPART", "ASEAN")),
        (
            ("CL_COUNTERPART", "ASEAN"),
            ("CL_AREA", "X84"),
        ),
    ):
        codelist = structures.get(Urn("Codelist", "ILMS", one[0], "1.0.0"), Codelist)
        value = _codes(codelist)[one[1]].annotation_value("EQUIVALENT")
        assert value == str(Urn("Code", "ILMS", other[0], "1.0.0", other[1]))


def test_historical_countries_have_the_dates_of_their_life(lists: dict[str, Codelist]) -> None:
    codes = _codes(lists["CL_COUNTERPART"])
    assert codes["URS"].annotation_value("VALID_TO") == "1991-12-25"
    assert codes["SCG"].annotation_value("VALID_FROM") == "1992-04-28"
    dated = _flagged(lists["CL_COUNTERPART"], "VALID_TO")
    assert dated == {"URS", "YU1", "CS1", "DE1", "DE2", "ET1", "SCG", "YE1", "YE2", "ANT"}


def test_sources_keep_the_id_of_ilo_and_their_country(lists: dict[str, Codelist]) -> None:
    codes = _codes(lists["CL_SOURCE"])
    assert codes["FB_6665"].annotation_value("ILO_ID") == "FB:6665"
    assert codes["FB_6665"].annotation_value("COUNTRY") == "IDN"
    for id, code in codes.items():
        if id != "_U":
            assert (code.annotation_value("ILO_ID") or "").replace(":", "_") == id
            assert code.annotation_value("COUNTRY")
            assert code.annotation("SOURCE_TYPE")


def test_notes_keep_the_id_of_ilo(lists: dict[str, Codelist]) -> None:
    prefixes = {
        "CL_MIG_DEFINITION": "T36", "CL_REF_PERIOD": "S3", "CL_COVERAGE_GEO": "S4", "CL_COVERAGE_POP": "S5",
        "CL_MIN_AGE": "T2", "CL_MAX_AGE": "T3", "CL_GROSS_NET": "T10", "CL_NOMINAL_REAL": "T9",
        "CL_JOB_COVERAGE": "T11", "CL_TIME_UNIT": "T7",
    }  # fmt: skip
    for id, prefix in prefixes.items():
        for code in lists[id].codes:
            note = code.id.removeprefix(f"{prefix}_")
            assert note.isdigit(), code.id
            assert code.annotation_value("ILO_ID") == f"{prefix}:{note}"
    assert (
        _codes(lists["CL_COVERAGE_GEO"])["S4_34"].label() == "Total national, excluding some areas"
    )


def test_frequencies_are_those_of_sdmx(lists: dict[str, Codelist]) -> None:
    codes = _codes(lists["CL_FREQ"])
    assert "B" not in codes
    assert codes["A2"].annotation_value("ILO_ID") == "B"
    assert codes["A5"].annotation_value("ILO_ID") == "F"
    assert codes["S"].label() == "Half-yearly, semester"


def _column(path: Path, name: str) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as table:
        return [row[name] for row in csv.DictReader(table)]


@pytest.mark.shared
def test_counterparts_cover_the_six_lists_of_ilo(shared: Any, lists: dict[str, Codelist]) -> None:
    union = set()
    for name, prefix in COUNTERPART_PREFIXES.items():
        ids = _column(shared / f"ilms/codelists/ilo/CL_{name}.csv", "id")
        found = {id.removeprefix(prefix) for id in ids if id.startswith(prefix)}
        assert len(found) > 240
        union |= found
    assert set(_codes(lists["CL_COUNTERPART"])) == union | {"_U", "SEA", "STL"}


@pytest.mark.shared
def test_classification_codes_are_those_of_ilo(shared: Any, lists: dict[str, Codelist]) -> None:
    for id in CLASSIFICATIONS:
        ours = set(_codes(lists[id])) - {"LMS_STATUS_LF"}
        assert ours <= set(_column(shared / f"ilms/codelists/ilo/{id}.csv", "id")), id
    areas = set(_column(shared / "ilms/codelists/ilo/CL_AREA.csv", "id")) - {"_Z"}
    assert set(_codes(lists["CL_AREA"])) == areas


@pytest.mark.shared
def test_every_survey_of_the_region_is_a_source(shared: Any, lists: dict[str, Codelist]) -> None:
    path: Path = shared / "ilms/reference/asean_survey_sources_ariane2019.csv"
    with path.open(encoding="utf-8-sig", newline="") as table:
        surveys = {
            f"{row['SUR_SOURCE_CODE']}_{int(float(row['SUR_ID']))}": row["SUR_COUNTRY_CODE"]
            for row in csv.DictReader(table)
        }
    ours = {
        code.id: code.annotation_value("COUNTRY")
        for code in lists["CL_SOURCE"].codes
        if code.id != "_U"
    }
    assert len(surveys) == 236
    assert ours == surveys


@pytest.mark.shared
@pytest.mark.parametrize("id", ["CL_OBS_STATUS", "CL_CONF_STATUS"])
def test_status_lists_restate_the_global_ones(
    shared: Any, lists: dict[str, Codelist], id: str
) -> None:
    path: Path = shared / f"ilms/codelists/sdmx-global/{id}.csv"
    with path.open(encoding="utf-8-sig", newline="") as table:
        names = {row["id"]: " ".join(row["name"].split()) for row in csv.DictReader(table)}
    assert {code.id: code.names["en"] for code in lists[id].codes} == names
    assert (lists[id].annotation_value("ORIGIN") or "").startswith("urn:sdmx:")
