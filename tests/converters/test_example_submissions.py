"""The bundled workbooks are what the template machinery makes of the figures, and give them back."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import zipfile
from collections import Counter

import pytest

from converters.examples.build import (
    FIGURES,
    SUBMISSIONS,
    build_figures,
    build_submissions,
    figure_files,
    read_figures,
)
from converters.examples.rekey import UnknownFigureError, rekeyed
from converters.questionnaire import read_questionnaire
from dsd.batch import LOCATOR, rows_of

COUNTRIES = list(figure_files())
PUBLISHED = "ilms/published"


@pytest.fixture(scope="module")
def built(structures):
    return dict(build_submissions(structures))


def parts(data):
    """Return the parts of a package: their bytes do not hang on the build of zlib."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {entry.filename: package.read(entry) for entry in package.infolist()}


def test_there_is_one_workbook_for_each_country_with_figures(built):
    assert COUNTRIES == ["IDN", "KHM", "LAO", "MMR", "PHL", "SGP", "THA", "TLS", "VNM"]
    assert sorted(path.stem for path in SUBMISSIONS.glob("*.xlsx")) == COUNTRIES
    assert sorted(built) == [f"{country}.xlsx" for country in COUNTRIES]


@pytest.mark.parametrize("country", COUNTRIES)
def test_the_committed_workbook_is_the_one_that_is_built(built, country):
    committed = (SUBMISSIONS / f"{country}.xlsx").read_bytes()
    assert parts(committed) == parts(built[f"{country}.xlsx"])


def test_the_command_writes_the_same_bytes_in_every_process(built, tmp_path):
    # Another seed gives sets another order.
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    subprocess.run(
        [sys.executable, "-m", "converters.examples.build", "--into", str(tmp_path)],
        env=os.environ | {"PYTHONHASHSEED": seed},
        check=True,
        capture_output=True,
    )
    written = {path.name: path.read_bytes() for path in (tmp_path / "submissions").iterdir()}
    assert written == built


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_workbook_gives_the_figures_back_digit_for_digit(structures, country):
    conversion = read_questionnaire(SUBMISSIONS / f"{country}.xlsx", structures)
    assert conversion.report.findings == []
    found = [
        {id: value for id, value in row.items() if id != LOCATOR}
        for dataset in conversion.datasets
        for row in rows_of(dataset.batches)
    ]
    expected = [row for path in figure_files()[country].values() for row in read_figures(path)]
    assert sorted(map(str, map(_present, found))) == sorted(map(str, map(_present, expected)))


def _present(row):
    return sorted((id, value) for id, value in row.items() if value is not None)


def test_indonesia_reports_29_years_the_first_twenty_as_totals_only():
    rows = read_figures(FIGURES / "IDN_T15.csv")
    assert len(rows) == 249
    assert {row["TIME_PERIOD"] for row in rows} == {str(year) for year in range(1996, 2025)}
    early = {row["COUNTERPART_AREA"] for row in rows if row["TIME_PERIOD"] < "2016"}
    assert early == {"TOTAL"}
    assert {row["SOURCE"] for row in rows} == {"_U"}


def test_indonesias_2024_figure_for_women_to_hong_kong_stands_in_its_cell(structures):
    conversion = read_questionnaire(SUBMISSIONS / "IDN.xlsx", structures)
    (row,) = [
        row
        for dataset in conversion.datasets
        for row in rows_of(dataset.batches)
        if (row["SEX"], row.get("COUNTERPART_AREA"), row["TIME_PERIOD"]) == ("SEX_F", "HKG", "2024")
    ]
    assert row == {
        "REF_AREA": "IDN",
        "FREQ": "A",
        "MEASURE": "MNA_OEMP",
        "SEX": "SEX_F",
        "COUNTERPART_AREA": "HKG",
        "SOURCE": "_U",
        "TIME_PERIOD": "2024",
        "OBS_VALUE": "99.479",
        "UNIT_MEASURE": "PS",
        "UNIT_MULT": "3",
        "$locator": row["$locator"],
    }
    assert row["$locator"].startswith("cell:T15!")


