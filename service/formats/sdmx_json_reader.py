"""SDMX-JSON 2.x data: the decoder. sdmx-json 2.1.0, data-message."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec
import numpy as np
import pyarrow as pa

from codelists.urn import UrnSyntaxError
from dsd.dataset import Action, Dataset
from dsd.finding import Finding, Report, Severity
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.structures import Structures, UnknownArtefactError
from service.formats.contract import NO_OPTIONS, DecodeOptions
from service.formats.levels import Level, Value, column_of, dimensions_of, hoisted, spread
from service.formats.levels import Stated as Above

_REQUESTED = ("ProvisionAgreement", "Dataflow", "DataStructure")


def decode_json(
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions = NO_OPTIONS,
) -> Iterator[Dataset]:
    """Yield the datasets of an SDMX-JSON 2.x message, in order, whatever their packing.

    Numbers keep their digits. Rows carry `$locator`, a JSON pointer (RFC 6901). Attributes stand where the
    DSD attaches them, wherever the message has them. What is wrong is reported; what cannot be read for it is
    left out.
    """
    try:
        message = msgspec.json.Decoder(float_hook=str).decode(stream.read().removeprefix(BOM_UTF8))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        report.add(_fatal("not-json", f"The file is no JSON: {error}.", None))
        return
    data = message.get("data") if isinstance(message, dict) else None
    stated = data.get("structures") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(stated, list):
        text = "The message has no data.structures, so it is no SDMX-JSON 2.x data message."
        report.add(_fatal("not-sdmx-json", text, "pointer:/data"))
        return
    for number, entry in enumerate(data.get("dataSets") or ()):
        pointer = f"/data/dataSets/{number}"
        try:
            dataset = _dataset(entry, stated, pointer, structures, report)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            text = f"The dataset is not laid out as SDMX-JSON 2.x has it ({type(error).__name__}: {error})."
            report.add(_fatal("not-sdmx-json", text, f"pointer:{pointer}"))
            continue
        if dataset is not None:
            yield from dataset


def _fatal(rule: str, message: str, locator: str | None) -> Finding:
    return Finding(rule=rule, severity=Severity.FATAL, message=message, locator=locator)


def _dataset(
    entry: Mapping[str, Any],
    stated: Sequence[Mapping[str, Any]],
    pointer: str,
    structures: Structures,
    report: Report,
) -> list[Dataset] | None:
    structure = stated[entry.get("structure", 0)]
    dsd = _resolve(
        [*structure.get("links", ()), *entry.get("links", ())], structures, pointer, report
    )
    return None if dsd is None else _Reader(entry, structure, dsd, pointer, report).datasets()


def _resolve(
    links: Sequence[Mapping[str, Any]], structures: Structures, pointer: str, report: Report
) -> Dsd | None:
    """Return the structure that the first fitting link names."""
    urns = [link["urn"] for link in links if link.get("urn")]
    for urn in urns:
        try:
            return structures.dsd(urn)
        except (UnknownArtefactError, UrnSyntaxError):
            continue
    named = ", ".join(urns) or "no link has a URN"
    text = f"The dataset names no known structure and was left out: {named}."
    report.add(_fatal("unknown-structure", text, f"pointer:{pointer}"))
    return None


@dataclass(frozen=True)
class _Stated:
    """A component as the message states it."""

    id: str
    values: tuple[Value | None, ...] | None
    """Values that rows refer to by number, None where they stand in place."""
    default: str | None


def _stated(entries: Sequence[Mapping[str, Any]] | None) -> list[_Stated]:
    return [
        _Stated(
            entry["id"],
            tuple(map(_value_of, entry["values"])) if entry.get("values") is not None else None,
            entry.get("default"),
        )
        for entry in entries or ()
    ]


def _value_of(entry: Mapping[str, Any] | None) -> Value | None:
    if entry is None:
        return None
    for member in ("id", "value", "values", "name"):
        if entry.get(member) is not None:
            return _text(entry[member])
    return None


def _text(value: Any) -> Value | None:
    """Return a JSON value as text, digit for digit; a list as several texts."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return tuple(text for text in map(_text, value) if isinstance(text, str))
    return str(value)


