"""Languages of structures, by header and by parameter, in every format (check-list 7, 32)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree

from codelists.base import Annotation
from codelists.item_scheme import Code, Codelist
from dsd.structures import Structures
from service.app import create_app

JSON21 = "application/vnd.sdmx.structure+json;version=2.1.0"
JSON20 = "application/vnd.sdmx.structure+json;version=2.0.0"
ML31 = "application/vnd.sdmx.structure+xml;version=3.1.0"
ML30 = "application/vnd.sdmx.structure+xml;version=3.0.0"
ML21 = "application/vnd.sdmx.structure+xml;version=2.1"
LIST = "/sdmx/v2/structure/codelist/T/CL"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@pytest.fixture(scope="module")
def asked(filled, store, client_of):
    """Ask for a list of three codes: in English, French and Thai; in English; in Thai."""

    def texts(word: str, tags: str) -> dict[str, str]:
        return {tag: f"{word} ({tag})" for tag in tags.split()}

    held = Codelist(
        agency_id="T",
        id="CL",
        version="1.0.0",
        names=texts("List", "en fr th"),
        annotations=(Annotation(id="N", texts=texts("Note", "en fr th")),),
        codes=(
            Code(id="A", names=texts("A", "en fr th"), descriptions=texts("About A", "en fr th")),
            Code(id="B", names=texts("B", "en")),
            Code(id="C", names=texts("C", "th")),
        ),
    )
    client = client_of(create_app(filled, Structures([held]), store))

    def ask(accept: str, languages: str | None = None, query: str = "") -> Any:
        headers = {"Accept": accept}
        if languages is not None:
            headers["Accept-Language"] = languages
        found = client.get(LIST + query, headers=headers)
        assert found.status_code == 200, found.text
        return found

    return ask


def languages_in(body: bytes) -> list[set[str]]:
    """Return the languages of the name of the list, of its note, and of the names of the codes."""
    if body.startswith(b"{"):
        (found,) = json.loads(body)["data"]["codelists"]
        texts = [found["names"], found["annotations"][0]["texts"]]
        return [set(entry) for entry in [*texts, *(code["names"] for code in found["codes"])]]
    (element,) = etree.fromstring(body).iter("{*}Codelist")
    notes = element.findall("{*}Annotations/{*}Annotation/{*}AnnotationText")
    codes = [code.findall("{*}Name") for code in element.findall("{*}Code")]
    return [
        {text.get(XML_LANG) for text in texts}
        for texts in (element.findall("{*}Name"), notes, *codes)
    ]


ALL = {"en", "fr", "th"}


@pytest.mark.parametrize("accept", [JSON21, JSON20, ML31, ML30, ML21])
@pytest.mark.parametrize(
    ("languages", "query", "main", "content"),
    [
        (None, "", ALL, "en, fr, th"),
        ("*", "", ALL, "en, fr, th"),
        ("fr, *;q=0.1", "", ALL, "fr, en, th"),
        ("fr", "?lang=all", ALL, "fr, en, th"),
        ("fr", "", {"fr"}, "fr, en, th"),
        ("fr-CH", "", {"fr"}, "fr, en, th"),
        ("th;q=0.5, fr", "", {"fr", "th"}, "fr, th, en"),
        ("tlh", "", {"en"}, "en, th"),
        ("th", "?lang=en", {"en"}, "en, th"),
        (None, "?lang=th-TH", {"th"}, "th, en"),
    ],
)
def test_texts_are_those_asked_for_or_the_best_there_is(
    asked, accept, languages, query, main, content
) -> None:
    found = asked(accept, languages, query)
    # What exists in one language only is given in that.
    assert languages_in(found.data) == [main, main, main, {"en"}, {"th"}]
    assert found.headers["Content-Language"] == content


@pytest.mark.parametrize(
    ("languages", "content", "name"),
    [
        ("fr", ["fr", "en", "th"], "List (fr)"),
        ("fr, *", ["fr", "en", "th"], "List (fr)"),
        ("", ["en", "fr", "th"], "List (en)"),
    ],
)
def test_json_says_its_languages_and_the_name_in_the_best(asked, languages, content, name) -> None:
    found = json.loads(asked(JSON21, languages).data)
    assert found["meta"]["contentLanguages"] == content
    (codelist,) = found["data"]["codelists"]
    assert codelist["name"] == name


@pytest.mark.parametrize(
    ("languages", "is_partial"), [("fr", True), ("fr, *", False), (None, False)]
)
def test_where_languages_were_left_out_is_said(asked, languages, is_partial) -> None:
    (codelist,) = json.loads(asked(JSON21, languages).data)["data"]["codelists"]
    assert codelist.get("isPartialLanguage", False) is is_partial
    (element,) = etree.fromstring(asked(ML31, languages).data).iter("{*}Codelist")
    assert (element.get("isPartialLanguage") == "true") is is_partial
    # 3.0 and 2.1 have no word for it.
    for accept in (ML30, ML21):
        (element,) = etree.fromstring(asked(accept, languages).data).iter("{*}Codelist")
        assert element.get("isPartialLanguage") is None


def test_a_language_is_part_of_the_tag(asked) -> None:
    french, thai = asked(JSON21, "fr"), asked(JSON21, "th")
    assert french.headers["ETag"] != thai.headers["ETag"]
    assert "Accept-Language" in french.headers["Vary"]


def test_07_a_language_that_only_codes_have_their_names_in_is_offered(
    filled, store, client_of
) -> None:
    held = Codelist(
        agency_id="T",
        id="CL",
        version="1.0.0",
        names={"en": "List"},
        codes=(Code(id="A", names={"en": "A", "km": "ក"}),),
    )
    client = client_of(create_app(filled, Structures([held]), store))
    found = client.get(f"{LIST}?lang=km")
    assert found.status_code == 200, found.text
    assert found.headers["Content-Language"] == "km, en"
    (codelist,) = found.json["data"]["codelists"]
    assert codelist["codes"][0]["names"] == {"km": "ក"}
    refused = client.get(f"{LIST}?lang=lo")
    assert refused.status_code == 406
    assert "en, km" in refused.text
