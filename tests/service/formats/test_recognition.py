"""What a message is, told by its first bytes."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from service.formats.recognition import (
    HEAD_BYTES,
    UnrecognisedError,
    recognise_data,
    recognise_structures,
)

ML = "http://www.sdmx.org/resources/sdmxml/schemas"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("STRUCTURE,STRUCTURE_ID,ACTION\n", "csv"),
        ('"STRUCTURE[;]";"STRUCTURE_ID"\n', "csv"),
        ("DATAFLOW,REF_AREA\n", "csv10"),
        ("DATAFLOW\tREF_AREA\n", "csv10"),
        (f'<?xml version="1.0"?>\n<GenericData xmlns="{ML}/v2_1/message"/>', "ml21"),
        (f'<m:StructureSpecificData xmlns:m="{ML}/v3_0/message"/>', "ml30"),
        (f'<m:StructureSpecificData xmlns:m="{ML}/v3_1/message"/>', "ml31"),
        ('{"$schema": "https://json.sdmx.org/2.1/sdmx-json-data-schema.json"}', "json"),
        ('{"version": "2.0", "class": "dataset", "id": []}', "jsonstat"),
        ("PAR1\x15\x04", "parquet"),
        ("ARROW1\x00\x00", "arrow"),
    ],
)
def test_data(head: str, name: str) -> None:
    assert recognise_data(head.encode()).name == name
    if not head.startswith(("PAR1", "ARROW1")):
        assert recognise_data(codecs.BOM_UTF8 + b"\r\n " + head.encode()).name == name
    if head.startswith("<"):
        assert recognise_data(codecs.BOM_UTF16_LE + head.encode("utf-16-le")).name == name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (f'<?xml version="1.0"?><!-- <x> --><mes:Structure xmlns:mes="{ML}/v2_1/message">', "ml21"),
        (f'<Structure xmlns="{ML}/v3_0/message">', "ml30"),
        (f'<mes:Structure xmlns:mes="{ML}/v3_1/message">', "ml31"),
        ('{"$schema": "https://json.sdmx.org/2.1/sdmx-json-structure-schema.json"}', "json"),
        ('{"meta": {}, "data": {"codelists": [{"id": "CL", "isFinal": true}]}}', "json10"),
        ('{"meta": {}, "data": {"dataflows": []}}', "json"),
    ],
)
def test_structures(head: str, name: str) -> None:
    found = recognise_structures(head.encode())
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "head",
    [
        f'<mes:GenericData xmlns:mes="{ML}/v2_1/message">',
        '{"$schema": "https://json.sdmx.org/2.1/sdmx-json-data-schema.json", "data": {"dataSets": []}}',
        "STRUCTURE,STRUCTURE_ID\n",
        "",
    ],
)
def test_data_are_no_structures(head: str) -> None:
    assert recognise_structures(head.encode()) is None


@pytest.mark.parametrize("head", [b"", b"\x00\x01", f'<m xmlns="{ML}/v9_1/message"/>'.encode()])
def test_what_is_not_known_is_said_with_what_is(head: bytes) -> None:
    with pytest.raises(UnrecognisedError, match=r"csv 2\.1\.0"):
        recognise_data(head)


@pytest.mark.shared
def test_the_official_structure_samples_are_recognised(shared: Path) -> None:
    samples = shared / "spec" / "samples"
    found = 0
    for version in ("1.0", "2.0", "2.1"):
        for file in sorted((samples / "json" / version / "structure").glob("*.json")):
            entry = recognise_structures(file.read_bytes()[:HEAD_BYTES])
            assert entry is not None, file
            assert entry.version.startswith(version), file
            found += 1
    assert found >= 5
