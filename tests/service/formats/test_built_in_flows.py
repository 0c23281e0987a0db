"""Rows of every built-in dataflow travel in every format, valid and unchanged."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from dsd.batch import batches_from_rows, rows_of
from dsd.dataset import PreparedDataset
from dsd.finding import Report
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.structure import Dataflow
from dsd.structures import Structures, load_structures
from service.formats import DATA_FORMATS
from service.formats.contract import NO_OPTIONS, EncodeOptions, Header
from service.formats.preamble import in_key_order, make_preamble

FLOWS = sorted(str(flow.urn) for flow in load_structures().of_type(Dataflow))


def value(component: ResolvedComponent, number: int) -> Any:
    if component.role is Role.TIME:
        return str(2020 + number)
    if component.codelist is not None:
        codes = [code.id for code in component.allowed_codes]
        chosen = codes[number % len(codes)]
        return sorted({chosen, codes[-1]}) if component.is_multiple else chosen
    text = ("12.0", "99.479", "0")[number % 3]
    data_type = component.text_format.data_type if component.text_format else None
    if component.role is not Role.MEASURE:
        text = "15" if data_type in ("Integer", "Count", "Short") else 'a "note", & <more>'
    return [text] if component.is_multiple else text


def rows_for(dsd: Dsd) -> list[dict[str, Any]]:
    return [{c.id: value(c, number) for c in dsd.components} for number in range(4)]


def prepared(dsd: Dsd) -> PreparedDataset:
    batches = list(batches_from_rows(dsd, rows_for(dsd)))
    preamble = make_preamble(dsd, batches)
    return PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble))


@pytest.mark.parametrize("urn", FLOWS, ids=lambda urn: urn.rpartition(":")[2])
def test_rows_come_back_from_every_format(urn: str, structures: Structures, header: Header) -> None:
    dsd = structures.dsd(urn)
    rows = rows_for(dsd)
    dataset = prepared(dsd)
    for entry in DATA_FORMATS:
        if not entry.encode or not entry.decode:
            continue
        body = b"".join(entry.encode(header, [dataset], EncodeOptions()))
        report = Report()
        found = []
        for decoded in entry.decode(io.BytesIO(body), structures, report, NO_OPTIONS):
            found += [
                {k: v for k, v in row.items() if k != "$locator"}
                for row in rows_of(decoded.batches)
            ]
        assert report.findings == []
        assert sorted(found, key=str) == sorted(rows, key=str)


@pytest.mark.parametrize("urn", FLOWS[::6], ids=lambda urn: urn.rpartition(":")[2])
def test_json_messages_are_valid(
    urn: str,
    structures: Structures,
    header: Header,
    check_json: Callable[[bytes, str], Any],
) -> None:
    dataset = prepared(structures.dsd(urn))
    encode = next(entry.encode for entry in DATA_FORMATS if entry.name == "json")
    assert encode
    check_json(b"".join(encode(header, [dataset], EncodeOptions(languages=("*",)))), "data")


LAYOUTS = ("TIME_PERIOD", "AllDimensions", "SEX", "REF_AREA")


@pytest.mark.parametrize("name", ["ml21", "ml30", "ml31"])
def test_structure_specific_messages_are_valid(
    name: str, structures: Structures, header: Header, ml_schema: Callable[..., etree.XMLSchema]
) -> None:
    """All flows in one message, whose schemas are compiled together: a layout each time."""
    datasets = [prepared(structures.dsd(urn)) for urn in FLOWS]
    entry = next(entry for entry in DATA_FORMATS if entry.name == name)
    assert entry.encode
    for dimension in LAYOUTS:
        held = [dataset for dataset in datasets if dimension in (*dataset.dsd.key_ids, LAYOUTS[1])]
        assert held
        schema = ml_schema(entry.version[:3], [(dataset.dsd, dimension) for dataset in held])
        options = EncodeOptions(dimension_at_observation=dimension)
        body = b"".join(entry.encode(header, held, options))
        assert body.count(b"<mes:DataSet ") == len(held)
        schema.assertValid(etree.fromstring(body))


def test_generic_messages_are_valid(
    structures: Structures, header: Header, message_schema: etree.XMLSchema
) -> None:
    datasets = [prepared(structures.dsd(urn)) for urn in FLOWS]
    encode = next(entry.encode for entry in DATA_FORMATS if entry.name == "ml21-generic")
    assert encode
    body = b"".join(encode(header, datasets, EncodeOptions()))
    message_schema.assertValid(etree.fromstring(body))
