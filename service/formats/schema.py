"""The XML schema of structure-specific data for one DSD, in SDMX-ML 2.1, 3.0 and 3.1.

SDMX 2.1 Section 3A, "Structure Specific Data"; SDMX 3.1 Section 3, "Data-Structure-Specific Schema": the schema
restricts the types of the official SDMXDataStructureSpecific.xsd, one a level of the layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from codelists.item_scheme import Concept
from dsd.localised import takes_languages
from dsd.resolved import Dsd, ResolvedComponent, Role
from dsd.structure import Group
from service.formats.columns import observation_ids
from service.formats.contract import EncodeOptions, NotExpressibleError
from service.formats.schema_types import (
    ANNOTATIONS,
    OFFICIAL_SCHEMAS,
    SCHEMA_NAMESPACE,
    XHTML_SCHEMA,
    complex_type,
    facets,
    restriction,
    union,
)
from service.formats.sdmx_ml21 import DECLARATION, tag
from service.formats.sdmx_ml_layout import (
    Layout,
    check_components,
    check_explicit_measures,
    check_time_series,
    is_structured,
)
from service.formats.sdmx_ml_markup import XHTML
from service.formats.sdmx_ml_syntax import ML_VERSIONS, checked_type_name, component_type_name

TIME_TYPE = "common:ObservationalTimePeriodType"
_ZONE = r"(Z|[+\-]\d\d:\d\d)?"
_GREGORIAN = {
    "GregorianYear": (rf"\d{{4}}{_ZONE}",),
    "GregorianYearMonth": (rf"\d{{4}}-\d\d{_ZONE}",),
    "GregorianDay": (rf"\d{{4}}-\d\d-\d\d{_ZONE}",),
}
_REPORTING = {
    "ReportingYear": (rf"\d{{4}}-A1{_ZONE}",),
    "ReportingSemester": (rf"\d{{4}}-S\d{_ZONE}",),
    "ReportingTrimester": (rf"\d{{4}}-T\d{_ZONE}",),
    "ReportingQuarter": (rf"\d{{4}}-Q\d{_ZONE}",),
    "ReportingMonth": (rf"\d{{4}}-M\d\d{_ZONE}",),
    "ReportingWeek": (rf"\d{{4}}-W\d\d{_ZONE}",),
    "ReportingDay": (rf"\d{{4}}-D\d{{3}}{_ZONE}",),
}
_DATE_TIME = (r"\d{4}-\d\d-\d\dT[^/]+",)
_ALL_GREGORIAN = tuple(pattern for patterns in _GREGORIAN.values() for pattern in patterns)
# Each restricts the type of TIME_PERIOD, whose named parts are no restrictions of it to every processor.
PERIOD_PATTERNS = {
    **_GREGORIAN,
    **_REPORTING,
    "DateTime": _DATE_TIME,
    "GregorianTimePeriod": _ALL_GREGORIAN,
    "BasicTimePeriod": (*_ALL_GREGORIAN, *_DATE_TIME),
    "ReportingTimePeriod": tuple(
        pattern for patterns in _REPORTING.values() for pattern in patterns
    ),
    "StandardTimePeriod": ("[^/]+",),
    "TimeRange": (".+/.+",),
}
_START_DAY = "REPORTING_YEAR_START_DAY"
_LEVELS = {"series": "Series", "group": "Group", "observation": "Obs"}
"""Levels whose element holds the `Comp`s of its own components, by the name of the element."""


@dataclass(frozen=True)
class _Schema:
    layout: Layout
    is_time_series: bool
    deletion: bool
    explicit_measures: Sequence[Concept] = ()

    @property
    def dsd(self) -> Dsd:
        return self.layout.dsd

    @property
    def base(self) -> str:
        """Return what the names of the official types start with."""
        return "dsd:TimeSeries" if self.is_time_series else "dsd:"

    @property
    def is_2_1(self) -> bool:
        """True where several values are one text and Atts and Comp do not exist."""
        return not self.layout.version.has_atts

    # -- values ------------------------------------------------------------------------------------

    def type_of(self, component: ResolvedComponent) -> str:
        """Return the content of the type of a component's single values."""
        if component.role is Role.TIME:
            patterns = [("xs:pattern", pattern) for pattern in _period_patterns(component)]
            return restriction(TIME_TYPE, patterns)
        if self.deletion and component.role in (Role.MEASURE, Role.ATTRIBUTE):
            # Which value stands for one that goes makes no difference.
            return restriction("xs:string", [])
        if self.is_2_1 and component.is_multiple:
            # Several values are one text, since SDMX-ML 2.1 has no other place for them.
            return restriction("xs:string", [])
        if component.codelist is not None:
            codes = (code.id for code in component.allowed_codes)
            stated = restriction("common:IDType", [("xs:enumeration", code) for code in codes])
        elif component.allowed:
            base, _ = facets(component.text_format)
            values = sorted(component.allowed - component.excluded)
            stated = restriction(base, [("xs:enumeration", value) for value in values])
        else:
            base, limits = facets(component.text_format)
            stated = restriction(base, limits)
            if base == "xs:string" and not limits:
                return stated
        return union([stated, *self._odd_values(component)])

    def _odd_values(self, component: ResolvedComponent) -> list[str]:
        """Return the types of values that say that there is none, or that none can be."""
        if component.role is Role.DIMENSION:
            switched_off = (
                self.layout.version.number == "3.1" and self.dsd.structure.evolving_structure
            )
            return [restriction("common:NotApplicableType", [])] if switched_off else []
        words = [] if self.is_2_1 else ["#N/A"]
        base, limits = facets(component.text_format) if component.codelist is None else ("", [])
        if base in ("xs:double", "xs:float") and limits:
            # NaN is within no bounds.
            words.append("NaN")
        return (
            [restriction("xs:string", [("xs:enumeration", word) for word in words])]
            if words
            else []
        )

    def value_types(self) -> list[str]:
        """Return a named type for each component; texts and a time of any period have an official one."""
        return [
            tag("xs:simpleType", {"name": _type_name(c)}, self.type_of(c))
            for c in self.layout.components
            if not (c.role is Role.TIME and not _period_patterns(c))
            and not (self.layout.is_complex(c) and _official_value_type(c))
        ]

    def component_types(self) -> list[str]:
        """Return, for each component that needs a `Comp`, its type, and one a level that they restrict."""
        found, levels = [], set()
        for component in self.layout.components:
            if not self.layout.is_complex(component):
                continue
            level = (
                "observation" if component.role is Role.MEASURE else self.layout.level_of(component)
            )
            base = f"{_LEVELS[level]}CompType" if level in _LEVELS else "dsd:CompType"
            if level in _LEVELS and level not in levels:
                levels.add(level)
                inside = _local("Value", "common:ValueType", optional=True)
                id = tag(
                    "xs:attribute", {"name": "id", "type": "common:NCNameIDType", "use": "required"}
                )
                found.append(
                    complex_type(base, "dsd:CompType", ANNOTATIONS + inside, id, abstract=True)
                )
            found += self._component_type(component, base)
        return found

    def _component_type(self, component: ResolvedComponent, base: str) -> list[str]:
        value, types = _official_value_type(component), []
        if not value:
            value = f"{component.id}_ValueType"
            simple = tag("xs:simpleType", {}, restriction(_type_name(component), []))
            content = tag("xs:restriction", {"base": "common:ValueType"}, simple)
            types = [tag("xs:complexType", {"name": value}, tag("xs:simpleContent", {}, content))]
        most = _most_values(component)
        inside = tag(
            "xs:element",
            {
                "name": "Value",
                "type": value,
                "form": "unqualified",
                "minOccurs": "0",
                "maxOccurs": most,
            },
        )
        id = tag(
            "xs:attribute",
            {"name": "id", "type": "common:NCNameIDType", "use": "required", "fixed": component.id},
        )
        name = component_type_name(component.id)
        return [*types, complex_type(name, base, ANNOTATIONS + inside, id)]

    def comp(self, *levels: str) -> str:
        """Return the element `Comp` of levels, nothing where no component of them needs it."""
        components = self.layout.attributes(*levels)
        if "observation" in levels:
            components += self.layout.measures
        if not any(self.layout.is_complex(component) for component in components):
            return ""
        name = f"{_LEVELS[levels[0]]}CompType" if len(levels) == 1 else "dsd:CompType"
        return _local("Comp", name, optional=True)

    def attribute(self, component: ResolvedComponent, use: str) -> str:
        """Return the declaration of the XML attribute of a component."""
        type = _type_name(component)
        if component.role is Role.TIME and not _period_patterns(component):
            type = TIME_TYPE
        elif self.is_2_1 and component.id == _START_DAY:
            type = "xs:gMonthDay"
        return tag("xs:attribute", {"name": component.id, "type": type, "use": use})

    def dimensions(self, ids: Iterable[str]) -> str:
        """Return the declarations of the dimensions of a key."""
        partial = self.deletion and self.layout.version.deletes_by_partial_key
        use = "optional" if partial else "required"
        return "".join(self.attribute(self.dsd[id], use) for id in ids)

    def optional(self, components: Iterable[ResolvedComponent]) -> str:
        """Return the declarations of measures or attributes; a mandatory one may lack in an update."""
        return "".join(
            self.attribute(c, "optional") for c in components if not self.layout.is_complex(c)
        )

    # -- levels ------------------------------------------------------------------------------------

    def derived(
        self, name: str, base: str, elements: str, attributes: str, *, abstract: bool = False
    ) -> str:
        """Return a type of a level; SDMX 2.1 has an attribute on each that few DSDs have, and those on one level."""
        if self.is_2_1 and not abstract and f'name="{_START_DAY}"' not in attributes:
            attributes += _prohibited(_START_DAY, "xs:gMonthDay")
        return complex_type(name, base, ANNOTATIONS + elements, attributes, abstract=abstract)

    def explicit_types(self) -> list[str]:
        """Return the type of observations and, restricting it, one a measure, by the values that its concept takes."""
        (measure,) = self.layout.measures
        codes = [("xs:enumeration", checked_type_name(c.id)) for c in self.explicit_measures]
        found = [tag("xs:simpleType", {"name": "Measure.ID"}, restriction("common:IDType", codes))]
        type = tag("xs:attribute", {"name": "type", "type": "Measure.ID", "use": "optional"})
        value = tag("xs:attribute", {"name": measure.id, "use": "optional"})
        inside = type + value + self.optional(self.layout.attributes("observation"))
        if "TIME_PERIOD" not in self.layout.at_observation:
            inside += _prohibited("TIME_PERIOD", TIME_TYPE)
        if f'name="{_START_DAY}"' not in inside:
            inside += _prohibited(_START_DAY, "xs:gMonthDay")
        found.append(complex_type("ObsType", "dsd:ObsType", ANNOTATIONS, inside, abstract=True))
        for concept in self.explicit_measures:
            core = concept.core_representation
            of_concept = (
                replace(measure, text_format=core.format) if core and core.format else measure
            )
            names = {"name": measure.id, "use": "optional"}
            value = tag("xs:attribute", names, tag("xs:simpleType", {}, self.type_of(of_concept)))
            fixed = tag(
                "xs:attribute",
                {"name": "type", "type": "Measure.ID", "use": "optional", "fixed": concept.id},
            )
            found.append(complex_type(concept.id, "ObsType", ANNOTATIONS, fixed + value))
        return found

    def observation_type(self) -> str:
        """Return the type of an observation."""
        inside = (
            self.dimensions(self.layout.at_observation)
            + self.optional(self.layout.measures)
            + self.optional(self.layout.attributes("observation"))
        )
        if "TIME_PERIOD" not in self.layout.at_observation:
            inside += _prohibited("TIME_PERIOD", TIME_TYPE)
        if not self.is_time_series:
            inside += _prohibited("type", "common:IDType")
        return self.derived("ObsType", f"{self.base}ObsType", self.comp("observation"), inside)

    def series_type(self) -> str:
        """Return the type of a series."""
        ids = self.layout.at_series
        inside = self.dimensions(ids) + self.optional(self.layout.attributes("series"))
        if not self.is_time_series and "TIME_PERIOD" not in ids:
            inside += _prohibited("TIME_PERIOD", TIME_TYPE)
        base = "dsd:TimeSeriesType" if self.is_time_series else "dsd:SeriesType"
        observations = _local("Obs", "ObsType", optional=True)
        return self.derived("SeriesType", base, self.comp("series") + observations, inside)

    def atts_type(self) -> str:
        """Return the type of attribute values of any partial key (SDMX 3.x)."""
        dimensions = "".join(self._atts_dimension(self.dsd[id]) for id in self.dsd.key_ids)
        if self.dsd.time_dimension is None:
            dimensions += _prohibited("TIME_PERIOD", TIME_TYPE)
        attributes = self.optional(self.dsd.attributes)
        comp = self.comp("atts", "series", "group", "observation")
        return self.derived("AttsType", "dsd:AttsType", comp, dimensions + attributes)

    def _atts_dimension(self, component: ResolvedComponent) -> str:
        """Return the declaration of a dimension that an attribute may not depend on: SDMX 3.1 writes `~` then."""
        evolving = self.dsd.structure.evolving_structure
        if component.role is Role.TIME or self.layout.version.number != "3.1" or evolving:
            return self.attribute(component, "optional")
        names = " ".join((_type_name(component), "common:NotApplicableType"))
        union = tag("xs:simpleType", {}, tag("xs:union", {"memberTypes": names}))
        return tag("xs:attribute", {"name": component.id, "use": "optional"}, union)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups of the DSD."""
        parts = self.dsd.structure.data_structure_components
        return parts.groups if parts else ()

    @property
    def group_element_type(self) -> str:
        """Return the type of the element `Group`: that of the one group, or one that all restrict."""
        return self.groups[0].id if len(self.groups) == 1 else "GroupType"

    def group_types(self) -> list[str]:
        """Return a type a group and, where there are several, the one that they restrict."""
        found = []
        base = "dsd:GroupType"
        if len(self.groups) > 1:
            base = "GroupType"
            names = [("xs:enumeration", group.id) for group in self.groups]
            found.append(
                tag("xs:simpleType", {"name": "Group.ID"}, restriction("common:IDType", names))
            )
            type = tag("xs:attribute", {"name": "type", "type": "Group.ID", "use": "optional"})
            any_local = tag("xs:anyAttribute", {"namespace": "##local"})
            found.append(
                self.derived(
                    "GroupType",
                    "dsd:GroupType",
                    self.comp("group"),
                    type + any_local,
                    abstract=True,
                )
            )
        return [*found, *(self._group_type(group, base) for group in self.groups)]

    def _group_type(self, group: Group, base: str) -> str:
        attributes = [
            c
            for c in self.layout.attributes("group")
            if c.relationship is not None and c.relationship.group == group.id
        ]
        id_type = "common:IDType" if base == "dsd:GroupType" else "Group.ID"
        fixed = tag(
            "xs:attribute",
            {"name": "type", "type": id_type, "use": "optional", "fixed": group.id},
        )
        has_comp = any(self.layout.is_complex(component) for component in attributes)
        inside = self.dimensions(group.group_dimensions) + self.optional(attributes)
        comp = self.comp("group") if has_comp else ""
        return self.derived(group.id, base, comp, inside + fixed)

    def dataset_type(self) -> str:
        """Return the type of the data set."""
        provider = tag(
            "xs:element",
            {
                "name": "DataProvider",
                "type": "common:DataProviderReferenceType",
                "form": "unqualified",
                "minOccurs": "0",
            },
        )
        many = self.is_2_1
        groups = (
            _local("Group", self.group_element_type, optional=many, many=many)
            if self.groups
            else ""
        )
        name = "Obs" if self.layout.is_flat else "Series"
        rows = _local(name, f"{name}Type", many=many)
        if many:
            content = groups + tag("xs:choice", {"minOccurs": "0"}, rows)
        else:
            atts = _local("Atts", "AttsType", many=False)
            content = tag(
                "xs:choice", {"minOccurs": "0", "maxOccurs": "unbounded"}, atts + groups + rows
            )
        inside = self.optional(self.layout.attributes("dataset"))
        return self.derived("DataSetType", f"{self.base}DataSetType", provider + content, inside)

    def types(self) -> list[str]:
        """Return all types, those that others restrict first."""
        found = [*self.value_types(), *self.component_types(), self.dataset_type()]
        found += self.group_types()
        found += [] if self.layout.is_flat else [self.series_type()]
        found += [] if self.is_2_1 else [self.atts_type()]
        return [
            *found,
            *(self.explicit_types() if self.explicit_measures else [self.observation_type()]),
        ]


def _official_value_type(component: ResolvedComponent) -> str:
    """Return the type of the values of a component that need elements, nothing where they need none."""
    if is_structured(component):
        return "common:StructuredTextValueType"
    return "common:TextValueType" if takes_languages(component) else ""


def _type_name(component: ResolvedComponent) -> str:
    return f"{component.id}_TYPE"


def _period_patterns(component: ResolvedComponent) -> tuple[str, ...]:
    """Return the patterns of TIME_PERIOD, nothing where it takes every period."""
    format = component.text_format
    return PERIOD_PATTERNS.get(format.data_type or "", ()) if format else ()


def _most_values(component: ResolvedComponent) -> str:
    definition = component.definition.local_representation
    stated = (
        (definition or component.concept.core_representation) if component.is_multiple else None
    )
    return str(stated.max_occurs) if stated is not None else "1"


def _prohibited(name: str, type: str) -> str:
    return tag("xs:attribute", {"name": name, "type": type, "use": "prohibited"})


def _local(name: str, type: str, *, optional: bool = False, many: bool = True) -> str:
    return tag(
        "xs:element",
        {
            "name": name,
            "type": type,
            "form": "unqualified",
            "minOccurs": "0" if optional else None,
            "maxOccurs": "unbounded" if many else None,
        },
    )


def make_schema(
    dsd: Dsd,
    version: str,
    dimension_at_observation: str = "TIME_PERIOD",
    *,
    is_time_series: bool = False,
    deletion: bool = False,
    explicit_measures: Sequence[Concept] | None = None,
    official_schemas: str | None = None,
    whole_messages: bool = False,
    xhtml_schema: str = XHTML_SCHEMA,
) -> bytes:
    """Return the XML schema of structure-specific data of a DSD, as seen through its dataflow or agreement.

    Codes are those that the constraints leave. Its target namespace is `sdmx_ml_layout.target_namespace`, and it
    imports the official schemas of its version.

    Args:
        dsd: with its constraints.
        version: of SDMX-ML: 2.1, 3.0 or 3.1.
        dimension_at_observation: TIME_PERIOD, another dimension id, or AllDimensions.
        is_time_series: for StructureSpecificTimeSeriesData, which SDMX 2.1 alone has.
        deletion: for data sets that delete: no value matters, and SDMX 3.1 requires no dimension.
        explicit_measures: the concepts of the measure dimension, where it stands at the observation and is its
            type, None where it is not; SDMX 2.1 alone has it.
        official_schemas: folder or URL of the official schemas; None for https://xml.sdmx.org/.
        whole_messages: True to import the schema of messages as well, so that this one alone validates them.
        xhtml_schema: path or URL of the schema of XHTML, imported where the DSD has marked-up text.

    Raises:
        NotExpressibleError: the dimension at the observation is not in the DSD or not the one of the layout, there
            is no such version, or it cannot hold all components of the DSD.
    """
    ml = ML_VERSIONS.get(version)
    is_explicit = explicit_measures is not None
    if ml is None or ((is_time_series or is_explicit) and ml.has_atts):
        kind = " time series" if is_time_series else ""
        raise NotExpressibleError(
            f"there is no SDMX-ML {version}{kind} structure-specific data; there is {', '.join(ML_VERSIONS)}"
            f"{', time series and explicit measures in 2.1 alone' if ml else ''}"
        )
    check_components(ml, dsd)
    ids = observation_ids(dsd, EncodeOptions(dimension_at_observation))
    if is_explicit:
        check_explicit_measures(dsd, ids)
    if is_time_series:
        check_time_series(ids)
    layout = Layout(dsd, ml, tuple(ids), dsd.components, is_explicit)
    schema = _Schema(layout, is_time_series, deletion, explicit_measures or ())
    namespace = schema.layout.namespace
    official = official_schemas or f"{OFFICIAL_SCHEMAS}/{version}"
    imported = ({f"{ml.base}/message": f"{official}/SDMXMessage.xsd"} if whole_messages else {}) | {
        f"{ml.base}/data/structurespecific": f"{official}/SDMXDataStructureSpecific.xsd",
        f"{ml.base}/common": f"{official}/SDMXCommon.xsd",
    }
    if any(layout.is_complex(c) and is_structured(c) for c in dsd.components):
        imported[XHTML] = xhtml_schema
    imports = "".join(
        tag("xs:import", {"namespace": space, "schemaLocation": place})
        for space, place in imported.items()
    )
    root = {
        "xmlns:xs": SCHEMA_NAMESPACE,
        "xmlns": namespace,
        "xmlns:dsd": f"{ml.base}/data/structurespecific",
        "xmlns:common": f"{ml.base}/common",
        "targetNamespace": namespace,
        "elementFormDefault": "qualified",
        "attributeFormDefault": "unqualified",
    }
    types = "".join(schema.types())
    return (DECLARATION + tag("xs:schema", root, imports + types) + "\n").encode()
