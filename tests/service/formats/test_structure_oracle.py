"""sdmx1 and pysdmx, which are independent of us, find the same items in what we write, where they can.

sdmx1 stops at members that full examples have (Fax, ISOConceptReference, VtlLiteralFormat), and reads no 3.1.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sdmx

from codelists.base import replaced
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


_PYSDMX = os.environ.get("ILMS_PYSDMX_PYTHON")
_READ = """
import json, sys
from pysdmx.io import read_sdmx
message = read_sdmx(sys.argv[1], validate=False)
found = {x.id: [[i.id, i.name] for i in getattr(x, "items", None) or ()] for x in message.structures}
print(json.dumps(found))
"""

if _PYSDMX:
    # In an environment of its own, since its pins are older than ours; .ci/run makes it.

    @pytest.mark.parametrize("version", ["ml21", "ml30", "ml31", "json20", "json"])
    def test_pysdmx_finds_the_same_items(
        test_structures: Structures, version: str, tmp_path: Path
    ) -> None:
        """It keeps one language and stops at annotation values, so plain English lists are compared.

        It reads no SDMX-JSON 1.0.
        """
        entry = find_structure_format(version)
        encode = entry.encode
        assert encode
        schemes = [
            replaced(
                scheme,
                annotations=(),
                names={"en": scheme.label(("en",))},
                name=scheme.label(("en",)),
                codes=tuple(
                    replaced(
                        code,
                        annotations=(),
                        names={"en": code.label(("en",))},
                        name=code.label(("en",)),
                    )
                    for code in scheme.codes
                ),
            )
            for scheme in test_structures.of_type(Codelist)
        ]
        header = Header(id="ORACLE", prepared=datetime(2026, 11, 24, tzinfo=UTC))
        path = tmp_path / f"structures{entry.extension}"
        path.write_bytes(b"".join(encode(header, schemes, test_structures, EncodeOptions())))
        done = subprocess.run(
            [str(_PYSDMX), "-c", _READ, str(path)], capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout)
        for scheme in schemes:
            assert found[scheme.id] == [[code.id, code.label(("en",))] for code in scheme.codes], (
                scheme.id
            )
