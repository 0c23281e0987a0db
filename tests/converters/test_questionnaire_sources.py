"""The sources sheet: what it says of a source holds for its tables, and nothing private leaves the file."""

from __future__ import annotations

import dataclasses
import io

import openpyxl
import pytest

from converters.conversion import SourceDescription
from converters.label import LabelIndexes
from converters.layout import table_layout
from converters.profile import load_profile
from converters.questionnaire import read_questionnaire
from converters.sheet_reader import SheetReader
from converters.source_reader import SourceRow, Sources
from converters.source_sheet import source_sheet_layout
from converters.table import bound_dsd, find_flow
from converters.template import filled_bytes, template_bytes
from converters.workbook import read_workbook
from dsd.batch import LOCATOR, rows_of
from dsd.finding import Report

LFS, REGISTER = "BA_1321", "FX_14128"
FIRST_ROW = 6
COLUMNS = {
    "SOURCE": "A",
    "SOURCE_NAME": "B",
    "SOURCE_TYPE": "C",
    "REF_PERIOD_DETAIL": "D",
    "COVERAGE_GEO": "E",
    "COVERAGE_POP": "F",
    "AGE_MIN": "G",
    "AGE_MAX": "H",
    "MIG_DEFINITION": "I",
    "SOURCE_REMARKS": "J",
    "SOURCE_CONTACT": "K",
}


def rows_about(source, **attributes):
    """Return two observations of Cambodia's table 15."""
    return [
        {
            "REF_AREA": "KHM",
            "FREQ": "A",
            "MEASURE": "MNA_OEMP",
            "SEX": "SEX_T",
            "COUNTERPART_AREA": partner,
            "SOURCE": source,
            "TIME_PERIOD": "2024",
            "OBS_VALUE": value,
            "UNIT_MEASURE": "PS",
            "UNIT_MULT": "0",
            **attributes,
        }
        for partner, value in (("TOTAL", "90"), ("THA", "80"))
    ]


def edited(data, cells, sheet="Sources"):
    """Return the workbook with these cells of a sheet changed, by openpyxl."""
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    for reference, value in cells.items():
        workbook[sheet][reference] = value
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def described(data, **cells):
    """Return the workbook with one source described, by the ids of the columns."""
    return edited(data, {f"{COLUMNS[id]}{FIRST_ROW}": value for id, value in cells.items()})


@pytest.fixture(scope="module")
def filled(structures):
    """A workbook whose table leaves coverage to the sources sheet, which is blank."""
    data = filled_bytes(structures, "KHM", {"T15": rows_about(REGISTER)})
    return edited(data, {f"A{FIRST_ROW}": None, f"C{FIRST_ROW}": None})


def read(data, structures):
    conversion = read_questionnaire(data, structures)
    rows = [row for dataset in conversion.datasets for row in rows_of(dataset.batches)]
    return conversion, rows


def findings(conversion):
    return [(f.rule, f.locator, f.suggestion) for f in conversion.report.findings]


def test_a_row_fills_the_lines_that_the_table_leaves_blank(structures, filled):
    data = described(
        filled,
        SOURCE="Administrative Records, Department of Employment and Manpower, Ministry of Labour and "
        "Vocational Training",
        SOURCE_NAME="ទិន្នន័យរដ្ឋបាល",
        COVERAGE_GEO="Total national",
        AGE_MIN="15 years old",
        MIG_DEFINITION="Registered migrant workers; Registered nationals abroad",
        SOURCE_REMARKS="Two offices since 2020.",
    )
    conversion, rows = read(data, structures)
    assert findings(conversion) == []
    assert len(rows) == 2
    for row in rows:
        assert row["COVERAGE_GEO"] == ["S4_29"]
        assert row["AGE_MIN"] == "T2_84"
        assert row["MIG_DEFINITION"] == ["T36_3218", "T36_3222"]
        assert "AGE_MAX" not in row
    assert conversion.origins["T15", "AGE_MIN"] == f"cell:Sources!G{FIRST_ROW}"
    assert conversion.origins["T15", "SOURCE"].startswith("cell:T15!")
    (source,) = conversion.sources
    assert (source.source, source.country) == (REGISTER, "KHM")
    assert source.values["SOURCE_NAME"] == ("ទិន្នន័យរដ្ឋបាល",)
    assert source.values["SOURCE_REMARKS"] == ("Two offices since 2020.",)
    assert source.locators["SOURCE"] == f"cell:Sources!A{FIRST_ROW}"


def test_a_contact_is_read_nowhere(structures, filled):
    contact = "Sok Dara, sok.dara@example.org, +855 12 345 678"
    data = described(filled, SOURCE=REGISTER, SOURCE_CONTACT=contact)
    conversion, rows = read(data, structures)
    assert findings(conversion) == []
    for word in ("Dara", "example.org", "12 345"):
        assert word not in repr((rows, conversion))


