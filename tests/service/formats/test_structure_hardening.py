"""Messages that are broken or hostile are refused with their place, at once and without harm."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsd.finding import Report
from dsd.sdmx_json import StructureMessageError
from service.formats import STRUCTURE_FORMATS, find_structure_format

EXAMPLES = Path(__file__).parents[2] / "examples" / "structures"
CODELIST = (EXAMPLES / "codelist" / "ml31.xml").read_text(encoding="utf-8")


def refused(body: str | bytes, name: str = "ml31") -> str:
    decode = find_structure_format(name).decode
    assert decode
    began = time.monotonic()
    with pytest.raises(StructureMessageError) as caught:
        decode(body.encode() if isinstance(body, str) else body)
    assert time.monotonic() - began < 5
    return str(caught.value)


def with_doctype(declaration: str, inside: str = "x") -> str:
    head, _, rest = CODELIST.partition("\n")
    return f"{head}\n<!DOCTYPE a [{declaration}]>\n{rest.replace('All areas<', inside + '<', 1)}"


def test_entities_are_refused() -> None:
    laughs = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
    )
    assert "line" in refused(with_doctype(laughs, "&a11;")) or "document type" in refused(
        with_doctype(laughs, "&a11;")
    )


def test_external_entities_are_never_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret words", encoding="utf-8")
    message = refused(with_doctype(f'<!ENTITY e SYSTEM "{secret.as_uri()}">', "&e;"))
    assert "document type" in message
    assert "secret words" not in message


def test_a_document_type_is_refused() -> None:
    assert "document type" in refused(with_doctype(""))


def test_deep_nesting_is_refused() -> None:
    name = '<com:Name xml:lang="en">a</com:Name>'
    body = CODELIST.replace("Codelists>", "CategorySchemes>")
    deep = "<str:Category id='a'>" + name
    start = body.index("<str:Codelist ")
    nested = (
        f"<str:CategoryScheme id='S' agencyID='A'>{name}"
        + deep * 5000
        + "</str:Category>" * 5000
        + "</str:CategoryScheme></str:CategorySchemes></mes:Structures></mes:Structure>"
    )
    assert "depth" in refused(body[:start] + nested)


def test_deep_nesting_of_json_is_refused() -> None:
    deep = '{"id":"A","categories":[' * 100_000
    body = (
        '{"meta":{"id":"A","prepared":"2026","sender":{"id":"B"}},"data":{"categorySchemes":['
        + deep
        + "]}" * 100_000
        + "]}}"
    )
    for name in ("json", "json20", "json10"):
        assert refused(body, name)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("<str:Code id=", "<str:Cod id="), "Cod"),
        (("<str:Code id=", '<str:Code colour="red" id='), "colour"),
        (('isPartial="true"', 'isPartial="perhaps"'), "perhaps"),
        (('xml:lang="fr">Toutes<', 'xml:lang="en">Toutes<'), "two texts in the language en"),
        (("<str:Parent>T</str:Parent>", "<str:Parent>T</str:Parent>" * 2), "twice"),
        (("</str:Codelist>", "stray</str:Codelist>"), "stray"),
        (("<str:Codelists>", "<str:Shoes>"), "Shoes"),
    ],
)
def test_what_is_not_in_the_schema_is_refused_at_its_line(
    change: tuple[str, str], place: str
) -> None:
    body = CODELIST.replace(*change)
    if change[0] == "<str:Code id=" and "Cod id" in change[1]:
        body = body.replace("</str:Code>", "</str:Cod>")
    if "Shoes" in change[1]:
        body = body.replace("</str:Codelists>", "</str:Shoes>")
    message = refused(body)
    assert "line " in message
    assert place in message


def test_another_root_is_refused_by_name() -> None:
    message = refused('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>')
    assert "html" in message
    assert "SDMX-ML 2.1, 3.0 or 3.1" in message


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_message_is_refused(share: float) -> None:
    for name in (entry.name for entry in STRUCTURE_FORMATS):
        extension = find_structure_format(name).extension
        body = (EXAMPLES / "conceptscheme" / f"{name}{extension}").read_bytes()
        assert refused(body[: int(len(body) * share)], name)


def test_an_unknown_extension_is_reported_or_refused() -> None:
    body = (EXAMPLES / "codelist" / "json.json").read_bytes()
    extended = body.replace(b'"codes":[{', b'"codes":[{"x-colour":"red",')
    assert "x-colour" in refused(extended, "json")
    decode = find_structure_format("json").decode
    assert decode
    report = Report()
    (found,) = decode(extended, report)
    assert [finding.rule for finding in report.findings] == ["extension-not-kept"]
    assert report.findings[0].locator == "pointer:/data/codelists/0/codes/0/x-colour"
    assert decode(body) == [found]


@given(
    st.binary(max_size=400),
    st.integers(0, 2000),
    st.sampled_from(["ml21", "ml31", "json10", "json"]),
)
def test_no_damage_breaks_a_reader(noise: bytes, place: int, name: str) -> None:
    """Whatever the bytes are: artefacts, or an error that says what is wrong."""
    entry = find_structure_format(name)
    body = (EXAMPLES / "datastructure" / f"{name}{entry.extension}").read_bytes()
    place %= len(body)
    assert entry.decode
    try:
        entry.decode(body[:place] + noise + body[place + len(noise) :], Report())
    except StructureMessageError as error:
        assert str(error)  # noqa: PT017
