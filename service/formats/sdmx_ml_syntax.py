"""How each version and variant of SDMX-ML writes the parts of a data message.

SDMX 2.1 Section 3A, "Generic Data", "Structure Specific Data"; SDMX 3.0 and 3.1 Section 3, "Data and Reference
Metadata Namespaces"; the schemas at https://xml.sdmx.org/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from codelists.text import DEFAULT_LANGUAGE
from codelists.urn import Urn
from dsd.dataset import Action, SetAttributes
from service.formats.contract import NotExpressibleError
from service.formats.sdmx_ml21 import (
    ACTION_WORDS,
    attribute_text,
    element_text,
    reference,
    tag,
)
from service.formats.sdmx_ml_markup import XHTML, MarkupError, canonical
from service.formats.structure_table.vocabulary import Form

_SCHEMAS = "http://www.sdmx.org/resources/sdmxml/schemas"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True)
class MlVersion:
    """One version of SDMX-ML, as data messages have it."""

    number: str
    """`2.1`, `3.0`, `3.1`."""
    actions: Mapping[Action, str]
    has_atts: bool = True
    """True where attribute values of any partial key have an element of their own, and several values a `Comp`."""
    deletes_by_partial_key: bool = False
    """True where a deletion may leave out any dimension; elsewhere only that of the observation, for a whole series."""

    @property
    def form(self) -> Form:
        """Return the form in which it has what structures and data have in common."""
        return {"2.1": Form.ML21, "3.0": Form.ML30, "3.1": Form.ML31}[self.number]

    @property
    def name(self) -> str:
        """Return the name for people."""
        return f"SDMX-ML {self.number}"

    @property
    def base(self) -> str:
        """Return what the names of its namespaces start with."""
        return f"{_SCHEMAS}/v{self.number.replace('.', '_')}"


ML_21 = MlVersion("2.1", ACTION_WORDS, has_atts=False)
# SDMX 3.0 has no Merge either: its Append inserts and updates.
ML_30 = MlVersion("3.0", ACTION_WORDS)
ML_31 = MlVersion(
    "3.1",
    MappingProxyType({action: action.value for action in Action}),
    deletes_by_partial_key=True,
)
ML_VERSIONS = MappingProxyType({version.number: version for version in (ML_21, ML_30, ML_31)})


@dataclass(frozen=True)
class Syntax:
    """How one variant of a version writes the parts of a data set."""

    version: MlVersion
    root: str
    is_generic: bool = False
    is_time_series: bool = False

    @property
    def prefix(self) -> str:
        """Return the prefix of the elements inside a data set."""
        return "gen:" if self.is_generic else ""

    @property
    def declarations(self) -> str:
        """Return the namespaces of the message, without those of its structures."""
        base = self.version.base
        own = "gen" if self.is_generic else "ss"
        data = "data/generic" if self.is_generic else "data/structurespecific"
        spaces = {
            "mes": f"{base}/message",
            "com": f"{base}/common",
            own: f"{base}/{data}",
            "xsi": _INSTANCE,
        }
        return "".join(f' xmlns:{prefix}="{name}"' for prefix, name in spaces.items())

    def value(self, id: str, text: str) -> str:
        """Return one component value: an element, or an XML attribute with the space before it."""
        if self.is_generic:
            return f'<gen:Value id="{id}" value="{attribute_text(text)}"/>'
        return f' {id}="{attribute_text(text)}"'

    def around(self, element: str) -> tuple[str, str]:
        """Return what stands around values of a kind (`SeriesKey`): nothing in XML attributes."""
        return (f"<gen:{element}>", f"</gen:{element}>") if self.is_generic else ("", "")

    def structure_reference(self, urn: Urn) -> str:
        """Return the reference of a header to a dataflow, DSD or provision agreement."""
        if not self.version.has_atts:
            # The agreement is misspelt in the schema of 2.1.
            names = {
                "ProvisionAgreement": "com:ProvisionAgrement",
                "Dataflow": "com:StructureUsage",
            }
            return reference(names.get(urn.type, "com:Structure"), urn)
        names = {"ProvisionAgreement": "com:ProvisionAgreement", "Dataflow": "com:StructureUsage"}
        element = names.get(urn.type, "com:Structure")
        return f"<{element}>{element_text(str(urn))}</{element}>"

    def set_attributes(self, said: SetAttributes) -> dict[str, str | None]:
        """Return what a message says of a data set, as XML attributes.

        Raises:
            NotExpressibleError: a text is none that the schema takes.
        """
        prefix = "" if self.is_generic else "ss:"
        found: dict[str, str | None] = {}
        for field, (name, pattern) in _SET_ATTRIBUTES.items():
            text: str | None = getattr(said, field)
            if text is not None and not re.fullmatch(pattern, text):
                raise NotExpressibleError(
                    f"{self.version.name} takes {text!r} for no {name} of a data set; "
                    f"{_EXAMPLES[pattern]} is one"
                )
            found[f"{prefix}{name}"] = text
        return found


_ZONE = r"(Z|[+-](0\d|1[0-4]):[0-5]\d)?"
_DAY = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_MOMENT = rf"{_DAY}T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?{_ZONE}"
_ID = r"[A-Za-z0-9_@$-]+"
_YEAR = rf"\d{{4}}{_ZONE}"
# SDMX BasicTimePeriodType: years, months, days or moments.
_BASIC = rf"({_YEAR}|\d{{4}}-(0[1-9]|1[0-2]){_ZONE}|{_DAY}{_ZONE}|{_MOMENT})"
_PERIOD = rf"({_BASIC}|\d{{4}}-[ASTQMWD]\d{{1,3}}{_ZONE}|{_DAY}(T[^/]+)?/P.+)"
_EXAMPLES = {
    _ID: "SET_1",
    _MOMENT: "2026-01-31T09:00:00Z",
    _BASIC: "2026-01-31",
    _YEAR: "2026",
    _PERIOD: "2026-Q1",
}
_SET_ATTRIBUTES = MappingProxyType(
    {
        "set_id": ("setID", _ID),
        "reporting_begin": ("reportingBeginDate", _BASIC),
        "reporting_end": ("reportingEndDate", _BASIC),
        "valid_from": ("validFromDate", _MOMENT),
        "valid_to": ("validToDate", _MOMENT),
        "publication_year": ("publicationYear", _YEAR),
        "publication_period": ("publicationPeriod", _PERIOD),
    }
)

STRUCTURE_SPECIFIC_21 = Syntax(ML_21, "StructureSpecificData")
GENERIC_21 = Syntax(ML_21, "GenericData", is_generic=True)
STRUCTURE_SPECIFIC_TIME_SERIES_21 = Syntax(
    ML_21, "StructureSpecificTimeSeriesData", is_time_series=True
)
GENERIC_TIME_SERIES_21 = Syntax(
    ML_21, "GenericTimeSeriesData", is_generic=True, is_time_series=True
)
STRUCTURE_SPECIFIC_30 = Syntax(ML_30, "StructureSpecificData")
STRUCTURE_SPECIFIC_31 = Syntax(ML_31, "StructureSpecificData")


def measure_type(code: str, type_prefix: str) -> str:
    """Return the XML attribute that says which explicit measure an observation is of (SDMX 2.1).

    Raises:
        NotExpressibleError: the code cannot be the name of a type.
    """
    return f' xsi:type="{type_prefix}:{checked_type_name(code)}"'


def checked_type_name(code: str) -> str:
    """Return a code that names a type of a schema.

    Raises:
        NotExpressibleError: no XML name starts as it does, or holds what it holds.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", code):
        raise NotExpressibleError(
            f"SDMX-ML 2.1 makes a type of each explicit measure, and {code!r} can name none; "
            "leave the measures to be a dimension like others"
        )
    return code