# -- against what is published -------------------------------------------------------------------------------

# The published indicator of each table, and what stands before its codes: told here once more, by hand.
INDICATORS = {
    "T4": ("MST_NCTE_SEX_CCT_NB", "CCT_CTZ_", "COUNTERPART_AREA"),
    "T13": ("MNA_TPOP_SEX_CRS_NB", "CRS_RES_", "COUNTERPART_AREA"),
    "T15": ("MNA_OEMP_SEX_CDS_NB", "CDS_DES_", "COUNTERPART_AREA"),
    "T16": ("MNA_OEMP_SEX_ECO_NB", "", "ECO"),
    "T17": ("MNA_OEMP_SEX_OCU_NB", "", "OCU"),
}


def as_published():
    """Yield our figures in the columns of the published files."""
    for country, files in figure_files().items():
        for table, path in files.items():
            indicator, prefix, dimension = INDICATORS[table]
            for row in read_figures(path):
                code = f"{prefix}{row[dimension]}"
                yield (country, indicator, row["SEX"], code, row["TIME_PERIOD"], row["OBS_VALUE"])


def test_1752_figures_are_bundled():
    rows = list(as_published())
    assert len(rows) == len(set(rows)) == 1752
    assert Counter(row[1] for row in rows) == {
        "MNA_OEMP_SEX_CDS_NB": 1001,
        "MNA_OEMP_SEX_ECO_NB": 324,
        "MNA_OEMP_SEX_OCU_NB": 189,
        "MNA_TPOP_SEX_CRS_NB": 145,
        "MST_NCTE_SEX_CCT_NB": 93,
    }
    migrants = read_figures(FIGURES / "THA_T4.csv")
    assert {row["MIG_CRITERION"] for row in migrants} == {"CCT"}


@pytest.mark.shared
def test_the_figures_are_the_published_ones(shared):
    published = []
    for path in (shared / PUBLISHED).glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            published += [tuple(row.values()) for row in csv.DictReader(lines)]
    assert sorted(as_published()) == sorted(published)


@pytest.mark.shared
def test_the_files_of_figures_are_those_that_the_command_makes(shared, structures):
    made = dict(build_figures(shared / PUBLISHED, structures))
    held = {path.name: path.read_text(encoding="utf-8") for path in FIGURES.glob("*.csv")}
    assert made == held


PUBLISHED_ROW = {
    "ref_area": "IDN",
    "indicator": "MNA_OEMP_SEX_CDS_NB",
    "sex": "SEX_T",
    "classif1": "CDS_DES_HKG",
    "time": "2024",
    "obs_value": "1.0",
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"indicator": "EAP_TEAP_NB"}, "no dataflow is published as EAP_TEAP_NB"),
        ({"classif1": "CDS_DES_ATL"}, "COUNTERPART_AREA takes no ATL"),
        ({"ref_area": "FRA"}, "REF_AREA takes no FRA"),
        ({"sex": "SEX_Q"}, "SEX takes no SEX_Q"),
        ({"time": "2024Q1"}, "2024Q1 is no year"),
    ],
)
def test_a_published_row_without_a_place_here_is_refused_by_name(structures, changes, said):
    with pytest.raises(UnknownFigureError, match=said):
        rekeyed([PUBLISHED_ROW | changes], structures)


def test_a_published_row_given_twice_is_refused(structures):
    with pytest.raises(UnknownFigureError, match="given twice"):
        rekeyed([PUBLISHED_ROW, PUBLISHED_ROW], structures)


def test_published_digits_are_kept(structures):
    ((row,),) = rekeyed([PUBLISHED_ROW], structures).values()
    assert row["OBS_VALUE"] == "1.0"
