"""Whatever is asked of metadata and registrations, a parser answers or says what is wrong."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from service.query.errors import QuerySyntaxError
from service.query.metadata_query import parse_metadata_query_v1, parse_metadata_query_v2
from service.query.registration_query import parse_registration_query
from service.query.structure_query import RESOURCES_V2

_IDS = st.text(alphabet="ABZaz019_-", min_size=1, max_size=6).map(lambda text: f"A{text}")
_LISTS = st.one_of(st.just("*"), st.lists(_IDS, min_size=1, max_size=3, unique=True).map(",".join))
_VERSIONS = st.sampled_from(["*", "~", "+", "1.0.0", "1.0", "2.1+.7", "1.0.0,2.0.0"])


@given(path=st.text(max_size=40), query=st.text(max_size=40))
def test_any_text_is_a_query_or_a_syntax_error(path: str, query: str) -> None:
    for parse in (parse_metadata_query_v1, parse_metadata_query_v2, parse_registration_query):
        for text in (path, quote(path, safe="/*,+~"), f"structure/{path}", f"provider/{path}"):
            with suppress(QuerySyntaxError):
                parse(text, query)


@given(
    type=st.sampled_from((*RESOURCES_V2, "*")), agency=_LISTS, id=_LISTS, version=_VERSIONS, slash=st.sampled_from(("", "/"))
)  # fmt: skip
def test_what_is_written_by_the_grammar_comes_back(
    type: str, agency: str, id: str, version: str, slash: str
) -> None:
    asked = parse_metadata_query_v2(f"structure/{type}/{agency}/{id}/{version}{slash}", "")
    assert asked.artefact_type == type
    assert ",".join(asked.agencies) == agency.replace("*", "")
    assert ",".join(asked.ids) == id.replace("*", "")
    registered = parse_registration_query(f"dataflow/{agency}/{id}/{version}{slash}", "")
    assert (registered.agencies, registered.ids) == (asked.agencies, asked.ids)
    assert registered.version == asked.version
    of_set = parse_metadata_query_v2(f"metadataset/{agency}/{id}/{version}{slash}", "")
    assert (of_set.agencies, of_set.ids, of_set.version) == (
        asked.agencies,
        asked.ids,
        asked.version,
    )
