"""Workbooks that no code of ours wrote, and findings for their cells."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter

from dsd.finding import Finding, Severity, cell_locator

EXAMPLES = Path(__file__).parents[2] / "examples" / "converters"


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return buffer.getvalue()


def of_folder(name: str) -> bytes:
    folder = EXAMPLES / name / "parts"
    return zipped(
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    )


def picture() -> io.BytesIO:
    """Return a PNG of one pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\x00\xff\x00\x00")
    return io.BytesIO(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def drawn() -> bytes:
    """Return a workbook of XlsxWriter with everything that it can put into one."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_calc_mode("auto")
    bold = book.add_format({"bold": True, "bg_color": "#FFF2B3", "border": 1, "num_format": "0.0"})
    sheet = book.add_worksheet("Figures")
    sheet.set_row(6, 30, bold)
    sheet.set_column(4, 4, 3, bold)
    for row in range(12):
        sheet.write(row, 0, f"row {row}", bold)
        sheet.write(row, 1, row * 1.5)
    sheet.write_formula(2, 2, "=SUM(B1:B12)", None, 99)
    sheet.merge_range("G10:H12", "merged", bold)
    sheet.write_url("A14", "https://example.org/")
    sheet.data_validation("A1:A5", {"validate": "list", "source": ["Japan", "Korea"]})
    sheet.conditional_format("B1:B12", {"type": "3_color_scale"})
    sheet.conditional_format("B1:B12", {"type": "data_bar", "data_bar_2010": True})
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "=Figures!$B$1:$B$12"})
    sheet.insert_chart("J2", chart)
    sheet.insert_image("J20", "dot.png", {"image_data": picture()})
    sheet.insert_textbox("J30", "a text box")
    sheet.insert_checkbox("D14", True)
    sheet.add_sparkline("C1", {"range": "Figures!B1:B12"})
    sheet.write_comment("B3", "ours", {"author": "Dewi"})
    sheet.insert_button("L2", {"macro": "Check", "caption": "Check"})
    sheet.set_header("&C&G", {"image_center": "dot.png", "image_data_center": picture()})
    sheet.freeze_panes(1, 1)
    sheet.protect("secret")
    other = book.add_worksheet("Table")
    other.add_table("A1:B4", {"data": [[1, 2], [3, 4], [5, 6]]})
    other.set_header("&R&G", {"image_right": "dot.png", "image_data_right": picture()})
    line = book.add_chart({"type": "line"})
    line.add_series({"values": "=Figures!$B$1:$B$12"})
    book.add_chartsheet("Chart").set_chart(line)
    book.define_name("Rate", "=Figures!$B$2")
    book.add_worksheet("Empty")
    book.add_vba_project(io.BytesIO(b"\xd0\xcf\x11\xe0 macros"), is_stream=True)
    book.close()
    return buffer.getvalue()


@pytest.fixture(scope="session")
def at() -> datetime:
    return datetime(2026, 11, 24, 20, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def office() -> bytes:
    """A workbook written by hand as office programs write it."""
    return of_folder("annotation/office")


@pytest.fixture(scope="session")
def strict() -> bytes:
    """A workbook in the strict form."""
    return of_folder("hand_made")


@pytest.fixture(scope="session")
def figures() -> bytes:
    """A workbook with charts, pictures and macros."""
    return drawn()


@pytest.fixture(scope="session")
def saved_by_libreoffice() -> bytes:
    return (EXAMPLES / "saved_by_libreoffice" / "T15.xlsx").read_bytes()


@pytest.fixture(scope="session")
def parts() -> Callable[[bytes], dict[str, bytes]]:
    return parts_of


@pytest.fixture(scope="session")
def package() -> Callable[[dict[str, bytes]], bytes]:
    return zipped


@pytest.fixture(scope="session")
def found() -> Callable[..., Finding]:
    """Make a finding at a cell."""

    def make(sheet: str | None, cell: str = "A1", **details: object) -> Finding:
        given: dict[str, object] = {
            "rule": "bad-number",
            "severity": Severity.ERROR,
            "message": "the figure cannot be read for certain",
            "locator": cell_locator(sheet, cell) if sheet else None,
        }
        return Finding(**(given | details))  # type: ignore[arg-type]

    return make
