"""Which representation answers a request."""

from __future__ import annotations

import re
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.formats import DATA_FORMATS, STRUCTURE_FORMATS
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
def test_04_the_right_type_answers(client, case) -> None:
    path = PATHS[case["line"], case["resource"]]
    response = client.get(
        f"{path}?{case.get('query', '')}",
        headers={"Accept": case["accept"]} if "accept" in case else {},
    )
    assert response.status_code == case.get("status", 200), response.text
    if "type" in case:
        assert response.headers["Content-Type"] == case["type"]
        assert response.text.startswith(case.get("begins", ""))
    else:
        assert "application/vnd.sdmx." in response.text  # It lists what there is.
    paged = ", X-Range" if case["resource"] == "data" and response.status_code == 200 else ""
    assert response.headers["Vary"] == f"Accept, Accept-Encoding, Accept-Language{paged}"


@pytest.mark.parametrize("offered", DATA_FORMATS, ids=full_type)
@pytest.mark.parametrize("grammar", Grammar)
def test_every_format_answers_to_its_full_type_and_its_name(offered, grammar) -> None:
    assert choose_format(DATA_FORMATS, grammar, full_type(offered)).format is offered
    assert choose_format(DATA_FORMATS, grammar, "", offered.name).format is offered


def test_05_plain_xml_is_the_data_format_of_its_line(client) -> None:
    for line, root in (("v1", b"mes:GenericData "), ("v2", b"mes:StructureSpecificData ")):
        body = client.get(PATHS[line, "data"], headers={"Accept": "application/xml"}).data
        assert root in body[:200]
        assert (b"/v3_1/" in body) == (line == "v2")


@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=80))
def test_04_no_accept_header_breaks_the_service(header: str) -> None:
    for entry in parse_media_ranges(header):
        assert 0 <= entry.weight <= 1
    try:
        chosen = choose_format(DATA_FORMATS, Grammar.V2, header)
    except NotAcceptableError:
        assert parse_media_ranges(header)
    else:
        assert re.fullmatch(r"[\w.+/-]+(;[\w.=-]+)*", chosen.content_type)


@pytest.mark.parametrize(
    "piece", ['"\\', '"', "\\", '"a', ";", ",", "a;", ";a=b", "a/b,", 'W/"', "text/csv;q=0.5,", " ", '"\\,;']
)  # fmt: skip
def test_04_a_long_header_is_read_in_the_time_that_its_length_takes(piece: str) -> None:
    def seconds(length: int) -> float:
        header = piece * (length // len(piece))
        times = []
        for _ in range(3):
            began = time.perf_counter()
            parse_media_ranges(header)
            times.append(time.perf_counter() - began)
        return min(times)

    # What grows with the square of the length takes a hundred times as long.
    assert seconds(30_000) < 40 * seconds(3_000) + 0.01


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
def test_04_spacing_and_case_do_not_matter(ranges: list[str], random) -> None:
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
def test_04_a_version_range_takes_what_is_not_older(asked, offered) -> None:
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
def test_07_languages_are_taken_in_the_order_of_their_weights(header, lang, expected) -> None:
    assert choose_languages(header, lang, ("en", "es", "fr", "th")) == expected


def test_07_a_language_that_is_not_there_is_refused_by_lang_only() -> None:
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
        ("identity;q=0, gzip;q=0.001", None, "gzip"),
        ("identity;q=0, *;q=0.1", None, "zstd"),
        ("*;q=0.5, zstd;q=0", None, "gzip"),
        ("GZIP ; Q=1.0", None, "gzip"),
        ("x-gzip", None, "gzip"),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", None, "gzip"),
        ("compress, exi, pack200-gzip", None, "identity"),
        ("identity", "gzip", "gzip"),
    ],
)
def test_08_the_best_content_coding_is_chosen(header, compression, expected) -> None:
    assert choose_coding(header, compression, ("zstd", "gzip")) == expected


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("/sdmx/v1/data/NIX", "*/*", 404),
        ("/sdmx/v2/data/*?nix=1", "*/*", 400),
        ("/sdmx/v2/structure/codelist", "image/png", 406),
        ("/sdmx/v2/data/dataflow/ILMS/DF_MNA_OEMP_SEX_CDS?c[NIX]=1", "*/*", 422),
    ],
)
def test_08_a_cache_learns_what_errors_depend_on(client, path, accept, status) -> None:
    response = client.get(path, headers={"Accept": accept})
    assert response.status_code == status
    assert {"Accept", "Accept-Encoding", "Accept-Language"} <= set(
        response.headers["Vary"].split(", ")
    )
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("header", [";", " ; ", ";;,", ";q=1", ",", '"'])
def test_04_a_header_without_values_asks_for_nothing(client, header: str) -> None:
    for name in ("Accept", "Accept-Language", "Accept-Encoding"):
        assert client.get(
            "/sdmx/v2/structure/codelist/ILMS/CL_SEX", headers={name: header}
        ).status_code in (200, 406)


