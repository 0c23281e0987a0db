"""The service does what its OpenAPI description says: valid, complete, and tried by schemathesis."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
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
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from service.formats.registry_formats import REGISTRY_FORMATS
from service.query.structure_query import RESOURCES_V1
from service.rest.negotiation import full_type
from service.rest.openapi import RESOURCES, openapi_document
from service.web.api_page import resolved

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
    for path, found in openapi_document("")["paths"].items()
    # Of paths that differ in their length, or in a word, one is tried.
    if found["get"]["operationId"] in {"v1-codelist-4", *LONGEST}
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


DOCUMENT = openapi_document("http://localhost")


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation with its references resolved."""
    for path, found in DOCUMENT["paths"].items():
        for method, operation in found.items():
            parameters = [resolved(DOCUMENT, entry) for entry in operation.get("parameters", ())]
            responses = {
                status: resolved(DOCUMENT, entry)
                for status, entry in operation["responses"].items()
            }
            yield path, method, {**operation, "parameters": parameters, "responses": responses}


def test_39_it_is_valid_against_the_schema_of_openapi_3_1() -> None:
    assert [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(DOCUMENT)] == []
    assert list(OPENAPI_31_VALIDATOR.iter_errors({**DOCUMENT, "paths": {"x": {}}}))


def references(entry: Any) -> Iterator[str]:
    if isinstance(entry, dict):
        if "$ref" in entry:
            yield entry["$ref"]
        for value in entry.values():
            yield from references(value)
    elif isinstance(entry, list):
        for value in entry:
            yield from references(value)


def test_39_every_reference_resolves_and_every_component_is_used() -> None:
    """The official description of 1.5.0 refers to a response 510 that is not there."""
    found = set(references(DOCUMENT))
    held = {
        f"#/components/{kind}/{name}"
        for kind, entries in DOCUMENT["components"].items()
        if kind != "securitySchemes"
        for name in entries
    }
    assert found == held
    named = {
        name
        for _, _, operation in operations()
        for entry in operation.get("security", ())
        for name in entry
    }
    assert named == set(DOCUMENT["components"]["securitySchemes"])


def test_39_every_part_of_a_path_is_declared() -> None:
    """Those of 2.1.0 to 2.2.2 declare resourceID where the paths of registrations have registrationID and providerID."""
    ids = []
    for path, _, operation in operations():
        ids.append(operation["operationId"])
        declared = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
        assert [f"{{{name}}}" for name in declared] == [
            part for part in path.split("/") if part.startswith("{")
        ]
        assert all(p["required"] for p in operation["parameters"] if p["in"] == "path")
        for parameter in operation["parameters"]:
            Draft202012Validator.check_schema(parameter["schema"])
    assert len(set(ids)) == len(ids)


def test_39_registrations_have_the_types_of_registrations() -> None:
    """Those of 2.1.0 to 2.2.2 have the types of reference metadata in their place."""
    types = {
        media_type
        for path, _, operation in operations()
        if path.startswith("/sdmx/v2/registration")
        for media_type in operation["responses"]["200"]["content"]
    }
    assert types == {full_type(entry) for entry in REGISTRY_FORMATS}


@pytest.mark.parametrize(
    ("resource"), ["metadata", "reportingtaxonomy", "vtlmappingscheme", "namepersonalisationscheme"]
)
def test_39_no_resource_of_1_5_is_left_out(resource: str) -> None:
    """That of 1.5.0 leaves these out, and has a `namealiasscheme` that the text has not."""
    assert any(path.startswith(f"/sdmx/v1/{resource}") for path in DOCUMENT["paths"])
    assert not any("namealias" in path for path in DOCUMENT["paths"])


def parameter_of(path: str, name: str) -> dict[str, Any]:
    operation = DOCUMENT["paths"][path]["get"]
    found = [resolved(DOCUMENT, entry) for entry in operation["parameters"]]
    (parameter,) = [entry for entry in found if entry["name"] == name]
    return parameter


