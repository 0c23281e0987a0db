"""One observation given twice."""

from __future__ import annotations

from collections.abc import Iterator

from dsd.finding import Finding, Severity, parse_locator
from service.validation.rows import Row, take_rows
from service.validation.rule import Rule, RuleInfo


class _Duplicates(Rule):
    """What both rules share: the rows with a key that came before, beside the first with that key."""

    needs_facts = True

    def repeated(self) -> Iterator[tuple[Row, Row]]:
        """Yield (first, later) for each row whose key was given before, ordered by the later row."""
        firsts = {later: numbers[0] for numbers in self.facts.duplicates() for later in numbers[1:]}
        if not firsts:
            return
        rows = take_rows(self.context.dsd, self.context.spool, {*firsts.keys(), *firsts.values()})
        kept: dict[int, Row] = {}
        needed = set(firsts.values())
        for row in rows:
            if row.number in needed:
                kept[row.number] = row
            if row.number in firsts:
                yield kept[firsts[row.number]], row

    def differing(self, first: Row, later: Row) -> list[str]:
        """Return the measures and attributes in which two rows differ."""
        ids = (c.id for c in (*self.context.dsd.measures, *self.context.dsd.attributes))
        return [id for id in ids if first.values.get(id) != later.values.get(id)]


class DuplicateContradictory(_Duplicates):
    """Two figures for one cell."""

    info = RuleInfo(
        id="duplicate-contradictory",
        severity=Severity.FATAL,
        title="An observation is given twice, with different content",
        reference="SDMX 3.1 Section 2, 5.4 (a key identifies one observation); ILMS R-02",
        why="Only one of them can be kept, and nobody but the reporter knows which is right.",
        mend="Keep the right one; if they come from two sources, give each its own SOURCE.",
    )

    def end(self) -> Iterator[Finding]:
        """Tell of each later row that differs from the first."""
        for first, later in self.repeated():
            if ids := self.differing(first, later):
                said = "; ".join(
                    f"{id} {first.text(id) or '(empty)'} and {later.text(id) or '(empty)'}"
                    for id in ids
                )
                yield self.finding(
                    f"The same observation is given before{_place(first)}, differently: {said}.",
                    row=later,
                    component=ids[0],
                    value=later.text(ids[0]),
                )


class DuplicateIdentical(_Duplicates):
    """The same figure for one cell, again."""

    info = RuleInfo(
        id="duplicate-identical",
        severity=Severity.FATAL,
        title="An observation is given twice, with the same content",
        reference="SDMX 3.1 Section 2, 5.4 (a key identifies one observation); ILMS R-02",
        why="Where one row is doubled, often a code was left unchanged in a copied row.",
        mend="Remove one of them, or correct the code that was not changed.",
    )

    def end(self) -> Iterator[Finding]:
        """Tell of each later row that equals the first."""
        for first, later in self.repeated():
            if not self.differing(first, later):
                yield self.finding(
                    f"The same observation is given before{_place(first)}, with the same content.",
                    row=later,
                )


def _place(row: Row) -> str:
    return f" ({parse_locator(row.locator).readable})" if row.locator else ""
