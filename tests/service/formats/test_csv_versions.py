"""What each version of SDMX-CSV can say, checked against the rules of its field guide."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codelists.urn import Urn, parse_urn
from dsd.batch import Batch, batches_from_rows, rows_of
from dsd.dataset import Action, AttributeValues, Dataset, PreparedDataset, SetAttributes
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats import find_data_format
from service.formats.contract import (
    DecodeOptions,
    EncodeOptions,
    Header,
    NotExpressibleError,
)
from service.formats.csv_table import CsvText, _are_clean, _row_ends, _walked, coded, line_locators
from service.formats.preamble import make_preamble
from tests.service.formats.sample_structure import make_structure

VERSIONS = ("csv", "csv20", "csv10")
every_version = pytest.mark.parametrize("name", VERSIONS)
KEY = {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_F", "TIME_PERIOD": "2014"}


def write(
    header: Header, name: str, datasets: list[PreparedDataset], **options: Any
) -> list[list[str]]:
    encode = find_data_format(name).encode
    assert encode
    body = b"".join(encode(header, datasets, EncodeOptions(**options)))
    return check(body, name, **options)


def check(body: bytes, name: str, labels: str = "id", keys: str = "none", **_: Any) -> Any:
    """Return the rows of a message after the field guide's rules were checked.

    sdmx-csv 2.1, 'Columns': order and vocabulary; RFC 4180: CRLF ends each row, all rows have as many cells.
    """
    text = body.decode("utf-8")
    assert text.endswith("\r\n")
    header, *rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert {len(row) for row in rows} <= {len(header)}
    assert len(set(header)) == len(header) or labels == "name"
    if name == "csv10":
        assert header[0] == "DATAFLOW"
        assert all(re.fullmatch(r"[^:]+:[^(]+\([0-9.]+\)(: .+)?", row[0]) for row in rows)
        return [header, *rows]
    wanted = ["STRUCTURE_ID", *(["STRUCTURE_NAME"] if labels == "name" else []), "ACTION"]
    wanted += {
        "series": ["SERIES_KEY"],
        "obs": ["OBS_KEY"],
        "both": ["SERIES_KEY", "OBS_KEY"],
    }.get(keys, [])
    assert re.fullmatch(r"STRUCTURE(\[;\])?", header[0])
    assert header[1 : 1 + len(wanted)] == wanted
    assert header[0].endswith("]") == any("[" in cell for cell in header[1:])
    assert {row[0] for row in rows} <= {"dataflow", "datastructure", "dataprovision"}
    letters = {row[header.index("ACTION")] for row in rows}
    assert letters <= set("IARD" if name == "csv20" else "IAMRD")
    return [header, *rows]


def prepared(
    dsd: Dsd,
    rows: list[dict[str, Any]],
    above: Any = (),
    action: Action = Action.REPLACE,
    **rest: Any,
) -> PreparedDataset:
    batches = list(batches_from_rows(dsd, rows))
    return PreparedDataset(dsd, make_preamble(dsd, batches, above), batches, action, **rest)


def read(
    body: bytes, name: str, structures: Structures, hint: Urn | None = None
) -> tuple[list[Dataset], list[dict[str, Any]], Report]:
    decode = find_data_format(name).decode
    assert decode
    report = Report()
    found = list(decode(io.BytesIO(body), structures, report, DecodeOptions(hint)))
    return found, [row for d in found for row in rows_of(d.batches)], report


@every_version
@pytest.mark.parametrize("labels", ["id", "both", "name"])
@pytest.mark.parametrize("keys", ["none", "series", "obs", "both"])
def test_35_every_message_keeps_the_rules(
    header: Header,
    dsd: Dsd,
    rows: list[dict[str, Any]],
    above: tuple[AttributeValues, ...],
    name: str,
    labels: str,
    keys: str,
) -> None:
    if labels not in find_data_format(name).capabilities.labels:
        with pytest.raises(NotExpressibleError, match="labels"):
            write(header, name, [prepared(dsd, rows, above)], labels=labels)
        return
    found = write(header, name, [prepared(dsd, rows, above)], labels=labels, keys=keys)
    assert len(found) == 1 + len(rows) + (0 if name == "csv10" else len(above))


def test_values_above_stand_on_each_row_of_1_0(header: Header, dsd: Dsd) -> None:
    above = [
        AttributeValues({}, {"TITLE": "All"}),
        AttributeValues({"REF_AREA": "IDN"}, {"COVERAGE": "whole"}),
        AttributeValues({"REF_AREA": "LAO"}, {"COVERAGE": "part"}),
        AttributeValues({"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_F"}, {"UNIT_MEASURE": "PS"}),
    ]
    rows = [KEY | {"OBS_VALUE": "1"}, KEY | {"TIME_PERIOD": "2015", "OBS_VALUE": "2"}]
    columns = ("OBS_VALUE", "UNIT_MEASURE", "COVERAGE", "TITLE")
    data = [prepared(dsd, rows, above)]
    assert write(header, "csv10", data, component_ids=columns) == [
        ["DATAFLOW", "FREQ", "REF_AREA", "SEX", "TIME_PERIOD", *columns],
        ["TST:DF_T(1.0.0)", "A", "IDN", "SEX_F", "2014", "1", "PS", "whole", "All"],
        ["TST:DF_T(1.0.0)", "A", "IDN", "SEX_F", "2015", "2", "PS", "whole", "All"],
        # No row is of LAO: the value would be lost.
        ["TST:DF_T(1.0.0)", "", "LAO", "", "", "", "", "part", ""],
    ]


def test_1_0_names_components_but_not_the_measure(header: Header, dsd: Dsd) -> None:
    data = [prepared(dsd, [KEY | {"OBS_VALUE": "1", "OBS_STATUS": "A"}])]
    columns = ("OBS_VALUE", "OBS_STATUS")
    found = write(header, "csv10", data, labels="both", component_ids=columns)
    assert found[0] == [
        "DATAFLOW",
        "FREQ: Frequency",
        "REF_AREA: Reference area",
        "SEX: Sex",
        "TIME_PERIOD: Time period",
        "OBS_VALUE",
        "OBS_STATUS: Status",
    ]
    assert found[1][0] == "TST:DF_T(1.0.0): Test flow"


def test_what_1_0_cannot_say_is_refused(
    header: Header, dsd: Dsd, test_structures: Structures
) -> None:
    structure = test_structures.dsd(
        "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=TST:DSD_T(1.0.0)"
    )
    for data, says in (
        (prepared(dsd, [KEY], action=Action.DELETE), "delete"),
        (prepared(structure, [KEY]), "dataflows"),
    ):
        with pytest.raises(NotExpressibleError, match=says):
            write(header, "csv10", [data])


@every_version
def test_what_is_said_of_a_data_set_is_refused(header: Header, dsd: Dsd, name: str) -> None:
    data = prepared(dsd, [KEY], said=SetAttributes(valid_from="2020-01-01T00:00:00"))
    with pytest.raises(NotExpressibleError, match="valid_from"):
        write(header, name, [data])


def test_data_sets_of_several_structures_share_columns(
    header: Header, dsd: Dsd, test_structures: Structures
) -> None:
    agreement = test_structures.dsd(
        "urn:sdmx:org.sdmx.infomodel.registry.ProvisionAgreement=TST:PA_IDN(1.0.0)"
    )
    data = [
        prepared(dsd, [KEY], action=Action.DELETE),
        prepared(agreement, [KEY | {"OBS_VALUE": "1"}], action=Action.MERGE),
    ]
    found = write(header, "csv", data, component_ids=("OBS_VALUE",))
    assert [row[:3] for row in found[1:]] == [
        ["dataflow", "TST:DF_T(1.0.0)", "D"],
        ["dataprovision", "TST:PA_IDN(1.0.0)", "M"],
    ]


def test_a_merge_is_an_append_in_2_0(header: Header, dsd: Dsd, test_structures: Structures) -> None:
    found = write(header, "csv20", [prepared(dsd, [KEY], action=Action.MERGE)])
    assert found[1][2] == "A"


@pytest.mark.parametrize(
    ("name", "action", "expected", "severity"),
    [
        ("csv20", "M", "Merge", "warning"),
        ("csv", "replace", "Replace", "warning"),
        ("csv", "d", "Delete", "warning"),
        ("csv20", "", "Information", None),
        ("csv", "", "Merge", None),
        ("csv", "X", "Merge", "error"),
    ],
)
def test_actions_of_others_are_understood_and_reported(
    test_structures: Structures, name: str, action: str, expected: str, severity: str | None
) -> None:
    body = (
        "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE\n"
        f"dataflow,TST:DF_T(1.0.0),{action},A,IDN,SEX_F,2014,1\n"
    ).encode()
    (dataset,), _, report = read(body, name, test_structures)
    assert dataset.action.value == expected
    assert [f.severity.value for f in report.findings] == ([severity] if severity else [])


def test_a_key_that_contradicts_the_dimensions_is_reported(test_structures: Structures) -> None:
    start = (
        "STRUCTURE,STRUCTURE_ID,SERIES_KEY,OBS_KEY,FREQ,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE\n"
        "dataflow,TST:DF_T(1.0.0),A.IDN.SEX_F,A.IDN.SEX_F.2014,A,IDN,SEX_F,2014,1\n"
    )
    assert read(start.encode(), "csv", test_structures)[2].findings == []
    wrong = start + "dataflow,TST:DF_T(1.0.0),A.LAO.SEX_F,A.IDN.SEX_F.2015,A,IDN,SEX_F,2015,1\n"
    (finding,) = read(wrong.encode(), "csv", test_structures)[2].findings
    assert (finding.rule, finding.component, finding.locator) == (
        "contradictory-key",
        "SERIES_KEY",
        "line:3",
    )


@pytest.mark.parametrize("name", ["csv", "csv20"])
def test_35_values_with_a_dot_are_quoted_in_keys(header: Header, name: str) -> None:
    """sdmx-csv#28: what stands in an uncoded dimension must not look like two."""
    named = parse_urn("urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_F(1.0.0)")
    structures = make_structure(
        named, ["AREA", "TOPIC", "TIME_PERIOD"], ["OBS_VALUE"], {"UNIT": ["AREA", "TOPIC"]}
    )
    dsd = structures.dsd(str(named))
    topics = {"v1.2": '"v1.2"', 'say "x", y': '"say ""x"", y"', "plain": "plain"}
    given = [{"AREA": "X", "TOPIC": t, "TIME_PERIOD": "2020", "OBS_VALUE": "1"} for t in topics]
    batches = list(batches_from_rows(dsd, given))
    above = [AttributeValues({"AREA": "X", "TOPIC": "v1.2"}, {"UNIT": "PS"})]
    data = PreparedDataset(dsd, make_preamble(dsd, batches, above), batches)
    encode = find_data_format(name).encode
    assert encode
    body = b"".join(encode(header, [data], EncodeOptions(keys="both")))
    unit, *rows = csv.DictReader(io.StringIO(body.decode(), newline=""))
    assert (unit["SERIES_KEY"], unit["OBS_KEY"]) == ('X."v1.2"', "")
    assert [row["SERIES_KEY"] for row in rows] == [f"X.{topic}" for topic in topics.values()]
    assert [row["OBS_KEY"] for row in rows] == [f"X.{topic}.2020" for topic in topics.values()]
    report = read(body, name, structures)[2]
    assert report.findings == []
    plain = body.decode().replace('""v1.2""', "v1.2")
    assert read(plain.encode(), name, structures)[2].findings == []
    other = body.decode().replace('""v1.2"".2020', '""v1.3"".2020')
    assert [f.component for f in read(other.encode(), name, structures)[2].findings] == ["OBS_KEY"]


