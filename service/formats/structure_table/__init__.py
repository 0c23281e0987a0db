"""The one description of every structural artefact type; each serves the six forms.

`LAYOUTS` has the layout of every type by name, `ARTEFACTS` the place of each artefact type in a message. A new
attribute is one line here and one in the model.
"""

from __future__ import annotations

from service.formats.structure_table import (
    base,
    data,
    items,
    maps,
    metadata,
    registration,
    subscription,
    transformation,
)
from service.formats.structure_table.vocabulary import ArtefactPlace, Form, Layout

LAYOUTS: dict[str, Layout] = {
    **base.LAYOUTS,
    **items.LAYOUTS,
    **data.LAYOUTS,
    **metadata.LAYOUTS,
    **maps.LAYOUTS,
    **transformation.LAYOUTS,
    **registration.LAYOUTS,
    **subscription.LAYOUTS,
}


def _about_metadata(names: frozenset[str]) -> bool:
    """Tell whether a constraint of SDMX 2.1 that holds these elements is about metadata."""
    return bool(names & _METADATA_PARTS)


def _uses_metadataflow(names: frozenset[str]) -> bool:
    """Tell whether an agreement of SDMX 2.1 that refers to these classes is about metadata."""
    return "Metadataflow" in names


_METADATA_PARTS = frozenset(
    ("MetadataKeySet", "MetadataTargetRegion", "MetadataSet", "MetadataStructure", "Metadataflow",
     "metadataKeySets", "metadataTargetRegions", "metadataSet", "metadataStructures", "metadataflows")
)  # fmt: skip

