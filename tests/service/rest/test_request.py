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
     "latest", "~", "+", "1.0.0", "1.0+.0", "IDN", "IDN.*", "IDN.....", ",", "%2C", "%ZZ", "", "availability"]
)  # fmt: skip
_PATH = st.lists(st.one_of(_WORDS, _LETTERS.map(quote)), max_size=6).map("/".join)
_PARAMETER = st.tuples(
    st.sampled_from(
        ["c[TIME_PERIOD]", "c[SEX]", "c[", "startPeriod", "detail", "references", "limit", "offset",
         "firstNObservations", "dimensionAtObservation", "attributes", "measures", "format", "lang", "x"]
    ),
    st.one_of(
        st.sampled_from(["ge:2023", "2024", "full", "all", "1", "-1", "none", "csv", "en", "OBS_STATUS"]),
        _LETTERS.map(lambda text: quote(text, safe="+,:")),
    ),
).map("=".join)  # fmt: skip
_QUERY = st.lists(_PARAMETER, max_size=3).map("&".join)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(line=st.sampled_from(["v1", "v2"]), path=_PATH, query=_QUERY)
def test_no_request_makes_the_service_fail(client, line, path, query) -> None:
    response = client.get(f"/sdmx/{line}/{path}?{query}")
    assert response.status_code in (200, 204, 400, 403, 404, 405, 406, 413, 422, 501), response.text
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
