"""The contract of every data format: decode of encode is the identity over what the format can express."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsd.batch import Batch, batch_schema, batches_from_rows, rows_of
from dsd.dataset import Action, AttributeValues, Dataset, PreparedDataset
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats import DATA_FORMATS, UnknownFormatError, find_data_format
from service.formats.contract import (
    NO_OPTIONS,
    DataFormat,
    EncodeOptions,
    Header,
    NotExpressibleError,
)
from service.formats.preamble import in_key_order, make_preamble

HEADER = Header("T", datetime(2026, 1, 1, tzinfo=UTC))
TEXTS = (".csv", ".json", ".xml")
LAYOUTS = ("TIME_PERIOD", "AllDimensions", "SEX", "REF_AREA")
READABLE = [entry for entry in DATA_FORMATS if entry.encode and entry.decode]

every_format = pytest.mark.parametrize("entry", READABLE, ids=lambda entry: entry.name)

Row = dict[str, Any]


def encode(
    entry: DataFormat,
    dsd: Dsd,
    batches: list[Batch],
    above: Iterable[AttributeValues] = (),
    action: Action = Action.REPLACE,
    **options: Any,
) -> bytes:
    assert entry.encode
    preamble = make_preamble(dsd, batches, above)
    ordered = in_key_order(dsd, batches, preamble)
    return b"".join(
        entry.encode(
            HEADER, [PreparedDataset(dsd, preamble, ordered, action)], EncodeOptions(**options)
        )
    )


def decode(entry: DataFormat, body: bytes, structures: Structures) -> list[Dataset]:
    assert entry.decode
    report = Report()
    found = list(entry.decode(io.BytesIO(body), structures, report, NO_OPTIONS))
    assert report.findings == []
    return found


def read(datasets: Iterable[Dataset]) -> list[Row]:
    rows = [row for dataset in datasets for row in rows_of(dataset.batches)]
    return [{id: value for id, value in row.items() if not id.startswith("$")} for row in rows]


def sorted_rows(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: sorted((id, str(value)) for id, value in row.items()))


def values_of(entries: Iterable[AttributeValues]) -> dict[Any, Any]:
    return {
        (tuple(sorted(entry.key.items())), id): value
        for entry in entries
        for id, value in entry.values.items()
    }


def layouts(entry: DataFormat) -> tuple[str, ...]:
    return LAYOUTS if entry.capabilities.cross_section else LAYOUTS[:1]


@every_format
def test_every_packing_comes_back(
    entry: DataFormat,
    dsd: Dsd,
    test_structures: Structures,
    batches: list[Batch],
    rows: list[Row],
    above: tuple[AttributeValues, ...],
) -> None:
    for dimension in layouts(entry):
        for packed in (False, True):
            body = encode(
                entry,
                dsd,
                batches,
                above,
                dimension_at_observation=dimension,
                pack_single_values=packed,
            )
            found = decode(entry, body, test_structures)
            assert sorted_rows(read(found)) == sorted_rows(rows)
            assert values_of(found[0].attributes) == values_of(above)
            assert found[0].action == entry.capabilities.came_back.get(
                Action.REPLACE, Action.REPLACE
            )


@every_format
def test_every_row_says_where_it_stands(
    entry: DataFormat, dsd: Dsd, test_structures: Structures, batches: list[Batch]
) -> None:
    body = encode(entry, dsd, batches)
    found = [row for d in decode(entry, body, test_structures) for row in rows_of(d.batches)]
    assert len({row["$locator"] for row in found}) == len(found)
    if entry.extension in (".json", ".jsonstat"):
        message = json.loads(body)
        for row in found:
            target: Any = message
            for step in str(row["$locator"]).removeprefix("pointer:/").split("/"):
                target = target[int(step)] if isinstance(target, list) else target[step]
            assert isinstance(target, list) or entry.name == "jsonstat"
        return
    if entry.extension == ".xlsx":
        assert {row["$locator"] for row in found} == {
            f"cell:DF_T!A{n}" for n in range(2, len(found) + 2)
        }
        return
    if entry.extension in (".parquet", ".arrow"):
        assert [row["$locator"] for row in found] == [f"row:{n}" for n in range(1, len(found) + 1)]
        return
    lines = body.decode().split("\n")
    for row in found:
        line = lines[int(str(row["$locator"]).removeprefix("line:")) - 1]
        assert str(row["TIME_PERIOD"]) in line
        assert str(row["OBS_STATUS"]) in line


@every_format
def test_actions_of_a_dataset_come_back(
    entry: DataFormat, dsd: Dsd, test_structures: Structures, batches: list[Batch]
) -> None:
    for action in Action:
        if action in entry.capabilities.refused_actions:
            with pytest.raises(NotExpressibleError):
                encode(entry, dsd, batches, action=action)
            continue
        (found,) = decode(entry, encode(entry, dsd, batches, action=action), test_structures)
        assert found.action == entry.capabilities.came_back.get(action, action)


@every_format
def test_row_actions_come_back_or_are_refused_at_once(
    entry: DataFormat, dsd: Dsd, test_structures: Structures, rows: list[Row]
) -> None:
    actions = [Action.MERGE, Action.DELETE, Action.REPLACE, Action.MERGE, Action.APPEND]
    marked = [row | {"$action": a.value} for row, a in zip(rows, actions, strict=True)]
    schema = batch_schema(dsd, actions=True)
    batches = list(batches_from_rows(dsd, marked, schema))
    assert entry.encode
    preamble = make_preamble(dsd, batches)
    if not entry.capabilities.row_actions:
        with pytest.raises(NotExpressibleError):
            entry.encode(HEADER, [PreparedDataset(dsd, preamble, batches)], EncodeOptions())
        return
    body = b"".join(
        entry.encode(HEADER, [PreparedDataset(dsd, preamble, batches)], EncodeOptions())
    )
    found = [row for d in decode(entry, body, test_structures) for row in rows_of(d.batches)]
    came_back = entry.capabilities.came_back
    assert [row["$action"] for row in found] == [came_back.get(a, a).value for a in actions]


@every_format
def test_several_data_sets_come_back_in_order_or_are_refused_at_once(
    entry: DataFormat, dsd: Dsd, test_structures: Structures, batches: list[Batch], rows: list[Row]
) -> None:
    assert entry.encode
    agreement = test_structures.dsd(
        "urn:sdmx:org.sdmx.infomodel.registry.ProvisionAgreement=TST:PA_IDN(1.0.0)"
        if entry.capabilities.several_structures
        else str(dsd.urn)
    )
    preamble = make_preamble(dsd, batches)
    datasets = [
        PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble), Action.APPEND),
        PreparedDataset(agreement, preamble, in_key_order(dsd, batches, preamble), Action.REPLACE),
    ]
    if not entry.capabilities.several_datasets:
        with pytest.raises(NotExpressibleError):
            entry.encode(HEADER, datasets, EncodeOptions())
        return
    body = b"".join(entry.encode(HEADER, datasets, EncodeOptions()))
    found = decode(entry, body, test_structures)
    came_back = entry.capabilities.came_back
    if entry.name != "csv10":
        # SDMX-CSV 1.0 knows dataflows only, and no actions: the two are one to it.
        assert [dataset.dsd.agreement for dataset in found] == [None, agreement.agreement]
        assert [dataset.action for dataset in found] == [
            came_back.get(action, action) for action in (Action.APPEND, Action.REPLACE)
        ]
    assert sorted_rows(read(found)) == sorted_rows([*rows, *rows])


@every_format
def test_a_format_without_cross_sections_refuses_them(
    entry: DataFormat, dsd: Dsd, batches: list[Batch]
) -> None:
    preamble = make_preamble(dsd, batches)
    options = EncodeOptions(dimension_at_observation="SEX")
    assert entry.encode
    if entry.capabilities.cross_section:
        assert b"".join(entry.encode(HEADER, [PreparedDataset(dsd, preamble, batches)], options))
        return
    with pytest.raises(NotExpressibleError, match="TIME_PERIOD"):
        entry.encode(HEADER, [PreparedDataset(dsd, preamble, batches)], options)


@every_format
def test_several_values_come_back(
    entry: DataFormat, dsd: Dsd, test_structures: Structures, batches: list[Batch]
) -> None:
    assert entry.capabilities.multiple_values
    found = read(decode(entry, encode(entry, dsd, batches), test_structures))
    assert [row["METHOD"] for row in found if "METHOD" in row] == [["M1", "M2"], ["M3"]]


@pytest.mark.parametrize(
    "entry", [e for e in READABLE if e.extension in TEXTS], ids=lambda entry: entry.name
)
def test_a_byte_order_mark_makes_no_difference(
    entry: DataFormat, dsd: Dsd, test_structures: Structures, batches: list[Batch]
) -> None:
    body = encode(entry, dsd, batches)
    marked = read(decode(entry, b"\xef\xbb\xbf" + body, test_structures))
    assert marked == read(decode(entry, body, test_structures))


@every_format
def test_a_slice_of_a_batch_needs_only_its_own_codes(
    entry: DataFormat, dsd: Dsd, test_structures: Structures, batches: list[Batch]
) -> None:
    part = [batches[0].slice(3, 2)]
    found = read(decode(entry, encode(entry, dsd, part), test_structures))
    assert {row["REF_AREA"] for row in found} == {"LAO"}
    assert b"IDN" not in encode(entry, dsd, part)


@every_format
def test_no_rows_is_a_whole_message(
    entry: DataFormat, dsd: Dsd, test_structures: Structures
) -> None:
    body = encode(entry, dsd, [])
    assert body
    assert read(decode(entry, body, test_structures)) == []


@every_format
def test_components_may_be_left_out(
    entry: DataFormat, dsd: Dsd, test_structures: Structures, batches: list[Batch]
) -> None:
    body = encode(entry, dsd, batches, component_ids=("OBS_STATUS",))
    found = read(decode(entry, body, test_structures))
    assert {id for row in found for id in row} == {*dsd.key_ids, "OBS_STATUS"}


@every_format
@pytest.mark.parametrize("own_actions", [False, True])
def test_a_value_that_is_left_out_does_not_make_its_row_delete_all(
    entry: DataFormat, dsd: Dsd, test_structures: Structures, own_actions: bool
) -> None:
    """SDMX 3.1 Section 3, "Delete Action": a key alone deletes the observation, a key with values these alone."""
    capabilities = entry.capabilities
    if Action.DELETE in capabilities.refused_actions or own_actions > capabilities.row_actions:
        return
    key = {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_T"}
    rows: list[Row] = [
        key | {"TIME_PERIOD": "2020", "OBS_VALUE": "1", "NOTE": "both"},
        key | {"TIME_PERIOD": "2021", "NOTE": "left out"},
        key | {"TIME_PERIOD": "2022", "METHOD": ["M1"]},
        key | {"TIME_PERIOD": "2023"},
    ]
    action = {"$action": Action.DELETE.value} if own_actions else {}
    batches = list(
        batches_from_rows(
            dsd, [row | action for row in rows], batch_schema(dsd, actions=own_actions)
        )
    )
    said = Action.MERGE if own_actions else Action.DELETE
    body = encode(entry, dsd, batches, action=said, component_ids=("OBS_VALUE",))
    found = read(decode(entry, body, test_structures))
    assert sorted_rows(found) == sorted_rows(
        [key | {"TIME_PERIOD": "2020", "OBS_VALUE": "1"}, key | {"TIME_PERIOD": "2023"}]
    )


@every_format
def test_an_unknown_dimension_at_the_observation_is_refused_at_once(
    entry: DataFormat, dsd: Dsd, batches: list[Batch]
) -> None:
    assert entry.encode
    options = EncodeOptions(dimension_at_observation="COLOUR")
    with pytest.raises(NotExpressibleError, match="COLOUR"):
        entry.encode(HEADER, [PreparedDataset(dsd, make_preamble(dsd, batches), batches)], options)


# XML has no control characters, and CSV readers end a row at a lone CR only where it is not quoted.
texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="￾￿")
    | st.sampled_from("\n\r\t\";,'&<>=:|[]"),
    min_size=1,
    max_size=12,
)
numbers = (
    st.decimals(allow_nan=False, allow_infinity=False).map(str)
    | st.floats().map(repr)
    | st.integers().map(str)
    | st.sampled_from(
        ["NaN", "-0", "0.10", "1e400", "+5", "007", ".5", "12.0", "9" * 40, "0." + "0" * 40 + "1"]
    )
)
keys = st.tuples(
    st.sampled_from(["A", "Q"]),
    st.sampled_from(["IDN", "LAO", "TLS"]),
    st.sampled_from(["SEX_T", "SEX_M", "SEX_F"]),
    st.sampled_from(["2019", "2020", "2021-Q3", "2022-05", "2023-01-31"]),
)
observed = st.fixed_dictionaries(
    {"OBS_STATUS": st.sampled_from(["A", "E", "B"])},
    optional={
        "OBS_VALUE": numbers,
        "NOTE": texts,
        "METHOD": st.lists(st.sampled_from(["M1", "M2", "M3"]), min_size=1, max_size=3),
        "AGE_MIN": st.integers(0, 99).map(str),
    },
)
datasets = st.dictionaries(keys, observed, min_size=1, max_size=12)


@every_format
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_40_any_dataset_comes_back(
    entry: DataFormat, dsd: Dsd, test_structures: Structures, data: st.DataObject
) -> None:
    drawn = data.draw(datasets)
    dimension = data.draw(st.sampled_from(layouts(entry)))
    labels = data.draw(st.sampled_from(sorted(entry.capabilities.labels)))
    rows = [
        dict(zip(("FREQ", "REF_AREA", "SEX", "TIME_PERIOD"), key, strict=True)) | values
        for key, values in drawn.items()
    ]
    batches = list(batches_from_rows(dsd, rows))
    body = encode(
        entry, dsd, batches, dimension_at_observation=dimension, labels=labels, keys="both"
    )
    assert sorted_rows(read(decode(entry, body, test_structures))) == sorted_rows(rows)


@pytest.mark.parametrize("name", ["csv", "json"])
def test_30_an_empty_text_is_not_absent(name: str, dsd: Dsd, test_structures: Structures) -> None:
    key = {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_T", "TIME_PERIOD": "2020"}
    rows = [key | {"NOTE": "", "METHOD": []}, key | {"TIME_PERIOD": "2021", "OBS_STATUS": "A"}]
    batches = list(batches_from_rows(dsd, rows))
    entry = find_data_format(name)
    assert read(decode(entry, encode(entry, dsd, batches), test_structures)) == rows


@every_format
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(position=st.integers(0, 3000), junk=st.binary(max_size=6), cut=st.integers(0, 30))
def test_damage_never_raises(
    entry: DataFormat,
    dsd: Dsd,
    test_structures: Structures,
    batches: list[Batch],
    above: tuple[AttributeValues, ...],
    position: int,
    junk: bytes,
    cut: int,
) -> None:
    body = encode(entry, dsd, batches, above)
    position %= len(body)
    damaged = body[:position] + junk + body[position + cut :]
    assert entry.decode
    report = Report()
    for dataset in entry.decode(io.BytesIO(damaged), test_structures, report, NO_OPTIONS):
        list(rows_of(dataset.batches))


@every_format
def test_a_truncated_file_is_a_finding(
    entry: DataFormat, dsd: Dsd, test_structures: Structures, batches: list[Batch]
) -> None:
    body = encode(entry, dsd, batches)
    assert entry.decode
    report = Report()
    read(entry.decode(io.BytesIO(body[: len(body) - len(body) // 3]), test_structures, report))
    assert not report.is_accepted


def test_formats_are_found_by_name_type_alias_and_ending() -> None:
    assert find_data_format("CSV").name == "csv"
    assert find_data_format("text/csv").name == "csv"
    assert find_data_format(".xml").name == "ml21"
    assert find_data_format("application/xml").name == "ml21-generic"
    assert find_data_format("application/vnd.sdmx.data+json;version=2.1").name == "json"
    with pytest.raises(UnknownFormatError, match="there are csv"):
        find_data_format("application/vnd.sdmx.data+json", "9.0.0")


def test_names_types_and_endings_do_not_clash() -> None:
    assert len({entry.name for entry in DATA_FORMATS}) == len(DATA_FORMATS)
    identities = {(entry.media_type, entry.version) for entry in DATA_FORMATS}
    assert len(identities) == len(DATA_FORMATS)
    # A plain type means a format of each line of SDMX REST; to a reader it means the first.
    aliases = [alias for entry in DATA_FORMATS for alias in entry.aliases]
    plain = {alias for alias in aliases if aliases.count(alias) > 1}
    assert plain == {"text/csv", "application/json", "application/xml", "text/xml"}
    first = {alias: find_data_format(alias).name for alias in sorted(plain)}
    assert first == {
        "application/json": "json",
        "application/xml": "ml21-generic",
        "text/csv": "csv",
        "text/xml": "ml21-generic",
    }
