"""Error messages in the family of formats that was asked for."""

from __future__ import annotations

import json
from typing import Literal

from service.config import utc_now
from service.formats.contract import Header
from service.formats.sdmx_ml21 import DECLARATION, element_text, namespaces, tag

Family = Literal["xml", "json"]

DATA_SCHEMA_URL = "https://json.sdmx.org/2.1/sdmx-json-data-schema.json"


def encode_error(
    family: Family, code: int, http_status: int, text: str, header: Header | None = None
) -> bytes:
    """Return an SDMX error message that holds nothing but the error.

    SDMX-ML says the SDMX code (SDMX-REST 1.5, 4.7), SDMX-JSON the HTTP status (field guide,
    "statusInformation"); the schema of the latter requires a header, made here where none is given.
    """
    if family == "json":
        header = header or Header(id="ERROR", prepared=utc_now())
        message = {
            "$schema": DATA_SCHEMA_URL,
            "meta": {
                "id": header.id,
                "prepared": header.prepared.isoformat(timespec="seconds"),
                "test": header.test,
                "contentLanguages": ["en"],
                "sender": {"id": header.sender},
            },
            "errors": [{"code": http_status, "title": text, "titles": {"en": text}}],
        }
        return json.dumps(message, ensure_ascii=False).encode()
    content = tag(
        "mes:ErrorMessage",
        {"code": str(code)},
        tag("com:Text", {"xml:lang": "en"}, element_text(text)),
    )
    return f"{DECLARATION}<mes:Error{namespaces('mes', 'com')}>{content}</mes:Error>\n".encode()
