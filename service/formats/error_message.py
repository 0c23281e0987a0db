"""Error messages in the family of formats that was asked for."""

from __future__ import annotations

import json
from typing import Literal

from service.config import utc_now
from service.formats.contract import Header
from service.formats.sdmx_ml21 import DECLARATION, element_text, namespaces, tag

Family = Literal["xml", "json"]
Kind = Literal["data", "structure", "metadata"]
"""The messages of SDMX-JSON, each of which may hold errors in place of what it is for."""

_FOLDERS = {"1.0.0": "1.0", "2.0.0": "2.0.0", "2.1.0": "2.1"}
JSON_VERSIONS = tuple(_FOLDERS)
"""The versions of SDMX-JSON in which errors are told; metadata messages came with 2.0.0."""


def encode_error(
    family: Family,
    code: int,
    http_status: int,
    text: str,
    header: Header | None = None,
    version: str = "2.1.0",
    kind: Kind = "data",
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
        kind: of message in SDMX-JSON.
    """
    if family == "json":
        header = header or Header(id="ERROR", prepared=utc_now())
        url = f"https://json.sdmx.org/{_FOLDERS[version]}/sdmx-json-{kind}-schema.json"
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
