"""`ilms annotate`: what it writes, says and exits with."""

from __future__ import annotations

import gzip
import io
import shutil
import zipfile
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

from dsd.structures import PACKAGE_ROOT
from service.cli import main

EXAMPLE = (
    Path(__file__).parents[1] / "examples" / "converters" / "saved_by_libreoffice" / "T15.xlsx"
)
SUBMISSIONS = PACKAGE_ROOT / "converters" / "examples" / "submissions"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A workbook with a mistake."""
    book = openpyxl.load_workbook(EXAMPLE)
    sheet = book["T15"]
    cell = next(c for row in sheet.iter_rows() for c in row if c.value == 99.479)
    cell.value = "about ninety"
    book.save(tmp_path / "t15.xlsx")
    return tmp_path / "t15.xlsx"


def test_it_writes_a_copy_beside_the_file_and_exits_as_validate_does(source: Path) -> None:
    before = source.read_bytes()
    result = run("annotate", source)
    assert result.exit_code == run("validate", source).exit_code == 1
    assert source.read_bytes() == before
    copy = source.with_name("t15.annotated.xlsx")
    assert f"Wrote {copy}: " in result.stderr
    assert "all findings are on its sheet Findings" in result.stderr
    sheet = openpyxl.load_workbook(copy)["T15"]
    [cell] = [c for row in sheet.iter_rows() for c in row if c.value == "about ninety"]
    assert "ERROR text-in-value-cell" in cell.comment.text


def test_what_is_accepted_exits_with_0(tmp_path: Path) -> None:
    result = run("annotate", SUBMISSIONS / "MMR.xlsx", "-o", tmp_path / "mmr.xlsx")
    assert result.exit_code == run("validate", SUBMISSIONS / "MMR.xlsx").exit_code == 0


def test_it_takes_language_and_waivers(tmp_path: Path) -> None:
    target = tmp_path / "lao.xlsx"
    result = run("annotate", SUBMISSIONS / "LAO.xlsx", "-o", target, "--language", "es", "--waivers",
                 SUBMISSIONS / "LAO.waivers.toml")  # fmt: skip
    assert result.exit_code == 0, result.output
    sheet = openpyxl.load_workbook(target)["Hallazgos"]
    assert "admitido" in [row[0].value for row in sheet.iter_rows(min_row=6)]
    unknown = run("annotate", SUBMISSIONS / "LAO.xlsx", "-o", target, "--language", "xx")
    assert unknown.exit_code == 2
    assert "en, es, fr" in unknown.output


def test_the_file_itself_is_never_overwritten(source: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.xlsx"
    link.symlink_to(source)
    before = source.read_bytes()
    for target in (source, link, tmp_path / "." / source.name):
        result = run("annotate", source, "-o", target)
        assert result.exit_code == 2
        assert "not overwritten" in result.output
    assert source.read_bytes() == before


def test_the_copy_keeps_the_kind_of_the_file(source: Path, tmp_path: Path) -> None:
    macros = tmp_path / "t15.xlsm"
    shutil.copy(source, macros)
    assert run("annotate", macros).exit_code == 1
    assert (tmp_path / "t15.annotated.xlsm").exists()
    refused = run("annotate", macros, "-o", tmp_path / "other.xlsx")
    assert refused.exit_code == 2
    assert "ends in .xlsm" in refused.output


def test_a_message_is_refused(tmp_path: Path) -> None:
    message = tmp_path / "data.csv"
    assert run("convert", EXAMPLE, "-o", message, "--partial").exit_code in (0, 1)
    result = run("annotate", message)
    assert result.exit_code == 2
    assert "is no workbook (csv)" in result.output
    assert not list(tmp_path.glob("*.annotated.*"))


def zipped(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name.replace("_xml", ".xml").replace("_xlsx", ".xlsx"), part)
    return buffer.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
ODS = zipped(mimetype=b"application/vnd.oasis.opendocument.spreadsheet", content_xml=b"<a/>")


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("old.xls", OLE + "Workbook".encode("utf-16-le"), "old .xls workbook; save it as .xlsx"),
        ("kept.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        ("calc.ods", ODS, "OpenDocument spreadsheet (.ods); save it as .xlsx"),
        ("cut.xlsx", EXAMPLE.read_bytes()[:9000], "damaged"),
        ("t15.xlsx.gz", gzip.compress(EXAMPLE.read_bytes()), "packed workbook (gzip); unpack it"),
        ("t15.zip", zipped(t15_xlsx=EXAMPLE.read_bytes()), "packed workbook (zip); unpack it"),
    ],
)
def test_other_files_are_refused_by_name(
    name: str, body: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(body)
    result = run("annotate", tmp_path / name)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_cannot_be_restored_is_told(source: Path) -> None:
    run("annotate", source)
    copy = source.with_name("t15.annotated.xlsx")
    book = openpyxl.load_workbook(copy)
    del book["Findings"]
    cell = next(c for row in book["T15"].iter_rows() for c in row if c.value == "about ninety")
    cell.value = 99.479
    buffer = io.BytesIO()
    book.save(buffer)
    copy.write_bytes(buffer.getvalue())
    result = run("annotate", copy)
    assert f"T15!{cell.coordinate}" in result.stderr
