"""Pages by header, and queries in the body of a POST."""

from __future__ import annotations

import brotli
import pytest
from lxml import etree

from tests.service.rest.conftest import FLOW

V2 = "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0"
V1 = "/sdmx/v1/data/ILMS,DF_MNA_OEMP_SEX_CDS,1.0.0"
CSV = {"Accept": "application/vnd.sdmx.data+csv;version=2.1.0"}
FORM = "application/x-www-form-urlencoded"


def lines(response) -> list[str]:
    assert response.status_code in (200, 206), response.text
    return response.text.splitlines()[1:]


# -- pages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Range", "X-Range"])
def test_a_page_by_header(client, header) -> None:
    """As the data explorer of the .Stat Suite asks: values=0-9."""
    whole = lines(client.get(V2, headers=CSV))
    found: list[str] = []
    for start in range(0, 42, 10):
        response = client.get(V2, headers={**CSV, header: f"values={start}-{start + 9}"})
        assert response.status_code == 206
        last = min(start + 9, 41)
        assert response.headers["Content-Range"] == f"values {start}-{last}/42"
        assert response.headers["Accept-Ranges"] == "values"
        found += lines(response)
    assert found == whole


def test_a_page_behind_the_end(client) -> None:
    response = client.get(V2, headers={"X-Range": "values=42-50"})
    assert response.status_code == 416
    assert response.headers["Content-Range"] == "values */42"
    assert "42 observations" in response.text


@pytest.mark.parametrize("text", ["bytes=0-9", "values=9-0", "values=", "values=0-9,20-29", "x"])
def test_what_is_no_such_range_is_ignored(client, text) -> None:
    response = client.get(V2, headers={**CSV, "Range": text})
    assert response.status_code == 200
    assert len(lines(response)) == 42
    assert "Content-Range" not in response.headers


def test_the_query_wins_over_the_header(client) -> None:
    response = client.get(f"{V2}?limit=5", headers={**CSV, "Range": "values=0-9"})
    assert response.status_code == 200
    assert len(lines(response)) == 5


def test_a_page_counts_what_is_selected(client) -> None:
    response = client.get(f"{V2}/IDN.*?lastNObservations=1", headers={**CSV, "Range": "values=1-2"})
    whole = lines(client.get(f"{V2}/IDN.*?lastNObservations=1", headers=CSV))
    assert response.headers["Content-Range"] == f"values 1-2/{len(whole)}"
    assert lines(response) == whole[1:3]
    assert client.get(f"{V2}/XXX", headers={"Range": "values=0-9"}).status_code == 204


# -- queries in the body ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "body", "same"),
    [
        (V2, "key=IDN.*.*.SEX_F,PHL.*", f"{V2}/IDN.*.*.SEX_F,PHL.*"),
        (f"{V2}/body", "key=IDN.*", f"{V2}/IDN.*"),
        (V2, "c[SEX]=SEX_F,SEX_M&limit=7", f"{V2}?c[SEX]=SEX_F,SEX_M&limit=7"),
        (f"{V2}/IDN.*?limit=3", "c%5BTIME_PERIOD%5D=ge:2022%2Ble:2023",
         f"{V2}/IDN.*?limit=3&c[TIME_PERIOD]=ge:2022+le:2023"),
        (V2, "c[TIME_PERIOD]=ge:2022+le:2023", f"{V2}?c[TIME_PERIOD]=ge:2022+le:2023"),
        ("/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS", "key=PHL",
         "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/*/PHL"),
        (V1, "key=IDN+PHL...SEX_F..&startPeriod=2022",
         f"{V1}/IDN+PHL...SEX_F..?startPeriod=2022"),
        (f"{V1}/body", "key=IDN.....", f"{V1}/IDN....."),
        (V1, "", V1),
    ],
)  # fmt: skip
def test_a_query_in_the_body_is_the_query_in_the_url(client, url, body, same) -> None:
    posted = client.post(url, data=body, content_type=FORM, headers=CSV)
    got = client.get(same, headers=CSV)
    assert lines(posted) == lines(got)
    assert posted.headers["ETag"] == got.headers["ETag"]


def test_a_very_long_key(client) -> None:
    keys = ",".join(f"IDN.A.MNA_OEMP.SEX_F.X{number}" for number in range(5000))
    assert client.get(f"{V2}/{keys}").status_code == 414
    assert client.post(V2, data=f"key={keys},PHL", content_type=FORM).status_code == 200
    huge = "key=" + "A" * (1024 * 1024)
    assert client.post(V2, data=huge, content_type=FORM).status_code == 413


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ("key=" + ",".join(f"IDN.A.X{number}" for number in range(10_000)), 204, ""),
        ("key=" + ",".join(f"IDN.A.X{number}" for number in range(10_001)), 400, "10001 keys"),
        ("c[SEX]=" + ",".join(f"S{number}" for number in range(1_000)), 204, ""),
        ("c[SEX]=" + ",".join(f"S{number}" for number in range(10_001)), 400, "10001 conditions"),
        ("c[SEX]=" + ",".join(["A+B"] * 5_001), 400, "10002 conditions"),
        ("c[SEX]=" + "+".join(f"ne:S{number}" for number in range(100)), 200, ""),
        ("c[SEX]=SEX_F," + "+".join(f"ne:S{number}" for number in range(101)), 400, "101 conditions"),
    ],
)  # fmt: skip
def test_38_a_query_may_ask_only_so_much_at_once(client, body, status, told) -> None:
    # Ten thousand conditions that must hold together ended the process.
    answer = client.post(V2, data=body, content_type=FORM, headers=CSV)
    assert answer.status_code == status
    assert told in answer.text
    if body.startswith("key=") and status == 400:
        one = client.post(
            f"{V1}", data=body.replace(",", "+").replace("IDN.A.", ""), content_type=FORM
        )
        assert (one.status_code, "10001 values" in one.text) == (400, True)


