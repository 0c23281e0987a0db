"""Every kind of finding that reading a data message can make; ids are permanent."""

from __future__ import annotations

from converters.conversion import ConversionRule
from dsd.finding import Severity

MISSING_DIMENSION = "missing-dimension"

READING_RULES: tuple[ConversionRule, ...] = (
    ConversionRule("not-sdmx-csv", Severity.FATAL, "The text is no SDMX-CSV 2.x message"),
    ConversionRule("not-json", Severity.FATAL, "The text is no JSON"),
    ConversionRule("not-sdmx-json", Severity.FATAL, "The text is no SDMX-JSON 2.x data message"),
    ConversionRule("not-sdmx-ml", Severity.FATAL, "The text is no SDMX-ML 2.1 data message"),
    ConversionRule("wrong-encoding", Severity.FATAL, "The bytes are no text in a known encoding"),
    ConversionRule("unbalanced-quotes", Severity.FATAL, "A quoted cell has no end"),
    ConversionRule("unknown-structure", Severity.FATAL, "The structure named is not known here"),
    ConversionRule("wrong-cell-count", Severity.ERROR, "A row has too few or too many cells"),
    ConversionRule("unknown-column", Severity.ERROR, "A column is no component of the structure"),
    ConversionRule("custom-column", Severity.WARNING, "A column of the sender's own was not read"),
    ConversionRule("duplicate-column", Severity.ERROR, "A component has two columns"),
    ConversionRule("unknown-component", Severity.ERROR, "A component is not in the structure"),
    ConversionRule(MISSING_DIMENSION, Severity.ERROR, "A dimension has no column or member"),
    ConversionRule("unknown-action", Severity.ERROR, "An action is none of the standard's"),
    ConversionRule("incomplete-key", Severity.ERROR, "A row lacks dimension values"),
    ConversionRule("contradictory-attribute", Severity.ERROR, "Rows disagree on one attribute"),
    ConversionRule("multilingual-values", Severity.ERROR, "Values in several languages"),
    ConversionRule("decimal-comma", Severity.INFO, "Decimal commas were read as decimal points"),
    ConversionRule("index-out-of-range", Severity.ERROR, "An index has no value in the structure"),
    ConversionRule("wrong-key", Severity.ERROR, "A key has a wrong number of indexes"),
)