def test_rows_not_taken_are_kept(header: Header, dsd: Dsd, test_structures: Structures) -> None:
    """Who asks for the next data set first still gets the rows of the one before."""
    data = [prepared(dsd, [KEY]), prepared(dsd, [KEY | {"TIME_PERIOD": "2015"}])]
    agreement = test_structures.dsd(
        "urn:sdmx:org.sdmx.infomodel.registry.ProvisionAgreement=TST:PA_IDN(1.0.0)"
    )
    data.insert(1, prepared(agreement, [KEY]))
    entry = find_data_format("csv")
    assert entry.encode
    body = b"".join(entry.encode(header, data, EncodeOptions()))
    found, _, _ = read(body, "csv", test_structures)
    assert len(found) == 3


# -- reading in blocks ---------------------------------------------------------------------------------

wild = st.text(st.sampled_from('ab",\n\r;é'), max_size=40)


def everything(text: str, size: int, columns: int) -> tuple[Any, ...]:
    report = Report()
    body = CsvText(io.BytesIO(text.encode()), report, size)
    header = body.header(",")
    tables = list(body.tables(",", columns))
    rows = [r for t in tables for r in zip(*(c.to_pylist() for c in t.columns), strict=True)]
    lines = [line for t in tables for line in t.lines.tolist()]
    return header, rows, lines, sorted((f.rule, f.locator or "") for f in report.findings if f.rule != "stray-quote")  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(text=wild, size=st.sampled_from([1, 2, 3, 5, 8]))
