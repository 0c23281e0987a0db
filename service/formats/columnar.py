"""What Parquet and Arrow IPC have in common: the Arrow schema of a data set, and its rows as batches again.

Not in SDMX. A column a component under its id, texts as reported; what a message says around its rows is in the
metadata of the schema, under keys that start with `sdmx.`. Files of other makers (pandas, DuckDB, R) have none
of it: their structure is the caller's to name.

A component that takes texts in languages is a map of language to text. What is noted on an observation stands in
`$annotations` as the array that SDMX-JSON has.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from codelists.text import DEFAULT_LANGUAGE
from codelists.urn import Urn, UrnSyntaxError
from dsd.annotated import annotations_of, annotations_text
from dsd.batch import ACTION, ANNOTATIONS, BATCH_ROWS, CODED, Batch, column_type
from dsd.dataset import (
    NOTHING_SAID,
    Action,
    Dataset,
    PreparedDataset,
    SetAttributes,
)
from dsd.finding import Finding, Report, Severity
from dsd.localised import (
    TAG_MARK,
    TEXT_MARK,
    compose,
    has_marks,
    is_language_tag,
    is_localised,
    parse,
    takes_languages,
)
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.structures import Structures, UnknownArtefactError
from service.formats.columns import dictionary_of, in_chunks, observation_ids, present, written_ids
from service.formats.contract import DecodeOptions, EncodeOptions, Header, NotExpressibleError
from service.formats.hoisting import Hoister
from service.formats.lazy import LazyBatches
from service.formats.levels import Level, Value, column_of, same_action
from service.formats.localised_texts import MARKS, in_languages
from service.formats.structure_name import structure_urn

STRUCTURE = "sdmx.structure"
NUMBER_PREFIX = "$"
"""Before the id of a measure: its column of binary numbers, for programs that calculate."""
_NUMBER = r"^(?:[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|NaN)$"

_BY_LANGUAGE = pa.map_(pa.string(), pa.string())

# -- writing ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """A data set as an Arrow table: its schema, and how a batch becomes one of that schema."""

    dsd: Dsd
    components: tuple[ResolvedComponent, ...]
    schema: pa.Schema
    default_action: Action
    languages: tuple[str, ...]
    writes_annotations: bool

    @cached_property
    def localised(self) -> frozenset[str]:
        """Ids of the components that take texts in languages."""
        return frozenset(c.id for c in self.components if takes_languages(c))

    def batches(self, batches: Iterable[Batch]) -> Iterator[pa.RecordBatch]:
        """Yield the rows with the columns of the schema, in their order."""
        for batch in in_chunks(batches):
            for name, what in ((ACTION, "actions of their own"), (ANNOTATIONS, "annotations")):
                own = name if name == ACTION or self.writes_annotations else ""
                if own in batch.schema.names and own not in self.schema.names:
                    raise NotExpressibleError(
                        f"rows have {what} where the first ones had none: give all of them one"
                    )
            columns = [self._column(batch, entry) for entry in self.schema]
            yield pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _column(self, batch: Batch, entry: pa.Field) -> pa.Array:
        name: str = entry.name
        if name.startswith(NUMBER_PREFIX) and name not in (ACTION, ANNOTATIONS):
            return numbers(present(batch, name[len(NUMBER_PREFIX) :]), batch.num_rows)
        column = present(batch, name)
        if column is None:
            fill = self.default_action.value if name == ACTION else None
            column = pa.repeat(pa.scalar(fill, pa.string()), batch.num_rows)
        if name in self.localised:
            return self._by_language(column, entry)
        if pa.types.is_list(entry.type) and not pa.types.is_list(column.type):
            return column_of(self.dsd[name], column.to_pylist())
        if entry.type == CODED:
            return compact(column).cast(CODED)
        return column.cast(entry.type)

    def _by_language(self, column: pa.Array, entry: pa.Field) -> pa.Array:
        def texts(value: str | None) -> dict[str, str] | None:
            return None if value is None else parse(in_languages(value, self.languages))

        if pa.types.is_list(entry.type):
            lists = column_of(self.dsd[entry.name], column.to_pylist()).to_pylist()
            return pa.array(
                [None if values is None else [*map(texts, values)] for values in lists], entry.type
            )
        values, indices = dictionary_of(compact(column.cast(pa.string())))
        return pa.array([texts(value) for value in values], entry.type).take(indices)


def compact(column: pa.Array) -> pa.Array:
    """Return a column of codes whose dictionary holds what its rows have and nothing else.

    That of a slice holds values of rows outside it, which are nobody's to read.
    """
    if not pa.types.is_dictionary(column.type):
        return column.dictionary_encode()
    if len(column.indices.unique().drop_null()) == len(column.dictionary):
        return column
    return column.cast(column.type.value_type).dictionary_encode()


def numbers(column: pa.Array | None, rows: int) -> pa.Array:
    """Return texts as binary numbers, null where a text is none: a convenience, digits may be lost."""
    if column is None:
        return pa.nulls(rows, pa.float64())
    texts = column.cast(pa.string())
    is_number = pc.match_substring_regex(texts, _NUMBER)
    return pc.if_else(is_number, texts, None).cast(pa.float64())


def component_ids(dataset: PreparedDataset, options: EncodeOptions) -> set[str]:
    """Return the ids of the components that have a column."""
    left_out = {"TIME_PERIOD"} if options.series_only else set()
    return set(written_ids(dataset.dsd, options)) - left_out


def make_table(
    header: Header, dataset: PreparedDataset, options: EncodeOptions, first: pa.Schema
) -> Table:
    """Return the table of a data set whose first rows have these columns.

    Raises:
        NotExpressibleError: the dimension at the observation is not in the DSD.
    """
    dsd = dataset.dsd
    observation_ids(dsd, options)
    ids = component_ids(dataset, options)
    components = tuple(component for component in dsd.components if component.id in ids)
    fields = []
    for component in components:
        fields.append(_field(component, _type_of(component)))
        if is_figure(component):
            fields.append(pa.field(NUMBER_PREFIX + component.id, pa.float64()))
    if ACTION in first.names:
        fields.append(pa.field(ACTION, CODED))
    if _writes_annotations(options):
        ids.add(ANNOTATIONS)
        # Only here is it known that no later row has any.
        if ANNOTATIONS in first.names or ANNOTATIONS in dataset.preamble.codes:
            fields.append(pa.field(ANNOTATIONS, CODED))
    schema = pa.schema(fields, metadata=_metadata(header, dataset, ids, options.languages))
    return Table(
        dsd, components, schema, dataset.action, options.languages, _writes_annotations(options)
    )


def _writes_annotations(options: EncodeOptions) -> bool:
    return options.component_ids is None or ANNOTATIONS in options.component_ids


def _type_of(component: ResolvedComponent) -> pa.DataType:
    if not takes_languages(component):
        return column_type(component)
    return pa.list_(_BY_LANGUAGE) if component.is_multiple else _BY_LANGUAGE


def is_figure(component: ResolvedComponent) -> bool:
    """Tell whether the values of a component may be numbers: those of a measure, one a row."""
    return (
        component.role is Role.MEASURE
        and component.codelist is None
        and not component.is_multiple
        and not takes_languages(component)
    )


def _field(component: ResolvedComponent, kind: pa.DataType) -> pa.Field:
    said = {"sdmx.role": component.role.value, "sdmx.name": component.name}
    if component.codelist is not None:
        said["sdmx.codelist"] = str(component.codelist.urn)
    return pa.field(component.id, kind, metadata=said)


def _metadata(
    header: Header, dataset: PreparedDataset, ids: set[str], languages: tuple[str, ...]
) -> dict[str, str]:
    dsd = dataset.dsd
    above = [
        {
            "key": entry.key,
            "values": {id: _above(v, languages) for id, v in entry.values.items() if id in ids},
        }
        for entry in dataset.preamble.attributes
        if not ids.isdisjoint(entry.values)
    ]
    said = {name: text for name, text in asdict(dataset.said).items() if text is not None}
    message = {
        "id": header.id,
        "prepared": header.prepared.isoformat(timespec="seconds"),
        "sender": header.sender,
        "test": header.test,
    }
    return {
        STRUCTURE: str(structure_urn(dsd)),
        "sdmx.datastructure": str(dsd.structure.urn),
        "sdmx.name": (dsd.dataflow or dsd.structure).label(),
        "sdmx.action": dataset.action.value,
        "sdmx.header": json.dumps(message, ensure_ascii=False),
        **({"sdmx.set": json.dumps(said, ensure_ascii=False)} if said else {}),
        **({"sdmx.attributes": json.dumps(above, ensure_ascii=False)} if above else {}),
    }


def _above(value: Value, languages: tuple[str, ...]) -> Any:
    """Return a value above the observation as JSON has it: texts in languages as an object."""
    if not isinstance(value, str):
        return [_above(text, languages) for text in value]
    wanted = in_languages(value, languages)
    return parse(wanted) if is_localised(wanted) else wanted


# -- reading ---------------------------------------------------------------------------------------


def read_dataset(
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    structures: Structures,
    report: Report,
    options: DecodeOptions,
) -> Iterator[Dataset]:
    """Yield the data set of a table as its rows are read, none where its structure is not known."""
    metadata = _metadata_of(schema, report)
    dsd = metadata and _resolve(metadata.structure, structures, report, options)
    if not metadata or not dsd:
        return
    action, said, hoister = metadata.action, metadata.said, Hoister(dsd, report)
    for entry in metadata.above:
        for id, stated in entry.values.items():
            value = _stated(dsd, id, stated)
            if value is None:
                what = f"{id} of {entry.key or 'the data set'} in the metadata sdmx.attributes is no value of it"
                report.add(_wrong_metadata(f"{what}, and was left out.", Severity.ERROR))
            else:
                hoister.state(action, id, entry.key, value, None)
    rows = LazyBatches(_Reading(dsd, report, schema, action, hoister).rows(batches))
    yield Dataset(dsd, rows, action, hoister.entries(action), said)
    rows.keep_rest()
    # Values above the observation from rows that ask for something else than the data set.
    for other in hoister.actions:
        if other != action:
            yield Dataset(dsd, (), other, tuple(hoister.entries(other)), said)


class _Above(msgspec.Struct):
    """Values above the observation, as the metadata state them."""

    key: dict[str, str]
    values: dict[str, str | list[str | dict[str, str]] | dict[str, str]]


def _stated(dsd: Dsd, id: str, stated: Any) -> Value | None:
    """Return a value of the metadata as a batch has it; None where the component has none like it."""
    if isinstance(stated, list):
        found = [_stated(dsd, id, part) for part in stated]
        return None if None in found else tuple(map(str, found))
    try:
        if id == ANNOTATIONS:
            return annotations_text(annotations_of(stated))
        speaks = id in dsd and takes_languages(dsd[id])
        if isinstance(stated, str):
            return None if speaks and has_marks(stated) else stated
        return compose(stated) if speaks else None
    except (ValueError, TypeError, msgspec.MsgspecError):
        return None


@dataclass(frozen=True)
class _Metadata:
    """What the metadata of a schema say."""

    structure: str | None = None
    action: Action = Action.MERGE
    said: SetAttributes = NOTHING_SAID
    above: tuple[_Above, ...] = ()


def _metadata_of(schema: pa.Schema, report: Report) -> _Metadata | None:
    """Return what the metadata of a schema say, None (and a finding) where they cannot be read."""
    try:
        said = {key.decode(): text.decode() for key, text in (schema.metadata or {}).items()}
        # Names that are no UTF-8 are found where they are looked at.
        schema.names  # noqa: B018
        above = msgspec.json.decode(said.get("sdmx.attributes", "[]"), type=list[_Above])
        return _Metadata(
            said.get(STRUCTURE),
            Action(said["sdmx.action"]) if "sdmx.action" in said else Action.MERGE,
            msgspec.json.decode(said.get("sdmx.set", "{}"), type=SetAttributes),
            tuple(above),
        )
    except (ValueError, msgspec.MsgspecError) as error:
        message = (
            f"The metadata of the schema under sdmx. cannot be read: {error}. Leave them out, or write them as they were "
            "sent."
        )
        report.add(_wrong_metadata(message, Severity.FATAL))
        return None


def _wrong_metadata(message: str, severity: Severity) -> Finding:
    return Finding(rule="wrong-metadata", severity=severity, message=message)


def _resolve(
    text: str | None, structures: Structures, report: Report, options: DecodeOptions
) -> Dsd | None:
    named: str | Urn | None = text or options.structure
    if named is None:
        report.add(
            _fatal(
                "The file does not say its structure (metadata sdmx.structure of the schema): name the "
                "dataflow, provision agreement or data structure of its columns."
            )
        )
        return None
    try:
        return structures.dsd(named)
    except (UrnSyntaxError, UnknownArtefactError) as error:
        report.add(_fatal(f"The structure of the file cannot be used: {error}."))
        return None


def _fatal(message: str) -> Finding:
    return Finding(rule="unknown-structure", severity=Severity.FATAL, message=message)


@dataclass(frozen=True)
class _Reading:
    """The columns of a file on their way to batches."""

    dsd: Dsd
    report: Report
    schema: pa.Schema
    action: Action
    hoister: Hoister
    told: set[str] = field(default_factory=set)
    """Columns of which it has been said that they are converted."""

    def rows(self, batches: Iterable[pa.RecordBatch]) -> Iterator[Batch]:
        """Yield the rows; what they say above the observation is gathered."""
        self.report_columns()
        own_actions = ACTION in self.schema.names
        first = 1
        for whole in batches:
            for start in range(0, whole.num_rows, BATCH_ROWS):
                level = self.level(whole.slice(start, BATCH_ROWS), first)
                first += len(level.locators)
                yield from level.batches(self.hoister.hoist(level), own_actions=own_actions)

    # -- columns -----------------------------------------------------------------------------------

    def report_columns(self) -> None:
        """Report columns that are no components, and dimensions that have none."""
        names = list(self.schema.names)
        absent = [id for id in self.dsd.by_id if id not in names]
        for name in names:
            if names.count(name) > 1:
                self.add(
                    "duplicate-column", Severity.ERROR, name, f"The column {name} comes twice."
                )
            elif name not in self.dsd and not name.startswith(NUMBER_PREFIX):
                self.report_unknown(name, absent)
        for id in absent:
            if id in self.dsd.key_ids and self.action is not Action.DELETE:
                self.add(
                    "missing-dimension",
                    Severity.ERROR,
                    id,
                    f"There is no column {id} ({self.dsd[id].name}), which is a dimension of "
                    f"{self.dsd.urn.short}; every row needs it.",
                )

    def report_unknown(self, name: str, absent: list[str]) -> None:
        """Report a column that is no component: a misspelt one, or one of the sender's own."""
        near = get_close_matches(name.upper(), absent, n=1, cutoff=0.8)
        said = f"{name!r} is no component of {self.dsd.urn.short}"
        if near:
            said = f"{said}; was {near[0]} meant? The column was left out."
            self.add("unknown-column", Severity.ERROR, name, said, near[0])
        else:
            said = f"{said}: a column of the sender's own, whose values are not kept."
            self.add("custom-column", Severity.WARNING, name, said)

    def add(
        self, rule: str, severity: Severity, id: str, message: str, suggestion: str | None = None
    ) -> None:
        """Report something about a column."""
        self.report.add(
            Finding(
                rule=rule,
                severity=severity,
                message=message,
                dataflow=self.dsd.urn.short,
                component=id,
                suggestion=suggestion,
            )
        )

    # -- rows --------------------------------------------------------------------------------------

    def level(self, batch: pa.RecordBatch, first: int) -> Level:
        """Return the rows of a batch as texts; `first` is the number of its first row."""
        columns = {}
        for component in self.dsd.components:
            place = batch.schema.get_field_index(component.id)
            if place >= 0:
                columns[component.id] = self.column(component, batch.column(place))
        numbers = pa.array(np.arange(first, first + batch.num_rows)).cast(pa.string())
        locators = pc.binary_join_element_wise("row:", numbers, "")
        noted = present(batch, ANNOTATIONS)
        if noted is not None:
            columns[ANNOTATIONS] = self.annotations(noted, first)
        return Level(self.dsd, columns, self.actions(batch), locators)

    def annotations(self, column: pa.Array, first: int) -> pa.Array:
        """Return what is noted on rows; a text that is none is left out, and told."""
        values, indices = dictionary_of(column.cast(pa.string()))
        found: list[str | None] = []
        for number, value in enumerate(values):
            try:
                found.append(annotations_text(annotations_of(value)))
            except msgspec.MsgspecError as error:
                found.append(None)
                row = first + pc.index(indices, number).as_py()
                said = f"The annotations of row {row} are not as SDMX-JSON has them, and are not kept: {error}."
                self.add("annotations-not-kept", Severity.WARNING, ANNOTATIONS, said)
        return pa.array(found, pa.string()).take(indices).dictionary_encode()

    def actions(self, batch: pa.RecordBatch) -> npt.NDArray[np.object_]:
        """Return what each row asks for."""
        found = same_action(self.action, batch.num_rows)
        column = present(batch, ACTION)
        if column is None:
            return found
        words = {str(action): action for action in Action}
        for row, text in enumerate(column.cast(pa.string()).to_pylist()):
            if text is not None and text not in words:
                self.add(
                    "unknown-action",
                    Severity.ERROR,
                    ACTION,
                    f"{text!r} is no action; there are {', '.join(words)}. The row was taken as "
                    f"{self.action}.",
                )
            found[row] = words.get(text, self.action)
        return found

    def column(self, component: ResolvedComponent, column: pa.Array) -> pa.Array:
        """Return a column of a file as a batch has it: texts, whatever its type."""
        if takes_languages(component):
            return self.localised(component, column)
        if _is_list(column.type):
            lists = column.cast(pa.list_(pa.string()))
            return lists if component.is_multiple else column_of(component, lists.to_pylist())
        texts = self.texts(component, column)
        if component.is_multiple:
            return column_of(component, texts.to_pylist())
        return texts if component.role is Role.MEASURE else texts.dictionary_encode()

    def localised(self, component: ResolvedComponent, column: pa.Array) -> pa.Array:
        """Return texts in languages: maps of language to text, or texts in English."""
        is_list = _is_list(column.type)
        inner = column.type.value_type if is_list else column.type
        if pa.types.is_map(column.type) and not component.is_multiple:
            whole = maps_in_bulk(column)
            if whole is not None:
                return whole if component.role is Role.MEASURE else whole.dictionary_encode()
        if pa.types.is_map(inner):
            raw = column.to_pylist()
        elif is_list:
            raw = column.cast(pa.list_(pa.string())).to_pylist()
        else:
            raw = self.texts(component, column).to_pylist()

        def value(texts: Any) -> str | None:
            if texts is None or isinstance(texts, str):
                found = None if texts is None or has_marks(texts) else texts
            else:
                found = _composed(dict(texts))
            if found is None and texts is not None:
                self.tell_marked(component)
            return found

        if not is_list:
            return column_of(component, [value(entry) for entry in raw])
        lists = [
            None if entry is None else tuple(v for v in map(value, entry) if v is not None)
            for entry in raw
        ]
        return column_of(component, lists)

    def tell_marked(self, component: ResolvedComponent) -> None:
        """Report once that a text in languages cannot be kept."""
        if component.id not in self.told:
            self.told.add(component.id)
            said = (
                f"{component.id} has texts that were left out: each is a text without U+001E and U+001F, under the tag of "
                "its language."
            )
            self.add("unstated-language", Severity.WARNING, component.id, said)

    def texts(self, component: ResolvedComponent, column: pa.Array) -> pa.Array:
        """Return values of any type as texts; a conversion that may not be digit for digit is told."""
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        kind = column.type
        if pa.types.is_floating(kind):
            self.tell_conversion(component, "binary numbers, written by their shortest digits")
            return _decimal_texts(column)
        if pa.types.is_timestamp(kind):
            texts = pc.replace_substring(column.cast(pa.string()), " ", "T", max_replacements=1)
            return pc.replace_substring_regex(texts, r"\.0+(Z?)$", r"\1")
        if pa.types.is_nested(kind) or pa.types.is_binary(kind):
            self.tell_unreadable(component, kind)
            return pa.nulls(len(column), pa.string())
        return column.cast(pa.string())

    def tell_conversion(self, component: ResolvedComponent, what: str) -> None:
        """Report once that a column came in another type than text."""
        if component.id not in self.told:
            self.told.add(component.id)
            said = f"The column {component.id} holds {what}; send texts to have every digit kept."
            self.add("binary-number", Severity.INFO, component.id, said)

    def tell_unreadable(self, component: ResolvedComponent, kind: pa.DataType) -> None:
        """Report once that a column is of a type that holds no values."""
        if component.id not in self.told:
            self.told.add(component.id)
            said = (
                f"The column {component.id} is of type {kind}, which is no value; it was left out."
            )
            self.add("unreadable-column", Severity.ERROR, component.id, said)


