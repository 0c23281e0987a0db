"""Files that come packed, or in another encoding: read as if they had not been."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import os
import zipfile
import zlib
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import converters.examples
from service.submission.body import BodyError, opened
from service.submission.convert import UnreadableSubmissionError, read_submission

EXAMPLES = Path(converters.examples.__file__).parent
CSV = (
    "STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA,FREQ,MEASURE,SEX,COUNTERPART_AREA,SOURCE,TIME_PERIOD,OBS_VALUE,NOTE\r\n"
    "dataflow,ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0),M,IDN,A,MNA_OEMP,SEX_F,HKG,_U,2024,99.479,ປະເທດ 😀\r\n"
)


def zipped(*files: tuple[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files:
            archive.writestr(name, body)
    return sink.getvalue()


def zstd(body: bytes) -> bytes:
    return bytes(pa.compress(body, "zstd", asbytes=True))


PACKINGS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd,
    "bzip2": bz2.compress,
    "zip": lambda body: zipped(("data.csv", body), ("__MACOSX/._data.csv", b"\x00")),
}


def unpacked(
    body: bytes | Path, folder: Path | None = None, **limits: int
) -> tuple[bytes, tuple[str, ...]]:
    with opened(body, folder, **limits) as found:
        assert not found.is_workbook
        return found.stream.read(), found.packed_as


@pytest.mark.parametrize("name", PACKINGS)
def test_a_packed_file_is_unpacked(name: str, tmp_path: Path) -> None:
    body = CSV.encode()
    file = tmp_path / "sent"
    file.write_bytes(PACKINGS[name](body))
    assert unpacked(file, tmp_path / "temporary") == (body, (name,))
    assert unpacked(PACKINGS[name](body)) == (body, (name,))


@given(st.binary(max_size=2000), st.sampled_from(sorted(PACKINGS)))
def test_any_bytes_come_back(body: bytes, name: str) -> None:
    # What would be unpacked again, or transcoded, is not this test's.
    marked = b"#" + body
    assert unpacked(PACKINGS[name](marked)) == (marked, (name,))


def test_layers_are_unpacked_up_to_three() -> None:
    body = CSV.encode()
    assert unpacked(zipped(("d.gz", gzip.compress(body)))) == (body, ("zip", "gzip"))
    for _ in range(4):
        body = gzip.compress(body)
    with pytest.raises(BodyError, match="3 times"):
        unpacked(body)


@pytest.mark.parametrize("name", PACKINGS)
def test_a_damaged_one_is_refused_by_name(name: str, structures) -> None:
    # Nothing that packs well, so that half of it is no whole.
    packed = PACKINGS[name](b"".join(sha256(b"%d" % n).digest() for n in range(200)))
    with (
        pytest.raises(UnreadableSubmissionError, match=name),
        read_submission(packed[: len(packed) // 2], structures),
    ):
        pass


def test_a_bomb_is_stopped_at_the_limit() -> None:
    with pytest.raises(BodyError, match="1,000,000 bytes"):
        unpacked(gzip.compress(bytes(50_000_000)), max_unpacked_bytes=1_000_000)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ((), "0 files"),
        ((("a.csv", b"1"), ("b.csv", b"2")), r"2 files \(a.csv, b.csv\)"),
        ((("a/", b""), ("a/.DS_Store", b"x")), "0 files"),
    ],
)
def test_an_archive_holds_one_file(files: tuple[tuple[str, bytes], ...], says: str) -> None:
    with pytest.raises(BodyError, match=says):
        unpacked(zipped(*files, ("empty/", b"")))


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_texts_become_utf_8(mark: bytes, encoding: str) -> None:
    # Long enough for characters to lie across the pieces in which it is read.
    text = CSV + "😀ກ" * 400_000
    assert unpacked(mark + text.encode(encoding)) == (text.encode(), ())


def test_xml_in_utf_16_is_left_to_the_parser() -> None:
    body = codecs.BOM_UTF16_LE + '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16-le")
    assert unpacked(body) == (body, ())


def test_half_a_character_is_refused() -> None:
    with pytest.raises(BodyError, match="UTF-16-LE"):
        unpacked(codecs.BOM_UTF16_LE + b"a\x00\x00\xd8a\x00")


@pytest.mark.parametrize("name", [*PACKINGS, "none"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_message_is_the_same_however_it_comes(name: str, encoding: str, structures) -> None:
    body = PACKINGS.get(name, bytes)(CSV.encode(encoding))
    with read_submission(body, structures) as reading:
        (dataset,) = reading.datasets
        (row,) = [row for batch in dataset.batches for row in batch.to_pylist()]
    assert (row["OBS_VALUE"], row["NOTE"]) == ("99.479", "ປະເທດ 😀")
    assert reading.report.findings == []


def test_a_workbook_is_a_workbook_in_a_packed_file_too(structures) -> None:
    body = next(iter(sorted((EXAMPLES / "submissions").glob("*.xlsx")))).read_bytes()
    with read_submission(gzip.compress(body), structures) as reading:
        assert reading.kind == "questionnaire"
        assert list(reading.datasets)


def test_nothing_stays_behind(tmp_path: Path) -> None:
    unpacked(gzip.compress(os.urandom(1000) * 20_000), tmp_path)
    assert list(tmp_path.iterdir()) == []
