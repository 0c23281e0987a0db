"""What a format can hold of texts in languages and annotations: nothing is left out without a word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from codelists.base import Annotation
from dsd.annotated import annotations_text
from dsd.batch import ANNOTATIONS, batch_schema, batches_from_rows, rows_of
from dsd.dataset import AttributeValues, PreparedDataset
from dsd.localised import compose
from dsd.structures import Structures
from service.formats import find_data_format
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.fitting import LeftOut, fitted
from service.formats.preamble import make_preamble

DF_L = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_L(1.0.0)"
BOTH = compose({"en": "All", "fr": "Tout"})
NOTED = annotations_text([Annotation(id="A")])
KEY = {"REF_AREA": "LAO", "SEX": "M", "TIME_PERIOD": "2024", "OBS_VALUE": "1"}
PLAIN = find_data_format("csv10")


def data(
    structures: Structures, row: dict[str, Any], *above: AttributeValues, annotations: bool = False
) -> PreparedDataset:
    dsd = structures.dsd(DF_L)
    batches = list(batches_from_rows(dsd, [KEY | row], batch_schema(dsd, annotations=annotations)))
    return PreparedDataset(dsd, make_preamble(dsd, batches, above), batches)


def encoded(dataset: PreparedDataset) -> bytes:
    assert PLAIN.encode
    header = Header("T", datetime(2026, 1, 1, tzinfo=UTC))
    return b"".join(PLAIN.encode(header, [dataset], EncodeOptions()))


@pytest.mark.parametrize(
    ("row", "above"),
    [
        ({"REMARK": BOTH}, ()),
        ({"REMARKS": ["a", BOTH]}, ()),
        ({}, (AttributeValues({}, {"TITLE": BOTH}),)),
        ({ANNOTATIONS: NOTED}, ()),
        ({}, (AttributeValues({"REF_AREA": "LAO"}, {ANNOTATIONS: NOTED}),)),
    ],
)
def test_an_encoder_refuses_what_its_format_cannot_hold(
    row: dict[str, Any], above: tuple[AttributeValues, ...], localised: Structures
) -> None:
    dataset = data(localised, row, *above, annotations=ANNOTATIONS in row)
    with pytest.raises(NotExpressibleError, match=r"one language|no place for annotations"):
        encoded(dataset)
    fitting = fitted(dataset, PLAIN.capabilities, ())
    assert encoded(fitting)


@pytest.mark.parametrize(("languages", "expected"), [((), "All"), (("fr", "en"), "Tout")])
def test_the_best_language_stays(
    languages: tuple[str, ...], expected: str, localised: Structures
) -> None:
    above = AttributeValues({}, {"TITLE": BOTH, ANNOTATIONS: NOTED})
    row = {"REMARK": BOTH, "REMARKS": ["plain", BOTH], ANNOTATIONS: NOTED}
    told = LeftOut()
    dataset = data(localised, row, above, annotations=True)
    found = fitted(dataset, PLAIN.capabilities, languages, told)
    assert list(rows_of(found.batches)) == [
        KEY | {"REMARK": expected, "REMARKS": ["plain", expected]}
    ]
    assert found.preamble.attributes == (AttributeValues({}, {"TITLE": expected}),)
    assert told.texts == {"TITLE": 1, "REMARK": 1, "REMARKS": 1}
    assert told.annotated == 2
    rules = [finding.rule for finding in told.findings(PLAIN.name)]
    assert rules == ["languages-left-out"] * 3 + ["annotations-left-out"]


def test_what_fits_stays_as_it_is(localised: Structures) -> None:
    dataset = data(localised, {"REMARK": BOTH})
    able = replace(PLAIN.capabilities, languages=True, annotations=True)
    assert fitted(dataset, able, ()) is dataset
    told = LeftOut()
    plain = fitted(data(localised, {"REMARK": "plain"}), PLAIN.capabilities, (), told)
    assert list(rows_of(plain.batches)) == [KEY | {"REMARK": "plain"}]
    assert told.findings(PLAIN.name) == []
