"""Classes that SDMX 2.1 and 3.x call by different names, and URNs of the one as URNs of the other."""

from __future__ import annotations

from codelists.urn import UrnSyntaxError, parse_urn

_TO_21 = {
    "DataAttribute": "Attribute",
    "DataConstraint": "ContentConstraint",
    "Hierarchy": "HierarchicalCodelist",
    "Measure": "PrimaryMeasure",
    "MetadataConstraint": "ContentConstraint",
    "MetadataProvider": "DataProvider",
    "MetadataProviderScheme": "DataProviderScheme",
    "MetadataProvisionAgreement": "ProvisionAgreement",
    "StructureMap": "StructureSet",
    "RepresentationMap": "StructureSet",
    "ConceptSchemeMap": "StructureSet",
    "CategorySchemeMap": "StructureSet",
    "OrganisationSchemeMap": "StructureSet",
    "ReportingTaxonomyMap": "StructureSet",
}
_FROM_21 = {
    "Attribute": "DataAttribute",
    "ContentConstraint": "DataConstraint",
    "PrimaryMeasure": "Measure",
}


def class_in_21(name: str) -> str:
    """Return what SDMX 2.1 calls a class of 3.x."""
    return _TO_21.get(name, name)


def class_from_21(name: str) -> str:
    """Return what SDMX 3.x calls a class of 2.1."""
    return _FROM_21.get(name, name)


def urn_in_21(text: str) -> str:
    """Return a URN with the class that SDMX 2.1 has; other texts as they are."""
    try:
        urn = parse_urn(text)
    except UrnSyntaxError:
        return text
    return str(urn._replace(type=class_in_21(urn.type)))


def urn_from_21(text: str) -> str:
    """Return a URN of SDMX 2.1 with the class that 3.x has; other texts as they are.

    >>> urn_from_21("urn:sdmx:org.sdmx.infomodel.registry.ContentConstraint=A:C(1.0)")
    'urn:sdmx:org.sdmx.infomodel.registry.DataConstraint=A:C(1.0)'
    """
    try:
        urn = parse_urn(text.strip())
    except UrnSyntaxError:
        return text.strip()
    return str(urn._replace(type=class_from_21(urn.type)))
