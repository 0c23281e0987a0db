"""How constraints limit the codes of a component, shown on the small set."""

from __future__ import annotations

from pathlib import Path

import pytest

from codelists.base import Maintainable, replaced
from codelists.urn import Urn
from dsd.structure import (
    ComponentValue,
    CubeRegion,
    DataConstraint,
    DataConstraintAttachment,
    DataKey,
    DataKeySet,
    DataKeyValue,
    ValueSet,
)
from dsd.structures import Structures, load_structures

FLOW = Urn("Dataflow", "TEST", "DF_D", "1.0.0")
AGREEMENT = Urn("ProvisionAgreement", "TEST", "PA_D", "1.0.0")


@pytest.fixture
def small(examples: Path) -> Structures:
    folder = examples / "dsd" / "small-set"
    return load_structures([folder / room / "artefacts" for room in ("codelists", "dsd")])


def _constraint(
    *regions: CubeRegion, id: str = "CON_NEW", version: str = "1.0.0", on: Urn = FLOW
) -> Maintainable:
    attachment = (
        DataConstraintAttachment(dataflows=(str(on),))
        if on.type == "Dataflow"
        else DataConstraintAttachment(data_provider=str(on))
    )
    return DataConstraint(
        id=id,
        agency_id="TEST",
        version=version,
        names={"en": "New"},
        constraint_attachment=attachment,
        cube_regions=regions,
    )


def _values(id: str, *values: str | ComponentValue, include: bool | None = None) -> ValueSet:
    return ValueSet(id=id, values=values, include=include)


def test_constraints_cascade_from_dsd_to_provider(small: Structures) -> None:
    assert small.dsd(FLOW)["KIND"].allowed == {"K_T", "K_1", "K_2", "K_X"}
    assert small.dsd(FLOW)["AREA"].allowed is None
    assert small.dsd(AGREEMENT)["AREA"].allowed == {"AAA"}
    assert small.dsd(AGREEMENT)["KIND"].allowed == {"K_T", "K_1", "K_2", "K_X"}


def test_a_lower_constraint_cannot_widen(small: Structures) -> None:
    wider = _constraint(CubeRegion(key_values=(_values("KIND", "K", "K_1"),)))
    assert small.joined([wider]).dsd(FLOW)["KIND"].allowed == {"K_1"}


def test_an_excluding_region_or_value_set_excludes(small: Structures) -> None:
    region = _constraint(CubeRegion(include=False, key_values=(_values("AREA", "AAA"),)))
    values = _constraint(CubeRegion(key_values=(_values("AREA", "AAA", include=False),)))
    both = _constraint(
        CubeRegion(include=False, key_values=(_values("AREA", "AAA", include=False),))
    )
    assert small.joined([region]).dsd(FLOW)["AREA"].allowed == {"BBB"}
    assert small.joined([values]).dsd(FLOW)["AREA"].allowed == {"BBB"}
    assert small.joined([both]).dsd(FLOW)["AREA"].allowed == {"AAA"}


def test_what_is_excluded_of_a_component_without_code_list_is_no_more(small: Structures) -> None:
    """All other values are left, and none of them can be named."""
    note = next(
        c for c in small.dsd(FLOW).components if c.codelist is None and c.role.name != "TIME"
    )
    regions = (
        CubeRegion(components=(_values(note.id, "x", include=False),)),
        CubeRegion(include=False, components=(_values(note.id, "y"),)),
    )
    found = small.joined([_constraint(*regions)]).dsd(FLOW)[note.id]
    assert found.allowed is None
    assert found.excluded == {"x", "y"}
    assert [found.allows(value) for value in "xyz"] == [False, False, True]
    named = CubeRegion(components=(_values(note.id, "x", "z"),))
    both = small.joined([_constraint(*regions, named)]).dsd(FLOW)[note.id]
    assert [both.allows(value) for value in "xyz"] == [False, False, True]


