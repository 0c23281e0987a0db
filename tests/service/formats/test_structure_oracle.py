"""sdmx1, which is independent of us, finds the same items in what we write, in the versions that it reads.

It stops at members that full examples have (Fax, ISOConceptReference, VtlLiteralFormat), and reads no 3.1.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sdmx

from codelists.item_scheme import Codelist, ConceptScheme, ItemScheme
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.formats import find_structure_format
from service.formats.contract import EncodeOptions, Header

EXAMPLES = Path(__file__).parents[2] / "examples" / "structures"
VERSIONS = ("ml21", "ml30")


def same_items(scheme: ItemScheme, found: Any) -> None:
    assert set(found.items) == {item.id for item in scheme.items}
    assert found.name.localizations == scheme.names
    for item in scheme.items:
        assert found.items[item.id].name.localizations == item.names


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("type_name", ["codelist", "codelist-two-part-final"])
def test_full_code_lists_have_the_same_items(type_name: str, version: str) -> None:
    folder = EXAMPLES / type_name
    (scheme,) = decode_structures((folder / "source.json").read_bytes()).data.codelists
    message = sdmx.read_sdmx(io.BytesIO((folder / f"{version}.xml").read_bytes()))
    same_items(scheme, message.codelist[scheme.id])


@pytest.mark.parametrize("version", VERSIONS)
def test_schemes_have_the_same_items(test_structures: Structures, version: str) -> None:
    encode = find_structure_format(version).encode
    assert encode
    schemes = [*test_structures.of_type(Codelist), *test_structures.of_type(ConceptScheme)]
    header = Header(id="ORACLE", prepared=datetime(2026, 11, 24, tzinfo=UTC))
    body = b"".join(encode(header, schemes, test_structures, EncodeOptions()))
    message = sdmx.read_sdmx(io.BytesIO(body))
    for scheme in schemes:
        found = message.codelist if isinstance(scheme, Codelist) else message.concept_scheme
        same_items(scheme, found[scheme.id])
