"""What the first row of an SDMX-CSV text says of it: version, separators, columns. sdmx-csv, data message field guides."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from dsd.finding import Finding, Report, Severity
from dsd.localised import is_language_tag
from service.formats.contract import DecodeOptions
from service.formats.csv_table import CsvTable
from service.formats.sdmx_csv import CSV_1_0, CSV_2_1, SUB_SEPARATOR, CsvVersion

_SEPARATOR = r'(?P<separator>[^A-Za-z0-9_\[\]" \r\n\0\x80-\U0010ffff])'
_START = re.compile(rf'"?STRUCTURE(?:\[(?P<sub>.)\])?"?{_SEPARATOR}')
_START_1_0 = re.compile(rf'"?DATAFLOW"?{_SEPARATOR}')
_OTHER_START = re.compile(rf'"?[A-Za-z_][^"\r\n,;|\t]*"?{_SEPARATOR}')
_COLUMN = re.compile(
    r"(?P<id>[^\[:]+)(?P<several>(?:\[\])?\[(?P<languages>[^\]]*)\])?(?:: (?P<name>.*))?", re.DOTALL
)


@dataclass(frozen=True)
class Column:
    """What the header says of a column."""

    number: int
    header: str
    id: str
    is_labelled: bool
    """True for labels=both: cells are `ID: Name`."""
    has_sub_fields: bool
    languages: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """What the start of a file says of it."""

    version: CsvVersion
    columns: tuple[Column, ...]
    separator: str
    sub_separator: str | None

    @cached_property
    def by_id(self) -> dict[str, Column]:
        """The first column of each id."""
        found: dict[str, Column] = {}
        for column in self.columns:
            found.setdefault(column.id, column)
        return found

    @property
    def has_name_columns(self) -> bool:
        """True for labels=name: a column of names follows each column of ids."""
        return "STRUCTURE_NAME" in self.by_id

    @property
    def structure_columns(self) -> tuple[str, ...]:
        """Ids of the columns that name the structure."""
        return ("DATAFLOW",) if self.version is CSV_1_0 else ("STRUCTURE", "STRUCTURE_ID")


class Rows(Protocol):
    """Rows of cells under a header, read once from their start to their end: a CSV text, or a sheet."""

    @property
    def head(self) -> str:
        """The start of the header, as CSV."""
        ...

    @property
    def is_unreadable(self) -> bool:
        """True once nothing comes any more, for a reason that was reported."""
        ...

    def header(self, separator: str) -> tuple[str, ...]:
        """Return the cells of the next row and step over it."""
        ...

    def tables(self, separator: str, columns: int) -> Iterator[CsvTable]:
        """Yield the rows from here on."""
        ...


def opened(text: Rows, version: CsvVersion, report: Report, options: DecodeOptions) -> File | None:
    """Return what the start of the file says; None (and a finding) where it is no SDMX-CSV."""
    head = text.head
    for pattern, found in ((_START, _version_2(version)), (_START_1_0, CSV_1_0)):
        start = pattern.match(head)
        if start is not None:
            if found is not version:
                report.add(_other_version(version, found))
            sub = start.groupdict().get("sub")
            columns = _columns(text.header(start["separator"]), sub or SUB_SEPARATOR)
            return File(found, columns, start["separator"], sub)
    start = _OTHER_START.match(head)
    if options.structure is None or start is None:
        report.add(_not_csv(head))
        return None
    report.add(
        Finding(
            rule="unnamed-structure",
            severity=Severity.INFO,
            message=f"The file names no structure; it was read as one of {options.structure.short}, as you said.",
            locator="line:1",
        )
    )
    columns = _columns(text.header(start["separator"]), SUB_SEPARATOR)
    return File(version, columns, start["separator"], None)


def _version_2(version: CsvVersion) -> CsvVersion:
    """Return the version 2.x that a file is read as: its first column does not tell which."""
    return CSV_2_1 if version is CSV_1_0 else version


def _other_version(asked: CsvVersion, found: CsvVersion) -> Finding:
    return Finding(
        rule="other-version",
        severity=Severity.INFO,
        message=f"The file is {found.name}, not {asked.name}, and was read as that.",
        locator="line:1",
    )


def _not_csv(head: str) -> Finding:
    first = head[:60].splitlines()
    return Finding(
        rule="not-sdmx-csv",
        severity=Severity.FATAL,
        message="The first column of an SDMX-CSV 2.x file is STRUCTURE and the second STRUCTURE_ID; of SDMX-CSV 1.0 "
        "the first is DATAFLOW. This file has neither; give one of them, or say which structure it is of.",
        value=first[0] if first else "",
        locator="line:1",
    )


def _columns(header: Sequence[str], separator: str) -> tuple[Column, ...]:
    """Return what the header says: `ID`, `ID[]`, `ID[en;fr]`, `ID[][en;fr]`, each perhaps followed by `: Name`."""
    found = []
    for number, cell in enumerate(header):
        match = _COLUMN.fullmatch(cell)
        id = match["id"].strip() if match else cell
        languages = match["languages"] if match else None
        named = re.split(f"[;{re.escape(separator)}]", languages) if languages and number else []
        tags = tuple(tag for text in named if is_language_tag(tag := text.strip()))
        labelled = bool(match and match["name"] is not None)
        several = bool(match and match["several"] is not None and number)
        found.append(Column(number, cell, id, labelled, several, tags))
    return tuple(found)
