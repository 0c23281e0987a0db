"""The rows of one SDMX-JSON data set.

Each window of observations is read in bulk where it is laid out as SDMX-JSON has it and every number is in
range, else member by member. Both give the same rows and findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from codelists.text import DEFAULT_LANGUAGE
from dsd.batch import ANNOTATIONS, Batch
from dsd.dataset import Action, AttributeValues, Dataset, SetAttributes
from dsd.finding import Finding, Report, Severity
from dsd.localised import (
    components_with_languages,
    compose,
    has_marks,
    is_language_tag,
    takes_languages,
)
from dsd.resolved import Dsd, ResolvedComponent, Role
from service.formats.columns import dictionary_of
from service.formats.csv_cells import split_sub_fields
from service.formats.hoisting import Hoister
from service.formats.json_annotations import AnnotationList
from service.formats.json_described import (
    Described,
    certain,
    described,
    key_numbers_of,
    numbered,
    plain_texts,
    text_of,
)
from service.formats.json_observations import (
    Keys,
    Observations,
    find_observations,
)
from service.formats.json_text import loads, members
from service.formats.json_window import Flags, Numbers, Window, cut, windows
from service.formats.lazy import LazyBatches
from service.formats.levels import Level, Stated, Value, column_of, dimensions_of, spread
from service.formats.localised_texts import is_unmarked, marked
from service.formats.reading_rule import metadata_not_kept


@dataclass(frozen=True)
class Bulk:
    """The long parts of a data set as they stand in the message; None where one is absent or no object."""

    series: memoryview | None = None
    observations: memoryview | None = None

    @property
    def texts(self) -> list[memoryview]:
        """Those that there are."""
        return [text for text in (self.series, self.observations) if text is not None]


@dataclass
class _Seen:
    """Keys that were read, so that one that comes again in another window is known."""

    texts: set[str] = field(default_factory=set)
    numbers: list[Numbers] = field(default_factory=list)


class DataSetReader:
    """One data set on its way to columns."""

    def __init__(
        self,
        entry: Mapping[str, Any],
        structure: Mapping[str, Any],
        dsd: Dsd,
        pointer: str,
        report: Report,
        action: Action,
        said: SetAttributes,
        *,
        has_measures: bool,
    ) -> None:
        self.entry = entry
        self.dsd = dsd
        self.pointer = pointer
        self.report = report
        self.action = action
        self.said = said
        self.is_1_0 = not has_measures
        self._wrong: set[str] = set()
        speaking = {component.id for component in components_with_languages(dsd)}
        dimensions = structure.get("dimensions", {})
        self.dimensions = {
            level: described(dimensions.get(level), self.localised, ())
            for level in ("dataSet", "series", "observation")
        }
        attributes = structure.get("attributes", {})
        self.attributes = {
            level: described(attributes.get(level), self.localised, speaking)
            for level in ("dataSet", "dimensionGroup", "series", "observation")
        }
        measures = structure.get("measures") or {}
        # 1.0 describes no measure: the first cell is the value.
        first = [Described(component.id, None, None) for component in dsd.measures[:1]]
        self.lacks_measures = has_measures and structure.get("measures") is None
        states_them = has_measures and not self.lacks_measures
        stated = measures.get("observation")
        self.measures = described(stated, self.localised, speaking) if states_them else first
        self.cells = [*self.measures, *self.attributes["observation"]]
        self.annotations = AnnotationList(structure.get("annotations") or (), self.tell_annotation)
        self._seen = _Seen()

    def datasets(self, bulk: Bulk) -> Iterator[Dataset]:
        """Yield the dataset; its rows are read as they are asked for."""
        self.report_components()
        hoister = Hoister(self.dsd, self.report)
        above = self.above()
        self.state(above, hoister)
        inside = [
            e
            for e in above
            if e.id != ANNOTATIONS and dimensions_of(self.dsd, self.dsd[e.id]) is None
        ]
        batches = LazyBatches(self.batches(bulk, inside, hoister))
        has_above = bool(self.annotations) or any(
            dimensions_of(self.dsd, c) is not None for c in self.dsd.attributes
        )
        entries: Sequence[AttributeValues] = hoister.entries(self.action) if has_above else ()
        yield Dataset(self.dsd, batches, self.action, entries, self.said)
        batches.keep_rest()

    def state(self, stated: Iterable[Stated], hoister: Hoister) -> None:
        """Keep values that the DSD attaches above the observation."""
        for entry in stated:
            if entry.id == ANNOTATIONS:
                own = dict(entry.key)
                hoister.state(self.action, entry.id, own, entry.value, entry.locator)
                continue
            dimensions = dimensions_of(self.dsd, self.dsd[entry.id])
            if dimensions is None:
                continue
            key = {id: entry.key[id] for id in dimensions if id in entry.key}
            if len(key) < len(dimensions):
                hoister.report_incomplete(entry.id, key, dimensions, entry.locator)
            else:
                hoister.state(self.action, entry.id, key, entry.value, entry.locator)

    def batches(self, bulk: Bulk, inside: list[Stated], hoister: Hoister) -> Iterator[Batch]:
        """Yield the rows, window by window."""
        for text, is_flat in ((bulk.observations, True), (bulk.series, False)):
            for window in windows(text) if text is not None else ():
                try:
                    level, stated = self.level(window, is_flat)
                except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
                    self.report_layout(error)
                    continue
                self.state(stated, hoister)
                spread(level, [*inside, *stated])
                rows = hoister.hoist(level)
                yield from level.batches(rows, own_actions=False)
        self.report_repeated_keys()

    def level(self, window: Window, is_flat: bool) -> tuple[Level, list[Stated]]:
        """Return the rows of a window, and the values that their series state."""
        if not window.text.isascii():
            window.text.decode()
        own = self.at("flat" if is_flat else "observation")
        found = find_observations(window, len(self.at("series")), len(own), is_flat=is_flat)
        level = None if found is None else self.in_bulk(window, found)
        return self.one_by_one(window, is_flat) if level is None else level

    def report_layout(self, error: Exception) -> None:
        """Report a window that holds something else than series or observations."""
        self.report.add(
            Finding(
                rule="not-sdmx-json",
                severity=Severity.FATAL,
                message=f"Some of the dataset is not laid out as SDMX-JSON has it ({type(error).__name__}: {error}).",
                dataflow=self.dsd.urn.short,
                locator=f"pointer:{self.pointer}",
            )
        )

    def report_components(self) -> None:
        """Report components that the DSD does not have, and dimensions that the message does not have."""
        stated = [c.id for level in self.dimensions.values() for c in level]
        everything = [*stated, *(c.id for c in self.measures)]
        everything += [c.id for level in self.attributes.values() for c in level]
        for id in everything:
            if self.dsd.is_metadata(id):
                place = f"pointer:{self.pointer}"
                self.report.add(metadata_not_kept(id, self.dsd.urn.short, place))
            elif id not in self.dsd:
                self.add(
                    "unknown-component",
                    f"{self.dsd.urn.short} has no component {id!r}; it was left out.",
                    id,
                )
        for id in self.dsd.key_ids:
            if id not in stated and self.action is not Action.DELETE:
                text = f"The message has no dimension {id} ({self.dsd[id].name}) of {self.dsd.urn.short}."
                self.add("missing-dimension", text, id)
        if self.lacks_measures:
            self.report.add(
                Finding(
                    rule="missing-measures",
                    severity=Severity.WARNING,
                    message="The structure does not describe its measures, as SDMX-JSON 2.x asks for; the first cell of "
                    "each observation was read as the measure.",
                    dataflow=self.dsd.urn.short,
                    locator=f"pointer:{self.pointer}",
                )
            )

    def tell_annotation(self, rule: str, message: str, member: str) -> None:
        """Report an annotation of the structure that cannot be kept as it is."""
        self.report.add(
            Finding(
                rule=rule,
                severity=Severity.WARNING,
                message=message,
                dataflow=self.dsd.urn.short,
                locator=f"pointer:{self.pointer}/{member}",
            )
        )

    def noted(self, numbers: Any, pointer: str) -> str | None:
        """Return the annotations that numbers stand for; None where there is none."""
        if not numbers:
            return None
        try:
            return self.annotations.text_of(numbers)
        except (IndexError, TypeError):
            text = f"Annotations {numbers} are referred to, but the message states {len(self.annotations)}."
            self.add("index-out-of-range", text, ANNOTATIONS, pointer)
            return None

    def noted_on(self, numbers: Any, key: Mapping[str, str | None], pointer: str) -> list[Stated]:
        """Return the annotations of a data set, group or series."""
        text = self.noted(numbers, pointer)
        known = {id: value for id, value in key.items() if value is not None and id in self.dsd}
        return [] if text is None else [Stated(ANNOTATIONS, known, text, f"pointer:{pointer}")]

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

    def report_twice(self, pointer: str, name: str, value: str) -> None:
        """Report a series or observation whose key stands twice."""
        self.report.add(
            Finding(
                rule="duplicate-member",
                severity=Severity.ERROR,
                message=f"The {name} {value!r} comes more than once in one object (RFC 8259, 4); each was read.",
                dataflow=self.dsd.urn.short,
                value=value,
                locator=f"pointer:{pointer}",
            )
        )

    def report_repeated_keys(self) -> None:
        """Report observations of a flat data set whose keys come again in another window."""
        numbers = self._seen.numbers
        if len(numbers) < 2:
            return
        whole = np.concatenate(numbers)
        if bool((whole[1:] > whole[:-1]).all()):
            return
        ordered = np.sort(whole)
        count = int(np.count_nonzero(ordered[1:] == ordered[:-1]))
        within = sum(len(part) - len(np.unique(part)) for part in numbers)
        if count > within:
            self.report_twice(
                f"{self.pointer}/observations", "key of observations", f"{count - within} keys"
            )

    # -- values ------------------------------------------------------------------------------------

    def value(self, component: Described, raw: Any, pointer: str) -> Value | None:
        """Return the value that a number or text in an array stands for."""
        if isinstance(raw, dict):
            return self.localised(component.id, raw, pointer)
        if isinstance(raw, list):
            if any(isinstance(part, list) for part in raw):
                text = f"{component.id} has lists within a list, which only reference metadata have; these were left out."
                self.add("several-values", text, component.id, pointer)
            parts = [self.value(component, part, pointer) for part in raw]
            return tuple(part for part in parts if isinstance(part, str))
        if component.values is None or isinstance(raw, str):
            return self.plain(component.id, text_of(raw), pointer)
        if raw is None:
            return None
        if (
            isinstance(raw, bool)
            or not isinstance(raw, int)
            or not 0 <= raw < len(component.values)
        ):
            text = f"{component.id} refers to value {raw}, but the message states {len(component.values)} values."
            self.add("index-out-of-range", text, component.id, pointer)
            return None
        return component.values[raw]

    def localised(
        self, id: str, texts: Mapping[str, Any], pointer: str | None = None
    ) -> str | None:
        """Return texts by language as a value."""
        if id in self.dsd and takes_languages(self.dsd[id]):
            found = {tag: text for tag, text in texts.items() if isinstance(text, str)}
            if len(found) < len(texts) or not all(map(is_language_tag, texts)):
                text = f"{id} has texts in {', '.join(map(repr, texts))}: each is a text, under a tag of its language; "
                self.add("unstated-language", f"{text}it was left out.", id, pointer)
                return None
            if any(map(has_marks, found.values())):
                self.say_marked(id, pointer)
                return None
            return compose(found) if found else None
        if texts.keys() == {DEFAULT_LANGUAGE} and isinstance(texts[DEFAULT_LANGUAGE], str):
            # A text that names no language is in English.
            return str(texts[DEFAULT_LANGUAGE])
        text = f"{id} comes in the languages {', '.join(texts)}, but takes one text; the first was read."
        self.add("multilingual-values", text, id, pointer)
        first = text_of(next(iter(texts.values()), None))
        return first if isinstance(first, str) else None

    def plain(self, id: str, value: Value | None, pointer: str) -> Value | None:
        """Return a value without languages; None where it holds what only one with them has."""
        if not isinstance(value, str) or not has_marks(value) or id not in self.dsd:
            return value
        if not takes_languages(self.dsd[id]):
            return value
        self.say_marked(id, pointer)
        return None

    def say_marked(self, id: str, pointer: str | None) -> None:
        """Report a text with a character that no text can have, once a component."""
        if f"reserved-character {id}" not in self._wrong:
            self._wrong.add(f"reserved-character {id}")
            self.report.add(marked(self.dsd, id, f"pointer:{pointer or self.pointer}"))

    def at(self, level: str) -> list[Described]:
        """Return the dimensions in the keys of a level; `flat` for observations without series."""
        if level == "flat":
            # All that vary, also where the structure serves data sets with series too.
            return [*self.dimensions["series"], *self.dimensions["observation"]]
        return self.dimensions[level]

    def key(self, level: str, key: str, pointer: str) -> dict[str, str | None]:
        """Return the dimension values of a key `0:3:1`."""
        stated = self.at(level)
        parts = key.split(":") if stated else []
        if len(parts) != len(stated):
            text = f"The key {key!r} has {len(parts)} parts, the message states {len(stated)} dimensions."
            self.add("wrong-key", text, level, pointer)
            return {}
        found: dict[str, str | None] = {}
        for component, part in zip(stated, parts, strict=True):
            number = int(part) if part.isascii() and part.isdigit() else part
            value = self.value(component, [number], pointer)
            first = value[0] if isinstance(value, tuple) and value else None
            if isinstance(number, str):
                text = f"The key {key!r} has {part!r} where the number of a value of {component.id} should be."
                self.add("wrong-key", text, component.id, pointer)
                first = None
            found[component.id] = first
        return found

    def fixed_key(self) -> dict[str, str | None]:
        """Return the dimensions that have one value for the whole dataset."""
        found: dict[str, str | None] = {}
        for component in self.dimensions["dataSet"]:
            value = component.values[0] if component.values else None
            found[component.id] = value if isinstance(value, str) else None
        return found

    # -- in bulk -----------------------------------------------------------------------------------

    def in_bulk(self, window: Window, found: Observations) -> tuple[Level, list[Stated]] | None:
        """Return the rows of a window by columns; None where a value must be looked at by itself."""
        rows = len(found.owners)
        columns: dict[str, pa.Array] = {}
        for id, value in self.fixed_key().items():
            if id in self.dsd:
                columns[id] = (
                    pa.array([value], pa.string())
                    .dictionary_encode()
                    .take(pa.array(np.zeros(rows, np.int64)))
                )
        owners = pa.array(found.owners)
        series: dict[str, pa.Array] = {}
        if found.series is not None:
            dimensions = self.dimension_columns("series", found.series)
            if dimensions is None:
                return None
            series = dimensions
            columns |= {id: column.take(owners) for id, column in series.items()}
        own = self.dimension_columns("observation" if found.series else "flat", found.keys)
        if own is None:
            return None
        columns |= own
        for place, component in enumerate(self.cells):
            if component.id in self.dsd:
                column = self.column(window, found, place, component)
                if column is None:
                    return None
                columns[component.id] = column
        noted = self.noted_in_bulk(found)
        if noted is None:
            return None
        columns |= noted
        self.remember(found)
        locators = self.locators(found, owners)
        stated = self.stated_by_series(found, series)
        actions = np.array([self.action], object).repeat(rows)
        return Level(self.dsd, columns, actions, locators), stated

    def noted_in_bulk(self, found: Observations) -> dict[str, pa.Array] | None:
        """Return the column of annotations, if there are any; None where a number is none of one."""
        starts, ends, has = found.beyond(len(self.cells))
        if not has.any():
            return {}
        distinct, indices = dictionary_of(cut(found.raw, starts, ends, has))
        try:
            texts = [self.annotations.text_of(loads(f"[{text}]".encode())) for text in distinct]
        except IndexError:
            return None
        return {ANNOTATIONS: pa.array(texts, pa.string()).take(indices).dictionary_encode()}

    def remember(self, found: Observations) -> None:
        """Report series that come again in another window; keep the keys of a flat data set."""
        if found.series is None:
            self._seen.numbers.append(key_numbers_of(self.at("flat"), found.keys))
            return
        for text in found.series.texts().to_pylist():
            self.see_series(text)

    def see_series(self, text: str) -> None:
        """Report a series that was there before."""
        if text in self._seen.texts:
            self.report_twice(f"{self.pointer}/series/{text}", "series", text)
        self._seen.texts.add(text)

    def see_keys(self, texts: list[str]) -> None:
        """Keep the keys of a flat data set that are such."""
        sizes = [max(len(c.values or ()), 1) for c in self.at("flat")]
        numbers = []
        for text in texts:
            parts = text.split(":")
            if len(parts) == len(sizes) and all(p.isascii() and p.isdigit() for p in parts):
                total = 0
                for part, size in zip(parts, sizes, strict=True):
                    total = total * size + int(part)
                numbers.append(total % 2**62)
        self._seen.numbers.append(np.array(numbers, np.int64))

    def locators(self, found: Observations, owners: pa.Array) -> pa.StringArray:
        """Return the JSON pointer of each observation."""
        start = f"pointer:{self.pointer}/"
        keys = found.keys.texts()
        if found.series is None:
            return pc.binary_join_element_wise(f"{start}observations/", keys, "")
        series = pc.binary_join_element_wise(
            f"{start}series/", found.series.texts(), "/observations/", ""
        )
        return pc.binary_join_element_wise(series.take(owners), keys, "")

    def dimension_columns(self, level: str, keys: Keys) -> dict[str, pa.Array] | None:
        """Return the values of dimensions by key; None where a number is out of range."""
        columns: dict[str, pa.Array] = {}
        for component, numbers in zip(self.at(level), keys.numbers, strict=True):
            texts = component.texts()
            if texts is None or int(numbers.max(initial=0)) >= len(texts):
                return None
            if component.id in self.dsd:
                indices = pa.array(numbers.astype(np.int32))
                columns[component.id] = pa.DictionaryArray.from_arrays(indices, texts)
        return columns

    def column(
        self, window: Window, found: Observations, place: int, component: Described
    ) -> pa.Array | None:
        """Return the values of a measure or attribute; None where one must be looked at by itself."""
        definition: ResolvedComponent = self.dsd[component.id]
        starts, ends, valid = found.cells(place)
        if definition.is_multiple:
            return self.lists(found, component, starts, ends, valid)
        column = (
            plain_texts(window, starts, ends, valid)
            if component.values is None
            else numbered(found, component, starts, ends, valid)
        )
        if column is None or (takes_languages(definition) and not is_unmarked(column)):
            return None
        if component.default is not None and column.null_count:
            column = column.cast(pa.string()).fill_null(component.default)
        if definition.role is Role.MEASURE:
            return column.cast(pa.string())
        return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()

    def lists(
        self,
        found: Observations,
        component: Described,
        starts: Numbers,
        ends: Numbers,
        valid: Flags,
    ) -> pa.Array | None:
        """Return the several values of each cell; each distinct text is read once."""
        distinct, indices = dictionary_of(cut(found.raw, starts, ends, valid))
        values = [certain(component, loads(text.encode())) for text in distinct]
        if None in values:
            return None
        if takes_languages(self.dsd[component.id]) and any(
            has_marks(text) for value in values for text in value or ()
        ):
            return None
        column = column_of(self.dsd[component.id], values).take(indices)
        return None if component.default is not None and column.null_count else column

    def stated_by_series(self, found: Observations, series: Mapping[str, pa.Array]) -> list[Stated]:
        """Return the annotations and attribute values of series, in the order of the series."""
        if found.series is None:
            return []
        names = found.series.texts()
        stated: list[tuple[int, list[Stated]]] = []
        for listed, read in (
            (found.annotations, self.noted_on),
            (found.attributes, self.attributes_of_series),
        ):
            taken = pa.array(listed.owners)
            keys = {id: column.take(taken).to_pylist() for id, column in series.items()}
            pointers = names.take(taken).to_pylist()
            known: dict[str, Any] = {}
            # Each distinct text is read once.
            for number, text in enumerate(cut(found.raw, listed.starts, listed.ends).to_pylist()):
                raw = known.get(text)
                if raw is None:
                    raw = known[text] = loads(text.encode())
                key = self.fixed_key() | {id: column[number] for id, column in keys.items()}
                pointer = f"{self.pointer}/series/{pointers[number]}"
                stated.append((int(listed.owners[number]), read(raw, key, pointer)))
        # Annotations come first, as they do member by member.
        return [entry for _, entries in sorted(stated, key=lambda own: own[0]) for entry in entries]

    def attributes_of_series(
        self, raw: Any, key: Mapping[str, str | None], pointer: str
    ) -> list[Stated]:
        """Return the values of the `attributes` of a series."""
        return self.listed(self.attributes["series"], raw, key, pointer)

    # -- member by member --------------------------------------------------------------------------

    def one_by_one(self, window: Window, is_flat: bool) -> tuple[Level, list[Stated]]:
        """Return the rows of a window, each member read by itself."""
        keys: list[dict[str, str | None]] = []
        owners: list[int] = []
        found: list[tuple[str, list[Any]]] = []
        locators: list[str] = []
        stated: list[Stated] = []
        for pointer, key, series in self.series(loads(b"{" + window.text + b"}"), is_flat):
            number = len(keys)
            keys.append(key)
            self.report_series(series, pointer)
            if not is_flat:
                stated += self.noted_on(series.get("annotations"), key, pointer)
            stated += self.listed(self.attributes["series"], series.get("attributes"), key, pointer)
            names: set[str] = set()
            for at, values in members(series.get("observations") or {}):
                place = f"{pointer}/observations/{at}"
                if at in names:
                    self.report_twice(place, "observation", at)
                names.add(at)
                owners.append(number)
                found.append((at, values if isinstance(values, list) else [values]))
                locators.append(f"pointer:{place}")
        if is_flat:
            self.see_keys([at for at, _ in found])
        actions = np.array([self.action], object).repeat(len(locators))
        columns = self.columns(keys, owners, found, locators, "flat" if is_flat else "observation")
        return Level(self.dsd, columns, actions, pa.array(locators, pa.string())), stated

    def series(
        self, object: Mapping[str, Any], is_flat: bool
    ) -> Iterator[tuple[str, dict[str, str | None], Mapping[str, Any]]]:
        """Yield (pointer, key, series); a flat dataset is one series without key of its own."""
        fixed = self.fixed_key()
        if is_flat:
            yield self.pointer, fixed, {"observations": object}
            return
        for key, series in members(object):
            self.see_series(key)
            pointer = f"{self.pointer}/series/{key}"
            yield pointer, fixed | self.key("series", key, pointer), series

    def report_series(self, series: Mapping[str, Any], pointer: str) -> None:
        """Report members of a series that stand twice."""
        names = [name for name, _ in members(series)]
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                self.report_twice(f"{pointer}/{name}", "member", name)

    def columns(
        self,
        keys: list[dict[str, str | None]],
        owners: list[int],
        found: list[tuple[str, list[Any]]],
        locators: list[str],
        level: str,
    ) -> dict[str, pa.Array]:
        """Return the columns of the observations."""
        columns: dict[str, pa.Array] = {}
        taken = pa.array(owners, pa.int32())
        for id in {id: None for key in keys for id in key}:
            if id in self.dsd:
                texts = pa.array([key.get(id) for key in keys], pa.string())
                columns[id] = texts.dictionary_encode().take(taken)
        distinct: dict[str, dict[str, str | None]] = {}
        for (at, _), locator in zip(found, locators, strict=True):
            if at not in distinct:
                distinct[at] = self.key(level, at, locator.removeprefix("pointer:"))
        for component in self.at(level):
            if component.id in self.dsd:
                own = [distinct[at].get(component.id) for at, _ in found]
                columns[component.id] = pa.array(own, pa.string()).dictionary_encode()
        for place, component in enumerate(self.cells):
            if component.id in self.dsd:
                raw = [values[place] if len(values) > place else None for _, values in found]
                columns[component.id] = self.listed_column(component, raw, locators)
        width = len(self.cells)
        if any(len(values) > width for _, values in found):
            noted = [
                self.noted(values[width:], locator.removeprefix("pointer:"))
                for (_, values), locator in zip(found, locators, strict=True)
            ]
            columns[ANNOTATIONS] = pa.array(noted, pa.string()).dictionary_encode()
        return columns

    def listed_column(self, component: Described, raw: list[Any], locators: list[str]) -> pa.Array:
        """Return the values of a measure or attribute."""
        values = [
            self.value(component, entry, locator.removeprefix("pointer:"))
            for entry, locator in zip(raw, locators, strict=True)
        ]
        if component.default is not None:
            values = [component.default if value is None else value for value in values]
        definition = self.dsd[component.id]
        if self.is_1_0 and definition.is_multiple:
            # 1.0 has no lists: several values are one text.
            values = [
                tuple(split_sub_fields(value, ";")) if isinstance(value, str) else value
                for value in values
            ]
        return column_of(definition, values)

    # -- values above the observation ----------------------------------------------------------------

    def listed(
        self,
        components: list[Described],
        raw: Sequence[Any] | None,
        key: Mapping[str, str | None],
        pointer: str,
    ) -> list[Stated]:
        """Return the values of an `attributes` array, with the key that they hold for."""
        known = {id: text for id, text in key.items() if text is not None}
        found = []
        for component, entry in zip(components, raw or (), strict=False):
            value = self.value(component, entry, pointer)
            if self.is_1_0 and isinstance(value, str) and component.id in self.dsd:
                value = (
                    tuple(split_sub_fields(value, ";"))
                    if self.dsd[component.id].is_multiple
                    else value
                )
            if value is not None and component.id in self.dsd:
                found.append(Stated(component.id, known, value, f"pointer:{pointer}"))
        return found

    def above(self) -> list[Stated]:
        """Return the values of the dataset and of groups."""
        found = self.listed(
            self.attributes["dataSet"], self.entry.get("attributes"), {}, self.pointer
        )
        found += self.noted_on(self.entry.get("annotations"), {}, self.pointer)
        for key, raw in members(self.entry.get("dimensionGroupAttributes") or {}):
            pointer = f"{self.pointer}/dimensionGroupAttributes/{key}"
            order = self.group_order(key, raw)
            named: dict[str, str | None] = {}
            for component, part in zip(order, key.split(":"), strict=False):
                if part not in ("", "~"):
                    value = self.value(component, int(part), pointer)
                    named[component.id] = value if isinstance(value, str) else None
            found += self.listed(self.attributes["dimensionGroup"], raw, named, pointer)
            found += self.noted_on(raw[len(self.attributes["dimensionGroup"]) :], named, pointer)
        return found

    def group_order(self, key: str, raw: Sequence[Any]) -> list[Described]:
        """Return the dimensions in the order in which the key of a group has them.

        Official samples have them as the message describes them (data set, series, observation), others in the
        order of the DSD: the first counts in which the key is one that its attributes depend on.
        """
        stated = [component for level in self.dimensions.values() for component in level]
        places = {id: place for place, id in enumerate(self.dsd.key_ids)}
        by_structure = sorted(stated, key=lambda c: places.get(c.id, len(places)))
        attributes = self.attributes["dimensionGroup"]
        given = [c.id for c, value in zip(attributes, raw, strict=False) if value is not None]
        wanted = {dimensions_of(self.dsd, self.dsd[id]) or () for id in given if id in self.dsd}
        parts = key.split(":")
        for order in (stated, by_structure):
            pairs = [pair for pair in zip(order, parts, strict=False) if pair[1] not in ("", "~")]
            in_range = all(int(part) < len(c.values or ()) for c, part in pairs)
            ids = {c.id for c, _ in pairs}
            if in_range and all(ids >= set(dimensions) for dimensions in wanted):
                return order
        return stated
