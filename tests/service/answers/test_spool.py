"""Bodies that are complete before they are sent."""

from __future__ import annotations

import gzip
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from service.answers.spool import IDENTITY, Spool

CHUNKS = [b"a" * 1000, b"", b"b" * 3, os.urandom(2_000_000)]
WHOLE = b"".join(CHUNKS)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "not" / "there" / "yet")


def test_a_body_has_its_length_and_content(spool: Spool) -> None:
    body = spool.fill(CHUNKS)
    assert body.length == len(WHOLE)
    assert b"".join(body) == WHOLE


def test_large_bodies_leave_no_file_behind(spool: Spool, tmp_path: Path) -> None:
    body = spool.fill(CHUNKS)
    next(iter(body))
    body.close()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_small_bodies_never_touch_the_disk(spool: Spool, tmp_path: Path) -> None:
    body = spool.fill([b"small"])
    (tmp_path / "not" / "there" / "yet").rmdir()
    assert b"".join(body) == b"small"


@pytest.mark.parametrize(
    ("coding", "decode"),
    [
        (IDENTITY, bytes),
        ("gzip", gzip.decompress),
        ("zstd", lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data)),
    ],
)
def test_codings_can_be_undone_and_repeat_themselves(spool: Spool, coding, decode) -> None:
    first, second = (b"".join(spool.fill(CHUNKS, coding)) for _ in range(2))
    assert decode(first) == WHOLE
    assert first == second


def test_the_codings_are_those_that_are_installed(spool: Spool) -> None:
    assert set(spool.codings) >= {"gzip"}


def test_a_failure_on_the_way_leaves_nothing(spool: Spool, tmp_path: Path) -> None:
    def failing() -> Iterator[bytes]:
        yield os.urandom(2_000_000)
        raise ValueError("the disk of the reader")

    with pytest.raises(ValueError, match="the disk"):
        spool.fill(failing())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("coding", [IDENTITY, "gzip", "zstd", "br"])
def test_38_a_large_body_passes_in_little_memory(spool: Spool, coding: str) -> None:
    size, chunk = 64 * 1024 * 1024, os.urandom(64 * 1024)
    tracemalloc.start()
    try:
        body = spool.fill((chunk for _ in range(size // len(chunk))), coding)
        sent = sum(len(part) for part in body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent == body.length
    assert coding != IDENTITY or sent == size
    assert peak < 8 * 1024 * 1024, f"{peak} bytes"
