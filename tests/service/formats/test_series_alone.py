"""Series without observations: what every format makes of rows that have no period."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import sdmx
from lxml import etree

from dsd.batch import Batch, batch_schema, batches_from_rows
from dsd.dataset import AttributeValues, PreparedDataset
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats import DATA_FORMATS, find_data_format
from service.formats.contract import DataFormat, EncodeOptions, Header, NotExpressibleError
from service.formats.grouping import UnorderedRowsError
from service.formats.preamble import make_preamble

SERIES = [
    {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_T"},
    {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_F"},
    {"FREQ": "A", "REF_AREA": "LAO", "SEX": "SEX_T"},
]
KEYS_ONLY = ("FREQ", "REF_AREA", "SEX")
WITH_ATTRIBUTES = (*KEYS_ONLY, "UNIT_MEASURE", "COVERAGE", "TITLE")
ML = ("ml21", "ml21-generic", "ml21-timeseries", "ml21-generic-timeseries", "ml30", "ml31")
READABLE_ML = [name for name in ML if find_data_format(name).decode]

WRITABLE = [entry for entry in DATA_FORMATS if entry.encode]
every_format = pytest.mark.parametrize("entry", WRITABLE, ids=lambda entry: entry.name)

Write = Callable[..., bytes]


@pytest.fixture
def write(header: Header, dsd: Dsd) -> Write:
    def call(
        entry: DataFormat | str,
        above: tuple[AttributeValues, ...] = (),
        series: list[dict[str, str]] = SERIES,
        **options: Any,
    ) -> bytes:
        encode = (find_data_format(entry) if isinstance(entry, str) else entry).encode
        assert encode
        batches = series_batches(dsd, series)
        preamble = make_preamble(dsd, batches, above)
        ids = WITH_ATTRIBUTES if above else KEYS_ONLY
        chosen = EncodeOptions(component_ids=ids, series_only=True, **options)
        return b"".join(encode(header, [PreparedDataset(dsd, preamble, batches)], chosen))

    return call


def series_batches(dsd: Dsd, series: list[dict[str, str]]) -> list[Batch]:
    """Two batches, as a store that reads on may give them."""
    schema = batch_schema(dsd, KEYS_ONLY)
    return [
        *batches_from_rows(dsd, series[:2], schema),
        *batches_from_rows(dsd, series[2:], schema),
    ]


def lines(body: bytes) -> list[str]:
    return body.decode().rstrip("\r\n").split("\r\n")


# -- SDMX-CSV --------------------------------------------------------------------------------------


def test_csv_has_the_dimensions_of_the_series_alone(write: Write) -> None:
    assert lines(write("csv")) == [
        "STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,SEX",
        "dataflow,TST:DF_T(1.0.0),R,A,IDN,SEX_T",
        "dataflow,TST:DF_T(1.0.0),R,A,IDN,SEX_F",
        "dataflow,TST:DF_T(1.0.0),R,A,LAO,SEX_T",
    ]


def test_csv_has_attributes_of_series_groups_and_dataset(
    write: Write, above: tuple[AttributeValues, ...]
) -> None:
    head, *rows = lines(write("csv", above))
    assert head == ("STRUCTURE,STRUCTURE_ID,ACTION,FREQ,REF_AREA,SEX,UNIT_MEASURE,COVERAGE,TITLE")
    assert rows == [
        "dataflow,TST:DF_T(1.0.0),R,,,,,,All & sundry",
        'dataflow,TST:DF_T(1.0.0),R,,IDN,,,"whole, ""national"" <area>",',
        "dataflow,TST:DF_T(1.0.0),R,A,IDN,SEX_T,PS,,",
        "dataflow,TST:DF_T(1.0.0),R,A,IDN,SEX_F,,,",
        "dataflow,TST:DF_T(1.0.0),R,A,LAO,SEX_T,PC,,",
    ]


def test_csv_has_keys_of_series_and_none_of_observations(write: Write) -> None:
    head, first, *_ = lines(write("csv", keys="both"))
    assert head.startswith("STRUCTURE,STRUCTURE_ID,ACTION,SERIES_KEY,OBS_KEY,FREQ")
    assert first == "dataflow,TST:DF_T(1.0.0),R,A.IDN.SEX_T,,A,IDN,SEX_T"


@pytest.mark.parametrize("labels", ["both", "name"])
def test_csv_labels_leave_the_period_out_too(write: Write, labels: str) -> None:
    head, first, *_ = lines(write("csv", labels=labels))
    assert "TIME_PERIOD" not in head
    assert head.count(",") == first.count(",")


# -- SDMX-JSON -------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
def test_json_has_series_without_observations(
    write: Write, check_json: Callable[[bytes, str], Any], packed: bool
) -> None:
    message = check_json(write("json", pack_single_values=packed), "data")
    (structure,), (dataset,) = message["data"]["structures"], message["data"]["dataSets"]
    assert all("observations" not in series for series in dataset["series"].values())
    assert "observations" not in dataset
    assert structure["measures"]["observation"] == []
    (time,) = structure["dimensions"]["observation"]
    assert time["id"] == "TIME_PERIOD"
    assert "values" not in time
    assert json_series(message) == SERIES


def test_29_json_has_attributes_of_series_groups_and_dataset(
    write: Write, above: tuple[AttributeValues, ...], check_json: Callable[[bytes, str], Any]
) -> None:
    message = check_json(write("json", above), "data")
    (dataset,) = message["data"]["dataSets"]
    assert json_series(message) == SERIES
    assert dataset["attributes"] == ["All & sundry"]
    assert len(dataset["dimensionGroupAttributes"]) == 1
    (unit,) = message["data"]["structures"][0]["attributes"]["series"]
    units = [value["id"] for value in unit["values"]]
    listed = [series["attributes"] for series in dataset["series"].values()]
    assert sorted(units[own] for (own,) in listed if own is not None) == ["PC", "PS"]


def test_29_json_1_0_has_all_that_is_above_the_observations_of_a_series_with_it(
    write: Write, above: tuple[AttributeValues, ...]
) -> None:
    message = json.loads(write("json10", above))
    (dataset,) = message["data"]["dataSets"]
    attributes = message["data"]["structure"]["attributes"]["series"]
    found = [
        {
            attribute["id"]: attribute["values"][cell]
            for attribute, cell in zip(attributes, series["attributes"], strict=True)
            if cell is not None
        }
        for series in dataset["series"].values()
    ]
    assert next(sorted(values) for values in found if values) == ["COVERAGE", "UNIT_MEASURE"]
    assert {values["UNIT_MEASURE"]["id"] for values in found if "UNIT_MEASURE" in values} == {
        "PS",
        "PC",
    }
    covered = [values["COVERAGE"] for values in found if "COVERAGE" in values]
    assert covered
    assert all(value == {"name": 'whole, "national" <area>'} for value in covered)


def json_series(message: Any) -> list[dict[str, str]]:
    """Return the series keys as a reader of the field guide finds them."""
    dimensions = message["data"]["structures"][0]["dimensions"]
    fixed = {d["id"]: d["values"][0]["id"] for d in dimensions["dataSet"]}
    return [
        fixed
        | {
            d["id"]: d["values"][int(place)]["id"]
            for d, place in zip(dimensions["series"], key.split(":"), strict=True)
        }
        for key in message["data"]["dataSets"][0]["series"]
    ]


# -- SDMX-ML ---------------------------------------------------------------------------------------


def xml_series(body: bytes) -> list[dict[str, str]]:
    """Return the values of each series: of its key and attributes."""
    found = []
    for series in etree.fromstring(body).iterfind(".//{*}Series"):
        values = {value.get("id"): value.get("value") for value in series.iterfind(".//{*}Value")}
        found.append(values or dict(series.attrib))
    return found


@pytest.mark.parametrize("name", ML)
@pytest.mark.parametrize("has_attributes", [False, True])
def test_ml_has_valid_series_without_observations(
    write: Write,
    dsd: Dsd,
    above: tuple[AttributeValues, ...],
    name: str,
    has_attributes: bool,
    ml_schema: Callable[..., etree.XMLSchema],
) -> None:
    body = write(name, above if has_attributes else ())
    version = {"ml30": "3.0", "ml31": "3.1"}.get(name, "2.1")
    layouts = [] if "generic" in name else [(dsd, "TIME_PERIOD")]
    schema = ml_schema(version, layouts, is_time_series="timeseries" in name)
    schema.assertValid(etree.fromstring(body))
    assert etree.fromstring(body).find(".//{*}Obs") is None
    units = [{"UNIT_MEASURE": "PS"}, {}, {"UNIT_MEASURE": "PC"}] if has_attributes else [{}] * 3
    assert xml_series(body) == [key | unit for key, unit in zip(SERIES, units, strict=True)]
    assert (b"Group" in body) == has_attributes


def test_sdmx1_reads_the_same_series(write: Write) -> None:
    message = sdmx.read_sdmx(io.BytesIO(write("ml21-generic")))
    keys = [
        {id: str(value.value) for id, value in key.values.items()} for key in message.data[0].series
    ]
    assert keys == SERIES
    assert not message.data[0].obs


def test_a_series_that_has_attributes_and_no_row_stands_beside_the_others(write: Write) -> None:
    alone = AttributeValues(SERIES[2], {"UNIT_MEASURE": "PC"})
    for name in ("ml21", "ml21-generic"):
        body = write(name, (alone,), SERIES[:2])
        assert xml_series(body) == [*SERIES[:2], SERIES[2] | {"UNIT_MEASURE": "PC"}]


# -- every format ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry",
    [
        entry
        for entry in DATA_FORMATS
        if entry.encode and entry.extension in (".csv", ".json", ".xml")
    ],
    ids=lambda entry: entry.name,
)
def test_no_period_is_claimed(
    write: Write, entry: DataFormat, above: tuple[AttributeValues, ...]
) -> None:
    body = write(entry, above).decode()
    if entry.extension == ".json":
        data = json.loads(body)["data"]
        structure = data["structure"] if entry.name == "json10" else data["structures"][0]
        (time,) = structure["dimensions"]["observation"]
        assert set(time) - {"values"} == {"id", "name", "roles", "keyPosition"}
        # Before 2.1 the list must be there.
        assert time.get("values", []) == []
    else:
        text = body.replace('dimensionAtObservation="TIME_PERIOD"', "")
        assert "TIME_PERIOD" not in text.replace("ObsLevelDim:TIME_PERIOD", "")


@every_format
def test_another_layout_is_refused_at_once_with_the_one_there_is(
    write: Write, entry: DataFormat
) -> None:
    for dimension in ("AllDimensions", "SEX"):
        with pytest.raises(
            NotExpressibleError, match=f"TIME_PERIOD.*{dimension}|{dimension}.*TIME"
        ):
            write(entry, dimension_at_observation=dimension)


@pytest.mark.parametrize("name", ["json", *READABLE_ML])
def test_no_series_is_a_whole_message(write: Write, name: str, test_structures: Structures) -> None:
    decode = find_data_format(name).decode
    assert decode
    report = Report()
    (found,) = decode(io.BytesIO(write(name, series=[])), test_structures, report)
    assert report.findings == []
    assert list(found.attributes) == []
    assert sum(batch.num_rows for batch in found.batches) == 0


@pytest.mark.parametrize("name", ["json", *ML])
def test_a_series_that_comes_twice_is_refused(write: Write, name: str) -> None:
    for series in ([SERIES[0]] * 2, [SERIES[0], SERIES[1], SERIES[0]]):
        with pytest.raises(UnorderedRowsError):
            write(name, series=series)


@pytest.mark.parametrize("name", ["json", *READABLE_ML])
def test_reading_series_alone_gives_their_attributes_and_no_observation(
    write: Write, above: tuple[AttributeValues, ...], test_structures: Structures, name: str
) -> None:
    decode = find_data_format(name).decode
    assert decode
    report = Report()
    (found,) = decode(io.BytesIO(write(name, above)), test_structures, report)
    assert report.findings == []
    assert sum(batch.num_rows for batch in found.batches) == 0
    given = {(tuple(e.key.items()), *e.values.items()) for e in found.attributes}
    assert given == {(tuple(e.key.items()), *e.values.items()) for e in above}
