"""The structures that the rows of an SDMX-CSV text name."""

from __future__ import annotations

import re
from difflib import get_close_matches

from codelists.urn import Urn
from dsd.finding import Finding, Report, Severity
from dsd.resolved import Dsd
from dsd.structures import Structures, UnknownArtefactError
from service.formats.csv_header import File

_STRUCTURE_ID = re.compile(
    r"(?P<agency>[^:()\s]+):(?P<id>[^:()\s]+)(?:\((?P<version>[^()]+)\))?(?:: .*)?", re.DOTALL
)
_TYPES = {
    "dataflow": "Dataflow",
    "datastructure": "DataStructure",
    "dataprovision": "ProvisionAgreement",
    # Non-standard, written by tools that take the name of the artefact.
    "provisionagreement": "ProvisionAgreement",
}


class StructureFinder:
    """Finds the structures that rows name, each once."""

    def __init__(
        self, file: File, structures: Structures, report: Report, hint: Urn | None
    ) -> None:
        self._file = file
        self._structures = structures
        self._report = report
        self._hint = hint
        self._known: dict[tuple[str | None, str | None], Dsd | str] = {}

    def find(self, named: tuple[str | None, str | None], line: int) -> Dsd | None:
        """Return the structure, None (and a finding) where nobody knows it."""
        found = self._found(named)
        if isinstance(found, Dsd):
            return found
        text = named[1]
        type_name = _TYPES.get((named[0] or "").lower())
        known = [s.urn.short for s in self._structures if s.type_name in (type_name, "Dataflow")]
        near = get_close_matches(text or "", known, n=1)
        self._report.add(
            Finding(
                rule="unknown-structure",
                severity=Severity.FATAL,
                message=f"The rows from here on name no known structure and were left out: {found}.",
                value=text,
                locator=f"line:{line}",
                suggestion=near[0] if near else None,
            )
        )
        return None

    def _found(self, named: tuple[str | None, str | None]) -> Dsd | str:
        if named not in self._known:
            self._known[named] = self._resolve(*named)
        return self._known[named]

    def _resolve(self, word: str | None, text: str | None) -> Dsd | str:
        """Return the structure, or the reason for which there is none."""
        urn: Urn | None = None
        type_name = _TYPES.get((word or "").lower())
        match = _STRUCTURE_ID.fullmatch(text or "")
        if text is None and self._hint is not None:
            urn = self._hint
        elif type_name is None:
            return f"STRUCTURE is {word!r}; it is one of dataflow, datastructure, dataprovision"
        elif match is not None:
            urn = self._urn(type_name, match)
        if urn is None:
            return f"{self._file.structure_columns[-1]} is {text!r}; write AGENCY:ID(VERSION)"
        try:
            return self._structures.dsd(urn)
        except UnknownArtefactError as error:
            return str(error)

    def _urn(self, type_name: str, match: re.Match[str]) -> Urn:
        """Return the identity that a STRUCTURE_ID names; without a version the newest.

        SDMX 2.1 has versions of two parts: `1.0` is 1.0.0 where only that is known.
        """
        versions = list(self._structures.versions(type_name, match["agency"], match["id"]))
        newest = versions[-1] if versions else "1.0"
        version = match["version"] or newest
        if version not in versions and f"{version}.0" in versions:
            version = f"{version}.0"
        return Urn(type_name, match["agency"], match["id"], version)
