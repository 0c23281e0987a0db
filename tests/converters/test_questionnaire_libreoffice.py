"""Templates and filled workbooks in LibreOffice: they open, print, and are read when it has saved them."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from pathlib import Path

import openpyxl
import pytest

from converters.questionnaire import read_questionnaire
from converters.template import filled_bytes, template_bytes
from converters.workbook import read_workbook
from dsd.batch import LOCATOR, rows_of

SAVED = Path(__file__).parent.parent / "examples" / "converters" / "saved_by_libreoffice"
TABLES = ("T5", "T15", "T16")


def rows_of_table(table):
    """Return the observations of a file beside the saved workbook; several values stand between bars."""
    with (SAVED / f"KHM_{table}.csv").open(encoding="utf-8", newline="") as lines:
        return [
            {
                id: value.split("|") if id == "MIG_DEFINITION" else value
                for id, value in row.items()
                if value
            }
            for row in csv.DictReader(lines)
        ]


def observed(conversion):
    return sorted(
        (
            {id: value for id, value in row.items() if id != LOCATOR}
            for dataset in conversion.datasets
            for row in rows_of(dataset.batches)
        ),
        key=str,
    )


def given():
    return sorted((row for table in TABLES for row in rows_of_table(table)), key=str)


@pytest.fixture
def office(tmp_path):
    """Return a function that has LibreOffice save a workbook in another format."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("needs LibreOffice")

    def convert(data, ending):
        source = tmp_path / "in.xlsx"
        source.write_bytes(data)
        folder = tmp_path / "out"
        command = [
            program,
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            "--headless",
        ]
        command += ["--convert-to", ending, "--outdir", str(folder), str(source)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        return (folder / f"in.{ending}").read_bytes()

    return convert


def test_a_filled_workbook_that_libreoffice_saved_gives_the_same_figures(structures):
    conversion = read_questionnaire(SAVED / "KHM.xlsx", structures)
    assert conversion.report.findings == []
    assert observed(conversion) == given()
    assert [(s.source, dict(s.values)) for s in conversion.sources] == [
        ("BA_1321", {"SOURCE_TYPE": ("BA",), "AGE_MIN": ("T2_84",)}),
        ("FX_14128", {"SOURCE_TYPE": ("FX",), "MIG_DEFINITION": ("T36_3218", "T36_3222")}),
    ]


def test_the_saved_workbook_has_the_cells_that_we_write(structures):
    ours = filled_bytes(
        structures,
        "KHM",
        {table: rows_of_table(table) for table in TABLES},
        languages=("km", "en"),
    )
    saved = {
        (grid.name, cell.reference): cell.text
        for grid in read_workbook(SAVED / "KHM.xlsx").sheets
        for cell in grid
        if grid.name in TABLES
    }
    for grid in read_workbook(ours).sheets:
        if grid.name in TABLES:
            for cell in grid:
                assert saved.pop((grid.name, cell.reference)) == cell.text
    assert saved == {}


def test_libreoffice_kept_the_lists_of_each_version():
    workbook = openpyxl.load_workbook(SAVED / "KHM.xlsx")
    formulas = [v.formula1 or "" for v in workbook["T16"].data_validations.dataValidation]
    assert any(formula.startswith("CHOOSE(MATCH(") for formula in formulas)
    assert list(workbook["T16"].conditional_formatting)


@pytest.mark.office
def test_libreoffice_saves_what_we_read(structures, office):
    ours = filled_bytes(
        structures, "KHM", {table: rows_of_table(table) for table in TABLES}, languages=("km", "en")
    )
    conversion = read_questionnaire(office(ours, "xlsx"), structures)
    assert conversion.report.findings == []
    assert observed(conversion) == given()


@pytest.mark.office
def test_libreoffice_prints_the_template_of_all_tables(structures, office):
    pages = office(template_bytes(structures, "VNM", [2023, 2024], languages=("vi", "en")), "pdf")
    assert pages.startswith(b"%PDF")
    assert pages.count(b"/Type/Page/") + pages.count(b"/Type /Page/") >= 21


@pytest.mark.office
def test_libreoffice_computes_what_a_person_left_to_a_formula(structures, office):
    """A formula that openpyxl writes has no value: a finding; saved by LibreOffice it has one."""
    data = template_bytes(structures, "KHM", [2024], ["T15"])
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    sheet = workbook["T15"]
    rows = {sheet.cell(row, 1).value: row for row in range(1, 40)}
    sheet.cell(rows["Source"], 2).value = "_U"
    sheet.cell(rows["Figures are in"], 2).value = "Units"
    row = rows["Country of destination"] + 1
    sheet.cell(row, 2).value = "=40+2"
    buffer = io.BytesIO()
    workbook.save(buffer)
    before = read_questionnaire(buffer.getvalue(), structures)
    assert [finding.rule for finding in before.report.findings] == ["uncomputed-formula"]
    after = read_questionnaire(office(buffer.getvalue(), "xlsx"), structures)
    assert after.report.findings == []
    assert [found["OBS_VALUE"] for found in observed(after)] == ["42"]
