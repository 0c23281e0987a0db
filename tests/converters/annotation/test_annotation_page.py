"""The page on annotation says what is so."""

from __future__ import annotations

import re
from pathlib import Path

from converters.annotation.mark import COLOURS
from converters.annotation.wording import load_wording

PAGE = (Path(__file__).parents[3] / "docs" / "annotation.md").read_text(encoding="utf-8")


def test_it_names_the_colours():
    named = re.findall(r"^  \| (\w+)[\w ]* \| [\w ]+, `([0-9A-F]{6})` \|$", PAGE, re.MULTILINE)
    assert dict(named) == {name: colour.removeprefix("FF") for name, colour in COLOURS.items()}


def test_it_names_the_languages_and_each_has_every_word():
    languages = re.search(r"words around the findings: ([a-z, ]+)\.", PAGE)[1].split(", ")
    words = [load_wording(language) for language in languages]
    assert all(word.texts.keys() == words[0].texts.keys() for word in words)
    assert all(set(word.severities) == set(COLOURS) for word in words)
