"""A file of any kind that can be submitted, read into datasets.

What a file is, its content says; its name never does. Nothing here needs a store, so that a laptop reads
the same files as the service.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from dsd.dataset import Dataset
from dsd.finding import Report
from dsd.structures import Structures
from service.formats import DATA_FORMATS
from service.formats.contract import NO_OPTIONS, DataFormat, DecodeOptions

_HEAD_BYTES = 8192
_ZIP = b"PK\x03\x04"
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


@contextmanager
def read_submission(
    source: Path | bytes,
    structures: Structures,
    country: str | None = None,
    options: DecodeOptions = NO_OPTIONS,
) -> Iterator[Reading]:
    """Open a workbook or data message and yield its datasets, read as they are asked for.

    Args:
        source: the file, or its bytes.
        structures: the artefacts.
        country: whose questionnaire it must be; any where None.
        options: what the caller knows of a data message.

    Raises:
        UnreadableSubmissionError: it is neither a workbook nor in a data format that can be read.
    """
    with _opened(source) as stream:
        head = stream.read(_HEAD_BYTES)
        stream.seek(0)
        if head.startswith(_ZIP):
            yield _read_workbook(stream, structures, country)
            return
        data_format = sniff_format(head)
        report = Report()
        if data_format.decode is None:
            raise UnreadableSubmissionError(f"{data_format.name} can be written only, not read")
        yield Reading(
            data_format.name, data_format.decode(stream, structures, report, options), report
        )


@contextmanager
def _opened(source: Path | bytes) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    with source.open("rb") as stream:
        yield stream


def _read_workbook(stream: BinaryIO, structures: Structures, country: str | None) -> Reading:
    # Imported here: reading data messages needs no workbook library.
    from converters.questionnaire import read_questionnaire
    from converters.workbook import WorkbookError

    try:
        conversion = read_questionnaire(stream.read(), structures, country=country)
    except WorkbookError as error:
        raise UnreadableSubmissionError(str(error)) from error
    gaps = {table.dataflow: table.gap_reason for table in conversion.tables if table.gap_reason}
    return Reading(QUESTIONNAIRE, iter(conversion.datasets), conversion.report, gaps)


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
