"""Template, filling and reading: what goes in comes out, for every table by one mechanism."""

from __future__ import annotations

import io
import itertools
import random

import openpyxl
import pandas as pd
import pytest

from converters.filling import fill_sheets
from converters.layout import (
    LayoutOptions,
    UnknownVersionError,
    reportable_codes,
    table_layout,
    version_of,
)
from converters.profile import load_profile
from converters.questionnaire import read_questionnaire
from converters.sheet_writer import UnwritableValueError
from converters.table import UnknownTableError, bound_dsd, find_flow
from converters.template import filled_bytes, template_bytes
from dsd.batch import LOCATOR, rows_of
from dsd.time_period import PeriodSyntaxError

PROFILE = load_profile()
TABLES = [f"T{number}" for number in range(1, 20)]
COUNTRY = "THA"


def dsd_of(structures, table, country=COUNTRY):
    return bound_dsd(structures, find_flow(structures, table), "REF_AREA", country)


def observations(dsd, seed=1, count=60, sheets=2):
    """Make observations of a table: any codes of one version, any values, flags, notes, attributes."""
    chance = random.Random(seed)  # noqa: S311
    layout = table_layout(dsd, PROFILE)
    choices = []
    for component in dsd.dimensions:
        codes = reportable_codes(component)
        axis = next((axis for axis in layout.rows if axis.id == component.id), None)
        if axis is not None and axis.version:
            codes = [code for code in codes if version_of(component, code) == axis.version]
        # Each source and criterion takes a sheet of its own: two are enough.
        one_a_sheet = component.id in PROFILE.placement.header
        choices.append([code.id for code in codes][: sheets if one_a_sheet else None])
    choices.append(["2022", "2023", "2024"])
    seen = set()
    rows = []
    for number in range(count):
        key = tuple(chance.choice(codes) for codes in choices)
        if key in seen:
            continue
        seen.add(key)
        row = dict(zip(dsd.key_ids, key, strict=True))
        row["OBS_VALUE"] = chance.choice(["0", "12.0", "99.479", "680", "0.100", "1234567"])
        row["UNIT_MEASURE"] = reportable_codes(dsd["UNIT_MEASURE"])[0].id
        row["UNIT_MULT"] = "3" if number % 9 else "0"
        if number % 5 == 0:
            row["OBS_STATUS"] = chance.choice(["E", "P", "B"])
        if number % 7 == 0:
            row["CONF_STATUS"] = chance.choice(["F", "C", "A"])
        if number % 11 == 0:
            row["OBS_VALUE"], row["OBS_STATUS"] = None, "L"
        if number % 6 == 0:
            row["NOTE"] = chance.choice(["New register.", "Excluding Sabah; provisional (1)"])
        if number % 8:
            row["MIG_DEFINITION"] = ["T36_3214", "T36_3223"]
        rows.append(row)
    return rows


def given(rows):
    return sorted(
        ({id: value for id, value in row.items() if value is not None} for row in rows), key=str
    )


def read_back(data, structures):
    conversion = read_questionnaire(data, structures)
    rows = [row for dataset in conversion.datasets for row in rows_of(dataset.batches)]
    assert all(row.pop(LOCATOR).startswith("cell:") for row in rows)
    return conversion, sorted(rows, key=str)


@pytest.mark.parametrize("table", TABLES)
def test_observations_come_back_from_the_workbook(structures, table):
    rows = observations(dsd_of(structures, table), seed=int(table[1:]))
    conversion, found = read_back(filled_bytes(structures, COUNTRY, {table: rows}), structures)
    assert conversion.report.findings == []
    assert found == given(rows)
    (summary,) = conversion.tables
    assert (summary.table, summary.country, summary.observations) == (table, COUNTRY, len(rows))


def test_a_workbook_of_all_tables_comes_back(structures):
    filled = {table: observations(dsd_of(structures, table), count=12) for table in TABLES}
    conversion, found = read_back(filled_bytes(structures, COUNTRY, filled), structures)
    assert conversion.report.findings == []
    assert found == given(row for rows in filled.values() for row in rows)


def test_classification_versions_get_sheets_of_their_own(structures):
    dsd = dsd_of(structures, "T16")
    rows = [
        dict.fromkeys(dsd.key_ids, "")
        | {
            "REF_AREA": COUNTRY,
            "FREQ": "A",
            "MEASURE": "MNA_OEMP",
            "SEX": "SEX_T",
            "ECO": code,
            "SOURCE": "_U",
            "TIME_PERIOD": "2024",
            "OBS_VALUE": "1.5",
            "UNIT_MEASURE": "PS",
            "UNIT_MULT": "3",
        }
        for code in ("ECO_SECTOR_TOTAL", "ECO_SECTOR_AGR", "ECO_ISIC4_TOTAL", "ECO_ISIC4_A")
    ]
    conversion, found = read_back(filled_bytes(structures, COUNTRY, {"T16": rows}), structures)
    assert conversion.report.findings == []
    assert conversion.tables[0].sheets == ("T16", "T16 (2)")
    assert found == given(rows)


