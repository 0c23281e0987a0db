"""Decoders under coverage-guided fuzzing: whatever the bytes, findings and nothing else."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from codelists.base import Annotation
from dsd.annotated import annotations_text
from dsd.batch import ANNOTATIONS, Batch, batch_schema, batches_from_rows
from dsd.dataset import AttributeValues, PreparedDataset
from dsd.localised import compose
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats import DATA_FORMATS, find_data_format
from service.formats.contract import EncodeOptions, Header
from service.formats.fitting import fitted
from service.formats.preamble import in_key_order, make_preamble

pytest.importorskip("atheris", reason="atheris has no wheel for this system")

JOB = Path(__file__).with_name("fuzz_job.py")
SECONDS = 30


def noted(localised: Structures) -> PreparedDataset:
    """A data set with texts in languages and annotations."""
    dsd = localised.dsd("urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_L(1.0.0)")
    text = compose({"en": "One", "fr": "Un"})
    note = annotations_text([Annotation(id="A", texts={"en": "x", "fr": "y"})])
    key = {"REF_AREA": "LAO", "SEX": "M"}
    row = key | {"TIME_PERIOD": "2024", "OBS_VALUE": "1", "REMARK": text, "REMARKS": ["a", text]}
    rows = list(
        batches_from_rows(dsd, [row | {ANNOTATIONS: note}], batch_schema(dsd, annotations=True))
    )
    above = AttributeValues(key, {"SERIES_NOTE": text, ANNOTATIONS: note})
    return PreparedDataset(dsd, make_preamble(dsd, rows, [above]), rows)


@pytest.mark.long
@pytest.mark.parametrize("name", [entry.name for entry in DATA_FORMATS if entry.decode])
def test_nothing_escapes(
    name: str,
    dsd: Dsd,
    batches: list[Batch],
    above: tuple[AttributeValues, ...],
    localised: Structures,
    tmp_path: Path,
) -> None:
    entry = find_data_format(name)
    preamble = make_preamble(dsd, batches, above)
    plain = PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble))
    for number, part in enumerate((plain, noted(localised))):
        if entry.encode is not None:
            fitting = fitted(part, entry.capabilities, ())
            header = Header("F", datetime(2026, 1, 1, tzinfo=UTC))
            seed = b"".join(entry.encode(header, [fitting], EncodeOptions()))
            (tmp_path / f"seed{number}").write_bytes(seed)
    done = subprocess.run(
        [sys.executable, str(JOB), name, str(tmp_path), str(SECONDS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS * 5,
    )
    assert done.returncode == 0, done.stderr[-4000:]
