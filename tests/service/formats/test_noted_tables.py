"""Texts in languages in Parquet, Arrow and workbooks, and annotations where they have a column."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codelists.base import Annotation
from codelists.urn import parse_urn
from dsd.annotated import annotations_text
from dsd.batch import ANNOTATIONS, batch_schema, batches_from_rows, rows_of
from dsd.dataset import AttributeValues, PreparedDataset
from dsd.finding import Report
from dsd.localised import compose
from dsd.structures import Structures
from service.formats import find_data_format
from service.formats.columnar import maps_in_bulk
from service.formats.contract import DecodeOptions, EncodeOptions, Header
from service.formats.preamble import in_key_order, make_preamble

DF_L = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_L(1.0.0)"
KEY = {"REF_AREA": "LAO", "SEX": "M"}
NOTED = annotations_text([Annotation(id="A1", texts={"en": "By hand", "fr": "À la main"})])
REMARK = compose({"en": "One", "fr": 'Un; "deux"', "lo": "ໜຶ່ງ"})
Rows = list[dict[str, Any]]


def write(
    structures: Structures, name: str, rows: Rows, *above: AttributeValues, **options: Any
) -> bytes:
    dsd = structures.dsd(DF_L)
    schema = batch_schema(dsd, annotations=any(ANNOTATIONS in row for row in rows))
    batches = list(batches_from_rows(dsd, rows, schema))
    preamble = make_preamble(dsd, batches, above)
    data = PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble))
    encode = find_data_format(name).encode
    assert encode
    header = Header("T", datetime(2026, 11, 24, tzinfo=UTC))
    return b"".join(encode(header, [data], EncodeOptions(**options)))


def read(body: bytes, structures: Structures, name: str) -> tuple[Rows, Any, list[str]]:
    decode = find_data_format(name).decode
    assert decode
    report = Report()
    hint = DecodeOptions(parse_urn(DF_L))
    found = list(decode(io.BytesIO(body), structures, report, hint))
    rows = [row for dataset in found for row in rows_of(dataset.batches)]
    kept = [{id: v for id, v in row.items() if id not in ("$locator", "$action")} for row in rows]
    above = [entry for dataset in found for entry in dataset.attributes]
    return kept, above, [finding.rule for finding in report.findings]


values = st.dictionaries(
    st.sampled_from(["en", "fr", "lo", "pt-BR"]),
    st.text(
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
        | st.sampled_from(';:"\n\t_x0041_'),
        max_size=8,
    ),
    min_size=1,
    max_size=3,
).map(compose)
drawn_rows = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "REMARK": values,
            "REMARKS": st.lists(values, min_size=1, max_size=3),
            "OBS_VALUE": st.just("1"),
            ANNOTATIONS: st.just(NOTED),
        },
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=drawn_rows, title=values, name=st.sampled_from(["parquet", "arrow", "xlsx"]))
def test_any_texts_and_annotations_come_back(
    localised: Structures, drawn: Rows, title: str, name: str
) -> None:
    keeps = find_data_format(name).capabilities.annotations
    rows = [
        KEY
        | {"TIME_PERIOD": str(2000 + number)}
        | {id: value for id, value in own.items() if keeps or id != ANNOTATIONS}
        for number, own in enumerate(drawn)
    ]
    noted = {ANNOTATIONS: NOTED} if keeps else {}
    above = AttributeValues({}, {"TITLE": title} | noted)
    body = write(localised, name, rows, above)
    assert read(body, localised, name) == (rows, [above], [])


maps = st.lists(
    st.none()
    | st.dictionaries(
        st.sampled_from(["en", "fr", "lo", "pt-BR", "no tag", ""]),
        st.none() | st.sampled_from(["", "One", "Un; deux", "a\x1eb"]),
        max_size=3,
    ),
    max_size=5,
)


@settings(max_examples=200, deadline=None)
@given(drawn=maps, first=st.integers(0, 2), is_sorted=st.booleans())
def test_maps_in_bulk_are_those_one_by_one(drawn: Any, first: int, is_sorted: bool) -> None:
    entries = [
        None if texts is None else sorted(texts.items()) if is_sorted else list(texts.items())
        for texts in drawn
    ]
    column = pa.array(entries, pa.map_(pa.string(), pa.string())).slice(min(first, len(entries)))
    found = maps_in_bulk(column)
    if found is not None:
        assert found.to_pylist() == [
            None if texts is None else compose(dict(texts)) for texts in column.to_pylist()
        ]
    elif is_sorted:
        kept = drawn[min(first, len(entries)) :]
        assert any(
            texts is not None
            and (not texts or {"no tag", ""} & texts.keys() or {None, "a\x1eb"} & {*texts.values()})
            for texts in kept
        )


def test_a_stranger_understands_the_columns(localised: Structures, tmp_path: Path) -> None:
    rows = [
        KEY | {"TIME_PERIOD": "2023", "REMARK": "plain", "REMARKS": ["a", compose({"fr": "b"})]},
        KEY | {"TIME_PERIOD": "2024", "REMARK": REMARK, ANNOTATIONS: NOTED},
    ]
    file = tmp_path / "data.parquet"
    file.write_bytes(write(localised, "parquet", rows, AttributeValues({}, {"TITLE": REMARK})))
    select = "SELECT REMARK['en'], REMARK['fr'], \"$annotations\"->>'$[0].texts.fr' "
    found = duckdb.sql(f"{select} FROM '{file}' ORDER BY TIME_PERIOD").fetchall()
    assert found == [("plain", None, None), ("One", 'Un; "deux"', "À la main")]
    said = pq.read_schema(file).metadata
    assert json.loads(said[b"sdmx.attributes"]) == [
        {"key": {}, "values": {"TITLE": {"en": "One", "fr": 'Un; "deux"', "lo": "ໜຶ່ງ"}}}
    ]
    wanted = pq.read_table(io.BytesIO(write(localised, "parquet", rows, languages=("fr",))))
    assert wanted["REMARK"].to_pylist() == [[("en", "plain")], [("fr", 'Un; "deux"')]]


def test_a_workbook_shows_languages_as_csv_does(localised: Structures) -> None:
    rows = [KEY | {"TIME_PERIOD": "2024", "REMARK": REMARK, "REMARKS": ["a", compose({"fr": "b"})]}]
    sheet = openpyxl.load_workbook(io.BytesIO(write(localised, "xlsx", rows)))["DF_L"]
    headings, cells = sheet.iter_rows(values_only=True)
    shown = dict(zip(headings, cells, strict=True))
    assert headings[0] == "STRUCTURE[;]"
    assert shown["REMARK[en;fr;lo]"] == 'en:One;"fr:Un; ""deux""";lo:ໜຶ່ງ'
    assert shown["REMARKS[en;fr]"] == '"en:a";"fr:b"'


