"""How fast a questionnaire of all tables and ten years is made, filled and read, as ratios to openpyxl alone.

`python benchmarks/questionnaire.py [--quick]`. Each job and its limit are taken in turns, so that a busy machine
slows both; the best of the turns counts. A line each: PASS or FAIL, the time as a multiple of the limit's, the target,
seconds of the processor. Exits 1 on a FAIL unless --quick.

The limit of reading is `openpyxl.load_workbook` of the same file, which makes cells of it and nothing else; that of
writing is saving a workbook with the same cells once it stands in memory.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
from collections.abc import Callable

import openpyxl

from converters.layout import LayoutOptions, TableLayout, table_layout
from converters.profile import load_profile
from converters.questionnaire import read_questionnaire
from converters.reportable import reportable_codes
from converters.table import bound_dsd, questionnaire_flows
from converters.template import filled_bytes, template_bytes
from dsd.structures import Structures, load_structures

COUNTRY = "VNM"
PERIODS = tuple(str(year) for year in range(2015, 2025))
READING, WRITING = 1.0, 6.0
"""At most so many times the limit."""


def every_cell(layout: TableLayout) -> list[dict[str, str | None]]:
    """Return an observation for each cell that a sheet prints."""
    common = dict(layout.fixed)
    for entry in layout.fields:
        if entry.component is not None and entry.is_required and entry.codes:
            common.setdefault(entry.component.id, entry.codes[-1].id)
    common.update(
        (id, reportable_codes(layout.dsd[id])[0].id) for id in ("UNIT_MEASURE", "UNIT_MULT")
    )
    axes = [axis.id for axis in (*layout.rows, *layout.columns)]
    return [
        {**common, **dict(zip(axes, (*row, *column), strict=True)), "OBS_VALUE": "99.479"}
        for row in layout.row_headings()
        if None not in row
        for column in layout.column_headings()
    ]


def observations(structures: Structures) -> dict[str, list[dict[str, str | None]]]:
    """Return them by table."""
    profile, options = load_profile(), LayoutOptions(periods=PERIODS)
    found = {}
    for flow in questionnaire_flows(structures):
        dsd = bound_dsd(structures, flow, profile.placement.area, COUNTRY)
        found[flow.id] = every_cell(table_layout(dsd, profile, options=options))
    return found


def compared(
    name: str, job: Callable[[], object], limit: Callable[[], object], target: float, turns: int
) -> bool:
    """Print how a job does against its limit; true where it holds."""
    best = {job: float("inf"), limit: float("inf")}
    for _ in range(turns):
        for each in best:
            began = time.process_time()
            each()
            best[each] = min(best[each], time.process_time() - began)
    ratio = best[job] / best[limit]
    verdict = "PASS" if ratio <= target else "FAIL"
    print(f"{verdict} {name}: {ratio:.2f}x (target <= {target:g}x), {best[job]:.2f} s")
    return ratio <= target


def main() -> int:
    """Print the figures; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one turn; a missed target is no failure"
    )
    quick = parser.parse_args().quick
    turns = 1 if quick else 3
    structures = load_structures()
    rows = observations(structures)
    data = filled_bytes(structures, COUNTRY, rows, PERIODS)
    loaded = openpyxl.load_workbook(io.BytesIO(data))
    blank = openpyxl.load_workbook(io.BytesIO(template_bytes(structures, COUNTRY, PERIODS)))
    count = sum(map(len, rows.values()))
    print(f"19 tables, {len(PERIODS)} years: {count:,} figures, {len(data):,} bytes")
    held = [
        compared(
            "template",
            lambda: template_bytes(structures, COUNTRY, PERIODS),
            lambda: blank.save(io.BytesIO()),
            WRITING,
            turns,
        ),
        compared(
            "fill",
            lambda: filled_bytes(structures, COUNTRY, rows, PERIODS),
            lambda: loaded.save(io.BytesIO()),
            WRITING,
            turns,
        ),
        compared(
            "read",
            lambda: read_questionnaire(data, structures),
            lambda: openpyxl.load_workbook(io.BytesIO(data)),
            READING,
            turns,
        ),
    ]
    return int(not all(held) and not quick)


if __name__ == "__main__":
    sys.exit(main())
