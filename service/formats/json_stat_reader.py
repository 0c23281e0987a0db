"""JSON-stat 2.0: the decoder. https://json-stat.org/full. Not in SDMX.

Reads what `json_stat` writes, and datasets of others (Eurostat, national offices) where the caller names the
structure: dimensions and attributes are then known by their ids.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from codelists.urn import Urn, UrnSyntaxError
from dsd.dataset import Action, AttributeValues, Dataset, SetAttributes
from dsd.finding import Finding, Report, Severity
from dsd.localised import has_marks, takes_languages
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.structures import Structures, UnknownArtefactError
from service.formats.contract import NO_OPTIONS, DecodeOptions
from service.formats.hoisting import Hoister
from service.formats.json_stat import STATUS
from service.formats.levels import Level, column_of, same_action
from service.formats.localised_texts import marked

_VALUE = (str, int, type(None))


class _NotJsonStatError(ValueError):
    """Something in the message is not as JSON-stat has it: what, and a JSON pointer to it."""

    def __init__(self, message: str, pointer: str) -> None:
        super().__init__(message)
        self.pointer = pointer


def decode_json_stat(
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions = NO_OPTIONS,
) -> Iterator[Dataset]:
    """Yield the data set of a dataset, or those that a collection holds."""
    try:
        # Numbers stay the texts that they are in the message.
        message = msgspec.json.Decoder(float_hook=str).decode(stream.read().removeprefix(BOM_UTF8))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        report.add(_fatal("not-json", f"The text is no JSON: {error}."))
        return
    for pointer, entry in _datasets(message, ""):
        try:
            reading = _reading(entry, pointer, structures, report, options)
            found = reading.datasets() if reading is not None else []
        except _NotJsonStatError as error:
            report.add(_fatal("not-json-stat", f"{error}.", error.pointer))
            continue
        yield from found


def _datasets(message: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    """Yield the datasets of a message with their pointers."""
    if isinstance(message, dict) and message.get("class") == "collection":
        link = message.get("link")
        items = link.get("item") if isinstance(link, dict) else None
        for number, item in enumerate(items if isinstance(items, list) else ()):
            yield from _datasets(item, f"{pointer}/link/item/{number}")
        return
    yield pointer, message


def _fatal(rule: str, message: str, pointer: str | None = None) -> Finding:
    locator = None if pointer is None else f"pointer:{pointer or '/'}"
    return Finding(rule=rule, severity=Severity.FATAL, message=message, locator=locator)


# -- the parts of a dataset ------------------------------------------------------------------------


def _expect(found: Any, kind: type | tuple[type, ...], what: str, pointer: str) -> Any:
    if not isinstance(found, kind):
        raise _NotJsonStatError(
            f"{what} is not as JSON-stat 2.0 has it: {str(found)[:60]!r}", pointer
        )
    return found


def _categories(entry: Any, size: int, pointer: str) -> list[str]:
    """Return the codes of a dimension in the order of the cube."""
    category = _expect(
        _expect(entry, dict, "the dimension", pointer).get("category"), dict, "category", pointer
    )
    index = category.get("index")
    if index is None:
        # A dimension of one category may leave its index out.
        index = list(_expect(category.get("label"), dict, "category", pointer))
    if isinstance(index, dict):
        places = [_expect(place, int, "a place of an index", pointer) for place in index.values()]
        if sorted(places) != list(range(len(index))):
            raise _NotJsonStatError(
                "the places of the index are not 0 to one less than the size", pointer
            )
        index = sorted(index, key=index.__getitem__)
    codes = [
        str(_expect(code, str, "a code", pointer))
        for code in _expect(index, list, "index", pointer)
    ]
    if len(codes) != size:
        raise _NotJsonStatError(f"the index has {len(codes)} codes and the size is {size}", pointer)
    return codes


def _by_place(values: Any, cells: int, pointer: str) -> dict[int, Any]:
    """Return values by their place in the cube: given as an array, as an object, or one text for all."""
    if values is None:
        return {}
    if isinstance(values, list):
        if len(values) > cells:
            raise _NotJsonStatError(f"there are {len(values)} values and {cells} cells", pointer)
        return {place: value for place, value in enumerate(values) if value is not None}
    found = {}
    for place, value in _expect(values, dict, "the values", pointer).items():
        if not place.isdecimal() or int(place) >= cells:
            raise _NotJsonStatError(
                f"{place[:40]!r} is no place in a cube of {cells} cells", f"{pointer}/{place}"
            )
        found[int(place)] = value
    return found


def _text(value: Any, pointer: str) -> str | None:
    """Return a value as its text; a number as it was written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    found = _expect(value, _VALUE, "a value", pointer)
    return None if found is None else str(found)


