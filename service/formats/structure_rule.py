"""Every kind of finding that reading or writing structures can make; ids are permanent."""

from __future__ import annotations

from converters.conversion import ConversionRule
from dsd.finding import Severity

NOT_EXPRESSIBLE = "not-expressible"
WRITTEN_OTHERWISE = "written-otherwise"
EXTENSION_NOT_KEPT = "extension-not-kept"
MESSAGE_HAS_ERRORS = "message-has-errors"

STRUCTURE_RULES: tuple[ConversionRule, ...] = (
    ConversionRule(
        NOT_EXPRESSIBLE,
        Severity.WARNING,
        "The format asked for has no words for it: it was left out",
    ),
    ConversionRule(
        WRITTEN_OTHERWISE,
        Severity.INFO,
        "The format asked for says it in another way than the source",
    ),
    ConversionRule(
        EXTENSION_NOT_KEPT, Severity.WARNING, "An extension of the sender's own was not read"
    ),
    ConversionRule(
        MESSAGE_HAS_ERRORS, Severity.WARNING, "The sender reports errors beside the structures"
    ),
)
