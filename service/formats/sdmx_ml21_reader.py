"""SDMX-ML 2.1 data: the decoder of generic and structure-specific messages.

SDMX 2.1 Section 3A. One pass of a streaming parser; a document type, and with it every entity of the
document's own, is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from codelists.urn import Urn, UrnSyntaxError, parse_urn
from dsd.dataset import Action, Dataset
from dsd.finding import Finding, Report, Severity
from dsd.resolved import Dsd
from dsd.structures import Structures, UnknownArtefactError
from service.formats.contract import NO_OPTIONS, DecodeOptions
from service.formats.levels import Level, Stated, column_of, dimensions_of, hoisted, spread
from service.formats.sdmx_ml21 import BASE, VALUE_SEPARATOR

_CLASSES = {
    "Structure": "DataStructure",
    "StructureUsage": "Dataflow",
    "ProvisionAgrement": "ProvisionAgreement",
}
_ROOTS = frozenset(
    (
        "GenericData",
        "GenericTimeSeriesData",
        "StructureSpecificData",
        "StructureSpecificTimeSeriesData",
    )
)
_NOT_COMPONENTS = frozenset(("type", "id"))

Values = dict[str, str]


class _RefusedError(Exception):
    """The document is not one that is read; says why."""


@dataclass
class _Rows:
    """The content of one dataset element."""

    structure: str
    action: str | None
    line: int
    series: list[Values] = field(default_factory=list)
    observations: list[tuple[int, Values, int]] = field(default_factory=list)
    """Number of the series, values, line."""
    attributes: list[tuple[Values, Values, int]] = field(default_factory=list)
    """Key, values, line; of structure-specific series and groups all values stand in the second."""


class _Handler:
    """Gathers datasets from the events of the parser."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        self.parser = parser
        self.path: list[str] = []
        self.structures: dict[str, Urn] = {}
        self.header_action: str | None = None
        self.structure_id = ""
        self.text = ""
        self.rows: _Rows | None = None
        self.finished: list[_Rows] = []
        self.key: Values = {}
        self.values: Values = {}
        self.series_key: Values = {}
        self.line = 0
        self.shapes: dict[tuple[str, ...], bool] = {}
        """Names of XML attributes that observations have, and whether all of them are components."""
        self.starts: dict[str, Callable[[Mapping[str, str]], None]] = {
            "DataSet": self.start_dataset,
            "Group": self.start_group,
            "Series": self.start_series,
            "Obs": self.start_observation,
            "Value": self.start_value,
            "ObsDimension": self.start_value,
            "ObsValue": self.start_value,
            "Ref": self.start_reference,
        }
        self.ends: dict[str, Callable[[], None]] = {
            "DataSet": self.end_dataset,
            "Group": self.end_group,
            "SeriesKey": self.end_series_key,
            "Attributes": self.end_attributes,
            "Obs": self.end_observation,
            "URN": self.end_urn,
            "DataSetAction": self.end_action,
        }

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take the start of an element."""
        space, _, local = name.rpartition(" ")
        if not self.path and (local not in _ROOTS or space != f"{BASE}/message"):
            raise _RefusedError(
                f"the root is {local} of {space or 'no namespace'}; an SDMX-ML 2.1 data message has one of "
                f"{', '.join(sorted(_ROOTS))} of {BASE}/message"
            )
        self.path.append(local)
        self.text = ""
        handle = self.starts.get(local)
        if local == "Structure" and attributes.get("structureID"):
            self.structure_id = attributes["structureID"]
        elif handle is not None:
            handle(attributes)

    def end(self, name: str) -> None:
        """Take the end of an element."""
        local = name.rpartition(" ")[2]
        handle = self.ends.get(local)
        if handle is not None:
            handle()
        self.path.pop()

    def characters(self, text: str) -> None:
        """Take text."""
        self.text += text

    # -- header ------------------------------------------------------------------------------------

    def start_reference(self, attributes: Mapping[str, str]) -> None:
        """Take the reference of a header's structure."""
        type_name = _CLASSES.get(self.path[-2] if len(self.path) > 1 else "")
        if type_name and "Header" in self.path:
            self.structures[self.structure_id] = Urn(
                type_name,
                attributes.get("agencyID", ""),
                attributes.get("id", ""),
                attributes.get("version", "1.0"),
            )

    def end_urn(self) -> None:
        """Take the reference of a header's structure that is written as a URN."""
        if len(self.path) > 1 and self.path[-2] in _CLASSES and "Header" in self.path:
            try:
                self.structures.setdefault(self.structure_id, parse_urn(self.text.strip()))
            except UrnSyntaxError as error:
                raise _RefusedError(str(error)) from error

    def end_action(self) -> None:
        """Take the action of the header."""
        self.header_action = self.text.strip()

    # -- dataset -----------------------------------------------------------------------------------

    def start_dataset(self, attributes: Mapping[str, str]) -> None:
        """Start a dataset; the attributes of its own namespace name structure and action."""
        local = {name.rpartition(" ")[2]: value for name, value in attributes.items()}
        self.rows = _Rows(
            local.get("structureRef", ""),
            local.get("action", self.header_action),
            self.parser.CurrentLineNumber,
        )
        self.series_key = {}
        self.rows.attributes.append(({}, _components(attributes), self.rows.line))

    def end_dataset(self) -> None:
        """Finish a dataset."""
        if self.rows is not None:
            self.finished.append(self.rows)
        self.rows = None

    def start_group(self, attributes: Mapping[str, str]) -> None:
        """Start a group."""
        self.key, self.values = {}, {}
        self.line = self.parser.CurrentLineNumber
        found = _components(attributes)
        if found and self.rows is not None:
            self.rows.attributes.append(({}, found, self.line))

    def end_group(self) -> None:
        """Leave a group, whose key does not hold for what follows."""
        self.key = {}

    def start_series(self, attributes: Mapping[str, str]) -> None:
        """Start a series."""
        self.key, self.values = {}, {}
        self.line = self.parser.CurrentLineNumber
        self.series_key = _components(attributes)
        if self.rows is not None:
            self.rows.series.append(self.series_key)
            self.rows.attributes.append(({}, self.series_key, self.line))

    def end_series_key(self) -> None:
        """Keep the key of a generic series."""
        self.series_key = dict(self.key)
        if self.rows is None or not self.rows.series:
            raise _RefusedError("a SeriesKey stands outside of a Series")
        self.rows.series[-1] = self.series_key

    def start_observation(self, attributes: Mapping[str, str]) -> None:
        """Start an observation."""
        shape = tuple(attributes)
        is_plain = self.shapes.get(shape)
        if is_plain is None:
            is_plain = self.shapes[shape] = len(_components(attributes)) == len(attributes)
        self.values = dict(attributes) if is_plain else _components(attributes)
        self.line = self.parser.CurrentLineNumber

    def end_observation(self) -> None:
        """Finish an observation."""
        if self.rows is None:
            return
        number = len(self.rows.series) - 1
        self.rows.observations.append((number, self.values, self.line))
        self.values = {}

    def start_value(self, attributes: Mapping[str, str]) -> None:
        """Take a component value of a generic message."""
        local, parent = self.path[-1], self.path[-2]
        id = attributes.get("id", "OBS_VALUE" if local == "ObsValue" else "TIME_PERIOD")
        target = self.key if parent in ("GroupKey", "SeriesKey") else self.values
        target[id] = attributes.get("value", "")

    def end_attributes(self) -> None:
        """Keep the attribute values of a generic dataset, group or series."""
        if self.rows is not None and self.path[-2] != "Obs":
            self.rows.attributes.append((dict(self.key), self.values, self.line))
            self.values = {}


