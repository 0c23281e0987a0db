"""Error messages are valid SDMX messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

from service.formats import encode_error
from service.formats.sdmx_ml21 import NAMESPACES

TEXT = 'no dimension <X> & "Y"'


def test_sdmx_ml_says_the_sdmx_code(message_schema: etree.XMLSchema) -> None:
    document = etree.fromstring(encode_error("xml", 140, 400, TEXT))
    message_schema.assertValid(document)
    assert document.xpath("mes:ErrorMessage/@code", namespaces=NAMESPACES) == ["140"]
    assert document.xpath("//com:Text/text()", namespaces=NAMESPACES) == [TEXT]


def test_sdmx_json_says_the_http_status(check_json: Callable[[bytes, str], Any]) -> None:
    message = check_json(encode_error("json", 140, 400, TEXT), "data")
    assert message["errors"] == [{"code": 400, "title": TEXT, "titles": {"en": TEXT}}]