@pytest.mark.parametrize(
    ("column", "expected", "rules"),
    [
        (pa.array(["plain"]), "plain", []),
        (pa.array([[("fr", "Un")]], pa.map_(pa.string(), pa.string())), compose({"fr": "Un"}), []),
        (
            pa.array([[("no tag", "Un")]], pa.map_(pa.string(), pa.string())),
            None,
            ["unstated-language"],
        ),
        (pa.array([[("fr", 5)]], pa.map_(pa.string(), pa.int64())), None, ["unstated-language"]),
        (pa.array([[]], pa.map_(pa.string(), pa.string())), None, ["unstated-language"]),
        (pa.array(["a\x1eb"]), None, ["unstated-language"]),
        (pa.array([5]), "5", []),
        (pa.array([["Un"]]), "Un", []),
    ],
)
def test_columns_of_others(
    localised: Structures, column: pa.Array, expected: str | None, rules: list[str]
) -> None:
    columns = {id: pa.array([text]) for id, text in (KEY | {"TIME_PERIOD": "2024"}).items()}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns | {"OBS_VALUE": ["1"], "REMARK": column}), sink)
    (row,), _, found = read(sink.getvalue(), localised, "parquet")
    assert row.get("REMARK") == expected
    assert found == rules


def test_annotations_that_are_none_are_findings(localised: Structures) -> None:
    columns: dict[str, Any] = {id: [text] for id, text in (KEY | {"TIME_PERIOD": "2024"}).items()}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns | {"OBS_VALUE": ["1"], ANNOTATIONS: ["By hand"]}), sink)
    (row,), _, found = read(sink.getvalue(), localised, "parquet")
    assert ANNOTATIONS not in row
    assert found == ["annotations-not-kept"]
    above = json.dumps([{"key": {}, "values": {"TITLE": {"": "x"}}}])
    table = pa.table(columns).replace_schema_metadata({"sdmx.attributes": above})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    assert read(sink.getvalue(), localised, "parquet")[1:] == ([], ["wrong-metadata"])
