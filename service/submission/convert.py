"""A file of any kind that can be submitted, read into datasets.

What a file is, its content says; its name never does. Nothing here needs a store, so that a laptop reads
the same files as the service.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from converters.conversion import SourceDescription, TableSummary
from dsd.dataset import Dataset
from dsd.finding import Report
from dsd.structures import Structures
from service.formats import DATA_FORMATS
from service.formats.contract import NO_OPTIONS, DataFormat, DecodeOptions
from service.submission.body import BodyError, opened

_HEAD_BYTES = 8192
_BOM = b"\xef\xbb\xbf"
# Where the three families say their version: a namespace, the address of the schema, the first column.
_ML_VERSION = re.compile(rb"schemas/v(\d)_(\d)/")
_JSON_VERSION = re.compile(rb"json\.sdmx\.org/(\d)\.(\d)|/v(\d)\.(\d)[./]")
_CSV_1 = re.compile(rb'"?DATAFLOW"?\s*[,;\t\r\n]')

_JSON_STAT = re.compile(rb'"class"\s*:\s*"(dataset|collection)"')
# Formats that are no text begin with a signature: Parquet, and Arrow IPC as file and as stream.
_SIGNATURES = ((b"PAR1", ".parquet"), (b"ARROW1", ".arrow"), (b"\xff\xff\xff\xff", ".arrow"))

QUESTIONNAIRE = "questionnaire"


class UnreadableSubmissionError(ValueError):
    """A file that is of no kind that can be read here; says which kinds can."""


@dataclass
class Reading:
    """A submission being read. `datasets` may be consumed once; `report` is whole when they are."""

    kind: str
    """`questionnaire`, or the name of a data format."""
    datasets: Iterator[Dataset]
    report: Report = field(default_factory=Report)
    gaps: dict[str, str] = field(default_factory=dict)
    """The reason for which a table has no data, by dataflow (`AGENCY:ID(VERSION)`), where one is given."""
    tables: tuple[TableSummary, ...] = ()
    """What was found of each table of a workbook."""
    sources: tuple[SourceDescription, ...] | None = None
    """What the sources sheet of a workbook says; None of a data message."""


@contextmanager
def read_submission(
    source: Path | bytes,
    structures: Structures,
    country: str | None = None,
    options: DecodeOptions = NO_OPTIONS,
    temporary_folder: Path | None = None,
) -> Iterator[Reading]:
    """Open a workbook or data message and yield its datasets, read as they are asked for.

    Args:
        source: the file, or its bytes.
        structures: the artefacts.
        country: whose questionnaire it must be; any where None.
        options: what the caller knows of a data message.
        temporary_folder: where a packed file is unpacked; the system's where None.

    Raises:
        UnreadableSubmissionError: it is neither a workbook nor in a data format that can be read, or cannot be unpacked.
    """
    try:
        with opened(source, temporary_folder) as body:
            if body.is_workbook:
                yield _read_workbook(body.stream, structures, country)
                return
            head = body.stream.read(_HEAD_BYTES)
            body.stream.seek(0)
            data_format = sniff_format(head)
            report = Report()
            if data_format.decode is None:
                raise UnreadableSubmissionError(f"{data_format.name} can be written only, not read")
            datasets = data_format.decode(body.stream, structures, report, options)
            yield Reading(data_format.name, datasets, report)
    except BodyError as error:
        raise UnreadableSubmissionError(str(error)) from error


def _read_workbook(stream: BinaryIO, structures: Structures, country: str | None) -> Reading:
    # Imported here: reading data messages needs no workbook library.
    from converters.questionnaire import read_questionnaire
    from converters.workbook import WorkbookError

    try:
        conversion = read_questionnaire(stream.read(), structures, country=country)
    except WorkbookError as error:
        raise UnreadableSubmissionError(str(error)) from error
    gaps = {table.dataflow: table.gap_reason for table in conversion.tables if table.gap_reason}
    return Reading(
        QUESTIONNAIRE,
        iter(conversion.datasets),
        conversion.report,
        gaps,
        conversion.tables,
        conversion.sources,
    )


def sniff_format(head: bytes, formats: tuple[DataFormat, ...] = DATA_FORMATS) -> DataFormat:
    """Return the data format that the first bytes of a message are in.

    Raises:
        UnreadableSubmissionError: none that can be read.
    """
    extension, version = _family_and_version(head.removeprefix(_BOM).lstrip())
    readable = [entry for entry in formats if entry.decode is not None]
    family = [entry for entry in readable if entry.extension == extension]
    for entry in family:
        if entry.version.startswith(version):
            return entry
    known = ", ".join(f"{entry.name} {entry.version}" for entry in readable) or "none yet"
    what = (
        f"an SDMX {extension[1:].upper()} message {version}".rstrip()
        if extension
        else "nothing known"
    )
    raise UnreadableSubmissionError(
        f"the file is {what}; a questionnaire workbook (.xlsx) can be read, and the data formats {known}"
    )


def _family_and_version(head: bytes) -> tuple[str, str]:
    """Return (extension, start of the version) of a data message; no extension where it is none."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        # Only XML is still in UTF-16 here.
        head = head.decode("utf-16", "ignore").encode()
    for signature, extension in _SIGNATURES:
        if head.startswith(signature):
            return extension, ""
    if not head or b"\x00" in head:
        return "", ""
    if head.startswith(b"<"):
        return ".xml", _version(_ML_VERSION.search(head))
    if head.startswith(b"{") and _JSON_STAT.search(head):
        return ".jsonstat", "2"
    if head.startswith(b"{"):
        return ".json", _version(_JSON_VERSION.search(head))
    return ".csv", "1" if _CSV_1.match(head) else "2"


def _version(match: re.Match[bytes] | None) -> str:
    if match is None:
        return ""
    return b".".join(part for part in match.groups() if part).decode("ascii")
