"""SDMX-CSV data: the decoder. sdmx-csv 1.0, 2.0 and 2.1, data message field guides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from itertools import chain, groupby
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsd.batch import Batch
from dsd.dataset import Action, AttributeValues, Dataset
from dsd.finding import Finding, Report, Severity
from dsd.localised import compose, takes_languages
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.structures import Structures
from service.formats.columns import dictionary_of
from service.formats.contract import NO_OPTIONS, DecodeOptions
from service.formats.csv_cells import only_sub_field, split_sub_fields, stripper
from service.formats.csv_header import Column, File, Rows, opened
from service.formats.csv_labels import LabelCheck, structure_label
from service.formats.csv_languages import LanguageCells
from service.formats.csv_structures import StructureFinder
from service.formats.csv_table import CsvTable, CsvText, coded, line_locators
from service.formats.hoisting import Hoister
from service.formats.lazy import LazyBatches
from service.formats.levels import Level, dimensions_of
from service.formats.localised_texts import MARKS, is_unmarked, marked
from service.formats.reading_rule import metadata_not_kept
from service.formats.sdmx_csv import CSV_1_0, CSV_2_0, CSV_2_1, SUB_SEPARATOR, CsvVersion

_OWN_COLUMNS = frozenset(
    ("STRUCTURE", "STRUCTURE_ID", "STRUCTURE_NAME", "ACTION", "SERIES_KEY", "OBS_KEY")
)
# Between a code and the name in the cell beside it: stands in no text.
_BETWEEN = "\x1f"
_DECIMAL_COMMA = re.compile(r"-?[0-9]+,[0-9]+")


def decode_csv(
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions = NO_OPTIONS,
) -> Iterator[Dataset]:
    """Yield one dataset a run of rows of one structure, in the order of an SDMX-CSV 2.1 file.

    Rows carry `$locator`; `$action` where they ask for something else than the dataset. Attributes that the
    DSD attaches above the observation become attribute values of the dataset, except in rows that delete.
    What is wrong is reported; what cannot be read for it is left out. Memory does not grow with the file.
    """
    return _decode(CSV_2_1, stream, structures, report, options)


def decode_csv_2_0(
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions = NO_OPTIONS,
) -> Iterator[Dataset]:
    """Yield the same of an SDMX-CSV 2.0 file, which has no action Merge; without ACTION it is Information."""
    return _decode(CSV_2_0, stream, structures, report, options)


def decode_csv_1_0(
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions = NO_OPTIONS,
) -> Iterator[Dataset]:
    """Yield the same of an SDMX-CSV 1.0 file: a DATAFLOW column, and no actions."""
    return _decode(CSV_1_0, stream, structures, report, options)


class _Part(NamedTuple):
    """Neighbouring rows of one structure, as they were read."""

    named: tuple[str | None, str | None]
    """STRUCTURE and STRUCTURE_ID."""
    table: CsvTable
    first: int
    end: int

    @property
    def line(self) -> int:
        """The line of the first row."""
        return int(self.table.lines[self.first])


def _decode(
    version: CsvVersion,
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions,
) -> Iterator[Dataset]:
    yield from decode_rows(version, CsvText(stream, report), structures, report, options)


def decode_rows(
    version: CsvVersion,
    text: Rows,
    structures: Structures,
    report: Report,
    options: DecodeOptions,
) -> Iterator[Dataset]:
    """Yield the datasets of rows, whatever holds them; places are `line:N`, N as `CsvTable.lines` has it."""
    if text.is_unreadable:
        return
    file = opened(text, version, report, options)
    if file is None:
        return
    finder = StructureFinder(file, structures, report, options.structure)
    tables = text.tables(file.separator, len(file.columns))
    parts = chain.from_iterable(_parts(file, table) for table in tables)
    for named, own in groupby(parts, key=lambda part: part.named):
        first = next(own)
        dsd = finder.find(named, first.line)
        if dsd is not None:
            run = _Run(file, dsd, report)
            yield from run.datasets(chain([first], own))  # noqa: B031 - it is read to its end before the next


def _parts(file: File, table: CsvTable) -> Iterator[_Part]:
    """Yield the runs of rows with one STRUCTURE and STRUCTURE_ID."""
    rows = len(table.lines)
    changes = np.zeros(rows, bool)
    named = [
        table.columns[file.by_id[id].number] if id in file.by_id else None
        for id in file.structure_columns
    ]
    for column in named:
        if column is not None:
            cells = coded(column)
            if len(cells.dictionary) > 1 or cells.null_count:
                numbers = cells.indices.fill_null(-1).to_numpy(zero_copy_only=False)
                changes[1:] |= numbers[1:] != numbers[:-1]
    first = 0
    for end in [*np.flatnonzero(changes).tolist(), rows]:
        texts = [None if column is None else column[first].as_py() for column in named]
        word, id = texts if len(texts) == 2 else ("dataflow", texts[0])
        yield _Part((word, id), table, first, end)
        first = end


@dataclass
class _Run:
    """Rows of one structure, read part by part."""

    file: File
    dsd: Dsd
    report: Report
    told: set[str] = field(default_factory=set)
    """What was reported of a column, which is said once."""
    label_checks: dict[str, LabelCheck] = field(default_factory=dict)
    """What compares names with those of codes, by component."""

    def datasets(self, parts: Iterator[_Part]) -> Iterator[Dataset]:
        """Yield the rows as a dataset, and further ones for attribute values with other actions."""
        hoister = Hoister(self.dsd, self.report)
        batches = self.batches(parts, hoister)
        # The first part tells the action, before any of its rows is asked for.
        action, _ = next(batches)
        has_above = any(
            dimensions_of(self.dsd, component) is not None and component.id in self.file.by_id
            for component in self.dsd.attributes
        )
        entries: Sequence[AttributeValues] = hoister.entries(action) if has_above else ()
        lazy = LazyBatches(batch for _, batch in batches if batch is not None)
        yield Dataset(self.dsd, lazy, action, entries)
        lazy.keep_rest()
        for other in hoister.actions:
            if other is not action:
                yield Dataset(self.dsd, (), other, hoister.entries(other))

    def batches(
        self, parts: Iterable[_Part], hoister: Hoister
    ) -> Iterator[tuple[Action, Batch | None]]:
        """Yield (action of the dataset, batch); the batch is None where a part has no observation."""
        common: Action | None = None
        for part in parts:
            level = self.level(part)
            rows = hoister.hoist(level)
            own = level.actions[rows]
            if common is None:
                common = _common(own, hoister)
            self.report_dimensions(own)
            differ = bool((own != common).any())
            found = level.batches(rows, own_actions=differ)
            yield common, None
            for batch in found:
                yield common, batch

    def level(self, part: _Part) -> Level:
        """Return the rows of a part with the values of their components."""
        self.report_columns(part)
        self.check_structure_label(part)
        actions = self.actions(part)
        locators = line_locators(part.table.lines[part.first : part.end])
        level = Level(self.dsd, self.component_columns(part), actions, locators)
        self.check_keys(part, level)
        return level

    # -- header ------------------------------------------------------------------------------------

    @cached_property
    def own_columns(self) -> dict[str, Column]:
        """The column of each component."""
        found: dict[str, Column] = {}
        for column in self.file.columns:
            if column.number not in self.name_columns and column.id in self.dsd:
                found.setdefault(column.id, column)
        return found

    @cached_property
    def name_columns(self) -> frozenset[int]:
        """Numbers of the columns that hold names: with labels=name one follows each component."""
        if not self.file.has_name_columns:
            return frozenset()
        found: set[int] = set()
        seen: set[str] = set()
        for column in self.file.columns:
            if column.number not in found and column.id in self.dsd and column.id not in seen:
                seen.add(column.id)
                found.add(column.number + 1)
        return frozenset(found)

    def say_once(self, finding: Finding) -> None:
        """Report what concerns a column as a whole."""
        mark = f"{finding.rule} {finding.component}"
        if mark not in self.told:
            self.told.add(mark)
            self.report.add(finding)

    def report_columns(self, part: _Part) -> None:
        """Report columns with values that the structure does not have."""
        absent = [id for id in self.dsd.by_id if id not in self.own_columns]
        structural = {*_OWN_COLUMNS, *self.file.structure_columns}
        if self.file.version is CSV_1_0:
            structural -= {"ACTION"}
        for column in self.file.columns:
            if column.number in self.name_columns or column in self.own_columns.values():
                continue
            if column.id in structural and self.file.by_id[column.id] is column:
                continue
            cells = self.cells(column, part)
            if cells.null_count < len(cells):
                twice = column.id in self.own_columns or column.id in structural
                self.say_once(self.twice(column) if twice else self.unknown_column(column, absent))

    def twice(self, column: Column) -> Finding:
        """Return the finding of a component that has two columns."""
        return Finding(
            rule="duplicate-column",
            severity=Severity.ERROR,
            message=f"The column {column.id} comes twice; the second was left out.",
            dataflow=self.dsd.urn.short,
            component=column.id,
            locator="line:1",
        )

    def check_structure_label(self, part: _Part) -> None:
        """Report the name that the file gives the structure, if it has another."""
        column = self.file.by_id.get("STRUCTURE_NAME")
        if column is not None:
            label = part.table.columns[column.number][part.first].as_py()
        else:
            label = (part.named[1] or "").partition(": ")[2]
        found = structure_label(self.dsd, label, f"line:{part.line}")
        if found is not None:
            self.say_once(found)

    def report_dimensions(self, actions: npt.NDArray[np.object_]) -> None:
        """Report dimensions that have no column, where a row speaks of an observation."""
        absent = [id for id in self.dsd.key_ids if id not in self.own_columns]
        if not absent or not (actions != Action.DELETE).any() or not self.speaks_of_observations:
            return
        for id in absent:
            self.say_once(
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

    @property
    def speaks_of_observations(self) -> bool:
        """True where there is a column of a measure or of an attribute of the observation."""
        return any(
            component.role in (Role.MEASURE, Role.ATTRIBUTE)
            and dimensions_of(self.dsd, component) is None
            and component.id in self.own_columns
            for component in self.dsd.components
        )

    def unknown_column(self, column: Column, absent: list[str]) -> Finding:
        """Return the finding of a column that is no component."""
        if self.dsd.is_metadata(column.id):
            return metadata_not_kept(column.id, self.dsd.urn.short, "line:1")
        near = get_close_matches(column.id.upper(), absent, n=1, cutoff=0.8)
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

    def cells(self, column: Column, part: _Part) -> pa.StringArray:
        """Return the cells of the rows of a part."""
        return part.table.columns[column.number].slice(part.first, part.end - part.first)

    def actions(self, part: _Part) -> npt.NDArray[np.object_]:
        """Return the action of each row; absent is what the version says (field guides, 'Actions')."""
        column = self.file.by_id.get("ACTION")
        version = self.file.version
        if column is None or version is CSV_1_0:
            return np.array([version.absent_action], object).repeat(part.end - part.first)
        values, indices = dictionary_of(coded(self.cells(column, part)))
        if len(values) == 1 and not indices.null_count and values[0] in version.letters.values():
            return np.array([version.action_of(values[0])], object).repeat(len(indices))
        numbers = indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
        known = np.empty(len(values) + 1, object)
        known[-1] = version.absent_action
        for number, value in enumerate(values):
            known[number] = version.action_of(value)
            if known[number] is None or value not in version.letters.values():
                at = np.flatnonzero(numbers == number)
                if len(at):
                    line = int(part.table.lines[part.first + int(at[0])])
                    self.report_action(value, known[number], line)
                known[number] = known[number] or version.absent_action
        actions: npt.NDArray[np.object_] = known[numbers]
        return actions

    def report_action(self, value: str, meant: Action | None, line: int) -> None:
        """Report an action that the version does not have; where a word was meant, only that it did."""
        version = self.file.version
        mark = f"unknown-action {value}"
        if mark in self.told:
            return
        self.told.add(mark)
        letters = ", ".join(sorted(version.letters.values()))
        self.report.add(
            Finding(
                rule="unknown-action",
                severity=Severity.ERROR if meant is None else Severity.WARNING,
                message=f"{value!r} is no action of {version.name}; write one of {letters} ('Actions')."
                + (f" It was read as {meant.value}." if meant else ""),
                component="ACTION",
                value=value,
                locator=f"line:{line}",
            )
        )

    def component_columns(self, part: _Part) -> dict[str, pa.Array]:
        """Return the columns of components that have any value, in DSD order."""
        found: dict[str, pa.Array] = {}
        for component in self.dsd.components:
            column = self.own_columns.get(component.id)
            if column is None:
                continue
            cells = self.cells(column, part)
            if cells.null_count < len(cells):
                self.check_labels(component, column, cells, part)
                found[component.id] = self.values(component, column, cells, part)
        return found

    def check_labels(
        self, component: ResolvedComponent, column: Column, cells: pa.StringArray, part: _Part
    ) -> None:
        """Report names beside codes that the codes do not have."""
        beside = column.number + 1
        if component.codelist is None or not (column.is_labelled or beside in self.name_columns):
            return
        if column.is_labelled:
            texts, indices = dictionary_of(coded(cells))
        elif beside < len(part.table.columns):
            names = part.table.columns[beside].slice(part.first, part.end - part.first)
            both = pc.binary_join_element_wise(cells, names, _BETWEEN)
            texts, indices = dictionary_of(coded(both))
        else:
            return
        between = ": " if column.is_labelled else _BETWEEN

        def locate(number: int) -> str:
            row = pc.index(indices, number).as_py()
            return f"line:{part.table.lines[part.first + row]}"

        labels = (
            (code, label, number)
            for number, text in enumerate(texts)
            for code, label in self.labels(component, text, between)
        )
        check = self.label_checks.setdefault(component.id, LabelCheck(self.dsd, component))
        for finding in check.look(labels, locate):
            self.report.add(finding)

    def labels(
        self, component: ResolvedComponent, text: str, between: str
    ) -> Iterator[tuple[str, str]]:
        """Yield each code of a cell with its name."""
        separator = SUB_SEPARATOR if self.file.version is CSV_1_0 else self.file.sub_separator
        if not component.is_multiple or separator is None:
            code, _, name = text.partition(between)
            yield code, name
        elif between == _BETWEEN:
            codes, _, names = text.partition(between)
            given = split_sub_fields(codes, separator), split_sub_fields(names, separator)
            if len(given[0]) == len(given[1]):
                yield from zip(*given, strict=True)
        else:
            for entry in split_sub_fields(text, separator):
                code, _, name = entry.partition(between)
                yield code, name

    def values(
        self, component: ResolvedComponent, column: Column, cells: pa.Array, part: _Part
    ) -> pa.Array:
        """Return the values of a component as its column of the batch has them."""
        if takes_languages(component):
            cells = self.unmarked(component, cells, part)
            if column.languages:
                return self.localised(component, column, cells, part)
        elif column.languages:
            self.say_once(
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
        strip = stripper(component) if column.is_labelled else None
        if component.is_multiple:
            return self.lists(cells, strip)
        if component.role is Role.MEASURE and component.codelist is None:
            return self.numbers(component, cells, part)
        if column.has_sub_fields and not column.languages:
            separator = self.file.sub_separator or ";"
            cells = _rewritten(cells, lambda text: only_sub_field(text, separator))
        if strip is not None:
            cells = _rewritten(cells, strip)
        return cells if component.role is Role.MEASURE else coded(cells)

    def unmarked(
        self, component: ResolvedComponent, cells: pa.StringArray, part: _Part
    ) -> pa.StringArray:
        """Return the cells without those that hold a mark of texts in languages."""
        if is_unmarked(cells):
            return cells
        wrong = pc.match_substring_regex(cells, MARKS).fill_null(False)
        row = int(pc.indices_nonzero(wrong)[0].as_py())
        locator = f"line:{part.table.lines[part.first + row]}"
        self.say_once(marked(self.dsd, component.id, locator))
        return pc.if_else(wrong, pa.scalar(None, pa.string()), cells)

    def localised(
        self, component: ResolvedComponent, column: Column, cells: pa.StringArray, part: _Part
    ) -> pa.Array:
        """Return the texts in languages of a column `ID[en;fr]`."""
        reader = LanguageCells(column.languages, self.file.sub_separator or SUB_SEPARATOR)
        texts, indices = dictionary_of(coded(cells))
        values: list[str | list[str]] = []
        for number, text in enumerate(texts):
            if component.is_multiple:
                values.append([compose(value) for value in reader.several(text)])
            else:
                values.append(compose(reader.one(text)))
            if reader.says:
                row = pc.index(indices, number).as_py()
                locator = f"line:{part.table.lines[part.first + row]}"
                self.say_once(self.unstated_language(column, text, reader.says, locator))
        kind = pa.list_(pa.string()) if component.is_multiple else pa.string()
        found = pa.array(values, kind).take(indices)
        whole = component.is_multiple or component.role is Role.MEASURE
        return found if whole else found.dictionary_encode()

    def unstated_language(self, column: Column, text: str, says: str, locator: str) -> Finding:
        """Return the finding of texts in languages that are not written as the guide has it."""
        return Finding(
            rule="unstated-language",
            severity=Severity.WARNING,
            message=f"{says}: each text under {column.header} starts with its language, as in "
            f"{column.languages[0]}:Text, once a value, and stands in quotation marks where it holds the separator.",
            dataflow=self.dsd.urn.short,
            component=column.id,
            value=text,
            locator=locator,
        )

    def lists(self, cells: pa.Array, strip: Callable[[str], str] | None) -> pa.ListArray:
        """Return the several values of each cell."""
        values, indices = dictionary_of(cells)
        separator = self.file.sub_separator
        if self.file.version is CSV_1_0:
            separator = SUB_SEPARATOR
        lists = [split_sub_fields(value, separator) if separator else [value] for value in values]
        if strip is not None:
            lists = [list(map(strip, parts)) for parts in lists]
        return pa.array(lists, pa.list_(pa.string())).take(indices)

    def numbers(
        self, component: ResolvedComponent, cells: pa.StringArray, part: _Part
    ) -> pa.StringArray:
        """Return measured values as they are; a decimal comma, which a `;` file may have, becomes a point."""
        if self.file.separator == ",":
            return cells
        with_comma = pc.match_substring_regex(cells, rf"^{_DECIMAL_COMMA.pattern}$").fill_null(
            False
        )
        if not pc.any(with_comma).as_py():
            return cells
        row = int(pc.indices_nonzero(with_comma)[0].as_py())
        self.say_once(
            Finding(
                rule="decimal-comma",
                severity=Severity.INFO,
                message=f"{component.id} has decimal commas, which were read as decimal points.",
                component=component.id,
                value=cells[row].as_py(),
                locator=f"line:{part.table.lines[part.first + row]}",
            )
        )
        return pc.if_else(with_comma, pc.replace_substring(cells, ",", "."), cells)

    def check_keys(self, part: _Part, level: Level) -> None:
        """Report a SERIES_KEY or OBS_KEY that says something else than the dimensions."""
        ids = self.dsd.key_ids
        for name in ("SERIES_KEY", "OBS_KEY"):
            column = self.file.by_id.get(name)
            if column is None or name in self.dsd or any(id not in level.columns for id in ids):
                continue
            # Any dimension may stand at the observation, and then is not in the key of the series.
            wanted = [tuple(other for other in ids if other != id) for id in reversed(ids)]
            cells = self.cells(column, part)
            self.check_key(name, cells, [ids] if name == "OBS_KEY" else [*wanted, ids], level)

    def check_key(
        self, name: str, cells: pa.Array, candidates: list[tuple[str, ...]], level: Level
    ) -> None:
        """Report the first key that contradicts the dimensions, unless some choice of them fits all rows."""
        first: tuple[str, pa.Array, pa.Array] | None = None
        for ids in candidates:
            parts = [level.columns[id].cast(pa.string()) for id in ids]
            wanted = pc.binary_join_element_wise(*parts, pa.scalar("."))
            as_told = pc.binary_join_element_wise(*map(_key_parts, parts), pa.scalar("."))
            # Who does not quote values with a dot in them does not contradict them.
            differs = pc.and_(pc.not_equal(cells, wanted), pc.not_equal(cells, as_told))
            differs = differs.fill_null(False)
            if not pc.any(differs).as_py():
                return
            first = first or (name, wanted, differs)
        if first is not None:
            self.report_key(*first, cells, level)

    def report_key(
        self, id: str, wanted: pa.Array, differs: pa.Array, cells: pa.Array, level: Level
    ) -> None:
        """Report the first of the keys that contradict the dimensions."""
        row = int(pc.indices_nonzero(differs)[0].as_py())
        self.say_once(
            Finding(
                rule="contradictory-key",
                severity=Severity.WARNING,
                message=f"{id} is {cells[row].as_py()!r} where the dimensions say {wanted[row].as_py()!r}; "
                "the dimensions were read.",
                dataflow=self.dsd.urn.short,
                component=id,
                value=cells[row].as_py(),
                locator=level.locators[row].as_py(),
            )
        )


def _key_parts(column: pa.Array) -> pa.Array:
    """Return the values of a dimension as they stand in a key."""
    odd = pc.match_substring_regex(column, r'[."]')
    if not pc.any(odd).as_py():
        return column
    inner = pc.replace_substring(column, '"', '""')
    return pc.if_else(odd, pc.binary_join_element_wise('"', inner, '"', ""), column)


def _common(actions: npt.NDArray[np.object_], hoister: Hoister) -> Action:
    """Return the action of a dataset: that of all its first rows, else Merge."""
    if len(actions):
        first: Action = actions[0]
        return first if bool((actions == first).all()) else Action.MERGE
    return next(iter(hoister.actions), Action.MERGE)


def _rewritten(cells: pa.StringArray, rewrite: Callable[[str], str]) -> pa.StringArray:
    """Return the cells with each distinct text rewritten."""
    values, indices = dictionary_of(coded(cells))
    return pa.array([rewrite(value) for value in values], pa.string()).take(indices)
