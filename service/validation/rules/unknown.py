"""What is not known: where it equals what is, and where the source or the criterion is not stated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import localcontext

import pyarrow.compute as pc

from dsd.dataset import Action
from dsd.finding import Finding, Severity
from dsd.resolved import Dsd
from service.validation.concepts import is_additive
from service.validation.facts import DIGITS
from service.validation.partitions import (
    IS_TOTAL,
    IS_UNKNOWN,
    Partition,
    breakdowns,
    is_marked,
)
from service.validation.rows import Row, Rows, locators_of, take_rows
from service.validation.rule import Context, Rule, RuleInfo


class UnknownEqualsSubtotal(Rule):
    """One group of people in two places."""

    info = RuleInfo(
        id="unknown-equals-subtotal",
        severity=Severity.WARNING,
        title="The unknown equals a subtotal",
        reference="ILMS R-07 (X not equal NAG)",
        why="The same people were probably counted twice: under the subtotal, and as not classified.",
        mend="Leave the unknown out where the subtotal holds these people; else report the subtotal's parts.",
    )
    needs_facts = True

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether some subtotal has an unknown part."""
        return is_additive(dsd) and bool(_unknown_parts(dsd))

    def end(self) -> Iterator[Finding]:
        """Tell of each unknown that equals its subtotal."""
        with localcontext(prec=DIGITS):
            equal = list(self.facts.equal_parts(_unknown_parts(self.context.dsd)))
        found = sorted(equal, key=lambda entry: entry.number)
        rows = take_rows(self.context.dsd, self.context.spool, (entry.number for entry in found))
        places = locators_of(self.context.spool, (entry.total.number for entry in found))
        row: Row | None = None
        for entry in found:
            while row is None or row.number != entry.number:
                row = next(rows)
            (part,) = entry.parts
            component = self.context.dsd[entry.partition.component]
            yield self.finding(
                f"{part.code} ({component.codes[part.code].label()}) is {part.text}, the same as the "
                f"subtotal {entry.total.code} ({component.codes[entry.total.code].label()}).",
                row=row,
                component=component.id,
                value=part.text,
                related=tuple(filter(None, [places.get(entry.total.number)])),
            )


def _unknown_parts(dsd: Dsd) -> list[Partition]:
    """Return the partitions of subtotals, cut down to their unknown parts."""
    found = []
    for id, partitions in breakdowns(dsd).items():
        component = dsd[id]
        for partition in partitions:
            unknown = tuple(c for c in partition.parts if is_marked(component, c, IS_UNKNOWN))
            if unknown and not is_marked(component, partition.total, IS_TOTAL):
                found.append(replace(partition, required=unknown, optional=()))
    return found


class NotStated(Rule):
    """A source or criterion given as not known: one finding for all rows, for it is one answer."""

    info = RuleInfo(
        id="not-stated",
        severity=Severity.WARNING,
        title="The source, or another dimension of the whole table, is given as not stated",
        reference="ILMS R-01 (source, criterion); SDMX Guidelines for code lists (_U, not known)",
        why="Figures from unnamed sources cannot be compared, and some receivers refuse them.",
        mend="Name the source on the sources sheet, and the criterion in the table.",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._found: dict[tuple[str, str], tuple[Row, int]] = {}
        self._codes = _not_stated(context.dsd)

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether some dimension has a code for not known without being a breakdown."""
        return bool(_not_stated(dsd))

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Count the rows."""
        if self.context.action is not Action.DELETE:
            for component_id, codes in self._codes.items():
                self._count(rows, component_id, codes)
        yield from ()

    def _count(self, rows: Rows, component_id: str, codes: tuple[str, ...]) -> None:
        encoded = rows.encoded(component_id)
        if encoded is None:
            return
        texts = encoded.dictionary.to_pylist()
        for code in codes:
            if code not in texts:
                continue
            mask = rows.only_live(pc.equal(encoded.indices, texts.index(code)))
            number = pc.sum(mask).as_py() or 0
            if not number:
                continue
            row, before = self._found.get((component_id, code), (None, 0))
            row = row or next(rows.where(mask))
            self._found[component_id, code] = row, before + number

    def end(self) -> Iterator[Finding]:
        """Tell of each code once, at the first row."""
        for (component_id, code), (row, number) in self._found.items():
            component = self.context.dsd[component_id]
            yield self.finding(
                f"{component_id} is {code} ({component.codes[code].label()}) in {number} "
                f"observation{'s' if number > 1 else ''}.",
                row=row._replace(key={component_id: code}),
                component=component_id,
                value=code,
            )


def _not_stated(dsd: Dsd) -> dict[str, tuple[str, ...]]:
    """Return the codes for not known by dimension, of the dimensions that break nothing down."""
    broken_down = breakdowns(dsd)
    found = {
        component.id: tuple(
            code for code in component.codes if is_marked(component, code, IS_UNKNOWN)
        )
        for component in dsd.dimensions
        if component.id not in broken_down
    }
    return {id: codes for id, codes in found.items() if codes}
