"""A filled workbook of all tables, converted and written back, has the same cells: for every country."""

from __future__ import annotations

import io
import itertools
import random

import openpyxl
import pytest

from converters.questionnaire import read_questionnaire
from converters.reportable import reportable_codes, version_of
from converters.sheet_writer import UnwritableValueError
from converters.table import bound_dsd, questionnaire_flows
from converters.template import filled_bytes, template_bytes
from converters.workbook import read_workbook
from converters.write_back import write_back
from dsd.batch import ACTION, LOCATOR, batches_from_rows, rows_of
from dsd.dataset import Action, AttributeValues, Dataset
from service.submission.convert import read_submission

COUNTRIES = ["BRN", "IDN", "KHM", "LAO", "MMR", "MYS", "PHL", "SGP", "THA", "TLS", "VNM"]
PERIODS = ("2022", "2023")
VALUES = [
    "0",
    "0.0",
    "12",
    "12.0",
    "99.479",
    "0.100",
    "1234567",
    "-3",
    "0.000001",
    "123456789012.345",
]
FEW = 3
"""Sources and criteria to choose from."""


def choices(dsd, component, chance):
    """Return some codes of a dimension: of one version after the other, more than five countries."""
    codes = reportable_codes(component)
    if component.id in ("SOURCE", "MIG_CRITERION"):
        return [code.id for code in chance.sample(codes, min(FEW, len(codes)))]
    versions = {version_of(component, code) for code in codes}
    kept = set(chance.sample(sorted(versions - {None}), min(2, len(versions - {None})))) | {None}
    found = [code.id for code in codes if version_of(component, code) in kept]
    if len(found) <= 40:
        return found
    return sorted({*chance.sample(found, 8), *({"TOTAL", "X"} & set(found))})


def filling(dsd, seed):
    """Return observations of a table: blanks, zeros, markers, flags, notes, persons and thousands."""
    chance = random.Random(seed)  # noqa: S311
    offered = [choices(dsd, component, chance) for component in dsd.dimensions]
    every = list(itertools.product(*offered, PERIODS))
    whole = [n for n, id in enumerate(dsd.series_ids) if id in ("SOURCE", "MIG_CRITERION")]
    sheets = sorted({tuple(key[n] for n in whole) for key in every})
    kept = chance.sample(sheets, min(2, len(sheets)))
    every = [key for key in every if tuple(key[n] for n in whole) in kept]
    rows = []
    for key in sorted(chance.sample(every, min(30, len(every)))):
        row = dict(zip(dsd.key_ids, key, strict=True))
        by_sheet = random.Random(row["SOURCE"] + row.get("MIG_CRITERION", ""))  # noqa: S311
        row["OBS_VALUE"] = chance.choice(VALUES)
        row["UNIT_MEASURE"] = reportable_codes(dsd["UNIT_MEASURE"])[0].id
        row["UNIT_MULT"] = by_sheet.choice(["0", "3"])
        if chance.random() < 0.3:
            row["OBS_STATUS"] = chance.choice(["E", "P", "B", "U"])
        if chance.random() < 0.1:
            row["OBS_VALUE"], row["OBS_STATUS"] = None, chance.choice(["O", "L", "M"])
        if chance.random() < 0.1:
            row["OBS_VALUE"], row["OBS_STATUS"], row["CONF_STATUS"] = None, "Q", "C"
        if chance.random() < 0.2:
            row["NOTE"] = chance.choice(
                ["New register.", "Excludes Sabah; provisional (1)\nSee = 2"]
            )
        if by_sheet.random() < 0.6:
            row["AGE_MIN"] = "T2_84"
        if by_sheet.random() < 0.6 and chance.random() < 0.9:
            row["MIG_DEFINITION"] = ["T36_3214", "T36_3223"]
        if row["OBS_VALUE"] == "99.479" and chance.random() < 0.5:
            row["DECIMALS"] = "1"
        rows.append(row)
    return rows


def cells(data):
    """Return what stands in each cell of a workbook, by sheet and place."""
    return {
        (grid.name, cell.reference): (cell.kind.value, cell.text, cell.number_format)
        for grid in read_workbook(data).sheets
        for cell in grid
    }


def observed(datasets):
    return sorted(
        (
            {id: value for id, value in row.items() if id != LOCATOR}
            for dataset in datasets
            for row in rows_of(dataset.batches)
        ),
        key=str,
    )


def given(rows):
    return sorted(({id: v for id, v in row.items() if v is not None} for row in rows), key=str)


def rewritten(structures, conversion, languages=("en",)):
    ((_, data),) = write_back(
        structures, conversion.datasets, conversion.tables, conversion.sources, languages=languages
    )
    return data


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_workbook_of_every_table_comes_back_cell_by_cell(structures, country):
    tables = {
        flow.urn.short: filling(
            bound_dsd(structures, flow, "REF_AREA", country), f"{country}{flow.id}"
        )
        for flow in questionnaire_flows(structures)
    }
    assert len(tables) == 19
    tables["DF_MNA_OPOP_SEX_CDS"] = tables.pop("ILMS:DF_MNA_OPOP_SEX_CDS(1.0.0)")[:0]
    first = filled_bytes(
        structures, country, tables, PERIODS, gap_reasons={"DF_MNA_OPOP_SEX_CDS": "NOT_SHARED"}
    )
    conversion = read_questionnaire(first, structures, country=country)
    assert conversion.report.findings == []
    assert observed(conversion.datasets) == given(row for rows in tables.values() for row in rows)
    assert sum(len(table.sheets) for table in conversion.tables) >= 2 * len(tables) - 1
    assert cells(rewritten(structures, conversion)) == cells(first)


