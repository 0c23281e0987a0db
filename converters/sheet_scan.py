"""What every part of reading a sheet needs: its cells, its layout, its labels, and a place for findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from codelists.item_scheme import Code
from converters.conversion import SEVERITY_OF_RULE
from converters.grid import Cell, CellKind, Grid
from converters.label import LabelIndex, LabelIndexes
from converters.layout import Axis, TableLayout
from converters.profile import Profile
from converters.reportable import version_of
from dsd.finding import Finding, Report
from dsd.resolved import ResolvedComponent

CONTACT = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|\+\d[\d\s().-]{7,}\d")
"""An e-mail address, or a telephone number with its country."""


class GridScan:
    """Any sheet while it is read."""

    def __init__(
        self,
        grid: Grid,
        profile: Profile,
        report: Report,
        indexes: LabelIndexes,
        dataflow: str | None = None,
    ) -> None:
        self.grid = grid
        self.profile = profile
        self.versions: dict[str, str] = {}
        """The classification version that the sheet declares, by dimension id."""
        self._dataflow = dataflow
        self._report = report
        self._shared_indexes = indexes
        self._indexes: dict[tuple[str, str | None], LabelIndex] = {}

    def find(
        self,
        rule: str,
        message: str,
        row: int,
        column: int,
        component: str | None = None,
        value: str | None = None,
        suggestion: str | None = None,
        key: Mapping[str, str] | None = None,
    ) -> None:
        """Add a finding at a cell of this sheet."""
        self.add(
            Finding(
                rule=rule,
                severity=SEVERITY_OF_RULE[rule],
                message=message,
                dataflow=self._dataflow,
                component=component,
                key=dict(key or {}),
                value=value,
                locator=self.grid.locator(row, column),
                suggestion=suggestion,
            )
        )

    def add(self, finding: Finding) -> None:
        """Add a finding."""
        self._report.add(finding)

    def text(self, row: int, column: int) -> str:
        """Return the text shown at a position, empty where it is blank."""
        cell = self.grid.covering(row, column)
        return "" if cell is None else cell.text.strip()

    @property
    def unselected(self) -> tuple[str, ...]:
        """The texts of a row or line that nobody chose."""
        marks = self.profile.unselected
        return (marks.text, *marks.also)

    def label_text(self, cell: Cell) -> str | None:
        """Return the text of a label cell, None where it is blank or says nothing for certain."""
        if cell.kind is CellKind.UNCOMPUTED:
            self.uncomputed(cell)
            return None
        if cell.kind is CellKind.ERROR:
            self.find("error-cell", f"the formula fails with {cell.text}", cell.row, cell.column)
            return None
        return cell.text.strip() or None

    def uncomputed(self, cell: Cell) -> None:
        """Report a formula without a value."""
        self.find(
            "uncomputed-formula",
            "the cell holds a formula whose value was never stored; open the workbook in a spreadsheet "
            "program, let it compute, and save",
            cell.row,
            cell.column,
        )

    def contact(self, row: int, column: int, component: str) -> None:
        """Report a text that tells how to reach a person, without repeating it."""
        self.find(
            "contact-in-notes",
            "the note holds an e-mail address or a telephone number and was not read; remove it, "
            "notes are published",
            row,
            column,
            component,
        )

    def index(
        self, key: str, version: str | None, codes: Iterable[Code], codelist_id: str
    ) -> LabelIndex:
        """Return the index of some codes under a name of this sheet, made once."""
        index = self._indexes.get((key, version))
        if index is None:
            index = self._indexes[key, version] = self._shared_indexes.of(codes, codelist_id)
        return index

    def match(
        self,
        index: LabelIndex,
        text: str,
        row: int,
        column: int,
        component_id: str | None,
        component: ResolvedComponent | None,
    ) -> str | None:
        """Return the code of a label; what is doubtful or wrong about it becomes a finding."""
        match = index.match(text)
        if match.code is not None:
            if match.warning:
                self.find(
                    "doubtful-label",
                    f"{text!r} was read as {index.name(match.code)}: {match.warning}",
                    row,
                    column,
                    component_id,
                    text,
                    match.code,
                )
            return match.code
        if match.candidates:
            names = " or ".join(f"{index.name(code)} [{code}]" for code in match.candidates)
            self.find(
                "ambiguous-label",
                f"{text!r} can be {names}; write the code in brackets behind it",
                row,
                column,
                component_id,
                text,
            )
            return None
        self._unknown(index, text, row, column, component_id, component)
        return None

    def _unknown(
        self,
        index: LabelIndex,
        text: str,
        row: int,
        column: int,
        component_id: str | None,
        component: ResolvedComponent | None,
    ) -> None:
        if component is not None and component.codelist is not None:
            codelist = component.codelist
            every = self._shared_indexes.of(codelist.codes, codelist.id)
            code = every.match(text).code
            if code is not None:
                self._not_allowed(index, text, code, row, column, component)
                return
        nearest = index.nearest(text)
        hint = f"; the nearest is {index.name(nearest)!r}" if nearest else ""
        self.find(
            "unknown-label",
            f"{text!r} is in no list of this table{hint}; choose from the drop-down",
            row,
            column,
            component_id,
            text,
            nearest,
        )

    def _not_allowed(
        self,
        index: LabelIndex,
        text: str,
        code: str,
        row: int,
        column: int,
        component: ResolvedComponent,
    ) -> None:
        declared = self.versions.get(component.id)
        version = version_of(component, component.codes[code])
        reason = "may not be reported on this sheet"
        if declared is not None and version not in (None, declared):
            reason = (
                f"belongs to {component.codes[version or ''].label()}, and the sheet declares "
                f"{component.codes[declared].label()}"
            )
        self.find(
            "code-not-allowed",
            f"{text!r} ({code}) {reason}",
            row,
            column,
            component.id,
            text,
            index.nearest(text),
        )


class SheetScan(GridScan):
    """The sheet of a table while it is read."""

    def __init__(
        self, grid: Grid, layout: TableLayout, report: Report, indexes: LabelIndexes
    ) -> None:
        super().__init__(grid, layout.profile, report, indexes, layout.dsd.urn.short)
        self.layout = layout
        self.dsd = layout.dsd

    def axis_code(self, axis: Axis, text: str, row: int, column: int) -> str | None:
        """Return the code of a row or column heading, within the version that the sheet declares."""
        if axis.component is None:
            return text
        version = self.versions.get(axis.id)
        codes = [
            code
            for code in axis.codes
            if version is None or version_of(axis.component, code) in (version, None)
        ]
        codelist = axis.component.codelist
        index = self.index(axis.id, version, codes, codelist.id if codelist else "")
        return self.match(index, text, row, column, axis.id, axis.component)
