"""The bundled workbooks are what the template machinery makes of the figures, and give them back."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest

from converters.examples.build import FIGURES, SUBMISSIONS, build_submissions, read_figures
from converters.questionnaire import read_questionnaire
from dsd.batch import LOCATOR, rows_of


@pytest.fixture(scope="module")
def built(structures):
    return dict(build_submissions(structures))


def parts(data):
    """Return the parts of a package: their bytes do not hang on the build of zlib."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {entry.filename: package.read(entry) for entry in package.infolist()}


NAMES = sorted(path.stem for path in FIGURES.glob("*.csv"))


def test_there_is_a_workbook_for_each_file_of_figures(built):
    assert sorted(path.name for path in SUBMISSIONS.glob("*.xlsx")) == sorted(built)
    assert [f"{name}.xlsx" for name in NAMES] == sorted(built)


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_workbook_is_the_one_that_is_built(built, name):
    committed = (SUBMISSIONS / f"{name}.xlsx").read_bytes()
    assert parts(committed) == parts(built[f"{name}.xlsx"])


@pytest.mark.parametrize("name", NAMES)
def test_a_workbook_gives_the_figures_back_digit_for_digit(structures, name):
    conversion = read_questionnaire(SUBMISSIONS / f"{name}.xlsx", structures)
    assert conversion.report.findings == []
    found = [
        {id: value for id, value in row.items() if id != LOCATOR}
        for dataset in conversion.datasets
        for row in rows_of(dataset.batches)
    ]
    expected = read_figures(FIGURES / f"{name}.csv")
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_indonesia_reports_29_years_the_first_twenty_as_totals_only():
    rows = read_figures(FIGURES / "IDN_T15.csv")
    assert len(rows) == 249
    assert {row["TIME_PERIOD"] for row in rows} == {str(year) for year in range(1996, 2025)}
    early = {row["COUNTERPART_AREA"] for row in rows if row["TIME_PERIOD"] < "2016"}
    assert early == {"TOTAL"}
    assert {row["SOURCE"] for row in rows} == {"_U"}


def test_indonesias_2024_figure_for_women_to_hong_kong_stands_in_its_cell(structures):
    conversion = read_questionnaire(SUBMISSIONS / "IDN_T15.xlsx", structures)
    (row,) = [
        row
        for row in rows_of(conversion.datasets[0].batches)
        if (row["SEX"], row["COUNTERPART_AREA"], row["TIME_PERIOD"]) == ("SEX_F", "HKG", "2024")
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


@pytest.mark.shared
def test_the_figures_are_the_published_ones(shared):
    path = shared / "ilms/published/MNA_OEMP_SEX_CDS_NB_ASEAN.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        published = {
            (row["sex"], row["classif1"].removeprefix("CDS_DES_"), row["time"]): row["obs_value"]
            for row in csv.DictReader(lines)
            if row["ref_area"] == "IDN"
        }
    ours = {
        (row["SEX"], row["COUNTERPART_AREA"], row["TIME_PERIOD"]): row["OBS_VALUE"]
        for row in read_figures(FIGURES / "IDN_T15.csv")
    }
    assert ours == published