class _Reader:
    """One dataset on its way to columns."""

    def __init__(
        self,
        entry: Mapping[str, Any],
        structure: Mapping[str, Any],
        dsd: Dsd,
        pointer: str,
        report: Report,
    ) -> None:
        self.entry = entry
        self.dsd = dsd
        self.pointer = pointer
        self.report = report
        dimensions = structure.get("dimensions", {})
        self.dimensions = {
            level: _stated(dimensions.get(level)) for level in ("dataSet", "series", "observation")
        }
        attributes = structure.get("attributes", {})
        self.attributes = {
            level: _stated(attributes.get(level))
            for level in ("dataSet", "dimensionGroup", "series", "observation")
        }
        self.measures = _stated(structure.get("measures", {}).get("observation"))
        self._wrong: set[str] = set()

    def datasets(self) -> list[Dataset]:
        """Return the dataset."""
        self.report_components()
        columns, locators, above = self.rows()
        above += self.above()
        action = Action(self.entry.get("action") or Action.MERGE.value)
        actions = np.full(len(locators), action, object)
        level = Level(self.dsd, columns, actions, pa.array(locators, pa.string()))
        spread(level, above)
        rows, lifted = hoisted(level, self.report)
        values = [
            entry for entry in above if dimensions_of(self.dsd, self.dsd[entry.id]) is not None
        ]
        attributes = level.attribute_values(values, lifted.get(action, []), self.report)
        return [Dataset(self.dsd, level.batches(rows, own_actions=False), action, attributes)]

    def report_components(self) -> None:
        """Report components that the DSD does not have, and dimensions that the message does not have."""
        stated = [c.id for level in self.dimensions.values() for c in level]
        everything = [*stated, *(c.id for c in self.measures)]
        everything += [c.id for level in self.attributes.values() for c in level]
        for id in everything:
            if id not in self.dsd:
                self.add(
                    "unknown-component",
                    f"{self.dsd.urn.short} has no component {id!r}; it was left out.",
                    id,
                )
        for id in self.dsd.key_ids:
            if id not in stated and self.entry.get("action") != Action.DELETE.value:
                text = f"The message has no dimension {id} ({self.dsd[id].name}) of {self.dsd.urn.short}."
                self.add("missing-dimension", text, id)

    def add(self, rule: str, message: str, component: str, pointer: str | None = None) -> None:
        """Report an error, each kind once a component."""
        if f"{rule} {component}" in self._wrong:
            return
        self._wrong.add(f"{rule} {component}")
        self.report.add(
            Finding(
                rule=rule,
                severity=Severity.ERROR,
                message=message,
                dataflow=self.dsd.urn.short,
                component=component,
                locator=f"pointer:{pointer or self.pointer}",
            )
        )

    # -- values ------------------------------------------------------------------------------------

    def value(self, component: _Stated, raw: Any, pointer: str) -> Value | None:
        """Return the value that a number or text in an array stands for."""
        if component.values is None or isinstance(raw, str):
            return _text(raw)
        if isinstance(raw, list):
            parts = [self.value(component, part, pointer) for part in raw]
            return tuple(part for part in parts if isinstance(part, str))
        if raw is None:
            return None
        if not isinstance(raw, int) or not 0 <= raw < len(component.values):
            text = f"{component.id} refers to value {raw}, but the message states {len(component.values)} values."
            self.add("index-out-of-range", text, component.id, pointer)
            return None
        return component.values[raw]

    def key(self, level: str, key: str, pointer: str) -> dict[str, str | None]:
        """Return the dimension values of a key `0:3:1`."""
        stated = self.dimensions[level]
        parts = key.split(":") if stated else []
        if len(parts) != len(stated):
            text = f"The key {key!r} has {len(parts)} parts, the message states {len(stated)} dimensions."
            self.add("wrong-key", text, level, pointer)
            return {}
        found: dict[str, str | None] = {}
        for component, part in zip(stated, parts, strict=True):
            value = self.value(component, int(part), pointer)
            found[component.id] = value if isinstance(value, str) else None
        return found

    def fixed_key(self) -> dict[str, str | None]:
        """Return the dimensions that have one value for the whole dataset."""
        found: dict[str, str | None] = {}
        for component in self.dimensions["dataSet"]:
            value = component.values[0] if component.values else None
            found[component.id] = value if isinstance(value, str) else None
        return found

    # -- rows --------------------------------------------------------------------------------------

    def rows(self) -> tuple[dict[str, pa.Array], list[str], list[Above]]:
        """Return the columns and locators of the observations, and the attribute values of series."""
        keys: list[dict[str, str | None]] = []
        owners: list[int] = []
        found: list[tuple[str, list[Any]]] = []
        locators: list[str] = []
        above: list[Above] = []
        for pointer, key, series in self.series():
            number = len(keys)
            keys.append(key)
            above += self.listed(self.attributes["series"], series.get("attributes"), key, pointer)
            for at, values in series.get("observations", {}).items():
                owners.append(number)
                found.append((at, values if isinstance(values, list) else [values]))
                locators.append(f"pointer:{pointer}/observations/{at}")
        return self.columns(keys, owners, found, locators), locators, above

    def series(self) -> Iterator[tuple[str, dict[str, str | None], Mapping[str, Any]]]:
        """Yield (pointer, key, series); a flat dataset is one series without key of its own."""
        fixed = self.fixed_key()
        if self.entry.get("observations") is not None:
            yield self.pointer, fixed, {"observations": self.entry["observations"]}
        for key, series in (self.entry.get("series") or {}).items():
            pointer = f"{self.pointer}/series/{key}"
            yield pointer, fixed | self.key("series", key, pointer), series

    def columns(
        self,
        keys: list[dict[str, str | None]],
        owners: list[int],
        found: list[tuple[str, list[Any]]],
        locators: list[str],
    ) -> dict[str, pa.Array]:
        """Return the columns of the observations."""
        columns: dict[str, pa.Array] = {}
        taken = pa.array(owners, pa.int32())
        for id in {id: None for key in keys for id in key}:
            if id in self.dsd:
                columns[id] = (
                    pa.array([key.get(id) for key in keys], pa.string())
                    .dictionary_encode()
                    .take(taken)
                )
        distinct = {
            at: self.key("observation", at, self.pointer)
            for at in dict.fromkeys(at for at, _ in found)
        }
        for component in self.dimensions["observation"]:
            if component.id in self.dsd:
                texts = [distinct[at].get(component.id) for at, _ in found]
                columns[component.id] = pa.array(texts, pa.string()).dictionary_encode()
        for place, component in enumerate([*self.measures, *self.attributes["observation"]]):
            if component.id in self.dsd:
                raw = [values[place] if len(values) > place else None for _, values in found]
                columns[component.id] = self.column(component, raw, locators)
        return columns

    def column(self, component: _Stated, raw: list[Any], locators: list[str]) -> pa.Array:
        """Return the values of a measure or attribute."""
        definition: ResolvedComponent = self.dsd[component.id]
        whole = None if definition.is_multiple else _plain_column(component, raw)
        if whole is not None:
            is_text = definition.role is Role.MEASURE
            return whole if is_text else whole.dictionary_encode()
        values = [
            self.value(component, entry, locator.removeprefix("pointer:"))
            for entry, locator in zip(raw, locators, strict=True)
        ]
        if component.default is not None:
            values = [component.default if value is None else value for value in values]
        return column_of(definition, values)

    # -- values above the observation ----------------------------------------------------------------

    def listed(
        self,
        components: list[_Stated],
        raw: Sequence[Any] | None,
        key: Mapping[str, str | None],
        pointer: str,
    ) -> list[Above]:
        """Return the values of an `attributes` array, with the key that they hold for."""
        known = {id: text for id, text in key.items() if text is not None}
        found = []
        for component, entry in zip(components, raw or (), strict=False):
            value = self.value(component, entry, pointer)
            if value is not None and component.id in self.dsd:
                found.append(Above(component.id, known, value, f"pointer:{pointer}"))
        return found

    def above(self) -> list[Above]:
        """Return the values of the dataset and of groups."""
        found = self.listed(
            self.attributes["dataSet"], self.entry.get("attributes"), {}, self.pointer
        )
        order = sorted(
            (c for level in self.dimensions.values() for c in level),
            key=lambda c: self.dsd.key_ids.index(c.id) if c.id in self.dsd.key_ids else 99,
        )
        for key, raw in (self.entry.get("dimensionGroupAttributes") or {}).items():
            pointer = f"{self.pointer}/dimensionGroupAttributes/{key}"
            named: dict[str, str | None] = {}
            for component, part in zip(order, key.split(":"), strict=False):
                if part not in ("", "~"):
                    value = self.value(component, int(part), pointer)
                    named[component.id] = value if isinstance(value, str) else None
            found += self.listed(self.attributes["dimensionGroup"], raw, named, pointer)
        return found


def _plain_column(component: _Stated, raw: list[Any]) -> pa.Array | None:
    """Return the values where all are texts, or all numbers of values in range; None for any other case."""
    try:
        if component.values is None:
            column = pa.array(raw, pa.string())
        else:
            texts = pa.array(component.values, pa.string())
            column = texts.take(pa.array(raw, pa.int32()))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowIndexError, TypeError):
        return None
    return column if component.default is None else column.fill_null(component.default)
