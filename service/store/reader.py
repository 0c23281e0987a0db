"""Reading: a selection of one state as Arrow batches, counts and distinct values, through DuckDB in process."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from codelists.urn import Urn
from dsd.batch import ANNOTATIONS, BATCH_ROWS, CODED, Batch, batch_schema
from dsd.dataset import AttributeValues, Preamble
from dsd.resolved import Dsd, ResolvedComponent, Role
from service.config import Settings
from service.query.selection import Selection
from service.store.above import Above, above_of, quoted
from service.store.catalog import AttributeKey, AttributeStates, FlowState, Leaf, Value
from service.store.conditions import satisfies
from service.store.leaf import ENTRY, SERIES_KEY, TX_FROM, TX_TO, LeafFolder, unreadable
from service.store.protocol import Availability, Revision, Snapshot, StoreUnavailableError
from service.store.series import (
    COUNT,
    PERIODS,
    asks_series,
    concerns_series,
    indexes_of,
    periods_in,
    without_window,
)
from service.store.slots import Slot, Slots
from service.store.sql import (
    Query,
    Scan,
    fixed_codes,
    is_few_series,
    is_whole,
    key_bounds,
    pruned,
)
from service.store.timeline import Timelines, stored_period

BUFFERED_ROWS = 4 * BATCH_ROWS
"""Answers with fewer rows are held, so that one scan gives both rows and preamble."""

FEW_ROWS = 2_000
"""Answers up to this size are taken as rows where few series are asked for: planning them once is what counts."""

KEPT_ROWS = 256
"""Columns up to this length are kept where they have one value throughout: answers of few rows are many."""

_Summary = tuple[int, dict[str, tuple[str, ...]]]
"""Number of observations, and distinct codes by component."""


@dataclass(frozen=True)
class Slice:
    """A selection with the state that it is about."""

    selection: Selection
    state: FlowState | None
    revision: Revision
    attributes: AttributeStates
    """Values above the observation that are to be told."""
    transaction: int | None
    """The state after this transaction; None for the newest."""
    after: int | None = None
    """The transaction since which changes are asked for; None where everything is."""
    state_attributes: AttributeStates | None = None
    """All values above the observation of the state that the rows are of, where others are to be told."""

    @property
    def is_all_of_present(self) -> bool:
        """True where it is about the newest state and all of it."""
        return self.transaction is None and self.after is None


class Reader:
    """DuckDB in this process over the leaves."""

    def __init__(self, settings: Settings, folder: LeafFolder) -> None:
        self._folder = folder
        self._spill = settings.temporary_folder / f"store-{os.getpid()}-{secrets.token_hex(4)}"
        self._database = duckdb.connect(
            config={
                "memory_limit": f"{settings.duckdb_memory_limit_mb}MB",
                "threads": settings.duckdb_threads,
                "temp_directory": str(self._spill),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "preserve_insertion_order": "true",
                "python_enable_replacements": "false",
            }
        )
        # It cannot plan a page of rows where a filter on the key lets none through ("Failed to bind column reference"),
        # and makes joins of long lists of values, which break the order of rows.
        self._database.execute("set disabled_optimizers = 'late_materialization,in_clause'")
        # Leaves never change: what is known of a file stays true.
        self._database.execute("set parquet_metadata_cache = true")
        self._database.execute("set validate_external_file_cache = 'NO_VALIDATION'")
        self._slots = Slots(self._database, settings.duckdb_slots, settings.duckdb_wait_seconds)
        self._timelines = Timelines(self._distinct)
        self._summaries: dict[Urn, tuple[tuple[int, tuple[str, ...]], _Summary]] = {}

    def close(self) -> None:
        """Release the engine and its temporary folder."""
        self._slots.close()
        self._database.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    # -- queries -----------------------------------------------------------------------------------

    def count(self, part: Slice) -> int:
        """Return the number of observations of a slice."""
        selection = part.selection
        # How many there are does not depend on their order.
        scan = self._scan(part) if selection.periods else self._untimed(part)
        if is_whole(selection) and part.is_all_of_present:
            return sum(leaf.rows for leaf in scan.leaves)
        index = self._index(part, scan)
        if index is not None and concerns_series(selection):
            return self._count_of_series(index, selection)
        query = Query()
        sql = f"select count(*) from ({scan.rows(query, [SERIES_KEY])})"  # noqa: S608
        return int(self._row(scan, sql, query)[0])

    def _count_of_series(self, index: Scan, selection: Selection) -> int:
        """Return how many observations the windows of a selection leave of these series."""
        size = quoted(COUNT)
        if selection.first_n is not None or selection.last_n is not None:
            size = f"least({size}, {(selection.first_n or 0) + (selection.last_n or 0)})"
        query = Query()
        sql = f"select coalesce(sum({size}), 0) from ({index.rows(query, [COUNT])})"  # noqa: S608
        rows = max(0, int(self._row(index, sql, query)[0]) - selection.offset)
        return rows if selection.limit is None else min(rows, selection.limit)

    def last_change(self, part: Slice, above: Mapping[AttributeKey, int]) -> int:
        """Return the last transaction that wrote or removed anything under the keys of a slice, 0 where nothing ever was.

        `above` are the last transactions of values above the observation.
        """
        state, selection = part.state, Selection(part.selection.dsd, keys=part.selection.keys)
        if state is None:
            return 0
        found = [number for key, number in above.items() if _concerns(selection, dict(key))]
        for leaves, column in (
            (pruned(state.leaves, key_bounds(selection)), TX_FROM),
            (state.history, TX_TO),
        ):
            if leaves:
                scan, query = Scan(selection, self._folder.root, tuple(leaves)), Query()
                sql = f"select max({column}) from ({scan.rows(query, [column])})"  # noqa: S608
                found.append(int(self._row(scan, sql, query)[0] or 0))
        return max(found, default=0)

    def availability(self, part: Slice) -> Availability:
        """Return distinct values, counts and the first and last period of a slice."""
        scan, dsd, selection = self._scan(part), part.selection.dsd, part.selection
        index = self._index(part, scan)
        by_calendar = scan.timeline is None or scan.timeline.start_days is None
        if index is not None and by_calendar and _is_all_of_series(selection):
            periods = (PERIODS,) if dsd.time_dimension else ()
            counts = f"coalesce(sum({COUNT}), 0), count(*)"
            return self._available(index, (*dsd.series_ids, *periods), COUNT, counts)
        counts = f"count(*), count(distinct {SERIES_KEY})"
        return self._available(scan, dsd.key_ids, SERIES_KEY, counts)

    def _available(
        self, scan: Scan, columns: Sequence[str], counted: str, counts: str
    ) -> Availability:
        """Return what rows of observations, or of the index of series, tell."""
        dsd, query, timeline = scan.selection.dsd, Query(), scan.timeline
        constants = _constants(scan)
        asked = [name for name in columns if name not in constants]
        if timeline is not None:
            asked.append(ENTRY)
        rows = scan.rows(query, [counted, *asked])
        listed = "".join(f", list(distinct {quoted(name)})" for name in asked)
        found = self._row(scan, f"select {counts}{listed} from ({rows})", query)  # noqa: S608
        texts = dict(zip(asked, found[2:], strict=True))
        if dsd.time_dimension and PERIODS in texts:
            texts[dsd.time_dimension.id] = periods_in(texts.pop(PERIODS) or ())
        if found[0]:
            texts |= {name: (value,) for name, value in constants.items()}
        values = {name: _in_order(dsd[name], texts.get(name) or ()) for name in dsd.key_ids}
        if timeline is not None:
            periods = timeline.periods(texts[ENTRY] or ())
        elif dsd.time_dimension is not None:
            periods = [stored_period(text) for text in values[dsd.time_dimension.id]]
        else:
            periods = []
        first = min(periods, key=lambda period: period.place, default=None)
        last = max(periods, key=lambda period: period.end_place, default=None)
        return Availability(
            int(found[1]), int(found[0]), values, first and first.text, last and last.text
        )

    @contextmanager
    def read(self, part: Slice) -> Iterator[Snapshot]:
        """Open the rows of a slice with their preamble."""
        part = _with_annotations(part)
        scan, selection = self._scan(part), part.selection
        if asks_series(selection):
            index = self._index(part, scan)
            scan = index.cut(selection.offset, selection.limit) if index else scan
        schema = _schema(selection)
        fixed = {**_constants(scan), **fixed_codes(selection)}
        # What is the same in all rows need not be read, if there is anything else to count rows by.
        held = _held(scan, schema)
        read = [name for name in held if name not in fixed] or held[:1]
        slot = self._slots.take()
        try:
            with closing(self._opened(slot.cursor, scan, read)) as rows:
                batches = _shaped(self._guarded(scan, rows), read, schema, fixed)
                first, is_all = _buffered(batches)
                if is_all:
                    rows.close()
                    slot.release()
                    codes = _codes_of(selection.dsd, first, schema, held)
                    observations = sum(batch.num_rows for batch in first)
                else:
                    observations, codes = self._known_summary(part, scan, schema)
                attributes = tuple(_attributes(part, schema))
                if attributes and _leaves_rows_out(selection):
                    attributes = self._of_rows(scan, attributes, first if is_all else None)
                preamble = Preamble(observations, codes, attributes)
                rest = _releasing(batches, rows, slot)
                yield Snapshot(preamble, chain(first, rest), part.revision)
        finally:
            slot.release(reusable=False)

    def _opened(self, cursor: Any, scan: Scan, read: Sequence[str]) -> pa.RecordBatchReader:
        """Return the rows of a scan as they come, those of a few series at once."""
        query = Query()
        sql = scan.rows(query, read)
        with self._translated(scan.files):
            if is_few_series(scan.selection):
                # A relation is planned twice, once to know its columns; those are known here.
                some = f"{sql} limit {FEW_ROWS + 1}" if scan.selection.limit is None else sql
                found = cursor.execute(some, query.parameters).fetchall()
                if len(found) <= FEW_ROWS:
                    return _reader_of(found, scan.selection.dsd, read)
            return cursor.sql(sql, params=query.parameters).to_arrow_reader(BATCH_ROWS)

    def _known_summary(self, part: Slice, scan: Scan, schema: pa.Schema) -> _Summary:
        """Return the summary of a large answer; that of a whole dataflow is kept while its leaves last."""
        if part.state is None or not part.is_all_of_present or not is_whole(part.selection):
            return self._summary(scan, schema)
        dataflow = part.selection.dsd.urn
        key = (part.state.head.layout, tuple(schema.names))
        known = self._summaries.get(dataflow)
        if known is None or known[0] != key:
            known = key, self._summary(scan, schema)
            self._summaries[dataflow] = known
        return known[1]

    def _summary(self, scan: Scan, schema: pa.Schema) -> _Summary:
        """Return the count and the distinct codes of a large answer."""
        dsd = scan.selection.dsd
        held = set(_held(scan, schema))
        coded = [name for name in schema.names if _is_listed(dsd[name])]
        constants = _constants(scan)
        asked = [name for name in coded if name in held and name not in constants]
        query = Query()
        rows = scan.rows(query, asked)
        listed = "".join(f", list(distinct {quoted(name)})" for name in asked)
        sql = f"select count(*){listed} from ({rows})"  # noqa: S608
        # Within the slot of the rows that it is about: waiting for another could be for ever.
        with closing(self._database.cursor()) as cursor:
            found = self._row(scan, sql, query, cursor)
        texts = dict(zip(asked, found[1:], strict=True))
        if found[0]:
            texts |= {
                name: (list(value),) if isinstance(value, tuple) else (value,)
                for name, value in constants.items()
            }
        codes = {}
        for name in coded:
            values = texts.get(name) or ()
            if dsd[name].is_multiple:
                values = {text for entry in values for text in entry or ()}
            codes[name] = _in_order(dsd[name], values)
        return int(found[0]), codes

    def _of_rows(
        self, scan: Scan, attributes: Iterable[AttributeValues], rows: Sequence[Batch] | None
    ) -> tuple[AttributeValues, ...]:
        """Return the values that are above some row: those in memory, or else those that a scan selects."""
        met: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
        found = []
        for entry in attributes:
            names = tuple(entry.key)
            if scan.selection.series_only and not set(names) <= set(scan.selection.dsd.series_ids):
                continue
            if names and names not in met:
                met[names] = self._keys(scan, names) if rows is None else _keys_of(rows, names)
            if not names or tuple(entry.key.values()) in met[names]:
                found.append(entry)
        return tuple(found)

    def _keys(self, scan: Scan, names: Sequence[str]) -> set[tuple[str, ...]]:
        """Return the distinct values of some dimensions in a large answer."""
        query = Query()
        sql = f"select distinct * from ({scan.rows(query, names)})"  # noqa: S608
        # Within the slot of the rows that it is about: waiting for another could be for ever.
        with closing(self._database.cursor()) as cursor, self._translated(scan.files):
            return set(cursor.execute(sql, query.parameters).fetchall())

    # -- the engine --------------------------------------------------------------------------------

    def _scan(self, part: Slice) -> Scan:
        scan = self._untimed(part)
        selection = part.selection
        leaves = scan.files
        timeline = self._timelines.of(leaves, selection.dsd, _states(part))
        return replace(scan, timeline=timeline and timeline.taking(selection.periods))

    def _untimed(self, part: Slice) -> Scan:
        """Return the scan of a slice where the order of periods, and the choice among them, is that of days."""
        scan = (
            self._scan_of_gone(part)
            if part.selection.gone
            else replace(self._scan_of_state(part), after=part.after)
        )
        return replace(scan, above=_above(part))

    def _distinct(self, leaves: Sequence[Leaf], component: str) -> dict[str, list[str]]:
        """Return the distinct values of a component in each of some leaves, by its path."""
        root = self._folder.root
        paths = {str(root / leaf.path): leaf.path for leaf in leaves}
        if not paths:
            return {}
        query = Query()
        name = quoted(component)
        sql = (
            f"select filename, coalesce(list(distinct {name}) filter ({name} is not null), []) "  # noqa: S608
            f"from read_parquet({query.bind(list(paths))}, filename = true) group by filename"
        )
        found = {paths[path]: texts for path, texts in self._rows(leaves, sql, query)}
        return {leaf.path: found.get(leaf.path, []) for leaf in leaves}

    def _scan_of_gone(self, part: Slice) -> Scan:
        """Return what was there at the transaction since which changes are asked for, and is not there now."""
        present = replace(part, selection=Selection(part.selection.dsd, keys=part.selection.keys))
        former = self._scan_of_state(replace(part, transaction=part.after))
        if not former.history:
            return replace(former, leaves=())
        # What has not been superseded since is there still.
        return replace(former, leaves=(), present=self._scan_of_state(present))

    def _scan_of_state(self, part: Slice) -> Scan:
        state, selection = part.state, part.selection
        root = self._folder.root
        if state is None or part.transaction == 0:
            return Scan(selection, root, ())
        leaves = tuple(pruned(state.leaves, key_bounds(selection)))
        if part.transaction is None:
            return Scan(selection, root, leaves)
        # What a transaction superseded was still there before it.
        history = tuple(leaf for leaf in state.history if leaf.tx_from > part.transaction)
        return Scan(selection, root, leaves, history, part.transaction)

    def _index(self, part: Slice, scan: Scan) -> Scan | None:
        """Return the series of a slice, windows aside, by the index; None where that cannot tell."""
        if not part.is_all_of_present or not scan.leaves:
            return None
        leaves = indexes_of(part.state, scan.leaves)
        if leaves is None:
            return None
        return Scan(without_window(part.selection), scan.root, leaves)

    def _row(
        self, scan: Scan, sql: str, query: Query, cursor: Any | None = None
    ) -> tuple[Any, ...]:
        return self._rows(scan.files, sql, query, cursor)[0]

    def _rows(
        self, leaves: Sequence[Leaf], sql: str, query: Query, cursor: Any | None = None
    ) -> list[tuple[Any, ...]]:
        if cursor is None:
            with self._slots.held() as held:
                return self._rows(leaves, sql, query, held)
        with self._translated(leaves):
            rows: list[tuple[Any, ...]] = cursor.execute(sql, query.parameters).fetchall()
            return rows

    def _guarded(self, scan: Scan, rows: Iterable[Batch]) -> Iterator[Batch]:
        with self._translated(scan.files):
            yield from rows

    @contextmanager
    def _translated(self, leaves: Sequence[Leaf]) -> Iterator[None]:
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise StoreUnavailableError(
                "the query needs more memory or temporary disk space than it may use: ask for less, or raise "
                "duckdb_memory_limit_mb or make room in temporary_folder"
            ) from error
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            for leaf in leaves:
                if self._folder.problem(leaf) is not None:
                    raise unreadable(self._folder.path(leaf), error) from error
            raise


def _with_annotations(part: Slice) -> Slice:
    """Return a slice that reads the annotations of observations, where all is asked for and there are any."""
    state, selection = part.state, part.selection
    if state is None or selection.component_ids is not None:
        return part
    if not any(ANNOTATIONS in leaf.columns for leaf in (*state.leaves, *state.history)):
        return part
    return replace(part, selection=replace(selection, dsd=selection.dsd.annotated))


def _above(part: Slice) -> Above:
    """Return the values above the observation that filters or the order of a selection are about."""
    selection = part.selection
    asked = {entry.component for entry in selection.filters}
    asked |= {entry.component for entry in selection.order}
    return above_of(_states(part), selection.dsd, asked - set(selection.dsd.key_ids))


def _states(part: Slice) -> AttributeStates:
    """Return all values above the observation of the state that the rows are of."""
    return part.attributes if part.state_attributes is None else part.state_attributes


def _schema(selection: Selection) -> pa.Schema:
    dsd, wanted = selection.dsd, selection.component_ids
    if wanted is None:
        return batch_schema(dsd)
    key = dsd.series_ids if selection.series_only else dsd.key_ids
    return batch_schema(dsd, {*wanted, *key})


def _held(scan: Scan, schema: pa.Schema) -> list[str]:
    """Return the columns that any leaf has; the others need not be read."""
    stored = {name for leaf in scan.files for name in leaf.columns}
    return [name for name in schema.names if name in stored] or list(schema.names)


def _shaped(
    batches: Iterable[Batch], held: Sequence[str], schema: pa.Schema, fixed: Mapping[str, Value]
) -> Iterator[Batch]:
    """Yield batches as `dsd.batch` has them: dictionaries for what repeats, all columns of the schema."""
    places = {name: place for place, name in enumerate(held)}
    plan = [
        (places.get(field.name), field.type, field.type == CODED, fixed.get(field.name))
        for field in schema
    ]
    for batch in batches:
        if not batch.num_rows:
            continue
        columns = []
        made: dict[tuple[pa.DataType, Value | None], pa.Array] = {}
        for place, kind, is_coded, code in plan:
            if place is None:
                if (kind, code) not in made:
                    made[kind, code] = _constant(kind, batch.num_rows, code)
                columns.append(made[kind, code])
            elif is_coded:
                columns.append(batch.column(place).dictionary_encode())
            else:
                column = batch.column(place)
                columns.append(column if column.type == kind else column.cast(kind))
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _is_all_of_series(selection: Selection) -> bool:
    """Tell whether a selection takes all observations of the series that it takes."""
    return concerns_series(selection) and without_window(selection) == selection


def _reader_of(
    rows: Sequence[tuple[Any, ...]], dsd: Dsd, columns: Sequence[str]
) -> pa.RecordBatchReader:
    """Return rows as a reader of one batch."""
    schema = pa.schema(
        [
            (name, pa.list_(pa.string()) if dsd[name].is_multiple else pa.string())
            for name in columns
        ]
    )
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    return pa.RecordBatchReader.from_batches(schema, [batch])


def _releasing(batches: Iterator[Batch], rows: pa.RecordBatchReader, slot: Slot) -> Iterator[Batch]:
    """Yield batches and give the slot back after the last."""
    yield from batches
    rows.close()
    slot.release()


def _leaves_rows_out(selection: Selection) -> bool:
    """Tell whether values above the observation may be above no row that a selection selects.

    Of everything, those above no row are told too, and what has changed though no observation below it has.
    """
    return selection.since is None and bool(
        selection.keys
        or selection.filters
        or selection.periods
        or selection.offset
        or selection.limit is not None
    )


def _keys_of(rows: Sequence[Batch], names: Sequence[str]) -> set[tuple[str, ...]]:
    """Return the distinct values of some dimensions."""
    found: set[tuple[str, ...]] = set()
    for batch in rows:
        table = pa.Table.from_batches([batch.select(names)])
        distinct = table.group_by(list(names), use_threads=False).aggregate([])
        found.update(zip(*(column.to_pylist() for column in distinct.columns), strict=True))
    return found


def _constants(scan: Scan) -> dict[str, Value]:
    """Return the components that have one value throughout the leaves of a scan."""
    leaves: tuple[Leaf, ...] = scan.files
    if not leaves:
        return {}
    dsd = scan.selection.dsd
    found: dict[str, Value] = {}
    for name, value in leaves[0].constants.items():
        if all(leaf.constants.get(name) == value for leaf in leaves) and name in dsd:
            if dsd[name].is_multiple:
                found[name] = (value,) if isinstance(value, str) else value
            elif isinstance(value, str):
                found[name] = value
    return found


def _buffered(batches: Iterator[Batch]) -> tuple[list[Batch], bool]:
    """Take batches up to the limit; tell whether they are all there is."""
    taken: list[Batch] = []
    rows = 0
    for batch in batches:
        taken.append(batch)
        rows += batch.num_rows
        if rows >= BUFFERED_ROWS:
            return taken, False
    return taken, True


def _constant(kind: pa.DataType, rows: int, code: Value | None) -> pa.Array:
    """Return a column with the same value everywhere, or nothing; short ones are kept for the next answer."""
    return (_kept_constant if rows <= KEPT_ROWS else _made_constant)(kind, rows, code)


def _made_constant(kind: pa.DataType, rows: int, code: Value | None) -> pa.Array:
    if kind != CODED:
        value = list(code) if isinstance(code, tuple) else code
        return pa.nulls(rows, kind) if value is None else pa.repeat(pa.scalar(value, kind), rows)
    if code is None:
        return pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int32()), pa.array([], pa.string()))
    return pa.DictionaryArray.from_arrays(
        pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([code])
    )


_kept_constant = lru_cache(1024)(_made_constant)


def _is_listed(component: ResolvedComponent) -> bool:
    """Tell whether the preamble lists the values of a component."""
    return component.role in (Role.DIMENSION, Role.TIME) or component.codelist is not None


def _codes_of(
    dsd: Dsd, batches: Sequence[Batch], schema: pa.Schema, held: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    codes: dict[str, tuple[str, ...]] = {}
    known = set(held)
    for position, name in enumerate(schema.names):
        component = dsd[name]
        if not _is_listed(component):
            continue
        values: set[str | None] = set()
        for batch in batches if name in known else ():
            column = batch.column(position)
            if column.type == CODED:
                values.update(column.dictionary.to_pylist())
            else:
                flat = column.flatten() if component.is_multiple else column
                values.update(pc.unique(flat).to_pylist())
        codes[name] = _in_order(component, values)
    return codes


def _in_order(component: ResolvedComponent, values: Iterable[str | None]) -> tuple[str, ...]:
    """Return distinct values in the order of the code list, periods in time order, the rest as text."""
    texts = sorted(text for text in set(values) if text is not None)
    if len(texts) < 2:
        return tuple(texts)
    if component.role is Role.TIME:
        return tuple(sorted(texts, key=_by_start))
    if component.codelist is not None:
        places = {code: place for place, code in enumerate(component.codes)}
        texts.sort(key=lambda text: places.get(text, len(places)))
    return tuple(texts)


def _by_start(text: str) -> tuple[Any, ...]:
    return stored_period(text).place


# -- values above the observation ------------------------------------------------------------------


def _attributes(part: Slice, schema: pa.Schema) -> Iterator[AttributeValues]:
    """Yield the values above the observation that a selection concerns, those of the dataset first."""
    dsd = part.selection.dsd
    grouped: dict[AttributeKey, dict[str, str | tuple[str, ...]]] = {}
    wanted = part.selection.component_ids
    for (key, component), value in part.attributes.items():
        is_known = component in dsd or component == ANNOTATIONS
        if not is_known or (wanted is not None and component not in wanted):
            continue
        if _concerns(part.selection, dict(key)):
            grouped.setdefault(key, {})[component] = value
    positions = {name: place for place, name in enumerate(schema.names)}
    for key in sorted(grouped, key=lambda entry: (len(entry), _key_order(dsd, entry))):
        values = grouped[key]
        ordered = sorted(values, key=lambda name: positions.get(name, 0))
        in_dsd_order = sorted(key, key=lambda pair: positions.get(pair[0], 0))
        yield AttributeValues(dict(in_dsd_order), {name: values[name] for name in ordered})


def _key_order(dsd: Dsd, key: AttributeKey) -> tuple[str, ...]:
    values = dict(key)
    return tuple(values.get(name, "") for name in dsd.key_ids)


def _concerns(selection: Selection, key: Mapping[str, str]) -> bool:
    """Tell whether an attribute key can belong to a selected series."""
    if selection.keys and not any(
        all(key[name] in codes for name, codes in partial.items() if name in key)
        for partial in selection.keys
    ):
        return False
    return all(
        satisfies(selection.dsd[entry.component], entry, key[entry.component])
        for entry in selection.filters
        if entry.component in key
    )
