"""What a format can hold of data that have texts in languages or annotations.

A format says in its capabilities whether it holds them. Data that come as an answer are fitted to the format that was
asked for, as names are: one language stays, the best of those asked for. A conversion says what it leaves out. An encoder
never sees what its format cannot hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from codelists.text import best_match
from converters.conversion import ConversionRule
from dsd.batch import ANNOTATIONS, Batch
from dsd.dataset import AttributeValues, Dataset, PreparedDataset
from dsd.finding import Finding, Severity
from dsd.localised import components_with_languages, is_localised, parse, readable
from dsd.resolved import Dsd
from service.formats.columns import present
from service.formats.contract import (
    Capabilities,
    DataFormat,
    EncodeData,
    EncodeOptions,
    Header,
    NotExpressibleError,
)
from service.formats.names import asked_languages

FITTING_RULES: tuple[ConversionRule, ...] = (
    ConversionRule(
        "languages-left-out", Severity.WARNING, "A text in several languages was written in one"
    ),
    ConversionRule("annotations-left-out", Severity.WARNING, "Annotations were not written"),
)
"""What fitting can leave out."""

Value = str | tuple[str, ...]
_Choose = Callable[[str], str]


@dataclass
class LeftOut:
    """What a format could not hold, counted while the data are written."""

    texts: Counter[str] = field(default_factory=Counter)
    """Distinct texts that lost a language, by component."""
    annotated: int = 0
    """Data sets, groups, series and observations that lost their annotations."""

    def findings(self, holder: str) -> list[Finding]:
        """Return what is to be told of what a format could not hold, whole when the data are written."""
        texts, annotations = FITTING_RULES
        found = [
            Finding(
                rule=texts.id,
                severity=texts.severity,
                message=f"{holder} holds a text in one language; {count} texts of {id} that are in several, or "
                "in another than English, were written in the best match alone; write csv, json or ml30 to keep all.",
                component=id,
            )
            for id, count in sorted(self.texts.items())
        ]
        if self.annotated:
            found.append(
                Finding(
                    rule=annotations.id,
                    severity=annotations.severity,
                    message=f"{holder} has no place for annotations; those of {self.annotated} observations, "
                    "series, groups or data sets were not written; write json or an SDMX-ML format to keep them.",
                )
            )
        return found


def fitted(
    dataset: PreparedDataset,
    capabilities: Capabilities,
    languages: tuple[str, ...],
    left_out: LeftOut | None = None,
) -> PreparedDataset:
    """Return a data set without what a format cannot hold.

    Args:
        dataset: any.
        capabilities: of the format.
        languages: in which a text is wanted that can be in one language only, best first.
        left_out: told what is left out, while the batches are read.
    """
    fitting = _fitting(dataset.dsd, capabilities, languages, left_out)
    if fitting is None:
        return dataset
    preamble = replace(
        dataset.preamble,
        attributes=tuple(fitting.values(entry) for entry in dataset.preamble.attributes),
    )
    return replace(
        dataset, preamble=preamble, batches=(fitting.batch(batch) for batch in dataset.batches)
    )


def fitted_to_questionnaire(
    dataset: Dataset, languages: tuple[str, ...], left_out: LeftOut
) -> Dataset:
    """Return a data set without what a questionnaire cannot hold: it has one language a cell, and no annotations."""
    fitting = _fitting(dataset.dsd, _QUESTIONNAIRE, languages, left_out)
    if fitting is None:
        return dataset
    return replace(
        dataset,
        batches=[fitting.batch(batch) for batch in dataset.batches],
        attributes=[fitting.values(entry) for entry in dataset.attributes],
    )


_QUESTIONNAIRE = Capabilities(multiple_values=True, row_actions=False, cross_section=False)


def _fitting(
    dsd: Dsd, capabilities: Capabilities, languages: tuple[str, ...], left_out: LeftOut | None
) -> _Fitting | None:
    """Return what fits data to a format; None where it holds everything."""
    ids = () if capabilities.languages else components_with_languages(dsd)
    if capabilities.annotations and not ids:
        return None
    return _Fitting(
        frozenset(component.id for component in ids),
        not capabilities.annotations,
        asked_languages(languages),
        LeftOut() if left_out is None else left_out,
    )


@dataclass(frozen=True)
class _Fitting:
    localised: frozenset[str]
    """Components whose texts may be in one language only."""
    drops_annotations: bool
    languages: tuple[str, ...]
    left_out: LeftOut

    def values(self, entry: AttributeValues) -> AttributeValues:
        """Return values above the observation as the format holds them."""
        kept: dict[str, Value] = {}
        for id, value in entry.values.items():
            if id == ANNOTATIONS and self.drops_annotations:
                self.left_out.annotated += 1
            elif id in self.localised:
                kept[id] = self._value(id, value)
            else:
                kept[id] = value
        return replace(entry, values=kept)

    def _value(self, id: str, value: Value) -> Value:
        choose = self._chooser(id)
        return choose(value) if isinstance(value, str) else tuple(map(choose, value))

    def _chooser(self, id: str) -> _Choose:
        def choose(text: str) -> str:
            if not is_localised(text):
                return text
            self.left_out.texts[id] += 1
            found = best_match(parse(text), self.languages)
            # A text in languages has one at least.
            assert found is not None  # noqa: S101
            return found[1]

        return choose

    def batch(self, batch: Batch) -> Batch:
        """Return observations as the format holds them."""
        if self.drops_annotations and ANNOTATIONS in batch.schema.names:
            noted = batch.column(ANNOTATIONS)
            self.left_out.annotated += len(noted) - noted.null_count
            batch = batch.drop_columns([ANNOTATIONS])
        for id in self.localised:
            column = present(batch, id)
            if column is not None and _has_localised(column):
                place = batch.schema.get_field_index(id)
                batch = batch.set_column(
                    place, batch.schema.field(place), _mapped(column, self._chooser(id))
                )
        return batch


def _texts(column: pa.Array) -> pa.Array:
    """Return the texts that a column is made of."""
    if pa.types.is_list(column.type):
        return column.flatten()
    return column.dictionary if pa.types.is_dictionary(column.type) else column


def _has_localised(column: pa.Array) -> bool:
    return any(is_localised(text) for text in pc.unique(_texts(column)).to_pylist() if text)


def _mapped(column: pa.Array, choose: _Choose) -> pa.Array:
    """Return a column with every text replaced."""
    if pa.types.is_dictionary(column.type):
        texts = [None if text is None else choose(text) for text in column.dictionary.to_pylist()]
        return pa.DictionaryArray.from_arrays(column.indices, pa.array(texts, pa.string()))
    if pa.types.is_list(column.type):
        lists = [entry and [choose(text) for text in entry] for entry in column.to_pylist()]
        return pa.array(lists, column.type)
    encoded = column.dictionary_encode()
    return _mapped(encoded, choose).cast(column.type)


def guarded(data_format: DataFormat) -> DataFormat:
    """Return a format whose encoder refuses what it cannot hold, so that nothing is written wrongly or left out."""
    encode, capabilities = data_format.encode, data_format.capabilities
    if encode is None or (capabilities.languages and capabilities.annotations):
        return data_format
    return replace(data_format, encode=_refusing(encode, data_format.name, capabilities))


def _refusing(encode: EncodeData, name: str, capabilities: Capabilities) -> EncodeData:
    def guarded_encode(
        header: Header, datasets: Sequence[PreparedDataset], options: EncodeOptions
    ) -> Iterator[bytes]:
        seen = [_Guard(name, capabilities, dataset.dsd).over(dataset) for dataset in datasets]
        return encode(header, seen, options)

    return guarded_encode


class _Guard:
    """Looks at all that an encoder is given."""

    def __init__(self, name: str, capabilities: Capabilities, dsd: Dsd) -> None:
        self._name = name
        self._takes_annotations = capabilities.annotations
        self._ids = [] if capabilities.languages else [c.id for c in components_with_languages(dsd)]

    def over(self, dataset: PreparedDataset) -> PreparedDataset:
        """Return a data set that raises where something in it cannot be held."""
        for entry in dataset.preamble.attributes:
            self._check_values(entry.values)
        return replace(dataset, batches=self._checked(dataset.batches))

    def _check_values(self, values: Mapping[str, Value]) -> None:
        if ANNOTATIONS in values and not self._takes_annotations:
            raise self._no_annotations()
        for id in self._ids:
            value = values.get(id, ())
            for text in (value,) if isinstance(value, str) else value:
                self._check_text(id, text)

    def _checked(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            if not self._takes_annotations and ANNOTATIONS in batch.schema.names:
                raise self._no_annotations()
            for id in self._ids:
                column = present(batch, id)
                for text in () if column is None else pc.unique(_texts(column)).to_pylist():
                    self._check_text(id, text or "")
            yield batch

    def _check_text(self, id: str, text: str) -> None:
        if is_localised(text):
            raise NotExpressibleError(
                f"{self._name} holds a text in one language, and {id} has {readable(text)!r}; choose one, or write csv, "
                "json or ml30"
            )

    def _no_annotations(self) -> NotExpressibleError:
        return NotExpressibleError(
            f"{self._name} has no place for annotations of data; leave them out, or write json or an SDMX-ML format"
        )
