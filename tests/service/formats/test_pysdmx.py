"""pysdmx, in an environment of its own, reads what we write to the same observations."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dsd.batch import batches_from_rows
from dsd.dataset import AttributeValues, PreparedDataset
from dsd.resolved import Dsd
from service.formats import find_data_format
from service.formats.contract import EncodeOptions, Header
from service.formats.preamble import in_key_order, make_preamble

SCRIPT = Path(__file__).parents[2] / "oracles" / "pysdmx_read.py"
pytestmark = pytest.mark.pysdmx


@pytest.fixture(scope="session")
def pysdmx_python() -> str:
    """The interpreter that has pysdmx: $ILMS_PYSDMX_PYTHON, which `make .venv-pysdmx/.installed` provides."""
    python = os.environ.get("ILMS_PYSDMX_PYTHON")
    if not python:
        pytest.skip("needs pysdmx: make .venv-pysdmx/.installed, and name it in ILMS_PYSDMX_PYTHON")
    return python


@pytest.mark.parametrize("name", ["csv", "csv20", "csv10"])
def test_the_observations_are_the_same(
    pysdmx_python: str,
    header: Header,
    dsd: Dsd,
    rows: list[dict[str, Any]],
    tmp_path: Path,
    name: str,
) -> None:
    batches = list(batches_from_rows(dsd, rows))
    preamble = make_preamble(dsd, batches)
    data = PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble))
    encode = find_data_format(name).encode
    assert encode
    file = tmp_path / "data.csv"
    # It does not know `STRUCTURE[;]`, the mark of cells with several values.
    options = EncodeOptions(component_ids=("OBS_VALUE", "OBS_STATUS", "NOTE"))
    file.write_bytes(b"".join(encode(header, [data], options)))
    command = [pysdmx_python, str(SCRIPT), str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    columns = (*dsd.key_ids, "OBS_VALUE", "OBS_STATUS", "NOTE")
    # It opens files as text, where Python makes every line end a LF.
    expected = [{id: str(v).replace("\r\n", "\n") for id, v in row.items()} for row in rows]
    assert sorted(tuple(row.get(id) or "" for id in columns) for row in found) == sorted(
        tuple(row.get(id) or "" for id in columns) for row in expected
    )


ML_LAYOUTS = [
    (name, dimension)
    for name in ("ml21", "ml21-generic", "ml30", "ml31")
    for dimension in ("TIME_PERIOD", "AllDimensions")
] + [("ml21-timeseries", "TIME_PERIOD"), ("ml21-generic-timeseries", "TIME_PERIOD")]


@pytest.mark.parametrize(("name", "dimension"), ML_LAYOUTS)
def test_the_observations_of_sdmx_ml_are_the_same(
    pysdmx_python: str,
    header: Header,
    dsd: Dsd,
    rows: list[dict[str, Any]],
    above: tuple[AttributeValues, ...],
    tmp_path: Path,
    name: str,
    dimension: str,
) -> None:
    batches = list(batches_from_rows(dsd, rows))
    preamble = make_preamble(dsd, batches, above)
    data = PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble))
    encode = find_data_format(name).encode
    assert encode
    file = tmp_path / "data.xml"
    options = EncodeOptions(dimension_at_observation=dimension)
    file.write_bytes(b"".join(encode(header, [data], options)))
    command = [pysdmx_python, str(SCRIPT), str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    columns = [*dsd.key_ids, "OBS_VALUE", "OBS_STATUS", "NOTE", "AGE_MIN"]
    if name.startswith("ml21"):
        # It knows neither `Comp` nor `Atts` of 3.x.
        columns += ["METHOD", "UNIT_MEASURE"]
    expected = []
    for row in rows:
        whole = {id: ";".join(v) if isinstance(v, list) else v for id, v in row.items()}
        for entry in above:
            if entry.key.items() <= row.items():
                whole |= {id: str(value) for id, value in entry.values.items()}
        expected.append(whole)
    assert sorted(tuple(row.get(id) or "" for id in columns) for row in found) == sorted(
        tuple(row.get(id) or "" for id in columns) for row in expected
    )
