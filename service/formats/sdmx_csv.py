"""SDMX-CSV 2.1 data: the encoder. sdmx-csv 2.1, data message field guide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from dsd.batch import ACTION, Batch
from dsd.dataset import Action, AttributeValues, Preamble, PreparedDataset
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.time_period import PeriodSyntaxError, parse_period
from service.formats.columns import (
    Part,
    Pieces,
    content,
    in_chunks,
    joined,
    list_pieces,
    observation_ids,
    only_one,
    peeked,
    pieces,
    present,
    text_pieces,
    written_ids,
)
from service.formats.contract import EncodeOptions, Header
from service.formats.names import name_of
from service.formats.structure_name import structure_word

FORMAT_NAME = "SDMX-CSV 2.1"
SEPARATOR = ","
SUB_SEPARATOR = ";"
END_OF_ROW = "\r\n"
LETTER_OF_ACTION = {
    Action.INFORMATION: "I",
    Action.APPEND: "A",
    Action.MERGE: "M",
    Action.REPLACE: "R",
    Action.DELETE: "D",
}
_QUOTED_CHARACTERS = frozenset('",\r\n')
_PLAIN = r'^[^",\r\n]+$'
_SUB_QUOTED_CHARACTERS = frozenset('";\r\n')


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
class _Writer:
    """What is fixed for one message."""

    dsd: Dsd
    action: Action
    options: EncodeOptions
    components: tuple[ResolvedComponent, ...]

    # -- texts of values ---------------------------------------------------------------------------

    def text(self, component: ResolvedComponent, value: str) -> str:
        """Return the text of a value, with its name where labels=both asks for it."""
        if component.role is Role.TIME and self.options.time_format == "normalized":
            return _first_day(value)
        name = self.name(component, value) if self.options.labels == "both" else ""
        return f"{value}: {name}" if name else value

    def name(self, component: ResolvedComponent, value: str) -> str:
        """Return the name of a code, empty for anything else."""
        code = component.codes.get(value)
        return name_of(code, self.options.languages) if code else ""

    # -- header row --------------------------------------------------------------------------------

    def header_row(self) -> bytes:
        """Return the first row."""
        several = any(component.is_multiple for component in self.components)
        cells = [f"STRUCTURE[{SUB_SEPARATOR}]" if several else "STRUCTURE", "STRUCTURE_ID"]
        if self.options.labels == "name":
            cells.append("STRUCTURE_NAME")
        cells.append("ACTION")
        cells += [name for name, _ in self.key_columns()]
        for component in self.components:
            cells += self.component_header(component)
        return (SEPARATOR.join(map(quoted, cells)) + END_OF_ROW).encode()

    def component_header(self, component: ResolvedComponent) -> list[str]:
        """Return the header cells of a component: with labels=name, that of its names follows."""
        id = f"{component.id}[]" if component.is_multiple else component.id
        if self.options.labels == "id":
            return [id]
        name = name_of(component.concept, self.options.languages)
        return [f"{id}: {name}"] if self.options.labels == "both" else [id, name]

    def key_columns(self) -> list[tuple[str, list[str]]]:
        """Return header and dimension ids of the key columns asked for."""
        at_observation = observation_ids(self.dsd, self.options)
        series = [id for id in self.dsd.key_ids if id not in at_observation]
        columns = []
        if self.options.keys in ("series", "both"):
            columns.append(("SERIES_KEY", series))
        if self.options.keys in ("obs", "both"):
            # Series without observations have no key of one; the cells stay empty, as for partial keys.
            columns.append(("OBS_KEY", [] if self.options.series_only else list(self.dsd.key_ids)))
        return columns

    def structure_cells(self) -> str:
        """Return the cells that name the structure, with the separator after them."""
        word, identity = structure_word(self.dsd)
        named = self.dsd.dataflow or self.dsd.structure
        name = name_of(named, self.options.languages)
        cells = [word, f"{identity}: {name}" if self.options.labels == "both" else identity]
        if self.options.labels == "name":
            cells.append(name)
        return "".join(quoted(cell) + SEPARATOR for cell in cells)

    # -- rows --------------------------------------------------------------------------------------

    def rows(self, batch: Batch) -> pa.Array:
        """Return the rows of a batch as texts."""
        parts: list[Part] = [self.structure_cells()]
        actions = present(batch, ACTION)
        own = LETTER_OF_ACTION[self.action] + SEPARATOR
        parts.append(
            own
            if actions is None
            else pieces(actions, lambda text: LETTER_OF_ACTION[Action(text)] + SEPARATOR, own)
        )
        for _, ids in self.key_columns():
            parts += [self.key_cells(batch, ids), SEPARATOR]
        for component in self.components:
            end = END_OF_ROW if component is self.components[-1] else SEPARATOR
            parts += self.component_cells(component, present(batch, component.id), end)
        return joined(parts)

    def key_cells(self, batch: Batch, ids: list[str]) -> Part:
        """Return the key of each row, quoted where an uncoded dimension makes that needful."""
        parts: list[Part] = []
        for number, id in enumerate(ids):
            column = present(batch, id)
            parts.append("." if number else "")
            parts.append("" if column is None else pieces(column, str))
        if not any(isinstance(part, Pieces) for part in parts):
            return ""
        return text_pieces(joined(parts), _PLAIN, lambda text: quoted(text) if text else "")

    def component_cells(
        self, component: ResolvedComponent, column: pa.Array | None, end: str
    ) -> list[Part]:
        """Return the cells of a component (and of its names) with the separators after them."""
        named = self.options.labels == "name"
        first_end = SEPARATOR if named else end
        if column is None:
            return [first_end + (end if named else "")]
        parts: list[Part]
        if pa.types.is_list(column.type):
            parts = [
                list_pieces(column, self.list_cell(component, self.text, first_end), first_end)
            ]
        elif component.role is Role.MEASURE and component.codelist is None:
            parts = [text_pieces(column, _PLAIN, quoted), first_end]
        else:
            parts = [
                pieces(
                    column, lambda value: quoted(self.text(component, value)) + first_end, first_end
                )
            ]
        if named:
            parts.append(self.name_cells(component, column, end))
        return parts

    def name_cells(self, component: ResolvedComponent, column: pa.Array, end: str) -> Part:
        """Return the cells that name the values of a coded component."""
        if component.codelist is None:
            return end
        if pa.types.is_list(column.type):
            return list_pieces(column, self.list_cell(component, self.name, end), end)

        def cell(value: str) -> str:
            name = self.name(component, value)
            return (quoted(name) if name else "") + end

        return pieces(column, cell, end)

    def list_cell(
        self,
        component: ResolvedComponent,
        write: Callable[[ResolvedComponent, str], str],
        end: str,
    ) -> Callable[[list[str]], str]:
        """Return the function that writes the cell of a list of values."""
        return lambda values: quoted(sub_fields(write(component, v) for v in values)) + end

    def attribute_row(self, entry: AttributeValues) -> bytes:
        """Return a row with part of the key: values that stand above the observation."""
        given: Mapping[str, str | tuple[str, ...]] = {**entry.key, **entry.values}
        cells = [quoted(LETTER_OF_ACTION[self.action])]
        for _, ids in self.key_columns():
            key = [entry.key.get(id, "") for id in ids]
            cells.append(quoted(".".join(key)) if all(key) and key else "")
        for component in self.components:
            value = given.get(component.id)
            cells.append(
                "" if value is None else quoted(self.given_text(component, value, self.text))
            )
            if self.options.labels == "name":
                name = "" if value is None else self.given_text(component, value, self.name)
                cells.append(quoted(name) if name else "")
        return (self.structure_cells() + SEPARATOR.join(cells) + END_OF_ROW).encode()

    def given_text(
        self,
        component: ResolvedComponent,
        value: str | tuple[str, ...],
        write: Callable[[ResolvedComponent, str], str],
    ) -> str:
        """Return the text of one value or of several."""
        if component.is_multiple:
            values = (value,) if isinstance(value, str) else value
            return sub_fields(write(component, text) for text in values)
        return write(component, value if isinstance(value, str) else sub_fields(value))


def _first_day(value: str) -> str:
    """Return the first day of a period (its first moment where it is shorter than a day).

    The field guide normalises to the most granular ISO 8601 form; its own example writes months as days.
    A text that is no period stays as it is: the rules report it.
    """
    try:
        period = parse_period(value)
    except PeriodSyntaxError:
        return value
    if "T" in value.partition("/")[0]:
        return period.first_moment.isoformat()
    return period.start.isoformat()


def encode_csv(
    header: Header, datasets: Sequence[PreparedDataset], options: EncodeOptions
) -> Iterator[bytes]:
    """Yield an SDMX-CSV 2.1 message: the header row, attribute rows with partial keys, observations.

    Series without observations are rows with a partial key too, that of the series.

    Raises:
        NotExpressibleError: the dimension at the observation is not in the DSD.
    """
    dataset = only_one(datasets, FORMAT_NAME)
    dsd = dataset.dsd
    ids = set(written_ids(dsd, options)) - ({"TIME_PERIOD"} if options.series_only else set())
    writer = _Writer(dsd, dataset.action, options, tuple(c for c in dsd.components if c.id in ids))
    first = writer.header_row()
    rows = peeked(dataset.batches, FORMAT_NAME, row_actions=True)
    return _chunks(writer, first, dataset.preamble, rows)


def _chunks(
    writer: _Writer, first: bytes, preamble: Preamble, batches: Iterable[Batch]
) -> Iterator[bytes]:
    yield first
    written = {component.id for component in writer.components}
    for entry in preamble.attributes:
        if not written.isdisjoint(entry.values):
            yield writer.attribute_row(entry)
    for batch in in_chunks(batches):
        yield bytes(content(writer.rows(batch)))
