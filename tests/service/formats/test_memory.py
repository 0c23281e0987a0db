"""Ten million observations go through the formats that stream in less than 400 MB, both ways."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

JOB = Path(__file__).with_name("memory_job.py")
FLAT = (
    *("csv", "csv+languages", "csv20", "csv10", "ml21", "ml21-generic", "ml30", "ml31"),
    *("parquet", "parquet+languages", "arrow"),
)
MOST_MB = 400
AREAS = 9_804
"""At 1,020 observations each."""


def peak(job: str, name: str, areas: int, file: Path) -> int:
    """Return the peak memory of a job, in MB."""
    done = subprocess.run(
        [sys.executable, str(JOB), job, name, str(areas), str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("name", FLAT)
def test_ten_million_observations_pass_through(name: str, tmp_path: Path) -> None:
    file = tmp_path / "message"
    written = peak("write", name, AREAS, file)
    read = peak("read", name, AREAS, file)
    assert max(written, read) < MOST_MB, f"write {written} MB, read {read} MB"
