"""What is got in any format and loaded again is got again as it was (check-list, point 40)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from codelists.base import Annotation
from dsd.annotated import annotations_text
from dsd.batch import ANNOTATIONS, batch_schema, batches_from_rows
from dsd.dataset import AttributeValues, Dataset
from dsd.finding import Report
from dsd.localised import compose
from dsd.structures import Structures
from service.app import create_app
from service.config import Settings
from service.formats import DATA_FORMATS
from service.formats.contract import DataFormat, DecodeOptions
from service.store import open_store
from service.store.protocol import SubmissionRecord
from tests.service.rest.sample_data import (
    DF_E,
    DF_T,
    V2,
    V2_E,
    measured_dataset,
    sample_dataset,
    sample_structures,
)

DF_L = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_L(1.0.0)"
DATA_L = "/sdmx/v2/data/dataflow/TST/DF_L/1.0.0"
BOTH_WAYS = [entry for entry in DATA_FORMATS if entry.encode and entry.decode]
INSTANT = datetime(2026, 1, 1, tzinfo=UTC)

ClientOf = Callable[[Flask], FlaskClient]


@contextmanager
def service(
    folder: Path, structures: Structures, datasets: list[Dataset], client_of: ClientOf
) -> Iterator[FlaskClient]:
    settings = Settings(
        store_folder=folder / "store", temporary_folder=folder / "temporary", clock=lambda: INSTANT
    )
    store = open_store(settings)
    store.write(datasets, SubmissionRecord("all"))
    yield client_of(create_app(settings, structures, store))
    store.close()


def content_type(entry: DataFormat) -> str:
    return f"{entry.media_type};version={entry.version}" if entry.version else entry.media_type


def got(client: FlaskClient, url: str, entry: DataFormat) -> bytes:
    response = client.get(url, headers={"Accept": content_type(entry), "Accept-Language": "*"})
    assert response.status_code == 200, response.text
    return bytes(response.data)


def again(
    body: bytes, entry: DataFormat, structures: Structures, flow: str
) -> tuple[list[Dataset], Report]:
    """Return what a message holds; rows are read before values above them are whole."""
    assert entry.decode
    report = Report()
    options = DecodeOptions(structures.dsd(flow))
    found = []
    for dataset in entry.decode(io.BytesIO(body), structures, report, options):
        batches = list(dataset.batches)
        found.append(Dataset(dataset.dsd, batches, dataset.action, tuple(dataset.attributes)))
    return found, report


def complete(client: FlaskClient, url: str) -> list[bytes]:
    """Return all that a service knows, in the formats that leave nothing out."""
    whole = [entry for entry in BOTH_WAYS if entry.name in ("csv", "json", "ml31")]
    assert len(whole) == 3
    return [got(client, url, entry) for entry in whole]


@pytest.fixture(scope="module")
def noted(examples: Path) -> tuple[Structures, Dataset]:
    """Data with annotations and texts in languages at every level."""
    structures = sample_structures(examples, "localised")
    dsd = structures.dsd(DF_L)
    checked = annotations_text(
        [Annotation(id="CHECKED", title="By hand", texts={"en": "All", "fr": "Tout"})]
    )
    rows: list[dict[str, Any]] = [
        {"REF_AREA": "LAO", "SEX": "M", "TIME_PERIOD": "2023", "OBS_VALUE": "1"},
        {
            "REF_AREA": "LAO",
            "SEX": "M",
            "TIME_PERIOD": "2024",
            "OBS_VALUE": "NaN",
            "REMARK": compose({"en": "All", "fr": "Tous"}),
            ANNOTATIONS: checked,
        },
    ]
    above = [
        AttributeValues(
            {}, {"TITLE": compose({"en": "Title", "fr": "Titre"}), ANNOTATIONS: checked}
        ),
        AttributeValues({"REF_AREA": "LAO", "SEX": "M"}, {ANNOTATIONS: checked}),
    ]
    batches = list(batches_from_rows(dsd, rows, batch_schema(dsd, annotations=True)))
    return structures, Dataset(dsd, batches, attributes=above)


def check(
    entry: DataFormat,
    structures: Structures,
    dataset: Dataset,
    url: str,
    folder: Path,
    client_of: ClientOf,
) -> None:
    """Assert that a second service with what the first one tells in a format tells all that the first knows."""
    with service(folder / "one", structures, [dataset], client_of) as client:
        expected = complete(client, url)
        flow = str(dataset.dsd.urn)
        datasets, report = again(got(client, url, entry), entry, structures, flow)
    assert [finding.message for finding in report.findings] == []
    with service(folder / "two", structures, datasets, client_of) as client:
        assert complete(client, url) == expected


@pytest.mark.parametrize("entry", BOTH_WAYS, ids=lambda entry: entry.name)
def test_40_observations_and_attributes_come_back(
    entry: DataFormat, examples: Path, tmp_path: Path, client_of: ClientOf
) -> None:
    structures = sample_structures(examples)
    check(entry, structures, sample_dataset(structures.dsd(DF_T)), V2, tmp_path, client_of)


@pytest.mark.parametrize(
    "entry",
    [e for e in BOTH_WAYS if e.capabilities.annotations and e.capabilities.languages],
    ids=lambda entry: entry.name,
)
def test_40_annotations_and_texts_in_languages_come_back(
    entry: DataFormat, noted: tuple[Structures, Dataset], tmp_path: Path, client_of: ClientOf
) -> None:
    check(entry, *noted, DATA_L, tmp_path, client_of)


@pytest.mark.parametrize(
    "entry",
    [e for e in BOTH_WAYS if e.capabilities.several_measures and e.capabilities.multiple_values],
    ids=lambda entry: entry.name,
)
def test_40_several_measures_and_values_of_any_level_come_back(
    entry: DataFormat, examples: Path, tmp_path: Path, client_of: ClientOf
) -> None:
    structures = sample_structures(examples, "several_measures")
    check(entry, structures, measured_dataset(structures.dsd(DF_E)), V2_E, tmp_path, client_of)
