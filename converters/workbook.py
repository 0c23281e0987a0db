"""Read .xlsx workbooks into grids, straight from the sheet XML (ECMA-376 Part 1, 18).

The values are taken as they are written in the file, so that no float stands between the cell and the text;
what was saved by Excel, LibreOffice, openpyxl or pandas reads alike. Nothing is computed.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO
from urllib.parse import unquote

from lxml import etree

from converters.grid import Area, Cell, CellKind, Grid, parse_area, parse_reference
from converters.number import lexical_number

MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
"""The most that a workbook may unpack to: far above any table, below what harms a machine."""

# Where an encrypted file names its content, if it is one.
_KIND_BYTES = 65_536

_BUILT_IN_FORMATS: Mapping[int, str] = {
    0: "General",
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    14: "mm-dd-yy",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "m/d/yy h:mm",
    37: "#,##0 ;(#,##0)",
    38: "#,##0 ;[Red](#,##0)",
    39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;[Red](#,##0.00)",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mmss.0",
    48: "##0.0E+0",
    49: "@",
}
"""Number formats that a file names by number alone. ECMA-376 Part 1, 18.8.30."""

_KINDS: Mapping[str, CellKind] = {
    "n": CellKind.NUMBER,
    "s": CellKind.TEXT,
    "str": CellKind.TEXT,
    "inlineStr": CellKind.TEXT,
    "b": CellKind.BOOLEAN,
    "e": CellKind.ERROR,
    "d": CellKind.DATE,
}


_TRUE = ("1", "true")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class WorkbookError(ValueError):
    """A file that is no readable .xlsx workbook. Says what it is instead, where that can be told."""


@dataclass(frozen=True)
class Workbook:
    """The sheets of a workbook in their order."""

    sheets: tuple[Grid, ...]


@dataclass(frozen=True)
class _Package:
    """The parts of the file with what sheets need of them."""

    archive: zipfile.ZipFile
    names: Mapping[str, str]
    """The name of each part in the archive, by its path in small letters."""
    texts: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    relations: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    is_1904: bool = False


def read_workbook(source: bytes | Path, max_unpacked_bytes: int = MAX_UNPACKED_BYTES) -> Workbook:
    """Return the sheets of a workbook (bytes or path); chart sheets have no cells and are left out.

    Raises:
        WorkbookError: the file is no .xlsx workbook, is protected by a password, or is damaged.
    """
    data = source.read_bytes() if isinstance(source, Path) else source
    _check_kind(data)
    with _readable(), zipfile.ZipFile(io.BytesIO(data)) as archive:
        _check_size(archive, max_unpacked_bytes)
        package, book = _read_package(archive)
        return Workbook(tuple(_sheets(package, book)))


@dataclass(frozen=True)
class SheetRows:
    """A sheet of an open workbook, its rows read as they are asked for: for sheets too large to hold."""

    name: str
    package: _Package
    part: str

    def __iter__(self) -> Iterator[tuple[int, list[Cell]]]:
        """Iterate over the rows that the file has: number from 1, and the cells that hold something.

        A blank text is something here.

        Raises:
            WorkbookError: the sheet is damaged.
        """
        row = 0
        with _readable(), _open(self.package, self.part) as stream:
            for element in _elements(stream, "{*}row"):
                row = int(element.get("r") or row + 1)
                yield row, list(_cells_of_row(self.package, element, row, blank_texts=True))


@contextmanager
def open_workbook(
    stream: BinaryIO, max_unpacked_bytes: int = MAX_UNPACKED_BYTES
) -> Iterator[tuple[SheetRows, ...]]:
    """Give the sheets of a workbook while it is open.

    Raises:
        WorkbookError: as `read_workbook`.
    """
    _check_kind(stream.read(_KIND_BYTES))
    stream.seek(0)
    with _readable():
        archive = zipfile.ZipFile(stream)
    with archive:
        with _readable():
            _check_size(archive, max_unpacked_bytes)
            package, book = _read_package(archive)
            sheets = tuple(
                SheetRows(name, package, part) for name, part, _ in _sheet_parts(package, book)
            )
        yield sheets


@contextmanager
def _readable() -> Iterator[None]:
    """Turn what the libraries say of a damaged file into one error."""
    try:
        yield
    except WorkbookError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise WorkbookError(f"the workbook is damaged: {error}") from error
    except etree.XMLSyntaxError as error:
        raise WorkbookError(f"the workbook holds XML that cannot be read: {error}") from error
    except ValueError as error:
        # A reference or style that is no number: only a damaged or forged file has one.
        raise WorkbookError(f"the workbook is damaged: {error}") from error


def _check_size(archive: zipfile.ZipFile, most: int) -> None:
    unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > most:
        raise WorkbookError(f"the workbook unpacks to {unpacked} bytes, more than {most}")


def _check_kind(data: bytes) -> None:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        # [MS-OFFCRYPTO] 2.3.4: the file is then one stream of that name in a compound file.
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise WorkbookError(
                "the workbook is protected by a password; save it without a password to open it"
            )
        raise WorkbookError("the file is an old .xls workbook; save it as .xlsx")
    if not data.startswith(b"PK"):
        raise WorkbookError("the file is no .xlsx workbook; save it as .xlsx and send it again")


def _read_package(archive: zipfile.ZipFile) -> tuple[_Package, etree._Element]:
    """Return the parts with what sheets need of them, and the workbook part."""
    names = {_path(name).lower(): name for name in archive.namelist()}
    package = _Package(archive, names)
    main = _main_part(package)
    relations = _relations(package, main)
    book = _tree(package, main)
    by_kind = dict(relations.values())
    package = _Package(
        archive,
        names,
        texts=tuple(_shared_texts(package, by_kind.get("sharedStrings"))),
        formats=tuple(_cell_formats(package, by_kind.get("styles"))),
        relations=relations,
        is_1904=any(entry.get("date1904", "") in _TRUE for entry in book.iterfind("{*}workbookPr")),
    )
    return package, book


def _path(name: str) -> str:
    """Return the path of a part as the standard has it: some programs write backslashes, or a leading slash."""
    return name.replace("\\", "/").lstrip("/")


def _open(package: _Package, name: str) -> IO[bytes]:
    stored = package.names.get(_path(name).lower())
    if stored is None:
        raise WorkbookError(f"the file is no .xlsx workbook: it has no part {name}")
    information = package.archive.getinfo(stored)
    if information.flag_bits & 0x1:
        raise WorkbookError("the workbook is encrypted; save it without a password")
    return package.archive.open(stored)


def _tree(package: _Package, name: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    with _open(package, name) as stream:
        return etree.parse(stream, parser).getroot()


def _relations(package: _Package, part: str) -> dict[str, tuple[str, str]]:
    """Return relation id to (kind, part) of a part; the kind is the last word of its type."""
    folder, file = posixpath.split(part)
    name = posixpath.join(folder, "_rels", f"{file}.rels")
    if name.lower() not in package.names:
        return {}
    return {
        entry.get("Id", ""): (
            (entry.get("Type") or "").rpartition("/")[2],
            posixpath.normpath(
                posixpath.join("/", folder, unquote(entry.get("Target", "").replace("\\", "/")))
            ).lstrip("/"),
        )
        for entry in _tree(package, name).iterfind("{*}Relationship")
        if entry.get("TargetMode") != "External"
    }


def _main_part(package: _Package) -> str:
    for kind, target in _relations(package, "").values():
        if kind == "officeDocument":
            if not target.lower().endswith(".xml"):
                raise WorkbookError(f"the workbook is binary ({target}); save it as .xlsx")
            return target
    if "content.xml" in package.names and "mimetype" in package.names:
        raise WorkbookError("the file is an OpenDocument spreadsheet (.ods); save it as .xlsx")
    if "content.xml" in package.names:
        raise WorkbookError("the file is an OpenDocument spreadsheet (.ods); save it as .xlsx")
    raise WorkbookError("the file is a zip archive but no .xlsx workbook")


def _shared_texts(package: _Package, part: str | None) -> Iterator[str]:
    if part is None:
        return
    with _open(package, part) as stream:
        for item in _elements(stream, "{*}si"):
            yield _text_of(item)


def _elements(stream: IO[bytes], *tags: str) -> Iterator[etree._Element]:
    """Yield the elements of these names one by one; each is forgotten after its turn."""
    events = etree.iterparse(
        stream, events=("end",), tag=tags, resolve_entities=False, no_network=True
    )
    for _, element in events:
        yield element
        element.clear()
        parent = element.getparent()
        # The emptied elements before it would add up over a large sheet.
        while parent is not None and element.getprevious() is not None:
            del parent[0]


def _text_of(item: etree._Element) -> str:
    """Return the text of an item or of its runs, without phonetic hints."""
    text = "".join(
        node.text or ""
        for node in item.iter("{*}t")
        if (parent := node.getparent()) is not None and etree.QName(parent).localname != "rPh"
    )
    return unescaped(text)


def unescaped(text: str) -> str:
    r"""Return a text with the characters that XML cannot hold in place of their escapes.

    ECMA-376 Part 1, 22.9.2.19 (ST_Xstring). What no message could carry on stays as it is written.

    >>> unescaped("one_x000D_\ntwo"), unescaped("_x005F_x000D_"), unescaped("_x0001_")
    ('one\r\ntwo', '_x000D_', '_x0001_')
    """
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in "\t\n\r" or character >= " " else match[0]


def _cell_formats(package: _Package, part: str | None) -> Iterator[str]:
    if part is None:
        return
    styles = _tree(package, part)
    own = {
        int(entry.get("numFmtId", "0")): entry.get("formatCode", "General")
        for entry in styles.iterfind("{*}numFmts/{*}numFmt")
    }
    for entry in styles.iterfind("{*}cellXfs/{*}xf"):
        number = int(entry.get("numFmtId", "0"))
        yield own.get(number) or _BUILT_IN_FORMATS.get(number, "General")


def _sheets(package: _Package, book: etree._Element) -> Iterator[Grid]:
    for name, part, is_hidden in _sheet_parts(package, book):
        yield _sheet(package, name, part, is_hidden=is_hidden)


def _sheet_parts(package: _Package, book: etree._Element) -> Iterator[tuple[str, str, bool]]:
    """Yield name and part of each worksheet, and whether it is hidden."""
    for entry in book.iterfind("{*}sheets/{*}sheet"):
        relation = next(
            (value for name, value in entry.attrib.items() if etree.QName(name).localname == "id"),
            "",
        )
        kind, target = package.relations.get(str(relation), ("", ""))
        if kind == "worksheet":
            yield entry.get("name", ""), target, entry.get("state", "visible") != "visible"


def _sheet(package: _Package, name: str, part: str, *, is_hidden: bool) -> Grid:
    cells: list[Cell] = []
    merged: list[Area] = []
    hidden_rows: set[int] = set()
    hidden_columns: list[range] = []
    row = 0
    with _open(package, part) as stream:
        for element in _elements(stream, "{*}row", "{*}mergeCell", "{*}col"):
            kind = etree.QName(element).localname
            is_out_of_sight = element.get("hidden", "") in _TRUE
            if kind == "mergeCell":
                merged.append(parse_area(element.get("ref", "")))
            elif kind == "col":
                if is_out_of_sight:
                    first, last = int(element.get("min", "0")), int(element.get("max", "0"))
                    hidden_columns.append(range(first, last + 1))
            else:
                # Rows and cells may leave out where they are: they then follow the one before.
                row = int(element.get("r") or row + 1)
                cells.extend(_cells_of_row(package, element, row))
                if is_out_of_sight:
                    hidden_rows.add(row)
    return Grid(
        name,
        cells,
        merged,
        is_hidden=is_hidden,
        is_1904=package.is_1904,
        hidden_rows=hidden_rows,
        hidden_columns=hidden_columns,
    )


def _cells_of_row(
    package: _Package, element: etree._Element, row: int, *, blank_texts: bool = False
) -> Iterator[Cell]:
    column = 0
    for entry in element.iterfind("{*}c"):
        reference = entry.get("r")
        column = parse_reference(reference)[1] if reference else column + 1
        cell = _cell(package, entry, row, column, blank_texts=blank_texts)
        if cell is not None:
            yield cell


def _cell(
    package: _Package, entry: etree._Element, row: int, column: int, *, blank_texts: bool
) -> Cell | None:
    type_name = entry.get("t", "n")
    kind = _KINDS.get(type_name, CellKind.TEXT)
    stored, formula = _content(entry)
    number_format = _number_format(package, entry)
    # An empty value of a formula is the empty text, or (so does openpyxl) no value at all.
    if stored is None or (kind is CellKind.NUMBER and not stored.strip()):
        if not formula:
            return None
        return Cell(row, column, CellKind.UNCOMPUTED, "", number_format, is_formula=True)
    if type_name == "s":
        stored = _shared_text(package, stored)
    elif type_name == "str":
        stored = unescaped(stored)
    if kind is CellKind.NUMBER:
        stored = _number(stored)
    if kind is CellKind.TEXT and not stored.strip() and not blank_texts:
        # Blank to the eye, also where a formula makes it so.
        return None
    return Cell(row, column, kind, stored, number_format, is_formula=formula)


def _content(entry: etree._Element) -> tuple[str | None, bool]:
    """Return what a cell stores, None where it stores nothing, and whether a formula makes it."""
    stored: str | None = None
    formula = False
    for child in entry:
        # One pass over the few children: this is where the time of a large sheet goes.
        name = str(child.tag).rpartition("}")[2]
        if name == "v":
            stored = child.text or ""
        elif name == "f":
            formula = True
        elif name == "is":
            stored = _text_of(child)
    return stored, formula


def _number_format(package: _Package, entry: etree._Element) -> str:
    style = int(entry.get("s", "0"))
    return package.formats[style] if style < len(package.formats) else "General"


def _shared_text(package: _Package, stored: str) -> str:
    try:
        return package.texts[int(stored)]
    except (ValueError, IndexError) as error:
        raise WorkbookError(f"the workbook refers to a text {stored!r} that it lacks") from error


def _number(stored: str) -> str:
    try:
        return lexical_number(stored)
    except ValueError:
        # No number that a cell can hold: kept as it is for a finding at its cell.
        return stored
