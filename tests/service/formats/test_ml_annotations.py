"""Annotations, texts in languages and marked-up texts in SDMX-ML: written validly, read back as they were."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from codelists.base import Annotation, Link
from dsd.annotated import annotations_text
from dsd.batch import ANNOTATIONS, batch_schema, batches_from_rows, rows_of
from dsd.dataset import Action, AttributeValues, PreparedDataset
from dsd.finding import Report
from dsd.localised import compose, parse
from dsd.resolved import Dsd
from dsd.structures import Structures
from service.formats import find_data_format
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.ml_reading import Ways, decode_ml
from service.formats.preamble import in_key_order, make_preamble
from service.formats.sdmx_ml_markup import MarkupError, canonical

Row = dict[str, Any]
Values = dict[frozenset[tuple[str, str]], dict[str, Any]]

FLOW = "urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow=TST:DF_{}(1.0.0)"
VERSIONS = {
    "ml21": "2.1",
    "ml21-generic": "2.1",
    "ml21-timeseries": "2.1",
    "ml21-generic-timeseries": "2.1",
    "ml30": "3.0",
    "ml31": "3.1",
}
LATER = ("ml30", "ml31")
LAYOUTS = ("TIME_PERIOD", "AllDimensions", "SEX")


@pytest.fixture(scope="module")
def dsd_l(localised: Structures) -> Dsd:
    return localised.dsd(FLOW.format("L"))


@pytest.fixture(scope="module")
def dsd_x(marked_up: Structures) -> Dsd:
    return marked_up.dsd(FLOW.format("X"))


@pytest.fixture(scope="module")
def schemas(dsd_l: Dsd, ml_schema: Callable[..., etree.XMLSchema]) -> dict[str, etree.XMLSchema]:
    """The schema of all layouts of DF_L, by format."""
    layouts = [(dsd_l, dimension) for dimension in LAYOUTS]
    found = {
        (version, series): ml_schema(version, layouts, is_time_series=series)
        for version, series in {(VERSIONS[n], False) for n in VERSIONS}
    }
    found["2.1", True] = ml_schema("2.1", layouts[:1], is_time_series=True)
    return {name: found[version, name == "ml21-timeseries"] for name, version in VERSIONS.items()}


def encode(
    name: str,
    header: Header,
    dsd: Dsd,
    rows: Iterable[Row],
    above: Iterable[AttributeValues] = (),
    action: Action = Action.REPLACE,
    **options: Any,
) -> bytes:
    encoder = find_data_format(name).encode
    assert encoder
    rows = list(rows)
    schema = batch_schema(dsd, annotations=any(ANNOTATIONS in row for row in rows))
    batches = list(batches_from_rows(dsd, rows, schema))
    preamble = make_preamble(dsd, batches, tuple(above))
    if action is not Action.DELETE and not options.get("series_only"):
        batches = in_key_order(dsd, batches, preamble)
    dataset = PreparedDataset(dsd, preamble, batches, action)
    return b"".join(encoder(header, [dataset], EncodeOptions(**options)))


def decode(body: bytes, structures: Structures, ways: Ways) -> tuple[list[Row], Values]:
    report = Report()
    rows: list[Row] = []
    values: Values = {}
    for dataset in decode_ml(io.BytesIO(body), structures, report, ways=ways):
        rows += [{i: v for i, v in r.items() if i != "$locator"} for r in rows_of(dataset.batches)]
        for entry in dataset.attributes:
            values.setdefault(frozenset(entry.key.items()), {}).update(entry.values)
    assert report.findings == []
    return rows, values


def both_ways(body: bytes, structures: Structures) -> tuple[list[Row], Values]:
    """Return what is read, after a look that reading in bulk gives the same."""
    exact = decode(body, structures, Ways(0))
    assert decode(body, structures, Ways(200, 0)) == exact
    return exact


def by_key(entries: Iterable[AttributeValues]) -> Values:
    return {frozenset(entry.key.items()): dict(entry.values) for entry in entries}


def in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: sorted(map(str, row.items())))


NOTE = annotations_text([Annotation(id="N", title="Note")])
AREA = {"REF_AREA": "IDN"}
SERIES = AREA | {"SEX": "M"}
ROW: Row = SERIES | {"TIME_PERIOD": "2024", "OBS_VALUE": "1"}


# -- annotations -----------------------------------------------------------------------------------

texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="￾￿")
    | st.sampled_from("\n\t\";,'&<>=:|[]{} "),
    max_size=8,
)
languages = st.dictionaries(st.sampled_from(["en", "fr", "lo", "zh-Hant"]), texts, min_size=1)
links = st.builds(
    Link,
    rel=st.just("self"),
    href=st.text("abé/?&=;'", max_size=4).map(lambda text: f"https://example.org/{text}"),
    hreflang=st.none() | st.just("fr"),
)
annotation = st.builds(
    Annotation,
    id=st.none() | st.sampled_from(["A", "B 2"]),
    title=st.none() | texts,
    type=st.none() | texts,
    value=st.none() | texts,
    texts=st.just({}) | languages,
    links=st.lists(links, max_size=2).map(tuple),
)
notes = st.lists(annotation, min_size=1, max_size=2).map(annotations_text)
keys = st.tuples(
    st.sampled_from(["IDN", "LAO"]), st.sampled_from(["M", "F"]), st.sampled_from(["2019", "2020"])
)
IDS = ("REF_AREA", "SEX", "TIME_PERIOD")
partial = st.sets(st.sampled_from(IDS)).flatmap(
    lambda ids: keys.map(lambda key: {id: v for id, v in zip(IDS, key, strict=True) if id in ids})
)


def joined(entries: Iterable[tuple[dict[str, str], str]]) -> list[AttributeValues]:
    """Return annotations once a key."""
    found = {frozenset(key.items()): (key, text) for key, text in entries}
    return [AttributeValues(key, {ANNOTATIONS: text}) for key, text in found.values()]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.dictionaries(keys, st.none() | notes, max_size=5),
    above=st.lists(st.tuples(partial, notes), max_size=4).map(joined),
    with_values=st.booleans(),
    name=st.sampled_from(list(VERSIONS)),
    dimension=st.sampled_from(LAYOUTS),
)
def test_any_annotations_are_valid_and_come_back(
    drawn: dict[Any, str | None],
    above: list[AttributeValues],
    with_values: bool,
    name: str,
    dimension: str,
    header: Header,
    dsd_l: Dsd,
    localised: Structures,
    schemas: dict[str, etree.XMLSchema],
) -> None:
    rows: list[Row] = [
        dict(zip(IDS, key, strict=True))
        | {"OBS_VALUE": "1"}
        | ({} if noted is None else {ANNOTATIONS: noted})
        for key, noted in drawn.items()
    ]
    entries = list(above)
    if with_values:
        entries.append(AttributeValues(SERIES, {"SERIES_NOTE": "noted"}))
        entries += [AttributeValues({"REF_AREA": a}, {"AREA_NOTE": a}) for a in ("IDN", "LAO")]
    if name.endswith("timeseries"):
        dimension = "TIME_PERIOD"
    try:
        body = encode(name, header, dsd_l, rows, entries, dimension_at_observation=dimension)
    except NotExpressibleError:
        # What is refused, and how that is said, is below.
        assert VERSIONS[name] == "2.1"
        return
    schemas[name].assertValid(etree.fromstring(body))
    found, values = both_ways(body, localised)
    assert in_order(found) == in_order(rows)
    expected: Values = {}
    for entry in entries:
        expected.setdefault(frozenset(entry.key.items()), {}).update(entry.values)
    assert values == expected


@pytest.mark.parametrize(
    ("name", "dimension", "key", "said"),
    [
        ("ml21", "AllDimensions", SERIES, "ask for TIME_PERIOD at the observation"),
        ("ml21-generic", "SEX", SERIES, "ask for TIME_PERIOD at the observation"),
        ("ml21", "TIME_PERIOD", {"SEX": "M"}, "SDMX-ML 3.1 or SDMX-JSON 2.1"),
        ("ml21-generic", "TIME_PERIOD", AREA, "write structure-specific data"),
    ],
)
def test_annotations_without_an_element_are_refused_with_a_layout_that_has_one(
    name: str, dimension: str, key: dict[str, str], said: str, header: Header, dsd_l: Dsd
) -> None:
    above = [AttributeValues(key, {ANNOTATIONS: NOTE})]
    with pytest.raises(NotExpressibleError, match=said):
        encode(name, header, dsd_l, [ROW], above, dimension_at_observation=dimension)


def test_what_a_version_has_no_place_for_in_an_annotation_is_refused(
    header: Header, dsd_l: Dsd
) -> None:
    addresses = tuple(Link(rel="self", href=f"https://example.org/{n}") for n in range(2))
    row = ROW | {ANNOTATIONS: annotations_text([Annotation(id="TWO", links=addresses)])}
    with pytest.raises(NotExpressibleError, match="more than one of the links of TWO"):
        encode("ml21", header, dsd_l, [row])
    assert b"example.org/1" in encode("ml30", header, dsd_l, [row])


@pytest.mark.parametrize("name", VERSIONS)
def test_series_alone_have_their_annotations(
    name: str, header: Header, dsd_l: Dsd, localised: Structures
) -> None:
    above = [AttributeValues(SERIES, {ANNOTATIONS: NOTE})]
    body = encode(name, header, dsd_l, [SERIES], above, series_only=True, component_ids=())
    assert both_ways(body, localised) == ([], by_key(above))


@pytest.mark.parametrize("dimension", ["TIME_PERIOD", "AllDimensions"])
@pytest.mark.parametrize("name", ["ml21", "ml21-generic", "ml30", "ml31"])
def test_deletions_name_annotations(
    name: str, dimension: str, header: Header, dsd_l: Dsd, localised: Structures
) -> None:
    key = {id: ROW[id] for id in IDS}
    rows = [key | {ANNOTATIONS: NOTE}, key | {"TIME_PERIOD": "2023", "OBS_VALUE": "-"}]
    above = [
        AttributeValues({}, {ANNOTATIONS: NOTE}),
        AttributeValues(AREA, {ANNOTATIONS: NOTE, "AREA_NOTE": "-"}),
    ]
    body = encode(
        name, header, dsd_l, rows, above, Action.DELETE, dimension_at_observation=dimension
    )
    assert both_ways(body, localised) == (rows, by_key(above))
    of_series = [AttributeValues(SERIES, {ANNOTATIONS: NOTE})]
    if VERSIONS[name] == "2.1":
        # It would be the whole series that goes.
        with pytest.raises(NotExpressibleError, match="annotations"):
            encode(
                name,
                header,
                dsd_l,
                [],
                of_series,
                Action.DELETE,
                dimension_at_observation=dimension,
            )
    else:
        body = encode(
            name, header, dsd_l, [], of_series, Action.DELETE, dimension_at_observation=dimension
        )
        assert both_ways(body, localised) == ([], by_key(of_series))


def test_annotations_are_written_in_the_languages_asked_for(
    header: Header, dsd_l: Dsd, localised: Structures
) -> None:
    def noted(**texts: str) -> Row:
        return ROW | {ANNOTATIONS: annotations_text([Annotation(texts=texts)])}

    rows = [noted(en="one", fr="un", lo="ໜຶ່ງ")]
    for asked, expected in ((("fr",), {"fr": "un"}), (("*",), None), (("de",), {"en": "one"})):
        body = encode("ml21", header, dsd_l, rows, languages=asked)
        found, _ = both_ways(body, localised)
        assert found == (rows if expected is None else [noted(**expected)])


# -- texts in languages ----------------------------------------------------------------------------

localised_text = languages.map(compose)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.dictionaries(
        keys,
        st.fixed_dictionaries(
            {"OBS_VALUE": st.just("1")},
            optional={
                "REMARK": localised_text,
                "REMARKS": st.lists(localised_text, max_size=3),
                ANNOTATIONS: notes,
            },
        ),
        max_size=6,
    ),
    title=st.none() | localised_text,
    area=st.none() | localised_text,
    series=st.none() | localised_text,
    name=st.sampled_from(LATER),
    dimension=st.sampled_from(LAYOUTS),
)
def test_any_texts_in_languages_are_valid_and_come_back(
    drawn: dict[Any, Row],
    title: str | None,
    area: str | None,
    series: str | None,
    name: str,
    dimension: str,
    header: Header,
    dsd_l: Dsd,
    localised: Structures,
    schemas: dict[str, etree.XMLSchema],
) -> None:
    rows = [dict(zip(IDS, key, strict=True)) | values for key, values in drawn.items()]
    above = [
        AttributeValues(key, {id: value})
        for key, id, value in (
            ({}, "TITLE", title),
            (AREA, "AREA_NOTE", area),
            (SERIES, "SERIES_NOTE", series),
        )
        if value is not None
    ]
    body = encode(name, header, dsd_l, rows, above, dimension_at_observation=dimension)
    schemas[name].assertValid(etree.fromstring(body))
    found, values = both_ways(body, localised)
    assert in_order(found) == in_order(rows)
    assert values == by_key(above)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((), ["en", "fr", "lo"]),
        (("*",), ["en", "fr", "lo"]),
        (("fr", "lo"), ["fr", "lo"]),
        (("fr-CA",), ["fr"]),
        (("de",), ["en"]),
        (("en",), ["en"]),
    ],
)
def test_texts_are_written_in_the_languages_asked_for(
    asked: tuple[str, ...],
    expected: list[str],
    header: Header,
    dsd_l: Dsd,
    localised: Structures,
) -> None:
    remark = compose({"en": "one", "fr": "un", "lo": "ໜຶ່ງ"})
    body = encode("ml31", header, dsd_l, [ROW | {"REMARK": remark}], languages=asked)
    (row,), _ = both_ways(body, localised)
    assert sorted(parse(row["REMARK"])) == expected


# -- marked-up texts -------------------------------------------------------------------------------

XHTML = "http://www.w3.org/1999/xhtml"
ELEMENTS = ("p", "em", "br")
OWN_XHTML = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{XHTML}" xmlns="{XHTML}">
<xs:import namespace="http://www.w3.org/XML/1998/namespace" schemaLocation="{{xml}}"/>
<xs:complexType name="T" mixed="true"><xs:choice minOccurs="0" maxOccurs="unbounded">
{"".join(f'<xs:element ref="{name}"/>' for name in ELEMENTS)}</xs:choice>
<xs:attribute name="class"/><xs:anyAttribute namespace="http://www.w3.org/XML/1998/namespace"/></xs:complexType>
{"".join(f'<xs:element name="{name}" type="T"/>' for name in ELEMENTS)}
</xs:schema>"""


