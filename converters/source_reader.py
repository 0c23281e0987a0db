"""Read the sources sheet, and hand to a table's sheet what it says of the source of its figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from converters.conversion import SEVERITY_OF_RULE, SourceDescription
from converters.field import Field, FieldKind
from converters.field_reader import FieldReader
from converters.grid import Cell, Grid
from converters.header_block import HeaderBlock
from converters.label import Captions, LabelIndexes
from converters.profile import Profile, SourceColumn
from converters.sheet_scan import GridScan, SheetScan
from converters.source_sheet import SourceSheetLayout, is_unknown
from dsd.finding import Finding, Report

LEAST_CAPTIONS = 3
"""A row with so many captions of the sheet, that of the source first, heads a sources sheet."""


@dataclass
class SourceRow:
    """One source with what could not be read of it."""

    description: SourceDescription
    problems: dict[str, list[Finding]] = field(default_factory=dict)
    """By the id of the column: findings that matter to a table only where it needs the cell."""


@dataclass
class Sources:
    """What the sources sheets of a workbook say."""

    layout: SourceSheetLayout
    rows: dict[str, SourceRow] = field(default_factory=dict)
    """By the code of the source."""
    told: set[str | None] = field(default_factory=set)
    """The cells whose problems a table has been told."""

    @property
    def descriptions(self) -> tuple[SourceDescription, ...]:
        """What is said of each source, in the order of the rows."""
        return tuple(row.description for row in self.rows.values())

    def leftovers(self) -> Iterator[Finding]:
        """Yield what could not be read and no table needs: worth saying, and no reason to reject anything."""
        for row in self.rows.values():
            for findings in row.problems.values():
                for finding in findings:
                    if finding.locator not in self.told:
                        yield as_unread(finding)


def as_unread(finding: Finding) -> Finding:
    """Return a finding on a cell of the sources sheet that concerns no table."""
    rule = "unread-source"
    return msgspec.structs.replace(finding, rule=rule, severity=SEVERITY_OF_RULE[rule])


def source_caption_row(grid: Grid, profile: Profile) -> int | None:
    """Return the row with the captions of a sources sheet, None where the sheet is none."""
    captions = [
        Captions((*profile.captions.get(column.id, {}).values(), column.id))
        for column in profile.sources.columns
    ]
    for row in grid.rows_with_cells():
        texts = [cell.text.strip() for cell in grid.row(row)]
        if texts[0] in captions[0]:
            known = sum(any(text in own for own in captions) for text in texts)
            if known >= LEAST_CAPTIONS:
                return row
    return None


class SourceSheetReader:
    """Reads one sources sheet; lives for one call of `read`."""

    def __init__(
        self,
        grid: Grid,
        sources: Sources,
        country: str | None,
        report: Report,
        indexes: LabelIndexes,
    ) -> None:
        self._grid = grid
        self._sources = sources
        self._layout = sources.layout
        self._country = country
        self._report = report
        self._cell_report = Report()
        self._scan = GridScan(grid, sources.layout.profile, self._cell_report, indexes)
        self._fields = FieldReader(self._scan)

    def read(self, caption_row: int) -> None:
        """Add the sources of the sheet to those known; its findings go to the report."""
        places = self._places(caption_row)
        key = self._layout.columns[0][1]
        below = range(caption_row + 1, self._grid.last_row + 1)
        for number in self._grid.rows_with_cells(below):
            cells = [cell for cell in self._grid.row(number) if cell.text.strip()]
            if not any(cell.text.strip() not in self._scan.unselected for cell in cells):
                continue
            source = self._source(key, places, number, cells)
            if source is not None:
                self._sources.rows[source] = self._row(source, places, number)
            self._unplaced(cells, places)

    def _places(self, caption_row: int) -> dict[int, tuple[SourceColumn, Field]]:
        """Return the columns by where they stand; an order other than the template's does not matter."""
        found: dict[int, tuple[SourceColumn, Field]] = {}
        for cell in self._grid.row(caption_row):
            for column, entry in self._layout.columns:
                if cell.text.strip() in entry.captions and column not in dict(found.values()):
                    found[cell.column] = (column, entry)
                    break
        return found

    def _source(
        self,
        key: Field,
        places: Mapping[int, tuple[SourceColumn, Field]],
        row: int,
        cells: Sequence[Cell],
    ) -> str | None:
        column = next(number for number, (_, entry) in places.items() if entry is key)
        values, problems = self._cell(key, row, column)
        self._report.findings += map(as_unread, problems)
        if problems:
            return None
        if not values:
            self._find(
                "the row describes a source without naming it and was not read; choose it from the list, or ask "
                "for it to be added to the list of sources",
                row,
                column,
            )
            return None
        (source,) = values
        if source in self._sources.rows:
            known = self._sources.rows[source].description.locators[key.key]
            self._find(
                f"the source is described in {known.rpartition(':')[2]} already; this row was not read",
                row,
                column,
                source,
            )
            return None
        return source

    def _row(
        self, source: str, places: Mapping[int, tuple[SourceColumn, Field]], number: int
    ) -> SourceRow:
        values: dict[str, tuple[str, ...]] = {}
        locators: dict[str, str] = {}
        problems: dict[str, list[Finding]] = {}
        for place, (column, entry) in places.items():
            if column.is_private:
                continue
            found, wrong = self._cell(entry, number, place)
            if wrong:
                problems[column.id] = wrong
            if not found:
                continue
            locators[column.id] = self._grid.locator(number, place)
            if entry is not self._layout.columns[0][1]:
                values[column.id] = found
                self._check_known(source, column, entry, found, (number, place))
        return SourceRow(SourceDescription(source, values, locators, self._country), problems)

    def _cell(self, entry: Field, row: int, column: int) -> tuple[tuple[str, ...], list[Finding]]:
        """Return what a cell says, and what is wrong with it."""
        cell = self._grid.covering(row, column)
        before = len(self._cell_report.findings)
        text = None if cell is None else self._scan.label_text(cell)
        values: tuple[str, ...] = ()
        if text is not None and text not in self._scan.unselected:
            values = tuple(self._fields.values(entry, text, row, column))
        return values, self._cell_report.findings[before:]

    def _check_known(
        self,
        source: str,
        column: SourceColumn,
        entry: Field,
        values: tuple[str, ...],
        position: tuple[int, int],
    ) -> None:
        """Report what contradicts the code of the source itself."""
        known = self._layout.annotated(column, source)
        if known is not None and values != (known,):
            self._report.add(
                Finding(
                    rule="source-contradiction",
                    severity=SEVERITY_OF_RULE["source-contradiction"],
                    message=f"the sheet says {entry.text(values)!r} of {source}, and the list of sources says "
                    f"{entry.text((known,))!r}; mend the one, or choose the other source",
                    component=column.id,
                    value=entry.text(values),
                    locator=self._grid.locator(*position),
                    suggestion=entry.text((known,)),
                )
            )

    def _unplaced(
        self, cells: Sequence[Cell], places: Mapping[int, tuple[SourceColumn, Field]]
    ) -> None:
        """Report cells in columns that have no caption; their text stays out: it may be a person's."""
        for cell in cells:
            if cell.column not in places:
                self._find("the cell stands in a column without a caption", cell.row, cell.column)

    def _find(self, message: str, row: int, column: int, value: str | None = None) -> None:
        self._report.add(
            Finding(
                rule="unread-source",
                severity=SEVERITY_OF_RULE["unread-source"],
                message=message,
                component=self._layout.columns[0][0].id,
                value=value,
                locator=self._grid.locator(row, column),
            )
        )


