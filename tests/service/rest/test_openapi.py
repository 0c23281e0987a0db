"""The service does what its OpenAPI description says: valid, complete, and tried by schemathesis."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.query.structure_query import RESOURCES_V1
from service.rest.openapi import RESOURCES, openapi_document

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
)
LONGEST = {
    f"{r.grammar.value}-{r.base}-{len(r.parts)}" for r in RESOURCES if r.base not in RESOURCES_V1
}
TRIED = [
    path
    for path, operations in openapi_document("")["paths"].items()
    # Of paths that differ in their length, or in a word, one is tried.
    if operations["get"]["operationId"] in {"v1-codelist-4", *LONGEST}
]


@pytest.fixture(scope="session")
def tried(app: Flask) -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


def test_it_is_served(client) -> None:
    response = client.get("/openapi.json")
    assert response.headers["Content-Type"] == "application/json"
    document = response.json
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "http://localhost"}]
    packed = client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == response.data
    assert len(packed.data) < 40_000
    again = client.get("/openapi.json", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_39_every_reference_resolves_and_every_path_parameter_is_declared() -> None:
    document = openapi_document("http://localhost")
    text = json.dumps(document)
    for name in set(text.split('"#/components/responses/')[1:]):
        assert name.partition('"')[0] in document["components"]["responses"]
    ids = []
    for path, operations in document["paths"].items():
        operation = operations["get"]
        ids.append(operation["operationId"])
        parameters = operation.get("parameters", [])
        declared = [p["name"] for p in parameters if p["in"] == "path"]
        assert [f"{{{name}}}" for name in declared] == [
            part for part in path.split("/") if part.startswith("{")
        ]
        for parameter in parameters:
            Draft202012Validator.check_schema(parameter["schema"])
    assert len(set(ids)) == len(ids)


def test_39_it_lists_every_resource_that_is_routed(app: Flask) -> None:
    described = {f"/sdmx/{r.grammar.value}/{r.base}" for r in RESOURCES}
    routed = {
        str(rule).partition("/<")[0]
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(("v1.", "v2.")) and "GET" in (rule.methods or ())
    }
    assert {path.rstrip("/") for path in routed} == {
        "/".join(path.split("/")[:4]) for path in described
    }


@pytest.mark.parametrize("example", ["path", "query"])
def test_its_examples_are_answered(client, example) -> None:
    """Each path with the examples of its parts, and each closed list of values."""
    for path, operations in openapi_document("")["paths"].items():
        operation = operations["get"]
        url = path
        parameters = operation.get("parameters", [])
        for parameter in parameters:
            if parameter["in"] == "path":
                url = url.replace(f"{{{parameter['name']}}}", parameter["example"])
        urls = [url]
        if example == "query" and "v1-" not in operation["operationId"].replace("v1-codelist", ""):
            urls = [
                f"{url}?{parameter['name']}={str(value).replace('+', '%2B')}"
                for parameter in parameters
                if parameter["in"] == "query"
                for value in parameter["schema"].get("enum", ())
            ]
        for asked in urls:
            status = client.get(asked).status_code
            assert status in (200, 204, 404, 406), f"{status} for {asked}"
            assert str(status) in operation["responses"]


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("/health", GenerationMode.POSITIVE),
        *((path, GenerationMode.POSITIVE) for path in TRIED),
        *((path, GenerationMode.NEGATIVE) for path in TRIED),
    ],
)
def test_39_schemathesis_finds_no_failure(tried: Any, path: str, mode: GenerationMode) -> None:
    operation = tried[path]["GET"]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    def attempt(case: Any) -> None:
        case.call_and_validate(checks=list(CHECKS))

    attempt()


def test_the_page_shows_every_resource(client, client_of: Callable[..., Any]) -> None:
    page = client.get("/docs").text
    for resource in RESOURCES:
        base = f"/sdmx/{resource.grammar.value}/{resource.base}"
        assert base + "".join(f"/{{{part.name}}}" for part in resource.parts) in page
        for name in resource.parameters:
            assert f"<code>{name}</code>" in page