def test_a_label_of_another_version_is_found(structures):
    data = template_bytes(structures, COUNTRY, [2024], ["T16"], versions={"ECO": "ECO_SECTOR"})
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    sheet = workbook["T16"]
    cells = {cell.value: cell for row in sheet.iter_rows(max_col=1) for cell in row if cell.value}
    sheet.cell(cells["Industry"].row, 1).value = "Manufacturing"
    sheet.cell(cells["Industry"].row, 2).value = 3
    sheet.cell(cells["Figures are in"].row, 2).value = "Thousands"
    sheet.cell(cells["Source"].row, 2).value = "_U"
    buffer = io.BytesIO()
    workbook.save(buffer)
    conversion = read_questionnaire(buffer.getvalue(), structures)
    (finding,) = conversion.report.findings
    assert finding.rule == "code-not-allowed"
    assert "Broad sector" in finding.message
    assert finding.locator == f"cell:T16!A{cells['Industry'].row}"
    assert conversion.datasets == ()


@pytest.mark.parametrize(
    "languages", [("en",), ("fr",), ("es",), ("en", "th"), ("vi", "en"), ("km",)]
)
def test_labels_of_any_language_are_read(structures, languages):
    rows = observations(dsd_of(structures, "T15"), count=20)
    data = filled_bytes(structures, COUNTRY, {"T15": rows}, languages=languages)
    conversion, found = read_back(data, structures)
    assert conversion.report.findings == []
    assert found == given(rows)


def test_a_blank_template_says_only_that_it_is_blank(structures):
    conversion = read_questionnaire(
        template_bytes(structures, COUNTRY, range(2015, 2025)), structures
    )
    assert {finding.rule for finding in conversion.report.findings} == {"empty-table"}
    assert [table.table for table in conversion.tables] == TABLES
    assert conversion.report.is_accepted
    assert conversion.datasets == ()


@pytest.mark.parametrize("reason", list(PROFILE.gap_reasons))
def test_a_reason_for_having_no_data_comes_back(structures, reason):
    data = filled_bytes(structures, COUNTRY, {"T8": []}, [2024], gap_reasons={"T8": reason})
    conversion = read_questionnaire(data, structures)
    assert conversion.report.findings == []
    assert [table.gap_reason for table in conversion.tables] == [reason]


def test_two_sources_of_one_figure_stand_on_two_sheets(structures):
    dsd = dsd_of(structures, "T15")
    sources = [code.id for code in reportable_codes(dsd["SOURCE"])][:2]
    row = observations(dsd, count=1)[0]
    rows = [{**row, "SOURCE": source} for source in sources]
    conversion, found = read_back(filled_bytes(structures, COUNTRY, {"T15": rows}), structures)
    assert conversion.report.findings == []
    assert found == given(rows)
    assert conversion.tables[0].sheets == ("T15", "T15 (2)")


def test_the_same_figure_on_two_sheets_is_a_finding_at_the_second(structures):
    row = observations(dsd_of(structures, "T15"), count=1)[0]
    workbook = openpyxl.load_workbook(io.BytesIO(filled_bytes(structures, COUNTRY, {"T15": [row]})))
    copy = workbook.copy_worksheet(workbook["T15"])
    copy.title = "T15 (2)"
    buffer = io.BytesIO()
    workbook.save(buffer)
    conversion, found = read_back(buffer.getvalue(), structures)
    (finding,) = conversion.report.findings
    assert finding.rule == "duplicate-cell"
    assert finding.locator.startswith("cell:T15 (2)!")
    assert finding.key["TIME_PERIOD"] == row["TIME_PERIOD"]
    assert len(found) == 1


def test_a_sheet_of_another_country_than_expected_is_a_finding(structures):
    row = observations(dsd_of(structures, "T15"), count=1)[0]
    data = filled_bytes(structures, COUNTRY, {"T15": [row]})
    conversion = read_questionnaire(data, structures, country="VNM")
    assert [finding.rule for finding in conversion.report.findings] == ["other-country"]
    assert not conversion.report.is_accepted


def test_a_table_rewritten_by_pandas_is_read(structures, tmp_path):
    rows = [
        {id: value for id, value in row.items() if id not in ("OBS_STATUS", "CONF_STATUS", "NOTE")}
        for row in observations(dsd_of(structures, "T15"), count=20, sheets=1)
        if row["OBS_VALUE"] not in (None, "12.0", "0.100")
    ]
    data = filled_bytes(structures, COUNTRY, {"T15": rows})
    frame = pd.read_excel(io.BytesIO(data), sheet_name="T15", header=None, engine="calamine")
    path = tmp_path / "pandas.xlsx"
    frame.to_excel(path, sheet_name="T15", header=False, index=False)
    conversion, found = read_back(path, structures)
    assert conversion.report.findings == []
    assert found == given(rows)


