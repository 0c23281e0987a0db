"""What a conversion hands back: datasets, findings, and what became of each table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dsd.dataset import Dataset
from dsd.finding import Report, Severity


class ConversionRule(NamedTuple):
    """A kind of finding that reading a file can make."""

    id: str
    severity: Severity
    title: str


CONVERSION_RULES: tuple[ConversionRule, ...] = (
    ConversionRule("no-table", Severity.FATAL, "No sheet of the workbook is a table"),
    ConversionRule("unknown-sheet", Severity.WARNING, "A sheet is no table of the questionnaire"),
    ConversionRule("damaged-header", Severity.FATAL, "The headings of a sheet cannot be found"),
    ConversionRule("missing-country", Severity.FATAL, "A sheet does not say whose data they are"),
    ConversionRule("other-country", Severity.ERROR, "A sheet is of another country than expected"),
    ConversionRule("missing-header-value", Severity.ERROR, "A line of the header block is blank"),
    ConversionRule("undeclared-unit", Severity.ERROR, "The unit of the figures is not declared"),
    ConversionRule("unknown-label", Severity.ERROR, "A label is no code of its list"),
    ConversionRule("ambiguous-label", Severity.ERROR, "A label can be several codes"),
    ConversionRule("doubtful-label", Severity.WARNING, "A label was read as the likelier of two"),
    ConversionRule("code-not-allowed", Severity.FATAL, "A code may not be reported here"),
    ConversionRule("missing-label", Severity.ERROR, "Figures stand in a row without a label"),
    ConversionRule("bad-period", Severity.ERROR, "A column heading is no period"),
    ConversionRule("duplicate-heading", Severity.ERROR, "Two rows or columns have one heading"),
    ConversionRule("duplicate-cell", Severity.ERROR, "Two cells report one observation"),
    ConversionRule("value-in-unselected-row", Severity.ERROR, "Figures in a row nobody chose"),
    ConversionRule("bad-number", Severity.ERROR, "A figure cannot be read for certain"),
    ConversionRule("text-in-value-cell", Severity.ERROR, "A text stands where a figure should"),
    ConversionRule("number-as-text", Severity.WARNING, "A figure is stored as a text"),
    ConversionRule("ambiguous-marker", Severity.WARNING, "A sign may mean zero or missing"),
    ConversionRule("uncomputed-formula", Severity.ERROR, "A formula has no stored value"),
    ConversionRule("error-cell", Severity.ERROR, "A formula has failed"),
    ConversionRule("date-in-value-cell", Severity.ERROR, "A date stands where a figure should"),
    ConversionRule("percent-format", Severity.ERROR, "A figure is shown as a percentage"),
    ConversionRule("scaled-format", Severity.WARNING, "A number format hides thousands"),
    ConversionRule("hidden-figures", Severity.WARNING, "Figures stand where nobody sees them"),
    ConversionRule("merged-value-cells", Severity.ERROR, "Cells of figures are merged"),
    ConversionRule("unknown-flag", Severity.ERROR, "A flag is no code"),
    ConversionRule("value-outside-table", Severity.ERROR, "A figure belongs to no column"),
    ConversionRule("text-outside-table", Severity.INFO, "A text was not read"),
    ConversionRule("contact-in-notes", Severity.ERROR, "A note tells how to reach a person"),
    ConversionRule(
        "undescribed-source", Severity.WARNING, "A source is missing from the sources sheet"
    ),
    ConversionRule(
        "source-contradiction", Severity.WARNING, "What is said of a source contradicts itself"
    ),
    ConversionRule(
        "unread-source", Severity.WARNING, "A cell of the sources sheet could not be read"
    ),
    ConversionRule("gap-with-values", Severity.WARNING, "Figures stand beside a reason for none"),
    ConversionRule(
        "empty-table", Severity.INFO, "A table has neither figures nor a reason for none"
    ),
)
"""Every kind of finding of this room; ids are permanent."""

SEVERITY_OF_RULE = {rule.id: rule.severity for rule in CONVERSION_RULES}


@dataclass(frozen=True)
class TableSummary:
    """What was found of one table of one country."""

    table: str
    """The name of its sheet in the questionnaire: `T15`."""
    dataflow: str
    """`AGENCY:ID(VERSION)`."""
    country: str | None
    sheets: tuple[str, ...]
    observations: int
    gap_reason: str | None = None
    """Id of the reason for which there are no data; None where none is given."""
    periods: tuple[str, ...] = ()
    """Those that the columns of its sheets are headed by, filled or not."""


@dataclass(frozen=True)
class SourceDescription:
    """What a sources sheet says of one source; what is private is not in it."""

    source: str
    """Code of the source."""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Codes, or one text, by the id of the column; an id that is no component of a table describes the source."""
    locators: Mapping[str, str] = field(default_factory=dict)
    """The cell that says it, by the same ids; that of the source itself too."""
    country: str | None = None


@dataclass(frozen=True)
class Conversion:
    """A national file as datasets, with what is wrong with it."""

    datasets: tuple[Dataset, ...]
    """One a table and country that has observations; batches carry `$locator` and can be read again."""
    report: Report
    tables: tuple[TableSummary, ...]
    """One a table and country that has a sheet, in the order of the sheets."""
    sources: tuple[SourceDescription, ...] = ()
    """What the sources sheet says of each source; what is private stays in the file."""
    origins: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The locator of the cell that says what holds for a whole sheet, by (sheet, component id); that of the
    sources sheet where it settles the line."""