def test_an_excluded_combination_takes_no_code_from_a_component(small: Structures) -> None:
    region = CubeRegion(include=False, key_values=(_values("AREA", "AAA"), _values("KIND", "K_X")))
    dsd = small.joined([_constraint(region)]).dsd(FLOW)
    assert dsd["AREA"].allowed is None
    assert dsd["KIND"].allows("K_X")


@pytest.mark.parametrize(
    ("cascade", "allowed"),
    [
        (True, {"K_T", "K_1", "K_2", "K_X"}),
        ("excluderoot", {"K_T", "K_1", "K_2", "K_X"}),
        (None, set()),
    ],
)
def test_a_value_cascades_to_the_codes_under_it(
    small: Structures, cascade: object, allowed: set[str]
) -> None:
    value = ComponentValue(value="K", cascade_values=cascade)  # type: ignore[arg-type]
    constraint = _constraint(CubeRegion(key_values=(_values("KIND", value),)))
    found = small.joined([constraint]).dsd(FLOW)["KIND"].allowed
    assert found == allowed


def test_a_new_version_of_a_constraint_replaces_the_old_one(small: Structures) -> None:
    provider = Urn("DataProvider", "TEST", "DATA_PROVIDERS", "1.0", "P_A")
    newer = _constraint(
        CubeRegion(key_values=(_values("AREA", "AAA", "BBB"),)),
        id="CON_P_A",
        version="1.1.0",
        on=provider,
    )
    draft = _constraint(
        CubeRegion(key_values=(_values("AREA", "BBB"),)),
        id="CON_P_A",
        version="1.2.0-draft",
        on=provider,
    )
    assert small.joined([newer]).dsd(AGREEMENT)["AREA"].allowed == {"AAA", "BBB"}
    assert small.joined([newer, draft]).dsd(AGREEMENT)["AREA"].allowed == {"AAA", "BBB"}


def _keys(*keys: dict[str, str], is_included: bool = True) -> DataKeySet:
    return DataKeySet(
        is_included=is_included,
        keys=tuple(
            DataKey(key_values=tuple(DataKeyValue(id=id, value=code) for id, code in key.items()))
            for key in keys
        ),
    )


def test_the_codes_in_the_keys_that_are_included_are_left(small: Structures) -> None:
    keys = _keys({"AREA": "AAA", "KIND": "K_1"}, {"AREA": "BBB", "KIND": "K_1"}, {"AREA": "AAA"})
    found = small.joined([replaced(_constraint(), data_key_sets=(keys,))]).dsd(FLOW)
    assert found["AREA"].allowed == {"AAA", "BBB"}
    # One of the keys takes any.
    assert found["KIND"].allowed == {"K_T", "K_1", "K_2", "K_X"}
    narrow = replaced(keys, keys=keys.keys[:2])
    found = small.joined([replaced(_constraint(), data_key_sets=(narrow,))]).dsd(FLOW)
    assert found["KIND"].allowed == {"K_1"}


def test_the_codes_of_a_component_in_keys_are_left_with_wildcards(small: Structures) -> None:
    key = DataKey(
        key_values=(DataKeyValue(id="AREA", values=("AAA", "BBB")),),
        components=(_values("KIND", "K_%"),),
    )
    keys = DataKeySet(is_included=True, keys=(key,))
    found = small.joined([replaced(_constraint(), data_key_sets=(keys,))]).dsd(FLOW)
    assert found["AREA"].allowed == {"AAA", "BBB"}
    assert found["KIND"].allowed == {"K_T", "K_1", "K_2", "K_X"}


def test_keys_that_are_excluded_and_keys_beside_regions_limit_no_code(small: Structures) -> None:
    excluded = replaced(_constraint(), data_key_sets=(_keys({"AREA": "AAA"}, is_included=False),))
    assert small.joined([excluded]).dsd(FLOW)["AREA"].allowed is None
    region = CubeRegion(key_values=(_values("AREA", "AAA"),))
    beside = replaced(_constraint(region), data_key_sets=(_keys({"AREA": "BBB"}),))
    assert small.joined([beside]).dsd(FLOW)["AREA"].allowed == {"AAA"}
