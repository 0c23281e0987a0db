"""The columnar unit in which observations travel between rooms.

A batch is an Arrow record batch of up to `BATCH_ROWS` observations. Its columns are components of the DSD in
DSD order, under their ids; a component that no row has may be left out. Dimensions, TIME_PERIOD and
single-valued attributes are dictionary-encoded texts, measures are the texts as reported (`12.0` is not
`12`), multi-valued attributes are lists of texts. Absent is null, never an empty text.

A text in several languages is one text too (`dsd.localised`).

Three columns can stand beside the components; their names cannot be component ids (SDMX NCNameIDType):
`$locator`, where the row came from (`dsd.finding.Locator`), `$action`, what the row asks for, and `$annotations`, what
is noted on the observation (`dsd.annotated`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import pyarrow as pa

from dsd.resolved import ANNOTATIONS, Dsd, ResolvedComponent, Role

__all__ = [
    "ACTION",
    "ANNOTATIONS",
    "BATCH_ROWS",
    "CODED",
    "LOCATOR",
    "Batch",
    "Row",
    "batch_schema",
    "batches_from_rows",
    "column_type",
    "rows_of",
]

BATCH_ROWS = 65_536
LOCATOR = "$locator"
ACTION = "$action"

CODED = pa.dictionary(pa.int32(), pa.string())

Batch: TypeAlias = pa.RecordBatch
Row: TypeAlias = Mapping[str, str | Sequence[str] | None]


def column_type(component: ResolvedComponent) -> pa.DataType:
    """Return the Arrow type of a component's column."""
    if component.is_multiple:
        return pa.list_(pa.string())
    return pa.string() if component.role is Role.MEASURE else CODED


def batch_schema(
    dsd: Dsd,
    component_ids: Iterable[str] | None = None,
    *,
    locators: bool = False,
    actions: bool = False,
    annotations: bool = False,
) -> pa.Schema:
    """Return the schema of a batch with these components (all where None), in DSD order."""
    wanted = None if component_ids is None else set(component_ids)
    fields = [
        pa.field(component.id, column_type(component))
        for component in dsd.components
        if wanted is None or component.id in wanted
    ]
    if locators:
        fields.append(pa.field(LOCATOR, pa.string()))
    if actions:
        fields.append(pa.field(ACTION, CODED))
    if annotations:
        fields.append(pa.field(ANNOTATIONS, CODED))
    return pa.schema(fields)


def batches_from_rows(
    dsd: Dsd, rows: Iterable[Row], schema: pa.Schema | None = None
) -> Iterator[Batch]:
    """Yield batches of the given rows (component id, `$locator`, `$action` or `$annotations` to value).

    For converters and tests, where rows are few; a decoder of a data format builds columns directly.
    """
    schema = schema or batch_schema(dsd, locators=True)
    pending: list[Row] = []
    for row in rows:
        pending.append(row)
        if len(pending) == BATCH_ROWS:
            yield _batch(pending, schema)
            pending = []
    if pending:
        yield _batch(pending, schema)


def _batch(rows: Sequence[Row], schema: pa.Schema) -> Batch:
    columns = []
    for field in schema:
        values = [row.get(field.name) for row in rows]
        if field.type == CODED:
            columns.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            columns.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def rows_of(batches: Iterable[Batch]) -> Iterator[dict[str, str | list[str]]]:
    """Yield each row as a dict without its absent values: for tests and small answers."""
    for batch in batches:
        for row in batch.to_pylist():
            yield {name: value for name, value in row.items() if value is not None}
