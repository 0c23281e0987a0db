"""JSON-stat 2.0: what others see, and what others write."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from dsd.batch import Batch, batches_from_rows, rows_of
from dsd.dataset import AttributeValues, PreparedDataset
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats.contract import DecodeOptions, EncodeOptions, Header, NotExpressibleError
from service.formats.json_stat import encode_json_stat
from service.formats.json_stat_reader import decode_json_stat
from service.formats.preamble import in_key_order, make_preamble


def write(header: Header, dsd: Dsd, batches: list[Batch], above: Any = (), **options: Any) -> Any:
    preamble = make_preamble(dsd, batches, above)
    dataset = PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble))
    return json.loads(b"".join(encode_json_stat(header, [dataset], EncodeOptions(**options))))


def read(
    message: Any, structures: Structures, options: DecodeOptions | None = None
) -> tuple[list[dict[str, Any]], Report]:
    report = Report()
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    found = decode_json_stat(io.BytesIO(body), structures, report, options or DecodeOptions())
    return [row for dataset in found for row in rows_of(dataset.batches)], report


def test_a_cell_is_found_by_the_arithmetic_of_the_standard(
    header: Header, dsd: Dsd, rows: list[dict[str, Any]], batches: list[Batch]
) -> None:
    message = write(header, dsd, batches)
    assert (message["version"], message["class"]) == ("2.0", "dataset")
    for row in rows:
        place = 0
        for id, size in zip(message["id"], message["size"], strict=True):
            index = message["dimension"][id]["category"]["index"]
            assert len(index) == size
            place = place * size + index.index(row[id])
        value = message["value"][str(place)]
        texts = message["extension"]["sdmx"].get("texts", {})
        reported = row.get("OBS_VALUE")
        assert (
            texts.get(str(place), reported if value is None else str(value)) is not None
            or reported is None
        )
        if value is not None:
            assert float(reported or "nan") == value
        assert message["status"].get(str(place)) == row.get("OBS_STATUS")


def test_labels_come_in_the_language_asked_for(
    header: Header, dsd: Dsd, batches: list[Batch]
) -> None:
    message = write(header, dsd, batches, languages=("fr",))
    assert message["label"] == "Flux d'essai"
    assert message["dimension"]["REF_AREA"]["label"] == "Reference area (fr)"
    assert set(message["dimension"]["FREQ"]["category"]["label"]) == {"A"}


EUROSTAT: dict[str, Any] = {
    "version": "2.0",
    "class": "dataset",
    "label": "In the manner of Eurostat",
    "source": "ESTAT",
    "id": ["freq", "sex", "ref_area", "time_period"],
    "size": [1, 1, 2, 2],
    "dimension": {
        "freq": {"category": {"index": {"A": 0}, "label": {"A": "Annual"}}},
        "sex": {"category": {"label": {"SEX_T": "Total"}}},
        "ref_area": {"category": {"index": {"LAO": 1, "IDN": 0}}},
        "time_period": {"category": {"index": ["2023", "2024"]}},
    },
    "value": [1.50, None, 3, 4.0],
    "status": {"1": "E", "3": "P"},
}


def test_a_dataset_of_others_is_read_by_the_structure_that_the_caller_names(
    dsd: Dsd, test_structures: Structures
) -> None:
    body = json.dumps(EUROSTAT).replace("1.5,", "1.50,").encode()
    rows, report = read(body, test_structures, DecodeOptions(dsd.urn))
    found = [
        (r["REF_AREA"], r["TIME_PERIOD"], r.get("OBS_VALUE"), r.get("OBS_STATUS")) for r in rows
    ]
    assert found == [
        ("IDN", "2023", "1.50", None),
        ("IDN", "2024", None, "E"),
        ("LAO", "2023", "3", None),
        ("LAO", "2024", "4.0", "P"),
    ]
    assert {row["SEX"] for row in rows} == {"SEX_T"}
    assert report.findings == []


def test_a_collection_holds_several(dsd: Dsd, test_structures: Structures) -> None:
    collection = {"version": "2.0", "class": "collection", "link": {"item": [EUROSTAT, EUROSTAT]}}
    rows, report = read(collection, test_structures, DecodeOptions(dsd.urn))
    assert len(rows) == 8
    assert rows[-1]["$locator"] == "pointer:/link/item/1/value/3"
    assert report.findings == []


@pytest.mark.parametrize(
    ("change", "rule", "pointer"),
    [
        ({"value": [1, 2, 3, 4, 5]}, "not-json-stat", "pointer:/value"),
        ({"value": {"4": 1}}, "not-json-stat", "pointer:/value/4"),
        ({"value": {"0": [1]}}, "not-json-stat", "pointer:/value"),
        ({"size": [1, 1, 2, 3]}, "not-json-stat", "pointer:/dimension/time_period"),
        ({"size": [1, 1, 2]}, "not-json-stat", "pointer:/size"),
        ({"size": [1, 1, 2, 2**62]}, "not-json-stat", "pointer:/size"),
        ({"dimension": {}}, "not-json-stat", "pointer:/dimension/freq"),
        ({"id": ["freq", "sex", "ref_area", "when"]}, "not-json-stat", "pointer:/dimension/when"),
        ({"extension": {"sdmx": {"structure": "nonsense"}}}, "unknown-structure", "pointer:/"),
        ({"extension": {"sdmx": {"action": "Upsert"}}}, "not-json-stat", "pointer:/extension/sdmx"),
    ],
)
def test_what_is_wrong_is_said_with_its_pointer(
    change: dict[str, Any], rule: str, pointer: str, dsd: Dsd, test_structures: Structures
) -> None:
    rows, report = read(EUROSTAT | change, test_structures, DecodeOptions(dsd.urn))
    assert rows == []
    assert [(finding.rule, finding.locator) for finding in report.findings] == [(rule, pointer)]


def test_another_dimension_with_several_codes_cannot_be_left_out(
    dsd: Dsd, test_structures: Structures
) -> None:
    other = {"category": {"index": ["x", "y"]}}
    change = {
        "id": ["age", *EUROSTAT["id"]],
        "size": [2, *EUROSTAT["size"]],
        "dimension": EUROSTAT["dimension"] | {"age": other},
    }
    _, report = read(EUROSTAT | change, test_structures, DecodeOptions(dsd.urn))
    assert [finding.rule for finding in report.findings] == ["not-json-stat"]


def test_several_measures_are_refused_before_the_first_byte(
    header: Header, dsd: Dsd, batches: list[Batch]
) -> None:
    from dataclasses import replace

    two = replace(dsd["OBS_VALUE"], id="OBS_VALUE_2")
    wider = replace(dsd, components=(*dsd.components, two))
    dataset = PreparedDataset(wider, make_preamble(dsd, batches), batches)
    with pytest.raises(NotExpressibleError, match="OBS_VALUE_2"):
        encode_json_stat(header, [dataset], EncodeOptions())


def test_values_above_the_observation_and_odd_numbers_come_back(
    header: Header,
    dsd: Dsd,
    above: tuple[AttributeValues, ...],
    test_structures: Structures,
) -> None:
    key = {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_T"}
    texts = ["-0", "007", "1E+5", "NaN", "12.0", "99999999999999999999", "0.1000", ""]
    made = [key | {"TIME_PERIOD": str(2000 + n), "OBS_VALUE": text} for n, text in enumerate(texts)]
    message = write(header, dsd, list(batches_from_rows(dsd, made)), above)
    assert message["extension"]["sdmx"]["above"][0]["values"] == dict(above[0].values)
    body = b"".join(
        encode_json_stat(
            header,
            [
                PreparedDataset(
                    dsd,
                    make_preamble(dsd, list(batches_from_rows(dsd, made)), above),
                    list(batches_from_rows(dsd, made)),
                )
            ],
            EncodeOptions(),
        )
    )
    rows, report = read(body, test_structures)
    assert [row["OBS_VALUE"] for row in rows] == texts
    assert report.findings == []
