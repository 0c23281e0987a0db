"""The examples of the SDMX-CSV field guides: what each gives, and what is wrong with those that are sloppy."""

from __future__ import annotations

import csv
import importlib.util
import io
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from codelists.urn import Urn
from dsd.batch import rows_of
from dsd.dataset import Action, Dataset
from dsd.finding import Report
from dsd.structure import ProvisionAgreement
from dsd.structures import Structures
from service.formats import find_data_format

_TYPES = {"dataflow": "Dataflow", "datastructure": "DataStructure", "dataprovision": "Dataflow"}
_NAME = re.compile(r"([^:]+):([^:(]+)(?:\(([^)]+)\))?")

# Number of the example: observations, attribute values above them, rules of the findings. The structures are made
# for the examples from their headers; attributes stand at the observation except where GROUPS says otherwise.
GUIDE_2 = {
    "1": (2, 0, {"custom-column"}),
    "2": (2, 0, set()),
    "3": (2, 0, set()),
    # Names that the structures made up do not have.
    "4": (2, 0, {"decimal-comma", "contradictory-label"}),
    "5": (2, 0, {"contradictory-label"}),
    "6": (2, 0, {"contradictory-label"}),
    "7": (2, 0, set()),
    "8": (2, 0, set()),
    "9-A": (3, 0, set()),
    "9-B": (3, 0, set()),
    "10": (2, 0, set()),
    "11": (2, 0, set()),
    "12": (0, 2, set()),
    "13": (1, 1, set()),
    # Nested attributes are reference metadata, which a data message has no component for.
    "14": (0, 2, {"custom-column"}),
    "15": (2, 0, set()),
    "16": (2, 0, set()),
    "17": (2, 0, set()),
    # The rows have a cell more than the header.
    "18": (0, 0, {"wrong-cell-count"}),
    "19": (1, 0, set()),
}
GUIDE_1 = {
    "1": (2, 0, {"custom-column"}),
    "2": (2, 0, {"custom-column", "decimal-comma", "contradictory-label"}),
    "3": (2, 0, {"custom-column", "contradictory-label"}),
}
GROUPS = {
    "12": {"ATTR_1": ("DIM_2", "DIM_3")},
    "13": {"ATTR_2": ("DIM_2",)},
    "14": dict.fromkeys(("COLLECTION.METHOD", "CONTACT"), ("DIM_2",)),
}
CASES = [
    *(("1.0", "csv10", number) for number in GUIDE_1),
    *(("2.0", "csv20", number) for number in GUIDE_2),
    *(("2.1", "csv", number) for number in GUIDE_2),
]


def helper() -> ModuleType:
    """The maker of structures, which lies beside this file."""
    path = Path(__file__).with_name("sample_structure.py")
    spec = importlib.util.spec_from_file_location("sample_structure", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named_in(rows: list[list[str]]) -> Iterator[tuple[str, Urn]]:
    """Yield each structure that the rows name: the word, and what it would be called."""
    for row in rows:
        word, text = ("dataflow", row[0]) if ":" in row[0] else (row[0], row[1])
        match = _NAME.match(text)
        assert match
        yield word, Urn(_TYPES[word], match[1], match[2], match[3] or "1.0")


def structures_of(body: bytes, groups: dict[str, tuple[str, ...]]) -> Structures:
    start = body.decode("utf-8-sig")
    separator = ";" if start.startswith(("DATAFLOW;", "STRUCTURE[|];")) else ","
    header, *rows = list(csv.reader(io.StringIO(start), delimiter=separator))
    ids = [re.sub(r"(\[[^\]]*\])?(: .*)?$", "", cell) for cell in header]
    names = "STRUCTURE_NAME" in ids
    ids = [id for id in ids if names is False or " " not in id]
    dimensions = [id for id in ids if id.startswith("DIM")]
    measures = [id for id in ids if id.startswith(("OBS_VALUE", "MEAS"))] or ["OBS_VALUE"]
    attributes = [
        id for id in ids if id.startswith(("ATTR", "COLLECTION", "CONTACT")) and "[" not in id
    ]
    multiple = [
        re.sub(r"\[\]$", "", cell)
        for cell in header
        if cell.endswith("[]") and not cell.startswith("STRUCTURE")
    ]
    localised = [
        cell.partition("[")[0]
        for cell in header
        if "[" in cell and not cell.endswith("[]") and not cell.startswith("STRUCTURE")
    ]
    dimensions = sorted(dimensions) or ["DIM_1"]
    labelled = {
        id: sorted({code for row in rows if (code := row[place].partition(": ")[0])})
        for place, (id, cell) in enumerate(zip(ids, header, strict=False))
        if ": " in cell and any(": " in row[place] for row in rows)
    }
    found: dict[str, Any] = {}
    for word, urn in named_in(rows):
        made = helper().make_structure(
            urn,
            dimensions,
            measures,
            {id: groups.get(id) for id in attributes},
            multiple,
            measures,
            labelled,
            localised,
        )
        found |= {str(artefact.urn): artefact for artefact in made}
        if word == "dataprovision":
            agreement = ProvisionAgreement(
                id=urn.id,
                agency_id=urn.agency,
                version=urn.version,
                names={"en": urn.id},
                dataflow=str(urn),
            )
            found[str(agreement.urn)] = agreement
    return Structures(list(found.values()))


@pytest.mark.parametrize(("folder", "name", "number"), CASES)
def test_an_example_of_the_field_guide(shared, folder: str, name: str, number: str) -> None:
    path = shared / f"spec/samples/csv/{folder}/data/example-{number}.csv"
    body = path.read_bytes()
    structures = structures_of(body, GROUPS.get(number, {}))
    observations, above, rules = (GUIDE_1 if folder == "1.0" else GUIDE_2)[number]
    report = Report()
    decode = find_data_format(name).decode
    assert decode
    datasets: list[Dataset] = list(decode(io.BytesIO(body), structures, report))
    rows = [row for dataset in datasets for row in rows_of(dataset.batches)]
    assert len(rows) == observations
    assert sum(len(entry.values) for d in datasets for entry in d.attributes) >= above
    assert {finding.rule for finding in report.findings} == rules
    if number == "10":
        actions = [row["$action"] for row in rows]
        assert actions == ["Append" if folder == "2.0" else "Merge", "Replace"]
    if number in ("16", "17", "19"):
        assert {d.action for d in datasets} == {Action.DELETE}


def test_every_example_is_listed(shared) -> None:
    for folder, listed in (("1.0", GUIDE_1), ("2.0", GUIDE_2), ("2.1", GUIDE_2)):
        files = (shared / f"spec/samples/csv/{folder}/data").glob("*.csv")
        assert {file.stem.removeprefix("example-") for file in files} == set(listed)
