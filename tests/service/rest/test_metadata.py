"""Queries for reference metadata: all of the standard is understood, and none is stored.

SDMX-REST 1.5.0, 4.4 "Data and metadata queries"; SDMX-REST 2.2.2, doc/metadata.md.
"""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

V1, V2 = "/sdmx/v1/metadata", "/sdmx/v2/metadata"


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("metadataset", 204, ""),
        ("metadataset/TST.OFFICE/", 204, ""),
        ("metadataset/*/A,B/*?detail=allstubs", 204, ""),
        ("metadataset/TST/R/", 404, "no metadata set R of TST in version ~"),
        ("metadataflow", 204, ""),
        ("metadataflow/TST/MDF_SOURCES/1.0.0/OFFICE", 204, ""),
        ("metadataflow/TST/MDF_SOURCES/+/TST.OFFICE,X/?detail=allstubs", 204, ""),
        ("metadataflow/TST/MDF_SOURCES?asOf=2026-11-22T00:00:00Z", 204, ""),
        ("metadataflow/TST/MDF_SOURCES?asOf=2026-11-20T00:00:00Z", 404, "no metadataflow"),
        ("metadataflow/TST/MDF_SOURCES/2.0.0", 404, "no metadataflow MDF_SOURCES"),
        ("metadataflow/ILMS/DF_MNA_OEMP_SEX_CDS", 404, "no metadataflow DF_MNA_OEMP_SEX_CDS"),
        ("metadataflow/NIX", 204, ""),
        ("structure", 204, ""),
        ("structure/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS/", 204, ""),
        ("structure/*/ILMS/DF_MNA_OEMP_SEX_CDS", 204, ""),
        ("structure/codelist/ILMS/CL_SEX,NIX/*", 204, ""),
        ("structure/codelist/ILMS/NIX", 404, "no codelist NIX of ILMS"),
        ("dataflow/ILMS/DF_MNA_OEMP_SEX_CDS", 204, ""),
        ("", 400, "metadataset, metadataflow, structure"),
        ("structure/table", 400, "artefactType"),
        ("structure/dataflow?references=children", 400, "ask /structure"),
        ("structure/dataflow?detail=full&detail=full", 400, "twice"),
        ("metadataset/A/B/x.y", 400, "x.y"),
    ],
)
def test_v2(with_metadata: FlaskClient, path: str, status: int, told: str) -> None:
    response = with_metadata.get(f"{V2}/{path}")
    assert response.status_code == status, response.text
    assert told in response.text
    assert with_metadata.post(f"{V2}/{path}").status_code == 405


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("MDF_SOURCES", 404, "no metadata set is stored for TST:MDF_SOURCES(1.0.0)"),
        ("TST,MDF_SOURCES,1.0.0/all/OFFICE/", 404, "no metadata set is stored"),
        ("TST,MDF_SOURCES,latest/A..B+C/TST,OFFICE?startPeriod=2020&detail=full", 404, "stored"),
        ("all", 404, "no metadata set is stored"),
        ("DF_MNA_OEMP_SEX_CDS", 404, "there is no metadataflow DF_MNA_OEMP_SEX_CDS"),
        ("", 400, "flowRef"),
        ("MDF_SOURCES?asOf=2020-01-01T00:00:00Z", 400, "2.x"),
        ("MDF_SOURCES?startPerod=2020", 400, "did you mean startPeriod?"),
        ("MDF_SOURCES?detail=allstubs", 400, "detail"),
    ],
)
def test_v1(with_metadata: FlaskClient, path: str, status: int, told: str) -> None:
    response = with_metadata.get(f"{V1}/{path}")
    assert response.status_code == status, response.text
    assert told in response.text
    assert f'code="{100 if status == 404 else 140}"' in response.text


METADATA = "application/vnd.sdmx.metadata"


@pytest.mark.parametrize(
    ("line", "accept", "query", "status"),
    [
        (V2, None, "", 204),
        (V2, "*/*", "", 204),
        (V2, f"{METADATA}+json;version=2.1.0", "", 204),
        (V2, f"{METADATA}+json;version=2.0.0", "", 204),
        (V2, f"{METADATA}+xml; version=3.0.0", "", 204),
        (V2, f"{METADATA}+csv;version=2+.0.0;labels=both", "", 204),
        (V2, f"{METADATA}+csv;version=1.0.0", "", 406),
        (V2, "application/vnd.sdmx.genericmetadata+xml;version=2.1", "", 204),
        (V2, "application/vnd.sdmx.data+json;version=2.1.0", "", 406),
        (V2, "text/html", "", 406),
        (V2, None, "format=csvmetadata", 204),
        (V2, None, "format=genericmetadata&formatVersion=3.1", 204),
        (V2, None, "format=jsonmetadata&formatVersion=1.0.0", 406),
        (V2, None, "format=csvdata", 406),
        (V2, None, "lang=tlh", 406),
        (V1, "application/vnd.sdmx.structurespecificmetadata+xml;version=2.1", "", 404),
        (V1, None, "format=genericmetadata&formatVersion=2.1", 404),
        (V1, "application/vnd.sdmx.structurespecificdata+xml;version=2.1", "", 406),
    ],
)
def test_the_format_is_negotiated(
    with_metadata: FlaskClient, line: str, accept: str | None, query: str, status: int
) -> None:
    path = "/metadataflow/TST/MDF_SOURCES" if line == V2 else "/MDF_SOURCES"
    response = with_metadata.get(
        f"{line}{path}?{query}", headers={"Accept": accept} if accept else {}
    )
    assert response.status_code == status, response.text
    if status == 406 and "lang" not in query:
        default = f"{METADATA}+json;version=2.1.0"
        generic = "application/vnd.sdmx.genericmetadata+xml;version=2.1"
        (offered,) = set(re.findall(r"it has ([^<\"]+)", response.text))
        listed = offered.partition("; by name ")[0].split(", ")
        assert listed[0] == (default if line == V2 else generic)
        assert len(listed) == 8