def test_what_people_write_comes_back_as_it_was_read(structures):
    data = template_bytes(structures, "KHM", [2023, 2024], ["T15", "T16", "T8"])
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    sheet = workbook["T15"]
    labels = {sheet.cell(row, 1).value: row for row in range(1, 45)}
    sheet.cell(labels["Source"], 2).value = "BA_1321"
    sheet.cell(labels["Figures are in"], 2).value = "thousands"
    first = labels["Country of destination"] + 1
    for number, values in enumerate(
        [
            ["Total", 12, "E", 7.5],
            ["thailand", "..", None, "c"],
            ["Rep. of Korea", 0, "(1) P", None],
        ]
    ):
        sheet.cell(first + number, 1).value = values[0]
        for column, value in zip((2, 3, 4), values[1:], strict=True):
            sheet.cell(first + number, column).value = value
    sheet.cell(labels["Note (1)"], 2).value = "EPS only"
    workbook["Sources"]["A6"] = "Labour force survey"
    workbook["Sources"]["G6"] = "15 years old"
    wages = workbook["T8"]
    rows = {wages.cell(row, 1).value: row for row in range(1, 45)}
    wages.cell(rows["No data because"], 2).value = "Infrequent"
    buffer = io.BytesIO()
    workbook.save(buffer)
    conversion = read_questionnaire(buffer.getvalue(), structures)
    assert {finding.rule for finding in conversion.report.findings} == {"empty-table"}
    once = rewritten(structures, conversion)
    again = read_questionnaire(once, structures)
    assert observed(again.datasets) == observed(conversion.datasets)
    assert len(observed(again.datasets)) == 5
    assert [(t.table, t.gap_reason, t.periods) for t in again.tables] == [
        ("T8", "INFREQUENT", ("2023", "2024")),
        ("T15", None, ("2023", "2024")),
        ("T16", None, ("2023", "2024")),
    ]
    assert [(s.source, s.values) for s in again.sources] == [("BA_1321", {"AGE_MIN": ("T2_84",)})]
    assert cells(rewritten(structures, again)) == cells(once)


def test_data_of_several_countries_make_a_workbook_each(structures):
    dsd = structures.dsd(
        next(f for f in questionnaire_flows(structures) if f.id == "DF_MNA_OEMP_SEX_CDS").urn
    )
    rows = [
        {
            "REF_AREA": country,
            "FREQ": "A",
            "MEASURE": "MNA_OEMP",
            "SEX": "SEX_T",
            "COUNTERPART_AREA": "TOTAL",
            "SOURCE": "_U",
            "TIME_PERIOD": "2024",
            "OBS_VALUE": "1.5",
        }
        for country in ("IDN", "THA")
    ]
    above = (
        AttributeValues({}, {"UNIT_MEASURE": "PS", "UNIT_MULT": "3"}),
        AttributeValues({"REF_AREA": "THA"}, {"AGE_MIN": "T2_84"}),
    )
    dataset = Dataset(dsd, list(batches_from_rows(dsd, rows)), attributes=above)
    found = dict(write_back(structures, [dataset]))
    assert sorted(found) == ["IDN", "THA"]
    for country, data in found.items():
        conversion = read_questionnaire(data, structures)
        assert conversion.report.findings == []
        (row,) = observed(conversion.datasets)
        assert (row["REF_AREA"], row["UNIT_MULT"]) == (country, "3")
        assert row.get("AGE_MIN") == ("T2_84" if country == "THA" else None)


def test_a_deletion_cannot_be_written(structures):
    dsd = structures.dsd(questionnaire_flows(structures)[0].urn)
    whole = Dataset(dsd, list(batches_from_rows(dsd, [{"REF_AREA": "IDN"}])), action=Action.DELETE)
    with pytest.raises(UnwritableValueError, match="deletes"):
        list(write_back(structures, [whole]))
    from dsd.batch import batch_schema

    schema = batch_schema(dsd, ["REF_AREA"], actions=True)
    batches = list(batches_from_rows(dsd, [{"REF_AREA": "IDN", ACTION: "Delete"}], schema))
    with pytest.raises(UnwritableValueError, match="deletes"):
        list(write_back(structures, [Dataset(dsd, batches)]))


def test_the_reading_of_a_workbook_has_what_writing_it_back_needs(structures):
    data = template_bytes(structures, "KHM", [2024], ["T15"])
    with read_submission(data, structures) as reading:
        list(reading.datasets)
    assert [table.periods for table in reading.tables] == [("2024",)]
    assert reading.sources == ()