def _components(attributes: Mapping[str, str]) -> Values:
    """Return the XML attributes that are components: those without a namespace."""
    return {
        name: value
        for name, value in attributes.items()
        if " " not in name
        and name not in _NOT_COMPONENTS
        and name not in ("structureRef", "action")
    }


def decode_ml21(
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions = NO_OPTIONS,
) -> Iterator[Dataset]:
    """Yield the datasets of an SDMX-ML 2.1 data message, generic or structure-specific, in order.

    Rows carry `$locator`, the line of the observation. Several values of a component that takes several are
    split at `;`. Attributes stand where the DSD attaches them. What is wrong is reported.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    handler = _Handler(parser)
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.characters
    parser.StartDoctypeDeclHandler = _refuse_document_type
    try:
        parser.ParseFile(stream)
    # The parser raises LookupError or ValueError for an encoding that it does not know.
    except (expat.ExpatError, LookupError, ValueError, _RefusedError) as error:
        report.add(
            Finding(
                rule="not-sdmx-ml",
                severity=Severity.FATAL,
                message=f"The file cannot be read as SDMX-ML 2.1: {error}.",
                locator=f"line:{parser.CurrentLineNumber}",
            )
        )
        return
    for rows in handler.finished:
        dsd = _resolve(handler.structures.get(rows.structure), rows, structures, report)
        if dsd is not None:
            yield _Reader(dsd, rows, report).dataset()


def _refuse_document_type(*_: object) -> None:
    raise _RefusedError("it has a document type (DTD), which SDMX-ML never needs")


def _resolve(urn: Urn | None, rows: _Rows, structures: Structures, report: Report) -> Dsd | None:
    reason = f"structureRef {rows.structure!r} is not in the header"
    if urn is not None:
        try:
            return structures.dsd(urn)
        except UnknownArtefactError as error:
            reason = str(error)
    report.add(
        Finding(
            rule="unknown-structure",
            severity=Severity.FATAL,
            message=f"The dataset names no known structure and was left out: {reason}.",
            locator=f"line:{rows.line}",
        )
    )
    return None


class _Reader:
    """One dataset on its way to columns."""

    def __init__(self, dsd: Dsd, rows: _Rows, report: Report) -> None:
        self.dsd = dsd
        self.rows = rows
        self.report = report
        self._unknown: set[str] = set()

    def dataset(self) -> Dataset:
        """Return the dataset."""
        rows = self.rows.observations
        locators = pa.array([f"line:{line}" for _, _, line in rows], pa.string())
        action = self.action()
        level = Level(self.dsd, self.columns(), np.full(len(rows), action, object), locators)
        stated = list(self.stated())
        spread(level, stated)
        kept, lifted = hoisted(level, self.report)
        above = [s for s in stated if dimensions_of(self.dsd, self.dsd[s.id]) is not None]
        values = level.attribute_values(above, lifted.get(action, []), self.report)
        return Dataset(self.dsd, level.batches(kept, own_actions=False), action, values)

    def action(self) -> Action:
        """Return the action of the dataset, Merge where there is none."""
        word = self.rows.action or Action.MERGE.value
        if word in Action.__members__.values():
            return Action(word)
        self.report.add(
            Finding(
                rule="unknown-action",
                severity=Severity.ERROR,
                message=f"{word!r} is no action; write one of Append, Replace, Delete, Information.",
                value=word,
                locator=f"line:{self.rows.line}",
            )
        )
        return Action.MERGE

    def columns(self) -> dict[str, pa.Array]:
        """Return the columns of the observations."""
        rows, series = self.rows.observations, self.rows.series
        owners = pa.array([number for number, _, _ in rows], pa.int32())
        columns: dict[str, pa.Array] = {}
        for id in self.dsd.key_ids:
            if any(id in key for key in series):
                texts = pa.array([key.get(id) for key in series], pa.string())
                columns[id] = texts.dictionary_encode().take(owners)
        shapes = {tuple(values): line for _, values, line in reversed(rows)}
        names = {name: line for shape, line in shapes.items() for name in shape}
        for id, line in names.items():
            if self.is_known(id, line):
                found: list[str | tuple[str, ...] | None] = [
                    values.get(id) for _, values, _ in rows
                ]
                if self.dsd[id].is_multiple:
                    found = [self.value(id, values.get(id)) for _, values, _ in rows]
                columns[id] = column_of(self.dsd[id], found)
        return columns

    def value(self, id: str, text: str | None) -> str | tuple[str, ...] | None:
        """Return a value, several where the component takes several."""
        if text is None or not self.dsd[id].is_multiple:
            return text
        return tuple(part for part in text.split(VALUE_SEPARATOR) if part)

    def stated(self) -> Iterator[Stated]:
        """Yield the attribute values above the observation, each with its key."""
        for key, values, line in self.rows.attributes:
            whole = key | {id: text for id, text in values.items() if id in self.dsd.key_ids}
            for id, text in values.items():
                if id in self.dsd.key_ids or not self.is_known(id, line):
                    continue
                value = self.value(id, text)
                if value is not None:
                    yield Stated(id, whole, value, f"line:{line}")

    def is_known(self, id: str, line: int) -> bool:
        """Tell whether the DSD has a component; report one that it has not, once."""
        if id in self.dsd:
            return True
        if id not in self._unknown:
            self._unknown.add(id)
            self.report.add(
                Finding(
                    rule="unknown-component",
                    severity=Severity.ERROR,
                    message=f"{self.dsd.urn.short} has no component {id!r}; it was left out.",
                    dataflow=self.dsd.urn.short,
                    component=id,
                    locator=f"line:{line}",
                )
            )
        return False