@pytest.fixture(scope="module")
def markup_schemas(
    dsd_x: Dsd, driver_schema: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, etree.XMLSchema]:
    """The schemas of DF_X with a few elements of XHTML, by format."""
    place = tmp_path_factory.mktemp("xhtml") / "xhtml.xsd"
    layouts = [(dsd_x, dimension) for dimension in LAYOUTS]
    found = {}
    for name in LATER:
        driver = driver_schema(VERSIONS[name], layouts, xhtml_schema=place.as_uri())
        official = driver.read_text(encoding="utf-8").partition('schemaLocation="')[2]
        xml = official.partition('"')[0].rpartition("/")[0] + "/xml.xsd"
        place.write_text(OWN_XHTML.format(xml=xml), encoding="utf-8")
        found[name] = etree.XMLSchema(etree.parse(str(driver)))
    return found


def element_of(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def written(name: str, inside: str, attributes: dict[str, str]) -> str:
        said = "".join(f" {key}='{_escaped(value)}'" for key, value in attributes.items())
        return f"<{name}{said}>{inside}</{name}>"

    attributes = st.fixed_dictionaries(
        {}, optional={"class": st.sampled_from("ab&<'\""), "xml:lang": st.just("fr")}
    )
    return st.builds(written, st.sampled_from(ELEMENTS), children, attributes)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")


markup = st.recursive(
    texts.map(_escaped),
    lambda children: st.lists(children | element_of(children), max_size=3).map("".join),
    max_leaves=6,
).map(canonical)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    drawn=st.dictionaries(
        keys,
        st.fixed_dictionaries(
            {"OBS_VALUE": st.just("1")},
            optional={
                "REMARK": markup,
                "REMARKS": st.lists(
                    st.dictionaries(st.sampled_from(["en", "fr"]), markup, min_size=1).map(compose),
                    max_size=2,
                ),
            },
        ),
        max_size=4,
    ),
    area=st.none() | markup,
    name=st.sampled_from(LATER),
    dimension=st.sampled_from(LAYOUTS),
)
def test_any_marked_up_texts_are_valid_and_come_back(
    drawn: dict[Any, Row],
    area: str | None,
    name: str,
    dimension: str,
    header: Header,
    dsd_x: Dsd,
    marked_up: Structures,
    markup_schemas: dict[str, etree.XMLSchema],
) -> None:
    rows = [dict(zip(IDS, key, strict=True)) | values for key, values in drawn.items()]
    above = [] if area is None else [AttributeValues(AREA, {"AREA_NOTE": area})]
    body = encode(name, header, dsd_x, rows, above, dimension_at_observation=dimension)
    markup_schemas[name].assertValid(etree.fromstring(body))
    found, values = both_ways(body, marked_up)
    assert in_order(found) == in_order(rows)
    assert values == by_key(above)


