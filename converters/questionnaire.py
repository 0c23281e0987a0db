"""Read a filled questionnaire workbook into datasets and findings.

Every value carries its sheet and cell. Nothing is rescaled, guessed or dropped in silence: what cannot be
read for certain is a finding at its cell.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from converters.annotation.mark import is_findings_sheet
from converters.conversion import SEVERITY_OF_RULE, Conversion, TableSummary
from converters.grid import Grid
from converters.label import Captions, LabelIndex, LabelIndexes
from converters.layout import TableLayout, sheet_name, table_layout
from converters.profile import Profile, load_profile
from converters.sheet_reader import ObservationRow, SheetReader
from converters.source_reader import Sources, SourceSheetReader, source_caption_row
from converters.source_sheet import source_sheet_layout
from converters.table import UnknownTableError, bound_dsd, find_flow, questionnaire_flows
from converters.workbook import read_workbook
from dsd.batch import LOCATOR, batch_schema, batches_from_rows
from dsd.dataset import Dataset
from dsd.finding import Finding, Report, parse_locator
from dsd.resolved import Dsd
from dsd.structure import Dataflow
from dsd.structures import Structures

_COPY = re.compile(r"(.+?)[ _]?\(\d+\)")


def read_questionnaire(
    source: bytes | Path,
    structures: Structures,
    *,
    country: str | None = None,
    profile: Profile | None = None,
) -> Conversion:
    """Return the datasets of a questionnaire workbook, one a table and country, with its findings.

    Rows carry `$locator` (`cell:T15!F17`), values as decimal texts by their 15 significant digits, and
    UNIT_MULT as the sheet declares it.

    Args:
        source: the bytes of an .xlsx file, or its path.
        structures: the artefacts.
        country: code of the country that must have reported; any country where None.
        profile: the questionnaire's profile; the built-in one where None.

    Raises:
        WorkbookError: the file is no readable .xlsx workbook.
    """
    reader = _QuestionnaireReader(structures, profile or load_profile(), country)
    reader.read(read_workbook(source).sheets)
    return reader.conversion()


@dataclass
class _Table:
    """What has been read of one table of one country."""

    dsd: Dsd
    country: str | None
    sheets: list[str] = field(default_factory=list)
    rows: list[ObservationRow] = field(default_factory=list)
    cells: dict[tuple[object, ...], str] = field(default_factory=dict)
    """The locator of each observation, by its key."""
    gap_reason: str | None = None
    periods: dict[str, None] = field(default_factory=dict)


class _QuestionnaireReader:
    """Reads the sheets of a workbook; lives for one call of `read_questionnaire`."""

    def __init__(self, structures: Structures, profile: Profile, country: str | None) -> None:
        self._structures = structures
        self._profile = profile
        self._country = country
        self._report = Report()
        self._tables: dict[tuple[str, str | None], _Table] = {}
        self._layouts: dict[tuple[str, str], TableLayout] = {}
        self._indexes = LabelIndexes()
        self._sources: dict[str, Sources] = {}
        """By country."""
        self._origins: dict[tuple[str, str], str] = {}

    def read(self, grids: Sequence[Grid]) -> None:
        """Read the sheets: those of the sources first, because tables lean on them."""
        tables = []
        for grid in grids:
            if is_findings_sheet(grid):
                continue
            caption_row = source_caption_row(grid, self._profile)
            if caption_row is None:
                tables.append(grid)
            else:
                self._read_sources(grid, caption_row)
        for grid in tables:
            if not self._is_own_sheet(grid):
                self._read_table(grid)
        for sources in self._sources.values():
            for finding in sources.leftovers():
                self._report.add(finding)

    def _read_sources(self, grid: Grid, caption_row: int) -> None:
        """Read a sources sheet; whose it is says its own line, or what is expected."""
        country = self._country_of_sources(grid) or self._country
        if country is None:
            self._find(
                "unread-source",
                "the sheet does not say whose sources it describes and was not read; fill in the country",
                grid,
                1,
                1,
            )
            return
        sources = self._sources.get(country)
        if sources is None:
            layout = source_sheet_layout(self._tables_of(country), self._structures, self._profile)
            if layout is None:
                self._find(
                    "unread-source",
                    f"no table takes data of {country}, so that the sheet was not read",
                    grid,
                    1,
                    1,
                    self._profile.placement.area,
                    country,
                )
                return
            sources = self._sources[country] = Sources(layout)
        reader = SourceSheetReader(grid, sources, country, self._report, self._indexes)
        reader.read(caption_row)

    def _country_of_sources(self, grid: Grid) -> str | None:
        for flow in questionnaire_flows(self._structures):
            dsd = self._structures.dsd(flow.urn)
            if self._profile.placement.area in dsd:
                found = self._area_text(grid, dsd)
                return self._area_index(dsd).match(found[0]).code if found else None
        return None

    def _tables_of(self, country: str) -> list[Dsd]:
        """Return the tables that a country may report."""
        found = []
        for flow in questionnaire_flows(self._structures):
            with contextlib.suppress(UnknownTableError):
                found.append(
                    bound_dsd(self._structures, flow, self._profile.placement.area, country)
                )
        return found

    def _read_table(self, grid: Grid) -> None:
        """Read a sheet, if it is that of a table."""
        flow = self._flow_of(grid)
        if flow is None:
            if grid.last_row:
                self._find(
                    "unknown-sheet",
                    f"sheet {grid.name!r} is no table of the questionnaire and was not read",
                    grid,
                    1,
                    1,
                )
            return
        layout = self._layout_of(grid, flow)
        if layout is None:
            table = self._table(self._structures.dsd(flow.urn), None)
            table.sheets.append(grid.name)
            return
        area = layout.field(self._profile.placement.area)
        country = area.default if area else None
        table = self._table(layout.dsd, country)
        table.sheets.append(grid.name)
        sources = self._sources.get(country or "")
        result = SheetReader(grid, layout, self._report, self._indexes, sources).read()
        self._origins |= {(grid.name, id): place for id, place in result.origins.items()}
        table.gap_reason = table.gap_reason or result.gap_reason
        table.periods |= dict.fromkeys(result.periods)
        self._take(table, result.rows, grid)

    def conversion(self) -> Conversion:
        """Return what has been read."""
        if not self._tables:
            self._report.add(
                Finding(
                    rule="no-table",
                    severity=SEVERITY_OF_RULE["no-table"],
                    message="no sheet of the workbook is a table of the questionnaire; fill in the template "
                    "of your country",
                )
            )
        datasets = []
        tables = []
        for (_, country), table in self._tables.items():
            if table.rows:
                datasets.append(Dataset(table.dsd, tuple(_batches(table.dsd, table.rows))))
            tables.append(
                TableSummary(
                    sheet_name(table.dsd),
                    table.dsd.urn.short,
                    country,
                    tuple(table.sheets),
                    len(table.rows),
                    table.gap_reason,
                    tuple(table.periods),
                )
            )
        described = [row for sources in self._sources.values() for row in sources.descriptions]
        return Conversion(
            tuple(datasets), self._report, tuple(tables), tuple(described), self._origins
        )

    def _is_own_sheet(self, grid: Grid) -> bool:
        return any(grid.name in names.values() for names in self._profile.sheets.values())

    def _table(self, dsd: Dsd, country: str | None) -> _Table:
        return self._tables.setdefault((dsd.urn.short, country), _Table(dsd, country))

    def _take(self, table: _Table, rows: Iterable[ObservationRow], grid: Grid) -> None:
        """Keep the rows of a sheet; an observation that another sheet has already is a finding."""
        for row in rows:
            key = tuple(row.get(id) for id in table.dsd.key_ids)
            locator = str(row[LOCATOR])
            known = table.cells.setdefault(key, locator)
            if known == locator:
                table.rows.append(row)
                continue
            self._report.add(
                Finding(
                    rule="duplicate-cell",
                    severity=SEVERITY_OF_RULE["duplicate-cell"],
                    message="the observation was reported in "
                    f"{parse_locator(known).readable} already; this cell was not read",
                    dataflow=table.dsd.urn.short,
                    component=table.dsd.measures[0].id,
                    key={id: str(row[id]) for id in table.dsd.key_ids if row.get(id)},
                    value=str(row.get(table.dsd.measures[0].id) or "") or None,
                    locator=locator,
                )
            )

    # -- whose table a sheet is ----------------------------------------------------------------------

    def _header_text(self, grid: Grid, captions: Iterable[str]) -> tuple[str, int, int] | None:
        """Return the value beside a caption of the first column, with its position."""
        known = Captions(captions)
        for row in grid.rows_with_cells():
            cell = grid.at(row, 1)
            if cell is None or cell.text.strip() not in known:
                continue
            for value in grid.row(row):
                if value.column > 1 and value.text.strip():
                    return value.text.strip(), row, value.column
            return "", row, 2
        return None

    def _flow_of(self, grid: Grid) -> Dataflow | None:
        """Return the flow that the sheet's id line names, or else its name."""
        named = self._header_text(grid, self._profile.texts["table_id"].values())
        copy = _COPY.fullmatch(grid.name)
        for name in (named[0] if named else "", copy[1] if copy else grid.name):
            try:
                return find_flow(self._structures, name)
            except UnknownTableError:
                continue
        return None

    def _layout_of(self, grid: Grid, flow: Dataflow) -> TableLayout | None:
        """Return the layout of a table for the country that the sheet names."""
        area_id = self._profile.placement.area
        open_dsd = self._structures.dsd(flow.urn)
        if area_id not in open_dsd:
            return table_layout(open_dsd, self._profile)
        found = self._area_of(grid, flow, open_dsd)
        if found is None:
            return None
        area, row, column = found
        if self._country not in (None, area):
            self._find(
                "other-country",
                f"the sheet is of {area}, not of {self._country}; send each country's own workbook",
                grid,
                row,
                column,
                area_id,
                area,
                flow=flow,
            )
        key = (flow.urn.short, area)
        if key not in self._layouts:
            try:
                dsd = bound_dsd(self._structures, flow, area_id, area)
            except UnknownTableError as error:
                self._find(
                    "code-not-allowed", str(error), grid, row, column, area_id, area, flow=flow
                )
                return None
            self._layouts[key] = table_layout(dsd, self._profile)
        return self._layouts[key]

    def _area_text(self, grid: Grid, dsd: Dsd) -> tuple[str, int, int] | None:
        """Return what stands in the line that says whose data they are."""
        component = dsd[self._profile.placement.area]
        captions = {
            *self._profile.captions.get(component.id, {}).values(),
            *component.concept.names.values(),
            component.id,
        }
        return self._header_text(grid, captions)

    def _area_index(self, dsd: Dsd) -> LabelIndex:
        codelist = dsd[self._profile.placement.area].codelist
        return self._indexes.of(codelist.codes if codelist else (), codelist.id if codelist else "")

    def _area_of(self, grid: Grid, flow: Dataflow, dsd: Dsd) -> tuple[str, int, int] | None:
        component = dsd[self._profile.placement.area]
        found = self._area_text(grid, dsd)
        if found is None or not found[0]:
            position = (1, 1) if found is None else found[1:]
            self._find(
                "missing-country",
                "the sheet does not say whose data they are and was not read; fill in the country",
                grid,
                *position,
                component.id,
                flow=flow,
            )
            return None
        text, row, column = found
        index = self._area_index(dsd)
        match = index.match(text)
        if match.code is None:
            self._find(
                "unknown-label",
                f"{text!r} is no country of the list; the sheet was not read",
                grid,
                row,
                column,
                component.id,
                text,
                index.nearest(text),
                flow,
            )
            return None
        return match.code, row, column

    def _find(
        self,
        rule: str,
        message: str,
        grid: Grid,
        row: int,
        column: int,
        component: str | None = None,
        value: str | None = None,
        suggestion: str | None = None,
        flow: Dataflow | None = None,
    ) -> None:
        self._report.add(
            Finding(
                rule=rule,
                severity=SEVERITY_OF_RULE[rule],
                message=message,
                dataflow=flow.urn.short if flow else None,
                component=component,
                value=value,
                locator=grid.locator(row, column),
                suggestion=suggestion,
            )
        )


def _batches(dsd: Dsd, rows: list[ObservationRow]) -> Iterator[object]:
    present = {id for row in rows for id, value in row.items() if value is not None}
    wanted = [c.id for c in dsd.components if c.id in present or c.id in dsd.key_ids]
    return iter(batches_from_rows(dsd, rows, batch_schema(dsd, wanted, locators=True)))
