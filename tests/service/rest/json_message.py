"""SDMX-JSON data of any version walked by its own rules: every index in range, every member where the guide has it.

It shares nothing with the reader of the service. sdmx-json, data-message/docs/1-sdmx-json-field-guide.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

ZONE = re.compile(r"(Z|[+-]\d\d:\d\d)$")
LEVELS = ("dataSet", "series", "observation")
RELATIONSHIPS = {"dataflow", "none", "dimensions", "group", "observation", "primaryMeasure"}

Row = dict[str, str]


@dataclass
class Told:
    """One data set: its observations (or series, where there are no observations) and what stands above them."""

    action: str
    urn: str
    """Of what the message says it is about."""
    rows: list[Row] = field(default_factory=list)
    above: list[tuple[Row, Row]] = field(default_factory=list)
    annotations: int = 0


class Walk:
    """A message of SDMX-JSON 1.0, 2.0 or 2.1."""

    def __init__(self, message: dict[str, Any]) -> None:
        self.message = message
        self.data = message["data"]
        self.is_1_0 = "structure" in self.data
        self.structures = [self.data["structure"]] if self.is_1_0 else self.data["structures"]
        assert "errors" not in message or not message["errors"]
        self.check_meta()
        for structure in self.structures:
            self.check_structure(structure)

    def check_meta(self) -> None:
        meta = self.message["meta"]
        declared = self.message.get("$schema") or meta["schema"]
        assert declared.startswith("https://json.sdmx.org/")
        assert meta["id"]
        assert meta["sender"]["id"]
        assert meta["test"] is False
        assert ZONE.search(meta["prepared"])

    def check_structure(self, structure: dict[str, Any]) -> None:
        assert structure["links"][0]["urn"].startswith("urn:sdmx:org.sdmx.infomodel.")
        dimensions = self.dimensions(structure)
        assert [d["keyPosition"] for d in dimensions] == list(range(len(dimensions)))
        if not self.is_1_0:
            assert isinstance(structure["measures"]["observation"], list)
        ids = {d["id"] for d in dimensions}
        attributes = [a for level in structure["attributes"].values() for a in level]
        assert len({a["id"] for a in attributes}) == len(attributes)
        for attribute in attributes:
            (kind,) = attribute["relationship"]
            assert kind in RELATIONSHIPS
            if kind == "dimensions":
                assert set(attribute["relationship"][kind]) <= ids
        for component in (*dimensions, *attributes):
            assert component["name"]
            values = [str(self.text_of(entry)) for entry in component.get("values", [])]
            assert len(set(values)) == len(values), component["id"]
            assert "" not in values

    @staticmethod
    def dimensions(structure: dict[str, Any]) -> list[dict[str, Any]]:
        """Return all dimensions in the order of the key."""
        listed = [d for level in LEVELS for d in structure["dimensions"].get(level, [])]
        return sorted(listed, key=lambda d: d["keyPosition"])

    @staticmethod
    def text_of(entry: dict[str, Any]) -> Any:
        return next(entry[name] for name in ("id", "value", "name") if name in entry)

    def datasets(self) -> Iterator[Told]:
        for number, dataset in enumerate(self.data["dataSets"]):
            place = dataset.get("structure", 0)
            assert 0 <= place < len(self.structures)
            structure = self.structures[place]
            if not self.is_1_0:
                assert number in structure["dataSets"]
            yield self.dataset(structure, dataset)

    def dataset(self, structure: dict[str, Any], dataset: dict[str, Any]) -> Told:
        told = Told(dataset["action"], structure["links"][0]["urn"])
        levels = structure["dimensions"]
        attributes = structure["attributes"]
        base = {d["id"]: self.text_of(d["values"][0]) for d in levels.get("dataSet", [])}
        assert all(len(d["values"]) == 1 for d in levels.get("dataSet", []))
        self.note(told, dataset)
        listed = dataset.get("attributes", [])
        self.stand_above(told, {}, attributes.get("dataSet", []), listed)
        for key, cells in dataset.get("dimensionGroupAttributes", {}).items():
            # As in the official sample: the slots of a key are in the order in which the structure lists dimensions.
            listed_dimensions = [d for level in LEVELS for d in levels.get(level, [])]
            names = self.key(listed_dimensions, key, partial=True)
            groups = attributes.get("dimensionGroup", [])
            self.note_cells(told, cells, len(groups))
            self.stand_above(told, names, groups, cells[: len(groups)])
        assert ("series" in dataset) != ("observations" in dataset)
        for key, series in dataset.get("series", {}).items():
            names = base | self.key(levels["series"], key)
            self.stand_above(
                told, names, attributes.get("series", []), series.get("attributes", [])
            )
            self.note(told, series)
            if "observations" not in series:
                told.rows.append(dict(names))
            self.observations(told, structure, names, series.get("observations", {}))
        self.observations(told, structure, base, dataset.get("observations", {}))
        return told

    def observations(
        self, told: Told, structure: dict[str, Any], names: Row, found: dict[str, list[Any]]
    ) -> None:
        measures = structure.get("measures", {}).get("observation", [])
        if self.is_1_0:
            measures = [{"id": "OBS_VALUE"}]
        components = [*measures, *structure["attributes"].get("observation", [])]
        for key, cells in found.items():
            row = names | self.key(structure["dimensions"]["observation"], key)
            self.note_cells(told, cells, len(components))
            for component, cell in zip(components, cells, strict=False):
                if cell is not None:
                    row[component["id"]] = self.value(component, cell)
            told.rows.append(row)

    def key(self, dimensions: list[dict[str, Any]], key: str, *, partial: bool = False) -> Row:
        parts = key.split(":") if dimensions else []
        assert len(parts) == len(dimensions), key
        return {
            dimension["id"]: self.text_of(self.entry(dimension, int(part)))
            for dimension, part in zip(dimensions, parts, strict=True)
            if part or not partial
        }

    def entry(self, component: dict[str, Any], index: int) -> dict[str, Any]:
        values = component["values"]
        assert type(index) is int, component["id"]
        assert 0 <= index < len(values), f"{component['id']}: {index} of {len(values)}"
        entry: dict[str, Any] = values[index]
        return entry

    def value(self, component: dict[str, Any], cell: Any) -> str:
        if component.get("values"):
            indexes = cell if isinstance(cell, list) else [cell]
            return ";".join(str(self.text_of(self.entry(component, index))) for index in indexes)
        texts = cell if isinstance(cell, list) else [cell]
        assert "" not in texts
        return ";".join(str(text) for text in texts)

    def stand_above(
        self, told: Told, key: Row, components: list[dict[str, Any]], cells: list[Any]
    ) -> None:
        assert len(cells) <= len(components)
        values = {
            component["id"]: self.value(component, cell)
            for component, cell in zip(components, cells, strict=False)
            if cell is not None
        }
        if values:
            told.above.append((key, values))

    def note(self, told: Told, noted: dict[str, Any]) -> None:
        for index in noted.get("annotations", []):
            self.annotation(told, index)

    def note_cells(self, told: Told, cells: list[Any], components: int) -> None:
        """What follows all components of an array are annotations; a shorter array has none."""
        for index in cells[components:]:
            self.annotation(told, index)

    def annotation(self, told: Told, index: Any) -> None:
        assert type(index) is int
        assert any(0 <= index < len(s.get("annotations", [])) for s in self.structures)
        told.annotations += 1


def walked(message: dict[str, Any]) -> list[Told]:
    """Return the data sets of a message, every index looked up and every rule asserted."""
    return list(Walk(message).datasets())
