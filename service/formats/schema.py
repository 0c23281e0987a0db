"""The XML schema of structure-specific data for one DSD.

SDMX 2.1 Section 3A, "Structure Specific Data": the schema restricts the types of the official
SDMXDataStructureSpecific.xsd, one a level of the layout.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dsd.resolved import Dsd, ResolvedComponent, Role
from service.formats.columns import observation_ids
from service.formats.contract import EncodeOptions
from service.formats.sdmx_ml21 import BASE, DECLARATION, tag
from service.formats.sdmx_ml21_data import level_of, target_namespace

SCHEMA_NAMESPACE = "http://www.w3.org/2001/XMLSchema"

# SDMX 2.1 Section 3A, mapping of data types; whatever is not here is a string.
_XML_TYPES = {
    "BigInteger": "xs:integer",
    "Count": "xs:integer",
    "Integer": "xs:int",
    "Long": "xs:long",
    "Short": "xs:short",
    "Decimal": "xs:decimal",
    "Incremental": "xs:decimal",
    "InclusiveValueRange": "xs:decimal",
    "ExclusiveValueRange": "xs:decimal",
    "Float": "xs:float",
    "Double": "xs:double",
    "Boolean": "xs:boolean",
    "URI": "xs:anyURI",
    "DateTime": "xs:dateTime",
    "GregorianYear": "xs:gYear",
    "GregorianYearMonth": "xs:gYearMonth",
    "GregorianDay": "xs:date",
    "Time": "xs:time",
    "Duration": "xs:duration",
    "Month": "xs:gMonth",
    "MonthDay": "xs:gMonthDay",
    "Day": "xs:gDay",
    "ObservationalTimePeriod": "common:ObservationalTimePeriodType",
    "StandardTimePeriod": "common:StandardTimePeriodType",
    "BasicTimePeriod": "common:BasicTimePeriodType",
    "GregorianTimePeriod": "common:GregorianTimePeriodType",
    "ReportingTimePeriod": "common:ReportingTimePeriodType",
    "TimeRange": "common:TimeRangeType",
}
_ANNOTATIONS = tag("xs:element", {"ref": "common:Annotations", "minOccurs": "0"})
_NO_START_DAY = tag(
    "xs:attribute",
    {"name": "REPORTING_YEAR_START_DAY", "type": "xs:gMonthDay", "use": "prohibited"},
)


@dataclass(frozen=True)
class _Schema:
    dsd: Dsd
    at_observation: tuple[str, ...]
    is_time_series: bool

    @property
    def is_flat(self) -> bool:
        """True where all dimensions stand at the observation."""
        return len(self.at_observation) == len(self.dsd.key_ids) > 1

    @property
    def base(self) -> str:
        """Return what the names of the official types start with."""
        return "dsd:TimeSeries" if self.is_time_series else "dsd:"

    def attributes(self, *levels: str) -> list[ResolvedComponent]:
        """Return the attributes of these levels."""
        return [
            c for c in self.dsd.attributes if level_of(self.dsd, c, self.at_observation) in levels
        ]

    def simple_type(self, component: ResolvedComponent) -> str:
        """Return the type of a component's values as an anonymous type."""
        if component.is_multiple:
            # Several values are one text, since SDMX-ML 2.1 has no other place for them.
            return _restriction("xs:string", [])
        if component.codelist is not None:
            codes = (code.id for code in component.allowed_codes)
            return _restriction("common:IDType", [("xs:enumeration", code) for code in codes])
        if component.role is Role.TIME:
            return _restriction("common:ObservationalTimePeriodType", [])
        return _restriction(*_facets(component))

    def attribute(self, component: ResolvedComponent, *, required: bool) -> str:
        """Return the declaration of the XML attribute of a component."""
        use = "required" if required else "optional"
        names: dict[str, str | None] = {"name": component.id, "use": use}
        if component.role is Role.TIME:
            return tag("xs:attribute", names | {"type": "common:ObservationalTimePeriodType"})
        return tag("xs:attribute", names, self.simple_type(component))

    def declared(self, ids: Iterable[str]) -> str:
        """Return the declarations of dimensions."""
        return "".join(self.attribute(self.dsd[id], required=True) for id in ids)

    def optional(self, *levels: str) -> str:
        """Return the declarations of attributes; a mandatory one may lack in an update."""
        return "".join(self.attribute(c, required=False) for c in self.attributes(*levels))

    def observation_type(self) -> str:
        """Return the type of an observation."""
        measures = "".join(self.attribute(c, required=False) for c in self.dsd.measures)
        inside = self.declared(self.at_observation) + measures + self.optional("observation")
        if "TIME_PERIOD" not in self.at_observation:
            inside += _prohibited("TIME_PERIOD", "common:ObservationalTimePeriodType")
        return _complex("ObsType", f"{self.base}ObsType", _ANNOTATIONS, inside)

    def series_type(self) -> str:
        """Return the type of a series."""
        ids = [id for id in self.dsd.key_ids if id not in self.at_observation]
        observations = _local("Obs", "ObsType", optional=True)
        inside = self.declared(ids) + self.optional("series")
        if not self.is_time_series and "TIME_PERIOD" not in ids:
            inside += _prohibited("TIME_PERIOD", "common:ObservationalTimePeriodType")
        return _complex("SeriesType", f"{self.base}SeriesType".replace("SeriesSeries", "Series"),
                        _ANNOTATIONS + observations, inside)  # fmt: skip

    def group_types(self) -> list[str]:
        """Return the types of the groups: one for all, and one a group."""
        parts = self.dsd.structure.data_structure_components
        groups = parts.groups if parts else ()
        if not groups:
            return []
        names = [("xs:enumeration", group.id) for group in groups]
        ids = tag("xs:simpleType", {"name": "GroupType.ID"}, _inner("common:IDType", names))
        any_local = tag("xs:anyAttribute", {"namespace": "##local"})
        type_of_any = tag(
            "xs:attribute", {"name": "type", "type": "GroupType.ID", "use": "optional"}
        )
        found = [
            ids,
            _complex(
                "GroupType", "dsd:GroupType", _ANNOTATIONS, type_of_any + any_local, abstract=True
            ),
        ]
        for group in groups:
            fixed = tag(
                "xs:attribute",
                {"name": "type", "type": "GroupType.ID", "use": "optional", "fixed": group.id},
            )
            attributes = [
                c
                for c in self.attributes("group")
                if c.relationship is not None and c.relationship.group == group.id
            ]
            inside = self.declared(group.group_dimensions) + "".join(
                self.attribute(c, required=False) for c in attributes
            )
            found.append(_complex(group.id, "GroupType", _ANNOTATIONS, inside + fixed))
        return found

    def dataset_type(self) -> str:
        """Return the type of the dataset."""
        provider = tag(
            "xs:element",
            {
                "name": "DataProvider",
                "type": "common:DataProviderReferenceType",
                "form": "unqualified",
                "minOccurs": "0",
            },
        )
        parts = self.dsd.structure.data_structure_components
        groups = _local("Group", "GroupType", optional=True) if parts and parts.groups else ""
        rows = _local("Obs", "ObsType") if self.is_flat else _local("Series", "SeriesType")
        choice = tag("xs:choice", {"minOccurs": "0"}, rows)
        inside = self.optional("dataset")
        return _complex(
            "DataSetType",
            f"{self.base}DataSetType",
            _ANNOTATIONS + provider + groups + choice,
            inside,
        )


