"""Registrations are valid registry messages in all versions, and come back as they were."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dsd.registration import Datasource, Registration
from dsd.sdmx_json import StructureMessageError
from dsd.structure import QueryableDataSource
from dsd.structures import Structures
from service.formats.contract import EncodeOptions, Header
from service.formats.registration_xml import (
    REGISTRY_ACTIONS,
    decode_registrations,
    encode_registrations,
)
from service.formats.structure_table.vocabulary import Form

AGREEMENT = "urn:sdmx:org.sdmx.infomodel.registry.ProvisionAgreement=TST:PA(1.2.0)"
REGISTRATIONS = [
    Registration(
        id="R1",
        valid_from="2020-01-01T00:00:00Z",
        valid_to="2030-01-01T00:00:00Z",
        last_updated="2026-11-24T00:00:00Z",
        index_time_series=True,
        index_data_set=True,
        index_attributes=True,
        index_reporting_period=True,
        provision_agreement=AGREEMENT,
        datasource=Datasource(
            simple_data_source="https://example.org/data.xml?a=1&b=2",
            queryable_data_source=QueryableDataSource(
                data_url="https://example.org/rest",
                is_rest_datasource=True,
                is_web_service_datasource=False,
                wsdl_url="https://example.org/wsdl",
                wadl_url="https://example.org/wadl",
            ),
        ),
    ),
    Registration(
        provision_agreement=AGREEMENT,
        datasource=Datasource(simple_data_source="https://example.org/other.xml"),
    ),
]
FORMS = {"ml21": Form.ML21, "ml30": Form.ML30, "ml31": Form.ML31}


def written(form: Form, action: str = "Append") -> bytes:
    header = Header(id="REG", prepared=datetime(2026, 11, 24, tzinfo=UTC), sender="TST")
    chunks = encode_registrations(
        form, header, REGISTRATIONS, Structures([]), EncodeOptions(), action=action
    )
    return b"".join(chunks)


@pytest.mark.parametrize("action", REGISTRY_ACTIONS)
@pytest.mark.parametrize("name", FORMS)
def test_registrations_are_valid_and_come_back(
    name: str, action: str, validate_structures: Callable[[bytes, str], None]
) -> None:
    body = written(FORMS[name], action)
    validate_structures(body, name)
    assert list(decode_registrations(body)) == REGISTRATIONS


def test_a_message_of_another_kind_is_refused() -> None:
    body = written(Form.ML31).replace(b"RegistryInterface", b"Structure")
    with pytest.raises(StructureMessageError, match="registry message"):
        decode_registrations(body)
