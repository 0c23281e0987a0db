"""Many items at once are written as one by one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codelists.base import Annotation
from codelists.item_scheme import Code, Codelist, Concept, ConceptScheme
from codelists.representation import Representation
from dsd.finding import Report
from dsd.structures import Structures
from service.formats import find_structure_format
from service.formats.contract import EncodeOptions, Header, NotExpressibleError
from service.formats.sdmx_ml21 import attribute_text, element_text
from service.formats.structure_losses import Writing
from service.formats.structure_table.vocabulary import Form
from service.formats.structure_xml_columns import escaped
from service.formats.structure_xml_writer import ENCODED, writer_of, writer_of_many

HEADER = Header(id="COLUMNS", prepared=datetime(2026, 11, 24, tzinfo=UTC))
XML = (Form.ML21, Form.ML30, Form.ML31)
texts = st.text(max_size=8)
plain = st.text('aé\u0e01&<>"\r\n\t 1', max_size=8)


@given(st.lists(st.one_of(plain, texts), min_size=1, max_size=6))
def test_texts_are_escaped_as_one_by_one(found: list[str]) -> None:
    for one in (element_text, attribute_text):
        try:
            expected = [one(text) for text in found]
        except NotExpressibleError:
            with pytest.raises(NotExpressibleError):
                escaped(found, one)
            continue
        assert list(escaped(found, one)) == expected


names = st.one_of(
    st.just({"en": "Same", "fr": "Même & plus"}),
    st.dictionaries(st.sampled_from(["en", "fr", "th", "zxx"]), plain, max_size=3),
)
ids = st.text("AB1_$@", min_size=1, max_size=3)
notes = st.sampled_from([(), (), (), (Annotation(id="N", texts={"en": "x"}),)])
codes = st.builds(
    Code,
    id=ids,
    names=names,
    name=st.sampled_from([None, None, "Other"]),
    parent=st.one_of(st.none(), ids),
    uri=st.sampled_from([None, None, "https://example.org/?a&b"]),
    descriptions=st.one_of(st.just({}), names),
    annotations=notes,
)
concepts = st.builds(
    Concept,
    id=ids,
    names=names,
    core_representation=st.sampled_from([None, None, Representation(enumeration="urn:x")]),
)


@given(
    st.lists(codes, min_size=16, max_size=24),
    st.sampled_from(XML),
    st.sampled_from([(), ("fr",), ("de",), ("th", "en")]),
)
def test_codes_are_written_as_one_by_one(found, form, languages) -> None:
    _compare("Code", found, form, languages)


@given(st.lists(concepts, min_size=16, max_size=20), st.sampled_from(XML))
def test_concepts_are_written_as_one_by_one(found, form) -> None:
    _compare("Concept", found, form, ())


def _compare(layout: str, found: list[Code], form: Form, languages: tuple[str, ...]) -> None:
    def context() -> Writing:
        report = Report()
        owner = Codelist(agency_id="T", id="X", codes=())
        return Writing(form, Structures([]), languages, report, owner)

    each, at_once = context(), context()
    one = writer_of(layout, form)
    expected = "".join(one(entry, each, "str:Item") for entry in found)
    assert writer_of_many(layout, form)(tuple(found), at_once, "str:Item") == expected
    assert at_once.left_out == each.left_out

    def told(writing: Writing) -> list[str]:
        assert writing.report
        return sorted(finding.message for finding in writing.report.findings)

    assert told(at_once) == told(each)


def test_parts_are_encoded_apart_only_for_who_takes_them() -> None:
    found = tuple(Code(id=f"C{n}", names={"en": "ก"}) for n in range(1200))
    apart = Writing(Form.ML31, Structures([]), takes_encoded=True)
    whole = writer_of_many("Code", Form.ML31)(found, apart, "str:Code")
    assert whole == ENCODED * len(apart.encoded)
    assert len(apart.encoded) > 1
    together = Writing(Form.ML31, Structures([]))
    text = writer_of_many("Code", Form.ML31)(found, together, "str:Code")
    assert b"".join(apart.encoded).decode() == text


@pytest.mark.parametrize("text", ["\x00", "a\x01b", "\ud800", "\uffff"])
def test_what_no_xml_holds_is_refused_among_many(text: str) -> None:
    found = [Code(id=f"C{n}", names={"en": "x"}) for n in range(20)]
    found[7] = Code(id="C7", names={"en": text})
    with pytest.raises(NotExpressibleError, match="U\\+"):
        writer_of_many("Code", Form.ML31)(found, Writing(Form.ML31, Structures([])), "str:Code")


@pytest.mark.parametrize("name", ["ml21", "ml30", "ml31"])
def test_large_schemes_keep_their_items_in_whatever_order_they_come(name: str) -> None:
    """Messages have concept schemes and code lists in an order of their own."""
    own = {"agency_id": "TST", "version": "1.0", "names": {"en": "Scheme"}}
    ids = [f"A{number}" for number in range(200)]
    listed = Codelist(id="CL", codes=tuple(Code(id=id, names={"en": id}) for id in ids), **own)
    scheme = ConceptScheme(
        id="CS", concepts=tuple(Concept(id=id, names={"en": id}) for id in ids), **own
    )
    entry = find_structure_format(name)
    assert entry.encode
    assert entry.decode
    for artefacts in ((listed, scheme), (scheme, listed)):
        body = b"".join(entry.encode(HEADER, artefacts, Structures(artefacts), EncodeOptions()))
        assert {found.id: found for found in entry.decode(body)} == {"CL": listed, "CS": scheme}