STRUCTURE_TYPES = [full_type(entry) for entry in STRUCTURE_FORMATS]
DATA_TYPES = [full_type(entry) for entry in DATA_FORMATS if entry.encode]


@pytest.mark.parametrize(("line", "resource"), list(PATHS))
@pytest.mark.parametrize("family", ["json", "xml"])
def test_04_what_is_not_offered_is_406_that_lists_all_that_is(
    client, line, resource, family
) -> None:
    for accept in (f"image/png, application/{family};version=9", f"application/x+{family}"):
        response = client.get(PATHS[line, resource], headers={"Accept": accept})
        assert response.status_code == 406
        assert family in response.headers["Content-Type"]
        for offered in DATA_TYPES if resource == "data" else STRUCTURE_TYPES:
            assert offered in response.text


@pytest.mark.parametrize("path", PATHS.values())
@pytest.mark.parametrize(
    "query",
    ["format=nix", "format=jsondata&formatVersion=9", "lang=tlh", "compression=compress",
     "compression=deflate", "compression=pack200-gzip", "format=jsonstructure&formatVersion=x"],
)  # fmt: skip
def test_07_what_a_parameter_asks_for_in_vain_is_406(client, path, query) -> None:
    headers = {"Accept": "*/*", "Accept-Language": "en", "Accept-Encoding": "gzip"}
    assert client.get(f"{path}?{query}", headers=headers).status_code == 406


@pytest.mark.parametrize("path", PATHS.values())
def test_07_parameters_win_over_headers(client, path) -> None:
    kind = "data" if "/data/" in path else "structure"
    headers = {"Accept": "image/png", "Accept-Language": "es", "Accept-Encoding": "identity"}
    for version in ("1.0", "1.0.0", "2.0", "2.1.0"):
        asked = f"{path}?format=json{kind}&formatVersion={version}&lang=fr&compression=gzip"
        response = client.get(asked, headers=headers)
        full = (version + ".0")[:5]
        assert response.headers["Content-Type"] == (
            f"application/vnd.sdmx.{kind}+json;version={full}"
        )
        assert response.headers["Content-Language"].startswith("fr")
        assert response.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("path", PATHS.values())
@pytest.mark.parametrize(
    ("header", "languages"),
    [
        ("fr", "fr"),
        ("fr-CH", "fr"),
        ("FR", "fr"),
        ("es;q=0.1, fr;q=0.9", "fr"),
        ("tlh, fr;q=0.2", "fr"),
        ("fr;q=0, es", "es"),
        ("de", "en"),
    ],
)
def test_07_the_answer_names_its_languages(client, path, header, languages) -> None:
    json_type = "data" if "/data/" in path else "structure"
    response = client.get(
        path,
        headers={
            "Accept": f"application/vnd.sdmx.{json_type}+json;version=2.1.0",
            "Accept-Language": header,
        },
    )
    named = response.headers["Content-Language"].split(", ")
    assert named[0] == languages
    assert response.json["meta"]["contentLanguages"][0] == languages
    if json_type == "structure":
        assert response.json["meta"]["contentLanguages"] == named


@pytest.mark.parametrize(
    "offered", [entry for entry in DATA_FORMATS if entry.encode], ids=full_type
)
@pytest.mark.parametrize("line", ["v1", "v2"])
def test_06_the_type_comes_back_exactly(client, line, offered) -> None:
    path = PATHS[line, "data"]
    for type_ in (full_type(offered), *offered.aliases):
        response = client.get(path, headers={"Accept": type_})
        assert response.headers["Content-Type"] == type_
    named = client.get(f"{path}?format={offered.name}")
    assert named.headers["Content-Type"] == full_type(offered)
