"""What is one thing in one version of SDMX and another in the next: artefacts to artefacts, before they are written.

`down` makes artefacts such as a form can hold, `up` makes what was read such as the model has it. SDMX 3.1
Section 2, annex; SDMX 3.0 "Summary of major changes".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from codelists.base import Maintainable, replaced
from codelists.hierarchy import HierarchicalCodelist, Hierarchy
from codelists.item_scheme import (
    AgencyScheme,
    DataConsumerScheme,
    DataProviderScheme,
    GeographicCodelist,
    GeoGridCodelist,
)
from codelists.version import VersionSyntaxError, parse_version
from dsd.finding import Report
from dsd.metadata_structure import Metadataflow, MetadataProvisionAgreement, MetadataStructure
from dsd.structure import (
    AvailabilityConstraint,
    DataConstraint,
    DataStructure,
    MetadataConstraint,
    ProvisionAgreement,
)
from dsd.structure_map import ItemSchemeMap, RepresentationMap, StructureMap, StructureSet
from dsd.transformation import VtlMappingScheme
from service.formats import structure_mapping21 as to21
from service.formats import structure_mapping30 as to30
from service.formats.structure_losses import Writing
from service.formats.structure_table.vocabulary import Form
from service.formats.structure_times import in_rfc_3339

_ALWAYS_OPEN = (AgencyScheme, DataConsumerScheme, DataProviderScheme)
"""Schemes that SDMX 2.1 never has as final."""


def down(artefacts: Sequence[Maintainable], writing: Writing) -> list[Maintainable]:
    """Return the artefacts as the form can hold them.

    Raises:
        NotExpressibleError: something has no form there, and there is no report.
    """
    steps = _DOWN_21 if writing.form.is_sdmx21 else _DOWN_3
    found: list[Maintainable] = []
    for artefact in artefacts:
        writing.artefact = artefact
        made = [artefact]
        for artefact_class, step in steps:
            if isinstance(artefact, artefact_class):
                made = list(step(artefact, writing))
                break
        for entry in made:
            writing.artefact = entry
            final = _stated_finality(entry, writing) if writing.form.is_sdmx21 else entry
            if final is not None:
                named = _named(final, writing)
                found.append(named if writing.form.is_xml else in_rfc_3339(named, writing))
    return found


def _named(artefact: Maintainable, writing: Writing) -> Maintainable:
    """Return the artefact with a name, which every form requires: its id where it has none."""
    if artefact.name is not None or artefact.type_name == AvailabilityConstraint.type_name:
        return artefact
    writing.remark("it has no name, and a message requires one: its id is written")
    return replaced(artefact, name=artefact.id)


def _stated_finality(artefact: Maintainable, writing: Writing) -> Maintainable | None:
    """Return the artefact with its finality said, None where its version has no form in SDMX 2.1."""
    version = parse_version(artefact.version)
    if version.extension:
        writing.lose(f"version extensions, as in {artefact.urn.short}: the artefact")
        return None
    if isinstance(artefact, _ALWAYS_OPEN):
        return replaced(artefact, is_final=None)
    is_final = version.is_stable if artefact.is_final is None else artefact.is_final
    return replaced(artefact, is_final=is_final)


Step = Callable[[Any, Writing], Iterable[Maintainable]]

_DOWN_21: tuple[tuple[type[Maintainable], Step], ...] = (
    (DataStructure, to21.data_structure),
    (ProvisionAgreement, to21.provision_agreement),
    (MetadataProvisionAgreement, to21.metadata_provision_agreement),
    (AvailabilityConstraint, to30.actual_constraint),
    (DataConstraint, to30.content_constraint),
    (GeographicCodelist, to21.plain_codelist),
    (GeoGridCodelist, to21.plain_codelist),
    (Hierarchy, to21.hierarchical_codelist),
    (StructureMap, to21.structure_set),
    (RepresentationMap, to21.structure_set),
    (ItemSchemeMap, to21.structure_set),
    (Metadataflow, to21.metadataflow),
    (MetadataStructure, to21.metadata_structure),
    (MetadataConstraint, to21.metadata_constraint),
)

_DOWN_3: tuple[tuple[type[Maintainable], Step], ...] = (
    (HierarchicalCodelist, to30.hierarchies),
    (StructureSet, to30.maps),
    (MetadataStructure, to30.metadata_structure),
    (Metadataflow, to30.metadataflow),
    (AvailabilityConstraint, to30.availability),
    (DataConstraint, to30.data_constraint),
    (MetadataConstraint, to30.metadata_constraint),
    (DataStructure, to30.data_structure),
    (VtlMappingScheme, to30.vtl_mappings),
)


def up(
    artefacts: Sequence[Maintainable], form: Form, report: Report | None = None
) -> Sequence[Maintainable]:
    """Return what was read as the model has it."""
    return [_up(artefact, form) for artefact in artefacts]


def _up(artefact: Maintainable, form: Form) -> Maintainable:
    changes: dict[str, Any] = {}
    if form.is_sdmx21:
        changes["is_final"] = _unless_implied(artefact)
        changes |= dict(_of_21(artefact))
    if artefact.links:
        changes["links"] = tuple(
            link
            for link in artefact.links
            if not (
                link.rel == "self" and link.urn and link == type(link)(rel="self", urn=link.urn)
            )
        )
    changes = {
        member: value for member, value in changes.items() if getattr(artefact, member) != value
    }
    changes |= dict(_plain_defaults(artefact))
    return replaced(artefact, **changes) if changes else artefact


def _plain_defaults(artefact: Maintainable) -> Iterator[tuple[str, str]]:
    """Yield the members that state their default: msgspec leaves out the default itself, not what equals it."""
    for field in msgspec.structs.fields(type(artefact)):
        default = field.default
        if isinstance(default, str):
            value = getattr(artefact, field.name)
            if value == default and value is not default:
                yield field.name, default


def _unless_implied(artefact: Maintainable) -> bool | None:
    """Return the finality that a message of SDMX 2.1 states (absent: not final), None where the version implies it."""
    if isinstance(artefact, _ALWAYS_OPEN):
        return None
    stated = bool(artefact.is_final)
    try:
        implied = parse_version(artefact.version).is_stable
    except VersionSyntaxError:
        implied = False
    return None if stated == implied else stated


def _of_21(artefact: Maintainable) -> Iterator[tuple[str, Any]]:
    """Yield the members that the model has otherwise than SDMX 2.1."""
    if isinstance(artefact, DataStructure):
        yield "data_structure_components", to21.components_read(artefact)
    elif isinstance(artefact, MetadataProvisionAgreement):
        yield "metadata_provider", to21.as_metadata_provider(artefact.metadata_provider)
    elif isinstance(artefact, MetadataConstraint):
        yield "constraint_attachment", to21.metadata_attachment_read(artefact)
