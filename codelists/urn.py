"""The identity of SDMX artefacts: URNs and the table of artefact types.

SDMX 3.1 Section 5, "Universal Resource Name"; SDMX-REST 2.2.2, doc/structures.md.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_URN = re.compile(
    r"urn:sdmx:org\.sdmx\.infomodel\.(?P<package>[a-z]+)\.(?P<type>[A-Za-z]+)="
    r"(?P<agency>[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)*):(?P<id>[\w@$-]+)"
    r"(?:\((?P<version>[^()]+)\))?(?:\.(?P<item>[\w@$.-]+))?",
    re.ASCII,
)


class UrnSyntaxError(ValueError):
    """A text that is no SDMX URN."""


class ArtefactType(NamedTuple):
    """One type of maintainable artefact and the names under which each format knows it."""

    name: str
    """Class in the information model, as in a URN: `Codelist`."""
    package: str
    """Package in a URN: `codelist`."""
    resource: str
    """Resource in a REST path and folder of the artefact files: `codelist`."""
    collection: str
    """Member of `data` in an SDMX-JSON structure message: `codelists`."""
    item: str | None = None
    """Class of the items in a URN: `Code`; None where there are no items."""
    room: str = "dsd"
    """The room whose `artefacts` folder holds files of this type."""
    fixed_version: bool = False
    """True for the organisation schemes, whose version is always 1.0 and is left out of file names' meaning."""


ARTEFACT_TYPES: tuple[ArtefactType, ...] = (
    ArtefactType("AgencyScheme", "base", "agencyscheme", "agencySchemes", "Agency", "codelists", True),
    ArtefactType("DataProviderScheme", "base", "dataproviderscheme", "dataProviderSchemes", "DataProvider", "codelists", True),
    ArtefactType("DataConsumerScheme", "base", "dataconsumerscheme", "dataConsumerSchemes", "DataConsumer", "codelists", True),
    ArtefactType("MetadataProviderScheme", "base", "metadataproviderscheme", "metadataProviderSchemes", "MetadataProvider", "codelists", True),
    ArtefactType("OrganisationUnitScheme", "base", "organisationunitscheme", "organisationUnitSchemes", "OrganisationUnit", "codelists", True),
    ArtefactType("Codelist", "codelist", "codelist", "codelists", "Code", "codelists"),
    ArtefactType("ValueList", "codelist", "valuelist", "valueLists", None, "codelists"),
    ArtefactType("Hierarchy", "codelist", "hierarchy", "hierarchies", "HierarchicalCode", "codelists"),
    ArtefactType("HierarchyAssociation", "codelist", "hierarchyassociation", "hierarchyAssociations", None, "codelists"),
    ArtefactType("ConceptScheme", "conceptscheme", "conceptscheme", "conceptSchemes", "Concept", "codelists"),
    ArtefactType("CategoryScheme", "categoryscheme", "categoryscheme", "categorySchemes", "Category", "codelists"),
    ArtefactType("ReportingTaxonomy", "categoryscheme", "reportingtaxonomy", "reportingTaxonomies", "ReportingCategory", "codelists"),
    ArtefactType("MetadataStructure", "metadatastructure", "metadatastructure", "metadataStructures", "MetadataAttribute"),
    ArtefactType("DataStructure", "datastructure", "datastructure", "dataStructures"),
    ArtefactType("Dataflow", "datastructure", "dataflow", "dataflows"),
    ArtefactType("Metadataflow", "metadatastructure", "metadataflow", "metadataflows"),
    ArtefactType("ProvisionAgreement", "registry", "provisionagreement", "provisionAgreements"),
    ArtefactType("MetadataProvisionAgreement", "registry", "metadataprovisionagreement", "metadataProvisionAgreements"),
    ArtefactType("DataConstraint", "registry", "dataconstraint", "dataConstraints"),
    ArtefactType("MetadataConstraint", "registry", "metadataconstraint", "metadataConstraints"),
    ArtefactType("StructureMap", "structuremapping", "structuremap", "structureMaps", "ComponentMap"),
    ArtefactType("RepresentationMap", "structuremapping", "representationmap", "representationMaps"),
    ArtefactType("ConceptSchemeMap", "structuremapping", "conceptschememap", "conceptSchemeMaps"),
    ArtefactType("CategorySchemeMap", "structuremapping", "categoryschememap", "categorySchemeMaps"),
    ArtefactType("OrganisationSchemeMap", "structuremapping", "organisationschememap", "organisationSchemeMaps"),
    ArtefactType("ReportingTaxonomyMap", "structuremapping", "reportingtaxonomymap", "reportingTaxonomyMaps"),
    ArtefactType("Process", "process", "process", "processes", "ProcessStep"),
    ArtefactType("TransformationScheme", "transformation", "transformationscheme", "transformationSchemes", "Transformation"),
    ArtefactType("RulesetScheme", "transformation", "rulesetscheme", "rulesetSchemes", "Ruleset"),
    ArtefactType("UserDefinedOperatorScheme", "transformation", "userdefinedoperatorscheme", "userDefinedOperatorSchemes", "UserDefinedOperator"),
    ArtefactType("CustomTypeScheme", "transformation", "customtypescheme", "customTypeSchemes", "CustomType"),
    ArtefactType("NamePersonalisationScheme", "transformation", "namepersonalisationscheme", "namePersonalisationSchemes", "NamePersonalisation"),
    ArtefactType("VtlMappingScheme", "transformation", "vtlmappingscheme", "vtlMappingSchemes", "VtlMapping"),
    ArtefactType("Categorisation", "categoryscheme", "categorisation", "categorisations"),
)  # fmt: skip
"""The types of SDMX 3.1, in the order in which messages list them."""

