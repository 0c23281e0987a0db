"""What holds at each kind of resource on each line alike."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

RESOURCES: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parents[2] / "examples/rest/resources/cases.toml").read_text(encoding="utf-8")
)["resource"]
PATHS = [entry["path"] for entry in RESOURCES]
DATED = [path for path in PATHS if "/registration" not in path]
"""Registrations go without an instant of their own, and with them every Last-Modified."""
DATA = "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0"
ORIGIN = {"Origin": "https://example.org"}


def names(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["name"] for entry in entries]


def lines(value: str) -> set[str]:
    return {name.strip().lower() for name in value.split(",")}


# -- 1: paths --------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", RESOURCES, ids=names(RESOURCES))
def test_01_parts_at_the_end_and_the_last_slash_may_be_left_out(client, resource) -> None:
    whole = client.get(resource["path"])
    assert whole.status_code == 200, whole.text
    for path in (resource["path"], *resource["same"]):
        for written in (path, f"{path}/"):
            found = client.get(written)
            assert found.status_code == 200, written
            assert found.headers["ETag"] == whole.headers["ETag"], written
    too_long = client.get(f"{resource['path']}/{'x/' * 6}")
    assert too_long.status_code == 400
    assert "at most" in too_long.text


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_parameter_is_400_that_names_the_nearest(client, path) -> None:
    for wrong, near in (("formt", "format"), ("lagn", "lang"), ("Format", "format")):
        found = client.get(f"{path}?{wrong}=x")
        assert found.status_code == 400, wrong
        assert wrong in found.text
        assert f"{near}" in found.text.replace(wrong, "")


# -- 5, 6: types -----------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", RESOURCES, ids=names(RESOURCES))
@pytest.mark.parametrize(
    "accept", [None, "", "*/*", "*/*;q=0.1", "application/*", "*/*, image/png"]
)
def test_05_the_default_of_each_line_and_resource(client, resource, accept) -> None:
    headers = {} if accept is None else {"Accept": accept}
    assert client.get(resource["path"], headers=headers).headers["Content-Type"] == resource["type"]


IN_JSON = [entry for entry in RESOURCES if "json" in entry]


@pytest.mark.parametrize("resource", IN_JSON, ids=names(IN_JSON))
def test_05_a_short_type_is_the_format_of_the_line(client, resource) -> None:
    whole = client.get(resource["path"], headers={"Accept": resource["json"]})
    short = client.get(resource["path"], headers={"Accept": "application/json"})
    assert short.headers["Content-Type"] == "application/json"
    versions = [r.json["meta"].get("schema") or r.json["$schema"] for r in (whole, short)]
    assert versions[0] == versions[1]


@pytest.mark.parametrize("path", PATHS)
def test_06_no_answer_and_no_error_has_a_charset(client, path) -> None:
    asked = [
        (path, {}),
        (path, {"Accept": "application/xml"}),
        (path, {"Accept": "application/json"}),
        (path, {"Accept": "image/png"}),
        (f"{path}?x=1", {}),
        (f"{path}?x=1", {"Accept": "application/xml"}),
    ]
    for url, headers in asked:
        found = client.get(url, headers=headers)
        assert "charset" not in found.headers["Content-Type"].lower(), (url, headers)


# -- 8: validators, methods, origins ---------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_08_what_a_client_has_is_304_with_the_headers_of_200(client, path) -> None:
    first = client.get(path)
    tag = first.headers["ETag"]
    opaque = tag.removeprefix("W/")
    for header in (tag, opaque, f"W/{opaque}", f'"x", {tag}', f'W/"y" ,{opaque} , "z"', "*", " * "):
        again = client.get(path, headers={"If-None-Match": header, **ORIGIN})
        assert again.status_code == 304, header
        assert again.data == b""
        for name in ("ETag", "Vary", "Cache-Control", "Access-Control-Allow-Origin"):
            assert again.headers[name] == first.headers[name]
        assert "Content-Type" not in again.headers or not again.data
        assert client.head(path, headers={"If-None-Match": header}).status_code == 304
    for header in ('"x"', 'W/"x", "y"', f'"{opaque}"'):
        assert client.get(path, headers={"If-None-Match": header}).status_code == 200, header


def dates(instant: datetime) -> list[str]:
    """Return an instant as clients write it: IMF-fixdate, the obsolete forms of HTTP, ISO 8601 as the OpenAPI file says."""
    here = instant.astimezone(UTC)
    return [
        format_datetime(here, usegmt=True),
        here.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
        here.strftime("%a %b %e %H:%M:%S %Y"),
        here.strftime("%Y-%m-%dT%H:%M:%SZ"),
        here.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        here.strftime("%Y-%m-%dT%H:%M:%S"),
    ]


@pytest.mark.parametrize("path", DATED)
def test_08_nothing_changed_since_a_date_is_304(client, settings, path) -> None:
    changed = client.get(path).headers["Last-Modified"]
    now = settings.clock()
    assert changed == format_datetime(now, usegmt=True)
    for date in (*dates(now), *dates(now + timedelta(days=3))):
        for method in ("GET", "HEAD"):
            found = client.open(path, method=method, headers={"If-Modified-Since": date})
            assert found.status_code == 304, date
            assert found.data == b""
    for date in (*dates(now - timedelta(seconds=1)), "yesterday", "0", "", "2026-13-45T00:00:00Z"):
        assert client.get(path, headers={"If-Modified-Since": date}).status_code == 200, date


@pytest.mark.parametrize("path", DATED)
def test_08_a_tag_counts_and_not_the_date_beside_it(client, settings, path) -> None:
    tag = client.get(path).headers["ETag"]
    late, early = (
        format_datetime(settings.clock() + timedelta(days=days), usegmt=True) for days in (1, -1)
    )
    changed = client.get(path, headers={"If-None-Match": '"x"', "If-Modified-Since": late})
    assert changed.status_code == 200
    same = client.get(path, headers={"If-None-Match": tag, "If-Modified-Since": early})
    assert same.status_code == 304


def test_08_a_condition_does_not_hide_an_error_or_an_empty_answer(client, settings) -> None:
    # RFC 9110, 13.2.1: only what would have been a success is conditional.
    late = {"If-Modified-Since": format_datetime(settings.clock() + timedelta(days=1), usegmt=True)}
    for condition in (late, {"If-None-Match": "*"}):
        for path, status in (
            ("/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS/NOWHERE.....", 404),
            ("/sdmx/v1/codelist/ILMS/NIX", 404),
            (f"{DATA}/NOWHERE", 204),
            (f"{DATA}?x=1", 400),
        ):
            assert client.get(path, headers=condition).status_code == status


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd", "br"])
def test_08_head_is_get_without_the_body(client, path, coding) -> None:
    headers = (
        {"Accept-Encoding": coding, "Range": "values=0-3"}
        if "/data/" not in path
        else {"Accept-Encoding": coding}
    )
    got, told = client.get(path, headers=headers), client.head(path, headers=headers)
    assert told.data == b""
    assert told.status_code == got.status_code == 200
    assert int(told.headers["Content-Length"]) == len(got.data)
    # Where a message tells when it was made, its packed length may differ by a few bytes.
    skipped = {"X-Request-ID"}
    assert {k: v for k, v in told.headers.items() if k not in skipped} == {
        k: v for k, v in got.headers.items() if k not in skipped
    }


@pytest.mark.parametrize("path", PATHS)
def test_08_each_coding_has_its_tag_and_vary_names_what_is_negotiated(client, path) -> None:
    found = {
        coding: client.get(path, headers={"Accept-Encoding": coding})
        for coding in ("identity", "gzip", "zstd", "br")
    }
    assert len({r.headers["ETag"] for r in found.values()}) == 4
    for coding, response in found.items():
        assert response.headers.get("Content-Encoding", "identity") == coding
        named = lines(response.headers["Vary"])
        assert named >= {"accept", "accept-encoding", "accept-language"}
        assert ("x-range" in named) == ("/data/" in path)


@pytest.mark.parametrize("path", [*PATHS, DATA, "/sdmx/v2/structure", "/openapi.json", "/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_08_a_preflight_lets_scripts_ask(client, path, method) -> None:
    asked = "authorization,if-none-match,x-range,range,accept,accept-language,if-modified-since"
    found = client.options(
        path,
        headers={
            **ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": asked,
        },
    )
    assert found.status_code in (200, 204)
    assert found.headers["Access-Control-Allow-Origin"] == "*"
    assert method in found.headers["Access-Control-Allow-Methods"]
    assert lines(found.headers["Access-Control-Allow-Headers"]) >= lines(asked)
    assert int(found.headers["Access-Control-Max-Age"]) > 0


def test_08_the_preflight_of_what_is_not_there_lets_the_script_learn_so(client) -> None:
    for path in ("/sdmx/v2/tables", "/sdmx/v9/data", "/nix"):
        headers = {**ORIGIN, "Access-Control-Request-Method": "GET"}
        asked = client.options(path, headers=headers)
        assert asked.status_code == 204
        assert "GET" in asked.headers["Access-Control-Allow-Methods"]
        assert client.get(path, headers=ORIGIN).status_code == 404
        # Who asks for what there is, and is no script, is told.
        assert client.options(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", PATHS[0], {}, 200),
        ("GET", f"{DATA}/NOWHERE", {}, 204),
        ("GET", DATA, {"X-Range": "values=0-3"}, 206),
        ("GET", PATHS[0], {"If-None-Match": "*"}, 304),
        ("GET", f"{DATA}?x=1", {}, 400),
        ("POST", "/sdmx/v2/structure", {}, 401),
        ("GET", "/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS?dimensionAtObservation=X", {}, 403),
        ("GET", "/sdmx/v2/tables", {}, 404),
        ("GET", "/nix", {}, 404),
        ("DELETE", DATA, {}, 405),
        ("GET", DATA, {"Accept": "image/png"}, 406),
        ("GET", f"{DATA}/{'A' * 20_000}", {}, 414),
        ("POST", DATA, {"Content-Type": "text/csv"}, 415),
        ("GET", DATA, {"Range": "values=99999-99999"}, 416),
        ("GET", f"{DATA}?c[X]=1", {}, 422),
    ],
)  # fmt: skip
def test_08_scripts_of_any_origin_may_read_every_answer(
    client, method, path, headers, status
) -> None:
    found = client.open(path, method=method, headers={**ORIGIN, **headers})
    assert found.status_code == status
    assert found.headers["Access-Control-Allow-Origin"] == "*"
    exposed = lines(found.headers["Access-Control-Expose-Headers"])
    # What a script may read without being told: Fetch standard, "CORS-safelisted response-header name".
    safe = {"cache-control", "content-language", "content-length", "content-type", "last-modified"}
    own = {name.lower() for name in found.headers.keys()} - safe  # noqa: SIM118
    assert {name for name in own if not name.startswith("access-control-")} - exposed <= {
        "x-content-type-options", "content-security-policy"
    }  # fmt: skip


def test_08_a_page_is_of_get_alone_and_not_joined_to_what_may_be_old(client) -> None:
    asked = {"Range": "values=0-3"}
    page = client.get(DATA, headers=asked)
    assert (page.status_code, page.headers["Content-Range"]) == (206, "values 0-3/42")
    assert client.head(DATA, headers=asked).status_code == 200
    whole = client.get(DATA)
    for tag in (page.headers["ETag"], whole.headers["ETag"], '"x"'):
        found = client.get(DATA, headers={**asked, "If-Range": tag})
        assert (found.status_code, found.data) == (200, whole.data)


@pytest.mark.parametrize("path", PATHS)
def test_10_a_method_that_a_resource_has_not_is_405_in_the_family(client, path) -> None:
    for accept, is_json in (("application/json", True), ("application/xml", False)):
        found = client.open(path, method="PATCH", headers={"Accept": accept})
        assert found.status_code == 405
        assert "GET" in found.headers["Allow"]
        assert found.is_json == is_json
