"""Rows that are looked at before they are written come again as they were, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pyarrow as pa
import pytest

from dsd.batch import CODED, Batch
from service.formats import look_ahead


@pytest.mark.parametrize("limit", [0, 300, 1 << 20])
def test_batches_of_any_columns_come_again(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_ahead, "_MEMORY_BYTES", limit)
    batches = [
        pa.RecordBatch.from_pydict(
            {"A": pa.array(texts).cast(pa.string()).cast(CODED), "B": [["x"]] * 3}
        )
        for texts in (["a", "b", None], ["c", "c", "é"])
    ]
    batches.append(pa.RecordBatch.from_pydict({"C": pa.array(["1"])}))
    seen: list[Batch] = []

    def once() -> Iterator[Batch]:
        yield from batches

    with ExitStack() as stack:
        found = list(look_ahead.looked_at(once(), seen.append, stack))
    assert seen == batches
    assert [batch.to_pylist() for batch in found] == [batch.to_pylist() for batch in batches]
    assert [batch.schema for batch in found] == [batch.schema for batch in batches]