LEGACY_TYPES: tuple[ArtefactType, ...] = (
    ArtefactType("HierarchicalCodelist", "codelist", "hierarchicalcodelist", "x-hierarchicalCodelists"),
    ArtefactType("StructureSet", "mapping", "structureset", "x-structureSets"),
    ArtefactType("AttachmentConstraint", "registry", "attachmentconstraint", "x-attachmentConstraints"),
)  # fmt: skip
"""The types of SDMX 2.1 that 3.x split into others or gave up; SDMX-JSON 2.x has them as extension members."""

TYPE_OF_NAME = {entry.name: entry for entry in (*ARTEFACT_TYPES, *LEGACY_TYPES)}
TYPE_OF_RESOURCE = {entry.resource: entry for entry in ARTEFACT_TYPES}

_PARTS: dict[str, tuple[str, ...]] = {
    "Hierarchy": ("Level",),
    "DataStructure": (
        "AttributeDescriptor", "DataAttribute", "Attribute", "ReportingYearStartDay", "Dimension", "DimensionDescriptor",
        "GroupDimensionDescriptor", "Measure", "MeasureDescriptor", "MeasureDimension", "PrimaryMeasure",
        "TimeDimension",
    ),
    "MetadataStructure": ("MetadataAttributeDescriptor", "MetadataTarget", "ReportStructure", "IdentifiableObjectTarget"),
    "StructureMap": ("EpochMap", "DatePatternMap", "FrequencyFormatMapping"),
    "Process": ("Transition",),
    "StructureSet": ("CodelistMap", "HybridCodelistMap"),
    "VtlMappingScheme": ("VtlCodelistMapping", "VtlConceptMapping", "VtlDataflowMapping"),
}  # fmt: skip
"""Classes of things with a URN inside an artefact, beside its items."""

_PARENT_OF_CLASS = {
    **{entry.item: entry for entry in ARTEFACT_TYPES if entry.item},
    **{part: TYPE_OF_NAME[name] for name, parts in _PARTS.items() for part in parts},
}
_PACKAGE_OF_NAME = {
    **{name: entry.package for name, entry in _PARENT_OF_CLASS.items()},
    **{entry.name: entry.package for entry in TYPE_OF_NAME.values()},
    "ContentConstraint": "registry",
}


class Urn(NamedTuple):
    """What a URN says: the identity of an artefact or of one item in it."""

    type: str
    """Class: `Codelist`, or that of an item: `Code`."""
    agency: str
    id: str
    version: str
    """As written, so possibly a reference such as `1.0+.0`."""
    item: str | None = None
    """Id path of an item (`AGE.Y15`), None for the artefact itself."""

    def __str__(self) -> str:
        """Return the URN text."""
        package = _PACKAGE_OF_NAME.get(self.type, "base")
        text = f"urn:sdmx:org.sdmx.infomodel.{package}.{self.type}={self.agency}:{self.id}({self.version})"
        return f"{text}.{self.item}" if self.item else text

    @property
    def short(self) -> str:
        """Return `AGENCY:ID(VERSION)`, as SDMX-CSV writes an identity."""
        return f"{self.agency}:{self.id}({self.version})"

    @property
    def maintainable(self) -> Urn:
        """Return the identity of the artefact that holds this item; itself where it is no item."""
        if self.item is None:
            return self
        parent = _PARENT_OF_CLASS.get(self.type)
        return Urn(parent.name if parent else self.type, self.agency, self.id, self.version)


def item_class_of(scheme_class: str) -> str:
    """Return the class of the items in schemes of a class; the class itself where they have none.

    >>> item_class_of("ConceptScheme")
    'Concept'
    """
    known = TYPE_OF_NAME.get(scheme_class)
    return known.item if known and known.item else scheme_class


@lru_cache(maxsize=65536)
def parse_urn(text: str) -> Urn:
    """Return the identity that a URN writes; a URN without version means 1.0 (SDMX 3.1 Section 5).

    Raises:
        UrnSyntaxError: `text` is no SDMX URN.

    >>> parse_urn("urn:sdmx:org.sdmx.infomodel.codelist.Code=ILMS:CL_SEX(1.0.0).SEX_F").item
    'SEX_F'
    """
    match = _URN.fullmatch(text)
    if match is None:
        raise UrnSyntaxError(
            f"{text!r} is no SDMX URN; write urn:sdmx:org.sdmx.infomodel.PACKAGE.CLASS=AGENCY:ID(VERSION)[.ITEM]"
        )
    return Urn(
        match["type"], match["agency"], match["id"], match["version"] or "1.0", match["item"]
    )
