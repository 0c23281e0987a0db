"""SDMX-JSON read in bulk and member by member: the same rows, the same findings, whatever the message."""

from __future__ import annotations

import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codelists.urn import Urn
from dsd.batch import Batch, batches_from_rows, rows_of
from dsd.dataset import Action, AttributeValues, PreparedDataset
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats import sdmx_json_rows
from service.formats.contract import DecodeOptions, EncodeOptions, Header
from service.formats.json_text import escaped, loads, repeated
from service.formats.json_window import cut, whole_numbers, windows
from service.formats.preamble import in_key_order, make_preamble
from service.formats.sdmx_json import encode_json
from service.formats.sdmx_json_reader import decode_json

FLOW = Urn("Dataflow", "TST", "DF_T", "1.0.0")


def read(body: bytes, structures: Structures, hint: Urn | None = None) -> tuple[Any, ...]:
    report = Report()
    found = list(decode_json(io.BytesIO(body), structures, report, DecodeOptions(hint)))
    rows = [row for d in found for row in rows_of(d.batches)]
    above = [(d.action, e.key, e.values) for d in found for e in d.attributes]
    findings = [(f.rule, f.severity, f.component, f.locator, f.value) for f in report.findings]
    return rows, above, findings


def read_slowly(body: bytes, structures: Structures, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(sdmx_json_rows, "find_observations", lambda *_, **__: None)
        return read(body, structures)


def message(dsd: Dsd, rows: list[dict[str, Any]], above: Any = (), **options: Any) -> bytes:
    from datetime import UTC, datetime

    batches = list(batches_from_rows(dsd, rows))
    preamble = make_preamble(dsd, batches, above)
    data = PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble))
    header = Header("T", datetime(2026, 1, 1, tzinfo=UTC))
    return b"".join(encode_json(header, [data], EncodeOptions(**options)))


texts = st.text(st.sampled_from('ab ,:[]{}"\\\n\t\u00e9\U0001f600nul1'), max_size=8)
numbers = st.sampled_from(["1", "-0", "1.50", "1e400", "NaN", "0.1", "9" * 30, "null", "true", ""])
keys = st.tuples(
    st.sampled_from(["A", "Q"]),
    st.sampled_from(["IDN", "LAO"]),
    st.sampled_from(["SEX_T", "SEX_M"]),
    st.sampled_from(["2019", "2020", "2021-Q3"]),
)
observed = st.fixed_dictionaries(
    {},
    optional={
        "OBS_VALUE": numbers,
        "OBS_STATUS": st.sampled_from(["A", "E"]),
        "NOTE": texts,
        "METHOD": st.lists(st.sampled_from(["M1", "M2"]), max_size=2),
        "AGE_MIN": st.integers(0, 99).map(str),
    },
)
datasets = st.dictionaries(keys, observed, min_size=1, max_size=10)
styles = st.sampled_from([None, 0, 2])
layouts = st.sampled_from(["TIME_PERIOD", "AllDimensions", "SEX"])
quiet = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def rows_from(drawn: dict[Any, Any]) -> list[dict[str, Any]]:
    names = ("FREQ", "REF_AREA", "SEX", "TIME_PERIOD")
    return [dict(zip(names, key, strict=True)) | values for key, values in drawn.items()]


def restyled(body: bytes, indent: int | None) -> bytes:
    """The same message with other white space, texts escaped or not."""
    if indent is None:
        return body
    return json.dumps(json.loads(body, parse_float=str), indent=indent).encode()


@quiet
@given(
    drawn=datasets, style=styles, layout=layouts, packed=st.booleans(), size=st.integers(16, 4000)
)
def test_bulk_is_the_same_as_member_by_member(
    dsd: Dsd,
    test_structures: Structures,
    monkeypatch: pytest.MonkeyPatch,
    drawn: dict[Any, Any],
    style: int | None,
    layout: str,
    packed: bool,
    size: int,
) -> None:
    above = [AttributeValues({"REF_AREA": "IDN"}, {"COVERAGE": "whole"})]
    body = message(
        dsd, rows_from(drawn), above, dimension_at_observation=layout, pack_single_values=packed
    )
    body = restyled(body, style)
    expected = read_slowly(body, test_structures, monkeypatch)
    assert read(body, test_structures) == expected
    with monkeypatch.context() as patch:
        patch.setattr(sdmx_json_rows, "windows", partial(windows, size=size))
        assert read(body, test_structures) == expected


