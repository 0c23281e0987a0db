"""Metadata queries of both grammars. SDMX-REST 1.5.0, 4.4; SDMX-REST 2.2.2, doc/metadata.md."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.query.data_query import ProviderReference, parse_data_query_v1
from service.query.errors import QuerySyntaxError
from service.query.grammar import Grammar
from service.query.metadata_query import (
    MetadataBy,
    MetadataDetail,
    MetadataQuery,
    parse_metadata_query_v1,
    parse_metadata_query_v2,
)
from service.query.versions import ALL_VERSIONS, LATEST_STABLE_VERSION, parse_version_query

SET, FLOW, STRUCTURE = MetadataBy.METADATA_SET, MetadataBy.METADATAFLOW, MetadataBy.STRUCTURE


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # The examples of doc/metadata.md.
        (
            "metadataset/ECB/QUALITY_REPORT/1.0.0",
            MetadataQuery(
                Grammar.V2,
                SET,
                agencies=("ECB",),
                ids=("QUALITY_REPORT",),
                version=parse_version_query("1.0.0"),
            ),
        ),
        ("metadataset/ECB/", MetadataQuery(Grammar.V2, SET, agencies=("ECB",))),
        (
            "metadataflow/ECB/METHODOLOGY/*/FR2",
            MetadataQuery(
                Grammar.V2,
                FLOW,
                agencies=("ECB",),
                ids=("METHODOLOGY",),
                version=ALL_VERSIONS,
                providers=(ProviderReference(None, "FR2"),),
            ),
        ),
        (
            "metadataflow/*/METHODOLOGY/+/",
            MetadataQuery(Grammar.V2, FLOW, ids=("METHODOLOGY",), version=LATEST_STABLE_VERSION),
        ),
        (
            "metadataflow/ECB/M/~/CH.CH2,NO2,*.NO3,INT.UN.X1",
            MetadataQuery(
                Grammar.V2,
                FLOW,
                agencies=("ECB",),
                ids=("M",),
                providers=(
                    ProviderReference("CH", "CH2"),
                    ProviderReference(None, "NO2"),
                    ProviderReference(None, "NO3"),
                    ProviderReference("INT.UN", "X1"),
                ),
            ),
        ),
        (
            "metadataflow/ECB/M/~/CH.*",
            MetadataQuery(
                Grammar.V2,
                FLOW,
                agencies=("ECB",),
                ids=("M",),
                providers=(ProviderReference("CH", None),),
            ),
        ),
        ("metadataflow/*/*/~/*.*", MetadataQuery(Grammar.V2, FLOW)),
        (
            "structure/datastructure/ECB/ECB_EXR1,X/",
            MetadataQuery(
                Grammar.V2, STRUCTURE, "datastructure", agencies=("ECB",), ids=("ECB_EXR1", "X")
            ),
        ),
        # Non-standard, but so in the examples: without `structure`.
        (
            "datastructure/ECB/ECB_EXR1",
            MetadataQuery(
                Grammar.V2, STRUCTURE, "datastructure", agencies=("ECB",), ids=("ECB_EXR1",)
            ),
        ),
        ("dataflow/", MetadataQuery(Grammar.V2, STRUCTURE, "dataflow")),
        ("structure", MetadataQuery(Grammar.V2, STRUCTURE)),
    ],
)
def test_paths_of_v2(path: str, expected: MetadataQuery) -> None:
    assert parse_metadata_query_v2(path, "") == expected


def test_parameters_of_v2() -> None:
    found = parse_metadata_query_v2(
        "structure", "detail=allstubs&asOf=2024-05-15T14:15:00%2B07:00&lang=fr&format=csvmetadata"
    )
    assert found.detail is MetadataDetail.ALL_STUBS
    assert found.as_of == datetime(2024, 5, 15, 7, 15, tzinfo=UTC)
    assert found.presentation.language == "fr"
    assert found.presentation.format == "csvmetadata"


@pytest.mark.parametrize(
    ("path", "query", "told"),
    [
        ("", "", "metadataset, metadataflow, structure"),
        ("metadatset/ECB", "", "did you mean metadataset?"),
        ("structure/dataflw", "", "did you mean dataflow?"),
        ("metadataset/A/B/1.0.0/X", "", "at most 4"),
        ("metadataflow/A/B/1.0.0/X/Y", "", "at most 5"),
        ("metadataflow//B", "", "agencyID is empty"),
        ("metadataset/A/B/1.+.2", "", "1.+.2"),
        ("metadataset/A B", "", "providerID"),
        ("metadataflow/A/B/~/CH.", "", "providerRef 'CH.'"),
        ("metadataflow/A/B/~/CH2+NO2", "", "joined by ,"),
        ("structure", "references=children", "ask /structure"),
        ("structure", "detail=allstub", "did you mean allstubs?"),
        ("structure", "detial=full", "did you mean detail?"),
        ("structure", "startPeriod=2020", "startPeriod"),
        ("structure", "c[X]=1", "conditions are for data"),
        ("structure", "asOf=2020", "dateTime"),
    ],
)
def test_what_is_wrong_in_v2_is_said(path: str, query: str, told: str) -> None:
    with pytest.raises(QuerySyntaxError) as raised:
        parse_metadata_query_v2(path, query)
    assert told in str(raised.value)


def test_v1_asks_as_for_data() -> None:
    path, query = (
        "ECB,M,1.0/D+M..A/CH,CH2+NO2",
        "startPeriod=2020&detail=nodata&lastNObservations=1",
    )
    found = parse_metadata_query_v1(path, query)
    data = parse_data_query_v1(path, query)
    assert (found.by, found.agencies, found.ids) == (FLOW, ("ECB",), ("M",))
    assert found.version == parse_version_query("1.0", Grammar.V1)
    assert found.providers == (ProviderReference("CH", "CH2"), ProviderReference(None, "NO2"))
    assert found.as_data is not None
    assert found.as_data.context == "metadataflow"
    assert found.as_data.keys == data.keys
    assert found.as_data.start_period == "2020"
    for wrong in ("asOf=2020-01-01T00:00:00Z", "startPerod=2020", "detail=allstubs"):
        with pytest.raises(QuerySyntaxError):
            parse_metadata_query_v1("M", wrong)
