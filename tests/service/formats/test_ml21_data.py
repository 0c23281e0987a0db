"""SDMX-ML 2.1 data: valid against the official schema and that of the DSD, and read back by sdmx1."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sdmx
from lxml import etree

from dsd.batch import Batch, batch_schema, batches_from_rows
from dsd.dataset import Action, AttributeValues, Preamble, PreparedDataset
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats import find_data_format, find_structure_format
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.ml_reading import decode_ml as decode_ml21
from service.formats.preamble import make_preamble

LAYOUTS = ("TIME_PERIOD", "AllDimensions", "SEX")
NAMES = ("ml21", "ml21-generic", "ml21-timeseries", "ml21-generic-timeseries")

Write = Callable[..., bytes]


@pytest.fixture
def write(header: Header, dsd: Dsd) -> Write:
    def call(name: str, preamble: Preamble, batches: Any, dimension: str = "TIME_PERIOD") -> bytes:
        encode = find_data_format(name).encode
        assert encode
        options = EncodeOptions(dimension_at_observation=dimension)
        return b"".join(encode(header, [PreparedDataset(dsd, preamble, batches)], options))

    return call


@pytest.mark.parametrize("dimension", LAYOUTS)
def test_29_structure_specific_data_are_valid_against_both_schemas(
    write: Write,
    dsd: Dsd,
    preamble: Preamble,
    batches: list[Batch],
    dimension: str,
    ml_schema: Callable[..., etree.XMLSchema],
) -> None:
    schema = ml_schema("2.1", [(dsd, dimension)])
    body = write("ml21", preamble, batches, dimension)
    schema.assertValid(etree.fromstring(body))
    for right, wrong in ((b'OBS_STATUS="E"', b'OBS_STATUS="Z"'), (b"AGE_MIN=", b"AGE_MAX=")):
        assert not schema.validate(etree.fromstring(body.replace(right, wrong)))


def test_structure_specific_time_series_are_valid(
    write: Write,
    dsd: Dsd,
    preamble: Preamble,
    batches: list[Batch],
    ml_schema: Callable[..., etree.XMLSchema],
) -> None:
    schema = ml_schema("2.1", [(dsd, "TIME_PERIOD")], is_time_series=True)
    schema.assertValid(etree.fromstring(write("ml21-timeseries", preamble, batches)))


@pytest.mark.parametrize("dimension", LAYOUTS)
def test_29_generic_data_are_valid(
    write: Write,
    preamble: Preamble,
    batches: list[Batch],
    message_schema: etree.XMLSchema,
    dimension: str,
) -> None:
    message_schema.assertValid(
        etree.fromstring(write("ml21-generic", preamble, batches, dimension))
    )


def test_generic_time_series_are_valid(
    write: Write, preamble: Preamble, batches: list[Batch], message_schema: etree.XMLSchema
) -> None:
    message_schema.assertValid(
        etree.fromstring(write("ml21-generic-timeseries", preamble, batches))
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_answer_is_valid(
    write: Write,
    dsd: Dsd,
    name: str,
    message_schema: etree.XMLSchema,
    ml_schema: Callable[..., etree.XMLSchema],
) -> None:
    body = write(name, make_preamble(dsd, []), [])
    schema = message_schema
    if "generic" not in name:
        schema = ml_schema("2.1", [(dsd, "TIME_PERIOD")], is_time_series="time" in name)
    schema.assertValid(etree.fromstring(body))


@pytest.fixture(scope="module")
def sdmx1_dsd(test_structures: Structures) -> Any:
    encode = find_structure_format("ml21").encode
    assert encode
    header = Header("S", datetime(2026, 1, 1, tzinfo=UTC))
    body = b"".join(encode(header, list(test_structures), test_structures, EncodeOptions()))
    return sdmx.read_sdmx(io.BytesIO(body)).structure["DSD_T"]


@pytest.mark.parametrize("dimension", LAYOUTS)
@pytest.mark.parametrize("name", ["ml21", "ml21-generic"])
def test_sdmx1_reads_the_same_observations(
    write: Write,
    preamble: Preamble,
    batches: list[Batch],
    rows: list[dict[str, Any]],
    sdmx1_dsd: Any,
    name: str,
    dimension: str,
) -> None:
    body = write(name, preamble, batches, dimension)
    message = sdmx.read_sdmx(io.BytesIO(body), structure=sdmx1_dsd)
    ids = ("FREQ", "REF_AREA", "SEX", "TIME_PERIOD")
    found = {
        tuple(str(obs.key[id].value) for id in ids): (
            obs.value,
            {id: value.value for id, value in obs.attached_attribute.items()},
        )
        for obs in message.data[0].obs
    }
    expected = {
        tuple(row[id] for id in ids): (
            row.get("OBS_VALUE"),
            {
                id: ";".join(value) if isinstance(value, list) else value
                for id, value in row.items()
                if id not in (*ids, "OBS_VALUE")
            },
        )
        for row in rows
    }
    for key, (value, attributes) in expected.items():
        assert found[key][0] == value
        assert attributes.items() <= found[key][1].items()
    assert found.keys() == expected.keys()


def test_a_series_with_attributes_only_is_kept(
    write: Write, dsd: Dsd, rows: list[dict[str, Any]], batches: list[Batch]
) -> None:
    key = {"FREQ": "A", "REF_AREA": "TLS", "SEX": "SEX_M"}
    preamble = make_preamble(dsd, batches, [AttributeValues(key, {"UNIT_MEASURE": "PC"})])
    body = write("ml21", preamble, batches).decode()
    assert '<Series FREQ="A" REF_AREA="TLS" SEX="SEX_M" UNIT_MEASURE="PC"/>' in body
    with pytest.raises(NotExpressibleError, match="UNIT_MEASURE"):
        write("ml21", preamble, batches, "AllDimensions")


@pytest.mark.parametrize("name", NAMES)
def test_row_actions_are_refused_before_the_first_byte(
    dsd: Dsd, header: Header, rows: list[dict[str, Any]], name: str
) -> None:
    rows = [row | {"$action": Action.DELETE.value} for row in rows]
    batches = list(batches_from_rows(dsd, rows, batch_schema(dsd, actions=True)))
    encode = find_data_format(name).encode
    assert encode
    with pytest.raises(NotExpressibleError, match="actions"):
        encode(
            header, [PreparedDataset(dsd, make_preamble(dsd, batches), batches)], EncodeOptions()
        )


def test_what_xml_cannot_hold_is_refused(
    write: Write, dsd: Dsd, rows: list[dict[str, Any]]
) -> None:
    rows[0]["NOTE"] = "a\x00b"
    batches = list(batches_from_rows(dsd, rows))
    with pytest.raises(NotExpressibleError, match=r"U\+0000"):
        write("ml21", make_preamble(dsd, batches), batches)


def test_a_repeated_observation_is_refused(
    write: Write, dsd: Dsd, rows: list[dict[str, Any]]
) -> None:
    batches = list(batches_from_rows(dsd, [*rows, rows[-1]]))
    with pytest.raises(ValueError, match="two rows have one key"):
        write("ml21", make_preamble(dsd, batches), batches)


def test_a_series_in_two_places_is_refused(
    write: Write, dsd: Dsd, rows: list[dict[str, Any]]
) -> None:
    batches = list(batches_from_rows(dsd, [rows[0], *rows[2:], rows[1]]))
    with pytest.raises(ValueError, match="do not stand together"):
        write("ml21", make_preamble(dsd, batches), batches)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("name", ["ml21", "ml21-generic"])
def test_batches_may_end_anywhere(
    write: Write, preamble: Preamble, batches: list[Batch], size: int, name: str
) -> None:
    (whole,) = batches
    parts = [whole.slice(start, size) for start in range(0, whole.num_rows, size)]
    assert write(name, preamble, parts) == write(name, preamble, batches)


def test_28_the_agreement_is_named_in_the_header(
    test_structures: Structures, header: Header, preamble: Preamble, batches: list[Batch]
) -> None:
    urn = "urn:sdmx:org.sdmx.infomodel.registry.ProvisionAgreement=TST:PA_IDN(1.0.0)"
    encode = find_data_format("ml21").encode
    assert encode
    chunks = encode(
        header, [PreparedDataset(test_structures.dsd(urn), preamble, batches)], EncodeOptions()
    )
    document = etree.fromstring(b"".join(chunks))
    assert document.xpath("//*[local-name()='ProvisionAgrement']/Ref/@id") == ["PA_IDN"]
    assert document.xpath("//@*[local-name()='dataScope']") == ["ProvisionAgreement"]


BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<x>&b;</x>"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no element found"),
        (b"<a/>", "the root is a"),
        (b"<a><b></a>", "the root is a"),
        (BOMB, "document type"),
        (b'<?xml version="1.0" encoding="UTF-99"?><a/>', "encoding"),
        (
            b'<GenericData xmlns="http://www.sdmx.org/resources/sdmxml/schemas/v3_0/message"/>',
            "v3_0",
        ),
    ],
)
def test_what_is_no_message_is_a_finding(
    body: bytes, said: str, test_structures: Structures
) -> None:
    report = Report()
    assert list(decode_ml21(io.BytesIO(body), test_structures, report)) == []
    (finding,) = report.findings
    assert finding.rule == "not-sdmx-ml"
    assert said in finding.message


def test_a_reference_may_be_a_urn(
    write: Write, preamble: Preamble, batches: list[Batch], test_structures: Structures
) -> None:
    urn = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_T(1.0.0)"
    body = re.sub(rb"<Ref [^>]*/>", f"<URN>{urn}</URN>".encode(), write("ml21", preamble, batches))
    report = Report()
    (found,) = decode_ml21(io.BytesIO(body), test_structures, report)
    assert report.findings == []
    assert sum(batch.num_rows for batch in found.batches) == 5


def test_unknown_parts_are_findings_with_their_line(
    write: Write, preamble: Preamble, batches: list[Batch], test_structures: Structures
) -> None:
    body = write("ml21", preamble, batches)
    body = body.replace(b"AGE_MIN=", b"AGE=").replace(b'ss:action="Replace"', b'ss:action="Renew"')
    report = Report()
    list(decode_ml21(io.BytesIO(body), test_structures, report))
    found = [(finding.rule, finding.component, finding.locator) for finding in report.findings]
    assert found == [
        ("unknown-action", None, "line:4"),
        ("unknown-component", "AGE", "line:8"),
    ]
    report = Report()
    body = body.replace(b'id="DF_T"', b'id="DF_X"')
    assert list(decode_ml21(io.BytesIO(body), test_structures, report)) == []
    assert [(f.rule, f.locator) for f in report.findings] == [("unknown-structure", "line:4")]
