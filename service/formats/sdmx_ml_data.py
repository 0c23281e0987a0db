"""SDMX-ML data messages of versions 2.1, 3.0 and 3.1: the encoders.

A message has one header and any number of data sets, each of its own structure, with its own action and validity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from dsd.batch import Batch
from dsd.dataset import Action, PreparedDataset
from service.formats.columns import content, peeked
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.grouping import Grouper, ordered, positions_of
from service.formats.names import ALL_LANGUAGES
from service.formats.sdmx_ml21 import DECLARATION, attribute_text, header_start, tag
from service.formats.sdmx_ml_deletion import deletions
from service.formats.sdmx_ml_layout import check_above, make_layout, structure_urn
from service.formats.sdmx_ml_syntax import (
    GENERIC_21,
    GENERIC_TIME_SERIES_21,
    STRUCTURE_SPECIFIC_21,
    STRUCTURE_SPECIFIC_30,
    STRUCTURE_SPECIFIC_31,
    STRUCTURE_SPECIFIC_TIME_SERIES_21,
    Syntax,
)
from service.formats.sdmx_ml_writer import DataSetWriter

# What the schema takes as an xs:ID, of the characters that an id of SDMX may have.
_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)


@dataclass(frozen=True)
class _Part:
    """One data set of a message, with the number of its structure in the header."""

    dataset: PreparedDataset
    writer: DataSetWriter
    number: int
    batches: Iterator[Batch]

    @property
    def structure_id(self) -> str:
        """What the data set names its structure by in this message.

        Any name will do for the standard; rsdmx asks for the DSD by it. Ids of SDMX have no dot, so that no two are one.
        """
        id = self.dataset.dsd.structure.id
        name = id if _NAME.fullmatch(id) else "STR"
        return name if self.number == 1 else f"{name}.{self.number}"


def encode_ml(
    syntax: Syntax,
    header: Header,
    datasets: Sequence[PreparedDataset],
    options: EncodeOptions,
) -> Iterator[bytes]:
    """Yield an SDMX-ML data message in one of its syntaxes.

    Raises:
        NotExpressibleError: rows with actions of their own; SDMX 2.1: another measure than OBS_VALUE; values
            attached where the version has no place for them.
    """
    numbers: dict[str, int] = {}
    parts = []
    for dataset in datasets:
        layout = make_layout(syntax, dataset.dsd, options)
        check_above(layout, dataset.preamble.attributes)
        number = numbers.setdefault(layout.namespace, len(numbers) + 1)
        languages = () if ALL_LANGUAGES in options.languages else options.languages
        writer = DataSetWriter(
            syntax, layout, dataset.preamble, f"ns{number}", options.series_only, languages
        )
        _check_notes(writer, dataset.action)
        syntax.set_attributes(dataset.said)
        parts.append((dataset, writer, number))
    if not parts:
        raise NotExpressibleError(f"{syntax.version.name} has no message without a data set")
    if syntax.is_generic and syntax.is_time_series and len(numbers) > 1:
        raise NotExpressibleError(
            f"{syntax.root} is of one structure, but the data sets have {len(numbers)}; "
            "write another format, or one message a structure"
        )
    return _message(syntax, header, _peeked_parts(syntax, parts))


def _check_notes(writer: DataSetWriter, action: Action) -> None:
    """See to it that the annotations above the observation can be written.

    Raises:
        NotExpressibleError: the version has no place for all that they say; SDMX 2.1: they are of series, in a data
            set that deletes; of a group without attribute values, in generic data.
    """
    if writer.syntax.is_generic and any(place.startswith("group:") for place in writer.notes):
        for _ in writer.groups():
            pass
    if "series" in writer.notes and action is Action.DELETE and not writer.syntax.version.has_atts:
        raise NotExpressibleError(
            f"{writer.syntax.version.name} deletes a series that stands alone, and so cannot name annotations of one "
            "to delete; write SDMX-ML 3.1 or SDMX-JSON 2.1"
        )


def _peeked_parts(
    syntax: Syntax, parts: Sequence[tuple[PreparedDataset, DataSetWriter, int]]
) -> list[_Part]:
    """Return the parts after a look at their first rows, as far as looking takes none from another data set."""
    found = []
    for place, (dataset, writer, number) in enumerate(parts):
        batches = dataset.batches
        if place == 0 or isinstance(batches, Sequence):
            rows = peeked(batches, syntax.version.name, row_actions=False)
        else:
            rows = _peeked_late(dataset, syntax.version.name)
        found.append(_Part(dataset, writer, number, rows))
    return found


def _peeked_late(dataset: PreparedDataset, name: str) -> Iterator[Batch]:
    yield from peeked(dataset.batches, name, row_actions=False)


def _message(syntax: Syntax, header: Header, parts: Sequence[_Part]) -> Iterator[bytes]:
    chunks = _chunks(syntax, header, parts)
    # The first rows are written before anything is handed out, so that what cannot be written raises at the call.
    return chain([next(chunks)], chunks)


def _chunks(syntax: Syntax, header: Header, parts: Sequence[_Part]) -> Iterator[bytes]:
    opening = _opening(syntax, header, parts)
    for part in parts:
        contents = _contents(part)
        first = next(contents, b"")
        yield (opening + _dataset_opening(syntax, part)).encode() + first
        opening = ""
        yield from contents
        yield b"</mes:DataSet>\n"
    yield f"</mes:{syntax.root}>\n".encode()


def _opening(syntax: Syntax, header: Header, parts: Sequence[_Part]) -> str:
    """Return the message up to the first data set."""
    actions = {syntax.version.actions[part.dataset.action] for part in parts}
    by_number = {part.number: part for part in parts}
    structures = ""
    declared = syntax.declarations
    for number, part in by_number.items():
        layout = part.writer.layout
        names = {
            "structureID": part.structure_id,
            "dimensionAtObservation": layout.dimension_at_observation,
            "namespace": None if syntax.is_generic else layout.namespace,
            "explicitMeasures": "true" if layout.explicit_measures else None,
        }
        urn = structure_urn(layout.dsd)
        structures += tag("mes:Structure", names, syntax.structure_reference(urn))
        if not syntax.is_generic:
            declared += f' xmlns:ns{number}="{attribute_text(layout.namespace)}"'
    action = f"<mes:DataSetAction>{min(actions)}</mes:DataSetAction>" if len(actions) == 1 else ""
    head = header_start(header) + structures + action
    return f"{DECLARATION}<mes:{syntax.root}{declared}>\n<mes:Header>{head}</mes:Header>\n"


_SCOPES = {"ProvisionAgreement": "ProvisionAgreement", "Dataflow": "Dataflow"}


def _dataset_opening(syntax: Syntax, part: _Part) -> str:
    """Return the start of a data set."""
    prefix = "" if syntax.is_generic else "ss:"
    names: dict[str, str | None] = {f"{prefix}structureRef": part.structure_id}
    if not syntax.is_generic:
        names["xsi:type"] = f"ns{part.number}:DataSetType"
        if not syntax.version.has_atts:
            urn = structure_urn(part.dataset.dsd)
            names["ss:dataScope"] = _SCOPES.get(urn.type, "DataStructure")
    names[f"{prefix}action"] = syntax.version.actions[part.dataset.action]
    names |= syntax.set_attributes(part.dataset.said)
    start = tag("mes:DataSet", names).removesuffix("/>")
    values, notes = part.writer.dataset_values(), part.writer.dataset_notes()
    return f"{start}>{notes}{values}\n" if syntax.is_generic else f"{start}{values}>{notes}\n"


def _contents(part: _Part) -> Iterator[bytes]:
    """Yield what stands inside a data set."""
    above = "".join(part.writer.above()).encode()
    deletes = part.dataset.action is Action.DELETE and not part.writer.series_only
    rows = deletions(part.writer, part.batches) if deletes else _rows(part)
    yield above + next(rows, b"")
    yield from rows


def _rows(part: _Part) -> Iterator[bytes]:
    writer, layout = part.writer, part.writer.layout
    positions = positions_of(part.dataset.preamble, layout.dsd)
    at_observation = () if writer.series_only else layout.at_observation
    order = [*layout.at_series, *at_observation]
    # Observations alone stand in any order.
    outer, inner = (order, ()) if layout.is_flat else (layout.at_series, at_observation)
    grouper = Grouper(positions, outer, inner)
    started = False
    for batch in ordered(part.batches, positions, order, layout.dsd):
        first = grouper.starts(batch)
        yield bytes(content(writer.rows(batch, first, started)))
        started = started or batch.num_rows > 0
    yield writer.closing(started).encode()


encode_structure_specific_21 = partial(encode_ml, STRUCTURE_SPECIFIC_21)
encode_generic_21 = partial(encode_ml, GENERIC_21)
encode_structure_specific_time_series_21 = partial(encode_ml, STRUCTURE_SPECIFIC_TIME_SERIES_21)
encode_generic_time_series_21 = partial(encode_ml, GENERIC_TIME_SERIES_21)
encode_structure_specific_30 = partial(encode_ml, STRUCTURE_SPECIFIC_30)
encode_structure_specific_31 = partial(encode_ml, STRUCTURE_SPECIFIC_31)
