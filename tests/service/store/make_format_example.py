"""Writes the example store of this release's format: once a format, when it is released.

`python make_format_example.py EXAMPLES` makes `EXAMPLES/store/format-N` from `EXAMPLES/store/submissions.json`.
What the store must answer, `answers.json`, comes from the submissions alone and not from the store.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dsd.batch import batch_schema, batches_from_rows
from dsd.dataset import Action, AttributeValues, Dataset
from dsd.structures import load_structures
from service.config import Settings
from service.store.catalog import FORMAT_VERSION
from service.store.engine import ParquetStore
from service.store.protocol import (
    ArtefactChange,
    StructureRecord,
    SubmissionRecord,
    TokenRecord,
)

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=EX:{}(1.0.0)"
ARTEFACT = "urn:sdmx:org.sdmx.infomodel.codelist.Codelist=EX:CL_FLOCK(1.0.0-draft)"
KEY = ("REF_AREA", "FREQ", "SEX", "TOPIC", "TIME_PERIOD")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Minutes:
    """A clock that goes on by a minute each time it is asked."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


def write_store(
    examples: Path, folder: Path, submissions: list[dict[str, Any]], url: str = ""
) -> list[str]:
    """Write the submissions and return the instants of their transactions."""
    structures = load_structures([examples / "store" / "structures" / "first"])
    settings = Settings(
        store_folder=folder, store_url=url, temporary_folder=folder / "spill", clock=Minutes()
    )
    store = ParquetStore(settings, leaf_rows=4)
    instants = []
    for entry in submissions:
        dsd = structures.dsd(FLOW.format(entry["dataflow"]))
        above = tuple(AttributeValues(a["key"], a["values"]) for a in entry.get("attributes", ()))
        batches = list(batches_from_rows(dsd, entry["rows"], batch_schema(dsd)))
        dataset = Dataset(dsd, batches, Action(entry["action"]), attributes=above)
        record = SubmissionRecord(
            entry["id"], "EX_OFFICE", f"{entry['id']}.csv", "0" * 64, {"n": 1}
        )
        instants.append(store.write([dataset], record).at.isoformat())
        if entry.get("compact"):
            store.compact()
            store.collect(timedelta(0))
    store.close()
    return instants


def push_structures(folder: Path) -> dict[str, str]:
    """Push an artefact and replace it, make a token; return what the artefacts say in the end."""
    settings = Settings(store_folder=folder, temporary_folder=folder / "spill", clock=_later)
    store = ParquetStore(settings)
    record = StructureRecord("example", "EX", "POST /sdmx/v2/structure", "M1", "0" * 64)
    for content in ("first", "second"):
        with store.artefacts.changing():
            store.artefacts.write([ArtefactChange(ARTEFACT, "Replace", content)], record)
    store.tokens.add(TokenRecord("abcdefgh", "example", "EX", "agency", "0" * 64, _later()))
    store.close()
    return {ARTEFACT: "second"}


def _later() -> datetime:
    return START + timedelta(days=1)


def expected(submissions: list[dict[str, Any]], instants: list[str]) -> list[dict[str, Any]]:
    """Return the observations of each dataflow after each submission."""
    states: dict[str, dict[tuple[str, ...], dict[str, Any]]] = {}
    answers = []
    for entry, instant in zip(submissions, instants, strict=True):
        state = states.setdefault(entry["dataflow"], {})
        for row in entry["rows"]:
            key = tuple(row[name] for name in KEY)
            if entry["action"] == "Delete":
                del state[key]
            elif entry["action"] == "Replace":
                state[key] = row
            else:
                state[key] = {**state.get(key, {}), **row}
        for flow, rows in states.items():
            listed = [rows[key] for key in sorted(rows)]
            answers.append({"dataflow": flow, "as_of": instant, "rows": listed})
    return answers


def main() -> None:
    examples = Path(sys.argv[1])
    target = examples / "store" / f"format-{FORMAT_VERSION}"
    target.mkdir()  # A released format is never written again.
    source = examples / "store" / "submissions.json"
    submissions = json.loads(source.read_text(encoding="utf-8"))
    instants = write_store(examples, target, submissions)
    answers = {
        "artefacts": push_structures(target),
        "accounts": ["example"],
        "submissions": [entry["id"] for entry in submissions],
        "observations": expected(submissions, instants),
    }
    text = json.dumps(answers, indent=1, ensure_ascii=False) + "\n"
    (target / "answers.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
