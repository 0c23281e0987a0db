"""Subscriptions: who is told of what happens in a registry. SDMX 3.1 Section 5; SDMXRegistrySubscription.xsd."""

from __future__ import annotations

from typing import Any

import msgspec

from codelists.base import Part


class NotificationAddress(Part, frozen=True, kw_only=True):
    """Where a notification goes."""

    url: str
    is_soap: bool = msgspec.field(default=False, name="isSOAP")


class ValidityPeriod(Part, frozen=True, kw_only=True):
    """The days on which a subscription holds."""

    start_date: str
    end_date: str


class ObjectEvents(Part, frozen=True, kw_only=True):
    """Events of artefacts of one class: of all, of one by its URN, or of those with an id (% for any)."""

    object_class: str
    all: dict[str, Any] | None = None
    urn: str | None = None
    id: str | None = None
    version: str | None = None


class StructuralEvents(Part, frozen=True, kw_only=True):
    """Events of the structures of agencies (% for any): all, or those of some classes."""

    agency_ids: tuple[str, ...] = ()
    all_events: dict[str, Any] | None = None
    objects: tuple[ObjectEvents, ...] = ()


class MaintainableQuery(Part, frozen=True, kw_only=True):
    """Artefacts by agency, id (% for any) and version (* for any)."""

    agency_id: str | None = msgspec.field(default=None, name="agencyID")
    id: str | None = None
    version: str | None = None


class MaintainableEvents(Part, frozen=True, kw_only=True):
    """Events of one artefact by its URN, or of those that a query names."""

    urn: str | None = None
    query: MaintainableQuery | None = None


class RegistrationEvents(Part, frozen=True, kw_only=True):
    """Events of registrations of data or metadata: all, or those of what is named."""

    all_events: dict[str, Any] | None = None
    registration_ids: tuple[str, ...] = ()
    provision_agreements: tuple[str, ...] = ()
    data_providers: tuple[str, ...] = ()
    flows: tuple[MaintainableEvents, ...] = ()
    structures: tuple[MaintainableEvents, ...] = ()
    categories: tuple[str, ...] = ()


class EventSelector(Part, frozen=True, kw_only=True):
    """The events that a subscription is about."""

    structural: StructuralEvents | None = None
    data: RegistrationEvents | None = None
    metadata: RegistrationEvents | None = None


class Subscription(Part, frozen=True, kw_only=True):
    """An organisation's wish to be told of events."""

    organisation: str
    registry_urn: str | None = msgspec.field(default=None, name="registryURN")
    mail_addresses: tuple[NotificationAddress, ...] = ()
    http_addresses: tuple[NotificationAddress, ...] = ()
    subscriber_assigned_id: str | None = msgspec.field(default=None, name="subscriberAssignedID")
    validity_period: ValidityPeriod
    event_selector: EventSelector
