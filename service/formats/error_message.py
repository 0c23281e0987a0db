"""Error messages in the family of formats that was asked for."""

from __future__ import annotations

import json
from typing import Literal

from service.config import utc_now
from service.formats.contract import Header
from service.formats.sdmx_ml21 import DECLARATION, element_text, namespaces, tag

Family = Literal["xml", "json"]

_SCHEMA_URLS = {
    "1.0.0": "https://json.sdmx.org/1.0/sdmx-json-data-schema.json",
    "2.0.0": "https://json.sdmx.org/2.0.0/sdmx-json-data-schema.json",
    "2.1.0": "https://json.sdmx.org/2.1/sdmx-json-data-schema.json",
}
JSON_VERSIONS = tuple(_SCHEMA_URLS)
"""The versions of SDMX-JSON in which errors are told."""


def encode_error(
    family: Family,
    code: int,
    http_status: int,
    text: str,
    header: Header | None = None,
    version: str = "2.1.0",
) -> bytes:
    """Return an SDMX error message that holds nothing but the error.

    SDMX-ML and SDMX-JSON 1.0 say the SDMX code (SDMX-REST 1.5, 4.7), SDMX-JSON 2.x the HTTP status (field guide,
    "statusInformation"); the schemas of SDMX-JSON require a header, made here where none is given.

    Args:
        family: XML or JSON.
        code: the SDMX code.
        http_status: the HTTP status.
        text: what is wrong, in English.
        header: of the message.
        version: of SDMX-JSON; SDMX-ML is that of 2.1.
    """
    if family == "json":
        header = header or Header(id="ERROR", prepared=utc_now())
        url = _SCHEMA_URLS[version]
        is_old = version == "1.0.0"
        message = {
            **({"$schema": url} if version == "2.1.0" else {}),
            "meta": {
                **({} if version == "2.1.0" else {"schema": url}),
                "id": header.id,
                "prepared": header.prepared.isoformat(timespec="seconds"),
                "test": header.test,
                "contentLanguages": ["en"],
                "sender": {"id": header.sender},
            },
            "errors": [
                {"code": code if is_old else http_status, "title": text, "titles": {"en": text}}
            ],
        }
        return json.dumps(message, ensure_ascii=False).encode()
    content = tag(
        "mes:ErrorMessage",
        {"code": str(code)},
        tag("com:Text", {"xml:lang": "en"}, element_text(text)),
    )
    return f"{DECLARATION}<mes:Error{namespaces('mes', 'com')}>{content}</mes:Error>\n".encode()
