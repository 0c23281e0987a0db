"""Metadata structures as seen through a metadataflow or an agreement on one, references resolved.

SDMX 3.1 Section 2, 7 "Metadata Structure Definition and Metadata Set"; Section 6, "Constraints".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from codelists.base import Maintainable
from codelists.item_scheme import Code, Codelist, Concept, ValueList
from codelists.representation import Representation, TextFormat
from codelists.urn import Urn, parse_urn
from codelists.version import parse_version
from dsd.code_extension import codes_meant
from dsd.metadata_structure import (
    MetadataAttribute,
    Metadataflow,
    MetadataProvisionAgreement,
    MetadataStructure,
    MetadataTarget,
)
from dsd.structure import ComponentValue, MetadataConstraint, MetadataTargetRegion, ValueSet
from dsd.structures import Structures, UnknownArtefactError


@dataclass(frozen=True)
class ResolvedMetadataAttribute:
    """One attribute of a report with its concept, its enumeration and what constraints leave of it."""

    definition: MetadataAttribute
    path: tuple[str, ...]
    """Its id after those of the attributes that it is nested in."""
    concept: Concept
    codelist: Codelist | None
    text_format: TextFormat | None
    allowed: frozenset[str] | None
    """Codes (or values) that the constraints leave; None where they name none that are left."""
    values: tuple[str, ...] | None
    """The values of a value list; None where it has none."""
    attributes: tuple[ResolvedMetadataAttribute, ...]

    @property
    def id(self) -> str:
        """Its id, which is its own among those beside it."""
        return self.definition.id

    @property
    def min_occurs(self) -> int:
        """How often it must be reported in what it is nested in; once where nothing is said."""
        return 1 if self.definition.min_occurs is None else self.definition.min_occurs

    @property
    def max_occurs(self) -> int | Literal["unbounded"]:
        """How often it may be reported; once where nothing is said."""
        return 1 if self.definition.max_occurs is None else self.definition.max_occurs

    @property
    def has_value(self) -> bool:
        """False where it only holds others."""
        return not self.definition.is_presentational

    @cached_property
    def allowed_codes(self) -> tuple[Code, ...]:
        """The codes that may be reported, in the order of the list."""
        codes = self.codelist.codes if self.codelist else ()
        return codes if self.allowed is None else tuple(c for c in codes if c.id in self.allowed)

    @property
    def enumeration(self) -> tuple[str, ...] | None:
        """Every value that may be reported; None where there are too many to list."""
        if self.codelist is not None:
            return tuple(code.id for code in self.allowed_codes)
        if self.values is not None:
            return tuple(v for v in self.values if self.allowed is None or v in self.allowed)
        return None if self.allowed is None else tuple(sorted(self.allowed))

    def within(self) -> Iterator[ResolvedMetadataAttribute]:
        """Yield it and all that are nested in it."""
        yield self
        for attribute in self.attributes:
            yield from attribute.within()


@dataclass(frozen=True)
class ResolvedReport:
    """A report of SDMX 2.1: attributes, and what it may be about."""

    id: str
    attributes: tuple[ResolvedMetadataAttribute, ...]
    targets: tuple[MetadataTarget, ...]


@dataclass(frozen=True)
class Msd:
    """A metadata structure as seen through a metadataflow, and possibly an agreement."""

    structure: MetadataStructure
    metadataflow: Metadataflow | None
    agreement: MetadataProvisionAgreement | None
    attributes: tuple[ResolvedMetadataAttribute, ...]
    """Of SDMX 3.x: those of all reports where the structure has these, as SDMX 2.1 does."""
    reports: tuple[ResolvedReport, ...]
    """Empty where the structure has none."""
    constraints: tuple[MetadataConstraint, ...]
    """Those that count, those on the structure first."""

    @property
    def urn(self) -> Urn:
        """Identity of what it was asked for by."""
        return (self.agreement or self.metadataflow or self.structure).urn

    @property
    def targets(self) -> tuple[str, ...]:
        """URNs, possibly with wildcards, of what is reported on; empty for anything."""
        for artefact in (self.agreement, self.metadataflow):
            if artefact is not None and artefact.targets:
                return artefact.targets
        return ()

    @cached_property
    def components(self) -> tuple[ResolvedMetadataAttribute, ...]:
        """All attributes, nested ones after those that they are nested in."""
        return tuple(entry for attribute in self.attributes for entry in attribute.within())


def resolve_metadata_structure(structures: Structures, reference: str | Urn) -> Msd:
    """Return the resolved metadata structure of a metadataflow, an agreement on one, or by itself.

    Constraints cascade: those on the structure, then on the metadataflow, the agreement and its provider.

    Raises:
        UnknownArtefactError: something that it refers to is not there.
    """
    found = structures.find(reference)
    flow: Metadataflow | None = None
    agreement: MetadataProvisionAgreement | None = None
    if isinstance(found, MetadataProvisionAgreement):
        agreement, found = found, structures.get(found.metadataflow or "", Metadataflow)
    if isinstance(found, Metadataflow):
        flow, found = found, structures.get(found.structure or "", MetadataStructure)
    if not isinstance(found, MetadataStructure):
        raise UnknownArtefactError(
            f"{reference} names no metadataflow, agreement or metadata structure that is known here"
        )
    constraints = tuple(_cascade(structures, found, flow, agreement))
    parts = found.metadata_structure_components
    resolving = _Resolving(structures, constraints)
    targets = {target.id: target for target in parts.metadata_targets} if parts else {}
    reports = tuple(
        ResolvedReport(
            report.id,
            resolving.attributes(report.metadata_attributes),
            tuple(targets[id] for id in report.metadata_targets if id in targets),
        )
        for report in (parts.report_structures if parts else ())
    )
    listed = parts.metadata_attribute_list if parts else None
    of_reports = {entry.id: entry for report in reports for entry in report.attributes}
    attributes = (
        resolving.attributes(listed.metadata_attributes) if listed else tuple(of_reports.values())
    )
    return Msd(found, flow, agreement, attributes, reports, constraints)


def _cascade(
    structures: Structures,
    structure: MetadataStructure,
    flow: Metadataflow | None,
    agreement: MetadataProvisionAgreement | None,
) -> Iterator[MetadataConstraint]:
    """Yield the constraints that count, each in its newest version; a draft does not replace what is stable."""
    places: tuple[Maintainable | None, ...] = (structure, flow, agreement)
    counted = [artefact.urn for artefact in places if artefact is not None]
    if agreement is not None and agreement.metadata_provider:
        counted.append(parse_urn(agreement.metadata_provider))
    for place in counted:
        held: dict[tuple[str, str], MetadataConstraint] = {}
        for constraint in structures.of_type(MetadataConstraint):
            if constraint.role == "Actual" or not _is_on(structures, constraint, place):
                continue
            identity = (constraint.agency_id, constraint.id)
            if identity not in held or parse_version(constraint.version).release:
                held[identity] = constraint
        yield from held.values()


def _is_on(structures: Structures, constraint: MetadataConstraint, place: Urn) -> bool:
    attached = constraint.constraint_attachment
    if attached is None:
        return False
    named = (
        *attached.metadata_structures,
        *attached.metadataflows,
        *attached.metadata_provision_agreements,
        *filter(None, (attached.metadata_provider,)),
    )
    for text in named:
        urn = parse_urn(text)
        if urn == place:
            return True
        found = structures.find(urn) if urn.item is None and place.item is None else None
        if found is not None and found.urn == place:
            return True
    return False


@dataclass(frozen=True)
class _Resolving:
    """Resolves attributes under constraints."""

    structures: Structures
    constraints: Sequence[MetadataConstraint]

    def attributes(
        self, definitions: Iterable[MetadataAttribute], above: tuple[str, ...] = ()
    ) -> tuple[ResolvedMetadataAttribute, ...]:
        """Return the attributes with those nested in them."""
        return tuple(self._attribute(definition, above) for definition in definitions)

    def _attribute(
        self, definition: MetadataAttribute, above: tuple[str, ...]
    ) -> ResolvedMetadataAttribute:
        path = (*above, definition.id)
        concept = self.structures.concept(definition.concept_identity)
        # Local representation wins over the concept's, which wins over String (SDMX 3.1 Section 2, 5.3).
        representation = (
            definition.local_representation or concept.core_representation or Representation()
        )
        codelist, values = self._enumeration(representation.enumeration)
        return ResolvedMetadataAttribute(
            definition,
            path,
            concept,
            codelist,
            representation.format or representation.enumeration_format,
            self._allowed(path, codelist, values),
            values,
            self.attributes(definition.metadata_attributes, path),
        )

    def _enumeration(self, reference: str | None) -> tuple[Codelist | None, tuple[str, ...] | None]:
        if reference is None:
            return None, None
        if parse_urn(reference).type == "ValueList":
            listed = self.structures.get(reference, ValueList)
            return None, tuple(entry.id for entry in listed.value_items)
        return self.structures.with_inherited_codes(self.structures.get(reference, Codelist)), None

    def _allowed(
        self, path: tuple[str, ...], codelist: Codelist | None, values: tuple[str, ...] | None
    ) -> frozenset[str] | None:
        """Return the values that every constraint allows, None where none speaks of the attribute."""
        everything = frozenset(code.id for code in codelist.codes) if codelist else values
        allowed: frozenset[str] | None = None
        for constraint in self.constraints:
            for region in constraint.metadata_target_regions:
                for stated, include in _stated(region, path, codelist):
                    if not include and everything is None:
                        # What is left cannot be counted up.
                        continue
                    left = stated if include else frozenset(everything or ()) - stated
                    allowed = left if allowed is None else allowed & left
        return allowed


def _stated(
    region: MetadataTargetRegion, path: tuple[str, ...], codelist: Codelist | None
) -> Iterator[tuple[frozenset[str], bool]]:
    """Yield the values that a region states of an attribute, and whether it includes them."""
    stated = [entry for entry in region.components if entry.values]
    if region.include is False and len(stated) > 1:
        # It excludes combinations, so no value of any one attribute.
        return
    for entry in stated:
        if entry.id in (path[-1], ".".join(path)):
            # An excluding region excludes the values it includes (SDMX 3.1 Section 6, "Cube Region").
            is_included = (region.include is not False) == (entry.include is not False)
            yield _values(entry, codelist), is_included


def _values(entry: ValueSet, codelist: Codelist | None) -> frozenset[str]:
    found: set[str] = set()
    for value in entry.values:
        stated = ComponentValue(value=value) if isinstance(value, str) else value
        if codelist is None:
            found.add(stated.value)
        else:
            found |= codes_meant(codelist, stated.value, stated.cascade_values)
    return frozenset(found)
