"""Our text goes into a comment and comes out of it, whatever stands around it."""

from __future__ import annotations

from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from converters.annotation.mark import block_tail, blocks, harmless
from converters.annotation.note import Comments, Run, new_comments
from converters.annotation.package import read_xml, write_xml
from converters.annotation.text import escaped, unescaped

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]) | st.sampled_from("\n_x"), max_size=40)  # fmt: skip
messages = texts | st.sampled_from(
    ["ILMS Exchange: 2", "[ilms 7]", "Reply:\n", "_x0041_", "[ilms "]
)


def with_comment(text: str) -> Comments:
    root = new_comments(MAIN)
    comments = Comments(root)
    if text:
        comments.add("B2", [Run(text)])
    return Comments(read_xml(write_xml(root)))


def split(comments: Comments, places: list[int]) -> Comments:
    """Return the same comments with each run cut in two at some place, as programs save them."""
    root = comments._root
    for run, place in zip(list(root.iter("{*}r")), places, strict=False):
        text = run.find("{*}t")
        second = deepcopy(run)
        second.find("{*}t").text, text.text = text.text[place:], text.text[:place]
        run.addnext(second)
    return Comments(root)


@given(before=texts, message=messages, number=st.integers(1, 99_999), after=texts,
       places=st.lists(st.integers(0, 12), max_size=6))  # fmt: skip
def test_stripping_leaves_what_others_wrote(before, message, number, after, places):
    comments = with_comment(before)
    ours = [Run("ILMS Exchange: 1 finding\n", is_bold=True), Run(f"{harmless(message)}\n"), Run(block_tail(number))]  # fmt: skip
    assert comments.add("B2", ours) is (not before)
    comments._root.find(".//{*}comment/{*}text").append(comments._run(Run(after)))
    comments = split(comments, places)
    assert comments.marks("B2") == [number]
    gone = comments.strip("B2")
    assert gone is (not (before + after).strip())
    if not gone:
        assert comments.text("B2") == before + after


@given(messages)
def test_what_data_say_is_never_taken_for_a_mark(message):
    text = f"ILMS Exchange: 1 finding\n{harmless(message)}\n[ilms 3]"
    assert list(blocks(text)) == [(0, len(text), 3)]


@given(texts)
def test_texts_come_back_from_their_xml(text):
    assert unescaped(escaped(text)) == text
