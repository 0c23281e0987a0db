"""Texts of SDMX-JSON structures without a language are in the main one of the message.

SDMX-JSON 2.1, field guide, "meta": the first of `contentLanguages` is the main language of the message.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from lxml import etree

from dsd.finding import Report
from dsd.structures import Structures
from service.formats import find_structure_format
from service.formats.contract import EncodeOptions, Header

LANG = "{http://www.w3.org/XML/1998/namespace}lang"
MESSAGE = """{"meta": {"id": "X", "prepared": "2026-11-25T00:00:00Z", "sender": {"id": "T"}%s}, "data": {"codelists": [
 {"id": "CL", "agencyID": "T", "version": "1.0", "name": "Liste", "annotations": [{"id": "N", "text": "Remarque"}], "codes": [
  {"id": "A", "name": "Un", "description": "Le premier"},
  {"id": "C", "name": "Trois", "names": {"fr": "Trois", "en": "Three"}},%s
  {"id": "D", "name": "Four", "names": {"en": "Four"}}]}]}}"""


BESIDE = '{"id": "B", "name": "Deux", "names": {"en": "Two"}},'
"""What stands beside texts in other languages is one more."""


def texts(format: str, languages: str, more: str = "") -> dict[str, dict[str, str]]:
    """Return the texts of the message, as SDMX-ML has them."""
    report = Report()
    decode = find_structure_format(format).decode
    assert decode is not None
    found = decode((MESSAGE % (languages, more)).encode(), report)
    assert report.findings == []
    encode = find_structure_format("ml31").encode
    assert encode is not None
    header = Header(id="X", prepared=datetime(2026, 11, 25, tzinfo=UTC))
    body = b"".join(encode(header, found, Structures(found), EncodeOptions()))
    (codelist,) = etree.fromstring(body).iter("{*}Codelist")
    written: dict[str, dict[str, str]] = {}
    for element in codelist.iter("{*}Name", "{*}Description", "{*}AnnotationText"):
        parent = element.getparent()
        assert parent is not None
        kind = etree.QName(element).localname
        place = f"{parent.get('id')}.{kind}"
        written.setdefault(place, {})[element.get(LANG, "en")] = str(element.text)
    return written


@pytest.mark.parametrize("format", ["json", "json20", "json10"])
def test_32_a_text_without_a_language_is_in_the_main_one(format: str) -> None:
    assert texts(format, ', "contentLanguages": ["fr", "en"]', BESIDE) == {
        "CL.Name": {"fr": "Liste"},
        "N.AnnotationText": {"fr": "Remarque"},
        "A.Name": {"fr": "Un"},
        "A.Description": {"fr": "Le premier"},
        "B.Name": {"fr": "Deux", "en": "Two"},
        "C.Name": {"fr": "Trois", "en": "Three"},
        "D.Name": {"en": "Four"},
    }


@pytest.mark.parametrize("format", ["json", "json20", "json10"])
@pytest.mark.parametrize("languages", ["", ', "contentLanguages": ["en", "fr"]'])
def test_32_without_a_main_language_nothing_is_said_and_that_is_english(
    format: str, languages: str
) -> None:
    found = texts(format, languages)
    assert found["CL.Name"] == {"en": "Liste"}
    assert found["A.Description"] == {"en": "Le premier"}
    assert found["C.Name"] == {"fr": "Trois", "en": "Three"}
