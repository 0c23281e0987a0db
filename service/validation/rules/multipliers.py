"""Persons and thousands of persons in one series."""

from __future__ import annotations

from collections.abc import Iterator

from dsd.finding import Finding, Severity
from dsd.resolved import Dsd
from service.validation.concepts import UNIT_MULT
from service.validation.rows import take_rows
from service.validation.rule import Rule, RuleInfo


class MixedMultipliers(Rule):
    """One finding a series, at its first row."""

    info = RuleInfo(
        id="mixed-unit-multipliers",
        severity=Severity.WARNING,
        title="A series mixes unit multipliers",
        reference="SDMX Glossary, UNIT_MULT; ILMS R-13",
        why="Values are kept as reported; a reader who overlooks the multiplier sees a jump by a thousand.",
        mend="Report the whole series in one multiplier, or check that each is the one meant.",
    )
    needs_facts = True

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether the structure has multipliers and series."""
        return UNIT_MULT in dsd and dsd.time_dimension is not None

    def end(self) -> Iterator[Finding]:
        """Tell of each series that has more than one."""
        found = dict(self.facts.mixed_multipliers())
        codes = self.context.dsd[UNIT_MULT].codes
        time = self.context.dsd.time_dimension
        for row in take_rows(self.context.dsd, self.context.spool, found):
            texts = [str(multiplier) for multiplier in found[row.number]]
            named = [f"{t} ({codes[t].label()})" if t in codes else t for t in texts]
            series = {id: code for id, code in row.key.items() if time is None or id != time.id}
            yield self.finding(
                f"The series has figures with UNIT_MULT {' and '.join(named)}.",
                row=row._replace(key=series),
                component=UNIT_MULT,
                value=" ".join(texts),
            )