# Of types with one place in SDMX 2.1, the special one comes first: reading takes the first that fits.
ARTEFACTS: tuple[ArtefactPlace, ...] = (
    ArtefactPlace("AgencyScheme", "AgencySchemes/AgencyScheme", ml21="OrganisationSchemes/AgencyScheme", json21="agencySchemes", versioned=False),
    ArtefactPlace("DataConsumerScheme", "DataConsumerSchemes/DataConsumerScheme", ml21="OrganisationSchemes/DataConsumerScheme", json21="dataConsumerSchemes", versioned=False),
    ArtefactPlace("DataProviderScheme", "DataProviderSchemes/DataProviderScheme", ml21="OrganisationSchemes/DataProviderScheme", json21="dataProviderSchemes", versioned=False),
    ArtefactPlace("MetadataProviderScheme", "MetadataProviderSchemes/MetadataProviderScheme", ml21=None, json21="metadataProviderSchemes", json10=None, versioned=False),
    ArtefactPlace("OrganisationUnitScheme", "OrganisationUnitSchemes/OrganisationUnitScheme", ml21="OrganisationSchemes/OrganisationUnitScheme", json21="organisationUnitSchemes"),
    ArtefactPlace("Dataflow", "Dataflows/Dataflow", json21="dataflows"),
    ArtefactPlace("Metadataflow", "Metadataflows/Metadataflow", json21="metadataflows"),
    ArtefactPlace("CategoryScheme", "CategorySchemes/CategoryScheme", json21="categorySchemes"),
    ArtefactPlace("Categorisation", "Categorisations/Categorisation", json21="categorisations"),
    ArtefactPlace("Codelist", "Codelists/Codelist", json21="codelists"),
    ArtefactPlace("GeographicCodelist", "GeographicCodelists/GeographicCodelist", ml21=None, json21="geographicCodelists", json10=None),
    ArtefactPlace("GeoGridCodelist", "GeoGridCodelists/GeoGridCodelist", ml21=None, json21="geoGridCodelists", json10=None),
    ArtefactPlace("ValueList", "ValueLists/ValueList", ml21=None, json21="valueLists", json10=None),
    ArtefactPlace("Hierarchy", "Hierarchies/Hierarchy", ml21=None, json21="hierarchies", json10=None),
    ArtefactPlace("HierarchyAssociation", "HierarchyAssociations/HierarchyAssociation", ml21=None, json21="hierarchyAssociations", json10=None),
    ArtefactPlace("HierarchicalCodelist", None, ml21="HierarchicalCodelists/HierarchicalCodelist", json10="hierarchicalCodelists"),
    ArtefactPlace("ConceptScheme", "ConceptSchemes/ConceptScheme", ml21="Concepts/ConceptScheme", json21="conceptSchemes"),
    ArtefactPlace("MetadataStructure", "MetadataStructures/MetadataStructure", json21="metadataStructures"),
    ArtefactPlace("DataStructure", "DataStructures/DataStructure", json21="dataStructures"),
    ArtefactPlace("StructureSet", None, ml21="StructureSets/StructureSet", json10="structureSets"),
    ArtefactPlace("StructureMap", "StructureMaps/StructureMap", ml21=None, json21="structureMaps", json10=None),
    ArtefactPlace("RepresentationMap", "RepresentationMaps/RepresentationMap", ml21=None, json21="representationMaps", json10=None),
    ArtefactPlace("ConceptSchemeMap", "ConceptSchemeMaps/ConceptSchemeMap", ml21=None, json21="conceptSchemeMaps", json10=None),
    ArtefactPlace("CategorySchemeMap", "CategorySchemeMaps/CategorySchemeMap", ml21=None, json21="categorySchemeMaps", json10=None),
    ArtefactPlace("OrganisationSchemeMap", "OrganisationSchemeMaps/OrganisationSchemeMap", ml21=None, json21="organisationSchemeMaps", json10=None),
    ArtefactPlace("ReportingTaxonomyMap", "ReportingTaxonomyMaps/ReportingTaxonomyMap", ml21=None, json21="reportingTaxonomyMaps", json10=None),
    ArtefactPlace("ReportingTaxonomy", "ReportingTaxonomies/ReportingTaxonomy", json21="reportingTaxonomies"),
    ArtefactPlace("Process", "Processes/Process", json21="processes"),
    ArtefactPlace("AttachmentConstraint", None, ml21="Constraints/AttachmentConstraint", json10="attachmentConstraints"),
    ArtefactPlace("MetadataConstraint", "MetadataConstraints/MetadataConstraint", ml21="Constraints/ContentConstraint", json21="metadataConstraints", json10="contentConstraints", fits=_about_metadata),
    ArtefactPlace("DataConstraint", "DataConstraints/DataConstraint", ml21="Constraints/ContentConstraint", json21="dataConstraints", json10="contentConstraints"),
    ArtefactPlace("AvailabilityConstraint", "AvailabilityConstraints/AvailabilityConstraint", ml30=None, json21="availabilityConstraints", json20=None),
    ArtefactPlace("MetadataProvisionAgreement", "MetadataProvisionAgreements/MetadataProvisionAgreement", ml21="ProvisionAgreements/ProvisionAgreement", json21="metadataProvisionAgreements", json10="provisionAgreements", fits=_uses_metadataflow),
    ArtefactPlace("ProvisionAgreement", "ProvisionAgreements/ProvisionAgreement", json21="provisionAgreements"),
    ArtefactPlace("CustomTypeScheme", "CustomTypeSchemes/CustomTypeScheme", ml21="CustomTypes/CustomTypeScheme", json21="customTypeSchemes", json10=None),
    ArtefactPlace("VtlMappingScheme", "VtlMappingSchemes/VtlMappingScheme", ml21="VtlMappings/VtlMappingScheme", json21="vtlMappingSchemes", json10=None),
    ArtefactPlace("NamePersonalisationScheme", "NamePersonalisationSchemes/NamePersonalisationScheme", ml21="NamePersonalisations/NamePersonalisationScheme", json21="namePersonalisationSchemes", json10=None),
    ArtefactPlace("RulesetScheme", "RulesetSchemes/RulesetScheme", ml21="Rulesets/RulesetScheme", json21="rulesetSchemes", json10=None),
    ArtefactPlace("TransformationScheme", "TransformationSchemes/TransformationScheme", ml21="Transformations/TransformationScheme", json21="transformationSchemes", json10=None),
    ArtefactPlace("UserDefinedOperatorScheme", "UserDefinedOperatorSchemes/UserDefinedOperatorScheme", ml21="UserDefinedOperators/UserDefinedOperatorScheme", json21="userDefinedOperatorSchemes", json10=None),
)  # fmt: skip
"""Every artefact type, in the order of the containers in SDMX-ML 2.1 (3.x has none)."""

LAYOUT_OF_CLASS = {LAYOUTS[entry.layout].model: entry for entry in ARTEFACTS}

__all__ = ["ARTEFACTS", "LAYOUTS", "LAYOUT_OF_CLASS", "ArtefactPlace", "Form", "Layout"]