def _facets(component: ResolvedComponent) -> tuple[str, list[tuple[str, str]]]:
    """Return base type and facets of an uncoded component."""
    format = component.text_format
    base = _XML_TYPES.get(format.data_type or "String" if format else "String", "xs:string")
    if format is None:
        return base, []
    low, high = (
        ("xs:minExclusive", "xs:maxExclusive")
        if format.data_type == "ExclusiveValueRange"
        else ("xs:minInclusive", "xs:maxInclusive")
    )
    is_number = base.removeprefix("xs:") in (
        "integer", "int", "long", "short", "decimal", "float", "double")  # fmt: skip
    stated = [
        ("xs:minLength", format.min_length if base == "xs:string" else None),
        ("xs:maxLength", format.max_length if base == "xs:string" else None),
        (low, format.min_value if is_number else None),
        (high, format.max_value if is_number else None),
        ("xs:fractionDigits", format.decimals if base == "xs:decimal" else None),
        ("xs:pattern", format.pattern),
    ]
    return base, [(facet, _text(value)) for facet, value in stated if value is not None]


def _text(value: str | float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _inner(base: str, facets: Iterable[tuple[str, str]]) -> str:
    return tag(
        "xs:restriction",
        {"base": base},
        "".join(tag(name, {"value": value}) for name, value in facets),
    )


def _restriction(base: str, facets: Iterable[tuple[str, str]]) -> str:
    return tag("xs:simpleType", {}, _inner(base, facets))


def _prohibited(name: str, type: str) -> str:
    return tag("xs:attribute", {"name": name, "type": type, "use": "prohibited"})


def _local(name: str, type: str, *, optional: bool = False) -> str:
    return tag(
        "xs:element",
        {
            "name": name,
            "type": type,
            "form": "unqualified",
            "minOccurs": "0" if optional else None,
            "maxOccurs": "unbounded",
        },
    )


def _complex(
    name: str, base: str, elements: str, attributes: str, *, abstract: bool = False
) -> str:
    content = tag("xs:sequence", {}, elements) + attributes + ("" if abstract else _NO_START_DAY)
    restriction = tag("xs:restriction", {"base": base}, content)
    return tag(
        "xs:complexType",
        {"name": name, "abstract": "true" if abstract else None},
        tag("xs:complexContent", {}, restriction),
    )


def make_schema_ml21(
    dsd: Dsd,
    dimension_at_observation: str = "TIME_PERIOD",
    *,
    is_time_series: bool = False,
    official_schemas: str = "https://xml.sdmx.org/2.1",
) -> bytes:
    """Return the XML schema of SDMX-ML 2.1 structure-specific data for a DSD.

    Codes are those that the constraints leave. `official_schemas` is the folder or URL of the official
    schemas that it restricts; `is_time_series` is for StructureSpecificTimeSeriesData.

    Raises:
        NotExpressibleError: the dimension at the observation is not in the DSD.
    """
    ids = observation_ids(dsd, EncodeOptions(dimension_at_observation))
    schema = _Schema(dsd, tuple(ids), is_time_series)
    level = "AllDimensions" if schema.is_flat else ids[0]
    namespace = target_namespace(dsd, level)
    types = [schema.dataset_type(), *schema.group_types()]
    types += [] if schema.is_flat else [schema.series_type()]
    types.append(schema.observation_type())
    imports = "".join(
        tag(
            "xs:import",
            {"namespace": f"{BASE}/{space}", "schemaLocation": f"{official_schemas}/{file}"},
        )
        for space, file in (
            ("data/structurespecific", "SDMXDataStructureSpecific.xsd"),
            ("common", "SDMXCommon.xsd"),
        )
    )
    root = {
        "xmlns:xs": SCHEMA_NAMESPACE,
        "xmlns": namespace,
        "xmlns:dsd": f"{BASE}/data/structurespecific",
        "xmlns:common": f"{BASE}/common",
        "targetNamespace": namespace,
        "elementFormDefault": "qualified",
        "attributeFormDefault": "unqualified",
    }
    return (DECLARATION + tag("xs:schema", root, imports + "".join(types)) + "\n").encode()
