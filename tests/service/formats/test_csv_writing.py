"""SDMX-CSV 2.1 as the field guide lays it out, byte for byte."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from dsd.batch import Batch, batches_from_rows
from dsd.dataset import AttributeValues, PreparedDataset
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats.contract import EncodeOptions, Header
from service.formats.preamble import make_preamble
from service.formats.sdmx_csv import encode_csv

KEY = {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_F", "TIME_PERIOD": "2014"}


def write(
    header: Header, dsd: Dsd, rows: list[dict[str, Any]], above: Any = (), **options: Any
) -> str:
    batches = list(batches_from_rows(dsd, rows))
    preamble = make_preamble(dsd, batches, above)
    chunks = encode_csv(header, [PreparedDataset(dsd, preamble, batches)], EncodeOptions(**options))
    return b"".join(chunks).decode()


def lines(text: str) -> list[str]:
    assert text.endswith("\r\n")
    return text[:-2].split("\r\n")


def test_35_the_header_stands_alone_where_nothing_is_found(header: Header, dsd: Dsd) -> None:
    assert lines(write(header, dsd, [])) == [
        "STRUCTURE[;],STRUCTURE_ID,ACTION,FREQ,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE,OBS_STATUS,NOTE,"
        "METHOD[],AGE_MIN,UNIT_MEASURE,COVERAGE,TITLE"
    ]


def test_35_sub_fields_are_announced_only_where_there_are_any(header: Header, dsd: Dsd) -> None:
    row = KEY | {"OBS_VALUE": "1"}
    assert lines(write(header, dsd, [row], component_ids=("OBS_VALUE",))) == [
        "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE",
        "dataflow,TST:DF_T(1.0.0),R,A,IDN,SEX_F,2014,1",
    ]


def test_35_labels_both_and_keys(header: Header, dsd: Dsd) -> None:
    row = KEY | {"OBS_VALUE": "1.50", "OBS_STATUS": "A"}
    wanted = {"component_ids": ("OBS_VALUE", "OBS_STATUS"), "keys": "both"}
    assert lines(write(header, dsd, [row], labels="both", languages=("fr",), **wanted)) == [
        "STRUCTURE,STRUCTURE_ID,ACTION,SERIES_KEY,OBS_KEY,FREQ: Frequency (fr),"
        "REF_AREA: Reference area (fr),SEX: Sex (fr),TIME_PERIOD: Time period (fr),"
        "OBS_VALUE: Observation value (fr),OBS_STATUS: Status (fr)",
        "dataflow,TST:DF_T(1.0.0): Flux d'essai,R,A.IDN.SEX_F,A.IDN.SEX_F.2014,A: Annual,"
        "IDN: Indonésie,SEX_F: Femmes,2014,1.50,A: Normal value",
    ]


def test_35_labels_name_adds_a_column_after_each(header: Header, dsd: Dsd) -> None:
    row = KEY | {"OBS_STATUS": "A"}
    assert lines(write(header, dsd, [row], labels="name", component_ids=("OBS_STATUS",))) == [
        "STRUCTURE,STRUCTURE_ID,STRUCTURE_NAME,ACTION,FREQ,Frequency,REF_AREA,Reference area,"
        "SEX,Sex,TIME_PERIOD,Time period,OBS_STATUS,Status",
        "dataflow,TST:DF_T(1.0.0),Test flow,R,A,Annual,IDN,Indonesia,SEX_F,Female; all,2014,,"
        "A,Normal value",
    ]


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("2014", "2014-01-01"),
        ("2014-02", "2014-02-01"),
        ("2014-Q3", "2014-07-01"),
        ("2014-W01", "2013-12-30"),
        ("2014-05-06", "2014-05-06"),
        ("2014-05-06T07:08:09", "2014-05-06T07:08:09"),
        ("no period", "no period"),
    ],
)
def test_normalized_times_are_the_first_day(
    header: Header, dsd: Dsd, period: str, expected: str
) -> None:
    row = KEY | {"TIME_PERIOD": period}
    text = write(header, dsd, [row], time_format="normalized", component_ids=())
    assert lines(text)[1].rpartition(",")[2] == expected


def test_partial_keys_come_first(header: Header, dsd: Dsd) -> None:
    above = [AttributeValues({"REF_AREA": "IDN"}, {"COVERAGE": "all, or so"})]
    text = write(header, dsd, [KEY], above, component_ids=("COVERAGE",))
    assert lines(text)[1:] == [
        'dataflow,TST:DF_T(1.0.0),R,,IDN,,,"all, or so"',
        "dataflow,TST:DF_T(1.0.0),R,A,IDN,SEX_F,2014,",
    ]


@pytest.mark.parametrize(
    ("urn", "word"),
    [
        ("registry.ProvisionAgreement=TST:PA_IDN(1.0.0)", "dataprovision,TST:PA_IDN(1.0.0)"),
        ("datastructure.DataStructure=TST:DSD_T(1.0.0)", "datastructure,TST:DSD_T(1.0.0)"),
    ],
)
def test_35_the_structure_is_the_one_asked_for(
    header: Header, test_structures: Structures, urn: str, word: str
) -> None:
    dsd = test_structures.dsd(f"urn:sdmx:org.sdmx.infomodel.{urn}")
    assert lines(write(header, dsd, [KEY]))[1].startswith(f"{word},R,")


def test_35_pandas_and_duckdb_read_the_same(
    header: Header, dsd: Dsd, batches: list[Batch], rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    body = b"".join(
        encode_csv(
            header, [PreparedDataset(dsd, make_preamble(dsd, batches), batches)], EncodeOptions()
        )
    )
    frame = pd.read_csv(io.BytesIO(body), dtype=str, keep_default_na=False)
    file = tmp_path / "data.csv"
    file.write_bytes(body)
    relation = duckdb.connect().read_csv(
        str(file), all_varchar=True, header=True, sep=",", quotechar='"'
    )
    from_duckdb = relation.fetchall()
    for index, row in enumerate(rows):
        for id in ("REF_AREA", "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS"):
            expected = row.get(id) or ""
            assert frame[id][index] == expected
            assert (from_duckdb[index][relation.columns.index(id)] or "") == expected
    assert frame["METHOD[]"][0] == "M1;M2"
    assert frame["NOTE"][3] == rows[3]["NOTE"]
