"""The other country of a migration."""

from __future__ import annotations

from collections.abc import Iterator

from dsd.finding import Finding, Severity
from dsd.resolved import Dsd
from service.validation.concepts import COUNTERPART_AREA, REF_AREA, counterpart_role
from service.validation.rows import Rows
from service.validation.rule import Rule, RuleInfo


class CounterpartIsReporter(Rule):
    """Migrants from a country to itself."""

    info = RuleInfo(
        id="counterpart-is-reporter",
        severity=Severity.ERROR,
        title="The counterpart country is the reporting country",
        reference="ILMS R-18; annotation COUNTERPART_ROLE",
        why="Nobody migrates from a country to itself: a label was read as the wrong country.",
        mend="Correct the country, or leave the row out if it counts internal migrants.",
    )

    @classmethod
    def applies(cls, dsd: Dsd) -> bool:
        """Tell whether the table has a counterpart."""
        return counterpart_role(dsd) is not None and REF_AREA in dsd and COUNTERPART_AREA in dsd

    def feed(self, rows: Rows) -> Iterator[Finding]:
        """Look at the pairs of countries that occur."""
        role = counterpart_role(self.context.dsd)
        for area, counterpart, found in rows.pairs(REF_AREA, COUNTERPART_AREA):
            if area != counterpart:
                continue
            code = self.context.dsd[REF_AREA].codes.get(area)
            for row in found():
                yield self.finding(
                    f"{code.label() if code else area} stands as its own country of {role}.",
                    row=row,
                    component=COUNTERPART_AREA,
                    value=counterpart,
                )
