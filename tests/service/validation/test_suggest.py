"""What a finding says of the values that are allowed."""

from __future__ import annotations

from dataclasses import replace

from dsd.resolved import ResolvedComponent
from dsd.structures import Structures
from service.validation.suggest import LISTED, allowed_in_words

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ILMS:DF_MNA_OEMP_SEX_CDS(1.0.0)"


def uncoded(structures: Structures) -> ResolvedComponent:
    return structures.dsd(FLOW)["NOTE"]


def test_a_few_codes_are_listed(structures: Structures) -> None:
    assert allowed_in_words(structures.dsd(FLOW)["MEASURE"]) == "Allowed: MNA_OEMP."


def test_values_without_a_code_list_are_told(structures: Structures) -> None:
    named = replace(uncoded(structures), allowed=frozenset("ba"))
    assert allowed_in_words(named) == "Allowed: a, b."
    many = replace(named, allowed=frozenset(f"v{number:03}" for number in range(LISTED + 1)))
    assert allowed_in_words(many).endswith(" ....")
    excluded = replace(uncoded(structures), excluded=frozenset("xy"))
    assert allowed_in_words(excluded) == "Not allowed: x, y."
