"""Texts in languages and annotations of data, from the store to a client: each format gives what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from codelists.base import Annotation
from dsd.annotated import annotations_text
from dsd.batch import ANNOTATIONS, batch_schema, batches_from_rows
from dsd.dataset import AttributeValues, Dataset
from dsd.localised import compose
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.formats import DATA_FORMATS
from service.formats.contract import DataFormat
from service.store import open_store
from service.store.protocol import SubmissionRecord

DF_L = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_L(1.0.0)"
DATA = "/sdmx/v2/data/dataflow/TST/DF_L/1.0.0"
NOTED = annotations_text([Annotation(id="CHECKED", title="Checked by hand")])
ROWS = [
    {"REF_AREA": "LAO", "SEX": "M", "TIME_PERIOD": "2023", "OBS_VALUE": "1"},
    {
        "REF_AREA": "LAO",
        "SEX": "M",
        "TIME_PERIOD": "2024",
        "OBS_VALUE": "2",
        "REMARK": compose({"en": "All of them", "fr": "Tous"}),
        ANNOTATIONS: NOTED,
    },
]


@pytest.fixture(scope="module")
def client(
    examples: Path,
    tmp_path_factory: pytest.TempPathFactory,
    client_of: Callable[[Flask], FlaskClient],
) -> Iterator[FlaskClient]:
    body = (examples / "formats" / "structures" / "localised.json").read_bytes()
    structures = Structures(decode_structures(body).data.all())
    dsd = structures.dsd(DF_L)
    folder = tmp_path_factory.mktemp("noted")
    settings = Settings(store_folder=folder / "store", temporary_folder=folder / "temporary")
    store = open_store(settings)
    batches = batches_from_rows(dsd, ROWS, batch_schema(dsd, annotations=True))
    above = [AttributeValues({}, {"TITLE": compose({"en": "Title", "fr": "Titre"})})]
    store.write([Dataset(dsd, batches, attributes=above)], SubmissionRecord("first"))
    yield client_of(create_app(settings, structures, store))
    store.close()


@pytest.mark.parametrize(
    "entry", [entry for entry in DATA_FORMATS if entry.encode], ids=lambda entry: entry.name
)
def test_40_every_format_answers(entry: DataFormat, client: FlaskClient) -> None:
    version = f";version={entry.version}" if entry.version else ""
    found = client.get(DATA, headers={"Accept": entry.media_type + version})
    assert found.status_code == 200, found.text
    capabilities = entry.capabilities
    # Packed formats are read by the contract suite of the formats.
    if entry.name in ("parquet", "arrow", "xlsx"):
        return
    assert ("Tous" in found.text) is capabilities.languages
    assert "All of them" in found.text
    assert ("Checked by hand" in found.text) is capabilities.annotations


@pytest.mark.parametrize(
    ("language", "expected"),
    [(None, "All of them"), ("fr, en;q=0.5", "Tous"), ("th", "All of them")],
)
def test_a_format_of_one_language_gives_the_best(
    language: str | None, expected: str, client: FlaskClient
) -> None:
    headers = {"Accept": "application/vnd.sdmx.data+csv;version=1.0.0"}
    if language is not None:
        headers["Accept-Language"] = language
    found = client.get(DATA, headers=headers)
    assert found.status_code == 200
    assert expected in found.text
    other = {"Tous", "All of them"} - {expected}
    assert not any(text in found.text for text in other)


def test_a_choice_of_components_has_no_annotations(client: FlaskClient) -> None:
    found = client.get(f"{DATA}?attributes=none&measures=all&format=jsondata")
    assert found.status_code == 200
    assert "Checked by hand" not in found.text