def component_element(id: str, values: Sequence[str], type_prefix: str) -> str:
    """Return the `Comp` of a component whose values no XML attribute can hold (SDMX 3.x), given what each holds."""
    written = "".join(f"<Value>{value}</Value>" for value in values)
    names = {"id": id, "xsi:type": f"{type_prefix}:{component_type_name(id)}"}
    return tag("Comp", names, written)


def text_elements(texts: Mapping[str, str], *, is_markup: bool) -> str:
    """Return texts by language; one in English alone does not say so, as that is the default.

    Raises:
        NotExpressibleError: marked-up text that is no XHTML.
    """
    written = ""
    for language, text in texts.items():
        named = "" if texts.keys() == {DEFAULT_LANGUAGE} else f' xml:lang="{language}"'
        if is_markup:
            element = "com:StructuredText"
            named += f' xmlns="{XHTML}"'
            content = _markup_of(text)
        else:
            element, content = "com:Text", element_text(text)
        written += f"<{element}{named}>{content}</{element}>"
    return written


def _markup_of(text: str) -> str:
    try:
        return canonical(text)
    except MarkupError as error:
        raise NotExpressibleError(
            f"{text!r} is no marked-up text (XHTML): {error}; mend it, or write SDMX-CSV or SDMX-JSON"
        ) from error


def component_type_name(id: str) -> str:
    """Return the name of a component's type in the structure-specific schema, as the official samples have it."""
    return f"{id}_ATTRIBUTE"
