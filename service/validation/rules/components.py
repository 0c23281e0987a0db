"""Components that the structure does not have, and such that no row has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dsd.batch import ACTION, ANNOTATIONS, LOCATOR
from dsd.dataset import Action
from dsd.finding import Finding, Severity
from service.validation.absence import Absences
from service.validation.rows import Rows
from service.validation.rule import Context, Rule, RuleInfo
from service.validation.suggest import nearest


class UnknownComponent(Rule):
    """One finding for a column, however many rows it has."""

    info = RuleInfo(
        id="unknown-component",
        severity=Severity.ERROR,
        title="A column is no component of the structure",
        reference="SDMX 3.1 Section 2, 5; SDMX-CSV 2.1, 'Columns'",
        why="What the column says cannot be stored, and would be lost without a word.",
        mend="Give the column the id of the component that it holds, or leave it out.",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._told = {LOCATOR, ACTION, ANNOTATIONS}

    def start(self) -> Iterator[Finding]:
        """Look at the attributes above the observation."""
        for entry in self.context.attributes:
            yield from self._unknown((*entry.key, *entry.values))

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Look at the columns of a batch."""
        return self._unknown(rows.batch.schema.names)

    def _unknown(self, names: Iterable[str]) -> Iterator[Finding]:
        for name in names:
            if name in self._told or name in self.context.dsd:
                continue
            self._told.add(name)
            known = list(self.context.dsd.by_id)
            suggestion = nearest(name, known)
            yield self.finding(
                f"{self.context.dsd.structure.urn.short} has no component {name!r}; "
                f"it has {', '.join(known)}.",
                component=name,
                suggestion=suggestion,
            )


class MissingComponent(Rule):
    """One finding for a component, instead of one a row."""

    info = RuleInfo(
        id="missing-component",
        severity=Severity.FATAL,
        title="No row has a value of a mandatory component",
        reference="SDMX 3.1 Section 2, 5 (dimensions identify an observation; usage=mandatory)",
        why="Without all dimensions no observation can be told from another.",
        mend="Add the column; where one value holds for all rows, repeat it in each.",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        above = {id for entry in context.attributes for id in entry.values}
        self._absences = [
            Absences(context, component.id)
            for component in context.dsd.components
            if component.is_mandatory and component.id not in above
        ]

    def feed(self, rows: Rows) -> Iterable[Finding]:
        """Note which components have values."""
        if self.context.action is not Action.DELETE:
            for absences in self._absences:
                absences.feed(rows)
        return ()

    def end(self) -> Iterator[Finding]:
        """Tell of the components without any."""
        for absences in self._absences:
            if absences.is_everywhere:
                component = self.context.dsd[absences.component_id]
                yield self.finding(
                    f"No row has a value of {component.id} ({component.name}), which is mandatory: "
                    "add the column.",
                    component=component.id,
                )