def test_blocks_make_no_difference(text: str, size: int) -> None:
    text = "x,y\n" + text
    assert everything(text, size, 2) == everything(text, 1 << 20, 2)


@settings(max_examples=300, deadline=None)
@given(text=wild)
def test_marks_found_in_bulk_are_those_found_one_by_one(text: str) -> None:
    body = text.encode()
    found = _row_ends(body, ",", final=True)
    breaks = found.ends if found.breaks is None else found.breaks
    walked = _walked(body, ",", breaks)
    assert walked.ends.tolist() == found.ends.tolist()
    assert walked.open_at == found.open_at
    assert walked.strays == found.strays
    import numpy as np

    array = np.frombuffer(body, np.uint8)
    clean = _are_clean(array, np.flatnonzero(array == 34), 44)
    assert clean == (not walked.strays) or walked.open_at is not None


def test_a_mark_in_a_cell_is_kept_and_reported(test_structures: Structures) -> None:
    body = (
        b"STRUCTURE,STRUCTURE_ID,FREQ,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE,NOTE\n"
        b"dataflow,TST:DF_T(1.0.0),A,IDN,SEX_F,2014,1,plain\n"
        b'dataflow,TST:DF_T(1.0.0),A,IDN,SEX_F,2015,1,5" pipe\n'
    )
    _, rows, report = read(body, "csv", test_structures)
    assert [row["NOTE"] for row in rows] == ["plain", '5" pipe']
    assert [(f.rule, f.locator) for f in report.findings] == [("stray-quote", "line:3")]