# -- a dataset -------------------------------------------------------------------------------------


def _reading(
    entry: Any,
    pointer: str,
    structures: Structures,
    report: Report,
    options: DecodeOptions,
) -> _Reading | None:
    """Return a dataset ready to be read, None (and a finding) where its structure is not known."""
    entry = _expect(entry, dict, "the dataset", pointer)
    extension = entry.get("extension")
    own = extension.get("sdmx") if isinstance(extension, dict) else None
    own = _expect({} if own is None else own, dict, "extension.sdmx", f"{pointer}/extension/sdmx")
    named: str | Urn | None = own.get("structure") or options.structure
    if named is None:
        report.add(
            _fatal(
                "unknown-structure",
                "JSON-stat does not say the SDMX structure of its values (extension.sdmx.structure): name the "
                "dataflow, provision agreement or data structure.",
                pointer,
            )
        )
        return None
    try:
        dsd = structures.dsd(named)
    except (UrnSyntaxError, UnknownArtefactError) as error:
        report.add(_fatal("unknown-structure", f"The structure cannot be used: {error}.", pointer))
        return None
    ids = [str(id) for id in _expect(entry.get("id"), list, "id", f"{pointer}/id")]
    sizes = _expect(entry.get("size"), list, "size", f"{pointer}/size")
    sizes = [_expect(size, int, "a size", f"{pointer}/size") for size in sizes]
    if len(ids) != len(sizes) or any(size < 0 for size in sizes) or prod(sizes) >= 2**62:
        raise _NotJsonStatError("id and size do not fit each other", f"{pointer}/size")
    dimensions = _expect(entry.get("dimension"), dict, "dimension", f"{pointer}/dimension")
    codes = {
        id: _categories(dimensions.get(id), size, f"{pointer}/dimension/{id}")
        for id, size in zip(ids, sizes, strict=True)
    }
    return _Reading(dsd, entry, own, pointer, codes, report)


