"""Where components have no value, told apart: here and there, or nowhere in the dataset.

A component that no row has is one mistake (a column is missing), not one a row.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from service.validation.rows import Array, Row, Rows, take_rows
from service.validation.rule import Context


class Absences:
    """Rows that lack a value of one component although they need one."""

    def __init__(self, context: Context, component_id: str) -> None:
        self._context = context
        self.component_id = component_id
        self.is_seen = False
        """True where some row has a value."""
        self._all_before = 0
        self._numbers: list[Array] = []

    def feed(self, rows: Rows, needing: Array | None = None) -> None:
        """Look at the rows that need a value: those of the mask, all where None."""
        present = rows.present(self.component_id)
        if not self.is_seen:
            if not pc.any(present).as_py():
                # Kept as one number until a row has a value: the whole column may be missing.
                self._keep_prefix(rows, needing)
                return
            self.is_seen = True
        absent = rows.only_live(pc.invert(present))
        if needing is not None:
            absent = pc.and_(absent, needing)
        found = pc.indices_nonzero(absent)
        if len(found):
            self._numbers.append(pc.add(found.cast(pa.int64()), rows.first_number))

    def _keep_prefix(self, rows: Rows, needing: Array | None) -> None:
        mask = rows.only_live(pa.repeat(pa.scalar(True), len(rows)))
        if needing is not None:
            mask = pc.and_(mask, needing)
        if pc.all(mask).as_py() and self._all_before == rows.first_number:
            self._all_before = rows.first_number + len(rows)
            return
        found = pc.indices_nonzero(mask)
        if len(found):
            self._numbers.append(pc.add(found.cast(pa.int64()), rows.first_number))

    @property
    def is_everywhere(self) -> bool:
        """True where rows need a value and none has one."""
        return not self.is_seen and bool(self._all_before or self._numbers)

    def rows(self) -> Iterator[Row]:
        """Yield the rows that lack a value; none where all do."""
        if self.is_seen:
            yield from take_rows(self._context.dsd, self._context.spool, self._row_numbers())

    def first_row(self) -> Row | None:
        """Return the first row that lacks a value."""
        return next(
            take_rows(self._context.dsd, self._context.spool, list(self._row_numbers())[:1]), None
        )

    def _row_numbers(self) -> Iterator[int]:
        yield from range(self._all_before)
        for numbers in self._numbers:
            yield from numbers.to_pylist()
