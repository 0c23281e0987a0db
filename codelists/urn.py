"""The identity of SDMX artefacts: URNs and the table of artefact types.

SDMX 3.1 Section 5, "Universal Resource Name"; SDMX-REST 2.2.2, doc/structures.md.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_URN = re.compile(
    r"urn:sdmx:org\.sdmx\.infomodel\.(?P<package>[a-z]+)\.(?P<type>[A-Za-z]+)="
    r"(?P<agency>[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)*):(?P<id>[\w@$-]+)"
    r"(?:\((?P<version>[^()]+)\))?(?:\.(?P<item>[\w@$.-]+))?",
    re.ASCII,
)


class UrnSyntaxError(ValueError):
    """A text that is no SDMX URN."""


class ArtefactType(NamedTuple):
    """One type of maintainable artefact and the names under which each format knows it."""

    name: str
    """Class in the information model, as in a URN: `Codelist`."""
    package: str
    """Package in a URN: `codelist`."""
    resource: str
    """Resource in a REST path and folder of the artefact files: `codelist`."""
    collection: str
    """Member of `data` in an SDMX-JSON structure message: `codelists`."""
    item: str | None = None
    """Class of the items in a URN: `Code`; None where there are no items."""
    room: str = "dsd"
    """The room whose `artefacts` folder holds files of this type."""
    fixed_version: bool = False
    """True for the organisation schemes, whose version is always 1.0 and is left out of file names' meaning."""


ARTEFACT_TYPES: tuple[ArtefactType, ...] = (
    ArtefactType("AgencyScheme", "base", "agencyscheme", "agencySchemes", "Agency", "codelists", True),
    ArtefactType("DataProviderScheme", "base", "dataproviderscheme", "dataProviderSchemes", "DataProvider", "codelists", True),
    ArtefactType("DataConsumerScheme", "base", "dataconsumerscheme", "dataConsumerSchemes", "DataConsumer", "codelists", True),
    ArtefactType("Codelist", "codelist", "codelist", "codelists", "Code", "codelists"),
    ArtefactType("ConceptScheme", "conceptscheme", "conceptscheme", "conceptSchemes", "Concept", "codelists"),
    ArtefactType("CategoryScheme", "categoryscheme", "categoryscheme", "categorySchemes", "Category", "codelists"),
    ArtefactType("DataStructure", "datastructure", "datastructure", "dataStructures"),
    ArtefactType("Dataflow", "datastructure", "dataflow", "dataflows"),
    ArtefactType("ProvisionAgreement", "registry", "provisionagreement", "provisionAgreements"),
    ArtefactType("DataConstraint", "registry", "dataconstraint", "dataConstraints"),
    ArtefactType("Categorisation", "categoryscheme", "categorisation", "categorisations"),
)  # fmt: skip
"""The types that the product keeps as files, in the order in which messages list them."""

TYPE_OF_NAME = {entry.name: entry for entry in ARTEFACT_TYPES}
TYPE_OF_RESOURCE = {entry.resource: entry for entry in ARTEFACT_TYPES}
_PACKAGE_OF_NAME = {entry.name: entry.package for entry in ARTEFACT_TYPES} | {
    entry.item: entry.package for entry in ARTEFACT_TYPES if entry.item
}


class Urn(NamedTuple):
    """What a URN says: the identity of an artefact or of one item in it."""

    type: str
    """Class: `Codelist`, or that of an item: `Code`."""
    agency: str
    id: str
    version: str
    """As written, so possibly a reference such as `1.0+.0`."""
    item: str | None = None
    """Id path of an item (`AGE.Y15`), None for the artefact itself."""

    def __str__(self) -> str:
        """Return the URN text."""
        package = _PACKAGE_OF_NAME.get(self.type, "base")
        text = f"urn:sdmx:org.sdmx.infomodel.{package}.{self.type}={self.agency}:{self.id}({self.version})"
        return f"{text}.{self.item}" if self.item else text

    @property
    def short(self) -> str:
        """Return `AGENCY:ID(VERSION)`, as SDMX-CSV writes an identity."""
        return f"{self.agency}:{self.id}({self.version})"

    @property
    def maintainable(self) -> Urn:
        """Return the identity of the artefact that holds this item; itself where it is no item."""
        if self.item is None:
            return self
        parent = next((t.name for t in ARTEFACT_TYPES if t.item == self.type), self.type)
        return Urn(parent, self.agency, self.id, self.version)


@lru_cache(maxsize=65536)
def parse_urn(text: str) -> Urn:
    """Return the identity that a URN writes; a URN without version means 1.0 (SDMX 3.1 Section 5).

    Raises:
        UrnSyntaxError: `text` is no SDMX URN.

    >>> parse_urn("urn:sdmx:org.sdmx.infomodel.codelist.Code=ILMS:CL_SEX(1.0.0).SEX_F").item
    'SEX_F'
    """
    match = _URN.fullmatch(text)
    if match is None:
        raise UrnSyntaxError(
            f"{text!r} is no SDMX URN; write urn:sdmx:org.sdmx.infomodel.PACKAGE.CLASS=AGENCY:ID(VERSION)[.ITEM]"
        )
    return Urn(
        match["type"], match["agency"], match["id"], match["version"] or "1.0", match["item"]
    )
