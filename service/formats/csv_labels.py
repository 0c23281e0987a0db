"""Names that a sender writes beside codes, against those of the code list: a wrong name may mean a wrong code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from dsd.finding import Finding, Severity
from dsd.resolved import Dsd, ResolvedComponent

Locate = Callable[[int], str]
"""Returns the place of the first cell with the distinct text of a number."""


class LabelCheck:
    """Compares the names beside the codes of one component, and tells the first that differ."""

    def __init__(self, dsd: Dsd, component: ResolvedComponent) -> None:
        self._dsd = dsd
        self._component = component
        self._told: set[Severity] = set()

    def look(self, labels: Iterable[tuple[str, str, int]], locate: Locate) -> Iterable[Finding]:
        """Yield the findings of (code, name, number of the distinct text), each kind once."""
        for code, label, number in labels:
            finding = self._finding(code, label)
            if finding is not None and finding[0] not in self._told:
                severity, message, meant = finding
                self._told.add(severity)
                yield Finding(
                    rule="contradictory-label",
                    severity=severity,
                    message=message,
                    dataflow=self._dsd.urn.short,
                    component=self._component.id,
                    value=code,
                    locator=locate(number),
                    suggestion=meant,
                )

    def _finding(self, code: str, label: str) -> tuple[Severity, str, str | None] | None:
        known = self._component.codes.get(code)
        if known is None or not label or not known.names or _is_name(label, known.names):
            return None
        meant = next(
            (other for other in self._by_name.get(_plain(label), ()) if other != code), None
        )
        if meant is not None:
            text = (
                f"{code} is labelled {label!r}, which is the name of {meant}; {code} ({known.label()}) was read. See which "
                "of the two is meant."
            )
            return Severity.WARNING, text, meant
        text = f"{code} is labelled {label!r}; here it is {known.label()!r}, and has that name in no language."
        return Severity.INFO, text, None

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for code, entry in self._component.codes.items():
            for name in entry.names.values():
                found.setdefault(_plain(name), []).append(code)
        return found


def structure_label(dsd: Dsd, label: str | None, locator: str) -> Finding | None:
    """Return the finding of a name of the structure that it has in no language."""
    named = dsd.dataflow or dsd.structure
    if not label or not named.names or _is_name(label, named.names):
        return None
    return Finding(
        rule="contradictory-label",
        severity=Severity.INFO,
        message=f"{dsd.urn.short} is labelled {label!r}; here it is {named.label()!r}, and has that name in no language.",
        dataflow=dsd.urn.short,
        component="STRUCTURE_NAME",
        value=label,
        locator=locator,
    )


def _is_name(label: str, names: Mapping[str, str]) -> bool:
    return label in names.values() or _plain(label) in map(_plain, names.values())


def _plain(text: str) -> str:
    """Return a text without what nobody means by it: case and blanks."""
    return " ".join(text.split()).casefold()
