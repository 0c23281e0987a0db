"""Decoders under coverage-guided fuzzing: whatever the bytes, findings and nothing else."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dsd.batch import Batch
from dsd.dataset import AttributeValues, PreparedDataset
from dsd.resolved import Dsd
from service.formats import DATA_FORMATS, find_data_format
from service.formats.contract import EncodeOptions, Header
from service.formats.preamble import in_key_order, make_preamble

pytest.importorskip("atheris", reason="atheris has no wheel for this system")

JOB = Path(__file__).with_name("fuzz_job.py")
SECONDS = 30


@pytest.mark.long
@pytest.mark.parametrize("name", [entry.name for entry in DATA_FORMATS if entry.decode])
def test_nothing_escapes(
    name: str,
    dsd: Dsd,
    batches: list[Batch],
    above: tuple[AttributeValues, ...],
    tmp_path: Path,
) -> None:
    encode = find_data_format(name).encode
    preamble = make_preamble(dsd, batches, above)
    part = PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble))
    if encode is not None:
        seed = b"".join(
            encode(Header("F", datetime(2026, 1, 1, tzinfo=UTC)), [part], EncodeOptions())
        )
        (tmp_path / "seed").write_bytes(seed)
    done = subprocess.run(
        [sys.executable, str(JOB), name, str(tmp_path), str(SECONDS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS * 5,
    )
    assert done.returncode == 0, done.stderr[-4000:]