def maps_in_bulk(column: pa.MapArray) -> pa.StringArray | None:
    """Return maps of language to text as values; None where one must be looked at by itself."""
    offsets = column.offsets.to_numpy()
    lengths = np.diff(offsets)
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    first, count = int(offsets[0]), int(offsets[-1] - offsets[0])
    tags, texts = column.keys.slice(first, count), column.items.slice(first, count)
    if not count:
        return None if valid.any() else pa.nulls(len(column), pa.string())
    if not _are_texts(tags, texts) or not ((lengths > 0) == valid).all():
        return None
    owners = np.repeat(np.arange(len(lengths)), lengths)
    rise = pc.greater(tags.slice(1), tags.slice(0, max(count - 1, 0))).to_numpy(
        zero_copy_only=False
    )
    if not (rise | (owners[1:] != owners[:-1])).all():
        return None
    entries = pc.binary_join_element_wise(TAG_MARK, tags, TEXT_MARK, texts, "")
    bounds = pa.array((offsets - first).astype(np.int32))
    joined = pc.binary_join(pa.ListArray.from_arrays(bounds, entries), "")
    # A text in English alone is the plain text.
    single = np.where(valid, offsets[:-1] - first, 0)
    english = pc.equal(tags, DEFAULT_LANGUAGE).to_numpy(zero_copy_only=False)
    plain = pa.array((lengths == 1) & english[single])
    found = pc.if_else(plain, texts.take(pa.array(single)), joined)
    return pc.if_else(pa.array(valid), found, pa.scalar(None, pa.string()))


def _are_texts(tags: pa.Array, texts: pa.Array) -> bool:
    """Tell whether these are tags of languages and texts, which hold none of the marks."""
    return bool(
        tags.type == texts.type == pa.string()
        and not texts.null_count
        and all(map(is_language_tag, pc.unique(tags).to_pylist()))
        and not pc.any(pc.match_substring_regex(texts, MARKS)).as_py()
    )


def _composed(texts: dict[Any, Any]) -> str | None:
    try:
        return compose(texts)
    except (ValueError, TypeError):
        return None


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _decimal_texts(column: pa.Array) -> pa.Array:
    """Return binary numbers as texts, whole ones without a decimal point, never in halves of an exponent."""
    texts = column.cast(pa.string())
    texts = pc.replace_substring_regex(texts, r"\.0$", "")
    return pc.if_else(pc.is_nan(column), "NaN", texts)
