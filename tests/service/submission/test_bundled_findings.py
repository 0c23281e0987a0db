"""What is wrong with the bundled workbooks: the program, an arithmetic of the test's own, and a list made by hand agree.

`pytest --update-examples` writes sheet and cell into the list, where the layout of the workbooks has changed: those that the
test's own arithmetic finds, never those that the program says.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from converters.examples.build import SUBMISSIONS
from dsd.finding import Severity, parse_locator
from service.config import Settings
from service.submission.receive import submit
from service.submission.report import rule_infos
from service.submission.result import State
from service.validation.waiver import read_waivers

WORKBOOKS = sorted(SUBMISSIONS.glob("*.xlsx"))
EXPECTED = Path(__file__).parents[2] / "examples" / "submissions" / "expected-findings.csv"
SEXES = {"SEX_T": "Total", "SEX_M": "Male", "SEX_F": "Female"}


class Found(NamedTuple):
    """A mistake: the number of the rule, the place, and what the figure there is about."""

    ilms: str
    workbook: str
    sheet: str
    cell: str
    sex: str
    year: str
    value: str


# -- the list made by hand -----------------------------------------------------------------------------------


def listed() -> list[dict[str, str]]:
    with EXPECTED.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def as_found(row: dict[str, str]) -> Found:
    return Found(
        *(row[name] for name in ("ilms", "workbook", "sheet", "cell", "sex", "year", "value"))
    )


# -- arithmetic of the test's own ----------------------------------------------------------------------------

SECTOR = "Economic activity"
SKILL = "Occupation"
OTHER = "Other countries"
GROUPS = {"United States and Canada"}
# (rows, their total, rows that may be absent); letters and digits stand for rows that begin with them.
SETS = {
    SECTOR: [
        (["Agriculture", "Industry", "Services"], "Total", ["Not classified"]),
        (["Agriculture", "Non-agriculture"], "Total", []),
        (["Industry", "Services"], "Non-agriculture", ["Not classified"]),
        (list("ABCDEFGHIJKLMNOPQRST"), "Total", ["U", "X"]),
    ],
    SKILL: [
        (
            ["Skill levels 3 and 4 (high)", "Skill level 2 (medium)", "Skill level 1 (low)"],
            "Total",
            ["Not elsewhere classified"],
        ),
        (list("123456789"), "Total", ["0", "X"]),
    ],
}


@dataclass
class Figure:
    amount: Decimal
    sheet: str
    cell: str


class Table:
    """One table of a workbook as pandas sees it: figures by row label, sex and year, for each of its sheets."""

    def __init__(self, sheets: dict[str, pd.DataFrame]) -> None:
        self.sheets = {name: dict(_figures(name, grid)) for name, grid in sheets.items()}
        self.heading = {name: _heading(grid) for name, grid in sheets.items()}
        decimals: dict[str, int] = defaultdict(int)
        for figures in self.sheets.values():
            for (_, _, year), figure in figures.items():
                exponent = figure.amount.normalize().as_tuple().exponent
                decimals[year] = max(decimals[year], -int(exponent))
        self.half_units = {
            year: Decimal(1).scaleb(-places) / 2 for year, places in decimals.items()
        }


def _start(grid: pd.DataFrame) -> int:
    return int(grid.index[grid[0] == "Year"][0])


def _heading(grid: pd.DataFrame) -> str:
    return str(grid.iloc[_start(grid) + 2, 0])


def _figures(name: str, grid: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str], Figure]]:
    start = _start(grid)
    years, sexes = (grid.iloc[start + line].ffill() for line in (0, 1))
    labels = grid[0]
    for row in range(start + 3, len(grid)):
        for column in range(1, grid.shape[1]):
            content = grid.iloc[row, column]
            if (
                grid.iloc[start + 2, column] == "Value"
                and isinstance(content, int | float)
                and pd.notna(content)
            ):
                label = re.sub(r"^([A-Z0-9])\. .*", r"\1", str(labels[row]))
                where = f"{get_column_letter(column + 1)}{row + 1}"
                key = (label, str(sexes[column]), str(int(years[column])))
                yield key, Figure(Decimal(repr(content)), name, where)


def tables_of(workbook: Path) -> list[Table]:
    grids = pd.read_excel(workbook, sheet_name=None, header=None, dtype=object, engine="calamine")
    tables: dict[str, dict[str, pd.DataFrame]] = defaultdict(dict)
    for name, grid in grids.items():
        if re.match(r"T\d+( \(\d+\))?$", name):
            tables[name.partition(" ")[0]][name] = grid
    return [Table(sheets) for sheets in tables.values()]


def mistakes(workbook: Path) -> Iterator[Found]:
    for table in tables_of(workbook):
        for sheet, figures in table.sheets.items():
            for ilms, place in _wrong(table, sheet):
                at, (_, sex, year) = figures[place], place
                code = next(code for code, label in SEXES.items() if label == sex)
                value = f"{at.amount.normalize():f}"
                yield Found(ilms, workbook.stem, sheet, at.cell, code, year, value)


def _wrong(table: Table, sheet: str) -> Iterator[tuple[str, tuple[str, str, str]]]:
    figures = table.sheets[sheet]
    for label, _, year in [key for key in figures if key[1] == "Total"]:
        by_sex = [(label, sex, year) for sex in ("Male", "Female")]
        for ilms in _compared(table, figures, (label, "Total", year), by_sex, [], "R-03"):
            yield ilms, (label, "Total", year)
    for sex, year in dict.fromkeys(key[1:] for key in figures):
        for parts, total, optional in _sets(table.heading[sheet], figures):
            if (total, sex, year) in figures:
                needed = [(label, sex, year) for label in parts]
                more = [(label, sex, year) for label in optional]
                whole = "R-06" if OTHER in parts else "R-05"
                for ilms in _compared(table, figures, (total, sex, year), needed, more, whole):
                    yield ilms, (total, sex, year)
        unknown, others = ("Not classified", sex, year), ("Non-agriculture", sex, year)
        both = unknown in figures and others in figures
        if both and figures[unknown].amount == figures[others].amount != 0:
            yield "R-07", unknown


def _sets(heading: str, figures: dict[tuple[str, str, str], Figure]):
    if heading in SETS:
        return SETS[heading]
    countries = {label for label, _, _ in figures} - {"Total", OTHER} - GROUPS
    return [([OTHER], "Total", sorted(countries))]


def _compared(table, figures, total, needed, optional, whole: str) -> Iterator[str]:
    """Yield the rules that a total and its parts break."""
    present = [key for key in (*needed, *optional) if key in figures]
    beside = [
        figures[key].amount
        for key in ((group, *total[1:]) for group in GROUPS)
        if key in figures and whole == "R-06"
    ]
    if not present and not beside:
        return
    half, amount = table.half_units[total[2]], figures[total].amount
    if any(figures[key].amount - amount > 2 * half for key in present):
        yield "R-04"
    over = sum(figures[key].amount for key in present) - amount
    tolerance = (len(present) + len(beside) + 1) * half
    if all(key in figures for key in needed):
        if over > tolerance or over + sum(beside) < -tolerance:
            yield whole
    elif over > tolerance:
        yield whole


def without_source(workbook: Path) -> Iterator[Found]:
    """A warning a table whose sheets name no source, at the first figure of the first sheet."""
    for table in tables_of(workbook):
        sheet, figures = next(iter(table.sheets.items()))
        first = next(iter(figures.values()))
        yield Found("R-01", workbook.stem, sheet, first.cell, "", "", "_U")


def by_hand_arithmetic() -> list[Found]:
    return [
        found
        for workbook in WORKBOOKS
        for found in (*mistakes(workbook), *without_source(workbook))
    ]


# -- the program ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(structures, tmp_path_factory):
    settings = Settings(temporary_folder=tmp_path_factory.mktemp("spool"))
    return {path.stem: submit(path, structures, settings=settings) for path in WORKBOOKS}


def said(results) -> list[tuple[str, ...]]:
    """Return what the program finds, in the words of the list."""
    return [
        (
            finding.rule,
            finding.severity.value,
            workbook,
            *parse_locator(finding.locator).place.rsplit("!", 1),
            finding.component,
            finding.key.get("SEX", ""),
            next(
                (finding.key[id] for id in ("COUNTERPART_AREA", "ECO", "OCU") if id in finding.key),
                "",
            ),
            finding.key.get("TIME_PERIOD", ""),
            finding.value,
        )
        for workbook, result in results.items()
        for finding in result.all_findings
    ]


# -- tests ---------------------------------------------------------------------------------------------------


def test_the_list_made_by_hand_has_the_known_number_of_each_rule() -> None:
    counts = Counter(row["ilms"] for row in listed())
    assert counts == {"R-01": 20, "R-03": 4, "R-04": 1, "R-05": 2, "R-06": 1, "R-07": 3}


def test_an_arithmetic_of_its_own_finds_what_the_list_says(request) -> None:
    found = by_hand_arithmetic()
    if request.config.getoption("--update-examples"):
        _relocate(found)
    assert sorted(found) == sorted(as_found(row) for row in listed())


def _relocate(found: list[Found]) -> None:
    rows = listed()
    places = {_about(entry): entry for entry in found}
    assert len(places) == len(found) == len(rows)
    for row in rows:
        at = places[_about(as_found(row))]
        row["sheet"], row["cell"] = at.sheet, at.cell
    with EXPECTED.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _about(entry: Found) -> tuple[str, ...]:
    return (
        entry.ilms,
        entry.workbook,
        entry.sheet.partition(" ")[0],
        entry.sex,
        entry.year,
        entry.value,
    )


def test_validation_finds_exactly_what_the_list_says(results) -> None:
    expected = [
        tuple(
            row[name]
            for name in (
                "rule",
                "severity",
                "workbook",
                "sheet",
                "cell",
                "component",
                "sex",
                "code",
                "year",
                "value",
            )
        )
        for row in listed()
    ]
    assert sorted(said(results)) == sorted(expected)


def test_a_finding_names_the_cells_of_the_figures_that_it_compares(results) -> None:
    compared = 0
    for workbook, result in results.items():
        sheets = load_workbook(SUBMISSIONS / f"{workbook}.xlsx", read_only=False)
        for finding in result.all_findings:
            figures = []
            for locator in finding.related:
                sheet, _, cell = parse_locator(locator).place.rpartition("!")
                figures.append(Decimal(repr(sheets[sheet][cell].value)))
            if finding.rule == "partition-sum":
                (said,) = re.findall(r"(?:=|is already) ([0-9.]+), but", finding.message)
                assert sum(figures) == Decimal(said)
            elif finding.rule == "part-exceeds-total":
                assert max(figures) > Decimal(finding.value)
            elif finding.rule == "unknown-equals-subtotal":
                assert figures == [Decimal(finding.value)]
            else:
                assert figures == []
            compared += bool(figures)
    assert compared == 11


def test_each_table_is_rejected_by_itself(results) -> None:
    rejected = {
        (workbook, table.table_number)
        for workbook, result in results.items()
        for table in result.tables
        if table.state is State.REJECTED
    }
    errors = {
        (row["workbook"], row["sheet"].partition(" ")[0].removeprefix("T"))
        for row in listed()
        if row["severity"] == "error"
    }
    assert rejected == errors
    assert results["IDN"].state is State.PARTLY


def test_all_or_nothing_rejects_the_tables_without_an_error_too(structures, tmp_path) -> None:
    settings = Settings(temporary_folder=tmp_path)
    result = submit(SUBMISSIONS / "IDN.xlsx", structures, all_or_nothing=True, settings=settings)
    assert result.state is State.REJECTED
    assert {table.state for table in result.tables} == {State.REJECTED}


@pytest.mark.parametrize("workbook", WORKBOOKS, ids=lambda path: path.stem)
def test_the_waivers_beside_a_workbook_allow_its_errors_and_nothing_else(
    workbook, structures, tmp_path, results
) -> None:
    settings = Settings(temporary_folder=tmp_path)
    path = workbook.with_suffix(".waivers.toml")
    errors = [f for f in results[workbook.stem].all_findings if f.severity is Severity.ERROR]
    assert path.exists() == bool(errors)
    if not errors:
        return
    waivers = read_waivers(path, rule_infos())
    assert len([place for waiver in waivers.entries for place in waiver.places]) == len(errors)
    result = submit(workbook, structures, waivers=waivers, settings=settings)
    assert result.state is State.ACCEPTED
    # Allowed, and still told: the same findings as without, the errors with their reason.
    assert [f.rule for f in result.all_findings] == [
        f.rule for f in results[workbook.stem].all_findings
    ]
    allowed = [finding for finding in result.all_findings if finding.waiver is not None]
    assert {(f.rule, f.locator) for f in allowed} == {(f.rule, f.locator) for f in errors}
    assert all("ILOSTAT publishes it so" in (finding.waiver or "") for finding in allowed)


def test_a_waiver_of_one_sum_does_not_allow_another_at_the_same_cell(structures, tmp_path) -> None:
    settings = Settings(temporary_folder=tmp_path)
    path = SUBMISSIONS / "KHM.waivers.toml"
    waivers = tmp_path / "waivers.toml"
    waivers.write_text(
        path.read_text(encoding="utf-8").replace(
            'component = "SEX"', 'component = "COUNTERPART_AREA"'
        ),
        encoding="utf-8",
    )
    result = submit(
        SUBMISSIONS / "KHM.xlsx",
        structures,
        waivers=read_waivers(waivers, rule_infos()),
        settings=settings,
    )
    assert result.state is State.PARTLY
    assert [finding.rule for finding in result.findings] == ["unused-waiver", "unused-waiver"]