@quiet
@given(drawn=datasets, layout=layouts, data=st.data())
def test_damage_is_found_in_the_same_way(
    dsd: Dsd,
    test_structures: Structures,
    monkeypatch: pytest.MonkeyPatch,
    drawn: dict[Any, Any],
    layout: str,
    data: st.DataObject,
) -> None:
    body = message(dsd, rows_from(drawn), dimension_at_observation=layout)
    start = body.index(b'"dataSets":[{"structure"')
    pieces = [
        b"0",
        b"9",
        b'"0":[1],',
        b"null",
        b"[",
        b"]",
        b"{}",
        b'"x"',
        b",",
        b":",
        b"1:",
        b"-",
        b".",
    ]
    position = data.draw(st.integers(start, len(body) - 1))
    removed = data.draw(st.integers(0, 6))
    piece = data.draw(st.sampled_from([b"", *pieces]))
    body = body[:position] + piece + body[position + removed :]
    assert read(body, test_structures) == read_slowly(body, test_structures, monkeypatch)


def test_most_messages_are_read_in_bulk(
    dsd: Dsd, test_structures: Structures, monkeypatch: pytest.MonkeyPatch, rows: Any
) -> None:
    """What the encoder writes never needs the slow way."""

    def never(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(sdmx_json_rows.DataSetReader, "one_by_one", never)
    for layout in ("TIME_PERIOD", "AllDimensions", "SEX"):
        for packed in (False, True):
            body = message(dsd, rows, dimension_at_observation=layout, pack_single_values=packed)
            assert len(read(body, test_structures)[0]) == len(rows)


@pytest.mark.parametrize("layout", ["TIME_PERIOD", "AllDimensions"])
def test_a_member_written_twice_is_a_finding(
    dsd: Dsd, test_structures: Structures, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    rows = [
        {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_T", "TIME_PERIOD": year, "OBS_VALUE": year}
        for year in ("2020", "2021")
    ]
    body = message(dsd, rows, dimension_at_observation=layout)
    key = b'"1"' if layout == "TIME_PERIOD" else b'"0:0:0:1"'
    twice = body.replace(key + b":[", key.replace(b"1", b"0") + b":[")
    found, _, findings = read(twice, test_structures)
    assert [row["OBS_VALUE"] for row in found] == ["2020", "2021"]
    assert [finding[0] for finding in findings] == ["duplicate-member"]
    assert read_slowly(twice, test_structures, monkeypatch) == (found, _, findings)
    with monkeypatch.context() as patch:
        patch.setattr(sdmx_json_rows, "windows", partial(windows, size=16))
        assert [finding[0] for finding in read(twice, test_structures)[2]] == ["duplicate-member"]


def test_a_member_written_twice_outside_the_rows_is_found(
    dsd: Dsd, test_structures: Structures, rows: Any
) -> None:
    body = message(dsd, rows).replace(
        b'"action":"Replace"', b'"action":"Delete","action":"Replace"'
    )
    (finding,) = read(body, test_structures)[2]
    assert finding[0] == "duplicate-member"
    assert finding[3] == "pointer:/data/dataSets/0"
    whole = body.replace(b'"series":{', b'"series":{"0:0:0":{"observations":{}}},"series":{', 1)
    assert "series" in {f[4] for f in read(whole, test_structures)[2]}


@given(
    st.recursive(
        st.integers() | st.none(),
        lambda inner: st.lists(st.tuples(st.sampled_from("a/~"), inner)),
        max_leaves=6,
    )
)
def test_repeated_members_are_found_wherever_they_are(value: Any) -> None:
    def text(value: Any) -> str:
        if isinstance(value, list):
            return "{" + ",".join(f"{json.dumps(k)}:{text(v)}" for k, v in value) + "}"
        return json.dumps(value)

    def expected(value: Any, pointer: str) -> set[tuple[str, str]]:
        if not isinstance(value, list):
            return set()
        names = [name for name, _ in value]
        found = {(pointer, name) for name in names if names.count(name) > 1}
        for name, inner in value:
            found |= expected(inner, f"{pointer}/{escaped(name)}")
        return found

    assert set(repeated(loads(text(value).encode()))) == expected(value, "")


@given(st.lists(st.text(st.sampled_from("ab1"), max_size=3), max_size=6), st.integers(0, 2))
def test_texts_and_numbers_are_cut_out(parts: list[str], gap: int) -> None:
    import numpy as np

    text = ("," * gap + ",").join(parts)
    starts, ends, place = [], [], 0
    for part in parts:
        starts.append(place)
        ends.append(place + len(part))
        place += len(part) + 1 + gap
    raw = np.frombuffer(text.encode() or b",", np.uint8)
    where = np.array(starts, np.int64), np.array(ends, np.int64)
    assert cut(raw, *where).to_pylist() == parts
    numbers = whole_numbers(raw, *where)
    if all(part.isdigit() for part in parts):
        assert numbers is not None
        assert numbers.tolist() == [int(part) for part in parts]
    else:
        assert numbers is None


def test_annotations_and_what_the_sender_says_are_reported(
    dsd: Dsd, test_structures: Structures, monkeypatch: pytest.MonkeyPatch, rows: Any
) -> None:
    wire = json.loads(message(dsd, rows))
    structure, dataset = wire["data"]["structures"][0], wire["data"]["dataSets"][0]
    structure["annotations"] = [{"id": "N", "text": "note"}]
    key = next(iter(dataset["series"]))
    values = dataset["series"][key]["observations"]
    at = next(iter(values))
    values[at] += [None] * (5 - len(values[at])) + [0]
    wire["errors"] = [{"code": 150, "title": "Half of it"}]
    body = json.dumps(wire).encode()
    found, _, findings = read(body, test_structures)
    assert len(found) == len(rows)
    assert [f[0] for f in findings] == ["sender-error"]
    noted = [row["$annotations"] for row in found if "$annotations" in row]
    assert noted == ['[{"id":"N","text":"note"}]']


def test_said_and_actions_come_with_the_data_set(
    dsd: Dsd, test_structures: Structures, rows: Any
) -> None:
    wire = json.loads(message(dsd, rows))
    wire["data"]["dataSets"][0] |= {"action": "append", "validFrom": "2020-01-01T00:00:00Z"}
    report = Report()
    body = io.BytesIO(json.dumps(wire).encode())
    (found,) = decode_json(body, test_structures, report)
    assert found.action is Action.APPEND
    assert found.said.valid_from == "2020-01-01T00:00:00Z"
    assert [(f.rule, f.severity.value) for f in report.findings] == [("unknown-action", "warning")]


def test_a_data_set_without_links_is_read_as_the_caller_says(
    dsd: Dsd, test_structures: Structures, rows: Any
) -> None:
    wire = json.loads(message(dsd, rows))
    wire["data"]["structures"][0]["links"] = []
    body = json.dumps(wire).encode()
    assert read(body, test_structures)[0] == []
    found, _, findings = read(body, test_structures, FLOW)
    assert len(found) == len(rows)
    assert [f[0] for f in findings] == ["unnamed-structure"]


def test_a_file_is_mapped_and_read_from_where_it_stands(
    dsd: Dsd, test_structures: Structures, rows: Any, tmp_path: Path
) -> None:
    file = tmp_path / "data.json"
    file.write_bytes(b"xx\xef\xbb\xbf" + message(dsd, rows))
    with file.open("rb") as stream:
        stream.seek(2)
        (found,) = decode_json(stream, test_structures, Report())
        batches: list[Batch] = list(found.batches)
    assert sum(batch.num_rows for batch in batches) == len(rows)