@dataclass(frozen=True)
class _Reading:
    """A dataset on its way to rows."""

    dsd: Dsd
    entry: Mapping[str, Any]
    own: Mapping[str, Any]
    pointer: str
    codes: Mapping[str, list[str]]
    report: Report

    def datasets(self) -> list[Dataset]:
        """Return the data set.

        Raises:
            _NotJsonStatError: something is not as JSON-stat has it.
        """
        action, said, above = self.stated()
        hoister = Hoister(self.dsd, self.report)
        for entry in above:
            for id, value in entry.values.items():
                if id in self.dsd and self.unmarked(self.dsd[id], value) is None:
                    continue
                hoister.state(action, id, entry.key, value, None)
        values = self.values()
        places = np.array(sorted({place for found in values.values() for place in found}), np.int64)
        level = Level(
            self.dsd,
            self.keys(places)
            | {id: self.column(id, found, places) for id, found in values.items()},
            same_action(action, len(places)),
            pa.array(
                [f"pointer:{self.pointer}/value/{place}" for place in places.tolist()], pa.string()
            ),
        )
        rows = hoister.hoist(level)
        batches = level.batches(rows, own_actions=False) if len(rows) else []
        return [Dataset(self.dsd, batches, action, tuple(hoister.entries(action)), said)]

    def stated(self) -> tuple[Action, SetAttributes, list[AttributeValues]]:
        """Return what `extension.sdmx` says of the data set."""
        pointer = f"{self.pointer}/extension/sdmx"
        try:
            action = Action(self.own.get("action", Action.MERGE))
            said = msgspec.convert(self.own.get("set", {}), SetAttributes)
            above = msgspec.convert(self.own.get("above", []), list[_Above])
        except (ValueError, msgspec.ValidationError) as error:
            raise _NotJsonStatError(f"extension.sdmx cannot be read: {error}", pointer) from error
        return action, said, [AttributeValues(e.key, e.values) for e in above]

    def component(self, id: str) -> ResolvedComponent | None:
        """Return a component by its id, in whatever case."""
        return self.dsd.by_id.get(id) or self.dsd.by_id.get(id.upper())

    def values(self) -> dict[str, dict[int, Any]]:
        """Return, by component, the values by place; `null` values of cells that are there are kept as None."""
        cells = prod(len(codes) for codes in self.codes.values())
        pointer = f"{self.pointer}/value"
        found: dict[str, dict[int, Any]] = {}
        measure = self.dsd.measures[0].id if self.dsd.measures else None
        if measure is not None:
            found[measure] = _by_place(self.entry.get("value"), cells, pointer)
            texts = _by_place(self.own.get("texts"), cells, f"{self.pointer}/extension/sdmx/texts")
            found[measure].update(texts)
        status = self.entry.get("status")
        if isinstance(status, str):
            status = dict.fromkeys(map(str, found.get(measure or "", {})), status)
        attributes = {STATUS: status, **_members(self.own.get("attributes"), self.pointer)}
        for id, values in attributes.items():
            by_place = _by_place(values, cells, f"{self.pointer}/status")
            if by_place and self.component(id) is None:
                self.add(
                    "unknown-component",
                    id,
                    f"{id} is no component of {self.dsd.urn.short}; its values were left out.",
                )
            elif by_place:
                found[id] = by_place
        return found

    def keys(self, places: npt.NDArray[np.int64]) -> dict[str, pa.Array]:
        """Return the columns of the dimensions."""
        columns: dict[str, pa.Array] = {}
        sizes = tuple(len(codes) for codes in self.codes.values())
        numbers = (
            np.unravel_index(places, sizes) if len(places) else [np.empty(0, np.int64)] * len(sizes)
        )
        for (id, codes), own in zip(self.codes.items(), numbers, strict=True):
            component = self.component(id)
            if component is None or component.id not in self.dsd.key_ids:
                if len(codes) > 1:
                    raise _NotJsonStatError(
                        f"{id} is no dimension of {self.dsd.urn.short}",
                        f"{self.pointer}/dimension/{id}",
                    )
                self.add(
                    "custom-column",
                    id,
                    f"{id} is no dimension of {self.dsd.urn.short}; its one code {codes} was left out.",
                    Severity.WARNING,
                )
                continue
            indices = pa.array(own.astype(np.int32))
            columns[component.id] = pa.DictionaryArray.from_arrays(
                indices, pa.array(codes, pa.string())
            )
        for id in self.dsd.key_ids:
            if id not in columns and self.entry.get("id"):
                self.missing(id)
        return columns

    def missing(self, id: str) -> None:
        """Report a dimension of the structure that the cube does not have, unless it holds series alone."""
        is_series = self.dsd.time_dimension is not None and id == self.dsd.time_dimension.id
        if not is_series or self.entry.get("value"):
            self.add(
                "missing-dimension",
                id,
                f"The cube has no dimension {id}, which {self.dsd.urn.short} has.",
            )

    def column(self, id: str, values: Mapping[int, Any], places: npt.NDArray[np.int64]) -> pa.Array:
        """Return the column of a measure or attribute."""
        component = self.component(id) or self.dsd[id]
        pointer = f"{self.pointer}/value"
        several = component.role is Role.ATTRIBUTE
        found = [
            [_text(v, pointer) for v in value]
            if several and isinstance(value := values.get(place), list)
            else _text(values.get(place), pointer)
            for place in places.tolist()
        ]
        return column_of(component, [self.unmarked(component, value) for value in found])

    def unmarked(self, component: ResolvedComponent, value: Any) -> Any:
        """Return a value; None where a text in one language holds what parts several."""
        if not takes_languages(component) or not any(map(has_marks, value or ())):
            return value
        self.report.add(marked(self.dsd, component.id, f"pointer:{self.pointer}/value"))
        return None

    def add(self, rule: str, id: str, message: str, severity: Severity = Severity.ERROR) -> None:
        """Report something about a component."""
        self.report.add(
            Finding(
                rule=rule,
                severity=severity,
                message=message,
                dataflow=self.dsd.urn.short,
                component=id,
                locator=f"pointer:{self.pointer}/dimension/{id}",
            )
        )


class _Above(msgspec.Struct):
    """Values above the observation."""

    key: dict[str, str]
    values: dict[str, str | tuple[str, ...]]


def _members(found: Any, pointer: str) -> dict[str, Any]:
    where = f"{pointer}/extension/sdmx/attributes"
    return dict(_expect({} if found is None else found, dict, "attributes", where))
