"""Single figures: below zero, or beside a status that says there is none."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from dsd.dataset import Action
from dsd.finding import Finding, Severity
from dsd.resolved import Dsd
from service.validation.concepts import OBS_STATUS, OBS_VALUE, is_ilms_table, valueless_statuses
from service.validation.rows import Rows
from service.validation.rule import Rule, RuleInfo
from service.validation.rules.missing_values import has_figure

_BELOW_ZERO = r"^-[0-9.]*[1-9]"


class NegativeValue(Rule):
    """Fewer than no people, or a wage below zero."""

    info = RuleInfo(
        id="negative-value",
        severity=Severity.ERROR,
        title="A figure is below zero",
        reference="ILMS R-04",
        why="No number of people and no wage is negative: often a dash was read as a sign.",
        mend="Correct the figure; leave a cell without a figure empty, and say why in its status.",
    )

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether the structure is a table of the collection: others may hold balances."""
        return OBS_VALUE in dsd and is_ilms_table(dsd)

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Look at the signs."""
        column = rows.column(OBS_VALUE)
        if column is None or self.context.action is Action.DELETE:
            return
        negative = pc.match_substring_regex(column.cast("string"), _BELOW_ZERO)
        for row in rows.where(rows.only_live(pc.fill_null(negative, False))):
            value = row.text(OBS_VALUE)
            yield self.finding(f"{value} is below zero.", row=row, component=OBS_VALUE, value=value)


class ValueDespiteStatus(Rule):
    """A figure, and a status that says there is none."""

    info = RuleInfo(
        id="value-despite-status",
        severity=Severity.WARNING,
        title="A figure stands beside a status that says it is missing",
        reference="SDMX CL_OBS_STATUS 2.2 (O, M, L, H, Q); ILMS R-25",
        why="One of the two is wrong; a suppressed figure (Q) would even be disclosed.",
        mend="Remove the figure, or correct the status. ILO's own letters mean other things.",
    )

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether the structure has a value, and statuses that say there is none."""
        return OBS_VALUE in dsd and OBS_STATUS in dsd and bool(valueless_statuses(dsd))

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Look at the rows with such a status."""
        encoded = rows.encoded(OBS_STATUS)
        statuses = valueless_statuses(self.context.dsd)
        if encoded is None or not statuses & set(encoded.dictionary.to_pylist()):
            return
        said = pc.is_in(encoded.cast("string"), value_set=pa.array(sorted(statuses)))
        for row in rows.where(rows.only_live(pc.and_(said, has_figure(rows)))):
            status = row.text(OBS_STATUS) or ""
            code = self.context.dsd[OBS_STATUS].codes.get(status)
            yield self.finding(
                f"OBS_STATUS {status} ({code.label() if code else 'unknown'}) says that there is no "
                f"figure, but OBS_VALUE is {row.text(OBS_VALUE)}.",
                row=row,
                component=OBS_STATUS,
                value=status,
            )
