"""Code lists that take over the codes of others. SDMX 3.1 Section 6, 6.1 (check-list 15)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelists.base import replaced
from codelists.item_scheme import (
    Code,
    Codelist,
    CodelistExtension,
    CodeSelection,
    Concept,
    ConceptScheme,
    GeoFeatureSetCode,
    GeographicCodelist,
    MemberValue,
)
from codelists.representation import Representation
from dsd.code_extension import codes_meant, with_inherited_codes
from dsd.soundness import constraint_faults, reference_fault
from dsd.structure import (
    CubeRegion,
    DataConstraint,
    DataConstraintAttachment,
    DataStructure,
    DataStructureComponents,
    Dimension,
    DimensionList,
    Measure,
    MeasureList,
    ValueSet,
)
from dsd.structures import Structures, UnknownArtefactError

URN = "urn:sdmx:org.sdmx.infomodel.codelist.Codelist=T:{}(1.0.0)"


def code_list(id: str, codes: str, *extensions: CodelistExtension) -> Codelist:
    """Return a list of codes written as `A B<A`: B has the parent A. Names say where a code is from."""
    return Codelist(
        agency_id="T",
        id=id,
        version="1.0.0",
        codes=tuple(code(text, id) for text in codes.split()),
        codelist_extensions=extensions,
    )


def code(text: str, home: str) -> Code:
    id, _, parent = text.partition("<")
    return Code(id=id, names={"en": f"{id} of {home}"}, parent=parent or None)


def extension(id: str, prefix: str | None = None, **selection: CodeSelection) -> CodelistExtension:
    return CodelistExtension(codelist=URN.format(id), prefix=prefix, **selection)


def only(*members: str | MemberValue) -> dict[str, CodeSelection]:
    return {"inclusive_code_selection": CodeSelection(member_values=members)}


def without(*members: str | MemberValue) -> dict[str, CodeSelection]:
    return {"exclusive_code_selection": CodeSelection(member_values=members)}


def resolved(codelist: Codelist, *others: Codelist) -> Codelist:
    known = {str(entry.urn): entry for entry in (codelist, *others)}
    return with_inherited_codes(codelist, known.get)


def written(codes: Iterable[Code]) -> str:
    return " ".join(f"{c.id}<{c.parent}" if c.parent else c.id for c in codes)


INDICATOR = code_list("INDICATOR", "A E F")
SERIES = code_list("SERIES", "A B C<B")


def test_a_list_that_extends_none_is_itself() -> None:
    assert resolved(INDICATOR) is INDICATOR


def test_of_two_codes_the_one_of_the_later_list_stays() -> None:
    found = resolved(
        code_list("EX", "X Y", extension("INDICATOR"), extension("SERIES")), INDICATOR, SERIES
    )
    assert written(found.codes) == "E F A B C<B X Y"
    assert found.codes[2].names == {"en": "A of SERIES"}
    assert found.codelist_extensions == ()


def test_15_own_codes_win_over_inherited_ones() -> None:
    found = resolved(code_list("EX", "A X<E", extension("INDICATOR")), INDICATOR)
    assert written(found.codes) == "E F A X<E"
    assert found.codes[2].names == {"en": "A of EX"}


def test_15_a_prefix_stands_before_ids_and_parents() -> None:
    found = resolved(
        code_list("EX", "X", extension("INDICATOR"), extension("SERIES", "SER_")), INDICATOR, SERIES
    )
    assert written(found.codes) == "A E F SER_A SER_B SER_C<SER_B X"


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (only("A", "C"), "A C"),
        (without("A"), "B C<B"),
        (only("%"), "A B C<B"),
        (without("B"), "A C"),
        (only(MemberValue(value="B", cascade_values=True)), "B C<B"),
        (only(MemberValue(value="B", cascade_values="excluderoot")), "C"),
        (without(MemberValue(value="B", cascade_values=True)), "A"),
        ({"inclusive_code_selection": CodeSelection(wildcarded_member_values=("B%",))}, "B"),
    ],
)
def test_15_a_selection_takes_or_leaves_codes(
    selection: dict[str, CodeSelection], expected: str
) -> None:
    found = resolved(code_list("EX", "", extension("SERIES", **selection)), SERIES)
    assert written(found.codes) == expected


def test_a_code_never_hangs_under_one_of_another_list() -> None:
    other = code_list("OTHER", "B")
    ex = code_list("EX", "", extension("SERIES"), extension("OTHER"))
    # The B of SERIES gave way, so C has no parent any more.
    assert written(resolved(ex, SERIES, other).codes) == "A C B"
    assert written(resolved(code_list("EX", "B", extension("SERIES")), SERIES).codes) == "A C B"


def test_15_extensions_are_followed_to_their_ends() -> None:
    middle = code_list("MIDDLE", "M", extension("SERIES", "S_"))
    found = resolved(code_list("EX", "X", extension("MIDDLE", "M_")), middle, SERIES)
    assert written(found.codes) == "M_S_A M_S_B M_S_C<M_S_B M_M X"


def test_what_cannot_be_taken_over_stays_an_extension() -> None:
    missing = code_list("EX", "X", extension("INDICATOR"), extension("NOWHERE"))
    found = resolved(missing, INDICATOR)
    assert written(found.codes) == "A E F X"
    assert [entry.codelist for entry in found.codelist_extensions] == [URN.format("NOWHERE")]


def test_lists_that_extend_each_other_come_to_an_end() -> None:
    one = code_list("ONE", "A", extension("TWO"))
    two = code_list("TWO", "B", extension("ONE"))
    assert written(resolved(one, two).codes) == "B A"


def test_places_lose_their_outline_in_a_plain_list_and_have_one_in_a_geographic_list() -> None:
    place = GeoFeatureSetCode(id="P", names={"en": "Place"}, value="POINT(1 2)")
    places = GeographicCodelist(agency_id="T", id="PLACES", version="1.0.0", codes=(place,))
    found = resolved(code_list("EX", "X", extension("PLACES")), places)
    assert [type(entry) for entry in found.codes] == [Code, Code]
    assert found.codes[0].names == place.names
    more = replaced(places, id="MORE", codelist_extensions=(extension("SERIES"),))
    assert resolved(more, SERIES).codes == (place,)
    assert len(resolved(more, SERIES).codelist_extensions) == 1


def test_references_and_constraints_know_inherited_codes() -> None:
    """`ilms artefacts check` finds nothing wrong with a code that is inherited, or with a wildcard that fits one."""
    extending = code_list("EX", "X", extension("SERIES", "S_"))
    concept = "urn:sdmx:org.sdmx.infomodel.conceptscheme.Concept=T:CS(1.0.0).{}"
    named = {"agency_id": "T", "version": "1.0.0"}
    held = [
        SERIES,
        extending,
        ConceptScheme(**named, id="CS", concepts=(Concept(id="D"), Concept(id="V"))),
        DataStructure(
            **named,
            id="DSD",
            data_structure_components=DataStructureComponents(
                dimension_list=DimensionList(
                    dimensions=(
                        Dimension(
                            id="D",
                            concept_identity=concept.format("D"),
                            local_representation=Representation(enumeration=URN.format("EX")),
                        ),
                    )
                ),
                measure_list=MeasureList(
                    measures=(Measure(id="V", concept_identity=concept.format("V")),)
                ),
            ),
        ),
    ]

    def limited(*values: str) -> DataConstraint:
        region = CubeRegion(key_values=(ValueSet(id="D", values=values),))
        target = "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=T:DSD(1.0.0)"
        return DataConstraint(
            **named,
            id="C",
            constraint_attachment=DataConstraintAttachment(data_structures=(target,)),
            cube_regions=(region,),
        )

    right, wrong = limited("S_A", "S_%", "X"), limited("A", "T_%")
    structures = Structures([*held, right])
    assert list(constraint_faults(right, structures)) == []
    assert list(constraint_faults(wrong, structures)) == ["D has no code A.", "D has no code T_%."]
    dsd = structures.dsd("urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=T:DSD(1.0.0)")
    assert written(dsd["D"].allowed_codes) == "S_A S_B S_C<S_B X"
    item = "urn:sdmx:org.sdmx.infomodel.codelist.Code=T:EX(1.0.0).{}"
    assert reference_fault(item.format("S_B"), "Code", structures) is None
    assert reference_fault(item.format("B"), "Code", structures) is not None
    with pytest.raises(UnknownArtefactError, match="extends"):
        Structures(held[1:]).dsd(
            structures.dsd(right.constraint_attachment.targets[0]).structure.urn
        )


ids = st.text("AB_1", min_size=1, max_size=3)


@given(st.sets(ids), st.text("AB_1%", min_size=1, max_size=4))
def test_a_wildcard_is_any_text(known: set[str], pattern: str) -> None:
    codelist = code_list("X", " ".join(sorted(known)))

    def fits(id: str, wanted: str) -> bool:
        if not wanted:
            return not id
        if wanted[0] == "%":
            return any(fits(id[n:], wanted[1:]) for n in range(len(id) + 1))
        return bool(id) and id[0] == wanted[0] and fits(id[1:], wanted[1:])

    if "%" in pattern:
        assert codes_meant(codelist, pattern, None) == {id for id in known if fits(id, pattern)}
    else:
        assert codes_meant(codelist, pattern, None) == {pattern}
