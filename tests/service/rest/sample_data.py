"""A few observations of a structure that has a component of every kind and attributes at every level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dsd.batch import batches_from_rows
from dsd.dataset import AttributeValues, Dataset
from dsd.resolved import Dsd
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures

DF_T = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_T(1.0.0)"
V1 = "/sdmx/v1/data/TST,DF_T,1.0.0"
V2 = "/sdmx/v2/data/dataflow/TST/DF_T/1.0.0"


def row(number: str, key: str, value: str | None, **more: Any) -> tuple[str, dict[str, Any]]:
    names = ("FREQ", "REF_AREA", "SEX", "TIME_PERIOD")
    found: dict[str, Any] = dict(zip(names, key.split("."), strict=True))
    return number, found | ({} if value is None else {"OBS_VALUE": value}) | more


ROWS = dict(
    [
        row("1", "A.IDN.SEX_F.2020", "NaN", OBS_STATUS="A", NOTE="#N/A"),
        row("2", "A.IDN.SEX_F.2021", "10", OBS_STATUS="B", NOTE="a.b,c"),
        row("3", "A.IDN.SEX_M.2020", "1", OBS_STATUS="A", METHOD=["M1", "M2"], AGE_MIN="15"),
        row("4", "A.IDN.SEX_M.2021", "2.50", OBS_STATUS="E", NOTE='x;y "q"', METHOD=["M2"]),
        row("5", "A.IDN.SEX_M.2022", None, OBS_STATUS="A", NOTE="no value"),
        row("6", "A.LAO.SEX_M.2020", "-3", OBS_STATUS="A"),
        row("7", "Q.LAO.SEX_M.2020-Q1", "0", OBS_STATUS="A", AGE_MIN="9"),
        row("8", "Q.LAO.SEX_M.2020-Q2", "1e2", OBS_STATUS="A", AGE_MIN="100"),
    ]
)
"""By a number, in the order of their keys."""

ABOVE = (
    AttributeValues({}, {"TITLE": "The euro <title> & more"}),
    AttributeValues({"REF_AREA": "IDN"}, {"COVERAGE": "All of IDN"}),
    AttributeValues({"REF_AREA": "LAO"}, {"COVERAGE": "Part of LAO"}),
    AttributeValues({"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_F"}, {"UNIT_MEASURE": "PC"}),
    AttributeValues({"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_M"}, {"UNIT_MEASURE": "PS"}),
    AttributeValues({"FREQ": "Q", "REF_AREA": "LAO", "SEX": "SEX_M"}, {"UNIT_MEASURE": "PS"}),
)


def sample_structures(examples: Path, name: str = "structures") -> Structures:
    body = (examples / "formats" / "structures" / f"{name}.json").read_bytes()
    return Structures(decode_structures(body).data.all())


def sample_dataset(dsd: Dsd) -> Dataset:
    return Dataset(dsd, batches_from_rows(dsd, list(ROWS.values())), attributes=ABOVE)


def numbers_of(rows: list[dict[str, str]]) -> str:
    """Return which observations these are, in the order in which they come."""
    by_key = {key_of(own): number for number, own in ROWS.items()}
    return "".join(by_key[key_of(own)] for own in rows)


def key_of(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[id] for id in ("FREQ", "REF_AREA", "SEX", "TIME_PERIOD"))


DF_E = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_E(1.0.0)"
"""Several measures, coded and of several values; attributes of any dimensions, of several values too."""
V2_E = "/sdmx/v2/data/dataflow/TST/DF_E/1.0.0"


def measured_dataset(dsd: Dsd) -> Dataset:
    def observed(area: str, sex: str, year: str, **more: Any) -> dict[str, Any]:
        return {"REF_AREA": area, "SEX": sex, "TIME_PERIOD": year} | more

    first = {"OBS_VALUE": "1.5", "PERSONS": "10", "RATING": "LOW", "SOURCES": ["x", "y;z"]}
    rows = [
        observed("IDN", "F", "2020", OBS_VALUE="NaN", RATING="HIGH"),
        observed("IDN", "M", "2020", METHOD=["M1", "M2"], REMARK="r", CHECKED="true", **first),
        observed("IDN", "M", "2021", PERSONS="9"),
        observed("LAO", "F", "2021", SOURCES=["x"]),
    ]
    above = [
        AttributeValues({}, {"TOPIC": ("M1", "M2"), "LICENCE": "CC"}),
        AttributeValues({"REF_AREA": "IDN"}, {"REGION": "R", "COVERAGE": ("c1", "c2")}),
        AttributeValues({"REF_AREA": "IDN", "TIME_PERIOD": "2020"}, {"ROUND": "first"}),
        AttributeValues({"REF_AREA": "IDN", "SEX": "F"}, {"BREAKDOWN": "b"}),
        AttributeValues({"REF_AREA": "IDN", "SEX": "M"}, {"CONTACT": ("p", "q"), "UNIT": "PS"}),
        AttributeValues({"REF_AREA": "LAO", "SEX": "F"}, {"UNIT": "PC"}),
    ]
    return Dataset(dsd, list(batches_from_rows(dsd, rows)), attributes=above)
