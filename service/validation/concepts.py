"""Ids of the cross-domain concepts that rules speak of.

SDMX Glossary and Content-Oriented Guidelines: these ids mean the same in every data structure. A rule that
needs one which a structure does not have does not apply to it.
"""

from __future__ import annotations

from dsd.resolved import Dsd

FREQ = "FREQ"
REF_AREA = "REF_AREA"
COUNTERPART_AREA = "COUNTERPART_AREA"
OBS_VALUE = "OBS_VALUE"
OBS_STATUS = "OBS_STATUS"
UNIT_MEASURE = "UNIT_MEASURE"
UNIT_MULT = "UNIT_MULT"

# Annotations of the ILMS artefacts.
TABLE_NUMBER = "TABLE_NUMBER"
COUNTERPART_ROLE = "COUNTERPART_ROLE"

VALUELESS_STATUSES = frozenset("OMLHQ")
"""Codes of the SDMX global list CL_OBS_STATUS 2.2 that say that there is no value."""

MISSING_STATUSES = VALUELESS_STATUSES | frozenset("KSJ")
"""Codes of the same list with which a value may be absent.

K says that it is counted elsewhere; S and J that an event or a derogation may be the cause.
"""

UNKNOWN_CODE = "_U"
"""Code that says "not known" in any list. SDMX Guidelines for the Creation of Code Lists, "special codes"."""

VALID_FROM = "VALID_FROM"
VALID_TO = "VALID_TO"
TIME_UNIT = "TIME_UNIT"

ORIGIN = "origin"
"""The role of a counterpart that may be a country of birth or citizenship."""


def counterpart_role(dsd: Dsd) -> str | None:
    """Return what the counterpart area is to the migrants of a table, None where it has none."""
    told = dsd.dataflow.annotation_value(COUNTERPART_ROLE) if dsd.dataflow else None
    return told or dsd.structure.annotation_value(COUNTERPART_ROLE)


def is_ilms_table(dsd: Dsd) -> bool:
    """Tell whether a structure or its dataflow is a table of the ILMS collection."""
    return any(
        artefact.annotation(TABLE_NUMBER) is not None
        for artefact in (dsd.structure, dsd.dataflow)
        if artefact is not None
    )


def is_additive(dsd: Dsd) -> bool:
    """Tell whether the figures of a table add up: counts do; means per unit of time do not."""
    return len(dsd.measures) == 1 and TIME_UNIT not in dsd
