"""Files into which nothing can be written without harm are refused by name, with what helps."""

from __future__ import annotations

import io
import zipfile

import pytest

from converters.annotation.annotate import annotate_workbook
from converters.annotation.book import AnnotationError
from converters.workbook import WorkbookError

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def utf16(text):
    return text.encode("utf-16-le")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            OLE + bytes(500) + utf16("Workbook") + bytes(100),
            r"old \.xls workbook.*save it as \.xlsx",
        ),
        (OLE + bytes(500) + utf16("EncryptedPackage") + bytes(100), "protected by a password"),
        (b"a;b\n1;2\n", r"no \.xlsx workbook"),
        (b"PK\x03\x04 cut off", "damaged"),
    ],
)
def test_other_files(data, words):
    with pytest.raises(WorkbookError, match=words):
        annotate_workbook(data, [])


def test_a_spreadsheet_of_open_document():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<a/>")
    with pytest.raises(
        WorkbookError, match=r"OpenDocument spreadsheet \(\.ods\); save it as \.xlsx"
    ):
        annotate_workbook(buffer.getvalue(), [])


def changed(parts, package, data, name, old, new):
    found = parts(data)
    assert old in found[name]
    return package(found | {name: found[name].replace(old, new, 1)})


def test_a_binary_workbook(office, parts, package):
    data = changed(parts, package, office, "_rels/.rels", b"xl/workbook.xml", b"xl/workbook.bin")
    with pytest.raises(WorkbookError, match=r"binary \(xl/workbook\.bin\).*save it as \.xlsx"):
        annotate_workbook(data, [])


def test_a_signed_workbook(office, parts, package):
    kind = b"http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/origin"
    entry = b'<Relationship Id="rId9" Type="' + kind + b'" Target="_xmlsignatures/origin.sigs"/>'
    data = changed(parts, package, office, "_rels/.rels", b"</Rel", entry + b"</Rel")
    with pytest.raises(
        AnnotationError, match=r"digitally signed.*copy saved without the signature"
    ):
        annotate_workbook(data, [])


def test_a_workbook_shared_with_a_log_of_changes(office, parts, package):
    entry = (
        b'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        b'relationships/revisionHeaders" Target="revisions/revisionHeaders.xml"/>'
    )
    data = changed(parts, package, office, "xl/_rels/workbook.xml.rels", b"</Rel", entry + b"</Rel")
    with pytest.raises(AnnotationError, match=r"shared with a log of changes.*end the sharing"):
        annotate_workbook(data, [])


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_workbook_with_two_parts_of_one_name(office):
    buffer = io.BytesIO(office)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("xl/calcChain.xml", "<calcChain/>")
    with pytest.raises(AnnotationError, match="two parts of one name"):
        annotate_workbook(buffer.getvalue(), [])


def test_a_part_packed_with_a_password(office):
    data = bytearray(office)
    # The flags in the directory of the archive, for a part that only is copied.
    name = data.rindex(b"xl/vbaProject.bin")
    data[name - 46 + 8] |= 1
    with pytest.raises(AnnotationError, match="packed with a password"):
        annotate_workbook(bytes(data), [])


def test_a_damaged_part_that_is_only_copied_is_no_crash(office):
    with zipfile.ZipFile(io.BytesIO(office)) as archive:
        info = archive.getinfo("xl/vbaProject.bin")
        start = info.header_offset + 30 + len(info.filename)
    data = bytearray(office)
    data[start : start + info.compress_size] = bytes(info.compress_size)
    with pytest.raises(AnnotationError, match="damaged"):
        annotate_workbook(bytes(data), [])


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("xl/drawings/vmlDrawing1.vml", b"</xml>", b""),
        ("xl/worksheets/_rels/sheet2.xml.rels", b"vmlDrawing1.vml", b"vmlDrawing9.vml"),
        ("xl/comments1.xml", b"</comments>", b""),
        ("xl/styles.xml", b"</styleSheet>", b""),
        ("xl/comments1.xml", b'ref="A1"', b'ref="1A"'),
        ("xl/styles.xml", b'fillId="2"', b'fillId="two"'),
    ],
)
def test_a_damaged_part_is_named_not_a_crash(office, found, parts, package, part, old, new):
    data = changed(parts, package, office, part, old, new)
    finding = found("Form & Dewi's notes", "B1")
    with pytest.raises((AnnotationError, WorkbookError)) as caught:
        annotate_workbook(data, [finding])
    assert "damaged" in str(caught.value) or "cannot be read" in str(caught.value)