@pytest.mark.parametrize("name", ["startPeriod", "endPeriod"])
@pytest.mark.parametrize(
    "period",
    ["2000", "2000-05", "2000-05-31", "2000-Q1", "2000-S2", "2000-T3", "2000-M12", "2004-W53", "2000-A1",
     "2000-D010", "2000-D366", "2000-01-01T00:00:00", "2000-01-01T00:00:00Z", "2000-01-01T00:00:00.5+07:00"],
)  # fmt: skip
def test_39_periods_of_every_kind_are_allowed(client, name: str, period: str) -> None:
    """That of 1.5.0 refuses days of a year and instants."""
    path = "/sdmx/v1/data/{flowRef}"
    schema = parameter_of(path, name)["schema"]
    assert Draft202012Validator(schema).is_valid(period)
    url = f"/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS?{name}={period.replace('+', '%2B')}"
    assert client.get(url).status_code in (200, 404)
    for wrong in ("2000-Q5", "2000-13", "20", "2000-D367", "x2000", "2000-05-32"):
        assert not Draft202012Validator(schema).is_valid(wrong)
        assert client.get(f"/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS?{name}={wrong}").status_code == 400


VERSIONS = [
    "*", "~", "+", "1.0", "1.0.0", "1.0.0-draft", "1.0+.0", "1.+.0", "1.0.+", "2+.3.4", "~.0", "~.0.0", "1.~", "1.2~.3",
    "*.0", "*.0.0", "1.*", "1.2*.3", "+,1.2.1*", "1.0.0,2.0.0,~", "1.2+.42", "1",
]  # fmt: skip
NO_VERSIONS = [
    "+.2.3",
    "1.+.3",
    "~.2",
    "*.2.3",
    "+.0",
    "2.3+",
    "~.0.*",
    "3.2*.1+",
    "x",
    "1.0.0.0",
    "1..0",
    ",",
]


@pytest.mark.parametrize("version", [*VERSIONS, *NO_VERSIONS])
def test_39_versions_are_those_of_the_table_of_the_standard(client, version: str) -> None:
    """Those of 2.x refuse the standard's own example `+,1.2.1*`, and do not look at the ends of a single version."""
    schema = parameter_of(
        "/sdmx/v2/structure/{artefactType}/{agencyID}/{resourceID}/{version}", "version"
    )["schema"]
    is_one = version in VERSIONS
    assert Draft202012Validator(schema).is_valid(version) == is_one
    status = client.get(f"/sdmx/v2/structure/codelist/ILMS/CL_SEX/{version}").status_code
    assert (status != 400) == is_one


def test_39_each_answer_tells_its_types_and_each_error_is_described() -> None:
    for path, method, operation in operations():
        responses = operation["responses"]
        assert responses["200"]["content"], path
        for status, response in responses.items():
            assert response["description"]
            assert ("content" in response) == (status not in ("204", "304")), (path, status)
        if path.split("/")[3:4] == ["data"]:
            assert {"206", "304", "413", "416"} <= set(responses)
            assert "Content-Range" in responses["206"]["headers"]
            assert "Content-Range" in responses["416"]["headers"]
        if method == "get" and path.startswith("/sdmx") and "history" not in path:
            assert {"200", "304", "400", "404", "406", "414", "500", "503"} <= set(responses)
            assert "501" not in responses


def test_39_what_paths_have_in_common_is_said_once(client) -> None:
    body = client.get("/openapi.json").data
    assert len(body) < 330_000
    assert body.count(b"Media types with versions and weights.") == 1


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
def test_39_its_examples_are_answered(client, example) -> None:
    """Each path with the examples of its parts, and each closed list of values."""
    for path, method, operation in operations():
        if method != "get":
            continue
        url = path
        parameters = operation["parameters"]
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


POSTED = "/sdmx/v2/data/{context}/{agencyID}/{resourceID}/{version}"


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        ("GET", "/health", GenerationMode.POSITIVE),
        *(
            (method, path, mode)
            for method, path in (*(("GET", path) for path in TRIED), ("POST", POSTED))
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        ),
    ],
)
def test_39_schemathesis_finds_no_failure(
    tried: Any, method: str, path: str, mode: GenerationMode
) -> None:
    operation = tried[path][method]

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
