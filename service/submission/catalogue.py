"""The page that explains every rule: docs/rules.md, written from what the rules say of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from converters.conversion import CONVERSION_RULES, ConversionRule
from service.formats.fitting import FITTING_RULES
from service.formats.reading_rule import READING_RULES
from service.formats.structure_rule import STRUCTURE_RULES
from service.submission.receive import SUBMISSION_RULES
from service.validation.rule import RuleInfo
from service.validation.rules import RULES
from service.validation.waiver import WAIVER_RULES

_HEAD = """# Rules

What is checked in data, and what each finding means. Rule ids are permanent: `#unknown-code` on this page
stays where it is. Written from the rules themselves by `service.submission.catalogue`; a test compares.

Severities: **fatal** and **error** reject the table (a fatal finding always, an error unless a
[waiver](#waivers) allows it with a recorded reason); **warning** and **info** do not.

Sums follow the PARTITION annotations of the code lists and nothing else. A set is complete where all its
required parts are reported; it must then equal the total, else it may not exceed it. The rounding unit is the
finest step reported in the same table, area, source and period; half a unit may be off for each part and for
the total, inclusive. Figures are compared in decimal arithmetic, with their UNIT_MULT. A figure that is
missing, given twice or under an unreadable code leaves its set incomplete, so that one mistake is one finding.
A group of countries reported beside single ones may repeat some or stand for others: the total may then lie
anywhere between the sums without and with it. Tables of means (NOT_ADDITIVE) have no sums.
"""
_WAIVERS = """A file of waivers (`--waivers`, TOML or JSON) names rule, keys or cells, author and reason:

```toml
[[waiver]]
rule = "partition-sum"
dataflow = "DF_MNA_TPOP_SEX_CRS"                     # optional
component = "SEX"                                    # optional: of several sums at one cell, that over the sexes
keys = [{REF_AREA = "KHM", TIME_PERIOD = "2010"}]    # part of a key means all cells that have it
cells = ["T13!F17"]                                  # as the report names them; keys or cells or both
author = "Office that allows it"
reason = "The source itself publishes these figures."
expires = 2027-12-31                                 # optional, the last day on which it holds
```

An allowed error stays in the report with its reason, and goes into the ledger with the data.
"""
_READING = """Findings of the workbook reader. What cannot be read for certain is not read; correct the cell that
the message names.
"""


def rules_page() -> str:
    """Return docs/rules.md."""
    lines = [
        _HEAD,
        *_overview(rule.info for rule in RULES),
        "",
        *_sections(rule.info for rule in RULES),
        "## Submissions",
        "",
        *_sections(SUBMISSION_RULES),
        "## Waivers",
        "",
        _WAIVERS,
        *_sections(WAIVER_RULES),
        "## Reading a questionnaire",
        "",
        _READING,
        *_reading(CONVERSION_RULES),
        "## Reading a data message",
        "",
        "Findings of the readers of SDMX-CSV, SDMX-JSON and SDMX-ML.\n",
        *_reading(READING_RULES),
        "## Converting data",
        "",
        "What data hold that the format asked for does not.\n",
        *_reading(FITTING_RULES),
        "## Converting structures",
        "",
        "What a structure message says that the format asked for cannot.\n",
        *_reading(STRUCTURE_RULES),
    ]
    return "\n".join(lines)


def _overview(infos: Iterable[RuleInfo]) -> Iterator[str]:
    yield "| rule | severity | what |"
    yield "|---|---|---|"
    for info in infos:
        yield f"| [{info.id}](#{info.id}) | {info.severity.value} | {info.title} |"


def _sections(infos: Iterable[RuleInfo]) -> Iterator[str]:
    for info in infos:
        yield f"### {info.id}"
        yield ""
        yield f"**{info.severity.value}**: {info.title}. ({info.reference})"
        yield ""
        yield f"{info.why} *To mend:* {info.mend}"
        yield ""


def _reading(rules: Iterable[ConversionRule]) -> Iterator[str]:
    yield "| rule | severity | what |"
    yield "|---|---|---|"
    content = {rule.info.id for rule in RULES}
    for rule in rules:
        # One id, one anchor: what a rule on content explains is only referred to.
        name = (
            f"[{rule.id}](#{rule.id})" if rule.id in content else f'<a id="{rule.id}"></a>{rule.id}'
        )
        yield f"| {name} | {rule.severity.value} | {rule.title} |"
    yield ""
