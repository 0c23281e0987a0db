"""Subscriptions. SDMXRegistrySubscription.xsd, the same in all versions; SDMX-JSON has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
from service.formats.structure_table.base import attribute_flag
from service.formats.structure_table.conversions import TEXT, TOKEN
from service.formats.structure_table.vocabulary import (
    Child,
    Children,
    Empty,
    Field,
    Implied,
    Layout,
    Reference,
    References,
    Scalar,
    Scalars,
    Variant,
    Variants,
)

OBJECT_CLASSES = (
    "AgencyScheme", "DataConsmerScheme", "DataProviderScheme", "OrganisationUnitScheme", "Dataflow", "Metadataflow",
    "CategoryScheme", "Categorisation", "Codelist", "HierarchicalCodelist", "ConceptScheme",
    "MetadataStructureDefinition", "KeyFamily", "StructureSet", "ReportingTaxonomy", "Process", "AttachmentConstraint",
    "ContentConstraint", "ProvisionAgreement", "TransformationScheme", "NameAliasScheme", "NamePersonalisationScheme",
    "RulesetScheme", "UserDefinedOperatorScheme",
)  # fmt: skip
"""Elements of the classes whose events can be chosen, as the schemas of all versions spell them."""

_KIND = Field("", Implied(), "@TYPE")
_ALL_EVENTS = Field("all_events", Empty(), "reg:AllEvents")


def _is_of(name: str) -> Callable[[Any], bool]:
    return lambda events: events.object_class == name


def _object_events(name: str) -> Layout:
    """Return the layout of the events of one class, which the name of their element says."""

    def complete(values: dict[str, Any]) -> None:
        values["object_class"] = name

    return Layout(
        ObjectEvents,
        (
            Field("object_class", Scalar(TOKEN), "+"),
            Field("all", Empty(), "reg:All"),
            Field("urn", Scalar(TOKEN), "reg:URN"),
            Field("id", Scalar(TOKEN), "reg:ID"),
            Field("version", Scalar(TOKEN), "reg:Version"),
        ),
        complete=complete,
    )


def _registration_events(flow: str, structure: str) -> Layout:
    return Layout(
        RegistrationEvents,
        (
            _KIND,
            _ALL_EVENTS,
            Field("registration_ids", Scalars(TOKEN), "reg:RegistrationID"),
            Field(
                "provision_agreements", References("ProvisionAgreement"), "reg:ProvisionAgreement"
            ),
            Field("data_providers", References("DataProvider"), "reg:DataProvider"),
            Field("flows", Children("MaintainableEvents"), f"reg:{flow}"),
            Field("structures", Children("MaintainableEvents"), f"reg:{structure}"),
            Field("categories", References("Category"), "reg:Category"),
        ),
    )


LAYOUTS: dict[str, Layout] = {
    **{f"{name}Events": _object_events(name) for name in OBJECT_CLASSES},
    "NotificationAddress": Layout(
        NotificationAddress,
        (attribute_flag("is_soap", "isSOAP"), Field("url", Scalar(TEXT), ".")),
    ),
    "ValidityPeriod": Layout(
        ValidityPeriod,
        (
            Field("start_date", Scalar(TOKEN), "reg:StartDate"),
            Field("end_date", Scalar(TOKEN), "reg:EndDate"),
        ),
    ),
    "StructuralEvents": Layout(
        StructuralEvents,
        (
            _KIND,
            Field("agency_ids", Scalars(TOKEN), "reg:AgencyID"),
            _ALL_EVENTS,
            Field(
                "objects",
                Variants(
                    tuple(
                        Variant(f"reg:{name}", f"{name}Events", _is_of(name))
                        for name in OBJECT_CLASSES
                    )
                ),
                "reg:AgencyScheme",
            ),
        ),
    ),
    "MaintainableQuery": Layout(
        MaintainableQuery,
        (
            Field("agency_id", Scalar(TOKEN), "@agencyID"),
            Field("id", Scalar(TOKEN), "@id"),
            Field("version", Scalar(TOKEN), "@version"),
        ),
    ),
    "MaintainableEvents": Layout(
        MaintainableEvents,
        (
            Field("urn", Scalar(TOKEN), "reg:URN"),
            Field("query", Child("MaintainableQuery"), "reg:Ref"),
        ),
    ),
    "DataRegistrationEvents": _registration_events("DataflowReference", "KeyFamilyReference"),
    "MetadataRegistrationEvents": _registration_events(
        "MetadataflowReference", "MetadataStructureDefinitionReference"
    ),
    "EventSelector": Layout(
        EventSelector,
        (
            Field("structural", Child("StructuralEvents"), "reg:StructuralRepositoryEvents"),
            Field("data", Child("DataRegistrationEvents"), "reg:DataRegistrationEvents"),
            Field(
                "metadata", Child("MetadataRegistrationEvents"), "reg:MetadataRegistrationEvents"
            ),
        ),
    ),
    "Subscription": Layout(
        Subscription,
        (
            Field("organisation", Reference(by_urn=True), "reg:Organisation"),
            Field("registry_urn", Scalar(TEXT), "reg:RegistryURN"),
            Field("mail_addresses", Children("NotificationAddress"), "reg:NotificationMailTo"),
            Field("http_addresses", Children("NotificationAddress"), "reg:NotificationHTTP"),
            Field("subscriber_assigned_id", Scalar(TOKEN), "reg:SubscriberAssignedID"),
            Field("validity_period", Child("ValidityPeriod"), "reg:ValidityPeriod"),
            Field("event_selector", Child("EventSelector"), "reg:EventSelector"),
        ),
    ),
}
