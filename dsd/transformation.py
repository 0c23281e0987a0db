"""Validation and transformation expressions. SDMX 3.1 Section 2, 12 "Validation and Transformation Language"."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from codelists.base import Nameable, Part
from codelists.item_scheme import ItemScheme


class VtlScheme(ItemScheme, frozen=True, kw_only=True):
    """A scheme of definitions in one version of the language."""

    vtl_version: str | None = None


class Transformation(Nameable, frozen=True, kw_only=True):
    """An expression and the name of its result."""

    expression: str
    result: str
    is_persistent: bool


class TransformationScheme(VtlScheme, frozen=True, kw_only=True):
    """Transformations that run together."""

    type_name: ClassVar[str] = "TransformationScheme"
    items_member: ClassVar[str] = "transformations"

    transformations: tuple[Transformation, ...] = ()
    vtl_mapping_scheme: str | None = None
    name_personalisation_scheme: str | None = None
    custom_type_scheme: str | None = None
    ruleset_schemes: tuple[str, ...] = ()
    user_defined_operator_schemes: tuple[str, ...] = ()


class Ruleset(Nameable, frozen=True, kw_only=True):
    """A set of rules for data points or hierarchies."""

    ruleset_definition: str
    ruleset_type: str
    ruleset_scope: str


class RulesetScheme(VtlScheme, frozen=True, kw_only=True):
    """A scheme of rulesets."""

    type_name: ClassVar[str] = "RulesetScheme"
    items_member: ClassVar[str] = "rulesets"

    rulesets: tuple[Ruleset, ...] = ()
    vtl_mapping_scheme: str | None = None


class UserDefinedOperator(Nameable, frozen=True, kw_only=True):
    """An operator that its user defines."""

    operator_definition: str


class UserDefinedOperatorScheme(VtlScheme, frozen=True, kw_only=True):
    """A scheme of operators."""

    type_name: ClassVar[str] = "UserDefinedOperatorScheme"
    items_member: ClassVar[str] = "user_defined_operators"

    user_defined_operators: tuple[UserDefinedOperator, ...] = ()
    vtl_mapping_scheme: str | None = None
    ruleset_schemes: tuple[str, ...] = ()


class CustomType(Nameable, frozen=True, kw_only=True):
    """How a scalar type of the language is written in SDMX."""

    vtl_scalar_type: str
    data_type: str
    vtl_literal_format: str | None = None
    output_format: str | None = None
    null_value: str | None = None


class CustomTypeScheme(VtlScheme, frozen=True, kw_only=True):
    """A scheme of custom types."""

    type_name: ClassVar[str] = "CustomTypeScheme"
    items_member: ClassVar[str] = "custom_types"

    custom_types: tuple[CustomType, ...] = ()


class NamePersonalisation(Nameable, frozen=True, kw_only=True):
    """Another name for one that the language gives."""

    vtl_default_name: str
    personalised_name: str
    vtl_artefact: str


class NamePersonalisationScheme(VtlScheme, frozen=True, kw_only=True):
    """A scheme of names."""

    type_name: ClassVar[str] = "NamePersonalisationScheme"
    items_member: ClassVar[str] = "name_personalisations"

    name_personalisations: tuple[NamePersonalisation, ...] = ()


class SpaceKey(Part, frozen=True, kw_only=True):
    """The dimensions of a part of a space."""

    keys: tuple[str, ...] = ()


class ToVtlMapping(Part, frozen=True, kw_only=True):
    """How a dataflow becomes a dataset of the language."""

    to_vtl_sub_space: SpaceKey | None = None
    method: str | None = None


class FromVtlMapping(Part, frozen=True, kw_only=True):
    """How a dataset of the language becomes a dataflow."""

    from_vtl_super_space: SpaceKey | None = None
    method: str | None = None


class VtlMapping(Nameable, frozen=True, kw_only=True):
    """The alias under which expressions know a dataflow, code list or concept: exactly one of these is set."""

    alias: str
    dataflow: str | None = None
    generic_dataflow: dict[str, Any] | None = None
    to_vtl_mapping: ToVtlMapping | None = None
    from_vtl_mapping: FromVtlMapping | None = None
    codelist: str | None = None
    concept: str | None = None
    concept_scheme: str | None = msgspec.field(default=None, name="x-conceptScheme")
    """SDMX 2.1 only."""


class VtlMappingScheme(ItemScheme, frozen=True, kw_only=True):
    """A scheme of aliases."""

    type_name: ClassVar[str] = "VtlMappingScheme"
    items_member: ClassVar[str] = "vtl_mappings"

    vtl_mappings: tuple[VtlMapping, ...] = ()
