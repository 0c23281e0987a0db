"""What a structure format cannot express: reported where there is a report, refused where there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from codelists.base import Maintainable
from codelists.urn import Urn
from dsd.finding import Finding, Report, Severity
from dsd.structures import Structures
from service.formats.contract import NotExpressibleError
from service.formats.structure_rule import NOT_EXPRESSIBLE, WRITTEN_OTHERWISE
from service.formats.structure_table.vocabulary import Form


@dataclass
class Writing:
    """One message while it is written: what every writer of a part needs."""

    form: Form
    structures: Structures
    languages: tuple[str, ...] = ()
    """Languages of the names; empty for all."""
    report: Report | None = None
    """Takes what cannot be written; None where that is to be refused."""
    artefact: Maintainable | None = field(default=None)
    """The one that is being written."""
    encoded: list[bytes] = field(default_factory=list)
    """Large parts of the message that are encoded already, in its order."""
    takes_encoded: bool = False
    """Whether whoever asks for the message puts those parts in where they stand for themselves."""
    left_out: bool = False
    """Whether texts of it were left out because their languages were not asked for."""
    supposed: set[Urn] = field(default_factory=set)
    """Artefacts that have texts without a language."""

    @property
    def urn(self) -> Urn:
        """Return the identity of the artefact that is being written."""
        assert self.artefact is not None  # noqa: S101 (writers of parts run inside an artefact)
        return self.artefact.urn

    def lose(self, what: str, where: str | None = None, advice: str = "") -> None:
        """Report that something is left out.

        Raises:
            NotExpressibleError: there is no report to take it.
        """
        named = f" of {where}" if where else ""
        owner = f" in {self.artefact.urn.short}" if self.artefact is not None else ""
        message = f"{self.form.value} cannot express {what}{named}{owner}"
        if self.report is None:
            raise NotExpressibleError(f"{message}; {advice or 'write SDMX-JSON 2.1'}")
        self.report.add(
            Finding(
                rule=NOT_EXPRESSIBLE,
                severity=Severity.WARNING,
                message=f"{message}: it is left out." + (f" {advice}." if advice else ""),
                component=where,
                value=what,
            )
        )

    def remark(self, text: str) -> None:
        """Report something that is written in another way than it was read."""
        if self.report is not None:
            owner = self.artefact.urn.short if self.artefact is not None else ""
            self.report.add(
                Finding(
                    rule=WRITTEN_OTHERWISE,
                    severity=Severity.INFO,
                    message=f"{owner}: {text}",
                )
            )

    def suppose_english(self, text: str) -> None:
        """Report, once an artefact, that a text without a language is English to readers of SDMX-ML.

        The schemas give `xml:lang` the default `en`: "If not supplied, the default language is assumed to be
        English" (SDMXCommon.xsd, TextType).
        """
        if self.urn not in self.supposed:
            self.supposed.add(self.urn)
            self.remark(f"{text!r} has no language: to readers of {self.form.value} it is English")


def name_of(thing: Any) -> str:
    """Return what a person calls a part: its id, or its class."""
    found = getattr(thing, "id", None)
    return found if isinstance(found, str) else type(thing).__name__
