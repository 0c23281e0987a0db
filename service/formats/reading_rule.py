"""Every kind of finding that reading a data message can make; ids are permanent."""

from __future__ import annotations

from converters.conversion import ConversionRule
from dsd.finding import Finding, Severity

MISSING_DIMENSION = "missing-dimension"

READING_RULES: tuple[ConversionRule, ...] = (
    ConversionRule("not-sdmx-csv", Severity.FATAL, "The text is no SDMX-CSV message"),
    ConversionRule("not-json", Severity.FATAL, "The text is no JSON"),
    ConversionRule("not-sdmx-json", Severity.FATAL, "The text is no SDMX-JSON 2.x data message"),
    ConversionRule(
        "not-sdmx-ml",
        Severity.FATAL,
        "The text is no SDMX-ML data message of version 2.0 to 3.1, or breaks off",
    ),
    ConversionRule("wrong-encoding", Severity.FATAL, "The bytes are no text in a known encoding"),
    ConversionRule("unbalanced-quotes", Severity.FATAL, "A quoted cell has no end"),
    ConversionRule("unknown-structure", Severity.FATAL, "The structure named is not known here"),
    ConversionRule(
        "unnamed-structure", Severity.INFO, "The message names no structure; the caller did"
    ),
    ConversionRule(
        "other-version", Severity.INFO, "The message is of another version than was said"
    ),
    ConversionRule(
        "stray-quote", Severity.WARNING, "A quotation mark stands in a cell that is not quoted"
    ),
    ConversionRule(
        "contradictory-key", Severity.WARNING, "A key column contradicts the dimensions"
    ),
    ConversionRule(
        "contradictory-label", Severity.WARNING, "A name beside a code is not the code's"
    ),
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
    ConversionRule(
        "unstated-language", Severity.WARNING, "A text in languages does not say its own"
    ),
    ConversionRule(
        "reserved-character", Severity.ERROR, "A text holds a character that parts languages here"
    ),
    ConversionRule("decimal-comma", Severity.INFO, "Decimal commas were read as decimal points"),
    ConversionRule(
        "wrong-structure-ref", Severity.WARNING, "The header has no such structure, but only one"
    ),
    ConversionRule("action-of-another-version", Severity.WARNING, "The version has no such action"),
    ConversionRule("wildcard-delete", Severity.ERROR, "The version deletes by whole keys only"),
    ConversionRule(
        "unexpected-namespace",
        Severity.INFO,
        "An element is of another namespace than the standard's",
    ),
    ConversionRule(
        "unknown-element", Severity.ERROR, "An element has no place here and was left out"
    ),
    ConversionRule("stray-text", Severity.WARNING, "Text where the standard has none was left out"),
    ConversionRule("metadata-not-kept", Severity.WARNING, "Reference metadata are not kept"),
    ConversionRule(
        "several-values", Severity.ERROR, "A component that takes one value has several"
    ),
    ConversionRule(
        "duplicate-component", Severity.ERROR, "A component has two values in one element"
    ),
    ConversionRule(
        "value-without-id", Severity.ERROR, "A value does not say of which component it is"
    ),
    ConversionRule(
        "structured-text", Severity.WARNING, "Marked-up text where none is taken, or not of XHTML"
    ),
    ConversionRule(
        "sender-deviation", Severity.INFO, "What the schema has otherwise, and nothing depends on"
    ),
    ConversionRule(
        "escaped-text", Severity.INFO, "A text holds what a program wrote for another character"
    ),
    ConversionRule("duplicate-member", Severity.ERROR, "A JSON object has a member twice"),
    ConversionRule(
        "missing-measures", Severity.WARNING, "The message does not describe its measures"
    ),
    ConversionRule(
        "annotations-not-kept", Severity.WARNING, "Annotations that have no place here are not kept"
    ),
    ConversionRule(
        "sender-error", Severity.WARNING, "The sender says with the data that something went wrong"
    ),
    ConversionRule(
        "sender-time-zone", Severity.WARNING, "Periods go by another clock than that of UTC"
    ),
    ConversionRule("index-out-of-range", Severity.ERROR, "An index has no value in the structure"),
    ConversionRule("binary-number", Severity.INFO, "Texts were made of binary numbers"),
    ConversionRule("unreadable-column", Severity.ERROR, "A column is of a type without values"),
    ConversionRule("not-json-stat", Severity.FATAL, "The message is no JSON-stat 2.0 dataset"),
    ConversionRule("wrong-metadata", Severity.FATAL, "What a file says of itself cannot be read"),
    ConversionRule("not-xlsx", Severity.FATAL, "The file is no workbook with a sheet of data"),
    ConversionRule("unreadable-cell", Severity.ERROR, "A cell holds no value that can be told"),
    ConversionRule("not-parquet", Severity.FATAL, "The file is no Parquet file, or damaged"),
    ConversionRule(
        "not-arrow", Severity.FATAL, "The file is no Arrow IPC stream or file, or damaged"
    ),
    ConversionRule("wrong-key", Severity.ERROR, "A key has a wrong number of indexes"),
)


def metadata_not_kept(name: str, structure: str, locator: str | None) -> Finding:
    """Return the finding of a metadata attribute among the attributes of data."""
    return Finding(
        rule="metadata-not-kept",
        severity=Severity.WARNING,
        message=f"{name!r} is an attribute of the metadata structure of {structure}: reference metadata, which are not kept.",
        dataflow=structure,
        component=name,
        locator=locator,
    )
