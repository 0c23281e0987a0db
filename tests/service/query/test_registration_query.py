"""Registration queries. SDMX-REST 2.2.2, doc/registration.md."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.query.errors import QuerySyntaxError
from service.query.registration_query import (
    RegistrationBy,
    RegistrationQuery,
    parse_registration_query,
)
from service.query.versions import parse_version_query

ID, PROVIDER, CONTEXT = RegistrationBy.ID, RegistrationBy.PROVIDER, RegistrationBy.CONTEXT


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # The examples of doc/registration.md.
        ("id/abcd-efgh-ijkl", RegistrationQuery(ID, ids=("abcd-efgh-ijkl",))),
        ("provider/IMF/UK1", RegistrationQuery(PROVIDER, agencies=("IMF",), ids=("UK1",))),
        (
            "provider/IMF/UK1,UK2",
            RegistrationQuery(PROVIDER, agencies=("IMF",), ids=("UK1", "UK2")),
        ),
        ("provider/IMF/*", RegistrationQuery(PROVIDER, agencies=("IMF",))),
        (
            "dataflow/ECB/BSI,EXR/1.0.0",
            RegistrationQuery(
                CONTEXT, ("dataflow",), ("ECB",), ("BSI", "EXR"), parse_version_query("1.0.0")
            ),
        ),
        (
            "datastructure/IMF/ECOFIN/1.0",
            RegistrationQuery(
                CONTEXT, ("datastructure",), ("IMF",), ("ECOFIN",), parse_version_query("1.0")
            ),
        ),
        ("datastructure/*/*/*", RegistrationQuery(CONTEXT, ("datastructure",))),
        # Trailing parts are optional, and slashes at the end.
        ("", RegistrationQuery(CONTEXT)),
        ("*/", RegistrationQuery(CONTEXT)),
        ("provider/", RegistrationQuery(PROVIDER)),
        ("dataflow,provisionagreement", RegistrationQuery(CONTEXT, ("dataflow", "provisionagreement"))),
    ],
)  # fmt: skip
def test_paths(path: str, expected: RegistrationQuery) -> None:
    assert parse_registration_query(path, "") == expected


def test_instants_are_taken_with_their_zone() -> None:
    found = parse_registration_query(
        "provider",
        "updatedAfter=2009-05-15T14%3A15%3A00%2B01%3A00&updatedBefore=2010-01-01T00:00:00Z",
    )
    assert found.updated_after == datetime(2009, 5, 15, 13, 15, tzinfo=UTC)
    assert found.updated_before == datetime(2010, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "query", "told"),
    [
        ("id", "", "registration/id/ID"),
        ("id/A/B", "", "at most 2"),
        ("id/A B", "", "registrationID"),
        ("id/A", "updatedAfter=2020-01-01T00:00:00Z", "no parameter updatedAfter"),
        ("provider/IMF/UK1/1.0", "", "at most 3"),
        ("dataflw/A", "", "did you mean dataflow?"),
        ("metadataflow/A", "", "did you mean dataflow?"),
        ("dataflow/A/B/1.+.2", "", "1.+.2"),
        ("dataflow", "updatedAftr=2020-01-01T00:00:00Z", "did you mean updatedAfter?"),
        ("dataflow", "updatedAfter=2020", "dateTime"),
        ("dataflow", "asOf=2020-01-01T00:00:00Z", "those of now"),
        (
            "dataflow",
            "updatedAfter=2020-01-01T00:00:00Z&updatedBefore=2020-01-01T00:00:00Z",
            "nothing can lie between",
        ),
    ],
)
def test_what_is_wrong_is_said(path: str, query: str, told: str) -> None:
    with pytest.raises(QuerySyntaxError) as raised:
        parse_registration_query(path, query)
    assert told in str(raised.value)