def test_a_row_without_end_is_given_up(test_structures: Structures, monkeypatch: Any) -> None:
    monkeypatch.setattr("service.formats.csv_table.MOST_ROW_BYTES", 1000)
    start = b'STRUCTURE,STRUCTURE_ID,NOTE\ndataflow,TST:DF_T(1.0.0),"'

    class Endless(io.RawIOBase):
        """A quotation mark that is never closed, for as long as anybody reads."""

        taken = 0

        def read(self, size: int = -1) -> bytes:
            self.taken += 1
            assert self.taken < 5, "it reads on and on"
            return start if self.taken == 1 else b"x" * 2000

    report = Report()
    decode = find_data_format("csv").decode
    assert decode
    assert list(decode(Endless(), test_structures, report, DecodeOptions())) == []  # type: ignore[arg-type]
    assert [(f.rule, f.locator) for f in report.findings] == [("unbalanced-quotes", "line:2")]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["A", "B", "é", "LONG", "", "12345678"]), max_size=8))
def test_columns_are_encoded_the_same_in_runs(texts: list[str]) -> None:
    import pyarrow as pa

    column = pa.array([text for text in texts for _ in range(300)], pa.string())
    found = coded(column)
    assert found.to_pylist() == column.to_pylist()
    assert len(set(found.dictionary.to_pylist())) == len(found.dictionary)
    assert coded(column.slice(7)).to_pylist() == column.to_pylist()[7:]


@settings(deadline=None)
@given(st.integers(1, 10**11), st.integers(0, 30))
def test_lines_are_written_as_locators(first: int, count: int) -> None:
    import numpy as np

    found = line_locators(np.arange(first, first + count)).to_pylist()
    assert found == [f"line:{line}" for line in range(first, first + count)]


def test_memory_does_not_grow_with_the_file(dsd: Dsd, test_structures: Structures) -> None:
    """A file of any length is read block by block: what is asked for is made, nothing more is read."""
    head = b"STRUCTURE,STRUCTURE_ID,FREQ,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE\n"
    row = b"dataflow,TST:DF_T(1.0.0),A,IDN,SEX_F,2014,1\n"

    class Long(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1) -> bytes:
            self.asked += 1
            return (
                head + row * 1000 if self.asked == 1 else row * 1000 if self.asked < 1000 else b""
            )

    stream = Long()
    decode = find_data_format("csv").decode
    assert decode
    (dataset,) = [next(decode(stream, test_structures, Report(), DecodeOptions()))]  # type: ignore[arg-type]
    batch: Batch = next(iter(dataset.batches))
    assert batch.num_rows == 1000
    assert stream.asked <= 4