def test_marked_up_text_is_valid_by_the_schema_of_xhtml(
    shared: Any, header: Header, dsd_x: Dsd, driver_schema: Callable[..., Path]
) -> None:
    official = shared / "spec/samples/xml/2.1/samples/demography/xhtml/xhtml11.xsd"
    row = ROW | {
        "REMARK": 'Workers <em title="a &amp; b">abroad</em>, see <a href="https://example.org">there</a>.',
        "REMARKS": [compose({"fr": "<ul><li>un</li></ul>", "en": "<p>one<br/>two</p>"})],
    }
    body = encode("ml31", header, dsd_x, [row])
    driver = driver_schema("3.1", [(dsd_x, "TIME_PERIOD")], xhtml_schema=official.as_uri())
    etree.XMLSchema(etree.parse(str(driver))).assertValid(etree.fromstring(body))


@pytest.mark.parametrize("text", ["a <br> b", "a & b", "&nbsp;", "<svg:g/>", '<p xmlns="urn:x"/>'])
def test_what_is_no_xhtml_is_refused_by_name(text: str, header: Header, dsd_x: Dsd) -> None:
    with pytest.raises(MarkupError):
        canonical(text)
    with pytest.raises(NotExpressibleError, match="no marked-up text"):
        encode("ml31", header, dsd_x, [ROW | {"REMARK": text}])


