"""Every version of SDMX-ML data: the decoder."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from difflib import get_close_matches
from typing import BinaryIO

from codelists.urn import Urn
from codelists.version import parse_version
from dsd.batch import Batch
from dsd.dataset import Action, Dataset
from dsd.finding import Finding, Report, Severity
from dsd.resolved import Dsd
from dsd.structures import Structures, UnknownArtefactError
from service.formats.contract import NO_OPTIONS, DecodeOptions
from service.formats.ml_reading.assembly import Assembly
from service.formats.ml_reading.message import Item
from service.formats.ml_reading.segment import DatasetEnd, DatasetHead, Segment
from service.formats.ml_reading.source import MessageSource, UnreadableError, Ways
from service.formats.ml_reading.vocabulary import ACTION_WORDS

ANY_VERSION = "*"


def decode_ml(
    stream: BinaryIO,
    structures: Structures,
    report: Report,
    options: DecodeOptions = NO_OPTIONS,
    ways: Ways = Ways(),  # noqa: B008
) -> Iterator[Dataset]:
    """Yield the datasets of an SDMX-ML data message of any version (2.0 to 3.1), in order, as it is read.

    Rows carry `$locator`, the line of the observation, with its column where another element stands before it on
    the line. Attributes stand where the DSD attaches them. What is wrong is reported. Memory does not grow with the
    observations where the rows of a dataset are consumed before the next is asked for.
    """
    source = MessageSource(stream, ways)
    items = source.items()
    try:
        for item in items:
            if isinstance(item, DatasetHead):
                yield from _dataset(item, items, structures, report, options)
            elif isinstance(item, Segment):
                _report(item, report)
    except UnreadableError as error:
        report.add(error.finding)


def _report(segment: Segment, report: Report) -> None:
    for _, finding in segment.findings:
        report.add(finding)


def _dataset(
    head: DatasetHead,
    items: Iterator[Item],
    structures: Structures,
    report: Report,
    options: DecodeOptions,
) -> Iterator[Dataset]:
    """Yield a data set, none where nobody knows its structure; nothing of it is left in `items` then."""
    dsd = _resolve(head, structures, report, options)
    if dsd is None:
        for item in items:
            if isinstance(item, DatasetEnd):
                return
            if isinstance(item, Segment):
                _report(item, report)
        return
    assembly = Assembly(dsd, head, _action(head, dsd, report), report)
    rows = _Rows(assembly, items)
    yield Dataset(dsd, rows, assembly.action, assembly.attributes, head.said)
    rows.read_on()


class _Rows:
    """The batches of a data set, to be read once; what was not asked for in time is kept."""

    def __init__(self, assembly: Assembly, items: Iterator[Item]) -> None:
        self._assembly = assembly
        self._items = items
        self._kept: deque[Batch] = deque()
        self._is_whole = False
        self._failure: UnreadableError | None = None

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches that have not been yielded."""
        while True:
            while self._kept:
                yield self._kept.popleft()
            if self._is_whole:
                return
            self._read_item()

    def read_on(self) -> None:
        """Read to the end of the data set.

        Raises:
            UnreadableError: the message ended before.
        """
        while not self._is_whole:
            self._read_item()
        if self._failure is not None:
            raise self._failure

    def _read_item(self) -> None:
        try:
            item = next(self._items, None)
        except UnreadableError as error:
            # Told when the next data set is asked for: the rows up to here are rows.
            self._failure, item = error, None
        if isinstance(item, Segment):
            self._kept.extend(self._assembly.batches(item))
        else:
            self._is_whole = True


def _action(head: DatasetHead, dsd: Dsd, report: Report) -> Action:
    """Return the action of a data set, Merge where it says none."""
    if head.action is None:
        return Action.MERGE
    action = ACTION_WORDS.get(head.action)
    if action is None:
        report.add(
            Finding(
                rule="unknown-action",
                severity=Severity.ERROR,
                message=f"{head.action!r} is no action; write one of "
                f"{', '.join(sorted(action.value for action in head.vocabulary.actions))}.",
                dataflow=dsd.urn.short,
                value=head.action,
                locator=f"line:{head.line}",
            )
        )
        return Action.MERGE
    if action not in head.vocabulary.actions:
        report.add(
            Finding(
                rule="action-of-another-version",
                severity=Severity.WARNING,
                message=f"{head.vocabulary.title} has no action {head.action}; it was taken as what SDMX 3.1 means by it.",
                dataflow=dsd.urn.short,
                value=head.action,
                locator=f"line:{head.line}",
            )
        )
    return action


def _resolve(
    head: DatasetHead, structures: Structures, report: Report, options: DecodeOptions
) -> Dsd | None:
    """Return the structure of a data set, None (and a finding) where nobody knows it."""
    urn = head.reference.urn if head.reference else None
    reason = head.problem
    if urn is None:
        urn = options.structure
    if urn is not None:
        try:
            return structures.dsd(_newest(urn, structures))
        except UnknownArtefactError as error:
            reason = str(error)
    known = [s.urn.short for s in structures if s.type_name in ("DataStructure", "Dataflow")]
    near = get_close_matches(urn.short, known, n=1) if urn else []
    report.add(
        Finding(
            rule="unknown-structure",
            severity=Severity.FATAL,
            message=f"The dataset names no known structure and was left out: {reason}.",
            locator=f"line:{head.line}",
            suggestion=near[0] if near else None,
        )
    )
    return None


def _newest(urn: Urn, structures: Structures) -> Urn:
    """Return a reference of SDMX-ML 2.0, which has no version and may have no agency, as one that has."""
    if urn.version != ANY_VERSION:
        return urn
    agencies = {
        entry.agency_id
        for entry in structures
        if (entry.type_name, entry.id) == (urn.type, urn.id) and urn.agency in ("", entry.agency_id)
    }
    if len(agencies) != 1:
        return urn
    (agency,) = agencies
    versions = list(structures.versions(urn.type, agency, urn.id))
    return Urn(urn.type, agency, urn.id, max(versions, key=parse_version))
