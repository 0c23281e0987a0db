"""Which representation answers a request."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.formats import DATA_FORMATS
from service.query.grammar import Grammar
from service.rest.media_type import parse_media_ranges, version_fits
from service.rest.negotiation import (
    NotAcceptableError,
    choose_coding,
    choose_format,
    choose_languages,
    full_type,
    lookup_language,
)

CASES = tomllib.loads(
    (Path(__file__).parents[2] / "examples/rest/negotiation/cases.toml").read_text(encoding="utf-8")
)["case"]
PATHS = {
    ("v1", "data"): "/sdmx/v1/data/DF_MNA_OEMP_SEX_CDS",
    ("v2", "data"): "/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS",
    ("v1", "structure"): "/sdmx/v1/codelist/ILMS/CL_SEX",
    ("v2", "structure"): "/sdmx/v2/structure/codelist/ILMS/CL_SEX",
}


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_the_right_type_answers(client, case) -> None:
    path = PATHS[case["line"], case["resource"]]
    response = client.get(
        f"{path}?{case.get('query', '')}",
        headers={"Accept": case["accept"]} if "accept" in case else {},
    )
    assert response.status_code == case.get("status", 200), response.text
    if "type" in case:
        assert response.headers["Content-Type"] == case["type"]
    else:
        assert "application/vnd.sdmx." in response.text  # It lists what there is.
    assert response.headers["Vary"] == "Accept, Accept-Encoding, Accept-Language"


@pytest.mark.parametrize("offered", DATA_FORMATS, ids=full_type)
@pytest.mark.parametrize("grammar", Grammar)
def test_every_format_answers_to_its_full_type_and_its_name(offered, grammar) -> None:
    assert choose_format(DATA_FORMATS, grammar, full_type(offered)).format is offered
    assert choose_format(DATA_FORMATS, grammar, "", offered.name).format is offered


def test_plain_xml_is_the_data_format_of_its_line(client) -> None:
    for line, root in (("v1", b"mes:GenericData "), ("v2", b"mes:StructureSpecificData ")):
        body = client.get(PATHS[line, "data"], headers={"Accept": "application/xml"}).data
        assert root in body[:200]
        assert (b"/v3_1/" in body) == (line == "v2")


@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=80))
def test_no_accept_header_breaks_the_service(header: str) -> None:
    for entry in parse_media_ranges(header):
        assert 0 <= entry.weight <= 1
    try:
        chosen = choose_format(DATA_FORMATS, Grammar.V2, header)
    except NotAcceptableError:
        assert parse_media_ranges(header)
    else:
        assert re.fullmatch(r"[\w.+/-]+(;[\w.=-]+)*", chosen.content_type)


@given(
    st.lists(
        st.sampled_from(
            ["text/csv", "application/json", "*/*", "image/png", full_type(DATA_FORMATS[0])]
        ),
        min_size=1,
        max_size=4,
    ),
    st.randoms(),
)
def test_spacing_and_case_do_not_matter(ranges: list[str], random) -> None:
    tidy = ", ".join(ranges)
    messy = ",".join(
        " " * random.randint(0, 2) + entry.replace(";", " ;  ").upper() + "\t" for entry in ranges
    )

    def outcome(header: str) -> str | None:
        try:
            return choose_format(DATA_FORMATS, Grammar.V1, header).content_type
        except NotAcceptableError:
            return None

    assert outcome(tidy) == outcome(messy)


@given(st.tuples(*[st.integers(0, 20)] * 3), st.tuples(*[st.integers(0, 20)] * 3))
def test_a_version_range_takes_what_is_not_older(asked, offered) -> None:
    text = "{}+.{}.{}".format(*asked)
    assert version_fits(text, ".".join(map(str, offered))) == (offered >= asked)


@pytest.mark.parametrize(
    ("header", "lang", "expected"),
    [
        ("", None, ()),
        ("fr", None, ("fr",)),
        ("fr;q=0.3, es", None, ("es", "fr")),
        ("fr;q=0, es", None, ("es",)),
        ("th, *;q=0.5, fr;q=0.1", None, ("th", "*")),
        ("*", None, ("*",)),
        ("th, *;q=0", None, ("th",)),
        ("fr", "es", ("es",)),
        ("fr", "es-MX", ("es-MX",)),
        ("fr", "all", ("fr", "*")),
        ("", "*", ("*",)),
    ],
)
def test_languages_are_taken_in_the_order_of_their_weights(header, lang, expected) -> None:
    assert choose_languages(header, lang, ("en", "es", "fr", "th")) == expected


def test_a_language_that_is_not_there_is_refused_by_lang_only() -> None:
    assert choose_languages("tlh", None, ("en",)) == ("tlh",)
    with pytest.raises(NotAcceptableError, match="there are en"):
        choose_languages("", "tlh", ("en",))


def test_lookup_shortens_the_tag() -> None:
    assert lookup_language("zh-Hant-TW", ("zh", "en")) == "zh"
    assert lookup_language("de", ("zh", "en")) is None


@pytest.mark.parametrize(
    ("header", "compression", "expected"),
    [
        ("", None, "identity"),
        ("gzip, deflate, br", None, "gzip"),
        ("gzip, zstd", None, "zstd"),
        ("gzip;q=1, zstd;q=0.5", None, "gzip"),
        ("identity, gzip;q=0.5", None, "identity"),
        ("gzip;q=0", None, "identity"),
        ("*", None, "zstd"),
        ("*;q=0", None, "identity"),
        ("identity", "gzip", "gzip"),
    ],
)
def test_the_best_content_coding_is_chosen(header, compression, expected) -> None:
    assert choose_coding(header, compression, ("zstd", "gzip")) == expected


@pytest.mark.parametrize("header", [";", " ; ", ";;,", ";q=1", ",", '"'])
def test_a_header_without_values_asks_for_nothing(client, header: str) -> None:
    for name in ("Accept", "Accept-Language", "Accept-Encoding"):
        assert client.get(
            "/sdmx/v2/structure/codelist/ILMS/CL_SEX", headers={name: header}
        ).status_code in (200, 406)
