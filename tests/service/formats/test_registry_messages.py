"""Registrations and subscriptions are valid registry messages in all versions, and come back as they were."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dsd.registration import Datasource, Registration
from dsd.sdmx_json import StructureMessageError
from dsd.structure import QueryableDataSource
from dsd.structures import Structures
from dsd.subscription import (
    EventSelector,
    MaintainableEvents,
    MaintainableQuery,
    NotificationAddress,
    ObjectEvents,
    RegistrationEvents,
    StructuralEvents,
    Subscription,
    ValidityPeriod,
)
from service.formats.contract import EncodeOptions, Header
from service.formats.registry_xml import (
    REGISTRY_ACTIONS,
    decode_registrations,
    decode_subscriptions,
    encode_requests,
)
from service.formats.structure_table.subscription import OBJECT_CLASSES
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
    chunks = encode_requests(
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


URN = "urn:sdmx:org.sdmx.infomodel."
EVENTS = RegistrationEvents(
    registration_ids=("R1",),
    provision_agreements=(AGREEMENT,),
    data_providers=(f"{URN}base.DataProvider=TST:DATA_PROVIDERS(1.0).A1",),
    flows=(
        MaintainableEvents(urn=f"{URN}datastructure.Dataflow=TST:DF(1.0.0)"),
        MaintainableEvents(query=MaintainableQuery(agency_id="TST", id="%", version="*")),
    ),
    structures=(MaintainableEvents(query=MaintainableQuery(id="DSD")),),
    categories=(f"{URN}categoryscheme.Category=TST:CATS(1.2.0).A.A1",),
)
SUBSCRIPTIONS = [
    Subscription(
        organisation=f"{URN}base.DataConsumer=TST:DATA_CONSUMERS(1.0).A1",
        registry_urn="urn:example:registry",
        mail_addresses=(NotificationAddress(url="mailto:desk@example.org"),),
        http_addresses=(NotificationAddress(url="https://example.org/hook?a&b", is_soap=True),),
        subscriber_assigned_id="S1",
        validity_period=ValidityPeriod(start_date="2026-01-01", end_date="2027-01-01"),
        event_selector=EventSelector(
            structural=StructuralEvents(
                agency_ids=("TST", "%"),
                objects=(
                    *(
                        ObjectEvents(object_class=name, id="X")
                        if name == "Categorisation"
                        else ObjectEvents(object_class=name, id="%", version="*")
                        for name in OBJECT_CLASSES
                    ),
                    ObjectEvents(object_class="Codelist", all={}),
                    ObjectEvents(
                        object_class="Codelist", urn=f"{URN}codelist.Codelist=TST:CL(1.0)"
                    ),
                ),
            ),
            data=EVENTS,
            metadata=EVENTS,
        ),
    ),
    Subscription(
        organisation=f"{URN}base.Agency=SDMX:AGENCIES(1.0).TST",
        validity_period=ValidityPeriod(start_date="2026-01-01", end_date="2027-01-01"),
        event_selector=EventSelector(
            structural=StructuralEvents(agency_ids=("%",), all_events={}),
            data=RegistrationEvents(all_events={}),
        ),
    ),
]


@pytest.mark.parametrize("name", FORMS)
def test_subscriptions_are_valid_and_come_back(
    name: str, validate_structures: Callable[[bytes, str], None]
) -> None:
    header = Header(id="SUB", prepared=datetime(2026, 11, 24, tzinfo=UTC), sender="TST")
    body = b"".join(
        encode_requests(
            FORMS[name], header, SUBSCRIPTIONS, Structures([]), EncodeOptions(), action="Replace"
        )
    )
    validate_structures(body, name)
    assert list(decode_subscriptions(body)) == SUBSCRIPTIONS
    assert decode_registrations(body) == []
