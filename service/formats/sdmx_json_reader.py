"""SDMX-JSON data: the decoder of 1.0, 2.0 and 2.1. sdmx-json, data-message.

The message is checked to be JSON as a whole. What stands around the observations is read as it is; `series` and
`observations` of a data set are read some members at a time, so that memory grows little with their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec
import numpy as np

from codelists.urn import Urn, UrnSyntaxError, parse_urn
from dsd.dataset import Action, Dataset, SetAttributes
from dsd.finding import Finding, Report, Severity
from dsd.resolved import Dsd
from dsd.structures import Structures, UnknownArtefactError
from service.formats.contract import NO_OPTIONS, DecodeOptions
from service.formats.json_text import Body, loads, read_body, repeated
from service.formats.sdmx_json_rows import Bulk, DataSetReader

_SAID = {
    "setID": "set_id",
    "validFrom": "valid_from",
    "validTo": "valid_to",
    "reportingBegin": "reporting_begin",
    "reportingEnd": "reporting_end",
    "publicationYear": "publication_year",
    "publicationPeriod": "publication_period",
}
_NONE = msgspec.Raw(b"")


class _Bulky(msgspec.Struct):
    """The parts of a data set that may be long, as they stand in the message."""

    series: msgspec.Raw = _NONE
    observations: msgspec.Raw = _NONE


class _Data(msgspec.Struct, rename="camel"):
    data_sets: list[_Bulky] | None = None


class _Message(msgspec.Struct, rename="camel"):
    data: _Data | None = None
    data_sets: list[_Bulky] | None = None
    """Where the message is of the draft, which had no `data`."""


def decode_json(
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions = NO_OPTIONS,
) -> Iterator[Dataset]:
    """Yield the datasets of an SDMX-JSON message of any version, in order, whatever their packing.

    Numbers keep their digits. Rows carry `$locator`, a JSON pointer (RFC 6901). Attributes stand where the
    DSD attaches them, wherever the message has them. What is wrong is reported; what cannot be read for it is
    left out.
    """
    body = read_body(stream)
    try:
        bulk = _bulk(body)
        message = loads(_around(body, bulk))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        report.add(_fatal("not-json", f"The file is no JSON: {error}.", None))
        return
    _report_repeated(message, report)
    head = _head(message, report)
    if head is None:
        return
    for number, entry in enumerate(head.datasets):
        pointer = f"{head.pointer}/dataSets/{number}"
        try:
            reader = _reader(head, entry, number, pointer, structures, report, options)
            if reader is not None:
                yield from reader.datasets(bulk[number] if number < len(bulk) else Bulk())
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            text = f"The dataset is not laid out as SDMX-JSON has it ({type(error).__name__}: {error})."
            report.add(_fatal("not-sdmx-json", text, f"pointer:{pointer}"))


# -- the message ---------------------------------------------------------------------------------------


def _bulk(body: Body) -> list[Bulk]:
    """Return the long parts of each data set, after the whole was checked to be JSON.

    Raises:
        msgspec.DecodeError: it is none.
    """
    try:
        message = msgspec.json.decode(body, type=_Message)
    except msgspec.ValidationError:
        # It is JSON of some other kind, which is told when it is looked at.
        msgspec.json.decode(body, type=msgspec.Raw)
        return []
    sets = message.data.data_sets if message.data else message.data_sets
    return [Bulk(_object(entry.series), _object(entry.observations)) for entry in sets or ()]


def _object(raw: msgspec.Raw) -> memoryview | None:
    """Return the text of an object; None where there is none, or something else stands there."""
    text = memoryview(raw)
    return text if len(text) and text[0] == ord("{") else None


def _around(body: Body, bulk: Sequence[Bulk]) -> bytes:
    """Return the message with nothing in place of the long parts."""
    base = _address(memoryview(body)) if len(body) else 0
    places = sorted(
        (_address(text) - base, len(text)) for entry in bulk for text in entry.texts if len(text)
    )
    parts = []
    end = 0
    for start, length in places:
        parts += [bytes(body[end:start]), b"null"]
        end = start + length
    return b"".join([*parts, bytes(body[end:])])


def _address(text: memoryview) -> int:
    address: int = np.frombuffer(text, np.uint8).__array_interface__["data"][0]
    return address


def _report_repeated(message: Any, report: Report) -> None:
    for pointer, name in repeated(message):
        report.add(
            Finding(
                rule="duplicate-member",
                severity=Severity.ERROR,
                message=f"The object has the member {name!r} more than once (RFC 8259, 4); only the last was read.",
                value=name,
                locator=f"pointer:{pointer or '/'}",
            )
        )


@dataclass(frozen=True)
class _Head:
    """What stands around the data sets."""

    datasets: Sequence[Mapping[str, Any]]
    structures: Sequence[Mapping[str, Any]]
    pointer: str
    """Of the object that has both."""
    is_2: bool
    absent_action: Action


def _head(message: Any, report: Report) -> _Head | None:
    """Return what stands around the data sets; None (and a finding) where it is no SDMX-JSON."""
    root = message if isinstance(message, dict) else {}
    data = root.get("data")
    pointer = "/data"
    if data is None and isinstance(root.get("dataSets"), list):
        data, pointer = root, ""
        report.add(
            Finding(
                rule="other-version",
                severity=Severity.INFO,
                message="The message has no `data`, as drafts of SDMX-JSON had none, and was read as 1.0.",
                locator="pointer:/",
            )
        )
    stated = data.get("structures") if isinstance(data, dict) else None
    is_2 = isinstance(stated, list)
    if isinstance(data, dict) and isinstance(data.get("structure"), dict):
        stated = [data["structure"]]
    datasets = data.get("dataSets") if isinstance(data, dict) else None
    if not isinstance(stated, list) or not isinstance(datasets or [], list):
        text = (
            "The message has neither data.structures (SDMX-JSON 2.x) nor data.structure (1.0) with data.dataSets, "
            "so it is no SDMX-JSON data message."
        )
        report.add(_fatal("not-sdmx-json", text, "pointer:/data"))
        return None
    _report_errors(root, report)
    old = not is_2 or "2.0" in str((root.get("meta") or {}).get("schema"))
    absent = Action.INFORMATION if old and "$schema" not in root else Action.MERGE
    return _Head(datasets or [], stated, pointer, is_2, absent)


def _report_errors(root: Mapping[str, Any], report: Report) -> None:
    """Report what the sender says went wrong."""
    for number, entry in enumerate(root.get("errors") or ()):
        text = entry.get("title") or entry.get("detail") if isinstance(entry, dict) else entry
        report.add(
            Finding(
                rule="sender-error",
                severity=Severity.WARNING,
                message=f"The sender says with the data: {text}",
                locator=f"pointer:/errors/{number}",
            )
        )


def _fatal(rule: str, message: str, locator: str | None) -> Finding:
    return Finding(rule=rule, severity=Severity.FATAL, message=message, locator=locator)


# -- one data set --------------------------------------------------------------------------------------


def _reader(
    head: _Head,
    entry: Mapping[str, Any],
    number: int,
    pointer: str,
    structures: Structures,
    report: Report,
    options: DecodeOptions,
) -> DataSetReader | None:
    structure = head.structures[entry.get("structure", 0) if head.is_2 else 0]
    links = [*structure.get("links", ()), *entry.get("links", ())]
    if not head.is_2:
        # Data sets of several dataflows may share the one structure of 1.0.
        links = [*entry.get("links", ()), *structure.get("links", ())]
    dsd = _resolve(links, structures, pointer, report, options.structure)
    if dsd is None:
        return None
    action = _action(entry.get("action"), head.absent_action, pointer, report)
    said = {name: str(entry[key]) for key, name in _SAID.items() if entry.get(key) is not None}
    return DataSetReader(
        entry,
        structure,
        dsd,
        pointer,
        report,
        action,
        SetAttributes(**said),
        has_measures=head.is_2,
    )


def _action(word: Any, absent: Action, pointer: str, report: Report) -> Action:
    if word is None:
        return absent
    words = {action.value.lower(): action for action in Action}
    found = words.get(str(word).lower())
    if found is None or found.value != word:
        report.add(
            Finding(
                rule="unknown-action",
                severity=Severity.ERROR if found is None else Severity.WARNING,
                message=f"{word!r} is no action; write one of {', '.join(a.value for a in Action)}. "
                f"It was read as {(found or absent).value}.",
                value=str(word),
                locator=f"pointer:{pointer}/action",
            )
        )
    return found or absent


def _resolve(
    links: Sequence[Mapping[str, Any]],
    structures: Structures,
    pointer: str,
    report: Report,
    hint: Urn | None,
) -> Dsd | None:
    """Return the structure that the first fitting link names, else the one that the caller named."""
    urns = [link["urn"] for link in links if link.get("urn")]
    for urn in urns:
        for candidate in _candidates(urn):
            try:
                return structures.dsd(candidate)
            except UnknownArtefactError:
                continue
    if not urns and hint is not None:
        report.add(
            Finding(
                rule="unnamed-structure",
                severity=Severity.INFO,
                message=f"The dataset names no structure; it was read as one of {hint.short}, as you said.",
                locator=f"pointer:{pointer}",
            )
        )
        return structures.dsd(hint)
    named = ", ".join(urns) or "no link has a URN"
    text = f"The dataset names no known structure and was left out: {named}."
    report.add(_fatal("unknown-structure", text, f"pointer:{pointer}"))
    return None


def _candidates(text: str) -> list[Urn]:
    """Return the identities that a URN may mean: SDMX 2.1 has versions of two parts, `1.0` for 1.0.0."""
    try:
        urn = parse_urn(text)
    except UrnSyntaxError:
        return []
    return [urn, urn._replace(version=f"{urn.version}.0")] if urn.version.count(".") < 2 else [urn]
