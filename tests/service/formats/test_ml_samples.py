"""Every official SDMX-ML data sample is read, to what a plain walk over its elements gives."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from codelists.base import Maintainable
from codelists.item_scheme import Concept
from codelists.urn import Urn
from dsd.batch import rows_of
from dsd.finding import Report
from dsd.localised import compose
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.structure import DataAttribute, DataStructure, Measure
from dsd.structures import Structures
from service.formats import find_structure_format
from service.formats.ml_reading import Ways, decode_ml

Row = dict[str, Any]
EXR = "2.1/samples/exr"
NG, RG, SG = (f"{EXR}/ecb_exr_{name}" for name in ("ng", "rg", "sg"))
SIMPLE = "samples/Data - Simple Data Attributes/ECB_EXR.xml"
COMPLEX = "samples/Data - Complex Data Attributes/ECB_EXR_CA.xml"

# The sample, its structure, its observations, and the findings on what is itself wrong or cannot be kept.
SAMPLES: list[tuple[str, str, int, list[str]]] = [
    ("2.1/samples/demography/demography_xs.xml", "2.1/samples/demography/demography.xml", 60, []),
    *(
        (f"{folder}/{file}.xml", f"{folder}/{folder[-10:]}.xml", 12, [])
        for folder, files in (
            (NG, ("generic/ecb_exr_ng_flat", "generic/ecb_exr_ng_ts", "generic/ecb_exr_ng_ts_gf")),
            (NG, ("generic/ecb_exr_ng_xs", "structured/ecb_exr_ng_flat", "structured/ecb_exr_ng_ts")),
            (NG, ("structured/ecb_exr_ng_ts_gf", "structured/ecb_exr_ng_xs")),
            (RG, ("generic/ecb_exr_rg_flat", "generic/ecb_exr_rg_ts", "generic/ecb_exr_rg_ts_gf")),
            (RG, ("structured/ecb_exr_rg_flat", "structured/ecb_exr_rg_ts")),
            (RG, ("structured/ecb_exr_rg_ts_gf", "structured/ecb_exr_rg_xs")),
            (SG, ("generic/ecb_exr_sg_flat", "generic/ecb_exr_sg_ts", "generic/ecb_exr_sg_ts_gf")),
            (SG, ("structured/ecb_exr_sg_ts", "structured/ecb_exr_sg_ts_gf", "structured/ecb_exr_sg_xs")),
            (SG, ("structured/ecb_exr_sg_ts_gf_flat",)),
        )
        for file in files
    ),
    # Their observations say CURRENY for CURRENCY.
    (f"{RG}/generic/ecb_exr_rg_xs.xml", f"{RG}/ecb_exr_rg.xml", 12, ["unknown-component"]),
    (f"{SG}/generic/ecb_exr_sg_xs.xml", f"{SG}/ecb_exr_sg.xml", 12, ["unknown-component"] + ["incomplete-key"] * 3),
    *(
        (f"{version}/{file}", f"{version}/samples/{structure}", count, findings)
        for version in ("3.0", "3.1")
        for file, structure, count, findings in (
            (SIMPLE, "Data Structure Definition/ECB_EXR.xml", 116, []),
            # SOURCE_PUB has two values, where its DSD takes one.
            (COMPLEX, "Data - Complex Data Attributes/ECB_EXR_CA_DSD.xml", 3 if version == "3.0" else 4, ["several-values"]),
        )
    ),
]  # fmt: skip


class OneStructure(Structures):
    """The structure of a sample, whatever it is called: its code lists and concepts are not all there."""

    def __init__(self, artefacts: list[Maintainable]) -> None:
        super().__init__(artefacts)
        (self.structure,) = self.of_type(DataStructure)

    def dsd(self, reference: str | Urn) -> Dsd:
        """Return the DSD without its representations."""
        parts = self.structure.data_structure_components
        assert parts
        dimensions = parts.dimension_list
        found: list[tuple[Role, Any]] = [(Role.DIMENSION, d) for d in dimensions.dimensions]
        if dimensions.time_dimension:
            found.append((Role.TIME, dimensions.time_dimension))
        found += [
            (Role.MEASURE, m) for m in (parts.measure_list.measures if parts.measure_list else ())
        ]
        found += [
            (Role.ATTRIBUTE, a)
            for a in (parts.attribute_list.attributes if parts.attribute_list else ())
        ]
        return Dsd(
            self.structure,
            None,
            None,
            tuple(component(role, number, d) for number, (role, d) in enumerate(found)),
        )


def component(role: Role, number: int, definition: Any) -> ResolvedComponent:
    local = definition.local_representation
    return ResolvedComponent(
        id=definition.id,
        role=role,
        position=number,
        concept=Concept(id=definition.id),
        definition=definition,
        codelist=None,
        text_format=local.format if local else None,
        is_mandatory=isinstance(definition, DataAttribute | Measure)
        and definition.usage == "mandatory",
        is_multiple=bool(local and local.is_multiple),
        relationship=definition.attribute_relationship
        if isinstance(definition, DataAttribute)
        else None,
    )


def structure_of(path: Path) -> OneStructure:
    version = path.relative_to(path.parents[-1]).as_posix()
    name = "ml21" if "/2.1/" in f"/{version}" else "ml30" if "/3.0/" in f"/{version}" else "ml31"
    decode = find_structure_format(name).decode
    assert decode
    return OneStructure(
        [a for a in decode(path.read_bytes(), Report()) if isinstance(a, DataStructure)]
    )


# -- the plain walk --------------------------------------------------------------------------------


def local(element: etree._Element) -> str:
    return etree.QName(element).localname


def values_of(element: etree._Element, at_observation: str, *, explicit: bool) -> Row:
    """Return all that an element says of itself."""
    found: Row = {id: text for id, text in element.attrib.items() if "{" not in id and id != "type"}
    for name, text in element.attrib.items():
        if explicit and etree.QName(name).localname == "type" and "{" in name:
            found[at_observation] = text.split(":")[1]
    for child in element:
        kind = local(child)
        if kind in ("SeriesKey", "GroupKey", "ObsKey", "Attributes"):
            found |= {value.attrib["id"]: value.attrib["value"] for value in child}
        elif kind == "ObsDimension":
            found[child.get("id", at_observation)] = child.attrib["value"]
        elif kind == "ObsValue":
            found["OBS_VALUE"] = child.attrib["value"]
        elif kind == "Comp":
            texts = [text_of(value) for value in child]
            found[child.attrib["id"]] = (
                ";".join(texts) if child.attrib["id"] == "SOURCE_PUB" else texts
            )
    return found


def text_of(value: etree._Element) -> str:
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    texts = {text.get(lang, "en"): text.text or "" for text in value}
    return compose(texts) if texts else value.text or ""


def walk(body: bytes, keys: tuple[str, ...]) -> Iterator[Row]:
    """Yield each observation with all that is said of it at any level."""
    root = etree.fromstring(body)
    (structure,) = root.iterfind("{*}Header/{*}Structure")
    dimension = structure.get("dimensionAtObservation", "TIME_PERIOD")
    explicit = structure.get("explicitMeasures") == "true"
    for dataset in root.iterfind("{*}DataSet"):
        groups = [values_of(e, dimension, explicit=False) for e in dataset if local(e) == "Group"]
        for series in dataset:
            if local(series) == "Obs":
                yield with_groups(values_of(series, dimension, explicit=explicit), groups, keys)
            elif local(series) == "Series":
                above = values_of(series, dimension, explicit=False)
                for element in series:
                    if local(element) == "Obs":
                        row = above | values_of(element, dimension, explicit=explicit)
                        yield with_groups(row, groups, keys)


def with_groups(row: Row, groups: list[Row], keys: tuple[str, ...]) -> Row:
    for group in groups:
        if all(row[id] == group[id] for id in keys if id in group):
            row = group | row
    return row


def expanded(
    rows: list[Row], attributes: list[tuple[Mapping[str, str], Mapping[str, Any]]]
) -> list[Row]:
    """Return rows with the values that stand above them."""
    found = []
    for row in rows:
        whole = {id: value for id, value in row.items() if not id.startswith("$")}
        for key, values in attributes:
            if key.items() <= row.items():
                whole |= {id: list(v) if isinstance(v, tuple) else v for id, v in values.items()}
        found.append(whole)
    return found


@pytest.mark.parametrize(
    ("file", "structure", "count", "findings"), SAMPLES, ids=[entry[0] for entry in SAMPLES]
)
@pytest.mark.parametrize("ways", [Ways(), Ways(600, 0)], ids=["exact", "bulk"])
def test_a_sample_is_read(
    shared: Any, file: str, structure: str, count: int, findings: list[str], ways: Ways
) -> None:
    folder = shared / "spec/samples/xml"
    structures = structure_of(folder / structure)
    body = (folder / file).read_bytes()
    report = Report()
    (dataset,) = decode_ml(io.BytesIO(body), structures, report, ways=ways)
    rows = list(rows_of(dataset.batches))
    assert len(rows) == count
    assert [finding.rule for finding in report.findings] == findings
    lines = body.decode().splitlines()
    assert all("Obs" in lines[int(row["$locator"].split(":")[1]) - 1] for row in rows)
    if "unknown-component" not in findings:
        attributes = [(entry.key, entry.values) for entry in dataset.attributes]
        oracle = list(walk(body, dataset.dsd.key_ids))
        assert expanded(rows, attributes) == oracle


def test_every_data_sample_is_in_the_list(shared: Any) -> None:
    folder = shared / "spec/samples/xml"
    roots = (
        "GenericData",
        "GenericTimeSeriesData",
        "StructureSpecificData",
        "StructureSpecificTimeSeriesData",
    )
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.glob("*/samples/**/*.xml")
        if any(f":{root} ".encode() in path.read_bytes()[:400] for root in roots)
    }
    assert found == {entry[0] for entry in SAMPLES}
