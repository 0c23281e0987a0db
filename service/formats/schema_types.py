"""What all generated XML schemas have: where the official ones are, data types with their facets, types that restrict others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from codelists.representation import TextFormat
from service.formats.sdmx_ml21 import tag

SCHEMA_NAMESPACE = "http://www.w3.org/2001/XMLSchema"
OFFICIAL_SCHEMAS = "https://xml.sdmx.org"
XHTML_SCHEMA = "https://www.w3.org/MarkUp/SCHEMA/xhtml11.xsd"
"""The schema of marked-up text, without which no processor takes any (SDMX 3.1 Section 3, "XHTMLType")."""

# SDMX 3.1 Section 3, "Representation with Simple Text Format"; whatever is not here is a string.
_XML_TYPES = {
    "Alpha": "common:AlphaType",
    "AlphaNumeric": "common:AlphaNumericType",
    "Numeric": "common:NumericType",
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
    "ReportingYear": "common:ReportingYearType",
    "ReportingSemester": "common:ReportingSemesterType",
    "ReportingTrimester": "common:ReportingTrimesterType",
    "ReportingQuarter": "common:ReportingQuarterType",
    "ReportingMonth": "common:ReportingMonthType",
    "ReportingWeek": "common:ReportingWeekType",
    "ReportingDay": "common:ReportingDayType",
    "TimeRange": "common:TimeRangeType",
}
_NUMBERS = frozenset(
    f"xs:{name}" for name in ("integer", "int", "long", "short", "decimal", "float", "double")
)
ANNOTATIONS = tag("xs:element", {"ref": "common:Annotations", "minOccurs": "0"})


def facets(format: TextFormat | None) -> tuple[str, list[tuple[str, str]]]:
    """Return base type and facets of values without an enumeration."""
    base = _XML_TYPES.get(format.data_type or "String" if format else "String", "xs:string")
    if format is None:
        return base, []
    low, high = (
        ("xs:minExclusive", "xs:maxExclusive")
        if format.data_type == "ExclusiveValueRange"
        else ("xs:minInclusive", "xs:maxInclusive")
    )
    is_number = base in _NUMBERS
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


def restriction(base: str, facets: Iterable[tuple[str, str]]) -> str:
    """Return the content of a simple type that restricts another."""
    written = "".join(tag(name, {"value": value}) for name, value in facets)
    return tag("xs:restriction", {"base": base}, written)


def union(members: Sequence[str]) -> str:
    """Return the content of a simple type whose values are those of any of these contents."""
    if len(members) == 1:
        return members[0]
    return tag("xs:union", {}, "".join(tag("xs:simpleType", {}, member) for member in members))


def complex_type(
    name: str, base: str, elements: str, attributes: str, *, abstract: bool = False
) -> str:
    """Return a complex type that restricts another."""
    content = tag("xs:sequence", {}, elements) + attributes
    restriction = tag("xs:restriction", {"base": base}, content)
    return tag(
        "xs:complexType",
        {"name": name, "abstract": "true" if abstract else None},
        tag("xs:complexContent", {}, restriction),
    )