def test_the_sheet_is_known_by_its_id_line_when_it_was_renamed(structures):
    row = observations(dsd_of(structures, "T15"), count=1)[0]
    workbook = openpyxl.load_workbook(io.BytesIO(filled_bytes(structures, COUNTRY, {"T15": [row]})))
    workbook["T15"].title = "Deployment"
    buffer = io.BytesIO()
    workbook.save(buffer)
    conversion, found = read_back(buffer.getvalue(), structures)
    assert conversion.report.findings == []
    assert found == given([row])


def test_what_has_no_place_in_the_questionnaire_is_refused(structures):
    dsd = dsd_of(structures, "T15")
    row = observations(dsd, count=1)[0]
    for change, words in [
        ({"MEASURE": "MNA_OPOP"}, "can only be"),
        ({"SEX": "SEX_Z"}, "no cell"),
        ({"OBS_VALUE": "1234567890123456"}, "more digits"),
        ({"OBS_VALUE": "12.5 persons"}, "no number"),
    ]:
        with pytest.raises(UnwritableValueError, match=words):
            filled_bytes(structures, COUNTRY, {"T15": [{**row, **change}]})
    with pytest.raises(UnwritableValueError, match="twice"):
        list(fill_sheets(dsd, PROFILE, [row, dict(row)]))


def test_an_unknown_table_or_country_is_refused_with_what_there_is(structures):
    with pytest.raises(UnknownTableError, match=r"T1, T2, .*T19"):
        template_bytes(structures, COUNTRY, [2024], ["T20"])
    with pytest.raises(UnknownTableError, match="takes no data"):
        template_bytes(structures, "FRA", [2024], ["T15"])


def test_a_version_that_no_table_has_is_refused(structures):
    with pytest.raises(UnknownVersionError, match="ECO_SECTOR"):
        template_bytes(structures, COUNTRY, [2024], ["T16"], versions={"ECO": "ECO_ISIC9"})
    with pytest.raises(UnknownVersionError, match="no table asked for"):
        template_bytes(structures, COUNTRY, [2024], ["T15"], versions={"ECO": "ECO_SECTOR"})


def test_a_year_that_is_no_period_is_refused(structures):
    with pytest.raises(PeriodSyntaxError):
        template_bytes(structures, COUNTRY, ["2024/25"], ["T15"])


def test_a_table_without_years_can_still_say_why(structures):
    data = filled_bytes(structures, COUNTRY, {"T3": []}, gap_reasons={"T3": "NOT_SHARED"})
    conversion = read_questionnaire(data, structures)
    assert conversion.report.findings == []
    assert conversion.tables[0].gap_reason == "NOT_SHARED"


def test_a_workbook_without_a_table_is_refused(structures):
    workbook = openpyxl.Workbook()
    workbook.active["A1"] = "Penempatan PMI"
    buffer = io.BytesIO()
    workbook.save(buffer)
    conversion = read_questionnaire(buffer.getvalue(), structures)
    rules = [finding.rule for finding in conversion.report.findings]
    assert rules == ["unknown-sheet", "no-table"]
    assert not conversion.report.is_accepted


@pytest.mark.parametrize("table", TABLES)
def test_every_key_of_a_table_has_a_cell(structures, table):
    dsd = dsd_of(structures, table)
    layout = table_layout(
        dsd,
        PROFILE,
        options=LayoutOptions(periods=("2024",), selected={"SEX": ("SEX_O",)}),
    )
    placed = {
        *layout.fixed,
        *(axis.id for axis in (*layout.rows, *layout.columns)),
        *(entry.component.id for entry in layout.fields if entry.component),
    }
    assert set(dsd.key_ids) <= placed
    shown = placed | {*PROFILE.attributes.flags, PROFILE.attributes.decimals}
    hidden = {component.id for component in dsd.attributes} - shown
    assert hidden <= set(PROFILE.attributes.only_with)
    sizes = [len(axis.printed) for axis in (*layout.rows, *layout.columns)]
    assert len(layout.row_headings()) * len(layout.column_headings()) == len(
        list(itertools.product(*(range(size) for size in sizes)))
    )


def test_the_shapes_of_the_tables(structures):
    def shape(table):
        layout = table_layout(
            dsd_of(structures, table), PROFILE, options=LayoutOptions(periods=("2023", "2024"))
        )
        return [axis.id for axis in layout.rows], [axis.id for axis in layout.columns]

    assert shape("T15") == (["COUNTERPART_AREA"], ["TIME_PERIOD", "SEX"])
    assert shape("T16") == (["ECO"], ["TIME_PERIOD", "SEX"])
    assert shape("T5") == (["ECO"], ["MIG", "TIME_PERIOD", "SEX"])
    assert shape("T1") == (["MEASURE", "AGE", "LMS"], ["MIG", "TIME_PERIOD", "SEX"])
    assert shape("T8") == (["MEASURE"], ["MIG", "TIME_PERIOD", "SEX"])


def test_countries_stand_between_total_and_remainder(structures):
    (axis,) = table_layout(dsd_of(structures, "T15"), PROFILE).rows
    assert axis.printed == ("TOTAL", None, None, None, None, None, "X")
    assert axis.caption == "Country of destination"
    assert not {"TOTAL", "X"} & set(axis.choices())
    assert "HKG" in axis.choices()
