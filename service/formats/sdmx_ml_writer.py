"""One data set of an SDMX-ML data message, of any version, written column-wise.

SDMX 2.1 Section 3A, "Generic Data", "Structure Specific Data"; SDMX 3.1 Section 3, "Data". All versions share
the layout: values above the observation, then series with observations, or (AllDimensions) observations alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from codelists.base import Annotation
from codelists.text import DEFAULT_LANGUAGE
from dsd.annotated import annotations_of
from dsd.batch import ANNOTATIONS, Batch
from dsd.dataset import Preamble
from dsd.localised import parse, takes_languages
from dsd.resolved import ResolvedComponent
from service.formats.columns import (
    Part,
    Pieces,
    chosen,
    dictionary_of,
    folded,
    joined,
    list_pieces,
    pieces,
    present,
    starting_where,
    text_pieces,
)
from service.formats.contract import NotExpressibleError
from service.formats.levels import Value
from service.formats.localised_texts import in_languages
from service.formats.sdmx_ml21 import VALUE_SEPARATOR, attribute_text, element_text
from service.formats.sdmx_ml_layout import Layout, attachment, is_structured, restricted
from service.formats.sdmx_ml_syntax import Syntax, component_element, measure_type, text_elements

# Numbers and codes: a text of which no character needs an entity.
_PLAIN = r"^[A-Za-z0-9_.+:-]+$"
_NOTHING = pa.scalar("", pa.large_string())

Key: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DataSetWriter:
    """What is fixed for one data set."""

    syntax: Syntax
    layout: Layout
    preamble: Preamble
    type_prefix: str
    """Of the namespace of its structure: `ns1`."""
    series_only: bool = False
    """True where each row is a series without observations."""
    languages: tuple[str, ...] = ()
    """Those in which texts in languages are written, best first; empty for all."""
    used: dict[str, set[tuple[str | None, ...]]] = field(default_factory=dict)
    """Partial keys by attribute whose value above the observation has been written."""

    # -- values ------------------------------------------------------------------------------------

    def text_of(self, value: Value) -> str:
        """Return a value as the one text that there is room for: several are joined by `;`.

        Raises:
            NotExpressibleError: one of several values holds the separator itself, or is empty.
        """
        if isinstance(value, str):
            return value
        if any(VALUE_SEPARATOR in text or not text for text in value) or not value:
            raise NotExpressibleError(
                f"{self.syntax.version.name} joins several values by {VALUE_SEPARATOR!r}, which {value!r} do "
                "not allow; write SDMX-ML 3.1, SDMX-CSV 2.1 or SDMX-JSON 2.1"
            )
        return VALUE_SEPARATOR.join(value)

    def written(self, component: ResolvedComponent, value: Value) -> str:
        """Return a value of a component: an XML attribute, an element `Value`, or a `Comp`."""
        if not self.layout.is_complex(component):
            return self.syntax.value(component.id, self.text_of(value))
        values = (value,) if isinstance(value, str) else value
        contents = [self.content_of(component, text) for text in values]
        return component_element(component.id, contents, self.type_prefix)

    def content_of(self, component: ResolvedComponent, text: str) -> str:
        """Return what the `Value` of a component that needs one holds."""
        is_markup = is_structured(component)
        if takes_languages(component):
            texts = parse(in_languages(text, self.languages))
            return text_elements(texts, is_markup=is_markup)
        return (
            text_elements({DEFAULT_LANGUAGE: text}, is_markup=True)
            if is_markup
            else element_text(text)
        )

    def noted(self, text: str) -> str:
        """Return the element of annotations as a batch holds them."""
        return self._annotations(annotations_of(text))

    def _annotations(self, annotations: Sequence[Annotation]) -> str:
        # Imported where it is needed: few data have annotations, and what writes them is what writes structures.
        from service.formats.sdmx_ml_annotation import annotations_element

        return annotations_element(annotations, self.syntax.version.form, self.languages)

    @cached_property
    def notes(self) -> dict[str, dict[Key, str]]:
        """The annotations above the observation as they are written, by place and key."""
        given: dict[Key, list[str]] = {}
        for entry in self.preamble.attributes:
            text = entry.values.get(ANNOTATIONS)
            if isinstance(text, str):
                given.setdefault(restricted(entry.key, self.layout.dsd.key_ids), []).append(text)
        found: dict[str, dict[Key, str]] = {}
        # Many series may be noted on alike.
        written: dict[tuple[str, ...], str] = {}
        for key, texts in given.items():
            place = self.layout.place_of_notes([id for id, _ in key])
            known = written.get(tuple(texts))
            if known is None:
                known = self._annotations([note for text in texts for note in annotations_of(text)])
                written[tuple(texts)] = known
            found.setdefault(place, {})[key] = known
        return found

    def element(self, start: str, values: dict[str, Value], end: str, notes: str = "") -> str:
        """Return an element: what starts it, its annotations and values, and its end where it holds no element."""
        simple, inside = "", notes
        for id, value in values.items():
            component = self.layout.dsd[id]
            if self.layout.is_complex(component):
                inside += self.written(component, value)
            else:
                simple += self.written(component, value)
        name = start.removeprefix("<").partition(" ")[0]
        return f"{start}{simple}>{inside}</{name}>\n" if inside else f"{start}{simple}{end}"

    def key_text(self, key: Key) -> str:
        """Return the values of a key."""
        return "".join(self.syntax.value(id, text) for id, text in key)

    # -- before the rows ---------------------------------------------------------------------------

    def dataset_values(self) -> str:
        """Return the attribute values of the whole data set, where they stand on its element."""
        known = {c.id for c in self.layout.attributes("dataset")}
        values = "".join(
            self.syntax.value(id, self.text_of(value))
            for entry in self.preamble.attributes
            for id, value in entry.values.items()
            if id in known
        )
        before, after = self.syntax.around("Attributes")
        return before + values + after if values else ""

    def dataset_notes(self) -> str:
        """Return the annotations of the whole data set."""
        return "".join(self.notes.get("dataset", {}).values())

    def above(self) -> Iterator[str]:
        """Yield the elements before the first row: values of partial keys (SDMX 3.x) and groups."""
        for key, values in self._merged("atts").values():
            yield self.element(f"<Atts{self.key_text(key)}", values, "/>\n")
        for key, notes in self.notes.get("atts", {}).items():
            yield self.element(f"<Atts{self.key_text(key)}", {}, "/>\n", notes)
        yield from self.groups()

    def groups(self) -> Iterator[str]:
        """Yield the groups with their annotations and attribute values.

        Raises:
            NotExpressibleError: generic data, and a group has annotations alone.
        """
        merged: dict[tuple[str, Key], dict[str, Value]] = {}
        for component in self.layout.attributes("group"):
            group = component.relationship.group if component.relationship else None
            for key, value in self._given(component):
                merged.setdefault((group or "", key), {})[component.id] = value
        notes = self._notes_of_groups()
        for group, key in notes:
            merged.setdefault((group, key), {})
        for (group, key), values in merged.items():
            noted = notes.get((group, key), "")
            if self.syntax.is_generic:
                written = "".join(self.written(self.layout.dsd[id], v) for id, v in values.items())
                if not written:
                    raise NotExpressibleError(
                        f"{self.syntax.version.name} generic has no group without attribute values, but {dict(key)} has "
                        "annotations alone; write structure-specific data, or SDMX-JSON 2.1"
                    )
                yield (
                    f'<gen:Group type="{group}">{noted}<gen:GroupKey>{self.key_text(key)}</gen:GroupKey>'
                    f"<gen:Attributes>{written}</gen:Attributes></gen:Group>\n"
                )
            else:
                start = f'<Group xsi:type="{self.type_prefix}:{group}"{self.key_text(key)}'
                yield self.element(start, values, "/>\n", noted)

    def _notes_of_groups(self) -> dict[tuple[str, Key], str]:
        """Return the annotations of groups by group and key, the dimensions in the order of the group."""
        parts = self.layout.dsd.structure.data_structure_components
        return {
            (group.id, restricted(dict(key), group.group_dimensions)): notes
            for group in (parts.groups if parts else ())
            for key, notes in self.notes.get(f"group:{group.id}", {}).items()
        }

    def _given(self, component: ResolvedComponent) -> Iterator[tuple[Key, Value]]:
        """Yield (key, value) of an attribute above the observation."""
        _, dimensions = attachment(self.layout.dsd, component)
        for entry in self.preamble.attributes:
            if component.id in entry.values:
                yield restricted(entry.key, dimensions), entry.values[component.id]

    def _merged(self, *levels: str) -> dict[Key, tuple[Key, dict[str, Value]]]:
        """Return (key, values by attribute) once a key, in the order in which they first come."""
        merged: dict[Key, tuple[Key, dict[str, Value]]] = {}
        for component in self.layout.attributes(*levels):
            for key, value in self._given(component):
                merged.setdefault(key, (key, {}))[1][component.id] = value
        return merged

    # -- rows --------------------------------------------------------------------------------------

    def rows(self, batch: Batch, first: npt.NDArray[np.bool_], started: bool) -> pa.Array:
        """Return the XML of each row, the start of a series before the rows that start one."""
        self.check(batch)
        if self.series_only:
            return self.series_alone(batch)
        name = f"{self.syntax.prefix}Obs"
        key = self.key_pieces(batch, self.layout.at_observation, at_observation=True)
        parts: list[Part] = self.start_pieces(batch, name, "observation")
        parts += key
        parts += self.measure_pieces(batch)
        parts += self.attribute_pieces(batch, "observation")
        parts.append(self.end_pieces(batch, name, "observation"))
        if self.layout.is_flat:
            return joined(parts)
        heads = self.series_heads(
            batch.take(pa.array(np.flatnonzero(first))), started, bool(first[:1].any())
        )
        return joined([starting_where(first, heads), *parts])

    def start_pieces(self, batch: Batch, name: str, level: str) -> list[Part]:
        """Return what starts an element up to its key."""
        if not self.syntax.is_generic:
            return [f"<{name}"]
        notes = self.note_pieces(batch, level)
        return [f"<{name}>"] if notes is None else [f"<{name}>", notes]

    def note_pieces(self, batch: Batch, level: str) -> Pieces | None:
        """Return by row the annotations of a level, None where there is none."""
        if level == "observation":
            column = present(batch, ANNOTATIONS)
            return None if column is None else pieces(column, self.noted)
        given = self.notes.get("series")
        if not given:
            return None
        keys, numbers = _partial_keys(batch, self.layout.at_series)
        self.used.setdefault(ANNOTATIONS, set()).update(keys)
        by_values: dict[tuple[str | None, ...], str] = {
            tuple(text for _, text in key): notes for key, notes in given.items()
        }
        return Pieces([by_values.get(key, "") for key in keys], numbers)

    def end_pieces(self, batch: Batch, name: str, level: str) -> Part:
        """Return what ends an observation or a series alone, with its `Comp`s before it."""
        if self.syntax.is_generic:
            return f"</{name}>\n"
        inside = self.complex_pieces(batch, level)
        if inside is None:
            return "/>\n"
        if isinstance(inside, Pieces):
            texts = [f">{text}</{name}>\n" if text else "/>\n" for text in inside.texts]
            return Pieces(texts, inside.numbers)
        empty = pc.equal(pc.binary_length(inside), 0)
        return pc.if_else(
            empty, pa.scalar("/>\n", pa.large_string()), joined([">", inside, f"</{name}>\n"])
        )

    def complex_pieces(self, batch: Batch, level: str) -> Pieces | pa.Array | None:
        """Return the annotations and `Comp`s of each row, None where no row has one."""
        notes = self.note_pieces(batch, level)
        found: list[Part] = [] if notes is None else [notes]
        for component in self._written_at(level):
            if self.layout.is_complex(component):
                part = self.value_pieces(component, batch)
                if part is not None:
                    found.append(part)
        parts = folded(found)
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else joined(parts)

    def _written_at(self, level: str) -> list[ResolvedComponent]:
        measures = self.layout.measures if level == "observation" else []
        return [*measures, *self.layout.attributes(level)]

    def series_alone(self, batch: Batch) -> pa.Array:
        """Return each row as a series without observations."""
        name = f"{self.syntax.prefix}Series"
        return joined(
            [
                *self.start_pieces(batch, name, "series"),
                *self.key_pieces(batch, self.layout.at_series, at_observation=False),
                *self.attribute_pieces(batch, "series"),
                self.end_pieces(batch, name, "series"),
            ]
        )

    def check(self, batch: Batch) -> None:
        """See to it that rows hold values of the observation only.

        Raises:
            NotExpressibleError: a row holds a value that the DSD attaches above it.
        """
        for component in self.layout.components:
            if component.relationship is None:
                continue
            column = present(batch, component.id)
            above = attachment(self.layout.dsd, component)[0] != "observation"
            if above and column is not None and column.null_count < len(column):
                raise NotExpressibleError(
                    f"{self.syntax.version.name} has {component.id} above the observation, but rows hold "
                    "values of it; put them in the attributes of the dataset, or write SDMX-CSV 2.1"
                )

    def series_heads(self, batch: Batch, started: bool, is_first: bool) -> pa.Array:
        """Return the start of each series, with the end of the one before."""
        name = f"{self.syntax.prefix}Series"
        close = np.ones(batch.num_rows, bool)
        close[:1] = started or not is_first
        inside = None if self.syntax.is_generic else self.complex_pieces(batch, "series")
        return joined(
            [
                chosen(close, "", f"</{name}>\n"),
                *self.start_pieces(batch, name, "series"),
                *self.key_pieces(batch, self.layout.at_series, at_observation=False),
                *self.attribute_pieces(batch, "series"),
                "" if self.syntax.is_generic else ">",
                "" if inside is None else inside,
                "\n",
            ]
        )

    def key_pieces(self, batch: Batch, ids: Sequence[str], *, at_observation: bool) -> list[Part]:
        """Return the values of dimensions: of a series or of an observation."""
        columns = [(id, present(batch, id)) for id in ids]
        if at_observation and self.layout.explicit_measures:
            return [
                pieces(column, partial(measure_type, type_prefix=self.type_prefix))
                for _, column in columns
                if column is not None
            ]
        if self.syntax.is_generic and at_observation and not self.layout.is_flat:
            return [
                pieces(column, partial(_observation_dimension, id))
                for id, column in columns
                if column is not None
            ]
        before, after = self.syntax.around("ObsKey" if at_observation else "SeriesKey")
        values = [
            pieces(column, partial(self.syntax.value, id))
            for id, column in columns
            if column is not None
        ]
        return [before, *values, after]

    def measure_pieces(self, batch: Batch) -> list[Part]:
        """Return the observed values, nothing where one is absent."""
        found: list[Part] = []
        for component in self.layout.measures:
            column = present(batch, component.id)
            if column is None or self.layout.is_complex(component):
                continue
            before, after = f' {component.id}="', '"'
            if self.syntax.is_generic:
                before, after = '<gen:ObsValue value="', '"/>'
            if pa.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            texts = text_pieces(column, _PLAIN, attribute_text)
            if not column.null_count:
                found += [before, texts, after]
                continue
            written = joined([before, texts, after])
            found.append(pc.if_else(pc.is_null(column), _NOTHING, written))
        return found

    def attribute_pieces(self, batch: Batch, level: str) -> list[Part]:
        """Return the attribute values of a level that need no `Comp`, wrapped where the syntax wraps them."""
        found: list[Part] = []
        for component in self.layout.attributes(level):
            if not self.layout.is_complex(component):
                part = self.value_pieces(component, batch)
                if part is not None:
                    found.append(part)
        if not self.syntax.is_generic or not found:
            return found
        before, after = self.syntax.around("Attributes")
        parts = folded(found)
        if len(parts) == 1 and isinstance(parts[0], Pieces):
            few = parts[0]
            texts = [f"{before}{text}{after}" if text else "" for text in few.texts]
            return [Pieces(texts, few.numbers)]
        inside = joined(parts)
        empty = pc.equal(pc.binary_length(inside), 0)
        return [pc.if_else(empty, _NOTHING, joined([before, inside, after]))]

    def value_pieces(self, component: ResolvedComponent, batch: Batch) -> Pieces | None:
        """Return the values of a component by row, None where no row can have one."""
        if component.relationship is not None:
            kind, dimensions = attachment(self.layout.dsd, component)
            if kind == "dimensions":
                return self.values_above(component, dimensions, batch)
        column = present(batch, component.id)
        if column is None:
            return None
        write: Callable[[Value], str] = partial(self.written, component)
        if pa.types.is_list(column.type):
            return list_pieces(column, lambda values: write(tuple(values)))
        return pieces(column, write)

    @cached_property
    def _above_by_key(self) -> dict[str, dict[tuple[str | None, ...], str]]:
        """By attribute and values of its dimensions, what is written of a value above the observation."""
        return {
            component.id: {
                tuple(text for _, text in key): self.written(component, value)
                for key, value in self._given(component)
            }
            for component in self.layout.attributes("series", "observation")
            if attachment(self.layout.dsd, component)[0] == "dimensions"
        }

    def values_above(
        self, component: ResolvedComponent, dimensions: Sequence[str], batch: Batch
    ) -> Pieces | None:
        """Return by row the value that holds for its partial key, None where no value is given at all."""
        given = self._above_by_key[component.id]
        if not given:
            return None
        keys, numbers = _partial_keys(batch, dimensions)
        self.used.setdefault(component.id, set()).update(keys)
        texts = [given.get(key, "") for key in keys]
        return Pieces(texts, numbers)

    # -- after the rows ----------------------------------------------------------------------------

    def without_rows(self) -> Iterator[str]:
        """Yield the values of series under which there was no row.

        SDMX 3.x has an element for any partial key; SDMX 2.1 only a series of the whole series key.

        Raises:
            NotExpressibleError: SDMX 2.1, and the values depend on other dimensions than the series.
        """
        merged: dict[Key, dict[str, Value]] = {}
        for component in self.layout.attributes("series", "observation"):
            kind, dimensions = attachment(self.layout.dsd, component)
            if kind != "dimensions":
                continue
            for key, value in self._given(component):
                if tuple(text for _, text in key) in self.used.get(component.id, ()):
                    continue
                self._check_place(component, dimensions, key)
                merged.setdefault(self._in_order(key), {})[component.id] = value
        notes = self._unused_notes()
        for key in notes:
            merged.setdefault(key, {})
        for key, values in merged.items():
            noted = notes.get(key, "")
            if self.syntax.version.has_atts:
                yield self.element(f"<Atts{self.key_text(key)}", values, "/>\n", noted)
            else:
                yield self._series_of(key, values, noted)

    def _in_order(self, key: Key) -> Key:
        return restricted(dict(key), self.layout.dsd.key_ids)

    def _unused_notes(self) -> dict[Key, str]:
        """Return the annotations of series under which there was no row."""
        used = self.used.get(ANNOTATIONS, ())
        return {
            key: notes
            for key, notes in self.notes.get("series", {}).items()
            if tuple(text for _, text in key) not in used
        }

    def _check_place(
        self, component: ResolvedComponent, dimensions: Sequence[str], key: Key
    ) -> None:
        if self.syntax.version.has_atts:
            return
        if self.layout.is_flat or set(dimensions) != set(self.layout.at_series):
            raise NotExpressibleError(
                f"{self.syntax.version.name} has no place for {component.id} of {dict(key)}, under which "
                "there is no observation; write SDMX-ML 3.1, SDMX-CSV 2.1 or SDMX-JSON 2.1"
            )

    def _series_of(self, key: Key, values: dict[str, Value], notes: str) -> str:
        """Return a series without observations (SDMX 2.1)."""
        named = dict(key)
        written_key = self.key_text(tuple((id, named[id]) for id in self.layout.at_series))
        written = "".join(self.written(self.layout.dsd[id], value) for id, value in values.items())
        if not self.syntax.is_generic:
            end = f">{notes}</Series>\n" if notes else "/>\n"
            return f"<Series{written_key}{written}{end}"
        attributes = f"<gen:Attributes>{written}</gen:Attributes>" if written else ""
        return f"<gen:Series>{notes}<gen:SeriesKey>{written_key}</gen:SeriesKey>{attributes}</gen:Series>\n"

    def closing(self, started: bool) -> str:
        """Return what follows the last row: the end of its series, and values under which there was no row."""
        is_open = started and not (self.layout.is_flat or self.series_only)
        end = f"</{self.syntax.prefix}Series>\n" if is_open else ""
        return end + "".join(self.without_rows())


def _observation_dimension(id: str, text: str) -> str:
    return f'<gen:ObsDimension id="{id}" value="{attribute_text(text)}"/>'


def _partial_keys(
    batch: Batch, dimensions: Sequence[str]
) -> tuple[list[tuple[str | None, ...]], npt.NDArray[np.int64]]:
    """Return the distinct values of some dimensions together, and by row the number of its values."""
    total = np.zeros(batch.num_rows, np.int64)
    columns = [present(batch, id) for id in dimensions]
    for column in columns:
        if column is None:
            continue
        values, indices = dictionary_of(column)
        numbers = indices.cast(pa.int64()).fill_null(len(values)).to_numpy(zero_copy_only=False)
        # Numbered anew after each dimension, so that the product never leaves 64 bits.
        _, total = np.unique(total, return_inverse=True)
        total = total * (len(values) + 1) + numbers
    _, rows, found = np.unique(total, return_index=True, return_inverse=True)
    taken = pa.array(rows)
    texts = [
        [None] * len(rows) if column is None else column.take(taken).to_pylist()
        for column in columns
    ]
    keys: list[tuple[str | None, ...]] = list(zip(*texts, strict=True)) or [()] * len(rows)
    return keys, found.astype(np.int64)
