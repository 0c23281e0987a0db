"""A set of artefacts in which references resolve.

Everything that needs structures takes a `Structures`: the built-in artefact files, those pushed at run
time, or both joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from codelists.base import Maintainable
from codelists.item_scheme import Codelist, Concept, ConceptScheme
from codelists.representation import Representation
from codelists.urn import ARTEFACT_TYPES, Urn, parse_urn
from codelists.version import latest, parse_version
from dsd.code_extension import codes_meant, with_inherited_codes
from dsd.metadata_structure import MetadataStructure
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.sdmx_json import StructureMessageError, decode_structures
from dsd.structure import (
    AttributeRelationship,
    ComponentValue,
    CubeRegion,
    DataAttribute,
    DataConstraint,
    Dataflow,
    DataKey,
    DataStructure,
    Dimension,
    Measure,
    ProvisionAgreement,
    TimeDimension,
)

AnyArtefact = TypeVar("AnyArtefact", bound=Maintainable)

PACKAGE_ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds the rooms: the checkout, or site-packages."""

ARTEFACT_FOLDERS = tuple(PACKAGE_ROOT / room / "artefacts" for room in ("codelists", "dsd"))
"""The folders of the built-in artefact files."""


class UnknownArtefactError(LookupError):
    """A reference to an artefact or item that is not there."""


