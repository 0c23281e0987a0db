"""Requests as they stand in the request line, and requests that make no sense."""

from __future__ import annotations

import json
import logging
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from service.rest.access_log import access_logged
from service.rest.request import raw_path, read_request

# Characters that mean something in paths and queries of SDMX-REST, and some that do not.
_LETTERS = st.text(alphabet="AIDN_.:,+*~@$-()[]=&;%é\u200b 019/", max_size=24)
_WORDS = st.sampled_from(
    ["data", "structure", "dataflow", "codelist", "ILMS", "DF_MNA_OEMP_SEX_CDS", "CL_SEX", "*", "all",
     "latest", "~", "+", "1.0.0", "1.0+.0", "IDN", "IDN.*", "IDN.....", ",", "%2C", "%ZZ", "", "availability",
     "schema", "metadata", "metadataset", "metadataflow", "registration", "provider", "id", "A.B", "IDN_MOM"]
)  # fmt: skip
_PATH = st.lists(st.one_of(_WORDS, _LETTERS.map(quote)), max_size=6).map("/".join)
_PARAMETER = st.tuples(
    st.sampled_from(
        ["c[TIME_PERIOD]", "c[SEX]", "c[", "startPeriod", "detail", "references", "limit", "offset",
         "firstNObservations", "dimensionAtObservation", "attributes", "measures", "format", "lang", "x",
         "updatedAfter", "updatedBefore", "asOf", "deletion"]
    ),
    st.one_of(
        st.sampled_from(["ge:2023", "2024", "full", "all", "1", "-1", "none", "csv", "en", "OBS_STATUS", "msd", "true",
             "2024-05-15T14:15:00%2B07:00"]),
        _LETTERS.map(lambda text: quote(text, safe="+,:")),
    ),
).map("=".join)  # fmt: skip
_QUERY = st.lists(_PARAMETER, max_size=3).map("&".join)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(line=st.sampled_from(["v1", "v2"]), path=_PATH, query=_QUERY)
def test_10_no_request_makes_the_service_fail(client, line, path, query) -> None:
    response = client.get(f"/sdmx/{line}/{path}?{query}")
    # An entry point itself leads to its description.
    expected = (200, 204, 400, 403, 404, 405, 406, 413, 422) if path.strip("/") else (302, 404)
    assert response.status_code in expected, response.text
    if response.status_code >= 400:
        if "json" in response.headers["Content-Type"]:
            (error,) = json.loads(response.data)["errors"]
            assert error["title"]
        else:
            assert etree.fromstring(response.data)[0].get("code")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"REQUEST_URI": "/a%2Cb/c+d?x=1%2C", "PATH_INFO": "/a,b/c+d"}, "/a%2Cb/c+d"),
        ({"RAW_URI": "/a%2Fb", "PATH_INFO": "/a/b"}, "/a%2Fb"),
        ({"REQUEST_URI": "http://host:1/a%2Cb?x", "PATH_INFO": "/a,b"}, "/a%2Cb"),
        ({"PATH_INFO": "/a,b/c+d/*//~"}, "/a,b/c+d/*//~"),
        ({"PATH_INFO": "/50%"}, "/50%25"),
        ({"PATH_INFO": "/é".encode().decode("latin-1")}, "/%C3%A9"),
        ({"SCRIPT_NAME": "/mount", "PATH_INFO": "/a"}, "/mount/a"),
    ],
)
def test_the_path_is_the_one_that_the_client_wrote(environ, expected) -> None:
    assert raw_path(environ) == expected


@given(st.text(alphabet=st.characters(exclude_characters="?/", codec="utf-8"), max_size=20))
def test_a_hidden_path_is_encoded_back_without_loss(text: str) -> None:
    from urllib.parse import unquote

    decoded = f"/{text}".encode().decode("latin-1")
    assert unquote(raw_path({"PATH_INFO": decoded})) == f"/{text}"


@pytest.mark.parametrize(
    ("path", "prefix", "expected"),
    [
        ("/sdmx/v1/data/DF/A..B", "/sdmx/v1/data", "DF/A..B"),
        ("/sdmx/v1/data", "/sdmx/v1/data", ""),
        ("/sdmx/v1/data/", "/sdmx/v1/data", ""),
        ("/sdmx/v1/codelist/T/", "/sdmx/v1", "codelist/T/"),
        ("/sdmx/v1/data/DF//P", "/sdmx/v1/data", "DF//P"),
    ],
)
def test_a_parser_gets_what_stands_after_the_resource(path, prefix, expected) -> None:
    asked = read_request({"PATH_INFO": path, "QUERY_STRING": "a=%2B"}, prefix)
    assert (asked.path, asked.query) == (expected, "a=%2B")


def test_a_mounted_service_reads_its_own_part_of_the_path() -> None:
    environ = {"SCRIPT_NAME": "/ilms", "PATH_INFO": "/sdmx/v2/data/dataflow/A"}
    assert read_request(environ, "/sdmx/v2/data").path == "dataflow/A"


# -- keywords and operators of the two lines --------------------------------------------------------

FLOW = "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS"
FLOW_1 = "/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS"