def settle_by_source(scan: SheetScan, header: HeaderBlock, sources: Sources) -> None:
    """Fill the lines that a table's sheet leaves blank with what the sources sheet says of its source."""
    key = sources.layout.columns[0][0].id
    source = header.dimensions.get(key)
    if source is None or is_unknown(sources.layout, source):
        return
    row = sources.rows.get(source)
    if row is None:
        scan.find(
            "undescribed-source",
            f"the source {source} has no row on the sources sheet; describe it there",
            *header.position(key),
            key,
            source,
        )
        return
    for entry in scan.layout.fields:
        if entry.kind is not FieldKind.ATTRIBUTE:
            continue
        values = row.description.values.get(entry.key, ())
        if not header.is_blank(entry):
            _compare(scan, header, entry, values, source)
            continue
        _tell_problems(scan, row, entry, sources)
        allowed = [value for value in values if entry.component and entry.component.allows(value)]
        if len(allowed) < len(values):
            _not_allowed(scan, row, entry, set(values) - set(allowed))
        if allowed:
            header.settle(entry, allowed, row.description.locators[entry.key])


def _compare(
    scan: SheetScan, header: HeaderBlock, entry: Field, values: Sequence[str], source: str
) -> None:
    """Report a line that says something else than the sources sheet; fewer of several values do not contradict."""
    own = header.attributes.get(entry.key)
    given = [own] if isinstance(own, str) else own or []
    if not values or set(given) <= set(values):
        return
    scan.find(
        "source-contradiction",
        f"the sheet says {entry.text(given)!r}, and the sources sheet says {entry.text(values)!r} of {source}; "
        "what the sheet says was taken",
        *header.position(entry.key),
        entry.key,
        entry.text(given),
        entry.text(values),
    )


def _tell_problems(scan: SheetScan, row: SourceRow, entry: Field, sources: Sources) -> None:
    for finding in row.problems.get(entry.key, ()):
        sources.told.add(finding.locator)
        scan.add(msgspec.structs.replace(finding, dataflow=scan.dsd.urn.short))


def _not_allowed(scan: SheetScan, row: SourceRow, entry: Field, values: set[str]) -> None:
    scan.add(
        Finding(
            rule="code-not-allowed",
            severity=SEVERITY_OF_RULE["code-not-allowed"],
            message=f"{', '.join(sorted(values))} may not be reported in this table; say on its sheet what holds "
            "there",
            dataflow=scan.dsd.urn.short,
            component=entry.key,
            value="; ".join(sorted(values)),
            locator=row.description.locators[entry.key],
        )
    )
