"""sdmx1 and pysdmx, which are independent of us, find the same items in what we write, where they can.

sdmx1 stops at members that full examples have (Fax, ISOConceptReference, VtlLiteralFormat), and reads no 3.1.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sdmx

from codelists.base import Maintainable
from codelists.item_scheme import (
    AgencyScheme,
    CategoryScheme,
    Codelist,
    ConceptScheme,
    DataConsumerScheme,
    DataProviderScheme,
    ItemScheme,
)
from codelists.urn import parse_urn
from dsd.finding import Report
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.sdmx_json import decode_structures
from dsd.structure import (
    Categorisation,
    DataConstraint,
    Dataflow,
    DataStructure,
    ProvisionAgreement,
)
from dsd.structures import Structures
from service.formats import find_structure_format
from service.formats.contract import EncodeOptions, Header, StructureFormat

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


_BOTH = (
    AgencyScheme,
    Codelist,
    ConceptScheme,
    DataStructure,
    Dataflow,
    CategoryScheme,
    Categorisation,
)
_READ_BY_SDMX1: dict[str, tuple[type[Maintainable], ...]] = {
    "ml21": (*_BOTH, DataConsumerScheme, DataProviderScheme, ProvisionAgreement, DataConstraint),
    "ml30": _BOTH,
}


@pytest.mark.parametrize("version", VERSIONS)
def test_sdmx1_finds_the_same_in_the_built_in_artefacts(
    structures: Structures, version: str
) -> None:
    """Components with concept, list and usage; what a dataflow, an agreement and a categorisation refer to."""
    encode = find_structure_format(version).encode
    assert encode
    wanted = [artefact for artefact in structures if isinstance(artefact, _READ_BY_SDMX1[version])]
    header = Header(id="ORACLE", prepared=datetime(2026, 11, 24, tzinfo=UTC))
    options = EncodeOptions(report=Report())
    body = b"".join(encode(header, wanted, structures, options))
    message = sdmx.read_sdmx(io.BytesIO(body))
    for artefact in wanted:
        if isinstance(artefact, DataStructure):
            dsd = structures.dsd(artefact.urn)
            same_components(dsd, message.structure[artefact.id], version)
        elif isinstance(artefact, Dataflow):
            found = message.dataflow[artefact.id].structure
            assert found.id == parse_urn(artefact.structure or "").id
        elif isinstance(artefact, ProvisionAgreement):
            found = message.provisionagreement[artefact.id]
            assert found.structure_usage.id == parse_urn(artefact.dataflow).id
            assert found.data_provider.id == parse_urn(artefact.data_provider).item
        elif isinstance(artefact, Categorisation):
            found = message.categorisation[artefact.id]
            assert found.artefact.id == parse_urn(artefact.source).id
            assert found.category.id == (parse_urn(artefact.target).item or "").split(".")[-1]


def same_components(dsd: Dsd, found: Any, version: str) -> None:
    parts = [*found.dimensions, *found.measures, *found.attributes]
    assert [part.id for part in parts] == [component.id for component in dsd.components]
    for component, part in zip(dsd.components, parts, strict=True):
        assert part.concept_identity.id == component.concept.id
        own = component.definition.local_representation
        # Several values are a text in SDMX 2.1.
        if own and own.enumeration and not (version == "ml21" and component.is_multiple):
            named = part.local_representation.enumerated
            assert named.id == parse_urn(own.enumeration).id
        # It reads no usage in SDMX-ML 3.0.
        if component.role is Role.ATTRIBUTE and version == "ml21":
            usage = part.usage_status.name
            assert usage == ("mandatory" if component.is_mandatory else "conditional")


_PYSDMX = os.environ.get("ILMS_PYSDMX_PYTHON")
_ORACLE = Path(__file__).parents[2] / "oracles" / "pysdmx_structures.py"
_CLASS = re.compile(r"urn:sdmx:org\.sdmx\.infomodel\.\w+\.")
_READ_BY_PYSDMX = ("ml21", "ml30", "ml31", "json20", "json")
"""It reads no SDMX-JSON 1.0."""
_NAMED_BY_ID = (AgencyScheme, DataConsumerScheme, DataProviderScheme)
"""It gives these their id for a name in SDMX-JSON."""


def for_pysdmx(plain: Any, version: str) -> Any:
    """Return plain values of an artefact without what pysdmx stops at.

    It reads no annotation value in SDMX-ML 3.x, no `unbounded` and no value that is a text in SDMX-JSON, and
    finds no version by a wildcard.
    """
    if isinstance(plain, dict):
        left_out = "annotations" if version in ("ml30", "ml31") else ""
        return {
            name: for_pysdmx(as_objects(value) if name == "values" else value, version)
            for name, value in plain.items()
            if name != left_out
        }
    if isinstance(plain, list):
        return [for_pysdmx(entry, version) for entry in plain]
    if plain == "unbounded" and version.startswith("json"):
        return 9
    return plain.replace("(1.0+.0)", "(1.0.0)") if isinstance(plain, str) else plain


def as_objects(values: list[Any]) -> list[Any]:
    """Return the values of a region as objects, which SDMX-JSON lets be texts."""
    return [{"value": value} if isinstance(value, str) else value for value in values]


def short(urn: str | None) -> str | None:
    """Return `Class=AGENCY:ID(version)` of a URN."""
    return _CLASS.sub("", urn) if urn else None


def items_of(scheme: Any) -> list[Any]:
    found = scheme.items if isinstance(scheme, ItemScheme) else getattr(scheme, "categories", ())
    return [[item.id, item.label(("en",)), items_of(item)] for item in found]


def attached_to(component: ResolvedComponent) -> str | None:
    """Return what pysdmx calls the attachment level."""
    relation = component.relationship
    if relation is None:
        return None
    if relation.dataflow is not None:
        return "D"
    return "O" if relation.observation is not None else ",".join(relation.dimensions)


def components_of(structure: DataStructure, structures: Structures) -> list[dict[str, Any]]:
    roles = {"TIME": "dimension"}
    return [
        {
            "id": component.id,
            "role": roles.get(component.role.name, component.role.name.lower()),
            "required": component.is_mandatory,
            "concept": component.concept.id,
            "codes": component.codelist and f"Codelist={component.codelist.urn.short}",
            "attached": attached_to(component),
        }
        for component in structures.dsd(structure.urn).components
    ]


def constrained_by(constraint: DataConstraint) -> dict[str, Any]:
    attached = constraint.constraint_attachment
    assert attached
    lists = (attached.dataflows, attached.data_structures, attached.provision_agreements)
    return {
        "attached": [short(urn) for found in lists for urn in found],
        "provider": short(attached.data_provider),
        "regions": [
            {entry.id: [*entry.values] for entry in region.key_values}
            for region in constraint.cube_regions
        ],
    }


def identity(artefact: Maintainable, entry: StructureFormat) -> str | None:
    """Return `Class=AGENCY:ID(version)` of an artefact; SDMX-ML 3.1 has no version of a categorisation."""
    urn = artefact.urn
    if isinstance(artefact, Categorisation) and entry.name == "ml31":
        urn = urn._replace(version="1.0")
    return short(str(urn))


def facts(artefact: Any, structures: Structures, entry: StructureFormat) -> dict[str, Any]:
    """Return what `pysdmx_structures.py` tells of an artefact, as our model has it."""
    told: dict[str, Any] = {"name": artefact.label(("en",)), "items": items_of(artefact)}
    if isinstance(artefact, _NAMED_BY_ID) and entry.extension == ".json":
        told["name"] = artefact.id
    if isinstance(artefact, Dataflow):
        told["structure"] = short(artefact.structure)
    elif isinstance(artefact, ProvisionAgreement):
        told |= {
            "dataflow": short(artefact.dataflow),
            "provider": short(artefact.data_provider),
        }
    elif isinstance(artefact, Categorisation):
        told |= {"source": short(artefact.source), "target": short(artefact.target)}
    elif isinstance(artefact, DataStructure):
        told["components"] = components_of(artefact, structures)
        if entry.name == "ml21":
            # A primary measure is mandatory by its nature; a measure of 3.x need not be.
            for component in told["components"]:
                component["required"] |= component["role"] == "measure"
    elif isinstance(artefact, DataConstraint):
        told |= constrained_by(artefact)
    return told


if _PYSDMX:
    # In an environment of its own, since its pins are older than ours; .ci/run makes it.

    @pytest.mark.parametrize("version", _READ_BY_PYSDMX)
    def test_pysdmx_finds_the_same_in_every_built_in_artefact(
        structures: Structures, version: str, tmp_path: Path
    ) -> None:
        """Schemes with their items, components, attachments, agreements, categorisations, constraints."""
        entry = find_structure_format(version)
        assert entry.encode
        artefacts = [
            msgspec.convert(
                for_pysdmx(msgspec.json.decode(msgspec.json.encode(artefact)), version),
                type(artefact),
            )
            for artefact in structures
        ]
        header = Header(id="ORACLE", prepared=datetime(2026, 11, 24, tzinfo=UTC))
        path = tmp_path / f"structures{entry.extension}"
        options = EncodeOptions(report=Report())
        path.write_bytes(b"".join(entry.encode(header, artefacts, Structures(artefacts), options)))
        done = subprocess.run(
            [str(_PYSDMX), str(_ORACLE), str(path)], capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout)
        assert len(found) == len(structures)
        for artefact in structures:
            told = facts(artefact, structures, entry)
            assert found[identity(artefact, entry)] == told, artefact.urn
