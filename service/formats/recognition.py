"""What a message is, by its first bytes: its name never says it."""

from __future__ import annotations

import codecs
import re
from typing import TypeVar

from service.formats import DATA_FORMATS, STRUCTURE_FORMATS, UnknownFormatError
from service.formats.contract import DataFormat, StructureFormat

HEAD_BYTES = 8192
"""As many bytes from the start as are worth looking at."""

# Formats that are no text begin with a signature: Parquet, and Arrow IPC as file and as stream.
_SIGNATURES = ((b"PAR1", ".parquet"), (b"ARROW1", ".arrow"), (b"\xff\xff\xff\xff", ".arrow"))
_BOM = b"\xef\xbb\xbf"
# Where the families say their version: a namespace, the address of the schema, the first column.
_ML_VERSION = re.compile(rb"schemas/v(\d)_(\d)/")
_JSON_VERSION = re.compile(rb"json\.sdmx\.org/(\d)\.(\d)|/v(\d)\.(\d)[./]|schemas?/(\d)\.(\d)[./]")
_JSON_STAT = re.compile(rb'"class"\s*:\s*"(dataset|collection)"')
# SDMX-JSON 1.0 as ECB's samples have it: a header where later versions have `meta`.
_JSON_1 = re.compile(rb'\{\s*"header"\s*:')
_CSV_1 = re.compile(rb'"?DATAFLOW"?\s*[^A-Za-z0-9_\[\]" ]')
# The root of a structure message; comments and instructions may stand before it.
_ML_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)[\s/>]")
_NO_ELEMENT = re.compile(rb"<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL)
# Members that structure messages have and data messages have not.
_JSON_STRUCTURE = re.compile(
    rb'structure-schema|"(?:codelists|conceptSchemes|dataStructures|dataflows|categorySchemes|agencySchemes'
    rb'|contentConstraints|dataConstraints|categorisations|valueLists|hierarchies|metadataStructures)"\s*:'
)
_JSON_DATA = re.compile(rb'data-schema|"dataSets"\s*:')
_JSON_FINAL = re.compile(rb'"isFinal"\s*:')


class UnrecognisedError(UnknownFormatError):
    """A message in no format that is known here; says what it looks like, and what can be read."""


AnyFormat = TypeVar("AnyFormat", bound=DataFormat | StructureFormat)


def recognise_data(head: bytes, formats: tuple[DataFormat, ...] = DATA_FORMATS) -> DataFormat:
    """Return the data format that the first bytes of a message are in.

    Raises:
        UnrecognisedError: none that can be read.
    """
    return _find(formats, *_family_and_version(_text(head)))


def recognise_structures(head: bytes) -> StructureFormat | None:
    """Return the structure format that the first bytes of a message are in, None where it is no structure message.

    Raises:
        UnrecognisedError: it is one, in a version that cannot be read.
    """
    text = _text(head)
    family, version = _family_and_version(text)
    if family == ".xml":
        root = _ML_ROOT.search(_NO_ELEMENT.sub(b"", text))
        if root is None or root[1] not in (b"Structure", b"RegistryInterface"):
            return None
    elif family == ".json":
        states_it = b"structure-schema" in text
        if not states_it and (not _JSON_STRUCTURE.search(text) or _JSON_DATA.search(text)):
            return None
        if not version and _JSON_FINAL.search(text):
            version = "1.0"
    else:
        return None
    return _find(STRUCTURE_FORMATS, family, version)


def _text(head: bytes) -> bytes:
    """Return the start of a text as UTF-8 without a byte order mark."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = head.decode("utf-16", "ignore").encode()
    return head.removeprefix(_BOM).lstrip()


def _find(formats: tuple[AnyFormat, ...], family: str, version: str) -> AnyFormat:
    readable = [entry for entry in formats if entry.decode is not None]
    for entry in readable:
        if entry.extension == family and entry.version.startswith(version):
            return entry
    known = ", ".join(f"{entry.name} {entry.version}".strip() for entry in readable)
    what = f"an SDMX {family[1:].upper()} message {version}".rstrip() if family else "nothing known"
    raise UnrecognisedError(
        f"the file is {what}; a questionnaire workbook (.xlsx) can be read, and the formats {known}"
    )


def _family_and_version(head: bytes) -> tuple[str, str]:
    """Return (file ending, start of the version) of a message; no ending where it is none."""
    for signature, ending in _SIGNATURES:
        if head.startswith(signature):
            return ending, ""
    if not head or b"\x00" in head:
        return "", ""
    if head.startswith(b"<"):
        return ".xml", _version(_ML_VERSION.search(head))
    if head.startswith(b"{"):
        if _JSON_STAT.search(head):
            return ".jsonstat", "2"
        version = _version(_JSON_VERSION.search(head))
        return ".json", version or ("1.0" if _JSON_1.match(head) else "")
    return ".csv", "1" if _CSV_1.match(head) else "2"


def _version(match: re.Match[bytes] | None) -> str:
    if match is None:
        return ""
    return b".".join(part for part in match.groups() if part).decode("ascii")
