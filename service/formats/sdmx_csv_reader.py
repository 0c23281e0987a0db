"""SDMX-CSV 2.x data: the decoder. sdmx-csv 2.1, data message field guide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from codelists.urn import Urn
from dsd.dataset import Action, Dataset
from dsd.finding import Finding, Report, Severity
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.structures import Structures, UnknownArtefactError
from service.formats.columns import dictionary_of
from service.formats.contract import NO_OPTIONS, DecodeOptions
from service.formats.csv_table import CsvTable, read_table, read_text
from service.formats.levels import Level, hoisted
from service.formats.sdmx_csv import LETTER_OF_ACTION

_START = re.compile(
    r'"?STRUCTURE(?:\[(?P<sub>.)\])?"?(?P<separator>[^A-Za-z0-9_\[\]" \r\n\0\x80-\U0010ffff])'
)
_COLUMN = re.compile(
    r"(?P<id>[^\[:]+)(?P<several>\[(?P<languages>[^\]]*)\])?(?:: (?P<name>.*))?", re.DOTALL
)
_STRUCTURE_ID = re.compile(
    r"(?P<agency>[^:()\s]+):(?P<id>[^:()\s]+)(?:\((?P<version>[^()]+)\))?(?:: .*)?", re.DOTALL
)
_TYPES = {
    "dataflow": "Dataflow",
    "datastructure": "DataStructure",
    "dataprovision": "ProvisionAgreement",
}
_ACTIONS = {letter: action for action, letter in LETTER_OF_ACTION.items()}
_OWN_COLUMNS = frozenset(
    ("STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME", "ACTION", "SERIES_KEY", "OBS_KEY")
)
_DECIMAL_COMMA = re.compile(r"-?[0-9]+,[0-9]+")


@dataclass(frozen=True)
class _Column:
    """What the header says of a column."""

    number: int
    header: str
    id: str
    is_labelled: bool
    """True for labels=both: cells are `ID: Name`."""
    languages: tuple[str, ...]


@dataclass(frozen=True)
class _File:
    """A file whose cells are read."""

    table: CsvTable
    columns: tuple[_Column, ...]
    separator: str
    sub_separator: str | None

    def column(self, id: str) -> pa.StringArray | None:
        """Return the cells under a header, None where there is none."""
        return next((self.table.columns[c.number] for c in self.columns if c.id == id), None)

    @property
    def has_name_columns(self) -> bool:
        """True for labels=name: a column of names follows each column of ids."""
        return any(column.id == "STRUCTURE_NAME" for column in self.columns)


def decode_csv(
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions = NO_OPTIONS,
) -> Iterator[Dataset]:
    """Yield one dataset a run of rows of one structure, in the order of the file.

    Rows carry `$locator`; `$action` where their actions differ (else the dataset has it). Attributes that the
    DSD attaches above the observation become attribute values of the dataset, except in rows that delete.
    What is wrong is reported; what cannot be read for it is left out.
    """
    body = read_text(stream.read(), report)
    if body is None:
        return
    start = _START.match(body[:64].decode("utf-8", "ignore"))
    if start is None:
        report.add(_not_csv(body))
        return
    table = read_table(body, start["separator"], report)
    file = _File(table, _columns(table.header), start["separator"], start["sub"])
    for first, end in _runs(file):
        dsd = _resolve(file, first, structures, report)
        if dsd is not None:
            yield from _Run(file, dsd, first, end, report).datasets()


def _not_csv(body: bytes) -> Finding:
    first = body[:60].decode("utf-8", "ignore").splitlines()
    old = bool(first) and first[0].startswith("DATAFLOW")
    hint = (
        "This is SDMX-CSV 1.0: give the columns STRUCTURE and STRUCTURE_ID in place of DATAFLOW."
        if old
        else "The first column of an SDMX-CSV 2.x file is STRUCTURE, the second STRUCTURE_ID."
    )
    return Finding(
        rule="not-sdmx-csv",
        severity=Severity.FATAL,
        message=f"The file does not start with STRUCTURE (SDMX-CSV 2.1, 'Columns'). {hint}",
        value=first[0] if first else "",
        locator="line:1",
    )


def _columns(header: Sequence[str]) -> tuple[_Column, ...]:
    """Return what the header says: `ID`, `ID[]`, `ID[en;fr]`, each perhaps followed by `: Name`."""
    found = []
    for number, cell in enumerate(header):
        match = _COLUMN.fullmatch(cell)
        id = match["id"].strip() if match else cell
        languages = match["languages"] if match else None
        tags = tuple(languages.split(";")) if languages and number else ()
        found.append(_Column(number, cell, id, bool(match and match["name"] is not None), tags))
    return tuple(found)


def _runs(file: _File) -> Iterator[tuple[int, int]]:
    """Yield (first row, end) of each run of rows with one STRUCTURE and STRUCTURE_ID."""
    rows = len(file.table.lines)
    changes = np.zeros(rows, bool)
    for id in ("STRUCTURE", "STRUCTURE_ID"):
        column = file.column(id)
        if column is not None:
            _, indices = dictionary_of(column)
            numbers = indices.fill_null(-1).to_numpy(zero_copy_only=False)
            changes[1:] |= numbers[1:] != numbers[:-1]
    bounds = [*np.flatnonzero(changes).tolist(), rows]
    first = 0
    for end in bounds:
        if end > first:
            yield first, end
        first = end


def _resolve(file: _File, row: int, structures: Structures, report: Report) -> Dsd | None:
    """Return the structure that a row names, None (and a finding) where nobody knows it."""
    cells = [file.column(id) for id in ("STRUCTURE", "STRUCTURE_ID")]
    word, named = (None if column is None else column[row].as_py() for column in cells)
    match = _STRUCTURE_ID.fullmatch(named or "")
    type_name = _TYPES.get(word or "")
    if match is not None and type_name is not None:
        urn = _urn(type_name, match, structures)
        try:
            return structures.dsd(urn)
        except UnknownArtefactError as error:
            reason = str(error)
    elif type_name is None:
        reason = f"STRUCTURE is {word!r}; it is one of {', '.join(_TYPES)}"
    else:
        reason = f"STRUCTURE_ID is {named!r}; write AGENCY:ID(VERSION)"
    known = [s.urn.short for s in structures if s.type_name in (type_name, "Dataflow")]
    near = get_close_matches(named or "", known, n=1)
    report.add(
        Finding(
            rule="unknown-structure",
            severity=Severity.FATAL,
            message=f"The rows from here on name no known structure and were left out: {reason}.",
            value=named,
            locator=f"line:{file.table.lines[row]}",
            suggestion=near[0] if near else None,
        )
    )
    return None


def _urn(type_name: str, match: re.Match[str], structures: Structures) -> Urn:
    """Return the identity that a STRUCTURE_ID names; without a version the newest."""
    if match["version"]:
        return Urn(type_name, match["agency"], match["id"], match["version"])
    versions = structures.versions(type_name, match["agency"], match["id"])
    newest = list(versions)[-1] if versions else "1.0"
    return Urn(type_name, match["agency"], match["id"], newest)


def split_sub_fields(text: str, separator: str) -> list[str]:
    """Return the values in a cell `A;B`; a value may be quoted once more.

    >>> split_sub_fields('A;"B;C";""', ";")
    ['A', 'B;C', '']
    """
    found = []
    position = 0
    while position <= len(text):
        quoted = _QUOTED.match(text, position)
        if quoted and text[quoted.end() : quoted.end() + 1] in ("", separator):
            found.append(quoted[1].replace('""', '"'))
            position = quoted.end() + 1
            continue
        end = text.find(separator, position)
        end = len(text) if end < 0 else end
        if end > position:
            found.append(text[position:end])
        position = end + 1
    return found


_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


@dataclass(frozen=True)
class _Run:
    """Rows of one structure."""

    file: _File
    dsd: Dsd
    first: int
    end: int
    report: Report

    def datasets(self) -> Iterator[Dataset]:
        """Yield the rows as a dataset, and further ones for attribute values with other actions."""
        self.report_columns()
        actions = self.actions()
        columns = self.component_columns()
        numbers = pa.array(self.file.table.lines[self.first : self.end]).cast(pa.string())
        locators = pc.binary_join_element_wise("line:", numbers, "")
        level = Level(self.dsd, columns, actions, locators)
        rows, above = hoisted(level, self.report)
        own: list[Action] = actions[rows].tolist()
        common = own[0] if len(set(own)) == 1 else None if own else next(iter(above), Action.MERGE)
        yield Dataset(
            self.dsd,
            level.batches(rows, own_actions=common is None),
            common or Action.MERGE,
            tuple(above.pop(common or Action.MERGE, ())),
        )
        for action, entries in above.items():
            yield Dataset(self.dsd, (), action, tuple(entries))

    # -- header ------------------------------------------------------------------------------------

    def own_columns(self) -> tuple[dict[str, _Column], set[int]]:
        """Return the column of each component, and the numbers of the columns that hold names."""
        found: dict[str, _Column] = {}
        names: set[int] = set()
        for column in self.file.columns:
            if column.number in names:
                continue
            if column.id in self.dsd and column.id not in found:
                found[column.id] = column
                names |= {column.number + 1} if self.file.has_name_columns else set()
        return found, names

    def report_columns(self) -> None:
        """Report columns that the structure does not have, and dimensions that have no column."""
        known, names = self.own_columns()
        absent = [id for id in self.dsd.by_id if id not in known]
        for column in self.file.columns:
            if column.id in _OWN_COLUMNS or column.number in names or column in known.values():
                continue
            cells = self.cells(column)
            if cells.null_count < len(cells):
                twice = column.id in known
                self.report.add(
                    self.twice(column) if twice else self.unknown_column(column, absent)
                )
        if self.is_partial():
            return
        for id in absent:
            if id in self.dsd.key_ids:
                self.report.add(
                    Finding(
                        rule="missing-dimension",
                        severity=Severity.ERROR,
                        message=f"There is no column {id} ({self.dsd[id].name}), which is a dimension of "
                        f"{self.dsd.urn.short}; every row needs it.",
                        dataflow=self.dsd.urn.short,
                        component=id,
                        locator="line:1",
                    )
                )

    def twice(self, column: _Column) -> Finding:
        """Return the finding of a component that has two columns."""
        return Finding(
            rule="duplicate-column",
            severity=Severity.ERROR,
            message=f"The column {column.id} comes twice; the second was left out.",
            dataflow=self.dsd.urn.short,
            component=column.id,
            locator="line:1",
        )

    def is_partial(self) -> bool:
        """True where no row speaks of an observation: rows that delete, or attributes above it."""
        columns = {column.id for column in self.file.columns}
        observed = [c.id for c in self.dsd.components if c.role is Role.MEASURE]
        observed += [c.id for c in self.dsd.attributes if c.relationship is None
                     or c.relationship.observation is not None]  # fmt: skip
        deletes = bool((self.actions() == Action.DELETE).all())
        return deletes or columns.isdisjoint(observed)

    def unknown_column(self, column: _Column, absent: list[str]) -> Finding:
        """Return the finding of a column that is no component."""
        near = get_close_matches(column.id.upper(), absent, n=1, cutoff=0.75)
        if near:
            return Finding(
                rule="unknown-column",
                severity=Severity.ERROR,
                message=f"{self.dsd.urn.short} has no component {column.id!r}; "
                f"was {near[0]} meant? The column was left out.",
                dataflow=self.dsd.urn.short,
                component=column.id,
                locator="line:1",
                suggestion=near[0],
            )
        return Finding(
            rule="custom-column",
            severity=Severity.WARNING,
            message=f"{column.id!r} is no component of {self.dsd.urn.short}: a custom column, whose values "
            "are not kept.",
            dataflow=self.dsd.urn.short,
            component=column.id,
            locator="line:1",
        )

    # -- cells -------------------------------------------------------------------------------------

    def cells(self, column: _Column) -> pa.StringArray:
        """Return the cells of these rows."""
        return self.file.table.columns[column.number].slice(self.first, self.end - self.first)

    def actions(self) -> npt.NDArray[np.object_]:
        """Return the action of each row; absent means Merge (field guide 2.1, 'Actions')."""
        column = self.file.column("ACTION")
        rows = self.end - self.first
        if column is None:
            return np.full(rows, Action.MERGE, object)
        values, indices = dictionary_of(column.slice(self.first, rows))
        numbers = indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
        known = np.array(
            [_ACTIONS.get(value, Action.MERGE) for value in values] + [Action.MERGE], object
        )
        for number, value in enumerate(values):
            at = np.flatnonzero(numbers == number)
            if value not in _ACTIONS and len(at):
                self.report_action(value, int(self.file.table.lines[self.first + int(at[0])]))
        actions: npt.NDArray[np.object_] = known[numbers]
        return actions

    def report_action(self, value: str, line: int) -> None:
        """Report an action that is none."""
        finding = Finding(
            rule="unknown-action",
            severity=Severity.ERROR,
            message=f"{value!r} is no action; write one of {', '.join(_ACTIONS)} (SDMX-CSV 2.1, 'Actions').",
            component="ACTION",
            value=value,
            locator=f"line:{line}",
        )
        if finding not in self.report.findings:
            self.report.add(finding)

    def component_columns(self) -> dict[str, pa.Array]:
        """Return the columns of components that have any value, in DSD order."""
        found: dict[str, pa.Array] = {}
        by_id, _ = self.own_columns()
        for component in self.dsd.components:
            column = by_id.get(component.id)
            if column is None:
                continue
            cells = self.cells(column)
            if cells.null_count < len(cells):
                found[component.id] = self.values(component, column, cells)
        return found

    def values(
        self, component: ResolvedComponent, column: _Column, cells: pa.StringArray
    ) -> pa.Array:
        """Return the values of a component as its column of the batch has them."""
        if column.languages:
            self.report.add(
                Finding(
                    rule="multilingual-values",
                    severity=Severity.ERROR,
                    message=f"{component.id} comes in the languages {', '.join(column.languages)}, but takes "
                    "one text; give it in one language.",
                    dataflow=self.dsd.urn.short,
                    component=component.id,
                    locator="line:1",
                )
            )
        strip = _strip_label if column.is_labelled and _has_labels(component) else str
        if component.is_multiple:
            return self.lists(cells, strip)
        if component.role is Role.MEASURE and component.codelist is None:
            return self.numbers(component, cells)
        values, indices = dictionary_of(cells)
        if strip is str:
            return pa.DictionaryArray.from_arrays(indices, pa.array(values, pa.string()))
        stripped = pa.array([strip(value) for value in values], pa.string()).take(indices)
        return stripped if component.role is Role.MEASURE else stripped.dictionary_encode()

    def lists(self, cells: pa.StringArray, strip: Callable[[str], str]) -> pa.ListArray:
        """Return the several values of each cell."""
        values, indices = dictionary_of(cells)
        separator = self.file.sub_separator
        lists = [
            [strip(part) for part in (split_sub_fields(value, separator) if separator else [value])]
            for value in values
        ]
        return pa.array(lists, pa.list_(pa.string())).take(indices)

    def numbers(self, component: ResolvedComponent, cells: pa.StringArray) -> pa.StringArray:
        """Return measured values as they are; a decimal comma, which a `;` file may have, becomes a point."""
        if self.file.separator == ",":
            return cells
        with_comma = pc.match_substring_regex(cells, rf"^{_DECIMAL_COMMA.pattern}$").fill_null(
            False
        )
        if not pc.any(with_comma).as_py():
            return cells
        row = int(pc.indices_nonzero(with_comma)[0].as_py())
        self.report.add(
            Finding(
                rule="decimal-comma",
                severity=Severity.INFO,
                message=f"{component.id} has decimal commas, which were read as decimal points.",
                component=component.id,
                value=cells[row].as_py(),
                locator=f"line:{self.file.table.lines[self.first + row]}",
            )
        )
        return pc.if_else(with_comma, pc.replace_substring(cells, ",", "."), cells)


def _has_labels(component: ResolvedComponent) -> bool:
    """Tell whether labels=both writes a name after the value."""
    return component.codelist is not None or component.role in (Role.DIMENSION, Role.TIME)


def _strip_label(text: str) -> str:
    return text.partition(": ")[0]
