"""The words of each version of SDMX-ML data: namespaces, roots, elements and where they may stand.

SDMX-ML 2.0 (2005), SDMX 2.1 Section 3A, SDMX 3.0 and 3.1 Section 3; the schemas at https://xml.sdmx.org.
"""

from __future__ import annotations

from dataclasses import dataclass

from dsd.dataset import Action
from service.formats.structure_table.vocabulary import Form

XSI_TYPE = "http://www.w3.org/2001/XMLSchema-instance type"
"""An XML attribute's name as the parser gives it: namespace, space, local name."""
IGNORED_NAMESPACES = (
    "http://www.w3.org/2001/XMLSchema-instance ",
    "http://www.w3.org/XML/1998/namespace ",
)


@dataclass(frozen=True)
class Vocabulary:
    """One kind of data message."""

    version: str
    root: str
    message_namespace: str
    data_namespace: str | None
    """That of the elements inside a data set: "" for none, None for that of the structure, whatever it is."""
    is_generic: bool
    id_word: str = "id"
    """XML attribute that names the component of a generic value."""
    separator: str | None = None
    """What separates several values in one XML attribute."""
    actions: frozenset[Action] = frozenset(Action)
    deletes_patterns: bool = True
    """A data set that deletes may leave dimensions open."""

    @property
    def form(self) -> Form:
        """Return the form in which it has what structures and data have in common."""
        return {"3.0": Form.ML30, "3.1": Form.ML31}.get(self.version, Form.ML21)

    @property
    def title(self) -> str:
        """Return how people name it."""
        return f"SDMX-ML {self.version} {self.root}"


BASE_20 = "http://www.SDMX.org/resources/SDMXML/schemas/v2_0"
_BASE = "http://www.sdmx.org/resources/sdmxml/schemas"
_UNTIL_30 = frozenset(Action) - {Action.MERGE}


def _version_21(root: str, data: str, *, is_generic: bool) -> Vocabulary:
    # SDMX 2.1 has no element for several values: as its DSD writes them, they are joined by `;`.
    base = f"{_BASE}/v2_1"
    return Vocabulary(
        "2.1",
        root,
        f"{base}/message",
        f"{base}/{data}" if data else "",
        is_generic,
        separator=";",
        actions=_UNTIL_30,
        deletes_patterns=False,
    )


VOCABULARIES: tuple[Vocabulary, ...] = (
    _version_21("GenericData", "data/generic", is_generic=True),
    _version_21("GenericTimeSeriesData", "data/generic", is_generic=True),
    _version_21("StructureSpecificData", "", is_generic=False),
    _version_21("StructureSpecificTimeSeriesData", "", is_generic=False),
    Vocabulary(
        "3.0",
        "StructureSpecificData",
        f"{_BASE}/v3_0/message",
        "",
        is_generic=False,
        actions=_UNTIL_30,
        deletes_patterns=False,
    ),
    Vocabulary("3.1", "StructureSpecificData", f"{_BASE}/v3_1/message", "", is_generic=False),
    Vocabulary(
        "2.0",
        "GenericData",
        f"{BASE_20}/message",
        f"{BASE_20}/generic",
        is_generic=True,
        id_word="concept",
        separator=";",
        actions=_UNTIL_30,
        deletes_patterns=False,
    ),
    Vocabulary(
        "2.0",
        "CompactData",
        f"{BASE_20}/message",
        None,
        is_generic=False,
        separator=";",
        actions=_UNTIL_30,
        deletes_patterns=False,
    ),
)

CHILDREN: dict[str, frozenset[str]] = {
    "DataSet": frozenset(
        ("Annotations", "KeyFamilyRef", "Attributes", "Group", "Series", "Obs", "Atts")
    ),
    "Group": frozenset(("Annotations", "GroupKey", "Attributes", "Series", "Comp")),
    "Series": frozenset(("Annotations", "SeriesKey", "Attributes", "Obs", "Comp")),
    "Obs": frozenset(
        ("Annotations", "ObsKey", "ObsDimension", "Time", "ObsValue", "Attributes", "Comp")
    ),
    "Atts": frozenset(("Annotations", "Comp")),
    "SeriesKey": frozenset(("Value",)),
    "GroupKey": frozenset(("Value",)),
    "ObsKey": frozenset(("Value",)),
    "Attributes": frozenset(("Value",)),
    "Comp": frozenset(("Value",)),
    "Value": frozenset(("Text", "StructuredText")),
}
"""Elements inside a data set, by parent: those of all versions, for no name has two meanings."""

SCOPES = frozenset(("DataStructure", "ConstrainedDataStructure", "Dataflow", "ProvisionAgreement"))
"""What `dataScope` of a data set of SDMX-ML 2.1 may be (SDMXCommon.xsd, DataScopeType)."""

COMMON = frozenset(("Text", "StructuredText", "Annotations"))
"""Elements of the namespace that all messages have in common."""

NOT_KEPT = frozenset(("Annotations", "Metadata"))
"""Parts of the standard that have no place in a batch."""

REFERENCES: dict[str, str] = {
    "Structure": "DataStructure",
    "StructureUsage": "Dataflow",
    # Misspelt in the schemas of 2.1; written right in 3.0 and by some senders of 2.1.
    "ProvisionAgrement": "ProvisionAgreement",
    "ProvisionAgreement": "ProvisionAgreement",
}
"""Elements of a header that name the structure, and the class that they name."""

SET_WORDS: dict[str, str] = {
    "setID": "set_id",
    "datasetID": "set_id",
    "validFromDate": "valid_from",
    "validToDate": "valid_to",
    "reportingBeginDate": "reporting_begin",
    "reportingEndDate": "reporting_end",
    "publicationYear": "publication_year",
    "publicationPeriod": "publication_period",
}
"""XML attributes of a data set that say something of it, by field of `SetAttributes`."""

OTHER_SET_WORDS = frozenset(
    (
        "structureRef",
        "action",
        "dataScope",
        "keyFamilyURI",
        "dataflowID",
        "dataflowAgencyID",
        "dataProviderID",
        "dataProviderSchemeId",
        "dataProviderSchemeAgencyId",
    )
)

ACTION_WORDS: dict[str, Action] = {action.value: action for action in Action} | {
    # SDMX-ML 2.0 has Update for what later versions call Append.
    "Update": Action.APPEND,
}
