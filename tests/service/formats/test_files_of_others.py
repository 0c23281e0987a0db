"""Messages as programs in use write them, with the deviations that are known of them: read, and each one told.

Each folder of examples/formats/others: a file made up by hand, what it gives, and a README that says what is odd in it.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from codelists.urn import Urn
from dsd.batch import rows_of
from dsd.finding import Report
from dsd.structures import Structures
from service.formats import find_data_format
from service.formats.contract import DecodeOptions

CASES = Path(__file__).parents[2] / "examples" / "formats" / "others"
FLOW = Urn("Dataflow", "TST", "DF_T", "1.0.0")
CUSTOM = ("custom-column", "warning")
LABEL = ("contradictory-label", "info")
# Case: the format that was said to be sent, and the findings, in their order.
FILES: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "dotstat_csv": ("csv", [LABEL, ("contradictory-label", "warning"), ("decimal-comma", "info")]),
    "ecb_csv": ("csv10", [("unnamed-structure", "info"), CUSTOM, CUSTOM]),
    "ecb_json": ("json10", [("other-version", "info"), ("unnamed-structure", "info")]),
    "eurostat_csv": ("csv10", [CUSTOM] * 3),
    "fmr_csv": ("csv20", [("unknown-action", "warning")] * 2),
    "fmr_json": ("json10", [("unknown-action", "warning")]),
    "ilostat_csv": ("csv10", [LABEL] * 3),
    "nsiws_csv": ("csv10", [CUSTOM]),
    "nsiws_json": (
        "json10",
        [("annotations-not-kept", "warning"), ("index-out-of-range", "error")],
    ),
    "pysdmx_csv": ("csv20", [CUSTOM] * 2),
    "sdmx_core_json": ("json20", [("multilingual-values", "error")]),
}


def outcome(body: bytes, name: str, structures: Structures) -> dict[str, Any]:
    report = Report()
    decode = find_data_format(name).decode
    assert decode
    datasets = [
        {
            "structure": dataset.dsd.urn.short,
            "agreement": dataset.dsd.agreement.short if dataset.dsd.agreement else None,
            "action": dataset.action.value,
            "rows": list(rows_of(dataset.batches)),
            "attributes": [[entry.key, entry.values] for entry in dataset.attributes],
        }
        for dataset in decode(io.BytesIO(body), structures, report, DecodeOptions(FLOW))
    ]
    findings = [
        [f.rule, f.severity.value, f.locator, f.component, f.value, f.suggestion]
        for f in report.findings
    ]
    found: dict[str, Any] = json.loads(json.dumps({"datasets": datasets, "findings": findings}))
    return found


@pytest.mark.parametrize("case", FILES)
def test_a_file_of_others(case: str, test_structures: Structures) -> None:
    name, findings = FILES[case]
    (path,) = (CASES / case).glob("input.*")
    found = outcome(path.read_bytes(), name, test_structures)
    assert [tuple(finding[:2]) for finding in found["findings"]] == findings
    expected = json.loads((CASES / case / "expected.json").read_text(encoding="utf-8"))
    assert found == expected


def test_every_file_is_listed() -> None:
    assert {path.name for path in CASES.iterdir()} == set(FILES)
    assert all((path / "README").read_text(encoding="utf-8").strip() for path in CASES.iterdir())