def tag_of(client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, f"{url}: {response.text}"
    return response.headers["ETag"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/sdmx/v1/codelist/ILMS/CL_SEX+CL_AREA", "/sdmx/v1/codelist/ILMS/CL_AREA%2BCL_SEX/latest"),
        ("/sdmx/v1/codelist/ILMS/CL_SEX/all/SEX_F+SEX_M", "/sdmx/v1/codelist/ILMS/CL_SEX/all/SEX_M%2BSEX_F"),
        ("/sdmx/v2/structure/codelist/ILMS/CL_SEX,CL_AREA/~", "/sdmx/v2/structure/codelist/ILMS/CL_AREA%2CCL_SEX"),
        ("/sdmx/v2/structure/codelist/ILMS/CL_SEX/+", "/sdmx/v2/structure/codelist/ILMS/CL_SEX/%2B"),
        ("/sdmx/v2/structure/codelist/ILMS/CL_SEX/1.0+.0", "/sdmx/v2/structure/codelist/ILMS/CL_SEX/1.0%2B.0"),
        (f"{FLOW}/+/*", f"{FLOW}/%2B/%2A"),
        (f"{FLOW_1}/IDN+PHL...SEX_F..", f"{FLOW_1}/PHL%2BIDN...SEX_F.."),
        (f"{FLOW_1}/IDN.....", f"{FLOW_1}/IDN%2E%2E%2E%2E%2E/all"),
        (f"{FLOW_1}/all/ILMS,PHL_PSA+ILMS,IDN_MOM", f"{FLOW_1}/all/ILMS,IDN_MOM%2BILMS,PHL_PSA"),
        (f"{FLOW}?c[TIME_PERIOD]=ge:2022+le:2023", f"{FLOW}?c%5BTIME_PERIOD%5D=ge%3A2022%2Ble%3A2023"),
        (f"{FLOW}?c[SEX]=SEX_F,SEX_M", f"{FLOW}?c%5bSEX%5d=SEX_M%2CSEX_F"),
        (f"{FLOW}?sort=SEX:desc+REF_AREA", f"{FLOW}?sort=SEX%3Adesc%2BREF_AREA"),
    ],
)  # fmt: skip
def test_03_a_plus_is_an_operator_and_percent_encoding_means_the_same(client, one, other) -> None:
    assert tag_of(client, one) == tag_of(client, other)


@pytest.mark.parametrize(
    "written", ["2020-01-01T07:00:00+07:00", "2020-01-01T07%3A00%3A00%2B07:00"]
)
def test_03_a_plus_in_an_instant_is_one(client, written) -> None:
    plain = client.get(f"{FLOW}?updatedAfter=2020-01-01T00:00:00Z")
    assert plain.status_code == 200
    assert client.get(f"{FLOW}?updatedAfter={written}").data == plain.data


@pytest.mark.parametrize(
    "url",
    [
        f"{FLOW}?c[TIME_PERIOD]=ge:2022%20le:2023",  # A space is no operator.
        f"{FLOW}?sort=SEX%20REF_AREA",
        f"{FLOW_1}/IDN%20PHL...SEX_F..",
        f"{FLOW_1}/IDN,PHL.....",
        f"{FLOW}/1.0.0/IDN+PHL",
        "/sdmx/v2/structure/codelist/ILMS+SDMX",
        "/sdmx/v1/codelist/ILMS,SDMX",
        "/sdmx/v1/codelist/ILMS/CL_SEX/~",
        "/sdmx/v1/codelist/ILMS/CL_SEX/1.0+.0/x/y",
    ],
)
def test_02_each_line_has_its_own_keywords_and_operators(client, url) -> None:
    status = client.get(url).status_code
    assert status in (204, 400, 404), url  # Nobody is given what was not asked for.


@pytest.mark.parametrize(
    ("v1", "v2"),
    [
        ("/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS/all/all", f"{FLOW}/*/*"),
        ("/sdmx/v1/data/ILMS,DF_MNA_OEMP_SEX_CDS,latest", f"{FLOW}/~"),
        ("/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS/IDN+PHL...SEX_F..", f"{FLOW}/*/IDN.*.*.SEX_F,PHL.*.*.SEX_F"),
        ("/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS/...SEX_F+SEX_M..", f"{FLOW}/*/*?c[SEX]=SEX_F,SEX_M"),
    ],
)  # fmt: skip
def test_02_the_two_lines_ask_the_same_in_their_own_words(client, v1, v2) -> None:
    name = {"Accept": "application/vnd.sdmx.data+csv;version=2.1.0"}
    one, other = client.get(v1, headers=name), client.get(v2, headers=name)
    assert one.status_code == other.status_code == 200
    assert one.data == other.data


def test_02_the_default_version_is_the_latest_of_structures_and_every_one_of_data(client) -> None:
    path = "/sdmx/v2/structure/codelist/ILMS/CL_SEX"
    assert tag_of(client, path) == tag_of(client, f"{path}/~")
    assert tag_of(client, FLOW) == tag_of(client, f"{FLOW}/*")


# -- log -------------------------------------------------------------------------------------------


class Interrupted:
    """A body whose sending is broken off."""

    closed = False

    def __iter__(self):
        yield b"first"
        yield b"second"

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(("chunks", "complete", "sent"), [(1, False, 5), (3, None, 11)])
def test_the_log_tells_bodies_that_were_not_sent_whole(caplog, chunks, complete, sent) -> None:
    body = Interrupted()

    def application(environ, start_response):
        start_response("200 OK", [])
        return body

    with caplog.at_level(logging.INFO, "ilms.access"):
        answer = access_logged(application)({"PATH_INFO": "/x"}, lambda *_: None)
        chunks_sent = iter(answer)
        for _ in range(chunks):
            next(chunks_sent, None)
        answer.close()
    (record,) = caplog.records
    line = json.loads(record.getMessage())
    assert body.closed
    assert (line.get("complete"), line["bytes"]) == (complete, sent)
