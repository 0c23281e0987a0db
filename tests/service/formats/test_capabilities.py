"""What the table of capabilities says of each format, proved by trying."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from codelists.base import Annotation
from dsd.annotated import annotations_text
from dsd.batch import ANNOTATIONS, Batch, batch_schema, batches_from_rows, rows_of
from dsd.dataset import NOTHING_SAID, Action, AttributeValues, PreparedDataset, SetAttributes
from dsd.finding import Report
from dsd.localised import compose
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats import DATA_FORMATS
from service.formats.contract import (
    NO_OPTIONS,
    DataFormat,
    EncodeOptions,
    Header,
    NotExpressibleError,
)
from service.formats.grouping import UnorderedRowsError
from service.formats.preamble import in_key_order, make_preamble

HEADER = Header("T", datetime(2026, 1, 1, tzinfo=UTC))
BOTH_WAYS = [entry for entry in DATA_FORMATS if entry.encode and entry.decode]
SAID = {
    "set_id": "S1",
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_to": "2026-06-01T00:00:00Z",
    "reporting_begin": "2024-01-01",
    "reporting_end": "2024-12-31",
    "publication_year": "2025",
    "publication_period": "2025-Q1",
}
KEY = {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_F", "TIME_PERIOD": "2024"}
WHOLE = KEY | {"OBS_VALUE": "1.0", "OBS_STATUS": "A"}

every_format = pytest.mark.parametrize("entry", BOTH_WAYS, ids=lambda entry: entry.name)

Came = list[tuple[Any, list[dict[str, Any]]]]
Try = Callable[..., Came | None]


@pytest.fixture
def attempt(test_structures: Structures) -> Try:
    """Write data sets and read them again: each with its rows; None where the format refuses them."""

    def call(
        entry: DataFormat,
        *parts: tuple[Dsd, list[dict[str, Any]], Action, SetAttributes],
        structures: Structures = test_structures,
        **options: Any,
    ) -> Came | None:
        assert entry.encode
        assert entry.decode
        datasets = []
        for dsd, rows, action, said in parts:
            schema = batch_schema(dsd, actions=any("$action" in row for row in rows))
            batches: list[Batch] = list(batches_from_rows(dsd, rows, schema))
            preamble = make_preamble(dsd, batches)
            ordered = in_key_order(dsd, batches, preamble)
            datasets.append(PreparedDataset(dsd, preamble, ordered, action, said))
        try:
            body = b"".join(entry.encode(HEADER, datasets, EncodeOptions(**options)))
        except NotExpressibleError:
            return None
        report = Report()
        found = [
            (dataset, [_plain(row) for row in rows_of(dataset.batches)])
            for dataset in entry.decode(io.BytesIO(body), structures, report, NO_OPTIONS)
        ]
        assert report.is_accepted
        return found

    return call


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {id: value for id, value in row.items() if id != "$locator"}


@every_format
def test_several_values(entry: DataFormat, attempt: Try, dsd: Dsd) -> None:
    row = WHOLE | {"METHOD": ["M1", "M2"]}
    came = attempt(entry, (dsd, [row], Action.REPLACE, NOTHING_SAID))
    assert (came is not None and came[0][1] == [row]) is entry.capabilities.multiple_values


@every_format
def test_an_action_a_row(entry: DataFormat, attempt: Try, dsd: Dsd) -> None:
    rows = [
        WHOLE | {"$action": "Replace"},
        WHOLE | {"TIME_PERIOD": "2025", "$action": "Delete"},
    ]
    came = attempt(entry, (dsd, rows, Action.REPLACE, NOTHING_SAID))
    kept = came is not None and [row for _, found in came for row in found] == rows
    assert kept is entry.capabilities.row_actions


@every_format
def test_any_dimension_at_the_observation(entry: DataFormat, attempt: Try, dsd: Dsd) -> None:
    part = (dsd, [WHOLE], Action.REPLACE, NOTHING_SAID)
    came = attempt(entry, part, dimension_at_observation="SEX")
    assert (came is not None and came[0][1] == [WHOLE]) is entry.capabilities.cross_section


@every_format
def test_several_data_sets(entry: DataFormat, attempt: Try, dsd: Dsd) -> None:
    parts = [
        (dsd, [WHOLE | {"TIME_PERIOD": year}], Action.REPLACE, NOTHING_SAID)
        for year in ("2024", "2023")
    ]
    came = attempt(entry, *parts)
    kept = came is not None and [row["TIME_PERIOD"] for _, rows in came for row in rows] == [
        "2024",
        "2023",
    ]
    assert kept is entry.capabilities.several_datasets


@every_format
@pytest.mark.parametrize("action", Action)
def test_actions(entry: DataFormat, action: Action, attempt: Try, dsd: Dsd) -> None:
    came = attempt(entry, (dsd, [WHOLE], action, NOTHING_SAID))
    if action in entry.capabilities.refused_actions:
        assert came is None
    else:
        assert came is not None
        assert came[0][0].action == entry.capabilities.came_back.get(action, action)


def first(dsd: Dsd, id: str) -> str:
    """Return the first code of a component, or a number."""
    return next(iter(dsd[id].codes), "1")


@every_format
def test_several_measures(entry: DataFormat, attempt: Try, several_measures: Structures) -> None:
    dsd = several_measures.dsd("urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_M(1.0.0)")
    row: dict[str, Any] = {
        id: "2024" if id == "TIME_PERIOD" else first(dsd, id) for id in dsd.key_ids
    }
    row |= {c.id: [first(dsd, c.id)] if c.is_multiple else first(dsd, c.id) for c in dsd.measures}
    assert len(dsd.measures) > 1
    came = attempt(entry, (dsd, [row], Action.REPLACE, NOTHING_SAID), structures=several_measures)
    kept = came is not None and came[0][1] == [row]
    assert kept is entry.capabilities.several_measures


@every_format
def test_rows_in_any_order(entry: DataFormat, dsd: Dsd) -> None:
    """Rows of two series in turns."""
    assert entry.encode
    rows = [
        WHOLE | {"SEX": sex, "TIME_PERIOD": y}
        for y in ("2024", "2023")
        for sex in ("SEX_M", "SEX_F")
    ]
    batches = list(batches_from_rows(dsd, rows, batch_schema(dsd)))
    dataset = PreparedDataset(dsd, make_preamble(dsd, batches), batches)
    try:
        body = b"".join(entry.encode(HEADER, [dataset], EncodeOptions()))
    except UnorderedRowsError:
        assert not entry.capabilities.free_rows
    else:
        assert entry.capabilities.free_rows
        assert body


@every_format
def test_empty_texts(entry: DataFormat, attempt: Try, dsd: Dsd) -> None:
    rows = [WHOLE | {"NOTE": ""}, WHOLE | {"TIME_PERIOD": "2025"}]
    came = attempt(entry, (dsd, rows, Action.REPLACE, NOTHING_SAID))
    assert (came is not None and came[0][1] == rows) is entry.capabilities.empty_texts


@every_format
def test_what_is_said_of_a_data_set(entry: DataFormat, attempt: Try, dsd: Dsd) -> None:
    assert set(SAID) == {field.name for field in fields(SetAttributes)}
    kept = set()
    for name, text in SAID.items():
        # A period of publication belongs to a year.
        given = {name: text} | (
            {"publication_year": "2025"} if name == "publication_period" else {}
        )
        came = attempt(entry, (dsd, [WHOLE], Action.REPLACE, SetAttributes(**given)))
        if came is not None and getattr(came[0][0].said, name) == text:
            kept.add(name)
    assert kept == entry.capabilities.said


DF_L = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_L(1.0.0)"
IN_LAO = compose({"en": "All", "lo": "ທັງໝົດ", "fr": 'Tout; "tout" <&>'})
LOCALISED_ROWS: list[dict[str, Any]] = [
    {"REF_AREA": "LAO", "SEX": "M", "TIME_PERIOD": "2023", "OBS_VALUE": "1", "REMARK": "plain"},
    {
        "REF_AREA": "LAO",
        "SEX": "M",
        "TIME_PERIOD": "2024",
        "OBS_VALUE": "1",
        "REMARK": IN_LAO,
        "REMARKS": [compose({"fr": "un"}), "two", IN_LAO],
    },
]
LOCALISED_ABOVE = [
    AttributeValues({}, {"TITLE": IN_LAO}),
    AttributeValues({"REF_AREA": "LAO"}, {"AREA_NOTE": compose({"fr": "Laos"})}),
    AttributeValues({"REF_AREA": "LAO", "SEX": "M"}, {"SERIES_NOTE": IN_LAO}),
]
NOTED = annotations_text(
    [
        Annotation(
            id="A1", type="NOTE", title="Checked", texts={"en": "By hand", "fr": "À la main"}
        ),
        Annotation(type="FLAG", texts={"en": "Yes <&>"}),
    ]
)
NOTED_TOO = annotations_text([Annotation(id="A2", title="Other")])


def written_and_read(
    entry: DataFormat,
    structures: Structures,
    rows: list[dict[str, Any]],
    above: list[AttributeValues],
) -> tuple[list[dict[str, Any]], dict[frozenset[tuple[str, str]], dict[str, Any]]] | None:
    """Return the rows and the values above them as they come back; None where the format refuses them."""
    assert entry.encode
    assert entry.decode
    dsd = structures.dsd(DF_L)
    schema = batch_schema(dsd, annotations=any("$annotations" in row for row in rows))
    batches = list(batches_from_rows(dsd, rows, schema))
    preamble = make_preamble(dsd, batches, above)
    try:
        dataset = PreparedDataset(dsd, preamble, batches)
        body = b"".join(entry.encode(HEADER, [dataset], EncodeOptions()))
    except NotExpressibleError:
        return None
    report = Report()
    found: list[dict[str, Any]] = []
    values: dict[frozenset[tuple[str, str]], dict[str, Any]] = {}
    for dataset_read in entry.decode(io.BytesIO(body), structures, report, NO_OPTIONS):
        found += [_plain(row) for row in rows_of(dataset_read.batches)]
        for part in dataset_read.attributes:
            values.setdefault(frozenset(part.key.items()), {}).update(part.values)
    assert not report.findings
    return found, values


def by_key(entries: list[AttributeValues]) -> dict[frozenset[tuple[str, str]], dict[str, Any]]:
    return {frozenset(entry.key.items()): dict(entry.values) for entry in entries}


@every_format
def test_texts_in_languages(entry: DataFormat, localised: Structures) -> None:
    came = written_and_read(entry, localised, LOCALISED_ROWS, LOCALISED_ABOVE)
    expected = (LOCALISED_ROWS, by_key(LOCALISED_ABOVE))
    assert (came == expected) is entry.capabilities.languages
    assert came is None or entry.capabilities.languages


@every_format
def test_annotations(entry: DataFormat, localised: Structures) -> None:
    rows = [LOCALISED_ROWS[0] | {"$annotations": NOTED}, *LOCALISED_ROWS[1:]]
    rows = [
        {id: value for id, value in row.items() if id not in ("REMARK", "REMARKS")} for row in rows
    ]
    above = [
        AttributeValues({}, {ANNOTATIONS: NOTED_TOO}),
        # Generic data of SDMX-ML 2.1 have no group without a value.
        AttributeValues({"REF_AREA": "LAO"}, {"AREA_NOTE": "x", ANNOTATIONS: NOTED}),
        AttributeValues({"REF_AREA": "LAO", "SEX": "M"}, {ANNOTATIONS: NOTED_TOO}),
    ]
    came = written_and_read(entry, localised, rows, above)
    assert (came == (rows, by_key(above))) is entry.capabilities.annotations
    assert came is None or entry.capabilities.annotations
