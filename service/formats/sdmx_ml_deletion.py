"""Data sets that delete: which element says that an observation, a value or everything under a key goes.

SDMX 3.1 Section 3, "Delete Action": what goes is the lowest level that is given; a dimension left out stands for
any value. SDMX 2.1 and 3.0 let no key stand for more than one series.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from dsd.batch import ANNOTATIONS, Batch, rows_of
from dsd.resolved import ResolvedComponent
from service.formats.columns import in_chunks
from service.formats.contract import NotExpressibleError
from service.formats.levels import Value
from service.formats.sdmx_ml_layout import PRIMARY_MEASURE, attachment, restricted
from service.formats.sdmx_ml_syntax import measure_type
from service.formats.sdmx_ml_writer import DataSetWriter, Key

Row: TypeAlias = dict[str, str | list[str]]


def deletions(writer: DataSetWriter, batches: Iterable[Batch]) -> Iterator[bytes]:
    """Yield the elements of rows that delete, neighbours of one series together.

    A row has the dimensions that it names; of the other components those whose values go. Without any, the whole
    observation goes, or all under its key. Where values belong above the observation, these alone go.

    Raises:
        NotExpressibleError: a key leaves out more than the version lets it; SDMX 2.1: a value above the
            observation stands on a row.
    """
    series = _SeriesWriter(writer)
    for batch in in_chunks(batches):
        yield "".join(text for row in rows_of([batch]) for text in series.row(row)).encode()
    yield (series.end() + "".join(writer.without_rows())).encode()


@dataclass
class _SeriesWriter:
    """Writes row after row and holds the series that is open."""

    writer: DataSetWriter
    open: Key | None = None

    @cached_property
    def above(self) -> list[tuple[ResolvedComponent, tuple[str, ...]]]:
        """The attributes above the observation, with their dimensions."""
        layout = self.writer.layout
        found = [
            (c, attachment(layout.dsd, c))
            for c in layout.attributes("atts", "series", "group", "dataset")
        ]
        # SDMX 2.1 has attributes of dimensions at the observation too.
        found += [(c, attachment(layout.dsd, c)) for c in layout.attributes("observation")]
        return [(c, dimensions) for c, (kind, dimensions) in found if kind != "observation"]

    @cached_property
    def at_observation(self) -> list[ResolvedComponent]:
        """The measures and the attributes of the observation."""
        above = {component.id for component, _ in self.above}
        layout = self.writer.layout
        return [
            c for c in (*layout.measures, *layout.attributes("observation")) if c.id not in above
        ]

    def row(self, row: Row) -> Iterator[str]:
        """Yield the XML of a row."""
        above = {c.id: (c, dimensions) for c, dimensions in self.above if c.id in row}
        values: dict[str, Value] = {
            c.id: _value(row[c.id]) for c in self.at_observation if c.id in row
        }
        if above:
            yield self.end()
            yield from self.values_above(row, above)
        notes = row.get(ANNOTATIONS)
        if values or notes or not (above or self.names_others(row)):
            yield from self.observation(
                row, values, self.writer.noted(notes) if isinstance(notes, str) else ""
            )

    def names_others(self, row: Row) -> bool:
        """Tell whether a row has values of components that are not to be written: then these alone would go."""
        layout = self.writer.layout
        written = {component.id for component in layout.components}
        return any(id in layout.dsd and id not in written for id in row)

    def values_above(
        self, row: Row, above: dict[str, tuple[ResolvedComponent, tuple[str, ...]]]
    ) -> Iterator[str]:
        """Yield an element for each partial key that has values to delete."""
        version = self.writer.syntax.version
        merged: dict[tuple[str, ...], dict[str, Value]] = {}
        for id, (_, dimensions) in above.items():
            merged.setdefault(dimensions, {})[id] = _value(row[id])
        for dimensions, values in merged.items():
            if not version.has_atts:
                raise NotExpressibleError(
                    f"{version.name} has {', '.join(values)} above the observation, but rows hold values of "
                    "it; put them in the attributes of the dataset, or write SDMX-CSV 2.1 or SDMX-ML 3.1"
                )
            key = restricted(_key(row), dimensions)
            self.check_key(dimensions, key)
            yield self.writer.element(f"<Atts{self.writer.key_text(key)}", values, "/>\n")

    def observation(self, row: Row, values: dict[str, Value], notes: str) -> Iterator[str]:
        """Yield an observation, or the series of which all goes."""
        layout = self.writer.layout
        named = _key(row)
        series = restricted(named, layout.at_series)
        inside = restricted(named, layout.at_observation)
        self.check_key(layout.at_series, series)
        if layout.is_flat:
            self.check_key(layout.at_observation, inside)
            yield self.observation_element(inside, values, notes)
            return
        if not inside and not values:
            self.check_notes(notes, series)
            yield self.end()
            yield self.whole_series(series)
            return
        self.check_key(layout.at_observation, inside)
        if series != self.open:
            yield self.end()
            self.open = series
            yield self.series_start(series)
        yield self.observation_element(inside, values, notes)

    def check_notes(self, notes: str, series: Key) -> None:
        """See to it that no annotations stand with a series of which all goes."""
        if notes:
            raise NotExpressibleError(
                f"{self.writer.syntax.version.name} deletes the whole series {dict(series)} where a row would delete "
                "annotations of its observations; name each observation, or write SDMX-JSON 2.1"
            )

    def check_key(self, dimensions: tuple[str, ...], key: Key) -> None:
        """See to it that a key is complete where it must be."""
        version = self.writer.syntax.version
        lacking = [id for id in dimensions if id not in dict(key)]
        if lacking and not version.deletes_by_partial_key:
            raise NotExpressibleError(
                f"{version.name} deletes by whole keys only, but a row leaves out {', '.join(lacking)}; "
                "write SDMX-ML 3.1 or SDMX-CSV"
            )

    # -- elements ----------------------------------------------------------------------------------

    def series_start(self, key: Key) -> str:
        """Return the start of a series."""
        written = self.writer.key_text(key)
        if self.writer.syntax.is_generic:
            return f"<gen:Series><gen:SeriesKey>{written}</gen:SeriesKey>\n"
        return f"<Series{written}>\n"

    def whole_series(self, key: Key) -> str:
        """Return a series of which all goes."""
        written = self.writer.key_text(key)
        if self.writer.syntax.is_generic:
            return f"<gen:Series><gen:SeriesKey>{written}</gen:SeriesKey></gen:Series>\n"
        return f"<Series{written}/>\n"

    def observation_element(self, key: Key, values: dict[str, Value], notes: str) -> str:
        """Return an observation."""
        writer = self.writer
        if not writer.syntax.is_generic:
            written = writer.key_text(key)
            if writer.layout.explicit_measures:
                written = measure_type(key[0][1], writer.type_prefix)
            return writer.element(f"<Obs{written}", values, "/>\n", notes)
        before, after = ("<gen:ObsKey>", "</gen:ObsKey>")
        written = before + writer.key_text(key) + after
        if not writer.layout.is_flat:
            ((id, text),) = key
            written = writer.syntax.value(id, text).replace("gen:Value", "gen:ObsDimension", 1)
        if PRIMARY_MEASURE in values:
            measure = writer.syntax.value(PRIMARY_MEASURE, writer.text_of(values[PRIMARY_MEASURE]))
            written += measure.replace(f'gen:Value id="{PRIMARY_MEASURE}"', "gen:ObsValue", 1)
        attributes = "".join(
            writer.written(writer.layout.dsd[id], value)
            for id, value in values.items()
            if id != PRIMARY_MEASURE
        )
        if attributes:
            written += f"<gen:Attributes>{attributes}</gen:Attributes>"
        return f"<gen:Obs>{notes}{written}</gen:Obs>\n"

    def end(self) -> str:
        """Return the end of the open series, if one is."""
        if self.open is None:
            return ""
        self.open = None
        return f"</{self.writer.syntax.prefix}Series>\n"


def _key(row: Row) -> dict[str, str]:
    return {id: value for id, value in row.items() if isinstance(value, str)}


def _value(value: str | list[str]) -> Value:
    return value if isinstance(value, str) else tuple(value)