class Structures:
    """An immutable set of artefacts, looked up by identity."""

    def __init__(self, artefacts: Iterable[Maintainable]) -> None:
        self._by_identity: dict[tuple[str, str, str], dict[str, Maintainable]] = {}
        for artefact in artefacts:
            identity = (artefact.type_name, artefact.agency_id, artefact.id)
            self._by_identity.setdefault(identity, {})[artefact.version] = artefact

    def __iter__(self) -> Iterator[Maintainable]:
        """Iterate over all artefacts, by type in the order of `ARTEFACT_TYPES`, then by agency, id, version."""
        order = {entry.name: number for number, entry in enumerate(ARTEFACT_TYPES)}
        for identity in sorted(self._by_identity, key=lambda i: (order.get(i[0], 99), *i)):
            versions = self._by_identity[identity]
            yield from (versions[text] for text in sorted(versions, key=parse_version))

    def __len__(self) -> int:
        """Return the number of artefacts, each version counted."""
        return sum(len(versions) for versions in self._by_identity.values())

    def of_type(self, artefact_class: type[AnyArtefact]) -> Iterator[AnyArtefact]:
        """Iterate over the artefacts of one class, all versions."""
        return (artefact for artefact in self if isinstance(artefact, artefact_class))

    def versions(self, type_name: str, agency: str, id: str) -> dict[str, Maintainable]:
        """Return the versions of an artefact by version text, empty where there is none."""
        return dict(self._by_identity.get((type_name, agency, id), {}))

    def find(self, reference: str | Urn) -> Maintainable | None:
        """Return the artefact that a reference names (its newest match for `1.0+.0`), None where absent."""
        urn = (parse_urn(reference) if isinstance(reference, str) else reference).maintainable
        versions = self._by_identity.get((urn.type, urn.agency, urn.id), {})
        found = latest(urn.version, list(versions))
        return None if found is None else versions[found]

    def get(self, reference: str | Urn, artefact_class: type[AnyArtefact]) -> AnyArtefact:
        """Return the artefact of this class that a reference names.

        Raises:
            UnknownArtefactError: it is not there, or is of another class.
        """
        found = self.find(reference)
        if not isinstance(found, artefact_class):
            raise UnknownArtefactError(
                f"{reference} names no {artefact_class.__name__} that is known here"
            )
        return found

    def concept(self, reference: str) -> Concept:
        """Return the concept that a reference names.

        Raises:
            UnknownArtefactError: the scheme or the concept is not there.
        """
        urn = parse_urn(reference)
        scheme = self.get(urn, ConceptScheme)
        found = self._concepts(scheme).get(urn.item or "")
        if found is None:
            raise UnknownArtefactError(f"{reference}: {scheme.urn.short} has no concept {urn.item}")
        return found

    def _concepts(self, scheme: ConceptScheme) -> dict[str, Concept]:
        return {concept.id: concept for concept in scheme.concepts}

    @cached_property
    def _constraints(self) -> dict[Urn, dict[tuple[str, str], DataConstraint]]:
        """Constraints by target, then by their own identity: of several versions the newest counts.

        Iteration is in the order of versions, so that a later one replaces an earlier one; a draft does not
        replace what is stable.
        """
        attached: dict[Urn, dict[tuple[str, str], DataConstraint]] = {}
        for constraint in self.of_type(DataConstraint):
            if constraint.role == "Actual":
                continue
            identity = (constraint.agency_id, constraint.id)
            attachment = constraint.constraint_attachment
            for target in attachment.targets if attachment else ():
                found = self.find(target)
                urn = parse_urn(target)
                held = attached.setdefault(found.urn if found and urn.item is None else urn, {})
                if identity not in held or parse_version(constraint.version).release:
                    held[identity] = constraint
        return attached

    def constraints_on(self, urn: Urn) -> tuple[DataConstraint, ...]:
        """Return the constraints attached to exactly this artefact (or data provider), each in its newest version."""
        return tuple(self._constraints.get(urn, {}).values())

    def joined(self, others: Iterable[Maintainable]) -> Structures:
        """Return these artefacts and others; of two with one identity, that of this set stays."""
        return Structures((*others, *self))

    # -- resolution --------------------------------------------------------------------------------

    def dsd(self, reference: str | Urn) -> Dsd:
        """Return the resolved DSD of a dataflow, provision agreement or DSD.

        Constraints cascade: those on the DSD, then on the dataflow, the agreement and its provider; a code
        is allowed where each of them allows it (SDMX 3.1 Section 6, "Constraints").

        Raises:
            UnknownArtefactError: something that it refers to is not there.
        """
        found = self.find(reference)
        dataflow: Dataflow | None = None
        agreement: ProvisionAgreement | None = None
        if isinstance(found, ProvisionAgreement):
            agreement, found = found, self.get(found.dataflow or "", Dataflow)
        if isinstance(found, Dataflow):
            dataflow, found = found, self.get(found.structure or "", DataStructure)
        if not isinstance(found, DataStructure):
            raise UnknownArtefactError(
                f"{reference} names no dataflow, agreement or DSD that is known here"
            )
        constraints = self._cascade(found, dataflow, agreement)
        return Dsd(
            found,
            dataflow,
            agreement.urn if agreement else None,
            self._components(found, constraints),
            self._metadata_ids(found),
        )

    def _metadata_ids(self, structure: DataStructure) -> frozenset[str]:
        """Return the attributes on top of the metadata structure that a DSD names; none where it is not there."""
        named = self.find(structure.metadata) if structure.metadata else None
        if not isinstance(named, MetadataStructure) or named.metadata_structure_components is None:
            return frozenset()
        parts = named.metadata_structure_components
        lists = [report.metadata_attributes for report in parts.report_structures]
        if parts.metadata_attribute_list is not None:
            lists.append(parts.metadata_attribute_list.metadata_attributes)
        return frozenset(attribute.id for attributes in lists for attribute in attributes)

    def constraints_of(self, dsd: Dsd) -> list[DataConstraint]:
        """Return the constraints that count in a resolved DSD, those on the DSD first."""
        agreement = self.get(dsd.agreement, ProvisionAgreement) if dsd.agreement else None
        return self._cascade(dsd.structure, dsd.dataflow, agreement)

    def _cascade(
        self,
        structure: DataStructure,
        dataflow: Dataflow | None,
        agreement: ProvisionAgreement | None,
    ) -> list[DataConstraint]:
        found = [*self.constraints_on(structure.urn)]
        if dataflow:
            found += self.constraints_on(dataflow.urn)
        if agreement:
            found += self.constraints_on(agreement.urn)
            if agreement.data_provider:
                found += self.constraints_on(parse_urn(agreement.data_provider))
        return found

    def _components(
        self, structure: DataStructure, constraints: list[DataConstraint]
    ) -> tuple[ResolvedComponent, ...]:
        parts = structure.data_structure_components
        if parts is None:
            return ()
        dimensions = parts.dimension_list
        found: list[tuple[Role, Dimension | TimeDimension | Measure | DataAttribute]] = [
            (Role.DIMENSION, entry) for entry in dimensions.dimensions
        ]
        if dimensions.time_dimension:
            found.append((Role.TIME, dimensions.time_dimension))
        found += [
            (Role.MEASURE, entry)
            for entry in (parts.measure_list.measures if parts.measure_list else ())
        ]
        found += [
            (Role.ATTRIBUTE, entry)
            for entry in (parts.attribute_list.attributes if parts.attribute_list else ())
        ]
        return tuple(
            self._component(role, position, definition, constraints)
            for position, (role, definition) in enumerate(found)
        )

    def _component(
        self,
        role: Role,
        position: int,
        definition: Dimension | TimeDimension | Measure | DataAttribute,
        constraints: list[DataConstraint],
    ) -> ResolvedComponent:
        concept = self.concept(definition.concept_identity)
        # Local representation wins over the concept's, which wins over String (SDMX 3.1 Section 2, 5.3).
        representation = (
            definition.local_representation or concept.core_representation or Representation()
        )
        codelist = self._codelist(representation.enumeration)
        relationship: AttributeRelationship | None = None
        mandatory = role in (Role.DIMENSION, Role.TIME)
        if isinstance(definition, DataAttribute):
            relationship = definition.attribute_relationship
        if isinstance(definition, DataAttribute | Measure):
            mandatory = definition.usage == "mandatory"
        return ResolvedComponent(
            id=definition.id,
            role=role,
            position=position,
            concept=concept,
            definition=definition,
            codelist=codelist,
            text_format=representation.format or representation.enumeration_format,
            is_mandatory=mandatory,
            is_multiple=representation.is_multiple,
            relationship=relationship,
            allowed=_allowed(definition.id, codelist, constraints),
            excluded=_excluded(definition.id, constraints) if codelist is None else frozenset(),
        )

    def _codelist(self, reference: str | None) -> Codelist | None:
        """Return the code list of an enumeration, with inherited codes; the values of a value list are no codes.

        Raises:
            UnknownArtefactError: the list or one that it extends is not there.
        """
        if reference is None or parse_urn(reference).type == "ValueList":
            return None
        found = self.with_inherited_codes(self.get(reference, Codelist))
        for extension in found.codelist_extensions:
            raise UnknownArtefactError(
                f"{found.urn.short} extends {extension.codelist}, whose codes cannot be taken over"
            )
        return found

    def with_inherited_codes(self, codelist: Codelist) -> Codelist:
        """Return a code list with the codes of those that it extends; itself where it extends none."""
        if not codelist.codelist_extensions:
            return codelist
        return with_inherited_codes(codelist, self._find_codelist)

    def _find_codelist(self, reference: str) -> Codelist | None:
        found = self.find(reference)
        return found if isinstance(found, Codelist) else None


