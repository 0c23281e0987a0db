"""SDMX-CSV data: the encoder. sdmx-csv 1.0, 2.0 and 2.1, data message field guides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial

import pyarrow as pa

from dsd.batch import ACTION, Batch
from dsd.dataset import NOTHING_SAID, Action, AttributeValues, PreparedDataset
from dsd.localised import takes_languages
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.time_period import DAY, REPORTING_YEAR_START_DAY, PeriodSyntaxError, parse_period
from service.formats.attaching import Attacher
from service.formats.columns import (
    Part,
    Pieces,
    content,
    in_chunks,
    joined,
    list_pieces,
    observation_ids,
    peeked,
    pieces,
    present,
    rows_written,
    text_pieces,
    written_ids,
)
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.csv_cells import key_part
from service.formats.csv_languages import written, written_sets
from service.formats.localised_texts import LanguagesSeen, in_languages
from service.formats.look_ahead import looked_at
from service.formats.names import name_of
from service.formats.structure_name import structure_word

SEPARATOR = ","
SUB_SEPARATOR = ";"
END_OF_ROW = "\r\n"
_QUOTED_CHARACTERS = frozenset('",\r\n')
_PLAIN = r'^[^",\r\n]+$'
_SUB_QUOTED_CHARACTERS = frozenset('";\r\n')


@dataclass(frozen=True)
class CsvVersion:
    """What one version of SDMX-CSV knows of actions."""

    name: str
    letters: Mapping[Action, str]
    """What ACTION says; none where the version has no such column."""
    absent_action: Action
    """What rows ask for that do not say it."""

    def action_of(self, text: str) -> Action | None:
        """Return the action of a cell, also one of another version or written as a word; None where it is none."""
        known: dict[str, Action] = {}
        for action, letter in (*self.letters.items(), *LETTER_OF_ACTION.items()):
            known.setdefault(letter, action)
        words = {action.value.lower(): action for action in Action}
        return known.get(text) or known.get(text.upper()) or words.get(text.lower())


LETTER_OF_ACTION = {
    Action.INFORMATION: "I",
    Action.APPEND: "A",
    Action.MERGE: "M",
    Action.REPLACE: "R",
    Action.DELETE: "D",
}
CSV_2_1 = CsvVersion("SDMX-CSV 2.1", LETTER_OF_ACTION, Action.MERGE)
# 2.0 has no Merge; its Append means the same.
CSV_2_0 = CsvVersion("SDMX-CSV 2.0", LETTER_OF_ACTION | {Action.MERGE: "A"}, Action.INFORMATION)
CSV_1_0 = CsvVersion("SDMX-CSV 1.0", {}, Action.MERGE)


def quoted(text: str) -> str:
    """Return a cell (RFC 4180, 2). An empty text is quoted, since a bare empty cell means absent."""
    if text and _QUOTED_CHARACTERS.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def sub_fields(values: Iterable[str]) -> str:
    """Return the values of one cell: `A;B`, those with a separator or quote quoted once more."""
    return SUB_SEPARATOR.join(
        text
        if text and _SUB_QUOTED_CHARACTERS.isdisjoint(text)
        else '"' + text.replace('"', '""') + '"'
        for text in values
    )


@dataclass(frozen=True)
class _Column:
    """A column of a message, which data sets of several structures may share."""

    id: str
    first: ResolvedComponent
    """The component in the first structure that has it."""
    has_sub_fields: bool
    languages: tuple[str, ...] = ()
    """Of the texts in it, where any is in another than English."""

    @property
    def mark(self) -> str:
        """What stands after the id in the header of 2.x."""
        if self.languages:
            return f"[{SUB_SEPARATOR.join(self.languages)}]"
        return "[]" if self.has_sub_fields else ""


@dataclass(frozen=True)
class _Message:
    """What is fixed for one message."""

    version: CsvVersion
    options: EncodeOptions
    columns: tuple[_Column, ...]

    @property
    def is_1_0(self) -> bool:
        """True for SDMX-CSV 1.0."""
        return self.version is CSV_1_0

    def header_row(self) -> bytes:
        """Return the first row."""
        if self.is_1_0:
            cells = ["DATAFLOW"]
        else:
            several = any(column.mark for column in self.columns)
            cells = [f"STRUCTURE[{SUB_SEPARATOR}]" if several else "STRUCTURE", "STRUCTURE_ID"]
            cells += ["STRUCTURE_NAME"] if self.options.labels == "name" else []
            cells += ["ACTION", *self.key_names()]
        for column in self.columns:
            cells += self.column_header(column)
        return (SEPARATOR.join(map(quoted, cells)) + END_OF_ROW).encode()

    def column_header(self, column: _Column) -> list[str]:
        """Return the header cells of a component: with labels=name, that of its names follows."""
        component = column.first
        id = column.id if self.is_1_0 else f"{column.id}{column.mark}"
        if self.options.labels == "id" or (self.is_1_0 and component.role is Role.MEASURE):
            return [id]
        name = name_of(component.concept, self.options.languages)
        return [f"{id}: {name}"] if self.options.labels == "both" else [id, name]

    def key_names(self) -> list[str]:
        """Return the headers of the key columns asked for."""
        wanted = {"series": ["SERIES_KEY"], "obs": ["OBS_KEY"], "both": ["SERIES_KEY", "OBS_KEY"]}
        return [] if self.is_1_0 else wanted.get(self.options.keys, [])


@dataclass(frozen=True)
class _Writer:
    """What is fixed for one data set of a message."""

    message: _Message
    dsd: Dsd
    action: Action
    components: Mapping[str, ResolvedComponent] = field(default_factory=dict)
    """The components written, by id."""

    @property
    def options(self) -> EncodeOptions:
        """What the caller chose."""
        return self.message.options

    # -- texts of values ---------------------------------------------------------------------------

    def text(self, component: ResolvedComponent, value: str) -> str:
        """Return the text of a value, with its name where labels=both asks for it."""
        if component.role is Role.TIME and self.options.time_format == "normalized":
            return _first_day(value, has_years=REPORTING_YEAR_START_DAY in self.dsd)
        if self.options.labels != "both":
            return value
        name = self.name(component, value)
        if name:
            return f"{value}: {name}"
        # A reader takes off what follows the first ": ", unless the two halves are one.
        named = component.codelist is not None or component.role in (Role.DIMENSION, Role.TIME)
        return f"{value}: {value}" if named and ": " in value else value

    def name(self, component: ResolvedComponent, value: str) -> str:
        """Return the name of a code, empty for anything else."""
        code = component.codes.get(value)
        return name_of(code, self.options.languages) if code else ""

    # -- cells before those of components ------------------------------------------------------------

    def key_columns(self) -> list[list[str]]:
        """Return the dimension ids of the key columns asked for."""
        at_observation = observation_ids(self.dsd, self.options)
        series = [id for id in self.dsd.key_ids if id not in at_observation]
        # Series without observations have no key of one; the cells stay empty, as for partial keys.
        whole = [] if self.options.series_only else list(self.dsd.key_ids)
        return [series if name == "SERIES_KEY" else whole for name in self.message.key_names()]

    def structure_cells(self) -> str:
        """Return the cells that name the structure, with the separator after them."""
        named = self.dsd.dataflow or self.dsd.structure
        name = name_of(named, self.options.languages)
        word, identity = structure_word(self.dsd)
        if self.message.is_1_0:
            identity = self.dsd.urn.short
        labelled = f"{identity}: {name}" if self.options.labels == "both" else identity
        if self.message.is_1_0:
            return quoted(labelled) + SEPARATOR
        cells = [word, labelled, *([name] if self.options.labels == "name" else [])]
        return "".join(quoted(cell) + SEPARATOR for cell in cells)

    def action_cell(self, action: Action) -> str:
        """Return the cell of an action with the separator after it; nothing where there is no such column."""
        letters = self.message.version.letters
        return letters[action] + SEPARATOR if letters else ""

    # -- rows --------------------------------------------------------------------------------------

    def rows(self, batch: Batch) -> pa.Array:
        """Return the rows of a batch as texts."""
        own = self.action_cell(self.action)
        actions = present(batch, ACTION)
        parts: list[Part] = [self.structure_cells()]
        parts.append(
            own
            if actions is None
            else pieces(actions, lambda text: self.action_cell(Action(text)), own)
        )
        for ids in self.key_columns():
            parts += [self.key_cells(batch, ids), SEPARATOR]
        for column in self.message.columns:
            end = END_OF_ROW if column is self.message.columns[-1] else SEPARATOR
            parts += self.cells(column, batch, end)
        return joined(parts)

    def key_cells(self, batch: Batch, ids: list[str]) -> Part:
        """Return the key of each row, quoted where an uncoded dimension makes that needful."""
        parts: list[Part] = []
        for number, id in enumerate(ids):
            column = present(batch, id)
            parts.append("." if number else "")
            parts.append("" if column is None else pieces(column, key_part))
        if not any(isinstance(part, Pieces) for part in parts):
            return ""
        return text_pieces(joined(parts), _PLAIN, lambda text: quoted(text) if text else "")

    def cells(self, column: _Column, batch: Batch, end: str) -> list[Part]:
        """Return the cells of a component (and of its names) with the separators after them."""
        named = self.options.labels == "name"
        first_end = SEPARATOR if named else end
        component = self.components.get(column.id)
        values = None if component is None else present(batch, column.id)
        if component is None or values is None:
            return [first_end + (end if named else "")]
        parts: list[Part]
        if pa.types.is_list(values.type):
            parts = [list_pieces(values, self.list_cell(column, component, first_end), first_end)]
        elif component.role is Role.MEASURE and component.codelist is None:
            parts = [text_pieces(values, _PLAIN, quoted), first_end]
        else:
            parts = [pieces(values, self.cell(column, component, first_end), first_end)]
        if named:
            parts.append(self.name_cells(component, values, end))
        return parts

    def cell(self, column: _Column, component: ResolvedComponent, end: str) -> Callable[[str], str]:
        """Return the function that writes the cell of one value."""
        if column.languages:
            return lambda value: quoted(written(self.wanted(value))) + end
        if column.has_sub_fields and not self.message.is_1_0:
            return lambda value: quoted(sub_fields([self.text(component, value)])) + end
        return lambda value: quoted(self.text(component, value)) + end

    def name_cells(self, component: ResolvedComponent, column: pa.Array, end: str) -> Part:
        """Return the cells that name the values of a coded component."""
        if component.codelist is None:
            return end
        if pa.types.is_list(column.type):
            return list_pieces(
                column,
                lambda values: quoted(sub_fields(self.name(component, v) for v in values)) + end,
                end,
            )

        def cell(value: str) -> str:
            name = self.name(component, value)
            return (quoted(name) if name else "") + end

        return pieces(column, cell, end)

    def list_cell(
        self, column: _Column, component: ResolvedComponent, end: str
    ) -> Callable[[list[str]], str]:
        """Return the function that writes the cell of a list of values."""
        if column.languages:
            return lambda values: quoted(written_sets(map(self.wanted, values))) + end
        return lambda values: quoted(sub_fields(self.text(component, v) for v in values)) + end

    def wanted(self, value: str) -> str:
        """Return a text in the languages asked for."""
        return in_languages(value, self.options.languages)

    def attribute_row(self, entry: AttributeValues) -> bytes:
        """Return a row with part of the key: values that stand above the observation."""
        given: Mapping[str, str | tuple[str, ...]] = {**entry.key, **entry.values}
        cells = []
        for ids in self.key_columns():
            key = [entry.key.get(id, "") for id in ids]
            cells.append(quoted(".".join(map(key_part, key))) if all(key) and key else "")
        for column in self.message.columns:
            component = self.components.get(column.id)
            value = given.get(column.id)
            absent = component is None or value is None
            cells.append("" if absent else quoted(self.given_text(column, value, self.text)))
            if self.options.labels == "name":
                name = "" if absent else self.given_text(column, value, self.name)
                cells.append(quoted(name) if name else "")
        start = self.structure_cells() + self.action_cell(self.action)
        return (start + SEPARATOR.join(cells) + END_OF_ROW).encode()

    def given_text(
        self,
        column: _Column,
        value: str | tuple[str, ...] | None,
        write: Callable[[ResolvedComponent, str], str],
    ) -> str:
        """Return the text of one value or of several."""
        component = self.components[column.id]
        values = (value,) if isinstance(value, str) else value or ()
        if column.languages and write == self.text:
            wanted = [self.wanted(text) for text in values]
            return written_sets(wanted) if component.is_multiple else written(wanted[0])
        if component.is_multiple or (column.has_sub_fields and not self.message.is_1_0):
            return sub_fields(write(component, text) for text in values)
        return write(component, value if isinstance(value, str) else sub_fields(values))


def _first_day(value: str, *, has_years: bool) -> str:
    """Return the first day of a period (its first moment where it is shorter than a day).

    The field guide normalises to the most granular ISO 8601 form; its own example writes months as days.
    A text that is no period stays as it is: the rules report it; so does a reporting period where data may say that
    the year starts on another day than the calendar's (`has_years`).
    """
    try:
        period = parse_period(value, strict=False)
        day, moment = period.start, period.first_moment
    except PeriodSyntaxError:
        return value
    if period.is_reporting and has_years:
        return value
    if period.is_moment or period.first % DAY:
        return f"{moment.isoformat()}{period.zone_text}"
    return f"{day.isoformat()}{period.zone_text}"


def encode_csv(
    header: Header, datasets: Sequence[PreparedDataset], options: EncodeOptions
) -> Iterator[bytes]:
    """Yield an SDMX-CSV 2.1 message: the header row, attribute rows with partial keys, observations.

    Data sets come one after the other; those of several structures share the columns of the same id. Series
    without observations are rows with a partial key too, that of the series.

    Raises:
        NotExpressibleError: the dimension at the observation is not in the DSD; something is said of a data set
            for which SDMX-CSV has no place.
    """
    return _encode(CSV_2_1, datasets, options)


def encode_csv_2_0(
    header: Header, datasets: Sequence[PreparedDataset], options: EncodeOptions
) -> Iterator[bytes]:
    """Yield the same as SDMX-CSV 2.0, where Merge is written as Append, which means the same."""
    return _encode(CSV_2_0, datasets, options)


def encode_csv_1_0(
    header: Header, datasets: Sequence[PreparedDataset], options: EncodeOptions
) -> Iterator[bytes]:
    """Yield an SDMX-CSV 1.0 message: each row an observation, with the values that hold for it.

    The version has no rows with partial keys; a value above the observation that holds for no row comes
    after the others in a row of its own, for it would be lost otherwise.

    Raises:
        NotExpressibleError: also a data set without dataflow, a deletion, and labels=name.
    """
    if options.labels == "name":
        raise NotExpressibleError("SDMX-CSV 1.0 has labels id and both; SDMX-CSV 2.1 has name too")
    for dataset in datasets:
        if dataset.dsd.dataflow is None:
            raise NotExpressibleError(
                f"SDMX-CSV 1.0 holds data of dataflows, not of {dataset.dsd.urn.short}; write SDMX-CSV 2.1"
            )
        if dataset.action is Action.DELETE:
            raise NotExpressibleError("SDMX-CSV 1.0 cannot delete; write SDMX-CSV 2.1")
    return _encode(CSV_1_0, datasets, options)


def _encode(
    version: CsvVersion, datasets: Sequence[PreparedDataset], options: EncodeOptions
) -> Iterator[bytes]:
    ids = [_written(dataset.dsd, options) for dataset in datasets]
    parts = []
    for dataset, own in zip(datasets, ids, strict=True):
        if dataset.said != NOTHING_SAID:
            raise NotExpressibleError(
                f"{version.name} has no place for {_said(dataset)}; write SDMX-JSON or SDMX-ML"
            )
        observation_ids(dataset.dsd, options)
        components = {c.id: c for c in dataset.dsd.components if c.id in own}
        rows = peeked(rows_written(dataset, own), version.name, row_actions=version is not CSV_1_0)
        parts.append(_DataSet(dataset, components, rows))
    return _chunks(_Message(version, options, _columns(datasets, ids)), parts)


def _said(dataset: PreparedDataset) -> str:
    said = dataset.said
    names = [name for name in said.__dataclass_fields__ if getattr(said, name) is not None]
    return ", ".join(names)


def _written(dsd: Dsd, options: EncodeOptions) -> set[str]:
    return set(written_ids(dsd, options)) - ({"TIME_PERIOD"} if options.series_only else set())


def _columns(datasets: Sequence[PreparedDataset], ids: Sequence[set[str]]) -> tuple[_Column, ...]:
    """Return the columns of all data sets: dimensions, measures, attributes, each in DSD order."""
    found: dict[str, _Column] = {}
    for dataset, own in zip(datasets, ids, strict=True):
        for component in dataset.dsd.components:
            if component.id in own:
                known = found.get(component.id)
                first = known.first if known else component
                several = component.is_multiple or bool(known and known.has_sub_fields)
                found[component.id] = _Column(component.id, first, several)
    places = {Role.DIMENSION: 0, Role.TIME: 0, Role.MEASURE: 1, Role.ATTRIBUTE: 2}
    return tuple(sorted(found.values(), key=lambda column: places[column.first.role]))


@dataclass(frozen=True)
class _DataSet:
    """A data set on its way out."""

    dataset: PreparedDataset
    components: Mapping[str, ResolvedComponent]
    """Those that are written."""
    rows: Iterable[Batch]

    @property
    def entries(self) -> list[AttributeValues]:
        """The values above the observation that are written."""
        return [
            entry
            for entry in self.dataset.preamble.attributes
            if not self.components.keys().isdisjoint(entry.values)
        ]


def _with_languages(
    message: _Message, parts: Sequence[_DataSet], stack: ExitStack
) -> tuple[_Message, Sequence[_DataSet]]:
    """Return the same with the languages of each column, which the header names.

    Where a structure lets a component have them, all rows are looked at before the first is written.

    Raises:
        NotExpressibleError: structures share a column, and only one of them lets it have languages.
    """
    seen = LanguagesSeen(message.options.languages)
    looked = [_looked_for_languages(part, seen, stack) for part in parts]
    columns = []
    for column in message.columns:
        languages = seen.of(column.id)
        own = [part.components[column.id] for part in parts if column.id in part.components]
        if languages and not all(map(takes_languages, own)):
            raise NotExpressibleError(
                f"{column.id} has texts in {', '.join(languages)}, which another of the structures does not let it have; "
                "write one message a structure"
            )
        columns.append(replace(column, languages=languages))
    return replace(message, columns=tuple(columns)), looked


def _looked_for_languages(part: _DataSet, seen: LanguagesSeen, stack: ExitStack) -> _DataSet:
    ids = [id for id, component in part.components.items() if takes_languages(component)]
    if not ids:
        return part
    seen.values(ids, part.entries)
    return replace(part, rows=looked_at(part.rows, partial(seen.batch, ids), stack))


def _chunks(message: _Message, parts: Sequence[_DataSet]) -> Iterator[bytes]:
    with ExitStack() as stack:
        if not message.is_1_0:
            message, parts = _with_languages(message, parts, stack)
        yield message.header_row()
        yield from _rows(message, parts)


def _rows(message: _Message, parts: Sequence[_DataSet]) -> Iterator[bytes]:
    for part in parts:
        dataset, entries, batches = part.dataset, part.entries, part.rows
        writer = _Writer(message, dataset.dsd, dataset.action, part.components)
        if message.is_1_0:
            yield from _rows_with_all(writer, entries, batches)
            continue
        # Where a row is a series, its values stand on it; but in a deletion, where a key without values says that
        # the whole series goes.
        is_by_series = message.options.series_only and dataset.action is not Action.DELETE
        series = set(dataset.dsd.series_ids) if is_by_series else None
        on_rows = [entry for entry in entries if entry.key.keys() == series]
        for entry in entries:
            if entry.key.keys() != series:
                yield writer.attribute_row(entry)
        yield from _rows_with_all(writer, on_rows, batches)


def _rows_with_all(
    writer: _Writer, entries: Iterable[AttributeValues], batches: Iterable[Batch]
) -> Iterator[bytes]:
    """Yield rows with values above the observation on each, then those of no row."""
    attacher = Attacher(writer.dsd, entries, writer.components.keys())
    for batch in in_chunks(batches):
        yield bytes(content(writer.rows(attacher.attach(batch))))
    for entry in attacher.unused():
        yield writer.attribute_row(entry)
