"""Structure queries of SDMX-REST 1.5.0, 4.3, and 2.2.2, doc/structures.md."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from codelists.urn import ARTEFACT_TYPES, LEGACY_TYPES
from service.query.data_query import Presentation
from service.query.grammar import Grammar
from service.query.structure_query import (
    RESOURCES_V1,
    RESOURCES_V2,
    References,
    StructureDetail,
    StructureQuery,
    parse_structure_query_v1,
    parse_structure_query_v2,
)
from service.query.versions import (
    LATEST_IN_PRODUCTION,
    LATEST_VERSION,
    parse_version_query,
)


def v1(path: str, query: str = "") -> StructureQuery:
    return parse_structure_query_v1(path, query)


def v2(path: str, query: str = "") -> StructureQuery:
    return parse_structure_query_v2(path, query)


@pytest.mark.parametrize(
    "path", ["codelist", "codelist/", "codelist/all/all/latest/all/", "codelist/ALL/*"]
)
def test_a_resource_of_1_5_alone_is_the_latest_of_all_agencies(path: str) -> None:
    assert v1(path) == StructureQuery(
        Grammar.V1, "codelist", ("codelist",), version=LATEST_IN_PRODUCTION
    )


@pytest.mark.parametrize("path", ["codelist", "codelist/", "codelist/*/*/~/*/", "codelist/ALL/all"])
def test_a_type_of_2_2_alone_is_the_latest_of_all_agencies_drafts_too(path: str) -> None:
    assert v2(path) == StructureQuery(Grammar.V2, "codelist", ("codelist",), version=LATEST_VERSION)


@pytest.mark.parametrize("path", ["", "/", "*", "all", "*/*/*/~"])
def test_no_type_of_2_2_is_any(path: str) -> None:
    assert v2(path) == StructureQuery(Grammar.V2, "*", ())


def test_structure_of_1_5_is_any_type() -> None:
    assert v1("structure/ILMS").types == v1("structure").types == ()


def test_1_5_joins_with_plus() -> None:
    query = v1("codelist/A+B.C/X+Y/1.0+2.0/I+J.K")
    assert (query.agencies, query.ids, query.items) == (("A", "B.C"), ("X", "Y"), ("I", "J.K"))
    assert query.version == parse_version_query("1.0+2.0", Grammar.V1)


def test_2_2_joins_with_comma_encoded_or_not() -> None:
    query = v2("codelist/A,B.C/X%2CY/1.0.0,2+.0.0/I,J.K")
    assert (query.agencies, query.ids, query.items) == (("A", "B.C"), ("X", "Y"), ("I", "J.K"))
    assert query.version == parse_version_query("1.0.0,2+.0.0")


@pytest.mark.parametrize("resource", RESOURCES_V1)
def test_every_resource_of_1_5_is_legal(resource: str) -> None:
    found = v1(f"{resource}/A/B/1.0")
    assert found.resource == resource
    assert set(found.types) <= {*RESOURCES_V2, *(entry.resource for entry in LEGACY_TYPES)}


@pytest.mark.parametrize("resource", RESOURCES_V2)
def test_every_type_of_2_2_is_legal(resource: str) -> None:
    assert v2(f"{resource}/A/B/1.0").types == (resource,)


def test_the_types_that_are_kept_are_types_of_2_2() -> None:
    assert {entry.resource for entry in ARTEFACT_TYPES} <= set(RESOURCES_V2)


@pytest.mark.parametrize(
    ("resource", "types"),
    [
        ("actualconstraint", ("dataconstraint", "metadataconstraint")),
        ("contentconstraint", ("dataconstraint", "metadataconstraint")),
        ("attachmentconstraint", ("attachmentconstraint",)),
        ("hierarchicalcodelist", ("hierarchy", "hierarchicalcodelist")),
        ("provisionagreement", ("provisionagreement", "metadataprovisionagreement")),
        (
            "organisationscheme",
            ("agencyscheme", "dataproviderscheme", "dataconsumerscheme", "organisationunitscheme"),
        ),
    ],
)
def test_a_resource_of_1_5_with_another_name_stands_for_types_of_2_2(
    resource: str, types: tuple[str, ...]
) -> None:
    assert v1(resource).types == types


@pytest.mark.parametrize(
    "path",
    [
        "agencyscheme/A/AGENCIES/1.0/X",
        "hierarchicalcodelist/A/H/1.0/X",
        "organisationscheme/A/B/1.0/X",
    ],
)
def test_items_of_1_5_may_follow_schemes(path: str) -> None:
    assert v1(path).items == ("X",)


@pytest.mark.parametrize("resource", ["valuelist", "conceptscheme", "metadataproviderscheme"])
def test_items_of_2_2_may_follow_schemes(resource: str) -> None:
    assert v2(f"{resource}/A/B/~/X").items == ("X",)


@pytest.mark.parametrize("detail", StructureDetail)
def test_each_detail_is_read(detail: StructureDetail) -> None:
    assert v2("codelist", f"detail={detail}").detail is detail
    if detail is not StructureDetail.RAW:
        assert v1("codelist", f"detail={detail}").detail is detail


@pytest.mark.parametrize("references", References)
def test_each_kind_of_references_is_read(references: References) -> None:
    assert v2("codelist", f"references={references}").references == (references,)
    if references is not References.ANCESTORS:
        assert v1("codelist", f"references={references}").references == (references,)


def test_nothing_is_referenced_unless_asked_for() -> None:
    assert v1("codelist").references == v2("codelist").references == (References.NONE,)


def test_2_2_takes_several_references() -> None:
    query = v2("datastructure", "references=children,dataflow,codelist,children")
    assert query.references == ("children", "dataflow", "codelist")


@pytest.mark.parametrize(
    ("resource", "types"),
    [
        ("codelist", ("codelist",)),
        ("contentconstraint", ("dataconstraint", "metadataconstraint")),
        ("structure", ("all",)),
    ],
)
def test_a_type_referenced_in_1_5_is_named_as_in_2_2(resource: str, types: tuple[str, ...]) -> None:
    assert v1("dataflow", f"references={resource}").references == types


def test_2_2_travels_in_time() -> None:
    query = v2("codelist", "asOf=2024-01-01T07:00:00%2B07:00")
    assert query.as_of == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("read", [v1, v2])
def test_the_look_of_the_answer_is_read(read: object) -> None:
    query = read("codelist", "format=structure&formatVersion=2.1&lang=th&compression=gzip")
    assert query.presentation == Presentation("structure", "2.1", "th", "gzip")
