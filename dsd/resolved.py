"""A data structure with every reference resolved: the form that all rooms work with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from codelists.item_scheme import Code, Codelist, Concept
from codelists.representation import TextFormat
from codelists.urn import Urn
from dsd.structure import (
    AttributeRelationship,
    DataAttribute,
    Dataflow,
    DataStructure,
    Dimension,
    Measure,
    TimeDimension,
)

ANNOTATIONS = "$annotations"
"""Name of the column of annotations; no component id can be like it (SDMX NCNameIDType)."""


class Role(StrEnum):
    """What a component is in the DSD."""

    DIMENSION = "dimension"
    TIME = "time"
    MEASURE = "measure"
    ATTRIBUTE = "attribute"


@dataclass(frozen=True)
class ResolvedComponent:
    """One component with its concept, its code list and what constraints leave of it."""

    id: str
    role: Role
    position: int
    """From 0 in the order of the DSD, over all components: dimensions, time, measures, attributes."""
    concept: Concept
    definition: Dimension | TimeDimension | Measure | DataAttribute
    codelist: Codelist | None
    text_format: TextFormat | None
    is_mandatory: bool
    is_multiple: bool
    relationship: AttributeRelationship | None = None
    allowed: frozenset[str] | None = None
    """Codes (or values) that the constraints leave; None where they name none that are left."""
    excluded: frozenset[str] = frozenset()
    """Values that the constraints exclude where there is no code list of which the others would be left."""

    @cached_property
    def codes(self) -> dict[str, Code]:
        """The codes of the list by id, empty where the component is uncoded."""
        return {code.id: code for code in self.codelist.codes} if self.codelist else {}

    @cached_property
    def allowed_codes(self) -> tuple[Code, ...]:
        """The codes that may be reported, in the order of the list."""
        codes = self.codelist.codes if self.codelist else ()
        return codes if self.allowed is None else tuple(c for c in codes if c.id in self.allowed)

    def allows(self, value: str) -> bool:
        """Tell whether a value is a code of the list and within the constraints; True where uncoded."""
        if self.allowed is not None and value not in self.allowed:
            return False
        if value in self.excluded:
            return False
        return self.codelist is None or value in self.codes

    @property
    def name(self) -> str:
        """English name of the concept."""
        return self.concept.label()


@dataclass(frozen=True)
class Dsd:
    """A DSD as seen through a dataflow (and possibly a provision agreement), references resolved."""

    structure: DataStructure
    dataflow: Dataflow | None
    agreement: Urn | None
    components: tuple[ResolvedComponent, ...]
    """All components in DSD order: dimensions, TIME_PERIOD, measures, attributes."""
    metadata_ids: frozenset[str] = frozenset()
    """Attributes of the metadata structure that the DSD names, of which data messages may carry values."""
    by_id: dict[str, ResolvedComponent] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Index the components."""
        object.__setattr__(
            self, "by_id", {component.id: component for component in self.components}
        )

    def __getitem__(self, component_id: str) -> ResolvedComponent:
        """Return a component by id; KeyError where the DSD has none."""
        return self.by_id[component_id]

    def __contains__(self, component_id: object) -> bool:
        """Tell whether the DSD has this component."""
        return component_id in self.by_id

    def is_metadata(self, name: str) -> bool:
        """Tell whether a name is that of a metadata attribute, or of one nested in it: `CONTACT[].NAME`."""
        return name.partition(".")[0].partition("[")[0] in self.metadata_ids and name not in self

    def of_role(self, *roles: Role) -> tuple[ResolvedComponent, ...]:
        """Return the components of these roles in DSD order."""
        return tuple(component for component in self.components if component.role in roles)

    @cached_property
    def dimensions(self) -> tuple[ResolvedComponent, ...]:
        """The dimensions of the series key, without TIME_PERIOD."""
        return self.of_role(Role.DIMENSION)

    @cached_property
    def time_dimension(self) -> ResolvedComponent | None:
        """TIME_PERIOD, None where the DSD has none."""
        return next(iter(self.of_role(Role.TIME)), None)

    @cached_property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of all dimensions, TIME_PERIOD last: what identifies an observation."""
        return tuple(component.id for component in self.of_role(Role.DIMENSION, Role.TIME))

    @cached_property
    def series_ids(self) -> tuple[str, ...]:
        """Ids of the dimensions without TIME_PERIOD."""
        return tuple(component.id for component in self.dimensions)

    @cached_property
    def measures(self) -> tuple[ResolvedComponent, ...]:
        """The measures."""
        return self.of_role(Role.MEASURE)

    @cached_property
    def attributes(self) -> tuple[ResolvedComponent, ...]:
        """The attributes."""
        return self.of_role(Role.ATTRIBUTE)

    @cached_property
    def annotated(self) -> Dsd:
        """The same with what is noted on an observation as one more attribute of it, `$annotations`."""
        if ANNOTATIONS in self:
            return self
        relationship = AttributeRelationship(observation={})
        noted = ResolvedComponent(
            id=ANNOTATIONS,
            role=Role.ATTRIBUTE,
            position=len(self.components),
            concept=Concept(id=ANNOTATIONS),
            definition=DataAttribute(
                id=ANNOTATIONS, concept_identity="", attribute_relationship=relationship
            ),
            codelist=None,
            text_format=None,
            is_mandatory=False,
            is_multiple=False,
            relationship=relationship,
        )
        return replace(self, components=(*self.components, noted))

    @property
    def urn(self) -> Urn:
        """Identity of the dataflow, or of the DSD where it was asked for directly."""
        return self.dataflow.urn if self.dataflow else self.structure.urn
