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


def test_sheets_are_cover_tables_and_hidden_lists(workbook):
    assert workbook.sheetnames == ["Cover", "T15", "T16", "T8", "Lists"]
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
