"""A file of any kind that can be submitted, read into datasets.

What a file is, its content says; its name never does. Nothing here needs a store, so that a laptop reads
the same files as the service.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from converters.conversion import SourceDescription, TableSummary
from dsd.dataset import Dataset
from dsd.finding import Report
from dsd.structures import Structures
from service.formats import find_data_format
from service.formats.contract import NO_OPTIONS, DecodeOptions
from service.formats.recognition import HEAD_BYTES, UnrecognisedError, recognise_data
from service.formats.xlsx_reader import is_data_workbook
from service.submission.body import BodyError, opened

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
            if body.is_workbook and not is_data_workbook(body.stream):
                yield _read_workbook(body.stream, structures, country)
                return
            head = body.stream.read(HEAD_BYTES)
            body.stream.seek(0)
            data_format = find_data_format("xlsx") if body.is_workbook else recognise_data(head)
            report = Report()
            decode = data_format.decode
            # What cannot be read is not recognised.
            assert decode is not None  # noqa: S101
            datasets = decode(body.stream, structures, report, options)
            yield Reading(data_format.name, datasets, report)
    except (BodyError, UnrecognisedError) as error:
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
