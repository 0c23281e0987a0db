"""The workbook as its user meets it: what is open, what is a list, what is fixed."""

from __future__ import annotations

import io

import openpyxl
import pytest

from converters.template import template_bytes


@pytest.fixture(scope="module")
def data(structures):
    return template_bytes(structures, "KHM", range(2023, 2025), ["T15", "16", "DF_MST_EARN_SEX"])


@pytest.fixture(scope="module")
def workbook(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def row_of(sheet, caption):
    return next(row for row in range(1, 60) if sheet.cell(row, 1).value == caption)


def test_the_same_arguments_make_the_same_bytes(structures, data):
    again = template_bytes(structures, "KHM", range(2023, 2025), ["T15", "16", "DF_MST_EARN_SEX"])
    assert again == data


def test_sheets_are_cover_sources_tables_by_module_and_hidden_lists(workbook):
    assert workbook.sheetnames == ["Cover", "Sources", "T8", "T15", "T16", "Lists"]
    assert workbook["Lists"].sheet_state == "hidden"
    texts = [cell.value for row in workbook["Cover"].iter_rows() for cell in row if cell.value]
    assert "Cambodia" in texts
    assert "T15" in texts


def test_labels_are_protected_and_figures_are_open(workbook):
    sheet = workbook["T15"]
    assert sheet.protection.sheet
    assert sheet.protection.password is None
    first = row_of(sheet, "Country of destination") + 1
    assert sheet.cell(first, 1).value == "Total"
    assert sheet.cell(first, 1).protection.locked
    assert not sheet.cell(first + 1, 1).protection.locked
    assert sheet.cell(first + 1, 1).value == "..."
    assert not sheet.cell(first, 2).protection.locked
    assert not sheet.cell(first, 3).protection.locked
    assert sheet.cell(first, 2).number_format == "General"
    assert sheet.freeze_panes == f"B{first}"


def test_drop_downs_offer_the_codes_of_the_constraints(workbook):
    sheet = workbook["T15"]
    lists = workbook["Lists"]
    offered = {}
    for validation in sheet.data_validations.dataValidation:
        area = validation.formula1.replace("$", "").split("!")[1]
        texts = [cell.value for row in lists[area] for cell in row]
        for reference in str(validation.sqref).split():
            offered[reference] = texts
    units = f"B{row_of(sheet, 'Figures are in')}"
    assert offered[units] == ["Units", "Thousands", "Millions"]
    first = row_of(sheet, "Country of destination") + 1
    countries = offered[f"A{first + 1}"]
    assert countries[0] == "..."
    assert "Hong Kong, China" in countries
    assert "Total" not in countries
    gap = offered[f"B{row_of(sheet, 'No data because')}"]
    assert gap == [
        "Not collected",
        "Not disaggregated by migratory status",
        "Not shared",
        "Infrequent",
    ]
    assert "E" in offered[f"C{first}:C{first + 6}"]
    assert all(len(set(texts)) == len(texts) for texts in offered.values())


def test_what_can_only_be_one_code_is_fixed(workbook):
    sheet = workbook["T15"]
    for caption, value in [("Country", "Cambodia"), ("Unit of measure", "Persons")]:
        cell = sheet.cell(row_of(sheet, caption), 2)
        assert (cell.value, cell.protection.locked) == (value, True)
    wages = workbook["T8"]
    assert wages.cell(row_of(wages, "Unit of measure"), 2).value is None
    assert row_of(wages, "Currency")
    captions = [sheet.cell(row, 1).value for row in range(1, 40)]
    assert "Currency" not in captions
    assert "Classification version: Economic activity" in [
        workbook["T16"].cell(row, 1).value for row in range(1, 40)
    ]


def test_the_cover_links_to_the_tables_of_each_module_in_their_colour(workbook):
    cover = workbook["Cover"]
    texts = [cover.cell(row, 1).value for row in range(1, 60)]
    module = texts.index("Module C. Nationals abroad") + 1
    assert texts.index("Module A. International migrant stock") + 1 < module
    link = cover.cell(module + 1, 1)
    assert (link.value, link.hyperlink.location) == ("T15", "'T15'!A1")
    colour = cover.cell(module, 1).fill.fgColor.rgb
    assert workbook["T15"].sheet_properties.tabColor.rgb == colour
    assert workbook["T8"].sheet_properties.tabColor.rgb != colour
    assert workbook["T15"]["A2"].hyperlink.location == "'Cover'!A1"


def test_pages_are_landscape_with_repeated_headings_and_whole_years(structures):
    data = template_bytes(structures, "KHM", range(2010, 2025), ["T15"])
    sheet = openpyxl.load_workbook(io.BytesIO(data))["T15"]
    assert sheet.page_setup.orientation == "landscape"
    first = row_of(sheet, "Country of destination")
    assert sheet.print_title_cols == "$A:$A"
    assert sheet.print_title_rows == f"${first - 2}:${first}"
    years = {cell.column: cell.value for cell in sheet[first - 2] if cell.value}
    assert sheet.col_breaks.brk
    assert all(years.get(entry.id + 1) for entry in sheet.col_breaks.brk)


def test_outer_headings_stand_above_each_year(structures):
    data = template_bytes(structures, "KHM", [2023, 2024], ["T8"])
    sheet = openpyxl.load_workbook(io.BytesIO(data))["T8"]
    row = row_of(sheet, "Measure") - 3
    headings = [cell.value for cell in sheet[row] if cell.value][1:]
    assert headings[:4] == ["Total", "Total", "Migrants", "Migrants"]


def test_another_version_finds_rows_and_its_own_list(structures):
    data = template_bytes(structures, "KHM", [2024], ["T16"])
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    sheet = workbook["T16"]
    first = row_of(sheet, "Economic activity") + 1
    last = row_of(sheet, "Coverage and notes") - 2
    labels = [sheet.cell(row, 1).value for row in range(first, last + 1)]
    assert labels[0] == "Total"
    assert labels[-1] == "..."
    isic = template_bytes(structures, "KHM", [2024], ["T16"], versions={"ECO": "ECO_ISIC4"})
    longest = openpyxl.load_workbook(io.BytesIO(isic))["T16"]
    assert row_of(longest, "Coverage and notes") == row_of(sheet, "Coverage and notes")
    chooser = f"$B${row_of(sheet, 'Classification version: Economic activity')}"
    formula = next(
        v.formula1
        for v in sheet.data_validations.dataValidation
        if f"A{first}" in str(v.sqref).split()
    )
    assert formula.startswith(f"CHOOSE(MATCH({chooser},")
    (area,) = sheet.conditional_formatting
    assert str(area.sqref) == f"A{first}:A{last}"
    assert formula in area.rules[0].formula[0]
