"""Codes: in the list, and among those that the constraints leave."""

from __future__ import annotations

from collections.abc import Iterator

from dsd.finding import Finding, Severity
from dsd.resolved import Dsd, ResolvedComponent
from service.validation.rows import Row, Rows
from service.validation.rule import Context, Rule, RuleInfo
from service.validation.suggest import allowed_in_words, nearest_code


class _CodeRule(Rule):
    """What both rules share: verdicts on the distinct values, remembered over all batches."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._components = [c for c in context.dsd.components if self.looks_at(c)]
        self._messages: dict[tuple[str, str], tuple[str, str | None]] = {}

    @classmethod
    def looks_at(cls, component: ResolvedComponent) -> bool:
        """Tell whether a component is looked at."""
        return component.codelist is not None

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether the structure has components to look at."""
        return any(cls.looks_at(component) for component in dsd.components)

    def is_bad(self, component: ResolvedComponent, value: str) -> bool:
        """Tell whether a value breaks the rule."""
        raise NotImplementedError

    def explain(self, component: ResolvedComponent, value: str) -> tuple[str, str | None]:
        """Return the message on a bad value and what was probably meant."""
        raise NotImplementedError

    def start(self) -> Iterator[Finding]:
        """Look at the attributes above the observation."""
        for component in self._components:
            for entry in self.context.attributes:
                value = entry.values.get(component.id, entry.key.get(component.id, ()))
                for text in (value,) if isinstance(value, str) else value:
                    if self.is_bad(component, text):
                        row = Row(-1, dict(entry.key), None, {})
                        yield self._finding(component, text, row)

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Look at the distinct values of a batch."""
        for component in self._components:
            found = rows.with_values(component.id, lambda v, c=component: self.is_bad(c, v))  # type: ignore[misc]
            for value, row in found:
                yield self._finding(component, value, row)

    def _finding(self, component: ResolvedComponent, value: str, row: Row) -> Finding:
        told = (component.id, value)
        if told not in self._messages:
            self._messages[told] = self.explain(component, value)
        message, suggestion = self._messages[told]
        return self.finding(
            message, row=row, component=component.id, value=value, suggestion=suggestion
        )


class UnknownCode(_CodeRule):
    """A value that its code list does not have."""

    info = RuleInfo(
        id="unknown-code",
        severity=Severity.FATAL,
        title="A value is no code of its list",
        reference="SDMX 3.1 Section 2, 5.3 (enumerated representation); ILMS R-01",
        why="What the code stands for is unknown, so the figure cannot be stored under it.",
        mend="Use the code of the list; the message names the nearest.",
    )

    def is_bad(self, component: ResolvedComponent, value: str) -> bool:
        """Tell whether the list lacks the value."""
        return value not in component.codes

    def explain(self, component: ResolvedComponent, value: str) -> tuple[str, str | None]:
        """Say which codes there are."""
        suggestion = nearest_code(value, component)
        name = component.codelist.urn.short if component.codelist else component.id
        message = (
            f"{value!r} is no code of {name} for {component.id}. "
            f"{allowed_in_words(component, suggestion)}"
        )
        return message, suggestion


class CodeNotAllowed(_CodeRule):
    """A code that a constraint on the table, its provider or their agreement rules out."""

    info = RuleInfo(
        id="code-not-allowed",
        severity=Severity.FATAL,
        title="A code is not allowed here",
        reference="SDMX 3.1 Section 6, 'Constraints' (cascading); ILMS R-01",
        why="The table does not use this code, or the provider may not report for it.",
        mend="Use an allowed code; a provider reports its own REF_AREA only.",
    )

    @classmethod
    def looks_at(cls, component: ResolvedComponent) -> bool:
        """Tell whether a component is constrained."""
        return component.allowed is not None or bool(component.excluded)

    def is_bad(self, component: ResolvedComponent, value: str) -> bool:
        """Tell whether the constraints exclude a value that the list has."""
        is_known = component.codelist is None or value in component.codes
        return is_known and not component.allows(value)

    def explain(self, component: ResolvedComponent, value: str) -> tuple[str, str | None]:
        """Say which codes are allowed."""
        suggestion = nearest_code(value, component)
        code = component.codes.get(value)
        name = f"{value} ({code.label()})" if code else repr(value)
        whose = (
            f"under {self.context.dsd.agreement.short}"
            if self.context.dsd.agreement
            else f"in {self.context.dsd.urn.short}"
        )
        message = (
            f"{component.id} {name} is not allowed {whose}. "
            f"{allowed_in_words(component, suggestion)}"
        )
        return message, suggestion
