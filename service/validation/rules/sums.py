"""Totals against their parts, by the PARTITION annotations of the code lists."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext

from dsd.finding import Finding, Severity
from dsd.resolved import Dsd
from service.validation.concepts import is_additive
from service.validation.facts import DIGITS, Cell, Sum
from service.validation.partitions import breakdowns
from service.validation.rows import Row, locators_of, take_rows
from service.validation.rule import Rule, RuleInfo

_NAMED_PARTS = 6
_RELATED_PARTS = 20
"""Parts of which a finding tells the place."""


class _SumRule(Rule):
    """What the rules on sums share."""

    needs_facts = True

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether codes of the structure add up, and its figures too."""
        return is_additive(dsd) and bool(breakdowns(dsd))

    def wrong(self, found: Sum) -> str | None:
        """Say what is wrong with a sum, None where nothing is."""
        raise NotImplementedError

    def end(self) -> Iterator[Finding]:
        """Decide the candidates."""
        with localcontext(prec=DIGITS):
            told = [(found, said) for found in self.facts.sums if (said := self.wrong(found))]
        numbers = (found.number for found, _ in told)
        places = locators_of(
            self.context.spool, (cell.number for found, _ in told for cell in _related(found))
        )
        rows = take_rows(self.context.dsd, self.context.spool, numbers)
        row: Row | None = None
        for found, said in told:
            # Both come in the order of the rows, and several sums may stand beside one total.
            while row is None or row.number != found.number:
                row = next(rows)
            yield self.finding(
                said,
                row=row,
                component=found.partition.component,
                value=found.total.text,
                related=tuple(places[c.number] for c in _related(found) if c.number in places),
            )


class PartitionSum(_SumRule):
    """A total that its parts do not make up."""

    info = RuleInfo(
        id="partition-sum",
        severity=Severity.ERROR,
        title="The parts do not add up to their total",
        reference="ILMS R-03 (sex), R-05 (classifications), R-06 (countries), R-07 (subtotals)",
        why="One of the figures is wrong, or a part is missing or counted twice.",
        mend="Correct the figure that is wrong; where the source itself has the error, record a waiver.",
    )

    def wrong(self, found: Sum) -> str | None:
        """Compare: equal where the parts are complete, no more than the total where not."""
        difference = found.difference
        tolerance = found.tolerance(len(found.parts) + len(found.aggregates))
        if abs(difference) <= tolerance:
            return None
        if not found.is_complete and any(_exceeds(found, part) for part in found.parts):
            # The part alone is the mistake, and has a rule of its own.
            return None
        sign = "=" if found.is_complete else "is already"
        return (
            f"{_in_words(found.parts, found)} {sign} {_as_reported(found.of_parts, found)}, but "
            f"{found.partition.total} is {found.total.text}: "
            f"{_as_reported(abs(difference), found)} too {'much' if difference > 0 else 'little'} "
            f"({_as_reported(tolerance, found)} could be rounding)."
        )


class PartExceedsTotal(_SumRule):
    """A part that is larger than the total that contains it."""

    info = RuleInfo(
        id="part-exceeds-total",
        severity=Severity.ERROR,
        title="A part is larger than its total",
        reference="ILMS R-04",
        why="No part can be larger than the whole: figures stand in the wrong cell, or in another unit.",
        mend="Compare the cells with the source; check that both are in persons or both in thousands.",
    )

    def wrong(self, found: Sum) -> str | None:
        """Compare each part with the total."""
        cells = (*found.parts, *found.aggregates)
        larger = tuple(cell for cell in cells if _exceeds(found, cell))
        if not larger:
            return None
        return f"{_in_words(larger, found, ' and ')} above the total {found.partition.total} {found.total.text}."


def _related(found: Sum) -> tuple[Cell, ...]:
    return (*found.parts, *found.aggregates)[:_RELATED_PARTS]


def _exceeds(found: Sum, part: Cell) -> bool:
    return part.amount - found.total.amount > found.tolerance(1)


def _in_words(parts: tuple[Cell, ...], found: Sum, joint: str = " + ") -> str:
    named = [f"{part.code} {_as_reported(part.amount, found)}" for part in parts[:_NAMED_PARTS]]
    more = len(parts) - len(named)
    return joint.join(named) + (f"{joint}{more} more" if more else "")


def _as_reported(amount: Decimal, found: Sum) -> str:
    """Write an amount with the multiplier of the total, so that it can be compared with the cells."""
    scaled = amount.scaleb(-found.total.multiplier)
    return f"{scaled.normalize():f}" if scaled else "0"
