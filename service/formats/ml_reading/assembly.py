"""From segments to the rows and attribute values of a data set, in the order of the message.

What is found does not depend on where a segment ends: everything is told in the order of its elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from codelists.text import best_match
from dsd.annotated import annotations_of, annotations_text
from dsd.batch import ANNOTATIONS, BATCH_ROWS, CODED, LOCATOR, Batch
from dsd.dataset import Action, AttributeValues
from dsd.finding import Finding, Report, Severity
from dsd.localised import TAG_MARK, is_localised, parse, takes_languages
from dsd.resolved import Dsd, ResolvedComponent, Role
from service.formats.columns import dictionary_of
from service.formats.levels import Value, dimensions_of
from service.formats.ml_reading.segment import (
    LIST_END,
    LIST_MARK,
    MARKUP_MARK,
    OF_SERIES,
    DatasetHead,
    Elements,
    Numbers,
    Position,
    Segment,
    Values,
    list_of,
)
from service.formats.ml_reading.vocabulary import IGNORED_NAMESPACES, XSI_TYPE
from service.formats.reading_rule import metadata_not_kept
from service.formats.sdmx_ml_layout import is_structured

SWITCHED_OFF = "~"
"""A dimension that a value does not depend on (SDMX 3.1 Section 2, "Data Set")."""
# The XML attributes `type` and `id` name the group or observation, not a component.
_NOT_COMPONENTS = frozenset(("type", "id"))

# Data types of texts that people write.
_FREE = frozenset((None, "String", "XHTML"))
_ESCAPES = re.compile(r"\\(?:[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4})")

Columns = dict[str, pa.Array]
Key = tuple[tuple[str, str], ...]


class Assembly:
    """One data set on its way to rows; `attributes` grows while they are made."""

    def __init__(self, dsd: Dsd, head: DatasetHead, action: Action, report: Report) -> None:
        self.dsd = dsd
        self.action = action
        self.attributes: list[AttributeValues] = []
        self._head = head
        self._report = report
        self._findings: list[tuple[Position, Finding]] = []
        self._deletes = action is Action.DELETE
        self._above = {
            component.id: dimensions
            for component in dsd.attributes
            if (dimensions := dimensions_of(dsd, component)) is not None
        }
        self._aliases: dict[str, str | None] = {}
        self._entries: dict[Key, dict[str, Value]] = {}
        self._contradictions: set[tuple[Key, str, Value]] = set()
        self._incomplete: set[tuple[str, Key]] = set()
        self._several: set[str] = set()
        self._marked_up: set[str] = set()
        self._in_a_language: set[str] = set()
        self._free_texts = {
            c.id
            for c in dsd.attributes
            if c.codelist is None and (not c.text_format or c.text_format.data_type in _FREE)
        }
        """Components whose texts have not been reported to hold escapes."""
        if head.is_to_the_letter:
            # Who writes to the letter means what stands there.
            self._free_texts.clear()
        self._patterns_at: list[Position] = []
        self._has_pattern = False
        self._held: dict[str, list[tuple[int, Key, Value]]] = {}
        self._unknown_names: set[str] = set()

    def batches(self, segment: Segment) -> Iterator[Batch]:
        """Yield the rows of a segment."""
        self._findings.extend(segment.findings)
        observed = self._known(segment.observations, lists=segment.has_lists)
        series = self._known(segment.series, lists=segment.has_lists)
        self._explicit_measure(segment, observed)
        stated = [(self._known_values(values, at), at) for values, at in segment.stated]
        columns = self._columns(segment, observed, series)
        self._tell_escapes(segment, observed, series, stated)
        candidates = [*self._stated_above(stated), *self._series_above(segment, series)]
        self._spread(segment, columns, stated, series)
        kept, lifted = self._lifted(segment, columns)
        noted = self._noted(segment, series, stated)
        self._merge(sorted([*candidates, *lifted, *noted], key=lambda found: found[0]))
        batch = self._in_order(
            segment, self._batch(segment, columns, kept), self._patterns(segment, series)
        )
        self._add_pattern()
        self._tell()
        if batch is not None:
            for start in range(0, batch.num_rows, BATCH_ROWS):
                yield batch.slice(start, BATCH_ROWS)

    def _tell(self) -> None:
        """Report what was found in the order of the message."""
        for _, finding in sorted(self._findings, key=lambda found: found[0]):
            self._report.add(finding)
        self._findings = []

    # -- components ----------------------------------------------------------------------------------

    def _id_of(self, name: str) -> str | None:
        """Return the component that a name of the message means, None where there is none."""
        if name not in self._aliases:
            self._aliases[name] = self._alias(name)
        return self._aliases[name]

    def _alias(self, name: str) -> str | None:
        dsd = self.dsd
        if name in dsd:
            return name
        if name == "OBS_VALUE" and len(dsd.measures) == 1:
            return dsd.measures[0].id
        if self._head.vocabulary.version != "2.0":
            return None
        # SDMX-ML 2.0 names components by their concepts.
        found = [c.id for c in dsd.components if c.concept.id == name]
        return found[0] if len(found) == 1 else None

    def _is_ignored(self, name: str) -> bool:
        return name in _NOT_COMPONENTS or name.startswith(IGNORED_NAMESPACES)

    def _known(self, elements: Elements, *, lists: bool) -> Columns:
        """Return the columns of components; what is none is reported where it comes first."""
        found: Columns = {}
        for name, column in elements.columns.items():
            id = self._id_of(name)
            if name == ANNOTATIONS:
                found[name] = column
            elif id is not None:
                found[id] = _coalesced(found[id], column) if id in found else column
                if lists:
                    self._check_lists(id, column, elements)
            elif name == XSI_TYPE:
                found[name] = column
            elif not self._is_ignored(name):
                first = int(np.flatnonzero(_valid(column))[0]) if len(column) else 0
                self._unknown(name, elements.position(first))
        return found

    def _known_values(self, values: Mapping[str, str], position: Position) -> Values:
        """Return the values of components; what is none is reported."""
        found: Values = {}
        if OF_SERIES in values:
            found = {id: values[id] for id in self.dsd.key_ids if id in values}
            return found | {ANNOTATIONS: values[ANNOTATIONS]}
        for name, value in values.items():
            id = self._id_of(name)
            if name == ANNOTATIONS:
                found[name] = value
            elif id is not None:
                found[id] = value
                self._check_list(id, value, position)
            elif not self._is_ignored(name):
                self._unknown(name, position)
        return found

    def _check_lists(self, id: str, column: pa.Array, elements: Elements) -> None:
        """Report values of a component that are of a kind which it does not take."""
        odd = self._odd(self.dsd[id])
        if odd is None:
            return
        marked = pc.match_substring_regex(column.cast(pa.string()), odd)
        for row in pc.indices_nonzero(marked.fill_null(False)).to_pylist():
            self._check_list(id, column[row].as_py(), elements.position(row))

    def _odd(self, component: ResolvedComponent) -> str | None:
        """Return what matches texts of a component of which there is something to say, None where nothing is."""
        marks = []
        if not component.is_multiple and component.id not in self._several:
            marks.append(f"{LIST_END}.")
        if not is_structured(component) and component.id not in self._marked_up:
            marks.append(MARKUP_MARK)
        if not takes_languages(component):
            marks.append(TAG_MARK)
        # A value ends with a mark, and any character may follow it.
        return f"(?s){'|'.join(marks)}" if marks else None

    def _check_list(self, id: str, text: str, position: Position) -> None:
        component = self.dsd[id]
        if not text.startswith(LIST_MARK):
            return
        values = list_of(text)
        if len(values) > 1 and not component.is_multiple and id not in self._several:
            self._several.add(id)
            self._add(
                position,
                f"{id} takes one value, but has {len(values)}; they were joined by `;`.",
                rule="several-values",
                component=id,
                value=";".join(self._single(component, value) for value in values),
            )
        for value in values:
            self._check_languages(component, value.removeprefix(MARKUP_MARK), position)
        marked_up = next((value[1:] for value in values if value.startswith(MARKUP_MARK)), None)
        if marked_up is not None and not is_structured(component) and id not in self._marked_up:
            self._marked_up.add(id)
            self._add(
                position,
                f"{id} has marked-up text (XHTML), which {self.dsd.urn.short} does not have there; its markup "
                "was kept as text.",
                rule="structured-text",
                severity=Severity.WARNING,
                component=id,
                value=marked_up,
            )

    def _check_languages(
        self, component: ResolvedComponent, value: str, position: Position
    ) -> None:
        """Report languages of a value of a component that takes none."""
        if takes_languages(component) or not is_localised(value):
            return
        texts = parse(value)
        kept = self._single(component, value)
        if len(texts) > 1:
            self._add(
                position,
                f"{component.id} comes in the languages {', '.join(texts)}, but {self.dsd.urn.short} takes one text "
                f"there; {kept!r} was kept.",
                rule="multilingual-values",
                component=component.id,
                value=kept,
            )
        elif component.id not in self._in_a_language:
            self._in_a_language.add(component.id)
            self._add(
                position,
                f"{component.id} is said to be in {next(iter(texts))!r}; {self.dsd.urn.short} takes no languages there, "
                "and the text alone was kept.",
                rule="sender-deviation",
                severity=Severity.INFO,
                component=component.id,
                value=kept,
            )

    def _single(self, component: ResolvedComponent, value: str) -> str:
        """Return one value as the component takes it."""
        value = value.removeprefix(MARKUP_MARK)
        if takes_languages(component) or not is_localised(value):
            return value
        found = best_match(parse(value), ())
        return found[1] if found else value

    def _unknown(self, name: str, position: Position) -> None:
        if name in self._unknown_names:
            return
        self._unknown_names.add(name)
        if self.dsd.is_metadata(name):
            told = metadata_not_kept(name, self.dsd.urn.short, position.locator)
            self._findings.append((position, told))
            return
        self._add(
            position,
            f"{self.dsd.urn.short} has no component {name!r}; it was left out.",
            rule="unknown-component",
            component=name,
        )

    def _add(
        self,
        position: Position,
        message: str,
        *,
        rule: str,
        severity: Severity = Severity.ERROR,
        component: str | None = None,
        key: Mapping[str, str] | None = None,
        value: str | None = None,
    ) -> None:
        self._findings.append(
            (
                position,
                Finding(
                    rule=rule,
                    severity=severity,
                    message=message,
                    dataflow=self.dsd.urn.short,
                    component=component,
                    key=dict(key or {}),
                    value=value,
                    locator=position.locator,
                ),
            )
        )

    def _tell_escapes(
        self,
        segment: Segment,
        observed: Columns,
        series: Columns,
        stated: Iterable[tuple[Values, Position]],
    ) -> None:
        """Report the first text of a component with what programs write for a line end, and mean one."""
        for columns, elements in ((series, segment.series), (observed, segment.observations)):
            for id, column in columns.items():
                if id in self._free_texts and len(column):
                    self._tell_escape(id, column, elements)
        for values, position in stated:
            for id in values.keys() & self._free_texts:
                if _ESCAPES.search(values[id]):
                    self._add_escape(id, values[id], position)

    def _tell_escape(self, id: str, column: pa.Array, elements: Elements) -> None:
        texts = column.dictionary if pa.types.is_dictionary(column.type) else column
        # Backslashes are rare, and looking for one is cheap.
        if not pc.any(pc.match_substring(texts, "\\")).as_py():
            return
        for row, text in enumerate(column.to_pylist()):
            if text is not None and _ESCAPES.search(text):
                self._add_escape(id, text, elements.position(row))
                return

    def _add_escape(self, id: str, text: str, position: Position) -> None:
        self._free_texts -= {id}
        self._add(
            position,
            f"{id} holds `\\n` or the like, which programs write where they mean another character; it was kept as it "
            "stands.",
            rule="escaped-text",
            severity=Severity.INFO,
            component=id,
            value=text,
        )

    def _explicit_measure(self, segment: Segment, observed: Columns) -> None:
        """Turn the type of an observation into the value of its measure dimension (SDMX 2.1)."""
        types = observed.pop(XSI_TYPE, None)
        reference = self._head.reference
        if types is None or reference is None or not reference.is_explicit:
            return
        id = reference.dimension
        if id not in self.dsd.key_ids or id == "TIME_PERIOD":
            present = observed.keys() | segment.series.columns.keys()
            absent = [name for name in self.dsd.key_ids if name not in present]
            if len(absent) != 1:
                return
            (id,) = absent
        values, indices = dictionary_of(types)
        local = pa.array([value.rpartition(":")[2] for value in values], pa.string())
        column = pa.DictionaryArray.from_arrays(indices, local).cast(pa.string())
        observed[id] = _coalesced(observed[id], column) if id in observed else column

    def _values_of(self, component: ResolvedComponent, text: str) -> Value:
        """Return what a text of the message says: one value, or several."""
        if text.startswith(LIST_MARK):
            several = tuple(self._single(component, value) for value in list_of(text))
            if component.is_multiple:
                return several
            return ";".join(several)
        if not component.is_multiple:
            return text
        separator = self._head.vocabulary.separator
        return tuple(part for part in text.split(separator) if part) if separator else (text,)

    def _column(self, component: ResolvedComponent, texts: pa.Array, *, lists: bool) -> pa.Array:
        """Return the texts of a component as its column of a batch."""
        if component.is_multiple:
            values, indices = dictionary_of(texts)
            several = [self._values_of(component, value) for value in values]
            return pa.array(several, pa.list_(pa.string())).take(indices)
        if lists:
            values, indices = dictionary_of(texts)
            single = pa.array([self._values_of(component, v) for v in values], pa.string())
            texts = single.take(indices)
        if component.role is Role.MEASURE:
            return texts if texts.type == pa.string() else texts.cast(pa.string())
        return texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()

    def _columns(self, segment: Segment, observed: Columns, series: Columns) -> Columns:
        """Return the columns of the observations, those of the key with what their series say."""
        columns: Columns = {}
        lists = segment.has_lists
        owners: pa.Array | None = None
        for component in self.dsd.components:
            id = component.id
            own = observed.get(id)
            if own is not None:
                own = self._column(component, own, lists=lists)
            if id in self.dsd.key_ids and id in series and len(segment.owners):
                if owners is None:
                    owners = pa.array(segment.owners, mask=segment.owners < 0)
                theirs = self._column(component, series[id], lists=lists).take(owners)
                own = theirs if own is None else _coalesced(own, theirs)
            if own is not None:
                columns[id] = own
        noted = observed.get(ANNOTATIONS)
        if noted is not None:
            columns[ANNOTATIONS] = (
                noted if pa.types.is_dictionary(noted.type) else noted.dictionary_encode()
            )
        return columns

    # -- values above the observation ------------------------------------------------------------------

    def _stated_above(
        self, stated: Iterable[tuple[Values, Position]]
    ) -> Iterator[tuple[Position, str, Mapping[str, str], Value]]:
        """Yield the values that groups, `Atts` and the data set state where the DSD has them above."""
        keys = self.dsd.key_ids
        for values, position in stated:
            whole = {id: values[id] for id in keys if values.get(id, SWITCHED_OFF) != SWITCHED_OFF}
            for id, text in values.items():
                if id in self._above:
                    yield position, id, whole, self._values_of(self.dsd[id], text)

    def _series_above(
        self, segment: Segment, series: Columns
    ) -> Iterator[tuple[Position, str, Mapping[str, str], Value]]:
        """Yield the values that series state, once where one series after the other says the same."""
        first = 1 if segment.is_continued else 0
        ids = [id for id in series if id in self._above]
        if not ids or len(segment.series) <= first:
            return
        texts = {
            id: series[id].to_pylist()
            for id in {*ids, *(n for n in self.dsd.key_ids if n in series)}
        }
        for id in ids:
            component, dimensions = self.dsd[id], self._above[id]
            known: set[tuple[str | None, ...]] = set()
            parts = [texts.get(name, [None] * len(segment.series)) for name in dimensions]
            for number in range(first, len(segment.series)):
                text = texts[id][number]
                if text is None:
                    continue
                mark = (text, *(part[number] for part in parts))
                if mark in known:
                    continue
                known.add(mark)
                key = {
                    name: value
                    for name, value in zip(dimensions, mark[1:], strict=True)
                    if value is not None and value != SWITCHED_OFF
                }
                yield segment.series.position(number), id, key, self._values_of(component, text)

    def _merge(self, candidates: Iterable[tuple[Position, str, Mapping[str, str], Value]]) -> None:
        """Keep values above the observation, the first where two contradict each other."""
        for position, id, whole, value in candidates:
            if id == ANNOTATIONS:
                self._note(whole, value)
                continue
            dimensions = self._above[id]
            key = tuple((name, whole[name]) for name in dimensions if name in whole)
            if len(key) < len(dimensions):
                self._tell_incomplete(position, id, key, dimensions)
                continue
            first = self._entry(key).setdefault(id, value)
            if first != value and (key, id, value) not in self._contradictions:
                self._contradictions.add((key, id, value))
                self._add(
                    position,
                    f"{id} is {value!r} here and {first!r} before, but has one value for "
                    f"{dict(key) or 'the whole dataset'}; the first was kept.",
                    rule="contradictory-attribute",
                    component=id,
                    key=dict(key),
                    value=str(value),
                )

    def _tell_incomplete(
        self, position: Position, id: str, key: Key, dimensions: Sequence[str]
    ) -> None:
        if (id, key) in self._incomplete:
            return
        self._incomplete.add((id, key))
        lacking = [name for name in dimensions if name not in dict(key)]
        self._add(
            position,
            f"{id} depends on {', '.join(dimensions)}, but the element has no {', '.join(lacking)}; "
            "its value was left out.",
            rule="incomplete-key",
            component=id,
            key=dict(key),
        )

    def _noted(
        self, segment: Segment, series: Columns, stated: Iterable[tuple[Values, Position]]
    ) -> Iterator[tuple[Position, str, Mapping[str, str], Value]]:
        """Yield the annotations of series, groups and the data set."""
        for values, position in stated:
            if ANNOTATIONS in values:
                yield position, ANNOTATIONS, values, values[ANNOTATIONS]
        column = series.get(ANNOTATIONS)
        if column is None:
            return
        ids = [id for id in self.dsd.key_ids if id in series]
        for row in np.flatnonzero(_valid(column)).tolist():
            if row or not segment.is_continued:
                values = {id: text for id in ids if (text := series[id][row].as_py()) is not None}
                yield segment.series.position(row), ANNOTATIONS, values, column[row].as_py()

    def _note(self, named: Mapping[str, str], text: Value) -> None:
        """Keep annotations above the observation, all that one key has together."""
        values = self._entry(self._key_of(named))
        known = values.setdefault(ANNOTATIONS, text)
        if known == text:
            return
        assert isinstance(known, str)  # noqa: S101 (annotations are one text)
        assert isinstance(text, str)  # noqa: S101
        before = annotations_of(known)
        new = [entry for entry in annotations_of(text) if entry not in before]
        values[ANNOTATIONS] = annotations_text((*before, *new))

    def _key_of(self, values: Mapping[str, str]) -> Key:
        """Return the dimensions that values name."""
        return tuple(
            (id, values[id])
            for id in self.dsd.key_ids
            if values.get(id, SWITCHED_OFF) != SWITCHED_OFF
        )

    def _entry(self, key: Key) -> dict[str, Value]:
        """Return the values above the observation of a key."""
        values = self._entries.get(key)
        if values is None:
            values = self._entries[key] = {}
            self.attributes.append(AttributeValues(dict(key), values))
        return values

    def _lifted(
        self, segment: Segment, columns: Columns
    ) -> tuple[npt.NDArray[np.bool_], list[tuple[Position, str, Mapping[str, str], Value]]]:
        """Return which rows are observations, and the values above them that they carry.

        A row that deletes keeps all its values. From other rows the values above the observation are taken
        out of `columns`; a row that has nothing else is no observation.
        """
        rows = len(segment.observations)
        above = [id for id in self._above if id in columns]
        if self._deletes or not above or not rows:
            return np.ones(rows, bool), []
        carries = np.zeros(rows, bool)
        found: list[tuple[Position, str, Mapping[str, str], Value]] = []
        for id in above:
            column = columns.pop(id)
            carries |= _valid(column)
            found += self._distinct(segment, columns, id, column)
        observed = np.zeros(rows, bool)
        for id, column in columns.items():
            if id not in self.dsd.key_ids:
                observed |= _valid(column)
        return observed | ~carries, found

    def _distinct(
        self, segment: Segment, columns: Columns, id: str, column: pa.Array
    ) -> Iterator[tuple[Position, str, Mapping[str, str], Value]]:
        """Yield a value that rows carry once a distinct key and value, where it comes first."""
        dimensions = self._above[id]
        at = np.flatnonzero(_valid(column))
        if pa.types.is_list(column.type):
            values = [tuple(value) for value in column.take(pa.array(at)).to_pylist()]
            numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
            own = np.array([numbers[value] for value in values], np.int64)
            texts: list[Value] = list(numbers)
        else:
            own = column.indices.fill_null(0).to_numpy(zero_copy_only=False)[at].astype(np.int64)
            texts = column.dictionary.to_pylist()
        parts = [own, *(_numbers(columns.get(name), len(column))[at] for name in dimensions)]
        for first in _first_of_each(parts):
            row = int(at[first])
            key = {}
            for name in dimensions:
                value = columns[name][row].as_py() if name in columns else None
                if value is not None and value != SWITCHED_OFF:
                    key[name] = value
            yield segment.observations.position(row), id, key, texts[int(own[first])]

    # -- values of the observation that stand above it -------------------------------------------------

    def _spread(
        self,
        segment: Segment,
        columns: Columns,
        stated: Iterable[tuple[Values, Position]],
        series: Columns,
    ) -> None:
        """Put what series, groups and the data set state on the rows, where the DSD has it there."""
        rows = len(segment.observations)
        for id in [*series]:
            if id in self._above or id in self.dsd.key_ids or id not in self.dsd:
                continue
            self._tell_lonely(segment, series, id)
            if rows:
                owners = pa.array(segment.owners, mask=segment.owners < 0)
                texts = self._column(self.dsd[id], series[id], lists=segment.has_lists)
                given = texts.take(owners)
                columns[id] = _coalesced(columns[id], given) if id in columns else given
        self._hold(stated)
        if not rows:
            return
        for id, held in self._held.items():
            self._spread_held(segment, columns, id, held)

    def _hold(self, stated: Iterable[tuple[Values, Position]]) -> None:
        for values, position in stated:
            key = self._key_of(values)
            for id, text in values.items():
                if id in self._above or id in self.dsd.key_ids or id == ANNOTATIONS:
                    continue
                value = self._values_of(self.dsd[id], text)
                self._held.setdefault(id, []).append((position.order, key, value))

    def _spread_held(
        self,
        segment: Segment,
        columns: Columns,
        id: str,
        held: Sequence[tuple[int, Key, Value]],
    ) -> None:
        rows = len(segment.observations)
        column = columns.get(id)
        values: list[Value | None] = [None] * rows if column is None else column.to_pylist()
        by_names: dict[tuple[str, ...], dict[tuple[str, ...], tuple[int, Value]]] = {}
        for order, key, value in held:
            names = tuple(name for name, _ in key)
            by_names.setdefault(names, {}).setdefault(tuple(v for _, v in key), (order, value))
        for names, given in by_names.items():
            texts = [
                columns[name].to_pylist() if name in columns else [None] * rows for name in names
            ]
            keys = zip(*texts, strict=True) if names else iter([()] * rows)
            for row, texts_of_row in enumerate(keys):
                found = given.get(texts_of_row)
                if values[row] is None and found and found[0] < segment.observations.orders[row]:
                    values[row] = found[1]
        component = self.dsd[id]
        if component.is_multiple:
            columns[id] = pa.array(values, pa.list_(pa.string()))
        else:
            texts_only = pa.array(values, pa.string())
            columns[id] = (
                texts_only if component.role is Role.MEASURE else texts_only.dictionary_encode()
            )

    def _tell_lonely(self, segment: Segment, series: Columns, id: str) -> None:
        """Report a value of observations that a series without any has; one that deletes means all."""
        if self._deletes:
            return
        for number in np.flatnonzero(segment.lonely & _valid(series[id])).tolist():
            self._add(
                segment.series.position(number),
                f"{id} belongs to observations, but the series has none; its value was left out.",
                rule="incomplete-key",
                component=id,
                value=series[id][number].as_py(),
            )

    # -- rows --------------------------------------------------------------------------------------

    def _batch(
        self, segment: Segment, columns: Columns, kept: npt.NDArray[np.bool_]
    ) -> Batch | None:
        if not len(segment.observations):
            return None
        arrays = [
            (component.id, columns[component.id])
            for component in self.dsd.components
            if component.id in columns
            and columns[component.id].null_count < len(columns[component.id])
        ]
        if ANNOTATIONS in columns:
            arrays.append((ANNOTATIONS, columns[ANNOTATIONS]))
        arrays.append((LOCATOR, _locators(segment.observations)))
        if not kept.all():
            rows = pa.array(np.flatnonzero(kept))
            arrays = [(id, column.take(rows)) for id, column in arrays]
        batch = _as_batch(arrays)
        if self._deletes:
            self._tell_patterns(batch, segment.observations, np.flatnonzero(kept))
        return batch

    def _patterns(self, segment: Segment, series: Columns) -> Batch | None:
        """Return the series without observations of a data set that deletes: each is a pattern of keys.

        One that states a value above the observation deletes that value alone.
        """
        if not self._deletes or not segment.lonely.any():
            return None
        lonely = self._lonely(segment)
        rows = pa.array(np.flatnonzero(lonely))
        arrays = [
            (component.id, self._column(component, series[component.id], lists=segment.has_lists))
            for component in self.dsd.components
            if component.id in series and component.id not in self._above
        ]
        arrays.append((LOCATOR, _locators(segment.series)))
        batch = _as_batch([(id, column.take(rows)) for id, column in arrays])
        self._tell_patterns(batch, segment.series, np.flatnonzero(lonely))
        return batch

    def _in_order(
        self, segment: Segment, rows: Batch | None, patterns: Batch | None
    ) -> Batch | None:
        """Return the rows that delete, those of patterns among the others, as the message has them."""
        if patterns is None or not patterns.num_rows:
            return rows
        if rows is None:
            return patterns
        whole = pa.concat_tables(
            [pa.Table.from_batches([rows]), pa.Table.from_batches([patterns])],
            promote_options="default",
        )
        names = [
            name for name in (*self.dsd.by_id, ANNOTATIONS, LOCATOR) if name in whole.column_names
        ]
        whole = whole.select(names).unify_dictionaries().combine_chunks()
        orders = [segment.observations.orders, segment.series.orders[self._lonely(segment)]]
        (batch,) = whole.to_batches()
        return batch.take(pa.array(np.argsort(np.concatenate(orders), kind="stable")))

    def _lonely(self, segment: Segment) -> npt.NDArray[np.bool_]:
        """Return by series whether it is a pattern: without observations, and no value above them."""
        lonely = segment.lonely.copy()
        for name, column in segment.series.columns.items():
            if self._id_of(name) in self._above:
                lonely &= ~_valid(column)
        return lonely

    def _tell_patterns(self, batch: Batch, elements: Elements, rows: Numbers) -> None:
        """Report the first row that deletes by a pattern, where the version of the message allows none."""
        if self._head.vocabulary.deletes_patterns or not batch.num_rows:
            return
        gaps = np.zeros(batch.num_rows, np.int64)
        reference = self._head.reference
        at_observation = reference.dimension if reference else "TIME_PERIOD"
        for id in self.dsd.key_ids:
            index = batch.schema.get_field_index(id)
            # A series without an observation is deleted whole; any other gap leaves several series open.
            if id != at_observation:
                gaps += 1 if index < 0 else ~_valid(batch.column(index))
        is_open = gaps > (1 if at_observation not in self.dsd.key_ids else 0)
        if is_open.any():
            self._patterns_at.append(elements.position(int(rows[np.flatnonzero(is_open)[0]])))

    def _add_pattern(self) -> None:
        if self._patterns_at and not self._has_pattern:
            self._has_pattern = True
            self._add(
                min(self._patterns_at),
                f"{self._head.vocabulary.title} cannot delete several observations by a part of their key; name "
                "each with its whole key, or send SDMX-ML 3.1.",
                rule="wildcard-delete",
            )


def _valid(column: pa.Array) -> npt.NDArray[np.bool_]:
    valid: npt.NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return valid


def _coalesced(own: pa.Array, other: pa.Array) -> pa.Array:
    """Return the values of one column, where it has none those of another."""
    if own.null_count == 0:
        return own
    if own.null_count == len(own):
        return other
    if pa.types.is_dictionary(own.type) or pa.types.is_dictionary(other.type):
        joined = pc.coalesce(own.cast(pa.string()), other.cast(pa.string()))
        return joined.dictionary_encode()
    return pc.if_else(own.is_valid(), own, other)


def _numbers(column: pa.Array | None, rows: int) -> Numbers:
    """Return by row the number of its text, 0 where there is none."""
    if column is None:
        return np.zeros(rows, np.int64)
    indices = column.indices.cast(pa.int64()).fill_null(-1)
    numbers: Numbers = indices.to_numpy(zero_copy_only=False) + 1
    return numbers


def _first_of_each(parts: Sequence[Numbers]) -> list[int]:
    """Return, in order, the first row of each distinct combination of numbers."""
    mixed = np.zeros(len(parts[0]), np.int64)
    size = 1
    for part in parts:
        width = int(part.max(initial=0)) + 1
        if size * width >= 1 << 62:
            distinct, mixed = np.unique(mixed, return_inverse=True)
            size = len(distinct)
        mixed = mixed * width + part
        size *= width
    if not len(mixed):
        return []
    # Rows that follow each other mostly agree.
    changes = np.flatnonzero(np.diff(mixed, prepend=mixed[0] - 1))
    _, first = np.unique(mixed[changes], return_index=True)
    rows: list[int] = sorted(changes[first].tolist())
    return rows


def _locators(elements: Elements) -> pa.Array:
    """Return where elements start, in the form of a locator."""
    lines = pa.array(elements.lines).cast(pa.string())
    if not elements.places.any():
        return pc.binary_join_element_wise("line:", lines, "")
    ends = [f":{place}" if place else "" for place in elements.places.tolist()]
    return pc.binary_join_element_wise("line:", lines, pa.array(ends, pa.string()), "")


def _as_batch(arrays: Sequence[tuple[str, pa.Array]]) -> Batch:
    return pa.RecordBatch.from_arrays(
        [
            column.cast(CODED) if pa.types.is_dictionary(column.type) else column
            for _, column in arrays
        ],
        names=[name for name, _ in arrays],
    )