def _allowed(
    component_id: str, codelist: Codelist | None, constraints: list[DataConstraint]
) -> frozenset[str] | None:
    """Return the codes that every constraint allows, None where none speaks of the component."""
    allowed: set[str] | None = None
    for constraint in constraints:
        for region in constraint.cube_regions:
            for values, include in _stated(region, component_id, codelist):
                if codelist is None and not include:
                    # What is left cannot be counted up.
                    continue
                everything = {code.id for code in codelist.codes} if codelist else set()
                left = values if include else everything - values
                allowed = left if allowed is None else allowed & left
        in_keys = _in_keys(constraint, component_id, codelist)
        if in_keys is not None:
            allowed = in_keys if allowed is None else allowed & in_keys
    return None if allowed is None else frozenset(allowed)


def _in_keys(
    constraint: DataConstraint, component_id: str, codelist: Codelist | None
) -> set[str] | None:
    """Return the codes of a component in the keys that a constraint includes, None where it may have any.

    What keys exclude are combinations, so no code of any one component. Where there are regions, these say it.
    """
    keys = [
        key
        for key_set in constraint.data_key_sets
        if key_set.is_included
        for key in key_set.keys
        if key.include is not False
    ]
    if not keys or constraint.cube_regions:
        return None
    found: set[str] = set()
    for key in keys:
        stated = [value for value in _in_key(key, component_id) if value is not None]
        if not stated:
            return None
        for value in stated:
            found |= _meant(value, codelist)
    return found


def _in_key(key: DataKey, component_id: str) -> Iterator[str | ComponentValue | None]:
    for dimension in key.key_values:
        if dimension.id == component_id and dimension.include is not False:
            yield from dimension.values or (dimension.value,)
    for component in key.components:
        if component.id == component_id and component.include is not False:
            yield from component.values


def _excluded(component_id: str, constraints: list[DataConstraint]) -> frozenset[str]:
    """Return the values that some constraint excludes of a component without code list."""
    return frozenset(
        value
        for constraint in constraints
        for region in constraint.cube_regions
        for values, include in _stated(region, component_id, None)
        if not include
        for value in values
    )


def _stated(
    region: CubeRegion, component_id: str, codelist: Codelist | None
) -> Iterator[tuple[set[str], bool]]:
    stated = [entry for entry in (*region.key_values, *region.components) if entry.values]
    if region.include is False and len(stated) > 1:
        # It excludes combinations (SDMX 3.1 Section 6, "Cube Region"), so no code of any one component.
        return
    for entry in stated:
        if entry.id == component_id:
            values: set[str] = set()
            for value in entry.values:
                values |= _meant(value, codelist)
            # An excluding region excludes the values it includes (SDMX 3.1 Section 6, "Cube Region").
            yield values, (region.include is not False) == (entry.include is not False)


def _meant(value: str | ComponentValue, codelist: Codelist | None) -> set[str]:
    """Return the codes that a value means: with wildcards, and with the codes under it where it says so."""
    stated = ComponentValue(value=value) if isinstance(value, str) else value
    if codelist is None:
        return {stated.value}
    return codes_meant(codelist, stated.value, stated.cascade_values)


def read_artefact_files(roots: Iterable[Path] | None = None) -> Iterator[tuple[Path, Maintainable]]:
    """Yield (path, artefact) for every artefact file under the given folders (the built-in ones where None).

    Raises:
        StructureMessageError: a file is no structure message with exactly one artefact; names the file.
    """
    for folder in ARTEFACT_FOLDERS if roots is None else roots:
        for path in sorted(folder.rglob("*.json")):
            try:
                found = decode_structures(path.read_bytes()).data.all()
            except StructureMessageError as error:
                raise StructureMessageError(f"{path}: {error}") from error
            if len(found) != 1:
                raise StructureMessageError(
                    f"{path}: an artefact file holds one artefact, this one {len(found)}"
                )
            yield path, found[0]


def load_structures(roots: Iterable[Path] | None = None) -> Structures:
    """Return the artefacts of the files under the given folders (the built-in ones where None)."""
    return Structures(artefact for _, artefact in read_artefact_files(roots))