def test_a_contact_in_another_column_is_not_repeated(structures, filled):
    data = described(filled, SOURCE=REGISTER, SOURCE_REMARKS="Ask dara@example.org")
    conversion, _ = read(data, structures)
    assert findings(conversion) == [("unread-source", f"cell:Sources!J{FIRST_ROW}", None)]
    assert "dara" not in repr(conversion)


def test_a_sheet_that_says_otherwise_counts_and_is_told(structures):
    data = filled_bytes(structures, "KHM", {"T15": rows_about(REGISTER, AGE_MIN="T2_84")})
    conversion, rows = read(edited(data, {f"G{FIRST_ROW}": "10 years old"}), structures)
    assert conversion.report.findings == []
    assert {row["AGE_MIN"] for row in rows} == {"T2_239"}
    sheet = openpyxl.load_workbook(io.BytesIO(data))["T15"]
    place = next(f"B{row}" for row in range(1, 60) if sheet.cell(row, 1).value == "Minimum age")
    both = edited(data, {place: "10 years old"}, "T15")
    conversion, rows = read(both, structures)
    assert findings(conversion) == [("source-contradiction", f"cell:T15!{place}", "15 years old")]
    assert {row["AGE_MIN"] for row in rows} == {"T2_239"}
    assert conversion.report.is_accepted


def test_fewer_definitions_than_the_source_has_are_no_contradiction(structures):
    rows = rows_about(REGISTER, MIG_DEFINITION=["T36_3218"])
    source = SourceDescription(REGISTER, {"MIG_DEFINITION": ("T36_3218", "T36_3222")})
    data = filled_bytes(structures, "KHM", {"T15": rows}, sources=[source])
    conversion, found = read(data, structures)
    assert conversion.report.findings == []
    assert {tuple(row["MIG_DEFINITION"]) for row in found} == {("T36_3218",)}


def test_a_source_that_no_row_describes_is_a_warning_at_the_table(structures, filled):
    conversion, rows = read(filled, structures)
    ((rule, locator, _),) = findings(conversion)
    assert (rule, locator.partition("!")[0]) == ("undescribed-source", "cell:T15")
    assert conversion.report.is_accepted
    assert len(rows) == 2


def test_a_label_that_a_table_needs_is_an_error_of_that_table(structures, filled):
    data = described(filled, SOURCE=REGISTER, COVERAGE_GEO="Total nationl", SOURCE_TYPE="Registr")
    conversion, rows = read(data, structures)
    needed, other = conversion.report.findings
    assert (needed.rule, needed.locator) == ("unknown-label", f"cell:Sources!E{FIRST_ROW}")
    assert (needed.suggestion, needed.dataflow) == ("S4_29", "ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)")
    assert (other.rule, other.locator) == ("unread-source", f"cell:Sources!C{FIRST_ROW}")
    assert other.dataflow is None
    assert not conversion.report.is_accepted
    assert all("COVERAGE_GEO" not in row for row in rows)


def test_a_label_that_no_table_needs_rejects_nothing(structures, filled):
    data = edited(
        filled, {"A6": REGISTER, "A7": LFS, "E7": "Total nationl", "A8": "Population cencus"}
    )
    conversion, _ = read(data, structures)
    assert findings(conversion) == [
        ("unread-source", "cell:Sources!A8", "AA_1320"),
        ("unread-source", "cell:Sources!E7", "S4_29"),
    ]
    assert conversion.report.is_accepted


def test_a_source_of_another_type_than_the_list_knows_is_told(structures, filled):
    data = described(filled, SOURCE=REGISTER, SOURCE_TYPE="Labour force survey")
    conversion, _ = read(data, structures)
    ((rule, locator, suggestion),) = findings(conversion)
    assert (rule, locator) == ("source-contradiction", f"cell:Sources!C{FIRST_ROW}")
    assert suggestion == "Other administrative records and related sources"


def test_rows_without_a_source_or_described_twice_are_told(structures, filled):
    data = edited(
        filled, {"A6": REGISTER, "A7": REGISTER, "E7": "Urban areas only", "B8": "New survey"}
    )
    conversion, rows = read(data, structures)
    assert findings(conversion) == [
        ("unread-source", "cell:Sources!A7", None),
        ("unread-source", "cell:Sources!A8", None),
    ]
    assert all("COVERAGE_GEO" not in row for row in rows)


def test_a_sources_sheet_is_known_by_its_captions_wherever_they_stand(structures, filled):
    workbook = openpyxl.load_workbook(
        io.BytesIO(described(filled, SOURCE=REGISTER, AGE_MIN="15 years old"))
    )
    sheet = workbook["Sources"]
    sheet.title = "Survey sheet"
    sheet.insert_rows(2, 3)
    workbook.move_sheet(sheet, 5)
    workbook._sheets.append(workbook._sheets.pop(workbook.sheetnames.index("Survey sheet")))
    buffer = io.BytesIO()
    workbook.save(buffer)
    conversion, rows = read(buffer.getvalue(), structures)
    assert findings(conversion) == []
    assert {row["AGE_MIN"] for row in rows} == {"T2_84"}
    assert conversion.origins["T15", "AGE_MIN"] == "cell:Survey sheet!G9"