def test_sdmx_ml_2_1_has_marked_up_text_as_text(
    header: Header, dsd_x: Dsd, marked_up: Structures, ml_schema: Callable[..., etree.XMLSchema]
) -> None:
    row = ROW | {"REMARK": "<p>a &amp; b</p>"}
    body = encode("ml21", header, dsd_x, [row])
    ml_schema("2.1", [(dsd_x, "TIME_PERIOD")]).assertValid(etree.fromstring(body))
    assert both_ways(body, marked_up) == ([row], {})


def test_a_long_run_of_annotated_rows_is_read_in_bulk(
    header: Header, dsd_l: Dsd, localised: Structures
) -> None:
    """Annotations and texts in languages that come again do not leave the fast way."""
    from service.formats.ml_reading.source import MessageSource

    remark = compose({"en": "one", "fr": "un"})
    rows = [
        ROW | {"SEX": sex, "TIME_PERIOD": str(year), "REMARK": remark, ANNOTATIONS: NOTE}
        for sex in ("T", "M", "F")
        for year in range(2000, 2020)
    ]
    for name, rows_of_it in (
        ("ml31", rows),
        ("ml21-generic", [{i: v for i, v in row.items() if i != "REMARK"} for row in rows]),
    ):
        body = encode(name, header, dsd_l, rows_of_it)
        source = MessageSource(io.BytesIO(body), Ways(10_000, 0))
        list(source.items())
        assert source.bulk_bytes > len(body) // 2
        assert in_order(both_ways(body, localised)[0]) == in_order(rows_of_it)


def test_batches_may_end_anywhere(header: Header, dsd_l: Dsd) -> None:
    rows = [
        ROW | {"TIME_PERIOD": str(year), ANNOTATIONS: annotations_text([Annotation(id=str(year))])}
        for year in range(2000, 2006)
    ]
    schema = batch_schema(dsd_l, annotations=True)
    (batch,) = batches_from_rows(dsd_l, rows, schema)
    preamble = make_preamble(dsd_l, [batch], (AttributeValues(SERIES, {ANNOTATIONS: NOTE}),))
    whole = PreparedDataset(dsd_l, preamble, [batch])
    for name in VERSIONS:
        encoder = find_data_format(name).encode
        assert encoder
        expected = b"".join(encoder(header, [whole], EncodeOptions()))
        parts = [batch.slice(start, 2) for start in range(0, 6, 2)]
        split = replace(whole, batches=parts)
        assert b"".join(encoder(header, [split], EncodeOptions())) == expected
