"""Sums, duplicates and clean data against an evaluation of our own in plain Python decimals."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from codelists.urn import Urn
from service.validation.engine import validate

COUNTRIES = ("HKG", "SGP", "JPN")
YEARS = ("2021", "2022")
FEW = hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def dsd(structures):
    return structures.dsd(Urn("Dataflow", "ILMS", "DF_MNA_OEMP_SEX_CDS", "1.0.0"))


def written(thousandths: int, places: int) -> str:
    """Write thousandths of a unit of 10**(3 - places) with so many decimals."""
    return f"{Decimal(thousandths).scaleb(-places):f}"


@st.composite
def tables(draw):
    """Return (sex, country, year) to whole number, adding up exactly; and the decimals to write them with."""
    cells = {}
    for country, year in product((*COUNTRIES, "X"), YEARS):
        male, female = draw(st.integers(0, 5000)), draw(st.integers(0, 5000))
        cells["SEX_M", country, year] = male
        cells["SEX_F", country, year] = female
        cells["SEX_T", country, year] = male + female
    for sex, year in product(("SEX_T", "SEX_M", "SEX_F"), YEARS):
        cells[sex, "TOTAL", year] = sum(cells[sex, c, year] for c in (*COUNTRIES, "X"))
    return cells, draw(st.integers(0, 3))


def rows_of_table(cells: dict, places: int, multiplier: int = 3) -> list[dict[str, str]]:
    return [
        {
            "REF_AREA": "IDN",
            "FREQ": "A",
            "MEASURE": "MNA_OEMP",
            "SEX": sex,
            "COUNTERPART_AREA": country,
            "SOURCE": "FB_6665",
            "TIME_PERIOD": year,
            "OBS_VALUE": written(number, places),
            "UNIT_MEASURE": "PS",
            "UNIT_MULT": str(multiplier),
            "$locator": f"line:{line}",
        }
        for line, ((sex, country, year), number) in enumerate(cells.items(), 2)
    ]


def expected_findings(cells: dict) -> set[tuple]:
    """Evaluate R-03, R-04 and R-06 over whole numbers of rounding units, cell by cell."""
    found = set()
    for (sex, country, year), total in cells.items():
        sets = []
        if sex == "SEX_T":
            sets.append(("SEX", [("SEX_M", country, year), ("SEX_F", country, year)], True))
        if country == "TOTAL":
            sets.append(
                (
                    "COUNTERPART_AREA",
                    [(sex, c, year) for c in (*COUNTRIES, "X")],
                    (sex, "X", year) in cells,
                )
            )
        for component, keys, complete in sets:
            parts = [cells[key] for key in keys if key in cells]
            complete = complete and (component != "SEX" or len(parts) == 2)
            if not parts:
                continue
            tolerance = Decimal(len(parts) + 1) / 2
            exceeds = any(part - total > 1 for part in parts)
            off = Decimal(sum(parts) - total)
            wrong = abs(off) > tolerance if complete else off > tolerance and not exceeds
            if wrong:
                found.add(("partition-sum", component, sex, country, year))
            if exceeds:
                found.add(("part-exceeds-total", component, sex, country, year))
    return found


def found_in(report) -> set[tuple]:
    return {
        (f.rule, f.component, f.key["SEX"], f.key["COUNTERPART_AREA"], f.key["TIME_PERIOD"])
        for f in report.findings
    }


@FEW
@given(table=tables())
def test_a_table_that_adds_up_has_no_finding(table, dsd, structures, dataset_of, settings):
    cells, places = table
    rows = rows_of_table(cells, places)
    assert validate(dataset_of(dsd, rows), structures, settings=settings).findings == []


@FEW
@given(table=tables(), data=st.data())
def test_changed_and_missing_cells_are_found_as_the_oracle_finds_them(
    table, data, dsd, structures, dataset_of, settings
):
    cells, places = table
    keys = sorted(cells)
    for key in data.draw(st.lists(st.sampled_from(keys), max_size=4, unique=True)):
        cells[key] = max(0, cells[key] + data.draw(st.integers(-6, 6)))
    for key in data.draw(st.lists(st.sampled_from(keys), max_size=3, unique=True)):
        del cells[key]
    report = validate(dataset_of(dsd, rows_of_table(cells, places)), structures, settings=settings)
    assert found_in(report) == expected_findings(cells)


@FEW
@given(table=tables(), data=st.data())
def test_one_corrupted_code_is_exactly_one_finding(
    table, data, dsd, structures, dataset_of, settings
):
    cells, places = table
    rows = rows_of_table(cells, places)
    row = rows[data.draw(st.integers(0, len(rows) - 1))]
    component = data.draw(
        st.sampled_from(["REF_AREA", "FREQ", "MEASURE", "SEX", "COUNTERPART_AREA", "SOURCE"])
    )
    row[component] = "NOSUCH"
    (finding,) = validate(dataset_of(dsd, rows), structures, settings=settings).findings
    assert (finding.rule, finding.component, finding.value, finding.locator) == (
        "unknown-code",
        component,
        "NOSUCH",
        row["$locator"],
    )


@FEW
@given(table=tables(), data=st.data())
def test_one_doubled_row_is_exactly_one_finding(table, data, dsd, structures, dataset_of, settings):
    cells, places = table
    rows = rows_of_table(cells, places)
    place = data.draw(st.integers(0, len(rows) - 1))
    again = {**rows[place], "$locator": "line:99"}
    contradicts = data.draw(st.booleans())
    if contradicts:
        again["OBS_VALUE"] = f"7{again['OBS_VALUE']}"
    (finding,) = validate(dataset_of(dsd, [*rows, again]), structures, settings=settings).findings
    assert finding.rule == ("duplicate-contradictory" if contradicts else "duplicate-identical")
    assert finding.locator == "line:99"


@pytest.mark.parametrize(
    ("total", "male", "female", "is_right"),
    [
        # Binary floating point would call the first sum wrong and the second right.
        ("0.3", "0.1", "0.2", True),
        ("90071992547409931.5", "90071992547409929.5", "0", False),
        ("90071992547409931.5", "90071992547409930.0", "1.4", True),
        (f"{10**19}.05", f"{10**19}.0", "0.05", True),
        (f"{10**29}.05", f"{10**29}.03", "0", False),
        # Longer than any count of people: they take part in no sum, and break none.
        (f"{10**60}", f"{10**59}", "1", True),
        # Half a unit for each part and the total, inclusive: 1.5 of the last digit.
        ("1.00", "0.50", "0.515", False),
        ("1.000", "0.500", "0.501", True),
        ("1.000", "0.500", "0.502", False),
        ("1000", "400", "601", True),
        ("1000", "400", "602", False),
    ],
)
def test_sums_are_decimal_and_tolerances_inclusive(
    total, male, female, is_right, dsd, structures, dataset_of, settings
):
    cells = {(sex, "HKG", "2021"): 0 for sex in ("SEX_T", "SEX_M", "SEX_F")}
    rows = rows_of_table(cells, 0)
    for row, value in zip(rows, (total, male, female), strict=True):
        row["OBS_VALUE"] = value
    report = validate(dataset_of(dsd, rows), structures, settings=settings)
    assert (report.findings == []) is is_right


def test_units_and_thousands_are_compared_as_amounts(dsd, structures, dataset_of, settings):
    cells = {("SEX_T", "HKG", "2021"): 5, ("SEX_M", "HKG", "2021"): 2, ("SEX_F", "HKG", "2021"): 3}
    rows = rows_of_table(cells, 0)
    rows[1] |= {"OBS_VALUE": "2000", "UNIT_MULT": "0"}
    assert validate(dataset_of(dsd, rows), structures, settings=settings).findings == []
    rows[1]["OBS_VALUE"] = "2002"
    (finding,) = validate(dataset_of(dsd, rows), structures, settings=settings).findings
    assert finding.rule == "partition-sum"
    assert "SEX_M 2.002 + SEX_F 3 = 5.002, but SEX_T is 5" in finding.message


@pytest.mark.parametrize("value", ["1E999999999", "-INF", "NaN", "1E-999999999", "9" * 5000, "1e9"])
def test_numbers_of_any_size_are_read_without_harm(
    value, with_test_structures, dataset_of, settings
):
    dsd = with_test_structures.dsd(Urn("Dataflow", "TEST", "DF_FACETS", "1.0.0"))
    row = {"AREA": "IDN", "OBS_STATUS": "O", "UNIT_MEASURE": "PS", "UNIT_MULT": "3"}
    rows = [{**row, "TIME_PERIOD": "2020", "OBS_VALUE": value}, {**row, "TIME_PERIOD": "2021"}]
    findings = validate(dataset_of(dsd, rows), with_test_structures, settings=settings).findings
    assert {finding.rule for finding in findings} <= {"facet-violated", "value-despite-status"}


def test_a_part_without_a_figure_leaves_the_set_open(dsd, structures, dataset_of, settings):
    cells = {("SEX_T", "HKG", "2021"): 5, ("SEX_M", "HKG", "2021"): 2, ("SEX_F", "HKG", "2021"): 0}
    rows = rows_of_table(cells, 0)
    rows[2] |= {"OBS_VALUE": "", "OBS_STATUS": "Q"}
    assert validate(dataset_of(dsd, rows), structures, settings=settings).findings == []
