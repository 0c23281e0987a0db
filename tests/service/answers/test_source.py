"""Answers read through `Source`: anything that satisfies it will do, and nothing of the store's is known."""

from __future__ import annotations

import inspect
from pathlib import Path

import service.answers
from service.query.source import Source
from service.store.engine import ParquetStore


def test_answers_know_nothing_of_the_store():
    room = Path(service.answers.__file__).parent
    texts = {path.name: path.read_text(encoding="utf-8") for path in room.glob("*.py")}
    assert len(texts) > 3
    assert [name for name, text in texts.items() if "service.store" in text] == []


def test_the_store_is_a_source():
    asked = [name for name in vars(Source) if not name.startswith("_")]
    assert sorted(asked) == [
        "availability",
        "count",
        "history",
        "last_change",
        "read",
        "revision",
        "revisions",
    ]
    for name in asked:
        wanted = inspect.signature(getattr(Source, name)).parameters
        assert list(inspect.signature(getattr(ParquetStore, name)).parameters) == list(wanted)
