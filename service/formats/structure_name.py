"""What data say that they are structured by."""

from __future__ import annotations

from codelists.urn import Urn
from dsd.resolved import Dsd

_WORDS = {"ProvisionAgreement": "dataprovision", "Dataflow": "dataflow"}


def structure_urn(dsd: Dsd) -> Urn:
    """Return the identity that data name as their structure: agreement, dataflow or DSD."""
    return dsd.agreement or dsd.urn


def structure_word(dsd: Dsd) -> tuple[str, str]:
    """Return the word for the kind of structure, and its identity. sdmx-csv 2.1, `STRUCTURE`, `STRUCTURE_ID`."""
    urn = structure_urn(dsd)
    return _WORDS.get(urn.type, "datastructure"), urn.short