def test_sources_of_a_country_that_nobody_names_are_not_read(structures, filled):
    data = edited(described(filled, SOURCE=REGISTER), {"B3": None})
    conversion, _ = read(data, structures)
    assert ("unread-source", "cell:Sources!A1", None) in findings(conversion)


def test_sources_of_a_country_that_reports_nothing_are_not_read(structures, filled):
    data = edited(described(filled, SOURCE=REGISTER), {"B3": "France"})
    conversion, _ = read(data, structures)
    assert ("unread-source", "cell:Sources!A1", None) in findings(conversion)
    assert conversion.sources == ()


@pytest.mark.parametrize("languages", [("en",), ("fr",), ("es", "en")])
def test_sources_come_back_in_any_language(structures, languages):
    rows = [
        *rows_about(REGISTER, AGE_MIN="T2_84", MIG_DEFINITION=["T36_3218"]),
        *rows_about(LFS, COVERAGE_POP=["S5_37"]),
        *rows_about("_U"),
    ]
    data = filled_bytes(structures, "KHM", {"T15": rows}, languages=languages)
    conversion, found = read(data, structures)
    assert conversion.report.findings == []
    for row in found:
        del row[LOCATOR]
    assert sorted(found, key=str) == sorted(rows, key=str)
    assert [(s.source, dict(s.values)) for s in conversion.sources] == [
        (LFS, {"SOURCE_TYPE": ("BA",), "COVERAGE_POP": ("S5_37",)}),
        (
            REGISTER,
            {"SOURCE_TYPE": ("FX",), "AGE_MIN": ("T2_84",), "MIG_DEFINITION": ("T36_3218",)},
        ),
    ]


def test_a_value_that_the_source_has_and_a_figure_has_not_stays_absent(structures):
    rows = rows_about(REGISTER, AGE_MIN="T2_84")
    rows[1].pop("AGE_MIN")
    source = SourceDescription(REGISTER, {"AGE_MIN": ("T2_84",)})
    conversion, found = read(
        filled_bytes(structures, "KHM", {"T15": rows}, sources=[source]), structures
    )
    assert conversion.report.findings == []
    assert sorted(row.get("AGE_MIN") or "" for row in found) == ["", "T2_84"]


def test_a_code_that_a_table_does_not_allow_is_not_taken(structures, filled):
    dsd = bound_dsd(structures, find_flow(structures, "T15"), "REF_AREA", "KHM")
    narrowed = dataclasses.replace(
        dsd,
        components=tuple(
            dataclasses.replace(c, allowed=frozenset({"T2_239"})) if c.id == "AGE_MIN" else c
            for c in dsd.components
        ),
    )
    profile = load_profile()
    layout = source_sheet_layout([dsd], structures, profile)
    row = SourceDescription(REGISTER, {"AGE_MIN": ("T2_84",)}, {"AGE_MIN": "cell:Sources!G6"})
    grid = next(g for g in read_workbook(filled).sheets if g.name == "T15")
    report = Report()
    sources = Sources(layout, {REGISTER: SourceRow(row)})
    result = SheetReader(
        grid, table_layout(narrowed, profile), report, LabelIndexes(), sources
    ).read()
    assert [(f.rule, f.locator) for f in report.findings] == [
        ("code-not-allowed", "cell:Sources!G6")
    ]
    assert all("AGE_MIN" not in found for found in result.rows)


def test_the_template_offers_the_sources_of_the_country_and_keeps_contacts_apart(structures):
    workbook = openpyxl.load_workbook(
        io.BytesIO(template_bytes(structures, "KHM", [2024], ["T15", "T1"]))
    )
    sheet = workbook["Sources"]
    assert [cell.value for cell in sheet[5]][:3] == [
        "Source",
        "Name in the country, without year",
        "Type of source",
    ]
    assert sheet["B3"].value == "Cambodia"
    assert sheet["A3"].protection.locked
    assert not sheet["K6"].protection.locked
    offered = {}
    for validation in sheet.data_validations.dataValidation:
        area = (validation.formula1 or "").replace("$", "").partition("!")[2]
        texts = [cell.value for row in workbook["Lists"][area] for cell in row] if area else []
        offered[str(validation.sqref)[0]] = (texts, validation.prompt)
    assert "Labour force survey" in offered["A"][0]
    assert not any("Indonesia" in text for text in offered["A"][0])
    assert "Population register" in offered["C"][0]
    assert offered["K"] == ([], "stays in your file: it is never read nor published")
