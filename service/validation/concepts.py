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

NO_VALUE = "NO_VALUE"
"""On a code of OBS_STATUS: `Y` where it says that there is no value, `OPTIONAL` where it may be absent."""

NOT_ADDITIVE = "NOT_ADDITIVE"
"""On a DSD: `Y` where its figures are no counts and do not add up."""

VALID_FROM = "VALID_FROM"
VALID_TO = "VALID_TO"

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
    """Tell whether the figures of a table add up: counts do; means do not."""
    return len(dsd.measures) == 1 and dsd.structure.annotation_value(NOT_ADDITIVE) != "Y"


def valueless_statuses(dsd: Dsd, *, optional: bool = False) -> frozenset[str]:
    """Return the codes of OBS_STATUS that say that there is no value.

    Args:
        dsd: the structure, which has OBS_STATUS.
        optional: take in those with which a value may be absent or present.
    """
    marks = ("Y", "OPTIONAL") if optional else ("Y",)
    codes = dsd[OBS_STATUS].codes.values()
    return frozenset(code.id for code in codes if code.annotation_value(NO_VALUE) in marks)
