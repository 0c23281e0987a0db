"""Workbooks of data, as openpyxl and pandas see them."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pandas as pd
import pytest
from lxml import etree

from dsd.batch import Batch, batches_from_rows
from dsd.dataset import AttributeValues, PreparedDataset, SetAttributes
from dsd.resolved import Dsd
from service.formats import find_data_format
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.preamble import make_preamble
from service.formats.xlsx_data import MOST_ROWS, encode_xlsx

KEY = {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_F"}


def write(header: Header, *datasets: PreparedDataset, **options: Any) -> bytes:
    return b"".join(encode_xlsx(header, datasets, EncodeOptions(**options)))


def prepared(dsd: Dsd, batches: list[Batch], above: Any = (), **more: Any) -> PreparedDataset:
    return PreparedDataset(dsd, make_preamble(dsd, batches, above), batches, **more)


def sheet(body: bytes, number: int = 0) -> Any:
    return openpyxl.load_workbook(io.BytesIO(body)).worksheets[number]


def test_codes_and_names_stand_side_by_side(
    header: Header, dsd: Dsd, batches: list[Batch], rows: list[dict[str, Any]]
) -> None:
    frame = pd.read_excel(
        io.BytesIO(write(header, prepared(dsd, batches))), dtype=str, engine="calamine"
    )
    assert frame["REF_AREA"].tolist() == [row["REF_AREA"] for row in rows]
    place = list(frame.columns).index("REF_AREA")
    names = [dsd["REF_AREA"].codes[row["REF_AREA"]].label() for row in rows]
    assert frame.iloc[:, place + 1].tolist() == names
    assert set(frame["STRUCTURE[;]"]) == {"dataflow"}
    assert set(frame["STRUCTURE_ID"]) == {dsd.urn.short}


@pytest.mark.parametrize(
    ("text", "value", "number_format"),
    [
        ("12.0", 12.0, "0.0"),
        ("99.479", 99.479, "0.000"),
        ("0", 0, "0"),
        ("-3.50", -3.5, "0.00"),
        ("123456789012345", 123456789012345, "0"),
        ("0.000000000000001", 1e-15, "0.000000000000001".replace("1", "0")),
        ("1234567890123456", "1234567890123456", "General"),
        ("-0.0", "-0.0", "General"),
        ("1E5", "1E5", "General"),
        ("007", "007", "General"),
        ("NaN", "NaN", "General"),
    ],
)
def test_a_figure_is_a_number_where_a_cell_keeps_its_digits(
    text: str, value: Any, number_format: str, header: Header, dsd: Dsd
) -> None:
    batches = list(batches_from_rows(dsd, [KEY | {"TIME_PERIOD": "2024", "OBS_VALUE": text}]))
    found = sheet(write(header, prepared(dsd, batches)))
    headings = [cell.value for cell in found[1]]
    cell = found.cell(2, headings.index("OBS_VALUE") + 1)
    assert (cell.value, cell.number_format) == (value, number_format)


def test_absent_is_no_cell_and_odd_texts_are_kept(header: Header, dsd: Dsd) -> None:
    made = [
        KEY | {"TIME_PERIOD": "2023", "OBS_VALUE": "1", "NOTE": ' <b> & "ກ" 😀\n_x0041_ \r\x07'},
        KEY | {"TIME_PERIOD": "2024", "OBS_VALUE": "2"},
    ]
    found = sheet(write(header, prepared(dsd, list(batches_from_rows(dsd, made)))))
    column = [cell.value for cell in found[1]].index("NOTE") + 1
    # openpyxl leaves the escapes of ECMA-376 22.9.2.19 as they are.
    assert found.cell(2, column).value == ' <b> & "ກ" 😀\n_x005F_x0041_ _x000D__x0007_'
    assert found.cell(3, column).value is None


def test_values_above_the_observation_are_rows_with_a_part_of_the_key(
    header: Header, dsd: Dsd, batches: list[Batch], above: tuple[AttributeValues, ...]
) -> None:
    frame = pd.read_excel(
        io.BytesIO(write(header, prepared(dsd, batches, above))), dtype=str, engine="calamine"
    )
    assert len(frame) == len(above) + sum(batch.num_rows for batch in batches)
    first = frame.iloc[0].dropna().to_dict()
    assert first["TITLE"] == above[0].values["TITLE"]
    assert "REF_AREA" not in first


def test_each_data_set_has_a_sheet_and_the_last_one_tells_about_them(
    header: Header, dsd: Dsd, batches: list[Batch]
) -> None:
    said = SetAttributes(set_id="S9", valid_from="2026-01-01T00:00:00")
    body = write(header, prepared(dsd, batches), prepared(dsd, batches, said=said))
    book = openpyxl.load_workbook(io.BytesIO(body))
    assert book.sheetnames == ["DF_T", "DF_T (2)", "About"]
    told = [(row[0].value, row[1].value) for row in book["About"].iter_rows(max_col=2)]
    assert ("Set id", "S9") in told
    assert told.count(("Structure", str(dsd.urn))) == 2


def test_every_part_is_well_formed_and_the_bytes_are_the_same_again(
    header: Header, dsd: Dsd, batches: list[Batch]
) -> None:
    body = write(header, prepared(dsd, batches))
    assert body == write(header, prepared(dsd, batches))
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            etree.fromstring(archive.read(name))


def test_more_rows_than_a_sheet_holds_are_refused_with_a_hint(
    header: Header, dsd: Dsd, batches: list[Batch]
) -> None:
    from dataclasses import replace

    dataset = prepared(dsd, batches)
    many = replace(dataset, preamble=replace(dataset.preamble, observations=MOST_ROWS))
    with pytest.raises(NotExpressibleError, match="csv or parquet"):
        encode_xlsx(header, [many], EncodeOptions())


def test_a_text_longer_than_a_cell_is_refused(header: Header, dsd: Dsd) -> None:
    row = KEY | {"TIME_PERIOD": "2024", "OBS_VALUE": "1", "NOTE": "x" * 40_000}
    with pytest.raises(NotExpressibleError, match="40000"):
        write(header, prepared(dsd, list(batches_from_rows(dsd, [row]))))


def test_it_is_found_by_name_ending_and_type() -> None:
    assert find_data_format("xlsx") is find_data_format(".xlsx")
