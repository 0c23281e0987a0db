"""Schemes of the validation and transformation language. SDMXStructureTransformation.xsd."""

from __future__ import annotations

from dsd.transformation import (
    CustomType,
    CustomTypeScheme,
    FromVtlMapping,
    NamePersonalisation,
    NamePersonalisationScheme,
    Ruleset,
    RulesetScheme,
    SpaceKey,
    ToVtlMapping,
    Transformation,
    TransformationScheme,
    UserDefinedOperator,
    UserDefinedOperatorScheme,
    VtlMapping,
    VtlMappingScheme,
)
from service.formats.structure_table.base import ITEM_SCHEME, NAMEABLE
from service.formats.structure_table.conversions import BOOLEAN, TEXT, TOKEN
from service.formats.structure_table.vocabulary import (
    Child,
    Children,
    Empty,
    Field,
    Layout,
    Reference,
    References,
    Scalar,
    Scalars,
)

_SCHEME = (*ITEM_SCHEME, Field("vtl_version", Scalar(TEXT), "@vtlVersion"))
_MAPPINGS = Field("vtl_mapping_scheme", Reference("VtlMappingScheme"), "str:VtlMappingScheme")
_RULESETS = Field("ruleset_schemes", References("RulesetScheme"), "str:RulesetScheme")

LAYOUTS: dict[str, Layout] = {
    "Transformation": Layout(
        Transformation,
        (
            *NAMEABLE,
            Field("is_persistent", Scalar(BOOLEAN), "@isPersistent"),
            Field("expression", Scalar(TEXT), "str:Expression"),
            Field("result", Scalar(TEXT), "str:Result"),
        ),
    ),
    "TransformationScheme": Layout(
        TransformationScheme,
        (
            *_SCHEME,
            Field("transformations", Children("Transformation"), "str:Transformation"),
            _MAPPINGS,
            Field(
                "name_personalisation_scheme",
                Reference("NamePersonalisationScheme"),
                "str:NamePersonalisationScheme",
            ),
            Field("custom_type_scheme", Reference("CustomTypeScheme"), "str:CustomTypeScheme"),
            _RULESETS,
            Field(
                "user_defined_operator_schemes",
                References("UserDefinedOperatorScheme"),
                "str:UserDefinedOperatorScheme",
            ),
        ),
    ),
    "Ruleset": Layout(
        Ruleset,
        (
            *NAMEABLE,
            Field("ruleset_type", Scalar(TEXT), "@rulesetType"),
            Field("ruleset_scope", Scalar(TEXT), "@rulesetScope"),
            Field("ruleset_definition", Scalar(TEXT), "str:RulesetDefinition"),
        ),
    ),
    "RulesetScheme": Layout(
        RulesetScheme,
        (*_SCHEME, Field("rulesets", Children("Ruleset"), "str:Ruleset"), _MAPPINGS),
    ),
    "UserDefinedOperator": Layout(
        UserDefinedOperator,
        (*NAMEABLE, Field("operator_definition", Scalar(TEXT), "str:OperatorDefinition")),
    ),
    "UserDefinedOperatorScheme": Layout(
        UserDefinedOperatorScheme,
        (
            *_SCHEME,
            Field(
                "user_defined_operators",
                Children("UserDefinedOperator"),
                "str:UserDefinedOperator",
            ),
            _MAPPINGS,
            _RULESETS,
        ),
    ),
    "CustomType": Layout(
        CustomType,
        (
            *NAMEABLE,
            Field("vtl_scalar_type", Scalar(TEXT), "str:VtlScalarType"),
            Field("data_type", Scalar(TEXT), "str:DataType"),
            Field("vtl_literal_format", Scalar(TEXT), "str:VtlLiteralFormat"),
            Field("output_format", Scalar(TEXT), "str:OutputFormat"),
            Field("null_value", Scalar(TEXT), "str:NullValue"),
        ),
    ),
    "CustomTypeScheme": Layout(
        CustomTypeScheme,
        (*_SCHEME, Field("custom_types", Children("CustomType"), "str:CustomType")),
    ),
    "NamePersonalisation": Layout(
        NamePersonalisation,
        (
            *NAMEABLE,
            Field("vtl_artefact", Scalar(TEXT), "@vtlArtefact"),
            Field("vtl_default_name", Scalar(TEXT), "str:VtlDefaultName"),
            Field("personalised_name", Scalar(TEXT), "str:PersonalisedName"),
        ),
    ),
    "NamePersonalisationScheme": Layout(
        NamePersonalisationScheme,
        (
            *_SCHEME,
            Field(
                "name_personalisations",
                Children("NamePersonalisation"),
                "str:NamePersonalisation",
            ),
        ),
    ),
    "SpaceKey": Layout(SpaceKey, (Field("keys", Scalars(TOKEN), "str:Key"),)),
    "ToVtlMapping": Layout(
        ToVtlMapping,
        (
            Field("method", Scalar(TEXT), "@method"),
            Field("to_vtl_sub_space", Child("SpaceKey"), "str:ToVtlSubSpace"),
        ),
    ),
    "FromVtlMapping": Layout(
        FromVtlMapping,
        (
            Field("method", Scalar(TEXT), "@method"),
            Field("from_vtl_super_space", Child("SpaceKey"), "str:FromVtlSuperSpace"),
        ),
    ),
    "VtlMapping": Layout(
        VtlMapping,
        (
            *NAMEABLE,
            Field("alias", Scalar(TEXT), "@alias"),
            Field("dataflow", Reference("Dataflow"), "str:Dataflow"),
            Field("generic_dataflow", Empty(), "str:GenericDataflow"),
            Field("to_vtl_mapping", Child("ToVtlMapping"), "str:ToVtlMapping"),
            Field("from_vtl_mapping", Child("FromVtlMapping"), "str:FromVtlMapping"),
            Field("codelist", Reference("Codelist"), "str:Codelist"),
            Field("concept_scheme", Reference("ConceptScheme"), None, ml21="str:ConceptScheme"),
            Field("concept", Reference("Concept"), "str:Concept"),
        ),
    ),
    "VtlMappingScheme": Layout(
        VtlMappingScheme,
        (*ITEM_SCHEME, Field("vtl_mappings", Children("VtlMapping"), "str:VtlMapping")),
    ),
}
