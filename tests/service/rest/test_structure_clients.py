"""Each built-in artefact, fetched from the running service by each client's own idioms."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import sdmx
import sdmx.reader.xml.v30  # Read before any data of 2.1, after which it reads no 3.0.

from codelists.base import Maintainable
from codelists.item_scheme import CategoryScheme, ItemScheme
from dsd.structure import DataStructure
from dsd.structures import Structures
from service.formats import find_structure_format
from service.formats.contract import StructureFormat
from service.query.grammar import Grammar
from service.query.structure_query import resource_of_v1
from service.rest.negotiation import full_type

ORACLE = Path(__file__).parents[2] / "oracles" / "pysdmx_registry.py"
Serve = Callable[..., str]


@pytest.fixture
def url(serve: Serve, tmp_path: Path) -> str:
    return serve(tmp_path / "store")


def ids_of(scheme: Maintainable) -> list[str]:
    if isinstance(scheme, CategoryScheme):
        return [category.id for _, category in scheme.walk()]
    return [item.id for item in scheme.items] if isinstance(scheme, ItemScheme) else []


# -- curl ------------------------------------------------------------------------------------------


def fetched(
    url: str, artefacts: list[Maintainable], line: Grammar, entry: StructureFormat, folder: Path
) -> list[bytes]:
    """Return what curl gets for each artefact by its whole path, in one call."""
    config = []
    for number, artefact in enumerate(artefacts):
        resource = artefact.artefact_type.resource
        resource = resource_of_v1(resource) if line is Grammar.V1 else f"structure/{resource}"
        path = f"{resource}/{artefact.agency_id}/{artefact.id}/{artefact.version}"
        config += [
            f'url = "{url}/sdmx/{line.value}/{path}"',
            f'output = "{(folder / str(number)).as_posix()}"',
        ]
    file = folder / "curl.config"
    file.write_text("\n".join(config), encoding="utf-8")
    accept = f"Accept: {full_type(entry)}"
    subprocess.run(
        ["curl", "-g", "-sS", "--fail", "-H", accept, "-K", str(file)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return [(folder / str(number)).read_bytes() for number in range(len(artefacts))]


@pytest.mark.parametrize(
    ("name", "line"), [("json", Grammar.V2), ("ml31", Grammar.V2), ("ml21", Grammar.V1)]
)
def test_curl_gets_every_artefact_by_its_whole_path(
    url: str, structures: Structures, tmp_path: Path, name: str, line: Grammar
) -> None:
    entry = find_structure_format(name)
    assert entry.decode
    artefacts = list(structures)
    bodies = fetched(url, artefacts, line, entry, tmp_path)
    for artefact, body in zip(artefacts, bodies, strict=True):
        (found,) = entry.decode(body)
        assert found == artefact or name != "json", artefact.urn
        assert (found.type_name, found.id) == (artefact.type_name, artefact.id)
        assert ids_of(found) == ids_of(artefact)


# -- sdmx1 -----------------------------------------------------------------------------------------

# What sdmx1 has a reader for, in each version; its registry of version 2 speaks SDMX-ML 3.0 where told so.
_SDMX1 = {
    "2.1": (
        "AgencyScheme",
        "DataProviderScheme",
        "DataConsumerScheme",
        "Codelist",
        "ConceptScheme",
        "CategoryScheme",
        "DataStructure",
        "Dataflow",
        "ProvisionAgreement",
        "Categorisation",
    ),
    "3.0.0": (
        "AgencyScheme",
        "Codelist",
        "ConceptScheme",
        "CategoryScheme",
        "DataStructure",
        "Dataflow",
        "Categorisation",
    ),
}
_COLLECTIONS = {
    "DataStructure": "structure",
    "Codelist": "codelist",
    "Dataflow": "dataflow",
    "ConceptScheme": "concept_scheme",
    "CategoryScheme": "category_scheme",
    "ProvisionAgreement": "provisionagreement",
    "Categorisation": "categorisation",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("version", "line"), [("2.1", "v1"), ("3.0.0", "v2")])
def test_sdmx1_gets_every_artefact(
    url: str, structures: Structures, version: str, line: str
) -> None:
    types = _SDMX1[version]
    wanted = [artefact for artefact in structures if artefact.type_name in types]
    source = {
        "id": "ILMS_STRUCTURES",
        "name": "ILMS Exchange",
        "url": f"{url}/sdmx/{line}",
        "versions": [version],
    }
    if line == "v2":
        # It reads no SDMX-JSON structures; which format it gets, a source says by its own setting.
        accept = {"Accept": "application/vnd.sdmx.structure+xml;version=3.0.0"}
        source["headers"] = dict.fromkeys({a.artefact_type.resource for a in wanted}, accept)
    sdmx.add_source(source, override=True)
    client = sdmx.Client("ILMS_STRUCTURES")
    for artefact in wanted:
        message = client.get(
            artefact.artefact_type.resource,
            resource_id=artefact.id,
            agency_id=artefact.agency_id,
        )
        member = _COLLECTIONS.get(artefact.type_name, "organisation_scheme")
        found = getattr(message, member)
        assert list(found) == [artefact.id], artefact.urn
        if isinstance(artefact, ItemScheme) and not isinstance(artefact, CategoryScheme):
            # It adds the agency of a scheme to the scheme of agencies.
            items = {*found[artefact.id].items} - {artefact.agency_id}
            assert items == {*ids_of(artefact)} - {artefact.agency_id}
        if isinstance(artefact, DataStructure):
            dsd = structures.dsd(artefact.urn)
            keys = [entry.id for entry in found[artefact.id].dimensions.components]
            assert keys == list(dsd.key_ids)


# -- pysdmx ----------------------------------------------------------------------------------------


@pytest.mark.pysdmx
def test_pysdmx_gets_every_artefact(url: str, structures: Structures) -> None:
    python = os.environ.get("ILMS_PYSDMX_PYTHON")
    if python is None:
        pytest.skip("needs pysdmx: make .venv-pysdmx/.installed, and name it in ILMS_PYSDMX_PYTHON")
    kinds = (
        "Codelist",
        "ConceptScheme",
        "CategoryScheme",
        "Categorisation",
        "ProvisionAgreement",
        "DataConstraint",
        "DataStructure",
    )
    wanted = [artefact for artefact in structures if artefact.type_name in kinds]
    lines = "\n".join(f"{a.type_name} {a.id} {a.version}" for a in wanted)
    done = subprocess.run(
        [python, str(ORACLE), url, "ILMS"],
        input=lines,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    for artefact in wanted:
        id, name, content = told[f"{artefact.type_name} {artefact.id}"]
        assert (id, name) == (artefact.id, artefact.name), artefact.urn
        if isinstance(artefact, DataStructure):
            dsd = structures.dsd(artefact.urn)
            assert set(content) == {component.id for component in dsd.components}
        else:
            assert content == ids_of(artefact)
    by_type = {a.type_name: a for a in structures if a.artefact_type.fixed_version}
    assert told["AgencyScheme"] == sorted(ids_of(by_type["AgencyScheme"]))
    assert set(told["DataProviderScheme"]) == set(ids_of(by_type["DataProviderScheme"]))
    assert any(told["DataProviderScheme"].values())
    flows = {a.id: a.name for a in structures if a.type_name == "Dataflow"}
    assert told["Dataflow"] == flows