def test_what_is_wrong_in_a_body_is_said(client) -> None:
    twice = client.post(f"{V2}/IDN", data="key=PHL", content_type=FORM)
    assert twice.status_code == 400
    assert "key" in twice.text
    assert client.post(V2, data="lmit=3", content_type=FORM).status_code == 400
    assert client.post(V2, data=b"lim\xffit=3", content_type=FORM).status_code == 400
    assert client.post(V1.partition("/ILMS")[0], data="key=A", content_type=FORM).status_code == 400


@pytest.mark.parametrize("url", [V1, V2])
def test_10_data_are_not_maintained_and_what_is_taken_instead_is_said(client, url) -> None:
    # No released version of SDMX REST takes data.
    for sent in ("application/xml", "application/vnd.sdmx.data+json;version=2.1.0", None):
        posted = client.post(url, data=b"<x/>", content_type=sent)
        assert posted.status_code == 415
        assert FORM in posted.text
        assert posted.headers["Accept-Post"] == FORM
    for method in ("PUT", "DELETE", "PATCH"):
        refused = client.open(url, method=method, data=b"<x/>", content_type="application/xml")
        assert refused.status_code == 405
        assert refused.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
        assert "GET, HEAD, OPTIONS, POST" in refused.text


def test_brotli(client) -> None:
    plain = client.get(V2, headers=CSV)
    packed = client.get(V2, headers={**CSV, "Accept-Encoding": "br"})
    assert packed.headers["Content-Encoding"] == "br"
    assert brotli.decompress(packed.data) == plain.data
    assert client.get(f"{V2}?compression=br").headers["Content-Encoding"] == "br"
    assert client.get(f"{V2}?compression=compress").status_code == 406
    both = client.get(V2, headers={"Accept-Encoding": "gzip, br"})
    assert both.headers["Content-Encoding"] == "gzip"
    error = etree.fromstring(client.get(f"{V1}/body", headers={"Accept-Encoding": "br"}).data)
    assert error is not None


@pytest.mark.parametrize(
    ("condition", "same"),
    [
        ("c[COUNTERPART_AREA]=" + ",".join(f"X{n}" for n in range(9_998)) + ",ARE,HKG",
         "c[COUNTERPART_AREA]=ARE,HKG"),
        ("c[COUNTERPART_AREA]=" + "+".join(f"ne:X{n}" for n in range(99)) + "+ne:ARE",
         "c[COUNTERPART_AREA]=ne:ARE"),
        ("c[UNIT_MEASURE]=" + ",".join(f"X{n}" for n in range(9_999)) + ",PS", "c[UNIT_MEASURE]=PS"),
        ("c[TIME_PERIOD]=" + ",".join(["2021", "2022"] * 5_000), "c[TIME_PERIOD]=2021,2022"),
    ],
)  # fmt: skip
def test_20_a_condition_may_list_ten_thousand_codes(client, condition, same) -> None:
    posted = client.post(V2, data=condition, content_type=FORM, headers=CSV)
    assert posted.status_code == 200
    assert lines(posted) == lines(client.get(f"{V2}?{same}", headers=CSV))


@pytest.mark.parametrize("of", ["OBS_VALUE", "NOTE", "TIME_PERIOD"])
def test_20_comparisons_are_limited(client, of) -> None:
    many = ",".join(f"sw:{n}" for n in range(500))
    assert client.post(V2, data=f"c[{of}]={many}", content_type=FORM).status_code in (200, 204)
    refused = client.post(V2, data=f"c[{of}]={many},sw:x", content_type=FORM)
    assert refused.status_code == 400
    assert "501" in refused.text


@pytest.mark.parametrize("end", ["", "._U"], ids=["in part", "in full"])
def test_19_thousands_of_keys_are_looked_up(client, structures, end) -> None:
    dsd = structures.dsd(FLOW)
    partners = sorted(dsd["COUNTERPART_AREA"].codes)
    areas = ["PHL", *sorted(dsd["REF_AREA"].codes)[:20]]
    keys = [f"{area}.A.MNA_OEMP.SEX_F.{partner}{end}" for area in areas for partner in partners]
    assert len(keys) > 5000
    posted = client.post(V2, data=f"key={','.join(keys)}", content_type=FORM, headers=CSV)
    asked = f"{V2}?c[SEX]=SEX_F&c[REF_AREA]={','.join(areas)}"
    assert posted.status_code == 200
    assert lines(posted) == lines(client.get(asked, headers=CSV))
